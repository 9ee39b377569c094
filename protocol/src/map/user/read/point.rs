//! `[[point]]`, `[[bits]]` and `[[text]]`: the values of a map.

use super::super::codec::{Order, OwnCodec};
use super::super::field::{
    Cell, ConstText, Kept, Lock, Otherwise, Packed, PackedWrite, Part, Readback, Shown, Taker,
    WholeWrite,
};
use super::super::number::Number;
use super::number::{Counting, Type};
use super::place::{Origin, Place, is_there};
use super::value::{Bound, TURN};
use super::{Block, FaceReader, Placed};
use crate::map::codec::Codec;
use crate::map::edit::Writer;
use crate::map::encoding::Value;
use crate::map::layout::{About, FIELD_MAX, Field, Item, On, Symbols, Trap};
use crate::map::points::Kind;
use crate::map::source::Source;
use bess_core::config::{Bounds, Literal, Section};
use bess_core::point::Table;
use bess_core::role::Role;
use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

/// A part of registers that it shares with others.
pub(super) struct Fraction {
    table: Table,
    address: u32,
    registers: usize,
    order: Order,
    part: Part,
    label: String,
    names: Vec<(String, u32)>,
    role: Role,
    point: Option<String>,
    notes: String,
    is_strict: bool,
    is_single_bit: bool,
    span: Range<usize>,
}

/// Whether a register may be read and written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Access {
    Read,
    ReadWrite,
    Write,
}

