//! Which hosts an operator's own platform may lead us to, so that a definition cannot reach into
//! the network we run in.
//!
//! An address is judged twice: as it is written, and as its name resolves at each connection, where
//! only the judged addresses are handed to the connector. So a name that changes its mind between
//! the two gains nothing.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::{Host, Url};

/// How far the program lets the platforms' definitions reach.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct NetworkPolicy {
    /// Allows plain http, loopback and private networks everywhere: for `dev`, where nothing is
    /// worth stealing.
    pub allow_insecure_hosts: bool,
}

/// What is wrong with calling `url` for an operator's own platform, if anything is.
#[must_use]
pub fn objection(url: &Url) -> Option<&'static str> {
    if url.scheme() != "https" {
        return Some("must begin with https://; `allow_insecure = true` lifts this");
    }
    let public = match url.host() {
        Some(Host::Domain(name)) => !is_local_name(name),
        Some(Host::Ipv4(address)) => is_public_v4(address),
        Some(Host::Ipv6(address)) => is_public_v6(address),
        None => false,
    };
    if public {
        None
    } else {
        Some("leads to this machine or a private network; `allow_insecure = true` lifts this")
    }
}

/// What is wrong with calling `url` for a catalogue platform whose host the operator has set, if
/// anything is.
#[must_use]
pub fn objection_to_override(url: &Url) -> Option<&'static str> {
    let safe = url.scheme() == "https" || is_loopback(url);
    if safe {
        None
    } else {
        Some("must begin with https:// unless its host is loopback")
    }
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => is_local_name(name),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// `localhost` and all below it (RFC 6761 §6.3).
fn is_local_name(name: &str) -> bool {
    let name = name.trim_end_matches('.');
    name.eq_ignore_ascii_case("localhost") || name.to_ascii_lowercase().ends_with(".localhost")
}

fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

/// The special ranges are those of the IANA registry for IPv4 (RFC 6890), multicast included.
fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let shared = a == 100 && (64..128).contains(&b);
    let benchmark = a == 198 && (b == 18 || b == 19);
    let protocol = a == 192 && b == 0 && c == 0;
    let special = address.is_loopback()
        || address.is_private()
        || address.is_link_local()
        || address.is_documentation()
        || a == 0
        || a >= 224;
    !(special || shared || benchmark || protocol)
}

/// Only global unicast, and of the ranges that carry an IPv4 address inside only those whose inner
/// one is public.
fn is_public_v6(address: Ipv6Addr) -> bool {
    let inner = |high: u16, low: u16| {
        is_public_v4(Ipv4Addr::from((u32::from(high) << 16) | u32::from(low)))
    };
    match address.segments() {
        [0, 0, 0, 0, 0, 0xffff, high, low]
        | [0x64, 0xff9b, 0, 0, 0, 0, high, low]
        | [0x2002, high, low, ..] => inner(high, low),
        [0x2001, 0 | 0xdb8, ..] => false,
        [first, ..] => (first & 0xe000) == 0x2000,
    }
}

/// The error of a name that leads nowhere public.
#[derive(Debug, thiserror::Error)]
#[error("the host has no public address")]
pub(crate) struct NotPublic;

/// Resolves names to their public addresses and to no others.
#[derive(Debug)]
pub(crate) struct PublicOnly;

impl Resolve for PublicOnly {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let public: Vec<SocketAddr> = found.filter(|address| is_public(address.ip())).collect();
            if public.is_empty() {
                return Err(NotPublic.into());
            }
            Ok(Box::new(public.into_iter()) as Addrs)
        })
    }
}

#[cfg(test)]
mod tests {
    use std::str::FromStr;

    use super::*;

    fn is_refused(url: &str) -> bool {
        objection(&Url::parse(url).unwrap()).is_some()
    }

    const PRIVATE: &str = "
        localhost LOCALHOST localhost. a.localhost 127.0.0.1 127.1 2130706433 0x7f000001 0177.0.0.1 127.0.0.1.
        0.0.0.0 0 10.0.0.1 172.16.0.1 172.31.255.255 192.168.1.1 169.254.169.254 100.64.0.1 100.127.255.255
        192.0.0.1 198.18.0.1 198.19.255.255 224.0.0.1 240.0.0.1 255.255.255.255 192.0.2.1 [::1] [::]
        [::ffff:127.0.0.1] [::ffff:7f00:1] [::ffff:10.0.0.1] [fc00::1] [fd00:ec2::254] [fe80::1] [fec0::1]
        [ff02::1] [64:ff9b::7f00:1] [64:ff9b:1::808:808] [2002:7f00:1::] [2001:db8::1] [2001::1] [::127.0.0.1]
        %6c%6fcalhost ①②⑦.0.0.1
    ";

    #[test]
    fn refuses_every_spelling_of_a_private_host() {
        for host in PRIVATE.split_whitespace() {
            assert!(is_refused(&format!("https://{host}/")), "{host}");
        }
    }

    #[test]
    fn lets_public_hosts_pass_by_https_only() {
        for host in [
            "acme.example",
            "8.8.8.8",
            "100.63.0.1",
            "172.32.0.1",
            "[2606:4700::1111]",
            "[64:ff9b::808:808]",
        ] {
            assert!(!is_refused(&format!("https://{host}/")), "{host}");
            assert!(is_refused(&format!("http://{host}/")), "{host}");
        }
    }

    #[test]
    fn an_override_may_be_loopback_by_http_and_nothing_else_may() {
        let fine = |url: &str| objection_to_override(&Url::parse(url).unwrap()).is_none();
        for url in [
            "http://127.0.0.1:8081",
            "http://localhost:8081",
            "http://[::1]:1",
            "https://10.0.0.1",
            "https://a.example",
        ] {
            assert!(fine(url), "{url}");
        }
        for url in [
            "http://10.0.0.1",
            "http://a.example",
            "ftp://127.0.0.1.example",
        ] {
            assert!(!fine(url), "{url}");
        }
    }

    #[tokio::test]
    async fn a_name_that_leads_home_does_not_resolve() {
        let name = Name::from_str("localhost").unwrap();
        let error = PublicOnly.resolve(name).await.map(drop).unwrap_err();
        assert!(error.downcast_ref::<NotPublic>().is_some());
    }
}
