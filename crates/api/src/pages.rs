//! The few pages of our own that a browser may land on.

use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use evergrant_model::{CorrelationId, ErrorCode};
use evergrant_service::ServiceError;
use http::{HeaderValue, StatusCode, header};
use maud::{DOCTYPE, Markup, PreEscaped, html};
use sha2::{Digest, Sha256};
use url::{Host, Url};

use crate::codes::{meaning_of, status_of};

mod chooser;
mod credential_page;

pub(crate) use chooser::Chooser;
pub(crate) use credential_page::CredentialPage;

const STYLE: &str = include_str!("page.css");

/// A callback that belongs nowhere: the browser stays here, since its origin is unknown.
pub(crate) fn callback_failed(error: &ServiceError, correlation_id: &CorrelationId) -> Response {
    failed("This sign-in could not be completed", error, correlation_id)
}

fn failed(title: &str, error: &ServiceError, correlation_id: &CorrelationId) -> Response {
    let status = status_of(error.code());
    if status.is_server_error() {
        tracing::error!(
            code = error.code().as_str(),
            error = error as &dyn std::error::Error,
            "a page could not be given"
        );
    }
    let detail = if status == StatusCode::INTERNAL_SERVER_ERROR {
        "Something went wrong."
    } else {
        error.detail()
    };
    let body = html! {
        h1 { (title) }
        p { (detail) }
        p.quiet { "Go back to the app and try again. If it asks for a reference: "
            code { (error.code().as_str()) } " · " code { (correlation_id.as_str()) } }
    };
    page(status, title, &body)
}

/// A portal link that opens nothing.
pub(crate) fn portal_closed() -> Response {
    let body = html! {
        h1 { "This link opens nothing any more" }
        p { "It worked once, or its five minutes are over. Go back to the app and open your connected accounts from there." }
    };
    page(StatusCode::GONE, "Link closed", &body)
}

/// A portal link that could not be tried.
pub(crate) fn portal_failed(error: &ServiceError, correlation_id: &CorrelationId) -> Response {
    failed(
        "Your connected accounts cannot be shown now",
        error,
        correlation_id,
    )
}

/// The front door of a service that has no console: where it is, and where its description stands.
pub(crate) fn front_door() -> Response {
    let body = html! {
        h1 { "Evergrant" }
        p { "This service keeps connected accounts." }
        p.quiet { "Its API is described at " a href="/docs/" { "/docs" } "." }
    };
    page(StatusCode::OK, "Evergrant", &body)
}

/// What a problem's `type` leads to: every code, each with an anchor of its own.
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
    written(status, title, body, "'none'")
}

/// A page with a form, which ends at the app: a browser follows a form's redirect only where the
/// policy names its end.
fn form_page(status: StatusCode, title: &str, body: &Markup, redirect_url: &str) -> Response {
    written(
        status,
        title,
        body,
        &format!("'self' {}", source_of(redirect_url)),
    )
}

fn written(status: StatusCode, title: &str, body: &Markup, form_action: &str) -> Response {
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

/// Nothing but our own pictures and style sheet, which is named by its hash. Never
/// `Cross-Origin-Opener-Policy`: it would cut an app's popup off from the app.
fn policy(form_action: &str) -> String {
    let hash = STANDARD.encode(Sha256::digest(STYLE));
    format!(
        "default-src 'none'; style-src 'sha256-{hash}'; img-src 'self'; base-uri 'none'; form-action {form_action}; frame-ancestors 'none'"
    )
}

/// An address's origin as a policy names it, which cannot name an IPv6 address but by its scheme.
fn source_of(address: &str) -> String {
    match Url::parse(address) {
        Ok(url) if matches!(url.host(), Some(Host::Domain(_) | Host::Ipv4(_))) => {
            url.origin().ascii_serialization()
        }
        Ok(url) => format!("{}:", url.scheme()),
        Err(_) => String::new(),
    }
}

/// The app as its user knows it: by the host of the address to which they return.
fn app_of(redirect_url: &str) -> String {
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
    fn a_policy_names_where_a_form_ends() {
        assert_eq!(
            source_of("https://app.example/settings?a=b;c"),
            "https://app.example"
        );
        assert_eq!(source_of("http://127.0.0.1:3000/"), "http://127.0.0.1:3000");
        assert_eq!(source_of("http://[::1]:3000/"), "http:");
    }
}
