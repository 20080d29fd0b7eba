//! Sessions that an account's owner pastes, where a platform has no consent page.

pub(crate) mod credentials;
mod paste;
pub(crate) mod session;
