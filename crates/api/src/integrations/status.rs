//! `GET /api/integrations/status`

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use evergrant_model::ErrorCode;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use sha2::{Digest, Sha256};

use crate::caller::{ForUser, PassiveRead};
use crate::problem::ApiError;
use crate::state::ApiState;
use crate::views::StatusView;

/// List connected accounts
///
/// Returns the user's accounts in the order in which they were connected. The list is cached for up
/// to five minutes; every change invalidates the cache. With `If-None-Match`, an unchanged list is
/// answered with 304.
#[utoipa::path(get, path = "/api/integrations/status", operation_id = "getStatus",
    tag = "Integrations",
    params(("If-None-Match" = Option<String>, Header,
            description = "`ETag` of a list that you have, or several, separated by commas"),
        ("Evergrant-User" = Option<String>, Header,
            description = "Required with an API key, without effect otherwise: the user's id, or \
                `ext:` and your own id for the user, percent-encoded")),
    security(("apiKey" = ["connections:read"]), ("session" = []), ("console" = [])),
    responses(
        (status = 200, description = "The accounts, with an `ETag`", body = StatusView),
        (status = 304, description = "The list matches the `ETag` in `If-None-Match`"),
        (status = 400, description = "`INVALID_USER_ID`"),
        (status = 404, description = "`USER_NOT_FOUND`"),
    ))]
pub(crate) async fn status(
    State(state): State<ApiState>,
    caller: ForUser<PassiveRead>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let list = state
        .service
        .connected_integrations(&caller.call, caller.user)
        .await?;
    let body = serde_json::to_vec(&StatusView::from(list)).map_err(|_| not_serializable())?;
    let tag = format!("\"{}\"", URL_SAFE_NO_PAD.encode(Sha256::digest(&body)));
    let etag = [(header::ETAG, tag.clone())];
    if headers
        .get_all(header::IF_NONE_MATCH)
        .iter()
        .any(|sent| matches_tag(sent, &tag))
    {
        return Ok((StatusCode::NOT_MODIFIED, etag).into_response());
    }
    let json = [(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/json"),
    )];
    Ok((etag, json, body).into_response())
}

fn not_serializable() -> ApiError {
    ApiError::new(
        ErrorCode::InternalError,
        "The list could not be serialized.",
    )
}

/// Returns whether an `If-None-Match` header matches the tag by weak comparison (RFC 9110 §13.1.2).
fn matches_tag(sent: &HeaderValue, tag: &str) -> bool {
    let sent = sent.to_str().unwrap_or_default();
    sent.split(',')
        .map(str::trim)
        .any(|one| one == "*" || one.trim_start_matches("W/") == tag)
}
