"""The curves of VALIDATION.md, as SVG that comes out the same every time.

Two kinds: runs of `bess cell` beside a record or a solver's trajectory, and tables that the tests wrote
into the work folder (`curve` in `simulation/tests/support`): CSV with one header line whose names end in
units, as `t_s,lfp_degc,nmc_degc`. A further curve is a line in PLOTS, a further trajectory one in CASES.
"""

import csv
import dataclasses
import pathlib
import subprocess
import typing

import matplotlib

matplotlib.use("svg")
import matplotlib.pyplot as plt  # noqa: E402
import numpy as np  # noqa: E402

DATA = pathlib.Path(__file__).resolve().parents[1] / "tests/data"
STYLE = {
    "svg.hashsalt": "bess", "font.size": 10, "font.family": "DejaVu Sans", "axes.grid": True,
    "grid.color": "#dddddd", "axes.axisbelow": True, "axes.spines.top": False, "axes.spines.right": False,
    "figure.constrained_layout.use": True, "figure.facecolor": "white", "legend.frameon": False,
    "lines.linewidth": 1.2,
    "axes.prop_cycle": plt.cycler(
        color=["#0b6e99", "#d9480f", "#2b8a3e", "#862e9c", "#e8a200", "#495057", "#c2255c", "#15aabf"]
    ),
}
RECORD_COLOUR, MODEL_COLOUR, ERROR_COLOUR = "#495057", "#d9480f", "#0b6e99"

UNITS = {
    "s": "s", "h": "h", "years": "years", "v": "V", "mv": "mV", "uv": "µV", "a": "A", "degc": "°C", "k": "K",
    "pct": "%", "kw": "kW", "kwh": "kWh", "us": "µs", "ms": "ms", "cells": "cells", "c": "C",
}
"""What the last part of a column's name says."""
ACRONYMS = ("lfp", "nmc", "nca", "lto", "pcs", "soc", "hppc")


class NoData(Exception):
    """A curve cannot be drawn."""


@dataclasses.dataclass(frozen=True)
class Case:
    """A trajectory of the solver and how `bess cell` repeats it."""

    label: str
    chemistry: str
    trajectory: str
    soc: float
    tick: str
    ambient_degc: float = 25.0
    column: str = "I_A"
    """What is held over each row: `I_A` or `P_W`."""


CASES = (
    Case("a1: 1 RC, affine OCV, 1C", "c280-affine-1rc.toml", "a1_1rc_affine_cc_1C.csv", 0.95, "1s"),
    Case("a3: 1 RC, LFP, pulses", "c280-lfp-1rc.toml", "a3_1rc_lfp_pulse.csv", 0.9, "1s"),
    Case("a4: 2 RC, LFP, pulses", "c280-lfp-2rc.toml", "a4_2rc_lfp_pulse.csv", 0.9, "1s"),
    Case("a5: 2 RC, LFP, pulses, 10 Hz", "c280-lfp-2rc.toml", "a5_2rc_lfp_pulse_10Hz.csv", 0.5, "100ms"),
    Case(
        "a7: 1 RC, LFP, power, 10 Hz", "c280-lfp-1rc.toml", "a7_1rc_lfp_dynamic_power_1h.csv", 0.5, "100ms",
        column="P_W",
    ),
)
"""Constant parameters, isothermal."""
CASES_WITH_TABLES = (
    Case("b1: 1C", "ecm-example.toml", "b1_ecm_example_cc_1C.csv", 0.95, "100ms"),
    Case("b2: charge at C/2, 5 °C", "ecm-example.toml", "b2_ecm_example_cc_charge_05C_cold.csv", 0.1, "100ms", 5.0),
    Case("b3: pulses", "ecm-example.toml", "b3_ecm_example_pulse.csv", 0.8, "100ms"),
)
"""Tables over SoC, temperature and current; heat through a case."""


@dataclasses.dataclass(frozen=True)
class Plot:
    """A picture: under which test file it stands, what it says and what draws it."""

    name: str
    topic: str
    caption: str
    draw: typing.Callable


