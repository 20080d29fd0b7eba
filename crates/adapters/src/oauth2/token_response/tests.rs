//! Tests of reading token responses.

use proptest::prelude::*;
use serde_json::json;

use super::*;

const SENT_S: i64 = 1_767_225_600;

fn read_body(
    body: &[u8],
    default: Option<i64>,
    definition: &Definition,
) -> Result<TokenSet, AdapterError> {
    read(
        Document::parse(body).unwrap(),
        Timestamp::from_unix_seconds(SENT_S),
        default.map(SignedDuration::from_secs),
        definition,
    )
}

fn read_json(body: &Value, default: Option<i64>) -> Result<TokenSet, AdapterError> {
    let body = body.to_string();
    read_body(body.as_bytes(), default, &Definition::default())
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
    let padded = jwt(&json!({"exp": SENT_S + 5})).replace(".sig", "=.sig");
    let tokens = read_json(&json!({"access_token": padded}), None).unwrap();
    assert_eq!(
        tokens.expires_at.map(|at| at.unix_ms() / 1000),
        Some(SENT_S + 5)
    );
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
        json!({"access_token": "a", "refresh_token": "\0\n\0"}),
        json!({"access_token": "a", "refresh_token": "null"}),
        json!({"access_token": "a", "refreshToken": "undefined"}),
    ] {
        assert!(read_json(&body, None).unwrap().refresh.is_none(), "{body}");
    }
    let sent = read_json(&json!({"access_token": "a", "refresh_token": "r"}), None).unwrap();
    assert_eq!(sent.refresh.unwrap().expose(), "r");
}

#[test]
fn padding_is_removed_and_names_in_camel_case_are_read() {
    for (access, refresh) in [
        (json!("a\n"), json!("\r\nr\0")),
        (json!("\t\ta"), json!("r")),
        (json!("a"), json!("r\n\n")),
    ] {
        for body in [
            json!({"access_token": access, "refresh_token": refresh}),
            json!({"accessToken": access, "refreshToken": refresh}),
            json!({"access_token": access, "refreshToken": refresh, "accessToken": "a"}),
        ] {
            let tokens = read_json(&body, None).unwrap();
            assert_eq!(tokens.access.expose(), "a", "{body}");
            assert_eq!(tokens.refresh.unwrap().expose(), "r", "{body}");
        }
    }
    let spaces = json!({"access_token": " a ", "refresh_token": "r "});
    let tokens = read_json(&spaces, None).unwrap();
    assert_eq!(tokens.access.expose(), " a ");
    assert_eq!(tokens.refresh.unwrap().expose(), "r ");
}

#[test]
fn access_token_counts_under_each_name_and_in_the_wrapper() {
    for (body, unwrap, expected) in [
        (json!({"access_token": "a"}), None, true),
        (json!({"accessToken": "a"}), None, true),
        (json!({"data": {"accessToken": "a"}}), Some("/data"), true),
        (json!({"access_token": "a"}), Some("/data"), true),
        (json!({"data": {"access_token": "a"}}), None, false),
        (json!({"access_token": " "}), None, false),
        (json!({"access_token": 7}), None, false),
        (json!({"refresh_token": "r"}), None, false),
    ] {
        let document = Document::parse(body.to_string().as_bytes()).unwrap();
        assert_eq!(has_access_token(&document, unwrap), expected, "{body}");
    }
    let twice = Document::parse(br#"{"access_token":7,"access_token":8}"#).unwrap();
    assert!(has_access_token(&twice, None));
}

#[test]
fn a19_response_without_usable_tokens_has_unknown_outcome() {
    let long = "a".repeat(MAX_TOKEN_BYTES + 1);
    for body in [
        json!({}),
        json!({"access_token": null}),
        json!({"access_token": ""}),
        json!({"access_token": 7}),
        json!({"access_token": "null"}),
        json!({"access_token": "a\r\nb"}),
        json!({"access_token": "a\u{fffd}"}),
        json!({"access_token": "a", "accessToken": "b"}),
        json!({"access_token": "a", "refresh_token": "r", "refreshToken": "s"}),
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
    assert_eq!(scope(json!(["a", "", "b"])), two);
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
    let dated = json!({"access_token": "a", "refresh_expires_at": SENT_S + 20});
    assert_eq!(
        read_json(&dated, None).unwrap().grant_expires_at,
        Some(Timestamp::from_unix_seconds(SENT_S + 20))
    );
}

#[test]
fn scopes_are_read_from_the_own_field_or_else_from_the_usual_ones() {
    let mut definition = Definition::default();
    definition.tokens.scope_field = "permissions".to_owned();
    for (body, expected) in [
        (json!({"permissions": "a", "scope": "b"}), "a"),
        (json!({"permissions": "", "scope": "b"}), "b"),
        (json!({"scopes": ["b"]}), "b"),
        (json!({"granted_scopes": "b"}), "b"),
    ] {
        let mut body = body;
        body["access_token"] = json!("a");
        let tokens = read_body(body.to_string().as_bytes(), None, &definition).unwrap();
        assert_eq!(tokens.scope, Some(ScopeSet::parse(expected)), "{body}");
    }
}

#[test]
fn own_pointer_to_a_lifetime_replaces_the_usual_ones() {
    let mut definition = Definition::default();
    definition.expiry.seconds = Some("/ttl".to_owned());
    for (body, expected) in [
        (r#"{"access_token":"a","ttl":5,"expires_in":60}"#, Some(5)),
        (r#"{"access_token":"a","expires_in":60}"#, None),
    ] {
        let tokens = read_body(body.as_bytes(), None, &definition).unwrap();
        let expires_at = tokens.expires_at.map(|at| at.unix_ms() / 1000 - SENT_S);
        assert_eq!(expires_at, expected, "{body}");
    }
}

#[test]
fn token_type_of_more_than_50_characters_is_dropped() {
    for (length, is_kept) in [(50, true), (51, false)] {
        let body = json!({"access_token": "a", "token_type": "t".repeat(length)});
        let kind = read_json(&body, None).unwrap().token_type;
        assert_eq!(kind.is_some(), is_kept, "{length}");
    }
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
        let _ = jwt_expiry(&text, Timestamp::from_unix_seconds(SENT_S));
    }
}
