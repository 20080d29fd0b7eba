//! Item 39: a wrong encryption key is detected before anything is written with it.

use evergrant_encryption::{EncryptionKey, KeyRing, TokenCipher, parse_previous_keys};
use evergrant_service::{KeyCheckError, check_key};
use evergrant_testkit::{TestDatabase, cipher, entropy, new_year, on_both_databases};

use crate::harness::TestEnv;

on_both_databases!(
    item_39_wrong_key_is_rejected_and_nothing_is_written,
    new_key_is_accepted_only_together_with_previous_key,
    key_is_checked_against_external_rows_without_stored_check,
    empty_database_accepts_any_key,
);

/// Creates a cipher with a current key and a list of previous keys.
fn cipher_with(current: &str, previous: &str) -> TokenCipher {
    let current = EncryptionKey::parse(current).unwrap();
    TokenCipher::new(
        KeyRing::new(current, parse_previous_keys(previous).unwrap()),
        entropy(),
    )
}

async fn item_39_wrong_key_is_rejected_and_nothing_is_written(database: TestDatabase) {
    let (store, clock) = (database.store().await, new_year());
    check_key(&store, &cipher_with("right", ""), &*clock)
        .await
        .unwrap();
    let before = database.contents().await;
    assert_eq!(before["evergrant_key_checks"].len(), 1);
    let error = check_key(&store, &cipher_with("wrong", ""), &*clock)
        .await
        .unwrap_err();
    assert!(matches!(error, KeyCheckError::WrongKey));
    check_key(&store, &cipher_with("right", ""), &*clock)
        .await
        .unwrap();
    assert_eq!(database.contents().await, before);
}

async fn new_key_is_accepted_only_together_with_previous_key(database: TestDatabase) {
    let (store, clock) = (database.store().await, new_year());
    check_key(&store, &cipher_with("old", ""), &*clock)
        .await
        .unwrap();
    assert!(
        check_key(&store, &cipher_with("new", "another"), &*clock)
            .await
            .is_err()
    );
    check_key(&store, &cipher_with("new", "old"), &*clock)
        .await
        .unwrap();
    assert_eq!(store.key_checks().all().await.unwrap().len(), 2);
    assert!(
        check_key(&store, &cipher_with("new", ""), &*clock)
            .await
            .is_err(),
        "rows encrypted with the old key may be left"
    );
    assert!(
        check_key(&store, &cipher_with("old", ""), &*clock)
            .await
            .is_err(),
        "rows encrypted with the new key may exist"
    );
}

async fn key_is_checked_against_external_rows_without_stored_check(database: TestDatabase) {
    let env = TestEnv::new(database).await;
    env.connected_user("acme").await;
    let before = env.database.contents().await;
    assert!(
        check_key(&env.store, &cipher_with("wrong", ""), &*env.clock)
            .await
            .is_err()
    );
    assert_eq!(env.database.contents().await, before, "nothing was written");
    check_key(&env.store, &cipher(), &*env.clock).await.unwrap();
}

async fn empty_database_accepts_any_key(database: TestDatabase) {
    let (store, clock) = (database.store().await, new_year());
    check_key(&store, &cipher_with("any", ""), &*clock)
        .await
        .unwrap();
    assert_eq!(store.key_checks().all().await.unwrap().len(), 1);
}
