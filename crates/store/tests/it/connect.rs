//! Connecting to PostgreSQL: every reason for a failure is named, at once.

use evergrant_store::{ConnectError, ConnectFault, Store, StoreError};
use evergrant_testkit::{TestDatabase, on_postgres};
use tokio::net::TcpListener;

on_postgres!(
    socket_and_address_forms_connect,
    hosts_are_tried_in_order,
    standby_is_skipped_for_writes,
    rejections_of_the_server_are_named,
    tables_are_created_in_the_schema_of_the_url,
);

/// Opens the database and returns the error.
async fn connect_error(url: &str) -> ConnectError {
    match Store::open(url).await {
        Err(StoreError::Connect(error)) => error,
        other => panic!("{url}: {other:?}"),
    }
}

async fn fault(url: &str) -> ConnectFault {
    let mut failures = connect_error(url).await.failures;
    assert_eq!(failures.len(), 1, "{url}: {failures:?}");
    failures.remove(0).fault
}

/// Returns a local address at which no server listens.
async fn closed_port() -> std::net::SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    listener.local_addr().unwrap()
}

/// The test takes ten minutes if a failure is not reported at once.
#[tokio::test]
async fn unreachable_servers_are_reported_without_waiting() {
    let closed = closed_port().await;
    let refused = connect_error(&format!("postgres://u:hush@{closed}/d?connect_timeout=600")).await;
    assert_eq!(refused.failures[0].fault, ConnectFault::Refused);
    let text = refused.to_string();
    assert!(
        text.contains(&format!("at {closed}: the connection is refused")),
        "{text}"
    );
    assert!(!text.contains("hush"), "{text}");
    assert_eq!(
        fault("postgres://u@/d?host=/nowhere&connect_timeout=600").await,
        ConnectFault::NoSocket
    );
    assert_eq!(
        fault("postgres://u@no-such-host.invalid/d?connect_timeout=600").await,
        ConnectFault::UnknownHost
    );
}

#[tokio::test]
async fn silent_server_times_out() {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = silent.local_addr().unwrap();
    let url = format!("postgres://u@{address}/d?connect_timeout=1&sslmode=disable");
    assert_eq!(fault(&url).await, ConnectFault::Timeout);
}

#[tokio::test]
async fn server_of_another_protocol_is_named() {
    let server = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("postgres://u@{}/d", server.local_addr().unwrap());
    tokio::spawn(async move {
        loop {
            let (mut client, _) = server.accept().await.unwrap();
            let answer = b"HTTP/1.1 400 Bad Request\r\n\r\n";
            tokio::io::AsyncWriteExt::write_all(&mut client, answer)
                .await
                .unwrap();
        }
    });
    let fault = fault(&url).await;
    assert!(matches!(fault, ConnectFault::NotPostgres(_)), "{fault:?}");
}

/// Returns the port and the name of a test database, and the folder of the server's socket.
async fn parts(database: &TestDatabase) -> (String, String, String) {
    let (_, port) = database.server().rsplit_once(':').unwrap();
    let (_, name) = database.url.rsplit_once('/').unwrap();
    let folder = database
        .texts("SHOW unix_socket_directories")
        .await
        .remove(0);
    (port.to_owned(), name.to_owned(), folder)
}

async fn socket_and_address_forms_connect(database: TestDatabase) {
    let (port, name, folder) = parts(&database).await;
    let encoded = folder.replace('/', "%2F");
    for url in [
        format!("postgres://postgres@/{name}?host={folder}&port={port}"),
        format!(
            "postgresql://postgres:unused@localhost/{name}?host={folder}&port={port}&sslmode=require"
        ),
        format!("postgres://postgres@{encoded}:{port}/{name}"),
        format!("postgres:///?host=127.0.0.1&port={port}&dbname={name}&user=postgres"),
        format!("postgres://postgres@[::ffff:127.0.0.1]:{port}/{name}?sslmode=allow"),
        format!(
            "{}?connect_timeout=3&application_name=vault&options=-c%20work_mem%3D8MB",
            database.url
        ),
        format!(
            "{}?connection_limit=3&pgbouncer=true&sslmode=prefer",
            database.url
        ),
    ] {
        let store = Store::open(&url)
            .await
            .unwrap_or_else(|error| panic!("{url}: {error}"));
        store.ping().await.unwrap();
        store.close().await;
    }
}

async fn hosts_are_tried_in_order(database: TestDatabase) {
    let (port, name, _) = parts(&database).await;
    let closed = closed_port().await;
    let url = format!(
        "postgres://postgres@{closed},127.0.0.1:{port}/{name}?target_session_attrs=read-write"
    );
    Store::open(&url).await.unwrap().ping().await.unwrap();
    let url = format!("postgres://postgres@{closed},no-such-host.invalid:{port}/{name}");
    let faults: Vec<_> = connect_error(&url)
        .await
        .failures
        .into_iter()
        .map(|failure| failure.fault)
        .collect();
    assert_eq!(faults, [ConnectFault::Refused, ConnectFault::UnknownHost]);
}

async fn standby_is_skipped_for_writes(database: TestDatabase) {
    let read_only = "options=-c%20default_transaction_read_only%3Don";
    let url = format!("{}?{read_only}", database.url);
    Store::open(&url).await.unwrap();
    Store::open(&format!("{url}&target_session_attrs=primary"))
        .await
        .unwrap();
    let url = format!("{url}&target_session_attrs=read-write");
    assert_eq!(fault(&url).await, ConnectFault::RejectsWrites);
}

async fn rejections_of_the_server_are_named(database: TestDatabase) {
    let (port, name, _) = parts(&database).await;
    let server = format!("127.0.0.1:{port}");
    let missing = fault(&format!("postgres://postgres@{server}/no_such_database")).await;
    assert_eq!(
        missing,
        ConnectFault::NoDatabase("no_such_database".to_owned())
    );
    let unknown = fault(&format!("postgres://no_such_user@{server}/{name}")).await;
    assert!(
        matches!(&unknown, ConnectFault::AccessRules(text) if text.contains("no_such_user")),
        "{unknown:?}"
    );
    let unencrypted = fault(&format!(
        "postgres://postgres@{server}/{name}?sslmode=require"
    ))
    .await;
    assert_eq!(unencrypted, ConnectFault::TlsUnsupported);
    let missing = Store::open(&format!(
        "{}?sslmode=verify-full&sslrootcert=/nowhere",
        database.url
    ))
    .await;
    assert!(
        matches!(&missing, Err(StoreError::Address(text)) if text.contains("sslrootcert: cannot read /nowhere")),
        "{missing:?}"
    );
}

async fn tables_are_created_in_the_schema_of_the_url(database: TestDatabase) {
    let database = database.without_schema().await;
    database.execute("CREATE SCHEMA \"My App\"").await;
    let store = Store::open(&format!("{}?schema=My%20App", database.url))
        .await
        .unwrap();
    store.migrate().await.unwrap();
    assert_eq!(store.pending_migrations().await.unwrap(), [""; 0]);
    crate::support::connect(&store, "reddit", "juniper").await;
    let schemas = "SELECT DISTINCT schemaname::text FROM pg_tables
        WHERE tablename IN ('users', 'oauth_accounts') OR tablename LIKE 'evergrant%'";
    assert_eq!(database.texts(schemas).await, ["My App"]);
}
