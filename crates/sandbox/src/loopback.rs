//! Loopback URLs.

use url::Url;

/// Returns whether the URL is plain HTTP on `localhost` or a loopback address.
pub(crate) fn is_loopback(url: &Url) -> bool {
    let is_local = match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost",
        Some(url::Host::Ipv4(ip)) => ip.is_loopback(),
        Some(url::Host::Ipv6(ip)) => ip.is_loopback(),
        None => false,
    };
    url.scheme() == "http" && is_local
}
