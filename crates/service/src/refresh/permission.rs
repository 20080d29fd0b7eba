//! Decides whether a refresh may be attempted now.

use evergrant_adapters::{BlockKind, Provider, ProviderSpec};
use evergrant_model::{ConnectionStatus, ErrorCode, MAX_CLOCK_ERROR, SignedDuration, Timestamp};
use evergrant_store::Connection;

use crate::refresh::outcome::{LastFailure, RefreshFailure};

/// The longest pause after a failed refresh: the longest wait that a platform can state.
const MAX_PAUSE: SignedDuration = SignedDuration::from_hours(30 * 24);

/// Why a token is refreshed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RefreshReason {
    /// A caller needs a token, and the stored one has expired or is about to.
    Expired,
    /// The refresh is due, and the scheduler of this replica has claimed it.
    Due,
    /// A caller requested a refresh. It skips the pause after a failure if another attempt is
    /// harmless.
    Requested,
    /// The platform rejected the access token before its expiry.
    Rejected,
}

/// Checks that a refresh may be attempted now.
///
/// # Errors
///
/// `RECONNECT_REQUIRED` if the grant has ended, `RATE_LIMIT_ERROR` if the platform does not refresh
/// a token this young, and the code of the last failure if it forbids another attempt for now.
pub(crate) fn check_allowed(
    connection: &Connection,
    spec: &ProviderSpec,
    reason: RefreshReason,
    now: Timestamp,
) -> Result<(), RefreshFailure> {
    if connection.status == ConnectionStatus::Expired {
        return Err(RefreshFailure::new(ErrorCode::ReconnectRequired));
    }
    let is_plausible = connection.lifetime().is_plausible(now);
    let age = connection.tokens.issued_at.map(|at| now.since(at));
    let age = age.filter(|_| is_plausible);
    let too_young_for = age.map(|age| spec.min_refresh_age.saturating_sub(age));
    if let Some(wait) = too_young_for.filter(SignedDuration::is_positive) {
        // The platform refreshes no token this young; the stored one is valid for far longer.
        let failure = RefreshFailure::new(ErrorCode::RateLimitError);
        return Err(failure.with_retry_after(Some(wait)));
    }
    let Some(last) = LastFailure::of(connection) else {
        return Ok(());
    };
    let allowed_at = if is_harmful(connection, spec, reason, now) {
        latest_end(connection, now)
    } else if is_paused(connection, last, reason, now) {
        connection.retry_at
    } else {
        return Ok(());
    };
    let wait = allowed_at.map(|at| at.since(now));
    Err(RefreshFailure::after(last).with_retry_after(wait))
}

/// Checks that a caller does not spend the probe of refused refreshes on a grant that was refused
/// itself: another refusal would extend the block, and shows less than the response to a grant that
/// was not. The scheduler tries every grant in turn.
///
/// # Errors
///
/// `TOKEN_REFRESH_ERROR`, with the end of the block as retry time.
pub(crate) fn check_probe(
    connection: &Connection,
    provider: &Provider,
    reason: RefreshReason,
    now: Timestamp,
) -> Result<(), RefreshFailure> {
    let block = provider.refresh_block();
    let Some(block) = block.filter(|block| block.kind == BlockKind::Registration) else {
        return Ok(());
    };
    let was_refused = matches!(
        LastFailure::of(connection),
        Some(LastFailure::Refused | LastFailure::Registration)
    );
    if !was_refused || matches!(reason, RefreshReason::Due | RefreshReason::Requested) {
        return Ok(());
    }
    let failure = RefreshFailure::after(LastFailure::Registration);
    Err(failure.with_retry_after(Some(block.blocked_until.since(now))))
}

/// Returns whether the last failure forbids an attempt for this reason now.
fn is_paused(
    connection: &Connection,
    last: LastFailure,
    reason: RefreshReason,
    now: Timestamp,
) -> bool {
    let too_early = connection.retry_at.is_some_and(|at| at > now) && !is_too_long(connection, now);
    match last {
        LastFailure::RateLimited => too_early && reason != RefreshReason::Due,
        LastFailure::UserAction => {
            matches!(reason, RefreshReason::Expired | RefreshReason::Due)
        }
        _ => too_early && !matches!(reason, RefreshReason::Requested | RefreshReason::Due),
    }
}

/// Returns whether an attempt could revoke a valid grant: the refresh token is in doubt, the
/// platform does not accept a replay, and the access token is still valid and accepted. Whether a
/// replay window is still open is decided under the lease, because only the database's clock tells
/// how old the doubt is.
fn is_harmful(
    connection: &Connection,
    spec: &ProviderSpec,
    reason: RefreshReason,
    now: Timestamp,
) -> bool {
    connection.lease.in_doubt_since_ms.is_some()
        && !spec.can_retry_refresh()
        && reason != RefreshReason::Rejected
        && connection.tokens.access.is_some()
        && latest_end(connection, now).is_none_or(|end| end > now)
}

/// Returns when the access token ends at the latest; `None` if unknown. If its times cannot be
/// true, its lifetime counts from the request that left the refresh token in doubt: the token was
/// issued before, and the time of that request is the database's.
fn latest_end(connection: &Connection, now: Timestamp) -> Option<Timestamp> {
    let lifetime = connection.lifetime();
    if lifetime.is_plausible(now) {
        return lifetime.expires_at;
    }
    let in_doubt_since = Timestamp::from_unix_ms(connection.lease.in_doubt_since_ms?);
    Some(in_doubt_since + lifetime.duration()?)
}

/// Returns whether the pause after the last failure is longer than any pause, so that a process
/// with a wrong clock stored its end.
fn is_too_long(connection: &Connection, now: Timestamp) -> bool {
    let Some(retry_at) = connection.retry_at else {
        return false;
    };
    if connection.tokens.expires_at == Some(retry_at) {
        return !connection.lifetime().is_plausible(now);
    }
    retry_at > now + MAX_PAUSE + MAX_CLOCK_ERROR
}
