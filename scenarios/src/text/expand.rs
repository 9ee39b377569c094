//! Puts parameters into a tree: `${…}` in a text becomes its value. A text that is one `${…}` becomes a
//! number, or `true` and `false`, where the value is one.

use super::arithmetic::{ParamValue, evaluate};
use super::{Tree, each_in};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::Range;
use toml::de::DeValue;

/// Most bytes that a text may grow to.
const TEXT_MAX: usize = 1 << 16;

/// What was put into one text.
#[derive(Clone, Debug, PartialEq)]
pub struct Expansion {
    /// The text before.
    pub raw: String,
    /// Bytes after and bytes before, in order.
    pieces: Vec<(Range<usize>, Range<usize>)>,
}

impl Expansion {
    /// The bytes before of some bytes after.
    pub(super) fn before(&self, after: Range<usize>) -> Range<usize> {
        let mut result = self.raw.len()..self.raw.len();
        let last = after.end.max(after.start + 1) - 1;
        for (new, old) in &self.pieces {
            let is_copied = new.len() == old.len() && !self.raw[old.clone()].starts_with("${");
            if new.contains(&after.start) {
                result.start =
                    if is_copied { old.start + after.start - new.start } else { old.start };
            }
            if new.contains(&last) {
                result.end = if is_copied { old.start + last - new.start + 1 } else { old.end };
            }
        }
        result.start..result.end.max(result.start)
    }
}

/// The value of a parameter, or why there is none and how to mend it.
pub type Known = Result<ParamValue, (String, Option<String>)>;

/// What was put into texts, by the place where each begins.
pub type Expansions = BTreeMap<usize, Expansion>;

/// A problem with a `${…}`.
#[derive(Clone, Debug, PartialEq)]
pub struct Wrong {
    /// Where the text stands in which it is.
    pub scalar: Range<usize>,
    /// Where it stands itself.
    pub span: Range<usize>,
    /// What is wrong.
    pub message: String,
    /// How to mend it.
    pub hint: Option<String>,
}

impl Tree<'_> {
    /// Puts parameters into every text but those of the tables `skipped` of the root. `get` knows the
    /// parameters; what is wrong goes to `report` with its place in `text`, the text of this tree.
    pub fn expand(
        &mut self,
        text: &str,
        skipped: &[&str],
        get: &dyn Fn(&str) -> Known,
        report: &mut dyn FnMut(Wrong),
    ) -> Expansions {
        let mut expansions = Expansions::new();
        let numbers = &mut self.numbers;
        for (key, value) in self.table.get_mut().iter_mut() {
            if skipped.contains(&key.get_ref().as_ref()) {
                continue;
            }
            each_in(value, &mut |scalar| {
                let span = scalar.span();
                let DeValue::String(raw) = scalar.get_ref() else { return };
                if !raw.contains("${") {
                    return;
                }
                match put_in(raw, get) {
                    Err(wrong) => {
                        let at = super::place(text, &span, raw, None, wrong.span);
                        report(Wrong { scalar: span, span: at, ..wrong });
                        // Nothing further is said of it.
                        *scalar.get_mut() = DeValue::String(Cow::Borrowed(""));
                    }
                    Ok((new, pieces)) => {
                        let expansion = Expansion { raw: raw.to_string(), pieces };
                        expansions.insert(span.start, expansion);
                        *scalar.get_mut() = match new {
                            ParamValue::Bool(truth) => DeValue::Boolean(truth),
                            ParamValue::Int(number) => {
                                numbers.insert(span.start, number.to_string());
                                DeValue::String(Cow::Owned(number.to_string()))
                            }
                            ParamValue::Float(number) => {
                                numbers.insert(span.start, format!("{number:?}"));
                                DeValue::String(Cow::Owned(number.to_string()))
                            }
                            new => DeValue::String(Cow::Owned(new.to_string())),
                        };
                    }
                }
            });
        }
        expansions
    }
}

type PutIn = (ParamValue, Vec<(Range<usize>, Range<usize>)>);

