//! Grid codes by name: trip tables as data.
//!
//! The tables of IEEE 1547-2018 are its default settings, as read in `OpenDER`, and hold at 60 Hz only.
//! At 50 Hz no named standard is offered: what stands there is a choice of ours, and says so.

use crate::spec::{EnterService, GridCode, GridQuantity, GridTrip};

/// A grid code that has a name.
#[derive(Clone, Copy, Debug)]
pub struct GridCodePreset {
    /// Name in farm files and REST.
    pub name: &'static str,
    /// Nominal frequency for which it is, in Hz; `None` for any.
    pub nominal_hz: Option<f64>,
    /// Over voltage: threshold in pu and clearing time in s.
    pub over_voltage: &'static [(f64, f64)],
    /// Under voltage: threshold in pu and clearing time in s.
    pub under_voltage: &'static [(f64, f64)],
    /// Over frequency: Hz above nominal and clearing time in s.
    pub over_frequency: &'static [(f64, f64)],
    /// Under frequency: Hz below nominal and clearing time in s.
    pub under_frequency: &'static [(f64, f64)],
    /// Voltage in pu below which the converter ceases to give power; 0 for never.
    pub cessation_below_pu: f64,
    /// Phase jump in degrees beyond which the converter trips.
    pub phase_jump_max_deg: f64,
}

/// OF2 62 Hz and OF1 61.2 Hz as distances from 60 Hz (IEEE 1547-2018 defaults, as read in `OpenDER`).
const OVER_FREQUENCY: &[(f64, f64)] = &[(2.0, 0.16), (1.2, 300.0)];
/// UF1 58.5 Hz and UF2 56.5 Hz (the same).
const UNDER_FREQUENCY: &[(f64, f64)] = &[(1.5, 300.0), (3.5, 0.16)];
/// Phase jump that a converter's synchronisation bears: engineering choice.
const PHASE_JUMP_DEG: f64 = 60.0;

const CATEGORY_1: GridCodePreset = GridCodePreset {
    name: "ieee-1547-2018-category-1",
    nominal_hz: Some(60.0),
    over_voltage: &[(1.2, 0.16), (1.1, 2.0)],
    under_voltage: &[(0.7, 2.0), (0.45, 0.16)],
    over_frequency: OVER_FREQUENCY,
    under_frequency: UNDER_FREQUENCY,
    cessation_below_pu: 0.0,
    phase_jump_max_deg: PHASE_JUMP_DEG,
};
const CATEGORY_2: GridCodePreset = GridCodePreset {
    name: "ieee-1547-2018-category-2",
    under_voltage: &[(0.7, 10.0), (0.45, 0.16)],
    ..CATEGORY_1
};
const CATEGORY_3: GridCodePreset = GridCodePreset {
    name: "ieee-1547-2018-category-3",
    over_voltage: &[(1.2, 0.16), (1.1, 13.0)],
    under_voltage: &[(0.88, 21.0), (0.5, 2.0)],
    // Momentary cessation at and below 0.5 pu in its ride-through table (the same source).
    cessation_below_pu: 0.5,
    ..CATEGORY_1
};

/// All of them.
///
/// `generic-50-hz` is an engineering choice: the voltage trips of IEEE 1547-2018 category III, and its
/// frequency trips at the same distances from nominal as at 60 Hz. It is no national code.
pub const PRESETS: &[GridCodePreset] = &[
    CATEGORY_1,
    CATEGORY_2,
    CATEGORY_3,
    GridCodePreset { name: "generic-50-hz", nominal_hz: Some(50.0), ..CATEGORY_3 },
    GridCodePreset {
        name: "none",
        nominal_hz: None,
        over_voltage: &[],
        under_voltage: &[],
        over_frequency: &[],
        under_frequency: &[],
        cessation_below_pu: 0.0,
        phase_jump_max_deg: 180.0,
    },
];