def read_columns(path):
    """The columns of a CSV file of numbers, by name, in order."""
    if not path.exists():
        raise NoData(f"no {path.name} in the work folder: did its test run?")
    with open(path, newline="") as file:
        rows = list(csv.reader(file))
    try:
        table = np.array([[float(field) for field in row] for row in rows[1:]])
    except ValueError as error:
        raise NoData(f"{path.name}: {error}") from error
    if table.size == 0 or table.shape[1] != len(rows[0]):
        raise NoData(f"{path.name} has no rows that fit its header")
    return dict(zip(rows[0], table.T))


def label_and_unit(column):
    """("lfp nail", "°C") of `lfp_nail_degc`."""
    words, _, unit = column.rpartition("_")
    if unit not in UNITS:
        raise NoData(f"column `{column}` does not end in a unit")
    return spelled(words or unit), UNITS[unit]


def spelled(words):
    """`lfp_at_rest` as "LFP at rest"."""
    return " ".join(word.upper() if word in ACRONYMS else word for word in words.split("_"))


def run_cell(bess, chemistry, profile, soc, tick, ambient_degc, out, column="I_A"):
    """Runs `bess cell` and returns its columns."""
    command = [
        bess, "cell", "--chemistry", chemistry, "--profile", profile, "--initial-soc", soc, "--tick", tick,
        "--ambient-degc", ambient_degc, "--column", column, "--out", out,
    ]
    ran = subprocess.run([str(part) for part in command], capture_output=True, text=True)
    if ran.returncode != 0:
        raise NoData(f"bess cell failed on {profile.name}: {ran.stderr.strip()}")
    return read_columns(out)


def at_rows(times_s, run):
    """Indices of the rows of `run` at `times_s`."""
    found = np.searchsorted(run["t_s"], times_s - 1e-6)
    if np.any(found >= len(run["t_s"])) or np.any(np.abs(run["t_s"][found] - times_s) > 1e-6):
        raise NoData("the run has no row at a time of the record")
    return found


def leaf_record(name, from_s, to_s, work):
    """A Leaf record as a trajectory file of bess: time from 0, discharge positive. (path, t, V)"""
    rows = []
    with open(DATA / "leaf" / f"{name}.csv", newline="") as file:
        for row in csv.DictReader(file):
            time_s = float(row["t_s"])
            if from_s <= time_s <= to_s:
                current_a = 0.0 if row["mode"] == "REST" else -float(row["I_A_abs"])
                rows.append((round(time_s - from_s, 3), current_a, float(row["V_V"])))
    path = work / f"leaf_{name}_trajectory.csv"
    with open(path, "w", newline="") as file:
        csv.writer(file).writerows([("t_s", "I_A", "V_V"), *rows])
    table = np.array(rows)
    return path, table[:, 0], table[:, 2]


def draw_leaf(bess, work, figure, title, name, from_s, to_s):
    """Record against model with the error below."""
    profile, time_s, measured_v = leaf_record(name, from_s, to_s, work)
    chemistry = DATA / "leaf/leaf-33ah.toml"
    run = run_cell(bess, chemistry, profile, 1.0, "100ms", 25.0, work / f"leaf_{name}_run.csv")
    model_v = run["voltage_v"][at_rows(time_s, run)]
    error_mv = 1e3 * (model_v - measured_v)
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=[2.2, 1])
    hours = time_s / 3600.0
    upper.plot(hours, measured_v, color=RECORD_COLOUR, linewidth=2.4, alpha=0.55, label="record")
    upper.plot(hours, model_v, color=MODEL_COLOUR, linewidth=0.9, label="model")
    upper.set(ylabel="voltage / V", title=title)
    upper.legend(loc="lower left")
    lower.axhline(0.0, color="#999999", linewidth=0.8)
    lower.plot(hours, error_mv, color=ERROR_COLOUR, linewidth=0.9)
    lower.set(ylabel="model − record / mV", xlabel="time / h", xlim=(0.0, hours[-1]))
    figure.align_ylabels()


def draw_leaf_hppc(bess, work, figure):
    draw_leaf(bess, work, figure, "Nissan Leaf cell, HPPC at 25 °C (fitted)", "hppc", 15444.6, np.inf)


def draw_leaf_1c(bess, work, figure):
    title = "Nissan Leaf cell, 1C discharge, rest, charge at C/2, rest (not fitted)"
    draw_leaf(bess, work, figure, title, "discharge-1c", 10085.3, 23846.2)


