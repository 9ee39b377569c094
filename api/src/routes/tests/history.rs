//! `/history` as clients see it; what is kept is tested beside it.

use crate::testing::{self, Served};
use bess_core::units::Watts;
use serde_json::{Value, json};

/// A farm that ran for three seconds more, with its tick for its power.
async fn served() -> Served {
    let served = testing::serve().await;
    for _ in 0..30 {
        served.farm.publish(|next| {
            next.tick.0 += 1;
            next.time.unix_ns += 100_000_000;
            next.farm.active_power = Watts(next.tick.0 as f64);
            next.units[2].measured.soc = f64::NAN;
        });
    }
    served
}

#[tokio::test]
async fn seconds_have_the_least_mean_and_greatest_of_their_ticks() {
    let served = served().await;
    let answer = served.get("history?signal=poi.active_power&step=1s").await;
    assert_eq!((&answer["step"], &answer["tier"]), (&json!("1s"), &json!("1s")));
    assert_eq!(answer["step_s"], 1.0);
    let times = [
        "2026-01-01T00:00:02Z",
        "2026-01-01T00:00:03Z",
        "2026-01-01T00:00:04Z",
        "2026-01-01T00:00:05Z",
    ];
    assert_eq!(answer["time"], json!(times));
    assert_eq!(answer["samples"], json!([10, 10, 10, 1]));
    assert_eq!(answer["available_from"], times[0]);
    let series = &answer["series"][0];
    assert_eq!((&series["signal"], &series["unit"]), (&json!("poi.active_power"), &json!(null)));
    assert_eq!(series["unit_of_measure"], "W");
    // The first tick was at 0 W.
    assert_eq!(series["min"], json!([0.0, 30.0, 40.0, 50.0]));
    assert_eq!(series["mean"], json!([22.5, 34.5, 44.5, 50.0]));
    assert_eq!(series["max"], json!([29.0, 39.0, 49.0, 50.0]));
}

