//! Targets: what they select, and that they fit together.

use super::Matching;
use super::part::Part;
use super::scenario::{Mode, OnEmpty, Selector};
use crate::faults::TargetKind;
use bess_core::config::{Given, Literal, Node, did_you_mean};
use bess_core::defect::Reading;
use bess_core::id::UnitId;
use bess_core::spec::FarmSpec;
use std::sync::Arc;

/// The targets of the root.
pub(super) fn read(root: &Part<'_, '_, '_>) -> Vec<Selector> {
    let mut selectors = Vec::new();
    let named = root.named("targets");
    if root.has("targets") && named.is_empty() {
        root.report("targets", "at least one target is needed".to_owned(), None);
    }
    for (name, place, part) in named {
        let is_name = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        if !name.chars().all(is_name) || !name.starts_with(|c: char| c.is_ascii_alphabetic()) {
            let hint = "letters, digits, hyphens and underscores, a letter first".to_owned();
            root.section.report(place, format!("`{name}` is no name of a target"), Some(hint));
        }
        selectors.push(selector(name, part));
    }
    cycles(root, &selectors);
    selectors
}

/// One target.
pub(super) fn selector(name: String, part: Part<'_, '_, '_>) -> Selector {
    let kind = part.word("kind", TargetKind::Unit, &TargetKind::ALL);
    let matching = match part.part("match") {
        Some(matched) => matching(matched, kind),
        None => Matching::default(),
    };
    if kind == TargetKind::Sensor && matching.reading_idx.is_none() {
        let message = "a sensor is chosen by `match: {signal: …}`".to_owned();
        part.report("kind", message, None);
    }
    let is_elsewhere =
        part.context.spec.is_part() && matching.units.as_ref().is_some_and(Vec::is_empty);
    let selector = Selector {
        kind,
        matching,
        of: part.target("of"),
        near: part.target("near"),
        radius: part.whole("radius").unwrap_or(1) as usize,
        not: part.targets("not"),
        mode: mode(&part),
        on_empty: match part.word("onEmpty", OnEmpty::Fail, &OnEmpty::ALL) {
            // Named units that another shard has are that one's to do something with.
            _ if is_elsewhere => OnEmpty::Skip,
            on_empty => on_empty,
        },
        sticky: part.flag_or("sticky", true),
        name,
    };
    fits(&part, &selector);
    enough(&part, &selector);
    part.finish();
    selector
}

/// Reports a number of units that the farm does not have.
fn enough(part: &Part<'_, '_, '_>, selector: &Selector) {
    let Mode::Fixed(wanted) = selector.mode else { return };
    let n_units = part.context.spec.units.len();
    let most = selector.matching.units.as_ref().map_or(n_units, Vec::len);
    if selector.kind == TargetKind::Unit && wanted > most {
        part.report("value", format!("`{wanted}` of {most} units is more than all of them"), None);
    }
}

fn mode(part: &Part<'_, '_, '_>) -> Mode {
    let names: Vec<(&str, usize)> = Mode::NAMES.iter().copied().zip(0..).collect();
    let place = part.word("mode", 1, &names);
    if place < 2 {
        part.refuse(
            "value",
            "is of the modes fixed, percent and random-max-percent",
            "leave it out, or choose one of these",
        );
        return if place == 0 { Mode::One } else { Mode::All };
    }
    let Some(node) = part.node("value") else {
        let message = format!("the mode {} needs a `value`", Mode::NAMES[place]);
        part.report("mode", message, None);
        return Mode::All;
    };
    let number = match node.given() {
        Given::Literal(Literal::Whole(number)) => Some(number as f64),
        Given::Literal(Literal::Number(number)) => Some(number),
        Given::Literal(Literal::Text(text)) if place != 2 => {
            text.strip_suffix('%').and_then(|text| text.trim().parse().ok())
        }
        _ => None,
    };
    let number = number.unwrap_or(f64::NAN);
    if place == 2 {
        if !(1.0..=1e9).contains(&number) || number.fract() != 0.0 {
            let message = format!("`{}` must be a whole number of at least 1", node.name());
            node.report(message, None);
            return Mode::All;
        }
        return Mode::Fixed(number as usize);
    }
    if !(number > 0.0 && number <= 100.0) {
        node.report(format!("`{}` must be a percentage up to 100: 25 or 25%", node.name()), None);
        return Mode::All;
    }
    match place {
        3 => Mode::Percent(number / 100.0),
        _ => Mode::RandomMaxPercent(number / 100.0),
    }
}

