//! What a fault, or another action, is done to.

use bess_core::defect::Reading;
use bess_core::id::UnitId;
use std::fmt;
use std::sync::Arc;

/// What a fault, or another action, is done to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum TargetKind {
    /// The whole farm at its POI.
    Farm,
    /// The grid behind it.
    Grid,
    /// A unit.
    Unit,
    /// A rack.
    Rack,
    /// A cell.
    Cell,
    /// A measured value of a unit or of a rack.
    Sensor,
    /// A listener of the Modbus server.
    Listener,
    /// The built-in EMS.
    Client,
}

impl TargetKind {
    /// Every one, with its name in files, REST and documents.
    pub const ALL: [(&'static str, Self); 8] = [
        ("farm", Self::Farm),
        ("grid", Self::Grid),
        ("unit", Self::Unit),
        ("rack", Self::Rack),
        ("cell", Self::Cell),
        ("sensor", Self::Sensor),
        ("listener", Self::Listener),
        ("client", Self::Client),
    ];
    /// Its name.
    pub fn name(self) -> &'static str {
        Self::ALL[self as usize].0
    }
}

/// One target. Its text is its id in reports, and part of the key of its random streams.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Target {
    /// The farm.
    Farm,
    /// The grid.
    Grid,
    /// A unit.
    Unit(UnitId),
    /// A rack of a unit.
    Rack {
        /// The unit.
        unit: UnitId,
        /// Index of the rack in it.
        rack_idx: usize,
    },
    /// A cell of a rack.
    Cell {
        /// The unit.
        unit: UnitId,
        /// Index of the rack in it.
        rack_idx: usize,
        /// Index of the cell in its rack.
        cell_idx: usize,
    },
    /// A measured value.
    Sensor {
        /// The unit.
        unit: UnitId,
        /// Index of the rack in it; `None` where the value is one of the unit.
        rack_idx: Option<usize>,
        /// Position of the value in [`Reading::ALL`].
        reading_idx: usize,
    },
    /// A listener by its name; `None` for every one.
    Listener(Option<Arc<str>>),
    /// A client of the built-in EMS by its name.
    Client(Arc<str>),
}

impl Target {
    /// Its kind.
    pub const fn kind(&self) -> TargetKind {
        match self {
            Self::Farm => TargetKind::Farm,
            Self::Grid => TargetKind::Grid,
            Self::Unit(_) => TargetKind::Unit,
            Self::Rack { .. } => TargetKind::Rack,
            Self::Cell { .. } => TargetKind::Cell,
            Self::Sensor { .. } => TargetKind::Sensor,
            Self::Listener(_) => TargetKind::Listener,
            Self::Client(_) => TargetKind::Client,
        }
    }
    /// The unit that it is, or is in.
    pub const fn unit(&self) -> Option<UnitId> {
        match self {
            Self::Unit(unit)
            | Self::Rack { unit, .. }
            | Self::Cell { unit, .. }
            | Self::Sensor { unit, .. } => Some(*unit),
            Self::Farm | Self::Grid | Self::Listener(_) | Self::Client(_) => None,
        }
    }
    /// Index in its unit of the rack that it is, or is in.
    pub const fn rack_idx(&self) -> Option<usize> {
        match self {
            Self::Rack { rack_idx, .. } | Self::Cell { rack_idx, .. } => Some(*rack_idx),
            Self::Sensor { rack_idx, .. } => *rack_idx,
            _ => None,
        }
    }
    /// The value of a sensor.
    pub fn reading(&self) -> Option<Reading> {
        match self {
            Self::Sensor { reading_idx, .. } => Reading::ALL.get(*reading_idx).map(|row| row.1),
            _ => None,
        }
    }
}

impl fmt::Display for Target {
    /// `farm`, `grid`, `unit-001`, `unit-001/rack-2`, `unit-001/rack-2/cell-17`,
    /// `unit-001/rack-2/current_a`, `listener-main`, `listeners`, `client-ems`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(unit) = self.unit() {
            write!(f, "unit-{:03}", unit.number())?;
        }
        if let Some(rack_idx) = self.rack_idx() {
            write!(f, "/rack-{}", rack_idx + 1)?;
        }
        match self {
            Self::Farm => f.write_str("farm"),
            Self::Grid => f.write_str("grid"),
            Self::Unit(_) | Self::Rack { .. } => Ok(()),
            Self::Cell { cell_idx, .. } => write!(f, "/cell-{}", cell_idx + 1),
            Self::Sensor { reading_idx, .. } => {
                write!(f, "/{}", Reading::ALL.get(*reading_idx).map_or("?", |row| row.0))
            }
            Self::Listener(Some(name)) => write!(f, "listener-{name}"),
            Self::Listener(None) => f.write_str("listeners"),
            Self::Client(name) => write!(f, "client-{name}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_has_the_name_that_people_use() {
        let unit = UnitId::from_idx(0);
        let sensor = |rack_idx| Target::Sensor { unit, rack_idx, reading_idx: 4 };
        let named = [
            (Target::Unit(unit), "unit-001"),
            (Target::Rack { unit, rack_idx: 1 }, "unit-001/rack-2"),
            (Target::Cell { unit, rack_idx: 0, cell_idx: 16 }, "unit-001/rack-1/cell-17"),
            (sensor(Some(2)), "unit-001/rack-3/current_a"),
            (sensor(None), "unit-001/current_a"),
            (Target::Listener(None), "listeners"),
            (Target::Listener(Some("main".into())), "listener-main"),
            (Target::Client("ems".into()), "client-ems"),
        ];
        for (target, name) in named {
            assert_eq!(target.to_string(), name);
        }
    }
}
