//! The OAuth 2.0 endpoints that all platforms share: authorization, consent, tokens, refresh and
//! revocation.
//!
//! The engine decides the outcome of a call. The platform decides how the response looks.

mod authorize;
mod consent;
mod form;
mod oauth_error;
mod pkce;
mod request;
mod revoke;
mod routes;
mod token;

pub(crate) use consent::{
    Approval, CSRF_COOKIE, Decision, complete, csrf_cookie, csrf_token_matches,
};
pub(crate) use form::Form;
pub(crate) use oauth_error::OAuthError;
pub(crate) use request::AuthorizationRequest;
pub use request::AuthorizationRequestError;
pub(crate) use routes::routes;
pub(crate) use token::issue_tokens;
