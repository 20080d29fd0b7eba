//! The app's server in tests: an HTTP client that calls the program with an API key.

use reqwest::{Client, Method, RequestBuilder, Response, StatusCode, redirect};
use serde_json::Value;

/// A client of one process.
pub(crate) struct App {
    client: Client,
    base: String,
    key: String,
}

/// A response that was read completely. A body that is not JSON is a string.
#[derive(Debug)]
pub(crate) struct ApiResponse {
    pub(crate) status: StatusCode,
    pub(crate) location: Option<String>,
    pub(crate) body: Value,
}

impl App {
    pub(crate) fn new(base: &str, key: &str) -> Self {
        // Fails if another test of this process has installed it.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = Client::builder()
            .redirect(redirect::Policy::none())
            .no_proxy()
            .build()
            .expect("the client is built");
        Self {
            client,
            base: base.to_owned(),
            key: key.to_owned(),
        }
    }

    pub(crate) async fn get(&self, user: i32, path: &str) -> ApiResponse {
        send(self.request(Method::GET, user, path)).await
    }

    /// Sends a GET request to a process that may exit meanwhile.
    pub(crate) async fn try_get(&self, user: i32, path: &str) -> Result<Response, reqwest::Error> {
        self.request(Method::GET, user, path).send().await
    }

    /// Sends a POST request to a process that may exit meanwhile.
    pub(crate) async fn try_post(&self, user: i32, path: &str) -> Result<Response, reqwest::Error> {
        self.request(Method::POST, user, path).send().await
    }

    pub(crate) async fn post(&self, user: i32, path: &str, body: Value) -> ApiResponse {
        send(self.request(Method::POST, user, path).json(&body)).await
    }

    pub(crate) async fn delete(&self, user: i32, path: &str) -> ApiResponse {
        send(self.request(Method::DELETE, user, path)).await
    }

    /// Opens a URL as a browser does, without following redirects.
    pub(crate) async fn open(&self, url: &str) -> ApiResponse {
        send(self.client.get(url)).await
    }

    /// Creates the user with this id.
    pub(crate) async fn create_user(&self, id: i32) {
        let created = self
            .post(1, "/api/users", serde_json::json!({ "id": id }))
            .await;
        assert_eq!(created.status, StatusCode::CREATED, "{created:?}");
    }

    fn request(&self, method: Method, user: i32, path: &str) -> RequestBuilder {
        let request = self.client.request(method, format!("{}{path}", self.base));
        request
            .bearer_auth(&self.key)
            .header("Evergrant-User", user)
    }
}

impl ApiResponse {
    /// Returns the body. The status must be 200.
    #[track_caller]
    pub(crate) fn ok(self) -> Value {
        assert_eq!(self.status, StatusCode::OK, "{self:?}");
        self.body
    }

    /// Returns the error code. The status must be `status`.
    #[track_caller]
    pub(crate) fn code(&self, status: u16) -> &str {
        assert_eq!(self.status.as_u16(), status, "{self:?}");
        self.body["code"].as_str().unwrap_or_default()
    }
}

async fn send(request: RequestBuilder) -> ApiResponse {
    let response: Response = request.send().await.expect("the program responds");
    let location = response
        .headers()
        .get("location")
        .map(|value| value.to_str().expect("the location is ASCII").to_owned());
    let status = response.status();
    let text = response.text().await.expect("the response is complete");
    ApiResponse {
        status,
        location,
        body: serde_json::from_str(&text).unwrap_or(Value::String(text)),
    }
}
