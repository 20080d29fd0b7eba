//! Before anything is granted: the address of the consent page, and the way back from it.

use evergrant_adapters::{CredentialError, ErrorClass, ProviderKind};
use evergrant_model::AccessToken;
use url::Url;

use crate::capability::Capability::{Issuer, Kind};
use crate::stand::{CALLBACK, STATE, Stand, code_in, query, verifier};
use crate::suite::{Check, check};
use crate::verdict::{Verdict, ensure, refused, works};

const OAUTH: crate::capability::Capability = Kind(ProviderKind::OAuth2);

pub(super) const CHECKS: &[Check] = &[
    check!(
        "the platform accepts our address and sends the person back with code and state",
        [OAUTH],
        comes_back
    ),
    check!(
        "the address says each thing once, our callback to the byte, and no secret",
        [OAUTH],
        address
    ),
    check!(
        "the platform's every host can be pointed at the simulator",
        [OAUTH],
        hosts
    ),
    check!(
        "what has a consent page takes no pasted credentials",
        [OAUTH],
        no_credentials
    ),
    check!("the callback names the issuer", [Issuer(true)], issuer),
    check!(
        "where no issuer is expected none comes",
        [Issuer(false)],
        no_issuer
    ),
];

fn back(stand: &Stand) -> Verdict<Url> {
    stand.callback(&stand.auth_url()?, &stand.someone().name, None)
}

async fn comes_back(stand: &Stand) -> Verdict {
    let callback = back(stand)?;
    ensure!(
        callback.as_str().starts_with(CALLBACK),
        "the browser is sent to another address"
    );
    ensure!(
        query(&callback, "state").as_deref() == Some(STATE),
        "the state does not come back as it went out"
    );
    code_in(&callback).map(drop)
}

async fn address(stand: &Stand) -> Verdict {
    let text = stand.auth_url()?;
    let url = works("the address", Url::parse(&text))?;
    let mut names: Vec<String> = url
        .query_pairs()
        .map(|(name, _)| name.into_owned())
        .collect();
    let all = names.len();
    names.sort();
    names.dedup();
    ensure!(names.len() == all, "a parameter is there twice");
    ensure!(
        query(&url, "redirect_uri").as_deref() == Some(CALLBACK),
        "the callback is not ours to the byte"
    );
    ensure!(
        query(&url, "state").as_deref() == Some(STATE),
        "the state is not ours to the byte"
    );
    ensure!(
        !text.contains(stand.secret()?),
        "our secret is in the address"
    );
    ensure!(
        !text.contains(verifier().expose()),
        "the verifier is in the address"
    );
    Ok(())
}

/// What an entry calls begins with one of its hosts, and the simulator's settings move all of
/// those: so whatever a check sends goes to the simulator.
async fn hosts(stand: &Stand) -> Verdict {
    for address in stand.entry.addresses() {
        let host = address
            .strip_prefix('{')
            .and_then(|rest| rest.split_once('}'))
            .map(|(host, _)| host);
        let is_moved = host.is_some_and(|host| stand.entry.hosts().any(|name| name == host));
        ensure!(
            is_moved || address.starts_with(&stand.base),
            "no setting can move {address}"
        );
    }
    for host in stand.entry.hosts() {
        let moved = stand
            .settings
            .get(host)
            .is_some_and(|value| value.starts_with(&stand.base));
        ensure!(moved, "the simulator's settings do not move {host}");
    }
    ensure!(
        stand.auth_url()?.starts_with(&stand.base),
        "the consent page is not the simulator's"
    );
    Ok(())
}

async fn no_credentials(stand: &Stand) -> Verdict {
    ensure!(
        stand.adapter.credential_fields().is_empty(),
        "it has fields to fill in"
    );
    let accepted = stand
        .adapter
        .accept_credentials(&[("pasted".to_owned(), "sess=1".to_owned())].into())
        .await;
    let is_refused = matches!(&accepted, Err(CredentialError::Provider(error)) if error.class() == ErrorClass::BadRequest);
    ensure!(
        is_refused,
        "pasted credentials are not refused: {accepted:?}"
    );
    refused(
        "a session",
        stand.adapter.check_session(&AccessToken::new("sess")).await,
        &[ErrorClass::BadRequest],
    )?;
    ensure!(stand.calls() == 0, "the platform was called");
    Ok(())
}

async fn issuer(stand: &Stand) -> Verdict {
    let told = query(&back(stand)?, "iss");
    ensure!(told == stand.spec().issuer, "the callback names {told:?}");
    Ok(())
}

async fn no_issuer(stand: &Stand) -> Verdict {
    let told = query(&back(stand)?, "iss");
    ensure!(
        told.is_none(),
        "the callback names {told:?}, which nobody compares"
    );
    Ok(())
}
