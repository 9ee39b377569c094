"""The chart without a cluster: lint, schemas of three Kubernetes versions, types of custom resources, refusals, and the
rules of rules.py for every set of values.

    BESS_BIN=target/release/bess python -m unittest test_chart -v    (in charts/checks)
"""

import copy
import glob
import json
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

import kubernetes_validate
import yaml

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import reshard
import rules
import types_of
from common import (CHART, ENVIRONMENTS, ENVS, ROOT, Loader, Refused, binary, cells_of, ci_files, helm, merged,
                    objects, template, values_of)
from model import Cluster
from refused import REFUSED, TOGETHER

KUBERNETES = ("1.28", "1.31", "1.35")
ALL = {"defaults": []} | {name: values_of(name) for name in ENVIRONMENTS} | {
    os.path.basename(path).removesuffix("-values.yaml"): [path] for path in ci_files()}
RENDERED = {}


def rendered(name):
    """Objects of a set of values, rendered once."""
    if name not in RENDERED:
        RENDERED[name] = objects(template(ALL[name]))
    return copy.deepcopy(RENDERED[name])


def unfit(found, kube):
    """What does not fit the schemas of a version. Kinds without a schema are those that are held against their types."""
    problems = []
    for one in found:
        try:
            kubernetes_validate.validate(one, kube, strict=True)
        except kubernetes_validate.ValidationError as problem:
            problems.append(f"{one['kind']} {one['metadata']['name']}: {problem.message}")
        except kubernetes_validate.SchemaNotFoundError:
            if one["kind"] not in types_of.TYPES:
                problems.append(f"there is no schema of {one['kind']}")
    return problems


def notes(files):
    """What Helm says after an installation: `helm template` leaves it out, so a copy of the chart has it in an object."""
    with tempfile.TemporaryDirectory(prefix="bess-notes-") as folder:
        chart = os.path.join(folder, "bess")
        shutil.copytree(CHART, chart)
        os.rename(os.path.join(chart, "templates", "NOTES.txt"), os.path.join(chart, "files", "notes.txt"))
        with open(os.path.join(chart, "templates", "notes.yaml"), "w", encoding="utf-8") as file:
            file.write('kind: Notes\ntext: {{ tpl (.Files.Get "files/notes.txt") . | toJson }}\n')
        return next(one["text"] for one in objects(template(files, chart=chart)) if one["kind"] == "Notes")


