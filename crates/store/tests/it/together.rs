//! Many at once: changes that meet wait for each other, none is lost, and none is refused for
//! having met.

use std::sync::Arc;

use evergrant_model::{ProviderSlug, UserId};
use evergrant_store::{Connection, FlowStatus, Grant, Store, StoreError};
use evergrant_testkit::{TestDatabase, on_both_databases, on_postgres};
use sqlx::{Connection as _, PgConnection};
use tokio::task::JoinSet;

use crate::support::{
    Consent, FlowSeed, RefreshedTokens, at, bearing, failure, new_user, revocation, trace, unique,
    version,
};

on_both_databases!(
    changes_that_meet_all_succeed,
    users_are_deleted_amid_changes,
    refusals_hold_nothing_back
);
on_postgres!(a_grant_parked_while_its_user_is_deleted_is_queued);

const ACCOUNTS: [&str; 3] = ["abe", "kim", "zoe"];

/// One consent for all accounts, in an order of its own.
async fn reconnect(store: &Store, user: UserId, first: usize) -> Result<(), StoreError> {
    let consents: Vec<_> = (0..3)
        .map(|n| Consent::of(user, "reddit", ACCOUNTS[(first + n) % 3]))
        .collect();
    let flow = FlowSeed::of(user, "reddit");
    store.flows().insert(&flow.row()).await?;
    let grants: Vec<Grant<'_>> = consents.iter().map(Consent::grant).collect();
    store
        .connections()
        .store_grants(&grants, &flow.id, FlowStatus::Waiting)
        .await
        .map(drop)
}

/// Renewals, failures and disconnections of whatever the user has just now.
async fn disturb(store: &Store, user: UserId, round: usize) -> Result<(), StoreError> {
    let held = store
        .connections()
        .of_user(user)
        .await?
        .map(|listed| listed.connections)
        .unwrap_or_default();
    for (n, connection) in held.iter().enumerate() {
        match (round + n) % 3 {
            0 => {
                drop(
                    store
                        .refreshes()
                        .store(
                            &bearing(connection),
                            &RefreshedTokens::new("renewed", Some("renewed")).row(),
                        )
                        .await?,
                );
            }
            1 => drop(
                store
                    .refreshes()
                    .record_failed_check(connection, &failure(&trace("failed")))
                    .await?,
            ),
            _ => drop(disconnect(store, connection).await?),
        }
    }
    Ok(())
}

async fn disconnect(store: &Store, held: &Connection) -> Result<bool, StoreError> {
    let plan = revocation(&format!("r{}", unique()), "reddit");
    store
        .connections()
        .delete(held, Some(&plan), &trace("bye"), at(0))
        .await
}

/// A task's worth of changes: every other task connects again, the rest disturbs.
async fn change(store: Store, user: UserId, task: usize, rounds: usize) -> Result<(), StoreError> {
    for round in 0..rounds {
        match task % 2 {
            0 => reconnect(&store, user, task + round).await?,
            _ => disturb(&store, user, task + round).await?,
        }
    }
    Ok(())
}

async fn changes_that_meet_all_succeed(database: TestDatabase) {
    let store = database.store().await;
    let user = new_user(&store).await;
    let tasks: JoinSet<_> = (0..6)
        .map(|task| change(store.clone(), user, task, 20))
        .collect();
    for done in tasks.join_all().await {
        assert!(done.is_ok(), "{done:?}");
    }
    let events = store.events().after(0, 10_000).await.unwrap();
    let versions: Vec<_> = events.iter().map(|event| event.version).collect();
    let last = version(&store, user).await;
    assert_eq!(
        versions,
        (1..=last).collect::<Vec<_>>(),
        "one event for each version"
    );
}

async fn users_are_deleted_amid_changes(database: TestDatabase) {
    let store = database.store().await;
    for _ in 0..4 {
        let user = new_user(&store).await;
        let tasks: JoinSet<_> = (0..4)
            .map(|task| change(store.clone(), user, task, 6))
            .collect();
        let plan = |provider: &ProviderSlug, _facts: &_| {
            Some(revocation(&format!("r{}", unique()), provider.as_str()))
        };
        assert!(
            store
                .users()
                .delete(user, &trace("bye"), at(0), plan)
                .await
                .unwrap()
        );
        for done in tasks.join_all().await {
            assert!(
                matches!(done, Ok(()) | Err(StoreError::Missing)),
                "{done:?}"
            );
        }
    }
    let contents = database.contents().await;
    for table in [
        "users",
        "oauth_accounts",
        "evergrant_connections",
        "evergrant_flows",
        "evergrant_versions",
    ] {
        assert!(contents[table].is_empty(), "{table}: {:?}", contents[table]);
    }
}

/// Each refusal leaves a transaction that was begun and not committed; there are more of them than
/// pooled connections.
async fn refusals_hold_nothing_back(database: TestDatabase) {
    let store = database.store().await;
    let user = new_user(&store).await;
    let old = Consent::of(user, "reddit", "abe").store(&store).await;
    assert!(
        RefreshedTokens::new("second access", None)
            .store(&store, &old)
            .await
    );
    for _ in 0..40 {
        assert!(
            !RefreshedTokens::new("late access", None)
                .store(&store, &old)
                .await
        );
        assert!(
            !store
                .refreshes()
                .record_failed_check(&old, &failure(&trace("late")))
                .await
                .unwrap()
        );
    }
    reconnect(&store, user, 0).await.unwrap();
    assert_eq!(version(&store, user).await, 5);
}

async fn a_grant_parked_while_its_user_is_deleted_is_queued(database: TestDatabase) {
    const PARK: &str =
        "UPDATE evergrant_flows SET status = 'pending', access_token = 'parked access'";
    let store = Arc::new(database.store().await);
    let user = new_user(&store).await;
    FlowSeed::of(user, "reddit").begin(&store).await;
    let mut replica = PgConnection::connect(&database.url).await.unwrap();
    let mut parking = replica.begin().await.unwrap();
    sqlx::query(PARK).execute(&mut *parking).await.unwrap();
    let deleter = store.clone();
    let plan = |provider: &ProviderSlug, _facts: &_| Some(revocation("r1", provider.as_str()));
    let deleting = tokio::spawn(async move {
        deleter
            .users()
            .delete(user, &trace("bye"), at(0), plan)
            .await
            .unwrap()
    });
    lock_is_waited_for(&database).await;
    parking.commit().await.unwrap();
    assert!(deleting.await.unwrap());
    let queued = store.revocations().by_id("r1").await.unwrap().unwrap();
    assert_eq!(queued.access_token.unwrap().as_str(), "parked access");
}

/// Until another connection to this database waits for a lock.
async fn lock_is_waited_for(database: &TestDatabase) {
    const WAITING: &str = "SELECT pid::text FROM pg_stat_activity
        WHERE datname = current_database() AND wait_event_type = 'Lock'";
    while database.texts(WAITING).await.is_empty() {
        tokio::task::yield_now().await;
    }
}
