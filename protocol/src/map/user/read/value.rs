//! What a register shows: a point, one of its values, a constant, or what was written to it.

use super::super::field::{Cell, ConstNumber, ConstText, Effect};
use super::FaceReader;
use crate::map::points::{self, Kind, Level, Names, Not, Point, Test};
use crate::map::source::Source;
use bess_core::config::{Literal, Section, did_you_mean};
use bess_core::role::Role;
use std::ops::Range;
use std::sync::Arc;

/// See the module.
#[derive(Clone, Debug)]
pub(super) struct Bound {
    pub(super) kind: Kind,
    /// Unit of the value.
    pub(super) unit: &'static str,
    pub(super) names: Names,
    pub(super) source: Source,
    /// What writing does, where it can be written.
    pub(super) effect: Option<Effect>,
    pub(super) is_counter: bool,
    pub(super) role: Role,
    pub(super) is_cell: bool,
    /// What it is called.
    pub(super) label: String,
    /// The point behind it, for documents.
    pub(super) point: Option<String>,
    /// What it holds at first, where it is memory.
    pub(super) memory: Option<(Cell, Option<Literal>)>,
}

impl Bound {
    fn own(kind: Kind, source: Source, effect: Option<Effect>, label: &str) -> Self {
        Self {
            kind,
            unit: "",
            names: Vec::new().into(),
            source,
            effect,
            is_counter: false,
            role: Role::Operator,
            is_cell: false,
            label: label.to_owned(),
            point: None,
            memory: None,
        }
    }

    fn of(point: Point, label: &str) -> Self {
        Self {
            kind: point.kind,
            unit: point.unit,
            names: point.names,
            source: point.source,
            effect: point.write.map(Effect::Put),
            is_counter: matches!(point.write, Some(crate::map::edit::Write::Counter(_))),
            role: point.role,
            is_cell: point.is_cell,
            label: label.to_owned(),
            point: Some(point.name.into_owned()),
            memory: None,
        }
    }

    /// Whether the register keeps what is written.
    pub(super) fn is_memory(&self) -> bool {
        self.memory.is_some()
    }
}

/// A place where more than one register shows the same in turn: this stands for the number.
pub(super) const TURN: &str = "{n}";

