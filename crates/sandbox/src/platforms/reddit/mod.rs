//! Reddit, to the letter. Its departures from OAuth as the RFCs have it:
//!
//! * a refused code is answered with *200* and `{"error":"invalid_grant"}`, a dead refresh token
//!   with *400* and an `error` that is a number, a wrong client with 401 and a `Basic` challenge;
//! * whoever does not name itself in `User-Agent` is blocked before anything else, with HTML;
//! * tokens are for the `oauth` host alone, where the calls that remain are told as a decimal
//!   number;
//! * without `raw_json=1` every `&`, `<` and `>` in a text arrives escaped for HTML.
//!
//! Both hosts live under path prefixes here: `/reddit/www` and `/reddit/oauth`.

mod account;
mod answers;
mod facts;
mod listing;
mod posts;
mod resources;

use std::collections::BTreeMap;

use axum::Router;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use self::account::Account;
use self::facts::PROFILE;
pub(super) use self::facts::dev_settings;
use crate::engine::{Form, Refusal};
use crate::platform::Stage;
use crate::platform::{Card, Issued, Platform};
use crate::profile::PlatformProfile;
use crate::settings::{DeadRefreshBody, Settings};
use crate::world::Person;
use crate::world::Window;

/// Reddit with the accounts of the demo persons.
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

    fn turn_away(&self, headers: &HeaderMap) -> Option<Response> {
        answers::block_page(headers)
    }

    fn credentials(&self, headers: &HeaderMap, _: &Form) -> Option<(String, String)> {
        let line = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
        let (scheme, encoded) = line.split_once(' ')?;
        let pair = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
        let (id, secret) = pair
            .split_once(':')
            .filter(|_| scheme.eq_ignore_ascii_case("basic"))?;
        Some((id.to_owned(), secret.to_owned()))
    }

    fn issued(&self, issued: Issued) -> Response {
        let mut body = json!({
            "access_token": issued.access_token,
            "token_type": "bearer",
            "expires_in": issued.expires_in,
            "scope": issued.scopes.to_string(),
        });
        if let (Some(token), Some(fields)) = (issued.refresh_token, body.as_object_mut()) {
            fields.insert("refresh_token".into(), token.into());
        }
        answers::json(StatusCode::OK, &body)
    }

    fn refused(&self, refusal: Refusal, settings: Settings) -> Response {
        let politely = |error: &str| answers::json(StatusCode::OK, &json!({ "error": error }));
        match refusal {
            Refusal::InvalidGrant => politely("invalid_grant"),
            Refusal::InvalidRequest => politely("invalid_request"),
            Refusal::UnsupportedGrantType => politely("unsupported_grant_type"),
            Refusal::InvalidScope => politely("invalid_scope"),
            Refusal::UnauthorizedClient => {
                let why = "This app signs people in; it cannot have a token without one.";
                answers::json(
                    StatusCode::OK,
                    &json!({ "error": "unauthorized_client", "error_description": why }),
                )
            }
            Refusal::InvalidClient => {
                let challenge = [(header::WWW_AUTHENTICATE, "Basic realm=\"reddit\"")];
                (challenge, answers::plain_error(StatusCode::UNAUTHORIZED)).into_response()
            }
            Refusal::DeadRefreshToken => {
                answers::json(StatusCode::BAD_REQUEST, &dead_refresh(settings))
            }
            Refusal::ForeignToken => answers::json(
                StatusCode::BAD_REQUEST,
                &json!({ "error": "unauthorized_client" }),
            ),
            Refusal::RateLimited { retry_after_s } => answers::too_many(retry_after_s, settings),
            Refusal::ServerError => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        }
    }

    fn state_limit(&self, response: &mut Response, window: Window) {
        answers::state_limit(response, window, &window.remaining().to_string());
    }

    fn routes(&self) -> Router<Stage> {
        resources::routes(self.accounts.clone())
    }
}

fn dead_refresh(settings: Settings) -> serde_json::Value {
    match settings.dead_refresh_body {
        DeadRefreshBody::Message => json!({ "message": "Bad Request", "error": 400 }),
        DeadRefreshBody::Bare => json!({ "error": 400 }),
        DeadRefreshBody::Oauth => json!({ "error": "invalid_request" }),
    }
}
