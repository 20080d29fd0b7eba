//! Key checks, and the stored token that is used in their place if there are none.

use evergrant_store::{KeyCheck, Store};
use evergrant_testkit::{TestDatabase, on_both_databases};

use crate::support::{at, encrypted, new_user, text};

on_both_databases!(
    checks_are_listed_oldest_first_and_not_replaced,
    any_token_skips_rows_without_token,
    any_token_may_be_a_refresh_token,
);

async fn insert_check(store: &Store, fingerprint: &str, value: &str, seconds: i64) {
    let check = KeyCheck {
        fingerprint: fingerprint.to_owned(),
        value: encrypted(value),
    };
    store
        .key_checks()
        .insert(&check, at(seconds))
        .await
        .unwrap();
}

async fn checks_are_listed_oldest_first_and_not_replaced(database: TestDatabase) {
    let store = database.store().await;
    assert!(store.key_checks().all().await.unwrap().is_empty());
    insert_check(&store, "newer", "n", 2).await;
    insert_check(&store, "older", "o", 1).await;
    insert_check(&store, "older", "another text", 3).await;
    let checks = store.key_checks().all().await.unwrap();
    let values: Vec<_> = checks
        .iter()
        .map(|check| (check.fingerprint.as_str(), check.value.as_str()))
        .collect();
    assert_eq!(values, [("older", "o"), ("newer", "n")]);
}

async fn insert_account(
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

async fn any_token_skips_rows_without_token(database: TestDatabase) {
    let store = database.store().await;
    assert!(store.key_checks().any_token().await.unwrap().is_none());
    insert_account(&database, &store, "empty", "", "").await;
    assert!(store.key_checks().any_token().await.unwrap().is_none());
    insert_account(
        &database,
        &store,
        "first",
        ", access_token, refresh_token",
        ", 'access', 'refresh'",
    )
    .await;
    insert_account(&database, &store, "second", ", access_token", ", 'another'").await;
    assert_eq!(
        text(store.key_checks().any_token().await.unwrap().as_ref()),
        Some("access")
    );
}

async fn any_token_may_be_a_refresh_token(database: TestDatabase) {
    let store = database.store().await;
    insert_account(&database, &store, "first", ", refresh_token", ", 'refresh'").await;
    assert_eq!(
        text(store.key_checks().any_token().await.unwrap().as_ref()),
        Some("refresh")
    );
}
