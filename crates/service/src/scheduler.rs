//! Ahead of need: what is due is claimed in batches, a platform at a time, by whichever replica has room for it.
//!
//! There is no leader. A claim puts the next look at a connection off, so no two replicas take it up at once, and one
//! whose claimant vanishes comes back by itself. A platform behind a closed gate is passed by, but for the one renewal
//! that may try it.

use std::sync::Arc;

use evergrant_adapters::{Platform, ProviderKind};
use evergrant_model::{ConnectionId, ConnectionStatus, Freshness};

use crate::ServiceError;
use crate::failed_refresh::RefreshFailure;
use crate::read::is_renewable;
use crate::refresh::Demand;
use crate::service::IntegrationsService;
use crate::session_checks::Occasion;

/// How long a claim lasts that comes to nothing.
const CLAIM_SECONDS: i64 = 60;
/// The most that is claimed in one statement.
const BATCH: i64 = 64;

impl IntegrationsService {
    /// Takes up what is due now, as far as there is room; how many connections that were.
    ///
    /// # Errors
    ///
    /// `DATABASE_ERROR`.
    pub async fn take_up_due(&self) -> Result<usize, ServiceError> {
        let mut taken = 0;
        for platform in self.registry.platforms() {
            if self.is_closing() {
                break;
            }
            taken += self.take_up_due_at(platform).await?;
        }
        Ok(taken)
    }

    async fn take_up_due_at(&self, platform: &Arc<Platform>) -> Result<usize, ServiceError> {
        let spec = platform.spec();
        if !spec.is_configured() || !(spec.capabilities.refresh || spec.kind == ProviderKind::Cookies) {
            return Ok(0);
        }
        let mut taken = 0;
        loop {
            let (room, now) = (self.room_at(platform), self.now());
            if room == 0 {
                return Ok(taken);
            }
            let later = now.plus_seconds(CLAIM_SECONDS);
            let claimed = self.ask(self.store.refreshes().claim_due(&spec.slug, now, later, room)).await?;
            for id in &claimed {
                self.take_up(Arc::clone(platform), *id);
            }
            taken += claimed.len();
            // Whatever else is due waits for the next round: then it is known what became of these.
            if i64::try_from(claimed.len()).unwrap_or(0) < room || room < BATCH {
                return Ok(taken);
            }
        }
    }

    /// How many connections of this platform may be taken up now.
    fn room_at(&self, platform: &Platform) -> i64 {
        match platform.refresh_block() {
            Some(gate) if gate.blocked_until > self.now() => return 0,
            Some(gate) if gate.kind.needs_probe() => return 1,
            _ => {}
        }
        let places = platform.free_places().unwrap_or(usize::MAX);
        i64::try_from(places).unwrap_or(BATCH).min(BATCH)
    }

    fn take_up(&self, platform: Arc<Platform>, id: ConnectionId) {
        let service = self.clone();
        self.tasks.spawn(async move {
            if let Err(failure) = service.attend_to(&platform, id).await {
                tracing::debug!(connection.id = id.get(), code = failure.code().as_str(), "what was due is put off");
            }
        });
    }

    async fn attend_to(&self, platform: &Arc<Platform>, id: ConnectionId) -> Result<(), RefreshFailure> {
        let spec = platform.spec();
        let of = |error: ServiceError| RefreshFailure::of(&error);
        let held = self.reread(id).await?;
        if held.is_external {
            return self.adopt(&held).await.map(drop).map_err(of);
        }
        if held.status == ConnectionStatus::Expired || !is_renewable(&held, spec) && spec.kind == ProviderKind::OAuth2 {
            return self.ask(self.store.refreshes().reschedule(id, None)).await.map_err(of);
        }
        if spec.kind == ProviderKind::Cookies {
            return self.check_session(platform, &held, Occasion::Due).await.map(drop).map_err(of);
        }
        let due = self.due(spec, held.issued_at.unwrap_or(held.updated_at), held.expires_at, id.get());
        let may_wait = held.expires_at.is_some() || due > self.now();
        if held.failures == 0 && may_wait && self.freshness(&held, spec, 0) == Freshness::Fresh {
            // Renewed by somebody else meanwhile, or its date was not ours.
            return self.ask(self.store.refreshes().reschedule(id, Some(due))).await.map_err(of);
        }
        let correlation_id = self.new_correlation_id().map_err(of)?;
        self.renew(&held, spec, &correlation_id, Demand::Due).await.map(drop).map_err(of)
    }
}
