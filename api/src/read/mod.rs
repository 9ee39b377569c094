//! Reads: one snapshot, one form, one tag, and an encoding that is made once a publication.
//!
//! A handler takes a [`Read`], asks [`Read::known`] whether the same was answered already, reads its
//! parameters, and makes the answer. What a client has already, by its `If-None-Match`, is not made again.
//!
//! - `form`: JSON, CSV or binary; `tag`: entity tags; `kept`: the answers of the present publication
//! - `fields`, `select`: fields by their paths, and answers with only some of them
//! - `table`: CSV; `binary`: columns of numbers; `page`: pages and their links
//! - `conditional`: what the document says of tags

pub(crate) mod binary;
pub(crate) mod conditional;
pub(crate) mod fields;
pub(crate) mod form;
mod kept;
pub(crate) mod page;
pub(crate) mod select;
pub(crate) mod table;
mod tag;

pub(crate) use conditional::NotModified;
pub(crate) use kept::Made;
use kept::Tagged;

use crate::ask::aside;
use crate::params::Params;
use crate::problem::{Fallible, Problem};
use crate::state::Api;
use axum::body::{Body, Bytes};
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri, header};
use axum::response::Response;
use bess_core::snapshot::Snapshot;
use form::Form;
use serde::Serialize;
use std::sync::Arc;

/// What all reads share.
#[derive(Debug)]
pub(crate) struct Reads {
    run: tag::Run,
    kept: kept::Kept,
}

impl Default for Reads {
    fn default() -> Self {
        Self { run: tag::Run::new(), kept: kept::Kept::default() }
    }
}

/// Room for the headers of a usual answer, those that every answer gets included.
const HEADERS: usize = 12;
/// Of which tick an answer is that has no place for a stamp.
const TICK: HeaderName = HeaderName::from_static("bess-tick");
/// Of which publication it is.
const PUBLICATION: HeaderName = HeaderName::from_static("bess-publication");

/// The read that a request is.
#[derive(Debug)]
pub(crate) struct Read {
    pub(crate) api: Arc<Api>,
    /// What is read. Nothing else is, so that an answer is of one instant.
    pub(crate) snapshot: Arc<Snapshot>,
    /// The parameters.
    pub(crate) query: Params,
    /// The form of the answer; known after [`Read::choose`].
    pub(crate) form: Form,
    uri: Uri,
    accept: Option<HeaderValue>,
    host: Option<HeaderValue>,
    if_none_match: Vec<HeaderValue>,
}

impl FromRequestParts<Arc<Api>> for Read {
    type Rejection = Box<Problem>;

    async fn from_request_parts(parts: &mut Parts, api: &Arc<Api>) -> Fallible<Self> {
        let query = Params::from_request_parts(parts, api).await?;
        let headers = &parts.headers;
        Ok(Self {
            snapshot: api.snapshot(),
            api: Arc::clone(api),
            query,
            form: Form::Json,
            uri: parts.uri.clone(),
            accept: headers.get(header::ACCEPT).cloned(),
            host: headers.get(header::HOST).cloned(),
            if_none_match: headers.get_all(header::IF_NONE_MATCH).iter().cloned().collect(),
        })
    }
}

impl Read {
    /// Chooses the form, and returns the answer if the same was asked at this publication already.
    ///
    /// # Errors
    /// When none of the forms is wanted.
    pub(crate) fn known(&mut self, forms: &'static [Form]) -> Fallible<Option<Response>> {
        self.choose(forms)?;
        Ok(self.shown())
    }

    /// Chooses the form among `forms`: the parameter `format`, which there is where there is a choice, beats
    /// the header `Accept`.
    ///
    /// # Errors
    /// When none of the forms is wanted.
    pub(crate) fn choose(&mut self, forms: &'static [Form]) -> Fallible<()> {
        let named = match forms {
            [_] => None,
            _ => self.query.choice("format", &form::names(forms))?,
        };
        self.form = match forms.iter().find(|form| Some(form.name()) == named) {
            Some(form) => *form,
            None => {
                let accept = self.accept.as_ref();
                form::negotiate(accept.and_then(|value| value.to_str().ok()), forms)?
            }
        };
        Ok(())
    }

    /// The answer, if the same was asked at this publication already.
    pub(crate) fn shown(&self) -> Option<Response> {
        let kept = &self.api.reads.kept;
        let known = kept.show(self.snapshot.publication, self.form, self.target());
        known.map(|known| self.respond(known))
    }

    /// Refuses parameters that nobody asked for.
    ///
    /// # Errors
    /// When there is one.
    pub(crate) fn finish(&self) -> Fallible<()> {
        self.query.finish()
    }

    /// The whole of what is no table, made at once: without parameters, and in less than half a
    /// millisecond.
    pub(crate) fn plain<T: Serialize>(
        mut self,
        make: impl FnOnce(&Snapshot) -> T,
    ) -> Fallible<Response> {
        if let Some(known) = self.known(form::PLAIN)? {
            return Ok(known);
        }
        self.finish()?;
        Ok(self.light(|snapshot, _| Made::json(&make(snapshot))))
    }

