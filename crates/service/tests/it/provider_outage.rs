//! A provider outage: the circuit breaker blocks calls, one probe at a time tests the provider, and
//! no grant is lost.

use evergrant_model::{ConnectionStatus, ErrorCode, SignedDuration, StatusReason, UserId};
use evergrant_sandbox::{Fault, FaultKind};
use evergrant_testkit::{TestDatabase, on_both_databases, on_postgres};

use crate::harness::{
    ACME_LIFETIME_SECONDS, REFRESH, TestEnv, reconcile, run_replica_jobs, start_due_refreshes,
};

on_postgres!(tokens_are_stored_before_provider_block_is_removed);
on_both_databases!(
    a14_provider_outage_opens_breaker_and_allows_one_probe_at_a_time,
    a14_delayed_refreshes_resume_at_the_configured_rate,
    a20_mass_rejection_is_treated_as_provider_fault,
    a20_few_rejections_are_trusted,
    block_that_cannot_be_stored_applies_to_its_replica,
    a25_undecryptable_row_does_not_delay_other_rows,
    a27_restored_backup_makes_one_call_per_connection,
);

/// Number of accounts in most tests.
const ACCOUNTS: usize = 60;

/// Fails refreshes with status 500.
fn failing(times: u32) -> Fault {
    Fault::new("acme", REFRESH, FaultKind::Respond)
        .status(500)
        .times(times)
}

/// Rejects refreshes with `invalid_grant`.
fn rejecting(times: u32) -> Fault {
    failing(times)
        .status(400)
        .body(serde_json::json!({ "error": "invalid_grant" }))
}

/// Runs one second of a serving process: provider blocks are synchronized and due refreshes run.
/// Returns the number of refresh calls.
async fn run_one_second(env: &TestEnv) -> u64 {
    let before = env.calls("acme", REFRESH);
    run_replica_jobs(&env.service).await.unwrap();
    Box::pin(env.advance_during(env.refresh_due())).await;
    env.advance_seconds(1);
    env.calls("acme", REFRESH) - before
}

/// Creates a user with `count` accounts whose refresh is due.
async fn user_with_due_accounts(env: &TestEnv, count: usize) -> (UserId, Vec<String>) {
    let many = env
        .user_with_accounts(
            "acme",
            count,
            env.now() + SignedDuration::from_secs(ACME_LIFETIME_SECONDS),
        )
        .await;
    reconcile(&env.service).await.unwrap();
    env.advance_seconds(ACME_LIFETIME_SECONDS);
    many
}

/// A status, its reason and the number of accounts with them.
type StatusCount = (ConnectionStatus, Option<StatusReason>, usize);

/// Counts the user's accounts by status and reason.
async fn status_counts(env: &TestEnv, user: UserId) -> Vec<StatusCount> {
    let mut counts: Vec<StatusCount> = Vec::new();
    for integration in env.integrations(user).await {
        let found = counts.iter_mut().find(|(status, reason, _)| {
            (*status, *reason) == (integration.status, integration.reason)
        });
        match found {
            Some((.., count)) => *count += 1,
            None => counts.push((integration.status, integration.reason, 1)),
        }
    }
    counts
}

/// Runs 600 seconds with an open circuit breaker. Returns the number of probes.
async fn count_probes(env: &TestEnv) -> u64 {
    let mut probes = 0;
    for second in 0..600 {
        let calls = run_one_second(env).await;
        assert!(
            calls <= 1,
            "{calls} calls at once, {second} s after the breaker opened"
        );
        probes += calls;
    }
    probes
}

/// Asserts that reads of expired tokens fail without calls, except for one probe.
async fn assert_reads_are_blocked(env: &TestEnv, user: UserId, accounts: &[String]) {
    let calls = env.calls("acme", REFRESH);
    for account in accounts {
        assert_eq!(
            env.read(user, "acme", account).await,
            Err(ErrorCode::ProviderUnavailable)
        );
    }
    assert!(
        env.calls("acme", REFRESH) <= calls + 1,
        "reads do not bypass the circuit breaker"
    );
}

