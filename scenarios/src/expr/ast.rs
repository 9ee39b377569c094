//! The tree of an expression as it is written, each part with its place.

use super::unit::Dim;
use std::ops::Range;

#[derive(Clone, Debug)]
pub(super) struct Ast {
    pub(super) span: Range<usize>,
    pub(super) kind: Kind,
}

#[derive(Clone, Debug)]
pub(super) enum Kind {
    Number {
        value: f64,
        dim: Option<Dim>,
        is_percent: bool,
    },
    Text(String),
    Name(String),
    Call {
        name: String,
        args: Vec<Arg>,
    },
    Minus(Box<Ast>),
    Not(Box<Ast>),
    Binary {
        op: Op,
        left: Box<Ast>,
        right: Box<Ast>,
    },
    /// `left ~= right ± tolerance`
    Near {
        left: Box<Ast>,
        right: Box<Ast>,
        tolerance: Box<Ast>,
    },
    /// `left in {set}`
    OneOf {
        left: Box<Ast>,
        set: Vec<Ast>,
    },
    /// `inner@target{label="…"}`
    Select {
        inner: Box<Ast>,
        at: Option<(String, Range<usize>)>,
        matchers: Vec<Matcher>,
    },
    /// `inner[30s]`
    Window {
        inner: Box<Ast>,
        seconds: f64,
    },
}

#[derive(Clone, Debug)]
pub(super) struct Arg {
    /// The name before `=`, if one.
    pub(super) name: Option<(String, Range<usize>)>,
    pub(super) value: Ast,
}

#[derive(Clone, Debug)]
pub(super) struct Matcher {
    pub(super) label: String,
    pub(super) label_span: Range<usize>,
    pub(super) op: MatchOp,
    pub(super) value: String,
    /// Whether the value is a text in quotes, and not a name.
    pub(super) is_text: bool,
    pub(super) value_span: Range<usize>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum MatchOp {
    Is,
    IsNot,
    Matches,
    MatchesNot,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Op {
    Implies,
    Or,
    And,
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Plus,
    Minus,
    Times,
    Over,
}

impl Op {
    pub(super) fn text(self) -> &'static str {
        match self {
            Self::Implies => "implies",
            Self::Or => "or",
            Self::And => "and",
            Self::Equal => "==",
            Self::NotEqual => "!=",
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
            Self::Plus => "+",
            Self::Minus => "-",
            Self::Times => "*",
            Self::Over => "/",
        }
    }
}
