//! A separate database for each test, removed when the test ends.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use evergrant_store::Store;
use sqlx::{AssertSqlSafe, Connection, PgConnection, Row, SqliteConnection};
use tokio::sync::OnceCell;

/// Environment variable with the URL of the PostgreSQL server, set by `scripts/with-postgres`.
pub(crate) const SERVER_VARIABLE: &str = "EVERGRANT_TEST_POSTGRES";

/// The maximum duration of a read in a test.
const READ_TIMEOUT: Duration = Duration::from_secs(30);

static NEXT: AtomicU32 = AtomicU32::new(0);
static TEMPLATE: OnceCell<String> = OnceCell::const_new();

/// Runs `$query` on a new connection to the database at `$url`, SQLite or PostgreSQL.
macro_rules! with_connection {
    ($url:expr, |$connection:ident| $query:expr) => {
        if $url.starts_with("sqlite") {
            let mut $connection = SqliteConnection::connect($url).await.unwrap();
            let answer = $query.await.unwrap_or_else(|error| panic!("{error}"));
            $connection.close().await.unwrap();
            answer
        } else {
            let mut $connection = PgConnection::connect($url).await.unwrap();
            let answer = $query.await.unwrap_or_else(|error| panic!("{error}"));
            $connection.close().await.unwrap();
            answer
        }
    };
}

/// An open transaction of another program.
pub struct OpenTransaction(Session);

/// A connection to a database of either kind.
enum Session {
    Sqlite(SqliteConnection),
    Postgres(PgConnection),
}

impl OpenTransaction {
    /// Commits the transaction, which also releases its locks.
    pub async fn commit(self) {
        let commit = sqlx::raw_sql("COMMIT");
        match self.0 {
            Session::Sqlite(mut connection) => {
                commit.execute(&mut connection).await.unwrap();
                connection.close().await.unwrap();
            }
            Session::Postgres(mut connection) => {
                commit.execute(&mut connection).await.unwrap();
                connection.close().await.unwrap();
            }
        }
    }
}

/// An empty database with the current schema.
pub struct TestDatabase {
    /// The value for `DATABASE_URL`.
    pub url: String,
    folder: Option<PathBuf>,
}

impl TestDatabase {
    /// Creates a SQLite database in a new folder.
    #[must_use]
    pub fn sqlite() -> Self {
        let folder = std::env::temp_dir().join(format!("evergrant-test-{}", unique()));
        std::fs::create_dir_all(&folder).expect("the temporary folder can be created");
        Self {
            url: format!("sqlite://{}", folder.join("evergrant.db").display()),
            folder: Some(folder),
        }
    }

    /// Creates a database on the PostgreSQL server of this test run.
    pub async fn postgres() -> Self {
        let server = postgres_url();
        let template = TEMPLATE.get_or_init(|| make_template(&server)).await;
        let name = format!("test_{}", unique());
        let mut connection = PgConnection::connect(&server)
            .await
            .expect("the PostgreSQL server accepts connections");
        create(
            &mut connection,
            &format!("CREATE DATABASE {name} TEMPLATE {template}"),
        )
        .await;
        connection.close().await.unwrap();
        Self {
            url: with_database(&server, &name),
            folder: None,
        }
    }

    /// Refers to an existing PostgreSQL database.
    #[must_use]
    pub fn at(url: &str) -> Self {
        Self {
            url: url.to_owned(),
            folder: None,
        }
    }

    /// Opens a store and applies the migrations. Its reads may take as long as a busy machine
    /// needs.
    pub async fn store(&self) -> Store {
        let store = self.serving_store().await;
        store.with_read_timeout(READ_TIMEOUT)
    }

    /// Opens a store with the limits of a serving process and applies the migrations.
    pub async fn serving_store(&self) -> Store {
        let store = Store::open(&self.url)
            .await
            .expect("the test database opens");
        store
            .migrate()
            .await
            .expect("the migrations can be applied");
        store
    }

    /// Removes the schema, so that the database is as before the first migration.
    pub async fn without_schema(self) -> Self {
        if self.is_postgres() {
            self.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
                .await;
        }
        self
    }

    /// Runs statements without using the store, as another program would.
    pub async fn execute(&self, sql: &str) {
        with_connection!(&self.url, |connection| async {
            sqlx::raw_sql(AssertSqlSafe(sql))
                .execute(&mut connection)
                .await
                .map(drop)
        });
    }

    /// Runs statements in a PostgreSQL transaction of another program and keeps it open.
    pub async fn begin(&self, sql: &str) -> OpenTransaction {
        let mut connection = PgConnection::connect(&self.url).await.unwrap();
        sqlx::raw_sql(AssertSqlSafe(format!("BEGIN; {sql}")))
            .execute(&mut connection)
            .await
            .unwrap();
        OpenTransaction(Session::Postgres(connection))
    }

    /// Locks `oauth_accounts` against reads and writes in a transaction of another program. On
    /// SQLite, locks the database against writes.
    pub async fn lock_accounts(&self) -> OpenTransaction {
        if self.is_postgres() {
            let lock = "LOCK TABLE oauth_accounts IN ACCESS EXCLUSIVE MODE";
            return self.begin(lock).await;
        }
        let mut connection = SqliteConnection::connect(&self.url).await.unwrap();
        let lock = sqlx::raw_sql("BEGIN EXCLUSIVE");
        lock.execute(&mut connection).await.unwrap();
        OpenTransaction(Session::Sqlite(connection))
    }

    /// Returns when a query waits for a lock.
    pub async fn lock_is_waited_for(&self) {
        let waits = "SELECT 'x' FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
        while self.texts(waits).await.is_empty() {
            tokio::task::yield_now().await;
        }
    }

