//! A user's events as they happen: fed from the one change feed, in the order of the user's versions, each once.
//!
//! A stream that was cut off says which version it saw last and goes on from there. What it cannot be told, because it
//! was away for too long, it is told so that it reads the list again.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use evergrant_model::{ErrorCode, EventKind, Timestamp, UserId};
use evergrant_store::{Event, Session};
use tokio::sync::broadcast;
use tokio::time::{Duration, Instant, sleep_until};

use crate::ServiceError;
use crate::credentials::Caller;
use crate::service::IntegrationsService;
use crate::status::Integration;

/// Events that one stream may be behind before it has to look for itself.
const BACKLOG: usize = 64;
/// The most streams of one user: a browser has one a tab.
const MOST_OF_ONE_USER: usize = 64;
/// The most that a returning stream is told; one that missed more reads the list again.
const MOST_MISSED: i64 = 500;

/// What a stream is told.
#[derive(Debug, Clone)]
pub enum UserEvent {
    /// The stream has begun: from this version on everything is told.
    Ready {
        /// The user's version.
        version: i64,
    },
    /// What was missed cannot be told: the list is to be read again.
    Reset {
        /// The user's version.
        version: i64,
    },
    /// Something happened to an account.
    Account {
        /// The user's version after it.
        version: i64,
        /// What.
        kind: EventKind,
        /// When.
        at: Timestamp,
        /// At which platform.
        provider: String,
        /// Which account there.
        account: String,
        /// The connection as it stands now; `None` where it is gone.
        integration: Option<Box<Integration>>,
    },
    /// A flow has come further.
    Flow {
        /// The user's version after it.
        version: i64,
        /// When.
        at: Timestamp,
        /// Which flow.
        flow: String,
        /// How it stands now.
        status: String,
        /// Why it came to nothing.
        code: Option<String>,
    },
}

/// Everybody's streams.
#[derive(Default)]
pub(crate) struct Streams {
    by_user: Mutex<HashMap<UserId, broadcast::Sender<Arc<Event>>>>,
    closed: AtomicBool,
}

impl Streams {
    fn by_user(&self) -> MutexGuard<'_, HashMap<UserId, broadcast::Sender<Arc<Event>>>> {
        self.by_user.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The users whose streams are open.
    pub(crate) fn users(&self) -> Vec<UserId> {
        self.by_user().keys().copied().collect()
    }

    /// A place among the user's streams; `None` where there are too many of them, or of all.
    fn subscribe(&self, user: UserId, most: usize) -> Option<broadcast::Receiver<Arc<Event>>> {
        let mut by_user = self.by_user();
        if self.closed.load(Ordering::SeqCst) {
            return Some(broadcast::Sender::new(1).subscribe());
        }
        let open: usize = by_user.values().map(broadcast::Sender::receiver_count).sum();
        let own = by_user.get(&user).map_or(0, broadcast::Sender::receiver_count);
        let has_room = open < most && own < MOST_OF_ONE_USER;
        has_room.then(|| by_user.entry(user).or_insert_with(|| broadcast::Sender::new(BACKLOG)).subscribe())
    }

    /// Tells those whom it concerns; the end of a credential may be anybody's.
    pub(crate) fn tell(&self, event: &Arc<Event>) {
        let mut by_user = self.by_user();
        match event.user.filter(|_| event.kind != Some(EventKind::CredentialEnded)) {
            Some(user) => {
                if by_user.get(&user).is_some_and(|streams| streams.send(Arc::clone(event)).is_err()) {
                    by_user.remove(&user);
                }
            }
            None => by_user.retain(|_, streams| streams.send(Arc::clone(event)).is_ok()),
        }
    }

    /// Ends every stream, now and from now on.
    pub(crate) fn close(&self) {
        self.closed.store(true, Ordering::SeqCst);
        self.by_user().clear();
    }

    fn forget_if_unheard(&self, user: UserId) {
        let mut by_user = self.by_user();
        if by_user.get(&user).is_some_and(|streams| streams.receiver_count() == 0) {
            by_user.remove(&user);
        }
    }
}

/// One user's events from some version on.
pub struct UserEvents {
    service: IntegrationsService,
    user: UserId,
    caller: Caller,
    /// The version that was told last.
    version: i64,
    news: Option<broadcast::Receiver<Arc<Event>>>,
    waiting: VecDeque<UserEvent>,
    ends_at: Option<Instant>,
}

impl IntegrationsService {
    /// The user's events from now on, or from the version after `seen` on. They end with the caller's credential.
    ///
    /// # Errors
    ///
    /// `USER_NOT_FOUND`, `DATABASE_ERROR`; `OVERLOADED` where too many streams are open.
    pub async fn events(&self, user: UserId, caller: Caller, seen: Option<i64>) -> Result<UserEvents, ServiceError> {
        // Before the version is read: what happens in between is told twice rather than not at all, and then left out.
        let news = self.streams.subscribe(user, self.settings.event_streams).ok_or_else(|| {
            let detail = "Too many event streams are open. Close one, or try again later.";
            ServiceError::new(ErrorCode::Overloaded, detail).retry_after(Some(5))
        })?;
        // From here on whatever fails gives the place back.
        let mut events = UserEvents {
            service: self.clone(),
            user,
            caller,
            version: 0,
            news: Some(news),
            waiting: VecDeque::new(),
            ends_at: None,
        };
        let version =
            self.ask(self.store.events().user_version(user)).await?.ok_or_else(ServiceError::user_not_found)?;
        events.version = version;
        events.ends_at = self.end_of(&events.caller).await?;
        events.waiting.push_back(UserEvent::Ready { version });
        if let Some(seen) = seen.filter(|seen| *seen != version) {
            events.resume_after(seen).await?;
        }
        Ok(events)
    }

