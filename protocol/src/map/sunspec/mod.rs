//! The SunSpec map: a chain of models from register 40000 on.
//!
//! Tables of points are facts of the models; bindings say what a unit shows in them; this file lays
//! both out for a design of unit and resolves the scale factors.

mod bindings;
pub(super) mod models;
mod plant;
mod table;
#[cfg(test)]
mod tests;

use super::codec::Codec;
use super::edit::Writer;
use super::layout::{About, Field, Symbols};
use super::source::{Bind, Source, Subject};
use bess_core::role::Role;
use bess_core::spec::{FarmSpec, UnitDesign};
use bindings::Row;
use models::{
    model_1, model_701, model_702, model_703, model_704, model_713, model_715, model_802, model_803,
};
use std::borrow::Cow;
use table::{Model, Point};

/// First register of the chain.
pub(crate) const BASE: u16 = 40_000;

/// "SunS", which marks the start.
const MARK: [i64; 2] = [0x5375, 0x6E53];
/// Registers of the end mark: an id of 0xFFFF and a length of 0.
const END_LENGTH: u32 = 2;

/// A model of a unit's chain with what its points show.
struct Link {
    model: &'static Model,
    rows: &'static [Row],
    group_rows: &'static [Row],
}

const fn link(model: &'static Model, rows: &'static [Row]) -> Link {
    Link { model, rows, group_rows: &[] }
}

/// The chain of a unit. The last model repeats its group for each rack.
const CHAIN: &[Link] = &[
    link(&model_1::MODEL, bindings::COMMON),
    link(&model_701::MODEL, bindings::MEASUREMENT),
    link(&model_702::MODEL, bindings::CAPACITY),
    link(&model_703::MODEL, bindings::ENTER_SERVICE),
    link(&model_704::MODEL, bindings::CONTROLS),
    link(&model_713::MODEL, bindings::STORAGE),
    link(&model_715::MODEL, bindings::CONTROL),
    link(&model_802::MODEL, bindings::BATTERY),
    Link { model: &model_803::MODEL, rows: bindings::BANK, group_rows: bindings::STRING },
];

/// The chain of the plant.
const PLANT_CHAIN: &[Link] = &[
    link(&model_1::MODEL, plant::COMMON),
    link(&model_701::MODEL, plant::MEASUREMENT),
    link(&model_702::MODEL, plant::CAPACITY),
    link(&model_704::MODEL, plant::CONTROLS),
    link(&model_713::MODEL, plant::STORAGE),
];

/// The chain of a unit of this design.
///
/// Racks whose group would pass the last register are left out.
pub(crate) fn unit_chain(design: &UnitDesign) -> Vec<Field> {
    lay_out(CHAIN, Subject::Unit(design))
}

/// The chain of the plant of this farm.
pub(crate) fn plant_chain(spec: &FarmSpec) -> Vec<Field> {
    lay_out(PLANT_CHAIN, Subject::Plant(spec))
}

fn lay_out(chain: &'static [Link], subject: Subject<'_>) -> Vec<Field> {
    let mut fields = vec![constant(BASE, MARK[0]), constant(BASE + 1, MARK[1])];
    let mut address = u32::from(BASE) + MARK.len() as u32;
    for link in chain {
        let model = link.model;
        let group_length = u32::from(model.group_length);
        let room = u32::from(u16::MAX) + 1 - END_LENGTH - address - u32::from(model.length);
        let fitting = room.checked_div(group_length).unwrap_or(0);
        let n_groups = (subject.n_racks() as u32).min(fitting);
        let length = u32::from(model.length) + n_groups * group_length;
        let placer = Placer { link, subject, n_groups, body_length: length - 2 };
        fields.extend(model.points.iter().map(|point| {
            let at = address + u32::from(point.offset);
            placer.field(point, at, None)
        }));
        for group in 0..n_groups {
            let start = address + u32::from(model.length) + group * group_length;
            fields.extend(model.group_points.iter().map(|point| {
                let at = start + u32::from(point.offset);
                placer.field(point, at, Some(group))
            }));
        }
        address += length;
    }
    // The room that was kept makes the end fit.
    let end = address as u16;
    fields.push(constant(end, 0xFFFF));
    fields.push(constant(end + 1, 0));
    fields
}

fn constant(address: u16, word: i64) -> Field {
    Field::constant("sunspec", "chain mark", address, word)
}

/// Places the points of one model.
struct Placer<'p> {
    link: &'p Link,
    subject: Subject<'p>,
    n_groups: u32,
    /// What the point `L` says: registers after it.
    body_length: u32,
}

impl Placer<'_> {
    fn field(&self, point: &Point, address: u32, group: Option<u32>) -> Field {
        let model = self.link.model;
        let (rows, name) = match group {
            None => (self.link.rows, format!("{}.{}", model.id, point.name)),
            Some(index) => (
                self.link.group_rows,
                format!("{}.{}[{}].{}", model.id, model.group, index + 1, point.name),
            ),
        };
        let rack_idx = group.unwrap_or(0) as usize;
        let row = rows.iter().find(|row| row.point == point.name);
        let read = match (group, point.name) {
            (None, "ID") => Bind::Raw(i64::from(model.id)),
            (None, "L") => Bind::Raw(i64::from(self.body_length)),
            (None, "NStr") => Bind::Raw(i64::from(self.n_groups)),
            _ => row.map_or(Bind::Missing, |row| row.read),
        };
        let source = match read.scale_factor(self.subject) {
            Some(exponent) => Source::Raw(i64::from(exponent)),
            None => read.resolve(point.unit, rack_idx),
        };
        Field {
            address: address as u16,
            codec: Codec::plain(point.encoding, self.exponent(point)),
            source,
            write: row.and_then(|row| row.write).map(|write| Writer::Row(write.of_rack(rack_idx))),
            is_writable: point.is_writable,
            role: row.map_or(Role::Engineer, |row| row.role),
            about: About {
                map: Cow::Borrowed("sunspec"),
                name,
                unit: Cow::Borrowed(point.unit),
                symbols: Symbols::Table(point.symbols),
                signal: read.signal_name().map(Cow::Borrowed),
            },
        }
    }

    /// The exponent of a point: what its scale factor shows, 0 where there is none.
    fn exponent(&self, point: &Point) -> i8 {
        let row = self.link.rows.iter().find(|row| row.point == point.sf);
        row.and_then(|row| row.read.scale_factor(self.subject)).unwrap_or(0)
    }
}
