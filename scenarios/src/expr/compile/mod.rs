//! From a tree to a compiled expression: names are resolved, types and units are checked.

mod functions;
mod operators;

pub use functions::{FUNCTIONS, Function};

use super::ast::{Ast, Kind as AstKind};
use super::error::ExprError;
use super::names::Names;
use super::node::{Domain, Key, Num, Selection, SelectionId, Subject, Truth};
use super::parse::parse;
use super::seen::Side;
use super::token::{Kind as TokenKind, tokens};
use super::unit::{Dim, Measure};
use super::{CellsUsed, Expr, Kind, Root, Uses, select};
use crate::sight::{Level, Need, SIGNALS, Source, TargetKind, find_signal};
use std::ops::Range;
use std::sync::Arc;

type Result<T> = std::result::Result<T, ExprError>;

/// A word of a closed list, kept as its position in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Vocabulary {
    State,
    AlarmLevel,
    Contactor,
    Effect,
}

/// A number with its type.
#[derive(Clone, Debug)]
struct Number {
    node: Num,
    /// `None` for a plain number that takes any unit.
    dim: Option<Dim>,
    /// Worth in SI of 1 of what its name says: what a plain number beside it is in.
    scale: f64,
    domain: Domain,
    /// Its value, where it is written out.
    literal: Option<f64>,
    is_fraction: bool,
}

/// A compiled part.
#[derive(Clone, Debug)]
enum Typed {
    Number(Number),
    Truth(Truth, Domain),
    Word(Vocabulary, Num, Domain),
}

pub(super) fn compile(text: &str, names: &Names<'_>) -> Result<Expr> {
    let ast = parse(text)?;
    let mut compiler = Compiler {
        text,
        names,
        selections: vec![Selection::default()],
        needs: Vec::new(),
        uses: Uses::default(),
        cells: CellsUsed::default(),
        is_within_window: false,
        sides: Vec::new(),
    };
    let (root, kind) = match compiler.part(&ast)? {
        Typed::Truth(truth, domain) => (Root::Truth(truth, domain), Kind::Truth(domain.level)),
        Typed::Number(number) => {
            let kind = Kind::Number(number.domain.level, number.dim);
            (Root::Number(number.node, number.domain), kind)
        }
        Typed::Word(vocabulary, ..) => {
            let error = ExprError::new(ast.span, "a word is neither a condition nor a number");
            return Err(error.hint(format!("compare it: … == {}", vocabulary.names()[0])));
        }
    };
    let selections: Arc<[Selection]> = compiler.selections.into();
    let mut needs = compiler.needs;
    needs.iter_mut().for_each(|need: &mut Need| need.selections = Arc::clone(&selections));
    let (uses, cells, sides) = (compiler.uses, compiler.cells, compiler.sides);
    Ok(Expr { text: text.into(), root, kind, selections, needs, uses, cells, sides })
}

struct Compiler<'c, 'f> {
    text: &'c str,
    names: &'c Names<'f>,
    selections: Vec<Selection>,
    needs: Vec<Need>,
    uses: Uses,
    cells: CellsUsed,
    is_within_window: bool,
    sides: Vec<Side>,
}

impl Compiler<'_, '_> {
    fn part(&mut self, ast: &Ast) -> Result<Typed> {
        match &ast.kind {
            AstKind::Number { value, dim, .. } => Ok(Typed::Number(Number {
                node: Num::Const(*value),
                dim: *dim,
                scale: 1.0,
                domain: Domain::ONE,
                literal: Some(*value),
                is_fraction: false,
            })),
            AstKind::Text(text) => {
                let message = format!("the text \"{text}\" is no value");
                Err(ExprError::new(ast.span.clone(), message)
                    .hint("texts stand in event(\"…\"), sut(\"…\") and labels only"))
            }
            AstKind::Name(name) => self.signal(name, &ast.span, 0),
            AstKind::Select { inner, at, matchers } => {
                let AstKind::Name(name) = &inner.kind else {
                    let message = "`@` and labels belong to a signal";
                    return Err(ExprError::new(ast.span.clone(), message)
                        .hint("abs(dc.current_a@victim), not abs(dc.current_a)@victim"));
                };
                let mut selection = Selection::default();
                if let Some((target, span)) = at {
                    let (place, _) = select::target(target, span, self.names)?;
                    selection.targets.push((place, true));
                }
                for matcher in matchers {
                    select::narrow(&mut selection, matcher, self.names)?;
                }
                let selection = self.intern(selection);
                match self.signal(name, &inner.span, selection)? {
                    Typed::Number(Number { domain: Domain { level: Level::One, .. }, .. })
                    | Typed::Truth(_, Domain { level: Level::One, .. }) => {
                        let message = format!("`{name}` is one value: nothing is to be picked");
                        Err(ExprError::new(ast.span.clone(), message))
                    }
                    typed => Ok(typed),
                }
            }
            AstKind::Window { .. } => {
                let message = "a window stands within a function over time only";
                Err(ExprError::new(ast.span.clone(), message)
                    .hint("rate(x[30s]), avg_over_time(x[1m]), changes(x[10s]) …"))
            }
            AstKind::Call { name, args } => self.call(name, args, &ast.span),
            AstKind::Minus(inner) => {
                let number = self.number(inner)?;
                let literal = number.literal.map(|value| -value);
                let node = literal.map_or(Num::Minus(Box::new(number.node)), Num::Const);
                Ok(Typed::Number(Number { node, literal, is_fraction: false, ..number }))
            }
            AstKind::Not(inner) => {
                let (truth, domain) = self.truth(inner)?;
                Ok(Typed::Truth(Truth::Not(Box::new(truth)), domain))
            }
            AstKind::Binary { op, left, right } => self.binary(*op, left, right, &ast.span),
            AstKind::Near { left, right, tolerance } => self.near(left, right, tolerance),
            AstKind::OneOf { left, set } => self.one_of(left, set),
        }
    }

