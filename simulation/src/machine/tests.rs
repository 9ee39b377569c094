use super::*;
use bess_core::alarm::AlarmLevel;
use bess_core::math;
use bess_core::state::TRANSITIONS;
use bess_core::time::TICK_S;

const BATTERY: AlarmKey = AlarmKey::unit(AlarmCode::CellOverTemperature, AlarmLevel::Trip);
const GRID: AlarmKey = AlarmKey::unit(AlarmCode::AcUnderVoltage, AlarmLevel::Trip);
const GRAVE: AlarmKey = AlarmKey::unit(AlarmCode::Smoke, AlarmLevel::Critical);

/// A machine with a bus that charges while it is told to, and what else it sees at hand.
struct Bench {
    machine: Machine,
    sequence: SequenceSpec,
    protection: ProtectionProfile,
    sight: Sight,
    bus: f64,
    events: Vec<Event>,
}

impl Bench {
    fn new(initial: UnitState) -> Self {
        Self {
            machine: Machine::new(UnitId::from_idx(0), initial),
            sequence: SequenceSpec::default(),
            protection: ProtectionProfile::default(),
            sight: Sight {
                now: Tick(0),
                trip: None,
                critical: None,
                contactors_obey: true,
                bus_charged: 0.0,
                converter_rests: false,
                grid_fit: true,
                enter_service_remaining_s: 0.0,
                is_cut: false,
                control_lost: None,
            },
            bus: 0.0,
            events: Vec::new(),
        }
    }

    fn tick(&mut self) {
        self.sight.now = self.sight.now.next();
        if self.machine.order().precharge {
            let kept = math::exp(-TICK_S / self.sequence.precharge_s);
            self.bus = 1.0 + kept * (self.bus - 1.0);
        }
        self.sight.bus_charged = self.bus;
        let rules = Rules { sequence: &self.sequence, protection: &self.protection };
        self.machine.step(&rules, &self.sight, &mut self.events);
        if self.machine.order() == Order::OPEN {
            self.bus = 0.0;
        }
    }
    fn ticks(&mut self, n: u64) {
        (0..n).for_each(|_| self.tick());
    }
    /// Ticks until the state is `state`, at most `most`.
    fn until(&mut self, state: UnitState, most: u64) -> u64 {
        let from = self.sight.now.0;
        while self.state() != state {
            self.tick();
            assert!(self.sight.now.0 - from <= most, "{:?} and not {state:?}", self.state());
        }
        self.sight.now.0 - from
    }
    fn act(&mut self, action: UnitAction) {
        self.machine.operate(action, ControlSource::Rest, self.sight.now, &mut self.events);
    }
    fn permit(&mut self, permitted: bool) {
        let now = self.sight.now;
        self.machine.permit(permitted, ControlSource::Modbus, now, &mut self.events);
    }
    fn state(&self) -> UnitState {
        self.machine.state()
    }
    fn trip(&mut self, key: AlarmKey) {
        self.sight.trip = Some((key, Moment::within(self.sight.now.next(), 0.04)));
    }
    fn triggers(&self) -> Vec<(Trigger, UnitState)> {
        self.events.iter().map(|event| state_event(event).1).collect()
    }
}

fn state_event(event: &Event) -> (UnitState, (Trigger, UnitState), Cause) {
    match event.kind {
        EventKind::State { from, to, trigger, cause } => (from, (trigger, to), cause),
        other => panic!("{other}"),
    }
}

/// A unit that was brought to `state` by what brings real ones there.
fn brought_to(state: UnitState) -> Bench {
    use UnitState as S;
    let mut bench = match state {
        S::Off | S::Initialising | S::Precharge => Bench::new(S::Off),
        S::Standby => Bench::new(S::Standby),
        _ => Bench::new(S::Running),
    };
    match state {
        S::Off | S::Standby | S::Running => {}
        S::Initialising => bench.act(UnitAction::Start),
        S::Precharge => {
            bench.act(UnitAction::Start);
            bench.until(S::Precharge, 100);
        }
        S::Synchronising => {
            bench = brought_to(S::Standby);
            bench.act(UnitAction::Start);
        }
        S::Derated => {
            bench.sight.is_cut = true;
            bench.until(S::Derated, 5);
        }
        S::Fallback => {
            bench.sight.control_lost = Some(LossAction::Hold);
            bench.tick();
        }
        S::Stopping => bench.act(UnitAction::Stop),
        S::Tripped => {
            bench.trip(GRID);
            bench.tick();
        }
        S::LockedOut => {
            bench.protection.lockout_trips = 1;
            bench.trip(BATTERY);
            bench.tick();
            bench.sight.trip = None;
        }
        S::Fault => {
            bench.sight.critical = Some((GRAVE, Moment::default()));
            bench.tick();
            bench.sight.critical = None;
        }
        S::Maintenance => bench.act(UnitAction::EnterMaintenance),
        S::EmergencyStop => bench.act(UnitAction::EmergencyStop),
    }
    assert_eq!(bench.state(), state);
    bench.events.clear();
    bench
}

