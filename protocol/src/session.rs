//! One connection: cuts its bytes into frames, has each answered in its turn, and sends the answers.
//!
//! Answers are gathered while further whole requests are at hand and sent with one system call. Buffers
//! grow with what was received, not with what a header claims, are bounded, and are given back when the
//! connection falls quiet. A half frame that does not go on, a client that does not read, and a quiet
//! connection each end at their deadline.

mod tally;

use crate::conditions::{Fate, Instead, Step};
use crate::frame::{Front, HEADER, front};
use crate::server::Seat;
use crate::service::{Answer, Pdu, Service};
use bess_core::snapshot::Snapshot;
use bess_core::stats::{CloseReason, Served};
use std::future::poll_fn;
use std::io;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::task::{Context, Poll, Waker, ready};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tally::Tally;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep};
use tokio_util::sync::WaitForCancellationFutureOwned;

/// Bytes taken from the socket at once.
const CHUNK: usize = 4096;
/// Answers that may be held back before the socket must take them.
const HELD_BACK_MAX: usize = 64 * 1024;
/// Room that a quiet connection keeps for its next frame or answer.
const QUIET_CAPACITY: usize = 320;

/// What a session runs over.
pub(crate) trait Wire: AsyncRead + AsyncWrite + Unpin {
    /// Has the end of the connection be a reset, where there is such a thing.
    fn reset(&self) {}
}

impl Wire for TcpStream {
    fn reset(&self) {
        // A socket that is gone needs no reset.
        let _ = self.set_zero_linger();
    }
}

/// A connection.
#[derive(Debug)]
pub(crate) struct Session<S> {
    socket: S,
    seat: Seat,
    service: Service,
    /// Received bytes; those before `taken` are done with.
    input: Vec<u8>,
    taken: usize,
    /// Bytes to send; those before `sent` are sent.
    output: Vec<u8>,
    sent: usize,
    /// When the half frame at the front began.
    half_since: Option<Instant>,
    /// When the client last sent something, or took something.
    active_at: Instant,
    /// When the frames at hand were there to be answered.
    whole_at: Instant,
    /// Whether the socket has kept us waiting with what is to be sent.
    is_slow: bool,
    tally: Tally,
    timer: Pin<Box<Sleep>>,
    drain: Pin<Box<WaitForCancellationFutureOwned>>,
    drain_waker: Option<Waker>,
    is_reset: bool,
    /// An answer that waits until that to the next request is out.
    overtaken: Vec<u8>,
}

/// What waiting for bytes came to.
enum Fill {
    More,
    End,
}

/// Why a request came to nothing that a condition took away.
const LINK: &str = "a condition of the link";

/// What has to be done before the next frame is answered.
enum Next {
    /// More bytes have to come.
    Read,
    /// The answers so far have to leave.
    Send,
    /// An answer has to be waited for.
    Wait(Box<Late>),
    /// The answers so far are the last.
    End,
}

/// An answer that is not at hand, or that is delivered in a way of its own.
struct Late {
    function: u8,
    /// Its header and unit id.
    head: Vec<u8>,
    pdu: Pdu,
    fate: Option<Box<Fate>>,
}

impl<S: Wire> Session<S> {
    pub(crate) fn new(socket: S, seat: Seat, service: Service) -> Self {
        let now = Instant::now();
        let timer = Box::pin(tokio::time::sleep_until(deadline(now, seat.config().idle_timeout)));
        let drain = Box::pin(seat.drain().clone().cancelled_owned());
        Self {
            socket,
            seat,
            service,
            input: Vec::new(),
            taken: 0,
            output: Vec::new(),
            sent: 0,
            half_since: None,
            active_at: now,
            whole_at: now,
            is_slow: false,
            tally: Tally::default(),
            timer,
            drain,
            drain_waker: None,
            is_reset: false,
            overtaken: Vec::new(),
        }
    }

