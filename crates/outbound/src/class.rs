//! Request classes and admission requests.

use std::time::Duration;

use evergrant_model::ProviderAccountId;
use evergrant_resilience::Priority;

use crate::Endpoint;

/// The purpose of a call, which decides its priority.
///
/// Analytics sync (`Sync`) and proxied calls of the host app (`Proxy`) get classes of their own
/// with their first user. Both rank below [`RequestClass::Interactive`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RequestClass {
    /// Refreshes a token that a caller needs. All readers of the token wait for it, so it has the
    /// highest priority.
    Refresh,
    /// Serves an action of one user: a code exchange, a profile, a revocation.
    Interactive,
    /// Refreshes a token ahead of need. No caller waits for it.
    DueRefresh,
}

impl RequestClass {
    /// Returns the priority of the class in the admission queue.
    #[must_use]
    pub fn priority(self) -> Priority {
        match self {
            Self::Refresh => Priority::High,
            Self::Interactive => Priority::Normal,
            Self::DueRefresh => Priority::Low,
        }
    }

    /// Returns whether the call refreshes a token.
    #[must_use]
    pub fn is_refresh(self) -> bool {
        matches!(self, Self::Refresh | Self::DueRefresh)
    }
}

/// The facts about a call on which its admission depends.
#[derive(Debug, Clone, Copy)]
pub struct AdmissionRequest<'a> {
    /// The endpoint that is called first.
    pub endpoint: &'a Endpoint,
    /// The purpose of the call.
    pub class: RequestClass,
    /// The account that the call concerns; `None` if it is not known yet, as in a code exchange.
    pub account: Option<&'a ProviderAccountId>,
    /// The longest time to wait for admission.
    pub max_wait: Duration,
}
