//! Functions: one line each in the table, one arm each in [`Compiler::call`].

use super::super::ast::{Arg, Ast, Kind as AstKind};
use super::super::error::ExprError;
use super::super::node::{Aggregate, Arithmetic, Domain, Num, Truth, Window};
use super::super::pattern::{self, EventPattern};
use super::super::select;
use super::super::unit::Dim;
use super::{Compiler, Number, Result, Typed, Vocabulary};
use crate::sight::{EventName, Level, WINDOW_MAX_TICKS};
use bess_core::alarm::AlarmCode;
use bess_core::time::Tick;
use std::ops::Range;

/// A function, for messages and the document.
#[derive(Clone, Copy, Debug)]
pub struct Function {
    /// Its name.
    pub name: &'static str,
    /// How it is called.
    pub form: &'static str,
    /// What it gives.
    pub text: &'static str,
}

macro_rules! functions {
    ($($name:literal $form:literal $text:literal;)*) => {
        /// Every function.
        pub const FUNCTIONS: &[Function] =
            &[$(Function { name: $name, form: $form, text: $text },)*];
    };
}

#[rustfmt::skip]
functions! {
    "sum" "sum(v)" "sum over the elements of a vector";
    "avg" "avg(v)" "their mean";
    "min" "min(v), min(a, b)" "the smallest element; of two numbers the smaller";
    "max" "max(v), max(a, b)" "the largest element; of two numbers the larger";
    "count" "count(condition), count(v), count(target)" "for how many elements a condition is true; how many elements a vector has; how many members a target has";
    "quantile" "quantile(q, v)" "the q-quantile of the elements, q from 0 to 1, between two of them by their distance";
    "any" "any(condition)" "whether it is true for at least one element";
    "all" "all(condition)" "whether it is true for every element";
    "abs" "abs(x)" "magnitude";
    "clamp" "clamp(x, low, high)" "x, but not below low and not above high";
    "absent" "absent(x)" "whether a number is absent; this itself never is";
    "rate" "rate(x[30s])" "change over the window per second";
    "delta" "delta(x[30s])" "last value less first value of the window";
    "avg_over_time" "avg_over_time(x[1m])" "mean over the window";
    "min_over_time" "min_over_time(x[1m])" "smallest value in the window";
    "max_over_time" "max_over_time(x[1m])" "largest value in the window";
    "changes" "changes(x[10s])" "ticks of the window at which the value was another than at the tick before";
    "stuck" "stuck(x[30s])" "whether the value did not change at all in the window";
    "baseline" "baseline(x)" "mean over the window of the steady state, before the time line begins";
    "state" "state(target)" "state of each unit, to be compared with `==`, `!=` or `in {…}`";
    "alarm" "alarm(target, code), alarm(target, any), alarm(target, code, level)" "whether the alarm stands (active or latched): any alarm, or one code, at any level or at this one; of a target of racks for each rack";
    "latched" "latched(target, code), latched(target, any)" "whether the alarm's cause is gone and it waits for a reset";
    "level" "level(target), level(target, code)" "gravest level at which an alarm stands: none, warning, derate, trip, critical; these have an order";
    "contactor" "contactor(target)" "open, partly or closed: of each unit over all its racks, or of each rack";
    "in" "in(target)" "whether an element belongs to the target, or has a part that does";
    "event" "event(\"name\", unit=…, code=…, level=…, value=…)" "whether such an event happened since the check began";
    "count_since" "count_since(action, \"name\", …)" "how many such events happened since the action began; absent before";
    "since" "since(event.name), since(\"name\", …), since(action)" "time since the last such event, or since the action began; absent if never";
    "active" "active(action)" "whether the action is in force";
    "effect" "effect(action)" "pending, confirmed, no_effect or inconclusive";
    "sut" "sut(\"what\", target=…)" "whether the outside system said so since the check began";
}

fn number(node: Num, dim: Option<Dim>, domain: Domain) -> Typed {
    let (scale, literal) = (1.0, None);
    Typed::Number(Number { node, dim, scale, domain, literal, is_fraction: false })
}

