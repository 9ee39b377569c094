//! What testers do at the POI: its meter, its breaker, the relay over its transformer, and the weather.

use super::Engine;
use crate::grid::GridTick;
use crate::persist::leaf;
use crate::physics::pcs::Power;
use bess_core::command::Command;
use bess_core::event::{Event, EventKind, GridChange};
use bess_core::math;
use bess_core::spec::{FarmSpec, PoiMeter, TransformerLimit};
use bess_core::time::{Moment, Tick};

/// What is not as it should be at the POI; the default is nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
pub(super) struct Site {
    /// Ambient temperature in degC that somebody set.
    pub(super) ambient_degc: Option<f64>,
    meter: PoiMeter,
    /// What a meter that stands still shows.
    frozen: Power,
    pub(super) breaker_is_open: bool,
    limit: Option<TransformerLimit>,
    /// Ticks in a row beyond the limit.
    ticks_beyond: u64,
}
leaf!(Site);

impl Site {
    /// What of `power` passes the breaker at the POI.
    pub(super) fn passing(&self, power: Power) -> Power {
        if self.breaker_is_open { Power::default() } else { power }
    }

    /// What the meter makes of `truth`; the very same where nothing is wrong with it.
    pub(super) fn measured(&self, truth: Power) -> Power {
        let PoiMeter { gain, offset_w, is_frozen } = self.meter;
        if !self.meter_is_distorted() {
            return truth;
        }
        if is_frozen {
            return self.frozen;
        }
        Power { p_w: truth.p_w * gain + offset_w, q_var: truth.q_var * gain }
    }

    /// Whether the meter shows something else than what is so.
    pub(super) fn meter_is_distorted(&self) -> bool {
        self.meter.is_distorted()
    }

    /// Whether what comes depends on the farm's own power, so that ticks are made one by one.
    pub(super) fn looks_at_power(&self) -> bool {
        self.limit.is_some()
    }

    fn set_meter(&mut self, meter: PoiMeter, truth: Power) {
        if meter.is_frozen && !self.meter.is_frozen {
            self.frozen = self.measured(truth);
        }
        self.meter = meter;
    }

    fn set_limit(&mut self, limit: Option<TransformerLimit>) {
        if self.limit != limit {
            (self.limit, self.ticks_beyond) = (limit, 0);
        }
    }

    /// The relay looks at a tick in which `through` passed the transformer; whether it opens the breaker.
    pub(super) fn watch_transformer(&mut self, spec: &FarmSpec, through: Power) -> bool {
        let Some(limit) = self.limit else { return false };
        let rated_va = match &spec.transformer {
            Some(transformer) => transformer.rated.0,
            None => {
                spec.units.iter().map(|unit| unit.design.pcs.rated_apparent_power.0).sum::<f64>()
            }
        };
        let apparent_va = math::sqrt(through.p_w * through.p_w + through.q_var * through.q_var);
        if self.breaker_is_open || apparent_va <= limit.overload_pu * rated_va {
            self.ticks_beyond = 0;
            return false;
        }
        self.ticks_beyond += 1;
        self.ticks_beyond >= Tick::count_in(limit.delay_s).max(1)
    }

    /// What brings back how it should be.
    pub(super) fn mended(&self) -> Vec<Command> {
        let all = [
            (self.ambient_degc.is_some(), Command::SetAmbient(None)),
            (self.meter != PoiMeter::default(), Command::PoiMeter(PoiMeter::default())),
            (self.breaker_is_open, Command::PoiBreaker { open: false }),
            (self.limit.is_some(), Command::TransformerLimit(None)),
        ];
        all.into_iter().filter(|(is_off, _)| *is_off).map(|(_, command)| command).collect()
    }

    /// Feeds the state to `sink`, for hashing.
    pub(super) fn hash_into(&self, sink: &mut dyn FnMut(&[u8])) {
        if *self == Self::default() {
            return;
        }
        // Every field by its text: the numbers in it are exact.
        sink(format!("{self:?}").as_bytes());
    }
}

impl Engine {
    /// Applies a command that passed.
    pub(super) fn apply_site(&mut self, command: &Command) {
        let next = self.tick.next();
        match command {
            Command::SetGrid { frequency_hz, voltage_pu } => {
                let holds = (*frequency_hz, *voltage_pu);
                self.grid.hold(holds, next, &mut self.event_room);
            }
            Command::EndDisturbances { kind } => {
                self.grid.end(*kind, next, &mut self.event_room);
            }
            Command::SetAmbient(degc) => self.site.ambient_degc = degc.map(|degc| degc.0),
            Command::PoiMeter(meter) => self.site.set_meter(*meter, self.poi_now),
            Command::PoiBreaker { open } => self.set_breaker(*open, next),
            Command::TransformerLimit(limit) => self.site.set_limit(*limit),
            Command::NoteFault { unit, kind, on } => {
                let at = Moment::within(next, 0.0);
                let kind = EventKind::Fault { kind, on: *on };
                self.event_room.push(Event { at, unit: *unit, kind });
            }
            _ => {}
        }
    }

    /// The breaker at the POI opens or closes at the start of `from`.
    pub(super) fn set_breaker(&mut self, open: bool, from: Tick) {
        if std::mem::replace(&mut self.site.breaker_is_open, open) == open {
            return;
        }
        let what = if open { GridChange::BreakerOpened } else { GridChange::BreakerClosed };
        let at = Moment::within(from, 0.0);
        self.event_room.push(Event { at, unit: None, kind: EventKind::Grid { what } });
    }

    /// What the units see of the grid in `tick`: nothing behind an open breaker.
    pub(super) fn behind_breaker(&self, tick: Tick, grid: GridTick) -> GridTick {
        if !self.site.breaker_is_open {
            return grid;
        }
        GridTick::steady(tick, self.spec.nominal_frequency.0, 0.0)
    }
}
