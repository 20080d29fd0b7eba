//! What one process does, the others hear of: caches, waiters and lists.

use std::time::Duration;

use evergrant_model::ErrorCode;
use evergrant_sandbox::{Fault, FaultKind};
use evergrant_service::IntegrationsService;
use evergrant_testkit::{
    ExternalAccount, TestDatabase, cipher, insert_accounts, on_both_databases, on_postgres,
};

use crate::harness::{ACME_LIFE_S, REFRESH, Stand};
use crate::outcomes::{call, read, reconcile, until};

on_postgres!(
    a23_what_another_replica_disconnects_is_read_no_more_even_where_the_bell_is_lost,
    a23_a_change_rings_and_a_ring_is_heard_at_once,
);
on_both_databases!(
    a23_what_another_replica_disconnects_is_read_no_more,
    to_wait_for_another_replica_costs_the_platform_nothing,
    what_another_program_does_to_the_shared_tables_is_noticed,
);

/// A replica as a program that serves runs it.
async fn serving(stand: &Stand) -> IntegrationsService {
    let service = stand.twin().await;
    let house = service.clone();
    tokio::spawn(async move { house.process().run(std::future::pending()).await });
    until(async || service.process().health().await.polls > 0).await;
    service
}

/// A replica has looked twice at the outbox: the first look may have begun before what it is to
/// see.
async fn has_looked(service: &IntegrationsService) {
    let before = service.process().health().await.polls;
    until(async || service.process().health().await.polls >= before + 2).await;
}

async fn disconnected_elsewhere(stand: &Stand, lose_bell: bool) {
    let (user, account) = stand.user_with("acme").await;
    let (reader, other) = (serving(stand).await, serving(stand).await);
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
    if lose_bell {
        let bells = "SELECT pg_terminate_backend(pid)::text FROM pg_stat_activity
            WHERE datname = current_database() AND query LIKE 'LISTEN%'";
        assert!(stand.database.texts(bells).await.len() >= 2);
    }
    other
        .disconnect_integration(&call(), user, "acme", &account)
        .await
        .unwrap();
    has_looked(&reader).await;
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

async fn a23_what_another_replica_disconnects_is_read_no_more(database: TestDatabase) {
    disconnected_elsewhere(&Stand::new(database).await, false).await;
}

async fn a23_what_another_replica_disconnects_is_read_no_more_even_where_the_bell_is_lost(
    database: TestDatabase,
) {
    disconnected_elsewhere(&Stand::new(database).await, true).await;
}

async fn a23_a_change_rings_and_a_ring_is_heard_at_once(database: TestDatabase) {
    let stand = Stand::new(database).await;
    let (user, account) = stand.user_with("acme").await;
    let service = serving(&stand).await;
    let mut bell = stand.store.listen().await.unwrap().unwrap();
    service
        .disconnect_integration(&call(), user, "acme", &account)
        .await
        .unwrap();
    let rings = async {
        bell.notified().await.unwrap();
        // By itself it looks once a second, so without the bell this would take two minutes.
        for _ in 0..120 {
            let before = service.process().health().await.polls;
            stand.store.notify().await.unwrap();
            until(async || service.process().health().await.polls > before).await;
        }
    };
    // Far more than it takes.
    tokio::time::timeout(Duration::from_mins(1), rings)
        .await
        .unwrap();
}

/// Each piece of news wakes whoever waits, and a call is allowed for the renewal alone.
async fn to_wait_for_another_replica_costs_the_platform_nothing(database: TestDatabase) {
    let stand = Stand::new(database).await;
    let (user, account) = stand.user_with("acme").await;
    let other = stand.connect(user, "acme", "kiln").await;
    let (slow, waiting) = (stand.twin().await, serving(&stand).await);
    stand.force(Fault::new("acme", REFRESH, FaultKind::Hold));
    let holder = tokio::spawn({
        let account = account.clone();
        async move {
            slow.refresh_token(&call(), user, "acme", &account)
                .await
                .is_ok()
        }
    });
    stand.called("acme", REFRESH, 1).await;
    let two_left = Fault::new("acme", REFRESH, FaultKind::Latency)
        .latency_ms(1)
        .header("x-ratelimit-remaining", "2");
    stand.force(two_left.header("x-ratelimit-reset", "600"));
    assert!(
        waiting
            .refresh_token(&call(), user, "acme", &other)
            .await
            .is_ok()
    );
    let waiter = tokio::spawn({
        let (waiting, account) = (waiting.clone(), account.clone());
        async move {
            waiting
                .refresh_token(&call(), user, "acme", &account)
                .await
                .map(drop)
        }
    });
    let columns =
        "user_id, version, kind, provider, provider_account_id, correlation_id, created_at";
    let again = format!(
        "INSERT INTO evergrant_events ({columns})
        SELECT {columns} FROM evergrant_events WHERE provider_account_id = '{account}' ORDER BY id LIMIT 1"
    );
    for _ in 0..3 {
        stand.database.execute(&again).await;
        let before = waiting.process().health().await.polls;
        stand.store.notify().await.unwrap();
        until(async || waiting.process().health().await.polls > before).await;
    }
    stand.sandbox.release();
    assert!(holder.await.unwrap());
    waiter.await.unwrap().unwrap();
    assert_eq!(stand.calls("acme", REFRESH), 2);
}

async fn what_another_program_does_to_the_shared_tables_is_noticed(database: TestDatabase) {
    let stand = Stand::new(database).await;
    let (user, account) = stand.user_with("acme").await;
    let (reader, list) = (
        serving(&stand).await,
        async |service: &IntegrationsService| {
            service.connected_integrations(&call(), user).await.unwrap()
        },
    );
    let before = list(&reader).await;
    let foreign = |id: &str| ExternalAccount {
        user: user.get(),
        provider: "acme".to_owned(),
        id: id.to_owned(),
        tokens: stand.sandbox.tokens("acme", "kiln").unwrap(),
        expires_at: stand.now().plus_seconds(ACME_LIFE_S),
    };
    insert_accounts(&stand.database, &cipher(), &[foreign("theirs")]).await;
    reconcile(&stand.service).await.unwrap();
    has_looked(&reader).await;
    let added = list(&reader).await;
    assert_eq!(
        (added.integrations.len(), added.version),
        (2, before.version + 1),
        "an account was added"
    );

    let new = cipher()
        .encrypt_token(&stand.sandbox.tokens("acme", "juniper").unwrap().0)
        .unwrap();
    let update = format!(
        "UPDATE oauth_accounts SET access_token = '{}' WHERE provider_account_id = '{account}'",
        new.as_str()
    );
    stand.database.execute(&update).await;
    reconcile(&reader).await.unwrap();
    has_looked(&reader).await;
    assert_eq!(
        list(&reader).await.version,
        before.version + 2,
        "a token was replaced"
    );
    assert_eq!(
        read(&reader, user, "acme", &account).await,
        stand.stored(user, &account).await
    );

    stand
        .database
        .execute("DELETE FROM oauth_accounts WHERE provider_account_id = 'theirs'")
        .await;
    reconcile(&reader).await.unwrap();
    has_looked(&reader).await;
    let removed = list(&reader).await;
    assert_eq!(
        (removed.integrations.len(), removed.version),
        (1, before.version + 3),
        "one was removed"
    );
    assert_eq!(
        stand.events().await,
        ["connected", "connected", "refreshed", "disconnected"]
    );
}
