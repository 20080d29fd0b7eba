//! Opening a database and bringing its schema up to date.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{Connection as _, PgPool, SqlSafeStr, SqlitePool};

use crate::StoreError;
use crate::bell::{self, Bell};
use crate::database::{Database, Pools, params};
use crate::line::{Exchange, History};

/// How long a query may wait for a connection of the pool or for another writer.
const PATIENCE: Duration = Duration::from_secs(5);
const SQLITE_READERS: u32 = 4;
/// How often a file is tried that another process is just making.
const SQLITE_TRIES: u32 = 100;
const POSTGRES_CONNECTIONS: u32 = 16;

struct Step {
    version: i64,
    name: &'static str,
    sqlite: &'static str,
    postgres: &'static str,
}

/// Every migration there ever was, oldest first. One that has shipped is never edited.
const STEPS: &[Step] = &[
    Step {
        version: 1,
        name: "first",
        sqlite: include_str!("../migrations/sqlite/0001_first.sql"),
        postgres: include_str!("../migrations/postgres/0001_first.sql"),
    },
    Step {
        version: 2,
        name: "renewal",
        sqlite: include_str!("../migrations/sqlite/0002_renewal.sql"),
        postgres: include_str!("../migrations/postgres/0002_renewal.sql"),
    },
    Step {
        version: 3,
        name: "console",
        sqlite: include_str!("../migrations/sqlite/0003_console.sql"),
        postgres: include_str!("../migrations/postgres/0003_console.sql"),
    },
];

/// The database, open. Cloning shares the pools.
#[derive(Clone, Debug)]
pub struct Store {
    pub(crate) database: Database,
    /// What a test adds to the database's clock.
    #[cfg(feature = "testing")]
    clock_shift_ms: std::sync::Arc<std::sync::atomic::AtomicI64>,
}

impl Store {
    /// Opens the database at `url`: `sqlite://PATH` (made where it is missing) or `postgres://…`.
    ///
    /// # Errors
    ///
    /// [`StoreError::Address`] where the address is of neither form, [`StoreError::Database`] where nothing answers.
    pub async fn open(url: &str) -> Result<Self, StoreError> {
        let pools = match url.split_once("://") {
            Some(("sqlite", path)) => open_sqlite(sqlite_path(path)?).await?,
            Some(("postgres" | "postgresql", _)) => open_postgres(url).await?,
            _ => return Err(StoreError::Address("it must begin with sqlite:// or postgres://".to_owned())),
        };
        Ok(Self {
            database: Database::new(pools),
            #[cfg(feature = "testing")]
            clock_shift_ms: std::sync::Arc::default(),
        })
    }

    /// Lets the database's clock seem to be `ms` milliseconds further, for this store and its clones.
    #[cfg(feature = "testing")]
    pub fn shift_clock(&self, ms: i64) {
        self.clock_shift_ms.fetch_add(ms, std::sync::atomic::Ordering::SeqCst);
    }

    #[cfg(feature = "testing")]
    pub(crate) fn clock_shift_ms(&self) -> i64 {
        self.clock_shift_ms.load(std::sync::atomic::Ordering::SeqCst)
    }

    #[cfg(not(feature = "testing"))]
    #[expect(clippy::unused_self, reason = "the same call as in tests")]
    pub(crate) fn clock_shift_ms(&self) -> i64 {
        0
    }

    /// Applies the migrations that are missing. Several processes may do so at once: one does it, the others wait.
    ///
    /// # Errors
    ///
    /// [`StoreError::Migration`] where the database does not permit it or a past migration was changed.
    pub async fn migrate(&self) -> Result<(), StoreError> {
        let migrator = migrator(&self.database);
        match &self.database.pools {
            Pools::Sqlite { writer, .. } => {
                // Only for PostgreSQL does the migrator lock out others itself.
                let mut work = writer.begin_with("BEGIN IMMEDIATE").await?;
                migrator.run_direct(None, &mut *work, false).await.map_err(StoreError::Migration)?;
                Ok(work.commit().await?)
            }
            Pools::Postgres(exchange) => migrator.run(&exchange.pool).await.map_err(StoreError::Migration),
        }
    }

    /// The migrations that this program knows and the database has not seen, as `1 first`.
    ///
    /// # Errors
    ///
    /// [`StoreError::Database`] where the database does not answer.
    pub async fn pending_migrations(&self) -> Result<Vec<String>, StoreError> {
        let applied = self.applied_migrations().await?;
        let pending = STEPS.iter().filter(|step| !applied.contains(&step.version));
        Ok(pending.map(|step| format!("{} {}", step.version, step.name)).collect())
    }

    async fn applied_migrations(&self) -> Result<Vec<i64>, StoreError> {
        let find = match &self.database.pools {
            Pools::Sqlite { .. } => "SELECT name AS found FROM sqlite_master WHERE name = 'evergrant_migrations'",
            Pools::Postgres(_) => "SELECT to_regclass('evergrant_migrations')::text AS found",
        };
        let found = self.database.row(find, params![]).await?;
        if found.and_then(|row| row.optional_text("found").ok().flatten()).is_none() {
            return Ok(Vec::new());
        }
        let applied = self.database.rows("SELECT version FROM evergrant_migrations WHERE success", params![]).await?;
        applied.iter().map(|row| row.big("version")).collect()
    }

    /// Changes whenever this process has committed something that others want to hear of.
    #[must_use]
    pub fn news(&self) -> tokio::sync::watch::Receiver<u64> {
        self.database.news.subscribe()
    }

