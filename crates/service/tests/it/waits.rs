//! How long a caller waits for the next attempt after a failed refresh. Once the access token has
//! ended, one odd response costs a second, also at a provider that rotates refresh tokens.

use evergrant_model::{ErrorCode, SignedDuration};
use evergrant_sandbox::{Fault, FaultKind, acme_definition};
use evergrant_testkit::{TestDatabase, on_both_databases};

use crate::harness::{
    ACME_LIFETIME_SECONDS, REDDIT_LIFETIME_SECONDS, REFRESH, TestEnv, account_id, call, issue,
    reconcile, slug,
};

on_both_databases!(
    one_odd_response_costs_a_reader_one_second,
    reads_of_an_ended_token_back_off_to_one_minute,
    reader_need_not_wait_for_the_schedule_once_the_token_ends,
    failures_of_two_accounts_do_not_block_a_third,
    manual_refresh_after_unknown_outcome_waits_for_the_token_to_end,
    unknown_outcome_is_retried_within_the_replay_window,
    unknown_outcome_of_hours_is_not_called_retrying,
);

/// The responses that say nothing about the grant, by which a retry at once is not excluded.
fn odd_responses(provider: &str) -> Vec<Fault> {
    let fault = |kind| Fault::new(provider, REFRESH, kind).times(3);
    let status = |status| fault(FaultKind::Respond).status(status);
    vec![
        status(502),
        status(503),
        status(504),
        fault(FaultKind::Empty).status(500),
        fault(FaultKind::Empty).status(200),
        fault(FaultKind::Html).status(403),
        fault(FaultKind::Html).status(200),
        status(200).body("{\"access_token\":\"abc".into()),
        status(401),
    ]
}

async fn one_odd_response_costs_a_reader_one_second(database: TestDatabase) {
    let env = TestEnv::new(database).await;
    for (provider, lifetime) in [
        ("acme", ACME_LIFETIME_SECONDS),
        ("reddit", REDDIT_LIFETIME_SECONDS),
    ] {
        for fault in odd_responses(provider) {
            env.sandbox.reset().unwrap();
            let (user, account) = env.connected_user(provider).await;
            env.advance_seconds(lifetime);
            env.force(fault.clone());
            // Within one attempt, only a provider without rotation is called again.
            let error = issue(&env.service, user, provider, &account, 0)
                .await
                .unwrap_err();
            let calls = env.calls(provider, REFRESH);
            assert_eq!(
                error.retry_after(),
                Some(SignedDuration::from_secs(1)),
                "{fault:?}"
            );
            assert!(env.read(user, provider, &account).await.is_err());
            assert_eq!(env.calls(provider, REFRESH), calls, "not before: {fault:?}");
            env.advance_seconds(1);
            let _ = env.read(user, provider, &account).await;
            assert!(
                env.calls(provider, REFRESH) > calls,
                "after a second: {fault:?}"
            );
            env.disconnect(user, provider, &account).await.unwrap();
            env.advance_seconds(3600);
        }
    }
}

/// Returns the seconds between the calls that a reader causes who reads each second.
async fn delays_between_calls(
    env: &TestEnv,
    provider: &str,
    lifetime: i64,
    count: usize,
) -> Vec<i64> {
    let (user, account) = env.connected_user(provider).await;
    env.advance_seconds(lifetime);
    env.force(
        Fault::new(provider, REFRESH, FaultKind::Respond)
            .status(502)
            .times(1_000),
    );
    let (mut delays, mut waited, mut calls) = (Vec::new(), 0, 0);
    while delays.len() < count {
        assert!(env.read(user, provider, &account).await.is_err());
        if env.calls(provider, REFRESH) > calls {
            calls = env.calls(provider, REFRESH);
            delays.push(waited);
            waited = 0;
        }
        waited += 1;
        env.advance_seconds(1);
    }
    delays
}

async fn reads_of_an_ended_token_back_off_to_one_minute(database: TestDatabase) {
    let env = TestEnv::new(database).await;
    let expected = [0, 1, 2, 4, 8, 16, 32, 60, 60, 60];
    for (provider, lifetime) in [
        ("acme", ACME_LIFETIME_SECONDS),
        ("reddit", REDDIT_LIFETIME_SECONDS),
    ] {
        let delays = delays_between_calls(&env, provider, lifetime, expected.len()).await;
        assert_eq!(delays, expected, "{provider}");
    }
}

