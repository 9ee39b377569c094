//! How often somebody may ask: a bucket of requests for each client address and for each token.

use governor::clock::{Clock, DefaultClock};
use governor::middleware::NoOpMiddleware;
use governor::state::keyed::HashMapStateStore;
use governor::{Quota, RateLimiter};
use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU32;
use std::time::Duration;

/// Who shares a bucket.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Payer {
    /// An IPv4 address, or the network of 64 bits that one machine usually has of IPv6.
    Address(IpAddr),
    /// The holder of a token, by its name.
    Token(String),
}

impl Payer {
    pub(super) fn address(address: IpAddr) -> Self {
        Self::Address(match address.to_canonical() {
            IpAddr::V6(address) => {
                let network = address.to_bits() >> 64 << 64;
                Ipv6Addr::from_bits(network).into()
            }
            address => address,
        })
    }
}

/// Buckets that are kept before those that are full again are thrown away.
const BUCKETS_MAX: usize = 4096;

type Buckets<C> =
    RateLimiter<Payer, HashMapStateStore<Payer>, C, NoOpMiddleware<<C as Clock>::Instant>>;

/// A limit, and how much of it everybody has used.
#[derive(Debug)]
pub(super) struct Limit<C: Clock = DefaultClock> {
    buckets: Buckets<C>,
    clock: C,
}

impl Limit {
    /// `per_s` requests a second; who was quiet may ask `burst` of them at once.
    pub(super) fn new(per_s: NonZeroU32, burst: NonZeroU32) -> Self {
        Self::with_clock(per_s, burst, DefaultClock::default())
    }
}

impl<C: Clock + Clone> Limit<C> {
    fn with_clock(per_s: NonZeroU32, burst: NonZeroU32, clock: C) -> Self {
        let quota = Quota::per_second(per_s).allow_burst(burst);
        Self { buckets: RateLimiter::hashmap_with_clock(quota, clock.clone()), clock }
    }

    /// Takes one request out of the bucket.
    ///
    /// # Errors
    /// The bucket is empty: when there will be one again.
    pub(super) fn take(&self, payer: &Payer) -> Result<(), Duration> {
        if self.buckets.len() >= BUCKETS_MAX {
            self.buckets.retain_recent();
        }
        self.buckets
            .check_key(payer)
            .map_err(|not_until| not_until.wait_time_from(self.clock.now()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use governor::clock::FakeRelativeClock;

    fn limit(per_s: u32, burst: u32) -> (Limit<FakeRelativeClock>, FakeRelativeClock) {
        let clock = FakeRelativeClock::default();
        let count = |count| NonZeroU32::new(count).unwrap();
        (Limit::with_clock(count(per_s), count(burst), clock.clone()), clock)
    }
    fn address(text: &str) -> Payer {
        Payer::address(text.parse().unwrap())
    }

    #[test]
    fn a_burst_is_let_through_then_requests_come_at_the_rate() {
        let (limit, clock) = limit(10, 3);
        let payer = address("192.0.2.1");
        assert!((0..3).all(|_| limit.take(&payer).is_ok()));
        assert_eq!(limit.take(&payer), Err(Duration::from_millis(100)));
        clock.advance(Duration::from_millis(100));
        assert_eq!(limit.take(&payer), Ok(()));
        assert!(limit.take(&payer).is_err());
        clock.advance(Duration::from_secs(60));
        assert!((0..3).all(|_| limit.take(&payer).is_ok()));
        assert!(limit.take(&payer).is_err(), "what is not used is not gathered beyond the burst");
    }

    #[test]
    fn each_address_and_each_token_has_a_bucket_of_its_own() {
        let (limit, _) = limit(1, 1);
        let token = |name: &str| Payer::Token(name.to_owned());
        for payer in [address("192.0.2.1"), address("192.0.2.2"), token("a"), token("b")] {
            assert!(limit.take(&payer).is_ok(), "{payer:?}");
            assert!(limit.take(&payer).is_err(), "{payer:?}");
        }
    }

    #[test]
    fn one_machine_has_many_addresses_of_ipv6_and_one_of_ipv4_in_either_form() {
        assert_eq!(address("2001:db8::1"), address("2001:db8::ffff:1"));
        assert_ne!(address("2001:db8::1"), address("2001:db8:0:1::1"));
        assert_eq!(address("::ffff:192.0.2.1"), address("192.0.2.1"));
    }

    #[test]
    fn buckets_that_are_full_again_are_thrown_away() {
        let (limit, clock) = limit(1, 1);
        for index in 0..BUCKETS_MAX as u32 {
            limit.take(&Payer::address(std::net::Ipv4Addr::from_bits(index).into())).unwrap();
        }
        clock.advance(Duration::from_secs(10));
        limit.take(&address("192.0.2.1")).unwrap();
        assert!(limit.buckets.len() <= 1, "{}", limit.buckets.len());
    }
}
