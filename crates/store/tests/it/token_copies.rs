//! Copies of stored tokens: recognizing spent tokens, and repairing their row.

use evergrant_model::{EventKind, StatusReason};
use evergrant_store::{Connection, LeaseAnswer, Store, TokenCopy};
use evergrant_testkit::{TestDatabase, on_both_databases, on_sqlite};

use crate::support::{
    Consent, RefreshedTokens, at, connect, delete_connection, delete_user, digest, forged_lease,
    import, leased, new_user, reload, text, tokens, trace,
};

on_both_databases!(
    last_three_replaced_refresh_tokens_are_spent,
    replaced_access_token_is_spent_without_refresh_tokens,
    unchanged_refresh_token_is_not_spent,
    token_that_another_program_replaced_is_not_spent,
    stale_row_is_repaired_in_its_generation,
    row_that_changed_since_is_not_repaired,
    tokens_that_changed_since_are_not_imported,
    refresh_replaces_a_stale_row_written_meanwhile,
    refresh_and_consent_keep_no_spent_refresh_token,
    same_grant_encrypted_anew_keeps_its_lease,
    row_of_another_program_is_not_leased,
    refresh_is_stored_for_the_new_owner_of_a_moved_account,
    abandoned_connection_is_expired_and_not_external,
    copies_outlive_the_rows_that_other_programs_delete,
    disconnect_erases_the_copied_tokens,
    refresh_of_a_disconnected_account_is_not_stored,
);
on_sqlite!(copies_are_detached_without_foreign_keys);

/// Refreshes the connection; it then has these tokens.
async fn refresh(store: &Store, connection: &Connection, refresh: Option<&str>) -> Connection {
    let row = reload(store, connection).await;
    let access = format!("access {}", row.lease.generation);
    let tokens = RefreshedTokens::new(&access, refresh);
    assert!(tokens.store_leased(store, &row).await);
    reload(store, connection).await
}

async fn copy(store: &Store, connection: &Connection) -> TokenCopy {
    let copies = store.external_rows().token_copies(&[connection.id]).await;
    copies.unwrap().remove(&connection.id).unwrap()
}

fn is_spent(copy: &TokenCopy, token: &str) -> bool {
    copy.is_spent(&digest(&tokens(token, None)).unwrap())
}

/// Writes the tokens of `row` back, as an application with a stale object does.
async fn write_back(database: &TestDatabase, row: &Connection) {
    let (access, refresh) = (row.tokens.access.as_ref(), row.tokens.refresh.as_ref());
    let update = format!(
        "UPDATE oauth_accounts SET access_token = '{}', refresh_token = '{}', expires_at = NULL",
        text(access).unwrap(),
        text(refresh).unwrap()
    );
    database.execute(&update).await;
}

/// A connection that was refreshed once, and the row before that.
async fn refreshed(store: &Store) -> (Connection, Connection) {
    let old = connect(store, "reddit", "juniper").await;
    let newest = refresh(store, &old, Some("second")).await;
    (old, newest)
}

async fn last_three_replaced_refresh_tokens_are_spent(database: TestDatabase) {
    let store = database.store().await;
    let connection = connect(&store, "reddit", "juniper").await;
    for token in ["second", "third", "fourth", "fifth"] {
        refresh(&store, &connection, Some(token)).await;
    }
    let copy = copy(&store, &connection).await;
    assert_eq!(text(copy.refresh.as_ref()), Some("fifth"));
    for token in ["second", "third", "fourth"] {
        assert!(is_spent(&copy, token), "{token}");
    }
    for token in ["refresh of juniper", "fifth", "unknown"] {
        assert!(!is_spent(&copy, token), "{token}");
    }
}

/// Such a grant is renewed with its access token.
async fn replaced_access_token_is_spent_without_refresh_tokens(database: TestDatabase) {
    let store = database.store().await;
    let mut consent = Consent::of(new_user(&store).await, "instagram", "juniper");
    consent.tokens.refresh = None;
    let connection = consent.store(&store).await;
    refresh(&store, &connection, None).await;
    let copy = copy(&store, &connection).await;
    assert!(is_spent(&copy, "access of juniper") && !is_spent(&copy, "access 1"));
}

