//! Every row of every built-in profile does what its row says: a new row is tested as it is written.

use super::*;
use bess_core::protection::BUILT_IN;

/// A bench on which one quantity of one rack, or of the unit, is driven to a value.
struct Drive<'p> {
    bench: Bench,
    element: &'p ProtectionElement,
    key: AlarmKey,
    /// The lag of the temperature that the rate is told from.
    lagging_degc: f64,
}

/// Where the quantity is driven to.
#[derive(Clone, Copy)]
enum To {
    /// Just not at the threshold.
    JustInside,
    /// At the threshold, or yes.
    Beyond,
    /// Half-way between threshold and release.
    Between,
    /// Where it is released, or no.
    Release,
}

impl<'p> Drive<'p> {
    fn new(profile: &str, element: &'p ProtectionElement) -> Self {
        let key = if is_of_rack(element.code) {
            AlarmKey::rack(element.code, element.level, 1)
        } else {
            AlarmKey::unit(element.code, element.level)
        };
        let lagging_degc = HEALTHY.temperature_max.0;
        let mut bench = Bench::new(profile);
        // The first look finds the temperature that the rate is then told from.
        bench.step(&[HEALTHY; 2], UNIT);
        Self { bench, element, key, lagging_degc }
    }

    fn value(&self, to: To) -> f64 {
        let element = self.element;
        let outwards = match quantity(element.code).unwrap().direction {
            Direction::Above => 1.0,
            Direction::Below => -1.0,
            Direction::Yes => return if matches!(to, To::Beyond) { 1.0 } else { 0.0 },
        };
        let step = outwards * 1e-6 * element.threshold.abs().max(1.0);
        match to {
            To::JustInside => element.threshold - step,
            To::Beyond => element.threshold + step,
            To::Between => 0.5 * (element.threshold + element.release),
            To::Release => element.release - step,
        }
    }

    fn step(&mut self, to: To) {
        let value = self.value(to);
        let (mut rack, mut unit) = (HEALTHY, UNIT);
        match self.element.code {
            AlarmCode::CellOverVoltage => rack.voltage_max = (value, 7),
            AlarmCode::CellUnderVoltage => rack.voltage_min = (value, 3),
            AlarmCode::CellOverTemperature => rack.temperature_max = (value, 13),
            AlarmCode::CellUnderTemperature => {
                rack.temperature_min = (value, 11);
                rack.current_a = -0.5 * CHARGE_MAX_A;
            }
            AlarmCode::TemperatureDifference => {
                rack.temperature_min.0 = rack.temperature_max.0 - value;
            }
            AlarmCode::TemperatureRate => {
                rack.temperature_max.0 = self.lagging_degc + value * RATE_LAG_S;
                self.lagging_degc += value * TICK_S;
            }
            AlarmCode::VoltageDifference => {
                rack.voltage_max.0 = self.element.gate_v.max(3.32);
                rack.voltage_min.0 = rack.voltage_max.0 - value;
            }
            AlarmCode::ChargeOverCurrent => rack.current_a = -value * CHARGE_MAX_A,
            AlarmCode::DischargeOverCurrent => rack.current_a = value * DISCHARGE_MAX_A,
            AlarmCode::StringOpen => rack.string_open = value > 0.0,
            AlarmCode::FuseBlown => rack.fuse_blown = value > 0.0,
            AlarmCode::Insulation => {
                unit.insulation_kohm = value * self.bench.protection.rack_max_v * 1e-3;
            }
            AlarmCode::Smoke => unit.smoke = value > 0.0,
            AlarmCode::Gas => unit.gas = value > 0.0,
            AlarmCode::BmsCommunication => unit.bms_silent_s = value,
            AlarmCode::SocHigh | AlarmCode::SocLow => unit.soc = value,
            AlarmCode::PcsOverTemperature => unit.pcs_degc = value,
            AlarmCode::CoolingFailed => unit.cooling_failed = value > 0.0,
            other => panic!("a profile cannot set {other:?}"),
        }
        self.bench.step(&[HEALTHY, rack], unit);
    }

    fn steps(&mut self, to: To, n: u64) {
        (0..n).for_each(|_| self.step(to));
    }
    fn phase(&self) -> Option<AlarmPhase> {
        self.bench.phase(self.key)
    }
}

