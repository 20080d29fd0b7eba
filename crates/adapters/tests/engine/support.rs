//! A fake platform on loopback that records requests and returns configured responses.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, Method, Response, Uri};
use evergrant_adapters::{
    HeldTokens, HttpClient, HttpLimits, NetworkPolicy, PlatformAdapter, Registry, parse_providers,
};
use evergrant_model::{
    AccessToken, AuthorizationCode, ManualClock, ProviderSlug, RefreshToken, Timestamp,
};
use tokio::net::TcpListener;

pub(crate) const NOW_S: i64 = 1_767_225_600;

/// A request as it was received.
#[derive(Debug, Clone)]
pub(crate) struct RecordedRequest {
    pub(crate) body: String,
    pub(crate) method: Method,
    pub(crate) uri: Uri,
    pub(crate) headers: HeaderMap,
    pub(crate) form: BTreeMap<String, String>,
}

impl RecordedRequest {
    /// Returns the header, or an empty string.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }

    /// Returns the field of the form body, or an empty string.
    pub(crate) fn field(&self, name: &str) -> &str {
        self.form.get(name).map_or("", String::as_str)
    }

    /// Returns the query parameter, or an empty string.
    pub(crate) fn query(&self, name: &str) -> String {
        let query = self.uri.query().unwrap_or_default();
        let found = url::form_urlencoded::parse(query.as_bytes()).find(|(key, _)| key == name);
        found
            .map(|(_, value)| value.into_owned())
            .unwrap_or_default()
    }

    /// Returns the method and the path, such as `GET /me`.
    pub(crate) fn route(&self) -> String {
        format!("{} {}", self.method, self.uri.path())
    }
}

/// A configured response.
#[derive(Clone)]
pub(crate) struct CannedResponse {
    status: u16,
    headers: Vec<(&'static str, String)>,
    body: Vec<u8>,
}

/// Returns a JSON response.
pub(crate) fn response(status: u16, body: impl AsRef<[u8]>) -> CannedResponse {
    CannedResponse {
        status,
        headers: vec![("content-type", "application/json".to_owned())],
        body: body.as_ref().to_vec(),
    }
}

impl CannedResponse {
    pub(crate) fn header(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }
}

/// The platform. Every route returns the default response unless it has its own.
#[derive(Clone)]
pub(crate) struct FakePlatform {
    pub(crate) base: String,
    requests: Arc<Mutex<Vec<RecordedRequest>>>,
    default_response: Arc<Mutex<CannedResponse>>,
    routes: Arc<Mutex<Vec<(String, CannedResponse)>>>,
}

impl FakePlatform {
    /// Starts a platform with this default response.
    pub(crate) async fn responding_with(response: CannedResponse) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let platform = Self {
            base,
            requests: Arc::default(),
            default_response: Arc::new(Mutex::new(response)),
            routes: Arc::default(),
        };
        let app = Router::new()
            .fallback(record_and_respond)
            .with_state(platform.clone());
        tokio::spawn(async move { axum::serve(listener, app).await });
        platform
    }

    /// Replaces the default response.
    pub(crate) fn respond_with(&self, response: CannedResponse) {
        *self.default_response.lock().unwrap() = response;
    }

    /// Sets the response to requests whose "method URI" text contains `route`. The route that was
    /// set last takes precedence.
    pub(crate) fn respond_at(&self, route: &str, response: CannedResponse) -> &Self {
        self.routes
            .lock()
            .unwrap()
            .insert(0, (route.to_owned(), response));
        self
    }

    /// Returns method and path of every request.
    pub(crate) fn requested_routes(&self) -> Vec<String> {
        self.requests().iter().map(RecordedRequest::route).collect()
    }

    pub(crate) fn requests(&self) -> Vec<RecordedRequest> {
        self.requests.lock().unwrap().clone()
    }

    /// Returns the request. There must be exactly one.
    pub(crate) fn only_request(&self) -> RecordedRequest {
        let requests = self.requests();
        assert_eq!(requests.len(), 1, "{requests:?}");
        requests[0].clone()
    }
}

