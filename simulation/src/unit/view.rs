//! The pictures of a unit, its racks and its cells, made when somebody looks.

use super::{Surroundings, Unit};
use crate::bms::Measured;
use crate::physics::pcs::Power;
use crate::physics::rack::{At, Reading};
use bess_core::defect::Reading as Sensed;
use bess_core::id::CellAddress;
use bess_core::snapshot::{
    AcView, BatteryView, CellExtremes, CellsView, DcView, RackTruth, RackView, UnitView,
};
use bess_core::time::TICKS_PER_S;
use bess_core::units::{Amps, Celsius, Hertz, Vars, VoltAmps, Volts, Watts};

impl Unit {
    /// The unit's view; its racks' views are appended to `racks`. Of a unit in quarantine `kept` is
    /// what it last showed, in `kept_racks` its racks.
    pub(crate) fn show(
        &self,
        around: &Surroundings,
        kept: Option<(&UnitView, &[RackView])>,
        racks: &mut Vec<RackView>,
    ) -> UnitView {
        if self.is_quarantined() {
            return self.show_stopped(kept, racks);
        }
        let first = racks.len();
        racks.extend((0..self.design.n_racks).map(|rack_idx| self.rack_view(rack_idx)));
        let shown = &racks[first..];
        let design = &self.design;
        let output = self.pcs.output();
        let apparent_va = (output.p_w * output.p_w + output.q_var * output.q_var).sqrt();
        let (voltage_pu, frequency_hz) = match &self.island {
            Some(_) => (self.island_now.voltage_pu, self.island_now.frequency_hz),
            None => {
                let measured_hz = around.grid.frequency_mean_hz() + self.faults.pll_offset_hz;
                (around.grid.voltage_mean_pu(), measured_hz)
            }
        };
        let (available_discharge, available_charge) = self.available();
        let (discharge_a, charge_a) = self.battery.current_limits();
        let target = if self.machine.gates() { self.target() } else { Power::default() };
        let model = &self.battery.model.rack;
        let dc = self.dc_view();
        let dc_v = self.shown(Sensed::DcVoltage, self.dc_v(dc.voltage.0));
        UnitView {
            state: self.state(),
            control: self.control,
            alarms: self.protection.set(),
            ac: AcView {
                active_power: Watts(self.shown(Sensed::ActivePower, self.active_w())),
                reactive_power: Vars(output.q_var),
                apparent_power: VoltAmps(apparent_va),
                voltage: design.pcs.nominal_voltage * voltage_pu,
                current: Amps(if voltage_pu > 0.0 {
                    apparent_va / (3f64.sqrt() * design.pcs.nominal_voltage.0 * voltage_pu)
                } else {
                    0.0
                }),
                frequency: Hertz(frequency_hz),
            },
            dc: DcView { voltage: Volts(dc_v), ..dc },
            setpoint: Watts(target.p_w),
            reactive_setpoint: Vars(target.q_var),
            available_discharge_power: available_discharge,
            available_charge_power: available_charge,
            discharge_current_max: Amps(discharge_a),
            charge_current_max: Amps(charge_a),
            measured: self.measured_battery(shown),
            truth: self.true_battery(shown),
            coolant_temperature: Celsius(self.cooling.coolant_degc),
            air_temperature: Celsius(self.cooling.air_degc),
            gas_litres: self.impairments.vented_litres
                + self.battery.racks().iter().map(|rack| rack.gas(model).0).sum::<f64>(),
            gas_lfl: self.room.lfl(),
            gas_lfl_measured: self.shown(Sensed::GasLfl, self.gas_lfl()),
            cooling_power: Watts(self.cooling.cooling_w),
            auxiliary_power: Watts(self.auxiliary_w()),
            racks_connected: self.battery.n_closed() as u32,
            totals: self.totals,
            chemical_energy_drawn: self.chemical,
            equivalent_full_cycles: self.charge_moved_c / (2.0 * design.nominal_charge_c()),
            heartbeat: (self.beat(around.tick).0 / TICKS_PER_S) as u32,
            state_since: self.machine.since(),
            is_local: self.is_local(),
            watchdog: self.watchdog.view(around.tick, &self.control.watchdog),
            reversion_remaining_s: self.reversions.remaining_s(around.tick),
            lease_remaining_s: self.lease.remaining_s(around.tick),
            // Who is on the grid has nothing to wait for.
            enter_service_remaining_s: if self.machine.gates() {
                0.0
            } else {
                self.enter_service_remaining_s()
            },
            enter_service_share: self.enter_service_share(around.tick),
            insulation_kohm: self.shown(Sensed::Insulation, self.insulation_kohm()),
            pcs_temperature: Celsius(self.shown(Sensed::PcsTemperature, self.pcs_degc(around))),
            smoke: self.smokes || self.impairments.smoke_detector,
            trips: self.machine.n_trips(),
            resets_refused: self.protection.resets_refused(),
            reset_blocked_by: self.protection.blocked_by(),
            forms_island: self.island.is_some(),
        }
    }

