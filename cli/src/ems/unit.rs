//! A unit as the EMS sees it: what it read last, whether that is still so, and what it wrote.

use super::dispatch::Offer;
use super::line::{Failure, Line};
use super::points::{Chain, Words, battery, control, enter, inverter, rating, setpoint};
use bess_core::id::UnitId;

/// What was read of a unit.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Reading {
    pub(super) power_w: Option<f64>,
    pub(super) inverter_state: Option<u16>,
    pub(super) heartbeat: Option<u32>,
    pub(super) is_local: bool,
    pub(super) soc: Option<f64>,
    pub(super) energy_wh: Option<f64>,
    pub(super) voltage_v: Option<f64>,
    pub(super) charge_max_a: Option<f64>,
    pub(super) discharge_max_a: Option<f64>,
    pub(super) events: u32,
    /// Alarms of the converter.
    pub(super) inverter_alarms: u32,
}

impl Reading {
    /// Whether it runs and obeys.
    pub(super) fn is_running(&self) -> bool {
        self.inverter_state.is_some_and(|state| inverter::RUNNING.contains(&state))
    }
    /// Whether its battery raises an alarm; a warning is none.
    pub(super) fn is_alarmed(&self) -> bool {
        let shared = |(event, alarms): &(u32, u32)| {
            self.events & event != 0 && self.inverter_alarms & alarms != 0
        };
        self.events & battery::ALARMS != 0 || battery::SHARED.iter().any(shared)
    }
    /// Whether it says that something is wrong that stops it.
    pub(super) fn is_faulty(&self) -> bool {
        self.inverter_state == Some(inverter::FAULT) || self.is_alarmed()
    }
}

/// How long a heartbeat may stand still before its unit counts as stale, in s.
pub(super) const STALE_S: f64 = 5.0;
/// How much more than what it gives a unit that just entered service is counted with, as a share of its rating:
/// one that does not ramp is back in full after some rounds.
const CLIMB: f64 = 0.05;

/// A unit.
#[derive(Debug)]
pub(super) struct Unit {
    pub(super) id: UnitId,
    pub(super) line: Line,
    chain: Option<Chain>,
    power_scale: f64,
    setpoint_scale: f64,
    /// What the converter is rated for in W.
    pub(super) rated_w: f64,
    pub(super) reading: Reading,
    /// When it was last read as a whole.
    pub(super) read_s: Option<f64>,
    /// When its heartbeat last changed.
    beat_s: f64,
    /// Time in s in which its power comes back after it entered service, and when it did, where that was seen.
    ramp_s: f64,
    entered_s: Option<f64>,
    /// The setpoint that it got last, and when it last changed.
    pub(super) written_w: Option<f64>,
    pub(super) written_s: f64,
    pub(super) heartbeat: u32,
    /// Writes that it refused.
    pub(super) refused: u64,
}

/// A write: first register and words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Write {
    pub(super) address: u16,
    pub(super) words: Vec<u16>,
}

impl Unit {
    pub(super) fn new(id: UnitId, line: Line) -> Self {
        Self {
            id,
            line,
            chain: None,
            power_scale: 1.0,
            setpoint_scale: 1.0,
            rated_w: 0.0,
            reading: Reading::default(),
            read_s: None,
            beat_s: 0.0,
            ramp_s: 0.0,
            entered_s: None,
            written_w: None,
            written_s: 0.0,
            heartbeat: 0,
            refused: 0,
        }
    }

    /// Whether its models were found.
    pub(super) fn is_known(&self) -> bool {
        self.chain.is_some()
    }

