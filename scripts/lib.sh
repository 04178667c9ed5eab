# Shared by the scripts beside it; source it, don't run it.
# shellcheck shell=bash
# What is set here is used there.
# shellcheck disable=SC2034
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root"

# Build output and toolchain live outside the checkout, so that a fresh clone on the same
# machine reuses them.
cache=${ASSAY_CACHE:-$HOME/.cache/assay}
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$cache/target}
# The target folder is outside the workspace, so the wasm build has to be told where it is.
export WASM_BUILD_WORKSPACE_HINT=$root
bin=$CARGO_TARGET_DIR/release
wasm_toolchain=$cache/wasm-toolchain
wasm_toolchain_name=assay-wasm
tools=$cache/tools/bin

say() { printf '%s\n' "$*" >&2; }
die() { say "error: $*"; exit 1; }

# Where setup made a toolchain for the wasm runtime, the build has to be told.
use_wasm_toolchain() {
    if [ -f "$cache/wasm-toolchain-name" ]; then
        WASM_BUILD_TOOLCHAIN=$(cat "$cache/wasm-toolchain-name")
        export WASM_BUILD_TOOLCHAIN
    fi
}
use_wasm_toolchain

# litep2p has OpenSSL in it, and compiles a copy unless it is told to use the system's. This saves
# time, and the distribution keeps the library up to date.
if pkg-config --exists 'openssl >= 3' 2>/dev/null; then export OPENSSL_NO_VENDOR=1; fi

# One profile and one package selection everywhere: features are unified per selection, and a
# second selection would build the dependencies a second time.
cargo_flags=(--release --workspace --locked)

# Refuses to begin with too little disk: a full one ends a build late, and nodes stop with less than
# 1 GiB free. Arguments: what takes how many GiB of the target folder's disk.
needs_disk() {
    local dir=$CARGO_TARGET_DIR
    while [ ! -e "$dir" ]; do dir=$(dirname "$dir"); done
    has_disk "$dir" CARGO_TARGET_DIR "$1" "$2"
    has_disk "${TMPDIR:-/tmp}" TMPDIR "the nodes take" 2
}

has_disk() {
    local free=$(($(df --output=avail -k "$1" | tail -1) / 1024 / 1024))
    [ "$free" -ge "$4" ] ||
        die "$3 $4 GiB of disk, and $1 has $free: make room, or set $2 to a folder on a larger disk"
}

build() {
    needs_disk "building and running take" 5
    # Again, because setup may have run since this file was read.
    use_wasm_toolchain
    say "building (the first time this takes about 20 minutes on two cores) ..."
    cargo build "${cargo_flags[@]}" "$@"
}

# Builds the runtime with this feature of zombienet/trial-runtime, and writes it to a file.
trial_runtime() {
    say "building the runtime with $1 (the first time this takes about ten minutes) ..."
    CARGO_TARGET_DIR=$cache/zombienet-target cargo run --release --locked \
        --manifest-path zombienet/Cargo.toml --package assay-trial-runtime --features "$1" >"$2"
}

# Writes the specification of a chain with another runtime. Arguments: the node, the chain, the file of
# the runtime, the file of the specification.
trial_specification() {
    "$1" export-chain-spec --chain "$2" | python3 -c '
import json, sys
spec = json.load(sys.stdin)
with open(sys.argv[1], "rb") as code:
    spec["genesis"]["runtimeGenesis"]["code"] = "0x" + code.read().hex()
json.dump(spec, sys.stdout)' "$3" >"$4"
}
