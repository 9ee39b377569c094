"""The certificates of `bess certs`, as OpenSSL understands them through Python's `ssl`."""

import os
import shutil
import ssl
import subprocess
import tempfile
import unittest
from pathlib import Path

BESS = os.environ.get("BESS_BIN", "target/release/bess")

# Object identifier 1.3.6.1.4.1.50316.802.1 in DER.
ROLE_OID = bytes.fromhex("060b2b0601040183890c862201")


def role_extension(role: str) -> bytes:
    """A not critical extension with one UTF8String, in DER."""
    text = bytes([0x0C, len(role)]) + role.encode()
    return ROLE_OID + bytes([0x04, len(text)]) + text


def handshake(server: ssl.SSLContext, client: ssl.SSLContext, host: str):
    """Both sides of a connection in memory; gives the server's and the client's session."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    sides = [
        server.wrap_bio(to_server, to_client, server_side=True),
        client.wrap_bio(to_client, to_server, server_hostname=host),
    ]
    is_done = [False, False]
    for _ in range(20):
        for side in (1, 0):
            if not is_done[side]:
                try:
                    sides[side].do_handshake()
                    is_done[side] = True
                except ssl.SSLWantReadError:
                    pass
        if all(is_done):
            return sides
    raise AssertionError("the handshake came to no end")


class CertsTest(unittest.TestCase):
    """One set of certificates for all tests."""

    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.folder = Path(folder.name)
        cls.make(cls.folder)

    @staticmethod
    def make(folder: Path):
        hosts = ["--host", "127.0.0.1", "--host", "farm.example"]
        command = [BESS, "certs", "--out", str(folder), *hosts]
        subprocess.run(command, check=True, capture_output=True, timeout=60)

    def context(self, purpose, name: str, folder: Path | None = None) -> ssl.SSLContext:
        """Trusts the CA, strictly as RFC 5280 wants it, and shows a certificate."""
        folder = folder or self.folder
        context = ssl.create_default_context(purpose, cafile=str(self.folder / "ca.pem"))
        context.verify_mode = ssl.CERT_REQUIRED
        context.verify_flags |= ssl.VERIFY_X509_STRICT
        context.load_cert_chain(folder / f"{name}.pem", folder / f"{name}.key")
        return context

    def server(self, name: str = "server") -> ssl.SSLContext:
        return self.context(ssl.Purpose.CLIENT_AUTH, name)

    def client(self, name: str, folder: Path | None = None) -> ssl.SSLContext:
        return self.context(ssl.Purpose.SERVER_AUTH, name, folder)

    def test_both_sides_verify_each_other(self):
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            for role in ("viewer", "operator", "engineer", "tester", "no-role"):
                for host in ("127.0.0.1", "farm.example"):
                    client = self.client(f"client-{role}")
                    client.minimum_version = client.maximum_version = version
                    server, _ = handshake(self.server(), client, host)
                    subject = dict(part for (part,) in server.getpeercert()["subject"])
                    self.assertEqual(subject["commonName"], role)

    def test_the_extension_is_there_and_says_the_role(self):
        for role in ("viewer", "operator", "engineer", "tester"):
            server, _ = handshake(self.server(), self.client(f"client-{role}"), "127.0.0.1")
            self.assertIn(role_extension(role), server.getpeercert(binary_form=True))
        for name in ("client-no-role", "server", "ca"):
            der = ssl.PEM_cert_to_DER_cert((self.folder / f"{name}.pem").read_text())
            self.assertNotIn(ROLE_OID, der)

    def test_another_host_is_not_the_server(self):
        with self.assertRaisesRegex(ssl.SSLCertVerificationError, "ostname mismatch"):
            handshake(self.server(), self.client("client-viewer"), "other.example")

    def test_a_client_is_no_server_and_a_server_no_client(self):
        with self.assertRaisesRegex(ssl.SSLCertVerificationError, "purpose"):
            handshake(self.server("client-tester"), self.client("client-viewer"), "127.0.0.1")
        with self.assertRaisesRegex(ssl.SSLCertVerificationError, "purpose"):
            handshake(self.server(), self.client("server"), "127.0.0.1")

    def test_a_client_of_another_run_is_a_stranger(self):
        with tempfile.TemporaryDirectory() as other:
            self.make(Path(other))
            stranger = self.client("client-operator", Path(other))
            with self.assertRaises(ssl.SSLCertVerificationError):
                handshake(self.server(), stranger, "127.0.0.1")

    @unittest.skipUnless(shutil.which("openssl"), "the command openssl is not there")
    def test_a_role_that_openssl_writes_is_read(self):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder)

            def openssl(*args):
                subprocess.run(["openssl", *args], cwd=path, check=True, capture_output=True)

            key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
            openssl("req", "-x509", *key, "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=mine")
            openssl("req", *key, "-keyout", "ems.key", "-out", "ems.csr", "-subj", "/O=utility/CN=ems")
            (path / "role.ext").write_text("1.3.6.1.4.1.50316.802.1 = ASN1:UTF8String:engineer\n")
            sign = ["-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-extfile", "role.ext"]
            openssl("x509", "-req", "-in", "ems.csr", *sign, "-out", "ems.pem", "-days", "9999")
            command = [BESS, "certs", "show", str(path / "ems.pem")]
            shown = subprocess.run(command, check=True, capture_output=True, text=True, timeout=60)
            self.assertIn("subject  O=utility, CN=ems\n", shown.stdout)
            self.assertIn("issuer   CN=mine\n", shown.stdout)
            self.assertIn("role     engineer\n", shown.stdout)


if __name__ == "__main__":
    unittest.main()
