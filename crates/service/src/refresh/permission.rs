//! Whether a refresh may be attempted now.

use evergrant_adapters::ProviderSpec;
use evergrant_model::{ConnectionStatus, ErrorCode, Timestamp};
use evergrant_store::Connection;

use crate::refresh::outcome::{LastFailure, RefreshFailure};
use crate::tokens::refresh_time::is_usable;

/// Why a token is refreshed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RefreshReason {
    /// A read needs it: the token has expired or is about to.
    Expired,
    /// The refresh is due, and the scheduler of this replica has claimed it.
    Due,
    /// A caller asks for it. It skips the pause after a failure where another attempt does no harm.
    Requested,
    /// The platform no longer accepts the access token, whatever its stated end.
    Rejected,
}

/// Refuses an attempt on an ended grant, and one that the last failure forbids for now.
pub(crate) fn check_allowed(
    held: &Connection,
    spec: &ProviderSpec,
    reason: RefreshReason,
    now: Timestamp,
) -> Result<(), RefreshFailure> {
    if held.status == ConnectionStatus::Expired {
        return Err(RefreshFailure::new(ErrorCode::ReconnectRequired));
    }
    let age = |issued_at| now.seconds_since(issued_at);
    let too_young = held
        .tokens
        .issued_at
        .map_or(0, |at| spec.refresh_not_before_seconds - age(at));
    if too_young > 0 {
        // The platform refreshes no token of this age; the held one is valid for far longer.
        return Err(RefreshFailure::new(ErrorCode::RateLimitError).retry_after(too_young));
    }
    let Some(last) = LastFailure::of(held) else {
        return Ok(());
    };
    if !is_paused(held, last, reason, now) && !is_harmful(held, spec, reason, now) {
        return Ok(());
    }
    let wait = held.next_refresh_at.map(|at| at.seconds_since(now));
    Err(RefreshFailure::new(last.code()).maybe_retry_after(wait))
}

fn is_paused(held: &Connection, last: LastFailure, reason: RefreshReason, now: Timestamp) -> bool {
    let too_early = held.next_refresh_at.is_some_and(|at| at > now);
    match last {
        LastFailure::RateLimited => too_early && reason != RefreshReason::Due,
        LastFailure::UserAction => {
            matches!(reason, RefreshReason::Expired | RefreshReason::Due)
        }
        _ => too_early && !matches!(reason, RefreshReason::Requested | RefreshReason::Due),
    }
}

/// Sending the same refresh token again before the held access token expires could end a grant
/// that is still valid.
fn is_harmful(
    held: &Connection,
    spec: &ProviderSpec,
    reason: RefreshReason,
    now: Timestamp,
) -> bool {
    held.lease.in_doubt_since_ms.is_some()
        && !spec.may_resend_refresh()
        && reason != RefreshReason::Rejected
        && is_usable(held, now)
}
