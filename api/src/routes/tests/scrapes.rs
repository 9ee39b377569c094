//! The port of the metrics, spoken to as a scraper does.

use crate::testing::{self, Client, Served};
use std::sync::Arc;
use tokio::net::TcpListener;

/// A client of the metrics of `served`.
async fn scraper(served: &Served) -> Client {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let api = Arc::clone(&served.api);
    tokio::spawn(api.serve_metrics(listener, served.shutdown.clone()));
    Client::connect(address).await
}

#[tokio::test]
async fn each_endpoint_answers_in_the_format_that_is_asked_for() {
    let served = testing::serve().await;
    let mut client = scraper(&served).await;
    for path in ["/metrics", "/metrics/units?limit=3"] {
        let accept = [("accept", "application/openmetrics-text;version=1.0.0")];
        let open_metrics = client.ask("GET", path, &accept, "").await;
        let classic = client.ask("GET", path, &[], "").await;
        assert_eq!((open_metrics.status, classic.status), (200, 200));
        let of = |answer: &testing::Answer| answer.header("content-type").unwrap().to_owned();
        assert!(of(&open_metrics).starts_with("application/openmetrics-text"));
        assert!(of(&classic).starts_with("text/plain"));
        let text = String::from_utf8(open_metrics.body).unwrap();
        assert!(text.ends_with("\n# EOF\n"), "{path}");
        assert!(text.contains("bess_unit_soc_ratio{unit=\"3\"} "), "{path}");
        assert_eq!(text.contains("bess_unit_soc_ratio{unit=\"4\"} "), path == "/metrics");
        assert!(!String::from_utf8(classic.body).unwrap().contains("# EOF"));
    }
}

#[tokio::test]
async fn what_is_not_known_of_units_is_refused_with_what_is() {
    let served = testing::serve().await;
    let mut client = scraper(&served).await;
    for (query, field, allowed) in [
        ("collect[]=soc&collect[]=sox", "collect[]", "soc_ratio"),
        ("collect%5B%5D=", "collect[]", "soc_ratio"),
        ("limit=0", "limit", "100000"),
        ("limit=100001", "limit", "100000"),
        ("limit=5&limit=6", "limit", ""),
        ("from=-1", "from", "100000"),
        ("state=sleeping", "state", "tripped"),
        ("colect[]=soc", "colect[]", ""),
    ] {
        let answer = client.ask("GET", &format!("/metrics/units?{query}"), &[], "").await;
        let problem = answer.problem(400, "bad_parameter");
        assert_eq!(problem["field"], field, "{query}: {problem}");
        assert!(problem.to_string().contains(allowed), "{query}: {problem}");
    }
    let answer = client.ask("POST", "/metrics/units", &[], "").await;
    answer.problem(405, "wrong_method");
    let answer = client.ask("GET", "/metrics/racks", &[], "").await;
    answer.problem(404, "no_such_route");
}
