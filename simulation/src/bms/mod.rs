//! What the battery management system (BMS) of a rack believes.
//!
//! The physics knows the truth; a BMS sees sensors. Ten times a second [`RackBms::sense`] reads them
//! and counts the current into the SoC; once a second [`RackBms::estimate`] runs a Kalman filter over
//! the mean voltage. [`RackBms::reading`] is what the BMS tells the world: the values that limits,
//! registers and people get. `balancing` decides which cells bleed.
//!
//! A reading may be forced or distorted, as by a broken sensor: that is what the BMS shows. It counts with a
//! distorted current, too, but not with a forced one.
//!
//! Not modelled here: the search of extremes among noisy readings. The lowest cell shown is the truly
//! lowest one with its own sensor's error; a BMS that compares noisy readings would pick outliers, a few
//! sigma further out.

pub mod balancing;
mod capacity;
mod estimator;
mod model;
mod resistance;
mod sensors;

pub use model::BmsModel;

use crate::persist::{leaf, persist};
use crate::physics::rack::At;
use crate::sensor::{self, SensorFaults};
use bess_core::defect::Reading;
use bess_core::math;
use bess_core::rng::{Domain, Streams};
use bess_core::time::TICK_S;
use capacity::{CapacityEstimate, Counting};
use estimator::{Ekf, Interval, current_noise_a2};
use resistance::ResistanceEstimate;
use sensors::RackSensors;

/// The truth about a rack at the end of a tick, as far as there are sensors for it.
#[derive(Clone, Copy, Debug)]
pub struct Truth {
    /// The tick; noise depends on it.
    pub tick: u64,
    /// Whether the contactors are closed.
    pub connected: bool,
    /// Current in A, positive is discharge; 0 with open contactors.
    pub current_a: f64,
    /// Sum of the cell voltages in V.
    pub voltage_v: f64,
    /// Lowest cell voltage in V.
    pub voltage_min: At,
    /// Highest cell voltage in V.
    pub voltage_max: At,
    /// Lowest cell temperature in degC.
    pub temperature_min: At,
    /// Highest cell temperature in degC.
    pub temperature_max: At,
    /// Mean cell temperature in degC.
    pub temperature_mean_degc: f64,
    /// Mean SoC of the cells. No sensor shows it: an ideal BMS alone reads it.
    pub soc: f64,
    /// Capacity of the rack over nominal capacity; an ideal BMS alone reads it.
    pub soh: f64,
}

impl Truth {
    /// Takes one quantity from another rack, whose sensor it has by mistake.
    pub(crate) fn take(&mut self, quantity: Reading, other: &Self) {
        match quantity {
            Reading::CellVoltageMax => self.voltage_max = other.voltage_max,
            Reading::CellVoltageMin => self.voltage_min = other.voltage_min,
            Reading::TemperatureMax => self.temperature_max = other.temperature_max,
            Reading::TemperatureMin => self.temperature_min = other.temperature_min,
            Reading::Current => self.current_a = other.current_a,
            Reading::RackVoltage => self.voltage_v = other.voltage_v,
            // What no sensor of a rack shows.
            Reading::Soc
            | Reading::ActivePower
            | Reading::Insulation
            | Reading::PcsTemperature
            | Reading::DcVoltage
            | Reading::GasLfl => {}
        }
    }
}

/// What a BMS shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Measured {
    /// Rack current in A, positive is discharge; 0 with open contactors.
    pub current_a: f64,
    /// Rack voltage in V: the sum of the cells as the rack's own sensor shows it.
    pub voltage_v: f64,
    /// Estimated state of charge, 0 to 1.
    pub soc: f64,
    /// Estimated capacity over nominal capacity.
    pub soh: f64,
    /// Lowest cell voltage in V.
    pub voltage_min: At,
    /// Highest cell voltage in V.
    pub voltage_max: At,
    /// Mean of the cell voltages in V.
    pub voltage_mean_v: f64,
    /// Lowest cell temperature in degC.
    pub temperature_min: At,
    /// Highest cell temperature in degC.
    pub temperature_max: At,
    /// Mean cell temperature in degC.
    pub temperature_mean_degc: f64,
}
leaf!(Measured);

