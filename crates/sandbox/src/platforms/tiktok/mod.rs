//! TikTok's Login Kit and Display API, to the letter. Their departures from OAuth as the RFCs have
//! it:
//!
//! * an app calls itself by `client_key`, scopes are divided by commas, and the callback calls the
//!   granted ones `scopes` where the token endpoint says `scope`;
//! * a code ends with characters that only survive exactly one decoding;
//! * an app on a desktop needs PKCE, with the challenge in hexadecimal;
//! * OAuth errors are flat, data errors come in an envelope whose `error` is there on success too,
//!   with code `ok`;
//! * 401 means two things: a dead token, or a scope that the person did not grant;
//! * every endpoint ends with a slash, and without it there is nothing.
//!
//! The two hosts live under path prefixes here: `/tiktok/auth` and `/tiktok/api`; pictures under
//! `/tiktok/cdn`.

mod account;
mod answers;
mod cover;
mod facts;
mod resources;
mod user_info;
mod videos;
mod webhook;

use std::collections::BTreeMap;

use axum::Router;
use axum::extract::RawQuery;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use evergrant_model::Timestamp;
use serde_json::json;

use self::account::Account;
use self::facts::PROFILE;
pub(super) use self::facts::dev_settings;
use crate::engine::{Form, Refusal};
use crate::notifications::{Notice, Webhook};
use crate::platform::Stage;
use crate::platform::{Card, Issued, Platform};
use crate::profile::PlatformProfile;
use crate::settings::Settings;
use crate::world::Person;

/// TikTok with the accounts of the demo persons.
pub(super) struct TikTok {
    cards: Vec<Card>,
    accounts: BTreeMap<String, Account>,
}

impl TikTok {
    pub(super) fn new(people: &[Person]) -> Result<Self, toml::de::Error> {
        let (mut cards, mut accounts) = (Vec::new(), BTreeMap::new());
        for person in people {
            let Some(account) = person.account::<Account>(PROFILE.slug).transpose()? else {
                continue;
            };
            cards.push(Card {
                person: person.handle.clone(),
                account_id: account.open_id.clone(),
                username: format!("@{}", account.username),
                about: account.about.clone(),
            });
            accounts.insert(person.handle.clone(), account);
        }
        Ok(Self { cards, accounts })
    }
}

impl Platform for TikTok {
    fn profile(&self) -> &'static PlatformProfile {
        &PROFILE
    }

    fn cards(&self) -> &[Card] {
        &self.cards
    }

    fn token_prefix(&self, _: &str) -> String {
        "sim.".to_owned()
    }

    fn credentials(&self, _: &HeaderMap, form: &Form) -> Option<(String, String)> {
        Some((
            form.get("client_key")?.to_owned(),
            form.get("client_secret")?.to_owned(),
        ))
    }

    fn issued(&self, issued: Issued) -> Response {
        let open_id = self
            .accounts
            .get(&issued.person)
            .map(|account| account.open_id(&issued.client));
        let mut body = json!({
            "access_token": issued.access_token,
            "expires_in": issued.expires_in,
            "open_id": open_id,
            "refresh_expires_in": issued.refresh_expires_in,
            "scope": issued.scopes.join(","),
            "token_type": "Bearer",
        });
        if let (Some(token), Some(fields)) = (issued.refresh_token, body.as_object_mut()) {
            fields.insert("refresh_token".into(), token.into());
        }
        answers::json(StatusCode::OK, &body)
    }

    fn refused(&self, refusal: Refusal, settings: Settings) -> Response {
        let (status, error, why) = match refusal {
            Refusal::InvalidClient => (
                401,
                "invalid_client",
                "The client key and secret do not belong together.",
            ),
            Refusal::InvalidRequest => (
                400,
                "invalid_request",
                "A parameter is missing or malformed.",
            ),
            Refusal::InvalidGrant => (400, "invalid_grant", "The code is wrong, used or expired."),
            Refusal::DeadRefreshToken => (
                400,
                "invalid_grant",
                "The refresh token is wrong or has ended.",
            ),
            Refusal::UnsupportedGrantType => (
                400,
                "unsupported_grant_type",
                "There is no such grant type.",
            ),
            Refusal::UnauthorizedClient => (
                400,
                "unauthorized_client",
                "This app cannot have a token of its own.",
            ),
            Refusal::InvalidScope => (400, "invalid_scope", "There is no such scope."),
            Refusal::ForeignToken => (400, "invalid_request", "The token is not one of this app."),
            Refusal::RateLimited { .. } => (429, "rate_limit_exceeded", "Too many calls."),
            Refusal::ServerError => (500, "server_error", "Something went wrong here."),
        };
        let status = if settings.oauth_errors_as_200 {
            200
        } else {
            status
        };
        let mut response = answers::flat_error(status, error, why);
        if let (Refusal::RateLimited { retry_after_s }, true) = (refusal, settings.retry_after) {
            response
                .headers_mut()
                .insert(header::RETRY_AFTER, retry_after_s.into());
        }
        response
    }

    fn webhook(&self, webhook: &Webhook, now: Timestamp) -> Option<Notice> {
        webhook::notice(webhook, self.accounts.get(&webhook.person)?, now)
    }

    fn routes(&self) -> Router<Stage> {
        let bare = PROFILE.paths.authorize.trim_end_matches('/');
        resources::routes(self.accounts.clone()).route(bare, get(with_slash))
    }
}

/// The authorization page is the one address that goes with and without its final slash.
async fn with_slash(RawQuery(query): RawQuery) -> Response {
    let query = query.map(|query| format!("?{query}")).unwrap_or_default();
    Redirect::permanent(&format!("{}{query}", PROFILE.paths.authorize)).into_response()
}
