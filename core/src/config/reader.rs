//! A reader of TOML tables that checks as it reads and collects every problem.
//!
//! Each getter returns a usable value even when it reported a problem, so that one pass finds all
//! of them; the value is given out by [`read_document`] only where nothing was reported.

use super::diagnostic::{Problem, Problems};
use std::cell::{Cell, RefCell};
use std::ops::Range;
use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue};

/// Allowed range of a number, with the words that explain it.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    min: f64,
    max: f64,
    min_excluded: bool,
    fraction: bool,
    /// How to mend a number beyond.
    hint: Option<&'static str>,
}

impl Bounds {
    /// Both ends belong to the range.
    pub const fn within(min: f64, max: f64) -> Self {
        Self { min, max, min_excluded: false, fraction: false, hint: None }
    }
    /// Greater than zero and at most `max`.
    pub const fn positive(max: f64) -> Self {
        Self { min: 0.0, max, min_excluded: true, fraction: false, hint: None }
    }
    /// A fraction from 0 to 1; a value up to 100 draws the hint that it may be a percentage.
    pub const FRACTION: Self =
        Self { min: 0.0, max: 1.0, min_excluded: false, fraction: true, hint: None };
    /// A SoC at which a table may have a node: a little beyond 0 and 1 is measured at times.
    pub const SOC_NODE: Self =
        Self { min: -0.2, max: 1.2, min_excluded: false, fraction: true, hint: None };

    /// The same range, with words on how to mend a number beyond it.
    pub const fn with_hint(self, hint: &'static str) -> Self {
        Self { hint: Some(hint), ..self }
    }

    fn contains(&self, value: f64) -> bool {
        // A NaN fails both comparisons.
        value <= self.max && if self.min_excluded { value > self.min } else { value >= self.min }
    }
    fn words(&self) -> String {
        if self.fraction {
            return format!("a fraction from {} to {}", self.min, self.max);
        }
        match (self.min_excluded, self.max == f64::INFINITY) {
            (true, true) => format!("a number greater than {}", self.min),
            (true, false) => format!("a number greater than {} and at most {}", self.min, self.max),
            (false, true) => format!("a number of at least {}", self.min),
            (false, false) => format!("a number from {} to {}", self.min, self.max),
        }
    }
    fn hint(&self, value: f64) -> Option<String> {
        (self.fraction && value > self.max && value <= 100.0)
            .then(|| format!("did you write a percentage? {value} % is {}", value / 100.0))
            .or_else(|| self.hint.map(str::to_owned))
    }
}

/// What kind of value stands at a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// Nothing.
    Absent,
    /// A number, a text, a date or a truth value.
    Scalar,
    /// An array.
    Array,
    /// A table.
    Table,
}

/// A number or a text.
#[derive(Clone, Debug, PartialEq)]
pub enum Literal {
    /// A whole number.
    Whole(i64),
    /// Another number.
    Number(f64),
    /// A text.
    Text(String),
    /// `true` or `false`.
    Truth(bool),
}

/// How a text is written, for the words of messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Notation {
    /// TOML: tables have headings in brackets.
    Toml,
    /// YAML or JSON: tables are values of keys.
    Yaml,
}

/// A value of any kind, for readers of what has more than one form.
#[derive(Debug)]
pub enum Given<'d, 'a> {
    /// A number, a text or a truth value.
    Literal(Literal),
    /// A list.
    List(Vec<Node<'d, 'a>>),
    /// A table.
    Section(Section<'d, 'a>),
    /// Something that no reader asks for, such as a date.
    Other,
}

/// A value with its place and its name.
#[derive(Debug)]
pub struct Node<'d, 'a> {
    document: &'d Document<'a>,
    value: &'d Spanned<DeValue<'a>>,
    path: String,
}

