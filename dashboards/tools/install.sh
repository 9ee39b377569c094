#!/bin/sh
# Puts prometheus, promtool, alertmanager and amtool into .tools/observe/bin, without root and without
# touching the system: the packages come from Debian unstable by apt, with lists, cache and state of its
# own, and are unpacked beside each other. No daemon is started, no service installed. apt checks the
# signature of the lists and the checksum of each package.
#
#   dashboards/tools/install.sh           install what is missing; quick when nothing is
#   dashboards/tools/install.sh --force   fetch the newest packages
set -eu
tools=$(cd "$(dirname "$0")/../.." && pwd)/.tools/observe
keys=/usr/share/keyrings/debian-archive-keyring.gpg
# The mirror that this machine uses for Debian itself.
mirror=${BESS_DEBIAN_MIRROR:-$(apt-get indextargets --format '$(REPO_URI)' 2>/dev/null | grep -m 1 '/debian/$' || true)}
packages="prometheus promtool prometheus-alertmanager"
programs="prometheus promtool prometheus-alertmanager amtool"

ready() {
    for program in $programs; do
        "$tools/bin/$program" --version >/dev/null 2>&1 || return 1
    done
}
fail() {
    echo "dashboards/tools/install.sh: $1" >&2
    exit 1
}

[ "${1:-}" = --force ] || ! ready || exit 0
command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null || fail \
    "there is no apt here: put $programs (Prometheus 3, Alertmanager 0.27 or newer) into $tools/bin"
[ -n "$mirror" ] || fail "apt knows no mirror of Debian here: name one in BESS_DEBIAN_MIRROR"
[ -r "$keys" ] || fail "$keys is missing: install the package debian-archive-keyring"

apt=$tools/apt
mkdir -p "$apt/etc" "$apt/lists/partial" "$apt/cache/archives/partial" "$apt/packages" "$tools/bin"
: > "$apt/status"
echo "deb [signed-by=$keys] $mirror sid main" > "$apt/etc/sources.list"
private() {
    apt-get -q -o Dir::Etc::sourcelist="$apt/etc/sources.list" -o Dir::Etc::sourceparts=/dev/null \
        -o Dir::Etc::preferencesparts=/dev/null -o Dir::State::lists="$apt/lists" -o Dir::State::status="$apt/status" \
        -o Dir::Cache="$apt/cache" -o APT::Sandbox::User="$(id -un)" -o Acquire::Languages=none \
        -o Acquire::Retries=3 "$@"
}
private update >&2 || fail "apt cannot read the lists of $mirror; set BESS_DEBIAN_MIRROR to a mirror that you reach"
rm -rf "$apt/packages" "$tools/root"
mkdir -p "$apt/packages" "$tools/root"
(cd "$apt/packages" && private download $packages) >&2 || fail "apt cannot download $packages"
for package in "$apt/packages"/*.deb; do
    dpkg-deb -x "$package" "$tools/root"
done
for program in prometheus promtool amtool; do
    ln -sf "../root/usr/bin/$program" "$tools/bin/$program"
done
# Debian's Alertmanager reads its templates from /usr/share alone. Its copy here looks for them from where it
# runs instead: a path of the same length, and a start in the folder that holds it.
alertmanager=$tools/root/usr/bin/prometheus-alertmanager
LC_ALL=C sed -i 's#/usr/share/prometheus/alertmanager#usr/share/prometheus//alertmanager#g' "$alertmanager"
rm -f "$tools/bin/prometheus-alertmanager"
cat > "$tools/bin/prometheus-alertmanager" <<END
#!/bin/sh
cd "$tools/root" && exec "$alertmanager" "\$@"
END
chmod +x "$tools/bin/prometheus-alertmanager"
# 100 MB of lists and packages that nobody needs again.
rm -rf "$apt"
ready || fail "what was unpacked does not run on this machine"
