"""The image as an engine runs it: read-only, without capabilities, with little memory. It is built by `make image`: the
last stage of the Dockerfile, around the binary that cargo built."""

import io
import json
import subprocess
import tarfile
import unittest

from common import HOST, ask, is_ready, run, said, until
from containers import HARDENED, IMAGE, Podman

SIZE_MAX = 20_000_000
OPEN = ["--env", "BESS_ALLOW_OPEN_API=true"]
PORTS = ["--publish", f"{HOST}::8000", "--publish", f"{HOST}::9090", "--publish", f"{HOST}::5020"]


class Image(unittest.TestCase):
    def setUp(self):
        self.podman = Podman()
        self.addCleanup(self.podman.close)

    def files(self):
        """Everything in it, by its path."""
        name = self.podman.name + "-files"
        self.podman.do("create", "--name", name, IMAGE)
        self.podman.made.append(("rm", "--volumes", name))
        tar = subprocess.run(["podman", "export", name], env=self.podman.environment, capture_output=True, check=True)
        found = {}
        with tarfile.open(fileobj=io.BytesIO(tar.stdout)) as archive:
            for entry in archive:
                content = archive.extractfile(entry).read() if entry.isfile() else None
                found["/" + entry.name.rstrip("/")] = (entry, content)
        return found

    def serve(self, *words):
        name = self.podman.start("serve", *HARDENED, *PORTS, *OPEN, *words, IMAGE)
        self.rest = self.podman.port(name, 8000)
        try:
            until(lambda: is_ready(self.rest), "the farm in the container")
        except AssertionError as late:
            raise AssertionError(f"{late}\n{said(self.podman.ask('logs', name))}") from None
        return name

    def test_it_is_small_and_says_what_it_is(self):
        about = self.podman.inspect(IMAGE)
        print(f"{IMAGE}: {about['Size'] / 1e6:.2f} MB")
        self.assertLess(about["Size"], SIZE_MAX)
        labels = about["Labels"]
        for key in ("title", "description", "licenses", "version", "revision", "created"):
            self.assertTrue(labels[f"org.opencontainers.image.{key}"], key)
        self.assertEqual(labels["org.opencontainers.image.licenses"], "Apache-2.0")
        self.assertEqual(about["Config"]["User"], "65532:65532")
        self.assertEqual(about["Config"]["StopSignal"], "SIGTERM")
        self.assertEqual(set(about["Config"]["ExposedPorts"]), {"5020/tcp", "8000/tcp", "9090/tcp"})

    def test_it_holds_one_program_and_the_papers_of_what_is_in_it(self):
        files = self.files()
        # What engines lay into every container is left out.
        ours = {path: content for path, (entry, content) in files.items()
                if content and not path.startswith(("/dev", "/proc", "/sys", "/run"))
                and path not in ("/etc/hosts", "/etc/hostname", "/etc/resolv.conf", "/etc/mtab")}
        papers = "/usr/share/doc/bess/"
        self.assertEqual(set(ours), {"/usr/bin/bess", "/etc/passwd", "/etc/group", papers + "LICENSE",
                                     papers + "THIRD-PARTY.txt", papers + "sbom.cdx.json"})
        programs = [path for path, (entry, _) in files.items() if entry.isfile() and entry.mode & 0o111]
        self.assertEqual(programs, ["/usr/bin/bess"])
        self.assertFalse([path for path, (entry, _) in files.items() if entry.mode & 0o6000], "no set-uid")
        state = files["/var/lib/bess"][0]
        self.assertEqual((state.uid, state.gid, state.mode & 0o777), (65532, 65532, 0o750))
        others = [path for path, (entry, _) in files.items() if path.startswith(("/usr", "/var", "/etc"))
                  and not path.endswith(("/lib/bess", "/log/bess")) and entry.uid != 0]
        self.assertEqual(others, [])

        sbom = json.loads(ours[papers + "sbom.cdx.json"])
        self.assertEqual(sbom["bomFormat"], "CycloneDX")
        names = {component["name"] for component in sbom["components"]}
        self.assertTrue({"axum", "tokio", "tokio-modbus", "rustls", "bess-simulation"} <= names, names)
        licences = ours[papers + "THIRD-PARTY.txt"].decode()
        for words in ("GNU LESSER GENERAL PUBLIC LICENSE", "Apache License", "axum ", "ring "):
            self.assertIn(words, licences)

    def test_it_serves_hardened_is_healthy_and_stops_with_exit_code_0(self):
        name = self.serve()
        status, text = ask(f"http://{HOST}:{self.rest}/api/v1/farm")
        self.assertEqual(status, 200, text)
        status, text = ask(f"http://{HOST}:{self.podman.port(name, 9090)}/metrics")
        self.assertEqual(status, 200)
        self.assertIn("bess_units", text)
        healthy = self.podman.ask("exec", name, "/usr/bin/bess", "healthcheck")
        self.assertEqual(healthy.returncode, 0, said(healthy))
        checked = self.podman.ask("healthcheck", "run", name)
        self.assertEqual(checked.returncode, 0, said(checked))

        state = self.podman.inspect(name)["State"]
        with open(f"/proc/{state['Pid']}/status", encoding="utf-8") as file:
            fields = dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)
        self.assertEqual(fields["Uid"].split(), ["65532"] * 4)
        self.assertEqual(int(fields["CapEff"], 16) | int(fields["CapBnd"], 16), 0)
        self.assertEqual(fields["NoNewPrivs"], "1")
        self.assertEqual(fields["Seccomp"], "2")
        self.assertEqual(self.podman.stop(name), 0)

    def test_it_cannot_write_but_to_its_volume(self):
        name = self.serve()
        for folder, works in (("/var/lib/bess", True), ("/usr/share", False), ("/", False)):
            path = f"{folder}/tokens.toml".replace("//", "/")
            words = ["token", "new", "--name", "a", "--role", "viewer", "--append", path]
            wrote = self.podman.ask("exec", name, "/usr/bin/bess", *words)
            self.assertEqual(wrote.returncode == 0, works, said(wrote))

    def test_it_is_not_healthy_where_nothing_serves(self):
        ran = self.podman.ask("run", "--rm", "--network=none", *HARDENED, IMAGE, "healthcheck")
        self.assertEqual(ran.returncode, 1, said(ran))

    def test_it_is_not_open_to_everybody_unless_that_is_said(self):
        ran = self.podman.ask("run", "--rm", "--network=none", *HARDENED, IMAGE)
        self.assertEqual(ran.returncode, 2, said(ran))
        self.assertIn("hint: give --tokens FILE", ran.stderr)

    def test_a_restart_goes_on_with_the_farm_that_was(self):
        volume = self.podman.volume("state")
        mount = ["--volume", f"{volume}:/var/lib/bess"]
        name = self.serve(*mount, "--env", "BESS_SPEED=100")

        def tick():
            return json.loads(ask(f"http://{HOST}:{self.rest}/api/v1/clock")[1])["tick"]
        reached = until(lambda: tick() if tick() > 600 else None, "a minute of the farm")
        self.assertEqual(self.podman.stop(name), 0)
        self.podman.do("rm", "--volumes", name)
        # Slow, so that it cannot have come there by itself.
        self.serve(*mount, "--env", "BESS_SPEED=1")
        self.assertGreaterEqual(tick(), reached)

    def test_names_are_found_without_a_library_of_the_system(self):
        network = self.podman.network()
        name = self.serve("--network", network)
        client = ["run", "--rm", "--network", network, *HARDENED, IMAGE, "unit", "list"]
        ran = self.podman.ask(*client, "--api", f"http://{name}:8000")
        self.assertEqual(ran.returncode, 0, said(ran))
        self.assertIn("1", ran.stdout)
        ran = self.podman.ask(*client, "--api", "http://no-such-name:8000")
        self.assertNotEqual(ran.returncode, 0)

    def test_the_binary_needs_no_loader(self):
        from common import image_binary
        self.assertNotIn("INTERP", run("readelf", "-lW", image_binary()).stdout)


if __name__ == "__main__":
    unittest.main()