impl<'d, 'a> Node<'d, 'a> {
    /// Where it is.
    pub fn span(&self) -> Range<usize> {
        self.value.span()
    }
    /// Its key with the path of its tables, as messages name it.
    pub fn name(&self) -> &str {
        &self.path
    }
    /// What it is.
    pub fn given(&self) -> Given<'d, 'a> {
        let document = self.document;
        match self.value.get_ref() {
            DeValue::Array(array) => {
                let node = |(index, value): (usize, &'d Spanned<DeValue<'a>>)| Node {
                    document,
                    value,
                    path: format!("{}[{index}]", self.path),
                };
                Given::List(array.iter().enumerate().map(node).collect())
            }
            DeValue::Table(table) => {
                Given::Section(Section::within(document, self.path.clone(), table, self.span()))
            }
            scalar => literal(scalar).map_or(Given::Other, Given::Literal),
        }
    }
    /// Reports a problem with it, with a hint on how to mend it.
    pub fn report(&self, message: String, hint: Option<String>) {
        self.document.report(self.span(), message, hint);
    }
    /// Reports that it is not `expected`.
    pub fn wrong_type(&self, expected: &str) {
        self.document.wrong_type(&self.path, self.value, expected);
    }
}

/// Reads by `read` a tree that somebody else has parsed from `text`; its spans are bytes of that text.
///
/// # Errors
/// All problems of the tree.
pub fn read_tree<'a, T>(
    file: &'a str,
    text: &'a str,
    notation: Notation,
    table: &Spanned<DeTable<'a>>,
    read: impl FnOnce(&Section<'_, 'a>) -> T,
) -> Result<T, Problems> {
    let document = Document { notation, ..Document::new(file, text) };
    let root = Section::root(&document, table);
    let value = read(&root);
    root.finish();
    document.finish()?;
    Ok(value)
}

/// Reads a whole text by `read`, which asks its root table for everything it knows.
///
/// # Errors
/// All problems of the text; a text that is no TOML is not read any further.
pub fn read_document<T>(
    file: &str,
    text: &str,
    read: impl FnOnce(&Section<'_, '_>) -> T,
) -> Result<T, Problems> {
    let document = Document::new(file, text);
    let table = document.parse();
    let mut value = None;
    if document.is_clean() {
        let root = Section::root(&document, &table);
        value = Some(read(&root));
        root.finish();
    }
    document.finish()?;
    Ok(value.expect("a document without problems was read"))
}

/// Reads like [`read_document`] a text that names other files: `read` puts the problems of those
/// into the list it is given, and the value is given out only where there were none of either.
///
/// # Errors
/// All problems of the text, then those of the files that it names.
pub fn read_document_with_files<T>(
    file: &str,
    text: &str,
    read: impl FnOnce(&Section<'_, '_>, &mut Vec<Problem>) -> T,
) -> Result<T, Problems> {
    let mut foreign = Vec::new();
    match read_document(file, text, |root| read(root, &mut foreign)) {
        Ok(value) if foreign.is_empty() => Ok(value),
        result => {
            let mut problems = result.err().unwrap_or_default();
            problems.0.append(&mut foreign);
            Err(problems)
        }
    }
}

/// A text being read, with the problems found so far.
#[derive(Debug)]
struct Document<'a> {
    file: &'a str,
    text: &'a str,
    notation: Notation,
    problems: RefCell<Vec<(usize, Problem)>>,
}

impl<'a> Document<'a> {
    fn new(file: &'a str, text: &'a str) -> Self {
        Self { file, text, notation: Notation::Toml, problems: RefCell::default() }
    }

