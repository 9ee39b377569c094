"""REST over HTTPS with tokens, as Python's own client and OpenSSL see it."""

import http.client
import json
import os
import ssl
import subprocess
import tempfile
import unittest

from farm import ANSWER_MAX_S, Farm, binary


def run(*args):
    """A command of bess that must go well; what it prints."""
    done = subprocess.run([binary(), *args], check=True, capture_output=True, text=True, timeout=60)
    return done.stdout.strip()


class AccessTest(unittest.TestCase):
    """One farm behind HTTPS and tokens for all tests."""

    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory(prefix="bess-access-")
        cls.addClassCleanup(folder.cleanup)
        cls.folder = folder.name
        run("certs", "--out", folder.name)
        tokens = cls.path("tokens.toml")
        cls.tokens = {
            role: run("token", "new", "--name", f"a-{role}", "--role", role, "--append", tokens)
            for role in ("viewer", "operator")
        }
        cls.farm = Farm("--tokens", tokens, "--tls-cert", cls.path("server.pem"),
                        "--tls-key", cls.path("server.key"))
        cls.addClassCleanup(cls.farm.stop)

    @classmethod
    def path(cls, name):
        return os.path.join(cls.folder, name)

    def context(self, version=None):
        context = ssl.create_default_context(cafile=self.path("ca.pem"))
        if version is not None:
            context.minimum_version = context.maximum_version = version
        context.set_alpn_protocols(["h2", "http/1.1"])
        return context

    def connect(self, version=None):
        api = self.farm.endpoints["api"]
        client = http.client.HTTPSConnection(api["host"], api["port"], timeout=ANSWER_MAX_S,
                                             context=self.context(version))
        client.connect()
        self.addCleanup(client.close)
        return client

    @staticmethod
    def ask(client, method, path, token=None, body=None):
        headers = {} if token is None else {"authorization": f"Bearer {token}"}
        if body is not None:
            headers["content-type"] = "application/json"
            body = json.dumps(body)
        client.request(method, "/api/v1" + path, body, headers)
        answer = client.getresponse()
        return answer, json.loads(answer.read())

    def test_either_version_of_tls_carries_many_requests_on_one_connection(self):
        for version, name in ((ssl.TLSVersion.TLSv1_2, "TLSv1.2"), (ssl.TLSVersion.TLSv1_3, "TLSv1.3")):
            client = self.connect(version)
            self.assertEqual(client.sock.version(), name)
            self.assertEqual(client.sock.selected_alpn_protocol(), "http/1.1")
            socket = client.sock
            for unit in range(1, 6):
                answer, shown = self.ask(client, "GET", f"/units/{unit}", self.tokens["viewer"])
                self.assertEqual((answer.status, shown["number"]), (200, unit))
            self.assertIs(client.sock, socket, "the connection was kept")

    def test_roles_hold_and_a_refusal_is_a_problem_document(self):
        client = self.connect()
        power = {"active_power_w": 1000}
        for token, status in ((None, 401), ("bess_wrong", 401), (self.tokens["viewer"], 403)):
            answer, problem = self.ask(client, "PUT", "/units/1/setpoint", token, power)
            self.assertEqual((answer.status, problem["status"]), (status, status))
            self.assertEqual(answer.headers["content-type"], "application/problem+json")
            self.assertEqual(answer.headers["x-content-type-options"], "nosniff")
            self.assertEqual(answer.headers["www-authenticate"] is not None, status == 401)
        answer, applied = self.ask(client, "PUT", "/units/1/setpoint", self.tokens["operator"], power)
        self.assertEqual(answer.status, 200, applied)
        _, writes = self.ask(client, "GET", "/writes?limit=1", self.tokens["viewer"])
        self.assertEqual(writes["writes"][0]["token"], {"name": "a-operator", "role": "operator"})

    def test_a_stream_comes_event_by_event(self):
        client = self.connect()
        headers = {"authorization": f"Bearer {self.tokens['viewer']}"}
        client.request("GET", "/api/v1/stream?rate_hz=10&max_events=3", headers=headers)
        answer = client.getresponse()
        self.assertEqual(answer.status, 200)
        lines = [line for line in answer.read().decode().splitlines() if line.startswith("id:")]
        self.assertEqual(len(lines), 3)

    def test_a_client_without_the_ca_and_one_without_tls_get_nowhere(self):
        api = self.farm.endpoints["api"]
        stranger = http.client.HTTPSConnection(api["host"], api["port"], timeout=ANSWER_MAX_S)
        with self.assertRaises(ssl.SSLCertVerificationError):
            stranger.connect()
        plain = http.client.HTTPConnection(api["host"], api["port"], timeout=ANSWER_MAX_S)
        self.addCleanup(plain.close)
        with self.assertRaises((http.client.HTTPException, OSError)):
            plain.request("GET", "/healthz")
            plain.getresponse()
        self.assertEqual(self.ask(self.connect(), "GET", "/farm", self.tokens["viewer"])[0].status, 200)


if __name__ == "__main__":
    unittest.main()
