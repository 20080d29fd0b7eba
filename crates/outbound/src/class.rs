//! What a call is for, which decides who is served first.

use std::time::Duration;

use evergrant_model::ProviderAccountId;
use evergrant_resilience::Priority;

/// What a call is for.
///
/// Analytics sync (`Sync`) and calls passed on for the app (`Proxy`) become classes of their own
/// with their first user; both rank below [`RequestClass::Interactive`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RequestClass {
    /// Refreshes a token, or confirms a session that cannot be refreshed. A late refresh can cost
    /// the grant and all readers of the token wait for it, so it goes first.
    Refresh,
    /// Serves an action of one person: a code exchange, a profile, a revocation.
    Interactive,
}

impl RequestClass {
    /// Who is served first where calls wait for a place.
    #[must_use]
    pub fn priority(self) -> Priority {
        match self {
            Self::Refresh => Priority::High,
            Self::Interactive => Priority::Normal,
        }
    }
}

/// A call that asks to be admitted.
#[derive(Debug, Clone, Copy)]
pub struct AdmissionRequest<'a> {
    /// The host that is called first; empty where none is.
    pub host: &'a str,
    /// What the call is for.
    pub class: RequestClass,
    /// The account that the call concerns; `None` where it is not known yet, as in a code exchange.
    pub account: Option<&'a ProviderAccountId>,
    /// The longest wait for a place.
    pub patience: Duration,
}
