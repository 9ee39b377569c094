"""Prometheus and Alertmanager for a node: scrapes are those of the monitors, rules those of the PrometheusRule."""

import json
import os
import subprocess
import time
import urllib.parse

import rules
from common import OBSERVE, ROOT
from model import NAMESPACE
from node import Failed, get

PROMETHEUS, ALERTMANAGER = "127.0.0.1:9091", "127.0.0.1:9093"


def scrape_configs(cluster):
    """What the operator would make of the monitors: a job for each endpoint, its targets those that the selectors find."""
    jobs = []
    for monitor in cluster.kind("ServiceMonitor", "PodMonitor"):
        kind = "serviceMonitor" if monitor["kind"] == "ServiceMonitor" else "podMonitor"
        endpoints = monitor["spec"].get("endpoints") or monitor["spec"].get("podMetricsEndpoints")
        for index, endpoint in enumerate(endpoints):
            targets = []
            for pod, service, other, port in rules.monitored(cluster, monitor):
                if other is not endpoint or port is None:
                    continue
                labels = {"__meta_kubernetes_namespace": NAMESPACE, "__meta_kubernetes_pod_name": pod.name,
                          "__meta_kubernetes_pod_container_name": pod.spec["containers"][0]["name"]}
                labels |= {f"__meta_kubernetes_pod_label_{rules.discovered(key)}": value for key, value in pod.labels.items()}
                if service:
                    labels["__meta_kubernetes_service_name"] = service["metadata"]["name"]
                    labels |= {f"__meta_kubernetes_service_label_{rules.discovered(key)}": value
                               for key, value in service["metadata"]["labels"].items()}
                targets.append({"targets": [f"{pod.ip}:{port}"], "labels": labels})
            # The operator's own labels come first, those of the monitor may replace them.
            relabel = [{"source_labels": [source], "target_label": target} for source, target in (
                ("__meta_kubernetes_namespace", "namespace"), ("__meta_kubernetes_pod_name", "pod"),
                ("__meta_kubernetes_pod_container_name", "container"), ("__meta_kubernetes_service_name", "service"))]
            relabel.append({"target_label": "endpoint", "replacement": endpoint["port"]})
            names = {"sourceLabels": "source_labels", "targetLabel": "target_label"}
            relabel += [{names.get(key, key): value for key, value in one.items()} for one in endpoint.get("relabelings") or []]
            job = {"job_name": f"{kind}/{NAMESPACE}/{monitor['metadata']['name']}/{index}", "metrics_path": endpoint["path"],
                   "scheme": endpoint.get("scheme", "http"), "scrape_interval": endpoint["interval"],
                   "scrape_timeout": endpoint["scrapeTimeout"], "relabel_configs": relabel, "static_configs": targets}
            for key, name in (("sampleLimit", "sample_limit"), ("labelLimit", "label_limit")):
                if key in monitor["spec"]:
                    job[name] = monitor["spec"][key]
            if endpoint.get("params"):
                job["params"] = endpoint["params"]
            jobs.append(job)
    return jobs


class Watch:
    """Both programs, in the node's namespaces; they end with them."""

    def __init__(self, cluster, folder):
        self.jobs = scrape_configs(cluster)
        self.targets = sum(len(job["static_configs"]) for job in self.jobs)
        files = []
        for one in cluster.kind("PrometheusRule"):
            files.append(os.path.join(folder, f"{one['metadata']['name']}.rules.json"))
            with open(files[-1], "w", encoding="utf-8") as file:
                json.dump(one["spec"], file)
        config = {"global": {"evaluation_interval": "1s"}, "rule_files": files, "scrape_configs": self.jobs,
                  "alerting": {"alertmanagers": [{"static_configs": [{"targets": [ALERTMANAGER]}]}]}}
        path = os.path.join(folder, "prometheus.json")
        with open(path, "w", encoding="utf-8") as file:
            json.dump(config, file, indent=1)
        self.children = []
        self._start("prometheus-alertmanager", folder, [
            f"--config.file={os.path.join(ROOT, 'dashboards', 'alerts', 'alertmanager.yml')}",
            f"--storage.path={folder}/alertmanager", "--cluster.listen-address=", f"--web.listen-address={ALERTMANAGER}"])
        self._start("prometheus", folder, [f"--config.file={path}", f"--storage.tsdb.path={folder}/prometheus",
                                           f"--web.listen-address={PROMETHEUS}"])
        for address in (ALERTMANAGER, PROMETHEUS):
            self._until(lambda address=address: get(f"http://{address}/-/ready")[0] == 200, 60, f"{address} is not ready")

    def _start(self, program, folder, flags):
        log = open(os.path.join(folder, program + ".log"), "w", encoding="utf-8")  # noqa: SIM115
        self.children.append((subprocess.Popen([os.path.join(OBSERVE, program), *flags], stdin=subprocess.DEVNULL,
                                               stdout=log, stderr=subprocess.STDOUT), log.name))

    def _until(self, ready, limit_s, else_say):
        deadline = time.monotonic() + limit_s
        while not ready():
            for child, log in self.children:
                if child.poll() is not None:
                    with open(log, encoding="utf-8") as file:
                        raise Failed("".join(file.readlines()[-5:]))
            if time.monotonic() > deadline:
                raise Failed(else_say)
            time.sleep(0.2)

    @staticmethod
    def _json(address, path):
        status, body = get(f"http://{address}{path}", 10)
        return json.loads(body) if status == 200 else None

    def query(self, expression):
        """Series of an instant query: labels and value."""
        data = self._json(PROMETHEUS, "/api/v1/query?query=" + urllib.parse.quote(expression))
        return [(one["metric"], float(one["value"][1])) for one in data["data"]["result"]] if data else []

    def wait_for_targets(self, limit_s=60.0):
        """Waits until every target was scraped with success; what is wrong with those that were not."""
        deadline = time.monotonic() + limit_s
        while True:
            targets = self._json(PROMETHEUS, "/api/v1/targets?state=active")
            targets = targets["data"]["activeTargets"] if targets else []
            down = [one for one in targets if one["health"] != "up"]
            if len(targets) == self.targets and not down:
                return []
            if time.monotonic() > deadline:
                return [f"{one['scrapeUrl']}: {one['health']} {one['lastError']}" for one in down] or [
                    f"{len(targets)} of {self.targets} targets"]
            time.sleep(0.3)

    def wait_for_alert(self, name, limit_s, **labels):
        """Seconds until Alertmanager has this alert with these labels, or None."""
        begin = time.monotonic()
        while time.monotonic() - begin < limit_s:
            for one in self._json(ALERTMANAGER, "/api/v2/alerts") or []:
                if one["labels"]["alertname"] == name and all(one["labels"].get(key) == value for key, value in labels.items()):
                    return time.monotonic() - begin
            time.sleep(0.3)
        return None

    def rules_in_error(self):
        """Rules that Prometheus could not evaluate, and how many there are."""
        groups = self._json(PROMETHEUS, "/api/v1/rules")["data"]["groups"]
        every = [rule for group in groups for rule in group["rules"]]
        return [f"{rule['name']}: {rule['lastError']}" for rule in every if rule["health"] == "err"], len(every)
