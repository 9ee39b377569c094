//! Arithmetic in `${…}`: numbers, durations, texts and parameters, with `+ - * /` and parentheses.

use super::literal::{duration_s, in_words};
use std::fmt;
use winnow::Parser;
use winnow::ascii::{float, multispace0};
use winnow::combinator::{
    alt, cut_err, delimited, eof, not, opt, peek, preceded, repeat, terminated,
};
use winnow::error::{ContextError, ErrMode};
use winnow::token::{one_of, take_while};

/// Value of a parameter, or of arithmetic with some.
#[derive(Clone, Debug, PartialEq)]
pub enum ParamValue {
    /// A whole number.
    Int(i64),
    /// A number.
    Float(f64),
    /// A text.
    Text(String),
    /// `true` or `false`.
    Bool(bool),
    /// A duration in s.
    Seconds(f64),
}

impl ParamValue {
    /// What it is, for messages.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Int(_) => "a whole number",
            Self::Float(_) => "a number",
            Self::Text(_) => "a text",
            Self::Bool(_) => "true or false",
            Self::Seconds(_) => "a duration",
        }
    }
}

impl fmt::Display for ParamValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Int(number) => write!(f, "{number}"),
            Self::Float(number) => write!(f, "{number}"),
            Self::Text(text) => f.write_str(text),
            Self::Bool(truth) => write!(f, "{truth}"),
            Self::Seconds(seconds) => f.write_str(&in_words(*seconds)),
        }
    }
}

/// Longest text within the braces: it is parsed by recursion.
const LENGTH_MAX: usize = 200;

/// Evaluates `text`; `get` knows the parameters.
///
/// # Errors
/// A sentence on what is wrong.
pub fn evaluate(
    text: &str,
    get: &dyn Fn(&str) -> Result<ParamValue, String>,
) -> Result<ParamValue, String> {
    if text.len() > LENGTH_MAX {
        return Err(format!("at most {LENGTH_MAX} characters may stand between the braces"));
    }
    let tree = terminated(sum, (multispace0, eof)).parse(text).map_err(|error| {
        let rest = text.get(error.offset()..).unwrap_or_default().trim_start();
        match rest {
            "" => "the arithmetic ends where a value was expected".to_owned(),
            rest => format!(
                "`{rest}` is not understood: a value, an operator + - * / or `)` was expected"
            ),
        }
    })?;
    let value = tree.value(get)?;
    match value {
        ParamValue::Float(number) | ParamValue::Seconds(number) if !number.is_finite() => {
            Err("the result is no finite number".to_owned())
        }
        value => Ok(value),
    }
}

#[derive(Clone, Debug)]
enum Tree {
    Value(ParamValue),
    Name(String),
    Minus(Box<Tree>),
    Pair(Box<Tree>, char, Box<Tree>),
}

type Parsed = Result<Tree, ErrMode<ContextError>>;

fn sum(input: &mut &str) -> Parsed {
    chain(input, product, ['+', '-'])
}
fn product(input: &mut &str) -> Parsed {
    chain(input, factor, ['*', '/'])
}
fn chain(input: &mut &str, part: fn(&mut &str) -> Parsed, signs: [char; 2]) -> Parsed {
    let first = part(input)?;
    let more = (preceded(multispace0, one_of(signs)), cut_err(part));
    let rest: Vec<(char, Tree)> = repeat(0.., more).parse_next(input)?;
    let pair = |left, (sign, right)| Tree::Pair(Box::new(left), sign, Box::new(right));
    Ok(rest.into_iter().fold(first, pair))
}
fn factor(input: &mut &str) -> Parsed {
    preceded(
        multispace0,
        alt((
            preceded('-', cut_err(factor)).map(|tree| Tree::Minus(Box::new(tree))),
            delimited('(', cut_err(sum), cut_err((multispace0, ')'))),
            quoted,
            duration,
            number,
            name,
        )),
    )
    .parse_next(input)
}
fn quoted(input: &mut &str) -> Parsed {
    let body = |quote: char| take_while(0.., move |c| c != quote);
    alt((delimited('\'', body('\''), '\''), delimited('"', body('"'), '"')))
        .map(|text: &str| Tree::Value(ParamValue::Text(text.to_owned())))
        .parse_next(input)
}
fn duration(input: &mut &str) -> Parsed {
    let first = peek(one_of(|c: char| c.is_ascii_digit()));
    let rest = take_while(1.., |c: char| c.is_ascii_digit() || c.is_ascii_lowercase() || c == '.');
    preceded(first, rest)
        .verify_map(|text: &str| duration_s(text).map(|s| Tree::Value(ParamValue::Seconds(s))))
        .parse_next(input)
}
fn number(input: &mut &str) -> Parsed {
    let digit = peek(one_of(|c: char| c.is_ascii_digit() || c == '.'));
    let word = not(one_of(|c: char| c.is_ascii_alphanumeric() || c == '_'));
    terminated(preceded(digit, float::<_, f64, _>.take()), word)
        .verify_map(|text: &str| {
            let whole = text.parse().map(ParamValue::Int);
            whole.or_else(|_| text.parse().map(ParamValue::Float)).ok().map(Tree::Value)
        })
        .parse_next(input)
}
fn name(input: &mut &str) -> Parsed {
    let first = one_of(|c: char| c.is_ascii_alphabetic() || c == '_');
    let rest = take_while(0.., |c: char| c.is_ascii_alphanumeric() || c == '_');
    (first, opt(rest))
        .take()
        .map(|text: &str| match text {
            "true" => Tree::Value(ParamValue::Bool(true)),
            "false" => Tree::Value(ParamValue::Bool(false)),
            text => Tree::Name(text.to_owned()),
        })
        .parse_next(input)
}

