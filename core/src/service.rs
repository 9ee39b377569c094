//! Named presets of grid services: curves and times that units and the plant can take over by name.
//!
//! Only what was read in a primary or a named secondary source has a name here. What a source could not
//! be found for is written with own figures in a farm file; `docs/grid-services.md` says which.

use crate::control::{CurveFunction, FrequencyDroop, FrequencyResponse, Sustain};

/// How well a figure is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// Read in the rule itself, its operator's page or code that implements it.
    Read,
    /// Read in somebody else's account of it.
    Secondary,
}

/// A point in time by which a share of what the curve asks for must be there.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Mark {
    /// Share of what is asked, 0 to 1.
    pub share: f64,
    /// Time in s after a step of the frequency.
    pub by_s: f64,
}

/// A frequency response service.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Preset {
    /// Name in files and REST.
    pub name: &'static str,
    /// What it is.
    pub text: &'static str,
    /// Where its figures come from.
    pub source: &'static str,
    /// How well they are known.
    pub status: Status,
    /// Nominal frequency in Hz of the grid that it belongs to; `None` for any.
    pub nominal_hz: Option<f64>,
    /// Share of the contract over the deviation in Hz, positive is discharge.
    pub points: &'static [(f64, f64)],
    /// What the service asks for in time.
    pub marks: &'static [Mark],
    /// Time in s before a unit reacts.
    pub dead_time_s: f64,
    /// Time in s in which a unit gives all that is asked: no later than the marks.
    pub full_s: f64,
    /// For triggered services.
    pub sustain: Option<Sustain>,
}

const SO_GL: &str = "Regulation (EU) 2017/1485 (SO GL), Annex V";
const FINGRID: &str = "Fingrid, market rules of reserves";

/// Triggered services aim this far ahead of their mark in s: the frequency may cross the trigger within
/// a tick, and the converter follows with a delay of its own [engineering choice].
const AHEAD_S: f64 = 0.3;

const fn mark(share: f64, by_s: f64) -> Mark {
    Mark { share, by_s }
}
const fn ffr(
    name: &'static str,
    points: &'static [(f64, f64)],
    marks: &'static [Mark],
    long: bool,
) -> Preset {
    // Long support may stop at once; the slope of 100 %/s is an engineering choice.
    let (duration_s, deactivation_per_s) = if long { (30.0, 1.0) } else { (5.0, 0.2) };
    Preset {
        name,
        text: if long {
            "Nordic fast frequency reserve, long support (30 s)"
        } else {
            "Nordic fast frequency reserve, short support (5 s, then at most 20 %/s back)"
        },
        source: FINGRID,
        status: Status::Read,
        nominal_hz: Some(50.0),
        points,
        marks,
        dead_time_s: 0.0,
        full_s: marks[0].by_s - AHEAD_S,
        sustain: Some(Sustain { duration_s, deactivation_per_s, recovery_s: 900.0 }),
    }
}
const fn follower(
    name: &'static str,
    text: &'static str,
    source: &'static str,
    points: &'static [(f64, f64)],
    marks: &'static [Mark],
    full_s: f64,
) -> Preset {
    Preset {
        name,
        text,
        source,
        status: Status::Read,
        nominal_hz: Some(50.0),
        points,
        marks,
        dead_time_s: 0.0,
        full_s,
        sustain: None,
    }
}

