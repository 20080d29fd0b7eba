//! HTML pages: the consent page, error pages, the pages of a browser session, and the home page
//! that documents the sandbox. Rendered on the server, without scripts.

mod consent;
mod error;
mod home;
mod layout;
mod session;
mod try_it;

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use crate::picture;
use crate::shared::Shared;

pub(crate) use consent::consent;
pub(crate) use error::{authorization_error, csrf_error};
pub(crate) use home::HomePage;
pub(crate) use session::{SessionPage, sign_in, signed_in};
pub(crate) use try_it::{FAULT_CHOICES, Notice};

/// Returns the routes that do not belong to a platform.
pub(crate) fn routes(home: HomePage) -> Router {
    Router::new()
        .route("/style.css", get(style))
        .route("/images/{file}", get(image))
        .with_state(home.shared.clone())
        .route("/", get(home::home).with_state(home))
}

async fn style() -> Response {
    let headers = [
        (header::CONTENT_TYPE, "text/css; charset=utf-8"),
        (header::CACHE_CONTROL, "no-cache"),
    ];
    (headers, include_str!("style.css")).into_response()
}

/// Returns the generated picture of a person or a post.
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
    let headers = [
        (header::CONTENT_TYPE, "image/png"),
        (header::CACHE_CONTROL, "public, max-age=86400"),
    ];
    (headers, picture::landscape(name, hue)).into_response()
}
