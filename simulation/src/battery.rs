//! The battery of a unit: its racks, what their BMSes believe, their limits, and the bus that they
//! share.

mod impaired;
mod switching;

use crate::bms::{BmsModel, ForcedReadings, Measured, RackBms, Truth, balancing};
use crate::cell::sign;
use crate::contactors::{Order, Switchgear};
use crate::impaired::BmsImpairments;
use crate::persist::persist;
use crate::physics::limits::{CellRange, RackLimits, Recovery};
use crate::physics::rack::{CellMemory, Plate, Rack, RackModel, RackStart, Reading};
use crate::physics::split::{Branch, Bus, Shared, share_out};
use crate::sensor::SensorFaults;
use bess_core::defect::{CellDefect, Reading as Forced};
use bess_core::id::UnitId;
use bess_core::rng::Streams;
use bess_core::spec::{InitialSpec, RackLimiting, UnitDesign, UnitSpec};
use bess_core::time::{TICKS_PER_S, Tick};
use impaired::SensorFault;
use std::sync::Arc;

/// What all batteries of one design share.
#[derive(Clone, Debug)]
pub(crate) struct BatteryModel {
    pub(crate) rack: RackModel<f32>,
    pub(crate) bms: BmsModel,
}

/// State of a battery.
#[derive(Clone, Debug)]
pub(crate) struct Battery {
    pub(crate) model: Arc<BatteryModel>,
    design: Arc<UnitDesign>,
    first_rack: u64,
    unit: UnitId,
    /// What the contactors of the racks that take part are told.
    order: Order,
    gear: Vec<Switchgear>,
    /// Voltage of the bus while it is charged; 0 before and after.
    precharge_v: f64,
    precharge_open: bool,
    /// Factor of the time constant of the precharge.
    precharge_factor: f64,
    /// What sensors of the unit show wrong.
    sensor_faults: Vec<SensorFault>,
    /// Sensors that are exchanged between two racks.
    swaps: Vec<(Forced, usize, usize)>,
    /// Broken sensors of racks.
    broken: Vec<(usize, SensorFaults)>,
    /// What is wrong with the BMSes.
    impaired: BmsImpairments,
    streams: Streams,
    racks: Vec<Rack<f32>>,
    bms: Vec<RackBms>,
    /// Readings of racks that are forced.
    forced: Vec<(usize, ForcedReadings)>,
    limits: Vec<RackLimits>,
    cells_balancing: Vec<u32>,
    /// The bus at the end of the last tick; `None` with open contactors.
    bus: Option<Bus>,
    /// Largest discharge and charge current in A that the limits allow.
    current_limits: (f64, f64),
    /// Room for the split; no state.
    branches: Vec<Branch>,
}
persist! {
    Battery {
        order, gear: each, precharge_v, precharge_open, precharge_factor, sensor_faults, swaps, broken,
        impaired, racks: each, bms: each, forced, limits: each, cells_balancing: each, bus, current_limits,
        branches: each,
    }
    but { model, design, first_rack, unit, streams }
}

impl Battery {
    pub(crate) fn new(
        spec: &UnitSpec,
        initial: &InitialSpec,
        model: Arc<BatteryModel>,
        streams: Streams,
        memory: Vec<CellMemory<f32>>,
    ) -> Self {
        let design = Arc::clone(&spec.design);
        let (soc, degc) = (initial.soc, initial.temperature.0);
        let mut racks = Vec::with_capacity(memory.len());
        let mut bms = Vec::with_capacity(memory.len());
        for (rack_idx, memory) in memory.into_iter().enumerate() {
            let index = spec.rack_id(rack_idx).idx();
            let n_cells = design.cells_in_series;
            let start = RackStart {
                n_cells,
                soc,
                temperature_degc: degc,
                spread: &design.spread,
                streams,
                index: index as u64,
            };
            racks.push(Rack::within(memory, &model.rack, &start));
            bms.push(RackBms::new(&model.bms, n_cells, index, streams, soc, degc));
        }
        let n = racks.len();
        let open =
            Branch { source: None, discharge_a: 0.0, charge_a: 0.0, current_a: 0.0, held: false };
        let mut battery = Self {
            first_rack: streams.rack_of_farm(spec.racks.start as u64),
            unit: spec.id,
            order: Order::OPEN,
            gear: vec![Switchgear::new(false); n],
            precharge_v: 0.0,
            precharge_open: false,
            precharge_factor: 1.0,
            sensor_faults: Vec::new(),
            swaps: Vec::new(),
            broken: Vec::new(),
            impaired: BmsImpairments::default(),
            streams,
            racks,
            bms,
            forced: Vec::new(),
            limits: vec![RackLimits { discharge: 1.0, charge: 1.0 }; n],
            cells_balancing: vec![0; n],
            bus: None,
            current_limits: (0.0, 0.0),
            branches: vec![open; n],
            model,
            design,
        };
        battery.sense(Tick(0));
        for idx in 0..n {
            battery.limits[idx] = battery.allowed(idx);
        }
        battery
    }

