//! A platform in trouble: left alone, tried by one, and nobody's grant suffers for it.

use evergrant_model::{ConnectionStatus, ErrorCode, StatusReason, UserId};
use evergrant_sandbox::{Fault, FaultKind};
use evergrant_testkit::{TestDatabase, on_both_databases, on_postgres};

use crate::harness::{ACME_LIFE_S, REFRESH, Stand};
use crate::outcomes::{call, look_round, reconcile, take_up_due};

on_postgres!(a_pair_is_stored_before_anybody_is_told_that_the_platform_is_back);
on_both_databases!(
    a14_a_platform_that_is_down_is_left_alone_and_tried_by_one,
    a14_those_who_waited_come_back_at_the_set_pace,
    a20_a_platform_that_refuses_everybody_is_not_believed,
    a20_a_few_who_have_withdrawn_are_believed,
    a25_one_poisoned_row_keeps_nobody_else_waiting,
    a27_a_restored_backup_costs_one_call_a_connection,
);

const MANY: usize = 60;

fn down(times: u32) -> Fault {
    Fault::new("acme", REFRESH, FaultKind::Respond)
        .status(500)
        .times(times)
}

fn refuses(times: u32) -> Fault {
    down(times)
        .status(400)
        .body(serde_json::json!({ "error": "invalid_grant" }))
}

/// One second of a program that serves: gates are looked at, what is due is taken up.
async fn a_second(stand: &Stand) -> u64 {
    let before = stand.calls("acme", REFRESH);
    look_round(&stand.service).await.unwrap();
    Box::pin(stand.passing(stand.take_up_due())).await;
    stand.pass_seconds(1);
    stand.calls("acme", REFRESH) - before
}

/// So many accounts, due now.
async fn due(stand: &Stand, count: usize) -> (UserId, Vec<String>) {
    let many = stand
        .user_with_many("acme", count, stand.now().plus_seconds(ACME_LIFE_S))
        .await;
    reconcile(&stand.service).await.unwrap();
    stand.pass_seconds(ACME_LIFE_S);
    many
}

/// How many of the user's accounts stand in each way.
async fn standings(
    stand: &Stand,
    user: UserId,
) -> Vec<(ConnectionStatus, Option<StatusReason>, usize)> {
    let mut counted: Vec<(ConnectionStatus, Option<StatusReason>, usize)> = Vec::new();
    for one in stand
        .service
        .connected_integrations(&call(), user)
        .await
        .unwrap()
        .integrations
    {
        match counted
            .iter_mut()
            .find(|(status, reason, _)| (*status, *reason) == (one.status, one.reason))
        {
            Some((.., count)) => *count += 1,
            None => counted.push((one.status, one.reason, 1)),
        }
    }
    counted
}

async fn a14_a_platform_that_is_down_is_left_alone_and_tried_by_one(database: TestDatabase) {
    let stand = Stand::new(database).await;
    let (user, accounts) = due(&stand, MANY).await;
    stand.force(down(1_000_000));
    let first = a_second(&stand).await;
    assert!(
        (5..=64).contains(&first),
        "{first} calls until the breaker opened, at most those that were under way"
    );
    let mut probes = 0;
    for second in 0..600 {
        let calls = a_second(&stand).await;
        assert!(
            calls <= 1,
            "{calls} calls at once, {second} s after the breaker opened"
        );
        probes += calls;
    }
    assert!(
        (3..=20).contains(&probes),
        "5 s, 10 s, 20 s and so on up to 5 minutes apart: {probes}"
    );
    let opened = u64::try_from(stand.recorder.count("BreakerOpened")).unwrap();
    assert_eq!(
        opened,
        1 + probes,
        "reported once when it opens, and once per failed probe"
    );
    let calls = stand.calls("acme", REFRESH);
    for account in &accounts {
        assert_eq!(
            stand.read(user, "acme", account).await,
            Err(ErrorCode::ProviderUnavailable)
        );
    }
    assert!(
        stand.calls("acme", REFRESH) <= calls + 1,
        "readers do not get around it"
    );
    let all = (
        ConnectionStatus::Error,
        Some(StatusReason::ProviderUnavailable),
        MANY,
    );
    assert_eq!(
        standings(&stand, user).await,
        [all],
        "and the list says so of all"
    );
}

async fn a14_those_who_waited_come_back_at_the_set_pace(database: TestDatabase) {
    let stand = Stand::new(database).await;
    let (user, _) = due(&stand, MANY).await;
    // Each fails once.
    stand.force(down(u32::try_from(MANY).unwrap()));
    a_second(&stand).await;
    assert_eq!(stand.store.provider_blocks().all().await.unwrap().len(), 1);
    let before = stand.calls("acme", REFRESH);
    for _ in 0..7200 {
        let began = stand.now();
        let calls = i64::try_from(a_second(&stand).await).unwrap();
        // One in 50 ms, and the first at once; the second that passes at the end is nobody's.
        let took_ms = stand.now().unix_ms() - began.unix_ms() - 1000;
        assert!(calls <= took_ms / 50 + 1, "{calls} in {took_ms} ms");
        if standings(&stand, user)
            .await
            .iter()
            .all(|(_, reason, _)| reason.is_none())
        {
            break;
        }
    }
    assert_eq!(
        standings(&stand, user).await,
        [(ConnectionStatus::Connected, None, MANY)]
    );
    assert_eq!(stand.recorder.count("BreakerClosed"), 1);
    let calls = stand.calls("acme", REFRESH) - before;
    assert!(
        calls <= 2 * MANY as u64,
        "{calls} calls for {MANY} connections, each of which failed once at most"
    );
}