    /// Serves the connection to its end.
    ///
    /// # Errors
    /// What broke it, from the socket.
    pub(crate) async fn run(mut self) -> io::Result<()> {
        let result = self.serve().await;
        if result.is_err() {
            self.end_for(CloseReason::Broken);
        }
        if self.is_reset {
            self.socket.reset();
            return result;
        }
        // Whoever is still there learns that nothing more comes, with a close notice under TLS.
        let _ = poll_fn(|cx| Pin::new(&mut self.socket).poll_shutdown(cx)).await;
        result
    }

    /// Notes why the connection ends; the first reason is the one that counts.
    fn end_for(&mut self, reason: CloseReason) {
        self.seat.reason.get_or_insert(reason);
    }

    async fn serve(&mut self) -> io::Result<()> {
        loop {
            match self.answer_all() {
                Next::Read => {}
                Next::Send => {
                    self.send().await?;
                    continue;
                }
                Next::Wait(waiting) => {
                    if !self.wait(*waiting).await? {
                        return Ok(());
                    }
                    continue;
                }
                Next::End => return self.send().await,
            }
            self.send().await?;
            match poll_fn(|cx| self.poll_fill(cx)).await? {
                Fill::More => {}
                Fill::End => {
                    if self.half_since.is_some() {
                        self.note_bad_frame();
                    }
                    return Ok(());
                }
            }
        }
    }

    /// Answers the whole frames that are at hand, from one snapshot, up to one that takes time.
    fn answer_all(&mut self) -> Next {
        let mut snapshot = None;
        loop {
            if self.seat.is_draining() {
                self.end_for(CloseReason::Shutdown);
                return Next::End;
            }
            let length = match front(&self.input[self.taken..]) {
                Front::Whole(length) => length,
                Front::Junk => {
                    self.note_bad_frame();
                    self.end_for(CloseReason::BadFrame);
                    return Next::End;
                }
                Front::Half => {
                    self.half_since.get_or_insert(self.active_at);
                    return Next::Read;
                }
                Front::Empty => return Next::Read,
            };
            self.half_since = None;
            // What was held back goes behind the answer that is made now.
            let overtaken = std::mem::take(&mut self.overtaken);
            let snapshot = snapshot.get_or_insert_with(|| self.service.snapshot());
            self.tally.made_unix_ns = snapshot.wall_unix_ns;
            let next = self.answer(length, snapshot);
            self.output.extend(overtaken);
            match next {
                None if self.output.len() > HELD_BACK_MAX => return Next::Send,
                None => {}
                Some(next) => return next,
            }
        }
    }

    /// Answers the whole frame of `length` bytes at the front; what has to be done before the next one.
    fn answer(&mut self, length: usize, snapshot: &Arc<Snapshot>) -> Option<Next> {
        let function = self.input[self.taken + HEADER + 1];
        if function != self.tally.function {
            self.note_answers();
        }
        let frame = &self.input[self.taken..self.taken + length];
        let fate = self.service.fate(snapshot, frame);
        let start = self.output.len();
        self.output.extend_from_slice(&[frame[0], frame[1], 0, 0, 0, 0, frame[HEADER]]);
        let answer = match fate.as_ref().and_then(|fate| fate.instead) {
            None => {
                let lens = fate.as_ref().map(|fate| &fate.lens);
                self.tally.count(function, self.seat.stats());
                self.service.answer(snapshot, frame, lens, &mut self.output)
            }
            Some(Instead::Silence) => {
                self.service.tell_unheard(frame, None, LINK, None);
                Answer::Silent
            }
            Some(Instead::Exception(code)) => {
                self.service.tell_unheard(frame, Some(code), LINK, None);
                self.service.refuse(frame, code, &mut self.output);
                Answer::Ready
            }
            Some(Instead::Reset) => {
                self.service.tell_unheard(frame, None, LINK, None);
                self.output.truncate(start);
                self.is_reset = true;
                self.end_for(CloseReason::LinkCondition);
                return Some(Next::End);
            }
        };
        self.consume(length);
        let is_overtaken = fate.as_ref().is_some_and(|fate| fate.is_last)
            && matches!(answer, Answer::Ready)
            && matches!(front(&self.input[self.taken..]), Front::Whole(_));
        let fate = fate.filter(|fate| fate.wounds());
        let pdu: Pdu = match answer {
            Answer::Silent => {
                self.output.truncate(start);
                return None;
            }
            Answer::Ready if fate.is_none() => {
                complete(&mut self.output[start..]);
                self.tally.answered += 1;
                if is_overtaken {
                    self.overtaken = self.output.split_off(start);
                }
                return None;
            }
            Answer::Ready => {
                let pdu = self.output.split_off(start + HEADER + 1);
                Box::pin(std::future::ready(pdu))
            }
            Answer::Waiting(pdu) => pdu,
        };
        let head = self.output.split_off(start);
        Some(Next::Wait(Box::new(Late { function, head, pdu, fate })))
    }

