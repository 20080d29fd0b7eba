//! Refreshes: the new tokens, the refresh token afterwards, and grants that have ended.

use evergrant_adapters::{ErrorClass, HeldTokens, Lifecycle, ProviderKind, RefreshesWith};
use evergrant_model::{AccessToken, Clock as _, RefreshToken, SignedDuration, TokenSet};
use evergrant_sandbox::{RefreshMode, RefreshReply, Switch};

use crate::capability::Capability::{self, Kind, MinimumAge, Refresh, ReplayWindow, Rotates};
use crate::harness::{Harness, access, after_refresh, held_tokens};
use crate::suite::{Check, check};
use crate::verdict::{Verdict, ensure, expect_error, expect_ok};

const BY_REFRESH_TOKEN: Capability = Capability::RefreshesWith(RefreshesWith::RefreshToken);
const BY_ACCESS_TOKEN: Capability = Capability::RefreshesWith(RefreshesWith::AccessToken);
const REFRESHES: Capability = Capability::Lifecycle(Lifecycle::Refreshed);
const OAUTH: Capability = Kind(ProviderKind::OAuth2);

pub(super) const CHECKS: &[Check] = &[
    check!(
        "a refresh returns a working access token",
        [Refresh(true)],
        returns_access_token
    ),
    check!(
        "a refresh succeeds at its scheduled time",
        [REFRESHES, Refresh(true)],
        at_scheduled_time
    ),
    check!(
        "a token of any age can be refreshed",
        [MinimumAge(false)],
        at_any_age
    ),
    check!(
        "a token below the minimum age is not refreshed and keeps working",
        [MinimumAge(true)],
        below_minimum_age
    ),
    check!(
        "a refresh returns a new access token",
        [BY_REFRESH_TOKEN],
        new_access_token
    ),
    check!(
        "a refresh can return the same access token with a later expiry",
        [BY_ACCESS_TOKEN],
        same_token
    ),
    check!(
        "an expired access token cannot be refreshed",
        [BY_ACCESS_TOKEN],
        after_expiry
    ),
    check!(
        "a refresh returns the rotated refresh token",
        [Rotates(true)],
        rotated_refresh_token
    ),
    check!(
        "a replaced refresh token is rejected",
        [Rotates(true), ReplayWindow(false)],
        replaced
    ),
    check!(
        "the refresh token stays valid whether the response repeats or omits it",
        [Rotates(false), ReplayWindow(false)],
        refresh_token_stays_valid
    ),
    check!(
        "a grant that the person revoked requires a reconnect",
        [Refresh(true)],
        revoked_by_person
    ),
    check!(
        "a wrong client secret at a refresh does not end the grant",
        [OAUTH, Refresh(true)],
        wrong_secret
    ),
    check!(
        "a provider without refresh is not called for one",
        [Refresh(false)],
        not_offered
    ),
];

async fn refresh(harness: &Harness, before: &HeldTokens) -> Verdict<TokenSet> {
    expect_ok(
        "the refresh",
        harness.adapter.refresh_access_token(before).await,
    )
}

/// Connects the first person and waits until their token is old enough to be refreshed.
async fn refreshable(harness: &Harness) -> Verdict<HeldTokens> {
    let tokens = harness.connect(&harness.first_person().name).await?;
    harness.advance_to_minimum_age();
    Ok(tokens)
}

async fn returns_access_token(harness: &Harness) -> Verdict {
    let before = refreshable(harness).await?;
    let after = after_refresh(&before, refresh(harness, &before).await?);
    let accounts = expect_ok("the profile", harness.accounts(&after).await)?;
    ensure!(!accounts.is_empty(), "the token has no account");
    Ok(())
}

async fn at_scheduled_time(harness: &Harness) -> Verdict {
    let tokens = harness.authorize(&harness.first_person().name).await?;
    let lifetime = tokens
        .expires_at
        .map(|expires_at| expires_at.since(harness.clock.now()));
    let margin = harness.spec().refresh_margin(lifetime).unwrap_or_default();
    harness.clock.advance(lifetime.unwrap_or_default() - margin);
    let due_at = harness.clock.now();
    let after = refresh(harness, &held_tokens(tokens)).await?;
    ensure!(
        after.expires_at > Some(due_at + margin),
        "the next refresh is due at once: the token expires at {:?}",
        after.expires_at
    );
    Ok(())
}

async fn at_any_age(harness: &Harness) -> Verdict {
    let tokens = harness.connect(&harness.first_person().name).await?;
    refresh(harness, &tokens).await.map(drop)
}

async fn below_minimum_age(harness: &Harness) -> Verdict {
    let tokens = harness.connect(&harness.first_person().name).await?;
    harness
        .clock
        .advance(harness.spec().min_refresh_age - SignedDuration::from_secs(1));
    expect_error(
        "the refresh",
        harness.adapter.refresh_access_token(&tokens).await,
        &[ErrorClass::BadRequest],
    )?;
    expect_ok("the profile", harness.accounts(&tokens).await)?;
    harness.clock.advance_seconds(1);
    refresh(harness, &tokens).await.map(drop)
}

async fn new_access_token(harness: &Harness) -> Verdict {
    let before = refreshable(harness).await?;
    let after = refresh(harness, &before).await?;
    ensure!(
        after.access.expose() != access(&before).expose(),
        "the access token is the previous one"
    );
    Ok(())
}

