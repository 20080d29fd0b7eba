//! The program with a database that does not fit: refusals of the tables of the app, and what the
//! log says about a query that the database rejects.

use evergrant_testkit::{TestDatabase, on_postgres};
use serde_json::{Value, json};

use crate::client::App;
use crate::program::{KEY, Program, run};

on_postgres!(
    tables_with_other_columns_are_refused_by_every_command,
    rejected_query_is_an_internal_error_with_its_cause_in_the_log,
    refused_sessions_are_an_outage_with_their_cause_in_the_log,
);

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

/// Returns the line of the log with this correlation id and level ERROR.
fn logged_error(program: &Program, correlation_id: &str) -> Value {
    program.wait_for(correlation_id);
    let output = program.output();
    let lines = output
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let mut errors = lines.filter(|line| {
        line["level"] == "ERROR" && line["fields"]["correlation_id"] == correlation_id
    });
    errors
        .next()
        .unwrap_or_else(|| panic!("no line about {correlation_id}: {output}"))
}

/// Creates a user, which must fail with an internal error that is not retryable. Returns the log's
/// line about it.
async fn failed_creation(program: &Program, app: &App) -> Value {
    let refused = app
        .post(1, "/api/users", json!({ "name": "row data" }))
        .await;
    assert_eq!(refused.code(500), "INTERNAL_ERROR");
    assert_eq!(refused.body["retryable"], false);
    logged_error(program, refused.body["correlationId"].as_str().unwrap())
}

async fn rejected_query_is_an_internal_error_with_its_cause_in_the_log(database: TestDatabase) {
    let program = Program::serve(&[("DATABASE_URL", &database.url), ("EVERGRANT_LOG", "json")]);
    let app = App::new(program.url(), program.api_key());
    database
        .execute(
            "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
                $$ BEGIN RAISE EXCEPTION 'users are read-only'; END $$;
            CREATE TRIGGER refuse BEFORE INSERT ON users FOR EACH ROW EXECUTE FUNCTION refuse()",
        )
        .await;
    let line = failed_creation(&program, &app).await;
    let error = line["fields"]["error"].as_str().unwrap();
    assert!(
        error.contains("database query failed: users are read-only (SQLSTATE P0001"),
        "{line}"
    );
    database
        .execute("DROP TRIGGER refuse ON users; ALTER TABLE users ADD CHECK (name <> 'row data')")
        .await;
    let line = failed_creation(&program, &app).await;
    assert!(
        line.to_string().contains("constraint users_name_check"),
        "{line}"
    );
    assert!(
        !program.output().contains("row data"),
        "{}",
        program.output()
    );
}

/// The database user may have one session, and later none: its limit, and that of the database, are
/// not those of the server.
async fn refused_sessions_are_an_outage_with_their_cause_in_the_log(database: TestDatabase) {
    let (other, name) = (
        TestDatabase::postgres().await,
        database.url.rsplit('/').next().unwrap(),
    );
    let user = format!("few_{name}");
    database
        .execute(&format!(
            "CREATE ROLE {user} LOGIN;
            GRANT ALL ON ALL TABLES IN SCHEMA public TO {user};
            GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO {user}"
        ))
        .await;
    let url = database.url.replace("postgres@", &format!("{user}@"));
    let program = Program::serve(&[("DATABASE_URL", &url), ("EVERGRANT_LOG", "json")]);
    let app = App::new(program.url(), program.api_key());
    let end =
        format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '{user}'");
    other
        .execute(&format!("ALTER ROLE {user} CONNECTION LIMIT 1; {end}"))
        .await;
    program.wait_for("too many connections for role");
    let close = format!("ALTER DATABASE {name} WITH ALLOW_CONNECTIONS false");
    other.execute(&close).await;
    other.execute(&end).await;
    program.wait_for("the server accepts no connections to the database");
    let refused = app.post(1, "/api/users", json!({})).await;
    assert_eq!(refused.code(503), "DATABASE_ERROR");
}
