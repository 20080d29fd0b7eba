//! The platforms that the sandbox plays. OAuth itself is played by one engine; a platform is the data that the engine
//! works with, and the few answers that no other platform gives. One that has no OAuth leaves the engine out.
//!
//! To add one: an account table for some of the people in `people.toml`, and a file here with a [`PlatformProfile`]
//! and a [`Platform`] that holds only its departures.

mod acme;
mod instagram;
mod instagram_login;
mod meta;
mod onlyfans;
mod reddit;
mod tiktok;

use std::sync::Arc;

use axum::Router;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use evergrant_model::{ScopeSet, Timestamp};

use crate::callbacks::CallbackOrder;
use crate::delivery::Message;
use crate::engine::{AuthorizationRequest, Form, Refusal};
use crate::grants::Ending;
use crate::people::Person;
use crate::sessions::{Session, SignIn};
use crate::settings::Settings;
use crate::shared::Stage;
use crate::webhooks::{Notice, Webhook};
use crate::windows::Window;

/// Every platform, with its accounts of `people`.
pub(crate) fn all(people: &[Person]) -> Result<Vec<Arc<dyn Platform>>, toml::de::Error> {
    Ok(vec![
        Arc::new(reddit::Reddit::new(people)?),
        Arc::new(instagram::Instagram::new(people)?),
        Arc::new(instagram_login::InstagramLogin::new(people)?),
        Arc::new(tiktok::TikTok::new(people)?),
        Arc::new(onlyfans::OnlyFans::new(people)?),
        Arc::new(acme::Acme::new(people)?),
    ])
}

/// The product's settings for every platform, in a sandbox at `base_url`.
pub(crate) fn dev_settings(base_url: &str) -> Vec<(&'static str, String)> {
    let mut settings = reddit::dev_settings(base_url);
    settings.extend(instagram::dev_settings(base_url));
    settings.extend(instagram_login::dev_settings(base_url));
    settings.extend(tiktok::dev_settings(base_url));
    settings.extend(onlyfans::dev_settings(base_url));
    settings
}

pub(crate) use acme::definition as acme_definition;

/// What the engine must know of a platform.
pub(crate) struct PlatformProfile {
    /// The name in paths, control calls and the product.
    pub(crate) slug: &'static str,
    /// The name that people read.
    pub(crate) name: &'static str,
    /// The platform's mark, as the content of an SVG of 40 by 40.
    pub(crate) mark: &'static str,
    /// Whether it speaks OAuth at all; without that only names, endpoints and switches count.
    pub(crate) oauth: bool,
    /// The apps registered there; the first is the one that `dev_settings` names.
    pub(crate) clients: &'static [Client],
    /// Where each of the three endpoints is, below the sandbox's base address.
    pub(crate) paths: Paths,
    /// What the app calls itself by at the authorization endpoint.
    pub(crate) client_param: &'static str,
    /// What every call to the token and revocation endpoints must bring along in its form.
    pub(crate) required_params: &'static [&'static str],
    /// Every scope that may be asked for.
    pub(crate) scopes: &'static [Scope],
    /// What divides scopes in the authorization address.
    pub(crate) scope_separators: &'static [char],
    /// The parameter and value that ask for a refresh token; `None`: one always comes.
    pub(crate) lasting_when: Option<(&'static str, &'static str)>,
    pub(crate) state_required: bool,
    pub(crate) pkce: Pkce,
    /// Where below the base address the issuer is that callbacks name (RFC 9207); `None`: they name none.
    pub(crate) issuer: Option<&'static str>,
    /// Grant types without a person, which exist but are not for the simulated apps.
    pub(crate) personless_grants: &'static [&'static str],
    /// Whether a redirect address must be static: short, and without a query of its own.
    pub(crate) static_redirects: bool,
    /// Life of an authorization code in seconds.
    pub(crate) code_life_s: i64,
    /// What every code ends with: characters that only survive a callback address that is decoded exactly once.
    pub(crate) code_ending: &'static str,
    /// Life of a refresh token in seconds; `None`: it has no end.
    pub(crate) refresh_life_s: Option<i64>,
    pub(crate) reused_refresh: ReusedRefresh,
    pub(crate) revoking_access: RevokingAccess,
    /// The callback's parameter that names the granted scopes, divided by commas.
    pub(crate) granted_param: Option<&'static str>,
    /// What the callback gets when the person does not allow access.
    pub(crate) denial: &'static [(&'static str, &'static str)],
    /// What the platform hangs behind the `#` of the callback address.
    pub(crate) fragment: Option<&'static str>,
    /// The endpoints, as counters and faults name them.
    pub(crate) endpoints: &'static [&'static str],
    /// How the switches stand at first.
    pub(crate) settings: Settings,
}

/// What a platform wants of PKCE (RFC 7636).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pkce {
    /// Nothing: a challenge is not looked at, as no parameter is that the platform does not know.
    None,
    /// Every app must send an S256 challenge, and its verifier at the exchange.
    S256,
    /// Apps on a desktop must, with the challenge in hexadecimal instead of base64url.
    HexOnDesktop,
}

