//! From a code to a stored connection: what happens between the callback and its answer.

use evergrant_adapters::{AdapterError, CodeExchange, ErrorClass, PlatformAdapter, ProviderKind, ProviderSpec};
use evergrant_encryption::EncryptedToken;
use evergrant_encryption::digest::sha256;
use evergrant_model::{
    AccessToken, AccountInfo, ErrorCode, ProviderAccountId, ScopeSet, StatusReason, Timestamp, TokenSet,
};
use evergrant_store::{Flow, FlowEnd, FlowStatus, Grant, PendingGrant, StoredGrant};
use serde::{Deserialize, Serialize};

use crate::ServiceError;
use crate::cache::ConnectionKey;
use crate::callback::{CallbackEnd, CallbackParams, receipt};
use crate::error::{code_of, sentence_for};
use crate::retry::{Retry, attempt};
use crate::service::Inner;
use crate::session_checks::CHECK_EVERY_SECONDS;
use crate::turns::Turning;
use crate::vault::SealedTokens;

/// The parts of a token set that are no secret, as a parked flow keeps them.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct TokenFacts {
    pub(crate) token_type: Option<String>,
    pub(crate) expires_at: Option<Timestamp>,
    pub(crate) grant_expires_at: Option<Timestamp>,
    pub(crate) scope: Option<String>,
    pub(crate) issued_at: Timestamp,
    /// Whether the platform has confirmed the credential; only pasted ones may lack that.
    pub(crate) verified: bool,
}

/// An account that a grant reaches, as a parked flow keeps it and a chooser shows it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ReachedAccount {
    /// Its id at the platform.
    pub id: String,
    /// The handle.
    pub username: Option<String>,
    /// The name that people see.
    pub display_name: Option<String>,
    /// What the platform says of it; an object.
    pub metadata: serde_json::Value,
}

/// What a consent gave: tokens, and the accounts that they reach.
pub(crate) struct Granted {
    pub(crate) sealed: SealedTokens,
    pub(crate) facts: TokenFacts,
    pub(crate) accounts: Vec<ReachedAccount>,
}

/// The same, ready to be stored.
pub(crate) struct Consent<'a> {
    pub(crate) access: &'a EncryptedToken,
    pub(crate) refresh: Option<&'a EncryptedToken>,
    pub(crate) facts: &'a TokenFacts,
    pub(crate) accounts: &'a [ReachedAccount],
}

impl Inner {
    /// Buys tokens with the code, learns whose they are, and stores or parks them.
    pub(crate) async fn complete(&self, flow: &Flow, params: &CallbackParams) -> Result<CallbackEnd, ServiceError> {
        let platform = self.configured(flow.provider.as_str())?;
        let spec = platform.spec();
        check_answer(flow, params)?;
        let sent_at = self.now();
        let tokens = self.buy(&*platform, flow, params).await?;
        let sealed = self.seal(&tokens)?;
        let granted = tokens.scope.clone().unwrap_or_else(|| ScopeSet::parse(&flow.scope));
        let reached = self.reached_accounts(&*platform, &tokens.access, &granted).await;
        // Who gave a grant decides whether it can be given up without ending a sibling's.
        let known = reached.as_ref().map_or(serde_json::Value::Null, as_json);
        let accounts = match reached.and_then(|reached| eligible(spec, flow, reached)) {
            Ok(accounts) => accounts,
            Err(error) => {
                self.give_up_tokens(spec, &sealed, &known, &flow.correlation_id).await?;
                return Err(error);
            }
        };
        self.settle(spec, flow, params, Granted { sealed, facts: facts_of(&tokens, sent_at), accounts }).await
    }

    /// Stores what a consent gave, or parks it where somebody must still finish the flow or choose among accounts.
    pub(crate) async fn settle(
        &self,
        spec: &ProviderSpec,
        flow: &Flow,
        params: &CallbackParams,
        granted: Granted,
    ) -> Result<CallbackEnd, ServiceError> {
        if flow.challenge.is_some() || granted.accounts.len() > 1 {
            return self.park(spec, flow, params, granted).await;
        }
        let Granted { sealed, facts, accounts } = &granted;
        let consent = Consent { access: &sealed.access, refresh: sealed.refresh.as_ref(), facts, accounts };
        match self.store_consent(spec, flow, &consent).await {
            Ok(()) => {
                Ok(CallbackEnd::Connected { account: accounts.first().map_or_else(String::new, |a| a.id.clone()) })
            }
            Err(error) => {
                self.give_up_tokens(spec, sealed, &as_json(accounts), &flow.correlation_id).await?;
                Err(error)
            }
        }
    }

    async fn buy(
        &self,
        platform: &dyn PlatformAdapter,
        flow: &Flow,
        params: &CallbackParams,
    ) -> Result<TokenSet, ServiceError> {
        let spec = platform.spec();
        let code = params.code.as_ref().ok_or_else(|| invalid_code(spec))?;
        let verifier = flow.verifier.as_ref().map(|sealed| self.open_verifier(sealed)).transpose()?;
        let redirect_uri = self.settings.callback_url(spec.slug.as_str());
        let exchange = CodeExchange { code, redirect_uri: &redirect_uri, verifier: verifier.as_ref() };
        // A code is good for one call: it is sent again only if the first surely did not arrive.
        let bought =
            attempt(&*self.entropy, Retry::OnlyUnprocessed, || platform.exchange_code_for_token(&exchange)).await;
        bought.map_err(|error| exchange_failed(spec, &error))
    }

