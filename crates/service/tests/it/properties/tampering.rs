//! Items 2, 3 and 7: callbacks that an attacker has changed.

use evergrant_model::{AuthorizationCode, ErrorCode, FlowState};
use evergrant_service::CallbackParams;
use proptest::prelude::*;

use super::{CheckResult, check};
use crate::harness::{EXCHANGE, JUNIPER, TestEnv, connected, failed, repeated};

/// What an attacker changes in a callback before it arrives.
#[derive(Debug, Clone)]
enum Tampering {
    /// Changes one character of the state.
    State(prop::sample::Index),
    /// Truncates the state.
    ShortState(prop::sample::Index),
    /// Sends the callback to another provider's endpoint.
    Provider(String),
    /// Replaces the code with one issued to another flow (RFC 9700 §4.5).
    Code,
    /// Changes one character of the code.
    WrongCode(prop::sample::Index),
}

impl Tampering {
    /// Returns whether the state remains valid, so that the code reaches the provider.
    fn keeps_state(&self) -> bool {
        matches!(self, Self::Code | Self::WrongCode(_))
    }
}

fn tampering() -> impl Strategy<Value = Tampering> {
    prop_oneof![
        any::<prop::sample::Index>().prop_map(Tampering::State),
        any::<prop::sample::Index>().prop_map(Tampering::ShortState),
        "reddit|acme-?|[a-z]{1,8}"
            .prop_filter("another provider", |name| name != "acme")
            .prop_map(Tampering::Provider),
        Just(Tampering::Code),
        any::<prop::sample::Index>().prop_map(Tampering::WrongCode),
    ]
}

/// Returns `text` with one character changed.
fn changed(text: &str, at: prop::sample::Index) -> String {
    let mut bytes = text.as_bytes().to_vec();
    let index = at.index(bytes.len());
    bytes[index] = if bytes[index] == b'A' { b'B' } else { b'A' };
    String::from_utf8(bytes).unwrap()
}

/// Returns the changed callback and the provider whose endpoint it is sent to.
async fn tamper(
    env: &TestEnv,
    tampering: &Tampering,
    genuine: &CallbackParams,
) -> (CallbackParams, String) {
    let (mut params, mut provider) = (repeated(genuine), "acme".to_owned());
    let state = genuine.state.expose();
    let code = genuine.code.as_ref().unwrap().expose();
    match tampering {
        Tampering::State(at) => params.state = FlowState::new(changed(state, *at)),
        Tampering::ShortState(at) => {
            params.state = FlowState::new(&state[..at.index(state.len())]);
        }
        Tampering::Provider(name) => provider.clone_from(name),
        Tampering::Code => {
            let attacker = env.user().await;
            let flow = env.start_flow(attacker, "acme").await;
            params.code = env.consent(&flow, "kiln").code;
        }
        Tampering::WrongCode(at) => params.code = Some(AuthorizationCode::new(changed(code, *at))),
    }
    (params, provider)
}

/// Items 2, 3 and 7: state, provider, code and verifier belong together, and no other combination
/// connects an account.
async fn tampered_callback_connects_nothing(env: TestEnv, tampering: Tampering) -> CheckResult {
    let victim = env.user().await;
    let flow = env.start_flow(victim, "acme").await;
    let genuine = env.consent(&flow, "juniper");
    let (tampered, provider) = tamper(&env, &tampering, &genuine).await;
    let outcome = env.callback(&provider, tampered).await;
    prop_assert!(env.events().await.is_empty(), "nothing is connected");
    if tampering.keeps_state() {
        prop_assert_eq!(
            failed(&outcome.unwrap()),
            ErrorCode::InvalidCode,
            "the provider rejects the code"
        );
        prop_assert_eq!(
            env.callback("acme", genuine).await.unwrap_err().code(),
            ErrorCode::InvalidState,
            "the state is consumed"
        );
        return Ok(());
    }
    prop_assert_eq!(outcome.unwrap_err().code(), ErrorCode::InvalidState);
    prop_assert_eq!(env.calls("acme", EXCHANGE), 0, "the code is not sent");
    prop_assert_eq!(
        connected(&env.callback("acme", genuine).await.unwrap()),
        JUNIPER,
        "the genuine callback still works"
    );
    Ok(())
}

#[test]
fn items_2_3_and_7_tampered_callback_connects_nothing() {
    check(24, &tampering(), false, tampered_callback_connects_nothing);
}
