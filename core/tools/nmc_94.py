#!/usr/bin/env python3
"""Writes the electrical part of core/src/chemistry/data/nmc-94.toml from the tables of SimSES 1.3.12
(BSD-3-Clause); its `[ageing]` and `[runaway]`, which follow, are written by hand.

    python3 core/tools/nmc_94.py FOLDER

FOLDER holds NMC_Samsung94Ah_OCV_101.csv (SoC, volts at 5/15/25/35 degC),
NMC_Samsung_LabTest_allcells_HystV.csv (SoC, volts) and NMC_Samsung_LabTest_cell_00_Ri.csv. The last
lists SoC, temperature and C-rate in three columns that do not belong together row by row; milliohms
follow in 48 columns: direction (charge first), temperature, C-rate, fastest last.

Nodes are left out where the error stays below 1 mV: of the voltage itself, or of the resistance
times the current at which it was measured.
"""
import csv
import math
import sys

CAPACITY_AH = 94.0
BAR_V = 0.001
LAB_DEGC = [5.0, 15.0, 25.0, 35.0]
LAB_C_RATES = [0.25, 0.5, 0.75, 1.0, 1.25, 1.5]
# The operating range of the limits, beyond the laboratory's 5 to 35 degC.
COLDER_DEGC = [-20.0, -12.0, -4.0]
HOTTER_DEGC = [45.0, 55.0]
ACTIVATION_J_PER_MOL = 22_000.0  # facts: 21-23 kJ/mol over 5..35 degC
OHMIC, DIFFUSION = 0.4, 0.3  # [E] shares of the mean resistance at each temperature


def between(xs, ys, x):
    i = max(k for k in range(len(xs) - 1) if xs[k] <= x or k == 0)
    return ys[i] + (ys[i + 1] - ys[i]) * (x - xs[i]) / (xs[i + 1] - xs[i])


def thinned(xs, rows, bars, forced=()):
    """Indices of nodes that keep every row within its bar at all nodes left out, longest pieces
    first. `bars[r][k]` is the bar of row r at node k."""
    kept = [0]
    while kept[-1] < len(xs) - 1:
        start = kept[-1]
        for end in range(len(xs) - 1, start, -1):
            inner = range(start + 1, end)
            if end > start + 1 and any(k in forced for k in inner):
                continue
            if all(
                abs(between([xs[start], xs[end]], [row[start], row[end]], xs[k]) - row[k]) < bar[k]
                for row, bar in zip(rows, bars)
                for k in inner
            ):
                kept.append(end)
                break
    return kept


def array(key, values, digits, per_line=10):
    words = [f"{v:.{digits}f}" for v in values]
    if len(words) <= per_line + 2:
        return f"{key} = [{', '.join(words)}]"
    lines = [", ".join(words[i : i + per_line]) for i in range(0, len(words), per_line)]
    return f"{key} = [\n  " + ",\n  ".join(lines) + ",\n]"


