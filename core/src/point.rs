//! Points: what the register maps show, for people and tools that do not speak Modbus.
//!
//! Who has the maps implements [`PointBook`]; REST lists and forces points through it.

use crate::force::ForcedValue;
use crate::id::UnitId;
use crate::snapshot::Snapshot;
use std::fmt;

/// A table of Modbus.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Table {
    /// Holding registers: read by function 3.
    #[default]
    Holding,
    /// Input registers: read by function 4.
    Input,
    /// Coils: read by function 1.
    Coil,
    /// Discrete inputs: read by function 2.
    Discrete,
}

impl Table {
    /// Every table with its name.
    pub const ALL: [(&'static str, Self); 4] = [
        ("holding", Self::Holding),
        ("input", Self::Input),
        ("coil", Self::Coil),
        ("discrete", Self::Discrete),
    ];
    /// The table called `name`.
    pub fn by_name(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(known, _)| *known == name).map(|(_, table)| *table)
    }
    /// Its name.
    pub fn name(self) -> &'static str {
        Self::ALL[self as usize].0
    }
    /// Whether it holds words, and not bits.
    pub fn has_words(self) -> bool {
        matches!(self, Self::Holding | Self::Input)
    }
    /// Whether it can be written.
    pub fn is_writable(self) -> bool {
        matches!(self, Self::Holding | Self::Coil)
    }
}

/// A point and what it shows in one snapshot, forced or not.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PointReading {
    /// Name of its map.
    pub map: String,
    /// Its name, unique in the map.
    pub name: String,
    /// The table that it is in.
    pub table: Table,
    /// First register, coil or input.
    pub address: u16,
    /// Number of them, at least 1.
    pub registers: u16,
    /// Type, as the map calls it.
    pub kind: String,
    /// Unit of the value, or nothing.
    pub unit: String,
    /// "R", "W" or "RW".
    pub access: &'static str,
    /// Names of its values; of bits, with their number from 0 (the least of the whole field).
    pub symbols: Vec<(String, u32)>,
    /// Its registers as they are sent; one word of 0 or 1 for a coil or discrete input.
    pub words: Vec<u16>,
    /// Its engineering value, of bits the whole field as a number; `None` where it shows none, or a text.
    pub value: Option<f64>,
    /// Its text, of a point that shows one.
    pub text: Option<String>,
    /// Smallest and largest value that it can show; `None` for texts.
    pub range: Option<(f64, f64)>,
    /// Whether it is forced.
    pub forced: bool,
    /// Whether each bit has a meaning of its own.
    pub is_bits: bool,
}

/// The maps of every device of a farm.
///
/// A device is a unit, or the plant for `None`. Several maps may show one device.
pub trait PointBook: Send + Sync + fmt::Debug {
    /// Names of the maps of a device; empty for a unit that is not there.
    fn maps(&self, unit: Option<UnitId>) -> Vec<String>;

    /// The points of one map of a device, or of all, in the order of map, table and address; `None` for
    /// a map or unit that is not there.
    fn points(
        &self,
        snapshot: &Snapshot,
        unit: Option<UnitId>,
        map: Option<&str>,
    ) -> Option<Vec<PointReading>>;

    /// The canonical name, `map/name`, of a point given as `name` (in the first map that has it),
    /// `map/name` or `map/address`, to which `value` can be forced. Bits take a number, as one field.
    ///
    /// # Errors
    /// That there is no such point, or what values would fit it, in words for people.
    fn resolve(
        &self,
        snapshot: &Snapshot,
        unit: Option<UnitId>,
        point: &str,
        value: &ForcedValue,
    ) -> Result<String, String>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_have_their_own_names() {
        for (name, table) in Table::ALL {
            assert_eq!((table.name(), Table::by_name(name)), (name, Some(table)));
        }
        assert_eq!(Table::by_name("registers"), None);
    }
}
