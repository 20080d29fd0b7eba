//! Keeps the platforms' gates for all replicas: closed ones stand in rows, and one replica at a time may try.

use std::sync::Arc;

use async_trait::async_trait;
use evergrant_adapters::{Block, BlockKind, Registry, SharedBreakerState};
use evergrant_model::{Clock, Timestamp};
use evergrant_store::{ProviderBlock, Store, StoreError};

/// See the module's text.
pub(crate) struct Keeper {
    pub(crate) store: Store,
    pub(crate) clock: Arc<dyn Clock>,
}

#[async_trait]
impl SharedBreakerState for Keeper {
    async fn block(&self, gate: &Block) {
        if gate.kind == BlockKind::RateLimit {
            tracing::info!(provider = %gate.provider, host = gate.host, until = %gate.blocked_until,
                "a platform has asked for a pause");
        } else {
            tracing::error!(provider = %gate.provider, host = gate.host, gate = gate.kind.as_str(), trips = gate.consecutive_trips,
                until = %gate.blocked_until, "a platform is left alone");
        }
        noted(self.store.provider_blocks().block(&row(gate)).await);
    }

    async fn may_probe(&self, gate: &Block, again_at: Timestamp) -> bool {
        noted(self.store.provider_blocks().claim_probe(&row(gate), self.clock.now(), again_at).await).unwrap_or(false)
    }

    async fn unblock(&self, gate: &Block) {
        tracing::info!(provider = %gate.provider, host = gate.host, gate = gate.kind.as_str(),
            "a platform is called again");
        if noted(self.store.provider_blocks().unblock(&row(gate)).await) == Some(true)
            && gate.kind == BlockKind::MassRejection
        {
            noted(self.store.rejections().release_suspects(&gate.provider, self.clock.now()).await);
        }
    }
}

fn noted<T>(answer: Result<T, StoreError>) -> Option<T> {
    answer
        .inspect_err(|error| {
            tracing::warn!(error = error as &dyn std::error::Error, "other replicas do not hear of a gate yet");
        })
        .ok()
}

fn row(gate: &Block) -> ProviderBlock {
    ProviderBlock {
        provider: gate.provider.clone(),
        host: gate.host.clone(),
        kind: gate.kind.as_str().to_owned(),
        since: gate.since,
        blocked_until: gate.blocked_until,
        consecutive_trips: gate.consecutive_trips,
    }
}

/// Tells each platform of the gates before it, as the rows have them.
pub(crate) fn spread(registry: &Registry, rows: Vec<ProviderBlock>) {
    let mut gates: Vec<_> = rows.into_iter().filter_map(closed_gate).collect();
    for platform in registry.platforms() {
        let slug = &platform.spec().slug;
        let (own, others) = gates.into_iter().partition(|gate| gate.provider == *slug);
        platform.set_blocks(own);
        gates = others;
    }
}

/// A kind that this version of the program does not know is another's to keep.
fn closed_gate(row: ProviderBlock) -> Option<Block> {
    Some(Block {
        kind: BlockKind::parse(&row.kind)?,
        provider: row.provider,
        host: row.host,
        since: row.since,
        blocked_until: row.blocked_until,
        consecutive_trips: row.consecutive_trips,
    })
}
