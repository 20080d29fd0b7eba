//! Error pages of a platform: invalid authorization requests and forms from another browser.

use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use maud::html;

use super::layout;
use crate::engine::AuthorizationRequestError;
use crate::platform::PlatformContext;

/// Returns the error page for an invalid authorization request. The browser is not redirected to
/// the app, because the request does not prove which app sent it.
pub(crate) fn authorization_error(
    context: &PlatformContext,
    error: AuthorizationRequestError,
) -> Response {
    let name = context.platform.profile().name;
    let body = html! {
        h1 { "This sign-in link doesn't work" }
        p { (name) " rejected the app's request: " (error) "." }
        p.quiet { "This is a problem with the app, not with your account. Nothing was shared." }
    };
    error_page(context, StatusCode::BAD_REQUEST, &body)
}

/// Returns the error page for a form that was not submitted by the browser that loaded the page.
pub(crate) fn csrf_error(context: &PlatformContext) -> Response {
    let body = html! {
        h1 { "Please start again" }
        p { "This form was not opened in this browser, or cookies are blocked. Nothing was shared." }
        p.quiet { "Allow cookies for this page, then go back to the app and connect again." }
    };
    error_page(context, StatusCode::FORBIDDEN, &body)
}

fn error_page(context: &PlatformContext, status: StatusCode, body: &maud::Markup) -> Response {
    let profile = context.platform.profile();
    let body = html! {
        (layout::banner(profile.name))
        main.card.narrow { (layout::logo(profile.mark)) (body) }
    };
    let document = layout::document(&format!("{} sandbox", profile.name), &body);
    (status, layout::page(&document, "'self'")).into_response()
}
