//! The console: portal links, its session cookie, the CSRF token that changes require, and the
//! automatic sign-in of `evergrant dev`.

mod dev_sign_in;
mod portal_links;
mod sessions;

use axum::http::Method;
use serde_json::json;

use crate::caller::TestRequest;
use crate::harness::Harness;
use crate::response::TestResponse;

const SESSION: &str = "/console/session";
const STATUS: &str = "/api/integrations/status";

/// A browser with the console's cookie.
struct Visitor<'a> {
    harness: &'a Harness,
    cookie: String,
}

impl<'a> Visitor<'a> {
    /// Signs in with a portal link of this user.
    async fn signed_in(harness: &'a Harness, user: i32) -> Self {
        let link = portal_link(harness, user).await;
        Self::from_response(harness, &harness.anonymous().get(&link).await)
    }

    /// Takes the cookie that the response sets.
    fn from_response(harness: &'a Harness, response: &TestResponse) -> Self {
        let cookie = cookie_of(response);
        Self { harness, cookie }
    }

    /// Builds a request with the cookie and without a CSRF token.
    fn request(&self, method: Method, path: &str) -> TestRequest<'a> {
        let request = self.harness.anonymous().request(method, path);
        request.header("cookie", &self.cookie)
    }

    async fn send(&self, method: Method, path: &str, csrf: Option<&str>) -> TestResponse {
        let request = self.request(method, path);
        match csrf {
            Some(token) => request.header("x-csrf-token", token).send().await,
            None => request.send().await,
        }
    }

    async fn get(&self, path: &str) -> TestResponse {
        self.send(Method::GET, path, None).await
    }

    async fn csrf(&self) -> String {
        self.get(SESSION).await.text("csrfToken")
    }
}

/// Creates a portal link for the user and returns its path.
async fn portal_link(harness: &Harness, user: i32) -> String {
    let response = harness
        .app()
        .await
        .post("/api/sessions", json!({"userId": user, "portal": true}))
        .await;
    response
        .text("url")
        .strip_prefix("http://localhost:8080")
        .unwrap()
        .to_owned()
}

/// Returns name and value of the cookie that the response sets.
fn cookie_of(response: &TestResponse) -> String {
    let cookie = response
        .header("set-cookie")
        .unwrap_or_else(|| panic!("no cookie: {response}"));
    cookie.split(';').next().unwrap().to_owned()
}
