//! Disconnecting from any state of the connection and of the provider.

use evergrant_model::{ErrorCode, UserId};
use evergrant_sandbox::{Fault, FaultKind};
use proptest::prelude::*;

use super::{CheckResult, check};
use crate::harness::{ACME_LIFETIME_SECONDS, TestEnv, run_housekeeping};

/// What happens to a connection before it is disconnected.
#[derive(Debug, Clone)]
struct History {
    /// Number of refreshes.
    refreshes: u8,
    /// Age of the token in seconds.
    seconds: i64,
    /// Whether the user revoked access at the provider.
    revoked: bool,
    /// Number of revocation calls that fail.
    failing_calls: u32,
}

fn history() -> impl Strategy<Value = History> {
    (
        0u8..3,
        0i64..2 * ACME_LIFETIME_SECONDS,
        any::<bool>(),
        0u32..6,
    )
        .prop_map(|(refreshes, seconds, revoked, failing_calls)| History {
            refreshes,
            seconds,
            revoked,
            failing_calls,
        })
}

/// Brings a new connection of `user` into this state.
async fn prepare(env: &TestEnv, user: UserId, account: &str, history: &History) {
    for _ in 0..history.refreshes {
        env.refresh(user, "acme", account).await.unwrap();
    }
    if history.revoked {
        env.sandbox.revoke_user("acme", "juniper").unwrap();
    }
    env.advance_seconds(history.seconds);
    let _ = env.read(user, "acme", account).await;
    if history.failing_calls > 0 {
        let failing = Fault::new("acme", "revoke", FaultKind::Empty);
        env.force(failing.times(history.failing_calls));
    }
}

/// Whatever the history, a disconnected account is gone at once. Its grant is revoked at the
/// provider once the calls succeed, and no token is left.
async fn disconnect_leaves_no_grant_and_no_row(env: TestEnv, history: History) -> CheckResult {
    let (user, account) = env.connected_user("acme").await;
    prepare(&env, user, &account, &history).await;
    env.disconnect(user, "acme", &account).await.unwrap();
    prop_assert_eq!(
        env.read(user, "acme", &account).await,
        Err(ErrorCode::AccountNotFound)
    );
    prop_assert!(env.integrations(user).await.is_empty());
    // The read in `prepare` may have started a refresh in the background.
    env.service.process().drain().await;
    for _ in 0..history.failing_calls {
        env.advance_seconds(3600);
        run_housekeeping(&env.service).await.unwrap();
    }
    prop_assert_eq!(
        env.sandbox.revoke_user("acme", "juniper").unwrap(),
        0,
        "no grant is left at the provider"
    );
    let contents = env.database.contents().await;
    for table in [
        "oauth_accounts",
        "evergrant_connections",
        "evergrant_revocations",
    ] {
        prop_assert!(contents[table].is_empty(), "{}", table);
    }
    Ok(())
}

#[test]
fn disconnect_leaves_no_grant_and_no_row_from_any_state() {
    check(12, &history(), false, disconnect_leaves_no_grant_and_no_row);
}
