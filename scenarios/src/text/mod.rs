//! Text of a scenario file: YAML, JSON or TOML in, one tree with places out, which
//! [`bess_core::config::Section`] walks like a farm file.

mod arithmetic;
mod expand;
mod literal;
mod place;
mod yaml;

pub use arithmetic::{ParamValue, evaluate};
pub use expand::{Expansion, Expansions, Known, Wrong};
pub use literal::{DURATION_MAX_S, Quantity, duration_s, in_words};
pub use place::place;

use bess_core::config::{Notation, Problem, Problems};
use std::collections::BTreeMap;
use toml::Spanned;
use toml::de::{DeArray, DeTable, DeValue};

/// Largest text in bytes: far beyond what a person writes.
pub const TEXT_MAX: usize = 1 << 20;
/// Deepest nesting of lists and tables.
pub const DEPTH_MAX: usize = 24;

/// A text as a tree; its spans are bytes of the text.
#[derive(Debug)]
pub struct Tree<'a> {
    table: Spanned<DeTable<'a>>,
    notation: Notation,
    /// Numbers that do not stand in the text as TOML would write them, by the places of the texts that
    /// stand in for them.
    numbers: BTreeMap<usize, String>,
}

impl Tree<'_> {
    /// How the text is written.
    pub fn notation(&self) -> Notation {
        self.notation
    }

    /// Gives the tree to `read` with every number in its place.
    pub fn with<T>(&self, read: impl FnOnce(&Spanned<DeTable<'_>>) -> T) -> T {
        let mut table = self.table.clone();
        put_numbers(&mut table, &self.numbers);
        read(&table)
    }
}

fn put_numbers<'n>(table: &mut Spanned<DeTable<'n>>, numbers: &'n BTreeMap<usize, String>) {
    each_scalar(table.get_mut(), &mut |value| {
        if let Some(number) = numbers.get(&value.span().start)
            && let Ok(parsed) = DeValue::parse(number)
        {
            *value.get_mut() = parsed.into_inner();
        }
    });
}

/// Every value of a tree that is no list and no table, in the order of keys. The depth of a tree is
/// bounded by who parsed it.
fn each_scalar<'a>(table: &mut DeTable<'a>, see: &mut impl FnMut(&mut Spanned<DeValue<'a>>)) {
    for (_, value) in table.iter_mut() {
        each_in(value, see);
    }
}

fn each_in<'a>(value: &mut Spanned<DeValue<'a>>, see: &mut impl FnMut(&mut Spanned<DeValue<'a>>)) {
    match value.get_mut() {
        DeValue::Table(table) => each_scalar(table, see),
        DeValue::Array(array) => each_item(array, see),
        _ => see(value),
    }
}

fn each_item<'a>(array: &mut DeArray<'a>, see: &mut impl FnMut(&mut Spanned<DeValue<'a>>)) {
    for item in array.iter_mut() {
        each_in(item, see);
    }
}

/// Parses `text`: TOML where the name of the file ends in `.toml`, else YAML, of which JSON is a part.
///
/// # Errors
/// All problems of its syntax, and what of YAML has no meaning here.
pub fn parse<'a>(file: &str, text: &'a str) -> Result<Tree<'a>, Problems> {
    if text.len() > TEXT_MAX {
        let message = format!("a scenario has at most {TEXT_MAX} bytes, got {}", text.len());
        return Err(Problems(vec![Problem::without_place(file, message, None)]));
    }
    if !file.ends_with(".toml") {
        return yaml::parse(file, text);
    }
    let (table, errors) = DeTable::parse_recoverable(text);
    if errors.is_empty() {
        return Ok(Tree { table, notation: Notation::Toml, numbers: BTreeMap::new() });
    }
    let problem = |error: &toml::de::Error| {
        let message = format!("not valid TOML: {}", error.message());
        Problem::at(file, text, error.span().unwrap_or(0..0), message, None)
    };
    Err(Problems(errors.iter().map(problem).collect()))
}
