//! Sessions that nothing renews are looked after by asking the platform now and then whether they still hold.
//!
//! A session is called ended only where the platform says so plainly, or refuses it twice in a row; a block or an outage
//! proves nothing.

use std::sync::Arc;

use evergrant_adapters::{AdapterError, ErrorClass, Platform, SessionCheck};
use evergrant_model::{ConnectionStatus, CorrelationId, ErrorCode, EventKind, StatusReason, Timestamp};
use evergrant_store::{Connection, FailedRefresh};

use crate::ServiceError;
use crate::failed_refresh::RefreshFailure;
use crate::service::{Inner, IntegrationsService};

/// How often a session is checked.
pub(crate) const CHECK_EVERY_SECONDS: i64 = 6 * 60 * 60;
/// How soon after a refusal that is not yet believed, or a check that came to nothing.
const CHECK_AGAIN_SECONDS: i64 = 60 * 60;
/// A session that was found to hold is believed for so long, whoever doubts it.
const BELIEVED_SECONDS: i64 = 60;

/// How the row remembers that the platform has refused a session once.
const REFUSED: &str = "refused";

/// What a check has shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Checked {
    /// The platform takes the session.
    Holds,
    /// It is over.
    Ended,
    /// The platform could not be asked, or what it said is not believed yet.
    Unsure,
}

/// Why a session is checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Occasion {
    /// Its time has come.
    Due,
    /// The app says that the platform has refused it: what was learned a moment ago answers that.
    Reported,
}

impl IntegrationsService {
    /// Checks a session, once for all in this process who want to know it now.
    pub(crate) async fn check_session(
        &self,
        platform: &Arc<Platform>,
        held: &Connection,
        occasion: Occasion,
    ) -> Result<Checked, ServiceError> {
        let (service, asked, id) = (self.clone(), Arc::clone(platform), held.id);
        let check = self.checks.run(id, move || async move {
            let held = service.reread(id).await?;
            match known_standing(&held, service.now()).filter(|_| occasion == Occasion::Reported) {
                Some(known) => Ok(known),
                None => service.check_now(&asked, &held).await.map_err(|error| RefreshFailure::of(&error)),
            }
        });
        match check.await {
            Ok(outcome) => outcome.map_err(|failure| failure.into_error(&platform.spec().name)),
            Err(_lost) => Err(ServiceError::new(ErrorCode::InternalError, "Something went wrong on our side.")),
        }
    }
}

impl Inner {
    async fn check_now(&self, platform: &Platform, held: &Connection) -> Result<Checked, ServiceError> {
        let correlation_id = self.new_correlation_id()?;
        let Some(sealed) = &held.access_token else { return Ok(Checked::Unsure) };
        let Ok(session) = self.open_access(sealed) else {
            self.note_unreadable(held, None, &correlation_id).await;
            return Ok(Checked::Unsure);
        };
        let now = self.now();
        let (checked, reason, next) = match platform.for_account(&held.account).check_session(&session).await {
            Ok(SessionCheck::Alive(_)) => (Checked::Holds, None, Some(now.plus_seconds(CHECK_EVERY_SECONDS))),
            Ok(SessionCheck::Unverified) => (Checked::Unsure, Some(StatusReason::Unverified), None),
            Ok(SessionCheck::Ended) => return self.end_session_of(held, &correlation_id).await,
            Err(error) if is_second_refusal(held, &error) => return self.end_session_of(held, &correlation_id).await,
            Err(error) => return self.put_check_off(held, &error, &correlation_id).await,
        };
        self.store.refreshes().record_check(held, reason, next, &correlation_id, now).await?;
        self.caches.forget(&held.into()).await;
        Ok(checked)
    }

    async fn end_session_of(&self, held: &Connection, correlation_id: &CorrelationId) -> Result<Checked, ServiceError> {
        tracing::info!(provider = %held.provider, connection.id = held.id.get(), correlation_id = %correlation_id,
            "the session has ended");
        let ended = FailedRefresh {
            status: ConnectionStatus::Expired,
            reason: Some(StatusReason::SessionEnded),
            outcome: "terminal",
            next_refresh_at: None,
            event: Some(EventKind::Expired),
            rejected: false,
            at: self.now(),
            correlation_id,
        };
        self.store.refreshes().record_failed_check(held, &ended).await?;
        self.caches.forget(&held.into()).await;
        Ok(Checked::Ended)
    }

    async fn put_check_off(
        &self,
        held: &Connection,
        error: &AdapterError,
        correlation_id: &CorrelationId,
    ) -> Result<Checked, ServiceError> {
        tracing::warn!(provider = %held.provider, connection.id = held.id.get(), correlation_id = %correlation_id,
            error = %error, "a session could not be checked");
        let refused = error.class() == ErrorClass::NeedsReauth;
        let wait = error.retry_after_seconds().unwrap_or(0).max(CHECK_AGAIN_SECONDS);
        // One refusal is not believed, but its owner is warned: the next one ends the connection.
        let status = if refused { ConnectionStatus::Expiring } else { held.status };
        let news = (status, Some(StatusReason::Unverified)) != (held.status, held.reason);
        let kind = if refused { EventKind::Expiring } else { EventKind::Error };
        let put_off = FailedRefresh {
            status,
            reason: Some(StatusReason::Unverified),
            outcome: if refused { REFUSED } else { "unknown" },
            next_refresh_at: Some(self.now().plus_seconds(wait)),
            event: news.then_some(kind),
            rejected: false,
            at: self.now(),
            correlation_id,
        };
        self.store.refreshes().record_failed_check(held, &put_off).await?;
        self.caches.forget(&held.into()).await;
        Ok(Checked::Unsure)
    }
}

/// Whether the platform has refused the session at the check before this one too.
fn is_second_refusal(held: &Connection, error: &AdapterError) -> bool {
    error.class() == ErrorClass::NeedsReauth && held.last_outcome.as_deref() == Some(REFUSED)
}

/// What the last check has shown, where asking again this soon could teach nothing.
fn known_standing(held: &Connection, now: Timestamp) -> Option<Checked> {
    if held.status == ConnectionStatus::Expired {
        return Some(Checked::Ended);
    }
    let next_in = held.next_refresh_at?.seconds_since(now);
    match held.last_outcome {
        Some(_) => (next_in > 0).then_some(Checked::Unsure),
        None => (next_in > CHECK_EVERY_SECONDS - BELIEVED_SECONDS).then_some(Checked::Holds),
    }
}
