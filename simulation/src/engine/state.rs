//! The state of a farm, written down between two ticks and read back into a farm of the same file.
//!
//! It is written in sections, one for the farm and one for each unit, so that workers write units side by
//! side and a farm of any size stands still for a short time only. What is no state is left out: what the
//! farm file makes, room for work, and the counts of the process.

use super::Engine;
use crate::persist::{Fields, Misfit, Persist, Writer, read};
use crate::unit::Unit;
use bess_core::command::{Command, ControlSource, Origin};
use bess_core::event::EventKind;
use bess_core::snapshot::{Before, ClockView, RackView, UnitView};
use bess_core::time::{SimTime, Tick};
use ciborium::Value;
use rayon::prelude::*;
use std::sync::Arc;

/// A part of a state: a CBOR item under a name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Section {
    /// `farm`, or `unit/` with the number of a unit. Other names are passed over.
    pub name: String,
    /// The item.
    pub bytes: Vec<u8>,
}

/// A farm's state as it was after a tick.
#[derive(Clone, Debug, Default)]
pub struct State {
    /// The last tick that was run.
    pub tick: Tick,
    /// The simulated instant of tick 0.
    pub start: SimTime,
    /// Its parts, the farm first.
    pub sections: Vec<Section>,
}

impl State {
    /// Bytes of all sections.
    pub fn size(&self) -> usize {
        self.sections.iter().map(|section| section.bytes.len()).sum()
    }
}

/// What a unit in quarantine showed last; nothing that is computed can show it again.
#[derive(serde::Serialize, serde::Deserialize)]
pub(super) struct Kept {
    unit_idx: usize,
    view: UnitView,
    racks: Vec<RackView>,
}

impl Kept {
    /// What the unit at `from` showed, for the one at `to`.
    pub(super) fn moved(self, from: usize, to: usize) -> Option<Self> {
        (self.unit_idx == from).then_some(Self { unit_idx: to, ..self })
    }
}

const FARM: &str = "farm";
const UNIT: &str = "unit/";

impl Engine {
    /// Writes the state into `state`, whose memory is used again. To be called between two ticks.
    pub fn save(&self, state: &mut State) {
        state.tick = self.tick;
        state.start = self.start;
        state.sections.resize_with(1 + self.units.len(), Section::default);
        let (farm, units) = state.sections.split_first_mut().expect("it was made a line above");
        rewrite(farm, FARM.to_owned(), |out| self.save_farm(out));
        let save = |(unit, section): (&Unit, &mut Section)| {
            let name = format!("{UNIT}{}", unit.id().number());
            rewrite(section, name, |out| unit.save_whole(out));
        };
        match &self.pool {
            Some(pool) => pool.install(|| self.units.par_iter().zip(units).for_each(save)),
            None => self.units.iter().zip(units).for_each(save),
        }
    }

    fn save_farm(&self, out: &mut Writer) {
        let kept: Vec<Kept> = self.kept_of_quarantined();
        let around = self.around.last().expect("there is always one");
        let fields: &[(&str, &dyn Persist)] = &[
            ("tick", &self.tick),
            ("start", &self.start),
            ("publication", &self.publication),
            ("plant", &self.plant),
            ("grid", &self.grid),
            ("site", &self.site),
            ("around", around),
            ("poi_now", &self.poi_now),
            ("events", &self.events),
            ("audit", &self.audit),
            ("link", &self.link),
            ("forced", &self.forced),
            ("event_room", &self.event_room),
            ("poi", &self.poi),
            ("commands_applied", &self.commands_applied),
            ("commands_refused", &self.commands_refused),
            ("counter", &self.counter),
        ];
        out.map(fields.len() + 1);
        for (name, field) in fields {
            out.text(name);
            field.save(out);
        }
        out.text("kept");
        out.leaf(&kept);
    }

    pub(super) fn kept_of_quarantined(&self) -> Vec<Kept> {
        let Some(last) = &self.last else { return Vec::new() };
        let quarantined = self.units.iter().enumerate().filter(|(_, unit)| unit.is_quarantined());
        let kept = |(unit_idx, unit): (usize, &Unit)| Kept {
            unit_idx,
            view: last.units[unit_idx],
            racks: last.racks_of(unit.id()).to_vec(),
        };
        quarantined.map(kept).collect()
    }

    /// Goes on from `sections`, which a farm of the same file wrote. The faults that a scenario had put in
    /// force stay; its run is no part of the state.
    ///
    /// # Errors
    /// Where they do not fit; the engine is of no use then.
    pub fn load(&mut self, sections: &[Section]) -> Result<(), Misfit> {
        let find = |name: &str| {
            let section = sections.iter().find(|section| section.name == name);
            section.ok_or_else(|| Misfit::here("it is missing").within(name))
        };
        let farm = find(FARM)?;
        let kept = self.load_farm(&value_of(farm)?).map_err(|misfit| misfit.within(FARM))?;
        for unit in &mut self.units {
            let name = format!("{UNIT}{}", unit.id().number());
            let value = value_of(find(&name)?)?;
            unit.load_whole(&value).map_err(|misfit| misfit.within(name))?;
        }
        self.begin_counting();
        self.show_again(kept);
        Ok(())
    }

