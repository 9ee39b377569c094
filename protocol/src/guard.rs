//! The transport between a socket and tokio-modbus: only whole, checked frames pass.
//!
//! The guard cuts the bytes into frames itself, answers a malformed one in its turn, and ends the
//! stream where the bytes are no Modbus, so that tokio-modbus never sees what it would panic on, wait
//! for, or close the connection for. Answers are gathered while further whole requests are at hand
//! and sent with one system call. Buffers grow with what was received, not with what a header
//! claims, and are given back when the connection falls quiet.
//!
//! tokio-modbus asks for the next frame only after it handed over the answer to the last one; the
//! order of answers rests on that.

use crate::access::Shared;
use crate::pdu;
use crate::service::count_exception;
use std::io;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep};
use tokio_util::sync::WaitForCancellationFutureOwned;
use tokio_util::task::task_tracker::TaskTrackerToken;

/// Transaction id, protocol id, length.
const HEADER: usize = 6;
/// What the length field may say: unit id and function code, up to unit id and the largest PDU.
const LENGTHS: std::ops::RangeInclusive<usize> = 2..=pdu::PDU_MAX + 1;
/// Bytes taken from the socket at once.
const CHUNK: usize = 4096;
/// Answers that may be held back before the socket must take them.
const HELD_BACK_MAX: usize = 64 * 1024;
/// Room that a quiet connection keeps for its next frame or answer.
const QUIET_CAPACITY: usize = 320;

/// A place among the connections; leaving it is dropping it.
#[derive(Debug)]
pub(crate) struct Seat {
    shared: Arc<Shared>,
    _token: TaskTrackerToken,
}

impl Seat {
    pub(crate) fn take(shared: &Arc<Shared>) -> Self {
        shared.farm.stats.modbus.connections.fetch_add(1, Relaxed);
        Self { shared: Arc::clone(shared), _token: shared.tracker.token() }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let stats = &self.shared.farm.stats;
        stats.modbus.connections.fetch_sub(1, Relaxed);
    }
}

/// What the received bytes begin with.
#[derive(Debug, PartialEq)]
enum Front {
    /// Nothing.
    Empty,
    /// The beginning of a frame.
    Half,
    /// A frame of this many bytes.
    Whole(usize),
    /// Something else than Modbus.
    Junk,
}

fn front(bytes: &[u8]) -> Front {
    if bytes.is_empty() {
        return Front::Empty;
    }
    if bytes.len() < HEADER {
        return Front::Half;
    }
    let protocol = u16::from_be_bytes([bytes[2], bytes[3]]);
    let length = usize::from(u16::from_be_bytes([bytes[4], bytes[5]]));
    if protocol != 0 || !LENGTHS.contains(&length) {
        Front::Junk
    } else if bytes.len() < HEADER + length {
        Front::Half
    } else {
        Front::Whole(HEADER + length)
    }
}

