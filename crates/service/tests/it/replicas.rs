//! Several replicas over one database: each refresh is one call by one replica, and the newest
//! tokens are kept.

use evergrant_model::{ConnectionStatus, ErrorCode, SignedDuration, StatusReason};
use evergrant_sandbox::{Fault, FaultKind, RefreshMode, Switch, acme_definition};
use evergrant_service::IntegrationsService;
use evergrant_testkit::{TestDatabase, on_both_databases};
use tokio::task::JoinSet;

use crate::harness::{
    ACME_LIFETIME_SECONDS, REFRESH, TestEnv, account_id, call, read, reconcile, slug,
    start_due_refreshes,
};

on_both_databases!(
    a5_three_replicas_make_one_call_per_expired_token,
    a5_due_refresh_is_claimed_by_one_of_three_replicas,
    a6_response_after_lease_expiry_changes_nothing,
    a6_late_failure_is_not_reported_as_success,
    lease_of_dead_process_is_taken_over_after_it_expires,
);

async fn a5_three_replicas_make_one_call_per_expired_token(database: TestDatabase) {
    let env = TestEnv::new(database).await;
    let (user, accounts) = env.user_with_accounts("acme", 20, env.now()).await;
    reconcile(&env.service).await.unwrap();
    let replicas = [
        env.service.clone(),
        env.replica().await,
        env.replica().await,
    ];
    let mut readers = JoinSet::new();
    for account in accounts.iter().cycle().take(20 * 20) {
        for replica in &replicas {
            let (replica, account) = (replica.clone(), account.clone());
            readers.spawn(async move {
                (
                    account.clone(),
                    read(&replica, user, "acme", &account).await.unwrap(),
                )
            });
        }
    }
    for (account, token) in readers.join_all().await {
        assert_eq!(
            env.stored_token(user, &account).await,
            Ok(token),
            "token of {account}"
        );
    }
    assert_eq!(env.calls("acme", REFRESH), 20);
}

async fn a5_due_refresh_is_claimed_by_one_of_three_replicas(database: TestDatabase) {
    let env = TestEnv::new(database).await;
    env.user_with_accounts(
        "acme",
        60,
        env.now() + SignedDuration::from_secs(ACME_LIFETIME_SECONDS),
    )
    .await;
    reconcile(&env.service).await.unwrap();
    let replicas = [
        env.service.clone(),
        env.replica().await,
        env.replica().await,
    ];
    assert_eq!(env.refresh_due().await, 0, "nothing is due yet");
    env.advance_seconds(ACME_LIFETIME_SECONDS - 300);
    let mut total = 0;
    // All replicas claim at once, round by round, until a round finds nothing. No two replicas
    // claim the same connection.
    loop {
        let (one, two, three) = tokio::join!(
            start_due_refreshes(&replicas[0]),
            start_due_refreshes(&replicas[1]),
            start_due_refreshes(&replicas[2])
        );
        let claimed = one.unwrap() + two.unwrap() + three.unwrap();
        for replica in &replicas {
            replica.process().drain().await;
        }
        if claimed == 0 {
            break;
        }
        total += claimed;
    }
    assert_eq!((total, env.calls("acme", REFRESH)), (60, 60));
}

/// The provider accepts the same refresh token twice within its replay window, so both attempts
/// succeed there.
async fn a6_response_after_lease_expiry_changes_nothing(database: TestDatabase) {
    let env = TestEnv::new(database).await;
    let with_replay_window = format!(
        "{}tokens.replay_window_seconds = 60\n",
        acme_definition(&env.sandbox_url)
    );
    let rotation = Switch::RefreshToken(RefreshMode::RotateGrace);
    env.sandbox.set("acme", rotation).unwrap();
    let (user, account) = env.connected_user("acme").await;
    let slow = env.replica_with(&with_replay_window).await;
    let quick = env.replica_with(&with_replay_window).await;
    env.force(Fault::new("acme", REFRESH, FaultKind::Hold));
    env.advance_seconds(ACME_LIFETIME_SECONDS);
    let paused = tokio::spawn({
        let account = account.clone();
        async move { read(&slow, user, "acme", &account).await }
    });
    env.wait_for_calls("acme", REFRESH, 1).await;
    env.advance_seconds(21);
    let newest = read(&quick, user, "acme", &account).await.unwrap();
    assert_eq!(env.calls("acme", REFRESH), 2);
    assert_eq!(
        env.release_during(paused).await.unwrap().as_ref(),
        Ok(&newest),
        "the slow replica returns the newer token"
    );
    assert_eq!(env.stored_token(user, &account).await, Ok(newest));
    assert_eq!(env.row(user, "acme", &account).await.lease.generation, 2);
    let forced = quick
        .refresh_token(&call(), user, &slug("acme"), &account_id(&account))
        .await;
    assert!(forced.is_ok(), "the grant is alive");
    assert_eq!(env.events().await, ["connected", "refreshed", "refreshed"]);
}

/// The slow replica's result is discarded, because another replica has taken the lease. Its own
/// token has expired, so it must report a failure.
async fn a6_late_failure_is_not_reported_as_success(database: TestDatabase) {
    let env = TestEnv::new(database).await;
    let user = env.user().await;
    let account = env
        .connect_misbehaving(user, "acme", "refresh-refused")
        .await;
    let (slow, quick) = (env.replica().await, env.replica().await);
    env.advance_seconds(ACME_LIFETIME_SECONDS);
    env.force(Fault::new("acme", REFRESH, FaultKind::Hold).times(2));
    let spawn_read = |replica: IntegrationsService| {
        let account = account.clone();
        tokio::spawn(async move { read(&replica, user, "acme", &account).await })
    };
    let paused = spawn_read(slow);
    env.wait_for_calls("acme", REFRESH, 1).await;
    env.advance_seconds(21);
    let other = spawn_read(quick);
    env.wait_for_calls("acme", REFRESH, 2).await;
    for answer in env
        .release_during(async { [paused.await.unwrap(), other.await.unwrap()] })
        .await
    {
        assert_eq!(answer, Err(ErrorCode::ReconnectRequired));
    }
}

async fn lease_of_dead_process_is_taken_over_after_it_expires(database: TestDatabase) {
    let env = TestEnv::new(database).await;
    let (user, account) = env.connected_user("acme").await;
    env.advance_seconds(ACME_LIFETIME_SECONDS);
    let (dying, process) = (env.replica().await, tokio::runtime::Runtime::new().unwrap());
    env.force(Fault::new("acme", REFRESH, FaultKind::Respond).latency_ms(600_000));
    process.spawn({
        let account = account.clone();
        async move { read(&dying, user, "acme", &account).await }
    });
    env.wait_for_calls("acme", REFRESH, 1).await;
    // This is equivalent to a kill: no task of the process continues.
    process.shutdown_background();
    let waiting = tokio::spawn({
        let (replica, account) = (env.replica().await, account.clone());
        async move { read(&replica, user, "acme", &account).await }
    });
    let lease = env.row(user, "acme", &account).await.lease;
    assert!(lease.lease_expires_at_ms.is_some());
    assert_eq!(
        env.calls("acme", REFRESH),
        1,
        "no other replica calls while the lease is valid"
    );
    env.advance_seconds(21);
    // The provider has not processed the first request, so the second succeeds. If it had, the
    // grant would be lost.
    assert!(waiting.await.unwrap().is_ok());
    assert_eq!(env.calls("acme", REFRESH), 2);
    let integration = env.integration(user).await;
    assert_eq!(
        (integration.status, integration.reason),
        (ConnectionStatus::Connected, None::<StatusReason>)
    );
}
