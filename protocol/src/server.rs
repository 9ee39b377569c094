//! The Modbus TCP server: listens, accepts, seats, drains. Nothing that a client does ends it.
//!
//! Each listening socket has a loop that accepts, and each connection a task of its own; a panic ends
//! that task alone, and is counted. Where descriptors run out the loop waits a little and goes on; one
//! descriptor is kept in reserve to turn clients away with, so that they do not wait in the queue of a
//! server that is full. A handshake runs in the connection's task.
//!
//! tokio-modbus's own server ends at the first error of `accept`, and takes its connections with it; it
//! also closes a connection for what the protocol answers with an exception, and sends each answer by
//! itself. So the loop and the session are ours, and that crate is the client that tests them.

use crate::access::{FarmAccess, ListenerConfig};
use crate::conditions::{self, Frozen, Whence};
use crate::device::Gateway;
use crate::service::Service;
use crate::session::{Session, Wire};
use crate::shelf::Shelves;
use crate::tls::{ServerConfig, TlsAcceptor, TlsStream, handshake};
use bess_core::role::Role;
use bess_core::stats::{CloseReason, ModbusStats};
use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::AbortHandle;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tokio_util::task::task_tracker::TaskTrackerToken;
use tracing::{debug, error, info, warn};

/// How long requests in hand may take when the server stops.
const DRAIN: Duration = Duration::from_millis(900);
/// Waits after accepts that failed.
const BACKOFF_MIN: Duration = Duration::from_millis(5);
const BACKOFF_MAX: Duration = Duration::from_secs(1);
/// Connections turned away before descriptors are tried again.
const TURNED_AWAY_MAX: usize = 64;
/// How often it is told that nobody can be let in.
const TELL_AGAIN: Duration = Duration::from_secs(10);

/// A bound socket, and who answers behind it.
#[derive(Debug)]
pub struct Socket {
    /// The socket.
    pub listener: TcpListener,
    /// How it treats its clients; the sockets of one listener share it, and its caps.
    pub config: Arc<ListenerConfig>,
    /// Who answers.
    pub reach: Reach,
    /// Certificates, where it speaks TLS.
    pub tls: Option<Arc<ServerConfig>>,
}

/// Who answers behind a socket.
#[derive(Clone, Debug)]
pub enum Reach {
    /// The devices of a gateway, by unit id.
    Gateway(Arc<Gateway>),
    /// Those of the gateway that belongs to the address that the client called: the first one to `first`,
    /// the next one to the address after it.
    ByAddress {
        /// Address of the first one.
        first: IpAddr,
        /// One for each address.
        gateways: Arc<[Arc<Gateway>]>,
    },
}

impl Reach {
    pub(crate) fn gateways(&self) -> &[Arc<Gateway>] {
        match self {
            Self::Gateway(gateway) => std::slice::from_ref(gateway),
            Self::ByAddress { gateways, .. } => gateways,
        }
    }

    /// The gateway that a client finds that called `local`.
    fn find(&self, local: IpAddr) -> Option<&Arc<Gateway>> {
        match self {
            Self::Gateway(gateway) => Some(gateway),
            Self::ByAddress { first, gateways } => {
                let index = number(local)?.checked_sub(number(*first)?)?;
                gateways.get(usize::try_from(index).ok()?)
            }
        }
    }
}

/// An address as a number; IPv4 addresses in either form are the same.
fn number(address: IpAddr) -> Option<u128> {
    Some(match address.to_canonical() {
        IpAddr::V4(v4) => u128::from(u32::from(v4)),
        IpAddr::V6(v6) => u128::from(v6),
    })
}

/// Connections of one listener.
#[derive(Debug, Default)]
struct Seats {
    taken: AtomicUsize,
    by_address: Mutex<BTreeMap<IpAddr, usize>>,
    /// Which places are taken, by their numbers.
    places: Mutex<Vec<bool>>,
}

