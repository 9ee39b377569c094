//! What only the whole of a map tells: registers that two values share or that are beyond the last one,
//! values that no request can carry, and blocks that cut a value.

use super::super::layout::{overlaps, words_of};
use super::{Block, Face, FaceReader, Placed};
use crate::map::compact;
use crate::map::layout::Item;
use bess_core::config::Section;

const REGISTERS: u32 = 1 << 16;

impl FaceReader<'_> {
    pub(super) fn check(&self, section: &Section<'_, '_>, face: &Face) {
        // The compact map is the same for every design; a chain is not, and is checked with one.
        let mut placed = face.items.clone();
        if let Some(span) = &face.compact {
            let fields = compact::fields(compact::Level::Unit);
            placed.extend(fields.into_iter().flat_map(|field| {
                face.tables.iter().map(move |table| Placed {
                    table: *table,
                    label: format!("{} (compact)", field.about.name),
                    item: Item::Field(field.clone()),
                    span: span.clone(),
                    is_cell: false,
                })
            }));
        }
        for (span, message, hint) in overlaps(&placed) {
            section.report(span, message, hint);
        }
        for placed in &face.items {
            self.fits_requests(section, placed);
            self.is_whole(section, placed, &self.traps);
            self.is_whole(section, placed, &self.refresh);
            self.is_whole(section, placed, &self.locks);
            if let Item::Memory(memory) = &placed.item {
                let shut = self.locks.iter().find(|lock| {
                    let end = u32::from(memory.address) + memory.count;
                    lock.table == placed.table
                        && u32::from(lock.from) < end
                        && lock.to >= memory.address
                });
                if let Some(lock) = shut {
                    let message = "scratch memory cannot be locked".to_owned();
                    section.report(lock.span.clone(), message, None);
                }
            }
        }
        for (index, (name, span)) in self.names.iter().enumerate() {
            if self.names[..index].iter().any(|(known, _)| known == name) {
                let message = format!("two values are called \"{name}\"");
                section.report(span.clone(), message, None);
            }
        }
    }

    /// Whether requests can reach a value as a whole.
    fn fits_requests(&self, section: &Section<'_, '_>, placed: &Placed) {
        let words = words_of(placed);
        let report = |message: String, hint: Option<String>| {
            section.report(placed.span.clone(), message, hint);
        };
        if placed.item.end() > REGISTERS {
            return report(format!("{words} is beyond register 65535"), None);
        }
        let Item::Field(field) = &placed.item else { return };
        let is_words = placed.table.has_words();
        let registers = field.codec.registers();
        if !is_words || registers < 2 {
            return;
        }
        let options = self.options;
        if registers > options.max_read {
            let message = format!(
                "{words} has {registers} registers, and a request reads at most {}",
                options.max_read
            );
            report(message, Some("raise `max_read`".to_owned()));
        }
        if !field.is_writable {
            return;
        }
        if registers > options.max_write {
            let message = format!(
                "{words} has {registers} registers, and a request writes at most {}",
                options.max_write
            );
            report(message, Some("raise `max_write`".to_owned()));
        }
        if !options.writes_several() {
            let message = format!("{words} has {registers} registers, and function 6 writes one");
            report(message, Some("add 16 to `write_fc`".to_owned()));
        }
    }

    /// Whether no block ends within a value.
    fn is_whole<T>(&self, section: &Section<'_, '_>, placed: &Placed, blocks: &[Block<T>]) {
        let (Item::Field(_), from, end) =
            (&placed.item, u32::from(placed.item.address()), placed.item.end())
        else {
            return;
        };
        for block in blocks.iter().filter(|block| block.table == placed.table) {
            let (first, last) = (u32::from(block.from), u32::from(block.to));
            let touches = first < end && last >= from;
            let covers = first <= from && last + 1 >= end;
            if touches && !covers {
                let message = format!("the {} cuts {}", block.name, words_of(placed));
                let hint = "values are read and written as a whole".to_owned();
                section.report(block.span.clone(), message, Some(hint));
            }
        }
    }
}
