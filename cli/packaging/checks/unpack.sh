#!/bin/sh
# Unpacks packages of Debian unstable into a folder, without root and without touching the system: apt with lists,
# cache and state of its own checks the signature of the lists and the checksum of each package. Nothing is started,
# no service installed.
# usage: unpack.sh FOLDER PACKAGE...
set -eu
[ $# -ge 2 ] || { sed -n 's/^# //p' "$0" >&2; exit 2; }
mkdir -p "$1"
folder=$(cd "$1" && pwd)
shift
keys=/usr/share/keyrings/debian-archive-keyring.gpg
# The mirror that this machine uses for Debian itself.
mirror=${BESS_DEBIAN_MIRROR:-$(apt-get indextargets --format '$(REPO_URI)' 2>/dev/null | grep -m 1 '/debian/$' || true)}
fail() {
    echo "unpack.sh: $1" >&2
    exit 1
}
command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null || fail "there is no apt here: put $* into $folder by hand"
[ -n "$mirror" ] || fail "apt knows no mirror of Debian here: name one in BESS_DEBIAN_MIRROR"
[ -r "$keys" ] || fail "$keys is missing: install the package debian-archive-keyring"

apt=$folder/.apt
rm -rf "$apt"
mkdir -p "$apt/etc" "$apt/lists/partial" "$apt/cache/archives/partial" "$apt/packages"
: > "$apt/status"
echo "deb [signed-by=$keys] $mirror sid main" > "$apt/etc/sources.list"
private() {
    apt-get -q -o Dir::Etc::sourcelist="$apt/etc/sources.list" -o Dir::Etc::sourceparts=/dev/null \
        -o Dir::Etc::preferencesparts=/dev/null -o Dir::State::lists="$apt/lists" -o Dir::State::status="$apt/status" \
        -o Dir::Cache="$apt/cache" -o APT::Sandbox::User="$(id -un)" -o Acquire::Languages=none \
        -o Acquire::Retries=3 "$@"
}
private update >&2 || fail "apt cannot read the lists of $mirror; set BESS_DEBIAN_MIRROR to a mirror that you reach"
(cd "$apt/packages" && private download "$@") >&2 || fail "apt cannot download $*"
for package in "$apt/packages"/*.deb; do
    dpkg-deb -x "$package" "$folder"
done
rm -rf "$apt"
