//! The OAuth 2.0 engine that all providers share.

pub(crate) mod api_client;
pub(crate) mod client_registration;
pub(crate) mod config;
pub(crate) mod engine;
mod form;
pub(crate) mod json;
mod pkce;
pub(crate) mod stated_time;
mod token_client;
mod token_response;
pub(crate) mod userinfo;
