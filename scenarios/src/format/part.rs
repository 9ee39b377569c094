//! Reads objects by their tables: only keys of the table can be asked for.

use super::table::{Kind, Object};
use super::{Condition, EventPattern};
use crate::expr::{self, Expr, ExprError, Names};
use crate::faults::TargetKind;
use crate::text::{Expansions, duration_s, place};
use bess_core::config::{Given, Literal, Node, Section, did_you_mean};
use bess_core::spec::FarmSpec;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

/// Gives the text of a file that a scenario names, or why it cannot be read.
pub type Files<'f> = &'f dyn Fn(&str) -> Result<String, String>;

/// What readers of parts of one text share.
pub(super) struct Context<'c> {
    pub(super) text: &'c str,
    pub(super) expansions: &'c Expansions,
    pub(super) names: Names<'c>,
    pub(super) targets: Vec<(String, TargetKind)>,
    pub(super) actions: Vec<String>,
    pub(super) spec: &'c FarmSpec,
    pub(super) files: Files<'c>,
}

impl Context<'_> {
    /// Where the bytes `wanted` of the text `value` stand, which is the value at `span`.
    pub(super) fn place(
        &self,
        span: &Range<usize>,
        value: &str,
        wanted: Range<usize>,
    ) -> Range<usize> {
        place(self.text, span, value, self.expansions.get(&span.start), wanted)
    }
}

/// An object that is being read.
pub(super) struct Part<'c, 'd, 'a> {
    pub(super) section: Section<'d, 'a>,
    pub(super) context: &'c Context<'c>,
    object: &'static Object,
}

impl<'c, 'd, 'a> Part<'c, 'd, 'a> {
    /// The object in `section`; what it lacks is reported.
    pub(super) fn new(
        section: Section<'d, 'a>,
        object: &'static Object,
        context: &'c Context<'c>,
    ) -> Self {
        for key in object.keys() {
            if key.is_needed {
                section.required_node(key.name, &key.kind.words());
            } else {
                section.has(key.name);
            }
        }
        let part = Self { section, context, object };
        let given: Vec<_> = object.one_of.iter().filter(|key| part.has(key)).copied().collect();
        match given.as_slice() {
            [] if !object.one_of.is_empty() => {
                let message = format!("one of {} is needed", ticked(object.one_of));
                part.section.report(part.section.span(), message, None);
            }
            [first, second, ..] => {
                let message = format!("`{first}` and `{second}` exclude each other");
                part.report(second, message, Some(format!("one of {}", ticked(object.one_of))));
            }
            _ => {}
        }
        part
    }

    /// Reports what nobody asked for.
    pub(super) fn finish(self) {
        self.section.finish();
    }

    fn kind(&self, key: &str) -> Kind {
        self.object.key(key).kind
    }
    /// Whether the object has such a key.
    pub(super) fn knows(&self, key: &str) -> bool {
        self.object.keys().any(|known| known.name == key)
    }
    pub(super) fn has(&self, key: &'static str) -> bool {
        self.object.key(key);
        self.section.has(key)
    }
    pub(super) fn node(&self, key: &'static str) -> Option<Node<'d, 'a>> {
        self.object.key(key);
        self.section.node(key)
    }
    pub(super) fn report(&self, key: &'static str, message: String, hint: Option<String>) {
        self.section.report(self.section.span_of(key), message, hint);
    }
    pub(super) fn refuse(&self, key: &'static str, why: &str, hint: &str) {
        self.object.key(key);
        self.section.refuse(key, why, hint);
    }

