//! A map laid out for one design of unit: fields in order of their address, read and written here.
//!
//! Every register of a layout belongs to exactly one field. A read may cut fields anywhere; a write
//! must cover whole fields. The layout of a design is built once and shared by its units.

use super::edit::{Edit, Refusal, Write};
use super::encoding::Encoding;
use super::source::{Sight, Source};

/// Longest field in registers: a 32-register text.
const FIELD_MAX: usize = 32;

/// One or more registers that hold one value.
#[derive(Clone, Debug)]
pub(crate) struct Field {
    pub(crate) address: u16,
    pub(crate) encoding: Encoding,
    /// The register is the value over 10^`exponent`.
    pub(crate) exponent: i8,
    pub(crate) source: Source,
    /// What writing does, where the value can be changed.
    pub(crate) write: Option<Write>,
    /// Whether the map declares it writable, with or without `write`.
    pub(crate) is_writable: bool,
    pub(crate) about: About,
}

/// What people read about a field.
#[derive(Clone, Debug)]
pub(crate) struct About {
    pub(crate) name: String,
    pub(crate) unit: &'static str,
    pub(crate) symbols: &'static [(&'static str, u32)],
    pub(crate) signal: Option<&'static str>,
}

impl Field {
    fn end(&self) -> u32 {
        u32::from(self.address) + u32::from(self.encoding.registers())
    }

    /// Encodes the present value; the slice has the field's length.
    fn encode<'w>(&self, sight: Sight<'_>, words: &'w mut [u16; FIELD_MAX]) -> &'w [u16] {
        let words = &mut words[..usize::from(self.encoding.registers())];
        self.encoding.encode(self.source.value(sight), self.exponent, words);
        words
    }

    /// Its name and the value in `words`, which cover it, for people.
    fn describe(&self, words: &[u16]) -> String {
        let name = &self.about.name;
        match self.encoding.decode(words, self.exponent) {
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
        let value = self.encoding.decode(words, self.exponent);
        match (self.write, value) {
            (Some(Write::Counter(put)), _) => put(edit, Encoding::count(words)),
            (Some(Write::Value(put)), Some(value)) => put(edit, value),
            (Some(Write::Rack(put, rack_idx)), Some(value)) => put(edit, rack_idx, value),
            // A client may write a block back as it read it: what has no value keeps none.
            _ if words == self.encode(sight, &mut [0; FIELD_MAX]) => Ok(()),
            (Some(_), None) => Err(Refusal::Value),
            (None, _) => Err(Refusal::Address),
        }
    }
}

/// The fields of a map, sorted by address.
#[derive(Debug)]
pub(crate) struct Layout {
    fields: Vec<Field>,
}

impl Layout {
    /// A layout of these fields.
    ///
    /// # Panics
    /// When two fields share a register; a test builds every map.
    pub(crate) fn new(mut fields: Vec<Field>) -> Self {
        fields.sort_by_key(|field| field.address);
        for pair in fields.windows(2) {
            assert!(
                pair[0].end() <= u32::from(pair[1].address),
                "{} and {} share register {}",
                pair[0].about.name,
                pair[1].about.name,
                pair[1].address
            );
        }
        Self { fields }
    }

    /// The fields in order.
    pub(crate) fn fields(&self) -> &[Field] {
        &self.fields
    }

    /// The fields that the registers from `address` on touch, if every register belongs to one.
    fn covering(&self, address: u16, count: usize) -> Result<&[Field], Refusal> {
        let (from, to) = (u32::from(address), u32::from(address) + count as u32);
        let first = self.fields.partition_point(|field| field.end() <= from);
        let touched = &self.fields[first..];
        let n = touched.partition_point(|field| u32::from(field.address) < to);
        let touched = &touched[..n];
        let has_gap = touched.windows(2).any(|pair| pair[0].end() != u32::from(pair[1].address));
        match (touched.first(), touched.last()) {
            (Some(first), Some(last))
                if u32::from(first.address) <= from && last.end() >= to && !has_gap =>
            {
                Ok(touched)
            }
            _ => Err(Refusal::Address),
        }
    }

