//! A sandbox on a manual clock, and a client that calls it as Reddit's documentation requires.

use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Request, StatusCode, header};
use evergrant_model::{ManualClock, SeededEntropy, Timestamp};
use evergrant_sandbox::{Fault, Sandbox, SandboxOptions, Switch};
use serde_json::Value;
use tower::ServiceExt as _;
use url::Url;

pub(crate) const BASE: &str = "http://127.0.0.1:8081";
pub(crate) const CALLBACK: &str = "http://localhost:8080/api/integrations/callback/reddit";
pub(crate) const USER_AGENT: &str = "linux:evergrant-sandbox:v0.1.0 (by /u/evergrant-sandbox)";
/// Credentials of the first client: `simRedditId:simRedditSecret`.
pub(crate) const BASIC: &str = "Basic c2ltUmVkZGl0SWQ6c2ltUmVkZGl0U2VjcmV0";
/// Credentials of the second client: `simRedditOther:simRedditOtherSecret`.
pub(crate) const OTHER_BASIC: &str = "Basic c2ltUmVkZGl0T3RoZXI6c2ltUmVkZGl0T3RoZXJTZWNyZXQ=";
pub(crate) const ALL_SCOPES: &str = "identity history mysubreddits read";
pub(crate) const TOKEN: &str = "/reddit/www/api/v1/access_token";
pub(crate) const REVOKE: &str = "/reddit/www/api/v1/revoke_token";
pub(crate) const ME: &str = "/reddit/oauth/api/v1/me";
/// Initial time of the clock: 1 January 2026, 00:00:10 UTC, ten seconds into a rate-limit window.
pub(crate) const START_SECONDS: i64 = 1_767_225_610;

/// A response read to its end.
pub(crate) struct Response {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Response {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("not JSON: {:?}", self.body))
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    /// Returns the string member `field` of the JSON body.
    pub(crate) fn text(&self, field: &str) -> String {
        self.json()[field]
            .as_str()
            .unwrap_or_else(|| panic!("no {field} in {}", self.body))
            .to_owned()
    }

    /// Returns the first cookie that the response sets, as `name=value`.
    pub(crate) fn cookie(&self) -> String {
        let line = self.header("set-cookie").unwrap();
        line.split(';').next().unwrap().to_owned()
    }

    pub(crate) fn is_html(&self) -> bool {
        self.header("content-type")
            .is_some_and(|kind| kind.starts_with("text/html"))
    }
}

/// A sandbox, its clock, and its router, which is called without a network.
pub(crate) struct Harness {
    pub(crate) sandbox: Sandbox,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) router: Router,
}

impl Harness {
    pub(crate) fn new() -> Self {
        Self::with(SandboxOptions::default())
    }

    /// Starts a sandbox with `options`. The harness supplies public URL, clock and entropy.
    pub(crate) fn with(options: SandboxOptions) -> Self {
        let start = Timestamp::from_unix_seconds(START_SECONDS);
        let clock = Arc::new(ManualClock::new(start));
        let options = SandboxOptions {
            public_url: Some(BASE.to_owned()),
            clock: clock.clone(),
            entropy: Arc::new(SeededEntropy::new(7)),
            ..options
        };
        let sandbox = Sandbox::new(options).unwrap();
        let router = sandbox.router();
        Self {
            sandbox,
            clock,
            router,
        }
    }

    pub(crate) fn set_switch(&self, provider: &str, switch: Switch) {
        self.sandbox.set(provider, switch).unwrap();
    }

