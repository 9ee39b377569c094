//! The built-in reference EMS: a client of the farm like anybody's, over real Modbus, so that a scenario runs
//! without anybody's software.
//!
//! It finds the models of every unit, reads power, state, alarms and charge, writes signs of life and
//! setpoints, splits what the farm is to give by what each unit can do, leaves out who is in fault or silent,
//! makes good what gets lost on the way to the POI, and says what it notices. It knows only what it reads.
//!
//! `points` are the registers, `line` a connection, `unit` a unit as it is seen, `dispatch` the split, `watch`
//! what is noticed, `tricks` what a scenario can make of the EMS.

mod dispatch;
mod door;
mod line;
mod points;
mod tricks;
mod unit;
mod watch;

use bess_core::device::{DeviceAddress, Part};
use bess_core::role::Role;
use bess_core::stage::Observation;
use bess_scenarios::faults::ClientAct;
use dispatch::{Offer, Trim, split};
pub(crate) use door::Door;
use line::{Failure, Line};
use points::{Words, inverter, setpoint};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;
pub(crate) use tricks::Flaw;
use tricks::Tricks;
use unit::Unit;
use watch::{ChargeBook, Notice, Watch};

/// How the EMS works.
#[derive(Clone, Debug)]
pub(crate) struct EmsOptions {
    /// Longest wait for an answer, by wall time.
    pub(crate) timeout: Duration,
    /// What it does wrong.
    pub(crate) flaws: Vec<Flaw>,
}

impl Default for EmsOptions {
    fn default() -> Self {
        Self { timeout: Duration::from_secs(1), flaws: Vec::new() }
    }
}

/// Seconds of the EMS's own time between two rounds.
pub(crate) const ROUND_S: f64 = 1.0;
/// A setpoint is written again when it changes by this share of the rating, or after this long.
const DEADBAND: f64 = 0.002;
const REWRITE_S: f64 = 30.0;
/// How far a unit may be from its setpoint, as a share of its rating, and the meter from the units.
const DEVIATION: f64 = 0.06;
/// How long a deviation must last: converters ramp, meters lag.
const DEVIATION_S: f64 = 10.0;
/// How long a voltage of direct current may read the same to its last digit while power flows.
const STUCK_S: f64 = 120.0;

/// The EMS.
#[derive(Debug)]
pub(crate) struct Ems {
    units: Vec<Unit>,
    books: Vec<ChargeBook>,
    /// When the voltage of each unit last changed.
    moved_s: Vec<f64>,
    voltages_v: Vec<Option<f64>>,
    plant: Option<Plant>,
    /// What the farm is to give at its POI; what it gave when the EMS came, once that is known.
    target_w: Option<f64>,
    trim: Trim,
    watch: Watch,
    tricks: Tricks,
    round_s: Option<f64>,
}

/// The plant as the EMS sees it: its meter.
#[derive(Debug)]
struct Plant {
    line: Line,
    layout: Option<(points::Chain, f64)>,
    power_w: Option<f64>,
    /// The setpoint at the POI that it had when the EMS came, if it had one.
    found_w: Option<f64>,
}

/// What it did so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Totals {
    pub(crate) requests: u64,
    pub(crate) connects: u64,
    pub(crate) writes: u64,
}

impl Ems {
    /// An EMS for the units of an address book; `None` where it can reach none of them.
    pub(crate) fn new(book: &[DeviceAddress], options: &EmsOptions) -> Option<Self> {
        let tricks = Tricks::new(&options.flaws);
        let is_rash = tricks.has(Flaw::HammersReconnects);
        let line = |device: &DeviceAddress| {
            let address = SocketAddr::new(reachable(device.host), device.port);
            Line::new(address, device.unit_id.unwrap_or(1), options.timeout, is_rash)
        };
        let may_write = |device: &&DeviceAddress| !device.is_tls && device.role >= Role::Operator;
        let mut units: Vec<Unit> = Vec::new();
        for device in book.iter().filter(may_write).filter(|device| device.part == Part::Whole) {
            if let Some(id) = device.unit
                && !units.iter().any(|unit| unit.id == id)
            {
                units.push(Unit::new(id, line(device)));
            }
        }
        if units.is_empty() {
            return None;
        }
        units.sort_by_key(|unit| unit.id);
        let plant = book.iter().find(|device| !device.is_tls && device.part == Part::Plant);
        let plant = plant.map(|device| Plant::new(line(device)));
        let n = units.len();
        Some(Self {
            units,
            books: vec![ChargeBook::default(); n],
            moved_s: vec![0.0; n],
            voltages_v: vec![None; n],
            plant,
            target_w: None,
            trim: Trim::default(),
            watch: Watch::default(),
            tricks,
            round_s: None,
        })
    }