async fn record_and_respond(
    State(platform): State<FakePlatform>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response<Body> {
    let form = url::form_urlencoded::parse(&body).into_owned().collect();
    let target = format!("{method} {uri}");
    let body = String::from_utf8_lossy(&body).into_owned();
    platform.requests.lock().unwrap().push(RecordedRequest {
        body,
        method,
        uri,
        headers,
        form,
    });
    let own = platform
        .routes
        .lock()
        .unwrap()
        .iter()
        .find(|(route, _)| target.contains(route))
        .map(|(_, own)| own.clone());
    let canned = own.unwrap_or_else(|| platform.default_response.lock().unwrap().clone());
    let response = canned.headers.iter().fold(
        Response::builder().status(canned.status),
        |response, (name, value)| response.header(*name, value),
    );
    response.body(Body::from(canned.body)).unwrap()
}

pub(crate) fn clock() -> Arc<ManualClock> {
    Arc::new(ManualClock::new(Timestamp::from_unix_seconds(NOW_S)))
}

/// Returns the Reddit adapter of the catalogue for the platform at `base`.
pub(crate) fn reddit(base: &str) -> Arc<dyn PlatformAdapter> {
    reddit_with_clock(clock(), base)
}

pub(crate) fn reddit_with_clock(clock: Arc<ManualClock>, base: &str) -> Arc<dyn PlatformAdapter> {
    let setting = |name: &str| match name {
        "REDDIT_CLIENT_ID" => Some("simRedditId".to_owned()),
        "REDDIT_CLIENT_SECRET" => Some("simRedditSecret".to_owned()),
        "REDDIT_USER_AGENT" => Some("web:evergrant-sim:0.1 (by /u/juniper)".to_owned()),
        "REDDIT_WWW_BASE" | "REDDIT_OAUTH_BASE" => Some(base.to_owned()),
        _ => None,
    };
    let registry = registry(clock, &setting, "", HttpLimits::default());
    registry
        .provider(&ProviderSlug::new("reddit").unwrap())
        .unwrap()
}

/// Returns the adapter of a catalogue provider with all hosts at `base`. The client id is `app` and
/// the client secret `sim-app-secret`. `more` holds further settings.
pub(crate) fn catalogue(slug: &str, base: &str, more: &[(&str, &str)]) -> Arc<dyn PlatformAdapter> {
    let setting = |name: &str| {
        let own = more
            .iter()
            .find(|(known, _)| *known == name)
            .map(|(_, value)| (*value).to_owned());
        let registration = || match name {
            _ if name.ends_with("_BASE") => Some(base.to_owned()),
            _ if name.ends_with("_APP_ID") || name.ends_with("_CLIENT_KEY") => {
                Some("app".to_owned())
            }
            _ if name.ends_with("_SECRET") => Some("sim-app-secret".to_owned()),
            _ => None,
        };
        own.or_else(registration)
    };
    let registry = registry(clock(), &setting, "", HttpLimits::default());
    registry
        .provider(&ProviderSlug::new(slug).unwrap())
        .unwrap()
}

/// Returns the adapter of a custom provider at `base`. `more` holds further keys of its definition.
pub(crate) fn acme(base: &str, more: &str) -> Arc<dyn PlatformAdapter> {
    acme_with_limits(base, more, HttpLimits::default())
}

pub(crate) fn acme_with_limits(
    base: &str,
    more: &str,
    limits: HttpLimits,
) -> Arc<dyn PlatformAdapter> {
    guarded_acme(clock(), base, more, limits)
}

/// Returns the custom provider of [`acme`] with its guarded call path.
pub(crate) fn guarded_acme(
    clock: Arc<ManualClock>,
    base: &str,
    more: &str,
    limits: HttpLimits,
) -> Arc<evergrant_adapters::Provider> {
    let text = format!(
        r#"
        [providers.acme]
        name = "Acme"
        authorization_url = "{base}/authorize"
        token_url = "{base}/token"
        revocation_url = "{base}/revoke"
        userinfo_url = "{base}/userinfo"
        client_id = "id"
        client_secret = "s3cret+/ %"
        allow_insecure = true
        {more}
        "#
    );
    let registry = registry(clock, &|_: &str| None, &text, limits);
    registry
        .provider(&ProviderSlug::new("acme").unwrap())
        .unwrap()
}

fn registry(
    clock: Arc<ManualClock>,
    setting: &dyn Fn(&str) -> Option<String>,
    text: &str,
    limits: HttpLimits,
) -> Registry {
    let http = HttpClient::new(limits).unwrap();
    Registry::new(
        http,
        clock,
        setting,
        parse_providers(text).unwrap(),
        NetworkPolicy::default(),
    )
    .unwrap()
}

pub(crate) fn held_tokens(access: &str, refresh: &str) -> HeldTokens {
    HeldTokens {
        access: Some(AccessToken::new(access)),
        refresh: Some(RefreshToken::new(refresh)),
    }
}

pub(crate) fn code() -> AuthorizationCode {
    AuthorizationCode::new("sim-code*!%")
}
