//! Alarms, events and writes: the objects of the snapshot, field by field.

use crate::testing;
use bess_core::alarm::{AlarmCode, AlarmKey, AlarmLevel, AlarmPhase, AlarmState};
use bess_core::audit::{AuditRecord, ModbusWrite};
use bess_core::command::{Bearer, ControlSource, Origin};
use bess_core::event::{Cause, Event, EventKind};
use bess_core::id::{CellAddress, UnitId};
use bess_core::link::LinkEffect;
use bess_core::log::Log;
use bess_core::point::Table;
use bess_core::role::Role;
use bess_core::snapshot::UnitState;
use bess_core::state::Trigger;
use bess_core::time::{Moment, Tick};
use bess_core::trace::TraceContext;
use serde_json::{Value, json};
use std::sync::Arc;

fn alarm(unit_idx: usize, key: AlarmKey, phase: AlarmPhase) -> AlarmState {
    AlarmState {
        unit: UnitId::from_idx(unit_idx),
        key,
        phase,
        since: Moment { tick: Tick(11), offset_us: 23_456 },
        value: 3.71,
        threshold: 3.65,
        cell: Some(CellAddress { unit_idx: unit_idx as u32, rack_idx: 4, cell_idx: 99 }),
        resets_refused: 2,
    }
}

/// A snapshot's alarms: two of unit 3, one of unit 7 that is a yes or no.
fn alarms() -> Vec<AlarmState> {
    let voltage = |level| AlarmKey::rack(AlarmCode::CellOverVoltage, level, 4);
    let pressed = AlarmKey::unit(AlarmCode::EmergencyStop, AlarmLevel::Critical);
    vec![
        alarm(2, voltage(AlarmLevel::Warning), AlarmPhase::Active),
        alarm(2, voltage(AlarmLevel::Trip), AlarmPhase::Pending),
        AlarmState {
            value: f64::NAN,
            threshold: f64::NAN,
            cell: None,
            resets_refused: 0,
            ..alarm(6, pressed, AlarmPhase::Latched)
        },
    ]
}

#[tokio::test]
async fn an_alarm_is_the_object_of_the_snapshot_field_by_field() {
    let served = testing::serve().await;
    served.farm.publish(|next| next.alarms = alarms());
    let answer = served.get("alarms").await;
    assert_eq!(answer["total"], 3);
    let now = served.farm.now();
    for (shown, object) in answer["alarms"].as_array().unwrap().iter().zip(&now.alarms) {
        assert_eq!(shown["unit"], object.unit.number());
        assert_eq!(shown["unit_name"], now.spec.units[object.unit.idx()].name.as_str());
        assert_eq!(shown["code"], object.key.code.name());
        assert_eq!(shown["level"], object.key.level.name());
        assert_eq!(shown["rack"], json!(object.key.rack_idx.map(|idx| idx + 1)));
        assert_eq!(shown["phase"], object.phase.name());
        assert_eq!(shown["since_tick"], object.since.tick.0);
        assert_eq!(shown["since"], "2026-01-01T00:00:01.023456Z");
        let number = |value: f64| if value.is_nan() { Value::Null } else { json!(value) };
        assert_eq!(shown["value"], number(object.value));
        assert_eq!(shown["threshold"], number(object.threshold));
        assert_eq!(shown["unit_of_measure"], object.key.code.row().unit);
        assert_eq!(shown["text"], object.key.code.row().text);
        assert_eq!(shown["cell"].is_null(), object.cell.is_none());
        assert_eq!(shown["resets_refused"], object.resets_refused);
    }
    assert_eq!(answer["alarms"][0]["cell"], json!({"unit": 3, "rack": 5, "cell": 100}));
}

#[tokio::test]
async fn alarms_are_filtered_by_unit_level_phase_and_code() {
    let served = testing::serve().await;
    served.farm.publish(|next| next.alarms = alarms());
    for (query, expected) in [
        ("", 3),
        ("?unit=3", 2),
        ("?unit=unit-007", 1),
        ("?level=trip", 1),
        ("?phase=active", 1),
        ("?code=emergency_stop", 1),
        ("?unit=3&level=critical", 0),
    ] {
        let answer = served.get(&format!("alarms{query}")).await;
        assert_eq!(answer["total"], expected, "{query}");
        assert_eq!(answer["alarms"].as_array().unwrap().len(), expected, "{query}");
    }
    let page = served.get("alarms?from=1&limit=1").await;
    assert_eq!((&page["total"], &page["alarms"][0]["level"]), (&json!(3), &json!("trip")));
    for (query, field) in [("unit=11", "unit"), ("level=bad", "level"), ("code=x", "code")] {
        let answer = served.ask("GET", &format!("/api/v1/alarms?{query}")).await;
        assert_eq!(answer.problem(400, "bad_parameter")["field"], field);
    }
}

