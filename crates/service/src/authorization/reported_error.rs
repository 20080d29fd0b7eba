//! The error that a platform reports in an authorization response, for the log.

use std::fmt;

use evergrant_model::{AuthorizationCode, log_excerpt};

use crate::authorization::outcome::{CallbackParams, ErrorDetails};

/// An error of an authorization response. Its text is safe to log: short, without control
/// characters and without secrets.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct ReportedError(String);

impl ReportedError {
    /// Returns the error that a callback reports, as `invalid_request (error_code 200): nonce
    /// required`.
    pub(crate) fn of(params: &CallbackParams) -> Self {
        let code = params.code.as_ref().map(AuthorizationCode::expose);
        let secrets: Vec<_> = code.into_iter().chain([params.state.expose()]).collect();
        let excerpt =
            |text: &Option<String>| text.as_deref().map(|text| log_excerpt(text, &secrets));
        let ErrorDetails {
            description,
            reason,
            code,
        } = &params.error_details;
        let details = [("error_reason", reason), ("error_code", code)];
        let details: Vec<_> = details
            .into_iter()
            .filter(|(_, value)| *value != &params.error)
            .filter_map(|(name, value)| Some(format!("{name} {}", excerpt(value)?)))
            .collect();
        let mut text = excerpt(&params.error).unwrap_or_default();
        if !details.is_empty() {
            text.push_str(" (");
            text.push_str(&details.join(", "));
            text.push(')');
        }
        if let Some(description) = excerpt(description) {
            text.push_str(": ");
            text.push_str(&description);
        }
        Self(text)
    }
}

impl fmt::Display for ReportedError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the platform reports {}", self.0)
    }
}

impl std::error::Error for ReportedError {}

#[cfg(test)]
mod tests {
    use evergrant_model::FlowState;

    use super::*;

    #[test]
    fn text_contains_every_part_and_no_secret() {
        let text = |text: &str| Some(text.to_owned());
        let mut params = CallbackParams {
            error: text("invalid_request"),
            ..CallbackParams::new(FlowState::new("hush-state"))
        };
        let shown = |params: &CallbackParams| ReportedError::of(params).to_string();
        assert_eq!(shown(&params), "the platform reports invalid_request");
        params.error_details = ErrorDetails {
            description: text("nonce required\r\nfor hush-state"),
            reason: text("user_denied"),
            code: text("200"),
        };
        assert_eq!(
            shown(&params),
            "the platform reports invalid_request (error_reason user_denied, error_code 200): nonce \
             required\\r\\nfor [redacted]"
        );
        params.error = text("200");
        assert!(
            shown(&params).starts_with("the platform reports 200 (error_reason user_denied): ")
        );
    }
}
