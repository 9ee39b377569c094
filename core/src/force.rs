//! Forced points: what a register shows in place of what is so.
//!
//! A test tool for those who check a point list end to end. Forcing changes what clients read over
//! Modbus and nothing else: physics, protection, REST, metrics and what a write to the point does stay
//! as they are. Forced points are part of the farm's state and of the audit; local control and leases do
//! not keep them from being forced.

use crate::command::{Rejection, find_unit};
use crate::id::UnitId;
use crate::spec::FarmSpec;
use std::fmt;
use std::sync::Arc;

/// What a forced point shows.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum ForcedValue {
    /// This engineering value, encoded as the point is; of bits the whole field as a number.
    Number(f64),
    /// These registers, as they are sent; one word of 0 or 1 for a coil or discrete input.
    Words(Vec<u16>),
}

/// A point that is forced.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct ForcedPoint {
    /// The unit; `None` for the plant.
    pub unit: Option<UnitId>,
    /// Canonical name, `map/name`; see [`PointBook::resolve`](crate::point::PointBook::resolve).
    pub point: String,
    /// What it shows.
    pub value: ForcedValue,
}

/// Most points that may be forced at a time [engineering choice].
pub const FORCED_MAX: usize = 10_000;
/// Most words of a point: those of one read (Modbus Application Protocol 1.1b3, 6.3).
const WORDS_MAX: usize = 125;
/// Longest name of a point.
const NAME_MAX: usize = 200;

impl ForcedPoint {
    /// Whether it is possible in this farm, as far as can be told without its maps.
    ///
    /// # Errors
    /// The first thing that is not.
    pub fn check(&self, spec: &FarmSpec) -> Result<(), Rejection> {
        let refuse = |field, reason| Err(Rejection::NotPossible { field, reason });
        if let Some(unit) = self.unit {
            find_unit(spec, unit)?;
        }
        if !(1..=NAME_MAX).contains(&self.point.len()) {
            return refuse("point", format!("its name must have 1 to {NAME_MAX} bytes"));
        }
        match &self.value {
            ForcedValue::Number(value) if !value.is_finite() => {
                refuse("value", format!("it must be a number, got {value}; words may be any"))
            }
            ForcedValue::Words(words) if !(1..=WORDS_MAX).contains(&words.len()) => {
                refuse("words", format!("there must be 1 to {WORDS_MAX}, got {}", words.len()))
            }
            _ => Ok(()),
        }
    }

    /// Those of one unit, or of the plant, out of all.
    pub fn of(forced: &[Self], unit: Option<UnitId>) -> &[Self] {
        let from = forced.partition_point(|point| point.unit < unit);
        let to = forced.partition_point(|point| point.unit <= unit);
        &forced[from..to]
    }

    fn key(&self) -> (Option<UnitId>, &str) {
        (self.unit, &self.point)
    }
}

impl fmt::Display for ForcedValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(value) => write!(f, "{value}"),
            Self::Words(words) => {
                f.write_str("words")?;
                words.iter().try_for_each(|word| write!(f, " {word}"))
            }
        }
    }
}

/// All forced points, by unit (the plant first) and name.
pub type ForcedPoints = Arc<[ForcedPoint]>;

/// The points of `forced` with `point`, in the place of what the same point showed.
///
/// # Errors
/// When there are [`FORCED_MAX`] already.
pub fn with(forced: &[ForcedPoint], point: &ForcedPoint) -> Result<ForcedPoints, Rejection> {
    let mut all = forced.to_vec();
    match all.binary_search_by(|other| other.key().cmp(&point.key())) {
        Ok(place) => all[place] = point.clone(),
        Err(_) if all.len() >= FORCED_MAX => {
            let reason = format!("{FORCED_MAX} points are forced, as many as there may be");
            return Err(Rejection::NotPossible { field: "point", reason });
        }
        Err(place) => all.insert(place, point.clone()),
    }
    Ok(all.into())
}

