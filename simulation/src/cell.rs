//! One cell against a profile of current or power, in double precision: what `bess cell` runs.
//!
//! It is the farm's kernel with one cell, without spread and wiring. Heat moves with the electrical
//! tick; the plate is at ambient temperature.

use crate::physics::rack::{Plate, Rack, RackModel, RackStart};
use crate::physics::split::{Bus, BusPoint};
use bess_core::chemistry::Chemistry;
use bess_core::rng::Streams;
use bess_core::spec::SpreadSpec;
use std::sync::Arc;

/// What is held over a tick.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum CellInput {
    /// Current in A, positive is discharge.
    Current(f64),
    /// Power in W, positive is discharge; the voltage at the end of the tick times the current.
    Power(f64),
}

/// The cell at the end of a tick.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CellState {
    /// Current over the tick in A.
    pub current_a: f64,
    /// Terminal voltage in V.
    pub voltage_v: f64,
    /// State of charge.
    pub soc: f64,
    /// Drops over the RC pairs in V, positive during discharge.
    pub rc_v: (f64, f64),
    /// Temperature in degC.
    pub temperature_degc: f64,
    /// Whether the power was beyond what the cell can give.
    pub beyond_matched_load: bool,
}

/// A cell under study.
#[derive(Debug)]
pub struct CellRun {
    model: RackModel<f64>,
    rack: Rack<f64>,
    ambient_degc: f64,
}

impl CellRun {
    /// A rested cell of `chemistry` at `soc` and ambient temperature, stepped `tick_s` at a time.
    pub fn new(chemistry: &Chemistry, soc: f64, ambient_degc: f64, tick_s: f64) -> Self {
        let model = RackModel::new(&Arc::new(chemistry.clone()), 0.0, 1, tick_s).for_study();
        let rack = Rack::new(
            &model,
            &RackStart {
                n_cells: 1,
                soc,
                temperature_degc: ambient_degc,
                spread: &SpreadSpec { capacity_sigma: 0.0, resistance_sigma: 0.0, soc_sigma: 0.0 },
                streams: Streams::new(0),
                index: 0,
            },
        );
        Self { model, rack, ambient_degc }
    }

    /// The present state, with `current_a` as the current of the tick that ended.
    pub fn state(&self, beyond_matched_load: bool) -> CellState {
        let (soc, voltage_v, temperature_degc) = self.rack.cell(&self.model, 0);
        CellState {
            current_a: self.rack.reading().current_a,
            voltage_v,
            soc,
            rc_v: self.rack.cell_rc_v(0),
            temperature_degc,
            beyond_matched_load,
        }
    }

    /// One tick with `input` held over it.
    pub fn step(&mut self, input: CellInput) -> CellState {
        let (current_a, beyond) = match input {
            CellInput::Current(current_a) => {
                self.rack.prepare(&self.model, current_a);
                (current_a, false)
            }
            CellInput::Power(power_w) => {
                let point = self.point_at(power_w);
                (point.current_a, point.beyond_matched_load)
            }
        };
        self.rack.step(&self.model, current_a);
        let _ = self.rack.refresh(&self.model, &Plate::at(self.ambient_degc));
        self.state(beyond)
    }

    /// The current that gives `power_w`, with the resistances that it has itself.
    fn point_at(&mut self, power_w: f64) -> BusPoint {
        let mut current_a = self.rack.reading().current_a;
        let mut point = self.prepared_point(power_w, current_a);
        // A resistance changes little with the current: each round gains two digits or more.
        for _ in 0..MAX_ROUNDS {
            if (point.current_a - current_a).abs() <= 1e-12 * point.current_a.abs() {
                break;
            }
            current_a = point.current_a;
            point = self.prepared_point(power_w, current_a);
        }
        point
    }

    /// The current that gives `power_w` with the resistances of `current_a`.
    fn prepared_point(&mut self, power_w: f64, current_a: f64) -> BusPoint {
        self.rack.prepare(&self.model, current_a);
        let source = self.rack.source(&self.model, sign(power_w));
        Bus::of(std::iter::once(source)).expect("one closed rack").at_power(power_w)
    }
}

/// Rounds in which a power's current is found.
const MAX_ROUNDS: usize = 20;

/// -1, 0 or 1.
pub(crate) fn sign(x: f64) -> f64 {
    if x > 0.0 {
        1.0
    } else if x < 0.0 {
        -1.0
    } else {
        0.0
    }
}
