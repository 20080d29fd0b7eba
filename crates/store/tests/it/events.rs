//! Reading and deleting events of the outbox.

use evergrant_testkit::{TestDatabase, on_both_databases};

use crate::support::{Consent, RefreshedTokens, at, connect, new_user, reload};

on_both_databases!(
    events_are_read_in_order_after_id,
    newest_id_is_that_of_last_event,
    old_events_are_deleted
);

async fn events_are_read_in_order_after_id(database: TestDatabase) {
    let store = database.store().await;
    let (abe, kim) = (new_user(&store).await, new_user(&store).await);
    for (user, name) in [(abe, "a"), (kim, "b"), (abe, "c"), (kim, "d")] {
        Consent::of(user, "reddit", name).store(&store).await;
    }
    let events = store.events().after(0, 10).await.unwrap();
    let versions: Vec<_> = events
        .iter()
        .map(|event| (event.user, event.version))
        .collect();
    assert_eq!(
        versions,
        [
            (Some(abe), 1),
            (Some(kim), 1),
            (Some(abe), 2),
            (Some(kim), 2)
        ]
    );
    assert!(events.is_sorted_by(|one, next| one.id < next.id));
    let later = store.events().after(events[1].id, 1).await.unwrap();
    assert_eq!((later.len(), later[0].id), (1, events[2].id));
    assert!(
        store
            .events()
            .after(events[3].id, 10)
            .await
            .unwrap()
            .is_empty()
    );
}

async fn newest_id_is_that_of_last_event(database: TestDatabase) {
    let store = database.store().await;
    assert_eq!(store.events().newest_id().await.unwrap(), 0);
    connect(&store, "reddit", "juniper").await;
    assert_eq!(
        store.events().newest_id().await.unwrap(),
        store.events().after(0, 10).await.unwrap()[0].id
    );
}

async fn old_events_are_deleted(database: TestDatabase) {
    let store = database.store().await;
    let connection = connect(&store, "reddit", "juniper").await;
    assert!(
        RefreshedTokens::new("second access", None)
            .store(&store, &connection)
            .await
    );
    let newest = store.events().newest_id().await.unwrap();
    assert_eq!(store.events().delete_before(at(0)).await.unwrap(), 0);
    assert_eq!(store.events().delete_before(at(3600)).await.unwrap(), 1);
    assert_eq!(store.events().newest_id().await.unwrap(), newest);
    // The newest event identifies the database, and ids and versions continue after it.
    assert_eq!(store.events().delete_before(at(3601)).await.unwrap(), 0);
    assert!(
        RefreshedTokens::new("third access", None)
            .store(&store, &reload(&store, &connection).await)
            .await
    );
    let event = &store.events().after(newest, 10).await.unwrap()[0];
    assert_eq!(event.version, 3);
}