    /// When a credential ends by itself.
    async fn end_of(&self, caller: &Caller) -> Result<Option<Instant>, ServiceError> {
        let Caller::Browser { session, .. } = caller else { return Ok(None) };
        let stored = self.ask(self.store.sessions().by_id(session)).await?;
        let end = |session: Session| session.idle_until.map_or(session.expires_at, |idle| idle.min(session.expires_at));
        let left_s = stored.map_or(0, |session| end(session).seconds_since(self.now()).max(0));
        Ok(Instant::now().checked_add(Duration::from_secs(left_s.unsigned_abs())))
    }
}

impl UserEvents {
    /// The next event; `None` once the credential or the program has ended, or the user is gone.
    pub async fn next(&mut self) -> Option<UserEvent> {
        loop {
            if let Some(event) = self.waiting.pop_front() {
                return Some(event);
            }
            let news = self.news.as_mut()?;
            let heard = tokio::select! {
                heard = news.recv() => heard,
                () = end(self.ends_at) => return None,
            };
            match heard {
                Ok(event) if self.is_the_end(&event) => return None,
                Ok(event) if event.version <= self.version => {}
                Ok(event) if event.version == self.version + 1 => self.take(&event).await,
                // Something in between was not heard, or too much was.
                Ok(_) | Err(broadcast::error::RecvError::Lagged(_)) => self.catch_up().await.ok()?,
                Err(broadcast::error::RecvError::Closed) => return None,
            }
        }
    }

    fn is_the_end(&self, event: &Event) -> bool {
        let user_is_gone = event.kind == Some(EventKind::Disconnected) && event.account.is_none();
        let credential = match &self.caller {
            Caller::App { key, .. } => key.as_str(),
            Caller::Browser { session, .. } => session.as_str(),
        };
        let all_of_the_user = event.subject.is_none() && event.user == Some(self.user);
        let ended = event.kind == Some(EventKind::CredentialEnded)
            && (event.subject.as_deref() == Some(credential)
                || (all_of_the_user && matches!(self.caller, Caller::Browser { .. })));
        user_is_gone || ended
    }

    async fn resume_after(&mut self, seen: i64) -> Result<(), ServiceError> {
        let newest = std::mem::replace(&mut self.version, seen);
        let missed = self.service.ask(self.service.store.events().of_user(self.user, seen, MOST_MISSED + 1)).await?;
        let too_many = i64::try_from(missed.len()).unwrap_or(i64::MAX) > MOST_MISSED;
        let whole = missed.first().is_some_and(|first| first.version == seen + 1);
        if too_many || !whole {
            self.version = newest;
            self.waiting.push_back(UserEvent::Reset { version: newest });
            return Ok(());
        }
        for event in &missed {
            self.take(event).await;
        }
        Ok(())
    }

    async fn catch_up(&mut self) -> Result<(), ServiceError> {
        self.resume_after(self.version).await
    }

    async fn take(&mut self, event: &Event) {
        self.version = event.version;
        let (version, at, kind) = (event.version, event.at, event.kind);
        if let Some(flow) = event.subject.clone() {
            let connected = || kind.map_or_else(String::new, |kind| kind.as_str().to_owned());
            let status = event.status.clone().unwrap_or_else(connected);
            self.waiting.push_back(UserEvent::Flow { version, at, flow, status, code: event.code.clone() });
        }
        let (Some(kind), Some(provider), Some(account)) = (kind, &event.provider, &event.account) else { return };
        let integration = self.integration(provider.as_str(), account.as_str()).await.map(Box::new);
        self.waiting.push_back(UserEvent::Account {
            version,
            kind,
            at,
            provider: provider.as_str().to_owned(),
            account: account.as_str().to_owned(),
            integration,
        });
    }

    async fn integration(&self, provider: &str, account: &str) -> Option<Integration> {
        let list = self.service.connected_integrations(self.user).await.ok()?;
        list.integrations.into_iter().find(|one| one.provider == provider && one.provider_account_id == account)
    }
}

impl Drop for UserEvents {
    fn drop(&mut self) {
        self.news = None;
        self.service.streams.forget_if_unheard(self.user);
    }
}

async fn end(at: Option<Instant>) {
    match at {
        Some(at) => sleep_until(at).await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_remembered_of_whoever_was_refused() {
        let streams = Streams::default();
        let user = UserId::try_from(1).unwrap();
        assert!(streams.subscribe(user, 0).is_none());
        assert!(streams.users().is_empty());
        let place = streams.subscribe(user, 1).unwrap();
        assert!(streams.subscribe(UserId::try_from(2).unwrap(), 1).is_none(), "there is one place for all");
        assert_eq!(streams.users(), [user]);
        drop(place);
        streams.forget_if_unheard(user);
        assert!(streams.users().is_empty());
    }
}