/// What becomes of a rotated refresh token that comes a second time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ReusedRefresh {
    /// It is refused, and nothing else.
    IsRefused,
    /// The whole grant ends, for somebody has a copy (RFC 9700 §4.14.2).
    EndsGrant,
}

/// What an access token that is revoked takes with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RevokingAccess {
    /// Nothing.
    EndsItself,
    /// The whole grant.
    EndsGrant,
}

/// An app that is registered at a platform.
pub(crate) struct Client {
    pub(crate) id: &'static str,
    pub(crate) secret: &'static str,
    /// What the consent page calls it.
    pub(crate) name: &'static str,
}

/// Where a platform's OAuth endpoints are.
pub(crate) struct Paths {
    pub(crate) authorize: &'static str,
    pub(crate) token: &'static str,
    pub(crate) revoke: &'static str,
}

/// One permission.
pub(crate) struct Scope {
    pub(crate) id: &'static str,
    /// What the consent page says, as the end of "It may …".
    pub(crate) label: &'static str,
}

/// A person as the consent page offers them.
#[derive(Clone)]
pub(crate) struct Card {
    /// The name in control calls.
    pub(crate) person: String,
    pub(crate) account_id: String,
    pub(crate) username: String,
    /// What is special about the account, in a few words.
    pub(crate) about: String,
}

/// Something of a person's that they can share or keep back.
pub(crate) struct Asset {
    pub(crate) id: String,
    pub(crate) name: String,
    /// What kind of thing it is, in a few words.
    pub(crate) about: String,
    /// Whether it belongs to the asset before it.
    pub(crate) nested: bool,
}

/// New tokens, for the platform to put into words.
pub(crate) struct Issued {
    pub(crate) access_token: String,
    /// `None` where the answer names none.
    pub(crate) refresh_token: Option<String>,
    pub(crate) expires_in: u32,
    /// `None` where refresh tokens have no end.
    pub(crate) refresh_expires_in: Option<i64>,
    pub(crate) scopes: ScopeSet,
    /// Whose tokens these are.
    pub(crate) person: String,
    /// Whom they were given to.
    pub(crate) client: String,
}

/// What one platform does in its own way.
pub(crate) trait Platform: Send + Sync {
    fn profile(&self) -> &'static PlatformProfile;

    /// Who has an account here.
    fn cards(&self) -> &[Card];

    /// What the tokens of this person begin with.
    fn token_prefix(&self, _: &str) -> String {
        String::new()
    }

    /// The answer to a caller that the platform does not want at all, before anything else is looked at.
    fn turn_away(&self, _: &HeaderMap) -> Option<Response> {
        None
    }

    /// The client id and secret that came with a call to the token endpoint.
    fn credentials(&self, _: &HeaderMap, form: &Form) -> Option<(String, String)> {
        Some((form.get("client_id")?.to_owned(), form.get("client_secret")?.to_owned()))
    }

    /// The answer that carries new tokens.
    fn issued(&self, _: Issued) -> Response {
        StatusCode::NOT_IMPLEMENTED.into_response()
    }

    /// The answer that refuses, at the token and revocation endpoints.
    fn refused(&self, _: Refusal, _: Settings) -> Response {
        StatusCode::NOT_IMPLEMENTED.into_response()
    }

    /// Tells the caller how it stands in its window at the token endpoint.
    fn state_limit(&self, _: &mut Response, _: Window) {}

    /// Opens a session as a browser would that this person signs in with; `None` at a platform with OAuth.
    fn sign_in(&self, _: &Stage, _: &SignIn<'_>) -> Option<Session> {
        None
    }

    /// What the platform would send to tell an app what happened; `None` where it sends nothing.
    fn webhook(&self, _: &Webhook, _: Timestamp) -> Option<Notice> {
        None
    }

    /// The platform's data endpoints, and whatever else it has.
    fn routes(&self) -> Router<Stage>;

    /// Whether the platform answers at its token and revocation endpoints itself, because too little there is OAuth as
    /// the engine knows it. What the engine's endpoints ask of a platform is then never asked.
    fn brings_tokens(&self) -> bool {
        false
    }

    /// What an authorization address without `response_type` means, if anything.
    fn usual_response_type(&self) -> Option<&'static str> {
        None
    }

    /// What the callback gets beside the code.
    fn callback_extras(&self, _: &AuthorizationRequest, _: &ScopeSet) -> Vec<(&'static str, String)> {
        Vec::new()
    }

    /// What the callback gets when the platform fails on the way (RFC 6749 §4.1.2.1, where it keeps to that).
    fn dialog_failure(&self) -> &'static [(&'static str, &'static str)] {
        &[("error", "server_error"), ("error_description", "The sandbox was asked to fail here.")]
    }

    /// What a person can tick on the consent page beside the permissions.
    fn assets(&self, _: &str) -> Vec<Asset> {
        Vec::new()
    }

    /// What tokens are told of a person who removed the app, at a platform that remembers them.
    fn app_removed(&self) -> Option<Ending> {
        None
    }

    /// Signed messages that the platform sends to apps, if it does.
    fn callback(&self, _: &Stage, _: &CallbackOrder) -> Option<Message> {
        None
    }
}