impl Compiler<'_, '_> {
    pub(super) fn call(&mut self, name: &str, args: &[Arg], span: &Range<usize>) -> Result<Typed> {
        let Some(function) = FUNCTIONS.iter().find(|function| function.name == name) else {
            let known: Vec<&str> = FUNCTIONS.iter().map(|function| function.name).collect();
            let at = span.start..span.start + name.len();
            let error = ExprError::new(at, format!("there is no function `{name}`"));
            return Err(error.among(name, &known));
        };
        let takes_fields = matches!(name, "event" | "count_since" | "since" | "sut");
        let n = match args.iter().position(|arg| arg.name.is_some()) {
            Some(place) if !takes_fields => {
                let at = args[place].name.as_ref().map_or(span.clone(), |(_, at)| at.clone());
                let error = ExprError::new(at, format!("{name} takes no named arguments"));
                return Err(error.hint(function.form));
            }
            Some(place) => place,
            None => args.len(),
        };
        let (plain, fields) = args.split_at(n);
        if let Some(arg) = fields.iter().find(|arg| arg.name.is_none()) {
            let error = ExprError::new(arg.value.span.clone(), "this argument lacks its name");
            return Err(error.hint(function.form));
        }
        let plain: Vec<&Ast> = plain.iter().map(|arg| &arg.value).collect();
        let wrong = |got: usize| {
            let message = format!("{name} takes other arguments than these {got}");
            Err(ExprError::new(span.clone(), message).hint(function.form))
        };
        match (name, plain.as_slice()) {
            ("sum", [v]) => self.aggregate(Aggregate::Sum, v),
            ("avg", [v]) => self.aggregate(Aggregate::Mean, v),
            ("min", [v]) => self.aggregate(Aggregate::Min, v),
            ("max", [v]) => self.aggregate(Aggregate::Max, v),
            ("min", [a, b]) => self.two(Arithmetic::Smaller, a, b, span),
            ("max", [a, b]) => self.two(Arithmetic::Larger, a, b, span),
            ("count", [v]) => self.count(v),
            ("quantile", [q, v]) => self.quantile(q, v),
            ("any", [condition]) => {
                let (truth, domain) = self.truth(condition)?;
                let one = domain.level == Level::One;
                let any = if one { truth } else { Truth::Any(Box::new(truth), domain) };
                Ok(Typed::Truth(any, Domain::ONE))
            }
            ("all", [condition]) => {
                let (truth, domain) = self.truth(condition)?;
                Ok(Typed::Truth(Self::every(truth, domain), Domain::ONE))
            }
            ("abs", [x]) => {
                let x = self.number(x)?;
                let node = Num::Abs(Box::new(x.node.clone()));
                Ok(Typed::Number(Number { node, literal: x.literal.map(f64::abs), ..x }))
            }
            ("clamp", [x, low, high]) => self.clamp(x, low, high, span),
            ("absent", [x]) => {
                let x = self.number(x)?;
                Ok(Typed::Truth(Truth::Absent(Box::new(x.node)), x.domain))
            }
            ("rate", [x]) => self.window(Window::Rate, x),
            ("delta", [x]) => self.window(Window::Delta, x),
            ("avg_over_time", [x]) => self.window(Window::Mean, x),
            ("min_over_time", [x]) => self.window(Window::Min, x),
            ("max_over_time", [x]) => self.window(Window::Max, x),
            ("changes", [x]) => self.window(Window::Changes, x),
            ("stuck", [x]) => {
                let (x, key) = self.windowed(x)?;
                Ok(Typed::Truth(Truth::Stuck(key), x.domain))
            }
            ("baseline", [x]) => {
                let inner = self.remembered(x)?;
                self.uses.baseline = true;
                let key = self.remember(inner.clone(), &x.span, None)?;
                let node = Num::Baseline(key);
                Ok(Typed::Number(Number { node, literal: None, ..inner }))
            }
            ("state", [target]) => {
                let AstKind::Name(_) = &target.kind else {
                    return wrong(plain.len());
                };
                let (domain, _) = self.subject(target)?;
                let domain = Domain { level: Level::Unit, ..domain };
                Ok(Typed::Word(Vocabulary::State, Num::State, domain))
            }
            ("alarm", [target, code]) => {
                let ((domain, subject), code) = (self.subject(target)?, self.code(code)?);
                Ok(Typed::Truth(Truth::Alarm(code, None, subject), domain))
            }
            ("alarm", [target, code, level]) => {
                let ((domain, subject), code) = (self.subject(target)?, self.code(code)?);
                let word = self.words(level)?;
                let level = pattern::alarm_level(word).map_err(|(message, known)| {
                    ExprError::new(level.span.clone(), message).among(word, &known)
                })?;
                Ok(Typed::Truth(Truth::Alarm(code, Some(level), subject), domain))
            }
            ("latched", [target, code]) => {
                let ((domain, subject), code) = (self.subject(target)?, self.code(code)?);
                Ok(Typed::Truth(Truth::Latched(code, subject), domain))
            }
            ("level", [target, rest @ ..]) if rest.len() <= 1 => {
                let (domain, subject) = self.subject(target)?;
                let code = rest.first().map(|code| self.code(code)).transpose()?.flatten();
                let node = Num::AlarmLevel(code, subject);
                Ok(Typed::Word(Vocabulary::AlarmLevel, node, domain))
            }
            ("contactor", [target]) => {
                let (domain, subject) = self.subject(target)?;
                Ok(Typed::Word(Vocabulary::Contactor, Num::Contactor(subject), domain))
            }
            ("in", [target]) => {
                let name = self.words(target)?;
                let (place, _) = select::target(name, &target.span, self.names)?;
                let domain = Domain { level: Level::Unit, selection: 0 };
                Ok(Typed::Truth(Truth::Within(place), domain))
            }
            ("event", [event]) => {
                self.uses.since = true;
                let pattern = self.pattern(event, fields)?;
                Ok(Typed::Truth(Truth::Event(Box::new(pattern)), Domain::ONE))
            }
            ("count_since", [action, event]) => {
                let action = self.action(action)?;
                let pattern = self.pattern(event, fields)?;
                let node = Num::CountSince(action, Box::new(pattern));
                Ok(number(node, Some(Dim::NONE), Domain::ONE))
            }
            ("since", [what]) => self.since(what, fields),
            ("active", [action]) => {
                let action = self.action(action)?;
                Ok(Typed::Truth(Truth::IsActive(action), Domain::ONE))
            }
            ("effect", [action]) => {
                let action = self.action(action)?;
                Ok(Typed::Word(Vocabulary::Effect, Num::Effect(action), Domain::ONE))
            }
            ("sut", [what]) => self.noticed(what, fields),
            _ => wrong(args.len()),
        }
    }

