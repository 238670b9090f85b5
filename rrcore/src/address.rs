//! Where a request comes from: never what a client merely claims.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};

use http::HeaderMap;
use ipnet::IpNet;

/// The client's address, as far as it can be believed.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct ClientAddress {
    ip: IpAddr,
}

/// The hops whose `X-Forwarded-For` is believed. Empty: none, and the peer is the client.
#[derive(Clone, Debug, Default)]
pub struct TrustedProxies {
    networks: Vec<IpNet>,
}

impl ClientAddress {
    /// The address of the peer itself. An IPv4-mapped IPv6 address is the IPv4 address.
    #[must_use]
    pub const fn of_peer(peer: IpAddr) -> Self {
        Self { ip: peer.to_canonical() }
    }

    /// The address.
    #[must_use]
    pub const fn ip(self) -> IpAddr {
        self.ip
    }

    /// What one client cannot easily change: the IPv4 address, or the /64 of an IPv6 address
    /// (RFC 6177: a site gets at least that). The key for limits.
    #[must_use]
    pub const fn network(self) -> IpAddr {
        match self.ip {
            IpAddr::V4(_) => self.ip,
            IpAddr::V6(it) => IpAddr::V6(Ipv6Addr::from_bits(it.to_bits() & (!0 << 64))),
        }
    }
}

impl TrustedProxies {
    /// Believes the hops in `networks`.
    #[must_use]
    pub fn new(networks: impl IntoIterator<Item = IpNet>) -> Self {
        Self { networks: networks.into_iter().collect() }
    }

    /// The client behind `peer`: the right-most address in `X-Forwarded-For` that is not a
    /// trusted hop, if the peer is one; else the peer.
    ///
    /// An entry that is not an address ends the search: what stands left of it was not written by
    /// a hop that we trust.
    ///
    /// ```
    /// use rrcore::TrustedProxies;
    ///
    /// let mut headers = http::HeaderMap::new();
    /// headers.insert("x-forwarded-for", "6.6.6.6, 203.0.113.9, 10.0.0.2".parse().unwrap());
    /// let trusted = TrustedProxies::new(["10.0.0.0/8".parse().unwrap()]);
    ///
    /// let behind_us = trusted.client("10.0.0.1".parse().unwrap(), &headers);
    /// assert_eq!(behind_us.to_string(), "203.0.113.9");
    /// let stranger = trusted.client("198.51.100.1".parse().unwrap(), &headers);
    /// assert_eq!(stranger.to_string(), "198.51.100.1");
    /// ```
    #[must_use]
    pub fn client(&self, peer: IpAddr, headers: &HeaderMap) -> ClientAddress {
        let mut client = ClientAddress::of_peer(peer);
        if self.networks.is_empty() {
            return client;
        }
        let lines: Vec<_> = headers.get_all("x-forwarded-for").iter().collect();
        for hop in lines.iter().rev().flat_map(|line| line.as_bytes().rsplit(|it| *it == b',')) {
            if !self.trusts(client) {
                break;
            }
            let parsed = std::str::from_utf8(hop).ok().and_then(|it| it.trim().parse().ok());
            let Some(ip) = parsed else { break };
            client = ClientAddress::of_peer(ip);
        }
        client
    }

    fn trusts(&self, address: ClientAddress) -> bool {
        self.networks.iter().any(|it| it.contains(&address.ip))
    }
}

impl fmt::Display for ClientAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.ip.fmt(f)
    }
}

impl fmt::Debug for ClientAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.ip.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_claim_is_believed_only_through_trusted_hops() {
        check("203.0.113.1", &["1.1.1.1"], "203.0.113.1");
        check("10.0.0.1", &["1.1.1.1"], "1.1.1.1");
        check("10.0.0.1", &["6.6.6.6, 1.1.1.1"], "1.1.1.1");
        check("10.0.0.1", &["6.6.6.6", "1.1.1.1, 10.9.9.9"], "1.1.1.1");
        check("10.0.0.1", &["6.6.6.6, nonsense"], "10.0.0.1");
        check("10.0.0.1", &[], "10.0.0.1");
        check("::ffff:10.0.0.1", &["1.1.1.1"], "1.1.1.1");
    }

    #[test]
    fn rotating_inside_a_64_stays_one_network() {
        let network = |it: &str| ClientAddress::of_peer(it.parse().unwrap()).network().to_string();
        assert_eq!(network("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::");
        assert_eq!(network("2001:db8:1:2:ffff::1"), "2001:db8:1:2::");
        assert_eq!(network("::ffff:192.0.2.7"), "192.0.2.7");
    }

    #[track_caller]
    fn check(peer: &str, forwarded: &[&str], expected: &str) {
        let mut headers = HeaderMap::new();
        for line in forwarded {
            headers.append("x-forwarded-for", line.parse().unwrap());
        }
        let trusted = TrustedProxies::new(["10.0.0.0/8".parse().unwrap()]);
        assert_eq!(trusted.client(peer.parse().unwrap(), &headers).to_string(), expected);
    }
}
