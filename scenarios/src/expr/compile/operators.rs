//! Operators: which types and units may meet, and what comes of it.

use super::super::ast::{Ast, Kind as AstKind, Op};
use super::super::error::ExprError;
use super::super::node::{Arithmetic, Compare, Domain, Num, Truth};
use super::super::unit::Dim;
use super::{Compiler, Number, Result, Typed, Vocabulary};
use std::ops::Range;

/// A plain number beside a fraction that is above this was meant in percent.
const FRACTION_MAX: f64 = 1.0;

impl Compiler<'_, '_> {
    pub(super) fn binary(
        &mut self,
        op: Op,
        left: &Ast,
        right: &Ast,
        span: &Range<usize>,
    ) -> Result<Typed> {
        let compare = match op {
            Op::Implies | Op::Or | Op::And => return self.logic(op, left, right, span),
            Op::Plus | Op::Minus | Op::Times | Op::Over => {
                return self.arithmetic(op, left, right, span);
            }
            Op::Equal => Compare::Equal,
            Op::NotEqual => Compare::NotEqual,
            Op::Less => Compare::Less,
            Op::LessOrEqual => Compare::LessOrEqual,
            Op::Greater => Compare::Greater,
            Op::GreaterOrEqual => Compare::GreaterOrEqual,
        };
        let (left_span, right_span) = (left.span.clone(), right.span.clone());
        let compared = self.part(left)?;
        self.keep_side(left, &compared);
        let (two, domain) = match compared {
            Typed::Word(vocabulary, node, domain) => {
                let is_order = !matches!(op, Op::Equal | Op::NotEqual);
                if is_order && !vocabulary.is_ordered() {
                    let message = format!("words have no order: `{}` says nothing", op.text());
                    return Err(ExprError::new(span.clone(), message).hint("== != in {…}"));
                }
                let (other, other_domain) = self.word(vocabulary, right)?;
                let domain = self.joined(domain, other_domain, span)?;
                ([node, other], domain)
            }
            Typed::Number(left) => {
                let (ast, right) = (right, self.number(right)?);
                self.keep_side(ast, &Typed::Number(right.clone()));
                let domain = self.joined(left.domain, right.domain, span)?;
                let (left, right, _) =
                    self.alike(left, right, (&left_span, &right_span), op.text())?;
                ([left.node, right.node], domain)
            }
            Typed::Truth(..) => {
                let error = ExprError::new(left_span, "a truth is not compared");
                return Err(error.hint("write `x` for `x == true`, `not x` for `x == false`"));
            }
        };
        Ok(Typed::Truth(Truth::Compare(compare, Box::new(two)), domain))
    }

    /// A word of the vocabulary, or another part that gives one.
    fn word(&mut self, vocabulary: Vocabulary, ast: &Ast) -> Result<(Num, Domain)> {
        if let AstKind::Call { .. } = ast.kind {
            return match self.part(ast)? {
                Typed::Word(other, node, domain) if other == vocabulary => Ok((node, domain)),
                _ => Err(ExprError::new(ast.span.clone(), "these are not the same kind of words")),
            };
        }
        let (AstKind::Name(name) | AstKind::Text(name)) = &ast.kind else {
            let error = ExprError::new(ast.span.clone(), "a word is needed here");
            return Err(error.hint(format!("one of {}", vocabulary.names().join(", "))));
        };
        let names = vocabulary.names();
        let place = names.iter().position(|known| known == name).ok_or_else(|| {
            let message = match vocabulary {
                Vocabulary::State => format!("there is no state `{name}` of units"),
                Vocabulary::AlarmLevel => format!("there is no level `{name}` of alarms"),
                Vocabulary::Contactor => format!("a contactor is never `{name}`"),
                Vocabulary::Effect => format!("there is no effect `{name}`"),
            };
            ExprError::new(ast.span.clone(), message).among(name, &names)
        })?;
        Ok((Num::Const(place as f64), Domain::ONE))
    }

