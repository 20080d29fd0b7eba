//! Answers of existing platforms, from public bug reports, with made-up values.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use evergrant_adapters::{ErrorClass, RemoteRevocation};
use evergrant_model::StatusReason;
use serde_json::{Value, json};

use crate::support::{FakePlatform, acme, held_tokens, response};

fn vectors(text: &str) -> Vec<Value> {
    serde_json::from_str(text).unwrap()
}

async fn platform(vector: &Value) -> FakePlatform {
    let status = vector["status"].as_u64().unwrap_or(200);
    let body = vector["body"].to_string();
    FakePlatform::responding_with(response(u16::try_from(status).unwrap(), body)).await
}

#[tokio::test]
async fn ended_grants_are_recognized_in_the_words_of_each_platform() {
    for vector in vectors(include_str!("../vectors/dead_grants.json")) {
        let platform = platform(&vector).await;
        let error = acme(&platform.base, "")
            .refresh_access_token(&held_tokens("a", "r"))
            .await
            .unwrap_err();
        let found = (error.class(), error.reason());
        let expected = (
            ErrorClass::NeedsReauth,
            Some(StatusReason::RefreshTokenInvalid),
        );
        assert_eq!(found, expected, "{vector}: {error}");
    }
}

#[tokio::test]
async fn revocations_succeed_exactly_if_nothing_is_left_to_revoke() {
    for vector in vectors(include_str!("../vectors/revocations.json")) {
        let platform = platform(&vector).await;
        let outcome = acme(&platform.base, "")
            .revoke_access(&held_tokens("a", "r"))
            .await;
        let is_revoked = outcome == Ok(RemoteRevocation::Revoked);
        assert_eq!(Value::from(is_revoked), vector["revoked"], "{vector}");
    }
}

#[tokio::test]
async fn expiries_are_read_in_every_form_and_are_plausible() {
    for vector in vectors(include_str!("../vectors/token_expiries.json")) {
        let mut body = vector["body"].clone();
        let claims = vector.get("jwt").map(Value::to_string);
        let jwt = claims.map(|claims| format!("e30.{}.s", BASE64_URL_SAFE_NO_PAD.encode(claims)));
        body["access_token"] = json!(jwt.unwrap_or_else(|| "a".to_owned()));
        let platform = platform(&json!({"body": body})).await;
        let tokens = acme(&platform.base, "")
            .refresh_access_token(&held_tokens("a", "r"))
            .await
            .unwrap();
        let text = |at: Option<_>| at.map_or(Value::Null, |at| json!(at));
        assert_eq!(text(tokens.expires_at), vector["expiresAt"], "{vector}");
        let grant = text(tokens.grant_expires_at);
        assert_eq!(grant, vector["grantExpiresAt"], "{vector}");
    }
}

#[tokio::test]
async fn definition_can_name_the_members_with_the_lifetimes() {
    let body = json!({
        "access_token": "a", "expires_in": 7, "life": {"seconds": "60"}, "ends": "2026-01-01T00:02:00Z",
        "refresh_life": 120,
    });
    let platform = FakePlatform::responding_with(response(200, body.to_string())).await;
    for (keys, expires_at) in [
        (
            r#"seconds = "/life/seconds", at = "/ends""#,
            "2026-01-01T00:01:00.000Z",
        ),
        (
            r#"seconds = "/none", at = "/ends""#,
            "2026-01-01T00:02:00.000Z",
        ),
        (r#"at = "/ends""#, "2026-01-01T00:00:07.000Z"),
    ] {
        let more = format!("expiry = {{ {keys}, refresh_seconds = \"/refresh_life\" }}");
        let tokens = acme(&platform.base, &more)
            .refresh_access_token(&held_tokens("a", "r"))
            .await
            .unwrap();
        assert_eq!(tokens.expires_at.unwrap().to_string(), expires_at, "{keys}");
        let grant = tokens.grant_expires_at.unwrap().to_string();
        assert_eq!(grant, "2026-01-01T00:02:00.000Z");
    }
}
