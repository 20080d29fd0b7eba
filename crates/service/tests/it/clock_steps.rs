//! A15: the service's wall clock jumps by hours while the provider's clock does not.

use std::sync::Arc;

use evergrant_model::{Clock, ManualClock, SignedDuration, SteadyClock, UserId};
use evergrant_testkit::{TestDatabase, new_year, on_both_databases};

use crate::harness::{ACME_LIFETIME_SECONDS, REFRESH, TestEnv};

on_both_databases!(a15_clock_step_causes_no_refresh_storm_and_no_expired_token);

const HOUR_SECONDS: i64 = 3600;
const ACCOUNTS: usize = 20;

/// Reads every token and asserts that the provider accepts it by its own clock.
async fn assert_all_accepted(env: &TestEnv, user: UserId, accounts: &[String], when: &str) {
    for account in accounts {
        let token = env.read(user, "acme", account).await.unwrap();
        assert!(
            env.is_accepted(&token).await,
            "an expired token was served {when}"
        );
    }
    env.service.process().drain().await;
}

/// The wall clock steps forward by one hour. Each account is refreshed at most once.
async fn step_forward(env: &TestEnv, wall: &ManualClock, user: UserId, accounts: &[String]) -> u64 {
    wall.advance_seconds(HOUR_SECONDS);
    assert_all_accepted(env, user, accounts, "after a step forward").await;
    let calls = env.calls("acme", REFRESH);
    assert!(
        calls <= ACCOUNTS as u64,
        "at most one refresh per account: {calls}"
    );
    assert_all_accepted(env, user, accounts, "after a step forward").await;
    assert_eq!(
        env.calls("acme", REFRESH),
        calls,
        "the second read refreshes nothing"
    );
    calls
}

async fn a15_clock_step_causes_no_refresh_storm_and_no_expired_token(database: TestDatabase) {
    let (truth, wall) = (new_year(), new_year());
    let steady = Arc::new(SteadyClock::set_by(Arc::<ManualClock>::clone(&wall)));
    let service_clock: Arc<dyn Clock> = Arc::<SteadyClock>::clone(&steady);
    let store = database.store().await;
    let env = TestEnv::with_clocks(database, store, Arc::clone(&truth), service_clock).await;
    let expires_at = truth.now() + SignedDuration::from_secs(ACME_LIFETIME_SECONDS);
    let (user, accounts) = env.user_with_accounts("acme", ACCOUNTS, expires_at).await;
    assert_all_accepted(&env, user, &accounts, "at the beginning").await;
    assert_eq!(env.calls("acme", REFRESH), 0);

    let after_forward = step_forward(&env, &wall, user, &accounts).await;
    wall.advance_seconds(-2 * HOUR_SECONDS);
    assert!(steady.ahead() > SignedDuration::from_secs(HOUR_SECONDS));
    assert_all_accepted(&env, user, &accounts, "after a step back").await;
    assert_eq!(
        env.calls("acme", REFRESH),
        after_forward,
        "a step back refreshes nothing"
    );
    wall.advance_seconds(2 * HOUR_SECONDS);
    for minute in 0..180 {
        env.advance_seconds(60);
        wall.advance_seconds(60);
        let when = format!("{minute} minutes after the steps");
        assert_all_accepted(&env, user, &accounts, &when).await;
    }
    let calls = env.calls("acme", REFRESH) - after_forward;
    assert!(
        calls <= 5 * ACCOUNTS as u64,
        "three hours with a token lifetime of one hour: {calls}"
    );
}
