//! Blocks apply to all replicas, and one replica at a time may probe.

use evergrant_store::{ProviderBlock, Store};
use evergrant_testkit::{TestDatabase, on_both_databases};

use crate::support::{at, slug};

on_both_databases!(
    a_block_applies_to_all_replicas_and_one_may_probe,
    a_block_is_only_ever_prolonged,
    replicas_are_counted
);

fn block(until: i64) -> ProviderBlock {
    ProviderBlock {
        provider: slug("reddit"),
        host: "www.reddit.com".to_owned(),
        kind: "breaker".to_owned(),
        since: at(0),
        blocked_until: at(until),
        consecutive_trips: 1,
    }
}

async fn a_block_applies_to_all_replicas_and_one_may_probe(database: TestDatabase) {
    let store = database.store().await;
    assert!(store.provider_blocks().block(&block(30)).await.unwrap());
    let elsewhere = Store::open(&database.url).await.unwrap().provider_blocks();
    let here = store.provider_blocks();
    let seen = elsewhere.all().await.unwrap();
    assert_eq!(seen, [block(30)]);
    assert!(
        !elsewhere
            .claim_probe(&seen[0], at(29), at(60))
            .await
            .unwrap(),
        "the block still lasts"
    );
    let tried = [
        elsewhere.claim_probe(&seen[0], at(30), at(60)),
        here.claim_probe(&seen[0], at(30), at(60)),
    ];
    let [one, other] = tried.map(|tried| async { tried.await.unwrap() });
    let (one, other) = tokio::join!(one, other);
    assert!(one ^ other, "one of two");
    assert!(elsewhere.unblock(&seen[0]).await.unwrap());
    assert!(!store.provider_blocks().unblock(&seen[0]).await.unwrap());
    assert!(store.provider_blocks().all().await.unwrap().is_empty());
}

async fn a_block_is_only_ever_prolonged(database: TestDatabase) {
    let store = database.store().await;
    assert!(store.provider_blocks().block(&block(30)).await.unwrap());
    assert!(
        !store.provider_blocks().block(&block(30)).await.unwrap(),
        "another replica has said so already"
    );
    assert!(!store.provider_blocks().block(&block(20)).await.unwrap());
    assert!(
        store
            .provider_blocks()
            .claim_probe(&block(30), at(30), at(60))
            .await
            .unwrap()
    );
    let again = ProviderBlock {
        since: at(25),
        consecutive_trips: 2,
        ..block(50)
    };
    assert!(
        store.provider_blocks().block(&again).await.unwrap(),
        "a probe has failed, sooner than it had to"
    );
    assert!(
        !store.provider_blocks().block(&block(90)).await.unwrap(),
        "a caller whose call took long does not know of it"
    );
    let seen = &store.provider_blocks().all().await.unwrap()[0];
    assert_eq!(
        (seen.since, seen.blocked_until, seen.consecutive_trips),
        (at(0), at(50), 2)
    );
}

async fn replicas_are_counted(database: TestDatabase) {
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
    assert_eq!(beat("b", 16).await, 1, "a has not been seen for longer");
    assert_eq!(beat("a", 17).await, 2);
    store.replicas().remove("b").await.unwrap();
    assert_eq!(beat("a", 18).await, 1);
    beat("c", 200).await;
    assert_eq!(
        database.contents().await["evergrant_replicas"].len(),
        1,
        "the long gone are forgotten"
    );
}
