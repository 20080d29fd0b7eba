//! The console's cookie: how it is come by, what it is good for, and what it takes to change
//! something with it.

use axum::Router;
use axum::http::{Method, StatusCode};
use axum::routing::get;
use evergrant_api::Console;
use insta::assert_snapshot;
use serde_json::json;

use crate::answer::Answer;
use crate::stand::{CHALLENGE, JUNIPER, Stand};

const SESSION: &str = "/console/session";
const STATUS: &str = "/api/integrations/status";

/// A browser that holds the console's cookie.
struct Visitor<'a> {
    stand: &'a Stand,
    cookie: String,
}

impl<'a> Visitor<'a> {
    /// Comes in by a portal link of this user.
    async fn of(stand: &'a Stand, user: i32) -> Self {
        let link = portal_link(stand, user).await;
        let cookie = given(&stand.anonymous().get(&link).await);
        Self { stand, cookie }
    }

    async fn ask(&self, method: Method, path: &str, csrf: Option<&str>) -> Answer {
        let ask = self
            .stand
            .anonymous()
            .ask(method, path)
            .with("cookie", &self.cookie);
        match csrf {
            Some(token) => ask.with("x-csrf-token", token).send().await,
            None => ask.send().await,
        }
    }

    async fn get(&self, path: &str) -> Answer {
        self.ask(Method::GET, path, None).await
    }

    async fn csrf(&self) -> String {
        self.get(SESSION).await.text("csrfToken")
    }
}

/// The path of a link that opens the console as this user.
async fn portal_link(stand: &Stand, user: i32) -> String {
    let answer = stand
        .app()
        .await
        .post("/api/sessions", json!({"userId": user, "portal": true}))
        .await;
    answer
        .text("url")
        .strip_prefix("http://localhost:8080")
        .unwrap()
        .to_owned()
}

/// The pair that a browser sends back.
fn given(answer: &Answer) -> String {
    let cookie = answer
        .header("set-cookie")
        .unwrap_or_else(|| panic!("no cookie: {answer}"));
    cookie.split(';').next().unwrap().to_owned()
}

fn console(people: &[i64]) -> Console {
    let people = people
        .iter()
        .map(|number| (*number).try_into().unwrap())
        .collect();
    let page = || async { axum::response::Html("<body>the console") };
    let pages = Router::new()
        .route("/", get(page))
        .route("/assets/a.js", get(page));
    Console {
        pages: pages.fallback(async || evergrant_api::no_route()),
        people,
    }
}

