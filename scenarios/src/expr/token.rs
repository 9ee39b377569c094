//! From text to tokens, each with its place.

use super::error::ExprError;
use super::unit::{self, Dim, UNITS};
use std::ops::Range;
use winnow::Parser;
use winnow::ascii::digit1;
use winnow::combinator::{alt, delimited, opt, preceded, repeat};
use winnow::error::{ContextError, ErrMode};
use winnow::stream::{LocatingSlice, Location, Stream};
use winnow::token::{any, literal, one_of, take_while};

/// Longest text of an expression in bytes.
pub(super) const LENGTH_MAX: usize = 4000;
/// Most tokens of an expression: it bounds how deep one can nest.
pub(super) const TOKENS_MAX: usize = 500;

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Kind {
    /// A number in SI, with its dimension where a unit follows it; `%` is told apart for tolerances.
    Number { value: f64, dim: Option<Dim>, is_percent: bool },
    /// A text in quotes.
    Text(String),
    /// A name: letters, digits, `_`, `.` and `-` within.
    Name(String),
    /// An operator or a bracket.
    Sign(&'static str),
}

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Token {
    pub(super) kind: Kind,
    pub(super) span: Range<usize>,
}

/// Signs; one that begins with another comes before it.
const SIGNS: [&str; 25] = [
    "+/-", "==", "!=", "<=", ">=", "=~", "!~", "~=", "+-", "(", ")", "{", "}", "[", "]", ",", "@",
    "+", "-", "*", "/", "<", ">", "=", "±",
];

type Input<'t> = LocatingSlice<&'t str>;
type Result<T> = std::result::Result<T, ErrMode<ContextError>>;

/// A number as it is written.
enum Raw<'t> {
    /// Each part with its unit: `1h30m` has two.
    Number(Vec<(f64, &'t str)>),
    Other(Kind),
}

fn float(input: &mut Input<'_>) -> Result<f64> {
    let exponent = (one_of(['e', 'E']), opt(one_of(['+', '-'])), digit1);
    (digit1, opt(('.', digit1)), opt(exponent)).take().parse_to().parse_next(input)
}
fn number<'t>(input: &mut Input<'t>) -> Result<Raw<'t>> {
    let symbol = take_while(0.., |c: char| c.is_alphabetic() || c == '%' || c == '°');
    repeat(1.., (float, symbol)).map(Raw::Number).parse_next(input)
}
fn quoted<'t>(input: &mut Input<'t>) -> Result<Raw<'t>> {
    let within = |quote: char| delimited(quote, take_while(0.., move |c| c != quote), quote);
    let text = alt((within('"'), within('\'')));
    text.map(|text: &str| Raw::Other(Kind::Text(text.to_owned()))).parse_next(input)
}
fn name<'t>(input: &mut Input<'t>) -> Result<Raw<'t>> {
    let word = |c: char| c.is_alphanumeric() || c == '_';
    let joint = preceded(one_of(['.', '-']), take_while(1.., word));
    let first = (any.verify(|c: &char| c.is_alphabetic() || *c == '_'), take_while(0.., word));
    let all = (first, repeat::<_, _, (), _, _>(0.., joint)).take();
    all.map(|text: &str| Raw::Other(Kind::Name(text.to_owned()))).parse_next(input)
}
fn sign<'t>(input: &mut Input<'t>) -> Result<Raw<'t>> {
    for sign in SIGNS {
        if opt(literal(sign)).parse_next(input)?.is_some() {
            let sign = if matches!(sign, "+-" | "+/-") { "±" } else { sign };
            return Ok(Raw::Other(Kind::Sign(sign)));
        }
    }
    winnow::combinator::fail.parse_next(input)
}

/// The tokens of a text.
pub(super) fn tokens(text: &str) -> std::result::Result<Vec<Token>, ExprError> {
    if text.len() > LENGTH_MAX {
        let message = format!("an expression has at most {LENGTH_MAX} bytes, got {}", text.len());
        return Err(ExprError::new(0..text.len(), message));
    }
    let mut input = LocatingSlice::new(text);
    let mut all = Vec::new();
    loop {
        let _: &str = take_while(0.., char::is_whitespace)
            .parse_next(&mut input)
            .map_err(|_: ErrMode<ContextError>| stray(text, 0))?;
        if input.eof_offset() == 0 {
            return Ok(all);
        }
        let start = input.current_token_start();
        let raw = alt((number, quoted, name, sign)).parse_next(&mut input);
        let raw = raw.map_err(|_| stray(text, start))?;
        let span = start..text.len() - input.eof_offset();
        let kind = match raw {
            Raw::Number(parts) => quantity(&parts, &span)?,
            Raw::Other(kind) => kind,
        };
        if all.len() == TOKENS_MAX {
            let message = format!("an expression has at most {TOKENS_MAX} words and signs");
            return Err(ExprError::new(span, message).hint("split it into several checks"));
        }
        all.push(Token { kind, span });
    }
}

