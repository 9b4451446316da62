#!/usr/bin/env bash
# Builds the workspace and lays out the products:  build.sh RELEASE_FOLDER
# Expects CARGO_TARGET_DIR. Cargo's own target folder may be shared by several checkouts; build/ is this one's.
set -euo pipefail
cd "$(dirname "$0")/.."

release=$1
compiled="$CARGO_TARGET_DIR/release"
case "$(uname -s)" in
Darwin) library=libduckherder.dylib ;;
*) library=libduckherder.so ;;
esac

if ! compgen -G "$compiled/build/libduckdb-sys-*/out/libduckdb.a" >/dev/null; then
    echo "First build: DuckDB itself is compiled, once, about 30 minutes on 2 cores; all else takes 20 more."
fi

# Cargo gives the products of all checkouts the same names. Hold a lock from the build to the copy, so that a build of
# another checkout cannot put its products in between.
mkdir -p "$CARGO_TARGET_DIR" "$release/test" "$release/extension/duckherder"
exec {lock}>"$CARGO_TARGET_DIR/.products.lock"
if command -v flock >/dev/null; then
    flock "$lock"
fi

cargo build --release --workspace --locked
install -m 755 "$compiled/duckdb" "$compiled/duckling-server" "$compiled/duckherder-benchmark" "$release/"
install -m 755 "$compiled/unittest" "$release/test/"
python3 scripts/append_metadata.py "$compiled/$library" "$release/extension/duckherder/duckherder.duckdb_extension"

echo "Built in $release: duckdb duckling-server duckherder-benchmark test/unittest" \
    "extension/duckherder/duckherder.duckdb_extension"
