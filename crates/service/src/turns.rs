//! What time alone does to a connection: a warning ahead of an end that no renewal averts, and that end.
//!
//! Instagram's data access ends 90 days after its person last used the app, TikTok's refresh token after 365 days, a
//! session or a token without refresh token at its own end. Each turn is noted once, with one event, by whichever
//! replica comes first.

use evergrant_adapters::ProviderSpec;
use evergrant_model::{ConnectionStatus, EventKind, StatusReason, Timestamp, is_token_expired};
use evergrant_store::{Connection, StatusTransition};

use crate::ServiceError;
use crate::read::is_renewable;
use crate::service::Inner;

/// The user is warned this long before a grant ends,
const GRANT_WARNING_SECONDS: i64 = 14 * 24 * 60 * 60;
/// or before a token does that nothing renews, but in no more than the last fifth of its life.
const TOKEN_WARNING_SECONDS: i64 = 7 * 24 * 60 * 60;
const WARNING_SHARE: i64 = 5;
const BATCH: i64 = 100;

/// How a connection stands as far as time is concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Turning {
    /// `connected`, `expiring` or `expired`.
    pub(crate) status: ConnectionStatus,
    /// When it turns next; `None` for never.
    pub(crate) next: Option<Timestamp>,
}

impl Turning {
    /// For a token with this life, of a grant that ends then whatever is renewed.
    pub(crate) fn of(
        renewable: bool,
        (issued_at, expires_at): (Timestamp, Option<Timestamp>),
        grant_ends: Option<Timestamp>,
        now: Timestamp,
    ) -> Self {
        if renewable {
            // Past its end too: only the platform can say that it has ended, and its word is a terminal answer.
            let warn_at = grant_ends.map(|end| end.plus_seconds(-GRANT_WARNING_SECONDS));
            return Self::warned(warn_at, None, now);
        }
        let Some(end) = expires_at else { return Self { status: ConnectionStatus::Connected, next: None } };
        if is_token_expired(Some(end), now) {
            return Self { status: ConnectionStatus::Expired, next: None };
        }
        let warning = TOKEN_WARNING_SECONDS.min(end.seconds_since(issued_at).max(0) / WARNING_SHARE);
        Self::warned(Some(end.plus_seconds(-warning)), Some(end.plus_seconds(-evergrant_model::SKEW_SECONDS)), now)
    }

    fn warned(warn_at: Option<Timestamp>, then: Option<Timestamp>, now: Timestamp) -> Self {
        if warn_at.is_some_and(|at| at <= now) {
            Self { status: ConnectionStatus::Expiring, next: then }
        } else {
            Self { status: ConnectionStatus::Connected, next: warn_at }
        }
    }
}

impl Inner {
    /// How this connection stands now as far as time is concerned.
    pub(crate) fn turning_of(&self, spec: Option<&ProviderSpec>, held: &Connection) -> Turning {
        let renewable = spec.is_some_and(|spec| is_renewable(held, spec));
        // Of a row that another program wrote nobody knows the beginning: it is warned of in the last week.
        let issued_at = held.issued_at.unwrap_or(Timestamp::from_unix_ms(0));
        Turning::of(renewable, (issued_at, held.expires_at), held.grant_expires_at, self.now())
    }

    /// Notes the turns that are due.
    pub(crate) async fn take_turns(&self) -> Result<(), ServiceError> {
        for held in self.store.status_transitions().due(self.now(), BATCH).await? {
            let platform = self.registry.platform(&held.provider);
            let turning = self.turning_of(platform.as_ref().map(|platform| platform.spec()), &held);
            self.take_turn(&held, turning).await?;
        }
        Ok(())
    }

    async fn take_turn(&self, held: &Connection, turning: Turning) -> Result<(), ServiceError> {
        let correlation_id = self.new_correlation_id()?;
        let ended = turning.status == ConnectionStatus::Expired;
        let turn = StatusTransition {
            status: turning.status,
            reason: if ended { Some(StatusReason::SessionEnded) } else { held.reason },
            next: turning.next,
            event: (turning.status != held.status).then_some(if ended {
                EventKind::Expired
            } else {
                EventKind::Expiring
            }),
            at: self.now(),
            correlation_id: &correlation_id,
        };
        if self.store.status_transitions().record(held, &turn).await? {
            tracing::info!(provider = %held.provider, connection.id = held.id.get(), correlation_id = %correlation_id,
                status = turn.status.as_str(), "time has turned a connection");
            self.caches.forget(&held.into()).await;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: i64 = 24 * 60 * 60;

    fn day(days: i64) -> Timestamp {
        Timestamp::from_unix_seconds(1_767_225_600).plus_seconds(days * DAY)
    }

    fn turning(
        renewable: bool,
        expires: Option<i64>,
        grant_ends: Option<i64>,
        now: i64,
    ) -> (&'static str, Option<i64>) {
        let of = Turning::of(renewable, (day(0), expires.map(day)), grant_ends.map(day), day(now));
        (of.status.as_str(), of.next.map(|at| at.seconds_since(day(0))))
    }

    #[test]
    fn a_renewable_grant_is_warned_of_a_fortnight_before_its_end_and_never_ended_by_time() {
        assert_eq!(turning(true, Some(60), None, 59), ("connected", None));
        assert_eq!(turning(true, Some(60), Some(90), 0), ("connected", Some(76 * DAY)));
        assert_eq!(turning(true, Some(60), Some(90), 76), ("expiring", None));
        assert_eq!(turning(true, Some(60), Some(90), 400), ("expiring", None));
    }

    #[test]
    fn what_nothing_renews_is_warned_of_in_its_last_week_and_ends() {
        let end = 60 * DAY - 30;
        assert_eq!(turning(false, Some(60), None, 0), ("connected", Some(53 * DAY)));
        assert_eq!(turning(false, Some(60), None, 53), ("expiring", Some(end)));
        assert_eq!(turning(false, Some(60), None, 60), ("expired", None));
        assert_eq!(turning(false, Some(5), None, 3), ("connected", Some(4 * DAY)), "the last fifth of a short life");
        assert_eq!(turning(false, None, None, 999), ("connected", None));
    }
}
