//! A row, a platform and a few replicas, moved by chance, with every promise checked at each move.

use evergrant_resilience::refresh::Rules;
use evergrant_resilience::refresh::attempt::{Attempt, End, Step, Tolerance};
use evergrant_resilience::refresh::lease::{
    self, LEASE_MS, Lease, LeaseRequest, LeaseRow, SETTLE_MS,
};

use super::dice::Dice;
use super::platform::{Pair, Platform};
use super::replica::{Phase, Replica, Run};
use super::requests::Request;

/// A promise that was broken.
pub(crate) type Broken = &'static str;

const ACCESS_LIFE_MS: i64 = 300_000;
const MARGIN_MS: i64 = 120_000;
const A_MOMENT_MS: i64 = 500;

/// What happened in a schedule, to show that schedules are not empty.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Tally {
    pub(crate) stored: u64,
    pub(crate) sent: u64,
    pub(crate) inherited_doubts: u64,
    pub(crate) refused_results: u64,
    pub(crate) losses: u64,
}

pub(crate) struct World<R> {
    pub(crate) dice: Dice,
    pub(crate) tally: Tally,
    rules: R,
    pub(crate) now_ms: i64,
    row: LeaseRow,
    stored: Pair,
    platform: Platform,
    requests: Vec<Request>,
    pub(crate) replicas: Vec<Replica<R>>,
    /// The database is down before this moment, and was up without a break from then on.
    pub(crate) database_since_ms: i64,
    /// The newest pair that was ever offered to the row since the last consent.
    best_rank: u32,
    pub(crate) faults: bool,
}

