//! Several processes over one database: each renewal is one call, whoever makes it, and the newest
//! pair stays.

use evergrant_model::{ConnectionStatus, ErrorCode, StatusReason};
use evergrant_sandbox::{Fault, FaultKind, RefreshMode, Switch, acme_definition};
use evergrant_service::IntegrationsService;
use evergrant_testkit::{TestDatabase, on_both_databases};
use tokio::task::JoinSet;

use crate::harness::{ACME_LIFE_S, REFRESH, Stand};
use crate::outcomes::{call, read, reconcile, take_up_due};

on_both_databases!(
    a5_three_replicas_and_many_readers_make_one_call_an_expiry,
    a5_what_is_due_is_taken_up_by_one_of_three_replicas,
    a6_whoever_comes_back_after_its_lease_changes_nothing,
    a6_a_failure_that_is_told_too_late_is_no_success,
    a_process_that_died_with_a_lease_is_succeeded_when_that_has_run_out,
);

async fn a5_three_replicas_and_many_readers_make_one_call_an_expiry(database: TestDatabase) {
    let stand = Stand::new(database).await;
    let (user, accounts) = stand.user_with_many("acme", 20, stand.now()).await;
    reconcile(&stand.service).await.unwrap();
    let replicas = [
        stand.service.clone(),
        stand.twin().await,
        stand.twin().await,
    ];
    let mut readers = JoinSet::new();
    for account in accounts.iter().cycle().take(20 * 20) {
        for replica in &replicas {
            let (replica, account) = (replica.clone(), account.clone());
            readers.spawn(async move {
                (
                    account.clone(),
                    read(&replica, user, "acme", &account).await.unwrap(),
                )
            });
        }
    }
    for (account, token) in readers.join_all().await {
        assert_eq!(
            stand.stored(user, &account).await,
            Ok(token),
            "of {account}"
        );
    }
    assert_eq!(stand.calls("acme", REFRESH), 20);
}

async fn a5_what_is_due_is_taken_up_by_one_of_three_replicas(database: TestDatabase) {
    let stand = Stand::new(database).await;
    stand
        .user_with_many("acme", 60, stand.now().plus_seconds(ACME_LIFE_S))
        .await;
    reconcile(&stand.service).await.unwrap();
    let replicas = [
        stand.service.clone(),
        stand.twin().await,
        stand.twin().await,
    ];
    assert_eq!(stand.take_up_due().await, 0, "nothing is due yet");
    stand.pass_seconds(ACME_LIFE_S - 300);
    let mut taken = 0;
    // A round each, until a whole one finds nothing: what one has claimed none of the others finds.
    loop {
        let (one, two, three) = tokio::join!(
            take_up_due(&replicas[0]),
            take_up_due(&replicas[1]),
            take_up_due(&replicas[2])
        );
        let round = one.unwrap() + two.unwrap() + three.unwrap();
        for replica in &replicas {
            replica.process().drain().await;
        }
        if round == 0 {
            break;
        }
        taken += round;
    }
    assert_eq!((taken, stand.calls("acme", REFRESH)), (60, 60));
}

/// The platform takes the same token twice within its window, so both attempts succeed there.
async fn a6_whoever_comes_back_after_its_lease_changes_nothing(database: TestDatabase) {
    let stand = Stand::new(database).await;
    let with_replay_window = format!(
        "{}tokens.replay_window_seconds = 60\n",
        acme_definition(&stand.platforms_at)
    );
    stand
        .sandbox
        .set("acme", Switch::RefreshToken(RefreshMode::RotateGrace))
        .unwrap();
    let (user, account) = stand.user_with("acme").await;
    let (slow, quick) = (
        stand.replica(&with_replay_window).await,
        stand.replica(&with_replay_window).await,
    );
    stand.force(Fault::new("acme", REFRESH, FaultKind::Hold));
    stand.pass_seconds(ACME_LIFE_S);
    let paused = tokio::spawn({
        let account = account.clone();
        async move { read(&slow, user, "acme", &account).await }
    });
    stand.called("acme", REFRESH, 1).await;
    stand.pass_seconds(21);
    let newest = read(&quick, user, "acme", &account).await.unwrap();
    assert_eq!(stand.calls("acme", REFRESH), 2);
    assert_eq!(
        stand.releasing(paused).await.unwrap().as_ref(),
        Ok(&newest),
        "it hears of the newer pair"
    );
    assert_eq!(stand.stored(user, &account).await, Ok(newest));
    assert_eq!(stand.row(user, "acme", &account).await.lease.generation, 2);
    assert!(
        quick
            .refresh_token(&call(), user, "acme", &account)
            .await
            .is_ok(),
        "and the grant lives"
    );
    assert_eq!(
        stand.events().await,
        ["connected", "refreshed", "refreshed"]
    );
}

/// Nothing of what the slow one learned is written down, for another has taken the lease; what it
/// holds has ended.
async fn a6_a_failure_that_is_told_too_late_is_no_success(database: TestDatabase) {
    let stand = Stand::new(database).await;
    let user = stand.user().await;
    let account = stand
        .connect_misbehaving(user, "acme", "refresh-refused")
        .await;
    let (slow, quick) = (stand.twin().await, stand.twin().await);
    stand.pass_seconds(ACME_LIFE_S);
    stand.force(Fault::new("acme", REFRESH, FaultKind::Hold).times(2));
    let ask = |replica: IntegrationsService| {
        let account = account.clone();
        tokio::spawn(async move { read(&replica, user, "acme", &account).await })
    };
    let paused = ask(slow);
    stand.called("acme", REFRESH, 1).await;
    stand.pass_seconds(21);
    let other = ask(quick);
    stand.called("acme", REFRESH, 2).await;
    for answer in stand
        .releasing(async { [paused.await.unwrap(), other.await.unwrap()] })
        .await
    {
        assert_eq!(answer, Err(ErrorCode::ReconnectRequired));
    }
}

async fn a_process_that_died_with_a_lease_is_succeeded_when_that_has_run_out(
    database: TestDatabase,
) {
    let stand = Stand::new(database).await;
    let (user, account) = stand.user_with("acme").await;
    stand.pass_seconds(ACME_LIFE_S);
    let (dying, process) = (stand.twin().await, tokio::runtime::Runtime::new().unwrap());
    stand.force(Fault::new("acme", REFRESH, FaultKind::Respond).latency_ms(600_000));
    process.spawn({
        let account = account.clone();
        async move { read(&dying, user, "acme", &account).await }
    });
    stand.called("acme", REFRESH, 1).await;
    // As good as a kill: nothing of it goes on.
    process.shutdown_background();
    let waiting = tokio::spawn({
        let (twin, account) = (stand.twin().await, account.clone());
        async move { read(&twin, user, "acme", &account).await }
    });
    assert!(
        stand
            .row(user, "acme", &account)
            .await
            .lease
            .lease_expires_at_ms
            .is_some()
    );
    assert_eq!(
        stand.calls("acme", REFRESH),
        1,
        "nobody else asks while it may be under way"
    );
    stand.pass_seconds(21);
    // The platform never saw the first request, so the second is good; had it seen it, this would
    // be a loss.
    assert!(waiting.await.unwrap().is_ok());
    assert_eq!(stand.calls("acme", REFRESH), 2);
    let seen = stand.integration(user).await;
    assert_eq!(
        (seen.status, seen.reason),
        (ConnectionStatus::Connected, None::<StatusReason>)
    );
}
