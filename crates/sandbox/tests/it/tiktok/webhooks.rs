//! Delivery and signature of TikTok's webhooks.

use axum::http::{Request, StatusCode};
use evergrant_sandbox::{SandboxError, Webhook, WebhookSignature};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpSocket};

use super::{OPEN_ID, connect, envelope_code, get};
use crate::harness::{Harness, START_SECONDS};

/// Head and body of a received request.
type Delivery = (String, String);

/// Starts a server that answers `count` deliveries with `status`. Returns its URL and, once all
/// have arrived, the deliveries.
async fn receiver(
    count: usize,
    status: &'static str,
) -> (String, tokio::task::JoinHandle<Vec<Delivery>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let url = format!("http://localhost:{port}/hooks/tiktok?a=1");
    let received = tokio::spawn(async move {
        let mut deliveries = Vec::new();
        for _ in 0..count {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut text = Vec::new();
            let delivery = loop {
                stream.read_buf(&mut text).await.unwrap();
                if let Some(delivery) = parse_delivery(std::str::from_utf8(&text).unwrap()) {
                    break delivery;
                }
            };
            deliveries.push(delivery);
            let response = format!("HTTP/1.1 {status}\r\ncontent-length: 2\r\n\r\nok");
            stream.write_all(response.as_bytes()).await.unwrap();
        }
        deliveries
    });
    (url, received)
}

/// Splits a request into head and body; `None` while the body is incomplete.
fn parse_delivery(text: &str) -> Option<Delivery> {
    let (head, body) = text.split_once("\r\n\r\n")?;
    let length: usize = header(head, "content-length").parse().unwrap();
    (body.len() == length).then(|| (head.to_owned(), body.to_owned()))
}

/// Returns the value of a header of the request head.
fn header(head: &str, name: &str) -> String {
    let mut lines = head.lines().filter_map(|line| line.split_once(": "));
    lines
        .find(|(key, _)| key.eq_ignore_ascii_case(name))
        .unwrap()
        .1
        .to_owned()
}

fn signature(delivery: &Delivery) -> String {
    header(&delivery.0, "tiktok-signature")
}

#[tokio::test]
async fn removal_webhook_matches_the_known_signature() {
    let harness = Harness::new();
    harness.clock.advance_seconds(1_767_225_601 - START_SECONDS);
    let (url, received) = receiver(1, "200 OK").await;
    let delayed = Webhook {
        delay_seconds: 1,
        ..Webhook::new("tiktok", "juniper", &url)
    };
    assert_eq!(harness.sandbox.send_webhook(delayed).await.unwrap(), [200]);
    let delivery = &received.await.unwrap()[0];
    assert!(
        delivery
            .0
            .starts_with("POST /hooks/tiktok?a=1 HTTP/1.1\r\n"),
        "{}",
        delivery.0
    );
    assert_eq!(header(&delivery.0, "content-type"), "application/json");
    assert_eq!(
        delivery.1,
        "{\"client_key\":\"simkey01\",\"event\":\"authorization.removed\",\"create_time\":1767225600,\
         \"user_openid\":\"-000simOpenId01\",\"content\":\"{\\\"reason\\\":1}\"}"
    );
    assert_eq!(
        signature(delivery),
        "t=1767225601,s=1805bf3e5b9232a4f9c7cf1faede8afeaf0c5ebee2521db7ed934ac4fd24b02d"
    );
    let message: Value = serde_json::from_str(&delivery.1).unwrap();
    let content: Value = serde_json::from_str(message["content"].as_str().unwrap()).unwrap();
    assert_eq!(content, json!({ "reason": 1 }));
}

#[tokio::test]
async fn tokens_are_invalid_when_the_removal_webhook_arrives() {
    let harness = Harness::new();
    let (removed, other) = (
        connect(&harness, "juniper").await.0,
        connect(&harness, "wren").await.0,
    );
    let (url, received) = receiver(1, "500 Oops").await;
    let removal = Webhook {
        reason: 5,
        ..Webhook::new("tiktok", "juniper", &url)
    };
    assert_eq!(
        harness.sandbox.send_webhook(removal).await.unwrap(),
        [500],
        "the receiver's status is returned"
    );
    assert!(received.await.unwrap()[0].1.contains("{\\\"reason\\\":5}"));
    assert_eq!(
        envelope_code(&get(&harness, OPEN_ID, &removed).await),
        (401, "access_token_invalid".into())
    );
    assert_eq!(get(&harness, OPEN_ID, &other).await.status, StatusCode::OK);
}

