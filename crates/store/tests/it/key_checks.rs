//! What a key is tried on before it writes: the texts it left, or the first token of a database
//! that has none.

use evergrant_store::{KeyCheck, Store};
use evergrant_testkit::{TestDatabase, on_both_databases};

use crate::support::{at, new_user, sealed, text};

on_both_databases!(
    checks_are_kept_in_order_and_never_replaced,
    the_first_token_is_found_behind_rows_without_one,
    a_refresh_token_is_a_token,
);

async fn check(store: &Store, fingerprint: &str, value: &str, seconds: i64) {
    let check = KeyCheck {
        fingerprint: fingerprint.to_owned(),
        value: sealed(value),
    };
    store
        .key_checks()
        .insert(&check, at(seconds))
        .await
        .unwrap();
}

async fn checks_are_kept_in_order_and_never_replaced(database: TestDatabase) {
    let store = database.store().await;
    assert!(store.key_checks().all().await.unwrap().is_empty());
    check(&store, "newer", "n", 2).await;
    check(&store, "older", "o", 1).await;
    check(&store, "older", "another text", 3).await;
    let checks = store.key_checks().all().await.unwrap();
    let told: Vec<_> = checks
        .iter()
        .map(|check| (check.fingerprint.as_str(), check.value.as_str()))
        .collect();
    assert_eq!(told, [("older", "o"), ("newer", "n")]);
}

async fn account_with(
    database: &TestDatabase,
    store: &Store,
    name: &str,
    columns: &str,
    values: &str,
) {
    let user = new_user(store).await.get();
    let sql = format!(
        "INSERT INTO oauth_accounts (user_id, provider, provider_account_id{columns})
        VALUES ({user}, 'reddit', '{name}'{values})"
    );
    database.execute(&sql).await;
}

async fn the_first_token_is_found_behind_rows_without_one(database: TestDatabase) {
    let store = database.store().await;
    assert!(store.key_checks().any_token().await.unwrap().is_none());
    account_with(&database, &store, "empty", "", "").await;
    assert!(store.key_checks().any_token().await.unwrap().is_none());
    account_with(
        &database,
        &store,
        "first",
        ", access_token, refresh_token",
        ", 'access', 'refresh'",
    )
    .await;
    account_with(&database, &store, "second", ", access_token", ", 'another'").await;
    assert_eq!(
        text(store.key_checks().any_token().await.unwrap().as_ref()),
        Some("access")
    );
}

async fn a_refresh_token_is_a_token(database: TestDatabase) {
    let store = database.store().await;
    account_with(&database, &store, "first", ", refresh_token", ", 'refresh'").await;
    assert_eq!(
        text(store.key_checks().any_token().await.unwrap().as_ref()),
        Some("refresh")
    );
}
