//! Parses the success response of a token endpoint. Lenient where providers differ, and strict
//! where a wrong guess could lose a grant.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use evergrant_model::{AccessToken, RefreshToken, ScopeSet, SignedDuration, Timestamp, TokenSet};
use serde_json::Value;

use super::json::Document;
use crate::{AdapterError, ErrorClass};

/// Longest token that is accepted, in bytes.
const MAX_TOKEN_BYTES: usize = 64 * 1024;

/// Longest lifetime that is accepted, in seconds: ten years. Longer ones are shortened to it.
const MAX_LIFETIME_SECONDS: f64 = 315_576_000.0;

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
    scope_field: &str,
) -> Result<TokenSet, AdapterError> {
    let access = token(&mut document, "access_token")?.ok_or_else(|| {
        AdapterError::new(
            ErrorClass::Unknown,
            "the token response has no access token",
        )
    })?;
    let stated = lifetime(document.get("expires_in"));
    let expires_at = stated
        .or(default_lifetime)
        .map(|lifetime| sent_at + lifetime)
        .or_else(|| jwt_expiry(&access).filter(|expiry| *expiry > sent_at));
    let refresh_lifetime = ["refresh_token_expires_in", "refresh_expires_in"]
        .iter()
        .find_map(|key| lifetime(document.get(key)));
    Ok(TokenSet {
        refresh: token(&mut document, "refresh_token")?.map(RefreshToken::new),
        token_type: document
            .take_text("token_type")
            .filter(|kind| kind.chars().count() <= 50),
        expires_at,
        grant_expires_at: refresh_lifetime.map(|lifetime| sent_at + lifetime),
        scope: document.get(scope_field).and_then(scope),
        access: AccessToken::new(access),
    })
}

/// Takes a token out of the response. An unusable refresh token is an error and not the same as an
/// absent one: the old refresh token may be invalid already.
fn token(document: &mut Document, key: &str) -> Result<Option<String>, AdapterError> {
    let Some(text) = document.take_text(key) else {
        return Ok(None);
    };
    if text.len() > MAX_TOKEN_BYTES || text.chars().any(char::is_control) {
        return Err(AdapterError::new(
            ErrorClass::Unknown,
            "the token response has a malformed token",
        ));
    }
    Ok(Some(text))
}

/// Parses a lifetime of at least a second, given as a number or a string; `None` for anything else.
fn lifetime(value: Option<&Value>) -> Option<SignedDuration> {
    let seconds = match value? {
        Value::Number(number) => number.as_f64()?,
        Value::String(text) => text.trim().parse::<f64>().ok()?,
        _ => return None,
    };
    #[expect(
        clippy::cast_possible_truncation,
        reason = "clamped to a range far inside i64; fractions of a second are dropped"
    )]
    (seconds >= 1.0).then(|| SignedDuration::from_secs(seconds.min(MAX_LIFETIME_SECONDS) as i64))
}

