//! The guarantees that every schedule must keep.

use evergrant_resilience::refresh::Rules;
use evergrant_resilience::refresh::lease::DEFAULT_LEASE_MS;

use super::replica::{Phase, Replica, Run};
use super::world::{ACCESS_LIFE_MS, Broken, Evidence, World};

/// A process that resumed less than this many milliseconds ago counts as suspended.
const RESUME_MS: i64 = 500;

impl<R: Rules + Copy> World<R> {
    /// Returns whether the holder of the lease may be calling the platform although its session
    /// ended, and the platform accepts both requests.
    fn may_overlap(&self, run: &Run<R>) -> bool {
        let sent = self.sent_at(run).min();
        self.evidence == Evidence::SessionEnded && self.accepts_replay_of(sent)
    }

    /// Returns when the requests with the token of this run were sent that may be processed.
    fn sent_at(&self, run: &Run<R>) -> impl Iterator<Item = i64> {
        let of_generation = self
            .requests
            .iter()
            .filter(|one| one.generation == run.ticket.generation);
        let processed = of_generation.filter(|one| one.may_be_processed());
        processed.map(|one| one.sent_at_ms)
    }

    /// Returns whether a token can be sent without risk that was first sent at this time.
    fn accepts_replay_of(&self, first_sent_at_ms: Option<i64>) -> bool {
        let policy = self.platform.refresh_policy;
        first_sent_at_ms.is_none_or(|at| policy.accepts_replay_after(self.now_ms - at))
    }

    /// Guarantee 1a: one attempt per generation. An attempt whose lease has expired is excepted.
    pub(super) fn check_alone(&self, replica: usize, run: &Run<R>) -> Result<(), Broken> {
        let others = self
            .replicas
            .iter()
            .enumerate()
            .filter(|(at, _)| *at != replica);
        let overlaps = others.into_iter().any(|(_, other)| match &other.phase {
            Phase::Waiting(other_run, ..) => {
                other_run.ticket.generation == run.ticket.generation
                    && self.now_ms - other_run.started_ms < DEFAULT_LEASE_MS
            }
            _ => false,
        });
        let is_arriving = self.arriving(run.ticket.generation).next().is_some();
        if (overlaps || is_arriving) && !self.may_overlap(run) {
            return Err("two requests of one generation were in flight at once");
        }
        Ok(())
    }

    /// Guarantee 1b: no blind retry.
    pub(super) fn check_harmless(&self, run: &Run<R>) -> Result<(), Broken> {
        let replayable = self.accepts_replay_of(self.sent_at(run).min());
        if replayable || run.held.access_until_ms <= self.now_ms {
            Ok(())
        } else {
            Err("a possibly replaced token was sent again while the access token was still valid")
        }
    }

    /// Guarantee 2: no replaced token is sent while a replica holds its successor. Excepted are
    /// suspended processes, and those that resumed only a moment ago.
    pub(super) fn check_needed(&self, run: &Run<R>) -> Result<(), Broken> {
        let running = self
            .replicas
            .iter()
            .filter(|one| one.runs_since(self.now_ms - RESUME_MS));
        let newest = running
            .filter_map(Replica::unsaved)
            .chain([self.stored])
            .map(|tokens| tokens.rank)
            .max();
        let is_replaced = self.platform.refresh_policy.rotates && newest > Some(run.held.rank);
        if is_replaced && !self.may_overlap(run) {
            return Err("a replaced token was sent although its successor was held");
        }
        Ok(())
    }

    /// Checks the final state: after all faults ended, a reader has refreshed an expired access
    /// token.
    pub(crate) fn check_end(&mut self) -> Result<(), Broken> {
        self.pass_to(self.now_ms + ACCESS_LIFE_MS);
        let (valid, before) = (
            self.platform.would_accept(self.stored.refresh, self.now_ms),
            self.row,
        );
        for _ in 0..40 {
            self.act(0)?;
            let wakes = self.wakes_at(0).unwrap_or(self.now_ms);
            self.pass_to(wakes);
        }
        if valid && (self.row.dead || self.row.generation == before.generation) && !before.dead {
            return Err("a valid grant was not refreshed after all faults ended");
        }
        if valid && before.dead {
            return Err("a valid grant is recorded as dead");
        }
        if !valid && !self.row.dead {
            Err("a dead grant is recorded as valid")
        } else {
            Ok(())
        }
    }
}
