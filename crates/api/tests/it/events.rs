//! `GET /api/integrations/events`

use axum::body::BodyDataStream;
use axum::http::Method;
use futures_util::StreamExt;
use serde_json::{Value, json};

use crate::caller::{Caller, Credential};
use crate::stand::{JUNIPER, Stand, call, call_as};

const EVENTS: &str = "/api/integrations/events";

/// One event of a stream.
#[derive(Debug, Clone, PartialEq)]
struct Told {
    id: i64,
    name: String,
    data: Value,
}

/// A stream as a browser reads it.
struct Reader {
    body: BodyDataStream,
    text: String,
}

impl Reader {
    async fn open<Who: Credential>(caller: &Caller<'_, Who>, last_seen: Option<i64>) -> Self {
        let ask = caller.ask(Method::GET, EVENTS);
        let ask = match last_seen {
            Some(id) => ask.with("last-event-id", &id.to_string()),
            None => ask,
        };
        let response = ask.response().await;
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        assert_eq!(response.headers()["cache-control"], "no-store");
        Self {
            body: response.into_body().into_data_stream(),
            text: String::new(),
        }
    }

    /// The next event; `None` at the end of the stream.
    async fn next(&mut self) -> Option<Told> {
        while !self.text.contains("\n\n") {
            self.text
                .push_str(std::str::from_utf8(&self.body.next().await?.unwrap()).unwrap());
        }
        let (event, rest) = self.text.split_once("\n\n").unwrap();
        let field = |name: &str| {
            let line = event
                .lines()
                .find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
            line.unwrap_or_else(|| panic!("no {name} in {event}"))
                .to_owned()
        };
        let told = Told {
            id: field("id").parse().unwrap(),
            name: field("event"),
            data: serde_json::from_str(&field("data")).unwrap(),
        };
        assert_eq!(told.data["version"], told.id, "{event}");
        self.text = rest.to_string();
        Some(told)
    }

    /// The next event that is about an account.
    async fn account(&mut self) -> Told {
        loop {
            let told = self.next().await.unwrap();
            if !["flow", "ready"].contains(&told.name.as_str()) {
                return told;
            }
        }
    }
}

/// A stand that keeps house, as a program that serves does.
async fn stand() -> Stand {
    let stand = Stand::new().await;
    let service = stand.service.clone();
    tokio::spawn(async move { service.process().run(std::future::pending()).await });
    stand
}

#[tokio::test]
async fn tells_a_browser_of_its_users_accounts_and_of_nobody_elses() {
    let stand = stand().await;
    let browser = stand.browser(1).await;
    let mut reader = Reader::open(&browser, None).await;
    let ready = reader.next().await.unwrap();
    assert_eq!(
        (ready.name.as_str(), ready.data),
        ("ready", json!({"version": ready.id}))
    );
    stand.connect(2, "kiln").await;
    stand.connect(1, "juniper").await;
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

    assert_eq!(
        browser
            .post(
                &format!("/api/integrations/refresh/reddit/{JUNIPER}"),
                Value::Null
            )
            .await
            .status,
        200
    );
    let refreshed = reader.account().await;
    assert_eq!(
        (refreshed.name.as_str(), refreshed.id),
        ("refreshed", connected.id + 1)
    );
    assert_eq!(
        browser
            .delete(&format!("/api/integrations/disconnect/reddit/{JUNIPER}"))
            .await
            .status,
        200
    );
    let gone = reader.account().await;
    assert_eq!(
        (gone.name.as_str(), gone.data.get("integration")),
        ("disconnected", None)
    );
    assert_eq!(
        browser.get("/api/integrations/status").await.json()["version"],
        gone.id
    );
}

