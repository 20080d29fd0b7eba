//! Retries of a provider call within one operation.
//!
//! A blind retry can use an authorization code or a token twice. A call is therefore repeated only
//! if the platform did not process it, or if processing it twice does no harm.

use std::time::Duration;

use evergrant_adapters::{AdapterError, ErrorClass};
use evergrant_model::Entropy;
use evergrant_resilience::refresh::attempt::{BACKOFF, MAX_TRIES};
use tokio::time::Instant;

/// The time limit for all attempts together, including the delays between them.
const DEADLINE: Duration = Duration::from_secs(15);

/// Which failures are retried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Retry {
    /// Only failures of calls that the platform did not process.
    OnlyUnprocessed,
    /// Also failures of calls that the platform may have processed; for calls that may safely be
    /// processed twice.
    Transient,
}

impl Retry {
    /// Returns whether a call that failed with this error may be sent again.
    fn allows(self, error: &AdapterError) -> bool {
        match error.class() {
            ErrorClass::Transient | ErrorClass::Unknown => {
                self == Self::Transient || error.is_known_unprocessed()
            }
            // The platform states when it accepts calls again, and the queue of calls knows.
            ErrorClass::RateLimited => false,
            _ => error.needs_confirmation(),
        }
    }
}

/// Makes the call, and repeats it with backoff while `retry` allows it, fewer than [`MAX_TRIES`]
/// attempts have failed, and the delay ends before the deadline. An error that needs confirmation
/// is final once two attempts have returned it.
///
/// # Errors
///
/// Returns the error of the last attempt.
pub(crate) async fn with_retries<T, F>(
    entropy: &dyn Entropy,
    retry: Retry,
    mut call: impl FnMut() -> F,
) -> Result<T, AdapterError>
where
    F: Future<Output = Result<T, AdapterError>>,
{
    let deadline = Instant::now() + DEADLINE;
    let mut attempts = 0;
    loop {
        let error = match call().await {
            Ok(value) => return Ok(value),
            Err(error) => error,
        };
        attempts += 1;
        let delay = delay_after(&error, attempts, entropy);
        let is_confirmed = error.needs_confirmation() && attempts == 2;
        let is_last = is_confirmed || attempts == MAX_TRIES || !retry.allows(&error);
        if is_last || Instant::now() + delay >= deadline {
            return Err(error);
        }
        let delay_ms = delay.as_millis();
        tracing::debug!(%error, attempts, delay_ms, "retrying provider call");
        tokio::time::sleep(delay).await;
    }
}

/// Returns the delay after this many failed attempts: the backoff, or `Retry-After` if it is
/// longer.
fn delay_after(error: &AdapterError, attempts: u32, entropy: &dyn Entropy) -> Duration {
    let retry_after = error
        .retry_after()
        .and_then(|wait| Duration::try_from(wait).ok());
    let backoff = Duration::from_millis(BACKOFF.delay_ms(attempts - 1, entropy));
    retry_after.map_or(backoff, |wait| wait.max(backoff))
}
