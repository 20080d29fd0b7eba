//! Laws that hold whatever happens in whatever order.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex};

use evergrant_model::{AuthorizationCode, ErrorCode, FlowState, UserId};
use evergrant_testkit::{TestDatabase, postgres_url};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{Config, FileFailurePersistence, TestCaseError, TestRunner};
use tokio::runtime::Runtime;
use tokio::task::JoinSet;

use crate::harness::{ACME_LIFE_S, EXCHANGE, JUNIPER, KILN, Stand, WREN};
use crate::outcomes::{again, call, connected, housekeep, read};

type Checked = Result<(), TestCaseError>;

/// Runs `law` on `cases` generated inputs, each in a world of its own.
fn hold<S: Strategy>(
    cases: u32,
    inputs: &S,
    on_postgres: bool,
    law: impl AsyncFn(Stand, S::Value) -> Checked,
) {
    let runtime = Runtime::new().unwrap();
    let persistence = FileFailurePersistence::Direct("tests/it/properties.regressions");
    let config = Config {
        cases,
        failure_persistence: Some(Box::new(persistence)),
        max_shrink_iters: 64,
        ..Config::default()
    };
    let outcome = TestRunner::new(config).run(inputs, |input| {
        runtime.block_on(async {
            let database = if on_postgres {
                TestDatabase::postgres().await
            } else {
                TestDatabase::sqlite()
            };
            law(Stand::new(database).await, input).await
        })
    });
    outcome.unwrap_or_else(|broken| panic!("{broken}"));
}

/// One connection's part in a step: what is done to it while it is being read.
#[derive(Debug, Clone, Copy)]
enum Deed {
    Nothing,
    Connect,
    Refresh,
    Disconnect,
}

/// What happens to each of the three accounts at once, and how much time passes afterwards.
#[derive(Debug, Clone)]
struct Step {
    deeds: [Deed; 3],
    then_pass_seconds: i64,
}

const ACCOUNTS: [(&str, &str); 3] = [("juniper", JUNIPER), ("kiln", KILN), ("wren", WREN)];

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let deed = prop_oneof![
        Just(Deed::Nothing),
        Just(Deed::Connect),
        Just(Deed::Refresh),
        Just(Deed::Disconnect)
    ];
    // Fresh, inside the margin, expired.
    let seconds = prop_oneof![Just(0), Just(ACME_LIFE_S - 600), Just(ACME_LIFE_S)];
    let step = (prop::array::uniform3(deed), seconds);
    vec(
        step.prop_map(|(deeds, then_pass_seconds)| Step {
            deeds,
            then_pass_seconds,
        }),
        1..8,
    )
}

/// Does a deed; answers whether the account is connected afterwards.
async fn carry_out(
    stand: &Stand,
    user: UserId,
    (person, account): (&str, &str),
    deed: Deed,
    was: bool,
) -> bool {
    match deed {
        Deed::Nothing => was,
        Deed::Connect => {
            assert_eq!(stand.connect(user, "acme", person).await, account);
            true
        }
        Deed::Refresh => {
            let expected = if was {
                Ok(())
            } else {
                Err(ErrorCode::AccountNotFound)
            };
            assert_eq!(
                stand.refresh(user, "acme", account).await.map(drop),
                expected
            );
            was
        }
        Deed::Disconnect => {
            let ended = stand
                .service
                .disconnect_integration(&call(), user, "acme", account)
                .await;
            assert_eq!(ended.is_ok(), was);
            false
        }
    }
}

/// In which orders the readers and deeds of a step have come to their ends.
static INTERLEAVINGS: Mutex<BTreeSet<Vec<usize>>> = Mutex::new(BTreeSet::new());

#[expect(
    clippy::print_stderr,
    reason = "how much was tried is what the test has to say beside its result"
)]
fn print_interleavings(database: &str) {
    eprintln!(
        "A4: {} distinct interleavings so far, {database} the last",
        INTERLEAVINGS.lock().unwrap().len()
    );
}

