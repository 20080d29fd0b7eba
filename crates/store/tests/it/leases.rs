//! Leases: one holder among all processes, expiry on the database's clock, and abandoned attempts.

use evergrant_model::{ConnectionStatus, SignedDuration, whole_ms};
use evergrant_resilience::refresh::lease::{self, AttemptOutcome, DEFAULT_LEASE_MS, LeaseRequest};
use evergrant_store::{Connection, FailedRefresh, LeaseAnswer, Leased, Store};
use evergrant_testkit::{TestDatabase, on_both_databases, on_postgres};

use crate::support::{
    Consent, RefreshedTokens, STRICT, at, connect, delete_connection, failure, find, import,
    insert_external_row, leased, new_user, reload, text, trace, unique,
};

on_both_databases!(
    one_of_twenty_requests_gets_the_lease,
    lease_expires_on_database_clock_and_leaves_grant_in_doubt,
    result_releases_lease,
    lease_request_for_outdated_tokens_returns_current_ones,
    dead_grant_is_not_leased,
    deleted_connection_is_not_leased,
    new_row_is_leased_once_it_is_imported,
    late_result_is_stored_unless_later_attempt_stored_one,
    consent_changes_lease_like_replace_tokens,
    consent_that_keeps_the_refresh_token_keeps_its_doubt,
    refresh_does_not_overwrite_tokens_of_another_program,
    taking_lease_schedules_retry,
);

on_postgres!(lease_request_that_waited_for_lock_reads_current_row);

fn lease_request(connection: &Connection) -> LeaseRequest {
    LeaseRequest {
        known_generation: connection.lease.generation,
        database_up_for_ms: i64::MAX,
        refresh_policy: STRICT,
    }
}

async fn take_lease(store: &Store, connection: &Connection) -> LeaseAnswer {
    store
        .refreshes()
        .take_lease(connection.id, lease_request(connection), "a test", at(20))
        .await
        .unwrap()
}

/// An attempt that ended without tokens and without doubt.
const NO_TOKENS: AttemptOutcome = AttemptOutcome {
    dead: false,
    in_doubt: false,
    in_flight: false,
};

async fn one_of_twenty_requests_gets_the_lease(database: TestDatabase) {
    let store = database.store().await;
    let connection = connect(&store, "reddit", "juniper").await;
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..20 {
        let (url, connection) = (database.url.clone(), connection.clone());
        tasks
            .spawn(async move { take_lease(&Store::open(&url).await.unwrap(), &connection).await });
    }
    let answers = tasks.join_all().await;
    let taken = answers
        .iter()
        .filter(|answer| matches!(answer, LeaseAnswer::Leased(_)))
        .count();
    let busy = |answer: &LeaseAnswer| matches!(answer, LeaseAnswer::Busy { wait } if (1..=DEFAULT_LEASE_MS).contains(&whole_ms(*wait)));
    assert_eq!(
        (taken, answers.iter().filter(|answer| busy(answer)).count()),
        (1, 19)
    );
}

async fn lease_expires_on_database_clock_and_leaves_grant_in_doubt(database: TestDatabase) {
    let store = database.store().await;
    let connection = connect(&store, "reddit", "juniper").await;
    let first = leased(&store, &connection).await;
    assert_eq!(
        (first.ticket.attempt, first.ticket.in_doubt_for_ms),
        (1, None)
    );
    store.shift_clock(SignedDuration::from_millis(DEFAULT_LEASE_MS));
    let second = leased(&store, &connection).await;
    assert_eq!(second.ticket.attempt, 2);
    assert!(
        second.ticket.in_doubt_for_ms.unwrap() >= DEFAULT_LEASE_MS,
        "{:?}",
        second.ticket
    );
    let row = store
        .refreshes()
        .lease(connection.id)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        row, second.connection.lease,
        "the returned lease is the stored one"
    );
    assert_eq!(row.in_doubt_since_ms, Some(first.ticket.taken_at_ms));
}

