//! Finding and importing changes that another program made in the shared tables.

use std::collections::{BTreeMap, BTreeSet};

use evergrant_model::{EventKind, Timestamp, UserId};
use evergrant_store::{Connection, ConnectionKey, Event, ExternalRow, Store};
use evergrant_testkit::{TestDatabase, on_both_databases, on_postgres};

use crate::support::{
    Consent, RefreshedTokens, at, connect, insert_external_row, new_user, reload, trace, version,
};

on_both_databases!(
    inserted_external_row_is_found_and_imported_once,
    replaced_tokens_are_found_and_imported_once,
    own_writes_are_not_external,
    each_removal_is_reported_once,
    connections_of_several_users_are_found,
    use_is_recorded_for_several_connections,
    events_are_found_by_id_and_by_user,
);
on_postgres!(locked_table_of_changes_does_not_delay_the_app);

async fn found(store: &Store) -> Vec<i32> {
    let last = store.external_rows().newest_id().await.unwrap();
    store
        .external_rows()
        .in_range(0, last)
        .await
        .unwrap()
        .iter()
        .map(|connection| connection.id.get())
        .collect()
}

/// Imports the row; `false` if it was imported earlier.
async fn import(
    store: &Store,
    connection: &Connection,
    next_refresh_at: Option<Timestamp>,
) -> bool {
    let row = ExternalRow {
        connection,
        next_refresh_at,
        next_status_at: None,
        digest: None,
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

async fn inserted_external_row_is_found_and_imported_once(database: TestDatabase) {
    let store = database.store().await;
    let user = new_user(&store).await;
    insert_external_row(&database, user).await;
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
    let connection = store
        .external_rows()
        .of_users(&[user])
        .await
        .unwrap()
        .remove(0);
    let (first, second) = tokio::join!(
        import(&store, &connection, Some(at(900))),
        import(&store, &connection, Some(at(900)))
    );
    assert!(first ^ second, "one of the two imports it");
    let imported = reload(&store, &connection).await;
    assert_eq!(
        (
            imported.next_refresh_at,
            imported.is_external,
            imported.lease.generation
        ),
        (Some(at(900)), false, 1)
    );
    assert!(found(&store).await.is_empty());
    assert_eq!(kinds(&store, user).await, [EventKind::Connected]);
}

/// The connection had expired: the host application has let the user sign in again.
async fn replaced_tokens_are_found_and_imported_once(database: TestDatabase) {
    let store = database.store().await;
    let connection = connect(&store, "reddit", "juniper").await;
    database
        .execute("UPDATE evergrant_connections SET status = 'expired', failures = 3")
        .await;
    database.execute("UPDATE oauth_accounts SET access_token = 'a token of another program, longer than the prefix'").await;
    let found = store
        .external_rows()
        .of_users(&[connection.user])
        .await
        .unwrap()
        .remove(0);
    assert!(import(&store, &found, None).await);
    assert!(!import(&store, &found, None).await);
    let imported = reload(&store, &connection).await;
    assert_eq!(
        (
            imported.lease.generation,
            imported.lease.dead,
            imported.failures
        ),
        (2, false, 0)
    );
    assert_eq!(
        kinds(&store, connection.user).await,
        [EventKind::Connected, EventKind::Refreshed]
    );
}

async fn own_writes_are_not_external(database: TestDatabase) {
    let store = database.store().await;
    let connection = connect(&store, "reddit", "juniper").await;
    assert!(!connection.is_external && found(&store).await.is_empty());
    assert!(
        RefreshedTokens::new("refreshed by Evergrant, longer than the prefix", None)
            .store(&store, &connection)
            .await
    );
    assert!(!reload(&store, &connection).await.is_external && found(&store).await.is_empty());
    database
        .execute("UPDATE oauth_accounts SET metadata = NULL, access_token = NULL")
        .await;
    assert!(
        reload(&store, &connection).await.is_external,
        "a removed token is a change as well"
    );
}

/// Two accounts of one user and the user of a third were deleted; a fourth account is still there.
async fn each_removal_is_reported_once(database: TestDatabase) {
    let store = database.store().await;
    let user = new_user(&store).await;
    let mut accounts = Vec::new();
    for name in ["juniper", "kiln", "wren"] {
        let connection = Consent::of(user, "reddit", name).store(&store).await;
        accounts.push(ConnectionKey::from(&connection));
    }
    let other = connect(&store, "reddit", "robin").await;
    accounts.push(ConnectionKey::from(&other));
    let delete = "DELETE FROM oauth_accounts WHERE provider_account_id IN ('juniper', 'kiln')";
    database.execute(delete).await;
    let of_other = format!("DELETE FROM users WHERE id = {}", other.user.get());
    database.execute(&of_other).await;
    let report = async || {
        store
            .external_rows()
            .report_removals(&accounts, &[user], &trace("found"), at(5))
            .await
            .unwrap()
    };
    let reported = report().await;
    assert_eq!(
        reported,
        [&accounts[0], &accounts[1], &accounts[3]].map(Clone::clone)
    );
    assert_eq!(report().await, []);
    let mut expected = vec![EventKind::Connected; 3];
    expected.extend([EventKind::Disconnected; 2]);
    assert_eq!(kinds(&store, user).await, expected);
    assert_eq!(version(&store, user).await, 5);
    assert_eq!(
        kinds(&store, other.user).await,
        [EventKind::Connected, EventKind::Disconnected]
    );
}

async fn connections_of_several_users_are_found(database: TestDatabase) {
    let store = database.store().await;
    let (one, none) = (
        connect(&store, "reddit", "juniper").await,
        new_user(&store).await,
    );
    connect(&store, "reddit", "kiln").await;
    let missing = UserId::try_from(999).unwrap();
    let users = [one.user, none, missing];
    let ids = store.external_rows().ids_of_users(&users).await.unwrap();
    let expected = [
        (one.user, BTreeSet::from([one.id])),
        (none, BTreeSet::new()),
    ];
    assert_eq!(ids, BTreeMap::from(expected));
    let of_none = store.external_rows().ids_of_users(&[]).await.unwrap();
    assert!(of_none.is_empty());
}

async fn use_is_recorded_for_several_connections(database: TestDatabase) {
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
    assert_eq!(reload(&store, &one).await.last_used_at, Some(at(60)));
    assert_eq!(reload(&store, &other).await.last_used_at, None);
}

async fn events_are_found_by_id_and_by_user(database: TestDatabase) {
    let store = database.store().await;
    let (one, _) = (
        connect(&store, "reddit", "juniper").await,
        connect(&store, "reddit", "kiln").await,
    );
    let refreshed = RefreshedTokens::new("second", None);
    assert!(refreshed.store(&store, &one).await);
    let events = store.events();
    let ids = |events: Vec<Event>| events.iter().map(|event| event.id).collect::<Vec<_>>();
    let all = ids(events.after(0, 10).await.unwrap());
    let found = events.by_ids(&[all[2], all[0], 999_999]).await.unwrap();
    assert_eq!(ids(found), [all[0], all[2]]);
    assert!(events.by_ids(&[]).await.unwrap().is_empty());
    let of_user = events.of_user(one.user, 1, 10).await.unwrap();
    assert_eq!(
        (of_user.len(), of_user[0].version, of_user[0].kind),
        (1, 2, Some(EventKind::Refreshed))
    );
    assert_eq!(events.user_version(one.user).await.unwrap(), Some(2));
    let unknown = UserId::try_from(9999).unwrap();
    assert_eq!(events.user_version(unknown).await.unwrap(), None);
}

/// The change is not recorded, but found by comparing rows.
async fn locked_table_of_changes_does_not_delay_the_app(database: TestDatabase) {
    let store = database.store().await;
    let connection = connect(&store, "reddit", "juniper").await;
    let lock = "LOCK TABLE evergrant_row_changes IN ACCESS EXCLUSIVE MODE";
    let lock = database.begin(lock).await;
    database
        .execute(
            "SET statement_timeout = '60s';
            UPDATE oauth_accounts SET access_token = 'of the app'",
        )
        .await;
    lock.commit().await;
    assert!(store.row_changes().pending(0, 10).await.unwrap().is_empty());
    assert_eq!(found(&store).await, [connection.id.get()]);
}
