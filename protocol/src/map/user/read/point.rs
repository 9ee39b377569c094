//! `[[point]]`: the values of a map.

use super::super::codec::OwnCodec;
use super::super::field::Cell;
use super::super::number::Number;
use super::number::{Counting, Type};
use super::place::{Origin, Place, is_there};
use super::value::{Bound, TURN};
use super::{Block, FaceReader, Placed};
use crate::map::codec::Codec;
use crate::map::edit::Writer;
use crate::map::encoding::Value;
use crate::map::layout::{About, Field, Item, On, Symbols, Trap};
use crate::map::points::Kind;
use crate::map::source::Source;
use bess_core::config::{Literal, Section};
use bess_core::point::Table;
use bess_core::role::Role;
use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

/// Whether a register may be read and written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Access {
    Read,
    ReadWrite,
    Write,
}

impl Access {
    pub(super) const ALL: [(&'static str, Self); 3] =
        [("r", Self::Read), ("rw", Self::ReadWrite), ("w", Self::Write)];
    fn reads(self) -> bool {
        self != Self::Write
    }
    pub(super) fn writes(self) -> bool {
        self != Self::Read
    }
}

/// What people read of a value.
pub(super) struct Described {
    pub(super) name: String,
    pub(super) names: Vec<(String, u32)>,
    pub(super) span: Range<usize>,
}

/// A value as the file tells it.
pub(super) struct Told {
    pub(super) of: Type,
    pub(super) place: Place,
    pub(super) bound: Bound,
    pub(super) number: Number,
    pub(super) counting: Counting,
    pub(super) access: Access,
    pub(super) about: Described,
}

/// The last register.
pub(super) const LAST: u32 = u16::MAX as u32;
/// Most registers that one `[[point]]` may stand for.
const TURNS_MAX: u64 = 10_000;

impl FaceReader<'_> {
    /// Every value of the section.
    pub(super) fn points(&mut self, section: &Section<'_, '_>, origin: Origin) {
        for point in section.sections("point") {
            self.point_of(point, origin);
        }
        for bits in section.sections("bits") {
            self.bits(bits, origin);
        }
        for text in section.sections("text") {
            self.text(text, origin);
        }
    }

    fn point_of(&mut self, section: Section<'_, '_>, origin: Origin) {
        let is_there = is_there(&section, self.context);
        let turns = section.has("count").then(|| section.integer("count", 1, TURNS_MAX));
        let stride = section.integer_or("stride", 1, 1, 10_000) as u32;
        if turns.is_none() {
            section.refuse("stride", "is for a `count` of registers", "add `count`");
        }
        // What is not there in this firmware is checked all the same.
        let before = self.mark();
        for turn in 0..turns.unwrap_or(1) {
            let number = turns.map(|_| turn + 1);
            let shift = turn as u32 * stride;
            // One is enough to tell what is wrong.
            if self.one_point(&section, origin, number, shift).is_none() {
                break;
            }
        }
        if !is_there {
            self.forget_since(before);
        }
        section.finish();
    }

    pub(super) fn mark(&self) -> (usize, usize, usize, usize) {
        (self.items.len(), self.parts.len(), self.traps.len(), self.names.len())
    }
    pub(super) fn forget_since(
        &mut self,
        (items, parts, traps, names): (usize, usize, usize, usize),
    ) {
        self.items.truncate(items);
        self.parts.truncate(parts);
        self.traps.truncate(traps);
        self.names.truncate(names);
    }

    fn one_point(
        &mut self,
        section: &Section<'_, '_>,
        origin: Origin,
        turn: Option<u64>,
        shift: u32,
    ) -> Option<()> {
        let place = self.place(section, origin);
        let is_bits =
            place.as_ref().is_some_and(|place| place.tables.iter().all(|table| !table.has_words()));
        let of = self.number_type(section, is_bits.then_some(Type::BIT));
        let bound = self.bound(section, turn);
        let access = section.choice_or("access", Access::Read, &Access::ALL);
        // Every key is known, also where something before it is wrong.
        let (Some(place), Some(of), Some(bound)) = (place, of, bound) else {
            for key in KEYS {
                let _ = section.has(key);
            }
            return None;
        };
        let place = Place { address: place.address + shift, ..place };
        if place.address > LAST {
            let message = format!("the registers go beyond {LAST}");
            section.report(section.span_of("count"), message, None);
            return None;
        }
        self.suits(section, &place, of, &bound, access)?;
        let bound = self.of_ip(section, of, bound)?;
        let counting = self.counting(section, &bound);
        let has_extreme = self.options.has_extremes || origin == Origin::Model;
        let mut number = self.number(section, of, &bound, counting, has_extreme);
        let named = self.vocabulary(section, &bound, &number, (access.reads(), access.writes()));
        let mut names = bound.names.to_vec();
        if let Some((vocabulary, symbols)) = named {
            number.vocabulary = Some(vocabulary);
            names = symbols;
        }
        self.remember_initial(section, &bound, &number);
        let name = self.name_of(section, &bound, turn);
        let about = Described { name, names, span: section.span_of(origin.key()) };
        let told = Told { of, place, bound, number, counting, access, about };
        if of.registers == 0 {
            self.fraction(section, &told);
        } else {
            self.whole(section, &told);
        }
        Some(())
    }

    /// A value of whole registers.
    fn whole(&mut self, section: &Section<'_, '_>, told: &Told) {
        section.refuse("half", "is for types of 8 bits", "leave it out");
        section.refuse("mask", "is for `u8`, `i8` and bits", "leave it out");
        let order = self.order(section, told.of.registers);
        let codec = OwnCodec::number(told.number.clone(), order, told.of.name);
        let codec = if told.bound.kind == Kind::Bits { codec.of_bits() } else { codec };
        let codec = Arc::new(codec.with_notes(self.notes(section, told)));
        let (source, taker) = self.behaviour(section, told);
        let role = section.choice_or("role", told.bound.role, &Role::ALL);
        let write = taker.map(|taker| taker.of_whole(&codec));
        let field = self.field(&told.about, &told.bound, codec, source, write, role);
        self.put(&told.place, &field, told.bound.is_cell, &told.about, told.access);
    }

    /// Whether type, tables and access suit the value.
    fn suits(
        &self,
        section: &Section<'_, '_>,
        place: &Place,
        of: Type,
        bound: &Bound,
        access: Access,
    ) -> Option<()> {
        let is_bit_table = |table: &Table| !table.has_words();
        let bit_tables = place.tables.iter().filter(|table| is_bit_table(table)).count();
        let mut fits = true;
        let mut report = |key: &str, message: String, hint: &str| {
            section.report(section.span_of(key), message, Some(hint.to_owned()));
            fits = false;
        };
        if bit_tables > 0 && (of != Type::BIT || bit_tables < place.tables.len()) {
            let message = "coils and discrete inputs hold single bits".to_owned();
            report("type", message, "write `type = \"bit\"`, or another `table`");
        }
        if of == Type::BIT && matches!(bound.kind, Kind::Quantity) && bound.point.is_some() {
            let message = format!("`{}` is a number, and does not fit into a bit", bound.label);
            report("value", message, "a bit shows a yes or no, or `point:name`");
        }
        if of == Type::BIT && matches!(bound.kind, Kind::Enum | Kind::Bits | Kind::Counter) {
            let message = format!("`{}` does not fit into a bit", bound.label);
            report("value", message, "ask for one value of it: `point:name`");
        }
        if bound.kind == Kind::Text && of.name != "ip" {
            let message = format!("`{}` is a text", bound.label);
            report("type", message, "texts are written as `[[text]]`");
        }
        if access.writes() && bound.effect.is_none() {
            let message = format!("`{}` cannot be written", bound.label);
            report("access", message, "`bess registers --points` tells what can");
        }
        let read_only = place.tables.iter().any(|t| !t.is_writable());
        if access.writes() && read_only && place.tables.len() == 1 {
            let message = format!("the table {} cannot be written", place.tables[0].name());
            report("access", message, "holding registers and coils can");
        }
        fits.then_some(())
    }

    /// An address of the internet as a number.
    fn of_ip(&self, section: &Section<'_, '_>, of: Type, bound: Bound) -> Option<Bound> {
        if of.name != "ip" {
            return Some(bound);
        }
        let parse = |text: &str| {
            let parsed = text.parse::<std::net::Ipv4Addr>().ok().map(u32::from);
            if parsed.is_none() {
                let message = format!("\"{text}\" is no IPv4 address");
                let key = if bound.is_memory() { "initial" } else { "const" };
                section.report(section.span_of(key), message, Some("such as \"192.0.2.7\"".into()));
            }
            parsed.map(i64::from)
        };
        match (&bound.memory, bound.kind) {
            (Some((cell, Some(Literal::Text(text)))), _) => {
                let initial = Some(Literal::Whole(parse(text)?));
                Some(Bound { memory: Some((*cell, initial)), ..bound })
            }
            (None, Kind::Text) if bound.point.is_none() => {
                let source = Source::Raw(parse(&bound.label)?);
                Some(Bound { kind: Kind::Quantity, source, ..bound })
            }
            (Some(_), _) => Some(bound),
            _ => {
                let message = "an address is a `const` or `value = \"memory\"`".to_owned();
                section.report(section.span_of("type"), message, None);
                None
            }
        }
    }

    /// What a register of the map's own holds at first.
    fn remember_initial(&mut self, section: &Section<'_, '_>, bound: &Bound, number: &Number) {
        let Some((cell, initial)) = &bound.memory else {
            section.refuse("initial", "is for `value = \"memory\"`", "leave it out");
            return;
        };
        let value = match initial {
            None => return,
            Some(Literal::Whole(whole)) => Value::Raw(*whole),
            Some(Literal::Truth(yes)) => Value::Raw((*yes).into()),
            Some(Literal::Number(value)) => Value::Number(*value),
            Some(Literal::Text(_)) => {
                let message = "`initial` must be a number".to_owned();
                section.report(section.span_of("initial"), message, None);
                return;
            }
        };
        self.initial.push((cell.0, Cell::words(number.show(value)).to_vec()));
    }

    fn name_of(&mut self, section: &Section<'_, '_>, bound: &Bound, turn: Option<u64>) -> String {
        if !section.has("name") {
            return bound.label.clone();
        }
        let name = section.text("name");
        let name = turn.map_or(name.clone(), |turn| name.replace(TURN, &turn.to_string()));
        if turn.is_none_or(|turn| turn == 1 || name.contains(&turn.to_string())) {
            self.names.push((name.clone(), section.span_of("name")));
        }
        name
    }

    pub(super) fn field(
        &self,
        about: &Described,
        bound: &Bound,
        codec: Arc<OwnCodec>,
        source: Source,
        write: Option<Writer>,
        role: Role,
    ) -> Field {
        Field {
            address: 0,
            codec: Codec::Own(codec),
            source,
            is_writable: write.is_some(),
            write,
            role,
            about: About {
                map: Cow::Owned(self.name.to_owned()),
                name: about.name.clone(),
                unit: Cow::Borrowed(bound.unit),
                symbols: Symbols::Own(about.names.clone().into()),
                signal: bound.point.clone().map(Cow::Owned),
            },
        }
    }

    /// Puts a field into its tables; the input table and discrete inputs only read.
    pub(super) fn put(
        &mut self,
        place: &Place,
        field: &Field,
        is_cell: bool,
        about: &Described,
        access: Access,
    ) {
        for table in &place.tables {
            let is_read_only = !table.is_writable();
            let mut field = Field { address: place.address as u16, ..field.clone() };
            if is_read_only {
                (field.write, field.is_writable) = (None, false);
            }
            if access == Access::Write && !is_read_only {
                let length = u32::from(field.codec.registers());
                // A value beyond the last register is told where all of them are checked.
                let to = (place.address + length - 1).min(LAST) as u16;
                self.hide(*table, field.address, to, &about.span);
            }
            self.items.push(Placed {
                table: *table,
                label: field.about.name.clone(),
                item: Item::Field(field),
                span: about.span.clone(),
                is_cell,
            });
        }
    }

    /// Registers that cannot be read.
    fn hide(&mut self, table: Table, from: u16, to: u16, span: &Range<usize>) {
        const ILLEGAL_ADDRESS: u8 = 2;
        let what = Trap { table, from, to, exception: ILLEGAL_ADDRESS, on: On::Read };
        let span = span.clone();
        self.traps.push(Block { what, table, from, to, name: "write only", span });
    }
}

/// Every key of `[[point]]`.
const KEYS: [&str; 26] = [
    "type",
    "word_order",
    "half",
    "mask",
    "value",
    "const",
    "initial",
    "access",
    "scale",
    "fix",
    "unit",
    "offset",
    "enum",
    "otherwise",
    "on_invalid",
    "nan",
    "saturate",
    "limits",
    "magnitude",
    "range",
    "readback",
    "self_clearing",
    "write_once",
    "delay_s",
    "role",
    "name",
];