    /// A vector to be made one value.
    fn vector(&mut self, ast: &Ast) -> Result<Number> {
        let vector = self.number(ast)?;
        if vector.domain.level == Level::One {
            let error = ExprError::new(ast.span.clone(), "this is one value already");
            return Err(
                error.hint("units, racks and cells have several: active_power_w, truth.soc")
            );
        }
        Ok(vector)
    }
    fn aggregate(&mut self, op: Aggregate, ast: &Ast) -> Result<Typed> {
        let vector = self.vector(ast)?;
        let node = Num::Aggregate(op, Box::new(vector.node), vector.domain);
        let is_fraction = vector.is_fraction && op != Aggregate::Sum;
        Ok(Typed::Number(Number { node, domain: Domain::ONE, is_fraction, ..vector }))
    }
    fn count(&mut self, ast: &Ast) -> Result<Typed> {
        if let AstKind::Name(name) = &ast.kind
            && self.names.target(name).is_some()
        {
            let (place, _) = select::target(name, &ast.span, self.names)?;
            return Ok(number(Num::CountMembers(place), Some(Dim::NONE), Domain::ONE));
        }
        let (node, domain) = match self.part(ast)? {
            Typed::Truth(truth, domain) => (Num::CountTrue(Box::new(truth), domain), domain),
            Typed::Number(vector) => {
                (Num::CountValues(Box::new(vector.node), vector.domain), vector.domain)
            }
            Typed::Word(..) => {
                let error = ExprError::new(ast.span.clone(), "words are not counted");
                return Err(error.hint("count(state(x) == running)"));
            }
        };
        if domain.level == Level::One {
            return Err(ExprError::new(
                ast.span.clone(),
                "this is one value: there is nothing to count",
            ));
        }
        Ok(number(node, Some(Dim::NONE), Domain::ONE))
    }
    fn quantile(&mut self, part: &Ast, ast: &Ast) -> Result<Typed> {
        let share = self.number(part)?;
        let is_share = share.domain == Domain::ONE
            && share.dim.unwrap_or_default() == Dim::NONE
            && share.literal.is_none_or(|value| (0.0..=1.0).contains(&value));
        if !is_share {
            return Err(ExprError::new(part.span.clone(), "a quantile is a number from 0 to 1"));
        }
        let vector = self.vector(ast)?;
        let node = Num::Quantile(Box::new([share.node, vector.node]), vector.domain);
        Ok(Typed::Number(Number { node, domain: Domain::ONE, ..vector }))
    }
    fn two(&mut self, op: Arithmetic, a: &Ast, b: &Ast, span: &Range<usize>) -> Result<Typed> {
        let spans = (&a.span, &b.span);
        let (a, b) = (self.number(a)?, self.number(b)?);
        let domain = self.joined(a.domain, b.domain, span)?;
        let scale = if a.dim.is_some() { a.scale } else { b.scale };
        let (a, b, dim) = self.alike(a, b, spans, ",")?;
        let is_fraction = a.is_fraction && b.is_fraction;
        let node = Num::Pair(op, Box::new([a.node, b.node]));
        Ok(Typed::Number(Number { node, dim, scale, domain, literal: None, is_fraction }))
    }
    fn clamp(&mut self, x: &Ast, low: &Ast, high: &Ast, span: &Range<usize>) -> Result<Typed> {
        let (value, low_n, high_n) = (self.number(x)?, self.number(low)?, self.number(high)?);
        if low_n.literal.zip(high_n.literal).is_some_and(|(low, high)| low > high) {
            return Err(ExprError::new(low.span.clone(), "low is above high"));
        }
        let domain = self.joined(value.domain, low_n.domain, span)?;
        let domain = self.joined(domain, high_n.domain, span)?;
        let (value, low_n, _) = self.alike(value, low_n, (&x.span, &low.span), ",")?;
        let (value, high_n, dim) = self.alike(value, high_n, (&x.span, &high.span), ",")?;
        let node = Num::Clamp(Box::new([value.node.clone(), low_n.node, high_n.node]));
        Ok(Typed::Number(Number { node, dim, domain, literal: None, ..value }))
    }

