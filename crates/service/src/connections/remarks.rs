//! Remarks on a connection that has a valid token: what the user or the operator should know
//! although the connection works.

use evergrant_model::{ConnectionStatus, StatusReason};
use evergrant_store::Connection;

/// Returns the remarks on a connection with this status, the most important first; empty unless the
/// status is `connected` or `expiring`.
///
/// Each remark follows from the stored facts, so that a temporary one, such as a failed refresh,
/// does not hide a lasting one.
pub(crate) fn remarks(
    row: &Connection,
    status: ConnectionStatus,
    missing_scopes: &[String],
) -> Vec<StatusReason> {
    if !status.is_connected() {
        return Vec::new();
    }
    let is_unverified = row.reason == Some(StatusReason::Unverified);
    let lacks_scope = !missing_scopes.is_empty() || row.reason == Some(StatusReason::ScopeMissing);
    // A session check that did not verify the session is not a failed refresh.
    let is_retrying = row.failures > 0 && row.next_refresh_at.is_some() && !is_unverified;
    [
        (lacks_scope, StatusReason::ScopeMissing),
        (is_unverified, StatusReason::Unverified),
        (is_retrying, StatusReason::RefreshRetrying),
    ]
    .into_iter()
    .filter_map(|(applies, remark)| applies.then_some(remark))
    .collect()
}