impl Tree {
    fn value(self, get: &dyn Fn(&str) -> Result<ParamValue, String>) -> Result<ParamValue, String> {
        match self {
            Self::Value(value) => Ok(value),
            Self::Name(name) => get(&name),
            Self::Minus(tree) => match tree.value(get)? {
                ParamValue::Int(number) => {
                    number.checked_neg().map(ParamValue::Int).ok_or_else(too_large)
                }
                ParamValue::Float(number) => Ok(ParamValue::Float(-number)),
                ParamValue::Seconds(seconds) => Ok(ParamValue::Seconds(-seconds)),
                other => Err(format!("{} has no negative", other.kind())),
            },
            Self::Pair(left, sign, right) => pair(left.value(get)?, sign, right.value(get)?),
        }
    }
}

fn too_large() -> String {
    "the whole number becomes too large".to_owned()
}

/// A number as people would have calculated it: 0.037, not 0.037000000000000005.
fn plain(number: f64) -> f64 {
    format!("{number:.14e}").parse().unwrap_or(number)
}

fn pair(left: ParamValue, sign: char, right: ParamValue) -> Result<ParamValue, String> {
    use ParamValue::{Float, Int, Seconds, Text};
    let float = |a: f64, b: f64| match sign {
        '+' => Ok(plain(a + b)),
        '-' => Ok(plain(a - b)),
        '*' => Ok(plain(a * b)),
        _ if b == 0.0 => Err("a division by zero".to_owned()),
        _ => Ok(plain(a / b)),
    };
    match (left, sign, right) {
        (Int(a), '+', Int(b)) => a.checked_add(b).map(Int).ok_or_else(too_large),
        (Int(a), '-', Int(b)) => a.checked_sub(b).map(Int).ok_or_else(too_large),
        (Int(a), '*', Int(b)) => a.checked_mul(b).map(Int).ok_or_else(too_large),
        (Int(a), _, Int(b)) => float(a as f64, b as f64).map(Float),
        (Int(a), _, Float(b)) => float(a as f64, b).map(Float),
        (Float(a), _, Int(b)) => float(a, b as f64).map(Float),
        (Float(a), _, Float(b)) | (Seconds(a), '/', Seconds(b)) => float(a, b).map(Float),
        (Seconds(a), '*' | '/', Int(b)) => float(a, b as f64).map(Seconds),
        (Int(a), '*', Seconds(b)) => float(a as f64, b).map(Seconds),
        (Seconds(a), '+' | '-', Seconds(b))
        | (Seconds(a), '*' | '/', Float(b))
        | (Float(a), '*', Seconds(b)) => float(a, b).map(Seconds),
        (Text(a), '+', b) if a.len() < LENGTH_MAX * LENGTH_MAX => Ok(Text(format!("{a}{b}"))),
        (a, sign, b) => Err(format!("{} `{sign}` {} makes no sense", a.kind(), b.kind())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn calc(text: &str) -> Result<ParamValue, String> {
        evaluate(text, &|name| match name {
            "n" => Ok(ParamValue::Int(3)),
            "x" => Ok(ParamValue::Float(0.5)),
            "wait" => Ok(ParamValue::Seconds(90.0)),
            "who" => Ok(ParamValue::Text("ems".to_owned())),
            _ => Err(format!("there is no parameter `{name}`")),
        })
    }

    #[test]
    fn arithmetic_keeps_whole_numbers_and_durations_what_they_are() {
        use ParamValue::{Float, Int, Seconds, Text};
        for (text, wanted) in [
            ("n", Int(3)),
            (" n + 2*4 ", Int(11)),
            ("(n + 2) * 4", Int(20)),
            ("10 - 3 - 2", Int(5)),
            ("7 / 2", Float(3.5)),
            ("-n + x", Float(-2.5)),
            ("1e3 * x", Float(500.0)),
            ("0.05 - 0.013", Float(0.037)),
            ("0.1 + 0.2", Float(0.3)),
            ("wait + 15s", Seconds(105.0)),
            ("2 * wait", Seconds(180.0)),
            ("wait / 30s", Float(3.0)),
            ("wait / 2", Seconds(45.0)),
            ("1h30m", Seconds(5400.0)),
            ("who + '-' + n", Text("ems-3".to_owned())),
        ] {
            assert_eq!(calc(text), Ok(wanted), "{text}");
        }
    }

    #[test]
    fn what_makes_no_sense_is_said_in_a_sentence() {
        for (text, wanted) in [
            ("m", "there is no parameter `m`"),
            ("", "the arithmetic ends where a value was expected"),
            ("n +", "the arithmetic ends where a value was expected"),
            ("n n", "`n` is not understood: a value, an operator + - * / or `)` was expected"),
            ("(n", "the arithmetic ends where a value was expected"),
            ("n / 0", "a division by zero"),
            ("n + wait", "a whole number `+` a duration makes no sense"),
            ("-who", "a text has no negative"),
            ("9223372036854775807 + 1", "the whole number becomes too large"),
            ("1e308 * 10.0", "the result is no finite number"),
        ] {
            assert_eq!(calc(text), Err(wanted.to_owned()), "{text}");
        }
        assert!(calc(&"(".repeat(200)).is_err());
        assert!(calc(&"-".repeat(201)).expect_err("long").starts_with("at most 200"));
    }
}
