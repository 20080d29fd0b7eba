//! Renewals: what they give, what they keep, and how a grant that has ended shows itself.

use evergrant_adapters::{ErrorClass, HeldTokens, Lifecycle, ProviderKind, RefreshesWith};
use evergrant_model::{AccessToken, Clock as _, RefreshToken, TokenSet};
use evergrant_sandbox::{RefreshMode, RefreshReply, Switch};

use crate::capability::Capability::{self, Kind, MinimumAge, Refresh, ReplayWindow, Rotates};
use crate::stand::{Stand, access, held, renewed};
use crate::suite::{Check, check};
use crate::verdict::{Verdict, ensure, refused, works};

const BY_REFRESH_TOKEN: Capability = Capability::RefreshesWith(RefreshesWith::RefreshToken);
const BY_ITSELF: Capability = Capability::RefreshesWith(RefreshesWith::AccessToken);
const REFRESHES: Capability = Capability::Lifecycle(Lifecycle::Refreshes);
const OAUTH: Capability = Kind(ProviderKind::OAuth2);

pub(super) const CHECKS: &[Check] = &[
    check!("a renewal gives a token that works", [Refresh(true)], gives),
    check!(
        "a renewal works at the time that the entry sets for it",
        [REFRESHES, Refresh(true)],
        when_due
    ),
    check!(
        "a token of any age may be renewed",
        [MinimumAge(false)],
        at_once
    ),
    check!(
        "a token that is too young stays as it is",
        [MinimumAge(true)],
        too_young
    ),
    check!(
        "a renewal buys another access token",
        [BY_REFRESH_TOKEN],
        another_token
    ),
    check!(
        "a token may renew itself into the same text with a later end",
        [BY_ITSELF],
        same_token
    ),
    check!(
        "a token that has ended does not renew itself",
        [BY_ITSELF],
        too_late
    ),
    check!(
        "a renewal hands over the next refresh token",
        [Rotates(true)],
        next_refresh_token
    ),
    check!(
        "a replaced refresh token is refused",
        [Rotates(true), ReplayWindow(false)],
        replaced
    ),
    check!(
        "the refresh token stays, whether it is repeated or left out",
        [Rotates(false), ReplayWindow(false)],
        stays
    ),
    check!(
        "a grant that the person withdrew needs them again",
        [Refresh(true)],
        withdrawn
    ),
    check!(
        "a wrong secret at a renewal ends no grant",
        [OAUTH, Refresh(true)],
        wrong_secret
    ),
    check!(
        "what is not renewed is not tried",
        [Refresh(false)],
        not_offered
    ),
];

async fn renewal(stand: &Stand, before: &HeldTokens) -> Verdict<TokenSet> {
    works(
        "the renewal",
        stand.adapter.refresh_access_token(before).await,
    )
}

/// What somebody holds whose token is old enough.
async fn ripe(stand: &Stand) -> Verdict<HeldTokens> {
    let held = stand.connected(&stand.someone().name).await?;
    stand.ripen();
    Ok(held)
}

async fn gives(stand: &Stand) -> Verdict {
    let before = ripe(stand).await?;
    let after = renewed(&before, renewal(stand, &before).await?);
    let accounts = works("the profile", stand.accounts(&after).await)?;
    ensure!(!accounts.is_empty(), "it reaches no account");
    Ok(())
}

async fn when_due(stand: &Stand) -> Verdict {
    let tokens = stand.bought(&stand.someone().name).await?;
    let life = tokens
        .expires_at
        .map(|end| end.seconds_since(stand.clock.now()));
    let margin = stand
        .spec()
        .refresh_margin_seconds(life)
        .unwrap_or_default();
    stand
        .clock
        .advance_seconds(life.unwrap_or_default() - margin);
    let due_at = stand.clock.now();
    let after = renewal(stand, &held(tokens)).await?;
    ensure!(
        after.expires_at > Some(due_at.plus_seconds(margin)),
        "it is due again at {:?}",
        after.expires_at
    );
    Ok(())
}

async fn at_once(stand: &Stand) -> Verdict {
    let held = stand.connected(&stand.someone().name).await?;
    renewal(stand, &held).await.map(drop)
}

async fn too_young(stand: &Stand) -> Verdict {
    let held = stand.connected(&stand.someone().name).await?;
    stand
        .clock
        .advance_seconds(stand.spec().refresh_not_before_seconds - 1);
    refused(
        "the renewal",
        stand.adapter.refresh_access_token(&held).await,
        &[ErrorClass::BadRequest],
    )?;
    works("the profile", stand.accounts(&held).await)?;
    stand.clock.advance_seconds(1);
    renewal(stand, &held).await.map(drop)
}

async fn another_token(stand: &Stand) -> Verdict {
    let before = ripe(stand).await?;
    let after = renewal(stand, &before).await?;
    ensure!(
        after.access.expose() != access(&before).expose(),
        "it is the one that there was"
    );
    Ok(())
}

