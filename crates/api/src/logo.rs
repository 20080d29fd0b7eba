//! `GET /app-logo`: the app's logo.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use evergrant_model::ErrorCode;
use http::{HeaderValue, header};

use crate::problem::ApiError;
use crate::state::ApiState;

/// The policy of the logo when it is opened as a document: an SVG image may contain scripts.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; sandbox";

/// Returns the app's logo.
pub(crate) async fn show(State(state): State<ApiState>) -> Response {
    let Some(logo) = &state.site.app.logo else {
        return ApiError::new(ErrorCode::NotFound, "EVERGRANT_APP_LOGO is not set.")
            .into_response();
    };
    let headers = [
        (header::CONTENT_TYPE, logo.media_type),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        // Short, because the address of a replaced logo stays the same.
        (header::CACHE_CONTROL, "public, max-age=300"),
    ];
    let headers = headers.map(|(name, value)| (name, HeaderValue::from_static(value)));
    (headers, logo.content.clone()).into_response()
}
