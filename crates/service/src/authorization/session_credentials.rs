//! Platforms without a consent page: the account's owner pastes the session credential into a form
//! of Evergrant or of the app.
//!
//! Input that the owner must correct is rejected before the flow is consumed, so a mistake costs
//! nothing.

use std::collections::BTreeMap;
use std::sync::Arc;

use evergrant_adapters::{
    CredentialError, CredentialFault, CredentialField, PlatformAdapter, Provider, ProviderSpec,
};
use evergrant_encryption::digest::{base64url, constant_time_eq, sha256};
use evergrant_model::{AuthorizationCode, Call, Clock, FlowId, FlowState, ProviderSlug, UserId};
use evergrant_store::{Callback, Flow, FlowEnd, FlowRepository, FlowStatus, StoredTokens};

use crate::ServiceError;
use crate::authorization::consents::Consents;
use crate::authorization::outcome::{
    CallbackEnd, CallbackOutcome, CallbackParams, Granted, GrantedTokens, ReachedAccount, eligible,
};
use crate::connections::list::{ConnectionList, Integration};
use crate::error::{FieldFault, code_of, sentence_for};
use crate::identifiers::Identifiers;
use crate::outcome::{Outcome, Recorder};
use crate::providers::Providers;
use crate::tasks::Tasks;
use crate::tokens::encryption::TokenEncryption;

/// A form for the account's owner.
#[derive(Debug, Clone)]
pub struct CredentialForm {
    /// The platform's name for people.
    pub platform: String,
    /// The fields to fill in.
    pub fields: Vec<CredentialField>,
    /// The token that proves that Evergrant's page sent the form.
    pub csrf: String,
    /// Where the browser goes at the end.
    pub redirect_url: String,
}

/// Accepts pasted credentials. A clone is the same component.
#[derive(Clone)]
pub(crate) struct SessionCredentials {
    pub(crate) flows: FlowRepository,
    pub(crate) consents: Arc<Consents>,
    pub(crate) providers: Providers,
    pub(crate) encryption: TokenEncryption,
    pub(crate) list: Arc<ConnectionList>,
    pub(crate) ids: Identifiers,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) tasks: Tasks,
    pub(crate) recorder: Arc<dyn Recorder>,
}

impl SessionCredentials {
    pub(crate) async fn form(
        &self,
        provider: &str,
        state: &FlowState,
    ) -> Result<CredentialForm, ServiceError> {
        let (platform, flow) = self.open_flow(provider, state).await?;
        Ok(CredentialForm {
            platform: platform.spec().name.clone(),
            fields: platform.credential_fields().to_vec(),
            csrf: csrf(&flow, state),
            redirect_url: flow.redirect_url,
        })
    }

    pub(crate) async fn submit_form(
        &self,
        call: &Call,
        provider: &str,
        state: FlowState,
        sent_csrf: &str,
        values: &BTreeMap<String, String>,
    ) -> Result<CallbackOutcome, ServiceError> {
        let (platform, flow) = self.open_flow(provider, &state).await?;
        if !constant_time_eq(csrf(&flow, &state).as_bytes(), sent_csrf.as_bytes()) {
            return Err(ServiceError::invalid_state());
        }
        let granted = self.accept(&platform, &flow, values).await?;
        let (state_hash, now) = (sha256(state.expose()), self.clock.now());
        let consumed = self
            .flows
            .consume(&state_hash, &flow.provider, None, now)
            .await?;
        let Callback::First(flow) = consumed else {
            return Err(ServiceError::invalid_state());
        };
        // A random code makes the receipt unknown to any other browser.
        let code = Some(AuthorizationCode::new(self.ids.text::<32>()));
        let params = CallbackParams {
            state,
            code,
            error: None,
            issuer: None,
        };
        let end = self
            .settle(call, platform, *flow.clone(), params, granted)
            .await?;
        Ok(CallbackOutcome::of(&flow, end))
    }

