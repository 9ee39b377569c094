//! What the tests of a unit's protection share: a design, a healthy sight, and a bench that steps.

mod elements;
mod laws;
mod machine;

use super::*;
use bess_core::config::{BUILT_IN_FARM, parse_farm};
use bess_core::control::WatchdogState;
use bess_core::protection::{built_in, parse_protection};

/// A rack's largest currents in these tests, in A.
const DISCHARGE_MAX_A: f64 = 200.0;
const CHARGE_MAX_A: f64 = 160.0;

fn design(profile: &str) -> UnitDesign {
    let farm = parse_farm("built-in", BUILT_IN_FARM, &|path| Err(path.to_owned())).unwrap();
    let protection = Arc::new(parse_protection(profile, built_in(profile).unwrap()).unwrap());
    UnitDesign { n_racks: 2, protection, ..(*farm.units[0].design).clone() }
}

/// A rack to which nothing can be wrong by any built-in profile.
const HEALTHY: RackSight = RackSight {
    voltage_min: (3.30, 3),
    voltage_max: (3.32, 7),
    temperature_min: (24.0, 11),
    temperature_max: (26.0, 13),
    current_a: 20.0,
    connected: true,
    string_open: false,
    fuse_blown: false,
    contactor_fault: false,
    dropped_out: false,
};

const UNIT: UnitSight<'static> = UnitSight {
    now: Tick(0),
    racks: &[],
    soc: 0.5,
    discharge_max_a: DISCHARGE_MAX_A,
    charge_max_a: CHARGE_MAX_A,
    insulation_kohm: 1000.0,
    smoke: false,
    gas: false,
    gas_lfl: 0.0,
    bms_silent_s: 0.0,
    pcs_degc: 45.0,
    dc_out_of_window: None,
    cooling_failed: false,
    beyond_matched_load: false,
    precharge_failed: false,
    synchronisation_failed: false,
    emergency_stop: false,
    island_overload: false,
    quarantined: false,
    pcs_trip: None,
    start_failed: false,
    door_open: false,
    suppression: false,
    watch: WatchdogState::Disabled,
    watch_age_s: 0.0,
};

/// A unit's protection with its clock and all that it told.
struct Bench {
    protection: Protection,
    now: Tick,
    events: Vec<Event>,
}

impl Bench {
    fn new(profile: &str) -> Self {
        let protection = Protection::new(UnitId::from_idx(4), &design(profile));
        Self { protection, now: Tick(0), events: Vec::new() }
    }

    /// One tick with these racks and this unit.
    fn step(&mut self, racks: &[RackSight], unit: UnitSight<'_>) {
        self.now = self.now.next();
        let sight = UnitSight { now: self.now, racks, ..unit };
        self.protection.step(&sight, &mut self.events);
        self.assert_one_truth();
    }

    fn phase(&self, key: AlarmKey) -> Option<AlarmPhase> {
        self.protection.states().iter().find(|state| state.key == key).map(|state| state.phase)
    }

    /// The phases that events told of `key`, in order.
    fn told(&self, key: AlarmKey) -> Vec<Option<AlarmPhase>> {
        let phases = self.events.iter().map(|event| match event.kind {
            EventKind::Alarm { key: of, phase, .. } => (of == key).then_some(phase),
            _ => None,
        });
        phases.flatten().collect()
    }

    /// Sets, bits and events say what the objects say.
    fn assert_one_truth(&self) {
        let states = self.protection.states();
        assert!(states.windows(2).all(|pair| pair[0].key < pair[1].key), "{states:?}");
        let standing = || states.iter().filter(|state| state.is_standing()).map(|state| state.key);
        let set: AlarmSet = standing().collect();
        assert_eq!(self.protection.set(), set);
        assert_eq!(self.protection.set().evt1(), set.evt1());
        assert_eq!(self.protection.set().alrm(), set.alrm());
        for rack_idx in 0..2 {
            let of_rack = standing().filter(|key| key.rack_idx == Some(rack_idx));
            let set: AlarmSet = of_rack.collect();
            assert_eq!(self.protection.rack_set(usize::from(rack_idx)), set);
        }
        let is = |level| standing().any(|key| key.level == level);
        assert_eq!(self.protection.trip().is_some(), is(AlarmLevel::Trip));
        assert_eq!(self.protection.critical().is_some(), is(AlarmLevel::Critical));
    }

    /// The events, played from the start, end in the objects.
    fn assert_events_tell_all(&self) {
        let mut told = std::collections::BTreeMap::new();
        for event in &self.events {
            assert_eq!(event.unit, Some(UnitId::from_idx(4)));
            match event.kind {
                EventKind::Alarm { key, phase: Some(phase), .. } => {
                    assert_ne!(told.insert(key, (phase, event.at)), Some((phase, event.at)));
                }
                EventKind::Alarm { key, phase: None, .. } => {
                    assert!(told.remove(&key).is_some(), "{key:?} went without having been there");
                }
                _ => {}
            }
        }
        let shown = self.protection.states().iter().map(|s| (s.key, (s.phase, s.since)));
        assert_eq!(told.into_iter().collect::<Vec<_>>(), shown.collect::<Vec<_>>());
    }
}

impl Protection {
    /// The earliest alarm that stands at `level`.
    fn earliest(&self, level: AlarmLevel) -> Option<AlarmKey> {
        self.standing(level).min_by_key(|(_, since)| *since).map(|(key, _)| key)
    }
    fn trip(&self) -> Option<AlarmKey> {
        self.earliest(AlarmLevel::Trip)
    }
    fn critical(&self) -> Option<AlarmKey> {
        self.earliest(AlarmLevel::Critical)
    }
}
