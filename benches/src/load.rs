//! The clients: one thread on epoll that keeps a number of requests in flight on each connection. It is
//! told where an answer ends, so the same code loads a server and the bare one beside it.

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
pub struct Load {
    /// Connections.
    pub connections: usize,
    /// Requests in flight on each connection.
    pub depth: usize,
    /// The requests of a connection, in turn; all of one length.
    pub requests: Vec<Vec<u8>>,
    /// Where an answer ends.
    pub framing: Framing,
    /// How long nothing is counted.
    pub warm_up: Duration,
    /// How long it counts.
    pub duration: Duration,
}

/// The length of the first answer in these bytes, and whether it is a normal one; `None` while it is not
/// there as a whole.
pub type Framing = fn(&[u8]) -> Option<(usize, bool)>;

/// What came of it after the warm-up.
#[derive(Clone, Copy, Debug)]
pub struct Answers {
    /// How long it counted.
    pub seconds: f64,
    /// Normal answers.
    pub answered: f64,
    /// Others.
    pub refused: f64,
    /// Latency, median.
    pub p50_s: f64,
    /// Latency that one in a hundred exceeds.
    pub p99_s: f64,
}

impl Answers {
    /// Normal answers a second.
    pub fn per_second(&self) -> f64 {
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

    /// Takes the whole answers that there are: how many were normal, and how many were not.
    fn receive(
        &mut self,
        framing: Framing,
        buffer: &mut [u8],
        times: &mut Vec<f64>,
    ) -> Result<[usize; 2], Fault> {
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
            while let Some((length, is_normal)) = framing(&self.input[at..]) {
                seen[usize::from(!is_normal)] += 1;
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
    ///
    /// # Errors
    /// When a connection fails or nothing is answered for five seconds.
    pub fn run(&self, address: SocketAddr) -> Result<Answers, Fault> {
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
                let new = client.receive(self.framing, &mut buffer, &mut times)?;
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
