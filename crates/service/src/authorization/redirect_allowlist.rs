//! The addresses to which a flow may send the browser at its end: an open redirect would hand
//! accounts to an attacker.
//!
//! An address is compared after parsing, by origin and by whole path segments, never as text.

use url::Url;

/// Parameters that are ours to set on the way back; a caller's own of these names are dropped.
const RESERVED: [&str; 8] = [
    "integration",
    "status",
    "accountId",
    "code",
    "correlationId",
    "flowId",
    "receipt",
    "state",
];

const LONGEST_URL: usize = 2048;

/// The operator's list of addresses.
#[derive(Debug, Clone)]
pub struct AllowedRedirects(Vec<Url>);

/// Why an entry of the list cannot be one.
#[derive(Debug, Clone, thiserror::Error)]
#[error(
    "{0:?} is not an https:// origin, with or without a path (http:// is for loopback hosts only)"
)]
pub struct InvalidRedirect(String);

impl AllowedRedirects {
    /// `configured`, and after them our own pages under `public_url`.
    #[must_use]
    pub fn new(configured: Vec<Url>, public_url: &Url) -> Self {
        let mut allowed = configured;
        allowed.push(public_url.clone());
        Self(allowed)
    }

    /// Reads a comma list of origins and path prefixes.
    ///
    /// # Errors
    ///
    /// [`InvalidRedirect`] names the first entry that is not one.
    pub fn parse_list(text: &str) -> Result<Vec<Url>, InvalidRedirect> {
        let entries = text
            .split(',')
            .map(str::trim)
            .filter(|entry| !entry.is_empty());
        entries
            .map(|entry| safe_url(entry).ok_or_else(|| InvalidRedirect(entry.to_owned())))
            .collect()
    }

    /// The first of the list.
    #[must_use]
    pub fn first(&self) -> Option<&Url> {
        self.0.first()
    }

    /// The address that `text` stands for, if it is on the list.
    #[must_use]
    pub fn check(&self, text: &str) -> Option<Url> {
        let url = safe_url(text)?;
        self.0
            .iter()
            .any(|allowed| covers(allowed, &url))
            .then(|| without_reserved(&url))
    }
}

/// An absolute address without anything that two parsers could read in two ways.
fn safe_url(text: &str) -> Option<Url> {
    let odd = |c: char| c.is_control() || c.is_whitespace() || c == '\\';
    if text.len() > LONGEST_URL || text.chars().any(odd) || !text.contains("://") {
        return None;
    }
    let url = Url::parse(text).ok()?;
    let authority = text.split_once("://")?.1.split(['/', '?', '#']).next()?;
    let path = url.path().to_ascii_lowercase();
    let plain = !authority.is_empty()
        && !authority.contains('@')
        && url.fragment().is_none()
        && !path.contains("%2f")
        && !path.contains("%5c");
    let secure = url.scheme() == "https" || (url.scheme() == "http" && is_loopback(&url));
    (plain && secure && url.has_host()).then_some(url)
}

/// Whether the address's host is this machine.
#[must_use]
pub fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost",
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

fn covers(allowed: &Url, url: &Url) -> bool {
    let prefix = allowed.path().trim_end_matches('/');
    let below = url
        .path()
        .strip_prefix(prefix)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    allowed.origin() == url.origin() && below
}

fn without_reserved(url: &Url) -> Url {
    let kept: Vec<_> = url
        .query_pairs()
        .filter(|(name, _)| !RESERVED.contains(&name.as_ref()))
        .collect();
    let mut clean = url.clone();
    clean.set_query(None);
    if !kept.is_empty() {
        clean.query_pairs_mut().extend_pairs(kept);
    }
    clean
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list() -> AllowedRedirects {
        let configured =
            AllowedRedirects::parse_list("https://app.example/settings, http://localhost:3000")
                .unwrap();
        AllowedRedirects::new(configured, &Url::parse("https://grants.example").unwrap())
    }

    #[test]
    fn takes_what_is_on_the_list_and_below_it() {
        for good in [
            "https://app.example/settings",
            "https://app.example/settings/",
            "https://app.example/settings/accounts?tab=1",
            "https://app.example:443/settings",
            "http://localhost:3000/anything",
            "https://grants.example/integrations",
        ] {
            assert!(list().check(good).is_some(), "{good}");
        }
    }

    #[test]
    fn refuses_every_hostile_form() {
        for bad in [
            "",
            "/settings",
            "//app.example/settings",
            "https:app.example/settings",
            "https:///app.example/settings",
            "https://app.example/settingsevil",
            "https://app.example/settings/../admin",
            "https://app.example/settings/%2e%2e/admin",
            "https://app.example/settings/..%2fadmin",
            "https://app.example/settings/%5c..",
            "https://app.example.evil.example/settings",
            "https://app.example@evil.example/settings",
            "https://user:password@app.example/settings",
            "https://@app.example/settings",
            "https://app.example\\@evil.example/settings",
            "https://app.example:8443/settings",
            "http://app.example/settings",
            "https://app.example/settings#fragment",
            "https://app.example/settings#",
            "https://app.example/set\ntings",
            "https://app.example/settings\r\nSet-Cookie: a=b",
            " https://app.example/settings",
            "https://evil.example/?https://app.example/settings",
            "javascript://app.example/settings%0aalert(1)",
            "data:text/html,<script>alert(1)</script>",
            "https://аpp.example/settings",
            "http://localhost:3001/",
        ] {
            assert!(list().check(bad).is_none(), "{bad:?}");
        }
        assert!(
            list()
                .check(&format!(
                    "https://app.example/settings?{}",
                    "a".repeat(3000)
                ))
                .is_none()
        );
    }

    #[test]
    fn drops_parameters_that_only_we_may_set() {
        let url = list()
            .check("https://app.example/settings?status=connected&tab=1&code=x")
            .unwrap();
        assert_eq!(url.as_str(), "https://app.example/settings?tab=1");
    }

    #[test]
    fn an_entry_must_itself_be_safe() {
        for bad in [
            "http://app.example",
            "app.example",
            "https://",
            "ftp://app.example",
            "*",
        ] {
            assert!(AllowedRedirects::parse_list(bad).is_err(), "{bad}");
        }
    }
}
