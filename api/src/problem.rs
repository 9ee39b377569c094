//! The one error form: RFC 9457 problem details, `application/problem+json`.
//!
//! Every refusal is a row of [`kind`] plus what was wrong: the field, the value and what is allowed.
//! Rejections of the loop become problems here and nowhere else. `type` is a URN that scripts may
//! compare; nothing is served behind it.

use crate::wire::Num;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bess_core::alarm::AlarmKey;
use bess_core::command::Rejection;
use bess_core::id::UnitNumbers;
use serde::Serialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use utoipa::ToSchema;
use utoipa::openapi::example::ExampleBuilder;
use utoipa::openapi::schema::{Object, Type};
use utoipa::openapi::{ContentBuilder, Header, Ref, RefOr, ResponseBuilder};

/// What kind of refusal: its status, the end of its `type`, its title.
#[derive(Debug)]
pub(crate) struct Kind {
    pub(crate) status: StatusCode,
    pub(crate) slug: &'static str,
    pub(crate) title: &'static str,
    /// Seconds for `Retry-After`, where trying again helps.
    pub(crate) retry_after_s: Option<u32>,
}

/// Every kind of refusal, one row each.
pub(crate) mod kind {
    use super::{Kind, StatusCode};

    macro_rules! kinds {
        ($($name:ident $status:ident $slug:literal $title:literal $retry:expr;)*) => {
            $(pub(crate) const $name: Kind = Kind {
                status: StatusCode::$status, slug: $slug, title: $title, retry_after_s: $retry,
            };)*
            /// All of them.
            #[cfg(test)]
            pub(crate) const ALL: &[&Kind] = &[$(&$name,)*];
        };
    }

