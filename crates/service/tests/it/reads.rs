use std::collections::HashSet;

use evergrant_model::{ConnectionStatus, ErrorCode, StatusReason};
use evergrant_sandbox::{Fault, FaultKind, Switch};
use evergrant_testkit::{TestDatabase, on_both_databases};
use tokio::task::JoinSet;

use crate::harness::{ACME_LIFE_S, REDDIT_LIFE_S, REFRESH, Stand};
use crate::outcomes::{call, read};

on_both_databases!(
    a1_a_thousand_readers_of_an_expired_token_cost_one_call,
    a3_a_renewal_outlives_the_caller_that_started_it,
    a_fresh_token_costs_neither_a_query_nor_a_call,
    inside_the_margin_the_held_token_is_answered_at_once_and_renewed_behind,
    a_wish_for_more_than_half_of_the_life_does_not_loop,
    a12_while_the_token_works_no_failed_renewal_makes_a_read_fail,
    a13_a_dead_grant_is_answered_without_a_call,
    a_token_without_an_access_half_is_renewed_first,
    a_replica_with_an_old_row_takes_what_another_has_renewed,
);

/// A platform that rotates and ends the grant when a refresh token comes twice: a second call would
/// show.
async fn a1_a_thousand_readers_of_an_expired_token_cost_one_call(database: TestDatabase) {
    let stand = Stand::new(database).await;
    let (user, account) = stand.user_with("acme").await;
    stand.pass_seconds(ACME_LIFE_S);
    stand.fault("acme", REFRESH, FaultKind::Hold);
    let mut readers = JoinSet::new();
    for _ in 0..1000 {
        let (service, account) = (stand.service.clone(), account.clone());
        readers.spawn(async move { read(&service, user, "acme", &account).await });
    }
    stand.called("acme", REFRESH, 1).await;
    stand.sandbox.release();
    let answers: Vec<_> = readers
        .join_all()
        .await
        .into_iter()
        .map(Result::unwrap)
        .collect();
    assert_eq!(answers.len(), 1000);
    assert_eq!(
        answers.into_iter().collect::<HashSet<_>>().len(),
        1,
        "all got the same token"
    );
    assert_eq!(stand.calls("acme", REFRESH), 1);
    assert!(
        stand.refresh(user, "acme", &account).await.is_ok(),
        "the grant is alive"
    );
}

async fn a3_a_renewal_outlives_the_caller_that_started_it(database: TestDatabase) {
    let stand = Stand::new(database).await;
    let (user, account) = stand.user_with("acme").await;
    stand.pass_seconds(ACME_LIFE_S);
    stand.fault("acme", REFRESH, FaultKind::Hold);
    let reader = || {
        let (service, account) = (stand.service.clone(), account.clone());
        tokio::spawn(async move { read(&service, user, "acme", &account).await })
    };
    let first = reader();
    stand.called("acme", REFRESH, 1).await;
    let others: Vec<_> = (0..10).map(|_| reader()).collect();
    first.abort();
    assert!(first.await.unwrap_err().is_cancelled());
    stand.sandbox.release();
    for other in others {
        assert!(other.await.unwrap().is_ok());
    }
    assert_eq!(stand.calls("acme", REFRESH), 1);
    assert_eq!(
        stand.row(user, "acme", &account).await.lease.generation,
        2,
        "the pair was stored"
    );
}

async fn a_fresh_token_costs_neither_a_query_nor_a_call(database: TestDatabase) {
    let stand = Stand::new(database).await;
    let (user, account) = stand.user_with("acme").await;
    let token = stand.read(user, "acme", &account).await;
    let calls = stand.sandbox.calls();
    // From here on every query fails.
    stand.store.close().await;
    for _ in 0..1000 {
        assert_eq!(stand.read(user, "acme", &account).await, token);
    }
    assert_eq!(stand.sandbox.calls(), calls);
    stand.pass_seconds(300);
    assert_eq!(
        stand.read(user, "acme", &account).await,
        token,
        "a row stands in for the database for five minutes"
    );
    stand.pass_seconds(1);
    assert_eq!(
        stand.read(user, "acme", &account).await,
        Err(ErrorCode::DatabaseError)
    );
}

async fn inside_the_margin_the_held_token_is_answered_at_once_and_renewed_behind(
    database: TestDatabase,
) {
    let stand = Stand::new(database).await;
    let (user, account) = stand.user_with("acme").await;
    let held = stand.read(user, "acme", &account).await.unwrap();
    stand.pass_seconds(ACME_LIFE_S - 700);
    stand.fault("acme", REFRESH, FaultKind::Hold);
    for _ in 0..100 {
        assert_eq!(
            stand.read(user, "acme", &account).await.as_ref(),
            Ok(&held),
            "though the platform does not answer"
        );
    }
    stand.called("acme", REFRESH, 1).await;
    stand.sandbox.release();
    stand.service.process().drain().await;
    assert_ne!(stand.read(user, "acme", &account).await, Ok(held));
    assert_eq!(stand.calls("acme", REFRESH), 1);
}

