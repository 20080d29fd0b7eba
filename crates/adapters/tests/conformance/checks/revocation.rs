//! Giving a grant up: it must end at the platform, as far as the entry says and no further.

use evergrant_adapters::{ErrorClass, HeldTokens, RemoteRevocation, RevocationReach};

use crate::capability::Capability::{Reach, Revoke};
use crate::stand::Stand;
use crate::suite::{Check, check};
use crate::verdict::{Verdict, ensure, refused, works};

pub(super) const CHECKS: &[Check] = &[
    check!(
        "a revocation ends the grant at the platform",
        [Revoke(true)],
        ends
    ),
    check!("revoking what is gone counts as done", [Revoke(true)], gone),
    check!(
        "a revocation leaves other people alone",
        [Revoke(true)],
        others
    ),
    check!(
        "a revocation leaves the person's other grants alone",
        [Reach(RevocationReach::Grant)],
        sibling_lives
    ),
    check!(
        "a revocation ends all that the person granted",
        [Reach(RevocationReach::Person)],
        sibling_ends
    ),
    check!(
        "where nothing can be revoked nothing is sent",
        [Revoke(false)],
        not_offered
    ),
];

const GONE: &[ErrorClass] = &[ErrorClass::TokenExpired, ErrorClass::NeedsReauth];

async fn revoked(stand: &Stand, held: &HeldTokens) -> Verdict {
    let outcome = works("the revocation", stand.adapter.revoke_access(held).await)?;
    ensure!(
        outcome == RemoteRevocation::Revoked,
        "the revocation is {outcome:?}"
    );
    Ok(())
}

async fn is_over(stand: &Stand, held: &HeldTokens) -> Verdict {
    refused("the profile", stand.accounts(held).await, GONE)?;
    if stand.spec().capabilities.refresh {
        stand.ripen();
        refused(
            "the renewal",
            stand.adapter.refresh_access_token(held).await,
            &[ErrorClass::NeedsReauth],
        )?;
    }
    Ok(())
}

async fn ends(stand: &Stand) -> Verdict {
    let held = stand.connected(&stand.someone().name).await?;
    works("the profile before", stand.accounts(&held).await)?;
    revoked(stand, &held).await?;
    is_over(stand, &held).await
}

async fn gone(stand: &Stand) -> Verdict {
    let person = &stand.someone().name;
    let held = stand.connected(person).await?;
    stand.withdraw(person)?;
    revoked(stand, &held).await?;
    revoked(stand, &held).await
}

async fn others(stand: &Stand) -> Verdict {
    let [one, other, ..] = stand.people.as_slice() else {
        return Err("there is one person alone".to_owned());
    };
    let (held, kept) = (
        stand.connected(&one.name).await?,
        stand.connected(&other.name).await?,
    );
    revoked(stand, &held).await?;
    works("the other's profile", stand.accounts(&kept).await).map(drop)
}

/// Two grants of one person, the first of them revoked.
async fn sibling(stand: &Stand) -> Verdict<HeldTokens> {
    let person = &stand.someone().name;
    let (held, sibling) = (
        stand.connected(person).await?,
        stand.connected(person).await?,
    );
    works("the sibling's profile", stand.accounts(&sibling).await)?;
    revoked(stand, &held).await?;
    Ok(sibling)
}

async fn sibling_lives(stand: &Stand) -> Verdict {
    let sibling = sibling(stand).await?;
    works("the sibling's profile", stand.accounts(&sibling).await).map(drop)
}

async fn sibling_ends(stand: &Stand) -> Verdict {
    ensure!(
        stand.spec().person_key.is_some(),
        "no fact tells which accounts are the person's"
    );
    let sibling = sibling(stand).await?;
    is_over(stand, &sibling).await
}

async fn not_offered(stand: &Stand) -> Verdict {
    let held = stand.connected(&stand.someone().name).await?;
    let before = stand.calls();
    let outcome = works("the revocation", stand.adapter.revoke_access(&held).await)?;
    ensure!(
        outcome == RemoteRevocation::Unsupported,
        "the revocation is {outcome:?}"
    );
    ensure!(stand.calls() == before, "the platform was called");
    works("the profile", stand.accounts(&held).await).map(drop)
}
