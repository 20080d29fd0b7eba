//! Renewing a grant: the seed's `refreshToken`.
//!
//! In this process all who want the same token share one flight, in a task of its own. Over all replicas at most one
//! attempt per generation is under way: whoever finds the lease taken waits for the news of its holder. What an attempt
//! does, step by step, is in `attempt.rs`.

use std::sync::Arc;
use std::time::Duration;

use evergrant_adapters::{AdapterError, ProviderSpec};
use evergrant_model::{ConnectionId, ConnectionStatus, CorrelationId, ErrorCode, Timestamp, UserId};
use evergrant_resilience::renewal::attempt::Verdict;
use evergrant_resilience::renewal::lease::{Asker, LEASE_MS, LeaseRow};
use evergrant_store::{Connection, Event, LeaseAnswer};
use tokio::sync::broadcast;
use tokio::time::Instant;

use crate::ServiceError;
use crate::cache::ConnectionKey;
use crate::error::code_of;
use crate::failed_refresh::{LastFailure, RefreshFailure, newer, verdict_of};
use crate::read::is_renewable;
use crate::service::{Inner, IntegrationsService};

/// What every caller of one flight gets.
pub(crate) type RefreshOutcome = Result<Arc<Connection>, RefreshFailure>;

/// How long a caller waits for a flight that others may go on waiting for.
const PATIENCE: Duration = Duration::from_secs(25);
/// How long a flight waits for a place on the way out.
const PLACE_PATIENCE: Duration = Duration::from_secs(20);
/// Who waits for another replica's attempt looks at the row this often, should the feed be silent.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// A flight goes on no longer than a lease that was left behind, and an attempt of its own.
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// Why a token is to be renewed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Demand {
    /// It has ended, or is about to.
    Need,
    /// Its time has come, and it was claimed so that nobody else takes it up.
    Due,
    /// Somebody asks for it: the pause after a failure is theirs to skip, where another try can do no harm.
    Asked,
    /// The platform no longer takes the access token, whatever its end was said to be.
    Refused,
}

impl IntegrationsService {
    /// Renews the user's connection now, or joins the attempt that is under way; answers when the new token ends.
    ///
    /// # Errors
    ///
    /// `INVALID_PROVIDER`, `ACCOUNT_NOT_FOUND`, `USER_NOT_FOUND`; `RECONNECT_REQUIRED` for a grant that has ended,
    /// without a call; `NO_REFRESH_TOKEN`; or whatever kept the platform from renewing it.
    pub async fn refresh_token(
        &self,
        user: UserId,
        provider: &str,
        account: &str,
        correlation_id: &CorrelationId,
    ) -> Result<Option<Timestamp>, ServiceError> {
        let platform = self.platform(provider)?;
        let spec = platform.spec();
        let held = self.held_anew(user, spec, account).await?;
        if held.status == ConnectionStatus::Expired {
            return Err(ServiceError::reconnect_required(&spec.name));
        }
        if !is_renewable(&held, spec) {
            let detail = "This connection holds nothing that could renew its token. Please connect the account again.";
            return Err(ServiceError::new(ErrorCode::NoRefreshToken, detail));
        }
        Ok(self.renew(&held, spec, correlation_id, Demand::Asked).await?.expires_at)
    }

    /// A connection newer than `held`: by an attempt of ours, or by one that somebody else made meanwhile.
    pub(crate) async fn renew(
        &self,
        held: &Connection,
        spec: &ProviderSpec,
        correlation_id: &CorrelationId,
        demand: Demand,
    ) -> Result<Arc<Connection>, ServiceError> {
        if !is_renewable(held, spec) {
            let detail = format!("The token has ended and {} gives nothing to renew it with.", spec.name);
            return Err(ServiceError::new(ErrorCode::TokenExpired, detail));
        }
        if self.is_closing() {
            return Err(closing());
        }
        let (service, id, seen) = (self.clone(), held.id, held.lease.generation);
        let correlation_id = correlation_id.clone();
        let ticket = self.tasks.token();
        let flight = self.flights.run(id, move || async move {
            let outcome = service.fly(id, seen, demand, &correlation_id).await;
            drop(ticket);
            outcome
        });
        match tokio::time::timeout(PATIENCE, flight).await {
            Ok(Ok(outcome)) => outcome.map_err(|failure| failure.into_error(&spec.name)),
            Ok(Err(_lost)) => Err(ServiceError::new(ErrorCode::InternalError, "Something went wrong on our side.")),
            Err(_elapsed) => Err(RefreshFailure::new(ErrorCode::TimeoutError).retry_after(1).into_error(&spec.name)),
        }
    }

