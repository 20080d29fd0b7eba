//! Answers which say in the words of many platforms that a grant has ended.

use super::*;

/// Answers of existing platforms to a refresh of a grant that has ended.
const ENDED: &[(u16, &str)] = &[
    (
        200,
        r#"{"error":"bad_refresh_token","error_description":"sim"}"#,
    ),
    (200, r#"{"ok":false,"error":"invalid_refresh_token"}"#),
    (200, r#"{"ok":false,"error":"token_revoked"}"#),
    (400, r#"{"ok":false,"error":"token_expired"}"#),
    (
        400,
        r#"{"status":"BAD_REFRESH_TOKEN","message":"sim","correlationId":"0-1"}"#,
    ),
    (
        400,
        r#"{"message":"Bad Request","errors":[{"resource":"RefreshToken","field":"refresh_token","code":"invalid"}]}"#,
    ),
    (
        400,
        r#"{"errors":[{"errorType":"invalid_grant","message":"sim"}],"success":false}"#,
    ),
    (200, r#"{"errors":[{"code":"refresh_token_expired"}]}"#),
    (401, r#"{"errors":[{"errorType":"expired_token"}]}"#),
    (
        401,
        r#"{"error":{"type":"InvalidRefreshToken","message":"sim"}}"#,
    ),
    (
        403,
        r#"{"type":"https://errors.example/refresh-token-revoked","status":403}"#,
    ),
    (
        400,
        r#"{"fault":{"detail":{"errorcode":"invalid_refresh_token"}}}"#,
    ),
];

/// Answers whose only statement is a sentence, or a code with another possible cause.
const ENDED_IF_CONFIRMED: &[(u16, &str)] = &[
    (400, r#"{"status":400,"message":"Invalid refresh token"}"#),
    (
        400,
        r#"{"error":"invalid_request","error_description":"sim: value of the token was invalid"}"#,
    ),
    (401, r#"{"error":"invalid_token"}"#),
    (
        403,
        r#"{"error":"unauthorized_client","error_description":"refresh_token is invalid"}"#,
    ),
    (200, r#"{"error":"invalid_code"}"#),
    (200, r#"{"errcode":42002,"errmsg":"refresh_token expired"}"#),
    (
        400,
        r#"{"reason":"Invalid Token!","error":"invalid_request"}"#,
    ),
    (401, r#"{"message":"The refresh token has been revoked."}"#),
    (
        200,
        r#"{"code":105002,"message":"Access token is expired"}"#,
    ),
];

/// Answers that leave open whether the grant has ended.
const DOUBTFUL: &[(u16, &str)] = &[
    (400, r#"{"error":"invalid_request"}"#),
    (
        400,
        r#"{"error":"invalid_request","error_description":"refresh_token is required"}"#,
    ),
    (400, r#"{"message":"Bad Request"}"#),
    (403, r#"{"error":"unauthorized_client"}"#),
    (
        400,
        r#"{"errors":[{"resource":"Application","field":"client_id","code":"invalid"}]}"#,
    ),
    (400, "<html>Invalid refresh token</html>"),
    (403, "<html>the token has been revoked</html>"),
    (408, r#"{"error":"invalid_grant"}"#),
    (429, r#"{"error":"invalid_grant"}"#),
    (500, r#"{"error":"invalid_grant"}"#),
    (502, r#"{"message":"Invalid refresh token"}"#),
    (503, r#"{"status":"BAD_REFRESH_TOKEN"}"#),
    (
        401,
        r#"{"error":"invalid_client","error_description":"Invalid refresh token"}"#,
    ),
    (
        400,
        r#"{"error":"invalid_request","errors":[{"code":"invalid_client"},{"code":"token_revoked"}]}"#,
    ),
    (
        400,
        r#"{"error":"server_error","message":"the token is unknown"}"#,
    ),
    (400, r#"{"error":"invalid_grant","error":"server_error"}"#),
    (200, r#"{"message":"welcome"}"#),
];

fn classified(status: u16, body: &str) -> (ErrorClass, bool) {
    let error = Provider::strict().classify(CallKind::Refresh, &response(status, &[], body));
    (error.class(), error.needs_confirmation())
}

#[test]
fn ended_grant_is_recognized_without_rules_of_the_platform() {
    for (status, body) in ENDED {
        assert_eq!(
            classified(*status, body),
            (C::NeedsReauth, false),
            "{status} {body}"
        );
    }
    for (status, body) in ENDED_IF_CONFIRMED {
        assert_eq!(
            classified(*status, body),
            (C::NeedsReauth, true),
            "{status} {body}"
        );
    }
}

#[test]
fn doubtful_answer_does_not_end_the_grant() {
    for (status, body) in DOUBTFUL {
        assert_ne!(
            classified(*status, body).0,
            C::NeedsReauth,
            "{status} {body}"
        );
    }
}

#[test]
fn answer_with_tokens_is_success_whatever_its_text_says() {
    let body = r#"{"access_token":"a","note":"refresh token expired","status":"token_revoked"}"#;
    let success = Provider::strict().failure(CallKind::Refresh, &response(200, &[], body), &[]);
    assert_eq!(success, None);
}

#[test]
fn rejected_access_token_of_a_profile_call_can_be_refreshed() {
    for body in [
        r#"{"ok":false,"error":"token_expired"}"#,
        r#"{"message":"Invalid token"}"#,
    ] {
        let class = Provider::strict().class(CallKind::Profile, 401, &[], body);
        assert_eq!(class, C::TokenExpired, "{body}");
    }
}