impl Seats {
    fn places(&self) -> MutexGuard<'_, Vec<bool>> {
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }
    /// Takes the lowest place that is free.
    fn take_place(&self) -> u32 {
        let mut places = self.places();
        let free = places.iter().position(|taken| !taken);
        let place = free.unwrap_or_else(|| {
            places.push(false);
            places.len() - 1
        });
        places[place] = true;
        place as u32
    }
    fn by_address(&self) -> MutexGuard<'_, BTreeMap<IpAddr, usize>> {
        self.by_address.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What all connections of a listener share.
#[derive(Debug)]
struct Room {
    server: Arc<Server>,
    config: Arc<ListenerConfig>,
    seats: Arc<Seats>,
    reach: Reach,
    tls: Option<Arc<ServerConfig>>,
}

impl Room {
    /// Whether a condition of the link refuses the connection.
    fn refuses(&self, gateway: &Gateway, peer: SocketAddr) -> bool {
        let snapshots = self.server.farm.snapshots.borrow();
        if snapshots.link.is_empty() {
            return false;
        }
        let open = self.seats.taken.load(Relaxed);
        let whence =
            Whence { listener: &self.config.name, peer: Some(peer.ip()), place: open as u32 };
        conditions::refuses(&snapshots, whence, gateway.only_unit(), open, self.server.stats())
    }

    /// What a connection of `peer` at this place answers with, to this gateway.
    fn service(&self, gateway: &Arc<Gateway>, peer: SocketAddr, place: u32) -> Service {
        Service {
            farm: self.server.farm.clone(),
            config: Arc::clone(&self.config),
            gateway: Arc::clone(gateway),
            shelves: Arc::clone(&self.server.shelves),
            role: self.config.role,
            peer,
            place,
            connection: self.server.connections.fetch_add(1, Relaxed) + 1,
            frozen: Arc::clone(&self.server.frozen),
        }
    }
}

/// What all connections share.
#[derive(Debug)]
struct Server {
    farm: FarmAccess,
    tracker: TaskTracker,
    /// Whether no further request is taken; set before `drain` wakes the connections.
    is_draining: AtomicBool,
    drain: CancellationToken,
    /// Number of the last connection.
    connections: AtomicU64,
    shelves: Arc<Shelves>,
    frozen: Arc<Frozen>,
    /// The tasks of the connections, to cut those that do not finish in time.
    tasks: Mutex<BTreeMap<tokio::task::Id, AbortHandle>>,
}

/// A place among the connections; leaving it is dropping it.
#[derive(Debug)]
pub(crate) struct Seat {
    server: Arc<Server>,
    config: Arc<ListenerConfig>,
    seats: Arc<Seats>,
    /// The lowest place of the listener that was free, from 0.
    place: u32,
    address: IpAddr,
    /// Why the connection ended, once somebody knows.
    pub(crate) reason: Option<CloseReason>,
    _token: TaskTrackerToken,
}

impl Seat {
    /// Takes a place, if there is one.
    fn take(room: &Room, peer: SocketAddr) -> Option<Self> {
        let address = peer.ip().to_canonical();
        let config = &room.config;
        if !config.allow.is_empty() && !config.allow.iter().any(|net| net.contains(address)) {
            return None;
        }
        if room.seats.taken.fetch_add(1, Relaxed) >= config.max_connections {
            room.seats.taken.fetch_sub(1, Relaxed);
            return None;
        }
        let mut by_address = room.seats.by_address();
        let of_address = by_address.entry(address).or_default();
        if *of_address >= config.max_connections_per_address {
            drop(by_address);
            room.seats.taken.fetch_sub(1, Relaxed);
            return None;
        }
        *of_address += 1;
        drop(by_address);
        room.server.stats().connections.fetch_add(1, Relaxed);
        Some(Self {
            server: Arc::clone(&room.server),
            config: Arc::clone(config),
            place: room.seats.take_place(),
            seats: Arc::clone(&room.seats),
            address,
            reason: None,
            _token: room.server.tracker.token(),
        })
    }

