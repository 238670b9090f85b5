//! Which addresses the gateway may call.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::{Arc, PoisonError, RwLock};

use ipnet::IpNet;

/// Refuses loopback, link-local, private, shared and metadata addresses unless they are listed:
/// a configured URL must not become a way into the operator's own network (SSRF). What the gateway
/// itself listens at is refused in any case.
///
/// All clones know of the same listeners.
#[derive(Clone, Debug, Default)]
pub struct EgressPolicy {
    allow: Arc<[IpNet]>,
    own: Arc<RwLock<Vec<SocketAddr>>>,
}

/// Why an address may not be called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EgressRefused {
    /// It is not public, and not listed.
    NotListed,
    /// The gateway itself listens there.
    Own,
}

impl EgressPolicy {
    /// Allows `networks` besides the public internet.
    #[must_use]
    pub fn allowing(networks: impl IntoIterator<Item = IpNet>) -> Self {
        Self { allow: networks.into_iter().collect(), ..Self::default() }
    }

    /// Refuses `listener` from now on, whatever is listed: the gateway itself listens there.
    pub fn never(&self, listener: SocketAddr) {
        self.own.write().unwrap_or_else(PoisonError::into_inner).push(listener);
    }

    /// Whether `address` may be connected to.
    #[must_use]
    pub fn permits(&self, address: IpAddr) -> bool {
        let address = embedded_v4(address);
        self.allow.iter().any(|it| it.contains(&address)) || is_public(address)
    }

    /// Whether a URL may name `address` and `port`, as far as one can tell before it is called.
    ///
    /// # Errors
    /// When it may not.
    pub fn judge(&self, address: IpAddr, port: u16) -> Result<(), EgressRefused> {
        // Canonical first: of a mapped address neither is true.
        let plain = address.to_canonical();
        let is_here = plain.is_loopback() || plain.is_unspecified();
        if !self.permits(address) {
            Err(EgressRefused::NotListed)
        } else if self.is_own((address, port).into(), is_here) {
            Err(EgressRefused::Own)
        } else {
            Ok(())
        }
    }

    /// Whether a connection from `local` to `peer` may be used.
    ///
    /// # Errors
    /// When it may not.
    pub fn judge_connection(
        &self,
        local: SocketAddr,
        peer: SocketAddr,
    ) -> Result<(), EgressRefused> {
        let (from, to) = (local.ip().to_canonical(), peer.ip().to_canonical());
        // Who calls one of his own addresses does so from it.
        let is_own = self.is_own(peer, from == to || to.is_loopback());
        if is_own { Err(EgressRefused::Own) } else { Ok(()) }
    }

    fn is_own(&self, address: SocketAddr, is_here: bool) -> bool {
        let ip = address.ip().to_canonical();
        let own = self.own.read().unwrap_or_else(PoisonError::into_inner);
        own.iter().filter(|it| it.port() == address.port()).any(|it| {
            let listens = it.ip().to_canonical();
            listens == ip || is_here && (listens.is_unspecified() || ip.is_unspecified())
        })
    }
}

impl fmt::Display for EgressRefused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotListed => {
                "the address may not be called: list it in `egress.allow` if it should"
            }
            Self::Own => "the address is one that the gateway itself listens at",
        })
    }
}

impl std::error::Error for EgressRefused {}

// An IPv6 address that is only another spelling of an IPv4 one is judged as that: mapped
// (RFC 4291), NAT64 (RFC 6052), 6to4 (RFC 3056), and the deprecated compatible form.
fn embedded_v4(address: IpAddr) -> IpAddr {
    let IpAddr::V6(six) = address.to_canonical() else { return address.to_canonical() };
    let bits = six.to_bits();
    let low = Ipv4Addr::from_bits(u32::try_from(bits & 0xffff_ffff).unwrap_or(0));
    let is_nat64 = bits >> 32 == 0x0064_ff9b << 64;
    let is_compatible = bits >> 32 == 0 && bits > 1;
    let is_6to4 = bits >> 112 == 0x2002;
    if is_nat64 || is_compatible {
        return low.into();
    }
    if is_6to4 {
        return Ipv4Addr::from_bits(u32::try_from((bits >> 80) & 0xffff_ffff).unwrap_or(0)).into();
    }
    six.into()
}

fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(it) => is_public_v4(it),
        IpAddr::V6(it) => is_public_v6(it),
    }
}

