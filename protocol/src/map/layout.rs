//! A map laid out for one design of unit: fields in order of their address, read and written here.
//!
//! A layout has the four tables of Modbus. In a table every register belongs to at most one field or to
//! one block of scratch memory; what lies between is a gap, refused or filled as the map's rules say. A
//! read may cut fields anywhere; a write must cover whole fields. The layout of a design is built once
//! and shared by its units.

use super::codec::Codec;
use super::edit::settings::Held;
use super::edit::{Edit, Refusal, Write, Writer};
use super::encoding::{Encoding, Value};
use super::source::{Sight, Source};
use bess_core::force::{ForcedPoint, ForcedValue};
use bess_core::point::Table;
use bess_core::role::Role;
use bess_core::stats::MapClass;
use std::borrow::Cow;
use std::sync::Arc;

/// Longest field in registers: what one read can carry.
pub(crate) const FIELD_MAX: usize = 125;

/// One or more registers that hold one value.
#[derive(Clone, Debug)]
pub(crate) struct Field {
    pub(crate) address: u16,
    pub(crate) codec: Codec,
    pub(crate) source: Source,
    /// What writing does, where the value can be changed.
    pub(crate) write: Option<Writer>,
    /// Whether the map declares it writable, with or without `write`.
    pub(crate) is_writable: bool,
    /// Who may write it.
    pub(crate) role: Role,
    pub(crate) about: About,
}

/// What people read about a field.
#[derive(Clone, Debug)]
pub(crate) struct About {
    /// The map that it is of: `compact`, `sunspec` or the name in a map file.
    pub(crate) map: Cow<'static, str>,
    pub(crate) name: String,
    pub(crate) unit: Cow<'static, str>,
    pub(crate) symbols: Symbols,
    pub(crate) signal: Option<Cow<'static, str>>,
}

/// Names of the values or bits of a field.
#[derive(Clone, Debug)]
pub(crate) enum Symbols {
    /// From one of our tables.
    Table(&'static [(&'static str, u32)]),
    /// From a map file.
    Own(Arc<[(String, u32)]>),
}

impl Symbols {
    /// No names.
    pub(crate) const NONE: Self = Self::Table(&[]);

    /// Name and value, or name and number of the bit.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, u32)> {
        let (table, own) = match self {
            Self::Table(table) => (*table, &[][..]),
            Self::Own(own) => (&[][..], &**own),
        };
        let table = table.iter().map(|(name, value)| (*name, *value));
        table.chain(own.iter().map(|(name, value)| (name.as_str(), *value)))
    }
}

impl Field {
    /// A field that shows a constant word and cannot be written.
    pub(crate) fn constant(map: &'static str, name: &str, address: u16, word: i64) -> Self {
        Self {
            address,
            codec: Codec::plain(Encoding::U16, 0),
            source: Source::Raw(word),
            write: None,
            is_writable: false,
            role: Role::Operator,
            about: About {
                map: Cow::Borrowed(map),
                name: name.to_owned(),
                unit: Cow::Borrowed(""),
                symbols: Symbols::NONE,
                signal: None,
            },
        }
    }

    /// Encodes the present value into `words`, which have the field's length.
    #[inline]
    fn encode(&self, sight: &Sight<'_>, words: &mut [u16]) {
        self.codec.encode(self.source.value_in(sight), words);
    }

    /// Whether it shows just these words.
    fn reads(&self, sight: Sight<'_>, words: &[u16]) -> bool {
        let mut buffer = [0; FIELD_MAX];
        let shown = &mut buffer[..usize::from(self.codec.registers())];
        self.encode(&sight, shown);
        shown == words
    }

    /// Its name and the value in `words`, which cover it, for people.
    fn describe(&self, words: &[u16]) -> String {
        let name = &self.about.name;
        match self.codec.decode(words) {
            Some(value) if self.about.unit.is_empty() => format!("{name} = {value}"),
            Some(value) => format!("{name} = {value} {}", self.about.unit),
            None => {
                let words: Vec<_> = words.iter().map(|word| format!("{word:#06x}")).collect();
                format!("{name} = {}", words.join(" "))
            }
        }
    }

