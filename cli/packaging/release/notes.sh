#!/bin/sh
# Prints what CHANGELOG.md tells of a version; exit code 1 where it tells nothing.
# usage: notes.sh VERSION [CHANGELOG]
set -eu
[ $# -ge 1 ] || { sed -n 's/^# //p' "$0" >&2; exit 2; }
file=${2:-$(dirname "$0")/../../../CHANGELOG.md}
# A heading such as `## 1.2.3 - 2026-11-30` or `## [1.2.3]`, up to the next one.
notes=$(awk -v version="$1" '
    /^## / { name = $2; gsub(/[][]/, "", name); inside = name == version; next }
    inside { print }' "$file")
if [ -z "$(printf %s "$notes" | tr -d '[:space:]')" ]; then
    echo "notes.sh: $file has nothing under '## $1'" >&2
    exit 1
fi
printf '%s\n' "$notes" | sed '/./,$!d'
