//! The table of answers: what each platform says, and what it means.

use ErrorClass as C;
use evergrant_model::StatusReason;
use http::header::CONTENT_TYPE;
use http::{HeaderName, HeaderValue};
use zeroize::Zeroizing;

use super::*;
use crate::definition::{Definition, read_file};
use crate::oauth2::json::Document;

const NOW_S: i64 = 1_767_225_600;

/// An answer: status, headers as `name: value` lines, body.
fn reply(status: u16, headers: &[&str], body: &str) -> Response {
    let mut map = HeaderMap::new();
    for line in headers {
        let (name, value) = line.split_once(": ").unwrap();
        map.insert(
            name.parse::<HeaderName>().unwrap(),
            HeaderValue::from_str(value).unwrap(),
        );
    }
    Response {
        status,
        headers: map,
        body: Zeroizing::new(body.as_bytes().to_vec()),
    }
}

struct Platform {
    rules: Vec<ErrorRule>,
    codes: ErrorCodes,
    with_replay_window: bool,
}

impl Platform {
    fn of(catalogue: &str) -> Self {
        let Definition { errors, tokens, .. } = read_file(catalogue).unwrap();
        Self {
            rules: errors.rules,
            codes: errors.codes,
            with_replay_window: !tokens.rotates_refresh_token,
        }
    }

    fn reddit() -> Self {
        Self::of(include_str!("../../../catalogue/reddit.toml"))
    }

    fn strict() -> Self {
        Self {
            rules: Vec::new(),
            codes: ErrorCodes::OAuth,
            with_replay_window: false,
        }
    }

    fn read(&self, call: CallKind, reply: &Response) -> AdapterError {
        let repeatable = match call {
            CallKind::Exchange => false,
            CallKind::Refresh => self.with_replay_window,
            CallKind::Profile | CallKind::Revoke => true,
        };
        let now = Timestamp::from_unix_seconds(NOW_S);
        let document = Document::parse(&reply.body);
        let body = document.as_ref().map(Document::value);
        let code = body.and_then(|body| refusal_code(reply, body));
        assert!(!reply.is_success() || code.is_some(), "not a refusal");
        classify(
            Context {
                call,
                rules: &self.rules,
                codes: self.codes,
                repeatable,
                now,
            },
            reply,
            body,
            code.as_deref(),
        )
    }

    fn class(&self, call: CallKind, status: u16, headers: &[&str], body: &str) -> ErrorClass {
        self.read(call, &reply(status, headers, body)).class()
    }
}

