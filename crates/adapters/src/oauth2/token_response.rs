//! Reads a token endpoint's success, with_replay_window where platforms differ and strict where a guess
//! could lose a grant.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use evergrant_model::{AccessToken, RefreshToken, ScopeSet, Timestamp, TokenSet};
use serde_json::Value;

use super::json::Document;
use crate::{AdapterError, ErrorClass};

/// The longest token that we keep.
const LONGEST_TOKEN_BYTES: usize = 64 * 1024;

/// The longest life that we believe, ten years: whatever is longer will be asked for again by then.
const LONGEST_LIFE_SECONDS: f64 = 315_576_000.0;

/// What `document` says, with lifetimes counted from the moment of sending: the answer may have
/// travelled for long.
///
/// # Errors
///
/// `Unknown` where there is no access token that could be used.
pub(crate) fn read(
    mut document: Document,
    sent_at: Timestamp,
    default_lifetime_seconds: Option<i64>,
    scope_field: &str,
) -> Result<TokenSet, AdapterError> {
    let access = token(&mut document, "access_token")?.ok_or_else(|| {
        AdapterError::new(
            ErrorClass::Unknown,
            "the platform's answer holds no access token",
        )
    })?;
    let stated = seconds(document.get("expires_in"));
    let expires_at = stated
        .or(default_lifetime_seconds)
        .map(|life| sent_at.plus_seconds(life))
        .or_else(|| end_of_jwt(&access).filter(|end| *end > sent_at));
    let refresh_life = ["refresh_token_expires_in", "refresh_expires_in"]
        .iter()
        .find_map(|key| seconds(document.get(key)));
    Ok(TokenSet {
        refresh: token(&mut document, "refresh_token")?.map(RefreshToken::new),
        token_type: document
            .take_text("token_type")
            .filter(|kind| kind.chars().count() <= 50),
        expires_at,
        grant_expires_at: refresh_life.map(|life| sent_at.plus_seconds(life)),
        scope: document.get(scope_field).and_then(scope),
        access: AccessToken::new(access),
    })
}

/// A token that can be kept and sent. A refresh token that cannot must not pass for an absent one:
/// the old one may be dead already.
fn token(document: &mut Document, key: &str) -> Result<Option<String>, AdapterError> {
    let Some(text) = document.take_text(key) else {
        return Ok(None);
    };
    if text.len() > LONGEST_TOKEN_BYTES || text.chars().any(char::is_control) {
        return Err(AdapterError::new(
            ErrorClass::Unknown,
            "the platform's answer holds a token that cannot be kept",
        ));
    }
    Ok(Some(text))
}

/// A life of at least a second, as a number or its text, cut to the longest; else nothing is known.
fn seconds(value: Option<&Value>) -> Option<i64> {
    let life = match value? {
        Value::Number(number) => number.as_f64()?,
        Value::String(text) => text.trim().parse::<f64>().ok()?,
        _ => return None,
    };
    #[expect(
        clippy::cast_possible_truncation,
        reason = "cut to a range far inside i64; a fraction of a second is dropped"
    )]
    (life >= 1.0).then(|| life.min(LONGEST_LIFE_SECONDS) as i64)
}

/// The `exp` of a token that happens to be a JWT. Unverified, which is enough for a hint about our
/// own token.
fn end_of_jwt(token: &str) -> Option<Timestamp> {
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

/// A text or a list of texts. An empty one says nothing (RFC 6749 §3.3 knows no empty scope).
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
            default,
            "scope",
        )
    }

    fn life(expires_in: &Value, default: Option<i64>) -> Option<i64> {
        let tokens = read_json(
            &json!({"access_token": "a", "expires_in": expires_in}),
            default,
        )
        .unwrap();
        tokens.expires_at.map(|at| at.unix_ms() / 1000 - SENT_S)
    }

    #[test]
    fn a17_every_form_of_expires_in_is_understood_or_replaced() {
        let ten_years = Some(315_576_000);
        for (stated, wanted) in [
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
            assert_eq!(life(&stated, Some(86_400)), wanted, "{stated}");
        }
        let absent = read_json(&json!({"access_token": "a"}), Some(86_400)).unwrap();
        assert_eq!(
            absent.expires_at,
            Some(Timestamp::from_unix_seconds(SENT_S + 86_400))
        );
        assert_eq!(life(&json!(0), None), None);
    }

    #[test]
    fn a_jwts_end_serves_where_nothing_better_is_known() {
        let jwt = |claims: &Value| {
            format!(
                "e30.{}.sig",
                BASE64_URL_SAFE_NO_PAD.encode(claims.to_string())
            )
        };
        let end = |claims: &Value, default| {
            let tokens = read_json(&json!({"access_token": jwt(claims)}), default).unwrap();
            tokens.expires_at.map(|at| at.unix_ms() / 1000)
        };
        assert_eq!(end(&json!({"exp": SENT_S + 5}), None), Some(SENT_S + 5));
        assert_eq!(
            end(&json!({"exp": SENT_S + 5}), Some(60)),
            Some(SENT_S + 60)
        );
        assert_eq!(end(&json!({"exp": SENT_S}), None), None);
        assert_eq!(end(&json!({"exp": "soon"}), None), None);
    }

    #[test]
    fn a19_an_absent_null_or_empty_refresh_token_means_keep_the_old_one() {
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
    fn a19_without_a_usable_access_token_nothing_is_known() {
        let long = "a".repeat(LONGEST_TOKEN_BYTES + 1);
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
        assert!(
            read_json(
                &json!({"access_token": "a".repeat(LONGEST_TOKEN_BYTES)}),
                None
            )
            .is_ok()
        );
    }

    #[test]
    fn scopes_may_be_a_text_or_a_list() {
        let scope = |value: Value| {
            read_json(&json!({"access_token": "a", "scope": value}), None)
                .unwrap()
                .scope
        };
        let two = Some(ScopeSet::parse("a b"));
        assert_eq!(scope(json!("b a")), two);
        assert_eq!(scope(json!("a,b")), two);
        assert_eq!(scope(json!(["a", "b"])), two);
        for nothing in [json!(""), json!([]), json!(null), json!(7)] {
            assert_eq!(scope(nothing.clone()), None, "{nothing}");
        }
    }

    #[test]
    fn the_refresh_tokens_own_end_is_kept() {
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
        /// Whatever number a platform states, the token's end lies after the sending and within ten
        /// years.
        #[test]
        fn a_stated_life_is_never_absurd(stated: f64, default in 1i64..315_576_000) {
            let life = life(&json!(stated), Some(default)).unwrap();
            prop_assert!((1..=315_576_000).contains(&life));
        }

        /// Any text as a token never panics on the way to a JWT's end.
        #[test]
        fn any_text_may_be_a_token(text in ".*") {
            let _ = end_of_jwt(&text);
        }
    }
}