    /// Answers with what `make` makes in less than half a millisecond.
    pub(crate) fn light(self, make: impl FnOnce(&Snapshot, Form) -> Made) -> Response {
        let tag = self.tag();
        if self.is_had(&tag) {
            return not_modified(tag);
        }
        let made = stamped(make(&self.snapshot, self.form), &self.snapshot, self.form);
        let answer = Tagged { tag, made };
        // One that is being made by somebody else is ready now as well.
        if let Some(place) = self.place()
            && place.set(answer.clone()).is_ok()
        {
            self.weigh(&answer.made);
        }
        self.respond(answer)
    }

    /// Answers with what `make` makes where it holds no other request up.
    pub(crate) async fn heavy(
        self,
        make: impl FnOnce(&Snapshot, Form) -> Made + Send + 'static,
    ) -> Response {
        let tag = self.tag();
        if self.is_had(&tag) {
            return not_modified(tag);
        }
        let (snapshot, form) = (Arc::clone(&self.snapshot), self.form);
        let making = aside(move || stamped(make(&snapshot, form), &snapshot, form));
        let Some(place) = self.place() else {
            return self.respond(Tagged { tag, made: making.await });
        };
        let answer = place
            .get_or_init(|| async {
                let made = making.await;
                self.weigh(&made);
                Tagged { tag, made }
            })
            .await;
        self.respond(answer.clone())
    }

    /// As [`Read::heavy`], for what depends on more than the snapshot and the target.
    pub(crate) async fn own(
        self,
        make: impl FnOnce(&Snapshot, Form) -> Made + Send + 'static,
    ) -> Response {
        let tag = self.tag();
        if self.is_had(&tag) {
            return not_modified(tag);
        }
        let (snapshot, form) = (Arc::clone(&self.snapshot), self.form);
        let made = aside(move || stamped(make(&snapshot, form), &snapshot, form)).await;
        self.respond(Tagged { tag, made })
    }

    /// Whom the client called: the value of `Host`.
    pub(crate) fn host(&self) -> Option<&str> {
        self.host.as_ref().and_then(|host| host.to_str().ok())
    }

    /// The query as it was sent.
    pub(crate) fn raw_query(&self) -> &str {
        self.uri.query().unwrap_or_default()
    }

    /// The path.
    pub(crate) fn path(&self) -> &str {
        self.uri.path()
    }

    fn target(&self) -> &str {
        self.uri.path_and_query().map_or("", |target| target.as_str())
    }

    fn tag(&self) -> HeaderValue {
        let tag = self.api.reads.run.tag(self.snapshot.publication, self.form);
        // Digits, letters, dashes and quotes always make a value.
        HeaderValue::try_from(tag).unwrap_or(HeaderValue::from_static("\"\""))
    }

    /// Whether the client has what bears this tag.
    fn is_had(&self, tag: &HeaderValue) -> bool {
        let mut named = self.if_none_match.iter();
        named.any(|named| tag.to_str().is_ok_and(|tag| tag::names(named, tag)))
    }

    fn place(&self) -> Option<kept::Place> {
        self.api.reads.kept.place(self.snapshot.publication, self.form, self.target())
    }

    fn weigh(&self, made: &Made) {
        let (publication, length) = (self.snapshot.publication, made.body.len());
        self.api.reads.kept.weigh(publication, self.form, self.target(), length);
    }

    fn respond(&self, Tagged { tag, made }: Tagged) -> Response {
        if self.is_had(&tag) {
            return not_modified(tag);
        }
        let mut response = Response::new(Body::from(made.body));
        let headers = response.headers_mut();
        headers.reserve(HEADERS);
        let content_type = HeaderValue::from_static(self.form.content_type());
        headers.insert(header::CONTENT_TYPE, content_type);
        describe(headers, tag);
        headers.extend(made.headers);
        response
    }
}

/// With headers that say of which instant it is, where the body has no place for it.
fn stamped(mut made: Made, snapshot: &Snapshot, form: Form) -> Made {
    if form != Form::Json {
        made.headers.push((TICK, HeaderValue::from(snapshot.tick.0)));
        made.headers.push((PUBLICATION, HeaderValue::from(snapshot.publication)));
    }
    made
}

/// What a whole answer and one without a body have in common.
fn describe(headers: &mut HeaderMap, tag: HeaderValue) {
    headers.insert(header::ETAG, tag);
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    headers.insert(header::VARY, HeaderValue::from_static("accept"));
}

fn not_modified(tag: HeaderValue) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NOT_MODIFIED;
    describe(response.headers_mut(), tag);
    response
}

impl Made {
    /// A document.
    pub(crate) fn json<T: Serialize>(document: &T) -> Self {
        // Documents are structs, texts and numbers: they always serialise.
        let body = serde_json::to_vec(document).unwrap_or_default();
        Self::bytes(body)
    }
    /// A text or columns.
    pub(crate) fn bytes(body: impl Into<Bytes>) -> Self {
        Self { body: body.into(), headers: Vec::new() }
    }
    /// With a header more, where the value can be one.
    #[must_use]
    pub(crate) fn with(mut self, name: HeaderName, value: impl AsRef<str>) -> Self {
        if let Ok(value) = HeaderValue::try_from(value.as_ref()) {
            self.headers.push((name, value));
        }
        self
    }
}
