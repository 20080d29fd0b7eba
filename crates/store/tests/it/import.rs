//! Importing external rows in batches.

use std::collections::BTreeMap;

use evergrant_model::{ConnectionId, UserId};
use evergrant_resilience::refresh::lease::replace_tokens;
use evergrant_store::{Connection, ExternalRow, Store};
use evergrant_testkit::{TestDatabase, on_both_databases, on_postgres};

use crate::support::{at, connect, leased, literal_time, new_user, reload, trace, version};

on_both_databases!(
    batch_import_equals_single_imports,
    import_changes_lease_like_replace_tokens,
    concurrent_batches_import_each_row_once,
    deleted_rows_do_not_block_import_of_others,
    imported_row_does_not_increment_version,
);
on_postgres!(batch_waits_for_concurrent_change_of_its_user);

/// Accounts of two users: new ones, an expired one whose tokens were replaced, one that Evergrant
/// wrote last, and one whose token was removed.
async fn fill(database: &TestDatabase, store: &Store) -> Vec<Connection> {
    let mut user = None;
    for name in ["replaced", "unchanged", "emptied"] {
        user = Some(connect(store, "reddit", name).await.user);
    }
    let (one, other) = (user.unwrap().get(), new_user(store).await.get());
    let ended = literal_time(database, 5);
    for statement in [
        "UPDATE evergrant_events SET subject = NULL".to_owned(),
        format!("UPDATE oauth_accounts SET user_id = {one}"),
        format!("UPDATE evergrant_connections SET observed_user_id = {one}"),
        format!(
            "UPDATE evergrant_connections SET status = 'expired', status_reason = 'SESSION_ENDED', failures = 3,
                rejected_at = {ended}, lease_expires_at = {ended}, in_doubt_since = {ended},
                source_generation = 1, source_attempt = 1, lease_owner = 'a', last_outcome = 'unknown', issued_at = {ended}, next_refresh_at = NULL"
        ),
        "UPDATE oauth_accounts SET access_token = 'a token of another program, longer than the prefix'
            WHERE provider_account_id = 'replaced'"
            .to_owned(),
        "UPDATE oauth_accounts SET access_token = NULL WHERE provider_account_id = 'emptied'".to_owned(),
        format!(
            "INSERT INTO oauth_accounts (user_id, provider, provider_account_id, access_token, created_at, updated_at)
            VALUES ({other}, 'reddit', 'new', 'access', {ended}, {ended}),
                ({one}, 'tiktok', 'also new', 'access', {ended}, {ended}),
                ({one}, 'tiktok', 'without token', NULL, {ended}, {ended})"
        ),
    ] {
        database.execute(&statement).await;
    }
    store.connections().page(0, 100).await.unwrap()
}

fn rows(connections: &[Connection]) -> Vec<ExternalRow<'_>> {
    let times = |place: usize| i64::try_from(place).unwrap();
    let row = |(place, connection)| ExternalRow {
        connection,
        next_refresh_at: Some(at(100 + times(place))).filter(|_| place % 2 == 0),
        next_status_at: Some(at(200 + times(place))).filter(|_| place % 3 == 0),
        digest: None,
    };
    connections.iter().enumerate().map(row).collect()
}

