//! Connections that take nothing: each has a while, then it is cut off.
//!
//! A client that stops reading would otherwise hold its connection and what waits for it for ever: a server
//! learns nothing from a full socket. What the system keeps of an answer before it is sent is bounded too,
//! so that a slow client gets what is new, not what was new when its socket filled up.

use std::fmt;
use std::io::{self, IoSlice};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::Sleep;

/// What the system keeps of an answer that the client has not taken, in bytes; Linux doubles it.
const SEND_BUFFER: usize = 128 * 1024;

/// Called with the peer whose patience is over.
pub(crate) type OnStall = Arc<dyn Fn(SocketAddr) + Send + Sync>;

/// A connection whose writes may wait for a while, and no longer.
pub(crate) struct Patient<S> {
    stream: S,
    peer: SocketAddr,
    patience: Duration,
    on_stall: OnStall,
    /// Runs while a write waits.
    waiting: Option<Pin<Box<Sleep>>>,
}

impl<S> fmt::Debug for Patient<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Patient").field("peer", &self.peer).finish_non_exhaustive()
    }
}

impl<S> Patient<S> {
    /// Cuts the connection of `peer` off when a write waits for `patience`, and says so.
    pub(crate) fn new(stream: S, peer: SocketAddr, patience: Duration, on_stall: OnStall) -> Self {
        Self { stream, peer, patience, on_stall, waiting: None }
    }

    /// Passes the outcome of a write on, but for one that waits for too long.
    fn watch<T>(
        &mut self,
        context: &mut Context<'_>,
        outcome: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if outcome.is_ready() {
            self.waiting = None;
            return outcome;
        }
        let patience = self.patience;
        let waiting = self.waiting.get_or_insert_with(|| Box::pin(tokio::time::sleep(patience)));
        ready!(waiting.as_mut().poll(context));
        self.waiting = None;
        (self.on_stall)(self.peer);
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Patient<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Patient<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.watch(context, outcome)
    }
    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        self.watch(context, outcome)
    }
    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let outcome = Pin::new(&mut self.stream).poll_flush(context);
        self.watch(context, outcome)
    }
    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let outcome = Pin::new(&mut self.stream).poll_shutdown(context);
        self.watch(context, outcome)
    }
}

/// Sets a fresh connection up: small answers at once, and little kept by the system.
pub(crate) fn prepare(stream: &TcpStream) {
    // A connection that was reset already fails here; its task will notice.
    let _ = stream.set_nodelay(true);
    let _ = socket2::SockRef::from(stream).set_send_buffer_size(SEND_BUFFER);
}