    pub(crate) fn stats(&self) -> &ModbusStats {
        self.server.stats()
    }
    pub(crate) fn config(&self) -> &ListenerConfig {
        &self.config
    }
    pub(crate) fn is_draining(&self) -> bool {
        self.server.is_draining.load(Relaxed)
    }
    pub(crate) fn drain(&self) -> &CancellationToken {
        &self.server.drain
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        // A task that was cut knows of no reason.
        let mut reason = self.reason.unwrap_or(CloseReason::Shutdown);
        if std::thread::panicking() {
            reason = CloseReason::Panic;
            self.server.stats().panics.fetch_add(1, Relaxed);
            error!(peer = %self.address, "a connection ended by a panic; the others go on");
        }
        self.server.stats().count_closed(reason);
        if let Some(id) = tokio::task::try_id() {
            self.server.tasks().remove(&id);
        }
        self.server.stats().connections.fetch_sub(1, Relaxed);
        self.seats.taken.fetch_sub(1, Relaxed);
        self.seats.places()[self.place as usize] = false;
        let mut by_address = self.seats.by_address();
        if let Some(of_address) = by_address.get_mut(&self.address) {
            *of_address -= 1;
            if *of_address == 0 {
                by_address.remove(&self.address);
            }
        }
    }
}

impl Server {
    /// A server without connections; `periods` in ticks, of registers refreshed only now and then.
    fn new(farm: FarmAccess, periods: impl Iterator<Item = u64>) -> Arc<Self> {
        let now = Arc::clone(&farm.snapshots.borrow());
        Arc::new(Self {
            shelves: Arc::new(Shelves::new(periods, &now)),
            frozen: Arc::default(),
            farm,
            tracker: TaskTracker::new(),
            is_draining: AtomicBool::new(false),
            drain: CancellationToken::new(),
            connections: AtomicU64::new(0),
            tasks: Mutex::default(),
        })
    }
    fn tasks(&self) -> MutexGuard<'_, BTreeMap<tokio::task::Id, AbortHandle>> {
        self.tasks.lock().unwrap_or_else(PoisonError::into_inner)
    }
    fn stats(&self) -> &ModbusStats {
        &self.farm.stats.modbus
    }
}

/// Serves Modbus TCP on one listener in the standard way: unit id k is unit k of the farm, 1 to 247; 0 and
/// 255 are the plant. See [`serve_all`].
pub async fn serve(
    listener: TcpListener,
    farm: FarmAccess,
    config: ListenerConfig,
    shutdown: CancellationToken,
) {
    let spec = Arc::clone(&farm.snapshots.borrow().spec);
    let reach = Reach::Gateway(Arc::new(Gateway::new(&spec)));
    let socket = Socket { listener, config: Arc::new(config), reach, tls: None };
    serve_all(vec![socket], farm, shutdown).await;
}