/// A socket behind the guard.
#[derive(Debug)]
pub(crate) struct Guard<S> {
    socket: S,
    seat: Seat,
    /// Received bytes; those before `taken` are done with.
    input: Vec<u8>,
    taken: usize,
    /// Bytes of the front frame that tokio-modbus has not taken yet.
    handing_over: usize,
    /// Bytes to send; those before `sent` are sent.
    output: Vec<u8>,
    sent: usize,
    /// When the request in hand was complete.
    in_hand_since: Option<Instant>,
    /// When the half frame at the front began.
    half_since: Option<Instant>,
    /// When the client last sent something, or was answered.
    active_at: Instant,
    timer: Pin<Box<Sleep>>,
    drain: Pin<Box<WaitForCancellationFutureOwned>>,
    drain_waker: Option<Waker>,
    /// Whether no further frame is to be handed over.
    ended: bool,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Guard<S> {
    pub(crate) fn new(socket: S, seat: Seat) -> Self {
        let now = Instant::now();
        let config = &seat.shared.config;
        let timer = Box::pin(tokio::time::sleep_until(now + config.idle_timeout));
        let drain = Box::pin(seat.shared.drain.clone().cancelled_owned());
        Self {
            socket,
            seat,
            input: Vec::new(),
            taken: 0,
            handing_over: 0,
            output: Vec::new(),
            sent: 0,
            in_hand_since: None,
            half_since: None,
            active_at: now,
            timer,
            drain,
            drain_waker: None,
            ended: false,
        }
    }

    fn stats(&self) -> &bess_core::stats::ModbusStats {
        &self.seat.shared.farm.stats.modbus
    }

    fn unread(&self) -> &[u8] {
        &self.input[self.taken..]
    }

    fn is_draining(&self) -> bool {
        self.seat.shared.is_draining.load(Relaxed)
    }

    /// Marks the next `n` received bytes as done with.
    fn consume(&mut self, n: usize) {
        self.taken += n;
        if self.taken == self.input.len() {
            self.input.clear();
            self.taken = 0;
        }
    }

    /// Judges the whole frame of `length` bytes at the front. A good one is to be handed over; a
    /// malformed one is answered here.
    fn judge(&mut self, length: usize) {
        let frame = &self.input[self.taken..self.taken + length];
        let (unit_id, pdu) = (frame[HEADER], &frame[HEADER + 1..]);
        let code = pdu[0];
        let header = [frame[0], frame[1], 0, 0, 0, 3, unit_id];
        let verdict = pdu::check(pdu);
        self.half_since = None;
        if let Some(count) = self.stats().requests.get(usize::from(code)) {
            count.fetch_add(1, Relaxed);
        }
        match verdict {
            Ok(()) => {
                self.handing_over = length;
                self.in_hand_since = Some(Instant::now());
            }
            Err(exception) => {
                self.output.extend_from_slice(&header);
                self.output.extend_from_slice(&[code | 0x80, exception]);
                count_exception(self.stats(), exception);
                self.consume(length);
            }
        }
    }

    /// Gives bytes of the frame in hand to tokio-modbus, as many as it has room for.
    fn hand_over(&mut self, buf: &mut ReadBuf<'_>) {
        let n = self.handing_over.min(buf.remaining());
        buf.put_slice(&self.input[self.taken..self.taken + n]);
        self.handing_over -= n;
        self.consume(n);
    }

    /// Sends everything that is to be sent.
    fn poll_send(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while self.sent < self.output.len() {
            let rest = &self.output[self.sent..];
            let Poll::Ready(result) = Pin::new(&mut self.socket).poll_write(cx, rest) else {
                // A client that never reads its answers must not be kept for ever.
                return match self.poll_deadline(cx) {
                    Poll::Ready(()) => Poll::Ready(Err(io::ErrorKind::TimedOut.into())),
                    Poll::Pending => Poll::Pending,
                };
            };
            let n = result?;
            if n == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.sent += n;
            self.active_at = Instant::now();
            self.stats().bytes[1].fetch_add(n as u64, Relaxed);
        }
        self.output.clear();
        self.sent = 0;
        Pin::new(&mut self.socket).poll_flush(cx)
    }

    /// Ready when the client has been quiet for too long, or too slow with a frame.
    fn poll_deadline(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let config = &self.seat.shared.config;
        let idle = deadline(self.active_at, config.idle_timeout);
        let due = match self.half_since {
            Some(since) => idle.min(deadline(since, config.frame_timeout)),
            None => idle,
        };
        // The timer is moved only when it would ring too late, or has rung too early: a busy
        // connection leaves it alone.
        if self.timer.deadline() > due {
            self.timer.as_mut().reset(due);
        }
        while self.timer.as_mut().poll(cx).is_ready() {
            if Instant::now() >= due {
                return Poll::Ready(());
            }
            self.timer.as_mut().reset(due);
        }
        Poll::Pending
    }

    /// Has the task woken when the server drains. One registration serves the connection's life: a
    /// poll takes a lock that all connections share.
    fn watch_drain(&mut self, cx: &mut Context<'_>) {
        let is_watched = self.drain_waker.as_ref().is_some_and(|waker| waker.will_wake(cx.waker()));
        if !is_watched {
            self.drain_waker = Some(cx.waker().clone());
            if self.drain.as_mut().poll(cx).is_ready() {
                self.ended = true;
                cx.waker().wake_by_ref();
            }
        }
    }

    /// Takes what the socket has. `Ready(false)` is the end of the stream.
    fn poll_fill(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<bool>> {
        let mut chunk = [const { MaybeUninit::uninit() }; CHUNK];
        let mut chunk = ReadBuf::uninit(&mut chunk);
        ready!(Pin::new(&mut self.socket).poll_read(cx, &mut chunk))?;
        let bytes = chunk.filled();
        if bytes.is_empty() {
            return Poll::Ready(Ok(false));
        }
        if self.taken > 0 {
            self.input.drain(..self.taken);
            self.taken = 0;
        }
        self.input.extend_from_slice(bytes);
        self.active_at = Instant::now();
        let n = bytes.len() as u64;
        self.stats().bytes[0].fetch_add(n, Relaxed);
        Poll::Ready(Ok(true))
    }

    /// Gives room back that only a burst needed.
    fn shrink(&mut self) {
        if self.input.capacity() > QUIET_CAPACITY {
            self.input.drain(..self.taken);
            self.taken = 0;
            self.input.shrink_to(QUIET_CAPACITY);
        }
        if self.output.is_empty() && self.output.capacity() > QUIET_CAPACITY {
            self.output.shrink_to(QUIET_CAPACITY);
        }
    }
}

fn deadline(from: Instant, timeout: Duration) -> Instant {
    const FAR: Duration = Duration::from_secs(86_400 * 365);
    from + timeout.min(FAR)
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for Guard<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let guard = self.get_mut();
        loop {
            if guard.handing_over > 0 {
                guard.hand_over(buf);
                return Poll::Ready(Ok(()));
            }
            if guard.is_draining() {
                guard.ended = true;
            }
            if guard.ended {
                ready!(guard.poll_send(cx))?;
                return Poll::Ready(Ok(()));
            }
            if guard.output.len() > HELD_BACK_MAX {
                ready!(guard.poll_send(cx))?;
            }
            match front(guard.unread()) {
                Front::Whole(length) => {
                    guard.judge(length);
                    // A write waits for a tick; the answers before it should not.
                    let is_write = guard.handing_over > 0
                        && !matches!(guard.input[guard.taken + HEADER + 1], 3 | 4);
                    if is_write && let Poll::Ready(Err(error)) = guard.poll_send(cx) {
                        return Poll::Ready(Err(error));
                    }
                    continue;
                }
                Front::Junk => {
                    guard.stats().bad_frames.fetch_add(1, Relaxed);
                    guard.ended = true;
                    continue;
                }
                Front::Half => {
                    guard.half_since.get_or_insert_with(Instant::now);
                }
                Front::Empty => {}
            }
            ready!(guard.poll_send(cx))?;
            match guard.poll_fill(cx) {
                Poll::Ready(Ok(true)) => {}
                Poll::Ready(Ok(false)) => {
                    if guard.half_since.is_some() {
                        guard.stats().bad_frames.fetch_add(1, Relaxed);
                    }
                    guard.ended = true;
                }
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending => {
                    guard.shrink();
                    guard.watch_drain(cx);
                    ready!(guard.poll_deadline(cx));
                    if guard.half_since.is_some() {
                        guard.stats().bad_frames.fetch_add(1, Relaxed);
                    }
                    guard.ended = true;
                }
            }
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Guard<S> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let guard = self.get_mut();
        if guard.output.len() > HELD_BACK_MAX {
            ready!(guard.poll_send(cx))?;
        }
        guard.output.extend_from_slice(bytes);
        if let Some(since) = guard.in_hand_since.take() {
            let duration = &guard.stats().duration;
            duration.observe(since.elapsed().as_secs_f64());
        }
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let guard = self.get_mut();
        // The answer to the next request joins this one; `poll_read` sends both at the latest when
        // no whole request is left.
        if matches!(front(guard.unread()), Front::Whole(_))
            && guard.output.len() <= HELD_BACK_MAX
            && !guard.is_draining()
        {
            return Poll::Ready(Ok(()));
        }
        guard.poll_send(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let guard = self.get_mut();
        ready!(guard.poll_send(cx))?;
        Pin::new(&mut guard.socket).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_frame_is_whole_when_its_length_is_there() {
        let frame = [0, 1, 0, 0, 0, 2, 1, 3];
        assert_eq!(front(&[]), Front::Empty);
        for n in 1..frame.len() {
            assert_eq!(front(&frame[..n]), Front::Half, "{n} bytes");
        }
        assert_eq!(front(&frame), Front::Whole(8));
    }

    #[test]
    fn a_wrong_protocol_or_length_is_junk_as_soon_as_the_header_is_there() {
        for header in [
            [0, 1, 0, 1, 0, 6],
            [0, 1, 1, 0, 0, 6],
            [0, 1, 0, 0, 0, 0],
            [0, 1, 0, 0, 0, 1],
            [0, 1, 0, 0, 0, 255],
            [0, 1, 0, 0, 0xFF, 0xFF],
        ] {
            assert_eq!(front(&header), Front::Junk, "{header:?}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_cut_without_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
            let mut rest = &bytes[..];
            while let Front::Whole(length) = front(rest) {
                let _ = pdu::check(&rest[HEADER + 1..length]);
                rest = &rest[length..];
            }
        }
    }
}
