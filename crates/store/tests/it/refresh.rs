//! Storing refreshed tokens: only over the generation that they were obtained with, and only in the
//! columns of the credentials.

use evergrant_model::{ConnectionStatus, ProviderAccountId, ProviderSlug, StatusReason};
use evergrant_store::{Connection, RefreshedGrant, Store, StoredTokens};
use evergrant_testkit::{TestDatabase, on_both_databases};

use crate::support::{
    Consent, RefreshedTokens, at, connect, delete_connection, delete_user, failure, find,
    forged_lease, import, insert_external_row, new_user, record_failure, reload, text, trace,
    version,
};

on_both_databases!(
    refreshed_tokens_replace_stored_ones,
    refresh_keeps_values_omitted_by_provider,
    refresh_changes_only_credential_columns,
    lost_compare_and_swap_writes_nothing,
    one_of_twenty_refreshes_of_a_generation_is_stored,
    reconnect_supersedes_refresh,
    refresh_of_deleted_connection_is_not_stored,
    external_row_can_be_refreshed,
    successful_refresh_clears_failure,
);

/// Stores tokens with a known end of the grant, token type and scopes.
async fn store_all_values(store: &Store, connection: &Connection) {
    let refreshed = RefreshedTokens::new("second access", Some("second refresh"));
    let tokens = StoredTokens {
        grant_expires_at: Some(at(90_000)),
        token_type: Some("Bearer".to_owned()),
        scope: Some("identity read".to_owned()),
        ..refreshed.tokens.clone()
    };
    let row = RefreshedGrant {
        tokens: &tokens,
        reason: Some(StatusReason::ScopeMissing),
        ..refreshed.row()
    };
    let stored = store
        .refreshes()
        .store(&forged_lease(connection), &row)
        .await
        .unwrap();
    assert!(stored.is_some());
}

async fn refreshed_tokens_replace_stored_ones(database: TestDatabase) {
    let store = database.store().await;
    let connection = connect(&store, "reddit", "juniper").await;
    store_all_values(&store, &connection).await;
    let new = reload(&store, &connection).await;
    let tokens = &new.tokens;
    assert_eq!(text(tokens.access.as_ref()), Some("second access"));
    assert_eq!(text(tokens.refresh.as_ref()), Some("second refresh"));
    assert_eq!(
        (tokens.expires_at, tokens.issued_at, tokens.grant_expires_at),
        (Some(at(7200)), Some(at(3600)), Some(at(90_000)))
    );
    assert_eq!(
        (tokens.token_type.as_deref(), tokens.scope.as_deref()),
        (Some("Bearer"), Some("identity read"))
    );
    assert_eq!(
        (new.last_refreshed_at, new.next_refresh_at, new.updated_at),
        (Some(at(3600)), Some(at(6600)), at(3600))
    );
    assert_eq!(
        (new.lease.generation, new.reason),
        (2, Some(StatusReason::ScopeMissing))
    );
    assert_eq!(new.correlation_id.as_deref(), Some("refreshed"));
    let event = store.events().after(0, 10).await.unwrap().pop().unwrap();
    assert_eq!(
        (event.user, event.version),
        (
            Some(connection.user),
            version(&store, connection.user).await
        )
    );
    let account = event.account.as_ref().map(ProviderAccountId::as_str);
    assert_eq!(
        (event.provider.as_ref().map(ProviderSlug::as_str), account),
        (Some("reddit"), Some("juniper"))
    );
}

async fn refresh_keeps_values_omitted_by_provider(database: TestDatabase) {
    let store = database.store().await;
    let connection = connect(&store, "reddit", "juniper").await;
    store_all_values(&store, &connection).await;
    let mut bare = RefreshedTokens::new("third access", None);
    bare.tokens.expires_at = None;
    assert!(bare.store(&store, &reload(&store, &connection).await).await);
    let tokens = reload(&store, &connection).await.tokens;
    assert_eq!(text(tokens.access.as_ref()), Some("third access"));
    assert_eq!(text(tokens.refresh.as_ref()), Some("second refresh"));
    assert_eq!(tokens.grant_expires_at, Some(at(90_000)));
    assert_eq!(
        (tokens.token_type.as_deref(), tokens.scope.as_deref()),
        (Some("Bearer"), Some("identity read"))
    );
    assert_eq!(
        tokens.expires_at, None,
        "the expiry of the old access token is not kept"
    );
}