impl GridCodePreset {
    /// The preset of this name.
    pub fn find(name: &str) -> Option<&'static Self> {
        PRESETS.iter().find(|preset| preset.name == name)
    }
    /// The preset of a unit whose farm file names none: category III at 60 Hz, which is meant for
    /// inverters on a grid with many of them, and `generic-50-hz` otherwise.
    pub fn default_at(nominal_hz: f64) -> &'static Self {
        let name = if nominal_hz == 60.0 { CATEGORY_3.name } else { "generic-50-hz" };
        Self::find(name).expect("the default is one of the presets")
    }
    /// Whether it is meant for this nominal frequency.
    pub fn fits(&self, nominal_hz: f64) -> bool {
        self.nominal_hz.is_none_or(|hz| hz == nominal_hz)
    }
    /// The code at a nominal frequency.
    pub fn code(&self, nominal_hz: f64) -> GridCode {
        use GridQuantity::{Frequency, Voltage};
        let tables = [
            (Voltage, true, self.over_voltage, 0.0, 1.0),
            (Voltage, false, self.under_voltage, 0.0, 1.0),
            (Frequency, true, self.over_frequency, nominal_hz, 1.0),
            (Frequency, false, self.under_frequency, nominal_hz, -1.0),
        ];
        let trips = tables.into_iter().flat_map(|(quantity, above, rows, origin, sign)| {
            rows.iter().map(move |&(value, clearing_s)| GridTrip {
                quantity,
                above,
                threshold: origin + sign * value,
                clearing_s,
            })
        });
        GridCode {
            name: self.name.to_owned(),
            trips: trips.collect(),
            cessation_below_pu: self.cessation_below_pu,
            phase_jump_max_deg: self.phase_jump_max_deg,
            enter_service: EnterService::ieee_1547(nominal_hz),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(name: &str, nominal_hz: f64) -> Vec<(bool, f64, f64)> {
        let code = GridCodePreset::find(name).expect("a preset").code(nominal_hz);
        let round = |x: f64| (x * 1e6).round() / 1e6;
        code.trips.iter().map(|t| (t.above, round(t.threshold), t.clearing_s)).collect()
    }

    #[test]
    fn the_categories_have_the_default_trips_of_ieee_1547_2018() {
        let frequency =
            [(true, 62.0, 0.16), (true, 61.2, 300.0), (false, 58.5, 300.0), (false, 56.5, 0.16)];
        let voltage = [
            [(true, 1.2, 0.16), (true, 1.1, 2.0), (false, 0.7, 2.0), (false, 0.45, 0.16)],
            [(true, 1.2, 0.16), (true, 1.1, 2.0), (false, 0.7, 10.0), (false, 0.45, 0.16)],
            [(true, 1.2, 0.16), (true, 1.1, 13.0), (false, 0.88, 21.0), (false, 0.5, 2.0)],
        ];
        for (category, voltage) in (1..).zip(voltage) {
            let expected: Vec<_> = voltage.into_iter().chain(frequency).collect();
            assert_eq!(rows(&format!("ieee-1547-2018-category-{category}"), 60.0), expected);
        }
    }

    #[test]
    fn at_50_hz_the_default_keeps_the_distances_from_nominal() {
        let frequency =
            [(true, 52.0, 0.16), (true, 51.2, 300.0), (false, 48.5, 300.0), (false, 46.5, 0.16)];
        assert_eq!(rows(GridCodePreset::default_at(50.0).name, 50.0)[4..], frequency);
        assert_eq!(GridCodePreset::default_at(60.0).name, "ieee-1547-2018-category-3");
    }

    #[test]
    fn no_named_standard_of_60_hz_is_offered_at_50_hz() {
        let at = |hz: f64| PRESETS.iter().filter(move |p| p.fits(hz)).map(|p| p.name);
        assert_eq!(at(50.0).collect::<Vec<_>>(), ["generic-50-hz", "none"]);
        assert_eq!(at(60.0).count(), 4);
    }
}
