//! Tables that are refused: all faults are reported at once, with the statements that correct them.

use evergrant_store::{Store, StoreError};
use evergrant_testkit::{TestDatabase, on_postgres, on_sqlite};

use super::tables_with;

on_postgres!(
    bigint_ids_are_refused_until_they_are_integers,
    ids_that_are_not_numbers_are_refused,
    missing_columns_are_named_with_other_faults,
    every_fault_of_a_table_is_reported_at_once,
    columns_of_another_program_are_refused_with_their_names,
    views_and_tables_of_another_schema_are_refused,
    missing_schema_is_refused,
    printed_statements_correct_times_in_numbers,
    printed_statements_correct_deferrable_constraints,
    printed_statements_correct_numeric_ids,
    printed_statements_generate_ids_above_existing_ones,
    missing_rights_and_row_level_security_are_refused,
);
on_sqlite!(sqlite_tables_with_other_columns_are_refused);

/// Returns the faults with which the database is refused, as `message | fix`, and checks that
/// nothing was changed.
async fn faults(database: &TestDatabase, url: &str) -> Vec<String> {
    let before = database.contents().await;
    let listed = Store::pending_migrations_at(url, None).await.map(drop);
    let opened = Store::open(url).await.map(drop);
    let (Err(StoreError::SharedTables(listed)), Err(StoreError::SharedTables(opened))) =
        (listed, opened)
    else {
        panic!("the database is not refused");
    };
    assert_eq!(listed, opened);
    assert_eq!(database.contents().await, before);
    opened
        .into_iter()
        .map(|fault| format!("{} | {}", fault.message, fault.fix))
        .collect()
}

/// Executes the statements of a refusal, and checks that the database is then accepted.
async fn correct(database: &TestDatabase, faults: &[String]) {
    for fault in faults {
        let (_, fix) = fault.split_once(" | ").unwrap();
        database.execute(fix).await;
    }
    let store = Store::open(&database.url).await.unwrap();
    store.migrate().await.unwrap();
}

/// Creates the tables of the app in an empty database, and returns the faults.
async fn faults_of(database: TestDatabase, tables: &str) -> Vec<String> {
    let database = database.without_schema().await;
    database.execute(tables).await;
    faults(&database, &database.url.clone()).await
}

async fn bigint_ids_are_refused_until_they_are_integers(database: TestDatabase) {
    let database = database.without_schema().await;
    let tables =
        tables_with("id serial", "id bigserial").replace("user_id integer", "user_id bigint");
    database.execute(&tables).await;
    let found = faults(&database, &database.url).await;
    assert_eq!(
        found,
        [
            "the column users.id is bigint; it must be integer | ALTER TABLE users ALTER COLUMN id TYPE integer;",
            "the column oauth_accounts.id is bigint; it must be integer \
             | ALTER TABLE oauth_accounts ALTER COLUMN id TYPE integer;",
            "the column oauth_accounts.user_id is bigint; it must be integer \
             | ALTER TABLE oauth_accounts ALTER COLUMN user_id TYPE integer;",
        ]
    );
    correct(&database, &found).await;
}

async fn ids_that_are_not_numbers_are_refused(database: TestDatabase) {
    const OWN_SCHEMA: &str =
        "CREATE SCHEMA evergrant; -- and add ?schema=evergrant to DATABASE_URL";
    let database = database.without_schema().await;
    for (id, kind) in [
        ("uuid DEFAULT gen_random_uuid()", "uuid"),
        ("text", "text"),
        ("varchar(36)", "character varying(36)"),
    ] {
        let tables = tables_with(
            "id serial PRIMARY KEY, email",
            &format!("id {id} PRIMARY KEY, email"),
        );
        let tables = tables.replace("user_id integer", &format!("user_id {kind}"));
        database.execute(&tables).await;
        let found = faults(&database, &database.url).await;
        assert_eq!(
            found,
            ["users.id", "oauth_accounts.user_id"].map(|column| format!(
                "the column {column} is {kind}; it must be integer | {OWN_SCHEMA}"
            ))
        );
        database.execute("DROP TABLE oauth_accounts, users").await;
    }
}

