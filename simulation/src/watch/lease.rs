//! Two masters of one unit: the lease that the first of them holds.

use super::ticks_until;
use crate::persist::leaf;
use bess_core::command::{Origin, Rejection};
use bess_core::control::ControlSource;
use bess_core::spec::Arbitration;
use bess_core::time::{TICKS_PER_S, Tick};
use std::fmt;

/// Who may hold a unit: a kind of master and, over the network, the machine that it runs on.
///
/// The port is left out, so that a client that reconnects keeps its lease; two clients of one kind on
/// one machine are one master.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
struct Holder {
    source: ControlSource,
    host: Option<String>,
}

impl Holder {
    /// The master behind `origin`; `None` where nobody in particular asks.
    fn of(origin: &Origin) -> Option<Self> {
        let host = match origin.source {
            // A scenario is no master: it does to the farm what it has to, and holds nothing.
            ControlSource::None | ControlSource::Scenario => return None,
            // Of each of these there is one.
            ControlSource::Plant | ControlSource::Schedule | ControlSource::Local => None,
            ControlSource::Modbus | ControlSource::Rest => origin.peer.as_deref().map(host_of),
        };
        Some(Self { source: origin.source, host })
    }
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.source.name())?;
        self.host.as_ref().map_or(Ok(()), |host| write!(f, " {host}"))
    }
}

/// The address in `peer` without its port: `192.0.2.7:50123`, `[2001:db8::7]:50123`, `192.0.2.7`.
fn host_of(peer: &str) -> String {
    let host = match peer.rsplit_once(':') {
        // An address of version 6 has colons of its own; with a port it stands in brackets.
        Some((host, _)) if !host.contains(':') || host.ends_with(']') => host,
        _ => peer,
    };
    let host = host.trim_start_matches('[').trim_end_matches(']');
    // Of version 4 on a socket that takes both.
    host.strip_prefix("::ffff:").unwrap_or(host).to_owned()
}

/// The lease on one unit.
#[derive(Clone, Debug, Default, serde::Serialize, serde::Deserialize)]
pub(crate) struct Lease {
    holder: Option<Holder>,
    /// First tick without it.
    until: Tick,
}
leaf!(Lease);

impl Lease {
    /// Whether `origin` may write to the unit with number `unit` at tick `now`.
    ///
    /// A person at the unit's panel always may, and so may what comes from nobody in particular. The
    /// plant controller and schedules are masters like any other.
    ///
    /// # Errors
    /// Who holds the unit, and for how long still.
    pub(crate) fn check(
        &self,
        now: Tick,
        arbitration: Arbitration,
        origin: &Origin,
        unit: u32,
    ) -> Result<(), Rejection> {
        let Arbitration::Lease(_) = arbitration else { return Ok(()) };
        let Some(holder) = self.holder.as_ref().filter(|_| self.until > now) else {
            return Ok(());
        };
        match Holder::of(origin) {
            None => Ok(()),
            Some(asks) if asks.source == ControlSource::Local || asks == *holder => Ok(()),
            Some(_) => Err(Rejection::Leased {
                unit,
                holder: holder.to_string(),
                remaining_s: self.remaining_s(now),
            }),
        }
    }

    /// A write of `origin` was applied at tick `now`: it holds the unit from now on for the time of the
    /// lease. Call it only for what [`Lease::check`] let through.
    pub(crate) fn take(&mut self, now: Tick, arbitration: Arbitration, origin: &Origin) {
        let Arbitration::Lease(time_s) = arbitration else { return };
        if let Some(holder) = Holder::of(origin) {
            if self.holder.as_ref() != Some(&holder) {
                self.holder = Some(holder);
            }
            self.until = Tick(now.0 + ticks_until(time_s));
        }
    }

    /// For how long the unit is still held, in s; 0 when it is free.
    pub(crate) fn remaining_s(&self, now: Tick) -> f64 {
        self.until.0.saturating_sub(now.0) as f64 / TICKS_PER_S as f64
    }

