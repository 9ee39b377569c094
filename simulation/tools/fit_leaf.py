"""Fits a chemistry file of bess to the records of a Nissan Leaf cell.

Reads `hppc.csv` (and, for heat alone, `discharge-1c.csv` and `temperature-1c.csv`) from a folder and
writes the chemistry. What comes from where:

- SoC: 1 is the rested full cell of the HPPC record, 0 is where its last discharge at 10 A reaches 3.0 V.
  The capacity is the charge between the two.
- OCV: the voltage at the end of each rest of an hour, held fast; nodes in between are free.
- r0, rc1, rc2 over SoC: least squares on the recorded voltages (each row counts once) with the cell
  model of bess: exact for a current that is held between two rows.
- Heat (with --heat): heat capacity, conductance and entropic coefficient from the surface temperature
  of one cycle of the 1C record. The voltages of that record are never used, so they stay a prediction.

A row of the records carries the current of the interval that ends at it.
"""

import argparse
import csv
import pathlib

import numpy as np
from scipy.optimize import least_squares

COMMAND = (
    "python simulation/tools/fit_leaf.py --heat simulation/tests/data/leaf "
    "--out simulation/tests/data/leaf/leaf-33ah.toml"
)
REST_S = 3000.0
"""A rest of at least this long counts as rested."""
ENTROPIC_NODES = (0.0, 0.15, 0.3, 0.45, 0.6, 0.75, 0.9, 1.0)
SMOOTH_V = 0.004
"""What a unit of curvature in the logarithm of a resistance costs, as a residual in volts: it decides
only where the record does not."""


class Record:
    """A record with discharge positive: end of each interval, current over it, voltage at its end."""

    def __init__(self, path, from_s=-np.inf, to_s=np.inf):
        with open(path, newline="") as file:
            rows = [row for row in csv.DictReader(file) if from_s <= float(row["t_s"]) <= to_s]
        self.t_s = np.array([float(row["t_s"]) for row in rows])
        self.i_a = -np.array([float(row["I_A_abs"]) for row in rows])
        self.v_v = np.array([float(row["V_V"]) for row in rows])
        self.resting = np.array([row["mode"] == "REST" for row in rows])
        self.i_a[self.resting] = 0.0

    def charge_c(self):
        """Charge drawn since the first row."""
        return np.concatenate([[0.0], np.cumsum(self.i_a[1:] * np.diff(self.t_s))])

    def fine(self, step_s):
        """The same record with no interval longer than `step_s` while a current flows."""
        t_s, i_a = [self.t_s[0]], [self.i_a[0]]
        for k in range(1, len(self.t_s)):
            span_s = self.t_s[k] - self.t_s[k - 1]
            parts = 1 if self.resting[k] else max(1, int(np.ceil(span_s / step_s - 1e-9)))
            t_s.extend(self.t_s[k - 1] + span_s * (np.arange(parts) + 1) / parts)
            i_a.extend([self.i_a[k]] * parts)
        fine = object.__new__(Record)
        fine.t_s, fine.i_a = np.array(t_s), np.array(i_a)
        fine.v_v = np.interp(fine.t_s, self.t_s, self.v_v)
        fine.resting = fine.i_a == 0.0
        return fine


def rested_rows(record):
    """The first row, which a fit starts from, and the last row of each long rest."""
    rows, start = [0], None
    for k in range(1, len(record.t_s) + 1):
        resting = k < len(record.t_s) and record.resting[k]
        if resting and start is None:
            start = k
        elif not resting and start is not None:
            if record.t_s[k - 1] - record.t_s[start] >= REST_S:
                rows.append(k - 1)
            start = None
    return rows


def rc_voltage(resistance_ohm, capacitance_f, i_a, dt_s):
    """Drop over an RC pair at the end of each interval, from rest; exact for a held current."""
    decay = -np.expm1(-dt_s / (resistance_ohm * capacitance_f))
    push = decay * resistance_ohm * i_a
    v, out = 0.0, np.empty(len(dt_s) + 1)
    out[0] = 0.0
    for k, (b, p) in enumerate(zip(decay.tolist(), push.tolist())):
        v += p - b * v
        out[k + 1] = v
    return out