    /// Parses the text; syntax errors are reported, what could be read is returned.
    fn parse(&self) -> Spanned<DeTable<'a>> {
        let (table, errors) = DeTable::parse_recoverable(self.text);
        for error in errors {
            let span = error.span().unwrap_or(0..0);
            self.report(span, format!("not valid TOML: {}", error.message()), None);
        }
        table
    }

    fn report(&self, span: Range<usize>, message: String, hint: Option<String>) {
        let at = span.start;
        let problem = Problem::at(self.file, self.text, span, message, hint);
        self.problems.borrow_mut().push((at, problem));
    }

    fn wrong_type(&self, name: &str, value: &Spanned<DeValue<'a>>, expected: &str) {
        let found = match value.get_ref() {
            DeValue::String(text) => format!("the text \"{text}\""),
            other => format!("{} {}", article(other.type_str()), other.type_str()),
        };
        let hint = matches!(value.get_ref(), DeValue::String(_))
            .then(|| "write a bare number; its unit is in the key's name".to_owned());
        let message = format!("`{name}` must be {expected}, got {found}");
        self.report(value.span(), message, hint.filter(|_| expected.contains("number")));
    }

    /// A table as messages call it.
    fn heading(&self, path: &str) -> String {
        match self.notation {
            Notation::Toml => format!("`[{path}]`"),
            Notation::Yaml => format!("`{path}`"),
        }
    }

    /// Whether nothing was reported so far.
    fn is_clean(&self) -> bool {
        self.problems.borrow().is_empty()
    }

    /// Everything that was reported, in the order of the text.
    fn finish(self) -> Result<(), Problems> {
        let mut problems = self.problems.into_inner();
        problems.sort_by_key(|(at, _)| *at);
        problems.dedup();
        if problems.is_empty() {
            Ok(())
        } else {
            Err(Problems(problems.into_iter().map(|(_, problem)| problem).collect()))
        }
    }
}

/// One table of the text. Call [`Section::finish`] when all known keys were asked for.
#[derive(Debug)]
pub struct Section<'d, 'a> {
    document: &'d Document<'a>,
    table: &'d DeTable<'a>,
    span: Range<usize>,
    path: String,
    known: RefCell<Vec<&'static str>>,
    is_open: Cell<bool>,
}

impl<'d, 'a> Section<'d, 'a> {
    fn root(document: &'d Document<'a>, table: &'d Spanned<DeTable<'a>>) -> Self {
        Self {
            document,
            table: table.get_ref(),
            span: 0..0,
            path: String::new(),
            known: RefCell::default(),
            is_open: Cell::new(false),
        }
    }

    /// The same table once more, for another reader of it: each reports what it does not know.
    pub fn again(&self) -> Self {
        Self::within(self.document, self.path.clone(), self.table, self.span())
    }
    /// Whether nothing was reported so far in the whole text.
    pub fn is_clean(&self) -> bool {
        self.document.is_clean()
    }
    /// Where the table is.
    pub fn span(&self) -> Range<usize> {
        self.span.clone()
    }
    /// Where the value of `key` is, or the table when the key is absent.
    pub fn span_of(&self, key: &str) -> Range<usize> {
        self.table.get(key).map_or_else(|| self.span(), Spanned::span)
    }
    /// Whether `key` is there; asking makes it a known key, also where it is then not read.
    pub fn has(&self, key: &'static str) -> bool {
        self.get(key).is_some()
    }
    /// Reports a problem at `span`, with a hint on how to mend it.
    pub fn report(&self, span: Range<usize>, message: String, hint: Option<String>) {
        self.document.report(span, message, hint);
    }
    /// Lets every other key of this table be: another reader of the same text knows them.
    pub fn leave_the_rest(&self) {
        self.is_open.set(true);
    }

    /// Reports `key` if it is there: it has no meaning here, for the reason in `why`.
    pub fn refuse(&self, key: &'static str, why: &str, hint: &str) {
        if self.get(key).is_some() {
            let message = format!("`{}` {why}", self.name(key));
            self.report(self.span_of(key), message, Some(hint.to_owned()));
        }
    }

    /// The key with the path of its table, as messages name it.
    pub fn name(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }
    fn get(&self, key: &'static str) -> Option<&'d Spanned<DeValue<'a>>> {
        if !self.known.borrow().contains(&key) {
            self.known.borrow_mut().push(key);
        }
        self.table.get(key)
    }
    fn missing(&self, key: &str, expected: &str) {
        let place = match self.path.as_str() {
            "" => "the file".to_owned(),
            path => self.document.heading(path),
        };
        let message = format!("{place} lacks `{key}`: expected {expected}");
        self.report(self.span(), message, None);
    }
    fn wrong_type(&self, key: &str, value: &Spanned<DeValue<'a>>, expected: &str) {
        self.document.wrong_type(&self.name(key), value, expected);
    }

