//! Instagram Login: no Facebook account, no Pages, one account per person. Deviations from the
//! OAuth RFCs:
//!
//! * The code is exchanged for a token valid for one hour. The response does not state the lifetime
//!   and may be wrapped in `data`. The user id may be a number too large for a float, and the
//!   permissions a string.
//! * Errors of the token endpoint are flat. Errors of the Graph host use the Graph format.
//! * The token is exchanged for one valid for 60 days, which can be refreshed with itself once it
//!   is 24 hours old.
//! * There is no revocation endpoint: people remove the app in their settings, and its tokens then
//!   fail with a subcode of error 190.
//!
//! Three path prefixes stand in for the hosts: `/instagram/auth`, `/instagram/api` and
//! `/instagram/graph`.

mod code;
mod profile;
mod tokens;

use std::sync::Arc;

use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use axum::routing::{any, post};
use axum::{Extension, Router};
use serde_json::{Value, json};

pub(super) use self::profile::dev_settings;
use self::profile::{HOST, PROFILE};
use super::meta::{self, Caller, GraphCall, GraphError, Host, MetaPeople, Subject};
use crate::notifications::CallbackRequest;
use crate::notifications::Message;
use crate::platform::PlatformContext;
use crate::platform::{Card, Platform};
use crate::profile::PlatformProfile;
use crate::settings::Wrapping;
use crate::world::Person;
use crate::world::grants::InvalidationReason;

/// The simulated Instagram with the professional accounts of the demo persons.
pub(super) struct InstagramLogin {
    cards: Vec<Card>,
    people: Arc<MetaPeople>,
}

impl InstagramLogin {
    pub(super) fn new(people: &[Person]) -> Result<Self, toml::de::Error> {
        let accounts = meta::load_people()?;
        let card = |person: &Person| {
            let meta_person = accounts.get(&person.handle)?;
            let account = meta_person.accounts().next()?;
            Some(Card {
                person: person.handle.clone(),
                account_id: account.id.clone(),
                username: account.username.clone(),
                about: meta_person.login_about.clone()?,
            })
        };
        Ok(Self {
            cards: people.iter().filter_map(card).collect(),
            people: Arc::new(accounts),
        })
    }
}

impl Platform for InstagramLogin {
    fn profile(&self) -> &'static PlatformProfile {
        &PROFILE
    }

    fn cards(&self) -> &[Card] {
        &self.cards
    }

    fn routes(&self) -> Router<PlatformContext> {
        let host: &'static Host = &HOST;
        Router::new()
            .route(PROFILE.paths.token, post(code::exchange_code))
            .route("/instagram/graph/{*path}", any(graph))
            .layer(Extension(self.people.clone()))
            .layer(Extension(host))
    }

    fn has_own_token_endpoint(&self) -> bool {
        true
    }

    fn app_removal_reason(&self) -> Option<InvalidationReason> {
        Some(InvalidationReason::AppRemoved)
    }

    fn callback(&self, context: &PlatformContext, request: &CallbackRequest) -> Option<Message> {
        let account = self.people.get(&request.person)?.accounts().next()?;
        let (secret, account_id) = (PROFILE.clients.first()?.secret, Some(account.id.as_str()));
        meta::signed_callback(
            context,
            request,
            &Subject {
                secret,
                app_scoped_id: &account.login_id,
                account_id,
            },
        )
    }
}

/// Dispatches every request to the Graph host.
async fn graph(call: GraphCall) -> Response {
    let path: Vec<&str> = call.path.iter().map(String::as_str).collect();
    match (call.method.as_str(), path.as_slice()) {
        ("GET", ["access_token"]) => tokens::exchange(&call).await,
        ("GET", ["refresh_access_token"]) => tokens::refresh(&call).await,
        ("GET", _) => match meta::endpoint(&call) {
            Some(endpoint) => call.respond(endpoint, |caller| node(&call, caller)).await,
            None => unsupported(&call).await,
        },
        _ => unsupported(&call).await,
    }
}

/// Returns an Instagram node. Depending on the settings, `me` is wrapped in `data`.
fn node(call: &GraphCall, caller: &Caller) -> Result<Value, GraphError> {
    let node = meta::instagram_node(call, caller)?;
    let is_wrapped = call.path == ["me"] && call.settings().wrapping == Wrapping::Data;
    Ok(if is_wrapped {
        json!({ "data": [node] })
    } else {
        node
    })
}

/// Responds to a path or method that does not exist, revocation included.
async fn unsupported(call: &GraphCall) -> Response {
    let work = async {
        let mut response = GraphError::unsupported(&call.path.join("/")).into_response();
        *response.status_mut() = StatusCode::NOT_FOUND;
        response
    };
    call.context.serve_endpoint("other", work).await
}
