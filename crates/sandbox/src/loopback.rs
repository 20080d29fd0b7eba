//! Addresses of this machine.

use url::Url;

/// Whether the address is on this machine, over plain HTTP.
pub(crate) fn is_loopback(address: &Url) -> bool {
    let is_here = match address.host() {
        Some(url::Host::Domain(name)) => name == "localhost",
        Some(url::Host::Ipv4(ip)) => ip.is_loopback(),
        Some(url::Host::Ipv6(ip)) => ip.is_loopback(),
        None => false,
    };
    address.scheme() == "http" && is_here
}