async fn refresh_changes_only_credential_columns(database: TestDatabase) {
    const OTHER_COLUMNS: &str =
        "SELECT provider || provider_account_id || CAST(user_id AS TEXT) || CAST(metadata AS TEXT)
        || CAST(created_at AS TEXT) || token_binding || app_note FROM oauth_accounts";
    let store = database.store().await;
    let connection = connect(&store, "reddit", "juniper").await;
    database
        .execute("ALTER TABLE oauth_accounts ADD COLUMN app_note text")
        .await;
    database
        .execute("UPDATE oauth_accounts SET app_note = 'of the app', token_binding = 'bound'")
        .await;
    let before = database.texts(OTHER_COLUMNS).await;
    assert!(
        RefreshedTokens::new("second access", None)
            .store(&store, &connection)
            .await
    );
    let refreshed = reload(&store, &connection).await;
    assert!(record_failure(&store, &refreshed, &failure(&trace("failed"))).await);
    assert_eq!(database.texts(OTHER_COLUMNS).await, before);
    Consent::of(connection.user, "reddit", "juniper")
        .store(&store)
        .await;
    assert_eq!(
        database.texts(OTHER_COLUMNS).await,
        before,
        "a reconnect with the same metadata changes no other column"
    );
}

async fn lost_compare_and_swap_writes_nothing(database: TestDatabase) {
    let store = database.store().await;
    let connection = connect(&store, "reddit", "juniper").await;
    assert!(
        RefreshedTokens::new("second access", Some("second refresh"))
            .store(&store, &connection)
            .await
    );
    let before = database.contents().await;
    assert!(
        !RefreshedTokens::new("late access", Some("late refresh"))
            .store(&store, &connection)
            .await
    );
    assert_eq!(database.contents().await, before);
}

async fn one_of_twenty_refreshes_of_a_generation_is_stored(database: TestDatabase) {
    let store = database.store().await;
    let connection = connect(&store, "reddit", "juniper").await;
    let mut tasks = tokio::task::JoinSet::new();
    for n in 0..20 {
        let (store, connection) = (store.clone(), connection.clone());
        let refreshed = RefreshedTokens::new(&format!("access {n}"), Some(&format!("refresh {n}")));
        tasks.spawn(async move { refreshed.store(&store, &connection).await.then_some(n) });
    }
    let stored: Vec<_> = tasks.join_all().await.into_iter().flatten().collect();
    let [n] = stored[..] else {
        panic!("stored: {stored:?}")
    };
    let new = reload(&store, &connection).await;
    assert_eq!(
        text(new.tokens.access.as_ref()),
        Some(&*format!("access {n}"))
    );
    assert_eq!(
        text(new.tokens.refresh.as_ref()),
        Some(&*format!("refresh {n}"))
    );
    assert_eq!(
        (new.lease.generation, version(&store, connection.user).await),
        (2, 2)
    );
    assert_eq!(store.events().after(0, 100).await.unwrap().len(), 2);
}

async fn reconnect_supersedes_refresh(database: TestDatabase) {
    let store = database.store().await;
    let connection = connect(&store, "reddit", "juniper").await;
    Consent::of(connection.user, "reddit", "juniper")
        .store(&store)
        .await;
    let before = database.contents().await;
    assert!(
        !RefreshedTokens::new("late access", Some("late refresh"))
            .store(&store, &connection)
            .await
    );
    assert_eq!(database.contents().await, before);
}

async fn refresh_of_deleted_connection_is_not_stored(database: TestDatabase) {
    let store = database.store().await;
    let connection = connect(&store, "reddit", "juniper").await;
    let refreshed = RefreshedTokens::new("late access", Some("late refresh"));
    assert!(delete_connection(&store, &connection).await);
    let before = database.contents().await;
    assert!(!refreshed.store(&store, &connection).await);
    assert_eq!(database.contents().await, before);
    assert!(delete_user(&store, connection.user).await);
    let before = database.contents().await;
    assert!(!refreshed.store(&store, &connection).await);
    assert_eq!(database.contents().await, before);
}

async fn external_row_can_be_refreshed(database: TestDatabase) {
    let store = database.store().await;
    let user = new_user(&store).await;
    insert_external_row(&database, user).await;
    let row = find(&store, user, "reddit", "juniper").await.unwrap();
    assert!(import(&store, &row).await);
    let row = reload(&store, &row).await;
    let refreshed = RefreshedTokens::new("refreshed access", None);
    assert!(refreshed.store_leased(&store, &row).await);
    let new = reload(&store, &row).await;
    assert_eq!(
        (new.lease.generation, text(new.tokens.refresh.as_ref())),
        (2, Some("external refresh"))
    );
    let late = RefreshedTokens::new("late access", None);
    assert!(!late.store(&store, &row).await);
    assert_eq!(version(&store, user).await, 2);
}

async fn successful_refresh_clears_failure(database: TestDatabase) {
    let store = database.store().await;
    let connection = connect(&store, "reddit", "juniper").await;
    assert!(record_failure(&store, &connection, &failure(&trace("failed"))).await);
    assert!(
        RefreshedTokens::new("second access", None)
            .store(&store, &connection)
            .await,
        "a failure does not increment the generation"
    );
    let new = reload(&store, &connection).await;
    assert_eq!(
        (new.status, new.reason),
        (ConnectionStatus::Connected, None)
    );
    assert_eq!((new.failures, new.last_outcome), (0, None));
}
