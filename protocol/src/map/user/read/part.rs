//! Values that share a register: parts of it, and `[[bits]]`.

use super::super::codec::{Order, OwnCodec};
use super::super::field::{Packed, PackedWrite, Part, Taker};
use super::super::number::{Kind as NumberKind, Number};
use super::FaceReader;
use super::number::Type;
use super::place::{Origin, Place, is_there};
use super::point::{Access, Described, LAST, Told};
use super::value::Bound;
use crate::map::codec::Codec;
use crate::map::edit::Writer;
use crate::map::layout::{About, Field, Symbols};
use crate::map::points::Kind;
use crate::map::source::Source;
use bess_core::config::Section;
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

/// What holds for all bits of a register.
struct Bits<'b> {
    registers: usize,
    place: &'b Place,
    order: &'b Order,
    is_written: bool,
    is_strict: bool,
    role: Option<Role>,
    name: Option<&'b str>,
    span: &'b Range<usize>,
}

/// The codec of a coil or discrete input.
fn bit_codec(number: &Number, name: &str) -> OwnCodec {
    OwnCodec::number(number.clone(), Order::new(1, false, false), name)
}

impl FaceReader<'_> {
    /// A value in a part of registers, or in a single bit.
    pub(super) fn fraction(&mut self, section: &Section<'_, '_>, told: &Told) {
        let Told { of, place, bound, number, access, about, .. } = told;
        let notes = self.notes(section, told);
        let (source, taker) = self.behaviour(section, told);
        let role = section.choice_or("role", bound.role, &Role::ALL);
        if place.tables.iter().any(|table| !table.has_words()) {
            for key in ["half", "mask", "word_order"] {
                section.refuse(key, "has no meaning for a single bit", "leave it out");
            }
            let codec = bit_codec(number, of.name).with_notes(notes);
            let codec = Arc::new(codec);
            let write = taker.map(|taker| taker.of_whole(&codec));
            let field = self.field(about, bound, codec, source, write, role);
            self.put(place, &field, bound.is_cell, about, *access);
            return;
        }
        let order = self.order(section, 1);
        let (shift, number) = part_of_word(section, *of, number.clone());
        for table in &place.tables {
            let taker = taker.clone().filter(|_| table.is_writable());
            self.parts.push(Fraction {
                table: *table,
                address: place.address,
                registers: 1,
                order: order.clone(),
                part: Part { shift, number: number.clone(), source: source.clone(), taker },
                label: about.name.clone(),
                names: about.names.clone(),
                role,
                point: bound.point.clone(),
                notes: notes.clone(),
                is_strict: false,
                is_single_bit: *of == Type::BIT && shift == 0,
                span: about.span.clone(),
            });
        }
    }

    /// `[[bits]]`: a yes or no in each bit.
    pub(super) fn bits(&mut self, section: Section<'_, '_>, origin: Origin) {
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
        if !matches!(of.registers, 1 | 2) || of.kind != NumberKind::Unsigned {
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
            let bits = Bits {
                registers: of.registers,
                place: &place,
                order: &order,
                is_written: access.writes(),
                is_strict,
                role,
                name: name.as_deref(),
                span: &span,
            };
            self.one_bit(section, bit, &bound, &bits);
        }
    }

    fn one_bit(&mut self, section: &Section<'_, '_>, bit: u32, bound: &Bound, bits: &Bits<'_>) {
        let number = Number::bits(1);
        let effect = bound.effect.filter(|_| bits.is_written);
        let role = bits.role.unwrap_or(bound.role);
        for table in &bits.place.tables {
            // Coils and discrete inputs lie one after the other.
            let address = bits.place.address + if table.has_words() { 0 } else { bit };
            if address > LAST {
                let message = format!("bit {bit} is beyond {LAST}");
                section.report(bits.span.clone(), message, None);
                return;
            }
            let place = Place { address, tables: vec![*table] };
            let taker = effect.filter(|_| table.is_writable()).map(|effect| Taker {
                locks: self.locks_of(&place),
                ..Taker::plain(effect, number.clone(), bound.source.clone())
            });
            if !table.has_words() {
                let codec = Arc::new(bit_codec(&number, "bit"));
                let write = taker.map(|taker| taker.of_whole(&codec));
                let (name, span) = (bound.label.clone(), bits.span.clone());
                let about = Described { name, names: Vec::new(), span };
                let source = bound.source.clone();
                let field = self.field(&about, bound, codec, source, write, role);
                self.put(&place, &field, bound.is_cell, &about, Access::Read);
                continue;
            }
            let source = bound.source.clone();
            self.parts.push(Fraction {
                table: *table,
                address,
                registers: bits.registers,
                order: bits.order.clone(),
                part: Part { shift: bit, number: number.clone(), source, taker },
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
        self.put(&Place { address, tables: vec![table] }, &field, false, &about, Access::Read);
    }
}

/// Which bits of a word a value has: a half, those of a mask, or the whole word for a bit.
fn part_of_word(section: &Section<'_, '_>, of: Type, number: Number) -> (u32, Number) {
    if section.has("mask") {
        section.refuse("half", "is said by `mask`", "leave it out");
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
        section.refuse("half", "is for types of 8 bits", "leave it out");
        // A whole register that holds 0 or 1.
        return (0, Number { width: 16, ..number });
    }
    let halves = [("high", 8), ("low", 0)];
    (section.choice_or("half", 0, &halves), number)
}
