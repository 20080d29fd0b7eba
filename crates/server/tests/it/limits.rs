//! Tests of exhausted resources of the machine: disk space and file descriptors.

use std::net::TcpStream;
use std::path::PathBuf;

use evergrant_sandbox::acme_definition;
use evergrant_testkit::TestDatabase;
use serde_json::{Value, json};

use crate::client::App;
use crate::program::{Folder, Program};
use crate::simulation::{Simulation, expire_all};

const REFRESH: &str = "token.refresh_token";

/// Waits until `condition` is true.
async fn until(condition: impl AsyncFn() -> bool) {
    let waiting = async {
        while !condition().await {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_mins(1), waiting)
        .await
        .expect("the condition is true in time");
}

/// The limit on the size of files stands for the disk: it needs no privilege, applies to one
/// process, and can be lifted.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a22_full_disk_stops_refreshes_until_space_is_free() {
    let (simulation, folder) = (Simulation::start().await, Folder::new());
    let database = TestDatabase::at(&format!(
        "sqlite://{}",
        folder.path().join("evergrant.db").display()
    ));
    let (program, app) = serve_acme(&simulation, &database, &folder).await;
    let admin = App::new(program.admin_url(), "");
    let token = access_token(&app).await;
    let refresh = || app.post(7, "/api/integrations/refresh/acme/ac-1001", Value::Null);

    program.limit_file_size(Some(0));
    until(async || admin.get(7, "/readyz").await.status == 503).await;
    let calls = simulation.sandbox.calls().get("acme", REFRESH);
    for _ in 0..20 {
        assert_eq!(access_token(&app).await, token);
        assert_eq!(refresh().await.status, 503);
    }
    assert_eq!(
        simulation.sandbox.calls().get("acme", REFRESH),
        calls,
        "no refresh is sent whose result could not be stored"
    );

    program.limit_file_size(None);
    until(async || admin.get(7, "/readyz").await.status == 200).await;
    until(async || refresh().await.status == 200).await;
    assert_eq!(database.texts("PRAGMA integrity_check").await, ["ok"]);
}

/// A trigger of the app refuses to store the refreshed tokens, and the disk of the journal is full.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn journal_that_was_full_keeps_the_tokens_once_space_is_free() {
    let (simulation, folder) = (Simulation::start().await, Folder::new());
    let database = TestDatabase::postgres().await;
    let data = folder.path().join("data");
    let config = write_config(&simulation, &folder);
    let settings = [
        ("EVERGRANT_CONFIG", config.to_str().unwrap()),
        ("EVERGRANT_DATA_DIR", data.to_str().unwrap()),
    ];
    let (program, app) = simulation.serve_with(&database, &settings);
    connect_acme(&simulation, &app).await;
    let admin = App::new(program.admin_url(), "");
    let refuse = "CREATE FUNCTION refuse() RETURNS trigger AS
            $$ BEGIN RAISE 'refused'; END $$ LANGUAGE plpgsql;
        CREATE TRIGGER refuse BEFORE UPDATE OF refresh_token ON oauth_accounts
            FOR EACH ROW EXECUTE FUNCTION refuse()";
    database.execute(refuse).await;
    expire_all(&database).await;
    program.limit_file_size(Some(0));
    let token = access_token(&app).await;
    let reasons = async || admin.get(7, "/readyz").await.body["reasons"].to_string();
    until(async || {
        reasons()
            .await
            .contains("the journal in EVERGRANT_DATA_DIR cannot be written")
    })
    .await;
    program.limit_file_size(None);
    until(async || admin.get(7, "/readyz").await.status == 200).await;
    assert!(program.stop().success(), "the journal contains the tokens");

    database
        .execute("DROP TRIGGER refuse ON oauth_accounts")
        .await;
    let (program, app) = simulation.serve_with(&database, &settings);
    assert_eq!(access_token(&app).await, token);
    assert!(program.stop().success());
}

/// Starts a service whose user 7 has an account at Acme connected.
async fn serve_acme(
    simulation: &Simulation,
    database: &TestDatabase,
    folder: &Folder,
) -> (Program, App) {
    let config = write_config(simulation, folder);
    let settings = [("EVERGRANT_CONFIG", config.to_str().unwrap())];
    let (program, app) = simulation.serve_with(database, &settings);
    connect_acme(simulation, &app).await;
    (program, app)
}

/// Writes the definition of Acme to `folder`. Returns the file.
fn write_config(simulation: &Simulation, folder: &Folder) -> PathBuf {
    let config = folder.path().join("evergrant.toml");
    std::fs::write(&config, acme_definition(simulation.base_url())).unwrap();
    config
}

/// Connects an account at Acme for user 7.
async fn connect_acme(simulation: &Simulation, app: &App) {
    app.create_user(7).await;
    simulation
        .connect(app, 7, "acme", "juniper", json!({}))
        .await;
}

async fn access_token(app: &App) -> Value {
    let path = "/api/integrations/token/acme/ac-1001";
    app.get(7, path).await.ok()["accessToken"].clone()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a26_service_survives_more_connections_than_file_descriptors() {
    let folder = Folder::new();
    let url = format!("sqlite://{}", folder.path().join("evergrant.db").display());
    let program = Program::serve_with_files(128, &[("DATABASE_URL", url.as_str())]);
    let (app, admin) = (
        App::new(program.url(), program.api_key()),
        App::new(program.admin_url(), ""),
    );
    app.create_user(7).await;
    let address = program.url().strip_prefix("http://").unwrap().to_owned();
    let connections: Vec<_> = (0..160).map(|_| TcpStream::connect(&address)).collect();
    assert!(connections.iter().filter(|stream| stream.is_ok()).count() > 128);
    for _ in 0..20 {
        assert_eq!(admin.get(7, "/healthz").await.status, 200);
        assert_eq!(
            admin.get(7, "/readyz").await.status,
            200,
            "descriptors are reserved for the database"
        );
    }
    drop(connections);
    assert!(
        app.get(7, "/api/integrations/status").await.ok()["integrations"]
            .as_array()
            .unwrap()
            .is_empty()
    );
    assert!(program.stop().success());
}
