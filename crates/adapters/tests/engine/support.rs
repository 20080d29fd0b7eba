//! A platform that notes what it is asked and answers what it is told.

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

/// One request as it arrived.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) body: String,
    pub(crate) method: Method,
    pub(crate) uri: Uri,
    pub(crate) headers: HeaderMap,
    pub(crate) form: BTreeMap<String, String>,
}

impl Seen {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }

    pub(crate) fn field(&self, name: &str) -> &str {
        self.form.get(name).map_or("", String::as_str)
    }

    pub(crate) fn query(&self, name: &str) -> String {
        let query = self.uri.query().unwrap_or_default();
        let found = url::form_urlencoded::parse(query.as_bytes()).find(|(key, _)| key == name);
        found
            .map(|(_, value)| value.into_owned())
            .unwrap_or_default()
    }

    /// Method and path.
    pub(crate) fn route(&self) -> String {
        format!("{} {}", self.method, self.uri.path())
    }
}

/// What to answer.
#[derive(Clone)]
pub(crate) struct Told {
    status: u16,
    headers: Vec<(&'static str, String)>,
    body: String,
}

pub(crate) fn told(status: u16, body: &str) -> Told {
    Told {
        status,
        headers: vec![("content-type", "application/json".to_owned())],
        body: body.to_owned(),
    }
}

impl Told {
    pub(crate) fn with(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }
}

/// The platform: every route gives the same answer, unless it has been told one of its own.
#[derive(Clone)]
pub(crate) struct Platform {
    pub(crate) base: String,
    seen: Arc<Mutex<Vec<Seen>>>,
    answer: Arc<Mutex<Told>>,
    routes: Arc<Mutex<Vec<(String, Told)>>>,
}

impl Platform {
    pub(crate) async fn telling(answer: Told) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let platform = Self {
            base,
            seen: Arc::default(),
            answer: Arc::new(Mutex::new(answer)),
            routes: Arc::default(),
        };
        let app = Router::new().fallback(note).with_state(platform.clone());
        tokio::spawn(async move { axum::serve(listener, app).await });
        platform
    }

    pub(crate) fn tell(&self, answer: Told) {
        *self.answer.lock().unwrap() = answer;
    }

    /// Answers requests whose method and address contain this; what was told last wins.
    pub(crate) fn tell_at(&self, route: &str, answer: Told) -> &Self {
        self.routes
            .lock()
            .unwrap()
            .insert(0, (route.to_owned(), answer));
        self
    }

    pub(crate) fn routes_seen(&self) -> Vec<String> {
        self.seen().iter().map(Seen::route).collect()
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    pub(crate) fn only(&self) -> Seen {
        let seen = self.seen();
        assert_eq!(seen.len(), 1, "{seen:?}");
        seen[0].clone()
    }
}

async fn note(
    State(platform): State<Platform>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response<Body> {
    let form = url::form_urlencoded::parse(&body).into_owned().collect();
    let asked = format!("{method} {uri}");
    let body = String::from_utf8_lossy(&body).into_owned();
    platform.seen.lock().unwrap().push(Seen {
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
        .find(|(route, _)| asked.contains(route))
        .map(|(_, own)| own.clone());
    let told = own.unwrap_or_else(|| platform.answer.lock().unwrap().clone());
    let response = told.headers.iter().fold(
        Response::builder().status(told.status),
        |response, (name, value)| response.header(*name, value),
    );
    response.body(Body::from(told.body)).unwrap()
}

pub(crate) fn clock() -> Arc<ManualClock> {
    Arc::new(ManualClock::new(Timestamp::from_unix_seconds(NOW_S)))
}

/// The catalogue's Reddit, played by the platform at `base`.
pub(crate) fn reddit(base: &str) -> Arc<dyn PlatformAdapter> {
    reddit_by(clock(), base)
}

pub(crate) fn reddit_by(clock: Arc<ManualClock>, base: &str) -> Arc<dyn PlatformAdapter> {
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

/// A platform of the catalogue whose every host is at `base`; its registration is `app` with the
/// secret `sim-app-secret`. More settings in `more`.
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

/// A platform of the operator's own at `base`, with more keys in `more`.
pub(crate) fn acme(base: &str, more: &str) -> Arc<dyn PlatformAdapter> {
    acme_within(base, more, HttpLimits::default())
}

pub(crate) fn acme_within(base: &str, more: &str, limits: HttpLimits) -> Arc<dyn PlatformAdapter> {
    guarded_acme(clock(), base, more, limits)
}

/// The same with its guarded call path.
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

pub(crate) fn held(access: &str, refresh: &str) -> HeldTokens {
    HeldTokens {
        access: Some(AccessToken::new(access)),
        refresh: Some(RefreshToken::new(refresh)),
    }
}

pub(crate) fn code() -> AuthorizationCode {
    AuthorizationCode::new("sim-code*!%")
}