async fn result_releases_lease(database: TestDatabase) {
    let store = database.store().await;
    let connection = connect(&store, "reddit", "juniper").await;
    let first = leased(&store, &connection).await;
    assert!(
        store
            .refreshes()
            .record_failure(&first, NO_TOKENS, &failure(&trace("failed")))
            .await
            .unwrap()
    );
    assert!(
        reload(&store, &connection)
            .await
            .lease
            .lease_expires_at_ms
            .is_none()
    );
    let second = leased(&store, &connection).await;
    let stored = store
        .refreshes()
        .store(&second, &RefreshedTokens::new("second", None).row())
        .await
        .unwrap()
        .unwrap();
    assert_eq!(stored.lease, reload(&store, &connection).await.lease);
    assert_eq!(
        (
            stored.lease.lease_expires_at_ms,
            stored.lease.in_doubt_since_ms
        ),
        (None, None)
    );
    let debug = |connection: &Connection| format!("{connection:?}");
    assert_eq!(
        debug(&stored),
        debug(&reload(&store, &connection).await),
        "the returned connection is the stored one"
    );
}

async fn lease_request_for_outdated_tokens_returns_current_ones(database: TestDatabase) {
    let store = database.store().await;
    let connection = connect(&store, "reddit", "juniper").await;
    assert!(
        RefreshedTokens::new("second", None)
            .store_leased(&store, &connection)
            .await
    );
    let LeaseAnswer::Outdated(newest) = take_lease(&store, &connection).await else {
        panic!("the caller knows an outdated generation")
    };
    assert_eq!(text(newest.tokens.access.as_ref()), Some("second"));
}

async fn dead_grant_is_not_leased(database: TestDatabase) {
    let store = database.store().await;
    let connection = connect(&store, "reddit", "juniper").await;
    let (first, trace) = (leased(&store, &connection).await, trace("ended"));
    let dead = FailedRefresh {
        status: ConnectionStatus::Expired,
        rejected: true,
        ..failure(&trace)
    };
    assert!(
        store
            .refreshes()
            .record_failure(
                &first,
                AttemptOutcome {
                    dead: true,
                    ..NO_TOKENS
                },
                &dead
            )
            .await
            .unwrap()
    );
    assert!(
        matches!(take_lease(&store, &connection).await, LeaseAnswer::Outdated(row) if row.status == ConnectionStatus::Expired)
    );
}

async fn deleted_connection_is_not_leased(database: TestDatabase) {
    let store = database.store().await;
    let connection = connect(&store, "reddit", "juniper").await;
    assert!(delete_connection(&store, &connection).await);
    assert!(matches!(
        take_lease(&store, &connection).await,
        LeaseAnswer::Gone
    ));
}

async fn new_row_is_leased_once_it_is_imported(database: TestDatabase) {
    let store = database.store().await;
    let user = new_user(&store).await;
    insert_external_row(&database, user).await;
    let row = find(&store, user, "reddit", "juniper").await.unwrap();
    let answer = take_lease(&store, &row).await;
    assert!(matches!(answer, LeaseAnswer::External(_)), "{answer:?}");
    assert!(import(&store, &row).await);
    let imported = reload(&store, &row).await;
    leased(&store, &imported).await;
    let second = take_lease(&store, &imported).await;
    assert!(matches!(second, LeaseAnswer::Busy { .. }));
}

/// Two attempts for one generation: the first holder was suspended until its lease expired.
async fn overlapping(store: &Store) -> (Leased, Leased) {
    let connection = connect(store, "reddit", &format!("account {}", unique())).await;
    let first = leased(store, &connection).await;
    store.shift_clock(SignedDuration::from_millis(DEFAULT_LEASE_MS));
    (first, leased(store, &connection).await)
}

async fn late_result_is_stored_unless_later_attempt_stored_one(database: TestDatabase) {
    let store = database.store().await;
    let store_tokens = async |leased: &Leased, token: &str| {
        store
            .refreshes()
            .store(leased, &RefreshedTokens::new(token, Some(token)).row())
            .await
            .unwrap()
            .is_some()
    };
    let (first, second) = overlapping(&store).await;
    assert!(store_tokens(&first, "early").await);
    let lease = reload(&store, &first.connection).await.lease;
    assert!(
        lease.lease_expires_at_ms.is_some(),
        "the lease of the second attempt remains"
    );
    assert!(
        store_tokens(&second, "later").await,
        "the provider honors the request that was sent last"
    );
    let tokens = reload(&store, &first.connection).await.tokens;
    assert_eq!(text(tokens.refresh.as_ref()), Some("later"));
    let (first, second) = overlapping(&store).await;
    assert!(store_tokens(&second, "later").await);
    assert!(!store_tokens(&first, "early").await);
    let tokens = reload(&store, &first.connection).await.tokens;
    assert_eq!(text(tokens.refresh.as_ref()), Some("later"));
}

