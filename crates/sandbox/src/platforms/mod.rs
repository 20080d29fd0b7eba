//! The platforms that the sandbox plays. OAuth itself is played by one engine; a platform is the data that the engine
//! works with, and the few answers that no other platform gives.
//!
//! To add one: an account table for some of the people in `people.toml`, and a file here with a [`PlatformProfile`]
//! and a [`Platform`] that holds only its departures.

mod acme;
mod reddit;

use std::sync::Arc;

use axum::Router;
use axum::http::HeaderMap;
use axum::response::Response;
use evergrant_model::ScopeSet;

use crate::engine::{Form, Refusal};
use crate::people::Person;
use crate::settings::Settings;
use crate::shared::Stage;
use crate::windows::Window;

/// Every platform, with its accounts of `people`.
pub(crate) fn all(people: &[Person]) -> Result<Vec<Arc<dyn Platform>>, toml::de::Error> {
    Ok(vec![Arc::new(reddit::Reddit::new(people)?), Arc::new(acme::Acme::new(people)?)])
}

/// The product's settings for every platform, in a sandbox at `base_url`.
pub(crate) fn dev_settings(base_url: &str) -> Vec<(&'static str, String)> {
    reddit::dev_settings(base_url)
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
    /// The apps registered there; the first is the one that `dev_settings` names.
    pub(crate) clients: &'static [Client],
    /// Where each of the three endpoints is, below the sandbox's base address.
    pub(crate) paths: Paths,
    /// What the app calls itself by at the authorization endpoint.
    pub(crate) client_param: &'static str,
    /// Every scope that may be asked for.
    pub(crate) scopes: &'static [Scope],
    /// What divides scopes in the authorization address.
    pub(crate) scope_separators: &'static [char],
    /// The parameter and value that ask for a refresh token; `None`: one always comes.
    pub(crate) lasting_when: Option<(&'static str, &'static str)>,
    pub(crate) state_required: bool,
    /// Whether an S256 challenge is demanded, and its verifier at the exchange (RFC 7636).
    pub(crate) pkce: bool,
    /// Where below the base address the issuer is that callbacks name (RFC 9207); `None`: they name none.
    pub(crate) issuer: Option<&'static str>,
    /// Whether a rotated refresh token that comes a second time ends the whole grant (RFC 9700 §4.14.2).
    pub(crate) reuse_ends_grant: bool,
    /// Grant types without a person, which exist but are not for the simulated apps.
    pub(crate) personless_grants: &'static [&'static str],
    /// Life of an authorization code in seconds.
    pub(crate) code_life_s: i64,
    /// What the callback gets when the person does not allow access.
    pub(crate) denial: &'static [(&'static str, &'static str)],
    /// What the platform hangs behind the `#` of the callback address.
    pub(crate) fragment: Option<&'static str>,
    /// The endpoints, as counters and faults name them.
    pub(crate) endpoints: &'static [&'static str],
    /// How the switches stand at first.
    pub(crate) settings: Settings,
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

/// New tokens, for the platform to put into words.
pub(crate) struct Issued {
    pub(crate) access_token: String,
    /// `None` where the answer names none.
    pub(crate) refresh_token: Option<String>,
    pub(crate) expires_in: u32,
    pub(crate) scopes: ScopeSet,
}

/// What one platform does in its own way.
pub(crate) trait Platform: Send + Sync {
    fn profile(&self) -> &'static PlatformProfile;

    /// Who has an account here.
    fn cards(&self) -> &[Card];

    /// What the tokens of this person begin with.
    fn token_prefix(&self, person: &str) -> String;

    /// The answer to a caller that the platform does not want at all, before anything else is looked at.
    fn turn_away(&self, headers: &HeaderMap) -> Option<Response>;

    /// The client id and secret that came with a call to the token endpoint.
    fn credentials(&self, headers: &HeaderMap, form: &Form) -> Option<(String, String)>;

    /// The answer that carries new tokens.
    fn issued(&self, issued: Issued) -> Response;

    /// The answer that refuses, at the token and revocation endpoints.
    fn refused(&self, refusal: Refusal, settings: Settings) -> Response;

    /// Tells the caller how it stands in its window at the token endpoint.
    fn state_limit(&self, response: &mut Response, window: Window);

    /// The platform's data endpoints, and whatever else it has.
    fn routes(&self) -> Router<Stage>;
}
