//! Identities of units, racks and cells: dense, small, never a bare `usize` in stored data.

use std::fmt;

/// Largest Modbus unit id of a device; those above are reserved (Modbus over serial line 1.02, 2.2).
pub const MODBUS_UNIT_ID_MAX: u8 = 247;
/// Modbus unit id of the plant: over TCP that of the server itself.
pub const MODBUS_PLANT_ID: u8 = 255;

/// A unit (container with BMS and PCS). Stored as its dense index from 0; people see its number,
/// which starts at 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(into = "u32", try_from = "u32"))]
pub struct UnitId(u32);

impl UnitId {
    /// The unit with dense index `idx` (from 0).
    ///
    /// # Panics
    /// Beyond 2^32 units.
    pub fn from_idx(idx: usize) -> Self {
        Self(u32::try_from(idx).expect("a farm has fewer than 2^32 units"))
    }
    /// The unit that people call `number` (from 1); `None` for 0.
    pub fn from_number(number: u32) -> Option<Self> {
        number.checked_sub(1).map(Self)
    }
    /// Dense index from 0, for arrays.
    pub const fn idx(self) -> usize {
        self.0 as usize
    }
    /// Modbus unit id behind a gateway: the number, up to [`MODBUS_UNIT_ID_MAX`]; `None` beyond.
    pub fn modbus_unit_id(self) -> Option<u8> {
        u8::try_from(self.number()).ok().filter(|id| *id <= MODBUS_UNIT_ID_MAX)
    }
    /// Number from 1, for people, REST paths and Modbus unit ids.
    pub const fn number(self) -> u32 {
        self.0 + 1
    }
}
impl From<UnitId> for u32 {
    /// Its number.
    fn from(unit: UnitId) -> Self {
        unit.number()
    }
}
impl TryFrom<u32> for UnitId {
    type Error = &'static str;
    /// The unit with this number.
    fn try_from(number: u32) -> Result<Self, Self::Error> {
        Self::from_number(number).ok_or("units are numbered from 1")
    }
}
impl fmt::Display for UnitId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.number())
    }
}

/// A rack (string of cells with its own contactor) of the whole farm, dense from 0.
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

/// Where a cell is: unit, rack within the unit, position within the rack, all from 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct CellAddress {
    /// Dense index of the unit.
    pub unit_idx: u32,
    /// Index of the rack in its unit.
    pub rack_idx: u16,
    /// Index of the cell in its rack.
    pub cell_idx: u16,
}
