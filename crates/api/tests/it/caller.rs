//! Callers of the API: without a credential, with an API key, with an API key on behalf of a user,
//! and a user's browser with a session token.
//!
//! Each kind is its own type, so a test can neither name a user with a session token nor forget to
//! name one with an API key.

use axum::body::Body;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Request, header};
use axum::response::Response;
use evergrant_model::ApiKeyId;
use evergrant_service::{Issued, KeyScope};
use secrecy::ExposeSecret;
use serde_json::Value;
use tower::ServiceExt;

use crate::harness::{Harness, call};
use crate::openapi_conformance;
use crate::response::TestResponse;

/// A caller without a credential.
pub(crate) struct Anonymous;
/// The app's backend with an API key.
pub(crate) struct App(String);
/// The app's backend with an API key and the user it acts for (`Evergrant-User`).
pub(crate) struct AppForUser(String, String);
/// A user's browser with a session token.
pub(crate) struct Browser(String);

/// The headers that a caller sends with each request.
pub(crate) trait Credential {
    fn headers(&self) -> HeaderMap;
}

impl Credential for Anonymous {
    fn headers(&self) -> HeaderMap {
        HeaderMap::new()
    }
}

impl Credential for App {
    fn headers(&self) -> HeaderMap {
        bearer(&self.0)
    }
}

impl Credential for AppForUser {
    fn headers(&self) -> HeaderMap {
        let mut headers = bearer(&self.0);
        headers.insert("evergrant-user", HeaderValue::from_str(&self.1).unwrap());
        headers
    }
}

impl Credential for Browser {
    fn headers(&self) -> HeaderMap {
        bearer(&self.0)
    }
}

fn bearer(token: &str) -> HeaderMap {
    let value = HeaderValue::from_str(&format!("Bearer {token}")).unwrap();
    HeaderMap::from_iter([(header::AUTHORIZATION, value)])
}

/// A caller of the harness's router.
pub(crate) struct Caller<'a, C> {
    harness: &'a Harness,
    credential: C,
}

impl Harness {
    /// Sends requests without a credential.
    pub(crate) fn anonymous(&self) -> Caller<'_, Anonymous> {
        Caller {
            harness: self,
            credential: Anonymous,
        }
    }

    /// Creates an API key with every scope except `admin`.
    pub(crate) async fn app(&self) -> Caller<'_, App> {
        self.app_with(&[]).await
    }

    /// Creates an API key with these scopes. Without any, the key has every scope except `admin`.
    pub(crate) async fn app_with(&self, scopes: &[KeyScope]) -> Caller<'_, App> {
        self.app_with_key(
            &self
                .service
                .api_keys()
                .create(&call(), "the app", scopes)
                .await
                .unwrap(),
        )
    }

    /// Uses an existing API key.
    pub(crate) fn app_with_key(&self, key: &Issued<ApiKeyId>) -> Caller<'_, App> {
        Caller {
            harness: self,
            credential: App(key.secret.expose_secret().to_owned()),
        }
    }

    /// Creates an API key with every scope except `admin` and uses it on behalf of the user.
    pub(crate) async fn app_for(&self, user: i32) -> Caller<'_, AppForUser> {
        self.app().await.for_user(&user.to_string())
    }

    /// Creates a session for the user and uses its token.
    pub(crate) async fn browser(&self, user: i32) -> Caller<'_, Browser> {
        let session = self
            .service
            .sessions()
            .create(&call(), i64::from(user).try_into().unwrap(), None)
            .await
            .unwrap();
        Caller {
            harness: self,
            credential: Browser(session.secret.expose_secret().to_owned()),
        }
    }
}

impl<'a> Caller<'a, App> {
    /// Uses the key on behalf of `user`, the value of the `Evergrant-User` header.
    pub(crate) fn for_user(self, user: &str) -> Caller<'a, AppForUser> {
        Caller {
            harness: self.harness,
            credential: AppForUser(self.credential.0, user.to_owned()),
        }
    }

    pub(crate) fn key(&self) -> &str {
        &self.credential.0
    }
}

impl Caller<'_, AppForUser> {
    pub(crate) fn key(&self) -> &str {
        &self.credential.0
    }
}

impl Caller<'_, Browser> {
    pub(crate) fn session(&self) -> &str {
        &self.credential.0
    }
}

impl<'a, C: Credential> Caller<'a, C> {
    /// Builds a request with the caller's credential and without a body.
    pub(crate) fn request(&self, method: Method, path: &str) -> TestRequest<'a> {
        TestRequest {
            harness: self.harness,
            method,
            path: path.to_owned(),
            headers: self.credential.headers(),
            body: Body::empty(),
        }
    }

    pub(crate) async fn get(&self, path: &str) -> TestResponse {
        self.request(Method::GET, path).send().await
    }

    pub(crate) async fn delete(&self, path: &str) -> TestResponse {
        self.request(Method::DELETE, path).send().await
    }

    /// Posts JSON.
    pub(crate) async fn post(&self, path: &str, body: Value) -> TestResponse {
        self.request(Method::POST, path)
            .json(&body.to_string())
            .send()
            .await
    }
}

/// A request under construction.
pub(crate) struct TestRequest<'a> {
    harness: &'a Harness,
    method: Method,
    path: String,
    headers: HeaderMap,
    body: Body,
}

impl TestRequest<'_> {
    /// Appends a header.
    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        let name = HeaderName::try_from(name).unwrap();
        self.headers
            .append(name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
        self
    }

    pub(crate) fn body(mut self, media_type: &str, body: impl Into<Body>) -> Self {
        self.body = body.into();
        self.header("content-type", media_type)
    }

    /// Sets a body with the media type of JSON. The text may be malformed.
    pub(crate) fn json(self, body: &str) -> Self {
        self.body("application/json", body.to_owned())
    }

    /// Sets a form-encoded body.
    pub(crate) fn form(self, pairs: &[(&str, &str)]) -> Self {
        let form = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(pairs)
            .finish();
        self.body("application/x-www-form-urlencoded", form)
    }

    /// Sends the request and checks the response against the OpenAPI document.
    pub(crate) async fn send(self) -> TestResponse {
        let (method, path) = (self.method.clone(), self.path.clone());
        let response = TestResponse::read(self.response().await).await;
        openapi_conformance::assert_documented(&method, &path, &response);
        response
    }

    /// Sends the request and returns the response with its body unread.
    pub(crate) async fn response(self) -> Response {
        let mut request = Request::builder()
            .method(self.method)
            .uri(self.path)
            .body(self.body)
            .unwrap();
        *request.headers_mut() = self.headers;
        self.harness.router.clone().oneshot(request).await.unwrap()
    }
}
