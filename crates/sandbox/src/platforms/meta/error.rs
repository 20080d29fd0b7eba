//! The Graph API error: one envelope for all errors, distinguished by code and subcode.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::response::json as labelled;
use crate::world::grants::InvalidationReason;

/// An error response of the Graph API.
pub(crate) struct GraphError {
    status: StatusCode,
    pub(crate) code: u32,
    pub(crate) subcode: Option<u32>,
    pub(crate) message: String,
    kind: &'static str,
    transient: bool,
    /// The error name in the `WWW-Authenticate` header, set for rejected codes and tokens only.
    challenge: Option<&'static str>,
}

impl GraphError {
    pub(crate) fn new(code: u32, message: impl Into<String>) -> Self {
        let (message, kind) = (message.into(), "OAuthException");
        Self {
            status: StatusCode::BAD_REQUEST,
            code,
            subcode: None,
            message,
            kind,
            transient: false,
            challenge: None,
        }
    }

    /// Error 100: a parameter is missing or invalid.
    pub(crate) fn parameter(message: impl Into<String>) -> Self {
        Self::new(100, message)
    }

    /// Error 10: the app lacks a permission.
    pub(crate) fn permission(message: impl Into<String>) -> Self {
        Self::new(10, message)
    }

    /// Error 100 with a subcode: the authorization code is rejected.
    pub(crate) fn code(subcode: u32, message: &str) -> Self {
        Self {
            challenge: Some("invalid_code"),
            ..Self::new(100, message).subcode(subcode)
        }
    }

    /// Error 190 without a subcode: the token was never issued here.
    pub(crate) fn unknown_token() -> Self {
        Self {
            challenge: Some("invalid_token"),
            ..Self::new(190, "The access token could not be decrypted.")
        }
    }

    /// Error 190 with a subcode: the token was issued but is no longer valid.
    pub(crate) fn invalidated(reason: InvalidationReason) -> Self {
        let message = format!(
            "The access token is no longer valid: {}.",
            reason.description()
        );
        Self {
            challenge: Some("invalid_token"),
            ..Self::new(190, message).subcode(reason.subcode())
        }
    }

    /// Error 100, subcode 33: the node does not exist or the token gives no access to it.
    pub(crate) fn no_such_node(id: &str) -> Self {
        let message = format!(
            "Unsupported get request. Object with ID {id:?} does not exist or cannot be loaded due to missing permissions."
        );
        Self {
            kind: "GraphMethodException",
            ..Self::parameter(message).subcode(33)
        }
    }

    /// Error 100: no endpoint has this path and method.
    pub(crate) fn unsupported(path: &str) -> Self {
        let message =
            format!("Unsupported request: no endpoint has the path /{path} and this method.");
        Self {
            kind: "GraphMethodException",
            ..Self::parameter(message)
        }
    }

    /// Error 2, marked as transient, with status 500: the platform is unavailable.
    pub(crate) fn unavailable() -> Self {
        let error = Self::new(2, "Service temporarily unavailable.");
        Self {
            status: StatusCode::INTERNAL_SERVER_ERROR,
            transient: true,
            ..error
        }
    }

    /// Returns a rate limit error. `code` identifies the limit: app, user, Page or Instagram
    /// account.
    pub(crate) fn throttled(code: u32) -> Self {
        let error = Self::new(
            code,
            "There have been too many calls. Wait a while and try again.",
        );
        // Meta does not document these statuses; both were observed.
        let status = if code == 17 {
            StatusCode::BAD_REQUEST
        } else {
            StatusCode::FORBIDDEN
        };
        Self { status, ..error }
    }

    pub(crate) fn subcode(self, subcode: u32) -> Self {
        Self {
            subcode: Some(subcode),
            ..self
        }
    }

    fn body(&self) -> Value {
        let message = format!("(#{}) {}", self.code, self.message);
        let mut error = json!({ "message": message, "type": self.kind, "code": self.code, "fbtrace_id": "SimTraceA1" });
        if let Some(fields) = error.as_object_mut() {
            fields.extend(
                self.subcode
                    .map(|subcode| ("error_subcode".to_owned(), json!(subcode))),
            );
            fields.extend(
                self.transient
                    .then(|| ("is_transient".to_owned(), json!(true))),
            );
            if self.code == 190 && self.subcode.is_some() {
                fields.insert("error_user_title".into(), json!("Log in again"));
                fields.insert(
                    "error_user_msg".into(),
                    json!("Please reconnect the account."),
                );
            }
        }
        json!({ "error": error })
    }
}

impl IntoResponse for GraphError {
    fn into_response(self) -> Response {
        let mut response = labelled(self.status, &self.body());
        if let Some(challenge) = self.challenge {
            let value = format!(
                "OAuth \"Facebook Platform\" \"{challenge}\" \"{}\"",
                self.message.replace('"', "'")
            );
            response.headers_mut().extend(
                HeaderValue::try_from(value)
                    .ok()
                    .map(|value| (header::WWW_AUTHENTICATE, value)),
            );
        }
        response
    }
}

impl InvalidationReason {
    /// Each reason with its subcode of error 190 and a description.
    const SUBCODES: [(Self, u32, &'static str); 7] = [
        (Self::AppRemoved, 458, "the person removed the app"),
        (Self::Checkpoint, 459, "the person must pass a checkpoint"),
        (Self::PasswordChanged, 460, "the password was changed"),
        (Self::Expired, 463, "the token has expired"),
        (
            Self::Unconfirmed,
            464,
            "the person must confirm the account",
        ),
        (Self::SessionInvalid, 467, "the person signed out"),
        (
            Self::RoleLost,
            492,
            "the person lost their role at the Page",
        ),
    ];

    pub(crate) fn from_subcode(subcode: u32) -> Option<Self> {
        Self::SUBCODES
            .into_iter()
            .find(|(_, known, _)| *known == subcode)
            .map(|(reason, ..)| reason)
    }

    pub(crate) fn subcode(self) -> u32 {
        Self::SUBCODES
            .into_iter()
            .find(|(reason, ..)| *reason == self)
            .map_or(0, |(_, subcode, _)| subcode)
    }

    pub(crate) fn description(self) -> &'static str {
        Self::SUBCODES
            .into_iter()
            .find(|(reason, ..)| *reason == self)
            .map_or("", |(.., description)| description)
    }
}
