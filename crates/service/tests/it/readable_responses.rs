//! Responses to a refresh with faults that do not concern the tokens: a provider that accepts each
//! refresh token once has returned the only copy of the next one.

use evergrant_model::ConnectionStatus;
use evergrant_sandbox::{Fault, FaultKind, RefreshMode, Switch};
use evergrant_testkit::{TestDatabase, on_both_databases};

use crate::harness::{ACME_LIFETIME_SECONDS, REFRESH, TestEnv};

on_both_databases!(grant_survives_readable_responses_with_faults);

/// Returns faults with which Acme processes the refresh and sends all tokens.
fn faults() -> [Fault; 4] {
    let coding = |name: &str| {
        Fault::new("acme", REFRESH, FaultKind::Latency)
            .latency_ms(0)
            .header("content-encoding", name)
    };
    [
        Fault::new("acme", REFRESH, FaultKind::Unfinished),
        coding("utf-8"),
        coding("br"),
        coding("gzip"),
    ]
}

async fn grant_survives_readable_responses_with_faults(database: TestDatabase) {
    let env = TestEnv::new(database).await;
    let strict = Switch::RefreshToken(RefreshMode::RotateStrict);
    env.sandbox.set("acme", strict).unwrap();
    let (user, account) = env.connected_user("acme").await;
    for fault in faults() {
        let name = format!("{fault:?}");
        env.advance_seconds(ACME_LIFETIME_SECONDS);
        env.force(fault);
        let token = env.read(user, "acme", &account).await;
        let token = token.unwrap_or_else(|code| panic!("{name}: {code:?}"));
        assert!(env.is_accepted(&token).await, "{name}");
        assert_eq!(env.stored_token(user, &account).await, Ok(token), "{name}");
    }
    env.advance_seconds(ACME_LIFETIME_SECONDS);
    assert!(env.read(user, "acme", &account).await.is_ok());
    let row = env.row(user, "acme", &account).await;
    assert_eq!(
        (row.status, row.reason),
        (ConnectionStatus::Connected, None)
    );
    assert_eq!((row.lease.generation, env.calls("acme", REFRESH)), (6, 5));
}
