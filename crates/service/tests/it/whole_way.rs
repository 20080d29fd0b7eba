use evergrant_model::{ConnectionStatus, Revocation, StatusReason};
use evergrant_sandbox::{RefreshMode, RefreshReply, Switch};
use evergrant_testkit::{TestDatabase, on_both_databases};

use crate::harness::{ACME_LIFE_S, REDDIT_LIFE_S, REFRESH, Stand};
use crate::outcomes::{call, connected, params};

on_both_databases!(
    a_connection_goes_the_whole_way,
    two_accounts_of_one_platform_stand_side_by_side,
    a_reconnect_keeps_the_connection_and_the_refresh_token_that_the_reply_leaves_out,
    a_renewal_keeps_the_refresh_token_that_the_reply_leaves_out,
    a_scope_that_was_not_granted_is_missed_aloud,
    every_change_raises_the_version,
);

async fn a_connection_goes_the_whole_way(database: TestDatabase) {
    let stand = Stand::new(database).await;
    for (platform, life_s) in [("acme", ACME_LIFE_S), ("reddit", REDDIT_LIFE_S)] {
        let user = stand.user().await;
        let account = stand.connect(user, platform, "juniper").await;
        let first = stand.read(user, platform, &account).await.unwrap();
        let before = stand.integration(user).await;
        assert_eq!(
            (before.status, before.reason),
            (ConnectionStatus::Connected, None)
        );
        assert_eq!(before.expires_at, Some(stand.now().plus_seconds(life_s)));

        stand.pass_seconds(life_s);
        let second = stand.read(user, platform, &account).await.unwrap();
        assert_ne!(first, second);
        assert_eq!(stand.calls(platform, REFRESH), 1);
        let after = stand.integration(user).await;
        assert_eq!(
            (after.id, after.created_at, &after.metadata),
            (before.id, before.created_at, &before.metadata)
        );
        assert_eq!(
            (after.username, after.display_name),
            (before.username, before.display_name)
        );
        assert_eq!(after.last_refreshed_at, Some(stand.now()));
        assert!(
            after.metadata["avatar_url"].is_string(),
            "{}",
            after.metadata
        );

        let service = &stand.service;
        let ended = service
            .disconnect_integration(&call(), user, platform, &account)
            .await
            .unwrap();
        assert_eq!(ended.revocation, Revocation::Revoked);
        assert!(
            service
                .connected_integrations(&call(), user)
                .await
                .unwrap()
                .integrations
                .is_empty()
        );
        assert_eq!(
            stand.sandbox.revoke_user(platform, "juniper").unwrap(),
            0,
            "no grant is left at the platform"
        );
    }
    assert_eq!(
        stand.events().await,
        ["connected", "refreshed", "disconnected"].repeat(2)
    );
}

async fn two_accounts_of_one_platform_stand_side_by_side(database: TestDatabase) {
    let stand = Stand::new(database).await;
    let user = stand.user().await;
    for person in ["juniper", "kiln"] {
        stand.connect(user, "acme", person).await;
    }
    for life in 0..2 {
        for (person, account) in [
            ("juniper", crate::harness::JUNIPER),
            ("kiln", crate::harness::KILN),
        ] {
            let token = stand.read(user, "acme", account).await.unwrap();
            assert!(
                token.starts_with(&format!("acme-{person}-")),
                "of {person} in life {life}"
            );
        }
        stand.pass_seconds(ACME_LIFE_S);
    }
    assert_eq!(stand.calls("acme", REFRESH), 2);
    assert_eq!(
        stand
            .service
            .connected_integrations(&call(), user)
            .await
            .unwrap()
            .integrations
            .len(),
        2
    );
}

async fn a_reconnect_keeps_the_connection_and_the_refresh_token_that_the_reply_leaves_out(
    database: TestDatabase,
) {
    let stand = Stand::new(database).await;
    let (user, account) = stand.user_with("reddit").await;
    let before = stand.row(user, "reddit", &account).await;
    stand.pass_seconds(1000);
    let flow = stand.begin_again(user, "reddit", &account).await;
    let for_once = flow
        .auth_url
        .replace("duration=permanent", "duration=temporary");
    let back = params(&stand.sandbox.approve(&for_once, "juniper", None).unwrap());
    assert_eq!(
        connected(&stand.callback("reddit", back).await.unwrap()),
        account
    );

    let after = stand.row(user, "reddit", &account).await;
    assert_eq!((after.id, after.created_at), (before.id, before.created_at));
    assert_eq!(
        (after.lease.generation, after.updated_at),
        (before.lease.generation + 1, stand.now())
    );
    assert_ne!(
        after.tokens.access.unwrap().as_str(),
        before.tokens.access.unwrap().as_str()
    );
    assert_eq!(
        after.tokens.refresh.unwrap().as_str(),
        before.tokens.refresh.unwrap().as_str()
    );
    assert!(
        stand.refresh(user, "reddit", &account).await.is_ok(),
        "the kept token renews"
    );
}

async fn a_renewal_keeps_the_refresh_token_that_the_reply_leaves_out(database: TestDatabase) {
    let stand = Stand::new(database).await;
    stand
        .sandbox
        .set("acme", Switch::RefreshToken(RefreshMode::Keep))
        .unwrap();
    stand
        .sandbox
        .set("acme", Switch::RefreshReply(RefreshReply::Omit))
        .unwrap();
    let (user, account) = stand.user_with("acme").await;
    let before = stand
        .row(user, "acme", &account)
        .await
        .tokens
        .refresh
        .unwrap();
    for calls in 1..=2 {
        assert!(stand.refresh(user, "acme", &account).await.is_ok());
        assert_eq!(stand.calls("acme", REFRESH), calls);
    }
    assert_eq!(
        stand
            .row(user, "acme", &account)
            .await
            .tokens
            .refresh
            .unwrap()
            .as_str(),
        before.as_str()
    );
}

async fn a_scope_that_was_not_granted_is_missed_aloud(database: TestDatabase) {
    let stand = Stand::new(database).await;
    let user = stand.user().await;
    let flow = stand.begin(user, "acme").await;
    let back = params(
        &stand
            .sandbox
            .approve(&flow.auth_url, "juniper", Some(&["openid"]))
            .unwrap(),
    );
    stand.callback("acme", back).await.unwrap();
    for renewed in [false, true] {
        let seen = stand.integration(user).await;
        assert_eq!(
            (seen.status, seen.reason),
            (
                ConnectionStatus::Connected,
                Some(StatusReason::ScopeMissing)
            )
        );
        assert_eq!(
            seen.missing_scopes,
            ["offline_access", "profile"],
            "renewed: {renewed}"
        );
        stand
            .refresh(user, "acme", &seen.provider_account_id)
            .await
            .unwrap();
    }
}

async fn every_change_raises_the_version(database: TestDatabase) {
    let stand = Stand::new(database).await;
    let user = stand.user().await;
    let version = async || {
        stand
            .service
            .connected_integrations(&call(), user)
            .await
            .unwrap()
            .version
    };
    assert_eq!(version().await, 0);
    let account = stand.connect(user, "acme", "juniper").await;
    assert_eq!(version().await, 1);
    stand.refresh(user, "acme", &account).await.unwrap();
    assert_eq!(version().await, 2);
    stand.read(user, "acme", &account).await.unwrap();
    assert_eq!(version().await, 2, "reading is no change");
    stand
        .service
        .disconnect_integration(&call(), user, "acme", &account)
        .await
        .unwrap();
    assert_eq!(version().await, 3);
}
