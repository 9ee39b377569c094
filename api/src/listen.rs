//! Connections to a port: how many, TLS, heads that must come in time, and the end of them all.
//!
//! Each connection is a task of its own, its TLS handshake included: a client that is slow, silent or
//! broken costs that task and its time limit, and the port nothing. `axum::serve` has no limit of any of
//! these, so hyper is driven here.

use crate::access::{Access, Rejected};
use crate::patience::{OnStall, Patient, prepare};
use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt;

/// How long requests in hand may take once the port closes.
const DRAIN: Duration = Duration::from_millis(900);
/// How long a TLS handshake may take.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// Pause after an error that is not of one connection, such as no more files.
const PAUSE: Duration = Duration::from_millis(100);
/// Most bytes that hyper gathers of a head; what the API allows is less, and answered with a problem.
const HEAD_BUFFER: usize = 64 * 1024;
/// Most headers of a request.
const HEADERS_MAX: usize = 100;

/// Limits of a port.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// Connections at once.
    pub(crate) connections: usize,
    /// Connections at once from one address.
    pub(crate) connections_per_address: usize,
    /// How long the head of a request may take to arrive, a pause before it included.
    pub(crate) head_timeout: Duration,
    /// How long a connection may take nothing of what is sent to it.
    pub(crate) stall_timeout: Duration,
}

/// What is behind a port.
#[derive(Clone)]
pub(crate) struct Door {
    pub(crate) app: Router,
    pub(crate) access: Arc<Access>,
    /// Whether it speaks TLS where the API has a certificate.
    pub(crate) speaks_tls: bool,
    pub(crate) limits: Limits,
    /// Hears of connections that took nothing for too long.
    pub(crate) on_stall: OnStall,
}

impl fmt::Debug for Door {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Door").field("limits", &self.limits).finish_non_exhaustive()
    }
}

impl Door {
    /// Serves until `shutdown` fires; then idle connections close and requests in hand get [`DRAIN`].
    pub(crate) async fn serve(self, listener: TcpListener, shutdown: CancellationToken) {
        let tasks = TaskTracker::new();
        // Ends what is left when this future ends, in whichever way.
        let over = CancellationToken::new();
        let _end = over.clone().drop_guard();
        let seats = Arc::new(Seats::new(self.limits));
        let door = Arc::new(self);
        while let Some((stream, peer)) = next(&listener, &shutdown).await {
            let Some(seat) = seats.take(peer.ip()) else {
                door.turn_away(peer, Rejected::TooManyConnections, &"too many connections");
                continue;
            };
            let (door, closing, over) = (Arc::clone(&door), shutdown.clone(), over.clone());
            tasks.spawn(async move {
                let _seat = seat;
                tokio::select! {
                    () = over.cancelled() => {}
                    () = door.connection(stream, peer, closing) => {}
                }
            });
        }
        drop(listener);
        tasks.close();
        let _ = tokio::time::timeout(DRAIN, tasks.wait()).await;
    }

    async fn connection(&self, stream: TcpStream, peer: SocketAddr, closing: CancellationToken) {
        prepare(&stream);
        let on_stall = Arc::clone(&self.on_stall);
        let stream = Patient::new(stream, peer, self.limits.stall_timeout, on_stall);
        let tls = self.access.tls().filter(|_| self.speaks_tls);
        let Some(tls) = tls else { return self.speak(stream, peer, closing).await };
        let handshake = TlsAcceptor::from(tls).accept(stream);
        let handshake = tokio::select! {
            () = closing.cancelled() => return,
            done = tokio::time::timeout(HANDSHAKE, Box::pin(handshake)) => done,
        };
        match handshake {
            Ok(Ok(stream)) => self.speak(stream, peer, closing).await,
            Ok(Err(error)) => self.turn_away(peer, Rejected::TlsHandshake, &error),
            Err(_) => self.turn_away(peer, Rejected::TlsHandshake, &"it did not come in time"),
        }
    }

    async fn speak<S>(&self, stream: S, peer: SocketAddr, closing: CancellationToken)
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let service = service_fn(|request: Request<Incoming>| {
            let mut request = request.map(Body::new);
            request.extensions_mut().insert(ConnectInfo(peer));
            self.app.clone().oneshot(request)
        });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(self.limits.head_timeout)
            .max_buf_size(HEAD_BUFFER)
            .max_headers(HEADERS_MAX)
            .serve_connection(TokioIo::new(stream), service);
        let mut connection = pin!(connection);
        // An error is of the client: it went away, was silent for too long, or speaks something else.
        tokio::select! {
            _ = connection.as_mut() => return,
            () = closing.cancelled() => connection.as_mut().graceful_shutdown(),
        }
        let _ = connection.await;
    }

    fn turn_away(&self, peer: SocketAddr, why: Rejected, error: &dyn std::fmt::Display) {
        let Some(times) = self.access.count(why) else { return };
        let (reason, peer) = (Rejected::ALL[why as usize].0, peer.ip());
        tracing::warn!(reason, times, %peer, %error, "a connection was refused");
    }
}

/// The next connection; `None` when the port is to close.
async fn next(
    listener: &TcpListener,
    shutdown: &CancellationToken,
) -> Option<(TcpStream, SocketAddr)> {
    let mut is_told = false;
    loop {
        let accepted = tokio::select! {
            biased;
            () = shutdown.cancelled() => return None,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok(accepted) => return Some(accepted),
            Err(error) if is_of_one_client(&error) => {}
            Err(error) => {
                if !is_told {
                    tracing::error!(%error, "no connection can be accepted; trying on");
                    is_told = true;
                }
                tokio::select! {
                    () = shutdown.cancelled() => return None,
                    () = tokio::time::sleep(PAUSE) => {}
                }
            }
        }
    }
}

fn is_of_one_client(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

/// The connections that are there.
#[derive(Debug)]
struct Seats {
    limits: Limits,
    taken: Mutex<BTreeMap<IpAddr, usize>>,
}

/// The place of one connection, free again when it is dropped.
#[derive(Debug)]
struct Seat {
    seats: Arc<Seats>,
    address: IpAddr,
}

impl Seats {
    fn new(limits: Limits) -> Self {
        Self { limits, taken: Mutex::default() }
    }

    fn take(self: &Arc<Self>, address: IpAddr) -> Option<Seat> {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let own = taken.get(&address).copied().unwrap_or(0);
        if own >= self.limits.connections_per_address
            || taken.values().sum::<usize>() >= self.limits.connections
        {
            return None;
        }
        taken.insert(address, own + 1);
        Some(Seat { seats: Arc::clone(self), address })
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut taken = self.seats.taken.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(own) = taken.get_mut(&self.address) {
            *own -= 1;
            if *own == 0 {
                taken.remove(&self.address);
            }
        }
    }
}
