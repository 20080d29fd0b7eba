//! The app's server in a test: calls the real program over HTTP with an API key.

use reqwest::{Client, Method, RequestBuilder, Response, StatusCode, redirect};
use serde_json::Value;

/// A client of one running program.
pub(crate) struct App {
    client: Client,
    base: String,
    key: String,
}

/// An answer, read to its end.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) location: Option<String>,
    pub(crate) body: Value,
}

impl App {
    pub(crate) fn new(base: &str, key: &str) -> Self {
        // Fails where another test of this process was first, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = Client::builder()
            .redirect(redirect::Policy::none())
            .no_proxy()
            .build()
            .expect("a client");
        Self {
            client,
            base: base.to_owned(),
            key: key.to_owned(),
        }
    }

    pub(crate) async fn get(&self, user: i32, path: &str) -> Answer {
        answer(self.request(Method::GET, user, path)).await
    }

    /// The same of a program that may die meanwhile.
    pub(crate) async fn try_get(&self, user: i32, path: &str) -> Result<Response, reqwest::Error> {
        self.request(Method::GET, user, path).send().await
    }

    pub(crate) async fn post(&self, user: i32, path: &str, body: Value) -> Answer {
        answer(self.request(Method::POST, user, path).json(&body)).await
    }

    pub(crate) async fn delete(&self, user: i32, path: &str) -> Answer {
        answer(self.request(Method::DELETE, user, path)).await
    }

    /// Opens an address as a browser would, without following where it leads.
    pub(crate) async fn open(&self, url: &str) -> Answer {
        answer(self.client.get(url)).await
    }

    /// Makes the user with this number.
    pub(crate) async fn make_user(&self, id: i32) {
        let made = self
            .post(1, "/api/users", serde_json::json!({ "id": id }))
            .await;
        assert_eq!(made.status, StatusCode::CREATED, "{made:?}");
    }

    fn request(&self, method: Method, user: i32, path: &str) -> RequestBuilder {
        let request = self.client.request(method, format!("{}{path}", self.base));
        request
            .bearer_auth(&self.key)
            .header("Evergrant-User", user)
    }
}

impl Answer {
    /// The body of a success.
    #[track_caller]
    pub(crate) fn ok(self) -> Value {
        assert_eq!(self.status, StatusCode::OK, "{self:?}");
        self.body
    }

    /// The code of a failure with this status.
    #[track_caller]
    pub(crate) fn code(&self, status: u16) -> &str {
        assert_eq!(self.status.as_u16(), status, "{self:?}");
        self.body["code"].as_str().unwrap_or_default()
    }
}

async fn answer(request: RequestBuilder) -> Answer {
    let response: Response = request.send().await.expect("the program answers");
    let location = response
        .headers()
        .get("location")
        .map(|value| value.to_str().expect("plain text").to_owned());
    let status = response.status();
    let text = response
        .text()
        .await
        .expect("the program answers to the end");
    Answer {
        status,
        location,
        body: serde_json::from_str(&text).unwrap_or(Value::String(text)),
    }
}
