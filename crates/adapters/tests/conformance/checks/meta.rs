//! The endings that Meta tells apart by a subcode alone.

use evergrant_adapters::ErrorClass;

use crate::capability::Capability::GraphErrors;
use crate::stand::Stand;
use crate::suite::{Check, check};
use crate::verdict::{Verdict, ensure, refused, works};

pub(super) const CHECKS: &[Check] = &[
    check!(
        "a grant that ended for good needs the person's consent",
        [GraphErrors],
        ended
    ),
    check!(
        "a grant that is suspended needs the person's visit and lives on",
        [GraphErrors],
        suspended
    ),
];

async fn ended(stand: &Stand) -> Verdict {
    let person = &stand.someone().name;
    for subcode in [458, 460, 467, 492] {
        let held = stand.connected(person).await?;
        stand.ripen();
        let hit = works(
            "the ending",
            stand
                .sandbox
                .invalidate(stand.slug(), person, Some(subcode)),
        )?;
        ensure!(hit == 1, "{subcode} hit {hit} grants");
        let outcome = stand.adapter.refresh_access_token(&held).await;
        refused(
            &format!("a renewal after {subcode}"),
            outcome,
            &[ErrorClass::NeedsReauth],
        )?;
    }
    Ok(())
}

async fn suspended(stand: &Stand) -> Verdict {
    let person = &stand.someone().name;
    let held = stand.connected(person).await?;
    stand.ripen();
    for subcode in [459, 464] {
        works(
            "the ending",
            stand
                .sandbox
                .invalidate(stand.slug(), person, Some(subcode)),
        )?;
        let needed = &[ErrorClass::NeedsUserAction];
        refused(
            &format!("a renewal after {subcode}"),
            stand.adapter.refresh_access_token(&held).await,
            needed,
        )?;
        refused(
            &format!("a profile after {subcode}"),
            stand.accounts(&held).await,
            needed,
        )?;
        works(
            "the visit",
            stand.sandbox.invalidate(stand.slug(), person, None),
        )?;
        works("the profile after the visit", stand.accounts(&held).await)?;
    }
    Ok(())
}
