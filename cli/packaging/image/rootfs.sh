#!/bin/sh
# Lays out everything that the image holds, for the last stage of the Dockerfile to copy:
#   OUT/rootfs/usr/bin/bess            the binary, checked to need no library
#   OUT/rootfs/usr/share/doc/bess/     the licence, those of all that is linked in, and the bill of materials
#   OUT/rootfs/etc/passwd, etc/group   a name for the user that it runs as
#   OUT/owned/lib/bess, log/bess       below /var, the user's: what outlives the container
# usage: rootfs.sh BINARY THIRD-PARTY SBOM OUT
set -eu
[ $# = 4 ] || { sed -n 's/^# //p' "$0" >&2; exit 2; }
binary=$1 licences=$2 sbom=$3 out=${4%/}/rootfs owned=${4%/}/owned
here=$(cd "$(dirname "$0")" && pwd)

if readelf -lW "$binary" | grep -q INTERP; then
    echo "rootfs.sh: $binary needs a loader and libraries; build it with -C target-feature=+crt-static" >&2
    exit 1
fi
for file in "$licences" "$sbom"; do
    [ -s "$file" ] || { echo "rootfs.sh: $file is missing or empty" >&2; exit 1; }
done
rm -rf "$out" "$owned"
mkdir -p "$(dirname "$out")"
install -d -m 755 "$out" "$out/usr" "$out/usr/bin" "$out/usr/share" "$out/usr/share/doc" "$out/usr/share/doc/bess" \
    "$out/etc" "$out/var" "$out/var/lib" "$out/var/log"
install -m 755 "$binary" "$out/usr/bin/bess"
install -m 644 "$here/../../../LICENSE" "$out/usr/share/doc/bess/LICENSE"
install -m 644 "$licences" "$out/usr/share/doc/bess/THIRD-PARTY.txt"
install -m 644 "$sbom" "$out/usr/share/doc/bess/sbom.cdx.json"
echo "bess:x:65532:65532:bess:/var/lib/bess:/none" > "$out/etc/passwd"
echo "bess:x:65532:" > "$out/etc/group"
chmod 644 "$out/etc/passwd" "$out/etc/group"
# Their owner is set by the copy; one who is not root cannot set it here.
install -d -m 755 "$owned" "$owned/lib" "$owned/log" "$owned/log/bess"
install -d -m 750 "$owned/lib/bess"
