use std::collections::HashSet;

use evergrant_model::{ErrorCode, SessionId, UserId};
use evergrant_service::{Caller, IntegrationsService, KeyScope};
use evergrant_testkit::{TestDatabase, on_both_databases};
use secrecy::ExposeSecret;

use crate::harness::Stand;
use crate::outcomes::call;

on_both_databases!(
    item_27_a_key_is_known_by_all_of_its_text_and_by_nothing_else,
    item_27_only_a_hash_of_a_key_is_stored,
    item_27_a_revoked_key_is_refused_here_at_once_and_elsewhere_within_a_second,
    item_28_two_keys_live_side_by_side,
    without_a_wish_a_key_may_do_all_but_administer,
    a_key_has_a_name,
    a_key_remembers_its_last_use,
    a_session_names_its_user_until_its_time_is_over,
    a_session_is_ended_by_hand,
    a_session_lasts_a_quarter_of_an_hour_at_most,
);

async fn caller(service: &IntegrationsService, bearer: &str) -> Option<Caller> {
    service
        .authenticator()
        .authenticate(bearer, &call().correlation_id)
        .await
        .unwrap()
}

async fn key(stand: &Stand, scopes: &[KeyScope]) -> String {
    stand
        .service
        .api_keys()
        .create(&call(), "tests", scopes)
        .await
        .unwrap()
        .secret
        .expose_secret()
        .to_owned()
}

async fn item_27_a_key_is_known_by_all_of_its_text_and_by_nothing_else(database: TestDatabase) {
    let stand = Stand::new(database).await;
    let text = key(&stand, &[KeyScope::TokensRead]).await;
    let Some(Caller::App { scopes, .. }) = caller(&stand.service, &text).await else {
        panic!("the key is good")
    };
    assert_eq!(scopes, [KeyScope::TokensRead]);
    for place in 0..text.len() {
        let mut changed = text.clone().into_bytes();
        changed[place] = if changed[place] == b'a' { b'b' } else { b'a' };
        assert_eq!(
            caller(&stand.service, &String::from_utf8(changed).unwrap()).await,
            None,
            "changed at {place}"
        );
        assert_eq!(
            caller(&stand.service, &text[..place]).await,
            None,
            "cut at {place}"
        );
    }
    let other = key(&stand, &[]).await;
    assert_eq!(
        caller(&stand.service, &format!("{}{}", &text[..16], &other[16..])).await,
        None,
        "two halves of two"
    );
}

async fn item_27_only_a_hash_of_a_key_is_stored(database: TestDatabase) {
    let stand = Stand::new(database).await;
    let text = key(&stand, &[]).await;
    let user = stand.user().await;
    let session = stand
        .service
        .sessions()
        .create(&call(), user, None)
        .await
        .unwrap()
        .secret;
    let stored = format!("{:?}", stand.database.contents().await);
    for secret in [text.as_str(), session.expose_secret()] {
        // After prefix and public half, without the checksum.
        assert!(!stored.contains(&secret[16..secret.len() - 6]));
        assert!(
            stored.contains(&secret[4..16]),
            "by its public half it is found"
        );
    }
}

async fn item_27_a_revoked_key_is_refused_here_at_once_and_elsewhere_within_a_second(
    database: TestDatabase,
) {
    let stand = Stand::new(database).await;
    let twin = stand.twin().await;
    let text = key(&stand, &[]).await;
    assert!(caller(&stand.service, &text).await.is_some() && caller(&twin, &text).await.is_some());
    let id = stand.service.api_keys().list(&call()).await.unwrap()[0]
        .id
        .clone();
    assert!(stand.service.api_keys().revoke(&call(), &id).await.unwrap());
    assert_eq!(caller(&stand.service, &text).await, None);
    stand.pass_seconds(1);
    assert_eq!(caller(&twin, &text).await, None);
}

async fn item_28_two_keys_live_side_by_side(database: TestDatabase) {
    let stand = Stand::new(database).await;
    let (old, new) = (key(&stand, &[]).await, key(&stand, &[]).await);
    assert!(
        caller(&stand.service, &old).await.is_some()
            && caller(&stand.service, &new).await.is_some()
    );
    let keys = stand.service.api_keys().list(&call()).await.unwrap();
    let first = keys
        .iter()
        .find(|key| old.contains(key.id.as_str()))
        .unwrap();
    stand
        .service
        .api_keys()
        .revoke(&call(), &first.id)
        .await
        .unwrap();
    assert!(
        caller(&stand.service, &old).await.is_none()
            && caller(&stand.service, &new).await.is_some()
    );
}

