//! Reading connections, including rows that other programs wrote.

use evergrant_model::{
    ConnectionId, ConnectionStatus, EARLIEST_EXPIRY_SECONDS, MAX_LIFETIME, Timestamp, UserId,
};
use evergrant_store::{Connection, Store, StoreError};
use evergrant_testkit::{TestDatabase, on_both_databases, on_postgres, on_sqlite};

use crate::support::{
    Consent, RefreshedTokens, account, connect, find, import, new_user, reload, slug,
};

on_both_databases!(
    connection_of_another_user_is_not_found,
    connections_are_listed_by_id_with_version,
    user_without_connections_has_empty_list,
    external_row_reads_with_defaults,
    unreadable_row_does_not_hide_others,
    connections_are_paged,
);
on_postgres!(
    implausible_expiry_is_moved_into_plausible_years,
    microseconds_are_truncated_on_read_and_kept_in_row
);
on_sqlite!(malformed_json_makes_only_its_row_unreadable);

async fn connection_of_another_user_is_not_found(database: TestDatabase) {
    let store = database.store().await;
    let connection = connect(&store, "reddit", "juniper").await;
    let other = connect(&store, "reddit", "robin").await.user;
    let owner = connection.user;
    for (user, provider, name) in [
        (other, "reddit", "juniper"),
        (owner, "tiktok", "juniper"),
        (owner, "reddit", "robin"),
    ] {
        let found = find(&store, user, provider, name).await;
        assert!(found.is_none(), "{user:?} {provider} {name}");
    }
    let found = find(&store, owner, "reddit", "juniper").await.unwrap();
    assert_eq!(found.id, connection.id);
    let connections = store.connections();
    let of_any_user = connections
        .by_account(&connection.provider, &connection.account)
        .await
        .unwrap();
    assert_eq!(of_any_user.unwrap().user, owner);
    let unknown = connections.by_id(ConnectionId::new(0)).await.unwrap();
    assert!(unknown.is_none());
}

fn names(connections: &[Connection]) -> Vec<&str> {
    connections
        .iter()
        .map(|connection| connection.account.as_str())
        .collect()
}

async fn connections_are_listed_by_id_with_version(database: TestDatabase) {
    let store = database.store().await;
    let (user, other) = (new_user(&store).await, new_user(&store).await);
    for (owner, name) in [
        (user, "zoe"),
        (other, "mallory"),
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
        "a reconnect does not change the order"
    );
    assert_eq!(listed.version, 4);
}

async fn user_without_connections_has_empty_list(database: TestDatabase) {
    let store = database.store().await;
    let user = new_user(&store).await;
    let listed = store.connections().of_user(user).await.unwrap().unwrap();
    assert_eq!((listed.version, listed.connections.len()), (0, 0));
    let unknown = UserId::try_from(i64::from(user.get()) + 1).unwrap();
    assert!(
        store
            .connections()
            .of_user(unknown)
            .await
            .unwrap()
            .is_none()
    );
}

/// Inserts a row with these columns, as another program would.
async fn insert_row(database: &TestDatabase, user: UserId, columns: &str, values: &str) {
    let sql = format!(
        "INSERT INTO oauth_accounts (user_id, {columns}) VALUES ({}, {values})",
        user.get()
    );
    database.execute(&sql).await;
}

const REQUIRED: &str = "provider, provider_account_id";

async fn external_row_reads_with_defaults(database: TestDatabase) {
    let store = database.store().await;
    let user = new_user(&store).await;
    insert_row(&database, user, REQUIRED, "'reddit', 'juniper'").await;
    let row = find(&store, user, "reddit", "juniper").await.unwrap();
    assert_eq!(
        (row.lease.generation, row.failures, row.status),
        (0, 0, ConnectionStatus::Connected)
    );
    let tokens = row.tokens;
    assert!(tokens.access.is_none() && tokens.refresh.is_none() && tokens.scope.is_none());
    assert!(tokens.token_type.is_none() && row.requested_scope.is_none() && row.reason.is_none());
    assert!(row.last_outcome.is_none() && row.correlation_id.is_none() && row.metadata.is_null());
    let times = [
        tokens.expires_at,
        tokens.issued_at,
        tokens.grant_expires_at,
        row.last_refreshed_at,
        row.next_refresh_at,
    ];
    assert_eq!(times, [None; 5]);
    assert_eq!(row.created_at, row.updated_at);
    let listed = store.connections().of_user(user).await.unwrap().unwrap();
    assert_eq!(names(&listed.connections), ["juniper"]);
}

