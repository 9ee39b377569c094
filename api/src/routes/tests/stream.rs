//! Server-sent events.

use crate::ApiConfig;
use crate::testing::{self, Client, FIRST_TICK, Served, StreamedEvent};
use bess_core::alarm::{AlarmCode, AlarmKey, AlarmLevel, AlarmPhase};
use bess_core::audit::AuditRecord;
use bess_core::command::{ControlSource, Origin};
use bess_core::event::{Event, EventKind};
use bess_core::id::UnitId;
use bess_core::log::Log;
use bess_core::snapshot::Snapshot;
use bess_core::time::{Moment, Tick};
use bess_core::units::Watts;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Opens a stream and reads its head.
async fn open(served: &Served, query: &str) -> Client {
    let mut client = served.client().await;
    let path = format!("/api/v1/stream{query}");
    client.send("GET", &path, &[], "").await;
    let answer = client.head().await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("content-type"), Some("text/event-stream"));
    assert_eq!(answer.header("cache-control"), Some("no-cache"));
    client
}

#[tokio::test]
async fn the_present_snapshot_comes_first_and_at_once() {
    let served = testing::serve().await;
    let mut client = open(&served, "").await;
    let event = client.event().await.unwrap();
    assert_eq!(event.kind, "snapshot");
    assert_eq!(event.data["tick"], FIRST_TICK);
    assert_eq!(event.data["publication"], FIRST_TICK + 1);
    assert_eq!(event.data["soc"], 0.5);
    assert_eq!(event.data.get("unit_list"), None);
}

#[tokio::test]
async fn publications_rise_and_the_stream_ends_after_max_events() {
    let served = testing::serve().await;
    let mut client = open(&served, "?rate_hz=10&max_events=3").await;
    let mut ids = Vec::new();
    while let Some(event) = client.event().await {
        ids.push(event.data["publication"].as_u64().unwrap());
        // Two publications for one event: the first of them is skipped.
        served.farm.tick();
        served.farm.tick();
    }
    let first = FIRST_TICK + 1;
    assert_eq!(ids, [first, first + 2, first + 4]);
}

#[tokio::test]
async fn no_snapshot_is_sent_twice() {
    let served = testing::serve().await;
    let mut client = open(&served, "?rate_hz=10&for=0.5s").await;
    let mut n_events = 0;
    while client.event().await.is_some() {
        n_events += 1;
    }
    assert_eq!(n_events, 1);
}

#[tokio::test]
async fn a_stream_ends_after_the_time_that_was_asked_for() {
    let served = testing::serve().await;
    for query in ["?for=0.2", "?for=0.2s"] {
        let started = Instant::now();
        let mut client = open(&served, query).await;
        while client.event().await.is_some() {}
        let took = started.elapsed();
        assert!(took >= Duration::from_millis(199), "{query}: {took:?}");
        assert!(took < Duration::from_secs(5), "{query}: {took:?}");
    }
}

#[tokio::test]
async fn units_come_with_each_event_when_they_are_asked_for() {
    let served = testing::serve().await;
    let mut client = open(&served, "?units=true&max_events=1").await;
    let event = client.event().await.unwrap();
    let units = event.data["unit_list"].as_array().unwrap();
    assert_eq!(units.len(), 10);
    assert_eq!(units[9]["name"], "unit-010");
    let plain = open(&served, "?units=false&max_events=1").await.event().await;
    assert_eq!(plain.unwrap().data.get("unit_list"), None);
}

#[tokio::test]
async fn a_stop_ends_every_stream() {
    let served = testing::serve().await;
    let mut clients = [
        open(&served, "").await,
        open(&served, "?rate_hz=0.01").await,
        open(&served, "?for=3600").await,
    ];
    for client in &mut clients {
        client.event().await.unwrap();
    }
    let started = Instant::now();
    served.shutdown.cancel();
    for client in &mut clients {
        assert!(client.event().await.is_none());
    }
    served.task.await.unwrap();
    let took = started.elapsed();
    assert!(took < Duration::from_secs(1), "{took:?}");
}

