use super::*;
use crate::run::testing::spec;
use bess_core::control::{ControlChange, Reversion};
use bess_core::defect::Reading;
use bess_core::spec::Hold;
use bess_core::units::Celsius;

/// Faults that begin, go on and end at a farm that only listens.
struct Play {
    layers: Layers,
    now: Tick,
}

fn unit(number: u32) -> UnitId {
    UnitId::from_number(number).expect("not 0")
}
fn frequency(hz: f64) -> Command {
    Command::SetGrid { frequency_hz: Some(Hold::At(hz)), voltage_pu: None }
}
const FREE: Command = Command::SetGrid { frequency_hz: Some(Hold::Release), voltage_pu: None };
fn voltage(hold: Hold) -> Command {
    Command::SetGrid { frequency_hz: None, voltage_pu: Some(hold) }
}
fn dip(pu: f64, duration_s: f64) -> Command {
    Command::Disturb(Disturbance { kind: DisturbanceKind::Voltage(pu), duration_s })
}
fn derate(share: f64) -> Command {
    Command::SetDefect { unit: unit(1), defect: Defect::PcsDerate(share) }
}
fn sensor(rack_idx: Option<usize>, distortion: Distortion) -> Command {
    let defect = Defect::Sensor { quantity: Reading::Current, rack_idx, distortion };
    Command::SetDefect { unit: unit(1), defect }
}
fn bias(offset: f64) -> Distortion {
    Distortion { offset, ..Distortion::NONE }
}

impl Play {
    fn new() -> Self {
        let mut layers = Layers::default();
        layers.note(&spec(2));
        Self { layers, now: Tick(100) }
    }
    fn told(&mut self, order: Order) -> Vec<Command> {
        let (commands, host) = self.layers.settle(Orders::from(vec![order]));
        assert!(host.is_empty());
        commands
    }
    fn on(&mut self, owner: &str, command: Command) -> Vec<Command> {
        let order = Order::Lay { owner: owner.into(), acts: vec![command.into()], at: self.now };
        self.told(order)
    }
    fn off(&mut self, owner: &str, end: Option<Command>) -> Vec<Command> {
        let acts: Vec<Act> = end.into_iter().map(Act::from).collect();
        let unit = Some(unit(1)).filter(|_| {
            self.layers.piles.get(&None).is_none_or(|piles| {
                piles.iter().all(|pile| pile.layers.iter().all(|layer| &*layer.owner != owner))
            })
        });
        self.told(Order::Lift { owner: owner.into(), unit, acts, at: self.now })
    }
}

#[test]
fn when_the_newest_ends_the_one_below_acts_again_and_after_the_last_nothing_does() {
    let mut play = Play::new();
    assert_eq!(play.on("long", frequency(49.9)), [frequency(49.9)]);
    assert_eq!(play.on("short", frequency(50.1)), [frequency(50.1)]);
    assert_eq!(play.off("short", Some(FREE)), [frequency(49.9)]);
    assert_eq!(play.off("long", Some(FREE)), [FREE]);
    assert_eq!(play.off("long", Some(FREE)), [], "it is gone already");
}

#[test]
fn what_lies_below_may_end_and_move_without_a_sound() {
    let mut play = Play::new();
    play.on("ramp", derate(0.9));
    play.on("newest", derate(0.2));
    assert_eq!(play.on("ramp", derate(0.8)), []);
    play.on("other", derate(0.5));
    assert_eq!(play.off("newest", Some(derate(1.0))), [], "it was covered");
    assert_eq!(play.off("other", Some(derate(1.0))), [derate(0.8)], "where it is by now");
    assert_eq!(play.on("ramp", derate(0.7)), [derate(0.7)], "it acts again");
    assert_eq!(play.off("ramp", Some(derate(1.0))), [derate(1.0)]);
    assert!(play.layers.piles.is_empty(), "nothing is kept of what is over");
}

#[test]
fn another_quantity_or_another_unit_is_no_concern() {
    let mut play = Play::new();
    play.on("derate", derate(0.5));
    let other = Command::SetDefect { unit: unit(2), defect: Defect::PcsDerate(0.3) };
    play.on("elsewhere", other);
    let hot = Command::SetAmbient(Some(Celsius(45.0)));
    assert_eq!(play.on("hot", hot.clone()), [hot]);
    assert_eq!(play.off("derate", Some(derate(1.0))), [derate(1.0)]);
}