    /// Counters in metrics are those of this process.
    pub(super) fn begin_counting(&mut self) {
        self.before = Before {
            totals: self.farm().totals,
            events: self.events.total(),
            commands_applied: self.commands_applied,
            commands_refused: self.commands_refused,
        };
    }

    fn load_farm(&mut self, from: &Value) -> Result<Vec<Kept>, Misfit> {
        let around = self.around.last_mut().expect("there is always one");
        let all: [(&str, &mut dyn Persist); 17] = [
            ("tick", &mut self.tick),
            ("start", &mut self.start),
            ("publication", &mut self.publication),
            ("plant", &mut self.plant),
            ("grid", &mut self.grid),
            ("site", &mut self.site),
            ("around", around),
            ("poi_now", &mut self.poi_now),
            ("events", &mut self.events),
            ("audit", &mut self.audit),
            ("link", &mut self.link),
            ("forced", &mut self.forced),
            ("event_room", &mut self.event_room),
            ("poi", &mut self.poi),
            ("commands_applied", &mut self.commands_applied),
            ("commands_refused", &mut self.commands_refused),
            ("counter", &mut self.counter),
        ];
        let fields = Fields::of(from)?;
        for (name, field) in all {
            fields.load(name, |from| field.load(from))?;
        }
        let mut kept = Vec::new();
        fields.load("kept", |from| {
            kept = read(from)?;
            Ok(())
        })?;
        Ok(kept)
    }

    /// Makes the last snapshot again, for what units in quarantine showed in it.
    pub(super) fn show_again(&mut self, kept: Vec<Kept>) {
        self.last = None;
        self.spare.clear();
        let publication = self.publication;
        drop(self.snapshot(ClockView::default(), 0, &[]));
        self.publication = publication;
        self.spare.clear();
        let Some(last) = self.last.as_mut().and_then(Arc::get_mut) else { return };
        for Kept { unit_idx, view, racks } in kept {
            let Some(unit) = self.spec.units.get(unit_idx) else { continue };
            let places = unit.racks.clone();
            if places.len() == racks.len() {
                last.units[unit_idx] = view;
                last.racks[places].copy_from_slice(&racks);
            }
        }
    }

    /// Ends what testers have made wrong and left so: defects but those that the farm file has in force now,
    /// disturbances, conditions of links, forced points, and what stands at the POI. Returns how many
    /// commands that took.
    pub fn mend(&mut self) -> usize {
        let planned = |unit, defect| {
            self.spec.defects.iter().any(|planned| {
                let lasts = planned.until.is_none_or(|until| until > self.tick);
                (planned.unit, planned.defect) == (unit, defect)
                    && planned.from <= self.tick
                    && lasts
            })
        };
        let defects = self.counter.defects().filter(|(unit, defect)| !planned(*unit, *defect));
        let mut commands: Vec<Command> = defects
            .map(|(unit, defect)| Command::SetDefect { unit, defect: defect.ended() })
            .collect();
        if self.grid.n_disturbances() > 0 {
            commands.push(Command::EndDisturbances { kind: None });
        }
        if !self.link.is_empty() {
            commands.push(Command::ClearLink { name: None });
        }
        let mut forced: Vec<_> = self.forced.iter().map(|point| point.unit).collect();
        forced.dedup();
        let release = |unit| Command::ReleasePoint { unit, point: None };
        commands.extend(forced.into_iter().map(release));
        commands.extend(self.site.mended());
        let origin = Origin::local(ControlSource::Scenario);
        let fits = |command: &Command| self.check(command, &origin).is_ok();
        commands.retain(fits);
        commands.iter().for_each(|command| self.apply_checked(command, &origin));
        self.gather_events();
        self.look();
        commands.len()
    }

    /// Puts into the log that the farm goes on from a checkpoint.
    pub fn note_restored(&mut self) {
        let at = bess_core::time::Moment::within(self.tick.next(), 0.0);
        let kind = EventKind::Restored { tick: self.tick };
        self.event_room.push(bess_core::event::Event { at, unit: None, kind });
        self.log_events();
    }
}

/// Writes a section into the memory that it has.
fn rewrite(section: &mut Section, name: String, write: impl FnOnce(&mut Writer)) {
    let mut bytes = std::mem::take(&mut section.bytes);
    bytes.clear();
    let mut out = Writer::behind(bytes);
    write(&mut out);
    *section = Section { name, bytes: out.into_bytes() };
}

fn value_of(section: &Section) -> Result<Value, Misfit> {
    ciborium::from_reader(&*section.bytes)
        .map_err(|error| Misfit::here(format!("it is no CBOR: {error}")).within(&section.name))
}