    kinds! {
        MALFORMED_JSON BAD_REQUEST "malformed_json" "The body is not JSON" None;
        NOT_TEXT BAD_REQUEST "not_text" "The body is not text" None;
        BAD_PARAMETER BAD_REQUEST "bad_parameter" "A query parameter is not allowed" None;
        UNAUTHENTICATED UNAUTHORIZED "unauthenticated" "A token is needed" None;
        FORBIDDEN FORBIDDEN "forbidden" "The role of the token does not allow it" None;
        FOREIGN_PAGE FORBIDDEN "foreign_page" "The request comes from a page of another origin" None;
        BAD_HEADER BAD_REQUEST "bad_header" "A header is not allowed" None;
        NO_SUCH_ROUTE NOT_FOUND "no_such_route" "There is no such resource" None;
        NO_SUCH_UNIT NOT_FOUND "no_such_unit" "The farm has no such unit" None;
        NO_SUCH_RACK NOT_FOUND "no_such_rack" "The unit has no such rack" None;
        NO_SUCH_LINK NOT_FOUND "no_such_link" "There is no such link condition" None;
        NO_HISTORY NOT_FOUND "no_history" "This server keeps no history" None;
        NO_SUCH_RUNBOOK NOT_FOUND "no_such_runbook" "There is no such runbook" None;
        NO_MAPS NOT_FOUND "no_maps" "This server has no register maps" None;
        NO_STAGE NOT_FOUND "no_stage" "This server directs no faults or scenarios" None;
        NO_SUCH_FAULT NOT_FOUND "no_such_fault" "There is no such fault" None;
        NO_SUCH_SCENARIO NOT_FOUND "no_such_scenario" "There is no such scenario" None;
        NO_SUCH_RUN NOT_FOUND "no_such_run" "There is no such run" None;
        NO_LOG NOT_FOUND "no_log" "This server has no log to set" None;
        NO_SUCH_SHARD NOT_FOUND "no_such_shard" "The farm has no such shard" None;
        NO_SUCH_LOAD NOT_FOUND "no_such_load" "The island has no such load" None;
        WRONG_METHOD METHOD_NOT_ALLOWED "wrong_method" "The resource does not have this method" None;
        NOT_ACCEPTABLE NOT_ACCEPTABLE "not_acceptable" "The answer has no such form" None;
        SLOW_BODY REQUEST_TIMEOUT "slow_body" "The body did not arrive in time" None;
        WRONG_STATE CONFLICT "wrong_state" "The state does not allow it" None;
        LOCAL_CONTROL CONFLICT "local_control" "The unit is under local control" None;
        LEASED CONFLICT "leased" "Somebody else holds the unit" None;
        STEP_CUT_SHORT CONFLICT "step_cut_short" "The clock did something else before the step was done" None;
        NOT_DONE CONFLICT "not_done" "The run is not done yet" None;
        RESET_REFUSED CONFLICT "reset_refused" "The cause of an alarm is still there" None;
        KEY_IN_USE CONFLICT "idempotency_key_in_use" "A request with this key is in hand" Some(1);
        URI_TOO_LONG URI_TOO_LONG "uri_too_long" "The path and query are too long" None;
        BODY_TOO_LARGE PAYLOAD_TOO_LARGE "body_too_large" "The body is too large" None;
        WRONG_CONTENT_TYPE UNSUPPORTED_MEDIA_TYPE "wrong_content_type" "The body must be JSON" None;
        NOT_TOML UNSUPPORTED_MEDIA_TYPE "not_toml" "The body must be TOML" None;
        UNKNOWN_FIELD UNPROCESSABLE_ENTITY "unknown_field" "A field is not known" None;
        BAD_FIELD UNPROCESSABLE_ENTITY "bad_field" "A field is missing or has the wrong type" None;
        CONTRADICTION UNPROCESSABLE_ENTITY "contradiction" "Fields do not go together" None;
        NOT_POSSIBLE UNPROCESSABLE_ENTITY "not_possible" "A setting is not possible" None;
        OUT_OF_RANGE UNPROCESSABLE_ENTITY "out_of_range" "A value is out of its range" None;
        RATE_LIMITED TOO_MANY_REQUESTS "rate_limited" "Too many requests" Some(1);
        HEAD_TOO_LARGE REQUEST_HEADER_FIELDS_TOO_LARGE "head_too_large" "Path and headers are too large" None;
        KEY_REUSED UNPROCESSABLE_ENTITY "idempotency_key_reused" "The key belongs to another request" None;
        INTERNAL INTERNAL_SERVER_ERROR "internal" "The server failed" None;
        BUSY SERVICE_UNAVAILABLE "busy" "The farm is busy" Some(1);
        CLOSING SERVICE_UNAVAILABLE "closing" "The farm is shutting down" Some(5);
        NOT_READY SERVICE_UNAVAILABLE "not_ready" "The farm is not ready" Some(1);
        LOOP_SILENT SERVICE_UNAVAILABLE "loop_silent" "The tick loop does not beat" Some(5);
        TOO_MANY_STREAMS SERVICE_UNAVAILABLE "too_many_streams" "Too many streams are open" Some(5);
        SHARD_MISSING SERVICE_UNAVAILABLE "shard_missing" "A shard does not answer" Some(5);
        NOT_AT_GATEWAY NOT_IMPLEMENTED "not_at_gateway" "Only shards have this resource" None;
        PARTLY_APPLIED BAD_GATEWAY "partly_applied" "Some shards took the write and some did not" None;
        ANSWER_TIMEOUT GATEWAY_TIMEOUT "answer_timeout" "The loop did not answer in time" None;
    }
}

/// What a value may be.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[serde(untagged)]
pub(crate) enum Allowed {
    /// A closed range.
    Range {
        /// Smallest allowed value; null for no limit.
        #[schema(value_type = Num)]
        min: f64,
        /// Largest allowed value; null for no limit.
        #[schema(value_type = Num)]
        max: f64,
        /// Unit of both.
        unit: String,
    },
    /// One of these.
    Values(Vec<String>),
}

