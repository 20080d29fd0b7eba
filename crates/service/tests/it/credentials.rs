//! API keys and browser sessions as bearer tokens.

use std::collections::HashSet;

use evergrant_model::{ErrorCode, SessionId, SignedDuration, UserId};
use evergrant_service::{Caller, IntegrationsService, KeyScope};
use evergrant_testkit::{TestDatabase, on_both_databases};
use secrecy::ExposeSecret;

use crate::harness::{TestEnv, call};

on_both_databases!(
    item_27_only_the_complete_unmodified_key_authenticates,
    item_27_only_a_hash_of_each_credential_is_stored,
    item_27_revoked_key_is_rejected_by_all_replicas_within_1_second,
    item_28_two_keys_are_valid_side_by_side,
    key_without_scopes_gets_all_scopes_except_admin,
    key_requires_valid_name,
    key_records_last_use,
    session_authenticates_its_user_until_it_expires,
    ended_session_is_rejected,
    session_rejects_ttl_over_fifteen_minutes_and_unknown_user,
);

/// Authenticates a bearer token.
async fn caller(service: &IntegrationsService, bearer: &str) -> Option<Caller> {
    service
        .authenticator()
        .authenticate(bearer, &call().correlation_id)
        .await
        .unwrap()
}

/// Creates an API key and returns its text.
async fn key(env: &TestEnv, scopes: &[KeyScope]) -> String {
    env.service
        .api_keys()
        .create(&call(), "tests", scopes)
        .await
        .unwrap()
        .secret
        .expose_secret()
        .to_owned()
}

async fn item_27_only_the_complete_unmodified_key_authenticates(database: TestDatabase) {
    let env = TestEnv::new(database).await;
    let text = key(&env, &[KeyScope::TokensRead]).await;
    let Some(Caller::App { scopes, .. }) = caller(&env.service, &text).await else {
        panic!("the key was rejected")
    };
    assert_eq!(scopes, [KeyScope::TokensRead]);
    for index in 0..text.len() {
        let mut changed = text.clone().into_bytes();
        changed[index] = if changed[index] == b'a' { b'b' } else { b'a' };
        assert_eq!(
            caller(&env.service, &String::from_utf8(changed).unwrap()).await,
            None,
            "changed at {index}"
        );
        assert_eq!(
            caller(&env.service, &text[..index]).await,
            None,
            "cut at {index}"
        );
    }
    let other = key(&env, &[]).await;
    assert_eq!(
        caller(&env.service, &format!("{}{}", &text[..16], &other[16..])).await,
        None,
        "public half of one key, secret half of another"
    );
}

async fn item_27_only_a_hash_of_each_credential_is_stored(database: TestDatabase) {
    let env = TestEnv::new(database).await;
    let text = key(&env, &[]).await;
    let user = env.user().await;
    let session = env
        .service
        .sessions()
        .create(&call(), user, None)
        .await
        .unwrap()
        .secret;
    let stored = format!("{:?}", env.database.contents().await);
    for secret in [text.as_str(), session.expose_secret()] {
        // The secret half, without prefix, public half and checksum.
        assert!(!stored.contains(&secret[16..secret.len() - 6]));
        assert!(
            stored.contains(&secret[4..16]),
            "the public half is stored for the lookup"
        );
    }
}

async fn item_27_revoked_key_is_rejected_by_all_replicas_within_1_second(database: TestDatabase) {
    let env = TestEnv::new(database).await;
    let replica = env.replica().await;
    let text = key(&env, &[]).await;
    assert!(caller(&env.service, &text).await.is_some() && caller(&replica, &text).await.is_some());
    let id = env.service.api_keys().list(&call()).await.unwrap()[0]
        .id
        .clone();
    assert!(env.service.api_keys().revoke(&call(), &id).await.unwrap());
    assert_eq!(caller(&env.service, &text).await, None);
    env.advance_seconds(1);
    assert_eq!(caller(&replica, &text).await, None);
}

async fn item_28_two_keys_are_valid_side_by_side(database: TestDatabase) {
    let env = TestEnv::new(database).await;
    let (old, new) = (key(&env, &[]).await, key(&env, &[]).await);
    assert!(
        caller(&env.service, &old).await.is_some() && caller(&env.service, &new).await.is_some()
    );
    let keys = env.service.api_keys().list(&call()).await.unwrap();
    let first = keys
        .iter()
        .find(|key| old.contains(key.id.as_str()))
        .unwrap();
    env.service
        .api_keys()
        .revoke(&call(), &first.id)
        .await
        .unwrap();
    assert!(
        caller(&env.service, &old).await.is_none() && caller(&env.service, &new).await.is_some()
    );
}