    /// One flight: an attempt, unless a look at the row shows that none is needed or none is allowed.
    async fn fly(&self, id: ConnectionId, seen: i64, demand: Demand, correlation_id: &CorrelationId) -> RefreshOutcome {
        let (began, mut news) = (Instant::now(), self.feed.subscribe());
        loop {
            let held = match self.look_at(id, seen).await? {
                Look::Newer(newest) => return Ok(newest),
                Look::Same(held) => held,
            };
            let platform = self.configured(held.provider.as_str()).map_err(|error| RefreshFailure::of(&error))?;
            self.check_allowed(&held, platform.spec(), demand)?;
            let permit = platform.admit_refresh(&held.account, PLACE_PATIENCE).await;
            let permit = permit.map_err(|error| not_admitted(&error))?;
            if self.is_closing() {
                return Err(RefreshFailure::of(&closing()));
            }
            let asked_at = Instant::now();
            match self.ask_for_lease(&held).await? {
                LeaseAnswer::Leased(leased) => {
                    let access_ended = demand == Demand::Refused || self.has_ended(&leased.held);
                    let attempt = crate::attempt::Run { platform: &platform, permit, asked_at, access_ended };
                    return self.attempt(attempt, *leased, correlation_id).await;
                }
                LeaseAnswer::Moved(newest) => {
                    self.caches.forget(&ConnectionKey::from(&*newest)).await;
                    return newer(*newest);
                }
                LeaseAnswer::Gone => return Err(RefreshFailure::of(&ServiceError::account_not_found())),
                LeaseAnswer::Busy { for_ms } if began.elapsed() < LONGEST_WAIT => {
                    drop(permit);
                    self.wait_for_turn(&mut news, &held, for_ms).await;
                }
                LeaseAnswer::Busy { .. } => return Err(RefreshFailure::new(ErrorCode::TimeoutError).retry_after(1)),
            }
        }
    }
}

fn closing() -> ServiceError {
    let detail = "The service is about to restart. Nothing is lost; please try again.";
    ServiceError::new(ErrorCode::Overloaded, detail).retry_after(Some(1))
}

/// Waits until something is told of the connection, the time is over, or it is time to look by oneself.
async fn wait_for_news(news: &mut broadcast::Receiver<Arc<Event>>, held: &Connection, until: Instant) {
    let told = async {
        loop {
            match news.recv().await {
                Ok(event) if event.account.as_ref() != Some(&held.account) => {}
                // Whoever was left behind by the feed looks for itself.
                _ => return,
            }
        }
    };
    let _ = tokio::time::timeout_at(until.min(Instant::now() + LOOK_EVERY), told).await;
}

fn not_admitted(error: &AdapterError) -> RefreshFailure {
    let verdict = verdict_of(error);
    let code = if verdict == Verdict::Config { LastFailure::Verdict(verdict).code() } else { code_of(error) };
    let failure = RefreshFailure::new(code);
    error.retry_after_seconds().map_or(failure.clone(), |seconds| failure.retry_after(seconds))
}

/// A connection as a flight finds it.
enum Look {
    /// Somebody has renewed it since.
    Newer(Arc<Connection>),
    /// It holds what whoever asks has seen.
    Same(Box<Connection>),
}

