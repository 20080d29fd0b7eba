//! The console's cookie: what it is called, how it is read, given and taken back.

use evergrant_service::{CONSOLE_SESSION_SECONDS, IntegrationsService};
use http::{HeaderMap, HeaderValue, header};
use secrecy::{ExposeSecret, SecretString};
use url::Url;

/// The cookie of a service that is reached at one address.
pub(crate) struct ConsoleCookie {
    name: String,
    is_secure: bool,
}

impl ConsoleCookie {
    pub(crate) fn of(service: &IntegrationsService) -> Self {
        Self::at(&service.settings().public_url)
    }

    /// `__Host-` keeps it from every other host and needs TLS. Without that the name holds the
    /// port, because all ports of a machine share their cookies.
    fn at(public_url: &Url) -> Self {
        let is_secure = public_url.scheme() == "https";
        let port = public_url.port_or_known_default().unwrap_or_default();
        let name = if is_secure {
            "__Host-evergrant".to_owned()
        } else {
            format!("evergrant-{port}")
        };
        Self { name, is_secure }
    }

    /// What the browser presents.
    pub(crate) fn read<'a>(&self, headers: &'a HeaderMap) -> Option<&'a str> {
        let texts = headers
            .get_all(header::COOKIE)
            .iter()
            .filter_map(|value| value.to_str().ok());
        let pairs = texts
            .flat_map(|text| text.split(';'))
            .filter_map(|pair| pair.trim().split_once('='));
        pairs
            .into_iter()
            .find(|(name, _)| *name == self.name)
            .map(|(_, value)| value)
    }

    /// The header that gives it.
    pub(crate) fn given(&self, secret: &SecretString) -> HeaderValue {
        self.header(secret.expose_secret(), CONSOLE_SESSION_SECONDS)
    }

    /// The header that takes it back.
    pub(crate) fn taken_back(&self) -> HeaderValue {
        self.header("", 0)
    }

    fn header(&self, value: &str, seconds: i64) -> HeaderValue {
        let secure = if self.is_secure { "; Secure" } else { "" };
        let text = format!(
            "{}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}",
            self.name
        );
        let mut header = HeaderValue::from_str(&text)
            .unwrap_or_else(|_| unreachable!("our own credentials are url-safe text"));
        header.set_sensitive(true);
        header
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cookie(public_url: &str) -> ConsoleCookie {
        ConsoleCookie::at(&Url::parse(public_url).unwrap())
    }

    #[test]
    fn item_30_a_cookie_is_bound_to_its_host_and_hidden_from_scripts() {
        let given = |url| {
            cookie(url)
                .given(&SecretString::from("evc_1"))
                .to_str()
                .unwrap()
                .to_owned()
        };
        assert_eq!(
            given("https://vault.example"),
            "__Host-evergrant=evc_1; Path=/; Max-Age=43200; HttpOnly; SameSite=Lax; Secure"
        );
        assert_eq!(
            given("http://localhost:8080"),
            "evergrant-8080=evc_1; Path=/; Max-Age=43200; HttpOnly; SameSite=Lax"
        );
    }

    #[test]
    fn reads_its_own_among_others_of_the_machine() {
        let mut headers = HeaderMap::new();
        headers.append(
            header::COOKIE,
            HeaderValue::from_static("a=1; evergrant-8081=other;evergrant-8080=evc_1"),
        );
        headers.append(
            header::COOKIE,
            HeaderValue::from_static("xevergrant-8080=2; b"),
        );
        assert_eq!(
            cookie("http://localhost:8080").read(&headers),
            Some("evc_1")
        );
        assert_eq!(cookie("http://localhost:8082").read(&headers), None);
        assert_eq!(cookie("https://vault.example").read(&headers), None);
    }
}
