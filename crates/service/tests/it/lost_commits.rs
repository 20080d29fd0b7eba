//! A database that goes back to an earlier state under running services: a standby without the
//! last commits became the primary, or an older copy was restored. No spent refresh token is sent
//! as long as a process has the newer one, and nothing of the lost state is served.

use evergrant_model::{ConnectionStatus, ErrorCode, EventKind, StatusReason, UserId};
use evergrant_sandbox::{RefreshMode, Switch};
use evergrant_service::{IntegrationsService, JobName, UserEvent};
use evergrant_testkit::{TestDatabase, on_both_databases};
use secrecy::ExposeSecret;

use crate::harness::{
    REFRESH, TestEnv, account_id, app, back_up, call, read, restore, serving, slug, until,
    wait_for_polls,
};

on_both_databases!(
    lost_tokens_are_stored_again_before_the_next_refresh,
    lost_tokens_are_stored_again_once_the_feed_has_gone_back,
    tokens_that_only_another_process_has_end_as_lost_in_flight,
    tokens_of_a_disconnected_account_are_not_stored_again,
    newer_grant_of_the_user_is_kept,
    lost_connections_and_keys_are_not_served,
    changes_after_a_restore_are_noticed,
    streams_send_a_reset_after_a_restore,
);

/// A service that refuses a refresh token that was used before, and one user with an account.
async fn strict(database: TestDatabase) -> (TestEnv, UserId, String) {
    let env = TestEnv::new(database).await;
    let strict = Switch::RefreshToken(RefreshMode::RotateStrict);
    env.sandbox.set("acme", strict).unwrap();
    let (user, account) = env.connected_user("acme").await;
    env.advance_seconds(60);
    (env, user, account)
}

async fn refresh(service: &IntegrationsService, user: UserId, account: &str) -> Option<ErrorCode> {
    let (acme, account) = (slug("acme"), account_id(account));
    let refreshed = service.refresh_token(&call(), user, &acme, &account).await;
    refreshed.err().map(|error| error.code())
}

async fn lost_tokens_are_stored_again_before_the_next_refresh(database: TestDatabase) {
    let (env, user, account) = strict(database).await;
    back_up(&env.database).await;
    for _ in 0..2 {
        assert_eq!(refresh(&env.service, user, &account).await, None);
        env.advance_seconds(60);
    }
    let newest = env.stored_token(user, &account).await;
    restore(&env.database).await;
    assert_ne!(env.stored_token(user, &account).await, newest);
    assert_eq!(refresh(&env.service, user, &account).await, None);
    assert_eq!(env.stored_token(user, &account).await, newest);
    assert_eq!(env.recorder.count("TokensStoredAgain"), 1);
    assert_eq!(refresh(&env.service, user, &account).await, None);
    let row = env.row(user, "acme", &account).await;
    assert_eq!(row.status, ConnectionStatus::Connected);
    assert_eq!((row.lease.generation, env.calls("acme", REFRESH)), (4, 3));
}

async fn lost_tokens_are_stored_again_once_the_feed_has_gone_back(database: TestDatabase) {
    let (env, user, account) = strict(database).await;
    let other = env.connect(user, "acme", "kiln").await;
    let process = serving(&env).await;
    env.advance_seconds(60);
    assert_eq!(refresh(&process, user, &other).await, None);
    back_up(&env.database).await;
    assert_eq!(refresh(&process, user, &account).await, None);
    let newest = env.stored_token(user, &account).await;
    wait_for_polls(&process).await;
    restore(&env.database).await;
    until(async || env.recorder.count("TokensStoredAgain") == 1).await;
    assert_eq!(env.stored_token(user, &account).await, newest);
    assert_eq!(read(&process, user, "acme", &account).await, newest);
    assert_eq!(env.calls("acme", REFRESH), 2);
}

async fn tokens_that_only_another_process_has_end_as_lost_in_flight(database: TestDatabase) {
    let (env, user, account) = strict(database).await;
    let process = serving(&env).await;
    back_up(&env.database).await;
    assert_eq!(refresh(&env.service, user, &account).await, None);
    wait_for_polls(&process).await;
    restore(&env.database).await;
    wait_for_polls(&process).await;
    env.advance_seconds(60);
    let refused = refresh(&process, user, &account).await;
    assert_eq!(refused, Some(ErrorCode::ReconnectRequired));
    let row = env.row(user, "acme", &account).await;
    let lost = (ConnectionStatus::Expired, Some(StatusReason::LostInFlight));
    assert_eq!((row.status, row.reason), lost);
}