#[tokio::test]
async fn whoever_comes_back_is_told_what_was_missed_each_once() {
    let stand = stand().await;
    let app = stand.app_for(1).await;
    stand.connect(1, "juniper").await;
    let mut reader = Reader::open(&app, None).await;
    let ready = reader.next().await.unwrap();
    drop(reader);
    for _ in 0..3 {
        stand
            .service
            .refresh_token(&call_as("missed"), 1.try_into().unwrap(), "reddit", JUNIPER)
            .await
            .unwrap();
    }
    let mut reader = Reader::open(&app, Some(ready.id)).await;
    let resumed = reader.next().await.unwrap();
    assert_eq!(
        (resumed.name.as_str(), resumed.id),
        ("ready", ready.id),
        "a second break loses nothing"
    );
    for later in 1..=3 {
        let told = reader.next().await.unwrap();
        assert_eq!(
            (told.name.as_str(), told.id),
            ("refreshed", ready.id + later)
        );
    }
    stand
        .service
        .refresh_token(&call_as("now"), 1.try_into().unwrap(), "reddit", JUNIPER)
        .await
        .unwrap();
    assert_eq!(
        reader.next().await.unwrap().id,
        ready.id + 4,
        "and then what happens"
    );
}

#[tokio::test]
async fn whoever_was_away_for_too_long_is_told_to_read_the_list() {
    let stand = stand().await;
    let app = stand.app_for(1).await;
    stand.connect(1, "juniper").await;
    stand.database.execute("DELETE FROM evergrant_events").await;
    for last_seen in [0, 1_000_000] {
        let mut reader = Reader::open(&app, Some(last_seen)).await;
        let ready = reader.next().await.unwrap();
        assert_eq!(reader.next().await.unwrap().name, "reset", "{last_seen}");
        stand
            .service
            .refresh_token(&call_as("on"), 1.try_into().unwrap(), "reddit", JUNIPER)
            .await
            .unwrap();
        assert_eq!(
            reader.next().await.unwrap().id,
            ready.id + 1,
            "and goes on from there"
        );
    }
}

#[tokio::test]
async fn ends_with_the_credential_that_it_was_opened_with() {
    let stand = stand().await;
    let (ending, staying) = (stand.browser(1).await, stand.browser(1).await);
    let key = stand
        .service
        .api_keys()
        .create(&call(), "ending", &[])
        .await
        .unwrap();
    let mut readers = [
        Reader::open(&ending, None).await,
        Reader::open(&staying, None).await,
    ];
    let app = stand.app_holding(&key).for_user("1");
    let mut of_the_app = Reader::open(&app, None).await;
    assert_eq!(ending.delete("/api/sessions").await.status, 200);
    assert!(
        stand
            .service
            .api_keys()
            .revoke(&call(), &key.stored)
            .await
            .unwrap()
    );
    for reader in readers.iter_mut().chain([&mut of_the_app]) {
        assert_eq!(reader.next().await.unwrap().name, "ready");
    }
    assert_eq!(
        (readers[0].next().await, of_the_app.next().await),
        (None, None)
    );
    stand.connect(1, "juniper").await;
    assert_eq!(
        readers[1].account().await.name,
        "connected",
        "another credential's goes on"
    );
    stand.service.process().begin_shutdown();
    assert_eq!(readers[1].next().await, None, "and ends with the program");
}

#[tokio::test]
async fn one_user_holds_so_many_streams_and_no_more() {
    let stand = stand().await;
    let app = stand.app_for(1).await;
    let mut readers = Vec::new();
    for _ in 0..64 {
        readers.push(Reader::open(&app, None).await);
    }
    assert_eq!(
        app.get(EVENTS).await.refusal(),
        (503, "OVERLOADED".to_owned())
    );
    readers.pop();
    drop(Reader::open(&app, None).await);
    drop(Reader::open(&stand.app_for(2).await, None).await);
}

#[tokio::test]
async fn what_is_no_events_id_is_said_so() {
    let stand = stand().await;
    let app = stand.app_for(1).await;
    for bad in ["", "x", "-1", "1.5", "99999999999999999999", "é"] {
        let answer = app
            .ask(Method::GET, EVENTS)
            .with("last-event-id", bad)
            .send()
            .await;
        assert_eq!(
            answer.refusal(),
            (422, "VALIDATION_ERROR".to_owned()),
            "{bad:?}"
        );
        assert_eq!(answer.json()["fields"][0]["field"], "Last-Event-ID");
    }
}
