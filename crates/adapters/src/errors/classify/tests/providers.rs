//! Responses of Instagram, TikTok and OnlyFans.

use super::*;

fn instagram() -> Provider {
    Provider::from_toml(include_str!("../../../../catalogue/instagram.toml"))
}

fn graph(code: i64, subcode: i64) -> String {
    format!(
        r#"{{"error":{{"message":"sim","type":"OAuthException","code":{code},"error_subcode":{subcode}}}}}"#
    )
}

/// Returns a Graph error without a subcode.
fn bare(code: i64) -> String {
    format!(r#"{{"error":{{"message":"(#{code}) sim","code":{code},"fbtrace_id":"SimTraceA1"}}}}"#)
}

#[test]
fn graph_exchange_and_refresh_errors_are_classified() {
    for (status, body, exchange, refresh) in [
        (400, graph(100, 36009), C::NeedsReauth, C::BadRequest),
        (400, graph(100, 36007), C::NeedsReauth, C::BadRequest),
        (400, graph(100, 36008), C::ConfigError, C::ConfigError),
        (400, bare(100), C::BadRequest, C::BadRequest),
        (400, bare(1), C::ConfigError, C::ConfigError),
        (400, bare(101), C::ConfigError, C::ConfigError),
        (400, bare(191), C::ConfigError, C::ConfigError),
        (400, graph(190, 463), C::NeedsReauth, C::NeedsReauth),
        (400, bare(190), C::NeedsReauth, C::NeedsReauth),
        (500, bare(1), C::Unknown, C::Transient),
        (500, bare(2), C::Unknown, C::Transient),
        (
            400,
            r#"{"error":{"code":1,"is_transient":true}}"#.to_owned(),
            C::Unknown,
            C::Transient,
        ),
        (200, bare(190), C::NeedsReauth, C::NeedsReauth),
        (500, "<html>".to_owned(), C::Unknown, C::Transient),
        (400, bare(9999), C::BadRequest, C::BadRequest),
    ] {
        assert_eq!(
            instagram().class(CallKind::Exchange, status, &[], &body),
            exchange,
            "{status} {body}"
        );
        assert_eq!(
            instagram().class(CallKind::Refresh, status, &[], &body),
            refresh,
            "{status} {body}"
        );
    }
}

#[test]
fn graph_profile_errors_are_classified() {
    for (status, code, class) in [
        (500, 1, C::Transient),
        (400, 1, C::Transient),
        (503, 2, C::Transient),
        (403, 3, C::ScopeMissing),
        (403, 10, C::ScopeMissing),
        (403, 200, C::ScopeMissing),
        (403, 299, C::ScopeMissing),
        (400, 4, C::RateLimited),
        (403, 17, C::RateLimited),
        (429, 32, C::RateLimited),
        (400, 341, C::RateLimited),
        (400, 613, C::RateLimited),
        (400, 80_001, C::RateLimited),
        (403, 80_002, C::RateLimited),
        (400, 100, C::BadRequest),
        (400, 101, C::ConfigError),
        (401, 102, C::TokenExpired),
        (401, 190, C::TokenExpired),
        (400, 368, C::NeedsUserAction),
        (403, 300, C::Blocked),
    ] {
        assert_eq!(
            instagram().class(CallKind::Profile, status, &[], &bare(code)),
            class,
            "{status} {code}"
        );
    }
    let limited = r#"{"error":{"code":4,"is_transient":true}}"#;
    assert_eq!(
        instagram().class(CallKind::Profile, 400, &[], limited),
        C::RateLimited,
        "a rate limit may be marked transient"
    );
    assert_eq!(
        instagram().class(CallKind::Profile, 400, &[], &graph(100, 33)),
        C::BadRequest
    );
}

#[test]
fn graph_subcode_determines_class_and_reason_of_invalid_token() {
    use StatusReason as R;
    let (reauth, user) = (C::NeedsReauth, C::NeedsUserAction);
    for (subcode, profile, refresh, reason) in [
        (458, reauth, reauth, R::RevokedByUser),
        (459, user, user, R::UserActionAtProvider),
        (460, reauth, reauth, R::RefreshTokenInvalid),
        (463, C::TokenExpired, reauth, R::SessionEnded),
        (464, user, user, R::UserActionAtProvider),
        (467, C::TokenExpired, reauth, R::RefreshTokenInvalid),
        (492, reauth, reauth, R::RefreshTokenInvalid),
    ] {
        let error_response = response(400, &[], &graph(190, subcode));
        assert_eq!(
            instagram()
                .classify(CallKind::Profile, &error_response)
                .class(),
            profile,
            "{subcode}"
        );
        let error = instagram().classify(CallKind::Refresh, &error_response);
        assert_eq!(
            (error.class(), error.reason()),
            (refresh, Some(reason)),
            "{subcode}"
        );
        assert_eq!(error.provider_code(), Some("190"));
    }
}

#[test]
fn rate_limited_graph_call_waits_for_longest_stated_minutes() {
    let usage = |minutes: &str| {
        format!(
            r#"x-business-use-case-usage: {{"1":[{{"type":"instagram","call_count":100,"estimated_time_to_regain_access":3}}],"1":[{{"type":"instagram","estimated_time_to_regain_access": {minutes}}}]}}"#
        )
    };
    let wait = |header: &str, code| {
        instagram()
            .classify(CallKind::Profile, &response(400, &[header], &bare(code)))
            .retry_after()
            .map(|wait| wait.as_secs())
    };
    assert_eq!(wait(&usage("7"), 80_002), Some(420));
    assert_eq!(wait(&usage("0"), 80_002), Some(180));
    assert_eq!(wait(&usage("99999999999"), 80_002), None);
    assert_eq!(
        wait(&usage("7"), 100),
        None,
        "the header alone is not a rate limit"
    );
    assert_eq!(wait("x-app-usage: {\"call_count\":100}", 4), None);
}

#[test]
fn instagram_login_flat_errors_are_classified() {
    let login = Provider::from_toml(include_str!("../../../../catalogue/instagram-login.toml"));
    let flat =
        |code| format!(r#"{{"error_type":"OAuthException","code":{code},"error_message":"sim"}}"#);
    assert_eq!(
        login.class(CallKind::Exchange, 400, &[], &flat(400)),
        C::BadRequest
    );
    assert_eq!(
        login.class(CallKind::Exchange, 200, &[], &flat(400)),
        C::BadRequest
    );
    assert_eq!(
        login.class(CallKind::Exchange, 429, &[], &flat(429)),
        C::RateLimited
    );
    assert_eq!(
        login.class(CallKind::Refresh, 400, &[], &bare(100)),
        C::BadRequest,
        "the token is too young to be refreshed"
    );
    assert_eq!(
        login.class(CallKind::Refresh, 400, &[], &graph(190, 463)),
        C::NeedsReauth
    );
    assert_eq!(
        login.class(CallKind::Profile, 400, &[], &graph(190, 463)),
        C::TokenExpired
    );
}

#[test]
fn tiktok_token_errors_are_classified_with_any_status() {
    let tiktok = Provider::from_toml(include_str!("../../../../catalogue/tiktok.toml"));
    for (code, class) in [
        ("invalid_grant", C::NeedsReauth),
        ("invalid_client", C::ConfigError),
        ("invalid_scope", C::ConfigError),
        ("unauthorized_client", C::ConfigError),
        ("unsupported_grant_type", C::ConfigError),
        ("unsupported_response_type", C::ConfigError),
        ("invalid_request", C::BadRequest),
        ("access_denied", C::BadRequest),
        ("server_error", C::Unknown),
        ("temporarily_unavailable", C::Unknown),
        ("rate_limit_exceeded", C::RateLimited),
    ] {
        for status in [200, 400] {
            let body = format!(
                r#"{{"error":"{code}","error_description":"sim","log_id":"20260101SIM01"}}"#
            );
            assert_eq!(
                tiktok.class(CallKind::Exchange, status, &[], &body),
                class,
                "{status} {code}"
            );
            assert_eq!(
                tiktok.class(CallKind::Refresh, status, &[], &body),
                class,
                "{status} {code}"
            );
        }
    }
}

#[test]
fn tiktok_profile_errors_are_classified_wrapped_or_bare() {
    let tiktok = Provider::from_toml(include_str!("../../../../catalogue/tiktok.toml"));
    for (status, code, class) in [
        (401, "access_token_invalid", C::TokenExpired),
        (401, "scope_not_authorized", C::ScopeMissing),
        (400, "scope_permission_missed", C::ScopeMissing),
        (400, "invalid_params", C::BadRequest),
        (400, "invalid_file_upload", C::BadRequest),
        (429, "rate_limit_exceeded", C::RateLimited),
        (500, "internal_error", C::Transient),
    ] {
        let bare = format!(r#"{{"code":"{code}","message":"sim","log_id":"1"}}"#);
        let wrapped = format!(r#"{{"data":{{}},"error":{bare}}}"#);
        assert_eq!(
            tiktok.class(CallKind::Profile, status, &[], &bare),
            class,
            "{bare}"
        );
        assert_eq!(
            tiktok.class(CallKind::Profile, status, &[], &wrapped),
            class,
            "{wrapped}"
        );
        assert_eq!(
            tiktok.class(CallKind::Profile, 200, &[], &wrapped),
            class,
            "200 {wrapped}"
        );
    }
}

#[test]
fn onlyfans_session_errors_are_classified() {
    let onlyfans = Provider::from_toml(include_str!("../../../../catalogue/onlyfans.toml"));
    for (status, body, class) in [
        (
            400,
            r#"{"error":{"code":0,"message":"sim"}}"#,
            C::NeedsReauth,
        ),
        (401, "", C::NeedsReauth),
        (403, "<html>", C::Blocked),
        (429, "", C::RateLimited),
        (503, "", C::Transient),
        (504, "", C::Transient),
    ] {
        let error = onlyfans.classify(CallKind::Profile, &response(status, &[], body));
        assert_eq!(error.class(), class, "{status}");
        assert_eq!(
            error.needs_confirmation(),
            class == C::NeedsReauth,
            "{status}"
        );
        assert_eq!(
            error.reason(),
            (class == C::NeedsReauth).then_some(StatusReason::SessionEnded),
            "{status}"
        );
    }
}
