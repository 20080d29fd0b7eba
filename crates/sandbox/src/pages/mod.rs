//! What people see in a browser: the consent page, its refusals, and the front page that explains
//! the sandbox. Drawn on the server, without any script.

mod consent;
mod front;
mod layout;
mod refusal;
mod session;

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use crate::picture;
use crate::shared::Shared;

pub(crate) use consent::consent;
pub(crate) use front::FrontPage;
pub(crate) use refusal::{foreign_answer, refused};
pub(crate) use session::{SessionPage, sign_in, signed_in};

/// The pages that belong to no platform.
pub(crate) fn routes(front: FrontPage) -> Router {
    Router::new()
        .route("/style.css", get(style))
        .route("/images/{file}", get(image))
        .with_state(front.shared.clone())
        .route("/", get(front::front).with_state(front))
}

async fn style() -> Response {
    let labels = [
        (header::CONTENT_TYPE, "text/css; charset=utf-8"),
        (header::CACHE_CONTROL, "no-cache"),
    ];
    (labels, include_str!("style.css")).into_response()
}

/// A picture of a person or a post, drawn from its name.
async fn image(State(shared): State<Arc<Shared>>, Path(file): Path<String>) -> Response {
    let Some(name) = file.strip_suffix(".png") else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let hue_of_name = || {
        name.bytes()
            .fold(0_u16, |hue, byte| (hue * 3 + u16::from(byte)) % 360)
    };
    let hue = shared
        .people()
        .iter()
        .find(|person| person.handle == name)
        .map_or_else(hue_of_name, |person| person.hue);
    let labels = [
        (header::CONTENT_TYPE, "image/png"),
        (header::CACHE_CONTROL, "public, max-age=86400"),
    ];
    (labels, picture::landscape(name, hue)).into_response()
}
