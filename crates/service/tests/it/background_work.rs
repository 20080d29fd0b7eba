//! Background work: an item that fails, a locked row or a slow platform delays no other item, and
//! nothing of it delays the shutdown.

use std::time::Duration;

use evergrant_model::SignedDuration;
use evergrant_sandbox::{Fault, FaultKind};
use evergrant_service::JobName;
use evergrant_testkit::{TestDatabase, on_both_databases, on_postgres};
use tokio::time::timeout;

use crate::harness::{
    ACME_LIFETIME_SECONDS, REFRESH, TestEnv, call, pending, read, reconcile, until,
};

on_both_databases!(
    shutdown_does_not_wait_for_revocations_of_a_deleted_user,
    overdue_flows_end_while_the_revocation_endpoint_hangs,
    hanging_revocation_endpoint_does_not_delay_other_platforms,
    revocation_is_abandoned_after_a_day_and_five_attempts,
    one_run_applies_all_status_changes_that_are_due,
);
on_postgres!(
    locked_connection_does_not_delay_status_changes_of_others,
    tokens_whose_first_write_is_in_progress_count_as_unsaved,
    locked_account_does_not_delay_reports_of_others,
    locked_account_does_not_delay_imports_of_others,
    locked_user_does_not_delay_reports_of_others,
    locked_user_does_not_delay_imports_of_others,
    due_connection_is_imported_soon_after_its_lock_ends,
);

/// Ends a test that hangs.
const HANGS_AFTER: Duration = Duration::from_mins(2);

async fn count(database: &TestDatabase, query: &str) -> usize {
    database.texts(query).await.len()
}

async fn shutdown_does_not_wait_for_revocations_of_a_deleted_user(database: TestDatabase) {
    let env = TestEnv::new(database).await;
    let (user, _) = env.user_with_accounts("acme", 20, env.now()).await;
    env.force(Fault::new("acme", "revoke", FaultKind::Hold).times(20));
    env.service.users().delete(&call(), user).await.unwrap();
    env.wait_for_calls("acme", "revoke", 1).await;
    env.service.process().begin_shutdown();
    let drained = timeout(HANGS_AFTER, env.service.process().drain()).await;
    assert!(drained.is_ok());
    assert!(env.calls("acme", "revoke") < 20, "not all were attempted");
    let queued = count(&env.database, "SELECT id FROM evergrant_revocations").await;
    assert_eq!(queued, 20, "the job makes the attempts after a restart");
}

async fn overdue_flows_end_while_the_revocation_endpoint_hangs(database: TestDatabase) {
    let env = TestEnv::new(database).await;
    let user = env.user().await;
    for _ in 0..3 {
        let flow = env.start_bound_flow(user, "acme").await;
        let outcome = env.callback("acme", env.consent(&flow, "kiln")).await;
        pending(&outcome.unwrap());
    }
    env.force(Fault::new("acme", "revoke", FaultKind::Hold).times(3));
    env.advance_seconds(3_600);
    let run = env.service.process().run_job(JobName::AbandonFlows);
    let ended = timeout(HANGS_AFTER, run).await.unwrap();
    assert_eq!(ended.unwrap().items, 3);
    env.wait_for_calls("acme", "revoke", 3).await;
    env.release_during(env.service.process().drain()).await;
    let queued = "SELECT id FROM evergrant_revocations";
    assert_eq!(count(&env.database, queued).await, 0);
}

/// Queues revocations at two platforms, which the job has to make.
async fn queue_at_acme_and_reddit(env: &TestEnv) {
    for provider in ["acme", "reddit"] {
        let (user, account) = env.connected_user(provider).await;
        env.force(Fault::new(provider, "revoke", FaultKind::Respond).status(500));
        env.disconnect(user, provider, &account).await.unwrap();
    }
    env.advance_seconds(60);
}

