//! A batch of external rows is imported as each row would be alone.

use std::collections::BTreeMap;

use evergrant_model::{ConnectionId, UserId};
use evergrant_resilience::refresh::lease::replace_tokens;
use evergrant_store::{Connection, ExternalRow, Store};
use evergrant_testkit::{TestDatabase, on_both_databases, on_postgres};

use crate::support::{again, at, connect, leased, literal_time, new_user, trace, version};

on_both_databases!(
    a_batch_is_imported_as_each_row_alone,
    the_lease_of_an_imported_row_is_replaced,
    two_batches_import_each_row_once,
    rows_that_are_gone_do_not_hinder_the_others,
    a_row_that_is_imported_already_raises_no_version,
);
on_postgres!(a_batch_waits_for_a_change_of_one_of_its_users);

/// Accounts of two users: new ones, one that was replaced after its end, one that is ours, and one
/// whose token was taken away.
async fn fill(database: &TestDatabase, store: &Store) -> Vec<Connection> {
    let mut user = None;
    for name in ["replaced", "ours", "emptied"] {
        user = Some(connect(store, "reddit", name).await.user);
    }
    let (one, other) = (user.unwrap().get(), new_user(store).await.get());
    let ended = literal_time(database, 5);
    for statement in [
        "UPDATE evergrant_events SET subject = NULL".to_owned(),
        format!("UPDATE oauth_accounts SET user_id = {one}"),
        format!(
            "UPDATE evergrant_connections SET status = 'expired', status_reason = 'SESSION_ENDED', failures = 3,
                refused_at = {ended}, held_until = {ended}, doubt_since = {ended}, bought_with = 1, bought_attempt = 1,
                lease_owner = 'a', last_outcome = 'unknown', issued_at = {ended}, next_refresh_at = NULL"
        ),
        "UPDATE oauth_accounts SET access_token = 'a token of another program, longer than its beginning'
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

fn rows(held: &[Connection]) -> Vec<ExternalRow<'_>> {
    let times = |place: usize| i64::try_from(place).unwrap();
    let row = |(place, held)| ExternalRow {
        held,
        next_refresh_at: Some(at(100 + times(place))).filter(|_| place % 2 == 0),
        next_status_at: Some(at(200 + times(place))).filter(|_| place % 3 == 0),
    };
    held.iter().enumerate().map(row).collect()
}

async fn import(store: &Store, rows: &[ExternalRow<'_>]) -> Vec<ConnectionId> {
    store
        .external_rows()
        .import_batch(rows, &trace("found"), at(9))
        .await
        .unwrap()
}

/// What imports change.
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

async fn a_batch_is_imported_as_each_row_alone(database: TestDatabase) {
    let twin = if database.is_postgres() {
        TestDatabase::postgres().await
    } else {
        TestDatabase::sqlite()
    };
    let (store, twin_store) = (database.store().await, twin.store().await);
    let (held, twin_held) = (
        fill(&database, &store).await,
        fill(&twin, &twin_store).await,
    );
    let imported = import(&store, &rows(&held)).await;
    let names = |ids: &[ConnectionId]| -> Vec<String> {
        let of = |id: &ConnectionId| {
            held.iter()
                .find(|held| held.id == *id)
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
    for row in rows(&twin_held) {
        alone.extend(import(&twin_store, &[row]).await);
    }
    assert_eq!(alone, imported);
    assert_eq!(states(&twin).await, states(&database).await);
    assert!(import(&store, &rows(&held)).await.is_empty(), "each once");
    assert_eq!(states(&twin).await, states(&database).await);
    assert!(import(&store, &[]).await.is_empty());
}

async fn the_lease_of_an_imported_row_is_replaced(database: TestDatabase) {
    let store = database.store().await;
    let held = leased(&store, &connect(&store, "reddit", "juniper").await)
        .await
        .held;
    database
        .execute("UPDATE oauth_accounts SET access_token = 'theirs'")
        .await;
    let before = again(&store, &held).await;
    assert_eq!(
        import(&store, &rows(std::slice::from_ref(&before))).await,
        [held.id]
    );
    assert_eq!(
        again(&store, &held).await.lease,
        replace_tokens(&before.lease)
    );
}

async fn two_batches_import_each_row_once(database: TestDatabase) {
    let store = database.store().await;
    let held = fill(&database, &store).await;
    let (one, mut other) = (rows(&held), rows(&held));
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
    for (user, versions) in of_user {
        let last = i64::try_from(versions.len()).unwrap();
        assert_eq!(versions, (1..=last).collect::<Vec<_>>());
        assert_eq!(version(&store, user).await, last);
    }
}

async fn rows_that_are_gone_do_not_hinder_the_others(database: TestDatabase) {
    let store = database.store().await;
    let held = fill(&database, &store).await;
    let user_of_new = held
        .iter()
        .find(|held| held.account.as_str() == "new")
        .unwrap()
        .user
        .get();
    database
        .execute(&format!("DELETE FROM users WHERE id = {user_of_new}"))
        .await;
    database
        .execute("DELETE FROM oauth_accounts WHERE provider_account_id = 'also new'")
        .await;
    assert_eq!(import(&store, &rows(&held)).await.len(), 3);
}

async fn a_row_that_is_imported_already_raises_no_version(database: TestDatabase) {
    let store = database.store().await;
    let held = connect(&store, "reddit", "juniper").await;
    let before = version(&store, held.user).await;
    assert!(
        import(&store, &rows(std::slice::from_ref(&held)))
            .await
            .is_empty()
    );
    assert_eq!(version(&store, held.user).await, before);
}

async fn a_batch_waits_for_a_change_of_one_of_its_users(database: TestDatabase) {
    let store = database.store().await;
    let held = fill(&database, &store).await;
    let user = held[0].user.get();
    let lock =
        format!("UPDATE evergrant_versions SET version = version + 1 WHERE user_id = {user}");
    let change = database.begin(&lock).await;
    let waiting = tokio::spawn(async move { import(&store, &rows(&held)).await.len() });
    database.lock_is_waited_for().await;
    change.commit().await;
    assert_eq!(waiting.await.unwrap(), 5);
}