/// Returns the `exp` of a token that is a JWT. The signature is not verified, since the value is
/// only a hint about the app's own token.
fn jwt_expiry(token: &str) -> Option<Timestamp> {
    let mut parts = token.split('.');
    let (_, claims, _, None) = (parts.next()?, parts.next()?, parts.next()?, parts.next()) else {
        return None;
    };
    let claims = Document::parse(&BASE64_URL_SAFE_NO_PAD.decode(claims).ok()?)?;
    claims
        .get("exp")?
        .as_i64()
        .map(Timestamp::from_unix_seconds)
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
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    const SENT_S: i64 = 1_767_225_600;

    fn read_json(body: &Value, default: Option<i64>) -> Result<TokenSet, AdapterError> {
        let document = Document::parse(body.to_string().as_bytes()).unwrap();
        read(
            document,
            Timestamp::from_unix_seconds(SENT_S),
            default.map(SignedDuration::from_secs),
            "scope",
        )
    }

    fn lifetime_seconds(expires_in: &Value, default: Option<i64>) -> Option<i64> {
        let tokens = read_json(
            &json!({"access_token": "a", "expires_in": expires_in}),
            default,
        )
        .unwrap();
        tokens.expires_at.map(|at| at.unix_ms() / 1000 - SENT_S)
    }

    #[test]
    fn a17_every_form_of_expires_in_is_parsed_or_replaced_by_default() {
        let ten_years = Some(315_576_000);
        for (stated, expected) in [
            (json!(3600), Some(3600)),
            (json!("3600"), Some(3600)),
            (json!(" 3600 "), Some(3600)),
            (json!(3599.9), Some(3599)),
            (json!("3599.9"), Some(3599)),
            (json!(1e18), ten_years),
            (json!(u64::MAX), ten_years),
            (json!("1e18"), ten_years),
            (json!("inf"), ten_years),
            (json!(0), Some(86_400)),
            (json!(-1), Some(86_400)),
            (json!("-3600"), Some(86_400)),
            (json!("NaN"), Some(86_400)),
            (json!(""), Some(86_400)),
            (json!("soon"), Some(86_400)),
            (json!(null), Some(86_400)),
            (json!([3600]), Some(86_400)),
            (json!(true), Some(86_400)),
        ] {
            assert_eq!(
                lifetime_seconds(&stated, Some(86_400)),
                expected,
                "{stated}"
            );
        }
        let absent = read_json(&json!({"access_token": "a"}), Some(86_400)).unwrap();
        assert_eq!(
            absent.expires_at,
            Some(Timestamp::from_unix_seconds(SENT_S + 86_400))
        );
        assert_eq!(lifetime_seconds(&json!(0), None), None);
    }

    #[test]
    fn jwt_expiry_is_used_only_without_lifetime_and_default() {
        let jwt = |claims: &Value| {
            format!(
                "e30.{}.sig",
                BASE64_URL_SAFE_NO_PAD.encode(claims.to_string())
            )
        };
        let expiry = |claims: &Value, default| {
            let tokens = read_json(&json!({"access_token": jwt(claims)}), default).unwrap();
            tokens.expires_at.map(|at| at.unix_ms() / 1000)
        };
        assert_eq!(expiry(&json!({"exp": SENT_S + 5}), None), Some(SENT_S + 5));
        assert_eq!(
            expiry(&json!({"exp": SENT_S + 5}), Some(60)),
            Some(SENT_S + 60)
        );
        assert_eq!(expiry(&json!({"exp": SENT_S}), None), None);
        assert_eq!(expiry(&json!({"exp": "soon"}), None), None);
    }

    #[test]
    fn a19_absent_null_or_empty_refresh_token_keeps_old_one() {
        for body in [
            json!({"access_token": "a"}),
            json!({"access_token": "a", "refresh_token": null}),
            json!({"access_token": "a", "refresh_token": ""}),
        ] {
            assert!(read_json(&body, None).unwrap().refresh.is_none(), "{body}");
        }
        let sent = read_json(&json!({"access_token": "a", "refresh_token": "r"}), None).unwrap();
        assert_eq!(sent.refresh.unwrap().expose(), "r");
    }

    #[test]
    fn a19_response_without_usable_tokens_has_unknown_outcome() {
        let long = "a".repeat(MAX_TOKEN_BYTES + 1);
        for body in [
            json!({}),
            json!({"access_token": null}),
            json!({"access_token": ""}),
            json!({"access_token": 7}),
            json!({"access_token": "a\r\nb"}),
            json!({"access_token": long}),
            json!({"access_token": "a", "refresh_token": long}),
        ] {
            assert_eq!(
                read_json(&body, None).unwrap_err().class(),
                ErrorClass::Unknown
            );
        }
        assert!(read_json(&json!({"access_token": "a".repeat(MAX_TOKEN_BYTES)}), None).is_ok());
    }

    #[test]
    fn scopes_are_string_or_list() {
        let scope = |value: Value| {
            read_json(&json!({"access_token": "a", "scope": value}), None)
                .unwrap()
                .scope
        };
        let two = Some(ScopeSet::parse("a b"));
        assert_eq!(scope(json!("b a")), two);
        assert_eq!(scope(json!("a,b")), two);
        assert_eq!(scope(json!(["a", "b"])), two);
        for empty in [json!(""), json!([]), json!(null), json!(7)] {
            assert_eq!(scope(empty.clone()), None, "{empty}");
        }
    }

    #[test]
    fn refresh_token_lifetime_sets_grant_expiry() {
        let tokens = read_json(
            &json!({"access_token": "a", "refresh_expires_in": 10}),
            None,
        )
        .unwrap();
        assert_eq!(
            tokens.grant_expires_at,
            Some(Timestamp::from_unix_seconds(SENT_S + 10))
        );
    }

    proptest! {
        /// For any stated number, the token expires after it was requested and within ten years.
        #[test]
        fn stated_lifetime_is_always_plausible(stated: f64, default in 1i64..315_576_000) {
            let lifetime = lifetime_seconds(&json!(stated), Some(default)).unwrap();
            prop_assert!((1..=315_576_000).contains(&lifetime));
        }

        /// Parsing any token as a JWT never panics.
        #[test]
        fn jwt_expiry_never_panics(text in ".*") {
            let _ = jwt_expiry(&text);
        }
    }
}
