//! The site whose sessions are accepted.

use url::Url;

/// The site at which the account's owner signs in.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SessionSite {
    /// The page on which the owner signs in; `None` if the definition names none.
    pub sign_in_url: Option<String>,
    /// The domains of the site. Its cookies and requests belong to one of them or to a subdomain.
    /// If the list is empty, every host is accepted.
    pub domains: Vec<String>,
}

pub(crate) use SessionSite as Site;

impl SessionSite {
    /// Creates the site with this sign-in page and the hosts of these URLs.
    pub(crate) fn new<'u>(
        sign_in_url: Option<&Url>,
        urls: impl IntoIterator<Item = &'u Url>,
    ) -> Self {
        let mut domains: Vec<String> = Vec::new();
        for host in urls.into_iter().filter_map(Url::host_str) {
            let host = host.strip_prefix("www.").unwrap_or(host).to_owned();
            if !domains.contains(&host) {
                domains.push(host);
            }
        }
        Self {
            sign_in_url: sign_in_url.map(Url::to_string),
            domains,
        }
    }

    /// Whether the host is of the site. Expects lower case.
    pub(crate) fn covers(&self, host: &str) -> bool {
        let is_within = |domain: &String| {
            let below = host.strip_suffix(domain.as_str());
            below.is_some_and(|below| below.is_empty() || below.ends_with('.'))
        };
        self.domains.is_empty() || self.domains.iter().any(is_within)
    }
}

/// Whether a host can be no real site: one of this machine, or of a domain that is reserved for
/// tests and documentation (RFC 6761, RFC 2606). Simulators have such hosts.
pub(crate) fn is_placeholder(host: &str) -> bool {
    let reserved = ["localhost", "test", "example", "invalid"];
    let last = host.rsplit('.').next().unwrap_or_default();
    host.starts_with("127.") || host == "[::1]" || reserved.contains(&last)
}

/// Returns the host of a URL, a `Host` header or a cookie's domain, in lower case; `None` if the
/// text has no such form.
pub(crate) fn host_of(address: &str) -> Option<String> {
    let address = address.trim();
    let rest = address.split_once("://").map_or(address, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#', '\\']).next().unwrap_or_default();
    let host = authority.rsplit('@').next().unwrap_or_default();
    let is_ipv6 = host.starts_with('[');
    let host = match host.rfind(':').filter(|_| !is_ipv6) {
        Some(at) => &host[..at],
        None if is_ipv6 => &host[..host.find(']').map_or(host.len(), |at| at + 1)],
        None => host,
    };
    let host = host.trim_start_matches('.');
    let is_host_char = |b: u8| b.is_ascii_alphanumeric() || b"-._:[]".contains(&b);
    let is_host = (1..=253).contains(&host.len()) && host.bytes().all(is_host_char);
    is_host.then(|| host.to_ascii_lowercase())
}