/// Lowest, mean and highest temperature in degC.
#[derive(Clone, Copy, Debug, serde::Serialize, serde::Deserialize)]
struct Temperatures([f64; 3]);
leaf!(Temperatures);

/// Sums over the ticks since the last estimate.
#[derive(Clone, Copy, Debug, Default, serde::Serialize, serde::Deserialize)]
struct Sums {
    /// Measured current with closed and with open contactors, in A times ticks.
    closed_a: f64,
    open_a: f64,
    /// Mean of the measured cell voltages in V times ticks.
    mean_v: f64,
    closed_ticks: u32,
    ticks: u32,
}
leaf!(Sums);

/// The BMS of one rack.
#[derive(Clone, Debug)]
pub struct RackBms {
    sensors: RackSensors,
    n_cells: u32,
    recalibrations: u32,
    ekf: Ekf,
    capacity: CapacityEstimate,
    resistance: ResistanceEstimate,
    /// Temperatures behind the sensors' lag, and the true ones of the same tick.
    lagged: Temperatures,
    seen: Temperatures,
    sums: Sums,
    reading: Measured,
}
persist! {
    RackBms { recalibrations, ekf, capacity, resistance, lagged, seen, sums, reading }
    but { sensors, n_cells }
}

/// Values that are shown instead of measured ones, by `Reading as usize`.
pub type ForcedReadings = [Option<f64>; Reading::N_OF_RACK];

impl RackBms {
    /// The BMS of the rack `rack_number` (counted over the farm) of `n_cells` in series, which it
    /// believes to be rested, new, at `initial_soc` and `initial_temperature_degc`. Its sensors' gains
    /// and offsets come from `streams`.
    pub fn new(
        model: &BmsModel,
        n_cells: usize,
        rack_number: usize,
        streams: Streams,
        initial_soc: f64,
        initial_temperature_degc: f64,
    ) -> Self {
        let mut stream = streams.stream(Domain::BmsSensors, rack_number as u64);
        let degc = initial_temperature_degc;
        let rest_v = model.ocv_v(initial_soc);
        let spec = &model.sensors.spec;
        let first = |value| At { value, cell: 0 };
        Self {
            sensors: RackSensors::new(spec, &mut stream),
            n_cells: n_cells as u32,
            recalibrations: 0,
            ekf: Ekf::new(spec, initial_soc),
            capacity: CapacityEstimate::new(),
            resistance: ResistanceEstimate::new(),
            lagged: Temperatures([degc; 3]),
            seen: Temperatures([degc; 3]),
            sums: Sums::default(),
            reading: Measured {
                current_a: 0.0,
                voltage_v: rest_v * n_cells as f64,
                soc: initial_soc,
                soh: 1.0,
                voltage_min: first(rest_v),
                voltage_max: first(rest_v),
                voltage_mean_v: rest_v,
                temperature_min: first(degc),
                temperature_max: first(degc),
                temperature_mean_degc: degc,
            },
        }
    }

    /// What it believes of its state of charge jumps by `by`, until its filter finds back. An ideal BMS
    /// shows the truth again with the next tick.
    pub fn jump_soc(&mut self, by: f64) {
        self.ekf.jump(by);
        self.reading.soc = (self.reading.soc + by).clamp(0.0, 1.0);
    }

    /// Shows `forced` values in the place of those that the last [`RackBms::sense`] measured.
    pub fn show_forced(&mut self, forced: &ForcedReadings) {
        for (shown, value) in self.reading.of_sensors().into_iter().zip(forced.iter()) {
            *shown = value.unwrap_or(*shown);
        }
    }

