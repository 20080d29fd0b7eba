//! Sessions that their owners paste.

use std::collections::BTreeMap;

use evergrant_adapters::{
    AcceptedCredentials, CodeExchange, ErrorClass, Lifecycle, ProviderKind, SessionCheck,
};
use evergrant_model::AuthorizationCode;
use evergrant_sandbox::{Fault, FaultKind, Session};

use crate::capability::Capability::{self, Kind, Profile};
use crate::stand::{CALLBACK, Stand, fields_refused};
use crate::suite::{Check, check};
use crate::verdict::{Verdict, ensure, refused, works};

const COOKIES: Capability = Kind(ProviderKind::Cookies);
const CHECKED: Capability = Capability::Lifecycle(Lifecycle::Checked);

pub(super) const CHECKS: &[Check] = &[
    check!(
        "a session is read from each form in which it is copied",
        [COOKIES],
        forms
    ),
    check!(
        "a session names its owner and is confirmed",
        [COOKIES, Profile(true)],
        confirmed
    ),
    check!(
        "a session that has ended is told to its owner",
        [COOKIES, Profile(true)],
        ended
    ),
    check!(
        "a session of another account is refused",
        [COOKIES, Profile(true)],
        another
    ),
    check!(
        "a session is refused with any of its parts altered",
        [COOKIES, Profile(true)],
        altered
    ),
    check!(
        "being turned away proves nothing about a session",
        [COOKIES, Profile(true)],
        blocked
    ),
    check!(
        "a session is called ended after a second look",
        [CHECKED, Profile(true)],
        second_look
    ),
    check!(
        "without an address nobody is asked and nothing is confirmed",
        [CHECKED, Profile(false)],
        nobody_asked
    ),
    check!(
        "what takes sessions has no consent page",
        [COOKIES],
        no_consent
    ),
    check!("the entry names no address to call", [COOKIES], no_address),
];

fn pasted(text: &str) -> BTreeMap<String, String> {
    [("pasted".to_owned(), text.to_owned())].into()
}

async fn accepted(
    stand: &Stand,
    values: &BTreeMap<String, String>,
) -> Verdict<AcceptedCredentials> {
    works(
        "the session",
        stand.adapter.accept_credentials(values).await,
    )
}

async fn forms(stand: &Stand) -> Verdict {
    for person in &stand.people {
        let session = stand.session(&person.name)?;
        let whole = accepted(stand, &stand.parts(&session)).await?;
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
            let found = accepted(stand, &pasted(&text)).await?;
            ensure!(
                found.session.expose() == whole.session.expose(),
                "a form is read into another session"
            );
        }
    }
    Ok(())
}

async fn confirmed(stand: &Stand) -> Verdict {
    for person in &stand.people {
        let found = accepted(stand, &stand.parts(&stand.session(&person.name)?)).await?;
        ensure!(found.verified, "{}'s session is not confirmed", person.name);
        ensure!(
            found.account.id.as_str() == person.account_id,
            "it is the account {}",
            found.account.id.as_str()
        );
        let check = works(
            "the check",
            stand.adapter.check_session(&found.session).await,
        )?;
        ensure!(
            check == SessionCheck::Alive(Box::new(found.account)),
            "the check says {check:?}"
        );
    }
    Ok(())
}

/// A session that the platform has confirmed, with the form it came in.
async fn alive(stand: &Stand) -> Verdict<(AcceptedCredentials, BTreeMap<String, String>)> {
    let values = stand.parts(&stand.session(&stand.someone().name)?);
    let found = accepted(stand, &values).await?;
    ensure!(found.verified, "the session is not confirmed");
    Ok((found, values))
}

/// A stranger is answered with success, so only what the answer says tells.
async fn ended(stand: &Stand) -> Verdict {
    let (found, values) = alive(stand).await?;
    stand.withdraw(&stand.someone().name)?;
    let check = works(
        "the check",
        stand.adapter.check_session(&found.session).await,
    )?;
    ensure!(check == SessionCheck::Ended, "the check says {check:?}");
    refused(
        "the profile",
        stand.accounts(&stand_in(&found)).await,
        &[ErrorClass::NeedsReauth],
    )?;
    fields_refused(
        "an ended session",
        stand.adapter.accept_credentials(&values).await,
    )
}

