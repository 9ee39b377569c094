//! `@target` and `{label="…"}`: which units, racks and cells are meant. Labels are looked up in the farm
//! when the expression is compiled.

use super::ast::{MatchOp, Matcher};
use super::error::ExprError;
use super::names::Names;
use super::node::Selection;
use crate::sight::TargetKind;
use bess_core::spec::UnitSpec;
use regex_lite::Regex;
use std::ops::Range;

/// Labels of units and racks.
pub(crate) const LABELS: [(&str, &str); 5] = [
    ("unit", "name or number of the unit, or a target"),
    ("chemistry", "name of its chemistry"),
    ("design", "model of the unit, as its device reports it"),
    ("manufacturer", "its manufacturer, as its device reports it"),
    ("rack", "number of the rack in its unit, from 1"),
];

/// The target called `name`: its place and kind.
pub(super) fn target(
    name: &str,
    span: &Range<usize>,
    names: &Names<'_>,
) -> Result<(usize, TargetKind), ExprError> {
    let Some((place, kind)) = names.target(name) else {
        let known: Vec<&str> = names.target_names().collect();
        let message = format!("there is no target `{name}`");
        return Err(ExprError::new(span.clone(), message).among(name, &known));
    };
    if kind.has_units() {
        return Ok((place, kind));
    }
    let message = format!("`{name}` is a {}: it has no units", kind.name());
    Err(ExprError::new(span.clone(), message))
}

/// Narrows `selection` by a matcher.
pub(super) fn narrow(
    selection: &mut Selection,
    matcher: &Matcher,
    names: &Names<'_>,
) -> Result<(), ExprError> {
    let Matcher { label, label_span, op, value, is_text, value_span } = matcher;
    let wanted = matches!(op, MatchOp::Is | MatchOp::Matches);
    let is_pattern = matches!(op, MatchOp::Matches | MatchOp::MatchesNot);
    if !LABELS.iter().any(|(known, _)| known == label) {
        let known = LABELS.map(|(known, _)| known);
        let message = format!("there is no label `{label}`");
        return Err(ExprError::new(label_span.clone(), message).among(label, &known));
    }
    if !is_text && label == "unit" && !is_pattern && names.spec().find_unit(value).is_none() {
        let (place, _) = target(value, value_span, names)?;
        selection.targets.push((place, wanted));
        return Ok(());
    }
    let pattern = if is_pattern {
        // The whole label must fit, as in the query languages that people know this from.
        let regex = Regex::new(&format!("^(?:{value})$"))
            .map_err(|error| ExprError::new(value_span.clone(), format!("no pattern: {error}")))?;
        Some(regex)
    } else {
        None
    };
    let fits = |actual: &str| pattern.as_ref().map_or(actual == value, |p| p.is_match(actual));
    let spec = names.spec();
    let (mut hits, mut units) = (0, Vec::new());
    let mut racks = vec![true; spec.n_racks()];
    for unit in &spec.units {
        let is_meant = match label.as_str() {
            "unit" => fits(&unit.name) || fits(&unit.id.number().to_string()),
            "chemistry" => fits(&unit.design.chemistry.name),
            "design" => fits(&unit.design.model),
            "manufacturer" => fits(&unit.design.manufacturer),
            _ => {
                for rack in unit.racks.clone() {
                    racks[rack] = fits(&(rack - unit.racks.start + 1).to_string());
                    hits += usize::from(racks[rack]);
                    racks[rack] = racks[rack] == wanted;
                }
                true
            }
        };
        if label != "rack" {
            hits += usize::from(is_meant);
            units.push(is_meant == wanted);
        }
    }
    if hits == 0 {
        let message = format!("no {label} fits `{value}`");
        return Err(ExprError::new(value_span.clone(), message).among(value, &values(label, names)));
    }
    if label == "rack" {
        merge(&mut selection.racks, &racks);
    } else {
        merge(&mut selection.units, &units);
    }
    Ok(())
}

fn merge(all: &mut Vec<bool>, more: &[bool]) {
    if all.is_empty() {
        all.extend_from_slice(more);
    } else {
        all.iter_mut().zip(more).for_each(|(all, more)| *all &= more);
    }
}

/// Values of a label in the farm, for hints.
fn values<'f>(label: &str, names: &Names<'f>) -> Vec<&'f str> {
    let of = |unit: &'f UnitSpec| match label {
        "unit" => unit.name.as_str(),
        "chemistry" => unit.design.chemistry.name.as_str(),
        "design" => unit.design.model.as_str(),
        "manufacturer" => unit.design.manufacturer.as_str(),
        _ => "",
    };
    let mut all: Vec<&str> = names.spec().units.iter().map(of).collect();
    all.sort_unstable();
    all.dedup();
    all
}