async fn missing_columns_are_named_with_other_faults(database: TestDatabase) {
    let users = "CREATE TABLE users (id text PRIMARY KEY, email text UNIQUE, name text)";
    let found = faults_of(database, users).await;
    assert_eq!(found.len(), 2, "{found:#?}");
    assert!(
        found[0].contains(
            "are missing: created_at, updated_at | ALTER TABLE users ADD COLUMN created_at"
        ),
        "{found:#?}"
    );
    assert!(
        found[1].starts_with("the column users.id is text; it must be integer"),
        "{found:#?}"
    );
}

async fn every_fault_of_a_table_is_reported_at_once(database: TestDatabase) {
    let tables = "
        CREATE TABLE users (
            id integer PRIMARY KEY, email citext_like, name varchar(20), password_hash text NOT NULL,
            created_at date NOT NULL DEFAULT now(), updated_at bigint);
        CREATE TABLE oauth_accounts (
            id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY, user_id integer NOT NULL,
            provider varchar(10), provider_account_id varchar(255), access_token varchar(1000),
            refresh_token text NOT NULL, expires_at timestamp, token_type varchar(50), scope text, metadata json,
            created_at timestamp, updated_at timestamp);
        CREATE UNIQUE INDEX oauth_accounts_provider_provider_account_id_key ON oauth_accounts (provider);";
    let tables = format!("CREATE TYPE citext_like AS ENUM ('a');{tables}");
    let found = faults_of(database, &tables).await;
    for expected in [
        "the column users.id has no default",
        "the column users.email is citext_like; it must be varchar(255)",
        "the column users.name is character varying(20); it must be varchar(255)",
        "the column users.created_at is date; it must be timestamp(6)",
        "the column users.updated_at is bigint; it must be timestamp(6)",
        "the column users.password_hash is unknown to Evergrant, NOT NULL",
        "the column oauth_accounts.id is GENERATED ALWAYS",
        "the column oauth_accounts.provider is character varying(10); it must be varchar(50)",
        "the column oauth_accounts.access_token is character varying(1000); it must be text",
        "the column oauth_accounts.refresh_token is NOT NULL",
        "the column oauth_accounts.metadata is json; it must be jsonb",
        "the index oauth_accounts_provider_provider_account_id_key is not a unique index",
        "the column oauth_accounts.user_id has no foreign key",
    ] {
        assert_eq!(
            found
                .iter()
                .filter(|fault| fault.starts_with(expected))
                .count(),
            1,
            "{expected}: {found:#?}"
        );
    }
    assert_eq!(found.len(), 13, "{found:#?}");
}

async fn columns_of_another_program_are_refused_with_their_names(database: TestDatabase) {
    const TABLES: &str = "
        CREATE TABLE users (id serial PRIMARY KEY, email varchar(255) UNIQUE NOT NULL, name varchar(255));
        CREATE TABLE oauth_accounts (
            id serial PRIMARY KEY, user_id integer NOT NULL REFERENCES users (id) ON DELETE CASCADE,
            provider varchar(50) NOT NULL, open_id varchar(255) NOT NULL, scope text NOT NULL,
            access_token_encrypted text NOT NULL, refresh_token_encrypted text, expires_at timestamp NOT NULL,
            metadata jsonb, UNIQUE (user_id, provider, open_id));";
    let database = database.without_schema().await;
    database.execute(TABLES).await;
    let found = faults(&database, &database.url).await;
    let all = found.join("\n");
    for expected in [
        "the table users exists with other columns; these are missing: created_at, updated_at",
        "the table oauth_accounts exists with other columns; these are missing: provider_account_id, access_token, \
         refresh_token, token_type, created_at, updated_at",
        "the column oauth_accounts.open_id is unknown to Evergrant, NOT NULL and without a default",
        "the column oauth_accounts.access_token_encrypted is unknown to Evergrant, NOT NULL and without a default",
        "the column oauth_accounts.scope is NOT NULL",
        "the column oauth_accounts.expires_at is NOT NULL",
    ] {
        assert!(all.contains(expected), "{expected}: {all}");
    }
    correct(&database, &found).await;
}