class Cell:
    """The parameters of a fit: what the vector of the optimiser means."""

    def __init__(self, capacity_c, rested_soc, rested_v):
        self.capacity_c = capacity_c
        order = np.argsort(rested_soc)
        self.fixed_soc, self.fixed_v = np.array(rested_soc)[order], np.array(rested_v)[order]
        inner = [
            low + (high - low) * part
            for low, high in zip(self.fixed_soc[:-1], self.fixed_soc[1:])
            for part in (0.25, 0.5, 0.75)
        ]
        below = self.fixed_soc[0] * np.array([0.0, 0.08, 0.2, 0.35, 0.5, 0.75])
        self.free_soc = np.array(sorted([*below, *inner]))
        self.nodes = np.array(sorted([*self.fixed_soc, *self.free_soc]))
        # Pulses follow the rests; below the last one the final discharge says a little.
        self.rc_nodes = np.array([0.0, 0.5 * self.fixed_soc[0], *self.fixed_soc])

    def reference_ohm(self, over_soc):
        """The resistance that the file states: that at the node nearest to half charge."""
        return over_soc[int(np.argmin(np.abs(self.rc_nodes - 0.5)))]

    def start(self):
        guess_v = np.interp(self.free_soc, self.fixed_soc, self.fixed_v)
        low = self.free_soc < self.fixed_soc[0]
        guess_v[low] = 3.05 + (self.fixed_v[0] - 3.05) * self.free_soc[low] / self.fixed_soc[0]
        logs = [np.full(len(self.rc_nodes), np.log(ohm)) for ohm in (1.3e-3, 0.6e-3, 0.9e-3)]
        return np.concatenate([guess_v, *logs, np.log([8.0, 300.0])])

    def unpack(self, x):
        n_free, n_rc = len(self.free_soc), len(self.rc_nodes)
        ocv_v = np.empty(len(self.nodes))
        ocv_v[np.searchsorted(self.nodes, self.fixed_soc)] = self.fixed_v
        ocv_v[np.searchsorted(self.nodes, self.free_soc)] = x[:n_free]
        logs = x[n_free : n_free + 3 * n_rc].reshape(3, n_rc)
        return ocv_v, np.exp(logs), np.exp(x[-2:])

    def voltage(self, x, record, soc_at_start=1.0, with_drop=False):
        """Terminal voltage at each row of `record`, which starts at rest."""
        ocv_v, ohms, taus_s = self.unpack(x)
        soc = soc_at_start - record.charge_c() / self.capacity_c
        i_a, dt_s = record.i_a[1:], np.diff(record.t_s)
        # bess takes the resistances at the SoC where a tick starts.
        at_start = [np.interp(soc[:-1], self.rc_nodes, of_soc) for of_soc in ohms]
        drop_v = np.zeros(len(soc))
        drop_v[1:] = at_start[0] * i_a
        for j in (1, 2):
            capacitance_f = taus_s[j - 1] / self.reference_ohm(ohms[j])
            drop_v += rc_voltage(at_start[j], capacitance_f, i_a, dt_s)
        v = np.interp(soc, self.nodes, ocv_v) - drop_v
        return (v, drop_v, soc) if with_drop else v


def curvature(x, nodes, n_free):
    """Second differences of the logarithms of the resistances over their nodes."""
    logs = x[n_free : n_free + 3 * len(nodes)].reshape(3, len(nodes))
    slope = np.diff(logs, axis=1) / np.diff(nodes)
    return (np.diff(slope, axis=1) * 0.1).ravel()