    /// A number within `bounds`, or `default` when the key is absent.
    pub fn f64_or(&self, key: &'static str, default: f64, bounds: Bounds) -> f64 {
        self.get(key).map_or(default, |value| self.number(key, value, bounds).unwrap_or(default))
    }
    /// A number within `bounds`; `None` when the key is absent, or its number was reported.
    pub fn optional_f64(&self, key: &'static str, bounds: Bounds) -> Option<f64> {
        self.get(key).and_then(|value| self.number(key, value, bounds))
    }
    /// A number within `bounds`; reported when absent.
    pub fn f64(&self, key: &'static str, bounds: Bounds) -> f64 {
        let Some(value) = self.get(key) else {
            self.missing(key, &bounds.words());
            return f64::NAN;
        };
        self.number(key, value, bounds).unwrap_or(f64::NAN)
    }
    fn number(&self, key: &str, value: &Spanned<DeValue<'a>>, bounds: Bounds) -> Option<f64> {
        let Some(number) = as_f64(value.get_ref()) else {
            self.wrong_type(key, value, &bounds.words());
            return None;
        };
        if !bounds.contains(number) {
            let message = format!("`{}` must be {}, got {number}", self.name(key), bounds.words());
            self.report(value.span(), message, bounds.hint(number));
            return None;
        }
        Some(number)
    }

    /// A whole number from `min` to `max`, or `default` when the key is absent.
    pub fn integer_or(&self, key: &'static str, default: u64, min: u64, max: u64) -> u64 {
        if self.has(key) { self.integer(key, min, max) } else { default }
    }
    /// A whole number from `min` to `max`; reported when absent.
    pub fn integer(&self, key: &'static str, min: u64, max: u64) -> u64 {
        let expected = format!("a whole number from {min} to {max}");
        let Some(value) = self.get(key) else {
            self.missing(key, &expected);
            return min;
        };
        let DeValue::Integer(integer) = value.get_ref() else {
            self.wrong_type(key, value, &expected);
            return min;
        };
        let parsed = i128::from_str_radix(&integer.as_str().replace('_', ""), integer.radix());
        match parsed {
            Ok(number) if number >= i128::from(min) && number <= i128::from(max) => number as u64,
            _ => {
                let message =
                    format!("`{}` must be {expected}, got {}", self.name(key), integer.as_str());
                self.report(value.span(), message, None);
                min
            }
        }
    }

    /// A whole number from `min` to `max` that may be negative, or `default` when the key is absent.
    pub fn signed_or(&self, key: &'static str, default: i64, min: i64, max: i64) -> i64 {
        self.get(key).map_or(default, |value| self.whole(key, value, min, max).unwrap_or(default))
    }
    fn whole(&self, key: &str, value: &Spanned<DeValue<'a>>, min: i64, max: i64) -> Option<i64> {
        let expected = format!("a whole number from {min} to {max}");
        let DeValue::Integer(integer) = value.get_ref() else {
            self.wrong_type(key, value, &expected);
            return None;
        };
        let digits = integer.as_str().replace('_', "");
        let parsed = i64::from_str_radix(&digits, integer.radix()).ok();
        let number = parsed.filter(|number| (min..=max).contains(number));
        if number.is_none() {
            let message =
                format!("`{}` must be {expected}, got {}", self.name(key), integer.as_str());
            self.report(value.span(), message, None);
        }
        number
    }

