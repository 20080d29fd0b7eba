//! `GET /api/integrations/events`

use axum::body::BodyDataStream;
use axum::http::Method;
use evergrant_model::{ProviderAccountId, ProviderSlug};
use futures_util::StreamExt;
use serde_json::{Value, json};

use crate::caller::{Caller, Credential};
use crate::harness::{Harness, JUNIPER, call, call_as};

const EVENTS: &str = "/api/integrations/events";

/// A server-sent event.
#[derive(Debug, Clone, PartialEq)]
struct ServerEvent {
    id: i64,
    name: String,
    data: Value,
}

/// The client side of an event stream.
struct Reader {
    body: BodyDataStream,
    text: String,
}

impl Reader {
    /// Opens the stream, optionally after the event `last_seen`.
    async fn open<C: Credential>(caller: &Caller<'_, C>, last_seen: Option<i64>) -> Self {
        let request = caller.request(Method::GET, EVENTS);
        let request = match last_seen {
            Some(id) => request.header("last-event-id", &id.to_string()),
            None => request,
        };
        let response = request.response().await;
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        assert_eq!(response.headers()["cache-control"], "no-store");
        Self {
            body: response.into_body().into_data_stream(),
            text: String::new(),
        }
    }

    /// Returns the next event, or `None` at the end of the stream.
    async fn next(&mut self) -> Option<ServerEvent> {
        while !self.text.contains("\n\n") {
            self.text
                .push_str(std::str::from_utf8(&self.body.next().await?.unwrap()).unwrap());
        }
        let (lines, rest) = self.text.split_once("\n\n").unwrap();
        let field = |name: &str| {
            let line = lines
                .lines()
                .find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
            line.unwrap_or_else(|| panic!("no {name} in {lines}"))
                .to_owned()
        };
        let event = ServerEvent {
            id: field("id").parse().unwrap(),
            name: field("event"),
            data: serde_json::from_str(&field("data")).unwrap(),
        };
        assert_eq!(event.data["version"], event.id, "{lines}");
        self.text = rest.to_string();
        Some(event)
    }

    /// Returns the next event about an account, skipping `flow` and `ready` events.
    async fn next_account_event(&mut self) -> ServerEvent {
        loop {
            let event = self.next().await.unwrap();
            if !["flow", "ready"].contains(&event.name.as_str()) {
                return event;
            }
        }
    }
}

/// Starts a harness whose background jobs run.
async fn running_harness() -> Harness {
    let harness = Harness::new().await;
    let service = harness.service.clone();
    tokio::spawn(async move { service.process().run(std::future::pending()).await });
    harness
}

/// Refreshes the token of user 1 without the API.
async fn refresh(harness: &Harness, correlation_id: &str) {
    let (call, user) = (call_as(correlation_id), 1.try_into().unwrap());
    let provider = ProviderSlug::new("reddit").unwrap();
    let account = ProviderAccountId::new(JUNIPER).unwrap();
    let refreshed = harness
        .service
        .refresh_token(&call, user, &provider, &account);
    refreshed.await.unwrap();
}

#[tokio::test]
async fn stream_delivers_events_of_its_own_user_only() {
    let harness = running_harness().await;
    let browser = harness.browser(1).await;
    let mut reader = Reader::open(&browser, None).await;
    let ready = reader.next().await.unwrap();
    assert_eq!(
        (ready.name.as_str(), ready.data),
        ("ready", json!({"version": ready.id}))
    );
    harness.connect(2, "kiln").await;
    harness.connect(1, "juniper").await;
    let flow = reader.next().await.unwrap();
    assert_eq!(
        (flow.name.as_str(), &flow.data["status"]),
        ("flow", &json!("connected"))
    );
    let connected = reader.next().await.unwrap();
    assert_eq!(
        (connected.name.as_str(), connected.id),
        ("connected", flow.id)
    );
    assert_eq!(
        (&connected.data["provider"], &connected.data["accountId"]),
        (&json!("reddit"), &json!(JUNIPER))
    );
    assert_eq!(connected.data["integration"]["status"], "connected");
    assert!(
        !connected.data.to_string().to_lowercase().contains("token"),
        "{}",
        connected.data
    );
}