#[tokio::test]
async fn several_signals_of_several_units_are_columns_and_what_was_not_available_is_null() {
    let served = served().await;
    let path = "history?signal=battery.soc,ac.active_power&unit=2-3&step=1m&from=0";
    let answer = served.get(path).await;
    let series = answer["series"].as_array().unwrap();
    let names = |key: &str| series.iter().map(|series| series[key].clone()).collect::<Vec<_>>();
    assert_eq!(names("unit"), [2, 3, 2, 3]);
    assert_eq!(
        names("signal"),
        ["battery.soc", "battery.soc", "ac.active_power", "ac.active_power"]
    );
    assert_eq!(names("mean"), [json!([0.0]), json!([0.0]), json!([0.0]), json!([0.0])]);
    let last = served.get("history?signal=battery.soc&unit=3&step=1s&from=now").await;
    assert_eq!(last["series"][0]["mean"], json!([null]));
    let several = served.get("history?signal=battery.soc&signal=poi.frequency").await;
    assert_eq!(several["series"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn a_range_is_given_by_instants_by_times_ago_or_by_ticks() {
    let served = served().await;
    for (range, samples) in [
        ("from=2026-01-01T00:00:03Z&to=2026-01-01T00:00:04Z", json!([10])),
        ("from=2026-01-01T00:00:03.5Z&to=2026-01-01T00:00:03.6Z", json!([10])),
        ("from=-1s", json!([10, 1])),
        ("from=-1s&to=-1s", json!([10])),
        ("from=30&to=39", json!([10])),
        ("from=39&to=40", json!([10, 10])),
        ("from=now", json!([1])),
        ("from=-1h&to=-30m", json!([])),
        ("from=2026-01-02T00:00:00Z&to=2026-01-03T00:00:00Z", json!([])),
    ] {
        let answer = served.get(&format!("history?signal=battery.soc&step=1s&{range}")).await;
        assert_eq!(answer["samples"], samples, "{range}");
    }
    let answer = served.get("history?signal=battery.soc&from=39&to=40&step=1s").await;
    assert_eq!(answer["from"], "2026-01-01T00:00:03Z", "out to the border of a bucket");
    assert_eq!(answer["to"], "2026-01-01T00:00:05Z");
}

#[tokio::test]
async fn who_was_answered_after_a_tick_finds_it_in_the_history() {
    let served = testing::serve().await;
    for steps in 1..20 {
        served.apply("PATCH", "clock", &format!("{{\"step_ticks\": {steps}}}")).await;
        let tick = served.farm.now().tick.0;
        let range = format!("from={tick}&to={tick}&step=100ms");
        let answer = served.get(&format!("history?signal=battery.soc&{range}")).await;
        assert_eq!(answer["samples"], json!([1]), "tick {tick}");
    }
}

#[tokio::test]
async fn as_csv_there_is_a_row_for_each_bucket() {
    let served = served().await;
    let answer =
        served.ask("GET", "/api/v1/history?signal=poi.active_power&step=1s&format=csv").await;
    assert_eq!(answer.header("content-type"), Some("text/csv; charset=utf-8"));
    assert_eq!(answer.header("vary"), Some("accept"));
    let lines: Vec<&str> = answer.text().lines().collect();
    assert_eq!(
        lines[0],
        "time,samples,poi.active_power.min_w,poi.active_power.mean_w,poi.active_power.max_w"
    );
    assert_eq!(lines[1], "2026-01-01T00:00:02Z,10,0,22.5,29");
    assert_eq!(lines.len(), 5);
    let mut client = served.client().await;
    let accept = [("accept", "text/csv")];
    let path = "/api/v1/history?signal=battery.soc&unit=3&from=now&step=1s";
    let answer = client.ask("GET", path, &accept, "").await;
    let expected = "time,samples,unit3.battery.soc.min,unit3.battery.soc.mean,unit3.battery.soc.max\n2026-01-01T00:00:05Z,1,,,\n";
    assert_eq!(answer.text(), expected);
}

#[tokio::test]
async fn the_signals_say_what_is_kept_and_since_when() {
    let served = served().await;
    let answer = served.get("history/signals").await;
    let names = |level: &str, list: &str, key: &str| -> Vec<Value> {
        let list = answer[level][list].as_array().unwrap();
        list.iter().map(|item| item[key].clone()).collect()
    };
    assert_eq!(names("farm", "tiers", "step"), ["100ms", "1s", "1m"]);
    assert_eq!(names("farm", "tiers", "span"), ["10m", "6h", "30d"]);
    assert_eq!(names("unit", "tiers", "step"), ["1s", "1m"]);
    assert!(names("farm", "signals", "signal").contains(&json!("poi.frequency")));
    assert!(names("unit", "signals", "signal").contains(&json!("battery.soc")));
    assert_eq!(names("farm", "tiers", "from")[1], "2026-01-01T00:00:02Z");
    assert_eq!(answer["memory_limit_bytes"], 256_000_000);
    assert!(answer["memory_bytes"].as_u64().unwrap() < 256_000_000);
    assert_eq!(answer["ticks_dropped"], 0);
}

#[tokio::test]
async fn what_cannot_be_answered_is_refused_with_what_can() {
    let served = served().await;
    for (query, field) in [
        ("", "signal"),
        ("signal=", "signal"),
        ("signal=nonsense", "signal"),
        ("signal=ac.active_power", "signal"),
        ("signal=poi.active_power&unit=1", "signal"),
        ("signal=gas.volume&unit=1", "signal"),
        ("signal=battery.soc&unit=11", "unit"),
        ("signal=battery.soc&from=yesterday", "from"),
        ("signal=battery.soc&to=10m", "to"),
        ("signal=battery.soc&from=now&to=-1h", "from"),
        ("signal=battery.soc&from=40&to=39", "from"),
        ("signal=battery.soc&step=0s", "step"),
        ("signal=battery.soc&step=-1s", "step"),
        ("signal=battery.soc&step=50ms", "step"),
        ("signal=battery.soc&step=10", "step"),
        ("signal=battery.soc&step=30d", "step"),
        ("signal=battery.soc&unit=1&step=100ms", "step"),
        ("signal=battery.soc&format=xml", "format"),
    ] {
        let answer = served.ask("GET", &format!("/api/v1/history?{query}")).await;
        assert_eq!(answer.problem(400, "bad_parameter")["field"], field, "{query}");
    }
    let answer = served.ask("GET", "/api/v1/history?signal=ac.active_power").await;
    let problem = answer.problem(400, "bad_parameter");
    assert!(problem["detail"].as_str().unwrap().contains("give `unit`"), "{problem}");
    let answer = served.ask("GET", "/api/v1/history?signal=battery.soc&unit=1&step=100ms").await;
    assert_eq!(answer.problem(400, "bad_parameter")["allowed"], json!(["1s", "1m"]));
}
