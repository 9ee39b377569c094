//! Link conditions: what is wrong with the wire between a Modbus client and the farm.
//!
//! A condition is a command like any other and part of the farm's state: it begins with a tick, ends by
//! a command or with a tick, and stands in the audit. It never touches what the farm does, only how its
//! Modbus servers answer. Which requests it hits is a function of its seed and of their number, so a run
//! that asks the same again is hit the same again.

use crate::command::{Rejection, in_range};
use crate::device::Part;
use crate::id::UnitId;
use crate::net::PeerNet;
use crate::rng::{Domain, Streams};
use crate::spec::FarmSpec;
use crate::time::{TICK_S, Tick};
// Of `core`, not of `std`: there it comes without sockets.
use core::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};

/// What happens to a request, its answer or its connection.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum LinkEffect {
    /// The answer comes later.
    Delay {
        /// By so many seconds of wall time, 0 to [`SECONDS_MAX`].
        delay_s: f64,
        /// And from 0 to this much more, drawn for each request; 0 to [`SECONDS_MAX`].
        jitter_s: f64,
    },
    /// No answer comes, and nothing is done.
    Drop,
    /// The answer is an exception with this code, and nothing is done.
    Exception(u8),
    /// The answer is a frame without a PDU.
    Empty,
    /// The answer is bytes that are no Modbus.
    Junk,
    /// The answer comes in two segments.
    Split {
        /// With so many seconds of wall time between them, 0 to [`SECONDS_MAX`].
        gap_s: f64,
    },
    /// The answer ends in its middle.
    HalfFrame,
    /// The answer has another transaction id.
    WrongTransaction,
    /// The answer has another unit id.
    WrongUnit,
    /// The answer comes twice.
    Duplicate,
    /// The connection is reset in place of an answer.
    Reset,
    /// New connections are refused.
    Refuse,
    /// Reads give what the registers held when the condition began.
    FreezeRegisters,
    /// Heartbeats of the farm stand still.
    FreezeHeartbeat,
    /// The time of the sample, and its number, are those of earlier.
    StaleTime {
        /// Earlier by so many seconds of simulated time, [`TICK_S`] to [`STALE_MAX_S`].
        by_s: f64,
    },
    /// The words of each value of several registers come in the opposite order.
    SwapWords,
    /// No answer comes, in bursts: a chain of two states that steps with each request (Gilbert 1960, Elliott
    /// 1963); in the good one nothing is lost.
    BurstLoss {
        /// Chance that a burst begins with a request, 0 to 1.
        good_to_bad: f64,
        /// Chance that it ends with one, 0 to 1.
        bad_to_good: f64,
        /// Share of the requests that is lost within a burst, 0 to 1.
        loss_bad: f64,
    },
    /// The answer comes after that to the next request, where that one is at hand already.
    Reorder,
    /// The answer takes the time of a slow line.
    Bandwidth {
        /// Bytes a second of wall time, [`BANDWIDTH_MIN`] or more.
        bytes_per_s: f64,
    },
    /// Of each value of several registers the first word is of now and the others are of the publication
    /// before.
    Tear,
    /// Connections beyond the first so many of their listener get no answers.
    LimitClients {
        /// How many are served, 0 or more.
        max_clients: u32,
    },
    /// Connections beyond so many of their listener are refused.
    LimitConnections {
        /// How many may be open, 0 or more.
        max_clients: u32,
    },
}

/// Longest delay, jitter or gap in s: an hour, longer than any client waits [engineering choice].
pub const SECONDS_MAX: f64 = 3_600.0;
/// Furthest that a time may be stale in s: a year [engineering choice].
pub const STALE_MAX_S: f64 = 31_536_000.0;
/// Slowest line in bytes a second: a frame takes minutes by it [engineering choice].
pub const BANDWIDTH_MIN: f64 = 1.0;
/// Most clients that a limit may let in: more than any listener has seats.
const CLIENTS_MAX: f64 = 100_000.0;
/// Most conditions at a time: every request looks at each [engineering choice].
pub const LINKS_MAX: usize = 256;
/// Longest name of a condition.
const NAME_MAX: usize = 64;

