//! A26: an adapter stops in the middle, as only a fault of ours could make it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use evergrant_model::{Clock, ErrorCode, ManualClock, Timestamp};
use evergrant_sandbox::{Fault, FaultKind};
use evergrant_testkit::{TestDatabase, on_both_databases};

use crate::harness::{ACME_LIFE_S, REFRESH, Stand};
use crate::outcomes::read;

on_both_databases!(a26_a_panic_in_an_adapter_fails_one_call_and_harms_nobody_else);

/// A clock that breaks once: the one thing inside an adapter that a test can reach.
struct Breaking {
    clock: Arc<ManualClock>,
    breaks: AtomicBool,
}

impl Clock for Breaking {
    fn now(&self) -> Timestamp {
        assert!(
            !self.breaks.swap(false, Ordering::SeqCst),
            "the clock is broken, as the test wants it"
        );
        self.clock.now()
    }
}

async fn a26_a_panic_in_an_adapter_fails_one_call_and_harms_nobody_else(database: TestDatabase) {
    let stand = Stand::new(database).await;
    let clock = Arc::new(Breaking {
        clock: Arc::clone(&stand.clock),
        breaks: AtomicBool::new(false),
    });
    let (service, acme) = stand
        .replica_whose_adapters_have(Arc::<Breaking>::clone(&clock))
        .await;
    let (user, account) = stand.user_with("acme").await;
    let (other, theirs) = stand.user_with("reddit").await;
    stand.pass_seconds(ACME_LIFE_S);
    stand.force(Fault::new("acme", REFRESH, FaultKind::Hold));
    let reader = tokio::spawn({
        let (service, account) = (service.clone(), account.clone());
        async move { read(&service, user, "acme", &account).await }
    });
    stand.called("acme", REFRESH, 1).await;
    clock.breaks.store(true, Ordering::SeqCst);
    assert_eq!(
        stand.releasing(reader).await.unwrap(),
        Err(ErrorCode::InternalError)
    );
    assert!(
        !clock.breaks.load(Ordering::SeqCst),
        "it was the adapter that stopped"
    );
    assert!(
        read(&service, other, "reddit", &theirs).await.is_ok(),
        "others live"
    );
    assert_eq!(acme.free_permits(), Some(64), "its place is free again");
    // What the panic has swallowed was a pair: nobody knows, so the lease is left to run out, and
    // then it is tried.
    assert_eq!(
        read(&service, user, "acme", &account).await,
        Err(ErrorCode::ProviderUnavailable)
    );
    assert_eq!(stand.calls("acme", REFRESH), 1);
    stand.pass_seconds(21);
    assert_eq!(
        read(&service, user, "acme", &account).await,
        Err(ErrorCode::ReconnectRequired)
    );
    assert_eq!(stand.calls("acme", REFRESH), 2);
    assert!(read(&service, other, "reddit", &theirs).await.is_ok());
}