async fn unchanged_refresh_token_is_not_spent(database: TestDatabase) {
    let store = database.store().await;
    let connection = connect(&store, "reddit", "juniper").await;
    let first = "refresh of juniper";
    for token in [Some(first), None, Some(first)] {
        refresh(&store, &connection, token).await;
        assert!(!is_spent(&copy(&store, &connection).await, first));
    }
    refresh(&store, &connection, Some("second")).await;
    assert!(is_spent(&copy(&store, &connection).await, first));
    refresh(&store, &connection, Some(first)).await;
    assert!(!is_spent(&copy(&store, &connection).await, first));
}

async fn token_that_another_program_replaced_is_not_spent(database: TestDatabase) {
    let store = database.store().await;
    let connection = connect(&store, "reddit", "juniper").await;
    database
        .execute("UPDATE oauth_accounts SET refresh_token = 'of another program'")
        .await;
    assert!(import(&store, &reload(&store, &connection).await).await);
    let copy = copy(&store, &connection).await;
    assert_eq!(text(copy.refresh.as_ref()), Some("of another program"));
    assert!(!is_spent(&copy, "refresh of juniper"));
}

async fn stale_row_is_repaired_in_its_generation(database: TestDatabase) {
    let store = database.store().await;
    let (old, newest) = refreshed(&store).await;
    write_back(&database, &old).await;
    let stale = reload(&store, &old).await;
    assert!(stale.has_external_tokens);
    let rows = store.external_rows();
    let repaired = rows.repair(&stale, &trace("repair"), at(9)).await.unwrap();
    assert!(!repaired.unwrap().is_external);
    let repaired = reload(&store, &old).await;
    assert!(!repaired.is_external);
    assert_eq!(repaired.lease, newest.lease);
    assert_eq!(repaired.tokens.expires_at, newest.tokens.expires_at);
    assert_eq!(text(repaired.tokens.refresh.as_ref()), Some("second"));
    let events = store.events().of_user(old.user, 2, 10).await.unwrap();
    assert_eq!(events[0].kind, Some(EventKind::Refreshed));
    let recorded = store.row_changes().pending(0, 10).await.unwrap();
    assert_eq!(recorded.len(), 1, "only the write of the application");
}

async fn row_that_changed_since_is_not_repaired(database: TestDatabase) {
    let store = database.store().await;
    let (old, newest) = refreshed(&store).await;
    let rows = store.external_rows();
    for read in [&old, &newest] {
        let repaired = rows.repair(read, &trace("repair"), at(9)).await.unwrap();
        assert!(repaired.is_none());
    }
}

/// The digests of the tokens that were read say nothing about those that were written since.
async fn tokens_that_changed_since_are_not_imported(database: TestDatabase) {
    let store = database.store().await;
    let (old, _) = refreshed(&store).await;
    database
        .execute("UPDATE oauth_accounts SET refresh_token = 'of another program'")
        .await;
    let read = reload(&store, &old).await;
    write_back(&database, &old).await;
    assert!(!import(&store, &read).await);
    assert!(is_spent(&copy(&store, &old).await, "refresh of juniper"));
}

/// The application writes the old row while the refresh is in flight. The old refresh token is the
/// one that was sent.
async fn refresh_replaces_a_stale_row_written_meanwhile(database: TestDatabase) {
    let store = database.store().await;
    let (old, current) = refreshed(&store).await;
    for row in [&old, &current] {
        let lease = forged_lease(&reload(&store, &old).await);
        write_back(&database, row).await;
        let new = RefreshedTokens::new("newest", Some("third"));
        let stored = store.refreshes().store(&lease, &new.row()).await.unwrap();
        assert_eq!(text(stored.unwrap().tokens.access.as_ref()), Some("newest"));
    }
    let stored = reload(&store, &old).await;
    assert_eq!(text(stored.tokens.refresh.as_ref()), Some("third"));
}

