//! Access to REST: who may do what, how often, and from which pages.
//!
//! A request passes, from the outside in:
//! 1. `headers`: what every answer tells a browser; CORS, where origins are given
//! 2. `guard::admit`: the size of its head, the rate of its address, the page it comes from, and whose
//!    token it shows (`tokens`); the rate of that
//! 3. the audit, which so knows who was refused
//! 4. `guard::authorize`: whether that role may use the route (`roles`); what a write becomes is looked at
//!    once more when the loop is asked
//!
//! Without tokens everybody may do everything. Tokens and certificates may be replaced at any time.

mod guard;
mod headers;
mod rate;
mod roles;
mod tokens;

pub use headers::{BadOrigin, WebOrigin};
pub use tokens::{TOKEN_PREFIX, Token, TokenBook, hex, instant, is_name};

pub(crate) use guard::{Visitor, admit, authorize};
pub(crate) use headers::{cors, protect};
pub(crate) use roles::{describe, of_request, of_route};

use crate::problem::Problem;
use axum::http::StatusCode;
use rate::Limit;
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};
use tokio_rustls::rustls::ServerConfig;

/// How the API is protected.
#[derive(Clone, Debug, Default)]
pub struct AccessConfig {
    /// Who may do what; `None` where everybody may do everything.
    pub tokens: Option<TokenBook>,
    /// Requests a second of one client address, and of one token; `None` for no limit. Who was quiet may
    /// ask twice as many at once.
    pub requests_per_s: Option<NonZeroU32>,
    /// Pages of other origins that may use the API; none by default.
    pub origins: Vec<WebOrigin>,
    /// Certificate and key of HTTPS; `None` for plain HTTP.
    pub tls: Option<Arc<ServerConfig>>,
}

/// Why a request or a connection was turned away before its route saw it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rejected {
    Unauthenticated,
    Forbidden,
    RateLimited,
    BodyTooLarge,
    HeadTooLarge,
    TooManyConnections,
    TlsHandshake,
}

impl Rejected {
    /// Each with its label in the metrics.
    pub(crate) const ALL: [(&'static str, Self); 7] = [
        ("unauthenticated", Self::Unauthenticated),
        ("forbidden", Self::Forbidden),
        ("rate_limited", Self::RateLimited),
        ("body_too_large", Self::BodyTooLarge),
        ("head_too_large", Self::HeadTooLarge),
        ("too_many_connections", Self::TooManyConnections),
        ("tls_handshake", Self::TlsHandshake),
    ];
    /// What an answer of this status says.
    fn of_status(status: StatusCode) -> Option<Self> {
        match status {
            StatusCode::UNAUTHORIZED => Some(Self::Unauthenticated),
            StatusCode::FORBIDDEN => Some(Self::Forbidden),
            StatusCode::TOO_MANY_REQUESTS => Some(Self::RateLimited),
            StatusCode::PAYLOAD_TOO_LARGE => Some(Self::BodyTooLarge),
            StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE => Some(Self::HeadTooLarge),
            _ => None,
        }
    }
}

/// Requests a second and burst of one address without a token that is accepted: more are neither
/// audited nor told why.
const STRANGER_PER_S: NonZeroU32 = NonZeroU32::MIN;
const STRANGER_BURST: NonZeroU32 = NonZeroU32::new(20).expect("it is not zero");

/// Time between two lines of the log about one reason.
const LOG_PAUSE: Duration = Duration::from_secs(30);

/// What protects the API, and what it turned away.
#[derive(Debug)]
pub(crate) struct Access {
    tokens: RwLock<Option<Arc<TokenBook>>>,
    tls: RwLock<Option<Arc<ServerConfig>>>,
    origins: Vec<WebOrigin>,
    limit: Option<Limit>,
    strangers: Limit,
    rejected: [AtomicU64; Rejected::ALL.len()],
    told: Mutex<[Told; Rejected::ALL.len()]>,
}

/// When a reason was told last, and how often it was there since then.
#[derive(Clone, Copy, Debug, Default)]
struct Told {
    at: Option<Instant>,
    quiet: u64,
}

impl Access {
    pub(crate) fn new(config: AccessConfig) -> Self {
        let limit =
            config.requests_per_s.map(|per_s| Limit::new(per_s, per_s.saturating_mul(TWICE)));
        Self {
            tokens: RwLock::new(config.tokens.map(Arc::new)),
            tls: RwLock::new(config.tls),
            origins: config.origins,
            limit,
            strangers: Limit::new(STRANGER_PER_S, STRANGER_BURST),
            rejected: Default::default(),
            told: Mutex::default(),
        }
    }

    /// The tokens of this moment.
    pub(crate) fn tokens(&self) -> Option<Arc<TokenBook>> {
        self.tokens.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
    pub(crate) fn set_tokens(&self, tokens: TokenBook) {
        *self.tokens.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(tokens));
    }
    /// Certificate and key of this moment.
    pub(crate) fn tls(&self) -> Option<Arc<ServerConfig>> {
        self.tls.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
    pub(crate) fn set_tls(&self, tls: Arc<ServerConfig>) {
        *self.tls.write().unwrap_or_else(PoisonError::into_inner) = Some(tls);
    }
    pub(crate) fn origins(&self) -> &[WebOrigin] {
        &self.origins
    }

    /// Counts; gives how often it was there since it was last told, when it is to be told again.
    pub(crate) fn count(&self, why: Rejected) -> Option<u64> {
        self.rejected[why as usize].fetch_add(1, Relaxed);
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let told = &mut told[why as usize];
        told.quiet += 1;
        let now = Instant::now();
        if told.at.is_some_and(|at| now - at < LOG_PAUSE) {
            return None;
        }
        told.at = Some(now);
        Some(std::mem::take(&mut told.quiet))
    }
    /// How many were turned away so far, by reason.
    pub(crate) fn rejected(&self) -> Vec<(&'static str, u64)> {
        let counts = Rejected::ALL.iter().zip(&self.rejected);
        counts.map(|((label, _), count)| (*label, count.load(Relaxed))).collect()
    }
}

const TWICE: NonZeroU32 = NonZeroU32::new(2).expect("it is not zero");

/// Why somebody is not let in.
type Refusal = Box<Problem>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_in_the_order_of_the_reasons() {
        for (index, (label, why)) in Rejected::ALL.into_iter().enumerate() {
            assert_eq!(why as usize, index, "{label}");
        }
    }

    #[test]
    fn a_flood_is_told_once_and_counted_in_full() {
        let access = Access::new(AccessConfig::default());
        let told: Vec<Option<u64>> =
            (0..1000).map(|_| access.count(Rejected::RateLimited)).collect();
        assert_eq!(told[0], Some(1));
        assert!(told[1..].iter().all(Option::is_none));
        assert_eq!(access.count(Rejected::Forbidden), Some(1), "each reason is told");
        assert!(access.rejected().contains(&("rate_limited", 1000)));
    }
}
