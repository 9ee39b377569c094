//! What is wrong with an expression, and where.

use bess_core::config::{Problem, did_you_mean};
use std::ops::Range;

/// Why a text is no expression.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{message}")]
pub struct ExprError {
    /// The bytes of the text that are to blame.
    pub span: Range<usize>,
    /// What is wrong.
    pub message: String,
    /// How to mend it.
    pub hint: Option<String>,
}

impl ExprError {
    pub(crate) fn new(span: Range<usize>, message: impl Into<String>) -> Self {
        Self { span, message: message.into(), hint: None }
    }
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
    /// With a guess which of the `known` was meant, or else what there is.
    pub(crate) fn among(mut self, name: &str, known: &[&str]) -> Self {
        const FEW: usize = 16;
        let lower = name.to_lowercase();
        let distance = |other: &str| strsim::damerau_levenshtein(&lower, &other.to_lowercase());
        let nearest = known.iter().map(|other| (distance(other), *other)).min();
        let near = nearest.filter(|(distance, other)| *distance <= other.len() / 3);
        let guess = near.map(|(_, other)| format!("did you mean `{other}`?"));
        let list = || format!("there is {}", known.join(", "));
        let is_few = !known.is_empty() && known.len() <= FEW;
        self.hint = guess.or_else(|| did_you_mean(name, known)).or_else(|| is_few.then(list));
        self
    }
    /// The problem at its place in the text of the expression, for a person.
    pub fn problem(&self, text: &str) -> Problem {
        Problem::at("expression", text, self.span.clone(), self.message.clone(), self.hint.clone())
    }
}
