//! Gates: closed for everybody, tried by one, open for everybody.

use evergrant_store::{Gate, Store};
use evergrant_testkit::{TestDatabase, on_both_databases};

use crate::support::{at, slug};

on_both_databases!(
    a_gate_is_closed_for_all_and_tried_by_one,
    a_gate_is_only_ever_closed_for_longer,
    replicas_are_counted
);

fn gate(until: i64) -> Gate {
    Gate {
        provider: slug("reddit"),
        host: "www.reddit.com".to_owned(),
        kind: "breaker".to_owned(),
        since: at(0),
        closed_to: at(until),
        trips: 1,
    }
}

async fn a_gate_is_closed_for_all_and_tried_by_one(database: TestDatabase) {
    let store = database.store().await;
    assert!(store.close_gate(&gate(30)).await.unwrap());
    let elsewhere = Store::open(&database.url).await.unwrap();
    let seen = elsewhere.gates().await.unwrap();
    assert_eq!(seen, [gate(30)]);
    assert!(!elsewhere.try_gate(&seen[0], at(29), at(60)).await.unwrap(), "its time is not over");
    let tried = [elsewhere.try_gate(&seen[0], at(30), at(60)), store.try_gate(&seen[0], at(30), at(60))];
    let [one, other] = tried.map(|tried| async { tried.await.unwrap() });
    let (one, other) = tokio::join!(one, other);
    assert!(one ^ other, "one of two");
    assert!(elsewhere.open_gate(&seen[0]).await.unwrap());
    assert!(!store.open_gate(&seen[0]).await.unwrap());
    assert!(store.gates().await.unwrap().is_empty());
}

async fn a_gate_is_only_ever_closed_for_longer(database: TestDatabase) {
    let store = database.store().await;
    assert!(store.close_gate(&gate(30)).await.unwrap());
    assert!(!store.close_gate(&gate(30)).await.unwrap(), "another replica has said so already");
    assert!(!store.close_gate(&gate(20)).await.unwrap());
    assert!(store.try_gate(&gate(30), at(30), at(60)).await.unwrap());
    let again = Gate { since: at(25), trips: 2, ..gate(50) };
    assert!(store.close_gate(&again).await.unwrap(), "a trial has failed, sooner than it had to");
    assert!(!store.close_gate(&gate(90)).await.unwrap(), "whose call was under way for long knows nothing of that");
    let seen = &store.gates().await.unwrap()[0];
    assert_eq!((seen.since, seen.closed_to, seen.trips), (at(0), at(50), 2));
}

async fn replicas_are_counted(database: TestDatabase) {
    let store = database.store().await;
    let beat = async |id: &str, now| store.heartbeat(id, at(now), at(now - 15), at(now - 100)).await.unwrap();
    assert_eq!(beat("a", 0).await, 1);
    assert_eq!(beat("b", 10).await, 2);
    assert_eq!(beat("b", 16).await, 1, "a has not been seen for longer");
    assert_eq!(beat("a", 17).await, 2);
    store.leave("b").await.unwrap();
    assert_eq!(beat("a", 18).await, 1);
    beat("c", 200).await;
    assert_eq!(database.contents().await["evergrant_replicas"].len(), 1, "the long gone are forgotten");
}