async fn same_token(harness: &Harness) -> Verdict {
    expect_ok(
        "the switch",
        harness.sandbox.set(harness.slug(), Switch::SameToken(true)),
    )?;
    let first = harness.authorize(&harness.first_person().name).await?;
    let (expiry, before) = (first.expires_at, held_tokens(first));
    harness.advance_to_minimum_age();
    harness.clock.advance_seconds(1);
    let after = refresh(harness, &before).await?;
    ensure!(
        after.access.expose() == access(&before).expose(),
        "the access token is a different one"
    );
    ensure!(
        after.expires_at > expiry,
        "the expiry was {expiry:?} and is {:?}",
        after.expires_at
    );
    expect_ok("the profile", harness.accounts(&held_tokens(after)).await).map(drop)
}

async fn after_expiry(harness: &Harness) -> Verdict {
    let tokens = harness.authorize(&harness.first_person().name).await?;
    let lifetime = tokens
        .expires_at
        .map(|expires_at| expires_at.since(harness.clock.now()));
    harness.clock.advance(lifetime.unwrap_or_default());
    let outcome = harness
        .adapter
        .refresh_access_token(&held_tokens(tokens))
        .await;
    expect_error("the refresh", outcome, &[ErrorClass::NeedsReauth]).map(drop)
}

/// Returns the refresh token of a response that must have one.
fn refresh_token(tokens: &TokenSet) -> Verdict<&RefreshToken> {
    tokens
        .refresh
        .as_ref()
        .ok_or_else(|| "the response has no refresh token".to_owned())
}

async fn rotated_refresh_token(harness: &Harness) -> Verdict {
    expect_ok(
        "the switch",
        harness.sandbox.set(
            harness.slug(),
            Switch::RefreshToken(RefreshMode::RotateStrict),
        ),
    )?;
    let before = refreshable(harness).await?;
    let after = refresh(harness, &before).await?;
    let next = refresh_token(&after)?;
    ensure!(
        before
            .refresh
            .as_ref()
            .is_some_and(|old| old.expose() != next.expose()),
        "the refresh token is not a new one"
    );
    refresh(harness, &held_tokens(after)).await.map(drop)
}

async fn replaced(harness: &Harness) -> Verdict {
    expect_ok(
        "the switch",
        harness.sandbox.set(
            harness.slug(),
            Switch::RefreshToken(RefreshMode::RotateStrict),
        ),
    )?;
    let before = refreshable(harness).await?;
    refresh(harness, &before).await?;
    let outcome = harness.adapter.refresh_access_token(&before).await;
    expect_error("the refresh", outcome, &[ErrorClass::NeedsReauth]).map(drop)
}

async fn refresh_token_stays_valid(harness: &Harness) -> Verdict {
    for reply in [RefreshReply::Repeat, RefreshReply::Omit] {
        expect_ok(
            "the switch",
            harness
                .sandbox
                .set(harness.slug(), Switch::RefreshReply(reply)),
        )?;
        let before = refreshable(harness).await?;
        let after = refresh(harness, &before).await?;
        let old = before.refresh.as_ref().map(RefreshToken::expose);
        ensure!(
            after.refresh.is_none() || after.refresh.as_ref().map(RefreshToken::expose) == old,
            "the refresh token was replaced"
        );
        refresh(harness, &before).await?;
    }
    Ok(())
}

async fn revoked_by_person(harness: &Harness) -> Verdict {
    let tokens = refreshable(harness).await?;
    let count = harness.revoke_as_person(&harness.first_person().name)?;
    ensure!(count == 1, "the simulator ended {count} grants");
    expect_error(
        "the refresh",
        harness.adapter.refresh_access_token(&tokens).await,
        &[ErrorClass::NeedsReauth],
    )?;
    let ended = [ErrorClass::TokenExpired, ErrorClass::NeedsReauth];
    expect_error("the profile", harness.accounts(&tokens).await, &ended).map(drop)
}

/// Some platforms do not verify the client secret at a refresh.
async fn wrong_secret(harness: &Harness) -> Verdict {
    let tokens = refreshable(harness).await?;
    let misconfigured = harness.adapter_with_secret("a-wrong-secret")?;
    if let Err(error) = misconfigured.refresh_access_token(&tokens).await {
        ensure!(
            error.class() == ErrorClass::ConfigError,
            "the refresh is {:?}: {error}",
            error.class()
        );
        ensure!(
            error.reason().is_none(),
            "the error sets the status reason {:?}",
            error.reason()
        );
    }
    refresh(harness, &tokens).await.map(drop)
}

async fn not_offered(harness: &Harness) -> Verdict {
    let tokens = HeldTokens {
        access: Some(AccessToken::new("{}")),
        refresh: Some(RefreshToken::new("refresh")),
    };
    ensure!(
        !harness.spec().can_refresh(true),
        "the spec says that tokens can be refreshed"
    );
    let outcome = harness.adapter.refresh_access_token(&tokens).await;
    expect_error(
        "the refresh",
        outcome,
        &[ErrorClass::NeedsReauth, ErrorClass::BadRequest],
    )?;
    ensure!(harness.calls() == 0, "the platform was called");
    Ok(())
}
