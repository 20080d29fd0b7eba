//! PKCE (RFC 7636) as the platforms require it: standard S256, or TikTok's variant with a
//! hexadecimal hash for desktop apps.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq as _;
use url::Url;

use super::{AuthorizationRequestError, Form, OAuthError};
use crate::loopback::is_loopback;
use crate::platform::PlatformContext;
use crate::profile::Pkce;
use crate::settings::ClientKind;

/// Returns the code challenge, or `None` if the platform does not require PKCE. As at the real
/// platforms, the encoding of the hash is only checked when the verifier arrives.
pub(super) fn challenge(
    context: &PlatformContext,
    form: &Form,
    redirect_to: &Url,
) -> Result<Option<String>, AuthorizationRequestError> {
    let is_required = match context.platform.profile().pkce {
        Pkce::None => false,
        Pkce::S256 => true,
        Pkce::HexOnDesktop => is_desktop(context.settings().client_kind, redirect_to),
    };
    if !is_required {
        return Ok(None);
    }
    let challenge = form
        .get("code_challenge")
        .filter(|_| form.get("code_challenge_method") == Some("S256"));
    challenge
        .map(|challenge| Some(challenge.to_owned()))
        .ok_or(AuthorizationRequestError::MissingChallenge)
}

fn is_desktop(kind: ClientKind, redirect_to: &Url) -> bool {
    match kind {
        ClientKind::ByRedirect => is_loopback(redirect_to),
        ClientKind::Web => false,
        ClientKind::Desktop => true,
    }
}

impl Pkce {
    /// Checks that the verifier is well-formed (RFC 7636 §4.1) and matches the challenge.
    ///
    /// # Errors
    ///
    /// `InvalidGrant` as RFC 7636 §4.6 specifies, or `InvalidRequest` at TikTok.
    pub(super) fn verify(self, verifier: Option<&str>, challenge: &str) -> Result<(), OAuthError> {
        let hash = verifier
            .filter(|verifier| is_verifier(verifier))
            .map(Sha256::digest);
        let (expected, error) = match self {
            Self::None => return Ok(()),
            Self::S256 => (
                hash.map(|hash| URL_SAFE_NO_PAD.encode(hash)),
                OAuthError::InvalidGrant,
            ),
            Self::HexOnDesktop => (hash.map(const_hex::encode), OAuthError::InvalidRequest),
        };
        let matches =
            expected.is_some_and(|expected| expected.as_bytes().ct_eq(challenge.as_bytes()).into());
        if matches { Ok(()) } else { Err(error) }
    }
}

fn is_verifier(text: &str) -> bool {
    let is_unreserved = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    (43..=128).contains(&text.len()) && text.bytes().all(is_unreserved)
}
