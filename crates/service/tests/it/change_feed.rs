//! The change feed: changes by one replica reach the caches, waiters and lists of the others.

use std::time::Duration;

use evergrant_model::{ErrorCode, SignedDuration, UserId};
use evergrant_sandbox::{Fault, FaultKind};
use evergrant_service::IntegrationsService;
use evergrant_testkit::{
    ExternalAccount, TestDatabase, cipher, insert_accounts, on_both_databases, on_postgres,
};

use crate::harness::{
    ACME_LIFETIME_SECONDS, REFRESH, TestEnv, account_id, call, read, reconcile, serving, slug,
    until, wait_for_polls,
};

on_postgres!(
    a23_remote_disconnect_is_seen_when_notifications_are_lost,
    a23_change_sends_notification_that_triggers_immediate_poll,
);
on_both_databases!(
    a23_remote_disconnect_is_seen_by_reads_and_lists,
    waiting_for_another_replica_consumes_no_rate_limit,
    changes_by_external_programs_are_detected,
);

/// Disconnects an account through one replica and reads it through another, which may lose its
/// `LISTEN` connection before.
async fn assert_remote_disconnect_is_seen(env: &TestEnv, lose_notifications: bool) {
    let (user, account) = env.connected_user("acme").await;
    let (reader, other) = (serving(env).await, serving(env).await);
    for _ in 0..100 {
        assert!(read(&reader, user, "acme", &account).await.is_ok());
    }
    assert_eq!(
        reader
            .connected_integrations(&call(), user)
            .await
            .unwrap()
            .integrations
            .len(),
        1
    );
    if lose_notifications {
        let terminate_listeners = "SELECT pg_terminate_backend(pid)::text FROM pg_stat_activity
            WHERE datname = current_database() AND query LIKE 'LISTEN%'";
        assert!(env.database.texts(terminate_listeners).await.len() >= 2);
    }
    other
        .disconnect_integration(&call(), user, &slug("acme"), &account_id(&account))
        .await
        .unwrap();
    wait_for_polls(&reader).await;
    assert_eq!(
        read(&reader, user, "acme", &account).await,
        Err(ErrorCode::AccountNotFound)
    );
    assert!(
        reader
            .connected_integrations(&call(), user)
            .await
            .unwrap()
            .integrations
            .is_empty()
    );
}

async fn a23_remote_disconnect_is_seen_by_reads_and_lists(database: TestDatabase) {
    assert_remote_disconnect_is_seen(&TestEnv::new(database).await, false).await;
}

async fn a23_remote_disconnect_is_seen_when_notifications_are_lost(database: TestDatabase) {
    assert_remote_disconnect_is_seen(&TestEnv::new(database).await, true).await;
}

async fn a23_change_sends_notification_that_triggers_immediate_poll(database: TestDatabase) {
    let env = TestEnv::new(database).await;
    let (user, account) = env.connected_user("acme").await;
    let service = serving(&env).await;
    let mut listener = env.store.listen("observer").await.unwrap().unwrap();
    service
        .disconnect_integration(&call(), user, &slug("acme"), &account_id(&account))
        .await
        .unwrap();
    let polls = async {
        listener.notified().await.unwrap();
        // The replica polls once a second on its own, so without notifications this would take two
        // minutes.
        for _ in 0..120 {
            let before = service.process().health().await.polls;
            env.store.notify().await.unwrap();
            until(async || service.process().health().await.polls > before).await;
        }
    };
    // Far longer than the polls take.
    tokio::time::timeout(Duration::from_mins(1), polls)
        .await
        .unwrap();
}

