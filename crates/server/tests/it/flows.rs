//! Tests of the life of a connection on the real binary and both databases: connect, read, expire,
//! refresh, revoke, disconnect.

use evergrant_testkit::{TestDatabase, on_both_databases};
use serde_json::{Value, json};

use crate::client::App;
use crate::program::Program;
use crate::simulation::{Simulation, expire_all, token};

const ACCOUNT_JUNIPER: &str = "sim9z";
const ACCOUNT_KILN: &str = "sima4";

/// Returns the number of refresh requests that the simulated Reddit received.
fn refreshes(simulation: &Simulation) -> u64 {
    simulation
        .sandbox
        .calls()
        .get("reddit", "token.refresh_token")
}

/// Starts a service with user 7, whose account `juniper` at Reddit is connected. Returns the query
/// of the redirect to the app too.
async fn serve_connected(
    simulation: &Simulation,
    database: &TestDatabase,
) -> (Program, App, String) {
    let (program, app) = simulation.serve(database);
    app.create_user(7).await;
    let query = simulation
        .connect(&app, 7, "reddit", "juniper", json!({}))
        .await;
    (program, app, query)
}

async fn integrations(app: &App) -> Value {
    app.get(7, "/api/integrations/status").await.ok()["integrations"].clone()
}

async fn connected_account_is_read_refreshed_and_disconnected(database: TestDatabase) {
    let simulation = Simulation::start().await;
    let (program, app, query) = serve_connected(&simulation, &database).await;
    assert_eq!(
        query,
        format!("integration=reddit&status=connected&accountId={ACCOUNT_JUNIPER}")
    );
    check_connected(&app).await;
    let first = token(&app, 7, "reddit", ACCOUNT_JUNIPER).await;
    assert_eq!(token(&app, 7, "reddit", ACCOUNT_JUNIPER).await, first);
    assert_eq!(refreshes(&simulation), 0);

    let path = format!("/api/integrations/refresh/reddit/{ACCOUNT_JUNIPER}");
    let refreshed = app.post(7, &path, json!({})).await.ok();
    assert_eq!(refreshed["success"], true);
    let second = token(&app, 7, "reddit", ACCOUNT_JUNIPER).await;
    assert_ne!(second, first);
    assert_eq!(refreshes(&simulation), 1);

    assert!(program.stop().success(), "the shutdown is graceful");
    expire_all(&database).await;
    let (_program, app) = simulation.serve(&database);
    let third = token(&app, 7, "reddit", ACCOUNT_JUNIPER).await;
    assert_ne!(third, second);
    assert_eq!(refreshes(&simulation), 2);

    check_disconnect(&simulation, &app).await;
}

async fn check_connected(app: &App) {
    let row = &integrations(app).await[0];
    assert_eq!(row["providerAccountId"], ACCOUNT_JUNIPER);
    assert_eq!(
        (&row["status"], &row["isConnected"]),
        (&json!("connected"), &json!(true))
    );
    assert!(
        row["metadata"]["karma"].is_number() && row["metadata"]["created_utc"].is_number(),
        "{row}"
    );
}

async fn check_disconnect(simulation: &Simulation, app: &App) {
    let path = |verb: &str| format!("/api/integrations/{verb}/reddit/{ACCOUNT_JUNIPER}");
    let disconnected = app.delete(7, &path("disconnect")).await.ok();
    assert_eq!(
        (&disconnected["success"], &disconnected["revocation"]),
        (&json!(true), &json!("revoked"))
    );
    assert_eq!(simulation.sandbox.calls().get("reddit", "revoke"), 1);
    assert_eq!(
        app.get(7, &path("token")).await.code(404),
        "ACCOUNT_NOT_FOUND"
    );
    assert_eq!(integrations(app).await, json!([]));
}

async fn two_accounts_of_one_provider_are_independent(database: TestDatabase) {
    let simulation = Simulation::start().await;
    let (_program, app, _) = serve_connected(&simulation, &database).await;
    simulation
        .connect(&app, 7, "reddit", "kiln", json!({}))
        .await;

    let (juniper, kiln) = (
        token(&app, 7, "reddit", ACCOUNT_JUNIPER).await,
        token(&app, 7, "reddit", ACCOUNT_KILN).await,
    );
    assert_ne!(juniper, kiln);
    let path = format!("/api/integrations/refresh/reddit/{ACCOUNT_KILN}");
    app.post(7, &path, json!({})).await.ok();
    assert_eq!(token(&app, 7, "reddit", ACCOUNT_JUNIPER).await, juniper);
    assert_ne!(token(&app, 7, "reddit", ACCOUNT_KILN).await, kiln);

    let path = format!("/api/integrations/disconnect/reddit/{ACCOUNT_KILN}");
    app.delete(7, &path).await.ok();
    assert_eq!(token(&app, 7, "reddit", ACCOUNT_JUNIPER).await, juniper);
    assert_eq!(integrations(&app).await.as_array().unwrap().len(), 1);
}

async fn grant_revoked_at_the_provider_requires_reconnect(database: TestDatabase) {
    let simulation = Simulation::start().await;
    let (program, app, _) = serve_connected(&simulation, &database).await;
    let id = integrations(&app).await[0]["id"].clone();
    drop(program);
    simulation.sandbox.revoke_user("reddit", "juniper").unwrap();
    expire_all(&database).await;

    let (_program, app) = simulation.serve(&database);
    let path = format!("/api/integrations/token/reddit/{ACCOUNT_JUNIPER}");
    assert_eq!(app.get(7, &path).await.code(409), "RECONNECT_REQUIRED");
    let calls = refreshes(&simulation);
    assert_eq!(app.get(7, &path).await.code(409), "RECONNECT_REQUIRED");
    assert_eq!(
        refreshes(&simulation),
        calls,
        "a revoked grant is not refreshed again"
    );
    assert_eq!(integrations(&app).await[0]["status"], "expired");

    let body = json!({ "accountId": ACCOUNT_JUNIPER });
    simulation.connect(&app, 7, "reddit", "juniper", body).await;
    let row = &integrations(&app).await[0];
    assert_eq!(
        (&row["status"], &row["id"]),
        (&json!("connected"), &id),
        "the connection is the same one"
    );
    token(&app, 7, "reddit", ACCOUNT_JUNIPER).await;
}

on_both_databases!(
    connected_account_is_read_refreshed_and_disconnected,
    two_accounts_of_one_provider_are_independent,
    grant_revoked_at_the_provider_requires_reconnect,
);
