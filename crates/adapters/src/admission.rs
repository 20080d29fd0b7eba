//! One operation on its way out, and what its end means for those behind it.

use std::sync::Arc;

use tokio::sync::OwnedSemaphorePermit;

use crate::gate::{ClosedGate, GateKind};
use crate::traffic::Traffic;
use crate::{AdapterError, ErrorClass};

/// The longest pause that one answer puts on everybody: a wait of days is that one account's.
const LONGEST_SHARED_PAUSE_SECONDS: i64 = 15 * 60;

/// A place on the way out, for one operation.
pub struct Admission {
    pub(crate) traffic: Arc<Traffic>,
    pub(crate) host: String,
    /// The gate that this operation tries on behalf of everybody.
    pub(crate) trial: Option<ClosedGate>,
    #[expect(dead_code, reason = "it is held, and given back when the operation ends")]
    pub(crate) place: Option<OwnedSemaphorePermit>,
}

impl Admission {
    /// The gate that this operation tries on behalf of everybody, if it does.
    #[must_use]
    pub fn trial(&self) -> Option<GateKind> {
        self.trial.as_ref().map(|gate| gate.kind)
    }

    /// Notes how one request went, for everybody who comes after it.
    pub async fn note<T>(&self, outcome: &Result<T, AdapterError>) {
        match outcome {
            Ok(_) => self.traffic.answered(&self.host),
            Err(error) => self.note_error(error).await,
        }
        if let Some(gate) = &self.trial {
            self.conclude(gate, outcome.as_ref().err()).await;
        }
    }

    async fn note_error(&self, error: &AdapterError) {
        match error.class() {
            ErrorClass::RateLimited => {
                self.traffic.answered(&self.host);
                if let Some(seconds) = error.retry_after_seconds().filter(|seconds| *seconds > 0) {
                    let seconds = seconds.min(LONGEST_SHARED_PAUSE_SECONDS);
                    self.traffic.pause(&self.host, seconds).await;
                }
            }
            ErrorClass::Transient | ErrorClass::Unknown | ErrorClass::Blocked => {
                if self.traffic.failed(&self.host) && self.trial.is_none() {
                    self.traffic.close(&self.host, GateKind::Breaker).await;
                }
            }
            ErrorClass::ConfigError => {
                self.traffic.answered(&self.host);
                if self.trial.is_none() && error.blames_registration() {
                    self.traffic.close(&self.host, GateKind::Config).await;
                }
            }
            _ => self.traffic.answered(&self.host),
        }
    }

    /// What a trial has shown: that everybody may pass, or that nobody should for longer.
    async fn conclude(&self, gate: &ClosedGate, error: Option<&AdapterError>) {
        let Some(error) = error else { return self.traffic.open(gate).await };
        let still_shut = match (gate.kind, error.class()) {
            (GateKind::Breaker, class) => {
                matches!(class, ErrorClass::Transient | ErrorClass::Unknown | ErrorClass::Blocked)
            }
            // Only a pair shows that grants are renewed again, and that we are known again.
            (GateKind::Config | GateKind::Refusals, _) => true,
            (GateKind::Limit, _) => false,
        };
        if still_shut {
            self.traffic.close_again(gate).await;
        } else {
            self.traffic.open(gate).await;
        }
    }
}

impl std::fmt::Debug for Admission {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Admission({}, {})", self.traffic.provider, self.host)
    }
}