/// Serves Modbus TCP on `sockets` until `shutdown` fires; then requests in hand are finished, for
/// less than a second, and every connection is closed. Nothing that a client does ends it.
pub async fn serve_all(sockets: Vec<Socket>, farm: FarmAccess, shutdown: CancellationToken) {
    let devices = sockets.iter().flat_map(|socket| socket.reach.gateways());
    let devices = devices.flat_map(|gateway| gateway.devices());
    let periods = devices.flat_map(|(_, device)| device.refresh_periods().collect::<Vec<_>>());
    let server = Server::new(farm, periods);
    let mut seats: Vec<(Arc<ListenerConfig>, Arc<Seats>)> = Vec::new();
    let mut limit = 0;
    let mut loops = tokio::task::JoinSet::new();
    for socket in sockets {
        let known = seats.iter().find(|(config, _)| Arc::ptr_eq(config, &socket.config));
        if known.is_none() {
            limit += socket.config.max_connections as u64;
        }
        let of_listener = known.map(|(_, seats)| Arc::clone(seats)).unwrap_or_default();
        seats.push((Arc::clone(&socket.config), Arc::clone(&of_listener)));
        let room = Arc::new(Room {
            server: Arc::clone(&server),
            config: socket.config,
            seats: of_listener,
            reach: socket.reach,
            tls: socket.tls,
        });
        let listener = Arc::new(socket.listener);
        loops.spawn(supervise(Arc::clone(&server), move || {
            accept(Arc::clone(&listener), Arc::clone(&room))
        }));
    }
    server.stats().connections_limit.store(limit, Relaxed);
    let follower = Arc::clone(&server);
    loops.spawn(supervise(Arc::clone(&server), move || follow(Arc::clone(&follower))));
    shutdown.cancelled().await;
    // Nothing is accepted any more.
    drop(loops);
    server.is_draining.store(true, Relaxed);
    server.drain.cancel();
    server.tracker.close();
    if tokio::time::timeout(DRAIN, server.tracker.wait()).await.is_err() {
        let open = server.tracker.len();
        warn!(open, "connections cut that did not finish in time");
        server.tasks().values().for_each(AbortHandle::abort);
    }
}

/// Runs a loop of the server, again if it panics: that is counted, and hurts nobody else.
async fn supervise<R, F>(server: Arc<Server>, run: R)
where
    R: Fn() -> F,
    F: Future<Output = ()> + Send + 'static,
{
    loop {
        // Dropped with this one, it ends too.
        let mut task = tokio::task::JoinSet::new();
        task.spawn(run());
        match task.join_next().await {
            Some(Err(error)) if error.is_panic() => {
                server.stats().panics.fetch_add(1, Relaxed);
                error!("a loop of the Modbus server ended by a panic; starting it again");
                tokio::time::sleep(BACKOFF_MIN).await;
            }
            _ => return,
        }
    }
}

/// Keeps what is kept of snapshots up to date until there are no more.
async fn follow(server: Arc<Server>) {
    let mut snapshots = server.farm.snapshots.clone();
    while snapshots.changed().await.is_ok() {
        let now = Arc::clone(&snapshots.borrow_and_update());
        server.shelves.refresh(&now);
        server.frozen.follow(&now);
    }
}

/// A descriptor kept in reserve, to turn a client away with when there is no other.
fn reserve() -> Option<File> {
    File::open("/dev/null").ok()
}

async fn accept(listener: Arc<TcpListener>, room: Arc<Room>) {
    let mut wait = BACKOFF_MIN;
    let mut reserved = reserve();
    let mut told_at: Option<Instant> = None;
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => {
                wait = BACKOFF_MIN;
                if reserved.is_none() {
                    reserved = reserve();
                }
                seat(stream, peer, &room);
            }
            Err(error) => {
                let stats = room.server.stats();
                stats.accept_errors.fetch_add(1, Relaxed);
                if told_at.is_none_or(|told_at| told_at.elapsed() > TELL_AGAIN) {
                    warn!(%error, listener = room.config.name, "cannot accept; waiting a little");
                    told_at = Some(Instant::now());
                }
                let mut turned_away = 0;
                if is_scarce(&error) && reserved.take().is_some() {
                    turned_away = turn_away(&listener, stats).await;
                    reserved = reserve();
                }
                tokio::time::sleep(wait).await;
                wait = if turned_away > 0 { BACKOFF_MIN } else { (2 * wait).min(BACKOFF_MAX) };
            }
        }
    }
}

/// Whether descriptors are at an end: of the process (EMFILE) or of the system (ENFILE).
fn is_scarce(error: &io::Error) -> bool {
    const ENFILE: i32 = 23;
    const EMFILE: i32 = 24;
    matches!(error.raw_os_error(), Some(EMFILE | ENFILE))
}