/// Does what pulls `trigger` in a real unit, and lets time pass where that takes time.
fn provoke(bench: &mut Bench, trigger: Trigger) {
    use Trigger as T;
    match trigger {
        T::Start => bench.act(UnitAction::Start),
        T::Stop => bench.act(UnitAction::Stop),
        T::EnterStandby => bench.act(UnitAction::EnterStandby),
        T::PermitWithdrawn => bench.permit(false),
        T::Reset => {
            bench.act(UnitAction::ReleaseEmergencyStop);
            bench.act(UnitAction::ResetAlarms);
        }
        T::EmergencyStop => bench.act(UnitAction::EmergencyStop),
        T::EnterMaintenance => bench.act(UnitAction::EnterMaintenance),
        T::EndMaintenance => bench.act(UnitAction::EndMaintenance),
        T::SelfTestPassed => bench.ticks(30),
        T::Precharged => bench.ticks(5 + 18 + 10),
        T::Synchronised => bench.ticks(20),
        T::Opened => {
            bench.sight.converter_rests = true;
            bench.ticks(3);
        }
        T::DeratingBegan => {
            bench.sight.is_cut = true;
            bench.ticks(5);
        }
        T::DeratingEnded => {
            bench.sight.is_cut = false;
            bench.ticks(10);
        }
        T::ControlLost => {
            bench.sight.control_lost = Some(LossAction::RampToZero);
            bench.tick();
        }
        T::ControlBack => {
            bench.sight.control_lost = None;
            bench.tick();
        }
        T::Trip => {
            bench.trip(BATTERY);
            bench.tick();
        }
        T::TripCleared => {
            bench.sight.trip = None;
            bench.tick();
        }
        T::TripClearedOpen => {
            bench.trip(BATTERY);
            bench.tick();
            bench.sight.trip = None;
            bench.ticks(3000);
        }
        T::LockOut => {
            // The unit is tripped; the fifth trip of an hour locks it out.
            bench.sight.trip = None;
            for _ in 0..4 {
                bench.until(UnitState::Running, 30);
                bench.trip(GRID);
                bench.tick();
                bench.sight.trip = None;
            }
        }
        T::Critical => {
            bench.sight.critical = Some((GRAVE, Moment::default()));
            bench.tick();
        }
    }
}

#[test]
fn every_row_of_the_table_is_pulled_by_what_pulls_it_in_a_real_unit() {
    for (states, trigger, to) in TRANSITIONS {
        for from in *states {
            let mut bench = brought_to(*from);
            provoke(&mut bench, *trigger);
            let case = format!("{} by {}: {:?}", from.name(), trigger.name(), bench.events);
            let last = bench.events.last().expect(&case);
            let (_, pulled, _) = state_event(last);
            assert_eq!(pulled, (*trigger, *to), "{case}");
            assert_eq!(bench.state(), *to, "{case}");
            let before = state_event(last).0;
            // A lock-out goes by way of more trips; all others begin where they say.
            assert!(before == *from, "{case}");
        }
    }
}

#[test]
fn nothing_else_changes_the_state() {
    let all = TRANSITIONS.iter().map(|(_, trigger, _)| *trigger);
    for from in UnitState::ALL {
        let commands = all.clone().filter(|trigger| {
            next(from, *trigger).is_none()
                && matches!(
                    trigger,
                    Trigger::Start
                        | Trigger::Stop
                        | Trigger::EnterStandby
                        | Trigger::PermitWithdrawn
                        | Trigger::EnterMaintenance
                        | Trigger::EndMaintenance
                )
        });
        for trigger in commands {
            let mut bench = brought_to(from);
            provoke(&mut bench, trigger);
            assert_eq!((bench.state(), bench.events.len()), (from, 0), "{trigger:?}");
        }
    }
}

