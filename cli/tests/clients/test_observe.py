"""Acceptance: `make observe` starts a farm with what watches it, says where to look, and leaves nothing behind."""

import json
import os
import re
import signal
import subprocess
import sys
import unittest
import urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
OBSERVE = os.path.join(HERE, "..", "..", "..", "dashboards", "tools", "observe.py")

from farm import ANSWER_MAX_S, binary, poll

END_MAX_S = 120.0


def read(url):
    with urllib.request.urlopen(url, timeout=ANSWER_MAX_S) as answer:
        return answer.read().decode()


def children(pid):
    with open(f"/proc/{pid}/task/{pid}/children", encoding="utf-8") as file:
        return [int(child) for child in file.read().split()]


class Observe(unittest.TestCase):
    def setUp(self):
        self.process = subprocess.Popen(
            [sys.executable, OBSERVE, "--bess", binary(), "--", "--modbus-port", "0", "--api-port=0", "--metrics-port", "0"],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True)
        self.addCleanup(self.process.kill)
        self.said = ""
        for line in self.process.stdout:
            self.said += line
            if "Ctrl-C" in line:
                break
        self.addCleanup(self.process.stderr.close)
        self.addCleanup(self.process.stdout.close)
        self.assertIn("Ctrl-C ends everything", self.said, self.process.stderr.read() if self.process.poll() else "")
        self.children = children(self.process.pid)
        self.folder = re.search(r"Logs are in (\S+)\. ", self.said)[1]

    def where(self, name):
        return re.search(rf"^  {name} +(\S+)$", self.said, re.M)[1]

    def assert_nothing_is_left(self):
        self.assertEqual(len(self.children), 3)
        for child in self.children:
            self.assertFalse(os.path.exists(f"/proc/{child}"), f"process {child} was left behind")
        self.assertFalse(os.path.exists(self.folder))

    def test_it_says_where_to_look_and_what_it_says_is_there(self):
        page, rest = self.where("alerts now"), self.where("REST")
        prometheus = page.removesuffix("/consoles/index.html")

        def scraped():
            query = prometheus + "/api/v1/query?query=bess_ticks_total"
            return json.loads(read(query))["data"]["result"]
        self.assertTrue(poll(scraped), "Prometheus has the farm's metrics")
        self.assertIn(self.where("metrics").split("/")[2], read(page))
        self.assertIn("BessTickStalled", read(self.where("runbooks")))
        rules = json.loads(read(prometheus + "/api/v1/rules"))["data"]["groups"]
        urls = {rule["annotations"]["runbook_url"] for group in rules for rule in group["rules"] if "annotations" in rule}
        for url in urls:
            self.assertTrue(url.startswith(rest.removesuffix("/api/v1") + "/runbooks/"), url)
            self.assertIn("## Mitigation", read(url))
        told = re.search(r"--alertmanager.url=(\S+) ", self.said)[1]
        managers = json.loads(read(prometheus + "/api/v1/alertmanagers"))["data"]["activeAlertmanagers"]
        self.assertEqual([manager["url"] for manager in managers], [told + "/api/v2/alerts"])

        self.process.send_signal(signal.SIGINT)
        self.assertEqual(self.process.wait(END_MAX_S), 0)
        self.assert_nothing_is_left()

    def test_when_a_part_ends_it_says_which_and_ends_the_others(self):
        self.assertEqual(len(self.children), 3)
        os.kill(self.children[0], signal.SIGKILL)
        self.assertEqual(self.process.wait(END_MAX_S), 1)
        self.assertIn("bess ended with -9", self.process.stderr.read())
        self.assert_nothing_is_left()


if __name__ == "__main__":
    unittest.main()
