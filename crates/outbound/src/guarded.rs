//! The guarded call path: admission, the call, and its outcome. A panic in the call becomes an
//! error.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::task::Poll;

use crate::{AdmissionRequest, CallOutcome, NotAdmitted, Traffic};

/// The error of a call that [`Traffic::guarded`] can run.
pub trait CallError: From<NotAdmitted> {
    /// Returns the outcome that this error reports to the circuit breaker and the rate limits.
    fn outcome(&self) -> CallOutcome;

    /// Returns the error of a call that panicked. Whether the provider processed it is unknown.
    fn panicked() -> Self;
}

impl Traffic {
    /// Admits `call`, runs it and reports its outcome.
    ///
    /// # Errors
    ///
    /// Those of `call`, and [`NotAdmitted`] converted to them.
    pub async fn guarded<T, E: CallError>(
        &self,
        request: AdmissionRequest<'_>,
        call: impl Future<Output = Result<T, E>>,
    ) -> Result<T, E> {
        let permit = self.admit(request).await?;
        let result = catch_panic(call).await;
        let outcome = result
            .as_ref()
            .map_or_else(E::outcome, |_| CallOutcome::Succeeded);
        self.settle(&permit, outcome).await;
        result
    }
}

/// Runs `call` and turns a panic into [`CallError::panicked`].
///
/// # Errors
///
/// Those of `call`.
pub async fn catch_panic<T, E: CallError>(
    call: impl Future<Output = Result<T, E>>,
) -> Result<T, E> {
    let mut call = pin!(call);
    std::future::poll_fn(|context| {
        let polled = catch_unwind(AssertUnwindSafe(|| call.as_mut().poll(context)));
        polled.unwrap_or_else(|_| Poll::Ready(Err(E::panicked())))
    })
    .await
}