    /// A text; empty when absent, which is reported where it is needed.
    pub(super) fn text(&self, key: &'static str) -> String {
        if !self.has(key) {
            return String::new();
        }
        if let Kind::Const(wanted) = self.kind(key) {
            let text = self.section.text_or(key, wanted);
            if text != wanted && !text.is_empty() {
                let message = format!("`{}` must be \"{wanted}\", got \"{text}\"", self.name(key));
                self.report(key, message, did_you_mean(&text, &[wanted]));
            }
            return text;
        }
        self.section.text(key)
    }
    pub(super) fn name(&self, key: &str) -> String {
        self.section.name(key)
    }
    /// An id; reported where it is none.
    pub(super) fn id(&self, key: &'static str) -> String {
        let id = self.text(key);
        if !id.is_empty() && !is_id(&id) {
            let message =
                format!("`{}` must be {}, got \"{id}\"", self.name(key), Kind::Id.words());
            self.report(key, message, None);
        }
        id
    }
    pub(super) fn texts(&self, key: &'static str) -> Vec<String> {
        self.object.key(key);
        self.section.texts(key)
    }
    pub(super) fn flag_or(&self, key: &'static str, default: bool) -> bool {
        self.object.key(key);
        self.section.bool_or(key, default)
    }
    pub(super) fn word<T: Copy>(&self, key: &'static str, default: T, list: &[(&str, T)]) -> T {
        self.object.key(key);
        self.section.choice_or(key, default, list)
    }
    /// Some of the words of a list, none twice.
    pub(super) fn words<T: Copy>(&self, key: &'static str, list: &[(&str, T)]) -> Vec<T> {
        self.object.key(key);
        let mut found = Vec::new();
        let known: Vec<&str> = list.iter().map(|(name, _)| *name).collect();
        for (text, span) in self.section.names_or_numbers(key) {
            match list.iter().position(|(name, _)| *name == text) {
                Some(place) if !found.contains(&place) => found.push(place),
                Some(_) => {
                    self.section.report(span, format!("\"{text}\" is there twice"), None);
                }
                None => {
                    let name = self.name(key);
                    let message =
                        format!("`{name}` must have of {} only, got \"{text}\"", known.join(", "));
                    self.section.report(span, message, did_you_mean(&text, &known));
                }
            }
        }
        found.into_iter().map(|place| list[place].1).collect()
    }
    /// The range of a number.
    pub(super) fn range(&self, key: &str) -> (f64, f64) {
        let Kind::Number { min, max } = self.kind(key) else { panic!("{key} is no number") };
        (min, max)
    }
    /// A whole number in the range of the table.
    pub(super) fn whole(&self, key: &'static str) -> Option<u64> {
        let Kind::Whole { min, max } = self.kind(key) else { panic!("{key} is no whole number") };
        self.has(key).then(|| self.section.integer(key, min, max))
    }
    pub(super) fn duration(&self, key: &'static str) -> Option<Duration> {
        let node = self.node(key)?;
        seconds(&node, 0.0).map(Duration::from_secs_f64)
    }
    pub(super) fn duration_or(&self, key: &'static str, default: Duration) -> Duration {
        self.duration(key).unwrap_or(default)
    }