async fn tokens_of_a_disconnected_account_are_not_stored_again(database: TestDatabase) {
    let (env, user, account) = strict(database).await;
    let process = serving(&env).await;
    back_up(&env.database).await;
    assert_eq!(refresh(&process, user, &account).await, None);
    process
        .disconnect_integration(&call(), user, &slug("acme"), &account_id(&account))
        .await
        .unwrap();
    wait_for_polls(&process).await;
    restore(&env.database).await;
    wait_for_polls(&process).await;
    let job = process.process().run_job(JobName::RestoreLostTokens).await;
    assert_eq!(job.unwrap().items, 0);
    refresh(&process, user, &account).await;
    assert_eq!(env.recorder.count("TokensStoredAgain"), 0);
}

async fn newer_grant_of_the_user_is_kept(database: TestDatabase) {
    let (env, user, account) = strict(database).await;
    back_up(&env.database).await;
    for _ in 0..3 {
        assert_eq!(refresh(&env.service, user, &account).await, None);
    }
    restore(&env.database).await;
    env.advance_seconds(60);
    env.connect(user, "acme", "juniper").await;
    let newest = env.stored_token(user, &account).await;
    assert_eq!(refresh(&env.service, user, &account).await, None);
    assert_eq!(env.recorder.count("TokensStoredAgain"), 0);
    assert_ne!(env.stored_token(user, &account).await, newest);
}

async fn lost_connections_and_keys_are_not_served(database: TestDatabase) {
    let (env, user, _) = strict(database).await;
    let process = serving(&env).await;
    back_up(&env.database).await;
    let account = env.connect(user, "acme", "kiln").await;
    let key = env.service.api_keys().create(&call(), "k", &[]).await;
    let key = key.unwrap().secret.expose_secret().to_owned();
    let authenticator = process.authenticator();
    let correlation_id = call().correlation_id;
    let accepted = authenticator.authenticate(&key, &correlation_id).await;
    assert!(accepted.unwrap().is_some());
    assert!(read(&process, user, "acme", &account).await.is_ok());
    wait_for_polls(&process).await;
    restore(&env.database).await;
    wait_for_polls(&process).await;
    let accepted = authenticator.authenticate(&key, &correlation_id).await;
    assert!(
        accepted.unwrap().is_none(),
        "the restored database has no such key"
    );
    assert_eq!(
        read(&process, user, "acme", &account).await,
        Err(ErrorCode::AccountNotFound)
    );
}

/// Events get ids again that the feed has read before.
async fn changes_after_a_restore_are_noticed(database: TestDatabase) {
    let (env, user, account) = strict(database).await;
    let process = serving(&env).await;
    back_up(&env.database).await;
    for _ in 0..5 {
        assert_eq!(refresh(&env.service, user, &account).await, None);
    }
    wait_for_polls(&process).await;
    restore(&env.database).await;
    wait_for_polls(&process).await;
    assert!(read(&process, user, "acme", &account).await.is_ok());
    env.disconnect(user, "acme", &account).await.unwrap();
    wait_for_polls(&process).await;
    assert_eq!(
        read(&process, user, "acme", &account).await,
        Err(ErrorCode::AccountNotFound)
    );
}

async fn streams_send_a_reset_after_a_restore(database: TestDatabase) {
    let (env, user, account) = strict(database).await;
    let process = serving(&env).await;
    let events = process.events();
    let mut stream = events.open(&call(), user, app(), None).await.unwrap();
    let Some(UserEvent::Ready { version: before }) = stream.next().await else {
        panic!("the stream does not begin with `Ready`")
    };
    back_up(&env.database).await;
    assert_eq!(refresh(&env.service, user, &account).await, None);
    let refreshed = stream.next().await;
    assert!(
        matches!(
            &refreshed,
            Some(UserEvent::Account {
                kind: EventKind::Refreshed,
                ..
            })
        ),
        "{refreshed:?}"
    );
    restore(&env.database).await;
    let reset = stream.next().await;
    assert!(
        matches!(reset, Some(UserEvent::Reset { version }) if version == before),
        "{reset:?}"
    );
    env.disconnect(user, "acme", &account).await.unwrap();
    let disconnected = stream.next().await;
    assert!(
        matches!(
            &disconnected,
            Some(UserEvent::Account {
                kind: EventKind::Disconnected,
                ..
            })
        ),
        "{disconnected:?}"
    );
}