    /// Adds a noise to the current that was measured last, for this tick.
    pub fn disturb_current(&mut self, sigma_a: f64, tick: u64) {
        self.reading.current_a += sigma_a * sensor::normal(self.sensors.key(), tick);
    }

    /// What broken sensors make of the values of this tick. The current of a BMS that counts was distorted
    /// before it counted.
    fn show_faults(&mut self, faults: &mut SensorFaults, tick: u64, counts: bool) {
        self.reading.soc = (self.reading.soc + faults.soc_bias).clamp(0.0, 1.0);
        let shown = self.reading.of_sensors();
        for (shown, (_, quantity, ..)) in shown.into_iter().zip(Reading::ALL) {
            if !(counts && quantity == Reading::Current) {
                *shown = faults.show(quantity, *shown, tick);
            }
        }
    }

    /// What it shows since the last [`RackBms::sense`] or [`RackBms::estimate`].
    pub fn reading(&self) -> &Measured {
        &self.reading
    }
    /// Sigma of the SoC as the filter believes; 0 for an ideal BMS.
    pub fn soc_sigma(&self, model: &BmsModel) -> f64 {
        if model.ideal { 0.0 } else { self.ekf.soc_sigma() }
    }
    /// Sigma of the SoH as the BMS believes; 0 for an ideal BMS.
    pub fn soh_sigma(&self, model: &BmsModel) -> f64 {
        if model.ideal { 0.0 } else { self.capacity.sigma() }
    }
    /// How often a knee of the OCV corrected the SoC outright. A full charge makes a few in a row,
    /// each at least four times as sure as the one before.
    pub fn recalibrations(&self) -> u32 {
        self.recalibrations
    }
    /// Estimated resistance over that of a new mean cell, and its sigma.
    pub fn resistance_factor(&self) -> (f64, f64) {
        (self.resistance.factor(), self.resistance.sigma())
    }
    /// Estimated offset of the current sensor in A.
    pub fn current_offset_a(&self) -> f64 {
        self.ekf.offset_a()
    }

    /// What the sensor of `cell` shows of the true voltage `true_v` at `tick`, in V.
    pub fn cell_voltage_v(&self, model: &BmsModel, cell: usize, true_v: f64, tick: u64) -> f64 {
        if model.ideal {
            return true_v;
        }
        self.sensors.cell_voltage_v(&model.sensors, cell, true_v, tick)
    }

    /// What the sensor of `cell` shows of the true temperature `true_degc` of the last sensed tick.
    ///
    /// The lag is followed at the coldest cell, the mean and the hottest one; a cell in between lags
    /// in proportion. So no cell stores a lag, and the extremes show what the list of cells shows.
    pub fn cell_temperature_degc(&self, model: &BmsModel, cell: usize, true_degc: f64) -> f64 {
        if model.ideal {
            return true_degc;
        }
        let lagged_degc = true_degc + self.seen.lag_at(&self.lagged, true_degc);
        self.sensors.cell_temperature_degc(&model.sensors, cell, lagged_degc)
    }

    /// Reads the sensors and counts the current into the SoC; every tick.
    pub fn sense(&mut self, model: &BmsModel, truth: &Truth) {
        self.sense_by(model, truth, None);
    }