/// Neither the platform's answer to the refresh nor the consent has a refresh token.
async fn refresh_and_consent_keep_no_spent_refresh_token(database: TestDatabase) {
    let store = database.store().await;
    let (old, newest) = refreshed(&store).await;
    let lease = forged_lease(&newest);
    write_back(&database, &old).await;
    let new = RefreshedTokens::new("newest", None);
    let stored = store.refreshes().store(&lease, &new.row()).await.unwrap();
    assert_eq!(
        text(stored.unwrap().tokens.refresh.as_ref()),
        Some("second")
    );
    write_back(&database, &old).await;
    let mut consent = Consent::of(old.user, "reddit", "juniper");
    consent.tokens = tokens("of the consent", None);
    let stored = consent.store(&store).await;
    assert_eq!(text(stored.tokens.access.as_ref()), Some("of the consent"));
    assert_eq!(text(stored.tokens.refresh.as_ref()), Some("second"));
    assert!(is_spent(&copy(&store, &old).await, "refresh of juniper"));
}

/// Its refresh token may be in flight, and the new one must not be lost.
async fn same_grant_encrypted_anew_keeps_its_lease(database: TestDatabase) {
    let store = database.store().await;
    let connection = connect(&store, "reddit", "juniper").await;
    let lease = leased(&store, &connection).await;
    database
        .execute("UPDATE oauth_accounts SET access_token = 'encrypted anew'")
        .await;
    let read = reload(&store, &connection).await;
    assert!(import(&store, &read).await);
    let imported = reload(&store, &connection).await;
    assert!(!imported.is_external);
    assert_eq!(imported.lease, lease.connection.lease);
    let new = RefreshedTokens::new("newest", Some("second"));
    let stored = store.refreshes().store(&lease, &new.row()).await.unwrap();
    assert!(stored.is_some());
    assert!(is_spent(
        &copy(&store, &connection).await,
        "refresh of juniper"
    ));
}

async fn row_of_another_program_is_not_leased(database: TestDatabase) {
    let store = database.store().await;
    let (old, newest) = refreshed(&store).await;
    write_back(&database, &old).await;
    let request = evergrant_resilience::refresh::lease::LeaseRequest {
        known_generation: newest.lease.generation,
        database_up_for_ms: i64::MAX,
        refresh_policy: crate::support::STRICT,
    };
    let lease = store.refreshes();
    let answer = lease.take_lease(old.id, request, "a test", at(20)).await;
    assert!(matches!(answer, Ok(LeaseAnswer::External(_))), "{answer:?}");
}

async fn refresh_is_stored_for_the_new_owner_of_a_moved_account(database: TestDatabase) {
    let store = database.store().await;
    let connection = connect(&store, "reddit", "juniper").await;
    let lease = forged_lease(&connection);
    let owner = new_user(&store).await;
    let update = format!("UPDATE oauth_accounts SET user_id = {}", owner.get());
    database.execute(&update).await;
    let delete = format!("DELETE FROM users WHERE id = {}", connection.user.get());
    database.execute(&delete).await;
    let new = RefreshedTokens::new("newest", Some("second"));
    let stored = store.refreshes().store(&lease, &new.row()).await.unwrap();
    let stored = stored.unwrap();
    assert_eq!(stored.user, owner);
    assert_eq!(text(stored.tokens.refresh.as_ref()), Some("second"));
    let events = store.events().of_user(owner, 0, 10).await.unwrap();
    assert_eq!(events[0].kind, Some(EventKind::Refreshed));
}

async fn abandoned_connection_is_expired_and_not_external(database: TestDatabase) {
    let store = database.store().await;
    let (old, _) = refreshed(&store).await;
    write_back(&database, &old).await;
    let stale = reload(&store, &old).await;
    let (reason, trace) = (StatusReason::LostInFlight, trace("abandon"));
    let rows = store.external_rows();
    assert!(rows.abandon(&stale, reason, &trace, at(9)).await.unwrap());
    let abandoned = reload(&store, &old).await;
    assert!(abandoned.lease.dead && !abandoned.is_external);
    assert_eq!(abandoned.reason, Some(reason));
    let events = store.events().of_user(old.user, 2, 10).await.unwrap();
    assert_eq!(events[0].kind, Some(EventKind::Expired));
}

