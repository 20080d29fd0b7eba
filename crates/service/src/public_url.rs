//! The URL under which browsers reach Evergrant.

use std::fmt;

use url::{Position, Url};

/// The public URL: an origin, and the path below which a reverse proxy serves Evergrant; empty if
/// Evergrant has a host of its own. Every address that Evergrant emits is built by
/// [`join`](Self::join) or [`path_of`](Self::path_of).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicUrl(Url);

/// Why a text is not a public URL. The message continues a sentence that names the setting, and
/// does not repeat the text, which may contain a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidPublicUrl {
    /// Not an absolute URL with a host.
    #[error("is not an absolute URL")]
    NotAbsolute,
    /// Tokens and cookies would cross the network unencrypted.
    #[error("does not start with https://; http:// is allowed for loopback hosts only")]
    Insecure,
    /// A user name or password, which would be sent to every browser.
    #[error("contains a user name or password")]
    Credentials,
    /// A query or fragment, below which there are no paths.
    #[error("contains a query or fragment")]
    QueryOrFragment,
    /// A path that proxies and browsers may spell in several ways.
    #[error(
        "has a path that proxies may rewrite: each of its segments must consist of letters, digits, \
         `-`, `.`, `_` and `~`, and must not be empty, `.` or `..`"
    )]
    AmbiguousPath,
}

impl PublicUrl {
    /// Parses an `https://` URL, or an `http://` URL of a loopback host. One slash at its end, and
    /// white space around it, are ignored.
    ///
    /// # Errors
    ///
    /// The first fault of the text.
    pub fn parse(text: &str) -> Result<Self, InvalidPublicUrl> {
        let text = text.trim();
        let mut url = Url::parse(text).map_err(|_| InvalidPublicUrl::NotAbsolute)?;
        let (_, after_scheme) = text
            .split_once("://")
            .ok_or(InvalidPublicUrl::NotAbsolute)?;
        // Read from the text, because parsing resolves `..` and replaces characters.
        let path = after_scheme.find('/').map_or("", |at| &after_scheme[at..]);
        if !url.has_host() {
            Err(InvalidPublicUrl::NotAbsolute)
        } else if url.scheme() != "https" && !(url.scheme() == "http" && is_loopback(&url)) {
            Err(InvalidPublicUrl::Insecure)
        } else if !url.username().is_empty() || url.password().is_some() {
            Err(InvalidPublicUrl::Credentials)
        } else if url.query().is_some() || url.fragment().is_some() {
            Err(InvalidPublicUrl::QueryOrFragment)
        } else if !is_plain(path) || without_slash(path) != without_slash(url.path()) {
            Err(InvalidPublicUrl::AmbiguousPath)
        } else {
            url.set_path(without_slash(path));
            Ok(Self(url))
        }
    }

    /// Returns whether this is the public URL.
    #[must_use]
    pub fn is(&self, url: &Url) -> bool {
        self.0 == *url
    }

    /// Returns the absolute URL of a path of Evergrant, such as `/portal/…`.
    #[must_use]
    pub fn join(&self, path: &str) -> String {
        format!("{self}{path}")
    }

    /// Returns the path under which browsers reach a path of Evergrant, for addresses that must
    /// work under any host name: `/grants/docs/` for `/docs/`.
    #[must_use]
    pub fn path_of(&self, path: &str) -> String {
        format!("{}{path}", self.base_path())
    }

    /// Returns the path of the public URL without a slash at its end: `/grants`, or nothing.
    #[must_use]
    pub fn base_path(&self) -> &str {
        without_slash(self.0.path())
    }

    /// Returns the path of Evergrant that browsers reach under `path`; `None` if `path` is not
    /// below the public URL's. The inverse of [`path_of`](Self::path_of).
    #[must_use]
    pub fn strip<'a>(&self, path: &'a str) -> Option<&'a str> {
        match path.strip_prefix(self.base_path())? {
            "" => Some("/"),
            rest if rest.starts_with('/') => Some(rest),
            _ => None,
        }
    }

    /// Returns the path of the public URL: `/grants`, or `/` for the root of the host.
    #[must_use]
    pub fn root_path(&self) -> &str {
        self.0.path()
    }

    /// Returns the URL itself. Its path has no slash at its end, unless it is `/`.
    #[must_use]
    pub fn as_url(&self) -> &Url {
        &self.0
    }

    /// Returns whether browsers reach Evergrant over TLS.
    #[must_use]
    pub fn is_https(&self) -> bool {
        self.0.scheme() == "https"
    }
}

