#!/usr/bin/env python3
"""Which scenario raises which alert: plays the scenarios under the real rules, and writes docs/alert-matrix.md.

    dashboards/alerts/matrix.py                   play all of them: nearly two hours, of which live ones take 34 minutes
    dashboards/alerts/matrix.py --only NAME ...   play these anew and keep what the others came to
    dashboards/alerts/matrix.py --page            write the page from matrix.json
    dashboards/alerts/matrix.py --check           play nothing: exit 1 if an alert lacks a scenario or the page is stale

Playing needs the packages of cli/tests/clients and the programs of dashboards/tools/install.sh; BESS_BIN is the
program (target/release/bess). Scenarios with a limit of the CPU or of the memory need a cgroup and root; without that they
are left out, and what they came to before stays.
"""

import argparse
import concurrent.futures
import json
import os
import signal
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

import rules  # noqa: E402
from runs import ROOT, own_scenarios, plan, version  # noqa: E402

SEEN = os.path.join(HERE, "matrix.json")
PAGE = os.path.join(ROOT, "docs", "alert-matrix.md")
# Runs beside each other, and how many are evaluated in one Prometheus.
AT_A_TIME, BATCH = 2, 12

HEAD = """# Which scenario raises which alert

Made by `make alert-matrix` from runs of {bess}: each scenario was played and judged by a real Prometheus with the real
[rules](alerts.md). Do not change it by hand.

- **raised by** names the scenarios in which the alert fired, its `for` included.
- **not raised by** names one that comes close: the same signals, just below. It was played, and the alert stayed silent.

Names with a link are scenarios beside the rules, the others [come with bess](scenarios.md). Those marked *live* played in wall
time, with a process that is scraped every two seconds. All others played in simulated time: the farm was scraped every
simulated second (every 5 or 10 where a run takes hours), and the samples were given to Prometheus with simulated
times, as if the farm had run at a speed of 1. What they tell of the process and its wall time was left out.
Numbers of a live run depend on the machine; the others are the same each time, but for those with the built-in EMS.

No fault makes a machine too small, or a Prometheus that hardly reaches its farm. There the condition is made from outside,
while a scenario plays in which nothing else goes wrong: a cgroup with a limit of the CPU or of the memory, clients, a link
between the farm and Prometheus, an empty list of targets, a folder for checkpoints that is taken away, two shards of which
one is stopped or has another farm file. `dashboards/alerts/runs/host.py` has them.

Alerts marked *repeated* need up to three hours of the same. They were judged over the recording of a live run whose last
quarter of an hour was put behind itself until it was {hours} hours long, counters going on from where they stood. So nobody
has seen these go on for hours: what is shown is what the rules make of it if they do.
"""


def say(name, result):
    raised = " ".join(result["raised"]) or "nothing"
    print(f"{name} ({result['verdict'] or 'no verdict'}): {raised}", flush=True)


def judge(samples, results, step_s):
    """Which alerts fired in these runs: puts `raised` into the results."""
    from runs import farm, prometheus

    end_s = farm.EPOCH_S + int(max(one.last_s for one in samples)) + 1
    with tempfile.TemporaryDirectory(prefix="bess-matrix-") as folder:
        judging = prometheus.Prometheus(folder, step_s)
        try:
            judging.take(samples, farm.EPOCH_S, end_s)
            fired = {one.instance: set() for one in samples}
            for component, alert in rules.ALERTS:
                if plan.simulated(component, alert):
                    for name, held_s in judging.holds_s(alert.gated(), farm.EPOCH_S, end_s).items():
                        if held_s >= alert.for_s:
                            fired[name].add(alert.name)
        finally:
            judging.stop()
    for name, names in fired.items():
        results[name]["raised"] = sorted(names)


