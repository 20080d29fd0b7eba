//! PKCE (RFC 7636): the challenge in the platform's spelling, and what becomes of another.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use evergrant_adapters::{AuthorizationRequest, CodeExchange, ErrorClass, Pkce};
use evergrant_model::{FlowState, PkceVerifier};
use sha2::{Digest, Sha256};
use url::Url;

use crate::capability::Capability;
use crate::stand::{CALLBACK, STATE, Stand, held, query, verifier};
use crate::suite::{Check, check};
use crate::verdict::{Verdict, ensure, refused, works};

const CHALLENGE: Capability = Capability::Challenge(true);
const NO_CHALLENGE: Capability = Capability::Challenge(false);

pub(super) const CHECKS: &[Check] = &[
    check!(
        "the challenge is the verifier's hash in base64url",
        [Capability::Pkce(Pkce::S256)],
        spelling
    ),
    check!(
        "the challenge is the verifier's hash in hexadecimal",
        [Capability::Pkce(Pkce::S256Hex)],
        spelling
    ),
    check!(
        "a challenge in another spelling is refused where one is demanded",
        [CHALLENGE],
        other_spelling
    ),
    check!(
        "another verifier is refused where one is demanded",
        [CHALLENGE],
        other_verifier
    ),
    check!(
        "no flow begins or ends without its verifier",
        [CHALLENGE],
        no_verifier
    ),
    check!(
        "where no challenge is taken none is sent",
        [NO_CHALLENGE, Capability::Pkce(Pkce::None)],
        none
    ),
];

/// What the platform wants to see, and the spelling that it does not want.
fn spellings(pkce: Pkce) -> (String, String) {
    let hash = Sha256::digest(verifier().expose().as_bytes());
    let (base64url, hex) = (BASE64_URL_SAFE_NO_PAD.encode(hash), const_hex::encode(hash));
    if pkce == Pkce::S256Hex {
        (hex, base64url)
    } else {
        (base64url, hex)
    }
}

async fn spelling(stand: &Stand) -> Verdict {
    let url = works("the address", Url::parse(&stand.auth_url()?))?;
    let (wanted, _) = spellings(stand.spec().pkce);
    ensure!(
        query(&url, "code_challenge") == Some(wanted),
        "the challenge is another text"
    );
    ensure!(
        query(&url, "code_challenge_method").as_deref() == Some("S256"),
        "the method is not S256"
    );
    stand.bought(&stand.someone().name).await.map(drop)
}

/// Whether the platform shows a consent page only to a flow that has a challenge. One that does not
/// look at challenges takes ours all the same, and binds nothing to it.
fn is_demanded(stand: &Stand) -> Verdict<bool> {
    let mut url = works("the address", Url::parse(&stand.auth_url()?))?;
    let pairs: Vec<(String, String)> = url.query_pairs().into_owned().collect();
    let others = pairs
        .iter()
        .filter(|(name, _)| !name.starts_with("code_challenge"));
    url.query_pairs_mut().clear().extend_pairs(others);
    Ok(stand
        .callback(url.as_str(), &stand.someone().name, None)
        .is_err())
}

/// The end of a flow that was proven wrongly: refused where that is looked at, else as good as any.
async fn proven_wrongly(stand: &Stand, exchange: &CodeExchange<'_>) -> Verdict {
    let outcome = stand.adapter.exchange_code_for_token(exchange).await;
    if is_demanded(stand)? {
        let classes = [ErrorClass::NeedsReauth, ErrorClass::BadRequest];
        return refused("the exchange", outcome, &classes).map(drop);
    }
    let tokens = works(
        "the exchange at a platform that demands no challenge",
        outcome,
    )?;
    works("the profile", stand.accounts(&held(tokens)).await).map(drop)
}

async fn other_spelling(stand: &Stand) -> Verdict {
    let (ours, other) = spellings(stand.spec().pkce);
    let address = stand.auth_url()?;
    ensure!(
        address.contains(&ours),
        "the address does not hold the challenge"
    );
    let code = stand.code_for(&address.replace(&ours, &other), &stand.someone().name, None)?;
    let verifier = verifier();
    proven_wrongly(
        stand,
        &CodeExchange {
            code: &code,
            redirect_uri: CALLBACK,
            verifier: Some(&verifier),
        },
    )
    .await
}

async fn other_verifier(stand: &Stand) -> Verdict {
    let code = stand.code(&stand.someone().name)?;
    let other = PkceVerifier::new("another-conformance-verifier-0123456789-abcdefgh");
    proven_wrongly(
        stand,
        &CodeExchange {
            code: &code,
            redirect_uri: CALLBACK,
            verifier: Some(&other),
        },
    )
    .await
}

async fn no_verifier(stand: &Stand) -> Verdict {
    let (state, scopes) = (FlowState::new(STATE), stand.wanted());
    let request = AuthorizationRequest {
        redirect_uri: CALLBACK,
        state: &state,
        scopes: &scopes,
        verifier: None,
    };
    refused(
        "the address",
        stand.adapter.auth_url(&request),
        &[ErrorClass::BadRequest],
    )?;
    let code = stand.code(&stand.someone().name)?;
    let exchange = CodeExchange {
        code: &code,
        redirect_uri: CALLBACK,
        verifier: None,
    };
    refused(
        "the exchange",
        stand.adapter.exchange_code_for_token(&exchange).await,
        &[ErrorClass::BadRequest],
    )?;
    ensure!(stand.calls() == 0, "the platform was called");
    Ok(())
}

async fn none(stand: &Stand) -> Verdict {
    let url = works("the address", Url::parse(&stand.auth_url()?))?;
    let challenge = url
        .query_pairs()
        .find(|(name, _)| name.starts_with("code_challenge"));
    ensure!(challenge.is_none(), "there is a challenge");
    stand.bought(&stand.someone().name).await.map(drop)
}
