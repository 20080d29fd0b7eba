//! The allowlist of URLs to which a flow may redirect the browser when it ends.
//!
//! An open redirect would send the result of a consent, and with it the account, to an attacker.
//! URLs are compared after parsing, by origin and by whole path segments, never as text.

use evergrant_model::ErrorCode;
use url::Url;

use crate::ServiceError;
use crate::public_url::{PublicUrl, is_loopback};

/// The query parameters that Evergrant adds to the URL. They are removed from a caller's
/// URL.
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

/// The maximum length of a URL, in bytes.
const MAX_URL_LENGTH: usize = 2048;

/// The URLs under which a flow may end: the operator's, and Evergrant's own.
#[derive(Debug, Clone)]
pub struct AllowedRedirects(Vec<Url>);

/// The error for an entry that is not an https:// URL, or an http:// URL of a loopback
/// host.
#[derive(Debug, Clone, thiserror::Error)]
#[error(
    "{0:?} is not an https:// origin with an optional path; http:// is allowed for loopback hosts only"
)]
pub struct InvalidRedirect(String);

impl AllowedRedirects {
    /// Creates the allowlist: the configured URLs, then Evergrant's own pages under
    /// `public_url`.
    #[must_use]
    pub fn new(configured: Vec<Url>, public_url: &PublicUrl) -> Self {
        let mut allowed = configured;
        allowed.push(public_url.as_url().clone());
        Self(allowed)
    }

    /// Parses a comma-separated list of origins with optional path prefixes.
    ///
    /// # Errors
    ///
    /// Returns [`InvalidRedirect`] with the first invalid entry.
    pub fn parse_list(text: &str) -> Result<Vec<Url>, InvalidRedirect> {
        let entries = text
            .split(',')
            .map(str::trim)
            .filter(|entry| !entry.is_empty());
        entries
            .map(|entry| safe_url(entry).ok_or_else(|| InvalidRedirect(without_credentials(entry))))
            .collect()
    }

    /// Returns the first URL, which is the default.
    #[must_use]
    pub fn first(&self) -> Option<&Url> {
        self.0.first()
    }

    /// Parses `text` and removes the reserved query parameters; `None` if the URL is malformed
    /// or not under an allowed one.
    #[must_use]
    pub fn check(&self, text: &str) -> Option<Url> {
        let url = safe_url(text)?;
        self.0
            .iter()
            .any(|allowed| covers(allowed, &url))
            .then(|| without_reserved(&url))
    }

    /// Returns the URL as [`AllowedRedirects::check`] does. `parameter` is the caller's name for
    /// it.
    ///
    /// # Errors
    ///
    /// `INVALID_REDIRECT_URL` if the URL is malformed or not allowed.
    pub(crate) fn require(&self, parameter: &str, text: &str) -> Result<Url, ServiceError> {
        self.check(text).ok_or_else(|| {
            let requested = Url::parse(text).ok();
            let origin = requested.map(|url| url.origin().ascii_serialization());
            tracing::warn!(
                origin,
                "refused a {parameter} that is not allowed: to allow it, add it to \
                 EVERGRANT_ALLOWED_REDIRECTS"
            );
            let detail = format!(
                "The {parameter} is not on the operator's list of allowed addresses. Use an \
                 address on the list, or add this one to EVERGRANT_ALLOWED_REDIRECTS."
            );
            ServiceError::new(ErrorCode::InvalidRedirectUrl, detail)
        })
    }
}

/// Returns an entry for an error message, without the user and password of a URL.
#[must_use]
pub fn without_credentials(entry: &str) -> String {
    match (entry.find("//"), entry.rfind('@')) {
        (Some(start), Some(end)) if start + 2 <= end => {
            format!("{}…{}", &entry[..start + 2], &entry[end..])
        }
        _ => entry.to_owned(),
    }
}

/// Parses an absolute URL. Returns `None` for anything that browsers and this parser could
/// interpret differently: control characters, white space, backslashes, user information, a
/// fragment, an empty authority, encoded slashes.
fn safe_url(text: &str) -> Option<Url> {
    let is_ambiguous = |c: char| c.is_control() || c.is_whitespace() || c == '\\';
    if text.len() > MAX_URL_LENGTH || text.chars().any(is_ambiguous) || !text.contains("://") {
        return None;
    }
    let url = Url::parse(text).ok()?;
    let authority = text.split_once("://")?.1.split(['/', '?', '#']).next()?;
    let path = url.path().to_ascii_lowercase();
    let is_plain = !authority.is_empty()
        && !authority.contains('@')
        && url.fragment().is_none()
        && !path.contains("%2f")
        && !path.contains("%5c");
    let is_secure = url.scheme() == "https" || (url.scheme() == "http" && is_loopback(&url));
    (is_plain && is_secure && url.has_host()).then_some(url)
}

/// Returns whether `url` has the origin of `allowed` and a path equal to or below its path.
fn covers(allowed: &Url, url: &Url) -> bool {
    let prefix = allowed.path().trim_end_matches('/');
    let is_below = url
        .path()
        .strip_prefix(prefix)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    allowed.origin() == url.origin() && is_below
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
        AllowedRedirects::new(
            configured,
            &PublicUrl::parse("https://vault.example/grants").unwrap(),
        )
    }

    #[test]
    fn allowed_address_and_paths_below_it_are_accepted() {
        for address in [
            "https://app.example/settings",
            "https://app.example/settings/",
            "https://app.example/settings/accounts?tab=1",
            "https://app.example:443/settings",
            "http://localhost:3000/anything",
            "https://vault.example/grants/integrations",
            "https://vault.example/grants",
        ] {
            assert!(list().check(address).is_some(), "{address}");
        }
    }

    /// URLs that only resemble an allowed one, or that parsers could interpret differently.
    const HOSTILE: [&str; 29] = [
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
        "https://vault.example/",
        "https://vault.example/grants-of-another-app",
    ];

    #[test]
    fn hostile_addresses_are_rejected() {
        for address in HOSTILE {
            assert!(list().check(address).is_none(), "{address:?}");
        }
        let long = format!("https://app.example/settings?{}", "a".repeat(3000));
        assert!(list().check(&long).is_none());
    }

    #[test]
    fn reserved_query_parameters_are_removed() {
        let url = list()
            .check("https://app.example/settings?status=connected&tab=1&code=x")
            .unwrap();
        assert_eq!(url.as_str(), "https://app.example/settings?tab=1");
    }

    #[test]
    fn unsafe_list_entries_are_rejected() {
        for entry in [
            "http://app.example",
            "app.example",
            "https://",
            "ftp://app.example",
            "*",
        ] {
            assert!(AllowedRedirects::parse_list(entry).is_err(), "{entry}");
        }
    }

    #[test]
    fn error_of_a_list_entry_contains_no_password() {
        for entry in [
            "https://user:hush@app.example/settings",
            "ftp://hush@app.example",
            "//user:hu@sh@app.example",
        ] {
            let error = AllowedRedirects::parse_list(entry).unwrap_err().to_string();
            assert!(error.contains("//…@app.example"), "{error}");
            assert!(!error.contains("hu"), "{error}");
        }
    }
}