impl Allowed {
    /// A closed range; `unit` is empty for bare numbers.
    pub(crate) fn range(min: f64, max: f64, unit: &str) -> Self {
        let unit = unit.to_owned();
        Self::Range { min, max, unit }
    }
    /// One of these units.
    pub(crate) fn units(units: UnitNumbers) -> Self {
        Self::range(f64::from(units.first), f64::from(units.last), "")
    }
    /// One of `values`.
    pub(crate) fn one_of<'a>(values: impl IntoIterator<Item = &'a str>) -> Self {
        Self::Values(values.into_iter().map(str::to_owned).collect())
    }
}

/// Why a request was refused, as RFC 9457 problem details. Nothing was changed by it, but for the ticks
/// that ran of a step that was cut short.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "type": "urn:bess:problem:out_of_range",
    "title": "A value is out of its range",
    "status": 422,
    "detail": "active_power_w must be from -2500000 to 2500000 W, got 9000000",
    "field": "active_power_w",
    "value": 9_000_000.0,
    "allowed": {"min": -2_500_000.0, "max": 2_500_000.0, "unit": "W"}
}))]
pub(crate) struct Problem {
    /// What kind of problem: a URN that stays the same between versions.
    #[serde(rename = "type")]
    kind: String,
    /// The kind in words.
    title: &'static str,
    /// The HTTP status.
    status: u16,
    /// What was wrong this time.
    detail: String,
    /// The field or query parameter that was wrong; a path such as `a.b` for inner ones.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    field: Option<String>,
    /// What was sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<Value>,
    /// What is allowed instead.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    allowed: Option<Allowed>,
    /// The alarm that keeps the unit from being reset.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    alarm: Option<BlockingAlarm>,
    /// Who holds the unit.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    holder: Option<String>,
    /// For how long still, in s.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    remaining_s: Option<f64>,
    /// The tick that a step came to which was cut short.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    reached_tick: Option<u64>,
    /// Id of the request, as in the header x-request-id, in the log and in the audit.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    request_id: Option<String>,
    #[serde(skip)]
    retry_after_s: Option<u32>,
    /// Whether the loop has seen what was refused: its audit has it already.
    #[serde(skip)]
    is_audited: bool,
}

/// An alarm that keeps a unit from being reset.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub(crate) struct BlockingAlarm {
    /// Name of the alarm.
    code: &'static str,
    /// How bad it is.
    level: &'static str,
    /// Number of the rack in its unit, from 1; null for the unit as a whole.
    #[schema(required = true)]
    rack: Option<u32>,
}

impl From<AlarmKey> for BlockingAlarm {
    fn from(key: AlarmKey) -> Self {
        Self {
            code: key.code.name(),
            level: key.level.name(),
            rack: key.rack_idx.map(|idx| u32::from(idx) + 1),
        }
    }
}

/// In the extensions of an answer: why a request was refused before it reached the loop.
#[derive(Clone, Debug)]
pub(crate) struct RefusedHere(pub(crate) String);

/// A result whose error is the answer.
pub(crate) type Fallible<T> = Result<T, Box<Problem>>;