    /// The DC terminals: nothing flows into a converter that stands.
    pub(super) fn dc_view(&self) -> DcView {
        let Some(bus) = self.battery.bus() else {
            let voltage = Volts(self.battery.precharge_v());
            return DcView { voltage, ..if self.gates { self.dc } else { DcView::default() } };
        };
        let voltage = if self.dc.voltage == Volts::ZERO { Volts(bus.a_v) } else { self.dc.voltage };
        if self.gates {
            return DcView { voltage, ..self.dc };
        }
        DcView { voltage, ..DcView::default() }
    }

    /// What a unit in quarantine showed last, stopped.
    fn show_stopped(
        &self,
        kept: Option<(&UnitView, &[RackView])>,
        racks: &mut Vec<RackView>,
    ) -> UnitView {
        let (kept, kept_racks) = kept.map_or_else(
            || (UnitView::default(), vec![RackView::default(); self.design.n_racks]),
            |(view, racks)| (*view, racks.to_vec()),
        );
        racks.extend(kept_racks.into_iter().map(|rack| RackView {
            connected: false,
            contactors: [false; 3],
            current: Amps::ZERO,
            loss: Watts::ZERO,
            ..rack
        }));
        UnitView {
            state: self.state(),
            control: self.control,
            alarms: self.protection.set(),
            ac: AcView {
                voltage: kept.ac.voltage,
                frequency: kept.ac.frequency,
                ..AcView::default()
            },
            dc: DcView::default(),
            available_discharge_power: Watts::ZERO,
            available_charge_power: Watts::ZERO,
            discharge_current_max: Amps::ZERO,
            charge_current_max: Amps::ZERO,
            racks_connected: 0,
            setpoint: Watts::ZERO,
            reactive_setpoint: Vars::ZERO,
            state_since: self.machine.since(),
            reset_blocked_by: self.protection.blocked_by(),
            auxiliary_power: Watts::ZERO,
            cooling_power: Watts::ZERO,
            ..kept
        }
    }

    fn place(&self, rack_idx: usize, at: At) -> CellAddress {
        CellAddress {
            unit_idx: self.id.number() - 1,
            rack_idx: rack_idx as u16,
            cell_idx: at.cell as u16,
        }
    }
    fn extremes(&self, rack_idx: usize, [v_min, v_max, t_min, t_max]: [At; 4]) -> CellExtremes {
        CellExtremes {
            voltage_min: Volts(v_min.value),
            voltage_min_at: self.place(rack_idx, v_min),
            voltage_max: Volts(v_max.value),
            voltage_max_at: self.place(rack_idx, v_max),
            temperature_min: Celsius(t_min.value),
            temperature_min_at: self.place(rack_idx, t_min),
            temperature_max: Celsius(t_max.value),
            temperature_max_at: self.place(rack_idx, t_max),
        }
    }
    fn measured_of(&self, rack_idx: usize, m: &Measured) -> CellExtremes {
        let all = [m.voltage_min, m.voltage_max, m.temperature_min, m.temperature_max];
        self.extremes(rack_idx, all)
    }
    fn true_of(&self, rack_idx: usize, r: &Reading) -> CellExtremes {
        let all = [r.voltage_min, r.voltage_max, r.temperature_min, r.temperature_max];
        self.extremes(rack_idx, all)
    }

    /// Extremes over all cells, as the BMSes measure them.
    pub(super) fn measured_extremes(&self) -> CellExtremes {
        let of_racks = self.battery.measured().enumerate();
        let extremes = of_racks.map(|(rack_idx, measured)| self.measured_of(rack_idx, measured));
        extremes.reduce(|a, b| a.merged(&b)).unwrap_or_default()
    }

