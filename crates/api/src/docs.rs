//! `/docs`: the description as a page to try it, served from the binary without any outside host.

use std::sync::Arc;

use axum::extract::Path;
use axum::response::{IntoResponse, Redirect, Response};
use evergrant_model::ErrorCode;
use http::{HeaderValue, header};
use utoipa_swagger_ui::Config;

use crate::problem::ApiError;

/// Swagger UI sets styles from its script, so they must be allowed; scripts are only its own files.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
     font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Without the slash the page's own files would be looked for beside it.
pub(crate) async fn without_slash() -> Redirect {
    Redirect::permanent("/docs/")
}

pub(crate) async fn index() -> Response {
    file("index.html")
}

pub(crate) async fn asset(Path(name): Path<String>) -> Response {
    file(&name)
}

fn file(name: &str) -> Response {
    // Without a word of ours the page would send the document's address to a validator elsewhere.
    let config = Arc::new(
        Config::from("/openapi.json")
            .try_it_out_enabled(true)
            .validator_url("none"),
    );
    let Ok(Some(file)) = utoipa_swagger_ui::serve(name, config) else {
        return ApiError::new(ErrorCode::NotFound, "There is no such page.").into_response();
    };
    let kind =
        HeaderValue::from_str(&file.content_type).unwrap_or(HeaderValue::from_static("text/plain"));
    let headers = [
        (header::CONTENT_TYPE, kind),
        (
            header::CONTENT_SECURITY_POLICY,
            HeaderValue::from_static(POLICY),
        ),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-cache")),
    ];
    (headers, file.bytes.into_owned()).into_response()
}
