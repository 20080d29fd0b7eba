//! Recognizes answers which say that a token or grant is no longer valid, in the many words that
//! providers use instead of `invalid_grant`.
//!
//! Only an answer that names the token or the grant together with its state counts. Text about
//! anything else that is invalid, such as the client, the request or a parameter, does not.

use super::words::words;

/// What an answer says about the token or grant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Evidence {
    /// Some token is invalid. Another cause is possible, so a second attempt must confirm it.
    Indirect,
    /// The grant or refresh token is invalid, or the token has expired or was revoked.
    Direct,
}

/// Words for the token and the grant.
const NOUNS: &[&str] = &["token", "tokens", "refreshtoken", "accesstoken", "grant"];
/// States of a token that is no longer valid.
const DEAD: &[&str] = &[
    "invalid",
    "invalidated",
    "expired",
    "revoked",
    "bad",
    "inactive",
    "unknown",
    "unrecognized",
    "used",
    "reuse",
    "reused",
    "consumed",
    "rotated",
    "withdrawn",
    "deleted",
    "blacklisted",
];
/// States of a token that is valid: dead if negated.
const ALIVE: &[&str] = &[
    "valid",
    "active",
    "found",
    "exist",
    "exists",
    "recognized",
    "recognised",
    "accepted",
];
/// Words that negate a state.
const NEGATIONS: &[&str] = &["not", "no", "longer", "never", "isn't", "doesn't"];
/// Words of codes that carry no meaning of their own.
const CODE_FILLERS: &[&str] = &[
    "refresh",
    "access",
    "oauth",
    "oauth2",
    "authorization",
    "the",
    "is",
    "has",
    "been",
    "was",
    "already",
    "or",
    "error",
    "exception",
];
/// Words that may stand between a token and its state in a sentence.
const TEXT_FILLERS: &[&str] = &[
    "a", "already", "an", "and", "are", "been", "do", "does", "either", "for", "given", "has",
    "have", "is", "may", "or", "passed", "provided", "string", "supplied", "that", "the", "value",
    "was", "were", "you", "your",
];
/// Words that may stand between a state and a token that follows it.
const QUALIFIERS: &[&str] = &[
    "a",
    "access",
    "an",
    "and",
    "auth",
    "authorization",
    "bearer",
    "oauth",
    "oauth2",
    "or",
    "provided",
    "refresh",
    "supplied",
    "the",
    "user",
    "your",
];
/// Words after `token` or `grant` that make it another thing, such as the type of a grant.
const OTHER_THINGS: &[&str] = &[
    "endpoint",
    "exchange",
    "format",
    "header",
    "hint",
    "in",
    "issuer",
    "method",
    "parameter",
    "request",
    "server",
    "service",
    "type",
    "types",
    "uri",
    "url",
];
/// Words of sentences whose subject may be the client or the request.
const OTHER_SUBJECTS: &[&str] = &["app", "application", "client", "missing", "secret"];

/// Returns what an error code says, such as `bad_refresh_token`, `InvalidRefreshToken` or
/// `TOKEN_REVOKED`.
pub(super) fn in_code(code: &str) -> Option<Evidence> {
    // Some codes have a prefix: the address of a page, or the name of a service.
    let code = code.trim_end_matches(|c: char| !c.is_alphanumeric());
    let code = code.rsplit(['/', '#', ':', '.']).next().unwrap_or(code);
    let words = words(code);
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let has = |list: &[&str]| words.iter().any(|word| list.contains(word));
    let is_dead = has(DEAD) || (has(NEGATIONS) && has(ALIVE));
    let is_known = |word: &&str| {
        [NOUNS, DEAD, ALIVE, NEGATIONS, CODE_FILLERS]
            .iter()
            .any(|list| list.contains(word))
    };
    if !has(NOUNS) || !is_dead || !words.iter().all(is_known) {
        return None;
    }
    let is_direct = has(&["refresh", "refreshtoken", "grant", "expired", "revoked"]);
    Some(if is_direct {
        Evidence::Direct
    } else {
        Evidence::Indirect
    })
}

/// Returns whether a sentence says that a token or grant is no longer valid.
pub(super) fn in_text(text: &str) -> bool {
    let words = words(text);
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    if words.iter().any(|word| OTHER_SUBJECTS.contains(word)) {
        return false;
    }
    let nouns = words
        .iter()
        .enumerate()
        .filter(|(_, word)| NOUNS.contains(word));
    nouns.into_iter().any(|(at, _)| {
        let (before, after) = (words.get(..at), words.get(at + 1..));
        let after = after.unwrap_or_default();
        let is_other = after
            .first()
            .is_some_and(|next| OTHER_THINGS.contains(next));
        !is_other && (is_dead_before(before.unwrap_or_default()) || is_dead_after(after))
    })
}