async fn import(store: &Store, rows: &[ExternalRow<'_>]) -> Vec<ConnectionId> {
    store
        .external_rows()
        .import_batch(rows, &trace("found"), at(9))
        .await
        .unwrap()
}

/// Returns the contents of the tables that imports change.
async fn states(database: &TestDatabase) -> BTreeMap<String, Vec<String>> {
    let mut contents = database.contents().await;
    contents.retain(|table, _| {
        [
            "evergrant_connections",
            "evergrant_events",
            "evergrant_versions",
        ]
        .contains(&table.as_str())
    });
    contents
}

async fn batch_import_equals_single_imports(database: TestDatabase) {
    let twin = if database.is_postgres() {
        TestDatabase::postgres().await
    } else {
        TestDatabase::sqlite()
    };
    let (store, twin_store) = (database.store().await, twin.store().await);
    let (connections, twin_connections) = (
        fill(&database, &store).await,
        fill(&twin, &twin_store).await,
    );
    let imported = import(&store, &rows(&connections)).await;
    let names = |ids: &[ConnectionId]| -> Vec<String> {
        let of = |id: &ConnectionId| {
            connections
                .iter()
                .find(|connection| connection.id == *id)
                .unwrap()
                .account
                .to_string()
        };
        ids.iter().map(of).collect()
    };
    assert_eq!(
        names(&imported),
        ["replaced", "emptied", "new", "also new", "without token"]
    );
    let mut alone = Vec::new();
    for row in rows(&twin_connections) {
        alone.extend(import(&twin_store, &[row]).await);
    }
    assert_eq!(alone, imported);
    assert_eq!(states(&twin).await, states(&database).await);
    assert!(
        import(&store, &rows(&connections)).await.is_empty(),
        "each row is imported once"
    );
    assert_eq!(states(&twin).await, states(&database).await);
    assert!(import(&store, &[]).await.is_empty());
}

async fn import_changes_lease_like_replace_tokens(database: TestDatabase) {
    let store = database.store().await;
    let connection = leased(&store, &connect(&store, "reddit", "juniper").await)
        .await
        .connection;
    database
        .execute("UPDATE oauth_accounts SET access_token = 'external'")
        .await;
    let before = reload(&store, &connection).await;
    assert_eq!(
        import(&store, &rows(std::slice::from_ref(&before))).await,
        [connection.id]
    );
    assert_eq!(
        reload(&store, &connection).await.lease,
        replace_tokens(&before.lease)
    );
}

async fn concurrent_batches_import_each_row_once(database: TestDatabase) {
    let store = database.store().await;
    let connections = fill(&database, &store).await;
    let (one, mut other) = (rows(&connections), rows(&connections));
    other.reverse();
    let (one, other) = tokio::join!(import(&store, &one), import(&store, &other));
    assert_eq!(one.len() + other.len(), 5);
    let mut of_user = BTreeMap::<UserId, Vec<i64>>::new();
    for event in store.events().after(0, 100).await.unwrap() {
        of_user
            .entry(event.user.unwrap())
            .or_default()
            .push(event.version);
    }
    assert!(!of_user.is_empty());
    for (user, versions) in of_user {
        let last = i64::try_from(versions.len()).unwrap();
        assert_eq!(versions, (1..=last).collect::<Vec<_>>());
        assert_eq!(version(&store, user).await, last);
    }
}

async fn deleted_rows_do_not_block_import_of_others(database: TestDatabase) {
    let store = database.store().await;
    let connections = fill(&database, &store).await;
    let user_of_new = connections
        .iter()
        .find(|connection| connection.account.as_str() == "new")
        .unwrap()
        .user
        .get();
    database
        .execute(&format!("DELETE FROM users WHERE id = {user_of_new}"))
        .await;
    database
        .execute("DELETE FROM oauth_accounts WHERE provider_account_id = 'also new'")
        .await;
    assert_eq!(import(&store, &rows(&connections)).await.len(), 3);
}

async fn imported_row_does_not_increment_version(database: TestDatabase) {
    let store = database.store().await;
    let connection = connect(&store, "reddit", "juniper").await;
    let before = version(&store, connection.user).await;
    assert!(
        import(&store, &rows(std::slice::from_ref(&connection)))
            .await
            .is_empty()
    );
    assert_eq!(version(&store, connection.user).await, before);
}

async fn batch_waits_for_concurrent_change_of_its_user(database: TestDatabase) {
    let store = database.store().await;
    let connections = fill(&database, &store).await;
    let user = connections[0].user.get();
    let lock =
        format!("UPDATE evergrant_versions SET version = version + 1 WHERE user_id = {user}");
    let change = database.begin(&lock).await;
    let waiting = tokio::spawn(async move { import(&store, &rows(&connections)).await.len() });
    database.lock_is_waited_for().await;
    change.commit().await;
    assert_eq!(waiting.await.unwrap(), 5);
}
