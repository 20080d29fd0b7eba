//! Authenticated callers and their permissions.

use evergrant_model::{Actor, ApiKeyId, SessionId, UserId, string_enum};

string_enum! {
    /// A permission of an API key.
    pub enum KeyScope {
        /// Read access tokens.
        TokensRead = "tokens:read",
        /// Read users' connections.
        ConnectionsRead = "connections:read",
        /// Connect, refresh and disconnect accounts.
        ConnectionsWrite = "connections:write",
        /// Create and delete users.
        UsersWrite = "users:write",
        /// All of the above, and the operator's routes.
        Admin = "admin",
    }
}

/// An authenticated caller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Caller {
    /// The app's server, with an API key. It acts for the user that each request names.
    App {
        /// The key's public half.
        key: ApiKeyId,
        /// The permissions of the key.
        scopes: Vec<KeyScope>,
    },
    /// The browser of one user, with a session token.
    Browser {
        /// The session's public half.
        session: SessionId,
        /// The user.
        user: UserId,
    },
    /// The browser of one user, with the console's cookie.
    Console {
        /// The session's public half.
        session: SessionId,
        /// The user.
        user: UserId,
    },
}

impl Caller {
    /// Returns the actor under which this caller's operations are logged.
    #[must_use]
    pub fn actor(&self) -> Actor {
        match self {
            Self::App { key, .. } => Actor::ApiKey(key.clone()),
            Self::Browser { session, .. } => Actor::Session(session.clone()),
            Self::Console { session, .. } => Actor::ConsoleSession(session.clone()),
        }
    }

    /// Returns the session of a browser; `None` for the app's server.
    #[must_use]
    pub fn session(&self) -> Option<&SessionId> {
        match self {
            Self::App { .. } => None,
            Self::Browser { session, .. } | Self::Console { session, .. } => Some(session),
        }
    }

    /// Returns the user of a browser; `None` for the app's server.
    #[must_use]
    pub fn user(&self) -> Option<UserId> {
        match self {
            Self::App { .. } => None,
            Self::Browser { user, .. } | Self::Console { user, .. } => Some(*user),
        }
    }

    /// Returns the public half of the credential, which may be logged.
    #[must_use]
    pub fn credential_id(&self) -> &str {
        match self {
            Self::App { key, .. } => key.as_str(),
            Self::Browser { session, .. } | Self::Console { session, .. } => session.as_str(),
        }
    }
}