    fn rack_view(&self, rack_idx: usize) -> RackView {
        let battery = &self.battery;
        let (bms, rack) = (battery.bms(rack_idx), &battery.racks()[rack_idx]);
        let (measured, reading) = (bms.reading(), rack.reading());
        let connected = battery.is_closed(rack_idx);
        // Commands may have opened the contactors since the last tick.
        let flowing = |current_a: f64| Amps(if connected { current_a } else { 0.0 });
        let (discharge_a, charge_a) = battery.rack_limits(rack_idx);
        let (capacity_lost, resistance_gained) = rack.aged();
        // A value that is missing is none.
        let shown = |quantity, value: f64| {
            if battery.misses(rack_idx, quantity) { f64::NAN } else { value }
        };
        let mut extremes = self.measured_of(rack_idx, measured);
        if battery.misses_any() {
            for (value, quantity) in [
                (&mut extremes.voltage_max.0, Sensed::CellVoltageMax),
                (&mut extremes.voltage_min.0, Sensed::CellVoltageMin),
                (&mut extremes.temperature_max.0, Sensed::TemperatureMax),
                (&mut extremes.temperature_min.0, Sensed::TemperatureMin),
            ] {
                *value = shown(quantity, *value);
            }
        }
        RackView {
            connected,
            enabled: battery.gear(rack_idx).enabled,
            contactors: battery.gear(rack_idx).closed(),
            fuse_whole: battery.gear(rack_idx).fuse_is_whole(),
            alarms: self.protection.rack_set(rack_idx),
            current: flowing(shown(Sensed::Current, measured.current_a)),
            voltage: Volts(shown(Sensed::RackVoltage, measured.voltage_v)),
            soc: shown(Sensed::Soc, measured.soc),
            soh: measured.soh,
            cell_voltage_mean: Volts(measured.voltage_mean_v),
            cell_temperature_mean: Celsius(measured.temperature_mean_degc),
            extremes,
            discharge_current_max: Amps(discharge_a),
            charge_current_max: Amps(charge_a),
            loss: Watts(reading.loss_w),
            soc_sigma: bms.soc_sigma(&battery.model.bms),
            recalibrations: bms.recalibrations(),
            cells_balancing: battery.cells_balancing(rack_idx),
            truth: RackTruth {
                current: flowing(reading.current_a),
                voltage: Volts(reading.voltage_v),
                soc: reading.soc,
                soh: battery.rack_soh(rack_idx),
                cell_voltage_mean: Volts(reading.voltage_v / rack.n_cells() as f64),
                cell_temperature_mean: Celsius(reading.temperature_mean_degc),
                extremes: self.true_of(rack_idx, reading),
                capacity_lost,
                resistance_gained,
                cells_vented: rack.n_vented() as u32,
                cells_burnt: rack.n_burnt() as u32,
            },
        }
    }

    fn measured_battery(&self, racks: &[RackView]) -> BatteryView {
        let mean =
            |of: &dyn Fn(&RackView) -> f64| racks.iter().map(of).sum::<f64>() / racks.len() as f64;
        let charge = self.measured_charge();
        BatteryView {
            soc: charge.soc,
            soh: charge.soh,
            energy: self.share.energy,
            energy_capacity: self.share.energy_capacity,
            cell_voltage_mean: Volts(mean(&|rack| rack.cell_voltage_mean.0)),
            cell_temperature_mean: Celsius(mean(&|rack| rack.cell_temperature_mean.0)),
            extremes: self.share.extremes,
        }
    }

    fn true_battery(&self, racks: &[RackView]) -> BatteryView {
        let mean = |of: &dyn Fn(&RackTruth) -> f64| {
            racks.iter().map(|rack| of(&rack.truth)).sum::<f64>() / racks.len() as f64
        };
        let charge = self.true_charge();
        let extremes = racks.iter().map(|rack| rack.truth.extremes);
        BatteryView {
            soc: charge.soc,
            soh: charge.soh,
            energy: self.share.true_energy,
            energy_capacity: self.share.true_capacity,
            cell_voltage_mean: Volts(mean(&|truth| truth.cell_voltage_mean.0)),
            cell_temperature_mean: Celsius(mean(&|truth| truth.cell_temperature_mean.0)),
            extremes: extremes.reduce(|a, b| a.merged(&b)).unwrap_or_default(),
        }
    }

    /// Every cell as columns; nothing of a unit whose state left the numbers.
    pub(crate) fn cells_view(&self, tick: u64) -> Option<CellsView> {
        if self.is_quarantined() {
            return None;
        }
        let n = self.design.n_cells();
        let kept = self.frozen.as_ref();
        let column = || Vec::with_capacity(n);
        let mut view = CellsView {
            unit_idx: self.id.idx(),
            cells_per_rack: self.design.cells_in_series,
            voltage_v: column(),
            temperature_degc: column(),
            soc: column(),
            true_voltage_v: column(),
            true_temperature_degc: column(),
        };
        let model = &self.battery.model;
        for (rack_idx, rack) in self.battery.racks().iter().enumerate() {
            let bms = self.battery.bms(rack_idx);
            for idx in 0..rack.n_cells() {
                let (soc, voltage_v, degc) = rack.cell(&model.rack, idx);
                let place = view.soc.len();
                let (shown_v, shown_degc) = match kept {
                    Some(kept) => (kept.cell_v[place], kept.cell_degc[place]),
                    None => (
                        bms.cell_voltage_v(&model.bms, idx, voltage_v, tick) as f32,
                        bms.cell_temperature_degc(&model.bms, idx, degc) as f32,
                    ),
                };
                view.voltage_v.push(shown_v);
                view.temperature_degc.push(shown_degc);
                view.soc.push(soc as f32);
                view.true_voltage_v.push(voltage_v as f32);
                view.true_temperature_degc.push(degc as f32);
            }
        }
        Some(view)
    }
}
