//! Times that a process with a wrong clock has stored are not believed, so that they do no harm
//! once the clock is right.

use evergrant_adapters::{Block, BlockKind};
use evergrant_model::{
    AccessToken, ConnectionStatus, ErrorCode, SignedDuration, StatusReason, UserId,
};
use evergrant_sandbox::{Fault, FaultKind, acme_definition};
use evergrant_service::{JobName, ReportOutcome};
use evergrant_store::ProviderBlock;
use evergrant_testkit::{TestDatabase, on_both_databases};

use crate::harness::{
    ACME_LIFETIME_SECONDS, REFRESH, TestEnv, account_id, call, read, reconcile, run_replica_jobs,
    slug,
};

on_both_databases!(
    token_with_a_future_issue_time_is_refreshed_when_it_is_read,
    token_with_a_future_issue_time_is_served_if_its_refresh_fails,
    token_with_a_future_issue_time_is_old_enough_for_a_refresh,
    report_about_a_token_with_a_future_issue_time_refreshes_it,
    pause_that_is_longer_than_any_does_not_delay_a_refresh,
    provider_block_that_is_longer_than_any_is_shortened,
    queued_revocation_with_a_time_far_ahead_is_attempted,
    connection_ends_once_two_runs_a_minute_apart_agree,
);

const DAY_SECONDS: i64 = 24 * 3600;

/// Moves the times in these columns of a table ahead.
async fn move_ahead(database: &TestDatabase, table: &str, columns: &[&str], seconds: i64) {
    for column in columns {
        let later = if database.is_postgres() {
            format!("{column} + interval '{seconds} seconds'")
        } else {
            format!("{column} + {seconds} * 1000")
        };
        let update = format!("UPDATE {table} SET {column} = {later}");
        database.execute(&update).await;
    }
}

/// Makes the stored token look as if a process had refreshed it whose clock was ahead.
async fn store_ahead(env: &TestEnv, seconds: i64) {
    move_ahead(&env.database, "oauth_accounts", &["expires_at"], seconds).await;
    let columns = ["issued_at", "next_refresh_at"];
    move_ahead(&env.database, "evergrant_connections", &columns, seconds).await;
}

async fn token_with_a_future_issue_time_is_refreshed_when_it_is_read(database: TestDatabase) {
    let env = TestEnv::new(database).await;
    let (user, account) = env.connected_user("acme").await;
    store_ahead(&env, 2 * ACME_LIFETIME_SECONDS).await;
    env.advance_seconds(ACME_LIFETIME_SECONDS);
    for _ in 0..3 {
        let token = env.read(user, "acme", &account).await.unwrap();
        assert!(env.is_accepted(&token).await);
    }
    assert_eq!(env.calls("acme", REFRESH), 1);
    let tokens = env.row(user, "acme", &account).await.tokens;
    let end = env.now() + SignedDuration::from_secs(ACME_LIFETIME_SECONDS);
    assert_eq!(tokens.issued_at, Some(env.now()));
    assert_eq!(tokens.expires_at, Some(end));
}

async fn token_with_a_future_issue_time_is_served_if_its_refresh_fails(database: TestDatabase) {
    let env = TestEnv::new(database).await;
    let (user, account) = env.connected_user("acme").await;
    let stored = env.stored_token(user, &account).await;
    store_ahead(&env, ACME_LIFETIME_SECONDS).await;
    env.force(Fault::new("acme", REFRESH, FaultKind::Respond).status(500));
    assert_eq!(env.read(user, "acme", &account).await, stored);
    assert_eq!(env.calls("acme", REFRESH), 1);
}

async fn token_with_a_future_issue_time_is_old_enough_for_a_refresh(database: TestDatabase) {
    let env = TestEnv::new(database).await;
    let (user, account) = env.connected_user("acme").await;
    let not_before = "tokens.refresh_not_before_seconds = 1800\n";
    let definition = format!("{}{not_before}", acme_definition(&env.sandbox_url));
    let replica = env.replica_with(&definition).await;
    let (acme, account) = (slug("acme"), account_id(&account));
    let refresh = async || {
        replica
            .refresh_token(&call(), user, &acme, &account)
            .await
            .map_err(|error| error.code())
    };
    assert_eq!(refresh().await, Err(ErrorCode::RateLimitError));
    store_ahead(&env, 2 * ACME_LIFETIME_SECONDS).await;
    env.advance_seconds(1800);
    let end = env.now() + SignedDuration::from_secs(ACME_LIFETIME_SECONDS);
    assert_eq!(refresh().await, Ok(Some(end)));
}

async fn report_about_a_token_with_a_future_issue_time_refreshes_it(database: TestDatabase) {
    let env = TestEnv::new(database).await;
    let (user, account) = env.connected_user("acme").await;
    let stored = env.stored_token(user, &account).await.unwrap();
    store_ahead(&env, ACME_LIFETIME_SECONDS).await;
    let (acme, account) = (slug("acme"), account_id(&account));
    let report = env
        .service
        .rejected_tokens()
        .report(&call(), user, &acme, &account, &AccessToken::new(&stored))
        .await
        .unwrap();
    assert_eq!(report.outcome, ReportOutcome::Refreshed);
}

