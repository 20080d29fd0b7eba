//! Coordination of refreshes: the seed's `refreshToken`.
//!
//! In this process all callers that want the same token share one refresh, which runs in a task of
//! its own. Over all replicas at most one attempt per generation is under way: a replica that finds
//! the lease taken waits for events of its holder.

use std::sync::Arc;
use std::time::Duration;

use evergrant_adapters::{AdapterError, ProviderSpec};
use evergrant_model::{Call, Clock, ConnectionId, ErrorCode};
use evergrant_resilience::SingleFlight;
use evergrant_resilience::refresh::attempt::Verdict;
use evergrant_resilience::refresh::lease::{LEASE_MS, LeaseRequest, LeaseRow};
use evergrant_store::{Connection, ConnectionRepository, Event, LeaseAnswer, RefreshRepository};
use tokio::sync::broadcast;
use tokio::time::Instant;
use tracing::Instrument;

use crate::ServiceError;
use crate::cache::{Caches, ConnectionKey};
use crate::connections::lookup::by_id;
use crate::database::DatabaseMonitor;
use crate::error::code_of;
use crate::events::change_feed::ChangeFeed;
use crate::providers::Providers;
use crate::refresh::attempt::Attempts;
use crate::refresh::context::AttemptContext;
use crate::refresh::outcome::{LastFailure, RefreshFailure, RefreshOutcome, newer, verdict_of};
use crate::refresh::pending_writes::PendingWrites;
use crate::refresh::permission::{RefreshReason, check_allowed};
use crate::tasks::Tasks;
use crate::tokens::refresh_time::is_refreshable;

/// The longest that a caller waits for a refresh that others may go on waiting for.
const CALLER_TIMEOUT: Duration = Duration::from_secs(25);
/// The longest wait for admission to the platform.
const ADMISSION_TIMEOUT: Duration = Duration::from_secs(20);
/// While another replica holds the lease, its row is read this often in case no event arrives.
const LEASE_POLL_EVERY: Duration = Duration::from_millis(500);
/// A refresh waits no longer than for an abandoned lease to expire, plus an attempt of its own.
const MAX_LEASE_WAIT: Duration = Duration::from_secs(30);

/// Refreshes tokens. A clone is the same component.
#[derive(Clone)]
pub(crate) struct Refresher {
    pub(crate) connections: ConnectionRepository,
    pub(crate) refreshes: RefreshRepository,
    pub(crate) attempts: Arc<Attempts>,
    pub(crate) pending: Arc<PendingWrites>,
    pub(crate) providers: Providers,
    pub(crate) feed: Arc<ChangeFeed>,
    pub(crate) caches: Arc<Caches>,
    pub(crate) database: Arc<DatabaseMonitor>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) tasks: Tasks,
    /// Identifies this process in leases.
    pub(crate) replica: Arc<str>,
    pub(crate) in_flight: Arc<SingleFlight<ConnectionId, RefreshOutcome>>,
}

/// A connection as a refresh finds it.
enum RowState {
    /// It holds newer tokens than the caller has seen.
    Newer(Arc<Connection>),
    /// It holds the tokens that the caller has seen.
    Same(Box<Connection>),
}

impl Refresher {
    /// A connection with newer tokens than `held`, by this refresh or by another one meanwhile.
    pub(crate) async fn refresh(
        &self,
        call: &Call,
        held: &Connection,
        spec: &ProviderSpec,
        reason: RefreshReason,
    ) -> Result<Arc<Connection>, ServiceError> {
        if !is_refreshable(held, spec) {
            let name = &spec.name;
            let detail = format!("The token has ended and {name} gives nothing to renew it with.");
            return Err(ServiceError::new(ErrorCode::TokenExpired, detail));
        }
        if self.tasks.is_shutting_down() {
            return Err(ServiceError::shutting_down());
        }
        let (component, id, seen) = (self.clone(), held.id, held.lease.generation);
        let (call, token) = (call.clone(), self.tasks.token());
        let span = tracing::info_span!(
            "refresh", actor = %call.actor, correlation_id = %call.correlation_id,
            provider = %spec.slug, connection.id = id.get(), reason = ?reason
        );
        let refresh = self.in_flight.run(id, move || {
            let refresh = async move {
                let outcome = component.run(&call, id, seen, reason).await;
                drop(token);
                outcome
            };
            refresh.instrument(span)
        });
        match tokio::time::timeout(CALLER_TIMEOUT, refresh).await {
            Ok(Ok(outcome)) => outcome.map_err(|failure| failure.into_error(&spec.name)),
            Ok(Err(_lost)) => Err(ServiceError::internal()),
            Err(_elapsed) => Err(timed_out().into_error(&spec.name)),
        }
    }