impl Inner {
    async fn look_at(&self, id: ConnectionId, seen: i64) -> Result<Look, RefreshFailure> {
        if let Some(waiting) = self.unstored.newest(id).filter(|waiting| waiting.lease.generation > seen) {
            return Ok(Look::Newer(waiting));
        }
        let held = self.reread(id).await?;
        if held.lease.generation > seen {
            self.caches.forget(&ConnectionKey::from(&held)).await;
            return newer(held).map(Look::Newer);
        }
        if self.unstored.has_replaced(id, held.lease.generation) {
            // The database will have the pair in a moment; sending its refresh token again could end the grant.
            return Err(RefreshFailure::new(ErrorCode::DatabaseError).retry_after(1));
        }
        Ok(Look::Same(Box::new(held)))
    }

    pub(crate) async fn reread(&self, id: ConnectionId) -> Result<Connection, RefreshFailure> {
        let found = self.ask(self.store.connections().by_id(id)).await.map_err(|error| RefreshFailure::of(&error))?;
        found.ok_or_else(|| RefreshFailure::of(&ServiceError::account_not_found()))
    }

    /// Waits until another's lease may be over. The place on the way out is asked for only then: to wait costs the
    /// platform nothing.
    async fn wait_for_turn(&self, news: &mut broadcast::Receiver<Arc<Event>>, held: &Connection, for_ms: i64) {
        let until = Instant::now() + Duration::from_millis(u64::try_from(for_ms).unwrap_or(1));
        while Instant::now() < until && !self.is_closing() {
            wait_for_news(news, held, until).await;
            let row = self.store.refreshes().lease(held.id).await.ok().flatten();
            let is_over = |row: LeaseRow| {
                row.generation != held.lease.generation
                    || row.dead
                    || row.held_until_ms.or(row.doubt_since_ms).is_none()
            };
            if row.is_none_or(is_over) {
                return;
            }
        }
    }

    async fn ask_for_lease(&self, held: &Connection) -> Result<LeaseAnswer, RefreshFailure> {
        let asker = Asker { seen: held.lease.generation, settled_for_ms: self.feed.settled_for_ms() };
        let due = self.now().plus_ms(LEASE_MS);
        let answer = self.ask(self.store.refreshes().take_lease(held.id, asker, &self.owner, due)).await;
        answer.map_err(|error| RefreshFailure::of(&error))
    }

    fn has_ended(&self, held: &Connection) -> bool {
        held.expires_at.is_some_and(|end| end <= self.now())
    }

    /// Refuses an attempt on a dead grant, and one that the last failure forbids for now.
    fn check_allowed(&self, held: &Connection, spec: &ProviderSpec, demand: Demand) -> Result<(), RefreshFailure> {
        if held.status == ConnectionStatus::Expired {
            return Err(RefreshFailure::new(ErrorCode::ReconnectRequired));
        }
        let now = self.now();
        let young = held.issued_at.map_or(0, |at| spec.refresh_not_before_seconds - now.seconds_since(at));
        if young > 0 {
            // The platform renews no token of this age; the one held is good for far longer.
            return Err(RefreshFailure::new(ErrorCode::RateLimitError).retry_after(young));
        }
        let Some(last) = LastFailure::of(held) else { return Ok(()) };
        let too_early = held.next_refresh_at.is_some_and(|at| at > now);
        // The same token again before the held one has ended could end a grant that still works.
        let harmful = held.lease.doubt_since_ms.is_some()
            && !spec.may_resend_refresh()
            && demand != Demand::Refused
            && self.still_works(held);
        let refused = match last {
            LastFailure::Verdict(Verdict::RateLimited) => too_early && demand != Demand::Due,
            LastFailure::Verdict(Verdict::UserAction) => matches!(demand, Demand::Need | Demand::Due),
            _ => too_early && !matches!(demand, Demand::Asked | Demand::Due),
        };
        if !refused && !harmful {
            return Ok(());
        }
        let failure = RefreshFailure::new(last.code());
        let wait = held.next_refresh_at.map(|at| at.seconds_since(now));
        Err(wait.map_or(failure.clone(), |wait| failure.retry_after(wait)))
    }
}
