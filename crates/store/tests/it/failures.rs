//! Recording failures: only in the state of the connection, and only for the current generation.

use evergrant_model::{ConnectionStatus, StatusReason};
use evergrant_store::{Connection, FailedRefresh};
use evergrant_testkit::{TestDatabase, on_both_databases};

use crate::support::{
    RefreshedTokens, connect, delete_connection, delete_user, failure, find, insert_external_row,
    new_user, record_failure, reload, text, trace, version,
};

on_both_databases!(
    failures_are_recorded_and_counted,
    failure_without_event_leaves_version,
    failure_of_older_generation_is_not_recorded,
    failure_of_deleted_connection_is_not_recorded,
    failure_of_row_that_is_not_imported_changes_nothing,
);

async fn failures_are_recorded_and_counted(database: TestDatabase) {
    let store = database.store().await;
    let connection = connect(&store, "reddit", "juniper").await;
    let trace = trace("failed");
    assert!(record_failure(&store, &connection, &failure(&trace)).await);
    let ended = FailedRefresh {
        status: ConnectionStatus::Expired,
        reason: Some(StatusReason::RevokedByUser),
        outcome: "terminal",
        next_refresh_at: None,
        ..failure(&trace)
    };
    assert!(record_failure(&store, &connection, &ended).await);
    let new = reload(&store, &connection).await;
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
    assert_same_credentials(&new, &connection);
    assert_eq!(version(&store, connection.user).await, 3);
    let kinds = "SELECT kind FROM evergrant_events ORDER BY id";
    assert_eq!(database.texts(kinds).await, ["connected", "error", "error"]);
}

fn assert_same_credentials(new: &Connection, old: &Connection) {
    let access =
        |connection: &Connection| text(connection.tokens.access.as_ref()).map(str::to_owned);
    let refresh =
        |connection: &Connection| text(connection.tokens.refresh.as_ref()).map(str::to_owned);
    assert_eq!((access(new), refresh(new)), (access(old), refresh(old)));
    assert_eq!(
        (new.tokens.expires_at, new.updated_at),
        (old.tokens.expires_at, old.updated_at)
    );
}

async fn failure_without_event_leaves_version(database: TestDatabase) {
    let store = database.store().await;
    let connection = connect(&store, "reddit", "juniper").await;
    let trace = trace("failed");
    let without_event = FailedRefresh {
        event: None,
        ..failure(&trace)
    };
    assert!(record_failure(&store, &connection, &without_event).await);
    assert_eq!(reload(&store, &connection).await.failures, 1);
    assert_eq!(version(&store, connection.user).await, 1);
    assert_eq!(store.events().after(0, 10).await.unwrap().len(), 1);
}

async fn failure_of_older_generation_is_not_recorded(database: TestDatabase) {
    let store = database.store().await;
    let connection = connect(&store, "reddit", "juniper").await;
    assert!(
        RefreshedTokens::new("second access", None)
            .store(&store, &connection)
            .await
    );
    let before = database.contents().await;
    assert!(!record_failure(&store, &connection, &failure(&trace("late"))).await);
    assert_eq!(database.contents().await, before);
}

async fn failure_of_deleted_connection_is_not_recorded(database: TestDatabase) {
    let store = database.store().await;
    let connection = connect(&store, "reddit", "juniper").await;
    let trace = trace("late");
    assert!(delete_connection(&store, &connection).await);
    let before = database.contents().await;
    assert!(!record_failure(&store, &connection, &failure(&trace)).await);
    let without_event = FailedRefresh {
        event: None,
        ..failure(&trace)
    };
    assert!(!record_failure(&store, &connection, &without_event).await);
    assert_eq!(database.contents().await, before);
    assert!(delete_user(&store, connection.user).await);
    assert!(!record_failure(&store, &connection, &failure(&trace)).await);
}

async fn failure_of_row_that_is_not_imported_changes_nothing(database: TestDatabase) {
    let store = database.store().await;
    let user = new_user(&store).await;
    insert_external_row(&database, user).await;
    let row = find(&store, user, "reddit", "juniper").await.unwrap();
    let before = database.contents().await;
    assert!(!record_failure(&store, &row, &failure(&trace("failed"))).await);
    assert_eq!(database.contents().await, before);
}
