//! The public operations on a flow after its start.

use std::collections::BTreeMap;

use evergrant_model::{Call, FlowId, FlowState, ProviderSlug, UserId};

use crate::ServiceError;
use crate::authorization::finish::{FinishRequest, FlowFinisher};
use crate::authorization::kept_credentials::{KeptCredentials, SubmittedForm};
use crate::authorization::outcome::{CallbackOutcome, FlowProgress, ReachedAccount};
use crate::authorization::session_credentials::{CredentialForm, SessionCredentials};
use crate::connections::list::Integration;

/// Reports the progress of flows and completes them.
pub struct Authorizations {
    pub(crate) finisher: FlowFinisher,
    pub(crate) credentials: SessionCredentials,
}

impl Authorizations {
    /// Returns the progress of the user's flow.
    ///
    /// # Errors
    ///
    /// `FLOW_NOT_FOUND` if the flow does not exist or belongs to another user; `DATABASE_ERROR`.
    #[tracing::instrument(
        name = "flow_state", skip_all,
        fields(actor = %call.actor, correlation_id = %call.correlation_id)
    )]
    pub async fn state(
        &self,
        call: &Call,
        user: UserId,
        flow: &FlowId,
    ) -> Result<FlowProgress, ServiceError> {
        self.finisher.state(user, flow).await
    }

    /// Returns the platform and the accounts of a parked flow, for a caller that proves, as for
    /// [`finish`](Self::finish), that the browser which started it also consented.
    ///
    /// # Errors
    ///
    /// `FLOW_NOT_FOUND` if the flow does not exist or belongs to another user; `INVALID_STATE` if
    /// it is not parked, its deadline has passed, or the verifier or receipt is wrong; the flow's
    /// own error if it failed.
    #[tracing::instrument(
        name = "flow_accounts", skip_all,
        fields(actor = %call.actor, correlation_id = %call.correlation_id)
    )]
    pub async fn accounts(
        &self,
        call: &Call,
        user: UserId,
        flow: &FlowId,
        proof: &FinishRequest,
    ) -> Result<(ProviderSlug, Vec<ReachedAccount>), ServiceError> {
        self.finisher.accounts(user, flow, proof).await
    }

    /// Finishes a parked flow and returns the connections that it created.
    ///
    /// # Errors
    ///
    /// - `FLOW_NOT_FOUND` if the flow does not exist or belongs to another user.
    /// - `INVALID_STATE` if the flow is not parked, its deadline has passed, or the verifier or
    ///   receipt is wrong.
    /// - `VALIDATION_ERROR` if the request names an account that the consent does not reach, or
    ///   names none although the consent reached several.
    /// - `ACCOUNT_ALREADY_CONNECTED` if one of the accounts belongs to another user.
    /// - The flow's own error, if it failed and the verifier and the receipt are right.
    #[tracing::instrument(
        name = "finish_flow", skip_all,
        fields(actor = %call.actor, correlation_id = %call.correlation_id)
    )]
    pub async fn finish(
        &self,
        call: &Call,
        user: UserId,
        flow: &FlowId,
        request: FinishRequest,
    ) -> Result<Vec<Integration>, ServiceError> {
        self.finisher.finish(call, user, flow, request).await
    }

    /// Returns the accounts that the consent reached, for Evergrant's account chooser.
    ///
    /// The receipt proves that the browser is the one that consented.
    ///
    /// # Errors
    ///
    /// `INVALID_STATE` if the receipt is wrong or the flow does not wait for a choice.
    #[tracing::instrument(
        name = "account_choice", skip_all,
        fields(actor = %call.actor, correlation_id = %call.correlation_id)
    )]
    pub async fn choice(
        &self,
        call: &Call,
        flow: &FlowId,
        receipt: String,
    ) -> Result<CallbackOutcome, ServiceError> {
        self.finisher.choice(flow, receipt).await
    }

    /// Connects the accounts that the user selected in Evergrant's account chooser.
    ///
    /// The receipt proves that the browser is the one that consented. An account that belongs to
    /// another user is reported in the outcome, not as an error.
    ///
    /// # Errors
    ///
    /// `INVALID_STATE` if the receipt is wrong or the flow does not wait for a choice;
    /// `VALIDATION_ERROR` if no account or one that the consent does not reach was selected.
    #[tracing::instrument(
        name = "choose_accounts", skip_all,
        fields(actor = %call.actor, correlation_id = %call.correlation_id)
    )]
    pub async fn choose(
        &self,
        call: &Call,
        flow: &FlowId,
        receipt: String,
        accounts: Vec<String>,
    ) -> Result<CallbackOutcome, ServiceError> {
        self.finisher.choose(call, flow, receipt, accounts).await
    }

    /// Returns the form of a flow that waits for a session credential.
    ///
    /// # Errors
    ///
    /// `INVALID_STATE` if the flow is unknown, consumed or expired, or its platform has a consent
    /// page.
    #[tracing::instrument(
        name = "credential_form", skip_all,
        fields(actor = %call.actor, correlation_id = %call.correlation_id)
    )]
    pub async fn credential_form(
        &self,
        call: &Call,
        provider: &ProviderSlug,
        state: &FlowState,
    ) -> Result<CredentialForm, ServiceError> {
        self.credentials.form(provider, state).await
    }

    /// Validates the credential entered into Evergrant's form, and completes the flow like a
    /// callback.
    ///
    /// # Errors
    ///
    /// `VALIDATION_ERROR` for fields to correct; the flow stays open. `INVALID_STATE` if the flow
    /// is unknown, consumed or expired, or the CSRF token is wrong.
    #[tracing::instrument(
        name = "submit_credential_form", skip_all,
        fields(actor = %call.actor, correlation_id = %call.correlation_id)
    )]
    pub async fn submit_form(
        &self,
        call: &Call,
        provider: &ProviderSlug,
        state: FlowState,
        csrf: &str,
        submitted: &SubmittedForm,
    ) -> Result<CallbackOutcome, ServiceError> {
        self.credentials
            .submit_form(call, provider, state, csrf, submitted)
            .await
    }

    /// Returns what the next attempt with Evergrant's form keeps of a rejected one; `None` if the
    /// attempt has no value of a session.
    ///
    /// # Errors
    ///
    /// `INVALID_PROVIDER`, `ENCRYPTION_ERROR`.
    #[tracing::instrument(
        name = "keep_credentials", skip_all,
        fields(actor = %call.actor, correlation_id = %call.correlation_id)
    )]
    pub fn keep_credentials(
        &self,
        call: &Call,
        provider: &ProviderSlug,
        state: &FlowState,
        submitted: &SubmittedForm,
    ) -> Result<Option<KeptCredentials>, ServiceError> {
        self.credentials.keep(provider, state, submitted)
    }

    /// Validates the credential entered into the app's own dialog, completes the flow, and returns
    /// the connection that it created.
    ///
    /// # Errors
    ///
    /// - `FLOW_NOT_FOUND` if the flow does not exist or belongs to another user.
    /// - `VALIDATION_ERROR` for fields to correct, in which case the flow stays open, or if the
    ///   platform has a consent page.
    /// - `INVALID_STATE` if the flow was consumed or has expired.
    /// - `ACCOUNT_MISMATCH` if the credential is not of the account to reconnect.
    /// - `ACCOUNT_ALREADY_CONNECTED` if the account belongs to another user.
    #[tracing::instrument(
        name = "submit_credentials", skip_all,
        fields(actor = %call.actor, correlation_id = %call.correlation_id)
    )]
    pub async fn submit_credentials(
        &self,
        call: &Call,
        user: UserId,
        flow: &FlowId,
        values: &BTreeMap<String, String>,
    ) -> Result<Vec<Integration>, ServiceError> {
        self.credentials.submit(call, user, flow, values).await
    }
}
