//! A11: every kind of response to a refresh, and its effect on the caller, on the connection and on
//! the next attempt. The access token has expired and the provider rotates refresh tokens.

use evergrant_model::{ConnectionStatus, ErrorCode, SignedDuration, StatusReason};
use evergrant_sandbox::{Fault, FaultKind};
use evergrant_testkit::{TestDatabase, on_both_databases};

use crate::harness::{ACME_LIFETIME_SECONDS, REFRESH, TestEnv, issue};

on_both_databases!(a11_each_refresh_response_has_its_class);

type Status = (ConnectionStatus, Option<StatusReason>);

const EXPIRED: Status = (
    ConnectionStatus::Expired,
    Some(StatusReason::RefreshTokenInvalid),
);
const UNAVAILABLE: Status = (
    ConnectionStatus::Error,
    Some(StatusReason::ProviderUnavailable),
);

/// A response and its expected effect.
struct Case {
    name: &'static str,
    fault: Fault,
    /// Number of calls to the token endpoint.
    calls: u64,
    /// Error code of the read.
    code: ErrorCode,
    status: Status,
    /// Delay of the next scheduled attempt in seconds. `None` if there is none.
    next: Option<i64>,
    /// Delay in seconds until a read causes the next attempt. `None` if none does.
    retry: Option<i64>,
    /// Kind of the new event. `None` if there is none.
    event: Option<&'static str>,
}

/// Responds with this status nine times, more than any case calls.
fn respond(status: u16) -> Fault {
    Fault::new("acme", REFRESH, FaultKind::Respond)
        .status(status)
        .times(9)
}

/// Responds with an OAuth error (RFC 6749 §5.2).
fn oauth_error(status: u16, code: &str) -> Fault {
    respond(status).body(serde_json::json!({ "error": code }))
}

/// Returns a case in which the grant has ended.
fn terminal(name: &'static str, fault: Fault) -> Case {
    Case {
        name,
        fault,
        calls: 1,
        code: ErrorCode::ReconnectRequired,
        status: EXPIRED,
        next: None,
        retry: None,
        event: Some("expired"),
    }
}

/// Returns a case in which the response does not tell what is at fault.
fn refused(name: &'static str, fault: Fault) -> Case {
    Case {
        code: ErrorCode::TokenRefreshError,
        ..unknown(name, fault)
    }
}

/// Returns a case in which the request was sent and its outcome is unknown.
fn unknown(name: &'static str, fault: Fault) -> Case {
    Case {
        name,
        fault,
        calls: 1,
        code: ErrorCode::ProviderUnavailable,
        status: UNAVAILABLE,
        next: Some(15),
        retry: Some(1),
        event: Some("error"),
    }
}

/// Returns a case in which the provider has not processed the request, so it is retried at once.
fn unprocessed(name: &'static str, fault: Fault) -> Case {
    Case {
        calls: 3,
        ..unknown(name, fault)
    }
}

/// Returns the case with a rate limit, which does not affect the connection.
fn rate_limited(case: Case) -> Case {
    Case {
        code: ErrorCode::RateLimitError,
        status: (
            ConnectionStatus::Connected,
            Some(StatusReason::RefreshRetrying),
        ),
        ..case
    }
}

fn terminal_cases() -> Vec<Case> {
    vec![
        terminal("400 invalid_grant", oauth_error(400, "invalid_grant")),
        terminal("200 invalid_grant", oauth_error(200, "invalid_grant")),
        terminal(
            "403 interaction_required",
            oauth_error(403, "interaction_required"),
        ),
    ]
}

fn refused_cases() -> Vec<Case> {
    vec![
        refused("400 invalid_client", oauth_error(400, "invalid_client")),
        refused("401 invalid_client", oauth_error(401, "invalid_client")),
        refused("401", respond(401)),
        refused("403", respond(403)),
        refused("403 forbidden", oauth_error(403, "forbidden")),
        refused("404", respond(404)),
        refused("400 invalid_request", oauth_error(400, "invalid_request")),
        refused("400 unknown error", oauth_error(400, "something_new")),
        refused("403 scope", oauth_error(403, "insufficient_scope")),
    ]
}

