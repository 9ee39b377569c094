//! One unit: a battery behind a PCS, with its cooling.
//!
//! A unit's tick reads nothing of another unit, so units may be stepped in any order, on any worker,
//! and for several ticks at a time. Order within the tick: control, PCS, split, cells, heat, BMS,
//! limits, energy book.

mod capacity;
mod command;
mod convert;
mod defects;
mod faults;
mod impairments;
mod protect;
mod room;
mod share;
mod state;
mod view;

pub(crate) use capacity::Most;
pub(crate) use share::Share;

use crate::battery::{Battery, BatteryModel};
use crate::cell::sign;
use crate::contactors::Order;
use crate::function::FunctionsRun;
use crate::grid::{EnterServiceWatch, GridTick, Island, IslandTick, RelayAction, Relays};
use crate::machine::{Machine, Rules};
use crate::persist::{leaf, persist};
use crate::physics::cooling::{Cooling, Outside};
use crate::physics::pcs::{Pcs, Power};
use crate::physics::rack::{CellMemory, Plate};
use crate::protection::{Protection, RackSight};
use crate::sensor::SensorFaults;
use crate::watch::{Lease, Reversions, Watchdog};
use bess_core::alarm::{AlarmCode, AlarmKey, AlarmLevel, AlarmState};
use bess_core::command::{ControlSource, RackAction, UnitAction, UnitControl};
use bess_core::control::UnitFunctions;
use bess_core::event::{Event, EventKind, Reverted};
use bess_core::id::UnitId;
use bess_core::rng::Streams;
use bess_core::snapshot::{DcView, EnergyTotals, UnitState};
use bess_core::spec::{InitialSpec, IslandLoad, UnitDesign, UnitSpec};
use bess_core::time::{Moment, TICK_S, Tick};
use bess_core::units::{Amps, Celsius, Joules, Volts, Watts};
use command::Fallback;
use defects::Frozen;
use faults::Faults;
use impairments::{HeatSink, Impairments};
use room::Room;
use std::sync::Arc;

/// What all units see alike in a tick.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub(crate) struct Surroundings {
    pub(crate) tick: Tick,
    pub(crate) ambient: Celsius,
    pub(crate) solar_w_per_m2: f64,
    pub(crate) grid: GridTick,
    pub(crate) nominal_hz: f64,
    /// Power at the POI in the last tick in W.
    pub(crate) poi_w: f64,
    /// Units that shave peaks at the POI.
    pub(crate) units_sharing: usize,
}
leaf!(Surroundings);

/// What all units of a farm share from the start.
#[derive(Clone, Debug)]
pub(crate) struct Common {
    pub(crate) initial: InitialSpec,
    pub(crate) streams: Streams,
    /// Loads that an island may feed.
    pub(crate) island_loads: Arc<[IslandLoad]>,
}

