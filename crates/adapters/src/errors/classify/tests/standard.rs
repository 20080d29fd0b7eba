//! Responses of a provider that conforms to RFC 6749 and rotates refresh tokens.

use super::*;

const REFRESH: &[Row] = &[
    (400, &[], r#"{"error":"invalid_grant"}"#, C::NeedsReauth),
    (401, &[], r#"{"error":"invalid_grant"}"#, C::NeedsReauth),
    (200, &[], r#"{"error":"invalid_grant"}"#, C::NeedsReauth),
    (
        200,
        &[],
        r#"{"error":{"code":"invalid_grant"}}"#,
        C::NeedsReauth,
    ),
    (400, &[], r#"{"error":"invalid_client"}"#, C::ConfigError),
    (401, &[], r#"{"error":"invalid_client"}"#, C::ConfigError),
    (
        401,
        &["www-authenticate: Basic realm=\"x\""],
        "",
        C::ConfigError,
    ),
    (401, &[], "", C::ConfigError),
    (
        400,
        &[],
        r#"{"error":"unauthorized_client"}"#,
        C::ConfigError,
    ),
    (
        400,
        &[],
        r#"{"error":"unsupported_grant_type"}"#,
        C::ConfigError,
    ),
    (400, &[], r#"{"error":"invalid_scope"}"#, C::ConfigError),
    (400, &[], r#"{"error":"invalid_request"}"#, C::BadRequest),
    (400, &[], "", C::BadRequest),
    (400, &[], "<html>", C::BadRequest),
    (400, &[], r#"{"error":"something_new"}"#, C::BadRequest),
    (200, &[], r#"{"error":"something_new"}"#, C::BadRequest),
    (200, &[], r#"{"error":true}"#, C::BadRequest),
    (403, &[], "", C::Blocked),
    (403, &["content-type: text/html"], "<html>", C::Blocked),
    (404, &[], "", C::ConfigError),
    (
        307,
        &["location: https://elsewhere.example"],
        "",
        C::Blocked,
    ),
    (408, &[], "", C::Unknown),
    (409, &[], "", C::Unknown),
    (423, &[], "", C::Unknown),
    (
        200,
        &[],
        r#"{"ok":false,"error":"fatal_error"}"#,
        C::Unknown,
    ),
    (
        200,
        &[],
        r#"{"ok":false,"error":"ratelimited"}"#,
        C::RateLimited,
    ),
    (
        403,
        &[],
        r#"{"error":{"code":403,"errors":[{"reason":"userRateLimitExceeded"}]}}"#,
        C::RateLimited,
    ),
    (
        403,
        &[],
        r#"{"error":{"code":403,"message":"User Rate Limit Exceeded"}}"#,
        C::RateLimited,
    ),
    (
        401,
        &[],
        r#"{"message":"Invalid token: too many requests"}"#,
        C::RateLimited,
    ),
    (429, &[], "", C::RateLimited),
    (429, &["retry-after: 7"], "<html>", C::RateLimited),
    (500, &[], "", C::Unknown),
    (502, &[], "<html>", C::Unknown),
    (503, &[], "", C::Unknown),
    (503, &["retry-after: 7"], "", C::Transient),
    (504, &[], "", C::Unknown),
    (522, &[], "", C::Unknown),
    (
        400,
        &[],
        r#"{"error":"temporarily_unavailable"}"#,
        C::Unknown,
    ),
    (
        400,
        &[],
        r#"{"error":"interaction_required"}"#,
        C::NeedsReauth,
    ),
];

#[test]
fn a11_refresh_errors_of_strict_provider_are_classified() {
    Provider::strict().assert_classes(CallKind::Refresh, REFRESH);
}
