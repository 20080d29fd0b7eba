//! What another program does to the shared tables is found, taken for what it is, and told once.

use evergrant_model::{EventKind, Timestamp, UserId};
use evergrant_store::{Connection, ExternalRow, Store};
use evergrant_testkit::{TestDatabase, on_both_databases};

use crate::support::{
    RefreshedTokens, account, again, at, connect, new_user, slug, trace, version,
};

on_both_databases!(
    a_row_of_another_program_is_found_and_imported_once,
    a_pair_that_was_replaced_is_found_and_imported_once,
    what_we_wrote_ourselves_is_not_external,
    a_removed_account_is_announced_once,
    connections_are_counted_for_many_users_at_once,
    use_is_noted_for_many_connections_at_once,
    events_are_found_by_number_and_by_user,
);

async fn insert(database: &TestDatabase, user: UserId) {
    let row = format!(
        "{}, 'reddit', 'juniper', 'their access', 'their refresh'",
        user.get()
    );
    let columns = "user_id, provider, provider_account_id, access_token, refresh_token";
    database
        .execute(&format!(
            "INSERT INTO oauth_accounts ({columns}) VALUES ({row})"
        ))
        .await;
}

async fn found(store: &Store) -> Vec<i32> {
    let last = store.external_rows().newest_id().await.unwrap();
    store
        .external_rows()
        .in_range(0, last)
        .await
        .unwrap()
        .iter()
        .map(|held| held.id.get())
        .collect()
}

/// Whether this call has imported the row.
async fn import(store: &Store, held: &Connection, next_refresh_at: Option<Timestamp>) -> bool {
    let row = ExternalRow {
        held,
        next_refresh_at,
        next_status_at: None,
    };
    !store
        .external_rows()
        .import_batch(&[row], &trace("found"), at(5))
        .await
        .unwrap()
        .is_empty()
}

async fn kinds(store: &Store, user: UserId) -> Vec<EventKind> {
    store
        .events()
        .of_user(user, 0, 100)
        .await
        .unwrap()
        .iter()
        .map(|event| event.kind.unwrap())
        .collect()
}

async fn a_row_of_another_program_is_found_and_imported_once(database: TestDatabase) {
    let store = database.store().await;
    let user = new_user(&store).await;
    insert(&database, user).await;
    assert_eq!(found(&store).await.len(), 1);
    let newest = store.external_rows().newest_id().await.unwrap();
    assert!(
        store
            .external_rows()
            .in_range(newest, i32::MAX)
            .await
            .unwrap()
            .is_empty()
    );
    let held = store
        .external_rows()
        .of_users(&[user])
        .await
        .unwrap()
        .remove(0);
    let (one, other) = tokio::join!(
        import(&store, &held, Some(at(900))),
        import(&store, &held, Some(at(900)))
    );
    assert!(one ^ other, "by whoever comes first");
    let ours = again(&store, &held).await;
    assert_eq!(
        (
            ours.next_refresh_at,
            ours.is_external,
            ours.lease.generation
        ),
        (Some(at(900)), false, 1)
    );
    assert!(found(&store).await.is_empty());
    assert_eq!(kinds(&store, user).await, [EventKind::Connected]);
}

/// Also one that a refusal had ended: the application has let the user sign in again by itself.
async fn a_pair_that_was_replaced_is_found_and_imported_once(database: TestDatabase) {
    let store = database.store().await;
    let held = connect(&store, "reddit", "juniper").await;
    database
        .execute("UPDATE evergrant_connections SET status = 'expired', failures = 3")
        .await;
    database.execute("UPDATE oauth_accounts SET access_token = 'a pair of theirs, longer than the beginning'").await;
    let seen = store
        .external_rows()
        .of_users(&[held.user])
        .await
        .unwrap()
        .remove(0);
    assert!(import(&store, &seen, None).await);
    assert!(!import(&store, &seen, None).await);
    let ours = again(&store, &held).await;
    assert_eq!(
        (ours.lease.generation, ours.lease.dead, ours.failures),
        (2, false, 0)
    );
    assert_eq!(
        kinds(&store, held.user).await,
        [EventKind::Connected, EventKind::Refreshed]
    );
}

