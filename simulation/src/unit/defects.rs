//! What is made defect in a unit, and what its sensors and its BMS show then.

use super::{Surroundings, Unit};
use crate::persist::persist;
use crate::sensor;
use bess_core::defect::{Defect, Reading};
use bess_core::time::{Moment, Tick};

/// What a BMS that hangs goes on telling, beside what its racks do.
#[derive(Clone, Debug, Default)]
pub(super) struct Frozen {
    /// The last tick that it told of.
    since: Tick,
    insulation_kohm: f64,
    /// Measured voltage in V and temperature in degC of every cell.
    pub(super) cell_v: Vec<f32>,
    pub(super) cell_degc: Vec<f32>,
}
persist! {
    new Frozen { since, insulation_kohm, cell_v, cell_degc }
}

impl Unit {
    /// Makes something defect or ends that after the tick `now`; the caller has checked that it exists.
    pub(crate) fn set_defect(&mut self, now: Tick, defect: Defect) {
        let at = Moment::within(now.next(), 0.0);
        let failures = &mut self.cooling.failures;
        let bms_before = self.impairments.bms;
        match defect {
            Defect::Cell { rack_idx, cell_idx, defect } => {
                self.battery.harm(rack_idx, cell_idx, defect);
            }
            Defect::Chiller(failed) => failures.chiller = failed,
            Defect::Pump(failed) => failures.pump = failed,
            Defect::Fan(failed) => failures.fan = failed,
            Defect::Contactor { rack_idx, contactor, fault } => {
                self.battery.set_contactor(rack_idx, contactor, fault, at, &mut self.events);
            }
            Defect::Fuse { rack_idx, blown } => {
                self.battery.set_fuse(rack_idx, blown, at, &mut self.events);
            }
            Defect::Precharge(open) => self.battery.set_precharge_open(open),
            Defect::Reading { rack_idx, reading, value } => {
                self.battery.force_reading(rack_idx, reading, value);
            }
            Defect::Insulation(kohm) => self.impairments.insulation_kohm = kohm,
            Defect::BmsCommunication(silent) => self.impairments.bms_is_silent = silent,
            Defect::PcsFan(failed) => self.impairments.pcs_fan = failed,
            Defect::SmokeDetector(smoke) => self.impairments.smoke_detector = smoke,

            Defect::Gas { litres_per_s } => self.impairments.gas_litres_per_s = litres_per_s,
            Defect::GasDetectorOff(off) => self.impairments.gas_detector_off = off,
            Defect::DcArc { rack_idx, power_w } => self.battery.set_arc(rack_idx, power_w),
            Defect::RackOpen { rack_idx, open } => {
                self.battery.drop_out(rack_idx, open, at, &mut self.events);
            }
            Defect::RackSoc { rack_idx, soc } => self.battery.bring_to(rack_idx, soc),
            Defect::SlowPrecharge(factor) => self.battery.slow_precharge(factor),
            Defect::BmsFrozen(frozen) => self.freeze(frozen, now),
            Defect::BmsLimits { charge, discharge } => {
                self.impairments.bms.limits = (discharge, charge);
            }
            Defect::ProtectionOff(off) => self.impairments.bms.protection_off = off,
            Defect::ThresholdShift { degc, volts } => {
                self.impairments.bms.threshold_shift = (degc, volts);
            }
            Defect::NoLatch(off) => self.impairments.bms.no_latch = off,
            Defect::SocJump { by } => self.battery.jump_soc(by),
            Defect::NuisanceTrip { code } => self.impairments.bms.nuisance = code,
            Defect::SensorsSwapped { quantity, rack_a, rack_b, swapped } => {
                self.battery.swap_sensors(quantity, (rack_a, rack_b), swapped);
            }
            Defect::Sensor { quantity, rack_idx, distortion } if quantity.is_of_rack() => {
                self.battery.distort(quantity, rack_idx, distortion);
            }
            Defect::Sensor { quantity, distortion, .. } => {
                let key = sensor::key(self.streams, self.id.idx(), None, quantity);
                self.sensor_faults.set(quantity, distortion, key);
            }
            Defect::CoolantLeak(lost) => failures.flow_lost = lost,
            Defect::RelayShift { voltage_pu, time_factor } => {
                let wrong = (voltage_pu, time_factor);
                for code in self.relays.set_wrong(&self.functions.trips, wrong) {
                    self.protection.grid_clear(code, at, &mut self.events);
                }
                self.faults.note(defect);
            }
            Defect::PcsTrip { .. }
            | Defect::PcsDerate(_)
            | Defect::SetpointIgnored(_)
            | Defect::PcsInverted(_)
            | Defect::PcsRamp(_)
            | Defect::PcsLoss(_)
            | Defect::PllOffset(_)
            | Defect::MomentaryCessation { .. }
            | Defect::StartStuck(_)
            | Defect::RecoveryTrip(_)
            | Defect::VentilationOff(_)
            | Defect::DoorOpen(_)
            | Defect::Suppression(_)
            | Defect::AuxSupplyOff(_)
            | Defect::DroopOverride(_) => self.faults.note(defect),
        }
        if self.impairments.bms != bms_before {
            self.battery.impair(self.impairments.bms);
            let bms = self.impairments.bms;
            self.protection.impair(&self.design.protection, &bms, at, &mut self.events);
        }
    }

