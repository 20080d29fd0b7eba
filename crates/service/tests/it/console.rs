//! Console sessions: portal links, session cookies and their lifetimes.

use evergrant_encryption::digest::{base64url, sha256};
use evergrant_model::{SignedDuration, UserId};
use evergrant_service::{Caller, IntegrationsService, PORTAL_LINK_TTL, Presence};
use evergrant_testkit::{TestDatabase, on_both_databases};
use secrecy::ExposeSecret;

use crate::harness::{TestEnv, call};

const HOUR_SECONDS: i64 = 60 * 60;

on_both_databases!(
    portal_link_opens_once_within_five_minutes,
    item_30_session_expires_after_1_idle_hour_or_12_hours_in_total,
    background_polling_does_not_extend_session,
    item_30_session_use_and_end_reach_other_replicas,
    cookie_and_bearer_token_are_not_interchangeable,
);

/// Starts a console session and returns its cookie.
async fn cookie(service: &IntegrationsService, user: UserId) -> String {
    service
        .console()
        .start(&call(), user, None)
        .await
        .unwrap()
        .secret
        .expose_secret()
        .to_owned()
}

/// Returns whether the cookie is valid.
async fn is_signed_in(service: &IntegrationsService, cookie: &str, presence: Presence) -> bool {
    service
        .console()
        .signed_in(cookie, presence)
        .await
        .unwrap()
        .is_some()
}

/// Returns whether the cookie is valid for an action of the user, which extends the session.
async fn acts(service: &IntegrationsService, cookie: &str) -> bool {
    is_signed_in(service, cookie, Presence::Active).await
}

async fn portal_link_opens_once_within_five_minutes(database: TestDatabase) {
    let env = TestEnv::new(database).await;
    let user = env.user().await;
    let create_link = async || {
        let link = env.service.console().create_link(&call(), user, None).await;
        link.unwrap().expose_secret().to_owned()
    };
    let open = async |code: &str| {
        let opened = env.service.console().open_link(&call(), code).await;
        opened.unwrap()
    };
    let (opened, late) = (create_link().await, create_link().await);
    let session = open(&opened).await.unwrap();
    let signed_in = env
        .service
        .console()
        .signed_in(session.secret.expose_secret(), Presence::Active)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        (signed_in.user, signed_in.expires_at),
        (
            user,
            env.now() + SignedDuration::from_secs(12 * HOUR_SECONDS)
        )
    );
    env.advance_seconds(PORTAL_LINK_TTL.as_secs());
    let cookie_as_link = session.secret.expose_secret().replace("evc_", "evp_");
    for invalid in [&opened, &late, "", "evp_", &cookie_as_link] {
        assert!(open(invalid).await.is_none(), "{invalid}");
    }
}

async fn item_30_session_expires_after_1_idle_hour_or_12_hours_in_total(database: TestDatabase) {
    let env = TestEnv::new(database).await;
    let user = env.user().await;
    let (idle, busy) = (
        cookie(&env.service, user).await,
        cookie(&env.service, user).await,
    );
    for _ in 0..12 {
        assert!(acts(&env.service, &busy).await);
        env.advance_seconds(HOUR_SECONDS - 1);
    }
    assert!(
        acts(&env.service, &busy).await,
        "12 s before the total lifetime ends"
    );
    assert!(!acts(&env.service, &idle).await);
    env.advance_seconds(12);
    assert!(!acts(&env.service, &busy).await);
}

async fn background_polling_does_not_extend_session(database: TestDatabase) {
    let env = TestEnv::new(database).await;
    let user = env.user().await;
    let secret = cookie(&env.service, user).await;
    for _ in 0..60 {
        assert!(is_signed_in(&env.service, &secret, Presence::Passive).await);
        env.advance_seconds(HOUR_SECONDS / 60);
    }
    assert!(!is_signed_in(&env.service, &secret, Presence::Passive).await);
}

async fn item_30_session_use_and_end_reach_other_replicas(database: TestDatabase) {
    let env = TestEnv::new(database).await;
    let (user, replica) = (env.user().await, env.replica().await);
    let secret = cookie(&env.service, user).await;
    env.clock
        .advance(SignedDuration::from_millis(HOUR_SECONDS * 1000 - 200));
    assert!(
        is_signed_in(&replica, &secret, Presence::Passive).await,
        "the replica caches the session with its expiry"
    );
    assert!(acts(&env.service, &secret).await);
    env.clock.advance(SignedDuration::from_millis(400));
    assert!(
        acts(&replica, &secret).await,
        "the replica reads the database before it rejects a session"
    );

    let signed_in = replica.console().signed_in(&secret, Presence::Active).await;
    let Caller::Console { session, .. } = signed_in.unwrap().unwrap().caller else {
        panic!("the caller is not a console session")
    };
    replica.sessions().end(&call(), &session).await.unwrap();
    assert!(!acts(&replica, &secret).await);
    env.advance_seconds(1);
    assert!(!acts(&env.service, &secret).await);
    let other = cookie(&env.service, user).await;
    let ended = env.service.sessions().end_all(&call(), user).await;
    assert_eq!(ended.unwrap(), 1);
    env.advance_seconds(1);
    assert!(!acts(&env.service, &other).await);
}

async fn cookie_and_bearer_token_are_not_interchangeable(database: TestDatabase) {
    let env = TestEnv::new(database).await;
    let user = env.user().await;
    let secret = cookie(&env.service, user).await;
    let token = env
        .service
        .sessions()
        .create(&call(), user, None)
        .await
        .unwrap()
        .secret
        .expose_secret()
        .to_owned();
    for bearer in [secret.clone(), with_prefix("evs_", &secret)] {
        assert!(
            env.service
                .authenticator()
                .authenticate(&bearer, &call().correlation_id)
                .await
                .unwrap()
                .is_none()
        );
    }
    for cookie in [token.clone(), with_prefix("evc_", &token)] {
        assert!(!acts(&env.service, &cookie).await);
    }
    assert!(
        acts(&env.service, &with_prefix("evc_", &secret)).await,
        "the helper makes valid credentials"
    );
}

/// Returns the credential with the prefix of another kind and a valid checksum. Anyone can compute
/// it, for the checksum is not secret.
fn with_prefix(prefix: &str, credential: &str) -> String {
    let (halves, _) = credential[prefix.len()..].split_at(credential.len() - prefix.len() - 6);
    let text = format!("{prefix}{halves}");
    format!("{text}{}", &base64url(sha256(&text))[..6])
}
