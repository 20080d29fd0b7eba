//! The end of a consumed flow: parked until its browser finishes it, or failed. Each change writes
//! an event.

use evergrant_encryption::EncryptedToken;
use evergrant_model::{ErrorCode, EventKind, Timestamp};

use crate::StoreError;
use crate::connections::revocations::NewRevocation;
use crate::db::value::params;
use crate::db::work::Work;
use crate::events::new_event::{About, NewEvent};
use crate::flows::repository::FlowRepository;
use crate::flows::row::{Flow, PendingGrant};
use crate::flows::status::FlowStatus;

/// How a consumed flow goes on.
#[derive(Debug)]
pub enum FlowEnd<'a> {
    /// It is over.
    Error(ErrorCode),
    /// It waits to be finished by the browser that began it.
    Pending {
        /// [`FlowStatus::Pending`] or [`FlowStatus::Choose`].
        status: FlowStatus,
        /// What the consent gave.
        grant: &'a PendingGrant,
        /// The hash of the receipt that the browser brings.
        receipt_hash: &'a [u8],
        /// When it is given up.
        finish_by: Timestamp,
    },
}

const FAIL: &str =
    "UPDATE evergrant_flows SET status = 'error', error_code = $2, access_token = NULL,
        refresh_token = NULL, token_facts = NULL, accounts = NULL
    WHERE id = $1 AND status IN ('waiting', 'pending', 'choose')";
const PARK: &str =
    "UPDATE evergrant_flows SET status = $2, receipt_hash = $3, finish_by = $4, access_token = $5,
        refresh_token = $6, token_facts = $7, accounts = $8
    WHERE id = $1 AND status = 'waiting'";

impl FlowRepository {
    /// Ends a flow, or parks it until it is finished; `false` if it had ended already, or its user
    /// is gone.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the query fails.
    pub async fn settle(
        &self,
        flow: &Flow,
        end: &FlowEnd<'_>,
        at: Timestamp,
    ) -> Result<bool, StoreError> {
        let mut work = self.database.begin().await?;
        let Some(version) = work.raise_version_of_existing(flow.user).await? else {
            return Ok(false);
        };
        let touched = match end {
            FlowEnd::Error(code) => {
                work.execute(FAIL, params![flow.id.as_str(), code.as_str()])
                    .await?
            }
            FlowEnd::Pending {
                status,
                grant,
                receipt_hash,
                finish_by,
            } => {
                let refresh = grant.refresh_token.as_ref().map(EncryptedToken::as_str);
                let params = params![
                    flow.id.as_str(),
                    status.as_str(),
                    *receipt_hash,
                    *finish_by,
                    grant.access_token.as_str(),
                    refresh,
                    &grant.facts,
                    &grant.accounts,
                ];
                work.execute(PARK, params).await?
            }
        };
        if touched > 0 {
            let (status, code) = match end {
                FlowEnd::Error(code) => (FlowStatus::Error, Some(*code)),
                FlowEnd::Pending { status, .. } => (*status, None),
            };
            announce(&mut work, flow, version, (status, code), at).await?;
            work.commit().await?;
        }
        Ok(touched > 0)
    }

    /// Ends a parked flow and queues the revocation of its grant, in one transaction; `false` if it
    /// had ended already, or its user is gone.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the query fails.
    pub async fn abandon(
        &self,
        flow: &Flow,
        code: ErrorCode,
        revocation: Option<&NewRevocation>,
        at: Timestamp,
    ) -> Result<bool, StoreError> {
        let mut work = self.database.begin().await?;
        let Some(version) = work.raise_version_of_existing(flow.user).await? else {
            return Ok(false);
        };
        if work
            .execute(FAIL, params![flow.id.as_str(), code.as_str()])
            .await?
            == 0
        {
            return Ok(false);
        }
        if let (Some(new), Some(grant)) = (revocation, &flow.grant) {
            let refresh = grant.refresh_token.as_ref().map(EncryptedToken::as_str);
            work.queue_revocation(new, Some(grant.access_token.as_str()), refresh)
                .await?;
        }
        announce(
            &mut work,
            flow,
            version,
            (FlowStatus::Error, Some(code)),
            at,
        )
        .await?;
        work.commit().await?;
        Ok(true)
    }
}

async fn announce(
    work: &mut Work,
    flow: &Flow,
    version: i64,
    (status, code): (FlowStatus, Option<ErrorCode>),
    at: Timestamp,
) -> Result<(), StoreError> {
    let about = About::Flow(
        &flow.provider,
        flow.id.as_str(),
        status,
        code.map(ErrorCode::as_str),
    );
    let correlation_id = &flow.correlation_id;
    work.announce(&NewEvent {
        user: flow.user,
        version,
        kind: EventKind::Flow,
        about,
        correlation_id,
        at,
    })
    .await
}
