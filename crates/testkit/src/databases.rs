//! A database of its own for each test, gone when the test ends.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

use evergrant_store::Store;
use sqlx::{AssertSqlSafe, Connection, PgConnection, Row, SqliteConnection};
use tokio::sync::OnceCell;

/// The variable in which `scripts/with-postgres` names the server of this run.
const SERVER: &str = "EVERGRANT_TEST_POSTGRES";

static NEXT: AtomicU32 = AtomicU32::new(0);
static TEMPLATE: OnceCell<String> = OnceCell::const_new();

/// Runs `$query` on a connection of its own to the database at `$url`, whichever it is.
macro_rules! past_the_store {
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
pub struct OpenTransaction(PgConnection);

impl OpenTransaction {
    /// What it has changed is there for everybody, and what it has locked is free.
    pub async fn commit(mut self) {
        sqlx::raw_sql("COMMIT").execute(&mut self.0).await.unwrap();
        self.0.close().await.unwrap();
    }
}

/// An empty database with the current schema.
pub struct TestDatabase {
    /// What `DATABASE_URL` would say.
    pub url: String,
    folder: Option<PathBuf>,
}

impl TestDatabase {
    /// A SQLite file in a folder of its own.
    #[must_use]
    pub fn sqlite() -> Self {
        let folder = std::env::temp_dir().join(format!("evergrant-test-{}", unique()));
        std::fs::create_dir_all(&folder).expect("the temporary folder can be made");
        Self {
            url: format!("sqlite://{}", folder.join("evergrant.db").display()),
            folder: Some(folder),
        }
    }

    /// A database on the PostgreSQL server of this run.
    pub async fn postgres() -> Self {
        let server = postgres_url();
        let template = TEMPLATE.get_or_init(|| make_template(&server)).await;
        let name = format!("test_{}", unique());
        let mut connection = PgConnection::connect(&server)
            .await
            .expect("the server of this run answers");
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

    /// The database of another test's value, on a server.
    #[must_use]
    pub fn at(url: &str) -> Self {
        Self {
            url: url.to_owned(),
            folder: None,
        }
    }

    /// The store over it, schema up to date.
    pub async fn store(&self) -> Store {
        let store = Store::open(&self.url)
            .await
            .expect("the test's database opens");
        store.migrate().await.expect("the schema can be made");
        store
    }

    /// The same database without the schema, as it is before the first migration.
    pub async fn without_schema(self) -> Self {
        if self.is_postgres() {
            self.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
                .await;
        }
        self
    }

    /// Runs statements past the store, as another program would.
    pub async fn execute(&self, sql: &str) {
        past_the_store!(&self.url, |connection| async {
            sqlx::raw_sql(AssertSqlSafe(sql))
                .execute(&mut connection)
                .await
                .map(drop)
        });
    }

    /// Runs statements in a transaction of another program on PostgreSQL, which stays open.
    pub async fn begin(&self, sql: &str) -> OpenTransaction {
        let mut connection = PgConnection::connect(&self.url).await.unwrap();
        sqlx::raw_sql(AssertSqlSafe(format!("BEGIN; {sql}")))
            .execute(&mut connection)
            .await
            .unwrap();
        OpenTransaction(connection)
    }

    /// Ends once a query waits for a lock that somebody else holds.
    pub async fn lock_is_waited_for(&self) {
        let waits = "SELECT 'x' FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
        while self.texts(waits).await.is_empty() {
            tokio::task::yield_now().await;
        }
    }

    /// The first column of each row of a query past the store, which must be text.
    pub async fn texts(&self, sql: &str) -> Vec<String> {
        past_the_store!(&self.url, |connection| sqlx::query_scalar::<_, String>(
            AssertSqlSafe(sql)
        )
        .fetch_all(&mut connection))
    }

    /// The plan of a query, as the database describes it in lines of text.
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

    /// The plan of a statement with the numbers of rows that it read, as JSON. PostgreSQL only. The
    /// statement is carried out and rolled back.
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

    /// The columns of a table, in order.
    pub async fn columns(&self, table: &str) -> Vec<String> {
        let list = if self.is_postgres() {
            format!(
                "SELECT column_name::text FROM information_schema.columns
                WHERE table_schema = 'public' AND table_name = '{table}' ORDER BY ordinal_position"
            )
        } else {
            format!("SELECT name FROM pragma_table_info('{table}') ORDER BY cid")
        };
        self.texts(&list).await
    }

    /// Every row of every table as text, in order: to tell what a call has written, and what it has
    /// not.
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

    /// The address of the same database through another listener, such as a [`Wire`](crate::Wire).
    ///
    /// # Panics
    ///
    /// For SQLite, which has no listener.
    #[must_use]
    pub fn url_through(&self, address: std::net::SocketAddr) -> String {
        let (before, rest) = self
            .url
            .split_once('@')
            .expect("a server's address names its user");
        let (_, database) = rest
            .split_once('/')
            .expect("the server's address names a database");
        format!("{before}@{address}/{database}")
    }

    /// Where the server of a PostgreSQL database listens.
    ///
    /// # Panics
    ///
    /// For SQLite.
    #[must_use]
    pub fn server(&self) -> &str {
        let (_, rest) = self
            .url
            .split_once('@')
            .expect("a server's address names its user");
        rest.split_once('/')
            .expect("the server's address names a database")
            .0
    }

    /// Whether it is PostgreSQL.
    #[must_use]
    pub fn is_postgres(&self) -> bool {
        self.folder.is_none()
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        if let Some(folder) = &self.folder {
            // Databases on the server go with the server; only files of ours can stay behind.
            let _ = std::fs::remove_dir_all(folder);
        }
    }
}

/// The PostgreSQL server of this run.
///
/// # Panics
///
/// Where no server was started.
#[must_use]
#[expect(
    clippy::disallowed_methods,
    reason = "the run's script says so in the environment"
)]
pub fn postgres_url() -> String {
    std::env::var(SERVER).unwrap_or_else(|_| {
        panic!("no {SERVER}: run the tests with `make test`, or with `scripts/with-postgres cargo test …`")
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
        .expect("the server's address names a database");
    format!("{address}/{name}")
}

async fn create(connection: &mut PgConnection, statement: &str) {
    sqlx::raw_sql(AssertSqlSafe(statement))
        .execute(connection)
        .await
        .expect("a database can be made");
}

/// One empty database with the schema, which the others are copies of.
async fn make_template(server: &str) -> String {
    let name = format!("template_{}", unique());
    let mut connection = PgConnection::connect(server)
        .await
        .expect("the server of this run answers");
    create(&mut connection, &format!("CREATE DATABASE {name}")).await;
    connection.close().await.unwrap();
    let store = Store::open(&with_database(server, &name)).await.unwrap();
    store.migrate().await.unwrap();
    store.close().await;
    name
}
