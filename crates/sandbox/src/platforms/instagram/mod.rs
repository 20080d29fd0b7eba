//! Instagram through Facebook Login. Deviations from the OAuth RFCs:
//!
//! * The code is exchanged with a `GET` without a grant type, for a token valid for 90 minutes.
//!   That token is exchanged for one valid for 60 days. There is no refresh token: the access token
//!   itself is exchanged again while it is valid.
//! * Any exchange attempt consumes the code. Rejected codes are distinguished by the subcode of
//!   error 100.
//! * The subcode of error 190 says why a token is no longer valid. `debug_token` reports it with
//!   status 200.
//! * A person selects Pages and accounts on the consent page. Removing the app invalidates all
//!   their tokens.
//!
//! Two path prefixes stand in for the hosts: `/facebook/dialog` and `/facebook/graph`.

mod me;
mod profile;
mod tokens;

use std::sync::Arc;

use axum::response::Response;
use axum::routing::any;
use axum::{Extension, Router};
use evergrant_model::ScopeSet;

pub(super) use self::profile::dev_settings;
use self::profile::{HOST, PROFILE};
use super::meta::{self, GraphCall, Host, MetaPeople, Page, Subject};
use crate::engine::AuthorizationRequest;
use crate::notifications::CallbackRequest;
use crate::notifications::Message;
use crate::platform::PlatformContext;
use crate::platform::{Asset, Card, Platform};
use crate::profile::PlatformProfile;
use crate::world::Person;
use crate::world::grants::InvalidationReason;

/// The simulated Facebook with the accounts of the demo persons.
pub(super) struct Instagram {
    cards: Vec<Card>,
    people: Arc<MetaPeople>,
}

impl Instagram {
    pub(super) fn new(people: &[Person]) -> Result<Self, toml::de::Error> {
        let accounts = meta::load_people()?;
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

    fn routes(&self) -> Router<PlatformContext> {
        let host: &'static Host = &HOST;
        let graph = Router::new().route("/facebook/graph/{*path}", any(graph));
        graph
            .layer(Extension(self.people.clone()))
            .layer(Extension(host))
    }

    fn has_own_token_endpoint(&self) -> bool {
        true
    }

    fn default_response_type(&self) -> Option<&'static str> {
        Some("code")
    }

    fn extra_callback_params(
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

    fn dialog_error_params(&self) -> &'static [(&'static str, &'static str)] {
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

    fn app_removal_reason(&self) -> Option<InvalidationReason> {
        Some(InvalidationReason::AppRemoved)
    }

    fn callback(&self, context: &PlatformContext, request: &CallbackRequest) -> Option<Message> {
        let person = self.people.get(&request.person)?;
        let account_id = person.accounts().next().map(|account| account.id.as_str());
        let secret = PROFILE.clients.first()?.secret;
        meta::signed_callback(
            context,
            request,
            &Subject {
                secret,
                app_scoped_id: &person.facebook_id,
                account_id,
            },
        )
    }
}

/// Returns the Page and its linked Instagram account as selectable assets.
fn page_assets(page: &Page) -> Vec<Asset> {
    let about = page.business.as_ref().map_or_else(
        || "Page".to_owned(),
        |business| format!("Page of {}", business.name),
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

/// Dispatches every request to the Graph host.
async fn graph(call: GraphCall) -> Response {
    let path: Vec<&str> = call.path.iter().map(String::as_str).collect();
    match (call.method.as_str(), path.as_slice()) {
        ("GET" | "POST", ["oauth", "access_token"]) => tokens::access_token(&call).await,
        ("GET", ["debug_token"]) => tokens::debug(&call).await,
        ("DELETE", [user, "permissions"]) => me::revoke(&call, user, None).await,
        ("DELETE", [user, "permissions", permission]) => {
            me::revoke(&call, user, Some(permission)).await
        }
        ("GET", path) => me::read(&call, path).await,
        _ => me::unsupported(&call).await,
    }
}
