//! Opening the connection pools of a database.

use std::sync::Arc;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{Connection as _, PgPool};

use crate::StoreError;
use crate::db::address::{DatabaseAddress, PostgresAddress, SqliteAddress};
use crate::db::connect;
use crate::db::database::Pools;
use crate::db::pg_connection::{PoolHistory, PostgresPool};
use crate::db::sqlite_file::{self, WAIT_TIMEOUT};

/// Maximum number of connections to PostgreSQL.
const POSTGRES_CONNECTIONS: u32 = 16;
/// Maximum age of a connection to PostgreSQL.
const POSTGRES_MAX_LIFETIME: Duration = Duration::from_mins(30);

/// Opens the database at `address`.
pub(crate) async fn open(address: &DatabaseAddress) -> Result<Pools, StoreError> {
    let ignored = address.parameters_without_effect();
    if !ignored.is_empty() {
        tracing::warn!(
            parameters = ignored.join(", "),
            "parameters of DATABASE_URL without effect: they configure the app's database library"
        );
    }
    match address {
        DatabaseAddress::Sqlite(address) => open_sqlite(address).await,
        DatabaseAddress::Postgres(address) => open_postgres(address).await,
    }
}

async fn open_sqlite(address: &SqliteAddress) -> Result<Pools, StoreError> {
    if let Some(connection) = sqlite_file::inspect(address).await? {
        connection.close().await?;
    }
    sqlite_file::open(address).await
}

async fn open_postgres(address: &PostgresAddress) -> Result<Pools, StoreError> {
    let server = connect::first_usable(address).await?;
    server.connection.close().await?;
    Ok(postgres_pool(server.options))
}

/// Creates the pool without opening a connection.
fn postgres_pool(options: PgConnectOptions) -> Pools {
    let history = Arc::<PoolHistory>::default();
    let known = Arc::clone(&history);
    let pool: PgPool = PgPoolOptions::new()
        .max_connections(POSTGRES_CONNECTIONS)
        .acquire_timeout(WAIT_TIMEOUT)
        .test_before_acquire(false)
        .before_acquire(move |connection, meta| {
            let is_suspect = known.is_suspect(meta.idle_for);
            Box::pin(async move { Ok(!is_suspect || connection.ping().await.is_ok()) })
        })
        .max_lifetime(POSTGRES_MAX_LIFETIME)
        .connect_lazy_with(options);
    Pools::Postgres(PostgresPool::new(pool, history))
}
