//! Connection of accounts at platforms without a consent page: the account's owner pastes a session
//! credential into a form of Evergrant or of the app.
//!
//! Invalid input is rejected before the flow is consumed, so the owner can correct it and submit
//! the form again.

use std::collections::BTreeMap;
use std::sync::Arc;

use evergrant_adapters::{
    CredentialError, CredentialFault, CredentialField, PlatformAdapter, Provider, ProviderSpec,
    SessionSite,
};
use evergrant_encryption::digest::{base64url, constant_time_eq, sha256};
use evergrant_model::{AuthorizationCode, Call, Clock, FlowId, FlowState, ProviderSlug, UserId};
use evergrant_store::{Callback, Flow, FlowRepository, FlowStatus, StoredTokens};

use crate::ServiceError;
use crate::authorization::consents::Consents;
use crate::authorization::eligible::eligible;
use crate::authorization::failure::FlowFailures;
use crate::authorization::kept_credentials::{KeptCredentials, SubmittedForm, complete, keep};
use crate::authorization::outcome::{
    CallbackOutcome, CallbackParams, CallbackResult, Granted, GrantedTokens, ReachedAccount,
};
use crate::connections::list::{ConnectionList, Integration};
use crate::error::{FieldFault, code_of, sentence_for};
use crate::identifiers::Identifiers;
use crate::providers::Providers;
use crate::tasks::Tasks;
use crate::tokens::encryption::TokenEncryption;

/// A form in which the account's owner enters a session credential.
#[derive(Debug, Clone)]
pub struct CredentialForm {
    /// The platform's name for people.
    pub provider_name: String,
    /// The fields to fill in.
    pub fields: Vec<CredentialField>,
    /// The site of the sessions, with the page on which the owner signs in.
    pub site: SessionSite,
    /// The CSRF token, which proves that Evergrant's page sent the form.
    pub csrf: String,
    /// The app's page to which the browser returns.
    pub redirect_url: String,
}

/// Accepts pasted session credentials. Clones share the same dependencies.
#[derive(Clone)]
pub(crate) struct SessionCredentials {
    pub(crate) flows: FlowRepository,
    pub(crate) consents: Arc<Consents>,
    pub(crate) failures: FlowFailures,
    pub(crate) providers: Providers,
    pub(crate) encryption: TokenEncryption,
    pub(crate) list: Arc<ConnectionList>,
    pub(crate) ids: Identifiers,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) tasks: Tasks,
}

impl SessionCredentials {
    /// Implements [`super::authorizations::Authorizations::credential_form`].
    pub(crate) async fn form(
        &self,
        slug: &ProviderSlug,
        state: &FlowState,
    ) -> Result<CredentialForm, ServiceError> {
        let (provider, flow) = self.open_flow(slug, state).await?;
        Ok(CredentialForm {
            provider_name: provider.spec().name.clone(),
            fields: provider.credential_fields().to_vec(),
            site: provider.spec().session_site.clone(),
            csrf: csrf(&flow, state),
            redirect_url: flow.redirect_url,
        })
    }

    /// Implements [`super::authorizations::Authorizations::submit_form`].
    pub(crate) async fn submit_form(
        &self,
        call: &Call,
        slug: &ProviderSlug,
        state: FlowState,
        sent_csrf: &str,
        submitted: &SubmittedForm,
    ) -> Result<CallbackOutcome, ServiceError> {
        let (provider, flow) = self.open_flow(slug, &state).await?;
        if !constant_time_eq(csrf(&flow, &state).as_bytes(), sent_csrf.as_bytes()) {
            return Err(ServiceError::invalid_state());
        }
        let values = complete(&self.encryption, &provider, &state, submitted);
        let granted = self.accept(&provider, &flow, &values).await?;
        let (state_hash, now) = (sha256(state.expose()), self.clock.now());
        let consumed = self
            .flows
            .consume(&state_hash, &flow.provider, None, now)
            .await?;
        let Callback::First(flow) = consumed else {
            return Err(ServiceError::invalid_state());
        };
        // A random code makes the receipt unpredictable for any other browser.
        let code = Some(AuthorizationCode::new(self.ids.text::<32>()));
        let params = CallbackParams {
            code,
            ..CallbackParams::new(state)
        };
        let result = self
            .settle(call, provider, *flow.clone(), params, granted)
            .await?;
        Ok(CallbackOutcome::of(&flow, result))
    }

    /// Implements [`super::authorizations::Authorizations::keep_credentials`].
    pub(crate) fn keep(
        &self,
        slug: &ProviderSlug,
        state: &FlowState,
        submitted: &SubmittedForm,
    ) -> Result<Option<KeptCredentials>, ServiceError> {
        keep(
            &self.encryption,
            &*self.providers.get(slug)?,
            state,
            submitted,
        )
    }