/// Asserts that both list queries return exactly these accounts.
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

async fn unreadable_row_does_not_hide_others(database: TestDatabase) {
    let store = database.store().await;
    let user = new_user(&store).await;
    insert_row(&database, user, REQUIRED, "'Not A Slug!', 'x'").await;
    Consent::of(user, "reddit", "juniper").store(&store).await;
    insert_row(&database, user, REQUIRED, "'reddit', ''").await;
    Consent::of(user, "reddit", "robin").store(&store).await;
    assert_listed(&store, user, &["juniper", "robin"]).await;
}

async fn connections_are_paged(database: TestDatabase) {
    let store = database.store().await;
    let user = new_user(&store).await;
    let first = Consent::of(user, "reddit", "abe").store(&store).await;
    for row in [
        "'Not A Slug!', 'x'",
        "'Not A Slug!', 'y'",
        "'Not A Slug!', 'z'",
    ] {
        insert_row(&database, user, REQUIRED, row).await;
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
        "unreadable rows do not count towards the limit"
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

async fn implausible_expiry_is_moved_into_plausible_years(database: TestDatabase) {
    let store = database.store().await;
    let user = new_user(&store).await;
    for (name, end, is_past) in [
        ("ever", "infinity", false),
        ("far", "3000-01-01 00:00:00", false),
        ("never", "-infinity", true),
        ("zero", "1970-01-01 00:00:00", true),
    ] {
        let columns = "provider, provider_account_id, expires_at";
        let values = format!("'reddit', '{name}', '{end}'");
        insert_row(&database, user, columns, &values).await;
        let row = find(&store, user, "reddit", name).await.unwrap();
        let expected = if is_past {
            Timestamp::from_unix_seconds(EARLIEST_EXPIRY_SECONDS)
        } else {
            row.updated_at + MAX_LIFETIME
        };
        assert_eq!(row.tokens.expires_at, Some(expected), "{name}");
    }
    assert_listed(&store, user, &["ever", "far", "never", "zero"]).await;
}

async fn malformed_json_makes_only_its_row_unreadable(database: TestDatabase) {
    let store = database.store().await;
    let user = new_user(&store).await;
    Consent::of(user, "reddit", "juniper").store(&store).await;
    insert_row(
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
        matches!(
            read,
            Err(StoreError::Undecodable {
                column: "metadata",
                ..
            })
        ),
        "{read:?}"
    );
    assert_listed(&store, user, &["juniper"]).await;
}

async fn microseconds_are_truncated_on_read_and_kept_in_row(database: TestDatabase) {
    const CREATED_AT: &str = "SELECT created_at::text FROM oauth_accounts";
    let store = database.store().await;
    let user = new_user(&store).await;
    let columns = "provider, provider_account_id, created_at, expires_at";
    let values = "'reddit', 'juniper', '2026-01-01 00:00:00.123456', '1969-12-31 23:59:59.999999'";
    insert_row(&database, user, columns, values).await;
    let connection = find(&store, user, "reddit", "juniper").await.unwrap();
    let created_at = connection.created_at;
    assert_eq!(created_at.to_string(), "2026-01-01T00:00:00.123Z");
    assert_eq!(
        connection.tokens.expires_at,
        Some(Timestamp::from_unix_seconds(EARLIEST_EXPIRY_SECONDS)),
        "a date before 2001 still says that the token has expired"
    );
    assert!(import(&store, &connection).await);
    let imported = reload(&store, &connection).await;
    let refreshed = RefreshedTokens::new("new access", None);
    assert!(refreshed.store_leased(&store, &imported).await);
    Consent::of(user, "reddit", "juniper").store(&store).await;
    assert_eq!(
        database.texts(CREATED_AT).await,
        ["2026-01-01 00:00:00.123456"]
    );
    assert_eq!(reload(&store, &connection).await.created_at, created_at);
}
