//! Leases: one holder over all processes, on the database's clock, and what a row remembers of
//! those who vanished.

use evergrant_model::ConnectionStatus;
use evergrant_resilience::refresh::lease::{self, AttemptOutcome, LEASE_MS, LeaseRequest};
use evergrant_store::{Connection, FailedRefresh, LeaseAnswer, Leased, Store};
use evergrant_testkit::{TestDatabase, on_both_databases, on_postgres};

use crate::support::{
    Consent, RefreshedTokens, again, at, connect, failure, leased, new_user, slug, text, trace,
};

on_both_databases!(
    of_twenty_askers_one_gets_the_lease,
    a_lease_runs_out_by_the_databases_clock_and_leaves_a_doubt,
    a_lease_is_given_back_with_the_result,
    whoever_saw_an_old_pair_is_shown_the_new_one,
    a_dead_grant_is_leased_to_nobody,
    a_connection_that_is_gone_is_leased_to_nobody,
    a_row_of_another_program_is_leased_like_any_other,
    a_late_result_is_stored_unless_a_later_one_was,
    a_consent_moves_the_row_as_the_rules_say,
    a_pair_that_another_program_wrote_meanwhile_is_not_overwritten,
    the_scheduler_looks_again_if_the_holder_is_never_heard_of,
);

on_postgres!(whoever_waited_for_the_row_is_shown_all_of_the_new_pair);

fn knowing(held: &Connection) -> LeaseRequest {
    LeaseRequest {
        seen: held.lease.generation,
        settled_for_ms: i64::MAX,
    }
}

async fn ask(store: &Store, held: &Connection) -> LeaseAnswer {
    store
        .refreshes()
        .take_lease(held.id, knowing(held), "somebody", at(20))
        .await
        .unwrap()
}

const OVER: AttemptOutcome = AttemptOutcome {
    dead: false,
    in_doubt: false,
    under_way: false,
};

async fn of_twenty_askers_one_gets_the_lease(database: TestDatabase) {
    let store = database.store().await;
    let held = connect(&store, "reddit", "juniper").await;
    let mut askers = tokio::task::JoinSet::new();
    for _ in 0..20 {
        let (url, held) = (database.url.clone(), held.clone());
        askers.spawn(async move { ask(&Store::open(&url).await.unwrap(), &held).await });
    }
    let answers = askers.join_all().await;
    let taken = answers
        .iter()
        .filter(|answer| matches!(answer, LeaseAnswer::Leased(_)))
        .count();
    let busy = |answer: &LeaseAnswer| matches!(answer, LeaseAnswer::Busy { for_ms } if (1..=LEASE_MS).contains(for_ms));
    assert_eq!(
        (taken, answers.iter().filter(|answer| busy(answer)).count()),
        (1, 19)
    );
}

async fn a_lease_runs_out_by_the_databases_clock_and_leaves_a_doubt(database: TestDatabase) {
    let store = database.store().await;
    let held = connect(&store, "reddit", "juniper").await;
    let first = leased(&store, &held).await;
    assert_eq!(
        (first.ticket.attempt, first.ticket.in_doubt_for_ms),
        (1, None)
    );
    store.shift_clock(LEASE_MS);
    let second = leased(&store, &held).await;
    assert_eq!(second.ticket.attempt, 2);
    assert!(
        second.ticket.in_doubt_for_ms.unwrap() >= LEASE_MS,
        "{:?}",
        second.ticket
    );
    let row = store.refreshes().lease(held.id).await.unwrap().unwrap();
    assert_eq!(row, second.held.lease, "the answer is what the row says");
    assert_eq!(row.in_doubt_since_ms, Some(first.ticket.taken_at_ms));
}

async fn a_lease_is_given_back_with_the_result(database: TestDatabase) {
    let store = database.store().await;
    let held = connect(&store, "reddit", "juniper").await;
    let first = leased(&store, &held).await;
    assert!(
        store
            .refreshes()
            .record_failure(&first, OVER, &failure(&trace("failed")))
            .await
            .unwrap()
    );
    assert!(
        again(&store, &held)
            .await
            .lease
            .lease_expires_at_ms
            .is_none()
    );
    let second = leased(&store, &held).await;
    let stored = store
        .refreshes()
        .store(&second, &RefreshedTokens::new("second", None).row())
        .await
        .unwrap()
        .unwrap();
    assert_eq!(stored.lease, again(&store, &held).await.lease);
    assert_eq!(
        (
            stored.lease.lease_expires_at_ms,
            stored.lease.in_doubt_since_ms
        ),
        (None, None)
    );
    let shown = |one: &Connection| format!("{one:?}");
    assert_eq!(
        shown(&stored),
        shown(&again(&store, &held).await),
        "the answer is the row as it stands"
    );
}

async fn whoever_saw_an_old_pair_is_shown_the_new_one(database: TestDatabase) {
    let store = database.store().await;
    let held = connect(&store, "reddit", "juniper").await;
    assert!(
        RefreshedTokens::new("second", None)
            .store_leased(&store, &held)
            .await
    );
    let LeaseAnswer::Moved(newest) = ask(&store, &held).await else {
        panic!("an old pair")
    };
    assert_eq!(text(newest.tokens.access.as_ref()), Some("second"));
}

async fn a_dead_grant_is_leased_to_nobody(database: TestDatabase) {
    let store = database.store().await;
    let held = connect(&store, "reddit", "juniper").await;
    let (first, trace) = (leased(&store, &held).await, trace("ended"));
    let dead = FailedRefresh {
        status: ConnectionStatus::Expired,
        rejected: true,
        ..failure(&trace)
    };
    assert!(
        store
            .refreshes()
            .record_failure(&first, AttemptOutcome { dead: true, ..OVER }, &dead)
            .await
            .unwrap()
    );
    assert!(
        matches!(ask(&store, &held).await, LeaseAnswer::Moved(row) if row.status == ConnectionStatus::Expired)
    );
}

