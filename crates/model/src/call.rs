//! The context of one operation: its actor, correlation id and start time.

use std::fmt;

use crate::{ApiKeyId, CorrelationId, ProviderSlug, SessionId, Timestamp};

/// The party that performs an operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Actor {
    /// The app's server, identified by the public part of its API key.
    ApiKey(ApiKeyId),
    /// A user's browser, identified by the public part of its session token.
    Session(SessionId),
    /// A user of the console, identified by the public part of the session cookie.
    ConsoleSession(SessionId),
    /// The operator, through a route of the admin listener. No admin route performs an operation
    /// yet.
    Operator,
    /// The operator, through a command of the `evergrant` program.
    CommandLine,
    /// A background job of this process.
    Scheduler,
    /// A provider's redirect to the callback endpoint.
    ProviderCallback(ProviderSlug),
    /// A browser without an Evergrant credential. It presents a portal link, a form token, a
    /// receipt or a signed URL.
    Visitor,
}

impl Actor {
    /// Returns the kind of actor, as written to logs and the audit log.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::ApiKey(_) => "api_key",
            Self::Session(_) => "session",
            Self::ConsoleSession(_) => "console_session",
            Self::Operator => "operator",
            Self::CommandLine => "command_line",
            Self::Scheduler => "scheduler",
            Self::ProviderCallback(_) => "provider_callback",
            Self::Visitor => "visitor",
        }
    }

    /// Returns the actor's public id; `None` for kinds without one.
    #[must_use]
    pub fn id(&self) -> Option<&str> {
        match self {
            Self::ApiKey(id) => Some(id.as_str()),
            Self::Session(id) | Self::ConsoleSession(id) => Some(id.as_str()),
            Self::ProviderCallback(provider) => Some(provider.as_str()),
            Self::Operator | Self::CommandLine | Self::Scheduler | Self::Visitor => None,
        }
    }
}

impl fmt::Display for Actor {
    /// Formats as `kind` or `kind:id`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind())?;
        self.id().map_or(Ok(()), |id| write!(f, ":{id}"))
    }
}

/// The context of one operation. Every operation receives one; a background job creates its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// The party that performs the operation.
    pub actor: Actor,
    /// Correlates the log lines, events and outgoing requests of the operation.
    pub correlation_id: CorrelationId,
    /// Start time of the operation.
    pub at: Timestamp,
}

impl Call {
    /// Returns the same call under the correlation id of the flow or row that it continues.
    #[must_use]
    pub fn continuing(&self, correlation_id: &CorrelationId) -> Self {
        Self {
            correlation_id: correlation_id.clone(),
            ..self.clone()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn actor_is_shown_as_kind_and_public_id() {
        let key = Actor::ApiKey(ApiKeyId::new("0123456789ab").unwrap());
        assert_eq!(key.to_string(), "api_key:0123456789ab");
        assert_eq!(Actor::Scheduler.to_string(), "scheduler");
        let callback = Actor::ProviderCallback(ProviderSlug::new("reddit").unwrap());
        assert_eq!(callback.to_string(), "provider_callback:reddit");
    }
}
