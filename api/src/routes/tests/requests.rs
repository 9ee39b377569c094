//! Ids and traces of requests: in the answer, in problems, in letters, in spans.

use crate::testing::{self, Served};
use bess_core::trace::{FieldValue, Sort, Span, SpanKind, TraceContext, Tracer};
use serde_json::json;
use std::sync::{Arc, Mutex};

const TRACEPARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
const POWER: &str = "{\"active_power_w\": 1000}";

async fn put(served: &Served, headers: &[(&str, &str)], body: &str) -> testing::Answer {
    let mut all = vec![("content-type", "application/json")];
    all.extend(headers);
    served.client().await.ask("PUT", "/api/v1/units/2/setpoint", &all, body).await
}

#[tokio::test]
async fn the_id_of_a_request_is_in_its_answer_and_in_its_letter() {
    let served = testing::serve().await;
    let answer = put(&served, &[("x-request-id", "ems-7/42")], POWER).await;
    assert_eq!((answer.status, answer.header("x-request-id")), (200, Some("ems-7/42")));
    let origin = served.farm.origins().pop().unwrap();
    assert_eq!(origin.request_id.as_deref(), Some("ems-7/42"));
    assert_eq!(origin.trace, None);
}

#[tokio::test]
async fn a_request_without_a_sane_id_gets_a_new_one() {
    let served = testing::serve().await;
    let long = "x".repeat(129);
    let mut seen = Vec::new();
    for bad in [
        &[][..],
        &[("x-request-id", "")],
        &[("x-request-id", "a b")],
        &[("x-request-id", "a\"b")],
        &[("x-request-id", &*long)],
        &[("x-request-id", "one"), ("x-request-id", "two")],
    ] {
        let answer = put(&served, bad, POWER).await;
        let id = answer.header("x-request-id").unwrap().to_owned();
        assert_eq!(id.len(), 17, "{bad:?}: {id}");
        assert!(!seen.contains(&id), "none repeats");
        seen.push(id);
    }
    let longest = "x".repeat(128);
    let answer = put(&served, &[("x-request-id", &longest)], POWER).await;
    assert_eq!(answer.header("x-request-id"), Some(&*longest));
}

#[tokio::test]
async fn a_problem_names_the_request_and_so_does_the_audit_of_a_refusal() {
    let served = testing::serve().await;
    let answer = put(&served, &[("x-request-id", "r1")], "{\"active_power_w\": \"5 MW\"}").await;
    assert_eq!(answer.problem(422, "bad_field")["request_id"], "r1");
    assert_eq!(served.farm.origins().pop().unwrap().request_id.as_deref(), Some("r1"));
    let headers = [("x-request-id", "r2")];
    let missing = served.client().await.ask("GET", "/api/v1/nothing", &headers, "").await;
    assert_eq!(missing.problem(404, "no_such_route")["request_id"], "r2");
}

#[tokio::test]
async fn a_request_id_survives_a_handler_that_panics() {
    let served = testing::serve().await;
    served.farm.set_temper(testing::Temper::Broken);
    let answer = put(&served, &[("x-request-id", "r3")], POWER).await;
    assert_eq!(answer.problem(500, "internal")["request_id"], "r3");
    assert_eq!(answer.header("x-request-id"), Some("r3"));
}

#[tokio::test]
async fn the_trace_of_a_caller_goes_with_the_letter_although_nobody_collects_spans() {
    let served = testing::serve().await;
    put(&served, &[("traceparent", TRACEPARENT)], POWER).await;
    let origin = served.farm.origins().pop().unwrap();
    assert_eq!(origin.trace, TraceContext::parse(TRACEPARENT));
    let answer = put(&served, &[("traceparent", "00-zz-1-01")], POWER).await;
    assert_eq!(answer.status, 200, "what is no traceparent is passed over");
    assert_eq!(served.farm.origins().pop().unwrap().trace, None);
}

/// Collects writes, and reads of callers whose trace is collected.
#[derive(Debug, Default)]
struct Collector(Mutex<Vec<Span>>);

impl Tracer for Collector {
    fn samples(&self, sort: Sort) -> bool {
        sort == Sort::Write
    }
    fn begin(&self, caller: Option<TraceContext>, sort: Sort) -> Option<TraceContext> {
        let is_sampled = caller.map_or(sort == Sort::Write, |caller| caller.is_sampled);
        let trace_id = caller.map_or(1, |caller| caller.trace_id);
        is_sampled.then_some(TraceContext { trace_id, span_id: 77, is_sampled })
    }
    fn child(&self, parent: TraceContext) -> TraceContext {
        parent
    }
    fn end(&self, span: Span) {
        self.0.lock().unwrap().push(span);
    }
}

#[tokio::test]
async fn a_request_leaves_one_span_below_that_of_its_caller() {
    let served = testing::serve().await;
    let collector = Arc::new(Collector::default());
    served.farm.trace(Arc::clone(&collector) as Arc<dyn Tracer>);
    put(&served, &[("traceparent", TRACEPARENT), ("x-request-id", "r4")], POWER).await;
    let span = collector.0.lock().unwrap().pop().unwrap();
    let caller = TraceContext::parse(TRACEPARENT).unwrap();
    assert_eq!((span.context.trace_id, span.parent), (caller.trace_id, Some(caller)));
    assert_eq!(span.name, "PUT /api/v1/units/{id}/setpoint");
    assert_eq!((span.kind, &span.error), (SpanKind::Server, &None));
    assert!(span.start_unix_ns > 0 && span.end_unix_ns >= span.start_unix_ns);
    for (name, value) in [
        ("http.request.method", FieldValue::from("PUT")),
        ("http.route", "/api/v1/units/{id}/setpoint".into()),
        ("url.path", "/api/v1/units/2/setpoint".into()),
        ("http.response.status_code", 200.into()),
        ("bess.request_id", "r4".into()),
    ] {
        assert!(span.fields.contains(&(name, value)), "{name} in {span:?}");
    }
    let letter = served.farm.origins().pop().unwrap().trace.unwrap();
    assert_eq!(letter, span.context, "the letter belongs to the request's span");
}

#[tokio::test]
async fn who_collects_decides_what_leaves_a_span() {
    let served = testing::serve().await;
    let collector = Arc::new(Collector::default());
    served.farm.trace(Arc::clone(&collector) as Arc<dyn Tracer>);
    let n_spans = || collector.0.lock().unwrap().len();
    served.get("farm").await;
    assert_eq!(n_spans(), 0, "reads are not asked for");
    let mut client = served.client().await;
    client.ask("GET", "/api/v1/farm", &[("traceparent", TRACEPARENT)], "").await;
    assert_eq!(n_spans(), 1, "but a caller's trace is carried on");
    let unsampled = TRACEPARENT.replace("-01", "-00");
    put(&served, &[("traceparent", &unsampled)], POWER).await;
    assert_eq!(n_spans(), 1, "unless the caller does not collect it");
    assert_eq!(served.farm.origins().pop().unwrap().trace, TraceContext::parse(&unsampled));
    put(&served, &[], "{}").await;
    let refused = collector.0.lock().unwrap().pop().unwrap();
    assert!(refused.fields.contains(&("http.response.status_code", 422.into())));
    assert_eq!((refused.error, refused.parent), (None, None), "a client's error is not ours");
    assert_eq!(json!(n_spans()), json!(1));
}
