//! Errors as RFC 9457 problem documents.
//!
//! A handler's error travels in the response's extensions to [`render`], which runs around every
//! route and knows the correlation id. This one place decides what an error discloses, and logs
//! each error once.

use std::sync::Arc;

use axum::Json;
use axum::response::{IntoResponse, Response};
use evergrant_model::{CorrelationId, ErrorCode, SignedDuration};
use evergrant_service::{FieldFault, PublicUrl, ServiceError, SignedInAccount};
use http::{HeaderValue, StatusCode, header};
use serde::Serialize;
use utoipa::ToSchema;

use crate::codes::{status_of, title_of, type_of};

/// An error as a problem document (RFC 9457).
// Without `Debug`, because the receipt is a secret.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({
    "type": "/errors#RECONNECT_REQUIRED",
    "title": "Reconnect required",
    "status": 409,
    "detail": "Reddit no longer accepts this connection. Please connect the account again.",
    "code": "RECONNECT_REQUIRED",
    "retryable": false,
    "correlationId": "5f0c2a4b9d3e47118a6c0b1d2e3f4a5b",
}))]
pub(crate) struct Problem {
    /// Path of the code's description on this host; it includes the path of the public URL.
    #[serde(rename = "type")]
    kind: String,
    /// The code in words, such as `Reconnect required`.
    title: String,
    /// HTTP status code.
    #[schema(minimum = 400, maximum = 599)]
    status: u16,
    /// What is wrong, in a sentence that can be shown to an end user. Absent for status 500.
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
    /// Stable error code, such as `RECONNECT_REQUIRED`.
    code: String,
    /// Whether the same request may succeed later without any change.
    retryable: bool,
    /// Identifies the request in the operator's log. Equals the `X-Request-Id` header.
    correlation_id: String,
    /// Seconds to wait before a retry. Equals the `Retry-After` header. Absent if no wait is
    /// required.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 0)]
    retry_after_seconds: Option<i64>,
    /// The invalid fields. Absent unless `code` is `VALIDATION_ERROR`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    fields: Vec<ProblemField>,
    /// The accounts with which the user signed in. Absent unless `code` is `ACCOUNT_MISMATCH`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    accounts: Vec<AccountName>,
    /// Id of the failed flow. Absent unless an app forwarded the callback of a flow with a
    /// challenge.
    #[serde(skip_serializing_if = "Option::is_none")]
    flow_id: Option<String>,
    /// The receipt of that flow, which discloses the details together with the verifier. Absent
    /// without `flowId`.
    #[serde(skip_serializing_if = "Option::is_none")]
    receipt: Option<String>,
}

/// The flow of a response with an error, for the problem document. It travels in the response's
/// extensions, as the error does.
#[derive(Clone)]
pub(crate) struct FailedFlow {
    pub(crate) flow_id: String,
    pub(crate) receipt: String,
}

/// An account as its owner knows it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AccountName {
    /// The account's id at the platform.
    provider_account_id: String,
    /// The handle at the platform; null if unknown.
    username: Option<String>,
    /// The name shown at the platform; null if unknown.
    display_name: Option<String>,
}

impl From<&SignedInAccount> for AccountName {
    fn from(account: &SignedInAccount) -> Self {
        Self {
            provider_account_id: account.id.clone(),
            username: account.username.clone(),
            display_name: account.display_name.clone(),
        }
    }
}

/// An invalid field of a request.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ProblemField {
    /// Path of the field, such as `accounts[0].provider`.
    field: String,
    /// What is wrong with the value, or which values are valid.
    message: String,
}

impl Problem {
    pub(crate) fn new(
        error: &ServiceError,
        correlation_id: &CorrelationId,
        public_url: &PublicUrl,
    ) -> Self {
        let (code, status) = (error.code(), status_of(error.code()));
        let is_internal = status == StatusCode::INTERNAL_SERVER_ERROR;
        let field = |fault: &FieldFault| ProblemField {
            field: fault.field.clone(),
            message: fault.message.clone(),
        };
        Self {
            kind: type_of(code, public_url),
            title: title_of(code),
            status: status.as_u16(),
            detail: (!is_internal).then(|| error.detail().to_owned()),
            code: code.as_str().to_owned(),
            retryable: code.is_retryable(),
            correlation_id: correlation_id.as_str().to_owned(),
            retry_after_seconds: retry_after_seconds(error),
            fields: error.field_faults().iter().map(field).collect(),
            accounts: error.accounts().iter().map(AccountName::from).collect(),
            flow_id: None,
            receipt: None,
        }
    }
}

/// Returns the `Retry-After` of an error in whole seconds, rounded up, so that the retry does not
/// come too early.
pub(crate) fn retry_after_seconds(error: &ServiceError) -> Option<i64> {
    let wait = error.retry_after()?.max(SignedDuration::ZERO);
    let has_fraction = wait.subsec_nanos() > 0;
    Some(wait.as_secs().saturating_add(i64::from(has_fraction)))
}

/// The error of a handler.
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

/// Renders the error that a response carries as a problem document, and logs it. Other responses
/// are returned unchanged.
pub(crate) fn render(
    response: Response,
    correlation_id: &CorrelationId,
    public_url: &PublicUrl,
) -> Response {
    let Some(ApiError(error)) = response.extensions().get::<ApiError>().cloned() else {
        return response;
    };
    log(&error, correlation_id);
    let (mut parts, _) = response.into_parts();
    parts.headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/problem+json"),
    );
    parts
        .headers
        .insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    parts.headers.remove(header::CONTENT_LENGTH);
    if let Some(seconds) = retry_after_seconds(&error) {
        parts
            .headers
            .insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    if parts.status == StatusCode::UNAUTHORIZED {
        parts
            .headers
            .insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    let failed_flow = parts.extensions.remove::<FailedFlow>();
    let (flow_id, receipt) = failed_flow.map(|flow| (flow.flow_id, flow.receipt)).unzip();
    let problem = Problem {
        flow_id,
        receipt,
        ..Problem::new(&error, correlation_id, public_url)
    };
    let document = Json(problem).into_response().into_body();
    Response::from_parts(parts, document)
}

/// Logs a failed request, or a failed part of one: server errors with all causes.
pub(crate) fn log(error: &ServiceError, correlation_id: &CorrelationId) {
    let code = error.code().as_str();
    let source = error as &dyn std::error::Error;
    if status_of(error.code()).is_server_error() {
        tracing::error!(code, %correlation_id, error = source, "request failed");
    } else {
        tracing::debug!(code, error = source, "request rejected");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_after_is_rounded_up_to_whole_seconds() {
        for (wait_ms, seconds) in [(-1, 0), (0, 0), (1, 1), (5_000, 5), (5_001, 6)] {
            let error = ServiceError::new(ErrorCode::Overloaded, "busy")
                .with_retry_after(Some(SignedDuration::from_millis(wait_ms)));
            assert_eq!(retry_after_seconds(&error), Some(seconds), "{wait_ms} ms");
        }
    }

    #[test]
    fn internal_error_discloses_only_its_code() {
        let error = ServiceError::new(ErrorCode::DecryptionError, "the row of kiln");
        let public_url = PublicUrl::parse("https://vault.example/grants").unwrap();
        let problem = Problem::new(&error, &CorrelationId::new("c1").unwrap(), &public_url);
        assert_eq!(
            serde_json::to_value(&problem).unwrap(),
            serde_json::json!({"type": "/grants/errors#DECRYPTION_ERROR", "title": "Decryption error", "status": 500,
                "code": "DECRYPTION_ERROR", "retryable": false, "correlationId": "c1"})
        );
    }
}
