//! Keeps the platforms' gates for all replicas: closed ones stand in rows, and one replica at a time may try.

use std::sync::Arc;

use async_trait::async_trait;
use evergrant_adapters::{ClosedGate, GateKeeper, GateKind, Registry};
use evergrant_model::{Clock, Timestamp};
use evergrant_store::{Gate, Store, StoreError};

/// See the module's text.
pub(crate) struct Keeper {
    pub(crate) store: Store,
    pub(crate) clock: Arc<dyn Clock>,
}

#[async_trait]
impl GateKeeper for Keeper {
    async fn close(&self, gate: &ClosedGate) {
        if gate.kind == GateKind::Limit {
            tracing::info!(provider = %gate.provider, host = gate.host, until = %gate.closed_to,
                "a platform has asked for a pause");
        } else {
            tracing::error!(provider = %gate.provider, host = gate.host, gate = gate.kind.as_str(), trips = gate.trips,
                until = %gate.closed_to, "a platform is left alone");
        }
        noted(self.store.close_gate(&row(gate)).await);
    }

    async fn may_try(&self, gate: &ClosedGate, again_at: Timestamp) -> bool {
        noted(self.store.try_gate(&row(gate), self.clock.now(), again_at).await).unwrap_or(false)
    }

    async fn open(&self, gate: &ClosedGate) {
        tracing::info!(provider = %gate.provider, host = gate.host, gate = gate.kind.as_str(),
            "a platform is called again");
        if noted(self.store.open_gate(&row(gate)).await) == Some(true) && gate.kind == GateKind::Refusals {
            noted(self.store.release_suspects(&gate.provider, self.clock.now()).await);
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

fn row(gate: &ClosedGate) -> Gate {
    Gate {
        provider: gate.provider.clone(),
        host: gate.host.clone(),
        kind: gate.kind.as_str().to_owned(),
        since: gate.since,
        closed_to: gate.closed_to,
        trips: gate.trips,
    }
}

/// Tells each platform of the gates before it, as the rows have them.
pub(crate) fn spread(registry: &Registry, rows: Vec<Gate>) {
    let mut gates: Vec<_> = rows.into_iter().filter_map(closed_gate).collect();
    for platform in registry.platforms() {
        let slug = &platform.spec().slug;
        let (own, others) = gates.into_iter().partition(|gate| gate.provider == *slug);
        platform.set_gates(own);
        gates = others;
    }
}

/// A kind that this version of the program does not know is another's to keep.
fn closed_gate(row: Gate) -> Option<ClosedGate> {
    Some(ClosedGate {
        kind: GateKind::parse(&row.kind)?,
        provider: row.provider,
        host: row.host,
        since: row.since,
        closed_to: row.closed_to,
        trips: row.trips,
    })
}