    /// Sends what was answered before, which should not wait too, and then has the late answer sent; whether
    /// the connection goes on.
    async fn wait(&mut self, late: Late) -> io::Result<bool> {
        let since = Instant::now();
        self.send().await?;
        let mut frame = late.head;
        frame.extend(late.pdu.await);
        complete(&mut frame);
        self.seat.stats().observe(late.function, since.elapsed().as_secs_f64(), 1);
        let mut goes_on = true;
        match late.fate {
            None => self.output.append(&mut frame),
            Some(fate) => goes_on = self.deliver(fate.steps(frame)).await?,
        }
        self.whole_at = Instant::now();
        self.active_at = self.whole_at;
        Ok(goes_on)
    }

    /// Delivers an answer as a condition of the link has it; whether the connection goes on.
    async fn deliver(&mut self, steps: Vec<Step>) -> io::Result<bool> {
        for step in steps {
            match step {
                Step::Rest(time) if !self.rest(time).await? => return Ok(false),
                Step::Rest(_) => {}
                Step::Send(bytes) => {
                    self.output.extend(bytes);
                    self.send().await?;
                }
            }
        }
        Ok(true)
    }

    /// Answers nothing for so long; whether the client and the server are still there then.
    async fn rest(&mut self, time: Duration) -> io::Result<bool> {
        let over = deadline(Instant::now(), time);
        while Instant::now() < over {
            if self.seat.is_draining() {
                self.end_for(CloseReason::Shutdown);
                return Ok(false);
            }
            if self.input.len() - self.taken > HELD_BACK_MAX {
                // What the client sends has to wait with it.
                tokio::time::sleep_until(over).await;
                break;
            }
            // It is not quiet: it waits for us.
            self.active_at = over;
            match tokio::time::timeout_at(over, poll_fn(|cx| self.poll_fill(cx))).await {
                Ok(Ok(Fill::More)) => {}
                Ok(Ok(Fill::End)) => return Ok(false),
                Ok(Err(error)) => return Err(error),
                Err(_) => break,
            }
        }
        self.active_at = Instant::now();
        Ok(true)
    }

    fn note_bad_frame(&self) {
        self.seat.stats().bad_frames.fetch_add(1, Relaxed);
    }

    /// Marks the next `n` received bytes as done with.
    fn consume(&mut self, n: usize) {
        self.taken += n;
        if self.taken == self.input.len() {
            self.input.clear();
            self.taken = 0;
        }
    }

    /// Brings the counters up to date with what was answered.
    fn note_answers(&mut self) {
        self.tally.note_requests(self.seat.stats());
        if self.tally.answered > 0 {
            let now = Instant::now();
            let took_s = (now - self.whole_at).as_secs_f64();
            let n = std::mem::take(&mut self.tally.answered);
            self.seat.stats().observe(self.tally.function, took_s, n);
            self.service.farm.stats.note_served(
                Served::Modbus,
                self.tally.made_unix_ns,
                wall_unix_ns(),
                n,
            );
            self.active_at = now;
        }
    }

