//! Targets by name, resolved to units, racks and cells.

use bess_core::id::UnitId;
use bess_core::spec::FarmSpec;

/// What a target consists of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TargetKind {
    /// The farm.
    Farm,
    /// Units.
    Unit,
    /// Racks.
    Rack,
    /// Modules: their cells.
    Module,
    /// Cells.
    Cell,
    /// Sensors: the units or racks that they belong to.
    Sensor,
    /// Listeners of the Modbus server.
    Listener,
    /// The grid.
    Grid,
    /// Clients.
    Client,
}

impl TargetKind {
    /// Every kind with its name in files.
    pub const ALL: [(&'static str, Self); 9] = [
        ("farm", Self::Farm),
        ("unit", Self::Unit),
        ("rack", Self::Rack),
        ("module", Self::Module),
        ("cell", Self::Cell),
        ("sensor", Self::Sensor),
        ("listener", Self::Listener),
        ("grid", Self::Grid),
        ("client", Self::Client),
    ];
    /// Its name in files.
    pub fn name(self) -> &'static str {
        Self::ALL[self as usize].0
    }
    /// Whether it stands for units, or parts of them.
    pub fn has_units(self) -> bool {
        !matches!(self, Self::Listener | Self::Grid | Self::Client)
    }
    /// Whether it stands for single cells.
    pub fn has_cells(self) -> bool {
        matches!(self, Self::Module | Self::Cell)
    }
}

/// One member of a target: a unit, or a rack or a cell of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Member {
    /// The unit.
    pub unit: UnitId,
    /// Index of the rack in its unit; `None` for all of them.
    pub rack_idx: Option<u16>,
    /// Index of the cell in its rack; `None` for all of them.
    pub cell_idx: Option<u16>,
}

impl Member {
    /// A whole unit.
    pub const fn unit(unit: UnitId) -> Self {
        Self { unit, rack_idx: None, cell_idx: None }
    }
    /// A whole rack.
    pub const fn rack(unit: UnitId, rack_idx: u16) -> Self {
        Self { unit, rack_idx: Some(rack_idx), cell_idx: None }
    }
    /// A cell.
    pub const fn cell(unit: UnitId, rack_idx: u16, cell_idx: u16) -> Self {
        Self { unit, rack_idx: Some(rack_idx), cell_idx: Some(cell_idx) }
    }
}

/// One target, resolved.
#[derive(Clone, Debug, Default)]
pub(crate) struct Resolved {
    /// By unit: whether it, or a part of it, belongs to the target.
    pub(crate) units: Vec<bool>,
    /// By rack of the farm: the same.
    pub(crate) racks: Vec<bool>,
    /// Rack of the farm and cell in it, in order; empty where whole racks belong to it.
    pub(crate) cells: Vec<(u32, u16)>,
    /// Number of members.
    pub(crate) n: usize,
}

impl Resolved {
    pub(crate) fn has_cell(&self, rack: u32, cell: u16) -> bool {
        if self.cells.is_empty() {
            self.racks.get(rack as usize).copied().unwrap_or(false)
        } else {
            self.cells.binary_search(&(rack, cell)).is_ok()
        }
    }
}

/// Every target of a scenario, in the order in which [`Names`](crate::expr::Names) has them.
#[derive(Clone, Debug, Default)]
pub struct Targets(Vec<Resolved>);

impl Targets {
    /// Places for `n` targets, all of them empty.
    pub fn new(n: usize) -> Self {
        Self(vec![Resolved::default(); n])
    }
    /// Says who the target at `index` is. A member that the farm does not have is left out.
    ///
    /// # Panics
    /// When there is no such place.
    pub fn set(&mut self, index: usize, spec: &FarmSpec, members: &[Member]) {
        let mut resolved = Resolved {
            units: vec![false; spec.units.len()],
            racks: vec![false; spec.n_racks()],
            ..Resolved::default()
        };
        for member in members {
            let Some(unit) = spec.units.get(member.unit.idx()) else { continue };
            let racks = match member.rack_idx.map(usize::from) {
                None => unit.racks.clone(),
                Some(idx) if idx < unit.racks.len() => {
                    unit.racks.start + idx..unit.racks.start + idx + 1
                }
                Some(_) => continue,
            };
            match member.cell_idx {
                Some(cell) if usize::from(cell) >= unit.design.cells_in_series => continue,
                Some(cell) => resolved.cells.push((racks.start as u32, cell)),
                None => (),
            }
            resolved.units[member.unit.idx()] = true;
            resolved.racks[racks].fill(true);
            resolved.n += 1;
        }
        resolved.cells.sort_unstable();
        resolved.cells.dedup();
        self.0[index] = resolved;
    }
    /// Number of members of the target at `index`; 0 where there is no such place.
    pub fn count(&self, index: usize) -> usize {
        self.0.get(index).map_or(0, |target| target.n)
    }
    pub(crate) fn get(&self, index: usize) -> Option<&Resolved> {
        self.0.get(index)
    }
}
