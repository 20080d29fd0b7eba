//! Deleting a user: all rows are deleted, revocations are queued, and events are written.

use std::sync::atomic::{AtomicU32, Ordering};

use evergrant_model::{ProviderAccountId, ProviderSlug, SessionId, UserId};
use evergrant_store::{FlowOutcome, FlowStatus, NewRevocation, NewSession, PendingGrant, Store};
use evergrant_testkit::{TestDatabase, on_both_databases};
use serde_json::Value;

use crate::support::{
    Consent, FlowFixture, at, connect, encrypted, new_user, revocation, trace, version,
};

on_both_databases!(
    user_deletion_removes_all_rows,
    user_deletion_queues_planned_revocations,
    user_deletion_writes_event_for_user_and_each_connection,
    deletion_of_user_without_connections_writes_event,
    deletion_of_unknown_user_writes_nothing,
);

/// Plans a revocation for each grant, except at one provider.
fn plan() -> impl Fn(&ProviderSlug, &Value) -> Option<NewRevocation> {
    let next = AtomicU32::new(0);
    move |provider, _metadata| {
        let id = format!("r{}", next.fetch_add(1, Ordering::SeqCst));
        (provider.as_str() != "onlyfans").then(|| revocation(&id, provider.as_str()))
    }
}

async fn delete(store: &Store, user: UserId) -> bool {
    store
        .users()
        .delete(user, &trace("bye"), at(100), plan())
        .await
        .unwrap()
}

async fn park(store: &Store, user: UserId) {
    let flow = FlowFixture::of(user, "tiktok").insert(store).await;
    let (access_token, refresh_token) = (
        encrypted("parked access"),
        Some(encrypted("parked refresh")),
    );
    let grant = PendingGrant {
        access_token,
        refresh_token,
        token_details: Value::Null,
        accounts: Value::Null,
    };
    let outcome = FlowOutcome::Pending {
        status: FlowStatus::Pending,
        grant: &grant,
        receipt_hash: b"hash",
        finish_expires_at: at(300),
    };
    assert!(
        store
            .flows()
            .record_outcome(&flow.flow(store).await, &outcome, at(0))
            .await
            .unwrap()
    );
}

/// Creates a user with connections, a parked flow and a session.
async fn user_with_everything(store: &Store) -> UserId {
    let user = new_user(store).await;
    for (provider, name) in [
        ("reddit", "juniper"),
        ("reddit", "robin"),
        ("onlyfans", "kim"),
    ] {
        Consent::of(user, provider, name).store(store).await;
    }
    park(store, user).await;
    let id = SessionId::new(format!("session-{}", user.get())).unwrap();
    let (created_at, expires_at) = (at(0), at(900));
    store
        .sessions()
        .insert(&NewSession {
            id: &id,
            user,
            secret_hash: b"hash",
            created_at,
            expires_at,
            idle_expires_at: None,
            return_url: None,
        })
        .await
        .unwrap();
    user
}

async fn user_deletion_removes_all_rows(database: TestDatabase) {
    let store = database.store().await;
    connect(&store, "reddit", "account of another user").await;
    let before = database.contents().await;
    let user = user_with_everything(&store).await;
    assert!(delete(&store, user).await);
    assert!(store.users().by_id(user).await.unwrap().is_none());
    let mut after = database.contents().await;
    for written in ["evergrant_events", "evergrant_revocations"] {
        assert!(
            after.remove(written).is_some_and(|rows| !rows.is_empty()),
            "{written}"
        );
    }
    for (table, rows) in after {
        assert_eq!(rows, before[&table], "{table}");
    }
    assert!(!delete(&store, user).await, "the user does not exist");
}

async fn user_deletion_queues_planned_revocations(database: TestDatabase) {
    const QUEUED: &str = "SELECT provider || ': ' || access_token || ', ' || refresh_token
        FROM evergrant_revocations ORDER BY 1";
    let store = database.store().await;
    connect(&store, "reddit", "account of another user").await;
    let user = user_with_everything(&store).await;
    let columns = "user_id, provider, provider_account_id";
    database
        .execute(&format!(
            "INSERT INTO oauth_accounts ({columns}) VALUES ({}, 'reddit', 'empty')",
            user.get()
        ))
        .await;
    assert!(delete(&store, user).await);
    assert_eq!(
        database.texts(QUEUED).await,
        [
            "reddit: access of juniper, refresh of juniper",
            "reddit: access of robin, refresh of robin",
            "tiktok: parked access, parked refresh",
        ],
        "without the grants that the plan leaves out and rows without tokens"
    );
}

async fn user_deletion_writes_event_for_user_and_each_connection(database: TestDatabase) {
    let store = database.store().await;
    let user = user_with_everything(&store).await;
    let (newest, last) = (
        store.events().newest_id().await.unwrap(),
        version(&store, user).await,
    );
    assert!(delete(&store, user).await);
    let events = store.events().after(newest, 10).await.unwrap();
    assert!(events.iter().all(|event| event.user == Some(user)));
    let versions: Vec<_> = events.iter().map(|event| event.version).collect();
    assert_eq!(versions, [last + 1, last + 2, last + 3, last + 4]);
    let mut accounts: Vec<_> = events
        .iter()
        .map(|event| {
            (
                event.provider.as_ref().map(ProviderSlug::as_str),
                event.account.as_ref().map(ProviderAccountId::as_str),
            )
        })
        .collect();
    accounts.sort_unstable();
    let of = |provider, name| (Some(provider), Some(name));
    assert_eq!(
        accounts,
        [
            (None, None),
            of("onlyfans", "kim"),
            of("reddit", "juniper"),
            of("reddit", "robin")
        ]
    );
}

async fn deletion_of_user_without_connections_writes_event(database: TestDatabase) {
    let store = database.store().await;
    let user = new_user(&store).await;
    assert!(delete(&store, user).await);
    let events = store.events().after(0, 10).await.unwrap();
    assert_eq!(events.len(), 1);
    assert_eq!((events[0].user, &events[0].account), (Some(user), &None));
}

async fn deletion_of_unknown_user_writes_nothing(database: TestDatabase) {
    let store = database.store().await;
    user_with_everything(&store).await;
    let before = database.contents().await;
    assert!(!delete(&store, UserId::try_from(77).unwrap()).await);
    assert_eq!(database.contents().await, before);
}
