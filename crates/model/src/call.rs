//! The context of one operation: who performs it, under which correlation id, and when it began.

use std::fmt;

use crate::{ApiKeyId, CorrelationId, ProviderSlug, SessionId, Timestamp};

/// Who performs an operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Actor {
    /// The app's server, by the public half of its API key.
    ApiKey(ApiKeyId),
    /// A user's browser, by the public half of its session token.
    Session(SessionId),
    /// A user of the console, by the public half of the session cookie.
    ConsoleSession(SessionId),
    /// The operator, by a route of the admin listener. Its probes perform no operation, so none
    /// uses it yet.
    Operator,
    /// The operator, by a command of the `evergrant` program.
    CommandLine,
    /// A background job of this process.
    Scheduler,
    /// A platform that sends a browser back to the callback.
    ProviderCallback(ProviderSlug),
    /// A browser without a credential of ours: it presents a portal link, a form token, a receipt
    /// or a signed address.
    Visitor,
}

impl Actor {
    /// The kind of actor, as logs and the audit log name it.
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

    /// The actor's public id, for a kind that has one.
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
    /// `kind`, or `kind:id`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind())?;
        self.id().map_or(Ok(()), |id| write!(f, ":{id}"))
    }
}

/// The context of one operation. Every operation takes one; a background job makes its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// Who performs the operation.
    pub actor: Actor,
    /// Ties together the log lines, events and outgoing calls of the operation.
    pub correlation_id: CorrelationId,
    /// When the operation began.
    pub at: Timestamp,
}

impl Call {
    /// The same operation under the correlation id of the flow or row that it continues.
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