fn every_row(check: impl Fn(Drive<'_>)) {
    for (name, text) in BUILT_IN {
        let profile = parse_protection(name, text).unwrap();
        assert!(profile.elements.len() >= 30, "{name}");
        profile.elements.iter().for_each(|element| check(Drive::new(name, element)));
    }
}

#[test]
fn a_quantity_just_inside_of_its_threshold_raises_nothing() {
    every_row(|mut drive| {
        drive.steps(To::JustInside, Tick::count_in(drive.element.delay_s) + 5);
        assert!(
            drive.phase().is_none() && drive.bench.told(drive.key).is_empty(),
            "{:?}",
            drive.key
        );
    });
}

#[test]
fn a_quantity_beyond_for_less_than_the_delay_is_pending_and_goes_again() {
    every_row(|mut drive| {
        let delay = Tick::count_in(drive.element.delay_s);
        if delay == 0 {
            return;
        }
        drive.steps(To::Beyond, delay);
        assert_eq!(drive.phase(), Some(AlarmPhase::Pending), "{:?}", drive.key);
        drive.step(To::JustInside);
        assert_eq!(drive.bench.told(drive.key), [Some(AlarmPhase::Pending), None]);
    });
}

#[test]
fn a_quantity_beyond_for_the_delay_stands_until_it_is_released_for_as_long_as_it_must() {
    every_row(|mut drive| {
        let (element, key) = (*drive.element, drive.key);
        let (delay, release) =
            (Tick::count_in(element.delay_s), Tick::count_in(element.release_delay_s));
        drive.steps(To::Beyond, delay + 1);
        assert_eq!(drive.phase(), Some(AlarmPhase::Active), "{key:?}");
        let since = drive.bench.protection.states().iter().find(|s| s.key == key).unwrap().since;
        assert_eq!(since, Moment::end_of(Tick(delay + 2)));
        // Hysteresis: between threshold and release it stays, for ever.
        if element.release != element.threshold && element.release.is_finite() {
            drive.steps(To::Between, release + 5);
            assert_eq!(drive.phase(), Some(AlarmPhase::Active), "{key:?}");
        }
        // A release that is too short counts for nothing.
        drive.steps(To::Release, release);
        if release > 0 {
            assert_eq!(drive.phase(), Some(AlarmPhase::Active), "{key:?}");
            drive.step(To::Beyond);
            drive.steps(To::Release, release);
            assert_eq!(drive.phase(), Some(AlarmPhase::Active), "{key:?}");
            drive.step(To::Release);
        } else {
            drive.step(To::Release);
        }
        let last = element.latches().then_some(AlarmPhase::Latched);
        assert_eq!(drive.phase(), last, "{key:?}");
        let mut life = vec![Some(AlarmPhase::Pending), Some(AlarmPhase::Active), last];
        life.drain(..usize::from(delay == 0));
        assert_eq!(drive.bench.told(key), life);
        drive.bench.assert_events_tell_all();
    });
}

#[test]
fn a_latching_row_refuses_a_reset_while_its_cause_is_there_and_goes_with_one_after_it() {
    every_row(|mut drive| {
        let (element, key) = (*drive.element, drive.key);
        if !element.latches() {
            return;
        }
        drive.steps(To::Beyond, Tick::count_in(element.delay_s) + 1);
        assert_eq!(drive.bench.protection.blocked_by(), Some(key));
        let (at, mut events) = (Moment::end_of(drive.bench.now), Vec::new());
        drive.bench.protection.refuse_reset(at, &mut events);
        let refused = EventKind::ResetRefused { key };
        assert_eq!(events[0].kind, refused);
        assert_eq!(drive.bench.protection.resets_refused(), 1);
        // Long enough for what a jump in temperature raises beside it.
        drive.steps(To::Release, Tick::count_in(element.release_delay_s) + 2000);
        assert_eq!(drive.phase(), Some(AlarmPhase::Latched), "{key:?}");
        assert_eq!(drive.bench.protection.blocked_by(), None);
        assert!(drive.bench.protection.critical().is_some());
        let states = drive.bench.protection.states();
        assert_eq!(states.iter().find(|s| s.key == key).unwrap().resets_refused, 1);
        drive.bench.protection.reset(at, &mut events);
        assert_eq!(drive.phase(), None);
        drive.bench.assert_one_truth();
        // The same cause raises it again.
        drive.steps(To::Beyond, Tick::count_in(element.delay_s) + 1);
        assert_eq!(drive.phase(), Some(AlarmPhase::Active), "{key:?}");
    });
}

#[test]
fn an_alarm_shows_its_cell_its_threshold_and_its_worst_value() {
    let mut bench = Bench::new("lfp");
    let rack = |volts| RackSight { voltage_max: (volts, 41), ..HEALTHY };
    (0..60).for_each(|_| bench.step(&[HEALTHY, rack(3.70)], UNIT));
    bench.step(&[HEALTHY, rack(3.72)], UNIT);
    bench.step(&[HEALTHY, rack(3.66)], UNIT);
    let key = AlarmKey::rack(AlarmCode::CellOverVoltage, AlarmLevel::Critical, 1);
    let state = *bench.protection.states().iter().find(|state| state.key == key).unwrap();
    assert_eq!((state.value, state.threshold), (3.72, 3.65));
    assert_eq!(state.cell, Some(CellAddress { unit_idx: 4, rack_idx: 1, cell_idx: 41 }));
    assert!(bench.protection.rack_set(0).is_empty());
}
