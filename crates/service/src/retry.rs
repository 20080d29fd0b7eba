//! When a call to a platform may be sent again inside one attempt.
//!
//! A blind retry on a platform that rotates kills a grant that still works, so "again" is only for calls that surely
//! were not processed, or that do no harm when processed twice.

use std::time::Duration;

use evergrant_adapters::{AdapterError, ErrorClass};
use evergrant_model::Entropy;
use evergrant_resilience::Backoff;
use tokio::time::Instant;

/// Everything that one attempt may take, waiting included.
const DEADLINE: Duration = Duration::from_secs(15);
const TRIES: u32 = 3;
const BACKOFF: Backoff = Backoff { first_ms: 200, longest_ms: 2_000 };

/// Which failures may be followed by another sending.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Retry {
    /// Only what the platform surely did not process.
    OnlyUnprocessed,
    /// Also what it may have processed: doing it twice does no harm.
    Transient,
}

impl Retry {
    fn allows(self, error: &AdapterError) -> bool {
        match error.class() {
            ErrorClass::Transient | ErrorClass::Unknown => self == Self::Transient || error.is_surely_unprocessed(),
            ErrorClass::RateLimited => error.is_surely_unprocessed(),
            _ => error.needs_confirmation(),
        }
    }
}

/// Makes the call, and again where `retry` allows it and the deadline leaves time for the wait that it needs.
pub(crate) async fn attempt<T, F>(
    entropy: &dyn Entropy,
    retry: Retry,
    mut call: impl FnMut() -> F,
) -> Result<T, AdapterError>
where
    F: Future<Output = Result<T, AdapterError>>,
{
    let end = Instant::now() + DEADLINE;
    let mut failed = 0;
    loop {
        let error = match call().await {
            Ok(value) => return Ok(value),
            Err(error) => error,
        };
        failed += 1;
        let wait = wait_after(&error, failed, entropy);
        let confirmed = error.needs_confirmation() && failed == 2;
        if confirmed || failed == TRIES || !retry.allows(&error) || Instant::now() + wait >= end {
            return Err(error);
        }
        tracing::debug!(error = %error, failed, wait_ms = wait.as_millis(), "a call is sent again");
        tokio::time::sleep(wait).await;
    }
}

fn wait_after(error: &AdapterError, failed: u32, entropy: &dyn Entropy) -> Duration {
    let asked = error.retry_after_seconds().and_then(|seconds| u64::try_from(seconds).ok());
    let backoff = Duration::from_millis(BACKOFF.delay_ms(failed - 1, entropy));
    asked.map_or(backoff, |seconds| Duration::from_secs(seconds).max(backoff))
}