async fn same_token(stand: &Stand) -> Verdict {
    works(
        "the switch",
        stand.sandbox.set(stand.slug(), Switch::SameToken(true)),
    )?;
    let first = stand.bought(&stand.someone().name).await?;
    let (end, before) = (first.expires_at, held(first));
    stand.ripen();
    stand.clock.advance_seconds(1);
    let after = renewal(stand, &before).await?;
    ensure!(
        after.access.expose() == access(&before).expose(),
        "the text is another one"
    );
    ensure!(
        after.expires_at > end,
        "the end was {end:?} and is {:?}",
        after.expires_at
    );
    works("the profile", stand.accounts(&held(after)).await).map(drop)
}

async fn too_late(stand: &Stand) -> Verdict {
    let tokens = stand.bought(&stand.someone().name).await?;
    let life = tokens
        .expires_at
        .map(|end| end.seconds_since(stand.clock.now()));
    stand.clock.advance_seconds(life.unwrap_or_default());
    let outcome = stand.adapter.refresh_access_token(&held(tokens)).await;
    refused("the renewal", outcome, &[ErrorClass::NeedsReauth]).map(drop)
}

/// The refresh token of an answer that must have one.
fn handed_over(tokens: &TokenSet) -> Verdict<&RefreshToken> {
    tokens
        .refresh
        .as_ref()
        .ok_or_else(|| "the answer holds no refresh token".to_owned())
}

async fn next_refresh_token(stand: &Stand) -> Verdict {
    works(
        "the switch",
        stand.sandbox.set(
            stand.slug(),
            Switch::RefreshToken(RefreshMode::RotateStrict),
        ),
    )?;
    let before = ripe(stand).await?;
    let after = renewal(stand, &before).await?;
    let next = handed_over(&after)?;
    ensure!(
        before
            .refresh
            .as_ref()
            .is_some_and(|old| old.expose() != next.expose()),
        "it is not a new one"
    );
    renewal(stand, &held(after)).await.map(drop)
}

async fn replaced(stand: &Stand) -> Verdict {
    works(
        "the switch",
        stand.sandbox.set(
            stand.slug(),
            Switch::RefreshToken(RefreshMode::RotateStrict),
        ),
    )?;
    let before = ripe(stand).await?;
    renewal(stand, &before).await?;
    let outcome = stand.adapter.refresh_access_token(&before).await;
    refused("the renewal", outcome, &[ErrorClass::NeedsReauth]).map(drop)
}

async fn stays(stand: &Stand) -> Verdict {
    for reply in [RefreshReply::Repeat, RefreshReply::Omit] {
        works(
            "the switch",
            stand.sandbox.set(stand.slug(), Switch::RefreshReply(reply)),
        )?;
        let before = ripe(stand).await?;
        let after = renewal(stand, &before).await?;
        let old = before.refresh.as_ref().map(RefreshToken::expose);
        ensure!(
            after.refresh.is_none() || after.refresh.as_ref().map(RefreshToken::expose) == old,
            "it is another one"
        );
        renewal(stand, &before).await?;
    }
    Ok(())
}

async fn withdrawn(stand: &Stand) -> Verdict {
    let held = ripe(stand).await?;
    let ended = stand.withdraw(&stand.someone().name)?;
    ensure!(ended == 1, "the simulator ended {ended} grants");
    refused(
        "the renewal",
        stand.adapter.refresh_access_token(&held).await,
        &[ErrorClass::NeedsReauth],
    )?;
    let gone = [ErrorClass::TokenExpired, ErrorClass::NeedsReauth];
    refused("the profile", stand.accounts(&held).await, &gone).map(drop)
}

/// Some platforms do not ask for the secret at a renewal.
async fn wrong_secret(stand: &Stand) -> Verdict {
    let held = ripe(stand).await?;
    let operator = stand.adapter_with_secret("a-wrong-secret")?;
    if let Err(error) = operator.refresh_access_token(&held).await {
        ensure!(
            error.class() == ErrorClass::ConfigError,
            "the renewal is {:?}: {error}",
            error.class()
        );
        ensure!(
            error.reason().is_none(),
            "the connection would say {:?}",
            error.reason()
        );
    }
    renewal(stand, &held).await.map(drop)
}

async fn not_offered(stand: &Stand) -> Verdict {
    let held = HeldTokens {
        access: Some(AccessToken::new("{}")),
        refresh: Some(RefreshToken::new("refresh")),
    };
    ensure!(
        !stand.spec().can_refresh(true),
        "its spec says that it can be renewed"
    );
    let outcome = stand.adapter.refresh_access_token(&held).await;
    refused(
        "the renewal",
        outcome,
        &[ErrorClass::NeedsReauth, ErrorClass::BadRequest],
    )?;
    ensure!(stand.calls() == 0, "the platform was called");
    Ok(())
}
