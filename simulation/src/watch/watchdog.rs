//! The watch over a unit's controller: when it counts as lost, and when as back.

use super::ticks_until;
use crate::persist::persist;
use bess_core::control::{HeartbeatKind, Recovery, WatchdogSettings, WatchdogState, WatchdogView};
use bess_core::rng::{Domain, Streams};
use bess_core::time::{TICKS_PER_S, Tick};

/// What a controller did, as far as it may be a sign of life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sign {
    /// It wrote this value to the heartbeat register.
    Heartbeat(u32),
    /// It wrote something else.
    Write,
    /// It asked for something.
    Request,
    /// It wrote the active setpoint.
    Setpoint,
    /// It wrote the time of the watch.
    Timeout,
}

/// What became of the watch in a tick.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    /// The first sign of life came, or one after it was late.
    Armed,
    /// Half of the time is over.
    Late,
    /// The controller is lost.
    Lost,
    /// It is lost no more. Power waits for a fresh setpoint.
    Back,
}

/// The watch over the controller of one unit.
#[derive(Clone, Debug)]
pub(crate) struct Watchdog {
    streams: Streams,
    unit_idx: u32,
    state: WatchdogState,
    /// The state that the last step told of.
    told: WatchdogState,
    last_sign: Option<Tick>,
    /// From when the time counts: the last sign of life, or a later change of the time.
    since: Tick,
    /// The configured time that `since` belongs to.
    timeout_s: f64,
    /// What the heartbeat register holds; registers start at 0.
    heartbeat: u32,
    /// Part of the jitter that the coming loss is late by, 0 to 1.
    chance: f64,
    losses: u32,
    waits_for_setpoint: bool,
    /// Whether the loss was reset, so that signs of life count again.
    was_reset: bool,
}
persist! {
    Watchdog {
        state, told, last_sign, since, timeout_s, heartbeat, chance, losses, waits_for_setpoint, was_reset,
    }
    but { streams, unit_idx }
}

impl Watchdog {
    /// The watch over the unit with dense index `unit_idx`.
    pub(crate) fn new(unit_idx: usize, streams: Streams) -> Self {
        let mut watchdog = Self {
            streams,
            unit_idx: u32::try_from(unit_idx).expect("a farm has fewer than 2^32 units"),
            state: WatchdogState::Disabled,
            told: WatchdogState::Disabled,
            last_sign: None,
            since: Tick(0),
            timeout_s: 0.0,
            heartbeat: 0,
            chance: 0.0,
            losses: 0,
            waits_for_setpoint: false,
            was_reset: false,
        };
        watchdog.draw();
        watchdog
    }

    /// Draws the delay of the next loss. Each has its own stream, so that it does not depend on what
    /// else was drawn.
    fn draw(&mut self) {
        let index = u64::from(self.unit_idx) << 32 | u64::from(self.losses);
        self.chance = self.streams.stream(Domain::Watchdog, index).uniform();
    }

    /// Tells it of settings that were written; call it before the signs of life of the same write.
    ///
    /// A time that differs from the one in force counts from now; one that is written again does not,
    /// so that a controller that only rewrites its settings is not taken for alive by that, unless the
    /// kind says that it is: that is a sign of life of its own. No time
    /// ends the watch, and with it a loss.
    pub(crate) fn settings_changed(&mut self, now: Tick, settings: &WatchdogSettings) {
        if settings.timeout_s <= 0.0 {
            self.state = WatchdogState::Disabled;
        } else if settings.timeout_s.to_bits() != self.timeout_s.to_bits() {
            self.since = now;
        }
        self.timeout_s = settings.timeout_s;
    }

    /// Takes note of what the controller did. When a command does several things, each is one call.
    pub(crate) fn beat(&mut self, now: Tick, settings: &WatchdogSettings, sign: Sign) {
        if self.is_alive(settings.kind, sign) {
            self.last_sign = Some(now);
            let counts = self.state != WatchdogState::Lost
                || settings.recovery == Recovery::Automatic
                || self.was_reset;
            if settings.timeout_s > 0.0 && counts {
                self.timeout_s = settings.timeout_s;
                self.since = now;
                self.state = WatchdogState::Armed;
                self.was_reset = false;
            }
        }
        if let Sign::Heartbeat(value) = sign {
            self.heartbeat = value;
        }
    }

