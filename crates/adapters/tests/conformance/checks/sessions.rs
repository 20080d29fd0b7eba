//! Session credentials that the account owner pastes.

use std::collections::BTreeMap;

use evergrant_adapters::{
    AcceptedCredentials, CodeExchange, ErrorClass, HeldTokens, Lifecycle, ProviderKind,
    SessionCheck,
};
use evergrant_model::AuthorizationCode;
use evergrant_sandbox::{Fault, FaultKind, Session};

use crate::capability::Capability::{self, Kind, Profile};
use crate::harness::{CALLBACK, Harness, expect_rejected_fields};
use crate::suite::{Check, check};
use crate::verdict::{Verdict, ensure, expect_error, expect_ok};

const COOKIES: Capability = Kind(ProviderKind::Cookies);
const CHECKED: Capability = Capability::Lifecycle(Lifecycle::Checked);

pub(super) const CHECKS: &[Check] = &[
    check!(
        "a session is read from every supported copy format",
        [COOKIES],
        copy_formats
    ),
    check!(
        "a working session is verified and identifies its account",
        [COOKIES, Profile(true)],
        verified
    ),
    check!(
        "an ended session is reported as ended and rejected in the form",
        [COOKIES, Profile(true)],
        ended
    ),
    check!(
        "a session of another account is rejected",
        [COOKIES, Profile(true)],
        other_account
    ),
    check!(
        "a session with any altered part is rejected",
        [COOKIES, Profile(true)],
        altered
    ),
    check!(
        "a blocked check neither ends nor verifies a session",
        [COOKIES, Profile(true)],
        blocked
    ),
    check!(
        "a rejected session needs a second check before it counts as ended",
        [CHECKED, Profile(true)],
        second_check
    ),
    check!(
        "without a check URL a session stays unverified and nothing is sent",
        [CHECKED, Profile(false)],
        without_check_url
    ),
    check!(
        "a provider with session credentials has no consent page",
        [COOKIES],
        no_consent_page
    ),
    check!("the entry contains no URL to call", [COOKIES], no_url),
];

fn pasted(text: &str) -> BTreeMap<String, String> {
    [("pasted".to_owned(), text.to_owned())].into()
}

async fn accepted(
    harness: &Harness,
    values: &BTreeMap<String, String>,
) -> Verdict<AcceptedCredentials> {
    expect_ok(
        "the session",
        harness.adapter.accept_credentials(values).await,
    )
}

async fn copy_formats(harness: &Harness) -> Verdict {
    for person in &harness.people {
        let session = harness.session(&person.name)?;
        let from_parts = accepted(harness, &harness.form_values(&session)).await?;
        let headers = format!(
            "Cookie: {}\nUser-Agent: {}\nX-BC: {}",
            session.cookie_line(),
            session.user_agent,
            session.x_bc
        );
        for text in [
            session.curl("https://sandbox.example/api"),
            session.json(),
            headers,
        ] {
            let found = accepted(harness, &pasted(&text)).await?;
            ensure!(
                found.session.expose() == from_parts.session.expose(),
                "a copy format is read as a different session"
            );
        }
    }
    Ok(())
}

async fn verified(harness: &Harness) -> Verdict {
    for person in &harness.people {
        let found = accepted(
            harness,
            &harness.form_values(&harness.session(&person.name)?),
        )
        .await?;
        ensure!(
            found.verified,
            "the session of {} is not verified",
            person.name
        );
        ensure!(
            found.account.id.as_str() == person.account_id,
            "the account is {}",
            found.account.id.as_str()
        );
        let check = expect_ok(
            "the check",
            harness.adapter.check_session(&found.session).await,
        )?;
        ensure!(
            check == SessionCheck::Alive(Box::new(found.account)),
            "the check returns {check:?}"
        );
    }
    Ok(())
}

/// Returns a session that the platform verified, with its form values.
async fn verified_session(
    harness: &Harness,
) -> Verdict<(AcceptedCredentials, BTreeMap<String, String>)> {
    let values = harness.form_values(&harness.session(&harness.first_person().name)?);
    let found = accepted(harness, &values).await?;
    ensure!(found.verified, "the session is not verified");
    Ok((found, values))
}

/// The platform returns status 200 for an unknown session, so only the body shows that it has
/// ended.
async fn ended(harness: &Harness) -> Verdict {
    let (found, values) = verified_session(harness).await?;
    harness.revoke_as_person(&harness.first_person().name)?;
    let check = expect_ok(
        "the check",
        harness.adapter.check_session(&found.session).await,
    )?;
    ensure!(check == SessionCheck::Ended, "the check returns {check:?}");
    expect_error(
        "the profile",
        harness.accounts(&session_tokens(&found)).await,
        &[ErrorClass::NeedsReauth],
    )?;
    expect_rejected_fields(
        "an ended session",
        harness.adapter.accept_credentials(&values).await,
    )
}

