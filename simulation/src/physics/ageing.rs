//! Ageing of every cell: capacity lost and resistance gained, by the law of its chemistry.
//!
//! It runs every few minutes of simulated time, per rack. Each of the four parts (capacity and
//! resistance, with time and with cycles) grows as y = k x^p, where k follows the stress. The update
//! is exact for any step: y is turned into the x* = (y / k)^(1/p) at which the present stress would
//! have caused it, and x* advances. Written with u = y^(1/p), that is u' = u + k^(1/p) dx: many small
//! steps equal one big one, and a change of stress goes on from the same y. Nothing recovers.
//!
//! [`RackStress`] holds what all cells of a rack share in an update: state of charge, anode potential,
//! depth, current, and the sum over the cycles that closed. A cell only adds its temperature, which is
//! the present one, also for a cycle that took hours. Where p is 1, 1/2 or 3/4 the powers are closed.
//!
//! The ranges in which the laws were measured stand in [`bess_core::chemistry::AgeingLaw`]'s module:
//! large-format LFP 10 to 45 degC, depth 0.8 to 1 and at most 0.65C of charge. Outside, a law is
//! extrapolated without a warning. Measured by nobody and not modelled: a knee late in life, lithium
//! plating, and what one cell's ageing does to its neighbours beyond the current and heat it causes.

use super::rainflow::Cycle;
use crate::persist::{Fields, Misfit, Persist, Writer, parts_of, same_length};
use bess_core::chemistry::{
    AgeingLaw, DepthStress, LargeFormatLaw, NaumannLaw, SchmalstiegLaw, SocStress, Table,
    VoltageCalendar, VoltageCycle,
};
use bess_core::math::{exp, pow, sqrt};
use bess_core::units::{GAS_CONSTANT_J_PER_MOL_K, ZERO_CELSIUS_K};
use ciborium::Value;

const SECONDS_PER_DAY: f64 = 86_400.0;
/// Temperature at which rates are stated: 25 degC.
const REFERENCE_K: f64 = 25.0 + ZERO_CELSIUS_K;
/// Below it, e^x vanishes beside 1 in double precision.
const LEAST_EXPONENT: f64 = -40.0;

/// Below this ratio of step to what was, eight terms of the binomial series leave less than 1e-16.
const SERIES_BELOW: f64 = 1.0 / 64.0;
/// 1 / k for the terms of that series.
const INVERSES: [f64; 8] =
    [1.0, 1.0 / 2.0, 1.0 / 3.0, 1.0 / 4.0, 1.0 / 5.0, 1.0 / 6.0, 1.0 / 7.0, 1.0 / 8.0];

/// What a cell has aged, in fractions of its own capacity and resistance when new.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct CellAgeing {
    /// Capacity lost with time, >= 0.
    pub capacity_calendar: f64,
    /// Capacity lost with cycles, >= 0.
    pub capacity_cycle: f64,
    /// Resistance gained with time, >= 0.
    pub resistance_calendar: f64,
    /// Resistance gained with cycles, >= 0.
    pub resistance_cycle: f64,
}

impl CellAgeing {
    /// What is left of the capacity, 0 to 1.
    pub fn capacity(&self) -> f64 {
        (1.0 - self.capacity_calendar - self.capacity_cycle).max(0.0)
    }
    /// Factor on the resistance, >= 1.
    pub fn resistance(&self) -> f64 {
        1.0 + self.resistance_calendar + self.resistance_cycle
    }

    /// Ages by `stress` at `temperature_degc`. A temperature that is not a number ages nothing.
    pub fn age(&mut self, stress: &RackStress, temperature_degc: f64) {
        let per_kelvin = 1.0 / (temperature_degc + ZERO_CELSIUS_K);
        stress.capacity_calendar.grow(&mut self.capacity_calendar, per_kelvin);
        stress.capacity_cycle.grow(&mut self.capacity_cycle, per_kelvin);
        stress.resistance_calendar.grow(&mut self.resistance_calendar, per_kelvin);
        stress.resistance_cycle.grow(&mut self.resistance_cycle, per_kelvin);
    }
    /// Ages by `seconds` (>= 0) at `soc`, where the open-circuit voltage is `ocv_v`.
    pub fn rest(
        &mut self,
        law: &AgeingLaw,
        temperature_degc: f64,
        soc: f64,
        ocv_v: f64,
        seconds: f64,
    ) {
        let mut stress = RackStress::none(law);
        stress.add_rest(law, soc, ocv_v, seconds);
        self.age(&stress, temperature_degc);
    }
    /// Ages by one cycle around a mean open-circuit voltage of `mean_ocv_v`.
    pub fn cycle(
        &mut self,
        law: &AgeingLaw,
        temperature_degc: f64,
        cycle: &Cycle,
        mean_ocv_v: f64,
    ) {
        let mut stress = RackStress::none(law);
        stress.add_cycle(law, cycle, mean_ocv_v, 1.0);
        self.age(&stress, temperature_degc);
    }
}

