#!/bin/sh
# Proves the rules: nothing stale, a scenario for each alert, promtool's lints, every alert's tests, Alertmanager's routes.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
"$here/../tools/install.sh"
PATH="$here/../../.tools/observe/bin:$PATH"
python3 "$here/rules.py" --check
python3 "$here/matrix.py" --check
promtool check rules --lint=all --lint-fatal "$here/rules.yaml" "$here/slo.yaml"
amtool check-config "$here/alertmanager.yml"
python3 "$here/routes.py"
# Two at a time: one process of promtool takes a core.
failed=$(mktemp)
trap 'rm -f "$failed"' EXIT
printf '%s\n' "$here"/tests/*.yaml |
    xargs -P 2 -I FILE sh -c 'said=$(promtool test rules FILE 2>&1) || { echo "$said"; echo FILE >> "$1"; }' - "$failed"
[ ! -s "$failed" ] || { echo "tests of alerts failed in:" && sort "$failed"; exit 1; }
echo "the tests of all alerts pass"
