//! The error of the Graph API: one envelope, told apart by code and subcode alone.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::answer::json as labelled;
use crate::world::grants::Ending;

/// Why a call to the Graph API failed.
pub(crate) struct GraphError {
    status: StatusCode,
    pub(crate) code: u32,
    pub(crate) subcode: Option<u32>,
    pub(crate) message: String,
    kind: &'static str,
    transient: bool,
    /// What the header beside a refused code or token calls it.
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

    /// A parameter that is missing or wrong.
    pub(crate) fn parameter(message: impl Into<String>) -> Self {
        Self::new(100, message)
    }

    /// A permission that the person did not give.
    pub(crate) fn permission(message: impl Into<String>) -> Self {
        Self::new(10, message)
    }

    /// A code that buys nothing.
    pub(crate) fn code(subcode: u32, message: &str) -> Self {
        Self {
            challenge: Some("invalid_code"),
            ..Self::new(100, message).subcode(subcode)
        }
    }

    /// A token that nobody issued.
    pub(crate) fn unreadable_token() -> Self {
        Self {
            challenge: Some("invalid_token"),
            ..Self::new(190, "The access token could not be decrypted.")
        }
    }

    /// A token that worked once.
    pub(crate) fn ended(ending: Ending) -> Self {
        let message = format!("The access token no longer works: {}.", ending.in_words());
        Self {
            challenge: Some("invalid_token"),
            ..Self::new(190, message).subcode(ending.subcode())
        }
    }

    /// A node that does not exist, or that this token may not see.
    pub(crate) fn no_such_node(id: &str) -> Self {
        let message = format!(
            "Unsupported get request. There is no object {id:?} here, or it may not be seen."
        );
        Self {
            kind: "GraphMethodException",
            ..Self::parameter(message).subcode(33)
        }
    }

    /// A path or method that nobody serves.
    pub(crate) fn unsupported(path: &str) -> Self {
        let message = format!("Unsupported request: there is nothing at /{path} for this method.");
        Self {
            kind: "GraphMethodException",
            ..Self::parameter(message)
        }
    }

    /// The platform is in trouble of its own.
    pub(crate) fn trouble() -> Self {
        let error = Self::new(2, "Service temporarily unavailable.");
        Self {
            status: StatusCode::INTERNAL_SERVER_ERROR,
            transient: true,
            ..error
        }
    }

    /// Too many calls, by one of several counts.
    pub(crate) fn throttled(code: u32) -> Self {
        let error = Self::new(
            code,
            "There were too many calls. Wait a while before you try again.",
        );
        // The platform's own statuses are not to be relied on; these two are what was seen.
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
                    json!("Please connect the account once more."),
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
                    .map(|it| (header::WWW_AUTHENTICATE, it)),
            );
        }
        response
    }
}

impl Ending {
    /// The reasons, with the subcode that stands for each.
    const SUBCODES: [(Self, u32, &'static str); 7] = [
        (Self::AppRemoved, 458, "the person removed the app"),
        (
            Self::Checkpoint,
            459,
            "the person has to go through a checkpoint",
        ),
        (Self::PasswordChanged, 460, "the password was changed"),
        (Self::Expired, 463, "it has expired"),
        (
            Self::Unconfirmed,
            464,
            "the person has to confirm the account",
        ),
        (Self::SessionInvalid, 467, "the person signed out"),
        (
            Self::RoleLost,
            492,
            "the person lost their role at the Page",
        ),
    ];

    pub(crate) fn of_subcode(subcode: u32) -> Option<Self> {
        Self::SUBCODES
            .into_iter()
            .find(|(_, known, _)| *known == subcode)
            .map(|(ending, ..)| ending)
    }

    pub(crate) fn subcode(self) -> u32 {
        Self::SUBCODES
            .into_iter()
            .find(|(ending, ..)| *ending == self)
            .map_or(0, |(_, subcode, _)| subcode)
    }

    pub(crate) fn in_words(self) -> &'static str {
        Self::SUBCODES
            .into_iter()
            .find(|(ending, ..)| *ending == self)
            .map_or("", |(.., words)| words)
    }
}
