//! `evergrant dev`: what is there from the beginning, and what a second run finds.

use std::os::unix::fs::PermissionsExt;

use serde_json::json;

use crate::client::App;
use crate::program::{Folder, Program};

const NEW_USER: i32 = 2;

/// The app's server, as the `try` line has it.
fn app(program: &Program) -> App {
    App::new(program.url(), program.api_key())
}

/// Connects Kiln's account at the simulated Reddit.
async fn connect(program: &Program) {
    let begun = app(program)
        .post(NEW_USER, "/api/integrations/connect/reddit", json!({}))
        .await
        .ok();
    let consent = json!({"authUrl": begun["authUrl"], "person": "kiln"});
    let approved = App::new(program.sandbox_url(), "")
        .post(NEW_USER, "/control/approve", consent)
        .await
        .ok();
    let back = app(program)
        .open(approved["location"].as_str().expect("a callback"))
        .await;
    assert!(
        back.location
            .expect("the way back")
            .contains("status=connected")
    );
}

#[tokio::test]
async fn a_second_run_finds_the_account_and_the_key_of_the_first() {
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
        let found = std::fs::metadata(data.join(name))
            .unwrap()
            .permissions()
            .mode()
            & 0o777;
        assert_eq!(found, mode, "{name}: {found:o}");
    }
}

#[tokio::test]
async fn a_key_that_no_longer_works_is_made_anew() {
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
async fn there_are_two_people_from_the_beginning() {
    let program = Program::dev(&[]);
    for (user, external_id) in [(1, "demo-creator"), (2, "new-user")] {
        let found = app(&program)
            .get(1, &format!("/api/users/{user}"))
            .await
            .ok();
        assert_eq!(found["externalId"], external_id, "{found}");
    }
}

#[tokio::test]
async fn readiness_is_the_operators_own_listener() {
    let program = Program::dev(&[]);
    let ready = App::new(program.admin_url(), "")
        .open(&format!("{}/readyz", program.admin_url()))
        .await;
    ready.ok();
    assert_eq!(app(&program).get(1, "/readyz").await.code(404), "NOT_FOUND");
}
