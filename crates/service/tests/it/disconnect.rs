use std::collections::HashSet;

use evergrant_model::{ErrorCode, Revocation, UserId};
use evergrant_sandbox::{Fault, FaultKind, acme_definition};
use evergrant_service::IntegrationsService;
use evergrant_testkit::{TestDatabase, on_both_databases};

use crate::harness::{ACME_LIFE_S, REFRESH, Stand};
use crate::outcomes::{call, housekeep, read, until};

on_both_databases!(
    a_confirmed_revocation_is_said_so,
    item_69_while_the_platform_is_down_the_row_goes_at_once_and_the_call_follows,
    item_69_after_a_day_we_no_longer_ask,
    a_platform_that_cannot_revoke_is_not_asked,
    a_grant_that_is_gone_already_counts_as_revoked,
    of_two_disconnects_at_once_one_succeeds,
    one_account_goes_and_the_other_stays,
    another_replica_hears_of_it,
    a_connection_outlives_its_provider_and_can_be_removed,
    a_queued_revocation_that_no_key_decrypts_is_reported,
);

async fn disconnect(
    service: &IntegrationsService,
    user: UserId,
    account: &str,
) -> Result<Revocation, ErrorCode> {
    let ended = service
        .disconnect_integration(&call(), user, "acme", account)
        .await;
    ended
        .map(|ended| ended.revocation)
        .map_err(|error| error.code())
}

/// Whether a token, encrypted as it is, is left in a connection or in the queue.
async fn holds_tokens(stand: &Stand) -> bool {
    let held = "SELECT 'held' FROM {} WHERE access_token IS NOT NULL OR refresh_token IS NOT NULL";
    let held = ["oauth_accounts", "evergrant_revocations"].map(|table| held.replace("{}", table));
    !stand
        .database
        .texts(&held.join(" UNION ALL "))
        .await
        .is_empty()
}

async fn a_confirmed_revocation_is_said_so(database: TestDatabase) {
    let stand = Stand::new(database).await;
    let user = stand.user().await;
    let account = stand.connect(user, "reddit", "juniper").await;
    assert!(holds_tokens(&stand).await);
    let service = &stand.service;
    let ended = service
        .disconnect_integration(&call(), user, "reddit", &account)
        .await
        .unwrap();
    assert_eq!(ended.revocation, Revocation::Revoked);
    assert!(
        ended.message.contains("Reddit has confirmed"),
        "{}",
        ended.message
    );
    assert_eq!(
        stand.calls("reddit", "revoke"),
        1,
        "Reddit ends the grant with its refresh token"
    );
    assert!(!holds_tokens(&stand).await);
    let unknown = service
        .disconnect_integration(&call(), user, "reddit", &account)
        .await
        .unwrap_err();
    assert_eq!(unknown.code(), ErrorCode::AccountNotFound);
}

async fn item_69_while_the_platform_is_down_the_row_goes_at_once_and_the_call_follows(
    database: TestDatabase,
) {
    let stand = Stand::new(database).await;
    let (user, account) = stand.user_with("acme").await;
    stand.force(
        Fault::new("acme", "revoke", FaultKind::Respond)
            .status(503)
            .header("retry-after", "30")
            .times(2),
    );
    assert_eq!(
        disconnect(&stand.service, user, &account).await,
        Ok(Revocation::Pending)
    );
    assert_eq!(
        stand.read(user, "acme", &account).await,
        Err(ErrorCode::AccountNotFound)
    );
    assert!(stand.database.contents().await["oauth_accounts"].is_empty());
    assert!(holds_tokens(&stand).await, "what must still be revoked");
    housekeep(&stand.service).await.unwrap();
    assert_eq!(stand.calls("acme", "revoke"), 1, "not at once again");

    stand.pass_seconds(60);
    housekeep(&stand.service).await.unwrap();
    assert_eq!(stand.calls("acme", "revoke"), 2, "still down");
    stand.pass_seconds(3600);
    housekeep(&stand.service).await.unwrap();
    assert_eq!(stand.calls("acme", "revoke"), 4, "both tokens");
    assert_eq!(
        stand.sandbox.revoke_user("acme", "juniper").unwrap(),
        0,
        "no grant is left at the platform"
    );
    assert!(!holds_tokens(&stand).await);
}

async fn item_69_after_a_day_we_no_longer_ask(database: TestDatabase) {
    let stand = Stand::new(database).await;
    let (user, account) = stand.user_with("acme").await;
    stand.force(
        Fault::new("acme", "revoke", FaultKind::Respond)
            .status(500)
            .times(1000),
    );
    assert_eq!(
        disconnect(&stand.service, user, &account).await,
        Ok(Revocation::Pending)
    );
    for _ in 0..24 {
        assert!(holds_tokens(&stand).await, "within the day");
        stand.pass_seconds(3600);
        housekeep(&stand.service).await.unwrap();
    }
    assert!(!holds_tokens(&stand).await, "after it");
    let calls = stand.calls("acme", "revoke");
    assert_eq!(calls, 1 + 24, "once an hour");
    stand.pass_seconds(86_400);
    housekeep(&stand.service).await.unwrap();
    assert_eq!(stand.calls("acme", "revoke"), calls);
}

