//! Server-sent events.

use crate::ApiConfig;
use crate::testing::{self, Client, FIRST_TICK, Served};
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
    assert_eq!(event.id, FIRST_TICK + 1);
    assert_eq!(event.data["tick"], FIRST_TICK);
    assert_eq!(event.data["publication"], FIRST_TICK + 1);
    assert_eq!(event.data["soc"], 0.5);
    assert_eq!(event.data.get("unit_list"), None);
}

#[tokio::test]
async fn ids_rise_and_the_stream_ends_after_max_events() {
    let served = testing::serve().await;
    let mut client = open(&served, "?rate_hz=10&max_events=3").await;
    let mut ids = Vec::new();
    while let Some(event) = client.event().await {
        ids.push(event.id);
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
