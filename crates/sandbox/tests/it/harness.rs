//! A sandbox with a clock that stands still, and a caller who behaves as the platforms demand.

use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Request, StatusCode, header};
use evergrant_model::{ManualClock, SeededEntropy, Timestamp};
use evergrant_sandbox::{Sandbox, SandboxOptions};
use serde_json::Value;
use tower::ServiceExt as _;
use url::Url;

pub(crate) const BASE: &str = "http://127.0.0.1:8081";
pub(crate) const CALLBACK: &str = "http://localhost:8080/api/integrations/callback/reddit";
pub(crate) const AGENT: &str = "linux:evergrant-sandbox:v0.1.0 (by /u/evergrant-sandbox)";
/// `simRedditId:simRedditSecret` and `simRedditOther:simRedditOtherSecret`.
pub(crate) const BASIC: &str = "Basic c2ltUmVkZGl0SWQ6c2ltUmVkZGl0U2VjcmV0";
pub(crate) const OTHER_BASIC: &str = "Basic c2ltUmVkZGl0T3RoZXI6c2ltUmVkZGl0T3RoZXJTZWNyZXQ=";
pub(crate) const ALL_SCOPES: &str = "identity history mysubreddits read";
pub(crate) const TOKEN: &str = "/reddit/www/api/v1/access_token";
pub(crate) const REVOKE: &str = "/reddit/www/api/v1/revoke_token";
pub(crate) const ME: &str = "/reddit/oauth/api/v1/me";
/// 1 January 2026, ten seconds into a window.
pub(crate) const START_S: i64 = 1_767_225_610;

pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("not JSON: {:?}", self.body))
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    pub(crate) fn text(&self, field: &str) -> String {
        self.json()[field]
            .as_str()
            .unwrap_or_else(|| panic!("no {field} in {}", self.body))
            .to_owned()
    }

    pub(crate) fn is_html(&self) -> bool {
        self.header("content-type")
            .is_some_and(|kind| kind.starts_with("text/html"))
    }
}

pub(crate) struct Stand {
    pub(crate) sandbox: Sandbox,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) router: Router,
}

impl Stand {
    pub(crate) fn new() -> Self {
        Self::with(SandboxOptions::default())
    }

    /// A sandbox with the options' redirect addresses and state file; clock and entropy are the
    /// stand's own.
    pub(crate) fn with(options: SandboxOptions) -> Self {
        let clock = Arc::new(ManualClock::new(Timestamp::from_unix_seconds(START_S)));
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

    pub(crate) async fn send(&self, request: Request<Body>) -> Answer {
        let (parts, body) = self
            .router
            .clone()
            .oneshot(request)
            .await
            .unwrap()
            .into_parts();
        let body = to_bytes(body, 1 << 20).await.unwrap();
        Answer {
            status: parts.status,
            headers: parts.headers,
            body: String::from_utf8_lossy(&body).into_owned(),
        }
    }

    pub(crate) async fn get(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        let request = headers
            .iter()
            .fold(Request::get(path), |request, (name, value)| {
                request.header(*name, *value)
            });
        self.send(request.body(Body::empty()).unwrap()).await
    }

    pub(crate) async fn post(
        &self,
        path: &str,
        headers: &[(&str, &str)],
        fields: &[(&str, &str)],
    ) -> Answer {
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

    /// A call to the token or revocation endpoint by the first app.
    pub(crate) async fn call(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        self.post(
            path,
            &[("user-agent", AGENT), ("authorization", BASIC)],
            fields,
        )
        .await
    }

    /// A call to a data endpoint with a token.
    pub(crate) async fn data(&self, path: &str, token: &str) -> Answer {
        self.get(
            path,
            &[
                ("user-agent", AGENT),
                ("authorization", &format!("bearer {token}")),
            ],
        )
        .await
    }

    /// A code that the person gives, with all scopes and a lasting grant.
    pub(crate) fn code(&self, person: &str, extra: &[(&str, &str)]) -> String {
        let location = self
            .sandbox
            .approve(&auth_url(extra), person, None)
            .unwrap();
        query(&location, "code").unwrap()
    }

    pub(crate) async fn exchange(&self, code: &str) -> Answer {
        let fields = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", CALLBACK),
        ];
        self.call(TOKEN, &fields).await
    }

    pub(crate) async fn refresh(&self, token: &str) -> Answer {
        self.call(
            TOKEN,
            &[("grant_type", "refresh_token"), ("refresh_token", token)],
        )
        .await
    }

    /// Access and refresh token of a new grant.
    pub(crate) async fn connect(&self, person: &str) -> (String, String) {
        let answer = self.exchange(&self.code(person, &[])).await;
        (answer.text("access_token"), answer.text("refresh_token"))
    }
}

/// An authorization address; `extra` replaces parameters of the usual one, and an empty value takes
/// one out.
pub(crate) fn auth_url(extra: &[(&str, &str)]) -> String {
    let usual = [
        ("client_id", "simRedditId"),
        ("response_type", "code"),
        ("state", "st&te=1"),
        ("redirect_uri", CALLBACK),
        ("duration", "permanent"),
        ("scope", ALL_SCOPES),
    ];
    let kept = usual
        .iter()
        .filter(|(name, _)| extra.iter().all(|(other, _)| other != name));
    let pairs = kept.chain(extra).filter(|(_, value)| !value.is_empty());
    let mut url = Url::parse(&format!("{BASE}/reddit/www/api/v1/authorize")).unwrap();
    url.query_pairs_mut().extend_pairs(pairs);
    url.into()
}

/// The path and query of an address.
pub(crate) fn path_of(url: &str) -> String {
    url.strip_prefix(BASE).unwrap().to_owned()
}

/// A parameter of an address.
pub(crate) fn query(url: &str, name: &str) -> Option<String> {
    let url = Url::parse(url).unwrap();
    url.query_pairs()
        .find(|(key, _)| key == name)
        .map(|(_, value)| value.into_owned())
}