    /// Whether current can flow through rack `idx`: its contactors are closed, its fuse and its string
    /// are whole.
    pub(crate) fn is_closed(&self, idx: usize) -> bool {
        self.gear[idx].conducts() && !self.racks[idx].is_open()
    }
    pub(crate) fn gear(&self, idx: usize) -> &Switchgear {
        &self.gear[idx]
    }
    /// Forces what the BMS of rack `idx` shows, or lets it show again what it measures.
    pub(crate) fn force_reading(&mut self, idx: usize, reading: Forced, value: Option<f64>) {
        let known = self.forced.iter().position(|(rack_idx, _)| *rack_idx == idx);
        let place = known.unwrap_or_else(|| {
            self.forced.push((idx, ForcedReadings::default()));
            self.forced.len() - 1
        });
        self.forced[place].1[reading as usize] = value;
        self.forced.retain(|(_, forced)| forced.iter().any(Option::is_some));
    }
    pub(crate) fn n_closed(&self) -> usize {
        (0..self.racks.len()).filter(|idx| self.is_closed(*idx)).count()
    }
    /// Racks whose strings are whole.
    pub(crate) fn whole(&self) -> impl Iterator<Item = usize> {
        (0..self.racks.len()).filter(|idx| !self.racks[*idx].is_open())
    }
    /// Share of them among all racks.
    pub(crate) fn whole_share(&self) -> f64 {
        self.whole().count() as f64 / self.racks.len() as f64
    }
    pub(crate) fn racks(&self) -> &[Rack<f32>] {
        &self.racks
    }
    pub(crate) fn bms(&self, idx: usize) -> &RackBms {
        &self.bms[idx]
    }
    pub(crate) fn readings(&self) -> impl Iterator<Item = &Reading> {
        self.racks.iter().map(Rack::reading)
    }
    pub(crate) fn measured(&self) -> impl Iterator<Item = &Measured> {
        self.bms.iter().map(RackBms::reading)
    }
    /// True capacity of rack `idx` over nominal.
    pub(crate) fn rack_soh(&self, idx: usize) -> f64 {
        self.racks[idx].capacity_ratio()
    }
    pub(crate) fn cells_balancing(&self, idx: usize) -> u32 {
        self.cells_balancing[idx]
    }
    pub(crate) fn bus(&self) -> Option<Bus> {
        self.bus
    }
    /// Largest discharge and charge current in A, both >= 0.
    pub(crate) fn current_limits(&self) -> (f64, f64) {
        self.current_limits
    }
    /// Largest discharge and charge current of rack `idx` in A, both >= 0.
    pub(crate) fn rack_limits(&self, idx: usize) -> (f64, f64) {
        let (chemistry, limits) = (&self.design.chemistry, self.design.limits());
        let limit = self.impaired.told(self.limits[idx]);
        (limit.discharge_a(chemistry, limits), limit.charge_a(chemistry, limits))
    }

    /// Voltage of the bus at the end of the last tick; 0 with open contactors.
    pub(crate) fn bus_voltage_v(&self) -> f64 {
        let current_a: f64 = self.readings().map(|reading| reading.current_a).sum();
        self.bus.map_or(0.0, |bus| bus.at_current(current_a).voltage_v)
    }

    pub(crate) fn harm(&mut self, rack_idx: usize, cell_idx: usize, defect: CellDefect) {
        self.racks[rack_idx].harm(&self.model.rack, cell_idx, defect);
    }

    /// One tick: the racks share `power_w` and their cells step. `None` with open contactors.
    pub(crate) fn give(&mut self, power_w: f64) -> Option<Shared> {
        let mut shared = self.split(power_w);
        if self.model.rack.depends_on_current() && self.prepare() {
            shared = self.split(power_w);
        }
        for (rack, branch) in self.racks.iter_mut().zip(&self.branches) {
            rack.step(&self.model.rack, branch.current_a);
        }
        shared
    }