fn quantity(parts: &[(f64, &str)], span: &Range<usize>) -> std::result::Result<Kind, ExprError> {
    let mut whole = Kind::Number { value: 0.0, dim: None, is_percent: false };
    for (index, (number, symbol)) in parts.iter().enumerate() {
        let (factor, dim) = if symbol.is_empty() {
            (1.0, None)
        } else {
            let Some(unit) = unit::find(symbol) else {
                let names: Vec<&str> = UNITS.iter().map(|unit| unit.name).collect();
                let message = format!("there is no unit `{symbol}`");
                return Err(ExprError::new(span.clone(), message).among(symbol, &names));
            };
            (unit.factor, Some(unit.dim))
        };
        let sum = match whole {
            Kind::Number { value, .. } => value,
            _ => 0.0,
        };
        // Only times are written in parts.
        if index > 0 && dim != Some(Dim::TIME) || index + 1 < parts.len() && dim != Some(Dim::TIME)
        {
            let message = "two numbers follow each other without an operator";
            return Err(ExprError::new(span.clone(), message)
                .hint("only times are written in parts: 1h30m"));
        }
        let value = sum + number * factor;
        whole = Kind::Number { value, dim, is_percent: *symbol == "%" };
    }
    Ok(whole)
}

fn stray(text: &str, at: usize) -> ExprError {
    let rest = text.get(at..).unwrap_or_default();
    let Some(c) = rest.chars().next() else {
        return ExprError::new(at..at, "the expression ends too early");
    };
    let error = ExprError::new(at..at + c.len_utf8(), format!("`{c}` has no meaning here"));
    match c {
        '&' => error.hint("write `and`"),
        '|' => error.hint("write `or`"),
        '!' => error.hint("write `not`"),
        '"' | '\'' => error.hint("the text lacks its closing quote"),
        '$' => error.hint("parameters are filled in before: `${name}` of a declared parameter"),
        _ => error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(text: &str) -> Vec<Kind> {
        tokens(text).expect("tokens").into_iter().map(|token| token.kind).collect()
    }
    fn number(text: &str) -> (f64, Option<Dim>) {
        match kinds(text).as_slice() {
            [Kind::Number { value, dim, .. }] => (*value, *dim),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_literal_is_its_worth_in_si() {
        assert_eq!(number("5MW"), (5e6, Some(Dim::POWER)));
        assert_eq!(number("200mHz"), (0.2, Some(Dim::FREQUENCY)));
        assert_eq!(number("25%"), (0.25, Some(Dim::NONE)));
        assert_eq!(number("12mohm"), (0.012, Some(Dim::RESISTANCE)));
        assert_eq!(number("45degC"), (45.0, Some(Dim::TEMPERATURE)));
        assert_eq!(number("3.6V"), (3.6, Some(Dim::VOLTAGE)));
        assert_eq!(number("1h30m"), (5400.0, Some(Dim::TIME)));
        assert_eq!(number("1e6"), (1e6, None));
        assert_eq!(number("2.5e-3A"), (0.0025, Some(Dim::CURRENT)));
    }

    #[test]
    fn a_hyphen_within_a_name_belongs_to_it_and_one_with_spaces_is_a_minus() {
        let name = |text: &str| Kind::Name(text.to_owned());
        assert_eq!(
            kinds("truth.soc@victim-unit"),
            [name("truth.soc"), Kind::Sign("@"), name("victim-unit")]
        );
        assert_eq!(kinds("a - b"), [name("a"), Kind::Sign("-"), name("b")]);
    }

    #[test]
    fn the_three_ways_to_write_a_tolerance_are_one() {
        for text in ["± 1%", "+- 1%", "+/- 1%"] {
            assert_eq!(kinds(text)[0], Kind::Sign("±"), "{text}");
        }
    }

    #[test]
    fn what_is_no_token_is_refused_at_its_place_with_a_hint() {
        let error = tokens("a && b").expect_err("no sign");
        assert_eq!((error.span, error.hint.as_deref()), (2..3, Some("write `and`")));
        let error = tokens("5 < 3kw").expect_err("no unit");
        assert_eq!((error.span, error.hint.as_deref()), (4..7, Some("did you mean `kW`?")));
        assert!(tokens("5W3W").is_err());
        assert!(tokens("\"open").is_err());
        assert!(tokens(&"1 ".repeat(TOKENS_MAX + 1)).is_err());
        assert!(tokens(&" ".repeat(LENGTH_MAX + 1)).is_err());
    }
}
