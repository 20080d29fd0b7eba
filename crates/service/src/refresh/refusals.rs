//! Refused refreshes: a response by which a provider refuses one request and does not say that the
//! grant has ended, such as a bare 401.
//!
//! One response does not tell whether the grant, the request or the client registration is at
//! fault. The responses to other grants do, so all replicas record refusals and compare them.

use std::sync::Arc;

use evergrant_adapters::{AdapterError, BlockKind, Provider};
use evergrant_model::{Call, Clock, FlowId, SignedDuration, Timestamp};
use evergrant_store::{NewRefusal, RefusalRepository, Refusals, RefusedSubject};

use crate::ServiceError;
use crate::database::DatabaseMonitor;
use crate::outcome::{Outcome, Recorder};
use crate::refresh::context::AttemptContext;

/// The period in which the refusals of several grants are compared.
const WINDOW: SignedDuration = SignedDuration::from_mins(5);
/// The minimum number of grants that a provider refuses alike, before the client registration is
/// considered to be the cause.
const MIN_GRANTS: i64 = 3;
/// The minimum number of refusals before one grant is considered to have ended.
const MIN_REFUSALS: i32 = 3;
/// The minimum time between refusals of one grant that both count.
const MIN_INTERVAL: SignedDuration = SignedDuration::from_mins(1);

/// The cause of a refusal, as far as the responses to other grants show it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RefusalCause {
    /// There is too little to compare with.
    Unclear,
    /// The grant has ended: it is refused again and again, while others are refreshed.
    Grant,
    /// The client registration: several grants are refused alike, and none is refreshed.
    Registration,
}

/// Compares the refusals of all grants of a provider.
pub(crate) struct RefusedGrants {
    pub(crate) refusals: RefusalRepository,
    pub(crate) database: Arc<DatabaseMonitor>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) recorder: Arc<dyn Recorder>,
}

impl RefusedGrants {
    /// Records that the provider refused this attempt, and returns the cause. If it is the client
    /// registration, the refreshes of the provider are blocked.
    pub(crate) async fn cause(
        &self,
        context: &AttemptContext<'_>,
        error: &AdapterError,
    ) -> RefusalCause {
        let connection = &context.leased.connection;
        let generation = context.leased.ticket.generation;
        let subject = RefusedSubject::RefreshToken(connection.id, generation);
        let (provider, code) = (context.provider, code_of_refusal(error));
        // If a query fails, the database does not store a change of status either.
        let Ok(refusals) = self.record(provider, subject, &code).await else {
            return RefusalCause::Unclear;
        };
        let is_probe = context.permit.half_open_probe() == Some(BlockKind::Registration);
        if error.may_concern_registration()
            && (is_probe || self.is_registration_refused(provider, &code).await)
        {
            self.block(context.call, provider, &code).await;
            return RefusalCause::Registration;
        }
        let has_ended = refusals.count >= MIN_REFUSALS
            && self.is_another_refreshed(context, refusals.first_at).await;
        if has_ended {
            RefusalCause::Grant
        } else {
            RefusalCause::Unclear
        }
    }

    /// Records that the provider refused the code of a flow. This alone blocks nothing: the next
    /// user's code may be accepted.
    pub(crate) async fn record_code(
        &self,
        provider: &Provider,
        flow: &FlowId,
        error: &AdapterError,
    ) {
        if error.is_refusal() {
            let subject = RefusedSubject::Code(flow);
            // Without this record, another refusal is needed.
            let _ = self
                .record(provider, subject, &code_of_refusal(error))
                .await;
        }
    }

    async fn record(
        &self,
        provider: &Provider,
        subject: RefusedSubject<'_>,
        code: &str,
    ) -> Result<Refusals, ServiceError> {
        let refusal = NewRefusal {
            provider: &provider.spec().slug,
            subject,
            code,
            at: self.clock.now(),
            min_interval: MIN_INTERVAL,
        };
        self.database.query(self.refusals.record(&refusal)).await
    }

    /// Returns whether the provider refuses several grants alike and accepts none.
    async fn is_registration_refused(&self, provider: &Provider, code: &str) -> bool {
        let (slug, since) = (&provider.spec().slug, self.clock.now() - WINDOW);
        let refused = self.refusals.refused_alike(slug, code, since);
        let refused = self.database.query(refused).await.unwrap_or(0);
        if refused < MIN_GRANTS {
            return false;
        }
        let succeeded = self.refusals.has_succeeded(slug, since);
        !self.database.query(succeeded).await.unwrap_or(true)
    }

    /// Returns whether the provider has refreshed the token of another account since then.
    async fn is_another_refreshed(&self, context: &AttemptContext<'_>, since: Timestamp) -> bool {
        let (slug, account) = (
            &context.provider.spec().slug,
            &context.leased.connection.account,
        );
        let refreshed = self.refusals.has_refreshed_another(slug, account, since);
        self.database.query(refreshed).await.unwrap_or(false)
    }

    /// Blocks the refreshes of the provider. Of concurrent refusals, only the one that sets the
    /// block reports it.
    async fn block(&self, call: &Call, provider: &Provider, code: &str) {
        if provider.block_refreshes(BlockKind::Registration).await {
            let provider = &provider.spec().slug;
            self.recorder
                .record(call, &Outcome::RegistrationRefused { provider, code });
        }
    }
}

/// Returns the provider's code, or the HTTP status if it sent none.
fn code_of_refusal(error: &AdapterError) -> String {
    let status = || error.http_status().unwrap_or_default().to_string();
    error.provider_code().map_or_else(status, str::to_owned)
}
