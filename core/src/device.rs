//! Devices as clients find them: what part of the farm answers where.

use crate::id::UnitId;
use crate::role::Role;
use core::net::IpAddr;

/// What part of a unit or of the plant a device shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Part {
    /// A unit as a whole.
    Whole,
    /// The battery of a unit: what its BMS tells.
    Bms,
    /// The converter of a unit.
    Pcs,
    /// The meter at the AC terminals of a unit.
    Meter,
    /// One rack of a unit.
    Rack,
    /// The whole farm.
    Plant,
}

impl Part {
    /// Every part with its name in files and REST.
    pub const ALL: [(&'static str, Self); 6] = [
        ("whole", Self::Whole),
        ("bms", Self::Bms),
        ("pcs", Self::Pcs),
        ("meter", Self::Meter),
        ("rack", Self::Rack),
        ("plant", Self::Plant),
    ];
    /// Its name.
    pub fn name(self) -> &'static str {
        Self::ALL[self as usize].0
    }
}

/// Where a device answers Modbus.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceAddress {
    /// The unit; `None` for the plant.
    pub unit: Option<UnitId>,
    /// Number of the rack from 1, of a device that is one.
    pub rack: Option<u32>,
    /// What it shows.
    pub part: Part,
    /// Name of the listener.
    pub listener: String,
    /// Address to call; unspecified where the listener is bound to all of them.
    pub host: IpAddr,
    /// Port.
    pub port: u16,
    /// Modbus unit id; `None` where every one is answered.
    pub unit_id: Option<u8>,
    /// Whether the port speaks TLS.
    pub is_tls: bool,
    /// What clients of the listener may do at most.
    pub role: Role,
    /// Names of the maps that it shows.
    pub maps: Vec<String>,
}
