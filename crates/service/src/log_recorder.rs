//! Writes outcomes to the log.

use evergrant_adapters::{Block, BlockKind};
use evergrant_model::{Call, ErrorCode};
use evergrant_store::Connection;

use crate::outcome::{Outcome, Recorder};

/// The recorder that logs each outcome as one line.
#[derive(Debug, Clone, Copy, Default)]
pub struct LogRecorder;

/// One log line about a connection.
macro_rules! log {
    ($level:ident, $call:expr, $connection:expr, $($rest:tt)*) => {{
        let connection: &Connection = $connection;
        tracing::$level!(
            actor = %$call.actor, correlation_id = %$call.correlation_id,
            provider = %connection.provider, user.id = connection.user.get(),
            connection.id = connection.id.get(), $($rest)*
        );
    }};
}

impl Recorder for LogRecorder {
    /// The match names every variant, so that a new outcome cannot be left out by mistake.
    fn record(&self, call: &Call, outcome: &Outcome<'_>) {
        match outcome {
            Outcome::FlowStarted { .. }
            | Outcome::FlowFailed { .. }
            | Outcome::Connected { .. }
            | Outcome::Disconnected { .. }
            | Outcome::Revoked { .. }
            | Outcome::RevocationFailed { .. }
            | Outcome::RevocationAbandoned { .. }
            | Outcome::RevocationUnreadable { .. } => log_grant(call, outcome),
            Outcome::BreakerOpened { block } => log_blocked(call, block),
            Outcome::BreakerClosed { .. } | Outcome::MassRejection { .. } => {
                log_provider(call, outcome);
            }
            Outcome::KeyCreated { .. }
            | Outcome::KeyUsed { .. }
            | Outcome::KeyRevoked { .. }
            | Outcome::ConsoleSignedIn { .. }
            | Outcome::UserDeleted { .. } => log_access(call, outcome),
            Outcome::TokenIssued { .. }
            | Outcome::RefreshStarted { .. }
            | Outcome::RefreshSucceeded { .. }
            | Outcome::RefreshFailed { .. }
            | Outcome::WritePending { .. }
            | Outcome::PendingWriteStored { .. }
            | Outcome::TokenUnreadable { .. } => log_tokens(call, outcome),
            Outcome::SessionEnded { .. }
            | Outcome::SessionCheckFailed { .. }
            | Outcome::StatusChanged { .. }
            | Outcome::RowsImported { .. }
            | Outcome::RowRemoved { .. } => log_rows(call, outcome),
        }
    }
}