    /// Gives each rack its current.
    fn split(&mut self, power_w: f64) -> Option<Shared> {
        let direction = sign(power_w);
        let held = self.design.rack_limiting == RackLimiting::Held;
        for idx in 0..self.racks.len() {
            let (discharge_a, charge_a) =
                if held { self.rack_limits(idx) } else { (f64::INFINITY, f64::INFINITY) };
            let source =
                self.is_closed(idx).then(|| self.racks[idx].source(&self.model.rack, direction));
            let branch = &mut self.branches[idx];
            *branch = Branch { source, discharge_a, charge_a, ..*branch };
        }
        share_out(&mut self.branches, power_w)
    }

    /// Makes the resistances that depend on current for the currents of the split; whether any was.
    fn prepare(&mut self) -> bool {
        let mut any = false;
        for (rack, branch) in self.racks.iter_mut().zip(&self.branches) {
            if rack.wants_to_prepare(&self.model.rack, branch.current_a) {
                rack.prepare(&self.model.rack, branch.current_a);
                any = true;
            }
        }
        any
    }

    /// Heat, ageing, balancing and estimates, once a second for each rack; racks take turns so that
    /// the load is flat.
    pub(crate) fn refresh(&mut self, tick: Tick, plate: &Plate) {
        let model = Arc::clone(&self.model);
        for idx in 0..self.racks.len() {
            let turn = tick.0 + self.first_rack + idx as u64;
            if !turn.is_multiple_of(TICKS_PER_S) {
                continue;
            }
            self.balance(idx, tick);
            self.racks[idx].refresh(&model.rack, plate);
            // Nothing can be learnt from a string that is open: cells of it show nothing any more.
            if !self.racks[idx].is_open() && !self.impaired.frozen {
                self.bms[idx].estimate(&model.bms);
            }
        }
    }

    /// Passive balancing of rack `idx` for the second that ends now.
    fn balance(&mut self, idx: usize, tick: Tick) {
        let (rack, bms) = (&mut self.racks[idx], &self.bms[idx]);
        let spec = self.model.bms.balancing();
        let measured = bms.reading();
        let capacity_ah = self.design.chemistry.capacity.amp_hours();
        // A cell that is not even empty is no measure for the others.
        let plausible = measured.voltage_min.value >= self.design.limits().voltage_min.0;
        // The cells' monitors stop by themselves when nobody tells them to go on.
        let allowed = plausible && !rack.is_open() && !self.impaired.frozen;
        if !allowed || !balancing::allowed(spec, measured, capacity_ah) {
            if self.cells_balancing[idx] > 0 {
                rack.end_balancing();
                self.cells_balancing[idx] = 0;
            }
            return;
        }
        let bms_model = &self.model.bms;
        let lowest_v = measured.voltage_min.value;
        let bleeds = |cell: usize, true_v: f64| {
            let shown_v = bms.cell_voltage_v(bms_model, cell, true_v, tick.0);
            balancing::bleeds(spec, shown_v, lowest_v)
        };
        let picked = rack.balance(&self.model.rack, spec.bleed_a, 1.0, bleeds);
        self.cells_balancing[idx] = picked as u32;
    }

    /// After the racks have stepped: the BMSes look, limits move, the next tick's bus is made.
    pub(crate) fn update(&mut self, tick: Tick, direction: f64) {
        if !self.impaired.frozen {
            self.sense(tick);
            let design = &self.design;
            let recovery = Recovery::of(&design.protection, &design.chemistry, design.limits());
            for idx in 0..self.racks.len() {
                let allowed = self.allowed(idx);
                self.limits[idx].step(allowed, recovery);
            }
        }
        self.update_bus(direction);
    }

    fn sense(&mut self, tick: Tick) {
        for idx in 0..self.racks.len() {
            let mut truth = self.truth(idx, tick);
            for (quantity, a, b) in &self.swaps {
                if idx == *a || idx == *b {
                    let other = self.truth(if idx == *a { *b } else { *a }, tick);
                    truth.take(*quantity, &other);
                }
            }
            let mut broken = self.broken.iter_mut();
            let faults = broken.find(|(of, _)| *of == idx).map(|(_, faults)| faults);
            self.bms[idx].sense_by(&self.model.bms, &truth, faults);
            let noise_a = self.racks[idx].arc_noise_a();
            if noise_a > 0.0 {
                self.bms[idx].disturb_current(noise_a, tick.0);
            }
        }
        for (idx, forced) in &self.forced {
            self.bms[*idx].show_forced(forced);
        }
    }