impl LinkEffect {
    /// Every name, in the order of the effects.
    pub const NAMES: [&'static str; 22] = [
        "delay",
        "drop",
        "exception",
        "empty",
        "junk",
        "split",
        "half_frame",
        "wrong_transaction",
        "wrong_unit",
        "duplicate",
        "reset",
        "refuse",
        "freeze_registers",
        "freeze_heartbeat",
        "stale_time",
        "swap_words",
        "burst_loss",
        "reorder",
        "bandwidth",
        "tear",
        "limit_clients",
        "limit_connections",
    ];
    /// Names of all parameters; each belongs to one effect, or to its kin.
    pub const PARAMETERS: [&'static str; 10] = [
        "delay_s",
        "jitter_s",
        "exception",
        "gap_s",
        "by_s",
        "good_to_bad",
        "bad_to_good",
        "loss_bad",
        "bytes_per_s",
        "max_clients",
    ];

    /// Position in [`Self::NAMES`], and in the counters.
    pub const fn position(&self) -> usize {
        match self {
            Self::Delay { .. } => 0,
            Self::Drop => 1,
            Self::Exception(_) => 2,
            Self::Empty => 3,
            Self::Junk => 4,
            Self::Split { .. } => 5,
            Self::HalfFrame => 6,
            Self::WrongTransaction => 7,
            Self::WrongUnit => 8,
            Self::Duplicate => 9,
            Self::Reset => 10,
            Self::Refuse => 11,
            Self::FreezeRegisters => 12,
            Self::FreezeHeartbeat => 13,
            Self::StaleTime { .. } => 14,
            Self::SwapWords => 15,
            Self::BurstLoss { .. } => 16,
            Self::Reorder => 17,
            Self::Bandwidth { .. } => 18,
            Self::Tear => 19,
            Self::LimitClients { .. } => 20,
            Self::LimitConnections { .. } => 21,
        }
    }
    /// Whether it keeps connections out, before there is a request.
    pub const fn is_at_the_door(&self) -> bool {
        matches!(self, Self::Refuse | Self::LimitConnections { .. })
    }
    /// Its name in REST, scenarios and metrics.
    pub const fn name(&self) -> &'static str {
        Self::NAMES[self.position()]
    }
    /// Its parameters with their names.
    pub fn parameters(&self) -> Vec<(&'static str, f64)> {
        match *self {
            Self::Delay { delay_s, jitter_s } => {
                vec![("delay_s", delay_s), ("jitter_s", jitter_s)]
            }
            Self::Exception(code) => vec![("exception", f64::from(code))],
            Self::Split { gap_s } => vec![("gap_s", gap_s)],
            Self::StaleTime { by_s } => vec![("by_s", by_s)],
            Self::BurstLoss { good_to_bad, bad_to_good, loss_bad } => {
                vec![
                    ("good_to_bad", good_to_bad),
                    ("bad_to_good", bad_to_good),
                    ("loss_bad", loss_bad),
                ]
            }
            Self::Bandwidth { bytes_per_s } => vec![("bytes_per_s", bytes_per_s)],
            Self::LimitClients { max_clients } | Self::LimitConnections { max_clients } => {
                vec![("max_clients", f64::from(max_clients))]
            }
            _ => Vec::new(),
        }
    }

    /// The effect called `name` with its parameters from `given`: all that it needs (a jitter is 0 when
    /// absent) and no others.
    ///
    /// # Errors
    /// An unknown name, a parameter that is missing, not its own or out of its range.
    pub fn build(name: &str, given: &[(&'static str, f64)]) -> Result<Self, Rejection> {
        let value = |name| given.iter().find(|(key, _)| *key == name).map(|(_, value)| *value);
        let needed = |field: &'static str| {
            let missing = || not_possible(field, format!("the effect {name} needs it"));
            value(field).ok_or_else(missing)
        };
        let whole = |field: &'static str, most: f64| {
            let number = needed(field)?;
            in_range(field, number, 0.0, most, "")?;
            if number.fract() != 0.0 {
                return Err(not_possible(field, format!("it is a whole number, got {number}")));
            }
            Ok(number)
        };
        let effect = match name {
            "delay" => Self::Delay {
                delay_s: needed("delay_s")?,
                jitter_s: value("jitter_s").unwrap_or(0.0),
            },
            "drop" => Self::Drop,
            "exception" => Self::Exception(whole("exception", 255.0)? as u8),
            "empty" => Self::Empty,
            "junk" => Self::Junk,
            "split" => Self::Split { gap_s: needed("gap_s")? },
            "half_frame" => Self::HalfFrame,
            "wrong_transaction" => Self::WrongTransaction,
            "wrong_unit" => Self::WrongUnit,
            "duplicate" => Self::Duplicate,
            "reset" => Self::Reset,
            "refuse" => Self::Refuse,
            "freeze_registers" => Self::FreezeRegisters,
            "freeze_heartbeat" => Self::FreezeHeartbeat,
            "stale_time" => Self::StaleTime { by_s: needed("by_s")? },
            "swap_words" => Self::SwapWords,
            "burst_loss" => Self::BurstLoss {
                good_to_bad: needed("good_to_bad")?,
                bad_to_good: needed("bad_to_good")?,
                loss_bad: needed("loss_bad")?,
            },
            "reorder" => Self::Reorder,
            "bandwidth" => Self::Bandwidth { bytes_per_s: needed("bytes_per_s")? },
            "tear" => Self::Tear,
            "limit_clients" => {
                Self::LimitClients { max_clients: whole("max_clients", CLIENTS_MAX)? as u32 }
            }
            "limit_connections" => {
                Self::LimitConnections { max_clients: whole("max_clients", CLIENTS_MAX)? as u32 }
            }
            _ => {
                let reason = format!("it must be one of {}, got {name}", Self::NAMES.join(", "));
                return Err(not_possible("effect", reason));
            }
        };
        let own = effect.parameters();
        if let Some((field, _)) = given.iter().find(|(key, _)| !own.iter().any(|(o, _)| o == key)) {
            return Err(not_possible(field, format!("the effect {name} has no such parameter")));
        }
        effect.check()?;
        Ok(effect)
    }

    fn check(&self) -> Result<(), Rejection> {
        match *self {
            Self::Delay { delay_s, jitter_s } => {
                in_range("delay_s", delay_s, 0.0, SECONDS_MAX, "s")?;
                in_range("jitter_s", jitter_s, 0.0, SECONDS_MAX, "s")
            }
            Self::Split { gap_s } => in_range("gap_s", gap_s, 0.0, SECONDS_MAX, "s"),
            Self::StaleTime { by_s } => in_range("by_s", by_s, TICK_S, STALE_MAX_S, "s"),
            Self::BurstLoss { good_to_bad, bad_to_good, loss_bad } => {
                in_range("good_to_bad", good_to_bad, 0.0, 1.0, "")?;
                in_range("bad_to_good", bad_to_good, 0.0, 1.0, "")?;
                in_range("loss_bad", loss_bad, 0.0, 1.0, "")
            }
            Self::Bandwidth { bytes_per_s } => {
                in_range("bytes_per_s", bytes_per_s, BANDWIDTH_MIN, 1e12, "bytes/s")
            }
            _ => Ok(()),
        }
    }
}