/// Returns the number of copies with tokens, and of all.
async fn copied_rows(database: &TestDatabase) -> (usize, usize) {
    let tokens = "SELECT access_token FROM evergrant_token_copies WHERE access_token IS NOT NULL";
    let all = "SELECT provider FROM evergrant_token_copies";
    let tokens = database.texts(tokens).await.len();
    (tokens, database.texts(all).await.len())
}

/// Another program may insert the row again.
async fn copies_outlive_the_rows_that_other_programs_delete(database: TestDatabase) {
    let store = database.store().await;
    let connection = connect(&store, "reddit", "juniper").await;
    let (deleted, by_user) = (
        connect(&store, "reddit", "wren").await,
        connect(&store, "reddit", "robin").await,
    );
    let delete = format!("DELETE FROM oauth_accounts WHERE id = {}", deleted.id.get());
    database.execute(&delete).await;
    assert_eq!(copied_rows(&database).await, (3, 3));
    assert!(delete_user(&store, by_user.user).await);
    assert_eq!(copied_rows(&database).await, (2, 2));
    let delete = format!("DELETE FROM users WHERE id = {}", connection.user.get());
    database.execute(&delete).await;
    let rows = store.external_rows();
    rows.expire_copies(at(9), at(9), at(9)).await.unwrap();
    assert_eq!(copied_rows(&database).await, (1, 2), "the user is gone");
}

async fn disconnect_erases_the_copied_tokens(database: TestDatabase) {
    let store = database.store().await;
    let (_, newest) = refreshed(&store).await;
    assert!(delete_connection(&store, &newest).await);
    assert_eq!(copied_rows(&database).await, (0, 1));
    let again = connect_again(&store, &newest).await;
    assert_eq!(again.lease.generation, newest.lease.generation + 1);
    assert!(is_spent(&copy(&store, &again).await, "refresh of juniper"));
}

/// Connects the account of a deleted connection again.
async fn connect_again(store: &Store, deleted: &Connection) -> Connection {
    let mut consent = Consent::of(deleted.user, "reddit", "juniper");
    consent.tokens = tokens("of the consent", Some("fresh"));
    consent.store(store).await
}

/// The refresh was in flight when the user disconnected the account.
async fn refresh_of_a_disconnected_account_is_not_stored(database: TestDatabase) {
    let store = database.store().await;
    let connection = connect(&store, "reddit", "juniper").await;
    let lease = leased(&store, &connection).await;
    assert!(delete_connection(&store, &connection).await);
    let new = RefreshedTokens::new("newest", Some("second"));
    let refreshes = store.refreshes();
    assert!(refreshes.store(&lease, &new.row()).await.unwrap().is_none());
    let (key, ticket) = ((&connection).into(), &lease.ticket);
    let row = new.row();
    let kept = refreshes.keep_for_deleted_row(&key, ticket, &row);
    assert!(!kept.await.unwrap());
    let again = connect_again(&store, &connection).await;
    assert!(refreshes.store(&lease, &new.row()).await.unwrap().is_none());
    assert_eq!(
        text(reload(&store, &again).await.tokens.refresh.as_ref()),
        Some("fresh")
    );
}

async fn copies_are_detached_without_foreign_keys(database: TestDatabase) {
    let store = database.store().await;
    let key = (&connect(&store, "reddit", "juniper").await).into();
    database
        .execute("PRAGMA foreign_keys = OFF; DELETE FROM oauth_accounts")
        .await;
    let rows = store.external_rows();
    let removed = rows
        .report_removals(&[key], &[], &trace("gone"), at(9))
        .await;
    assert_eq!(removed.unwrap().len(), 1);
    rows.expire_copies(at(9), at(10), at(9)).await.unwrap();
    assert_eq!(copied_rows(&database).await, (0, 1));
}
