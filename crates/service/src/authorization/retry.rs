//! Retries of a call to a platform within one operation.
//!
//! A blind retry can spend a code or a token twice, so a call is repeated only if it was not
//! processed, or if processing it twice does no harm.

use std::time::Duration;

use evergrant_adapters::{AdapterError, ErrorClass};
use evergrant_model::Entropy;
use evergrant_resilience::refresh::attempt::{BACKOFF, MAX_TRIES};
use tokio::time::Instant;

/// The longest time for all tries together, including the pauses.
const DEADLINE: Duration = Duration::from_secs(15);

/// Which failures may be followed by another try.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Retry {
    /// Only those of calls that the platform did not process.
    OnlyUnprocessed,
    /// Also those of calls that it may have processed: processing them twice does no harm.
    Transient,
}

impl Retry {
    fn allows(self, error: &AdapterError) -> bool {
        match error.class() {
            ErrorClass::Transient | ErrorClass::Unknown => {
                self == Self::Transient || error.is_surely_unprocessed()
            }
            ErrorClass::RateLimited => error.is_surely_unprocessed(),
            _ => error.needs_confirmation(),
        }
    }
}

/// Makes the call, and repeats it if `retry` allows it and the deadline leaves time for the pause.
pub(crate) async fn with_retries<T, F>(
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
        if confirmed || failed == MAX_TRIES || !retry.allows(&error) || Instant::now() + wait >= end
        {
            return Err(error);
        }
        tracing::debug!(error = %error, failed, wait_ms = wait.as_millis(), "retrying a call to the platform");
        tokio::time::sleep(wait).await;
    }
}

fn wait_after(error: &AdapterError, failed: u32, entropy: &dyn Entropy) -> Duration {
    let asked = error
        .retry_after_seconds()
        .and_then(|seconds| u64::try_from(seconds).ok());
    let backoff = Duration::from_millis(BACKOFF.delay_ms(failed - 1, entropy));
    asked.map_or(backoff, |seconds| Duration::from_secs(seconds).max(backoff))
}
