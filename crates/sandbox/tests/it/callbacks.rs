//! Meta's callbacks to the app: deauthorization, deletion and webhooks.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, Request, StatusCode};
use axum::routing::post;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Value, json};

use crate::harness::{Harness, Response, START_SECONDS};
use crate::meta::JUNIPER;

type Received = Arc<Mutex<Vec<(HeaderMap, String)>>>;

/// A server that records the requests it receives, at `/hook`.
struct CallbackReceiver {
    address: String,
    received: Received,
    server: tokio::task::JoinHandle<()>,
}

impl CallbackReceiver {
    async fn start() -> Self {
        let received = Received::default();
        let recorded = received.clone();
        let hook = move |headers: HeaderMap, body: Bytes| async move {
            recorded
                .lock()
                .unwrap()
                .push((headers, String::from_utf8(body.to_vec()).unwrap()));
            (StatusCode::ACCEPTED, "{\"confirmation_code\":\"SIM42\"}")
        };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}/hook?a=1", listener.local_addr().unwrap());
        let router = Router::new().route("/hook", post(hook));
        let server = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self {
            address,
            received,
            server,
        }
    }
}

impl Drop for CallbackReceiver {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// Requests a callback through the control endpoint.
async fn request_callback(harness: &Harness, body: &Value) -> Response {
    harness
        .send(
            Request::post("/control/callbacks")
                .body(Body::from(body.to_string()))
                .unwrap(),
        )
        .await
}

fn hmac(secret: &str, message: &str) -> Vec<u8> {
    let mac = Hmac::<sha2::Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.chain_update(message).finalize().into_bytes().to_vec()
}

/// Returns whether the signed request was signed with `secret`, and its payload.
fn open_signed_request(body: &str, secret: &str) -> (bool, Value) {
    let value = body.strip_prefix("signed_request=").unwrap();
    let (signature, payload) = value.split_once('.').unwrap();
    let is_valid = URL_SAFE_NO_PAD.decode(signature).unwrap() == hmac(secret, payload);
    (
        is_valid,
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap(),
    )
}

#[tokio::test]
async fn deauthorization_and_deletion_are_signed_with_the_apps_secret() {
    let (harness, app) = (Harness::new(), CallbackReceiver::start().await);
    for (provider, secret, user_id) in [
        ("instagram", "sim-app-secret", "10150000000000001"),
        (
            "instagram-login",
            "sim-instagram-secret",
            "24100000000000001",
        ),
    ] {
        for kind in ["deauthorize", "deletion"] {
            let body = json!({ "platform": provider, "kind": kind, "person": "juniper", "url": app.address });
            let response = request_callback(&harness, &body).await;
            let expected = json!({ "answers": [{ "status": 202, "body": "{\"confirmation_code\":\"SIM42\"}" }] });
            assert_eq!(response.json(), expected);
            let (headers, body) = app.received.lock().unwrap().pop().unwrap();
            assert_eq!(headers["content-type"], "application/x-www-form-urlencoded");
            let (is_valid, payload) = open_signed_request(&body, secret);
            assert!(is_valid);
            assert_eq!(
                (&payload["user_id"], &payload["algorithm"]),
                (&json!(user_id), &json!("HMAC-SHA256"))
            );
            assert_eq!(payload["issued_at"], START_SECONDS);
        }
    }
}

#[tokio::test]
async fn webhook_signature_covers_the_body_and_delivery_can_repeat() {
    let (harness, app) = (Harness::new(), CallbackReceiver::start().await);
    let body = json!({
        "platform": "instagram", "kind": "webhook", "person": "juniper", "url": app.address, "times": 2,
    });
    assert_eq!(
        request_callback(&harness, &body).await.json()["answers"]
            .as_array()
            .unwrap()
            .len(),
        2
    );
    let received = app.received.lock().unwrap().clone();
    assert_eq!(received[0].1, received[1].1);
    let (headers, body) = &received[0];
    let expected = format!("sha256={}", const_hex::encode(hmac("sim-app-secret", body)));
    assert_eq!(headers["x-hub-signature-256"], expected);
    let entry = &serde_json::from_str::<Value>(body).unwrap()["entry"][0];
    assert_eq!(
        (&entry["id"], &entry["changes"][0]["field"]),
        (&json!(JUNIPER), &json!("comments"))
    );
}

#[tokio::test]
async fn callback_can_have_a_wrong_signature() {
    let (harness, app) = (Harness::new(), CallbackReceiver::start().await);
    for kind in ["deauthorize", "webhook"] {
        let body = json!({
            "platform": "instagram", "kind": kind, "person": "juniper", "url": app.address, "signature": "wrong",
        });
        request_callback(&harness, &body).await;
    }
    let received = app.received.lock().unwrap().clone();
    assert!(!open_signed_request(&received[0].1, "sim-app-secret").0);
    let expected = format!(
        "sha256={}",
        const_hex::encode(hmac("sim-app-secret", &received[1].1))
    );
    assert_ne!(received[1].0["x-hub-signature-256"], expected);
}

#[tokio::test]
async fn non_loopback_or_invalid_callback_is_rejected_with_a_reason() {
    let harness = Harness::new();
    let valid = json!({
        "platform": "instagram", "kind": "webhook", "person": "juniper", "url": "http://127.0.0.1:1/", "times": 1,
    });
    for (field, value, reason) in [
        (
            "url",
            json!("https://app.example/hook"),
            "not an http address on this machine",
        ),
        (
            "url",
            json!("http://169.254.169.254/"),
            "not an http address on this machine",
        ),
        (
            "url",
            json!("http://127.0.0.1:1/"),
            "127.0.0.1:1 did not respond",
        ),
        ("person", json!("ghost"), "juniper"),
        ("person", json!("kiln"), "does not send this callback"),
        ("platform", json!("reddit"), "does not send this callback"),
        ("kind", json!("telegram"), "unknown variant `telegram`"),
        ("times", json!(0), "times must be between 1 and 100"),
    ] {
        let mut body = valid.clone();
        body[field] = value;
        let response = request_callback(&harness, &body).await;
        assert_eq!(response.status, StatusCode::BAD_REQUEST, "{body}");
        assert!(
            response.text("error").contains(reason),
            "{body}: {}",
            response.body
        );
    }
}