async fn a14_provider_outage_opens_breaker_and_allows_one_probe_at_a_time(database: TestDatabase) {
    let env = TestEnv::new(database).await;
    let (user, accounts) = user_with_due_accounts(&env, ACCOUNTS).await;
    env.force(failing(1_000_000));
    let first = run_one_second(&env).await;
    assert!(
        (5..=64).contains(&first),
        "{first} calls until the breaker opened, at most those in flight"
    );
    let probes = count_probes(&env).await;
    assert!(
        (3..=20).contains(&probes),
        "{probes} probes, whose intervals grow from 5 s to 5 minutes"
    );
    let opened = u64::try_from(env.recorder.count("BreakerOpened")).unwrap();
    assert_eq!(
        opened,
        1 + probes,
        "recorded once when it opens, and once per failed probe"
    );
    assert_reads_are_blocked(&env, user, &accounts).await;
    let all = (
        ConnectionStatus::Error,
        Some(StatusReason::ProviderUnavailable),
        ACCOUNTS,
    );
    assert_eq!(
        status_counts(&env, user).await,
        [all],
        "the list reports it for all accounts"
    );
}

async fn a14_delayed_refreshes_resume_at_the_configured_rate(database: TestDatabase) {
    let env = TestEnv::new(database).await;
    let (user, _) = user_with_due_accounts(&env, ACCOUNTS).await;
    // Enough to open the breaker and to fail its first probes.
    env.force(failing(8));
    run_one_second(&env).await;
    assert_eq!(env.store.provider_blocks().all().await.unwrap().len(), 1);
    let before = env.calls("acme", REFRESH);
    for _ in 0..7200 {
        let started = env.now();
        let calls = i64::try_from(run_one_second(&env).await).unwrap();
        // One call per 50 ms, the first at once. The second added at the end does not count.
        let took_ms = env.now().unix_ms() - started.unix_ms() - 1000;
        assert!(calls <= took_ms / 50 + 1, "{calls} in {took_ms} ms");
        if status_counts(&env, user)
            .await
            .iter()
            .all(|(_, reason, _)| reason.is_none())
        {
            break;
        }
    }
    assert_eq!(
        status_counts(&env, user).await,
        [(ConnectionStatus::Connected, None, ACCOUNTS)]
    );
    assert_eq!(env.recorder.count("BreakerClosed"), 1);
    let calls = env.calls("acme", REFRESH) - before;
    assert!(
        calls <= 2 * ACCOUNTS as u64,
        "{calls} calls for {ACCOUNTS} connections, each of which failed at most once"
    );
}

/// The other replicas cannot learn of the block. This one still applies it.
async fn block_that_cannot_be_stored_applies_to_its_replica(database: TestDatabase) {
    let env = TestEnv::new(database).await;
    user_with_due_accounts(&env, 5).await;
    env.force(failing(5));
    let rename = "ALTER TABLE evergrant_provider_blocks RENAME TO renamed";
    env.database.execute(rename).await;
    env.advance_during(env.refresh_due()).await;
    let restore = "ALTER TABLE renamed RENAME TO evergrant_provider_blocks";
    env.database.execute(restore).await;
    assert!(env.store.provider_blocks().all().await.unwrap().is_empty());
    run_replica_jobs(&env.service).await.unwrap();
    assert!(env.acme.refresh_block().is_some());
}

/// Removing the provider block waits for a lock on its table. Storing the tokens must not wait for
/// it.
async fn tokens_are_stored_before_provider_block_is_removed(database: TestDatabase) {
    let env = TestEnv::new(database).await;
    let (user, accounts) = user_with_due_accounts(&env, 5).await;
    env.force(failing(5));
    run_one_second(&env).await;
    assert_eq!(env.store.provider_blocks().all().await.unwrap().len(), 1);
    env.force(Fault::new("acme", REFRESH, FaultKind::Hold));
    while start_due_refreshes(&env.service).await.unwrap() == 0 {
        env.advance_seconds(1);
    }
    env.wait_for_calls("acme", REFRESH, 6).await;
    let lock = env
        .database
        .begin("LOCK TABLE evergrant_provider_blocks IN EXCLUSIVE MODE")
        .await;
    env.release_during(env.database.lock_is_waited_for()).await;
    let mut generations = Vec::new();
    for account in &accounts {
        generations.push(env.row(user, "acme", account).await.lease.generation);
    }
    lock.commit().await;
    assert_eq!(generations.iter().sum::<i64>(), 6, "{generations:?}");
    env.service.process().drain().await;
    assert!(env.store.provider_blocks().all().await.unwrap().is_empty());
}

