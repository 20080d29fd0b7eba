//! Deleting a connection and queueing the revocation of its tokens.

use std::collections::{BTreeMap, BTreeSet};

use evergrant_model::ProviderAccountId;
use evergrant_store::{Connection, Store};
use evergrant_testkit::{TestDatabase, on_both_databases};
use proptest::prelude::{Strategy, any, prop};
use proptest::{prop_assert, prop_assert_eq};

use crate::support::{
    Consent, RefreshedTokens, account, at, connect, for_all, new_user, reload, revocation, text,
    trace, unique,
};

on_both_databases!(
    disconnect_queues_current_tokens,
    disconnect_without_revocation_only_deletes,
    connection_of_another_user_is_not_deleted,
    one_of_ten_concurrent_disconnects_succeeds,
    disconnect_changes_only_its_rows,
);

async fn disconnect(store: &Store, connection: &Connection, id: &str) -> bool {
    let plan = revocation(id, connection.provider.as_str());
    store
        .connections()
        .delete(connection, Some(&plan), &trace("bye"), at(100))
        .await
        .unwrap()
}

async fn disconnect_queues_current_tokens(database: TestDatabase) {
    let store = database.store().await;
    let stale = connect(&store, "reddit", "juniper").await;
    assert!(
        RefreshedTokens::new("newest access", Some("newest refresh"))
            .store(&store, &stale)
            .await
    );
    assert!(disconnect(&store, &stale, "r1").await);
    let queued = store.revocations().by_id("r1").await.unwrap().unwrap();
    assert_eq!(text(queued.access_token.as_ref()), Some("newest access"));
    assert_eq!(text(queued.refresh_token.as_ref()), Some("newest refresh"));
    let event = store.events().after(0, 10).await.unwrap().pop().unwrap();
    assert_eq!(
        (
            event.version,
            event.account.as_ref().map(ProviderAccountId::as_str)
        ),
        (3, Some("juniper"))
    );
    let kinds = database
        .texts("SELECT kind FROM evergrant_events ORDER BY id")
        .await;
    assert_eq!(kinds, ["connected", "refreshed", "disconnected"]);
    let before = database.contents().await;
    assert!(
        !disconnect(&store, &stale, "r2").await,
        "the connection does not exist"
    );
    assert_eq!(database.contents().await, before);
}

async fn disconnect_without_revocation_only_deletes(database: TestDatabase) {
    let store = database.store().await;
    let connection = connect(&store, "reddit", "juniper").await;
    assert!(
        store
            .connections()
            .delete(&connection, None, &trace("bye"), at(100))
            .await
            .unwrap()
    );
    let contents = database.contents().await;
    for table in [
        "oauth_accounts",
        "evergrant_connections",
        "evergrant_revocations",
    ] {
        assert!(contents[table].is_empty(), "{table}");
    }
}

async fn connection_of_another_user_is_not_deleted(database: TestDatabase) {
    let store = database.store().await;
    let connection = connect(&store, "reddit", "juniper").await;
    let forged = Connection {
        user: new_user(&store).await,
        ..connection.clone()
    };
    let before = database.contents().await;
    assert!(!disconnect(&store, &forged, "r1").await);
    assert!(
        !disconnect(
            &store,
            &Connection {
                account: account("robin"),
                ..connection
            },
            "r1"
        )
        .await
    );
    assert_eq!(database.contents().await, before);
}

async fn one_of_ten_concurrent_disconnects_succeeds(database: TestDatabase) {
    let store = database.store().await;
    let connection = connect(&store, "reddit", "juniper").await;
    let mut tasks = tokio::task::JoinSet::new();
    for n in 0..10 {
        let (store, connection) = (store.clone(), connection.clone());
        tasks.spawn(async move { disconnect(&store, &connection, &format!("r{n}")).await });
    }
    assert_eq!(
        tasks
            .join_all()
            .await
            .into_iter()
            .filter(|done| *done)
            .count(),
        1
    );
    assert_eq!(database.contents().await["evergrant_revocations"].len(), 1);
}

/// A random connection: user, provider, account, whether it has a refresh token, and whether it was
/// refreshed.
type RandomConnection = (usize, usize, usize, bool, bool);

fn sets() -> impl Strategy<Value = (BTreeSet<RandomConnection>, prop::sample::Index)> {
    let one = (
        0..3_usize,
        0..3_usize,
        0..4_usize,
        any::<bool>(),
        any::<bool>(),
    );
    (
        prop::collection::btree_set(one, 1..9),
        any::<prop::sample::Index>(),
    )
}

async fn disconnect_changes_only_its_rows(database: TestDatabase) {
    let store = database.store().await;
    for_all(24, &sets(), async |(random, chosen)| {
        let case = unique();
        let id = format!("r{case}");
        let connections = connect_all(&store, random, case).await;
        let target = reload(&store, chosen.get(&connections)).await;
        let before = database.contents().await;
        prop_assert!(disconnect(&store, &target, &id).await);
        let after = database.contents().await;
        let changes = [
            ("oauth_accounts", 1, 0),
            ("evergrant_connections", 1, 0),
            ("evergrant_token_copies", 1, 1),
            ("evergrant_revocations", 0, 1),
            ("evergrant_events", 0, 1),
            ("evergrant_versions", 1, 1),
        ];
        prop_assert_eq!(
            differences(&before, &after),
            BTreeMap::from(changes.map(|(table, deleted, inserted)| (table, (deleted, inserted))))
        );
        prop_assert!(
            store
                .connections()
                .by_id(target.id)
                .await
                .unwrap()
                .is_none()
        );
        let queued = store.revocations().by_id(&id).await.unwrap().unwrap();
        prop_assert_eq!(
            (queued.access_token, queued.refresh_token),
            (target.tokens.access, target.tokens.refresh)
        );
        Ok(())
    });
}

async fn connect_all(
    store: &Store,
    random: BTreeSet<RandomConnection>,
    case: u32,
) -> Vec<Connection> {
    let users = [
        new_user(store).await,
        new_user(store).await,
        new_user(store).await,
    ];
    let providers = ["instagram", "reddit", "tiktok"];
    let mut connections = Vec::new();
    for (user, provider, name, has_refresh, is_refreshed) in random {
        // Account names are unique per user, because an account belongs to one user only.
        let mut consent = Consent::of(
            users[user],
            providers[provider],
            &format!("{case}-{user}-{name}"),
        );
        consent.tokens.refresh = consent.tokens.refresh.filter(|_| has_refresh);
        let connection = consent.store(store).await;
        if is_refreshed {
            assert!(
                RefreshedTokens::new(&format!("refreshed {case}-{name}"), None)
                    .store(store, &connection)
                    .await
            );
        }
        connections.push(connection);
    }
    connections
}

/// Returns the numbers of deleted and inserted rows of each changed table. An updated row counts as
/// both.
fn differences<'a>(
    before: &'a BTreeMap<String, Vec<String>>,
    after: &BTreeMap<String, Vec<String>>,
) -> BTreeMap<&'a str, (usize, usize)> {
    let missing =
        |from: &[String], to: &[String]| from.iter().filter(|row| !to.contains(row)).count();
    let changed = before.iter().map(|(table, rows)| {
        (
            table.as_str(),
            (missing(rows, &after[table]), missing(&after[table], rows)),
        )
    });
    changed.filter(|(_, change)| *change != (0, 0)).collect()
}