    async fn reached_accounts(
        &self,
        platform: &dyn PlatformAdapter,
        access: &AccessToken,
        granted: &ScopeSet,
    ) -> Result<Vec<ReachedAccount>, ServiceError> {
        let spec = platform.spec();
        let found = attempt(&*self.entropy, Retry::Transient, || platform.user_profile(access, granted)).await;
        let accounts = found.map_err(|error| profile_failed(spec, &error))?;
        Ok(accounts.into_iter().map(ReachedAccount::from).collect())
    }

    /// Keeps the grant of a bound flow until the browser that began it finishes it.
    async fn park(
        &self,
        spec: &ProviderSpec,
        flow: &Flow,
        params: &CallbackParams,
        granted: Granted,
    ) -> Result<CallbackEnd, ServiceError> {
        let Granted { sealed, facts, accounts } = granted;
        let receipt = receipt(flow, params);
        let choice = accounts.len() > 1;
        let grant = PendingGrant {
            access_token: sealed.access.clone(),
            refresh_token: sealed.refresh.clone(),
            facts: as_json(&facts),
            accounts: as_json(&accounts),
        };
        let end = FlowEnd::Pending {
            status: if choice { FlowStatus::Choose } else { FlowStatus::Pending },
            grant: &grant,
            receipt_hash: &sha256(&receipt),
            finish_by: self.now().plus_seconds(self.settings.flow_ttl_seconds),
        };
        if !self.store.flows().settle(flow, &end, self.now()).await? {
            // The user was deleted while the platform was asked.
            self.give_up_tokens(spec, &sealed, &grant.accounts, &flow.correlation_id).await?;
            return Err(ServiceError::invalid_state());
        }
        let flow_id = flow.id.clone();
        Ok(match flow.challenge {
            Some(_) => CallbackEnd::Pending { flow_id, receipt },
            None => CallbackEnd::Choose { flow_id, receipt, accounts },
        })
    }

    /// Stores the grant for each account and ends the flow, all or nothing.
    pub(crate) async fn store_consent(
        &self,
        spec: &ProviderSpec,
        flow: &Flow,
        consent: &Consent<'_>,
    ) -> Result<(), ServiceError> {
        let ids = account_ids(consent.accounts)?;
        let granted = consent.facts.scope.as_deref().unwrap_or(&flow.scope);
        let accounts = consent.accounts.iter().zip(&ids);
        let grants: Vec<_> =
            accounts.map(|(account, id)| self.grant(spec, flow, consent, granted, (id, &account.metadata))).collect();
        let stored = self.store.connections().store_grants(&grants, &flow.id, flow.status).await?;
        for account in ids {
            self.caches.forget(&ConnectionKey { user: flow.user, provider: spec.slug.clone(), account }).await;
        }
        match stored {
            StoredGrant::Stored(_) => Ok(()),
            StoredGrant::FlowOver => Err(ServiceError::invalid_state()),
            StoredGrant::OwnedByAnother => {
                let detail = format!("This {} account is already connected by somebody else.", spec.name);
                Err(ServiceError::new(ErrorCode::AccountAlreadyConnected, detail))
            }
        }
    }

    /// When a new connection is first renewed, or, where nothing renews it, first checked.
    fn first_due(&self, spec: &ProviderSpec, consent: &Consent<'_>) -> Option<Timestamp> {
        let facts = consent.facts;
        match spec.kind {
            ProviderKind::Cookies => Some(facts.issued_at.plus_seconds(CHECK_EVERY_SECONDS)).filter(|_| facts.verified),
            ProviderKind::OAuth2 if spec.can_renew(consent.refresh.is_some()) => {
                Some(self.due(spec, facts.issued_at, facts.expires_at, 0))
            }
            ProviderKind::OAuth2 => None,
        }
    }

    fn grant<'a>(
        &self,
        spec: &'a ProviderSpec,
        flow: &'a Flow,
        consent: &Consent<'a>,
        granted: &'a str,
        (account, metadata): (&'a ProviderAccountId, &'a serde_json::Value),
    ) -> Grant<'a> {
        let facts = consent.facts;
        let missing = ScopeSet::parse(&flow.scope).missing_from(&ScopeSet::parse(granted));
        let life = (facts.issued_at, facts.expires_at);
        let renewable = spec.can_renew(consent.refresh.is_some());
        Grant {
            user: flow.user,
            provider: &spec.slug,
            account,
            access_token: consent.access,
            refresh_token: consent.refresh,
            expires_at: facts.expires_at,
            grant_expires_at: facts.grant_expires_at,
            next_status_at: Turning::of(renewable, life, facts.grant_expires_at, facts.issued_at).next,
            token_type: facts.token_type.as_deref(),
            scope: Some(granted),
            requested_scope: &flow.scope,
            metadata,
            reason: match (facts.verified, missing.is_empty()) {
                (false, _) => Some(StatusReason::Unverified),
                (true, false) => Some(StatusReason::ScopeMissing),
                (true, true) => None,
            },
            next_refresh_at: self.first_due(spec, consent),
            issued_at: facts.issued_at,
            correlation_id: &flow.correlation_id,
        }
    }
}

