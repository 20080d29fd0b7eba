//! What each error code means over HTTP: its status, its title, and what a caller can do about it.
//!
//! One table for the answers, for the page that a problem's `type` leads to, and for
//! `docs/errors.md`, so that the three cannot disagree.

use std::fmt::Write;

use evergrant_model::ErrorCode;
use http::StatusCode;

/// The status that stands for a code.
pub(crate) fn status_of(code: ErrorCode) -> StatusCode {
    use ErrorCode as C;
    match code {
        C::InvalidUserId
        | C::InvalidRedirectUrl
        | C::InvalidState
        | C::InvalidCode
        | C::InvalidRequest => StatusCode::BAD_REQUEST,
        C::OauthInitError | C::OauthCallbackError | C::OauthDenied => StatusCode::BAD_REQUEST,
        C::Unauthenticated => StatusCode::UNAUTHORIZED,
        C::Forbidden => StatusCode::FORBIDDEN,
        C::AccountNotFound
        | C::InvalidProvider
        | C::UserNotFound
        | C::FlowNotFound
        | C::NotFound => StatusCode::NOT_FOUND,
        C::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
        C::AccountAlreadyConnected
        | C::AccountMismatch
        | C::ReconnectRequired
        | C::ProviderNotConfigured => StatusCode::CONFLICT,
        C::NoRefreshToken | C::NoAccessToken | C::TokenExpired => StatusCode::CONFLICT,
        C::PayloadTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        C::ValidationError | C::NoEligibleAccount => StatusCode::UNPROCESSABLE_ENTITY,
        C::RateLimitError => StatusCode::TOO_MANY_REQUESTS,
        C::TokenRefreshError | C::NetworkError => StatusCode::BAD_GATEWAY,
        C::ProviderUnavailable | C::DatabaseError | C::Overloaded => {
            StatusCode::SERVICE_UNAVAILABLE
        }
        C::TimeoutError => StatusCode::GATEWAY_TIMEOUT,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

/// `RECONNECT_REQUIRED` as "Reconnect required".
pub(crate) fn title_of(code: ErrorCode) -> String {
    let words = code.as_str().to_ascii_lowercase().replace('_', " ");
    let mut letters = words.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_ascii_uppercase().to_string() + letters.as_str()
    })
}

/// A problem's `type`: where its code is described.
pub(crate) fn address_of(code: ErrorCode) -> String {
    format!("/errors#{code}")
}

/// What has happened, and what a caller can do.
pub(crate) fn meaning_of(code: ErrorCode) -> &'static str {
    of_requests(code)
        .or_else(|| of_flows(code))
        .or_else(|| of_connections(code))
        .unwrap_or_default()
}

fn of_requests(code: ErrorCode) -> Option<&'static str> {
    use ErrorCode as C;
    Some(match code {
        C::InvalidRequest => {
            "The address or the body is not well formed, or the body is not sent as its media type."
        }
        C::ValidationError => {
            "The request is well formed; `fields` names what is not acceptable and why."
        }
        C::InvalidUserId => "`Evergrant-User` or a user id is missing, doubled or not of its form.",
        C::InvalidProvider => {
            "No platform has this name; `/api/integrations/providers` lists them."
        }
        C::Unauthenticated => {
            "No credential, or one that is unknown, revoked or over. Send a valid one."
        }
        C::Forbidden => {
            "The credential is good and may not do this: it lacks the scope, or is of the wrong kind."
        }
        C::UserNotFound => {
            "There is no such user; `POST /api/users` and `POST /api/sessions` make users."
        }
        C::NotFound => "No such route.",
        C::MethodNotAllowed => "The route takes another method; the `Allow` header names them.",
        C::PayloadTooLarge => "The body is larger than 64 KiB.",
        C::Overloaded => "More requests than can be served now. Try again after the stated time.",
        C::DatabaseError => "The database does not answer. Nothing is lost; try again.",
        C::EncryptionError => {
            "A secret could not be encrypted. The operator finds the cause in the log."
        }
        C::DecryptionError => {
            "A stored secret opens under no known key. The operator must mend the keys."
        }
        C::InternalError => "Something of ours failed. The correlation id finds it in the log.",
        _ => return None,
    })
}

