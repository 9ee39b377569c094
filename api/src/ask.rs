//! What a handler waits for: the loop's answer to a letter, and long work on another thread.

use crate::access::{self, Visitor};
use crate::problem::{Fallible, Problem, kind};
use crate::request::Mark;
use crate::state::Api;
use crate::wire::AppliedAnswer;
use axum::Json;
use axum::extract::{ConnectInfo, FromRequestParts, MatchedPath};
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

/// Who sent a request, and how: what the audit says of it.
#[derive(Clone, Debug)]
pub(crate) struct Sender {
    origin: Origin,
    visitor: Visitor,
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
        Self { origin, visitor }
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
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|info| info.0);
        let template = parts.extensions.get::<MatchedPath>().map_or("", MatchedPath::as_str);
        let visitor = parts.extensions.get::<Visitor>().cloned();
        let visitor = visitor.unwrap_or_else(Visitor::stranger);
        let mut sender = Self::new(peer, parts.method.as_str(), template, visitor);
        if let Some(mark) = parts.extensions.get::<Mark>() {
            sender.origin.request_id = Some(mark.id.as_ref().into());
            sender.origin.trace = mark.trace;
        }
        Ok(sender)
    }
}

impl Api {
    /// Asks the loop and waits at most `timeout`. A read that follows sees the effect.
    pub(crate) async fn ask(
        &self,
        request: Request,
        sender: Sender,
        timeout: Duration,
    ) -> Fallible<Applied> {
        let what = || sender.origin.via.clone().unwrap_or_default();
        sender.visitor.may(access::of_request(&request), what)?;
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

    /// Asks and answers with the tick that applied it.
    pub(crate) async fn change(
        &self,
        request: Request,
        sender: Sender,
    ) -> Fallible<Json<AppliedAnswer>> {
        let applied = self.ask(request, sender, self.config.answer_timeout).await?;
        Ok(Json(AppliedAnswer::new(applied, &self.snapshot())))
    }
}