fn not_possible(field: &'static str, reason: String) -> Rejection {
    Rejection::NotPossible { field, reason }
}

/// Which requests a condition is about; what is absent is no restriction.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct LinkScope {
    /// Name of the listener that took the connection.
    pub listener: Option<String>,
    /// The unit that is asked.
    pub unit: Option<UnitId>,
    /// What part of it the device shows that is asked.
    pub part: Option<Part>,
    /// Function codes, 1 to 127; empty for all.
    pub functions: Vec<u8>,
    /// First and last register, coil or input: of a request that touches one of them.
    pub registers: Option<(u16, u16)>,
    /// Where the client is.
    pub peer: Option<PeerNet>,
}

/// A request as a scope sees it, or a connection before its first one.
#[derive(Clone, Copy, Debug)]
pub struct LinkSight<'s> {
    /// Name of the listener.
    pub listener: &'s str,
    /// The unit; `None` for the plant, for nobody, and where it is not known yet.
    pub unit: Option<UnitId>,
    /// What part of it the device shows; `None` for nobody, and where it is not known yet.
    pub part: Option<Part>,
    /// The function code; `None` before there is a request.
    pub function: Option<u8>,
    /// First and last of each range of registers that it touches.
    pub registers: &'s [(u16, u16)],
    /// The client's address; `None` where it has none.
    pub peer: Option<IpAddr>,
}

