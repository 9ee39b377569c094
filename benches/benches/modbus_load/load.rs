//! The clients: one thread on epoll that keeps a number of requests in flight on each connection. It knows
//! frames by their length alone, so the same code loads the Modbus server and the echo.

use crate::Fault;
use crate::stats::quantile;
use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};
use std::collections::VecDeque;
use std::io::{ErrorKind, Read, Write};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

/// What to ask, and how.
#[derive(Clone, Debug)]
pub(crate) struct Load {
    pub(crate) connections: usize,
    /// Requests in flight on each connection.
    pub(crate) depth: usize,
    /// The requests of a connection, in turn; all of one length.
    pub(crate) requests: Vec<Vec<u8>>,
    pub(crate) warm_up: Duration,
    pub(crate) duration: Duration,
}

/// What came of it after the warm-up.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Answers {
    pub(crate) seconds: f64,
    /// Normal answers.
    pub(crate) answered: f64,
    /// Exceptions.
    pub(crate) refused: f64,
    pub(crate) p50_s: f64,
    pub(crate) p99_s: f64,
}

impl Answers {
    pub(crate) fn per_second(&self) -> f64 {
        self.answered / self.seconds
    }
}

#[derive(Debug)]
struct Client {
    stream: TcpStream,
    next: usize,
    /// When the requests in flight were sent.
    sent: VecDeque<Instant>,
    input: Vec<u8>,
}

const HEADER: usize = 6;

impl Client {
    /// Sends `count` requests with one write.
    fn send(
        &mut self,
        count: usize,
        requests: &[Vec<u8>],
        bytes: &mut Vec<u8>,
    ) -> Result<(), Fault> {
        bytes.clear();
        for _ in 0..count {
            bytes.extend_from_slice(&requests[self.next % requests.len()]);
            self.next += 1;
        }
        let now = Instant::now();
        self.sent.extend(std::iter::repeat_n(now, count));
        // A few small requests always fit into the socket.
        let n = self.stream.write(bytes)?;
        if n == bytes.len() { Ok(()) } else { Err("a request was cut".into()) }
    }

    /// Takes the whole answers that there are: how many were normal, and how many exceptions.
    fn receive(&mut self, buffer: &mut [u8], times: &mut Vec<f64>) -> Result<[usize; 2], Fault> {
        let mut seen = [0; 2];
        loop {
            let n = match self.stream.read(buffer) {
                Ok(0) => return Err("the server closed a connection".into()),
                Ok(n) => n,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(seen),
                Err(error) => return Err(error.into()),
            };
            let now = Instant::now();
            self.input.extend_from_slice(&buffer[..n]);
            let mut at = 0;
            while let Some(header) = self.input.get(at..at + HEADER + 2) {
                let length = HEADER + usize::from(u16::from_be_bytes([header[4], header[5]]));
                if self.input.len() < at + length {
                    break;
                }
                seen[usize::from(header[7] >> 7)] += 1;
                at += length;
                let sent = self.sent.pop_front().ok_or("an answer that nobody asked for")?;
                times.push((now - sent).as_secs_f64());
            }
            self.input.drain(..at);
            // Less than asked for: the socket is empty.
            if n < buffer.len() {
                return Ok(seen);
            }
        }
    }
}

impl Load {
    /// Runs it against the server at `address`.
    pub(crate) fn run(&self, address: SocketAddr) -> Result<Answers, Fault> {
        let mut poll = Poll::new()?;
        let mut clients = Vec::with_capacity(self.connections);
        for index in 0..self.connections {
            let stream = std::net::TcpStream::connect(address)?;
            stream.set_nodelay(true)?;
            stream.set_nonblocking(true)?;
            let mut stream = TcpStream::from_std(stream);
            poll.registry().register(&mut stream, Token(index), Interest::READABLE)?;
            let next = index * self.requests.len() / self.connections;
            clients.push(Client { stream, next, sent: VecDeque::new(), input: Vec::new() });
        }
        let (mut buffer, mut bytes) = (vec![0; 64 * 1024], Vec::new());
        for client in &mut clients {
            client.send(self.depth, &self.requests, &mut bytes)?;
        }
        let mut events = Events::with_capacity(1024);
        let (mut times, mut seen) = (Vec::new(), [0; 2]);
        let mut begin = Instant::now();
        let mut is_warm = false;
        loop {
            poll.poll(&mut events, Some(Duration::from_secs(5)))?;
            if events.is_empty() {
                return Err("no answer for 5 s".into());
            }
            for event in &events {
                let client = &mut clients[event.token().0];
                let new = client.receive(&mut buffer, &mut times)?;
                (seen[0], seen[1]) = (seen[0] + new[0], seen[1] + new[1]);
                if new != [0; 2] {
                    client.send(new[0] + new[1], &self.requests, &mut bytes)?;
                }
            }
            let took = begin.elapsed();
            if !is_warm && took >= self.warm_up {
                (is_warm, begin, seen) = (true, Instant::now(), [0; 2]);
                times.clear();
            } else if is_warm && took >= self.duration {
                return Ok(Answers {
                    seconds: took.as_secs_f64(),
                    answered: seen[0] as f64,
                    refused: seen[1] as f64,
                    p50_s: quantile(&mut times, 0.5),
                    p99_s: quantile(&mut times, 0.99),
                });
            }
        }
    }
}

/// A frame that reads `count` holding registers of `unit` from `address` on.
pub(crate) fn read_frame(unit: u8, address: u16, count: u16) -> Vec<u8> {
    let ([a, b], [c, d]) = (address.to_be_bytes(), count.to_be_bytes());
    vec![0, 1, 0, 0, 0, 6, unit, 3, a, b, c, d]
}

/// A frame that writes a setpoint in watts into the compact map of `unit`.
pub(crate) fn setpoint_frame(unit: u8, setpoint_w: i32) -> Vec<u8> {
    let mut frame = vec![0, 1, 0, 0, 0, 11, unit, 16, 0, 80, 0, 2, 4];
    frame.extend_from_slice(&setpoint_w.to_be_bytes());
    frame
}
