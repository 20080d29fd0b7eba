//! Tests of the classification, as tables of responses and their classes.

use ErrorClass as C;
use evergrant_model::{SignedDuration, StatusReason};
use http::header::CONTENT_TYPE;
use http::{HeaderName, HeaderValue};
use zeroize::Zeroizing;

use super::*;
use crate::definition::{Definition, ErrorRule, read_file};
use crate::oauth2::json::Document;

mod dead_grants;
mod edges;
mod providers;
mod reddit;
mod revocation;
mod rules;
mod standard;

const NOW_S: i64 = 1_767_225_600;

/// Status, headers, body and expected class of a response.
type Row = (u16, &'static [&'static str], &'static str, ErrorClass);

/// Builds a response; headers are `name: value` lines.
fn response(status: u16, headers: &[&str], body: &str) -> Response {
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
        interrupted: None,
    }
}

/// The settings of a provider that affect the classification.
struct Provider {
    rules: Vec<ErrorRule>,
    codes: ErrorCodes,
    can_retry_refresh: bool,
}

impl Provider {
    fn from_toml(toml_text: &str) -> Self {
        let Definition { errors, tokens, .. } = read_file(toml_text).unwrap();
        Self {
            rules: errors.rules,
            codes: errors.codes,
            can_retry_refresh: !tokens.rotates_refresh_token,
        }
    }

    fn reddit() -> Self {
        Self::from_toml(include_str!("../../../catalogue/reddit.toml"))
    }

    fn strict() -> Self {
        Self {
            rules: Vec::new(),
            codes: ErrorCodes::OAuth,
            can_retry_refresh: false,
        }
    }

    /// Returns the failure that a response reports; `None` for a success.
    fn failure(
        &self,
        call: CallKind,
        response: &Response,
        secrets: &[&str],
    ) -> Option<AdapterError> {
        let repeatable = match call {
            CallKind::Exchange => false,
            CallKind::Refresh => self.can_retry_refresh,
            CallKind::Profile | CallKind::Revoke => true,
        };
        let document = Document::parse(&response.body);
        let context = Context {
            call,
            rules: &self.rules,
            codes: self.codes,
            repeatable,
            has_access_token: document
                .as_ref()
                .is_some_and(|document| document.get("access_token").is_some()),
            secrets,
            now: Timestamp::from_unix_seconds(NOW_S),
        };
        failure(context, response, document.as_ref())
    }

    fn classify(&self, call: CallKind, response: &Response) -> AdapterError {
        self.failure(call, response, &[]).expect("a failure")
    }

    fn class(&self, call: CallKind, status: u16, headers: &[&str], body: &str) -> ErrorClass {
        self.classify(call, &response(status, headers, body))
            .class()
    }

    #[track_caller]
    fn assert_classes(&self, call: CallKind, rows: &[Row]) {
        for (status, headers, body, class) in rows {
            assert_eq!(
                self.class(call, *status, headers, body),
                *class,
                "{status} {headers:?} {body}"
            );
        }
    }
}

