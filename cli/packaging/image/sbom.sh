#!/bin/sh
# Writes the bill of materials of the binary (CycloneDX, JSON) from the lock file.
# usage: sbom.sh TARGET OUT; needs cargo-cyclonedx (cargo install --locked cargo-cyclonedx)
set -eu
[ $# = 2 ] || { sed -n 's/^# //p' "$0" >&2; exit 2; }
root=$(cd "$(dirname "$0")/../../.." && pwd)
name=sbom-$$
trap 'find "$root" -maxdepth 2 -name "$name.json" -delete' EXIT
# It writes one beside the manifest of each member of the workspace.
cargo cyclonedx --quiet --manifest-path "$root/cli/Cargo.toml" --format json --spec-version 1.5 --target "$1" \
    --no-build-deps --override-filename "$name"
mkdir -p "$(dirname "$2")"
# Without the spaces, which are a third of it.
python3 -c 'import json, sys; json.dump(json.load(sys.stdin), sys.stdout, separators=(",", ":"))' \
    < "$root/cli/$name.json" > "$2"
