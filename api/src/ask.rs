//! What a handler waits for: the loop's answer to a letter, and long work on another thread.

use crate::access::{self, Visitor};
use crate::params::{MayBeDry, dry_run};
use crate::preview;
use crate::problem::{Fallible, Problem, kind};
use crate::request::Mark;
use crate::state::Api;
use crate::wire::AppliedAnswer;
use axum::Json;
use axum::extract::{ConnectInfo, FromRequestParts, MatchedPath};
use axum::http::Extensions;
use axum::http::request::Parts;
use bess_core::command::{Applied, ControlSource, Origin, Reply, Request, Submission};
use std::convert::Infallible;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::sync::oneshot;

/// Does work of more than half a millisecond where it holds no other request up.
pub(crate) async fn aside<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    }
}

/// Who sent a request, and how: what the audit says of it; and whether it is in earnest.
#[derive(Clone, Debug)]
pub(crate) struct Sender {
    origin: Origin,
    visitor: Visitor,
    /// Only asks what would happen.
    is_dry: bool,
}

impl Sender {
    /// The sender of a request to the route `template`.
    fn new(peer: Option<SocketAddr>, method: &str, template: &str, visitor: Visitor) -> Self {
        let origin = Origin {
            source: ControlSource::Rest,
            peer: peer.map(|peer| peer.to_string()),
            bearer: visitor.bearer.clone(),
            via: Some(format!("{method} {template}")),
            ..Origin::default()
        };
        Self { origin, visitor, is_dry: false }
    }
    /// The sender of a request with this method and these extensions.
    pub(crate) fn of(method: &str, extensions: &Extensions) -> Self {
        let peer = extensions.get::<ConnectInfo<SocketAddr>>().map(|info| info.0);
        let template = extensions.get::<MatchedPath>().map_or("", MatchedPath::as_str);
        let visitor = extensions.get::<Visitor>().cloned();
        let visitor = visitor.unwrap_or_else(Visitor::stranger);
        let mut sender = Self::new(peer, method, template, visitor);
        if let Some(mark) = extensions.get::<Mark>() {
            sender.origin.request_id = Some(mark.id.as_ref().into());
            sender.origin.trace = mark.trace;
        }
        sender
    }
    /// The same as a person at the container's panel, if `panel` says so.
    pub(crate) fn at_panel(mut self, panel: bool) -> Self {
        if panel {
            self.origin.source = ControlSource::Local;
        }
        self
    }
    /// As the loop wants it.
    pub(crate) fn into_origin(self) -> Origin {
        self.origin
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Sender {
    type Rejection = Box<Problem>;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Fallible<Self> {
        let mut sender = Self::of(parts.method.as_str(), &parts.extensions);
        if !parts.method.is_safe() {
            sender.is_dry = dry_run(&parts.uri)?;
            // Whoever has no sender cannot tell, and so must not take the parameter.
            parts.extensions.insert(MayBeDry);
        }
        Ok(sender)
    }
}

/// The sender of a write that cannot be tried: the parameter of a dry run is refused.
#[derive(Clone, Debug)]
pub(crate) struct InEarnest(pub(crate) Sender);

impl<S: Send + Sync> FromRequestParts<S> for InEarnest {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self(Sender::of(parts.method.as_str(), &parts.extensions)))
    }
}

impl Api {
    /// Asks the loop and waits at most `timeout`. A read that follows sees the effect. A dry run asks
    /// for the check alone.
    pub(crate) async fn ask(
        &self,
        request: Request,
        sender: Sender,
        timeout: Duration,
    ) -> Fallible<Applied> {
        let what = || sender.origin.via.clone().unwrap_or_default();
        sender.visitor.may(access::of_request(&request), what)?;
        let request = match request {
            Request::Control(command) if sender.is_dry => Request::Check(command),
            // Nothing but the range of each can refuse them, and who builds them has checked that.
            Request::Clock(_) if sender.is_dry => {
                let snapshot = self.snapshot();
                return Ok(Applied { tick: snapshot.tick, publication: snapshot.publication });
            }
            request => request,
        };
        let (answer, answers) = oneshot::channel();
        self.farm.mailbox.post(Submission {
            request,
            origin: sender.into_origin(),
            // A client that went away no longer listens.
            reply: Reply::new(move |outcome| drop(answer.send(outcome))),
        });
        match tokio::time::timeout(timeout, answers).await {
            Ok(Ok(outcome)) => Ok(outcome?),
            Ok(Err(_)) => Err(Problem::new(&kind::CLOSING, "the farm is shutting down")),
            Err(_) => {
                let detail = format!(
                    "the loop did not answer within {} s; whether the request takes effect is not known",
                    timeout.as_secs_f64()
                );
                Err(Problem::new(&kind::ANSWER_TIMEOUT, detail))
            }
        }
    }

    /// Asks and answers with the tick that applied it, or of a dry run with what would change.
    pub(crate) async fn change(
        &self,
        request: Request,
        sender: Sender,
    ) -> Fallible<Json<AppliedAnswer>> {
        self.change_within(request, sender, self.config.answer_timeout).await
    }

    /// Like [`Api::change`], and waits at most `timeout`.
    pub(crate) async fn change_within(
        &self,
        request: Request,
        sender: Sender,
        timeout: Duration,
    ) -> Fallible<Json<AppliedAnswer>> {
        let asked = sender.is_dry.then(|| request.clone());
        let applied = self.ask(request, sender, timeout).await?;
        let snapshot = self.snapshot();
        Ok(Json(match asked {
            None => AppliedAnswer::new(applied, &snapshot),
            Some(asked) => {
                aside(move || {
                    let changes = preview::changes(&snapshot, &asked);
                    AppliedAnswer::dry(&snapshot, changes)
                })
                .await
            }
        }))
    }
}
