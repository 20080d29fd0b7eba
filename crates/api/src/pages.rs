//! Evergrant's own HTML pages, outside of the console.

use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use evergrant_model::{CorrelationId, ErrorCode};
use evergrant_service::{PublicUrl, ServiceError};
use http::{HeaderValue, StatusCode, header};
use maud::{DOCTYPE, Markup, PreEscaped, html};
use sha2::{Digest, Sha256};
use url::{Host, Url};

use crate::codes::{meaning_of, status_of};
use crate::problem;

mod chooser;
mod credential_page;

pub(crate) use chooser::Chooser;
pub(crate) use credential_page::{CredentialPage, PASTED};

const STYLE: &str = include_str!("page.css");

/// Returns the error page of a callback that belongs to no known flow. The browser is not
/// redirected, because the app's URL is unknown.
pub(crate) fn callback_failed(error: &ServiceError, correlation_id: &CorrelationId) -> Response {
    error_page("This sign-in could not be completed", error, correlation_id)
}

fn error_page(title: &str, error: &ServiceError, correlation_id: &CorrelationId) -> Response {
    problem::log(error, correlation_id);
    let status = status_of(error.code());
    let detail = if status == StatusCode::INTERNAL_SERVER_ERROR {
        "Something went wrong on our side."
    } else {
        error.detail()
    };
    let body = html! {
        h1 { (title) }
        p { (detail) }
        p.quiet { "Go back to the app and try again. If the problem persists, contact support with this reference: "
            code { (error.code().as_str()) } " · " code { (correlation_id.as_str()) } }
    };
    page(status, title, &body)
}

/// Returns the page of a portal link that is unknown, used or expired.
pub(crate) fn portal_expired() -> Response {
    let body = html! {
        h1 { "This link has expired" }
        p { "It works once, within five minutes. Go back to the app and open your connected accounts from there." }
    };
    page(StatusCode::GONE, "Link expired", &body)
}

/// Returns the error page of a portal link that could not be checked.
pub(crate) fn portal_failed(error: &ServiceError, correlation_id: &CorrelationId) -> Response {
    error_page(
        "Your connected accounts are unavailable at the moment",
        error,
        correlation_id,
    )
}

/// Returns the page at `/` of a service without a console.
pub(crate) fn landing_page(public_url: &PublicUrl) -> Response {
    let docs = public_url.path_of("/docs/");
    let body = html! {
        h1 { "Evergrant" }
        p { "This service manages connected accounts." }
        p.quiet { "The API is documented at " a href=(docs) { (docs) } "." }
    };
    page(StatusCode::OK, "Evergrant", &body)
}

/// Returns the page to which a problem's `type` points: all error codes, with an anchor each.
pub(crate) fn error_codes() -> Response {
    let body = html! {
        h1 { "Error codes" }
        dl {
            @for code in ErrorCode::ALL.iter().copied() {
                dt id=(code.as_str()) { code { (code.as_str()) } " · " (status_of(code).as_u16()) }
                dd { (meaning_of(code).replace('`', "")) }
            }
        }
    };
    page(StatusCode::OK, "Evergrant error codes", &body)
}

fn page(status: StatusCode, title: &str, body: &Markup) -> Response {
    html_response(status, title, body, "'none'")
}

/// Returns a page with a form whose redirect ends at the app. Browsers follow the redirect of a
/// form only to origins that `form-action` lists.
fn form_page(status: StatusCode, title: &str, body: &Markup, redirect_url: &str) -> Response {
    html_response(
        status,
        title,
        body,
        &format!("'self' {}", csp_source(redirect_url)),
    )
}

fn html_response(status: StatusCode, title: &str, body: &Markup, form_action: &str) -> Response {
    let document = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title) }
                style { (PreEscaped(STYLE)) }
            }
            body { main { (body) } }
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

/// Returns the name of the app for its users: the host of `redirectUrl`.
fn app_name(redirect_url: &str) -> String {
    let url = Url::parse(redirect_url).ok();
    url.as_ref()
        .and_then(Url::host_str)
        .unwrap_or("the app")
        .to_owned()
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
