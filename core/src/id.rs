//! Identities of units, racks and cells: dense, small, never a bare `usize` in stored data.

use std::fmt;

/// Largest Modbus unit id of a device; those above are reserved (Modbus over serial line 1.02, 2.2).
pub const MODBUS_UNIT_ID_MAX: u8 = 247;
/// Modbus unit id of the plant: over TCP that of the server itself.
pub const MODBUS_PLANT_ID: u8 = 255;

/// A unit (container with BMS and PCS): its place in the process, dense from 0, and how many units of
/// the farm other processes have before it. People see its number in the farm, which starts at 1.
///
/// Two ids are equal when their places are: a process has units of one farm only.
#[derive(Clone, Copy)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(into = "u64", try_from = "u64"))]
pub struct UnitId {
    idx: u32,
    first: u32,
}

impl UnitId {
    /// The unit with dense index `idx` (from 0) of a process that has the whole farm. Where a farm's
    /// description is at hand, its own id is the one to take: it knows the number as well.
    ///
    /// # Panics
    /// Beyond 2^32 units.
    pub fn from_idx(idx: usize) -> Self {
        Self::of_shard(idx, 0)
    }
    /// The unit with dense index `idx` (from 0) of a process whose first unit has the index `first` in
    /// the farm.
    ///
    /// # Panics
    /// Beyond 2^32 units.
    pub fn of_shard(idx: usize, first: usize) -> Self {
        let small = |n: usize| u32::try_from(n).expect("a farm has fewer than 2^32 units");
        Self { idx: small(idx), first: small(first) }
    }
    /// The unit that people call `number` (from 1) where one process has the whole farm; `None` for 0.
    pub fn from_number(number: u32) -> Option<Self> {
        number.checked_sub(1).map(|idx| Self { idx, first: 0 })
    }
    /// Dense index from 0, for arrays.
    pub const fn idx(self) -> usize {
        self.idx as usize
    }
    /// Modbus unit id behind a gateway: counted from 1 within the process, up to
    /// [`MODBUS_UNIT_ID_MAX`]; `None` beyond.
    pub fn modbus_unit_id(self) -> Option<u8> {
        u8::try_from(self.idx + 1).ok().filter(|id| *id <= MODBUS_UNIT_ID_MAX)
    }
    /// Number in the farm from 1, for people, REST paths and labels.
    pub const fn number(self) -> u32 {
        self.first + self.idx + 1
    }
}
impl fmt::Debug for UnitId {
    /// Its index in the farm: hashes of states are made of this text, and shards have the same.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("UnitId").field(&(self.first + self.idx)).finish()
    }
}
impl PartialEq for UnitId {
    fn eq(&self, other: &Self) -> bool {
        self.idx == other.idx
    }
}
impl Eq for UnitId {}
impl PartialOrd for UnitId {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for UnitId {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.idx.cmp(&other.idx)
    }
}
impl std::hash::Hash for UnitId {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.idx.hash(state);
    }
}
impl From<UnitId> for u64 {
    /// Its number, and above its 32 bits how many units of the farm come before those of the process:
    /// just the number where one process has the whole farm.
    fn from(unit: UnitId) -> Self {
        Self::from(unit.first) << 32 | Self::from(unit.number())
    }
}
impl TryFrom<u64> for UnitId {
    type Error = &'static str;
    /// The unit that was written so.
    fn try_from(packed: u64) -> Result<Self, Self::Error> {
        let (first, number) = ((packed >> 32) as u32, packed as u32);
        let idx = number.checked_sub(first).and_then(|place| place.checked_sub(1));
        idx.map(|idx| Self { idx, first }).ok_or("units are numbered from 1")
    }
}
impl fmt::Display for UnitId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.number())
    }
}

/// Numbers of the units that a process has, for who asked for another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnitNumbers {
    /// Number of the first one.
    pub first: u32,
    /// Number of the last one.
    pub last: u32,
    /// Whether the farm has more, in other processes.
    pub is_part: bool,
}
impl fmt::Display for UnitNumbers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let who = if self.is_part { "this shard" } else { "the farm" };
        write!(f, "{who} has units {} to {}", self.first, self.last)
    }
}

/// A rack (string of cells with its own contactor) of the process's units, dense from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RackId(u32);

impl RackId {
    /// The rack with dense index `idx` (from 0) in the farm.
    ///
    /// # Panics
    /// Beyond 2^32 racks.
    pub fn from_idx(idx: usize) -> Self {
        Self(u32::try_from(idx).expect("a farm has fewer than 2^32 racks"))
    }
    /// Dense index from 0, for arrays.
    pub const fn idx(self) -> usize {
        self.0 as usize
    }
}

/// Where a cell is: unit of the farm, rack within the unit, position within the rack, all from 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct CellAddress {
    /// Number of the unit in the farm, less 1.
    pub unit_idx: u32,
    /// Index of the rack in its unit.
    pub rack_idx: u16,
    /// Index of the cell in its rack.
    pub cell_idx: u16,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_unit_of_a_shard_has_the_number_of_the_farm_and_the_modbus_id_of_the_shard() {
        let unit = UnitId::of_shard(3, 20);
        assert_eq!((unit.idx(), unit.number(), unit.to_string()), (3, 24, "24".to_owned()));
        assert_eq!(unit.modbus_unit_id(), Some(4));
        assert_eq!(UnitId::of_shard(247, 0).modbus_unit_id(), None);
    }

    #[test]
    fn what_is_written_of_a_unit_is_its_number_where_the_farm_is_whole_and_is_read_back_anywhere() {
        assert_eq!(u64::from(UnitId::from_idx(2)), 3);
        for unit in [UnitId::from_idx(0), UnitId::of_shard(3, 20), UnitId::of_shard(0, 99_999)] {
            let back = UnitId::try_from(u64::from(unit)).expect("was written");
            assert_eq!((back.idx(), back.number()), (unit.idx(), unit.number()));
        }
        assert!(UnitId::try_from(0_u64).is_err() && UnitId::try_from((20_u64 << 32) | 20).is_err());
    }
}
