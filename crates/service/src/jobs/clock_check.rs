//! Reports that the system clock moved back.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use evergrant_model::{Call, Clock, SignedDuration, whole_ms};

use crate::ServiceError;
use crate::jobs::job::{Job, JobName, Progress};
use crate::jobs::runner::EVERY_SECOND;

/// Corrections up to this size are normal time synchronisation and not reported.
const TOLERATED: SignedDuration = SignedDuration::from_secs(1);

/// Compares the process's clock, which never moves back, with the system clock.
pub(crate) struct ClockCheck {
    clock: Arc<dyn Clock>,
    /// How far the process's clock was ahead of the system clock at the last run, in milliseconds.
    last_ahead_ms: AtomicI64,
}

impl ClockCheck {
    /// Creates a check whose clock has not been seen ahead yet.
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Self {
        Self {
            clock,
            last_ahead_ms: AtomicI64::new(0),
        }
    }
}

#[async_trait]
impl Job for ClockCheck {
    fn name(&self) -> JobName {
        JobName::ClockCheck
    }

    fn interval(&self) -> Duration {
        EVERY_SECOND
    }

    async fn run(&self, _call: &Call) -> Result<Progress, ServiceError> {
        let ahead_ms = whole_ms(self.clock.ahead());
        let last_ahead_ms = self.last_ahead_ms.swap(ahead_ms, Ordering::Relaxed);
        if SignedDuration::from_millis(ahead_ms - last_ahead_ms) > TOLERATED {
            tracing::error!(
                ahead_ms,
                "system clock moved back; this process keeps the later time until it restarts"
            );
        }
        Ok(Progress::done(0))
    }
}
