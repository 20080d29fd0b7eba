//! The console as the program serves it: its files, its headers, and how one comes in.

use reqwest::redirect::Policy;
use reqwest::{Client, RequestBuilder, Response, StatusCode};
use serde_json::{Value, json};

use crate::program::{Folder, Program};

/// A browser in front of a running program.
struct Browser<'a> {
    client: Client,
    program: &'a Program,
}

impl<'a> Browser<'a> {
    fn of(program: &'a Program) -> Self {
        // Another test of this process may have chosen before us; any choice serves.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = Client::builder()
            .redirect(Policy::none())
            .no_proxy()
            .build()
            .expect("a client");
        Self { client, program }
    }

    fn get(&self, path: &str) -> RequestBuilder {
        self.client.get(format!("{}{path}", self.program.url()))
    }

    /// Opens a page as a person does.
    async fn open(&self, path: &str) -> Response {
        self.get(path)
            .header("accept", "text/html,*/*;q=0.8")
            .send()
            .await
            .unwrap()
    }

    /// A link that opens the console as a new user.
    async fn portal_link(&self) -> String {
        let begin = self
            .client
            .post(format!("{}/api/sessions", self.program.url()))
            .bearer_auth(self.program.api_key());
        let made = begin
            .json(&json!({"externalId": "somebody", "portal": true}))
            .send()
            .await
            .unwrap();
        made.json::<Value>().await.unwrap()["url"]
            .as_str()
            .expect("a link")
            .to_owned()
    }
}

fn header<'a>(response: &'a Response, name: &str) -> &'a str {
    response
        .headers()
        .get(name)
        .map_or("", |value| value.to_str().unwrap())
}

/// The pair that a browser sends back.
fn cookie(response: &Response) -> String {
    header(response, "set-cookie")
        .split(';')
        .next()
        .unwrap()
        .to_owned()
}

fn serve(folder: &Folder, public_url: &str) -> Program {
    let database = format!("sqlite://{}", folder.path().join("evergrant.db").display());
    Program::serve(&[
        ("DATABASE_URL", &database),
        ("EVERGRANT_PUBLIC_URL", public_url),
    ])
}

const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; \
    connect-src 'self'; manifest-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; \
    require-trusted-types-for 'script'; trusted-types 'none'";

#[tokio::test]
async fn item_56_every_document_comes_with_the_policy_and_hosted_pages_keep_their_opener() {
    let folder = Folder::new();
    let program = serve(&folder, "https://vault.example");
    let browser = Browser::of(&program);
    for path in [
        "/",
        "/integrations",
        "/integrations/",
        "/return",
        "/no-such-page",
        "/assets/none.js",
    ] {
        let page = browser.open(path).await;
        assert_eq!(header(&page, "content-security-policy"), POLICY, "{path}");
        assert_eq!(
            header(&page, "cross-origin-opener-policy"),
            "same-origin-allow-popups",
            "{path}"
        );
        assert_eq!(header(&page, "x-content-type-options"), "nosniff", "{path}");
        assert_eq!(header(&page, "referrer-policy"), "no-referrer", "{path}");
        assert_eq!(
            header(&page, "strict-transport-security"),
            "max-age=31536000",
            "{path}"
        );
        assert_eq!(
            header(&page, "set-cookie"),
            "",
            "{path}: nobody is signed in by looking"
        );
    }
    for path in [
        "/api/integrations/callback/reddit?state=x",
        "/connect/onlyfans?state=x",
        "/portal/x",
    ] {
        let page = browser.open(path).await;
        assert_eq!(
            header(&page, "cross-origin-opener-policy"),
            "",
            "{path} would lose the app's popup"
        );
        let policy = header(&page, "content-security-policy");
        for part in [
            "default-src 'none'",
            "base-uri 'none'",
            "frame-ancestors 'none'",
        ] {
            assert!(policy.contains(part), "{path}: {policy}");
        }
        assert!(
            !policy.contains("unsafe-") && !policy.contains("script-src"),
            "{path}: {policy}"
        );
    }
}

#[tokio::test]
async fn without_tls_there_is_no_promise_of_it() {
    let program = Program::dev(&[]);
    let page = Browser::of(&program).open("/").await;
    assert_eq!(header(&page, "strict-transport-security"), "");
}

