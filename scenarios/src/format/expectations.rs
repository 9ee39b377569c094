//! Expectations: each kind with its own keys.

use super::objects::EXPECTATIONS;
use super::part::Part;
use super::scenario::{Expectation, ExpectationKind, Goal, Step, Tolerance};
use super::timeline::after;
use crate::expr::{self, Expr, unit};
use bess_core::config::{Given, Literal, Node, Section};
use bess_core::stage::Severity;
use std::time::Duration;

/// The expectations of the root.
pub(super) fn read(root: &Part<'_, '_, '_>) -> Vec<Expectation> {
    root.has("expectations");
    let sections = root.section.sections("expectations");
    sections.into_iter().filter_map(|section| expectation(section, root)).collect()
}

fn expectation(section: Section<'_, '_>, root: &Part<'_, '_, '_>) -> Option<Expectation> {
    let names: Vec<(&str, usize)> = ExpectationKind::NAMES.iter().copied().zip(0..).collect();
    let place = section.choice_or("kind", usize::MAX, &names);
    let Some(object) = EXPECTATIONS.get(place) else {
        section.required_node("kind", &format!("one of {}", ExpectationKind::NAMES.join(", ")));
        return None;
    };
    let part = Part::new(section, object, root.context);
    let id = part.id("id");
    part.has("kind");
    let after = part.part("after").and_then(after);
    let severity = part.word("severity", Severity::Must, &Severity::ALL);
    let message = part.text("message");
    let kind = kind(&part, object.name);
    part.finish();
    kind.map(|kind| Expectation { id, after, kind, severity, message })
}

fn kind(part: &Part<'_, '_, '_>, name: &str) -> Option<ExpectationKind> {
    match name {
        "within" => {
            let condition = part.condition_that_looks("expr");
            let within = part.duration("within");
            let hold = part.duration_or("for", Duration::ZERO);
            Some(ExpectationKind::Within { condition: condition?, within: within?, hold })
        }
        "always" | "never" => {
            let condition = part.condition_that_looks("expr")?;
            let lasts = part.duration("for");
            Some(match name {
                "always" => ExpectationKind::Always { condition, lasts },
                _ => ExpectationKind::Never { condition, lasts },
            })
        }
        "eventually" => {
            let condition = part.condition_that_looks("expr");
            let within = part.duration("within");
            Some(ExpectationKind::Eventually { condition: condition?, within })
        }
        "sequence" => sequence(part),
        "settles" => settles(part),
        _ => count(part),
    }
}

fn sequence(part: &Part<'_, '_, '_>) -> Option<ExpectationKind> {
    let parts = part.parts("order");
    if part.has("order") && parts.len() < 2 {
        part.report("order", "a sequence has at least two events".to_owned(), None);
    }
    let n_steps = parts.len();
    let steps: Vec<Step> = parts
        .into_iter()
        .filter_map(|part| {
            let pattern = part.event();
            let within = part.duration("within");
            part.finish();
            pattern.map(|pattern| Step { pattern, within })
        })
        .collect();
    (steps.len() == n_steps).then_some(ExpectationKind::Sequence(steps))
}

fn settles(part: &Part<'_, '_, '_>) -> Option<ExpectationKind> {
    let signal = part.expression("signal", Expr::number);
    let goal = part.node("to").and_then(|node| match node.given() {
        Given::Literal(Literal::Whole(number)) => Some(Goal::Number(number as f64)),
        Given::Literal(Literal::Number(number)) => Some(Goal::Number(number)),
        _ => part.expression("to", Expr::number).map(Goal::Expression),
    });
    let dim = signal.as_ref().and_then(|signal| match signal.expr.kind() {
        expr::Kind::Number(_, dim) => dim,
        expr::Kind::Truth(_) => None,
    });
    if let (Some(dim), Some(Goal::Expression(goal))) = (dim, &goal)
        && let expr::Kind::Number(_, Some(other)) = goal.expr.kind()
        && other != dim
    {
        let message =
            format!("the signal is in {}, and what it settles at in {}", dim.name(), other.name());
        part.report("to", message, None);
    }
    let tolerance = part.node("tolerance").and_then(|node| tolerance(&node, dim));
    let within = part.duration("within");
    let hold = part.duration_or("hold", Duration::ZERO);
    Some(ExpectationKind::Settles {
        signal: signal?,
        goal: goal?,
        tolerance: tolerance?,
        within: within?,
        hold,
    })
}

/// `2%` of the goal, or a quantity of the signal.
fn tolerance(node: &Node<'_, '_>, dim: Option<unit::Dim>) -> Option<Tolerance> {
    let expected = "a percentage of the value such as 2%, or a quantity such as 50kW";
    let tolerance = match node.given() {
        Given::Literal(Literal::Whole(number)) => Some(Tolerance::Absolute(number as f64)),
        Given::Literal(Literal::Number(number)) => Some(Tolerance::Absolute(number)),
        Given::Literal(Literal::Text(text)) => {
            let end = text.find(|c: char| !(c.is_ascii_digit() || c == '.')).unwrap_or(text.len());
            let (number, symbol) = text.split_at(end);
            let unit = unit::find(symbol.trim_start());
            match (number.parse::<f64>(), symbol.trim_start(), unit) {
                (Ok(number), "%", _) => Some(Tolerance::Relative(number / 100.0)),
                (Ok(number), _, Some(unit)) => {
                    if dim.is_some_and(|dim| dim != unit.dim) {
                        let signal = dim.unwrap_or_default().name();
                        let message = format!("`{symbol}` is another quantity than {signal}");
                        node.report(message, Some(format!("`{}` is {expected}", node.name())));
                    }
                    Some(Tolerance::Absolute(number * unit.factor))
                }
                _ => None,
            }
        }
        _ => None,
    };
    let is_usable = |tolerance: &Tolerance| match *tolerance {
        Tolerance::Absolute(size) | Tolerance::Relative(size) => size.is_finite() && size > 0.0,
    };
    let tolerance = tolerance.filter(is_usable);
    if tolerance.is_none() {
        node.report(format!("`{}` must be {expected}", node.name()), None);
    }
    tolerance
}

fn count(part: &Part<'_, '_, '_>) -> Option<ExpectationKind> {
    let pattern = part.event();
    let window = part.duration("window");
    let (min, max) = (part.whole("min"), part.whole("max"));
    match (min, max) {
        (None, None) => {
            let message = "a count needs `min`, `max` or both".to_owned();
            part.section.report(part.section.span(), message, None);
        }
        (Some(min), Some(max)) if min > max => {
            part.report("max", format!("`max` {max} is less than `min` {min}"), None);
        }
        (Some(0), None) => {
            part.report("min", "`min: 0` holds whatever happens".to_owned(), None);
        }
        _ => {}
    }
    Some(ExpectationKind::Count { pattern: pattern?, window, min, max })
}