    /// Takes `words`, which cover the field, into `edit`.
    fn take(&self, sight: Sight<'_>, words: &[u16], edit: &mut Edit<'_>) -> Result<(), Refusal> {
        let value = self.codec.decode(words);
        match (&self.write, value) {
            (Some(Writer::Row(Write::Counter(put))), _) => put(edit, Encoding::count(words)),
            (Some(Writer::Row(Write::Value(put))), Some(value)) => put(edit, value),
            (Some(Writer::Row(Write::Setting(put))), Some(value)) => {
                put(edit, Held { value, step: self.codec.scale() })
            }
            (Some(Writer::Row(Write::Rack(put, rack_idx))), Some(value)) => {
                put(edit, *rack_idx, value)
            }
            (Some(Writer::Own(put)), value) => put.take(edit, value, words),
            // A client may write a block back as it read it: what has no value keeps none.
            _ if self.reads(sight, words) => Ok(()),
            (Some(_), None) => Err(Refusal::Value),
            (None, _) => Err(Refusal::Address),
        }
    }
}

/// Scratch words that belong to nobody but their writers: what was written is read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Memory {
    pub(crate) address: u16,
    pub(crate) count: u32,
    /// Where its first word lies in the memory of the desk.
    pub(crate) offset: usize,
}

/// What a run of registers belongs to.
#[derive(Clone, Debug)]
#[expect(clippy::large_enum_variant, reason = "nearly every item is a field")]
pub(crate) enum Item {
    /// A value of the farm.
    Field(Field),
    /// Scratch memory.
    Memory(Memory),
}

impl Item {
    /// First register.
    pub(crate) fn address(&self) -> u16 {
        match self {
            Self::Field(field) => field.address,
            Self::Memory(memory) => memory.address,
        }
    }
    /// The class of the map that it is of; only files have scratch memory.
    fn class(&self) -> MapClass {
        match self {
            Self::Field(field) => MapClass::of(&field.about.map),
            Self::Memory(_) => MapClass::File,
        }
    }
    /// The register after the last one.
    pub(crate) fn end(&self) -> u32 {
        let count = match self {
            Self::Field(field) => u32::from(field.codec.registers()),
            Self::Memory(memory) => memory.count,
        };
        u32::from(self.address()) + count
    }
}

/// How a table treats registers that are in no item.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Gaps {
    /// A request that touches one is refused.
    #[default]
    Refused,
    /// They read as this word and take what is written to them without effect.
    Filled(u16),
}

/// What a device accepts of requests, whatever they address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Rules {
    /// One bit for each function code that is served.
    pub(crate) functions: u64,
    /// Largest number of registers that one request reads.
    pub(crate) max_read: u16,
    /// Largest number of registers that one request writes.
    pub(crate) max_write: u16,
    /// What lies between the fields.
    pub(crate) gaps: Gaps,
}

/// The bit of each function in [`Rules::functions`].
pub(crate) const fn function_bits(codes: &[u8]) -> u64 {
    let (mut bits, mut at) = (0, 0);
    while at < codes.len() {
        bits |= 1 << codes[at];
        at += 1;
    }
    bits
}

impl Default for Rules {
    /// The functions on words, and the identification of the device.
    fn default() -> Self {
        Self {
            functions: function_bits(&[3, 4, 6, 16, 22, 23, 43]),
            max_read: 125,
            max_write: 123,
            gaps: Gaps::Refused,
        }
    }
}

/// Registers that answer requests with an exception: to test clients, or because they can only be
/// written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Trap {
    pub(crate) table: Table,
    pub(crate) from: u16,
    /// The last one.
    pub(crate) to: u16,
    pub(crate) exception: u8,
    /// Which requests.
    pub(crate) on: On,
}

/// Requests that a trap answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum On {
    /// All of them.
    #[default]
    Any,
    Read,
    Write,
}

/// Registers that a device brings up to date only now and then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Refresh {
    pub(crate) table: Table,
    pub(crate) from: u16,
    /// The last one.
    pub(crate) to: u16,
    /// In ticks.
    pub(crate) period_ticks: u64,
}

