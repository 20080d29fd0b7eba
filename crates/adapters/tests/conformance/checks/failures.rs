//! Failures of the platform, and how each call classifies them.

use std::collections::BTreeMap;

use evergrant_adapters::{AdapterError, ErrorClass, HeldTokens, ProviderKind};
use evergrant_model::{AuthorizationCode, SignedDuration};
use evergrant_sandbox::{Fault, FaultKind, Switch};
use serde_json::{Value, json};

use crate::capability::Capability::{self, Kind, Profile, Refresh};
use crate::harness::{Harness, after_refresh, held_tokens};
use crate::suite::{Check, check};
use crate::verdict::{Verdict, ensure, expect_error, expect_ok};

const OAUTH: Capability = Kind(ProviderKind::OAuth2);

pub(super) const CHECKS: &[Check] = &[
    check!(
        "a 429 is a rate limit with the stated wait and leaves the call unprocessed",
        [Profile(true)],
        too_many_requests
    ),
    check!(
        "the platform's own rate limit response is classified as a rate limit",
        [Profile(true)],
        provider_rate_limit
    ),
    check!(
        "a 500 is classified as transient if the call may be repeated, else as unknown",
        [Profile(true)],
        server_error
    ),
    check!(
        "a truncated response is classified as unknown",
        [Profile(true)],
        truncated
    ),
    check!(
        "an HTML page with status 200 is classified as unknown",
        [Profile(true)],
        html_page
    ),
    check!(
        "an error with status 200 is never read as tokens",
        [OAUTH],
        error_as_token
    ),
    check!(
        "an error with status 200 is never read as refreshed tokens",
        [OAUTH, Refresh(true)],
        error_as_refreshed_token
    ),
    check!(
        "an error with status 200 is never read as an account",
        [Profile(true)],
        error_as_account
    ),
];

/// A call with its arguments.
enum Call {
    Exchange(AuthorizationCode),
    Refresh(HeldTokens),
    Profile(HeldTokens),
    Revoke(HeldTokens),
}

impl Call {
    async fn make(&self, harness: &Harness) -> Result<(), AdapterError> {
        match self {
            Self::Exchange(code) => harness.exchange(code).await.map(drop),
            Self::Refresh(tokens) => harness.adapter.refresh_access_token(tokens).await.map(drop),
            Self::Profile(tokens) => harness.accounts(tokens).await.map(drop),
            Self::Revoke(tokens) => harness.adapter.revoke_access(tokens).await.map(drop),
        }
    }

    fn name(&self) -> &'static str {
        match self {
            Self::Exchange(_) => "the exchange",
            Self::Refresh(_) => "the refresh",
            Self::Profile(_) => "the profile",
            Self::Revoke(_) => "the revocation",
        }
    }
}

/// Returns every call that the provider supports, each with its own grant.
async fn calls(harness: &Harness) -> Verdict<Vec<Call>> {
    let person = &harness.first_person().name;
    let supported = harness.spec().capabilities;
    let mut calls = Vec::new();
    if supported.refresh {
        calls.push(Call::Refresh(harness.connect(person).await?));
    }
    if supported.profile {
        calls.push(Call::Profile(harness.connect(person).await?));
    }
    if supported.revoke {
        calls.push(Call::Revoke(harness.connect(person).await?));
    }
    harness.advance_to_minimum_age();
    if harness.spec().kind == ProviderKind::OAuth2 {
        calls.insert(0, Call::Exchange(harness.code(person)?));
    }
    Ok(calls)
}

/// Makes the call with a fault in its first request, and returns the error, which must be of
/// `class`.
async fn call_with_fault(
    harness: &Harness,
    call: &Call,
    fault: Fault,
    class: ErrorClass,
) -> Verdict<AdapterError> {
    expect_ok("the fault", harness.sandbox.inject_fault(fault))?;
    expect_error(call.name(), call.make(harness).await, &[class])
}

/// Returns a fault of the next request to any endpoint.
fn any_endpoint(harness: &Harness, kind: FaultKind) -> Fault {
    Fault::new(harness.slug(), "*", kind)
}

async fn too_many_requests(harness: &Harness) -> Verdict {
    for call in calls(harness).await? {
        let fault = any_endpoint(harness, FaultKind::Respond)
            .status(429)
            .header("retry-after", "17")
            .body(json!({}));
        let error = call_with_fault(harness, &call, fault, ErrorClass::RateLimited).await?;
        let wait = error.retry_after();
        ensure!(
            wait == Some(SignedDuration::from_secs(17)),
            "{} states a wait of {wait:?}",
            call.name()
        );
        ensure!(
            error.is_known_unprocessed(),
            "{} is not known to be unprocessed",
            call.name()
        );
        harness.clock.advance_seconds(17);
        expect_ok(call.name(), call.make(harness).await)?;
    }
    Ok(())
}