/// Returns whether the words before a token say that it is dead: "invalid or expired refresh".
fn is_dead_before(words: &[&str]) -> bool {
    let mut words = words
        .iter()
        .rev()
        .skip_while(|word| QUALIFIERS.contains(word));
    let is_dead = words.next().is_some_and(|word| DEAD.contains(word));
    is_dead && !words.next().is_some_and(|word| NEGATIONS.contains(word))
}

/// Returns whether the words after a token say that it is dead: "is no longer valid".
fn is_dead_after(words: &[&str]) -> bool {
    let mut is_negated = false;
    for (at, word) in words.iter().enumerate() {
        if DEAD.contains(word) {
            return !is_negated;
        }
        if ALIVE.contains(word) {
            // "not found in the request" is about the request.
            return is_negated && words.get(at + 1).is_none_or(|next| *next != "in");
        }
        if NEGATIONS.contains(word) {
            is_negated = true;
        } else if !TEXT_FILLERS.contains(word) && !NOUNS.contains(word) && *word != "refresh" {
            return false;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn code_that_names_dead_grant_is_recognized_in_any_spelling() {
        for code in [
            "invalid_grant",
            "InvalidGrant",
            "bad_refresh_token",
            "BAD_REFRESH_TOKEN",
            "invalid_refresh_token",
            "InvalidRefreshToken",
            "refresh_token_invalid",
            "refresh-token-expired",
            "refreshTokenRevoked",
            "refresh_token_not_found",
            "token_revoked",
            "token_expired",
            "TokenExpiredException",
            "expired_token",
            "invalid_or_expired_token",
            "ACCESS_TOKEN_REVOKED",
            "https://errors.example/invalid-refresh-token",
            "keymanagement.service.RefreshTokenExpired",
            "bad_request.token_revoked",
            "refresh_token_already_used",
            "Expired token!",
            "RefreshToken refresh_token invalid",
        ] {
            assert_eq!(in_code(code), Some(Evidence::Direct), "{code}");
        }
        for code in [
            "invalid_token",
            "invalid_access_token",
            "bad_token",
            "TOKEN_INVALID",
        ] {
            assert_eq!(in_code(code), Some(Evidence::Indirect), "{code}");
        }
    }

    #[test]
    fn other_codes_are_not_taken_for_dead_grant() {
        for code in [
            "",
            "invalid_request",
            "invalid_client",
            "invalid_client_token",
            "invalid_token_type",
            "unsupported_token_type",
            "unsupported_grant_type",
            "invalid_grant_type",
            "invalid_csrf_token",
            "missing_refresh_token",
            "invalid_refresh_token_request",
            "token_rate_limited",
            "invalid_scope",
            "unauthorized",
            "expired",
            "token",
            "refresh_token",
            "TOKEN_NOT_EXPIRED_FOR_CLIENT",
        ] {
            assert_eq!(in_code(code), None, "{code}");
        }
    }

    #[test]
    fn sentence_that_names_dead_token_is_recognized() {
        for text in [
            "Invalid refresh token",
            "invalid token",
            "sim: value of the token was invalid",
            "Value passed for the token was invalid.",
            "Token has been expired or revoked.",
            "The token has been revoked",
            "The provided authorization grant or refresh token is invalid, expired, revoked",
            "Unknown or expired refresh_token",
            "refresh token is no longer valid",
            "The refresh token you provided has already been used",
            "This refresh token isn’t valid",
            "Refresh token does not exist",
            "refresh_token not found",
            "The access token expired",
        ] {
            assert!(in_text(text), "{text}");
        }
    }

    #[test]
    fn sentence_about_something_else_is_not_taken_for_dead_token() {
        for text in [
            "",
            "Bad Request",
            "invalid request",
            "refresh_token is required",
            "Invalid request: refresh_token is required",
            "Missing refresh token",
            "Invalid client or refresh token",
            "The refresh token was issued to another client and is invalid",
            "Invalid credentials for token endpoint",
            "Invalid token endpoint",
            "invalid token type",
            "Invalid grant type",
            "Invalid CSRF token",
            "Access token not found in the request",
            "The token is not yet valid",
            "The token has not expired",
            "Your session is invalid",
            "Token exchange failed: the server is unknown",
            "The token could not be checked. The database is unknown.",
            "Try again later",
        ] {
            assert!(!in_text(text), "{text}");
        }
    }

    proptest! {
        /// No text causes a panic.
        #[test]
        fn any_text_is_read(text: String) {
            let _ = (in_code(&text), in_text(&text));
        }
    }
}
