//! One unit: racks behind a PCS, with BMS limits and cooling.
//!
//! A unit's tick reads nothing of another unit, so units may be stepped in any order and on any
//! worker. Order within the tick: control, PCS, split, cells, heat, limits, energy book.

use crate::cell::sign;
use crate::physics::cooling::{Cooling, Outside};
use crate::physics::limits::{CellRange, RackLimits};
use crate::physics::pcs::{self, Pcs, Power, PowerBounds};
use crate::physics::rack::{At, CellMemory, Plate, Rack, RackModel, RackStart};
use crate::physics::split::Bus;
use bess_core::alarm::{AlarmCode, AlarmSet};
use bess_core::command::{PowerPriority, UnitAction, UnitControl};
use bess_core::id::CellAddress;
use bess_core::rng::Streams;
use bess_core::snapshot::{
    AcView, BatteryView, CellExtremes, CellsView, DcView, EnergyTotals, RackView, UnitState,
    UnitView,
};
use bess_core::spec::{InitialSpec, UnitDesign, UnitSpec};
use bess_core::time::{TICK_S, TICKS_PER_S, Tick};
use bess_core::units::{Amps, Celsius, Hertz, Joules, Vars, VoltAmps, Volts, Watts};
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
    first_rack: usize,
    design: Arc<UnitDesign>,
    model: Arc<RackModel<f32>>,
    pub(crate) state: UnitState,
    pub(crate) control: UnitControl,
    alarms: AlarmSet,
    pcs: Pcs,
    racks: Vec<Rack<f32>>,
    limits: Vec<RackLimits>,
    /// Largest discharge and charge current of the unit in A, from `limits` and `bus`.
    current_limits: (f64, f64),
    cooling: Cooling,
    /// The bus at the end of the last tick, for what is available; `None` with open contactors.
    bus: Option<Bus>,
    totals: EnergyTotals,
    chemical: Joules,
    charge_moved_c: f64,
    soh: f64,
    rack_soh: Vec<f64>,
    /// What the last tick left; kept when the unit is quarantined.
    view: UnitView,
    rack_views: Vec<RackView>,
}

