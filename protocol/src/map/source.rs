//! Where a register's value comes from: a signal of `core`, a constant, a text or a state.
//!
//! Rows of the maps hold a [`Bind`], which is data; a layout resolves it once to a [`Source`] for one
//! design of unit, so that a read looks nothing up by name.

use super::desk::{Desk, LastWrite};
use super::encoding::{Value, scale_factor_for};
use bess_core::control::UnitFunctions;
use bess_core::signal::{self, FarmGetter, Quantity, RackGetter, Signal, UnitGetter, UnitSight};
use bess_core::snapshot::{CellsView, FarmView, RackView, Snapshot, UnitView};
use bess_core::spec::{FarmSpec, UnitDesign, UnitSpec};
use bess_core::{SimTime, Tick, UnitId};
use std::fmt;
use std::sync::Arc;

/// What a request sees: one snapshot, and the unit that it addresses if it is one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sight<'s> {
    pub(crate) snapshot: &'s Snapshot,
    pub(crate) unit: Option<UnitId>,
    /// The rack that the device is, where it is one.
    pub(crate) rack_idx: Option<usize>,
    /// The unit as it is shown: as in the snapshot, or with what was accepted since.
    view: Option<&'s UnitView>,
    spec: Option<&'s UnitSpec>,
    /// The farm, likewise.
    pub(crate) farm: &'s FarmView,
    /// The instant that is shown as that of the sample.
    pub(crate) time: SimTime,
    /// The number that is shown as that of the sample.
    pub(crate) publication: u64,
    /// The tick that heartbeats are made of.
    pub(crate) beat: Tick,
    desk: &'s Desk,
}

/// A rack as the repeating group of a model shows it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RackSight<'s> {
    pub(crate) rack: &'s RackView,
    /// Its unit.
    pub(crate) view: &'s UnitView,
    pub(crate) design: &'s UnitDesign,
}

impl<'s> Sight<'s> {
    /// A sight of a unit, or of the plant, through the device that keeps `desk`.
    pub(crate) fn new(snapshot: &'s Snapshot, unit: Option<UnitId>, desk: &'s Desk) -> Self {
        Self {
            snapshot,
            unit,
            rack_idx: None,
            view: unit.and_then(|unit| snapshot.units.get(unit.idx())),
            spec: unit.and_then(|unit| snapshot.spec.units.get(unit.idx())),
            farm: &snapshot.farm,
            time: snapshot.time,
            publication: snapshot.publication,
            beat: snapshot.tick,
            desk,
        }
    }
    /// The same with this unit in place of the snapshot's.
    pub(crate) fn with_view(self, view: &'s UnitView) -> Self {
        Self { view: Some(view), ..self }
    }
    /// The same with this farm in place of the snapshot's.
    pub(crate) fn with_farm(self, farm: &'s FarmView) -> Self {
        Self { farm, ..self }
    }
    /// The same of a device that is one rack of the unit.
    pub(crate) fn of_rack(self, rack_idx: Option<usize>) -> Self {
        Self { rack_idx, ..self }
    }
    pub(crate) fn view(self) -> Option<&'s UnitView> {
        self.view
    }
    /// What the server keeps for the device.
    pub(crate) fn desk(self) -> &'s Desk {
        self.desk
    }
    /// The last write of this device that was answered.
    pub(crate) fn last_write(self) -> Option<LastWrite> {
        self.desk.last_write()
    }
    pub(crate) fn spec(self) -> Option<&'s UnitSpec> {
        self.spec
    }
    pub(crate) fn racks(self) -> &'s [RackView] {
        self.unit.map_or(&[], |unit| self.snapshot.racks_of(unit))
    }
    pub(crate) fn rack(self, rack_idx: usize) -> Option<RackSight<'s>> {
        let rack = self.racks().get(rack_idx)?;
        Some(RackSight { rack, view: self.view()?, design: &self.spec()?.design })
    }
    /// The rack that is shown where a map says `rack_idx`: a device that is one rack shows that.
    pub(crate) fn rack_shown(self, rack_idx: usize) -> usize {
        self.rack_idx.unwrap_or(rack_idx)
    }
    /// Settings of the unit's functions.
    pub(crate) fn functions(self) -> Option<&'s UnitFunctions> {
        self.snapshot.functions.get(self.unit?.idx()).map(|functions| &**functions)
    }
    /// Its cells, while the snapshot carries them.
    pub(crate) fn cells(self) -> Option<&'s CellsView> {
        let unit_idx = self.unit?.idx();
        let mut shown = self.snapshot.cells.iter();
        shown.find(|cells| cells.unit_idx == unit_idx).map(|cells| &**cells)
    }
}

