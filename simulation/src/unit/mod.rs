//! One unit: a battery behind a PCS, with its cooling.
//!
//! A unit's tick reads nothing of another unit, so units may be stepped in any order, on any worker,
//! and for several ticks at a time. Order within the tick: control, PCS, split, cells, heat, BMS,
//! limits, energy book.

mod share;
mod view;

pub(crate) use share::Share;

use crate::battery::{Battery, BatteryModel};
use crate::cell::sign;
use crate::physics::cooling::{Cooling, Outside};
use crate::physics::pcs::{self, Pcs, Power, PowerBounds};
use crate::physics::rack::{CellMemory, Plate};
use bess_core::alarm::{AlarmCode, AlarmLevel, AlarmSet};
use bess_core::command::{PowerPriority, UnitAction, UnitControl};
use bess_core::defect::Defect;
use bess_core::rng::Streams;
use bess_core::snapshot::{DcView, EnergyTotals, UnitState};
use bess_core::spec::{InitialSpec, UnitDesign, UnitSpec};
use bess_core::time::{TICK_S, Tick};
use bess_core::units::{Amps, Celsius, Hertz, Joules, Volts, Watts};
use std::sync::Arc;

/// What all units see alike in a tick.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Surroundings {
    pub(crate) tick: Tick,
    pub(crate) frequency: Hertz,
    pub(crate) ambient: Celsius,
    pub(crate) solar_w_per_m2: f64,
}

/// State of a unit.
#[derive(Clone, Debug)]
pub(crate) struct Unit {
    idx: usize,
    design: Arc<UnitDesign>,
    pub(crate) state: UnitState,
    pub(crate) control: UnitControl,
    alarms: AlarmSet,
    pcs: Pcs,
    battery: Battery,
    cooling: Cooling,
    /// DC terminals at the end of the last tick.
    dc: DcView,
    /// Power lost in what holds racks at their limits.
    held_w: f64,
    totals: EnergyTotals,
    chemical: Joules,
    charge_moved_c: f64,
    share: Share,
}

impl Unit {
    pub(crate) fn new(
        spec: &UnitSpec,
        initial: &InitialSpec,
        model: Arc<BatteryModel>,
        streams: Streams,
        memory: Vec<CellMemory<f32>>,
    ) -> Self {
        let design = Arc::clone(&spec.design);
        let mut unit = Self {
            idx: spec.id.idx(),
            state: initial.state,
            control: UnitControl::initial(&design),
            alarms: AlarmSet::default(),
            pcs: Pcs::new(&design.pcs),
            battery: Battery::new(spec, initial, model, streams, memory),
            cooling: Cooling::new(&design.cooling, initial.temperature.0),
            dc: DcView::default(),
            held_w: 0.0,
            totals: EnergyTotals::default(),
            chemical: Joules::ZERO,
            charge_moved_c: 0.0,
            share: Share::default(),
            design,
        };
        unit.battery.connect(unit.connected());
        unit.look();
        unit
    }

    /// Whether the contactors are closed.
    fn connected(&self) -> bool {
        matches!(self.state, UnitState::Running | UnitState::Standby)
    }

    /// Whether the converter runs with a DC voltage that it can work with.
    fn converts(&self) -> bool {
        self.state == UnitState::Running && !self.alarms.has(AlarmCode::DcVoltageOutOfWindow)
    }

    pub(crate) fn is_quarantined(&self) -> bool {
        self.alarms.has(AlarmCode::Quarantined)
    }
    /// What the unit adds to the farm, as of the last tick or look.
    pub(crate) fn share(&self) -> &Share {
        &self.share
    }

    /// Operates the unit; the caller has validated the action.
    pub(crate) fn operate(&mut self, action: UnitAction) {
        let next = match (action, self.state) {
            (UnitAction::ResetAlarms, state) => {
                self.reset_alarms();
                state
            }
            (_, state @ UnitState::Fault) => state,
            (UnitAction::Stop, _) => UnitState::Off,
            (UnitAction::EnterStandby, _) => UnitState::Standby,
            (UnitAction::Start | UnitAction::ExitStandby, _) => UnitState::Running,
            (_, state) => state,
        };
        if next != UnitState::Running {
            self.pcs.block();
        }
        self.state = next;
        self.battery.connect(self.connected());
    }

