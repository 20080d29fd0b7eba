//! What stands between us and a host of a platform while it should be left alone.

use async_trait::async_trait;
use evergrant_model::{ProviderSlug, Timestamp};

/// Why a gate is closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum GateKind {
    /// The host does not answer.
    Breaker,
    /// The host has asked for a pause.
    Limit,
    /// The platform does not accept our registration: the operator must mend it.
    Config,
    /// The platform refuses so many grants at once that it must be in trouble itself.
    Refusals,
}

impl GateKind {
    /// Every kind.
    pub const ALL: [Self; 4] = [Self::Breaker, Self::Limit, Self::Config, Self::Refusals];

    /// The word that stands for it in rows and logs.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Breaker => "breaker",
            Self::Limit => "limit",
            Self::Config => "config",
            Self::Refusals => "refusals",
        }
    }

    /// The kind that this word stands for.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }

    /// Whether somebody must try before everybody may pass again.
    #[must_use]
    pub fn needs_trial(self) -> bool {
        self != Self::Limit
    }

    /// For how many seconds it is closed the `trips`th time in a row, counted from 1.
    #[must_use]
    pub fn closed_for_seconds(self, trips: i32) -> i64 {
        let (first, longest) = match self {
            Self::Breaker => (5, 300),
            Self::Limit => (1, 900),
            Self::Config => (60, 3600),
            Self::Refusals => (60, 900),
        };
        (first << (trips - 1).clamp(0, 16)).min(longest)
    }
}

/// A gate that is closed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClosedGate {
    /// Before which platform.
    pub provider: ProviderSlug,
    /// Before which of its hosts; [`ClosedGate::EVERY_HOST`] for all.
    pub host: String,
    /// Why.
    pub kind: GateKind,
    /// Since when, through all trials.
    pub since: Timestamp,
    /// Nobody passes before this moment; after it one may try.
    pub closed_to: Timestamp,
    /// How often it was closed in a row.
    pub trips: i32,
}

impl ClosedGate {
    /// Stands for every host of a platform.
    pub const EVERY_HOST: &'static str = "*";
    /// Stands for the renewals of a platform, wherever they are sent.
    pub const RENEWALS: &'static str = "renewals";

    /// Whether it keeps anybody from passing: a pause that is over does not, a gate that must be tried still does.
    #[must_use]
    pub fn is_in_force(&self, now: Timestamp) -> bool {
        self.closed_to > now || self.kind.needs_trial()
    }

    /// Whether it stands before a call of this host, which may be a renewal.
    #[must_use]
    pub fn is_before(&self, host: &str, renewal: bool) -> bool {
        self.host == Self::EVERY_HOST || self.host == host || (renewal && self.host == Self::RENEWALS)
    }

    /// Whether `other` closes the same gate for another time, or for longer.
    #[must_use]
    pub fn is_outdone_by(&self, other: &Self) -> bool {
        let pauses_longer = !self.kind.needs_trial() && self.closed_to < other.closed_to;
        self.trips < other.trips || pauses_longer
    }

    /// Whether it is the same gate, closed or not.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        (&self.provider, &self.host, self.kind) == (&other.provider, &other.host, other.kind)
    }
}

/// Who keeps the gates for all replicas.
#[async_trait]
pub trait GateKeeper: Send + Sync {
    /// A gate was closed here: the others are to know.
    async fn close(&self, gate: &ClosedGate);

    /// Whether we are the one who may try this gate now. Nobody else may before `again_at`.
    async fn may_try(&self, gate: &ClosedGate, again_at: Timestamp) -> bool;

    /// A trial succeeded: everybody may pass.
    async fn open(&self, gate: &ClosedGate);
}