#[test]
fn a_unit_without_its_permit_waits_in_standby_and_comes_back_when_it_has_it_again() {
    let mut bench = Bench::new(UnitState::Running);
    bench.ticks(5);
    bench.permit(false);
    assert!(bench.state() == UnitState::Standby && !bench.machine.gates(), "at once");
    assert_eq!(bench.machine.order(), Order::CLOSED);
    bench.ticks(1000);
    bench.act(UnitAction::Start);
    bench.ticks(1000);
    assert_eq!(bench.state(), UnitState::Standby, "a start does not help");
    bench.permit(true);
    assert_eq!(bench.until(UnitState::Running, 30), 21);
    bench.permit(false);
    bench.act(UnitAction::EnterStandby);
    bench.permit(true);
    bench.ticks(100);
    assert_eq!(bench.state(), UnitState::Standby, "who was sent to standby stays there");
    let mut off = Bench::new(UnitState::Off);
    off.permit(false);
    off.act(UnitAction::Start);
    off.ticks(1000);
    assert_eq!(off.state(), UnitState::Standby, "it comes up and waits there");
}

#[test]
fn an_island_that_lost_its_permit_is_not_made_again_by_itself() {
    let mut bench = Bench::new(UnitState::Standby);
    bench.act(UnitAction::BlackStart);
    bench.until(UnitState::Running, 30);
    bench.permit(false);
    bench.permit(true);
    bench.ticks(100);
    assert!(bench.state() == UnitState::Standby && !bench.machine.wants_black_start());
}

#[test]
fn a_start_takes_its_times_to_the_tick_and_a_stop_opens_positive_before_negative() {
    let mut bench = Bench::new(UnitState::Off);
    bench.ticks(7);
    bench.act(UnitAction::Start);
    assert_eq!(bench.until(UnitState::Precharge, 99), 30, "self test");
    assert_eq!(bench.machine.order(), Order::NEGATIVE);
    bench.ticks(4);
    assert_eq!(bench.machine.order(), Order::NEGATIVE);
    bench.tick();
    assert_eq!(bench.machine.order(), Order::PRECHARGE);
    // 1 - exp(-t / 0.6 s) reaches 0.95 after 1.797 s.
    bench.ticks(17);
    assert_eq!(bench.machine.order(), Order::PRECHARGE);
    bench.tick();
    assert_eq!(bench.machine.order(), Order::JOINED);
    assert_eq!(bench.until(UnitState::Standby, 99), 10);
    assert_eq!(bench.machine.order(), Order::CLOSED);
    assert!(!bench.machine.gates());
    bench.tick();
    assert_eq!(bench.state(), UnitState::Synchronising);
    assert_eq!(bench.until(UnitState::Running, 99), 20);
    assert!(bench.machine.gates());
    let ends_s: Vec<f64> = bench.events.iter().map(|event| event.at.elapsed_s()).collect();
    let expected_s = [0.7, 3.7, 7.0, 7.1, 9.1];
    assert!(ends_s.iter().zip(expected_s).all(|(a, b)| (a - b).abs() < 1e-9), "{ends_s:?}");

    bench.act(UnitAction::Stop);
    bench.ticks(20);
    assert_eq!((bench.state(), bench.machine.gates()), (UnitState::Stopping, true), "it ramps");
    bench.sight.converter_rests = true;
    bench.tick();
    assert_eq!((bench.machine.order(), bench.machine.gates()), (Order::NEGATIVE, false));
    bench.tick();
    assert_eq!(bench.machine.order(), Order::OPEN);
    bench.tick();
    assert_eq!(bench.state(), UnitState::Off);
}

#[test]
fn a_converter_that_does_not_come_to_rest_is_cut_off_when_the_time_is_over() {
    let mut bench = brought_to(UnitState::Running);
    bench.act(UnitAction::Stop);
    bench.ticks(99);
    assert!(bench.machine.gates());
    bench.tick();
    assert!(!bench.machine.gates());
    assert_eq!(bench.until(UnitState::Off, 9), 2);
}

#[test]
fn a_stop_during_a_start_goes_down_and_a_start_for_standby_stays_there() {
    let mut bench = brought_to(UnitState::Precharge);
    bench.ticks(8);
    bench.act(UnitAction::Stop);
    assert_eq!(bench.until(UnitState::Off, 9), 2, "nothing has to ramp down");
    bench.act(UnitAction::EnterStandby);
    bench.until(UnitState::Standby, 99);
    bench.ticks(1_000);
    assert_eq!(bench.state(), UnitState::Standby);
}

#[test]
fn a_bus_that_does_not_come_up_is_a_failure_after_the_time_out() {
    let mut bench = brought_to(UnitState::Precharge);
    bench.sequence.precharge_s = 1e6;
    bench.ticks(5 + 149);
    assert!(!bench.machine.precharge_failed());
    bench.tick();
    assert!(bench.machine.precharge_failed());
    assert_eq!((bench.state(), bench.machine.order()), (UnitState::Precharge, Order::OPEN));
    bench.sight.critical = Some((GRAVE, Moment::default()));
    bench.tick();
    assert_eq!(bench.state(), UnitState::Fault);
    assert!(!bench.machine.precharge_failed(), "so that it can be reset");
}

