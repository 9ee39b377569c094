//! Who asks, and whether they may.

use super::rate::Payer;
use super::tokens::Denied;
use super::{Access, Refusal, Rejected, headers, roles};
use crate::problem::{Allowed, Problem, kind};
use crate::state::Api;
use axum::extract::{ConnectInfo, MatchedPath, Request};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bess_core::command::Bearer;
use bess_core::role::Role;
use jiff::Timestamp;
use std::net::SocketAddr;
use std::time::Duration;

/// Most bytes of a request's line and headers.
const HEAD_MAX: usize = 16 * 1024;

/// Who asks.
#[derive(Clone, Debug)]
pub(crate) struct Visitor {
    /// Whose token it is, also where that is not good here or any more.
    pub(crate) bearer: Option<Box<Bearer>>,
    standing: Standing,
}

#[derive(Clone, Debug)]
enum Standing {
    /// May do what the role may.
    Known(Role),
    /// Shows no token.
    Silent,
    /// Shows something that is no token.
    Garbled,
    /// Shows a token that is not accepted.
    Refused,
    /// Shows one whose time is over.
    Expired(Timestamp),
}

impl Visitor {
    /// Somebody of whom nothing is known, who may do nothing.
    pub(crate) fn stranger() -> Self {
        Self { bearer: None, standing: Standing::Silent }
    }
    /// Somebody at a server without tokens, who may do everything.
    pub(crate) fn anybody() -> Self {
        Self { bearer: None, standing: Standing::Known(Role::Tester) }
    }

    /// Whether the visitor may do what needs the role; `what` is for people.
    ///
    /// # Errors
    /// 401 for who is not known, 403 for whose role is too low.
    pub(crate) fn may(&self, needed: Role, what: impl FnOnce() -> String) -> Result<(), Refusal> {
        let not_in = |detail: String| {
            Err(Problem::new(&kind::UNAUTHENTICATED, detail).field("authorization"))
        };
        match &self.standing {
            Standing::Known(role) if *role >= needed => Ok(()),
            Standing::Known(role) => {
                let who = self.bearer.as_ref().map_or("", |bearer| &bearer.name);
                let (has, needs) = (role.name(), needed.name());
                let detail =
                    format!("{} needs the role {needs}; the token \"{who}\" has {has}", what());
                let enough = Role::ALL.iter().filter(|(_, role)| *role >= needed);
                Err(Problem::new(&kind::FORBIDDEN, detail)
                    .field("authorization")
                    .value(has)
                    .allowed(Allowed::one_of(enough.map(|(name, _)| *name))))
            }
            Standing::Silent => not_in(format!(
                "{} needs a token of the role {}: send the header `authorization: Bearer TOKEN`",
                what(),
                needed.name()
            )),
            Standing::Garbled => {
                not_in("the header authorization must be one `Bearer TOKEN`".to_owned())
            }
            Standing::Refused => not_in("the token is not accepted".to_owned()),
            Standing::Expired(at) => {
                let who = self.bearer.as_ref().map_or("", |bearer| &bearer.name);
                not_in(format!("the token \"{who}\" expired at {at}"))
            }
        }
    }

    /// What the answer to who is not known asks for (RFC 6750, section 3).
    fn challenge(&self) -> HeaderValue {
        HeaderValue::from_static(match self.standing {
            Standing::Known(_) | Standing::Silent => r#"Bearer realm="bess""#,
            Standing::Garbled => r#"Bearer realm="bess", error="invalid_request""#,
            Standing::Refused | Standing::Expired(_) => {
                r#"Bearer realm="bess", error="invalid_token""#
            }
        })
    }
}

/// What is known of a request before its route is.
#[derive(Debug)]
struct Call {
    peer: Option<SocketAddr>,
    method: Method,
    matched: Option<MatchedPath>,
}

impl Call {
    fn of(request: &Request) -> Self {
        let matched = request.extensions().get::<MatchedPath>().cloned();
        let method = request.method().clone();
        let peer = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|info| info.0);
        Self { peer, method, matched }
    }
    fn template(&self) -> Option<&str> {
        self.matched.as_ref().map(MatchedPath::as_str)
    }
    /// Method and route, for people; never the path that was sent: it may be anything.
    fn what(&self) -> String {
        format!("{} {}", self.method, self.template().unwrap_or("(unmatched)"))
    }
    fn payer(&self) -> Option<Payer> {
        self.peer.map(|peer| Payer::address(peer.ip()))
    }
}

/// Lets a request in, if its head, its rate and its page allow it, and finds out who asks.
pub(crate) async fn admit(
    api: &Api,
    mut request: Request,
    next: impl AsyncFnOnce(Request) -> Response,
) -> Response {
    let access = &api.access;
    let call = Call::of(&request);
    let mut bearer = None;
    let response = match access.look_at(&call, &request) {
        Ok(visitor) => {
            bearer.clone_from(&visitor.bearer);
            request.extensions_mut().insert(visitor);
            next(request).await
        }
        Err(problem) => problem.into_response(),
    };
    if let Some(why) = Rejected::of_status(response.status()) {
        access.tell(why, &call, bearer.as_deref());
    }
    response
}

