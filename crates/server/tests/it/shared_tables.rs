//! Test of tables that are shared with an application: a Node.js script with its own PostgreSQL
//! client and the Node.js reference cipher, without any code of Evergrant.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use evergrant_testkit::TestDatabase;
use serde_json::{Value, json};

use crate::client::App;
use crate::program::KEY;
use crate::simulation::Simulation;

/// Runs the application with `input` on its standard input. Returns the JSON that it prints.
fn run_application(database: &TestDatabase, args: &[&str], input: &Value) -> Value {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/prisma/rows.mjs");
    let mut child = Command::new("node")
        .arg(script)
        .args(args)
        .env("DATABASE_URL", &database.url)
        .env("TOKEN_ENCRYPTION_KEY", KEY)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("node starts");
    child
        .stdin
        .take()
        .unwrap()
        .write_all(input.to_string().as_bytes())
        .unwrap();
    let Output {
        status,
        stdout,
        stderr,
    } = child.wait_with_output().unwrap();
    assert!(status.success(), "{}", String::from_utf8_lossy(&stderr));
    serde_json::from_slice(&stdout).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_are_shared_with_another_application() {
    let database = TestDatabase::postgres().await;
    let simulation = Simulation::start().await;
    let (program, app) = simulation.serve(&database);
    app.create_user(7).await;
    simulation
        .connect(&app, 7, "reddit", "juniper", json!({}))
        .await;
    check_application_reads_row(&database, &app).await;
    check_row_of_application_is_served(&database, &app).await;
    drop(program);

    let (_program, app) = simulation.serve(&database);
    let status = app.get(7, "/api/integrations/status").await.ok();
    let row = status["integrations"]
        .as_array()
        .unwrap()
        .iter()
        .find(|row| row["providerAccountId"] == "by-node");
    assert_eq!(
        row.expect("the application's row is listed")["username"],
        "nodded"
    );
    let refreshed = app
        .post(7, "/api/integrations/refresh/reddit/by-node", json!({}))
        .await;
    assert_eq!(
        refreshed.code(409),
        "RECONNECT_REQUIRED",
        "the provider does not know that refresh token"
    );
}

async fn check_application_reads_row(database: &TestDatabase, app: &App) {
    let served = app
        .get(7, "/api/integrations/token/reddit/sim9z")
        .await
        .ok();
    let read = run_application(database, &["read", "sim9z"], &Value::Null);
    assert_eq!(read["accessToken"], served["accessToken"]);
    assert_eq!(read["expiresAt"], served["expiresAt"]);
    assert!(
        read["refreshToken"].is_string() && read["metadata"]["karma"].is_number(),
        "{read}"
    );
}

async fn check_row_of_application_is_served(database: &TestDatabase, app: &App) {
    let row = json!({
        "userId": 7, "provider": "reddit", "providerAccountId": "by-node",
        "accessToken": "a token of the application", "refreshToken": "unknown to the provider",
        "expiresAt": "2030-01-02T03:04:05.678Z", "scope": "identity",
        "metadata": { "username": "nodded", "karma": 5 },
    });
    run_application(database, &["write"], &row);
    let served = app
        .get(7, "/api/integrations/token/reddit/by-node")
        .await
        .ok();
    assert_eq!(served["accessToken"], "a token of the application");
    assert_eq!(served["expiresAt"], "2030-01-02T03:04:05.678Z");
}