    /// Gives the lease to `sink`.
    pub(crate) fn hash_into(&self, sink: &mut dyn FnMut(&[u8])) {
        sink(&self.until.0.to_le_bytes());
        sink(&[self.holder.is_some().into()]);
        if let Some(holder) = &self.holder {
            sink(&[holder.source as u8]);
            sink(holder.host.as_deref().unwrap_or_default().as_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LEASE: Arbitration = Arbitration::Lease(30.0);

    fn from(source: ControlSource, peer: &str) -> Origin {
        Origin { peer: Some(peer.to_owned()), ..Origin::local(source) }
    }
    fn modbus(peer: &str) -> Origin {
        from(ControlSource::Modbus, peer)
    }
    fn held_by(origin: &Origin) -> Lease {
        let mut lease = Lease::default();
        lease.take(Tick(100), LEASE, origin);
        lease
    }

    #[test]
    fn without_leases_the_last_writer_wins() {
        let mut lease = Lease::default();
        lease.take(Tick(1), Arbitration::LastWriter, &modbus("192.0.2.1:1000"));
        let other = modbus("192.0.2.2:1000");
        assert_eq!(lease.check(Tick(2), Arbitration::LastWriter, &other, 1), Ok(()));
        assert!(lease.remaining_s(Tick(2)) <= 0.0);
    }

    #[test]
    fn who_holds_a_unit_keeps_others_away_for_the_time_of_the_lease_to_the_tick() {
        let lease = held_by(&modbus("192.0.2.1:1000"));
        let other = modbus("192.0.2.2:1000");
        let refusal = lease.check(Tick(399), LEASE, &other, 7).unwrap_err();
        assert_eq!(refusal.to_string(), "unit 7 is held by modbus 192.0.2.1 for 0.1 s more");
        assert_eq!(lease.check(Tick(400), LEASE, &other, 7), Ok(()));
    }

    #[test]
    fn every_write_of_the_holder_prolongs_its_lease() {
        let mut lease = held_by(&modbus("192.0.2.1:1000"));
        lease.take(Tick(390), LEASE, &modbus("192.0.2.1:1000"));
        assert!((lease.remaining_s(Tick(390)) - 30.0).abs() < 1e-9);
    }

    #[test]
    fn a_client_that_reconnects_from_another_port_keeps_its_lease() {
        for (first, second) in [
            ("192.0.2.1:1000", "192.0.2.1:2000"),
            ("[2001:db8::1]:1000", "[2001:db8::1]:2000"),
            ("[::ffff:192.0.2.1]:1000", "192.0.2.1:7"),
            ("192.0.2.1:1000", "192.0.2.1"),
        ] {
            let lease = held_by(&modbus(first));
            assert_eq!(lease.check(Tick(101), LEASE, &modbus(second), 1), Ok(()), "{first}");
        }
    }

    #[test]
    fn another_protocol_of_the_same_machine_is_another_master() {
        let lease = held_by(&modbus("192.0.2.1:1000"));
        let rest = from(ControlSource::Rest, "192.0.2.1:1000");
        assert!(lease.check(Tick(101), LEASE, &rest, 1).is_err());
    }

    #[test]
    fn the_plant_and_schedules_are_masters_like_any_other() {
        let client = modbus("192.0.2.1:1000");
        for source in [ControlSource::Plant, ControlSource::Schedule] {
            let master = Origin::local(source);
            assert!(held_by(&client).check(Tick(101), LEASE, &master, 1).is_err());
            let refusal = held_by(&master).check(Tick(101), LEASE, &client, 1).unwrap_err();
            assert!(refusal.to_string().contains(source.name()), "{refusal}");
        }
    }

    #[test]
    fn a_person_at_the_panel_always_may_and_then_holds_the_unit() {
        let client = modbus("192.0.2.1:1000");
        let person = Origin::local(ControlSource::Local);
        let mut lease = held_by(&client);
        assert_eq!(lease.check(Tick(101), LEASE, &person, 1), Ok(()));
        lease.take(Tick(101), LEASE, &person);
        assert!(lease.check(Tick(102), LEASE, &client, 1).is_err());
    }

    #[test]
    fn what_comes_from_nobody_in_particular_neither_asks_for_a_lease_nor_takes_one() {
        let nobody = Origin::default();
        let mut lease = held_by(&modbus("192.0.2.1:1000"));
        assert_eq!(lease.check(Tick(101), LEASE, &nobody, 1), Ok(()));
        lease.take(Tick(390), LEASE, &nobody);
        assert!((lease.remaining_s(Tick(390)) - 1.0).abs() < 1e-9);
    }
}