async fn consent_changes_lease_like_replace_tokens(database: TestDatabase) {
    let store = database.store().await;
    let connection = connect(&store, "reddit", "juniper").await;
    let consent = Consent::of(connection.user, "reddit", "juniper");
    leased(&store, &connection).await;
    store.shift_clock(SignedDuration::from_millis(DEFAULT_LEASE_MS));
    let second = leased(&store, &connection).await;
    assert!(
        second.connection.lease.in_doubt_since_ms.is_some()
            && second.connection.lease.lease_expires_at_ms.is_some()
    );
    let reconnected = consent.store(&store).await;
    assert_eq!(
        reconnected.lease,
        lease::replace_tokens(&second.connection.lease)
    );
    assert!(
        RefreshedTokens::new("second", None)
            .store_leased(&store, &reconnected)
            .await
    );
    let refreshed = reload(&store, &connection).await.lease;
    assert!(refreshed.token_source.is_some());
    assert_eq!(
        consent.store(&store).await.lease,
        lease::replace_tokens(&refreshed)
    );
}

async fn consent_that_keeps_the_refresh_token_keeps_its_doubt(database: TestDatabase) {
    let store = database.store().await;
    let connection = connect(&store, "reddit", "juniper").await;
    leased(&store, &connection).await;
    store.shift_clock(SignedDuration::from_millis(DEFAULT_LEASE_MS));
    let second = leased(&store, &connection).await.connection.lease;
    let mut consent = Consent::of(connection.user, "reddit", "juniper");
    consent.tokens.refresh = None;
    let lease = consent.store(&store).await.lease;
    assert!(lease.in_doubt_since_ms.is_some());
    assert_eq!(lease.in_doubt_since_ms, second.in_doubt_since_ms);
}

/// Tokens that the host application stored after its own sign-in are newer than the ones that the
/// refresh was sent with.
async fn refresh_does_not_overwrite_tokens_of_another_program(database: TestDatabase) {
    let store = database.store().await;
    let connection = connect(&store, "reddit", "juniper").await;
    let lease = leased(&store, &connection).await;
    database
        .execute("UPDATE oauth_accounts SET refresh_token = 'external'")
        .await;
    let before = database.contents().await;
    let new = RefreshedTokens::new("refreshed", Some("refreshed"));
    let stored = store.refreshes().store(&lease, &new.row()).await.unwrap();
    assert!(stored.is_none());
    assert_eq!(database.contents().await, before);
}

async fn taking_lease_schedules_retry(database: TestDatabase) {
    let store = database.store().await;
    let connection = connect(&store, "reddit", "juniper").await;
    leased(&store, &connection).await;
    assert_eq!(
        reload(&store, &connection).await.next_refresh_at,
        Some(at(20))
    );
}

/// After waiting for a lock, PostgreSQL reads the locked rows again, but not rows of other tables
/// in the join.
async fn lease_request_that_waited_for_lock_reads_current_row(database: TestDatabase) {
    let store = database.store().await;
    let connection = connect(&store, "reddit", "juniper").await;
    let id = connection.id.get();
    let refresh = database
        .begin(&format!(
            "UPDATE oauth_accounts SET access_token = 'new' WHERE id = {id};
            UPDATE evergrant_connections SET generation = 2,
                observed_tokens = 'new.' || split_part(observed_tokens, '.', 2)
            WHERE oauth_account_id = {id}"
        ))
        .await;
    let request = tokio::spawn(async move { take_lease(&store, &connection).await });
    database.lock_is_waited_for().await;
    refresh.commit().await;
    let LeaseAnswer::Outdated(newest) = request.await.unwrap() else {
        panic!("another transaction has stored newer tokens")
    };
    assert_eq!(
        (
            newest.lease.generation,
            newest.tokens.access.unwrap().as_str()
        ),
        (2, "new")
    );
}
