//! Circuit-breaker state that all replicas share: each provider block is a row, and one replica at
//! a time sends the half-open probe.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use evergrant_adapters::{Block, BlockKind, SharedBreakerState};
use evergrant_model::{Call, Clock, MAX_CLOCK_ERROR, Timestamp};
use evergrant_resilience::lock;
use evergrant_store::{ProviderBlock, ProviderBlockRepository, RejectionRepository, StoreError};

use crate::ServiceError;
use crate::database::DatabaseMonitor;
use crate::identifiers::Identifiers;
use crate::jobs::job::{Job, JobName, Progress};
use crate::jobs::runner::EVERY_SECOND;
use crate::outcome::{Outcome, Recorder};
use crate::providers::Providers;

/// Shares the circuit-breaker state through the database.
pub(crate) struct SharedBlocks {
    pub(crate) own: Arc<OwnBlocks>,
    pub(crate) blocks: ProviderBlockRepository,
    pub(crate) rejections: RejectionRepository,
    pub(crate) ids: Identifiers,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) recorder: Arc<dyn Recorder>,
}

impl SharedBlocks {
    /// Records an outcome of a breaker. The actor is the scheduler: a breaker serves many callers.
    fn record(&self, outcome: &Outcome<'_>) {
        self.recorder
            .record(&self.ids.scheduled_call(&*self.clock), outcome);
    }
}

#[async_trait]
impl SharedBreakerState for SharedBlocks {
    async fn block(&self, block: &Block) {
        self.record(&Outcome::BreakerOpened { block });
        let is_shared =
            self.clock.is_reliable() && logged(self.blocks.block(&row(block)).await).is_some();
        if !is_shared {
            self.own.add(block.clone());
        }
    }

    async fn may_probe(&self, block: &Block, next_probe_at: Timestamp) -> bool {
        let claimed = self
            .blocks
            .claim_probe(&row(block), self.clock.now(), next_probe_at)
            .await;
        logged(claimed).unwrap_or(false)
    }

    async fn unblock(&self, block: &Block) {
        self.record(&Outcome::BreakerClosed { block });
        self.own.remove(block);
        let unblocked = logged(self.blocks.unblock(&row(block)).await) == Some(true);
        if unblocked && block.kind == BlockKind::MassRejection {
            let now = self.clock.now();
            logged(self.rejections.release_suspects(&block.provider, now).await);
        }
    }
}

/// Logs a failed query. The breaker of this process works without the shared state.
fn logged<T>(result: Result<T, StoreError>) -> Option<T> {
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
        scope: block.scope.clone(),
        kind: block.kind.as_str().to_owned(),
        blocked_at: block.since,
        blocked_until: block.blocked_until,
        consecutive_trips: block.consecutive_trips,
    }
}

/// Returns the block of a row; `None` if a newer version added its kind. Only replicas of that
/// version apply such a block.
fn block(row: ProviderBlock) -> Option<Block> {
    Some(Block {
        kind: BlockKind::parse(&row.kind)?,
        provider: row.provider,
        scope: row.scope,
        since: row.blocked_at,
        blocked_until: row.blocked_until,
        consecutive_trips: row.consecutive_trips,
    })
}

/// Blocks that this process does not share, because its machine's clock is wrong or the database
/// did not store them. They apply here until their end.
#[derive(Default)]
pub(crate) struct OwnBlocks(Mutex<Vec<Block>>);

impl OwnBlocks {
    fn add(&self, block: Block) {
        self.remove(&block);
        lock(&self.0).push(block);
    }

    fn remove(&self, block: &Block) {
        lock(&self.0).retain(|known| !known.is_same_breaker(block));
    }

    /// Adds the blocks that have not ended at `now` to those that are shared.
    fn add_to(&self, shared: &mut Vec<Block>, now: Timestamp) {
        let mut own = lock(&self.0);
        own.retain(|block| block.blocked_until > now);
        for block in &*own {
            if !shared.iter().any(|known| known.is_same_breaker(block)) {
                shared.push(block.clone());
            }
        }
    }
}

/// The job that loads the shared blocks into this process.
pub(crate) struct LoadBlocks {
    pub(crate) own: Arc<OwnBlocks>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) blocks: ProviderBlockRepository,
    pub(crate) database: Arc<DatabaseMonitor>,
    pub(crate) providers: Providers,
}

impl LoadBlocks {
    /// Shortens blocks that last longer than any block, because a process with a wrong clock stored
    /// them: here at once, and for all replicas unless the clock of this machine is wrong, too.
    async fn shorten(&self, mut rows: Vec<ProviderBlock>, now: Timestamp) -> Vec<ProviderBlock> {
        for row in &mut rows {
            let Some(latest) = latest_end(row, now).filter(|end| row.blocked_until > *end) else {
                continue;
            };
            if self.clock.is_reliable() {
                logged(self.blocks.shorten(row, latest).await);
            }
            row.blocked_until = latest;
        }
        rows
    }
}

/// Returns the latest possible end of a block at `now`; `None` if a newer version added its kind.
fn latest_end(row: &ProviderBlock, now: Timestamp) -> Option<Timestamp> {
    let longest = BlockKind::parse(&row.kind)?.duration(i32::MAX);
    Some(now + longest + MAX_CLOCK_ERROR)
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
        let (items, now) = (rows.len(), self.clock.now());
        let rows = self.shorten(rows, now).await;
        let mut blocks: Vec<_> = rows.into_iter().filter_map(block).collect();
        self.own.add_to(&mut blocks, now);
        for provider in self.providers.all() {
            let slug = &provider.spec().slug;
            let (own, others) = blocks
                .into_iter()
                .partition(|block| block.provider == *slug);
            provider.set_blocks(own);
            blocks = others;
        }
        Ok(Progress::done(items))
    }
}
