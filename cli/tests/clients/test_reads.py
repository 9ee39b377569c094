"""Acceptance: REST reads as scripts make them. The clock is paused, so that every form shows the same tick."""

import array
import csv
import http.client
import io
import os
import re
import struct
import subprocess
import sys
import tempfile
import unittest
import urllib.parse

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from farm import ANSWER_MAX_S, Farm, page

DOCUMENTED = "http://127.0.0.1:8000/api/v1"


class Reads(unittest.TestCase):
    """A paused farm, read in every form."""

    @classmethod
    def setUpClass(cls):
        cls.farm = Farm("--stepped")
        cls.farm.change("PUT", "/farm/setpoint", {"active_power_w": 5e6})
        cls.farm.step(20)

    @classmethod
    def tearDownClass(cls):
        code = cls.farm.stop()
        assert code == 0, f"bess ended with {code}"

    def fetch(self, path, **headers):
        """Status, headers and bytes of one read."""
        url = urllib.parse.urlsplit(self.farm.endpoints["api"]["url"] + path)
        connection = http.client.HTTPConnection(url.hostname, url.port, timeout=ANSWER_MAX_S)
        try:
            connection.request("GET", f"{url.path}?{url.query}", headers=headers)
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read()
        finally:
            connection.close()

    def table(self, path):
        status, headers, body = self.fetch(path, Accept="text/csv")
        self.assertEqual((status, headers["content-type"]), (200, "text/csv; charset=utf-8"), path)
        return list(csv.DictReader(io.StringIO(body.decode(), newline="")))

    def columns(self, path):
        """The columns of the binary form, read as docs/rest.md says."""
        status, headers, body = self.fetch(path, Accept="application/octet-stream")
        self.assertEqual((status, headers["content-type"]), (200, "application/octet-stream"))
        head = struct.unpack_from("<8sIIQQqIIII", body)
        magic, head_len, unit, tick, publication, _, n_racks, per_rack, n_columns, zero = head
        self.assertEqual((magic, zero, head_len % 8), (b"BESSCOL1", 0, 0))
        racks = list(struct.unpack_from(f"<{n_racks}I", body, 56))
        names = body[56 + 4 * n_racks:][:32 * n_columns]
        names = [names[at:at + 32].rstrip(b"\0").decode() for at in range(0, len(names), 32)]
        data = array.array("f", body[head_len:])
        if sys.byteorder == "big":
            data.byteswap()
        n_cells = n_racks * per_rack
        self.assertEqual(len(data), n_cells * n_columns)
        self.assertEqual(headers["bess-columns"], ",".join(names))
        self.assertEqual(headers["bess-racks"], ",".join(map(str, racks)))
        self.assertEqual(int(headers["bess-cells-per-rack"]), per_rack)
        self.assertEqual((headers["bess-byte-order"], int(headers["bess-tick"])), ("little", tick))
        columns = {name: data[n_cells * k:n_cells * (k + 1)] for k, name in enumerate(names)}
        return {"unit": unit, "tick": tick, "publication": publication, "racks": racks}, columns

    def test_cells_are_the_same_as_json_as_columns_and_as_a_table(self):
        for wish in ("", "?columns=soc,truth.voltage_v&racks=12,3"):
            with self.subTest(wish=wish):
                path = f"/units/3/cells{wish}"
                document = self.farm.get(path)
                stamp, columns = self.columns(path)
                for name in ("unit", "tick", "publication", "racks"):
                    self.assertEqual(stamp[name], document[name], name)
                table = self.table(path)
                for name, values in columns.items():
                    shown = document
                    for part in name.split("."):
                        shown = shown[part]
                    singles = array.array("f", shown)
                    self.assertEqual(values, singles, name)
                    self.assertEqual(array.array("f", (float(row[name]) for row in table)), singles, name)
                places = [(int(row["rack"]), int(row["cell"])) for row in table]
                per_rack = document["cells_per_rack"]
                self.assertEqual(places, [(r, c) for r in document["racks"] for c in range(1, per_rack + 1)])
                self.assertEqual(set(columns), set(table[0]) - {"rack", "cell"})
        _, columns = self.columns("/units/3/cells")
        self.assertEqual(list(columns), ["voltage_v", "temperature_degc", "soc", "truth.voltage_v",
                                         "truth.temperature_degc"])
        self.assertTrue(all(2.5 < value < 3.7 for value in columns["voltage_v"]))

    def test_a_table_has_the_numbers_of_the_document(self):
        for path, name in (("/units?limit=4", "units"), ("/units/2/racks", "racks"), ("/writes", "writes"),
                           ("/endpoints", "endpoints")):
            with self.subTest(path=path):
                rows, document = self.table(path), self.farm.get(path)
                self.assertEqual(len(rows), len(document[name]))
                for row, item in zip(rows, document[name]):
                    for column, text in row.items():
                        value = item
                        for part in column.split("."):
                            value = value.get(part) if isinstance(value, dict) else None
                        if isinstance(value, bool):
                            self.assertEqual(text, str(value).lower(), column)
                        elif isinstance(value, (int, float)):
                            self.assertEqual(float(text), value, column)
                        elif value is None:
                            self.assertEqual(text, "", column)
                        elif isinstance(value, str):
                            self.assertEqual(text, value, column)

    def test_units_are_found_by_what_they_are(self):
        farm = self.farm.get("/units?sort=-soc&fields=number,measured.soc")["units"]
        socs = [unit["measured"]["soc"] for unit in farm]
        self.assertEqual(socs, sorted(socs, reverse=True))
        middle = socs[5]
        above = self.farm.get(f"/units?soc_above={middle!r}&fields=number")
        self.assertEqual(above["total"], sum(soc > middle for soc in socs))
        self.assertEqual(self.farm.get("/units?state=off")["total"], 0)

    def test_a_tag_holds_until_the_farm_moves_or_is_changed(self):
        for path in ("/farm", "/units?format=csv", "/units/3", "/units/4/cells?format=binary"):
            with self.subTest(path=path):
                self.fetch(path)
                _, headers, body = self.fetch(path)
                again = self.fetch(path, **{"If-None-Match": headers["etag"]})
                self.assertEqual((again[0], again[2]), (304, b""))
                self.assertEqual(self.fetch(path)[2], body, "one publication, one answer")
                for change in (lambda: self.farm.step(),
                               lambda: self.farm.change("PUT", "/units/3/setpoint", {"active_power_w": 1e5})):
                    change()
                    status, newer, _ = self.fetch(path, **{"If-None-Match": headers["etag"]})
                    self.assertEqual(status, 200)
                    self.assertNotEqual(newer["etag"], headers["etag"])
                    headers = newer

    def test_what_the_page_shows_works(self):
        with open(page("rest.md"), encoding="utf-8") as file:
            text = file.read()
        base = self.farm.endpoints["api"]["url"]
        shells = re.findall(r"```sh\n(.*?)```", text, re.DOTALL)
        # What writes is for its own tests.
        shells = [block for block in shells if not re.search(r"curl.* (-X|-d|--data|--json|--request)\b", block)]
        self.assertGreater(len(shells), 6)
        with tempfile.TemporaryDirectory() as folder:
            for block in shells:
                with self.subTest(block=block):
                    ran = subprocess.run(["bash", "-euo", "pipefail", "-c", block.replace(DOCUMENTED, base)],
                                         cwd=folder, capture_output=True, text=True, timeout=30)
                    self.assertEqual(ran.returncode, 0, ran.stderr)
                    self.assertTrue(ran.stdout)
                    if "http_code" in block:
                        self.assertEqual(ran.stdout, "304\n")
            self.assertTrue(os.path.getsize(os.path.join(folder, "cells.bin")) > 90_000)
        for block in re.findall(r"```python\n(.*?)```", text, re.DOTALL):
            names = {}
            exec(compile(block.replace(DOCUMENTED, base), "rest.md", "exec"), names)
            self.assertEqual(list(names["columns"]), ["voltage_v", "soc"])
            self.assertEqual(len(names["columns"]["soc"]), 12 * 416)


if __name__ == "__main__":
    unittest.main()
