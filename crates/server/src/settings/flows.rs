//! The section `[flows]`: the time that a user has to complete a sign-in at a platform.

use evergrant_model::SignedDuration;

use super::value::integer;
use super::{Sources, key};
use crate::failure::Problems;

/// Maximum and default lifetime of a flow, in seconds. A stolen `state` can be used until its flow
/// expires, so the default cannot be extended.
const MAX_TTL_SECONDS: i64 = 600;

/// The settings of flows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Flows {
    /// Lifetime of a flow's `state`.
    pub(crate) ttl: SignedDuration,
}

impl Flows {
    pub(super) fn read(sources: &Sources, problems: &mut Problems) -> Self {
        let ttl = integer(
            sources.get(&key::FLOW_TTL),
            1..=MAX_TTL_SECONDS,
            "seconds",
            problems,
        );
        Self {
            ttl: SignedDuration::from_secs(ttl.unwrap_or(MAX_TTL_SECONDS)),
        }
    }
}