    fn is_alive(&self, kind: HeartbeatKind, sign: Sign) -> bool {
        let heartbeat = |is_next: fn(u32, u32) -> bool| match sign {
            Sign::Heartbeat(value) => is_next(self.heartbeat, value),
            Sign::Write | Sign::Request | Sign::Setpoint | Sign::Timeout => false,
        };
        match kind {
            HeartbeatKind::Change => heartbeat(|last, value| value != last),
            // The register has 16 bits in some maps and 32 in others.
            HeartbeatKind::Increment => heartbeat(|last, value| {
                value == last.wrapping_add(1) || last == u32::from(u16::MAX) && value == 0
            }),
            HeartbeatKind::Complement => heartbeat(|last, value| value & 0xFFFF == !last & 0xFFFF),
            HeartbeatKind::AnyWrite => sign != Sign::Request,
            HeartbeatKind::AnyRequest => true,
            HeartbeatKind::SetpointRewrite => sign == Sign::Setpoint,
            HeartbeatKind::TimeoutRewrite => sign == Sign::Timeout,
        }
    }

    /// The watch at the end of tick `now`, after the commands of that tick; what became of it, if
    /// anything did.
    pub(crate) fn step(&mut self, now: Tick, settings: &WatchdogSettings) -> Option<Change> {
        if matches!(self.state, WatchdogState::Armed | WatchdogState::Late) {
            let over = now.0.saturating_sub(self.since.0);
            // The comparison of late comes first: it is the one that is false on the quiet path.
            if over >= ticks_until(settings.timeout_s / 2.0) {
                self.state = WatchdogState::Late;
                if over >= self.ticks_until_lost(settings) {
                    self.lose();
                }
            }
        }
        let told = std::mem::replace(&mut self.told, self.state);
        match (told, self.state) {
            (told, state) if told == state => None,
            (WatchdogState::Lost, _) => Some(Change::Back),
            (_, WatchdogState::Armed) => Some(Change::Armed),
            (_, WatchdogState::Late) => Some(Change::Late),
            (_, WatchdogState::Lost) => Some(Change::Lost),
            (_, WatchdogState::Disabled) => None,
        }
    }

    fn ticks_until_lost(&self, settings: &WatchdogSettings) -> u64 {
        ticks_until(settings.timeout_s + settings.extra_s + self.chance * settings.jitter_s)
    }

    fn lose(&mut self) {
        self.state = WatchdogState::Lost;
        self.waits_for_setpoint = true;
        self.was_reset = false;
        self.losses += 1;
        self.draw();
    }

    /// The loss is reset: with [`Recovery::Reset`] signs of life count again from now on. Nothing
    /// happens where nothing is lost.
    pub(crate) fn reset(&mut self, _now: Tick) {
        self.was_reset = self.state == WatchdogState::Lost;
    }

    /// A setpoint came. It ends the wait after a loss, but not during the loss: there, a later sign of
    /// life would bring power back by itself. A write that has both a sign of life and a setpoint
    /// calls [`Watchdog::beat`] first.
    pub(crate) fn fresh_setpoint(&mut self) {
        if self.state != WatchdogState::Lost {
            self.waits_for_setpoint = false;
        }
    }

    /// Whether the unit does what it was told to do without a controller: during a loss, and after it
    /// until a fresh setpoint comes.
    pub(crate) fn holds_fallback(&self) -> bool {
        self.waits_for_setpoint
    }

    /// The watch as seen from outside at the end of tick `now`.
    pub(crate) fn view(&self, now: Tick, settings: &WatchdogSettings) -> WatchdogView {
        let seconds = |ticks: u64| ticks as f64 / TICKS_PER_S as f64;
        let over = seconds(now.0.saturating_sub(self.since.0));
        let is_running = matches!(self.state, WatchdogState::Armed | WatchdogState::Late);
        WatchdogView {
            state: self.state,
            remaining_s: if is_running { (settings.timeout_s - over).max(0.0) } else { 0.0 },
            age_s: self.last_sign.map_or(f64::NAN, |sign| seconds(now.0.saturating_sub(sign.0))),
            losses: self.losses,
            waits_for_setpoint: self.waits_for_setpoint,
        }
    }

    /// Gives everything that decides its future to `sink`; the seed and the unit are the farm's.
    pub(crate) fn hash_into(&self, sink: &mut dyn FnMut(&[u8])) {
        sink(&[
            self.state as u8,
            self.told as u8,
            self.waits_for_setpoint.into(),
            self.was_reset.into(),
            self.last_sign.is_some().into(),
        ]);
        sink(&self.last_sign.unwrap_or_default().0.to_le_bytes());
        sink(&self.since.0.to_le_bytes());
        sink(&self.timeout_s.to_le_bytes());
        sink(&self.heartbeat.to_le_bytes());
        sink(&self.losses.to_le_bytes());
    }
}

#[cfg(test)]
mod tests;
