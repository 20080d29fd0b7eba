//! Secrets are followed through whole journeys: they reach no answer but where the contract says,
//! and no log at any level (items 25, 43, 45 and 63).

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, Once};

use axum::http::Method;
use evergrant_testkit::cipher;
use secrecy::ExposeSecret;
use serde_json::json;
use tracing_subscriber::filter::dynamic_filter_fn;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, fmt, registry};

use crate::answer::{Answer, parameter};
use crate::stand::{CHALLENGE, JUNIPER, Stand, VERIFIER};

/// Where an answer came from, so that one that may hold a secret can be told from one that may not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Connect,
    Callback,
    Sessions,
    Portal,
    Tokens,
    Elsewhere,
}

/// A text that must not be seen, and the only place where it may be.
struct Secret {
    what: &'static str,
    text: String,
    place: Place,
}

/// What was answered and what must not be in it.
#[derive(Default)]
struct Journey {
    answers: Vec<(Place, Answer)>,
    secrets: Vec<Secret>,
}

impl Journey {
    fn saw(&mut self, from: Place, answer: Answer) -> Answer {
        self.answers.push((from, answer.clone()));
        answer
    }

    fn hide(&mut self, what: &'static str, text: &str, place: Place) {
        assert!(
            text.len() >= 8,
            "{what} is too short to be searched for: {text:?}"
        );
        self.secrets.push(Secret {
            what,
            text: text.to_owned(),
            place,
        });
    }

    /// Remembers every token and verifier that is stored now.
    async fn hide_stored(&mut self, stand: &Stand) {
        for (what, table, column, place) in [
            (
                "access token",
                "oauth_accounts",
                "access_token",
                Place::Tokens,
            ),
            (
                "refresh token",
                "oauth_accounts",
                "refresh_token",
                Place::Elsewhere,
            ),
            (
                "parked access token",
                "evergrant_flows",
                "access_token",
                Place::Tokens,
            ),
            (
                "parked refresh token",
                "evergrant_flows",
                "refresh_token",
                Place::Elsewhere,
            ),
            (
                "code verifier",
                "evergrant_flows",
                "verifier",
                Place::Elsewhere,
            ),
        ] {
            for sealed in stand
                .database
                .texts(&format!(
                    "SELECT {column} FROM {table} WHERE {column} IS NOT NULL"
                ))
                .await
            {
                let text = cipher().decrypt_token(&sealed).unwrap();
                self.hide(what, text.expose_secret(), place);
                self.hide("ciphertext", &sealed, Place::Elsewhere);
            }
        }
    }

    /// Remembers what a callback's path carries.
    fn hide_callback(&mut self, begun: &Answer, path: &str) {
        self.hide("state", &begun.text("state"), Place::Connect);
        if let Some(code) = parameter(&format!("http://localhost{path}"), "code") {
            self.hide("code", &code, Place::Elsewhere);
        }
    }
}

/// The app's server connects, reads, renews, fails in many ways and gives up.
async fn by_the_server(stand: &Stand, journey: &mut Journey) {
    let app = stand.app_for(1).await;
    journey.hide("API key", app.key(), Place::Elsewhere);
    journey.hide("client secret", "simRedditSecret", Place::Elsewhere);
    journey.hide(
        "client secret",
        "c2ltUmVkZGl0SWQ6c2ltUmVkZGl0U2VjcmV0",
        Place::Elsewhere,
    );
    journey.hide("encryption key", "a passphrase for tests", Place::Elsewhere);
    let begun = journey.saw(
        Place::Connect,
        app.post("/api/integrations/connect/acme", json!({})).await,
    );
    let path = stand.consent(&begun, "juniper");
    journey.hide_callback(&begun, &path);
    journey.hide_stored(stand).await;
    for _ in 0..2 {
        journey.saw(Place::Callback, stand.anonymous().get(&path).await);
    }
    journey.hide_stored(stand).await;
    for path in [
        "status",
        "providers",
        "token/acme/nobody",
        "token/nowhere/x",
    ] {
        journey.saw(
            Place::Elsewhere,
            app.get(&format!("/api/integrations/{path}")).await,
        );
    }
    let token = format!("/api/integrations/token/acme/{JUNIPER}");
    journey.saw(Place::Tokens, app.get(&token).await);
    stand.clock.advance_seconds(86_400);
    journey.saw(Place::Tokens, app.get(&token).await);
    journey.hide_stored(stand).await;
    journey.saw(
        Place::Elsewhere,
        app.post(
            &format!("/api/integrations/refresh/acme/{JUNIPER}"),
            json!({}),
        )
        .await,
    );
    journey.hide_stored(stand).await;
    let both = json!({"accounts": [{"provider": "acme", "accountId": JUNIPER}, {"provider": "acme", "accountId": "x"}]});
    journey.saw(
        Place::Tokens,
        app.post("/api/integrations/tokens", both).await,
    );
    fail_at_the_platform(stand, journey).await;
    journey.saw(
        Place::Elsewhere,
        app.delete(&format!("/api/integrations/disconnect/acme/{JUNIPER}"))
            .await,
    );
}

