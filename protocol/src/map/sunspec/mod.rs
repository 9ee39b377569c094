//! The SunSpec map: a chain of models from register 40000 on.
//!
//! Tables of points are facts of the models (`models`, `table`); `spot` places them one after the other;
//! `bindings` say what a unit shows in them, `curve` the models whose curves are written and then adopted,
//! `legacy` the controls of the older models; this file makes the chains and resolves scale factors.
//! Everything a client has to know stands in docs/sunspec.md.

mod bindings;
mod curve;
mod legacy;
pub(super) mod models;
mod spot;
mod table;
#[cfg(test)]
mod tests;

use super::codec::Codec;
use super::edit::Writer;
use super::layout::{About, Field, Symbols};
use super::source::{Bind, Place, Source, Subject};
use bess_core::device::Part;
use bess_core::role::Role;
use bess_core::spec::{FarmSpec, UnitDesign};
use bindings::{Row, battery, der, legacy as legacy_rows, meter, plant};
use curve::{Shown, Side};
use models::{
    model_1, model_103, model_120, model_121, model_122, model_123, model_124, model_203,
    model_701, model_702, model_703, model_704, model_705, model_706, model_707, model_708,
    model_709, model_710, model_711, model_712, model_713, model_714, model_715, model_802,
    model_803, model_804, model_805,
};
use spot::{MARK, Spot, Stop, place};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;
use table::{Count, Group, Model};

pub(crate) use spot::BASE;

/// Which models the chain of a unit has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Profile {
    /// Models 701 to 715, 802 and 803.
    #[default]
    Standard,
    /// These and each string and module with its cells, models 804 and 805.
    Cells,
    /// The older models of an inverter with storage: 103 and 120 to 124.
    Legacy,
}

impl Profile {
    /// Every profile with its name in files and REST.
    pub const ALL: [(&'static str, Self); 3] =
        [("standard", Self::Standard), ("cells", Self::Cells), ("legacy", Self::Legacy)];
    /// Its name.
    pub fn name(self) -> &'static str {
        Self::ALL[self as usize].0
    }
}

/// A chain of models.
#[derive(Debug)]
pub(crate) struct Chain {
    pub(crate) fields: Vec<Field>,
    /// Registers, first and last, that show single cells or what is made of them.
    pub(crate) cells: Option<(u16, u16)>,
}

/// A model with what its points show.
#[derive(Debug)]
struct Link {
    model: &'static Model,
    rows: &'static [Row],
    /// What of the model is no row.
    special: Special,
}

/// What of a model is no row of a table.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Special {
    Nothing,
    /// Curves of this function.
    Curves(Shown),
    /// Controls that work together.
    Legacy,
    /// Single cells.
    Cells,
}

const fn link(model: &'static Model, rows: &'static [Row]) -> Link {
    Link { model, rows, special: Special::Nothing }
}

const fn curves(model: &'static Model, rows: &'static [Row], shown: Shown) -> Link {
    Link { model, rows, special: Special::Curves(shown) }
}

const fn legacy_controls(model: &'static Model, rows: &'static [Row]) -> Link {
    Link { model, rows, special: Special::Legacy }
}

const fn cells(model: &'static Model, rows: &'static [Row]) -> Link {
    Link { model, rows, special: Special::Cells }
}

const COMMON: Link = link(&model_1::MODEL, der::COMMON);

/// The converter of a unit.
const PCS: &[Link] = &[
    link(&model_701::MODEL, der::MEASUREMENT),
    link(&model_702::MODEL, der::CAPACITY),
    link(&model_703::MODEL, der::ENTER_SERVICE),
    link(&model_704::MODEL, der::CONTROLS),
    curves(&model_705::MODEL, curve::VOLT_VAR, Shown::VoltVar),
    curves(&model_706::MODEL, curve::VOLT_WATT, Shown::VoltWatt),
    curves(&model_707::MODEL, curve::TRIP_LV, Shown::Trip(Side::UnderVoltage)),
    curves(&model_708::MODEL, curve::TRIP_HV, Shown::Trip(Side::OverVoltage)),
    curves(&model_709::MODEL, curve::TRIP_HZ, Shown::Trip(Side::UnderFrequency)),
    curves(&model_710::MODEL, curve::TRIP_HZ, Shown::Trip(Side::OverFrequency)),
    curves(&model_711::MODEL, curve::DROOP, Shown::Droop),
    curves(&model_712::MODEL, curve::WATT_VAR, Shown::WattVar),
    link(&model_713::MODEL, der::STORAGE),
    link(&model_714::MODEL, der::DC_MEASUREMENT),
    link(&model_715::MODEL, der::CONTROL),
];

