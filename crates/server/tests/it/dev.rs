//! `evergrant dev` and its page, as a visitor and their browser meet them.

use std::os::unix::fs::PermissionsExt;

use reqwest::redirect::Policy;
use reqwest::{Client, RequestBuilder, Response, StatusCode};
use serde_json::{Value, json};

use crate::program::{Folder, Program};

/// A browser on the page of a running program.
struct Visitor<'a> {
    client: Client,
    program: &'a Program,
}

impl<'a> Visitor<'a> {
    fn of(program: &'a Program) -> Self {
        // Another test of this process may have chosen before us; any choice serves.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = Client::builder().redirect(Policy::none()).no_proxy().build().expect("a client");
        Self { client, program }
    }

    fn get(&self, path: &str) -> RequestBuilder {
        self.client.get(format!("{}{path}", self.program.url()))
    }

    async fn page(&self, path: &str) -> String {
        self.get(path).send().await.unwrap().text().await.unwrap()
    }

    fn form(&self, button: &str, fields: &[(&str, &str)]) -> RequestBuilder {
        self.client.post(format!("{}/walk/{button}", self.program.url())).form(fields)
    }

    /// Presses a button of the page, and answers where it leads.
    async fn press(&self, button: &str, fields: &[(&str, &str)]) -> String {
        location(&self.form(button, fields).header("sec-fetch-site", "same-origin").send().await.unwrap())
    }

    /// Consents at the sandbox, and answers where the callback leads.
    async fn consent(&self, auth_url: &str, body: Value) -> String {
        let mut body = body;
        body["authUrl"] = auth_url.into();
        let approve = format!("{}/control/approve", self.program.sandbox_url());
        let answer: Value = self.client.post(approve).json(&body).send().await.unwrap().json().await.unwrap();
        let callback = answer["location"].as_str().unwrap_or_else(|| panic!("{answer}"));
        location(&self.client.get(callback).send().await.unwrap())
    }

    /// What the app's server gets at this path.
    async fn api(&self, path: &str) -> Response {
        self.get(path).bearer_auth(self.program.api_key()).header("evergrant-user", "2").send().await.unwrap()
    }
}

fn location(response: &Response) -> String {
    assert_eq!(response.status(), StatusCode::SEE_OTHER, "{response:?}");
    response.headers()["location"].to_str().unwrap().to_owned()
}

/// The path and query of an address of the program's own.
fn path_of<'a>(program: &Program, url: &'a str) -> &'a str {
    url.strip_prefix(program.url()).unwrap_or_else(|| panic!("{url} is the page's own address"))
}

