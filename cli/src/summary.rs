//! What a headless run adds up to: for people and as JSON.

use crate::scale::{Scale, scaled};
use bess_core::id::CellAddress;
use bess_core::snapshot::FarmView;
use bess_core::spec::FarmSpec;
use bess_core::time::{TICK_S, Tick};
use serde::Serialize;
use std::io::Write;

const MWH_J: f64 = 3.6e9;
/// A person is told no efficiency below this share of the nominal energy discharged: auxiliaries and
/// noise would be all of it \[E\].
const LEAST_DISCHARGE: f64 = 1e-5;

/// An extreme over all cells and ticks, and where and when it was.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(crate) struct Extreme {
    value: f64,
    /// Numbers from 1.
    unit: u32,
    rack: u16,
    cell: u16,
    at_s: f64,
}

impl Extreme {
    fn new(value: f64, at: CellAddress, at_s: f64) -> Self {
        Self { value, unit: at.unit_idx + 1, rack: at.rack_idx + 1, cell: at.cell_idx + 1, at_s }
    }
}

/// Least, mean and greatest of a series.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(crate) struct Range {
    min: f64,
    mean: f64,
    max: f64,
}

#[derive(Clone, Copy, Debug)]
struct Running {
    min: f64,
    max: f64,
    sum: f64,
    n: u64,
}

impl Running {
    const EMPTY: Self = Self { min: f64::INFINITY, max: f64::NEG_INFINITY, sum: 0.0, n: 0 };
    fn add(&mut self, x: f64) {
        self.min = self.min.min(x);
        self.max = self.max.max(x);
        self.sum += x;
        self.n += 1;
    }
    fn range(&self) -> Option<Range> {
        (self.n > 0).then(|| Range { min: self.min, mean: self.sum / self.n as f64, max: self.max })
    }
}

/// Collects a run, tick by tick.
#[derive(Debug)]
pub(crate) struct Collector {
    rated_w: f64,
    soc: Running,
    soc_start: f64,
    frequency: Running,
    error_square: f64,
    error_abs: f64,
    error_max: f64,
    within_1_pct: u64,
    error_n: u64,
    /// Voltage min, max, temperature min, max.
    extremes: Option<[Extreme; 4]>,
}

impl Collector {
    pub(crate) fn new(spec: &FarmSpec, first: &FarmView) -> Self {
        Self {
            rated_w: spec.rated_power().0,
            soc: Running::EMPTY,
            soc_start: first.soc,
            frequency: Running::EMPTY,
            error_square: 0.0,
            error_abs: 0.0,
            error_max: 0.0,
            within_1_pct: 0,
            error_n: 0,
            extremes: None,
        }
    }

    /// The farm at the end of `tick`, and what dispatch wanted during it.
    pub(crate) fn add(&mut self, tick: Tick, farm: &FarmView, wanted_w: Option<f64>) {
        self.soc.add(farm.soc);
        self.frequency.add(farm.frequency.0);
        if let Some(wanted_w) = wanted_w {
            let error_w = (farm.active_power.0 - wanted_w).abs();
            self.error_square += error_w * error_w;
            self.error_abs += error_w;
            self.error_max = self.error_max.max(error_w);
            self.within_1_pct += u64::from(error_w <= 0.01 * self.rated_w);
            self.error_n += 1;
        }
        let (e, at_s) = (&farm.extremes, tick.elapsed_s());
        let now = [
            Extreme::new(e.voltage_min.0, e.voltage_min_at, at_s),
            Extreme::new(e.voltage_max.0, e.voltage_max_at, at_s),
            Extreme::new(e.temperature_min.0, e.temperature_min_at, at_s),
            Extreme::new(e.temperature_max.0, e.temperature_max_at, at_s),
        ];
        let Some(so_far) = &mut self.extremes else {
            self.extremes = Some(now);
            return;
        };
        for (index, now) in now.into_iter().enumerate() {
            let beyond = if index % 2 == 0 {
                now.value < so_far[index].value
            } else {
                now.value > so_far[index].value
            };
            if beyond {
                so_far[index] = now;
            }
        }
    }

