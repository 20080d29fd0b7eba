//! Item 39: a wrong key is noticed before it writes.

use evergrant_encryption::{EncryptionKey, KeyRing, TokenCipher, parse_previous_keys};
use evergrant_service::{KeyTrouble, check_key};
use evergrant_testkit::{TestDatabase, cipher, entropy, new_year, on_both_databases};

use crate::harness::Stand;

on_both_databases!(
    item_39_a_wrong_key_is_refused_and_nothing_is_written,
    a_new_key_is_taken_beside_the_old_one_and_not_without_it,
    rows_of_another_program_are_asked_where_there_is_no_check,
    an_empty_database_takes_any_key,
);

fn ring(current: &str, previous: &str) -> TokenCipher {
    let current = EncryptionKey::parse(current).unwrap();
    TokenCipher::new(
        KeyRing::new(current, parse_previous_keys(previous).unwrap()),
        entropy(),
    )
}

async fn item_39_a_wrong_key_is_refused_and_nothing_is_written(database: TestDatabase) {
    let (store, clock) = (database.store().await, new_year());
    check_key(&store, &ring("right", ""), &*clock)
        .await
        .unwrap();
    let before = database.contents().await;
    assert_eq!(before["evergrant_key_checks"].len(), 1);
    let refused = check_key(&store, &ring("wrong", ""), &*clock)
        .await
        .unwrap_err();
    assert!(matches!(refused, KeyTrouble::WrongKey));
    check_key(&store, &ring("right", ""), &*clock)
        .await
        .unwrap();
    assert_eq!(database.contents().await, before);
}

async fn a_new_key_is_taken_beside_the_old_one_and_not_without_it(database: TestDatabase) {
    let (store, clock) = (database.store().await, new_year());
    check_key(&store, &ring("old", ""), &*clock).await.unwrap();
    assert!(
        check_key(&store, &ring("new", "another"), &*clock)
            .await
            .is_err()
    );
    check_key(&store, &ring("new", "old"), &*clock)
        .await
        .unwrap();
    assert_eq!(store.key_checks().all().await.unwrap().len(), 2);
    assert!(
        check_key(&store, &ring("new", ""), &*clock).await.is_err(),
        "rows of the old key may be left"
    );
    assert!(
        check_key(&store, &ring("old", ""), &*clock).await.is_err(),
        "rows of the new key may be there"
    );
}

async fn rows_of_another_program_are_asked_where_there_is_no_check(database: TestDatabase) {
    let stand = Stand::new(database).await;
    stand.user_with("acme").await;
    let before = stand.database.contents().await;
    assert!(
        check_key(&stand.store, &ring("wrong", ""), &*stand.clock)
            .await
            .is_err()
    );
    assert_eq!(
        stand.database.contents().await,
        before,
        "nothing was written"
    );
    check_key(&stand.store, &cipher(), &*stand.clock)
        .await
        .unwrap();
}

async fn an_empty_database_takes_any_key(database: TestDatabase) {
    let (store, clock) = (database.store().await, new_year());
    check_key(&store, &ring("any", ""), &*clock).await.unwrap();
    assert_eq!(store.key_checks().all().await.unwrap().len(), 1);
}