async fn without_a_wish_a_key_may_do_all_but_administer(database: TestDatabase) {
    let stand = Stand::new(database).await;
    let text = key(&stand, &[]).await;
    let Some(Caller::App { scopes, .. }) = caller(&stand.service, &text).await else {
        panic!("the key is good")
    };
    let all: Vec<_> = KeyScope::ALL
        .iter()
        .copied()
        .filter(|scope| *scope != KeyScope::Admin)
        .collect();
    assert_eq!(scopes, all);
}

async fn a_key_has_a_name(database: TestDatabase) {
    let stand = Stand::new(database).await;
    for bad in ["", "  ", "a\nb", &"a".repeat(101)] {
        let Err(refused) = stand.service.api_keys().create(&call(), bad, &[]).await else {
            panic!("{bad:?} is no name")
        };
        assert_eq!(refused.code(), ErrorCode::ValidationError);
    }
    assert!(
        stand
            .service
            .api_keys()
            .list(&call())
            .await
            .unwrap()
            .is_empty()
    );
}

async fn a_key_remembers_its_last_use(database: TestDatabase) {
    let stand = Stand::new(database).await;
    let text = key(&stand, &[]).await;
    stand.pass_seconds(100);
    caller(&stand.service, &text).await.unwrap();
    stand.service.process().drain().await;
    assert_eq!(
        stand.service.api_keys().list(&call()).await.unwrap()[0].last_used_at,
        Some(stand.now())
    );
}

/// A new session of `user`: its text and public half.
async fn session(stand: &Stand, user: UserId, ttl_seconds: Option<i64>) -> (String, SessionId) {
    let text = stand
        .service
        .sessions()
        .create(&call(), user, ttl_seconds)
        .await
        .unwrap()
        .secret
        .expose_secret()
        .to_owned();
    match caller(&stand.service, &text).await {
        Some(Caller::Browser {
            session,
            user: whose,
        }) if whose == user => (text, session),
        other => panic!("not a session of this user: {other:?}"),
    }
}

async fn a_session_names_its_user_until_its_time_is_over(database: TestDatabase) {
    let stand = Stand::new(database).await;
    let user = stand.user().await;
    for (wish, life) in [(None, 900), (Some(60), 60), (Some(1), 1)] {
        let (text, _) = session(&stand, user, wish).await;
        stand.pass_seconds(life - 1);
        assert!(caller(&stand.service, &text).await.is_some());
        stand.pass_seconds(1);
        assert_eq!(caller(&stand.service, &text).await, None, "after {life} s");
    }
}

async fn a_session_is_ended_by_hand(database: TestDatabase) {
    let stand = Stand::new(database).await;
    let (user, other) = (stand.user().await, stand.user().await);
    let (first, id) = session(&stand, user, None).await;
    let (second, _) = session(&stand, user, None).await;
    let (theirs, _) = session(&stand, other, None).await;
    stand.service.sessions().end(&call(), &id).await.unwrap();
    assert_eq!(caller(&stand.service, &first).await, None, "at once");
    assert!(caller(&stand.service, &second).await.is_some());
    assert_eq!(
        stand
            .service
            .sessions()
            .end_all(&call(), user)
            .await
            .unwrap(),
        1
    );
    stand.pass_seconds(1);
    assert_eq!(
        caller(&stand.service, &second).await,
        None,
        "within a second"
    );
    assert!(caller(&stand.service, &theirs).await.is_some());
    assert_eq!(HashSet::from([first, second, theirs]).len(), 3);
}

async fn a_session_lasts_a_quarter_of_an_hour_at_most(database: TestDatabase) {
    let stand = Stand::new(database).await;
    let user = stand.user().await;
    for bad in [0, -1, 901, i64::MAX, i64::MIN] {
        let Err(refused) = stand
            .service
            .sessions()
            .create(&call(), user, Some(bad))
            .await
        else {
            panic!("{bad} s is no life")
        };
        assert_eq!(refused.code(), ErrorCode::ValidationError);
    }
    let nobody = UserId::try_from(i64::from(user.get()) + 1).unwrap();
    let Err(refused) = stand.service.sessions().create(&call(), nobody, None).await else {
        panic!("there is no such user")
    };
    assert_eq!(refused.code(), ErrorCode::UserNotFound);
}