/// Its battery.
const BMS: &[Link] =
    &[link(&model_802::MODEL, battery::BATTERY), link(&model_803::MODEL, battery::BANK)];

const STRING: Link = cells(&model_804::MODEL, battery::STRING);
const MODULE: Link = cells(&model_805::MODEL, battery::MODULE);

/// The meter at its AC terminals.
const METER: &[Link] = &[link(&model_203::MODEL, meter::OF_UNIT)];

/// An inverter with storage in the older models.
const LEGACY: &[Link] = &[
    link(&model_103::MODEL, legacy_rows::INVERTER),
    link(&model_120::MODEL, legacy_rows::NAMEPLATE),
    link(&model_121::MODEL, legacy_rows::SETTINGS),
    link(&model_122::MODEL, legacy_rows::STATUS),
    legacy_controls(&model_123::MODEL, legacy_rows::CONTROLS),
    legacy_controls(&model_124::MODEL, legacy_rows::STORAGE),
];

/// The chain of the plant.
const PLANT: &[Link] = &[
    link(&model_1::MODEL, plant::COMMON),
    link(&model_701::MODEL, plant::MEASUREMENT),
    link(&model_702::MODEL, plant::CAPACITY),
    link(&model_704::MODEL, plant::CONTROLS),
    link(&model_713::MODEL, plant::STORAGE),
    link(&model_203::MODEL, meter::OF_PLANT),
];

/// What a unit calls itself, and what its parts do.
const BMS_COMMON: Link = link(&model_1::MODEL, der::COMMON_OF_BMS);
const PCS_COMMON: Link = link(&model_1::MODEL, der::COMMON_OF_PCS);
const METER_COMMON: Link = link(&model_1::MODEL, der::COMMON_OF_METER);
const RACK_COMMON: Link = link(&model_1::MODEL, der::COMMON_OF_RACK);

/// The chain of a unit of this design.
///
/// Racks whose group in model 803 would pass the last register are left out. In the profile of cells the
/// models of the racks are there when all of them fit, those of the modules likewise; where they do not,
/// each rack is a device of its own, see [`rack_chain`].
pub(crate) fn unit_chain(design: &UnitDesign, profile: Profile) -> Chain {
    let mut stops = links(&[&[COMMON], PCS, BMS]);
    match profile {
        Profile::Standard => {}
        Profile::Legacy => stops = links(&[&[COMMON], LEGACY]),
        Profile::Cells => {
            let shown = with_cells(&stops, design, cells_fit(design));
            if fits(&shown, design) {
                stops = shown;
            }
        }
    }
    lay_out(&stops, Subject::Unit(design))
}

/// Whether the chain of a unit of this design has room for every cell.
pub(crate) fn cells_fit(design: &UnitDesign) -> bool {
    fits(&with_cells(&links(&[&[COMMON], PCS, BMS]), design, true), design)
}

/// The chain of the plant of this farm.
pub(crate) fn plant_chain(spec: &FarmSpec) -> Chain {
    lay_out(&links(&[PLANT]), Subject::Plant(spec))
}

/// The chain of a part of a unit of this design; of the whole unit that of the standard profile. A plant is
/// no part of a unit: its chain is empty.
pub(crate) fn part_chain(part: Part, design: &UnitDesign) -> Chain {
    let parts: &[&'static [Link]] = match part {
        Part::Whole => return unit_chain(design, Profile::Standard),
        Part::Rack => return rack_chain(design),
        Part::Bms => &[&[BMS_COMMON], BMS],
        Part::Pcs => &[&[PCS_COMMON], PCS],
        Part::Meter => &[&[METER_COMMON], METER],
        Part::Plant => &[],
    };
    lay_out(&links(parts), Subject::Unit(design))
}