async fn a20_mass_rejection_is_treated_as_provider_fault(database: TestDatabase) {
    let env = TestEnv::new(database).await;
    let (user, accounts) = user_with_due_accounts(&env, ACCOUNTS).await;
    let replica = env.replica().await;
    // Enough to be noticed, and to fail the first probes.
    env.force(rejecting(12));
    for _ in 0..7200 {
        let (_, jobs) = tokio::join!(run_one_second(&env), run_replica_jobs(&replica));
        jobs.unwrap();
        if status_counts(&env, user).await == [(ConnectionStatus::Connected, None, ACCOUNTS)] {
            break;
        }
    }
    assert_eq!(
        status_counts(&env, user).await,
        [(ConnectionStatus::Connected, None, ACCOUNTS)],
        "no user has to reconnect"
    );
    assert!(
        env.calls("acme", REFRESH) <= 12 + ACCOUNTS as u64,
        "each is retried once after the fault ended"
    );
    let repeated_events =
        "SELECT provider_account_id FROM evergrant_events WHERE kind IN ('expired', 'error')
        GROUP BY provider_account_id, kind HAVING COUNT(*) > 1";
    assert_eq!(
        env.database.texts(repeated_events).await,
        Vec::<String>::new(),
        "one event even if several replicas restore a connection"
    );
    for account in accounts {
        assert!(env.read(user, "acme", &account).await.is_ok());
    }
}

async fn a20_few_rejections_are_trusted(database: TestDatabase) {
    let env = TestEnv::new(database).await;
    let (user, _) = user_with_due_accounts(&env, ACCOUNTS).await;
    env.force(rejecting(9));
    for _ in 0..300 {
        run_one_second(&env).await;
    }
    let expired = (
        ConnectionStatus::Expired,
        Some(StatusReason::RefreshTokenInvalid),
        9,
    );
    let mut counts = status_counts(&env, user).await;
    counts.sort_by_key(|(.., count)| *count);
    assert_eq!(
        counts,
        [expired, (ConnectionStatus::Connected, None, ACCOUNTS - 9)]
    );
    assert_eq!(env.calls("acme", REFRESH), ACCOUNTS as u64);
}

async fn a25_undecryptable_row_does_not_delay_other_rows(database: TestDatabase) {
    let env = TestEnv::new(database).await;
    let (user, accounts) = user_with_due_accounts(&env, 20).await;
    let token = format!("{}:{}:00", "00".repeat(16), "00".repeat(16));
    let update = format!(
        "UPDATE oauth_accounts SET refresh_token = '{token}' WHERE provider_account_id = '{}'",
        accounts[7]
    );
    env.database.execute(&update).await;
    for _ in 0..60 {
        run_one_second(&env).await;
    }
    let mut counts = status_counts(&env, user).await;
    counts.sort_by_key(|(.., count)| *count);
    let undecryptable = (
        ConnectionStatus::Error,
        Some(StatusReason::DecryptionError),
        1,
    );
    assert_eq!(
        counts,
        [undecryptable, (ConnectionStatus::Connected, None, 19)]
    );
    assert_eq!(env.calls("acme", REFRESH), 19);
    assert_eq!(
        env.read(user, "acme", &accounts[7]).await,
        Err(ErrorCode::DecryptionError)
    );
    env.advance_seconds(ACME_LIFETIME_SECONDS);
    for _ in 0..60 {
        run_one_second(&env).await;
    }
    assert_eq!(
        env.calls("acme", REFRESH),
        38,
        "the others are refreshed again"
    );
}

/// The refresh tokens in the backup have all been used since, so the provider rejects them.
async fn a27_restored_backup_makes_one_call_per_connection(database: TestDatabase) {
    let env = TestEnv::new(database).await;
    let (user, accounts) = user_with_due_accounts(&env, ACCOUNTS).await;
    env.advance_seconds(3 * ACME_LIFETIME_SECONDS);
    env.force(rejecting(1_000_000));
    for _ in 0..120 {
        run_one_second(&env).await;
    }
    assert_eq!(env.calls("acme", REFRESH), ACCOUNTS as u64, "one call each");
    let expired = (
        ConnectionStatus::Expired,
        Some(StatusReason::RefreshTokenInvalid),
        ACCOUNTS,
    );
    assert_eq!(status_counts(&env, user).await, [expired]);
    for account in accounts {
        assert_eq!(
            env.read(user, "acme", &account).await,
            Err(ErrorCode::ReconnectRequired)
        );
    }
    assert_eq!(env.calls("acme", REFRESH), ACCOUNTS as u64);
}