fn stand_in(found: &AcceptedCredentials) -> evergrant_adapters::HeldTokens {
    evergrant_adapters::HeldTokens {
        access: Some(found.session.clone()),
        refresh: None,
    }
}

/// The platform answers with another account than the session's own number says.
async fn another(stand: &Stand) -> Verdict {
    let [one, other, ..] = stand.people.as_slice() else {
        return Err("there is one person alone".to_owned());
    };
    let (found, values) = alive(stand).await?;
    stand.front.replace(&one.account_id, &other.account_id);
    let check = works(
        "the check",
        stand.adapter.check_session(&found.session).await,
    )?;
    ensure!(check == SessionCheck::Ended, "the check says {check:?}");
    fields_refused(
        "another's session",
        stand.adapter.accept_credentials(&values).await,
    )
}

async fn altered(stand: &Stand) -> Verdict {
    let (_, values) = alive(stand).await?;
    for field in stand
        .adapter
        .credential_fields()
        .iter()
        .filter(|field| field.required)
    {
        let mut values = values.clone();
        let Some(value) = values.get_mut(field.name) else {
            return Err(format!("there is no {}", field.name));
        };
        value.push('1');
        let what = format!("a session with another {}", field.name);
        fields_refused(&what, stand.adapter.accept_credentials(&values).await)?;
    }
    Ok(())
}

async fn blocked(stand: &Stand) -> Verdict {
    let (found, values) = alive(stand).await?;
    works(
        "the fault",
        stand
            .sandbox
            .force_next(Fault::new(stand.slug(), "*", FaultKind::Html).times(2)),
    )?;
    refused(
        "the check",
        stand.adapter.check_session(&found.session).await,
        &[ErrorClass::Blocked],
    )?;
    let kept = accepted(stand, &values).await?;
    ensure!(!kept.verified, "the session counts as confirmed");
    Ok(())
}

async fn second_look(stand: &Stand) -> Verdict {
    let (found, _) = alive(stand).await?;
    works(
        "the fault",
        stand
            .sandbox
            .force_next(Fault::new(stand.slug(), "*", FaultKind::Empty).status(401)),
    )?;
    let error = refused(
        "the check",
        stand.adapter.check_session(&found.session).await,
        &[ErrorClass::NeedsReauth],
    )?;
    ensure!(
        error.needs_confirmation(),
        "one refusal is believed at once"
    );
    Ok(())
}

async fn nobody_asked(stand: &Stand) -> Verdict {
    let person = stand.someone();
    let session: Session = stand.session(&person.name)?;
    let before = stand.calls();
    let found = accepted(stand, &stand.parts(&session)).await?;
    ensure!(!found.verified, "the session counts as confirmed");
    ensure!(
        found.account.id.as_str() == person.account_id,
        "it is the account {}",
        found.account.id.as_str()
    );
    ensure!(
        found.account.metadata.is_empty(),
        "there are facts: {:?}",
        found.account.metadata
    );
    let check = works(
        "the check",
        stand.adapter.check_session(&found.session).await,
    )?;
    ensure!(
        check == SessionCheck::Unverified,
        "the check says {check:?}"
    );
    let accounts = works("the profile", stand.accounts(&stand_in(&found)).await)?;
    ensure!(accounts == [found.account], "the profile says {accounts:?}");
    ensure!(stand.calls() == before, "the platform was called");
    Ok(())
}

async fn no_consent(stand: &Stand) -> Verdict {
    ensure!(stand.auth_url().is_err(), "it has a consent page");
    let code = AuthorizationCode::new("code");
    let exchange = CodeExchange {
        code: &code,
        redirect_uri: CALLBACK,
        verifier: None,
    };
    refused(
        "an exchange",
        stand.adapter.exchange_code_for_token(&exchange).await,
        &[ErrorClass::BadRequest],
    )?;
    ensure!(stand.calls() == 0, "the platform was called");
    Ok(())
}

/// So nothing can leave for a host that the operator has not named.
async fn no_address(stand: &Stand) -> Verdict {
    let line = stand
        .entry
        .text
        .lines()
        .find(|line| line.contains("://") && !line.starts_with("docs"));
    ensure!(line.is_none(), "it does: {line:?}");
    ensure!(stand.entry.hosts().next().is_none(), "it has hosts");
    Ok(())
}