/// The chain of a device that is one rack of a unit of this design: models 804 and 805. Modules that would
/// pass the last register are left out.
pub(crate) fn rack_chain(design: &UnitDesign) -> Chain {
    let mut stops = links(&[&[RACK_COMMON]]);
    stops.extend(rack_stops(design, 0, true));
    lay_out(&stops, Subject::Unit(design))
}

fn links(parts: &[&'static [Link]]) -> Vec<Stop<&'static Link>> {
    parts.iter().flat_map(|part| part.iter()).map(|link| stop(link, Place::default())).collect()
}

fn stop(link: &'static Link, place: Place) -> Stop<&'static Link> {
    Stop { model: link.model, place, filling: link }
}

/// The models of a rack, and of its modules where they are wanted.
fn rack_stops(
    design: &UnitDesign,
    rack_idx: usize,
    has_modules: bool,
) -> impl Iterator<Item = Stop<&'static Link>> + use<> {
    let n_modules = if has_modules { design.modules_per_rack() } else { 0 };
    let string = stop(&STRING, Place { rack_idx, ..Place::default() });
    let module =
        move |module_idx| stop(&MODULE, Place { rack_idx, module_idx, ..Place::default() });
    std::iter::once(string).chain((0..n_modules).map(module))
}

fn with_cells(
    stops: &[Stop<&'static Link>],
    design: &UnitDesign,
    has_modules: bool,
) -> Vec<Stop<&'static Link>> {
    let racks = (0..design.n_racks).flat_map(|rack_idx| rack_stops(design, rack_idx, has_modules));
    stops.iter().copied().chain(racks).collect()
}

/// Whether no model passes the last register.
fn fits(stops: &[Stop<&'static Link>], design: &UnitDesign) -> bool {
    let subject = Subject::Unit(design);
    let lengths = stops.iter().map(|stop| {
        let length = stop.model.body.length(&|group| count(stop, group, subject));
        u64::from(length)
    });
    // With the marks at the start and the end.
    u64::from(BASE) + lengths.sum::<u64>() + 4 <= u64::from(u16::MAX) + 1
}

/// How often a group of a model is there.
fn count(stop: &Stop<&'static Link>, group: &Group, subject: Subject<'_>) -> u32 {
    let of_design = |get: fn(&UnitDesign, Place) -> usize| {
        subject.design().map_or(0, |design| get(design, stop.place) as u32)
    };
    match group.count {
        Count::Once | Count::By("NPrt") => 1,
        Count::By("NStr") => of_design(|design, _| design.n_racks),
        Count::By("NMod") => of_design(|design, _| design.modules_per_rack()),
        Count::By("NPt") => match stop.filling.special {
            Special::Curves(shown) => shown.n_points(),
            _ => 0,
        },
        Count::By(_) => curve::N_CURVES,
        Count::ByLength => {
            of_design(|design, place| super::cells::cells_of_module(design, place.module_idx).len())
        }
    }
}

/// The fields of a chain with the marks of its start and end.
fn lay_out(stops: &[Stop<&'static Link>], subject: Subject<'_>) -> Chain {
    let (spots, end) = place(stops, &|stop, group| count(stop, group, subject));
    let binder = Binder::new(&spots, subject);
    let fields = spots.iter().map(|spot| binder.field(spot)).collect();
    let of_cells = |spot: &&Spot<&'static Link>| spot.filling.special == Special::Cells;
    let last_of = |spot: &Spot<_>| spot.address + spot.point.encoding.registers() - 1;
    let first = spots.iter().find(of_cells).map(|spot| spot.address);
    let last = spots.iter().rev().find(of_cells).map(last_of);
    Chain { fields: marked(fields, end), cells: first.zip(last) }
}

/// A chain of these fields with the marks of its start and end.
fn marked(fields: Vec<Field>, end: u16) -> Vec<Field> {
    let mark = |address, word| Field::constant("sunspec", "chain mark", address, word);
    let start = [mark(BASE, MARK[0]), mark(BASE + 1, MARK[1])];
    start.into_iter().chain(fields).chain([mark(end, 0xFFFF), mark(end + 1, 0)]).collect()
}

/// The exponents that scale factors show, by the model and the name of the factor.
type Exponents = BTreeMap<(u16, &'static str), i8>;

/// Binds points to what they show.
struct Binder<'b> {
    subject: Subject<'b>,
    exponents: Exponents,
    /// Of each model of the chain that has curves.
    curves: Vec<(usize, Arc<curve::Block>)>,
    legacy: Option<Arc<legacy::Block>>,
}

impl<'b> Binder<'b> {
    fn new(spots: &[Spot<&'static Link>], subject: Subject<'b>) -> Self {
        let mut exponents = Exponents::new();
        let mut curves: Vec<(usize, Shown)> = Vec::new();
        for spot in spots {
            let key = (spot.filling.model.id, spot.point.sf);
            exponents.entry(key).or_insert_with(|| exponent(spot, subject));
            if let Special::Curves(shown) = spot.filling.special
                && curves.last().is_none_or(|(known, _)| *known != spot.stop_idx)
            {
                curves.push((spot.stop_idx, shown));
            }
        }
        let block = |(stop_idx, shown)| {
            let own = spots.iter().filter(|spot| spot.stop_idx == stop_idx);
            let own = own.map(|spot| (spot, known_exponent(&exponents, spot)));
            (stop_idx, Arc::new(curve::Block::new(shown, own)))
        };
        let curves = curves.into_iter().map(block).collect();
        let controls = spots.iter().filter(|spot| spot.filling.special == Special::Legacy);
        let controls: Vec<_> =
            controls.map(|spot| (spot, known_exponent(&exponents, spot))).collect();
        let legacy = (!controls.is_empty()).then(|| Arc::new(legacy::Block::new(&controls)));
        Self { subject, exponents, curves, legacy }
    }

    fn field(&self, spot: &Spot<&'static Link>) -> Field {
        let row = row_of(spot);
        let special = self.special(spot);
        let read = row.map_or(Bind::Missing, |row| row.read);
        let source = match (spot.shape, read.scale_factor(self.subject)) {
            (Some(raw), _) => Source::Raw(raw),
            (None, Some(exponent)) => Source::Raw(i64::from(exponent)),
            (None, None) => read.resolve(spot.point.unit, spot.place),
        };
        let row_write = row.and_then(|row| row.write);
        let write = row_write.map(|write| Writer::Row(write.of_rack(spot.place.rack_idx)));
        let role = row.map_or(Role::Engineer, |row| row.role);
        let (source, write, role) = special.unwrap_or((source, write, role));
        Field {
            address: spot.address,
            codec: Codec::plain(spot.point.encoding, known_exponent(&self.exponents, spot)),
            source,
            write,
            is_writable: spot.point.is_writable,
            role,
            about: About {
                map: Cow::Borrowed("sunspec"),
                name: spot.name.clone(),
                unit: Cow::Borrowed(spot.point.unit),
                symbols: Symbols::Table(spot.point.symbols),
                signal: read.signal_name().map(Cow::Borrowed),
            },
        }
    }

    /// What a point shows and does that is no row.
    fn special(&self, spot: &Spot<&'static Link>) -> Option<(Source, Option<Writer>, Role)> {
        let block = self.curves.iter().find(|(stop_idx, _)| *stop_idx == spot.stop_idx);
        match (spot.filling.special, block) {
            (Special::Curves(_), Some((_, block))) => curve::bind(block, spot),
            (Special::Legacy, _) => {
                self.legacy.as_ref().and_then(|block| legacy::bind(block, spot))
            }
            _ => None,
        }
    }
}

fn row_of(spot: &Spot<&'static Link>) -> Option<&'static Row> {
    spot.filling.rows.iter().find(|row| row.point == spot.path)
}

fn known_exponent(exponents: &Exponents, spot: &Spot<&'static Link>) -> i8 {
    exponents.get(&(spot.filling.model.id, spot.point.sf)).copied().unwrap_or(0)
}

/// The exponent of a point: what its scale factor shows, 0 where there is none.
fn exponent(spot: &Spot<&'static Link>, subject: Subject<'_>) -> i8 {
    let row = spot.filling.rows.iter().find(|row| row.point == spot.point.sf);
    row.and_then(|row| row.read.scale_factor(subject)).unwrap_or(0)
}