#[tokio::test]
async fn one_stream_too_many_is_refused_and_a_closed_one_makes_room() {
    let config = ApiConfig { max_streams: 2, ..ApiConfig::default() };
    let served = testing::serve_with(testing::snapshot_with(1), config).await;
    let _stays = open(&served, "").await;
    let leaves = open(&served, "").await;
    let answer = served.ask("GET", "/api/v1/stream").await;
    let problem = answer.problem(503, "too_many_streams");
    assert!(problem["detail"].as_str().unwrap().contains('2'));
    assert_eq!(answer.header("retry-after"), Some("5"));
    drop(leaves);
    let deadline = Instant::now() + Duration::from_secs(10);
    // The server notices when it next writes or reads.
    while served.ask("GET", "/api/v1/stream?max_events=1").await.status != 200 {
        assert!(Instant::now() < deadline, "the place was never given back");
        served.farm.tick();
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn head_does_not_keep_a_place() {
    let config = ApiConfig { max_streams: 1, ..ApiConfig::default() };
    let served = testing::serve_with(testing::snapshot_with(1), config).await;
    for _ in 0..3 {
        let mut client = served.client().await;
        let answer = client.ask("HEAD", "/api/v1/stream", &[], "").await;
        assert_eq!(answer.status, 200);
    }
}

/// An event of a unit: the step of an alarm, or another one.
fn happens(next: &mut Snapshot, unit_idx: usize, is_alarm: bool) {
    let key = AlarmKey::unit(AlarmCode::EmergencyStop, AlarmLevel::Critical);
    let kind = if is_alarm {
        EventKind::Alarm { key, phase: Some(AlarmPhase::Active), value: f64::NAN }
    } else {
        EventKind::Local { local: true }
    };
    let unit = Some(UnitId::from_idx(unit_idx));
    Arc::make_mut(&mut next.events).push(Event { at: Moment::end_of(next.tick), unit, kind });
}

/// A write to a unit.
fn is_written(next: &mut Snapshot, unit_idx: usize) {
    Arc::make_mut(&mut next.audit).push(Arc::new(AuditRecord {
        tick: Tick(1),
        wall_unix_ns: 0,
        origin: Origin::local(ControlSource::Rest),
        unit: Some(UnitId::from_idx(unit_idx)),
        what: "something".to_owned(),
        needs: bess_core::role::Role::Operator,
        refused: None,
    }));
}

/// Opens a stream that goes on after an event.
async fn resume(served: &Served, query: &str, id: &str) -> Client {
    let mut client = served.client().await;
    let headers = [("last-event-id", id)];
    client.send("GET", &format!("/api/v1/stream{query}"), &headers, "").await;
    assert_eq!(client.head().await.status, 200);
    client
}

async fn next(client: &mut Client, kind: &str) -> StreamedEvent {
    let event = client.event().await.expect("an event");
    assert_eq!(event.kind, kind, "{}", event.data);
    event
}

#[tokio::test]
async fn alarms_events_and_writes_come_as_they_happen_each_as_its_kind() {
    let served = testing::serve().await;
    let mut client = open(&served, "?topics=alarms,events,writes").await;
    let start = next(&mut client, "start").await;
    assert_eq!((&start.data["resumed"], &start.data["events"]), (&json!(false), &json!(0)));
    served.farm.publish(|next| {
        happens(next, 0, true);
        happens(next, 1, false);
        is_written(next, 2);
    });
    let alarm = next(&mut client, "alarm").await;
    assert_eq!((&alarm.data["code"], &alarm.data["unit"]), (&json!("emergency_stop"), &json!(1)));
    let event = next(&mut client, "event").await;
    assert_eq!((&event.data["kind"], &event.data["number"]), (&json!("local"), &json!(2)));
    let write = next(&mut client, "write").await;
    assert_eq!((&write.data["number"], &write.data["what"]), (&json!(1), &json!("something")));
    // The same objects as at the routes.
    assert_eq!(served.get("events").await["events"][0], alarm.data);
    assert_eq!(served.get("writes").await["writes"][0], write.data);
}

#[tokio::test]
async fn a_topic_brings_what_it_names_and_nothing_else() {
    let served = testing::serve().await;
    let mut alarms = open(&served, "?topics=alarms&max_events=1").await;
    let mut events = open(&served, "?topics=events&max_events=2").await;
    let mut writes = open(&served, "?topics=writes&max_events=1").await;
    let mut of_two = open(&served, "?topics=events,writes&unit=2&max_events=2").await;
    for client in [&mut alarms, &mut events, &mut writes, &mut of_two] {
        next(client, "start").await;
    }
    served.farm.publish(|next| {
        happens(next, 0, false);
        happens(next, 1, true);
        is_written(next, 0);
        is_written(next, 1);
    });
    assert_eq!(next(&mut alarms, "alarm").await.data["number"], 2);
    assert!(alarms.event().await.is_none());
    assert_eq!(next(&mut events, "event").await.data["number"], 1);
    assert_eq!(next(&mut events, "alarm").await.data["number"], 2);
    assert!(events.event().await.is_none());
    assert_eq!(next(&mut writes, "write").await.data["number"], 1);
    assert_eq!(next(&mut of_two, "alarm").await.data["unit"], 2);
    assert_eq!(next(&mut of_two, "write").await.data["unit"], 2);
    assert!(of_two.event().await.is_none());
}

#[tokio::test]
async fn a_stream_that_was_cut_off_anywhere_goes_on_without_a_record_twice_or_missing() {
    let served = testing::serve().await;
    let query = "?topics=snapshot,events,writes&rate_hz=10";
    let mut client = open(&served, query).await;
    let mut id = next(&mut client, "start").await.id;
    let (mut events, mut writes) = (Vec::new(), Vec::new());
    for round in 0..12_u64 {
        served.farm.publish(|next| {
            happens(next, 0, round % 2 == 0);
            happens(next, 1, false);
            is_written(next, 0);
        });
        // Cut off after each number of events in turn, whatever they are.
        for _ in 0..round % 4 {
            let event = client.event().await.unwrap();
            id = event.id;
            let number = event.data["number"].as_u64();
            match event.kind.as_str() {
                "alarm" | "event" => events.extend(number),
                "write" => writes.extend(number),
                "snapshot" => {}
                other => panic!("{other}"),
            }
        }
        client = resume(&served, query, &id).await;
        assert_eq!(next(&mut client, "start").await.data["resumed"], true);
    }
    while events.len() < 24 || writes.len() < 12 {
        let event = client.event().await.unwrap();
        let number = event.data["number"].as_u64();
        match event.kind.as_str() {
            "alarm" | "event" => events.extend(number),
            "write" => writes.extend(number),
            _ => {}
        }
    }
    assert_eq!(events, (1..=24).collect::<Vec<_>>());
    assert_eq!(writes, (1..=12).collect::<Vec<_>>());
}

#[tokio::test]
async fn the_id_of_a_snapshot_is_not_ahead_of_the_records_that_came() {
    let served = testing::serve().await;
    let mut client = open(&served, "?topics=snapshot,events&rate_hz=10&max_events=40").await;
    let mut seen = 0;
    while let Some(event) = client.event().await {
        let number: u64 = event.id.split('-').nth(1).unwrap().parse().unwrap();
        match event.kind.as_str() {
            "event" => seen = event.data["number"].as_u64().unwrap(),
            "snapshot" => served.farm.publish(|next| {
                for _ in 0..3 {
                    happens(next, 0, false);
                }
            }),
            _ => {}
        }
        assert_eq!(number, seen, "{} {}", event.kind, event.id);
    }
    assert!(seen > 20);
}

#[tokio::test]
async fn records_that_fell_out_of_the_log_are_told_by_a_gap_and_counted() {
    let served = testing::serve().await;
    served.farm.publish(|next| {
        next.events = Arc::new(Log::new(3));
        next.audit = Arc::new(Log::new(2));
        happens(next, 0, false);
        is_written(next, 0);
    });
    let mut client = open(&served, "?topics=events,writes&last_event_id=0").await;
    next(&mut client, "start").await;
    next(&mut client, "event").await;
    let id = next(&mut client, "write").await.id;
    served.farm.publish(|next| {
        for _ in 0..9 {
            happens(next, 0, false);
            is_written(next, 0);
        }
    });
    let mut client = resume(&served, "?topics=events,writes&max_events=5", &id).await;
    next(&mut client, "start").await;
    let gap = next(&mut client, "gap").await.data;
    assert_eq!(gap, json!({"reason": "overrun", "topic": "events", "lost": 6}));
    for number in 8..=10 {
        assert_eq!(next(&mut client, "event").await.data["number"], number);
    }
    let gap = next(&mut client, "gap").await.data;
    assert_eq!(gap, json!({"reason": "overrun", "topic": "writes", "lost": 7}));
    for number in 9..=10 {
        assert_eq!(next(&mut client, "write").await.data["number"], number);
    }
    assert!(client.event().await.is_none());
    let numbers = served.api.streams.numbers();
    // The first client was told as well, or got them in time: each of its gaps is one of these.
    assert!(numbers.skipped.0[2] >= 6 && numbers.skipped.0[3] >= 7, "{numbers:?}");
}

#[tokio::test]
async fn an_id_of_another_process_is_told_as_a_restart_and_everything_of_this_one_follows() {
    let served = testing::serve().await;
    served.farm.publish(|next| happens(next, 0, false));
    let mut client = resume(&served, "?topics=events&max_events=1", "00000000-7-9").await;
    assert_eq!(next(&mut client, "start").await.data["resumed"], false);
    let gap = next(&mut client, "gap").await.data;
    assert_eq!(gap, json!({"reason": "restarted", "topic": null, "lost": null}));
    assert_eq!(next(&mut client, "event").await.data["number"], 1);
}

#[tokio::test]
async fn the_header_beats_the_parameter_and_both_are_checked() {
    let served = testing::serve().await;
    served.farm.publish(|next| {
        happens(next, 0, false);
        happens(next, 0, false);
    });
    let mut client = open(&served, "?topics=events&last_event_id=0").await;
    next(&mut client, "start").await;
    let first = next(&mut client, "event").await.id;
    // As a browser does: the URL stays, the header moves on.
    let query = "?topics=events&last_event_id=0&max_events=1";
    let mut client = resume(&served, query, &first).await;
    next(&mut client, "start").await;
    assert_eq!(next(&mut client, "event").await.data["number"], 2);
    let run = first.split('-').next().unwrap();
    let ahead = format!("{run}-99-0");
    for id in ["nonsense", "-1", "12", &ahead] {
        let answer = served.ask("GET", &format!("/api/v1/stream?last_event_id={id}")).await;
        assert_eq!(answer.problem(400, "bad_parameter")["field"], "last_event_id", "{id}");
        let mut client = served.client().await;
        let answer = client.ask("GET", "/api/v1/stream", &[("last-event-id", id)], "").await;
        assert_eq!(answer.problem(400, "bad_parameter")["field"], "Last-Event-ID", "{id}");
    }
}

#[tokio::test]
async fn signals_are_chosen_by_name_at_every_level_that_has_them() {
    let served = testing::serve().await;
    served.farm.publish(|next| {
        next.farm.active_power = Watts(5e6);
        next.units[1].measured.soc = 0.25;
        next.units[3].measured.soc = f64::NAN;
    });
    let first = async |query: &str| -> Value {
        let mut client = open(&served, query).await;
        client.event().await.unwrap().data
    };
    let farm = first("?signals=poi.active_power,battery.soc").await;
    assert_eq!(farm["farm"], json!({"poi.active_power": 5e6, "battery.soc": 0.5}));
    assert_eq!((&farm["tick"], farm.get("units")), (&json!(FIRST_TICK), None));
    let units = first("?signals=battery.soc&unit=2,4").await;
    assert_eq!(units["farm"], json!({"battery.soc": 0.5}));
    let expected = json!([
        {"unit": 2, "signals": {"battery.soc": 0.25}},
        {"unit": 4, "signals": {"battery.soc": null}},
    ]);
    assert_eq!(units["units"], expected);
    let all = first("?signals=dc.voltage&units=true").await;
    assert_eq!(all["units"].as_array().unwrap().len(), 10);
    let whole = first("?unit=unit-007").await;
    assert_eq!(whole["unit_list"][0]["number"], 7);
    assert_eq!(whole["unit_list"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn what_cannot_be_streamed_is_refused_with_what_can() {
    let served = testing::serve().await;
    for (query, field) in [
        ("topics=snapshots", "topics"),
        ("topics=", "topics"),
        ("signals=nonsense", "signals"),
        ("signals=dc.voltage", "signals"),
        ("signals=poi.active_power&unit=3", "signals"),
        ("unit=11", "unit"),
        ("unit=3-1", "unit"),
        ("unit=0-2", "unit"),
        ("unit=1,,2", "unit"),
    ] {
        let answer = served.ask("GET", &format!("/api/v1/stream?{query}")).await;
        assert_eq!(answer.problem(400, "bad_parameter")["field"], field, "{query}");
    }
    assert_eq!(served.api.streams.numbers().open, 0, "a refusal keeps no place");
}

/// A farm whose connections are cut off soon, and a client that stopped reading its stream.
async fn served_with_a_stalled_client(query: &str) -> (Served, Client) {
    let config = ApiConfig { stall_timeout: Duration::from_millis(300), ..ApiConfig::default() };
    let served = testing::serve_with(testing::snapshot_with(200), config).await;
    let client = open(&served, query).await;
    (served, client)
}

#[tokio::test]
async fn a_client_that_reads_nothing_is_cut_off_and_counted_while_others_go_on() {
    let (served, _stalled) = served_with_a_stalled_client("?units=true&rate_hz=10").await;
    let mut other = open(&served, "?rate_hz=10").await;
    let deadline = Instant::now() + Duration::from_secs(60);
    while served.api.streams.numbers().dropped == 0 {
        assert!(Instant::now() < deadline, "it was never cut off");
        served.farm.tick();
        other.event().await.expect("others go on");
    }
    let numbers = served.api.streams.numbers();
    assert_eq!((numbers.dropped, numbers.open), (1, 1), "{numbers:?}");
}

#[tokio::test]
async fn a_client_that_reads_slowly_gets_the_newest_snapshot_and_the_others_are_counted() {
    let config = ApiConfig { stall_timeout: Duration::from_secs(60), ..ApiConfig::default() };
    let served = testing::serve_with(testing::snapshot_with(200), config).await;
    let mut slow = open(&served, "?units=true&rate_hz=10").await;
    let mut clock = open(&served, "?rate_hz=10").await;
    let deadline = Instant::now() + Duration::from_secs(60);
    // Nothing is read until the socket is full and snapshots are due that it cannot take.
    let mut sent = served.api.streams.numbers().sent.0[0];
    let mut quiet = 0;
    while quiet < 5 {
        assert!(Instant::now() < deadline, "the socket never filled up");
        served.farm.tick();
        clock.event().await.unwrap();
        let now = served.api.streams.numbers().sent.0[0];
        quiet = if now - sent <= 1 { quiet + 1 } else { 0 };
        sent = now;
    }
    assert_eq!(served.api.streams.numbers().skipped.0[0], 0, "counted when it reads again");
    let newest = served.farm.now().publication;
    let mut publications = Vec::new();
    while publications.last().is_none_or(|last| *last < newest) {
        let event = slow.event().await.unwrap();
        publications.push(event.data["publication"].as_u64().unwrap());
    }
    assert!(publications.is_sorted_by(|one, next| one < next));
    let skipped: u64 = publications.windows(2).map(|pair| pair[1] - pair[0] - 1).sum();
    let counted = served.api.streams.numbers().skipped.0[0];
    assert!(skipped >= 3, "{publications:?}");
    assert!(counted >= 3 && counted <= skipped, "{counted} of {skipped}");
}

#[tokio::test]
async fn a_stop_ends_a_stream_whose_client_reads_nothing() {
    let (served, _stalled) = served_with_a_stalled_client("?units=true&rate_hz=10").await;
    let started = Instant::now();
    served.shutdown.cancel();
    served.task.await.unwrap();
    assert!(started.elapsed() < Duration::from_secs(3), "{:?}", started.elapsed());
}

#[tokio::test]
async fn streams_that_ask_for_the_same_get_the_same_bytes() {
    let served = testing::serve().await;
    let query = "?topics=snapshot,events&units=true&rate_hz=10&max_events=3";
    let mut clients = [open(&served, query).await, open(&served, query).await];
    for client in &mut clients {
        next(client, "start").await;
    }
    served.farm.publish(|next| happens(next, 0, false));
    let mut texts = Vec::new();
    for client in &mut clients {
        next(client, "snapshot").await;
        let event = next(client, "event").await;
        let snapshot = next(client, "snapshot").await;
        texts.push((event.id, event.data, snapshot.id, snapshot.data));
    }
    assert_eq!(texts[0], texts[1]);
}