def fit(record):
    rested = rested_rows(record)
    charge_c = record.charge_c()
    capacity_c = charge_c[-1]
    cell = Cell(capacity_c, [1.0 - charge_c[k] / capacity_c for k in rested], record.v_v[rested])
    n_free = len(cell.free_soc)

    def residuals(x):
        error_v = cell.voltage(x, record) - record.v_v
        return np.concatenate([error_v, SMOOTH_V * curvature(x, cell.rc_nodes, n_free)])

    solution = least_squares(residuals, cell.start(), x_scale="jac", max_nfev=60)
    return cell, solution.x


def rms(error, t_s):
    """Root mean square over time: each row stands for the interval that ends at it."""
    return float(np.sqrt(np.sum(error[1:] ** 2 * np.diff(t_s)) / (t_s[-1] - t_s[0])))


def fit_heat(cell, x, folder, cycle):
    """Heat capacity, conductance and entropic curve from the mean surface temperature of a cycle."""
    record = Record(folder / "discharge-1c.csv", *cycle).fine(10.0)
    _, drop_v, soc = cell.voltage(x, record, with_drop=True)
    columns = np.genfromtxt(folder / "temperature-1c.csv", delimiter=",", names=True)
    surface = np.mean([columns[name] for name in ("T1_C", "T2_C", "T3_C")], axis=0)
    measured = np.interp(record.t_s, columns["t_s"], surface)
    ambient = np.interp(record.t_s, columns["t_s"], columns["T4_C"])
    # The rested cell shows that the sensors differ: the offset is fitted, but is no part of a cell.
    dt_s = np.diff(record.t_s)
    basis = [np.interp(soc, ENTROPIC_NODES, row) for row in np.eye(len(ENTROPIC_NODES))]

    def temperature(p):
        capacity_j_per_k, w_per_k, offset_k = np.exp(p[0]), np.exp(p[1]), p[2]
        entropic = sum(c * b for c, b in zip(p[3:], basis)) * 1e-3
        heat_w = record.i_a * drop_v - record.i_a * (measured + 273.15) * entropic
        keep = np.exp(-dt_s * w_per_k / capacity_j_per_k)
        out = np.empty(len(record.t_s))
        out[0] = here = measured[0]
        for k in range(len(dt_s)):
            towards = ambient[k + 1] + offset_k + heat_w[k + 1] / w_per_k
            here = towards + (here - towards) * keep[k]
            out[k + 1] = here
        return out

    weight = np.sqrt(np.concatenate([[0.0], dt_s]) / np.mean(dt_s))
    start = np.concatenate([np.log([800.0, 0.8]), [0.0], np.zeros(len(ENTROPIC_NODES))])
    solution = least_squares(lambda p: weight * (temperature(p) - measured), start)
    p = solution.x
    error = temperature(p) - measured
    print(f"heat: {np.exp(p[0]):.1f} J/K, {np.exp(p[1]):.4f} W/K, offset {p[2]:.3f} K, "
          f"rms {rms(error, record.t_s):.3f} K, worst {np.max(np.abs(error)):.3f} K")
    return np.exp(p[0]), np.exp(p[1]), p[3:] * 1e-3


def rows_of(numbers, form):
    """An array of TOML, ten to a line."""
    texts = [format(number, form) for number in numbers]
    lines = ["  " + ", ".join(texts[k : k + 10]) + "," for k in range(0, len(texts), 10)]
    return "[\n" + "\n".join(lines) + "\n]"