#[tokio::test]
async fn events_come_in_pages_that_miss_none() {
    let served = testing::serve().await;
    served.farm.publish(|next| {
        let mut events = Log::new(4);
        let key = AlarmKey::rack(AlarmCode::CellOverVoltage, AlarmLevel::Trip, 4);
        let at = |tick| Moment { tick: Tick(tick), offset_us: 60_001 };
        for tick in 1..=5 {
            let kind = EventKind::Fuse { rack_idx: 2 };
            events.push(Event { at: at(tick), unit: Some(UnitId::from_idx(1)), kind });
        }
        let kind = EventKind::State {
            from: UnitState::Running,
            to: UnitState::Tripped,
            trigger: Trigger::Trip,
            cause: Cause::Alarm(key),
        };
        events.push(Event { at: at(6), unit: Some(UnitId::from_idx(0)), kind });
        next.events = Arc::new(events);
    });
    let newest = served.get("events?limit=1").await;
    assert_eq!((&newest["total"], &newest["first"]), (&json!(6), &json!(3)));
    let trip = &newest["events"][0];
    assert_eq!((&trip["number"], &trip["tick"]), (&json!(6), &json!(6)));
    assert_eq!(trip["offset_ms"], 60.001);
    assert_eq!(trip["simulation_time"], "2026-01-01T00:00:00.560001Z");
    assert_eq!((&trip["unit"], &trip["kind"]), (&json!(1), &json!("state")));
    assert_eq!((&trip["from"], &trip["to"]), (&json!("running"), &json!("tripped")));
    assert_eq!(trip["cause"], "cell_over_voltage trip of rack 5");
    assert_eq!(trip.get("phase"), None);
    let mut seen = Vec::new();
    let mut after = 0;
    while after < 6 {
        let page = served.get(&format!("events?after={after}&limit=3")).await;
        let numbers = page["events"].as_array().unwrap().iter().map(|e| e["number"].as_u64());
        seen.extend(numbers.flatten());
        after = page["next"].as_u64().unwrap();
    }
    assert_eq!(seen, [3, 4, 5, 6]);
    let fuses = served.get("events?unit=2&kind=fuse&limit=2").await;
    let fuses = fuses["events"].as_array().unwrap();
    assert_eq!((&fuses[0]["number"], &fuses[1]["number"]), (&json!(4), &json!(5)));
    assert_eq!(fuses[1]["rack"], 3);
    assert_eq!(served.get("events?kind=grid").await["events"], json!([]));
}

const TRACEPARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

#[tokio::test]
async fn writes_say_who_wrote_what_and_what_came_of_it() {
    let served = testing::serve().await;
    served.farm.publish(|next| {
        let mut audit = Log::new(10);
        let record = AuditRecord {
            tick: Tick(20),
            wall_unix_ns: 0,
            origin: Origin {
                source: ControlSource::Rest,
                peer: Some("10.0.0.9:5000".to_owned()),
                bearer: Some(Box::new(Bearer { name: "ems-1".to_owned(), role: Role::Operator })),
                via: Some("PUT /api/v1/units/{id}/setpoint".to_owned()),
                request_id: Some("7f3a".into()),
                trace: TraceContext::parse(TRACEPARENT),
                ..Origin::default()
            },
            unit: Some(UnitId::from_idx(2)),
            what: "active_power_w = 1500000".to_owned(),
            needs: Role::Operator,
            refused: None,
        };
        let reason = Some("unit 3 is under local control".to_owned());
        audit.push(Arc::new(record.clone()));
        audit.push(Arc::new(AuditRecord { unit: None, refused: reason, ..record }));
        next.audit = Arc::new(audit);
    });
    let writes = served.get("writes").await;
    let expected = json!({
        "number": 1, "tick": 20, "simulation_time": "2026-01-01T00:00:02Z", "wall_time": null,
        "source": "rest", "peer": "10.0.0.9:5000", "via": "PUT /api/v1/units/{id}/setpoint",
        "request_id": "7f3a", "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
        "token": {"name": "ems-1", "role": "operator"}, "unit": 3, "what": "active_power_w = 1500000", "result": "applied", "reason": null,
    });
    assert_eq!(writes["writes"][0], expected);
    let refused = served.get("writes?result=refused").await;
    let refused = refused["writes"].as_array().unwrap();
    assert_eq!((refused.len(), &refused[0]["number"]), (1, &json!(2)));
    assert_eq!(refused[0]["reason"], "unit 3 is under local control");
    assert_eq!(served.get("writes?unit=3&after=1").await["writes"], json!([]));
}