    /// Makes an attempt, unless the row shows that none is needed or allowed.
    async fn run(
        &self,
        call: &Call,
        id: ConnectionId,
        seen: i64,
        reason: RefreshReason,
    ) -> RefreshOutcome {
        let (started, mut events) = (Instant::now(), self.feed.receiver());
        loop {
            let held = match self.row_state(id, seen).await? {
                RowState::Newer(newest) => return Ok(newest),
                RowState::Same(held) => held,
            };
            let platform = self.providers.configured(held.provider.as_str());
            let platform = platform.map_err(|error| RefreshFailure::of(&error))?;
            check_allowed(&held, platform.spec(), reason, self.clock.now())?;
            let permit = platform
                .admit_refresh(&held.account, ADMISSION_TIMEOUT)
                .await;
            let permit = permit.map_err(|error| not_admitted(&error))?;
            if self.tasks.is_shutting_down() {
                return Err(RefreshFailure::of(&ServiceError::shutting_down()));
            }
            let requested_at = Instant::now();
            match self.take_lease(&held).await? {
                LeaseAnswer::Leased(leased) => {
                    let ended = leased
                        .held
                        .tokens
                        .expires_at
                        .is_some_and(|end| end <= self.clock.now());
                    let access_ended = reason == RefreshReason::Rejected || ended;
                    let (platform, leased) = (&*platform, *leased);
                    let context = AttemptContext {
                        call,
                        platform,
                        permit,
                        leased,
                        requested_at,
                        access_ended,
                    };
                    return self.attempts.run(context).await;
                }
                LeaseAnswer::Moved(newest) => {
                    self.caches.invalidate(&ConnectionKey::from(&*newest)).await;
                    return newer(*newest);
                }
                LeaseAnswer::Gone => {
                    return Err(RefreshFailure::of(&ServiceError::account_not_found()));
                }
                LeaseAnswer::Busy { for_ms } if started.elapsed() < MAX_LEASE_WAIT => {
                    drop(permit);
                    self.wait_for_lease(&mut events, &held, for_ms).await;
                }
                LeaseAnswer::Busy { .. } => return Err(timed_out()),
            }
        }
    }

    async fn row_state(&self, id: ConnectionId, seen: i64) -> Result<RowState, RefreshFailure> {
        let is_newer = |pending: &Arc<Connection>| pending.lease.generation > seen;
        if let Some(pending) = self.pending.newest(id).filter(is_newer) {
            return Ok(RowState::Newer(pending));
        }
        let held = by_id(&self.connections, &self.database, id).await;
        let held = held.map_err(|error| RefreshFailure::of(&error))?;
        if held.lease.generation > seen {
            self.caches.invalidate(&ConnectionKey::from(&held)).await;
            return newer(held).map(RowState::Newer);
        }
        if self.pending.has_replaced(id, held.lease.generation) {
            // The database will soon have the pair; sending its refresh token again could end the
            // grant.
            return Err(RefreshFailure::new(ErrorCode::DatabaseError).retry_after(1));
        }
        Ok(RowState::Same(Box::new(held)))
    }

    /// Waits until another replica's lease may have ended. Admission is requested only then: the
    /// wait uses none of the platform's limits.
    async fn wait_for_lease(
        &self,
        events: &mut broadcast::Receiver<Arc<Event>>,
        held: &Connection,
        for_ms: i64,
    ) {
        let until = Instant::now() + Duration::from_millis(u64::try_from(for_ms).unwrap_or(1));
        while Instant::now() < until && !self.tasks.is_shutting_down() {
            wait_for_event(events, held, until).await;
            let row = self.refreshes.lease(held.id).await.ok().flatten();
            let has_ended = |row: LeaseRow| {
                row.generation != held.lease.generation
                    || row.dead
                    || row.lease_expires_at_ms.or(row.in_doubt_since_ms).is_none()
            };
            if row.is_none_or(has_ended) {
                return;
            }
        }
    }

    async fn take_lease(&self, held: &Connection) -> Result<LeaseAnswer, RefreshFailure> {
        let settled_for_ms = self.database.settled_for_ms();
        let asker = LeaseRequest {
            seen: held.lease.generation,
            settled_for_ms,
        };
        let due = self.clock.now().plus_ms(LEASE_MS);
        let lease = self
            .refreshes
            .take_lease(held.id, asker, &self.replica, due);
        self.database
            .query(lease)
            .await
            .map_err(|error| RefreshFailure::of(&error))
    }
}

fn timed_out() -> RefreshFailure {
    RefreshFailure::new(ErrorCode::TimeoutError).retry_after(1)
}

/// Waits for an event of the connection, until `until` or until the row should be read.
async fn wait_for_event(
    events: &mut broadcast::Receiver<Arc<Event>>,
    held: &Connection,
    until: Instant,
) {
    let received = async {
        loop {
            match events.recv().await {
                Ok(event) if event.account.as_ref() != Some(&held.account) => {}
                // An event of the account, or events were missed: read the row.
                _ => return,
            }
        }
    };
    let until = until.min(Instant::now() + LEASE_POLL_EVERY);
    let _ = tokio::time::timeout_at(until, received).await;
}

fn not_admitted(error: &AdapterError) -> RefreshFailure {
    let code = match verdict_of(error) {
        Verdict::Config => LastFailure::Config.code(),
        _ => code_of(error),
    };
    RefreshFailure::new(code).maybe_retry_after(error.retry_after_seconds())
}
