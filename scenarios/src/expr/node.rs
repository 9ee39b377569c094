//! A compiled expression: every name resolved, every type known.

use super::pattern::EventPattern;
use crate::sight::{Get, Level};
use bess_core::alarm::{AlarmCode, AlarmLevel};

/// Place of a selection in its expression; 0 selects everything.
pub(crate) type SelectionId = usize;

/// Which units, racks and cells an operand is about.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Selection {
    /// By unit, from labels; empty for all.
    pub(crate) units: Vec<bool>,
    /// By rack of the farm, from labels; empty for all.
    pub(crate) racks: Vec<bool>,
    /// Places of targets, and whether one must belong to it or must not.
    pub(crate) targets: Vec<(usize, bool)>,
}

/// Of what an operand has values, and which of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Domain {
    pub(crate) level: Level,
    pub(crate) selection: SelectionId,
}

impl Domain {
    pub(crate) const ONE: Self = Self { level: Level::One, selection: 0 };
}

/// Key of what [`Memory`](crate::sight::Memory) keeps: a hash of what is measured and for how long.
pub(crate) type Key = u64;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Arithmetic {
    Plus,
    Minus,
    Times,
    Over,
    Smaller,
    Larger,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Aggregate {
    Sum,
    Mean,
    Min,
    Max,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Window {
    Rate,
    Delta,
    Mean,
    Min,
    Max,
    Changes,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Compare {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// A number, NaN where it is absent.
#[derive(Clone, Debug)]
pub(crate) enum Num {
    Const(f64),
    Signal {
        get: Get,
        scale: f64,
        shadow: bool,
    },
    Minus(Box<Num>),
    Abs(Box<Num>),
    Clamp(Box<[Num; 3]>),
    Pair(Arithmetic, Box<[Num; 2]>),
    Aggregate(Aggregate, Box<Num>, Domain),
    Quantile(Box<[Num; 2]>, Domain),
    /// How many values there are.
    CountValues(Box<Num>, Domain),
    /// Of how many it is true.
    CountTrue(Box<Truth>, Domain),
    CountMembers(usize),
    Window(Window, Key),
    Baseline(Key),
    CountSince(usize, Box<EventPattern>),
    SinceEvent(Box<EventPattern>),
    SinceAction(usize),
    /// Position of a unit's state.
    State,
    /// Gravest level at which an alarm stands, from 1; 0 for none.
    AlarmLevel(Option<AlarmCode>, Subject),
    /// 0 open, 1 partly, 2 closed.
    Contactor(Subject),
    Effect(usize),
}

/// Whether an alarm or a contactor is that of a unit or of a rack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Subject {
    Unit,
    Rack,
}

/// Yes, no, or nobody can say.
#[derive(Clone, Debug)]
pub(crate) enum Truth {
    Const(bool),
    /// A yes or no as a number.
    Flag(Num),
    Compare(Compare, Box<[Num; 2]>),
    /// Whether two numbers are no further apart than the third, or than that part of the second.
    Near(Box<[Num; 3]>, bool),
    OneOf(Box<Num>, Vec<f64>),
    Absent(Box<Num>),
    Not(Box<Truth>),
    And(Box<[Truth; 2]>),
    Or(Box<[Truth; 2]>),
    Every(Box<Truth>, Domain),
    Any(Box<Truth>, Domain),
    Within(usize),
    Alarm(Option<AlarmCode>, Option<AlarmLevel>, Subject),
    Latched(Option<AlarmCode>, Subject),
    Event(Box<EventPattern>),
    Noticed(Box<str>, Option<usize>),
    IsActive(usize),
    Stuck(Key),
}

impl Num {
    /// Whether it is the same whatever happens.
    pub(crate) fn is_fixed(&self) -> bool {
        match self {
            Self::Const(_) => true,
            Self::Minus(of) | Self::Abs(of) => of.is_fixed(),
            Self::Clamp(of) => of.iter().all(Self::is_fixed),
            Self::Pair(_, of) => of.iter().all(Self::is_fixed),
            _ => false,
        }
    }
}

impl Truth {
    /// Whether it is the same whatever happens.
    pub(crate) fn is_fixed(&self) -> bool {
        match self {
            Self::Const(_) => true,
            Self::Flag(of) => of.is_fixed(),
            Self::OneOf(of, _) | Self::Absent(of) => of.is_fixed(),
            Self::Compare(_, of) => of.iter().all(Num::is_fixed),
            Self::Near(of, _) => of.iter().all(Num::is_fixed),
            Self::Not(of) => of.is_fixed(),
            Self::And(of) | Self::Or(of) => of.iter().all(Self::is_fixed),
            _ => false,
        }
    }
}
