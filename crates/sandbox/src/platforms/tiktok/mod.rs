//! TikTok's Login Kit and Display API. Deviations from the OAuth RFCs:
//!
//! * The client id is called `client_key`. Scopes are separated by commas. The callback lists the
//!   granted scopes in `scopes`, the token endpoint in `scope`.
//! * A code ends with characters that survive only if the callback URL is decoded exactly once.
//! * Desktop apps need PKCE, with the challenge in hexadecimal.
//! * OAuth errors are flat. Data responses use an envelope whose `error` is present on success too,
//!   with code `ok`.
//! * Status 401 has two meanings: an invalid token, or a scope that the person did not grant.
//! * Every path ends with a slash; without it the response is 404.
//!
//! Two path prefixes stand in for the hosts: `/tiktok/auth` and `/tiktok/api`. Pictures are under
//! `/tiktok/cdn`.

mod account;
mod cover;
mod profile;
mod resources;
mod responses;
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
use self::profile::PROFILE;
pub(super) use self::profile::dev_settings;
use crate::engine::{Form, OAuthError};
use crate::notifications::{OutgoingWebhook, Webhook};
use crate::platform::PlatformContext;
use crate::platform::{Card, IssuedTokens, Platform};
use crate::profile::PlatformProfile;
use crate::settings::Settings;
use crate::world::Person;

/// The simulated TikTok with the accounts of the demo persons.
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

    fn token_response(&self, issued: IssuedTokens) -> Response {
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
        responses::json(StatusCode::OK, &body)
    }

    fn error_response(&self, error: OAuthError, settings: Settings) -> Response {
        let (status, name, description) = oauth_error(error);
        let status = if settings.oauth_errors_as_200 {
            200
        } else {
            status
        };
        let mut response = responses::flat_error(status, name, description);
        if let (
            OAuthError::RateLimited {
                retry_after_seconds,
            },
            true,
        ) = (error, settings.retry_after)
        {
            response
                .headers_mut()
                .insert(header::RETRY_AFTER, retry_after_seconds.into());
        }
        response
    }

    fn webhook(&self, webhook: &Webhook, now: Timestamp) -> Option<OutgoingWebhook> {
        webhook::build(webhook, self.accounts.get(&webhook.person)?, now)
    }

    fn routes(&self) -> Router<PlatformContext> {
        let without_slash = PROFILE.paths.authorize.trim_end_matches('/');
        resources::routes(self.accounts.clone()).route(without_slash, get(redirect_with_slash))
    }
}

/// Returns the status, `error` and `error_description` of an OAuth error.
fn oauth_error(error: OAuthError) -> (u16, &'static str, &'static str) {
    match error {
        OAuthError::InvalidClient => (
            401,
            "invalid_client",
            "The client key or client secret is incorrect.",
        ),
        OAuthError::InvalidRequest => {
            let description = "A parameter is missing or malformed.";
            (400, "invalid_request", description)
        }
        OAuthError::InvalidGrant => {
            let description = "The authorization code is invalid, already used or expired.";
            (400, "invalid_grant", description)
        }
        OAuthError::InvalidRefreshToken => {
            let description = "The refresh token is invalid or expired.";
            (400, "invalid_grant", description)
        }
        OAuthError::UnsupportedGrantType => {
            let description = "The grant type is not supported.";
            (400, "unsupported_grant_type", description)
        }
        OAuthError::UnauthorizedClient => {
            let description = "The app is not authorized to use this grant type.";
            (400, "unauthorized_client", description)
        }
        OAuthError::InvalidScope => (400, "invalid_scope", "The scope does not exist."),
        OAuthError::TokenOfOtherClient => {
            let description = "The token was issued to another app.";
            (400, "invalid_request", description)
        }
        OAuthError::RateLimited { .. } => (429, "rate_limit_exceeded", "Too many requests."),
        OAuthError::ServerError => (500, "server_error", "Internal server error."),
    }
}

/// Redirects the authorization URL without its final slash. It is the only URL that works both
/// ways.
async fn redirect_with_slash(RawQuery(query): RawQuery) -> Response {
    let query = query.map(|query| format!("?{query}")).unwrap_or_default();
    Redirect::permanent(&format!("{}{query}", PROFILE.paths.authorize)).into_response()
}
