//! Writes outcomes to the log.

use std::error::Error;

use evergrant_adapters::{Block, BlockKind};
use evergrant_model::{Call, ErrorCode};
use evergrant_store::Connection;

use crate::outcome::{Outcome, Recorder};

/// The recorder that logs each outcome as one line.
#[derive(Debug, Clone, Copy, Default)]
pub struct LogRecorder;

/// Logs one line with the fields of the call.
macro_rules! log {
    ($level:ident, $call:expr, $($rest:tt)*) => {
        tracing::$level!(
            actor = %$call.actor, correlation_id = %$call.correlation_id, $($rest)*
        )
    };
}

/// Logs one line with the fields of the call and of a connection.
macro_rules! log_connection {
    ($level:ident, $call:expr, $connection:expr, $($rest:tt)*) => {{
        let connection: &Connection = $connection;
        log!(
            $level, $call,
            provider = %connection.provider, user.id = connection.user.get(),
            connection.id = connection.id.get(), $($rest)*
        );
    }};
}

impl Recorder for LogRecorder {
    /// Logs the outcome. The match names every variant, so that the compiler rejects a new outcome
    /// without a group.
    fn record(&self, call: &Call, outcome: &Outcome<'_>) {
        match outcome {
            Outcome::FlowStarted { .. } | Outcome::FlowFailed { .. } => log_flow(call, outcome),
            Outcome::Connected { .. } | Outcome::Disconnected { .. } => log_accounts(call, outcome),
            Outcome::Revoked { .. }
            | Outcome::RevocationFailed { .. }
            | Outcome::RevocationAbandoned { .. }
            | Outcome::RevocationUnreadable { .. } => log_revocation(call, outcome),
            Outcome::TokenIssued { .. } | Outcome::TokenUnreadable { .. } => {
                log_token(call, outcome);
            }
            Outcome::RefreshStarted { .. }
            | Outcome::RefreshSucceeded { .. }
            | Outcome::RefreshFailed { .. } => log_refresh(call, outcome),
            Outcome::WritePending { .. }
            | Outcome::PendingWriteStored { .. }
            | Outcome::TokensStoredAgain { .. } => log_pending_write(call, outcome),
            Outcome::SessionEnded { .. }
            | Outcome::SessionCheckFailed { .. }
            | Outcome::StatusChanged { .. } => log_status(call, outcome),
            Outcome::RowsImported { .. }
            | Outcome::StaleRow { .. }
            | Outcome::RowRemoved { .. } => {
                log_external_rows(call, outcome);
            }
            Outcome::BreakerOpened { block } => log_block(call, block),
            Outcome::BreakerClosed { .. }
            | Outcome::MassRejection { .. }
            | Outcome::RegistrationRefused { .. } => {
                log_provider(call, outcome);
            }
            Outcome::KeyCreated { .. }
            | Outcome::KeyUsed { .. }
            | Outcome::KeyRevoked { .. }
            | Outcome::ConsoleSignedIn { .. }
            | Outcome::UserDeleted { .. } => log_access(call, outcome),
        }
    }
}

fn log_flow(call: &Call, outcome: &Outcome<'_>) {
    match outcome {
        Outcome::FlowStarted {
            provider,
            user,
            flow,
        } => log!(
            info, call, %provider, user.id = user.get(), flow.id = %flow,
            "authorization flow started"
        ),
        Outcome::FlowFailed {
            provider,
            flow,
            code: ErrorCode::OauthDenied,
            error,
        } => log!(
            info, call, %provider, flow.id = %flow, cause = cause_of(*error),
            "the user declined the authorization"
        ),
        Outcome::FlowFailed {
            provider,
            flow,
            code,
            error,
        } => log!(
            warn, call, %provider, flow.id = %flow, code = code.as_str(),
            error = error.map(tracing::field::display), cause = cause_of(*error),
            "authorization flow failed"
        ),
        _ => {}
    }
}

