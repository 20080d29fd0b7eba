//! Opening the connection pools of a database, after an inspection that changes nothing.

use sqlx::{AssertSqlSafe, Connection as _, PgConnection, Row as _};

use crate::StoreError;
use crate::db::address::{DatabaseAddress, PostgresAddress, SqliteAddress};
use crate::db::database::Pools;
use crate::db::postgres::{PostgresPool, Route, Servers};
use crate::db::{connect, inspect, sqlite_file};

/// Opens the database at `address`.
///
/// `direct` is the address of the same PostgreSQL server without a pooler.
///
/// # Errors
///
/// [`StoreError::SharedTables`] or [`StoreError::DevelopmentSchema`] if the database cannot be used
/// as it is, other variants if it cannot be reached. Nothing is changed then.
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
        DatabaseAddress::Sqlite(address) => {
            inspect_sqlite(address).await?;
            sqlite_file::open(address).await
        }
        DatabaseAddress::Postgres(address) => {
            let server = find_server(address, direct).await?;
            Ok(Pools::Postgres(PostgresPool::new(
                server.route,
                server.direct,
            )))
        }
    }
}

/// Returns the migrations that have not been applied to the database at `address`, as `1 initial`.
/// Creates and changes nothing.
///
/// # Errors
///
/// Those of [`open`].
pub(crate) async fn pending(
    address: &DatabaseAddress,
    direct: Option<&DatabaseAddress>,
) -> Result<Vec<String>, StoreError> {
    match address {
        DatabaseAddress::Sqlite(address) => inspect_sqlite(address).await,
        DatabaseAddress::Postgres(address) => Ok(find_server(address, direct).await?.pending),
    }
}

async fn inspect_sqlite(address: &SqliteAddress) -> Result<Vec<String>, StoreError> {
    let Some(mut connection) = sqlite_file::inspect(address).await? else {
        return Ok(Vec::new());
    };
    let pending = inspect::sqlite(&mut connection).await;
    connection.close().await?;
    pending
}

/// A PostgreSQL server that has been inspected.
struct InspectedServer {
    /// The way to it, which may lead through a pooler.
    route: Route,
    /// The way without a pooler, if it has an address of its own.
    direct: Option<Route>,
    /// The pending migrations.
    pending: Vec<String>,
}

/// Inspects the first usable server of `address`, which may be behind a pooler. `direct` leads to
/// the server itself.
async fn find_server(
    address: &PostgresAddress,
    direct: Option<&DatabaseAddress>,
) -> Result<InspectedServer, StoreError> {
    let server = connect::first_usable(address).await?;
    let is_pooled = server.is_pooled || direct.is_some();
    let route = Route::new(
        Servers::new(address, server.options),
        address.session_settings(),
        is_pooled,
    );
    let mut connection = server.connection;
    // A pooler does not pass the settings of the session on, so the transaction sets them.
    sqlx::raw_sql(AssertSqlSafe(route.inspection_begin()))
        .execute(&mut connection)
        .await?;
    let pending = inspect::postgres(&mut connection).await?;
    let identity = database_identity(&mut connection).await?;
    connection.close().await?;
    let direct = match direct {
        None => None,
        Some(DatabaseAddress::Postgres(direct)) => Some(direct_route(direct, &identity).await?),
        Some(DatabaseAddress::Sqlite(_)) => {
            let message = "DATABASE_DIRECT_URL must start with postgres://";
            return Err(StoreError::DirectAddress(message.to_owned()));
        }
    };
    Ok(InspectedServer {
        route,
        direct,
        pending,
    })
}

/// Identifies a database on its server, and a schema in it.
#[derive(PartialEq, Eq)]
struct DatabaseIdentity {
    name: String,
    id: String,
    schema: String,
}

async fn database_identity(connection: &mut PgConnection) -> Result<DatabaseIdentity, StoreError> {
    const IDENTITY: &str = "SELECT datname::text AS name, oid::text AS id,
            COALESCE(current_schema()::text, '') AS schema
        FROM pg_database WHERE datname = current_database()";
    let row = sqlx::raw_sql(IDENTITY).fetch_one(connection).await?;
    Ok(DatabaseIdentity {
        name: row.try_get("name")?,
        id: row.try_get("id")?,
        schema: row.try_get("schema")?,
    })
}

impl std::fmt::Display for DatabaseIdentity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { name, id, schema } = self;
        write!(f, "{name} (id {id}), schema {schema:?}")
    }
}

/// Returns the way to the server itself. It must lead to the database `expected`.
async fn direct_route(
    address: &PostgresAddress,
    expected: &DatabaseIdentity,
) -> Result<Route, StoreError> {
    let mut server = connect::first_usable(address)
        .await
        .map_err(|error| StoreError::DirectAddress(format!("DATABASE_DIRECT_URL: {error}")))?;
    let found = database_identity(&mut server.connection).await?;
    server.connection.close().await?;
    if found != *expected {
        return Err(StoreError::DirectAddress(format!(
            "DATABASE_DIRECT_URL leads to another database than DATABASE_URL: to {found}, not to \
             {expected}"
        )));
    }
    if server.is_pooled {
        let message = "DATABASE_DIRECT_URL leads to a connection pooler, not to the server itself";
        return Err(StoreError::DirectAddress(message.to_owned()));
    }
    Ok(Route::new(
        Servers::new(address, server.options),
        address.session_settings(),
        false,
    ))
}