#[tokio::test]
async fn item_30_behind_tls_the_cookie_is_bound_to_the_host() {
    let folder = Folder::new();
    let program = serve(&folder, "https://vault.example");
    let browser = Browser::of(&program);
    let link = browser.portal_link().await;
    let opened = browser
        .open(
            link.strip_prefix("https://vault.example")
                .expect("our own address"),
        )
        .await;
    assert_eq!(
        (opened.status(), header(&opened, "location")),
        (StatusCode::SEE_OTHER, "/integrations")
    );
    let given = header(&opened, "set-cookie");
    assert!(given.starts_with("__Host-evergrant=evc_"), "{given}");
    assert!(
        given.ends_with("; Path=/; Max-Age=43200; HttpOnly; SameSite=Lax; Secure"),
        "{given}"
    );
    let session = browser
        .get("/console/session")
        .header("cookie", cookie(&opened))
        .send()
        .await
        .unwrap();
    let session: Value = session.json().await.unwrap();
    assert_eq!(
        (&session["user"]["externalId"], &session["dev"]),
        (&json!("somebody"), &json!(false))
    );
}

#[tokio::test]
async fn assets_are_small_and_kept_and_documents_are_asked_for_anew() {
    let program = Program::dev(&[]);
    let browser = Browser::of(&program);
    let page = browser.open("/integrations").await;
    assert_eq!(
        (page.status(), header(&page, "cache-control")),
        (StatusCode::OK, "no-cache")
    );
    let tag = header(&page, "etag").to_owned();
    let again = browser
        .get("/")
        .header("if-none-match", &tag)
        .send()
        .await
        .unwrap();
    assert_eq!(again.status(), StatusCode::NOT_MODIFIED);
    let document = page.text().await.unwrap();
    let script = document
        .split('"')
        .find(|text| text.starts_with("/assets/index-"));
    let script =
        script.unwrap_or_else(|| panic!("the console is built before the tests: {document}"));
    let plain = browser.get(script).send().await.unwrap();
    let pressed = browser
        .get(script)
        .header("accept-encoding", "gzip, br")
        .send()
        .await
        .unwrap();
    for answer in [&plain, &pressed] {
        assert_eq!(
            header(answer, "content-type"),
            "text/javascript; charset=utf-8"
        );
        assert_eq!(
            header(answer, "cache-control"),
            "public, max-age=31536000, immutable"
        );
        assert_eq!(header(answer, "vary"), "accept-encoding");
    }
    assert_eq!(
        (
            header(&plain, "content-encoding"),
            header(&pressed, "content-encoding")
        ),
        ("", "br")
    );
    let (plain, pressed) = (plain.bytes().await.unwrap(), pressed.bytes().await.unwrap());
    assert!(
        pressed.len() * 2 < plain.len(),
        "{} of {}",
        pressed.len(),
        plain.len()
    );
}

#[tokio::test]
async fn people_are_shown_that_there_is_no_such_page_and_programs_are_told() {
    let program = Program::dev(&[]);
    let browser = Browser::of(&program);
    let shown = browser.open("/no-such-page").await;
    assert_eq!(
        (shown.status(), header(&shown, "content-type")),
        (StatusCode::NOT_FOUND, "text/html; charset=utf-8")
    );
    for path in ["/no-such-page", "/assets/none.js", "/api/none"] {
        let told = browser.get(path).send().await.unwrap();
        assert_eq!(told.status(), StatusCode::NOT_FOUND, "{path}");
        assert_eq!(
            told.json::<Value>().await.unwrap()["code"],
            "NOT_FOUND",
            "{path}"
        );
    }
    let posted = browser
        .client
        .post(format!("{}/integrations", program.url()))
        .send()
        .await
        .unwrap();
    assert_eq!(posted.status(), StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(
        posted.json::<Value>().await.unwrap()["code"],
        "METHOD_NOT_ALLOWED"
    );
}

#[tokio::test]
async fn in_dev_a_visit_signs_in_the_demo_creator_who_can_become_the_new_user() {
    let program = Program::dev(&[]);
    let browser = Browser::of(&program);
    let held = cookie(&browser.open("/").await);
    let session: Value = browser
        .get("/console/session")
        .header("cookie", &held)
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    assert_eq!(
        (&session["user"]["name"], &session["dev"]),
        (&json!("Demo creator"), &json!(true))
    );
    let change = browser
        .client
        .post(format!("{}/console/session", program.url()))
        .header("cookie", &held);
    let csrf = session["csrfToken"].as_str().unwrap();
    let changed = change
        .header("x-csrf-token", csrf)
        .json(&json!({"userId": 2}))
        .send()
        .await
        .unwrap();
    assert_ne!(cookie(&changed), held);
    assert_eq!(
        changed.json::<Value>().await.unwrap()["user"]["name"],
        "New user"
    );
}

#[tokio::test]
async fn in_dev_a_name_that_merely_leads_here_signs_nobody_in() {
    let program = Program::dev(&[]);
    let browser = Browser::of(&program);
    let rebound = browser
        .get("/")
        .header("host", "evil.example")
        .send()
        .await
        .unwrap();
    assert_eq!(
        (rebound.status(), header(&rebound, "set-cookie")),
        (StatusCode::SEE_OTHER, "")
    );
    assert!(header(&rebound, "location").starts_with("http://localhost:"));
}
