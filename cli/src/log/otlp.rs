//! Traces as OTLP: spans are gathered by the OpenTelemetry SDK and sent by a thread of its own, as protobuf
//! over HTTP. Its queue has a bound: what does not fit is dropped, and a collector that is down costs
//! its spans and one line.

use crate::BadInput;
use async_trait::async_trait;
use bess_core::trace::{FieldValue, Sort, Span, SpanKind, TraceContext, Tracer};
use opentelemetry::trace::{
    SpanContext, SpanId, SpanKind as OtelKind, Status, TraceFlags, TraceId, TraceState,
};
use opentelemetry::{InstrumentationScope, KeyValue, Value};
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::{WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{
    BatchConfigBuilder, BatchSpanProcessor, IdGenerator, RandomIdGenerator, SpanData, SpanEvents,
    SpanExporter, SpanLinks, SpanProcessor,
};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Where traces go, and which.
#[derive(Debug, clap::Args)]
pub(crate) struct OtlpArgs {
    /// Send traces to this OTLP collector over HTTP, such as http://127.0.0.1:4318; none without it
    #[arg(long, value_name = "URL", env = "OTEL_EXPORTER_OTLP_ENDPOINT")]
    otlp_endpoint: Option<String>,
    /// Share of requests that change something to trace, 0 to 1; a caller's own decision goes before
    #[arg(long, value_name = "SHARE", env = "BESS_OTLP_SAMPLE", default_value_t = 1.0)]
    otlp_sample: f64,
    /// Share of requests that only read to trace, 0 to 1
    #[arg(long, value_name = "SHARE", env = "BESS_OTLP_SAMPLE_READS", default_value_t = 0.0)]
    otlp_sample_reads: f64,
}

/// Spans that wait to be sent.
const QUEUE: usize = 8192;
/// How often they are sent.
const SEND_EVERY: Duration = Duration::from_secs(1);
/// How long a collector may take.
const TIMEOUT: Duration = Duration::from_secs(5);
/// How long the end of the process waits for it.
const LAST_TIMEOUT: Duration = Duration::from_secs(2);

impl OtlpArgs {
    /// Who collects spans, if somebody is to.
    ///
    /// # Errors
    /// When the endpoint or a share is none.
    pub(super) fn start(&self) -> Result<Option<Arc<Otlp>>, BadInput> {
        let shares =
            [("--otlp-sample", self.otlp_sample), ("--otlp-sample-reads", self.otlp_sample_reads)];
        for (flag, share) in shares {
            if !(0.0..=1.0).contains(&share) {
                return Err(BadInput(format!("{flag} must be from 0 to 1, got {share}")));
            }
        }
        let Some(endpoint) = self.otlp_endpoint.as_deref().filter(|url| !url.is_empty()) else {
            return Ok(None);
        };
        let url = traces_url(endpoint)?;
        let build = || -> anyhow::Result<Otlp> {
            let exporter = opentelemetry_otlp::SpanExporter::builder()
                .with_http()
                .with_http_client(Client::default())
                .with_endpoint(&url)
                .with_timeout(TIMEOUT)
                .build()?;
            Ok(Otlp::new(exporter, &url, self.otlp_sample, self.otlp_sample_reads))
        };
        let otlp = build().map_err(|error| BadInput(format!("--otlp-endpoint {url}: {error}")))?;
        Ok(Some(Arc::new(otlp)))
    }
}

/// The URL that spans are posted to, of an endpoint as collectors document it.
fn traces_url(endpoint: &str) -> Result<String, BadInput> {
    let refuse = |what: &str| {
        let hint = "hint: a collector's OTLP/HTTP port, such as http://127.0.0.1:4318";
        Err(BadInput(format!("--otlp-endpoint {endpoint:?} {what}\n{hint}")))
    };
    let uri: ureq::http::Uri = match endpoint.parse() {
        Ok(uri) => uri,
        Err(error) => return refuse(&format!("is no URL: {error}")),
    };
    match uri.scheme_str() {
        Some("http") => {}
        Some("https") => return refuse("must be http: TLS is a matter of a collector beside bess"),
        _ => return refuse("must begin with http://"),
    }
    let base = endpoint.trim_end_matches('/');
    Ok(if base.ends_with("/v1/traces") { base.to_owned() } else { format!("{base}/v1/traces") })
}

/// Collects spans and sends them.
#[derive(Debug)]
pub(crate) struct Otlp {
    processor: BatchSpanProcessor,
    ids: RandomIdGenerator,
    scope: InstrumentationScope,
    /// Of 2^63: what the lower half of a trace's id must be below.
    writes_below: u64,
    reads_below: u64,
}

impl Otlp {
    fn new<E: SpanExporter + 'static>(exporter: E, url: &str, writes: f64, reads: f64) -> Self {
        let config = BatchConfigBuilder::default()
            .with_max_queue_size(QUEUE)
            .with_scheduled_delay(SEND_EVERY)
            .build();
        let exporter = Told {
            exporter,
            url: url.to_owned(),
            failing: AtomicBool::new(false),
            lost: AtomicU64::new(0),
        };
        let mut processor = BatchSpanProcessor::builder(exporter).with_batch_config(config).build();
        // A service's name of the environment goes before.
        let mut resource = Resource::builder();
        if std::env::var_os("OTEL_SERVICE_NAME").is_none() {
            resource = resource.with_service_name("bess");
        }
        let version = KeyValue::new("service.version", env!("CARGO_PKG_VERSION"));
        processor.set_resource(&resource.with_attribute(version).build());
        let below = |share: f64| (share * (1_u64 << 63) as f64) as u64;
        Self {
            processor,
            ids: RandomIdGenerator::default(),
            scope: InstrumentationScope::builder("bess").build(),
            writes_below: below(writes),
            reads_below: below(reads),
        }
    }

    fn below(&self, sort: Sort) -> u64 {
        match sort {
            Sort::Write => self.writes_below,
            Sort::Read => self.reads_below,
        }
    }

    fn new_span_id(&self) -> u64 {
        u64::from_be_bytes(self.ids.new_span_id().to_bytes())
    }

    /// Sends what is left; waits for the collector for a moment.
    pub(crate) fn stop(&self) {
        // Whatever failed was told by then.
        let _ = self.processor.shutdown_with_timeout(LAST_TIMEOUT);
    }
}

