//! A user's events as they happen, in the order of the user's versions, each once.
//!
//! A stream that was interrupted says which version it saw last and continues from there. If too
//! much was missed, it is told to read the list again.

use std::collections::VecDeque;
use std::sync::Arc;

use evergrant_model::{Call, Clock, ErrorCode, EventKind, Timestamp, UserId};
use evergrant_store::{Event, EventRepository, Session, SessionRepository, Store};
use tokio::sync::broadcast;
use tokio::time::{Duration, Instant, sleep_until};

use crate::ServiceError;
use crate::access::caller::Caller;
use crate::connections::list::{ConnectionList, Integration};
use crate::database::DatabaseMonitor;
use crate::events::streams::EventStreams;

/// The most events that a resumed stream is sent; one that missed more reads the list again.
const MAX_MISSED: i64 = 500;

/// An event of a stream.
#[derive(Debug, Clone)]
pub enum UserEvent {
    /// The stream is open: every event after this version follows.
    Ready {
        /// The user's version; on a resumed stream the version that the client saw last.
        version: i64,
    },
    /// The missed events cannot be sent: the list must be read again.
    Reset {
        /// The user's version.
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
        /// The connection as it is now; `None` if it no longer exists.
        integration: Option<Box<Integration>>,
    },
    /// A flow made progress.
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

    /// The user's events from now on, or from the version after `seen` on. The stream ends with
    /// the caller's credential.
    ///
    /// # Errors
    ///
    /// `USER_NOT_FOUND`, `DATABASE_ERROR`; `OVERLOADED` if too many streams are open.
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
        // Opened before the version is read: an event in between is then received twice, not
        // never, and the duplicate is dropped.
        let received = self.streams.open(user).ok_or_else(|| {
            let detail = "Too many event streams are open. Close one, or try again later.";
            ServiceError::new(ErrorCode::Overloaded, detail).retry_after(Some(5))
        })?;
        // Dropping this value on an error below gives the place back.
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
        events.ends_at = self.end_of(&events.caller).await?;
        let newest = events.version;
        if let Some(seen) = seen.filter(|seen| *seen != newest) {
            events.resume_after(seen).await?;
        }
        // A client that breaks off after `Ready` resumes from its version: nothing that is still to
        // be sent may lie before it.
        let is_reset = matches!(events.pending.front(), Some(UserEvent::Reset { .. }));
        let version = seen.filter(|_| !is_reset).unwrap_or(newest);
        events.pending.push_front(UserEvent::Ready { version });
        Ok(events)
    }

    /// When a credential expires by itself.
    async fn end_of(&self, caller: &Caller) -> Result<Option<Instant>, ServiceError> {
        let Some(session) = caller.session() else {
            return Ok(None);
        };
        let stored = self.database.query(self.sessions.by_id(session)).await?;
        let end = |session: Session| {
            session
                .idle_until
                .map_or(session.expires_at, |idle| idle.min(session.expires_at))
        };
        let left_seconds = stored.map_or(0, |session| {
            end(session).seconds_since(self.clock.now()).max(0)
        });
        Ok(Instant::now().checked_add(Duration::from_secs(left_seconds.unsigned_abs())))
    }
}

/// One open event stream of a user.
pub struct UserEvents {
    source: UserEventStreams,
    call: Call,
    user: UserId,
    caller: Caller,
    /// The version of the last event that was sent.
    version: i64,
    received: Option<broadcast::Receiver<Arc<Event>>>,
    pending: VecDeque<UserEvent>,
    ends_at: Option<Instant>,
}

impl UserEvents {
    /// The next event; `None` once the credential has ended, the user was deleted or the program
    /// shuts down.
    pub async fn next(&mut self) -> Option<UserEvent> {
        loop {
            if let Some(event) = self.pending.pop_front() {
                return Some(event);
            }
            let received = self.received.as_mut()?;
            let received = tokio::select! {
                received = received.recv() => received,
                () = end(self.ends_at) => return None,
            };
            match received {
                Ok(event) if self.ends_with(&event) => return None,
                Ok(event) if event.version <= self.version => {}
                Ok(event) if event.version == self.version + 1 => self.publish(&event).await,
                // A version was skipped, or the stream lags behind.
                Ok(_) | Err(broadcast::error::RecvError::Lagged(_)) => {
                    self.resume_after(self.version).await.ok()?;
                }
                Err(broadcast::error::RecvError::Closed) => return None,
            }
        }
    }

    fn ends_with(&self, event: &Event) -> bool {
        let user_deleted = event.kind == Some(EventKind::Disconnected) && event.account.is_none();
        let all_sessions = event.subject.is_none() && event.user == Some(self.user);
        let own = event.subject.as_deref() == Some(self.caller.credential_id());
        let credential_ended = event.kind == Some(EventKind::CredentialEnded)
            && (own || (all_sessions && self.caller.session().is_some()));
        user_deleted || credential_ended
    }

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
        for event in &missed {
            self.publish(event).await;
        }
        Ok(())
    }

    async fn publish(&mut self, event: &Event) {
        self.version = event.version;
        let (version, at, kind) = (event.version, event.at, event.kind);
        if let Some(flow) = event.subject.clone() {
            let connected = || kind.map_or_else(String::new, |kind| kind.as_str().to_owned());
            let status = event.status.clone().unwrap_or_else(connected);
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
        let integration = self
            .integration(provider.as_str(), account.as_str())
            .await
            .map(Box::new);
        self.pending.push_back(UserEvent::Account {
            version,
            kind,
            at,
            provider: provider.as_str().to_owned(),
            account: account.as_str().to_owned(),
            integration,
        });
    }

    async fn integration(&self, provider: &str, account: &str) -> Option<Integration> {
        let list = self.source.list.of_user(&self.call, self.user).await.ok()?;
        let is_it =
            |one: &Integration| one.provider == provider && one.provider_account_id == account;
        list.integrations.into_iter().find(is_it)
    }
}

impl Drop for UserEvents {
    fn drop(&mut self) {
        self.received = None;
        self.source.streams.remove_if_unused(self.user);
    }
}

async fn end(at: Option<Instant>) {
    match at {
        Some(at) => sleep_until(at).await,
        None => std::future::pending().await,
    }
}