/// The items of one table, sorted by address.
#[derive(Debug, Default)]
pub(crate) struct Registers {
    items: Vec<Item>,
    /// Address of each item: what a request is looked up in, apart from the items, so that it is small.
    starts: Vec<u32>,
    /// Where the run of items without a gap ends that each belongs to.
    run_ends: Vec<u32>,
    /// Where each run of items of one class begins: one or two, for what is counted by class.
    classes: Vec<(u32, MapClass)>,
}

impl Registers {
    /// # Panics
    /// When two items share a register: maps of ours are all built by a test, and those of files are
    /// checked before.
    pub(crate) fn new(mut items: Vec<Item>) -> Self {
        items.sort_by_key(Item::address);
        for pair in items.windows(2) {
            assert!(
                pair[0].end() <= u32::from(pair[1].address()),
                "{:?} and {:?} share a register",
                pair[0],
                pair[1]
            );
        }
        let starts = items.iter().map(|item| u32::from(item.address())).collect();
        let mut run_ends: Vec<u32> = items.iter().map(Item::end).collect();
        for at in (1..items.len()).rev() {
            if run_ends[at - 1] == u32::from(items[at].address()) {
                run_ends[at - 1] = run_ends[at];
            }
        }
        let mut classes: Vec<(u32, MapClass)> = Vec::new();
        for item in &items {
            let class = item.class();
            if classes.last().is_none_or(|(_, last)| *last != class) {
                classes.push((u32::from(item.address()), class));
            }
        }
        Self { items, starts, run_ends, classes }
    }

    /// The class of the map that `address` is of, or that comes before it.
    fn class_of(&self, address: u16) -> MapClass {
        let after = self.classes.partition_point(|(from, _)| *from <= u32::from(address));
        let at = after.saturating_sub(1);
        self.classes.get(at).map_or(MapClass::File, |(_, class)| *class)
    }

    /// The items that the registers from `address` on touch, if the gaps between them are allowed.
    fn covering(&self, address: u16, count: usize, gaps: Gaps) -> Result<&[Item], Refusal> {
        let (from, to) = (u32::from(address), u32::from(address) + count as u32);
        if to > u32::from(u16::MAX) + 1 {
            return Err(Refusal::Address);
        }
        // The item that holds the first register, if one does: the last that begins there or before, unless
        // its run is over by then.
        let after = self.starts.partition_point(|start| *start <= from);
        let holder = after.checked_sub(1).filter(|at| self.run_ends[*at] > from);
        if gaps == Gaps::Refused && holder.is_none_or(|at| self.run_ends[at] < to) {
            return Err(Refusal::Address);
        }
        let first = holder.unwrap_or(after);
        let n = self.starts[first..].partition_point(|start| *start < to);
        Ok(&self.items[first..first + n])
    }
}

/// The tables of a device with its rules.
#[derive(Debug, Default)]
pub(crate) struct Layout {
    holding: Arc<Registers>,
    input: Arc<Registers>,
    coils: Registers,
    discrete: Registers,
    pub(crate) rules: Rules,
    pub(crate) traps: Vec<Trap>,
    pub(crate) refresh: Vec<Refresh>,
    /// Words that its scratch memory needs.
    pub(crate) memory_len: usize,
    /// What its memory holds at first, by the place of the first word; the rest holds zeros.
    pub(crate) initial: Vec<(usize, Vec<u16>)>,
    /// Holding registers, first and last, that show single cells: snapshots carry those on request only.
    pub(crate) cells: Option<(u16, u16)>,
    /// What the device says of itself, by object id of function 43/14; empty for what its unit says.
    pub(crate) identity: Vec<(u8, String)>,
}

/// What a layout is made of.
#[derive(Debug, Default)]
pub(crate) struct Parts {
    pub(crate) holding: Vec<Item>,
    /// Absent for a device that shows the same registers in both tables of words.
    pub(crate) input: Option<Vec<Item>>,
    pub(crate) coils: Vec<Item>,
    pub(crate) discrete: Vec<Item>,
    pub(crate) rules: Rules,
    pub(crate) traps: Vec<Trap>,
    pub(crate) refresh: Vec<Refresh>,
    pub(crate) memory_len: usize,
    pub(crate) initial: Vec<(usize, Vec<u16>)>,
    pub(crate) cells: Option<(u16, u16)>,
    pub(crate) identity: Vec<(u8, String)>,
}

