//! The words of platforms in callbacks: declined authorizations, granted scopes and errors.

use std::io::Write;
use std::sync::{Arc, Mutex};

use evergrant_model::{ConnectionStatus, ErrorCode, StatusReason};
use evergrant_sandbox::{Fault, FaultKind};
use evergrant_service::ErrorDetails;
use evergrant_testkit::{TestDatabase, on_both_databases};
use serde_json::json;
use tracing_subscriber::util::SubscriberInitExt;

use crate::harness::{EXCHANGE, JUNIPER, REFRESH, TestEnv, connected, failed, params};

on_both_databases!(
    declined_authorization_is_recognized_in_other_words,
    ended_grant_is_recognized_in_other_words,
    scopes_in_callback_count_if_token_response_lists_none,
    scopes_granted_under_other_names_are_not_missing,
);

async fn declined_authorization_is_recognized_in_other_words(database: TestDatabase) {
    let env = TestEnv::new(database).await;
    let user = env.user().await;
    let details = |reason: &str, code: &str| ErrorDetails {
        reason: Some(reason.to_owned()),
        code: Some(code.to_owned()),
        ..ErrorDetails::default()
    };
    let (denied, other) = (ErrorCode::OauthDenied, ErrorCode::OauthCallbackError);
    for (error, details, code) in [
        ("user_cancelled_login", ErrorDetails::default(), denied),
        ("user_cancelled_authorize", ErrorDetails::default(), denied),
        ("200", details("user_denied", "200"), denied),
        ("server_error", ErrorDetails::default(), other),
        ("200", details("app_not_live", "200"), other),
    ] {
        let flow = env.start_flow(user, "acme").await;
        let mut redirect = params(&env.sandbox.deny(&flow.auth_url).unwrap());
        redirect.error = Some(error.to_owned());
        redirect.error_details = details;
        let outcome = env.callback("acme", redirect).await.unwrap();
        assert_eq!(failed(&outcome), code, "{error}");
    }
    assert_eq!(env.calls("acme", EXCHANGE), 0);
}

async fn ended_grant_is_recognized_in_other_words(database: TestDatabase) {
    let env = TestEnv::new(database).await;
    let vectors = include_str!("../../../adapters/tests/vectors/dead_grants.json");
    let vectors: Vec<serde_json::Value> = serde_json::from_str(vectors).unwrap();
    for vector in vectors {
        let (user, account) = env.connected_user("acme").await;
        let status = u16::try_from(vector["status"].as_u64().unwrap()).unwrap();
        // A second attempt confirms an answer that only describes the failure.
        let calls = vector["calls"].as_u64().unwrap();
        let times = u32::try_from(calls).unwrap();
        let fault = Fault::new("acme", REFRESH, FaultKind::Respond).times(times);
        env.force(fault.status(status).body(vector["body"].clone()));
        let calls_before = env.calls("acme", REFRESH);
        let error = env.refresh(user, "acme", &account).await.unwrap_err();
        assert_eq!(error, ErrorCode::ReconnectRequired, "{vector}");
        assert_eq!(env.calls("acme", REFRESH) - calls_before, calls, "{vector}");
        let integration = env.integration(user).await;
        let found = (integration.status, integration.reason);
        let reason = Some(StatusReason::RefreshTokenInvalid);
        assert_eq!(found, (ConnectionStatus::Expired, reason), "{vector}");
        env.disconnect(user, "acme", &account).await.unwrap();
    }
}

/// Makes Acme answer the next exchange with these members beside an access token, and the next
/// profile request with Juniper's profile.
fn answer_exchange(env: &TestEnv, members: &serde_json::Value) {
    let mut tokens =
        json!({"access_token": "made-up", "refresh_token": "made-up-too", "expires_in": 3600});
    let members = members.as_object().unwrap().clone();
    tokens.as_object_mut().unwrap().extend(members);
    let respond = |endpoint: &str, body| {
        let fault = Fault::new("acme", endpoint, FaultKind::Respond);
        env.force(fault.status(200).body(body));
    };
    respond(EXCHANGE, tokens);
    respond("userinfo", json!({"sub": JUNIPER}));
}

