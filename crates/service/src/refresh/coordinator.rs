//! Coordination of refreshes across callers and replicas.
//!
//! Within this process, all callers that need the same token share one refresh (single flight),
//! which runs in its own task, so a cancelled caller does not cancel it. Across all replicas, a
//! lease allows at most one attempt per generation at a time: a replica that finds the lease taken
//! waits for the events of its holder.

use std::sync::Arc;
use std::time::Duration;

use evergrant_adapters::{AdapterError, Permit, Provider, ProviderSpec, RequestClass};
use evergrant_model::{Call, Clock, ConnectionId, ErrorCode, SignedDuration, whole_ms};
use evergrant_resilience::SingleFlight;
use evergrant_resilience::refresh::attempt::Verdict;
use evergrant_resilience::refresh::lease::{LeaseRequest, RefreshPolicy};
use evergrant_store::{Connection, ConnectionRepository, Event, LeaseAnswer, RefreshRepository};
use tokio::sync::broadcast;
use tokio::time::Instant;
use tracing::Instrument;

use crate::ServiceError;
use crate::cache::{Caches, ConnectionKey};
use crate::connections::external_rows::ExternalRows;
use crate::connections::lookup::by_id;
use crate::database::DatabaseMonitor;
use crate::error::{RETRY_AFTER, code_of};
use crate::events::change_feed::ChangeFeed;
use crate::providers::Providers;
use crate::refresh::attempt::Attempts;
use crate::refresh::context::{AttemptContext, refresh_policy};
use crate::refresh::lost_tokens::LostTokens;
use crate::refresh::outcome::{LastFailure, RefreshFailure, RefreshOutcome, newer, verdict_of};
use crate::refresh::pending_writes::PendingWrites;
use crate::refresh::permission::{RefreshReason, check_allowed, check_probe};
use crate::tasks::Tasks;
use crate::tokens::refresh_time::{is_refreshable, is_usable};

/// The interval at which the row is read while another replica holds the lease: no event arrives if
/// that replica crashes.
const LEASE_POLL_EVERY: Duration = Duration::from_millis(500);
/// The maximum wait for another replica's lease. It exceeds the longest lease, so an abandoned
/// lease expires within it.
const MAX_LEASE_WAIT: Duration = Duration::from_secs(70);

/// Refreshes tokens. Clones share their state.
#[derive(Clone)]
pub(crate) struct Refresher {
    pub(crate) connections: ConnectionRepository,
    pub(crate) refreshes: RefreshRepository,
    pub(crate) attempts: Arc<Attempts>,
    pub(crate) pending: Arc<PendingWrites>,
    pub(crate) lost: Arc<LostTokens>,
    pub(crate) providers: Providers,
    pub(crate) external_rows: Arc<ExternalRows>,
    pub(crate) feed: Arc<ChangeFeed>,
    pub(crate) caches: Arc<Caches>,
    pub(crate) database: Arc<DatabaseMonitor>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) tasks: Tasks,
    /// Identifies this process in leases.
    pub(crate) replica: Arc<str>,
    /// The refreshes of this process that are in flight.
    pub(crate) in_flight: Arc<SingleFlight<ConnectionId, RefreshOutcome>>,
    /// See [`ServiceSettings::caller_wait`](crate::ServiceSettings::caller_wait).
    pub(crate) caller_wait: Duration,
}

/// The state of a connection compared with the tokens that the caller knows.
enum RowState {
    /// Newer tokens are stored.
    Newer(Arc<Connection>),
    /// The same tokens are stored.
    Unchanged(Box<Connection>),
}

impl Refresher {
    /// Returns the connection with newer tokens than `known` holds, obtained by this refresh or by
    /// a concurrent one.
    ///
    /// # Errors
    ///
    /// * `TOKEN_EXPIRED` if the token cannot be refreshed;
    /// * `OVERLOADED` during shutdown;
    /// * `TIMEOUT_ERROR` if the refresh takes longer than this caller waits;
    /// * otherwise the error of the refresh.
    pub(crate) async fn refresh(
        &self,
        call: &Call,
        known: &Connection,
        spec: &ProviderSpec,
        reason: RefreshReason,
    ) -> Result<Arc<Connection>, ServiceError> {
        if !is_refreshable(known, spec) {
            let detail = format!(
                "The {} access token has expired and cannot be refreshed. Please reconnect the \
                 account.",
                spec.name
            );
            return Err(ServiceError::new(ErrorCode::TokenExpired, detail));
        }
        if self.tasks.is_shutting_down() {
            return Err(ServiceError::shutting_down());
        }
        let (refresher, id, known_generation) = (self.clone(), known.id, known.lease.generation);
        let (call, token) = (call.clone(), self.tasks.token());
        let span = tracing::info_span!(
            "refresh", actor = %call.actor, correlation_id = %call.correlation_id,
            provider = %spec.slug, connection.id = id.get(), reason = ?reason
        );
        let refresh = self.in_flight.run(id, move || {
            let refresh = async move {
                refresher.database.settled().await;
                let outcome = refresher.run(&call, id, known_generation, reason).await;
                drop(token);
                outcome
            };
            refresh.instrument(span)
        });
        match tokio::time::timeout(self.caller_wait, refresh).await {
            Ok(Ok(outcome)) => outcome.map_err(|failure| failure.into_error(&spec.name)),
            Ok(Err(aborted)) => Err(ServiceError::internal().caused_by(aborted)),
            Err(_elapsed) => Err(self.timed_out().into_error(&spec.name)),
        }
    }

