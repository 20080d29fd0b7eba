//! Session credentials, which an account's owner pastes if a provider has no consent page.

pub(crate) mod credentials;
mod paste;
pub(crate) mod session;
pub(crate) mod site;
pub(crate) mod texts;