    fn number(&mut self, ast: &Ast) -> Result<Number> {
        match self.part(ast)? {
            Typed::Number(number) => Ok(number),
            Typed::Truth(..) => {
                Err(ExprError::new(ast.span.clone(), "a number is needed here, this is a truth")
                    .hint("count(…) counts how many are true"))
            }
            Typed::Word(..) => {
                Err(ExprError::new(ast.span.clone(), "a number is needed here, this is a word"))
            }
        }
    }
    fn truth(&mut self, ast: &Ast) -> Result<(Truth, Domain)> {
        match self.part(ast)? {
            Typed::Truth(truth, domain) => Ok((truth, domain)),
            Typed::Number(_) => {
                Err(ExprError::new(ast.span.clone(), "a truth is needed here, this is a number")
                    .hint("compare it with something: < <= > >= == ~="))
            }
            Typed::Word(vocabulary, ..) => {
                let error =
                    ExprError::new(ast.span.clone(), "a truth is needed here, this is a word");
                Err(error.hint(format!("compare it: … == {}", vocabulary.names()[0])))
            }
        }
    }

    fn intern(&mut self, selection: Selection) -> SelectionId {
        let known = self.selections.iter().position(|other| *other == selection);
        known.unwrap_or_else(|| {
            self.selections.push(selection);
            self.selections.len() - 1
        })
    }

    /// The signal called `name`.
    fn signal(&mut self, name: &str, span: &Range<usize>, selection: SelectionId) -> Result<Typed> {
        let (plain, shadow) = match name.strip_prefix("shadow.") {
            Some(plain) => (plain, true),
            None => (name, false),
        };
        let Some(signal) = find_signal(plain) else {
            return Err(self.no_signal(plain, span));
        };
        let level = signal.level();
        match signal.source() {
            Source::Farm => (),
            _ if shadow => {
                let message = format!("`{plain}` is not of the farm: it has no shadow");
                return Err(ExprError::new(span.clone(), message));
            }
            Source::Writes => self.uses.client = true,
            Source::Process => self.uses.transport = true,
        }
        self.uses.shadow |= shadow;
        self.uses.reference |= plain.starts_with("reference.");
        if level == Level::Cell {
            self.uses.cells = true;
            let wanted = self.selections[selection].targets.iter().filter(|(_, wanted)| *wanted);
            let targets: Vec<usize> = wanted.map(|(target, _)| *target).collect();
            self.cells.all |= targets.is_empty();
            self.cells.targets.extend(targets);
            self.cells.targets.sort_unstable();
            self.cells.targets.dedup();
        }
        let Measure { dim, scale, is_fraction, is_flag, .. } = signal.measure;
        let node = Num::Signal { get: signal.get, scale, shadow };
        let domain = Domain { level, selection };
        if is_flag {
            return Ok(Typed::Truth(Truth::Flag(node), domain));
        }
        let dim = Some(dim);
        Ok(Typed::Number(Number { node, dim, scale, domain, literal: None, is_fraction }))
    }

    fn no_signal(&self, name: &str, span: &Range<usize>) -> ExprError {
        let error = ExprError::new(span.clone(), format!("there is no signal `{name}`"));
        if self.names.target(name).is_some() {
            return error
                .hint(format!("it is a target: signal@{name}, state({name}), count({name})"));
        }
        if self.names.action(name).is_some() {
            return error.hint(format!("it is an action: since({name}), effect({name})"));
        }
        let joined = name
            .split_once('-')
            .filter(|(left, right)| find_signal(left).is_some() || find_signal(right).is_some());
        if joined.is_some() {
            return error.hint("a minus stands between spaces");
        }
        // Names that differ only in front of the dot are the likely ones.
        let last = name.rsplit('.').next().unwrap_or(name);
        let known: Vec<&str> = SIGNALS.iter().map(|signal| signal.name).collect();
        let error = error.among(name, &known);
        let alike = || SIGNALS.iter().map(|s| s.name).find(|n| n.rsplit('.').next() == Some(last));
        match (&error.hint, alike()) {
            (None, Some(alike)) => error.hint(format!("did you mean `{alike}`?")),
            _ => error,
        }
    }

