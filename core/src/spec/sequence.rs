//! How a unit comes up and goes down: times of its sequence, contactors, fuses, insulation.

/// Times and parts of the start and stop of a unit.
///
/// Times are those proposed from Battery-Emulator (negative 0.5 s, positive 1 s, precharge time-out
/// 15 s); the rest are engineering choices.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SequenceSpec {
    /// Duration of the self test in s, >= 0.
    pub self_test_s: f64,
    /// From the negative contactor to the precharge contactor in s, >= 0.
    pub negative_s: f64,
    /// Time constant of the precharge (resistor times the converter's capacitors) in s, > 0.
    pub precharge_s: f64,
    /// Share of the rack voltage at which the bus counts as charged, > 0 to < 1.
    pub precharge_done: f64,
    /// Longest precharge in s, > 0.
    pub precharge_timeout_s: f64,
    /// From the positive contactor to the end of the precharge in s, >= 0.
    pub positive_s: f64,
    /// Duration of the synchronisation in s, >= 0.
    pub synchronise_s: f64,
    /// Longest synchronisation in s before it counts as failed, > 0.
    pub synchronise_timeout_s: f64,
    /// Longest ramp down of a stop in s; then the contactors open anyway.
    pub stop_timeout_s: f64,
    /// Largest difference in V between a rack and the bus at which its contactors close, > 0.
    pub rack_match_v: f64,
    /// Rating of a rack's fuse in A; infinite for none.
    pub fuse_a: f64,
    /// I2t in A2s beyond the rating at which it blows, > 0.
    pub fuse_i2t: f64,
    /// Insulation resistance against earth in kohm, > 0.
    pub insulation_kohm: f64,
}

impl Default for SequenceSpec {
    fn default() -> Self {
        Self {
            self_test_s: 3.0,
            negative_s: 0.5,
            precharge_s: 0.6,
            precharge_done: 0.95,
            precharge_timeout_s: 15.0,
            positive_s: 1.0,
            synchronise_s: 2.0,
            synchronise_timeout_s: 30.0,
            stop_timeout_s: 10.0,
            rack_match_v: 20.0,
            fuse_a: f64::INFINITY,
            fuse_i2t: 1e6,
            insulation_kohm: 1000.0,
        }
    }
}

/// The converter's own temperature.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PcsThermalSpec {
    /// Rise of its heat sink over ambient at the loss of the rated apparent power in K, > 0.
    pub rise_k: f64,
    /// Time constant in s, > 0.
    pub time_constant_s: f64,
}

impl Default for PcsThermalSpec {
    /// Engineering choices: 40 K at full load, ten minutes.
    fn default() -> Self {
        Self { rise_k: 40.0, time_constant_s: 600.0 }
    }
}