/// Share of the rated apparent power below which the converter counts as at rest, so that the contactors
/// may open (engineering choice).
const AT_REST: f64 = 0.005;
/// State of a unit.
#[derive(Clone, Debug)]
pub(crate) struct Unit {
    id: UnitId,
    design: Arc<UnitDesign>,
    machine: Machine,
    pub(crate) control: UnitControl,
    /// Settings of its functions, and where those stand.
    functions: Arc<UnitFunctions>,
    run: FunctionsRun,
    watchdog: Watchdog,
    reversions: Reversions,
    lease: Lease,
    /// What it does without its controller, and until a fresh setpoint after that.
    fallback: Option<Fallback>,
    is_local: bool,
    protection: Protection,
    relays: Relays,
    /// The first trip by a relay in this tick.
    relay_trip: Option<(AlarmKey, Moment)>,
    entry: EnterServiceWatch,
    island: Option<Island>,
    island_loads: Arc<[IslandLoad]>,
    island_now: IslandTick,
    impairments: Impairments,
    faults: Faults,
    room: Room,
    /// Broken sensors of the unit as a whole.
    sensor_faults: SensorFaults,
    /// What a BMS that hangs goes on telling.
    frozen: Option<Box<Frozen>>,
    streams: Streams,
    heat_sink: HeatSink,
    /// Setpoints after their ramp.
    ramped: Power,
    /// Cap of power in W by the ramp after entering service; infinite without one.
    entry_cap_w: f64,
    /// DC voltage in V while it keeps the converter from giving power.
    dc_out_of_window: Option<f64>,
    /// The racks could not deliver what was asked for at any current.
    beyond_matched_load: bool,
    /// Ticks for which BMS and converter have not heard each other.
    bms_silent_ticks: u64,
    /// Whether a rack's cells have given off gas, and whether it smokes.
    gas: bool,
    smokes: bool,
    /// Whether the converter works in this tick.
    gates: bool,
    /// Whether battery or converter cut what was asked for.
    is_cut: bool,
    is_quarantined: bool,
    /// What happened since somebody took it; no state.
    events: Vec<Event>,
    /// Room; no state.
    rack_sights: Vec<RackSight>,
    relay_actions: Vec<RelayAction>,
    reverted: Vec<Reverted>,
    pcs: Pcs,
    battery: Battery,
    cooling: Cooling,
    /// DC terminals at the end of the last tick.
    dc: DcView,
    /// Power lost in what holds racks at their limits.
    held_w: f64,
    totals: EnergyTotals,
    /// What cells and wiring took, less what polarisation gave back after a current turned round.
    net_cell_loss: Joules,
    chemical: Joules,
    charge_moved_c: f64,
    share: Share,
}
persist! {
    Unit {
        machine, control, run, watchdog, reversions, lease, fallback, is_local, protection, relays,
        relay_trip, entry, island, island_now, impairments, faults, room, sensor_faults, frozen, heat_sink,
        ramped, entry_cap_w, dc_out_of_window, beyond_matched_load, bms_silent_ticks, gas, smokes, gates,
        is_cut, is_quarantined, events, pcs, battery, cooling, dc, held_w, totals, net_cell_loss,
        chemical, charge_moved_c, share,
    }
    // Its functions are kept by `save_whole`, and only where somebody changed them.
    but {
        id, design, functions, island_loads, streams, rack_sights, relay_actions, reverted,
    }
}

impl Unit {
    pub(crate) fn new(
        spec: &UnitSpec,
        common: &Common,
        model: Arc<BatteryModel>,
        memory: Vec<CellMemory<f32>>,
    ) -> Self {
        let design = Arc::clone(&spec.design);
        let (initial, streams) = (&common.initial, common.streams);
        let mut unit = Self {
            id: spec.id,
            machine: Machine::new(spec.id, initial.state),
            control: UnitControl::initial(&design),
            functions: Arc::clone(&design.functions),
            run: FunctionsRun::default(),
            watchdog: Watchdog::new(spec.id.idx(), streams),
            reversions: Reversions::default(),
            lease: Lease::default(),
            fallback: None,
            is_local: false,
            protection: Protection::new(spec.id, &design),
            relays: Relays::new(&design.functions.trips, design.grid_code.phase_jump_max_deg),
            relay_trip: None,
            entry: EnterServiceWatch::new(spec.id.idx(), streams),
            island: None,
            island_loads: Arc::clone(&common.island_loads),
            island_now: IslandTick::default(),
            impairments: Impairments::default(),
            faults: Faults::default(),
            room: Room::new(design.cooling.air_heat_capacity_j_per_k),
            sensor_faults: SensorFaults::default(),
            frozen: None,
            streams,
            heat_sink: HeatSink::default(),
            ramped: Power::default(),
            entry_cap_w: f64::INFINITY,
            dc_out_of_window: None,
            beyond_matched_load: false,
            bms_silent_ticks: 0,
            gas: false,
            smokes: false,
            gates: false,
            is_cut: false,
            is_quarantined: false,
            events: Vec::new(),
            rack_sights: Vec::with_capacity(design.n_racks),
            relay_actions: Vec::new(),
            reverted: Vec::new(),
            pcs: Pcs::new(&design.pcs),
            battery: Battery::new(spec, initial, model, streams, memory),
            cooling: Cooling::new(&design.cooling, initial.temperature.0),
            dc: DcView::default(),
            held_w: 0.0,
            totals: EnergyTotals::default(),
            net_cell_loss: Joules::ZERO,
            chemical: Joules::ZERO,
            charge_moved_c: 0.0,
            share: Share::default(),
            design,
        };
        unit.watchdog.settings_changed(Tick(0), &unit.control.watchdog);
        if unit.machine.order() == Order::CLOSED {
            unit.battery.start_connected();
        }
        unit.gates = unit.machine.gates();
        unit.look();
        unit
    }

    pub(crate) fn state(&self) -> UnitState {
        self.machine.state()
    }

