//! The operations on flows after their start, as the API offers them.

use std::collections::BTreeMap;

use evergrant_model::{Call, FlowState as State, UserId};

use crate::ServiceError;
use crate::authorization::finish::{FinishRequest, FlowFinisher};
use crate::authorization::outcome::{CallbackOutcome, FlowState};
use crate::authorization::session_credentials::{CredentialForm, SessionCredentials};
use crate::connections::list::Integration;

/// Reports on flows and completes them.
pub struct Authorizations {
    pub(crate) finisher: FlowFinisher,
    pub(crate) credentials: SessionCredentials,
}

impl Authorizations {
    /// The progress of the user's flow.
    ///
    /// # Errors
    ///
    /// `FLOW_NOT_FOUND` for an unknown flow or another user's.
    #[tracing::instrument(
        name = "flow_state", skip_all,
        fields(actor = %call.actor, correlation_id = %call.correlation_id)
    )]
    pub async fn state(
        &self,
        call: &Call,
        user: UserId,
        flow: &str,
    ) -> Result<FlowState, ServiceError> {
        self.finisher.state(user, flow).await
    }

    /// Finishes a parked flow and returns the connections that it created.
    ///
    /// # Errors
    ///
    /// `FLOW_NOT_FOUND`; `INVALID_STATE` for a wrong verifier or receipt, or a flow that is not
    /// parked; `VALIDATION_ERROR` for accounts that the consent does not reach;
    /// `ACCOUNT_ALREADY_CONNECTED`.
    #[tracing::instrument(
        name = "finish_flow", skip_all,
        fields(actor = %call.actor, correlation_id = %call.correlation_id)
    )]
    pub async fn finish(
        &self,
        call: &Call,
        user: UserId,
        flow: &str,
        request: FinishRequest,
    ) -> Result<Vec<Integration>, ServiceError> {
        self.finisher.finish(call, user, flow, request).await
    }

    /// The accounts that the browser with this receipt may choose from, for Evergrant's own page.
    ///
    /// # Errors
    ///
    /// `INVALID_STATE` for a wrong receipt, or a flow that does not wait for a choice.
    #[tracing::instrument(
        name = "account_choice", skip_all,
        fields(actor = %call.actor, correlation_id = %call.correlation_id)
    )]
    pub async fn choice(
        &self,
        call: &Call,
        flow: &str,
        receipt: String,
    ) -> Result<CallbackOutcome, ServiceError> {
        self.finisher.choice(flow, receipt).await
    }

    /// Connects the accounts that a browser chose on Evergrant's own page. The receipt proves that
    /// the browser is the one that consented.
    ///
    /// # Errors
    ///
    /// `INVALID_STATE` for a wrong receipt, or a flow that does not wait for a choice;
    /// `VALIDATION_ERROR` for accounts that the consent does not reach.
    #[tracing::instrument(
        name = "choose_accounts", skip_all,
        fields(actor = %call.actor, correlation_id = %call.correlation_id)
    )]
    pub async fn choose(
        &self,
        call: &Call,
        flow: &str,
        receipt: String,
        accounts: Vec<String>,
    ) -> Result<CallbackOutcome, ServiceError> {
        self.finisher.choose(call, flow, receipt, accounts).await
    }

    /// The form of a flow that waits for a session credential.
    ///
    /// # Errors
    ///
    /// `INVALID_STATE` for a flow that is unknown, used or expired, or whose platform has a consent
    /// page.
    #[tracing::instrument(
        name = "credential_form", skip_all,
        fields(actor = %call.actor, correlation_id = %call.correlation_id)
    )]
    pub async fn credential_form(
        &self,
        call: &Call,
        provider: &str,
        state: &State,
    ) -> Result<CredentialForm, ServiceError> {
        self.credentials.form(provider, state).await
    }

    /// Accepts what the owner entered into Evergrant's form, and completes the flow like a
    /// callback.
    ///
    /// # Errors
    ///
    /// `VALIDATION_ERROR` for fields to correct, with the flow still open; `INVALID_STATE` as for a
    /// callback, and for a form that Evergrant's page did not send.
    #[tracing::instrument(
        name = "submit_credential_form", skip_all,
        fields(actor = %call.actor, correlation_id = %call.correlation_id)
    )]
    pub async fn submit_form(
        &self,
        call: &Call,
        provider: &str,
        state: State,
        csrf: &str,
        values: &BTreeMap<String, String>,
    ) -> Result<CallbackOutcome, ServiceError> {
        self.credentials
            .submit_form(call, provider, state, csrf, values)
            .await
    }

    /// Accepts what the owner entered into the app's own dialog, and completes the flow.
    ///
    /// # Errors
    ///
    /// `FLOW_NOT_FOUND`; `VALIDATION_ERROR` for fields to correct, with the flow still open, and
    /// for a platform with a consent page; `INVALID_STATE` for a flow that has ended;
    /// `ACCOUNT_ALREADY_CONNECTED`, `ACCOUNT_MISMATCH`.
    #[tracing::instrument(
        name = "submit_credentials", skip_all,
        fields(actor = %call.actor, correlation_id = %call.correlation_id)
    )]
    pub async fn submit_credentials(
        &self,
        call: &Call,
        user: UserId,
        flow: &str,
        values: &BTreeMap<String, String>,
    ) -> Result<Vec<Integration>, ServiceError> {
        self.credentials.submit(call, user, flow, values).await
    }
}