impl Problem {
    /// A problem of this kind.
    pub(crate) fn new(kind: &Kind, detail: impl Into<String>) -> Box<Self> {
        Box::new(Self {
            kind: format!("urn:bess:problem:{}", kind.slug),
            title: kind.title,
            status: kind.status.as_u16(),
            detail: detail.into(),
            field: None,
            value: None,
            allowed: None,
            alarm: None,
            holder: None,
            remaining_s: None,
            reached_tick: None,
            request_id: None,
            retry_after_s: kind.retry_after_s,
            is_audited: false,
        })
    }
    /// For a rejection that was found before the loop saw the request: the audit does not have it yet.
    #[must_use]
    pub(crate) fn found_here(mut self: Box<Self>) -> Box<Self> {
        self.is_audited = false;
        self
    }
    /// Says after how many seconds trying again may help.
    #[must_use]
    pub(crate) fn retry_after(mut self: Box<Self>, seconds: u32) -> Box<Self> {
        self.retry_after_s = Some(seconds);
        self
    }
    /// The HTTP status.
    pub(crate) fn status(&self) -> u16 {
        self.status
    }
    /// As an answer.
    pub(crate) fn answer(self: Box<Self>) -> Response {
        self.into_response()
    }
    /// Names the field.
    #[must_use]
    pub(crate) fn field(mut self: Box<Self>, field: impl Into<String>) -> Box<Self> {
        self.field = Some(field.into());
        self
    }
    /// Names a field of an inner object as bodies do: `watchdog_timeout_s` of a command is
    /// `watchdog.timeout_s` of a body.
    #[must_use]
    pub(crate) fn inside(mut self: Box<Self>, object: &str) -> Box<Self> {
        let inner = |field: &str| {
            let field = field.strip_prefix(object)?.strip_prefix('_')?;
            Some(format!("{object}.{field}"))
        };
        self.field = self.field.map(|field| inner(&field).unwrap_or(field));
        self
    }
    /// Says in which object of the body the field is.
    #[must_use]
    pub(crate) fn within(mut self: Box<Self>, object: &str) -> Box<Self> {
        self.field = Some(match self.field {
            Some(field) => format!("{object}.{field}"),
            None => object.to_owned(),
        });
        self
    }
    /// Shows what was sent.
    #[must_use]
    pub(crate) fn value(mut self: Box<Self>, value: impl Into<Value>) -> Box<Self> {
        self.value = Some(value.into());
        self
    }
    /// Says what is allowed.
    #[must_use]
    pub(crate) fn allowed(mut self: Box<Self>, allowed: Allowed) -> Box<Self> {
        self.allowed = Some(allowed);
        self
    }
    /// `value` is none of `choices`.
    pub(crate) fn not_one_of(
        field: impl Into<String>,
        value: &str,
        choices: impl IntoIterator<Item = &'static str>,
    ) -> Box<Self> {
        let (field, choices) = (field.into(), choices.into_iter().collect::<Vec<_>>());
        let detail = format!("{field} must be one of {}, got {value:?}", choices.join(", "));
        Self::new(&kind::OUT_OF_RANGE, detail)
            .field(field)
            .value(value)
            .allowed(Allowed::one_of(choices))
    }
    /// There is no rack of this number.
    pub(crate) fn no_such_rack(number: &str, n_racks: usize) -> Box<Self> {
        let detail = format!("the unit has racks 1 to {n_racks}, not {number:?}");
        let allowed = Allowed::range(1.0, n_racks as f64, "");
        Self::new(&kind::NO_SUCH_RACK, detail).field("rack").value(number).allowed(allowed)
    }
    /// A change needs at least one field; `first` is one that it could have.
    pub(crate) fn nothing_given(fields: &[&str]) -> Box<Self> {
        let detail = format!("give at least one of {}", fields.join(", "));
        Self::new(&kind::BAD_FIELD, detail).field(fields.first().copied().unwrap_or_default())
    }
    /// There is no unit that people call `name`.
    pub(crate) fn no_such_unit(name: &str, units: UnitNumbers) -> Box<Self> {
        let detail = format!("{units} (or their names), not {name:?}");
        Self::new(&kind::NO_SUCH_UNIT, detail)
            .field("id")
            .value(name)
            .allowed(Allowed::units(units))
    }
}

