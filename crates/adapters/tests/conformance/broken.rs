//! Adapters that are wrong in one way each. The suite must find every one of them out, and name the
//! claim that breaks.

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

use crate::stand::Wrap;
use crate::suite::failures_of;

/// What is wrong with an adapter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wrong {
    /// The challenge is spelled in base64url where the platform wants hexadecimal.
    ChallengeSpelling,
    /// The refresh token of a code exchange is lost.
    FirstRefreshTokenLost,
    /// The refresh token of a renewal is lost.
    NextRefreshTokenLost,
    /// An answer with status 200 counts as tokens, whatever it says.
    AnyAnswerIsTokens,
    /// The two tokens change places in a revocation.
    RevokesTheOtherToken,
    /// The account's id is made of its name.
    IdFromName,
}

/// A real adapter with one thing wrong.
struct Broken {
    inner: Arc<dyn PlatformAdapter>,
    wrong: Wrong,
}

impl Broken {
    fn has(&self, wrong: Wrong) -> bool {
        self.wrong == wrong
    }

    fn tokens(
        &self,
        outcome: Result<TokenSet, AdapterError>,
        lost: Wrong,
    ) -> Result<TokenSet, AdapterError> {
        match outcome {
            Ok(tokens) if self.has(lost) => Ok(TokenSet {
                refresh: None,
                ..tokens
            }),
            Err(error)
                if self.has(Wrong::AnyAnswerIsTokens) && error.http_status() == Some(200) =>
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

/// The address with its challenge in base64url.
fn respelled(address: &str) -> String {
    let mut url = Url::parse(address).unwrap();
    let pairs: Vec<(String, String)> = url.query_pairs().into_owned().collect();
    let respell = |hex: &str| BASE64_URL_SAFE_NO_PAD.encode(const_hex::decode(hex).unwrap());
    let pairs = pairs.into_iter().map(|(name, value)| {
        let value = if name == "code_challenge" {
            respell(&value)
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
impl PlatformAdapter for Broken {
    fn spec(&self) -> &ProviderSpec {
        self.inner.spec()
    }

    fn auth_url(&self, request: &AuthorizationRequest<'_>) -> Result<String, AdapterError> {
        let address = self.inner.auth_url(request)?;
        Ok(if self.has(Wrong::ChallengeSpelling) {
            respelled(&address)
        } else {
            address
        })
    }

    async fn exchange_code_for_token(
        &self,
        exchange: &CodeExchange<'_>,
    ) -> Result<TokenSet, AdapterError> {
        self.tokens(
            self.inner.exchange_code_for_token(exchange).await,
            Wrong::FirstRefreshTokenLost,
        )
    }

    async fn refresh_access_token(&self, held: &HeldTokens) -> Result<TokenSet, AdapterError> {
        self.tokens(
            self.inner.refresh_access_token(held).await,
            Wrong::NextRefreshTokenLost,
        )
    }

    async fn user_profile(
        &self,
        access: &AccessToken,
        granted: &ScopeSet,
    ) -> Result<Vec<AccountInfo>, AdapterError> {
        let mut accounts = self.inner.user_profile(access, granted).await?;
        for account in accounts.iter_mut().filter(|_| self.has(Wrong::IdFromName)) {
            account.id =
                ProviderAccountId::new(account.username.as_deref().unwrap_or_default()).unwrap();
        }
        Ok(accounts)
    }

    async fn revoke_access(&self, held: &HeldTokens) -> Result<RemoteRevocation, AdapterError> {
        if !self.has(Wrong::RevokesTheOtherToken) {
            return self.inner.revoke_access(held).await;
        }
        let refresh = held
            .access
            .as_ref()
            .map(|token| RefreshToken::new(token.expose()));
        let access = held
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

/// Asserts that the suite finds fault with this platform in this wrapping, and says that this claim
/// does not hold.
async fn is_found(slug: &str, wrap: Wrap, claim: &str) {
    let found = failures_of(slug, wrap, claim).await;
    let named: Vec<_> = found
        .iter()
        .map(|failure| (failure.platform.as_str(), failure.claim))
        .collect();
    assert_eq!(named, [(slug, claim)], "{found:?}");
}

#[tokio::test]
async fn a_challenge_in_the_wrong_spelling_is_found() {
    let wrap: Wrap = |inner| {
        Arc::new(Broken {
            inner,
            wrong: Wrong::ChallengeSpelling,
        })
    };
    is_found(
        "tiktok",
        wrap,
        "the challenge is the verifier's hash in hexadecimal",
    )
    .await;
    is_found("tiktok", wrap, "a code buys a token that works").await;
}

#[tokio::test]
async fn a_refresh_token_lost_at_the_exchange_is_found() {
    let wrap: Wrap = |inner| {
        Arc::new(Broken {
            inner,
            wrong: Wrong::FirstRefreshTokenLost,
        })
    };
    is_found(
        "reddit",
        wrap,
        "the first tokens hold what a renewal is bought with",
    )
    .await;
}

#[tokio::test]
async fn a_refresh_token_lost_at_a_renewal_is_found() {
    let wrap: Wrap = |inner| {
        Arc::new(Broken {
            inner,
            wrong: Wrong::NextRefreshTokenLost,
        })
    };
    is_found(
        "tiktok",
        wrap,
        "a renewal hands over the next refresh token",
    )
    .await;
}

#[tokio::test]
async fn an_error_in_a_200_that_is_taken_for_a_token_is_found() {
    let wrap: Wrap = |inner| {
        Arc::new(Broken {
            inner,
            wrong: Wrong::AnyAnswerIsTokens,
        })
    };
    is_found(
        "reddit",
        wrap,
        "an error in a 200 is never taken for a token",
    )
    .await;
    is_found(
        "instagram",
        wrap,
        "an error in a 200 is never taken for a renewed token",
    )
    .await;
}

#[tokio::test]
async fn a_revocation_of_the_wrong_token_is_found() {
    let wrap: Wrap = |inner| {
        Arc::new(Broken {
            inner,
            wrong: Wrong::RevokesTheOtherToken,
        })
    };
    is_found(
        "reddit",
        wrap,
        "a revocation ends the grant at the platform",
    )
    .await;
}

#[tokio::test]
async fn an_id_made_of_the_name_is_found() {
    let wrap: Wrap = |inner| {
        Arc::new(Broken {
            inner,
            wrong: Wrong::IdFromName,
        })
    };
    for slug in ["instagram", "reddit", "onlyfans"] {
        is_found(slug, wrap, "the id is the account's and not its name's").await;
    }
}