#[tokio::test]
async fn stream_delivers_refresh_and_disconnect() {
    let harness = running_harness().await;
    let browser = harness.browser(1).await;
    let mut reader = Reader::open(&browser, None).await;
    harness.connect(1, "juniper").await;
    let connected = reader.next_account_event().await;
    let refresh = format!("/api/integrations/refresh/reddit/{JUNIPER}");
    assert_eq!(browser.post(&refresh, Value::Null).await.status, 200);
    let refreshed = reader.next_account_event().await;
    assert_eq!(
        (refreshed.name.as_str(), refreshed.id),
        ("refreshed", connected.id + 1)
    );
    let disconnect = format!("/api/integrations/disconnect/reddit/{JUNIPER}");
    assert_eq!(browser.delete(&disconnect).await.status, 200);
    let disconnected = reader.next_account_event().await;
    assert_eq!(
        (
            disconnected.name.as_str(),
            disconnected.data.get("integration")
        ),
        ("disconnected", None)
    );
    assert_eq!(
        browser.get("/api/integrations/status").await.json()["version"],
        disconnected.id
    );
}

#[tokio::test]
async fn resumed_stream_delivers_missed_events_once() {
    let harness = running_harness().await;
    let app = harness.app_for(1).await;
    harness.connect(1, "juniper").await;
    let mut reader = Reader::open(&app, None).await;
    let ready = reader.next().await.unwrap();
    drop(reader);
    for _ in 0..3 {
        refresh(&harness, "missed").await;
    }
    let mut reader = Reader::open(&app, Some(ready.id)).await;
    let resumed = reader.next().await.unwrap();
    assert_eq!(
        (resumed.name.as_str(), resumed.id),
        ("ready", ready.id),
        "`ready` repeats the id, so a second interruption loses no event"
    );
    for later in 1..=3 {
        let event = reader.next().await.unwrap();
        assert_eq!(
            (event.name.as_str(), event.id),
            ("refreshed", ready.id + later)
        );
    }
    refresh(&harness, "live").await;
    assert_eq!(
        reader.next().await.unwrap().id,
        ready.id + 4,
        "live events follow the missed ones"
    );
}

#[tokio::test]
async fn stream_resumed_after_event_deletion_sends_reset() {
    let harness = running_harness().await;
    let app = harness.app_for(1).await;
    harness.connect(1, "juniper").await;
    harness
        .database
        .execute("DELETE FROM evergrant_events")
        .await;
    for last_seen in [0, 1_000_000] {
        let mut reader = Reader::open(&app, Some(last_seen)).await;
        let ready = reader.next().await.unwrap();
        assert_eq!(reader.next().await.unwrap().name, "reset", "{last_seen}");
        refresh(&harness, "live").await;
        assert_eq!(
            reader.next().await.unwrap().id,
            ready.id + 1,
            "live events follow the reset"
        );
    }
}

#[tokio::test]
async fn stream_ends_when_its_credential_is_revoked() {
    let harness = running_harness().await;
    let (ended, other) = (harness.browser(1).await, harness.browser(1).await);
    let key = harness
        .service
        .api_keys()
        .create(&call(), "revoked", &[])
        .await
        .unwrap();
    let mut readers = [
        Reader::open(&ended, None).await,
        Reader::open(&other, None).await,
    ];
    let app = harness.app_with_key(&key).for_user("1");
    let mut app_reader = Reader::open(&app, None).await;
    assert_eq!(ended.delete("/api/sessions").await.status, 200);
    assert!(
        harness
            .service
            .api_keys()
            .revoke(&call(), &key.stored)
            .await
            .unwrap()
    );
    for reader in readers.iter_mut().chain([&mut app_reader]) {
        assert_eq!(reader.next().await.unwrap().name, "ready");
    }
    assert_eq!(
        (readers[0].next().await, app_reader.next().await),
        (None, None)
    );
    harness.connect(1, "juniper").await;
    assert_eq!(
        readers[1].next_account_event().await.name,
        "connected",
        "the stream of another session continues"
    );
    harness.service.process().begin_shutdown();
    assert_eq!(readers[1].next().await, None, "shutdown ends the stream");
}

#[tokio::test]
async fn concurrent_streams_per_user_are_limited() {
    let harness = running_harness().await;
    let app = harness.app_for(1).await;
    let mut readers = Vec::new();
    for _ in 0..64 {
        readers.push(Reader::open(&app, None).await);
    }
    assert_eq!(app.get(EVENTS).await.problem(), "503 OVERLOADED");
    readers.pop();
    drop(Reader::open(&app, None).await);
    drop(Reader::open(&harness.app_for(2).await, None).await);
}

#[tokio::test]
async fn malformed_last_event_id_is_rejected() {
    let harness = running_harness().await;
    let app = harness.app_for(1).await;
    for invalid in ["", "x", "-1", "1.5", "99999999999999999999", "é"] {
        let response = app
            .request(Method::GET, EVENTS)
            .header("last-event-id", invalid)
            .send()
            .await;
        assert_eq!(response.problem(), "422 VALIDATION_ERROR", "{invalid:?}");
        assert_eq!(response.json()["fields"][0]["field"], "Last-Event-ID");
    }
}
