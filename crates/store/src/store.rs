//! The opened database and its repositories.

use std::sync::Arc;

use crate::StoreError;
use crate::access::{ApiKeyRepository, KeyCheckRepository, SessionRepository, UserRepository};
use crate::connections::{
    ConnectionRepository, ExternalRowRepository, RefreshRepository, RejectionRepository,
    RevocationRepository, StatusTransitionRepository,
};
use crate::coordination::{ProviderBlockRepository, ReplicaRepository};
use crate::db::database::{Database, Pools};
use crate::db::notify::{self, NotifyListener};
use crate::db::value::params;
use crate::db::{migrations, open};
use crate::events::EventRepository;
use crate::flows::FlowRepository;

/// An opened database. A clone, and every repository, uses the same connection pools.
#[derive(Clone, Debug)]
pub struct Store {
    database: Arc<Database>,
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
    /// Connections: reading, storing a consent's grants, deleting.
    connections -> ConnectionRepository;
    /// Rows of `oauth_accounts` that another program writes.
    external_rows -> ExternalRowRepository;
    /// Refresh leases, what is due, and the outcomes of refreshes and checks.
    refreshes -> RefreshRepository;
    /// Grants that platforms reject.
    rejections -> RejectionRepository;
    /// Status changes that time alone causes.
    status_transitions -> StatusTransitionRepository;
    /// The queue of grants to be revoked at the platforms.
    revocations -> RevocationRepository;
    /// Authorization flows.
    flows -> FlowRepository;
    /// The outbox.
    events -> EventRepository;
    /// Users of the host application.
    users -> UserRepository;
    /// API keys.
    api_keys -> ApiKeyRepository;
    /// Browser sessions, and the portal links that open them.
    sessions -> SessionRepository;
    /// Known texts under each encryption key.
    key_checks -> KeyCheckRepository;
    /// Blocks on calls to hosts of providers, shared by all replicas.
    provider_blocks -> ProviderBlockRepository;
    /// The serving processes.
    replicas -> ReplicaRepository;
}

impl Store {
    /// Opens the database at `url`: `sqlite://PATH` (made if it is missing) or `postgres://…`.
    ///
    /// # Errors
    ///
    /// [`StoreError::Address`] if the address has neither form, [`StoreError::Database`] if nothing
    /// answers.
    pub async fn open(url: &str) -> Result<Self, StoreError> {
        Ok(Self {
            database: Arc::new(Database::new(open::open(url).await?)),
        })
    }

    /// Moves the clock by which leases live `ms` milliseconds forward, for this store, its clones
    /// and its repositories.
    #[cfg(feature = "testing")]
    pub fn shift_clock(&self, ms: i64) {
        self.database
            .clock_shift_ms
            .fetch_add(ms, std::sync::atomic::Ordering::SeqCst);
    }

    /// Applies the missing migrations. Several processes may do so at once: one applies them, the
    /// others wait.
    ///
    /// # Errors
    ///
    /// [`StoreError::Migration`] if the database does not permit it or a past migration was
    /// changed.
    pub async fn migrate(&self) -> Result<(), StoreError> {
        migrations::apply(&self.database).await
    }

    /// The migrations that this program knows and the database has not seen, as `1 first`.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the query fails.
    pub async fn pending_migrations(&self) -> Result<Vec<String>, StoreError> {
        migrations::pending(&self.database).await
    }

    /// Changes with every commit of this process that wrote an event.
    #[must_use]
    pub fn changes(&self) -> tokio::sync::watch::Receiver<u64> {
        self.database.changes.subscribe()
    }

    /// Listens for the notifications of other processes. `None` on SQLite, which has none.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if no connection can be opened.
    pub async fn listen(&self) -> Result<Option<NotifyListener>, StoreError> {
        match &self.database.pools {
            Pools::Sqlite { .. } => Ok(None),
            Pools::Postgres(pool) => NotifyListener::connect(&pool.pool).await.map(Some),
        }
    }

    /// Whether the database can notify other processes of changes.
    #[must_use]
    pub fn can_notify(&self) -> bool {
        matches!(self.database.pools, Pools::Postgres(_))
    }

    /// Notifies other processes that the outbox has new events. Does nothing on SQLite.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the query fails.
    pub async fn notify(&self) -> Result<(), StoreError> {
        match &self.database.pools {
            Pools::Sqlite { .. } => Ok(()),
            Pools::Postgres(_) => self.database.row(notify::NOTIFY, params![]).await.map(drop),
        }
    }

    /// Checks that the database answers.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if it does not.
    pub async fn ping(&self) -> Result<(), StoreError> {
        self.database
            .row("SELECT 1 AS one", params![])
            .await
            .map(drop)
    }

    /// Closes the pools after the queries that run in them have ended.
    pub async fn close(&self) {
        match &self.database.pools {
            Pools::Sqlite { writer, reader } => {
                reader.close().await;
                writer.close().await;
            }
            Pools::Postgres(pool) => pool.pool.close().await,
        }
    }
}
