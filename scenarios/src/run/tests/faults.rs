use super::*;
use bess_core::stage::Effect;

const PUMP: &str = "{kind: device.hvac.pump, target: unit-002}";

#[test]
fn a_single_fault_begins_at_once_is_told_and_ends_when_asked() {
    let mut play = Play::new(2);
    play.inject("my-pump", PUMP).expect("it may begin");
    assert_eq!(play.pumps(true), [0], "at once");
    let on =
        Command::NoteFault { unit: UnitId::from_number(2), kind: "device.hvac.pump", on: true };
    assert!(play.given.iter().any(|(_, command)| *command == on), "{:?}", play.given);
    assert!(play.inject("my-pump", PUMP).is_err(), "one of this id is in force");
    play.seconds(1);
    let view = play.stage.view();
    assert_eq!(
        (view.faults[0].targets[0].as_str(), view.faults[0].effect),
        ("unit-002", Effect::Confirmed)
    );
    play.ask(&StageRequest::EndFault("my-pump".to_owned())).expect("it is in force");
    assert_eq!(play.pumps(false).len(), 1);
    assert!(play.ask(&StageRequest::EndFault("my-pump".to_owned())).is_err());
    let view = play.stage.view();
    assert_eq!((view.faults[0].is_active, view.effects[Effect::Confirmed as usize]), (false, 1));
    assert!(!play.stage.is_done(), "no run was ever asked for");
}

#[test]
fn a_single_fault_may_have_an_end_of_its_own() {
    let mut play = Play::new(2);
    play.inject("short", "{kind: device.hvac.pump, target: unit-001, duration: 3s}").expect("good");
    play.seconds(5);
    assert_eq!(play.pumps(false), [31]);
    play.inject("a", PUMP).expect("good");
    play.inject("b", PUMP).expect("good");
    play.ask(&StageRequest::EndFaults).expect("always");
    assert_eq!(play.pumps(false).len(), 3);
}

#[test]
fn what_the_farm_cannot_do_is_no_fault_in_force() {
    let mut play = Play::new(2);
    let strange = Prepared(Arc::new(5_u32));
    let wish = FaultWish { id: "x".to_owned(), prepared: strange.clone() };
    assert!(play.ask(&StageRequest::Inject(wish)).is_err());
    let run = StageRequest::StartRun { id: "x".to_owned(), prepared: strange };
    assert!(play.ask(&run).is_err());
    assert!(play.given.is_empty() && play.stage.view().faults.is_empty());
}

#[test]
fn a_fault_of_the_transport_is_inconclusive_while_nobody_asks() {
    let mut play = Play::new(2);
    let text = "{kind: transport.delay, target: unit-001, with: {delay_s: 200ms}, duration: 2s}";
    play.inject("slow", text).expect("good");
    play.seconds(3);
    let view = play.stage.view();
    assert_eq!((view.faults[0].effect, view.faults[0].is_active), (Effect::Inconclusive, false));
    let names: Vec<String> = play
        .given
        .iter()
        .filter_map(|(_, command)| match command {
            Command::SetLink(link) => Some(link.name.clone()),
            Command::ClearLink { name } => name.clone(),
            _ => None,
        })
        .collect();
    assert_eq!(names.len(), 2);
    assert_eq!(names[0], names[1]);
}

#[test]
fn a_fault_of_a_sensor_distorts_the_value_that_the_sensor_measures() {
    use bess_core::defect::Reading;
    let mut play = Play::new(2);
    let text = "{kind: sensor.bias, target: unit-002/rack-1/current_a, with: {offset: 15}}";
    play.inject("bias", text).expect("it may begin");
    let is_it = |command: &Command| {
        matches!(command, Command::SetDefect { unit, defect: Defect::Sensor { quantity: Reading::Current, rack_idx: Some(0), distortion } }
            if unit.number() == 2 && distortion.offset == 15.0)
    };
    assert!(play.given.iter().any(|(_, command)| is_it(command)), "{:?}", play.given);
}
