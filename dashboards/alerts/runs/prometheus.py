"""Which alerts a real Prometheus raises over samples: by the real rules, recording rules included."""

import json
import os
import re
import subprocess
import urllib.parse
import urllib.request

import observe
import rules as source

FILES = RULES, SLO = [os.path.join(observe.ALERTS, name) for name in ("rules.yaml", "slo.yaml")]
# Most points that Prometheus gives for one query.
POINTS_MAX = 10_000


def metrics_of(*texts):
    """Names of our metrics in expressions."""
    return set(re.findall(r"\b(?:bess|process|tokio)_[a-z0-9_]+", " ".join(texts)))


def wanted(alerts):
    """Metrics that these alerts look at, by themselves or by recording rules."""
    records = {record.name: record.expr for record in source.recording.RECORDS + source.recording.SLO_RECORDS}
    texts = [alert.gated() for alert in alerts]
    for text in texts:
        # Also the records that a record takes.
        texts += [expr for name, expr in records.items() if name in text and expr not in texts]
    return metrics_of(*texts)


class Prometheus:
    """One over a folder of samples that scrapes nobody; to be started anew when blocks were added."""

    def __init__(self, folder, step_s):
        self.folder, self.step_s, self.data = folder, step_s, os.path.join(folder, "data")
        self.config = os.path.join(folder, "prometheus.json")
        with open(self.config, "w", encoding="utf-8") as file:
            json.dump({"global": {"evaluation_interval": "1h"}}, file)
        self.child = None

    def start(self):
        port = observe.free_port()
        self.url = f"http://{observe.HOST}:{port}"
        self.child = observe.Child("prometheus", [
            observe.program("prometheus"), f"--config.file={self.config}", f"--storage.tsdb.path={self.data}",
            "--storage.tsdb.retention.time=100y", f"--web.listen-address={observe.HOST}:{port}",
            # Of a series that is not there any more a scrape would have told; samples alone do not.
            f"--query.lookback-delta={3 * self.step_s}s", f"--query.max-samples={200_000_000}",
        ], self.folder)
        self.child.until(lambda: observe.answers(f"{self.url}/-/ready"))

    def stop(self):
        if self.child:
            self.child.stop()
            self.child = None

    def ask(self, path, **parameters):
        body = urllib.parse.urlencode(parameters).encode()
        with urllib.request.urlopen(f"{self.url}/api/v1/{path}", body, timeout=300) as answer:
            return json.load(answer)["data"]

    def take(self, samples, start_s, end_s, rules=RULES):
        """Samples of one or several runs, and what the recording rules of a file make of them."""
        path = os.path.join(self.folder, "samples.txt")
        with open(path, "w", encoding="utf-8") as file:
            for each in samples:
                each.write(file)
            file.write("# EOF\n")
        promtool("tsdb", "create-blocks-from", "openmetrics", "--quiet", path, self.data)
        os.remove(path)
        # Twice: promtool asks the server, which has what a record takes from another only afterwards.
        for _ in range(2):
            self.start()
            promtool("tsdb", "create-blocks-from", "rules", f"--start={start_s}", f"--end={end_s}", f"--url={self.url}",
                     f"--eval-interval={self.step_s}s", f"--output-dir={self.data}", rules)
            self.stop()
        self.start()

    def holds_s(self, expr, start_s, end_s, by="instance"):
        """For how long an expression held without a break at the longest, by a label: {its value: seconds}."""
        longest, step_s = {}, self.step_s
        span = step_s * POINTS_MAX
        begin = start_s
        runs = {}
        while begin < end_s:
            end = min(begin + span - step_s, end_s)
            data = self.ask("query_range", query=expr, start=begin, end=end, step=step_s)
            for series in data["result"]:
                key = json.dumps(series["metric"], sort_keys=True)
                whose = series["metric"].get(by, "")
                for at, _ in series["values"]:
                    first, last = runs.get(key, (at, None))
                    if last is None or at - last > step_s * 1.5:
                        first = at
                    runs[key] = (first, at)
                    longest[whose] = max(longest.get(whose, 0), at - first)
            begin = end + step_s
        return longest


def promtool(*words):
    done = subprocess.run([observe.program("promtool"), *words], capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"promtool {' '.join(words[:3])}: {done.stderr or done.stdout}")
    return done.stdout
