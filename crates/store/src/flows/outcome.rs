//! Recording the outcome of a consumed flow: it is parked until its browser finishes it, or it has
//! failed. Each change writes an event.

use evergrant_encryption::EncryptedToken;
use evergrant_model::{ErrorCode, EventKind, Timestamp};

use crate::StoreError;
use crate::connections::revocations::NewRevocation;
use crate::db::transaction::Transaction;
use crate::db::value::params;
use crate::events::new_event::{About, NewEvent};
use crate::flows::repository::FlowRepository;
use crate::flows::row::{Flow, PendingGrant};
use crate::flows::status::FlowStatus;

/// Why a flow failed.
#[derive(Debug, Clone, Copy)]
pub struct FlowFailure<'a> {
    /// The code.
    pub code: ErrorCode,
    /// What the user is told; the service defines the format.
    pub details: Option<&'a serde_json::Value>,
    /// The hash of the receipt with which the browser that consented reads the details; `None`
    /// keeps the one of a parked flow.
    pub receipt_hash: Option<&'a [u8]>,
}

impl From<ErrorCode> for FlowFailure<'_> {
    fn from(code: ErrorCode) -> Self {
        Self {
            code,
            details: None,
            receipt_hash: None,
        }
    }
}

/// The outcome of a consumed flow that stored no connection.
#[derive(Debug)]
pub enum FlowOutcome<'a> {
    /// The flow failed.
    Error(FlowFailure<'a>),
    /// The flow is parked until the browser that started it finishes it.
    Pending {
        /// [`FlowStatus::Pending`] or [`FlowStatus::Choose`].
        status: FlowStatus,
        /// The grant of the consent.
        grant: &'a PendingGrant,
        /// The hash of the receipt that the browser must present.
        receipt_hash: &'a [u8],
        /// Time until which the flow can be finished.
        finish_expires_at: Timestamp,
    },
}

const FAIL: &str = "UPDATE evergrant_flows SET status = 'error', error_code = $2,
        error_details = $3, receipt_hash = COALESCE($4, receipt_hash),
        access_token = NULL, refresh_token = NULL, token_details = NULL, granted_accounts = NULL
    WHERE id = $1 AND status IN ('waiting', 'pending', 'choose')";
const PARK: &str = "UPDATE evergrant_flows SET status = $2, receipt_hash = $3,
        finish_expires_at = $4, access_token = $5, refresh_token = $6, token_details = $7,
        granted_accounts = $8
    WHERE id = $1 AND status = 'waiting'";

impl FlowOutcome<'_> {
    fn status(&self) -> (FlowStatus, Option<ErrorCode>) {
        match self {
            Self::Error(failure) => (FlowStatus::Error, Some(failure.code)),
            Self::Pending { status, .. } => (*status, None),
        }
    }

    /// Writes the outcome; `false` if the flow has ended.
    async fn write(&self, tx: &mut Transaction, flow: &Flow) -> Result<bool, StoreError> {
        let id = flow.id.as_str();
        let rows_affected = match self {
            Self::Error(failure) => {
                let code = failure.code.as_str();
                let params = params![id, code, failure.details, failure.receipt_hash];
                tx.execute(FAIL, params).await?
            }
            Self::Pending {
                status,
                grant,
                receipt_hash,
                finish_expires_at,
            } => {
                let refresh = grant.refresh_token.as_ref().map(EncryptedToken::as_str);
                let params = params![
                    id,
                    status.as_str(),
                    *receipt_hash,
                    *finish_expires_at,
                    grant.access_token.as_str(),
                    refresh,
                    &grant.token_details,
                    &grant.accounts,
                ];
                tx.execute(PARK, params).await?
            }
        };
        Ok(rows_affected > 0)
    }
}

impl FlowRepository {
    /// Records that a flow failed or was parked. Returns `false` if it has ended already, or its
    /// user does not exist.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the query fails.
    pub async fn record_outcome(
        &self,
        flow: &Flow,
        outcome: &FlowOutcome<'_>,
        at: Timestamp,
    ) -> Result<bool, StoreError> {
        let mut tx = self.database.begin().await?;
        let Some(version) = tx.increment_version_if_user_exists(flow.user).await? else {
            return Ok(false);
        };
        let is_written = outcome.write(&mut tx, flow).await?;
        if is_written {
            write_event(&mut tx, flow, version, outcome.status(), at).await?;
            tx.commit().await?;
        }
        Ok(is_written)
    }

    /// Fails a parked flow and queues the revocation of its grant, in one transaction. Returns
    /// `false` if the flow has ended already, or its user does not exist.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the query fails.
    pub async fn abandon(
        &self,
        flow: &Flow,
        failure: FlowFailure<'_>,
        revocation: Option<&NewRevocation>,
        at: Timestamp,
    ) -> Result<bool, StoreError> {
        let mut tx = self.database.begin().await?;
        let Some(version) = tx.increment_version_if_user_exists(flow.user).await? else {
            return Ok(false);
        };
        let outcome = FlowOutcome::Error(failure);
        if !outcome.write(&mut tx, flow).await? {
            return Ok(false);
        }
        if let (Some(new), Some(grant)) = (revocation, &flow.grant) {
            let refresh = grant.refresh_token.as_ref().map(EncryptedToken::as_str);
            tx.queue_revocation(new, Some(grant.access_token.as_str()), refresh)
                .await?;
        }
        write_event(&mut tx, flow, version, outcome.status(), at).await?;
        tx.commit().await?;
        Ok(true)
    }
}

async fn write_event(
    tx: &mut Transaction,
    flow: &Flow,
    version: i64,
    (status, code): (FlowStatus, Option<ErrorCode>),
    at: Timestamp,
) -> Result<(), StoreError> {
    let code = code.map(|code| flow.disclosed(code).as_str());
    tx.write_event(&NewEvent {
        user: flow.user,
        version,
        kind: EventKind::Flow,
        about: About::Flow(&flow.provider, flow.id.as_str(), status, code),
        correlation_id: &flow.correlation_id,
        at,
    })
    .await
}