#[test]
fn distortions_of_a_measured_value_work_together() {
    let mut play = Play::new();
    play.on("bias", sensor(None, bias(15.0)));
    let noise = Distortion { noise_sd: 2.0, ..Distortion::NONE };
    let both = Distortion { noise_sd: 2.0, ..bias(15.0) };
    assert_eq!(play.on("noise", sensor(None, noise)), [sensor(None, both)]);
    let turned = Distortion { gain: -1.0, ..Distortion::NONE };
    let all = Distortion { gain: -1.0, noise_sd: 2.0, ..bias(-15.0) };
    assert_eq!(play.on("turned", sensor(None, turned)), [sensor(None, all)]);
    let moved = Distortion { offset: -20.0, ..all };
    assert_eq!(play.on("bias", sensor(None, bias(20.0))), [sensor(None, moved)]);
    let none = || sensor(None, Distortion::NONE);
    let left = Distortion { gain: -1.0, offset: -20.0, ..Distortion::NONE };
    assert_eq!(play.off("noise", Some(none())), [sensor(None, left)]);
    assert_eq!(play.off("turned", Some(none())), [sensor(None, bias(20.0))]);
    assert_eq!(play.off("bias", Some(none())), [none()]);
}

#[test]
fn a_rack_with_a_wrong_sensor_of_its_own_has_that_of_every_rack_as_well() {
    let mut play = Play::new();
    play.on("every", sensor(None, bias(10.0)));
    assert_eq!(play.on("one", sensor(Some(1), bias(5.0))), [sensor(Some(1), bias(15.0))]);
    let told = play.on("every", sensor(None, bias(20.0)));
    assert_eq!(told, [sensor(None, bias(20.0)), sensor(Some(1), bias(25.0))]);
    let none = |rack| Some(sensor(rack, Distortion::NONE));
    let told = play.off("every", none(None));
    assert_eq!(told, [sensor(None, Distortion::NONE), sensor(Some(1), bias(5.0))]);
    assert_eq!(play.off("one", none(Some(1))), [sensor(Some(1), Distortion::NONE)]);
}

#[test]
fn distortions_stay_within_what_a_sensor_can_be() {
    let most = Distortion {
        delay_ticks: DELAY_MAX_TICKS,
        gain: -100.0,
        offset: 1e9,
        noise_sd: 1e9,
        spike_p: 1.0,
        spike: -1e9,
        stuck: true,
        dropout: false,
    };
    let twice = on_top(most, most);
    let defect =
        Defect::Sensor { quantity: Reading::ActivePower, rack_idx: None, distortion: twice };
    assert_eq!(defect.check(&spec(1).units[0].design), Ok(()), "{twice:?}");
    assert_eq!(on_top(Distortion::NONE, most), most);
    assert_eq!(on_top(most, Distortion::NONE), most);
}

#[test]
fn a_meter_is_wrong_in_every_way_at_once() {
    let mut play = Play::new();
    let meter =
        |gain, offset_w| Command::PoiMeter(PoiMeter { gain, offset_w, ..PoiMeter::default() });
    play.on("reversed", meter(-1.0, 0.0));
    assert_eq!(play.on("more", meter(1.0, 5e5)), [meter(-1.0, 5e5)]);
    let right = Some(meter(1.0, 0.0));
    assert_eq!(play.off("reversed", right.clone()), [meter(1.0, 5e5)]);
    assert_eq!(play.off("more", right), [meter(1.0, 0.0)]);
}

#[test]
fn a_dip_lies_on_a_held_voltage_and_gives_it_back() {
    let mut play = Play::new();
    let low = voltage(Hold::At(0.95));
    play.on("low", low.clone());
    assert_eq!(play.on("dip", dip(0.5, 1.5)), [dip(0.5, 1.5)]);
    assert_eq!(play.on("low", voltage(Hold::At(0.94))), [], "it would end the dip");
    play.now = Tick(115);
    assert_eq!(play.off("dip", None), [voltage(Hold::At(0.94))], "it ended by itself");
    assert_eq!(play.off("low", Some(voltage(Hold::Release))), [voltage(Hold::Release)]);
}

#[test]
fn a_dip_below_goes_on_for_the_rest_of_its_time() {
    let mut play = Play::new();
    play.on("shallow", dip(0.8, 10.0));
    play.now = Tick(120);
    play.on("held", voltage(Hold::At(0.9)));
    play.now = Tick(130);
    let release = voltage(Hold::Release);
    assert_eq!(play.off("held", Some(release.clone())), [release, dip(0.8, 7.0)]);
    play.on("deep", dip(0.2, 1.0));
    play.now = Tick(140);
    assert_eq!(play.off("deep", None), [dip(0.8, 6.0)]);
    play.now = Tick(200);
    assert_eq!(play.off("shallow", None), []);
}

#[test]
fn loads_are_added_up_and_the_others_stay_when_one_goes() {
    let mut play = Play::new();
    let load = |load_w| {
        let kind = DisturbanceKind::LoadStep(Watts(load_w));
        Command::Disturb(Disturbance { kind, duration_s: f64::INFINITY })
    };
    let end = Command::EndDisturbances { kind: Some(LastingKind::LoadStep) };
    assert_eq!(play.on("a", load(5e6)), [load(5e6)]);
    assert_eq!(play.on("b", load(3e6)), [load(3e6)]);
    assert_eq!(play.on("c", load(1e6)), [load(1e6)]);
    assert_eq!(play.off("b", Some(end.clone())), [end.clone(), load(6e6)]);
    assert_eq!(play.off("a", Some(end.clone())), [end.clone(), load(1e6)]);
    assert_eq!(play.off("c", Some(end.clone())), [end]);
}

