//! Evergrant's own HTML pages, outside of the console.

use axum::response::Response;
use evergrant_model::{CorrelationId, ErrorCode};
use evergrant_service::{PublicUrl, ServiceError};
use http::StatusCode;
use maud::html;

use crate::codes::{meaning_of, status_of};
use crate::problem;
use crate::site::Site;

mod chooser;
mod credential_page;
mod layout;

pub(crate) use chooser::Chooser;
pub(crate) use credential_page::{CredentialPage, PASTED};

/// Returns the error page of a callback that belongs to no known flow. The browser is not
/// redirected, because the app's URL is unknown.
pub(crate) fn callback_failed(
    site: &Site,
    error: &ServiceError,
    correlation_id: &CorrelationId,
) -> Response {
    let title = "This sign-in could not be completed";
    error_page(site, title, error, correlation_id)
}

fn error_page(
    site: &Site,
    title: &str,
    error: &ServiceError,
    correlation_id: &CorrelationId,
) -> Response {
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
        (layout::way_back(site))
    };
    layout::page(Some(site), status, title, &body)
}

/// Returns the page of a portal link that is unknown, used or expired.
pub(crate) fn portal_expired(site: &Site) -> Response {
    let body = html! {
        h1 { "This link has expired" }
        p { "It works once, within five minutes. Go back to the app and open your connected accounts from there." }
        (layout::way_back(site))
    };
    layout::page(Some(site), StatusCode::GONE, "Link expired", &body)
}

/// Returns the error page of a portal link that could not be checked.
pub(crate) fn portal_failed(
    site: &Site,
    error: &ServiceError,
    correlation_id: &CorrelationId,
) -> Response {
    error_page(
        site,
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
    layout::page(None, StatusCode::OK, "Evergrant", &body)
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
    layout::page(None, StatusCode::OK, "Evergrant error codes", &body)
}