    /// Reads it; finds its models first, where that was not done yet. The setpoint that it had before is
    /// handed out with the first reading.
    pub(super) async fn poll(&mut self, now_s: f64) -> Result<Option<f64>, Failure> {
        let mut found_w = None;
        if self.chain.is_none() {
            let chain = self.line.discover(now_s).await?;
            found_w = self.learn(now_s, &chain).await?;
            (self.chain, self.beat_s) = (Some(chain), now_s);
        }
        let Some(chain) = &self.chain else { return Ok(None) };
        let (first, n) = (chain.address(inverter::MODEL, 0).unwrap_or(0), inverter::LENGTH);
        let words = self.line.read(now_s, first, n).await?;
        let (block, n) = chain.block(control::MODEL, battery::MODEL).ok_or(Failure::Refused)?;
        let more = self.line.read(now_s, block, n).await?;
        let pcs = Words { chain, first, words: &words };
        let bms = Words { chain, first: block, words: &more };
        let reading = Reading {
            power_w: pcs.raw(inverter::MODEL, inverter::POWER).map(|raw| raw * self.power_scale),
            inverter_state: pcs.u16(inverter::MODEL, inverter::STATE),
            heartbeat: bms.u32(control::MODEL, control::HEARTBEAT),
            is_local: bms.u16(control::MODEL, control::LOCAL) == Some(1),
            soc: bms
                .scaled(battery::MODEL, battery::SOC, battery::SOC_SCALE)
                .map(|pct| pct / 100.0),
            energy_wh: bms.scaled(battery::MODEL, battery::ENERGY, battery::ENERGY_SCALE),
            voltage_v: bms.scaled(battery::MODEL, battery::VOLTAGE, battery::VOLTAGE_SCALE),
            charge_max_a: bms.scaled(battery::MODEL, battery::CHARGE_MAX_A, battery::CURRENT_SCALE),
            discharge_max_a: bms.scaled(
                battery::MODEL,
                battery::DISCHARGE_MAX_A,
                battery::CURRENT_SCALE,
            ),
            events: bms.u32(battery::MODEL, battery::EVENTS).unwrap_or(0),
            inverter_alarms: pcs.u32(inverter::MODEL, inverter::ALARMS).unwrap_or(0),
        };
        if reading.heartbeat != self.reading.heartbeat {
            self.beat_s = now_s;
        }
        if self.read_s.is_some() && reading.is_running() && !self.reading.is_running() {
            self.entered_s = Some(now_s);
        }
        (self.reading, self.read_s) = (reading, Some(now_s));
        Ok(found_w)
    }

    /// Scales never change, so they are read once; so is the setpoint that somebody else gave.
    async fn learn(&mut self, now_s: f64, chain: &Chain) -> Result<Option<f64>, Failure> {
        let (first, pcs) = self.part(now_s, chain, inverter::MODEL, inverter::POWER_SCALE).await?;
        let power = Words { chain, first, words: &pcs };
        let (first, ratings) = self.part(now_s, chain, rating::MODEL, rating::POWER_SCALE).await?;
        let ratings = Words { chain, first, words: &ratings };
        let (first, settings) = self.part(now_s, chain, setpoint::MODEL, setpoint::SCALE).await?;
        let settings = Words { chain, first, words: &settings };
        let scale =
            |words: &Words<'_>, model, offset| words.scale(model, offset).ok_or(Failure::Refused);
        self.power_scale = scale(&power, inverter::MODEL, inverter::POWER_SCALE)?;
        self.setpoint_scale = scale(&settings, setpoint::MODEL, setpoint::SCALE)?;
        let rated_w = ratings.scaled(rating::MODEL, rating::POWER, rating::POWER_SCALE);
        self.rated_w = rated_w.ok_or(Failure::Refused)?;
        if chain.address(enter::MODEL, 0).is_some() {
            let (first, entry) = self.part(now_s, chain, enter::MODEL, enter::RAMP + 1).await?;
            let ramp_s = Words { chain, first, words: &entry }.u32(enter::MODEL, enter::RAMP);
            self.ramp_s = ramp_s.filter(|ramp_s| *ramp_s != u32::MAX).map_or(0.0, f64::from);
        }
        let is_on = settings.u16(setpoint::MODEL, setpoint::ENABLED) == Some(1);
        let value = settings.u32(setpoint::MODEL, setpoint::VALUE);
        Ok(value.filter(|_| is_on).map(|raw| f64::from(raw as i32) * self.setpoint_scale))
    }

    /// The first registers of a model, up to the point at `last`.
    async fn part(
        &mut self,
        now_s: f64,
        chain: &Chain,
        model: u16,
        last: u16,
    ) -> Result<(u16, Vec<u16>), Failure> {
        let first = chain.address(model, 0).ok_or(Failure::Refused)?;
        Ok((first, self.line.read(now_s, first, last + 1).await?))
    }