/// Every named frequency response.
pub const PRESETS: &[Preset] = &[
    follower(
        "fcr",
        "Frequency containment reserve, Continental Europe",
        SO_GL,
        &[(-0.2, 1.0), (-0.01, 0.0), (0.01, 0.0), (0.2, -1.0)],
        &[mark(1.0, 30.0)],
        30.0,
    ),
    follower(
        "fcr-gb",
        "Frequency containment reserve, Great Britain",
        SO_GL,
        &[(-0.5, 1.0), (-0.015, 0.0), (0.015, 0.0), (0.5, -1.0)],
        &[mark(1.0, 10.0)],
        10.0,
    ),
    follower(
        "fcr-ie",
        "Frequency containment reserve, Ireland and Northern Ireland",
        SO_GL,
        &[(-0.5, 1.0), (-0.015, 0.0), (0.015, 0.0), (0.5, -1.0)],
        &[mark(1.0, 15.0)],
        15.0,
    ),
    follower(
        "fcr-n",
        "Nordic frequency containment reserve for normal operation",
        FINGRID,
        &[(-0.1, 1.0), (-0.01, 0.0), (0.01, 0.0), (0.1, -1.0)],
        &[mark(1.0, 180.0)],
        180.0,
    ),
    // A straight ramp of 10 s has half of it after 5 s; a second less leaves room for the converter.
    follower(
        "fcr-d",
        "Nordic frequency containment reserve for disturbances, up-regulation",
        FINGRID,
        &[(-0.5, 1.0), (-0.1, 0.0)],
        &[mark(0.5, 5.0), mark(1.0, 30.0)],
        9.0,
    ),
    ffr("ffr-nordic-1.3", &[(-0.3, 1.0), (0.0, 0.0)], &[mark(1.0, 1.3)], false),
    ffr("ffr-nordic-1.0", &[(-0.4, 1.0), (0.0, 0.0)], &[mark(1.0, 1.0)], false),
    ffr("ffr-nordic-0.7", &[(-0.5, 1.0), (0.0, 0.0)], &[mark(1.0, 0.7)], false),
    ffr("ffr-nordic-1.3-long", &[(-0.3, 1.0), (0.0, 0.0)], &[mark(1.0, 1.3)], true),
    ffr("ffr-nordic-1.0-long", &[(-0.4, 1.0), (0.0, 0.0)], &[mark(1.0, 1.0)], true),
    ffr("ffr-nordic-0.7-long", &[(-0.5, 1.0), (0.0, 0.0)], &[mark(1.0, 0.7)], true),
    Preset {
        name: "dynamic-containment",
        text: "Dynamic Containment, Great Britain, both directions",
        source: "accounts of the service and a controller that implements it (delay 250 to 500 ms)",
        status: Status::Secondary,
        nominal_hz: Some(50.0),
        points: &[
            (-0.5, 1.0),
            (-0.2, 0.05),
            (-0.015, 0.0),
            (0.015, 0.0),
            (0.2, -0.05),
            (0.5, -1.0),
        ],
        marks: &[mark(1.0, 1.0)],
        // It must have begun after 0.5 s and be there in full after 1 s, the converter's delay included.
        dead_time_s: 0.3,
        full_s: 0.8,
        sustain: None,
    },
    follower(
        "hvdc",
        "Frequency response of an HVDC system: 30 mHz of insensitivity, all of it at 500 mHz",
        "Regulation (EU) 2016/1447 (HVDC), Annex II; the straight curve is an engineering choice",
        &[(-0.5, 1.0), (-0.03, 0.0), (0.03, 0.0), (0.5, -1.0)],
        &[mark(1.0, 30.0)],
        30.0,
    ),
];

/// The named preset.
pub fn preset(name: &str) -> Option<&'static Preset> {
    PRESETS.iter().find(|preset| preset.name == name)
}

/// The frequency response of the preset called `name`, with the rating as its contract.
pub fn frequency_response(name: &str) -> Option<FrequencyResponse> {
    preset(name).map(|preset| FrequencyResponse {
        name: preset.name.to_owned(),
        points: preset.points.to_vec(),
        contract_w: None,
        dead_time_s: preset.dead_time_s,
        full_s: preset.full_s,
        sustain: preset.sustain,
    })
}

/// Names of the presets of frequency droop.
pub const DROOPS: &[&str] = &["ieee-1547-2018"];

/// The frequency droop called `name`: IEEE 1547-2018's defaults, as read in `OpenDER`.
pub fn frequency_droop(name: &str) -> Option<FrequencyDroop> {
    (name == DROOPS[0]).then(FrequencyDroop::default)
}