impl LinkScope {
    /// Whether a request is within it. What the scope asks for and the sight does not know is not.
    pub fn covers(&self, sight: &LinkSight<'_>) -> bool {
        let touches = |(first, last): (u16, u16)| {
            sight.registers.iter().any(|(from, to)| *from <= last && first <= *to)
        };
        self.listener.as_ref().is_none_or(|listener| listener == sight.listener)
            && self.unit.is_none_or(|unit| sight.unit == Some(unit))
            && self.part.is_none_or(|part| sight.part == Some(part))
            && (self.functions.is_empty()
                || sight.function.is_some_and(|function| self.functions.contains(&function)))
            && self.registers.is_none_or(touches)
            && self.peer.is_none_or(|net| sight.peer.is_some_and(|peer| net.contains(peer)))
    }
}

/// A condition of the links between clients and the farm.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct LinkCondition {
    /// Its name: a condition of the same name takes its place. 1 to 64 letters, digits, `_`, `-`, `.`.
    pub name: String,
    /// What happens.
    pub effect: LinkEffect,
    /// To which requests.
    pub scope: LinkScope,
    /// To which share of them, 0 to 1.
    pub probability: f64,
    /// Seed of the draws.
    pub seed: u64,
    /// First tick without it; `None` for until it is cleared.
    pub until: Option<Tick>,
}

impl LinkCondition {
    /// Whether it is possible in this farm.
    ///
    /// # Errors
    /// The first thing that is not.
    pub fn check(&self, spec: &FarmSpec) -> Result<(), Rejection> {
        let fits = |c: char| c.is_ascii_alphanumeric() || "_-.".contains(c);
        if !(1..=NAME_MAX).contains(&self.name.len()) || !self.name.chars().all(fits) {
            let rule = format!("1 to {NAME_MAX} letters, digits, `_`, `-`, `.`");
            return Err(not_possible("name", format!("it must be {rule}, got {:?}", self.name)));
        }
        self.effect.check()?;
        in_range("probability", self.probability, 0.0, 1.0, "")?;
        let LinkScope { listener, unit, functions, registers, .. } = &self.scope;
        if let Some(unit) = unit {
            crate::command::find_unit(spec, *unit)?;
        }
        if listener.as_ref().is_some_and(String::is_empty) {
            return Err(not_possible("listener", "it must not be empty".to_owned()));
        }
        in_range("functions", functions.len() as f64, 0.0, 127.0, "codes")?;
        for function in functions {
            in_range("functions", f64::from(*function), 1.0, 127.0, "")?;
        }
        if let Some((first, last)) = registers
            && first > last
        {
            let reason = format!("it must not be below first_register ({first}), got {last}");
            return Err(not_possible("last_register", reason));
        }
        let narrow = if registers.is_some() { "first_register" } else { "functions" };
        let at_the_door = self.effect.is_at_the_door();
        if at_the_door && (registers.is_some() || !functions.is_empty()) {
            let reason = "a connection is refused before it asks anything: choose by listener, \
                          by peer, or by the unit of a listener that serves one alone";
            return Err(not_possible(narrow, reason.to_owned()));
        }
        Ok(())
    }

    /// Whether the `n`th request within its scope is hit.
    pub fn hits(&self, n: u64) -> bool {
        self.probability >= 1.0 || self.draws(n)[0] < self.probability
    }
    /// The jitter of the `n`th request within its scope, 0 to 1 (excluded).
    pub fn jitter(&self, n: u64) -> f64 {
        self.draws(n)[1]
    }
    /// Two more draws of the `n`th request, each 0 to 1 (excluded): how a burst goes on, and what it takes.
    fn burst_draws(&self, n: u64) -> [f64; 2] {
        let mut stream = Streams::new(!self.seed).stream(Domain::Link, n);
        [stream.uniform(), stream.uniform()]
    }
    fn draws(&self, n: u64) -> [f64; 2] {
        let mut stream = Streams::new(self.seed).stream(Domain::Link, n);
        [stream.uniform(), stream.uniform()]
    }
}

/// A condition that is in force, with what it did so far. The counters stand beside the state and are
/// never part of it: clients write them while the farm stands.
#[derive(Debug)]
pub struct ActiveLink {
    /// The condition.
    pub condition: LinkCondition,
    /// The tick after which it began.
    pub since: Tick,
    seen: AtomicU64,
    hits: AtomicU64,
    /// Whether a burst of losses goes on.
    in_burst: AtomicBool,
}