    /// The whole numbers of the table `key` by the names that the file gives them, each from `min` to
    /// `max`, with their places; empty when absent.
    pub fn named_integers(
        &self,
        key: &'static str,
        min: i64,
        max: i64,
    ) -> Vec<(String, i64, Range<usize>)> {
        self.entries(key)
            .into_iter()
            .filter_map(|(name, value)| {
                let number = self.whole(&format!("{key}.{name}"), value, min, max)?;
                Some((name, number, value.span()))
            })
            .collect()
    }
    /// The texts of the table `key` by the names that the file gives them, with the places of name and
    /// text; empty when absent.
    pub fn named_texts(&self, key: &'static str) -> Vec<(String, String, Range<usize>)> {
        self.entries(key)
            .into_iter()
            .map(|(name, value)| {
                let text = self.string(&format!("{key}.{name}"), value);
                (name, text, value.span())
            })
            .collect()
    }
    /// The same where a name may also have an array of whole numbers.
    pub fn named_integer_lists(
        &self,
        key: &'static str,
        min: i64,
        max: i64,
    ) -> Vec<(String, Vec<i64>, Range<usize>)> {
        let list = |(name, value): (String, &'d Spanned<DeValue<'a>>)| {
            let path = format!("{key}.{name}");
            let numbers = match value.get_ref() {
                DeValue::Array(array) => {
                    array.iter().filter_map(|item| self.whole(&path, item, min, max)).collect()
                }
                _ => self.whole(&path, value, min, max).into_iter().collect(),
            };
            (name, numbers, value.span())
        };
        self.entries(key).into_iter().map(list).collect()
    }
    /// The number, text or truth value at `key`; `None` when the key is absent, or it is something else,
    /// which is reported.
    pub fn literal(&self, key: &'static str) -> Option<Literal> {
        let value = self.get(key)?;
        let literal = literal(value.get_ref());
        if literal.is_none() {
            self.wrong_type(key, value, "a number or a text in quotes");
        }
        literal
    }
    fn entries(&self, key: &'static str) -> Vec<(String, &'d Spanned<DeValue<'a>>)> {
        let Some(value) = self.get(key) else {
            return Vec::new();
        };
        let DeValue::Table(table) = value.get_ref() else {
            self.wrong_type(key, value, "a table of names");
            return Vec::new();
        };
        table.iter().map(|(name, value)| (name.get_ref().to_string(), value)).collect()
    }
    /// The whole numbers of an array, each from `min` to `max`, with their places; empty when absent.
    pub fn integers(&self, key: &'static str, min: i64, max: i64) -> Vec<(i64, Range<usize>)> {
        let Some(value) = self.get(key) else {
            return Vec::new();
        };
        let DeValue::Array(array) = value.get_ref() else {
            self.wrong_type(key, value, "an array of whole numbers");
            return Vec::new();
        };
        let number =
            |item: &Spanned<DeValue<'a>>| Some((self.whole(key, item, min, max)?, item.span()));
        array.iter().filter_map(number).collect()
    }

    /// A text, or `default` when the key is absent.
    pub fn text_or(&self, key: &'static str, default: &str) -> String {
        self.get(key).map_or_else(|| default.to_owned(), |value| self.string(key, value))
    }
    /// A text that is not empty; reported when absent.
    pub fn text(&self, key: &'static str) -> String {
        match self.get(key) {
            Some(value) => {
                let text = self.string(key, value);
                if text.trim().is_empty() && matches!(value.get_ref(), DeValue::String(_)) {
                    let message = format!("`{}` must not be empty", self.name(key));
                    self.report(value.span(), message, None);
                }
                text
            }
            None => {
                self.missing(key, "a text");
                String::new()
            }
        }
    }
    fn string(&self, key: &str, value: &Spanned<DeValue<'a>>) -> String {
        match value.get_ref() {
            DeValue::String(text) => text.to_string(),
            _ => {
                self.wrong_type(key, value, "a text in quotes");
                String::new()
            }
        }
    }
    /// A name in quotes or a whole number, as text; `None` when absent or wrong, which is reported.
    pub fn name_or_number(&self, key: &'static str) -> Option<String> {
        match self.get(key).map(|value| (value, value.get_ref())) {
            None => {
                self.missing(key, "a name or a number");
                None
            }
            Some((_, DeValue::String(text))) => Some(text.to_string()),
            Some((_, DeValue::Integer(integer))) => Some(integer.as_str().to_owned()),
            Some((value, _)) => {
                self.wrong_type(key, value, "a name in quotes or a whole number");
                None
            }
        }
    }
    /// `true` or `false`, or `default` when the key is absent.
    pub fn bool_or(&self, key: &'static str, default: bool) -> bool {
        match self.get(key) {
            None => default,
            Some(value) => match value.get_ref() {
                DeValue::Boolean(yes) => *yes,
                _ => {
                    self.wrong_type(key, value, "true or false");
                    default
                }
            },
        }
    }
    /// One of `choices` by name, or `default` when the key is absent.
    pub fn choice_or<T: Copy>(&self, key: &'static str, default: T, choices: &[(&str, T)]) -> T {
        let Some(value) = self.get(key) else {
            return default;
        };
        let text = self.string(key, value);
        if let Some((_, choice)) = choices.iter().find(|(name, _)| *name == text) {
            return *choice;
        }
        if matches!(value.get_ref(), DeValue::String(_)) {
            let names: Vec<&str> = choices.iter().map(|(name, _)| *name).collect();
            let message =
                format!("`{}` must be one of {}, got \"{text}\"", self.name(key), names.join(", "));
            self.report(value.span(), message, did_you_mean(&text, &names));
        }
        default
    }

