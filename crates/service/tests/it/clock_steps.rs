//! A15: the clock of a machine is wrong, or jumps. The replica on it works with the shared time,
//! and leaves to others what would end or delete something because of the time.

use evergrant_model::{ConnectionStatus, SignedDuration, UserId};
use evergrant_sandbox::{Fault, FaultKind};
use evergrant_service::{ClockState, IntegrationsService};
use evergrant_testkit::{TestDatabase, on_both_databases, on_postgres};

use crate::harness::{
    ACME_LIFETIME_SECONDS, REFRESH, TestEnv, account_id, call, read, reconcile, run_housekeeping,
    run_replica_jobs, slug,
};

on_both_databases!(
    a15_clock_step_causes_no_refresh_storm_and_no_expired_token,
    token_refreshed_under_a_wrong_clock_has_its_real_lifetime,
    wrong_clock_changes_no_status_and_deletes_nothing,
    wrong_clock_abandons_no_revocation,
    provider_block_under_a_wrong_clock_is_not_shared,
);
on_postgres!(wrong_clock_is_corrected_by_the_database_before_the_first_read);

const HOUR_SECONDS: i64 = 3600;
const DAY_SECONDS: i64 = 24 * HOUR_SECONDS;
const ACCOUNTS: usize = 20;
/// How far a wrong clock is ahead, in seconds.
const STEPS: [i64; 4] = [HOUR_SECONDS, -HOUR_SECONDS, 400 * DAY_SECONDS, 0];

/// Reads every token through `service` and asserts that the provider accepts it by its own clock.
async fn assert_all_accepted(
    env: &TestEnv,
    service: &IntegrationsService,
    (user, accounts): &(UserId, Vec<String>),
    when: &str,
) {
    run_replica_jobs(service).await.unwrap();
    for account in accounts {
        let token = read(service, *user, "acme", account).await.unwrap();
        assert!(
            env.is_accepted(&token).await,
            "an expired token was served {when}"
        );
    }
    service.process().drain().await;
}

async fn a15_clock_step_causes_no_refresh_storm_and_no_expired_token(database: TestDatabase) {
    let env = TestEnv::new(database).await;
    let (service, machine) = env.replica_on_machine(0).await;
    let expires_at = env.now() + SignedDuration::from_secs(ACME_LIFETIME_SECONDS);
    let accounts = env.user_with_accounts("acme", ACCOUNTS, expires_at).await;
    for step in STEPS {
        machine.set_ahead(step);
        let when = format!("after a step to {step} seconds");
        assert_all_accepted(&env, &service, &accounts, &when).await;
        assert_eq!(env.calls("acme", REFRESH), 0, "{when}");
    }
    machine.set_ahead(HOUR_SECONDS);
    for minute in 0..180 {
        env.advance_seconds(60);
        let when = format!("{minute} minutes after the steps");
        assert_all_accepted(&env, &service, &accounts, &when).await;
    }
    let calls = env.calls("acme", REFRESH);
    assert!(
        calls <= 5 * ACCOUNTS as u64,
        "three hours with a token lifetime of one hour: {calls}"
    );
}

async fn token_refreshed_under_a_wrong_clock_has_its_real_lifetime(database: TestDatabase) {
    let env = TestEnv::new(database).await;
    let (service, machine) = env.replica_on_machine(0).await;
    let (user, account) = env.connected_user("acme").await;
    for step in STEPS {
        env.advance_seconds(ACME_LIFETIME_SECONDS);
        machine.set_ahead(step);
        run_replica_jobs(&service).await.unwrap();
        let expires_at = service
            .refresh_token(&call(), user, &slug("acme"), &account_id(&account))
            .await
            .unwrap();
        let expected = env.now() + SignedDuration::from_secs(ACME_LIFETIME_SECONDS);
        assert_eq!(expires_at, Some(expected), "{step} seconds");
        let issued_at = env.row(user, "acme", &account).await.tokens.issued_at;
        assert_eq!(issued_at, Some(env.now()), "{step} seconds");
    }
}

