//! The rates of calls to a provider, learned from its refusals and shared by the replicas.

use evergrant_model::{ErrorCode, SignedDuration, UserId};
use evergrant_sandbox::{Fault, FaultKind};
use evergrant_service::{IntegrationsService, JobName};
use evergrant_store::StoredCallRate;
use evergrant_testkit::{TestDatabase, on_both_databases};

use crate::harness::{EXCHANGE, REFRESH, TestEnv, account_id, call, failed, slug};

on_both_databases!(
    refusal_at_one_replica_slows_down_the_others,
    learned_rate_is_read_after_a_restart_and_forgotten_after_an_hour,
    code_exchange_is_not_repeated_after_a_429,
);

/// Makes Acme refuse a refresh of the account.
async fn refuse_refresh(
    env: &TestEnv,
    service: &IntegrationsService,
    (user, account): &(UserId, String),
) {
    env.force(Fault::new("acme", REFRESH, FaultKind::Respond).status(429));
    let (call, provider, account) = (call(), slug("acme"), account_id(account));
    let refused = service.refresh_token(&call, *user, &provider, &account);
    assert_eq!(refused.await.unwrap_err().code(), ErrorCode::RateLimitError);
    // Past the pause after a refusal without a stated wait.
    env.advance_seconds(60);
}

async fn exchange(service: &IntegrationsService) -> usize {
    let run = service.process().run_job(JobName::CallRates);
    run.await.unwrap().items
}

async fn rates(env: &TestEnv) -> Vec<StoredCallRate> {
    let since = env.now() - SignedDuration::from_hours(1);
    env.store.call_rates().all(since).await.unwrap()
}

async fn refusal_at_one_replica_slows_down_the_others(database: TestDatabase) {
    let env = TestEnv::new(database).await;
    let (replica, account) = (env.replica().await, env.connected_user("acme").await);
    refuse_refresh(&env, &env.service, &account).await;
    assert_eq!(exchange(&env.service).await, 1, "it offers its cut");
    let first = rates(&env).await;
    assert_eq!((first.len(), first[0].cuts), (1, 1));
    assert!(first[0].searching && first[0].endpoint.starts_with("token "));
    exchange(&replica).await;
    // A refusal cuts the rate that it has read; its own first estimate would not be lower.
    refuse_refresh(&env, &replica, &account).await;
    assert_eq!(exchange(&replica).await, 1);
    let second = rates(&env).await;
    assert_eq!(second[0].cuts, 2);
    assert!(second[0].calls_per_hour < first[0].calls_per_hour);
    exchange(&env.service).await;
    assert_eq!(exchange(&env.service).await, 0, "nothing new to offer");
}

async fn learned_rate_is_read_after_a_restart_and_forgotten_after_an_hour(database: TestDatabase) {
    let env = TestEnv::new(database).await;
    let account = env.connected_user("acme").await;
    refuse_refresh(&env, &env.service, &account).await;
    exchange(&env.service).await;
    assert_eq!(rates(&env).await.len(), 1);
    env.advance_seconds(3600);
    assert_eq!(rates(&env).await.len(), 0);
    let replica = env.replica().await;
    exchange(&replica).await;
    refuse_refresh(&env, &replica, &account).await;
    exchange(&replica).await;
    let replaced = rates(&env).await;
    assert!(replaced[0].searching, "a first estimate again");
    assert_eq!(replaced[0].cuts, 2);
}

async fn code_exchange_is_not_repeated_after_a_429(database: TestDatabase) {
    let env = TestEnv::new(database).await;
    let flow = env.start_flow(env.user().await, "acme").await;
    let params = env.consent(&flow, "juniper");
    env.force(Fault::new("acme", EXCHANGE, FaultKind::Respond).status(429));
    let outcome = env.callback("acme", params).await.unwrap();
    assert_eq!(failed(&outcome), ErrorCode::RateLimitError);
    assert_eq!(env.calls("acme", EXCHANGE), 1);
}