    /// Does what a scenario wants of it, from the next round on.
    pub(crate) fn act(&mut self, act: &ClientAct) {
        if *act == ClientAct::Stop(true) {
            self.units.iter_mut().for_each(|unit| unit.line.close());
            self.plant.iter_mut().for_each(|plant| plant.line.close());
        }
        self.tricks.act(act, self.round_s.unwrap_or(0.0));
    }

    /// What it did so far.
    pub(crate) fn totals(&self) -> Totals {
        let lines = self.units.iter().map(|unit| &unit.line);
        let lines = lines.chain(self.plant.iter().map(|plant| &plant.line));
        lines.fold(Totals::default(), |sum, line| Totals {
            requests: sum.requests + line.requests,
            connects: sum.connects + line.connects,
            writes: sum.writes + line.writes,
        })
    }

    /// One round at `now_s` of its own time: reads, thinks, writes; one request after the other, so that
    /// the same rounds are the same requests in the same order. What it noticed.
    pub(crate) async fn round(&mut self, now_s: f64) -> Vec<Observation> {
        let dt_s = self.round_s.map_or(0.0, |last_s| now_s - last_s);
        self.round_s = Some(now_s);
        if self.tricks.is_stopped {
            return Vec::new();
        }
        self.flood(now_s, dt_s).await;
        self.read(now_s, dt_s).await;
        self.look(now_s);
        for (idx, write) in self.tricks.again(now_s) {
            let _ = self.units[idx].write(now_s, &write).await;
        }
        self.beat(now_s).await;
        self.dispatch(now_s, dt_s).await;
        let seen = self.watch.take();
        if self.tricks.has(Flaw::Mute) { Vec::new() } else { seen }
    }

    /// Reads every unit and the meter at the POI.
    async fn read(&mut self, now_s: f64, dt_s: f64) {
        let mut found_w = 0.0;
        for (idx, unit) in self.units.iter_mut().enumerate() {
            let polled = unit.poll(now_s).await;
            if let Ok(Some(watts)) = polled {
                found_w += watts;
            }
            if polled.is_err() {
                continue;
            }
            let reading = unit.reading;
            if reading.voltage_v != self.voltages_v[idx] {
                (self.voltages_v[idx], self.moved_s[idx]) = (reading.voltage_v, now_s);
            }
            if let (Some(power_w), Some(soc), Some(energy_wh)) =
                (reading.power_w, reading.soc, reading.energy_wh)
            {
                let fits = self.books[idx].note(now_s, dt_s, power_w, soc, energy_wh);
                if let Some(fits) = fits {
                    let text = || "state of charge and energy do not fit".to_owned();
                    let notice = Notice::SocInconsistent;
                    self.watch.look(now_s, notice, Some(unit.id), !fits, 0.0, text);
                }
            }
        }
        let mut farm_w = None;
        if let Some(plant) = &mut self.plant {
            plant.power_w = plant.read(now_s).await.ok().flatten();
            farm_w = plant.found_w;
        }
        if self.target_w.is_none() && self.units.iter().all(Unit::is_known) {
            self.target_w = Some(farm_w.unwrap_or(found_w));
        }
    }