impl Layout {
    /// A layout of these fields, the same in both tables of words.
    ///
    /// # Panics
    /// When two fields share a register; a test builds every map.
    pub(crate) fn new(fields: Vec<Field>) -> Self {
        let holding = fields.into_iter().map(Item::Field).collect();
        Self::of(Parts { holding, ..Parts::default() })
    }

    /// A layout of these parts.
    ///
    /// # Panics
    /// As [`Layout::new`].
    pub(crate) fn of(parts: Parts) -> Self {
        let holding = Arc::new(Registers::new(parts.holding));
        let input = match parts.input {
            Some(items) => Arc::new(Registers::new(items)),
            None => Arc::clone(&holding),
        };
        Self {
            holding,
            input,
            coils: Registers::new(parts.coils),
            discrete: Registers::new(parts.discrete),
            rules: parts.rules,
            traps: parts.traps,
            refresh: parts.refresh,
            memory_len: parts.memory_len,
            initial: parts.initial,
            cells: parts.cells,
            identity: parts.identity,
        }
    }

    fn table(&self, table: Table) -> &Registers {
        match table {
            Table::Holding => &self.holding,
            Table::Input => &self.input,
            Table::Coil => &self.coils,
            Table::Discrete => &self.discrete,
        }
    }

    /// The fields of a table in order.
    pub(crate) fn fields_of(&self, table: Table) -> impl Iterator<Item = &Field> {
        self.table(table).items.iter().filter_map(|item| match item {
            Item::Field(field) => Some(field),
            Item::Memory(_) => None,
        })
    }

