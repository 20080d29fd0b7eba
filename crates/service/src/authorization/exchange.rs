//! The exchange of an authorization code for tokens, and the look-up of the accounts they reach.

use std::sync::Arc;

use evergrant_adapters::{
    AdapterError, CodeExchange, ErrorClass, PlatformAdapter, Provider, ProviderSpec,
};
use evergrant_model::{AccessToken, Call, Clock, ErrorCode, ScopeSet, TokenSet};
use evergrant_store::Flow;

use crate::authorization::consents::Consents;
use crate::authorization::eligible::eligible;
use crate::authorization::outcome::{
    CallbackParams, CallbackResult, Granted, GrantedTokens, ReachedAccount, to_json,
};
use crate::authorization::reported_error::ReportedError;
use crate::authorization::retry::{Retry, with_retries};
use crate::connections::revocation_queue::RevocationQueue;
use crate::error::{code_of, sentence_for};
use crate::identifiers::Identifiers;
use crate::providers::Providers;
use crate::refresh::refusals::RefusedGrants;
use crate::tokens::encryption::TokenEncryption;
use crate::{ServiceError, ServiceSettings};

/// Exchanges authorization codes for tokens.
pub(crate) struct CodeExchanger {
    pub(crate) consents: Arc<Consents>,
    pub(crate) providers: Providers,
    pub(crate) encryption: TokenEncryption,
    pub(crate) revocations: Arc<RevocationQueue>,
    pub(crate) refused: RefusedGrants,
    pub(crate) settings: Arc<ServiceSettings>,
    pub(crate) ids: Identifiers,
    pub(crate) clock: Arc<dyn Clock>,
}

impl CodeExchanger {
    /// Exchanges the code, fetches the accounts that the tokens reach, and stores or parks the
    /// tokens. Tokens that cannot be used are revoked.
    pub(crate) async fn complete(
        &self,
        call: &Call,
        flow: &Flow,
        params: &CallbackParams,
    ) -> Result<CallbackResult, ServiceError> {
        let provider = self.providers.configured(&flow.provider)?;
        let spec = provider.spec();
        check_response(spec, flow, params)?;
        let sent_at = self.clock.now();
        let mut tokens = self.exchange(&provider, flow, params).await?;
        tokens.scope = tokens.scope.or_else(|| params.granted_scope());
        let encrypted = self.encryption.encrypt(&tokens, sent_at)?;
        let scopes = tokens
            .scope
            .clone()
            .unwrap_or_else(|| ScopeSet::parse(&flow.requested_scope));
        let reached = self
            .reached_accounts(&provider, &tokens.access, &scopes)
            .await;
        // The user id in the profiles decides whether a revocation would end other connections.
        let facts = reached.as_ref().map_or(serde_json::Value::Null, to_json);
        let accounts = match self.accounts_to_connect(spec, flow, reached).await {
            Ok(accounts) => accounts,
            Err(error) => {
                self.revocations
                    .revoke_unsaved(call, spec, &encrypted, &facts)
                    .await?;
                return Err(error);
            }
        };
        let tokens = GrantedTokens {
            tokens: encrypted,
            verified: true,
        };
        let granted = Granted { tokens, accounts };
        self.consents
            .settle(call, spec, flow, params, granted)
            .await
    }

    /// Returns those of the reached accounts that the flow may connect.
    async fn accounts_to_connect(
        &self,
        spec: &ProviderSpec,
        flow: &Flow,
        reached: Result<Vec<ReachedAccount>, ServiceError>,
    ) -> Result<Vec<ReachedAccount>, ServiceError> {
        let reached = reached?;
        let expected = self.consents.name_to_reconnect(flow).await?;
        eligible(spec, flow, reached, expected.as_deref())
    }

    /// Sends the code, and the PKCE verifier if the flow has one, to the token endpoint.
    async fn exchange(
        &self,
        provider: &Provider,
        flow: &Flow,
        params: &CallbackParams,
    ) -> Result<TokenSet, ServiceError> {
        let spec = provider.spec();
        let code = params.code.as_ref().ok_or_else(|| invalid_code(spec))?;
        let verifier = flow.pkce_verifier.as_ref();
        let verifier = verifier
            .map(|stored| self.encryption.decrypt_verifier(stored))
            .transpose()?;
        let redirect_uri = &self.settings.callback_url(&spec.slug);
        let exchange = CodeExchange {
            code,
            redirect_uri,
            verifier: verifier.as_ref(),
        };
        // A code is valid for one use: it is sent again only if the platform did not process the
        // first request.
        let (entropy, retry) = (self.ids.entropy(), Retry::OnlyUnprocessed);
        let tokens = with_retries(entropy, retry, || {
            provider.exchange_code_for_token(&exchange)
        })
        .await;
        if let Err(error) = &tokens {
            self.refused.record_code(provider, &flow.id, error).await;
        }
        tokens.map_err(|error| exchange_failed(spec, error))
    }

