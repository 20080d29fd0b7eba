//! Trouble at the platform: what every call makes of it, and what it must never make of it.

use evergrant_adapters::{AdapterError, ErrorClass, HeldTokens, ProviderKind};
use evergrant_model::AuthorizationCode;
use evergrant_sandbox::{Fault, FaultKind, Switch};
use serde_json::{Value, json};

use crate::capability::Capability::{Kind, Profile, Refresh};
use crate::stand::{Stand, held, renewed};
use crate::suite::{Check, check};
use crate::verdict::{Verdict, ensure, refused, works};

const OAUTH: crate::capability::Capability = Kind(ProviderKind::OAuth2);

pub(super) const CHECKS: &[Check] = &[
    check!(
        "a 429 is a wait of the stated length and costs nothing",
        [Profile(true)],
        too_many
    ),
    check!(
        "the platform's own limit is read as one",
        [Profile(true)],
        own_limit
    ),
    check!(
        "a 500 passes where the call may be repeated, else nobody knows",
        [Profile(true)],
        trouble
    ),
    check!(
        "after an answer that is cut off nobody knows",
        [Profile(true)],
        cut
    ),
    check!(
        "a page in the place of an answer says nothing",
        [Profile(true)],
        page
    ),
    check!(
        "an error in a 200 is never taken for a token",
        [OAUTH],
        false_token
    ),
    check!(
        "an error in a 200 is never taken for a renewed token",
        [OAUTH, Refresh(true)],
        false_renewal
    ),
    check!(
        "an error in a 200 is never taken for an account",
        [Profile(true)],
        false_account
    ),
];

/// A call that is about to be made, with what it needs.
enum Call {
    Exchange(AuthorizationCode),
    Refresh(HeldTokens),
    Profile(HeldTokens),
    Revoke(HeldTokens),
}

impl Call {
    async fn make(&self, stand: &Stand) -> Result<(), AdapterError> {
        match self {
            Self::Exchange(code) => stand.exchange(code).await.map(drop),
            Self::Refresh(held) => stand.adapter.refresh_access_token(held).await.map(drop),
            Self::Profile(held) => stand.accounts(held).await.map(drop),
            Self::Revoke(held) => stand.adapter.revoke_access(held).await.map(drop),
        }
    }

    fn name(&self) -> &'static str {
        match self {
            Self::Exchange(_) => "the exchange",
            Self::Refresh(_) => "the renewal",
            Self::Profile(_) => "the profile",
            Self::Revoke(_) => "the revocation",
        }
    }
}

/// Each call that the platform offers, ready to be made.
async fn calls(stand: &Stand) -> Verdict<Vec<Call>> {
    let person = &stand.someone().name;
    let offered = stand.spec().capabilities;
    let mut calls = Vec::new();
    if offered.refresh {
        calls.push(Call::Refresh(stand.connected(person).await?));
    }
    if offered.profile {
        calls.push(Call::Profile(stand.connected(person).await?));
    }
    if offered.revoke {
        calls.push(Call::Revoke(stand.connected(person).await?));
    }
    stand.ripen();
    if stand.spec().kind == ProviderKind::OAuth2 {
        calls.insert(0, Call::Exchange(stand.code(person)?));
    }
    Ok(calls)
}

/// What the call makes of a fault at its first step.
async fn faulted(
    stand: &Stand,
    call: &Call,
    fault: Fault,
    class: ErrorClass,
) -> Verdict<AdapterError> {
    works("the fault", stand.sandbox.force_next(fault))?;
    refused(call.name(), call.make(stand).await, &[class])
}

fn any(stand: &Stand, kind: FaultKind) -> Fault {
    Fault::new(stand.slug(), "*", kind)
}

async fn too_many(stand: &Stand) -> Verdict {
    for call in calls(stand).await? {
        let fault = any(stand, FaultKind::Respond)
            .status(429)
            .header("retry-after", "17")
            .body(json!({}));
        let error = faulted(stand, &call, fault, ErrorClass::RateLimited).await?;
        let wait = error.retry_after_seconds();
        ensure!(wait == Some(17), "{} waits {wait:?}", call.name());
        ensure!(
            error.is_surely_unprocessed(),
            "{} is not known to be unprocessed",
            call.name()
        );
        stand.clock.advance_seconds(17);
        works(call.name(), call.make(stand).await)?;
    }
    Ok(())
}

/// Not every call is limited everywhere, but some call is.
async fn own_limit(stand: &Stand) -> Verdict {
    let calls = calls(stand).await?;
    for limit in [Switch::Quota(0), Switch::TokenQuota(0)] {
        works("the switch", stand.sandbox.set(stand.slug(), limit))?;
    }
    let mut refusals = 0;
    for call in calls {
        if let Err(error) = call.make(stand).await {
            refusals += 1;
            ensure!(
                error.class() == ErrorClass::RateLimited,
                "{} is {:?}: {error}",
                call.name(),
                error.class()
            );
        }
    }
    ensure!(refusals > 0, "no call is limited");
    Ok(())
}