async fn a_wish_for_more_than_half_of_the_life_does_not_loop(database: TestDatabase) {
    let stand = Stand::new(database).await;
    let (user, account) = stand.user_with("acme").await;
    let wish = async |seconds| {
        let issued = stand
            .service
            .access_token(&call(), user, "acme", &account, seconds)
            .await;
        issued
            .unwrap()
            .expires_at
            .unwrap()
            .seconds_since(stand.now())
    };
    assert_eq!(
        wish(i64::MAX).await,
        ACME_LIFE_S,
        "a young token fulfils every wish"
    );
    stand.pass_seconds(ACME_LIFE_S / 2 - 1);
    wish(i64::MAX).await;
    assert_eq!(
        stand.calls("acme", REFRESH),
        0,
        "more than half of the life is left"
    );
    stand.pass_seconds(2);
    assert_eq!(
        wish(100).await,
        ACME_LIFE_S / 2 - 1,
        "a small wish is fulfilled by what is left"
    );
    for _ in 0..10 {
        assert_eq!(wish(i64::MAX).await, ACME_LIFE_S);
    }
    assert_eq!(stand.calls("acme", REFRESH), 1);
}

async fn a12_while_the_token_works_no_failed_renewal_makes_a_read_fail(database: TestDatabase) {
    let stand = Stand::new(database).await;
    for (platform, life_s) in [("acme", ACME_LIFE_S), ("reddit", REDDIT_LIFE_S)] {
        let (user, account) = stand.user_with(platform).await;
        let held = stand.read(user, platform, &account).await.unwrap();
        stand.force(
            Fault::new(platform, REFRESH, FaultKind::Respond)
                .status(500)
                .times(10_000),
        );
        stand.pass_seconds(life_s - 290);
        for left in (1..=290).rev() {
            assert_eq!(
                stand.read(user, platform, &account).await.as_ref(),
                Ok(&held),
                "{left} s before the end"
            );
            stand.service.process().drain().await;
            let seen = stand.integration(user).await;
            assert_eq!(
                (seen.status, seen.reason),
                (
                    ConnectionStatus::Connected,
                    Some(StatusReason::RefreshRetrying)
                )
            );
            stand.pass_seconds(1);
        }
        assert!(stand.calls(platform, REFRESH) >= 1, "renewal was tried");
        assert_eq!(
            stand.read(user, platform, &account).await,
            Err(ErrorCode::ProviderUnavailable),
            "at the end"
        );
    }
}

async fn a13_a_dead_grant_is_answered_without_a_call(database: TestDatabase) {
    let stand = Stand::new(database).await;
    let (user, account) = stand.user_with("acme").await;
    stand.sandbox.revoke_user("acme", "juniper").unwrap();
    stand.pass_seconds(ACME_LIFE_S);
    assert_eq!(
        stand.read(user, "acme", &account).await,
        Err(ErrorCode::ReconnectRequired)
    );
    let calls = stand.sandbox.calls();
    assert_eq!(calls.get("acme", REFRESH), 1);
    for _ in 0..10_000 {
        assert_eq!(
            stand.read(user, "acme", &account).await,
            Err(ErrorCode::ReconnectRequired)
        );
    }
    stand.pass_seconds(30 * 86_400);
    assert_eq!(
        stand.read(user, "acme", &account).await,
        Err(ErrorCode::ReconnectRequired)
    );
    assert_eq!(
        stand.refresh(user, "acme", &account).await,
        Err(ErrorCode::ReconnectRequired)
    );
    assert_eq!(stand.sandbox.calls(), calls);
    let seen = stand.integration(user).await;
    assert_eq!(
        (seen.status, seen.reason),
        (
            ConnectionStatus::Expired,
            Some(StatusReason::RefreshTokenInvalid)
        )
    );
    assert_eq!(stand.events().await, ["connected", "expired"], "told once");
    stand.read(user, "acme", &account).await.unwrap_err();
    stand.store.close().await;
    assert_eq!(
        stand.read(user, "acme", &account).await,
        Err(ErrorCode::ReconnectRequired),
        "without a query"
    );
}

/// Nobody has told the twin, and it must not spend a refresh token that has been spent.
async fn a_replica_with_an_old_row_takes_what_another_has_renewed(database: TestDatabase) {
    let stand = Stand::new(database).await;
    stand.sandbox.set("acme", Switch::ExpiresIn(40)).unwrap();
    let (user, account) = stand.user_with("acme").await;
    let twin = stand.twin().await;
    let old = stand.read(user, "acme", &account).await;
    assert_eq!(read(&twin, user, "acme", &account).await, old);
    stand.pass_seconds(30);
    let new = stand.read(user, "acme", &account).await;
    assert_ne!(new, old);
    assert_eq!(read(&twin, user, "acme", &account).await, new);
    assert_eq!(stand.calls("acme", REFRESH), 1);
}

/// As another program may leave it in the shared table.
async fn a_token_without_an_access_half_is_renewed_first(database: TestDatabase) {
    let stand = Stand::new(database).await;
    let (user, account) = stand.user_with("acme").await;
    stand
        .database
        .execute("UPDATE oauth_accounts SET access_token = NULL")
        .await;
    assert!(stand.read(user, "acme", &account).await.is_ok());
    assert_eq!(stand.calls("acme", REFRESH), 1);
}
