//! Responses at the edges of the rules: each row is the only one that a small change would break.

use super::*;

/// Responses of a provider that rotates refresh tokens.
const REFRESH: &[Row] = &[
    (400, &[], r#"{"error":"login_required"}"#, C::NeedsReauth),
    (400, &[], r#"{"error":"consent_required"}"#, C::NeedsReauth),
    (400, &[], r#"{"error":"invalid_code"}"#, C::NeedsReauth),
    (400, &[], r#"{"error":"internal_server_error"}"#, C::Unknown),
    (400, &[], r#"{"error":"request_timeout"}"#, C::Unknown),
    (400, &[], r#"{"error":"service_unavailable"}"#, C::Unknown),
    (425, &[], "", C::Unknown),
    (425, &[], r#"{"error":"invalid_grant"}"#, C::Unknown),
    (405, &[], "", C::ConfigError),
    (
        400,
        &[],
        r#"{"error":"redirect_uri_mismatch"}"#,
        C::ConfigError,
    ),
    (410, &[], "", C::ConfigError),
    (415, &[], "", C::ConfigError),
    (200, &[], r#"{"error":302}"#, C::BadRequest),
    (200, &[], r#"{"error":503}"#, C::Unknown),
    (200, &[], r#"{"error":600}"#, C::BadRequest),
    (400, &[], r#"{"error":503}"#, C::BadRequest),
];

#[test]
fn rare_codes_and_statuses_of_a_refresh_are_classified() {
    Provider::strict().assert_classes(CallKind::Refresh, REFRESH);
}

#[test]
fn code_exchange_and_profile_read_the_same_answers_differently() {
    let provider = Provider::strict();
    let exchange = |body| provider.class(CallKind::Exchange, 400, &[], body);
    assert_eq!(exchange(r#"{"error":"invalid_code"}"#), C::BadRequest);
    let profile = |challenge| provider.class(CallKind::Profile, 401, &[challenge], "");
    assert_eq!(profile("www-authenticate: Bearer"), C::TokenExpired);
    assert_eq!(
        profile("www-authenticate: BASIC realm=\"x\""),
        C::ConfigError
    );
}

#[test]
fn reported_code_is_the_most_distinct_one() {
    let bearer = "www-authenticate: Bearer error=\"invalid_token\"";
    for (headers, body, expected) in [
        (&[][..], r#"{"error":400}"#, Some("400")),
        (&[bearer][..], r#"{"error":400}"#, Some("invalid_token")),
        (
            &[bearer],
            r#"{"error":{"message":"x"}}"#,
            Some("invalid_token"),
        ),
        (&[bearer], r#"{"error":"other"}"#, Some("other")),
        (&[], r#"{"code":"a","code":"b"}"#, None),
        (&[], r#"{"code":"a"}"#, Some("a")),
    ] {
        let error = Provider::strict().classify(CallKind::Refresh, &response(400, headers, body));
        assert_eq!(error.provider_code(), expected, "{headers:?} {body}");
    }
}

#[test]
fn object_with_the_code_zero_reports_no_error() {
    for body in [r#"{"error":{"code":0}}"#, r#"{"error":{"code":"0"}}"#] {
        let document = Document::parse(body.as_bytes()).unwrap();
        assert_eq!(error_code(&response(200, &[], body), &document), None);
    }
}

#[test]
fn refusal_in_a_web_page_is_not_one_of_the_api() {
    let refusal = |headers| {
        let response = response(403, headers, "{}");
        let error = Provider::strict().classify(CallKind::Refresh, &response);
        error.is_refusal()
    };
    assert!(refusal(&[]));
    assert!(!refusal(&["content-type: text/html"]));
}

#[test]
fn denied_revocation_is_found_three_levels_deep() {
    let denied = |body| {
        let response = response(200, &[], body);
        let failure = Provider::strict().failure(CallKind::Revoke, &response, &[]);
        failure.is_some()
    };
    assert!(denied(r#"{"revoked":false}"#));
    assert!(denied(r#"{"a":{"b":{"revoked":false}}}"#));
    assert!(!denied(r#"{"a":{"b":{"c":{"revoked":false}}}}"#));
}

#[test]
fn revocation_is_denied_in_every_usual_word() {
    for (body, is_denied) in [
        (r#"{"revoked":"no"}"#, true),
        (r#"{"revoked":"0"}"#, true),
        (r#"{"revoked":"yes"}"#, false),
        (r#"{"status":"fail"}"#, true),
        (r#"{"status":"ERROR"}"#, true),
        (r#"{"status":"done"}"#, false),
        ("FALSE", true),
        ("TRUE", false),
    ] {
        let response = response(200, &[], body);
        let failure = Provider::strict().failure(CallKind::Revoke, &response, &[]);
        assert_eq!(failure.is_some(), is_denied, "{body}");
    }
}

/// Returns a provider with one rule, which calls the answer blocked.
fn provider(change: impl FnOnce(&mut ErrorRule)) -> Provider {
    let mut rule = ErrorRule {
        on: None,
        status: None,
        code: None,
        code_at: None,
        text: None,
        class: C::Blocked,
        reason: None,
        confirm: false,
    };
    change(&mut rule);
    Provider {
        rules: vec![rule],
        ..Provider::strict()
    }
}

#[test]
fn rule_reads_booleans_and_no_ambiguous_value_at_its_pointer() {
    let dead = provider(|rule| {
        rule.code_at = Some("/dead".to_owned());
        rule.code = Some("true".to_owned());
    });
    let class = |body| dead.class(CallKind::Refresh, 400, &[], body);
    assert_eq!(class(r#"{"dead":true}"#), C::Blocked);
    assert_eq!(class(r#"{"dead":false}"#), C::BadRequest);
    assert_eq!(class(r#"{"dead":false,"dead":true}"#), C::BadRequest);
}

#[test]
fn rule_contradicts_a_success_only_if_it_names_the_status() {
    let body = r#"{"access_token":"a","note":"revoked"}"#;
    for status in [None, Some(200)] {
        let provider = provider(|rule| {
            rule.text = Some("revoked".to_owned());
            rule.status = status;
        });
        let answer = response(200, &[], body);
        let failure = provider.failure(CallKind::Refresh, &answer, &[]);
        assert_eq!(failure.is_some(), status.is_some(), "{status:?}");
    }
}