    /// Executes an attempt, unless the row shows that none is needed or allowed.
    async fn run(
        &self,
        call: &Call,
        id: ConnectionId,
        known_generation: i64,
        reason: RefreshReason,
    ) -> RefreshOutcome {
        let (started, mut events, mut may_import) = (Instant::now(), self.feed.receiver(), true);
        loop {
            let row = match self.row_state(call, id, known_generation).await? {
                RowState::Newer(newest) => return Ok(newest),
                RowState::Unchanged(row) => row,
            };
            let (provider, permit) = self.admit(&row, reason).await?;
            let requested_at = Instant::now();
            match self.take_lease(&row).await? {
                LeaseAnswer::Leased(leased) => {
                    let context = AttemptContext {
                        call,
                        provider: &provider,
                        permit,
                        access_expired: self.is_access_expired(&leased.connection, reason),
                        has_gone_back: leased.ticket.generation < known_generation,
                        leased: *leased,
                        requested_at,
                    };
                    return self.attempts.run(context).await;
                }
                LeaseAnswer::Outdated(newest) => return self.outdated(*newest).await,
                LeaseAnswer::External(external) if std::mem::take(&mut may_import) => {
                    self.import(call, *external, permit).await?;
                }
                LeaseAnswer::Gone => return Err(RefreshFailure::new(ErrorCode::AccountNotFound)),
                LeaseAnswer::Busy { wait } if started.elapsed() < MAX_LEASE_WAIT => {
                    self.wait_for_lease(permit, &mut events, &row, wait).await;
                }
                LeaseAnswer::Busy { .. } | LeaseAnswer::External(_) => return Err(self.timed_out()),
            }
        }
    }

    /// Returns the failure for a caller whose wait timed out.
    fn timed_out(&self) -> RefreshFailure {
        let waited = self.caller_wait;
        RefreshFailure::new(ErrorCode::TimeoutError)
            .with_retry_after(Some(RETRY_AFTER))
            .caused_by(format!("the refresh did not end within {waited:?}"))
    }

    /// Returns the connection whose newer tokens another process has stored.
    async fn outdated(&self, newest: Connection) -> RefreshOutcome {
        self.caches.invalidate(&ConnectionKey::from(&newest)).await;
        newer(newest)
    }

    /// Releases the permit and imports tokens that another program has written, or repairs the row
    /// if they are spent.
    async fn import(
        &self,
        call: &Call,
        row: Connection,
        permit: Permit,
    ) -> Result<(), RefreshFailure> {
        drop(permit);
        let import = self.external_rows.import_once(call, row).await;
        import.map_err(|error| RefreshFailure::of(&error))
    }

    /// Checks that an attempt is allowed, and waits for admission to the platform.
    async fn admit(
        &self,
        connection: &Connection,
        reason: RefreshReason,
    ) -> Result<(Arc<Provider>, Permit), RefreshFailure> {
        let provider = self.providers.configured(&connection.provider);
        let provider = provider.map_err(|error| RefreshFailure::of(&error))?;
        check_allowed(connection, provider.spec(), reason, self.clock.now())?;
        check_probe(connection, &provider, reason, self.clock.now())?;
        let class = match reason {
            RefreshReason::Due => RequestClass::DueRefresh,
            _ => RequestClass::Refresh,
        };
        let permit = provider
            .admit_refresh(&connection.account, class, self.caller_wait / 5 * 4)
            .await;
        let permit = permit.map_err(|error| not_admitted(&error))?;
        if self.tasks.is_shutting_down() {
            return Err(RefreshFailure::of(&ServiceError::shutting_down()));
        }
        Ok((provider, permit))
    }