def deviations(bess, work, case, pairs):
    """(share of the time in %, largest |run − solver| in that stretch) for each of `pairs` (column of the run,
    of the trajectory, factor, what the run's digits can tell)."""
    trajectory = DATA / case.trajectory
    reference = read_columns(trajectory)
    run = run_cell(
        bess, DATA / case.chemistry, trajectory, case.soc, case.tick, case.ambient_degc,
        work / f"run_{case.trajectory}", case.column,
    )
    time_s, rows = reference["t_s"], at_rows(reference["t_s"], run)
    stretches = np.array_split(np.arange(1, len(time_s)), min(200, len(time_s) - 1))
    share = np.array([100.0 * time_s[part[-1]] / time_s[-1] for part in stretches])
    for ours, theirs, factor, least in pairs:
        error = factor * np.abs(run[ours][rows] - reference[theirs])
        yield share, [max(error[part].max(), least) for part in stretches]


def minutes(case):
    """A case with its length, for a legend."""
    return f"{case.label} ({read_columns(DATA / case.trajectory)['t_s'][-1] / 60.0:.0f} min)"


def show_bar(axes, bar, unit):
    """A dashed line at the bar."""
    axes.axhline(bar, color="#c92a2a", linestyle="--", linewidth=1.0)
    axes.annotate(
        f"bar: {bar:g} {unit}", (0.5, bar), xytext=(0, 4), textcoords="offset points", color="#c92a2a"
    )


VOLTAGE = ("voltage_v", "V_V", 1e6, 1e-4)
"""The run is written to 1e-4 µV; what is below cannot be told from it."""
TEMPERATURE = ("temperature_degc", "T_cell_C", 1e3, 1e-3)
"""To 1e-3 mK."""


def draw_solver(bess, work, figure):
    """Largest error within each stretch of time, over time."""
    axes = figure.subplots()
    for case in CASES:
        [(share, worst_uv)] = deviations(bess, work, case, [VOLTAGE])
        axes.semilogy(share, worst_uv, label=minutes(case))
    show_bar(axes, 1.0, "µV")
    axes.set(
        xlabel="time / % of the trajectory", ylabel="largest |bess cell − solver| / µV",
        ylim=(5e-5, 20.0), xlim=(0, 100), title="Voltage of a cell against the reference solver",
    )
    axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5))


def draw_solver_tables(bess, work, figure):
    """The same for tables and heat: voltage above, temperature below."""
    upper, lower = figure.subplots(2, 1, sharex=True)
    for case in CASES_WITH_TABLES:
        (share, worst_uv), (_, worst_mk) = deviations(bess, work, case, [VOLTAGE, TEMPERATURE])
        upper.semilogy(share, worst_uv, label=minutes(case))
        lower.semilogy(share, worst_mk)
    show_bar(upper, 20.0, "µV")
    show_bar(lower, 1.0, "mK")
    upper.set(
        ylabel="|bess cell − solver| / µV", ylim=(1e-3, 200.0),
        title="Voltage and temperature of a cell with tables against the reference solver",
    )
    lower.set(
        ylabel="|bess cell − solver| / mK", ylim=(1e-3, 10.0), xlim=(0, 100), xlabel="time / % of the trajectory"
    )
    figure.legend(*upper.get_legend_handles_labels(), loc="outside right center")
    figure.align_ylabels()


def lines_of(name, x_label, y_label, title, log=False):
    """A drawing of `<name>.csv`: the first column is x, each further one a curve in the same unit."""

    def draw(_bess, work, figure):
        columns = read_columns(work / f"{name}.csv")
        (x_name, x), *curves = columns.items()
        if not curves:
            raise NoData(f"{name}.csv has no curve beside {x_name}")
        axes = figure.subplots()
        units = set()
        for column, y in curves:
            label, unit = label_and_unit(column)
            units.add(unit)
            axes.plot(x, y, label=label, marker="o" if log else None, markersize=4)
        if len(units) != 1:
            raise NoData(f"the curves of {name}.csv have different units")
        x_unit = label_and_unit(x_name)[1] if "_" in x_name else ""
        axes.set(
            xlabel=f"{x_label} / {x_unit}" if x_unit else x_label, ylabel=f"{y_label} / {units.pop()}", title=title
        )
        if log:
            axes.set(xscale="log", yscale="log")
            axes.grid(which="minor", color="#eeeeee")
        axes.legend()

    return draw


