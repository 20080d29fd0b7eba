//! The program with a database that does not fit.

use evergrant_testkit::{TestDatabase, on_postgres};

use crate::program::{KEY, run};

on_postgres!(tables_with_other_columns_are_refused_by_every_command);

/// Commands that open the database, each in its own way.
const COMMANDS: [&[&str]; 8] = [
    &["migrate"],
    &["migrate", "--check"],
    &["serve"],
    &["dev"],
    &["api-key", "create", "--name", "app"],
    &["users", "list"],
    &["connections", "list"],
    &["keys", "status"],
];

const REFUSAL: &str = "\
error: DATABASE_URL: Evergrant cannot share the tables of this database; nothing was changed
  help: correct them as follows, or give Evergrant a schema or a database of its own and pass the app's user ids as externalId
error: the table users exists with other columns; these are missing: created_at, updated_at
  help: ALTER TABLE users ADD COLUMN created_at timestamp(6) NOT NULL DEFAULT (now() AT TIME ZONE 'utc'), ADD COLUMN \
updated_at timestamp(6) NOT NULL DEFAULT (now() AT TIME ZONE 'utc');
error: the column users.id is text; it must be integer
  help: CREATE SCHEMA evergrant; -- and add ?schema=evergrant to DATABASE_URL
";

async fn tables_with_other_columns_are_refused_by_every_command(database: TestDatabase) {
    let database = database.without_schema().await;
    database
        .execute("CREATE TABLE users (id text PRIMARY KEY, email text UNIQUE, name text)")
        .await;
    let before = database.contents().await;
    for args in COMMANDS {
        let env = [
            ("DATABASE_URL", database.url.as_str()),
            ("TOKEN_ENCRYPTION_KEY", KEY),
            ("EVERGRANT_LISTEN", "127.0.0.1:0"),
            ("EVERGRANT_ADMIN_LISTEN", "127.0.0.1:0"),
            ("EVERGRANT_SANDBOX_LISTEN", "127.0.0.1:0"),
        ];
        let finished = run(args, &env, "");
        assert_eq!(
            (finished.status.code(), finished.stdout.as_str()),
            (Some(1), ""),
            "{args:?}: {}",
            finished.stderr
        );
        assert!(
            finished.stderr.contains(REFUSAL),
            "{args:?}: {}",
            finished.stderr
        );
    }
    assert_eq!(database.contents().await, before);
}
