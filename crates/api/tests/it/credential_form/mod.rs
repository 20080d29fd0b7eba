//! `GET` and `POST /connect/{provider}`: the form for a user's session credentials.

mod page;
mod rejection;
mod submission;

use axum::http::Method;
use serde_json::json;
use url::Url;

use crate::fake_providers::{OWNER, USER_AGENT, X_BC};
use crate::harness::Harness;
use crate::response::TestResponse;

const FORM: &str = "/connect/onlyfans";

/// Starts a flow and returns the path of its form.
async fn form_path(harness: &Harness, connect: serde_json::Value) -> String {
    let started = harness.start_flow(1, "onlyfans", connect).await;
    let url = Url::parse(&started.text("authUrl")).unwrap();
    assert_eq!(
        (url.host_str(), url.path()),
        (Some("localhost"), "/connect/onlyfans")
    );
    format!("{}?{}", url.path(), url.query().unwrap())
}

/// Returns a request in the format of the browser's "Copy as cURL".
fn curl(sess: &str) -> String {
    format!(
        "curl 'https://onlyfans.example/api' -H \"user-agent: {USER_AGENT}\" -H 'x-bc: {X_BC}' \\\n -b 'sess={sess}; auth_id={OWNER}; lang=en'"
    )
}

/// Submits the form with these fields.
async fn send(harness: &Harness, page: &TestResponse, fields: &[(&str, &str)]) -> TestResponse {
    let own = [("state", page.field("state")), ("csrf", page.field("csrf"))];
    let form: Vec<_> = own.into_iter().chain(fields.iter().copied()).collect();
    harness
        .anonymous()
        .request(Method::POST, FORM)
        .form(&form)
        .send()
        .await
}

/// Starts a flow and returns its page.
async fn open_page(harness: &Harness) -> TestResponse {
    let path = form_path(harness, json!({})).await;
    harness.anonymous().get(&path).await
}
