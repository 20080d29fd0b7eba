//! The hosts that a custom provider may call, so that its definition cannot reach Evergrant's own
//! network (server-side request forgery).
//!
//! An address is checked twice: as written, and as its name resolves at each connection. The
//! connector receives only the checked addresses, so DNS rebinding between the two checks has no
//! effect.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::{Host, Url};

/// The network policy of the whole program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct NetworkPolicy {
    /// Allows plain HTTP, loopback and private networks for every provider. For `evergrant dev`,
    /// which holds no real credentials. Default: false.
    pub allow_insecure_hosts: bool,
}

/// Returns why a custom provider may not call `url`; `None` if it may.
#[must_use]
pub fn policy_violation(url: &Url) -> Option<&'static str> {
    if url.scheme() != "https" {
        return Some("must begin with https://, unless `allow_insecure = true` is set");
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
        Some("points to this machine or a private network, which requires `allow_insecure = true`")
    }
}

/// Returns why a setting may not point a catalogue provider at `url`; `None` if it may.
#[must_use]
pub fn override_violation(url: &Url) -> Option<&'static str> {
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

/// Returns whether `name` is `localhost` or one of its subdomains (RFC 6761 §6.3).
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

/// Returns whether `address` is outside the special-purpose ranges of the IANA registry for IPv4
/// (RFC 6890) and outside multicast.
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

/// Returns whether `address` is global unicast. In ranges that embed an IPv4 address, the embedded
/// address decides.
fn is_public_v6(address: Ipv6Addr) -> bool {
    let embedded_is_public = |high: u16, low: u16| {
        is_public_v4(Ipv4Addr::from((u32::from(high) << 16) | u32::from(low)))
    };
    match address.segments() {
        [0, 0, 0, 0, 0, 0xffff, high, low]
        | [0x64, 0xff9b, 0, 0, 0, 0, high, low]
        | [0x2002, high, low, ..] => embedded_is_public(high, low),
        [0x2001, 0 | 0xdb8, ..] => false,
        [first, ..] => (first & 0xe000) == 0x2000,
    }
}

/// The host name resolves to no public address.
#[derive(Debug, thiserror::Error)]
#[error("the host has no public address")]
pub(crate) struct NotPublic;

/// A resolver that returns only public addresses.
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

    fn is_rejected(url: &str) -> bool {
        policy_violation(&Url::parse(url).unwrap()).is_some()
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
    fn every_spelling_of_private_host_is_rejected() {
        for host in PRIVATE.split_whitespace() {
            assert!(is_rejected(&format!("https://{host}/")), "{host}");
        }
    }

    #[test]
    fn public_host_is_allowed_over_https_only() {
        for host in [
            "acme.example",
            "8.8.8.8",
            "100.63.0.1",
            "172.32.0.1",
            "[2606:4700::1111]",
            "[64:ff9b::808:808]",
        ] {
            assert!(!is_rejected(&format!("https://{host}/")), "{host}");
            assert!(is_rejected(&format!("http://{host}/")), "{host}");
        }
    }

    #[test]
    fn override_allows_plain_http_for_loopback_only() {
        let is_allowed = |url: &str| override_violation(&Url::parse(url).unwrap()).is_none();
        for url in [
            "http://127.0.0.1:8081",
            "http://localhost:8081",
            "http://[::1]:1",
            "https://10.0.0.1",
            "https://a.example",
        ] {
            assert!(is_allowed(url), "{url}");
        }
        for url in [
            "http://10.0.0.1",
            "http://a.example",
            "ftp://127.0.0.1.example",
        ] {
            assert!(!is_allowed(url), "{url}");
        }
    }

    #[tokio::test]
    async fn name_with_private_address_does_not_resolve() {
        let name = Name::from_str("localhost").unwrap();
        let error = PublicOnly.resolve(name).await.map(drop).unwrap_err();
        assert!(error.downcast_ref::<NotPublic>().is_some());
    }
}
