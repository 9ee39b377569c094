//! `[map]`: what holds for all registers of a map, and for those of `[[also]]` that have their own.

use super::super::codec::Order;
use super::Placed;
use crate::map::layout::{Gaps, Rules, function_bits};
use bess_core::config::{Literal, Section, Shape};
use bess_core::point::Table;
use std::ops::Range;

/// See the module.
#[derive(Clone, Debug)]
pub(super) struct Options {
    /// The number that the file gives to the first register.
    pub(super) address_base: u32,
    /// Whether the first digit of a number tells the table.
    pub(super) is_prefixed: bool,
    /// Whether the lowest word is first, and whether bytes are swapped.
    pub(super) word_order: (bool, bool),
    /// Tables that registers stand in which name none.
    pub(super) tables: Vec<Table>,
    /// Whether types have a word for "not available" by themselves.
    pub(super) has_extremes: bool,
    pub(super) gaps: Gaps,
    pub(super) max_read: u16,
    pub(super) max_write: u16,
    read_functions: Option<Vec<u8>>,
    write_functions: Option<Vec<u8>>,
    /// Where the standard maps are included.
    pub(super) compact: Option<Range<usize>>,
    pub(super) sunspec: Option<Range<usize>>,
    has_identity: bool,
}

impl Default for Options {
    fn default() -> Self {
        let rules = Rules::default();
        Self {
            address_base: 0,
            is_prefixed: false,
            word_order: (false, false),
            tables: vec![Table::Holding],
            has_extremes: false,
            gaps: rules.gaps,
            max_read: rules.max_read,
            max_write: rules.max_write,
            read_functions: None,
            write_functions: None,
            compact: None,
            sunspec: None,
            has_identity: false,
        }
    }
}

/// What can be written, by function.
const WRITES_ONE: u8 = 6;

impl Options {
    /// The same with what `section` says.
    pub(super) fn read(self, section: &Section<'_, '_>) -> Self {
        let address_base = section.integer_or("address_base", self.address_base.into(), 0, 1);
        let max_read = section.integer_or("max_read", self.max_read.into(), 1, 125);
        let max_write = section.integer_or("max_write", self.max_write.into(), 1, 123);
        let reads = functions(section, "read_fc", &[1, 2, 3, 4, 43]);
        let writes = functions(section, "write_fc", &[5, 6, 15, 16, 22, 23]);
        let tables = tables(section, "table", "tables").unwrap_or_else(|| self.tables.clone());
        let (mut compact, mut sunspec) = (None, None);
        let span = section.span_of("include");
        for name in section.texts("include") {
            match name.as_str() {
                "compact" => compact = Some(span.clone()),
                "sunspec" => sunspec = Some(span.clone()),
                other => {
                    let message = format!("`include` knows compact and sunspec, not \"{other}\"");
                    let hint = bess_core::config::did_you_mean(other, &["compact", "sunspec"]);
                    section.report(span.clone(), message, hint);
                }
            }
        }
        Self {
            address_base: address_base as u32,
            is_prefixed: section.bool_or("prefixed", self.is_prefixed),
            word_order: section.choice_or("default_word_order", self.word_order, &Order::NAMES),
            tables,
            has_extremes: section.choice_or(
                "default_nan",
                self.has_extremes,
                &[("none", false), ("extreme", true)],
            ),
            gaps: gaps(section).unwrap_or(self.gaps),
            max_read: max_read as u16,
            max_write: max_write as u16,
            read_functions: reads.or(self.read_functions),
            write_functions: writes.or(self.write_functions),
            compact,
            sunspec,
            has_identity: self.has_identity,
        }
    }

    /// Whether a write of several registers reaches the device.
    pub(super) fn writes_several(&self) -> bool {
        let functions = self.write_functions.as_ref();
        functions.is_none_or(|functions| functions.iter().any(|code| *code != WRITES_ONE))
    }

    /// What the device accepts of requests to these registers.
    pub(super) fn rules(&self, items: &[Placed], has_words: bool) -> Rules {
        let has = |table: Table| items.iter().any(|placed| placed.table == table);
        let included = |table: Table| has_words && self.tables.contains(&table);
        let mut served: Vec<u8> = Vec::new();
        let holding = has(Table::Holding) || included(Table::Holding);
        for (is_there, reads, writes) in [
            (has(Table::Coil), &[1][..], &[5, 15][..]),
            (has(Table::Discrete), &[2], &[]),
            (holding, &[3], &[6, 16, 22, 23]),
            (has(Table::Input) || included(Table::Input), &[4], &[]),
        ] {
            if is_there && self.read_functions.is_none() {
                served.extend(reads);
            }
            if is_there && self.write_functions.is_none() {
                served.extend(writes);
            }
        }
        if self.read_functions.is_none() {
            served.push(43);
        }
        served.extend(self.read_functions.iter().chain(&self.write_functions).flatten());
        Rules {
            functions: function_bits(&served),
            max_read: self.max_read,
            max_write: self.max_write,
            gaps: self.gaps,
        }
    }
}

fn functions(section: &Section<'_, '_>, key: &'static str, known: &[u8]) -> Option<Vec<u8>> {
    if section.shape(key) == Shape::Absent {
        return None;
    }
    let mut functions = Vec::new();
    for (code, span) in section.integers(key, 1, 127) {
        match known.iter().find(|known| i64::from(**known) == code) {
            Some(code) => functions.push(*code),
            None => {
                let names: Vec<String> = known.iter().map(u8::to_string).collect();
                let message = format!("`{key}` knows {}, not {code}", names.join(", "));
                section.report(span, message, None);
            }
        }
    }
    Some(functions)
}

/// What lies between the registers of a map.
fn gaps(section: &Section<'_, '_>) -> Option<Gaps> {
    let span = section.span_of("gaps");
    match section.literal("gaps")? {
        Literal::Text(text) if text == "exception-2" => Some(Gaps::Refused),
        Literal::Text(text) if text == "zero" => Some(Gaps::Filled(0)),
        Literal::Whole(word) if (0..=0xFFFF).contains(&word) => Some(Gaps::Filled(word as u16)),
        _ => {
            let message = "`gaps` must be \"exception-2\", \"zero\" or a word up to 0xFFFF";
            section.report(span, message.to_owned(), None);
            None
        }
    }
}

/// The tables that `one` or `several` names; `None` where neither is there.
pub(super) fn tables(
    section: &Section<'_, '_>,
    one: &'static str,
    several: &'static str,
) -> Option<Vec<Table>> {
    if section.has(one) && section.has(several) {
        let message = format!("write `{one}` or `{several}`, not both");
        section.report(section.span_of(several), message, None);
    }
    if section.has(one) {
        return Some(vec![section.choice_or(one, Table::Holding, &Table::ALL)]);
    }
    if !section.has(several) {
        return None;
    }
    let mut tables = Vec::new();
    for name in section.texts(several) {
        match Table::ALL.iter().find(|(known, _)| *known == name) {
            Some((_, table)) if !tables.contains(table) => tables.push(*table),
            Some(_) => {
                let message = format!("`{several}` has \"{name}\" twice");
                section.report(section.span_of(several), message, None);
            }
            None => {
                let known = Table::ALL.map(|(name, _)| name);
                let message = format!("`{several}` knows {}, not \"{name}\"", known.join(", "));
                let hint = bess_core::config::did_you_mean(&name, &known);
                section.report(section.span_of(several), message, hint);
            }
        }
    }
    Some(tables)
}
