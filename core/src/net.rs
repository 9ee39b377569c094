//! Networks of clients: who is meant by `10.0.0.0/8`. Addresses only; the core has no socket.

// Of `core`, not of `std`: there they come without sockets.
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::fmt;
use std::str::FromStr;

/// A network of addresses, IPv4 or IPv6; a single address is the network with the longest prefix.
///
/// An IPv4 address that arrives on an IPv6 socket (`::ffff:192.0.2.7`) is that IPv4 address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(into = "String", try_from = "String"))]
pub struct PeerNet {
    /// Canonical, with zeros after the prefix.
    address: IpAddr,
    prefix: u8,
}

/// A text that names no network.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadPeerNet {
    /// It is no address.
    #[error("{0:?} is neither an address such as 192.0.2.7 nor a network such as 10.0.0.0/8")]
    Address(String),
    /// The prefix is no number, or longer than the address.
    #[error("the prefix of {text:?} must be a whole number from 0 to {max}")]
    Prefix {
        /// What was given.
        text: String,
        /// Bits of the address.
        max: u8,
    },
    /// There are ones after the prefix.
    #[error("{text:?} has bits after its prefix: did you mean {meant}?")]
    HostBits {
        /// What was given.
        text: String,
        /// The network that the address is in.
        meant: PeerNet,
    },
}

/// Bits of an IPv6 address before the IPv4 address that it may hold.
const MAPPED_PREFIX: u8 = 96;

impl PeerNet {
    /// Whether `address` is in the network.
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(net), IpAddr::V4(address)) => {
                masked_v4(net, self.prefix) == masked_v4(address, self.prefix)
            }
            (IpAddr::V6(net), IpAddr::V6(address)) => {
                masked_v6(net, self.prefix) == masked_v6(address, self.prefix)
            }
            _ => false,
        }
    }
}

fn masked_v4(address: Ipv4Addr, prefix: u8) -> Ipv4Addr {
    // A shift by all bits is none: a prefix of 0 has an empty mask.
    let mask = u32::MAX.checked_shl(32 - u32::from(prefix)).unwrap_or(0);
    Ipv4Addr::from_bits(address.to_bits() & mask)
}

fn masked_v6(address: Ipv6Addr, prefix: u8) -> Ipv6Addr {
    let mask = u128::MAX.checked_shl(128 - u32::from(prefix)).unwrap_or(0);
    Ipv6Addr::from_bits(address.to_bits() & mask)
}

impl From<IpAddr> for PeerNet {
    fn from(address: IpAddr) -> Self {
        let address = address.to_canonical();
        Self { address, prefix: if address.is_ipv4() { 32 } else { 128 } }
    }
}

impl From<PeerNet> for String {
    fn from(net: PeerNet) -> Self {
        net.to_string()
    }
}
impl TryFrom<String> for PeerNet {
    type Error = BadPeerNet;
    fn try_from(text: String) -> Result<Self, BadPeerNet> {
        text.parse()
    }
}

impl FromStr for PeerNet {
    type Err = BadPeerNet;

    fn from_str(text: &str) -> Result<Self, BadPeerNet> {
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| BadPeerNet::Address(text.to_owned()))?;
        let Some(prefix) = prefix else { return Ok(address.into()) };
        let max: u8 = if address.is_ipv4() { 32 } else { 128 };
        let plain = prefix.bytes().all(|byte| byte.is_ascii_digit());
        let prefix = prefix.parse::<u8>().ok().filter(|prefix| plain && *prefix <= max);
        let Some(prefix) = prefix else {
            return Err(BadPeerNet::Prefix { text: text.to_owned(), max });
        };
        let net = match address {
            IpAddr::V4(address) => Self { address: masked_v4(address, prefix).into(), prefix },
            IpAddr::V6(address) => {
                let masked = masked_v6(address, prefix);
                match masked.to_ipv4_mapped() {
                    Some(inner) if prefix >= MAPPED_PREFIX => {
                        Self { address: inner.into(), prefix: prefix - MAPPED_PREFIX }
                    }
                    _ => Self { address: masked.into(), prefix },
                }
            }
        };
        if has_no_host_bits(address, prefix) {
            Ok(net)
        } else {
            Err(BadPeerNet::HostBits { text: text.to_owned(), meant: net })
        }
    }
}

fn has_no_host_bits(address: IpAddr, prefix: u8) -> bool {
    match address {
        IpAddr::V4(address) => masked_v4(address, prefix) == address,
        IpAddr::V6(address) => masked_v6(address, prefix) == address,
    }
}

impl fmt::Display for PeerNet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let whole = if self.address.is_ipv4() { 32 } else { 128 };
        if self.prefix == whole {
            write!(f, "{}", self.address)
        } else {
            write!(f, "{}/{}", self.address, self.prefix)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn net(text: &str) -> PeerNet {
        text.parse().unwrap_or_else(|e| panic!("{e}"))
    }
    fn has(of: &str, address: &str) -> bool {
        net(of).contains(address.parse().unwrap())
    }

    #[test]
    fn a_network_has_its_addresses_and_no_others() {
        assert!(has("10.0.0.0/8", "10.255.1.2") && !has("10.0.0.0/8", "11.0.0.0"));
        assert!(has("192.0.2.7", "192.0.2.7") && !has("192.0.2.7", "192.0.2.8"));
        assert!(has("192.0.2.4/31", "192.0.2.5") && !has("192.0.2.4/31", "192.0.2.6"));
        assert!(has("0.0.0.0/0", "203.0.113.9") && !has("0.0.0.0/0", "2001:db8::1"));
        assert!(has("::/0", "2001:db8::1") && !has("::/0", "203.0.113.9"));
        assert!(has("2001:db8::/32", "2001:db8:ffff::1") && !has("2001:db8::/32", "2001:db9::"));
        assert!(has("::1", "::1") && !has("::1", "::2"));
    }

    #[test]
    fn an_ipv4_address_on_an_ipv6_socket_is_that_ipv4_address() {
        assert!(has("10.0.0.0/8", "::ffff:10.1.2.3") && !has("10.0.0.0/8", "::ffff:11.1.2.3"));
        assert_eq!(net("::ffff:10.0.0.0/104"), net("10.0.0.0/8"));
        assert_eq!(net("::ffff:192.0.2.7"), net("192.0.2.7"));
    }

    #[test]
    fn it_is_written_as_it_is_read() {
        for text in ["10.0.0.0/8", "0.0.0.0/0", "192.0.2.7", "2001:db8::/32", "::1"] {
            assert_eq!(net(text).to_string(), text);
        }
        assert_eq!(net("192.0.2.7/32").to_string(), "192.0.2.7");
    }

    #[test]
    fn a_text_that_names_no_network_says_what_would() {
        let refusal = |text: &str| text.parse::<PeerNet>().expect_err(text).to_string();
        for text in ["", "ten", "10.0.0", "10.0.0.0.0/8", "10.0.0.0:502", "/8"] {
            assert!(refusal(text).contains("192.0.2.7"), "{text}");
        }
        for text in ["10.0.0.0/33", "10.0.0.0/", "10.0.0.0/+8", "10.0.0.0/8/8", "10.0.0.0/-1"] {
            assert!(refusal(text).contains("from 0 to 32"), "{text}");
        }
        assert!(refusal("::/129").contains("from 0 to 128"));
        assert!(refusal("10.1.0.0/8").ends_with("did you mean 10.0.0.0/8?"));
        assert!(refusal("::ffff:10.1.0.0/104").ends_with("did you mean 10.0.0.0/8?"));
    }
}
