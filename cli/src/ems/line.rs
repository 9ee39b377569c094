//! One Modbus connection to one device, with patience and back-off.

use super::points::{CHAIN, Chain, END, MARK};
use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;
use tokio_modbus::client::{Context, Reader, Writer, tcp};
use tokio_modbus::{ExceptionCode, Slave};

/// What came of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Failure {
    /// It was not tried: the last tries failed, and it is not yet time for another.
    Waiting,
    /// No connection, or no answer.
    Silent,
    /// An exception, or an answer that is none.
    Refused,
}

/// Longest pause between two tries in s.
const PAUSE_MAX_S: f64 = 16.0;

/// When the next try is due after failures: 1, 2, 4, … s later.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Patience {
    failures: u32,
    next_s: f64,
}

impl Patience {
    pub(super) fn is_due(&self, now_s: f64) -> bool {
        self.failures == 0 || now_s >= self.next_s
    }
    pub(super) fn failed(&mut self, now_s: f64) {
        let pause_s = f64::from(1_u32 << self.failures.min(10)).min(PAUSE_MAX_S);
        self.failures += 1;
        self.next_s = now_s + pause_s;
    }
    pub(super) fn succeeded(&mut self) {
        *self = Self::default();
    }
}

/// A line to a device.
pub(super) struct Line {
    address: SocketAddr,
    unit_id: u8,
    connection: Option<Context>,
    patience: Patience,
    /// Longest wait for an answer, by wall time.
    timeout: Duration,
    /// Whether it tries at once, and again and again, whatever happens: a client as it should not be.
    is_rash: bool,
    /// Tries to connect.
    pub(super) connects: u64,
    /// Requests that were sent.
    pub(super) requests: u64,
    /// Writes that were answered well.
    pub(super) writes: u64,
}

impl fmt::Debug for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is_open = self.connection.is_some();
        f.debug_struct("Line").field("address", &self.address).field("is_open", &is_open).finish()
    }
}

impl Line {
    pub(super) fn new(address: SocketAddr, unit_id: u8, timeout: Duration, is_rash: bool) -> Self {
        Self {
            address,
            unit_id,
            connection: None,
            patience: Patience::default(),
            timeout,
            is_rash,
            connects: 0,
            requests: 0,
            writes: 0,
        }
    }

    /// Closes the connection.
    pub(super) fn close(&mut self) {
        self.connection = None;
    }

    pub(super) async fn read(
        &mut self,
        now_s: f64,
        first: u16,
        n: u16,
    ) -> Result<Vec<u16>, Failure> {
        let timeout = self.timeout;
        let line = self.open(now_s).await?;
        let answer = tokio::time::timeout(timeout, line.read_holding_registers(first, n)).await;
        let words = self.settle(now_s, answer)?;
        if words.len() == usize::from(n) { Ok(words) } else { Err(Failure::Refused) }
    }

    pub(super) async fn write(
        &mut self,
        now_s: f64,
        first: u16,
        words: &[u16],
    ) -> Result<(), Failure> {
        let timeout = self.timeout;
        let line = self.open(now_s).await?;
        let answer =
            tokio::time::timeout(timeout, line.write_multiple_registers(first, words)).await;
        self.settle(now_s, answer)?;
        self.writes += 1;
        Ok(())
    }

    async fn open(&mut self, now_s: f64) -> Result<&mut Context, Failure> {
        if !self.is_rash && !self.patience.is_due(now_s) {
            return Err(Failure::Waiting);
        }
        self.requests += 1;
        if self.connection.is_none() {
            self.connects += 1;
            let connect = tcp::connect_slave(self.address, Slave(self.unit_id));
            match tokio::time::timeout(self.timeout, connect).await {
                Ok(Ok(connection)) => self.connection = Some(connection),
                Ok(Err(_)) | Err(_) => {
                    self.patience.failed(now_s);
                    return Err(Failure::Silent);
                }
            }
        }
        self.connection.as_mut().ok_or(Failure::Silent)
    }

    fn settle<T>(
        &mut self,
        now_s: f64,
        answer: Result<
            Result<Result<T, ExceptionCode>, tokio_modbus::Error>,
            tokio::time::error::Elapsed,
        >,
    ) -> Result<T, Failure> {
        match answer {
            Ok(Ok(Ok(value))) => {
                self.patience.succeeded();
                Ok(value)
            }
            // The line is fine; what was asked is not.
            Ok(Ok(Err(_))) => {
                self.patience.succeeded();
                Err(Failure::Refused)
            }
            // What is late may come yet, and would be taken for the next answer.
            Ok(Err(_)) | Err(_) => {
                self.connection = None;
                self.patience.failed(now_s);
                Err(Failure::Silent)
            }
        }
    }

    /// Walks the chain of models.
    pub(super) async fn discover(&mut self, now_s: f64) -> Result<Chain, Failure> {
        let mut chain = Chain::default();
        if self.read(now_s, CHAIN, 2).await? != MARK {
            return Err(Failure::Refused);
        }
        let mut address = CHAIN + 2;
        loop {
            let header = self.read(now_s, address, 2).await?;
            let (id, length) = (header[0], header[1]);
            if id == END {
                return Ok(chain);
            }
            let next = address.checked_add(length).and_then(|end| end.checked_add(2));
            let Some(next) = next.filter(|_| length > 0) else { return Err(Failure::Refused) };
            chain.note(id, address, length + 2);
            address = next;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tries_become_rarer_after_failures_and_are_at_once_again_after_a_success() {
        let mut patience = Patience::default();
        assert!(patience.is_due(0.0));
        let mut tries = Vec::new();
        for second in 0..60 {
            let now_s = f64::from(second);
            if patience.is_due(now_s) {
                tries.push(second);
                patience.failed(now_s);
            }
        }
        assert_eq!(tries, [0, 1, 3, 7, 15, 31, 47]);
        patience.succeeded();
        assert!(patience.is_due(60.0));
    }
}