    /// Queues `fault` for the next matching requests.
    pub(crate) fn inject_fault(&self, fault: Fault) {
        self.sandbox.inject_fault(fault).unwrap();
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Response {
        let (parts, body) = self
            .router
            .clone()
            .oneshot(request)
            .await
            .unwrap()
            .into_parts();
        let body = to_bytes(body, 1 << 20).await.unwrap();
        Response {
            status: parts.status,
            headers: parts.headers,
            body: String::from_utf8_lossy(&body).into_owned(),
        }
    }

    pub(crate) async fn get(&self, path: &str, headers: &[(&str, &str)]) -> Response {
        let request = headers
            .iter()
            .fold(Request::get(path), |request, (name, value)| {
                request.header(*name, *value)
            });
        self.send(request.body(Body::empty()).unwrap()).await
    }

    /// Posts `fields` as a URL-encoded form.
    pub(crate) async fn post(
        &self,
        path: &str,
        headers: &[(&str, &str)],
        fields: &[(&str, &str)],
    ) -> Response {
        let form = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(fields)
            .finish();
        let request =
            Request::post(path).header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        let request = headers.iter().fold(request, |request, (name, value)| {
            request.header(*name, *value)
        });
        self.send(request.body(Body::from(form)).unwrap()).await
    }

    /// Posts `fields` to Reddit's token or revocation endpoint, authenticated as the first client.
    pub(crate) async fn post_as_client(&self, path: &str, fields: &[(&str, &str)]) -> Response {
        let headers = [("user-agent", USER_AGENT), ("authorization", BASIC)];
        self.post(path, &headers, fields).await
    }

    /// Calls a Reddit data endpoint with the access token `token`.
    pub(crate) async fn api_get(&self, path: &str, token: &str) -> Response {
        let bearer = format!("bearer {token}");
        let headers = [("user-agent", USER_AGENT), ("authorization", &bearer)];
        self.get(path, &headers).await
    }

    /// Returns an authorization code from `person`, by default for all scopes and a permanent
    /// grant. `overrides` as in [`auth_url`].
    pub(crate) fn code(&self, person: &str, overrides: &[(&str, &str)]) -> String {
        let location = self
            .sandbox
            .approve(&auth_url(overrides), person, None)
            .unwrap();
        query_param(&location, "code").unwrap()
    }

    /// Exchanges an authorization code at Reddit.
    pub(crate) async fn exchange(&self, code: &str) -> Response {
        let fields = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", CALLBACK),
        ];
        self.post_as_client(TOKEN, &fields).await
    }

    /// Sends a refresh request to Reddit.
    pub(crate) async fn refresh(&self, token: &str) -> Response {
        let fields = [("grant_type", "refresh_token"), ("refresh_token", token)];
        self.post_as_client(TOKEN, &fields).await
    }

    /// Returns the access and refresh token of a new Reddit grant.
    pub(crate) async fn connect(&self, person: &str) -> (String, String) {
        let response = self.exchange(&self.code(person, &[])).await;
        (
            response.text("access_token"),
            response.text("refresh_token"),
        )
    }
}

/// Returns a Reddit authorization URL. `overrides` replaces default parameters; an empty value
/// removes one.
pub(crate) fn auth_url(overrides: &[(&str, &str)]) -> String {
    let defaults = [
        ("client_id", "simRedditId"),
        ("response_type", "code"),
        ("state", "st&te=1"),
        ("redirect_uri", CALLBACK),
        ("duration", "permanent"),
        ("scope", ALL_SCOPES),
    ];
    url_with("/reddit/www/api/v1/authorize", &defaults, overrides)
}

/// Returns the sandbox URL of `path` with `defaults` as its query. `overrides` replaces default
/// parameters; an empty value removes one.
pub(crate) fn url_with(
    path: &str,
    defaults: &[(&str, &str)],
    overrides: &[(&str, &str)],
) -> String {
    let kept = defaults
        .iter()
        .filter(|(name, _)| overrides.iter().all(|(other, _)| other != name));
    let pairs = kept.chain(overrides).filter(|(_, value)| !value.is_empty());
    let mut url = Url::parse(&format!("{BASE}{path}")).unwrap();
    url.query_pairs_mut().extend_pairs(pairs);
    url.into()
}

/// Returns path and query of a URL of the sandbox.
pub(crate) fn path_of(url: &str) -> String {
    url.strip_prefix(BASE).unwrap().to_owned()
}

/// Returns the decoded query parameter `name` of `url`.
pub(crate) fn query_param(url: &str, name: &str) -> Option<String> {
    let url = Url::parse(url).unwrap();
    url.query_pairs()
        .find(|(key, _)| key == name)
        .map(|(_, value)| value.into_owned())
}
