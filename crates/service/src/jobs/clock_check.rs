//! Reports a system clock that moved back.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use evergrant_model::{Call, Clock};

use crate::ServiceError;
use crate::jobs::job::{Job, JobName, Progress};
use crate::jobs::runner::EVERY_SECOND;

/// Smaller corrections are normal time synchronisation, in milliseconds.
const TOLERATED_MS: i64 = 1_000;

/// Compares the clock, which never moves back, with the system clock.
pub(crate) struct ClockCheck {
    clock: Arc<dyn Clock>,
    /// How far the clock was ahead of the system clock at the last run, in milliseconds.
    reported_ms: AtomicI64,
}

impl ClockCheck {
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Self {
        Self {
            clock,
            reported_ms: AtomicI64::new(0),
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
        let ahead_ms = self.clock.ahead_ms();
        let reported_ms = self.reported_ms.swap(ahead_ms, Ordering::Relaxed);
        if ahead_ms > reported_ms + TOLERATED_MS {
            tracing::error!(
                ahead_ms,
                "the system clock moved back; this process continues from the later time until it \
                 restarts"
            );
        }
        Ok(Progress::done(0))
    }
}