    /// An array of numbers, each within `bounds`; reported when absent.
    pub fn numbers(&self, key: &'static str, bounds: Bounds) -> Vec<f64> {
        let Some(value) = self.get(key) else {
            self.missing(key, "an array of numbers");
            return Vec::new();
        };
        let DeValue::Array(array) = value.get_ref() else {
            self.wrong_type(key, value, "an array of numbers");
            return Vec::new();
        };
        array.iter().filter_map(|value| self.number(key, value, bounds)).collect()
    }

    /// An array of texts; empty when the key is absent.
    pub fn texts(&self, key: &'static str) -> Vec<String> {
        let Some(value) = self.get(key) else {
            return Vec::new();
        };
        let DeValue::Array(array) = value.get_ref() else {
            self.wrong_type(key, value, "an array of names in quotes");
            return Vec::new();
        };
        array.iter().map(|value| self.string(key, value)).collect()
    }

    /// An array of names in quotes or whole numbers, as texts with their places; empty when the key is
    /// absent. What is neither is reported.
    pub fn names_or_numbers(&self, key: &'static str) -> Vec<(String, Range<usize>)> {
        let Some(value) = self.get(key) else {
            return Vec::new();
        };
        let DeValue::Array(array) = value.get_ref() else {
            self.wrong_type(key, value, "an array of names in quotes or whole numbers");
            return Vec::new();
        };
        let mut names = Vec::new();
        for item in array {
            match item.get_ref() {
                DeValue::String(text) => names.push((text.to_string(), item.span())),
                DeValue::Integer(integer) => {
                    names.push((integer.as_str().to_owned(), item.span()));
                }
                _ => self.wrong_type(key, item, "a name in quotes or a whole number"),
            }
        }
        names
    }

    /// What kind of value stands at `key`.
    pub fn shape(&self, key: &'static str) -> Shape {
        match self.get(key).map(Spanned::get_ref) {
            None => Shape::Absent,
            Some(DeValue::Array(_)) => Shape::Array,
            Some(DeValue::Table(_)) => Shape::Table,
            Some(_) => Shape::Scalar,
        }
    }
    /// How an array is nested: the numbers of items from the outermost brackets to the innermost,
    /// `[3, 2]` for three pairs. `None` where its parts differ, and where there is no array.
    pub fn nesting(&self, key: &'static str) -> Option<Vec<usize>> {
        self.get(key).and_then(|value| nesting(value.get_ref())).filter(|counts| !counts.is_empty())
    }
    /// The numbers of an array in the order of the text, those of nested arrays included; `None`
    /// when anything was reported.
    pub fn nested_numbers(&self, key: &'static str, bounds: Bounds) -> Option<Vec<f64>> {
        let mut numbers = Vec::new();
        match self.get(key) {
            None => self.missing(key, "an array of numbers"),
            Some(value) => {
                if self.flatten(key, value, bounds, &mut numbers) {
                    return Some(numbers);
                }
            }
        }
        None
    }
    fn flatten(
        &self,
        key: &str,
        value: &Spanned<DeValue<'a>>,
        bounds: Bounds,
        numbers: &mut Vec<f64>,
    ) -> bool {
        let DeValue::Array(array) = value.get_ref() else {
            let number = self.number(key, value, bounds);
            numbers.extend(number);
            return number.is_some();
        };
        // Every item is looked at, so that all problems come at once.
        let faults = array.iter().filter(|item| !self.flatten(key, item, bounds, numbers)).count();
        faults == 0
    }

