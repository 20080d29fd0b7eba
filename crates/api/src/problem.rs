//! Failures as RFC 9457 problem documents, made in one place so that none says more than it should.
//!
//! A handler's error travels in the response's extensions to [`render`], which runs around every
//! route, knows the request's correlation id, and writes and logs each failure once.

use std::sync::Arc;

use axum::Json;
use axum::response::{IntoResponse, Response};
use evergrant_model::{CorrelationId, ErrorCode};
use evergrant_service::{FieldFault, ServiceError};
use http::{HeaderValue, StatusCode, header};
use serde::Serialize;
use utoipa::ToSchema;

use crate::codes::{address_of, status_of, title_of};

/// A failed request (RFC 9457).
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Problem {
    /// Where the code is described.
    #[serde(rename = "type")]
    kind: String,
    /// The code in words.
    title: String,
    /// The HTTP status.
    status: u16,
    /// A sentence fit for an end user; absent where the fault is ours.
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
    /// The stable code, such as `RECONNECT_REQUIRED`.
    code: String,
    /// Whether the same request may succeed later without anybody's help.
    retryable: bool,
    /// Finds the request in the log; the same as the `X-Request-Id` header.
    correlation_id: String,
    /// How long to wait, in seconds; the same as the `Retry-After` header.
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after_seconds: Option<i64>,
    /// The fields that are not acceptable.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    fields: Vec<ProblemField>,
}

/// A field that is not acceptable.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ProblemField {
    /// The field, as a path such as `accounts[0].provider`.
    field: String,
    /// What would be acceptable.
    message: String,
}

impl Problem {
    pub(crate) fn new(error: &ServiceError, correlation_id: &CorrelationId) -> Self {
        let (code, status) = (error.code(), status_of(error.code()));
        let ours = status == StatusCode::INTERNAL_SERVER_ERROR;
        let shown = |fault: &FieldFault| ProblemField {
            field: fault.field.clone(),
            message: fault.message.clone(),
        };
        Self {
            kind: address_of(code),
            title: title_of(code),
            status: status.as_u16(),
            detail: (!ours).then(|| error.detail().to_owned()),
            code: code.as_str().to_owned(),
            retryable: code.is_retryable(),
            correlation_id: correlation_id.as_str().to_owned(),
            retry_after_seconds: error.retry_after_seconds(),
            fields: error.field_faults().iter().map(shown).collect(),
        }
    }
}

/// What a handler answers when it fails.
#[derive(Debug, Clone)]
pub(crate) struct ApiError(pub(crate) Arc<ServiceError>);

impl ApiError {
    pub(crate) fn new(code: ErrorCode, detail: &str) -> Self {
        ServiceError::new(code, detail).into()
    }
}

impl From<ServiceError> for ApiError {
    fn from(error: ServiceError) -> Self {
        Self(Arc::new(error))
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut response = status_of(self.0.code()).into_response();
        response.extensions_mut().insert(self);
        response
    }
}

/// Gives a response that carries an error its document.
pub(crate) fn render(response: Response, correlation_id: &CorrelationId) -> Response {
    let Some(ApiError(error)) = response.extensions().get::<ApiError>().cloned() else {
        return response;
    };
    log(&error);
    let (mut parts, _) = response.into_parts();
    parts.headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/problem+json"),
    );
    parts
        .headers
        .insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    parts.headers.remove(header::CONTENT_LENGTH);
    if let Some(seconds) = error.retry_after_seconds() {
        parts
            .headers
            .insert(header::RETRY_AFTER, HeaderValue::from(seconds.max(0)));
    }
    if parts.status == StatusCode::UNAUTHORIZED {
        parts
            .headers
            .insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    let document = Json(Problem::new(&error, correlation_id))
        .into_response()
        .into_body();
    Response::from_parts(parts, document)
}

fn log(error: &ServiceError) {
    let code = error.code().as_str();
    let source = error as &dyn std::error::Error;
    if status_of(error.code()).is_server_error() {
        tracing::error!(code, error = source, "request failed");
    } else {
        tracing::debug!(code, error = source, "request refused");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_of_ours_says_nothing_but_its_code() {
        let error = ServiceError::new(ErrorCode::DecryptionError, "the row of kiln");
        let problem = Problem::new(&error, &CorrelationId::new("c1").unwrap());
        assert_eq!(
            serde_json::to_value(&problem).unwrap(),
            serde_json::json!({"type": "/errors#DECRYPTION_ERROR", "title": "Decryption error", "status": 500,
                "code": "DECRYPTION_ERROR", "retryable": false, "correlationId": "c1"})
        );
    }
}
