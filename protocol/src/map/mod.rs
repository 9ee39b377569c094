//! Register maps: what a register of a unit means.
//!
//! A map is a table of rows; a layout is that table resolved for one design of unit. Both standard maps of
//! a unit live in one layout: `compact` in registers 0 to 124, `sunspec` from 40000 on; the
//! plant has the same two. Adding a register is adding a row to a table; adding a map is a file here
//! and a line in [`MAPS`].

mod cells;
mod codec;
mod compact;
mod controls;
pub(crate) mod desk;
mod edit;
pub(crate) mod encoding;
pub(crate) mod layout;
mod plant;
pub(crate) mod points;
mod racks;
mod ratings;
mod source;
mod states;
mod sunspec;
#[cfg(test)]
mod tests;
pub mod user;

pub use points::{PointInfo, points};

pub use sunspec::Profile;

pub(crate) use edit::{Edit, Notes, Refusal};
pub(crate) use layout::{Layout, Sights};
pub(crate) use source::Sight;

use crate::config::{MapKind, MapSet};
use bess_core::UnitId;
use bess_core::device::Part;
pub(crate) use bess_core::point::Table;
use bess_core::role::Role;
use bess_core::spec::{FarmSpec, UnitDesign};
use layout::{Field, Item, Parts};
use sunspec::Chain;

/// Names of the maps: that of a unit in its profiles, those of its parts, of the plant, and the compact one.
pub const MAPS: &[&str] = &[
    "sunspec",
    "sunspec-cells",
    "sunspec-legacy",
    "sunspec-bms",
    "sunspec-pcs",
    "sunspec-meter",
    "sunspec-rack",
    "sunspec-plant",
    "compact",
];

/// One value of a map, for people.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PointDoc {
    /// Which device it is of, where a map shows several under unit ids of their own.
    pub device: String,
    /// Table of Modbus: holding (also shown as input), input, coil or discrete.
    pub table: &'static str,
    /// First register.
    pub address: u16,
    /// Number of registers.
    pub length: u16,
    /// Name; a SunSpec point begins with the number of its model.
    pub name: String,
    /// Type, as SunSpec calls it.
    pub kind: String,
    /// The register is the value over this.
    pub scale: f64,
    /// Unit of the value, or nothing.
    pub unit: String,
    /// "R" or "RW"; writable is what changes something.
    pub access: &'static str,
    /// Who may write it, where it is writable.
    pub role: &'static str,
    /// Name of the signal that it shows, or nothing.
    pub signal: String,
    /// Whether it holds a value; if not it reads "not available".
    pub is_available: bool,
    /// Names of its values, or of its bits.
    pub symbols: Vec<(String, u32)>,
    /// What else there is to know: ranges, what is not available, delays.
    pub notes: String,
}

/// The values of the map called `name` for one unit, in order of their registers; `None` for an
/// unknown map or unit.
pub fn document(name: &str, spec: &FarmSpec, unit: UnitId) -> Option<Vec<PointDoc>> {
    let design = &spec.units.get(unit.idx())?.design;
    let layout = match name {
        "sunspec" => chain_layout(sunspec::unit_chain(design, Profile::Standard)),
        "sunspec-cells" => chain_layout(sunspec::unit_chain(design, Profile::Cells)),
        "sunspec-legacy" => chain_layout(sunspec::unit_chain(design, Profile::Legacy)),
        "sunspec-bms" => part_layout(Part::Bms, design),
        "sunspec-pcs" => part_layout(Part::Pcs, design),
        "sunspec-meter" => part_layout(Part::Meter, design),
        "sunspec-rack" => part_layout(Part::Rack, design),
        "sunspec-plant" => chain_layout(sunspec::plant_chain(spec)),
        "compact" => Layout::new(compact::fields(compact::Level::Unit)),
        _ => return None,
    };
    Some(describe_layout(&layout))
}

/// The values of a layout, table by table; the input table only where it differs.
pub(crate) fn describe_layout(layout: &Layout) -> Vec<PointDoc> {
    let shown =
        Table::ALL.iter().filter(|(_, table)| *table != Table::Input || !layout.mirrors_input());
    let rows = shown.flat_map(|(_, table)| {
        let fields = layout.fields_of(*table).map(|field| describe(*table, field));
        let memories = layout.memories_of(*table).map(|(address, count)| PointDoc {
            table: table.name(),
            address,
            length: count.min(u16::MAX.into()) as u16,
            name: "scratch memory".to_owned(),
            kind: if table.has_words() { "u16" } else { "bit" }.to_owned(),
            access: if table.is_writable() { "RW" } else { "R" },
            role: if table.is_writable() { Role::Operator.name() } else { "" },
            is_available: true,
            scale: 1.0,
            ..PointDoc::default()
        });
        let mut rows: Vec<PointDoc> = fields.chain(memories).collect();
        rows.sort_by_key(|row| row.address);
        rows
    });
    rows.collect()
}

fn describe(table: Table, field: &Field) -> PointDoc {
    let symbols = field.about.symbols.iter().map(|(name, value)| (name.to_owned(), value));
    PointDoc {
        table: table.name(),
        address: field.address,
        length: field.codec.registers(),
        name: field.about.name.clone(),
        kind: field.codec.name().to_owned(),
        scale: field.codec.scale(),
        unit: field.about.unit.clone().into_owned(),
        access: if field.write.is_some() { "RW" } else { "R" },
        role: if field.write.is_some() { field.role.name() } else { "" },
        signal: field.about.signal.clone().unwrap_or_default().into_owned(),
        is_available: !matches!(field.source, source::Source::Missing),
        symbols: symbols.collect(),
        notes: field.codec.notes().to_owned(),
        ..PointDoc::default()
    }
}

/// The layout of a part of a unit of this design, in these maps.
pub(crate) fn unit_layout(design: &UnitDesign, part: Part, maps: &MapSet) -> Layout {
    let (compact, sunspec, profile) = match &maps.kind {
        _ if part != Part::Whole => return part_layout(part, design),
        MapKind::File(map) => {
            return map.layout(design).expect("the map was checked against every design");
        }
        MapKind::Standard { compact, sunspec, profile } => (*compact, *sunspec, *profile),
    };
    match (compact, sunspec) {
        (true, true) => with_compact(compact::Level::Unit, sunspec::unit_chain(design, profile)),
        (true, false) => Layout::new(compact::fields(compact::Level::Unit)),
        (false, _) => chain_layout(sunspec::unit_chain(design, profile)),
    }
}

/// The standard layout of the plant of this farm.
pub(crate) fn plant_layout(spec: &FarmSpec) -> Layout {
    with_compact(compact::Level::Plant, sunspec::plant_chain(spec))
}

/// The layout of a part of a unit of this design, or of one of its racks: a chain of SunSpec alone.
pub(crate) fn part_layout(part: Part, design: &UnitDesign) -> Layout {
    chain_layout(sunspec::part_chain(part, design))
}

/// The layout of a chain alone.
fn chain_layout(chain: Chain) -> Layout {
    let holding = chain.fields.into_iter().map(Item::Field).collect();
    Layout::of(Parts { holding, cells: chain.cells, ..Parts::default() })
}

fn with_compact(level: compact::Level, mut chain: Chain) -> Layout {
    chain.fields.splice(0..0, compact::fields(level));
    chain_layout(chain)
}
