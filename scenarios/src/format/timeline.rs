//! Actions of the time line.

use super::Condition;
use super::deed::{Control, Deed};
use super::objects::EDGES;
use super::part::Part;
use super::scenario::{Action, After, Anchor, Concurrency, Prove, Recovery, Repeat, Start};
use super::value::Setting;
use super::values::{self, Allowed};
use crate::faults::TargetKind;
use bess_core::config::did_you_mean;
use std::time::Duration;

/// The actions of the root; its duration is the latest time.
pub(super) fn read(root: &Part<'_, '_, '_>, duration: Duration) -> Vec<Action> {
    let parts = root.parts("timeline");
    if root.has("timeline") && parts.is_empty() {
        root.report("timeline", "at least one action is needed".to_owned(), None);
    }
    parts.into_iter().map(|part| action(part, duration)).collect()
}

fn action(part: Part<'_, '_, '_>, whole: Duration) -> Action {
    let id = part.id("id");
    let name = part.text("action");
    let deed = Deed::by_name(&name);
    if deed.is_none() && !name.is_empty() {
        let hint = did_you_mean(&name, &Deed::names());
        let hint = hint.or_else(|| Some("`bess fault kinds` names every fault".to_owned()));
        part.report("action", format!("there is no action `{name}`"), hint);
    }
    let target = part.target("target");
    let kind = target.map(|target| part.context.targets[target].1);
    let settings = match deed {
        Some(deed) => with(&part, deed, kind),
        None => Vec::new(),
    };
    let duration = part.duration("duration");
    if duration.is_some_and(|duration| duration.is_zero()) {
        part.report("duration", "it lasts longer than 0 s, or to the end".to_owned(), None);
    }
    let recovery = part.word("recovery", Recovery::Auto, &Recovery::ALL);
    if recovery == Recovery::Never {
        part.refuse("duration", "contradicts `recovery: never`", "leave one of them out");
    }
    if let Some(Deed::Control(_)) = deed {
        for key in ["duration", "recovery", "prove"] {
            part.refuse(key, "is of faults", "this action is done at once: leave it out");
        }
    }
    let action = Action {
        id,
        start: start(&part, whole),
        // One stands in for an action that there is not; it was reported.
        deed: deed.unwrap_or(Deed::Control(&super::CONTROLS[0])),
        target,
        settings,
        duration,
        recovery,
        repeat: part.part("repeat").and_then(repeat),
        prove: prove(&part),
    };
    part.finish();
    action
}

/// The parameters of a deed at targets of `kind`.
pub(super) fn with(part: &Part<'_, '_, '_>, deed: Deed, kind: Option<TargetKind>) -> Vec<Setting> {
    let fitting = deed.targets();
    match kind {
        Some(kind) if !fitting.contains(&kind) => {
            let names: Vec<&str> = fitting.iter().map(|kind| kind.name()).collect();
            let message = match names.as_slice() {
                [] => format!("`{}` has no target", deed.name()),
                names => format!(
                    "`{}` is done to a {}, and this target is a {}",
                    deed.name(),
                    names.join(" or a "),
                    kind.name()
                ),
            };
            part.report("target", message, None);
        }
        None if !fitting.is_empty() && !part.has("target") => {
            let names: Vec<&str> = fitting.iter().map(|kind| kind.name()).collect();
            let message = format!("`{}` lacks a `target`: a {}", deed.name(), names.join(" or a "));
            part.section.report(part.section.span(), message, None);
        }
        _ => {}
    }
    part.has("with");
    let parameters = deed.parameters(kind.or_else(|| fitting.first().copied()));
    let section = part.section.section("with");
    let missing = values::missing(section.as_ref(), &parameters);
    if !missing.is_empty() {
        let key = if section.is_some() { "with" } else { "action" };
        let key = if part.knows(key) { key } else { "kind" };
        let message = format!("`{}` needs {} in `with`", deed.name(), missing.join(", "));
        part.report(key, message, None);
    }
    let allowed = match deed {
        Deed::Control(control) if control.act != Control::Set => Allowed::Draws,
        Deed::Fault(_) | Deed::Control(_) => Allowed::All,
    };
    values::settings(section, &parameters, allowed, part.context)
}

fn start(part: &Part<'_, '_, '_>, whole: Duration) -> Start {
    if let Some(after) = part.part("after") {
        return match self::after(after) {
            Some(after) => Start::After(after),
            None => Start::At(Duration::ZERO),
        };
    }
    if let Some(when) = part.part("when") {
        let condition = when.condition("expr");
        let hold = when.duration_or("for", Duration::ZERO);
        let timeout = when.duration("timeout");
        if timeout.is_some_and(|timeout| timeout > whole && !whole.is_zero()) {
            when.report("timeout", "the scenario ends before that".to_owned(), None);
        }
        when.finish();
        return match condition {
            Some(condition) => Start::When { condition, hold, timeout },
            None => Start::At(Duration::ZERO),
        };
    }
    Start::At(part.duration("at").unwrap_or_default())
}

/// After something else.
pub(super) fn after(part: Part<'_, '_, '_>) -> Option<After> {
    let at_end = part.word("edge", false, &EDGES);
    let delay = part.duration_or("delay", Duration::ZERO);
    let anchor = if part.has("event") {
        part.refuse("edge", "is of an action", "leave it out");
        part.event().map(Anchor::Event)
    } else {
        for key in ["target", "value", "code", "level", "nonzero"] {
            part.refuse(key, "is of an event", "leave it out");
        }
        let action = part.action("action");
        action.map(|action| if at_end { Anchor::End(action) } else { Anchor::Begin(action) })
    };
    part.finish();
    anchor.map(|anchor| After { anchor, delay })
}

fn repeat(part: Part<'_, '_, '_>) -> Option<Repeat> {
    let every = part.node("every").and_then(|node| values::every(&node, part.context));
    let count = part.whole("count");
    let concurrency = part.word("concurrency", Concurrency::Forbid, &Concurrency::ALL);
    part.finish();
    Some(Repeat { every: every?, count: count? as usize, concurrency })
}

fn prove(part: &Part<'_, '_, '_>) -> Prove {
    let is_auto = part.section.node("prove").is_some_and(|node| {
        matches!(node.given(), bess_core::config::Given::Literal(
            bess_core::config::Literal::Text(text)) if text == "auto")
    });
    let condition = || -> Option<Condition> { part.condition("prove") };
    match is_auto || !part.has("prove") {
        true => Prove::Auto,
        false => condition().map_or(Prove::Auto, Prove::Condition),
    }
}
