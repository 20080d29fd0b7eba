//! API keys: stored once, ended for good.

use evergrant_model::ApiKeyId;
use evergrant_store::NewApiKey;
use evergrant_testkit::{TestDatabase, on_both_databases};

use crate::support::at;

on_both_databases!(
    a_key_reads_back_as_it_was_made,
    a_public_half_is_never_used_twice,
    a_key_is_ended_once_and_for_good,
    a_use_is_noted_once_a_minute,
);

fn id(text: &str) -> ApiKeyId {
    ApiKeyId::new(text).unwrap()
}

fn key(id: &ApiKeyId) -> NewApiKey<'_> {
    NewApiKey {
        id,
        name: "the app",
        secret_hash: &[0, 255, 7],
        scopes: "read write",
        created_at: at(0),
    }
}

async fn a_key_reads_back_as_it_was_made(database: TestDatabase) {
    let store = database.store().await;
    let (second, first) = (id("a-second"), id("b-first"));
    assert!(
        store
            .api_keys()
            .insert(&NewApiKey {
                created_at: at(1),
                ..key(&second)
            })
            .await
            .unwrap()
    );
    assert!(store.api_keys().insert(&key(&first)).await.unwrap());
    let read = store.api_keys().by_id(&first).await.unwrap().unwrap();
    assert_eq!(
        (&read.id, read.name.as_str(), read.scopes.as_str()),
        (&first, "the app", "read write")
    );
    assert_eq!(
        (read.secret_hash.as_slice(), read.created_at),
        (&[0, 255, 7][..], at(0))
    );
    assert_eq!((read.last_used_at, read.revoked_at), (None, None));
    let all: Vec<_> = store
        .api_keys()
        .all()
        .await
        .unwrap()
        .into_iter()
        .map(|key| key.id)
        .collect();
    assert_eq!(all, [first, second], "oldest first");
    assert!(store.api_keys().by_id(&id("none")).await.unwrap().is_none());
}

async fn a_public_half_is_never_used_twice(database: TestDatabase) {
    let store = database.store().await;
    let id = id("one");
    assert!(store.api_keys().insert(&key(&id)).await.unwrap());
    let before = database.contents().await;
    assert!(
        !store
            .api_keys()
            .insert(&NewApiKey {
                secret_hash: b"another",
                ..key(&id)
            })
            .await
            .unwrap()
    );
    assert_eq!(database.contents().await, before);
}

async fn a_key_is_ended_once_and_for_good(database: TestDatabase) {
    let store = database.store().await;
    let id = id("one");
    store.api_keys().insert(&key(&id)).await.unwrap();
    assert!(store.api_keys().revoke(&id, at(5)).await.unwrap());
    assert!(store.api_keys().revoke(&id, at(9)).await.unwrap());
    assert_eq!(
        store
            .api_keys()
            .by_id(&id)
            .await
            .unwrap()
            .unwrap()
            .revoked_at,
        Some(at(5)),
        "when it really ended"
    );
    assert!(
        !store
            .api_keys()
            .revoke(&ApiKeyId::new("none").unwrap(), at(5))
            .await
            .unwrap()
    );
}

async fn a_use_is_noted_once_a_minute(database: TestDatabase) {
    let store = database.store().await;
    let id = id("one");
    store.api_keys().insert(&key(&id)).await.unwrap();
    for (seen, noted) in [(0, 0), (59, 0), (60, 0), (61, 61)] {
        store.api_keys().record_use(&id, at(seen)).await.unwrap();
        assert_eq!(
            store
                .api_keys()
                .by_id(&id)
                .await
                .unwrap()
                .unwrap()
                .last_used_at,
            Some(at(noted)),
            "seen after {seen} s"
        );
    }
}
