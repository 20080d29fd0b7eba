//! The open database and its repositories.

use std::sync::Arc;

use evergrant_model::SharedClock;

use crate::StoreError;
use crate::access::{ApiKeyRepository, KeyCheckRepository, SessionRepository, UserRepository};
use crate::connections::{
    ConnectionRepository, ExternalRowRepository, RefreshRepository, RejectionRepository,
    RevocationRepository, RowChangeRepository, StatusTransitionRepository,
};
use crate::coordination::{
    CallRateRepository, ProviderBlockRepository, RefusalRepository, ReplicaRepository,
};
use crate::db::address::DatabaseAddress;
use crate::db::database::{Database, Pools};
use crate::db::file_error::FileError;
use crate::db::postgres::listener::{self, NotifyListener};
use crate::db::postgres::server_time::server_now;
use crate::db::postgres::{LaneName, Route};
use crate::db::value::params;
use crate::db::{migrations, open, row_triggers};
use crate::events::EventRepository;
use crate::flows::FlowRepository;

/// An open database. Clones and repositories share its connection pools.
#[derive(Clone, Debug)]
pub struct Store {
    pub(crate) database: Arc<Database>,
}

macro_rules! repositories {
    ($($(#[$doc:meta])* $name:ident -> $repository:ident;)*) => {
        impl Store {
            $(
                $(#[$doc])*
                #[must_use]
                pub fn $name(&self) -> $repository {
                    $repository::new(&self.database)
                }
            )*
        }
    };
}

repositories! {
    /// Returns the repository of connections: reading, storing grants of consents, deleting.
    connections -> ConnectionRepository;
    /// Returns the repository of rows of `oauth_accounts` that another program writes.
    external_rows -> ExternalRowRepository;
    /// Returns the repository of changes that other programs made in the shared tables.
    row_changes -> RowChangeRepository;
    /// Returns the repository of refresh leases, due connections, and outcomes of refreshes and
    /// checks.
    refreshes -> RefreshRepository;
    /// Returns the repository of rejected grants.
    rejections -> RejectionRepository;
    /// Returns the repository of scheduled status changes.
    status_transitions -> StatusTransitionRepository;
    /// Returns the queue of grants to revoke at the providers.
    revocations -> RevocationRepository;
    /// Returns the repository of authorization flows.
    flows -> FlowRepository;
    /// Returns the outbox.
    events -> EventRepository;
    /// Returns the repository of users.
    users -> UserRepository;
    /// Returns the repository of API keys.
    api_keys -> ApiKeyRepository;
    /// Returns the repository of sessions and portal links.
    sessions -> SessionRepository;
    /// Returns the repository of encryption key checks.
    key_checks -> KeyCheckRepository;
    /// Returns the repository of blocks on calls to providers, shared by all replicas.
    provider_blocks -> ProviderBlockRepository;
    /// Returns the repository of learned call rates, shared by all replicas.
    call_rates -> CallRateRepository;
    /// Returns the repository of refused grants.
    refusals -> RefusalRepository;
    /// Returns the repository of running replicas.
    replicas -> ReplicaRepository;
}

impl Store {
    /// Opens the database at `url`: `sqlite://PATH` (created if it does not exist) or
    /// `postgres://…`.
    ///
    /// # Errors
    ///
    /// [`StoreError::Address`] if the URL is malformed or has an unsupported parameter,
    /// [`StoreError::Connect`] or [`StoreError::File`] if the database cannot be opened,
    /// [`StoreError::SharedTables`] if the tables of the app lack what Evergrant needs,
    /// [`StoreError::DevelopmentSchema`] if a version from before the first release created the
    /// schema. A database that is refused is not changed.
    pub async fn open(url: &str) -> Result<Self, StoreError> {
        Self::open_at(&url.parse()?, None).await
    }

    /// Opens the PostgreSQL database at `url`, which leads through a connection pooler. `direct`
    /// leads to the server itself; it is used for migrations and notifications.
    ///
    /// # Errors
    ///
    /// Those of [`open`](Self::open), and [`StoreError::DirectAddress`] if `direct` cannot be used.
    pub async fn open_behind_pooler(url: &str, direct: &str) -> Result<Self, StoreError> {
        Self::open_at(&url.parse()?, Some(&direct_address(direct)?)).await
    }

    /// Opens the database at `url`, like [`open`](Self::open), but does not create a SQLite file.
    ///
    /// # Errors
    ///
    /// Those of [`open`](Self::open), with [`FileFault::NoFile`](crate::FileFault::NoFile) if the
    /// SQLite file does not exist.
    pub async fn open_existing(url: &str) -> Result<Self, StoreError> {
        Self::open_at(&existing(url)?, None).await
    }

    /// Returns the migrations that have not been applied to the database at `url`, as `1 initial`.
    /// Creates and changes nothing. `direct` is that of
    /// [`open_behind_pooler`](Self::open_behind_pooler).
    ///
    /// # Errors
    ///
    /// Those of [`open_existing`](Self::open_existing) and
    /// [`open_behind_pooler`](Self::open_behind_pooler).
    pub async fn pending_migrations_at(
        url: &str,
        direct: Option<&str>,
    ) -> Result<Vec<String>, StoreError> {
        let direct = direct.map(direct_address).transpose()?;
        open::pending(&existing(url)?, direct.as_ref()).await
    }

    async fn open_at(
        address: &DatabaseAddress,
        direct: Option<&DatabaseAddress>,
    ) -> Result<Self, StoreError> {
        Ok(Self::on(Database::new(open::open(address, direct).await?)))
    }

    pub(crate) fn on(database: Database) -> Self {
        Self {
            database: Arc::new(database),
        }
    }

    /// Returns the same database for the change feed, which has a connection of its own.
    #[must_use]
    pub fn for_change_feed(&self) -> Self {
        self.on_lane(LaneName::Feed)
    }

    /// Returns the same database for heartbeats and health checks, which have a connection of their
    /// own.
    #[must_use]
    pub fn for_health(&self) -> Self {
        self.on_lane(LaneName::Health)
    }

    fn on_lane(&self, lane: LaneName) -> Self {
        Self {
            database: Arc::new(self.database.on_lane(lane)),
        }
    }

    /// Returns whether a query recently waited in vain for a connection.
    #[must_use]
    pub fn is_starved(&self) -> bool {
        match &self.database.pools {
            Pools::Sqlite { .. } => false,
            Pools::Postgres(pool) => pool.is_starved(),
        }
    }

    /// Sets the maximum duration of a read. On a busy machine, a test needs more time than a
    /// request may take.
    #[cfg(feature = "testing")]
    #[must_use]
    pub fn with_read_timeout(self, read_timeout: std::time::Duration) -> Self {
        let mut database = (*self.database).clone();
        database.read_timeout = read_timeout;
        Self {
            database: Arc::new(database),
        }
    }

    /// Advances the clock of leases by `duration`, for this store, its clones and its repositories.
    #[cfg(feature = "testing")]
    pub fn shift_clock(&self, duration: evergrant_model::SignedDuration) {
        self.database.clock_shift_ms.fetch_add(
            evergrant_model::whole_ms(duration),
            std::sync::atomic::Ordering::SeqCst,
        );
    }

    /// Returns the number of rows that this store, its clones and its repositories have read by
    /// `query`.
    #[cfg(feature = "testing")]
    #[must_use]
    pub fn rows_read_by(&self, query: &crate::testing::Query) -> usize {
        let sql = self.database.dialect(query.sqlite, query.postgres);
        self.database.read_rows().of(sql)
    }

    /// Corrects `clock` by the database's clock from now on: at once, with every new session, and
    /// with [`read_time`](Self::read_time). Does nothing on SQLite, whose time is the machine's.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the query fails.
    pub async fn set_clock(&self, clock: &Arc<SharedClock>) -> Result<(), StoreError> {
        if let Pools::Postgres(pool) = &self.database.pools {
            pool.time().set_clock(clock);
        }
        self.read_time().await
    }

    /// Reads the database's clock, and corrects the clock of [`set_clock`](Self::set_clock) by it.
    /// Does nothing on SQLite.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the query fails.
    pub async fn read_time(&self) -> Result<(), StoreError> {
        const NOW: &str = concat!("SELECT ", server_now!(), " AS server_now");
        let Pools::Postgres(pool) = &self.database.pools else {
            return Ok(());
        };
        let requested = pool.time().request();
        if let Some(row) = self.database.row(NOW, params![]).await? {
            pool.time().receive(&requested, row.time("server_now")?);
        }
        Ok(())
    }

    /// Makes readings of a PostgreSQL database's clock show the time of `clock`.
    #[cfg(feature = "testing")]
    pub fn set_database_clock(&self, clock: Arc<dyn evergrant_model::Clock>) {
        if let Pools::Postgres(pool) = &self.database.pools {
            pool.time().set_test_clock(clock);
        }
    }

    /// Applies the pending migrations, and creates the triggers on the shared tables if the
    /// database allows it. Several processes may do so concurrently: one applies them, the others
    /// wait.
    ///
    /// # Errors
    ///
    /// [`StoreError::DevelopmentSchema`] if a version from before the first release created the
    /// schema; nothing is changed. [`StoreError::Migration`] if a migration fails, for example
    /// because the database user may not create tables. Other variants if a query fails.
    pub async fn migrate(&self) -> Result<(), StoreError> {
        migrations::apply(&self.database).await?;
        row_triggers::install(&self.database).await
    }

    /// Returns the migrations that have not been applied, as `1 initial`.
    ///
    /// # Errors
    ///
    /// [`StoreError::DevelopmentSchema`] if a version from before the first release created the
    /// schema, other variants if the query fails.
    pub async fn pending_migrations(&self) -> Result<Vec<String>, StoreError> {
        migrations::pending(&self.database).await
    }

    /// Returns whether triggers record the changes that other programs make in the shared tables.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the query fails.
    pub async fn records_row_changes(&self) -> Result<bool, StoreError> {
        row_triggers::are_installed(&self.database).await
    }

    /// Returns a receiver that changes with every commit of this process that wrote an event.
    #[must_use]
    pub fn changes(&self) -> tokio::sync::watch::Receiver<u64> {
        self.database.changes.subscribe()
    }

    /// Listens for notifications of other processes. `None` on SQLite, which has no notifications,
    /// and if there is only a connection pooler, which does not deliver them. While the listener
    /// lives, others can see that the replica with this id is alive.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if no connection can be opened.
    pub async fn listen(&self, replica: &str) -> Result<Option<NotifyListener>, StoreError> {
        match self.direct_route() {
            None => Ok(None),
            Some(route) => NotifyListener::connect(route, replica).await.map(Some),
        }
    }

    /// Returns whether this process can receive notifications of others.
    #[must_use]
    pub fn can_listen(&self) -> bool {
        self.direct_route().is_some()
    }

    fn direct_route(&self) -> Option<&Route> {
        match &self.database.pools {
            Pools::Sqlite { .. } => None,
            Pools::Postgres(pool) => pool.direct_route(),
        }
    }

    /// Notifies other processes that the outbox has new events. Does nothing on SQLite.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the query fails.
    pub async fn notify(&self) -> Result<(), StoreError> {
        match &self.database.pools {
            Pools::Sqlite { .. } => Ok(()),
            Pools::Postgres(_) => self
                .database
                .row(listener::NOTIFY, params![])
                .await
                .map(drop),
        }
    }

    /// Checks that the database responds to a query.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the query fails.
    pub async fn ping(&self) -> Result<(), StoreError> {
        self.database
            .row("SELECT 1 AS one", params![])
            .await
            .map(drop)
    }

    /// Checks that a SQLite file was neither removed nor replaced since this process has opened it.
    /// If it was, nothing is written any more.
    ///
    /// # Errors
    ///
    /// [`FileError`] with [`FileFault::Removed`](crate::FileFault::Removed) or
    /// [`FileFault::Replaced`](crate::FileFault::Replaced).
    pub fn check_file(&self) -> Result<(), FileError> {
        self.database.check_file()
    }

    /// Truncates the WAL file of a SQLite database to nothing if it has more than 16 MiB. Returns
    /// whether it did: `false` also if a reader still needs its content.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the checkpoint fails.
    pub async fn truncate_wal(&self) -> Result<bool, StoreError> {
        self.database.truncate_wal().await
    }

    /// Waits for running queries and closes the connection pools.
    pub async fn close(&self) {
        match &self.database.pools {
            Pools::Sqlite {
                writer,
                reader,
                replicas,
                ..
            } => {
                replicas.release();
                reader.close().await;
                writer.close().await;
            }
            Pools::Postgres(pool) => pool.close().await,
        }
    }
}

/// Parses the address of a database that is not created.
fn existing(url: &str) -> Result<DatabaseAddress, StoreError> {
    let mut address: DatabaseAddress = url.parse()?;
    if let DatabaseAddress::Sqlite(file) = &mut address {
        file.may_create = false;
    }
    Ok(address)
}

/// Parses the address of the server itself, beside that of a pooler.
fn direct_address(url: &str) -> Result<DatabaseAddress, StoreError> {
    url.parse()
        .map_err(|error| StoreError::DirectAddress(format!("DATABASE_DIRECT_URL: {error}")))
}
