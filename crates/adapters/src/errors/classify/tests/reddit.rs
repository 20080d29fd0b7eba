//! Classification of Reddit's error responses, by operation.

use super::*;

const INVALID_TOKEN: &str = r#"www-authenticate: Bearer realm="reddit", error="invalid_token""#;
const INSUFFICIENT_SCOPE: &str =
    r#"www-authenticate: Bearer realm="reddit", error="insufficient_scope""#;

const EXCHANGE: &[Row] = &[
    (200, &[], r#"{"error":"invalid_grant"}"#, C::NeedsReauth),
    (200, &[], r#"{"error":"invalid_request"}"#, C::BadRequest),
    (
        200,
        &[],
        r#"{"error":"unsupported_grant_type"}"#,
        C::ConfigError,
    ),
    (
        200,
        &[],
        r#"{"error":"unauthorized_client","error_description":"sim"}"#,
        C::ConfigError,
    ),
    (200, &[], r#"{"error":"invalid_scope"}"#, C::ConfigError),
    (
        401,
        &["www-authenticate: Basic realm=\"reddit\""],
        r#"{"message":"Unauthorized","error":401}"#,
        C::ConfigError,
    ),
    (
        429,
        &[],
        r#"{"message":"Too Many Requests","error":429}"#,
        C::RateLimited,
    ),
    (429, &["content-type: text/html"], "<html>", C::RateLimited),
    (403, &["content-type: text/html"], "<html>", C::Blocked),
    (
        400,
        &[],
        r#"{"message":"Bad Request","error":400}"#,
        C::BadRequest,
    ),
    (500, &[], "", C::Unknown),
];

const REFRESH: &[Row] = &[
    (400, &[], r#"{"error":400}"#, C::NeedsReauth),
    (
        400,
        &[],
        r#"{"message":"Bad Request","error":400}"#,
        C::NeedsReauth,
    ),
    (400, &[], r#"{"error":"invalid_request"}"#, C::NeedsReauth),
    (400, &[], "", C::NeedsReauth),
    (400, &[], r#"{"error":"invalid_client"}"#, C::ConfigError),
    (
        401,
        &["www-authenticate: Basic realm=\"reddit\""],
        r#"{"message":"Unauthorized","error":401}"#,
        C::ConfigError,
    ),
    (500, &[], "", C::Transient),
    (520, &[], "", C::Transient),
    (522, &[], "", C::Transient),
];

const PROFILE: &[Row] = &[
    (
        401,
        &[INVALID_TOKEN],
        r#"{"message":"Unauthorized","error":401}"#,
        C::TokenExpired,
    ),
    (401, &[], "", C::TokenExpired),
    (
        403,
        &[INSUFFICIENT_SCOPE],
        r#"{"message":"Forbidden","error":403}"#,
        C::ScopeMissing,
    ),
    (403, &["content-type: text/html"], "<html>", C::Blocked),
    (
        302,
        &["location: https://www.reddit.example/login"],
        "",
        C::Blocked,
    ),
    (429, &["content-type: text/html"], "<html>", C::RateLimited),
    (500, &[], "", C::Transient),
    (
        200,
        &[],
        r#"{"message":"Unauthorized","error":401}"#,
        C::TokenExpired,
    ),
    (400, &[], r#"{"reason":"BAD","fields":[]}"#, C::BadRequest),
];

#[test]
fn reddit_exchange_errors_are_classified() {
    Provider::reddit().assert_classes(CallKind::Exchange, EXCHANGE);
}

#[test]
fn reddit_refresh_errors_are_classified() {
    Provider::reddit().assert_classes(CallKind::Refresh, REFRESH);
}

#[test]
fn reddit_profile_errors_are_classified() {
    Provider::reddit().assert_classes(CallKind::Profile, PROFILE);
}
