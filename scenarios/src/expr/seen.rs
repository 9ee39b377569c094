//! What the sides of an expression's comparisons are worth, for people: why a check did not hold.

use super::compile::Vocabulary;
use super::eval::{Eval, Place};
use super::node::{Domain, Num, Selection};
use super::unit::{Dim, UNITS};
use crate::sight::{Level, Sight};
use std::fmt::Write;

/// Elements of a vector that are told one by one.
const FEW: usize = 3;

/// One side of a comparison that is not written out.
#[derive(Clone, Debug)]
pub(super) struct Side {
    pub(super) text: String,
    pub(super) node: Num,
    pub(super) domain: Domain,
    pub(super) dim: Option<Dim>,
    pub(super) words: Option<Vocabulary>,
}

impl Side {
    fn show(&self, value: f64) -> String {
        match &self.words {
            _ if value.is_nan() => "absent".to_owned(),
            Some(words) => {
                let names = words.names();
                names.get(value as usize).map_or_else(String::new, |name| (*name).to_owned())
            }
            None => quantity(value, self.dim.unwrap_or_default()),
        }
    }
    /// `name = value`, or the range of a vector, or its words.
    pub(super) fn tell(&self, sight: &Sight<'_>, selections: &[Selection]) -> String {
        let eval = Eval { sight, selections };
        if self.domain.level == Level::One {
            let value = eval.num(&self.node, Place::default());
            return format!("{} = {}", self.text, self.show(value));
        }
        let mut all: Vec<(f64, Place)> = Vec::new();
        eval.each(self.domain, &mut |at| all.push((eval.num(&self.node, at), at)));
        all.sort_by(|a, b| a.0.total_cmp(&b.0));
        let mut text = self.text.clone();
        match all.as_slice() {
            [] => text.push_str(" has no element"),
            [(low, low_at), .., (high, high_at)] if all.len() > FEW => {
                let (low, high) = (self.show(*low), self.show(*high));
                let (low_at, high_at) = (place(*low_at, sight), place(*high_at, sight));
                let _ = write!(text, " from {low} ({low_at}) to {high} ({high_at})");
            }
            few => {
                for (index, (value, at)) in few.iter().enumerate() {
                    let sign = if index == 0 { " =" } else { "," };
                    let place = place(*at, sight);
                    let _ = write!(text, "{sign} {} ({place})", self.show(*value));
                }
            }
        }
        text
    }
}

/// A unit by its name, a rack and a cell in it by their numbers.
fn place(at: Place, sight: &Sight<'_>) -> String {
    let Some(unit) = sight.snapshot.spec.units.get(at.unit as usize) else { return String::new() };
    let mut text = unit.name.clone();
    if at.rack != u32::MAX {
        let _ = write!(text, " rack {}", (at.rack as usize).saturating_sub(unit.racks.start) + 1);
    }
    if at.cell != u16::MAX {
        let _ = write!(text, " cell {}", usize::from(at.cell) + 1);
    }
    text
}

/// A quantity in a unit that keeps it short.
fn quantity(value: f64, dim: Dim) -> String {
    let is_named = |name: &str| {
        matches!(
            name,
            "kW" | "MW" | "kvar" | "Mvar" | "kVA" | "MVA" | "Wh" | "kWh" | "MWh" | "kohm"
        )
    };
    let fits = UNITS.iter().filter(|u| u.dim == dim && is_named(u.name) && u.factor <= value.abs());
    let unit = fits.max_by(|a, b| a.factor.total_cmp(&b.factor));
    let (number, name) = match unit {
        Some(unit) => (value / unit.factor, unit.name.to_owned()),
        None if dim == Dim::NONE => (value, String::new()),
        None if dim == Dim::TEMPERATURE => (value, "degC".to_owned()),
        None => (value, dim.name()),
    };
    let rounded = (number * 1e4).round() / 1e4;
    format!("{rounded} {name}").trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities_are_short() {
        assert_eq!(quantity(3.9e6, Dim::POWER), "3.9 MW");
        assert_eq!(quantity(-20e3, Dim::REACTIVE), "-20 kvar");
        assert_eq!(quantity(0.61, Dim::NONE), "0.61");
        assert_eq!(quantity(7.2e6, Dim::ENERGY), "2 kWh");
        assert_eq!(quantity(49.95, Dim::FREQUENCY), "49.95 Hz");
    }
}