fn matching(part: Part<'_, '_, '_>, kind: TargetKind) -> Matching {
    use TargetKind::{Cell, Client, Listener, Rack, Sensor, Unit};
    let kinds: [(&'static str, &[TargetKind]); 7] = [
        ("units", &[Unit, Rack, Cell, Sensor]),
        ("expr", &[Unit, Rack, Cell, Sensor]),
        ("rack", &[Rack, Cell, Sensor]),
        ("module", &[Cell]),
        ("cell", &[Cell]),
        ("signal", &[Sensor]),
        ("name", &[Listener, Client]),
    ];
    for (key, fitting) in kinds {
        if !fitting.contains(&kind) {
            let names: Vec<&str> = fitting.iter().map(|kind| kind.name()).collect();
            let why = format!("does not concern a {}", kind.name());
            part.refuse(key, &why, &format!("it is for targets of kind {}", names.join(", ")));
        }
    }
    let spec = part.context.spec;
    let index = |key: &'static str, most: usize| {
        let number = part.whole(key)? as usize;
        if number > most {
            let message = format!("`{}` must be from 1 to {most}, got {number}", part.name(key));
            part.report(key, message, None);
        }
        Some(number - 1)
    };
    let most = |of: fn(&bess_core::spec::UnitDesign) -> usize| {
        spec.units.iter().map(|unit| of(&unit.design)).max().unwrap_or(0)
    };
    let module_idx =
        index("module", most(|design| design.cells_in_series / design.cells_per_module.max(1)));
    let cells = match module_idx {
        Some(_) => most(|design| design.cells_per_module),
        None => most(|design| design.cells_in_series),
    };
    let signals: Vec<(&str, usize)> = Reading::ALL.iter().map(|row| row.0).zip(0..).collect();
    let signal = part.word("signal", usize::MAX, &signals);
    let name = part.text("name");
    let matching = Matching {
        units: part.node("units").map(|node| units(&node, spec)),
        condition: part.condition("expr"),
        rack_idx: index("rack", most(|design| design.n_racks)),
        module_idx,
        cell_idx: index("cell", cells),
        reading_idx: (signal != usize::MAX).then_some(signal),
        name: (!name.is_empty()).then(|| Arc::from(name)),
    };
    part.finish();
    matching
}

/// Units by names, numbers and ranges of them, in order, none twice.
pub(super) fn units(node: &Node<'_, '_>, spec: &FarmSpec) -> Vec<UnitId> {
    let nodes = match node.given() {
        Given::List(nodes) => nodes,
        _ => return units_of(node, spec),
    };
    let mut units: Vec<UnitId> = nodes.iter().flat_map(|node| units_of(node, spec)).collect();
    units.sort_unstable();
    units.dedup();
    units
}

fn units_of(node: &Node<'_, '_>, spec: &FarmSpec) -> Vec<UnitId> {
    let text = match node.given() {
        Given::Literal(Literal::Text(text)) => text,
        Given::Literal(Literal::Whole(number)) => number.to_string(),
        _ => {
            node.wrong_type("a unit such as unit-001, or a range unit-001..unit-004");
            return Vec::new();
        }
    };
    let find =
        |name: &str| number_of(name.trim(), spec).map_err(|(m, hint)| node.report(m, hint)).ok();
    let (first, last) = match text.split_once("..") {
        Some((first, last)) => (find(first), find(last)),
        None => {
            let unit = find(&text);
            (unit, unit)
        }
    };
    let (Some(first), Some(last)) = (first, last) else { return Vec::new() };
    if first > last {
        node.report(format!("the range {text} goes backwards"), None);
    }
    // Those that another shard has are left out.
    (first..=last).filter_map(|number| spec.unit_by_number(number)).collect()
}

