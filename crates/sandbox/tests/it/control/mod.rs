//! The control endpoints under `/control`.

mod access;
mod operations;
mod validation;

use axum::body::Body;
use axum::http::Request;
use serde_json::Value;

use crate::harness::{Harness, Response};

/// Posts `body` as JSON to the control endpoint `path`.
async fn post_control(harness: &Harness, path: &str, body: &Value) -> Response {
    let request =
        Request::post(format!("/control/{path}")).header("content-type", "application/json");
    harness
        .send(request.body(Body::from(body.to_string())).unwrap())
        .await
}
