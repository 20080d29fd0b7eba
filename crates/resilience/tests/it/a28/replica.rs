//! One replica and the refresh it is running.

use evergrant_resilience::refresh::attempt::{Attempt, FailedAttempt};
use evergrant_resilience::refresh::lease::Ticket;

use super::platform::Tokens;

/// A refresh in progress.
pub(crate) struct Run<R> {
    pub(crate) attempt: Attempt<R>,
    pub(crate) ticket: Ticket,
    pub(crate) held: Tokens,
    pub(crate) started_ms: i64,
    /// The tokens of the response, once received.
    pub(crate) obtained: Option<Tokens>,
}

pub(crate) enum Phase<R> {
    Idle,
    Pausing(Run<R>, i64),
    /// Waiting for the response to this request until this time.
    Waiting(Run<R>, usize, i64),
    /// Holding tokens that are not stored yet.
    Storing(Run<R>),
    /// The attempt failed and its outcome is not recorded yet.
    Failed(Run<R>, FailedAttempt),
}

pub(crate) struct Replica<R> {
    pub(crate) phase: Phase<R>,
    /// The process is suspended until this time.
    pub(crate) stopped_until_ms: i64,
    /// The generation that the replica's readers know.
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

    /// Returns whether the process has not been suspended since then.
    pub(crate) fn runs_since(&self, moment_ms: i64) -> bool {
        self.stopped_until_ms <= moment_ms
    }

    /// Returns the tokens that were received and not stored yet.
    pub(crate) fn unsaved(&self) -> Option<Tokens> {
        match &self.phase {
            Phase::Storing(run) => run.obtained,
            _ => None,
        }
    }
}
