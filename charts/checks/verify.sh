#!/bin/sh
# Runs what each environment renders, with the proof of the CPU limit, and breaks the chart in many ways. Needs root: each
# pod gets namespaces, a user and limits of its own. A quarter of an hour.
#
#   charts/checks/verify.sh            BESS_BIN names the program
set -eu
here=$(cd "$(dirname "$0")" && pwd)
python=$here/../../.tools/charts/venv/bin/python
as_root=
[ "$(id -u)" = 0 ] || as_root="sudo --preserve-env=BESS_BIN,PATH"
for environment in dev staging prod; do
    echo "== $environment"
    # Of the CPU limit only where it is large enough to be halved: prod.
    $as_root "$python" "$here/run.py" --env "$environment" $([ "$environment" != prod ] || echo --cpu)
done
for values in access files; do
    echo "== $values"
    $as_root "$python" "$here/run.py" --values "$here/../bess/ci/$values-values.yaml" --without-alert
done
echo "== resharding"
$as_root "$python" "$here/reshard.py"
echo "== mutants"
$as_root "$python" "$here/mutants.py"