fn is_public_v4(it: Ipv4Addr) -> bool {
    let [a, b, c, _] = it.octets();
    let is_shared = a == 100 && (64..128).contains(&b); // RFC 6598
    let is_protocol = a == 192 && b == 0 && c == 0; // RFC 6890
    let is_benchmark = a == 198 && (b == 18 || b == 19); // RFC 2544
    let is_reserved = a == 0 || a >= 224; // RFC 1122, multicast, RFC 1112 §4
    !(it.is_loopback()
        || it.is_private()
        || it.is_link_local()
        || it.is_documentation()
        || is_shared
        || is_protocol
        || is_benchmark
        || is_reserved)
}

// Only what is handed out as global unicast (2000::/3), less what is documentation or a tunnel.
fn is_public_v6(it: Ipv6Addr) -> bool {
    let [a, b, ..] = it.segments();
    let is_global = a & 0xe000 == 0x2000;
    let is_documentation = a == 0x2001 && b == 0x0db8 || a == 0x3fff;
    let is_special = a == 0x2001 && b < 0x0200; // RFC 6890, Teredo among them
    is_global && !is_documentation && !is_special
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_public_addresses_are_permitted_by_default() {
        for address in ["8.8.8.8", "1.1.1.1", "2606:4700::1111", "::ffff:8.8.8.8"] {
            check(&EgressPolicy::default(), address, true);
        }
        for address in [
            "127.0.0.1",
            "127.8.8.8",
            "0.0.0.0",
            "10.0.0.1",
            "172.16.0.1",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "198.18.0.1",
            "224.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "fe80::1",
            "fd00::1",
            "::ffff:127.0.0.1",
            "::127.0.0.1",
            "64:ff9b::7f00:1",
            "2002:7f00:1::",
            "2001::1",
            "ff02::1",
            "2001:db8::1",
            "fec0::1",
        ] {
            check(&EgressPolicy::default(), address, false);
        }
    }

    #[test]
    fn a_listed_network_is_permitted_in_any_spelling() {
        let policy = EgressPolicy::allowing(["127.0.0.0/8".parse().unwrap()]);
        check(&policy, "127.0.0.1", true);
        check(&policy, "::ffff:127.0.0.1", true);
        check(&policy, "10.0.0.1", false);
    }

    #[test]
    fn what_the_gateway_listens_at_is_refused_in_any_spelling() {
        let policy = EgressPolicy::allowing(["0.0.0.0/0", "::/0"].map(|it| it.parse().unwrap()));
        policy.never("127.0.0.1:9901".parse().unwrap());
        policy.never("0.0.0.0:8080".parse().unwrap());
        for own in [
            "127.0.0.1:9901",
            "[::ffff:127.0.0.1]:9901",
            "0.0.0.0:9901",
            "[::ffff:0.0.0.0]:9901",
            "[::ffff:0.0.0.0]:8080",
            "127.8.8.8:8080",
        ] {
            check_own(&policy, own, Err(EgressRefused::Own));
        }
        for other in ["127.0.0.1:9902", "127.8.8.8:9901", "10.0.0.1:8080", "[2001:db8::1]:9901"] {
            check_own(&policy, other, Ok(()));
        }
        let judged = |from: &str, to: &str| {
            policy.judge_connection(from.parse().unwrap(), to.parse().unwrap())
        };
        assert_eq!(judged("10.0.0.1:40000", "10.0.0.1:8080"), Err(EgressRefused::Own));
        assert_eq!(judged("127.0.0.1:40000", "127.8.8.8:8080"), Err(EgressRefused::Own));
        assert_eq!(
            judged("[::ffff:127.0.0.1]:4", "[::ffff:127.0.0.1]:9901"),
            Err(EgressRefused::Own)
        );
        assert_eq!(judged("10.0.0.1:40000", "10.0.0.2:8080"), Ok(()));
    }

    #[track_caller]
    fn check_own(policy: &EgressPolicy, address: &str, expected: Result<(), EgressRefused>) {
        let parsed: SocketAddr = address.parse().unwrap();
        assert_eq!(policy.judge(parsed.ip(), parsed.port()), expected, "{address}");
    }

    #[track_caller]
    fn check(policy: &EgressPolicy, address: &str, expected: bool) {
        assert_eq!(policy.permits(address.parse().unwrap()), expected, "{address}");
    }
}
