//! YAML as a tree with places. What says one thing in two ways (anchors, tags, merge keys) is refused, as
//! is a key that is there twice or has no value.

use super::{DEPTH_MAX, Tree};
use bess_core::config::{Notation, Problem, Problems};
use saphyr_parser::{Event, Marker, Parser, ScalarStyle, Span};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::Range;
use toml::Spanned;
use toml::de::{DeArray, DeString, DeTable, DeValue};

/// Problems of syntax that are told before it is given up.
const PROBLEMS_MAX: usize = 100;
const ROOT: &str = "the text must be a table of keys and values";

/// Parses `text`, whose root must be a table.
pub(super) fn parse<'a>(file: &str, text: &'a str) -> Result<Tree<'a>, Problems> {
    let mut builder = Builder::new(file, text);
    let root = builder.read();
    if builder.problems.is_empty() {
        match root.map(|root| (root.span(), root.into_inner())) {
            Some((span, DeValue::Table(table))) => {
                let table = Spanned::new(span, table);
                return Ok(Tree { table, notation: Notation::Yaml, numbers: builder.numbers });
            }
            Some((span, _)) => builder.report(span.start..span.start, ROOT, None),
            None => builder.report(0..0, ROOT, Some("the text is empty")),
        }
    }
    Err(Problems(builder.problems))
}

/// A list or a table that is being read.
enum Open<'a> {
    List { start: usize, items: DeArray<'a> },
    Table { start: usize, table: DeTable<'a>, key: Option<Spanned<DeString<'a>>> },
}

struct Builder<'a, 'f> {
    file: &'f str,
    text: &'a str,
    /// Bytes of the text by characters, where the two differ.
    bytes: Option<Vec<usize>>,
    open: Vec<Open<'a>>,
    root: Option<Spanned<DeValue<'a>>>,
    numbers: BTreeMap<usize, String>,
    problems: Vec<Problem>,
}

impl<'a, 'f> Builder<'a, 'f> {
    fn new(file: &'f str, text: &'a str) -> Self {
        let bytes = (!text.is_ascii()).then(|| text.char_indices().map(|(at, _)| at).collect());
        Self {
            file,
            text,
            bytes,
            open: Vec::new(),
            root: None,
            numbers: BTreeMap::new(),
            problems: Vec::new(),
        }
    }

    fn byte(&self, marker: &Marker) -> usize {
        let at = match &self.bytes {
            Some(bytes) => bytes.get(marker.index()).copied().unwrap_or(self.text.len()),
            None => marker.index(),
        };
        at.min(self.text.len())
    }
    fn bytes(&self, span: &Span) -> Range<usize> {
        let start = self.byte(&span.start);
        start..self.byte(&span.end).max(start)
    }
    fn report(&mut self, span: Range<usize>, message: &str, hint: Option<&str>) {
        let hint = hint.map(str::to_owned);
        self.problems.push(Problem::at(self.file, self.text, span, message.to_owned(), hint));
    }