async fn pause_that_is_longer_than_any_does_not_delay_a_refresh(database: TestDatabase) {
    let env = TestEnv::new(database).await;
    let (user, account) = env.connected_user("acme").await;
    env.advance_seconds(ACME_LIFETIME_SECONDS);
    env.force(Fault::new("acme", REFRESH, FaultKind::Respond).status(500));
    env.read(user, "acme", &account).await.unwrap_err();
    let columns = ["retry_at", "next_refresh_at"];
    let table = "evergrant_connections";
    move_ahead(&env.database, table, &columns, 20 * DAY_SECONDS).await;
    let replica = env.replica().await;
    let paused = read(&replica, user, "acme", &account).await;
    assert!(
        paused.is_err(),
        "a platform may state a pause of this length"
    );
    move_ahead(&env.database, table, &columns, 380 * DAY_SECONDS).await;
    let replica = env.replica().await;
    let token = read(&replica, user, "acme", &account).await;
    assert!(env.is_accepted(&token.unwrap()).await);
}

async fn provider_block_that_is_longer_than_any_is_shortened(database: TestDatabase) {
    let env = TestEnv::new(database).await;
    let (user, account) = env.connected_user("acme").await;
    env.advance_seconds(ACME_LIFETIME_SECONDS);
    let wrong = env.now() + SignedDuration::from_hours(1);
    let block = ProviderBlock {
        provider: slug("acme"),
        scope: Block::REFRESHES.to_owned(),
        kind: BlockKind::Registration.as_str().to_owned(),
        blocked_at: wrong,
        blocked_until: wrong + SignedDuration::from_secs(15),
        consecutive_trips: 1,
    };
    env.store.provider_blocks().block(&block).await.unwrap();
    run_replica_jobs(&env.service).await.unwrap();
    env.read(user, "acme", &account).await.unwrap_err();
    assert_eq!(env.calls("acme", REFRESH), 0);
    for _ in 0..4 {
        env.advance_seconds(100);
        run_replica_jobs(&env.service).await.unwrap();
    }
    let token = env.read(user, "acme", &account).await.unwrap();
    assert!(env.is_accepted(&token).await);
    let blocks = env.store.provider_blocks().all().await.unwrap();
    assert_eq!(blocks, [], "the refresh was the probe");
}

async fn queued_revocation_with_a_time_far_ahead_is_attempted(database: TestDatabase) {
    let env = TestEnv::new(database).await;
    let (user, account) = env.connected_user("acme").await;
    env.force(Fault::new("acme", "revoke", FaultKind::Respond).status(500));
    env.disconnect(user, "acme", &account).await.unwrap();
    let columns = ["next_attempt_at", "expires_at"];
    let table = "evergrant_revocations";
    move_ahead(&env.database, table, &columns, 400 * DAY_SECONDS).await;
    let run = env.service.process().run_job(JobName::Revocations).await;
    assert_eq!(run.unwrap().items, 1);
    let queued = "SELECT id FROM evergrant_revocations";
    assert_eq!(env.database.texts(queued).await.len(), 0);
}

/// Runs the job that changes the status of connections. Returns the stored status.
async fn status_after_run(env: &TestEnv, user: UserId, account: &str) -> ConnectionStatus {
    let run = env.service.process().run_job(JobName::Expiry).await;
    run.unwrap();
    env.row(user, "acme", account).await.status
}

async fn connection_ends_once_two_runs_a_minute_apart_agree(database: TestDatabase) {
    let env = TestEnv::new(database).await;
    let expires_at = env.now() + SignedDuration::from_secs(ACME_LIFETIME_SECONDS);
    let (user, accounts) = env.user_with_accounts("acme", 1, expires_at).await;
    let without = "UPDATE oauth_accounts SET refresh_token = NULL";
    env.database.execute(without).await;
    reconcile(&env.service).await.unwrap();
    env.advance_seconds(400 * DAY_SECONDS);
    let connected = ConnectionStatus::Connected;
    assert_eq!(status_after_run(&env, user, &accounts[0]).await, connected);
    env.advance_seconds(-400 * DAY_SECONDS);
    assert_eq!(status_after_run(&env, user, &accounts[0]).await, connected);
    env.advance_seconds(ACME_LIFETIME_SECONDS);
    for seconds in [0, 15, 44] {
        env.advance_seconds(seconds);
        let status = status_after_run(&env, user, &accounts[0]).await;
        assert_eq!(status, connected, "{seconds} seconds later");
    }
    env.advance_seconds(1);
    let status = status_after_run(&env, user, &accounts[0]).await;
    assert_eq!(status, ConnectionStatus::Expired);
    let reason = env.row(user, "acme", &accounts[0]).await.reason;
    assert_eq!(reason, Some(StatusReason::SessionEnded));
}