async fn reader_need_not_wait_for_the_schedule_once_the_token_ends(database: TestDatabase) {
    let env = TestEnv::new(database).await;
    let (user, account) = env.connected_user("reddit").await;
    env.advance_seconds(REDDIT_LIFETIME_SECONDS - 1200);
    env.force(
        Fault::new("reddit", REFRESH, FaultKind::Respond)
            .status(502)
            .times(1_000),
    );
    for _ in 0..1200 {
        env.refresh_due().await;
        env.advance_seconds(1);
    }
    let row = env.row(user, "reddit", &account).await;
    assert!(
        row.next_refresh_at > Some(env.now()),
        "the scheduler backs off"
    );
    let calls = env.calls("reddit", REFRESH);
    env.read(user, "reddit", &account).await.unwrap_err();
    assert!(
        env.calls("reddit", REFRESH) > calls,
        "a call as soon as a reader needs the token"
    );
}

async fn failures_of_two_accounts_do_not_block_a_third(database: TestDatabase) {
    let env = TestEnv::new(database).await;
    let expires_at = env.now() + SignedDuration::from_secs(ACME_LIFETIME_SECONDS);
    let (user, accounts) = env.user_with_accounts("acme", 3, expires_at).await;
    reconcile(&env.service).await.unwrap();
    env.advance_seconds(ACME_LIFETIME_SECONDS);
    for _ in 0..5 {
        for failing in &accounts[..2] {
            env.force(Fault::new("acme", REFRESH, FaultKind::Respond).status(500));
            env.read(user, "acme", failing).await.unwrap_err();
        }
        env.advance_seconds(60);
    }
    assert_eq!(env.store.provider_blocks().all().await.unwrap(), []);
    assert!(env.read(user, "acme", &accounts[2]).await.is_ok());
}

async fn manual_refresh_after_unknown_outcome_waits_for_the_token_to_end(database: TestDatabase) {
    let env = TestEnv::new(database).await;
    let (user, account) = env.connected_user("acme").await;
    env.force(Fault::new("acme", REFRESH, FaultKind::Html).status(200));
    let refresh = async || {
        let account = account_id(&account);
        let refreshed = env
            .service
            .refresh_token(&call(), user, &slug("acme"), &account)
            .await;
        refreshed.map_err(|error| error.retry_after().map(|wait| wait.as_secs()))
    };
    assert_eq!(
        refresh().await,
        Err(Some(3600)),
        "another request could end the grant"
    );
    env.advance_seconds(3590);
    assert_eq!(refresh().await, Err(Some(10)));
    env.refresh_due().await;
    assert_eq!(env.calls("acme", REFRESH), 1);
    env.advance_seconds(10);
    assert!(refresh().await.is_ok());
}

async fn unknown_outcome_is_retried_within_the_replay_window(database: TestDatabase) {
    let env = TestEnv::new(database).await;
    let definition = format!(
        "{}tokens.replay_window_seconds = 60\n",
        acme_definition(&env.sandbox_url)
    );
    let service = env.replica_with(&definition).await;
    let (user, account) = env.connected_user("acme").await;
    let refresh = async || {
        let account = account_id(&account);
        let refreshed = service
            .refresh_token(&call(), user, &slug("acme"), &account)
            .await;
        refreshed.map_err(|error| error.retry_after().map(|wait| wait.as_secs()))
    };
    env.force(
        Fault::new("acme", REFRESH, FaultKind::Html)
            .status(200)
            .times(3),
    );
    assert_eq!(refresh().await, Err(Some(15)));
    assert_eq!(env.calls("acme", REFRESH), 3);
    env.force(
        Fault::new("acme", REFRESH, FaultKind::Html)
            .status(200)
            .times(3),
    );
    env.advance_seconds(61);
    assert_eq!(
        refresh().await,
        Err(Some(ACME_LIFETIME_SECONDS - 61)),
        "the window has closed"
    );
    assert_eq!(env.calls("acme", REFRESH), 3);
}

/// A retry that is an hour away or more would be called retrying for that time.
async fn unknown_outcome_of_hours_is_not_called_retrying(database: TestDatabase) {
    let env = TestEnv::new(database).await;
    let (user, account) = env.connected_user("acme").await;
    let expires_at = env.now() + SignedDuration::from_hours(24);
    let column = if env.database.is_postgres() {
        format!("'{expires_at}'::timestamp")
    } else {
        expires_at.unix_ms().to_string()
    };
    env.database
        .execute(&format!("UPDATE oauth_accounts SET expires_at = {column}"))
        .await;
    env.force(Fault::new("acme", REFRESH, FaultKind::Html).status(200));
    let failed = env.refresh(user, "acme", &account).await;
    assert_eq!(failed, Err(ErrorCode::ProviderUnavailable));
    let integration = env.integration(user).await;
    assert_eq!((integration.reason, integration.remarks.len()), (None, 0));
    assert_eq!(integration.next_refresh_at, Some(expires_at));
    env.advance_seconds(23 * 3600);
    let integration = env
        .service
        .connections()
        .stored(&call(), user)
        .await
        .unwrap();
    assert_eq!(
        integration[0].remarks.len(),
        1,
        "an hour before the next attempt"
    );
}