    /// Compares what was read with what should be.
    fn look(&mut self, now_s: f64) {
        let watch = &mut self.watch;
        for (idx, unit) in self.units.iter().enumerate() {
            let reading = &unit.reading;
            let silent_s = unit.read_s.map_or(now_s, |read_s| now_s - read_s);
            let is_silent = silent_s > unit::STALE_S;
            let stands = !is_silent && unit.is_known() && unit.is_stale(now_s);
            let mut look = |notice, is_so, patience_s, text: &str| {
                watch.look(now_s, notice, Some(unit.id), is_so, patience_s, || text.to_owned());
            };
            look(Notice::CommunicationLost, is_silent, 0.0, "it does not answer");
            // Old data are stale whether they are read again and again or not at all.
            look(Notice::StaleData, is_silent || stands, 0.0, "its heartbeat stands still");
            let is_current = !is_silent && !stands;
            let is_alarmed = is_current && reading.is_alarmed();
            look(Notice::SafetyAlarm, is_alarmed, 0.0, "its battery raises an alarm");
            look(Notice::UnitFault, is_current && reading.is_faulty(), 0.0, "it is in fault");
            look(Notice::WriteRefused, unit.refused > 0, 0.0, "it refuses what is written to it");
            let off_w = unit.written_w.zip(reading.power_w).map_or(0.0, |(to, is)| (to - is).abs());
            let settled = now_s - unit.written_s > DEVIATION_S;
            let deviates =
                is_current && reading.is_running() && settled && off_w > DEVIATION * unit.rated_w;
            let text = "it does not do what it was told";
            look(Notice::SetpointDeviation, deviates, DEVIATION_S, text);
            let flows = reading.power_w.is_some_and(|power_w| power_w.abs() > 0.1 * unit.rated_w);
            let is_stuck = is_current && flows && now_s - self.moved_s[idx] > STUCK_S;
            look(Notice::SensorStuck, is_stuck, 0.0, "its voltage does not move while power flows");
        }
        let all_current = self.units.iter().all(|unit| !unit.is_stale(now_s));
        let units_w: f64 = self.units.iter().filter_map(|unit| unit.reading.power_w).sum();
        let rated_w: f64 = self.units.iter().map(|unit| unit.rated_w).sum();
        let meter_w = self.plant.as_ref().and_then(|plant| plant.power_w);
        let is_off = all_current
            && meter_w.is_some_and(|meter_w| (meter_w - units_w).abs() > DEVIATION * rated_w);
        let shown_w = meter_w.unwrap_or_default();
        let text = || format!("the units give {units_w:.0} W, the meter says {shown_w:.0} W");
        self.watch.look(now_s, Notice::MeterMismatch, None, is_off, DEVIATION_S, text);
        let text = || "what is added to the setpoint makes the power at the meter worse".to_owned();
        let has_given_up = self.trim.has_given_up();
        self.watch.look(now_s, Notice::TrimGivenUp, None, has_given_up, 0.0, text);
    }

    /// Signs of life for every unit that is alive itself: one that is not must come to its own fallback.
    async fn beat(&mut self, now_s: f64) {
        for idx in 0..self.units.len() {
            let unit = &self.units[idx];
            if unit.is_stale(now_s) && !self.tricks.has(Flaw::IgnoresStaleData) {
                continue;
            }
            let Some(value) = self.tricks.heartbeat_after(unit.heartbeat) else { continue };
            let Some(write) = unit.heartbeat_write(value) else { continue };
            if self.write(now_s, idx, &write).await.is_ok() {
                self.units[idx].heartbeat = value;
            }
        }
    }

    /// Splits the target over the units that can, and writes what changed.
    async fn dispatch(&mut self, now_s: f64, dt_s: f64) {
        let Some(target_w) = self.tricks.setpoint_w.or(self.target_w) else { return };
        let rated_w: f64 = self.units.iter().map(|unit| unit.rated_w).sum();
        let meter_w = self.plant.as_ref().and_then(|plant| plant.power_w);
        let asked_w = self.trim.asked(target_w, meter_w, dt_s, rated_w);
        let offers: Vec<Offer> = self.units.iter().map(|unit| self.offer(unit, now_s)).collect();
        for (idx, share_w) in split(asked_w, &offers).into_iter().enumerate() {
            let unit = &self.units[idx];
            if unit.is_stale(now_s) && !self.tricks.has(Flaw::IgnoresStaleData) {
                continue;
            }
            let share_w = match unit.written_w {
                Some(written_w)
                    if self.tricks.is_frozen || self.tricks.has(Flaw::NeverRedispatches) =>
                {
                    written_w
                }
                _ => share_w,
            };
            let is_same = unit
                .written_w
                .is_some_and(|written_w| (written_w - share_w).abs() <= DEADBAND * unit.rated_w);
            // Who is out gets 0 W once, and nothing more until it is back.
            let is_out = offers[idx] == Offer::default();
            if is_same && (is_out || now_s - unit.written_s < REWRITE_S) {
                continue;
            }
            let Some(write) = unit.setpoint_write(self.tricks.scaled(share_w)) else { continue };
            if self.write(now_s, idx, &write).await.is_ok() {
                let unit = &mut self.units[idx];
                (unit.written_w, unit.written_s) = (Some(share_w), now_s);
            }
        }
    }