#[test]
fn what_is_on_or_off_stays_on_until_the_last_is_over() {
    let mut play = Play::new();
    let outage =
        Command::Disturb(Disturbance { kind: DisturbanceKind::Outage, duration_s: f64::INFINITY });
    let back = Command::EndDisturbances { kind: Some(LastingKind::Outage) };
    play.on("a", outage.clone());
    play.on("b", outage);
    assert_eq!(play.off("b", Some(back.clone())), []);
    assert_eq!(play.off("a", Some(back.clone())), [back]);
    let switch = |action| Command::OperateUnit { unit: unit(1), action };
    play.on("a", switch(UnitAction::EmergencyStop));
    play.on("b", switch(UnitAction::EmergencyStop));
    let release = switch(UnitAction::ReleaseEmergencyStop);
    assert_eq!(play.off("a", Some(release.clone())), []);
    assert_eq!(play.off("b", Some(release.clone())), [release]);
}

#[test]
fn a_setpoint_goes_back_to_what_it_was_before_the_oldest() {
    let mut play = Play::new();
    let write = |power_w| Command::ControlUnit {
        unit: unit(1),
        change: ControlChange::active_power(Watts(power_w)),
    };
    play.on("hunting", write(1e5));
    play.on("later", write(2e5));
    assert_eq!(play.off("hunting", Some(write(4e4))), [], "it was covered");
    // What the later one saw before it was the doing of the first.
    assert_eq!(play.off("later", Some(write(1e5))), [write(4e4)]);
}

#[test]
fn a_reversion_and_a_setpoint_of_one_unit_leave_each_other_alone() {
    let mut play = Play::new();
    let setpoint = |power_w| Command::ControlUnit {
        unit: unit(1),
        change: ControlChange::active_power(Watts(power_w)),
    };
    let reversion = |time_s| Command::ControlUnit {
        unit: unit(1),
        change: ControlChange {
            active_reversion: Reversion { time_s, ..Reversion::default() }.into(),
            ..ControlChange::default()
        },
    };
    play.on("setpoint", setpoint(1e5));
    assert_eq!(play.on("reversion", reversion(20)), [reversion(20)]);
    play.on("shorter", reversion(5));
    assert_eq!(play.off("shorter", Some(reversion(20))), [reversion(20)]);
    assert_eq!(play.off("setpoint", Some(setpoint(0.0))), [setpoint(0.0)]);
    assert_eq!(play.off("reversion", Some(reversion(0))), [reversion(0)]);
}

#[test]
fn what_an_end_leaves_is_put_right_and_what_is_done_once_is_nobodys() {
    let mut play = Play::new();
    play.on("short-lived", derate(0.4));
    assert_eq!(play.off("short-lived", None), [derate(1.0)]);
    let jump = || Command::SetDefect { unit: unit(1), defect: Defect::SocJump { by: 0.2 } };
    assert_eq!(play.on("a", jump()), [jump()]);
    assert_eq!(play.on("b", jump()), [jump()], "a second one moves it further");
    assert_eq!(play.off("a", None), []);
}

#[test]
fn the_ems_of_the_test_obeys_the_newest_of_its_orders_too() {
    let mut layers = Layers::default();
    let act = |power_w| {
        let act = ClientAct::Setpoint(power_w);
        HostAct::Client { client: "ems".into(), act }
    };
    let mut told = |order| layers.settle(Orders::from(vec![order])).1;
    let lay = |owner: &str, power_w| Order::Lay {
        owner: owner.into(),
        acts: vec![Act::Host(act(Some(power_w)))],
        at: Tick(1),
    };
    let lift = |owner: &str| Order::Lift {
        owner: owner.into(),
        unit: None,
        acts: vec![Act::Host(act(None))],
        at: Tick(2),
    };
    assert_eq!(told(lay("first", 5e6)), [act(Some(5e6))]);
    assert_eq!(told(lay("second", 8e6)), [act(Some(8e6))]);
    assert_eq!(told(lift("second")), [act(Some(5e6))]);
    assert_eq!(told(lift("first")), [act(None)]);
}

#[test]
fn an_ambient_temperature_that_was_set_comes_back_after_the_fault() {
    let mut play = Play::new();
    let degc = |degc| Command::SetAmbient(Some(Celsius(degc)));
    let set = |play: &mut Play, command: Command| play.told(Order::Once(command.into()));
    assert_eq!(set(&mut play, degc(32.0)), [degc(32.0)]);
    assert_eq!(play.on("heat", degc(45.0)), [degc(45.0)]);
    assert_eq!(set(&mut play, degc(30.0)), [], "it lies below the fault");
    assert_eq!(play.off("heat", Some(Command::SetAmbient(None))), [degc(30.0)]);
}