async fn scopes_in_callback_count_if_token_response_lists_none(database: TestDatabase) {
    let env = TestEnv::new(database).await;
    for (members, in_callback, missing) in [
        (json!({}), Some("openid"), vec!["profile"]),
        (json!({"scope": "profile"}), Some("openid"), vec!["openid"]),
        (json!({}), Some(""), vec![]),
        (json!({}), None, vec![]),
    ] {
        let user = env.user().await;
        let flow = env.start_flow(user, "acme").await;
        let mut redirect = env.consent(&flow, "juniper");
        redirect.scope = in_callback.map(str::to_owned);
        answer_exchange(&env, &members);
        let account = connected(&env.callback("acme", redirect).await.unwrap());
        let integration = env.integration(user).await;
        assert_eq!(
            integration.missing_scopes, missing,
            "{members} {in_callback:?}"
        );
        let remark = (!missing.is_empty()).then_some(StatusReason::ScopeMissing);
        assert_eq!(integration.reason, remark, "{members} {in_callback:?}");
        env.disconnect(user, "acme", &account).await.unwrap();
    }
}

async fn scopes_granted_under_other_names_are_not_missing(database: TestDatabase) {
    let env = TestEnv::new(database).await;
    let user = env.user().await;
    let flow = env.start_flow(user, "acme").await;
    let redirect = env.consent(&flow, "juniper");
    answer_exchange(
        &env,
        &json!({"scope": "https://graph.microsoft.com/Profile OPENID"}),
    );
    connected(&env.callback("acme", redirect).await.unwrap());
    let integration = env.integration(user).await;
    assert_eq!(integration.missing_scopes, Vec::<String>::new());
    assert_eq!(integration.reason, None);
}

/// Captures the log.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Log {
    /// Removes and returns the lines that contain `text`.
    fn take(&self, text: &str) -> Vec<String> {
        let bytes = std::mem::take(&mut *self.0.lock().unwrap());
        let lines = String::from_utf8(bytes).unwrap();
        let found = lines.lines().filter(|line| line.contains(text));
        found.map(str::to_owned).collect()
    }
}

/// Runs on one thread, so that every line of every task reaches this test's subscriber.
#[tokio::test]
async fn log_contains_what_the_platform_reports() {
    let log = Log::default();
    let writer = log.clone();
    let _second = tracing::Dispatch::new(tracing_subscriber::registry());
    let _guard = tracing_subscriber::fmt()
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .finish()
        .set_default();
    let env = TestEnv::new(TestDatabase::sqlite()).await;
    let user = env.user().await;
    let flow = env.start_flow(user, "acme").await;
    let mut redirect = params(&env.sandbox.deny(&flow.auth_url).unwrap());
    let state = redirect.state.expose().to_owned();
    redirect.error = Some("invalid_request".to_owned());
    redirect.error_details.description = Some(format!("nonce required\r\nlevel=ERROR {state}"));
    env.callback("acme", redirect).await.unwrap();
    let lines = log.take("authorization flow failed");
    assert_eq!(lines.len(), 1, "{lines:?}");
    let said = r"the platform reports invalid_request: nonce required\\r\\nlevel=ERROR [redacted]";
    assert!(lines[0].contains(said), "{}", lines[0]);
    assert!(lines[0].contains("correlation_id=test-correlation"));

    let flow = env.start_flow(user, "acme").await;
    let redirect = env.consent(&flow, "juniper");
    let code = redirect.code.as_ref().unwrap().expose().to_owned();
    let body = json!({"error": "invalid_request", "error_description": format!("no code {code}")});
    let fault = Fault::new("acme", EXCHANGE, FaultKind::Respond);
    env.force(fault.status(400).body(body));
    env.callback("acme", redirect).await.unwrap();
    let lines = log.take("authorization flow failed");
    assert_eq!(lines.len(), 1, "{lines:?}");
    let said = "(status 400, invalid_request); the provider says: no code [redacted]";
    assert!(lines[0].contains(said), "{}", lines[0]);
}
