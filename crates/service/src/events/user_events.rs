//! The event stream of one user: each event exactly once, in the order of the user's versions.
//!
//! A client that lost its stream resumes it with the last version it received. If it missed too
//! many events, it receives a reset and must read the list of connections again.

use std::collections::VecDeque;
use std::sync::Arc;

use evergrant_model::{
    Call, Clock, ErrorCode, EventKind, ProviderAccountId, ProviderSlug, SignedDuration, Timestamp,
    UserId,
};
use evergrant_store::{Event, EventRepository, Session, SessionRepository, Store};
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::{Instant, sleep_until};

use crate::ServiceError;
use crate::access::caller::Caller;
use crate::connections::list::{ConnectionList, Integration};
use crate::database::DatabaseMonitor;
use crate::events::stream_event::StreamEvent;
use crate::events::streams::EventStreams;

/// The maximum number of missed events that a resumed stream receives. A client that missed more
/// receives a reset.
const MAX_MISSED: i64 = 500;

/// An event of a stream.
#[derive(Debug, Clone)]
pub enum UserEvent {
    /// The stream is open. All events after this version follow.
    Ready {
        /// The user's current version; on a resumed stream, the version that the client sent.
        version: i64,
    },
    /// The missed events cannot be sent. The client must read the list of connections again.
    Reset {
        /// The user's current version.
        version: i64,
    },
    /// A connection changed.
    Account {
        /// The user's version after the event.
        version: i64,
        /// The kind of change.
        kind: EventKind,
        /// When it happened.
        at: Timestamp,
        /// The platform.
        provider: String,
        /// The account's id at the platform.
        account: String,
        /// The current state of the connection; `None` if it no longer exists or cannot be read.
        integration: Option<Arc<Integration>>,
    },
    /// The status of an authorization flow changed.
    Flow {
        /// The user's version after the event.
        version: i64,
        /// When it happened.
        at: Timestamp,
        /// The flow's id.
        flow: String,
        /// The flow's status.
        status: String,
        /// The error code of a flow that failed.
        code: Option<String>,
    },
}

/// Opens the event streams of users.
#[derive(Clone)]
pub struct UserEventStreams {
    events: EventRepository,
    sessions: SessionRepository,
    streams: Arc<EventStreams>,
    list: Arc<ConnectionList>,
    database: Arc<DatabaseMonitor>,
    clock: Arc<dyn Clock>,
}

impl UserEventStreams {
    pub(crate) fn new(
        store: &Store,
        streams: Arc<EventStreams>,
        list: Arc<ConnectionList>,
        database: Arc<DatabaseMonitor>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let (events, sessions) = (store.events(), store.sessions());
        Self {
            events,
            sessions,
            streams,
            list,
            database,
            clock,
        }
    }