    /// Implements [`super::authorizations::Authorizations::submit_credentials`].
    pub(crate) async fn submit(
        &self,
        call: &Call,
        user: UserId,
        flow: &FlowId,
        values: &BTreeMap<String, String>,
    ) -> Result<Vec<Integration>, ServiceError> {
        let (provider, flow) = self.owned_open_flow(user, flow).await?;
        let granted = self.accept(&provider, &flow, values).await?;
        let consumed = self
            .flows
            .consume_owned(&flow.id, user, self.clock.now())
            .await?;
        let mut flow = consumed.ok_or_else(ServiceError::invalid_state)?;
        // The caller that started the flow completes it, so no further proof is needed.
        flow.finish_challenge = None;
        let account = granted.accounts.first().map(|account| account.id.clone());
        let params = CallbackParams::new(FlowState::new(""));
        let spec = provider.spec();
        let settled = self.settle(call, Arc::clone(&provider), flow, params, granted);
        if let CallbackResult::Failed(failed) = settled.await? {
            return Err(failed.error);
        }
        let list = self.list.of_user(call, user).await?;
        let was_connected = |integration: &Integration| {
            integration.provider == spec.slug.as_str()
                && Some(&integration.provider_account_id) == account.as_ref()
        };
        Ok(list
            .integrations
            .into_iter()
            .filter(was_connected)
            .collect())
    }

    /// Stores or parks the credential, even if the caller disconnects. A failure ends the flow.
    async fn settle(
        &self,
        call: &Call,
        provider: Arc<Provider>,
        flow: Flow,
        params: CallbackParams,
        granted: Granted,
    ) -> Result<CallbackResult, ServiceError> {
        let (component, call) = (self.clone(), call.continuing(&flow.correlation_id));
        let work = async move {
            let settled = component
                .consents
                .settle(&call, provider.spec(), &flow, &params, granted)
                .await;
            match settled {
                Ok(result) => Ok(result),
                Err(error) => component.failures.end(&call, &flow, &params, error).await,
            }
        };
        self.tasks.run_to_completion(work).await
    }

    /// Returns the flow with this state if it waits for a session credential.
    async fn open_flow(
        &self,
        slug: &ProviderSlug,
        state: &FlowState,
    ) -> Result<(Arc<Provider>, Flow), ServiceError> {
        let provider = self.providers.configured(slug);
        let provider = provider.map_err(|_| ServiceError::invalid_state())?;
        let slug = &provider.spec().slug;
        let found = self.flows.by_state(&sha256(state.expose()), slug).await?;
        let is_open =
            |flow: &Flow| flow.consumed_at.is_none() && flow.expires_at > self.clock.now();
        match found.filter(is_open) {
            Some(flow) if provider.spec().uses_session_credentials() => Ok((provider, flow)),
            _ => Err(ServiceError::invalid_state()),
        }
    }

    /// Returns the user's flow if it waits for a session credential.
    async fn owned_open_flow(
        &self,
        user: UserId,
        flow: &FlowId,
    ) -> Result<(Arc<Provider>, Flow), ServiceError> {
        let flow = self.flows.owned(flow, user).await?;
        let flow = flow.ok_or_else(ServiceError::flow_not_found)?;
        let provider = self.providers.configured(&flow.provider)?;
        if !provider.spec().uses_session_credentials() {
            let message =
                "this platform has its own consent page: redirect the user to authUrl instead";
            return Err(ServiceError::field("values", message));
        }
        if flow.status != FlowStatus::Waiting || flow.expires_at <= self.clock.now() {
            return Err(ServiceError::invalid_state());
        }
        Ok((provider, flow))
    }

    /// Validates the pasted values, and checks them with the platform if it offers a check.
    async fn accept(
        &self,
        provider: &Provider,
        flow: &Flow,
        values: &BTreeMap<String, String>,
    ) -> Result<Granted, ServiceError> {
        let spec = provider.spec();
        let accepted = provider.accept_credentials(values).await;
        let accepted = accepted.map_err(|error| rejected(spec, error))?;
        let expected = self.consents.name_to_reconnect(flow).await?;
        let reached = vec![ReachedAccount::from(accepted.account)];
        let accounts = eligible(spec, flow, reached, expected.as_deref())?;
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

/// Converts the rejection of pasted values to its error, and logs a failed check.
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
            tracing::warn!(provider = %spec.slug, %error, "failed to check session credential");
            let code = code_of(&error);
            let detail = sentence_for(code, &spec.name);
            ServiceError::new(code, detail)
                .with_retry_after(error.retry_after())
                .caused_by(error)
        }
    }
}

/// Derives the CSRF token of a form from the state and from a salt that never leaves the database,
/// so that only Evergrant's page can know it.
fn csrf(flow: &Flow, state: &FlowState) -> String {
    let mut message = b"form ".to_vec();
    message.extend_from_slice(&flow.receipt_salt);
    message.extend_from_slice(state.expose().as_bytes());
    base64url(sha256(message))
}
