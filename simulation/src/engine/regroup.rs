//! The same farm cut into other shards: each unit goes on to the bit, and what is the farm's is cut anew.

use super::Engine;
use crate::persist::{Misfit, Persist, Writer};
use crate::physics::pcs::Power;
use crate::unit::Unit;
use bess_core::force::ForcedPoint;
use bess_core::id::UnitId;
use bess_core::link::ActiveLinks;
use bess_core::log::Log;
use bess_core::snapshot::EnergyTotals;
use bess_core::spec::{FarmSpec, PlantSettings};
use bess_core::units::{Joules, Vars, Watts};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Most ticks that the parts of a farm may be apart: what a unit waits for (a delay, a lease, a watchdog) is
/// told by the tick, so a unit that comes to a part that is ahead waits that much less [engineering choice].
pub const APART_MAX_TICKS: u64 = 100;

/// Why a farm cannot be cut anew.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotRegrouped {
    /// Nobody has a unit.
    #[error("no part has unit {number}")]
    Missing {
        /// Its number in the farm.
        number: u32,
    },
    /// The parts stand at ticks too far apart.
    #[error("the parts stand at ticks {first} to {last}, and may be {APART_MAX_TICKS} apart")]
    Apart {
        /// Tick of the part that is furthest behind.
        first: u64,
        /// Tick of the one that is furthest ahead.
        last: u64,
    },
    /// The plant controllers of the parts were told different things.
    #[error("`{field}` of the plant differs between the parts")]
    Differs {
        /// The setting.
        field: &'static str,
    },
    /// A unit's state does not fit.
    #[error("{0}")]
    Misfit(Misfit),
}

impl Engine {
    /// Goes on with the units of `self`, whose state `parts` have: the shards in which the farm ran so far, all
    /// of them. `self` was just made.
    ///
    /// A unit goes on to the bit. Tick, time, grid and conditions of links are those of the part that is
    /// furthest ahead; setpoints, contract, limits and energies at the POI are summed over the parts and cut by
    /// the share of the rated power; defects and forced points go with their units. Events and audit begin
    /// anew, with numbers that nobody had yet.
    ///
    /// # Errors
    /// Where units are missing, or the parts do not go together; the engine is of no use then.
    pub fn regroup(&mut self, parts: &[Self]) -> Result<(), NotRegrouped> {
        let ticks = || parts.iter().map(|part| part.tick.0);
        let (first, last) = (ticks().min().unwrap_or(0), ticks().max().unwrap_or(0));
        if last - first > APART_MAX_TICKS {
            return Err(NotRegrouped::Apart { first, last });
        }
        let ahead = parts.iter().max_by_key(|part| part.tick);
        let ahead = ahead.ok_or(NotRegrouped::Missing { number: self.spec.number_at(0) })?;
        self.take_farm(ahead).map_err(NotRegrouped::Misfit)?;
        self.take_plant(parts)?;
        let mut kept = Vec::new();
        for idx in 0..self.units.len() {
            let number = self.spec.number_at(idx);
            let found =
                parts.iter().find_map(|part| Some((part, part.spec.unit_by_number(number)?)));
            let (part, there) = found.ok_or(NotRegrouped::Missing { number })?;
            copy(&part.units[there.idx()], &mut self.units[idx]).map_err(NotRegrouped::Misfit)?;
            let told = part.kept_of_quarantined().into_iter();
            kept.extend(told.filter_map(|told| told.moved(there.idx(), idx)));
        }
        self.take_what_goes_with_units(parts);
        self.begin_counting();
        self.show_again(kept);
        Ok(())
    }

    /// What every part has alike.
    fn take_farm(&mut self, from: &Self) -> Result<(), Misfit> {
        self.tick = from.tick;
        self.start = from.start;
        self.publication = from.publication;
        self.site = from.site;
        self.around.clone_from(&from.around);
        self.link = ActiveLinks::clone(&from.link);
        let grid = written(|out| from.grid.save(out))?;
        self.grid.load(&grid).map_err(|misfit| misfit.within("grid"))
    }

    fn take_plant(&mut self, parts: &[Self]) -> Result<(), NotRegrouped> {
        let own = share(&self.spec);
        let sum = |of: &dyn Fn(&Self) -> Option<f64>| {
            let told: Vec<f64> = parts.iter().filter_map(of).collect();
            (!told.is_empty()).then(|| told.iter().sum::<f64>() * own)
        };
        self.plant.active = sum(&|part| Some(part.plant.active?.0)).map(Watts);
        self.plant.reactive = sum(&|part| Some(part.plant.reactive?.0)).map(Vars);
        let settings = self.settings_of(parts)?;
        self.plant.go_on_with(settings, sum(&|part| part.plant.ramped_w()));
        self.poi_now = Power {
            p_w: parts.iter().map(|part| part.poi_now.p_w).sum::<f64>() * own,
            q_var: parts.iter().map(|part| part.poi_now.q_var).sum::<f64>() * own,
        };
        let joules = |of: &dyn Fn(&EnergyTotals) -> Joules| {
            Joules(parts.iter().map(|part| of(&part.poi).0).sum::<f64>() * own)
        };
        self.poi = EnergyTotals {
            discharged: joules(&|totals| totals.discharged),
            charged: joules(&|totals| totals.charged),
            transformer: joules(&|totals| totals.transformer),
            ..EnergyTotals::default()
        };
        Ok(())
    }