impl FaceReader<'_> {
    /// What `value` or `const` says, in turn `turn` of several.
    pub(super) fn bound(&mut self, section: &Section<'_, '_>, turn: Option<u64>) -> Option<Bound> {
        if section.has("value") && section.has("const") {
            let message = "write `value` or `const`, not both".to_owned();
            section.report(section.span_of("const"), message, None);
            return None;
        }
        if let Some(literal) = section.literal("const") {
            return Some(constant(&literal));
        }
        if section.has("const") {
            return None;
        }
        let text = section.text("value");
        let text = turn.map_or(text.clone(), |turn| text.replace(TURN, &turn.to_string()));
        match text.as_str() {
            "" => None,
            "none" => Some(Bound::own(Kind::Quantity, Source::Missing, None, "not available")),
            "memory" => {
                let cell = Cell(self.take_memory(Cell::LEN));
                let source = Source::Own(Arc::new(cell));
                let effect = Some(Effect::Remember(cell));
                let bound = Bound::own(Kind::Quantity, source, effect, "memory");
                Some(Bound { memory: Some((cell, section.literal("initial"))), ..bound })
            }
            text => self.point(section, &section.span_of("value"), text),
        }
    }

    /// The point that `text` names: `point`, `point:name` for whether it has that value, `!point` for the
    /// opposite.
    pub(super) fn point(
        &self,
        section: &Section<'_, '_>,
        span: &Range<usize>,
        text: &str,
    ) -> Option<Bound> {
        let (is_opposite, rest) =
            text.strip_prefix('!').map_or((false, text), |rest| (true, rest.trim()));
        let (name, value) = rest
            .split_once(':')
            .map_or((rest, None), |(name, value)| (name.trim(), Some(value.trim())));
        let point = self.known_point(section, span, name)?;
        let bound = Bound::of(point, text);
        let bound = match value {
            Some(value) => test(section, span, bound, value)?,
            None => bound,
        };
        if !is_opposite {
            return Some(bound);
        }
        if bound.kind != Kind::Switch {
            let message = format!("`{rest}` is no yes or no, so it has no opposite");
            let hint = "ask for a value of it: `!point:name`".to_owned();
            section.report(span.clone(), message, Some(hint));
            return None;
        }
        let effect = bound.effect.and_then(|effect| match effect {
            Effect::Put(write) => Some(Effect::Opposite(write)),
            _ => None,
        });
        let source = Source::Own(Arc::new(Not { source: bound.source }));
        Some(Bound { source, effect, ..bound })
    }

    fn known_point(
        &self,
        section: &Section<'_, '_>,
        span: &Range<usize>,
        name: &str,
    ) -> Option<Point> {
        let level = self.context.level;
        let shown = |point: &Point| point.level.is_none_or(|of| of == level);
        let Some(point) = points::find(name) else {
            let known = points::all().iter().filter(|point| shown(point));
            let known: Vec<&str> = known.map(|point| &*point.name).collect();
            let hint = did_you_mean(name, &known)
                .map(|hint| hint.trim_end_matches(" Mind the unit").to_owned())
                .unwrap_or_else(|| "`bess registers --points` lists them".to_owned());
            section.report(span.clone(), format!("no point is called `{name}`"), Some(hint));
            return None;
        };
        if !shown(&point) {
            let (of, hint) = match level {
                Level::Unit => ("plant", "write `level = \"plant\"` in `[map]`"),
                Level::Plant => ("unit", "points of the farm begin with `farm.`"),
            };
            let message = format!("`{name}` is a point of a {of}");
            section.report(span.clone(), message, Some(hint.to_owned()));
            return None;
        }
        Some(point)
    }
}

/// Whether a point has the value called `value`.
fn test(
    section: &Section<'_, '_>,
    span: &Range<usize>,
    bound: Bound,
    value: &str,
) -> Option<Bound> {
    let named = bound.names.iter().find(|(name, _)| name == value);
    let Some((_, number)) = named.filter(|_| matches!(bound.kind, Kind::Enum | Kind::Switch))
    else {
        let known: Vec<&str> = bound.names.iter().map(|(name, _)| name.as_str()).collect();
        let point = bound.point.unwrap_or_default();
        let message = format!("`{point}` has no value called \"{value}\"");
        let hint = did_you_mean(value, &known).or_else(|| {
            let is_named = matches!(bound.kind, Kind::Enum | Kind::Switch);
            is_named.then(|| format!("it has {}", known.join(", ")))
        });
        section.report(span.clone(), message, hint);
        return None;
    };
    let wanted = i64::from(*number);
    let effect = bound.effect.and_then(|effect| match effect {
        Effect::Put(write) => Some(Effect::Ask(write, wanted as f64)),
        _ => None,
    });
    let source = Source::Own(Arc::new(Test { source: bound.source.clone(), wanted }));
    Some(Bound {
        kind: Kind::Switch,
        unit: "",
        names: vec![("no".to_owned(), 0), ("yes".to_owned(), 1)].into(),
        source,
        effect,
        ..bound
    })
}

fn constant(literal: &Literal) -> Bound {
    let effect = Some(Effect::Nothing);
    match literal {
        Literal::Whole(whole) => {
            Bound::own(Kind::Quantity, Source::Raw(*whole), effect, &whole.to_string())
        }
        Literal::Truth(yes) => {
            Bound::own(Kind::Quantity, Source::Raw((*yes).into()), effect, &yes.to_string())
        }
        Literal::Number(number) => {
            let source = Source::Own(Arc::new(ConstNumber(*number)));
            Bound::own(Kind::Quantity, source, effect, &number.to_string())
        }
        Literal::Text(text) => {
            let source = Source::Own(Arc::new(ConstText(text.clone())));
            Bound::own(Kind::Text, source, None, text)
        }
    }
}