    fn raise(&mut self, code: AlarmCode, on: bool) {
        if on {
            self.alarms.insert(code, AlarmLevel::Trip);
        } else {
            self.alarms.remove(code, AlarmLevel::Trip);
        }
    }

    /// Clears the latched alarms; what is still so comes back with the next tick.
    fn reset_alarms(&mut self) {
        for code in [AlarmCode::Gas, AlarmCode::Smoke, AlarmCode::StringOpen] {
            self.raise(code, false);
        }
    }

    /// Makes something defect or ends that; the caller has checked that it exists.
    pub(crate) fn set_defect(&mut self, defect: Defect) {
        let failures = &mut self.cooling.failures;
        match defect {
            Defect::Cell { rack_idx, cell_idx, defect } => {
                self.battery.harm(rack_idx, cell_idx, defect);
            }
            Defect::Chiller(failed) => failures.chiller = failed,
            Defect::Pump(failed) => failures.pump = failed,
            Defect::Fan(failed) => failures.fan = failed,
            _ => {}
        }
    }

    /// Cap of discharge that somebody set; infinite while there is none.
    fn discharge_cap_w(&self) -> f64 {
        if self.control.discharge_limit_enabled {
            self.control.discharge_limit_pct / 100.0 * self.design.pcs.rated_power.0
        } else {
            f64::INFINITY
        }
    }

    /// Setpoints in force after enabling, modes and caps.
    pub(crate) fn target(&self) -> Power {
        let pcs = &self.design.pcs;
        let p_w = self.control.active.target(pcs.rated_power.0).min(self.discharge_cap_w());
        Power { p_w, q_var: self.control.reactive.target(pcs.rated_reactive_power.0) }
    }

    /// One tick. A unit in fault stays as it is.
    pub(crate) fn step(&mut self, around: &Surroundings) {
        if self.is_quarantined() {
            return;
        }
        let power = self.convert();
        self.give(power);
        self.exchange_heat(around);
        self.battery.update(around.tick, sign(self.dc.current.0));
        if !self.is_finite() {
            self.quarantine();
            return;
        }
        self.watch();
        self.book();
        self.look();
    }

    /// The PCS towards its target, within what was available at the end of the last tick.
    fn convert(&mut self) -> Power {
        if self.state != UnitState::Running {
            self.raise(AlarmCode::DcVoltageOutOfWindow, false);
            return Power::default();
        }
        let design = Arc::clone(&self.design);
        let spec = &design.pcs;
        let was_outside = self.alarms.has(AlarmCode::DcVoltageOutOfWindow);
        let outside = pcs::dc_voltage_blocks(spec, self.battery.bus_voltage_v(), was_outside);
        self.raise(AlarmCode::DcVoltageOutOfWindow, outside);
        if outside {
            self.pcs.block();
            return Power::default();
        }
        let (discharge_w, charge_w) = self.headroom_w();
        let bounds = PowerBounds {
            discharge_w,
            charge_w,
            ramp_per_s: (self.control.ramp_pct_per_s / 100.0).min(spec.ramp_per_s),
            priority: self.control.priority,
        };
        let target = self.target();
        self.pcs.step(spec, target, &bounds)
    }

    /// Gives `power` and the converter's loss by the racks, or what they can of it.
    fn give(&mut self, power: Power) {
        let spec = &self.design.pcs;
        let loss_w = if self.converts() { pcs::loss_w(spec, power) } else { 0.0 };
        let asked_w = power.p_w + loss_w;
        let shared = self.battery.give(asked_w);
        let beyond = shared.is_some_and(|shared| shared.point.beyond_matched_load);
        self.raise(AlarmCode::PowerBeyondMatchedLoad, beyond);
        let Some(shared) = shared else {
            self.pcs.block();
            self.dc = DcView::default();
            self.held_w = 0.0;
            return;
        };
        let point = shared.point;
        let given_w = point.voltage_v * point.current_a;
        // Racks at their limits, or at the matched load, give less than what was asked for.
        if self.converts() && (given_w - asked_w).abs() > 1e-6 * asked_w.abs().max(1.0) {
            self.pcs.curtail(given_w - loss_w);
        }
        self.held_w = shared.held_w;
        self.dc = DcView {
            voltage: Volts(point.voltage_v),
            current: Amps(point.current_a),
            power: Watts(given_w),
        };
    }

