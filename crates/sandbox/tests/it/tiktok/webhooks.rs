use axum::http::StatusCode;
use evergrant_sandbox::{SandboxError, Webhook, WebhookSignature};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpSocket};

use super::{OPEN_ID, connect, get, verdict};
use crate::harness::{START_S, Stand};

/// What arrived: the request's head and body.
type Delivery = (String, String);

/// An address that takes `count` deliveries with `status`, and the deliveries.
async fn receiver(
    count: usize,
    status: &'static str,
) -> (String, tokio::task::JoinHandle<Vec<Delivery>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!(
        "http://localhost:{}/hooks/tiktok?a=1",
        listener.local_addr().unwrap().port()
    );
    let taken = tokio::spawn(async move {
        let mut deliveries = Vec::new();
        for _ in 0..count {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut text = Vec::new();
            let delivery = loop {
                stream.read_buf(&mut text).await.unwrap();
                if let Some(whole) = whole(std::str::from_utf8(&text).unwrap()) {
                    break whole;
                }
            };
            deliveries.push(delivery);
            let answer = format!("HTTP/1.1 {status}\r\ncontent-length: 2\r\n\r\nok");
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
        deliveries
    });
    (url, taken)
}

fn whole(text: &str) -> Option<Delivery> {
    let (head, body) = text.split_once("\r\n\r\n")?;
    let length: usize = header(head, "content-length").parse().unwrap();
    (body.len() == length).then(|| (head.to_owned(), body.to_owned()))
}

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
async fn a_removal_is_signed_as_the_known_vector_and_its_content_is_read_twice() {
    let stand = Stand::new();
    stand.clock.advance_seconds(1_767_225_601 - START_S);
    let (url, taken) = receiver(1, "200 OK").await;
    let late = Webhook {
        delay_seconds: 1,
        ..Webhook::new("tiktok", "juniper", &url)
    };
    assert_eq!(stand.sandbox.send_webhook(late).await.unwrap(), [200]);
    let delivery = &taken.await.unwrap()[0];
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
async fn the_tokens_are_dead_when_the_news_of_a_removal_arrives() {
    let stand = Stand::new();
    let (mine, theirs) = (
        connect(&stand, "juniper").await.0,
        connect(&stand, "wren").await.0,
    );
    let (url, taken) = receiver(1, "500 Oops").await;
    let removal = Webhook {
        reason: 5,
        ..Webhook::new("tiktok", "juniper", &url)
    };
    assert_eq!(
        stand.sandbox.send_webhook(removal).await.unwrap(),
        [500],
        "what the receiver said is told"
    );
    assert!(taken.await.unwrap()[0].1.contains("{\\\"reason\\\":5}"));
    assert_eq!(
        verdict(&get(&stand, OPEN_ID, &mine).await),
        (401, "access_token_invalid".into())
    );
    assert_eq!(get(&stand, OPEN_ID, &theirs).await.status, StatusCode::OK);
}

#[tokio::test]
async fn forged_old_and_late_news_change_nothing_at_the_platform() {
    let stand = Stand::new();
    let (access, _) = connect(&stand, "juniper").await;
    let (url, taken) = receiver(4, "200 OK").await;
    let usual = || Webhook::new("tiktok", "juniper", &url);
    for webhook in [
        Webhook {
            signature: WebhookSignature::Wrong,
            ..usual()
        },
        Webhook {
            signature: WebhookSignature::Old,
            ..usual()
        },
        Webhook {
            delay_seconds: 7200,
            ..usual()
        },
        Webhook {
            event: "video.publish.completed".into(),
            ..usual()
        },
    ] {
        stand.sandbox.send_webhook(webhook).await.unwrap();
    }
    let deliveries = taken.await.unwrap();
    let signed_at: Vec<_> = deliveries
        .iter()
        .map(|one| signature(one).split(',').next().unwrap().to_owned())
        .collect();
    let (now, an_hour_ago) = (format!("t={START_S}"), format!("t={}", START_S - 3600));
    assert_eq!(signed_at, [now.clone(), an_hour_ago, now.clone(), now]);
    let happened_at = |at: usize| {
        serde_json::from_str::<Value>(&deliveries[at].1).unwrap()["create_time"].clone()
    };
    assert_eq!(
        happened_at(2),
        START_S - 7200,
        "late: long ago, and signed now"
    );
    assert_eq!(get(&stand, OPEN_ID, &access).await.status, StatusCode::OK);
}

#[tokio::test]
async fn duplicates_are_the_same_to_the_byte_and_a_wrong_signature_is_not_the_right_one() {
    let stand = Stand::new();
    let (url, taken) = receiver(4, "204 No Content").await;
    let control = |body: Value| {
        let request = axum::http::Request::post("/control/webhooks")
            .body(body.to_string().into())
            .unwrap();
        stand.send(request)
    };
    let body = json!({ "platform": "tiktok", "person": "juniper", "url": url, "times": 3 });
    assert_eq!(
        control(body).await.json(),
        json!({ "statuses": [204, 204, 204] })
    );
    let forged =
        json!({ "platform": "tiktok", "person": "juniper", "url": url, "signature": "wrong" });
    assert_eq!(control(forged).await.json(), json!({ "statuses": [204] }));
    let deliveries = taken.await.unwrap();
    let same = |at: usize| (signature(&deliveries[at]), deliveries[at].1.clone());
    assert!(same(0) == same(1) && same(1) == same(2));
    assert_eq!(same(0).1, same(3).1);
    assert_ne!(same(0).0, same(3).0);
}

#[tokio::test]
async fn nothing_leaves_this_machine() {
    let stand = Stand::new();
    for url in [
        "http://192.0.2.1/x",
        "http://hooks.example/x",
        "https://localhost/x",
        "file:///etc/passwd",
        "x",
    ] {
        let refused = stand
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
async fn a_webhook_that_cannot_be_sent_is_refused_in_words() {
    let stand = Stand::new();
    // Bound and not listening: nobody answers there, and no other test is given the port.
    let deaf = TcpSocket::new_v4().unwrap();
    deaf.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let url = format!("http://{}/x", deaf.local_addr().unwrap());
    let usual = Webhook::new("tiktok", "juniper", &url);
    for (webhook, says) in [
        (
            Webhook {
                times: 0,
                ..usual.clone()
            },
            "times is from 1",
        ),
        (
            Webhook {
                person: "saffron".into(),
                ..usual.clone()
            },
            "juniper",
        ),
        (
            Webhook {
                platform: "reddit".into(),
                ..usual.clone()
            },
            "Reddit sends no webhooks",
        ),
        (usual, "could not be delivered"),
    ] {
        let refused = stand.sandbox.send_webhook(webhook).await.unwrap_err();
        assert!(refused.to_string().contains(says), "{refused}");
    }
}
