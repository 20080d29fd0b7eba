//! OAuth 2.0 as the platforms play it: authorization, consent, tokens, refresh and revocation, once
//! for all of them.
//!
//! The engine decides *what* happens; how it is put into an answer is the platform's matter.

mod authorize;
mod consent;
mod form;
mod pkce;
mod refusal;
mod request;
mod revoke;
mod routes;
mod token;

pub(crate) use consent::{Answer, CSRF_COOKIE, Choice, csrf_cookie, is_from_our_page, redirect};
pub(crate) use form::Form;
pub(crate) use refusal::Refusal;
pub use request::AuthorizationFault;
pub(crate) use request::AuthorizationRequest;
pub(crate) use routes::routes;
pub(crate) use token::issue_to;
