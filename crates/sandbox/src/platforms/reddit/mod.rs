//! Reddit. Deviations from the OAuth RFCs:
//!
//! * A rejected code yields status 200 with `{"error":"invalid_grant"}`. An invalid refresh token
//!   yields 400 with a numeric `error`. A wrong client yields 401 with a `Basic` challenge.
//! * A request without a descriptive `User-Agent` is blocked first, with an HTML page.
//! * Access tokens are accepted by the `oauth` host only, which reports the remaining calls as a
//!   decimal number.
//! * Without `raw_json=1`, every `&`, `<` and `>` in a string is HTML-escaped.
//!
//! Two path prefixes stand in for the hosts: `/reddit/www` and `/reddit/oauth`.

mod account;
mod listing;
mod posts;
mod profile;
mod resources;
mod responses;

use std::collections::BTreeMap;

use axum::Router;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use self::account::Account;
use self::profile::PROFILE;
pub(super) use self::profile::dev_settings;
use crate::engine::{Form, OAuthError};
use crate::platform::PlatformContext;
use crate::platform::{Card, IssuedTokens, Platform};
use crate::profile::PlatformProfile;
use crate::settings::{DeadRefreshBody, Settings};
use crate::world::Person;
use crate::world::Window;

/// The simulated Reddit with the accounts of the demo persons.
pub(super) struct Reddit {
    cards: Vec<Card>,
    accounts: BTreeMap<String, Account>,
}

impl Reddit {
    pub(super) fn new(people: &[Person]) -> Result<Self, toml::de::Error> {
        let (mut cards, mut accounts) = (Vec::new(), BTreeMap::new());
        for person in people {
            let Some(account) = person.account::<Account>(PROFILE.slug).transpose()? else {
                continue;
            };
            cards.push(Card {
                person: person.handle.clone(),
                account_id: account.id.clone(),
                username: format!("u/{}", account.username),
                about: account.about.clone(),
            });
            accounts.insert(person.handle.clone(), account);
        }
        Ok(Self { cards, accounts })
    }
}

impl Platform for Reddit {
    fn profile(&self) -> &'static PlatformProfile {
        &PROFILE
    }

    fn cards(&self) -> &[Card] {
        &self.cards
    }

    fn token_prefix(&self, person: &str) -> String {
        let number = self
            .accounts
            .get(person)
            .and_then(|account| u64::from_str_radix(&account.id, 36).ok());
        number
            .map(|number| format!("{number}-"))
            .unwrap_or_default()
    }

    fn block(&self, headers: &HeaderMap) -> Option<Response> {
        responses::block_page(headers)
    }

    fn credentials(&self, headers: &HeaderMap, _: &Form) -> Option<(String, String)> {
        let line = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
        let (scheme, encoded) = line.split_once(' ')?;
        let decoded = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
        let (id, secret) = decoded
            .split_once(':')
            .filter(|_| scheme.eq_ignore_ascii_case("basic"))?;
        Some((id.to_owned(), secret.to_owned()))
    }

    fn token_response(&self, issued: IssuedTokens) -> Response {
        let mut body = json!({
            "access_token": issued.access_token,
            "token_type": "bearer",
            "expires_in": issued.expires_in,
            "scope": issued.scopes.to_string(),
        });
        if let (Some(token), Some(fields)) = (issued.refresh_token, body.as_object_mut()) {
            fields.insert("refresh_token".into(), token.into());
        }
        responses::json(StatusCode::OK, &body)
    }

    fn error_response(&self, error: OAuthError, settings: Settings) -> Response {
        let error_with_200 =
            |error: &str| responses::json(StatusCode::OK, &json!({ "error": error }));
        match error {
            OAuthError::InvalidGrant => error_with_200("invalid_grant"),
            OAuthError::InvalidRequest => error_with_200("invalid_request"),
            OAuthError::UnsupportedGrantType => error_with_200("unsupported_grant_type"),
            OAuthError::InvalidScope => error_with_200("invalid_scope"),
            OAuthError::UnauthorizedClient => {
                let description = "This app may not use grant types without a user.";
                responses::json(
                    StatusCode::OK,
                    &json!({ "error": "unauthorized_client", "error_description": description }),
                )
            }
            OAuthError::InvalidClient => {
                let challenge = [(header::WWW_AUTHENTICATE, "Basic realm=\"reddit\"")];
                (challenge, responses::plain_error(StatusCode::UNAUTHORIZED)).into_response()
            }
            OAuthError::InvalidRefreshToken => responses::json(
                StatusCode::BAD_REQUEST,
                &invalid_refresh_token_body(settings),
            ),
            OAuthError::TokenOfOtherClient => responses::json(
                StatusCode::BAD_REQUEST,
                &json!({ "error": "unauthorized_client" }),
            ),
            OAuthError::RateLimited {
                retry_after_seconds,
            } => responses::too_many(retry_after_seconds, settings),
            OAuthError::ServerError => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        }
    }

    fn set_rate_limit_headers(&self, response: &mut Response, window: Window) {
        responses::set_rate_limit_headers(response, window, &window.remaining().to_string());
    }

    fn routes(&self) -> Router<PlatformContext> {
        resources::routes(self.accounts.clone())
    }
}

fn invalid_refresh_token_body(settings: Settings) -> serde_json::Value {
    match settings.dead_refresh_body {
        DeadRefreshBody::Message => json!({ "message": "Bad Request", "error": 400 }),
        DeadRefreshBody::Bare => json!({ "error": 400 }),
        DeadRefreshBody::Oauth => json!({ "error": "invalid_request" }),
    }
}
