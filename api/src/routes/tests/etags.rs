//! Entity tags: what a client has already is not sent again, and never too little.

use crate::testing::{self, Served};

/// Every resource that shows the snapshot alone.
const TAGGED: [&str; 20] = [
    "farm",
    "farm?fields=soc",
    "units",
    "units?format=csv",
    "units?fields=number&sort=-soc",
    "units/1",
    "units/unit-001",
    "units/1?fields=state",
    "units/1/racks",
    "units/1/cells",
    "units/1/cells?format=binary",
    "units/1/functions",
    "alarms",
    "events",
    "writes?format=csv",
    "farm/plant",
    "farm/forced",
    "grid",
    "clock",
    "endpoints",
];

/// Status, tag and body for what the client has.
async fn ask(served: &Served, path: &str, has: Option<&str>) -> (u16, String, Vec<u8>) {
    let mut client = served.client().await;
    let headers: Vec<(&str, &str)> = has.map(|tag| ("if-none-match", tag)).into_iter().collect();
    let answer = client.ask("GET", &format!("/api/v1/{path}"), &headers, "").await;
    let tag = answer.header("etag").unwrap_or_else(|| panic!("{path}: no tag")).to_owned();
    assert_eq!(answer.header("cache-control"), Some("no-cache"), "{path}");
    assert_eq!(answer.header("vary"), Some("accept"), "{path}");
    (answer.status, tag, answer.body)
}

#[tokio::test]
async fn what_a_client_has_is_not_sent_again_until_something_is_published() {
    let served = testing::serve().await;
    // From then on cells are in every snapshot.
    served.get("units/1/cells").await;
    for path in TAGGED {
        let (status, tag, body) = ask(&served, path, None).await;
        assert_eq!(status, 200, "{path}");
        assert!(tag.starts_with('"') && !body.is_empty(), "{path}: {tag}");
        for has in [tag.clone(), format!("W/{tag}"), format!("\"other\", {tag}"), "*".to_owned()] {
            let (status, again, body) = ask(&served, path, Some(&has)).await;
            assert_eq!((status, &again, body.len()), (304, &tag, 0), "{path} {has}");
        }
        // The same publication, so that the same bytes.
        assert_eq!(ask(&served, path, None).await, (200, tag.clone(), body), "{path}");
        served.farm.tick();
        let (status, newer, body) = ask(&served, path, Some(&tag)).await;
        assert_eq!((status, body.is_empty()), (200, false), "{path}");
        assert_ne!(newer, tag, "{path}");
    }
}

#[tokio::test]
async fn a_change_while_the_clock_is_paused_makes_another_tag() {
    let served = testing::serve().await;
    let (_, tag, _) = ask(&served, "units/1", None).await;
    served.farm.publish(|next| next.units[0].is_local = true);
    let (status, _, body) = ask(&served, "units/1", Some(&tag)).await;
    assert_eq!(status, 200);
    assert!(String::from_utf8(body).unwrap().contains("\"local\":true"));
}

#[tokio::test]
async fn forms_and_runs_have_tags_of_their_own() {
    let served = testing::serve().await;
    let (_, json, _) = ask(&served, "units", None).await;
    let (_, csv, _) = ask(&served, "units?format=csv", None).await;
    assert_ne!(json, csv);
    let (status, ..) = ask(&served, "units?format=csv", Some(&json)).await;
    assert_eq!(status, 200);
    // The same farm at the same publication, served by another run.
    let other = testing::serve().await;
    assert_eq!(other.farm.now().publication, served.farm.now().publication);
    let (status, ..) = ask(&other, "units", Some(&json)).await;
    assert_eq!(status, 200);
}

#[tokio::test]
async fn a_refusal_is_a_refusal_whatever_the_client_has() {
    let served = testing::serve().await;
    let mut client = served.client().await;
    for (path, status) in
        [("units/99", 404), ("units?from=x", 400), ("units/1?fields=zzz", 400), ("farm?a=1", 400)]
    {
        let path = format!("/api/v1/{path}");
        let answer = client.ask("GET", &path, &[("if-none-match", "*")], "").await;
        assert_eq!(answer.status, status, "{path}");
        assert_eq!(answer.header("etag"), None, "{path}");
    }
}

#[tokio::test]
async fn head_has_the_tag_of_get_and_is_conditional_too() {
    let served = testing::serve().await;
    let mut client = served.client().await;
    for path in ["/api/v1/farm", "/api/v1/units/3", "/api/v1/units?format=csv"] {
        let get = client.ask("GET", path, &[], "").await;
        let head = client.ask("HEAD", path, &[], "").await;
        assert_eq!(head.status, 200);
        for name in ["etag", "content-length", "content-type", "vary", "cache-control"] {
            assert_eq!(head.header(name), get.header(name), "{path} {name}");
        }
        let tag = get.header("etag").unwrap();
        let head = client.ask("HEAD", path, &[("if-none-match", tag)], "").await;
        assert_eq!((head.status, head.header("etag")), (304, Some(tag)), "{path}");
    }
}

#[tokio::test]
async fn what_is_not_of_the_snapshot_alone_has_no_tag() {
    let served = testing::serve().await;
    for path in ["/api/v1/links", "/api/v1/units/1/points", "/healthz", "/readyz"] {
        let answer = served.ask("GET", path).await;
        assert_eq!((answer.status, answer.header("etag")), (200, None), "{path}");
    }
}

#[tokio::test]
async fn a_read_counts_as_a_sign_of_life_also_when_nothing_is_sent() {
    let served = testing::serve().await;
    let (_, tag, _) = ask(&served, "units/2", None).await;
    ask(&served, "units/2", Some(&tag)).await;
    ask(&served, "units/2", None).await;
    assert_eq!(served.farm.noted().len(), 3);
}