/// The cells of one rack.
#[derive(Clone, Debug, PartialEq)]
pub struct Ageing {
    cells: Vec<CellAgeing>,
}
/// Each of the four as one column.
impl Persist for Ageing {
    fn save(&self, out: &mut Writer) {
        out.map(CellAgeing::NAMES.len());
        for (place, name) in CellAgeing::NAMES.iter().enumerate() {
            out.text(name);
            out.column(size_of_val(&self.cells[..]) / CellAgeing::NAMES.len());
            out.append(self.cells.iter().map(|cell| cell.numbers()[place].to_le_bytes()));
        }
    }
    fn load(&mut self, from: &Value) -> Result<(), Misfit> {
        let fields = Fields::of(from)?;
        for (place, name) in CellAgeing::NAMES.iter().enumerate() {
            fields.load(name, |from| {
                let values = parts_of::<{ size_of::<f64>() }>(from)?;
                same_length(self.cells.len(), values.len())?;
                for (cell, bytes) in self.cells.iter_mut().zip(values) {
                    *cell.numbers_mut()[place] = f64::from_le_bytes(*bytes);
                }
                Ok(())
            })?;
        }
        Ok(())
    }
}

impl CellAgeing {
    const NAMES: [&'static str; 4] =
        ["capacity_calendar", "capacity_cycle", "resistance_calendar", "resistance_cycle"];
    fn numbers(&self) -> [f64; 4] {
        let Self { capacity_calendar, capacity_cycle, resistance_calendar, resistance_cycle } =
            *self;
        [capacity_calendar, capacity_cycle, resistance_calendar, resistance_cycle]
    }
    fn numbers_mut(&mut self) -> [&mut f64; 4] {
        let Self { capacity_calendar, capacity_cycle, resistance_calendar, resistance_cycle } =
            self;
        [capacity_calendar, capacity_cycle, resistance_calendar, resistance_cycle]
    }
}

impl Ageing {
    /// `n_cells` new cells.
    pub fn new(n_cells: usize) -> Self {
        Self { cells: vec![CellAgeing::default(); n_cells] }
    }
    /// Ages every cell by `stress` at its own temperature.
    pub fn update(&mut self, stress: &RackStress, temperature_degc: impl Fn(usize) -> f64) {
        for (index, cell) in self.cells.iter_mut().enumerate() {
            cell.age(stress, temperature_degc(index));
        }
    }
    /// Cell `index`.
    ///
    /// # Panics
    /// When there is no such cell.
    pub fn cell(&self, index: usize) -> &CellAgeing {
        &self.cells[index]
    }
    /// All cells, in order.
    pub fn cells(&self) -> &[CellAgeing] {
        &self.cells
    }
    /// Mean of what is left of the capacity, 0 to 1.
    pub fn mean_capacity(&self) -> f64 {
        self.mean(CellAgeing::capacity)
    }
    /// Mean factor on the resistance, >= 1.
    pub fn mean_resistance(&self) -> f64 {
        self.mean(CellAgeing::resistance)
    }
    fn mean(&self, of: impl Fn(&CellAgeing) -> f64) -> f64 {
        self.cells.iter().map(of).sum::<f64>() / self.cells.len().max(1) as f64
    }
    /// Feeds every bit of the state to `sink`.
    pub fn hash_into(&self, sink: &mut dyn FnMut(&[u8])) {
        for cell in &self.cells {
            for value in [
                cell.capacity_calendar,
                cell.capacity_cycle,
                cell.resistance_calendar,
                cell.resistance_cycle,
            ] {
                sink(&value.to_le_bytes());
            }
        }
    }
}

/// The stress that the cells of a rack share over one update.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RackStress {
    capacity_calendar: Part,
    capacity_cycle: Part,
    resistance_calendar: Part,
    resistance_cycle: Part,
}