    /// First register and number of each block of scratch memory of a table.
    pub(crate) fn memories_of(&self, table: Table) -> impl Iterator<Item = (u16, u32)> + '_ {
        self.table(table).items.iter().filter_map(|item| match item {
            Item::Memory(memory) => Some((memory.address, memory.count)),
            Item::Field(_) => None,
        })
    }

    /// The class of the map that a register or bit is of.
    pub(crate) fn class_of(&self, table: Table, address: u16) -> MapClass {
        self.table(table).class_of(address)
    }

    /// Whether both tables of words show the same.
    pub(crate) fn mirrors_input(&self) -> bool {
        Arc::ptr_eq(&self.holding, &self.input)
    }

    /// The exception that these registers answer with when they are read, or written.
    pub(crate) fn trap(&self, table: Table, address: u16, count: u16, on: On) -> Option<u8> {
        let (from, to) = (u32::from(address), u32::from(address) + u32::from(count));
        let is_hit = |trap: &&Trap| {
            let is_meant = trap.on == On::Any || trap.on == on;
            let touches = u32::from(trap.from) < to && u32::from(trap.to) >= from;
            trap.table == table && is_meant && touches
        };
        self.traps.iter().find(is_hit).map(|trap| trap.exception)
    }

    /// Appends `count` registers or bits from `address` on to `words`, one word each.
    ///
    /// # Errors
    /// When one of them is not in the map.
    pub(crate) fn read_into(
        &self,
        sights: &Sights<'_>,
        table: Table,
        address: u16,
        count: u16,
        words: &mut Vec<u16>,
    ) -> Result<(), Refusal> {
        let start = words.len();
        words.resize(start + usize::from(count), 0);
        self.read_words(sights, table, address, &mut words[start..])
    }

    /// Reads registers or bits from `address` on until `words` is full, one word each.
    ///
    /// # Errors
    /// When one of them is not in the map.
    pub(crate) fn read_words(
        &self,
        sights: &Sights<'_>,
        table: Table,
        address: u16,
        words: &mut [u16],
    ) -> Result<(), Refusal> {
        let items = self.table(table).covering(address, words.len(), self.rules.gaps)?;
        if let Gaps::Filled(word) = self.rules.gaps {
            words.fill(word);
        }
        for item in items {
            // Where it begins in `words`, or how much of it comes before.
            let at = usize::from(item.address().saturating_sub(address));
            let skip = usize::from(address.saturating_sub(item.address()));
            match item {
                Item::Field(field) => {
                    let n = usize::from(field.codec.registers());
                    if let (0, Some(whole)) = (skip, words.get_mut(at..at + n)) {
                        sights.show(self, table, field, whole);
                        continue;
                    }
                    let mut buffer = [0; FIELD_MAX];
                    sights.show(self, table, field, &mut buffer[..n]);
                    let part = words[at..].iter_mut().zip(&buffer[skip..n]);
                    part.for_each(|(word, shown)| *word = *shown);
                }
                Item::Memory(memory) => {
                    let len = (memory.count as usize - skip).min(words.len() - at);
                    let desk = sights.main.desk();
                    desk.read_memory(memory.offset + skip, &mut words[at..at + len]);
                }
            }
        }
        Ok(())
    }

    /// Reads `count` holding registers from `address` on.
    ///
    /// # Errors
    /// When one of them is not in the map.
    #[cfg(test)]
    pub(crate) fn read(
        &self,
        sight: Sight<'_>,
        address: u16,
        count: u16,
    ) -> Result<Vec<u16>, Refusal> {
        let mut words = Vec::with_capacity(usize::from(count));
        self.read_into(&Sights::one(sight), Table::Holding, address, count, &mut words)?;
        Ok(words)
    }

    /// Gathers what writing `words` from `address` on asks; changes nothing.
    ///
    /// # Errors
    /// For a register that is not in the map or not writable, then for one that `role` may not write, then
    /// for a value that cuts a field or is not one of the field's.
    pub(crate) fn write_to<'s>(
        &self,
        sight: Sight<'s>,
        table: Table,
        address: u16,
        words: &[u16],
        role: Role,
    ) -> Result<Edit<'s>, Refusal> {
        let items = self.table(table).covering(address, words.len(), self.rules.gaps)?;
        let is_writable = |item: &Item| match item {
            Item::Field(field) => field.is_writable,
            Item::Memory(_) => true,
        };
        if !items.iter().all(is_writable) {
            return Err(Refusal::Address);
        }
        let may = |item: &Item| match item {
            Item::Field(field) => field.role <= role,
            Item::Memory(_) => true,
        };
        if !items.iter().all(may) {
            return Err(Refusal::Role);
        }
        let mut edit = Edit::new(sight);
        for item in items {
            match item {
                Item::Field(field) => Self::write_field(field, sight, address, words, &mut edit)?,
                Item::Memory(memory) => {
                    let skip = usize::from(address.saturating_sub(memory.address));
                    let from = usize::from(memory.address.saturating_sub(address));
                    let len = (memory.count as usize - skip).min(words.len() - from);
                    edit.remember(memory.offset + skip, &words[from..from + len]);
                }
            }
        }
        edit.settle()?;
        Ok(edit)
    }

    fn write_field(
        field: &Field,
        sight: Sight<'_>,
        address: u16,
        words: &[u16],
        edit: &mut Edit<'_>,
    ) -> Result<(), Refusal> {
        // Half of a 32-bit value would put a setpoint in force that nobody asked for.
        let cut = match field.write {
            Some(_) => Refusal::Value,
            None => Refusal::Address,
        };
        let from = usize::from(field.address.checked_sub(address).ok_or(cut)?);
        let to = from + usize::from(field.codec.registers());
        let field_words = words.get(from..to).ok_or(cut)?;
        field.take(sight, field_words, edit)
    }

    /// As [`Layout::write_to`] the holding registers, as whoever may write everything.
    ///
    /// # Errors
    /// As there.
    #[cfg(test)]
    pub(crate) fn write<'s>(
        &self,
        sight: Sight<'s>,
        address: u16,
        words: &[u16],
    ) -> Result<Edit<'s>, Refusal> {
        self.write_to(sight, Table::Holding, address, words, Role::Engineer)
    }

    /// The points that writing `words` from `address` on touches, each with the value that it gets.
    pub(crate) fn touched(
        &self,
        table: Table,
        address: u16,
        words: &[u16],
    ) -> Vec<(String, Option<f64>)> {
        let items = self.table(table).covering(address, words.len(), Gaps::Filled(0));
        let fields = items.unwrap_or_default().iter().filter_map(|item| match item {
            Item::Field(field) => Some(field),
            Item::Memory(_) => None,
        });
        let touched = fields.map(|field| {
            let from = field.address.checked_sub(address).map(usize::from);
            let own =
                from.and_then(|from| words.get(from..from + usize::from(field.codec.registers())));
            let name = format!("{}/{}", field.about.map, field.about.name);
            (name, own.and_then(|words| field.codec.decode(words)))
        });
        touched.collect()
    }

    /// What writing `words` from `address` on asks, for people: names and values of the fields that
    /// they cover, addresses and words of the rest.
    pub(crate) fn describe_write(&self, table: Table, address: u16, words: &[u16]) -> String {
        let items = &self.table(table).items;
        let mut parts: Vec<String> = Vec::new();
        let mut at = 0;
        while let Some(rest) = words.get(at..).filter(|rest| !rest.is_empty()) {
            // Beyond the last register there is none to name.
            let register = u32::from(address) + at as u32;
            let item = items.binary_search_by_key(&register, |item| item.address().into()).ok();
            let covered = item.map(|index| &items[index]).and_then(|item| match item {
                Item::Field(field) => {
                    Some((field, rest.get(..usize::from(field.codec.registers()))?))
                }
                Item::Memory(_) => None,
            });
            parts.push(match covered {
                Some((field, field_words)) => {
                    at += field_words.len();
                    field.describe(field_words)
                }
                None => {
                    at += 1;
                    format!("{register} = {:#06x}", rest[0])
                }
            });
        }
        parts.join(", ")
    }
}