    /// Lets the BMS hang, or go on.
    fn freeze(&mut self, frozen: bool, now: Tick) {
        self.impairments.bms.frozen = frozen;
        if !frozen {
            self.frozen = None;
        } else if self.frozen.is_none() {
            let cells = self.cells_view(now.0);
            let (cell_v, cell_degc) = cells.map_or_else(
                || (Vec::new(), Vec::new()),
                |cells| (cells.voltage_v, cells.temperature_degc),
            );
            let insulation_kohm = self.insulation_kohm();
            self.frozen = Some(Box::new(Frozen { since: now, insulation_kohm, cell_v, cell_degc }));
        }
    }

    /// The tick that its heartbeat tells of.
    pub(super) fn beat(&self, now: Tick) -> Tick {
        self.frozen.as_ref().map_or(now, |frozen| frozen.since)
    }

    /// What broken sensors of the unit make of this tick.
    pub(super) fn show_faults(&mut self, around: &Surroundings) {
        if self.sensor_faults.is_none() {
            return;
        }
        for (quantity, value) in [
            (Reading::ActivePower, self.pcs.output().p_w),
            (Reading::Insulation, self.true_insulation_kohm()),
            (Reading::PcsTemperature, self.true_pcs_degc(around)),
            (Reading::DcVoltage, self.dc_view().voltage.0),
            (Reading::GasLfl, self.room.lfl()),
        ] {
            self.sensor_faults.show(quantity, value, around.tick.0);
        }
    }

    /// Active power at its terminals in W as its meter measures it.
    pub(super) fn active_w(&self) -> f64 {
        self.sensor_faults.last(Reading::ActivePower).unwrap_or(self.pcs.output().p_w)
    }
    /// Insulation in kohm as it is measured.
    pub(super) fn insulation_kohm(&self) -> f64 {
        let frozen = self.frozen.as_ref().map(|frozen| frozen.insulation_kohm);
        let shown = frozen.or_else(|| self.sensor_faults.last(Reading::Insulation));
        shown.unwrap_or_else(|| self.true_insulation_kohm())
    }
    /// Temperature of the converter in degC as it is measured.
    pub(super) fn pcs_degc(&self, around: &Surroundings) -> f64 {
        let shown = self.sensor_faults.last(Reading::PcsTemperature);
        shown.unwrap_or_else(|| self.true_pcs_degc(around))
    }
    /// Voltage of the DC bus in V as it is measured, where it is truly `volts`.
    pub(super) fn dc_v(&self, volts: f64) -> f64 {
        self.sensor_faults.last(Reading::DcVoltage).unwrap_or(volts)
    }
    /// Gas over its lower flammable limit as the detector shows it: nothing, where it does not work.
    pub(super) fn gas_lfl(&self) -> f64 {
        if self.impairments.gas_detector_off {
            return 0.0;
        }
        self.sensor_faults.last(Reading::GasLfl).unwrap_or_else(|| self.room.lfl())
    }
    /// Whether the gas detector says that there is gas.
    pub(super) fn finds_gas(&self) -> bool {
        let shown = self.sensor_faults.last(Reading::GasLfl);
        !self.impairments.gas_detector_off && shown.map_or(self.gas, |lfl| lfl > 0.0)
    }
    fn true_insulation_kohm(&self) -> f64 {
        self.impairments.insulation_kohm(self.design.sequence.insulation_kohm)
    }
    fn true_pcs_degc(&self, around: &Surroundings) -> f64 {
        around.ambient.0 + self.heat_sink.rise_k
    }
    /// `value`, or a NaN where that of `quantity` is missing.
    pub(super) fn shown(&self, quantity: Reading, value: f64) -> f64 {
        if self.sensor_faults.misses(quantity) { f64::NAN } else { value }
    }

    /// Feeds the state to `sink`, for hashing.
    pub(super) fn hash_faults_into(&self, sink: &mut dyn FnMut(&[u8])) {
        self.sensor_faults.hash_into(sink);
        // What it tells follows from when it began to hang.
        if let Some(frozen) = &self.frozen {
            sink(&frozen.since.0.to_le_bytes());
        }
    }
}
