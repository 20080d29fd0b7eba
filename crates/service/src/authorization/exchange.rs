//! Exchange of an authorization code for tokens, and the accounts that they reach.

use std::sync::Arc;

use evergrant_adapters::{
    AdapterError, CodeExchange, ErrorClass, PlatformAdapter, Provider, ProviderSpec,
};
use evergrant_model::{AccessToken, Call, Clock, ErrorCode, ScopeSet, TokenSet};
use evergrant_store::Flow;

use crate::authorization::consents::Consents;
use crate::authorization::outcome::{
    CallbackEnd, CallbackParams, Granted, GrantedTokens, ReachedAccount, eligible, to_json,
};
use crate::authorization::retry::{Retry, with_retries};
use crate::connections::revocation_queue::RevocationQueue;
use crate::error::{code_of, sentence_for};
use crate::identifiers::Identifiers;
use crate::providers::Providers;
use crate::tokens::encryption::TokenEncryption;
use crate::{ServiceError, ServiceSettings};

/// Exchanges codes.
pub(crate) struct CodeExchanger {
    pub(crate) consents: Arc<Consents>,
    pub(crate) providers: Providers,
    pub(crate) encryption: TokenEncryption,
    pub(crate) revocations: Arc<RevocationQueue>,
    pub(crate) settings: Arc<ServiceSettings>,
    pub(crate) ids: Identifiers,
    pub(crate) clock: Arc<dyn Clock>,
}

impl CodeExchanger {
    /// Exchanges the code, reads the accounts that the tokens reach, and stores or parks them.
    pub(crate) async fn complete(
        &self,
        call: &Call,
        flow: &Flow,
        params: &CallbackParams,
    ) -> Result<CallbackEnd, ServiceError> {
        let platform = self.providers.configured(flow.provider.as_str())?;
        let spec = platform.spec();
        check_answer(flow, params)?;
        let sent_at = self.clock.now();
        let tokens = self.exchange(&platform, flow, params).await?;
        let encrypted = self.encryption.encrypt(&tokens, sent_at)?;
        let granted = tokens
            .scope
            .clone()
            .unwrap_or_else(|| ScopeSet::parse(&flow.scope));
        let reached = self
            .reached_accounts(&platform, &tokens.access, &granted)
            .await;
        // The person decides whether a revocation would end other connections.
        let known = reached.as_ref().map_or(serde_json::Value::Null, to_json);
        let accounts = match reached.and_then(|reached| eligible(spec, flow, reached)) {
            Ok(accounts) => accounts,
            Err(error) => {
                self.revocations
                    .revoke_unsaved(call, spec, &encrypted, &known)
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

    async fn exchange(
        &self,
        platform: &Provider,
        flow: &Flow,
        params: &CallbackParams,
    ) -> Result<TokenSet, ServiceError> {
        let spec = platform.spec();
        let code = params.code.as_ref().ok_or_else(|| invalid_code(spec))?;
        let verifier = flow.verifier.as_ref();
        let verifier = verifier
            .map(|stored| self.encryption.decrypt_verifier(stored))
            .transpose()?;
        let redirect_uri = &self.settings.callback_url(spec.slug.as_str());
        let exchange = CodeExchange {
            code,
            redirect_uri,
            verifier: verifier.as_ref(),
        };
        // A code can be used once: it is sent again only if the first request was not processed.
        let (entropy, retry) = (self.ids.entropy(), Retry::OnlyUnprocessed);
        let tokens = with_retries(entropy, retry, || {
            platform.exchange_code_for_token(&exchange)
        })
        .await;
        tokens.map_err(|error| exchange_failed(spec, &error))
    }

    async fn reached_accounts(
        &self,
        platform: &Provider,
        access: &AccessToken,
        granted: &ScopeSet,
    ) -> Result<Vec<ReachedAccount>, ServiceError> {
        let (entropy, retry) = (self.ids.entropy(), Retry::Transient);
        let found = with_retries(entropy, retry, || platform.user_profile(access, granted)).await;
        let accounts = found.map_err(|error| profile_failed(platform.spec(), &error))?;
        Ok(accounts.into_iter().map(ReachedAccount::from).collect())
    }
}

/// Rejects an answer that is an error, comes from another issuer, or brings no code.
fn check_answer(flow: &Flow, params: &CallbackParams) -> Result<(), ServiceError> {
    let issuer_matches = match (&flow.issuer, &params.issuer) {
        (Some(expected), Some(sent)) => expected == sent,
        // Servers that name themselves in a success do not always do so in an error.
        (Some(_), None) => params.error.is_some(),
        (None, _) => true,
    };
    if !issuer_matches {
        let detail = "The answer does not name the platform that was asked.";
        return Err(ServiceError::new(ErrorCode::OauthCallbackError, detail));
    }
    match params.error.as_deref() {
        Some("access_denied") => {
            let detail = "Access was not allowed. Nothing was changed.";
            Err(ServiceError::new(ErrorCode::OauthDenied, detail))
        }
        Some(_) => {
            let detail = "The platform ended the sign-in with an error.";
            Err(ServiceError::new(ErrorCode::OauthCallbackError, detail))
        }
        None => Ok(()),
    }
}

fn invalid_code(spec: &ProviderSpec) -> ServiceError {
    let detail = format!(
        "{} did not accept the sign-in. Please begin it again.",
        spec.name
    );
    ServiceError::new(ErrorCode::InvalidCode, detail)
}

fn exchange_failed(spec: &ProviderSpec, error: &AdapterError) -> ServiceError {
    let class = error.class();
    tracing::warn!(provider = %spec.slug, %error, ?class, "authorization code exchange failed");
    match class {
        ErrorClass::NeedsReauth | ErrorClass::BadRequest => invalid_code(spec),
        ErrorClass::ConfigError | ErrorClass::ScopeMissing => {
            let detail = format!("The sign-in at {} is not set up correctly here.", spec.name);
            ServiceError::new(ErrorCode::OauthCallbackError, detail)
        }
        _ => transient(spec, error),
    }
}

fn profile_failed(spec: &ProviderSpec, error: &AdapterError) -> ServiceError {
    let class = error.class();
    tracing::warn!(provider = %spec.slug, %error, ?class, "failed to read the account's profile");
    match class {
        ErrorClass::Transient | ErrorClass::RateLimited | ErrorClass::Blocked => {
            transient(spec, error)
        }
        ErrorClass::Unknown if error.http_status().is_none() => transient(spec, error),
        _ => {
            let detail = format!("{} did not say which account was connected.", spec.name);
            ServiceError::new(ErrorCode::OauthCallbackError, detail)
        }
    }
}

fn transient(spec: &ProviderSpec, error: &AdapterError) -> ServiceError {
    let code = code_of(error);
    let detail = sentence_for(code, &spec.name);
    ServiceError::new(code, detail).retry_after(error.retry_after_seconds())
}