    /// Like [`RackBms::sense`], by sensors of which some are broken.
    pub(crate) fn sense_by(
        &mut self,
        model: &BmsModel,
        truth: &Truth,
        mut faults: Option<&mut SensorFaults>,
    ) {
        if model.ideal {
            self.reading = Measured::of(truth, f64::from(self.n_cells));
            if let Some(faults) = faults {
                self.show_faults(faults, truth.tick, false);
            }
            return;
        }
        let tick = truth.tick;
        let current_a = self.sensors.current_a(&model.sensors, truth.current_a, tick);
        let current_a = match &mut faults {
            Some(faults) => faults.show(Reading::Current, current_a, tick),
            None => current_a,
        };
        let voltage_v = self.sensors.rack_voltage_v(&model.sensors, truth.voltage_v, tick);
        let true_mean_v = truth.voltage_v / f64::from(self.n_cells);
        let mean_v = self.sensors.mean_voltage_v(&model.sensors, self.n_cells, true_mean_v, tick);
        let sums = &mut self.sums;
        sums.ticks += 1;
        sums.mean_v += mean_v;
        if truth.connected {
            sums.closed_ticks += 1;
            sums.closed_a += current_a;
        } else {
            sums.open_a += current_a;
        }
        self.follow_temperatures(model, truth);

        let volts = |at: At| At {
            value: self.cell_voltage_v(model, at.cell, at.value, tick),
            cell: at.cell,
        };
        let degc = |at: At| At {
            value: self.cell_temperature_degc(model, at.cell, at.value),
            cell: at.cell,
        };
        let (voltage_min, voltage_max) =
            ordered(volts(truth.voltage_min), volts(truth.voltage_max));
        let (temperature_min, temperature_max) =
            ordered(degc(truth.temperature_min), degc(truth.temperature_max));
        self.reading = Measured {
            current_a: if truth.connected { current_a } else { 0.0 },
            voltage_v,
            soc: self.counted_soc(model),
            soh: self.capacity.soh(),
            voltage_min,
            voltage_max,
            voltage_mean_v: model.sensors.shown_mean_v(mean_v),
            temperature_min,
            temperature_max,
            temperature_mean_degc: model.sensors.mean_temperature_degc(self.lagged.0[1]),
        };
        if let Some(faults) = faults {
            self.show_faults(faults, tick, true);
        }
    }

    fn follow_temperatures(&mut self, model: &BmsModel, truth: &Truth) {
        let kept = model.sensors.lag_kept;
        self.seen = Temperatures([
            truth.temperature_min.value,
            truth.temperature_mean_degc,
            truth.temperature_max.value,
        ]);
        for (lagged, seen) in self.lagged.0.iter_mut().zip(self.seen.0) {
            *lagged = seen + kept * (*lagged - seen);
        }
    }

    /// The filter's SoC, less what was counted since.
    fn counted_soc(&self, model: &BmsModel) -> f64 {
        let sums = &self.sums;
        let net_a = sums.closed_a - self.ekf.offset_a() * f64::from(sums.closed_ticks);
        let capacity_c = self.capacity.soh() * model.capacity_c;
        (self.ekf.soc() - net_a * TICK_S / capacity_c).clamp(0.0, 1.0)
    }

    /// Compares the counted SoC with the voltage; once a second. Does nothing when nothing was sensed
    /// since the last call.
    pub fn estimate(&mut self, model: &BmsModel) {
        if model.ideal || self.sums.ticks == 0 {
            return;
        }
        let sums = std::mem::take(&mut self.sums);
        let ticks = f64::from(sums.ticks);
        let interval = Interval {
            span_s: ticks * TICK_S,
            closed_s: f64::from(sums.closed_ticks) * TICK_S,
            current_a: sums.closed_a / ticks,
            cell_voltage_v: sums.mean_v / ticks,
            temperature_degc: self.reading.temperature_mean_degc,
            capacity_c: self.capacity.soh() * model.capacity_c,
            capacity_sigma: self.capacity.sigma(),
            resistance_factor: self.resistance.factor(),
        };
        let net_c = self.ekf.net_current_a(&interval) * interval.span_s;
        if sums.closed_ticks == 0 {
            self.ekf.zero_current(sums.open_a / ticks, &model.sensors.spec);
        }
        self.ekf.predict(model, &interval);
        let noise_a = math::sqrt(current_noise_a2(&model.sensors.spec));
        self.resistance.learn(self.ekf.residual(model, &interval), interval.span_s, noise_a);
        let sight = self.ekf.sight(model, &interval);
        if self.ekf.recalibrate(&sight) {
            self.recalibrations += 1;
        }
        self.ekf.correct(&sight, &interval);
        self.resistance.keep(self.ekf.residual(model, &interval));
        let counting = Counting {
            charge_c: net_c,
            span_s: interval.span_s,
            offset_sigma_a: self.ekf.offset_sigma_a(),
            gain_sigma: model.sensors.spec.current_gain,
        };
        self.capacity.step(&counting, &sight, model.capacity_c);
        self.reading.soc = self.ekf.soc();
        self.reading.soh = self.capacity.soh();
    }

