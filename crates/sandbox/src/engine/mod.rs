//! OAuth 2.0 as the platforms play it: authorization, consent, tokens, refresh and revocation, once for all of them.
//!
//! The engine decides *what* happens; how it is put into an answer is the platform's matter.

mod authorize;
mod consent;
mod form;
mod pkce;
mod revoke;
mod token;

use axum::Router;
use axum::routing::{get, post};

use crate::shared::Stage;

pub use authorize::AuthorizationFault;
pub(crate) use authorize::{AuthorizationRequest, is_loopback};
pub(crate) use consent::{Answer, CSRF_COOKIE, Choice, csrf_cookie, is_from_our_page, redirect};
pub(crate) use form::Form;
pub(crate) use token::issue_to;

/// Why the token or revocation endpoint refuses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// The client id and secret are missing or wrong.
    InvalidClient,
    /// A parameter is missing.
    InvalidRequest,
    /// The code is wrong, used, expired, another client's, or came with another redirect address.
    InvalidGrant,
    /// No such grant type.
    UnsupportedGrantType,
    /// A grant type that this kind of app may not use.
    UnauthorizedClient,
    /// A scope that nobody knows.
    InvalidScope,
    /// The refresh token is missing, wrong, withdrawn, or another client's.
    DeadRefreshToken,
    /// A token to revoke that is another client's.
    ForeignToken,
    /// Too many calls.
    RateLimited {
        /// When to come back.
        retry_after_s: i64,
    },
    /// The platform is in trouble.
    ServerError,
}

/// The endpoints that every platform has, less those that one plays itself.
pub(crate) fn routes(stage: &Stage) -> Router<Stage> {
    let profile = stage.platform.profile();
    if !profile.oauth {
        return Router::new();
    }
    let paths = &profile.paths;
    let consent = Router::new().route(paths.authorize, get(consent::show).post(consent::decide));
    if stage.platform.brings_tokens() {
        return consent;
    }
    consent.route(paths.token, post(token::answer)).route(paths.revoke, post(revoke::answer))
}
