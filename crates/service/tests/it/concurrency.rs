//! Many connections at once: each is refreshed on its own, and one provider does not delay another.

use std::collections::HashSet;
use std::sync::Arc;

use evergrant_model::{ErrorCode, SignedDuration, UserId};
use evergrant_sandbox::{Fault, FaultKind};
use evergrant_testkit::{TestDatabase, on_both_databases};
use tokio::task::JoinSet;

use crate::harness::{
    ACME_LIFETIME_SECONDS, REDDIT_LIFETIME_SECONDS, REFRESH, TestEnv, read, reconcile,
};

on_both_databases!(
    a2_thousand_connections_make_one_call_each_within_the_limit,
    a7_and_a24_hanging_refreshes_do_not_affect_other_work,
);

/// Default limit of concurrent refreshes per provider.
const LIMIT: u64 = 64;

/// Returns how many more refreshes may call Acme now.
fn free_permits(env: &TestEnv) -> usize {
    env.acme.free_permits().unwrap()
}

/// Makes Acme hold the next refreshes.
fn hold(env: &TestEnv, times: u32) {
    env.force(Fault::new("acme", REFRESH, FaultKind::Hold).times(times));
}

/// Reads every account concurrently.
fn spawn_readers(
    env: &Arc<TestEnv>,
    user: UserId,
    accounts: Vec<String>,
) -> JoinSet<Result<String, ErrorCode>> {
    let mut readers = JoinSet::new();
    for account in accounts {
        let env = Arc::clone(env);
        readers.spawn(async move { env.read(user, "acme", &account).await });
    }
    readers
}

async fn a2_thousand_connections_make_one_call_each_within_the_limit(database: TestDatabase) {
    // SQLite serializes writes, so on a slow disk 1000 of them would exceed the readers' timeout.
    let many = if database.is_postgres() { 1000 } else { 400 };
    let env = Arc::new(TestEnv::new(database).await);
    let (user, accounts) = env.user_with_accounts("acme", many, env.now()).await;
    reconcile(&env.service).await.unwrap();
    hold(&env, 1000);
    let readers = spawn_readers(&env, user, accounts);
    env.wait_for_calls("acme", REFRESH, LIMIT).await;
    assert_eq!(
        (env.calls("acme", REFRESH), free_permits(&env)),
        (LIMIT, 0),
        "no call beyond the limit"
    );
    let answers = env.release_during(readers.join_all()).await;
    assert_eq!(answers.iter().find(|answer| answer.is_err()), None);
    let distinct: HashSet<_> = answers.into_iter().collect();
    assert_eq!(
        (distinct.len(), env.calls("acme", REFRESH)),
        (many, many as u64)
    );
    assert_eq!(free_permits(&env), 64, "all permits are free again");
}

/// The 500 hanging refreshes exceed the connections of the database pool, and each of the other
/// operations needs a connection.
async fn a7_and_a24_hanging_refreshes_do_not_affect_other_work(database: TestDatabase) {
    let env = Arc::new(TestEnv::new(database).await);
    let expires_at = env.now() + SignedDuration::from_secs(REDDIT_LIFETIME_SECONDS);
    let (other_user, others) = env.user_with_accounts("reddit", 200, expires_at).await;
    let (user, accounts) = env.user_with_accounts("acme", 500, env.now()).await;
    reconcile(&env.service).await.unwrap();
    hold(&env, 1000);
    let readers = spawn_readers(&env, user, accounts);
    env.wait_for_calls("acme", REFRESH, LIMIT).await;
    assert_others_work(&env, other_user, &others).await;
    let expires_at = env.now() + SignedDuration::from_secs(ACME_LIFETIME_SECONDS);
    let (fresh_user, fresh) = env.user_with_accounts("acme", 1, expires_at).await;
    assert!(
        env.read(fresh_user, "acme", &fresh[0]).await.is_ok(),
        "fresh tokens of the hanging provider are read"
    );
    assert_eq!(
        env.calls("acme", REFRESH),
        LIMIT,
        "the refreshes were hanging all the time"
    );
    let answers = env.release_during(readers.join_all()).await;
    assert!(
        answers.iter().all(Result::is_ok),
        "the released refreshes succeed"
    );
}

/// Asserts that the accounts at Reddit can be read, listed and refreshed.
async fn assert_others_work(env: &TestEnv, user: UserId, accounts: &[String]) {
    let replica = env.replica().await;
    for account in accounts {
        assert!(
            read(&replica, user, "reddit", account).await.is_ok(),
            "tokens of another provider are read"
        );
    }
    let integrations = env.integrations(user).await;
    assert_eq!(integrations.len(), 200, "lists are read");
    assert!(
        env.refresh(user, "reddit", &accounts[0]).await.is_ok(),
        "tokens of another provider are refreshed"
    );
}