def chemistry_text(cell, x, heat, hppc_mv):
    ocv_v, ohms, taus_s = cell.unpack(x)
    soc = cell.nodes.copy()
    soc[0], soc[-1] = 0.0, 1.0
    rc_soc = cell.rc_nodes.copy()
    rc_soc[-1] = 1.0
    source = "README.md in this folder"
    parts = [
        f"# Written by: {COMMAND}\n"
        f"# Fitted to hppc.csv alone: {hppc_mv:.1f} mV rms over time.\n"
        'name = "leaf-33ah"\n'
        'description = "Nissan Leaf 2013, 33.1 Ah pouch cell, LMO and NCA on graphite, 25 degC"\n',
        "[cell]\n"
        f"capacity_ah = {cell.capacity_c / 3600.0:.4f}\n"
        "nominal_voltage_v = 3.75\n"
        f'source = "charge of hppc.csv from rest at 4.2 V to 3.0 V at 10 A; {source}"\n',
        "[ocv]\n"
        f"soc = {rows_of(soc, '.6f')}\n"
        f"voltage_v = {rows_of(ocv_v, '.5f')}\n"
        f'source = "rests of an hour in hppc.csv, and least squares in between; {source}"\n',
    ]
    for j, name in enumerate(("r0", "rc1", "rc2")):
        value = cell.reference_ohm(ohms[j])
        tau = f"time_constant_s = {taus_s[j - 1]:.3f}\n" if j else ""
        parts.append(
            f"[{name}]\nresistance_ohm = {value:.7f}\n{tau}"
            f"soc = {rows_of(rc_soc, '.6f')}\n"
            f"factor = {rows_of(ohms[j] / value, '.5f')}\n"
            f'source = "least squares on hppc.csv; {source}"\n'
        )
    if heat is not None:
        capacity_j_per_k, w_per_k, entropic = heat
        parts.append(
            f"[entropic] # takes up what the form of the heat does not explain, too\nsoc = {rows_of(ENTROPIC_NODES, '.2f')}\n"
            f"v_per_k = {rows_of(entropic, '.7f')}\n"
            f'source = "least squares on temperature-1c.csv; {source}"\n'
        )
        parts.append(
            f"[thermal] # with what holds the cell; the plate stands for the air around it\n"
            f"heat_capacity_j_per_k = {capacity_j_per_k:.1f}\nneighbour_w_per_k = 0\n"
            f'plate_w_per_k = {w_per_k:.4f}\nsource = "least squares on temperature-1c.csv; {source}"\n'
        )
    return "\n".join(parts)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("records", type=pathlib.Path, help="folder with hppc.csv")
    parser.add_argument("--out", type=pathlib.Path, required=True, help="chemistry file to write")
    parser.add_argument("--heat", action="store_true", help="fit heat to the 1C temperatures too")
    parser.add_argument("--from-s", type=float, default=15444.6, help="rested full cell in hppc.csv")
    parser.add_argument(
        "--cycle-s", type=float, nargs=2, default=(10085.3, 23846.2),
        help="one discharge, rest, charge and rest of discharge-1c.csv",
    )
    args = parser.parse_args()
    hppc = Record(args.records / "hppc.csv", args.from_s)
    hppc.i_a[0] = 0.0
    cell, x = fit(hppc)
    error = cell.voltage(x, hppc) - hppc.v_v
    hppc_mv = 1e3 * rms(error, hppc.t_s)
    print(f"capacity {cell.capacity_c / 3600:.3f} Ah")
    print(f"hppc: {hppc_mv:.2f} mV rms over time, {1e3 * np.std(error):.2f} mV over rows, "
          f"worst {1e3 * np.max(np.abs(error)):.1f} mV")
    print("ohms", np.array2string(cell.unpack(x)[1] * 1e3, precision=3), cell.unpack(x)[2])
    one_c = args.records / "discharge-1c.csv"
    if one_c.exists():
        record = Record(one_c, *args.cycle_s).fine(1.0)
        discharge = record.t_s <= args.cycle_s[0] + 3570.0
        error = cell.voltage(x, record) - record.v_v
        print(f"1C discharge, predicted: {1e3 * rms(error[discharge], record.t_s[discharge]):.2f} mV; "
              f"whole cycle {1e3 * rms(error, record.t_s):.2f} mV rms")
    heat = fit_heat(cell, x, args.records, args.cycle_s) if args.heat else None
    args.out.write_text(chemistry_text(cell, x, heat, hppc_mv))


if __name__ == "__main__":
    main()
