//! Recording changes that other programs make in the shared tables, and reporting them.

use std::collections::BTreeSet;

use evergrant_model::{EventKind, UserId};
use evergrant_store::{ChangedRow, Connection, ConnectionKey, ExternalRow, Reported, Store};
use evergrant_testkit::{TestDatabase, on_both_databases, on_postgres};

use crate::support::{
    Consent, RefreshedTokens, at, connect, delete_connection, delete_user, digest,
    insert_external_row, new_user, trace, version,
};

on_both_databases!(
    own_writes_record_no_change,
    inserted_account_is_reported_as_connected,
    replaced_token_is_reported_as_refreshed,
    changed_details_are_reported_without_new_generation,
    write_without_effect_records_no_change,
    deleted_accounts_are_each_reported,
    moved_account_is_reported_to_both_owners,
    renamed_account_is_reported_under_both_names,
    deleted_user_is_reported,
    changed_user_id_is_reported_for_both_ids,
    change_is_reported_by_one_of_two_replicas,
    change_before_read_triggered_import_is_reported_once,
);
on_postgres!(
    truncation_changes_every_version,
    rolled_back_change_is_not_recorded,
    change_sends_notification,
    failing_trigger_does_not_fail_the_statement,
    application_without_rights_on_own_tables_can_write,
    migration_works_where_triggers_are_forbidden,
    triggers_record_changes_in_another_schema,
);

/// Reports all recorded changes as a serving process does.
async fn report(store: &Store) -> Reported {
    let changes = store.row_changes().pending(0, 1_000).await.unwrap();
    let mut accounts = BTreeSet::new();
    for change in &changes {
        if let ChangedRow::Account { key, .. } = &change.subject {
            accounts.insert((&key.provider, &key.account));
        }
    }
    let current = store.row_changes().current(&accounts).await.unwrap();
    let rows: Vec<_> = current.iter().map(external).collect();
    store
        .row_changes()
        .report(&changes, &rows, &trace("reported"), at(5))
        .await
        .unwrap()
}

fn external(connection: &Connection) -> ExternalRow<'_> {
    ExternalRow {
        connection,
        next_refresh_at: Some(at(100)),
        next_status_at: None,
        digest: digest(&connection.tokens),
    }
}

/// Returns the kinds of events about the user's accounts, as `kind account`, and those about the
/// user.
async fn events(store: &Store, user: UserId) -> Vec<String> {
    let events = store.events().of_user(user, 0, 100).await.unwrap();
    let describe = |event: &evergrant_store::Event| {
        let kind = event.kind.unwrap();
        event.account.as_ref().map_or_else(
            || kind.as_str().to_owned(),
            |account| format!("{kind} {account}", kind = kind.as_str()),
        )
    };
    let versions: Vec<_> = events.iter().map(|event| event.version).collect();
    let count = i64::try_from(events.len()).unwrap();
    assert_eq!(versions, (1..=count).collect::<Vec<_>>());
    events.iter().map(describe).collect()
}

async fn pending(store: &Store) -> usize {
    store.row_changes().pending(0, 1_000).await.unwrap().len()
}

async fn own_writes_record_no_change(database: TestDatabase) {
    let store = database.store().await;
    assert!(store.records_row_changes().await.unwrap());
    let connection = connect(&store, "reddit", "juniper").await;
    RefreshedTokens::new("refreshed by Evergrant, longer than the prefix", None)
        .store(&store, &connection)
        .await;
    let other = connect(&store, "reddit", "kiln").await;
    assert!(delete_connection(&store, &connection).await);
    assert!(delete_user(&store, other.user).await);
    assert_eq!(pending(&store).await, 0);
    database.execute("DELETE FROM users").await;
    assert!(
        pending(&store).await > 0,
        "the mark ends with the transaction"
    );
}

async fn inserted_account_is_reported_as_connected(database: TestDatabase) {
    let store = database.store().await;
    let user = new_user(&store).await;
    insert_external_row(&database, user).await;
    assert_eq!(report(&store).await.imported.len(), 1);
    assert_eq!(events(&store, user).await, ["connected juniper"]);
    assert_eq!(pending(&store).await, 0);
}

async fn replaced_token_is_reported_as_refreshed(database: TestDatabase) {
    let store = database.store().await;
    for column in ["access_token", "refresh_token"] {
        let connection = connect(&store, "reddit", column).await;
        let update = format!(
            "UPDATE oauth_accounts SET {column} = 'of another program' WHERE id = {}",
            connection.id.get()
        );
        database.execute(&update).await;
        assert_eq!(report(&store).await.imported, [connection.id]);
        let expected = [format!("connected {column}"), format!("refreshed {column}")];
        assert_eq!(events(&store, connection.user).await, expected);
    }
}