fn session_tokens(found: &AcceptedCredentials) -> HeldTokens {
    HeldTokens {
        access: Some(found.session.clone()),
        refresh: None,
    }
}

/// The platform returns an account other than the `auth_id` of the session.
async fn other_account(harness: &Harness) -> Verdict {
    let [one, other, ..] = harness.people.as_slice() else {
        return Err("the simulator has only one person with an account".to_owned());
    };
    let (found, values) = verified_session(harness).await?;
    harness.rewriter.replace(&one.account_id, &other.account_id);
    let check = expect_ok(
        "the check",
        harness.adapter.check_session(&found.session).await,
    )?;
    ensure!(check == SessionCheck::Ended, "the check returns {check:?}");
    expect_rejected_fields(
        "a session of another account",
        harness.adapter.accept_credentials(&values).await,
    )
}

async fn altered(harness: &Harness) -> Verdict {
    let (_, values) = verified_session(harness).await?;
    for field in harness
        .adapter
        .credential_fields()
        .iter()
        .filter(|field| field.required)
    {
        let mut values = values.clone();
        let Some(value) = values.get_mut(field.name) else {
            return Err(format!("the form has no value for {}", field.name));
        };
        value.push('1');
        let what = format!("a session with another {}", field.name);
        expect_rejected_fields(&what, harness.adapter.accept_credentials(&values).await)?;
    }
    Ok(())
}

async fn blocked(harness: &Harness) -> Verdict {
    let (found, values) = verified_session(harness).await?;
    expect_ok(
        "the fault",
        harness
            .sandbox
            .inject_fault(Fault::new(harness.slug(), "*", FaultKind::Html).times(2)),
    )?;
    expect_error(
        "the check",
        harness.adapter.check_session(&found.session).await,
        &[ErrorClass::Blocked],
    )?;
    let unverified = accepted(harness, &values).await?;
    ensure!(!unverified.verified, "the session counts as verified");
    Ok(())
}

async fn second_check(harness: &Harness) -> Verdict {
    let (found, _) = verified_session(harness).await?;
    expect_ok(
        "the fault",
        harness
            .sandbox
            .inject_fault(Fault::new(harness.slug(), "*", FaultKind::Empty).status(401)),
    )?;
    let error = expect_error(
        "the check",
        harness.adapter.check_session(&found.session).await,
        &[ErrorClass::NeedsReauth],
    )?;
    ensure!(
        error.needs_confirmation(),
        "a single rejection ends the session"
    );
    Ok(())
}

async fn without_check_url(harness: &Harness) -> Verdict {
    let person = harness.first_person();
    let session: Session = harness.session(&person.name)?;
    let before = harness.calls();
    let found = accepted(harness, &harness.form_values(&session)).await?;
    ensure!(!found.verified, "the session counts as verified");
    ensure!(
        found.account.id.as_str() == person.account_id,
        "the account is {}",
        found.account.id.as_str()
    );
    ensure!(
        found.account.metadata.is_empty(),
        "the account has metadata: {:?}",
        found.account.metadata
    );
    let check = expect_ok(
        "the check",
        harness.adapter.check_session(&found.session).await,
    )?;
    ensure!(
        check == SessionCheck::Unverified,
        "the check returns {check:?}"
    );
    let accounts = expect_ok(
        "the profile",
        harness.accounts(&session_tokens(&found)).await,
    )?;
    ensure!(
        accounts == [found.account],
        "the profile returns {accounts:?}"
    );
    ensure!(harness.calls() == before, "the platform was called");
    Ok(())
}

async fn no_consent_page(harness: &Harness) -> Verdict {
    ensure!(
        harness.auth_url().is_err(),
        "the provider has an authorization URL"
    );
    let code = AuthorizationCode::new("code");
    let exchange = CodeExchange {
        code: &code,
        redirect_uri: CALLBACK,
        verifier: None,
    };
    expect_error(
        "the exchange",
        harness.adapter.exchange_code_for_token(&exchange).await,
        &[ErrorClass::BadRequest],
    )?;
    ensure!(harness.calls() == 0, "the platform was called");
    Ok(())
}

/// Therefore no request can go to a host that the operator has not configured.
async fn no_url(harness: &Harness) -> Verdict {
    let line = harness
        .entry
        .text
        .lines()
        .filter(|line| !line.starts_with("docs") && !line.starts_with("sign_in_url"))
        .find(|line| line.contains("://"));
    ensure!(line.is_none(), "the entry contains a URL: {line:?}");
    ensure!(
        harness.entry.hosts().next().is_none(),
        "the entry has hosts"
    );
    Ok(())
}
