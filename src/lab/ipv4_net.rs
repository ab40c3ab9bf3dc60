//! IPv4 networks and the choice of a free one.

use std::fmt;
use std::net::Ipv4Addr;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// An IPv4 network, such as `10.213.7.0/24`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(super) struct Ipv4Net {
    base: Ipv4Addr,
    prefix: u8,
}

impl Ipv4Net {
    fn new(base: Ipv4Addr, prefix: u8) -> Self {
        Self { base: Ipv4Addr::from_bits(base.to_bits() & mask(prefix)), prefix }
    }

    /// The address with this number in the network.
    pub(super) fn host(self, number: u8) -> Ipv4Addr {
        Ipv4Addr::from_bits(self.base.to_bits() | u32::from(number))
    }

    /// Length of the network's prefix in bits.
    pub(super) fn prefix(self) -> u8 {
        self.prefix
    }

    fn overlaps(self, other: Self) -> bool {
        let mask = mask(self.prefix.min(other.prefix));
        self.base.to_bits() & mask == other.base.to_bits() & mask
    }

    /// The first private /24 that no route leads to. The search starts at a place given by
    /// `seed`, so that labs seldom meet. Docker's own pools (172.17 to 172.31, the low end of
    /// 10/8 for overlay networks) are left to Docker.
    pub(super) fn choose(routes: &[Self], seed: u8) -> Option<Self> {
        let in_ten = (0..=255).map(|step: u8| Ipv4Addr::new(10, 213, seed.wrapping_add(step), 0));
        let in_192 = (64..=255).map(|third| Ipv4Addr::new(192, 168, third, 0));
        let benchmarks = (0..=255).map(|third| Ipv4Addr::new(198, 19, third, 0));
        in_ten
            .chain(in_192)
            .chain(benchmarks)
            .map(|base| Self::new(base, 24))
            .find(|candidate| !routes.iter().any(|route| route.overlaps(*candidate)))
    }

    /// The destinations in the output of `ip -4 route show table all`, but for the default
    /// route, which leads everywhere.
    pub(super) fn destinations(routes: &str) -> Vec<Self> {
        let first_address =
            |line: &str| line.split_whitespace().take(2).find_map(|w| w.parse().ok());
        let nets = routes.lines().filter_map(first_address);
        nets.filter(|net: &Self| net.prefix > 0).collect()
    }
}

fn mask(prefix: u8) -> u32 {
    u32::MAX.checked_shl(32 - u32::from(prefix.min(32))).unwrap_or(0)
}

impl FromStr for Ipv4Net {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let invalid = || format!("`{text}` is not an IPv4 network");
        let (base, prefix) = text.split_once('/').unwrap_or((text, "32"));
        let prefix = prefix.parse().ok().filter(|prefix| *prefix <= 32).ok_or_else(invalid)?;
        Ok(Self::new(base.parse().map_err(|_| invalid())?, prefix))
    }
}

impl TryFrom<String> for Ipv4Net {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Ipv4Net> for String {
    fn from(net: Ipv4Net) -> Self {
        net.to_string()
    }
}

impl fmt::Display for Ipv4Net {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.base, self.prefix)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROUTES: &str = "default via 192.0.2.1 dev eth0\n\
        192.0.2.0/24 dev eth0 proto kernel scope link src 192.0.2.2\n\
        10.213.0.0/20 via 192.0.2.9 dev eth0\n\
        local 127.0.0.0/8 dev lo table local proto kernel scope host src 127.0.0.1\n\
        broadcast 192.0.2.255 dev eth0 table local proto kernel scope link src 192.0.2.2\n\
        unreachable 10.9.0.0/16 metric 5\n";

    #[test]
    fn destinations_are_read_with_and_without_a_type() {
        let nets: Vec<String> =
            Ipv4Net::destinations(ROUTES).into_iter().map(String::from).collect();
        assert_eq!(
            nets,
            ["192.0.2.0/24", "10.213.0.0/20", "127.0.0.0/8", "192.0.2.255/32", "10.9.0.0/16"]
        );
    }

    #[test]
    fn a_network_that_is_routed_is_not_chosen() {
        let routes = Ipv4Net::destinations(ROUTES);
        let chosen = Ipv4Net::choose(&routes, 3).unwrap();
        assert_eq!(chosen.to_string(), "10.213.16.0/24");
        assert_eq!(chosen.host(11), Ipv4Addr::new(10, 213, 16, 11));
        let ten = "10.0.0.0/8".parse().unwrap();
        assert_eq!(Ipv4Net::choose(&[ten], 3).unwrap().to_string(), "192.168.64.0/24");
        let halves = ["0.0.0.0/1".parse().unwrap(), "128.0.0.0/1".parse().unwrap()];
        assert_eq!(Ipv4Net::choose(&halves, 3), None);
    }

    #[test]
    fn nets_survive_text() {
        let net: Ipv4Net = "10.213.7.9/24".parse().unwrap();
        assert_eq!(net.to_string(), "10.213.7.0/24");
        for wrong in ["", "10.1", "10.0.0.0/33", "default", "a/8"] {
            assert!(wrong.parse::<Ipv4Net>().is_err(), "{wrong}");
        }
    }
}
