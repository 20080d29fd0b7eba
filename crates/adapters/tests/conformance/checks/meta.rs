//! Ended and suspended grants, which Meta distinguishes only by the error subcode.

use evergrant_adapters::ErrorClass;

use crate::capability::Capability::GraphErrors;
use crate::harness::Harness;
use crate::suite::{Check, check};
use crate::verdict::{Verdict, ensure, expect_error, expect_ok};

pub(super) const CHECKS: &[Check] = &[
    check!(
        "a permanently ended grant requires a reconnect",
        [GraphErrors],
        ended
    ),
    check!(
        "a suspended grant requires user action and then works again",
        [GraphErrors],
        suspended
    ),
];

async fn ended(harness: &Harness) -> Verdict {
    let person = &harness.first_person().name;
    for subcode in [458, 460, 467, 492] {
        let tokens = harness.connect(person).await?;
        harness.advance_to_minimum_age();
        let count = expect_ok(
            "the invalidation",
            harness
                .sandbox
                .invalidate(harness.slug(), person, Some(subcode)),
        )?;
        ensure!(count == 1, "subcode {subcode} invalidated {count} grants");
        let outcome = harness.adapter.refresh_access_token(&tokens).await;
        expect_error(
            &format!("a refresh after {subcode}"),
            outcome,
            &[ErrorClass::NeedsReauth],
        )?;
    }
    Ok(())
}

async fn suspended(harness: &Harness) -> Verdict {
    let person = &harness.first_person().name;
    let tokens = harness.connect(person).await?;
    harness.advance_to_minimum_age();
    for subcode in [459, 464] {
        expect_ok(
            "the invalidation",
            harness
                .sandbox
                .invalidate(harness.slug(), person, Some(subcode)),
        )?;
        let classes = &[ErrorClass::NeedsUserAction];
        expect_error(
            &format!("a refresh after {subcode}"),
            harness.adapter.refresh_access_token(&tokens).await,
            classes,
        )?;
        expect_error(
            &format!("a profile after {subcode}"),
            harness.accounts(&tokens).await,
            classes,
        )?;
        expect_ok(
            "the user action",
            harness.sandbox.invalidate(harness.slug(), person, None),
        )?;
        expect_ok(
            "the profile after the user action",
            harness.accounts(&tokens).await,
        )?;
    }
    Ok(())
}