    /// A number that is remembered: what it is made of is not itself remembered.
    fn remembered(&mut self, ast: &Ast) -> Result<Number> {
        if std::mem::replace(&mut self.is_within_window, true) {
            let message = "a window or baseline within another cannot be";
            return Err(ExprError::new(ast.span.clone(), message));
        }
        let number = self.number(ast);
        self.is_within_window = false;
        number
    }
    fn windowed(&mut self, ast: &Ast) -> Result<(Number, u64)> {
        let AstKind::Window { inner, seconds } = &ast.kind else {
            let error = ExprError::new(ast.span.clone(), "the window is missing");
            return Err(error.hint("say how long: rate(x[30s])"));
        };
        let ticks = Tick::count_in(*seconds);
        if ticks > WINDOW_MAX_TICKS {
            return Err(ExprError::new(ast.span.clone(), "a window is an hour at most"));
        }
        let number = self.remembered(inner)?;
        let key = self.remember(number.clone(), &inner.span, Some(ticks))?;
        Ok((number, key))
    }
    fn window(&mut self, op: Window, ast: &Ast) -> Result<Typed> {
        let (inner, key) = self.windowed(ast)?;
        let (dim, scale) = match op {
            Window::Rate => (inner.dim.map(|dim| dim.over(Dim::TIME)), inner.scale),
            Window::Changes => (Some(Dim::NONE), 1.0),
            _ => (inner.dim, inner.scale),
        };
        let is_fraction =
            inner.is_fraction && matches!(op, Window::Mean | Window::Min | Window::Max);
        let node = Num::Window(op, key);
        let domain = inner.domain;
        Ok(Typed::Number(Number { node, dim, scale, domain, literal: None, is_fraction }))
    }