    /// Hears when other processes have changed something, where the database can tell: PostgreSQL can.
    ///
    /// # Errors
    ///
    /// [`StoreError::Database`] where the database does not answer.
    pub async fn listen(&self) -> Result<Option<Bell>, StoreError> {
        match &self.database.pools {
            Pools::Sqlite { .. } => Ok(None),
            Pools::Postgres(exchange) => Bell::hang(&exchange.pool).await.map(Some),
        }
    }

    /// Whether the database can tell other processes of changes.
    #[must_use]
    pub fn can_ring(&self) -> bool {
        matches!(self.database.pools, Pools::Postgres(_))
    }

    /// Tells other processes that something has changed.
    ///
    /// # Errors
    ///
    /// [`StoreError::Database`] where the database does not answer.
    pub async fn ring(&self) -> Result<(), StoreError> {
        match &self.database.pools {
            Pools::Sqlite { .. } => Ok(()),
            Pools::Postgres(_) => self.database.row(bell::RING, params![]).await.map(drop),
        }
    }

    /// Whether the database answers at all.
    ///
    /// # Errors
    ///
    /// [`StoreError::Database`] where it does not.
    pub async fn ping(&self) -> Result<(), StoreError> {
        self.database.row("SELECT 1 AS one", params![]).await.map(drop)
    }

    /// Closes the pools once what runs in them has ended.
    pub async fn close(&self) {
        match &self.database.pools {
            Pools::Sqlite { writer, reader } => {
                reader.close().await;
                writer.close().await;
            }
            Pools::Postgres(exchange) => exchange.pool.close().await,
        }
    }
}

fn migrator(database: &Database) -> Migrator {
    let migrations = STEPS.iter().map(|step| {
        let sql = match &database.pools {
            Pools::Sqlite { .. } => step.sqlite,
            Pools::Postgres(_) => step.postgres,
        };
        Migration::new(step.version, step.name.into(), MigrationType::Simple, sql.into_sql_str(), false)
    });
    let mut migrator = Migrator::with_migrations(migrations.collect());
    // The host application may use the same tool for its own tables; and an older replica may meet a newer schema.
    migrator.dangerous_set_table_name("evergrant_migrations");
    migrator.set_ignore_missing(true);
    migrator
}

fn sqlite_path(text: &str) -> Result<PathBuf, StoreError> {
    let path = text.split_once('?').map_or(text, |(path, _)| path);
    if path.is_empty() || path == ":memory:" {
        return Err(StoreError::Address("sqlite:// needs the path of a file".to_owned()));
    }
    Ok(PathBuf::from(path))
}

async fn open_sqlite(path: PathBuf) -> Result<Pools, StoreError> {
    let options = SqliteConnectOptions::new()
        .filename(&path)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(PATIENCE);
    only_for_the_owner(&path)?;
    let writer = sqlite_pool(options.clone(), 1).await?;
    let reader = sqlite_pool(options.read_only(true), SQLITE_READERS).await?;
    Ok(Pools::Sqlite { writer, reader })
}

async fn sqlite_pool(options: SqliteConnectOptions, connections: u32) -> Result<SqlitePool, StoreError> {
    let pool =
        SqlitePoolOptions::new().max_connections(connections).acquire_timeout(PATIENCE).test_before_acquire(false);
    for _ in 1..SQLITE_TRIES {
        match pool.clone().connect_with(options.clone()).await {
            Err(error) if is_busy(&error) => tokio::time::sleep(PATIENCE / SQLITE_TRIES).await,
            opened => return Ok(opened?),
        }
    }
    Ok(pool.connect_with(options).await?)
}

/// While one process turns a new file to WAL, SQLite refuses the others at once, whatever the busy time-out says.
fn is_busy(error: &sqlx::Error) -> bool {
    const BUSY: &str = "5";
    error.as_database_error().is_some_and(|error| error.code().as_deref() == Some(BUSY))
}

/// The file holds every user's grants, encrypted or not: nobody but its owner has business with it. SQLite gives the
/// files beside it the same rights, so it must have them before SQLite opens it.
///
/// A file that is there is not opened: closing it again would end the locks that SQLite holds on it in this process.
fn only_for_the_owner(path: &Path) -> Result<(), StoreError> {
    use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
    let made = match std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))
        }
        made => made.map(drop),
    };
    made.map_err(|error| StoreError::Database(sqlx::Error::Io(error)))
}

async fn open_postgres(url: &str) -> Result<Pools, StoreError> {
    let options = PgConnectOptions::from_str(url)
        .map_err(|_| StoreError::Address("the postgres:// address cannot be read".to_owned()))?
        .application_name("evergrant")
        .options([("timezone", "UTC"), ("synchronous_commit", "on")]);
    let history = Arc::<History>::default();
    let known = Arc::clone(&history);
    let pool: PgPool = PgPoolOptions::new()
        .max_connections(POSTGRES_CONNECTIONS)
        .acquire_timeout(PATIENCE)
        .test_before_acquire(false)
        .before_acquire(move |connection, meta| {
            let is_suspect = known.is_suspect(meta.idle_for);
            Box::pin(async move { Ok(!is_suspect || connection.ping().await.is_ok()) })
        })
        .max_lifetime(Duration::from_mins(30))
        .connect_with(options)
        .await?;
    Ok(Pools::Postgres(Exchange::new(pool, history)))
}