async fn key_without_scopes_gets_all_scopes_except_admin(database: TestDatabase) {
    let env = TestEnv::new(database).await;
    let text = key(&env, &[]).await;
    let Some(Caller::App { scopes, .. }) = caller(&env.service, &text).await else {
        panic!("the key was rejected")
    };
    let all: Vec<_> = KeyScope::ALL
        .iter()
        .copied()
        .filter(|scope| *scope != KeyScope::Admin)
        .collect();
    assert_eq!(scopes, all);
}

async fn key_requires_valid_name(database: TestDatabase) {
    let env = TestEnv::new(database).await;
    for invalid in ["", "  ", "a\nb", &"a".repeat(101)] {
        let Err(error) = env.service.api_keys().create(&call(), invalid, &[]).await else {
            panic!("{invalid:?} was accepted as a name")
        };
        assert_eq!(error.code(), ErrorCode::ValidationError);
    }
    assert!(
        env.service
            .api_keys()
            .list(&call())
            .await
            .unwrap()
            .is_empty()
    );
}

async fn key_records_last_use(database: TestDatabase) {
    let env = TestEnv::new(database).await;
    let text = key(&env, &[]).await;
    env.advance_seconds(100);
    caller(&env.service, &text).await.unwrap();
    env.service.process().drain().await;
    assert_eq!(
        env.service.api_keys().list(&call()).await.unwrap()[0].last_used_at,
        Some(env.now())
    );
}

/// Creates a session of `user`. Returns its text and its public half.
async fn session(env: &TestEnv, user: UserId, ttl_seconds: Option<i64>) -> (String, SessionId) {
    let text = env
        .service
        .sessions()
        .create(&call(), user, ttl_seconds.map(SignedDuration::from_secs))
        .await
        .unwrap()
        .secret
        .expose_secret()
        .to_owned();
    match caller(&env.service, &text).await {
        Some(Caller::Browser {
            session,
            user: owner,
        }) if owner == user => (text, session),
        other => panic!("not a session of this user: {other:?}"),
    }
}

async fn session_authenticates_its_user_until_it_expires(database: TestDatabase) {
    let env = TestEnv::new(database).await;
    let user = env.user().await;
    for (ttl_seconds, lifetime_seconds) in [(None, 900), (Some(60), 60), (Some(1), 1)] {
        let (text, _) = session(&env, user, ttl_seconds).await;
        env.advance_seconds(lifetime_seconds - 1);
        assert!(caller(&env.service, &text).await.is_some());
        env.advance_seconds(1);
        assert_eq!(
            caller(&env.service, &text).await,
            None,
            "after {lifetime_seconds} s"
        );
    }
}

async fn ended_session_is_rejected(database: TestDatabase) {
    let env = TestEnv::new(database).await;
    let (user, other) = (env.user().await, env.user().await);
    let (first, id) = session(&env, user, None).await;
    let (second, _) = session(&env, user, None).await;
    let (of_other_user, _) = session(&env, other, None).await;
    env.service.sessions().end(&call(), &id).await.unwrap();
    assert_eq!(caller(&env.service, &first).await, None, "rejected at once");
    assert!(caller(&env.service, &second).await.is_some());
    assert_eq!(
        env.service.sessions().end_all(&call(), user).await.unwrap(),
        1
    );
    env.advance_seconds(1);
    assert_eq!(
        caller(&env.service, &second).await,
        None,
        "rejected within one second"
    );
    assert!(caller(&env.service, &of_other_user).await.is_some());
    assert_eq!(HashSet::from([first, second, of_other_user]).len(), 3);
}

async fn session_rejects_ttl_over_fifteen_minutes_and_unknown_user(database: TestDatabase) {
    let env = TestEnv::new(database).await;
    let user = env.user().await;
    for invalid in [0, -1, 901, i64::MAX, i64::MIN] {
        let Err(error) = env
            .service
            .sessions()
            .create(&call(), user, Some(SignedDuration::from_secs(invalid)))
            .await
        else {
            panic!("{invalid} s was accepted as a lifetime")
        };
        assert_eq!(error.code(), ErrorCode::ValidationError);
    }
    let unknown_user = UserId::try_from(i64::from(user.get()) + 1).unwrap();
    let Err(error) = env
        .service
        .sessions()
        .create(&call(), unknown_user, None)
        .await
    else {
        panic!("an unknown user got a session")
    };
    assert_eq!(error.code(), ErrorCode::UserNotFound);
}
