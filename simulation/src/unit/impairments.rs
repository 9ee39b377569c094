//! What is wrong with a unit beside its racks and its cooling, and the converter's own temperature.

use crate::impaired::BmsImpairments;
use crate::persist::leaf;
use bess_core::spec::PcsThermalSpec;
use bess_core::time::TICK_S;

/// Failed fans make the converter's heat sink rise so many times as much (engineering choice).
const RISE_WITHOUT_FANS: f64 = 4.0;

/// Defects of a unit that are felt by its sensors only.
#[derive(Clone, Copy, Debug, Default, serde::Serialize, serde::Deserialize)]
pub(crate) struct Impairments {
    /// Resistance in kohm that a damaged insulation has beside what it has otherwise.
    pub(crate) insulation_kohm: Option<f64>,
    /// BMS and converter do not hear each other.
    pub(crate) bms_is_silent: bool,
    /// The converter's own fans have failed.
    pub(crate) pcs_fan: bool,
    /// The smoke detector says that there is smoke.
    pub(crate) smoke_detector: bool,
    /// The gas detector does not work.
    pub(crate) gas_detector_off: bool,
    /// Gas in litres per second that cells vent without runaway.
    pub(crate) gas_litres_per_s: f64,
    /// Gas in litres that they have vented so.
    pub(crate) vented_litres: f64,
    /// What is wrong with the BMS.
    pub(crate) bms: BmsImpairments,
}
leaf!(Impairments);

impl Impairments {
    /// Insulation resistance in kohm: that of the design, and the damage in parallel.
    pub(crate) fn insulation_kohm(&self, design_kohm: f64) -> f64 {
        self.insulation_kohm.map_or(design_kohm, |kohm| design_kohm * kohm / (design_kohm + kohm))
    }

    /// Feeds the state to `sink`, for hashing.
    pub(crate) fn hash_into(&self, sink: &mut dyn FnMut(&[u8])) {
        sink(&[self.bms_is_silent.into(), self.pcs_fan.into(), self.smoke_detector.into()]);
        sink(&self.insulation_kohm.unwrap_or(f64::INFINITY).to_le_bytes());
        sink(&[self.gas_detector_off.into()]);
        sink(&self.gas_litres_per_s.to_le_bytes());
        sink(&self.vented_litres.to_le_bytes());
        if self.bms != BmsImpairments::default() {
            // By its text: the numbers in it are exact.
            sink(format!("{:?}", self.bms).as_bytes());
        }
    }
}

/// The converter's heat sink: first order towards a rise over ambient that its loss drives.
#[derive(Clone, Copy, Debug, Default, serde::Serialize, serde::Deserialize)]
pub(crate) struct HeatSink {
    /// Over ambient, in K.
    pub(crate) rise_k: f64,
}
leaf!(HeatSink);

impl HeatSink {
    /// One tick at `loss` (over that at the rated apparent power). The step is explicit: a time constant
    /// is many ticks long.
    pub(crate) fn step(&mut self, spec: &PcsThermalSpec, loss: f64, fans_failed: bool) {
        let factor = if fans_failed { RISE_WITHOUT_FANS } else { 1.0 };
        let towards_k = spec.rise_k * loss * factor;
        self.rise_k += (towards_k - self.rise_k) * (TICK_S / spec.time_constant_s).min(1.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn damage_lies_in_parallel_to_the_insulation() {
        let mut impairments = Impairments::default();
        assert!((impairments.insulation_kohm(1000.0) - 1000.0).abs() < 1e-12);
        impairments.insulation_kohm = Some(1000.0);
        assert!((impairments.insulation_kohm(1000.0) - 500.0).abs() < 1e-12);
    }

    #[test]
    fn a_converter_warms_up_by_its_time_constant_and_four_times_as_much_without_fans() {
        let spec = PcsThermalSpec { rise_k: 40.0, time_constant_s: 600.0 };
        let mut sink = HeatSink::default();
        (0..6_000).for_each(|_| sink.step(&spec, 1.0, false));
        assert!(
            (sink.rise_k - 40.0 * (1.0 - bess_core::math::exp(-1.0))).abs() < 0.01,
            "{}",
            sink.rise_k
        );
        (0..60_000).for_each(|_| sink.step(&spec, 0.5, true));
        assert!((sink.rise_k - 80.0).abs() < 0.01, "{}", sink.rise_k);
    }
}
