//! Scenarios in which secrets occur: connections with an API key, in a browser and in the console,
//! and failures of the provider and of Evergrant.

use axum::http::Method;
use serde_json::json;

use crate::caller::{AppForUser, Caller};
use crate::harness::{CHALLENGE, Harness, JUNIPER, VERIFIER};
use crate::response::TestResponse;
use crate::secrets::tracker::{SecretTracker, Source};

/// Runs every scenario against one service.
pub(super) async fn run_all_scenarios() -> SecretTracker {
    let (harness, mut tracker) = (Harness::new().await, SecretTracker::default());
    use_api_key(&harness, &mut tracker).await;
    use_session_token(&harness, &mut tracker).await;
    use_console(&harness, &mut tracker).await;
    fail_internally(&harness, &mut tracker).await;
    for kind in [
        "access token",
        "refresh token",
        "pending access token",
        "code verifier",
        "receipt",
        "code",
        "state",
    ] {
        assert!(
            tracker.secrets.iter().any(|secret| secret.kind == kind),
            "no {kind} occurred"
        );
    }
    tracker
}

/// The app's backend connects an account, reads and refreshes its token, meets failures of the
/// provider, and disconnects the account.
async fn use_api_key(harness: &Harness, tracker: &mut SecretTracker) {
    let app = harness.app_for(1).await;
    for (kind, text) in [
        ("API key", app.key()),
        ("client secret", "simRedditSecret"),
        ("client secret", "c2ltUmVkZGl0SWQ6c2ltUmVkZGl0U2VjcmV0"),
        ("encryption key", "a passphrase for tests"),
    ] {
        tracker.add_secret(kind, text, Source::Other);
    }
    connect(harness, &app, tracker).await;
    for path in [
        "status",
        "providers",
        "token/acme/unknown",
        "token/nowhere/x",
    ] {
        let path = format!("/api/integrations/{path}");
        tracker.record(Source::Other, app.get(&path).await);
    }
    read_tokens(harness, &app, tracker).await;
    fail_callbacks(harness, tracker).await;
    fail_requests(harness, &app, tracker).await;
    let path = format!("/api/integrations/disconnect/acme/{JUNIPER}");
    tracker.record(Source::Other, app.delete(&path).await);
}

/// Connects an account and repeats the callback.
async fn connect(harness: &Harness, app: &Caller<'_, AppForUser>, tracker: &mut SecretTracker) {
    let started = app.post("/api/integrations/connect/acme", json!({})).await;
    let started = tracker.record(Source::Connect, started);
    let path = harness.consent(&started, "juniper");
    tracker.add_callback_secrets(&started, &path);
    tracker.add_stored_secrets(harness).await;
    for _ in 0..2 {
        tracker.record(Source::Callback, harness.anonymous().get(&path).await);
    }
    tracker.add_stored_secrets(harness).await;
}

/// Reads the token before and after its expiry, refreshes it, and reads it in a batch.
async fn read_tokens(harness: &Harness, app: &Caller<'_, AppForUser>, tracker: &mut SecretTracker) {
    let token = format!("/api/integrations/token/acme/{JUNIPER}");
    tracker.record(Source::Tokens, app.get(&token).await);
    harness.clock.advance_seconds(86_400);
    tracker.record(Source::Tokens, app.get(&token).await);
    tracker.add_stored_secrets(harness).await;
    tracker.record(Source::Other, refresh(app).await);
    tracker.add_stored_secrets(harness).await;
    let accounts = [JUNIPER, "x"].map(|id| json!({"provider": "acme", "accountId": id}));
    let batch = json!({ "accounts": accounts });
    let response = app.post("/api/integrations/tokens", batch).await;
    tracker.record(Source::Tokens, response);
}

async fn refresh(app: &Caller<'_, AppForUser>) -> TestResponse {
    let path = format!("/api/integrations/refresh/acme/{JUNIPER}");
    app.post(&path, json!({})).await
}

/// Denies consent, and fails the code exchange, the profile request and the refresh.
async fn fail_callbacks(harness: &Harness, tracker: &mut SecretTracker) {
    let denied = harness.start_flow(1, "acme", json!({})).await;
    let path = harness.deny(&denied);
    tracker.add_callback_secrets(&denied, &path);
    tracker.record(Source::Callback, harness.anonymous().get(&path).await);
    for endpoint in ["token.authorization_code", "me"] {
        let started = harness.start_flow(1, "acme", json!({})).await;
        let path = harness.consent(&started, "kiln");
        tracker.add_callback_secrets(&started, &path);
        harness.fail_next(endpoint, 400, 1);
        let other_provider = path.replace("/acme?", "/reddit?");
        for path in [path, other_provider] {
            tracker.record(Source::Callback, harness.anonymous().get(&path).await);
        }
        tracker.add_stored_secrets(harness).await;
    }
    let invalid = json!({"state": denied.text("state"), "code": "made-up-by-hand"});
    tracker.add_secret("invalid code", "made-up-by-hand", Source::Other);
    let app = harness.app_for(1).await;
    let response = app.post("/api/integrations/callback/acme", invalid).await;
    tracker.record(Source::Other, response);
}

