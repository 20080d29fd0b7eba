//! Disconnecting: exactly one connection goes, and exactly its tokens are queued for the platform.

use evergrant_model::ProviderAccountId;
use std::collections::{BTreeMap, BTreeSet};

use evergrant_store::{Connection, Store};
use evergrant_testkit::{TestDatabase, on_both_databases};
use proptest::prelude::{Strategy, any, prop};
use proptest::{prop_assert, prop_assert_eq};

use crate::support::{
    Consent, RefreshedTokens, account, again, at, connect, for_all, new_user, revocation, text,
    trace, unique,
};

on_both_databases!(
    what_is_queued_is_what_was_held_at_that_moment,
    without_a_plan_the_tokens_are_only_erased,
    another_users_connection_stays,
    of_ten_at_once_one_disconnects,
    disconnection_cleans_up,
);

async fn disconnect(store: &Store, held: &Connection, id: &str) -> bool {
    let plan = revocation(id, held.provider.as_str());
    store
        .connections()
        .delete(held, Some(&plan), &trace("bye"), at(100))
        .await
        .unwrap()
}

async fn what_is_queued_is_what_was_held_at_that_moment(database: TestDatabase) {
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
    assert!(!disconnect(&store, &stale, "r2").await, "it is gone");
    assert_eq!(database.contents().await, before);
}

async fn without_a_plan_the_tokens_are_only_erased(database: TestDatabase) {
    let store = database.store().await;
    let held = connect(&store, "reddit", "juniper").await;
    assert!(
        store
            .connections()
            .delete(&held, None, &trace("bye"), at(100))
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

async fn another_users_connection_stays(database: TestDatabase) {
    let store = database.store().await;
    let held = connect(&store, "reddit", "juniper").await;
    let forged = Connection {
        user: new_user(&store).await,
        ..held.clone()
    };
    let before = database.contents().await;
    assert!(!disconnect(&store, &forged, "r1").await);
    assert!(
        !disconnect(
            &store,
            &Connection {
                account: account("robin"),
                ..held
            },
            "r1"
        )
        .await
    );
    assert_eq!(database.contents().await, before);
}

async fn of_ten_at_once_one_disconnects(database: TestDatabase) {
    let store = database.store().await;
    let held = connect(&store, "reddit", "juniper").await;
    let mut tasks = tokio::task::JoinSet::new();
    for n in 0..10 {
        let (store, held) = (store.clone(), held.clone());
        tasks.spawn(async move { disconnect(&store, &held, &format!("r{n}")).await });
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

/// A connection of a random set: whose, where, which account; whether it has a refresh token,
/// whether it was renewed.
type Drawn = (usize, usize, usize, bool, bool);

fn sets() -> impl Strategy<Value = (BTreeSet<Drawn>, prop::sample::Index)> {
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

async fn disconnection_cleans_up(database: TestDatabase) {
    let store = database.store().await;
    for_all(24, &sets(), async |(drawn, chosen)| {
        let case = unique();
        let id = format!("r{case}");
        let held = connect_all(&store, drawn, case).await;
        let target = again(&store, chosen.get(&held)).await;
        let before = database.contents().await;
        prop_assert!(disconnect(&store, &target, &id).await);
        let after = database.contents().await;
        let changes = [
            ("oauth_accounts", 1, 0),
            ("evergrant_connections", 1, 0),
            ("evergrant_revocations", 0, 1),
            ("evergrant_events", 0, 1),
            ("evergrant_versions", 1, 1),
        ];
        prop_assert_eq!(
            differences(&before, &after),
            BTreeMap::from(changes.map(|(table, gone, new)| (table, (gone, new))))
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

async fn connect_all(store: &Store, drawn: BTreeSet<Drawn>, case: u32) -> Vec<Connection> {
    let users = [
        new_user(store).await,
        new_user(store).await,
        new_user(store).await,
    ];
    let platforms = ["instagram", "reddit", "tiktok"];
    let mut held = Vec::new();
    for (user, platform, name, refreshable, renewed) in drawn {
        // Each user's account names are their own: that an account has one owner is another claim.
        let mut consent = Consent::of(
            users[user],
            platforms[platform],
            &format!("{case}-{user}-{name}"),
        );
        consent.tokens.refresh = consent.tokens.refresh.filter(|_| refreshable);
        let connection = consent.store(store).await;
        if renewed {
            assert!(
                RefreshedTokens::new(&format!("renewed {case}-{name}"), None)
                    .store(store, &connection)
                    .await
            );
        }
        held.push(connection);
    }
    held
}

/// How many rows of each table are gone and how many are new, where any are.
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
