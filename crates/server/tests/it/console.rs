//! Tests of the console as the program serves it: its files, its headers, and signing in.

use reqwest::redirect::Policy;
use reqwest::{Client, RequestBuilder, Response, StatusCode};
use serde_json::{Value, json};

use crate::program::{Folder, Program};

/// A browser without cookies that does not follow redirects.
struct Browser<'a> {
    client: Client,
    program: &'a Program,
}

impl<'a> Browser<'a> {
    fn new(program: &'a Program) -> Self {
        // Fails if another test of this process has installed it.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = Client::builder()
            .redirect(Policy::none())
            .no_proxy()
            .build()
            .expect("the client is built");
        Self { client, program }
    }

    fn get(&self, path: &str) -> RequestBuilder {
        self.client.get(format!("{}{path}", self.program.url()))
    }

    /// Requests a page with the `Accept` header of a browser.
    async fn open(&self, path: &str) -> Response {
        self.get(path)
            .header("accept", "text/html,*/*;q=0.8")
            .send()
            .await
            .unwrap()
    }

    /// Creates a link that opens the console as a new user.
    async fn portal_link(&self) -> String {
        let request = self
            .client
            .post(format!("{}/api/sessions", self.program.url()))
            .bearer_auth(self.program.api_key());
        let created = request
            .json(&json!({"externalId": "2f1c", "portal": true}))
            .send()
            .await
            .unwrap();
        created.json::<Value>().await.unwrap()["url"]
            .as_str()
            .expect("a link")
            .to_owned()
    }

    /// Returns the session of the console for this `Cookie` header.
    async fn session(&self, cookie: &str) -> Value {
        self.get("/console/session")
            .header("cookie", cookie)
            .send()
            .await
            .unwrap()
            .json()
            .await
            .unwrap()
    }
}

fn header<'a>(response: &'a Response, name: &str) -> &'a str {
    response
        .headers()
        .get(name)
        .map_or("", |value| value.to_str().unwrap())
}

/// Returns the `Cookie` header with which a browser responds to `Set-Cookie`.
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
async fn item_56_console_pages_have_security_headers() {
    let folder = Folder::new();
    let program = serve(&folder, "https://vault.example");
    let browser = Browser::new(&program);
    let headers = [
        ("content-security-policy", POLICY),
        ("cross-origin-opener-policy", "same-origin-allow-popups"),
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "no-referrer"),
        ("strict-transport-security", "max-age=31536000"),
        // Opening a page does not sign in.
        ("set-cookie", ""),
    ];
    for path in [
        "/",
        "/integrations",
        "/integrations/",
        "/return",
        "/no-such-page",
        "/assets/none.js",
    ] {
        let page = browser.open(path).await;
        for (name, value) in headers {
            assert_eq!(header(&page, name), value, "{path}: {name}");
        }
    }
}

