//! Which addresses may be called: those that anybody on the internet can reach as well, and what the operator allows.

use std::net::IpAddr;
use std::net::Ipv4Addr;
use std::net::Ipv6Addr;

use ipnet::IpNet;

/// Not globally reachable, or not one receiver (IANA IPv4 Special-Purpose Address Registry, RFC 6890; RFC 5771; RFC 1112).
const NOT_PUBLIC_V4: [(Ipv4Addr, u32); 16] = [
    (Ipv4Addr::new(0, 0, 0, 0), 8),
    (Ipv4Addr::new(10, 0, 0, 0), 8),
    (Ipv4Addr::new(100, 64, 0, 0), 10),
    (Ipv4Addr::new(127, 0, 0, 0), 8),
    (Ipv4Addr::new(169, 254, 0, 0), 16),
    (Ipv4Addr::new(172, 16, 0, 0), 12),
    (Ipv4Addr::new(192, 0, 0, 0), 24),
    (Ipv4Addr::new(192, 0, 2, 0), 24),
    (Ipv4Addr::new(192, 31, 196, 0), 24),
    (Ipv4Addr::new(192, 52, 193, 0), 24),
    (Ipv4Addr::new(192, 88, 99, 0), 24),
    (Ipv4Addr::new(192, 168, 0, 0), 16),
    (Ipv4Addr::new(198, 18, 0, 0), 15),
    (Ipv4Addr::new(198, 51, 100, 0), 24),
    (Ipv4Addr::new(203, 0, 113, 0), 24),
    // Multicast, and all that is reserved or broadcast.
    (Ipv4Addr::new(224, 0, 0, 0), 3),
];

/// All that IANA gives out as global unicast (RFC 4291, section 2.4) …
const PUBLIC_V6: (Ipv6Addr, u32) = (Ipv6Addr::new(0x2000, 0, 0, 0, 0, 0, 0, 0), 3);
/// … but for protocols, documentation, and tunnels that hold an IPv4 address (IANA IPv6 Special-Purpose Address Registry).
const NOT_PUBLIC_V6: [(Ipv6Addr, u32); 4] = [
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23),
    (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32),
    (Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16),
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20),
];

/// How far this server reaches, for strangers.
#[derive(Debug, Clone, Default)]
pub struct Reach {
    allowed: Vec<IpNet>,
}

/// Whether the way to somebody is encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scheme {
    Http,
    Https,
}

impl Reach {
    /// The public internet, and these.
    #[must_use]
    pub fn with(allowed: Vec<IpNet>) -> Self {
        Self { allowed }
    }

    /// Whether an address may be called: in clear only one that the operator allows.
    pub(super) fn covers(&self, address: IpAddr, scheme: Scheme) -> bool {
        let address = address.to_canonical();
        self.allowed.iter().any(|it| it.contains(&address)) || (scheme == Scheme::Https && is_public(address))
    }

    /// Whether anybody at all may be called in clear.
    pub(super) fn has_own(&self) -> bool {
        !self.allowed.is_empty()
    }
}

fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => !NOT_PUBLIC_V4.iter().any(|it| is_in_v4(address, *it)),
        IpAddr::V6(address) => is_in_v6(address, PUBLIC_V6) && !NOT_PUBLIC_V6.iter().any(|it| is_in_v6(address, *it)),
    }
}

fn is_in_v4(address: Ipv4Addr, (network, bits): (Ipv4Addr, u32)) -> bool {
    (address.to_bits() ^ network.to_bits()).leading_zeros() >= bits
}

fn is_in_v6(address: Ipv6Addr, (network, bits): (Ipv6Addr, u32)) -> bool {
    (address.to_bits() ^ network.to_bits()).leading_zeros() >= bits
}

#[cfg(test)]
mod tests {
    use super::*;

    fn https(reach: &Reach, address: &str) -> bool {
        reach.covers(address.parse().unwrap(), Scheme::Https)
    }

    #[test]
    fn only_what_everybody_can_reach_may_be_called() {
        let reach = Reach::default();
        for address in ["1.1.1.1", "100.63.255.255", "100.128.0.0", "172.15.0.1", "172.32.0.1", "223.255.255.255"] {
            assert!(https(&reach, address), "{address}");
            assert!(!reach.covers(address.parse().unwrap(), Scheme::Http), "{address} in clear");
        }
        for address in ["2606:4700::1111", "2a00:1450::1", "2001:4860:4860::8888", "::ffff:1.1.1.1"] {
            assert!(https(&reach, address), "{address}");
        }
        for address in [
            "0.0.0.0",
            "0.1.2.3",
            "10.0.0.1",
            "100.64.0.1",
            "100.127.255.255",
            "127.0.0.1",
            "127.255.255.254",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.1",
            "192.0.2.1",
            "192.168.1.1",
            "198.19.0.1",
            "198.51.100.1",
            "203.0.113.1",
            "224.0.0.1",
            "239.1.1.1",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "::127.0.0.1",
            "64:ff9b::7f00:1",
            "64:ff9b:1::1",
            "100::1",
            "2001::1",
            "2001:db8::1",
            "2002:7f00:1::",
            "3fff::1",
            "fc00::1",
            "fd12:3456::1",
            "fe80::1",
            "fec0::1",
            "ff02::1",
        ] {
            assert!(!https(&reach, address), "{address}");
        }
    }

    #[test]
    fn an_operator_allows_networks_of_his_own() {
        let reach = Reach::with(vec!["10.1.0.0/16".parse().unwrap(), "fd00::/8".parse().unwrap()]);
        for (address, may) in [("10.1.2.3", true), ("10.2.0.1", false), ("fd00::5", true), ("::ffff:10.1.0.1", true)] {
            assert_eq!(reach.covers(address.parse().unwrap(), Scheme::Http), may, "{address}");
            assert_eq!(https(&reach, address), may, "{address}");
        }
    }
}
