//! PKCE (RFC 7636) as the platforms demand it: the standard way, or with the hash in hexadecimal
//! for apps on a desktop.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq as _;
use url::Url;

use super::{AuthorizationFault, Form, Refusal};
use crate::loopback::is_loopback;
use crate::platform::Stage;
use crate::profile::Pkce;
use crate::settings::ClientKind;

/// The challenge that the code will be held against; `None` where none is demanded. How its hash is
/// written shows only when the verifier comes, as at the real platforms.
pub(super) fn challenge(
    stage: &Stage,
    form: &Form,
    redirect_to: &Url,
) -> Result<Option<String>, AuthorizationFault> {
    let is_demanded = match stage.platform.profile().pkce {
        Pkce::None => false,
        Pkce::S256 => true,
        Pkce::HexOnDesktop => is_desktop(stage.settings().client_kind, redirect_to),
    };
    if !is_demanded {
        return Ok(None);
    }
    let challenge = form
        .get("code_challenge")
        .filter(|_| form.get("code_challenge_method") == Some("S256"));
    challenge
        .map(|challenge| Some(challenge.to_owned()))
        .ok_or(AuthorizationFault::MissingChallenge)
}

fn is_desktop(kind: ClientKind, redirect_to: &Url) -> bool {
    match kind {
        ClientKind::ByRedirect => is_loopback(redirect_to),
        ClientKind::Web => false,
        ClientKind::Desktop => true,
    }
}

impl Pkce {
    /// Refuses an exchange whose verifier is none (§4.1), or has another hash than the challenge.
    /// RFC 7636 §4.6 calls that an invalid grant, TikTok an invalid request.
    pub(super) fn verify(self, verifier: Option<&str>, challenge: &str) -> Result<(), Refusal> {
        let hash = verifier
            .filter(|verifier| is_verifier(verifier))
            .map(Sha256::digest);
        let (expected, refusal) = match self {
            Self::None => return Ok(()),
            Self::S256 => (
                hash.map(|hash| URL_SAFE_NO_PAD.encode(hash)),
                Refusal::InvalidGrant,
            ),
            Self::HexOnDesktop => (hash.map(const_hex::encode), Refusal::InvalidRequest),
        };
        let fits =
            expected.is_some_and(|expected| expected.as_bytes().ct_eq(challenge.as_bytes()).into());
        if fits { Ok(()) } else { Err(refusal) }
    }
}

fn is_verifier(text: &str) -> bool {
    let is_unreserved = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    (43..=128).contains(&text.len()) && text.bytes().all(is_unreserved)
}