    /// Every event to the end, or to the first thing that is no YAML.
    fn read(&mut self) -> Option<Spanned<DeValue<'a>>> {
        let mut parser = Parser::new_from_str(self.text);
        let mut n_documents = 0;
        while let Some(event) = parser.next_event() {
            let (event, span) = match event {
                Ok((event, span)) => (event, self.bytes(&span)),
                Err(error) => {
                    let at = self.byte(error.marker());
                    self.report(at..at, &format!("not valid YAML: {}", error.info()), None);
                    return None;
                }
            };
            match event {
                Event::DocumentStart(_) => {
                    n_documents += 1;
                    if n_documents > 1 {
                        self.report(span, "a second document begins: a file has one", None);
                        return None;
                    }
                }
                Event::Alias(_) => {
                    let hint = "write the value out, or make it a parameter: ${name}";
                    self.report(span, "aliases (`*`) are not read here", Some(hint));
                    // Something stands in for it, so that what follows is read in its place.
                    self.put(0..0, DeValue::Boolean(false));
                }
                Event::Scalar(text, style, anchor, tag) => {
                    self.refuse(&span, anchor, tag.is_some());
                    self.scalar(span, text, style);
                }
                Event::SequenceStart(anchor, tag) => {
                    self.refuse(&span, anchor, tag.is_some());
                    self.open.push(Open::List { start: span.start, items: DeArray::new() });
                }
                Event::MappingStart(anchor, tag) => {
                    self.refuse(&span, anchor, tag.is_some());
                    let table = DeTable::new();
                    self.open.push(Open::Table { start: span.start, table, key: None });
                }
                Event::SequenceEnd | Event::MappingEnd => self.close(&span),
                Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => {}
            }
            if self.open.len() > DEPTH_MAX {
                let message = format!("lists and tables are nested more than {DEPTH_MAX} deep");
                self.report(self.start_of_last(), &message, None);
                return None;
            }
            if self.problems.len() >= PROBLEMS_MAX {
                return None;
            }
        }
        self.root.take()
    }

    fn start_of_last(&self) -> Range<usize> {
        match self.open.last() {
            Some(Open::List { start, .. } | Open::Table { start, .. }) => *start..*start,
            None => 0..0,
        }
    }

    fn refuse(&mut self, span: &Range<usize>, anchor: usize, has_tag: bool) {
        if anchor != 0 {
            let hint = "write the value out where it is wanted, or make it a parameter: ${name}";
            self.report(span.clone(), "anchors (`&`) are not read here", Some(hint));
        }
        if has_tag {
            let hint = "put the text in quotes if it begins with `!`";
            self.report(span.clone(), "tags (`!`) are not read here", Some(hint));
        }
    }

    fn close(&mut self, end: &Range<usize>) {
        let (start, value) = match self.open.pop() {
            Some(Open::List { start, items }) => (start, DeValue::Array(items)),
            Some(Open::Table { start, table, .. }) => (start, DeValue::Table(table)),
            None => return,
        };
        // What stands in brackets is underlined as it is, else its first line.
        let rest = &self.text[start..];
        let line = rest.find('\n').map_or(self.text.len(), |at| start + at);
        let is_in_brackets = rest.starts_with(['[', '{']);
        let end = if is_in_brackets { end.end } else { line.min(end.end) };
        self.put(start..end.max(start), value);
    }

    fn scalar(&mut self, span: Range<usize>, text: Cow<'a, str>, style: ScalarStyle) {
        if let Some(Open::Table { key: key @ None, .. }) = self.open.last_mut() {
            let is_merge = text == "<<" && style == ScalarStyle::Plain;
            *key = Some(Spanned::new(span.clone(), text));
            if is_merge {
                self.report(span, "merge keys (`<<`) are not read here", Some("write it out"));
            }
            return;
        }
        if style != ScalarStyle::Plain {
            return self.put(span, DeValue::String(text));
        }
        match plain(&text) {
            Plain::Nothing => {
                let (place, what) = match self.open.last() {
                    Some(Open::Table { key: Some(key), .. }) => {
                        (key.span(), format!("`{}` has no value", key.get_ref()))
                    }
                    _ => (span.clone(), "there is no value here".to_owned()),
                };
                self.report(place, &what, Some("write one, or leave it out"));
                self.put(span, DeValue::Boolean(false));
            }
            Plain::Truth(truth) => self.put(span, DeValue::Boolean(truth)),
            Plain::Number(number) => {
                self.numbers.insert(span.start, number);
                self.put(span, DeValue::String(text));
            }
            Plain::Text => self.put(span, DeValue::String(text)),
        }
    }

    /// A value to where it belongs.
    fn put(&mut self, span: Range<usize>, value: DeValue<'a>) {
        let complaint = match self.open.last_mut() {
            None => {
                self.root = Some(Spanned::new(span, value));
                None
            }
            Some(Open::List { items, .. }) => {
                items.push(Spanned::new(span, value));
                None
            }
            Some(Open::Table { table, key, .. }) => match key.take() {
                None => {
                    // A key that is no scalar; a name stands in for it.
                    *key = Some(Spanned::new(0..0, Cow::Borrowed("")));
                    Some((span, "a key must be a name".to_owned()))
                }
                Some(name) if table.contains_key(&name) => {
                    Some((name.span(), format!("`{}` is there twice", name.get_ref())))
                }
                Some(name) => {
                    table.insert(name, Spanned::new(span, value));
                    None
                }
            },
        };
        if let Some((place, message)) = complaint {
            self.report(place, &message, None);
        }
    }
}

/// What a scalar without quotes is.
#[derive(Debug, PartialEq)]
pub(super) enum Plain {
    Nothing,
    Truth(bool),
    /// As TOML writes it.
    Number(String),
    Text,
}

/// A scalar without quotes by the core schema of YAML 1.2.
pub(super) fn plain(text: &str) -> Plain {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Plain::Nothing,
        "true" | "True" | "TRUE" => Plain::Truth(true),
        "false" | "False" | "FALSE" => Plain::Truth(false),
        _ => number(text).map_or(Plain::Text, Plain::Number),
    }
}

