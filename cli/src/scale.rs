//! Power and energy for people, in the unit that suits their size.

/// A prefix of a unit: the smallest size that it is used for, which is also its factor.
const PREFIXES: [(f64, &str); 4] = [(1e9, "G"), (1e6, "M"), (1e3, "k"), (1.0, "")];

/// One prefix for several figures, so that they can be compared.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Scale {
    factor: f64,
    prefix: &'static str,
}

impl Scale {
    /// The scale at which the largest of `values` has one to three digits before its point.
    pub(crate) fn of(values: &[f64]) -> Self {
        let largest = values.iter().fold(0.0_f64, |most, value| most.max(value.abs()));
        let fitting = PREFIXES.iter().find(|(factor, _)| largest >= *factor);
        let (factor, prefix) = *fitting.unwrap_or(&(1.0, ""));
        Self { factor, prefix }
    }
    /// `value` as a multiple of this scale.
    pub(crate) fn of_value(self, value: f64) -> f64 {
        value / self.factor
    }
    /// The prefix before a unit's symbol.
    pub(crate) fn prefix(self) -> &'static str {
        self.prefix
    }
}

/// `value` in `unit` with its own prefix and so many `decimals`: 25.0 MW, 50.23 MWh, 480.0 W.
pub(crate) fn scaled(value: f64, unit: &str, decimals: usize) -> String {
    let scale = Scale::of(&[value]);
    format!("{:.decimals$} {}{unit}", scale.of_value(value), scale.prefix)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_figure_stands_in_the_unit_of_its_size() {
        assert_eq!(scaled(25e6, "W", 1), "25.0 MW");
        assert_eq!(scaled(50.2326e6, "Wh", 2), "50.23 MWh");
        assert_eq!(scaled(12.4e9, "W", 1), "12.4 GW");
        assert_eq!(scaled(4_020.0, "Wh", 2), "4.02 kWh");
        assert_eq!(scaled(-480.0, "W", 1), "-480.0 W");
        assert_eq!(scaled(0.0, "Wh", 1), "0.0 Wh");
    }

    #[test]
    fn figures_to_be_compared_share_the_scale_of_the_largest() {
        let scale = Scale::of(&[12.0, -3_400.0, 0.0]);
        assert_eq!((scale.prefix(), scale.of_value(12.0)), ("k", 0.012));
    }
}
