//! A single fault, as it is asked for over REST or on the command line.

use super::Deed;
use super::objects;
use super::part::{Context, Part};
use super::read::{no_files, sight_kind};
use super::scenario::{Recovery, SingleFault, Who};
use super::targets::{selector, unit};
use super::timeline::with;
use crate::expr::Names;
use crate::faults::{self, Target, TargetKind};
use crate::text::{self, Expansions};
use bess_core::config::{Given, Literal, Node, Problems, did_you_mean, read_tree};
use bess_core::defect::Reading;
use bess_core::spec::FarmSpec;

/// Reads one fault: YAML or JSON, TOML where the name `file` ends in `.toml`, with the keys of
/// [`objects::FAULT`].
///
/// # Errors
/// Every problem, with its place.
pub fn read_fault(file: &str, text: &str, spec: &FarmSpec) -> Result<SingleFault, Problems> {
    let tree = text::parse(file, text)?;
    let notation = tree.notation();
    let fault = tree.with(|table| {
        read_tree(file, text, notation, table, |root| {
            let mut names = Names::new(spec);
            // What a selector may say of itself.
            let of_kind = |kind: &TargetKind| (kind.name().to_owned(), *kind);
            let targets: Vec<_> =
                [TargetKind::Farm, TargetKind::Grid].iter().map(of_kind).collect();
            for (name, kind) in &targets {
                names.add_target(name, sight_kind(*kind));
            }
            let context = Context {
                text,
                expansions: &Expansions::new(),
                names,
                targets: Vec::new(),
                actions: Vec::new(),
                spec,
                files: &no_files,
            };
            let part = Part::new(root.again(), &objects::FAULT, &context);
            root.leave_the_rest();
            fault(part)
        })
    })?;
    Ok(fault.expect("a fault without problems was read"))
}

fn fault(part: Part<'_, '_, '_>) -> Option<SingleFault> {
    let id = part.has("id").then(|| part.id("id"));
    let name = part.text("kind");
    let kind = faults::kind(&name);
    if kind.is_none() && !name.is_empty() {
        let known: Vec<&str> = faults::KINDS.iter().map(|kind| kind.name).collect();
        let hint = did_you_mean(&name, &known)
            .unwrap_or_else(|| "`bess fault kinds` names every kind".to_owned());
        part.report("kind", format!("there is no fault `{name}`"), Some(hint));
    }
    let target = match part.node("target") {
        Some(node) => who(&node, &part),
        None => kind.and_then(|kind| nobody(&part, &kind.fitting())),
    };
    let settings = match kind {
        Some(kind) => {
            let hit = target.as_ref().map(Who::kind).or_else(|| kind.targets.first().copied());
            with(&part, Deed::Fault(kind), hit)
        }
        None => Vec::new(),
    };
    let duration = part.duration("duration");
    if duration.is_some_and(|duration| duration.is_zero()) {
        part.report("duration", "it lasts longer than 0 s, or until it is ended".to_owned(), None);
    }
    let recovery = part.word("recovery", Recovery::Auto, &Recovery::ALL);
    if recovery == Recovery::Never {
        part.refuse("duration", "contradicts `recovery: never`", "leave one of them out");
    }
    let seed = part.whole("seed");
    part.finish();
    Some(SingleFault { id, kind: kind?, target: target?, settings, duration, recovery, seed })
}

/// Whom a fault hits that names nobody: the one thing that there is, if it is one.
fn nobody(part: &Part<'_, '_, '_>, fitting: &[TargetKind]) -> Option<Who> {
    for kind in fitting {
        match kind {
            TargetKind::Farm => return Some(Who::Named(vec![Target::Farm])),
            TargetKind::Grid => return Some(Who::Named(vec![Target::Grid])),
            TargetKind::Listener => return Some(Who::Named(vec![Target::Listener(None)])),
            _ => {}
        }
    }
    let names: Vec<&str> = fitting.iter().map(|kind| kind.name()).collect();
    let message = format!("this fault lacks a `target`: a {}", names.join(" or a "));
    part.section.report(part.section.span(), message, Some("target: unit-001".to_owned()));
    None
}

impl Who {
    /// Kind of the targets.
    pub fn kind(&self) -> TargetKind {
        match self {
            Self::Named(targets) => targets.first().map_or(TargetKind::Farm, Target::kind),
            Self::Selected(selector) => selector.kind,
        }
    }
}