    fn exchange_heat(&mut self, around: &Surroundings) {
        let spec = &self.design.cooling;
        let plate = Plate {
            supply_degc: self.cooling.plate_supply_degc(),
            conductance: self.cooling.plate_conductance_factor(spec),
            rise_k_per_w: self.cooling.plate_rise_k_per_w(spec, self.design.n_racks),
        };
        self.battery.refresh(around.tick, &plate);
        let mut heat_w = self.held_w;
        let (mut coldest_degc, mut hottest_degc) = (f64::INFINITY, f64::NEG_INFINITY);
        for reading in self.battery.readings() {
            heat_w += reading.plate_w;
            coldest_degc = coldest_degc.min(reading.temperature_min.value);
            hottest_degc = hottest_degc.max(reading.temperature_max.value);
        }
        let outside =
            Outside { ambient_degc: around.ambient.0, solar_w_per_m2: around.solar_w_per_m2 };
        self.cooling.step(spec, heat_w, hottest_degc, coldest_degc, &outside);
    }

    /// Raises what gas, smoke, strings and cooling tell; the first three stay.
    fn watch(&mut self) {
        let failures = &self.cooling.failures;
        let failed = failures.chiller || failures.pump || failures.fan;
        self.raise(AlarmCode::CoolingFailed, failed);
        let model = &self.battery.model.rack;
        let racks = self.battery.racks().iter();
        let mut raised = [false; 3];
        for rack in racks.filter(|rack| rack.is_watched()) {
            let (litres, smokes) = rack.gas(model);
            raised[0] |= litres > 0.0;
            raised[1] |= smokes;
            raised[2] |= rack.is_open();
        }
        let codes = [AlarmCode::Gas, AlarmCode::Smoke, AlarmCode::StringOpen];
        for (code, _) in codes.into_iter().zip(raised).filter(|(_, raised)| *raised) {
            self.raise(code, true);
        }
    }

    /// Bounds of the AC power: (largest discharge, largest charge as a magnitude). The first is
    /// negative when the battery cannot even feed the converter's losses: then the grid must.
    fn headroom_w(&self) -> (f64, f64) {
        let Some(bus) = self.battery.bus().filter(|_| self.converts()) else { return (0.0, 0.0) };
        let spec = &self.design.pcs;
        let (discharge_a, charge_a) = self.battery.current_limits();
        // At the current limit; never beyond the matched load.
        let most_a = discharge_a.min(0.5 * bus.a_v / bus.b_ohm);
        let dc_discharge_w = most_a * bus.at_current(most_a).voltage_v;
        let dc_charge_w = charge_a * bus.at_current(-charge_a).voltage_v;
        let q_var = self.pcs.output().q_var;
        let loss_at = |p_w: f64| pcs::loss_w(spec, Power { p_w, q_var });
        let mut discharge_w = dc_discharge_w - loss_at(dc_discharge_w);
        if discharge_w < 0.0 {
            // The loss grows with what is drawn from the grid for it; its slope is below one.
            for _ in 0..24 {
                discharge_w = dc_discharge_w - loss_at(discharge_w);
            }
        }
        // With priority for reactive power, what it leaves on the circle.
        let mut most_w = spec.rated_power.0;
        if self.control.priority == PowerPriority::Reactive {
            let apparent_va = spec.rated_apparent_power.0;
            let left_w = (apparent_va * apparent_va - q_var * q_var).max(0.0).sqrt();
            most_w = most_w.min(left_w);
        }
        // Losses help a charging limit, but are not counted on.
        (discharge_w.min(most_w), dc_charge_w.clamp(0.0, most_w))
    }

