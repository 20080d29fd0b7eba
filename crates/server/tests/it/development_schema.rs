//! Tests that a database with the schema of a development version, from before the first release,
//! is rejected with one message and not changed.

use std::path::Path;

use evergrant_testkit::{TestDatabase, on_both_databases, on_sqlite};

use crate::program::{Folder, KEY, run};

on_both_databases!(commands_reject_development_schema);
on_sqlite!(dev_rejects_development_schema_in_data_folder);

const MESSAGE: &str =
    "this database has the schema of a development version from before the first release";
const HELP: &str = "create a new database, or drop the evergrant_* tables and run `evergrant migrate`: this \
    deletes flows, API keys and sessions; users, and the connections' tokens in oauth_accounts, are kept";

/// Creates the table in which sqlx recorded the migrations of a development version.
async fn create_development_schema(database: &TestDatabase) {
    let bytes = if database.is_postgres() {
        "bytea"
    } else {
        std::fs::File::create_new(file(database)).unwrap();
        "blob"
    };
    let schema = format!(
        "CREATE TABLE evergrant_migrations (version bigint PRIMARY KEY, description text NOT NULL,
            installed_on timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP, success boolean NOT NULL,
            checksum {bytes} NOT NULL, execution_time bigint NOT NULL);
        INSERT INTO evergrant_migrations (version, description, success, checksum, execution_time)
            VALUES (1, 'first', TRUE, '1', 1), (2, 'renewal', TRUE, '2', 1), (3, 'console', TRUE, '3', 1);
        CREATE TABLE evergrant_gates (provider text NOT NULL);
        INSERT INTO evergrant_gates VALUES ('reddit')"
    );
    database.execute(&schema).await;
}

/// Returns the path of a SQLite database.
fn file(database: &TestDatabase) -> &Path {
    Path::new(database.url.strip_prefix("sqlite://").unwrap())
}

/// Runs a command that must fail, and returns its standard error.
fn rejected(args: &[&str], env: &[(&str, &str)]) -> String {
    let finished = run(args, env, "");
    assert_eq!(
        (finished.status.code(), finished.stdout.as_str()),
        (Some(1), ""),
        "{args:?}: {}",
        finished.stderr
    );
    finished.stderr
}

async fn commands_reject_development_schema(database: TestDatabase) {
    let database = database.without_schema().await;
    create_development_schema(&database).await;
    let before = database.contents().await;
    let folder = Folder::new();
    let data = folder.path().to_str().unwrap();
    let env = [
        ("DATABASE_URL", database.url.as_str()),
        ("TOKEN_ENCRYPTION_KEY", KEY),
        ("EVERGRANT_LISTEN", "127.0.0.1:0"),
        ("EVERGRANT_ADMIN_LISTEN", "127.0.0.1:0"),
        ("EVERGRANT_SANDBOX_LISTEN", "127.0.0.1:0"),
    ];
    for args in [
        &["migrate"][..],
        &["migrate", "--check"],
        &["serve"],
        &["dev", "--data", data, "--listen", "127.0.0.1:0"],
        &["users", "show", "1"],
        &["keys", "status"],
    ] {
        assert_eq!(
            rejected(args, &env),
            format!("error: DATABASE_URL: {MESSAGE}\n  help: {HELP}\n"),
            "{args:?}"
        );
    }
    assert_eq!(database.contents().await, before);
}

async fn dev_rejects_development_schema_in_data_folder(database: TestDatabase) {
    create_development_schema(&database).await;
    let before = database.contents().await;
    let file = file(&database);
    let folder = file.parent().unwrap().to_str().unwrap();
    let env = [
        ("EVERGRANT_SANDBOX_LISTEN", "127.0.0.1:0"),
        ("EVERGRANT_ADMIN_LISTEN", "127.0.0.1:0"),
    ];
    let args = ["dev", "--data", folder, "--listen", "127.0.0.1:0"];
    assert_eq!(
        rejected(&args, &env),
        format!(
            "error: {}: {MESSAGE}\n  help: delete the folder {folder}, or choose another one with --data DIR\n",
            file.display()
        )
    );
    assert_eq!(database.contents().await, before);
}