impl RackStress {
    /// `seconds` (>= 0) at `mean_soc`, and the `cycles` that closed, for cells with the open-circuit
    /// voltage `ocv`. `acceleration` (>= 0; 1 is none) makes time and cycles count that many times.
    pub fn new(
        law: &AgeingLaw,
        ocv: &Table,
        mean_soc: f64,
        seconds: f64,
        cycles: &[Cycle],
        acceleration: f64,
    ) -> Self {
        let mut stress = Self::none(law);
        stress.add_rest(law, mean_soc, ocv.at(mean_soc, 25.0, 0.0), seconds * acceleration);
        for cycle in cycles {
            stress.add_cycle(law, cycle, ocv.at(cycle.mean_soc, 25.0, 0.0), acceleration);
        }
        stress
    }

    /// No stress, with the exponents and the temperature dependence of `law`.
    fn none(law: &AgeingLaw) -> Self {
        match law {
            AgeingLaw::LargeFormat(LargeFormatLaw { calendar, cycle }) => {
                let [t1, t2] = cycle.temperature_k;
                let cycle_part = Part {
                    // e^(t1/T) + e^(t2/T) = e^(high/T) (1 + e^((low - high)/T)).
                    second_k: t1.min(t2) - t1.max(t2),
                    ..Part::new(cycle.exponent, -t1.max(t2))
                };
                Self {
                    capacity_calendar: Part::new(calendar.exponent, calendar.activation_k),
                    capacity_cycle: cycle_part,
                    resistance_calendar: Part::new(1.0, 0.0),
                    resistance_cycle: Part::new(1.0, 0.0),
                }
            }
            AgeingLaw::Naumann(law) => {
                let kelvin =
                    |s: &SocStress| s.activation_energy_j_per_mol / GAS_CONSTANT_J_PER_MOL_K;
                Self {
                    capacity_calendar: Part::new(0.5, kelvin(&law.capacity_calendar)),
                    capacity_cycle: Part::new(0.5, 0.0),
                    resistance_calendar: Part::new(1.0, kelvin(&law.resistance_calendar)),
                    resistance_cycle: Part::new(1.0, 0.0),
                }
            }
            AgeingLaw::Schmalstieg(law) => Self {
                capacity_calendar: Part::new(0.75, law.capacity_calendar.activation_k),
                capacity_cycle: Part::new(0.5, 0.0),
                resistance_calendar: Part::new(0.75, law.resistance_calendar.activation_k),
                resistance_cycle: Part::new(1.0, 0.0),
            },
        }
    }

    fn add_rest(&mut self, law: &AgeingLaw, soc: f64, ocv_v: f64, seconds: f64) {
        let days = seconds / SECONDS_PER_DAY;
        match law {
            AgeingLaw::LargeFormat(LargeFormatLaw { calendar, .. }) => {
                let anode_k = calendar.anode_k_per_v * calendar.anode.at_soc(soc);
                let activation_k = calendar.activation_k + anode_k;
                let at_reference = calendar.rate * exp(-activation_k / REFERENCE_K);
                self.capacity_calendar.activation_k = activation_k;
                self.capacity_calendar.add(at_reference, days);
            }
            AgeingLaw::Naumann(NaumannLaw { capacity_calendar, resistance_calendar, .. }) => {
                let of = |s: &SocStress, power: i32| {
                    let away = soc - s.centre;
                    let powered = if power == 3 { away * away * away } else { away * away };
                    s.rate * (s.shape * powered + s.constant)
                };
                self.capacity_calendar.add(of(capacity_calendar, 3), seconds);
                self.resistance_calendar.add(of(resistance_calendar, 2), seconds);
            }
            AgeingLaw::Schmalstieg(SchmalstiegLaw {
                capacity_calendar,
                resistance_calendar,
                ..
            }) => {
                let of = |s: &VoltageCalendar| {
                    (s.per_v * ocv_v + s.rate) * exp(-s.activation_k / REFERENCE_K)
                };
                self.capacity_calendar.add(of(capacity_calendar), days);
                self.resistance_calendar.add(of(resistance_calendar), days);
            }
        }
    }