/// A platform may limit only some of its calls, but it must limit at least one.
async fn provider_rate_limit(harness: &Harness) -> Verdict {
    let calls = calls(harness).await?;
    for limit in [Switch::Quota(0), Switch::TokenQuota(0)] {
        expect_ok("the switch", harness.sandbox.set(harness.slug(), limit))?;
    }
    let mut limited = 0;
    for call in calls {
        if let Err(error) = call.make(harness).await {
            limited += 1;
            ensure!(
                error.class() == ErrorClass::RateLimited,
                "{} is {:?}: {error}",
                call.name(),
                error.class()
            );
        }
    }
    ensure!(limited > 0, "no call is rate limited");
    Ok(())
}

async fn server_error(harness: &Harness) -> Verdict {
    for call in calls(harness).await? {
        let class = match call {
            Call::Exchange(_) => ErrorClass::Unknown,
            Call::Refresh(_) if !harness.spec().can_retry_refresh() => ErrorClass::Unknown,
            _ => ErrorClass::Transient,
        };
        let error = call_with_fault(
            harness,
            &call,
            any_endpoint(harness, FaultKind::Empty).status(500),
            class,
        )
        .await?;
        ensure!(
            !error.is_known_unprocessed(),
            "{} counts as unprocessed",
            call.name()
        );
    }
    Ok(())
}

async fn truncated(harness: &Harness) -> Verdict {
    for call in calls(harness).await? {
        let error = call_with_fault(
            harness,
            &call,
            any_endpoint(harness, FaultKind::Cut),
            ErrorClass::Unknown,
        )
        .await?;
        ensure!(
            !error.is_known_unprocessed(),
            "{} counts as unprocessed",
            call.name()
        );
    }
    Ok(())
}

async fn html_page(harness: &Harness) -> Verdict {
    for call in calls(harness).await? {
        call_with_fault(
            harness,
            &call,
            any_endpoint(harness, FaultKind::Html).status(200),
            ErrorClass::Unknown,
        )
        .await?;
    }
    Ok(())
}

/// Returns error bodies that platforms have sent with status 200. Some also contain members that
/// look like tokens or an account.
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

/// Makes the next response of the endpoint this error with status 200.
fn return_error_as_success(harness: &Harness, endpoint: &str, error: &Value) -> Verdict {
    let fault = Fault::new(harness.slug(), endpoint, FaultKind::Respond)
        .status(200)
        .body(error.clone());
    expect_ok("the fault", harness.sandbox.inject_fault(fault))
}

/// Returns the endpoints that were called since `before`.
fn endpoints_called_since(harness: &Harness, before: &BTreeMap<String, u64>) -> Vec<String> {
    harness
        .calls_by_endpoint()
        .into_iter()
        .filter(|(name, times)| before.get(name) != Some(times))
        .map(|(name, _)| name)
        .collect()
}

/// Injects the errors into each step of the exchange. The exchange may tolerate the failure of an
/// optional step, but a token that it returns must work.
async fn error_as_token(harness: &Harness) -> Verdict {
    let person = &harness.first_person().name;
    let before = harness.calls_by_endpoint();
    harness.authorize(person).await?;
    let steps = endpoints_called_since(harness, &before);
    ensure!(!steps.is_empty(), "the exchange calls no endpoint");
    for (step, error) in steps
        .iter()
        .flat_map(|step| errors().map(|error| (step, error)))
    {
        let code = harness.code(person)?;
        return_error_as_success(harness, step, &error)?;
        if let Ok(tokens) = harness.exchange(&code).await {
            expect_ok(
                &format!("the token of an exchange with {error} at {step}"),
                harness.accounts(&held_tokens(tokens)).await,
            )?;
        }
    }
    Ok(())
}

async fn error_as_refreshed_token(harness: &Harness) -> Verdict {
    let old = harness.connect(&harness.first_person().name).await?;
    harness.advance_to_minimum_age();
    let before = harness.calls_by_endpoint();
    let tokens = expect_ok(
        "the refresh",
        harness.adapter.refresh_access_token(&old).await,
    )?;
    let mut current = after_refresh(&old, tokens);
    for (step, error) in endpoints_called_since(harness, &before)
        .iter()
        .flat_map(|step| errors().map(|error| (step, error)))
    {
        harness.advance_to_minimum_age();
        return_error_as_success(harness, step, &error)?;
        if let Ok(tokens) = harness.adapter.refresh_access_token(&current).await {
            current = after_refresh(&current, tokens);
            expect_ok(
                &format!("the token of a refresh with {error} at {step}"),
                harness.accounts(&current).await,
            )?;
        }
    }
    Ok(())
}

async fn error_as_account(harness: &Harness) -> Verdict {
    let tokens = harness.connect(&harness.first_person().name).await?;
    for error in errors() {
        return_error_as_success(harness, "*", &error)?;
        let outcome = harness.accounts(&tokens).await;
        ensure!(outcome.is_err(), "{error} is read as {outcome:?}");
    }
    Ok(())
}