    pub(crate) fn id(&self) -> UnitId {
        self.id
    }
    pub(crate) fn is_quarantined(&self) -> bool {
        self.is_quarantined
    }
    /// Every alarm object that lives.
    pub(crate) fn alarms(&self) -> &[AlarmState] {
        self.protection.states()
    }
    /// Settings of its functions.
    pub(crate) fn functions(&self) -> &Arc<UnitFunctions> {
        &self.functions
    }
    /// Whether it forms an island, or is on its way to one.
    pub(crate) fn wants_island(&self) -> bool {
        self.forms_island() || self.machine.wants_black_start()
    }
    /// Whether it makes an island of its own instead of feeding the farm.
    pub(crate) fn forms_island(&self) -> bool {
        self.island.is_some()
    }
    /// What the unit adds to the farm, as of the last tick or look.
    pub(crate) fn share(&self) -> &Share {
        &self.share
    }

    /// Operates the unit after the tick `now`; the caller has validated the action. One in quarantine
    /// does nothing any more.
    pub(crate) fn operate(&mut self, now: Tick, action: UnitAction, source: ControlSource) {
        if self.is_quarantined() {
            return;
        }
        match action {
            UnitAction::ResetAlarms => {
                self.protection.reset(Moment::within(now.next(), 0.0), &mut self.events);
                self.watchdog.reset(now);
            }
            UnitAction::ReleaseEmergencyStop => {
                let at = Moment::within(now.next(), 0.0);
                self.protection.end(AlarmCode::EmergencyStop, at, &mut self.events);
            }
            UnitAction::Local | UnitAction::Remote => {
                let local = action == UnitAction::Local;
                if self.is_local != local {
                    self.is_local = local;
                    self.write_event(now, EventKind::Local { local });
                }
            }
            _ => {}
        }
        self.machine.operate(action, source, now, &mut self.events);
        if !self.machine.gates() {
            self.block();
        }
    }

    /// Lets a rack take part or takes it out; its contactors move with the next tick.
    pub(crate) fn operate_rack(&mut self, rack_idx: usize, action: RackAction) {
        self.battery.enable(rack_idx, action == RackAction::Connect);
    }

    /// A load of the island is to be fed, or not; nothing where there is no island.
    pub(crate) fn feed_load(&mut self, load_idx: usize, fed: bool) {
        if let Some(island) = &mut self.island {
            island.feed(load_idx, fed);
        }
    }

    /// The converter stops at once, whatever it gave.
    fn block(&mut self) {
        self.gates = false;
        self.is_cut = false;
        self.pcs.block();
        self.dc = DcView { voltage: self.dc.voltage, ..DcView::default() };
    }

    /// Moves what happened since the last call to the end of `into`.
    pub(crate) fn take_events(&mut self, into: &mut Vec<Event>) {
        into.append(&mut self.events);
    }

    /// One tick. A unit in quarantine stays as it is.
    pub(crate) fn step(&mut self, around: &Surroundings) {
        if self.is_quarantined() {
            return;
        }
        let around = &*self.measured(around);
        self.watch_controller(around.tick);
        self.watch_grid(around);
        self.gates = self.machine.gates();
        let power = self.convert(around);
        self.give(power);
        self.exchange_heat(around);
        self.battery.update(around.tick, sign(self.dc.current.0));
        if !self.is_finite() {
            self.quarantine(around.tick);
            return;
        }
        self.protect(around);
        self.run_machine(around);
        self.book();
        self.look();
    }

