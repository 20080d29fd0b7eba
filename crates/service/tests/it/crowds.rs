//! Many at once: each has its own renewal, and nobody waits for somebody else's platform.

use std::sync::Arc;

use evergrant_sandbox::{Fault, FaultKind};
use evergrant_testkit::{TestDatabase, on_both_databases};
use tokio::task::JoinSet;

use crate::harness::{ACME_LIFE_S, REFRESH, Stand};
use crate::outcomes::{call, read, reconcile};

on_both_databases!(
    a2_a_thousand_different_connections_are_a_thousand_calls_as_many_at_once_as_are_allowed,
    a7_and_a24_renewals_that_hang_harm_nobody_else,
);

/// The concurrency that the settings have.
const PLACES: u64 = 64;

fn free_permits(stand: &Stand) -> usize {
    stand.acme.free_permits().unwrap()
}

fn hold(stand: &Stand, times: u32) {
    stand.force(Fault::new("acme", REFRESH, FaultKind::Hold).times(times));
}

async fn a2_a_thousand_different_connections_are_a_thousand_calls_as_many_at_once_as_are_allowed(
    database: TestDatabase,
) {
    // One after the other writes to SQLite's file, which would take all of a reader's patience on a
    // slow disk.
    let many = if database.is_postgres() { 1000 } else { 400 };
    let stand = Arc::new(Stand::new(database).await);
    let (user, accounts) = stand.user_with_many("acme", many, stand.now()).await;
    reconcile(&stand.service).await.unwrap();
    hold(&stand, 1000);
    let mut readers = JoinSet::new();
    for account in accounts {
        let stand = Arc::clone(&stand);
        readers.spawn(async move { stand.read(user, "acme", &account).await });
    }
    stand.called("acme", REFRESH, PLACES).await;
    assert_eq!(
        (stand.calls("acme", REFRESH), free_permits(&stand)),
        (PLACES, 0),
        "one more would be too many"
    );
    let answers = stand.releasing(readers.join_all()).await;
    assert_eq!(answers.iter().find(|answer| answer.is_err()), None);
    let distinct: std::collections::HashSet<_> = answers.into_iter().collect();
    assert_eq!(
        (distinct.len(), stand.calls("acme", REFRESH)),
        (many, many as u64)
    );
    assert_eq!(free_permits(&stand), 64);
}

/// 500 more than the pool of the database has connections; each of the others below needs one.
async fn a7_and_a24_renewals_that_hang_harm_nobody_else(database: TestDatabase) {
    let stand = Arc::new(Stand::new(database).await);
    let others = stand
        .user_with_many("reddit", 200, stand.now().plus_seconds(86_400))
        .await;
    let (user, accounts) = stand.user_with_many("acme", 500, stand.now()).await;
    reconcile(&stand.service).await.unwrap();
    hold(&stand, 1000);
    let mut readers = JoinSet::new();
    for account in accounts {
        let stand = Arc::clone(&stand);
        readers.spawn(async move { stand.read(user, "acme", &account).await });
    }
    stand.called("acme", REFRESH, PLACES).await;
    let twin = stand.twin().await;
    for account in &others.1 {
        assert!(
            read(&twin, others.0, "reddit", account).await.is_ok(),
            "another platform's tokens are read"
        );
    }
    let list = stand
        .service
        .connected_integrations(&call(), others.0)
        .await
        .unwrap();
    assert_eq!(list.integrations.len(), 200, "lists are read");
    assert!(
        stand
            .refresh(others.0, "reddit", &others.1[0])
            .await
            .is_ok(),
        "another platform's are renewed"
    );
    let fresh = stand
        .user_with_many("acme", 1, stand.now().plus_seconds(ACME_LIFE_S))
        .await;
    assert!(
        stand.read(fresh.0, "acme", &fresh.1[0]).await.is_ok(),
        "and what is fresh needs no platform"
    );
    assert_eq!(
        stand.calls("acme", REFRESH),
        PLACES,
        "all that while those hung"
    );
    assert!(
        stand
            .releasing(readers.join_all())
            .await
            .iter()
            .all(Result::is_ok),
        "nor have those suffered"
    );
}
