//! Failed refreshes: retries, delays, wrong configuration and tokens that cannot be decrypted. The
//! provider rotates refresh tokens unless a test says otherwise.

use evergrant_model::{ConnectionStatus, ErrorCode, StatusReason};
use evergrant_sandbox::{Fault, FaultKind, acme_definition};
use evergrant_service::IntegrationsService;
use evergrant_testkit::{TestDatabase, on_both_databases};

use crate::harness::{
    ACME_LIFETIME_SECONDS, REFRESH, TestEnv, account_id, call, issue, read, slug,
};

on_both_databases!(
    refresh_is_retried_at_provider_without_rotation,
    scheduled_retries_back_off_to_one_hour,
    retry_after_also_delays_a_forced_refresh,
    refused_tcp_connection_is_tried_three_times_without_effect,
    wrong_client_secret_ends_no_grant,
    required_user_action_stops_refreshes_until_reconnect,
    refresh_token_under_unknown_key_is_kept_and_not_sent,
    undecryptable_access_token_is_recorded,
    undecodable_row_is_internal_error_not_outage,
);

/// Responds with this status `times` times.
fn respond(status: u16, times: u32) -> Fault {
    Fault::new("acme", REFRESH, FaultKind::Respond)
        .status(status)
        .times(times)
}

/// Returns an encrypted token that no key decrypts.
fn undecryptable_token() -> String {
    format!("{}:{}:00", "00".repeat(16), "00".repeat(16))
}

async fn refresh_is_retried_at_provider_without_rotation(database: TestDatabase) {
    let env = TestEnv::new(database).await;
    let (user, account) = env.connected_user("reddit").await;
    let attempts = [
        (Fault::new("reddit", REFRESH, FaultKind::Cut), 2),
        (
            Fault::new("reddit", REFRESH, FaultKind::Respond)
                .status(500)
                .times(2),
            3,
        ),
        (
            Fault::new("reddit", REFRESH, FaultKind::Html).status(200),
            2,
        ),
    ];
    let mut calls = 0;
    for (fault, expected_calls) in attempts {
        env.force(fault);
        assert!(env.refresh(user, "reddit", &account).await.is_ok());
        calls += expected_calls;
        assert_eq!(env.calls("reddit", REFRESH), calls);
    }
    env.sandbox.revoke_user("reddit", "juniper").unwrap();
    assert_eq!(
        env.refresh(user, "reddit", &account).await,
        Err(ErrorCode::ReconnectRequired)
    );
    assert_eq!(
        env.calls("reddit", REFRESH),
        calls + 2,
        "an ambiguous rejection is confirmed by a second call"
    );
}

async fn scheduled_retries_back_off_to_one_hour(database: TestDatabase) {
    let env = TestEnv::new(database).await;
    let (user, account) = env.connected_user("acme").await;
    env.advance_seconds(ACME_LIFETIME_SECONDS);
    env.force(respond(500, 1000));
    env.refresh_due().await;
    let mut delays = Vec::new();
    for attempt in 1..=11 {
        let next = env.row(user, "acme", &account).await.next_refresh_at;
        let delay = next.unwrap().since(env.now()).as_secs();
        delays.push(delay);
        env.advance_seconds(delay - 1);
        env.refresh_due().await;
        assert_eq!(
            env.calls("acme", REFRESH),
            attempt,
            "no call during the delay"
        );
        env.advance_seconds(1);
        env.refresh_due().await;
    }
    assert_eq!(
        delays,
        [15, 30, 60, 120, 240, 480, 960, 1920, 3600, 3600, 3600]
    );
    assert_eq!(env.events().await, ["connected", "error"], "one event");
}

async fn retry_after_also_delays_a_forced_refresh(database: TestDatabase) {
    let env = TestEnv::new(database).await;
    let (user, account) = env.connected_user("acme").await;
    env.force(respond(429, 1).header("retry-after", "600"));
    assert_eq!(
        env.refresh(user, "acme", &account).await,
        Err(ErrorCode::RateLimitError)
    );
    env.advance_seconds(599);
    assert_eq!(
        env.refresh(user, "acme", &account).await,
        Err(ErrorCode::RateLimitError)
    );
    assert_eq!(env.calls("acme", REFRESH), 1);
    assert!(
        env.read(user, "acme", &account).await.is_ok(),
        "the current token is served meanwhile"
    );
    env.advance_seconds(1);
    assert!(env.refresh(user, "acme", &account).await.is_ok());
    assert_eq!(env.calls("acme", REFRESH), 2);
}

async fn refused_tcp_connection_is_tried_three_times_without_effect(database: TestDatabase) {
    let env = TestEnv::new(database).await;
    let (user, account) = env.connected_user("acme").await;
    let unreachable = env.replica_without_token_endpoint().await;
    let error = unreachable
        .refresh_token(&call(), user, &slug("acme"), &account_id(&account))
        .await
        .unwrap_err();
    assert_eq!(
        (error.code(), env.entropy.draws()),
        (ErrorCode::NetworkError, 3)
    );
    assert_eq!(env.calls("acme", REFRESH), 0);
    assert!(
        env.refresh(user, "acme", &account).await.is_ok(),
        "the grant is unaffected"
    );
    assert_eq!(env.row(user, "acme", &account).await.failures, 0);
}