/// Where a value stands that occurs more than once: indices from 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Place {
    /// The rack.
    pub(crate) rack_idx: usize,
    /// Its module.
    pub(crate) module_idx: usize,
    /// In the outer group that is repeated, and in the one within it.
    pub(crate) index: [usize; 2],
}

impl Place {
    /// The same in the rack that is shown, where the device is one.
    fn shown_by(self, sight: Sight<'_>) -> Self {
        Self { rack_idx: sight.rack_shown(self.rack_idx), ..self }
    }
}

/// What a chain of models describes: its ratings choose the scale factors.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Subject<'s> {
    Unit(&'s UnitDesign),
    Plant(&'s FarmSpec),
}

impl<'s> Subject<'s> {
    /// The design, where it is a unit or a part of one.
    pub(crate) fn design(self) -> Option<&'s UnitDesign> {
        match self {
            Self::Unit(design) => Some(design),
            Self::Plant(_) => None,
        }
    }
}

/// How a row of a map says where its value comes from.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Bind {
    /// Not available.
    Missing,
    /// A constant.
    Raw(i64),
    /// A signal of the unit, times a factor.
    Unit(&'static str, f64),
    /// A signal of the rack that a repeating group shows.
    Rack(&'static str),
    /// A signal of the farm.
    Farm(&'static str),
    /// A quantity that is no signal, in the unit of the register.
    Number(fn(Sight<'_>) -> f64),
    /// A whole number: an enum, bits, a counter.
    Whole(fn(Sight<'_>) -> i64),
    /// The same of the rack that a repeating group shows.
    RackWhole(fn(RackSight<'_>) -> i64),
    /// A quantity of what stands in a place, in the unit of the register.
    NumberAt(fn(Sight<'_>, Place) -> f64),
    /// A whole number of what stands in a place.
    WholeAt(fn(Sight<'_>, Place) -> i64),
    /// Text.
    Text(for<'s> fn(Sight<'s>) -> &'s str),
    /// A name of this device: that of its unit and this, with the number of its rack where it is one.
    Serial(&'static str),
    /// A scale factor that is the same for every design.
    Scale(i8),
    /// A scale factor that follows from a rating: a signal of the unit that does not change, times a
    /// factor, in the unit of the registers.
    ScaleFor(&'static str, f64),
    /// The same from a rating of the farm, in the unit of the registers.
    ScaleForFarm(fn(&FarmSpec) -> f64),
    /// A scale factor by a rule of its own; `None` where it has none for this subject.
    ScaleBy(fn(Subject<'_>) -> Option<i8>),
}

/// The signal of the unit called `name`.
pub(crate) const fn unit(name: &'static str) -> Bind {
    Bind::Unit(name, 1.0)
}

/// A source with something of its own to remember: where a curve is staged, what a map file says.
pub(crate) trait OwnSource: Send + Sync + fmt::Debug {
    /// The value in the unit of the register.
    fn value<'s>(&'s self, sight: Sight<'s>) -> Value<'s>;
}

/// A resolved [`Bind`].
#[derive(Clone, Debug)]
pub(crate) enum Source {
    Missing,
    Raw(i64),
    Unit(&'static Signal<UnitGetter>, f64),
    Rack(&'static Signal<RackGetter>, usize, f64),
    Farm(&'static Signal<FarmGetter>, f64),
    Number(fn(Sight<'_>) -> f64),
    Whole(fn(Sight<'_>) -> i64),
    RackWhole(fn(RackSight<'_>) -> i64, usize),
    NumberAt(fn(Sight<'_>, Place) -> f64, Place),
    WholeAt(fn(Sight<'_>, Place) -> i64, Place),
    Text(for<'s> fn(Sight<'s>) -> &'s str),
    Serial(&'static str),
    Own(Arc<dyn OwnSource>),
}

impl Bind {
    /// Resolves names; `register_unit` is the unit of the register and `place` where it stands.
    ///
    /// # Panics
    /// When a name is not in the tables of signals; a test builds every map.
    pub(crate) fn resolve(self, register_unit: &str, place: Place) -> Source {
        let rack_idx = place.rack_idx;
        match self {
            Self::Raw(raw) => Source::Raw(raw),
            Self::Unit(name, factor) => {
                let signal = signal::unit(name);
                Source::Unit(signal, factor * per_si(signal.quantity, register_unit))
            }
            Self::Rack(name) => {
                let signal = signal::rack(name);
                Source::Rack(signal, rack_idx, per_si(signal.quantity, register_unit))
            }
            Self::Farm(name) => {
                let signal = signal::farm(name);
                Source::Farm(signal, per_si(signal.quantity, register_unit))
            }
            Self::Number(get) => Source::Number(get),
            Self::Whole(get) => Source::Whole(get),
            Self::RackWhole(get) => Source::RackWhole(get, rack_idx),
            Self::NumberAt(get) => Source::NumberAt(get, place),
            Self::WholeAt(get) => Source::WholeAt(get, place),
            Self::Text(get) => Source::Text(get),
            Self::Serial(tag) => Source::Serial(tag),
            Self::Scale(exponent) => Source::Raw(i64::from(exponent)),
            // `scale_factor` has the value of the latter; the ratings are known there.
            Self::Missing | Self::ScaleFor(..) | Self::ScaleForFarm(_) | Self::ScaleBy(_) => {
                Source::Missing
            }
        }
    }

    /// The exponent that a scale factor has for this subject.
    pub(crate) fn scale_factor(self, subject: Subject<'_>) -> Option<i8> {
        match (self, subject) {
            (Self::Scale(exponent), _) => Some(exponent),
            (Self::ScaleForFarm(rating), Subject::Plant(spec)) => {
                Some(scale_factor_for(rating(spec)))
            }
            (Self::ScaleBy(rule), subject) => rule(subject),
            (Self::ScaleFor(name, factor), Subject::Unit(design)) => {
                let signal = signal::unit(name);
                let view = UnitView::default();
                let rating = (signal.get)(UnitSight { view: &view, design });
                let per_si = match signal.quantity {
                    Quantity::Joules => 1.0 / JOULES_PER_WH,
                    _ => 1.0,
                };
                Some(scale_factor_for(rating * factor * per_si))
            }
            _ => None,
        }
    }

    /// Name of the signal behind it, for documents.
    pub(crate) fn signal_name(self) -> Option<&'static str> {
        match self {
            Self::Unit(name, _) | Self::Rack(name) | Self::Farm(name) => Some(name),
            _ => None,
        }
    }
}

const JOULES_PER_WH: f64 = 3600.0;

/// Registers' units per unit of the signal. Signals are SI based; registers use watt-hours and
/// percent.
fn per_si(quantity: Quantity, register_unit: &str) -> f64 {
    let is_percent = register_unit.starts_with('%') || register_unit.eq_ignore_ascii_case("pct");
    match quantity {
        Quantity::Joules => 1.0 / JOULES_PER_WH,
        Quantity::Ratio if is_percent => 100.0,
        _ => 1.0,
    }
}

impl Source {
    /// The value in the unit of the register.
    pub(crate) fn value<'s>(&'s self, sight: Sight<'s>) -> Value<'s> {
        self.value_in(&sight)
    }

    /// The same; a sight is large, and most sources need little of it.
    #[inline]
    pub(crate) fn value_in<'s>(&'s self, sight: &Sight<'s>) -> Value<'s> {
        match self {
            Self::Missing => Value::Missing,
            Self::Raw(raw) => Value::Raw(*raw),
            Self::Unit(signal, factor) => match (sight.view, sight.spec) {
                (Some(view), Some(spec)) => {
                    let design = &spec.design;
                    Value::Number((signal.get)(UnitSight { view, design }) * *factor)
                }
                _ => Value::Missing,
            },
            Self::Rack(signal, rack_idx, factor) => sight
                .racks()
                .get(sight.rack_shown(*rack_idx))
                .map_or(Value::Missing, |rack| Value::Number((signal.get)(rack) * *factor)),
            Self::Farm(signal, factor) => Value::Number((signal.get)(sight.farm) * *factor),
            Self::Number(get) => Value::Number(get(*sight)),
            Self::Whole(get) => Value::Raw(get(*sight)),
            Self::RackWhole(get, rack_idx) => {
                let rack = sight.rack(sight.rack_shown(*rack_idx));
                rack.map_or(Value::Missing, |rack| Value::Raw(get(rack)))
            }
            Self::NumberAt(get, place) => Value::Number(get(*sight, place.shown_by(*sight))),
            Self::WholeAt(get, place) => Value::Raw(get(*sight, place.shown_by(*sight))),
            Self::Text(get) => Value::Text(get(*sight)),
            Self::Serial(tag) => {
                let number = sight.rack_idx.map(|rack_idx| rack_idx as u32 + 1);
                sight.spec().map_or(Value::Missing, |spec| Value::Tagged(&spec.name, tag, number))
            }
            Self::Own(own) => own.value(*sight),
        }
    }
}