impl From<Rejection> for Box<Problem> {
    fn from(rejection: Rejection) -> Self {
        let detail = rejection.to_string();
        let mut problem = match rejection {
            Rejection::OutOfRange { field, value, min, max, unit } => {
                Problem::new(&kind::OUT_OF_RANGE, detail)
                    .field(field)
                    .value(value)
                    .allowed(Allowed::range(min, max, unit))
            }
            Rejection::NoSuchUnit { number, units } => {
                Problem::no_such_unit(&number.to_string(), units)
            }
            Rejection::WrongState { state, .. } => {
                Problem::new(&kind::WRONG_STATE, detail).field("state").value(state.name())
            }
            Rejection::Local { .. } => {
                Problem::new(&kind::LOCAL_CONTROL, detail).field("panel").value(false)
            }
            Rejection::Leased { holder, remaining_s, .. } => {
                let mut problem = Problem::new(&kind::LEASED, detail);
                problem.holder = Some(holder);
                problem.remaining_s = Some(remaining_s);
                problem
            }
            Rejection::ResetRefused { alarm, .. } => {
                let mut problem = Problem::new(&kind::RESET_REFUSED, detail);
                problem.alarm = Some(alarm.into());
                problem
            }
            Rejection::NotPossible { field, .. } => {
                Problem::new(&kind::NOT_POSSIBLE, detail).field(field)
            }
            Rejection::StepCutShort { tick, asked, .. } => {
                let mut problem = Problem::new(&kind::STEP_CUT_SHORT, detail);
                problem.reached_tick = Some(tick.0);
                problem.field("step_ticks").value(asked)
            }
            Rejection::Busy => Problem::new(&kind::BUSY, detail),
            Rejection::Closed => Problem::new(&kind::CLOSING, detail),
        };
        problem.is_audited = true;
        problem
    }
}

