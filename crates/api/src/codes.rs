//! The HTTP status, title and description of each error code.
//!
//! Problem documents, the page at `/errors` and `docs/errors.md` are generated from these tables,
//! so they cannot disagree.

use std::fmt::Write;

use evergrant_model::ErrorCode;
use evergrant_service::PublicUrl;
use http::StatusCode;

/// Returns the HTTP status of a code.
pub(crate) fn status_of(code: ErrorCode) -> StatusCode {
    use ErrorCode as C;
    match code {
        C::InvalidUserId
        | C::InvalidRedirectUrl
        | C::InvalidState
        | C::InvalidCode
        | C::InvalidRequest
        | C::OauthInitError
        | C::OauthCallbackError
        | C::OauthDenied => StatusCode::BAD_REQUEST,
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
        | C::UserConflict
        | C::ReconnectRequired
        | C::ProviderNotConfigured
        | C::NoRefreshToken
        | C::NoAccessToken
        | C::TokenExpired => StatusCode::CONFLICT,
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

/// Returns the title of a code: "Reconnect required" for `RECONNECT_REQUIRED`.
pub(crate) fn title_of(code: ErrorCode) -> String {
    let words = code.as_str().to_ascii_lowercase().replace('_', " ");
    let mut letters = words.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_ascii_uppercase().to_string() + letters.as_str()
    })
}

/// Returns the `type` of a problem document: the URL path of the code's description.
pub(crate) fn type_of(code: ErrorCode, public_url: &PublicUrl) -> String {
    public_url.path_of(&format!("/errors#{code}"))
}

/// Returns what a code means and what the caller can do about it.
pub(crate) fn meaning_of(code: ErrorCode) -> &'static str {
    of_requests(code)
        .or_else(|| of_users(code))
        .or_else(|| of_flows(code))
        .or_else(|| of_connections(code))
        .unwrap_or_default()
}

fn of_requests(code: ErrorCode) -> Option<&'static str> {
    use ErrorCode as C;
    Some(match code {
        C::InvalidRequest => {
            "The URL or the body is malformed, or `Content-Type` does not match the body."
        }
        C::ValidationError => {
            "The request is well formed, but some values are invalid. `fields` names each field and its fault."
        }
        C::InvalidProvider => "Unknown provider. `GET /api/integrations/providers` lists them.",
        C::Unauthenticated => {
            "The credential is missing, unknown, revoked or expired. Send a valid one."
        }
        C::Forbidden => {
            "The credential is valid but does not allow the request: it lacks the scope or is of the wrong kind."
        }
        C::NotFound => "No such route. `/docs` lists the routes.",
        C::MethodNotAllowed => {
            "The route does not support the method. The `Allow` header lists those it supports."
        }
        C::PayloadTooLarge => "The body is larger than 64 KiB.",
        C::Overloaded => {
            "Evergrant cannot take more requests at the moment. Retry after the time in `Retry-After`."
        }
        C::DatabaseError => "The database is unavailable. Nothing is lost; retry.",
        C::EncryptionError => {
            "A secret could not be encrypted. The operator finds the cause in the log."
        }
        C::DecryptionError => {
            "No configured key decrypts a stored secret. The operator must restore the key."
        }
        C::InternalError => {
            "Internal error. The operator finds the cause in the log by the correlation id."
        }
        _ => return None,
    })
}

fn of_users(code: ErrorCode) -> Option<&'static str> {
    use ErrorCode as C;
    Some(match code {
        C::InvalidUserId => "`Evergrant-User` or a user id is missing, repeated or malformed.",
        C::UserNotFound => "No such user. `POST /api/users` and `POST /api/sessions` create users.",
        C::UserConflict => {
            "The e-mail address or external id belongs to another user. Nothing was changed."
        }
        _ => return None,
    })
}

fn of_flows(code: ErrorCode) -> Option<&'static str> {
    use ErrorCode as C;
    Some(match code {
        C::ProviderNotConfigured => {
            "The operator has not configured the platform. `problem` in the list of providers says what is missing."
        }
        C::InvalidRedirectUrl => {
            "The redirect URL is malformed or not covered by the operator's allowlist."
        }
        C::OauthInitError => {
            "The URL of the consent page could not be built. The operator must check the settings."
        }
        C::OauthCallbackError => {
            "The platform ended the sign-in with an error. Start the sign-in again."
        }
        C::OauthDenied => "The user denied access. Nothing was changed.",
        C::InvalidState => {
            "The sign-in is unknown, already used, expired, or belongs to another provider. Start it again."
        }
        C::InvalidCode => "The platform rejected the authorization code. Start the sign-in again.",
        C::FlowNotFound => {
            "No such flow, or it belongs to another user; the response is the same in both cases."
        }
        C::AccountAlreadyConnected => {
            "The account is already connected to another user. Nothing was changed."
        }
        C::AccountMismatch => {
            "The user signed in with a different account. To reconnect, sign in with the same account."
        }
        C::NoEligibleAccount => "The consent covers no account of a kind that can be connected.",
        _ => return None,
    })
}

fn of_connections(code: ErrorCode) -> Option<&'static str> {
    use ErrorCode as C;
    Some(match code {
        C::AccountNotFound => {
            "No such account is connected, or it belongs to another user; the response is the same in both cases."
        }
        C::ReconnectRequired => {
            "The platform no longer accepts the grant. The user must reconnect the account."
        }
        C::TokenExpired => {
            "The access token has expired and cannot be refreshed. The user must reconnect the account."
        }
        C::NoRefreshToken => {
            "The connection has no refresh token, so its access token cannot be refreshed."
        }
        C::NoAccessToken => {
            "The connection has no access token. The user must reconnect the account."
        }
        C::TokenRefreshError => {
            "The platform refused the refresh without saying that the grant has ended, or requires an action of the account's owner first. `detail` says what to do; the connection is kept."
        }
        C::RateLimitError => {
            "Too many requests, to Evergrant or to the platform. Retry after the time in `Retry-After`."
        }
        C::NetworkError => "The platform could not be reached. Nothing is lost; retry.",
        C::TimeoutError => "The platform did not respond in time. Nothing is lost; retry.",
        C::ProviderUnavailable => {
            "The platform is unavailable. Nothing is lost; retry after the time in `Retry-After`."
        }
        _ => return None,
    })
}

/// Returns `docs/errors.md`: a Markdown table of all codes.
#[must_use]
pub fn errors_markdown() -> String {
    let mut page = String::from(
        "# Error codes\n\n\
         Every error response is a problem document (RFC 9457) with one of these codes. Codes are never renamed; new codes may\n\
         be added. The same request may succeed later if the code is retryable; if the response has `Retry-After`, wait that\n\
         long.\n\n\
         | code | status | retryable | meaning |\n|---|---|---|---|\n",
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
    fn every_code_has_an_error_status_and_only_internal_faults_are_500() {
        for code in ErrorCode::ALL {
            let status = status_of(*code);
            assert!(
                status.is_client_error() || status.is_server_error(),
                "{code}"
            );
            let is_internal = matches!(
                code,
                ErrorCode::InternalError | ErrorCode::EncryptionError | ErrorCode::DecryptionError
            );
            assert_eq!(
                status == StatusCode::INTERNAL_SERVER_ERROR,
                is_internal,
                "{code}"
            );
        }
    }

    #[test]
    fn every_code_has_a_meaning() {
        for code in ErrorCode::ALL {
            assert!(meaning_of(*code).ends_with('.'), "{code}");
        }
    }

    #[test]
    fn title_is_the_code_in_words() {
        assert_eq!(title_of(ErrorCode::ReconnectRequired), "Reconnect required");
    }
}
