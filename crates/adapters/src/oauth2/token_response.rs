//! Parses the success response of a token endpoint. Lenient where providers differ, and strict
//! where a wrong guess could lose a grant.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use evergrant_model::{AccessToken, RefreshToken, ScopeSet, SignedDuration, Timestamp, TokenSet};
use serde_json::Value;
use zeroize::Zeroizing;

use super::json::Document;
use super::stated_time::{expiry, lifetime};
use crate::definition::{Definition, ExpiryTable};
use crate::{AdapterError, ErrorClass};

/// Longest token that is accepted, in bytes.
const MAX_TOKEN_BYTES: usize = 64 * 1024;

/// Names of the access token.
const ACCESS_TOKEN: &[&str] = &["access_token", "accessToken"];
/// Names of the refresh token.
const REFRESH_TOKEN: &[&str] = &["refresh_token", "refreshToken"];
/// Characters around a token that cannot be part of it (RFC 6749 appendix A.12 and A.17).
const PADDING: [char; 4] = ['\t', '\n', '\r', '\0'];
/// Texts that stand for an absent token.
const ABSENT: &[&str] = &["null", "undefined"];

/// Where providers state the lifetime of the access token.
const LIFETIME_AT: &[&str] = &[
    "/expires_in",
    "/expiresIn",
    "/expires",
    "/access_token_expires_in",
    "/access_token_expire_in",
];
/// Where providers state when the access token expires.
const EXPIRY_AT: &[&str] = &[
    "/expires_at",
    "/expiresAt",
    "/expires_on",
    "/access_token_expires_at",
    "/accessTokenExpiresAt",
    "/expiry",
    "/expiry_date",
    "/.expires",
];
/// Where providers state the lifetime of the refresh token.
const REFRESH_LIFETIME_AT: &[&str] = &[
    "/refresh_token_expires_in",
    "/refresh_expires_in",
    "/x_refresh_token_expires_in",
    "/refreshTokenExpiresIn",
    "/refresh_token_expire_in",
];
/// Where providers state when the refresh token expires.
const REFRESH_EXPIRY_AT: &[&str] = &[
    "/refresh_token_expires_at",
    "/refreshTokenExpiresAt",
    "/refresh_token_expires_on",
    "/refresh_expires_at",
];
/// Members that list the granted scopes, besides the one of the definition.
const SCOPE_FIELDS: &[&str] = &["scope", "scopes", "granted_scopes"];

/// Parses a token response. Lifetimes count from `sent_at`, when the request was sent, because the
/// response may have been delayed.
///
/// # Errors
///
/// `Unknown` if there is no usable access token, or the refresh token is unusable.
pub(crate) fn read(
    mut document: Document,
    sent_at: Timestamp,
    default_lifetime: Option<SignedDuration>,
    definition: &Definition,
) -> Result<TokenSet, AdapterError> {
    let access = token(&mut document, ACCESS_TOKEN)?
        .ok_or_else(|| malformed("the token response has no access token"))?;
    let keys = &definition.expiry;
    let expires_at = stated_expiry(&document, keys, sent_at)
        .or_else(|| Some(sent_at + default_lifetime?))
        .or_else(|| jwt_expiry(&access, sent_at));
    Ok(TokenSet {
        refresh: token(&mut document, REFRESH_TOKEN)?.map(RefreshToken::new),
        token_type: document
            .take_text("token_type")
            .filter(|kind| kind.chars().count() <= 50),
        expires_at,
        grant_expires_at: stated_refresh_expiry(&document, keys, sent_at),
        scope: granted_scope(&document, &definition.tokens.scope_field),
        access: AccessToken::new(access),
    })
}

/// Returns whether a response has an access token, usable or not. The tokens may be in the object
/// at `unwrap`.
pub(crate) fn has_access_token(document: &Document, unwrap: Option<&str>) -> bool {
    let parents = [unwrap, Some("")].into_iter().flatten();
    let pointers = parents.flat_map(|parent| {
        let names = ACCESS_TOKEN.iter();
        names.map(move |name| format!("{parent}/{name}"))
    });
    pointers.into_iter().any(|pointer| {
        let value = document.value().pointer(&pointer).and_then(Value::as_str);
        document.is_ambiguous(&pointer) || value.is_some_and(|text| !text.trim().is_empty())
    })
}