impl<R: Rules + Copy> World<R> {
    pub(crate) fn new(rules: R, seed: u64) -> Self {
        let dice = Dice::new(seed);
        let tolerance = match dice.below(5) {
            0 | 1 => Tolerance {
                rotates: true,
                replay_window_ms: 0,
            },
            2 | 3 => Tolerance {
                rotates: true,
                replay_window_ms: 30_000,
            },
            _ => Tolerance {
                rotates: false,
                replay_window_ms: 0,
            },
        };
        let mut platform = Platform::new(tolerance, ACCESS_LIFE_MS);
        let stored = platform.consent(0);
        let replicas = (0..2 + dice.below(2)).map(|_| Replica::new()).collect();
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
        }
    }

    pub(crate) fn database_is_up(&self) -> bool {
        self.now_ms >= self.database_since_ms
    }

    /// When a replica has something to do, `None` for an idle one.
    pub(crate) fn wakes_at(&self, replica: usize) -> Option<i64> {
        let one = self.replicas.get(replica)?;
        let due = match &one.phase {
            Phase::Idle => return None,
            Phase::Storing(_) | Phase::AttemptOutcome(..) => self.database_since_ms,
            Phase::Pausing(_, until) => *until,
            Phase::Flying(_, request, until) => self
                .requests
                .get(*request)?
                .heard_at_ms
                .map_or(*until, |heard| heard.min(*until)),
        };
        Some(due.max(one.stopped_until_ms))
    }

    /// Lets time pass, with the platform acting on what arrives meanwhile.
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
            .filter_map(|(at, one)| Some((one.will_act_at()?, at)))
            .filter(|(at_ms, _)| *at_ms <= until_ms)
            .min()
    }

    /// Promise 2: no spent token is sent while somebody holds what replaced it. What a stopped
    /// process holds cannot be known, nor what one has just heard that was stopped for longer than
    /// its lease.
    fn check_needed(&self, run: &Run<R>) -> Result<(), Broken> {
        let in_hand = self
            .replicas
            .iter()
            .filter(|one| one.runs_since(self.now_ms - A_MOMENT_MS));
        let newest = in_hand
            .filter_map(Replica::in_hand)
            .chain([self.stored])
            .map(|pair| pair.rank)
            .max();
        if self.platform.tolerance.rotates && newest > Some(run.held.rank) {
            return Err("a spent token was sent though its replacement was in our hands");
        }
        Ok(())
    }

    /// Lets a replica do what it has to do.
    pub(crate) fn act(&mut self, replica: usize) -> Result<(), Broken> {
        let phase = std::mem::replace(&mut self.replicas[replica].phase, Phase::Idle);
        let next = match phase {
            Phase::Idle => self.ask(replica)?,
            Phase::Storing(run) => self.store(&run)?,
            Phase::AttemptOutcome(run, end) => self.record(&run, end)?,
            Phase::Pausing(mut run, _) => {
                let step = run
                    .attempt
                    .resume(self.database_is_up().then_some(&self.row), self.now_ms);
                self.go_on(replica, run, step)?
            }
            Phase::Flying(run, request, until) => self.hear(replica, run, request, until)?,
        };
        self.replicas[replica].phase = next;
        Ok(())
    }

    /// Nothing comes between the permission to send and the sending: what a process that is stopped
    /// right there would do is beyond what anybody could guard against.
    fn go_on(&mut self, replica: usize, run: Run<R>, step: Step) -> Result<Phase<R>, Broken> {
        match step {
            Step::Send { within_ms } => self.send(replica, run, within_ms),
            Step::Pause { for_ms } => Ok(Phase::Pausing(run, self.now_ms + for_ms)),
            Step::Store => Ok(Phase::Storing(run)),
            Step::End(end) => Ok(Phase::AttemptOutcome(run, end)),
        }
    }

    /// A reader finds its token due and asks for the lease.
    fn ask(&mut self, replica: usize) -> Result<Phase<R>, Broken> {
        if !self.database_is_up() {
            return Ok(Phase::Idle);
        }
        if !self.dice.one_in(6) {
            self.replicas[replica].known = self.row.generation;
        }
        let seen = self.replicas[replica].known;
        if seen == self.row.generation && self.stored.access_until_ms - self.now_ms > MARGIN_MS {
            return Ok(Phase::Idle);
        }
        let asker = LeaseRequest {
            seen,
            settled_for_ms: self.now_ms - self.database_since_ms,
        };
        let Lease::Taken(row, ticket) = lease::take(&self.rules, &self.row, asker, self.now_ms)
        else {
            return Ok(Phase::Idle);
        };
        if ticket.generation != seen {
            return Err("a reader of an old pair caused a renewal of the new one");
        }
        self.row = row;
        self.tally.inherited_doubts += u64::from(ticket.in_doubt_for_ms.is_some());
        let access_ended = self.stored.access_until_ms <= self.now_ms;
        let mut attempt = Attempt::new(
            self.rules,
            self.platform.tolerance,
            ticket,
            access_ended,
            self.now_ms,
        );
        let step = attempt.begin(self.now_ms);
        let run = Run {
            attempt,
            ticket,
            held: self.stored,
            began_ms: self.now_ms,
            bought: None,
        };
        self.go_on(replica, run, step)
    }

    fn send(&mut self, replica: usize, run: Run<R>, within_ms: i64) -> Result<Phase<R>, Broken> {
        self.check_alone(replica, &run)?;
        self.check_harmless(&run)?;
        self.check_needed(&run)?;
        if self.row.dead && self.row.generation == run.ticket.generation {
            return Err("a request was sent for a grant known to be dead");
        }
        let request = Request::new(
            &self.dice,
            self.faults,
            run.held.refresh,
            run.ticket.generation,
            self.now_ms,
        );
        self.requests.push(request);
        self.tally.sent += 1;
        Ok(Phase::Flying(
            run,
            self.requests.len() - 1,
            self.now_ms + within_ms,
        ))
    }

    /// Promise 1, its first half: one attempt per generation. One whose lease is over cannot be
    /// waited for.
    fn check_alone(&self, replica: usize, run: &Run<R>) -> Result<(), Broken> {
        let others = self
            .replicas
            .iter()
            .enumerate()
            .filter(|(at, _)| *at != replica);
        let overlaps = others.into_iter().any(|(_, other)| match &other.phase {
            Phase::Flying(theirs, ..) => {
                theirs.ticket.generation == run.ticket.generation
                    && self.now_ms - theirs.began_ms < LEASE_MS
            }
            _ => false,
        });
        let arriving =
            |one: &Request| one.generation == run.ticket.generation && one.will_act_at().is_some();
        if overlaps || self.requests.iter().any(arriving) {
            return Err("two requests of one generation were under way at once");
        }
        Ok(())
    }

    /// Promise 1, its second half: no blind retry.
    fn check_harmless(&self, run: &Run<R>) -> Result<(), Broken> {
        let before = self
            .requests
            .iter()
            .filter(|one| one.generation == run.ticket.generation);
        let first = before
            .filter(|one| one.may_have_acted())
            .map(|one| one.sent_at_ms)
            .min();
        let forgiven = first.is_none_or(|at| {
            self.platform
                .tolerance
                .accepts_replay_after(self.now_ms - at)
        });
        if forgiven || run.held.access_until_ms <= self.now_ms {
            Ok(())
        } else {
            Err(
                "a token was sent again that the platform may have replaced, while the access token still worked",
            )
        }
    }

    fn hear(
        &mut self,
        replica: usize,
        mut run: Run<R>,
        request: usize,
        until_ms: i64,
    ) -> Result<Phase<R>, Broken> {
        let request = &self.requests[request];
        let arrived = request
            .heard_at_ms
            .is_some_and(|at| at <= until_ms.max(self.now_ms));
        let heard = if arrived {
            request.answer()
        } else {
            Err(super::TIMED_OUT)
        };
        run.bought = heard.ok();
        let step = run
            .attempt
            .answered(heard.map(drop), self.dice.entropy(), self.now_ms);
        self.go_on(replica, run, step)
    }

    fn store(&mut self, run: &Run<R>) -> Result<Phase<R>, Broken> {
        let Some(pair) = run.bought else {
            return Err("nothing was bought, and yet it is stored");
        };
        self.best_rank = self.best_rank.max(pair.rank);
        match lease::store_tokens(&self.rules, &self.row, &run.ticket) {
            Some(row) => {
                (self.row, self.stored) = (row, pair);
                self.tally.stored += 1;
            }
            None => self.tally.refused_results += 1,
        }
        if self.stored.rank == self.best_rank {
            Ok(Phase::Idle)
        } else {
            Err("the stored pair is not the newest")
        }
    }

    fn record(&mut self, run: &Run<R>, end: End) -> Result<Phase<R>, Broken> {
        let Some(row) = lease::record_outcome(&self.rules, &self.row, &run.ticket, end.ending)
        else {
            self.tally.refused_results += 1;
            return Ok(Phase::Idle);
        };
        self.row = row;
        if end.ending.dead && self.platform.would_take(self.stored.refresh, self.now_ms) {
            return Err("a grant was declared dead that lives");
        }
        if end.ending.dead && !end.lost && !self.platform.ended_by_person {
            return Err("a loss of ours was blamed on the person");
        }
        self.tally.losses += u64::from(end.lost);
        Ok(Phase::Idle)
    }

    /// Everybody's journal is on: an answer in hand survives a crash, anything else does not.
    pub(crate) fn crash(&mut self, replica: usize) {
        let one = &mut self.replicas[replica];
        if one.in_hand().is_none() {
            one.phase = Phase::Idle;
        }
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

    /// Whether a process may start: not just after an outage, when others may still hold what they
    /// could not store.
    pub(crate) fn has_settled(&self) -> bool {
        self.now_ms - self.database_since_ms >= SETTLE_MS
    }

    /// What must be true once all faults are over and a reader has come by after the end of the
    /// access token.
    pub(crate) fn check_end(&mut self) -> Result<(), Broken> {
        self.pass_to(self.now_ms + ACCESS_LIFE_MS);
        let (alive, before) = (
            self.platform.would_take(self.stored.refresh, self.now_ms),
            self.row,
        );
        for _ in 0..40 {
            self.act(0)?;
            let wakes = self.wakes_at(0).unwrap_or(self.now_ms);
            self.pass_to(wakes);
        }
        if alive && (self.row.dead || self.row.generation == before.generation) && !before.dead {
            return Err("a living grant was not renewed once all was well");
        }
        if alive && before.dead {
            return Err("a living grant is held for dead");
        }
        if !alive && !self.row.dead {
            Err("a dead grant is held for alive")
        } else {
            Ok(())
        }
    }
}
