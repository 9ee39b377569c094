//! What is true in every run, whatever is made wrong: looked at each tick.

use crate::report::InvariantPart;
use bess_core::chemistry::Chemistry;
use bess_core::snapshot::{RackView, Snapshot, UnitState, UnitView};
use bess_core::spec::UnitDesign;
use bess_core::time::{TICK_NS, Tick};

/// Largest current in A through open contactors: leakage and noise of the sensor [engineering choice].
const OPEN_CURRENT_A: f64 = 5.0;
/// How far the power at the AC terminals may be from that at the DC terminals, over the rating: losses, those of
/// a bad converter too.
const METER_MARGIN: f64 = 0.25;
/// Share of its rating by which a unit may exceed it [engineering choice].
const RATING_MARGIN: f64 = 0.01;
/// Share of its rating that a unit that is stopped may still show, as consumption of its own
/// [engineering choice].
const STOPPED_SHARE: f64 = 0.02;
/// Ticks after a trip in which power may still run out.
const STOPPING_TICKS: u64 = 20;
/// How far a state of charge may leave its range by rounding.
const SOC_MARGIN: f64 = 1e-3;

/// What stood at the tick before, as far as something is compared with it.
#[derive(Clone, Debug)]
struct Before {
    tick: Tick,
    unix_ns: i64,
    heartbeats: Vec<u32>,
    energies_j: [f64; 6],
}

struct Invariant {
    name: &'static str,
    text: &'static str,
    broken: fn(&Snapshot, Option<&Before>) -> Option<String>,
}

const INVARIANTS: &[Invariant] = &[
    Invariant {
        name: "finite",
        text: "power, true current, charge and temperature are finite numbers",
        broken: |seen, _| {
            let farm = &seen.farm;
            let of_farm =
                [farm.active_power.0, farm.reactive_power.0, farm.frequency.0, farm.voltage_pu];
            if !of_farm.iter().all(|value| value.is_finite()) {
                return Some("of the farm".to_owned());
            }
            units(seen, |unit, _| {
                let values = [
                    unit.ac.reactive_power.0,
                    unit.dc.power.0,
                    unit.dc.current.0,
                    unit.truth.soc,
                    unit.truth.extremes.temperature_max.0,
                    unit.truth.extremes.voltage_min.0,
                    unit.coolant_temperature.0,
                    unit.air_temperature.0,
                ];
                (!values.iter().all(|value| value.is_finite())).then(String::new)
            })
        },
    },
    Invariant {
        name: "soc_in_range",
        text: "the true state of charge of every rack is from 0 to 1, and beyond only as far as cells within their \
               voltage limits can be",
        broken: |seen, _| {
            racks(seen, |rack, design| {
                let soc = rack.truth.soc;
                let is_usual = (-SOC_MARGIN..=1.0 + SOC_MARGIN).contains(&soc);
                let fits = is_usual || within_voltage_limits(soc, &design.chemistry);
                (!fits).then(|| format!("{soc}"))
            })
        },
    },
    Invariant {
        name: "no_current_through_open_contactors",
        text: "a rack whose contactors are open carries less than 5 A",
        broken: |seen, _| {
            racks(seen, |rack, _| {
                let current_a = rack.truth.current.0;
                let is_open = rack.contactors.iter().filter(|closed| **closed).count() < 2;
                (is_open && current_a.abs() >= OPEN_CURRENT_A).then(|| format!("{current_a:.1} A"))
            })
        },
    },
    Invariant {
        name: "stopped_units_give_no_power",
        text: "a unit in fault, locked out, stopped by its emergency stop or off gives no power",
        broken: |seen, _| {
            units(seen, |unit, design| {
                let is_stopped = matches!(
                    unit.state,
                    UnitState::Fault
                        | UnitState::LockedOut
                        | UnitState::EmergencyStop
                        | UnitState::Maintenance
                        | UnitState::Off
                );
                let settled = seen.tick.0 > unit.state_since.0 + STOPPING_TICKS;
                let power_w = unit.dc.power.0;
                let most_w = STOPPED_SHARE * design.pcs.rated_power.0;
                (is_stopped && settled && power_w.abs() > most_w)
                    .then(|| format!("{power_w:.0} W while {}", unit.state.name()))
            })
        },
    },
    Invariant {
        name: "within_capability",
        text: "no unit gives or takes more than 101 % of its rated apparent power",
        broken: |seen, _| {
            units(seen, |unit, design| {
                let (p, q) = (unit.ac.active_power.0, unit.ac.reactive_power.0);
                let most = (1.0 + RATING_MARGIN) * design.pcs.rated_apparent_power.0;
                // A meter that lies is no power: at the DC terminals there is what the battery really gives.
                let is_told = (p - unit.dc.power.0).abs() < METER_MARGIN * design.pcs.rated_power.0;
                (is_told && p * p + q * q > most * most).then(|| format!("{p:.0} W and {q:.0} var"))
            })
        },
    },
    Invariant {
        name: "heartbeat_never_runs_back",
        text: "the heartbeat of a unit stands still or goes on, but never back",
        broken: |seen, before| {
            let heartbeats = &before?.heartbeats;
            let back = |(unit, last): (&UnitView, &u32)| {
                // It wraps round at the end of its range.
                (unit.heartbeat.wrapping_sub(*last) > u32::MAX / 2).then_some(unit.heartbeat)
            };
            let mut all = seen.spec.units.iter().zip(seen.units.iter().zip(heartbeats));
            all.find_map(|(spec, pair)| {
                let (unit, last) = (spec.id.number(), pair.1);
                back(pair).map(|now| format!("unit {unit}: from {last} to {now}"))
            })
        },
    },
    Invariant {
        name: "energy_counters_never_fall",
        text: "the energies of the farm since its start never fall",
        broken: |seen, before| {
            let before = before?;
            let fell =
                energies_j(seen).iter().zip(before.energies_j).any(|(now, then)| *now < then);
            fell.then(String::new)
        },
    },
    Invariant {
        name: "time_is_ticks",
        text: "a tick is 100 ms of simulated time",
        broken: |seen, before| {
            let before = before?;
            let ticks = seen.tick.0.checked_sub(before.tick.0)?;
            let passed_ns = seen.time.unix_ns - before.unix_ns;
            let expected_ns = (ticks as i64).saturating_mul(TICK_NS);
            (passed_ns != expected_ns).then(|| format!("{passed_ns} ns in {ticks} ticks"))
        },
    },
];

