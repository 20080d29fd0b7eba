//! Portal links: single use, expiry, and deletion with the user.

use evergrant_model::UserId;
use evergrant_store::{NewPortalLink, PortalLink, Store, StoreError};
use evergrant_testkit::{TestDatabase, on_both_databases};
use tokio::task::JoinSet;

use crate::support::{at, delete_user, new_user};

const RETURN_URL: &str = "https://app.example/settings";

on_both_databases!(
    one_of_concurrent_uses_consumes_link,
    link_requires_its_secret_before_expiry,
    links_are_deleted_with_user_and_after_expiry,
);

fn link_of(user: UserId) -> PortalLink {
    PortalLink {
        user,
        return_url: Some(RETURN_URL.to_owned()),
    }
}

async fn insert(store: &Store, user: UserId, id: &str) -> Result<(), StoreError> {
    store
        .sessions()
        .insert_portal_link(&NewPortalLink {
            id,
            user,
            secret_hash: &[7, 0],
            expires_at: at(300),
            return_url: Some(RETURN_URL),
        })
        .await
}

async fn one_of_concurrent_uses_consumes_link(database: TestDatabase) {
    let store = database.store().await;
    let user = new_user(&store).await;
    insert(&store, user, "one").await.unwrap();
    let mut tasks = JoinSet::new();
    for _ in 0..16 {
        let store = store.clone();
        tasks.spawn(async move {
            store
                .sessions()
                .consume_portal_link("one", &[7, 0], at(1))
                .await
                .unwrap()
        });
    }
    let links: Vec<_> = tasks.join_all().await.into_iter().flatten().collect();
    assert_eq!(links, [link_of(user)]);
}

async fn link_requires_its_secret_before_expiry(database: TestDatabase) {
    let store = database.store().await;
    let user = new_user(&store).await;
    insert(&store, user, "one").await.unwrap();
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
        Some(link_of(user)),
        "failed attempts do not consume the link"
    );
}

async fn links_are_deleted_with_user_and_after_expiry(database: TestDatabase) {
    let store = database.store().await;
    let (user, other) = (new_user(&store).await, new_user(&store).await);
    insert(&store, user, "one").await.unwrap();
    insert(&store, other, "two").await.unwrap();
    assert!(delete_user(&store, user).await);
    assert_eq!(database.contents().await["evergrant_portal_links"].len(), 1);
    assert!(matches!(
        insert(&store, user, "three").await,
        Err(StoreError::Missing)
    ));
    store.sessions().delete_expired(at(301)).await.unwrap();
    assert!(database.contents().await["evergrant_portal_links"].is_empty());
}