#[tokio::test]
async fn a_write_over_modbus_is_told_word_by_word_and_the_same_on_a_line_of_a_file() {
    let served = testing::serve().await;
    let write = ModbusWrite {
        listener: "main".to_owned(),
        role: Role::Operator,
        connection: 12,
        unit_id: 3,
        transaction: 4711,
        function: 16,
        table: Table::Holding,
        address: 80,
        old: vec![0, 0],
        new: vec![15, 16_960],
        points: vec![("compact/active setpoint".to_owned(), Some(1e6)), ("c/x".to_owned(), None)],
        exception: Some(6),
    };
    let origin = Origin {
        peer: Some("10.0.0.9:5000".to_owned()),
        modbus: Some(Box::new(write)),
        ..Origin::local(ControlSource::Modbus)
    };
    let record = AuditRecord {
        tick: Tick(20),
        wall_unix_ns: 1_767_225_602_500_000_000,
        origin,
        unit: Some(UnitId::from_idx(2)),
        what: "active_power_w = 1000000".to_owned(),
        needs: Role::Operator,
        refused: Some("unit 3 is held by rest 10.0.0.8 for 4.0 s more".to_owned()),
    };
    served.farm.publish(|next| {
        let mut audit = Log::new(10);
        audit.push(Arc::new(record.clone()));
        next.audit = Arc::new(audit);
    });
    let shown = served.get("writes").await["writes"][0].clone();
    let expected = json!({
        "listener": "main", "role": "operator", "connection": 12, "unit_id": 3, "transaction": 4711, "function": 16,
        "table": "holding", "address": 80, "old": [0, 0], "new": [15, 16_960],
        "points": [{"name": "compact/active setpoint", "value": 1e6}, {"name": "c/x", "value": null}],
        "exception": 6,
    });
    assert_eq!(shown["modbus"], expected);
    assert_eq!(shown["wall_time"], "2026-01-01T00:00:02.5Z");
    let line = crate::audit_line(&served.farm.now(), 1, &record);
    assert!(!line.contains('\n'));
    assert_eq!(serde_json::from_str::<Value>(&line).unwrap(), shown);
}

#[tokio::test]
async fn an_event_of_a_link_says_what_the_condition_does() {
    let served = testing::serve().await;
    served.farm.publish(|next| {
        let mut events = Log::new(4);
        let kind = EventKind::Link { effect: LinkEffect::HalfFrame, on: false };
        events.push(Event { at: Moment::default(), unit: None, kind });
        next.events = Arc::new(events);
    });
    let event = &served.get("events?kind=link").await["events"][0];
    assert_eq!((&event["what"], &event["on"]), (&json!("half_frame"), &json!(false)));
    assert_eq!(event["text"], "link: half_frame ends");
}

#[tokio::test]
async fn an_event_of_a_fault_tells_its_kind_and_whether_it_is_in_force() {
    let served = testing::serve().await;
    served.farm.publish(|next| {
        let mut events = Log::new(4);
        let kind = EventKind::Fault { kind: "device.pcs.trip", on: true };
        events.push(Event { at: Moment::default(), unit: Some(UnitId::from_idx(1)), kind });
        next.events = Arc::new(events);
    });
    let event = &served.get("events?kind=fault").await["events"][0];
    assert_eq!((&event["what"], &event["on"]), (&json!("device.pcs.trip"), &json!(true)));
    assert_eq!((&event["unit"], &event["kind"]), (&json!(2), &json!("fault")));
    assert_eq!(event["text"], "fault device.pcs.trip begins");
}