impl IntoResponse for Box<Problem> {
    fn into_response(mut self) -> Response {
        self.request_id = crate::request::current_id();
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let retry = self.retry_after_s;
        // The document is strings and numbers: it always serialises.
        let body = serde_json::to_vec(&self).unwrap_or_default();
        let content_type = HeaderValue::from_static(PROBLEM_JSON);
        let mut response = (status, [(header::CONTENT_TYPE, content_type)], body).into_response();
        // A wrong method writes nothing, and a flood must not wash the audit away.
        let is_told =
            status != StatusCode::METHOD_NOT_ALLOWED && status != StatusCode::TOO_MANY_REQUESTS;
        let writes = status.is_client_error() && is_told;
        if writes && !self.is_audited {
            response.extensions_mut().insert(RefusedHere(self.detail));
        }
        if let Some(seconds) = retry {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

/// Media type of problem documents.
pub(crate) const PROBLEM_JSON: &str = "application/problem+json";

/// The OpenAPI responses of these kinds, one for each status, with an example of each kind.
pub(crate) fn responses_of(kinds: &[&Kind]) -> BTreeMap<String, RefOr<utoipa::openapi::Response>> {
    let mut by_status: BTreeMap<u16, Vec<&Kind>> = BTreeMap::new();
    for kind in kinds {
        by_status.entry(kind.status.as_u16()).or_default().push(kind);
    }
    by_status
        .into_iter()
        .map(|(status, kinds)| {
            let titles: Vec<&str> = kinds.iter().map(|kind| kind.title).collect();
            let mut content = ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem")));
            for kind in &kinds {
                let document = json!({
                    "type": format!("urn:bess:problem:{}", kind.slug),
                    "title": kind.title, "status": status, "detail": "what was wrong this time",
                });
                let example =
                    ExampleBuilder::new().summary(kind.title).value(Some(document)).build();
                content = content.examples_from_iter([(kind.slug, example)]);
            }
            let mut response = ResponseBuilder::new()
                .description(format!("{}.", titles.join(", or: ")))
                .content(PROBLEM_JSON, content.build());
            if kinds.iter().any(|kind| kind.retry_after_s.is_some()) {
                let mut header = Header::new(Object::with_type(Type::Integer));
                header.description = Some("Seconds after which trying again may help.".to_owned());
                response = response.header("Retry-After", header);
            }
            (status.to_string(), RefOr::T(response.build()))
        })
        .collect()
}

macro_rules! problem_set {
    ($(#[$doc:meta])* $name:ident: $($kind:ident)*) => {
        $(#[$doc])*
        pub(crate) struct $name;
        impl utoipa::IntoResponses for $name {
            fn responses() -> BTreeMap<String, RefOr<utoipa::openapi::Response>> {
                responses_of(&[$(&kind::$kind,)*])
            }
        }
    };
}

problem_set! {
    /// How a read of the farm may be refused.
    FarmReadProblems: BAD_PARAMETER NOT_ACCEPTABLE
}
problem_set! {
    /// How a read of one unit may be refused.
    UnitReadProblems: BAD_PARAMETER NO_SUCH_UNIT NOT_ACCEPTABLE
}
problem_set! {
    /// How a read of cells, which the loop must gather first, may be refused.
    CellReadProblems: BAD_PARAMETER NO_SUCH_UNIT NO_SUCH_RACK NOT_ACCEPTABLE BUSY CLOSING ANSWER_TIMEOUT
}
problem_set! {
    /// How a change of the farm without a body may be refused.
    FarmReleaseProblems: BAD_PARAMETER BUSY CLOSING ANSWER_TIMEOUT
}
problem_set! {
    /// How a change of the clock may be refused.
    ClockChangeProblems: MALFORMED_JSON BAD_PARAMETER SLOW_BODY BODY_TOO_LARGE WRONG_CONTENT_TYPE
        UNKNOWN_FIELD BAD_FIELD CONTRADICTION OUT_OF_RANGE STEP_CUT_SHORT BUSY CLOSING ANSWER_TIMEOUT
}
problem_set! {
    /// How a change of settings of the farm may be refused.
    FarmChangeProblems: MALFORMED_JSON BAD_PARAMETER SLOW_BODY BODY_TOO_LARGE WRONG_CONTENT_TYPE
        UNKNOWN_FIELD BAD_FIELD CONTRADICTION NOT_POSSIBLE OUT_OF_RANGE BUSY CLOSING ANSWER_TIMEOUT
}
problem_set! {
    /// How a change of settings of a unit may be refused.
    UnitChangeProblems: MALFORMED_JSON BAD_PARAMETER NO_SUCH_UNIT SLOW_BODY WRONG_STATE
        LOCAL_CONTROL LEASED BODY_TOO_LARGE WRONG_CONTENT_TYPE UNKNOWN_FIELD BAD_FIELD CONTRADICTION
        NOT_POSSIBLE OUT_OF_RANGE BUSY CLOSING ANSWER_TIMEOUT
}
problem_set! {
    /// How a command to a unit may be refused.
    UnitCommandProblems: MALFORMED_JSON BAD_PARAMETER NO_SUCH_UNIT SLOW_BODY WRONG_STATE
        LOCAL_CONTROL LEASED RESET_REFUSED BODY_TOO_LARGE WRONG_CONTENT_TYPE UNKNOWN_FIELD BAD_FIELD
        NOT_POSSIBLE OUT_OF_RANGE BUSY CLOSING ANSWER_TIMEOUT
}
problem_set! {
    /// How a command to several units may be refused.
    SeveralProblems: MALFORMED_JSON BAD_PARAMETER SLOW_BODY WRONG_STATE LOCAL_CONTROL LEASED
        RESET_REFUSED BODY_TOO_LARGE WRONG_CONTENT_TYPE UNKNOWN_FIELD BAD_FIELD CONTRADICTION
        NOT_POSSIBLE OUT_OF_RANGE BUSY CLOSING ANSWER_TIMEOUT
}
problem_set! {
    /// How the check of a farm file may be refused.
    FarmFileProblems: BAD_PARAMETER NOT_TEXT SLOW_BODY BODY_TOO_LARGE NOT_TOML
}
problem_set! {
    /// How a command to a rack may be refused.
    RackCommandProblems: MALFORMED_JSON BAD_PARAMETER NO_SUCH_UNIT NO_SUCH_RACK SLOW_BODY
        WRONG_STATE LOCAL_CONTROL LEASED BODY_TOO_LARGE WRONG_CONTENT_TYPE UNKNOWN_FIELD BAD_FIELD
        NOT_POSSIBLE OUT_OF_RANGE BUSY CLOSING ANSWER_TIMEOUT
}
problem_set! {
    /// How a command to a load of the island may be refused.
    LoadProblems: MALFORMED_JSON BAD_PARAMETER NO_SUCH_LOAD SLOW_BODY BODY_TOO_LARGE
        WRONG_CONTENT_TYPE UNKNOWN_FIELD BAD_FIELD NOT_POSSIBLE OUT_OF_RANGE BUSY CLOSING
        ANSWER_TIMEOUT
}
problem_set! {
    /// How a read of the plant's points may be refused.
    PlantPointReadProblems: BAD_PARAMETER NO_MAPS
}
problem_set! {
    /// How a read of a unit's points may be refused.
    UnitPointReadProblems: BAD_PARAMETER NO_SUCH_UNIT NO_MAPS
}
problem_set! {
    /// How forcing or releasing a point of the plant may be refused.
    PlantPointProblems: MALFORMED_JSON BAD_PARAMETER NO_MAPS SLOW_BODY BODY_TOO_LARGE
        WRONG_CONTENT_TYPE UNKNOWN_FIELD BAD_FIELD CONTRADICTION NOT_POSSIBLE BUSY CLOSING
        ANSWER_TIMEOUT
}
problem_set! {
    /// How forcing or releasing a point of a unit may be refused.
    UnitPointProblems: MALFORMED_JSON BAD_PARAMETER NO_SUCH_UNIT NO_MAPS SLOW_BODY BODY_TOO_LARGE
        WRONG_CONTENT_TYPE UNKNOWN_FIELD BAD_FIELD CONTRADICTION NOT_POSSIBLE BUSY CLOSING
        ANSWER_TIMEOUT
}
problem_set! {
    /// How a read of the list of runbooks may be refused.
    RunbooksProblems: BAD_PARAMETER
}
problem_set! {
    /// How a read of a runbook may be refused.
    RunbookProblems: BAD_PARAMETER NO_SUCH_RUNBOOK
}
problem_set! {
    /// How the end of a link condition may be refused.
    LinkClearProblems: BAD_PARAMETER NO_SUCH_LINK NOT_POSSIBLE BUSY CLOSING ANSWER_TIMEOUT
}
problem_set! {
    /// How a read of what can be directed may be refused.
    FaultKindsProblems: BAD_PARAMETER NO_STAGE NOT_ACCEPTABLE
}
problem_set! {
    /// How a fault may be refused.
    FaultInjectProblems: MALFORMED_JSON BAD_PARAMETER NO_STAGE SLOW_BODY BODY_TOO_LARGE
        WRONG_CONTENT_TYPE UNKNOWN_FIELD BAD_FIELD NOT_POSSIBLE OUT_OF_RANGE BUSY CLOSING ANSWER_TIMEOUT
}
problem_set! {
    /// How the end of a fault may be refused.
    FaultEndProblems: BAD_PARAMETER NO_SUCH_FAULT NOT_POSSIBLE BUSY CLOSING ANSWER_TIMEOUT
}
problem_set! {
    /// How the end of all faults may be refused.
    StageEndProblems: BAD_PARAMETER NO_STAGE NOT_POSSIBLE BUSY CLOSING ANSWER_TIMEOUT
}
problem_set! {
    /// How a read of a scenario may be refused.
    ScenarioReadProblems: BAD_PARAMETER NO_STAGE NO_SUCH_SCENARIO NOT_ACCEPTABLE
}
problem_set! {
    /// How a read of a run may be refused.
    RunReadProblems: BAD_PARAMETER NO_SUCH_RUN NOT_ACCEPTABLE
}
problem_set! {
    /// How a read of a report may be refused.
    RunReportProblems: BAD_PARAMETER NO_STAGE NO_SUCH_RUN NOT_ACCEPTABLE NOT_DONE
}
problem_set! {
    /// How a run may be refused.
    RunStartProblems: MALFORMED_JSON BAD_PARAMETER NO_STAGE SLOW_BODY BODY_TOO_LARGE WRONG_CONTENT_TYPE
        UNKNOWN_FIELD BAD_FIELD CONTRADICTION NOT_POSSIBLE OUT_OF_RANGE BUSY CLOSING ANSWER_TIMEOUT
}
problem_set! {
    /// How the end of a run may be refused.
    RunEndProblems: BAD_PARAMETER NO_SUCH_RUN NOT_POSSIBLE BUSY CLOSING ANSWER_TIMEOUT
}
problem_set! {
    /// How an observation may be refused.
    ObservationProblems: MALFORMED_JSON BAD_PARAMETER NO_SUCH_RUN NO_SUCH_UNIT SLOW_BODY BODY_TOO_LARGE
        WRONG_CONTENT_TYPE UNKNOWN_FIELD BAD_FIELD NOT_POSSIBLE OUT_OF_RANGE BUSY CLOSING ANSWER_TIMEOUT
}
problem_set! {
    /// How a read of the log's levels, or their reset, may be refused.
    LogReadProblems: BAD_PARAMETER NO_LOG
}
problem_set! {
    /// How a change of the log's levels may be refused.
    LogChangeProblems: MALFORMED_JSON BAD_PARAMETER NO_LOG SLOW_BODY BODY_TOO_LARGE
        WRONG_CONTENT_TYPE UNKNOWN_FIELD BAD_FIELD OUT_OF_RANGE
}
problem_set! {
    /// How a read of the history may be refused.
    HistoryProblems: BAD_PARAMETER NO_HISTORY NOT_ACCEPTABLE
}
problem_set! {
    /// How a stream may be refused.
    StreamProblems: BAD_PARAMETER TOO_MANY_STREAMS
}
problem_set! {
    /// How the health check fails.
    HealthProblems: LOOP_SILENT
}
problem_set! {
    /// How the readiness check fails.
    ReadinessProblems: NOT_READY
}

#[cfg(test)]
mod tests {
    use super::*;
    use bess_core::time::Tick;

    #[test]
    fn slugs_are_unique_and_every_kind_is_an_error_status() {
        for (index, row) in kind::ALL.iter().enumerate() {
            assert!(row.status.is_client_error() || row.status.is_server_error());
            assert!(!kind::ALL[..index].iter().any(|other| other.slug == row.slug));
        }
    }

    #[test]
    fn a_rejection_keeps_its_field_value_and_range() {
        let problem: Box<Problem> = Rejection::OutOfRange {
            field: "active_power_w",
            value: f64::NAN,
            min: -1.0,
            max: 1.0,
            unit: "W",
        }
        .into();
        let document = serde_json::to_value(&problem).unwrap();
        assert_eq!(document["status"], 422);
        assert_eq!(document["field"], "active_power_w");
        assert_eq!(document["value"], Value::Null);
        assert_eq!(document["allowed"], json!({"min": -1.0, "max": 1.0, "unit": "W"}));
    }

    #[test]
    fn a_step_that_was_cut_short_says_how_far_it_came() {
        let problem: Box<Problem> =
            Rejection::StepCutShort { tick: Tick(130), ran: 30, asked: 500 }.into();
        let document = serde_json::to_value(&problem).unwrap();
        assert_eq!(document["status"], 409);
        assert_eq!(document["type"], "urn:bess:problem:step_cut_short");
        assert_eq!(document["reached_tick"], 130);
        assert_eq!((&document["field"], &document["value"]), (&json!("step_ticks"), &json!(500)));
        let detail = "the step was cut short at tick 130: 30 of its 500 ticks have run";
        assert_eq!(document["detail"], detail);
    }

    #[test]
    fn busy_says_when_to_try_again() {
        let response = Box::<Problem>::from(Rejection::Busy).into_response();
        assert_eq!(response.status(), 503);
        assert_eq!(response.headers()["retry-after"], "1");
        assert_eq!(response.headers()["content-type"], PROBLEM_JSON);
    }
}
