//! Link conditions: set, shown with what they did, cleared.

use crate::testing::{self, FIRST_TICK, Served};
use bess_core::command::{Command, Request};
use bess_core::id::UnitId;
use bess_core::link::{LinkCondition, LinkEffect, LinkScope};
use bess_core::time::Tick;
use serde_json::{Value, json};

async fn set(served: &Served, body: Value) -> LinkCondition {
    served.apply("POST", "links", &body.to_string()).await;
    match served.farm.letters().pop() {
        Some(Request::Control(Command::SetLink(condition))) => *condition,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_condition_is_set_with_everything_that_it_says() {
    let served = testing::serve().await;
    let seed = served.farm.now().spec.seed;
    let plain = set(&served, json!({"name": "a", "effect": "drop"})).await;
    let expected = LinkCondition {
        name: "a".to_owned(),
        effect: LinkEffect::Drop,
        scope: LinkScope::default(),
        probability: 1.0,
        seed,
        until: None,
    };
    assert_eq!(plain, expected);
    let now = served.farm.now().tick.0;
    let full = json!({
        "name": "slow-1", "effect": "delay", "delay_s": 0.5, "jitter_s": 0.25, "listener": "main",
        "unit": "unit-003", "device": "bms", "functions": [3, 4], "first_register": 0, "last_register": 124,
        "peer": "10.0.0.0/8", "probability": 0.5, "seed": 7, "duration_s": 60,
    });
    let expected = LinkCondition {
        name: "slow-1".to_owned(),
        effect: LinkEffect::Delay { delay_s: 0.5, jitter_s: 0.25 },
        scope: LinkScope {
            listener: Some("main".to_owned()),
            unit: Some(UnitId::from_idx(2)),
            part: Some(bess_core::device::Part::Bms),
            functions: vec![3, 4],
            registers: Some((0, 124)),
            peer: Some("10.0.0.0/8".parse().unwrap()),
        },
        probability: 0.5,
        seed: 7,
        until: Some(Tick(now + 602)),
    };
    assert_eq!(set(&served, full).await, expected);
    let one =
        json!({"name": "b", "effect": "exception", "exception": 6, "unit": 3, "first_register": 7});
    let one = set(&served, one).await;
    assert_eq!((one.effect, one.scope.registers), (LinkEffect::Exception(6), Some((7, 7))));
    assert_eq!(one.scope.unit, Some(UnitId::from_idx(2)));
}

#[tokio::test]
async fn every_effect_can_be_set_by_its_name() {
    let served = testing::serve().await;
    for name in LinkEffect::NAMES {
        let mut body = json!({"name": name, "effect": name});
        match name {
            "delay" => body["delay_s"] = json!(1),
            "exception" => body["exception"] = json!(4),
            "split" => body["gap_s"] = json!(0.1),
            "stale_time" => body["by_s"] = json!(30),
            "burst_loss" => {
                for (key, chance) in [("good_to_bad", 0.1), ("bad_to_good", 0.5), ("loss_bad", 0.9)]
                {
                    body[key] = json!(chance);
                }
            }
            "bandwidth" => body["bytes_per_s"] = json!(1200),
            "limit_clients" | "limit_connections" => body["max_clients"] = json!(1),
            _ => {}
        }
        assert_eq!(set(&served, body).await.effect.name(), name);
    }
    let links = served.get("links").await;
    let effects = links["links"].as_array().unwrap().iter().map(|link| &link["effect"]);
    assert!(
        effects.eq(LinkEffect::NAMES.iter().map(|name| json!(name)).collect::<Vec<_>>().iter())
    );
}

#[tokio::test]
async fn conditions_are_shown_with_what_they_did_and_cleared_by_name_or_all() {
    let served = testing::serve().await;
    set(&served, json!({"name": "a", "effect": "drop", "probability": 0})).await;
    let body = json!({"name": "b", "effect": "split", "gap_s": 0.5, "unit": 2, "duration_s": 1.0});
    set(&served, body).await;
    let link = &served.farm.now().link;
    (0..3).for_each(|_| assert_eq!(link[0].take(), None));
    (0..2).for_each(|n| assert_eq!(link[1].take(), Some(n)));
    let shown = served.get("links").await;
    let seed = served.farm.now().spec.seed;
    let first = json!({
        "name": "a", "effect": "drop", "listener": null, "unit": null, "functions": [],
        "device": null, "first_register": null, "last_register": null, "peer": null, "probability": 0.0,
        "seed": seed, "since_tick": FIRST_TICK + 1, "until_tick": null, "remaining_s": null,
        "seen": 3, "hits": 0,
    });
    assert_eq!(shown["links"][0], first);
    let second = &shown["links"][1];
    assert_eq!((&second["gap_s"], &second["hits"]), (&json!(0.5), &json!(2)));
    // Set at tick 21, in force up to and with tick 32, and it is tick 22 now.
    assert_eq!((&second["until_tick"], &second["remaining_s"]), (&json!(33), &json!(1.0)));
    let answer = served.ask("DELETE", "/api/v1/links/c").await;
    let problem = answer.problem(404, "no_such_link");
    assert_eq!((&problem["field"], &problem["allowed"]), (&json!("name"), &json!(["a", "b"])));
    assert_eq!(served.ask("DELETE", "/api/v1/links/a").await.status, 200);
    assert_eq!(served.get("links").await["links"].as_array().unwrap().len(), 1);
    assert_eq!(served.ask("DELETE", "/api/v1/links").await.status, 200);
    assert_eq!(served.get("links").await["links"], json!([]));
}

#[tokio::test]
async fn what_is_not_possible_is_refused_with_its_field_and_told_to_the_audit_once() {
    let served = testing::serve().await;
    let cases = [
        (json!({"effect": "lag"}), "out_of_range", "effect", true),
        (json!({"effect": "delay"}), "not_possible", "delay_s", true),
        (json!({"effect": "drop", "gap_s": 1}), "not_possible", "gap_s", true),
        (json!({"effect": "exception", "exception": 300}), "out_of_range", "exception", true),
        (json!({"effect": "drop", "unit": 11}), "out_of_range", "unit", true),
        (json!({"effect": "drop", "unit": true}), "bad_field", "unit", true),
        (json!({"effect": "drop", "device": "bsm"}), "out_of_range", "device", true),
        (json!({"effect": "drop", "peer": "10.1.0.0/8"}), "bad_field", "peer", true),
        (json!({"effect": "drop", "last_register": 5}), "bad_field", "first_register", true),
        (json!({"effect": "drop", "duration_s": 0}), "out_of_range", "duration_s", true),
        (json!({"effect": "drop", "until": 5}), "unknown_field", "until", true),
        // These the loop refuses, and notes itself.
        (json!({"effect": "drop", "probability": 2}), "out_of_range", "probability", false),
        (json!({"effect": "drop", "functions": [0]}), "out_of_range", "functions", false),
        (json!({"effect": "refuse", "functions": [3]}), "not_possible", "functions", false),
    ];
    let mut n_told = 0;
    for (mut body, slug, field, is_told) in cases {
        body["name"] = json!("a");
        let answer = served.send("POST", "links", &body.to_string()).await;
        assert_eq!(answer.problem(422, slug)["field"], field, "{body}");
        n_told += usize::from(is_told);
        assert_eq!(served.farm.refusals().len(), n_told, "{body}");
    }
    assert!(served.farm.now().link.is_empty());
    let peer =
        served.send("POST", "links", r#"{"name": "a", "effect": "drop", "peer": "x"}"#).await;
    let detail = peer.problem(422, "bad_field")["detail"].clone();
    assert_eq!(
        detail,
        "peer: \"x\" is neither an address such as 192.0.2.7 nor a network such as 10.0.0.0/8"
    );
}
