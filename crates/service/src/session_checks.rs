//! Sessions that nothing renews are looked after by asking the platform now and then whether they still hold.
//!
//! A session is called ended only where the platform says so plainly, or refuses it twice in a row; a block or an outage
//! proves nothing.

use evergrant_adapters::{AdapterError, ErrorClass, Platform, PlatformAdapter, SessionCheck};
use evergrant_model::{ConnectionStatus, CorrelationId, EventKind, StatusReason};
use evergrant_store::{Connection, FailedRefresh};

use crate::ServiceError;
use crate::service::Inner;

/// How often a session is checked.
pub(crate) const CHECK_EVERY_SECONDS: i64 = 6 * 60 * 60;
/// How soon after a refusal that is not yet believed, or a check that came to nothing.
const CHECK_AGAIN_SECONDS: i64 = 60 * 60;

impl Inner {
    /// Checks a session that is due.
    pub(crate) async fn check_session(&self, platform: &Platform, held: &Connection) -> Result<(), ServiceError> {
        let correlation_id = self.new_correlation_id()?;
        let Some(sealed) = &held.access_token else { return Ok(()) };
        let Ok(session) = self.open_access(sealed) else {
            self.note_unreadable(held, None, &correlation_id).await;
            return Ok(());
        };
        let now = self.now();
        let (reason, next) = match platform.check_session(&session).await {
            Ok(SessionCheck::Alive(_)) => (None, Some(now.plus_seconds(CHECK_EVERY_SECONDS))),
            Ok(SessionCheck::Unverified) => (Some(StatusReason::Unverified), None),
            Ok(SessionCheck::Ended) => return self.end_session_of(held, &correlation_id).await,
            Err(error) if is_second_refusal(held, &error) => return self.end_session_of(held, &correlation_id).await,
            Err(error) => return self.put_check_off(held, &error, &correlation_id).await,
        };
        self.store.record_check(held, reason, next, &correlation_id, now).await?;
        self.caches.forget(&held.into()).await;
        Ok(())
    }

    async fn end_session_of(&self, held: &Connection, correlation_id: &CorrelationId) -> Result<(), ServiceError> {
        tracing::info!(provider = %held.provider, connection.id = held.id.get(), correlation_id = %correlation_id,
            "the session has ended");
        let ended = FailedRefresh {
            status: ConnectionStatus::Expired,
            reason: Some(StatusReason::SessionEnded),
            outcome: "terminal",
            next_refresh_at: None,
            event: Some(EventKind::Expired),
            refused: false,
            at: self.now(),
            correlation_id,
        };
        self.store.record_failed_check(held, &ended).await?;
        self.caches.forget(&held.into()).await;
        Ok(())
    }

    async fn put_check_off(
        &self,
        held: &Connection,
        error: &AdapterError,
        correlation_id: &CorrelationId,
    ) -> Result<(), ServiceError> {
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
            outcome: if refused { "refused" } else { "unknown" },
            next_refresh_at: Some(self.now().plus_seconds(wait)),
            event: news.then_some(kind),
            refused: false,
            at: self.now(),
            correlation_id,
        };
        self.store.record_failed_check(held, &put_off).await?;
        self.caches.forget(&held.into()).await;
        Ok(())
    }
}

/// Whether the platform has refused the session at the check before this one too.
fn is_second_refusal(held: &Connection, error: &AdapterError) -> bool {
    error.class() == ErrorClass::NeedsReauth && held.last_outcome.as_deref() == Some("refused")
}