async fn a_connection_that_is_gone_is_leased_to_nobody(database: TestDatabase) {
    let store = database.store().await;
    let held = connect(&store, "reddit", "juniper").await;
    assert!(
        store
            .connections()
            .delete(&held, None, &trace("bye"), at(0))
            .await
            .unwrap()
    );
    assert!(matches!(ask(&store, &held).await, LeaseAnswer::Gone));
}

async fn a_row_of_another_program_is_leased_like_any_other(database: TestDatabase) {
    let store = database.store().await;
    let user = new_user(&store).await;
    let row = format!(
        "{}, 'reddit', 'juniper', 'their access', 'their refresh'",
        user.get()
    );
    let columns = "user_id, provider, provider_account_id, access_token, refresh_token";
    database
        .execute(&format!(
            "INSERT INTO oauth_accounts ({columns}) VALUES ({row})"
        ))
        .await;
    let held = store
        .connections()
        .owned(user, &slug("reddit"), &crate::support::account("juniper"))
        .await
        .unwrap()
        .unwrap();
    assert!(held.is_external);
    let lease = leased(&store, &held).await;
    assert!(
        !lease.held.is_external,
        "or the reconciler would take the lease away"
    );
    assert!(matches!(ask(&store, &held).await, LeaseAnswer::Busy { .. }));
}

/// Two attempts of one generation: the first holder was stopped for longer than its lease.
async fn overlapping(store: &Store) -> (Leased, Leased) {
    let held = connect(
        store,
        "reddit",
        &format!("account {}", crate::support::unique()),
    )
    .await;
    let first = leased(store, &held).await;
    store.shift_clock(LEASE_MS);
    (first, leased(store, &held).await)
}

async fn a_late_result_is_stored_unless_a_later_one_was(database: TestDatabase) {
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
    assert!(
        again(&store, &first.held)
            .await
            .lease
            .lease_expires_at_ms
            .is_some(),
        "the lease is the second one's"
    );
    assert!(
        store_tokens(&second, "later").await,
        "its request was sent last"
    );
    assert_eq!(
        text(again(&store, &first.held).await.tokens.refresh.as_ref()),
        Some("later")
    );
    let (first, second) = overlapping(&store).await;
    assert!(store_tokens(&second, "later").await);
    assert!(!store_tokens(&first, "early").await);
    assert_eq!(
        text(again(&store, &first.held).await.tokens.refresh.as_ref()),
        Some("later")
    );
}

async fn a_consent_moves_the_row_as_the_rules_say(database: TestDatabase) {
    let store = database.store().await;
    let held = connect(&store, "reddit", "juniper").await;
    let consent = Consent::of(held.user, "reddit", "juniper");
    leased(&store, &held).await;
    store.shift_clock(LEASE_MS);
    let second = leased(&store, &held).await;
    assert!(
        second.held.lease.in_doubt_since_ms.is_some()
            && second.held.lease.lease_expires_at_ms.is_some()
    );
    let reconnected = consent.store(&store).await;
    assert_eq!(reconnected.lease, lease::replace_tokens(&second.held.lease));
    assert!(
        RefreshedTokens::new("bought", None)
            .store_leased(&store, &reconnected)
            .await
    );
    let bought = again(&store, &held).await.lease;
    assert!(bought.token_source.is_some());
    assert_eq!(
        consent.store(&store).await.lease,
        lease::replace_tokens(&bought)
    );
}

/// The application has let the user sign in again by itself: its pair is newer than whatever ours
/// was bought with.
async fn a_pair_that_another_program_wrote_meanwhile_is_not_overwritten(database: TestDatabase) {
    let store = database.store().await;
    let held = connect(&store, "reddit", "juniper").await;
    for column in ["access_token", "refresh_token"] {
        let lease = leased(&store, &again(&store, &held).await).await;
        database
            .execute(&format!("UPDATE oauth_accounts SET {column} = 'theirs'"))
            .await;
        let before = database.contents().await;
        assert!(
            store
                .refreshes()
                .store(&lease, &RefreshedTokens::new("ours", Some("ours")).row())
                .await
                .unwrap()
                .is_none()
        );
        assert_eq!(database.contents().await, before);
        store.shift_clock(LEASE_MS);
    }
}

async fn the_scheduler_looks_again_if_the_holder_is_never_heard_of(database: TestDatabase) {
    let store = database.store().await;
    let held = connect(&store, "reddit", "juniper").await;
    leased(&store, &held).await;
    assert_eq!(again(&store, &held).await.next_refresh_at, Some(at(20)));
}

/// PostgreSQL looks again at the rows that a query locks, and at no others that it joins them with.
async fn whoever_waited_for_the_row_is_shown_all_of_the_new_pair(database: TestDatabase) {
    let store = database.store().await;
    let held = connect(&store, "reddit", "juniper").await;
    let id = held.id.get();
    let renewal = database
        .begin(&format!(
            "UPDATE oauth_accounts SET access_token = 'new' WHERE id = {id};
            UPDATE evergrant_connections SET generation = 2 WHERE oauth_account_id = {id}"
        ))
        .await;
    let asking = tokio::spawn(async move { ask(&store, &held).await });
    database.lock_is_waited_for().await;
    renewal.commit().await;
    let LeaseAnswer::Moved(newest) = asking.await.unwrap() else {
        panic!("somebody has renewed it")
    };
    assert_eq!(
        (
            newest.lease.generation,
            newest.tokens.access.unwrap().as_str()
        ),
        (2, "new")
    );
}
