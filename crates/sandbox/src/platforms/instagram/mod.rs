//! Instagram through Facebook Login, to the letter. Its departures from OAuth as the RFCs have it:
//!
//! * the code is exchanged with a `GET`, without a grant type, for a token of ninety minutes, and
//!   that for one of sixty days; there is no refresh token, the token itself is exchanged again
//!   while it works;
//! * a code is burnt by whatever exchange it comes with, and refused codes are told apart by a
//!   subcode of 100;
//! * a token that has ended says why, by a subcode of 190, and `debug_token` says it with 200;
//! * a person chooses Pages and accounts on the consent page, and removing the app ends every token
//!   of theirs.
//!
//! Both hosts live under path prefixes here: `/facebook/dialog` and `/facebook/graph`.

mod facts;
mod me;
mod tokens;

use std::sync::Arc;

use axum::response::Response;
use axum::routing::any;
use axum::{Extension, Router};
use evergrant_model::ScopeSet;

pub(super) use self::facts::dev_settings;
use self::facts::{HOST, PROFILE};
use super::meta::{self, GraphCall, Host, MetaPeople, Page, Subject};
use crate::engine::AuthorizationRequest;
use crate::notifications::CallbackOrder;
use crate::notifications::Message;
use crate::platform::Stage;
use crate::platform::{Asset, Card, Platform};
use crate::profile::PlatformProfile;
use crate::world::Person;
use crate::world::grants::Ending;

/// Facebook with the accounts of the demo persons.
pub(super) struct Instagram {
    cards: Vec<Card>,
    people: Arc<MetaPeople>,
}

impl Instagram {
    pub(super) fn new(people: &[Person]) -> Result<Self, toml::de::Error> {
        let accounts = meta::everybody()?;
        let card = |person: &Person| {
            let account = accounts.get(&person.handle)?;
            Some(Card {
                person: person.handle.clone(),
                account_id: account.facebook_id.clone(),
                username: account.facebook_name.clone(),
                about: account.about.clone(),
            })
        };
        Ok(Self {
            cards: people.iter().filter_map(card).collect(),
            people: Arc::new(accounts),
        })
    }
}

impl Platform for Instagram {
    fn profile(&self) -> &'static PlatformProfile {
        &PROFILE
    }

    fn cards(&self) -> &[Card] {
        &self.cards
    }

    fn routes(&self) -> Router<Stage> {
        let host: &'static Host = &HOST;
        let graph = Router::new().route("/facebook/graph/{*path}", any(graph));
        graph
            .layer(Extension(self.people.clone()))
            .layer(Extension(host))
    }

    fn brings_tokens(&self) -> bool {
        true
    }

    fn usual_response_type(&self) -> Option<&'static str> {
        Some("code")
    }

    fn callback_extras(
        &self,
        request: &AuthorizationRequest,
        granted: &ScopeSet,
    ) -> Vec<(&'static str, String)> {
        if request.form.get("return_scopes") != Some("true") {
            return Vec::new();
        }
        let declined = request.scopes.missing_from(granted).join(",");
        vec![
            ("granted_scopes", granted.join(",")),
            ("denied_scopes", declined),
        ]
    }

    fn dialog_failure(&self) -> &'static [(&'static str, &'static str)] {
        &[
            ("error_code", "1349220"),
            (
                "error_message",
                "This feature is not available to you right now.",
            ),
        ]
    }

    fn assets(&self, person: &str) -> Vec<Asset> {
        self.people
            .get(person)
            .into_iter()
            .flat_map(|person| &person.pages)
            .flat_map(page_assets)
            .collect()
    }

    fn app_removed(&self) -> Option<Ending> {
        Some(Ending::AppRemoved)
    }

    fn callback(&self, stage: &Stage, order: &CallbackOrder) -> Option<Message> {
        let person = self.people.get(&order.person)?;
        let account_id = person.accounts().next().map(|account| account.id.as_str());
        let secret = PROFILE.clients.first()?.secret;
        meta::signed(
            stage,
            order,
            &Subject {
                secret,
                app_scoped_id: &person.facebook_id,
                account_id,
            },
        )
    }
}

/// A Page, and the account that it leads to.
fn page_assets(page: &Page) -> Vec<Asset> {
    let about = page.business.as_ref().map_or_else(
        || "Page".to_owned(),
        |held| format!("Page of {}", held.name),
    );
    let page_itself = Asset {
        id: page.id.clone(),
        name: page.name.clone(),
        about,
        nested: false,
    };
    let account = page.instagram.as_ref().map(|account| Asset {
        id: account.id.clone(),
        name: format!("@{}", account.username),
        about: "Instagram".to_owned(),
        nested: true,
    });
    std::iter::once(page_itself).chain(account).collect()
}

/// Everything at the Graph host.
async fn graph(call: GraphCall) -> Response {
    let path: Vec<&str> = call.path.iter().map(String::as_str).collect();
    match (call.method.as_str(), path.as_slice()) {
        ("GET" | "POST", ["oauth", "access_token"]) => tokens::access_token(&call).await,
        ("GET", ["debug_token"]) => tokens::debug(&call).await,
        ("DELETE", [whose, "permissions"]) => me::revoke(&call, whose, None).await,
        ("DELETE", [whose, "permissions", one]) => me::revoke(&call, whose, Some(one)).await,
        ("GET", path) => me::read(&call, path).await,
        _ => me::unsupported(&call).await,
    }
}