async fn views_and_tables_of_another_schema_are_refused(database: TestDatabase) {
    let database = database.without_schema().await;
    let tables = tables_with("CREATE TABLE users", "CREATE TABLE people")
        .replace("users (id)", "people (id)");
    database.execute(&tables).await;
    database
        .execute("CREATE VIEW users AS SELECT * FROM people")
        .await;
    let found = faults(&database, &database.url).await.join("\n");
    assert!(
        found.contains("users is not a table; it must be a table | CREATE SCHEMA evergrant;"),
        "{found}"
    );
    assert!(
        found.contains("oauth_accounts.user_id references people in another way"),
        "{found}"
    );
    database
        .execute("DROP VIEW users; ALTER TABLE people RENAME TO users; CREATE SCHEMA app")
        .await;
    let url = format!("{}?options=-c%20search_path%3Dapp,public", database.url);
    let found = faults(&database, &url).await;
    assert_eq!(found.len(), 2, "{found:#?}");
    assert!(
        found[0].contains("is in the schema public, but new tables are created in the schema app"),
        "{found:#?}"
    );
}

async fn missing_schema_is_refused(database: TestDatabase) {
    let url = format!("{}?schema=My%20App", database.url);
    let found = faults(&database, &url).await;
    assert_eq!(
        found,
        ["the schema \"My App\" does not exist | CREATE SCHEMA \"My App\";"]
    );
}

async fn sqlite_tables_with_other_columns_are_refused(database: TestDatabase) {
    let path = database.url.strip_prefix("sqlite://").unwrap().to_owned();
    std::fs::write(&path, "").unwrap();
    let tables = "
        CREATE TABLE users (id TEXT PRIMARY KEY, email TEXT, name TEXT, external_id TEXT,
            created_at TEXT, updated_at INTEGER);
        CREATE TABLE oauth_accounts (id INTEGER PRIMARY KEY, user_id INTEGER NOT NULL REFERENCES users (id),
            provider TEXT, open_id TEXT NOT NULL, access_token BLOB, refresh_token TEXT, expires_at DATETIME,
            token_type TEXT, scope TEXT, metadata JSONB, created_at BIGINT, updated_at TIMESTAMP)";
    let before = std::fs::read(&path).unwrap();
    assert!(before.is_empty());
    let found = faults_of(database, tables).await.join("\n");
    for expected in [
        "the column users.id is TEXT; it must be INTEGER PRIMARY KEY",
        "the column users.created_at is TEXT; it must be INTEGER",
        "these are missing: provider_account_id, token_binding | ALTER TABLE oauth_accounts ADD COLUMN \
         provider_account_id TEXT; ALTER TABLE oauth_accounts ADD COLUMN token_binding TEXT;",
        "the column oauth_accounts.access_token is BLOB; it must be TEXT",
        "the column oauth_accounts.open_id is unknown to Evergrant, NOT NULL",
        "the column oauth_accounts.user_id references users in another way",
    ] {
        assert!(found.contains(expected), "{expected}: {found}");
    }
    assert_eq!(found.lines().count(), 6, "{found}");
}

async fn missing_rights_and_row_level_security_are_refused(database: TestDatabase) {
    let database = database.without_schema().await;
    let user = database.url.rsplit('/').next().unwrap().to_owned();
    database.execute(&tables_with("", "")).await;
    database
        .execute(&format!(
            "ALTER TABLE oauth_accounts ENABLE ROW LEVEL SECURITY; CREATE ROLE {user} LOGIN;
            GRANT USAGE ON SCHEMA public TO {user}"
        ))
        .await;
    let url = database.url.replace("postgres@", &format!("{user}@"));
    let found = faults(&database, &url).await;
    let expected = [
        "the database user {} lacks the right to DELETE, INSERT, SELECT, UPDATE on the table oauth_accounts \
         | GRANT DELETE, INSERT, SELECT, UPDATE ON oauth_accounts TO {};",
        "the database user {} lacks the right to use the sequence public.oauth_accounts_id_seq \
         | GRANT USAGE ON SEQUENCE public.oauth_accounts_id_seq TO {};",
        "row-level security hides rows of the table oauth_accounts from the user {} | ALTER ROLE {} BYPASSRLS;",
        "the database user {} lacks the right to SELECT, UPDATE on the table users \
         | GRANT SELECT, UPDATE ON users TO {};",
    ];
    assert_eq!(found, expected.map(|fault| fault.replace("{}", &user)));
    for fault in &found {
        let (_, fix) = fault.split_once(" | ").unwrap();
        database.execute(fix).await;
    }
    Store::pending_migrations_at(&url, None).await.unwrap();
}

