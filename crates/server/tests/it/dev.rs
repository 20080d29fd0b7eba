//! Tests of `evergrant dev`: its users, its data folder, and a second run.

use std::os::unix::fs::PermissionsExt;

use serde_json::json;

use crate::client::App;
use crate::program::{Folder, Program};

const NEW_USER: i32 = 2;

/// Returns a client with the key that `dev` prints.
fn app(program: &Program) -> App {
    App::new(program.url(), program.api_key())
}

/// Connects the account of the person `kiln` at the simulated Reddit.
async fn connect(program: &Program) {
    let flow = app(program)
        .post(NEW_USER, "/api/integrations/connect/reddit", json!({}))
        .await
        .ok();
    let consent = json!({"authUrl": flow["authUrl"], "person": "kiln"});
    let approved = App::new(program.sandbox_url(), "")
        .post(NEW_USER, "/control/approve", consent)
        .await
        .ok();
    let redirect = app(program)
        .open(approved["location"].as_str().expect("a callback URL"))
        .await;
    assert!(
        redirect
            .location
            .expect("a redirect to the app")
            .contains("status=connected")
    );
}

#[tokio::test]
async fn second_run_keeps_connections_and_api_key() {
    let folder = Folder::new();
    let data = folder.path().join("data");
    let first = Program::dev_in(&data, &[], &[]);
    let key = first.api_key().to_owned();
    connect(&first).await;
    assert!(first.stop().success());

    let second = Program::dev_in(&data, &[], &[]);
    assert_eq!(second.api_key(), key);
    let status = app(&second)
        .get(NEW_USER, "/api/integrations/status")
        .await
        .ok();
    assert_eq!(
        status["integrations"].as_array().unwrap().len(),
        1,
        "{status}"
    );
    for (name, mode) in [
        ("", 0o700),
        ("key", 0o600),
        ("api-key", 0o600),
        ("evergrant.db", 0o600),
        ("sandbox.json", 0o600),
        ("journal", 0o700),
    ] {
        let metadata = std::fs::metadata(data.join(name)).unwrap();
        let actual = metadata.permissions().mode() & 0o777;
        assert_eq!(actual, mode, "{name}: {actual:o}");
    }
}

#[tokio::test]
async fn invalid_api_key_is_replaced() {
    let folder = Folder::new();
    let data = folder.path().join("data");
    let first = Program::dev_in(&data, &[], &[]);
    let key = first.api_key().to_owned();
    assert!(first.stop().success());
    std::fs::write(data.join("api-key"), "evg_nonsense\n").unwrap();
    let second = Program::dev_in(&data, &[], &[]);
    assert_ne!(second.api_key(), key);
    app(&second)
        .get(NEW_USER, "/api/integrations/status")
        .await
        .ok();
}

#[tokio::test]
async fn dev_starts_with_two_users() {
    let program = Program::dev(&[]);
    for (user, external_id) in [(1, "demo-creator"), (2, "new-user")] {
        let path = format!("/api/users/{user}");
        let user = app(&program).get(1, &path).await.ok();
        assert_eq!(user["externalId"], external_id, "{user}");
    }
}

#[tokio::test]
async fn readiness_is_served_on_the_private_listener_only() {
    let program = Program::dev(&[]);
    let ready = App::new(program.admin_url(), "")
        .open(&format!("{}/readyz", program.admin_url()))
        .await;
    ready.ok();
    assert_eq!(app(&program).get(1, "/readyz").await.code(404), "NOT_FOUND");
}
