//! Failures as RFC 9457 problem documents: the only place that knows both error codes and HTTP statuses.
//!
//! A handler's error travels in the response's extensions to [`render`], which runs around every route, knows the
//! request's correlation id, and writes and logs each failure once.

use std::sync::Arc;

use axum::Json;
use axum::response::{IntoResponse, Response};
use evergrant_model::{CorrelationId, ErrorCode};
use evergrant_service::{FieldFault, ServiceError};
use http::{HeaderValue, StatusCode, header};
use serde::Serialize;
use utoipa::ToSchema;

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
        let shown = |fault: &FieldFault| ProblemField { field: fault.field.clone(), message: fault.message.clone() };
        Self {
            kind: format!("/errors/{code}"),
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
    let Some(ApiError(error)) = response.extensions().get::<ApiError>().cloned() else { return response };
    log(&error);
    let (mut parts, _) = response.into_parts();
    parts.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    parts.headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    parts.headers.remove(header::CONTENT_LENGTH);
    if let Some(seconds) = error.retry_after_seconds() {
        parts.headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds.max(0)));
    }
    if parts.status == StatusCode::UNAUTHORIZED {
        parts.headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    let document = Json(Problem::new(&error, correlation_id)).into_response().into_body();
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

/// The status that stands for a code.
pub(crate) fn status_of(code: ErrorCode) -> StatusCode {
    use ErrorCode as C;
    match code {
        C::InvalidUserId | C::InvalidRedirectUrl | C::InvalidState | C::InvalidCode | C::InvalidRequest => {
            StatusCode::BAD_REQUEST
        }
        C::OauthInitError | C::OauthCallbackError | C::OauthDenied => StatusCode::BAD_REQUEST,
        C::Unauthenticated => StatusCode::UNAUTHORIZED,
        C::Forbidden => StatusCode::FORBIDDEN,
        C::AccountNotFound | C::InvalidProvider | C::UserNotFound | C::FlowNotFound | C::NotFound => {
            StatusCode::NOT_FOUND
        }
        C::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
        C::AccountAlreadyConnected | C::AccountMismatch | C::ReconnectRequired | C::ProviderNotConfigured => {
            StatusCode::CONFLICT
        }
        C::NoRefreshToken | C::NoAccessToken | C::TokenExpired => StatusCode::CONFLICT,
        C::PayloadTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        C::ValidationError | C::NoEligibleAccount => StatusCode::UNPROCESSABLE_ENTITY,
        C::RateLimitError => StatusCode::TOO_MANY_REQUESTS,
        C::TokenRefreshError | C::NetworkError => StatusCode::BAD_GATEWAY,
        C::ProviderUnavailable | C::DatabaseError | C::Overloaded => StatusCode::SERVICE_UNAVAILABLE,
        C::TimeoutError => StatusCode::GATEWAY_TIMEOUT,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

/// `RECONNECT_REQUIRED` as "Reconnect required".
fn title_of(code: ErrorCode) -> String {
    let words = code.as_str().to_ascii_lowercase().replace('_', " ");
    let mut letters = words.chars();
    letters.next().map_or_else(String::new, |first| first.to_ascii_uppercase().to_string() + letters.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_error_is_a_success_and_only_our_own_faults_are_500() {
        for code in ErrorCode::ALL {
            let status = status_of(*code);
            assert!(status.is_client_error() || status.is_server_error(), "{code}");
            let ours =
                matches!(code, ErrorCode::InternalError | ErrorCode::EncryptionError | ErrorCode::DecryptionError);
            assert_eq!(status == StatusCode::INTERNAL_SERVER_ERROR, ours, "{code}");
        }
    }

    #[test]
    fn a_fault_of_ours_says_nothing_but_its_code() {
        let error = ServiceError::new(ErrorCode::DecryptionError, "the row of kiln");
        let problem = Problem::new(&error, &CorrelationId::new("c1").unwrap());
        assert_eq!(
            serde_json::to_value(&problem).unwrap(),
            serde_json::json!({"type": "/errors/DECRYPTION_ERROR", "title": "Decryption error", "status": 500,
                "code": "DECRYPTION_ERROR", "retryable": false, "correlationId": "c1"})
        );
    }
}
