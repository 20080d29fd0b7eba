//! Opening the connection pools of a database.

use sqlx::Connection as _;

use crate::StoreError;
use crate::db::address::{DatabaseAddress, PostgresAddress, SqliteAddress};
use crate::db::connect;
use crate::db::database::Pools;
use crate::db::postgres::PostgresPool;
use crate::db::sqlite_file;

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
    Ok(Pools::Postgres(PostgresPool::new(server.options)))
}