/// A number as TOML writes it, from what YAML calls one.
fn number(text: &str) -> Option<String> {
    let (sign, digits) = match text.strip_prefix(['+', '-']) {
        Some(rest) => (if text.starts_with('-') { "-" } else { "" }, rest),
        None => ("", text),
    };
    match digits {
        ".inf" | ".Inf" | ".INF" => return Some(format!("{sign}inf")),
        ".nan" | ".NaN" | ".NAN" => return Some("nan".to_owned()),
        _ => {}
    }
    if let Some((radix, digits)) = [("0x", 16), ("0o", 8)]
        .iter()
        .find_map(|(prefix, radix)| Some((*radix, text.strip_prefix(*prefix)?)))
    {
        return u64::from_str_radix(digits, radix).ok().map(|number| number.to_string());
    }
    if !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()) {
        let digits = digits.trim_start_matches('0');
        return Some(format!("{sign}{}", if digits.is_empty() { "0" } else { digits }));
    }
    // Words such as `infinity` are none here, though Rust reads them.
    if !digits.starts_with(|c: char| c.is_ascii_digit() || c == '.') {
        return None;
    }
    text.parse::<f64>().ok().map(|number| format!("{number:?}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(text: &str) -> Vec<(usize, usize, String)> {
        let problems = super::super::parse("s.yaml", text).expect_err(text).0;
        problems.into_iter().map(|p| (p.line, p.column, p.message)).collect()
    }

    #[test]
    fn a_scalar_is_what_the_core_schema_of_yaml_says() {
        let number = |text: &str| Plain::Number(text.to_owned());
        for (text, wanted) in [
            ("12", number("12")),
            ("-012", number("-12")),
            ("000", number("0")),
            ("+.5", number("0.5")),
            ("5.", number("5.0")),
            ("1e6", number("1000000.0")),
            ("1E-9", number("1e-9")),
            ("0x1F", number("31")),
            ("0o17", number("15")),
            ("18446744073709551615", number("18446744073709551615")),
            ("-.inf", number("-inf")),
            ("True", Plain::Truth(true)),
            ("yes", Plain::Text),
            ("infinity", Plain::Text),
            ("1_000", Plain::Text),
            ("5MW", Plain::Text),
            ("-", Plain::Text),
            (".", Plain::Text),
            ("~", Plain::Nothing),
        ] {
            assert_eq!(plain(text), wanted, "{text}");
        }
    }

    #[test]
    fn what_says_one_thing_in_two_ways_is_refused_at_its_place() {
        let refused = problems("a: &x 1\nb: *x\nc: !t 3\nd:\n  <<: {e: 1}\n");
        let wanted = [
            (1, 4, "anchors (`&`) are not read here"),
            (2, 4, "aliases (`*`) are not read here"),
            (3, 4, "tags (`!`) are not read here"),
            (5, 3, "merge keys (`<<`) are not read here"),
        ];
        assert_eq!(refused, wanted.map(|(line, column, m)| (line, column, m.to_owned())));
    }

    #[test]
    fn a_key_twice_or_without_a_value_is_refused_at_its_place() {
        let refused = problems("a: 1\nb: {é: 1, é: 2}\nc:\nd: [~]\na: 3\n[1]: 2\n");
        let wanted = [
            (2, 11, "`é` is there twice"),
            (3, 1, "`c` has no value"),
            (4, 5, "there is no value here"),
            (5, 1, "`a` is there twice"),
            (6, 1, "a key must be a name"),
        ];
        assert_eq!(refused, wanted.map(|(line, column, m)| (line, column, m.to_owned())));
    }

    #[test]
    fn a_text_that_is_no_table_or_more_than_one_is_refused() {
        assert_eq!(problems("- 1\n"), [(1, 1, ROOT.to_owned())]);
        assert_eq!(problems("# nothing\n"), [(1, 1, ROOT.to_owned())]);
        let second = "a second document begins: a file has one";
        assert_eq!(problems("a: 1\n---\nb: 2\n"), [(2, 1, second.to_owned())]);
        assert!(problems("a: [1\n")[0].2.starts_with("not valid YAML: "));
    }

    #[test]
    fn a_hostile_text_is_refused_in_no_time() {
        let nested = (0..300).map(|n| format!("{}a:\n", " ".repeat(n))).collect();
        for deep in ["[".repeat(500_000), "{a: ".repeat(200_000), "- ".repeat(30), nested] {
            let message = &problems(&deep)[0].2;
            let is_ours = message == "lists and tables are nested more than 24 deep";
            // The parser has a limit of its own, for what it must look ahead.
            let is_the_parsers = message == "not valid YAML: recursion limit exceeded";
            assert!(is_ours || is_the_parsers, "{message}");
        }
        let long = problems(&format!("a: {}\n", "x".repeat(super::super::TEXT_MAX)));
        assert!(long[0].2.starts_with("a scenario has at most 1048576 bytes"), "{}", long[0].2);
        let many = problems(&"a: 1\n".repeat(10_000));
        assert_eq!(many.len(), PROBLEMS_MAX);
    }
}