    pub(super) fn part(&self, key: &'static str) -> Option<Part<'c, 'd, 'a>> {
        let Kind::Object(object) = self.kind(key) else { panic!("{key} is no object") };
        let section = self.section.section(key)?;
        Some(Part::new(section, object, self.context))
    }
    pub(super) fn parts(&self, key: &'static str) -> Vec<Part<'c, 'd, 'a>> {
        let Kind::List(object) = self.kind(key) else { panic!("{key} is no list of objects") };
        let parts = self.section.sections(key).into_iter();
        parts.map(|section| Part::new(section, object, self.context)).collect()
    }
    pub(super) fn named(&self, key: &'static str) -> Vec<(String, Range<usize>, Part<'c, 'd, 'a>)> {
        let Kind::Map(object) = self.kind(key) else { panic!("{key} is no table of objects") };
        let parts = self.section.named_sections(key).into_iter();
        parts.map(|(name, at, s)| (name, at, Part::new(s, object, self.context))).collect()
    }

    /// A condition.
    pub(super) fn condition(&self, key: &'static str) -> Option<Condition> {
        self.expression(key, Expr::condition)
    }
    /// A condition of a check: one that looks at nothing would hold, or not, whatever happens.
    pub(super) fn condition_that_looks(&self, key: &'static str) -> Option<Condition> {
        let condition = self.condition(key)?;
        if condition.expr.is_fixed() {
            let message = format!("`{}` looks at nothing: it says nothing", condition.text);
            let hint = "name a signal, an alarm, an event or a state".to_owned();
            self.report(key, message, Some(hint));
        }
        Some(condition)
    }
    /// An expression that `compile` makes.
    pub(super) fn expression(
        &self,
        key: &'static str,
        compile: fn(&str, &Names<'_>) -> Result<Expr, ExprError>,
    ) -> Option<Condition> {
        let node = self.node(key)?;
        let text = match node.given() {
            Given::Literal(Literal::Text(text)) => text,
            Given::Literal(Literal::Truth(truth)) => truth.to_string(),
            _ => {
                node.wrong_type("an expression");
                return None;
            }
        };
        match compile(&text, &self.context.names) {
            Ok(expr) => Some(Condition { text, expr: Arc::new(expr) }),
            Err(error) => {
                let at = self.context.place(&node.span(), &text, error.span);
                self.section.report(at, error.message, error.hint);
                None
            }
        }
    }

    /// Position of the target that `key` names.
    pub(super) fn target(&self, key: &'static str) -> Option<usize> {
        let node = self.node(key)?;
        self.target_of(&node)
    }
    pub(super) fn targets(&self, key: &'static str) -> Vec<usize> {
        match self.node(key).map(|node| (node.given(), node)) {
            None => Vec::new(),
            Some((Given::List(nodes), _)) => {
                nodes.iter().filter_map(|node| self.target_of(node)).collect()
            }
            Some((_, node)) => self.target_of(&node).into_iter().collect(),
        }
    }
    fn target_of(&self, node: &Node<'d, 'a>) -> Option<usize> {
        let Given::Literal(Literal::Text(name)) = node.given() else {
            node.wrong_type("the name of a target in quotes");
            return None;
        };
        let targets = &self.context.targets;
        let found = targets.iter().position(|(known, _)| *known == name);
        if found.is_none() {
            let known: Vec<&str> = targets.iter().map(|(name, _)| name.as_str()).collect();
            let hint = did_you_mean(&name, &known);
            let list = || format!("targets here: {}", known.join(", "));
            node.report(format!("there is no target `{name}`"), hint.or_else(|| Some(list())));
        }
        found
    }
    /// Position of the action that `key` names.
    pub(super) fn action(&self, key: &'static str) -> Option<usize> {
        let node = self.node(key)?;
        let Given::Literal(Literal::Text(id)) = node.given() else {
            node.wrong_type("the id of an action in quotes");
            return None;
        };
        let found = self.context.actions.iter().position(|known| *known == id);
        if found.is_none() {
            let known: Vec<&str> = self.context.actions.iter().map(String::as_str).collect();
            let hint = did_you_mean(&id, &known);
            let list = || format!("actions here: {}", known.join(", "));
            node.report(format!("there is no action `{id}`"), hint.or_else(|| Some(list())));
        }
        found
    }

    /// The event that `event` and the keys beside it name.
    pub(super) fn event(&self) -> Option<EventPattern> {
        const FIELDS: [&str; 5] = ["target", "value", "code", "level", "nonzero"];
        let event = self.text("event");
        if event.is_empty() {
            return None;
        }
        let mut fields: Vec<(&'static str, String)> = Vec::new();
        for key in FIELDS {
            let value = match self.node(key).map(|node| (node.given(), node)) {
                None => continue,
                Some((Given::Literal(Literal::Text(text)), _)) => text,
                Some((Given::Literal(Literal::Truth(truth)), _)) => truth.to_string(),
                Some((Given::Literal(Literal::Whole(number)), _)) => number.to_string(),
                Some((Given::Literal(Literal::Number(number)), _)) => number.to_string(),
                Some((_, node)) => {
                    node.wrong_type("a number or a text");
                    continue;
                }
            };
            fields.push((key, value));
        }
        let given: Vec<(&str, &str)> = fields.iter().map(|(k, v)| (*k, v.as_str())).collect();
        match expr::EventPattern::new(&event, &given, &self.context.names) {
            Ok(pattern) => {
                let each = given.iter().map(|(key, value)| format!(" {key}={value}"));
                let text = format!("{event}{}", each.collect::<String>());
                Some(EventPattern { event, text, pattern })
            }
            Err((index, error)) => {
                let key = index.map_or("event", |index| fields[index].0);
                self.report(key, error.message, error.hint);
                None
            }
        }
    }
}

/// A duration in s of at least `min`; reported where it is none.
pub(super) fn seconds(node: &Node<'_, '_>, min: f64) -> Option<f64> {
    let wrong = |hint: Option<String>| {
        let found = match node.given() {
            Given::Literal(Literal::Text(text)) => format!(", got \"{text}\""),
            Given::Literal(Literal::Whole(number)) => format!(", got {number}"),
            Given::Literal(Literal::Number(number)) => format!(", got {number}"),
            _ => String::new(),
        };
        node.report(format!("`{}` must be {}{found}", node.name(), Kind::Duration.words()), hint);
        None
    };
    match node.given() {
        Given::Literal(Literal::Text(text)) => match duration_s(&text) {
            Some(seconds) if seconds >= min => Some(seconds),
            Some(_) => wrong(Some("it cannot be negative".to_owned())),
            None => wrong(None),
        },
        Given::Literal(Literal::Whole(number)) => wrong(Some(format!("write a unit: {number}s"))),
        Given::Literal(Literal::Number(number)) => wrong(Some(format!("write a unit: {number}s"))),
        _ => wrong(None),
    }
}

/// Whether a text is an id.
pub(super) fn is_id(text: &str) -> bool {
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    text.len() <= 100 && text.chars().all(fits) && !text.starts_with('-') && !text.ends_with('-')
}

pub(super) fn ticked(keys: &[&str]) -> String {
    keys.iter().map(|key| format!("`{key}`")).collect::<Vec<_>>().join(", ")
}