class Chart(unittest.TestCase):
    def test_helm_has_nothing_to_say_against_any_values(self):
        for name, files in ALL.items():
            with self.subTest(name):
                arguments = [part for path in files for part in ("--values", path)]
                code, out, err = helm("lint", "--strict", CHART, *arguments)
                self.assertEqual(code, 0, out + err)

    def test_every_object_fits_the_schemas_of_three_kubernetes_versions(self):
        for kube in KUBERNETES:
            for name, files in ALL.items():
                with self.subTest(values=name, kubernetes=kube):
                    try:
                        found = objects(template(files, kube=kube))
                    except Refused as refused:
                        self.assertEqual((name, kube), ("study", "1.28"))
                        self.assertIn("needs Kubernetes 1.29", str(refused))
                        continue
                    self.assertEqual(unfit(found, kube), [])

    def test_a_schema_finds_a_field_that_is_not_there(self):
        shards = next(one for one in rendered("dev") if one["kind"] == "StatefulSet")
        shards["spec"]["template"]["spec"]["containers"][0]["readinesProbe"] = {}
        self.assertIn("readinesProbe", unfit([shards], "1.31")[0])

    def test_an_older_kubernetes_is_refused(self):
        with self.assertRaisesRegex(Refused, "incompatible with Kubernetes"):
            template(kube="1.27")

    def test_custom_resources_have_the_fields_that_they_must_have(self):
        everything = [one for name in ALL for one in rendered(name)]
        said, count = types_of.compiled(everything)
        self.assertEqual(said, "")
        self.assertEqual({one["kind"] for one in everything if one["kind"] in types_of.TYPES},
                         {"ServiceMonitor", "PodMonitor", "PrometheusRule", "HTTPRoute"})
        self.assertGreaterEqual(count, 8)

    def test_the_compiler_finds_a_field_that_is_not_there(self):
        monitor = next(one for one in rendered("dev") if one["kind"] == "ServiceMonitor")
        monitor["spec"]["endpoints"][0]["intervall"] = "5s"
        self.assertIn("intervall", types_of.compiled([monitor])[0])

    def test_wrong_values_are_refused_by_the_schema(self):
        self.assertGreaterEqual(len(REFUSED), 20)
        for value, words in REFUSED:
            with self.subTest(value):
                with self.assertRaises(Refused) as refused:
                    template(sets=[value])
                self.assertIn("don't meet the specifications of the schema", str(refused.exception))
                self.assertIn(words.lower(), str(refused.exception).lower())

    def test_values_that_do_not_go_together_are_refused(self):
        for values, words in TOGETHER:
            with self.subTest(values):
                sets = [f"{key}={value}" for key, value in values.items()]
                with self.assertRaises(Refused) as refused:
                    template(sets=sets)
                self.assertIn(words, str(refused.exception))

    def test_the_schema_knows_every_value_and_no_other(self):
        with open(os.path.join(CHART, "values.schema.json"), encoding="utf-8") as file:
            schema = json.load(file)

        def walk(values, part, place):
            part = schema["$defs"][part["$ref"].rsplit("/", 1)[1]] if "$ref" in part else part
            if part.get("type") == "object" and "properties" in part:
                self.assertIs(part.get("additionalProperties"), False, place)
                known = set(part["properties"]) - {"global"}
                # What may be given in `resources` and the like has no default.
                self.assertLessEqual(set(values or {}), known, place)
                if values:
                    self.assertTrue(known == set(values) or place.rsplit(".", 1)[-1] in
                                    ("resources", "requests", "limits", "affinity", "inputs"), f"{place}: {known ^ set(values)}")
                for key, value in (values or {}).items():
                    walk(value, part["properties"][key], f"{place}.{key}")

        walk(merged(), schema, "values")

    def test_copies_and_the_readme_are_fresh(self):
        ran = subprocess.run([sys.executable, os.path.join(ROOT, "charts", "tools", "sync.py"), "--check"],
                             capture_output=True, text=True, check=False)
        self.assertEqual(ran.returncode, 0, ran.stdout + ran.stderr)

    def test_the_chart_can_be_packed(self):
        with tempfile.TemporaryDirectory(prefix="bess-chart-") as folder:
            code, out, err = helm("package", CHART, "--destination", folder)
            self.assertEqual(code, 0, out + err)
            packed = os.listdir(folder)
            code, out, err = helm("template", "x", os.path.join(folder, packed[0]), "--set", "dashboards.enabled=true")
            self.assertEqual(code, 0, err)
            self.assertEqual(sum("dashboard" in one["metadata"]["name"] for one in objects(out)), 11)
            # The chart is kept in the release too.
            self.assertLess(os.path.getsize(os.path.join(folder, packed[0])), 300_000)


