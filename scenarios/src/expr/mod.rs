//! The expression language of scenarios: small, typed, without loops.
//!
//! An expression is compiled once, with every name and unit checked, and evaluated at ticks against a
//! [`Sight`]. Its truths have three values after Kleene: what is absent stays absent unless the rest
//! decides, so that a check on it is inconclusive and never passed. A vector (a value for each unit,
//! rack or cell) of truths that is used as a condition must be true for every element; an empty vector
//! is absent. `docs/scenario-expressions.md` is written from the tables here.

mod ast;
mod compile;
mod document;
mod error;
mod eval;
mod names;
mod node;
mod parse;
mod pattern;
mod seen;
mod select;
mod token;
pub mod unit;

pub use compile::{FUNCTIONS, Function};
pub use document::lists;
pub use error::ExprError;
pub(crate) use eval::Eval;
pub use eval::Place;
pub use names::Names;
pub(crate) use node::{Domain, Key, Num, Selection};
pub use pattern::EventPattern;

use crate::sight::{Level, Need, Sight};
use node::Truth;
use std::fmt;
use std::sync::Arc;
use unit::Dim;

/// What an expression is worth at a tick.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Nobody can say.
    Absent,
    /// A truth.
    Truth(bool),
    /// A number in SI.
    Number(f64),
    /// A number for each element of a vector; NaN where it is absent.
    Numbers(Vec<f64>),
}

/// What an expression gives.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kind {
    /// A truth, or one for each element of a level.
    Truth(Level),
    /// A number of a dimension, or one for each element of a level; `None` for a plain number that takes
    /// any unit.
    Number(Level, Option<Dim>),
}

/// What an expression looks at beside the farm.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Uses {
    /// The farm as it would be without faults: a second farm must run.
    pub shadow: bool,
    /// Counters of the process: the run is live, and [`LinkSight::note`](crate::sight::LinkSight::note)
    /// must be called.
    pub transport: bool,
    /// What clients wrote: the run is deterministic given these writes.
    pub client: bool,
    /// What an outside system noticed: to be skipped where there is none.
    pub sut: bool,
    /// What would be right by the rules in force.
    pub reference: bool,
    /// Single cells: see [`Expr::cells`].
    pub cells: bool,
    /// The baseline: there must be a steady state.
    pub baseline: bool,
    /// From when on an event or observation counts.
    pub since: bool,
}

impl Uses {
    /// What either uses.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self {
            shadow: self.shadow || other.shadow,
            transport: self.transport || other.transport,
            client: self.client || other.client,
            sut: self.sut || other.sut,
            reference: self.reference || other.reference,
            cells: self.cells || other.cells,
            baseline: self.baseline || other.baseline,
            since: self.since || other.since,
        }
    }
}

/// Units whose cells an expression looks at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CellsUsed {
    /// Every unit of the farm.
    pub all: bool,
    /// Those of these targets, by place.
    pub targets: Vec<usize>,
}

/// A compiled expression.
#[derive(Clone)]
pub struct Expr {
    text: Arc<str>,
    root: Root,
    kind: Kind,
    selections: Arc<[Selection]>,
    needs: Vec<Need>,
    uses: Uses,
    cells: CellsUsed,
    sides: Vec<seen::Side>,
}

#[derive(Clone)]
enum Root {
    Truth(Truth, Domain),
    Number(Num, Domain),
}