async fn wrong_client_secret_ends_no_grant(database: TestDatabase) {
    let env = TestEnv::new(database).await;
    let (user, account) = env.connected_user("acme").await;
    env.advance_seconds(ACME_LIFETIME_SECONDS);
    let replica = env
        .replica_with(&acme_definition(&env.sandbox_url).replace("simAcmeSecret", "wrong"))
        .await;
    for _ in 0..5 {
        let error = issue(&replica, user, "acme", &account, 0)
            .await
            .unwrap_err();
        assert_eq!(error.code(), ErrorCode::TokenRefreshError);
        env.advance_seconds(61);
    }
    let integration = env.integration(user).await;
    assert_eq!(
        (integration.status, integration.reason),
        (
            ConnectionStatus::Error,
            Some(StatusReason::ProviderUnavailable)
        ),
        "there is no other grant to compare with"
    );
    assert!(
        env.refresh(user, "acme", &account).await.is_ok(),
        "the grant works with the right secret"
    );
}

/// Starts a replica to which Acme's error `checkpoint` means that the user must act at the
/// provider.
async fn replica_with_checkpoint_rule(env: &TestEnv) -> IntegrationsService {
    let rule =
        "errors = [{ on = \"refresh\", code = \"checkpoint\", class = \"needs_user_action\" }]";
    env.replica_with(&format!("{}{rule}\n", acme_definition(&env.sandbox_url)))
        .await
}

/// Some providers reject all calls until the account's owner has signed in there again.
async fn required_user_action_stops_refreshes_until_reconnect(database: TestDatabase) {
    let env = TestEnv::new(database).await;
    let (user, account) = env.connected_user("acme").await;
    let service = replica_with_checkpoint_rule(&env).await;
    let read_again = async || read(&service, user, "acme", &account).await;
    let checkpoint = serde_json::json!({ "error": "checkpoint" });
    env.force(respond(400, 9).body(checkpoint));
    let error = service
        .refresh_token(&call(), user, &slug("acme"), &account_id(&account))
        .await
        .unwrap_err();
    assert_eq!(error.code(), ErrorCode::TokenRefreshError);
    let integration = env.integration(user).await;
    assert_eq!(
        (integration.status, integration.reason),
        (
            ConnectionStatus::Error,
            Some(StatusReason::UserActionAtProvider)
        )
    );
    env.advance_seconds(ACME_LIFETIME_SECONDS - 1);
    assert!(
        read_again().await.is_ok(),
        "the current token is served until it expires"
    );
    env.advance_seconds(1);
    assert_eq!(read_again().await, Err(ErrorCode::TokenRefreshError));
    service.process().drain().await;
    let calls = env.calls("acme", REFRESH);
    assert_eq!(calls, 1, "no refresh was attempted meanwhile");
    env.connect(user, "acme", "juniper").await;
    // Without background jobs the replica serves its cached row for 30 s.
    env.advance_seconds(31);
    assert!(
        read_again().await.is_ok(),
        "the connection works after the reconnect"
    );
}

async fn refresh_token_under_unknown_key_is_kept_and_not_sent(database: TestDatabase) {
    let env = TestEnv::new(database).await;
    let (user, account) = env.connected_user("acme").await;
    let token = undecryptable_token();
    env.database
        .execute(&format!(
            "UPDATE oauth_accounts SET refresh_token = '{token}'"
        ))
        .await;
    env.advance_seconds(ACME_LIFETIME_SECONDS);
    for _ in 0..3 {
        assert!(env.read(user, "acme", &account).await.is_err());
    }
    let integration = env.integration(user).await;
    assert_eq!(
        (integration.status, integration.reason),
        (ConnectionStatus::Error, Some(StatusReason::DecryptionError))
    );
    assert_eq!(
        env.refresh(user, "acme", &account).await,
        Err(ErrorCode::DecryptionError)
    );
    assert_eq!(env.calls("acme", REFRESH), 0);
    assert_eq!(
        env.row(user, "acme", &account)
            .await
            .tokens
            .refresh
            .unwrap()
            .as_str(),
        token,
        "the stored refresh token is kept"
    );
}

async fn undecryptable_access_token_is_recorded(database: TestDatabase) {
    let env = TestEnv::new(database).await;
    let (user, account) = env.connected_user("acme").await;
    let token = undecryptable_token();
    env.database
        .execute(&format!(
            "UPDATE oauth_accounts SET access_token = '{token}'"
        ))
        .await;
    let service = env.replica().await;
    let read = issue(&service, user, "acme", &account, 0).await;
    assert_eq!(read.unwrap_err().code(), ErrorCode::DecryptionError);
    assert_eq!(env.recorder.count("TokenUnreadable"), 1);
}

async fn undecodable_row_is_internal_error_not_outage(database: TestDatabase) {
    let env = TestEnv::new(database).await;
    let user = env.user().await;
    let flow = env.start_flow(user, "acme").await;
    env.database
        .execute("UPDATE evergrant_flows SET status = 'paused'")
        .await;
    let read = env.flow_state(user, flow.flow_id.as_str()).await;
    assert_eq!(read.unwrap_err().code(), ErrorCode::InternalError);
}
