#!/usr/bin/env bash
# Stops when the build cannot succeed: names everything that is missing, each with the command that installs it.
set -euo pipefail
cd "$(dirname "$0")/.."

missing=0

report() { # WHAT COMMAND
    printf 'error: %s\n  install it with: %s\n' "$1" "$2" >&2
    missing=1
}

# The command that installs a package, by its names in Debian, in Fedora and on macOS.
package() { # DEBIAN FEDORA MACOS
    if command -v brew >/dev/null; then
        echo "$3"
    elif command -v dnf >/dev/null; then
        echo "sudo dnf install $2"
    else
        echo "sudo apt-get install $1"
    fi
}

# Whether version $1 is at least version $2.
at_least() {
    [ "$(printf '%s\n%s\n' "$1" "$2" | sort -V | head -n 1)" = "$2" ]
}

rust_wanted=$(sed -n 's/^rust-version = "\(.*\)"$/\1/p' Cargo.toml)
if ! command -v cargo >/dev/null; then
    found=""
    [ ! -x "$HOME/.cargo/bin/cargo" ] || found="; there is one in $HOME/.cargo/bin: . \"$HOME/.cargo/env\""
    report "cargo is missing from PATH$found" "curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs | sh"
elif ! rust_found=$(cargo --version 2>/dev/null | cut -d ' ' -f 2); then
    report "cargo does not run: rustup has no toolchain" "rustup default stable"
elif ! at_least "$rust_found" "$rust_wanted"; then
    report "Rust $rust_found is too old: $rust_wanted or newer is needed" "rustup update stable"
fi

compiler=${CXX:-c++}
# Unquoted: CXX may hold options or a launcher such as ccache.
if ! $compiler -std=c++17 -fsyntax-only -x c++ - 2>/dev/null <<<'#include <string_view>'; then
    report "a C++17 compiler ($compiler) is missing" "$(package g++ gcc-c++ 'xcode-select --install')"
elif ! command -v strip >/dev/null || ! command -v nm >/dev/null; then
    report "strip and nm are missing" "$(package binutils binutils 'xcode-select --install')"
fi

install_python=$(package 'python3 python3-venv' python3 'brew install python')
if ! command -v python3 >/dev/null; then
    report "python3 is missing" "$install_python"
elif ! python3 -c 'import tomllib' 2>/dev/null; then
    report "$(python3 --version) is too old: 3.11 or newer is needed" "$install_python"
elif ! python3 -c 'import ensurepip, venv' 2>/dev/null; then
    report "python3 lacks its venv module" "$install_python"
fi

exit "$missing"