    /// What a unit may be asked for: nothing of one that is stale, in fault, stopped or under local control.
    fn offer(&self, unit: &Unit, now_s: f64) -> Offer {
        let is_stale = unit.is_stale(now_s) && !self.tricks.has(Flaw::IgnoresStaleData);
        let is_out = unit.reading.is_faulty() || !unit.reading.is_running();
        let is_out = is_out && !self.tricks.has(Flaw::IgnoresFaults);
        if is_stale || is_out || unit.reading.is_local || !unit.is_known() {
            return Offer::default();
        }
        if unit.reading.is_running() { unit.offer(now_s) } else { unit.whole_offer() }
    }

    async fn write(&mut self, now_s: f64, idx: usize, write: &unit::Write) -> Result<(), Failure> {
        let written = self.units[idx].write(now_s, write).await;
        if written.is_ok() {
            self.tricks.note(now_s, idx, write);
        }
        written
    }

    /// Requests beside the work.
    async fn flood(&mut self, now_s: f64, dt_s: f64) {
        let n = self.tricks.flood(dt_s);
        let all = self.units.len() as u64;
        for k in 0..n {
            let line = &mut self.units[(k % all) as usize].line;
            let _ = line.read(now_s, points::CHAIN, 2).await;
        }
    }
}

impl Plant {
    fn new(line: Line) -> Self {
        Self { line, layout: None, power_w: None, found_w: None }
    }

    /// The setpoint at the POI, where it is in force.
    async fn setpoint(
        line: &mut Line,
        now_s: f64,
        chain: &points::Chain,
    ) -> Result<Option<f64>, Failure> {
        let Some(first) = chain.address(setpoint::MODEL, 0) else { return Ok(None) };
        let words = line.read(now_s, first, setpoint::SCALE + 1).await?;
        let words = Words { chain, first, words: &words };
        let is_on = words.u16(setpoint::MODEL, setpoint::ENABLED) == Some(1);
        let value = words.u32(setpoint::MODEL, setpoint::VALUE).filter(|_| is_on);
        let scale = words.scale(setpoint::MODEL, setpoint::SCALE);
        Ok(value.zip(scale).map(|(raw, scale)| f64::from(raw as i32) * scale))
    }

    /// Active power at the POI in W.
    async fn read(&mut self, now_s: f64) -> Result<Option<f64>, Failure> {
        if self.layout.is_none() {
            let chain = self.line.discover(now_s).await?;
            let first = chain.address(inverter::MODEL, 0).ok_or(Failure::Refused)?;
            let words = self.line.read(now_s, first, inverter::POWER_SCALE + 1).await?;
            let words = Words { chain: &chain, first, words: &words };
            let scale = words.scale(inverter::MODEL, inverter::POWER_SCALE);
            let scale = scale.ok_or(Failure::Refused)?;
            self.found_w = Self::setpoint(&mut self.line, now_s, &chain).await?;
            self.layout = Some((chain, scale));
        }
        let Some((chain, scale)) = &self.layout else { return Ok(None) };
        let first = chain.address(inverter::MODEL, 0).unwrap_or(0);
        let words = self.line.read(now_s, first, inverter::LENGTH).await?;
        let words = Words { chain, first, words: &words };
        Ok(words.raw(inverter::MODEL, inverter::POWER).map(|raw| raw * scale))
    }
}

/// The address to call where a listener is bound to all of them.
fn reachable(host: IpAddr) -> IpAddr {
    match host {
        IpAddr::V4(host) if host.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(host) if host.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        host => host,
    }
}

#[cfg(test)]
mod tests;
