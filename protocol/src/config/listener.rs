//! One listener: where it listens, whom it lets in, how units are told apart behind it.

use super::{MapSet, Reader};
use crate::access::{Absent, Ack, ListenerConfig};
use crate::map::Profile;
use crate::tls::{PemFile, ServerConfig, TlsSpec};
use bess_core::config::{Bounds, Section};
use bess_core::device::Part;
use bess_core::net::PeerNet;
use bess_core::role::Role;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;

/// How the units behind a listener are told apart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// By unit id; where 247 ids do not do, there are further ports.
    #[default]
    Gateway,
    /// Each device has a port.
    Ports,
    /// Each unit has an address; its devices have unit ids there.
    Ip,
}

impl Mode {
    /// Every mode with its name in files and on the command line.
    pub const ALL: [(&'static str, Self); 3] =
        [("gateway", Self::Gateway), ("ports", Self::Ports), ("ip", Self::Ip)];
}

/// A listener.
#[derive(Clone, Debug)]
pub struct ListenerSpec {
    /// How it treats its clients.
    pub config: ListenerConfig,
    /// Address to bind; absent for that of the process.
    pub bind: Option<IpAddr>,
    /// First port; absent for that of the process. 0 for any that is free.
    pub port: Option<u16>,
    /// How units are told apart.
    pub mode: Mode,
    /// Address of the first unit in mode [`Mode::Ip`]; the plant has the one before.
    pub first_address: IpAddr,
    /// First and last unit that it shows, as numbers.
    pub units: (u32, u32),
    /// Parts that it shows; empty for all that there are.
    pub parts: Vec<Part>,
    /// Whether the plant answers.
    pub plant: bool,
    /// Maps that it shows in place of those of the units.
    pub(crate) maps: Option<Arc<MapSet>>,
    /// Certificates, where it speaks TLS.
    pub tls: Option<Arc<ServerConfig>>,
}

impl Default for ListenerSpec {
    fn default() -> Self {
        Self {
            config: ListenerConfig::default(),
            bind: None,
            port: None,
            mode: Mode::Gateway,
            first_address: FIRST_ADDRESS,
            units: (1, u32::MAX),
            parts: Vec::new(),
            plant: true,
            maps: None,
            tls: None,
        }
    }
}

/// Where units begin in mode [`Mode::Ip`]: Linux takes all of 127.0.0.0/8 without configuration.
const FIRST_ADDRESS: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 1, 0, 1));

const CONNECTIONS_MAX: u64 = 100_000;
/// A day, in s.
const TIMEOUT: Bounds = Bounds::positive(86_400.0);

impl Reader<'_, '_> {
    /// `[[modbus.listeners]]`.
    pub(super) fn listener(&mut self, section: Section<'_, '_>, profile: Profile) -> ListenerSpec {
        let standard = ListenerSpec::default();
        let config = &standard.config;
        let seconds = |key, default: Duration| {
            Duration::from_secs_f64(section.f64_or(key, default.as_secs_f64(), TIMEOUT))
        };
        let connections = |key, default: usize| {
            section.integer_or(key, default as u64, 1, CONNECTIONS_MAX) as usize
        };
        let config = ListenerConfig {
            name: section.text_or("name", &config.name),
            role: section.choice_or("role", config.role, &Role::ALL[..3]),
            allow: allow(&section),
            max_connections: connections("max_connections", config.max_connections),
            max_connections_per_address: connections(
                "max_connections_per_address",
                config.max_connections_per_address,
            ),
            idle_timeout: seconds("idle_timeout_s", config.idle_timeout),
            frame_timeout: seconds("frame_timeout_s", config.frame_timeout),
            answer_timeout: seconds("answer_timeout_s", config.answer_timeout),
            ack: section.choice_or(
                "ack",
                config.ack,
                &[("applied", Ack::Applied), ("accepted", Ack::Accepted)],
            ),
            absent: section.choice_or(
                "absent_unit",
                config.absent,
                &[
                    ("exception-11", Absent::Target),
                    ("exception-10", Absent::Path),
                    ("silent", Absent::Silent),
                    ("first", Absent::First),
                ],
            ),
        };
        let mode = section.choice_or("mode", Mode::Gateway, &Mode::ALL);
        let first_address = address(&section, "first_address").unwrap_or(FIRST_ADDRESS);
        if mode != Mode::Ip {
            section.refuse("first_address", "is for mode \"ip\" alone", "leave it out");
        }
        let profile = super::profile(&section, profile);
        let spec = ListenerSpec {
            config,
            bind: address(&section, "bind"),
            port: section.has("port").then(|| section.integer("port", 0, 65_535) as u16),
            mode,
            first_address,
            units: self.range(&section),
            parts: if section.has("devices") { super::parts(&section) } else { Vec::new() },
            plant: section.bool_or("plant", true),
            maps: if section.has("maps") { self.maps(&section, profile) } else { None },
            tls: section.section("tls").and_then(|tls| self.tls(tls)),
        };
        section.finish();
        spec
    }

    /// The units that a listener shows: first and last.
    fn range(&self, section: &Section<'_, '_>) -> (u32, u32) {
        let n = self.spec.units.len() as i64;
        let numbers: Vec<_> = section.integers("units", 1, n).into_iter().map(|(n, _)| n).collect();
        match (section.has("units"), &numbers[..]) {
            (false, _) => (1, u32::MAX),
            (true, [first, last]) if first <= last => (*first as u32, *last as u32),
            (true, _) => {
                let message = format!("`units` must be the first and the last unit, 1 to {n}");
                section.report(section.span_of("units"), message, Some("units = [1, 10]".into()));
                (1, u32::MAX)
            }
        }
    }

    /// `[modbus.listeners.tls]`: files of certificates, tried at once.
    fn tls(&mut self, section: Section<'_, '_>) -> Option<Arc<ServerConfig>> {
        let file = |key| {
            let name = section.text(key);
            if name.is_empty() {
                return None;
            }
            match (self.source)(&name) {
                Ok(text) => Some(PemFile { name, bytes: text.into_bytes() }),
                Err(error) => {
                    let hint = "`bess certs` makes certificates for tests".to_owned();
                    let message = format!("cannot read \"{name}\": {error}");
                    section.report(section.span_of(key), message, Some(hint));
                    None
                }
            }
        };
        let (certificate, key, client_ca) = (file("certificate"), file("key"), file("client_ca"));
        let allow_tls_1_2 = section.bool_or("tls_1_2", true);
        section.finish();
        let spec =
            TlsSpec { certificate: certificate?, key: key?, client_ca: client_ca?, allow_tls_1_2 };
        spec.server_config().map_err(|mut problems| self.foreign.append(&mut problems.0)).ok()
    }
}

fn address(section: &Section<'_, '_>, key: &'static str) -> Option<IpAddr> {
    if !section.has(key) {
        return None;
    }
    let text = section.text(key);
    let parsed = text.parse().ok();
    if parsed.is_none() {
        let message = format!("`{}` must be an IP address, got \"{text}\"", section.name(key));
        section.report(section.span_of(key), message, Some("such as \"127.0.0.1\"".into()));
    }
    parsed
}

/// Networks whose clients are let in; none for all.
fn allow(section: &Section<'_, '_>) -> Vec<PeerNet> {
    let parse = |text: String| match text.parse() {
        Ok(net) => Some(net),
        Err(error) => {
            section.report(section.span_of("allow"), format!("`allow`: {error}"), None);
            None
        }
    };
    section.texts("allow").into_iter().filter_map(parse).collect()
}
