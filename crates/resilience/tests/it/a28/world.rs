//! A row, a platform and a few replicas, driven by random steps. Every guarantee is checked at each
//! step.

use evergrant_resilience::refresh::Rules;
use evergrant_resilience::refresh::attempt::{Attempt, FailedAttempt, RefreshPolicy, Step};
use evergrant_resilience::refresh::lease::{
    self, Holder, LeaseDecision, LeaseRequest, LeaseRow, RECOVERY_WAIT_MS, Ticket,
};

use super::dice::Dice;
use super::platform::{Platform, Tokens};
use super::replica::{Phase, Replica, Run};
use super::requests::Request;

/// The guarantee that was violated.
pub(crate) type Broken = &'static str;

pub(super) const ACCESS_LIFE_MS: i64 = 300_000;
const MARGIN_MS: i64 = 120_000;

/// Counts of what happened in a schedule, to show that schedules are not empty.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Tally {
    pub(crate) stored: u64,
    pub(crate) sent: u64,
    pub(crate) inherited_doubts: u64,
    pub(crate) refused_results: u64,
    pub(crate) losses: u64,
    pub(crate) early: u64,
}

/// What the end of a lock of a replica shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Evidence {
    /// Replicas hold no locks.
    Nothing,
    /// The lock of a file: the process has ended.
    ProcessEnded,
    /// The lock of a session: the session has ended.
    SessionEnded,
}

pub(crate) struct World<R> {
    pub(crate) dice: Dice,
    pub(crate) tally: Tally,
    rules: R,
    pub(crate) now_ms: i64,
    pub(super) row: LeaseRow,
    pub(super) stored: Tokens,
    pub(super) platform: Platform,
    pub(super) requests: Vec<Request>,
    pub(crate) replicas: Vec<Replica<R>>,
    /// The database is down before this time and up without interruption from then on.
    pub(crate) database_since_ms: i64,
    /// Rank of the newest token set that was offered to the row since the last consent.
    best_rank: u32,
    pub(crate) faults: bool,
    pub(crate) evidence: Evidence,
    /// The replica whose lock shows that it is alive while its attempt runs.
    lock: Option<usize>,
    lock_has_ended: bool,
}

fn random_policy(dice: &Dice) -> RefreshPolicy {
    match dice.below(5) {
        0 | 1 => RefreshPolicy::STRICT,
        2 | 3 => RefreshPolicy {
            rotates: true,
            replay_window_ms: 30_000,
            ..RefreshPolicy::STRICT
        },
        _ => RefreshPolicy {
            rotates: false,
            replay_window_ms: 0,
            ..RefreshPolicy::STRICT
        },
    }
}

impl<R: Rules + Copy> World<R> {
    pub(crate) fn new(rules: R, seed: u64) -> Self {
        let dice = Dice::new(seed);
        let mut platform = Platform::new(random_policy(&dice), ACCESS_LIFE_MS);
        let stored = platform.consent(0);
        let replicas = (0..2 + dice.below(2)).map(|_| Replica::new()).collect();
        let evidence = match dice.below(3) {
            0 => Evidence::Nothing,
            1 => Evidence::ProcessEnded,
            _ => Evidence::SessionEnded,
        };
        Self {
            dice,
            tally: Tally::default(),
            rules,
            now_ms: 0,
            row: LeaseRow::default(),
            stored,
            platform,
            requests: Vec::new(),
            replicas,
            database_since_ms: i64::MIN / 2,
            best_rank: stored.rank,
            faults: true,
            evidence,
            lock: None,
            lock_has_ended: false,
        }
    }

    pub(crate) fn database_is_up(&self) -> bool {
        self.now_ms >= self.database_since_ms
    }

    /// Returns when a replica acts next; `None` if it is idle.
    pub(crate) fn wakes_at(&self, replica: usize) -> Option<i64> {
        let one = self.replicas.get(replica)?;
        let due = match &one.phase {
            Phase::Idle => return None,
            Phase::Storing(_) | Phase::Failed(..) => self.database_since_ms,
            Phase::Pausing(_, until) => *until,
            Phase::Waiting(_, request, until) => self
                .requests
                .get(*request)?
                .received_at_ms
                .map_or(*until, |at| at.min(*until)),
        };
        Some(due.max(one.stopped_until_ms))
    }