/// The points of `forced` without one point of a unit or the plant, or without all of them.
///
/// # Errors
/// When the point is not forced.
pub fn without(
    forced: &[ForcedPoint],
    unit: Option<UnitId>,
    point: Option<&str>,
) -> Result<ForcedPoints, Rejection> {
    let released =
        |other: &ForcedPoint| other.unit == unit && point.is_none_or(|point| other.point == point);
    let left: Vec<_> = forced.iter().filter(|other| !released(other)).cloned().collect();
    match point {
        Some(point) if left.len() == forced.len() => {
            let names: Vec<&str> =
                ForcedPoint::of(forced, unit).iter().map(|other| other.point.as_str()).collect();
            let names = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
            let reason = format!("{point:?} is not forced there; forced: {names}");
            Err(Rejection::NotPossible { field: "point", reason })
        }
        _ => Ok(left.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{BUILT_IN_FARM, parse_farm};

    fn point(unit: Option<usize>, name: &str, value: f64) -> ForcedPoint {
        let (unit, point) = (unit.map(UnitId::from_idx), name.to_owned());
        ForcedPoint { unit, point, value: ForcedValue::Number(value) }
    }

    #[test]
    fn points_are_kept_by_unit_and_name_and_forced_anew_in_their_place() {
        let mut forced = ForcedPoints::default();
        for (unit, name) in [(Some(3), "b"), (None, "x"), (Some(0), "c"), (Some(3), "a")] {
            forced = with(&forced, &point(unit, name, 1.0)).unwrap();
        }
        forced = with(&forced, &point(Some(3), "a", 2.0)).unwrap();
        let names = |forced: &[ForcedPoint]| -> String {
            forced.iter().map(|p| format!("{} {};", p.point, p.value)).collect()
        };
        assert_eq!(names(&forced), "x 1;c 1;a 2;b 1;");
        let of = |unit: Option<usize>| names(ForcedPoint::of(&forced, unit.map(UnitId::from_idx)));
        assert_eq!((of(Some(3)), of(None)), ("a 2;b 1;".to_owned(), "x 1;".to_owned()));
        assert_eq!((of(Some(0)), of(Some(1))), ("c 1;".to_owned(), String::new()));
    }

    #[test]
    fn one_point_is_released_or_all_of_its_unit_and_what_is_not_forced_is_refused() {
        let mut forced = ForcedPoints::default();
        for (unit, name) in [(None, "a"), (Some(0), "a"), (Some(0), "b")] {
            forced = with(&forced, &point(unit, name, 1.0)).unwrap();
        }
        let unit = Some(UnitId::from_idx(0));
        assert_eq!(without(&forced, unit, Some("b")).unwrap().len(), 2);
        assert_eq!(without(&forced, unit, None).unwrap()[..], [point(None, "a", 1.0)]);
        assert_eq!(without(&forced, Some(UnitId::from_idx(5)), None).unwrap(), forced);
        let refused = without(&forced, unit, Some("c")).expect_err("not forced").to_string();
        assert_eq!(refused, "point: \"c\" is not forced there; forced: a, b");
        assert!(without(&forced, None, Some("b")).is_err(), "that is another device's");
    }

    #[test]
    fn what_cannot_be_shown_is_refused() {
        let spec = parse_farm("farm", BUILT_IN_FARM, &|_| unreachable!()).expect("built in");
        let check = |unit, name: &str, value| {
            let point = name.to_owned();
            ForcedPoint { unit, point, value }.check(&spec).map_err(|refused| refused.to_string())
        };
        let number = ForcedValue::Number;
        assert_eq!(check(None, "sunspec/701.W", number(1.0)), Ok(()));
        assert_eq!(check(None, "a", ForcedValue::Words(vec![0; 125])), Ok(()));
        let beyond = Some(UnitId::from_idx(10));
        assert!(check(beyond, "a", number(1.0)).unwrap_err().contains("units 1 to 10"));
        assert!(check(None, "", number(1.0)).unwrap_err().contains("1 to 200"));
        assert!(check(None, "a", number(f64::NAN)).unwrap_err().contains("value"));
        assert!(check(None, "a", ForcedValue::Words(vec![])).unwrap_err().contains("1 to 125"));
        assert!(check(None, "a", ForcedValue::Words(vec![0; 126])).is_err());
    }

    #[test]
    fn there_is_a_bound_on_forced_points() {
        let mut all: Vec<_> =
            (0..FORCED_MAX).map(|n| point(None, &format!("{n:06}"), 0.0)).collect();
        assert!(with(&all, &point(None, "one more", 0.0)).is_err());
        assert!(with(&all, &point(None, "000007", 1.0)).is_ok());
        all.pop();
        assert!(with(&all, &point(None, "one more", 0.0)).is_ok());
    }
}
