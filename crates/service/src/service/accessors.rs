//! Accessors of the components that have operations of their own.

use super::IntegrationsService;
use crate::ServiceSettings;
use crate::access::api_keys::ApiKeys;
use crate::access::authenticator::Authenticator;
use crate::access::console_session::ConsoleSessions;
use crate::access::sessions::Sessions;
use crate::access::users::Users;
use crate::authorization::authorizations::Authorizations;
use crate::connections::avatars::Avatars;
use crate::connections::list::ConnectionList;
use crate::events::user_events::UserEventStreams;
use crate::process::Process;
use crate::providers::Providers;
use crate::tokens::report_rejected::RejectedTokens;

/// Generates one accessor per component.
macro_rules! components {
    ($($(#[$doc:meta])* $name:ident: $component:ty;)*) => {
        impl IntegrationsService {
            $($(#[$doc])* #[must_use] pub fn $name(&self) -> &$component { &self.0.$name })*
        }
    };
}

components! {
    /// Returns the operations on started flows.
    authorizations: Authorizations;
    /// Returns the lists of connections.
    connections: ConnectionList;
    /// Returns the handler of reports that a platform rejected a token.
    rejected_tokens: RejectedTokens;
    /// Returns the event streams of users.
    events: UserEventStreams;
    /// Returns the profile pictures of connected accounts.
    avatars: Avatars;
    /// Returns the supported platforms.
    providers: Providers;
    /// Returns the authenticator of API keys and session tokens.
    authenticator: Authenticator;
    /// Returns the app's users.
    users: Users;
    /// Returns the API keys.
    api_keys: ApiKeys;
    /// Returns the browser sessions.
    sessions: Sessions;
    /// Returns the console sign-in.
    console: ConsoleSessions;
    /// Returns the process lifecycle: background work, health and shutdown.
    process: Process;
    /// Returns the operator's settings.
    settings: ServiceSettings;
}
