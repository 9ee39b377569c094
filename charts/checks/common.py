"""Where things are, and what Helm makes of the chart."""

import glob
import json
import os
import subprocess
import tomllib

import yaml

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.normpath(os.path.join(HERE, "..", ".."))
CHART = os.path.join(ROOT, "charts", "bess")
ENVS = os.path.join(ROOT, "charts", "envs")
TOOLS = os.path.join(ROOT, ".tools", "charts")
OBSERVE = os.path.join(ROOT, ".tools", "observe", "bin")
ENVIRONMENTS = ("dev", "staging", "prod")
RELEASE = "bess"
NAMESPACE = "bess"
Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def binary():
    """The bess under test: BESS_BIN, or the release build of this checkout."""
    return os.path.abspath(os.environ.get("BESS_BIN", os.path.join(ROOT, "target", "release", "bess")))


def tool(name):
    return os.path.join(TOOLS, "venv", "bin", name)


def helm(*arguments):
    """What Helm says: exit code, stdout, stderr. It sees no cluster and no settings of the user."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("HELM_", "KUBE"))}
    environment["KUBECONFIG"] = os.devnull
    ran = subprocess.run([tool("helm"), *arguments], capture_output=True, text=True, env=environment, check=False)
    return ran.returncode, ran.stdout, ran.stderr


class Refused(Exception):
    """Helm did not render."""


def values_of(environment):
    """Files of an environment, the later ones go before the earlier."""
    folder = os.path.join(ENVS, environment)
    return [os.path.join(folder, "values.yaml"), os.path.join(folder, "image.yaml")]


def ci_files():
    found = sorted(glob.glob(os.path.join(CHART, "ci", "*-values.yaml")))
    assert found, "no values in charts/bess/ci"
    return found


def template(files=(), sets=(), kube=None, chart=CHART, release=RELEASE):
    """The text that `helm template` makes."""
    arguments = ["template", release, chart, "--namespace", NAMESPACE]
    for path in files:
        arguments += ["--values", path]
    for one in sets:
        arguments += ["--set-json" if one.split("=", 1)[1][:1] in "{[\"" else "--set", one]
    if kube:
        arguments += ["--kube-version", kube]
    code, out, err = helm(*arguments)
    if code:
        raise Refused(err.strip())
    return out


def objects(text):
    """Objects of a text of several documents."""
    return [one for one in yaml.load_all(text, Loader) if one]


def merged(files=(), sets=(), chart=CHART):
    """The values that a template sees: the chart's with those of the files over them. `sets` are left out."""
    def over(below, above):
        if isinstance(below, dict) and isinstance(above, dict):
            result = dict(below)
            for key, value in above.items():
                result[key] = over(below.get(key), value)
            return result
        return above

    values = {}
    for path in (os.path.join(chart, "values.yaml"), *files):
        with open(path, encoding="utf-8") as file:
            values = over(values, yaml.load(file, Loader) or {})
    return values


def cells_of(farm_text):
    """Units of a farm file, and the most cells of one; the built-in farm's for no text."""
    if not farm_text:
        return 10, 4992
    tables = tomllib.loads(farm_text)["units"]
    units = sum(table.get("count", 1) for table in tables)
    return units, max(table["racks"] * table["cells_in_series"] * table.get("cells_in_parallel", 1) for table in tables)


def show(value):
    return json.dumps(value, sort_keys=True)
