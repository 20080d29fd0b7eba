//! Error pages of the platforms: for addresses that are refused, and for answers from elsewhere.

use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use maud::html;

use super::layout;
use crate::engine::AuthorizationFault;
use crate::platform::Stage;

/// The platform's own error page: the app is not told, because it cannot be trusted to be the one
/// that it says.
pub(crate) fn refused(stage: &Stage, fault: AuthorizationFault) -> Response {
    let name = stage.platform.profile().name;
    let what = html! {
        h1 { (name) " cannot go on" }
        p { "The address that brought you here is refused: " (fault) "." }
        p.quiet { "An app made this address, and you did nothing wrong. Nothing was shared with the app." }
    };
    error_page(stage, StatusCode::BAD_REQUEST, &what)
}

/// For an answer that did not come from the page that this browser was shown.
pub(crate) fn foreign_answer(stage: &Stage) -> Response {
    let what = html! {
        h1 { "Please start again" }
        p { "This answer did not come from the page that was shown in this browser, so it was not taken." }
        p.quiet { "Go back to the app and connect once more. Cookies must be allowed for this page." }
    };
    error_page(stage, StatusCode::FORBIDDEN, &what)
}

fn error_page(stage: &Stage, status: StatusCode, what: &maud::Markup) -> Response {
    let profile = stage.platform.profile();
    let body = html! {
        (layout::banner(profile.name))
        main.card.narrow { (layout::tile(profile.mark)) (what) }
    };
    (
        status,
        layout::page(
            &layout::document(&format!("{} sandbox", profile.name), &body),
            "'self'",
        ),
    )
        .into_response()
}