#[tokio::test]
async fn a_visitor_walks_through_a_connections_whole_life() {
    let program = Program::dev(&[]);
    let visitor = Visitor::of(&program);
    assert!(visitor.page("/").await.contains("Nothing is connected yet"));

    let consent_page = visitor.press("connect", &[("user", "2"), ("provider", "reddit")]).await;
    let landing = visitor.consent(&consent_page, json!({ "person": "juniper" })).await;
    let shown = visitor.page(path_of(&program, &landing)).await;
    assert!(shown.contains("juniper_vale") && shown.contains("Karma") && shown.contains("Connected."), "{shown}");
    let account = landing.split("accountId=").nth(1).unwrap();
    assert!(shown.contains(&format!("/api/integrations/token/reddit/{account}")), "a line to paste");

    let fields = [("user", "2"), ("provider", "reddit"), ("account", account)];
    let token = format!("/api/integrations/token/reddit/{account}");
    let first: Value = visitor.api(&token).await.json().await.unwrap();
    let renewed = visitor.press("refresh", &fields).await;
    assert!(visitor.page(path_of(&program, &renewed)).await.contains("just now"));
    let second: Value = visitor.api(&token).await.json().await.unwrap();
    assert_ne!(first["accessToken"], second["accessToken"]);
    assert!(!visitor.page("/").await.contains(second["accessToken"].as_str().unwrap()), "no token on the page");

    let gone = visitor.press("disconnect", &fields).await;
    let shown = visitor.page(path_of(&program, &gone)).await;
    assert!(shown.contains("has confirmed that access has ended") && !shown.contains("juniper_vale"), "{shown}");
    assert_eq!(visitor.api(&token).await.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn what_does_not_work_is_said_in_a_sentence() {
    let program = Program::dev(&[]);
    let visitor = Visitor::of(&program);
    let consent_page = visitor.press("connect", &[("provider", "reddit")]).await;
    let landing = visitor.consent(&consent_page, json!({ "deny": true })).await;
    assert!(visitor.page(path_of(&program, &landing)).await.contains("You did not allow access"));
    let lost = visitor.press("refresh", &[("provider", "reddit"), ("account", "nobody")]).await;
    assert!(visitor.page(path_of(&program, &lost)).await.contains("not connected any more"));
    let hostile = visitor.page("/?status=error&code=%3Cscript%3E&integration=%3Cscript%3E&user=%3Cscript%3E").await;
    assert!(!hostile.contains("script"), "{hostile}");
}

#[tokio::test]
async fn the_page_answers_nobody_who_comes_by_another_name_or_site() {
    let program = Program::dev(&[]);
    let visitor = Visitor::of(&program);
    let rebound = visitor.get("/").header("host", "evil.example").send().await.unwrap();
    assert_eq!(rebound.status(), StatusCode::MISDIRECTED_REQUEST);
    assert!(!rebound.text().await.unwrap().contains("evg_"));
    for (name, value) in [("sec-fetch-site", "cross-site"), ("origin", "http://evil.example"), ("x-nothing", "x")] {
        let answer = visitor.form("connect", &[("provider", "reddit")]).header(name, value).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::FORBIDDEN, "{name}: {value}");
    }
    let policy = visitor.get("/").send().await.unwrap();
    assert!(policy.headers()["content-security-policy"].to_str().unwrap().starts_with("default-src 'none'"));
}

#[tokio::test]
async fn a_second_run_finds_the_account_and_the_key_of_the_first() {
    let folder = Folder::new();
    let data = folder.path().join("data");
    let first = Program::dev_in(&data, &[], &[]);
    let key = first.api_key().to_owned();
    let visitor = Visitor::of(&first);
    let consent_page = visitor.press("connect", &[("provider", "reddit")]).await;
    visitor.consent(&consent_page, json!({ "person": "kiln" })).await;
    assert!(first.stop().success());

    let second = Program::dev_in(&data, &[], &[]);
    assert_eq!(second.api_key(), key);
    let status: Value = Visitor::of(&second).api("/api/integrations/status").await.json().await.unwrap();
    assert_eq!(status["integrations"].as_array().unwrap().len(), 1, "{status}");
    for (name, mode) in
        [("", 0o700), ("key", 0o600), ("api-key", 0o600), ("evergrant.db", 0o600), ("sandbox.json", 0o600)]
    {
        let found = std::fs::metadata(data.join(name)).unwrap().permissions().mode() & 0o777;
        assert_eq!(found, mode, "{name}: {found:o}");
    }
}

#[tokio::test]
async fn a_key_that_no_longer_works_is_made_anew() {
    let folder = Folder::new();
    let data = folder.path().join("data");
    let first = Program::dev_in(&data, &[], &[]);
    let key = first.api_key().to_owned();
    assert!(first.stop().success());
    std::fs::write(data.join("api-key"), "evg_nonsense\n").unwrap();
    let second = Program::dev_in(&data, &[], &[]);
    assert_ne!(second.api_key(), key);
    assert_eq!(Visitor::of(&second).api("/api/integrations/status").await.status(), StatusCode::OK);
}

#[tokio::test]
async fn there_are_two_people_from_the_beginning() {
    let program = Program::dev(&[]);
    let visitor = Visitor::of(&program);
    for (user, external_id) in [(1, "demo-creator"), (2, "new-user")] {
        let found: Value = visitor.api(&format!("/api/users/{user}")).await.json().await.unwrap();
        assert_eq!(found["externalId"], external_id, "{found}");
    }
}

#[tokio::test]
async fn readiness_is_the_operators_own_listener() {
    let program = Program::dev(&[]);
    let visitor = Visitor::of(&program);
    let ready = visitor.client.get(format!("{}/readyz", program.admin_url())).send().await.unwrap();
    assert_eq!(ready.status(), StatusCode::OK);
    assert_eq!(visitor.get("/readyz").send().await.unwrap().status(), StatusCode::NOT_FOUND);
}
