//! Concurrent changes: they wait for each other, none is lost, and none fails because of another.

use std::sync::Arc;

use evergrant_model::{ProviderSlug, UserId};
use evergrant_store::{Connection, FlowStatus, Grant, Store, StoreError};
use evergrant_testkit::{TestDatabase, on_both_databases, on_postgres};
use sqlx::{Connection as _, PgConnection};
use tokio::task::JoinSet;

use crate::support::{
    Consent, FlowFixture, RefreshedTokens, at, failure, forged_lease, new_user, record_failure,
    revocation, trace, unique, version,
};

on_both_databases!(
    concurrent_changes_all_succeed,
    users_can_be_deleted_during_changes,
    rejected_changes_release_their_connections
);
on_postgres!(grant_parked_during_user_deletion_is_queued);

const ACCOUNTS: [&str; 3] = ["abe", "kim", "zoe"];

/// Stores one consent for all accounts, starting with the account at index `first`.
async fn reconnect(store: &Store, user: UserId, first: usize) -> Result<(), StoreError> {
    let consents: Vec<_> = (0..3)
        .map(|n| Consent::of(user, "reddit", ACCOUNTS[(first + n) % 3]))
        .collect();
    let flow = FlowFixture::of(user, "reddit");
    store.flows().insert(&flow.row()).await?;
    let grants: Vec<Grant<'_>> = consents.iter().map(Consent::grant).collect();
    store
        .connections()
        .store_grants(&grants, &flow.id, FlowStatus::Waiting)
        .await
        .map(drop)
}

/// Refreshes, failures and disconnects of the user's current connections.
async fn disturb(store: &Store, user: UserId, round: usize) -> Result<(), StoreError> {
    let connections = store
        .connections()
        .of_user(user)
        .await?
        .map(|listed| listed.connections)
        .unwrap_or_default();
    for (n, connection) in connections.iter().enumerate() {
        match (round + n) % 3 {
            0 => {
                drop(
                    store
                        .refreshes()
                        .store(
                            &forged_lease(connection),
                            &RefreshedTokens::new("refreshed", Some("refreshed")).row(),
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

async fn disconnect(store: &Store, connection: &Connection) -> Result<bool, StoreError> {
    let plan = revocation(&format!("r{}", unique()), "reddit");
    store
        .connections()
        .delete(connection, Some(&plan), &trace("bye"), at(0))
        .await
}

/// Makes the changes of one task: tasks with an even number reconnect, the others call [`disturb`].
async fn change(store: Store, user: UserId, task: usize, rounds: usize) -> Result<(), StoreError> {
    for round in 0..rounds {
        match task % 2 {
            0 => reconnect(&store, user, task + round).await?,
            _ => disturb(&store, user, task + round).await?,
        }
    }
    Ok(())
}

async fn concurrent_changes_all_succeed(database: TestDatabase) {
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

async fn users_can_be_deleted_during_changes(database: TestDatabase) {
    let store = database.store().await;
    for _ in 0..4 {
        let user = new_user(&store).await;
        let tasks: JoinSet<_> = (0..4)
            .map(|task| change(store.clone(), user, task, 6))
            .collect();
        let plan = |provider: &ProviderSlug, _metadata: &_| {
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

/// Each rejected change leaves an uncommitted transaction; there are more of them than pooled
/// connections.
async fn rejected_changes_release_their_connections(database: TestDatabase) {
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
        assert!(!record_failure(&store, &old, &failure(&trace("late"))).await);
    }
    reconnect(&store, user, 0).await.unwrap();
    assert_eq!(version(&store, user).await, 5);
}

async fn grant_parked_during_user_deletion_is_queued(database: TestDatabase) {
    const PARK: &str =
        "UPDATE evergrant_flows SET status = 'pending', access_token = 'parked access'";
    let store = Arc::new(database.store().await);
    let user = new_user(&store).await;
    FlowFixture::of(user, "reddit").insert(&store).await;
    let mut replica = PgConnection::connect(&database.url).await.unwrap();
    let mut parking = replica.begin().await.unwrap();
    sqlx::query(PARK).execute(&mut *parking).await.unwrap();
    let deleting_store = store.clone();
    let plan = |provider: &ProviderSlug, _metadata: &_| Some(revocation("r1", provider.as_str()));
    let deleting = tokio::spawn(async move {
        deleting_store
            .users()
            .delete(user, &trace("bye"), at(0), plan)
            .await
            .unwrap()
    });
    database.lock_is_waited_for().await;
    parking.commit().await.unwrap();
    assert!(deleting.await.unwrap());
    let queued = store.revocations().by_id("r1").await.unwrap().unwrap();
    assert_eq!(queued.access_token.unwrap().as_str(), "parked access");
}