/// A4: each answer is a token of that very connection that the platform takes, and after each step
/// it is the newest: the one that the row holds. The platform rotates and ends a grant whose
/// refresh token comes twice, so a refresh token that was lost or used again would show as a grant
/// that no longer renews.
async fn each_answer_is_the_newest_token_of_its_own_connection(
    stand: Stand,
    steps: Vec<Step>,
) -> Checked {
    let user = stand.user().await;
    let mut live = HashMap::from(ACCOUNTS.map(|(_, account)| (account, false)));
    let ends = Arc::new(Mutex::new(Vec::new()));
    for Step {
        deeds,
        then_pass_seconds,
    } in steps
    {
        let mut readers = JoinSet::new();
        for (number, (person, account)) in ACCOUNTS.into_iter().cycle().take(12).enumerate() {
            let (service, ends) = (stand.service.clone(), Arc::clone(&ends));
            readers.spawn(async move {
                let answer = read(&service, user, "acme", account).await;
                ends.lock().unwrap().push(number);
                (person, answer)
            });
        }
        let [one, two, three] = [0, 1, 2].map(|at| {
            let (ends, deed) = (
                &ends,
                carry_out(&stand, user, ACCOUNTS[at], deeds[at], live[ACCOUNTS[at].1]),
            );
            async move {
                let is_live = deed.await;
                ends.lock().unwrap().push(12 + at);
                is_live
            }
        });
        let (one, two, three) = tokio::join!(one, two, three);
        live = HashMap::from([(JUNIPER, one), (KILN, two), (WREN, three)]);
        for (person, answer) in readers.join_all().await {
            match answer {
                Ok(token) => prop_assert!(
                    token.starts_with(&format!("acme-{person}-")),
                    "of {}",
                    person
                ),
                Err(code) => prop_assert_eq!(code, ErrorCode::AccountNotFound),
            }
        }
        stand.service.process().drain().await;
        check_newest(&stand, user, &live).await?;
        INTERLEAVINGS
            .lock()
            .unwrap()
            .insert(std::mem::take(&mut *ends.lock().unwrap()));
        stand.pass_seconds(then_pass_seconds);
    }
    Ok(())
}

async fn check_newest(stand: &Stand, user: UserId, live: &HashMap<&str, bool>) -> Checked {
    for (person, account) in ACCOUNTS {
        let answer = stand.read(user, "acme", account).await;
        stand.service.process().drain().await;
        if !live[account] {
            prop_assert_eq!(answer, Err(ErrorCode::AccountNotFound));
            continue;
        }
        prop_assert!(answer.is_ok(), "{}: {:?}", person, answer.err());
        prop_assert_eq!(
            stand.read(user, "acme", account).await,
            stand.stored(user, account).await
        );
    }
    Ok(())
}

#[test]
fn a4_each_answer_is_the_newest_token_of_its_own_connection_on_sqlite() {
    hold(
        12,
        &steps(),
        false,
        each_answer_is_the_newest_token_of_its_own_connection,
    );
    print_interleavings("SQLite");
}

#[test]
fn a4_each_answer_is_the_newest_token_of_its_own_connection_on_postgres() {
    assert!(!postgres_url().is_empty());
    hold(
        24,
        &steps(),
        true,
        each_answer_is_the_newest_token_of_its_own_connection,
    );
    print_interleavings("PostgreSQL");
}

/// What an attacker does to a callback before it arrives.
#[derive(Debug, Clone)]
enum Meddling {
    /// Changes one character of the state.
    State(prop::sample::Index),
    /// Cuts the state off.
    ShortState(prop::sample::Index),
    /// Takes it to another platform.
    Platform(String),
    /// Puts in a code that another flow has been given (RFC 9700 §4.5).
    Code,
    /// Changes one character of the code.
    WrongCode(prop::sample::Index),
}

fn meddling() -> impl Strategy<Value = Meddling> {
    prop_oneof![
        any::<prop::sample::Index>().prop_map(Meddling::State),
        any::<prop::sample::Index>().prop_map(Meddling::ShortState),
        "reddit|ACME|acme-?|[a-z]{1,8}"
            .prop_filter("another", |name| name != "acme")
            .prop_map(Meddling::Platform),
        Just(Meddling::Code),
        any::<prop::sample::Index>().prop_map(Meddling::WrongCode),
    ]
}

fn changed(text: &str, at: prop::sample::Index) -> String {
    let mut bytes = text.as_bytes().to_vec();
    let place = at.index(bytes.len());
    bytes[place] = if bytes[place] == b'A' { b'B' } else { b'A' };
    String::from_utf8(bytes).unwrap()
}

