//! What holds for runs of registers: scratch memory, registers that answer with an exception, that are
//! brought up to date now and then, that have to be unlocked. And what a device says of itself.

use super::super::field::{Cell, Effect, Lock, Otherwise, Taker};
use super::super::number::Number;
use super::place::{Origin, is_there};
use super::{Block, FaceReader, Placed};
use crate::map::codec::Codec;
use crate::map::layout::{About, Field, Item, Memory, On, Refresh, Symbols, Trap};
use crate::map::source::Source;
use crate::map::user::codec::OwnCodec;
use bess_core::config::{Bounds, Section};
use bess_core::point::Table;
use bess_core::role::Role;
use bess_core::time::TICKS_PER_S;
use std::borrow::Cow;
use std::sync::Arc;

/// Longest time that a register is open, and between refreshes: a day, an hour (engineering choices).
const OPEN_MAX_S: f64 = 86_400.0;
const REFRESH_MAX_S: f64 = 3_600.0;

impl FaceReader<'_> {
    /// `[[memory]]`, `[[trap]]` and `[[refresh]]`.
    pub(super) fn blocks(&mut self, section: &Section<'_, '_>) {
        for memory in section.sections("memory") {
            self.memory(memory);
        }
        for trap in section.sections("trap") {
            let is_there = is_there(&trap, self.context);
            let range = self.range(&trap);
            let exception = trap.integer("exception", 1, 255) as u8;
            let on = [("any", On::Any), ("read", On::Read), ("write", On::Write)];
            let on = trap.choice_or("on", On::Any, &on);
            if let (Some((from, to, tables)), true) = (range, is_there) {
                self.traps.extend(tables.into_iter().map(|table| {
                    let what = Trap { table, from, to, exception, on };
                    Block { what, table, from, to, name: "trap", span: trap.span_of("from") }
                }));
            }
            trap.finish();
        }
        for refresh in section.sections("refresh") {
            let is_there = is_there(&refresh, self.context);
            let range = self.range(&refresh);
            let period_s = refresh.f64("period_s", Bounds::within(0.1, REFRESH_MAX_S));
            let period_ticks = ((period_s * TICKS_PER_S as f64).round() as u64).max(1);
            if let (Some((from, to, tables)), true) = (range, is_there) {
                self.refresh.extend(tables.into_iter().map(|table| {
                    let what = Refresh { table, from, to, period_ticks };
                    let span = refresh.span_of("from");
                    Block { what, table, from, to, name: "refresh", span }
                }));
            }
            refresh.finish();
        }
    }

    fn memory(&mut self, section: Section<'_, '_>) {
        let is_there = is_there(&section, self.context);
        let place = self.place(&section, Origin::Address);
        let count = section.integer("count", 1, 65_536) as u32;
        if let (Some(place), true) = (place, is_there) {
            let offset = self.take_memory(count as usize);
            for table in place.tables {
                let address = place.address as u16;
                self.items.push(Placed {
                    table,
                    item: Item::Memory(Memory { address, count, offset }),
                    label: "scratch memory".to_owned(),
                    span: section.span_of("address"),
                    is_cell: false,
                });
            }
        }
        section.finish();
    }

    /// `[[unlock]]`: a code, and the registers that it opens.
    pub(super) fn unlocks(&mut self, section: &Section<'_, '_>) {
        for unlock in section.sections("unlock") {
            self.unlock(&unlock);
            unlock.finish();
        }
    }

    fn unlock(&mut self, section: &Section<'_, '_>) {
        const FAILURE: u64 = 4;
        let is_there = is_there(section, self.context);
        let place = self.place(section, Origin::Address);
        let is_long = section.choice_or("type", false, &[("u16", false), ("u32", true)]);
        let registers = if is_long { 2 } else { 1 };
        let width = 16 * registers as u32;
        let code = section.integer("code", 1, u64::MAX >> (64 - width));
        let order = self.order(section, registers);
        let open_s = section.optional_f64("for_s", Bounds::positive(OPEN_MAX_S));
        let exception = section.integer_or("exception", FAILURE, 1, 11) as u8;
        let opens = self.opens(section);
        let (Some(place), Some((from, to))) = (place, opens) else { return };
        if !is_there {
            return;
        }
        let open_ticks = open_s.map(|open_s| (open_s * TICKS_PER_S as f64).round() as u64);
        let at = Cell(self.take_memory(Cell::LEN));
        let lock = Lock { code, at, open_ticks, exception };
        let codec = Arc::new(
            OwnCodec::number(Number::bits(width), order, if is_long { "u32" } else { "u16" })
                .with_notes(format!("opens {from} to {to}")),
        );
        let source = Source::Own(Arc::new(lock));
        let taker = Taker {
            on_invalid: Otherwise::Ignore,
            ..Taker::plain(Effect::Unlock(lock), Number::bits(width), source.clone())
        };
        let write = taker.of_whole(&codec);
        let span = section.span_of("address");
        for table in place.tables {
            self.items.push(Placed {
                table,
                label: "unlock".to_owned(),
                item: Item::Field(Field {
                    address: place.address as u16,
                    codec: Codec::Own(Arc::clone(&codec)),
                    source: source.clone(),
                    write: (table == Table::Holding).then(|| write.clone()),
                    is_writable: table == Table::Holding,
                    role: Role::Operator,
                    about: About {
                        map: Cow::Owned(self.name.to_owned()),
                        name: "unlock".to_owned(),
                        unit: Cow::Borrowed(""),
                        symbols: Symbols::NONE,
                        signal: None,
                    },
                }),
                span: span.clone(),
                is_cell: false,
            });
            let span = section.span_of("opens");
            self.locks.push(Block { what: lock, table, from, to, name: "unlock", span });
        }
    }

    /// The registers that a code opens, from 0.
    fn opens(&self, section: &Section<'_, '_>) -> Option<(u16, u16)> {
        let span = section.span_of("opens");
        let base = i64::from(self.options.address_base);
        let ends: Vec<i64> =
            section.integers("opens", 0, 465_536).into_iter().map(|(end, _)| end).collect();
        let number = |end: i64| {
            let number = if self.options.is_prefixed {
                super::place::unprefixed(end as u32).map(|(address, _)| i64::from(address))
            } else {
                Some(end - base)
            };
            number.and_then(|number| u16::try_from(number).ok())
        };
        match ends[..] {
            [from, to] if from <= to => {
                let range = number(from).zip(number(to));
                if range.is_none() {
                    let message = format!("`opens` must be two registers, got {from} and {to}");
                    section.report(span, message, None);
                }
                range
            }
            _ => {
                let message =
                    "`[[unlock]]` needs `opens`, the first and the last register".to_owned();
                section.report(span, message, Some("such as `opens = [100, 120]`".to_owned()));
                None
            }
        }
    }
}