/// Juniper's webhooks with a wrong signature, an old signature, an old event, and another event.
fn unusual_webhooks(url: &str) -> [Webhook; 4] {
    let default = || Webhook::new("tiktok", "juniper", url);
    [
        Webhook {
            signature: WebhookSignature::Wrong,
            ..default()
        },
        Webhook {
            signature: WebhookSignature::Old,
            ..default()
        },
        Webhook {
            delay_seconds: 7200,
            ..default()
        },
        Webhook {
            event: "video.publish.completed".into(),
            ..default()
        },
    ]
}

#[tokio::test]
async fn forged_late_or_unrelated_webhooks_revoke_nothing() {
    let harness = Harness::new();
    let (access, _) = connect(&harness, "juniper").await;
    let (url, received) = receiver(4, "200 OK").await;
    for webhook in unusual_webhooks(&url) {
        harness.sandbox.send_webhook(webhook).await.unwrap();
    }
    let deliveries = received.await.unwrap();
    let signed_at: Vec<_> = deliveries
        .iter()
        .map(|delivery| signature(delivery).split(',').next().unwrap().to_owned())
        .collect();
    let now = format!("t={START_SECONDS}");
    let an_hour_ago = format!("t={}", START_SECONDS - 3600);
    assert_eq!(signed_at, [now.clone(), an_hour_ago, now.clone(), now]);
    let late: Value = serde_json::from_str(&deliveries[2].1).unwrap();
    assert_eq!(
        late["create_time"],
        START_SECONDS - 7200,
        "a late webhook has an old event time and a new signature"
    );
    assert_eq!(get(&harness, OPEN_ID, &access).await.status, StatusCode::OK);
}

#[tokio::test]
async fn duplicate_deliveries_are_identical_and_wrong_signature_differs() {
    let harness = Harness::new();
    let (url, received) = receiver(4, "204 No Content").await;
    let control = |body: Value| {
        let request = Request::post("/control/webhooks").body(body.to_string().into());
        harness.send(request.unwrap())
    };
    let repeated = json!({ "platform": "tiktok", "person": "juniper", "url": url, "times": 3 });
    let forged =
        json!({ "platform": "tiktok", "person": "juniper", "url": url, "signature": "wrong" });
    let statuses = control(repeated).await.json();
    assert_eq!(statuses, json!({ "statuses": [204, 204, 204] }));
    assert_eq!(control(forged).await.json(), json!({ "statuses": [204] }));
    let deliveries = received.await.unwrap();
    let signed = |at: usize| (signature(&deliveries[at]), deliveries[at].1.clone());
    assert!(signed(0) == signed(1) && signed(1) == signed(2));
    assert_eq!(signed(0).1, signed(3).1, "bodies are equal");
    assert_ne!(signed(0).0, signed(3).0, "signatures differ");
}

#[tokio::test]
async fn webhook_to_a_non_loopback_url_is_rejected() {
    let harness = Harness::new();
    for url in [
        "http://192.0.2.1/x",
        "http://hooks.example/x",
        "https://localhost/x",
        "file:///etc/passwd",
        "x",
    ] {
        let refused = harness
            .sandbox
            .send_webhook(Webhook::new("tiktok", "juniper", url))
            .await
            .unwrap_err();
        assert!(
            matches!(&refused, SandboxError::BadWebhook(_)),
            "{url}: {refused}"
        );
    }
}

#[tokio::test]
async fn undeliverable_webhook_is_rejected_with_a_reason() {
    let harness = Harness::new();
    // A bound socket that does not listen refuses connections and reserves its port.
    let reserved = TcpSocket::new_v4().unwrap();
    reserved.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let url = format!("http://{}/x", reserved.local_addr().unwrap());
    let valid = Webhook::new("tiktok", "juniper", &url);
    for (webhook, reason) in [
        (
            Webhook {
                times: 0,
                ..valid.clone()
            },
            "times must be between 1",
        ),
        (
            Webhook {
                person: "saffron".into(),
                ..valid.clone()
            },
            "juniper",
        ),
        (
            Webhook {
                platform: "reddit".into(),
                ..valid.clone()
            },
            "Reddit sends no webhooks",
        ),
        (valid, "could not be delivered"),
    ] {
        let refused = harness.sandbox.send_webhook(webhook).await.unwrap_err();
        assert!(refused.to_string().contains(reason), "{refused}");
    }
}
