//! Reconnects, disconnects, deletions and shutdown while a call to the provider is in flight.

use std::future::ready;

use evergrant_model::{ConnectionStatus, ErrorCode, UserId};
use evergrant_sandbox::{Fault, FaultKind};
use evergrant_testkit::{TestDatabase, on_both_databases};
use tokio::task::{JoinHandle, JoinSet};

use crate::harness::{REFRESH, TestEnv, account_id, call, read, reconcile, slug};

on_both_databases!(
    reconnect_during_refresh_is_not_overwritten,
    rejection_of_old_grant_does_not_affect_new_grant,
    disconnect_during_refresh_leaves_no_grant,
    user_deletion_during_flow_leaves_no_grant,
    drain_waits_for_refresh_in_flight,
    queued_refresh_does_not_start_after_shutdown_begins,
);

/// Starts a refresh that reaches the provider, whose response the sandbox holds.
async fn start_held_refresh(
    env: &TestEnv,
    user: UserId,
    account: &str,
) -> JoinHandle<Result<(), ErrorCode>> {
    env.fault("acme", REFRESH, FaultKind::Hold);
    let (service, account) = (env.service.clone(), account.to_owned());
    let refresh = tokio::spawn(async move {
        let refreshed = service
            .refresh_token(&call(), user, &slug("acme"), &account_id(&account))
            .await;
        refreshed.map(drop).map_err(|error| error.code())
    });
    env.wait_for_calls("acme", REFRESH, 1).await;
    refresh
}

async fn reconnect_during_refresh_is_not_overwritten(database: TestDatabase) {
    let env = TestEnv::new(database).await;
    let (user, account) = env.connected_user("acme").await;
    let refresh = start_held_refresh(&env, user, &account).await;
    env.connect(user, "acme", "juniper").await;
    let newest = env.read(user, "acme", &account).await;
    env.sandbox.release();
    assert_eq!(
        refresh.await.unwrap(),
        Ok(()),
        "a newer token satisfies the request"
    );
    assert_eq!(env.read(user, "acme", &account).await, newest);
    assert_eq!(env.row(user, "acme", &account).await.lease.generation, 2);
    assert!(
        env.refresh(user, "acme", &account).await.is_ok(),
        "the stored refresh token is the one of the reconnect"
    );
}

async fn rejection_of_old_grant_does_not_affect_new_grant(database: TestDatabase) {
    let env = TestEnv::new(database).await;
    let user = env.user().await;
    let account = env
        .connect_misbehaving(user, "acme", "refresh-refused")
        .await;
    let refresh = start_held_refresh(&env, user, &account).await;
    env.connect(user, "acme", "juniper").await;
    env.sandbox.release();
    assert_eq!(refresh.await.unwrap(), Ok(()));
    assert_eq!(
        env.integration(user).await.status,
        ConnectionStatus::Connected
    );
    assert!(env.refresh(user, "acme", &account).await.is_ok());
}

/// The provider has already replaced the tokens that the disconnect revokes.
async fn disconnect_during_refresh_leaves_no_grant(database: TestDatabase) {
    let env = TestEnv::new(database).await;
    let (user, account) = env.connected_user("acme").await;
    let refresh = start_held_refresh(&env, user, &account).await;
    env.disconnect(user, "acme", &account).await.unwrap();
    env.sandbox.release();
    assert_eq!(refresh.await.unwrap(), Err(ErrorCode::AccountNotFound));
    assert_eq!(
        env.sandbox.revoke_user("acme", "juniper").unwrap(),
        0,
        "no grant is left at the provider"
    );
    assert_eq!(
        env.read(user, "acme", &account).await,
        Err(ErrorCode::AccountNotFound)
    );
}

async fn user_deletion_during_flow_leaves_no_grant(database: TestDatabase) {
    let env = TestEnv::new(database).await;
    for bound in [false, true] {
        let user = env.user().await;
        let flow = if bound {
            env.start_bound_flow(user, "acme").await
        } else {
            env.start_flow(user, "acme").await
        };
        let (service, redirect) = (env.service.clone(), env.consent(&flow, "juniper"));
        env.fault("acme", "userinfo", FaultKind::Hold);
        let callback = tokio::spawn(async move {
            service
                .handle_oauth_callback(&call(), &slug("acme"), redirect)
                .await
                .map(drop)
        });
        env.wait_for_calls("acme", "userinfo", 1 + u64::from(bound))
            .await;
        env.service.users().delete(&call(), user).await.unwrap();
        env.sandbox.release();
        let _ = callback.await.unwrap();
        assert_eq!(
            env.sandbox.revoke_user("acme", "juniper").unwrap(),
            0,
            "no grant is left; bound: {bound}"
        );
    }
}

async fn drain_waits_for_refresh_in_flight(database: TestDatabase) {
    let env = TestEnv::new(database).await;
    let (user, account) = env.connected_user("acme").await;
    let refresh = start_held_refresh(&env, user, &account).await;
    refresh.abort();
    let mut drained = Box::pin(env.service.process().drain());
    tokio::select! {
        biased;
        () = &mut drained => panic!("drained while a refresh is in flight"),
        () = ready(()) => {}
    }
    env.sandbox.release();
    drained.await;
    assert_eq!(env.row(user, "acme", &account).await.lease.generation, 2);
}

async fn queued_refresh_does_not_start_after_shutdown_begins(database: TestDatabase) {
    let env = TestEnv::new(database).await;
    let limit = env.service.settings().refresh_concurrency;
    let (user, accounts) = env.user_with_accounts("acme", limit + 1, env.now()).await;
    reconcile(&env.service).await.unwrap();
    env.force(Fault::new("acme", REFRESH, FaultKind::Hold).times(1000));
    let mut readers = JoinSet::new();
    for account in accounts {
        let service = env.service.clone();
        readers.spawn(async move { read(&service, user, "acme", &account).await });
    }
    let limit = limit as u64;
    env.wait_for_calls("acme", REFRESH, limit).await;
    env.service.process().begin_shutdown();
    let mut answers = env.release_during(readers.join_all()).await;
    answers.retain(Result::is_err);
    assert_eq!(answers, [Err(ErrorCode::Overloaded)]);
    assert_eq!(env.calls("acme", REFRESH), limit);
}
