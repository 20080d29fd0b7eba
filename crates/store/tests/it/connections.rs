//! Reading connections: only one's own, and whatever another program may have left in the table.

use evergrant_model::{ConnectionId, ConnectionStatus, Timestamp, UserId};
use evergrant_store::{Connection, Store, StoreError};
use evergrant_testkit::{TestDatabase, on_both_databases, on_postgres, on_sqlite};

use crate::support::{Consent, RefreshedTokens, account, again, connect, new_user, slug};

on_both_databases!(
    another_users_connection_is_none,
    lists_in_the_order_of_making_with_the_version,
    a_user_without_connections_has_an_empty_list,
    a_row_of_another_program_reads_with_defaults,
    an_unreadable_row_hides_no_other,
    connections_come_in_pages,
);
on_postgres!(
    an_infinite_time_is_the_fault_of_its_row_alone,
    microseconds_are_cut_in_reading_and_kept_in_the_row
);
on_sqlite!(broken_json_is_the_fault_of_its_row_alone);

async fn another_users_connection_is_none(database: TestDatabase) {
    let store = database.store().await;
    let held = connect(&store, "reddit", "juniper").await;
    let stranger = connect(&store, "reddit", "robin").await.user;
    assert!(
        store
            .connections()
            .owned(stranger, &held.provider, &held.account)
            .await
            .unwrap()
            .is_none()
    );
    assert!(
        store
            .connections()
            .owned(held.user, &slug("tiktok"), &held.account)
            .await
            .unwrap()
            .is_none()
    );
    assert!(
        store
            .connections()
            .owned(held.user, &held.provider, &account("robin"))
            .await
            .unwrap()
            .is_none()
    );
    assert_eq!(
        store
            .connections()
            .owned(held.user, &held.provider, &held.account)
            .await
            .unwrap()
            .unwrap()
            .id,
        held.id
    );
    // Without an owner only where none is asked for.
    assert_eq!(
        store
            .connections()
            .by_account(&held.provider, &held.account)
            .await
            .unwrap()
            .unwrap()
            .user,
        held.user
    );
    assert!(
        store
            .connections()
            .by_id(ConnectionId::new(0))
            .await
            .unwrap()
            .is_none()
    );
}

fn names(connections: &[Connection]) -> Vec<&str> {
    connections
        .iter()
        .map(|connection| connection.account.as_str())
        .collect()
}

async fn lists_in_the_order_of_making_with_the_version(database: TestDatabase) {
    let store = database.store().await;
    let (user, stranger) = (new_user(&store).await, new_user(&store).await);
    for (owner, name) in [
        (user, "zoe"),
        (stranger, "mallory"),
        (user, "abe"),
        (user, "kim"),
    ] {
        Consent::of(owner, "reddit", name).store(&store).await;
    }
    let listed = store.connections().of_user(user).await.unwrap().unwrap();
    assert_eq!(names(&listed.connections), ["zoe", "abe", "kim"]);
    assert_eq!(listed.version, 3);
    Consent::of(user, "reddit", "abe").store(&store).await;
    let listed = store.connections().of_user(user).await.unwrap().unwrap();
    assert_eq!(
        names(&listed.connections),
        ["zoe", "abe", "kim"],
        "connecting again moves nothing"
    );
    assert_eq!(listed.version, 4);
}

async fn a_user_without_connections_has_an_empty_list(database: TestDatabase) {
    let store = database.store().await;
    let user = new_user(&store).await;
    let listed = store.connections().of_user(user).await.unwrap().unwrap();
    assert_eq!((listed.version, listed.connections.len()), (0, 0));
    let nobody = UserId::try_from(i64::from(user.get()) + 1).unwrap();
    assert!(store.connections().of_user(nobody).await.unwrap().is_none());
}

/// What a program that knows nothing of ours writes at the least.
async fn external_row(database: &TestDatabase, user: UserId, columns: &str, values: &str) {
    let sql = format!(
        "INSERT INTO oauth_accounts (user_id, {columns}) VALUES ({}, {values})",
        user.get()
    );
    database.execute(&sql).await;
}

const NAMED: &str = "provider, provider_account_id";

async fn a_row_of_another_program_reads_with_defaults(database: TestDatabase) {
    let store = database.store().await;
    let user = new_user(&store).await;
    external_row(&database, user, NAMED, "'reddit', 'juniper'").await;
    let held = store
        .connections()
        .owned(user, &slug("reddit"), &account("juniper"))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        (held.lease.generation, held.failures, held.status),
        (0, 0, ConnectionStatus::Connected)
    );
    assert!(
        held.tokens.access.is_none()
            && held.tokens.refresh.is_none()
            && held.tokens.scope.is_none()
    );
    assert!(
        held.tokens.token_type.is_none() && held.requested_scope.is_none() && held.reason.is_none()
    );
    assert!(
        held.last_outcome.is_none() && held.correlation_id.is_none() && held.metadata.is_null()
    );
    let times = [
        held.tokens.expires_at,
        held.tokens.issued_at,
        held.tokens.grant_expires_at,
        held.last_refreshed_at,
        held.next_refresh_at,
    ];
    assert_eq!(times, [None; 5]);
    assert_eq!(held.created_at, held.updated_at);
    assert_eq!(
        names(
            &store
                .connections()
                .of_user(user)
                .await
                .unwrap()
                .unwrap()
                .connections
        ),
        ["juniper"]
    );
}

