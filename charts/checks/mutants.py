#!/usr/bin/env python3
"""Breaks the chart in many ways and counts those that the checks notice. All must be noticed: exit code 1 if one was not.

    charts/checks/mutants.py                  rendering, schemas, types and rules; what they let through is run
    charts/checks/mutants.py --run-all        run every mutant, to see what running alone notices
    charts/checks/mutants.py NAME...          these alone
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time

import kubernetes_validate

import rules
import types_of
from common import CHART, HERE, Refused, binary, helm, objects, show, template, values_of
from model import Cluster

FILES = [*values_of("staging"), os.path.join(HERE, "mutants-values.yaml")]
KUBERNETES = "1.34"

# Name, file in templates/, what stands there, what stands there instead.
MUTANTS = [
    ("Modbus leads to REST", "service-modbus.yaml", "targetPort: modbus", "targetPort: api"),
    ("REST leads to the metrics", "service-api.yaml", "targetPort: api", "targetPort: metrics"),
    ("REST leads to no port", "service-api.yaml", "targetPort: api", "targetPort: http"),
    ("headless Service selects nobody", "service-headless.yaml", '"component" "shard" }}\napi', '"component" "shards" }}\napi'),
    ("headless Service has an address", "service-headless.yaml", "  clusterIP: None\n", ""),
    ("headless Service hides who is not ready", "service-headless.yaml", "publishNotReadyAddresses: true", "publishNotReadyAddresses: false"),
    ("serviceName of no Service", "statefulset.yaml", "serviceName: {{ include \"bess.fullname\" . }}-headless", "serviceName: {{ include \"bess.fullname\" . }}"),
    ("per-pod Service selects by a label that no pod has", "service-modbus.yaml", "statefulset.kubernetes.io/pod-name: {{ . }}", "statefulset.kubernetes.io/pod: {{ . }}"),
    ("liveness looks at another page", "_pod.tpl", "livenessProbe:\n  httpGet:\n    path: /healthz", "livenessProbe:\n  httpGet:\n    path: /health"),
    ("liveness looks at readiness", "_pod.tpl", "livenessProbe:\n  httpGet:\n    path: /healthz", "livenessProbe:\n  httpGet:\n    path: /readyz"),
    ("readiness asks at the metrics' port", "_pod.tpl", "    path: /readyz\n    port: api", "    path: /readyz\n    port: metrics"),
    ("probes speak HTTPS", "_farm.tpl", "HTTPS{{- else -}}HTTP{{", "HTTPS{{- else -}}HTTPS{{"),
    ("readinessProbe has a typo", "_pod.tpl", "readinessProbe:", "readynessProbe:"),
    ("the farm's files are not mounted", "_pod.tpl", "- name: farm\n  mountPath: /etc/bess\n", "- name: farms\n  mountPath: /etc/bess\n"),
    ("the farm's files are mounted elsewhere", "_pod.tpl", "mountPath: /etc/bess\n", "mountPath: /etc/bees\n"),
    ("the ConfigMap has no key farm.toml", "configmap.yaml", "  farm.toml: |", "  farm: |"),
    ("the volume names another ConfigMap", "_pod.tpl", "name: {{ include \"bess.farmConfigMap\" . }}\n", "name: {{ include \"bess.fullname\" . }}-config\n"),
    ("the farm file is named by another variable", "_pod.tpl", "name: BESS_FARM\n", "name: BESS_FARM_FILE\n"),
    ("the farm file is looked for elsewhere", "_pod.tpl", "value: /etc/bess/farm.toml", "value: /etc/bess/farm.yaml"),
    ("tokens are looked for elsewhere", "_pod.tpl", "value: /etc/bess-access/tokens.toml", "value: /etc/bess/tokens.toml"),
    ("the state's volume has another name", "statefulset.yaml", "        name: state\n        labels", "        name: data\n        labels"),
    ("the state goes where nobody may write", "statefulset.yaml", "value: /var/lib/bess/state", "value: /state"),
    ("the command has a typo", "statefulset.yaml", "            - serve\n", "            - server\n"),
    ("the verdict's command has a typo", "verdict.yaml", "            - --stepped\n", "            - --step\n"),
    ("pods learn their name in place of their shard", "statefulset.yaml", "metadata.labels['apps.kubernetes.io/pod-index']", "metadata.name"),
    ("pods own other units than the replicas count on", "_pod.tpl", "value: {{ .Values.shards.unitsPerShard | int64 | quote }}", "value: {{ add1 .Values.shards.unitsPerShard | quote }}"),
    ("one pod less than the farm has shards", "_farm.tpl", "div (sub (add (int .Values.farm.units) $k) 1) $k", "div (sub (int .Values.farm.units) 1) $k"),
    ("pods run as root", "_pod.tpl", "runAsUser: 65532", "runAsUser: 0"),
    ("pods run as another user", "_pod.tpl", "runAsUser: 65532", "runAsUser: 1000"),
    ("the volumes belong to root", "_pod.tpl", "fsGroup: 65532\n", "fsGroup: 0\n"),
    ("the root is writable", "_pod.tpl", "readOnlyRootFilesystem: true", "readOnlyRootFilesystem: false"),
    ("capabilities are kept", "_pod.tpl", "  drop: [ALL]", "  drop: []"),
    ("pods get the cluster's Services as variables", "_pod.tpl", "enableServiceLinks: false", "enableServiceLinks: true"),
    ("much too little memory", "_farm.tpl", "add 96 (int .Values.simulation.historyMemory)", "add 4 0"),
    ("a limit of memory by a name that there is not", "_farm.tpl", "limits:\n  cpu", "limit:\n  cpu"),
    ("the drain is longer than the grace period", "_pod.tpl", "{{ printf \"%ds\" (int64 .Values.drainSeconds) | quote }}", "{{ printf \"%dm\" (int64 .Values.drainSeconds) | quote }}"),
    ("pods listen to themselves alone", "_pod.tpl", "value: 0.0.0.0", "value: 127.0.0.1"),
    ("REST listens elsewhere", "_pod.tpl", "- name: BESS_API_PORT\n  value: \"8000\"", "- name: BESS_API_PORT\n  value: \"8001\""),
    ("metrics listen elsewhere", "_pod.tpl", "- name: BESS_METRICS_PORT\n  value: \"9090\"", "- name: BESS_METRICS_PORT\n  value: \"9091\""),
    ("Modbus listens elsewhere", "statefulset.yaml", "value: \"5020\"", "value: \"502\""),
    ("the log has no such form", "_pod.tpl", "value: {{ .Values.log.format }}", "value: {{ .Values.log.format }}l"),
    ("the disruption budget covers nobody", "poddisruptionbudget.yaml", "(dict \"root\" $ \"component\" $component) | nindent 6", "(dict \"root\" $ \"component\" \"bess\") | nindent 6"),
    ("the disruption budget lets nobody go", "poddisruptionbudget.yaml", "maxUnavailable: {{ $.Values.podDisruptionBudget.maxUnavailable }}", "maxUnavailable: 0"),
    ("the monitor selects no Service", "servicemonitor.yaml", 'bess.io/scrape: "true"', 'bess.io/scraped: "true"'),
    ("the monitor names a port that there is not", "_monitor.tpl", "- port: metrics", "- port: http-metrics"),
    ("the monitor scrapes another page", "_monitor.tpl", '"path" "/metrics" ', '"path" "/metric" '),
    ("the monitor has a field that there is not", "_monitor.tpl", "  interval: {{", "  scrapeInterval: {{"),
    ("gateways are asked for units", "_monitor.tpl", "      action: drop\n", "      action: labeldrop\n"),
    ("nobody is asked for units", "_monitor.tpl", "      action: drop\n", "      action: keep\n"),
    ("the monitor calls the job otherwise", "_monitor.tpl", "    - targetLabel: job\n", "    - targetLabel: service\n"),
    ("alerts are left out, not kept", "prometheusrule.yaml", "{{- if not (and $one.alert", "{{- if (and $one.alert"),
    ("rules are torn", "prometheusrule.yaml", "| replace \"http://localhost:3000\"", "| replace \"rate(\" \"rate\" | replace \"http://localhost:3000\""),
    ("Prometheus is kept out", "networkpolicy.yaml", "        - port: metrics\n", "        - port: modbus\n"),
    ("everybody may come in", "networkpolicy.yaml", "  policyTypes: [Ingress, Egress]\n  ingress:", "  policyTypes: [Egress]\n  ingress:"),
    ("the gateway may not reach the shards", "networkpolicy.yaml", "{{- include \"bess.selector\" (dict \"root\" $ \"component\" \"shard\") | nindent 14 }}", "{{- include \"bess.selector\" (dict \"root\" $ \"component\" \"shards\") | nindent 14 }}"),
    ("the gateway looks for shards elsewhere", "gateway.yaml", "{{ $name }}-{shard}.{{ $name }}-headless", "{{ $name }}-{shard}.{{ $name }}"),
    ("the autoscaler scales nobody", "gateway-autoscaler.yaml", "name: {{ include \"bess.fullname\" . }}-gateway\n  min", "name: {{ include \"bess.fullname\" . }}\n  min"),
    ("the Ingress leads nowhere", "ingress.yaml", "name: {{ include \"bess.fullname\" . }}-api", "name: {{ include \"bess.fullname\" . }}"),
    ("pods do not notice other files", "_pod.tpl", "checksum/config:", "sum/config:"),
    ("a study's runs know no index", "study.yaml", "metadata.annotations['batch.kubernetes.io/job-completion-index']", "metadata.annotations['job-index']"),
    ("a study cannot write its results", "study.yaml", "mountPath: /results", "mountPath: /result"),
]


def broken(folder, mutant):
    """A copy of the chart with one thing broken."""
    _, path, old, new = mutant
    chart = os.path.join(folder, "bess")
    shutil.copytree(CHART, chart)
    path = os.path.join(chart, "templates", path)
    with open(path, encoding="utf-8") as file:
        text = file.read()
    if old not in text:
        sys.exit(f"the mutant {mutant[0]!r} breaks nothing: {path} has no {old!r}")
    with open(path, "w", encoding="utf-8") as file:
        file.write(text.replace(old, new))
    return chart


def looked_at(chart, bess, seen):
    """Who notices without running it, and what it says; nothing if nobody does. `seen` has objects that are known to be
    good, and gets those of a chart that is."""
    code, out, err = helm("lint", "--strict", chart, *(part for path in FILES for part in ("--values", path)))
    if code:
        return "helm lint", out + err
    try:
        found = objects(template(FILES, chart=chart))
    except Refused as refused:
        return "helm template", str(refused)
    fresh = [one for one in found if show(one) not in seen]
    for one in fresh:
        try:
            kubernetes_validate.validate(one, KUBERNETES, strict=True)
        except kubernetes_validate.ValidationError as problem:
            return "schema", f"{one['kind']} {one['metadata']['name']}: {problem.message}"
        except kubernetes_validate.SchemaNotFoundError:
            pass
    if any(one["kind"] in types_of.TYPES for one in fresh):
        said, _ = types_of.compiled(fresh)
        if said:
            return "types", said
    try:
        problems = rules.findings(Cluster(found), bess)
    except (ValueError, KeyError) as problem:
        return "rules", f"{problem}"
    if problems:
        return "rules", problems[0]
    seen.update(show(one) for one in found)
    return None


def is_run(chart, wish):
    """What running it says, or nothing if it runs as it must."""
    command = [sys.executable, os.path.join(HERE, "run.py"), "--chart", chart, "--bess", wish.run_bess or wish.bess, "--env", "staging",
               "--values", FILES[-1], "--first", *(["--only", wish.only] if wish.only else [])]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    wrong = [line.strip().removeprefix("WRONG ") for line in ran.stdout.splitlines() if line.strip().startswith("WRONG ")]
    if ran.returncode == 0:
        return None
    return wrong[0] if wrong else (ran.stdout + ran.stderr).strip()[-200:]


def shown(text, width=88):
    text = " ".join(text.split())
    return text if len(text) <= width else text[:width - 1] + "…"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*")
    parser.add_argument("--bess", default=binary())
    parser.add_argument("--run-bess", help="another program to run than the one whose help is read")
    parser.add_argument("--only", help="kinds of pods that are run")
    parser.add_argument("--run-all", action="store_true")
    parser.add_argument("--without-run", action="store_true")
    wish = parser.parse_args()
    begin = time.monotonic()
    seen = set()
    # What is whole must pass, or nothing that follows proves anything.
    whole = looked_at(CHART, wish.bess, seen) or (not wish.without_run and is_run(CHART, wish))
    if whole:
        print(f"the chart itself does not pass: {whole}")
        return 1
    survived, by = [], {}
    for mutant in MUTANTS:
        if wish.names and mutant[0] not in wish.names:
            continue
        with tempfile.TemporaryDirectory(prefix="bess-mutant-") as folder:
            chart = broken(folder, mutant)
            looked = looked_at(chart, wish.bess, seen)
            ran = is_run(chart, wish) if not wish.without_run and (wish.run_all or not looked) else None
        notices = [*([looked[0]] if looked else []), *(["run"] if ran else [])]
        for one in notices:
            by[one] = by.get(one, 0) + 1
        if not notices:
            survived.append(mutant[0])
        print(f"{mutant[0]:52} {' + '.join(notices) or 'NOBODY':16} {shown(looked[1] if looked else ran or '')}", flush=True)
    count = sum(not wish.names or mutant[0] in wish.names for mutant in MUTANTS)
    print(f"{count - len(survived)} of {count} mutants were noticed "
          f"({', '.join(f'{name} {number}' for name, number in sorted(by.items()))}), {time.monotonic() - begin:.0f} s")
    return 1 if survived else 0


if __name__ == "__main__":
    sys.exit(main())
