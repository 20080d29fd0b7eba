//! Remarks on a connection that has a valid token: what the user or the operator should know
//! although the connection works.

use evergrant_model::{ConnectionStatus, StatusReason, Timestamp};
use evergrant_store::Connection;

use crate::refresh::next_attempt::is_retried_soon;

/// Returns the remarks on a connection with this status, the most important first; empty unless the
/// status is `connected` or `expiring`.
///
/// Each remark follows from the stored facts, so that a temporary one, such as a failed refresh,
/// does not hide a lasting one.
pub(crate) fn remarks(
    row: &Connection,
    status: ConnectionStatus,
    missing_scopes: &[String],
    now: Timestamp,
) -> Vec<StatusReason> {
    if !status.is_connected() {
        return Vec::new();
    }
    let is_unverified = row.reason == Some(StatusReason::Unverified);
    let lacks_scope = !missing_scopes.is_empty() || row.reason == Some(StatusReason::ScopeMissing);
    // A session check that did not verify the session is not a failed refresh.
    let is_retrying =
        row.failures > 0 && is_retried_soon(row, row.next_refresh_at, now) && !is_unverified;
    [
        (lacks_scope, StatusReason::ScopeMissing),
        (is_unverified, StatusReason::Unverified),
        (is_retrying, StatusReason::RefreshRetrying),
    ]
    .into_iter()
    .filter_map(|(applies, remark)| applies.then_some(remark))
    .collect()
}