    pub(super) fn one_of(&mut self, left: &Ast, set: &[Ast]) -> Result<Typed> {
        let left_span = left.span.clone();
        let compared = self.part(left)?;
        self.keep_side(left, &compared);
        match compared {
            Typed::Word(vocabulary, node, domain) => {
                let mut places = Vec::new();
                for word in set {
                    match self.word(vocabulary, word)? {
                        (Num::Const(place), _) => places.push(place),
                        _ => {
                            return Err(ExprError::new(word.span.clone(), "a word is needed here"));
                        }
                    }
                }
                Ok(Typed::Truth(Truth::OneOf(Box::new(node), places), domain))
            }
            Typed::Number(number) => {
                let mut values = Vec::new();
                for part in set {
                    let other = self.number(part)?;
                    let spans = (&left_span, &part.span);
                    let (_, other, _) = self.alike(number.clone(), other, spans, "in")?;
                    let Num::Const(value) = other.node else {
                        return Err(ExprError::new(part.span.clone(), "a set holds plain numbers"));
                    };
                    values.push(value);
                }
                Ok(Typed::Truth(Truth::OneOf(Box::new(number.node), values), number.domain))
            }
            Typed::Truth(..) => Err(ExprError::new(left_span, "a truth is in no set")),
        }
    }

    pub(super) fn near(&mut self, left: &Ast, right: &Ast, tolerance: &Ast) -> Result<Typed> {
        let is_relative = matches!(tolerance.kind, AstKind::Number { is_percent: true, .. });
        let (left_n, right_n) = (self.number(left)?, self.number(right)?);
        self.keep_side(left, &Typed::Number(left_n.clone()));
        self.keep_side(right, &Typed::Number(right_n.clone()));
        let span = left.span.start..tolerance.span.end;
        let domain = self.joined(left_n.domain, right_n.domain, &span)?;
        let (left_n, right_n, _) = self.alike(left_n, right_n, (&left.span, &right.span), "~=")?;
        let within = self.number(tolerance)?;
        if within.domain != Domain::ONE {
            return Err(ExprError::new(tolerance.span.clone(), "a tolerance is one value"));
        }
        if within.literal.is_some_and(|value| value < 0.0) {
            return Err(ExprError::new(tolerance.span.clone(), "a tolerance is not negative"));
        }
        if is_relative && right_n.literal.is_some_and(|value| value.abs() <= 0.0) {
            let message = "a part of 0 is 0: nothing but 0 would do";
            return Err(ExprError::new(tolerance.span.clone(), message)
                .hint("write the tolerance in the unit: ~= 0 ± 20kW"));
        }
        let within = if is_relative {
            within
        } else {
            self.alike(right_n.clone(), within, (&right.span, &tolerance.span), "±")?.1
        };
        let three = Box::new([left_n.node, right_n.node, within.node]);
        Ok(Typed::Truth(Truth::Near(three, is_relative), domain))
    }

    fn logic(&mut self, op: Op, left: &Ast, right: &Ast, span: &Range<usize>) -> Result<Typed> {
        let ((mut left, l), (mut right, r)) = (self.truth(left)?, self.truth(right)?);
        // Element by element where both are about the same; else each side is one truth.
        let domain = self.joined(l, r, span).unwrap_or_else(|_| {
            left = Self::every(std::mem::replace(&mut left, Truth::Const(true)), l);
            right = Self::every(std::mem::replace(&mut right, Truth::Const(true)), r);
            Domain::ONE
        });
        let truth = match op {
            Op::And => Truth::And(Box::new([left, right])),
            Op::Or => Truth::Or(Box::new([left, right])),
            _ => Truth::Or(Box::new([Truth::Not(Box::new(left)), right])),
        };
        Ok(Typed::Truth(truth, domain))
    }