def main(folder):
    def read(name):
        with open(f"{folder}/{name}", newline="") as file:
            return list(csv.reader(file))[1:]

    out = []
    # Open-circuit voltage: rows by temperature, held beyond the laboratory's.
    ocv = [[float(x) for x in row] for row in read("NMC_Samsung94Ah_OCV_101.csv")]
    soc = [row[0] for row in ocv]
    volts = [[row[1 + t] for row in ocv] for t in range(4)]
    kept = thinned(soc, volts, [[BAR_V] * len(soc)] * 4)
    ocv_rows = [[row[k] for k in kept] for row in volts]
    ocv_degc = [COLDER_DEGC[0], *LAB_DEGC, HOTTER_DEGC[-1]]
    ocv_rows = [ocv_rows[0], *ocv_rows, ocv_rows[3]]

    # Entropic coefficient: slope over the four temperatures, mean over +-2 % of SoC.
    def slope(k):
        mean = sum(LAB_DEGC) / 4
        return sum((t - mean) * volts[n][k] for n, t in enumerate(LAB_DEGC)) / sum(
            (t - mean) ** 2 for t in LAB_DEGC
        )

    entropic_soc = [k / 20 for k in range(21)]
    entropic = []
    for k in range(0, 101, 5):
        near = [slope(j) for j in range(max(k - 2, 0), min(k + 3, 101))]
        entropic.append(sum(near) / len(near))

    hysteresis = [[float(x) for x in row] for row in read("NMC_Samsung_LabTest_allcells_HystV.csv")]
    # Nodes of whole percents, so that all nodes of voltages lie on one even grid.
    hysteresis = [row for row in hysteresis if abs(row[0] * 100 - round(row[0] * 100)) < 1e-6]
    h_soc, h_v = [r[0] for r in hysteresis], [r[1] for r in hysteresis]
    h_kept = thinned(h_soc, [h_v], [[BAR_V] * len(h_soc)])

    # Resistance in ohms: r[(direction, temperature)][c_rate][soc], as signed currents.
    lab = read("NMC_Samsung_LabTest_cell_00_Ri.csv")
    r_soc = [float(row[0]) for row in lab]
    c_rates = [-c for c in reversed(LAB_C_RATES)] + LAB_C_RATES
    ohms = {}  # (c_rate, degc) -> values over SoC
    for direction in range(2):
        for t, degc in enumerate(LAB_DEGC):
            for c, rate in enumerate(LAB_C_RATES):
                column = 3 + direction * 24 + t * 6 + c
                signed = -rate if direction == 0 else rate
                ohms[signed, degc] = [float(row[column]) / 1000 for row in lab]
    rows, bars = [], []
    for (rate, _), row in ohms.items():
        rows.append(row)
        bars.append([0.8 * BAR_V / (abs(rate) * CAPACITY_AH)] * len(r_soc))
    r_kept = thinned(r_soc, rows, bars)
    rows, bars = [], []
    for degc in LAB_DEGC:
        for k in range(len(r_soc)):
            rows.append([ohms[c, degc][k] for c in c_rates])
            bars.append([0.8 * BAR_V / (abs(c) * CAPACITY_AH) for c in c_rates])
    # The smallest current of each direction stays: charge and discharge differ.
    c_kept = thinned(c_rates, rows, bars, forced=(5, 6))

    degcs = COLDER_DEGC + LAB_DEGC + HOTTER_DEGC

    def over_temperature(rate, k, degc):
        nearest = min(max(degc, LAB_DEGC[0]), LAB_DEGC[-1])
        inverse = 1 / (degc + 273.15) - 1 / (nearest + 273.15)
        return ohms[rate, nearest][k] * math.exp(ACTIVATION_J_PER_MOL / 8.314462618 * inverse)

    mean = [
        sum(over_temperature(c, k, t) for c in c_rates for k in range(len(r_soc)))
        / (len(c_rates) * len(r_soc))
        for t in degcs
    ]
    r0 = [round(OHMIC * m, 7) for m in mean]
    rc2 = [round(DIFFUSION * m, 7) for m in mean]
    rc1 = [
        over_temperature(c_rates[c], k, t) - r0[n] - rc2[n]
        for c in c_kept
        for n, t in enumerate(degcs)
        for k in r_kept
    ]
    assert min(rc1) > 0

    # Worst errors at the laboratory's points.
    def rebuilt(degc, rate, s):
        n = degcs.index(degc)
        line = []
        for c in c_kept:
            values = [over_temperature(c_rates[c], k, degc) for k in r_kept]
            line.append(between([r_soc[k] for k in r_kept], values, s))
        return between([c_rates[c] for c in c_kept], line, rate)

    worst = max(
        abs(rebuilt(degc, rate, s) - row[k]) * abs(rate) * CAPACITY_AH
        for (rate, degc), row in ohms.items()
        for k, s in enumerate(r_soc)
    )
    print(
        f"nodes: OCV {len(kept)} of 101, hysteresis {len(h_kept)} of 101 at whole percents, resistance "
        f"{len(r_kept)} of 21 SoCs x {len(c_kept)} of 12 currents x {len(degcs)} temperatures; "
        f"worst resistance error {worst * 1000:.2f} mV",
        file=sys.stderr,
    )

    degc = array("temperature_degc", degcs, 0)
    ocv_table = [v for row in ocv_rows for v in row]
    print(f"""# Chemistry file of bess. One cell; every table names the source of its figures.
# [D] data sheet, [R] published research data, [C] computed from such data, [E] engineering choice.
# Written by core/tools/nmc_94.py: edit that, not this.
name = "nmc-94"
description = "NMC 94 Ah prismatic cell"

[cell]
capacity_ah = 94
nominal_voltage_v = 3.68
source = "[R] SimSES: Samsung SDI 94 Ah, 3.68 V, 2.7-4.15 V, 2.1 kg, 173 x 45 mm, 125 mm high"

[ocv]
{array("soc", [soc[k] for k in kept], 2)}
{array("temperature_degc", ocv_degc, 0)}
{array("voltage_v", ocv_table, 4)}
source = "[R] SimSES 1.3.12 (BSD-3-Clause), measured at 5, 15, 25, 35 degC; {len(kept)} of 101 nodes, error < 1 mV; held beyond 5..35 degC [E]"

[r0] # ohmic
{degc}
{array("resistance_ohm", r0, 7)}
source = "40 % [E] of the mean over SoC and current of the DC resistance named at rc1"

[rc1] # charge transfer: the rest of the total, so that r0 + rc1 + rc2 is the measured resistance
{array("soc", [r_soc[k] for k in r_kept], 2)}
{degc}
{array("c_rate", [c_rates[c] for c in c_kept], 2)}
{array("resistance_ohm", rc1, 7)}
time_constant_s = 10
source = "total DC resistance over SoC, temperature, C-rate and direction [R] SimSES 1.3.12 (BSD-3-Clause), laboratory cell 00, 5..35 degC and 0.25..1.5C, less r0 and rc2; nodes left out where the error stays < 1 mV; below 5 and above 35 degC by Arrhenius with 22 kJ/mol [C] (21-23 over 5..35 degC): low for real cells below 0 degC; tau [E]"

[rc2] # diffusion
{degc}
{array("resistance_ohm", rc2, 7)}
time_constant_s = 300
source = "30 % [E] of the mean over SoC and current of the DC resistance named at rc1; tau [E]"

[hysteresis] # half-width: + while charging, - while discharging
{array("soc", [h_soc[k] for k in h_kept], 3)}
{array("half_width_v", [h_v[k] for k in h_kept], 4)}
rate_per_soc = 75
source = "[R] SimSES 1.3.12 (BSD-3-Clause), mean of its laboratory cells; {len(h_kept)} of its 101 nodes at whole percents, error < 1 mV there; as half-width our reading; wide for NMC, it may hold polarisation of the measuring current; build-up rate 50-100 [E]"

[entropic]
{array("soc", entropic_soc, 2)}
{array("v_per_k", entropic, 6)}
source = "[C] slope of the open-circuit voltage above over 5..35 degC, mean over 5 % of SoC; no calorimetry stands behind it"

[thermal]
heat_capacity_j_per_k = 2100
neighbour_w_per_k = 0.36
plate_w_per_k = 1.6
source = "2.1 kg [R] SimSES x cp 1000 J/(kg K) [R] Collath 2024; conductances [C] as for lfp-280 from the cell's size, k 0.8 through and 22 W/(m K) in the plane, contact 0.004 m2K/W [R] LIM1TR; plate h 500 W/(m2 K) [E]"

[limits]
voltage_min_v = 2.7
voltage_max_v = 4.15
charge_c_rate_max = 1.0
discharge_c_rate_max = 1.0
charge_by_voltage = {{ voltage_v = [4.08, 4.14], factor = [1.0, 0.0] }}
discharge_by_voltage = {{ voltage_v = [2.8, 3.0], factor = [0.0, 1.0] }}
charge_by_temperature = {{ temperature_degc = [0, 10, 45, 55], factor = [0.0, 1.0, 1.0, 0.0] }}
discharge_by_temperature = {{ temperature_degc = [-20, 0, 45, 55], factor = [0.0, 1.0, 1.0, 0.0] }}
source = "2.7-4.15 V, 2C [R] SimSES; 1C continuous [E]; derating of a typical rack [E]\"""")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(sys.argv[1])
