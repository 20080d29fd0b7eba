//! An application that shares our tables reads our rows and writes rows that we serve: Node's own PostgreSQL client with
//! the seed's cipher, none of our code.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use evergrant_sandbox::{Sandbox, SandboxOptions, dev_settings};
use evergrant_testkit::TestDatabase;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::client::App;
use crate::program::{KEY, Program};

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
    child.stdin.take().unwrap().write_all(input.to_string().as_bytes()).unwrap();
    let Output { status, stdout, stderr } = child.wait_with_output().unwrap();
    assert!(status.success(), "{}", String::from_utf8_lossy(&stderr));
    serde_json::from_slice(&stdout).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_application_reads_our_rows_and_we_serve_its() {
    let database = TestDatabase::postgres().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let sandbox = Sandbox::new(SandboxOptions { public_url: Some(base.clone()), ..SandboxOptions::default() }).unwrap();
    let served = sandbox.clone();
    tokio::spawn(async move { served.serve(listener, std::future::pending::<()>()).await });
    let settings = dev_settings(&base);
    let mut env: Vec<_> = settings.iter().map(|(name, value)| (*name, value.as_str())).collect();
    env.push(("DATABASE_URL", database.url.as_str()));
    let program = Program::serve(&env);
    let app = App::new(program.url(), program.api_key());
    app.make_user(7).await;

    let flow = app.post(7, "/api/integrations/connect/reddit", json!({})).await.ok();
    app.open(&sandbox.approve(flow["authUrl"].as_str().unwrap(), "juniper", None).unwrap()).await;
    let ours = app.get(7, "/api/integrations/token/reddit/sim9z").await.ok();
    let read = application(&database, &["read", "sim9z"], &Value::Null);
    assert_eq!(read["accessToken"], ours["accessToken"]);
    assert_eq!(read["expiresAt"], ours["expiresAt"]);
    assert!(read["refreshToken"].is_string() && read["metadata"]["karma"].is_number(), "{read}");

    let theirs = json!({
        "userId": 7, "provider": "reddit", "providerAccountId": "by-node", "accessToken": "a token of theirs",
        "refreshToken": "unknown to the platform", "expiresAt": "2099-01-02T03:04:05.678Z", "scope": "identity",
        "metadata": { "username": "nodded", "karma": 5 },
    });
    application(&database, &["write"], &theirs);
    let served = app.get(7, "/api/integrations/token/reddit/by-node").await.ok();
    assert_eq!(served["accessToken"], "a token of theirs");
    assert_eq!(served["expiresAt"], "2099-01-02T03:04:05.678Z");
    drop(program);

    let program = Program::serve(&env);
    let app = App::new(program.url(), program.api_key());
    let status = app.get(7, "/api/integrations/status").await.ok();
    let row = status["integrations"].as_array().unwrap().iter().find(|one| one["providerAccountId"] == "by-node");
    assert_eq!(row.expect("their row is listed")["username"], "nodded");
    let refused = app.post(7, "/api/integrations/refresh/reddit/by-node", json!({})).await;
    assert_eq!(refused.code(409), "RECONNECT_REQUIRED", "the platform does not know that refresh token");
}
