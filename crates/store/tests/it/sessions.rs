//! Sessions of users' browsers.

use evergrant_model::{SessionId, UserId};
use evergrant_store::{NewSession, Store, StoreError};
use evergrant_testkit::{TestDatabase, on_both_databases};

use crate::support::{at, delete_user, new_user};

on_both_databases!(
    inserted_session_is_read_back,
    sessions_are_deleted_singly_or_by_user,
    expired_sessions_are_deleted,
    deleted_user_cannot_start_session,
);

fn id(text: &str) -> SessionId {
    SessionId::new(text).unwrap()
}

async fn insert(store: &Store, user: UserId, name: &str, end: i64) -> Result<(), StoreError> {
    let id = id(name);
    let (created_at, expires_at) = (at(0), at(end));
    store
        .sessions()
        .insert(&NewSession {
            id: &id,
            user,
            secret_hash: &[0, 255],
            created_at,
            expires_at,
            idle_expires_at: None,
            return_url: None,
        })
        .await
}

async fn inserted_session_is_read_back(database: TestDatabase) {
    let store = database.store().await;
    let user = new_user(&store).await;
    insert(&store, user, "one", 900).await.unwrap();
    let read = store.sessions().by_id(&id("one")).await.unwrap().unwrap();
    assert_eq!((read.id, read.user), (id("one"), user));
    assert_eq!(
        (read.secret_hash.as_slice(), read.expires_at),
        (&[0, 255][..], at(900))
    );
    assert!(store.sessions().by_id(&id("two")).await.unwrap().is_none());
    let twice = insert(&store, user, "one", 900).await;
    assert!(matches!(twice, Err(StoreError::Conflict(_))), "{twice:?}");
}

async fn sessions_are_deleted_singly_or_by_user(database: TestDatabase) {
    let store = database.store().await;
    let (user, other) = (new_user(&store).await, new_user(&store).await);
    for (user, name) in [(user, "a"), (user, "b"), (user, "c"), (other, "d")] {
        insert(&store, user, name, 900).await.unwrap();
    }
    assert!(store.sessions().delete(&id("a"), at(0)).await.unwrap());
    assert!(!store.sessions().delete(&id("a"), at(0)).await.unwrap());
    assert_eq!(
        store.sessions().delete_of_user(user, at(0)).await.unwrap(),
        2
    );
    assert_eq!(
        store.sessions().delete_of_user(user, at(0)).await.unwrap(),
        0
    );
    assert!(store.sessions().by_id(&id("c")).await.unwrap().is_none());
    assert!(store.sessions().by_id(&id("d")).await.unwrap().is_some());
}

async fn expired_sessions_are_deleted(database: TestDatabase) {
    let store = database.store().await;
    let user = new_user(&store).await;
    insert(&store, user, "short", 10).await.unwrap();
    insert(&store, user, "long", 900).await.unwrap();
    assert_eq!(store.sessions().delete_expired(at(10)).await.unwrap(), 0);
    assert_eq!(store.sessions().delete_expired(at(11)).await.unwrap(), 1);
    assert!(store.sessions().by_id(&id("long")).await.unwrap().is_some());
}

async fn deleted_user_cannot_start_session(database: TestDatabase) {
    let store = database.store().await;
    let user = new_user(&store).await;
    insert(&store, user, "one", 900).await.unwrap();
    assert!(delete_user(&store, user).await);
    assert!(store.sessions().by_id(&id("one")).await.unwrap().is_none());
    let inserted = insert(&store, user, "two", 900).await;
    assert!(matches!(inserted, Err(StoreError::Missing)), "{inserted:?}");
}
