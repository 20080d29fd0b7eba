//! PKCE (RFC 7636): the encoding of the challenge, and the rejection of a wrong proof.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use evergrant_adapters::{AuthorizationRequest, CodeExchange, ErrorClass, Pkce};
use evergrant_model::{FlowState, PkceVerifier};
use sha2::{Digest, Sha256};
use url::Url;

use crate::capability::Capability;
use crate::harness::{CALLBACK, Harness, STATE, held_tokens, query, verifier};
use crate::suite::{Check, check};
use crate::verdict::{Verdict, ensure, expect_error, expect_ok};

const CHALLENGE: Capability = Capability::Challenge(true);
const NO_CHALLENGE: Capability = Capability::Challenge(false);

pub(super) const CHECKS: &[Check] = &[
    check!(
        "the PKCE challenge is the verifier's SHA-256 in base64url",
        [Capability::Pkce(Pkce::S256)],
        encoding
    ),
    check!(
        "the PKCE challenge is the verifier's SHA-256 in hexadecimal",
        [Capability::Pkce(Pkce::S256Hex)],
        encoding
    ),
    check!(
        "a challenge in another encoding is rejected if the platform requires one",
        [CHALLENGE],
        other_encoding
    ),
    check!(
        "a different verifier is rejected if the platform requires a challenge",
        [CHALLENGE],
        other_verifier
    ),
    check!(
        "a flow without a verifier is rejected before any call",
        [CHALLENGE],
        no_verifier
    ),
    check!(
        "no challenge is sent to a provider without PKCE",
        [NO_CHALLENGE, Capability::Pkce(Pkce::None)],
        no_challenge
    ),
];

/// Returns the challenge in the encoding that the provider expects, and in the other one.
fn encodings(pkce: Pkce) -> (String, String) {
    let hash = Sha256::digest(verifier().expose().as_bytes());
    let (base64url, hex) = (BASE64_URL_SAFE_NO_PAD.encode(hash), const_hex::encode(hash));
    if pkce == Pkce::S256Hex {
        (hex, base64url)
    } else {
        (base64url, hex)
    }
}

async fn encoding(harness: &Harness) -> Verdict {
    let url = expect_ok("the authorization URL", Url::parse(&harness.auth_url()?))?;
    let (expected, _) = encodings(harness.spec().pkce);
    ensure!(
        query(&url, "code_challenge") == Some(expected),
        "the challenge is not the hash of the verifier"
    );
    ensure!(
        query(&url, "code_challenge_method").as_deref() == Some("S256"),
        "the challenge method is not S256"
    );
    harness
        .authorize(&harness.first_person().name)
        .await
        .map(drop)
}

/// Returns whether the platform rejects an authorization request without a challenge. A platform
/// that does not require one accepts a challenge but does not verify it.
fn requires_challenge(harness: &Harness) -> Verdict<bool> {
    let mut url = expect_ok("the authorization URL", Url::parse(&harness.auth_url()?))?;
    let pairs: Vec<(String, String)> = url.query_pairs().into_owned().collect();
    let others = pairs
        .iter()
        .filter(|(name, _)| !name.starts_with("code_challenge"));
    url.query_pairs_mut().clear().extend_pairs(others);
    Ok(harness
        .callback(url.as_str(), &harness.first_person().name, None)
        .is_err())
}

/// Checks that an exchange with a wrong proof is rejected if the platform requires a challenge, and
/// succeeds otherwise.
async fn exchange_with_wrong_proof(harness: &Harness, exchange: &CodeExchange<'_>) -> Verdict {
    let outcome = harness.adapter.exchange_code_for_token(exchange).await;
    if requires_challenge(harness)? {
        let classes = [ErrorClass::NeedsReauth, ErrorClass::BadRequest];
        return expect_error("the exchange", outcome, &classes).map(drop);
    }
    let tokens = expect_ok(
        "the exchange at a platform that requires no challenge",
        outcome,
    )?;
    expect_ok("the profile", harness.accounts(&held_tokens(tokens)).await).map(drop)
}

async fn other_encoding(harness: &Harness) -> Verdict {
    let (expected, other) = encodings(harness.spec().pkce);
    let url = harness.auth_url()?;
    ensure!(
        url.contains(&expected),
        "the authorization URL does not contain the challenge"
    );
    let code = harness.code_for(
        &url.replace(&expected, &other),
        &harness.first_person().name,
        None,
    )?;
    let verifier = verifier();
    exchange_with_wrong_proof(
        harness,
        &CodeExchange {
            code: &code,
            redirect_uri: CALLBACK,
            verifier: Some(&verifier),
        },
    )
    .await
}

async fn other_verifier(harness: &Harness) -> Verdict {
    let code = harness.code(&harness.first_person().name)?;
    let other = PkceVerifier::new("another-conformance-verifier-0123456789-abcdefgh");
    exchange_with_wrong_proof(
        harness,
        &CodeExchange {
            code: &code,
            redirect_uri: CALLBACK,
            verifier: Some(&other),
        },
    )
    .await
}

async fn no_verifier(harness: &Harness) -> Verdict {
    let (state, scopes) = (FlowState::new(STATE), harness.requested_scopes());
    let request = AuthorizationRequest {
        redirect_uri: CALLBACK,
        state: &state,
        scopes: &scopes,
        verifier: None,
    };
    expect_error(
        "the authorization URL",
        harness.adapter.auth_url(&request),
        &[ErrorClass::BadRequest],
    )?;
    let code = harness.code(&harness.first_person().name)?;
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

async fn no_challenge(harness: &Harness) -> Verdict {
    let url = expect_ok("the authorization URL", Url::parse(&harness.auth_url()?))?;
    let challenge = url
        .query_pairs()
        .find(|(name, _)| name.starts_with("code_challenge"));
    ensure!(
        challenge.is_none(),
        "the authorization URL contains a challenge"
    );
    harness
        .authorize(&harness.first_person().name)
        .await
        .map(drop)
}