    pub(crate) fn summary(
        &self,
        spec: &FarmSpec,
        last: &FarmView,
        ticks: u64,
        wall_s: f64,
        state_hash: &[u8; 32],
    ) -> Summary {
        let totals = &last.totals;
        let mwh = |joules: f64| joules / MWH_J;
        let stored = -last.chemical_energy_drawn.0;
        // What went in beyond what came out is lost, drawn by auxiliaries, or still in the cells.
        let (given, taken) =
            (totals.discharged.0 + stored.max(0.0), totals.charged.0 + (-stored).max(0.0));
        let n = self.error_n as f64;
        let following = (self.error_n > 0).then(|| Following {
            rms_w: (self.error_square / n).sqrt(),
            rms_pct_of_rated: (self.error_square / n).sqrt() / self.rated_w * 100.0,
            mean_abs_w: self.error_abs / n,
            max_abs_w: self.error_max,
            time_within_1_pct_of_rated: self.within_1_pct as f64 / n,
        });
        let [voltage_min, voltage_max, temperature_min, temperature_max] =
            self.extremes.expect("a run has at least one tick");
        let simulated_s = ticks as f64 * TICK_S;
        let cell_steps = ticks as f64 * spec.n_cells() as f64;
        Summary {
            schema: 1,
            version: env!("CARGO_PKG_VERSION"),
            farm: spec.name.clone(),
            units: spec.units.len(),
            cells: spec.n_cells(),
            rated_power_mw: self.rated_w / 1e6,
            nominal_energy_mwh: mwh(spec.nominal_energy().0),
            seed: spec.seed,
            ticks,
            simulated_s,
            wall_s,
            times_real_time: simulated_s / wall_s,
            cell_steps_per_s: cell_steps / wall_s,
            energy: Energy {
                discharged_mwh: mwh(totals.discharged.0),
                charged_mwh: mwh(totals.charged.0),
                cell_loss_mwh: mwh(totals.cell_loss.0),
                pcs_loss_mwh: mwh(totals.pcs_loss.0),
                auxiliary_mwh: mwh(totals.auxiliary.0),
                transformer_loss_mwh: mwh(totals.transformer.0),
                stored_change_mwh: mwh(stored),
                unexplained_mwh: mwh(totals.charged.0
                    - totals.discharged.0
                    - totals.cell_loss.0
                    - totals.pcs_loss.0
                    - totals.auxiliary.0
                    - totals.transformer.0
                    - stored),
                round_trip_efficiency: (taken > 0.0).then(|| given / taken),
                throughput_mwh: mwh(totals.discharged.0 + totals.charged.0),
            },
            soc: SocWindow {
                start: self.soc_start,
                end: last.soc,
                min: self.soc.min,
                max: self.soc.max,
            },
            following,
            frequency_hz: self.frequency.range().expect("a run has at least one tick"),
            cells_extremes: CellsExtremes {
                voltage_min_v: voltage_min,
                voltage_max_v: voltage_max,
                temperature_min_degc: temperature_min,
                temperature_max_degc: temperature_max,
            },
            state_sha256: state_hash.iter().map(|byte| format!("{byte:02x}")).collect(),
        }
    }
}

/// The result of a headless run.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Summary {
    schema: u32,
    version: &'static str,
    farm: String,
    units: usize,
    cells: usize,
    rated_power_mw: f64,
    nominal_energy_mwh: f64,
    seed: u64,
    ticks: u64,
    simulated_s: f64,
    wall_s: f64,
    times_real_time: f64,
    cell_steps_per_s: f64,
    energy: Energy,
    soc: SocWindow,
    following: Option<Following>,
    frequency_hz: Range,
    cells_extremes: CellsExtremes,
    state_sha256: String,
}

