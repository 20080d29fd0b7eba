//! The console's session cookie.

use evergrant_service::{CONSOLE_SESSION_TTL, IntegrationsService, PublicUrl};
use http::{HeaderMap, HeaderValue, header};
use secrecy::{ExposeSecret, SecretString};

/// The name and attributes of the cookie of a service at one public URL.
pub(crate) struct ConsoleCookie {
    name: String,
    path: String,
    is_secure: bool,
}

impl ConsoleCookie {
    pub(crate) fn new(service: &IntegrationsService) -> Self {
        Self::for_url(&service.settings().public_url)
    }

    /// Over TLS, the prefix `__Host-` binds the cookie to its host (RFC 6265bis §4.1.3.2). It
    /// requires `Path=/`, so below a path the prefix is `__Secure-`: a cookie for the whole host
    /// would also be sent to the other apps of that host. Without TLS the name contains the port,
    /// because all ports of a host share their cookies.
    fn for_url(public_url: &PublicUrl) -> Self {
        let (is_secure, base) = (public_url.is_https(), public_url.base_path());
        let port = public_url.as_url().port_or_known_default();
        let name = match (is_secure, base) {
            (true, "") => "__Host-evergrant".to_owned(),
            (true, _) => "__Secure-evergrant".to_owned(),
            (false, _) => format!("evergrant-{}", port.unwrap_or_default()),
        };
        Self {
            name,
            path: public_url.root_path().to_owned(),
            is_secure,
        }
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Returns the value that the browser sent.
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

    /// Returns the `Set-Cookie` value that sets the cookie.
    pub(crate) fn set(&self, secret: &SecretString) -> HeaderValue {
        self.header(secret.expose_secret(), CONSOLE_SESSION_TTL.as_secs())
    }

    /// Returns the `Set-Cookie` value that deletes the cookie.
    pub(crate) fn delete(&self) -> HeaderValue {
        self.header("", 0)
    }

    fn header(&self, value: &str, max_age_seconds: i64) -> HeaderValue {
        let secure = if self.is_secure { "; Secure" } else { "" };
        let text = format!(
            "{}={value}; Path={}; Max-Age={max_age_seconds}; HttpOnly; SameSite=Lax{secure}",
            self.name, self.path
        );
        let mut header = HeaderValue::from_str(&text)
            .unwrap_or_else(|_| unreachable!("credentials are URL-safe text"));
        header.set_sensitive(true);
        header
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cookie(public_url: &str) -> ConsoleCookie {
        ConsoleCookie::for_url(&PublicUrl::parse(public_url).unwrap())
    }

    #[test]
    fn item_30_cookie_is_bound_to_its_host_and_hidden_from_scripts() {
        let set_cookie = |url| {
            cookie(url)
                .set(&SecretString::from("evc_1"))
                .to_str()
                .unwrap()
                .to_owned()
        };
        assert_eq!(
            set_cookie("https://vault.example"),
            "__Host-evergrant=evc_1; Path=/; Max-Age=43200; HttpOnly; SameSite=Lax; Secure"
        );
        assert_eq!(
            set_cookie("http://localhost:8080"),
            "evergrant-8080=evc_1; Path=/; Max-Age=43200; HttpOnly; SameSite=Lax"
        );
        assert_eq!(
            set_cookie("https://vault.example/grants"),
            "__Secure-evergrant=evc_1; Path=/grants; Max-Age=43200; HttpOnly; SameSite=Lax; Secure"
        );
        assert_eq!(
            set_cookie("http://localhost:8080/grants"),
            "evergrant-8080=evc_1; Path=/grants; Max-Age=43200; HttpOnly; SameSite=Lax"
        );
    }

    #[test]
    fn cookie_is_found_among_those_of_other_ports() {
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