/// Every way in which a callback or a renewal goes wrong.
async fn fail_at_the_platform(stand: &Stand, journey: &mut Journey) {
    let app = stand.app_for(1).await;
    let refused = stand.begin(1, "acme", json!({})).await;
    let path = stand.refuse(&refused);
    journey.hide_callback(&refused, &path);
    journey.saw(Place::Callback, stand.anonymous().get(&path).await);
    for endpoint in ["token.authorization_code", "me"] {
        let begun = stand.begin(1, "acme", json!({})).await;
        let path = stand.consent(&begun, "kiln");
        journey.hide_callback(&begun, &path);
        stand.fails(endpoint, 400, 1);
        journey.saw(Place::Callback, stand.anonymous().get(&path).await);
        journey.saw(
            Place::Callback,
            stand
                .anonymous()
                .get(&path.replace("/acme?", "/reddit?"))
                .await,
        );
        journey.hide_stored(stand).await;
    }
    let posted = json!({"state": refused.text("state"), "code": "made-up-by-hand"});
    journey.hide("made-up code", "made-up-by-hand", Place::Elsewhere);
    journey.saw(
        Place::Elsewhere,
        app.post("/api/integrations/callback/acme", posted).await,
    );
    stand.fails("token.refresh_token", 401, 1);
    journey.saw(
        Place::Elsewhere,
        app.post(
            &format!("/api/integrations/refresh/acme/{JUNIPER}"),
            json!({}),
        )
        .await,
    );
    let key = app.key().to_owned();
    for body in [
        format!("{{\"{key}\":1}}"),
        format!("{{\"scopes\":\"{key}\"}}"),
        key.clone(),
    ] {
        let ask = app
            .ask(Method::POST, "/api/integrations/connect/acme")
            .json(&body);
        journey.saw(Place::Elsewhere, ask.send().await);
    }
    let ask = app
        .ask(Method::GET, "/api/integrations/status")
        .with("x-request-id", &format!("{key}{key}"));
    journey.saw(Place::Elsewhere, ask.send().await);
}

/// A browser connects by itself, after having tried to read what it may not.
async fn by_the_browser(stand: &Stand, journey: &mut Journey) {
    let session = journey.saw(
        Place::Sessions,
        stand
            .app()
            .await
            .post("/api/sessions", json!({"userId": 1}))
            .await,
    );
    journey.hide("session token", &session.text("token"), Place::Sessions);
    let browser = stand.browser(1).await;
    journey.hide("session token", browser.session(), Place::Elsewhere);
    journey.hide("the browser's verifier", VERIFIER, Place::Elsewhere);
    let begun = browser
        .post(
            "/api/integrations/connect/reddit",
            json!({"challenge": CHALLENGE}),
        )
        .await;
    let path = stand.consent(&begun, "kiln");
    journey.hide_callback(&begun, &path);
    let back = journey.saw(Place::Callback, stand.anonymous().get(&path).await);
    let receipt = back.returned("receipt").unwrap();
    journey.hide("receipt", &receipt, Place::Callback);
    journey.hide_stored(stand).await;
    let flow = format!("/api/integrations/flows/{}", begun.text("flowId"));
    journey.saw(Place::Elsewhere, browser.get(&flow).await);
    for verifier in ["a wrong verifier", VERIFIER, VERIFIER] {
        let body = json!({"verifier": verifier, "receipt": receipt});
        journey.saw(
            Place::Elsewhere,
            browser.post(&format!("{flow}/finish"), body).await,
        );
    }
    journey.saw(
        Place::Elsewhere,
        browser.get("/api/integrations/status").await,
    );
    journey.saw(
        Place::Elsewhere,
        browser.get("/api/integrations/token/reddit/sima4").await,
    );
    journey.hide_stored(stand).await;
}