impl Unit {
    pub(crate) fn new(
        spec: &UnitSpec,
        initial: &InitialSpec,
        model: Arc<RackModel<f32>>,
        streams: Streams,
        memory: Vec<CellMemory<f32>>,
    ) -> Self {
        let design = Arc::clone(&spec.design);
        let racks: Vec<Rack<f32>> = memory
            .into_iter()
            .enumerate()
            .map(|(rack_idx, memory)| {
                let start = RackStart {
                    n_cells: design.cells_in_series,
                    soc: initial.soc,
                    temperature_degc: initial.temperature.0,
                    spread: &design.spread,
                    streams,
                    index: spec.rack_id(rack_idx).idx() as u64,
                };
                Rack::within(memory, &model, &start)
            })
            .collect();
        let rack_soh: Vec<f64> = racks.iter().map(|rack| rack.capacity_ratio(&model)).collect();
        let soh = rack_soh.iter().sum::<f64>() / design.n_racks as f64;
        let mut unit = Self {
            idx: spec.id.idx(),
            first_rack: spec.racks.start,
            state: initial.state,
            control: UnitControl::initial(&design),
            alarms: AlarmSet::default(),
            pcs: Pcs::new(&design.pcs),
            limits: vec![RackLimits { discharge: 1.0, charge: 1.0 }; design.n_racks],
            current_limits: (0.0, 0.0),
            cooling: Cooling::new(&design.cooling, initial.temperature.0),
            bus: None,
            totals: EnergyTotals::default(),
            chemical: Joules::ZERO,
            charge_moved_c: 0.0,
            soh,
            rack_soh,
            view: UnitView::default(),
            rack_views: vec![RackView::default(); design.n_racks],
            racks,
            model,
            design,
        };
        for idx in 0..unit.racks.len() {
            unit.limits[idx] = RackLimits::of(unit.design.limits(), &unit.cell_range(idx));
        }
        unit.update_bus(0.0);
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

    /// Operates the unit; the caller has validated the action.
    pub(crate) fn operate(&mut self, action: UnitAction) {
        let next = match (action, self.state) {
            (UnitAction::ResetAlarms, state) | (_, state @ UnitState::Fault) => state,
            (UnitAction::Stop, _) => UnitState::Off,
            (UnitAction::EnterStandby, _) => UnitState::Standby,
            (UnitAction::Start | UnitAction::ExitStandby, _) => UnitState::Running,
        };
        if next != UnitState::Running {
            self.pcs.block();
        }
        self.state = next;
        self.update_bus(0.0);
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

    /// One tick. A unit in fault keeps what it last showed.
    pub(crate) fn step(&mut self, around: &Surroundings) {
        if self.alarms.has(AlarmCode::Quarantined) {
            self.view.control = self.control;
            return;
        }
        let power = self.convert();
        let (dc, beyond) = self.share(power);
        self.alarms.set(AlarmCode::PowerBeyondMatchedLoad, beyond);
        self.exchange_heat(around);
        self.update_limits();
        self.update_bus(sign(dc.current.0));
        if !self.is_finite() {
            self.quarantine();
            return;
        }
        self.book(&dc);
        self.update_view(around, dc);
    }

    /// The PCS towards its target, within what was available at the end of the last tick.
    fn convert(&mut self) -> Power {
        if self.state != UnitState::Running {
            self.alarms.set(AlarmCode::DcVoltageOutOfWindow, false);
            return Power::default();
        }
        let spec = &self.design.pcs;
        let was_outside = self.alarms.has(AlarmCode::DcVoltageOutOfWindow);
        let outside = pcs::dc_voltage_blocks(spec, self.bus_voltage_v(), was_outside);
        self.alarms.set(AlarmCode::DcVoltageOutOfWindow, outside);
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

    /// Shares the DC power over the racks and steps their cells.
    fn share(&mut self, power: Power) -> (DcView, bool) {
        let spec = &self.design.pcs;
        let loss_w = if self.converts() { pcs::loss_w(spec, power) } else { 0.0 };
        let power_w = power.p_w + loss_w;
        let direction = sign(power_w);
        let Some(bus) = self.bus_now(direction) else {
            self.pcs.block();
            self.racks.iter_mut().for_each(|rack| rack.step(&self.model, 0.0));
            return (DcView::default(), false);
        };
        let point = bus.at_power(power_w);
        if point.beyond_matched_load {
            self.pcs.curtail(point.voltage_v * point.current_a - loss_w);
        }
        for rack in &mut self.racks {
            let current_a = rack.source(&self.model, direction).current_a(point.voltage_v);
            rack.step(&self.model, current_a);
        }
        let dc = DcView {
            voltage: Volts(point.voltage_v),
            current: Amps(point.current_a),
            power: Watts(point.voltage_v * point.current_a),
        };
        (dc, point.beyond_matched_load)
    }

    /// Heat, once a second for each rack; racks take turns so that the load is flat.
    fn exchange_heat(&mut self, around: &Surroundings) {
        let coolant_degc = self.cooling.plate_supply_degc();
        for (idx, rack) in self.racks.iter_mut().enumerate() {
            let turn = (around.tick.0 + (self.first_rack + idx) as u64).is_multiple_of(TICKS_PER_S);
            if turn {
                rack.refresh(&self.model, &Plate::at(coolant_degc));
            }
        }
        let heat_w: f64 = self.racks.iter().map(|rack| rack.reading().plate_w).sum();
        let (coldest_degc, hottest_degc) = self.racks.iter().map(Rack::reading).fold(
            (f64::INFINITY, f64::NEG_INFINITY),
            |(low, high), reading| {
                (low.min(reading.temperature_min.value), high.max(reading.temperature_max.value))
            },
        );
        let outside =
            Outside { ambient_degc: around.ambient.0, solar_w_per_m2: around.solar_w_per_m2 };
        let spec = &self.design.cooling;
        self.cooling.step(spec, heat_w, hottest_degc, coldest_degc, &outside);
    }

    fn cell_range(&self, rack_idx: usize) -> CellRange {
        let reading = self.racks[rack_idx].reading();
        CellRange {
            voltage_min_v: reading.voltage_min.value,
            voltage_max_v: reading.voltage_max.value,
            temperature_min_degc: reading.temperature_min.value,
            temperature_max_degc: reading.temperature_max.value,
            soc: reading.soc,
        }
    }

    fn update_limits(&mut self) {
        for idx in 0..self.racks.len() {
            let allowed = RackLimits::of(self.design.limits(), &self.cell_range(idx));
            self.limits[idx].step(allowed);
        }
    }

    fn update_bus(&mut self, direction: f64) {
        self.bus = self.bus_now(direction);
        self.current_limits = self.current_limits_now();
    }

    fn bus_now(&self, direction: f64) -> Option<Bus> {
        if !self.connected() {
            return None;
        }
        Bus::of(self.racks.iter().map(|rack| rack.source(&self.model, direction)))
    }

    /// Voltage of the bus at the end of the last tick; 0 with open contactors.
    fn bus_voltage_v(&self) -> f64 {
        let current_a: f64 = self.racks.iter().map(|rack| rack.reading().current_a).sum();
        self.bus.map_or(0.0, |bus| bus.at_current(current_a).voltage_v)
    }

    /// Largest discharge and charge current of the whole unit at which no rack exceeds its own limit:
    /// racks share a current by their conductances, on top of what circulates between them.
    fn current_limits_now(&self) -> (f64, f64) {
        let Some(bus) = self.bus else { return (0.0, 0.0) };
        let (chemistry, limits) = (&self.design.chemistry, self.design.limits());
        let (mut discharge_a, mut charge_a) = (f64::INFINITY, f64::INFINITY);
        for (rack, limit) in self.racks.iter().zip(&self.limits) {
            let source = rack.source(&self.model, 0.0);
            let share = bus.b_ohm / source.r_ohm;
            let circulating_a = source.current_a(bus.a_v);
            let discharge = limit.discharge_a(chemistry, limits) - circulating_a.max(0.0);
            let charge = limit.charge_a(chemistry, limits) + circulating_a.min(0.0);
            discharge_a = discharge_a.min(discharge.max(0.0) / share);
            charge_a = charge_a.min(charge.max(0.0) / share);
        }
        (discharge_a, charge_a)
    }

    /// Bounds of the AC power: (largest discharge, largest charge as a magnitude). The first is
    /// negative when the battery cannot even feed the converter's losses: then the grid must.
    fn headroom_w(&self) -> (f64, f64) {
        let Some(bus) = self.bus.filter(|_| self.converts()) else { return (0.0, 0.0) };
        let spec = &self.design.pcs;
        let (discharge_a, charge_a) = self.current_limits;
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
            return self.view.available_charge_power.0;
        }
        self.view.available_discharge_power.0.min(self.discharge_cap_w())
    }

    fn is_finite(&self) -> bool {
        self.cooling.is_finite()
            && self.pcs.output().p_w.is_finite()
            && self.racks.iter().all(|rack| {
                let reading = rack.reading();
                reading.voltage_v.is_finite()
                    && reading.soc.is_finite()
                    && reading.current_a.is_finite()
                    && reading.temperature_mean_degc.is_finite()
            })
    }

    /// Takes the unit out: it keeps its last good view, stopped and alarmed.
    fn quarantine(&mut self) {
        self.state = UnitState::Fault;
        self.alarms.set(AlarmCode::Quarantined, true);
        self.bus = None;
        self.pcs.block();
        let view = &mut self.view;
        view.state = self.state;
        view.alarms = self.alarms;
        view.ac =
            AcView { voltage: view.ac.voltage, frequency: view.ac.frequency, ..AcView::default() };
        view.dc = DcView::default();
        view.available_discharge_power = Watts::ZERO;
        view.available_charge_power = Watts::ZERO;
        view.discharge_current_max = Amps::ZERO;
        view.charge_current_max = Amps::ZERO;
        view.racks_connected = 0;
        view.setpoint = Watts::ZERO;
        view.reactive_setpoint = Vars::ZERO;
        view.auxiliary_power = Watts::ZERO;
        view.cooling_power = Watts::ZERO;
        for rack in &mut self.rack_views {
            *rack = RackView { connected: false, current: Amps::ZERO, loss: Watts::ZERO, ..*rack };
        }
    }

    fn auxiliary_w(&self) -> f64 {
        let standby_w = if self.state == UnitState::Standby {
            self.design.pcs.rated_apparent_power.0 * self.design.pcs.loss.standby
        } else {
            0.0
        };
        self.cooling.electric_w() + standby_w
    }

    fn book(&mut self, dc: &DcView) {
        let output = self.pcs.output();
        let energy = |power_w: f64| Joules(power_w.max(0.0) * TICK_S);
        self.totals.discharged += energy(output.p_w);
        self.totals.charged += energy(-output.p_w);
        self.totals.pcs_loss += energy(dc.power.0 - output.p_w);
        self.totals.auxiliary += energy(self.auxiliary_w());
        for rack in &self.racks {
            let reading = rack.reading();
            self.totals.cell_loss += Joules(reading.loss_w * TICK_S);
            self.chemical += Joules(reading.chemical_w * TICK_S);
            self.charge_moved_c += reading.current_a.abs() * TICK_S;
        }
    }

    /// The unit's view at the end of the last tick.
    pub(crate) fn view(&self) -> &UnitView {
        &self.view
    }
    /// The racks' views at the end of the last tick.
    pub(crate) fn rack_views(&self) -> &[RackView] {
        &self.rack_views
    }

    /// Makes the view anew without a tick: after commands while the clock stands, and at the start.
    pub(crate) fn look(&mut self, around: &Surroundings) {
        if self.alarms.has(AlarmCode::Quarantined) {
            self.view.control = self.control;
            return;
        }
        let mut dc = self.view.dc;
        if self.state != UnitState::Running {
            // Nothing flows into a converter that stands; the next tick shows what circulates.
            dc = DcView { voltage: dc.voltage, ..DcView::default() };
        }
        match self.bus {
            None => dc.voltage = Volts::ZERO,
            Some(bus) if dc.voltage == Volts::ZERO => dc.voltage = Volts(bus.a_v),
            Some(_) => {}
        }
        self.update_view(around, dc);
        if !self.connected() {
            for rack in &mut self.rack_views {
                *rack = RackView { current: Amps::ZERO, loss: Watts::ZERO, ..*rack };
            }
        }
    }

    fn update_view(&mut self, around: &Surroundings, dc: DcView) {
        self.update_rack_views();
        let design = &self.design;
        let output = self.pcs.output();
        let apparent_va = (output.p_w * output.p_w + output.q_var * output.q_var).sqrt();
        let voltage = design.pcs.nominal_voltage;
        let (discharge_power, charge_power) = self.available();
        let (discharge_a, charge_a) = self.current_limits;
        let target =
            if self.state == UnitState::Running { self.target() } else { Power::default() };
        let battery = self.battery_view();
        self.view = UnitView {
            state: self.state,
            control: self.control,
            alarms: self.alarms,
            ac: AcView {
                active_power: Watts(output.p_w),
                reactive_power: Vars(output.q_var),
                apparent_power: VoltAmps(apparent_va),
                voltage,
                current: Amps(apparent_va / (3f64.sqrt() * voltage.0)),
                frequency: around.frequency,
            },
            dc,
            setpoint: Watts(target.p_w),
            reactive_setpoint: Vars(target.q_var),
            available_discharge_power: discharge_power,
            available_charge_power: charge_power,
            discharge_current_max: Amps(discharge_a),
            charge_current_max: Amps(charge_a),
            // Sensors are ideal and the BMS counts without error until it has a model of its own.
            measured: battery,
            truth: battery,
            coolant_temperature: Celsius(self.cooling.coolant_degc),
            cooling_power: Watts(self.cooling.cooling_w),
            auxiliary_power: Watts(self.auxiliary_w()),
            racks_connected: if self.connected() { self.racks.len() as u32 } else { 0 },
            totals: self.totals,
            chemical_energy_drawn: self.chemical,
            equivalent_full_cycles: self.charge_moved_c / (2.0 * design.nominal_charge_c()),
            heartbeat: (around.tick.0 / TICKS_PER_S) as u32,
        };
    }

    fn update_rack_views(&mut self) {
        let connected = self.connected();
        let (chemistry, limits) = (&self.design.chemistry, self.design.limits());
        for (rack_idx, rack) in self.racks.iter().enumerate() {
            let reading = rack.reading();
            let place = |at: At| CellAddress {
                unit_idx: self.idx as u32,
                rack_idx: rack_idx as u16,
                cell_idx: at.cell as u16,
            };
            let limit = &self.limits[rack_idx];
            self.rack_views[rack_idx] = RackView {
                connected,
                current: Amps(reading.current_a),
                voltage: Volts(reading.voltage_v),
                soc: reading.soc,
                soh: self.rack_soh[rack_idx],
                cell_voltage_mean: Volts(reading.voltage_v / rack.n_cells() as f64),
                cell_temperature_mean: Celsius(reading.temperature_mean_degc),
                extremes: CellExtremes {
                    voltage_min: Volts(reading.voltage_min.value),
                    voltage_min_at: place(reading.voltage_min),
                    voltage_max: Volts(reading.voltage_max.value),
                    voltage_max_at: place(reading.voltage_max),
                    temperature_min: Celsius(reading.temperature_min.value),
                    temperature_min_at: place(reading.temperature_min),
                    temperature_max: Celsius(reading.temperature_max.value),
                    temperature_max_at: place(reading.temperature_max),
                },
                discharge_current_max: Amps(limit.discharge_a(chemistry, limits)),
                charge_current_max: Amps(limit.charge_a(chemistry, limits)),
                loss: Watts(reading.loss_w),
            };
        }
    }

    fn battery_view(&self) -> BatteryView {
        let racks = &self.rack_views;
        let n = racks.len() as f64;
        let mean = |of: &dyn Fn(&RackView) -> f64| racks.iter().map(of).sum::<f64>() / n;
        let soc = mean(&|rack| rack.soc);
        let capacity = self.design.nominal_energy() * self.soh;
        BatteryView {
            soc,
            soh: self.soh,
            energy: capacity * soc.clamp(0.0, 1.0),
            energy_capacity: capacity,
            cell_voltage_mean: Volts(mean(&|rack| rack.cell_voltage_mean.0)),
            cell_temperature_mean: Celsius(mean(&|rack| rack.cell_temperature_mean.0)),
            extremes: racks
                .iter()
                .map(|rack| rack.extremes)
                .reduce(|a, b| a.merged(&b))
                .unwrap_or_default(),
        }
    }

    /// Every cell as columns; nothing of a unit whose state left the numbers.
    pub(crate) fn cells_view(&self) -> Option<CellsView> {
        if self.alarms.has(AlarmCode::Quarantined) {
            return None;
        }
        let n = self.design.n_cells();
        let mut view = CellsView {
            unit_idx: self.idx,
            cells_per_rack: self.design.cells_in_series,
            voltage_v: Vec::with_capacity(n),
            temperature_degc: Vec::with_capacity(n),
            soc: Vec::with_capacity(n),
        };
        for rack in &self.racks {
            for idx in 0..rack.n_cells() {
                let (soc, voltage_v, temperature_degc) = rack.cell(&self.model, idx);
                view.voltage_v.push(voltage_v as f32);
                view.temperature_degc.push(temperature_degc as f32);
                view.soc.push(soc as f32);
            }
        }
        Some(view)
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
        sink(&self.alarms.0.to_le_bytes());
        self.pcs.hash_into(sink);
        self.cooling.hash_into(sink);
        self.racks.iter().for_each(|rack| rack.hash_into(sink));
        for limits in &self.limits {
            sink(&limits.discharge.to_le_bytes());
            sink(&limits.charge.to_le_bytes());
        }
        for value in [
            self.totals.discharged.0,
            self.totals.charged.0,
            self.totals.cell_loss.0,
            self.totals.pcs_loss.0,
            self.totals.auxiliary.0,
            self.charge_moved_c,
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

    /// Spoils the state of one cell, to prove that bad numbers do not travel.
    #[cfg(test)]
    pub(crate) fn spoil(&mut self) {
        self.cooling.coolant_degc = f64::NAN;
    }
}