async fn hanging_revocation_endpoint_does_not_delay_other_platforms(database: TestDatabase) {
    let env = TestEnv::new(database).await;
    queue_at_acme_and_reddit(&env).await;
    env.force(Fault::new("acme", "revoke", FaultKind::Hold));
    let service = env.service.clone();
    let run = tokio::spawn(async move { service.process().run_job(JobName::Revocations).await });
    env.wait_for_calls("acme", "revoke", 2).await;
    let left = "SELECT provider FROM evergrant_revocations";
    until(async || env.database.texts(left).await == ["acme"]).await;
    assert!(!run.is_finished(), "acme has not answered yet");
    let done = env.release_during(run).await.unwrap().unwrap();
    assert_eq!(done.items, 2);
}

/// A clock that jumps ahead for a moment must not abandon revocations.
async fn revocation_is_abandoned_after_a_day_and_five_attempts(database: TestDatabase) {
    let env = TestEnv::new(database).await;
    let (user, account) = env.connected_user("acme").await;
    env.force(
        Fault::new("acme", "revoke", FaultKind::Respond)
            .status(500)
            .times(9),
    );
    env.disconnect(user, "acme", &account).await.unwrap();
    for attempts in 1..=5 {
        let queued = count(&env.database, "SELECT id FROM evergrant_revocations").await;
        assert_eq!(queued, 1, "after {} attempts of the job", attempts - 1);
        env.advance_seconds(2 * 24 * 3_600);
        let run = env.service.process().run_job(JobName::Revocations).await;
        assert_eq!(run.unwrap().items, 1);
    }
    let queued = count(&env.database, "SELECT id FROM evergrant_revocations").await;
    assert_eq!(queued, 0);
    assert_eq!(env.recorder.count("RevocationAbandoned"), 1);
}

/// Connects accounts whose status changes in an hour.
async fn accounts_that_change(env: &TestEnv, accounts: usize) {
    let expires_at = env.now() + SignedDuration::from_secs(ACME_LIFETIME_SECONDS);
    env.user_with_accounts("acme", accounts, expires_at).await;
    reconcile(&env.service).await.unwrap();
    let from = "SELECT expires_at FROM oauth_accounts a WHERE a.id = oauth_account_id";
    let schedule = format!("UPDATE evergrant_connections SET next_status_at = ({from})");
    env.database.execute(&schedule).await;
    env.advance_seconds(ACME_LIFETIME_SECONDS + 60);
}

async fn one_run_applies_all_status_changes_that_are_due(database: TestDatabase) {
    let env = TestEnv::new(database).await;
    accounts_that_change(&env, 250).await;
    let run = env.service.process().run_job(JobName::Expiry).await;
    assert_eq!(run.unwrap().items, 250);
}

async fn locked_connection_does_not_delay_status_changes_of_others(database: TestDatabase) {
    let env = TestEnv::new(database).await;
    accounts_that_change(&env, 20).await;
    let first = "SELECT min(oauth_account_id) FROM evergrant_connections";
    let lock = format!(
        "SELECT 1 FROM evergrant_connections WHERE oauth_account_id = ({first}) FOR UPDATE"
    );
    let locker = env.database.begin(&lock).await;
    let service = env.service.clone();
    let run = tokio::spawn(async move { service.process().run_job(JobName::Expiry).await });
    let unchanged =
        "SELECT 'x' FROM evergrant_connections WHERE next_status_at = (SELECT expires_at
            FROM oauth_accounts WHERE id = oauth_account_id)";
    until(async || count(&env.database, unchanged).await == 1).await;
    assert!(
        !run.is_finished(),
        "the change of the locked row is not given up yet"
    );
    drop(locker);
    run.await.unwrap().unwrap();
}

async fn tokens_whose_first_write_is_in_progress_count_as_unsaved(database: TestDatabase) {
    let env = TestEnv::new(database).await;
    let (user, account) = env.connected_user("acme").await;
    env.advance_seconds(ACME_LIFETIME_SECONDS);
    env.force(Fault::new("acme", REFRESH, FaultKind::Hold));
    let service = env.service.clone();
    let reading = tokio::spawn(async move { read(&service, user, "acme", &account).await });
    env.wait_for_calls("acme", REFRESH, 1).await;
    let process = env.service.process();
    assert_eq!(process.report_lost_tokens(), 0, "no token was received");
    let lock = "LOCK TABLE oauth_accounts IN ACCESS EXCLUSIVE MODE";
    let locker = env.database.begin(lock).await;
    env.sandbox.release();
    until(async || process.report_lost_tokens() == 1).await;
    drop(locker);
    assert!(reading.await.unwrap().is_ok());
    until(async || process.report_lost_tokens() == 0).await;
}

