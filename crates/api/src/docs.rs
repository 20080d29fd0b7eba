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

/// The page. Swagger UI's own document has no landmark, and a bar to load other documents.
const INDEX: &str = include_str!("docs/index.html");
/// Replaces colours and sizes of Swagger UI that do not meet WCAG 2.2 AA.
const STYLE: &str = include_str!("docs/accessibility.css");
/// Completes the markup that Swagger UI renders.
const SCRIPT: &str = include_str!("docs/accessibility.js");

/// Redirects `/docs` to `/docs/`: the page's files have relative URLs.
pub(crate) async fn redirect_to_index(State(state): State<ApiState>) -> Redirect {
    Redirect::permanent(&state.public_url().path_of("/docs/"))
}

/// Returns the page, with this crate's own document.
pub(crate) async fn index() -> Response {
    response("text/html; charset=utf-8", INDEX)
}

pub(crate) async fn asset(State(state): State<ApiState>, Path(name): Path<String>) -> Response {
    match name.as_str() {
        "index.html" => response("text/html; charset=utf-8", INDEX),
        "accessibility.css" => response("text/css", STYLE),
        "accessibility.js" => response("text/javascript", SCRIPT),
        _ => file(&name, state.public_url()),
    }
}

fn file(name: &str, public_url: &PublicUrl) -> Response {
    // The default validator is a third-party host that would receive the document's URL.
    let config = Arc::new(
        Config::from(public_url.path_of("/openapi.json"))
            .try_it_out_enabled(true)
            .use_base_layout()
            .validator_url("none"),
    );
    let Ok(Some(file)) = utoipa_swagger_ui::serve(name, config) else {
        return ApiError::new(ErrorCode::NotFound, "No such page.").into_response();
    };
    response(&file.content_type, file.bytes.into_owned())
}

/// Returns one of the page's files. Browsers ask whether it has changed each time.
fn response(media_type: &str, content: impl IntoResponse) -> Response {
    let media_type =
        HeaderValue::from_str(media_type).unwrap_or(HeaderValue::from_static("text/plain"));
    let headers = [
        (header::CONTENT_TYPE, media_type),
        (
            header::CONTENT_SECURITY_POLICY,
            HeaderValue::from_static(POLICY),
        ),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-cache")),
    ];
    (headers, content).into_response()
}