    /// Reads `count` registers from `address` on.
    ///
    /// # Errors
    /// When one of them is not in the map.
    pub(crate) fn read(
        &self,
        sight: Sight<'_>,
        address: u16,
        count: u16,
    ) -> Result<Vec<u16>, Refusal> {
        let count = usize::from(count);
        let mut words = Vec::with_capacity(count);
        let mut buffer = [0; FIELD_MAX];
        for field in self.covering(address, count)? {
            let skip = usize::from(address.saturating_sub(field.address));
            let field_words = &field.encode(sight, &mut buffer)[skip..];
            let room = count - words.len();
            words.extend_from_slice(&field_words[..field_words.len().min(room)]);
        }
        Ok(words)
    }

    /// Gathers what writing `words` from `address` on asks; changes nothing.
    ///
    /// # Errors
    /// For a register that is not in the map or not writable, then for a value that cuts a field or is
    /// not one of the field's.
    pub(crate) fn write<'s>(
        &self,
        sight: Sight<'s>,
        address: u16,
        words: &[u16],
    ) -> Result<Edit<'s>, Refusal> {
        let fields = self.covering(address, words.len())?;
        if !fields.iter().all(|field| field.is_writable) {
            return Err(Refusal::Address);
        }
        let mut edit = Edit::new(sight);
        for field in fields {
            // Half of a 32-bit value would put a setpoint in force that nobody asked for.
            let cut = match field.write {
                Some(_) => Refusal::Value,
                None => Refusal::Address,
            };
            let from = usize::from(field.address.checked_sub(address).ok_or(cut)?);
            let to = from + usize::from(field.encoding.registers());
            let field_words = words.get(from..to).ok_or(cut)?;
            field.take(sight, field_words, &mut edit)?;
        }
        Ok(edit)
    }

    /// What writing `words` from `address` on asks, for people: names and values of the fields that
    /// they cover, addresses and words of the rest.
    pub(crate) fn describe_write(&self, address: u16, words: &[u16]) -> String {
        let mut parts: Vec<String> = Vec::new();
        let mut at = 0;
        while let Some(rest) = words.get(at..).filter(|rest| !rest.is_empty()) {
            // Beyond the last register there is none to name.
            let register = u32::from(address) + at as u32;
            let field = self.fields.binary_search_by_key(&register, |f| f.address.into()).ok();
            let covered = field.map(|index| &self.fields[index]).and_then(|field| {
                Some((field, rest.get(..usize::from(field.encoding.registers()))?))
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::map::Gateway;
    use crate::testing;
    use bess_core::command::Command;
    use bess_core::control::FunctionName;
    use bess_core::snapshot::UnitState;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn any_range_reads_as_its_registers_read_one_by_one(
            unit_id in prop_oneof![Just(1u8), Just(0)],
            address in prop_oneof![0u16..140, 39_990u16..40_900, any::<u16>()],
            count in 1u16..=125,
        ) {
            let snapshot = testing::snapshot();
            let gateway = Gateway::new(&snapshot.spec);
            let (unit, layout) = gateway.find(unit_id).unwrap();
            let sight = Sight::new(&snapshot, unit);
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
            address in prop_oneof![78u16..125, 40_330u16..41_000, any::<u16>()],
            words in proptest::collection::vec(prop_oneof![0u16..4, any::<u16>()], 1..12),
        ) {
            let mut snapshot = testing::snapshot();
            snapshot.units[0].state = state;
            let gateway = Gateway::new(&snapshot.spec);
            let (unit, layout) = gateway.find(unit_id).unwrap();
            let sight = Sight::new(&snapshot, unit);
            // Whatever comes of it, the audit can tell what it was.
            prop_assert!(!layout.describe_write(address, &words).is_empty());
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
            let (unit, layout) = gateway.find(1).unwrap();
            let sight = Sight::new(&snapshot, unit);
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
