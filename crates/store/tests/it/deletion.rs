//! Deleting a user: every grant is queued, every cache hears of it, and nothing stays but that
//! news.

use std::sync::atomic::{AtomicU32, Ordering};

use evergrant_model::{ProviderAccountId, ProviderSlug, SessionId, UserId};
use evergrant_store::{FlowEnd, FlowStatus, NewRevocation, NewSession, PendingGrant, Store};
use evergrant_testkit::{TestDatabase, on_both_databases};
use serde_json::Value;

use crate::support::{
    Consent, FlowSeed, at, connect, new_user, revocation, sealed, trace, version,
};

on_both_databases!(
    nothing_of_a_deleted_user_stays,
    every_grant_is_queued_as_planned,
    caches_hear_of_every_connection_and_of_the_user,
    a_user_without_connections_is_announced_too,
    deleting_nobody_writes_nothing,
);

fn plan() -> impl Fn(&ProviderSlug, &Value) -> Option<NewRevocation> {
    let next = AtomicU32::new(0);
    move |provider, _facts| {
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
    let flow = FlowSeed::of(user, "tiktok").begin(store).await;
    let (access_token, refresh_token) = (sealed("parked access"), Some(sealed("parked refresh")));
    let grant = PendingGrant {
        access_token,
        refresh_token,
        facts: Value::Null,
        accounts: Value::Null,
    };
    let end = FlowEnd::Pending {
        status: FlowStatus::Pending,
        grant: &grant,
        receipt_hash: b"hash",
        finish_by: at(300),
    };
    assert!(
        store
            .flows()
            .settle(&flow.flow(store).await, &end, at(0))
            .await
            .unwrap()
    );
}

/// A user with a bit of everything.
async fn user_with_everything(store: &Store) -> UserId {
    let user = new_user(store).await;
    for (platform, name) in [
        ("reddit", "juniper"),
        ("reddit", "robin"),
        ("onlyfans", "kim"),
    ] {
        Consent::of(user, platform, name).store(store).await;
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
            idle_until: None,
        })
        .await
        .unwrap();
    user
}

async fn nothing_of_a_deleted_user_stays(database: TestDatabase) {
    let store = database.store().await;
    connect(&store, "reddit", "somebody else").await;
    let before = database.contents().await;
    let user = user_with_everything(&store).await;
    assert!(delete(&store, user).await);
    assert!(store.users().by_id(user).await.unwrap().is_none());
    let mut after = database.contents().await;
    for told in ["evergrant_events", "evergrant_revocations"] {
        assert!(
            after.remove(told).is_some_and(|rows| !rows.is_empty()),
            "{told}"
        );
    }
    for (table, rows) in after {
        assert_eq!(rows, before[&table], "{table}");
    }
    assert!(
        !delete(&store, user).await,
        "there is nobody left to delete"
    );
}

async fn every_grant_is_queued_as_planned(database: TestDatabase) {
    const QUEUED: &str = "SELECT provider || ': ' || access_token || ', ' || refresh_token
        FROM evergrant_revocations ORDER BY 1";
    let store = database.store().await;
    connect(&store, "reddit", "somebody else").await;
    let user = user_with_everything(&store).await;
    let empty = "user_id, provider, provider_account_id";
    database
        .execute(&format!(
            "INSERT INTO oauth_accounts ({empty}) VALUES ({}, 'reddit', 'empty')",
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
        "neither what the plan leaves out nor what holds no token"
    );
}

async fn caches_hear_of_every_connection_and_of_the_user(database: TestDatabase) {
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
    let mut told: Vec<_> = events
        .iter()
        .map(|event| {
            (
                event.provider.as_ref().map(ProviderSlug::as_str),
                event.account.as_ref().map(ProviderAccountId::as_str),
            )
        })
        .collect();
    told.sort_unstable();
    let of = |platform, name| (Some(platform), Some(name));
    assert_eq!(
        told,
        [
            (None, None),
            of("onlyfans", "kim"),
            of("reddit", "juniper"),
            of("reddit", "robin")
        ]
    );
}

async fn a_user_without_connections_is_announced_too(database: TestDatabase) {
    let store = database.store().await;
    let user = new_user(&store).await;
    assert!(delete(&store, user).await);
    let events = store.events().after(0, 10).await.unwrap();
    assert_eq!(events.len(), 1);
    assert_eq!((events[0].user, &events[0].account), (Some(user), &None));
}

async fn deleting_nobody_writes_nothing(database: TestDatabase) {
    let store = database.store().await;
    user_with_everything(&store).await;
    let before = database.contents().await;
    assert!(!delete(&store, UserId::try_from(77).unwrap()).await);
    assert_eq!(database.contents().await, before);
}