/// Every change wakes the waiting call. Waiting must not consume the provider's rate limit: two
/// calls are left, and both refreshes must succeed.
async fn waiting_for_another_replica_consumes_no_rate_limit(database: TestDatabase) {
    let env = TestEnv::new(database).await;
    let (user, account) = env.connected_user("acme").await;
    let other = env.connect(user, "acme", "kiln").await;
    let (slow, waiting) = (env.replica().await, serving(&env).await);
    let refresh = |service: &IntegrationsService, account: &str| {
        let (service, account) = (service.clone(), account.to_owned());
        tokio::spawn(async move {
            let refreshed = service
                .refresh_token(&call(), user, &slug("acme"), &account_id(&account))
                .await;
            refreshed.map(drop).map_err(|error| error.code())
        })
    };
    env.force(Fault::new("acme", REFRESH, FaultKind::Hold));
    let holder = refresh(&slow, &account);
    env.wait_for_calls("acme", REFRESH, 1).await;
    let two_left = Fault::new("acme", REFRESH, FaultKind::Latency)
        .latency_ms(1)
        .header("x-ratelimit-remaining", "2");
    env.force(two_left.header("x-ratelimit-reset", "600"));
    assert_eq!(refresh(&waiting, &other).await.unwrap(), Ok(()));
    let waiter = refresh(&waiting, &account);
    for _ in 0..3 {
        repeat_first_event(&env, &account).await;
        let before = waiting.process().health().await.polls;
        env.store.notify().await.unwrap();
        until(async || waiting.process().health().await.polls > before).await;
    }
    env.sandbox.release();
    assert_eq!(holder.await.unwrap(), Ok(()));
    assert_eq!(waiter.await.unwrap(), Ok(()));
    assert_eq!(env.calls("acme", REFRESH), 2);
}

/// Appends a copy of the account's first event to the outbox.
async fn repeat_first_event(env: &TestEnv, account: &str) {
    let columns =
        "user_id, version, kind, provider, provider_account_id, correlation_id, created_at";
    let insert = format!(
        "INSERT INTO evergrant_events ({columns})
        SELECT {columns} FROM evergrant_events WHERE provider_account_id = '{account}'
        ORDER BY id LIMIT 1"
    );
    env.database.execute(&insert).await;
}

async fn changes_by_external_programs_are_detected(database: TestDatabase) {
    let env = TestEnv::new(database).await;
    let (user, account) = env.connected_user("acme").await;
    let reader = serving(&env).await;
    let list = async || reader.connected_integrations(&call(), user).await.unwrap();
    let before = list().await.version;
    insert_external_account(&env, user).await;
    reconcile(&env.service).await.unwrap();
    wait_for_polls(&reader).await;
    let added = list().await;
    assert_eq!(
        (added.integrations.len(), added.version),
        (2, before + 1),
        "an account was added"
    );

    replace_access_token(&env, &account).await;
    reconcile(&reader).await.unwrap();
    wait_for_polls(&reader).await;
    assert_eq!(list().await.version, before + 2, "a token was replaced");
    assert_eq!(
        read(&reader, user, "acme", &account).await,
        env.stored_token(user, &account).await
    );

    let delete = "DELETE FROM oauth_accounts WHERE provider_account_id = 'external'";
    env.database.execute(delete).await;
    reconcile(&reader).await.unwrap();
    wait_for_polls(&reader).await;
    let removed = list().await;
    assert_eq!(
        (removed.integrations.len(), removed.version),
        (1, before + 3),
        "an account was removed"
    );
    assert_eq!(
        env.events().await,
        ["connected", "connected", "refreshed", "disconnected"]
    );
}

/// Adds an account to the shared table as an external program does.
async fn insert_external_account(env: &TestEnv, user: UserId) {
    let account = ExternalAccount {
        user: user.get(),
        provider: "acme".to_owned(),
        id: "external".to_owned(),
        tokens: env.sandbox.tokens("acme", "kiln").unwrap(),
        expires_at: env.now() + SignedDuration::from_secs(ACME_LIFETIME_SECONDS),
    };
    insert_accounts(&env.database, &cipher(), &[account]).await;
}

/// Replaces the access token of an account as an external program does.
async fn replace_access_token(env: &TestEnv, account: &str) {
    let (access, _) = env.sandbox.tokens("acme", "juniper").unwrap();
    let encrypted = cipher().encrypt_token(&access).unwrap();
    let update = format!(
        "UPDATE oauth_accounts SET access_token = '{}' WHERE provider_account_id = '{account}'",
        encrypted.as_str()
    );
    env.database.execute(&update).await;
}
