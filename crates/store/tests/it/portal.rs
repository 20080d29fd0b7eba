//! Portal links: each opens once, in its time, for as long as its user is there.

use evergrant_model::UserId;
use evergrant_store::{NewPortalLink, Store, StoreError};
use evergrant_testkit::{TestDatabase, on_both_databases};
use tokio::task::JoinSet;

use crate::support::{at, new_user, trace};

on_both_databases!(
    of_many_who_open_a_link_at_once_one_does,
    a_link_opens_by_its_own_secret_in_its_own_time,
    links_go_with_their_user_and_their_time,
);

async fn make(store: &Store, user: UserId, id: &str) -> Result<(), StoreError> {
    store
        .sessions()
        .insert_portal_link(&NewPortalLink {
            id,
            user,
            secret_hash: &[7, 0],
            expires_at: at(300),
        })
        .await
}

async fn of_many_who_open_a_link_at_once_one_does(database: TestDatabase) {
    let store = database.store().await;
    let user = new_user(&store).await;
    make(&store, user, "one").await.unwrap();
    let mut all = JoinSet::new();
    for _ in 0..16 {
        let store = store.clone();
        all.spawn(async move {
            store
                .sessions()
                .consume_portal_link("one", &[7, 0], at(1))
                .await
                .unwrap()
        });
    }
    let opened: Vec<_> = all.join_all().await.into_iter().flatten().collect();
    assert_eq!(opened, [user]);
}

async fn a_link_opens_by_its_own_secret_in_its_own_time(database: TestDatabase) {
    let store = database.store().await;
    let user = new_user(&store).await;
    make(&store, user, "one").await.unwrap();
    for (id, hash, now) in [("two", [7, 0], 1), ("one", [7, 1], 1), ("one", [7, 0], 300)] {
        assert_eq!(
            store
                .sessions()
                .consume_portal_link(id, &hash, at(now))
                .await
                .unwrap(),
            None,
            "{id} {hash:?} {now}"
        );
    }
    assert_eq!(
        store
            .sessions()
            .consume_portal_link("one", &[7, 0], at(299))
            .await
            .unwrap(),
        Some(user),
        "trying spends nothing"
    );
}

async fn links_go_with_their_user_and_their_time(database: TestDatabase) {
    let store = database.store().await;
    let (user, other) = (new_user(&store).await, new_user(&store).await);
    make(&store, user, "one").await.unwrap();
    make(&store, other, "two").await.unwrap();
    assert!(
        store
            .users()
            .delete(user, &trace("bye"), at(0), |_, _| None)
            .await
            .unwrap()
    );
    assert_eq!(database.contents().await["evergrant_portal_links"].len(), 1);
    assert!(matches!(
        make(&store, user, "three").await,
        Err(StoreError::Missing)
    ));
    store.sessions().delete_expired(at(301)).await.unwrap();
    assert!(database.contents().await["evergrant_portal_links"].is_empty());
}
