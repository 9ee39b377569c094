//! What a handler waits for: the loop's answer to a letter, and long work on another thread.

use crate::problem::{Fallible, Problem, kind};
use crate::state::Api;
use crate::wire::AppliedAnswer;
use axum::Json;
use bess_core::command::{Applied, ControlSource, Origin, Reply, Request, Submission};
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

impl Api {
    /// Asks the loop and waits at most `timeout`. A read that follows sees the effect.
    pub(crate) async fn ask(
        &self,
        request: Request,
        peer: SocketAddr,
        timeout: Duration,
    ) -> Fallible<Applied> {
        let (answer, answers) = oneshot::channel();
        self.farm.mailbox.post(Submission {
            request,
            origin: Origin { source: ControlSource::Rest, peer: Some(peer.to_string()) },
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
        peer: SocketAddr,
    ) -> Fallible<Json<AppliedAnswer>> {
        let applied = self.ask(request, peer, self.config.answer_timeout).await?;
        Ok(Json(AppliedAnswer::new(applied, &self.snapshot())))
    }
}