    /// Returns whether the stored access token has expired or was rejected by the platform.
    fn is_access_expired(&self, connection: &Connection, reason: RefreshReason) -> bool {
        let now = self.clock.now();
        let expires_at = connection.tokens.expires_at;
        reason == RefreshReason::Rejected || expires_at.is_some_and(|at| at <= now)
    }

    /// Compares the connection with the generation that the caller knows. Refreshed tokens that are
    /// not stored yet count as stored, and those that the database has lost are stored again.
    async fn row_state(
        &self,
        call: &Call,
        id: ConnectionId,
        known_generation: i64,
    ) -> Result<RowState, RefreshFailure> {
        let is_newer = |pending: &Arc<Connection>| pending.lease.generation > known_generation;
        if let Some(pending) = self.pending.newest(id).filter(is_newer) {
            return Ok(RowState::Newer(pending));
        }
        let stored = by_id(&self.connections, &self.database, id).await;
        let stored = stored.map_err(|error| RefreshFailure::of(&error))?;
        let restored = self.lost.restore(call, &stored).await;
        if let Some(restored) = restored.map_err(|error| RefreshFailure::of(&error))? {
            let is_usable = restored.lease.generation > known_generation
                && is_usable(&restored, self.clock.now());
            return if is_usable {
                newer(restored).map(RowState::Newer)
            } else {
                Ok(RowState::Unchanged(Box::new(restored)))
            };
        }
        if stored.lease.generation > known_generation {
            self.caches.invalidate(&ConnectionKey::from(&stored)).await;
            return newer(stored).map(RowState::Newer);
        }
        if self.pending.has_replaced(id, stored.lease.generation) {
            // The stored refresh token was exchanged already, and the write of its successor is
            // pending. Sending it again could revoke the grant.
            return Err(RefreshFailure::new(ErrorCode::DatabaseError)
                .with_retry_after(Some(RETRY_AFTER))
                .caused_by("the database has not accepted the refreshed tokens yet"));
        }
        Ok(RowState::Unchanged(Box::new(stored)))
    }

    /// Releases the permit, so that the wait does not count against the platform's limits, and
    /// waits until another replica's lease may have ended, for at most `wait`.
    async fn wait_for_lease(
        &self,
        permit: Permit,
        events: &mut broadcast::Receiver<Arc<Event>>,
        connection: &Connection,
        wait: SignedDuration,
    ) {
        drop(permit);
        let request = self.lease_request(connection);
        let until = Instant::now() + wait.unsigned_abs();
        while Instant::now() < until && !self.tasks.is_shutting_down() {
            wait_for_event(events, connection, until).await;
            let is_over = self
                .refreshes
                .is_lease_over(connection.id, request, &self.replica);
            if is_over.await.unwrap_or(true) {
                return;
            }
        }
    }

    fn lease_request(&self, connection: &Connection) -> LeaseRequest {
        let provider = self.providers.by_slug(&connection.provider);
        let policy = provider.map(|provider| refresh_policy(provider.spec()));
        LeaseRequest {
            known_generation: connection.lease.generation,
            database_up_for_ms: whole_ms(self.database.database_up_for()),
            refresh_policy: policy.unwrap_or(RefreshPolicy::STRICT),
        }
    }

    /// Requests the lease. If this process stops without recording an outcome, the scheduler takes
    /// the connection up again when the lease expires.
    async fn take_lease(&self, connection: &Connection) -> Result<LeaseAnswer, RefreshFailure> {
        let request = self.lease_request(connection);
        let due = self.clock.now() + SignedDuration::from_millis(request.refresh_policy.lease_ms());
        let lease = self
            .refreshes
            .take_lease(connection.id, request, &self.replica, due);
        self.database
            .query(lease)
            .await
            .map_err(|error| RefreshFailure::of(&error))
    }
}

/// Waits for an event of the connection, at most until `until` or the next poll of the row.
async fn wait_for_event(
    events: &mut broadcast::Receiver<Arc<Event>>,
    connection: &Connection,
    until: Instant,
) {
    let received = async {
        loop {
            match events.recv().await {
                Ok(event) if event.account.as_ref() != Some(&connection.account) => {}
                // An event of this account, or missed events: the row must be read.
                _ => return,
            }
        }
    };
    let until = until.min(Instant::now() + LEASE_POLL_EVERY);
    let _ = tokio::time::timeout_at(until, received).await;
}

/// Returns the failure for a refresh that the circuit breaker, the rate limit or the queue
/// rejected.
fn not_admitted(error: &AdapterError) -> RefreshFailure {
    let failure = match verdict_of(error) {
        Verdict::Config => RefreshFailure::after(LastFailure::Registration),
        _ => RefreshFailure::new(code_of(error)),
    };
    failure
        .with_retry_after(error.retry_after())
        .caused_by(error.to_string())
}