/// Returns the causes of a failed flow, such as what the platform reported; `None` if it has none.
fn cause_of(error: Option<&(dyn Error + Send + Sync + 'static)>) -> Option<String> {
    let causes = std::iter::successors(error?.source(), |cause| Error::source(*cause));
    let causes: Vec<_> = causes.map(ToString::to_string).collect();
    (!causes.is_empty()).then(|| causes.join(": "))
}

fn log_accounts(call: &Call, outcome: &Outcome<'_>) {
    match outcome {
        Outcome::Connected {
            provider,
            user,
            accounts,
        } => log!(
            info, call, %provider, user.id = user.get(), accounts,
            "account connected"
        ),
        Outcome::Disconnected {
            connection,
            revocation,
        } => log_connection!(
            info,
            call,
            connection,
            revocation = revocation.as_str(),
            "account disconnected"
        ),
        _ => {}
    }
}

fn log_revocation(call: &Call, outcome: &Outcome<'_>) {
    match outcome {
        Outcome::Revoked {
            provider,
            revocation,
        } => log!(
            info, call, %provider, revocation = revocation.as_str(),
            "queued revocation completed"
        ),
        Outcome::RevocationFailed { provider, error } => log!(
            warn, call, %provider, %error,
            "failed to revoke a grant; the revocation queue will retry"
        ),
        Outcome::RevocationAbandoned { provider } => log!(
            warn, call, %provider,
            "failed to revoke a grant within a day; it may still be valid at the provider"
        ),
        Outcome::RevocationUnreadable { provider } => log!(
            error, call, %provider,
            "no configured key decrypts the tokens of a queued revocation; the grant remains valid \
             at the provider"
        ),
        _ => {}
    }
}

fn log_token(call: &Call, outcome: &Outcome<'_>) {
    match outcome {
        Outcome::TokenIssued { connection } => {
            log_connection!(debug, call, connection, "token issued");
        }
        Outcome::TokenUnreadable { connection } => log_connection!(
            error,
            call,
            connection,
            "no configured key decrypts a stored token"
        ),
        _ => {}
    }
}

fn log_refresh(call: &Call, outcome: &Outcome<'_>) {
    match outcome {
        Outcome::RefreshStarted { connection } => {
            log_connection!(info, call, connection, "refreshing token");
        }
        Outcome::RefreshSucceeded {
            connection,
            stored,
            response_to_commit,
        } => log_connection!(
            info,
            call,
            connection,
            stored,
            response_to_commit_us = response_to_commit.as_micros(),
            "token refreshed"
        ),
        Outcome::RefreshFailed {
            connection,
            class,
            error,
            ..
        } => log_connection!(warn, call, connection, class, %error, "token refresh failed"),
        _ => {}
    }
}

fn log_pending_write(call: &Call, outcome: &Outcome<'_>) {
    match outcome {
        Outcome::WritePending {
            connection,
            is_committing,
            journaled,
        } => log_connection!(
            error,
            call,
            connection,
            is_committing,
            journaled,
            "the database has not accepted refreshed tokens; they are kept in memory until it does"
        ),
        Outcome::PendingWriteStored { connection, stored } => log_connection!(
            info,
            call,
            connection,
            stored,
            "pending write of refreshed tokens completed"
        ),
        Outcome::TokensStoredAgain { connection } => log_connection!(
            warn,
            call,
            connection,
            "the database had lost the refreshed tokens of this connection; stored them again"
        ),
        _ => {}
    }
}

fn log_status(call: &Call, outcome: &Outcome<'_>) {
    match outcome {
        Outcome::SessionEnded { connection } => {
            log_connection!(info, call, connection, "session ended");
        }
        Outcome::SessionCheckFailed { connection, error } => {
            log_connection!(warn, call, connection, %error, "session check failed");
        }
        Outcome::StatusChanged { connection, status } => log_connection!(
            info,
            call,
            connection,
            status,
            "connection status changed by expiry"
        ),
        _ => {}
    }
}

fn log_external_rows(call: &Call, outcome: &Outcome<'_>) {
    match outcome {
        Outcome::RowsImported { rows } => log!(
            info,
            call,
            rows,
            "imported connections written by another program"
        ),
        Outcome::StaleRow {
            connection,
            restored: true,
        } => log_connection!(
            warn,
            call,
            connection,
            "another program wrote an old row, whose refresh token is spent or missing; restored the \
             newer tokens"
        ),
        Outcome::StaleRow { connection, .. } => log_connection!(
            error,
            call,
            connection,
            "another program wrote an old row, whose refresh token is spent, and there are no newer tokens, or no configured key decrypts them; the user must reconnect"
        ),
        Outcome::RowRemoved { connection } => log!(
            info,
            call,
            provider = %connection.provider,
            user.id = connection.user.get(),
            account = connection.account.as_str(),
            "another program deleted or moved a connection"
        ),
        _ => {}
    }
}

/// Logs a block: a rate limit at level info, because it is part of normal operation, and an open
/// breaker at level error.
fn log_block(call: &Call, block: &Block) {
    let (provider, scope, until) = (&block.provider, block.scope.as_str(), block.blocked_until);
    if block.kind == BlockKind::RateLimit {
        log!(
            info, call, %provider, scope, %until,
            "the provider requested a pause; calls are delayed"
        );
        return;
    }
    log!(
        error, call, %provider, scope, kind = block.kind.as_str(),
        consecutive_trips = block.consecutive_trips, %until,
        "circuit breaker opened for provider"
    );
}

fn log_provider(call: &Call, outcome: &Outcome<'_>) {
    match outcome {
        Outcome::BreakerClosed { block } => log!(
            info, call, provider = %block.provider, scope = block.scope, kind = block.kind.as_str(),
            "circuit breaker closed for provider"
        ),
        Outcome::MassRejection { provider } => log!(
            error, call, %provider,
            "the provider rejects an unusual share of grants: refreshes are blocked and no \
             connection is marked expired"
        ),
        Outcome::RegistrationRefused { provider, code } => log!(
            error, call, %provider, code,
            "the provider refuses the refresh of every grant with the same code: refreshes are \
             blocked; check the client id, the client secret and the endpoint URLs"
        ),
        _ => {}
    }
}

fn log_access(call: &Call, outcome: &Outcome<'_>) {
    match outcome {
        Outcome::KeyCreated { key, name, scopes } => {
            log!(info, call, key.id = %key, name, scopes, "API key created");
        }
        Outcome::KeyUsed { key } => log!(debug, call, key.id = %key, "API key used"),
        Outcome::KeyRevoked { key } => log!(info, call, key.id = %key, "API key revoked"),
        Outcome::ConsoleSignedIn { user } => {
            log!(info, call, user.id = user.get(), "signed in to the console");
        }
        Outcome::UserDeleted { user } => log!(info, call, user.id = user.get(), "user deleted"),
        _ => {}
    }
}
