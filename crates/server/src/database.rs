//! The database of a command: opening it, applying migrations, and checking that its tokens are
//! encrypted with the configured keys.

use evergrant_encryption::TokenCipher;
use evergrant_service::{KeyCheckError, check_key};
use evergrant_store::{
    ConnectError, ConnectFault, FileError, FileFault, SchemaFault, Store, StoreError,
};

use crate::failure::{Failure, Problem, root_cause};
use crate::settings::DatabaseUrls;
use crate::wiring;

/// Opens the database, and sets the clock of the process by its clock. Creates a SQLite file that
/// does not exist.
///
/// # Errors
///
/// A failure if the URL is malformed or the database cannot be used. It names the host and port or
/// the file, but not the URL, which may contain a password.
pub(crate) async fn open(urls: &DatabaseUrls) -> Result<Store, Failure> {
    let opened = match &urls.direct {
        Some(direct) => Store::open_behind_pooler(&urls.url, direct).await,
        None => Store::open(&urls.url).await,
    };
    let store = opened.map_err(|error| open_failure(&error))?;
    with_clock(store).await
}

/// Sets the clock of the process by the database's clock.
async fn with_clock(store: Store) -> Result<Store, Failure> {
    let set = store.set_clock(wiring::shared_clock()).await;
    set.map_err(|error| open_failure(&error))?;
    Ok(store)
}

/// Opens the database, which must exist.
///
/// # Errors
///
/// As for [`open`], and if the SQLite file does not exist.
pub(crate) async fn open_existing(urls: &DatabaseUrls) -> Result<Store, Failure> {
    if urls.direct.is_some() {
        return open(urls).await;
    }
    let opened = Store::open_existing(&urls.url).await;
    with_clock(opened.map_err(|error| open_failure(&error))?).await
}

/// Returns the failure to open a database.
pub(crate) fn open_failure(error: &StoreError) -> Failure {
    match error {
        StoreError::Address(_) => Failure::new(format!("DATABASE_URL: {error}"), ADDRESS_FORMS),
        StoreError::DirectAddress(reason) => Failure::new(
            reason.clone(),
            "set it to the address of the PostgreSQL server that DATABASE_URL reaches through a pooler, or unset it",
        ),
        StoreError::Connect(error) => connect_failure(error),
        StoreError::File(error) => {
            Failure::new(format!("DATABASE_URL: {error}"), file_remedy(error))
        }
        StoreError::SharedTables(faults) => shared_tables_failure(faults),
        error => query_failure(error),
    }
}

/// Returns one problem for each fault of the app's tables, with the statement that corrects it.
fn shared_tables_failure(faults: &[SchemaFault]) -> Failure {
    let summary = Problem::new(
        "DATABASE_URL: Evergrant cannot share the tables of this database; nothing was changed",
        "correct them as follows, or give Evergrant a schema or a database of its own and pass the app's user ids as \
         externalId",
    );
    let details = faults
        .iter()
        .map(|fault| Problem::new(&fault.message, &fault.fix));
    let problems: Vec<_> = std::iter::once(summary).chain(details).collect();
    problems.into()
}

const ADDRESS_FORMS: &str = "write it as sqlite:///var/lib/evergrant/evergrant.db or postgres://user:password@host/database; \
     docs/database.md lists the parameters";

/// Returns one problem for each server that was tried.
fn connect_failure(error: &ConnectError) -> Failure {
    let problems = error.failures.iter().map(|failure| {
        Problem::new(
            format!(
                "DATABASE_URL: cannot connect to the database at {}: {}",
                failure.place, failure.fault
            ),
            connect_remedy(&failure.fault),
        )
    });
    problems.collect::<Vec<_>>().into()
}

fn connect_remedy(fault: &ConnectFault) -> &'static str {
    match fault {
        ConnectFault::Refused => "start the server, or correct the host and port in DATABASE_URL",
        ConnectFault::UnknownHost => {
            "correct the host name in DATABASE_URL, or check the name server"
        }
        ConnectFault::Timeout | ConnectFault::Unreachable(_) => {
            "check the host and port in DATABASE_URL, and that no firewall blocks them; connect_timeout=SECONDS waits \
             longer"
        }
        ConnectFault::NoSocket => {
            "check the folder and the port of the socket, and that the server is running"
        }
        ConnectFault::SocketPermission => "run as an operating system user who may use the socket",
        ConnectFault::Password(_) => {
            "correct the password in DATABASE_URL; special characters in it are percent-encoded, such as %40 for @"
        }
        ConnectFault::AccessRules(_) => {
            "correct the user and database in DATABASE_URL, or allow the connection in the server's pg_hba.conf"
        }
        ConnectFault::TlsRequired => "add sslmode=verify-full to DATABASE_URL, or sslmode=require",
        ConnectFault::TlsUnsupported => {
            "enable TLS at the server; on a trusted network, sslmode=disable connects without it"
        }
        ConnectFault::Tls(_) => "set sslrootcert to the certificate authority of the server",
        ConnectFault::NoDatabase(_) => {
            "create the database with createdb, or correct its name in DATABASE_URL"
        }
        ConnectFault::DatabasePermission(_) => "grant CONNECT on the database to the user",
        ConnectFault::TooManyConnections(_) => {
            "close other connections, or raise max_connections or the CONNECTION LIMIT of the database or the user"
        }
        ConnectFault::DatabaseClosed(_) => "ALTER DATABASE name WITH ALLOW_CONNECTIONS true;",
        ConnectFault::NotReady(_) => "try again when the server has started",
        ConnectFault::RejectsWrites => "name the primary server in DATABASE_URL",
        ConnectFault::NotPostgres(_) => "correct the host and port in DATABASE_URL",
        _ => "check DATABASE_URL and the log of the database server",
    }
}