    /// A name or a text as it stands there.
    fn words<'a>(&self, ast: &'a Ast) -> Result<&'a str> {
        match &ast.kind {
            AstKind::Name(text) | AstKind::Text(text) => Ok(text),
            _ => Err(ExprError::new(ast.span.clone(), "a name is needed here")),
        }
    }
    fn code(&self, ast: &Ast) -> Result<Option<AlarmCode>> {
        match self.words(ast)? {
            "any" => Ok(None),
            word => pattern::alarm_code(word).map(Some).map_err(|(message, known)| {
                ExprError::new(ast.span.clone(), message).among(word, &known)
            }),
        }
    }
    fn action(&self, ast: &Ast) -> Result<usize> {
        let id = self.words(ast)?;
        self.names.action(id).ok_or_else(|| {
            let known: Vec<&str> = self.names.action_names().collect();
            ExprError::new(ast.span.clone(), format!("there is no action `{id}`")).among(id, &known)
        })
    }

    fn pattern(&mut self, event: &Ast, fields: &[Arg]) -> Result<EventPattern> {
        let mut pairs = Vec::new();
        for field in fields {
            let name = field.name.as_ref().map_or("", |(name, _)| name.as_str());
            pairs.push((name, self.field(&field.value)?));
        }
        let pairs: Vec<(&str, &str)> =
            pairs.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let name = self.words(event)?;
        let pattern = EventPattern::new(name, &pairs, self.names).map_err(|(place, error)| {
            let span = place.map_or(event.span.clone(), |place| {
                let Arg { name, value } = &fields[place];
                name.as_ref().map_or(value.span.start, |(_, at)| at.start)..value.span.end
            });
            ExprError { span, ..error }
        })?;
        self.uses.client |= pattern.name().name().starts_with("client.");
        Ok(pattern)
    }
    /// What a field says: a word, a text, or a number in SI.
    fn field(&self, ast: &Ast) -> Result<String> {
        match &ast.kind {
            AstKind::Number { value, .. } => Ok(value.to_string()),
            AstKind::Minus(inner) => Ok(format!("-{}", self.field(inner)?)),
            _ => self.words(ast).map(str::to_owned),
        }
    }
    fn since(&mut self, what: &Ast, fields: &[Arg]) -> Result<Typed> {
        let name = self.words(what)?;
        let node = match self.names.action(name) {
            Some(action) if fields.is_empty() && EventName::find(name).is_none() => {
                Num::SinceAction(action)
            }
            _ => Num::SinceEvent(Box::new(self.pattern(what, fields)?)),
        };
        Ok(number(node, Some(Dim::TIME), Domain::ONE))
    }
    fn noticed(&mut self, what: &Ast, fields: &[Arg]) -> Result<Typed> {
        (self.uses.sut, self.uses.since) = (true, true);
        let text = self.words(what)?;
        let is_word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        if text.is_empty() || !text.chars().all(is_word) {
            let message =
                format!("an observation is lower-case words joined by `_`, got \"{text}\"");
            return Err(ExprError::new(what.span.clone(), message));
        }
        let mut target = None;
        for Arg { name, value } in fields {
            match name.as_ref().map(|(name, _)| name.as_str()) {
                Some("target" | "unit") => {
                    target = Some(select::target(self.words(value)?, &value.span, self.names)?.0);
                }
                _ => {
                    let message = "an observation has a `target` and nothing else";
                    return Err(ExprError::new(value.span.clone(), message));
                }
            }
        }
        Ok(Typed::Truth(Truth::Noticed(text.into(), target), Domain::ONE))
    }
}
