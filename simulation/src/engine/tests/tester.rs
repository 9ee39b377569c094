//! Link conditions and forced points: part of the state and of the audit, and no part of the physics.

use super::*;
use bess_core::audit::ModbusWrite;
use bess_core::event::EventKind;
use bess_core::force::{ForcedPoint, ForcedValue};
use bess_core::link::{LinkCondition, LinkEffect, LinkScope};
use bess_core::time::Moment;

fn condition(name: &str, effect: LinkEffect, until: Option<u64>) -> LinkCondition {
    LinkCondition {
        name: name.to_owned(),
        effect,
        scope: LinkScope::default(),
        probability: 1.0,
        seed: 7,
        until: until.map(Tick),
    }
}
fn apply(engine: &mut Engine, command: &Command) {
    engine.apply(command, ControlSource::Rest).unwrap();
}
fn refuse(engine: &mut Engine, command: &Command) -> String {
    engine.apply(command, ControlSource::Rest).unwrap_err().to_string()
}
fn set(engine: &mut Engine, condition: LinkCondition) {
    apply(engine, &Command::SetLink(Box::new(condition)));
}
fn clear(name: Option<&str>) -> Command {
    Command::ClearLink { name: name.map(str::to_owned) }
}
fn names(engine: &mut Engine) -> Vec<String> {
    see(engine).link.iter().map(|link| link.condition.name.clone()).collect()
}
fn force(point: &str, value: ForcedValue) -> Command {
    let unit = Some(UnitId::from_idx(0));
    Command::ForcePoint(Box::new(ForcedPoint { unit, point: point.to_owned(), value }))
}
fn release(point: Option<&str>) -> Command {
    let unit = Some(UnitId::from_idx(0));
    Command::ReleasePoint { unit, point: point.map(str::to_owned) }
}
/// What happened to links: microseconds from the start, and in words.
fn link_events(engine: &mut Engine) -> Vec<(u64, String)> {
    let seen = see(engine);
    let links = seen.events.after(0).filter(|(_, e)| matches!(e.kind, EventKind::Link { .. }));
    links.map(|(_, event)| (event.at.elapsed_us(), event.kind.to_string())).collect()
}

#[test]
fn a_condition_is_in_force_from_its_command_to_its_last_tick_with_an_event_at_each_end() {
    let spec = small(1, 1, 16);
    for at_once in [false, true] {
        let mut engine = engine(&spec, 1);
        engine.run(3, &mut |_, _| {});
        set(&mut engine, condition("slow", LinkEffect::Drop, Some(25)));
        set(&mut engine, condition("forever", LinkEffect::Junk, None));
        assert_eq!(names(&mut engine), ["slow", "forever"], "at once, without a tick");
        let mut lengths = Vec::new();
        let mut look = |engine: &mut Engine| lengths.push(names(engine).len());
        if at_once {
            engine.run(21, &mut |_, _| {});
            look(&mut engine);
            engine.run(30, &mut |_, _| {});
        } else {
            (0..21).for_each(|_| engine.step());
            look(&mut engine);
            (0..30).for_each(|_| engine.step());
        }
        look(&mut engine);
        assert_eq!((engine.tick(), lengths), (Tick(54), vec![2, 1]));
        apply(&mut engine, &clear(None));
        assert!(names(&mut engine).is_empty());
        let at = |tick| Moment::within(Tick(tick), 0.0).elapsed_us();
        let expected = [
            (at(4), "link: drop begins".to_owned()),
            (at(4), "link: junk begins".to_owned()),
            (at(25), "link: drop ends".to_owned()),
            (at(55), "link: junk ends".to_owned()),
        ];
        assert_eq!(link_events(&mut engine), expected, "at once: {at_once}");
    }
}

#[test]
fn one_of_the_same_name_takes_its_place_and_an_unknown_name_is_refused() {
    let mut engine = engine(&small(1, 1, 16), 1);
    set(&mut engine, condition("a", LinkEffect::Drop, None));
    set(&mut engine, condition("b", LinkEffect::Junk, None));
    see(&mut engine).link[0].take();
    let unchanged = Arc::clone(&see(&mut engine).link[1]);
    set(&mut engine, condition("a", LinkEffect::Reset, None));
    let seen = see(&mut engine);
    assert_eq!((seen.link[0].condition.effect, seen.link[0].seen()), (LinkEffect::Reset, 0));
    assert!(Arc::ptr_eq(&seen.link[1], &unchanged), "the other one goes on as it was");
    let events: Vec<String> = link_events(&mut engine).into_iter().map(|(_, e)| e).collect();
    let expected =
        ["link: drop begins", "link: junk begins", "link: drop ends", "link: reset begins"];
    assert_eq!(events, expected);
    let before = engine.state_hash();
    assert!(refuse(&mut engine, &clear(Some("c"))).contains("in force: a, b"));
    let over = Command::SetLink(Box::new(condition("c", LinkEffect::Drop, Some(1))));
    assert!(refuse(&mut engine, &over).contains("must be after tick 1"));
    assert_eq!(engine.state_hash(), before);
    apply(&mut engine, &clear(Some("a")));
    assert_eq!(names(&mut engine), ["b"]);
}