/// What a request sees: one snapshot, for registers that are refreshed slowly the one of their last
/// refresh, and what was done to points and wires for a test.
#[derive(Debug)]
pub(crate) struct Sights<'s> {
    pub(crate) main: Sight<'s>,
    /// Period in ticks, and what was seen then.
    pub(crate) held: Vec<(u64, Sight<'s>)>,
    /// Points of this device that are forced.
    pub(crate) forced: Vec<&'s ForcedPoint>,
    /// Whether the words of each value come in the opposite order.
    pub(crate) swap_words: bool,
    /// What all words of a value but the first are of, where values are torn.
    pub(crate) torn: Option<Sight<'s>>,
}

impl<'s> Sights<'s> {
    /// Everything of one instant, as it is.
    pub(crate) fn one(main: Sight<'s>) -> Self {
        Self { main, held: Vec::new(), forced: Vec::new(), swap_words: false, torn: None }
    }

    /// The same with the points that are forced in the snapshot.
    pub(crate) fn with_forced(main: Sight<'s>) -> Self {
        let forced = main.snapshot.forced.iter().filter(|point| point.unit == main.unit);
        Self { forced: forced.collect(), ..Self::one(main) }
    }

    /// Writes what the field shows into `words`, which have its length.
    #[inline]
    fn show(&self, layout: &Layout, table: Table, field: &Field, words: &mut [u16]) {
        let is_plain = !self.swap_words && self.torn.is_none();
        if self.held.is_empty() && self.forced.is_empty() && is_plain {
            return field.encode(&self.main, words);
        }
        self.show_otherwise(layout, table, field, words);
    }

    /// The same where something is not simply what is so now.
    fn show_otherwise(&self, layout: &Layout, table: Table, field: &Field, words: &mut [u16]) {
        field.encode(&self.of(layout, table, field.address), words);
        if let Some(torn) = &self.torn
            && words.len() > 1
            && field.codec.is_number()
        {
            let first = words[0];
            field.encode(torn, words);
            words[0] = first;
        }
        match self.forced_value(field) {
            None => {}
            Some(ForcedValue::Number(value)) => field.codec.encode(Value::Number(*value), words),
            Some(ForcedValue::Words(forced)) => {
                words.iter_mut().zip(forced).for_each(|(word, forced)| *word = *forced);
            }
        }
        if self.swap_words && field.codec.is_number() {
            words.reverse();
        }
    }