fn unknown_cases() -> Vec<Case> {
    let page = Fault::new("acme", REFRESH, FaultKind::Html).times(9);
    let empty = Fault::new("acme", REFRESH, FaultKind::Empty).times(9);
    let cut = Fault::new("acme", REFRESH, FaultKind::Cut);
    let redirect = respond(307).header("location", "http://127.0.0.1:1/");
    vec![
        unknown("408", respond(408)),
        unknown("500", respond(500)),
        unknown("502", page.clone().status(502)),
        unknown("503", respond(503)),
        unknown("200 with an HTML page", page.clone().status(200)),
        unknown("200 with an empty body", empty.status(200)),
        unknown(
            "200 without a token",
            respond(200).body(serde_json::json!({ "token_type": "Bearer" })),
        ),
        unknown(
            "200 with truncated JSON",
            respond(200).body("{\"access_token\":\"abc".into()),
        ),
        unknown(
            "200 with duplicate members",
            respond(200).body("{\"access_token\":\"a\",\"access_token\":\"b\"}".into()),
        ),
        Case {
            code: ErrorCode::NetworkError,
            ..unknown("a response cut off", cut)
        },
        unknown("400 with an HTML page", page.clone().status(400)),
        unknown("403 with an HTML page", page),
        unknown("a redirect", redirect),
    ]
}

fn retry_cases() -> Vec<Case> {
    let (short, long) = (
        respond(429).header("retry-after", "1"),
        respond(429).header("retry-after", "600"),
    );
    vec![
        unprocessed(
            "503 with Retry-After",
            respond(503).header("retry-after", "0"),
        ),
        Case {
            next: Some(1),
            ..rate_limited(unknown("429", respond(429)))
        },
        Case {
            next: Some(1),
            ..rate_limited(unknown("429 with a short Retry-After", short))
        },
        Case {
            next: Some(600),
            retry: Some(600),
            ..rate_limited(unknown("429 with a long Retry-After", long))
        },
    ]
}

async fn a11_each_refresh_response_has_its_class(database: TestDatabase) {
    let env = TestEnv::new(database).await;
    let cases = [
        terminal_cases(),
        refused_cases(),
        unknown_cases(),
        retry_cases(),
    ];
    for case in cases.into_iter().flatten() {
        assert_effect(&env, case).await;
        // Any circuit breaker that this has opened admits a probe by now.
        env.advance_seconds(3600);
    }
}

/// Reads an expired token and asserts the effect of the response to its refresh.
async fn assert_effect(env: &TestEnv, case: Case) {
    let name = case.name;
    env.sandbox.reset().unwrap();
    let (user, account) = env.connected_user("acme").await;
    env.advance_seconds(ACME_LIFETIME_SECONDS);
    env.force(case.fault);
    let error = issue(&env.service, user, "acme", &account, 0)
        .await
        .unwrap_err();
    let row = env.row(user, "acme", &account).await;
    assert_eq!(
        (error.code(), env.calls("acme", REFRESH)),
        (case.code, case.calls),
        "{name}"
    );
    assert_eq!((row.status, row.reason), case.status, "{name}");
    let at =
        |delay: Option<i64>| delay.map(|seconds| env.now() + SignedDuration::from_secs(seconds));
    assert_eq!(
        (row.next_refresh_at, row.retry_at),
        (at(case.next), at(case.retry)),
        "{name}"
    );
    assert_eq!(
        error.retry_after(),
        case.retry.map(SignedDuration::from_secs),
        "{name}"
    );
    assert_eq!((row.lease.generation, row.failures), (1, 1), "{name}");
    assert_eq!(
        env.events().await.last().map(String::as_str),
        Some(case.event.unwrap_or("connected")),
        "{name}"
    );
    env.disconnect(user, "acme", &account).await.unwrap();
}