/// The answer to a visitor whose role may not use the route.
pub(crate) fn authorize(api: &Api, request: &Request) -> Option<Response> {
    let template = request.extensions().get::<MatchedPath>().map(MatchedPath::as_str);
    let needed = roles::needed(request.method(), template)?;
    // Without `admit` before it nobody is known, and nobody gets in.
    let stranger = Visitor::stranger();
    let visitor = request.extensions().get::<Visitor>().unwrap_or(&stranger);
    let allowed = visitor.may(needed, || Call::of(request).what());
    let problem = allowed.and_then(|()| api.access.check_page(visitor, request)).err()?;
    if problem.status() != StatusCode::UNAUTHORIZED {
        return Some(problem.into_response());
    }
    let challenge = visitor.challenge();
    if let Some(payer) = Call::of(request).payer()
        && let Err(wait) = api.access.strangers.take(&payer)
    {
        let what = "requests without a token that is accepted";
        return Some(too_often(what, wait).into_response());
    }
    let mut response = problem.into_response();
    response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
    Some(response)
}

impl Access {
    fn look_at(&self, call: &Call, request: &Request) -> Result<Visitor, Refusal> {
        let line = request.uri().path_and_query().map_or(0, |text| text.as_str().len());
        let fields = request.headers().iter();
        let fields = fields.map(|(name, value)| name.as_str().len() + value.len() + 4);
        let head = line + fields.sum::<usize>();
        if head > HEAD_MAX {
            let detail = format!("path and headers have {head} bytes, {HEAD_MAX} are allowed");
            return Err(Problem::new(&kind::HEAD_TOO_LARGE, detail));
        }
        // Probes are let through: a flood must not make a farm look dead.
        let limit = self.limit.as_ref();
        let limit = limit.filter(|_| !call.template().is_some_and(roles::is_health));
        if let (Some(limit), Some(payer)) = (limit, call.payer()) {
            let taken = limit.take(&payer);
            taken.map_err(|wait| too_often("requests of one address", wait))?;
        }
        let visitor = self.identify(request.headers(), call).unwrap_or_else(Visitor::anybody);
        if let (Some(limit), Standing::Known(_), Some(bearer)) =
            (limit, &visitor.standing, &visitor.bearer)
        {
            let taken = limit.take(&Payer::Token(bearer.name.clone()));
            taken.map_err(|wait| too_often("requests with one token", wait))?;
        }
        Ok(visitor)
    }

    /// Who shows these headers; `None` where nobody is asked for a token.
    fn identify(&self, headers: &HeaderMap, call: &Call) -> Option<Visitor> {
        let book = self.tokens()?;
        let mut shown = headers.get_all(header::AUTHORIZATION).iter();
        let stranger = |standing| Visitor { bearer: None, standing };
        let token = match (shown.next(), shown.next()) {
            (None, _) => return Some(stranger(Standing::Silent)),
            (Some(only), None) => only.to_str().ok().and_then(bearer_token),
            _ => None,
        };
        let Some(token) = token else { return Some(stranger(Standing::Garbled)) };
        let (token, standing) =
            match book.find(token, call.peer.map(|peer| peer.ip()), Timestamp::now()) {
                Ok(token) => (token, Standing::Known(token.bearer.role)),
                Err(Denied::Unknown) => return Some(stranger(Standing::Refused)),
                Err(Denied::Network(token)) => (token, Standing::Refused),
                Err(Denied::Expired(token)) => {
                    (token, Standing::Expired(token.expires.unwrap_or_default()))
                }
            };
        Some(Visitor { bearer: Some(Box::new(token.bearer.clone())), standing })
    }

    /// A page in a browser may write to an open farm only where it was loaded from this machine or is one of
    /// those that were let in: any page that somebody looks at can send requests to their machine.
    fn check_page(&self, visitor: &Visitor, request: &Request) -> Result<(), Refusal> {
        if visitor.bearer.is_some() {
            return Ok(());
        }
        let Some(page) = request.headers().get(header::ORIGIN) else { return Ok(()) };
        let is_known = self.origins.iter().any(|known| *known == *page);
        if request.method().is_safe() || is_known || headers::is_at_home(page) {
            return Ok(());
        }
        let detail = format!(
            "{} from a page of another origin is refused; `--cors-origin` lets an origin in",
            Call::of(request).what()
        );
        Err(Problem::new(&kind::FOREIGN_PAGE, detail).field("origin"))
    }

    /// Counts what was turned away, and tells it at times.
    fn tell(&self, why: Rejected, call: &Call, bearer: Option<&Bearer>) {
        let Some(times) = self.count(why) else { return };
        let peer = call.peer.map(|peer| peer.ip().to_string()).unwrap_or_default();
        let token = bearer.map_or("", |bearer| &bearer.name);
        let reason = Rejected::ALL[why as usize].0;
        let request = call.what();
        tracing::warn!(reason, times, peer, token, request, "a request was refused");
    }
}

/// The token of an `authorization` header.
fn bearer_token(text: &str) -> Option<&str> {
    let (scheme, token) = text.split_once(' ')?;
    let token = token.trim_matches(' ');
    let is_token = !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_graphic());
    (scheme.eq_ignore_ascii_case("bearer") && is_token).then_some(token)
}

fn too_often(what: &str, wait: Duration) -> Refusal {
    let seconds = wait.as_secs_f64().ceil().max(1.0) as u32;
    let detail = format!("too many {what}; try again in {seconds} s");
    Problem::new(&kind::RATE_LIMITED, detail).retry_after(seconds)
}