fn file_remedy(error: &FileError) -> &'static str {
    match error.fault {
        FileFault::NoFolder(_) => "create the folder, or correct the path in DATABASE_URL",
        FileFault::NoFile => {
            "correct the path in DATABASE_URL, or create the database with `evergrant migrate`"
        }
        FileFault::NotAFile | FileFault::NotADatabase => {
            "correct the path in DATABASE_URL; the file was not changed"
        }
        FileFault::Permission => {
            "allow this user to read and write the file and its folder, which holds the WAL file"
        }
        FileFault::ReadOnly => "make the file writable, or correct the path in DATABASE_URL",
        FileFault::Locked => "end the other process that uses the file",
        _ => "check the path in DATABASE_URL",
    }
}

/// Applies the pending migrations and returns their names.
///
/// # Errors
///
/// A failure if the database user may not change the schema, or the database does not respond.
pub(crate) async fn migrate(store: &Store) -> Result<Vec<String>, Failure> {
    let pending = pending_migrations(store).await?;
    if !pending.is_empty() {
        store
            .migrate()
            .await
            .map_err(|error| migration_failure(&error))?;
    }
    Ok(pending)
}

fn migration_failure(error: &StoreError) -> Failure {
    let StoreError::Migration {
        reason,
        is_permission_denied,
    } = error
    else {
        return query_failure(error);
    };
    let remedy = if *is_permission_denied {
        "run `evergrant migrate` as a database user who may create and alter tables"
    } else {
        "nothing was changed; correct what the message names and run `evergrant migrate` again"
    };
    Failure::new(
        format!("DATABASE_URL: cannot migrate the schema: {reason}"),
        remedy,
    )
}

/// Returns the names of the migrations that have not been applied to the database at `urls`.
/// Creates and changes nothing.
///
/// # Errors
///
/// As for [`open_existing`].
pub(crate) async fn pending_migrations_at(urls: &DatabaseUrls) -> Result<Vec<String>, Failure> {
    let pending = Store::pending_migrations_at(&urls.url, urls.direct.as_deref()).await;
    pending.map_err(|error| open_failure(&error))
}

/// Returns the names of the migrations that have not been applied.
///
/// # Errors
///
/// A failure if the database does not respond, or has the schema of a development version.
pub(crate) async fn pending_migrations(store: &Store) -> Result<Vec<String>, Failure> {
    store
        .pending_migrations()
        .await
        .map_err(|error| query_failure(&error))
}

/// Applies the pending migrations and checks that the stored tokens are encrypted with the
/// configured keys. With other keys, nothing is written.
///
/// # Errors
///
/// A failure that names the setting of the key, or that of the database.
pub(crate) async fn prepare(
    store: &Store,
    cipher: &TokenCipher,
    key_name: &str,
) -> Result<(), Failure> {
    let is_migrated = pending_migrations(store).await?.is_empty();
    if !is_migrated && has_undecryptable_token(store, cipher).await {
        return Err(wrong_key(key_name));
    }
    migrate(store).await?;
    check_key(store, cipher, &*wiring::clock())
        .await
        .map_err(|error| match error {
            KeyCheckError::WrongKey => wrong_key(key_name),
            KeyCheckError::Store(error) => query_failure(&error),
            KeyCheckError::Cipher(error) => Failure::new(format!("{key_name}: {error}"), ""),
        })
}

/// Returns whether the tables of another program contain a token that none of the configured keys
/// decrypts. `false` if the tables do not exist.
async fn has_undecryptable_token(store: &Store, cipher: &TokenCipher) -> bool {
    store
        .key_checks()
        .any_token()
        .await
        .ok()
        .flatten()
        .is_some_and(|token| !cipher.is_encrypted(token.as_str()))
}

fn wrong_key(name: &str) -> Failure {
    Failure::new(
        format!("{name}: this database is encrypted with another key; nothing was changed"),
        "set the key that was used before; add a key that was replaced to TOKEN_ENCRYPTION_KEYS_PREVIOUS",
    )
}

/// Returns the failure for a query on an open database.
pub(crate) fn query_failure(error: &StoreError) -> Failure {
    if matches!(error, StoreError::DevelopmentSchema) {
        return Failure::new(
            format!("DATABASE_URL: {error}"),
            "create a new database, or drop the evergrant_* tables and run `evergrant migrate`: this deletes flows, \
             API keys and sessions; users, and the connections' tokens in oauth_accounts, are kept",
        );
    }
    Failure::new(
        format!("DATABASE_URL: {}", root_cause(error)),
        query_remedy(error),
    )
}

fn query_remedy(error: &StoreError) -> &'static str {
    match error {
        StoreError::Busy => "try again when the database is less busy",
        error if error.is_outage() => "check that the server is running, and its log",
        error if error.is_refused_write() => {
            "use the primary server, and check its free disk space"
        }
        _ => "run `evergrant migrate`, and check the log of the database server",
    }
}
