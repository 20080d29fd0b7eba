//! One replica: what it is in the middle of.

use evergrant_resilience::refresh::attempt::{Attempt, End};
use evergrant_resilience::refresh::lease::Ticket;

use super::platform::Pair;

/// A renewal under way in a replica.
pub(crate) struct Run<R> {
    pub(crate) attempt: Attempt<R>,
    pub(crate) ticket: Ticket,
    pub(crate) held: Pair,
    pub(crate) began_ms: i64,
    /// What the platform gave, once its answer is there.
    pub(crate) bought: Option<Pair>,
}

pub(crate) enum Phase<R> {
    Idle,
    Pausing(Run<R>, i64),
    /// Waiting for the answer to this request, up to this moment.
    Flying(Run<R>, usize, i64),
    /// With an answer in hand.
    Storing(Run<R>),
    /// With nothing in hand.
    AttemptOutcome(Run<R>, End),
}

pub(crate) struct Replica<R> {
    pub(crate) phase: Phase<R>,
    /// Nothing happens in a stopped process before this moment.
    pub(crate) stopped_until_ms: i64,
    /// The generation that its readers know.
    pub(crate) known: i64,
}

impl<R> Replica<R> {
    pub(crate) fn new() -> Self {
        Self {
            phase: Phase::Idle,
            stopped_until_ms: i64::MIN,
            known: 0,
        }
    }

    pub(crate) fn is_stopped(&self, now_ms: i64) -> bool {
        self.stopped_until_ms > now_ms
    }

    /// Whether nothing has stopped it since then.
    pub(crate) fn runs_since(&self, moment_ms: i64) -> bool {
        self.stopped_until_ms <= moment_ms
    }

    /// The pair that it has bought and not stored yet.
    pub(crate) fn in_hand(&self) -> Option<Pair> {
        match &self.phase {
            Phase::Storing(run) => run.bought,
            _ => None,
        }
    }
}