/// Whether a rested cell at `soc`, beyond the ends of its curve, is within its voltage limits. 1 is where a cell
/// counts as full, not where charging ends: one that is held at its end voltage for hours still takes a little, the
/// sooner the less capacity it has left.
fn within_voltage_limits(soc: f64, chemistry: &Chemistry) -> bool {
    let volts = |soc| chemistry.ocv.at_extended(soc, 25.0, 0.0);
    let Some(limits) = &chemistry.limits else { return false };
    if soc > 1.0 {
        volts(soc - SOC_MARGIN) <= limits.voltage_max.0
    } else {
        volts(soc + SOC_MARGIN) >= limits.voltage_min.0
    }
}

fn units(
    seen: &Snapshot,
    broken: impl Fn(&UnitView, &UnitDesign) -> Option<String>,
) -> Option<String> {
    let mut all = seen.units.iter().zip(&seen.spec.units);
    all.find_map(|(view, unit)| {
        broken(view, &unit.design).map(|how| format!("unit {}: {how}", unit.id.number()))
    })
}

fn racks(
    seen: &Snapshot,
    broken: impl Fn(&RackView, &UnitDesign) -> Option<String>,
) -> Option<String> {
    seen.spec.units.iter().find_map(|unit| {
        let mut all = seen.racks[unit.racks.clone()].iter().enumerate();
        all.find_map(|(idx, rack)| {
            let (unit_number, rack_number) = (unit.id.number(), idx + 1);
            let how = broken(rack, &unit.design)?;
            Some(format!("unit {unit_number}, rack {rack_number}: {how}"))
        })
    })
}

fn energies_j(seen: &Snapshot) -> [f64; 6] {
    let totals = &seen.farm.totals;
    [
        totals.discharged.0,
        totals.charged.0,
        totals.cell_loss.0,
        totals.pcs_loss.0,
        totals.auxiliary.0,
        totals.transformer.0,
    ]
}

/// All invariants of one run.
#[derive(Clone, Debug)]
pub(super) struct Invariants {
    before: Option<Before>,
    ticks: u64,
    /// By place in the list: when it was broken first, and how.
    broken: Vec<Option<(Tick, String)>>,
}

impl Default for Invariants {
    fn default() -> Self {
        Self { before: None, ticks: 0, broken: vec![None; INVARIANTS.len()] }
    }
}

