//! The revocation queue: each entry is claimed by one worker at a time until it is deleted.

use std::collections::BTreeSet;

use evergrant_store::{NewRevocation, Store};
use evergrant_testkit::{TestDatabase, on_both_databases, on_postgres};
use sqlx::{Connection as _, PgConnection};

use crate::support::{at, revocation, set_default, slug, text, tokens};

on_both_databases!(
    queued_revocation_is_read_back,
    longest_overdue_revocation_is_claimed_and_postponed,
    concurrent_claims_do_not_overlap,
    completed_revocation_is_deleted,
);
on_postgres!(claim_skips_rows_that_another_worker_is_claiming);

async fn queue(store: &Store, new: &NewRevocation) {
    store
        .revocations()
        .queue(new, &tokens("access", Some("refresh")))
        .await
        .unwrap();
}

async fn queued_revocation_is_read_back(database: TestDatabase) {
    let store = database.store().await;
    queue(&store, &revocation("r1", "reddit")).await;
    let read = store.revocations().by_id("r1").await.unwrap().unwrap();
    assert_eq!((read.id.as_str(), read.provider.as_str()), ("r1", "reddit"));
    assert_eq!(
        (
            text(read.access_token.as_ref()),
            text(read.refresh_token.as_ref())
        ),
        (Some("access"), Some("refresh"))
    );
    assert_eq!(
        (read.attempts, read.expires_at, read.correlation_id.as_str()),
        (0, at(86_400), "disconnect")
    );
    store
        .revocations()
        .queue(&revocation("r2", "reddit"), &tokens("access", None))
        .await
        .unwrap();
    assert!(
        store
            .revocations()
            .by_id("r2")
            .await
            .unwrap()
            .unwrap()
            .refresh_token
            .is_none()
    );
    assert!(store.revocations().by_id("r3").await.unwrap().is_none());
}

async fn longest_overdue_revocation_is_claimed_and_postponed(database: TestDatabase) {
    let store = database.store().await;
    for (id, due) in [("second", 61), ("first", 60), ("later", 100)] {
        queue(
            &store,
            &NewRevocation {
                next_attempt_at: at(due),
                ..revocation(id, "reddit")
            },
        )
        .await;
    }
    let claim = async |now, retry_at| {
        let claimed = store
            .revocations()
            .claim(&slug("reddit"), at(now), at(retry_at))
            .await
            .unwrap();
        claimed.map(|claimed| (claimed.id, claimed.attempts))
    };
    assert_eq!(claim(59, 500).await, None);
    assert_eq!(claim(61, 500).await, Some(("first".to_owned(), 1)));
    assert_eq!(claim(61, 500).await, Some(("second".to_owned(), 1)));
    assert_eq!(claim(61, 500).await, None, "claimed entries are not due");
    store
        .revocations()
        .reschedule("first", at(70))
        .await
        .unwrap();
    assert_eq!(claim(70, 500).await, Some(("first".to_owned(), 2)));
}

async fn concurrent_claims_do_not_overlap(database: TestDatabase) {
    let store = database.store().await;
    for n in 0..40 {
        queue(&store, &revocation(&format!("r{n}"), "reddit")).await;
    }
    let mut workers = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let store = store.clone();
        workers.spawn(async move {
            let mut claimed = Vec::new();
            while let Some(one) = store
                .revocations()
                .claim(&slug("reddit"), at(60), at(500))
                .await
                .unwrap()
            {
                claimed.push(one.id);
            }
            claimed
        });
    }
    let claimed: Vec<_> = workers.join_all().await.into_iter().flatten().collect();
    assert_eq!(claimed.len(), 40);
    assert_eq!(claimed.iter().collect::<BTreeSet<_>>().len(), 40);
}

async fn claim_skips_rows_that_another_worker_is_claiming(database: TestDatabase) {
    // The other claim does not end before this one, so waiting for it would fail.
    set_default(&database, "lock_timeout", "1s").await;
    let store = database.store().await;
    for (id, due) in [("first", 60), ("second", 61)] {
        queue(
            &store,
            &NewRevocation {
                next_attempt_at: at(due),
                ..revocation(id, "reddit")
            },
        )
        .await;
    }
    let mut other = PgConnection::connect(&database.url).await.unwrap();
    let mut claiming = other.begin().await.unwrap();
    sqlx::query("SELECT id FROM evergrant_revocations WHERE id = 'first' FOR UPDATE")
        .execute(&mut *claiming)
        .await
        .unwrap();
    let claimed = store
        .revocations()
        .claim(&slug("reddit"), at(61), at(500))
        .await
        .unwrap();
    assert_eq!(claimed.map(|claimed| claimed.id).as_deref(), Some("second"));
    claiming.rollback().await.unwrap();
}

async fn completed_revocation_is_deleted(database: TestDatabase) {
    let store = database.store().await;
    queue(&store, &revocation("r1", "reddit")).await;
    queue(&store, &revocation("r2", "reddit")).await;
    store.revocations().delete("r1").await.unwrap();
    assert!(store.revocations().by_id("r1").await.unwrap().is_none());
    assert!(store.revocations().by_id("r2").await.unwrap().is_some());
    store.revocations().delete("r1").await.unwrap();
}