    /// The sub-table `key`, if present.
    pub fn section(&self, key: &'static str) -> Option<Section<'d, 'a>> {
        let value = self.get(key)?;
        let DeValue::Table(table) = value.get_ref() else {
            self.wrong_type(key, value, "a table");
            return None;
        };
        Some(self.child(self.name(key), table, value.span()))
    }
    /// The sub-table `key`; reported when absent.
    pub fn required_section(&self, key: &'static str) -> Option<Section<'d, 'a>> {
        if !self.has(key) {
            let heading = self.document.heading(&self.name(key));
            self.missing(key, &format!("a table {heading}"));
        }
        self.section(key)
    }
    /// The tables of the array `key`; empty when absent.
    pub fn sections(&self, key: &'static str) -> Vec<Section<'d, 'a>> {
        let Some(value) = self.get(key) else {
            return Vec::new();
        };
        let name = self.name(key);
        let DeValue::Array(array) = value.get_ref() else {
            let message = match self.document.notation {
                Notation::Toml => {
                    format!("`{name}` must be a list of tables: write `[[{name}]]`")
                }
                Notation::Yaml => format!("`{name}` must be a list of tables, each with a `-`"),
            };
            self.report(value.span(), message, None);
            return Vec::new();
        };
        let mut sections = Vec::new();
        for (index, item) in array.iter().enumerate() {
            match item.get_ref() {
                DeValue::Table(table) => {
                    sections.push(self.child(format!("{name}[{index}]"), table, item.span()));
                }
                _ => self.wrong_type(key, item, "a table"),
            }
        }
        sections
    }
    /// The tables of the table `key` by the names that the file gives them, with the places of the
    /// names, in the order of the text; empty when absent.
    pub fn named_sections(
        &self,
        key: &'static str,
    ) -> Vec<(String, Range<usize>, Section<'d, 'a>)> {
        let mut sections = Vec::new();
        for (name, place, node) in self.named_nodes(key) {
            match node.given() {
                Given::Section(section) => sections.push((name, place, section)),
                _ => node.wrong_type("a table"),
            }
        }
        sections
    }
    /// The values of the table `key` like [`Section::named_sections`].
    pub fn named_nodes(&self, key: &'static str) -> Vec<(String, Range<usize>, Node<'d, 'a>)> {
        let Some(value) = self.get(key) else {
            return Vec::new();
        };
        let DeValue::Table(table) = value.get_ref() else {
            self.wrong_type(key, value, "a table of names");
            return Vec::new();
        };
        let path = self.name(key);
        let node = |(name, value): (&Spanned<DeString<'a>>, &'d Spanned<DeValue<'a>>)| {
            let path = format!("{path}.{}", name.get_ref());
            (name.get_ref().to_string(), name.span(), Node { document: self.document, value, path })
        };
        let mut nodes: Vec<_> = table.iter().map(node).collect();
        nodes.sort_by_key(|(_, place, _)| place.start);
        nodes
    }
    /// The value at `key`, whatever it is; `None` when absent.
    pub fn node(&self, key: &'static str) -> Option<Node<'d, 'a>> {
        let value = self.get(key)?;
        Some(Node { document: self.document, value, path: self.name(key) })
    }
    /// The value at `key`; reported when absent.
    pub fn required_node(&self, key: &'static str, expected: &str) -> Option<Node<'d, 'a>> {
        if !self.has(key) {
            self.missing(key, expected);
        }
        self.node(key)
    }