/// A user comes in by a link and looks around.
async fn by_the_console(stand: &Stand, journey: &mut Journey) {
    let begin = json!({"userId": 1, "portal": true});
    let session = journey.saw(
        Place::Sessions,
        stand.app().await.post("/api/sessions", begin).await,
    );
    let link = session
        .text("url")
        .strip_prefix("http://localhost:8080")
        .unwrap()
        .to_owned();
    journey.hide(
        "portal code",
        link.rsplit('/').next().unwrap(),
        Place::Sessions,
    );
    let opened = journey.saw(Place::Portal, stand.anonymous().get(&link).await);
    let pair = opened
        .header("set-cookie")
        .unwrap()
        .split(';')
        .next()
        .unwrap()
        .to_owned();
    journey.hide("cookie", pair.split_once('=').unwrap().1, Place::Portal);
    journey.saw(Place::Elsewhere, stand.anonymous().get(&link).await);
    for (method, path) in [
        (Method::GET, "/console/session"),
        (Method::POST, "/console/session"),
    ] {
        journey.saw(
            Place::Elsewhere,
            stand
                .anonymous()
                .ask(method, path)
                .with("cookie", &pair)
                .send()
                .await,
        );
    }
    let status = stand
        .anonymous()
        .ask(Method::GET, "/api/integrations/status")
        .with("cookie", &pair);
    journey.saw(Place::Elsewhere, status.send().await);
}

/// Our own failures: a row that does not open, and no database at all.
async fn by_misfortune(stand: &Stand, journey: &mut Journey) {
    let app = stand.app_for(1).await;
    stand.connect(1, "juniper").await;
    journey.hide_stored(stand).await;
    stand
        .database
        .execute("UPDATE oauth_accounts SET access_token = refresh_token || '00'")
        .await;
    stand.clock.advance_seconds(60);
    let token = format!("/api/integrations/token/reddit/{JUNIPER}");
    assert_eq!(
        journey.saw(Place::Elsewhere, app.get(&token).await).status,
        500
    );
    stand
        .database
        .execute("DROP TABLE evergrant_connections")
        .await;
    stand.clock.advance_seconds(60);
    assert_eq!(
        journey.saw(Place::Elsewhere, app.get(&token).await).status,
        503
    );
    stand.service.process().drain().await;
}

async fn whole_journey() -> Journey {
    let (stand, mut journey) = (Stand::new().await, Journey::default());
    by_the_server(&stand, &mut journey).await;
    by_the_browser(&stand, &mut journey).await;
    by_the_console(&stand, &mut journey).await;
    by_misfortune(&stand, &mut journey).await;
    for kind in [
        "access token",
        "refresh token",
        "parked access token",
        "code verifier",
        "receipt",
        "code",
        "state",
    ] {
        assert!(
            journey.secrets.iter().any(|secret| secret.what == kind),
            "no {kind} was followed"
        );
    }
    journey
}

#[tokio::test]
async fn item_25_a_secret_is_answered_only_where_the_contract_says() {
    let journey = whole_journey().await;
    assert!(journey.answers.len() > 30);
    for (from, answer) in &journey.answers {
        for secret in journey
            .secrets
            .iter()
            .filter(|secret| secret.place != *from || *from == Place::Elsewhere)
        {
            assert!(
                !answer.whole().contains(&secret.text),
                "a {} at {from:?}: {answer}",
                secret.what
            );
        }
    }
    let found = |from, what| {
        let answers = || {
            journey
                .answers
                .iter()
                .filter(move |(place, _)| *place == from)
        };
        let mut secrets = journey.secrets.iter().filter(|secret| secret.what == what);
        secrets.any(|secret| answers().any(|(_, answer)| answer.whole().contains(&secret.text)))
    };
    assert!(
        found(Place::Tokens, "access token")
            && found(Place::Connect, "state")
            && found(Place::Callback, "receipt")
    );
}

#[tokio::test]
async fn item_45_no_secret_reaches_a_log_at_any_level() {
    listen();
    let journey = whole_journey().await;
    let log = heard();
    for line in [
        "authorization flow started",
        "authorization flow failed",
        "answered",
        "request failed",
        "sqlx::query",
    ] {
        assert!(
            log.contains(line),
            "{line:?} was not heard: the test listens to nothing"
        );
    }
    for secret in &journey.secrets {
        let line = log.lines().find(|line| line.contains(&secret.text));
        assert_eq!(line, None, "a {} in the log", secret.what);
    }
}

static LISTENING: AtomicBool = AtomicBool::new(false);
static HEARD: Mutex<Vec<u8>> = Mutex::new(Vec::new());

/// Takes down every line of every level that any thread logs from now on, other tests' lines among
/// them.
fn listen() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let lines = fmt::layer().with_ansi(false).with_writer(|| Pen);
        let filter = dynamic_filter_fn(|_, _| LISTENING.load(Ordering::SeqCst));
        registry().with(lines.with_filter(filter)).init();
    });
    LISTENING.store(true, Ordering::SeqCst);
}

fn heard() -> String {
    LISTENING.store(false, Ordering::SeqCst);
    String::from_utf8_lossy(&std::mem::take(&mut *HEARD.lock().unwrap())).into_owned()
}

struct Pen;

impl io::Write for Pen {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        HEARD.lock().unwrap().extend_from_slice(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
