//! Provider blocks and heartbeats of replicas.

use evergrant_store::{ProviderBlock, Store};
use evergrant_testkit::{TestDatabase, on_both_databases};

use crate::support::{at, slug};

on_both_databases!(
    block_applies_to_all_replicas_and_one_may_probe,
    block_is_replaced_only_by_more_trips_or_later_end,
    live_replicas_are_counted
);

fn block(until: i64) -> ProviderBlock {
    ProviderBlock {
        provider: slug("reddit"),
        scope: "token www.reddit.com".to_owned(),
        kind: "breaker".to_owned(),
        blocked_at: at(0),
        blocked_until: at(until),
        consecutive_trips: 1,
    }
}

async fn block_applies_to_all_replicas_and_one_may_probe(database: TestDatabase) {
    let store = database.store().await;
    assert!(store.provider_blocks().block(&block(30)).await.unwrap());
    let other = Store::open(&database.url).await.unwrap().provider_blocks();
    let own = store.provider_blocks();
    let stored = other.all().await.unwrap();
    assert_eq!(stored, [block(30)]);
    assert!(
        !other.claim_probe(&stored[0], at(29), at(60)).await.unwrap(),
        "the block still lasts"
    );
    let claims = [
        other.claim_probe(&stored[0], at(30), at(60)),
        own.claim_probe(&stored[0], at(30), at(60)),
    ];
    let [first, second] = claims.map(|claim| async { claim.await.unwrap() });
    let (first, second) = tokio::join!(first, second);
    assert!(first ^ second, "one of the two may probe");
    assert!(other.unblock(&stored[0]).await.unwrap());
    assert!(!store.provider_blocks().unblock(&stored[0]).await.unwrap());
    assert!(store.provider_blocks().all().await.unwrap().is_empty());
}

async fn block_is_replaced_only_by_more_trips_or_later_end(database: TestDatabase) {
    let store = database.store().await;
    assert!(store.provider_blocks().block(&block(30)).await.unwrap());
    assert!(
        !store.provider_blocks().block(&block(30)).await.unwrap(),
        "another replica has stored it"
    );
    assert!(!store.provider_blocks().block(&block(20)).await.unwrap());
    assert!(
        store
            .provider_blocks()
            .claim_probe(&block(30), at(30), at(60))
            .await
            .unwrap()
    );
    let tripped_again = ProviderBlock {
        blocked_at: at(25),
        consecutive_trips: 2,
        ..block(50)
    };
    assert!(
        store.provider_blocks().block(&tripped_again).await.unwrap(),
        "a failed probe may shorten the block"
    );
    assert!(
        !store.provider_blocks().block(&block(90)).await.unwrap(),
        "a block with fewer trips comes from an older call"
    );
    let stored = &store.provider_blocks().all().await.unwrap()[0];
    assert_eq!(
        (
            stored.blocked_at,
            stored.blocked_until,
            stored.consecutive_trips
        ),
        (at(0), at(50), 2)
    );
}

async fn live_replicas_are_counted(database: TestDatabase) {
    let store = database.store().await;
    let beat = async |id: &str, now| {
        store
            .replicas()
            .heartbeat(id, at(now), at(now - 15), at(now - 100))
            .await
            .unwrap()
    };
    assert_eq!(beat("a", 0).await, 1);
    assert_eq!(beat("b", 10).await, 2);
    assert_eq!(beat("b", 16).await, 1, "the heartbeat of a is too old");
    assert_eq!(beat("a", 17).await, 2);
    store.replicas().remove("b").await.unwrap();
    assert_eq!(beat("a", 18).await, 1);
    beat("c", 200).await;
    assert_eq!(
        database.contents().await["evergrant_replicas"].len(),
        1,
        "dead replicas are deleted"
    );
}
