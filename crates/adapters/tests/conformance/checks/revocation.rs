//! Revocation: it ends the grant at the platform, with exactly the reach that the entry states.

use evergrant_adapters::{ErrorClass, HeldTokens, RemoteRevocation, RevocationReach};

use crate::capability::Capability::{Reach, Revoke};
use crate::harness::Harness;
use crate::suite::{Check, check};
use crate::verdict::{Verdict, ensure, expect_error, expect_ok};

pub(super) const CHECKS: &[Check] = &[
    check!(
        "a revocation ends the grant at the platform",
        [Revoke(true)],
        ends_grant
    ),
    check!(
        "revoking a revoked grant succeeds",
        [Revoke(true)],
        already_revoked
    ),
    check!(
        "a revocation does not affect the grants of other people",
        [Revoke(true)],
        other_people
    ),
    check!(
        "a revocation does not affect the person's other grants",
        [Reach(RevocationReach::Grant)],
        other_grant_survives
    ),
    check!(
        "a revocation ends all grants of the person",
        [Reach(RevocationReach::Person)],
        other_grant_ends
    ),
    check!(
        "a provider without revocation is not called for one",
        [Revoke(false)],
        not_offered
    ),
];

/// Classes of a profile request with a token of an ended grant.
const ENDED: &[ErrorClass] = &[ErrorClass::TokenExpired, ErrorClass::NeedsReauth];

async fn revoke(harness: &Harness, tokens: &HeldTokens) -> Verdict {
    let outcome = expect_ok(
        "the revocation",
        harness.adapter.revoke_access(tokens).await,
    )?;
    ensure!(
        outcome == RemoteRevocation::Revoked,
        "the revocation is {outcome:?}"
    );
    Ok(())
}

async fn expect_ended(harness: &Harness, tokens: &HeldTokens) -> Verdict {
    expect_error("the profile", harness.accounts(tokens).await, ENDED)?;
    if harness.spec().capabilities.refresh {
        harness.advance_to_minimum_age();
        expect_error(
            "the refresh",
            harness.adapter.refresh_access_token(tokens).await,
            &[ErrorClass::NeedsReauth],
        )?;
    }
    Ok(())
}

async fn ends_grant(harness: &Harness) -> Verdict {
    let tokens = harness.connect(&harness.first_person().name).await?;
    expect_ok("the profile before", harness.accounts(&tokens).await)?;
    revoke(harness, &tokens).await?;
    expect_ended(harness, &tokens).await
}

async fn already_revoked(harness: &Harness) -> Verdict {
    let person = &harness.first_person().name;
    let tokens = harness.connect(person).await?;
    harness.revoke_as_person(person)?;
    revoke(harness, &tokens).await?;
    revoke(harness, &tokens).await
}

async fn other_people(harness: &Harness) -> Verdict {
    let [one, other, ..] = harness.people.as_slice() else {
        return Err("the simulator has only one person with an account".to_owned());
    };
    let (tokens, kept) = (
        harness.connect(&one.name).await?,
        harness.connect(&other.name).await?,
    );
    revoke(harness, &tokens).await?;
    expect_ok(
        "the profile of the other person",
        harness.accounts(&kept).await,
    )
    .map(drop)
}

/// Connects one person twice, revokes the first grant and returns the tokens of the second.
async fn other_grant(harness: &Harness) -> Verdict<HeldTokens> {
    let person = &harness.first_person().name;
    let (tokens, sibling) = (
        harness.connect(person).await?,
        harness.connect(person).await?,
    );
    expect_ok(
        "the profile of the other grant",
        harness.accounts(&sibling).await,
    )?;
    revoke(harness, &tokens).await?;
    Ok(sibling)
}

async fn other_grant_survives(harness: &Harness) -> Verdict {
    let sibling = other_grant(harness).await?;
    expect_ok(
        "the profile of the other grant",
        harness.accounts(&sibling).await,
    )
    .map(drop)
}

async fn other_grant_ends(harness: &Harness) -> Verdict {
    ensure!(
        harness.spec().person_key.is_some(),
        "no fact identifies the accounts of a person"
    );
    let sibling = other_grant(harness).await?;
    expect_ended(harness, &sibling).await
}

async fn not_offered(harness: &Harness) -> Verdict {
    let tokens = harness.connect(&harness.first_person().name).await?;
    let before = harness.calls();
    let outcome = expect_ok(
        "the revocation",
        harness.adapter.revoke_access(&tokens).await,
    )?;
    ensure!(
        outcome == RemoteRevocation::Unsupported,
        "the revocation is {outcome:?}"
    );
    ensure!(harness.calls() == before, "the platform was called");
    expect_ok("the profile", harness.accounts(&tokens).await).map(drop)
}
