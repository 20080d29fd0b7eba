//! An authenticated caller and what it may do.

use evergrant_model::{Actor, ApiKeyId, SessionId, UserId, string_enum};

string_enum! {
    /// A permission of an API key.
    pub enum KeyScope {
        /// Read platform tokens.
        TokensRead = "tokens:read",
        /// Read users' connections.
        ConnectionsRead = "connections:read",
        /// Connect, refresh and disconnect accounts.
        ConnectionsWrite = "connections:write",
        /// Create and delete users.
        UsersWrite = "users:write",
        /// Everything, including the operator's own routes.
        Admin = "admin",
    }
}

/// An authenticated caller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Caller {
    /// The app's server. It acts for the user that each request names.
    App {
        /// The key's public half.
        key: ApiKeyId,
        /// What the key may do.
        scopes: Vec<KeyScope>,
    },
    /// The browser of one user, by a session token.
    Browser {
        /// The session's public half.
        session: SessionId,
        /// The user.
        user: UserId,
    },
    /// The browser of one user, by the console's cookie.
    Console {
        /// The session's public half.
        session: SessionId,
        /// The user.
        user: UserId,
    },
}

impl Caller {
    /// The actor that operations of this caller name.
    #[must_use]
    pub fn actor(&self) -> Actor {
        match self {
            Self::App { key, .. } => Actor::ApiKey(key.clone()),
            Self::Browser { session, .. } => Actor::Session(session.clone()),
            Self::Console { session, .. } => Actor::ConsoleSession(session.clone()),
        }
    }

    /// The session, if the caller is a browser.
    #[must_use]
    pub fn session(&self) -> Option<&SessionId> {
        match self {
            Self::App { .. } => None,
            Self::Browser { session, .. } | Self::Console { session, .. } => Some(session),
        }
    }

    /// The caller's own user, if the caller is a browser.
    #[must_use]
    pub fn user(&self) -> Option<UserId> {
        match self {
            Self::App { .. } => None,
            Self::Browser { user, .. } | Self::Console { user, .. } => Some(*user),
        }
    }

    /// The public half of the credential.
    #[must_use]
    pub fn credential_id(&self) -> &str {
        match self {
            Self::App { key, .. } => key.as_str(),
            Self::Browser { session, .. } | Self::Console { session, .. } => session.as_str(),
        }
    }
}