/// Takes a token with one of these names out of the response.
///
/// # Errors
///
/// `Unknown` if the token is unusable, or if the response has two different ones. An unusable
/// refresh token is not the same as an absent one: the old refresh token may be invalid already.
fn token(document: &mut Document, names: &[&str]) -> Result<Option<String>, AdapterError> {
    let mut found: Option<Zeroizing<String>> = None;
    for name in names {
        if let Some(token) = token_named(document, name)? {
            if found.is_some_and(|first| first != token) {
                return Err(malformed("the token response has two different tokens"));
            }
            found = Some(token);
        }
    }
    Ok(found.map(|mut token| std::mem::take(&mut *token)))
}

/// Takes the token with this name out of the response.
fn token_named(
    document: &mut Document,
    name: &str,
) -> Result<Option<Zeroizing<String>>, AdapterError> {
    if document.is_ambiguous(&format!("/{name}")) {
        return Err(malformed("the token response has two different tokens"));
    }
    let Some(text) = document.take_text(name) else {
        return Ok(None);
    };
    let mut text = Zeroizing::new(text);
    let end = text.trim_end_matches(PADDING).len();
    text.truncate(end);
    let start = end - text.trim_start_matches(PADDING).len();
    text.drain(..start);
    // U+FFFD replaces bytes that could not be decoded.
    let is_damaged = |c: char| c.is_control() || c == char::REPLACEMENT_CHARACTER;
    if text.len() > MAX_TOKEN_BYTES || text.chars().any(is_damaged) {
        return Err(malformed("the token response has a malformed token"));
    }
    let is_absent = text.is_empty() || ABSENT.contains(&text.as_str());
    Ok(Some(text).filter(|_| !is_absent))
}

fn malformed(message: &'static str) -> AdapterError {
    AdapterError::new(ErrorClass::Unknown, message)
}

/// Returns the first value at the pointer of the definition, or else at one of `usual`, that `read`
/// accepts.
fn first<T>(
    document: &Document,
    own: Option<&String>,
    usual: &[&str],
    read: impl Fn(&Value) -> Option<T>,
) -> Option<T> {
    let at = |pointer: &str| document.value().pointer(pointer).and_then(&read);
    match own {
        Some(pointer) => at(pointer),
        None => usual.iter().find_map(|pointer| at(pointer)),
    }
}

/// Returns when the access token expires. A lifetime takes precedence over a date, which depends on
/// the provider's clock.
fn stated_expiry(document: &Document, keys: &ExpiryTable, now: Timestamp) -> Option<Timestamp> {
    let seconds = |value: &Value| lifetime(value, now);
    first(document, keys.seconds.as_ref(), LIFETIME_AT, seconds)
        .map(|lifetime| now + lifetime)
        .or_else(|| {
            let at = |value: &Value| expiry(value, now);
            first(document, keys.at.as_ref(), EXPIRY_AT, at)
        })
}

/// Returns when the refresh token expires.
fn stated_refresh_expiry(
    document: &Document,
    keys: &ExpiryTable,
    now: Timestamp,
) -> Option<Timestamp> {
    let own = keys.refresh_seconds.as_ref();
    let seconds = |value: &Value| lifetime(value, now);
    first(document, own, REFRESH_LIFETIME_AT, seconds)
        .map(|lifetime| now + lifetime)
        .or_else(|| {
            first(document, None, REFRESH_EXPIRY_AT, |value| {
                expiry(value, now)
            })
        })
}

/// Returns the `exp` of a token that is a JWT. The signature is not verified, since the value is
/// only a hint about the app's own token.
fn jwt_expiry(token: &str, now: Timestamp) -> Option<Timestamp> {
    let mut parts = token.split('.');
    let (_, claims, _, None) = (parts.next()?, parts.next()?, parts.next()?, parts.next()) else {
        return None;
    };
    let claims = claims.trim_end_matches('=');
    let claims = Document::parse(&BASE64_URL_SAFE_NO_PAD.decode(claims).ok()?)?;
    expiry(claims.get("exp")?, now)
}

/// Returns the granted scopes; `None` if the response lists none.
fn granted_scope(document: &Document, own: &str) -> Option<ScopeSet> {
    let fields = [own].into_iter().chain(SCOPE_FIELDS.iter().copied());
    fields
        .filter_map(|field| document.get(field))
        .find_map(scope)
}

/// Parses the granted scopes, given as a string or a list of strings; `None` if empty (RFC 6749
/// §3.3 has no empty scope).
fn scope(value: &Value) -> Option<ScopeSet> {
    let scopes: ScopeSet = match value {
        Value::String(text) => ScopeSet::parse(text),
        Value::Array(list) => list
            .iter()
            .filter_map(Value::as_str)
            .filter(|scope| !scope.is_empty())
            .collect(),
        _ => return None,
    };
    (!scopes.is_empty()).then_some(scopes)
}

#[cfg(test)]
mod tests;