/// Inserts 50 accounts of a user each, as the app does, and returns the names of the accounts.
async fn insert_accounts_of_the_app(env: &TestEnv) -> Vec<String> {
    let mut accounts = Vec::new();
    for _ in 0..50 {
        let (_, of_user) = env
            .user_with_accounts("acme", 1, env.now() + SignedDuration::from_hours(1))
            .await;
        accounts.extend(of_user);
    }
    accounts
}

/// Locks rows of one account among 50 new ones. Asserts that the job imports the others at once,
/// and the locked one as soon as it is released.
async fn assert_others_are_imported(database: TestDatabase, job: JobName, lock: &str) {
    let env = TestEnv::new(database).await;
    let accounts = insert_accounts_of_the_app(&env).await;
    let lock = lock.replace("$account", &accounts[25]);
    let locker = env.database.begin(&lock).await;
    let process = env.service.process();
    let imported = "SELECT 'x' FROM evergrant_connections";
    for run in ["first", "second"] {
        process.run_job(job).await.unwrap();
        let count = count(&env.database, imported).await;
        assert_eq!(count, 49, "after the {run} run");
    }
    locker.commit().await;
    process.run_job(job).await.unwrap();
    assert_eq!(count(&env.database, imported).await, 50);
    let pending = "SELECT 'x' FROM evergrant_row_changes";
    process.run_job(JobName::ReportRowChanges).await.unwrap();
    assert_eq!(count(&env.database, pending).await, 0);
}

const LOCKED_ACCOUNT: &str =
    "SELECT 1 FROM oauth_accounts WHERE provider_account_id = '$account' FOR UPDATE";
const LOCKED_OWNER: &str = "SELECT 1 FROM users u JOIN oauth_accounts a ON a.user_id = u.id
    WHERE provider_account_id = '$account' FOR UPDATE OF u";

async fn locked_account_does_not_delay_reports_of_others(database: TestDatabase) {
    assert_others_are_imported(database, JobName::ReportRowChanges, LOCKED_ACCOUNT).await;
}

async fn locked_account_does_not_delay_imports_of_others(database: TestDatabase) {
    assert_others_are_imported(database, JobName::ImportRows, LOCKED_ACCOUNT).await;
}

async fn locked_user_does_not_delay_reports_of_others(database: TestDatabase) {
    assert_others_are_imported(database, JobName::ReportRowChanges, LOCKED_OWNER).await;
}

async fn locked_user_does_not_delay_imports_of_others(database: TestDatabase) {
    assert_others_are_imported(database, JobName::ImportRows, LOCKED_OWNER).await;
}

/// A claim lasts a minute. The scheduler must not wait that long for the next attempt.
async fn due_connection_is_imported_soon_after_its_lock_ends(database: TestDatabase) {
    let env = TestEnv::new(database).await;
    let expires_at = env.now() + SignedDuration::from_secs(ACME_LIFETIME_SECONDS);
    let (user, accounts) = env.user_with_accounts("acme", 1, expires_at).await;
    reconcile(&env.service).await.unwrap();
    let update = "UPDATE oauth_accounts SET access_token = refresh_token";
    env.database.execute(update).await;
    env.advance_seconds(ACME_LIFETIME_SECONDS);
    let lock = LOCKED_OWNER.replace("$account", &accounts[0]);
    let locker = env.database.begin(&lock).await;
    assert_eq!(env.refresh_due().await, 1, "the connection is claimed");
    assert!(env.row(user, "acme", &accounts[0]).await.is_external);
    locker.commit().await;
    assert_eq!(env.refresh_due().await, 0, "the claim has not ended");
    env.advance_seconds(5);
    assert_eq!(env.refresh_due().await, 1, "it is claimed again");
    assert!(!env.row(user, "acme", &accounts[0]).await.is_external);
}