async fn what_we_wrote_ourselves_is_not_external(database: TestDatabase) {
    let store = database.store().await;
    let held = connect(&store, "reddit", "juniper").await;
    assert!(!held.is_external && found(&store).await.is_empty());
    assert!(
        RefreshedTokens::new(
            "renewed by ourselves, which is longer than the beginning",
            None
        )
        .store(&store, &held)
        .await
    );
    assert!(!again(&store, &held).await.is_external && found(&store).await.is_empty());
    database
        .execute("UPDATE oauth_accounts SET metadata = NULL, access_token = NULL")
        .await;
    assert!(
        again(&store, &held).await.is_external,
        "a token that was taken away is a change too"
    );
}

async fn a_removed_account_is_announced_once(database: TestDatabase) {
    let store = database.store().await;
    let held = connect(&store, "reddit", "juniper").await;
    let seen = version(&store, held.user).await;
    database.execute("DELETE FROM oauth_accounts").await;
    let gone = (&slug("reddit"), &account("juniper"));
    assert!(
        store
            .external_rows()
            .announce_removal(held.user, seen, gone, &trace("found"), at(5))
            .await
            .unwrap()
    );
    assert!(
        !store
            .external_rows()
            .announce_removal(held.user, seen, gone, &trace("found"), at(5))
            .await
            .unwrap()
    );
    assert_eq!(
        kinds(&store, held.user).await,
        [EventKind::Connected, EventKind::Disconnected]
    );
}

async fn connections_are_counted_for_many_users_at_once(database: TestDatabase) {
    let store = database.store().await;
    let (one, none) = (
        connect(&store, "reddit", "juniper").await.user,
        new_user(&store).await,
    );
    connect(&store, "reddit", "kiln").await;
    let counts = store
        .external_rows()
        .connection_counts(&[one, none])
        .await
        .unwrap();
    assert_eq!(counts.into_iter().collect::<Vec<_>>(), [(one, 1)]);
    assert!(
        store
            .external_rows()
            .connection_counts(&[])
            .await
            .unwrap()
            .is_empty()
    );
}

async fn use_is_noted_for_many_connections_at_once(database: TestDatabase) {
    let store = database.store().await;
    let (one, other) = (
        connect(&store, "reddit", "juniper").await,
        connect(&store, "reddit", "kiln").await,
    );
    store
        .connections()
        .record_use(&[one.id.get(), 999], at(60))
        .await
        .unwrap();
    assert_eq!(again(&store, &one).await.last_used_at, Some(at(60)));
    assert_eq!(again(&store, &other).await.last_used_at, None);
}

async fn events_are_found_by_number_and_by_user(database: TestDatabase) {
    let store = database.store().await;
    let (one, _) = (
        connect(&store, "reddit", "juniper").await,
        connect(&store, "reddit", "kiln").await,
    );
    assert!(
        RefreshedTokens::new("second", None)
            .store(&store, &one)
            .await
    );
    let ids: Vec<_> = store
        .events()
        .after(0, 10)
        .await
        .unwrap()
        .iter()
        .map(|event| event.id)
        .collect();
    let among = store
        .events()
        .among(&[ids[2], ids[0], 999_999])
        .await
        .unwrap();
    assert_eq!(
        among.iter().map(|event| event.id).collect::<Vec<_>>(),
        [ids[0], ids[2]]
    );
    assert!(store.events().among(&[]).await.unwrap().is_empty());
    let of_user = store.events().of_user(one.user, 1, 10).await.unwrap();
    assert_eq!(
        (of_user.len(), of_user[0].version, of_user[0].kind),
        (1, 2, Some(EventKind::Refreshed))
    );
    assert_eq!(
        store.events().user_version(one.user).await.unwrap(),
        Some(2)
    );
    assert_eq!(
        store
            .events()
            .user_version(UserId::try_from(9999).unwrap())
            .await
            .unwrap(),
        None
    );
}
