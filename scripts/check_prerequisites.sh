#!/usr/bin/env bash
# Stops when the build cannot succeed: names everything that is missing, each with the command that installs it.
set -euo pipefail
cd "$(dirname "$0")/.."

missing=0

report() { # WHAT COMMAND
    printf 'error: %s\n  install it with: %s\n' "$1" "$2" >&2
    missing=1
}

# Whether version $1 is at least version $2.
at_least() {
    [ "$(printf '%s\n%s\n' "$1" "$2" | sort -V | head -n 1)" = "$2" ]
}

rust_wanted=$(sed -n 's/^rust-version = "\(.*\)"$/\1/p' Cargo.toml)
if ! command -v cargo >/dev/null; then
    report "cargo is missing" "curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs | sh"
elif rust_found=$(cargo --version | cut -d ' ' -f 2) && ! at_least "$rust_found" "$rust_wanted"; then
    report "Rust $rust_found is too old: $rust_wanted or newer is needed" "rustup update stable"
fi

if ! "${CXX:-c++}" -std=c++17 -fsyntax-only -x c++ - 2>/dev/null <<<'#include <string_view>'; then
    report "a C++17 compiler (${CXX:-c++}) is missing" "sudo apt-get install g++"
elif ! command -v strip >/dev/null || ! command -v nm >/dev/null; then
    report "strip and nm are missing" "sudo apt-get install binutils"
fi

if ! command -v python3 >/dev/null; then
    report "python3 is missing" "sudo apt-get install python3 python3-venv"
elif ! python3 -c 'import tomllib' 2>/dev/null; then
    report "$(python3 --version) is too old: 3.11 or newer is needed" "sudo apt-get install python3 python3-venv"
elif ! python3 -c 'import ensurepip, venv' 2>/dev/null; then
    report "python3 lacks its venv module" "sudo apt-get install python3-venv"
fi

exit "$missing"
