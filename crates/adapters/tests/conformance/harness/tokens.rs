//! Tokens and callback parameters.

use evergrant_adapters::{CredentialError, HeldTokens};
use evergrant_model::{AccessToken, AuthorizationCode, PkceVerifier, TokenSet};
use url::Url;

use crate::verdict::Verdict;

const VERIFIER: &str = "evergrant-conformance-verifier-0123456789-abcdef";

/// Returns the tokens to store after a code exchange.
pub(crate) fn held_tokens(tokens: TokenSet) -> HeldTokens {
    HeldTokens {
        access: Some(tokens.access),
        refresh: tokens.refresh,
    }
}

/// Returns the tokens to store after a refresh. A response may omit the refresh token if it stays
/// valid.
pub(crate) fn after_refresh(before: &HeldTokens, tokens: TokenSet) -> HeldTokens {
    HeldTokens {
        access: Some(tokens.access),
        refresh: tokens.refresh.or_else(|| before.refresh.clone()),
    }
}

pub(crate) fn access(tokens: &HeldTokens) -> &AccessToken {
    tokens.access.as_ref().unwrap()
}

pub(crate) fn verifier() -> PkceVerifier {
    PkceVerifier::new(VERIFIER)
}

/// Returns the first query parameter of this name.
pub(crate) fn query(url: &Url, name: &str) -> Option<String> {
    url.query_pairs()
        .find(|(key, _)| key == name)
        .map(|(_, value)| value.into_owned())
}

pub(crate) fn code_from(callback: &Url) -> Verdict<AuthorizationCode> {
    query(callback, "code")
        .map(AuthorizationCode::new)
        .ok_or_else(|| "the callback has no code".to_owned())
}

/// Requires that the form was rejected with faults of its fields.
pub(crate) fn expect_rejected_fields<T: std::fmt::Debug>(
    what: &str,
    outcome: Result<T, CredentialError>,
) -> Verdict {
    match outcome {
        Err(CredentialError::Fields(_)) => Ok(()),
        other => Err(format!(
            "{what} is not rejected with a fault of a field, but is {other:?}"
        )),
    }
}