    /// Opens a stream of the user's events from now on, or of all events after version `seen`. The
    /// stream ends when the caller's credential expires or is revoked.
    ///
    /// # Errors
    ///
    /// `USER_NOT_FOUND` if the user does not exist, `OVERLOADED` if too many streams are open,
    /// `DATABASE_ERROR` if a query fails.
    #[tracing::instrument(
        name = "open_event_stream", skip_all,
        fields(actor = %call.actor, correlation_id = %call.correlation_id)
    )]
    pub async fn open(
        &self,
        call: &Call,
        user: UserId,
        caller: Caller,
        seen: Option<i64>,
    ) -> Result<UserEvents, ServiceError> {
        // Opened before the version is read: an event in between is then received twice rather than
        // missed, and the duplicate is dropped.
        let received = self.streams.open(user).ok_or_else(|| {
            let detail = "Too many event streams are open. Close one or try again later.";
            ServiceError::new(ErrorCode::Overloaded, detail)
                .with_retry_after(Some(SignedDuration::from_secs(5)))
        })?;
        // If a query below fails, dropping this value closes the stream.
        let mut events = UserEvents {
            source: self.clone(),
            call: call.clone(),
            user,
            caller,
            version: 0,
            received: Some(received),
            pending: VecDeque::new(),
            ends_at: None,
        };
        let version = self.database.query(self.events.user_version(user)).await?;
        events.version = version.ok_or_else(ServiceError::user_not_found)?;
        events.ends_at = self.credential_expiry(&events.caller).await?;
        let newest = events.version;
        if let Some(seen) = seen.filter(|seen| *seen != newest) {
            events.resume_after(seen).await?;
        }
        // A client that loses the stream right after `Ready` resumes from the version in it, so
        // that version must lie before every event that is still to be sent.
        let is_reset = matches!(events.pending.front(), Some(UserEvent::Reset { .. }));
        let version = seen.filter(|_| !is_reset).unwrap_or(newest);
        events.pending.push_front(UserEvent::Ready { version });
        Ok(events)
    }

    /// Returns when the caller's credential expires; `None` for a credential without expiry.
    async fn credential_expiry(&self, caller: &Caller) -> Result<Option<Instant>, ServiceError> {
        let Some(session) = caller.session() else {
            return Ok(None);
        };
        let stored = self.database.query(self.sessions.by_id(session)).await?;
        let expiry = |session: Session| {
            session
                .idle_expires_at
                .map_or(session.expires_at, |idle| idle.min(session.expires_at))
        };
        let remaining = stored.map_or(SignedDuration::ZERO, |session| {
            expiry(session)
                .since(self.clock.now())
                .max(SignedDuration::ZERO)
        });
        Ok(Instant::now().checked_add(remaining.unsigned_abs()))
    }
}

/// What a stream receives from the change feed.
type Received = Result<Arc<StreamEvent>, RecvError>;

/// One open event stream of a user.
pub struct UserEvents {
    source: UserEventStreams,
    call: Call,
    user: UserId,
    caller: Caller,
    /// The version of the last event that was published to the client.
    version: i64,
    /// `None` only while the value is dropped.
    received: Option<broadcast::Receiver<Arc<StreamEvent>>>,
    /// Events that [`UserEvents::next`] returns before it waits for new ones.
    pending: VecDeque<UserEvent>,
    /// When the credential expires; `None` for never.
    ends_at: Option<Instant>,
}

impl UserEvents {
    /// Returns the next event; `None` if the credential expired or was revoked, the user was
    /// deleted, a query for missed events failed, or the process shuts down.
    pub async fn next(&mut self) -> Option<UserEvent> {
        loop {
            if let Some(event) = self.pending.pop_front() {
                return Some(event);
            }
            let received = self.received.as_mut()?;
            let received = tokio::select! {
                received = received.recv() => received,
                () = sleep_until_expiry(self.ends_at) => return None,
            };
            // Boxed, so that a stream that waits, as most do, has no memory for these queries.
            Box::pin(self.receive(received)).await?;
        }
    }

    /// Queues what the client receives for a received event. Returns `None` if the stream ends.
    async fn receive(&mut self, received: Received) -> Option<()> {
        match received {
            Ok(shared) if self.ends_with(&shared.event) => return None,
            Ok(shared) if shared.event.kind == Some(EventKind::Reset) => self.reset().await?,
            Ok(shared) if shared.event.version <= self.version => {}
            Ok(shared) if shared.event.version == self.version + 1 => {
                let changed = self.changed(&shared).await;
                self.publish(&shared.event, changed);
            }
            // A version was skipped, or the receiver lags behind: read the missed events.
            Ok(_) | Err(RecvError::Lagged(_)) => self.resume_after(self.version).await.ok()?,
            Err(RecvError::Closed) => return None,
        }
        Some(())
    }

    /// Returns whether the event ends this stream.
    fn ends_with(&self, event: &Event) -> bool {
        let user_deleted = event.kind == Some(EventKind::Disconnected) && event.account.is_none();
        let all_sessions = event.subject.is_none() && event.user == Some(self.user);
        let own = event.subject.as_deref() == Some(self.caller.credential_id());
        let credential_ended = event.kind == Some(EventKind::CredentialEnded)
            && (own || (all_sessions && self.caller.session().is_some()));
        user_deleted || credential_ended
    }

