//! Users, and the credentials of callers: API keys, sessions, the console's cookie.

pub(crate) mod api_keys;
pub(crate) mod authenticator;
pub(crate) mod caller;
pub(crate) mod console_session;
pub(crate) mod credential_text;
pub(crate) mod sessions;
pub(crate) mod users;