/// Writes the URL without a slash at its end.
impl fmt::Display for PublicUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let origin = &self.0[..Position::BeforePath];
        write!(f, "{origin}{}", self.base_path())
    }
}

/// Returns whether the host of the URL is `localhost` or a loopback IP address.
#[must_use]
pub fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost",
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

fn without_slash(path: &str) -> &str {
    path.strip_suffix('/').unwrap_or(path)
}

/// Returns whether every program spells the path in the same way.
fn is_plain(path: &str) -> bool {
    let is_plain = |segment: &str| {
        !matches!(segment, "" | "." | "..")
            && segment
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte))
    };
    without_slash(path).split('/').skip(1).all(is_plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> PublicUrl {
        PublicUrl::parse(text).unwrap()
    }

    #[test]
    fn slash_at_the_end_and_spelling_of_the_origin_are_normalized() {
        for (text, normalized) in [
            ("https://Vault.example", "https://vault.example"),
            ("https://vault.example:443/", "https://vault.example"),
            (
                " https://vault.example/grants/\n",
                "https://vault.example/grants",
            ),
            (
                "https://vault.example/a/B-1._~",
                "https://vault.example/a/B-1._~",
            ),
            ("http://[::1]:8080/grants", "http://[::1]:8080/grants"),
        ] {
            assert_eq!(url(text).to_string(), normalized);
            assert_eq!(url(text), url(normalized), "{text}");
        }
    }

    #[test]
    fn unusable_text_is_rejected_with_its_first_fault() {
        use InvalidPublicUrl as E;
        for (text, fault) in [
            ("", E::NotAbsolute),
            ("vault.example/grants", E::NotAbsolute),
            ("https:vault.example", E::NotAbsolute),
            ("http://vault.example", E::Insecure),
            ("ftp://vault.example", E::Insecure),
            ("https://u:p@vault.example/grants", E::Credentials),
            ("https://vault.example/grants?a=1", E::QueryOrFragment),
            ("https://vault.example/grants#", E::QueryOrFragment),
            ("https://vault.example?", E::QueryOrFragment),
            ("https://vault.example//", E::AmbiguousPath),
            ("https://vault.example//grants", E::AmbiguousPath),
            ("https://vault.example/a//b", E::AmbiguousPath),
            ("https://vault.example/grants//", E::AmbiguousPath),
            ("https://vault.example/a/../grants", E::AmbiguousPath),
            ("https://vault.example/./grants", E::AmbiguousPath),
            ("https://vault.example/%67rants", E::AmbiguousPath),
            ("https://vault.example/a%2Fb", E::AmbiguousPath),
            ("https://vault.example/gr\u{e4}nts", E::AmbiguousPath),
            ("https://vault.example/a;b", E::AmbiguousPath),
            ("https://vault.example/a b", E::AmbiguousPath),
            ("https://vault.example/a\\b", E::AmbiguousPath),
            ("https://vault.example\\grants", E::AmbiguousPath),
            ("https:///vault.example", E::AmbiguousPath),
            ("https://vault.example/gra\nnts", E::AmbiguousPath),
        ] {
            assert_eq!(PublicUrl::parse(text), Err(fault), "{text:?}");
        }
    }

    #[test]
    fn addresses_begin_with_the_path() {
        let below = url("https://vault.example/a/grants/");
        assert_eq!(below.join("/docs/"), "https://vault.example/a/grants/docs/");
        assert_eq!(below.path_of("/docs/"), "/a/grants/docs/");
        let root = url("https://vault.example");
        assert_eq!(root.join("/docs/"), "https://vault.example/docs/");
        assert_eq!(root.path_of("/docs/"), "/docs/");
    }

    #[test]
    fn only_paths_below_the_public_url_are_stripped() {
        let below = url("https://vault.example/grants");
        for (path, stripped) in [
            ("/grants", Some("/")),
            ("/grants/", Some("/")),
            ("/grants/docs/", Some("/docs/")),
            ("/grants//docs", Some("//docs")),
            ("/grantsdocs", None),
            ("/docs/", None),
            ("/", None),
        ] {
            assert_eq!(below.strip(path), stripped, "{path}");
        }
        let root = url("https://vault.example");
        assert_eq!(root.strip("/docs/"), Some("/docs/"));
    }
}
