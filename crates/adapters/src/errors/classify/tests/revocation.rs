//! Answers to revocations.

use super::*;

fn class(status: u16, body: &str) -> Option<ErrorClass> {
    let page = response(status, &[], body);
    let failure = Provider::strict().failure(CallKind::Revoke, &page, &[]);
    failure.map(|error| error.class())
}

#[test]
fn token_that_is_dead_already_needs_no_revocation() {
    for (status, body) in [
        (400, r#"{"status":400,"message":"Invalid token"}"#),
        (200, r#"{"ok":false,"error":"token_revoked"}"#),
        (
            400,
            r#"{"error":"invalid_token","error_description":"Token expired or revoked"}"#,
        ),
        (400, r#"{"error":"invalid_grant"}"#),
        (401, r#"{"error":"invalid_token"}"#),
        (404, r#"{"message":"Token not found"}"#),
        (
            200,
            r#"{"success":false,"message":"The token has already been revoked"}"#,
        ),
        (400, "Invalid token"),
    ] {
        assert_eq!(class(status, body), Some(C::NeedsReauth), "{status} {body}");
    }
}

#[test]
fn denied_or_unclear_revocation_is_a_failure() {
    for (status, body) in [
        (200, r#"{"revoked":false}"#),
        (200, r#"{"success":false}"#),
        (200, r#"{"success":"false"}"#),
        (200, r#"{"ok":false,"error":"fatal_error"}"#),
        (200, r#"{"result":0}"#),
        (200, r#"{"status":"error"}"#),
        (200, r#"{"data":{"revoked":false}}"#),
        (200, "false"),
        (200, "<html>Invalid token</html>"),
        (400, r#"{"error":"invalid_request"}"#),
        (404, ""),
        (500, r#"{"error":"invalid_token"}"#),
    ] {
        let class = class(status, body);
        assert!(
            class.is_some_and(|class| class != C::NeedsReauth),
            "{status} {body}: {class:?}"
        );
    }
    assert_eq!(
        class(401, r#"{"error":"invalid_client"}"#),
        Some(C::ConfigError)
    );
}

#[test]
fn other_success_confirms_the_revocation() {
    for body in [
        "",
        "true",
        "OK",
        "{}",
        r#"{"revoked":true}"#,
        r#"{"success":true,"result":1}"#,
        r#"{"status":"ok"}"#,
        r#"{"revoked":null}"#,
        r#"{"ok":true,"warnings":{"deleted":false}}"#,
    ] {
        assert_eq!(class(200, body), None, "{body}");
    }
}