/// Objects of function 43/14 with their keys.
const OBJECTS: [(&str, u8); 7] = [
    ("vendor", 0),
    ("product_code", 1),
    ("revision", 2),
    ("vendor_url", 3),
    ("product_name", 4),
    ("model_name", 5),
    ("application_name", 6),
];
/// Longest text of an object in bytes: the protocol data unit holds no more.
const TEXT_MAX: usize = 244;

/// `[identity]`: what the device says of itself.
pub(super) fn identity(section: &Section<'_, '_>) -> Vec<(u8, String)> {
    let Some(identity) = section.section("identity") else { return Vec::new() };
    let mut objects = Vec::new();
    for (key, id) in OBJECTS {
        // The three basic ones are mandatory.
        let text = if id <= 2 { identity.text(key) } else { identity.text_or(key, "") };
        if id <= 2 || identity.has(key) {
            objects.push((id, text, identity.span_of(key)));
        }
    }
    for (name, text, span) in identity.named_texts("objects") {
        match name.parse::<u8>() {
            Ok(id @ 128..) => objects.push((id, text, span)),
            _ => {
                let message = format!("`objects.{name}` must be from 128 to 255");
                identity.report(span, message, None);
            }
        }
    }
    for (_, text, span) in &objects {
        if text.len() > TEXT_MAX {
            let message = format!("the text has {} bytes, more than {TEXT_MAX}", text.len());
            identity.report(span.clone(), message, None);
        }
    }
    identity.finish();
    objects.sort_by_key(|(id, _, _)| *id);
    objects.into_iter().map(|(id, text, _)| (id, text)).collect()
}
