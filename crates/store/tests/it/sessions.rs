//! Sessions: a browser's, until their time or their user is gone.

use evergrant_model::{SessionId, UserId};
use evergrant_store::{NewSession, Store, StoreError};
use evergrant_testkit::{TestDatabase, on_both_databases};

use crate::support::{at, new_user, trace};

on_both_databases!(
    a_session_reads_back_as_it_was_begun,
    sessions_end_one_by_one_or_all_at_once,
    the_sweep_takes_what_has_ended,
    a_user_who_is_gone_begins_no_session,
);

fn id(text: &str) -> SessionId {
    SessionId::new(text).unwrap()
}

async fn begin(store: &Store, user: UserId, name: &str, end: i64) -> Result<(), StoreError> {
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
            idle_until: None,
        })
        .await
}

async fn a_session_reads_back_as_it_was_begun(database: TestDatabase) {
    let store = database.store().await;
    let user = new_user(&store).await;
    begin(&store, user, "one", 900).await.unwrap();
    let read = store.sessions().by_id(&id("one")).await.unwrap().unwrap();
    assert_eq!((read.id, read.user), (id("one"), user));
    assert_eq!(
        (read.secret_hash.as_slice(), read.expires_at),
        (&[0, 255][..], at(900))
    );
    assert!(store.sessions().by_id(&id("two")).await.unwrap().is_none());
    let twice = begin(&store, user, "one", 900).await;
    assert!(matches!(twice, Err(StoreError::Conflict)), "{twice:?}");
}

async fn sessions_end_one_by_one_or_all_at_once(database: TestDatabase) {
    let store = database.store().await;
    let (user, other) = (new_user(&store).await, new_user(&store).await);
    for (user, name) in [(user, "a"), (user, "b"), (user, "c"), (other, "d")] {
        begin(&store, user, name, 900).await.unwrap();
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

async fn the_sweep_takes_what_has_ended(database: TestDatabase) {
    let store = database.store().await;
    let user = new_user(&store).await;
    begin(&store, user, "short", 10).await.unwrap();
    begin(&store, user, "long", 900).await.unwrap();
    assert_eq!(store.sessions().delete_expired(at(10)).await.unwrap(), 0);
    assert_eq!(store.sessions().delete_expired(at(11)).await.unwrap(), 1);
    assert!(store.sessions().by_id(&id("long")).await.unwrap().is_some());
}

async fn a_user_who_is_gone_begins_no_session(database: TestDatabase) {
    let store = database.store().await;
    let user = new_user(&store).await;
    begin(&store, user, "one", 900).await.unwrap();
    assert!(
        store
            .users()
            .delete(user, &trace("bye"), at(0), |_, _| None)
            .await
            .unwrap()
    );
    assert!(store.sessions().by_id(&id("one")).await.unwrap().is_none());
    let begun = begin(&store, user, "two", 900).await;
    assert!(matches!(begun, Err(StoreError::Missing)), "{begun:?}");
}
