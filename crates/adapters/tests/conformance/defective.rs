//! Adapters with one defect each. The suite must report every defect under the claim that it
//! breaks.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use evergrant_adapters::{
    AcceptedCredentials, AdapterError, AuthorizationRequest, CodeExchange, CredentialError,
    CredentialField, HeldTokens, PlatformAdapter, ProviderSpec, RemoteRevocation, SessionCheck,
};
use evergrant_model::{
    AccessToken, AccountInfo, ProviderAccountId, RefreshToken, ScopeSet, TokenSet,
};
use url::Url;

use crate::harness::Wrap;
use crate::suite::failures_of;

/// A defect of an adapter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Defect {
    /// Encodes the PKCE challenge in base64url although the platform expects hexadecimal.
    ChallengeEncoding,
    /// Drops the refresh token of a code exchange.
    DropsFirstRefreshToken,
    /// Drops the refresh token of a refresh.
    DropsRotatedRefreshToken,
    /// Reads every response with status 200 as tokens.
    ReadsErrorAsTokens,
    /// Swaps the access token and the refresh token in a revocation.
    RevokesWrongToken,
    /// Uses the user name as the account id.
    IdFromUsername,
}

/// A real adapter with one defect.
struct DefectiveAdapter {
    inner: Arc<dyn PlatformAdapter>,
    defect: Defect,
}

impl DefectiveAdapter {
    fn has(&self, defect: Defect) -> bool {
        self.defect == defect
    }

    fn tokens(
        &self,
        outcome: Result<TokenSet, AdapterError>,
        lost: Defect,
    ) -> Result<TokenSet, AdapterError> {
        match outcome {
            Ok(tokens) if self.has(lost) => Ok(TokenSet {
                refresh: None,
                ..tokens
            }),
            Err(error)
                if self.has(Defect::ReadsErrorAsTokens) && error.http_status() == Some(200) =>
            {
                Ok(TokenSet {
                    access: AccessToken::new("undefined"),
                    refresh: Some(RefreshToken::new("undefined")),
                    token_type: None,
                    expires_at: None,
                    grant_expires_at: None,
                    scope: None,
                })
            }
            other => other,
        }
    }
}

/// Returns the authorization URL with its challenge in base64url instead of hexadecimal.
fn with_base64url_challenge(url: &str) -> String {
    let mut url = Url::parse(url).unwrap();
    let pairs: Vec<(String, String)> = url.query_pairs().into_owned().collect();
    let reencode = |hex: &str| BASE64_URL_SAFE_NO_PAD.encode(const_hex::decode(hex).unwrap());
    let pairs = pairs.into_iter().map(|(name, value)| {
        let value = if name == "code_challenge" {
            reencode(&value)
        } else {
            value
        };
        (name, value)
    });
    let pairs: Vec<_> = pairs.collect();
    url.query_pairs_mut().clear().extend_pairs(pairs);
    url.into()
}

#[async_trait]
impl PlatformAdapter for DefectiveAdapter {
    fn spec(&self) -> &ProviderSpec {
        self.inner.spec()
    }

    fn auth_url(&self, request: &AuthorizationRequest<'_>) -> Result<String, AdapterError> {
        let url = self.inner.auth_url(request)?;
        Ok(if self.has(Defect::ChallengeEncoding) {
            with_base64url_challenge(&url)
        } else {
            url
        })
    }

    async fn exchange_code_for_token(
        &self,
        exchange: &CodeExchange<'_>,
    ) -> Result<TokenSet, AdapterError> {
        self.tokens(
            self.inner.exchange_code_for_token(exchange).await,
            Defect::DropsFirstRefreshToken,
        )
    }

    async fn refresh_access_token(&self, tokens: &HeldTokens) -> Result<TokenSet, AdapterError> {
        self.tokens(
            self.inner.refresh_access_token(tokens).await,
            Defect::DropsRotatedRefreshToken,
        )
    }

    async fn user_profile(
        &self,
        access: &AccessToken,
        granted: &ScopeSet,
    ) -> Result<Vec<AccountInfo>, AdapterError> {
        let mut accounts = self.inner.user_profile(access, granted).await?;
        for account in accounts
            .iter_mut()
            .filter(|_| self.has(Defect::IdFromUsername))
        {
            account.id =
                ProviderAccountId::new(account.username.as_deref().unwrap_or_default()).unwrap();
        }
        Ok(accounts)
    }

