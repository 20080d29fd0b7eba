//! Circuit-breaker state shared by all replicas: blocks are rows, and one replica at a time probes.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use evergrant_adapters::{Block, BlockKind, SharedBreakerState};
use evergrant_model::{Call, Clock, Timestamp};
use evergrant_store::{ProviderBlock, ProviderBlockRepository, RejectionRepository, StoreError};

use crate::ServiceError;
use crate::database::DatabaseMonitor;
use crate::identifiers::Identifiers;
use crate::jobs::job::{Job, JobName, Progress};
use crate::jobs::runner::EVERY_SECOND;
use crate::outcome::{Outcome, Recorder};
use crate::providers::Providers;

/// The blocks of all platforms in the database.
pub(crate) struct SharedBlocks {
    pub(crate) blocks: ProviderBlockRepository,
    pub(crate) rejections: RejectionRepository,
    pub(crate) ids: Identifiers,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) recorder: Arc<dyn Recorder>,
}

impl SharedBlocks {
    /// Records an outcome of the breaker, which has no caller of its own.
    fn record(&self, outcome: &Outcome<'_>) {
        self.recorder
            .record(&self.ids.scheduled_call(&*self.clock), outcome);
    }
}

#[async_trait]
impl SharedBreakerState for SharedBlocks {
    async fn block(&self, block: &Block) {
        self.record(&Outcome::BreakerOpened { block });
        shared(self.blocks.block(&row(block)).await);
    }

    async fn may_probe(&self, block: &Block, again_at: Timestamp) -> bool {
        let claimed = self
            .blocks
            .claim_probe(&row(block), self.clock.now(), again_at)
            .await;
        shared(claimed).unwrap_or(false)
    }

    async fn unblock(&self, block: &Block) {
        self.record(&Outcome::BreakerClosed { block });
        let unblocked = shared(self.blocks.unblock(&row(block)).await) == Some(true);
        if unblocked && block.kind == BlockKind::MassRejection {
            let now = self.clock.now();
            shared(self.rejections.release_suspects(&block.provider, now).await);
        }
    }
}

fn shared<T>(result: Result<T, StoreError>) -> Option<T> {
    result
        .inspect_err(|error| {
            let error = error as &dyn std::error::Error;
            tracing::warn!(
                error,
                "failed to share circuit-breaker state with other replicas"
            );
        })
        .ok()
}

fn row(block: &Block) -> ProviderBlock {
    ProviderBlock {
        provider: block.provider.clone(),
        host: block.host.clone(),
        kind: block.kind.as_str().to_owned(),
        since: block.since,
        blocked_until: block.blocked_until,
        consecutive_trips: block.consecutive_trips,
    }
}

/// The block of a row; `None` for a kind of a newer version, which only that version applies.
fn block(row: ProviderBlock) -> Option<Block> {
    Some(Block {
        kind: BlockKind::parse(&row.kind)?,
        provider: row.provider,
        host: row.host,
        since: row.since,
        blocked_until: row.blocked_until,
        consecutive_trips: row.consecutive_trips,
    })
}

/// Loads the shared blocks into this process.
pub(crate) struct LoadBlocks {
    pub(crate) blocks: ProviderBlockRepository,
    pub(crate) database: Arc<DatabaseMonitor>,
    pub(crate) providers: Providers,
}

#[async_trait]
impl Job for LoadBlocks {
    fn name(&self) -> JobName {
        JobName::ProviderBlocks
    }

    fn interval(&self) -> Duration {
        EVERY_SECOND
    }

    async fn run(&self, _call: &Call) -> Result<Progress, ServiceError> {
        let rows = self.database.query(self.blocks.all()).await?;
        let items = rows.len();
        let mut blocks: Vec<_> = rows.into_iter().filter_map(block).collect();
        for platform in self.providers.all() {
            let slug = &platform.spec().slug;
            let (own, others) = blocks
                .into_iter()
                .partition(|block| block.provider == *slug);
            platform.set_blocks(own);
            blocks = others;
        }
        Ok(Progress::done(items))
    }
}