impl Tracer for Otlp {
    fn samples(&self, sort: Sort) -> bool {
        self.below(sort) > 0
    }

    fn begin(&self, caller: Option<TraceContext>, sort: Sort) -> Option<TraceContext> {
        let trace_id = match caller {
            Some(caller) if caller.is_sampled => caller.trace_id,
            Some(_) => return None,
            None => {
                let id = u128::from_be_bytes(self.ids.new_trace_id().to_bytes());
                // As OpenTelemetry's own sampler by ratio does.
                ((id as u64) >> 1 < self.below(sort)).then_some(id)?
            }
        };
        Some(TraceContext { trace_id, span_id: self.new_span_id(), is_sampled: true })
    }

    fn child(&self, parent: TraceContext) -> TraceContext {
        TraceContext { span_id: self.new_span_id(), ..parent }
    }

    fn end(&self, span: Span) {
        let value = |value: FieldValue| match value {
            FieldValue::Count(count) => Value::I64(count),
            FieldValue::Text(text) => Value::String(text.into()),
        };
        let fields = span.fields.into_iter();
        self.processor.on_end(SpanData {
            span_context: SpanContext::new(
                TraceId::from(span.context.trace_id),
                SpanId::from(span.context.span_id),
                TraceFlags::SAMPLED,
                false,
                TraceState::default(),
            ),
            parent_span_id: span.parent.map_or(SpanId::INVALID, |p| SpanId::from(p.span_id)),
            parent_span_is_remote: span.kind == SpanKind::Server && span.parent.is_some(),
            span_kind: match span.kind {
                SpanKind::Server => OtelKind::Server,
                SpanKind::Internal => OtelKind::Internal,
            },
            name: span.name.into(),
            start_time: instant(span.start_unix_ns),
            end_time: instant(span.end_unix_ns),
            attributes: fields.map(|(key, field)| KeyValue::new(key, value(field))).collect(),
            dropped_attributes_count: 0,
            events: SpanEvents::default(),
            links: SpanLinks::default(),
            status: span.error.map_or(Status::Unset, Status::error),
            instrumentation_scope: self.scope.clone(),
        });
    }
}

fn instant(unix_ns: i64) -> SystemTime {
    UNIX_EPOCH + Duration::from_nanos(unix_ns.unsigned_abs())
}

/// An exporter that tells once when it fails, and once when it works again.
#[derive(Debug)]
struct Told<E> {
    exporter: E,
    url: String,
    failing: AtomicBool,
    lost: AtomicU64,
}

impl<E: SpanExporter> SpanExporter for Told<E> {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let n_spans = batch.len() as u64;
        let result = self.exporter.export(batch).await;
        let (url, was_failing) = (&self.url, self.failing.swap(result.is_err(), Relaxed));
        match &result {
            Err(error) => {
                self.lost.fetch_add(n_spans, Relaxed);
                if !was_failing {
                    tracing::warn!(target: "bess::log", %error, url, "traces cannot be sent; they are dropped until they can");
                }
            }
            Ok(()) if was_failing => {
                let lost = self.lost.swap(0, Relaxed);
                tracing::info!(target: "bess::log", url, lost, "traces are sent again");
            }
            Ok(()) => {}
        }
        result
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.exporter.shutdown_with_timeout(timeout)
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.exporter.set_resource(resource);
    }
}

/// The HTTP client that the command line has anyway. It blocks: the exporter's thread has nothing else to do.
#[derive(Debug)]
struct Client(ureq::Agent);

impl Default for Client {
    fn default() -> Self {
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(TIMEOUT))
            .build();
        Self(config.into())
    }
}

#[async_trait]
impl HttpClient for Client {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let mut response = self.0.run(request.map(|body| body.to_vec()))?;
        let status = response.status();
        let body = response.body_mut().read_to_vec()?;
        Ok(Response::builder().status(status).body(body.into())?)
    }
}
