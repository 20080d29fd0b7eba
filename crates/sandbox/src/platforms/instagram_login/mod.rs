//! Instagram Login, to the letter: no Facebook, no Pages, one account a person. Its departures from
//! OAuth as the RFCs have it:
//!
//! * the code buys a token of one hour, without saying so, in an answer that may stand in `data`;
//!   the user's id may be a number too great for a float, the permissions a text;
//! * errors there are flat, while those of the Graph host are Graph's;
//! * the token is exchanged for one of sixty days, and renewed by itself once it is a day old;
//! * nothing revokes: people remove the app in their settings, and its tokens say so by a subcode
//!   of 190.
//!
//! The three hosts live under path prefixes here: `/instagram/auth`, `/instagram/api` and
//! `/instagram/graph`.

mod code;
mod facts;
mod tokens;

use std::sync::Arc;

use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use axum::routing::{any, post};
use axum::{Extension, Router};
use serde_json::{Value, json};

pub(super) use self::facts::dev_settings;
use self::facts::{HOST, PROFILE};
use super::meta::{self, Caller, GraphCall, GraphError, Host, MetaPeople, Subject};
use crate::notifications::CallbackOrder;
use crate::notifications::Message;
use crate::platform::Stage;
use crate::platform::{Card, Platform};
use crate::profile::PlatformProfile;
use crate::settings::Wrapping;
use crate::world::Person;
use crate::world::grants::Ending;

/// Instagram with the professional accounts of the demo persons.
pub(super) struct InstagramLogin {
    cards: Vec<Card>,
    people: Arc<MetaPeople>,
}

impl InstagramLogin {
    pub(super) fn new(people: &[Person]) -> Result<Self, toml::de::Error> {
        let accounts = meta::everybody()?;
        let card = |person: &Person| {
            let theirs = accounts.get(&person.handle)?;
            let account = theirs.accounts().next()?;
            Some(Card {
                person: person.handle.clone(),
                account_id: account.id.clone(),
                username: account.username.clone(),
                about: theirs.login_about.clone()?,
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

    fn routes(&self) -> Router<Stage> {
        let host: &'static Host = &HOST;
        Router::new()
            .route(PROFILE.paths.token, post(code::answer))
            .route("/instagram/graph/{*path}", any(graph))
            .layer(Extension(self.people.clone()))
            .layer(Extension(host))
    }

    fn brings_tokens(&self) -> bool {
        true
    }

    fn app_removed(&self) -> Option<Ending> {
        Some(Ending::AppRemoved)
    }

    fn callback(&self, stage: &Stage, order: &CallbackOrder) -> Option<Message> {
        let account = self.people.get(&order.person)?.accounts().next()?;
        let (secret, account_id) = (PROFILE.clients.first()?.secret, Some(account.id.as_str()));
        meta::signed(
            stage,
            order,
            &Subject {
                secret,
                app_scoped_id: &account.login_id,
                account_id,
            },
        )
    }
}

/// Everything at the Graph host.
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

/// An Instagram node; `me` itself may stand in `data`.
fn node(call: &GraphCall, caller: &Caller) -> Result<Value, GraphError> {
    let node = meta::instagram_node(call, caller)?;
    let is_wrapped = call.path == ["me"] && call.settings().wrapping == Wrapping::Data;
    Ok(if is_wrapped {
        json!({ "data": [node] })
    } else {
        node
    })
}

/// For a path or method that nobody serves, revocation among them.
async fn unsupported(call: &GraphCall) -> Response {
    let work = async {
        let mut response = GraphError::unsupported(&call.path.join("/")).into_response();
        *response.status_mut() = StatusCode::NOT_FOUND;
        response
    };
    call.stage.attend("other", work).await
}