    /// Lets time pass; the platform processes the requests that arrive meanwhile.
    pub(crate) fn pass_to(&mut self, to_ms: i64) {
        while let Some((at_ms, request)) = self.next_arrival(to_ms) {
            self.now_ms = at_ms.max(self.now_ms);
            self.requests[request].act(&mut self.platform, at_ms);
        }
        self.now_ms = to_ms.max(self.now_ms);
    }

    fn next_arrival(&self, until_ms: i64) -> Option<(i64, usize)> {
        let arrivals = self.requests.iter().enumerate();
        arrivals
            .filter_map(|(at, one)| Some((one.will_be_processed_at()?, at)))
            .filter(|(at_ms, _)| *at_ms <= until_ms)
            .min()
    }

    /// Returns when the platform processes the requests of this generation that are in transit.
    pub(super) fn arriving(&self, generation: i64) -> impl Iterator<Item = i64> {
        let requests = self.requests.iter();
        let of_generation = requests.filter(move |one| one.generation == generation);
        of_generation.filter_map(Request::will_be_processed_at)
    }

    /// Performs a replica's next action.
    pub(crate) fn act(&mut self, replica: usize) -> Result<(), Broken> {
        let phase = std::mem::replace(&mut self.replicas[replica].phase, Phase::Idle);
        let next = match phase {
            Phase::Idle => self.request_lease(replica)?,
            Phase::Storing(run) => self.store(&run)?,
            Phase::Failed(run, end) => self.record(&run, end)?,
            Phase::Pausing(mut run, _) => {
                let step = run
                    .attempt
                    .resume(self.database_is_up().then_some(&self.row), self.now_ms);
                self.execute(replica, run, step)?
            }
            Phase::Waiting(run, request, until) => self.receive(replica, run, request, until)?,
        };
        self.replicas[replica].phase = next;
        Ok(())
    }

    /// Executes a step. Sending follows its permission without delay: no rule could protect against
    /// a process that is suspended between the two.
    fn execute(&mut self, replica: usize, run: Run<R>, step: Step) -> Result<Phase<R>, Broken> {
        match step {
            Step::Send { within_ms } => self.send(replica, run, within_ms),
            Step::Pause { for_ms } => Ok(Phase::Pausing(run, self.now_ms + for_ms)),
            Step::Store => Ok(Phase::Storing(run)),
            Step::End(end) => Ok(Phase::Failed(run, end)),
        }
    }

    /// A reader finds its token due and requests the lease.
    fn request_lease(&mut self, replica: usize) -> Result<Phase<R>, Broken> {
        if !self.database_is_up() {
            return Ok(Phase::Idle);
        }
        if !self.dice.one_in(6) {
            self.replicas[replica].known = self.row.generation;
        }
        let known_generation = self.replicas[replica].known;
        if known_generation == self.row.generation
            && self.stored.access_until_ms - self.now_ms > MARGIN_MS
        {
            return Ok(Phase::Idle);
        }
        let request = LeaseRequest {
            known_generation,
            database_up_for_ms: self.now_ms - self.database_since_ms,
            refresh_policy: self.platform.refresh_policy,
        };
        let decision = lease::take(
            &self.rules,
            &self.row,
            request,
            self.known_holder(),
            self.now_ms,
        );
        let LeaseDecision::Granted(row, ticket) = decision else {
            return Ok(Phase::Idle);
        };
        let is_early = self.row.lease_expires_at_ms > Some(self.now_ms);
        self.tally.early += u64::from(is_early);
        (self.lock, self.lock_has_ended) = (Some(replica), false);
        if ticket.generation != known_generation {
            return Err("a reader of an old token set caused a refresh of the new one");
        }
        self.row = row;
        self.start_attempt(replica, ticket)
    }

    fn known_holder(&self) -> Holder {
        if self.lock.is_none() || !self.lock_has_ended {
            return Holder::Unknown;
        }
        match self.evidence {
            Evidence::Nothing => Holder::Unknown,
            Evidence::ProcessEnded => Holder::ProcessEnded,
            Evidence::SessionEnded => Holder::SessionEnded,
        }
    }

    fn start_attempt(&mut self, replica: usize, ticket: Ticket) -> Result<Phase<R>, Broken> {
        self.tally.inherited_doubts += u64::from(ticket.in_doubt_for_ms.is_some());
        let access_expired = self.stored.access_until_ms <= self.now_ms;
        let attempt = Attempt::new(
            self.rules,
            self.platform.refresh_policy,
            ticket,
            access_expired,
            self.now_ms,
        );
        let mut run = Run {
            attempt,
            ticket,
            held: self.stored,
            started_ms: self.now_ms,
            obtained: None,
        };
        let step = run.attempt.start(self.now_ms);
        self.execute(replica, run, step)
    }