async fn changed_details_are_reported_without_new_generation(database: TestDatabase) {
    let store = database.store().await;
    let connection = connect(&store, "reddit", "juniper").await;
    for change in [
        "expires_at = NULL",
        "scope = 'other'",
        "metadata = NULL",
        "token_type = 'x'",
    ] {
        let update = format!("UPDATE oauth_accounts SET {change}");
        database.execute(&update).await;
        assert_eq!(report(&store).await.imported, []);
    }
    let kinds = events(&store, connection.user).await;
    assert_eq!(kinds[0], "connected juniper");
    assert_eq!(kinds[1..], ["refreshed juniper"; 4]);
    let stored = store
        .connections()
        .by_id(connection.id)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(stored.lease, connection.lease);
    assert_eq!(stored.next_refresh_at, Some(at(100)));
}

async fn write_without_effect_records_no_change(database: TestDatabase) {
    let store = database.store().await;
    connect(&store, "reddit", "juniper").await;
    database
        .execute(
            "UPDATE oauth_accounts SET metadata = metadata, access_token = access_token;
            UPDATE oauth_accounts SET scope = 'other' WHERE id = 999;
            UPDATE users SET id = id, name = 'Juniper';
            DELETE FROM users WHERE id = 999",
        )
        .await;
    assert_eq!(pending(&store).await, 0);
}

async fn deleted_accounts_are_each_reported(database: TestDatabase) {
    let store = database.store().await;
    let user = new_user(&store).await;
    for name in ["juniper", "kiln", "wren"] {
        Consent::of(user, "reddit", name).store(&store).await;
    }
    database
        .execute("DELETE FROM oauth_accounts WHERE provider_account_id <> 'wren'")
        .await;
    assert_eq!(report(&store).await.removed.len(), 2);
    let events = events(&store, user).await;
    assert_eq!(events[3..], ["disconnected juniper", "disconnected kiln"]);
    assert_eq!(version(&store, user).await, 5);
}

async fn moved_account_is_reported_to_both_owners(database: TestDatabase) {
    let store = database.store().await;
    let connection = connect(&store, "reddit", "juniper").await;
    let (old, new) = (connection.user, new_user(&store).await);
    let update = format!("UPDATE oauth_accounts SET user_id = {}", new.get());
    database.execute(&update).await;
    let reported = report(&store).await;
    assert_eq!(reported.imported, [connection.id]);
    assert_eq!(reported.removed, [ConnectionKey::from(&connection)]);
    let of_old = events(&store, old).await;
    assert_eq!(of_old, ["connected juniper", "disconnected juniper"]);
    assert_eq!(events(&store, new).await, ["connected juniper"]);
    let stored = store
        .connections()
        .by_id(connection.id)
        .await
        .unwrap()
        .unwrap();
    assert!(!stored.is_external);
    assert_eq!(stored.lease, connection.lease, "the grant is the same");
}

async fn renamed_account_is_reported_under_both_names(database: TestDatabase) {
    let store = database.store().await;
    let connection = connect(&store, "reddit", "juniper").await;
    database
        .execute("UPDATE oauth_accounts SET provider_account_id = 'kiln'")
        .await;
    report(&store).await;
    assert_eq!(
        events(&store, connection.user).await,
        [
            "connected juniper",
            "disconnected juniper",
            "connected kiln"
        ]
    );
}

async fn deleted_user_is_reported(database: TestDatabase) {
    let store = database.store().await;
    let connection = connect(&store, "reddit", "juniper").await;
    let without_account = new_user(&store).await;
    database.execute("DELETE FROM users").await;
    report(&store).await;
    assert_eq!(
        events(&store, connection.user).await,
        ["connected juniper", "disconnected", "disconnected juniper"]
    );
    assert_eq!(events(&store, without_account).await, ["disconnected"]);
    assert_eq!(report(&store).await, Reported::default());
}

async fn changed_user_id_is_reported_for_both_ids(database: TestDatabase) {
    let store = database.store().await;
    let connection = connect(&store, "reddit", "juniper").await;
    database.execute("UPDATE users SET id = 77").await;
    report(&store).await;
    assert_eq!(
        events(&store, connection.user).await,
        ["connected juniper", "disconnected", "disconnected juniper"]
    );
    let new = UserId::try_from(77).unwrap();
    let of_new = store.events().of_user(new, 0, 100).await.unwrap();
    assert_eq!(of_new.len(), 1);
    assert_eq!(of_new[0].kind, Some(EventKind::Connected));
    assert_eq!(of_new[0].version, version(&store, new).await);
}

async fn change_is_reported_by_one_of_two_replicas(database: TestDatabase) {
    let (store, other) = (database.store().await, database.store().await);
    let user = new_user(&store).await;
    insert_external_row(&database, user).await;
    let (one, two) = tokio::join!(report(&store), report(&other));
    assert_eq!(one.imported.len() + two.imported.len(), 1);
    assert_eq!(events(&store, user).await, ["connected juniper"]);
}

/// A read imports the moved row before its recorded change is reported.
async fn change_before_read_triggered_import_is_reported_once(database: TestDatabase) {
    let store = database.store().await;
    let connection = connect(&store, "reddit", "juniper").await;
    let (old, new) = (connection.user, new_user(&store).await);
    let update = format!("UPDATE oauth_accounts SET user_id = {}", new.get());
    database.execute(&update).await;
    let found = store.external_rows().of_users(&[new]).await.unwrap();
    let rows = [external(&found[0])];
    let imported = store
        .external_rows()
        .import_batch(&rows, &trace("read"), at(4))
        .await;
    assert_eq!(imported.unwrap(), [connection.id]);
    let reported = report(&store).await;
    assert_eq!((reported.imported, reported.removed), (vec![], vec![]));
    let of_old = events(&store, old).await;
    assert_eq!(of_old, ["connected juniper", "disconnected juniper"]);
    assert_eq!(events(&store, new).await, ["connected juniper"]);
}

