//! Noting a renewal that failed: on the connection's state alone, and only while its generation
//! lasts.

use evergrant_model::{ConnectionStatus, StatusReason};
use evergrant_store::FailedRefresh;
use evergrant_testkit::{TestDatabase, on_both_databases};

use crate::support::{
    RefreshedTokens, account, again, at, connect, failure, new_user, slug, text, trace, version,
};

on_both_databases!(
    failures_are_noted_and_counted,
    a_failure_that_is_no_news_is_not_announced,
    a_failure_of_an_older_generation_is_not_noted,
    a_failure_of_a_connection_that_is_gone_is_not_noted,
    a_row_of_another_program_can_fail,
);

async fn failures_are_noted_and_counted(database: TestDatabase) {
    let store = database.store().await;
    let held = connect(&store, "reddit", "juniper").await;
    let trace = trace("failed");
    assert!(
        store
            .refreshes()
            .record_failed_check(&held, &failure(&trace))
            .await
            .unwrap()
    );
    let ended = FailedRefresh {
        status: ConnectionStatus::Expired,
        reason: Some(StatusReason::RevokedByUser),
        outcome: "terminal",
        next_refresh_at: None,
        ..failure(&trace)
    };
    assert!(
        store
            .refreshes()
            .record_failed_check(&held, &ended)
            .await
            .unwrap()
    );
    let new = again(&store, &held).await;
    assert_eq!(
        (new.status, new.reason),
        (ConnectionStatus::Expired, Some(StatusReason::RevokedByUser))
    );
    assert_eq!(
        (
            new.failures,
            new.next_refresh_at,
            new.last_outcome.as_deref()
        ),
        (2, None, Some("terminal"))
    );
    assert_eq!(
        (new.lease.generation, new.correlation_id.as_deref()),
        (1, Some("failed"))
    );
    assert_eq!(
        text(new.tokens.access.as_ref()),
        text(held.tokens.access.as_ref())
    );
    assert_eq!(
        text(new.tokens.refresh.as_ref()),
        text(held.tokens.refresh.as_ref())
    );
    assert_eq!(
        (new.tokens.expires_at, new.updated_at),
        (held.tokens.expires_at, held.updated_at)
    );
    assert_eq!(version(&store, held.user).await, 3);
    assert_eq!(
        database
            .texts("SELECT kind FROM evergrant_events ORDER BY id")
            .await,
        ["connected", "error", "error"]
    );
}

async fn a_failure_that_is_no_news_is_not_announced(database: TestDatabase) {
    let store = database.store().await;
    let held = connect(&store, "reddit", "juniper").await;
    let trace = trace("failed");
    assert!(
        store
            .refreshes()
            .record_failed_check(
                &held,
                &FailedRefresh {
                    event: None,
                    ..failure(&trace)
                }
            )
            .await
            .unwrap()
    );
    assert_eq!(again(&store, &held).await.failures, 1);
    assert_eq!(version(&store, held.user).await, 1);
    assert_eq!(store.events().after(0, 10).await.unwrap().len(), 1);
}

async fn a_failure_of_an_older_generation_is_not_noted(database: TestDatabase) {
    let store = database.store().await;
    let held = connect(&store, "reddit", "juniper").await;
    assert!(
        RefreshedTokens::new("second access", None)
            .store(&store, &held)
            .await
    );
    let before = database.contents().await;
    assert!(
        !store
            .refreshes()
            .record_failed_check(&held, &failure(&trace("late")))
            .await
            .unwrap()
    );
    assert_eq!(database.contents().await, before);
}

async fn a_failure_of_a_connection_that_is_gone_is_not_noted(database: TestDatabase) {
    let store = database.store().await;
    let held = connect(&store, "reddit", "juniper").await;
    let trace = trace("late");
    assert!(
        store
            .connections()
            .delete(&held, None, &trace, at(0))
            .await
            .unwrap()
    );
    let before = database.contents().await;
    assert!(
        !store
            .refreshes()
            .record_failed_check(&held, &failure(&trace))
            .await
            .unwrap()
    );
    let silent = FailedRefresh {
        event: None,
        ..failure(&trace)
    };
    assert!(
        !store
            .refreshes()
            .record_failed_check(&held, &silent)
            .await
            .unwrap()
    );
    assert_eq!(database.contents().await, before);
    assert!(
        store
            .users()
            .delete(held.user, &trace, at(0), |_, _| None)
            .await
            .unwrap()
    );
    assert!(
        !store
            .refreshes()
            .record_failed_check(&held, &failure(&trace))
            .await
            .unwrap()
    );
}

async fn a_row_of_another_program_can_fail(database: TestDatabase) {
    let store = database.store().await;
    let user = new_user(&store).await;
    let row = format!("{}, 'reddit', 'juniper', 'their access'", user.get());
    let columns = "user_id, provider, provider_account_id, access_token";
    database
        .execute(&format!(
            "INSERT INTO oauth_accounts ({columns}) VALUES ({row})"
        ))
        .await;
    let held = store
        .connections()
        .owned(user, &slug("reddit"), &account("juniper"))
        .await
        .unwrap()
        .unwrap();
    assert!(
        store
            .refreshes()
            .record_failed_check(&held, &failure(&trace("failed")))
            .await
            .unwrap()
    );
    let new = again(&store, &held).await;
    assert_eq!(
        (new.lease.generation, new.failures, new.status),
        (0, 1, ConnectionStatus::Error)
    );
}
