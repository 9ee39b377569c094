//! The Modbus TCP server: accepts, seats, drains.
//!
//! tokio-modbus runs the accept loop and one task for each connection; a panic ends that task alone.
//! Its loop ends on any error of `accept`, and takes the connections with it. So a connection is
//! turned away while descriptors are scarce, which leaves `accept` one to work with, and a loop that
//! ended in spite of that is started again.

use crate::access::{FarmAccess, ServerConfig, Shared};
use crate::guard::{Guard, Seat};
use crate::map::Gateway;
use crate::service::Service;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio_modbus::server::tcp::Server;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{debug, warn};

/// How long requests in hand may take when the server stops.
const DRAIN: Duration = Duration::from_millis(900);
/// Waits between starts of an accept loop that ended.
const RESTART_MIN: Duration = Duration::from_millis(10);
const RESTART_MAX: Duration = Duration::from_secs(1);
/// Descriptors that must be free for a connection to be seated.
const SPARE_DESCRIPTORS: usize = 4;

/// Serves Modbus TCP on `listener` until `shutdown` fires; then requests in hand are finished, for
/// less than a second, and every connection is closed. Nothing that a client does ends it.
///
/// Unit id k is unit k of the farm, 1 to 247; 0 and 255 are the plant.
pub async fn serve(
    listener: TcpListener,
    farm: FarmAccess,
    config: ServerConfig,
    shutdown: CancellationToken,
) {
    let spec = Arc::clone(&farm.snapshots.borrow().spec);
    let shared = Arc::new(Shared {
        gateway: Arc::new(Gateway::new(&spec)),
        farm,
        config,
        tracker: TaskTracker::new(),
        is_draining: AtomicBool::new(false),
        drain: CancellationToken::new(),
    });
    let server = Server::new(listener);
    let accepting = accept(&server, &shared);
    tokio::pin!(accepting);
    tokio::select! {
        never = &mut accepting => match never {},
        () = shutdown.cancelled() => {}
    }
    // Not polled any more, the accept loop accepts nothing; dropped, it would abort the requests in
    // hand.
    shared.is_draining.store(true, Relaxed);
    shared.drain.cancel();
    shared.tracker.close();
    if tokio::time::timeout(DRAIN, shared.tracker.wait()).await.is_err() {
        let open = shared.tracker.len();
        warn!(open, "connections cut that did not finish in time");
    }
}

async fn accept(server: &Server, shared: &Arc<Shared>) -> std::convert::Infallible {
    let on_connected = |stream, peer| {
        let seated = seat(stream, peer, shared);
        std::future::ready(Ok(seated))
    };
    let on_process_error = |error| debug!(%error, "connection ended");
    let mut wait = RESTART_MIN;
    loop {
        let started = tokio::time::Instant::now();
        let ended = server.serve(&on_connected, on_process_error).await;
        shared.farm.stats.modbus.restarts.fetch_add(1, Relaxed);
        let error = ended.err().map(|error| error.to_string());
        warn!(error, "accept loop ended, connections are closed; starting again");
        if started.elapsed() > RESTART_MAX {
            wait = RESTART_MIN;
        }
        tokio::time::sleep(wait).await;
        wait = (2 * wait).min(RESTART_MAX);
    }
}

/// Gives a new connection its service and its guard, or turns it away. Never waits.
fn seat(
    stream: TcpStream,
    peer: SocketAddr,
    shared: &Arc<Shared>,
) -> Option<(Service, Guard<TcpStream>)> {
    let stats = &shared.farm.stats.modbus;
    if shared.tracker.len() >= shared.config.max_connections || !has_spare_descriptors() {
        stats.rejected.fetch_add(1, Relaxed);
        debug!(%peer, "connection turned away");
        return None;
    }
    stats.accepted.fetch_add(1, Relaxed);
    // It fails on a socket that the client has reset already; the first read will tell.
    let _ = stream.set_nodelay(true);
    let service = Service {
        farm: shared.farm.clone(),
        gateway: Arc::clone(&shared.gateway),
        answer_timeout: shared.config.answer_timeout,
        peer: peer.to_string(),
    };
    Some((service, Guard::new(stream, Seat::take(shared))))
}

fn has_spare_descriptors() -> bool {
    let spares: Result<Vec<_>, _> = (0..SPARE_DESCRIPTORS).map(|_| TcpSocket::new_v4()).collect();
    spares.is_ok()
}