def draw_round_trip(_bess, work, figure):
    """Losses of a day's cycle as stacked bars, in per cent of the energy in; any `*_loss_kwh` is a part."""
    columns = read_columns(work / "round_trip.csv")
    axes = figure.subplots()
    rates, charged = columns["c_rate"], columns["charged_kwh"]
    at = np.arange(len(rates))
    bottom = np.zeros(len(rates))
    for column, kwh in columns.items():
        if not column.endswith("_loss_kwh"):
            continue
        part = 100.0 * kwh / charged
        axes.bar(at, part, 0.5, bottom=bottom, label=spelled(column.removesuffix("_loss_kwh")))
        for x, height, base in zip(at, part, bottom):
            axes.text(x, base + height / 2, f"{height:.1f} %", ha="center", va="center", color="white")
        bottom += part
    for x, height in zip(at, bottom):
        axes.text(x, height + 0.25, f"{height:.1f} % lost", ha="center", fontweight="bold")
    axes.set_xticks(at, [f"{rate:g}C" for rate in rates])
    axes.set(
        ylabel="of the energy in at the POI / %", xlim=(-0.6, len(rates) - 0.4), ylim=(0, 1.15 * bottom.max()),
        xlabel="power, as a rate of the nominal energy (at most the rated power)",
        title="One full cycle a day of a container: where the energy goes",
    )
    axes.grid(axis="x", visible=False)
    # In the order of the stack.
    axes.legend(reverse=True, loc="center left", bbox_to_anchor=(1.0, 0.5))


PLOTS = (
    Plot("leaf_hppc", "val_leaf", "HPPC of a real cell: record, model and their difference.", draw_leaf_hppc),
    Plot(
        "leaf_1c", "val_leaf",
        "A cycle whose voltages the fit never saw: record, model and their difference.", draw_leaf_1c,
    ),
    Plot(
        "solver", "val_cell_reference",
        "Error of `bess cell` against the solver's trajectories, the largest in each half per cent of the time; "
        "the trajectories are written to 0.001 µV, so up to 0.0005 µV is their rounding.", draw_solver,
    ),
    Plot(
        "solver_tables", "val_cell_reference",
        "Error of `bess cell` where resistances come from tables over SoC, temperature and current and heat "
        "flows through a case, the largest in each half per cent of the time.", draw_solver_tables,
    ),
    Plot("round_trip", "val_round_trip", "Losses of a day's full cycle by where they arise.", draw_round_trip),
    Plot(
        "runaway", "val_runaway", "Temperature of an LFP and an NMC cell, each heated by 0.25 K/s until it gains 1 K/s by itself.",
        lines_of("runaway", "time", "temperature", "Thermal runaway of a heated cell"),
    ),
    Plot(
        "ageing", "val_ageing",
        "Capacity lost over ten years by each ageing law under one duty: 25 °C, a cycle a day between 10 and 90 % "
        "with six hours of rest at either end. The NMC law is of small cells of 2014 far beyond their tests.",
        lines_of("ageing", "time", "capacity lost", "Ageing over ten years of a daily cycle"),
    ),
    Plot(
        "tick_cost", "val_tick_cost", "Wall time of a tick over the number of cells: whole product and bare kernel.",
        lines_of("tick_cost", "cells", "wall time of a tick", "Cost of a tick", log=True),
    ),
)


def draw_all(bess, work, charts, plots=PLOTS):
    """Draws what has data into `charts`; returns the plots drawn and the problems."""
    charts.mkdir(parents=True, exist_ok=True)
    drawn, problems = [], []
    for plot in plots:
        with plt.rc_context(STYLE):
            figure = plt.figure(figsize=(9.0, 5.0))
            try:
                plot.draw(bess, work, figure)
            except NoData as error:
                problems.append(f"curve {plot.name}: {error}")
                (charts / f"{plot.name}.svg").unlink(missing_ok=True)
            else:
                # No date and no program: the same data give the same file.
                nothing = {"Date": None, "Creator": None}
                figure.savefig(charts / f"{plot.name}.svg", format="svg", metadata=nothing)
                drawn.append(plot)
            plt.close(figure)
    return drawn, problems