    /// Power that could flow now at the AC terminals: (discharge, charge), magnitudes.
    fn available(&self) -> (Watts, Watts) {
        let (discharge_w, charge_w) = self.headroom_w();
        (Watts(discharge_w.max(0.0)), Watts(charge_w))
    }

    /// What the plant may ask for in a direction: available at the end of the last tick, and not
    /// beyond the cap that somebody set. A magnitude in watts.
    pub(crate) fn capped_available_w(&self, discharge: bool) -> f64 {
        if !discharge {
            return self.share.available_charge.0;
        }
        self.share.available_discharge.0.min(self.discharge_cap_w())
    }

    fn is_finite(&self) -> bool {
        self.cooling.is_finite()
            && self.pcs.output().p_w.is_finite()
            && self.dc.power.0.is_finite()
            && self.battery.is_finite()
    }

    /// Takes the unit out, stopped and alarmed; it keeps what it last showed.
    fn quarantine(&mut self) {
        self.state = UnitState::Fault;
        self.raise(AlarmCode::Quarantined, true);
        self.battery.connect(false);
        self.pcs.block();
        self.dc = DcView::default();
        self.held_w = 0.0;
        self.share.stop(self.state);
    }

    fn auxiliary_w(&self) -> f64 {
        let standby_w = if self.state == UnitState::Standby {
            self.design.pcs.rated_apparent_power.0 * self.design.pcs.loss.standby
        } else {
            0.0
        };
        self.cooling.electric_w() + standby_w
    }

    fn book(&mut self) {
        let output = self.pcs.output();
        let energy = |power_w: f64| Joules(power_w.max(0.0) * TICK_S);
        self.totals.discharged += energy(output.p_w);
        self.totals.charged += energy(-output.p_w);
        self.totals.pcs_loss += energy(self.dc.power.0 - output.p_w);
        self.totals.auxiliary += energy(self.auxiliary_w());
        self.totals.cell_loss += energy(self.held_w);
        for reading in self.battery.readings() {
            self.totals.cell_loss += Joules(reading.loss_w * TICK_S);
            self.chemical += Joules(reading.chemical_w * TICK_S);
            self.charge_moved_c += reading.current_a.abs() * TICK_S;
        }
    }

    /// Feeds every bit of the state to `sink`.
    pub(crate) fn hash_into(&self, sink: &mut dyn FnMut(&[u8])) {
        let control = &self.control;
        sink(&[
            self.state as u8,
            control.active.enabled.into(),
            control.active.mode as u8,
            control.reactive.enabled.into(),
            control.reactive.mode as u8,
            control.priority as u8,
            control.discharge_limit_enabled.into(),
            control.source as u8,
        ]);
        sink(&control.controller_heartbeat.to_le_bytes());
        self.alarms.words().iter().for_each(|word| sink(&word.to_le_bytes()));
        if self.is_quarantined() {
            // Its numbers are none, and differ between processors.
            return;
        }
        self.pcs.hash_into(sink);
        self.battery.hash_into(sink);
        self.cooling.hash_into(sink);
        for value in [
            self.totals.discharged.0,
            self.totals.charged.0,
            self.totals.cell_loss.0,
            self.totals.pcs_loss.0,
            self.totals.auxiliary.0,
            self.charge_moved_c,
            self.held_w,
            self.share.available_discharge.0,
            self.share.available_charge.0,
            self.chemical.0,
            self.control.active.absolute,
            self.control.active.percent,
            self.control.reactive.absolute,
            self.control.reactive.percent,
            self.control.discharge_limit_pct,
            self.control.ramp_pct_per_s,
        ] {
            sink(&value.to_le_bytes());
        }
    }

    /// Spoils the state of one unit, to prove that bad numbers do not travel.
    #[cfg(test)]
    pub(crate) fn spoil(&mut self) {
        self.cooling.coolant_degc = f64::NAN;
    }
}