fn of_flows(code: ErrorCode) -> Option<&'static str> {
    use ErrorCode as C;
    Some(match code {
        C::ProviderNotConfigured => {
            "The operator has not set the platform up; its entry in the list says what is missing."
        }
        C::InvalidRedirectUrl => {
            "The address to return to is not on the operator's list, or not a plain address."
        }
        C::OauthInitError => {
            "The consent page's address could not be made; the operator's settings are at fault."
        }
        C::OauthCallbackError => "The platform ended the sign-in with an error. Begin it again.",
        C::OauthDenied => "The user did not allow access. Nothing was changed.",
        C::InvalidState => "The sign-in is unknown, used, over, or another one's. Begin it again.",
        C::InvalidCode => "The platform did not accept its own code. Begin the sign-in again.",
        C::FlowNotFound => "No such flow, or another user's: the answer is the same.",
        C::AccountAlreadyConnected => {
            "The account belongs to another user here; nothing was changed."
        }
        C::AccountMismatch => {
            "The user signed in with another account than the one to be reconnected."
        }
        C::NoEligibleAccount => "The consent reaches no account of the kind that can be connected.",
        _ => return None,
    })
}

fn of_connections(code: ErrorCode) -> Option<&'static str> {
    use ErrorCode as C;
    Some(match code {
        C::AccountNotFound => {
            "No such account is connected, or it is another user's: the answer is the same."
        }
        C::ReconnectRequired => {
            "The grant has ended. Only the user can bring it back, by connecting again."
        }
        C::TokenExpired => {
            "The token has ended and nothing can renew it. The user must connect again."
        }
        C::NoRefreshToken => "The connection holds nothing that could renew its token.",
        C::NoAccessToken => "The connection holds no token. The user must connect again.",
        C::TokenRefreshError => {
            "The platform refused the renewal for a reason that is not the user's. Nothing is lost."
        }
        C::RateLimitError => {
            "Too many calls, here or at the platform. Try again after the stated time."
        }
        C::NetworkError => "The platform could not be reached. Nothing is lost; try again.",
        C::TimeoutError => "The platform did not answer in time. Nothing is lost; try again.",
        C::ProviderUnavailable => {
            "The platform is in trouble. Nothing is lost; try again after the stated time."
        }
        _ => return None,
    })
}

/// The table of all codes for the documentation, in Markdown.
#[must_use]
pub fn errors_markdown() -> String {
    let mut page = String::from(
        "# Error codes\n\n\
         Every failure is a problem document (RFC 9457) with one of these codes. A code is never renamed; new ones may\n\
         come. A retryable failure may pass without anybody's help, not before `Retry-After` where that is sent.\n\n\
         | code | status | retryable | what it means |\n|---|---|---|---|\n",
    );
    for code in ErrorCode::ALL.iter().copied() {
        let retryable = if code.is_retryable() { "yes" } else { "no" };
        let (status, meaning) = (status_of(code).as_u16(), meaning_of(code));
        // Writing to a String cannot fail.
        let _ = writeln!(page, "| `{code}` | {status} | {retryable} | {meaning} |");
    }
    page
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_error_is_a_success_and_only_our_own_faults_are_500() {
        for code in ErrorCode::ALL {
            let status = status_of(*code);
            assert!(
                status.is_client_error() || status.is_server_error(),
                "{code}"
            );
            let ours = matches!(
                code,
                ErrorCode::InternalError | ErrorCode::EncryptionError | ErrorCode::DecryptionError
            );
            assert_eq!(status == StatusCode::INTERNAL_SERVER_ERROR, ours, "{code}");
        }
    }

    #[test]
    fn every_code_has_a_meaning() {
        for code in ErrorCode::ALL {
            assert!(meaning_of(*code).ends_with('.'), "{code}");
        }
    }

    #[test]
    fn titles_are_the_codes_in_words() {
        assert_eq!(title_of(ErrorCode::ReconnectRequired), "Reconnect required");
    }
}