    /// What the field is forced to.
    pub(crate) fn forced_value(&self, field: &Field) -> Option<&'s ForcedValue> {
        let is_it = |forced: &&&ForcedPoint| {
            let rest = forced.point.strip_prefix(&*field.about.map);
            rest.and_then(|rest| rest.strip_prefix('/')) == Some(&field.about.name)
        };
        self.forced.iter().find(is_it).map(|forced| &forced.value)
    }

    fn of(&self, layout: &Layout, table: Table, address: u16) -> Sight<'s> {
        let block = layout
            .refresh
            .iter()
            .find(|block| block.table == table && (block.from..=block.to).contains(&address));
        let held = block
            .and_then(|block| self.held.iter().find(|(period, _)| *period == block.period_ticks));
        held.map_or(self.main, |(_, sight)| *sight)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::device::Gateway;
    use crate::testing;
    use bess_core::command::Command;
    use bess_core::control::FunctionName;
    use bess_core::snapshot::UnitState;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn any_range_reads_as_its_registers_read_one_by_one(
            unit_id in prop_oneof![Just(1u8), Just(0)],
            address in prop_oneof![0u16..140, 39_990u16..42_600, any::<u16>()],
            count in 1u16..=125,
        ) {
            let snapshot = testing::snapshot();
            let gateway = Gateway::new(&snapshot.spec);
            let device = gateway.device(unit_id).unwrap();
            let (layout, sight) = (&device.layout, device.sight(&snapshot));
            let one_by_one: Result<Vec<_>, _> = (0..count)
                .map(|skip| {
                    let register = address.checked_add(skip).ok_or(Refusal::Address)?;
                    layout.read(sight, register, 1)
                })
                .collect();
            let one_by_one = one_by_one.map(|words| words.concat());
            prop_assert_eq!(layout.read(sight, address, count), one_by_one);
        }

        #[test]
        fn any_write_in_any_state_is_taken_or_refused_without_a_panic(
            unit_id in prop_oneof![Just(1u8), Just(0)],
            state in proptest::sample::select(&UnitState::ALL[..]),
            address in prop_oneof![78u16..125, 40_330u16..42_600, any::<u16>()],
            words in proptest::collection::vec(prop_oneof![0u16..4, any::<u16>()], 1..12),
        ) {
            let mut snapshot = testing::snapshot();
            snapshot.units[0].state = state;
            let gateway = Gateway::new(&snapshot.spec);
            let device = gateway.device(unit_id).unwrap();
            let (layout, sight) = (&device.layout, device.sight(&snapshot));
            // Whatever comes of it, the audit can tell what it was.
            prop_assert!(!layout.describe_write(Table::Holding, address, &words).is_empty());
            if let Ok(edit) = layout.write(sight, address, &words) {
                let _ = edit.command();
            }
        }

        #[test]
        fn what_any_state_reads_may_be_written_back_and_changes_no_setting(
            state in proptest::sample::select(&UnitState::ALL[..]),
            functions in proptest::collection::vec(0..FunctionName::ALL.len(), 0..4),
            timeout_s in 0.0..600.0f64,
            soc_min in 0.0..0.5f64,
        ) {
            let mut snapshot = testing::snapshot();
            snapshot.units[0].state = state;
            let control = &mut snapshot.units[0].control;
            control.functions = functions.iter().map(|index| FunctionName::ALL[*index].1).collect();
            control.watchdog.timeout_s = timeout_s;
            // Two decimals of a percent are what a register holds.
            control.soc_min = (soc_min * 1e4).round() / 1e4;
            let before = *control;
            let gateway = Gateway::new(&snapshot.spec);
            let device = gateway.device(1).unwrap();
            let (layout, sight) = (&device.layout, device.sight(&snapshot));
            // From the mode on: a setpoint is in force when it is written.
            for (address, count) in [(84, 12), (110, 2)] {
                let words = layout.read(sight, address, count).unwrap();
                let edit = layout.write(sight, address, &words).expect("as it was read");
                let commands = match edit.command().unwrap().unwrap() {
                    Command::Batch(commands) => commands,
                    one => vec![one],
                };
                for command in commands {
                    let Command::ControlUnit { change, .. } = command else { continue };
                    let mut after = before;
                    change.apply(&mut after);
                    prop_assert_eq!(after.watchdog, before.watchdog);
                    prop_assert_eq!(after.functions, before.functions);
                    prop_assert!((after.soc_min - before.soc_min).abs() < 1e-12);
                    prop_assert!((after.soc_max - before.soc_max).abs() < 1e-12);
                }
            }
        }
    }
}