/// Accepts connections that wait, up to a number, and closes each at once; how many there were.
async fn turn_away(listener: &TcpListener, stats: &ModbusStats) -> usize {
    for n in 0..TURNED_AWAY_MAX {
        let waiting = tokio::time::timeout(Duration::from_millis(1), listener.accept()).await;
        let Ok(Ok((_closed, peer))) = waiting else { return n };
        stats.rejected.fetch_add(1, Relaxed);
        debug!(%peer, "no descriptor for the connection: turned away");
    }
    TURNED_AWAY_MAX
}

/// Gives a new connection its place and its task, or turns it away. Never waits.
fn seat(stream: TcpStream, peer: SocketAddr, room: &Arc<Room>) {
    let stats = room.server.stats();
    let local = stream.local_addr().map(|local| local.ip());
    let gateway = local.ok().and_then(|local| room.reach.find(local));
    if let Some(gateway) = gateway
        && room.refuses(gateway, peer)
    {
        stream.reset();
        stats.rejected.fetch_add(1, Relaxed);
        return;
    }
    let (Some(gateway), Some(seat)) = (gateway, Seat::take(room, peer)) else {
        stats.rejected.fetch_add(1, Relaxed);
        debug!(%peer, listener = room.config.name, "connection turned away");
        return;
    };
    stats.accepted.fetch_add(1, Relaxed);
    // It fails on a socket that the client has reset already; the first read will tell.
    let _ = stream.set_nodelay(true);
    let service = room.service(gateway, peer, seat.place);
    let connection = service.connection;
    debug!(%peer, connection, listener = room.config.name, "connection opened");
    let tls = room.tls.clone();
    // Held until the task is in the list, so that it cannot leave before.
    let mut tasks = room.server.tasks();
    let task = tokio::spawn(async move {
        let ended = match tls {
            None => Session::new(stream, seat, service).run().await,
            Some(tls) => run_tls(&TlsAcceptor::from(tls), stream, seat, service).await,
        };
        let error = ended.err().map(tracing::field::display);
        debug!(%peer, connection, error, "connection closed");
    });
    tasks.insert(task.id(), task.abort_handle());
}

/// Serves one connection that has no socket.
#[cfg(feature = "fuzzing")]
pub(crate) async fn run_alone<S: Wire>(
    stream: S,
    config: &Arc<ListenerConfig>,
    gateway: &Arc<Gateway>,
    farm: FarmAccess,
) {
    let peer = SocketAddr::from(([127, 0, 0, 1], 1));
    let periods = gateway.devices().flat_map(|(_, device)| device.refresh_periods());
    let server = Server::new(farm, periods);
    let room = Room {
        server,
        config: Arc::clone(config),
        seats: Arc::default(),
        reach: Reach::Gateway(Arc::clone(gateway)),
        tls: None,
    };
    let Some(seat) = Seat::take(&room, peer) else { return };
    let service = room.service(gateway, peer, seat.place);
    // Its client learns of the end by the end of the stream.
    let _ = Session::new(stream, seat, service).run().await;
}

/// Shakes hands, and serves with the role that the client's certificate gives: none may write nothing.
async fn run_tls(
    acceptor: &TlsAcceptor,
    stream: TcpStream,
    mut seat: Seat,
    mut service: Service,
) -> io::Result<()> {
    let peer = service.peer;
    match handshake(acceptor, stream, seat.config().frame_timeout).await {
        Ok((stream, identity)) => {
            let role = identity.role.unwrap_or(Role::Viewer).min(service.role);
            service.role = role;
            let (subject, listener) = (&identity.subject, &seat.config().name);
            info!(%peer, listener, subject, role = role.name(), "client certificate accepted");
            Box::pin(Session::new(stream, seat, service).run()).await
        }
        Err(error) => {
            seat.reason = Some(CloseReason::Handshake);
            seat.stats().handshake_errors.fetch_add(1, Relaxed);
            warn!(%peer, %error, "TLS handshake failed");
            Ok(())
        }
    }
}

impl Wire for TlsStream<TcpStream> {
    fn reset(&self) {
        self.get_ref().0.reset();
    }
}
