//! Health and readiness.

use crate::testing;
use std::sync::atomic::Ordering::Relaxed;

#[tokio::test]
async fn a_process_whose_loop_beats_is_alive() {
    let served = testing::serve().await;
    let health = served.ask("GET", "/healthz").await.json();
    assert_eq!(health["status"], "ok");
}

#[tokio::test]
async fn a_loop_that_stopped_beating_makes_the_process_sick() {
    let served = testing::serve().await;
    let beat = &served.stats.ticks.last_beat_unix_ns;
    beat.store(testing::now_unix_ns() - 6_000_000_000, Relaxed);
    let answer = served.ask("GET", "/healthz").await;
    let problem = answer.problem(503, "loop_silent");
    assert!(problem["detail"].as_str().unwrap().contains("6."));
    assert_eq!(answer.header("retry-after"), Some("5"));
    beat.store(testing::now_unix_ns(), Relaxed);
    assert_eq!(served.ask("GET", "/healthz").await.status, 200);
}

#[tokio::test]
async fn a_loop_that_never_beat_is_said_so() {
    let served = testing::serve().await;
    served.stats.ticks.last_beat_unix_ns.store(0, Relaxed);
    let problem = served.ask("GET", "/healthz").await.problem(503, "loop_silent");
    assert_eq!(problem["detail"], "the tick loop has not beaten yet");
}

#[tokio::test]
async fn readiness_follows_who_knows_and_does_not_touch_health() {
    let served = testing::serve().await;
    assert_eq!(served.ask("GET", "/readyz").await.json()["status"], "ok");
    served.ready.set(false);
    let answer = served.ask("GET", "/readyz").await;
    answer.problem(503, "not_ready");
    assert_eq!(answer.header("retry-after"), Some("1"));
    assert_eq!(served.ask("GET", "/healthz").await.status, 200);
    served.ready.set(true);
    assert_eq!(served.ask("GET", "/readyz").await.status, 200);
}
