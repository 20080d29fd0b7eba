//! Shared parts of all pages: response headers, the HTML document, the banner and the platform
//! logo.

use axum::http::{HeaderName, HeaderValue, header};
use axum::response::{Html, IntoResponse as _, Response};
use maud::{DOCTYPE, Markup, PreEscaped, html};

/// Returns an HTML document with this title and body.
pub(super) fn document(title: &str, body: &Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) }
                link rel="icon" href="/images/sandbox.png";
                link rel="stylesheet" href="/style.css";
            }
            body { (body) }
        }
    }
}

/// Returns the banner that marks a platform's page as simulated.
pub(super) fn banner(platform: &str) -> Markup {
    html! { header.banner { strong { "SANDBOX" } " · not the real " (platform) } }
}

/// Returns a platform's logo.
pub(super) fn logo(mark: &'static str) -> Markup {
    html! { svg.tile viewBox="0 0 40 40" width="40" height="40" aria-hidden="true" { (PreEscaped(mark)) } }
}

/// Returns a page with the security headers of all pages. `form_action` lists the sources that its
/// forms may be submitted and redirected to.
pub(super) fn page(document: &Markup, form_action: &str) -> Response {
    let policy = format!(
        "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; frame-ancestors 'none'; \
         form-action {form_action}"
    );
    let mut response = Html(document.clone().into_string()).into_response();
    let headers = response.headers_mut();
    headers.extend(
        HeaderValue::try_from(policy)
            .ok()
            .map(|policy| (header::CONTENT_SECURITY_POLICY, policy)),
    );
    let fixed = [
        (
            HeaderName::from_static("cross-origin-opener-policy"),
            "same-origin",
        ),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CACHE_CONTROL, "no-store"),
    ];
    headers.extend(fixed.map(|(name, value)| (name, HeaderValue::from_static(value))));
    response
}