    fn add_cycle(&mut self, law: &AgeingLaw, cycle: &Cycle, mean_ocv_v: f64, times: f64) {
        let full_equivalents = cycle.full_equivalents * times;
        match law {
            AgeingLaw::LargeFormat(LargeFormatLaw { cycle: law, .. }) => {
                let rate = law.rate
                    + law.rate_per_depth * cycle.depth
                    + law.rate_per_c * cycle.mean_c_rate;
                let [t1, t2] = law.temperature_k;
                self.capacity_cycle.add(rate * exp(t1.max(t2) / REFERENCE_K), full_equivalents);
            }
            AgeingLaw::Naumann(NaumannLaw { capacity_cycle, resistance_cycle, .. }) => {
                const PER_CENT: f64 = 0.01;
                let of = |s: &DepthStress| {
                    let away = cycle.depth - s.centre;
                    (s.per_c * cycle.mean_c_rate + s.rate).max(0.0)
                        * (s.shape * away * away * away + s.constant)
                        * PER_CENT
                };
                self.capacity_cycle.add(of(capacity_cycle), full_equivalents);
                self.resistance_cycle.add(of(resistance_cycle), full_equivalents);
            }
            AgeingLaw::Schmalstieg(law) => {
                let of = |s: &VoltageCycle| {
                    let away = mean_ocv_v - s.centre_v;
                    s.per_v2 * away * away + s.rate + s.per_depth * cycle.depth
                };
                let throughput_ah = 2.0 * law.reference_capacity_ah * full_equivalents;
                self.capacity_cycle.add(of(&law.capacity_cycle), throughput_ah);
                self.resistance_cycle.add(of(&law.resistance_cycle), throughput_ah);
            }
        }
    }
}

/// One of the four: y = k x^p, where k = k_reference exp(-activation (1/T - 1/T_reference)).
#[derive(Clone, Copy, Debug, PartialEq)]
struct Part {
    power: Power,
    /// Sum of k^(1/p) dx at the reference temperature.
    advance: f64,
    activation_k: f64,
    /// Of a second exponential beside the first, relative to it, <= 0.
    second_k: f64,
}

impl Part {
    fn new(exponent: f64, activation_k: f64) -> Self {
        Self {
            power: Power::new(exponent),
            advance: 0.0,
            activation_k,
            second_k: f64::NEG_INFINITY,
        }
    }
    /// `dx` more of x at the rate `k`; a rate below zero is none.
    fn add(&mut self, k: f64, dx: f64) {
        if k > 0.0 {
            self.advance += self.power.undo(k) * dx;
        }
    }
    fn grow(&self, y: &mut f64, per_kelvin: f64) {
        if self.advance <= 0.0 {
            return;
        }
        let mut factor = 1.0;
        if self.activation_k != 0.0 {
            let exponent = -self.activation_k * (per_kelvin - 1.0 / REFERENCE_K);
            factor = exp(exponent / self.power.exponent);
        }
        let second = self.second_k * per_kelvin;
        if second > LEAST_EXPONENT {
            factor *= self.power.undo(1.0 + exp(second));
        }
        let grown = self.power.advance(*y, factor * self.advance);
        // Rounding must not make a cell recover; a NaN changes nothing.
        if grown > *y {
            *y = grown;
        }
    }
}

/// x^p and its inverse.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Power {
    exponent: f64,
    inverse: f64,
    form: Form,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Form {
    Linear,
    SquareRoot,
    ThreeQuarters,
    Other,
}

impl Power {
    fn new(exponent: f64) -> Self {
        let forms = [(1.0, Form::Linear), (0.5, Form::SquareRoot), (0.75, Form::ThreeQuarters)];
        let known = forms.into_iter().find(|(known, _)| *known == exponent);
        let form = known.map_or(Form::Other, |(_, form)| form);
        Self { exponent, inverse: 1.0 / exponent, form }
    }
    /// (y^(1/p) + step)^p.
    fn advance(&self, y: f64, step: f64) -> f64 {
        let u = self.undo(y);
        let ratio = step / u;
        if self.form == Form::Other && ratio < SERIES_BELOW {
            // y (1 + ratio)^p by the binomial series, exact to rounding: half the cost of a power.
            let series = INVERSES.iter().enumerate().rev().fold(1.0, |sum, (index, inverse)| {
                1.0 + (self.exponent - index as f64) * inverse * ratio * sum
            });
            return y * series;
        }
        self.of(u + step)
    }
    fn of(&self, u: f64) -> f64 {
        match self.form {
            Form::Linear => u,
            Form::SquareRoot => sqrt(u),
            Form::ThreeQuarters => sqrt(u * sqrt(u)),
            Form::Other => pow(u, self.exponent),
        }
    }
    fn undo(&self, y: f64) -> f64 {
        match self.form {
            Form::Linear => y,
            Form::SquareRoot => y * y,
            Form::ThreeQuarters | Form::Other => pow(y, self.inverse),
        }
    }
}
