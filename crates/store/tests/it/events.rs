//! The outbox: read in order, from any place, and forgotten in time.

use evergrant_testkit::{TestDatabase, on_both_databases};

use crate::support::{Consent, RefreshedTokens, again, at, connect, new_user};

on_both_databases!(
    events_are_read_in_order_from_any_place,
    the_newest_event_is_known,
    old_events_are_forgotten
);

async fn events_are_read_in_order_from_any_place(database: TestDatabase) {
    let store = database.store().await;
    let (abe, kim) = (new_user(&store).await, new_user(&store).await);
    for (user, name) in [(abe, "a"), (kim, "b"), (abe, "c"), (kim, "d")] {
        Consent::of(user, "reddit", name).store(&store).await;
    }
    let events = store.events().after(0, 10).await.unwrap();
    let told: Vec<_> = events
        .iter()
        .map(|event| (event.user, event.version))
        .collect();
    assert_eq!(
        told,
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

async fn the_newest_event_is_known(database: TestDatabase) {
    let store = database.store().await;
    assert_eq!(store.events().newest_id().await.unwrap(), 0);
    connect(&store, "reddit", "juniper").await;
    assert_eq!(
        store.events().newest_id().await.unwrap(),
        store.events().after(0, 10).await.unwrap()[0].id
    );
}

async fn old_events_are_forgotten(database: TestDatabase) {
    let store = database.store().await;
    let held = connect(&store, "reddit", "juniper").await;
    assert!(
        RefreshedTokens::new("second access", None)
            .store(&store, &held)
            .await
    );
    let newest = store.events().newest_id().await.unwrap();
    assert_eq!(store.events().delete_before(at(0)).await.unwrap(), 0);
    assert_eq!(store.events().delete_before(at(3600)).await.unwrap(), 1);
    assert_eq!(store.events().newest_id().await.unwrap(), newest);
    assert_eq!(store.events().delete_before(at(3601)).await.unwrap(), 1);
    // Numbers and versions go on where they were.
    assert!(
        RefreshedTokens::new("third access", None)
            .store(&store, &again(&store, &held).await)
            .await
    );
    let event = &store.events().after(newest, 10).await.unwrap()[0];
    assert_eq!(event.version, 3);
}