/// A curve of voltage or power with its name.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CurvePreset {
    /// Name in files and REST.
    pub name: &'static str,
    /// Points; reactive power as a fraction of the rated reactive power, which the standard asks to be
    /// 44 % (category B) or 25 % (category A, absorbing) of the rated apparent power.
    pub points: &'static [(f64, f64)],
    /// Open-loop response time in s.
    pub response_s: f64,
}

impl CurvePreset {
    /// As the setting of a function.
    pub fn curve(&self) -> CurveFunction {
        CurveFunction { points: self.points.to_vec(), response_s: self.response_s }
    }
}

/// Volt-var: IEEE 1547-2018, as read in `OpenDER`.
pub const VOLT_VAR: &[CurvePreset] = &[
    CurvePreset {
        name: "ieee-1547-2018-category-a",
        points: &[(0.9, 1.0), (1.0, 0.0), (1.1, -1.0)],
        response_s: 10.0,
    },
    CurvePreset {
        name: "ieee-1547-2018-category-b",
        points: &[(0.92, 1.0), (0.98, 0.0), (1.02, 0.0), (1.08, -1.0)],
        response_s: 5.0,
    },
];

/// Volt-watt: IEEE 1547-2018, as read in `OpenDER`.
pub const VOLT_WATT: &[CurvePreset] =
    &[CurvePreset { name: "ieee-1547-2018", points: &[(1.06, 1.0), (1.1, 0.0)], response_s: 10.0 }];

/// Watt-var: IEEE 1547-2018 with its nodes at 20, 50 and 100 % of the rated power, as read in `OpenDER`;
/// both categories reach the reactive power that they ask for, 44 % (B) or 25 % (A).
pub const WATT_VAR: &[CurvePreset] = &[CurvePreset {
    name: "ieee-1547-2018",
    points: &[(-1.0, 1.0), (-0.5, 0.0), (0.5, 0.0), (1.0, -1.0)],
    response_s: 10.0,
}];

/// How a plant follows the setpoint of a secondary reserve.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Following {
    /// Name in files and REST.
    pub name: &'static str,
    /// Time in s between setpoints of the operator.
    pub cycle_s: f64,
    /// Time in s in which all that was asked must be there.
    pub full_s: f64,
    /// Where its figures come from.
    pub source: &'static str,
}

impl Following {
    /// The slowest ramp that is in time for a step of the whole rating, in fractions of it per second.
    pub fn ramp_per_s(&self) -> f64 {
        1.0 / self.full_s
    }
}

/// Every named follower of setpoints.
pub const FOLLOWING: &[Following] = &[
    Following {
        name: "afrr",
        cycle_s: 4.0,
        full_s: 300.0,
        source: "rules of regelleistung.net, Elia and the Nordic operators",
    },
    Following {
        name: "mfrr",
        cycle_s: 4.0,
        full_s: 750.0,
        source: "full activation time 12.5 min of European mFRR; the cycle is an engineering choice",
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_preset_is_possible_and_in_time_for_its_marks() {
        for preset in PRESETS {
            let service = frequency_response(preset.name).expect("it has a name");
            assert_eq!(service.check(), Ok(()), "{}", preset.name);
            let slope = 1.0 / (preset.full_s - preset.dead_time_s);
            for mark in preset.marks {
                let there = (mark.by_s - preset.dead_time_s) * slope;
                assert!(there >= mark.share - 1e-12, "{} {there}", preset.name);
            }
        }
    }

    #[test]
    fn names_are_told_apart_and_unknown_ones_are_none() {
        let mut names: Vec<&str> = PRESETS.iter().map(|preset| preset.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), PRESETS.len());
        assert!(frequency_response("dynamic-moderation").is_none());
        assert!(frequency_droop("ferc-842").is_none());
    }

    #[test]
    fn a_follower_of_afrr_goes_all_the_way_in_five_minutes() {
        assert!((FOLLOWING[0].ramp_per_s() * 300.0 - 1.0).abs() < 1e-12);
    }
}