/// Items 2, 3 and 7: state, platform, code and verifier belong together, and no other pairing
/// connects anything.
async fn a_callback_that_was_meddled_with_connects_nothing(
    stand: Stand,
    meddling: Meddling,
) -> Checked {
    let (victim, attacker) = (stand.user().await, stand.user().await);
    let (flow, theirs) = (
        stand.begin(victim, "acme").await,
        stand.begin(attacker, "acme").await,
    );
    let good = stand.consent(&flow, "juniper");
    let (mut bad, mut platform) = (again(&good), "acme".to_owned());
    let state = good.state.expose();
    let code = good.code.as_ref().unwrap().expose();
    match &meddling {
        Meddling::State(at) => bad.state = FlowState::new(changed(state, *at)),
        Meddling::ShortState(at) => bad.state = FlowState::new(&state[..at.index(state.len())]),
        Meddling::Platform(name) => platform.clone_from(name),
        Meddling::Code => bad.code = stand.consent(&theirs, "kiln").code,
        Meddling::WrongCode(at) => bad.code = Some(AuthorizationCode::new(changed(code, *at))),
    }
    let outcome = stand.callback(&platform, bad).await;
    prop_assert!(stand.events().await.is_empty(), "nothing is connected");
    if matches!(meddling, Meddling::Code | Meddling::WrongCode(_)) {
        prop_assert_eq!(
            crate::outcomes::failed(&outcome.unwrap()),
            ErrorCode::InvalidCode,
            "the platform saw through it"
        );
        prop_assert_eq!(
            stand.callback("acme", good).await.unwrap_err().code(),
            ErrorCode::InvalidState,
            "used up"
        );
        return Ok(());
    }
    prop_assert_eq!(outcome.unwrap_err().code(), ErrorCode::InvalidState);
    prop_assert_eq!(stand.calls("acme", EXCHANGE), 0, "the code is unspent");
    prop_assert_eq!(
        connected(&stand.callback("acme", good).await.unwrap()),
        JUNIPER,
        "and the good one still works"
    );
    Ok(())
}

#[test]
fn items_2_3_and_7_a_callback_that_was_meddled_with_connects_nothing() {
    hold(
        24,
        &meddling(),
        false,
        a_callback_that_was_meddled_with_connects_nothing,
    );
}

/// What a disconnect finds at the platform.
#[derive(Debug, Clone)]
struct Before {
    refreshes: u8,
    seconds: i64,
    withdrawn: bool,
    failing_calls: u32,
}

fn before() -> impl Strategy<Value = Before> {
    (0u8..3, 0i64..2 * ACME_LIFE_S, any::<bool>(), 0u32..6).prop_map(
        |(refreshes, seconds, withdrawn, failing_calls)| Before {
            refreshes,
            seconds,
            withdrawn,
            failing_calls,
        },
    )
}

/// Whatever state a connection is in and however often the platform fails: after a disconnect it is
/// gone here at once, and in the end at the platform too, and no token is left.
async fn a_disconnect_leaves_nothing_behind(stand: Stand, before: Before) -> Checked {
    let (user, account) = stand.user_with("acme").await;
    for _ in 0..before.refreshes {
        stand.refresh(user, "acme", &account).await.unwrap();
    }
    if before.withdrawn {
        stand.sandbox.revoke_user("acme", "juniper").unwrap();
    }
    stand.pass_seconds(before.seconds);
    let _ = stand.read(user, "acme", &account).await;
    if before.failing_calls > 0 {
        let down =
            evergrant_sandbox::Fault::new("acme", "revoke", evergrant_sandbox::FaultKind::Empty);
        stand.force(down.times(before.failing_calls));
    }
    stand
        .service
        .disconnect_integration(&call(), user, "acme", &account)
        .await
        .unwrap();
    prop_assert_eq!(
        stand.read(user, "acme", &account).await,
        Err(ErrorCode::AccountNotFound)
    );
    prop_assert!(
        stand
            .service
            .connected_integrations(&call(), user)
            .await
            .unwrap()
            .integrations
            .is_empty()
    );
    // The read may have begun a renewal behind its answer.
    stand.service.process().drain().await;
    for _ in 0..before.failing_calls {
        stand.pass_seconds(3600);
        housekeep(&stand.service).await.unwrap();
    }
    prop_assert_eq!(
        stand.sandbox.revoke_user("acme", "juniper").unwrap(),
        0,
        "no grant is left at the platform"
    );
    let contents = stand.database.contents().await;
    for table in [
        "oauth_accounts",
        "evergrant_connections",
        "evergrant_revocations",
    ] {
        prop_assert!(contents[table].is_empty(), "{}", table);
    }
    Ok(())
}

#[test]
fn a_disconnect_leaves_nothing_behind_whatever_was_before() {
    hold(12, &before(), false, a_disconnect_leaves_nothing_behind);
}