def play_simulated(bess, names, keep):
    """Plays in simulated time, judges a batch when it is there."""
    from runs import farm, file_of, prometheus

    wanted = prometheus.wanted([alert for pair in rules.ALERTS for alert in pair[1:] if plan.simulated(*pair)])
    ways = {name: plan.how(bess, name) for name in names}
    groups = {}
    for name in names:
        groups.setdefault(ways[name].step_s, []).append(name)
    for step_s, group in groups.items():
        for begin in range(0, len(group), BATCH):
            batch = group[begin:begin + BATCH]
            with concurrent.futures.ThreadPoolExecutor(AT_A_TIME) as pool:
                played = list(pool.map(lambda name: farm.run(name, file_of(name), ways[name], wanted), batch))
            results = {name: result for name, (_, result) in zip(batch, played)}
            judge([samples for samples, _ in played], results, step_s)
            for name in batch:
                say(name, results[name])
            keep(results)


def play_live(names, keep):
    from runs import live

    with tempfile.TemporaryDirectory(prefix="bess-matrix-") as folder:
        keep({name: result for name, result in live.run(names, folder, say).items()})


def read():
    try:
        with open(SEEN, encoding="utf-8") as file:
            return json.load(file)
    except FileNotFoundError:
        return {"bess": "", "runs": {}}


def write(seen):
    """One run a line."""
    runs = ",\n".join(f"{json.dumps(name)}: {json.dumps(seen['runs'][name])}" for name in sorted(seen["runs"]))
    with open(SEEN + ".new", "w", encoding="utf-8") as file:
        file.write(f'{{"bess": {json.dumps(seen["bess"])}, "runs": {{\n{runs}\n}}}}\n')
    os.replace(SEEN + ".new", SEEN)


# The page

def proves(seen, name):
    """Whether a run went as it was meant to; a live one may still go on when it has been seen enough of."""
    verdict = seen["runs"][name]["verdict"]
    return verdict == "passed" or verdict is None and name in plan.LIVE


def raised_by(seen, alert):
    return [name for name, run in sorted(seen["runs"].items()) if alert in run["raised"] and proves(seen, name)]


def shown(name):
    own = os.path.exists(os.path.join(HERE, "scenarios", name + ".yaml"))
    text = f"[{name}](../dashboards/alerts/scenarios/{name}.yaml)" if own else name
    return text + " (*live*)" if name in plan.LIVE else text


def page(seen):
    hours = max((run.get("repeated_s", 0) for run in seen["runs"].values()), default=0) / 3600
    out = [HEAD.format(bess=seen["bess"], hours=f"{hours:g}")]
    for component in rules.COMPONENTS:
        ours = [alert for name, alert in rules.ALERTS if name == component]
        out.append(f"\n## {component}\n\n| alert | severity | raised by | not raised by |\n|---|---|---|---|\n")
        for alert in ours:
            link = f"[{alert.name}](runbooks/{alert.runbook or alert.name}.md)"
            link += " (*repeated*)" if alert.name in plan.REPEATED else ""
            if alert.name in plan.REASONS:
                out.append(f"| {link} | {alert.severity} | none | {plan.REASONS[alert.name]} |\n")
                continue
            raising = ", ".join(map(shown, raised_by(seen, alert.name)))
            out.append(f"| {link} | {alert.severity} | {raising} | {shown(plan.NEAR[alert.name])} |\n")
    lost = [name for name in sorted(seen["runs"]) if not proves(seen, name)]
    if lost:
        out.append("\n## Not counted\n\nWhat these raised does not count, as they did not pass in the run of this page: "
                   f"{', '.join(map(shown, lost))}.\n")
    out.append("\n## Scenarios beside the rules\n\n| scenario | what happens | farm |\n|---|---|---|\n")
    for name in own_scenarios():
        given = plan.how("", name).farm or (plan.SMALL if name in plan.LIVE else "")
        file = os.path.basename(given)
        link = f"[{file.removesuffix('.toml')}](../dashboards/alerts/scenarios/{file})" if file else "built-in"
        out.append(f"| {shown(name)} | {plan.title(name)} | {link} |\n")
    return "".join(out)