async fn a_platform_that_cannot_revoke_is_not_asked(database: TestDatabase) {
    let stand = Stand::new(database).await;
    let (user, account) = stand.user_with("acme").await;
    let definition = acme_definition(&stand.platforms_at);
    let without = definition
        .lines()
        .filter(|line| !line.starts_with("revocation_url"))
        .collect::<Vec<_>>()
        .join("\n");
    let service = stand.replica(&without).await;
    let ended = service
        .disconnect_integration(&call(), user, "acme", &account)
        .await
        .unwrap();
    assert_eq!(ended.revocation, Revocation::Unsupported);
    assert!(
        ended.message.contains("settings of your Acme account"),
        "{}",
        ended.message
    );
    assert_eq!(stand.calls("acme", "revoke"), 0);
    assert!(!holds_tokens(&stand).await);
}

async fn a_grant_that_is_gone_already_counts_as_revoked(database: TestDatabase) {
    let stand = Stand::new(database).await;
    let (user, account) = stand.user_with("acme").await;
    stand.sandbox.revoke_user("acme", "juniper").unwrap();
    stand.pass_seconds(ACME_LIFE_S);
    stand.read(user, "acme", &account).await.unwrap_err();
    assert_eq!(
        disconnect(&stand.service, user, &account).await,
        Ok(Revocation::Revoked)
    );
}

async fn of_two_disconnects_at_once_one_succeeds(database: TestDatabase) {
    let stand = Stand::new(database).await;
    let (user, account) = stand.user_with("acme").await;
    let twin = stand.twin().await;
    let (one, two) = tokio::join!(
        disconnect(&stand.service, user, &account),
        disconnect(&twin, user, &account)
    );
    let both = HashSet::from([one, two]);
    assert_eq!(
        both,
        HashSet::from([Ok(Revocation::Revoked), Err(ErrorCode::AccountNotFound)])
    );
    assert_eq!(stand.calls("acme", "revoke"), 2, "one grant of two tokens");
    assert_eq!(stand.events().await, ["connected", "disconnected"]);
}

async fn one_account_goes_and_the_other_stays(database: TestDatabase) {
    let stand = Stand::new(database).await;
    let (user, juniper) = stand.user_with("acme").await;
    let kiln = stand.connect(user, "acme", "kiln").await;
    assert_eq!(
        disconnect(&stand.service, user, &juniper).await,
        Ok(Revocation::Revoked)
    );
    let token = stand.read(user, "acme", &kiln).await.unwrap();
    assert!(token.starts_with("acme-kiln-") && stand.works(&token).await);
    assert!(stand.refresh(user, "acme", &kiln).await.is_ok());
    assert_eq!(stand.integration(user).await.provider_account_id, kiln);
}

async fn another_replica_hears_of_it(database: TestDatabase) {
    let stand = Stand::new(database).await;
    let (user, account) = stand.user_with("acme").await;
    let twin = stand.twin().await;
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let house = tokio::spawn({
        let twin = twin.clone();
        async move { twin.process().run(async { drop(stopped.await) }).await }
    });
    assert!(read(&twin, user, "acme", &account).await.is_ok());
    let listed = twin.connected_integrations(&call(), user).await.unwrap();
    assert_eq!(listed.integrations.len(), 1);

    stand
        .service
        .disconnect_integration(&call(), user, "acme", &account)
        .await
        .unwrap();
    // The clock stands still: nothing but the news can end what the twin remembers.
    until(async || {
        stand.store.ping().await.unwrap();
        read(&twin, user, "acme", &account).await == Err(ErrorCode::AccountNotFound)
    })
    .await;
    until(async || {
        twin.connected_integrations(&call(), user)
            .await
            .unwrap()
            .version
            > listed.version
    })
    .await;
    assert!(
        twin.connected_integrations(&call(), user)
            .await
            .unwrap()
            .integrations
            .is_empty()
    );
    assert_eq!(stand.calls("acme", REFRESH), 0);
    drop(stop);
    house.await.unwrap();
}

async fn a_connection_outlives_its_provider_and_can_be_removed(database: TestDatabase) {
    let stand = Stand::new(database).await;
    let (user, account) = stand.user_with("acme").await;
    stand
        .database
        .execute("UPDATE oauth_accounts SET provider = 'former'")
        .await;
    let disconnect = |provider: &'static str| {
        let (service, account) = (stand.service.clone(), account.clone());
        async move {
            service
                .disconnect_integration(&call(), user, provider, &account)
                .await
        }
    };
    assert_eq!(
        disconnect("unheard-of").await.unwrap_err().code(),
        ErrorCode::InvalidProvider
    );
    let ended = disconnect("former").await.unwrap();
    assert_eq!(ended.revocation, Revocation::Unsupported);
    assert!(
        ended.message.contains("former is not configured"),
        "{}",
        ended.message
    );
    assert!(!holds_tokens(&stand).await);
    assert_eq!(
        disconnect("former").await.unwrap_err().code(),
        ErrorCode::InvalidProvider
    );
}

async fn a_queued_revocation_that_no_key_decrypts_is_reported(database: TestDatabase) {
    let stand = Stand::new(database).await;
    let (user, account) = stand.user_with("acme").await;
    stand.force(Fault::new("acme", "revoke", FaultKind::Respond).status(503));
    assert_eq!(
        disconnect(&stand.service, user, &account).await,
        Ok(Revocation::Pending)
    );
    let (iv_and_tag, text) = ("0".repeat(32), "00");
    let sealed = format!("{iv_and_tag}:{iv_and_tag}:{text}");
    stand
        .database
        .execute(&format!(
            "UPDATE evergrant_revocations SET access_token = '{sealed}'"
        ))
        .await;
    stand.pass_seconds(3_600);
    housekeep(&stand.service).await.unwrap();
    assert_eq!(stand.recorder.count("RevocationUnreadable"), 1);
    assert!(!holds_tokens(&stand).await);
}