class Rendered(unittest.TestCase):
    def test_what_is_rendered_keeps_every_rule(self):
        for name in ALL:
            with self.subTest(name):
                self.assertEqual(rules.findings(Cluster(rendered(name)), binary()), [])

    def test_pods_start_anew_when_their_files_change_and_not_with_the_chart(self):
        def pod(**changes):
            sets = [f"{key}={value}" for key, value in changes.items()]
            found = objects(template(values_of("staging"), sets))
            return next(one for one in found if one["kind"] == "StatefulSet")["spec"]["template"]

        usual = pod()
        self.assertEqual(pod(commonLabels="{}"), usual)
        self.assertNotEqual(pod(**{"farm.maps": '{"a": "x"}'})["metadata"]["annotations"]["checksum/config"],
                            usual["metadata"]["annotations"]["checksum/config"])
        self.assertNotEqual(pod(secretRevision="two")["metadata"]["annotations"]["checksum/secret"],
                            usual["metadata"]["annotations"]["checksum/secret"])
        self.assertNotIn("helm.sh/chart", usual["metadata"]["labels"])

    def test_a_canary_updates_the_last_shards_alone(self):
        for updated, partition in ((None, 0), (0, 3), (1, 2), (3, 0)):
            sets = [] if updated is None else [f"shards.updatedShards={updated}"]
            shards = next(one for one in objects(template(values_of("staging"), sets)) if one["kind"] == "StatefulSet")
            self.assertEqual(shards["spec"]["updateStrategy"]["rollingUpdate"]["partition"], partition)

    def test_resources_follow_the_cells_and_the_speed(self):
        def of(**values):
            sets = [f"{key}={value}" for key, value in values.items()]
            shards = next(one for one in objects(template(values_of("prod"), sets)) if one["kind"] == "StatefulSet")
            return shards["spec"]["template"]["spec"]["containers"][0]["resources"]

        usual = of()
        self.assertEqual(usual["requests"]["memory"], usual["limits"]["memory"])
        cpu = rules.amount(usual["requests"]["cpu"])
        # 8.1 ms of each 100 ms were measured for these cells.
        self.assertTrue(0.1 < cpu < 0.3, usual)
        self.assertGreater(rules.amount(of(**{"simulation.speed": 10})["requests"]["cpu"]), 5 * cpu)
        self.assertGreater(rules.amount(of(**{"farm.cellsPerUnit": 9984})["limits"]["memory"]), rules.amount(usual["limits"]["memory"]))
        chosen = of(resources='{"limits": {"memory": "3Gi"}}')
        self.assertEqual(chosen, {"limits": {"memory": "3Gi"}})

    def test_an_alert_that_is_disabled_is_gone_and_the_others_have_the_labels(self):
        def alerts(name):
            rule = next(one for one in rendered(name) if one["kind"] == "PrometheusRule")
            return {one["alert"]: one for group in rule["spec"]["groups"] for one in group["rules"] if "alert" in one}

        all_of_them, some = alerts("staging"), alerts("monitoring")
        self.assertEqual(set(all_of_them) - set(some), {"BessModbusNoClient", "BessClockPaused"})
        for one in some.values():
            self.assertEqual(one["labels"]["team"], "storage")
            self.assertIn(one["labels"]["severity"], ("critical", "warning", "info"))
            self.assertNotIn("localhost", json.dumps(one))

    def test_a_study_gives_each_index_its_parameters(self):
        cluster = Cluster(rendered("study"))
        farms = cluster.named("ConfigMap", "bess-study")["data"]
        self.assertIn("soc = 0.8", farms["3.toml"])
        self.assertIn("seed = 2", farms["3.toml"])
        self.assertEqual(sum(rules.component(pod) == "study" for pod in cluster.once()), 4)

    def test_notes_name_every_way_in(self):
        for name, files in ALL.items():
            said = notes(files)
            for word in ("Modbus TCP", "REST", "helm -n bess test bess", "rollout status"):
                self.assertIn(word, said, name)
            self.assertEqual("bess token new" in said, name not in (
                "dev", "annotations", "files", "monitoring", "sharded", "study"), name)