    /// Whether what was read last is old, or stands still.
    pub(super) fn is_stale(&self, now_s: f64) -> bool {
        self.read_s.is_none_or(|read_s| now_s - read_s > STALE_S) || now_s - self.beat_s > STALE_S
    }

    /// What it can give and take, by its own word; while its power comes back after it entered service, not more
    /// than there is of it by now.
    pub(super) fn offer(&self, now_s: f64) -> Offer {
        let since_s = self.entered_s.map(|entered_s| now_s - entered_s);
        let ramped_w = since_s.filter(|since_s| *since_s < self.ramp_s).map(|since_s| {
            let given_w = self.reading.power_w.unwrap_or_default().abs();
            (since_s / self.ramp_s * self.rated_w).max(given_w + CLIMB * self.rated_w)
        });
        let most_w = ramped_w.map_or(self.rated_w, |ramped_w| ramped_w.min(self.rated_w));
        let Reading { voltage_v, charge_max_a, discharge_max_a, .. } = self.reading;
        let most = |amps: Option<f64>| {
            let direct_w = amps.zip(voltage_v).map_or(self.rated_w, |(amps, volts)| amps * volts);
            direct_w.clamp(0.0, most_w)
        };
        Offer { discharge_w: most(discharge_max_a), charge_w: most(charge_max_a) }
    }

    /// What it is rated for, for whoever does not look.
    pub(super) fn whole_offer(&self) -> Offer {
        Offer { discharge_w: self.rated_w, charge_w: self.rated_w }
    }

    /// The write that gives it a setpoint, in force at once.
    pub(super) fn setpoint_write(&self, watts: f64) -> Option<Write> {
        let address = self.chain.as_ref()?.address(setpoint::MODEL, setpoint::ENABLED)?;
        let raw = (watts / self.setpoint_scale).round() as i32 as u32;
        let words = vec![1, setpoint::WATTS, (raw >> 16) as u16, raw as u16];
        Some(Write { address, words })
    }

    /// The write of a sign of life.
    pub(super) fn heartbeat_write(&self, value: u32) -> Option<Write> {
        let address = self.chain.as_ref()?.address(control::MODEL, control::CONTROLLER)?;
        Some(Write { address, words: vec![(value >> 16) as u16, value as u16] })
    }

    pub(super) async fn write(&mut self, now_s: f64, write: &Write) -> Result<(), Failure> {
        let result = self.line.write(now_s, write.address, &write.words).await;
        self.refused += u64::from(result == Err(Failure::Refused));
        result
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_warning_is_no_fault_also_where_it_shares_its_bit_with_the_alarm() {
        let of = |events, inverter_alarms| {
            Reading { events, inverter_alarms, ..Reading::default() }.is_faulty()
        };
        let (insulation, contactor, communication) = (1 << 22, 1 << 20, 1);
        assert!(!of(insulation, 0) && !of(contactor, 0) && !of(communication, 0));
        assert!(of(insulation, 1), "a ground fault");
        assert!(of(contactor, 1 << 15) && of(communication, 1 << 16));
        assert!(!of(insulation, 1 << 5), "a door is open, too");
        assert!(of(1 << 1, 0) && !of(1 << 2, 0), "temperature: an alarm, a warning");
    }

    #[test]
    fn a_unit_that_comes_back_counts_with_what_there_is_of_it_by_now() {
        let nowhere = std::net::SocketAddr::from(([127, 0, 0, 1], 9));
        let mut unit =
            Unit::new(UnitId::from_idx(0), Line::new(nowhere, 1, Duration::from_secs(1), false));
        (unit.rated_w, unit.ramp_s) = (1e6, 100.0);
        assert_eq!(unit.offer(0.0).discharge_w, 1e6, "it has been there all the time");
        unit.entered_s = Some(1000.0);
        unit.reading.power_w = Some(0.0);
        assert_eq!(unit.offer(1000.0), Offer { discharge_w: 5e4, charge_w: 5e4 });
        assert_eq!(unit.offer(1050.0).charge_w, 5e5);
        // It gives more than the ramp says: there is none.
        unit.reading.power_w = Some(-8e5);
        assert_eq!(unit.offer(1050.0).charge_w, 8.5e5);
        assert_eq!(unit.offer(1100.0).discharge_w, 1e6);
    }
}
