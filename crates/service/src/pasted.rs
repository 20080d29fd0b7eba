//! Platforms without a consent page: the account's owner gives the credential by hand, on a form of ours or of the app.
//!
//! Whatever the owner must mend is told before the flow is used up, so a slip of the hand costs nothing.

use std::collections::BTreeMap;

use evergrant_adapters::{CredentialError, CredentialField, Platform, PlatformAdapter, ProviderKind, ProviderSpec};
use evergrant_encryption::digest::{base64url, constant_time_eq, sha256};
use evergrant_model::{AuthorizationCode, FlowId, FlowState, ProviderSlug, UserId};
use evergrant_store::{Callback, Flow, FlowEnd, FlowStatus};

use crate::ServiceError;
use crate::callback::{CallbackEnd, CallbackOutcome, CallbackParams, outcome};
use crate::completion::{Granted, ReachedAccount, TokenFacts, eligible};
use crate::error::{FieldFault, code_of, sentence_for};
use crate::service::{Inner, IntegrationsService};
use crate::status::Integration;
use crate::vault::SealedTokens;

/// A form for the account's owner.
#[derive(Debug, Clone)]
pub struct CredentialForm {
    /// The platform's name for people.
    pub platform: String,
    /// What to fill in.
    pub fields: Vec<CredentialField>,
    /// Goes back with the form: proves that it was this page that sent it.
    pub csrf: String,
    /// Where the browser goes at the end.
    pub redirect_url: String,
}

impl IntegrationsService {
    /// The form of a flow that waits for a credential.
    ///
    /// # Errors
    ///
    /// `INVALID_STATE` for a flow that is unknown, used, expired or of a platform with a consent page.
    pub async fn credential_form(&self, provider: &str, state: &FlowState) -> Result<CredentialForm, ServiceError> {
        let (platform, flow) = self.waiting_flow(provider, state).await?;
        Ok(CredentialForm {
            platform: platform.spec().name.clone(),
            fields: platform.credential_fields().to_vec(),
            csrf: csrf(&flow, state),
            redirect_url: flow.redirect_url,
        })
    }

    /// Takes what the owner filled in on our form, and goes the way of every callback.
    ///
    /// # Errors
    ///
    /// `VALIDATION_ERROR` for fields to mend, with the flow still open; `INVALID_STATE` as for a callback, and for a form
    /// that is not ours.
    pub async fn submit_form(
        &self,
        provider: &str,
        state: FlowState,
        sent_csrf: &str,
        values: &BTreeMap<String, String>,
    ) -> Result<CallbackOutcome, ServiceError> {
        let (platform, flow) = self.waiting_flow(provider, &state).await?;
        if !constant_time_eq(csrf(&flow, &state).as_bytes(), sent_csrf.as_bytes()) {
            return Err(ServiceError::invalid_state());
        }
        let granted = self.accept(&*platform, &flow, values).await?;
        let state_hash = sha256(state.expose());
        let consumed = self.store.flows().consume(&state_hash, &flow.provider, None, self.now()).await?;
        let Callback::First(flow) = consumed else { return Err(ServiceError::invalid_state()) };
        let params = CallbackParams { state, code: Some(proof(self)), error: None, issuer: None };
        let end = self.settle_pasted(platform, *flow.clone(), params, granted).await?;
        Ok(outcome(&flow, end))
    }

    /// Takes what the owner filled in in the app's own dialog, for whoever began the flow, and completes it.
    ///
    /// # Errors
    ///
    /// `FLOW_NOT_FOUND`; `VALIDATION_ERROR` for fields to mend, with the flow still open, and for a platform with a
    /// consent page; `INVALID_STATE` for a flow that is over; `ACCOUNT_ALREADY_CONNECTED`, `ACCOUNT_MISMATCH`.
    pub async fn submit_credentials(
        &self,
        user: UserId,
        flow: &str,
        values: &BTreeMap<String, String>,
    ) -> Result<Vec<Integration>, ServiceError> {
        let id = FlowId::new(flow).map_err(|_| ServiceError::flow_not_found())?;
        let flow = self.store.flows().owned(&id, user).await?.ok_or_else(ServiceError::flow_not_found)?;
        let platform = self.configured(flow.provider.as_str())?;
        if platform.spec().kind != ProviderKind::Cookies {
            let message = "this platform is connected on its own consent page: send the user to authUrl";
            return Err(ServiceError::field("values", message));
        }
        if flow.status != FlowStatus::Waiting || flow.expires_at <= self.now() {
            return Err(ServiceError::invalid_state());
        }
        let granted = self.accept(&*platform, &flow, values).await?;
        let consumed = self.store.flows().consume_owned(&id, user, self.now()).await?;
        let mut flow = consumed.ok_or_else(ServiceError::invalid_state)?;
        // Whoever began the flow is the one who completes it: there is nobody left to prove anything to.
        flow.challenge = None;
        let (account, provider) = (granted.accounts.first().map(|account| account.id.clone()), flow.provider.clone());
        let params = CallbackParams { state: FlowState::new(""), code: None, error: None, issuer: None };
        if let CallbackEnd::Failed(code) = self.settle_pasted(platform, flow, params, granted).await? {
            return Err(ServiceError::new(code, "The account could not be connected."));
        }
        let list = self.connected_integrations(user).await?;
        let is_new =
            |one: &Integration| one.provider == provider.as_str() && Some(&one.provider_account_id) == account.as_ref();
        Ok(list.integrations.into_iter().filter(is_new).collect())
    }

