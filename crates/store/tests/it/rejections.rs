//! Rejections are counted by platform and time, and taken back where they are not believed.

use evergrant_model::ConnectionStatus;
use evergrant_resilience::refresh::lease::AttemptOutcome;
use evergrant_store::{FailedRefresh, Rejections, Store};
use evergrant_testkit::{TestDatabase, on_both_databases};

use crate::support::{RefreshedTokens, again, at, connect, failure, leased, slug, trace};

on_both_databases!(rejections_are_counted_and_released);

async fn reject(store: &Store, name: &str) -> evergrant_store::Connection {
    let held = connect(store, "reddit", name).await;
    let (lease, trace) = (leased(store, &held).await, trace("refused"));
    let refused = FailedRefresh {
        status: ConnectionStatus::Expired,
        rejected: true,
        ..failure(&trace)
    };
    let ending = AttemptOutcome {
        dead: true,
        in_doubt: false,
        under_way: false,
    };
    assert!(
        store
            .refreshes()
            .record_failure(&lease, ending, &refused)
            .await
            .unwrap()
    );
    held
}

async fn rejections_are_counted_and_released(database: TestDatabase) {
    let store = database.store().await;
    let reddit = slug("reddit");
    let (one, other) = (reject(&store, "a").await, reject(&store, "b").await);
    let renewed = connect(&store, "reddit", "c").await;
    assert!(
        RefreshedTokens::new("second", None)
            .store_leased(&store, &renewed)
            .await
    );
    let count = async |since, enough| {
        store
            .rejections()
            .count(&reddit, at(since), enough)
            .await
            .unwrap()
    };
    assert_eq!(
        count(3700, 2).await,
        Rejections {
            rejected: 2,
            refreshed: 0
        },
        "refreshed before"
    );
    assert_eq!(
        count(3600, 2).await,
        Rejections {
            rejected: 2,
            refreshed: 1
        }
    );
    assert_eq!(
        count(3600, 3).await,
        Rejections {
            rejected: 2,
            refreshed: 0
        },
        "too few rejections to count the refreshes"
    );
    assert_eq!(count(3701, 1).await.rejected, 0);
    assert_eq!(
        store
            .rejections()
            .count(&slug("tiktok"), at(0), 1)
            .await
            .unwrap()
            .rejected,
        0
    );
    let ended = store
        .rejections()
        .ended_since(&reddit, at(3700), 10)
        .await
        .unwrap();
    assert_eq!(
        ended.iter().map(|held| held.id).collect::<Vec<_>>(),
        [one.id, other.id]
    );
    database
        .execute("UPDATE evergrant_connections SET status = 'error' WHERE status = 'expired'")
        .await;
    assert_eq!(
        store
            .rejections()
            .release_suspects(&reddit, at(9000))
            .await
            .unwrap(),
        2
    );
    assert_eq!(
        store
            .rejections()
            .release_suspects(&reddit, at(9000))
            .await
            .unwrap(),
        0,
        "each once"
    );
    assert_eq!(again(&store, &one).await.next_refresh_at, Some(at(9000)));
}