    /// Fetches the profiles of the accounts that the access token reaches.
    async fn reached_accounts(
        &self,
        provider: &Provider,
        access: &AccessToken,
        scopes: &ScopeSet,
    ) -> Result<Vec<ReachedAccount>, ServiceError> {
        let (entropy, retry) = (self.ids.entropy(), Retry::Transient);
        let profiles = with_retries(entropy, retry, || provider.user_profile(access, scopes)).await;
        let accounts = profiles.map_err(|error| profile_failed(provider.spec(), error))?;
        Ok(accounts.into_iter().map(ReachedAccount::from).collect())
    }
}

/// Rejects an authorization response that reports an error or comes from another issuer (RFC 9207).
fn check_response(
    spec: &ProviderSpec,
    flow: &Flow,
    params: &CallbackParams,
) -> Result<(), ServiceError> {
    let issuer_matches = match (&flow.expected_issuer, &params.issuer) {
        (Some(expected), Some(sent)) => expected == sent,
        // Some servers send `iss` with a code but not with an error.
        (Some(_), None) => params.error.is_some(),
        (None, _) => true,
    };
    if !issuer_matches {
        let detail = "The sign-in response came from an unexpected server. Please start again.";
        return Err(ServiceError::new(ErrorCode::OauthCallbackError, detail));
    }
    if params.error.is_none() {
        return Ok(());
    }
    let (code, detail) = if params.is_denial(spec) {
        let detail = "You did not allow access, so the account was not connected. Start again if \
                      you want to connect it.";
        (ErrorCode::OauthDenied, detail)
    } else {
        let detail = "The platform ended the sign-in with an error. Please start again.";
        (ErrorCode::OauthCallbackError, detail)
    };
    Err(ServiceError::new(code, detail).caused_by(ReportedError::of(params)))
}

/// Returns the error for a code that is missing or that the platform rejected.
fn invalid_code(spec: &ProviderSpec) -> ServiceError {
    let detail = format!(
        "{} did not accept the sign-in. Please start again.",
        spec.name
    );
    ServiceError::new(ErrorCode::InvalidCode, detail)
}

/// Converts the failure of an exchange to the error for the app, with the failure as its cause.
fn exchange_failed(spec: &ProviderSpec, error: AdapterError) -> ServiceError {
    if error.rejects_client() {
        tracing::error!(
            provider = %spec.slug,
            "the provider rejects the client in a code exchange: check the client id and the \
             client secret"
        );
    }
    let failed = match error.class() {
        ErrorClass::NeedsReauth | ErrorClass::BadRequest => invalid_code(spec),
        ErrorClass::ConfigError | ErrorClass::ScopeMissing => {
            let name = &spec.name;
            let detail = format!(
                "Sign-in with {name} is not configured correctly. Please contact the administrator."
            );
            ServiceError::new(ErrorCode::OauthCallbackError, detail)
        }
        _ => transient(spec, &error),
    };
    failed.caused_by(error)
}

/// Converts the failure of a profile request to the error for the app, with the failure as its
/// cause.
fn profile_failed(spec: &ProviderSpec, error: AdapterError) -> ServiceError {
    let failed = match error.class() {
        ErrorClass::Transient | ErrorClass::RateLimited | ErrorClass::Blocked => {
            transient(spec, &error)
        }
        ErrorClass::Unknown if error.http_status().is_none() => transient(spec, &error),
        _ => {
            let name = &spec.name;
            let detail =
                format!("{name} did not provide the account's profile. Please start again.");
            ServiceError::new(ErrorCode::OauthCallbackError, detail)
        }
    };
    failed.caused_by(error)
}

/// Returns the error for a failure that may pass by itself.
fn transient(spec: &ProviderSpec, error: &AdapterError) -> ServiceError {
    let code = code_of(error);
    let detail = sentence_for(code, &spec.name);
    ServiceError::new(code, detail).with_retry_after(error.retry_after())
}