#[test]
fn a11_a_strict_platforms_answers_to_a_refresh() {
    for (status, headers, body, class) in [
        (400, vec![], r#"{"error":"invalid_grant"}"#, C::NeedsReauth),
        (401, vec![], r#"{"error":"invalid_grant"}"#, C::NeedsReauth),
        (200, vec![], r#"{"error":"invalid_grant"}"#, C::NeedsReauth),
        (
            200,
            vec![],
            r#"{"error":{"code":"invalid_grant"}}"#,
            C::NeedsReauth,
        ),
        (400, vec![], r#"{"error":"invalid_client"}"#, C::ConfigError),
        (401, vec![], r#"{"error":"invalid_client"}"#, C::ConfigError),
        (
            401,
            vec!["www-authenticate: Basic realm=\"x\""],
            "",
            C::ConfigError,
        ),
        (401, vec![], "", C::ConfigError),
        (
            400,
            vec![],
            r#"{"error":"unauthorized_client"}"#,
            C::ConfigError,
        ),
        (
            400,
            vec![],
            r#"{"error":"unsupported_grant_type"}"#,
            C::ConfigError,
        ),
        (400, vec![], r#"{"error":"invalid_scope"}"#, C::ConfigError),
        (400, vec![], r#"{"error":"invalid_request"}"#, C::BadRequest),
        (400, vec![], "", C::BadRequest),
        (400, vec![], "<html>", C::BadRequest),
        (400, vec![], r#"{"error":"something_new"}"#, C::BadRequest),
        (200, vec![], r#"{"error":"something_new"}"#, C::BadRequest),
        (200, vec![], r#"{"error":true}"#, C::BadRequest),
        (403, vec![], "", C::Blocked),
        (403, vec!["content-type: text/html"], "<html>", C::Blocked),
        (404, vec![], "", C::ConfigError),
        (
            307,
            vec!["location: https://elsewhere.example"],
            "",
            C::Blocked,
        ),
        (408, vec![], "", C::Unknown),
        (429, vec![], "", C::RateLimited),
        (429, vec!["retry-after: 7"], "<html>", C::RateLimited),
        (500, vec![], "", C::Unknown),
        (502, vec![], "<html>", C::Unknown),
        (503, vec![], "", C::Unknown),
        (503, vec!["retry-after: 7"], "", C::Transient),
        (504, vec![], "", C::Unknown),
        (522, vec![], "", C::Unknown),
        (
            400,
            vec![],
            r#"{"error":"temporarily_unavailable"}"#,
            C::Unknown,
        ),
        (
            400,
            vec![],
            r#"{"error":"interaction_required"}"#,
            C::NeedsReauth,
        ),
    ] {
        assert_eq!(
            Platform::strict().class(CallKind::Refresh, status, &headers, body),
            class,
            "{status} {headers:?} {body}"
        );
    }
}

#[test]
fn reddits_answers_to_a_code() {
    for (status, headers, body, class) in [
        (200, vec![], r#"{"error":"invalid_grant"}"#, C::NeedsReauth),
        (200, vec![], r#"{"error":"invalid_request"}"#, C::BadRequest),
        (
            200,
            vec![],
            r#"{"error":"unsupported_grant_type"}"#,
            C::ConfigError,
        ),
        (
            200,
            vec![],
            r#"{"error":"unauthorized_client","error_description":"sim"}"#,
            C::ConfigError,
        ),
        (200, vec![], r#"{"error":"invalid_scope"}"#, C::ConfigError),
        (
            401,
            vec!["www-authenticate: Basic realm=\"reddit\""],
            r#"{"message":"Unauthorized","error":401}"#,
            C::ConfigError,
        ),
        (
            429,
            vec![],
            r#"{"message":"Too Many Requests","error":429}"#,
            C::RateLimited,
        ),
        (
            429,
            vec!["content-type: text/html"],
            "<html>",
            C::RateLimited,
        ),
        (403, vec!["content-type: text/html"], "<html>", C::Blocked),
        (
            400,
            vec![],
            r#"{"message":"Bad Request","error":400}"#,
            C::BadRequest,
        ),
        (500, vec![], "", C::Unknown),
    ] {
        assert_eq!(
            Platform::reddit().class(CallKind::Exchange, status, &headers, body),
            class,
            "{status} {body}"
        );
    }
}

#[test]
fn reddits_answers_to_a_refresh() {
    for (status, headers, body, class) in [
        (400, vec![], r#"{"error":400}"#, C::NeedsReauth),
        (
            400,
            vec![],
            r#"{"message":"Bad Request","error":400}"#,
            C::NeedsReauth,
        ),
        (
            400,
            vec![],
            r#"{"error":"invalid_request"}"#,
            C::NeedsReauth,
        ),
        (400, vec![], "", C::NeedsReauth),
        (400, vec![], r#"{"error":"invalid_client"}"#, C::ConfigError),
        (
            401,
            vec!["www-authenticate: Basic realm=\"reddit\""],
            r#"{"message":"Unauthorized","error":401}"#,
            C::ConfigError,
        ),
        (500, vec![], "", C::Transient),
        (520, vec![], "", C::Transient),
        (522, vec![], "", C::Transient),
    ] {
        assert_eq!(
            Platform::reddit().class(CallKind::Refresh, status, &headers, body),
            class,
            "{status} {body}"
        );
    }
}

#[test]
fn reddits_answers_to_a_use_of_the_token() {
    let bearer =
        |error: &str| format!("www-authenticate: Bearer realm=\"reddit\", error=\"{error}\"");
    let (ended, lacking) = (bearer("invalid_token"), bearer("insufficient_scope"));
    for (status, headers, body, class) in [
        (
            401,
            vec![ended.as_str()],
            r#"{"message":"Unauthorized","error":401}"#,
            C::TokenExpired,
        ),
        (401, vec![], "", C::TokenExpired),
        (
            403,
            vec![lacking.as_str()],
            r#"{"message":"Forbidden","error":403}"#,
            C::ScopeMissing,
        ),
        (403, vec!["content-type: text/html"], "<html>", C::Blocked),
        (
            302,
            vec!["location: https://www.reddit.example/login"],
            "",
            C::Blocked,
        ),
        (
            429,
            vec!["content-type: text/html"],
            "<html>",
            C::RateLimited,
        ),
        (500, vec![], "", C::Transient),
        (
            200,
            vec![],
            r#"{"message":"Unauthorized","error":401}"#,
            C::TokenExpired,
        ),
        (
            400,
            vec![],
            r#"{"reason":"BAD","fields":[]}"#,
            C::BadRequest,
        ),
    ] {
        assert_eq!(
            Platform::reddit().class(CallKind::Profile, status, &headers, body),
            class,
            "{status} {body}"
        );
    }
}

#[test]
fn a_refusal_that_could_mean_something_else_asks_to_be_confirmed() {
    let reddit =
        |status, body| Platform::reddit().read(CallKind::Refresh, &reply(status, &[], body));
    let bare = reddit(400, r#"{"error":400}"#);
    assert!(bare.needs_confirmation());
    assert_eq!(bare.reason(), Some(StatusReason::RefreshTokenInvalid));
    let plain = Platform::strict().read(
        CallKind::Refresh,
        &reply(400, &[], r#"{"error":"invalid_grant"}"#),
    );
    assert!(!plain.needs_confirmation());
    let odd = Platform::strict().read(
        CallKind::Refresh,
        &reply(401, &[], r#"{"error":"invalid_token"}"#),
    );
    assert_eq!(
        (odd.class(), odd.needs_confirmation()),
        (C::NeedsReauth, true)
    );
}

#[test]
fn only_429_and_503_with_a_date_are_surely_unprocessed() {
    for (status, headers, sure) in [
        (429, vec![], true),
        (429, vec!["retry-after: 7"], true),
        (503, vec!["retry-after: 7"], true),
        (503, vec![], false),
        (500, vec!["retry-after: 7"], false),
        (400, vec![], false),
        (408, vec![], false),
    ] {
        let error = Platform::strict().read(CallKind::Refresh, &reply(status, &headers, ""));
        assert_eq!(error.is_surely_unprocessed(), sure, "{status} {headers:?}");
    }
}

#[test]
fn a_wait_is_read_in_every_form_and_bounded() {
    for (header, wait) in [
        ("retry-after: 7", Some(7)),
        ("retry-after: 0", Some(0)),
        ("retry-after: 1.5", Some(2)),
        ("retry-after: Thu, 01 Jan 2026 00:01:00 GMT", Some(60)),
        ("retry-after: Wed, 31 Dec 2025 00:00:00 GMT", Some(0)),
        (
            "retry-after: 99999999999999999999999",
            Some(LONGEST_WAIT_SECONDS),
        ),
        ("retry-after: -5", None),
        ("retry-after: soon", None),
        ("x-ratelimit-reset: 90", Some(90)),
        ("x-ratelimit-reset: 1767225630", Some(30)),
        ("x-other: 1", None),
    ] {
        let error = Platform::strict().read(CallKind::Profile, &reply(429, &[header], ""));
        assert_eq!(error.retry_after_seconds(), wait, "{header}");
    }
    let quiet = Platform::strict().read(
        CallKind::Profile,
        &reply(500, &["x-ratelimit-reset: 90"], ""),
    );
    assert_eq!(quiet.retry_after_seconds(), None);
}

#[test]
fn an_error_is_recognised_in_every_shape_and_success_is_not_taken_for_one() {
    let code =
        |body: &str| refusal_code(&reply(200, &[], body), &serde_json::from_str(body).unwrap());
    for (body, wanted) in [
        (r#"{"error":"invalid_grant"}"#, Some("invalid_grant")),
        (r#"{"error":401}"#, Some("401")),
        (r#"{"error":{"code":190,"message":"x"}}"#, Some("190")),
        (
            r#"{"error":{"code":"scope_not_authorized"}}"#,
            Some("scope_not_authorized"),
        ),
        (r#"{"error":{"message":"x"}}"#, Some("")),
        (r#"{"error":["x"]}"#, Some("")),
        (r#"{"error":true}"#, Some("")),
        (r#"{"error":{"code":"ok","message":""},"data":{}}"#, None),
        (r#"{"error":{}}"#, None),
        (r#"{"error":null}"#, None),
        (r#"{"error":""}"#, None),
        (r#"{"error":0}"#, None),
        (r#"{"error":false}"#, None),
        (r#"{"access_token":"a"}"#, None),
        (
            r#"{"error_type":"OAuthException","code":400,"error_message":"x"}"#,
            Some("400"),
        ),
        (
            r#"{"code":"anything","message":"of the platform's own"}"#,
            None,
        ),
    ] {
        assert_eq!(code(body).as_deref(), wanted, "{body}");
    }
}

#[test]
fn a_bare_code_counts_where_the_status_is_not_one_of_success() {
    let bare = r#"{"code":"access_token_invalid","message":"sim","log_id":"1"}"#;
    assert_eq!(
        refusal_code(&reply(401, &[], bare), &serde_json::from_str(bare).unwrap()).unwrap(),
        "access_token_invalid"
    );
}

#[test]
fn a_rule_may_be_bound_to_call_status_and_code() {
    let rule = ErrorRule {
        on: Some(CallKind::Refresh),
        status: Some(400),
        code: Some("190".to_owned()),
        class: C::NeedsUserAction,
        reason: Some(StatusReason::UserActionAtProvider),
        confirm: false,
    };
    let platform = Platform {
        rules: vec![rule],
        ..Platform::strict()
    };
    let class = |call, status, body| platform.class(call, status, &[], body);
    assert_eq!(
        class(CallKind::Refresh, 400, r#"{"error":{"code":190}}"#),
        C::NeedsUserAction
    );
    assert_eq!(
        class(CallKind::Exchange, 400, r#"{"error":{"code":190}}"#),
        C::BadRequest
    );
    assert_eq!(
        class(CallKind::Refresh, 500, r#"{"error":{"code":190}}"#),
        C::Unknown
    );
    assert_eq!(
        class(CallKind::Refresh, 400, r#"{"error":{"code":191}}"#),
        C::BadRequest
    );
}

#[test]
fn nothing_of_the_answer_but_its_short_code_is_shown() {
    let body = r#"{"error":"invalid_grant","error_description":"token hush-hush is dead"}"#;
    let header = "www-authenticate: Bearer error_description=\"hush-hush\"";
    let page = reply(
        400,
        &[header, &format!("{CONTENT_TYPE}: text/html; hush-hush")],
        body,
    );
    let error = Platform::strict().read(CallKind::Refresh, &page);
    assert_eq!(
        error.to_string(),
        "the platform no longer accepts the grant (status 400, invalid_grant)"
    );
    assert!(!format!("{error:?}").contains("hush"));
}

mod platforms;