/// The number in the farm of the unit called `name`, be it here or in another shard.
fn number_of(name: &str, spec: &FarmSpec) -> Result<u32, (String, Option<String>)> {
    let digits = name.strip_prefix("unit-").unwrap_or(name);
    let elsewhere = spec
        .shard
        .as_ref()
        .and_then(|shard| shard.number_in_farm(name).or_else(|| shard.number_in_farm(digits)));
    elsewhere.map_or_else(|| unit(name, spec).map(UnitId::number), Ok)
}

/// The unit called `name`: its name in the farm file, its name in reports (`unit-001`) or its number.
pub(super) fn unit(name: &str, spec: &FarmSpec) -> Result<UnitId, (String, Option<String>)> {
    let digits = name.strip_prefix("unit-").unwrap_or(name);
    let named = spec.units.iter().find(|unit| unit.name == name).map(|unit| unit.id);
    let numbered = || digits.parse().ok().and_then(|number| spec.unit_by_number(number));
    named.or_else(numbered).ok_or_else(|| {
        let known: Vec<&str> = spec.units.iter().map(|unit| unit.name.as_str()).collect();
        let hint = did_you_mean(name, &known);
        (format!("there is no unit `{name}`; {}", spec.unit_numbers()), hint)
    })
}

/// How far within the other a kind of target is; `None` for what has no parts.
fn depth(kind: TargetKind) -> Option<u8> {
    match kind {
        TargetKind::Farm => Some(0),
        TargetKind::Unit => Some(1),
        TargetKind::Rack => Some(2),
        TargetKind::Cell | TargetKind::Sensor => Some(3),
        TargetKind::Grid | TargetKind::Listener | TargetKind::Client => None,
    }
}

/// Reports what of a target does not fit the targets that it names.
fn fits(part: &Part<'_, '_, '_>, selector: &Selector) {
    let kind_of = |target: usize| part.context.targets[target].1;
    let name_of = |target: usize| part.context.targets[target].0.as_str();
    if let Some(of) = selector.of {
        let is_within =
            depth(kind_of(of)).zip(depth(selector.kind)).is_some_and(|(of, own)| of <= own);
        if !is_within || (kind_of(of) != selector.kind && depth(kind_of(of)) == Some(3)) {
            let message = format!(
                "a {} is no part of a {}, which `{}` is",
                selector.kind.name(),
                kind_of(of).name(),
                name_of(of)
            );
            part.report("of", message, None);
        }
    }
    if let Some(near) = selector.near
        && (selector.kind != TargetKind::Cell || kind_of(near) != TargetKind::Cell)
    {
        part.report("near", "only cells are near to each other".to_owned(), None);
    }
    if selector.near.is_none() {
        part.refuse("radius", "is of `near`", "leave it out, or say near what");
    }
    for not in &selector.not {
        let (own, other) = (depth(selector.kind), depth(kind_of(*not)));
        let can_be = match (own, other) {
            (Some(own), Some(other)) => other <= own && other > 0,
            _ => selector.kind == kind_of(*not),
        };
        if !can_be {
            let message = format!(
                "`{}` is a {}, of which no {} can be a part",
                name_of(*not),
                kind_of(*not).name(),
                selector.kind.name()
            );
            part.report("not", message, None);
        }
    }
}

/// Reports targets that lead back to themselves.
fn cycles(root: &Part<'_, '_, '_>, selectors: &[Selector]) {
    let next = |place: usize| {
        let selector = &selectors[place];
        selector.of.into_iter().chain(selector.near).chain(selector.not.iter().copied())
    };
    for ((place, selector), (_, at, _)) in
        selectors.iter().enumerate().zip(root.section.named_sections("targets"))
    {
        let mut seen = vec![false; selectors.len()];
        let mut open: Vec<usize> = next(place).collect();
        while let Some(target) = open.pop() {
            if target < seen.len() && !std::mem::replace(&mut seen[target], true) {
                open.extend(next(target));
            }
        }
        if seen[place] {
            let message = format!("the target `{}` is chosen by itself", selector.name);
            root.section.report(at, message, None);
        }
    }
}