/// Both lists show these accounts and no others.
async fn assert_listed(store: &Store, user: UserId, expected: &[&str]) {
    assert_eq!(
        names(
            &store
                .connections()
                .of_user(user)
                .await
                .unwrap()
                .unwrap()
                .connections
        ),
        expected
    );
    assert_eq!(
        names(&store.connections().page(0, 100).await.unwrap()),
        expected
    );
}

async fn an_unreadable_row_hides_no_other(database: TestDatabase) {
    let store = database.store().await;
    let user = new_user(&store).await;
    external_row(&database, user, NAMED, "'No Platform!', 'x'").await;
    Consent::of(user, "reddit", "juniper").store(&store).await;
    external_row(&database, user, NAMED, "'reddit', ''").await;
    Consent::of(user, "reddit", "robin").store(&store).await;
    assert_listed(&store, user, &["juniper", "robin"]).await;
}

async fn connections_come_in_pages(database: TestDatabase) {
    let store = database.store().await;
    let user = new_user(&store).await;
    let first = Consent::of(user, "reddit", "abe").store(&store).await;
    for row in [
        "'No Platform!', 'x'",
        "'No Platform!', 'y'",
        "'No Platform!', 'z'",
    ] {
        external_row(&database, user, NAMED, row).await;
    }
    Consent::of(user, "reddit", "kim").store(&store).await;
    let last = connect(&store, "reddit", "zoe").await;
    assert_eq!(
        names(&store.connections().page(0, 2).await.unwrap()),
        ["abe", "kim"]
    );
    assert_eq!(
        names(&store.connections().page(first.id.get(), 2).await.unwrap()),
        ["kim", "zoe"]
    );
    assert_eq!(
        names(&store.connections().page(first.id.get(), 1).await.unwrap()),
        ["kim"],
        "a page is not cut short"
    );
    assert!(
        store
            .connections()
            .page(last.id.get(), 2)
            .await
            .unwrap()
            .is_empty()
    );
}

async fn an_infinite_time_is_the_fault_of_its_row_alone(database: TestDatabase) {
    let store = database.store().await;
    let user = new_user(&store).await;
    Consent::of(user, "reddit", "juniper").store(&store).await;
    for (name, end) in [("ever", "infinity"), ("never", "-infinity")] {
        let values = format!("'reddit', '{name}', '{end}'");
        external_row(
            &database,
            user,
            "provider, provider_account_id, expires_at",
            &values,
        )
        .await;
        let read = store
            .connections()
            .owned(user, &slug("reddit"), &account(name))
            .await;
        assert!(
            matches!(read, Err(StoreError::Inconsistent("expires_at"))),
            "{read:?}"
        );
    }
    assert_listed(&store, user, &["juniper"]).await;
}

async fn broken_json_is_the_fault_of_its_row_alone(database: TestDatabase) {
    let store = database.store().await;
    let user = new_user(&store).await;
    Consent::of(user, "reddit", "juniper").store(&store).await;
    external_row(
        &database,
        user,
        "provider, provider_account_id, metadata",
        "'reddit', 'broken', '{'",
    )
    .await;
    let read = store
        .connections()
        .owned(user, &slug("reddit"), &account("broken"))
        .await;
    assert!(
        matches!(read, Err(StoreError::Inconsistent("metadata"))),
        "{read:?}"
    );
    assert_listed(&store, user, &["juniper"]).await;
}

async fn microseconds_are_cut_in_reading_and_kept_in_the_row(database: TestDatabase) {
    const KEPT: &str = "SELECT created_at::text FROM oauth_accounts";
    let store = database.store().await;
    let user = new_user(&store).await;
    let columns = "provider, provider_account_id, created_at, expires_at";
    let values = "'reddit', 'juniper', '2026-01-01 00:00:00.123456', '1969-12-31 23:59:59.999999'";
    external_row(&database, user, columns, values).await;
    let held = store
        .connections()
        .owned(user, &slug("reddit"), &account("juniper"))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(held.created_at.to_string(), "2026-01-01T00:00:00.123Z");
    assert_eq!(
        held.tokens.expires_at,
        Some(Timestamp::from_unix_ms(0)),
        "before 1970 is 1970"
    );
    assert!(
        RefreshedTokens::new("new access", None)
            .store_leased(&store, &held)
            .await
    );
    Consent::of(user, "reddit", "juniper").store(&store).await;
    assert_eq!(database.texts(KEPT).await, ["2026-01-01 00:00:00.123456"]);
    assert_eq!(again(&store, &held).await.created_at, held.created_at);
}
