//! API keys: storing, revoking and recording uses.

use evergrant_model::ApiKeyId;
use evergrant_store::NewApiKey;
use evergrant_testkit::{TestDatabase, on_both_databases};

use crate::support::at;

on_both_databases!(
    inserted_key_is_read_back,
    id_in_use_is_not_inserted,
    first_revocation_time_is_kept,
    use_is_recorded_once_a_minute,
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

async fn inserted_key_is_read_back(database: TestDatabase) {
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

async fn id_in_use_is_not_inserted(database: TestDatabase) {
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

async fn first_revocation_time_is_kept(database: TestDatabase) {
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
        "the time of the first revocation is kept"
    );
    assert!(
        !store
            .api_keys()
            .revoke(&ApiKeyId::new("none").unwrap(), at(5))
            .await
            .unwrap()
    );
}

async fn use_is_recorded_once_a_minute(database: TestDatabase) {
    let store = database.store().await;
    let id = id("one");
    store.api_keys().insert(&key(&id)).await.unwrap();
    for (used_at, recorded) in [(0, 0), (59, 0), (60, 0), (61, 61)] {
        store.api_keys().record_use(&id, at(used_at)).await.unwrap();
        assert_eq!(
            store
                .api_keys()
                .by_id(&id)
                .await
                .unwrap()
                .unwrap()
                .last_used_at,
            Some(at(recorded)),
            "used after {used_at} s"
        );
    }
}