    /// Keeps a side of a comparison for whoever asks why it does not hold.
    fn keep_side(&mut self, ast: &Ast, typed: &Typed) {
        let (node, domain, dim, words) = match typed {
            Typed::Number(number) if number.literal.is_none() => {
                (&number.node, number.domain, number.dim, None)
            }
            Typed::Word(words, node, domain) => (node, *domain, None, Some(*words)),
            _ => return,
        };
        let text = self.text.get(ast.span.clone()).unwrap_or_default().to_owned();
        if !self.sides.iter().any(|side| side.text == text) {
            self.sides.push(Side { text, node: node.clone(), domain, dim, words });
        }
    }

    /// What both sides of an operator are about together.
    fn joined(&self, left: Domain, right: Domain, span: &Range<usize>) -> Result<Domain> {
        let level = left.level.max(right.level);
        let is_any = |domain: Domain| domain.level == Level::One || domain.selection == 0;
        let selection = match (is_any(left), is_any(right)) {
            // What is one value, or not narrowed, takes the elements of the other.
            (true, _) => right.selection,
            (_, true) => left.selection,
            _ if left.selection == right.selection => left.selection,
            _ => {
                let message = "both sides are about different units, racks or cells";
                return Err(ExprError::new(span.clone(), message)
                    .hint("pick the same ones on both sides, or make one value of each: avg(…)"));
            }
        };
        Ok(Domain { level, selection })
    }

    /// One truth of a vector: whether all are true.
    fn every(truth: Truth, domain: Domain) -> Truth {
        match domain.level {
            Level::One => truth,
            _ => Truth::Every(Box::new(truth), domain),
        }
    }

    /// A key for what is measured at `span`: the same for the same words that mean the same.
    fn key(&self, span: &Range<usize>, ticks: Option<u64>) -> Key {
        let mut hash = 0xcbf2_9ce4_8422_2325_u64;
        let mut add = |number: u64| {
            for byte in number.to_le_bytes() {
                hash = (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3);
            }
        };
        let text = self.text.get(span.clone()).unwrap_or_default();
        for token in tokens(text).unwrap_or_default() {
            let word = text.get(token.span).unwrap_or_default();
            word.bytes().for_each(|byte| add(u64::from(byte)));
            add(u64::MAX);
            // A name of a target or an action may mean another in another expression.
            if let TokenKind::Name(name) | TokenKind::Text(name) = &token.kind {
                let places =
                    [self.names.target(name).map(|(place, _)| place), self.names.action(name)];
                places.into_iter().for_each(|place| add(place.map_or(0, |place| place as u64 + 1)));
            }
        }
        add(ticks.unwrap_or(0));
        hash
    }

    /// Has a number remembered.
    fn remember(&mut self, number: Number, span: &Range<usize>, ticks: Option<u64>) -> Result<Key> {
        let Number { node, domain, .. } = number;
        let targets = &self.selections[domain.selection].targets;
        if domain.level == Level::Cell && !targets.iter().any(|(_, wanted)| *wanted) {
            let message = "the cells of the whole farm are too many to be remembered";
            return Err(ExprError::new(span.clone(), message)
                .hint("pick some: cell.truth.temperature_degc@target, or take max(…) of them"));
        }
        let key = self.key(span, ticks);
        let selections = Arc::default();
        self.needs.push(Need { key, what: Arc::new(node), domain, selections, ticks });
        Ok(key)
    }

    /// The target that an argument names, or every unit: where it is picked, and whose it is.
    fn subject(&mut self, ast: &Ast) -> Result<(Domain, Subject)> {
        let AstKind::Name(name) = &ast.kind else {
            let error = ExprError::new(ast.span.clone(), "the name of a target is needed here");
            return Err(error.hint("a target of the scenario, or `all`"));
        };
        if name == "all" && self.names.target(name).is_none() {
            return Ok((Domain { level: Level::Unit, selection: 0 }, Subject::Unit));
        }
        let (place, kind) = select::target(name, &ast.span, self.names)?;
        let selection =
            self.intern(Selection { targets: vec![(place, true)], ..Selection::default() });
        Ok(match kind {
            TargetKind::Rack => (Domain { level: Level::Rack, selection }, Subject::Rack),
            _ => (Domain { level: Level::Unit, selection }, Subject::Unit),
        })
    }
}

impl Vocabulary {
    /// Its words; the position is the number.
    pub(super) fn names(self) -> Vec<&'static str> {
        use bess_core::alarm::AlarmLevel;
        use bess_core::stage::Effect;
        use bess_core::state::UnitState;
        match self {
            Self::State => UnitState::ALL.map(UnitState::name).to_vec(),
            Self::AlarmLevel => {
                std::iter::once("none").chain(AlarmLevel::ALL.map(AlarmLevel::name)).collect()
            }
            Self::Contactor => vec!["open", "partly", "closed"],
            Self::Effect => Effect::ALL.map(|(name, _)| name).to_vec(),
        }
    }
    /// Whether its words are in an order.
    fn is_ordered(self) -> bool {
        self == Self::AlarmLevel
    }
}