impl Access {
    const ALL: [(&'static str, Self); 3] =
        [("r", Self::Read), ("rw", Self::ReadWrite), ("w", Self::Write)];
    fn reads(self) -> bool {
        self != Self::Write
    }
    fn writes(self) -> bool {
        self != Self::Read
    }
}

/// Longest delay in s of what is written.
const DELAY_MAX_S: f64 = 600.0;
/// The last register.
const LAST: u32 = u16::MAX as u32;
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

    fn mark(&self) -> (usize, usize, usize, usize) {
        (self.items.len(), self.parts.len(), self.traps.len(), self.names.len())
    }
    fn forget_since(&mut self, (items, parts, traps, names): (usize, usize, usize, usize)) {
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
        if of.registers == 0 {
            return self.fraction(section, of, place, bound, (number, counting), access, about);
        }
        self.forbid(section, "half", "is for types of 8 bits");
        self.forbid(section, "mask", "is for `u8`, `i8` and bits; a whole register has none");
        let order = self.order(section, of.registers);
        let notes = self.notes(section, &number, counting, access);
        let codec = OwnCodec::number(number.clone(), order, of.name);
        let codec = if bound.kind == Kind::Bits { codec.of_bits() } else { codec };
        let codec = Arc::new(codec.with_notes(notes));
        let (source, taker) = self.behaviour(section, &bound, number, counting, access, &place);
        let role = section.choice_or("role", bound.role, &Role::ALL);
        let write = taker
            .map(|taker| Writer::Own(Arc::new(WholeWrite { codec: Arc::clone(&codec), taker })));
        let field = self.field(&about, &bound, codec, source, write, role);
        self.put(place, field, bound.is_cell, &about, access);
        Some(())
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

    fn forbid(&self, section: &Section<'_, '_>, key: &'static str, why: &str) {
        section.refuse(key, why, "leave it out");
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

    /// What people should know besides.
    fn notes(
        &self,
        section: &Section<'_, '_>,
        number: &Number,
        counting: Counting,
        access: Access,
    ) -> String {
        let mut notes = Vec::new();
        if number.scale.offset() != 0.0 {
            notes.push(format!("plus {}", number.scale.offset()));
        }
        if number.is_magnitude {
            notes.push("magnitude".to_owned());
        }
        if let Some(bits) = number.missing {
            notes.push(format!("{bits:#x} is not available"));
        }
        if access == Access::Write {
            notes.push("write only".to_owned());
        }
        if let Some((low, high)) = self.span_of_values(section, "range", number, counting) {
            notes.push(format!("takes {low} to {high}"));
        }
        for (key, note) in [("write_once", "written once"), ("self_clearing", "clears itself")] {
            if section.bool_or(key, false) {
                notes.push(note.to_owned());
            }
        }
        let delay_s = section.f64_or("delay_s", 0.0, Bounds::within(0.0, DELAY_MAX_S));
        if delay_s > 0.0 {
            notes.push(format!("takes effect after {delay_s} s"));
        }
        notes.join(", ")
    }

    /// Where a value comes from when it is read, and what writing it does.
    fn behaviour(
        &mut self,
        section: &Section<'_, '_>,
        bound: &Bound,
        number: Number,
        counting: Counting,
        access: Access,
        place: &Place,
    ) -> (Source, Option<Taker>) {
        let range = self.span_of_values(section, "range", &number, counting);
        let on_invalid = self.on_invalid(section, bound);
        let is_once = section.bool_or("write_once", false);
        let delay_s = section.f64_or("delay_s", 0.0, Bounds::within(0.0, DELAY_MAX_S));
        let delay_ticks = (delay_s * bess_core::time::TICKS_PER_S as f64).round() as u64;
        let clears = section.bool_or("self_clearing", false);
        let readbacks = [("actual", Readback::Actual), ("written", Readback::Written)];
        let readback = section.choice_or("readback", Readback::Actual, &readbacks);
        let Some(effect) = bound.effect.filter(|_| access.writes()) else {
            for key in ["range", "on_invalid", "write_once", "delay_s", "self_clearing", "readback"]
            {
                section.refuse(key, "is for what can be written", "add `access = \"rw\"`");
            }
            return (bound.source.clone(), None);
        };
        if delay_ticks > 0 && !effect.acts() {
            let message = "`delay_s` is for what takes effect; this is only kept".to_owned();
            section.report(section.span_of("delay_s"), message, None);
        }
        if clears && section.has("readback") {
            let message = "what clears itself has no `readback`".to_owned();
            section.report(section.span_of("readback"), message, None);
        }
        let readback = if clears { Readback::SelfClearing } else { readback };
        let kept = (readback != Readback::Actual).then(|| Kept::at(self.take_memory(Kept::LEN)));
        let once = is_once.then(|| Cell(self.take_memory(Cell::LEN)));
        let source = match kept {
            Some(kept) => {
                let source = bound.source.clone();
                Source::Own(Arc::new(Shown { source, kept, readback, delay_ticks }))
            }
            None => bound.source.clone(),
        };
        let locks = self.locks_of(place);
        let taker = Taker {
            effect,
            number,
            is_counter: bound.is_counter,
            source: source.clone(),
            range,
            on_invalid,
            kept,
            once,
            delay_ticks,
            locks,
        };
        (source, Some(taker))
    }

    /// The locks that shut this register.
    fn locks_of(&self, place: &Place) -> Vec<Lock> {
        let shuts = |block: &&Block<Lock>| {
            let is_within = (u32::from(block.from)..=block.to.into()).contains(&place.address);
            is_within && place.tables.contains(&block.table)
        };
        self.locks.iter().filter(shuts).map(|block| block.what).collect()
    }

    fn on_invalid(&self, section: &Section<'_, '_>, bound: &Bound) -> Otherwise {
        const ILLEGAL_VALUE: u8 = 3;
        if !section.has("on_invalid") {
            return Otherwise::Refuse(ILLEGAL_VALUE);
        }
        let text = section.text("on_invalid");
        let named = bound.names.iter().find(|(name, _)| *name == text);
        let code = text.strip_prefix("exception-").and_then(|code| code.parse().ok());
        match (text.as_str(), code, named) {
            ("ignore", ..) => Otherwise::Ignore,
            ("clamp", ..) if section.has("range") => Otherwise::Clamp,
            (_, Some(code @ 1..=11), _) => Otherwise::Refuse(code),
            (_, _, Some((_, value))) => Otherwise::Value(f64::from(*value)),
            _ => {
                let message = format!(
                    "`on_invalid` must be \"exception-1\" to \"exception-11\", \"ignore\", \"clamp\" \
                     (with a `range`) or a value of the point, got \"{text}\""
                );
                section.report(section.span_of("on_invalid"), message, None);
                Otherwise::Refuse(ILLEGAL_VALUE)
            }
        }
    }

    fn field(
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
    fn put(
        &mut self,
        place: Place,
        field: Field,
        is_cell: bool,
        about: &Described,
        access: Access,
    ) {
        for table in place.tables {
            let is_read_only = !table.is_writable();
            let mut field = Field { address: place.address as u16, ..field.clone() };
            if is_read_only {
                (field.write, field.is_writable) = (None, false);
            }
            if access == Access::Write && !is_read_only {
                let length = u32::from(field.codec.registers());
                // A value beyond the last register is told where all of them are checked.
                let to = (place.address + length - 1).min(LAST) as u16;
                self.hide(table, field.address, to, &about.span);
            }
            self.items.push(Placed {
                table,
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

    /// A value in a part of registers.
    #[expect(clippy::too_many_arguments, reason = "all that is known of one value")]
    fn fraction(
        &mut self,
        section: &Section<'_, '_>,
        of: Type,
        place: Place,
        bound: Bound,
        (number, counting): (Number, Counting),
        access: Access,
        about: Described,
    ) -> Option<()> {
        let is_bit_table = place.tables.iter().any(|t| !t.has_words());
        let notes = self.notes(section, &number, counting, access);
        let (source, taker) =
            self.behaviour(section, &bound, number.clone(), counting, access, &place);
        let role = section.choice_or("role", bound.role, &Role::ALL);
        if is_bit_table {
            for key in ["half", "mask", "word_order"] {
                self.forbid(section, key, "has no meaning for a single bit");
            }
            let order = Order::new(1, false, false);
            let codec = Arc::new(OwnCodec::number(number, order, of.name).with_notes(notes));
            let write = taker.map(|taker| {
                Writer::Own(Arc::new(WholeWrite { codec: Arc::clone(&codec), taker }))
            });
            let field = self.field(&about, &bound, codec, source, write, role);
            self.put(place, field, bound.is_cell, &about, access);
            return Some(());
        }
        let order = self.order(section, 1);
        let (shift, number) = self.part_of_word(section, of, number);
        let part = Part { shift, number, source, taker };
        for table in place.tables {
            let part = match table {
                Table::Input => Part { taker: None, ..part.clone() },
                _ => part.clone(),
            };
            self.parts.push(Fraction {
                table,
                address: place.address,
                registers: 1,
                order: order.clone(),
                part,
                label: about.name.clone(),
                names: about.names.clone(),
                role,
                point: bound.point.clone(),
                notes: notes.clone(),
                is_strict: false,
                is_single_bit: of == Type::BIT && shift == 0,
                span: about.span.clone(),
            });
        }
        Some(())
    }

    /// Which bits of a word a value has: a half, those of a mask, or the whole word for a bit.
    fn part_of_word(&self, section: &Section<'_, '_>, of: Type, number: Number) -> (u32, Number) {
        if section.has("mask") {
            self.forbid(section, "half", "is said by `mask`");
            let mask = section.integer("mask", 1, 0xFFFF) as u16;
            let (shift, width) = (mask.trailing_zeros(), mask.count_ones());
            if u32::from(mask) != ((1 << width) - 1) << shift {
                let message = "`mask` must be bits beside each other".to_owned();
                section.report(section.span_of("mask"), message, Some("such as 0x00F0".into()));
            } else if of != Type::BIT && width > of.width {
                let message = format!("`mask` has {width} bits, more than {}", of.name);
                section.report(section.span_of("mask"), message, None);
            }
            return (shift, Number { width, ..number });
        }
        if of == Type::BIT {
            self.forbid(section, "half", "is for types of 8 bits");
            // A whole register that holds 0 or 1.
            return (0, Number { width: 16, ..number });
        }
        let halves = [("high", 8), ("low", 0)];
        (section.choice_or("half", 0, &halves), number)
    }

    /// `[[bits]]`: a yes or no in each bit.
    fn bits(&mut self, section: Section<'_, '_>, origin: Origin) {
        let is_there = is_there(&section, self.context);
        let before = self.mark();
        self.all_bits(&section, origin);
        if !is_there {
            self.forget_since(before);
        }
        section.finish();
    }

    fn all_bits(&mut self, section: &Section<'_, '_>, origin: Origin) {
        let place = self.place(section, origin);
        let of = self.number_type(section, Some(Type::WORD)).unwrap_or(Type::WORD);
        let access = section.choice_or("access", Access::Read, &Access::ALL);
        let others = [("keep", false), ("exception-3", true)];
        let is_strict = section.choice_or("others", false, &others);
        let role =
            section.has("role").then(|| section.choice_or("role", Role::Operator, &Role::ALL));
        let name = section.has("name").then(|| section.text("name"));
        let order = self.order(section, of.registers.max(1));
        if !matches!(of.registers, 1 | 2) || of.kind != super::super::number::Kind::Unsigned {
            let message = format!("bits stand in `u16` or `u32`, not in `{}`", of.name);
            section.report(section.span_of("type"), message, None);
            return;
        }
        if access == Access::Write {
            let message = "bits are \"r\" or \"rw\"".to_owned();
            section.report(section.span_of("access"), message, None);
        }
        let entries = section.named_texts("bits");
        if entries.is_empty() {
            let message = "`[[bits]]` needs `bits`, a point for each bit".to_owned();
            let hint = "such as `bits = { 0 = \"alarm.any\" }`".to_owned();
            section.report(section.span_of("bits"), message, Some(hint));
        }
        let Some(place) = place else { return };
        let span = section.span_of(origin.key());
        for (bit, text, of_entry) in entries {
            let number = bit.parse::<u32>().ok().filter(|bit| *bit < of.width);
            let Some(bit) = number else {
                let message = format!(
                    "`bits.{bit}` is no bit of `{}`: they are 0 to {}",
                    of.name,
                    of.width - 1
                );
                section.report(of_entry, message, None);
                continue;
            };
            let Some(bound) = self.point(section, &of_entry, &text) else { continue };
            if bound.kind != Kind::Switch {
                let message = format!("`{text}` is no yes or no, and does not fit into a bit");
                let hint = "ask for one value of it: `point:name`".to_owned();
                section.report(of_entry, message, Some(hint));
                continue;
            }
            self.one_bit(
                section,
                (bit, of),
                &place,
                &order,
                bound,
                Bits {
                    is_written: access.writes(),
                    is_strict,
                    role,
                    name: name.as_deref(),
                    span: &span,
                },
            );
        }
    }

    fn one_bit(
        &mut self,
        section: &Section<'_, '_>,
        (bit, of): (u32, Type),
        place: &Place,
        order: &Order,
        bound: Bound,
        bits: Bits<'_>,
    ) {
        let number = Number::bits(1);
        let effect = bound.effect.filter(|_| bits.is_written);
        for table in &place.tables {
            let is_bit_table = !table.has_words();
            let address = place.address + if is_bit_table { bit } else { 0 };
            if address > LAST {
                let message = format!("bit {bit} is beyond {LAST}");
                section.report(bits.span.clone(), message, None);
                return;
            }
            let taker = effect.filter(|_| !!table.is_writable());
            let taker = taker.map(|effect| Taker {
                effect,
                number: number.clone(),
                is_counter: false,
                source: bound.source.clone(),
                range: None,
                on_invalid: Otherwise::Refuse(3),
                kept: None,
                once: None,
                delay_ticks: 0,
                locks: self.locks_of(&Place { address, tables: vec![*table] }),
            });
            let role = bits.role.unwrap_or(bound.role);
            if is_bit_table {
                let codec =
                    Arc::new(OwnCodec::number(number.clone(), Order::new(1, false, false), "bit"));
                let write = taker.map(|taker| {
                    Writer::Own(Arc::new(WholeWrite { codec: Arc::clone(&codec), taker }))
                });
                let about = Described {
                    name: bound.label.clone(),
                    names: Vec::new(),
                    span: bits.span.clone(),
                };
                let field = self.field(&about, &bound, codec, bound.source.clone(), write, role);
                let place = Place { address, tables: vec![*table] };
                self.put(place, field, bound.is_cell, &about, Access::Read);
                continue;
            }
            let part =
                Part { shift: bit, number: number.clone(), source: bound.source.clone(), taker };
            self.parts.push(Fraction {
                table: *table,
                address,
                registers: of.registers,
                order: order.clone(),
                part,
                label: bits.name.map_or_else(|| bound.label.clone(), str::to_owned),
                names: vec![(bound.label.clone(), bit)],
                role,
                point: bound.point.clone(),
                notes: String::new(),
                is_strict: bits.is_strict,
                is_single_bit: false,
                span: bits.span.clone(),
            });
        }
    }

    /// `[[text]]`.
    fn text(&mut self, section: Section<'_, '_>, origin: Origin) {
        let is_there = is_there(&section, self.context);
        let place = self.place(&section, origin);
        let length = section.integer("length", 1, FIELD_MAX as u64) as u16;
        let swaps = section.choice_or("order", false, &[("AB", false), ("BA", true)]);
        let pad = pad(&section);
        let bound = match section.literal("const") {
            Some(Literal::Text(text)) => {
                section.refuse("value", "is said by `const`", "leave one of them out");
                let source = Source::Own(Arc::new(ConstText(text.clone())));
                Some((source, text, None))
            }
            Some(_) => {
                let message = "`const` of a text must be one, in quotes".to_owned();
                section.report(section.span_of("const"), message, None);
                None
            }
            None => {
                let name = section.text("value");
                let span = section.span_of("value");
                let bound =
                    (!name.is_empty()).then(|| self.point(&section, &span, &name)).flatten();
                let bound = bound.filter(|bound| {
                    let is_text = bound.kind == Kind::Text;
                    if !is_text {
                        let message = format!("`{name}` is no text");
                        let hint = "numbers are written as `[[point]]`".to_owned();
                        section.report(span.clone(), message, Some(hint));
                    }
                    is_text
                });
                bound.map(|bound| (bound.source, bound.label, bound.point))
            }
        };
        let name = section.has("name").then(|| section.text("name"));
        if let (Some(place), Some((source, label, point)), true) = (place, bound, is_there) {
            let about = Described {
                name: name.unwrap_or(label),
                names: Vec::new(),
                span: section.span_of(origin.key()),
            };
            let codec = Arc::new(OwnCodec::text(length, pad, swaps));
            let field = Field {
                address: 0,
                codec: Codec::Own(codec),
                source,
                write: None,
                is_writable: false,
                role: Role::Operator,
                about: About {
                    map: Cow::Owned(self.name.to_owned()),
                    name: about.name.clone(),
                    unit: Cow::Borrowed(""),
                    symbols: Symbols::NONE,
                    signal: point.map(Cow::Owned),
                },
            };
            self.put(place, field, false, &about, Access::Read);
        }
        section.finish();
    }

    /// Makes one field of the parts of each register.
    pub(super) fn put_parts_together(&mut self, section: &Section<'_, '_>) {
        let mut parts = std::mem::take(&mut self.parts);
        parts.sort_by_key(|part| (part.table, part.address, part.part.shift));
        let mut rest = parts.into_iter().peekable();
        while let Some(first) = rest.next() {
            let mut group = vec![first];
            while let Some(next) = rest
                .next_if(|next| (next.table, next.address) == (group[0].table, group[0].address))
            {
                group.push(next);
            }
            self.put_packed(section, group);
        }
    }

    fn put_packed(&mut self, section: &Section<'_, '_>, group: Vec<Fraction>) {
        let mut taken = 0u64;
        for fraction in &group {
            if taken & fraction.part.mask() != 0 {
                let message = format!("{} shares bits with another value", fraction.label);
                section.report(fraction.span.clone(), message, None);
            }
            taken |= fraction.part.mask();
            if (fraction.registers, &fraction.order) != (group[0].registers, &group[0].order) {
                let message = "parts of a register must agree on its type and order".to_owned();
                section.report(fraction.span.clone(), message, None);
                return;
            }
        }
        let first = &group[0];
        let (table, address, span) = (first.table, first.address, first.span.clone());
        let registers = first.registers;
        let name = match (group.len(), first.is_single_bit) {
            (1, true) => "bit".to_owned(),
            _ => format!("bits{}", 16 * registers),
        };
        let mut labels: Vec<&str> = group.iter().map(|fraction| fraction.label.as_str()).collect();
        labels.dedup();
        let label = labels.join(" / ");
        let notes: Vec<&str> =
            group.iter().map(|of| of.notes.as_str()).filter(|note| !note.is_empty()).collect();
        let notes = notes.join("; ");
        let codec =
            OwnCodec::number(Number::bits(16 * registers as u32), first.order.clone(), &name);
        let codec =
            if group.iter().all(|of| of.part.number.width == 1) { codec.of_bits() } else { codec };
        let codec = Arc::new(codec.with_notes(notes));
        let role = group.iter().filter(|of| of.part.taker.is_some()).map(|of| of.role).max();
        let is_written = role.is_some();
        let names: Vec<(String, u32)> =
            group.iter().flat_map(|fraction| fraction.names.clone()).collect();
        let points: Vec<String> =
            group.iter().filter_map(|fraction| fraction.point.clone()).collect();
        let packed = Arc::new(Packed {
            codec: Arc::clone(&codec),
            is_strict: group.iter().any(|fraction| fraction.is_strict),
            ground: 0,
            parts: group.into_iter().map(|fraction| fraction.part).collect(),
        });
        let field = Field {
            address: 0,
            codec: Codec::Own(codec),
            source: Source::Own(Arc::clone(&packed) as _),
            write: is_written.then(|| Writer::Own(Arc::new(PackedWrite(packed)))),
            is_writable: is_written,
            role: role.unwrap_or(Role::Operator),
            about: About {
                map: Cow::Owned(self.name.to_owned()),
                name: label.clone(),
                unit: Cow::Borrowed(""),
                symbols: Symbols::Own(names.clone().into()),
                signal: (!points.is_empty()).then(|| Cow::Owned(points.join(" "))),
            },
        };
        let about = Described { name: label, names, span };
        self.put(Place { address, tables: vec![table] }, field, false, &about, Access::Read);
    }
}

/// What people read of a value.
struct Described {
    name: String,
    names: Vec<(String, u32)>,
    span: Range<usize>,
}

/// What holds for all bits of a register.
struct Bits<'b> {
    is_written: bool,
    is_strict: bool,
    role: Option<Role>,
    name: Option<&'b str>,
    span: &'b Range<usize>,
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

/// The byte that fills up a text.
fn pad(section: &Section<'_, '_>) -> u8 {
    let span = section.span_of("pad");
    match section.literal("pad") {
        None => 0,
        Some(Literal::Text(text)) if text == "nul" => 0,
        Some(Literal::Text(text)) if text == "space" => b' ',
        Some(Literal::Whole(byte)) if (0..=0xFF).contains(&byte) => byte as u8,
        Some(_) => {
            let message = "`pad` must be \"nul\", \"space\" or a byte up to 0xFF".to_owned();
            section.report(span, message, None);
            0
        }
    }
}