def problems(seen):
    """What is missing or wrong, without a run."""
    alerts = {alert.name: (component, alert) for component, alert in rules.ALERTS}
    for table in (plan.NEAR, plan.REASONS, plan.REPEATED):
        yield from (f"{name} is planned, and there is no such alert" for name in table if name not in alerts)
    known = {*own_scenarios(), *seen["runs"]}
    yield from (f"{name} is live, and there is no such scenario" for name in plan.LIVE if name not in own_scenarios())
    yield from (f"the scenario {name} was not played" for name in own_scenarios() if name not in seen["runs"])
    for name, run in seen["runs"].items():
        if name in own_scenarios() and not proves(seen, name):
            yield f"the scenario {name} was {run['verdict']}, so it proves nothing"
        yield from (f"{name} raised {alert}, and there is no such alert" for alert in run["raised"] if alert not in alerts)
    for name, (component, alert) in alerts.items():
        raising, near = raised_by(seen, name), plan.NEAR.get(name)
        if name in plan.REASONS:
            if raising:
                yield f"{name} has a reason why no scenario raises it, and {raising[0]} does"
            continue
        if not raising:
            yield f"no scenario raises {name}"
        if near is None:
            yield f"{name} has no scenario that does not raise it"
        elif near not in known or near not in seen["runs"]:
            yield f"{near}, which must not raise {name}, was not played"
        elif near in raising:
            yield f"{near} raises {name}, and must not"
        elif near not in plan.LIVE and not plan.simulated(component, alert):
            yield f"{near} is not live, and {name} can be judged only there"
        elif name in plan.REPEATED and "repeated_s" not in seen["runs"][near]:
            yield f"{near} was not judged as if it went on for hours, as {name} needs"


def end(*_):
    raise KeyboardInterrupt


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--only", nargs="+", metavar="NAME", help="play these scenarios alone")
    arguments.add_argument("--page", action="store_true", help="play nothing and write the page")
    arguments.add_argument("--check", action="store_true", help="play and write nothing; exit 1 if something is missing or stale")
    wish = arguments.parse_args()
    # So that no farm is left behind.
    signal.signal(signal.SIGTERM, end)
    seen = read()
    if not wish.check and not wish.page:
        os.environ.setdefault("BESS_BIN", os.path.join(ROOT, "target", "release", "bess"))
        bess = os.environ["BESS_BIN"]
        every = [*plan.in_simulated_time(bess), *plan.LIVE]
        names = wish.only or every
        unknown = [name for name in names if name not in every]
        if unknown:
            print(f"there is no scenario {unknown[0]}; there are {' '.join(every)}", file=sys.stderr)
            return 2
        seen["bess"] = version(bess)
        seen["runs"] = {name: run for name, run in seen["runs"].items() if name in every}

        def keep(results):
            # Somebody else may have played others meanwhile.
            seen["runs"] = {**read()["runs"], **results}
            write(seen)

        simulated, live = [[name for name in names if (name in plan.LIVE) == is_live] for is_live in (False, True)]
        if simulated:
            play_simulated(bess, simulated, keep)
        if live:
            play_live(live, keep)
    found = list(problems(seen))
    made = page(seen) if not any("has no scenario" in problem for problem in found) else ""
    if wish.check:
        if rules.read(PAGE) != made:
            found.append("docs/alert-matrix.md is stale: run `dashboards/alerts/matrix.py --page`")
    elif made:
        rules.write({PAGE: made})
    for problem in found:
        print(f"matrix: {problem}", file=sys.stderr)
    if not found:
        n = sum(1 for _, alert in rules.ALERTS if alert.name not in plan.REASONS)
        print(f"{n} of {len(rules.ALERTS)} alerts have a scenario that raises them and one that does not; the others a reason")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
