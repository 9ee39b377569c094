//! Parameters of a fault, and their values at one moment.

use bess_core::stage::ParameterInfo;
use std::fmt;
use std::sync::Arc;

/// One parameter of a fault.
#[derive(Clone, Copy, Debug)]
pub struct Parameter {
    /// Its name, ending in its unit.
    pub name: &'static str,
    /// What it is.
    pub text: &'static str,
    /// What it may be.
    pub kind: ParameterKind,
    /// Whether a fault without it is refused; one that has a default is not needed.
    pub is_needed: bool,
}

/// What a parameter may be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum ParameterKind {
    /// A number in the unit at the end of its name; it may be a shape or a distribution.
    Number {
        /// Smallest.
        min: f64,
        /// Largest.
        max: f64,
        /// What it is where it is not given; `None` for absent.
        default: Option<f64>,
    },
    /// One of some words.
    Word {
        /// Which.
        choices: &'static [&'static str],
        /// What it is where it is not given; `None` for absent.
        default: Option<&'static str>,
    },
    /// Yes or no; no where it is not given.
    Flag,
    /// A list of numbers; empty where it is not given.
    Numbers {
        /// Smallest of each.
        min: f64,
        /// Largest of each.
        max: f64,
    },
    /// Text such as a name or an address; absent where it is not given.
    Text,
}

impl Parameter {
    /// A number that is needed.
    pub const fn number(name: &'static str, min: f64, max: f64, text: &'static str) -> Self {
        let kind = ParameterKind::Number { min, max, default: None };
        Self { name, text, kind, is_needed: true }
    }
    /// A number that may be absent.
    pub const fn optional(name: &'static str, min: f64, max: f64, text: &'static str) -> Self {
        Self { is_needed: false, ..Self::number(name, min, max, text) }
    }
    /// A number with a default.
    pub const fn number_or(
        name: &'static str,
        default: f64,
        min: f64,
        max: f64,
        text: &'static str,
    ) -> Self {
        let kind = ParameterKind::Number { min, max, default: Some(default) };
        Self { name, text, kind, is_needed: false }
    }
    /// A word that is needed.
    pub const fn word(
        name: &'static str,
        choices: &'static [&'static str],
        text: &'static str,
    ) -> Self {
        let kind = ParameterKind::Word { choices, default: None };
        Self { name, text, kind, is_needed: true }
    }
    /// A word with a default, which is one of the choices.
    pub const fn word_or(
        name: &'static str,
        default: &'static str,
        choices: &'static [&'static str],
        text: &'static str,
    ) -> Self {
        let kind = ParameterKind::Word { choices, default: Some(default) };
        Self { name, text, kind, is_needed: false }
    }
    /// A yes or no.
    pub const fn flag(name: &'static str, text: &'static str) -> Self {
        Self { name, text, kind: ParameterKind::Flag, is_needed: false }
    }
    /// A list of numbers.
    pub const fn numbers(name: &'static str, min: f64, max: f64, text: &'static str) -> Self {
        Self { name, text, kind: ParameterKind::Numbers { min, max }, is_needed: false }
    }
    /// A text that may be absent.
    pub const fn text(name: &'static str, text: &'static str) -> Self {
        Self { name, text, kind: ParameterKind::Text, is_needed: false }
    }

    /// It for documents.
    pub fn info(&self) -> ParameterInfo {
        let none = (f64::NAN, f64::NAN);
        let (takes, (min, max), default) = match self.kind {
            ParameterKind::Number { min, max, default } => {
                ("number", (min, max), default.map(|number| number.to_string()))
            }
            ParameterKind::Word { default, .. } => ("word", none, default.map(str::to_owned)),
            ParameterKind::Flag => ("flag", none, Some("false".to_owned())),
            ParameterKind::Numbers { min, max } => ("numbers", (min, max), Some("[]".to_owned())),
            ParameterKind::Text => ("text", none, None),
        };
        let choices: &'static [&'static str] = match self.kind {
            ParameterKind::Word { choices, .. } => choices,
            _ => &[],
        };
        // What is neither needed nor has a default is absent.
        let default = default.or_else(|| (!self.is_needed).then(String::new));
        ParameterInfo { name: self.name, text: self.text, takes, min, max, choices, default }
    }
}

/// A value of a parameter at one moment.
#[derive(Clone, Debug, PartialEq)]
pub enum Arg {
    /// A number.
    Number(f64),
    /// A word, one of the parameter's choices.
    Word(&'static str),
    /// A yes or no.
    Flag(bool),
    /// Numbers.
    Numbers(Vec<f64>),
    /// A text.
    Text(Arc<str>),
}

impl fmt::Display for Arg {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => write!(f, "{number}"),
            Self::Word(word) => f.write_str(word),
            Self::Flag(flag) => write!(f, "{flag}"),
            Self::Numbers(numbers) => write!(f, "{numbers:?}"),
            Self::Text(text) => f.write_str(text),
        }
    }
}

/// The values of a fault's parameters at one moment, checked: each within its range, none missing that is
/// needed, defaults filled in.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Args(Vec<(&'static str, Arg)>);

impl Args {
    /// These values.
    pub fn new(values: Vec<(&'static str, Arg)>) -> Self {
        Self(values)
    }
    /// Every value with its name, in the order of the parameters.
    pub fn values(&self) -> &[(&'static str, Arg)] {
        &self.0
    }
    /// The value called `name`, if it is not absent.
    pub fn get(&self, name: &str) -> Option<&Arg> {
        self.0.iter().find(|(known, _)| *known == name).map(|(_, value)| value)
    }
    /// The number called `name`, if it is not absent.
    pub fn maybe(&self, name: &str) -> Option<f64> {
        match self.get(name) {
            Some(Arg::Number(number)) => Some(*number),
            _ => None,
        }
    }
    /// The number called `name`.
    ///
    /// # Panics
    /// When the kind has no such number that is needed or has a default.
    pub fn number(&self, name: &str) -> f64 {
        self.maybe(name).expect("a number that is needed or has a default")
    }
    /// The word called `name`; empty when it is absent.
    pub fn word(&self, name: &str) -> &'static str {
        match self.get(name) {
            Some(Arg::Word(word)) => word,
            _ => "",
        }
    }
    /// The yes or no called `name`.
    pub fn flag(&self, name: &str) -> bool {
        matches!(self.get(name), Some(Arg::Flag(true)))
    }
    /// The numbers called `name`.
    pub fn numbers(&self, name: &str) -> &[f64] {
        match self.get(name) {
            Some(Arg::Numbers(numbers)) => numbers,
            _ => &[],
        }
    }
    /// The text called `name`, if it is not absent.
    pub fn text(&self, name: &str) -> Option<&str> {
        match self.get(name) {
            Some(Arg::Text(text)) => Some(text),
            _ => None,
        }
    }
}