#[test]
fn ambiguous_rejection_needs_confirmation() {
    let reddit =
        |status, body| Provider::reddit().classify(CallKind::Refresh, &response(status, &[], body));
    let bare = reddit(400, r#"{"error":400}"#);
    assert!(bare.needs_confirmation());
    assert_eq!(bare.reason(), Some(StatusReason::RefreshTokenInvalid));
    let plain = Provider::strict().classify(
        CallKind::Refresh,
        &response(400, &[], r#"{"error":"invalid_grant"}"#),
    );
    assert!(!plain.needs_confirmation());
    let unusual = Provider::strict().classify(
        CallKind::Refresh,
        &response(401, &[], r#"{"error":"invalid_token"}"#),
    );
    assert_eq!(
        (unusual.class(), unusual.needs_confirmation()),
        (C::NeedsReauth, true)
    );
}

#[test]
fn only_429_and_503_with_retry_after_are_known_unprocessed() {
    for (status, headers, unprocessed) in [
        (429, vec![], true),
        (429, vec!["retry-after: 7"], true),
        (503, vec!["retry-after: 7"], true),
        (503, vec![], false),
        (500, vec!["retry-after: 7"], false),
        (400, vec![], false),
        (408, vec![], false),
    ] {
        let error = Provider::strict().classify(CallKind::Refresh, &response(status, &headers, ""));
        assert_eq!(
            error.is_known_unprocessed(),
            unprocessed,
            "{status} {headers:?}"
        );
    }
}

#[test]
fn stated_wait_is_parsed_in_every_form_and_believed_below_one_day() {
    for (header, wait) in [
        ("retry-after: 7", Some(7)),
        ("retry-after: 0", Some(0)),
        ("retry-after: 1.5", Some(2)),
        ("retry-after:  7 ", Some(7)),
        ("retry-after: 1.x", None),
        ("retry-after: .5", None),
        ("retry-after: Thu, 01 Jan 2026 00:01:00 GMT", Some(60)),
        ("retry-after: Wed, 31 Dec 2025 00:00:00 GMT", Some(0)),
        ("retry-after: 86399", Some(86_399)),
        ("retry-after: 86400", None),
        ("retry-after: 99999999999999999999999", None),
        ("retry-after: 1767225660", Some(60)),
        ("retry-after: 1767225660000", Some(60)),
        ("retry-after: 1 Jan 9998 00:00:00 GMT", None),
        ("retry-after: -5", None),
        ("retry-after: soon", None),
        ("x-ratelimit-reset: 90", Some(90)),
        ("x-ratelimit-reset: 1767225630", Some(30)),
        ("x-other: 1", None),
    ] {
        let error = Provider::strict().classify(CallKind::Profile, &response(429, &[header], ""));
        assert_eq!(
            error.retry_after(),
            wait.map(SignedDuration::from_secs),
            "{header}"
        );
    }
    let not_limited = Provider::strict().classify(
        CallKind::Profile,
        &response(500, &["x-ratelimit-reset: 90"], ""),
    );
    assert_eq!(not_limited.retry_after(), None);
}

#[test]
fn error_is_recognised_in_every_shape_and_success_is_not_error() {
    let code = |body: &str| {
        error_code(
            &response(200, &[], body),
            &Document::parse(body.as_bytes()).unwrap(),
        )
    };
    for (body, expected) in [
        (r#"{"error":"invalid_grant"}"#, Some("invalid_grant")),
        (r#"{"error":401}"#, Some("401")),
        (r#"{"error":{"code":190,"message":"x"}}"#, Some("190")),
        (
            r#"{"error":{"code":"scope_not_authorized"}}"#,
            Some("scope_not_authorized"),
        ),
        (r#"{"error":{"message":"x"}}"#, Some("")),
        (r#"{"error":["x"]}"#, Some("")),
        (r#"{"error":"invalid_grant","error":"slow_down"}"#, Some("")),
        (r#"{"error":{"code":190,"code":4}}"#, Some("")),
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
        (r#"{"code":"anything","message":"of the provider"}"#, None),
    ] {
        assert_eq!(code(body).as_deref(), expected, "{body}");
    }
}

#[test]
fn bare_code_is_error_if_status_is_not_2xx() {
    let bare = r#"{"code":"access_token_invalid","message":"sim","log_id":"1"}"#;
    assert_eq!(
        error_code(
            &response(401, &[], bare),
            &Document::parse(bare.as_bytes()).unwrap()
        )
        .unwrap(),
        "access_token_invalid"
    );
}

#[test]
fn rule_matches_call_status_and_code() {
    let rule = ErrorRule {
        on: Some(CallKind::Refresh),
        status: Some(400),
        code: Some("190".to_owned()),
        code_at: None,
        text: None,
        class: C::NeedsUserAction,
        reason: Some(StatusReason::UserActionAtProvider),
        confirm: false,
    };
    let provider = Provider {
        rules: vec![rule],
        ..Provider::strict()
    };
    let class = |call, status, body| provider.class(call, status, &[], body);
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
fn error_shows_code_and_message_of_response_without_secrets() {
    let body = r#"{"error":"invalid_grant","error_description":"token hush-hush is\n dead"}"#;
    let header = "www-authenticate: Bearer error_description=\"hush-hush\"";
    let page = response(
        400,
        &[header, &format!("{CONTENT_TYPE}: text/html; hush-hush")],
        body,
    );
    let error = Provider::strict().failure(CallKind::Refresh, &page, &["hush-hush"]);
    let error = error.unwrap();
    assert_eq!(
        error.to_string(),
        "the provider no longer accepts the grant (status 400, invalid_grant); the provider says: \
         token [redacted] is\\n dead"
    );
    assert!(!format!("{error:?}").contains("hush"));
}

#[test]
fn code_that_repeats_secret_is_not_kept() {
    for body in [
        r#"{"error":"hush-hush"}"#,
        r#"{"error":{"code":"hush-hush"}}"#,
        r#"{"code":"bad_hush-hush"}"#,
    ] {
        let answer = response(400, &[], body);
        let error = Provider::strict().failure(CallKind::Refresh, &answer, &["hush-hush"]);
        let error = error.unwrap();
        assert_eq!(error.provider_code(), None, "{body}");
        assert!(!format!("{error} {error:?}").contains("hush"), "{body}");
    }
    let challenge = response(401, &["www-authenticate: Bearer error=\"hush-hush\""], "");
    let error = Provider::strict().failure(CallKind::Refresh, &challenge, &["hush-hush"]);
    assert_eq!(error.unwrap().provider_code(), None);
}
