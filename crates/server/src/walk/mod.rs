//! The page of `dev`: it leads a visitor through a connection's life, from connecting to disconnecting, without a script
//! and without anything to install.

mod forms;
mod origin;
mod outcome;
mod page;
mod view;

use std::sync::Arc;

use axum::Router;
use axum::extract::rejection::QueryRejection;
use axum::extract::{DefaultBodyLimit, Query, Request, State};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::{get, post};
use evergrant_model::UserId;
use evergrant_service::IntegrationsService;
use secrecy::SecretString;
use serde::Deserialize;

use outcome::Outcome;

/// More than any form here holds.
const LONGEST_FORM: usize = 4 << 10;

/// What the page works with.
#[derive(Clone)]
pub(crate) struct Walk(Arc<Parts>);

struct Parts {
    service: IntegrationsService,
    /// Shown in the lines to paste: the page is for whoever started the program.
    api_key: SecretString,
    /// Without a slash at the end.
    base: String,
    /// The port that we listen on.
    port: u16,
}

impl Walk {
    /// The page over `service`.
    pub(crate) fn new(service: IntegrationsService, api_key: SecretString, port: u16) -> Self {
        let base = service.settings().public_url.as_str().trim_end_matches('/').to_owned();
        Self(Arc::new(Parts { service, api_key, base, port }))
    }
}

/// The page, its style and its forms. Whatever else is asked for goes to the router's fallback.
pub(crate) fn router(walk: Walk) -> Router {
    Router::new()
        .route("/", get(show))
        .route("/walk/style.css", get(style))
        .route("/walk/connect", post(forms::connect))
        .route("/walk/refresh", post(forms::refresh))
        .route("/walk/disconnect", post(forms::disconnect))
        .route_layer(DefaultBodyLimit::max(LONGEST_FORM))
        .route_layer(from_fn(with_headers))
        .route_layer(from_fn_with_state(walk.clone(), origin::check))
        .with_state(walk)
}

/// The two people of `dev`, and who the visitor is until they say otherwise.
const PEOPLE: [(i64, &str); 2] = [(2, "New user"), (1, "Demo creator")];

/// Whom the visitor acts as.
fn person(number: Option<&str>) -> Option<UserId> {
    let known = number.and_then(|text| text.parse::<i64>().ok()).filter(|id| PEOPLE.iter().any(|(of, _)| of == id));
    let [(first, _), ..] = PEOPLE;
    UserId::try_from(known.unwrap_or(first)).ok()
}

/// What an address may say to the page.
#[derive(Debug, Default, Deserialize)]
struct Asked {
    user: Option<String>,
    integration: Option<String>,
    status: Option<String>,
    code: Option<String>,
    revocation: Option<String>,
}

async fn show(State(walk): State<Walk>, asked: Result<Query<Asked>, QueryRejection>) -> Response {
    let asked = asked.map(|Query(asked)| asked).unwrap_or_default();
    let outcome = Outcome::read(&asked, walk.0.service.registry());
    let Some(user) = person(asked.user.as_deref()) else { return StatusCode::NOT_FOUND.into_response() };
    let accounts = walk.0.service.connected_integrations(user).await;
    Html(page::page(&walk.0, user, outcome.as_ref(), &accounts).into_string()).into_response()
}

async fn style() -> Response {
    ([(header::CONTENT_TYPE, "text/css; charset=utf-8")], include_str!("style.css")).into_response()
}

/// What holds for every answer here. A form leads to a platform's consent page, which may be anywhere.
async fn with_headers(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let policy = "default-src 'none'; style-src 'self'; base-uri 'none'; frame-ancestors 'none'; \
        form-action 'self' https: http://localhost:* http://127.0.0.1:*";
    let fixed = [
        (header::CONTENT_SECURITY_POLICY, policy),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "same-origin"),
        (header::CACHE_CONTROL, "no-store"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    ];
    response.headers_mut().extend(fixed.map(|(name, value)| (name, HeaderValue::from_static(value))));
    response
}
