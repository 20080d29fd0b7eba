//! What people see in a browser: the consent page, its refusals, and the front page that explains the sandbox. Drawn on
//! the server, without any script.

mod consent;
mod front;
mod layout;
mod session;

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, State};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use maud::html;

use crate::AuthorizationFault;
use crate::picture;
use crate::shared::{Shared, Stage};

pub(crate) use consent::consent;
pub(crate) use session::{SessionPage, sign_in, signed_in};

/// The pages that belong to no platform.
pub(crate) fn routes(shared: Arc<Shared>) -> Router {
    Router::new()
        .route("/", get(front::front))
        .route("/style.css", get(style))
        .route("/images/{file}", get(image))
        .with_state(shared)
}

async fn style() -> Response {
    let labels = [(header::CONTENT_TYPE, "text/css; charset=utf-8"), (header::CACHE_CONTROL, "no-cache")];
    (labels, include_str!("style.css")).into_response()
}

/// A picture of a person or a post, drawn from its name.
async fn image(State(shared): State<Arc<Shared>>, Path(file): Path<String>) -> Response {
    let Some(name) = file.strip_suffix(".png") else { return StatusCode::NOT_FOUND.into_response() };
    let hue_of_name = || name.bytes().fold(0_u16, |hue, byte| (hue * 3 + u16::from(byte)) % 360);
    let hue = shared.people().iter().find(|person| person.handle == name).map_or_else(hue_of_name, |person| person.hue);
    let labels = [(header::CONTENT_TYPE, "image/png"), (header::CACHE_CONTROL, "public, max-age=86400")];
    (labels, picture::landscape(name, hue)).into_response()
}

/// The platform's own error page: the app is not told, because it cannot be trusted to be the one that it says.
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
    (status, page(&layout::document(&format!("{} sandbox", profile.name), &body), "'self'")).into_response()
}

/// A page with the headers that belong to every page; `form_action` is where its forms may lead.
fn page(document: &maud::Markup, form_action: &str) -> Response {
    let policy = format!(
        "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; frame-ancestors 'none'; \
         form-action {form_action}"
    );
    let mut response = Html(document.clone().into_string()).into_response();
    let headers = response.headers_mut();
    headers.extend(HeaderValue::try_from(policy).ok().map(|policy| (header::CONTENT_SECURITY_POLICY, policy)));
    let fixed = [
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CACHE_CONTROL, "no-store"),
    ];
    headers.extend(fixed.map(|(name, value)| (name, HeaderValue::from_static(value))));
    response
}