async fn wrong_clock_is_corrected_by_the_database_before_the_first_read(database: TestDatabase) {
    let env = TestEnv::new(database).await;
    let (user, account) = env.connected_user("acme").await;
    for ahead in STEPS {
        let (service, _) = env.replica_on_machine(ahead).await;
        let token = read(&service, user, "acme", &account).await.unwrap();
        assert!(env.is_accepted(&token).await, "{ahead} seconds");
        assert_eq!(env.calls("acme", REFRESH), 0, "{ahead} seconds");
        let health = service.process().health().await;
        let is_wrong = health.clock == ClockState::Wrong;
        assert_eq!(is_wrong, ahead != 0, "{ahead} seconds");
        assert!(health.is_healthy(), "the replica is ready");
    }
}

/// Counts the rows that are due for a change or a deletion.
async fn due_rows(env: &TestEnv) -> usize {
    let rows = "SELECT 'flow' FROM evergrant_flows WHERE status = 'waiting'
        UNION ALL SELECT 'session' FROM evergrant_sessions
        UNION ALL SELECT 'event' FROM evergrant_events WHERE kind = 'connected'
        UNION ALL SELECT status FROM evergrant_connections WHERE status = 'connected'";
    env.database.texts(rows).await.len()
}

async fn wrong_clock_changes_no_status_and_deletes_nothing(database: TestDatabase) {
    let env = TestEnv::new(database).await;
    let (service, machine) = env.replica_on_machine(0).await;
    let (user, _) = env.connected_user("acme").await;
    env.start_bound_flow(user, "acme").await;
    service
        .sessions()
        .create(&call(), user, None)
        .await
        .unwrap();
    let due = "UPDATE evergrant_connections SET next_status_at = issued_at";
    env.database.execute(due).await;
    env.advance_seconds(30 * DAY_SECONDS);
    let before = due_rows(&env).await;
    assert_eq!(before, 4);
    for step in [6, -6, 400 * DAY_SECONDS] {
        machine.set_ahead(step);
        run_housekeeping(&service).await.unwrap();
        assert_eq!(due_rows(&env).await, before, "{step} seconds");
    }
    machine.set_ahead(0);
    run_housekeeping(&service).await.unwrap();
    assert!(due_rows(&env).await < before, "the clock is right again");
}

async fn wrong_clock_abandons_no_revocation(database: TestDatabase) {
    let env = TestEnv::new(database).await;
    let (service, machine) = env.replica_on_machine(0).await;
    let (user, account) = env.connected_user("acme").await;
    let failing = Fault::new("acme", "revoke", FaultKind::Respond).status(500);
    env.force(failing.times(20));
    env.disconnect(user, "acme", &account).await.unwrap();
    let queued = "SELECT id FROM evergrant_revocations";
    machine.set_ahead(6);
    for _ in 0..6 {
        env.advance_seconds(2 * DAY_SECONDS);
        run_housekeeping(&service).await.unwrap();
        assert_eq!(env.database.texts(queued).await.len(), 1);
    }
    machine.set_ahead(0);
    env.advance_seconds(2 * DAY_SECONDS);
    run_housekeeping(&service).await.unwrap();
    assert_eq!(env.database.texts(queued).await.len(), 0);
}

async fn provider_block_under_a_wrong_clock_is_not_shared(database: TestDatabase) {
    let env = TestEnv::new(database).await;
    let (service, machine) = env.replica_on_machine(0).await;
    machine.set_ahead(HOUR_SECONDS);
    let (user, accounts) = env.user_with_accounts("acme", 6, env.now()).await;
    reconcile(&service).await.unwrap();
    let failing = Fault::new("acme", REFRESH, FaultKind::Respond).status(500);
    env.force(failing.times(100));
    for account in &accounts {
        read(&service, user, "acme", account).await.unwrap_err();
    }
    let calls = env.calls("acme", REFRESH);
    let shared = "SELECT kind FROM evergrant_provider_blocks";
    assert_eq!(env.database.texts(shared).await.len(), 0);
    run_replica_jobs(&service).await.unwrap();
    env.advance_seconds(2);
    let status = ConnectionStatus::Error;
    read(&service, user, "acme", &accounts[0])
        .await
        .unwrap_err();
    assert_eq!(env.calls("acme", REFRESH), calls, "it stops its own calls");
    assert_eq!(env.integrations(user).await[0].status, status);
    read(&env.service, user, "acme", &accounts[0])
        .await
        .unwrap_err();
    assert!(env.calls("acme", REFRESH) > calls, "the others go on");
}