    /// Queues a reset, after any connection may have changed. Returns `None` if the user no longer
    /// exists or the query fails. A session that no longer exists ends after the reset.
    async fn reset(&mut self) -> Option<()> {
        let source = &self.source;
        let version = source.database.query(source.events.user_version(self.user));
        let version = version.await.ok()??;
        self.ends_at = source.credential_expiry(&self.caller).await.ok()?;
        self.version = version;
        self.pending.push_back(UserEvent::Reset { version });
        Some(())
    }

    /// Queues the events after version `seen`, or a reset if they are too many or no longer stored.
    async fn resume_after(&mut self, seen: i64) -> Result<(), ServiceError> {
        let newest = std::mem::replace(&mut self.version, seen);
        let missed = self.source.events.of_user(self.user, seen, MAX_MISSED + 1);
        let missed = self.source.database.query(missed).await?;
        let too_many = i64::try_from(missed.len()).unwrap_or(i64::MAX) > MAX_MISSED;
        let complete = missed
            .first()
            .is_some_and(|first| first.version == seen + 1);
        if too_many || !complete {
            self.version = newest;
            self.pending.push_back(UserEvent::Reset { version: newest });
            return Ok(());
        }
        let (call, user) = (&self.call, self.user);
        let list = self.source.list.of_user(call, user).await;
        let current = list.map(|list| list.integrations).unwrap_or_default();
        let current: Vec<_> = current.into_iter().map(Arc::new).collect();
        for event in &missed {
            let changed = current.iter().find(|one| is_changed_by(one, event));
            self.publish(event, changed.cloned());
        }
        Ok(())
    }

    /// Returns the connection that an event of this user changed.
    async fn changed(&self, shared: &StreamEvent) -> Option<Arc<Integration>> {
        let (event, list) = (&shared.event, &self.source.list);
        if event.user != Some(self.user) || event.kind.is_none() {
            return None;
        }
        let (provider, account) = (event.provider.as_ref()?, event.account.as_ref()?);
        let read = async || {
            list.of_account(&self.call, self.user, provider, account)
                .await
        };
        shared.integration(read).await
    }

    /// Queues what the client receives for an event: the progress of a flow, the changed
    /// connection, or both.
    fn publish(&mut self, event: &Event, integration: Option<Arc<Integration>>) {
        self.version = event.version;
        let (version, at, kind) = (event.version, event.at, event.kind);
        if let Some(flow) = event.subject.clone() {
            let kind_name = || kind.map_or_else(String::new, |kind| kind.as_str().to_owned());
            let status = event.status.clone().unwrap_or_else(kind_name);
            let code = event.code.clone();
            self.pending.push_back(UserEvent::Flow {
                version,
                at,
                flow,
                status,
                code,
            });
        }
        let (Some(kind), Some(provider), Some(account)) = (kind, &event.provider, &event.account)
        else {
            return;
        };
        self.pending.push_back(UserEvent::Account {
            version,
            kind,
            at,
            provider: provider.as_str().to_owned(),
            account: account.as_str().to_owned(),
            integration,
        });
    }
}

fn is_changed_by(integration: &Integration, event: &Event) -> bool {
    let provider = event.provider.as_ref().map(ProviderSlug::as_str);
    let account = event.account.as_ref().map(ProviderAccountId::as_str);
    provider == Some(&integration.provider) && account == Some(&integration.provider_account_id)
}

impl Drop for UserEvents {
    fn drop(&mut self) {
        self.received = None;
        self.source.streams.remove_if_unused(self.user);
    }
}

async fn sleep_until_expiry(expires_at: Option<Instant>) {
    match expires_at {
        Some(expires_at) => sleep_until(expires_at).await,
        None => std::future::pending().await,
    }
}
