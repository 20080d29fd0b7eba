//! Endpoints of a provider. The calls to one endpoint are judged together, and never affect another
//! endpoint: a provider whose revocation fails still refreshes tokens.

use url::Url;

/// The kind of an endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EndpointKind {
    /// Issues tokens for a code or a refresh token.
    Token,
    /// Revokes tokens.
    Revocation,
    /// Any other endpoint, such as that of the profile.
    Api,
}

/// An endpoint: the URLs of one kind at one host. Its text is such as `token api.example`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Endpoint(String);

impl Endpoint {
    /// Creates an endpoint; an empty `host` for an operation that calls none.
    #[must_use]
    pub fn new(kind: EndpointKind, host: &str) -> Self {
        let kind = match kind {
            EndpointKind::Token => "token",
            EndpointKind::Revocation => "revocation",
            EndpointKind::Api => "api",
        };
        Self(format!("{kind} {host}"))
    }

    /// Returns the endpoint with this text, which is that of an endpoint.
    pub(crate) fn from_text(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// Returns the text of the endpoint.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The URLs of a provider that are not of the kind [`EndpointKind::Api`].
#[derive(Debug, Clone, Default)]
pub struct EndpointUrls(Vec<(Url, EndpointKind)>);

impl EndpointUrls {
    /// Creates the list of these URLs.
    #[must_use]
    pub fn new(urls: Vec<(Url, EndpointKind)>) -> Self {
        Self(urls)
    }

    /// Returns the endpoint of a URL, whatever its query.
    #[must_use]
    pub fn endpoint_of(&self, url: &Url) -> Endpoint {
        let is_same = |known: &Url| known.origin() == url.origin() && known.path() == url.path();
        let kind = self.0.iter().find(|(known, _)| is_same(known));
        let kind = kind.map_or(EndpointKind::Api, |(_, kind)| *kind);
        Endpoint::new(kind, url.host_str().unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endpoint_of_url_depends_on_path_and_not_on_query() {
        let url = |text: &str| Url::parse(text).unwrap();
        let urls = EndpointUrls::new(vec![
            (url("https://api.example/token"), EndpointKind::Token),
            (url("https://api.example/revoke"), EndpointKind::Revocation),
        ]);
        for (called, endpoint) in [
            ("https://api.example/token?code=1", "token api.example"),
            ("https://api.example/revoke", "revocation api.example"),
            ("https://api.example/me", "api api.example"),
            ("https://www.example/token", "api www.example"),
        ] {
            assert_eq!(urls.endpoint_of(&url(called)).as_str(), endpoint);
        }
    }
}