async fn truncation_changes_every_version(database: TestDatabase) {
    let store = database.store().await;
    let user = connect(&store, "reddit", "juniper").await.user;
    let before = version(&store, user).await;
    database.execute("TRUNCATE oauth_accounts CASCADE").await;
    report(&store).await;
    assert_eq!(version(&store, user).await, before + 1);
    let events = store.events().after(0, 100).await.unwrap();
    let last = events.last().unwrap();
    assert_eq!((last.user, last.kind), (None, Some(EventKind::Reset)));
    database.execute("TRUNCATE users CASCADE").await;
    assert!(pending(&store).await > 0);
}

async fn rolled_back_change_is_not_recorded(database: TestDatabase) {
    let store = database.store().await;
    connect(&store, "reddit", "juniper").await;
    database.execute("BEGIN; DELETE FROM users; ROLLBACK").await;
    assert_eq!(pending(&store).await, 0);
}

async fn change_sends_notification(database: TestDatabase) {
    let store = database.store().await;
    connect(&store, "reddit", "juniper").await;
    let mut listener = store.listen("observer").await.unwrap().unwrap();
    for change in [
        "UPDATE oauth_accounts SET scope = 'other'",
        "DELETE FROM users",
        "TRUNCATE users CASCADE",
    ] {
        database.execute(change).await;
        listener.notified().await.unwrap();
    }
}

async fn failing_trigger_does_not_fail_the_statement(database: TestDatabase) {
    let store = database.store().await;
    connect(&store, "reddit", "juniper").await;
    database
        .execute("ALTER TABLE evergrant_row_changes RENAME TO gone")
        .await;
    let user = new_user(&store).await;
    insert_external_row_of(&database, user).await;
    database
        .execute("UPDATE oauth_accounts SET scope = 'other'; UPDATE users SET id = id + 100")
        .await;
    database
        .execute("DELETE FROM users WHERE id > 101; TRUNCATE users CASCADE")
        .await;
    let left = database.texts("SELECT id::text FROM gone").await;
    assert!(left.is_empty());
}

async fn insert_external_row_of(database: &TestDatabase, user: UserId) {
    let insert = format!(
        "INSERT INTO oauth_accounts (user_id, provider, provider_account_id)
        VALUES ({}, 'reddit', 'added')",
        user.get()
    );
    database.execute(&insert).await;
}

/// The application's role may write the two shared tables and nothing else.
async fn application_without_rights_on_own_tables_can_write(database: TestDatabase) {
    let store = database.store().await;
    connect(&store, "reddit", "juniper").await;
    let role = format!("app_{}", std::process::id());
    database
        .execute(&format!(
            "CREATE ROLE {role};
            GRANT SELECT, INSERT, UPDATE, DELETE ON users, oauth_accounts TO {role};
            SET ROLE {role};
            CREATE TEMP TABLE evergrant_row_changes (user_id integer);
            UPDATE oauth_accounts SET scope = 'other';
            DELETE FROM users"
        ))
        .await;
    assert_eq!(pending(&store).await, 3);
    database
        .execute(&format!("DROP OWNED BY {role}; DROP ROLE {role}"))
        .await;
}

async fn migration_works_where_triggers_are_forbidden(database: TestDatabase) {
    let database = database.without_schema().await;
    database
        .execute(
            "CREATE FUNCTION forbid() RETURNS event_trigger LANGUAGE plpgsql AS
                $$ BEGIN RAISE EXCEPTION 'no triggers here'; END $$;
            CREATE EVENT TRIGGER no_triggers ON ddl_command_start WHEN TAG IN ('CREATE TRIGGER')
                EXECUTE FUNCTION forbid()",
        )
        .await;
    let store = database.store().await;
    assert!(!store.records_row_changes().await.unwrap());
    connect(&store, "reddit", "juniper").await;
    database.execute("DROP EVENT TRIGGER no_triggers").await;
    store.migrate().await.unwrap();
    assert!(store.records_row_changes().await.unwrap());
}

async fn triggers_record_changes_in_another_schema(database: TestDatabase) {
    let database = database.without_schema().await;
    database.execute("CREATE SCHEMA \"the app\"").await;
    let set_path = "ALTER DATABASE %I SET search_path TO \"the app\"";
    database
        .execute(&format!(
            "DO $$ BEGIN EXECUTE format('{set_path}', current_database()); END $$"
        ))
        .await;
    let store = database.store().await;
    assert!(store.records_row_changes().await.unwrap());
    connect(&store, "reddit", "juniper").await;
    database
        .execute("SET search_path TO pg_catalog; DELETE FROM \"the app\".users")
        .await;
    assert_eq!(pending(&store).await, 2);
}
