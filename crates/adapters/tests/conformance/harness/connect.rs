//! The steps by which a person connects an account.

use std::collections::BTreeMap;

use evergrant_adapters::{
    AdapterError, AuthorizationRequest, CodeExchange, HeldTokens, PlatformAdapter, ProviderKind,
};
use evergrant_model::{AccountInfo, AuthorizationCode, FlowState, ScopeSet, TokenSet};
use evergrant_sandbox::Session;
use url::Url;

use super::{CALLBACK, Harness, STATE, access, code_from, held_tokens, verifier};
use crate::verdict::{Verdict, expect_ok};

impl Harness {
    /// Returns the authorization URL that requests every scope of the entry.
    pub(crate) fn auth_url(&self) -> Verdict<String> {
        let (state, scopes) = (FlowState::new(STATE), self.requested_scopes());
        let verifier = verifier();
        let request = AuthorizationRequest {
            redirect_uri: CALLBACK,
            state: &state,
            scopes: &scopes,
            verifier: Some(&verifier),
        };
        expect_ok("the authorization URL", self.adapter.auth_url(&request))
    }

    /// Returns the URL to which the platform redirects after the person consented to `scopes`.
    /// `None` consents to all requested scopes.
    pub(crate) fn callback(
        &self,
        auth_url: &str,
        person: &str,
        scopes: Option<&[&str]>,
    ) -> Verdict<Url> {
        let location = expect_ok(
            "the consent",
            self.sandbox.approve(auth_url, person, scopes),
        )?;
        expect_ok("the callback URL", Url::parse(&location))
    }

    /// Returns a code after the person consented to everything.
    pub(crate) fn code(&self, person: &str) -> Verdict<AuthorizationCode> {
        self.code_for(&self.auth_url()?, person, None)
    }

    pub(crate) fn code_for(
        &self,
        auth_url: &str,
        person: &str,
        scopes: Option<&[&str]>,
    ) -> Verdict<AuthorizationCode> {
        code_from(&self.callback(auth_url, person, scopes)?)
    }

    pub(crate) async fn exchange(
        &self,
        code: &AuthorizationCode,
    ) -> Result<TokenSet, AdapterError> {
        self.exchange_by(&*self.adapter, code).await
    }

    pub(crate) async fn exchange_by(
        &self,
        adapter: &dyn PlatformAdapter,
        code: &AuthorizationCode,
    ) -> Result<TokenSet, AdapterError> {
        let verifier = verifier();
        let exchange = CodeExchange {
            code,
            redirect_uri: CALLBACK,
            verifier: Some(&verifier),
        };
        adapter.exchange_code_for_token(&exchange).await
    }

    /// Returns the tokens of a complete code flow.
    pub(crate) async fn authorize(&self, person: &str) -> Verdict<TokenSet> {
        expect_ok(
            "the code exchange",
            self.exchange(&self.code(person)?).await,
        )
    }

    /// Connects the person's account, by OAuth or with a session, and returns the stored tokens.
    pub(crate) async fn connect(&self, person: &str) -> Verdict<HeldTokens> {
        match self.spec().kind {
            ProviderKind::OAuth2 => self.authorize(person).await.map(held_tokens),
            ProviderKind::Cookies => {
                let accepted = self
                    .adapter
                    .accept_credentials(&self.form_values(&self.session(person)?))
                    .await;
                let access = Some(expect_ok("the session", accepted)?.session);
                Ok(HeldTokens {
                    access,
                    refresh: None,
                })
            }
        }
    }

    /// Logs the person in at the platform.
    pub(crate) fn session(&self, person: &str) -> Verdict<Session> {
        expect_ok("the login", self.sandbox.session(self.slug(), person))
    }

    /// Returns the values of the credential form, with one field per part of the session.
    pub(crate) fn form_values(&self, session: &Session) -> BTreeMap<String, String> {
        let all: BTreeMap<String, String> =
            serde_json::from_value(serde_json::to_value(session).unwrap()).unwrap();
        let fields: Vec<&str> = self
            .adapter
            .credential_fields()
            .iter()
            .map(|field| field.name)
            .collect();
        all.into_iter()
            .filter(|(name, _)| fields.contains(&name.as_str()))
            .collect()
    }

    pub(crate) async fn accounts(
        &self,
        tokens: &HeldTokens,
    ) -> Result<Vec<AccountInfo>, AdapterError> {
        self.accounts_within(tokens, &self.requested_scopes()).await
    }

    pub(crate) async fn accounts_within(
        &self,
        tokens: &HeldTokens,
        granted: &ScopeSet,
    ) -> Result<Vec<AccountInfo>, AdapterError> {
        self.adapter.user_profile(access(tokens), granted).await
    }

    /// Connects the person and returns the accounts of the grant.
    pub(crate) async fn accounts_of(&self, person: &str) -> Verdict<Vec<AccountInfo>> {
        let tokens = self.connect(person).await?;
        expect_ok("the profile", self.accounts(&tokens).await)
    }
}