impl fmt::Debug for Expr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Expr({})", self.text)
    }
}
impl fmt::Display for Expr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Expr {
    /// Compiles an expression of any kind.
    ///
    /// # Errors
    /// The first thing that is wrong, with its place in the text.
    pub fn compile(text: &str, names: &Names<'_>) -> Result<Self, ExprError> {
        compile::compile(text, names)
    }
    /// Compiles a condition: a truth, or a vector of them that must all be true.
    ///
    /// # Errors
    /// Likewise; a number is no condition.
    pub fn condition(text: &str, names: &Names<'_>) -> Result<Self, ExprError> {
        let expr = Self::compile(text, names)?;
        match expr.kind {
            Kind::Truth(_) => Ok(expr),
            Kind::Number(..) => Err(ExprError::new(0..text.len(), "a number is no condition")
                .hint("compare it with something: < <= > >= == ~=")),
        }
    }
    /// Compiles one number, such as what a signal must settle at.
    ///
    /// # Errors
    /// Likewise; a truth or a vector is no number.
    pub fn number(text: &str, names: &Names<'_>) -> Result<Self, ExprError> {
        let expr = Self::compile(text, names)?;
        match expr.kind {
            Kind::Number(Level::One, _) => Ok(expr),
            Kind::Number(level, _) => {
                let message =
                    format!("one number is needed, this is one for each {}", level.name());
                Err(ExprError::new(0..text.len(), message).hint("sum(…), avg(…), min(…) or max(…)"))
            }
            Kind::Truth(_) => {
                Err(ExprError::new(0..text.len(), "one number is needed, this is a truth"))
            }
        }
    }

    /// Its text.
    pub fn text(&self) -> &str {
        &self.text
    }
    /// Whether it looks at nothing, and is the same whatever happens.
    pub fn is_fixed(&self) -> bool {
        match &self.root {
            Root::Truth(truth, _) => truth.is_fixed(),
            Root::Number(num, _) => num.is_fixed(),
        }
    }
    /// What it gives.
    pub fn kind(&self) -> Kind {
        self.kind
    }
    /// What it looks at beside the farm.
    pub fn uses(&self) -> Uses {
        self.uses
    }
    /// Units whose cells must be in the snapshots.
    pub fn cells(&self) -> &CellsUsed {
        &self.cells
    }
    /// What [`Memory`](crate::sight::Memory) must keep for it.
    pub fn memory_needs(&self) -> impl Iterator<Item = Need> {
        self.needs.iter().cloned()
    }

    /// Its value. A vector of truths is one truth: whether all of them are true.
    pub fn eval(&self, sight: &Sight<'_>) -> Value {
        match &self.root {
            Root::Truth(..) => self.truth(sight).map_or(Value::Absent, Value::Truth),
            Root::Number(_, Domain::ONE) => {
                let value = self.value(sight);
                if value.is_nan() { Value::Absent } else { Value::Number(value) }
            }
            Root::Number(..) => {
                let mut all = Vec::new();
                self.each(sight, |_, value| all.push(value));
                if all.is_empty() { Value::Absent } else { Value::Numbers(all) }
            }
        }
    }
    /// Its truth, `None` where nobody can say; without allocation. A number has none.
    pub fn truth(&self, sight: &Sight<'_>) -> Option<bool> {
        let eval = Eval { sight, selections: &self.selections };
        match &self.root {
            Root::Truth(truth, domain) => eval.every(truth, *domain),
            Root::Number(..) => None,
        }
    }
    /// Its number in SI, NaN where it is absent; without allocation. A truth or a vector has none.
    pub fn value(&self, sight: &Sight<'_>) -> f64 {
        let eval = Eval { sight, selections: &self.selections };
        match &self.root {
            Root::Number(num, Domain::ONE) => eval.num(num, Place::default()),
            _ => f64::NAN,
        }
    }
    /// Tells `tell` every element of a vector, or the one value, as a number: NaN where it is absent, 1
    /// and 0 for truths.
    pub fn each(&self, sight: &Sight<'_>, mut tell: impl FnMut(Place, f64)) {
        let eval = Eval { sight, selections: &self.selections };
        let (Root::Truth(_, domain) | Root::Number(_, domain)) = &self.root;
        eval.each(*domain, &mut |at| {
            let value = match &self.root {
                Root::Number(num, _) => eval.num(num, at),
                Root::Truth(truth, _) => {
                    eval.truth(truth, at).map_or(f64::NAN, |yes| f64::from(u8::from(yes)))
                }
            };
            tell(at, value);
        });
    }
    /// What the sides of its comparisons are worth, in a line for people: why it does not hold. Empty
    /// where it compares nothing.
    pub fn seen(&self, sight: &Sight<'_>) -> String {
        let all: Vec<String> =
            self.sides.iter().map(|side| side.tell(sight, &self.selections)).collect();
        all.join(", ")
    }
}

#[cfg(test)]
mod tests;