    /// Settings of the plant that all parts have, cut for this one.
    fn settings_of(&self, parts: &[Self]) -> Result<PlantSettings, NotRegrouped> {
        let (one, own) = (&parts[0], share(&self.spec));
        let whole = |part: &Self| in_whole(part.plant.settings(), share(&part.spec));
        let settings = whole(one);
        for part in &parts[1..] {
            if let Some(field) = difference(&settings, &whole(part)) {
                return Err(NotRegrouped::Differs { field });
            }
        }
        let rated_w = self.spec.rated_power().0;
        let mut settings = scaled(settings, own);
        if let Some(response) = &mut settings.frequency_response {
            response.contract_w = response.contract_w.map(|w| w.min(rated_w));
        }
        // The order of the farm file, or of each part's own units as somebody has changed it.
        let ordered = parts.iter().flat_map(|part| {
            let number = |idx: &usize| part.spec.number_at(*idx);
            part.plant.settings().priority.iter().map(number).collect::<Vec<_>>()
        });
        let at = |number: u32| self.spec.unit_by_number(number).map(UnitId::idx);
        settings.priority = ordered.filter_map(at).collect();
        Ok(settings)
    }

    fn take_what_goes_with_units(&mut self, parts: &[Self]) {
        let spec = Arc::clone(&self.spec);
        let here = |unit: UnitId| spec.unit_by_number(unit.number());
        let defects = parts.iter().flat_map(|part| part.counter.defects());
        let defects = defects.filter_map(|(unit, defect)| Some((here(unit)?, defect)));
        self.counter.go_on_with(defects.collect());
        let mut forced: BTreeMap<(Option<u32>, String), ForcedPoint> = BTreeMap::new();
        for point in parts.iter().flat_map(|part| part.forced.iter()) {
            let unit = match point.unit {
                Some(unit) => match here(unit) {
                    Some(unit) => Some(unit),
                    None => continue,
                },
                None => None,
            };
            let key = (unit.map(UnitId::number), point.point.to_string());
            forced.insert(key, ForcedPoint { unit, ..point.clone() });
        }
        // By unit, the plant first, and name: the order that forced points have everywhere.
        self.forced = forced.into_values().collect::<Vec<_>>().into();
        let total = |of: &dyn Fn(&Self) -> u64| parts.iter().map(of).max().unwrap_or(0);
        let events = total(&|part| part.events.total());
        self.events = Arc::new(Log::going_on(self.events.capacity(), events, []));
        let audit = total(&|part| part.audit.total());
        self.audit = Arc::new(Log::going_on(self.audit.capacity(), audit, []));
    }
}

/// A shard's part of the farm's rated power.
fn share(spec: &FarmSpec) -> f64 {
    spec.shard.as_ref().map_or(1.0, |shard| shard.share)
}

fn scaled(settings: PlantSettings, by: f64) -> PlantSettings {
    let mut settings = settings;
    if let Some(response) = &mut settings.frequency_response {
        response.contract_w = response.contract_w.map(|w| w * by);
    }
    if let Some(limits) = &mut settings.peak_shaving {
        limits.import_max_w *= by;
        limits.export_max_w *= by;
    }
    settings
}

/// The farm's settings, of which `settings` are those of a part; without an order of units.
fn in_whole(settings: &PlantSettings, share: f64) -> PlantSettings {
    let settings = PlantSettings { priority: Vec::new(), ..settings.clone() };
    scaled(settings, 1.0 / share)
}

/// The first setting that is not the same, but for what rounding does to what was cut.
fn difference(a: &PlantSettings, b: &PlantSettings) -> Option<&'static str> {
    let near = |a: f64, b: f64| (a - b).abs() <= 1e-9 * a.abs().max(b.abs()) || a == b;
    let contract = |settings: &PlantSettings| {
        settings.frequency_response.as_ref().and_then(|response| response.contract_w)
    };
    let limits = |settings: &PlantSettings| {
        settings.peak_shaving.as_ref().map(|limits| (limits.import_max_w, limits.export_max_w))
    };
    let same_contract = match (contract(a), contract(b)) {
        (Some(a), Some(b)) => near(a, b),
        (a, b) => a.is_some() == b.is_some(),
    };
    let same_limits = match (limits(a), limits(b)) {
        (Some(a), Some(b)) => near(a.0, b.0) && near(a.1, b.1),
        (a, b) => a.is_some() == b.is_some(),
    };
    let mut b = b.clone();
    if let (Some(to), Some(from)) = (&mut b.frequency_response, &a.frequency_response) {
        to.contract_w = from.contract_w;
    }
    if let (Some(to), Some(from)) = (&mut b.peak_shaving, &a.peak_shaving) {
        (to.import_max_w, to.export_max_w) = (from.import_max_w, from.export_max_w);
    }
    let rows = [
        ("enabled", a.enabled == b.enabled),
        ("strategy", a.strategy == b.strategy),
        ("ramp", a.ramp_per_s.to_bits() == b.ramp_per_s.to_bits()),
        ("soc_min", a.soc_min.to_bits() == b.soc_min.to_bits()),
        ("soc_max", a.soc_max.to_bits() == b.soc_max.to_bits()),
        ("frequency_response", same_contract && a.frequency_response == b.frequency_response),
        ("volt_var", a.volt_var == b.volt_var),
        ("peak_shaving", same_limits && a.peak_shaving == b.peak_shaving),
    ];
    rows.into_iter().find(|(_, same)| !same).map(|(field, _)| field)
}

/// By way of what a checkpoint holds: what is state, and nothing else.
fn copy(from: &Unit, to: &mut Unit) -> Result<(), Misfit> {
    let value = written(|out| from.save_whole(out))?;
    to.load_whole(&value).map_err(|misfit| misfit.within(format!("unit/{}", to.id().number())))
}

fn written(write: impl FnOnce(&mut Writer)) -> Result<ciborium::Value, Misfit> {
    let mut out = Writer::behind(Vec::new());
    write(&mut out);
    ciborium::from_reader(&*out.into_bytes())
        .map_err(|error| Misfit::here(format!("it is no CBOR: {error}")))
}