/// Fails a refresh, and sends the API key where it does not belong.
async fn fail_requests(
    harness: &Harness,
    app: &Caller<'_, AppForUser>,
    tracker: &mut SecretTracker,
) {
    harness.fail_next("token.refresh_token", 401, 1);
    tracker.record(Source::Other, refresh(app).await);
    let key = app.key();
    for body in [
        format!("{{\"{key}\":1}}"),
        format!("{{\"scopes\":\"{key}\"}}"),
        key.to_owned(),
    ] {
        let request = app
            .request(Method::POST, "/api/integrations/connect/acme")
            .json(&body);
        tracker.record(Source::Other, request.send().await);
    }
    let request = app
        .request(Method::GET, "/api/integrations/status")
        .header("x-request-id", &format!("{key}{key}"));
    tracker.record(Source::Other, request.send().await);
}

/// A browser connects an account, and tries to read a token without permission.
async fn use_session_token(harness: &Harness, tracker: &mut SecretTracker) {
    let app = harness.app().await;
    let session = app.post("/api/sessions", json!({"userId": 1})).await;
    tracker.add_secret("session token", &session.text("token"), Source::Sessions);
    tracker.record(Source::Sessions, session);
    let browser = harness.browser(1).await;
    tracker.add_secret("session token", browser.session(), Source::Other);
    tracker.add_secret("the browser's verifier", VERIFIER, Source::Other);
    let challenge = json!({"challenge": CHALLENGE});
    let started = browser
        .post("/api/integrations/connect/reddit", challenge)
        .await;
    let path = harness.consent(&started, "kiln");
    tracker.add_callback_secrets(&started, &path);
    let redirect = tracker.record(Source::Callback, harness.anonymous().get(&path).await);
    let receipt = redirect.query_param("receipt").unwrap();
    tracker.add_secret("receipt", &receipt, Source::Callback);
    tracker.add_stored_secrets(harness).await;
    let flow = format!("/api/integrations/flows/{}", started.text("flowId"));
    tracker.record(Source::Other, browser.get(&flow).await);
    for verifier in ["a wrong verifier", VERIFIER, VERIFIER] {
        let body = json!({"verifier": verifier, "receipt": receipt});
        let response = browser.post(&format!("{flow}/finish"), body).await;
        tracker.record(Source::Other, response);
    }
    for path in ["status", "token/reddit/sima4"] {
        let path = format!("/api/integrations/{path}");
        tracker.record(Source::Other, browser.get(&path).await);
    }
    tracker.add_stored_secrets(harness).await;
}

/// A user signs in to the console with a portal link and opens its routes.
async fn use_console(harness: &Harness, tracker: &mut SecretTracker) {
    let body = json!({"userId": 1, "portal": true});
    let session = harness.app().await.post("/api/sessions", body).await;
    let session = tracker.record(Source::Sessions, session);
    let url = session.text("url");
    let link = url.strip_prefix("http://localhost:8080").unwrap();
    let code = link.rsplit('/').next().unwrap();
    tracker.add_secret("portal code", code, Source::Sessions);
    let opened = tracker.record(Source::Portal, harness.anonymous().get(link).await);
    let set_cookie = opened.header("set-cookie").unwrap();
    let cookie = set_cookie.split(';').next().unwrap();
    tracker.add_secret("cookie", cookie.split_once('=').unwrap().1, Source::Portal);
    tracker.record(Source::Other, harness.anonymous().get(link).await);
    for (method, path) in [
        (Method::GET, "/console/session"),
        (Method::POST, "/console/session"),
        (Method::GET, "/api/integrations/status"),
    ] {
        let request = harness.anonymous().request(method, path);
        let response = request.header("cookie", cookie).send().await;
        tracker.record(Source::Other, response);
    }
}

/// Evergrant fails: a token cannot be decrypted, and the database is unusable.
async fn fail_internally(harness: &Harness, tracker: &mut SecretTracker) {
    let app = harness.app_for(1).await;
    harness.connect(1, "juniper").await;
    tracker.add_stored_secrets(harness).await;
    let token = format!("/api/integrations/token/reddit/{JUNIPER}");
    for (statement, status) in [
        (
            "UPDATE oauth_accounts SET access_token = refresh_token || '00'",
            500,
        ),
        ("DROP TABLE evergrant_connections", 500),
    ] {
        harness.database.execute(statement).await;
        harness.clock.advance_seconds(60);
        let response = tracker.record(Source::Other, app.get(&token).await);
        assert_eq!(response.status, status, "{statement}");
    }
    harness.service.process().drain().await;
}