#[tokio::test]
async fn item_56_hosted_pages_have_a_policy_and_keep_their_opener() {
    let folder = Folder::new();
    let program = serve(&folder, "https://vault.example");
    let browser = Browser::new(&program);
    for path in [
        "/api/integrations/callback/reddit?state=x",
        "/connect/onlyfans?state=x",
        "/portal/x",
    ] {
        let page = browser.open(path).await;
        assert_eq!(
            header(&page, "cross-origin-opener-policy"),
            "",
            "{path}: the app keeps the reference to its popup"
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
async fn hsts_is_sent_only_with_https_public_url() {
    let program = Program::dev(&[]);
    let page = Browser::new(&program).open("/").await;
    assert_eq!(header(&page, "strict-transport-security"), "");
}

#[tokio::test]
async fn item_30_session_cookie_is_bound_to_the_host() {
    let folder = Folder::new();
    let program = serve(&folder, "https://vault.example");
    let browser = Browser::new(&program);
    let link = browser.portal_link().await;
    let opened = browser
        .open(
            link.strip_prefix("https://vault.example")
                .expect("the link starts with the public URL"),
        )
        .await;
    assert_eq!(
        (opened.status(), header(&opened, "location")),
        (StatusCode::SEE_OTHER, "/integrations")
    );
    let set_cookie = header(&opened, "set-cookie");
    assert!(
        set_cookie.starts_with("__Host-evergrant=evc_"),
        "{set_cookie}"
    );
    assert!(
        set_cookie.ends_with("; Path=/; Max-Age=43200; HttpOnly; SameSite=Lax; Secure"),
        "{set_cookie}"
    );
    let session = browser.session(&cookie(&opened)).await;
    assert_eq!(
        (&session["user"]["externalId"], &session["dev"]),
        (&json!("2f1c"), &json!(false))
    );
}

#[tokio::test]
async fn document_is_revalidated_on_each_request() {
    let program = Program::dev(&[]);
    let browser = Browser::new(&program);
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
}

#[tokio::test]
async fn asset_is_immutable_and_compressed() {
    let program = Program::dev(&[]);
    let browser = Browser::new(&program);
    let document = browser.open("/integrations").await.text().await.unwrap();
    let script = document
        .split('"')
        .find(|text| text.starts_with("/assets/index-"));
    let script = script.unwrap_or_else(|| {
        panic!("the console is not built; run `npm ci && npm run build` in web/: {document}")
    });
    let plain = browser.get(script).send().await.unwrap();
    let compressed = browser
        .get(script)
        .header("accept-encoding", "gzip, br")
        .send()
        .await
        .unwrap();
    for response in [&plain, &compressed] {
        for (name, value) in [
            ("content-type", "text/javascript; charset=utf-8"),
            ("cache-control", "public, max-age=31536000, immutable"),
            ("vary", "accept-encoding"),
        ] {
            assert_eq!(header(response, name), value);
        }
    }
    assert_eq!(header(&plain, "content-encoding"), "");
    assert_eq!(header(&compressed, "content-encoding"), "br");
    let plain = plain.bytes().await.unwrap().len();
    let compressed = compressed.bytes().await.unwrap().len();
    assert!(compressed * 2 < plain, "{compressed} of {plain}");
}

#[tokio::test]
async fn unknown_path_is_a_page_for_browsers_and_a_problem_for_programs() {
    let program = Program::dev(&[]);
    let browser = Browser::new(&program);
    let page = browser.open("/no-such-page").await;
    assert_eq!(
        (page.status(), header(&page, "content-type")),
        (StatusCode::NOT_FOUND, "text/html; charset=utf-8")
    );
    for path in ["/no-such-page", "/assets/none.js", "/api/none"] {
        let response = browser.get(path).send().await.unwrap();
        assert_eq!(response.status(), StatusCode::NOT_FOUND, "{path}");
        assert_eq!(
            response.json::<Value>().await.unwrap()["code"],
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
async fn dev_signs_in_the_demo_creator_and_can_switch_to_the_new_user() {
    let program = Program::dev(&[]);
    let browser = Browser::new(&program);
    let first = cookie(&browser.open("/").await);
    let session = browser.session(&first).await;
    assert_eq!(
        (&session["user"]["name"], &session["dev"]),
        (&json!("Demo creator"), &json!(true))
    );
    let request = browser
        .client
        .post(format!("{}/console/session", program.url()))
        .header("cookie", &first);
    let csrf = session["csrfToken"].as_str().unwrap();
    let switched = request
        .header("x-csrf-token", csrf)
        .json(&json!({"userId": 2}))
        .send()
        .await
        .unwrap();
    assert_ne!(cookie(&switched), first);
    assert_eq!(
        switched.json::<Value>().await.unwrap()["user"]["name"],
        "New user"
    );
}

#[tokio::test]
async fn dev_does_not_sign_in_under_another_host_name() {
    let program = Program::dev(&[]);
    let browser = Browser::new(&program);
    let response = browser
        .get("/")
        .header("host", "evil.example")
        .send()
        .await
        .unwrap();
    assert_eq!(
        (response.status(), header(&response, "set-cookie")),
        (StatusCode::SEE_OTHER, "")
    );
    assert!(header(&response, "location").starts_with("http://localhost:"));
}
