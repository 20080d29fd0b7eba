//! Tests of the shutdown: requests in progress complete, unless a second signal forces the exit.

use std::io::{Read, Write};
use std::net::TcpStream;

use evergrant_testkit::TestDatabase;
use serde_json::json;

use crate::client::App;
use crate::program::{Folder, Program};
use crate::simulation::{Simulation, expire_all};

const BODY: &str = r#"{"id":77}"#;
const SHUTTING_DOWN: &str = "shutting down; send the signal again to force exit";

/// Starts a service, and sends the header of a request but not yet its body.
fn with_request_in_progress(folder: &Folder) -> (Program, TcpStream) {
    let url = format!("sqlite://{}", folder.path().join("evergrant.db").display());
    let program = Program::serve(&[("DATABASE_URL", url.as_str())]);
    let mut stream = TcpStream::connect(program.url().strip_prefix("http://").unwrap()).unwrap();
    let head = format!(
        "POST /api/users HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {}\r\n\
         content-type: application/json\r\ncontent-length: {}\r\nexpect: 100-continue\r\n\r\n",
        program.api_key(),
        BODY.len()
    );
    stream.write_all(head.as_bytes()).unwrap();
    let mut response = [0; 25];
    stream.read_exact(&mut response).unwrap();
    assert_eq!(
        &response, b"HTTP/1.1 100 Continue\r\n\r\n",
        "the handler reads the body"
    );
    (program, stream)
}

#[test]
fn request_in_progress_completes_and_new_connections_are_refused() {
    let folder = Folder::new();
    let (program, mut stream) = with_request_in_progress(&folder);
    program.signal("TERM");
    program.wait_for(SHUTTING_DOWN);
    stream.write_all(BODY.as_bytes()).unwrap();
    let mut response = String::new();
    stream.read_to_string(&mut response).unwrap();
    assert!(response.starts_with("HTTP/1.1 201 "), "{response}");
    let address = program.url().strip_prefix("http://").unwrap().to_owned();
    assert!(program.wait().success());
    assert!(TcpStream::connect(address).is_err());
}

/// Load balancers remove a replica when it is not ready, and send requests until they have noticed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_are_served_during_the_shutdown_delay() {
    let database = TestDatabase::sqlite();
    let settings = [
        ("DATABASE_URL", database.url.as_str()),
        ("EVERGRANT_SHUTDOWN_DELAY", "600"),
    ];
    let program = Program::serve(&settings);
    let app = App::new(program.url(), program.api_key());
    let readyz = format!("{}/readyz", program.admin_url());
    assert_eq!(app.open(&readyz).await.status, 200);
    program.signal("TERM");
    program.wait_for(SHUTTING_DOWN);
    let ready = app.open(&readyz).await;
    assert_eq!(ready.status, 503);
    assert_eq!(
        ready.body["reasons"],
        json!(["this process is shutting down"])
    );
    app.create_user(7).await;
    program.signal("TERM");
    assert_eq!(program.wait().code(), Some(1));
}

/// A trigger of the app refuses to store the refreshed tokens, and there is no journal.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn exit_code_and_log_report_lost_tokens() {
    let database = TestDatabase::sqlite();
    let simulation = Simulation::start().await;
    let (program, app) = simulation.serve(&database);
    app.create_user(7).await;
    simulation
        .connect(&app, 7, "reddit", "juniper", json!({}))
        .await;
    expire_all(&database).await;
    let refuse = "CREATE TRIGGER refuse BEFORE UPDATE OF refresh_token ON oauth_accounts
        BEGIN SELECT RAISE(ABORT, 'refused'); END";
    database.execute(refuse).await;
    let status = app.get(7, "/api/integrations/status").await.ok();
    let account = status["integrations"][0]["providerAccountId"].as_str();
    let token = format!("/api/integrations/token/reddit/{}", account.unwrap());
    app.get(7, &token).await.ok();
    program.signal("TERM");
    program.wait_for("refreshed tokens are lost: neither the database nor a journal contains them");
    assert_eq!(program.wait().code(), Some(1));
}

#[test]
fn second_signal_forces_exit() {
    let folder = Folder::new();
    let (program, _stream) = with_request_in_progress(&folder);
    program.signal("INT");
    program.wait_for(SHUTTING_DOWN);
    program.signal("INT");
    assert_eq!(program.wait().code(), Some(1));
}

#[test]
fn ephemeral_dev_deletes_its_data_on_exit() {
    let folder = Folder::new();
    let program = Program::ephemeral(&folder);
    let entries = || std::fs::read_dir(folder.path()).unwrap().count();
    assert_eq!(entries(), 1, "the data folder");
    assert!(program.stop().success());
    assert_eq!(entries(), 0);
}
