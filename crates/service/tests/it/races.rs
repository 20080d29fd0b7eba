//! What may happen while the platform is being asked.

use std::future::ready;

use evergrant_model::{ConnectionStatus, ErrorCode, UserId};
use evergrant_sandbox::{Fault, FaultKind};
use evergrant_testkit::{TestDatabase, on_both_databases};
use tokio::task::{JoinHandle, JoinSet};

use crate::harness::{REFRESH, Stand};
use crate::outcomes::{call, reconcile};

on_both_databases!(
    a_reconnect_during_a_renewal_is_not_overwritten,
    a_refusal_of_the_old_grant_does_not_touch_the_new_one,
    a_disconnect_during_a_renewal_leaves_no_grant_behind,
    a_user_deleted_during_a_flow_leaves_no_grant_behind,
    draining_waits_for_a_renewal,
    whoever_waits_for_a_place_begins_nothing_once_the_program_ends,
);

/// A renewal that has reached the platform, and whose answer is kept back.
async fn held_renewal(
    stand: &Stand,
    user: UserId,
    account: &str,
) -> JoinHandle<Result<(), ErrorCode>> {
    stand.fault("acme", REFRESH, FaultKind::Hold);
    let (service, account) = (stand.service.clone(), account.to_owned());
    let renewal = tokio::spawn(async move {
        let renewed = service.refresh_token(&call(), user, "acme", &account).await;
        renewed.map(drop).map_err(|error| error.code())
    });
    stand.called("acme", REFRESH, 1).await;
    renewal
}

async fn a_reconnect_during_a_renewal_is_not_overwritten(database: TestDatabase) {
    let stand = Stand::new(database).await;
    let (user, account) = stand.user_with("acme").await;
    let renewal = held_renewal(&stand, user, &account).await;
    stand.connect(user, "acme", "juniper").await;
    let newest = stand.read(user, "acme", &account).await;
    stand.sandbox.release();
    assert_eq!(
        renewal.await.unwrap(),
        Ok(()),
        "there is a newer token, which is all that was wanted"
    );
    assert_eq!(stand.read(user, "acme", &account).await, newest);
    assert_eq!(stand.row(user, "acme", &account).await.lease.generation, 2);
    assert!(
        stand.refresh(user, "acme", &account).await.is_ok(),
        "the stored refresh token is that of the reconnect"
    );
}

async fn a_refusal_of_the_old_grant_does_not_touch_the_new_one(database: TestDatabase) {
    let stand = Stand::new(database).await;
    let user = stand.user().await;
    let account = stand
        .connect_misbehaving(user, "acme", "refresh-refused")
        .await;
    let renewal = held_renewal(&stand, user, &account).await;
    stand.connect(user, "acme", "juniper").await;
    stand.sandbox.release();
    assert_eq!(renewal.await.unwrap(), Ok(()));
    assert_eq!(
        stand.integration(user).await.status,
        ConnectionStatus::Connected
    );
    assert!(stand.refresh(user, "acme", &account).await.is_ok());
}

/// The platform had already replaced the pair that the disconnect revoked.
async fn a_disconnect_during_a_renewal_leaves_no_grant_behind(database: TestDatabase) {
    let stand = Stand::new(database).await;
    let (user, account) = stand.user_with("acme").await;
    let renewal = held_renewal(&stand, user, &account).await;
    stand
        .service
        .disconnect_integration(&call(), user, "acme", &account)
        .await
        .unwrap();
    stand.sandbox.release();
    assert_eq!(renewal.await.unwrap(), Err(ErrorCode::AccountNotFound));
    assert_eq!(
        stand.sandbox.revoke_user("acme", "juniper").unwrap(),
        0,
        "no grant is left at the platform"
    );
    assert_eq!(
        stand.read(user, "acme", &account).await,
        Err(ErrorCode::AccountNotFound)
    );
}

async fn a_user_deleted_during_a_flow_leaves_no_grant_behind(database: TestDatabase) {
    let stand = Stand::new(database).await;
    for bound in [false, true] {
        let user = stand.user().await;
        let flow = if bound {
            stand.begin_bound(user, "acme").await
        } else {
            stand.begin(user, "acme").await
        };
        let (service, back) = (stand.service.clone(), stand.consent(&flow, "juniper"));
        stand.fault("acme", "userinfo", FaultKind::Hold);
        let callback = tokio::spawn(async move {
            service
                .handle_oauth_callback(&call(), "acme", back)
                .await
                .map(drop)
        });
        stand.called("acme", "userinfo", 1 + u64::from(bound)).await;
        stand.service.users().delete(&call(), user).await.unwrap();
        stand.sandbox.release();
        let _ = callback.await.unwrap();
        assert_eq!(
            stand.sandbox.revoke_user("acme", "juniper").unwrap(),
            0,
            "no grant is left; bound: {bound}"
        );
    }
}

async fn draining_waits_for_a_renewal(database: TestDatabase) {
    let stand = Stand::new(database).await;
    let (user, account) = stand.user_with("acme").await;
    let renewal = held_renewal(&stand, user, &account).await;
    renewal.abort();
    let mut drained = Box::pin(stand.service.process().drain());
    tokio::select! {
        biased;
        () = &mut drained => panic!("a renewal is under way"),
        () = ready(()) => {}
    }
    stand.sandbox.release();
    drained.await;
    assert_eq!(stand.row(user, "acme", &account).await.lease.generation, 2);
}

async fn whoever_waits_for_a_place_begins_nothing_once_the_program_ends(database: TestDatabase) {
    let stand = Stand::new(database).await;
    let places = stand.service.settings().refresh_concurrency;
    let (user, accounts) = stand.user_with_many("acme", places + 1, stand.now()).await;
    reconcile(&stand.service).await.unwrap();
    stand.force(Fault::new("acme", REFRESH, FaultKind::Hold).times(1000));
    let mut readers = JoinSet::new();
    for account in accounts {
        let service = stand.service.clone();
        readers.spawn(async move { crate::outcomes::read(&service, user, "acme", &account).await });
    }
    let places = places as u64;
    stand.called("acme", REFRESH, places).await;
    stand.service.process().begin_shutdown();
    let mut answers = stand.releasing(readers.join_all()).await;
    answers.retain(Result::is_err);
    assert_eq!(answers, [Err(ErrorCode::Overloaded)]);
    assert_eq!(stand.calls("acme", REFRESH), places);
}
