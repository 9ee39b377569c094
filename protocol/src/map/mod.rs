//! Register maps: what a register of a unit means.
//!
//! A map is a table of rows; a layout is that table resolved for one design of unit. Both maps of a
//! unit live in one layout: `compact` in registers 0 to 124, `sunspec` from 40000 on; the
//! plant has the same two. Adding a register is adding a row to a table; adding a map is a file here
//! and a line in [`MAPS`].

mod compact;
mod controls;
mod edit;
mod encoding;
mod layout;
mod plant;
mod racks;
mod source;
mod states;
mod sunspec;
#[cfg(test)]
mod tests;

pub(crate) use edit::{Edit, Refusal};
pub(crate) use layout::Layout;
pub(crate) use source::{LastWrite, Sight};

use bess_core::UnitId;
use bess_core::id::{MODBUS_PLANT_ID, MODBUS_UNIT_ID_MAX};
use bess_core::snapshot::Snapshot;
use bess_core::spec::{FarmSpec, UnitDesign};
use layout::Field;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

/// Names of the maps.
pub const MAPS: &[&str] = &["sunspec", "compact"];

/// One value of a map, for people.
#[derive(Clone, Debug, PartialEq)]
pub struct PointDoc {
    /// First register.
    pub address: u16,
    /// Number of registers.
    pub length: u16,
    /// Name; a SunSpec point begins with the number of its model.
    pub name: String,
    /// Type, as SunSpec calls it.
    pub kind: &'static str,
    /// The register is the value over this.
    pub scale: f64,
    /// Unit of the value, or nothing.
    pub unit: &'static str,
    /// "R" or "RW"; writable is what changes something.
    pub access: &'static str,
    /// Name of the signal that it shows, or nothing.
    pub signal: &'static str,
    /// Whether it holds a value; if not it reads "not available".
    pub is_available: bool,
    /// Names of its values, or of its bits.
    pub symbols: Vec<(&'static str, u32)>,
}

/// The values of the map called `name` for one unit, in order of their registers; `None` for an
/// unknown map or unit.
pub fn document(name: &str, spec: &FarmSpec, unit: UnitId) -> Option<Vec<PointDoc>> {
    let design = &spec.units.get(unit.idx())?.design;
    let layout = match name {
        "sunspec" => Layout::new(sunspec::unit_chain(design)),
        "compact" => Layout::new(compact::fields(compact::Level::Unit)),
        _ => return None,
    };
    Some(layout.fields().iter().map(describe).collect())
}

fn describe(field: &Field) -> PointDoc {
    PointDoc {
        address: field.address,
        length: field.encoding.registers(),
        name: field.about.name.clone(),
        kind: field.encoding.name(),
        scale: 10f64.powi(i32::from(field.exponent)),
        unit: field.about.unit,
        access: if field.write.is_some() { "RW" } else { "R" },
        signal: field.about.signal.unwrap_or_default(),
        is_available: !matches!(field.source, source::Source::Missing),
        symbols: field.about.symbols.to_vec(),
    }
}

/// Unit ids of the plant: the server itself, over TCP.
const PLANT_IDS: [u8; 2] = [0, MODBUS_PLANT_ID];

/// The layouts behind one listener: unit id k is unit k, 0 and 255 are the plant.
#[derive(Debug)]
pub struct Gateway {
    plant: Layout,
    units: Vec<Arc<Layout>>,
    /// What became of the last write of the plant and then of each unit: code and register, or
    /// [`NO_WRITE`].
    last_writes: Vec<AtomicU32>,
}

/// No exception has this code.
const NO_WRITE: u32 = u32::MAX;

impl Gateway {
    /// Lays out the maps of a farm; units beyond the 247th have no id here.
    pub fn new(spec: &FarmSpec) -> Self {
        let mut designs: Vec<(Arc<UnitDesign>, Arc<Layout>)> = Vec::new();
        let units = spec.units.iter().take(usize::from(MODBUS_UNIT_ID_MAX)).map(|unit| {
            let known = designs.iter().find(|(design, _)| Arc::ptr_eq(design, &unit.design));
            if let Some((_, layout)) = known {
                return Arc::clone(layout);
            }
            let mut fields = compact::fields(compact::Level::Unit);
            fields.extend(sunspec::unit_chain(&unit.design));
            let layout = Arc::new(Layout::new(fields));
            designs.push((Arc::clone(&unit.design), Arc::clone(&layout)));
            layout
        });
        let mut plant = compact::fields(compact::Level::Plant);
        plant.extend(sunspec::plant_chain(spec));
        let units: Vec<_> = units.collect();
        let last_writes = (0..=units.len()).map(|_| AtomicU32::new(NO_WRITE)).collect();
        Self { units, plant: Layout::new(plant), last_writes }
    }

    /// Reads `count` registers from `address` on as `unit_id` shows them in `snapshot`; `None` where
    /// nobody answers or a register is in no map.
    pub fn read(
        &self,
        snapshot: &Snapshot,
        unit_id: u8,
        address: u16,
        count: u16,
    ) -> Option<Vec<u16>> {
        let (unit, layout) = self.find(unit_id)?;
        layout.read(self.sight(snapshot, unit), address, count).ok()
    }

    /// What a request to `unit`, or to the plant, sees of `snapshot`.
    pub(crate) fn sight<'s>(&self, snapshot: &'s Snapshot, unit: Option<UnitId>) -> Sight<'s> {
        let noted = self.last_write_slot(unit).map_or(NO_WRITE, |slot| slot.load(Relaxed));
        let last_write = (noted != NO_WRITE)
            .then_some(LastWrite { code: (noted >> 16) as u8, address: noted as u16 });
        Sight { last_write, ..Sight::new(snapshot, unit) }
    }

    /// Keeps what became of a write, for the registers that show it.
    pub(crate) fn note_write(&self, unit: Option<UnitId>, write: LastWrite) {
        if let Some(slot) = self.last_write_slot(unit) {
            slot.store(u32::from(write.code) << 16 | u32::from(write.address), Relaxed);
        }
    }

    fn last_write_slot(&self, unit: Option<UnitId>) -> Option<&AtomicU32> {
        self.last_writes.get(unit.map_or(0, |unit| unit.idx() + 1))
    }

    /// Who answers to `unit_id`; `None` for nobody.
    pub(crate) fn find(&self, unit_id: u8) -> Option<(Option<UnitId>, &Layout)> {
        if PLANT_IDS.contains(&unit_id) {
            return Some((None, &self.plant));
        }
        let unit = UnitId::from_number(u32::from(unit_id))?;
        let layout = self.units.get(unit.idx())?;
        Some((Some(unit), layout))
    }
}
