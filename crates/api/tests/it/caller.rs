//! Who calls: nobody in particular, the app's server, the app's server for a user, or a user's
//! browser.
//!
//! Each is a type of its own, so that a test cannot name a user with a session token, or forget to
//! with a key.

use axum::body::Body;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Request, header};
use axum::response::Response;
use evergrant_model::ApiKeyId;
use evergrant_service::{Issued, KeyScope};
use secrecy::ExposeSecret;
use serde_json::Value;
use tower::ServiceExt;

use crate::answer::Answer;
use crate::described;
use crate::stand::{Stand, call};

/// No credential at all.
pub(crate) struct Anonymous;
/// An API key.
pub(crate) struct App(String);
/// An API key and the user whom it acts for.
pub(crate) struct AppForUser(String, String);
/// A session token.
pub(crate) struct Browser(String);

/// What a caller sends with each request.
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

/// Somebody in front of a stand.
pub(crate) struct Caller<'a, Who> {
    stand: &'a Stand,
    who: Who,
}

impl Stand {
    pub(crate) fn anonymous(&self) -> Caller<'_, Anonymous> {
        Caller {
            stand: self,
            who: Anonymous,
        }
    }

    /// The app's server with a key that may do all but the operator's own.
    pub(crate) async fn app(&self) -> Caller<'_, App> {
        self.app_with(&[]).await
    }

    pub(crate) async fn app_with(&self, scopes: &[KeyScope]) -> Caller<'_, App> {
        self.app_holding(
            &self
                .service
                .api_keys()
                .create(&call(), "the app", scopes)
                .await
                .unwrap(),
        )
    }

    pub(crate) fn app_holding(&self, key: &Issued<ApiKeyId>) -> Caller<'_, App> {
        Caller {
            stand: self,
            who: App(key.secret.expose_secret().to_owned()),
        }
    }

    /// The app's server, for this user.
    pub(crate) async fn app_for(&self, user: i32) -> Caller<'_, AppForUser> {
        self.app().await.for_user(&user.to_string())
    }

    /// The browser of this user.
    pub(crate) async fn browser(&self, user: i32) -> Caller<'_, Browser> {
        let session = self
            .service
            .sessions()
            .create(&call(), i64::from(user).try_into().unwrap(), None)
            .await
            .unwrap();
        Caller {
            stand: self,
            who: Browser(session.secret.expose_secret().to_owned()),
        }
    }
}

impl<'a> Caller<'a, App> {
    /// The same key, acting for `user` as the header names one.
    pub(crate) fn for_user(self, user: &str) -> Caller<'a, AppForUser> {
        Caller {
            stand: self.stand,
            who: AppForUser(self.who.0, user.to_owned()),
        }
    }

    pub(crate) fn key(&self) -> &str {
        &self.who.0
    }
}

impl Caller<'_, AppForUser> {
    pub(crate) fn key(&self) -> &str {
        &self.who.0
    }
}

impl Caller<'_, Browser> {
    pub(crate) fn session(&self) -> &str {
        &self.who.0
    }
}

impl<'a, Who: Credential> Caller<'a, Who> {
    pub(crate) fn ask(&self, method: Method, path: &str) -> Ask<'a> {
        Ask {
            stand: self.stand,
            method,
            path: path.to_owned(),
            headers: self.who.headers(),
            body: Body::empty(),
        }
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.ask(Method::GET, path).send().await
    }

    pub(crate) async fn delete(&self, path: &str) -> Answer {
        self.ask(Method::DELETE, path).send().await
    }

    /// Posts JSON.
    pub(crate) async fn post(&self, path: &str, body: Value) -> Answer {
        self.ask(Method::POST, path)
            .json(&body.to_string())
            .send()
            .await
    }
}

/// A request in the making.
pub(crate) struct Ask<'a> {
    stand: &'a Stand,
    method: Method,
    path: String,
    headers: HeaderMap,
    body: Body,
}

impl Ask<'_> {
    /// The same with one more header.
    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        let name = HeaderName::try_from(name).unwrap();
        self.headers
            .append(name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
        self
    }

    pub(crate) fn body(mut self, media_type: &str, body: impl Into<Body>) -> Self {
        self.body = body.into();
        self.with("content-type", media_type)
    }

    /// Text sent as JSON, whatever it is.
    pub(crate) fn json(self, body: &str) -> Self {
        self.body("application/json", body.to_owned())
    }

    pub(crate) fn form(self, pairs: &[(&str, &str)]) -> Self {
        let form = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(pairs)
            .finish();
        self.body("application/x-www-form-urlencoded", form)
    }

    pub(crate) async fn send(self) -> Answer {
        let (method, path) = (self.method.clone(), self.path.clone());
        let answer = Answer::read(self.response().await).await;
        described::check(&method, &path, &answer);
        answer
    }

    /// The answer as it comes, its body unread.
    pub(crate) async fn response(self) -> Response {
        let mut request = Request::builder()
            .method(self.method)
            .uri(self.path)
            .body(self.body)
            .unwrap();
        *request.headers_mut() = self.headers;
        self.stand.router.clone().oneshot(request).await.unwrap()
    }
}
