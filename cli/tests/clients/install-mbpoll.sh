#!/bin/sh
# Puts mbpoll into .tools/bin, without root and without touching the system: the Debian packages are
# downloaded by apt and unpacked beside it. Where that is not possible the tests with mbpoll are
# skipped and say so, so this never fails a build.
set -u
tools=$(cd "$(dirname "$0")/../../.." && pwd)/.tools
[ -x "$tools/bin/mbpoll" ] && exit 0
give_up() {
    echo "mbpoll is not at hand ($1): its tests will be skipped" >&2
    exit 0
}
command -v apt-get >/dev/null && command -v dpkg >/dev/null || give_up "no apt"
mkdir -p "$tools/bin" "$tools/mbpoll" || give_up "cannot write $tools"
cd "$tools/mbpoll" || give_up "cannot enter $tools/mbpoll"
# Lists of packages may be missing on a fresh machine; only root may fetch them.
if ! apt-cache show mbpoll >/dev/null 2>&1 && [ "$(id -u)" = 0 ]; then
    apt-get update -qq || give_up "apt-get update failed"
fi
library=$(apt-cache depends mbpoll 2>/dev/null | awk '/Depends: libmodbus/ { print $2; exit }')
[ -n "$library" ] || give_up "apt knows no mbpoll"
download() { apt-get download -qq mbpoll "$library" 2>/dev/null; }
# Lists that are too old name files that are gone.
download || { [ "$(id -u)" = 0 ] && apt-get update -qq && download; } || give_up "apt-get download failed"
for package in ./*.deb; do
    dpkg -x "$package" . || give_up "cannot unpack $package"
done
found=$(find "$tools/mbpoll" -name 'libmodbus.so.*' | head -n 1)
[ -n "$found" ] || give_up "no libmodbus in the packages"
cat > "$tools/bin/mbpoll" <<EOF
#!/bin/sh
LD_LIBRARY_PATH="$(dirname "$found")" exec "$tools/mbpoll/usr/bin/mbpoll" "\$@"
EOF
chmod +x "$tools/bin/mbpoll"