/// Energy at the POI and where it went.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
struct Energy {
    discharged_mwh: f64,
    charged_mwh: f64,
    cell_loss_mwh: f64,
    pcs_loss_mwh: f64,
    auxiliary_mwh: f64,
    transformer_loss_mwh: f64,
    /// More in the cells' chemistry than at the start; negative: less.
    stored_change_mwh: f64,
    /// What the book does not explain: rounding and the linearised split within a tick.
    unexplained_mwh: f64,
    /// Energy out over energy in at the POI, with the change of stored energy counted as out when it
    /// grew and as in when it fell; auxiliaries included. Absent when nothing went in.
    round_trip_efficiency: Option<f64>,
    throughput_mwh: f64,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
struct SocWindow {
    start: f64,
    end: f64,
    min: f64,
    max: f64,
}

/// Power at the POI against dispatch, over all ticks.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
struct Following {
    rms_w: f64,
    rms_pct_of_rated: f64,
    mean_abs_w: f64,
    max_abs_w: f64,
    time_within_1_pct_of_rated: f64,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
struct CellsExtremes {
    voltage_min_v: Extreme,
    voltage_max_v: Extreme,
    temperature_min_degc: Extreme,
    temperature_max_degc: Extreme,
}

impl Summary {
    /// The summary that a person reads.
    pub(crate) fn write(&self, out: &mut dyn Write) -> std::io::Result<()> {
        writeln!(
            out,
            "{}: {} units, {} cells, {}, {}, seed {}",
            self.farm,
            self.units,
            self.cells,
            scaled(self.rated_power_mw * 1e6, "W", 1),
            scaled(self.nominal_energy_mwh * 1e6, "Wh", 2),
            self.seed
        )?;
        writeln!(
            out,
            "simulated {} in {:.2} s: {:.0} times real time, {:.2e} cell-steps/s",
            hours(self.simulated_s),
            self.wall_s,
            self.times_real_time,
            self.cell_steps_per_s
        )?;
        self.write_energy(out)?;
        writeln!(
            out,
            "SoC window              {:>10.2} to {:.2} %, from {:.2} to {:.2} %  (as the BMSes estimate it)",
            self.soc.min * 100.0,
            self.soc.max * 100.0,
            self.soc.start * 100.0,
            self.soc.end * 100.0
        )?;
        if let Some(f) = &self.following {
            writeln!(
                out,
                "following error         {:>10.3} % of rated rms ({}), mean {}, max {}; within 1 % for {:.1} % of the time",
                f.rms_pct_of_rated,
                scaled(f.rms_w, "W", 1),
                scaled(f.mean_abs_w, "W", 1),
                scaled(f.max_abs_w, "W", 1),
                f.time_within_1_pct_of_rated * 100.0
            )?;
        }
        let f = &self.frequency_hz;
        writeln!(
            out,
            "grid frequency          {:>10.4} to {:.4} Hz, mean {:.4} Hz",
            f.min, f.max, f.mean
        )?;
        let x = &self.cells_extremes;
        writeln!(
            out,
            "\ncells as measured by their BMSes, with the noise and offsets of the sensors"
        )?;
        for (name, extreme, unit) in [
            ("  lowest cell voltage", &x.voltage_min_v, "V"),
            ("  highest cell voltage", &x.voltage_max_v, "V"),
            ("  coldest cell", &x.temperature_min_degc, "degC"),
            ("  hottest cell", &x.temperature_max_degc, "degC"),
        ] {
            writeln!(
                out,
                "{name:<23} {:>10.4} {unit} in unit {} rack {} cell {} after {}",
                extreme.value,
                extreme.unit,
                extreme.rack,
                extreme.cell,
                hours(extreme.at_s)
            )?;
        }
        writeln!(out, "\nstate sha256            {}", self.state_sha256)
    }

    /// All energies in one unit, that of the largest.
    fn write_energy(&self, out: &mut dyn Write) -> std::io::Result<()> {
        let e = &self.energy;
        let rows = [
            ("out (discharged)", e.discharged_mwh),
            ("in (charged)", e.charged_mwh),
            ("lost in cells", e.cell_loss_mwh),
            ("lost in the PCS", e.pcs_loss_mwh),
            ("auxiliaries", e.auxiliary_mwh),
            ("lost in transformer", e.transformer_loss_mwh),
        ];
        let stored_wh = e.stored_change_mwh * 1e6;
        let largest = rows.iter().fold(stored_wh.abs(), |most, (_, mwh)| most.max(mwh * 1e6));
        let scale = Scale::of(&[largest]);
        let prefix = scale.prefix();
        writeln!(out, "\nenergy at the POI")?;
        for (name, mwh) in rows {
            writeln!(out, "  {name:<21} {:>10.3} {prefix}Wh", scale.of_value(mwh * 1e6))?;
        }
        writeln!(out, "  change of stored      {:>+10.3} {prefix}Wh", scale.of_value(stored_wh))?;
        let moved = e.discharged_mwh > LEAST_DISCHARGE * self.nominal_energy_mwh;
        match e.round_trip_efficiency.filter(|_| moved) {
            Some(rte) => writeln!(
                out,
                "  round-trip efficiency {:>10.2} %  (with auxiliaries, stored energy counted)",
                rte * 100.0
            ),
            None => writeln!(
                out,
                "  round-trip efficiency        n/a  (not enough energy was discharged)"
            ),
        }
    }
}

fn hours(seconds: f64) -> String {
    let whole = seconds as u64;
    let (h, m, s) = (whole / 3600, whole / 60 % 60, seconds - (whole / 60 * 60) as f64);
    format!("{h}:{m:02}:{s:04.1}")
}