class Resharding(unittest.TestCase):
    def test_the_pod_of_the_page_fits_what_both_releases_have(self):
        cluster = reshard.both()
        self.assertEqual(list(reshard.unfit(cluster, binary())), [])
        for kube in KUBERNETES:
            self.assertEqual(unfit([reshard.manifest("bess:1")], kube), [])

    def test_a_pod_that_does_not_fit_is_found(self):
        def of(change):
            cluster = reshard.both()
            change(next(one for one in cluster.objects if one["metadata"]["name"] == "reshard")["spec"])
            return " ".join(reshard.unfit(cluster, binary()))

        def claim(spec):
            spec["volumes"][1]["persistentVolumeClaim"]["claimName"] = "data-bess-0"

        def files(spec):
            spec["volumes"][0]["configMap"]["name"] = "bess-files"

        def state(spec):
            spec["containers"][0]["args"][4] = "/from/0"

        def size(spec):
            spec["containers"][0]["args"][8] = "100"

        self.assertIn("the claim state-bess-0 of bess-0 is no volume", of(claim))
        self.assertIn("there is no claim data-bess-0", of(claim))
        self.assertIn("there is no ConfigMap bess-files", of(files))
        self.assertIn("bess-0 has its state at /from/0/state, not at /from/0", of(state))
        self.assertIn("--units-per-shard is ['100'], and the shards have 50", of(size))


class Environments(unittest.TestCase):
    def test_an_environment_describes_the_farm_that_it_has(self):
        for name in ENVIRONMENTS:
            values = merged(values_of(name))
            self.assertEqual(cells_of(values["farm"]["file"]), (values["farm"]["units"], values["farm"]["cellsPerUnit"]), name)

    def test_farm_files_are_checked_by_bess(self):
        for name in ("staging", "prod"):
            with tempfile.NamedTemporaryFile("w", suffix=".toml") as file:
                file.write(merged(values_of(name))["farm"]["file"])
                file.flush()
                ran = subprocess.run([binary(), "farm", "check", file.name], capture_output=True, text=True, check=False)
            self.assertEqual(ran.returncode, 0, ran.stderr)

    def test_staging_and_prod_run_an_image_by_its_digest_and_nothing_else(self):
        for name in ("staging", "prod"):
            images = {one["image"] for pod in rules.everybody(Cluster(rendered(name))) for one in rules.containers(pod)}
            self.assertEqual(len(images), 1)
            self.assertRegex(images.pop(), r"^[a-z./]+@sha256:[0-9a-f]{64}$")
            with self.assertRaises(Refused):
                template(values_of(name), ["image.digest="])

    def test_an_environment_differs_from_another_by_its_image_file_alone_in_the_image(self):
        for name in ENVIRONMENTS:
            with open(os.path.join(ENVS, name, "image.yaml"), encoding="utf-8") as file:
                self.assertEqual(list(yaml.load(file, Loader)), ["image"])
            with open(os.path.join(ENVS, name, "values.yaml"), encoding="utf-8") as file:
                self.assertLessEqual(set(yaml.load(file, Loader)["image"]), {"repository", "requireDigest"})

    def test_an_application_set_installs_what_is_checked_here(self):
        folder = os.path.join(ENVS, "argocd")
        found = []
        for name in sorted(os.listdir(folder)):
            if name.endswith(".yaml"):
                with open(os.path.join(folder, name), encoding="utf-8") as file:
                    found += objects(file.read())
        said, count = types_of.compiled(found)
        self.assertEqual(said, "")
        self.assertGreaterEqual(count, 2)
        application = next(one for one in found if one["kind"] == "ApplicationSet")["spec"]["template"]["spec"]
        for environment in ENVIRONMENTS:
            tenants = sorted(glob.glob(os.path.join(folder, "tenants", environment, "*.yaml")))
            self.assertTrue(tenants, environment)
            for path in tenants:
                with self.subTest(environment=environment, tenant=os.path.basename(path)):
                    with open(path, encoding="utf-8") as file:
                        tenant = yaml.load(file, Loader)["global"]["tenant"]
                    self.assertEqual(os.path.basename(path), f"{tenant}.yaml")
                    files = [ROOT + one.replace("{{ .values.environment }}", environment).replace("{{ .global.tenant }}", tenant)
                             for one in application["source"]["helm"]["valueFiles"]]
                    self.assertEqual(files, [*values_of(environment), path])
                    self.assertEqual(rules.findings(Cluster(objects(template(files))), binary()), [])


if __name__ == "__main__":
    unittest.main()