#[tokio::test]
async fn a_portal_link_opens_the_console_once() {
    let stand = Stand::new().await;
    let link = portal_link(&stand, 1).await;
    let opened = stand.anonymous().get(&link).await;
    assert_snapshot!(opened, @r"
    303 See Other
    cache-control: no-store
    location: /integrations
    ");
    let cookie = opened.header("set-cookie").unwrap();
    assert!(cookie.starts_with("evergrant-8080=evc_"), "{cookie}");
    assert!(
        cookie.ends_with("; Path=/; Max-Age=43200; HttpOnly; SameSite=Lax"),
        "{cookie}"
    );
    let again = stand.anonymous().get(&link).await;
    assert_eq!(
        (again.status, again.is_page(), again.header("set-cookie")),
        (StatusCode::GONE, true, None)
    );
}

#[tokio::test]
async fn a_link_is_not_spent_by_what_nobody_has_followed() {
    let stand = Stand::new().await;
    let link = portal_link(&stand, 1).await;
    let ahead = stand
        .anonymous()
        .ask(Method::GET, &link)
        .with("sec-purpose", "prefetch;prerender")
        .send()
        .await;
    let head = stand.anonymous().ask(Method::HEAD, &link).send().await;
    assert_eq!(
        (ahead.status, head.status),
        (StatusCode::NO_CONTENT, StatusCode::NO_CONTENT)
    );
    assert_eq!(
        stand.anonymous().get(&link).await.status,
        StatusCode::SEE_OTHER
    );
}

#[tokio::test]
async fn a_session_token_makes_no_portal_link() {
    let stand = Stand::new().await;
    let answer = stand
        .browser(1)
        .await
        .post("/api/sessions", json!({"userId": 1, "portal": true}))
        .await;
    assert_eq!(answer.refusal(), (403, "FORBIDDEN".to_owned()));
    let without = stand
        .app()
        .await
        .post("/api/sessions", json!({"userId": 1}))
        .await;
    assert!(without.json()["url"].is_null());
}

#[tokio::test]
async fn item_30_coming_in_makes_a_new_session_and_ends_the_old_one() {
    let stand = Stand::new().await;
    let first = Visitor::of(&stand, 1).await;
    let link = portal_link(&stand, 2).await;
    let opened = stand
        .anonymous()
        .ask(Method::GET, &link)
        .with("cookie", &first.cookie)
        .send()
        .await;
    let second = Visitor {
        stand: &stand,
        cookie: given(&opened),
    };
    assert_ne!(first.cookie, second.cookie);
    assert_eq!(
        (
            first.get(SESSION).await.status,
            second.get(SESSION).await.status
        ),
        (401.try_into().unwrap(), StatusCode::OK)
    );
    assert_eq!(second.get(SESSION).await.json()["user"]["id"], 2);
}

#[tokio::test]
async fn it_says_who_is_signed_in() {
    let stand = Stand::new().await;
    let visitor = Visitor::of(&stand, 2).await;
    let session = visitor.get(SESSION).await;
    let told = session.json();
    assert_eq!(
        told["user"],
        json!({"id": 2, "name": null, "email": null, "externalId": "ext/2 é"})
    );
    assert_eq!((&told["people"], &told["dev"]), (&json!([]), &json!(false)));
    assert_eq!(told["expiresAt"], "2026-01-01T12:00:00.000Z");
    for nobody in [
        "",
        "evergrant-8080=",
        "evergrant-8080=evc_none",
        "__Host-evergrant=x",
    ] {
        let answer = stand
            .anonymous()
            .ask(Method::GET, SESSION)
            .with("cookie", nobody)
            .send()
            .await;
        assert_eq!(
            answer.refusal(),
            (401, "UNAUTHENTICATED".to_owned()),
            "{nobody}"
        );
    }
}

#[tokio::test]
async fn the_cookie_is_good_for_what_a_browser_may_and_never_reads_a_token() {
    let stand = Stand::new().await;
    stand.connect(1, "juniper").await;
    let visitor = Visitor::of(&stand, 1).await;
    assert_eq!(
        visitor.get(STATUS).await.json()["integrations"][0]["providerAccountId"],
        JUNIPER
    );
    assert_eq!(
        visitor.get("/api/integrations/events").await.status,
        StatusCode::OK
    );
    let csrf = visitor.csrf().await;
    let ask = stand
        .anonymous()
        .ask(Method::POST, "/api/integrations/connect/reddit")
        .with("cookie", &visitor.cookie);
    let begun = ask
        .with("x-csrf-token", &csrf)
        .json(&json!({"challenge": CHALLENGE}).to_string())
        .send()
        .await;
    assert_eq!(begun.status, StatusCode::OK, "{begun}");
    let token = visitor
        .get(&format!("/api/integrations/token/reddit/{JUNIPER}"))
        .await;
    assert_eq!(token.refusal(), (403, "FORBIDDEN".to_owned()));
    let other = Visitor::of(&stand, 2).await;
    assert_eq!(other.get(STATUS).await.json()["integrations"], json!([]));
}

#[tokio::test]
async fn item_30_nothing_changes_without_the_csrf_token_of_this_session() {
    let stand = Stand::new().await;
    stand.connect(1, "juniper").await;
    let (visitor, other) = (Visitor::of(&stand, 1).await, Visitor::of(&stand, 1).await);
    let (csrf, foreign) = (visitor.csrf().await, other.csrf().await);
    let before = stand.stored().await;
    let changes = [
        (Method::POST, "/api/integrations/connect/reddit".to_owned()),
        (
            Method::POST,
            format!("/api/integrations/refresh/reddit/{JUNIPER}"),
        ),
        (
            Method::DELETE,
            format!("/api/integrations/disconnect/reddit/{JUNIPER}"),
        ),
        (
            Method::POST,
            "/api/integrations/flows/f00/finish".to_owned(),
        ),
        (Method::DELETE, "/api/sessions".to_owned()),
        (Method::POST, SESSION.to_owned()),
        (Method::DELETE, SESSION.to_owned()),
    ];
    for (method, path) in &changes {
        for token in [None, Some(""), Some("x"), Some(foreign.as_str())] {
            let answer = visitor.ask(method.clone(), path, token).await;
            assert_eq!(
                answer.refusal(),
                (403, "FORBIDDEN".to_owned()),
                "{method} {path} {token:?}"
            );
        }
        let twice = stand
            .anonymous()
            .ask(method.clone(), path)
            .with("cookie", &visitor.cookie);
        let twice = twice
            .with("x-csrf-token", &csrf)
            .with("x-csrf-token", &csrf)
            .send()
            .await;
        assert_eq!(twice.status, StatusCode::FORBIDDEN, "{method} {path}");
    }
    assert_eq!(stand.stored().await, before);
    let (method, path) = &changes[1];
    assert_eq!(
        visitor.ask(method.clone(), path, Some(&csrf)).await.status,
        StatusCode::OK
    );
}

#[tokio::test]
async fn whoever_sends_a_bearer_token_is_not_asked_for_a_cookie() {
    let stand = Stand::new().await;
    let visitor = Visitor::of(&stand, 1).await;
    for credential in ["Bearer nonsense", "Basic eA==", ""] {
        let ask = stand
            .anonymous()
            .ask(Method::GET, STATUS)
            .with("cookie", &visitor.cookie);
        assert_eq!(
            ask.with("authorization", credential).send().await.status,
            StatusCode::UNAUTHORIZED,
            "{credential}"
        );
    }
}

#[tokio::test]
async fn item_30_signing_out_ends_the_session_on_the_server_too() {
    let stand = Stand::new().await;
    let visitor = Visitor::of(&stand, 1).await;
    let out = visitor
        .ask(Method::DELETE, SESSION, Some(&visitor.csrf().await))
        .await;
    assert_eq!(out.status, StatusCode::NO_CONTENT);
    assert_eq!(
        out.header("set-cookie"),
        Some("evergrant-8080=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax")
    );
    assert_eq!(visitor.get(STATUS).await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn in_production_nobody_becomes_somebody_else() {
    let stand = Stand::new().await.with_console(console(&[]));
    let visitor = Visitor::of(&stand, 1).await;
    let csrf = visitor.csrf().await;
    let ask = stand
        .anonymous()
        .ask(Method::POST, SESSION)
        .with("cookie", &visitor.cookie)
        .with("x-csrf-token", &csrf);
    assert_eq!(
        ask.json(r#"{"userId":2}"#).send().await.refusal(),
        (403, "FORBIDDEN".to_owned())
    );
    let page = stand
        .anonymous()
        .ask(Method::GET, "/")
        .with("host", "localhost:8080")
        .send()
        .await;
    assert_eq!(
        (page.status, page.header("set-cookie")),
        (StatusCode::OK, None)
    );
}

#[tokio::test]
async fn in_dev_whoever_comes_is_the_first_of_the_people_and_may_be_another() {
    let stand = Stand::new().await.with_console(console(&[2, 1]));
    let page = stand
        .anonymous()
        .ask(Method::GET, "/")
        .with("host", "localhost:8080")
        .send()
        .await;
    let visitor = Visitor {
        stand: &stand,
        cookie: given(&page),
    };
    let session = visitor.get(SESSION).await.json();
    assert_eq!(
        (&session["user"]["id"], &session["dev"]),
        (&json!(2), &json!(true))
    );
    assert_eq!(session["people"].as_array().unwrap().len(), 2);
    let again = stand
        .anonymous()
        .ask(Method::GET, "/")
        .with("host", "localhost:8080")
        .with("cookie", &visitor.cookie);
    assert_eq!(
        again.send().await.header("set-cookie"),
        None,
        "who is in stays in"
    );

    let csrf = visitor.csrf().await;
    let become_one = |user: i32| {
        let ask = stand
            .anonymous()
            .ask(Method::POST, SESSION)
            .with("cookie", &visitor.cookie);
        ask.with("x-csrf-token", &csrf)
            .json(&json!({"userId": user}).to_string())
            .send()
    };
    assert_eq!(
        become_one(3).await.refusal(),
        (422, "VALIDATION_ERROR".to_owned())
    );
    let changed = become_one(1).await;
    assert_eq!(changed.json()["user"]["id"], 1);
    let other = Visitor {
        stand: &stand,
        cookie: given(&changed),
    };
    assert_eq!(other.csrf().await, changed.text("csrfToken"));
    assert_eq!(
        visitor.get(SESSION).await.status,
        StatusCode::UNAUTHORIZED,
        "the old session has ended"
    );
}

#[tokio::test]
async fn in_dev_nobody_is_signed_in_under_another_name() {
    let stand = Stand::new().await.with_console(console(&[1]));
    for host in [
        "evil.example",
        "evil.example:8080",
        "127.0.0.1:8080",
        "localhost",
        "localhost:8081",
    ] {
        let answer = stand
            .anonymous()
            .ask(Method::GET, "/?a=b")
            .with("host", host)
            .send()
            .await;
        assert_eq!(
            (answer.status, answer.header("set-cookie")),
            (StatusCode::SEE_OTHER, None),
            "{host}"
        );
        assert_eq!(
            answer.header("location"),
            Some("http://localhost:8080/?a=b"),
            "{host}"
        );
    }
    for path in ["/assets/a.js", "/nowhere", "/api/nowhere"] {
        let answer = stand
            .anonymous()
            .ask(Method::GET, path)
            .with("host", "localhost:8080")
            .send()
            .await;
        assert_eq!(answer.header("set-cookie"), None, "{path}");
    }
}

#[tokio::test]
async fn below_the_apis_paths_there_are_no_pages() {
    let stand = Stand::new().await.with_console(Console {
        pages: Router::new().fallback(async || "a page"),
        ..Console::default()
    });
    assert_eq!(stand.anonymous().get("/integrations").await.body, "a page");
    for path in [
        "/api",
        "/api/nowhere",
        "/console/x",
        "/errors/x",
        "/images/x",
        "/portal",
        "/openapi.json/x",
        "/connect",
    ] {
        assert_eq!(
            stand.anonymous().get(path).await.refusal(),
            (404, "NOT_FOUND".to_owned()),
            "{path}"
        );
    }
}

#[tokio::test]
async fn item_30_what_a_page_asks_by_itself_keeps_nobody_signed_in() {
    let by_itself = [
        "/api/integrations/events",
        STATUS,
        "/api/integrations/providers",
    ]
    .map(|path| (path, 401));
    for (path, stays) in by_itself.into_iter().chain([("/console/session", 200)]) {
        let stand = Stand::new().await;
        let visitor = Visitor::of(&stand, 1).await;
        stand.clock.advance_seconds(59 * 60);
        assert_eq!(visitor.get(path).await.status, StatusCode::OK, "{path}");
        stand.clock.advance_seconds(60);
        assert_eq!(visitor.get(path).await.status, stays, "{path}");
    }
}