/// Creates the tables with a user and an account, and executes the printed statements until the
/// database is accepted.
async fn correct_with_rows(database: TestDatabase, tables: &str) -> TestDatabase {
    let database = database.without_schema().await;
    let rows = format!(
        "{tables}; INSERT INTO users (id, email) VALUES (1, 'a');
        INSERT INTO oauth_accounts (id, user_id, provider, provider_account_id)
        VALUES (1, 1, 'reddit', 'juniper')"
    );
    database.execute(&rows).await;
    for _ in 0..2 {
        let opened = Store::open(&database.url).await;
        let Err(StoreError::SharedTables(faults)) = opened else {
            break;
        };
        for fault in faults {
            database.execute(&fault.fix).await;
        }
    }
    let store = Store::open(&database.url).await.unwrap();
    store.migrate().await.unwrap();
    database
}

/// Creates another user, whose id the database generates.
async fn assert_generates_ids(database: &TestDatabase) {
    let insert = "INSERT INTO users (email) VALUES ('b')";
    database.execute(insert).await;
    let ids = "SELECT id::text FROM users ORDER BY id";
    assert_eq!(database.texts(ids).await, ["1", "2"]);
}

async fn printed_statements_correct_times_in_numbers(database: TestDatabase) {
    let tables = tables_with("expires_at timestamp(6)", "expires_at bigint");
    for (found, number) in [("seconds", "1767225600"), ("milliseconds", "1767225600000")] {
        let schema = format!("CREATE SCHEMA {found}; SET search_path = {found};");
        database.execute(&format!("{schema}{tables}")).await;
        let url = format!("{}?schema={found}", database.url);
        let Err(StoreError::SharedTables(faults)) = Store::open(&url).await else {
            panic!("the database is not refused");
        };
        let row =
            "INSERT INTO users (id) VALUES (1); INSERT INTO oauth_accounts (user_id, provider,
            provider_account_id, expires_at) VALUES (1, 'reddit', 'juniper',";
        let fix = &faults[0].fix;
        let converted = format!("SET search_path = {found}; {row} {number}); {fix}");
        database.execute(&converted).await;
        let query = format!("SELECT expires_at::text FROM {found}.oauth_accounts");
        assert_eq!(database.texts(&query).await, ["2026-01-01 00:00:00"]);
    }
}

async fn printed_statements_correct_deferrable_constraints(database: TestDatabase) {
    let unique = "updated_at timestamp(6) NOT NULL DEFAULT now(),
        UNIQUE (provider, provider_account_id) DEFERRABLE);";
    let tables = tables_with("", "");
    let (start, _) = tables.rsplit_once("updated_at").unwrap();
    correct_with_rows(database, &format!("{start}{unique}")).await;
}

async fn printed_statements_correct_numeric_ids(database: TestDatabase) {
    let tables = tables_with("id serial", "id numeric");
    let tables = tables.replace("user_id integer", "user_id numeric");
    let database = correct_with_rows(database, &tables).await;
    assert_generates_ids(&database).await;
}

async fn printed_statements_generate_ids_above_existing_ones(database: TestDatabase) {
    let tables = tables_with("id serial", "id ids").replace("user_id integer", "user_id ids");
    let tables = format!("CREATE DOMAIN ids AS integer; {tables}");
    let database = correct_with_rows(database, &tables).await;
    assert_generates_ids(&database).await;
}
