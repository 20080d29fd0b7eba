//! `GET /api/integrations/status`

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use evergrant_model::ErrorCode;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use sha2::{Digest, Sha256};

use crate::caller::{ForUser, Watch};
use crate::problem::{ApiError, Problem};
use crate::state::ApiState;
use crate::views::StatusView;

/// The user's connected accounts.
///
/// Answers from memory for up to five minutes unless something changed. With `If-None-Match`, 304
/// where nothing did.
#[utoipa::path(get, path = "/api/integrations/status", operation_id = "getStatus", tag = "Integrations",
    params(("Evergrant-User" = Option<String>, Header, description = "With an API key: the user's id, or `ext:` and your own id of the user, percent-encoded")),
    responses(
        (status = 200, description = "The accounts", body = StatusView),
        (status = 304, description = "Unchanged since the ETag that was sent"),
        (status = 400, description = "`INVALID_USER_ID`", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "`USER_NOT_FOUND`", body = Problem, content_type = "application/problem+json"),
    ))]
pub(crate) async fn status(
    State(state): State<ApiState>,
    caller: ForUser<Watch>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let list = state
        .service
        .connected_integrations(&caller.call, caller.user)
        .await?;
    let body = serde_json::to_vec(&StatusView::from(list)).map_err(|_| unwritable())?;
    let tag = format!("\"{}\"", URL_SAFE_NO_PAD.encode(Sha256::digest(&body)));
    let etag = [(header::ETAG, tag.clone())];
    if headers
        .get_all(header::IF_NONE_MATCH)
        .iter()
        .any(|sent| names(sent, &tag))
    {
        return Ok((StatusCode::NOT_MODIFIED, etag).into_response());
    }
    let json = [(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/json"),
    )];
    Ok((etag, json, body).into_response())
}

fn unwritable() -> ApiError {
    ApiError::new(
        ErrorCode::InternalError,
        "The list could not be written as JSON.",
    )
}

/// Whether an `If-None-Match` header names the tag, weakly compared (RFC 9110 §13.1.2).
fn names(sent: &HeaderValue, tag: &str) -> bool {
    let sent = sent.to_str().unwrap_or_default();
    sent.split(',')
        .map(str::trim)
        .any(|one| one == "*" || one.trim_start_matches("W/") == tag)
}