    fn arithmetic(
        &mut self,
        op: Op,
        left: &Ast,
        right: &Ast,
        span: &Range<usize>,
    ) -> Result<Typed> {
        let spans = (&left.span, &right.span);
        let (left, right) = (self.number(left)?, self.number(right)?);
        let domain = self.joined(left.domain, right.domain, span)?;
        let (op, left, right, dim, scale) = match op {
            Op::Plus | Op::Minus => {
                let what = if op == Op::Plus { Arithmetic::Plus } else { Arithmetic::Minus };
                let (left, right, dim) = self.alike(left, right, spans, op.text())?;
                let scale = if left.dim.is_some() { left.scale } else { right.scale };
                (what, left, right, dim, scale)
            }
            _ => {
                let what = if op == Op::Times { Arithmetic::Times } else { Arithmetic::Over };
                let (dim, scale) = match (left.dim, right.dim) {
                    (None, None) => (None, 1.0),
                    (Some(dim), None) => (Some(dim), left.scale),
                    (None, Some(dim)) if what == Arithmetic::Times => (Some(dim), right.scale),
                    (dim, other) => {
                        let (dim, other) = (dim.unwrap_or_default(), other.unwrap_or_default());
                        let times = what == Arithmetic::Times;
                        (Some(if times { dim.times(other) } else { dim.over(other) }), 1.0)
                    }
                };
                (what, left, right, dim, scale)
            }
        };
        let literal = left.literal.zip(right.literal).map(|(a, b)| match op {
            Arithmetic::Plus => a + b,
            Arithmetic::Minus => a - b,
            Arithmetic::Times => a * b,
            _ => a / b,
        });
        if let Some(value) = literal.filter(|value| !value.is_finite()) {
            return Err(ExprError::new(span.clone(), format!("this is {value}, no number")));
        }
        let node = match literal {
            Some(value) => Num::Const(value),
            None => Num::Pair(op, Box::new([left.node, right.node])),
        };
        Ok(Typed::Number(Number { node, dim, scale, domain, literal, is_fraction: false }))
    }

    /// Both in the same unit: a plain number takes the unit of the other.
    pub(super) fn alike(
        &self,
        mut left: Number,
        mut right: Number,
        (left_span, right_span): (&Range<usize>, &Range<usize>),
        op: &str,
    ) -> Result<(Number, Number, Option<Dim>)> {
        for (fraction, other, span) in [(&left, &right, right_span), (&right, &left, left_span)] {
            let value = other.literal.filter(|_| other.dim.is_none() && fraction.is_fraction);
            if let Some(value) = value.filter(|value| value.abs() > FRACTION_MAX) {
                let message = format!("it is a fraction from 0 to 1, and {value} is beyond");
                return Err(ExprError::new(span.clone(), message).hint(format!("write {value}%")));
            }
        }
        let dim = match (left.dim, right.dim) {
            (None, None) => None,
            (Some(dim), None) => {
                right.take_scale(left.scale);
                Some(dim)
            }
            (None, Some(dim)) => {
                left.take_scale(right.scale);
                Some(dim)
            }
            (Some(left), Some(right)) if left == right => Some(left),
            (Some(left), Some(right)) => {
                let span = left_span.start..right_span.end;
                let message = format!(
                    "`{op}` between {} and {}: they are no common quantity",
                    left.name(),
                    right.name()
                );
                return Err(ExprError::new(span, message).hint(
                    "mind the unit of the literal, or divide one by what makes it the other",
                ));
            }
        };
        Ok((left, right, dim))
    }
}

impl Number {
    /// Makes a plain number one of a unit that is worth `scale` in SI.
    fn take_scale(&mut self, scale: f64) {
        if (scale - 1.0).abs() < f64::EPSILON {
            return;
        }
        self.literal = self.literal.map(|value| value * scale);
        let node = std::mem::replace(&mut self.node, Num::Const(scale));
        self.node = match self.literal {
            Some(value) => Num::Const(value),
            None => Num::Pair(Arithmetic::Times, Box::new([node, Num::Const(scale)])),
        };
    }
}
