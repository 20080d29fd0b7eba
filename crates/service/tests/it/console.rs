//! Who is signed in to the console, and for how long.

use evergrant_encryption::digest::{base64url, sha256};
use evergrant_model::UserId;
use evergrant_service::{Caller, IntegrationsService, PORTAL_LINK_SECONDS, Presence};
use evergrant_testkit::{TestDatabase, on_both_databases};
use secrecy::ExposeSecret;

use crate::harness::Stand;
use crate::outcomes::call;

const HOUR_S: i64 = 60 * 60;

on_both_databases!(
    a_portal_link_opens_once_within_five_minutes,
    item_30_a_session_ends_an_hour_after_its_last_use_and_twelve_after_it_began,
    what_a_page_does_by_itself_is_no_use,
    item_30_a_session_that_was_used_elsewhere_is_good_here_and_one_that_ended_elsewhere_is_not,
    a_cookie_is_no_bearer_token_nor_a_bearer_token_a_cookie,
);

/// The cookie of somebody who has just come in.
async fn cookie(service: &IntegrationsService, user: UserId) -> String {
    service
        .console()
        .start(&call(), user)
        .await
        .unwrap()
        .secret
        .expose_secret()
        .to_owned()
}

async fn is_in(service: &IntegrationsService, cookie: &str, presence: Presence) -> bool {
    service
        .console()
        .signed_in(cookie, presence)
        .await
        .unwrap()
        .is_some()
}

async fn acts(service: &IntegrationsService, cookie: &str) -> bool {
    is_in(service, cookie, Presence::Active).await
}

async fn a_portal_link_opens_once_within_five_minutes(database: TestDatabase) {
    let stand = Stand::new(database).await;
    let user = stand.user().await;
    let code = async || {
        stand
            .service
            .console()
            .create_link(&call(), user)
            .await
            .unwrap()
            .expose_secret()
            .to_owned()
    };
    let open = async |code: &str| {
        stand
            .service
            .console()
            .open_link(&call(), code)
            .await
            .unwrap()
    };
    let (one, late) = (code().await, code().await);
    let begun = open(&one).await.unwrap();
    let signed_in = stand
        .service
        .console()
        .signed_in(begun.secret.expose_secret(), Presence::Active)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        (signed_in.user, signed_in.expires_at),
        (user, stand.now().plus_seconds(12 * HOUR_S))
    );
    stand.pass_seconds(PORTAL_LINK_SECONDS);
    for spent in [
        &one,
        &late,
        "",
        "evp_",
        &begun.secret.expose_secret().replace("evc_", "evp_"),
    ] {
        assert!(open(spent).await.is_none(), "{spent}");
    }
}

async fn item_30_a_session_ends_an_hour_after_its_last_use_and_twelve_after_it_began(
    database: TestDatabase,
) {
    let stand = Stand::new(database).await;
    let user = stand.user().await;
    let (idle, busy) = (
        cookie(&stand.service, user).await,
        cookie(&stand.service, user).await,
    );
    for _ in 0..12 {
        assert!(acts(&stand.service, &busy).await);
        stand.pass_seconds(HOUR_S - 1);
    }
    assert!(
        acts(&stand.service, &busy).await,
        "{} s before the twelve hours are over",
        12
    );
    assert!(!acts(&stand.service, &idle).await);
    stand.pass_seconds(12);
    assert!(!acts(&stand.service, &busy).await);
}

async fn what_a_page_does_by_itself_is_no_use(database: TestDatabase) {
    let stand = Stand::new(database).await;
    let user = stand.user().await;
    let held = cookie(&stand.service, user).await;
    for _ in 0..60 {
        assert!(is_in(&stand.service, &held, Presence::Passive).await);
        stand.pass_seconds(HOUR_S / 60);
    }
    assert!(!is_in(&stand.service, &held, Presence::Passive).await);
}

async fn item_30_a_session_that_was_used_elsewhere_is_good_here_and_one_that_ended_elsewhere_is_not(
    database: TestDatabase,
) {
    let stand = Stand::new(database).await;
    let (user, twin) = (stand.user().await, stand.twin().await);
    let held = cookie(&stand.service, user).await;
    stand.clock.advance_ms(HOUR_S * 1000 - 200);
    assert!(
        is_in(&twin, &held, Presence::Passive).await,
        "the twin remembers when it ends"
    );
    assert!(acts(&stand.service, &held).await);
    stand.clock.advance_ms(400);
    assert!(
        acts(&twin, &held).await,
        "the twin looks again before it refuses"
    );

    let Some(Caller::Console { session, .. }) = twin
        .console()
        .signed_in(&held, Presence::Active)
        .await
        .unwrap()
        .map(|signed_in| signed_in.caller)
    else {
        panic!("a browser")
    };
    twin.sessions().end(&call(), &session).await.unwrap();
    assert!(!acts(&twin, &held).await);
    stand.pass_seconds(1);
    assert!(!acts(&stand.service, &held).await);
    let other = cookie(&stand.service, user).await;
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
    assert!(!acts(&stand.service, &other).await);
}

async fn a_cookie_is_no_bearer_token_nor_a_bearer_token_a_cookie(database: TestDatabase) {
    let stand = Stand::new(database).await;
    let user = stand.user().await;
    let held = cookie(&stand.service, user).await;
    let token = stand
        .service
        .sessions()
        .create(&call(), user, None)
        .await
        .unwrap()
        .secret
        .expose_secret()
        .to_owned();
    for bearer in [held.clone(), of_kind("evs_", &held)] {
        assert!(
            stand
                .service
                .authenticator()
                .authenticate(&bearer, &call().correlation_id)
                .await
                .unwrap()
                .is_none()
        );
    }
    for cookie in [token.clone(), of_kind("evc_", &token)] {
        assert!(!acts(&stand.service, &cookie).await);
    }
    assert!(
        acts(&stand.service, &of_kind("evc_", &held)).await,
        "this is how such texts are made"
    );
}

/// A credential with the prefix of another kind, as its holder could make one: the checksum is no
/// secret.
fn of_kind(prefix: &str, credential: &str) -> String {
    let (halves, _) = credential[prefix.len()..].split_at(credential.len() - prefix.len() - 6);
    let text = format!("{prefix}{halves}");
    format!("{text}{}", &base64url(sha256(&text))[..6])
}