    /// Gives `power` and the converter's loss by the racks, or what they can of it.
    fn give(&mut self, power: Power) {
        let loss_w = if self.converts() { self.pcs_loss_w(power) } else { 0.0 };
        let asked_w = power.p_w + loss_w;
        let shared = self.battery.give(asked_w);
        self.beyond_matched_load = shared.is_some_and(|shared| shared.point.beyond_matched_load);
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
        let is_fed = around.grid.is_energised_at_end() || self.island.is_some();
        self.cooling.supplied = is_fed && !self.faults.aux_supply_off;
        self.cooling.door_open = self.faults.door_open;
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

    fn is_finite(&self) -> bool {
        self.cooling.is_finite()
            && self.pcs.output().p_w.is_finite()
            && self.dc.power.0.is_finite()
            && self.battery.is_finite()
    }

    /// Takes the unit out, stopped and alarmed; it keeps what it last showed.
    fn quarantine(&mut self, now: Tick) {
        let key = AlarmKey::unit(AlarmCode::Quarantined, AlarmLevel::Critical);
        self.is_quarantined = true;
        self.island = None;
        self.machine.quarantine(now, key, &mut self.events);
        self.protection.quarantine(now, &mut self.events);
        self.battery.cut_off(Moment::end_of(now), &mut self.events);
        self.block();
        self.dc = DcView::default();
        self.held_w = 0.0;
        self.share.stop(self.state());
    }

    fn auxiliary_w(&self) -> f64 {
        // A converter that stands on a live bus needs what it needs at zero power.
        let stands = !self.gates && self.battery.bus().is_some() && self.cooling.supplied;
        let standby_w = if stands {
            self.design.pcs.rated_apparent_power.0 * self.design.pcs.loss.standby
        } else {
            0.0
        };
        self.cooling.electric_w() + standby_w
    }

    fn book(&mut self) {
        let output = self.pcs.output();
        let spec = &self.design.pcs;
        let rated_loss_w = spec.rated_apparent_power.0 * spec.loss.at(1.0);
        let pcs_loss_w = (self.dc.power.0 - output.p_w).max(0.0);
        let loss = if rated_loss_w > 0.0 { pcs_loss_w / rated_loss_w } else { 0.0 };
        self.heat_sink.step(&self.design.pcs_thermal, loss, self.impairments.pcs_fan);
        let energy = |power_w: f64| Joules(power_w.max(0.0) * TICK_S);
        self.totals.discharged += energy(output.p_w);
        self.totals.charged += energy(-output.p_w);
        self.totals.pcs_loss += energy(self.dc.power.0 - output.p_w);
        self.totals.auxiliary += energy(self.auxiliary_w());
        self.net_cell_loss += energy(self.held_w);
        for reading in self.battery.readings() {
            self.net_cell_loss += Joules(reading.loss_w * TICK_S);
            self.chemical += Joules(reading.chemical_w * TICK_S);
            self.charge_moved_c += reading.current_a.abs() * TICK_S;
        }
        if self.net_cell_loss > self.totals.cell_loss {
            self.totals.cell_loss = self.net_cell_loss;
        }
    }

    /// Feeds every bit of the state to `sink`.
    pub(crate) fn hash_into(&self, sink: &mut dyn FnMut(&[u8])) {
        // Every setting, by its text: the numbers in it are exact.
        let settings = format!("{:?}{:?}{:?}", self.control, self.functions, self.fallback);
        sink(settings.as_bytes());
        self.machine.hash_into(sink);
        self.impairments.hash_into(sink);
        self.faults.hash_into(sink);
        self.room.hash_into(sink);
        self.hash_faults_into(sink);
        sink(&[
            self.gates.into(),
            self.is_cut.into(),
            self.gas.into(),
            self.smokes.into(),
            self.is_local.into(),
            self.is_quarantined.into(),
            self.beyond_matched_load.into(),
        ]);
        sink(&self.bms_silent_ticks.to_le_bytes());
        sink(&self.dc_out_of_window.unwrap_or(0.0).to_le_bytes());
        if self.is_quarantined() {
            // Its numbers are none, and differ between processors.
            return;
        }
        self.protection.hash_into(sink);
        self.watchdog.hash_into(sink);
        self.reversions.hash_into(sink);
        self.lease.hash_into(sink);
        self.run.hash_into(sink);
        self.relays.hash_into(sink);
        self.entry.hash_into(sink);
        if let Some(island) = &self.island {
            island.hash_into(sink);
        }
        self.pcs.hash_into(sink);
        self.battery.hash_into(sink);
        self.cooling.hash_into(sink);
        for value in [
            self.totals.discharged.0,
            self.totals.charged.0,
            self.totals.cell_loss.0,
            self.net_cell_loss.0,
            self.totals.pcs_loss.0,
            self.totals.auxiliary.0,
            self.charge_moved_c,
            self.heat_sink.rise_k,
            self.ramped.p_w,
            self.ramped.q_var,
            self.entry_cap_w,
            self.held_w,
            self.share.available_discharge.0,
            self.share.available_charge.0,
            self.chemical.0,
        ] {
            sink(&value.to_le_bytes());
        }
    }

    /// What cells and wiring took so far, also where it fell.
    #[cfg(test)]
    pub(crate) fn net_cell_loss(&self) -> Joules {
        self.net_cell_loss
    }

    /// Spoils the state of one unit, to prove that bad numbers do not travel.
    #[cfg(test)]
    pub(crate) fn spoil(&mut self) {
        self.cooling.coolant_degc = f64::NAN;
    }
}

fn rules_of(design: &UnitDesign) -> Rules<'_> {
    Rules { sequence: &design.sequence, protection: &design.protection }
}