#[test]
fn the_hash_of_the_state_has_every_field_of_a_condition_and_no_counter() {
    let hash = |change: &dyn Fn(&mut LinkCondition)| {
        let mut engine = engine(&small(2, 1, 16), 1);
        let mut condition = condition("a", LinkEffect::Split { gap_s: 1.0 }, None);
        change(&mut condition);
        set(&mut engine, condition);
        engine.state_hash()
    };
    let plain = hash(&|_| {});
    assert_eq!(plain, hash(&|_| {}));
    let changes: [&dyn Fn(&mut LinkCondition); 10] = [
        &|c| c.name = "b".to_owned(),
        &|c| c.effect = LinkEffect::Split { gap_s: 2.0 },
        &|c| c.effect = LinkEffect::Drop,
        &|c| c.scope.listener = Some("main".to_owned()),
        &|c| c.scope.unit = Some(UnitId::from_idx(1)),
        &|c| c.scope.functions = vec![3],
        &|c| c.scope.registers = Some((0, 9)),
        &|c| c.scope.peer = Some("::1".parse().unwrap()),
        &|c| c.seed = 8,
        &|c| c.until = Some(Tick(99)),
    ];
    let mut all = vec![plain, hash(&|c| c.probability = 0.5)];
    all.extend(changes.map(hash));
    for (index, one) in all.iter().enumerate() {
        assert!(!all[..index].contains(one), "change {index}");
    }
    let mut engine = engine(&small(2, 1, 16), 1);
    set(&mut engine, condition("a", LinkEffect::Split { gap_s: 1.0 }, None));
    see(&mut engine).link[0].take();
    assert_eq!(engine.state_hash(), plain);
}

#[test]
fn neither_conditions_nor_forced_points_change_a_bit_of_the_physics() {
    let run = |disturbed: bool| {
        let mut engine = engine(&small(2, 2, 16), 1);
        set_unit(&mut engine, 0, 4_000.0);
        if disturbed {
            set(&mut engine, condition("a", LinkEffect::FreezeRegisters, Some(33)));
            apply(&mut engine, &force("sunspec/701.W", ForcedValue::Number(1e6)));
        }
        engine.run(100, &mut |_, _| {});
        if disturbed {
            assert_eq!(see(&mut engine).forced.len(), 1);
            apply(&mut engine, &release(None));
        }
        engine.state_hash()
    };
    assert_eq!(run(true), run(false));
}

#[test]
fn points_are_forced_and_released_also_under_local_control_and_it_is_in_the_audit() {
    let mut engine = engine(&small(1, 1, 16), 1);
    let local = UnitAction::Local;
    apply(&mut engine, &Command::OperateUnit { unit: UnitId::from_idx(0), action: local });
    let empty = engine.state_hash();
    apply(&mut engine, &force("sunspec/701.W", ForcedValue::Number(12.0)));
    let one = engine.state_hash();
    apply(&mut engine, &force("sunspec/701.W", ForcedValue::Words(vec![12])));
    assert!(engine.state_hash() != one && one != empty);
    let seen = see(&mut engine);
    assert_eq!(seen.forced.len(), 1, "the same point is forced once");
    assert_eq!(seen.forced[0].value, ForcedValue::Words(vec![12]));
    let refused = refuse(&mut engine, &release(Some("sunspec/701.Hz")));
    assert!(refused.contains("forced: sunspec/701.W"), "{refused}");
    apply(&mut engine, &release(Some("sunspec/701.W")));
    assert_eq!(engine.state_hash(), empty);
    let seen = see(&mut engine);
    let audit: Vec<(&str, bool)> =
        seen.audit.after(1).map(|(_, r)| (r.what.as_str(), r.refused.is_some())).collect();
    let expected = [
        ("sunspec/701.W forced to 12", false),
        ("sunspec/701.W forced to words 12", false),
        ("sunspec/701.Hz released", true),
        ("sunspec/701.W released", false),
    ];
    assert_eq!(audit, expected);
}

#[test]
fn a_batch_of_several_is_applied_in_order() {
    let mut engine = engine(&small(1, 1, 16), 1);
    let drop = Command::SetLink(Box::new(condition("a", LinkEffect::Drop, None)));
    let batch = Command::Batch(vec![
        drop.clone(),
        force("m/a", ForcedValue::Number(1.0)),
        force("m/b", ForcedValue::Number(2.0)),
        clear(None),
    ]);
    apply(&mut engine, &batch);
    let seen = see(&mut engine);
    assert_eq!((seen.link.len(), seen.forced.len()), (0, 2));
    let unknown = Command::Batch(vec![drop, release(Some("m/c"))]);
    refuse(&mut engine, &unknown);
    assert!(see(&mut engine).link.is_empty(), "one that fails refuses all");
}

#[test]
fn what_the_loop_refuses_over_modbus_has_its_exception_in_the_audit() {
    let mut engine = engine(&small(1, 1, 16), 1);
    let write = ModbusWrite { unit_id: 1, function: 6, address: 80, ..ModbusWrite::default() };
    let origin =
        Origin { modbus: Some(Box::new(write.clone())), ..Origin::local(ControlSource::Modbus) };
    let unit = UnitId::from_idx(0);
    for (watts, exception) in [(1e9, Some(3)), (1.0, None)] {
        let change = ControlChange::active_power(Watts(watts));
        let _ = engine.apply_from(&Command::ControlUnit { unit, change }, &origin, 0);
        let seen = see(&mut engine);
        let (_, record) = seen.audit.after(0).last().unwrap();
        let expected = ModbusWrite { exception, ..write.clone() };
        assert_eq!(record.origin.modbus.as_deref(), Some(&expected));
        assert_eq!(record.refused.is_some(), exception.is_some());
    }
}