/// Whoever tells has to wait for the table of gates; the pair has not.
async fn a_pair_is_stored_before_anybody_is_told_that_the_platform_is_back(database: TestDatabase) {
    let stand = Stand::new(database).await;
    let (user, accounts) = due(&stand, 5).await;
    stand.force(down(5));
    a_second(&stand).await;
    assert_eq!(stand.store.provider_blocks().all().await.unwrap().len(), 1);
    stand.force(Fault::new("acme", REFRESH, FaultKind::Hold));
    while take_up_due(&stand.service).await.unwrap() == 0 {
        stand.pass_seconds(1);
    }
    stand.called("acme", REFRESH, 6).await;
    let lock = stand
        .database
        .begin("LOCK TABLE evergrant_gates IN EXCLUSIVE MODE")
        .await;
    stand.releasing(stand.database.lock_is_waited_for()).await;
    let mut generations = Vec::new();
    for account in &accounts {
        generations.push(stand.row(user, "acme", account).await.lease.generation);
    }
    lock.commit().await;
    assert_eq!(generations.iter().sum::<i64>(), 6, "{generations:?}");
    stand.service.process().drain().await;
    assert!(
        stand
            .store
            .provider_blocks()
            .all()
            .await
            .unwrap()
            .is_empty()
    );
}

async fn a20_a_platform_that_refuses_everybody_is_not_believed(database: TestDatabase) {
    let stand = Stand::new(database).await;
    let (user, accounts) = due(&stand, MANY).await;
    let twin = stand.twin().await;
    stand.force(refuses(40));
    for _ in 0..7200 {
        let (_, looked) = tokio::join!(a_second(&stand), look_round(&twin));
        looked.unwrap();
        if standings(&stand, user).await == [(ConnectionStatus::Connected, None, MANY)] {
            break;
        }
    }
    assert_eq!(
        standings(&stand, user).await,
        [(ConnectionStatus::Connected, None, MANY)],
        "nobody has to do a thing"
    );
    assert!(
        stand.calls("acme", REFRESH) <= 40 + MANY as u64,
        "each is tried once after it healed"
    );
    let told_twice =
        "SELECT provider_account_id FROM evergrant_events WHERE kind IN ('expired', 'error')
        GROUP BY provider_account_id, kind HAVING COUNT(*) > 1";
    assert_eq!(
        stand.database.texts(told_twice).await,
        Vec::<String>::new(),
        "however many replicas take a mark back"
    );
    for account in accounts {
        assert!(stand.read(user, "acme", &account).await.is_ok());
    }
}

async fn a20_a_few_who_have_withdrawn_are_believed(database: TestDatabase) {
    let stand = Stand::new(database).await;
    let (user, _) = due(&stand, MANY).await;
    stand.force(refuses(9));
    for _ in 0..300 {
        a_second(&stand).await;
    }
    let ended = (
        ConnectionStatus::Expired,
        Some(StatusReason::RefreshTokenInvalid),
        9,
    );
    let mut seen = standings(&stand, user).await;
    seen.sort_by_key(|(.., count)| *count);
    assert_eq!(seen, [ended, (ConnectionStatus::Connected, None, MANY - 9)]);
    assert_eq!(stand.calls("acme", REFRESH), MANY as u64);
}

async fn a25_one_poisoned_row_keeps_nobody_else_waiting(database: TestDatabase) {
    let stand = Stand::new(database).await;
    let (user, accounts) = due(&stand, 20).await;
    let forged = format!("{}:{}:00", "00".repeat(16), "00".repeat(16));
    let poison = format!(
        "UPDATE oauth_accounts SET refresh_token = '{forged}' WHERE provider_account_id = '{}'",
        accounts[7]
    );
    stand.database.execute(&poison).await;
    for _ in 0..60 {
        a_second(&stand).await;
    }
    let mut seen = standings(&stand, user).await;
    seen.sort_by_key(|(.., count)| *count);
    let poisoned = (
        ConnectionStatus::Error,
        Some(StatusReason::DecryptionError),
        1,
    );
    assert_eq!(seen, [poisoned, (ConnectionStatus::Connected, None, 19)]);
    assert_eq!(stand.calls("acme", REFRESH), 19);
    assert_eq!(
        stand.read(user, "acme", &accounts[7]).await,
        Err(ErrorCode::DecryptionError)
    );
    stand.pass_seconds(ACME_LIFE_S);
    for _ in 0..60 {
        a_second(&stand).await;
    }
    assert_eq!(stand.calls("acme", REFRESH), 38, "and so it goes on");
}

/// The refresh tokens of the backup have all been used since: the platform has no reason to take
/// them again.
async fn a27_a_restored_backup_costs_one_call_a_connection(database: TestDatabase) {
    let stand = Stand::new(database).await;
    let (user, accounts) = due(&stand, MANY).await;
    stand.pass_seconds(3 * ACME_LIFE_S);
    stand.force(refuses(1_000_000));
    for _ in 0..120 {
        a_second(&stand).await;
    }
    assert_eq!(stand.calls("acme", REFRESH), MANY as u64, "one try each");
    let ended = (
        ConnectionStatus::Expired,
        Some(StatusReason::RefreshTokenInvalid),
        MANY,
    );
    assert_eq!(standings(&stand, user).await, [ended]);
    for account in accounts {
        assert_eq!(
            stand.read(user, "acme", &account).await,
            Err(ErrorCode::ReconnectRequired)
        );
    }
    assert_eq!(stand.calls("acme", REFRESH), MANY as u64);
}