    fn send(&mut self, replica: usize, run: Run<R>, within_ms: i64) -> Result<Phase<R>, Broken> {
        self.check_alone(replica, &run)?;
        self.check_harmless(&run)?;
        self.check_needed(&run)?;
        if self.row.dead && self.row.generation == run.ticket.generation {
            return Err("a request was sent for a grant known to be dead");
        }
        let mut request = Request::new(
            &self.dice,
            self.faults,
            run.held.refresh,
            run.ticket.generation,
            self.now_ms,
        );
        let earlier = self.arriving(run.ticket.generation).max();
        request.follow(earlier.unwrap_or(self.now_ms));
        self.requests.push(request);
        self.tally.sent += 1;
        Ok(Phase::Waiting(
            run,
            self.requests.len() - 1,
            self.now_ms + within_ms,
        ))
    }

    fn receive(
        &mut self,
        replica: usize,
        mut run: Run<R>,
        request: usize,
        until_ms: i64,
    ) -> Result<Phase<R>, Broken> {
        let request = &self.requests[request];
        let arrived = request
            .received_at_ms
            .is_some_and(|at| at <= until_ms.max(self.now_ms));
        let response = if arrived {
            request.response()
        } else {
            Err(super::TIMED_OUT)
        };
        run.obtained = response.ok();
        let step = run
            .attempt
            .on_response(response.map(drop), self.dice.entropy(), self.now_ms);
        self.execute(replica, run, step)
    }

    fn store(&mut self, run: &Run<R>) -> Result<Phase<R>, Broken> {
        let Some(tokens) = run.obtained else {
            return Err("a refresh without tokens was stored");
        };
        self.best_rank = self.best_rank.max(tokens.rank);
        match lease::store_tokens(&self.rules, &self.row, &run.ticket) {
            Some(row) => {
                (self.row, self.stored) = (row, tokens);
                self.tally.stored += 1;
            }
            None => self.tally.refused_results += 1,
        }
        if self.stored.rank == self.best_rank {
            Ok(Phase::Idle)
        } else {
            Err("the stored token set is not the newest")
        }
    }

    fn record(&mut self, run: &Run<R>, end: FailedAttempt) -> Result<Phase<R>, Broken> {
        let Some(row) = lease::record_outcome(&self.rules, &self.row, &run.ticket, end.outcome)
        else {
            self.tally.refused_results += 1;
            return Ok(Phase::Idle);
        };
        // The lease that is kept now belongs to the platform, which may be processing a request.
        (self.row, self.lock) = (row, None);
        if end.outcome.dead && self.platform.would_accept(self.stored.refresh, self.now_ms) {
            return Err("a valid grant was declared dead");
        }
        if end.outcome.dead && !end.lost && !self.platform.ended_by_person {
            return Err("a token lost in flight was reported as a withdrawal");
        }
        self.tally.losses += u64::from(end.lost);
        Ok(Phase::Idle)
    }

    /// Crashes a replica. Received tokens are in its journal and survive; everything else is lost.
    pub(crate) fn crash(&mut self, replica: usize) {
        let one = &mut self.replicas[replica];
        if one.unsaved().is_some() {
            return;
        }
        one.phase = Phase::Idle;
        self.end_lock(replica);
        if self.lock == Some(replica) && self.evidence != Evidence::Nothing {
            for request in &mut self.requests {
                request.close(&self.dice, &mut self.platform, self.now_ms);
            }
        }
    }

    /// Ends the lock of a replica, which may still be running.
    pub(crate) fn end_lock(&mut self, replica: usize) {
        self.lock_has_ended |= self.lock == Some(replica);
    }

    pub(crate) fn withdraw(&mut self) {
        self.platform.withdraw();
    }

    pub(crate) fn consent(&mut self) {
        if !self.database_is_up() {
            return;
        }
        self.stored = self.platform.consent(self.now_ms);
        self.row = lease::replace_tokens(&self.row);
        self.best_rank = self.stored.rank;
    }

    /// Returns whether a process may start: not shortly after an outage, when other processes may
    /// still hold unsaved tokens.
    pub(crate) fn is_recovered(&self) -> bool {
        self.now_ms - self.database_since_ms >= RECOVERY_WAIT_MS
    }
}