async fn trouble(stand: &Stand) -> Verdict {
    for call in calls(stand).await? {
        let class = match call {
            Call::Exchange(_) => ErrorClass::Unknown,
            Call::Refresh(_) if !stand.spec().may_resend_refresh() => ErrorClass::Unknown,
            _ => ErrorClass::Transient,
        };
        let error = faulted(
            stand,
            &call,
            any(stand, FaultKind::Empty).status(500),
            class,
        )
        .await?;
        ensure!(
            !error.is_surely_unprocessed(),
            "{} is taken for unprocessed",
            call.name()
        );
    }
    Ok(())
}

async fn cut(stand: &Stand) -> Verdict {
    for call in calls(stand).await? {
        let error = faulted(
            stand,
            &call,
            any(stand, FaultKind::Cut),
            ErrorClass::Unknown,
        )
        .await?;
        ensure!(
            !error.is_surely_unprocessed(),
            "{} is taken for unprocessed",
            call.name()
        );
    }
    Ok(())
}

async fn page(stand: &Stand) -> Verdict {
    for call in calls(stand).await? {
        faulted(
            stand,
            &call,
            any(stand, FaultKind::Html).status(200),
            ErrorClass::Unknown,
        )
        .await?;
    }
    Ok(())
}

/// Errors as platforms have sent them with success, some with what could be taken for the thing
/// itself beside them.
fn errors() -> [Value; 6] {
    [
        json!({ "error": "invalid_grant" }),
        json!({ "error": 400, "message": "Bad Request" }),
        json!({ "error": { "code": 190, "type": "OAuthException", "message": "It has ended." } }),
        json!({ "error_type": "OAuthException", "code": 400, "error_message": "It was used." }),
        json!({ "error": "server_error", "access_token": "no-token-at-all", "refresh_token": "none", "id": "1" }),
        json!({ "data": {}, "error": { "code": "access_token_invalid", "message": "It is wrong." } }),
    ]
}

fn lie(stand: &Stand, endpoint: &str, error: &Value) -> Verdict {
    let fault = Fault::new(stand.slug(), endpoint, FaultKind::Respond)
        .status(200)
        .body(error.clone());
    works("the fault", stand.sandbox.force_next(fault))
}

/// The endpoints that were called since `before`.
fn steps(stand: &Stand, before: &std::collections::BTreeMap<String, u64>) -> Vec<String> {
    stand
        .calls_by_endpoint()
        .into_iter()
        .filter(|(name, times)| before.get(name) != Some(times))
        .map(|(name, _)| name)
        .collect()
}

/// At each step of the exchange: a step that only adds to the answer may fail, but what comes out
/// must work.
async fn false_token(stand: &Stand) -> Verdict {
    let person = &stand.someone().name;
    let before = stand.calls_by_endpoint();
    stand.bought(person).await?;
    let steps = steps(stand, &before);
    ensure!(!steps.is_empty(), "the exchange calls nobody");
    for (step, error) in steps
        .iter()
        .flat_map(|step| errors().map(|error| (step, error)))
    {
        let code = stand.code(person)?;
        lie(stand, step, &error)?;
        if let Ok(tokens) = stand.exchange(&code).await {
            works(
                &format!("a token bought with {error} at {step}"),
                stand.accounts(&held(tokens)).await,
            )?;
        }
    }
    Ok(())
}

async fn false_renewal(stand: &Stand) -> Verdict {
    let old = stand.connected(&stand.someone().name).await?;
    stand.ripen();
    let before = stand.calls_by_endpoint();
    let tokens = works(
        "the renewal",
        stand.adapter.refresh_access_token(&old).await,
    )?;
    let mut held = renewed(&old, tokens);
    for (step, error) in steps(stand, &before)
        .iter()
        .flat_map(|step| errors().map(|error| (step, error)))
    {
        stand.ripen();
        lie(stand, step, &error)?;
        if let Ok(tokens) = stand.adapter.refresh_access_token(&held).await {
            held = renewed(&held, tokens);
            works(
                &format!("a token renewed with {error} at {step}"),
                stand.accounts(&held).await,
            )?;
        }
    }
    Ok(())
}

async fn false_account(stand: &Stand) -> Verdict {
    let held = stand.connected(&stand.someone().name).await?;
    for error in errors() {
        lie(stand, "*", &error)?;
        let outcome = stand.accounts(&held).await;
        ensure!(outcome.is_err(), "{error} is taken for {outcome:?}");
    }
    Ok(())
}