    async fn settle_pasted(
        &self,
        platform: std::sync::Arc<Platform>,
        flow: Flow,
        params: CallbackParams,
        granted: Granted,
    ) -> Result<CallbackEnd, ServiceError> {
        let service = self.clone();
        self.uncancelled(async move {
            match service.settle(platform.spec(), &flow, &params, granted).await {
                Ok(end) => Ok(end),
                Err(error) => {
                    service.store.flows().settle(&flow, &FlowEnd::Error(error.code()), service.now()).await?;
                    Ok(CallbackEnd::Failed(error.code()))
                }
            }
        })
        .await
    }
}

impl Inner {
    /// The flow of this state, as long as it waits for a credential.
    async fn waiting_flow(
        &self,
        provider: &str,
        state: &FlowState,
    ) -> Result<(std::sync::Arc<Platform>, Flow), ServiceError> {
        let slug = ProviderSlug::new(provider).map_err(|_| ServiceError::invalid_state())?;
        let platform = self.configured(provider).map_err(|_| ServiceError::invalid_state())?;
        let found = self.store.flows().by_state(&sha256(state.expose()), &slug).await?;
        let open = |flow: &Flow| flow.consumed_at.is_none() && flow.expires_at > self.now();
        match found.filter(open) {
            Some(flow) if platform.spec().kind == ProviderKind::Cookies => Ok((platform, flow)),
            _ => Err(ServiceError::invalid_state()),
        }
    }

    /// Checks what the owner gave, at the platform where it can be asked.
    async fn accept(
        &self,
        platform: &dyn PlatformAdapter,
        flow: &Flow,
        values: &BTreeMap<String, String>,
    ) -> Result<Granted, ServiceError> {
        let spec = platform.spec();
        let accepted = platform.accept_credentials(values).await.map_err(|error| refused(spec, error))?;
        let accounts = eligible(spec, flow, vec![ReachedAccount::from(accepted.account)])?;
        let facts = TokenFacts {
            token_type: None,
            expires_at: None,
            grant_expires_at: None,
            scope: None,
            issued_at: self.now(),
            verified: accepted.verified,
        };
        let access = self.cipher.encrypt_token(accepted.session.expose())?;
        Ok(Granted { sealed: SealedTokens { access, refresh: None }, facts, accounts })
    }
}

fn refused(spec: &ProviderSpec, error: CredentialError) -> ServiceError {
    match error {
        CredentialError::Fields(faults) => {
            let fault = |fault: evergrant_adapters::CredentialFault| FieldFault {
                field: fault.field.to_owned(),
                message: fault.message,
            };
            ServiceError::fields(faults.into_iter().map(fault).collect())
        }
        CredentialError::Platform(error) => {
            tracing::warn!(provider = %spec.slug, error = %error, "a credential could not be checked");
            let code = code_of(&error);
            ServiceError::new(code, sentence_for(code, &spec.name)).retry_after(error.retry_after_seconds())
        }
    }
}

/// Only our own page knows it: made from the state and a salt that never leaves the database.
fn csrf(flow: &Flow, state: &FlowState) -> String {
    let mut message = b"form ".to_vec();
    message.extend_from_slice(&flow.receipt_salt);
    message.extend_from_slice(state.expose().as_bytes());
    base64url(sha256(message))
}

/// What stands in the place of the code in the receipt: nobody but this browser is given what comes of it.
fn proof(inner: &Inner) -> AuthorizationCode {
    AuthorizationCode::new(inner.random_text::<32>())
}
