//! What all pages have in common: the document, its headers, the app's name and the way back.

use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderValue, StatusCode, header};
use maud::{DOCTYPE, Markup, PreEscaped, html};
use sha2::{Digest, Sha256};
use url::{Host, Url};

use crate::site::Site;

const STYLE: &str = include_str!("../page.css");
/// Evergrant's logo.
const MARK: &str = r#"<svg viewBox="0 0 40 40" width="28" height="28" aria-hidden="true"><path d="M20 5 28 16h-4l7 9h-4l6 8H22v3h-4v-3H7l6-8H9l7-9h-4z"></path></svg>"#;

/// Returns a page of `site`; `None` for a page about Evergrant itself.
pub(super) fn page(
    site: Option<&Site>,
    status: StatusCode,
    title: &str,
    body: &Markup,
) -> Response {
    html_response(site, status, title, (body, "'none'"))
}

/// Returns a page with a form whose redirect ends at the app. Browsers follow the redirect of a
/// form only to origins that `form-action` lists.
pub(super) fn form_page(
    site: &Site,
    status: StatusCode,
    title: &str,
    (body, redirect_url): (&Markup, &str),
) -> Response {
    let form_action = format!("'self' {}", csp_source(redirect_url));
    html_response(Some(site), status, title, (body, &form_action))
}

fn html_response(
    site: Option<&Site>,
    status: StatusCode,
    title: &str,
    (body, form_action): (&Markup, &str),
) -> Response {
    let document = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title) }
                style { (PreEscaped(STYLE)) }
            }
            body { @if let Some(site) = site { (banner(site)) } main { (body) } }
        }
    };
    let mut response = (status, document.into_string()).into_response();
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("text/html; charset=utf-8"),
    );
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Ok(policy) = HeaderValue::from_str(&policy(form_action)) {
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    response
}

/// Returns the name and logo of the app; by default those of Evergrant.
fn banner(site: &Site) -> Markup {
    html! {
        header.app {
            @if let Some(path) = &site.logo_path { img src=(path) height="28" alt=""; }
            @else if site.app.name.is_none() { (PreEscaped(MARK)) }
            span { (site.app.name.as_deref().unwrap_or("Evergrant")) }
        }
    }
}

/// Returns the link back to the app; nothing if its address is unknown.
pub(super) fn way_back(site: &Site) -> Markup {
    html! {
        @if let Some(home) = &site.home {
            p { a href=(home) { "Back to " (site.name_at(home.as_str())) } }
        }
    }
}

/// Returns the content security policy: only Evergrant's pictures and the inline style sheet, by
/// its hash. The pages never send `Cross-Origin-Opener-Policy`, which would disconnect an app's
/// popup from the app.
fn policy(form_action: &str) -> String {
    let hash = STANDARD.encode(Sha256::digest(STYLE));
    format!(
        "default-src 'none'; style-src 'sha256-{hash}'; img-src 'self'; base-uri 'none'; form-action {form_action}; frame-ancestors 'none'"
    )
}

/// Returns the CSP source of a URL: its origin, or only its scheme if the host is an IPv6 address,
/// which CSP cannot express.
fn csp_source(address: &str) -> String {
    match Url::parse(address) {
        Ok(url) if matches!(url.host(), Some(Host::Domain(_) | Host::Ipv4(_))) => {
            url.origin().ascii_serialization()
        }
        Ok(url) => format!("{}:", url.scheme()),
        Err(_) => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn csp_source_is_the_origin_or_the_scheme_of_ipv6() {
        assert_eq!(
            csp_source("https://app.example/settings?a=b;c"),
            "https://app.example"
        );
        assert_eq!(
            csp_source("http://127.0.0.1:3000/"),
            "http://127.0.0.1:3000"
        );
        assert_eq!(csp_source("http://[::1]:3000/"), "http:");
    }
}