    /// Sends everything that is to be sent.
    async fn send(&mut self) -> io::Result<()> {
        self.note_answers();
        if self.output.is_empty() {
            return Ok(());
        }
        poll_fn(|cx| self.poll_send(cx)).await
    }

    fn poll_send(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while self.sent < self.output.len() {
            let rest = &self.output[self.sent..];
            let Poll::Ready(result) = Pin::new(&mut self.socket).poll_write(cx, rest) else {
                self.is_slow = true;
                // A client that never reads its answers must not be kept for ever.
                ready!(self.poll_deadline(cx));
                self.end_for(CloseReason::SlowReader);
                return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
            };
            let n = result?;
            if n == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.sent += n;
            if self.is_slow || self.sent < self.output.len() {
                self.active_at = Instant::now();
            }
            self.seat.stats().bytes[1].fetch_add(n as u64, Relaxed);
        }
        self.output.clear();
        (self.sent, self.is_slow) = (0, false);
        Pin::new(&mut self.socket).poll_flush(cx)
    }

    /// Takes what the socket has; the end is also that of patience and of the server.
    fn poll_fill(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Fill>> {
        let mut chunk = [const { MaybeUninit::uninit() }; CHUNK];
        let mut chunk = ReadBuf::uninit(&mut chunk);
        match Pin::new(&mut self.socket).poll_read(cx, &mut chunk) {
            Poll::Ready(Ok(())) => {}
            Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
            Poll::Pending => {
                self.shrink();
                if self.is_drained(cx) {
                    self.end_for(CloseReason::Shutdown);
                    return Poll::Ready(Ok(Fill::End));
                }
                ready!(self.poll_deadline(cx));
                let is_half = self.half_since.is_some();
                self.end_for(if is_half { CloseReason::HalfFrame } else { CloseReason::Idle });
                return Poll::Ready(Ok(Fill::End));
            }
        }
        let bytes = chunk.filled();
        if bytes.is_empty() {
            self.end_for(CloseReason::Client);
            return Poll::Ready(Ok(Fill::End));
        }
        if self.taken > 0 {
            self.input.drain(..self.taken);
            self.taken = 0;
        }
        self.input.extend_from_slice(bytes);
        self.active_at = Instant::now();
        self.whole_at = self.active_at;
        self.seat.stats().bytes[0].fetch_add(bytes.len() as u64, Relaxed);
        Poll::Ready(Ok(Fill::More))
    }

    /// Ready when the client has been quiet for too long, or too slow with a frame.
    fn poll_deadline(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let config = self.seat.config();
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

    /// Whether the server drains; the task is woken when it does. One registration serves the
    /// connection's life: a poll takes a lock that all connections share.
    fn is_drained(&mut self, cx: &mut Context<'_>) -> bool {
        let is_watched = self.drain_waker.as_ref().is_some_and(|waker| waker.will_wake(cx.waker()));
        if is_watched {
            return self.seat.is_draining();
        }
        self.drain_waker = Some(cx.waker().clone());
        self.drain.as_mut().poll(cx).is_ready()
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

/// Writes the length of a whole frame into its header.
fn complete(frame: &mut [u8]) {
    let length = (frame.len() - HEADER) as u16;
    frame[4..6].copy_from_slice(&length.to_be_bytes());
}

/// Wall time in nanoseconds since the Unix epoch; 0 before it.
fn wall_unix_ns() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| i64::try_from(since.as_nanos()).unwrap_or(i64::MAX))
}

fn deadline(from: Instant, timeout: Duration) -> Instant {
    const FAR: Duration = Duration::from_secs(86_400 * 365);
    from + timeout.min(FAR)
}
