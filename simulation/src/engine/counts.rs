//! What is counted since the process began to run the farm. Metrics read it; no unit, no hash and no run
//! depends on it.

use super::Engine;
use crate::persist::persist;
use bess_core::command::{Command, ControlSource};
use bess_core::defect::Defect;
use bess_core::event::{Cause, Event, EventKind};
use bess_core::id::UnitId;
use bess_core::snapshot::{Counts, FaultPlane};
use bess_core::state::Trigger;

/// The counts, and the defects that they are about.
#[derive(Debug, Default)]
pub(super) struct Counter {
    counts: Counts,
    /// Defects in force that somebody set, or the farm file.
    defects: Vec<(UnitId, Defect)>,
}
persist! {
    Counter { defects } but { counts }
}

impl Counter {
    /// Defects in force that somebody set, or the farm file.
    pub(super) fn defects(&self) -> impl Iterator<Item = (UnitId, Defect)> {
        self.defects.iter().copied()
    }

    /// Goes on with these defects in force.
    pub(super) fn go_on_with(&mut self, defects: Vec<(UnitId, Defect)>) {
        self.defects = defects;
    }

    /// Counts what an event tells of: alarms and trips.
    pub(super) fn note_event(&mut self, event: &Event) {
        match event.kind {
            EventKind::Alarm { key, phase: Some(bess_core::alarm::AlarmPhase::Active), .. } => {
                self.counts.count_alarm(key.code);
            }
            EventKind::State { trigger: Trigger::Trip, cause: Cause::Alarm(key), .. } => {
                self.counts.count_trip(key.code);
            }
            _ => {}
        }
    }

    /// Counts what a command that was applied makes wrong.
    pub(super) fn note_applied(&mut self, command: &Command, source: ControlSource) {
        match command {
            Command::SetDefect { unit, defect } => {
                let before = self.defects.len();
                self.defects.retain(|(of, other)| of != unit || !defect.replaces(*other));
                // A scenario gives one fault its shape by many commands.
                let goes_on = source == ControlSource::Scenario && self.defects.len() < before;
                if defect.is_active() {
                    self.defects.push((*unit, *defect));
                    if !goes_on {
                        self.counts.count_fault(plane_of(*defect));
                    }
                }
            }
            Command::SetLink(_) => self.counts.count_fault(FaultPlane::Transport),
            Command::ForcePoint(_) => self.counts.count_fault(FaultPlane::Point),
            _ => {}
        }
    }

    /// Counts disturbances of the grid that began, by command or by the farm file.
    pub(super) fn note_disturbances(&mut self, n: u64) {
        self.counts.faults_injected[FaultPlane::Grid as usize] += n;
    }
}

fn plane_of(defect: Defect) -> FaultPlane {
    if defect.is_of_sensor() { FaultPlane::Sensor } else { FaultPlane::Device }
}

impl Engine {
    /// The counts of now.
    pub(super) fn counts(&self) -> Counts {
        let mut counts = Counts { before: self.before, ..self.counter.counts };
        let active = &mut counts.faults_active;
        for (_, defect) in &self.counter.defects {
            active[plane_of(*defect) as usize] += 1;
        }
        active[FaultPlane::Transport as usize] = self.link.len() as u32;
        active[FaultPlane::Grid as usize] = self.grid.n_disturbances() as u32;
        active[FaultPlane::Point as usize] = self.forced.len() as u32;
        counts
    }
}