/// The accounts that this flow may connect; only the one to be reconnected where there is such a one.
pub(crate) fn eligible(
    spec: &ProviderSpec,
    flow: &Flow,
    mut reached: Vec<ReachedAccount>,
) -> Result<Vec<ReachedAccount>, ServiceError> {
    if reached.is_empty() {
        let detail = format!("{} has no account of the kind that can be connected.", spec.name);
        return Err(ServiceError::new(ErrorCode::NoEligibleAccount, detail));
    }
    if let Some(wanted) = &flow.reconnect {
        reached.retain(|account| account.id == wanted.as_str());
        if reached.is_empty() {
            let detail = format!("This is another {} account than the one to be reconnected.", spec.name);
            return Err(ServiceError::new(ErrorCode::AccountMismatch, detail));
        }
    }
    Ok(reached)
}

impl From<AccountInfo> for ReachedAccount {
    fn from(account: AccountInfo) -> Self {
        Self {
            id: account.id.as_str().to_owned(),
            username: account.username,
            display_name: account.display_name,
            metadata: serde_json::Value::Object(account.metadata),
        }
    }
}

fn account_ids(accounts: &[ReachedAccount]) -> Result<Vec<ProviderAccountId>, ServiceError> {
    accounts.iter().map(|account| Inner::account_id(&account.id)).collect()
}

fn facts_of(tokens: &TokenSet, issued_at: Timestamp) -> TokenFacts {
    TokenFacts {
        token_type: tokens.token_type.clone(),
        expires_at: tokens.expires_at,
        grant_expires_at: tokens.grant_expires_at,
        scope: tokens.scope.as_ref().map(ToString::to_string),
        issued_at,
        verified: true,
    }
}

/// JSON of a shape of ours, which cannot fail to be JSON.
fn as_json(value: &impl Serialize) -> serde_json::Value {
    serde_json::to_value(value).unwrap_or_default()
}

/// Refuses an answer that is an error, comes from somebody else, or brings no code.
fn check_answer(flow: &Flow, params: &CallbackParams) -> Result<(), ServiceError> {
    let issuer_fits = match (&flow.issuer, &params.issuer) {
        (Some(expected), Some(sent)) => expected == sent,
        // Servers that name themselves when they grant do not always do so when they refuse.
        (Some(_), None) => params.error.is_some(),
        (None, _) => true,
    };
    if !issuer_fits {
        let detail = "The answer does not name the platform that was asked.";
        return Err(ServiceError::new(ErrorCode::OauthCallbackError, detail));
    }
    match params.error.as_deref() {
        Some("access_denied") => {
            Err(ServiceError::new(ErrorCode::OauthDenied, "Access was not allowed. Nothing was changed."))
        }
        Some(_) => {
            Err(ServiceError::new(ErrorCode::OauthCallbackError, "The platform ended the sign-in with an error."))
        }
        None => Ok(()),
    }
}

fn invalid_code(spec: &ProviderSpec) -> ServiceError {
    ServiceError::new(
        ErrorCode::InvalidCode,
        format!("{} did not accept the sign-in. Please begin it again.", spec.name),
    )
}

fn exchange_failed(spec: &ProviderSpec, error: &AdapterError) -> ServiceError {
    tracing::warn!(provider = %spec.slug, error = %error, class = ?error.class(), "a code bought no tokens");
    match error.class() {
        ErrorClass::NeedsReauth | ErrorClass::BadRequest => invalid_code(spec),
        ErrorClass::ConfigError | ErrorClass::ScopeMissing => {
            let detail = format!("The sign-in at {} is not set up correctly here.", spec.name);
            ServiceError::new(ErrorCode::OauthCallbackError, detail)
        }
        _ => passing(spec, error),
    }
}

fn profile_failed(spec: &ProviderSpec, error: &AdapterError) -> ServiceError {
    tracing::warn!(provider = %spec.slug, error = %error, class = ?error.class(), "the account could not be read");
    match error.class() {
        ErrorClass::Transient | ErrorClass::RateLimited | ErrorClass::Blocked => passing(spec, error),
        ErrorClass::Unknown if error.http_status().is_none() => passing(spec, error),
        _ => {
            let detail = format!("{} did not say which account was connected.", spec.name);
            ServiceError::new(ErrorCode::OauthCallbackError, detail)
        }
    }
}

fn passing(spec: &ProviderSpec, error: &AdapterError) -> ServiceError {
    let code = code_of(error);
    ServiceError::new(code, sentence_for(code, &spec.name)).retry_after(error.retry_after_seconds())
}