fn who(node: &Node<'_, '_>, part: &Part<'_, '_, '_>) -> Option<Who> {
    let spec = part.context.spec;
    let nodes = match node.given() {
        Given::Section(section) => {
            let part = Part::new(section, &objects::TARGET, part.context);
            return Some(Who::Selected(Box::new(selector("target".to_owned(), part))));
        }
        Given::List(nodes) => nodes,
        _ => return named(node, spec).map(|target| Who::Named(vec![target])),
    };
    let found: Vec<Target> = nodes.iter().filter_map(|node| named(node, spec)).collect();
    if nodes.is_empty() {
        node.report("a list of targets has at least one".to_owned(), None);
    }
    if found.len() != nodes.len() || found.is_empty() {
        return None;
    }
    let kind = found[0].kind();
    if let Some(place) = found.iter().position(|target| target.kind() != kind) {
        let message =
            format!("targets of one fault are of one kind, the first is a {}", kind.name());
        nodes[place].report(message, None);
    }
    let mut targets = found;
    targets.sort_unstable();
    targets.dedup();
    Some(Who::Named(targets))
}

fn named(node: &Node<'_, '_>, spec: &FarmSpec) -> Option<Target> {
    let text = match node.given() {
        Given::Literal(Literal::Text(text)) => text,
        Given::Literal(Literal::Whole(number)) => number.to_string(),
        _ => {
            node.wrong_type("the name of a target, such as unit-001");
            return None;
        }
    };
    parse_target(&text, spec).map_err(|(message, hint)| node.report(message, hint)).ok()
}

/// The target called `text`, as [`Target`] is written: `farm`, `unit-001`, `unit-001/rack-2`,
/// `unit-001/rack-2/cell-17`, `unit-001/rack-2/current_a`, `listener-main`; a unit by its number or its
/// own name as well.
///
/// # Errors
/// What is wrong with it, and how to mend it.
pub fn parse_target(text: &str, spec: &FarmSpec) -> Result<Target, (String, Option<String>)> {
    match text {
        "farm" => return Ok(Target::Farm),
        "grid" => return Ok(Target::Grid),
        "listeners" => return Ok(Target::Listener(None)),
        _ => {}
    }
    if let Some(name) = text.strip_prefix("listener-") {
        return Ok(Target::Listener(Some(name.into())));
    }
    if let Some(name) = text.strip_prefix("client-") {
        return Ok(Target::Client(name.into()));
    }
    let mut parts = text.split('/');
    let unit = unit(parts.next().unwrap_or_default(), spec)?;
    let design = &spec.units[unit.idx()].design;
    let mut rest = parts.peekable();
    let number = |part: &str, prefix: &str, most: usize| -> Option<Result<usize, String>> {
        let number = part.strip_prefix(prefix)?;
        let found = number.parse().ok().filter(|number| (1..=most).contains(number));
        Some(found.map(|number: usize| number - 1).ok_or_else(|| {
            format!("`{text}`: there is no {part}, there is {prefix}1 to {prefix}{most}")
        }))
    };
    let mut rack = None;
    if let Some(found) = rest.peek().and_then(|part| number(part, "rack-", design.n_racks)) {
        rack = Some(found.map_err(|message| (message, None))?);
        rest.next();
    }
    let Some(last) = rest.next() else {
        return Ok(match rack {
            Some(rack_idx) => Target::Rack { unit, rack_idx },
            None => Target::Unit(unit),
        });
    };
    if let Some(rack_idx) = rack
        && let Some(found) = number(last, "cell-", design.cells_in_series)
        && rest.peek().is_none()
    {
        let cell_idx = found.map_err(|message| (message, None))?;
        return Ok(Target::Cell { unit, rack_idx, cell_idx });
    }
    let reading = Reading::ALL.iter().position(|row| row.0 == last);
    match (reading, rest.next()) {
        (Some(reading_idx), None) => Ok(Target::Sensor { unit, rack_idx: rack, reading_idx }),
        _ => {
            let message = format!("`{text}` is no target");
            let known: Vec<&str> = Reading::ALL.iter().map(|row| row.0).collect();
            let examples = "unit-001, unit-001/rack-2, unit-001/rack-2/cell-17 or \
                            unit-001/rack-2/current_a";
            let hint = did_you_mean(last, &known).unwrap_or_else(|| examples.to_owned());
            Err((message, Some(hint)))
        }
    }
}
