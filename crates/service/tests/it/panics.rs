//! A26: an adapter panics during a call, which only a bug in Evergrant could cause.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use evergrant_model::{Clock, ErrorCode, ManualClock, Timestamp};
use evergrant_sandbox::{Fault, FaultKind};
use evergrant_testkit::{TestDatabase, on_both_databases};

use crate::harness::{ACME_LIFETIME_SECONDS, REFRESH, TestEnv, read};

on_both_databases!(a26_adapter_panic_fails_one_call_and_no_other);

/// A clock that panics once. It is the only part inside an adapter that a test can replace.
struct PanickingClock {
    clock: Arc<ManualClock>,
    panics_once: AtomicBool,
}

impl Clock for PanickingClock {
    fn now(&self) -> Timestamp {
        assert!(
            !self.panics_once.swap(false, Ordering::SeqCst),
            "the test makes the clock panic"
        );
        self.clock.now()
    }
}

async fn a26_adapter_panic_fails_one_call_and_no_other(database: TestDatabase) {
    let env = TestEnv::new(database).await;
    let clock = Arc::new(PanickingClock {
        clock: Arc::clone(&env.clock),
        panics_once: AtomicBool::new(false),
    });
    let (service, acme) = env
        .replica_with_adapter_clock(Arc::<PanickingClock>::clone(&clock))
        .await;
    let (user, account) = env.connected_user("acme").await;
    let other = env.connected_user("reddit").await;
    let read_other = async || read(&service, other.0, "reddit", &other.1).await;
    env.advance_seconds(ACME_LIFETIME_SECONDS);
    env.force(Fault::new("acme", REFRESH, FaultKind::Hold));
    let reader = tokio::spawn({
        let (service, account) = (service.clone(), account.clone());
        async move { read(&service, user, "acme", &account).await }
    });
    env.wait_for_calls("acme", REFRESH, 1).await;
    clock.panics_once.store(true, Ordering::SeqCst);
    let answer = env.release_during(reader).await.unwrap();
    assert_eq!(answer, Err(ErrorCode::InternalError));
    assert!(
        !clock.panics_once.load(Ordering::SeqCst),
        "the panic was in the adapter"
    );
    assert!(read_other().await.is_ok(), "other providers are unaffected");
    assert_eq!(acme.free_permits(), Some(64), "the permit is free again");

    // The panic lost a response with tokens. The outcome is unknown, so the refresh is retried only
    // after the lease has expired.
    let read_again = async || read(&service, user, "acme", &account).await;
    assert_eq!(read_again().await, Err(ErrorCode::ProviderUnavailable));
    assert_eq!(env.calls("acme", REFRESH), 1);
    env.advance_seconds(21);
    assert_eq!(read_again().await, Err(ErrorCode::ReconnectRequired));
    assert_eq!(env.calls("acme", REFRESH), 2);
    assert!(read_other().await.is_ok());
}
