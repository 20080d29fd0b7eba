use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, Request, StatusCode};
use axum::routing::post;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Value, json};

use crate::harness::{Answer, Stand};
use crate::meta::JUNIPER;

type Received = Arc<Mutex<Vec<(HeaderMap, String)>>>;

/// An app that keeps what it is sent.
struct App {
    address: String,
    received: Received,
    server: tokio::task::JoinHandle<()>,
}

impl App {
    async fn start() -> Self {
        let received = Received::default();
        let kept = received.clone();
        let hook = move |headers: HeaderMap, body: Bytes| async move {
            kept.lock()
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

impl Drop for App {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn order(stand: &Stand, body: &Value) -> Answer {
    stand
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

/// Whether the signed request is right for the secret, and what it says.
fn opened(body: &str, secret: &str) -> (bool, Value) {
    let value = body.strip_prefix("signed_request=").unwrap();
    let (signature, payload) = value.split_once('.').unwrap();
    let is_right = URL_SAFE_NO_PAD.decode(signature).unwrap() == hmac(secret, payload);
    (
        is_right,
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap(),
    )
}

#[tokio::test]
async fn deauthorization_and_deletion_arrive_signed_with_the_logins_own_secret() {
    let (stand, app) = (Stand::new(), App::start().await);
    for (platform, secret, user_id) in [
        ("instagram", "sim-app-secret", "10150000000000001"),
        (
            "instagram-login",
            "sim-instagram-secret",
            "24100000000000001",
        ),
    ] {
        for kind in ["deauthorize", "deletion"] {
            let body = json!({ "platform": platform, "kind": kind, "person": "juniper", "url": app.address });
            let answer = order(&stand, &body).await;
            let told = json!({ "answers": [{ "status": 202, "body": "{\"confirmation_code\":\"SIM42\"}" }] });
            assert_eq!(answer.json(), told);
            let (headers, body) = app.received.lock().unwrap().pop().unwrap();
            assert_eq!(headers["content-type"], "application/x-www-form-urlencoded");
            let (is_right, payload) = opened(&body, secret);
            assert!(is_right);
            assert_eq!(
                (&payload["user_id"], &payload["algorithm"]),
                (&json!(user_id), &json!("HMAC-SHA256"))
            );
            assert_eq!(payload["issued_at"], 1_767_225_610);
        }
    }
}

#[tokio::test]
async fn a_webhook_is_signed_over_its_body_and_can_come_twice() {
    let (stand, app) = (Stand::new(), App::start().await);
    let body = json!({
        "platform": "instagram", "kind": "webhook", "person": "juniper", "url": app.address, "times": 2,
    });
    assert_eq!(
        order(&stand, &body).await.json()["answers"]
            .as_array()
            .unwrap()
            .len(),
        2
    );
    let received = app.received.lock().unwrap().clone();
    assert_eq!(received[0].1, received[1].1);
    let (headers, body) = &received[0];
    let right = format!("sha256={}", const_hex::encode(hmac("sim-app-secret", body)));
    assert_eq!(headers["x-hub-signature-256"], right);
    let entry = &serde_json::from_str::<Value>(body).unwrap()["entry"][0];
    assert_eq!(
        (&entry["id"], &entry["changes"][0]["field"]),
        (&json!(JUNIPER), &json!("comments"))
    );
}

#[tokio::test]
async fn a_wrong_signature_can_be_asked_for() {
    let (stand, app) = (Stand::new(), App::start().await);
    for kind in ["deauthorize", "webhook"] {
        let body = json!({
            "platform": "instagram", "kind": kind, "person": "juniper", "url": app.address, "signature": "wrong",
        });
        order(&stand, &body).await;
    }
    let received = app.received.lock().unwrap().clone();
    assert!(!opened(&received[0].1, "sim-app-secret").0);
    let right = format!(
        "sha256={}",
        const_hex::encode(hmac("sim-app-secret", &received[1].1))
    );
    assert_ne!(received[1].0["x-hub-signature-256"], right);
}

#[tokio::test]
async fn callbacks_stay_on_this_machine_and_bad_orders_are_refused_in_words() {
    let stand = Stand::new();
    let good = json!({
        "platform": "instagram", "kind": "webhook", "person": "juniper", "url": "http://127.0.0.1:1/", "times": 1,
    });
    for (field, value, says) in [
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
            "127.0.0.1:1 did not take it",
        ),
        ("person", json!("ghost"), "juniper"),
        ("person", json!("kiln"), "no such callback"),
        ("platform", json!("reddit"), "no such callback"),
        ("kind", json!("telegram"), "unknown variant `telegram`"),
        ("times", json!(0), "times is from 1 to 100"),
    ] {
        let mut body = good.clone();
        body[field] = value;
        let answer = order(&stand, &body).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{body}");
        assert!(
            answer.text("error").contains(says),
            "{body}: {}",
            answer.body
        );
    }
}