impl ActiveLink {
    /// A condition that begins after the tick `since`.
    pub const fn new(condition: LinkCondition, since: Tick) -> Self {
        Self {
            condition,
            since,
            seen: AtomicU64::new(0),
            hits: AtomicU64::new(0),
            in_burst: AtomicBool::new(false),
        }
    }
    /// What it did so far: requests seen, of those hit, and whether a burst of losses goes on.
    pub fn progress(&self) -> (u64, u64, bool) {
        (self.seen.load(Relaxed), self.hits.load(Relaxed), self.in_burst.load(Relaxed))
    }
    /// The same condition, going on from where [`ActiveLink::progress`] says.
    #[must_use]
    pub fn going_on(self, (seen, hits, in_burst): (u64, u64, bool)) -> Self {
        Self {
            seen: AtomicU64::new(seen),
            hits: AtomicU64::new(hits),
            in_burst: AtomicBool::new(in_burst),
            ..self
        }
    }
    /// Counts a request within its scope; its number, from 0, when it is hit.
    pub fn take(&self) -> Option<u64> {
        let n = self.seen.fetch_add(1, Relaxed);
        let hit = self.condition.hits(n) && self.bursts(n);
        if hit {
            self.hits.fetch_add(1, Relaxed);
        }
        hit.then_some(n)
    }
    /// Whether the `n`th request is lost in a burst; yes for what does not come in bursts.
    fn bursts(&self, n: u64) -> bool {
        let LinkEffect::BurstLoss { good_to_bad, bad_to_good, loss_bad } = self.condition.effect
        else {
            return true;
        };
        let [step, loss] = self.condition.burst_draws(n);
        // Requests at the same moment step one after the other.
        let turn = |bad: bool| if bad { step >= bad_to_good } else { step < good_to_bad };
        let before = self.in_burst.fetch_update(Relaxed, Relaxed, |bad| Some(turn(bad)));
        turn(before.unwrap_or(false)) && loss < loss_bad
    }
    /// Requests within its scope so far.
    pub fn seen(&self) -> u64 {
        self.seen.load(Relaxed)
    }
    /// Requests that it hit so far.
    pub fn hits(&self) -> u64 {
        self.hits.load(Relaxed)
    }
}

/// The conditions in force, in the order in which their names first came.
pub type ActiveLinks = Arc<[Arc<ActiveLink>]>;

/// The conditions of `active` with `condition`, which begins after `now`, in the place of one of its
/// name or behind them.
///
/// # Errors
/// When its last tick is over, or there are [`LINKS_MAX`] already.
pub fn with(
    active: &[Arc<ActiveLink>],
    condition: &LinkCondition,
    now: Tick,
) -> Result<ActiveLinks, Rejection> {
    if let Some(until) = condition.until
        && until <= now.next()
    {
        let reason = format!("it must be after tick {}, got tick {until}", now.next());
        return Err(not_possible("until", reason));
    }
    let begun = Arc::new(ActiveLink::new(condition.clone(), now));
    let mut all = active.to_vec();
    match all.iter().position(|link| link.condition.name == condition.name) {
        Some(place) => all[place] = begun,
        None if all.len() >= LINKS_MAX => {
            let reason = format!("there are {LINKS_MAX} conditions, as many as there may be");
            return Err(not_possible("name", reason));
        }
        None => all.push(begun),
    }
    Ok(all.into())
}

/// The conditions of `active` without the one called `name`, or without all.
///
/// # Errors
/// When there is none of this name.
pub fn without(active: &[Arc<ActiveLink>], name: Option<&str>) -> Result<ActiveLinks, Rejection> {
    let Some(name) = name else { return Ok(ActiveLinks::default()) };
    let left: Vec<_> =
        active.iter().filter(|link| link.condition.name != name).map(Arc::clone).collect();
    if left.len() == active.len() {
        let names: Vec<&str> = active.iter().map(|link| link.condition.name.as_str()).collect();
        let names = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
        let reason = format!("no condition {name:?} is in force; in force: {names}");
        return Err(not_possible("name", reason));
    }
    Ok(left.into())
}

#[cfg(test)]
mod tests;