    /// Feeds every bit of the state to `sink`.
    pub fn hash_into(&self, sink: &mut dyn FnMut(&[u8])) {
        self.ekf.hash_into(sink);
        self.capacity.hash_into(sink);
        self.resistance.hash_into(sink);
        for value in self.lagged.0.iter().chain(&self.seen.0) {
            sink(&value.to_le_bytes());
        }
        for value in [self.sums.closed_a, self.sums.open_a, self.sums.mean_v] {
            sink(&value.to_le_bytes());
        }
        for count in [self.sums.closed_ticks, self.sums.ticks, self.recalibrations] {
            sink(&count.to_le_bytes());
        }
        self.reading.hash_into(sink);
    }
}

impl Measured {
    /// What an ideal BMS shows.
    fn of(truth: &Truth, n_cells: f64) -> Self {
        Self {
            current_a: truth.current_a,
            voltage_v: truth.voltage_v,
            soc: truth.soc,
            soh: truth.soh,
            voltage_min: truth.voltage_min,
            voltage_max: truth.voltage_max,
            voltage_mean_v: truth.voltage_v / n_cells,
            temperature_min: truth.temperature_min,
            temperature_max: truth.temperature_max,
            temperature_mean_degc: truth.temperature_mean_degc,
        }
    }

    /// The values of which a rack has sensors, in the order of [`Reading::ALL`].
    fn of_sensors(&mut self) -> [&mut f64; Reading::N_OF_RACK] {
        [
            &mut self.voltage_max.value,
            &mut self.voltage_min.value,
            &mut self.temperature_max.value,
            &mut self.temperature_min.value,
            &mut self.current_a,
            &mut self.voltage_v,
            &mut self.soc,
        ]
    }

    /// Whether every number is finite.
    pub fn is_finite(&self) -> bool {
        self.numbers().iter().all(|number| number.is_finite())
    }
    fn numbers(&self) -> [f64; 10] {
        [
            self.current_a,
            self.voltage_v,
            self.soc,
            self.soh,
            self.voltage_min.value,
            self.voltage_max.value,
            self.voltage_mean_v,
            self.temperature_min.value,
            self.temperature_max.value,
            self.temperature_mean_degc,
        ]
    }
    fn hash_into(&self, sink: &mut dyn FnMut(&[u8])) {
        for number in self.numbers() {
            sink(&number.to_le_bytes());
        }
        for at in [self.voltage_min, self.voltage_max, self.temperature_min, self.temperature_max] {
            sink(&(at.cell as u64).to_le_bytes());
        }
    }
}

impl Temperatures {
    /// How far a sensor lags behind a cell at `degc`: between the lags of the lowest, mean and highest
    /// temperature, which `self` holds as true and `lagged` as lagging values.
    fn lag_at(&self, lagged: &Self, degc: f64) -> f64 {
        let lag = |k: usize| lagged.0[k] - self.0[k];
        let (from, to) = if degc <= self.0[1] { (0, 1) } else { (1, 2) };
        let width = self.0[to] - self.0[from];
        let share = if width > 0.0 { ((degc - self.0[from]) / width).clamp(0.0, 1.0) } else { 0.0 };
        lag(from) + share * (lag(to) - lag(from))
    }
}

/// The lower and the higher of two shown cells: noise may have swapped them.
fn ordered(low: At, high: At) -> (At, At) {
    if high.value < low.value { (high, low) } else { (low, high) }
}

#[cfg(test)]
mod tests;
