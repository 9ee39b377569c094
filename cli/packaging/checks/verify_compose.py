"""compose.yaml is run as far as it can be without a registry: bess from its image, Prometheus and Alertmanager from images
made of Debian's programs, each with the commands, mounts, networks and hardening of the file. Grafana, Loki, Alloy and Tempo
are in no package: of them only what test_files.py says is known."""

import json
import pathlib
import re
import unittest

import yaml

from common import HOST, ROOT, VENV, ask, free_port, is_ready, run, said, until
from containers import IMAGE, Podman

OBSERVE = ROOT / ".tools" / "observe" / "root"
KEPT = ("bess", "prometheus", "alertmanager")


class Compose(unittest.TestCase):
    def setUp(self):
        self.podman = Podman()
        self.addCleanup(self.podman.close)
        self.folder = pathlib.Path(self.podman.folder.name)

    def stand_in(self, name, program):
        """An image of a program of Debian with the libraries that it names."""
        folder = self.folder / name
        binary = OBSERVE / "usr" / "bin" / program
        libraries = re.findall(r"(/\S+\.so\S*) \(", run("ldd", binary).stdout)
        for path in [binary, *map(pathlib.Path, libraries)]:
            target = folder / "rootfs" / (f"bin/{name}" if path == binary else str(path)[1:])
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(path.read_bytes())
            target.chmod(0o755)
        (folder / "owned" / name).mkdir(parents=True)
        lines = ["FROM scratch", "COPY rootfs/ /", "COPY --chown=65534:65534 owned/ /"]
        templates = OBSERVE / "usr" / "share" / "prometheus" / "alertmanager"
        if name == "alertmanager":
            run("cp", "-r", templates, folder / "templates", check=True)
            lines.append("COPY templates/ /usr/share/prometheus/alertmanager/")
        lines += ["USER 65534:65534", "WORKDIR /", f'ENTRYPOINT ["/bin/{name}"]']
        (folder / "Dockerfile").write_text("\n".join(lines) + "\n")
        tag = f"localhost/bess-verify/{name}:latest"
        built = run("buildah", "--storage-driver", "vfs", "bud", "--isolation", "chroot", "--quiet", "--tag", tag, folder,
                    env=self.podman.environment)
        self.assertEqual(built.returncode, 0, said(built))
        self.podman.made.append(("rmi", "--force", tag))
        return tag

    def file(self):
        """The file, less what there is no image for; ports are free ones, paths whole."""
        config = yaml.safe_load((ROOT / "compose.yaml").read_text())
        services = {name: config["services"][name] for name in KEPT}
        images = {"bess": IMAGE, "prometheus": self.stand_in("prometheus", "prometheus"),
                  "alertmanager": self.stand_in("alertmanager", "prometheus-alertmanager")}
        self.ports = {}
        for name, service in services.items():
            service["image"] = images[name]
            service.pop("build", None)
            service.pop("pull_policy", None)
            # Nobody asks for health where there is no systemd; the test asks itself.
            service.pop("healthcheck", None)
            service["depends_on"] = [other for other in service.get("depends_on", []) if other in KEPT]
            # Of podman's own here.
            service.pop("logging", None)
            service["restart"] = "no"
            service["volumes"] = [mount.replace("./", f"{ROOT}/", 1) if mount.startswith("./") else mount
                                  for mount in service["volumes"]]
            ports = []
            for port in service["ports"]:
                inner = port.rsplit(":", 1)[1]
                self.ports[name, int(inner)] = outer = free_port()
                ports.append(f"{HOST}:{outer}:{inner}")
            service["ports"] = ports
        config["services"] = services
        config["volumes"] = {name: None for name in ("state", "logs", "prometheus", "alertmanager")}
        config.pop("name")
        path = self.folder / "compose.yaml"
        path.write_text(yaml.safe_dump(config))
        return path

    def compose(self, *words):
        return run(VENV / "podman-compose", "--project-name", self.podman.name, "--file", self.path, *words,
                   env=self.podman.environment, cwd=self.folder)

    def until(self, ready, what, limit_s=60):
        try:
            return until(ready, what, limit_s)
        except AssertionError as late:
            raise AssertionError(f"{late}\n{said(self.compose('logs', '--tail', '15'))}") from None

    def query(self, text):
        status, answer = ask(f"http://{HOST}:{self.ports['prometheus', 9090]}/api/v1/query?query={text}")
        return json.loads(answer)["data"]["result"] if status == 200 else []

    def test_a_disturbance_of_the_farm_reaches_alertmanager(self):
        self.path = self.file()
        self.addCleanup(lambda: self.compose("down", "--volumes", "--timeout", "5"))
        ran = self.compose("up", "--detach")
        self.assertEqual(ran.returncode, 0, said(ran))
        rest = self.ports["bess", 8000]
        self.until(lambda: is_ready(rest), "the farm")
        self.until(lambda: [one for one in self.query("up{job=%22bess%22}") if one["value"][1] == "1"], "a scrape of bess")
        outage = {"kind": "outage", "duration_s": 600}
        status, text = ask(f"http://{HOST}:{rest}/api/v1/grid/disturbances", "POST", outage)
        self.assertEqual(status, 200, text)
        alerts = f"http://{HOST}:{self.ports['alertmanager', 9093]}/api/v2/alerts"

        def told():
            status, text = ask(alerts)
            return status == 200 and any(alert["labels"]["alertname"] == "BessGridOutage" for alert in json.loads(text))
        self.until(told, "the alert at Alertmanager", 90)

        name = next(line for line in self.podman.do("ps", "--format", "{{.Names}}").splitlines()
                    if line.startswith(self.podman.name) and "bess" in line.removeprefix(self.podman.name))
        for service in KEPT:
            self.hardened(next(line for line in self.podman.do("ps", "--format", "{{.Names}}").splitlines()
                               if line.startswith(self.podman.name) and service in line.removeprefix(self.podman.name)))
        # Alloy, which is somebody else, can read what bess writes there.
        logs = pathlib.Path(self.podman.inspect(f"{self.podman.name}_logs")["Mountpoint"])
        for file, word in (("bess.log", '"message"'), ("audit.jsonl", "")):
            self.assertEqual((logs / file).stat().st_mode & 0o444, 0o444, file)
            self.assertIn(word, (logs / file).read_text())
        self.assertEqual(self.podman.stop(name), 0)

    def hardened(self, name):
        about = self.podman.inspect(name)
        self.assertTrue(about["HostConfig"]["ReadonlyRootfs"], name)
        self.assertGreater(about["HostConfig"]["Memory"], 0, name)
        status = pathlib.Path(f"/proc/{about['State']['Pid']}/status").read_text()
        self.assertRegex(status, r"(?m)^CapEff:\t0+$", name)
        self.assertRegex(status, r"(?m)^NoNewPrivs:\t1$", name)
        self.assertNotRegex(status, r"(?m)^Uid:\t0\t", name)


if __name__ == "__main__":
    unittest.main()
