//! Counting rejected grants by provider and time, and restoring suspected ones.

use evergrant_model::ConnectionStatus;
use evergrant_resilience::refresh::lease::AttemptOutcome;
use evergrant_store::{Connection, FailedRefresh, Rejections, Store};
use evergrant_testkit::{TestDatabase, on_both_databases};

use crate::support::{RefreshedTokens, at, connect, failure, leased, reload, slug, trace};

on_both_databases!(
    rejections_are_counted_by_provider_and_time,
    connections_ended_by_rejection_are_listed_oldest_first,
    suspected_rejections_are_released_once,
);

/// Connects an account, and records 3,700 seconds into the year that its grant was rejected.
async fn reject(store: &Store, name: &str) -> Connection {
    let connection = connect(store, "reddit", name).await;
    let (lease, trace) = (leased(store, &connection).await, trace("rejected"));
    let rejected = FailedRefresh {
        status: ConnectionStatus::Expired,
        rejected: true,
        ..failure(&trace)
    };
    let outcome = AttemptOutcome {
        dead: true,
        in_doubt: false,
        in_flight: false,
    };
    assert!(
        store
            .refreshes()
            .record_failure(&lease, outcome, &rejected)
            .await
            .unwrap()
    );
    connection
}

async fn rejections_are_counted_by_provider_and_time(database: TestDatabase) {
    let store = database.store().await;
    reject(&store, "a").await;
    reject(&store, "b").await;
    let refreshed = connect(&store, "reddit", "c").await;
    assert!(
        RefreshedTokens::new("second", None)
            .store_leased(&store, &refreshed)
            .await
    );
    let count = async |provider, since, min_rejected| {
        store
            .rejections()
            .count(&slug(provider), at(since), min_rejected)
            .await
            .unwrap()
    };
    let two_rejected = |refreshed| Rejections {
        rejected: 2,
        refreshed,
    };
    assert_eq!(
        count("reddit", 3700, 2).await,
        two_rejected(0),
        "the refresh was earlier"
    );
    assert_eq!(count("reddit", 3600, 2).await, two_rejected(1));
    assert_eq!(
        count("reddit", 3600, 3).await,
        two_rejected(0),
        "too few rejections to count the refreshes"
    );
    assert_eq!(count("reddit", 3701, 1).await.rejected, 0);
    assert_eq!(count("tiktok", 0, 1).await.rejected, 0);
}

async fn connections_ended_by_rejection_are_listed_oldest_first(database: TestDatabase) {
    let store = database.store().await;
    let rejected = [reject(&store, "a").await.id, reject(&store, "b").await.id];
    connect(&store, "reddit", "c").await;
    let ended = store
        .rejections()
        .ended_since(&slug("reddit"), at(3700), 10)
        .await
        .unwrap();
    let ids: Vec<_> = ended.iter().map(|connection| connection.id).collect();
    assert_eq!(ids, rejected);
}

async fn suspected_rejections_are_released_once(database: TestDatabase) {
    let store = database.store().await;
    let (one, _) = (reject(&store, "a").await, reject(&store, "b").await);
    database
        .execute("UPDATE evergrant_connections SET status = 'error' WHERE status = 'expired'")
        .await;
    let release = async || {
        store
            .rejections()
            .release_suspects(&slug("reddit"), at(9000))
            .await
            .unwrap()
    };
    assert_eq!(release().await, 2);
    assert_eq!(release().await, 0, "each is released once");
    assert_eq!(reload(&store, &one).await.next_refresh_at, Some(at(9000)));
}