    async fn revoke_access(&self, tokens: &HeldTokens) -> Result<RemoteRevocation, AdapterError> {
        if !self.has(Defect::RevokesWrongToken) {
            return self.inner.revoke_access(tokens).await;
        }
        let refresh = tokens
            .access
            .as_ref()
            .map(|token| RefreshToken::new(token.expose()));
        let access = tokens
            .refresh
            .as_ref()
            .map(|token| AccessToken::new(token.expose()));
        self.inner
            .revoke_access(&HeldTokens { access, refresh })
            .await
    }

    fn credential_fields(&self) -> &[CredentialField] {
        self.inner.credential_fields()
    }

    async fn accept_credentials(
        &self,
        values: &BTreeMap<String, String>,
    ) -> Result<AcceptedCredentials, CredentialError> {
        self.inner.accept_credentials(values).await
    }

    async fn check_session(&self, session: &AccessToken) -> Result<SessionCheck, AdapterError> {
        self.inner.check_session(session).await
    }
}

/// Asserts that the suite reports that the claim does not hold for the provider with the wrapped
/// adapter.
async fn assert_reported(slug: &str, wrap: Wrap, claim: &str) {
    let found = failures_of(slug, wrap, claim).await;
    let named: Vec<_> = found
        .iter()
        .map(|failure| (failure.subject.as_str(), failure.claim))
        .collect();
    assert_eq!(named, [(slug, claim)], "{found:?}");
}

#[tokio::test]
async fn challenge_in_the_wrong_encoding_is_reported() {
    let wrap: Wrap = |inner| {
        Arc::new(DefectiveAdapter {
            inner,
            defect: Defect::ChallengeEncoding,
        })
    };
    assert_reported(
        "tiktok",
        wrap,
        "the PKCE challenge is the verifier's SHA-256 in hexadecimal",
    )
    .await;
    assert_reported(
        "tiktok",
        wrap,
        "a code exchange returns a working access token",
    )
    .await;
}

#[tokio::test]
async fn refresh_token_lost_at_the_exchange_is_reported() {
    let wrap: Wrap = |inner| {
        Arc::new(DefectiveAdapter {
            inner,
            defect: Defect::DropsFirstRefreshToken,
        })
    };
    assert_reported(
        "reddit",
        wrap,
        "a code exchange returns tokens that can be refreshed",
    )
    .await;
}

#[tokio::test]
async fn refresh_token_lost_at_a_refresh_is_reported() {
    let wrap: Wrap = |inner| {
        Arc::new(DefectiveAdapter {
            inner,
            defect: Defect::DropsRotatedRefreshToken,
        })
    };
    assert_reported(
        "tiktok",
        wrap,
        "a refresh returns the rotated refresh token",
    )
    .await;
}

#[tokio::test]
async fn error_with_status_200_read_as_tokens_is_reported() {
    let wrap: Wrap = |inner| {
        Arc::new(DefectiveAdapter {
            inner,
            defect: Defect::ReadsErrorAsTokens,
        })
    };
    assert_reported(
        "reddit",
        wrap,
        "an error with status 200 is never read as tokens",
    )
    .await;
    assert_reported(
        "instagram",
        wrap,
        "an error with status 200 is never read as refreshed tokens",
    )
    .await;
}

#[tokio::test]
async fn revocation_of_the_wrong_token_is_reported() {
    let wrap: Wrap = |inner| {
        Arc::new(DefectiveAdapter {
            inner,
            defect: Defect::RevokesWrongToken,
        })
    };
    assert_reported(
        "reddit",
        wrap,
        "a revocation ends the grant at the platform",
    )
    .await;
}

#[tokio::test]
async fn account_id_made_of_the_user_name_is_reported() {
    let wrap: Wrap = |inner| {
        Arc::new(DefectiveAdapter {
            inner,
            defect: Defect::IdFromUsername,
        })
    };
    for slug in ["instagram", "reddit", "onlyfans"] {
        assert_reported(
            slug,
            wrap,
            "the account id does not depend on the user name",
        )
        .await;
    }
}
