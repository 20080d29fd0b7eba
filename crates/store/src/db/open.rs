//! Opening the connection pools of a database.

use sqlx::Connection as _;

use crate::StoreError;
use crate::db::address::{DatabaseAddress, PostgresAddress, SqliteAddress};
use crate::db::connect;
use crate::db::database::Pools;
use crate::db::postgres::{PostgresPool, Route};
use crate::db::sqlite_file;

/// Opens the database at `address`.
///
/// `direct` is the address of the same PostgreSQL server without a pooler.
pub(crate) async fn open(
    address: &DatabaseAddress,
    direct: Option<&DatabaseAddress>,
) -> Result<Pools, StoreError> {
    let ignored = address.parameters_without_effect();
    if !ignored.is_empty() {
        tracing::warn!(
            parameters = ignored.join(", "),
            "parameters of DATABASE_URL without effect: they configure the app's database library"
        );
    }
    match address {
        DatabaseAddress::Sqlite(address) => open_sqlite(address).await,
        DatabaseAddress::Postgres(address) => match direct {
            None => open_postgres(address, None).await,
            Some(DatabaseAddress::Postgres(direct)) => open_postgres(address, Some(direct)).await,
            Some(DatabaseAddress::Sqlite(_)) => {
                let message = "DATABASE_DIRECT_URL must start with postgres://";
                Err(StoreError::DirectAddress(message.to_owned()))
            }
        },
    }
}

async fn open_sqlite(address: &SqliteAddress) -> Result<Pools, StoreError> {
    if let Some(connection) = sqlite_file::inspect(address).await? {
        connection.close().await?;
    }
    sqlite_file::open(address).await
}

/// Opens a PostgreSQL database, which may be behind a pooler. `direct` leads to the server itself.
async fn open_postgres(
    address: &PostgresAddress,
    direct: Option<&PostgresAddress>,
) -> Result<Pools, StoreError> {
    let server = connect::first_usable(address).await?;
    server.connection.close().await?;
    let Some(direct) = direct else {
        let route = Route::new(server.options, address.session_settings(), server.is_pooled);
        return Ok(Pools::Postgres(PostgresPool::new(route, None)));
    };
    let route = Route::new(server.options, address.session_settings(), true);
    let server = connect::first_usable(direct)
        .await
        .map_err(|error| not_direct(&error))?;
    server.connection.close().await?;
    if server.is_pooled {
        let message = "DATABASE_DIRECT_URL leads to a connection pooler, not to the server itself";
        return Err(StoreError::DirectAddress(message.to_owned()));
    }
    let direct = Route::new(server.options, direct.session_settings(), false);
    Ok(Pools::Postgres(PostgresPool::new(route, Some(direct))))
}

fn not_direct(error: &StoreError) -> StoreError {
    StoreError::DirectAddress(format!("DATABASE_DIRECT_URL: {error}"))
}
