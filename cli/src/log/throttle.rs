//! How many lines of a kind may be written: a burst, then so many a second. The rest is counted.

use std::time::{Duration, Instant};

/// Lets lines of one kind through.
#[derive(Debug)]
pub(crate) struct Throttle {
    burst: f64,
    per_s: f64,
    tokens: f64,
    at: Instant,
    held: u64,
}

impl Throttle {
    /// Lets `burst` lines through at once, and `per_s` a second after that.
    pub(crate) fn new(burst: f64, per_s: f64, now: Instant) -> Self {
        Self { burst, per_s, tokens: burst, at: now, held: 0 }
    }

    /// Whether one more line may be written; counted if not.
    pub(crate) fn admits(&mut self, now: Instant) -> bool {
        let since = now.saturating_duration_since(self.at).as_secs_f64();
        self.tokens = (self.tokens + since * self.per_s).min(self.burst);
        self.at = now;
        let is_let = self.tokens >= 1.0;
        if is_let {
            self.tokens -= 1.0;
        } else {
            self.held += 1;
        }
        is_let
    }

    /// Lines that were held back since this was asked last.
    pub(crate) fn take_held(&mut self) -> u64 {
        std::mem::take(&mut self.held)
    }
}

/// How often it is told how many lines were held back.
pub(crate) const TELL: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_passes_then_so_many_a_second_and_the_rest_is_counted() {
        let start = Instant::now();
        let mut throttle = Throttle::new(5.0, 2.0, start);
        let passed = |throttle: &mut Throttle, n: usize, at: Instant| {
            (0..n).filter(|_| throttle.admits(at)).count()
        };
        assert_eq!(passed(&mut throttle, 100, start), 5);
        assert_eq!(passed(&mut throttle, 100, start + Duration::from_secs(1)), 2);
        assert_eq!(passed(&mut throttle, 100, start + Duration::from_secs(60)), 5);
        assert_eq!((throttle.take_held(), throttle.take_held()), (288, 0));
    }
}