    pub(crate) async fn submit(
        &self,
        call: &Call,
        user: UserId,
        flow: &str,
        values: &BTreeMap<String, String>,
    ) -> Result<Vec<Integration>, ServiceError> {
        let id = FlowId::new(flow).map_err(|_| ServiceError::flow_not_found())?;
        let flow = self.flows.owned(&id, user).await?;
        let flow = flow.ok_or_else(ServiceError::flow_not_found)?;
        let platform = self.providers.configured(flow.provider.as_str())?;
        if !platform.spec().takes_pasted_session() {
            let message =
                "this platform is connected on its own consent page: send the user to authUrl";
            return Err(ServiceError::field("values", message));
        }
        if flow.status != FlowStatus::Waiting || flow.expires_at <= self.clock.now() {
            return Err(ServiceError::invalid_state());
        }
        let granted = self.accept(&platform, &flow, values).await?;
        let consumed = self
            .flows
            .consume_owned(&id, user, self.clock.now())
            .await?;
        let mut flow = consumed.ok_or_else(ServiceError::invalid_state)?;
        // The caller that started the flow completes it, so no further proof is needed.
        flow.challenge = None;
        let account = granted.accounts.first().map(|account| account.id.clone());
        let provider = flow.provider.clone();
        let (state, code) = (FlowState::new(""), None);
        let params = CallbackParams {
            state,
            code,
            error: None,
            issuer: None,
        };
        let end = self.settle(call, platform, flow, params, granted).await?;
        if let CallbackEnd::Failed(code) = end {
            return Err(ServiceError::new(
                code,
                "The account could not be connected.",
            ));
        }
        let list = self.list.of_user(call, user).await?;
        let is_new = |one: &Integration| {
            one.provider == provider.as_str() && Some(&one.provider_account_id) == account.as_ref()
        };
        Ok(list.integrations.into_iter().filter(is_new).collect())
    }

    async fn settle(
        &self,
        call: &Call,
        platform: Arc<Provider>,
        flow: Flow,
        params: CallbackParams,
        granted: Granted,
    ) -> Result<CallbackEnd, ServiceError> {
        let (component, call) = (self.clone(), call.continuing(&flow.correlation_id));
        let work = async move {
            let spec = platform.spec();
            match component
                .consents
                .settle(&call, spec, &flow, &params, granted)
                .await
            {
                Ok(end) => Ok(end),
                Err(error) => {
                    let (code, now) = (error.code(), component.clock.now());
                    let (provider, id, error) = (&flow.provider, &flow.id, Some(&error as _));
                    let outcome = Outcome::FlowFailed {
                        provider,
                        flow: id,
                        code,
                        error,
                    };
                    component.recorder.record(&call, &outcome);
                    component
                        .flows
                        .settle(&flow, &FlowEnd::Error(code), now)
                        .await?;
                    Ok(CallbackEnd::Failed(code))
                }
            }
        };
        self.tasks.run_to_completion(work).await
    }

    /// The flow with this state, as long as it waits for a credential.
    async fn open_flow(
        &self,
        provider: &str,
        state: &FlowState,
    ) -> Result<(Arc<Provider>, Flow), ServiceError> {
        let slug = ProviderSlug::new(provider).map_err(|_| ServiceError::invalid_state())?;
        let platform = self.providers.configured(provider);
        let platform = platform.map_err(|_| ServiceError::invalid_state())?;
        let found = self.flows.by_state(&sha256(state.expose()), &slug).await?;
        let is_open =
            |flow: &Flow| flow.consumed_at.is_none() && flow.expires_at > self.clock.now();
        match found.filter(is_open) {
            Some(flow) if platform.spec().takes_pasted_session() => Ok((platform, flow)),
            _ => Err(ServiceError::invalid_state()),
        }
    }

    /// Checks the pasted values, at the platform if it can be asked.
    async fn accept(
        &self,
        platform: &Provider,
        flow: &Flow,
        values: &BTreeMap<String, String>,
    ) -> Result<Granted, ServiceError> {
        let spec = platform.spec();
        let accepted = platform.accept_credentials(values).await;
        let accepted = accepted.map_err(|error| rejected(spec, error))?;
        let accounts = eligible(spec, flow, vec![ReachedAccount::from(accepted.account)])?;
        let tokens = StoredTokens {
            access: Some(self.encryption.encrypt_text(accepted.session.expose())?),
            refresh: None,
            expires_at: None,
            grant_expires_at: None,
            token_type: None,
            scope: None,
            issued_at: Some(self.clock.now()),
        };
        let tokens = GrantedTokens {
            tokens,
            verified: accepted.verified,
        };
        Ok(Granted { tokens, accounts })
    }
}

fn rejected(spec: &ProviderSpec, error: CredentialError) -> ServiceError {
    match error {
        CredentialError::Fields(faults) => {
            let fault = |fault: CredentialFault| FieldFault {
                field: fault.field.to_owned(),
                message: fault.message,
            };
            ServiceError::fields(faults.into_iter().map(fault).collect())
        }
        CredentialError::Provider(error) => {
            tracing::warn!(provider = %spec.slug, %error, "failed to check a pasted credential");
            let code = code_of(&error);
            let detail = sentence_for(code, &spec.name);
            ServiceError::new(code, detail).retry_after(error.retry_after_seconds())
        }
    }
}

/// A token that only Evergrant's page has: it depends on the state and on a salt that never leaves
/// the database.
fn csrf(flow: &Flow, state: &FlowState) -> String {
    let mut message = b"form ".to_vec();
    message.extend_from_slice(&flow.receipt_salt);
    message.extend_from_slice(state.expose().as_bytes());
    base64url(sha256(message))
}
