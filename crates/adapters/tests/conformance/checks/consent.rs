//! The authorization URL and the callback.

use evergrant_adapters::{CredentialError, ErrorClass, ProviderKind};
use evergrant_model::AccessToken;
use url::Url;

use crate::capability::Capability::{self, Issuer, Kind};
use crate::harness::{CALLBACK, Harness, STATE, code_from, query, verifier};
use crate::suite::{Check, check};
use crate::verdict::{Verdict, ensure, expect_error, expect_ok};

const OAUTH: Capability = Kind(ProviderKind::OAuth2);

pub(super) const CHECKS: &[Check] = &[
    check!(
        "the authorization URL leads back to the callback with a code and the same state",
        [OAUTH],
        returns_to_callback
    ),
    check!(
        "the authorization URL has unique parameters, the exact callback and state, and no secret",
        [OAUTH],
        auth_url
    ),
    check!(
        "every host of the provider can be overridden by a setting",
        [OAUTH],
        hosts
    ),
    check!(
        "a provider with a consent page accepts no session credentials",
        [OAUTH],
        no_credentials
    ),
    check!(
        "the callback carries the configured issuer",
        [Issuer(true)],
        issuer
    ),
    check!(
        "the callback carries no issuer if none is configured",
        [Issuer(false)],
        no_issuer
    ),
];

fn redirect(harness: &Harness) -> Verdict<Url> {
    harness.callback(&harness.auth_url()?, &harness.first_person().name, None)
}

async fn returns_to_callback(harness: &Harness) -> Verdict {
    let callback = redirect(harness)?;
    ensure!(
        callback.as_str().starts_with(CALLBACK),
        "the browser is redirected to another URL"
    );
    ensure!(
        query(&callback, "state").as_deref() == Some(STATE),
        "the state is not the one that was sent"
    );
    code_from(&callback).map(drop)
}

async fn auth_url(harness: &Harness) -> Verdict {
    let text = harness.auth_url()?;
    let url = expect_ok("the authorization URL", Url::parse(&text))?;
    let mut names: Vec<String> = url
        .query_pairs()
        .map(|(name, _)| name.into_owned())
        .collect();
    let all = names.len();
    names.sort();
    names.dedup();
    ensure!(names.len() == all, "a parameter is repeated");
    ensure!(
        query(&url, "redirect_uri").as_deref() == Some(CALLBACK),
        "the redirect URI is not exactly the callback"
    );
    ensure!(
        query(&url, "state").as_deref() == Some(STATE),
        "the state is not exactly the flow's state"
    );
    ensure!(
        !text.contains(harness.secret()?),
        "the URL contains the client secret"
    );
    ensure!(
        !text.contains(verifier().expose()),
        "the URL contains the PKCE verifier"
    );
    Ok(())
}

/// Every URL of the entry begins with one of its hosts, and the simulator's settings override all
/// of them. So every request of a check goes to the simulator.
async fn hosts(harness: &Harness) -> Verdict {
    for url in harness.entry.urls() {
        let host = url
            .strip_prefix('{')
            .and_then(|rest| rest.split_once('}'))
            .map(|(host, _)| host);
        let is_overridden = host.is_some_and(|host| harness.entry.hosts().any(|name| name == host));
        ensure!(
            is_overridden || url.starts_with(&harness.base),
            "no setting overrides the host of {url}"
        );
    }
    for host in harness.entry.hosts() {
        let overridden = harness
            .settings
            .get(host)
            .is_some_and(|value| value.starts_with(&harness.base));
        ensure!(
            overridden,
            "the simulator's settings do not override {host}"
        );
    }
    ensure!(
        harness.auth_url()?.starts_with(&harness.base),
        "the consent page is not at the simulator"
    );
    Ok(())
}

async fn no_credentials(harness: &Harness) -> Verdict {
    ensure!(
        harness.adapter.credential_fields().is_empty(),
        "it has credential fields"
    );
    let accepted = harness
        .adapter
        .accept_credentials(&[("pasted".to_owned(), "sess=1".to_owned())].into())
        .await;
    let is_rejected = matches!(&accepted, Err(CredentialError::Provider(error)) if error.class() == ErrorClass::BadRequest);
    ensure!(
        is_rejected,
        "pasted credentials are not rejected: {accepted:?}"
    );
    expect_error(
        "the session check",
        harness
            .adapter
            .check_session(&AccessToken::new("sess"))
            .await,
        &[ErrorClass::BadRequest],
    )?;
    ensure!(harness.calls() == 0, "the platform was called");
    Ok(())
}

async fn issuer(harness: &Harness) -> Verdict {
    let issuer = query(&redirect(harness)?, "iss");
    ensure!(
        issuer == harness.spec().issuer,
        "the callback names {issuer:?}"
    );
    Ok(())
}

async fn no_issuer(harness: &Harness) -> Verdict {
    let issuer = query(&redirect(harness)?, "iss");
    ensure!(
        issuer.is_none(),
        "the callback names {issuer:?}, which is not compared"
    );
    Ok(())
}