    /// Returns the first column of each row of a query. The column must be text.
    pub async fn texts(&self, sql: &str) -> Vec<String> {
        with_connection!(&self.url, |connection| sqlx::query_scalar::<_, String>(
            AssertSqlSafe(sql)
        )
        .fetch_all(&mut connection))
    }

    /// Returns the plan of a query as text lines.
    pub async fn query_plan(&self, sql: &str) -> String {
        if self.is_postgres() {
            return self.texts(&format!("EXPLAIN {sql}")).await.join("\n");
        }
        let mut connection = SqliteConnection::connect(&self.url).await.unwrap();
        let explained = AssertSqlSafe(format!("EXPLAIN QUERY PLAN {sql}"));
        let steps = sqlx::query(explained)
            .fetch_all(&mut connection)
            .await
            .unwrap_or_else(|error| panic!("{error}"));
        connection.close().await.unwrap();
        steps
            .iter()
            .map(|step| step.get::<String, _>("detail"))
            .collect::<Vec<_>>()
            .join("\n")
    }

    /// Returns the plan of a statement with its actual row counts as JSON. PostgreSQL only. The
    /// statement is executed and rolled back.
    pub async fn executed_plan(&self, sql: &str) -> sqlx::types::JsonValue {
        let mut connection = PgConnection::connect(&self.url).await.unwrap();
        let mut transaction = connection.begin().await.unwrap();
        let explained = AssertSqlSafe(format!("EXPLAIN (ANALYZE, FORMAT JSON) {sql}"));
        let plan = sqlx::query_scalar(explained)
            .fetch_one(&mut *transaction)
            .await;
        transaction.rollback().await.unwrap();
        connection.close().await.unwrap();
        plan.unwrap_or_else(|error| panic!("{error}"))
    }

    /// Returns the column names of a table in order.
    pub async fn columns(&self, table: &str) -> Vec<String> {
        let query = if self.is_postgres() {
            format!(
                "SELECT column_name::text FROM information_schema.columns
                WHERE table_schema = 'public' AND table_name = '{table}' ORDER BY ordinal_position"
            )
        } else {
            format!("SELECT name FROM pragma_table_info('{table}') ORDER BY cid")
        };
        self.texts(&query).await
    }

    /// Returns every row of every table as sorted text, to detect what an operation has written.
    pub async fn contents(&self) -> BTreeMap<String, Vec<String>> {
        let tables = if self.is_postgres() {
            "SELECT tablename::text FROM pg_tables WHERE schemaname = 'public'"
        } else {
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
        };
        let mut contents = BTreeMap::new();
        for table in self.texts(tables).await {
            let row = if self.is_postgres() {
                "to_jsonb(rows)::text".to_owned()
            } else {
                let columns = self.columns(&table).await;
                columns
                    .iter()
                    .map(|column| format!("'{column}=' || quote({column})"))
                    .collect::<Vec<_>>()
                    .join(" || ' ' || ")
            };
            let rows = self
                .texts(&format!("SELECT {row} FROM {table} AS rows ORDER BY 1"))
                .await;
            contents.insert(table, rows);
        }
        contents
    }

    /// Returns the URL of the same database through another address, such as a
    /// [`Wire`](crate::Wire).
    ///
    /// # Panics
    ///
    /// For SQLite, which has no server.
    #[must_use]
    pub fn url_through(&self, address: std::net::SocketAddr) -> String {
        let (before, rest) = self.url.split_once('@').expect("the URL contains a user");
        let (_, database) = rest.split_once('/').expect("the URL contains a database");
        format!("{before}@{address}/{database}")
    }

    /// Returns the address of the PostgreSQL server.
    ///
    /// # Panics
    ///
    /// For SQLite.
    #[must_use]
    pub fn server(&self) -> &str {
        let (_, rest) = self.url.split_once('@').expect("the URL contains a user");
        rest.split_once('/').expect("the URL contains a database").0
    }

    /// Returns whether the database is PostgreSQL.
    #[must_use]
    pub fn is_postgres(&self) -> bool {
        self.folder.is_none()
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        if let Some(folder) = &self.folder {
            // PostgreSQL databases are removed with the server; only SQLite files must be deleted.
            let _ = std::fs::remove_dir_all(folder);
        }
    }
}

/// Returns the URL of the PostgreSQL server of this test run.
///
/// # Panics
///
/// If no server was started.
#[must_use]
#[expect(
    clippy::disallowed_methods,
    reason = "the script that starts the server passes its URL in the environment"
)]
pub fn postgres_url() -> String {
    std::env::var(SERVER_VARIABLE).unwrap_or_else(|_| {
        panic!("{SERVER_VARIABLE} is not set: run the tests with `make test` or `scripts/with-postgres cargo test …`")
    })
}

fn unique() -> String {
    format!(
        "{}_{}",
        std::process::id(),
        NEXT.fetch_add(1, Ordering::SeqCst)
    )
}

fn with_database(server: &str, name: &str) -> String {
    let (address, _) = server
        .rsplit_once('/')
        .expect("the URL contains a database");
    format!("{address}/{name}")
}

async fn create(connection: &mut PgConnection, statement: &str) {
    sqlx::raw_sql(AssertSqlSafe(statement))
        .execute(connection)
        .await
        .expect("the database can be created");
}

/// Creates the empty template database with the schema that all test databases are copied from.
async fn make_template(server: &str) -> String {
    let name = format!("template_{}", unique());
    let mut connection = PgConnection::connect(server)
        .await
        .expect("the PostgreSQL server accepts connections");
    create(&mut connection, &format!("CREATE DATABASE {name}")).await;
    connection.close().await.unwrap();
    let store = Store::open(&with_database(server, &name)).await.unwrap();
    store.migrate().await.unwrap();
    store.close().await;
    name
}