    /// What is so in rack `idx` now, as far as there are sensors for it.
    fn truth(&self, idx: usize, tick: Tick) -> Truth {
        let reading = self.racks[idx].reading();
        Truth {
            tick: tick.0,
            connected: self.is_closed(idx),
            current_a: reading.current_a,
            voltage_v: reading.voltage_v,
            voltage_min: reading.voltage_min,
            voltage_max: reading.voltage_max,
            temperature_min: reading.temperature_min,
            temperature_max: reading.temperature_max,
            temperature_mean_degc: reading.temperature_mean_degc,
            soc: reading.soc,
            soh: self.racks[idx].capacity_ratio(),
        }
    }

    /// What rack `idx` may give by what its BMS sees now.
    fn allowed(&self, idx: usize) -> RackLimits {
        RackLimits::of(&self.design.protection, self.design.limits(), &self.cell_range(idx))
    }

    /// What the limits look at: what the BMS measures and believes.
    fn cell_range(&self, idx: usize) -> CellRange {
        let measured = self.bms[idx].reading();
        // Thresholds that are higher are the same as values that are lower.
        let (shift_k, shift_v) = self.impaired.threshold_shift;
        CellRange {
            voltage_min_v: measured.voltage_min.value - shift_v,
            voltage_max_v: measured.voltage_max.value - shift_v,
            temperature_min_degc: measured.temperature_min.value - shift_k,
            temperature_max_degc: measured.temperature_max.value - shift_k,
            soc: measured.soc,
        }
    }

    fn update_bus(&mut self, direction: f64) {
        let closed = (0..self.racks.len()).filter(|idx| self.is_closed(*idx));
        self.bus = Bus::of(closed.map(|idx| self.racks[idx].source(&self.model.rack, direction)));
        self.current_limits = match self.design.rack_limiting {
            RackLimiting::Held => self.sum_of_limits(),
            RackLimiting::Passive => self.limits_by_share(),
        };
    }

    /// Held racks give all that each of them may.
    fn sum_of_limits(&self) -> (f64, f64) {
        let closed = (0..self.racks.len()).filter(|idx| self.is_closed(*idx));
        closed
            .map(|idx| self.rack_limits(idx))
            .fold((0.0, 0.0), |sum, limit| (sum.0 + limit.0, sum.1 + limit.1))
    }

    /// Largest currents at which no rack exceeds its own limit: racks share a current by their
    /// conductances, on top of what circulates between them.
    fn limits_by_share(&self) -> (f64, f64) {
        let Some(bus) = self.bus else { return (0.0, 0.0) };
        let (mut discharge_a, mut charge_a) = (f64::INFINITY, f64::INFINITY);
        for idx in (0..self.racks.len()).filter(|idx| self.is_closed(*idx)) {
            let source = self.racks[idx].source(&self.model.rack, 0.0);
            let share = bus.b_ohm / source.r_ohm;
            let circulating_a = source.current_a(bus.a_v);
            let limits = self.rack_limits(idx);
            discharge_a = discharge_a.min((limits.0 - circulating_a.max(0.0)).max(0.0) / share);
            charge_a = charge_a.min((limits.1 + circulating_a.min(0.0)).max(0.0) / share);
        }
        (discharge_a, charge_a)
    }

    pub(crate) fn is_finite(&self) -> bool {
        self.racks.iter().all(Rack::is_finite)
            && self.measured().all(Measured::is_finite)
            && self.branches.iter().all(|branch| branch.current_a.is_finite())
    }

    pub(crate) fn hash_into(&self, sink: &mut dyn FnMut(&[u8])) {
        let Order { negative, precharge, positive } = self.order;
        sink(&[negative.into(), precharge.into(), positive.into(), self.precharge_open.into()]);
        sink(&self.precharge_v.to_le_bytes());
        sink(&self.precharge_factor.to_le_bytes());
        self.gear.iter().for_each(|gear| gear.hash_into(sink));
        self.racks.iter().for_each(|rack| rack.hash_into(sink));
        self.bms.iter().for_each(|bms| bms.hash_into(sink));
        for (idx, forced) in &self.forced {
            sink(&(*idx as u64).to_le_bytes());
            forced.iter().for_each(|value| sink(&value.unwrap_or(f64::NAN).to_le_bytes()));
        }
        for (quantity, a, b) in &self.swaps {
            sink(&[*quantity as u8]);
            sink(&(*a as u64).to_le_bytes());
            sink(&(*b as u64).to_le_bytes());
        }
        for (idx, faults) in &self.broken {
            sink(&(*idx as u64).to_le_bytes());
            faults.hash_into(sink);
        }
        for limits in &self.limits {
            sink(&limits.discharge.to_le_bytes());
            sink(&limits.charge.to_le_bytes());
        }
        self.cells_balancing.iter().for_each(|n| sink(&n.to_le_bytes()));
    }
}
