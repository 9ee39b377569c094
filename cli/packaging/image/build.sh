#!/bin/sh
# Builds the image around a binary that is there: the last stage of the Dockerfile, by buildah, without a daemon and
# without pulling anything. `docker build .` makes the same from nothing.
# usage: build.sh BINARY THIRD-PARTY SBOM IMAGE
set -eu
[ $# = 4 ] || { sed -n 's/^# //p' "$0" >&2; exit 2; }
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$here/rootfs.sh" "$1" "$2" "$3" "$work/stage"
# From the last FROM on, as it stands; the stage that it copies from is a folder.
awk '/^FROM / { text = "" } { text = text $0 "\n" } END { printf "%s", text }' "$root/Dockerfile" > "$work/Dockerfile"
mkdir "$work/context"
revision=$(git -C "$root" rev-parse HEAD 2>/dev/null || echo unknown)
version=$(sed -n 's/^version = "\(.*\)"/\1/p' "$root/Cargo.toml" | head -n 1)
# The format of Docker: OCI's has no health check.
buildah --storage-driver vfs bud --isolation chroot --format docker --timestamp 0 --quiet \
    --build-context build="$work/stage" --build-arg VERSION="$version" --build-arg REVISION="$revision" \
    --file "$work/Dockerfile" --tag "$4" "$work/context"
