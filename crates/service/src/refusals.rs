//! A platform that refuses everybody at once is in trouble itself, and no person has withdrawn anything.
//!
//! Beyond a share of refusals no more connections are marked, renewals stop, and the marks of the last minutes are taken
//! back. One renewal at a time tries whether it is over; then each connection that was refused is tried once more, and
//! that answer counts.

use evergrant_adapters::{BlockKind, Platform};
use evergrant_model::{ConnectionStatus, EventKind, ProviderSlug, StatusReason, Timestamp};
use evergrant_store::{Connection, FailedRefresh};

use crate::ServiceError;
use crate::attempt::Run;
use crate::failed_refresh::LastFailure;
use crate::service::Inner;

/// Refusals are counted over this span.
const SPAN_SECONDS: i64 = 5 * 60;
/// Fewer prove nothing,
const ENOUGH: i64 = 10;
/// nor does a smaller share than one in so many.
const ONE_IN: i64 = 5;
/// A token that ended so long ago was not renewed in time by us: a backup was restored, or nothing ran for long. What the
/// platform says of it is no sign of trouble there.
const OVERDUE_SECONDS: i64 = 60 * 60;
const BATCH: i64 = 100;

/// What a refusal of a grant is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Belief {
    /// The grant has ended.
    Believed,
    /// The grant has ended, unless it turns out that the platform refuses too many at this moment.
    Counted,
    /// The platform is in trouble: the grant is asked for once more.
    Doubted,
}

impl Inner {
    /// What it is worth that the platform has refused this grant. One that was `lost` on its way to us is no trouble of
    /// the platform's.
    pub(crate) async fn belief(&self, run: &Run<'_>, held: &Connection, lost: bool) -> Belief {
        let tries_gate = run.permit.half_open_probe() == Some(BlockKind::MassRejection);
        if tries_gate || run.platform.mass_rejection_block().is_some() {
            return Belief::Doubted;
        }
        if lost || LastFailure::of(held) == Some(LastFailure::Suspect) || self.ended_long_ago(held) {
            return Belief::Believed;
        }
        if self.stops_for_refusals(run.platform, 1).await { Belief::Doubted } else { Belief::Counted }
    }

    /// Stops renewals if the platform refuses too many, with so many that are not recorded yet. Asked again once a refusal
    /// is recorded: of many at one moment each may be the last that is written down.
    pub(crate) async fn stops_for_refusals(&self, platform: &Platform, more: i64) -> bool {
        let provider = &platform.spec().slug;
        // Where refusals cannot be counted, rows can be marked just as little.
        if !self.too_many_refused(provider, more).await.unwrap_or(false) {
            return false;
        }
        tracing::error!(%provider,
            "the platform refuses so many grants that it must be in trouble: renewals are stopped, and nobody is asked \
             to connect again");
        platform.block_refreshes().await;
        true
    }

    fn ended_long_ago(&self, held: &Connection) -> bool {
        let life = held.lifetime().seconds().unwrap_or(0);
        held.expires_at.is_some_and(|end| self.now().seconds_since(end) > OVERDUE_SECONDS.max(life))
    }

    async fn too_many_refused(&self, provider: &ProviderSlug, more: i64) -> Result<bool, ServiceError> {
        let since = self.now().plus_seconds(-SPAN_SECONDS);
        let counted = self.ask(self.store.rejections().count(provider, since, ENOUGH - more)).await?;
        let refused = counted.rejected + more;
        Ok(refused >= ENOUGH && refused * ONE_IN > refused + counted.refreshed)
    }

    /// Takes back what was marked just before renewals were stopped, here and in other replicas.
    pub(crate) async fn take_back_marks(&self) -> Result<(), ServiceError> {
        for platform in self.registry.platforms() {
            let Some(gate) = platform.mass_rejection_block() else { continue };
            let since = gate.since.plus_seconds(-SPAN_SECONDS);
            for held in self.store.rejections().ended_since(&gate.provider, since, BATCH).await? {
                self.take_back(&held, gate.blocked_until).await?;
            }
        }
        Ok(())
    }

    async fn take_back(&self, held: &Connection, next: Timestamp) -> Result<(), ServiceError> {
        let correlation_id = self.new_correlation_id()?;
        let suspect = FailedRefresh {
            status: ConnectionStatus::Error,
            reason: Some(StatusReason::ProviderUnavailable),
            outcome: LastFailure::Suspect.as_str(),
            next_refresh_at: Some(next),
            event: Some(EventKind::Error),
            rejected: true,
            at: self.now(),
            correlation_id: &correlation_id,
        };
        self.store.rejections().undo(held, &suspect).await?;
        self.caches.forget(&held.into()).await;
        Ok(())
    }
}