impl Invariants {
    /// Looks at the end of a tick.
    pub(super) fn look(&mut self, seen: &Snapshot) {
        self.ticks += 1;
        for (invariant, broken) in INVARIANTS.iter().zip(&mut self.broken) {
            if broken.is_none()
                && let Some(how) = (invariant.broken)(seen, self.before.as_ref())
            {
                *broken = Some((seen.tick, how));
            }
        }
        let heartbeats = match self.before.take() {
            Some(mut before) => {
                before.heartbeats.clear();
                before.heartbeats
            }
            None => Vec::new(),
        };
        let mut before = Before {
            tick: seen.tick,
            unix_ns: seen.time.unix_ns,
            heartbeats,
            energies_j: energies_j(seen),
        };
        before.heartbeats.extend(seen.units.iter().map(|unit| unit.heartbeat));
        self.before = Some(before);
    }
    /// The first that was broken, with how.
    pub(super) fn broken(&self) -> Option<(&'static str, &str)> {
        let all = INVARIANTS.iter().zip(&self.broken);
        let first = all.filter_map(|(row, broken)| broken.as_ref().map(|b| (row, b)));
        first.min_by_key(|(_, (tick, _))| *tick).map(|(row, (_, how))| (row.name, how.as_str()))
    }
    /// For the report; `seconds` gives the time of a tick.
    pub(super) fn parts(&self, seconds: impl Fn(Tick) -> f64) -> Vec<InvariantPart> {
        let part = |(row, broken): (&Invariant, &Option<(Tick, String)>)| InvariantPart {
            name: row.name,
            text: row.text,
            ticks: self.ticks,
            broken: broken.as_ref().map(|(tick, how)| (seconds(*tick), how.clone())),
        };
        INVARIANTS.iter().zip(&self.broken).map(part).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::testing::snapshot;
    use bess_core::units::{Amps, Joules, Watts};

    /// Breaks `snapshot` after a good tick; the name of what is broken.
    fn after(change: impl Fn(&mut Snapshot)) -> Option<&'static str> {
        let mut invariants = Invariants::default();
        let mut seen = snapshot(2, 10);
        seen.units[1].heartbeat = 7;
        seen.farm.totals.charged = Joules(5.0);
        invariants.look(&seen);
        assert_eq!(invariants.broken(), None);
        seen.tick = Tick(11);
        seen.time.unix_ns += TICK_NS;
        change(&mut seen);
        invariants.look(&seen);
        invariants.broken().map(|(name, _)| name)
    }

    #[test]
    fn a_good_farm_breaks_none() {
        assert_eq!(after(|_| {}), None);
    }

    #[test]
    fn each_is_broken_by_what_it_forbids() {
        let rated = snapshot(2, 0).spec.units[0].design.pcs.rated_apparent_power.0;
        assert_eq!(after(|s| s.units[1].truth.soc = f64::NAN), Some("finite"));
        assert_eq!(after(|s| s.farm.active_power = Watts(f64::INFINITY)), Some("finite"));
        assert_eq!(after(|s| s.racks[0].truth.soc = 1.01), Some("soc_in_range"));
        let open = |s: &mut Snapshot| s.racks[0].truth.current = Amps(-6.0);
        assert_eq!(after(open), Some("no_current_through_open_contactors"));
        let faulted = |s: &mut Snapshot| {
            s.units[0].state = UnitState::Fault;
            s.tick = Tick(100);
            s.time.unix_ns += 89 * TICK_NS;
            s.units[0].dc.power = Watts(0.5 * rated);
        };
        assert_eq!(after(faulted), Some("stopped_units_give_no_power"));
        let much = |s: &mut Snapshot| {
            s.units[0].ac.active_power = Watts(-1.02 * rated);
            s.units[0].dc.power = Watts(-rated);
        };
        assert_eq!(after(much), Some("within_capability"));
        assert_eq!(after(|s| s.units[1].heartbeat = 6), Some("heartbeat_never_runs_back"));
        let fell = |s: &mut Snapshot| s.farm.totals.charged = Joules(4.0);
        assert_eq!(after(fell), Some("energy_counters_never_fall"));
        assert_eq!(after(|s| s.time.unix_ns += 1), Some("time_is_ticks"));
    }

    #[test]
    fn a_rack_that_is_held_at_its_end_voltage_is_a_little_more_than_full_and_no_more() {
        // The curve of the built-in cells ends at 3.530 V and rises by 26.8 V per unit of charge there; the limit is
        // 3.65 V. Below 0 it begins beneath the limit of 2.5 V.
        let with = |soc: f64| after(|s| s.racks[0].truth.soc = soc);
        assert_eq!((with(1.0015), with(1.005)), (None, None));
        assert_eq!(with(1.006), Some("soc_in_range"));
        assert_eq!((with(-0.0005), with(-0.002)), (None, Some("soc_in_range")));
    }

    #[test]
    fn a_closed_contactor_may_carry_current_and_a_unit_that_just_tripped_may_run_out() {
        let closed = |s: &mut Snapshot| {
            s.racks[0].contactors = [true, false, true];
            s.racks[0].truth.current = Amps(100.0);
        };
        assert_eq!(after(closed), None);
        let just = |s: &mut Snapshot| {
            s.units[0].state = UnitState::Fault;
            s.units[0].state_since = Tick(11);
            s.units[0].dc.power = Watts(1e5);
        };
        assert_eq!(after(just), None);
    }

    #[test]
    fn the_first_time_is_told_with_where_it_was() {
        let mut invariants = Invariants::default();
        let mut seen = snapshot(2, 10);
        seen.racks.last_mut().expect("a rack").truth.soc = -0.5;
        invariants.look(&seen);
        let parts = invariants.parts(|tick| tick.0 as f64);
        let part = parts.iter().find(|part| part.name == "soc_in_range").expect("in the list");
        let (at_s, how) = part.broken.clone().expect("broken");
        assert!(at_s == 10.0 && how.starts_with("unit 2, rack") && how.ends_with("-0.5"), "{how}");
        assert_eq!(part.ticks, 1);
    }
}
