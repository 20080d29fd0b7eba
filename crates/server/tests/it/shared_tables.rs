//! An application that shares our tables reads our rows and writes rows that we serve: Node's own
//! PostgreSQL client with the seed's cipher, none of our code.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use evergrant_testkit::TestDatabase;
use serde_json::{Value, json};

use crate::platforms::Platforms;
use crate::program::KEY;

fn application(database: &TestDatabase, args: &[&str], input: &Value) -> Value {
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
async fn an_application_reads_our_rows_and_we_serve_its() {
    let database = TestDatabase::postgres().await;
    let platforms = Platforms::start().await;
    let (program, app) = platforms.serve(&database);
    app.make_user(7).await;

    platforms
        .connect(&app, 7, "reddit", "juniper", json!({}))
        .await;
    let ours = app
        .get(7, "/api/integrations/token/reddit/sim9z")
        .await
        .ok();
    let read = application(&database, &["read", "sim9z"], &Value::Null);
    assert_eq!(read["accessToken"], ours["accessToken"]);
    assert_eq!(read["expiresAt"], ours["expiresAt"]);
    assert!(
        read["refreshToken"].is_string() && read["metadata"]["karma"].is_number(),
        "{read}"
    );

    let theirs = json!({
        "userId": 7, "provider": "reddit", "providerAccountId": "by-node", "accessToken": "a token of theirs",
        "refreshToken": "unknown to the platform", "expiresAt": "2099-01-02T03:04:05.678Z", "scope": "identity",
        "metadata": { "username": "nodded", "karma": 5 },
    });
    application(&database, &["write"], &theirs);
    let served = app
        .get(7, "/api/integrations/token/reddit/by-node")
        .await
        .ok();
    assert_eq!(served["accessToken"], "a token of theirs");
    assert_eq!(served["expiresAt"], "2099-01-02T03:04:05.678Z");
    drop(program);

    let (_program, app) = platforms.serve(&database);
    let status = app.get(7, "/api/integrations/status").await.ok();
    let row = status["integrations"]
        .as_array()
        .unwrap()
        .iter()
        .find(|one| one["providerAccountId"] == "by-node");
    assert_eq!(row.expect("their row is listed")["username"], "nodded");
    let refused = app
        .post(7, "/api/integrations/refresh/reddit/by-node", json!({}))
        .await;
    assert_eq!(
        refused.code(409),
        "RECONNECT_REQUIRED",
        "the platform does not know that refresh token"
    );
}