/// A text with its parameters put in.
fn put_in(raw: &str, get: &dyn Fn(&str) -> Known) -> Result<PutIn, Wrong> {
    let mut new = String::new();
    let mut pieces = Vec::new();
    let mut at = 0;
    while let Some(begin) = raw[at..].find("${").map(|found| at + found) {
        let from = new.len();
        new.push_str(&raw[at..begin]);
        pieces.push((from..new.len(), at..begin));
        let Some(end) = raw[begin..].find('}').map(|found| begin + found) else {
            let message = "`${` without `}`".to_owned();
            return Err(Wrong { scalar: 0..0, span: begin..begin + 2, message, hint: None });
        };
        let span = begin..end + 1;
        let hint = std::cell::RefCell::new(None);
        let known = |name: &str| {
            get(name).map_err(|(message, mend)| {
                *hint.borrow_mut() = mend;
                message
            })
        };
        let value = evaluate(&raw[begin + 2..end], &known).map_err(|message| Wrong {
            scalar: 0..0,
            span: span.clone(),
            message,
            hint: hint.take(),
        })?;
        if span == (0..raw.len()) {
            let words = value.to_string().len();
            return Ok((value, vec![(0..words, span)]));
        }
        let from = new.len();
        new.push_str(&value.to_string());
        pieces.push((from..new.len(), span));
        if new.len() > TEXT_MAX {
            let message = format!("the text grows beyond {TEXT_MAX} bytes");
            return Err(Wrong { scalar: 0..0, span: begin..end + 1, message, hint: None });
        }
        at = end + 1;
    }
    let from = new.len();
    new.push_str(&raw[at..]);
    pieces.push((from..new.len(), at..raw.len()));
    Ok((ParamValue::Text(new), pieces))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::{parse, place};

    fn get(name: &str) -> Known {
        match name {
            "limit" => Ok(ParamValue::Float(50.5)),
            "n" => Ok(ParamValue::Int(2)),
            _ => Err((format!("there is no parameter `{name}`"), Some("did you mean".into()))),
        }
    }

    #[test]
    fn a_place_behind_a_parameter_is_that_of_the_file() {
        let text = "é: \"a > ${limit} and fault > ${n}\"\n";
        let mut tree = parse("s.yaml", text).expect("a tree");
        let expansions = tree.expand(text, &[], &get, &mut |wrong| panic!("{wrong:?}"));
        tree.with(|table| {
            let value = table.get_ref().get("é").expect("é");
            let now = value.get_ref().as_str().expect("a text");
            assert_eq!(now, "a > 50.5 and fault > 2");
            let expansion = expansions.get(&value.span().start);
            let found = |word: &str| {
                let start = now.find(word).expect("there");
                let wanted = start..start + word.len();
                &text[place(text, &value.span(), now, expansion, wanted)]
            };
            assert_eq!(found("fault"), "fault");
            assert_eq!(found("50.5"), "${limit}");
            assert_eq!(found("2"), "${n}");
            assert_eq!(found("a >"), "a >");
        });
    }

    #[test]
    fn a_text_that_is_one_parameter_becomes_its_value() {
        let text = "a: ${n}\nb: ${limit * 2}\nc: ${n}s\nparams: {x: \"${n}\"}\n";
        let mut tree = parse("s.yaml", text).expect("a tree");
        tree.expand(text, &["params"], &get, &mut |wrong| panic!("{wrong:?}"));
        tree.with(|table| {
            let table = table.get_ref();
            assert!(table["a"].get_ref().is_integer());
            assert_eq!(
                table["b"].get_ref().as_float().map(toml::de::DeFloat::as_str),
                Some("101.0")
            );
            assert_eq!(table["c"].get_ref().as_str(), Some("2s"));
        });
    }

    #[test]
    fn what_is_wrong_in_braces_is_told_at_its_place() {
        let text = "a: x ${m} y\nb: ${n\n";
        let mut tree = parse("s.yaml", text).expect("a tree");
        let mut wrong = Vec::new();
        tree.expand(text, &[], &get, &mut |of| wrong.push((of.span, of.message)));
        assert_eq!(wrong[0], (5..9, "there is no parameter `m`".to_owned()));
        assert_eq!(wrong[1], (15..17, "`${` without `}`".to_owned()));
    }
}
