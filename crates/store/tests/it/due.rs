//! Claiming due connections, and recording scheduled status changes.

use evergrant_model::{ConnectionId, ConnectionStatus, CorrelationId, EventKind, Timestamp};
use evergrant_store::{Connection, FlowStatus, Grant, StatusTransition, Store};
use evergrant_testkit::{TestDatabase, on_both_databases};

use crate::support::{Consent, FlowFixture, at, connect, new_user, reload, slug, trace};

on_both_databases!(
    longest_overdue_connections_are_claimed_first_and_once,
    concurrent_claims_do_not_overlap,
    connections_of_another_provider_are_not_claimed,
    expired_connection_is_not_rescheduled,
    status_transition_is_recorded_once,
    superseded_status_transition_is_not_recorded,
);

async fn due_at(store: &Store, name: &str, due: Option<Timestamp>) -> i32 {
    let connection = connect(store, "reddit", name).await;
    store
        .refreshes()
        .reschedule(connection.id, due)
        .await
        .unwrap();
    connection.id.get()
}

async fn claim(store: &Store, limit: i64) -> Vec<i32> {
    let claimed = store
        .refreshes()
        .claim_due(&slug("reddit"), at(100), at(160), limit)
        .await
        .unwrap();
    claimed.into_iter().map(ConnectionId::get).collect()
}

async fn longest_overdue_connections_are_claimed_first_and_once(database: TestDatabase) {
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
    assert_eq!(later.len(), 4, "a claim expires");
}

async fn concurrent_claims_do_not_overlap(database: TestDatabase) {
    let store = database.store().await;
    for n in 0..40 {
        due_at(&store, &format!("account {n}"), Some(at(n))).await;
    }
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let url = database.url.clone();
        tasks.spawn(async move { claim(&Store::open(&url).await.unwrap(), 10).await });
    }
    let mut claimed: Vec<_> = tasks.join_all().await.into_iter().flatten().collect();
    claimed.extend(claim(&store, 40).await);
    let all = claimed.len();
    claimed.sort_unstable();
    claimed.dedup();
    assert_eq!((claimed.len(), all), (40, 40), "each is claimed once");
}

async fn connections_of_another_provider_are_not_claimed(database: TestDatabase) {
    let store = database.store().await;
    let connection = connect(&store, "tiktok", "juniper").await;
    store
        .refreshes()
        .reschedule(connection.id, Some(at(0)))
        .await
        .unwrap();
    assert!(claim(&store, 10).await.is_empty());
}

async fn expired_connection_is_not_rescheduled(database: TestDatabase) {
    let store = database.store().await;
    let connection = connect(&store, "reddit", "juniper").await;
    database
        .execute("UPDATE evergrant_connections SET status = 'expired', next_refresh_at = NULL")
        .await;
    store
        .refreshes()
        .reschedule(connection.id, Some(at(0)))
        .await
        .unwrap();
    assert!(claim(&store, 10).await.is_empty());
}

fn warning(trace: &CorrelationId) -> StatusTransition<'_> {
    StatusTransition {
        status: ConnectionStatus::Expiring,
        reason: None,
        next: None,
        event: Some(EventKind::Expiring),
        at: at(100),
        correlation_id: trace,
    }
}

/// Connects an account whose status changes 100 seconds into the year.
async fn connect_with_next_status(store: &Store) {
    let consent = Consent::of(new_user(store).await, "reddit", "juniper");
    let flow = FlowFixture::of(consent.user, "reddit").insert(store).await;
    let grant = Grant {
        next_status_at: Some(at(100)),
        ..consent.grant()
    };
    store
        .connections()
        .store_grants(&[grant], &flow.id, FlowStatus::Waiting)
        .await
        .unwrap();
}

async fn due(store: &Store, seconds: i64) -> Vec<Connection> {
    store
        .status_transitions()
        .due(at(seconds), None, 10)
        .await
        .unwrap()
}

async fn record(store: &Store, connection: &Connection) -> bool {
    store
        .status_transitions()
        .record(connection, &warning(&trace("expiry")))
        .await
        .unwrap()
}

async fn status_transition_is_recorded_once(database: TestDatabase) {
    let store = database.store().await;
    connect_with_next_status(&store).await;
    assert!(due(&store, 99).await.is_empty());
    let connection = &due(&store, 100).await[0];
    assert!(record(&store, connection).await);
    assert!(
        !record(&store, connection).await,
        "another replica has recorded it"
    );
    assert!(due(&store, 100).await.is_empty());
    assert_eq!(
        reload(&store, connection).await.status,
        ConnectionStatus::Expiring
    );
    let events = store.events().of_user(connection.user, 0, 10).await;
    let warnings = events
        .unwrap()
        .iter()
        .filter(|event| event.kind == Some(EventKind::Expiring))
        .count();
    assert_eq!(warnings, 1);
}

async fn superseded_status_transition_is_not_recorded(database: TestDatabase) {
    let store = database.store().await;
    let connection = connect(&store, "reddit", "juniper").await;
    database
        .execute("UPDATE evergrant_connections SET next_status_at = NULL")
        .await;
    assert!(!record(&store, &connection).await);
    assert_eq!(
        reload(&store, &connection).await.status,
        ConnectionStatus::Connected
    );
}
