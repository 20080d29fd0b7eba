//! Whom the page answers: the browser of whoever started the program, and no other site through it.
//!
//! A page on the internet can make a browser call a loopback port. Under a name of its own that leads here (DNS
//! rebinding) it could even read the answer, API key and all; so the name asked for must be ours. And it could post a
//! form; so a form must come from our own page, as the browser says.

use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use evergrant_service::is_loopback;
use url::Url;

use super::Walk;

pub(super) async fn check(State(walk): State<Walk>, request: Request, next: Next) -> Response {
    let host = host_of(&request);
    if !host.as_deref().is_some_and(|host| is_ours(host, &walk.0.base, walk.0.port)) {
        return (StatusCode::MISDIRECTED_REQUEST, "This page answers to its own address only.\n").into_response();
    }
    let is_safe = matches!(*request.method(), Method::GET | Method::HEAD);
    if !is_safe && !comes_from_us(request.headers(), host.as_deref().unwrap_or_default()) {
        return (StatusCode::FORBIDDEN, "This form was sent from another site and is not taken.\n").into_response();
    }
    next.run(request).await
}

/// The host and port that were asked for: HTTP/2 says it in the address.
fn host_of(request: &Request) -> Option<String> {
    let in_address = request.uri().authority().map(ToString::to_string);
    in_address.or_else(|| Some(request.headers().get(header::HOST)?.to_str().ok()?.to_owned()))
}

/// Whether `host` is that of `base`, or a loopback name at the port that we listen on.
fn is_ours(host: &str, base: &str, port: u16) -> bool {
    let Ok(base) = Url::parse(base) else { return false };
    let Ok(asked) = Url::parse(&format!("{}://{host}/", base.scheme())) else { return false };
    let plain = asked.path() == "/" && asked.username().is_empty() && asked.password().is_none();
    plain && (asked.origin() == base.origin() || (is_loopback(&asked) && asked.port_or_known_default() == Some(port)))
}

/// Whether the browser says that the form stood on our own page.
fn comes_from_us(headers: &HeaderMap, host: &str) -> bool {
    if let Some(site) = headers.get("sec-fetch-site") {
        return site == "same-origin";
    }
    let Some(origin) = headers.get(header::ORIGIN).and_then(|origin| origin.to_str().ok()) else { return false };
    origin == format!("http://{host}") || origin == format!("https://{host}")
}

#[cfg(test)]
mod tests {
    use super::*;

    const BASE: &str = "http://localhost:8080";

    #[test]
    fn answers_to_loopback_names_at_its_own_port() {
        for host in ["localhost:8080", "LOCALHOST:8080", "127.0.0.1:8080", "[::1]:8080"] {
            assert!(is_ours(host, BASE, 8080), "{host}");
        }
        for host in ["dev.example", "localhost:8080"] {
            assert!(is_ours(host, "https://dev.example", 8080), "{host}: behind a proxy of the operator's");
        }
    }

    #[test]
    fn does_not_answer_to_a_name_that_merely_leads_here() {
        for host in [
            "",
            "evil.example",
            "evil.example:8080",
            "localhost",
            "localhost:8081",
            "localhost.evil.example:8080",
            "127.0.0.1.nip.io:8080",
            "localhost:8080@evil.example",
            "evil.example/localhost:8080",
            "10.0.0.1:8080",
        ] {
            assert!(!is_ours(host, BASE, 8080), "{host}");
        }
    }

    fn from(headers: &[(&'static str, &str)]) -> bool {
        let headers = headers.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()));
        comes_from_us(&headers.collect(), "localhost:8080")
    }

    #[test]
    fn takes_forms_of_its_own_page_only() {
        assert!(from(&[("sec-fetch-site", "same-origin")]));
        assert!(from(&[("origin", "http://localhost:8080")]));
        for site in ["cross-site", "same-site", "none", ""] {
            assert!(!from(&[("sec-fetch-site", site), ("origin", "http://localhost:8080")]), "{site}");
        }
        for origin in ["null", "http://localhost:8081", "http://evil.example", "http://localhost", "localhost:8080"] {
            assert!(!from(&[("origin", origin)]), "{origin}");
        }
        assert!(!from(&[]), "a browser says where a form came from");
    }
}