#[test]
fn the_self_test_does_not_pass_while_a_contactor_is_not_where_it_was_told_to_be() {
    let mut bench = brought_to(UnitState::Initialising);
    bench.sight.contactors_obey = false;
    bench.ticks(1_000);
    assert_eq!(bench.state(), UnitState::Initialising);
    bench.sight.contactors_obey = true;
    bench.tick();
    assert_eq!(bench.state(), UnitState::Precharge);
}

#[test]
fn a_unit_waits_for_a_fit_grid_and_counts_as_failed_only_when_that_breaks_off_for_too_long() {
    let mut bench = brought_to(UnitState::Synchronising);
    bench.sight.enter_service_remaining_s = 300.0;
    bench.ticks(3_000);
    (bench.sight.enter_service_remaining_s, bench.sight.grid_fit) = (0.0, false);
    bench.ticks(3_000);
    let rules = Rules { sequence: &SequenceSpec::default(), ..default_rules() };
    assert_eq!(bench.state(), UnitState::Synchronising);
    assert!(!bench.machine.synchronisation_failed(&rules));
    for _ in 0..30 {
        assert!(!bench.machine.synchronisation_failed(&rules));
        bench.sight.grid_fit = true;
        bench.ticks(10);
        bench.sight.grid_fit = false;
        bench.tick();
    }
    assert!(bench.machine.synchronisation_failed(&rules), "30 s in bits of one");
    bench.sight.grid_fit = true;
    assert_eq!(bench.until(UnitState::Running, 99), 20);
}

fn default_rules() -> Rules<'static> {
    static SEQUENCE: std::sync::LazyLock<SequenceSpec> =
        std::sync::LazyLock::new(SequenceSpec::default);
    static PROTECTION: std::sync::LazyLock<ProtectionProfile> =
        std::sync::LazyLock::new(ProtectionProfile::default);
    Rules { sequence: &SEQUENCE, protection: &PROTECTION }
}

#[test]
fn a_trip_by_the_grid_keeps_the_battery_connected_and_one_by_the_battery_does_not() {
    let mut bench = brought_to(UnitState::Running);
    bench.trip(GRID);
    bench.tick();
    assert_eq!((bench.state(), bench.machine.order()), (UnitState::Tripped, Order::CLOSED));
    assert!(!bench.machine.gates());
    assert_eq!(bench.events[0].at, Moment::within(Tick(1), 0.04), "to the millisecond");
    bench.ticks(100);
    bench.sight.trip = None;
    bench.tick();
    assert_eq!(bench.state(), UnitState::Standby, "at once: the grid has a delay of its own");
    bench.tick();
    assert_eq!(bench.state(), UnitState::Synchronising, "it still wants to run");

    let mut bench = brought_to(UnitState::Running);
    bench.trip(BATTERY);
    bench.tick();
    assert_eq!((bench.state(), bench.machine.order()), (UnitState::Tripped, Order::OPEN));
    bench.sight.trip = None;
    bench.ticks(1_000);
    bench.trip(BATTERY);
    bench.tick();
    bench.sight.trip = None;
    bench.ticks(2_999);
    assert_eq!(bench.state(), UnitState::Tripped, "the delay begins anew");
    bench.tick();
    assert_eq!(bench.state(), UnitState::Initialising);
    bench.until(UnitState::Running, 200);
    assert_eq!(bench.machine.n_trips(), 1);
}

#[test]
fn a_battery_that_trips_while_the_grid_has_tripped_the_unit_opens_its_contactors() {
    let mut bench = brought_to(UnitState::Tripped);
    bench.trip(BATTERY);
    bench.tick();
    assert_eq!(bench.machine.order(), Order::OPEN);
}

#[test]
fn a_unit_that_is_stopped_while_it_is_tripped_goes_off_and_is_not_tripped_again() {
    let mut bench = brought_to(UnitState::Tripped);
    bench.act(UnitAction::Stop);
    bench.until(UnitState::Off, 5);
    assert_eq!(bench.machine.n_trips(), 1);
    let mut bench = brought_to(UnitState::Stopping);
    bench.trip(BATTERY);
    bench.tick();
    assert_eq!(bench.state(), UnitState::Tripped);
    bench.sight.trip = None;
    bench.until(UnitState::Off, 3_005);
}