    fn child(&self, path: String, table: &'d DeTable<'a>, span: Range<usize>) -> Section<'d, 'a> {
        Self::within(self.document, path, table, span)
    }
    fn within(
        document: &'d Document<'a>,
        path: String,
        table: &'d DeTable<'a>,
        span: Range<usize>,
    ) -> Self {
        Section {
            document,
            table,
            span,
            path,
            known: RefCell::default(),
            is_open: Cell::new(false),
        }
    }

    /// Reports each key that nothing asked for.
    pub fn finish(self) {
        let known = self.known.borrow();
        if self.is_open.get() {
            return;
        }
        for (key, _) in self.table {
            let name: &str = key.get_ref();
            if !known.contains(&name) {
                let place = if self.path.is_empty() {
                    String::new()
                } else {
                    format!(" in {}", self.document.heading(&self.path))
                };
                let hint = did_you_mean(name, &known).or_else(|| {
                    Some(match known.as_slice() {
                        [] => "there are no keys here: leave it out".to_owned(),
                        known => format!("known keys here: {}", known.join(", ")),
                    })
                });
                self.report(key.span(), format!("unknown key `{name}`{place}"), hint);
            }
        }
    }
}

fn article(noun: &str) -> &'static str {
    if noun.starts_with(['a', 'e', 'i', 'o', 'u']) { "an" } else { "a" }
}

/// A number, a text or a truth value.
fn literal(value: &DeValue<'_>) -> Option<Literal> {
    match value {
        DeValue::String(text) => Some(Literal::Text(text.to_string())),
        DeValue::Boolean(yes) => Some(Literal::Truth(*yes)),
        DeValue::Integer(integer) => {
            let digits = integer.as_str().replace('_', "");
            let whole = i64::from_str_radix(&digits, integer.radix()).ok();
            whole.map(Literal::Whole)
        }
        other => as_f64(other).map(Literal::Number),
    }
}

/// See [`Section::nesting`]; empty for what is no array.
fn nesting(value: &DeValue<'_>) -> Option<Vec<usize>> {
    let DeValue::Array(array) = value else {
        return Some(Vec::new());
    };
    let mut items = array.iter().map(|item| nesting(item.get_ref()));
    let first = items.next().unwrap_or(Some(Vec::new()))?;
    let are_alike = items.all(|item| item.as_ref() == Some(&first));
    are_alike.then(|| std::iter::once(array.len()).chain(first).collect())
}

fn as_f64(value: &DeValue<'_>) -> Option<f64> {
    match value {
        DeValue::Float(float) => float.as_str().replace('_', "").parse().ok(),
        DeValue::Integer(integer) => {
            let digits = integer.as_str().replace('_', "");
            i64::from_str_radix(&digits, integer.radix()).ok().map(|number| number as f64)
        }
        _ => None,
    }
}

/// A hint at the known name nearest to `name`: a small edit away, or the same quantity in another
/// unit (`rated_power_mw` for `rated_power_kw`).
pub fn did_you_mean(name: &str, known: &[&str]) -> Option<String> {
    let stem = |text: &str| text.rsplit_once('_').map(|(stem, _)| stem.to_owned());
    if let Some(other) = known.iter().find(|k| stem(k).is_some() && stem(k) == stem(name)) {
        return Some(format!("did you mean `{other}`? Mind the unit"));
    }
    known
        .iter()
        .map(|candidate| (edit_distance(name, candidate), *candidate))
        .filter(|(distance, candidate)| *distance <= (candidate.len() / 3).max(1))
        .min()
        .map(|(_, candidate)| format!("did you mean `{candidate}`?"))
}

/// Levenshtein's distance in characters.
fn edit_distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, ca) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, cb) in b.iter().enumerate() {
            let substitution = diagonal + usize::from(ca != *cb);
            diagonal = row[j + 1];
            row[j + 1] = substitution.min(row[j] + 1).min(row[j + 1] + 1);
        }
    }
    row[b.len()]
}
