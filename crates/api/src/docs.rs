//! `/docs`: Swagger UI for the OpenAPI document, served from the binary without third-party hosts.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use evergrant_model::ErrorCode;
use evergrant_service::PublicUrl;
use http::{HeaderValue, header};
use utoipa_swagger_ui::Config;

use crate::problem::ApiError;
use crate::state::ApiState;

/// The content security policy. Swagger UI sets inline styles from its script, so these are
/// allowed; scripts are limited to its own files.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
     font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Redirects `/docs` to `/docs/`: the page's files have relative URLs.
pub(crate) async fn redirect_to_index(State(state): State<ApiState>) -> Redirect {
    Redirect::permanent(&state.public_url().path_of("/docs/"))
}

pub(crate) async fn index(State(state): State<ApiState>) -> Response {
    file("index.html", state.public_url())
}

pub(crate) async fn asset(State(state): State<ApiState>, Path(name): Path<String>) -> Response {
    file(&name, state.public_url())
}

fn file(name: &str, public_url: &PublicUrl) -> Response {
    // The default validator is a third-party host that would receive the document's URL.
    let config = Arc::new(
        Config::from(public_url.path_of("/openapi.json"))
            .try_it_out_enabled(true)
            .validator_url("none"),
    );
    let Ok(Some(file)) = utoipa_swagger_ui::serve(name, config) else {
        return ApiError::new(ErrorCode::NotFound, "No such page.").into_response();
    };
    let media_type =
        HeaderValue::from_str(&file.content_type).unwrap_or(HeaderValue::from_static("text/plain"));
    let headers = [
        (header::CONTENT_TYPE, media_type),
        (
            header::CONTENT_SECURITY_POLICY,
            HeaderValue::from_static(POLICY),
        ),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-cache")),
    ];
    (headers, file.bytes.into_owned()).into_response()
}