#[test]
fn five_trips_within_an_hour_lock_a_unit_out_and_five_in_more_than_an_hour_do_not() {
    for (pause, expected) in [(8_900, UnitState::LockedOut), (9_100, UnitState::Tripped)] {
        let mut bench = brought_to(UnitState::Running);
        for _ in 0..4 {
            bench.trip(GRID);
            bench.tick();
            assert_eq!(bench.state(), UnitState::Tripped);
            bench.sight.trip = None;
            bench.ticks(pause - 1);
            assert_eq!(bench.state(), UnitState::Running);
        }
        bench.trip(GRID);
        bench.tick();
        assert_eq!(bench.state(), expected, "{:?}", bench.triggers());
        assert_eq!(bench.machine.n_trips(), 5);
    }
}

#[test]
fn a_locked_out_unit_starts_again_only_after_a_reset_which_forgets_its_trips() {
    let mut bench = brought_to(UnitState::LockedOut);
    for action in [UnitAction::Start, UnitAction::EnterMaintenance, UnitAction::EndMaintenance] {
        bench.act(action);
        bench.ticks(10);
        assert_eq!(bench.state(), UnitState::LockedOut);
    }
    bench.act(UnitAction::ResetAlarms);
    bench.ticks(10);
    assert_eq!(bench.state(), UnitState::Off, "it does not start by itself");
    bench.act(UnitAction::Start);
    bench.until(UnitState::Running, 200);
}

#[test]
fn an_emergency_stop_is_released_first_and_reset_then() {
    let mut bench = brought_to(UnitState::Running);
    bench.act(UnitAction::EmergencyStop);
    assert_eq!(bench.state(), UnitState::EmergencyStop);
    assert!(!bench.machine.gates() && bench.machine.order() == Order::OPEN);
    bench.act(UnitAction::ResetAlarms);
    assert_eq!(bench.state(), UnitState::EmergencyStop, "it is still pressed");
    bench.act(UnitAction::ReleaseEmergencyStop);
    bench.ticks(100);
    assert_eq!(bench.state(), UnitState::EmergencyStop, "releasing it is not enough");
    bench.act(UnitAction::ResetAlarms);
    bench.ticks(100);
    assert_eq!(bench.state(), UnitState::Off);
}

#[test]
fn work_on_a_unit_in_fault_does_not_take_its_alarm_away() {
    let mut bench = brought_to(UnitState::Fault);
    bench.sight.critical = Some((GRAVE, Moment::default()));
    bench.act(UnitAction::EnterMaintenance);
    bench.ticks(100);
    assert_eq!(bench.state(), UnitState::Maintenance);
    bench.act(UnitAction::EndMaintenance);
    bench.act(UnitAction::Start);
    bench.tick();
    assert_eq!(bench.state(), UnitState::Fault);
}

#[test]
fn a_short_cut_of_the_setpoint_is_no_derating_and_a_short_relief_does_not_end_one() {
    let mut bench = brought_to(UnitState::Running);
    for _ in 0..10 {
        bench.sight.is_cut = true;
        bench.ticks(4);
        bench.sight.is_cut = false;
        bench.tick();
    }
    assert_eq!(bench.state(), UnitState::Running);
    let mut bench = brought_to(UnitState::Derated);
    for _ in 0..10 {
        bench.sight.is_cut = false;
        bench.ticks(9);
        bench.sight.is_cut = true;
        bench.tick();
    }
    assert_eq!(bench.state(), UnitState::Derated);
}

#[test]
fn a_lost_controller_makes_the_unit_do_what_it_was_told_for_that() {
    let after = |action: LossAction, ticks: u64| {
        let mut bench = brought_to(UnitState::Running);
        bench.sight.control_lost = Some(action);
        bench.sight.converter_rests = true;
        bench.ticks(ticks);
        assert_eq!(state_event(&bench.events[0]).2, Cause::Watchdog);
        bench
    };
    for action in
        [LossAction::Hold, LossAction::RampToZero, LossAction::Value, LossAction::FallbackFunction]
    {
        let mut bench = after(action, 50);
        assert_eq!(bench.triggers(), [(Trigger::ControlLost, UnitState::Fallback)]);
        bench.sight.control_lost = None;
        bench.tick();
        assert_eq!(bench.state(), UnitState::Running);
    }
    let mut bench = after(LossAction::Standby, 50);
    assert_eq!(bench.triggers(), [(Trigger::EnterStandby, UnitState::Standby)]);
    bench.sight.control_lost = None;
    bench.ticks(50);
    assert_eq!(bench.state(), UnitState::Standby, "a sign of life does not start it again");
    assert_eq!(after(LossAction::OpenContactors, 50).state(), UnitState::Off);
}
