//! A4: concurrent reads and changes of three accounts.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex};

use evergrant_model::{ErrorCode, UserId};
use evergrant_testkit::postgres_url;
use proptest::collection::vec;
use proptest::prelude::*;
use tokio::task::JoinSet;

use super::{CheckResult, check};
use crate::harness::{ACME_LIFETIME_SECONDS, JUNIPER, KILN, TestEnv, WREN, read};

/// The three accounts: the person at Acme and the account's id.
const ACCOUNTS: [(&str, &str); 3] = [("juniper", JUNIPER), ("kiln", KILN), ("wren", WREN)];
/// Number of concurrent readers in a step.
const READERS: usize = 12;

/// A change of one connection while it is being read.
#[derive(Debug, Clone, Copy)]
enum Action {
    Nothing,
    Connect,
    Refresh,
    Disconnect,
}

/// The concurrent changes of the three accounts, and how much time passes afterwards.
#[derive(Debug, Clone)]
struct Step {
    actions: [Action; 3],
    then_advance_seconds: i64,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let action = prop_oneof![
        Just(Action::Nothing),
        Just(Action::Connect),
        Just(Action::Refresh),
        Just(Action::Disconnect)
    ];
    // Tokens are fresh, stale or expired in the next step.
    let seconds = prop_oneof![
        Just(0),
        Just(ACME_LIFETIME_SECONDS - 600),
        Just(ACME_LIFETIME_SECONDS)
    ];
    let step = (prop::array::uniform3(action), seconds);
    vec(
        step.prop_map(|(actions, then_advance_seconds)| Step {
            actions,
            then_advance_seconds,
        }),
        1..8,
    )
}

/// Performs an action. Returns whether the account is connected afterwards.
async fn perform(
    env: &TestEnv,
    user: UserId,
    (person, account): (&str, &str),
    action: Action,
    was_connected: bool,
) -> bool {
    match action {
        Action::Nothing => was_connected,
        Action::Connect => {
            assert_eq!(env.connect(user, "acme", person).await, account);
            true
        }
        Action::Refresh => {
            let expected = if was_connected {
                Ok(())
            } else {
                Err(ErrorCode::AccountNotFound)
            };
            assert_eq!(env.refresh(user, "acme", account).await.map(drop), expected);
            was_connected
        }
        Action::Disconnect => {
            let disconnected = env.disconnect(user, "acme", account).await;
            assert_eq!(disconnected.is_ok(), was_connected);
            false
        }
    }
}

/// The orders in which the readers and actions of a step have completed.
static INTERLEAVINGS: Mutex<BTreeSet<Vec<usize>>> = Mutex::new(BTreeSet::new());

#[expect(
    clippy::print_stderr,
    reason = "the number of interleavings shows how much the test has covered"
)]
fn print_interleavings(database: &str) {
    eprintln!(
        "A4: {} distinct interleavings so far, {database} the last",
        INTERLEAVINGS.lock().unwrap().len()
    );
}

/// The order in which the readers and actions of one step complete, by their numbers.
type CompletionOrder = Arc<Mutex<Vec<usize>>>;

/// A4: each read returns a token of its own connection that the provider accepts. After each step
/// it is the newest token, the one in the row. Acme rotates refresh tokens and ends a grant if one
/// is used twice, so a lost or reused refresh token would show as a grant that no longer refreshes.
async fn reads_return_newest_token_of_own_connection(
    env: TestEnv,
    steps: Vec<Step>,
) -> CheckResult {
    let user = env.user().await;
    let mut is_connected = HashMap::from(ACCOUNTS.map(|(_, account)| (account, false)));
    let order = CompletionOrder::default();
    for Step {
        actions,
        then_advance_seconds,
    } in steps
    {
        let readers = spawn_readers(&env, user, &order);
        let performed = perform_all(&env, user, actions, &is_connected, &order);
        is_connected = Box::pin(performed).await;
        check_answers(readers).await?;
        env.service.process().drain().await;
        check_newest(&env, user, &is_connected).await?;
        INTERLEAVINGS
            .lock()
            .unwrap()
            .insert(std::mem::take(&mut *order.lock().unwrap()));
        env.advance_seconds(then_advance_seconds);
    }
    Ok(())
}

/// The person of each account and the answer of a read.
type Readers = JoinSet<(&'static str, Result<String, ErrorCode>)>;

/// Reads the accounts concurrently, [`READERS`] times in all.
fn spawn_readers(env: &TestEnv, user: UserId, order: &CompletionOrder) -> Readers {
    let mut readers = JoinSet::new();
    for (number, (person, account)) in ACCOUNTS.into_iter().cycle().take(READERS).enumerate() {
        let (service, order) = (env.service.clone(), Arc::clone(order));
        readers.spawn(async move {
            let answer = read(&service, user, "acme", account).await;
            order.lock().unwrap().push(number);
            (person, answer)
        });
    }
    readers
}

/// Performs the actions concurrently. Returns which accounts are connected afterwards.
async fn perform_all(
    env: &TestEnv,
    user: UserId,
    actions: [Action; 3],
    is_connected: &HashMap<&str, bool>,
    order: &CompletionOrder,
) -> HashMap<&'static str, bool> {
    let [juniper, kiln, wren] = [0, 1, 2].map(|index| {
        let account = ACCOUNTS[index];
        let action = perform(env, user, account, actions[index], is_connected[account.1]);
        async move {
            let is_connected = action.await;
            order.lock().unwrap().push(READERS + index);
            is_connected
        }
    });
    let (juniper, kiln, wren) = tokio::join!(juniper, kiln, wren);
    HashMap::from([(JUNIPER, juniper), (KILN, kiln), (WREN, wren)])
}

/// Checks that each read returned a token of its own account, or that the account is not connected.
async fn check_answers(readers: Readers) -> CheckResult {
    for (person, answer) in readers.join_all().await {
        match answer {
            Ok(token) => prop_assert!(
                token.starts_with(&format!("acme-{person}-")),
                "not a token of {}",
                person
            ),
            Err(code) => prop_assert_eq!(code, ErrorCode::AccountNotFound),
        }
    }
    Ok(())
}

/// Checks that each connected account serves the token stored in its row.
async fn check_newest(
    env: &TestEnv,
    user: UserId,
    is_connected: &HashMap<&str, bool>,
) -> CheckResult {
    for (person, account) in ACCOUNTS {
        let answer = env.read(user, "acme", account).await;
        env.service.process().drain().await;
        if !is_connected[account] {
            prop_assert_eq!(answer, Err(ErrorCode::AccountNotFound));
            continue;
        }
        prop_assert!(answer.is_ok(), "{}: {:?}", person, answer.err());
        prop_assert_eq!(
            env.read(user, "acme", account).await,
            env.stored_token(user, account).await
        );
    }
    Ok(())
}

#[test]
fn a4_reads_return_newest_token_of_own_connection_on_sqlite() {
    check(
        12,
        &steps(),
        false,
        reads_return_newest_token_of_own_connection,
    );
    print_interleavings("SQLite");
}

#[test]
fn a4_reads_return_newest_token_of_own_connection_on_postgres() {
    assert!(!postgres_url().is_empty());
    check(
        24,
        &steps(),
        true,
        reads_return_newest_token_of_own_connection,
    );
    print_interleavings("PostgreSQL");
}