fn log_grant(call: &Call, outcome: &Outcome<'_>) {
    let (actor, correlation_id) = (&call.actor, &call.correlation_id);
    match outcome {
        Outcome::FlowStarted {
            provider,
            user,
            flow,
        } => tracing::info!(
            %actor, %correlation_id, %provider, user.id = user.get(), flow.id = %flow,
            "authorization flow started"
        ),
        Outcome::FlowFailed {
            provider,
            flow,
            code: ErrorCode::OauthDenied,
            ..
        } => tracing::info!(
            %actor, %correlation_id, %provider, flow.id = %flow, "the user declined the authorization"
        ),
        Outcome::FlowFailed {
            provider,
            flow,
            code,
            error,
        } => tracing::warn!(
            %actor, %correlation_id, %provider, flow.id = %flow, code = code.as_str(),
            error = error.map(|error| error as &(dyn std::error::Error + 'static)), "authorization flow failed"
        ),
        Outcome::Connected {
            provider,
            user,
            accounts,
        } => tracing::info!(
            %actor, %correlation_id, %provider, user.id = user.get(), accounts,
            "account connected"
        ),
        Outcome::Disconnected {
            connection,
            revocation,
        } => {
            log!(
                info,
                call,
                connection,
                revocation = revocation.as_str(),
                "account disconnected"
            );
        }
        Outcome::Revoked {
            provider,
            revocation,
        } => tracing::info!(
            %actor, %correlation_id, %provider, revocation = revocation.as_str(), "grant revoked"
        ),
        Outcome::RevocationFailed { provider, error } => tracing::warn!(
            %actor, %correlation_id, %provider, %error,
            "failed to revoke a grant; the revocation queue tries again"
        ),
        Outcome::RevocationAbandoned { provider } => tracing::warn!(
            %actor, %correlation_id, %provider,
            "failed to revoke a grant within a day; it may still be valid at the platform"
        ),
        Outcome::RevocationUnreadable { provider } => tracing::error!(
            %actor, %correlation_id, %provider,
            "no key of the ring decrypts the tokens of a queued revocation; the grant stays valid at the platform"
        ),
        _ => {}
    }
}

fn log_tokens(call: &Call, outcome: &Outcome<'_>) {
    match outcome {
        Outcome::TokenIssued { connection } => log!(debug, call, connection, "token issued"),
        Outcome::RefreshStarted { connection } => log!(info, call, connection, "refreshing token"),
        Outcome::RefreshSucceeded {
            connection,
            stored,
            answer_to_commit,
        } => {
            log!(
                info,
                call,
                connection,
                stored,
                answer_to_commit_us = answer_to_commit.as_micros(),
                "token refreshed"
            );
        }
        Outcome::RefreshFailed {
            connection,
            error,
            registration: true,
            ..
        } => log!(
            error, call, connection, %error,
            "token refresh failed: the platform rejected the client registration; check the \
             client id, the client secret and the endpoint addresses"
        ),
        Outcome::RefreshFailed {
            connection,
            class,
            error,
            ..
        } => {
            log!(warn, call, connection, class, %error, "token refresh failed");
        }
        Outcome::WritePending {
            connection,
            journaled,
        } => log!(
            error,
            call,
            connection,
            journaled,
            "the database did not accept refreshed tokens; they wait in memory"
        ),
        Outcome::PendingWriteStored { connection, stored } => {
            log!(
                info,
                call,
                connection,
                stored,
                "pending tokens written to the database"
            );
        }
        Outcome::TokenUnreadable { connection } => {
            log!(
                error,
                call,
                connection,
                "no key of the ring decrypts a stored token"
            );
        }
        _ => {}
    }
}

fn log_rows(call: &Call, outcome: &Outcome<'_>) {
    match outcome {
        Outcome::SessionEnded { connection } => log!(info, call, connection, "session ended"),
        Outcome::SessionCheckFailed { connection, error } => {
            log!(warn, call, connection, %error, "session check failed");
        }
        Outcome::StatusChanged { connection, status } => {
            log!(
                info,
                call,
                connection,
                status,
                "connection status changed by expiry"
            );
        }
        Outcome::RowsImported { rows } => tracing::info!(
            actor = %call.actor, correlation_id = %call.correlation_id, rows,
            "imported connections written by another program"
        ),
        Outcome::RowRemoved { connection } => {
            log!(
                info,
                call,
                connection,
                "another program deleted a connection"
            );
        }
        _ => {}
    }
}

/// A rate limit is part of normal operation; an open breaker needs attention.
fn log_blocked(call: &Call, block: &Block) {
    let (actor, correlation_id, provider) = (&call.actor, &call.correlation_id, &block.provider);
    let (host, until) = (block.host.as_str(), block.blocked_until);
    if block.kind == BlockKind::RateLimit {
        tracing::info!(
            %actor, %correlation_id, %provider, host, %until,
            "platform asked for a pause; calls are delayed"
        );
        return;
    }
    tracing::error!(
        %actor, %correlation_id, %provider, host, kind = block.kind.as_str(),
        consecutive_trips = block.consecutive_trips, %until, "circuit breaker opened for platform"
    );
}

fn log_provider(call: &Call, outcome: &Outcome<'_>) {
    let (actor, correlation_id) = (&call.actor, &call.correlation_id);
    match outcome {
        Outcome::BreakerClosed { block } => tracing::info!(
            %actor, %correlation_id, provider = %block.provider, host = block.host,
            kind = block.kind.as_str(), "circuit breaker closed for platform"
        ),
        Outcome::MassRejection { provider } => tracing::error!(
            %actor, %correlation_id, %provider,
            "the platform rejects an unusual share of grants: refreshes are stopped, and no user \
             is asked to reconnect"
        ),
        _ => {}
    }
}

fn log_access(call: &Call, outcome: &Outcome<'_>) {
    let (actor, correlation_id) = (&call.actor, &call.correlation_id);
    match outcome {
        Outcome::KeyCreated { key, name, scopes } => {
            tracing::info!(%actor, %correlation_id, key.id = %key, name, scopes, "API key created");
        }
        Outcome::KeyUsed { key } => {
            tracing::debug!(%actor, %correlation_id, key.id = %key, "API key used");
        }
        Outcome::KeyRevoked { key } => {
            tracing::info!(%actor, %correlation_id, key.id = %key, "API key revoked");
        }
        Outcome::ConsoleSignedIn { user } => {
            tracing::info!(%actor, %correlation_id, user.id = user.get(), "signed in to the console");
        }
        Outcome::UserDeleted { user } => {
            tracing::info!(%actor, %correlation_id, user.id = user.get(), "user deleted");
        }
        _ => {}
    }
}
