//! `[flows]`: how long a sign-in at a platform may take.

use super::value::whole_number;
use super::{Sources, key};
use crate::failure::Problems;

/// A flow's state is worth stealing as long as it is good, so the default is also the most.
const LONGEST_SECONDS: i64 = 600;

/// The bounds of a flow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Flows {
    /// How long a flow's state is good.
    pub(crate) ttl_seconds: i64,
}

impl Flows {
    pub(super) fn read(sources: &Sources, problems: &mut Problems) -> Self {
        let ttl = whole_number(
            sources.given(&key::FLOW_TTL),
            1..=LONGEST_SECONDS,
            "seconds",
            problems,
        );
        Self {
            ttl_seconds: ttl.unwrap_or(LONGEST_SECONDS),
        }
    }
}
