//! What is due is given to one asker at a time, the longest due first, and time alone turns a
//! connection once.

use evergrant_model::{ConnectionStatus, EventKind, Timestamp};
use evergrant_store::{StatusTransition, Store};
use evergrant_testkit::{TestDatabase, on_both_databases};

use crate::support::{Consent, again, at, connect, new_user, slug, trace};

on_both_databases!(
    the_longest_due_are_claimed_first_and_once,
    many_askers_share_what_is_due,
    another_platforms_connections_are_not_claimed,
    what_is_put_off_is_not_due_and_a_dead_grant_never_is,
    a_status_transition_is_recorded_once,
    an_overtaken_status_transition_is_not_recorded,
);

async fn due_at(store: &Store, name: &str, due: Option<Timestamp>) -> i32 {
    let held = connect(store, "reddit", name).await;
    store.refreshes().reschedule(held.id, due).await.unwrap();
    held.id.get()
}

async fn claim(store: &Store, limit: i64) -> Vec<i32> {
    let claimed = store
        .refreshes()
        .claim_due(&slug("reddit"), at(100), at(160), limit)
        .await
        .unwrap();
    claimed
        .into_iter()
        .map(evergrant_model::ConnectionId::get)
        .collect()
}

async fn the_longest_due_are_claimed_first_and_once(database: TestDatabase) {
    let store = database.store().await;
    let (third, first) = (
        due_at(&store, "c", Some(at(100))).await,
        due_at(&store, "a", Some(at(1))).await,
    );
    let second = due_at(&store, "b", Some(at(50))).await;
    due_at(&store, "not yet", Some(at(101))).await;
    due_at(&store, "never", None).await;
    let mut claimed = claim(&store, 2).await;
    claimed.sort_unstable();
    let mut longest = [first, second];
    longest.sort_unstable();
    assert_eq!(claimed, longest);
    assert_eq!(claim(&store, 2).await, [third]);
    assert!(claim(&store, 2).await.is_empty());
    let later = store
        .refreshes()
        .claim_due(&slug("reddit"), at(160), at(200), 10)
        .await
        .unwrap();
    assert_eq!(
        later.len(),
        4,
        "who claims and is never heard of loses the claim"
    );
}

async fn many_askers_share_what_is_due(database: TestDatabase) {
    let store = database.store().await;
    for n in 0..40 {
        due_at(&store, &format!("account {n}"), Some(at(n))).await;
    }
    let mut askers = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let url = database.url.clone();
        askers.spawn(async move { claim(&Store::open(&url).await.unwrap(), 10).await });
    }
    let mut claimed: Vec<_> = askers.join_all().await.into_iter().flatten().collect();
    claimed.extend(claim(&store, 40).await);
    let all = claimed.len();
    claimed.sort_unstable();
    claimed.dedup();
    assert_eq!((claimed.len(), all), (40, 40), "each to one asker");
}

async fn another_platforms_connections_are_not_claimed(database: TestDatabase) {
    let store = database.store().await;
    let held = connect(&store, "tiktok", "juniper").await;
    store
        .refreshes()
        .reschedule(held.id, Some(at(0)))
        .await
        .unwrap();
    assert!(claim(&store, 10).await.is_empty());
}

async fn what_is_put_off_is_not_due_and_a_dead_grant_never_is(database: TestDatabase) {
    let store = database.store().await;
    let held = connect(&store, "reddit", "juniper").await;
    database
        .execute("UPDATE evergrant_connections SET status = 'expired', next_refresh_at = NULL")
        .await;
    store
        .refreshes()
        .reschedule(held.id, Some(at(0)))
        .await
        .unwrap();
    assert!(claim(&store, 10).await.is_empty());
}

fn warning(trace: &evergrant_model::CorrelationId) -> StatusTransition<'_> {
    StatusTransition {
        status: ConnectionStatus::Expiring,
        reason: None,
        next: None,
        event: Some(EventKind::Expiring),
        at: at(100),
        correlation_id: trace,
    }
}

async fn a_status_transition_is_recorded_once(database: TestDatabase) {
    let store = database.store().await;
    let consent = Consent::of(new_user(&store).await, "reddit", "juniper");
    let flow = crate::support::FlowSeed::of(consent.user, "reddit")
        .begin(&store)
        .await;
    let grant = evergrant_store::Grant {
        next_status_at: Some(at(100)),
        ..consent.grant()
    };
    store
        .connections()
        .store_grants(&[grant], &flow.id, evergrant_store::FlowStatus::Waiting)
        .await
        .unwrap();
    assert!(
        store
            .status_transitions()
            .due(at(99), 10)
            .await
            .unwrap()
            .is_empty()
    );
    let held = &store.status_transitions().due(at(100), 10).await.unwrap()[0];
    let trace = trace("time");
    assert!(
        store
            .status_transitions()
            .record(held, &warning(&trace))
            .await
            .unwrap()
    );
    assert!(
        !store
            .status_transitions()
            .record(held, &warning(&trace))
            .await
            .unwrap(),
        "by whoever comes first"
    );
    assert!(
        store
            .status_transitions()
            .due(at(100), 10)
            .await
            .unwrap()
            .is_empty()
    );
    assert_eq!(again(&store, held).await.status, ConnectionStatus::Expiring);
    let events = store.events().of_user(held.user, 0, 10).await.unwrap();
    assert_eq!(
        events
            .iter()
            .filter(|event| event.kind == Some(EventKind::Expiring))
            .count(),
        1
    );
}

async fn an_overtaken_status_transition_is_not_recorded(database: TestDatabase) {
    let store = database.store().await;
    let held = connect(&store, "reddit", "juniper").await;
    database
        .execute("UPDATE evergrant_connections SET turns_at = NULL")
        .await;
    assert!(
        !store
            .status_transitions()
            .record(&held, &warning(&trace("time")))
            .await
            .unwrap()
    );
    assert_eq!(
        again(&store, &held).await.status,
        ConnectionStatus::Connected
    );
}
