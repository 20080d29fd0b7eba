//! The outcomes that components report, and the interface that receives them.
//!
//! A component reports each outcome once. Logging, metrics and the audit log are implementations of
//! [`Recorder`]; no other code logs or counts an outcome.

use std::error::Error;
use std::time::Duration;

use evergrant_adapters::{AdapterError, Block};
use evergrant_model::{ApiKeyId, Call, ErrorCode, FlowId, ProviderSlug, Revocation, UserId};
use evergrant_store::{Connection, ConnectionKey};

/// An outcome of an operation or a job.
#[derive(Debug)]
#[non_exhaustive]
pub enum Outcome<'a> {
    /// An authorization flow started.
    FlowStarted {
        /// The platform.
        provider: &'a ProviderSlug,
        /// The user who connects an account.
        user: UserId,
        /// The flow.
        flow: &'a FlowId,
    },
    /// An authorization flow failed.
    FlowFailed {
        /// The platform.
        provider: &'a ProviderSlug,
        /// The flow.
        flow: &'a FlowId,
        /// The code that the app receives.
        code: ErrorCode,
        /// The cause; `None` for a flow that was not completed in time.
        error: Option<&'a (dyn Error + Send + Sync + 'static)>,
    },
    /// Accounts were connected or reconnected.
    Connected {
        /// The platform.
        provider: &'a ProviderSlug,
        /// The owner of the connections.
        user: UserId,
        /// The number of accounts that the consent connected.
        accounts: usize,
    },
    /// A connection was deleted.
    Disconnected {
        /// The connection.
        connection: &'a Connection,
        /// The result of revoking the grant.
        revocation: Revocation,
    },
    /// A queued revocation succeeded, or needed no request to the platform.
    Revoked {
        /// The platform.
        provider: &'a ProviderSlug,
        /// The result.
        revocation: Revocation,
    },
    /// A revocation failed; the queue retries it.
    RevocationFailed {
        /// The platform.
        provider: &'a ProviderSlug,
        /// The cause.
        error: &'a AdapterError,
    },
    /// The queue abandoned a revocation after a day; the grant may still be valid at the platform.
    RevocationAbandoned {
        /// The platform.
        provider: &'a ProviderSlug,
    },
    /// An access token was returned to a caller.
    TokenIssued {
        /// The connection.
        connection: &'a Connection,
    },
    /// A refresh request is about to be sent.
    RefreshStarted {
        /// The connection.
        connection: &'a Connection,
    },
    /// A platform issued new tokens.
    RefreshSucceeded {
        /// The connection.
        connection: &'a Connection,
        /// Whether the tokens were stored; `false` if newer tokens were stored meanwhile or the
        /// connection was deleted.
        stored: bool,
        /// The time from the platform's response to the commit.
        response_to_commit: Duration,
    },
    /// A refresh failed.
    RefreshFailed {
        /// The connection.
        connection: &'a Connection,
        /// The class of the failure, as stored with the connection.
        class: &'static str,
        /// The cause.
        error: &'a AdapterError,
    },
    /// The database has not accepted refreshed tokens in time; they are kept until it does.
    WritePending {
        /// The connection.
        connection: &'a Connection,
        /// Whether the first commit is in progress; `false` if it failed.
        is_committing: bool,
        /// Whether the journal has them too, so that they survive this process.
        journaled: bool,
    },
    /// A pending write succeeded.
    PendingWriteStored {
        /// The connection.
        connection: &'a Connection,
        /// Whether the tokens were stored; `false` if newer tokens were stored meanwhile.
        stored: bool,
    },
    /// The database had lost refreshed tokens, after a failover or the restore of a copy; they are
    /// stored again.
    TokensStoredAgain {
        /// The connection.
        connection: &'a Connection,
    },
    /// A queued revocation was dropped because no configured key decrypts its tokens.
    RevocationUnreadable {
        /// The platform.
        provider: &'a ProviderSlug,
    },
    /// No configured key decrypts a stored token.
    TokenUnreadable {
        /// The connection.
        connection: &'a Connection,
    },
    /// A platform rejected the session of a connection: it has ended.
    SessionEnded {
        /// The connection.
        connection: &'a Connection,
    },
    /// A session could not be checked.
    SessionCheckFailed {
        /// The connection.
        connection: &'a Connection,
        /// The cause.
        error: &'a AdapterError,
    },
    /// The status of a connection changed at its scheduled time.
    StatusChanged {
        /// The connection before the change.
        connection: &'a Connection,
        /// The new status.
        status: &'static str,
    },
    /// Rows written by another program were imported.
    RowsImported {
        /// The number of rows.
        rows: usize,
    },
    /// Another program wrote back an old row, whose refresh token is spent.
    StaleRow {
        /// The connection as it was written.
        connection: &'a Connection,
        /// Whether the newer tokens were restored; else the user must reconnect.
        restored: bool,
    },
    /// Another program deleted a connection, or gave it to another user.
    RowRemoved {
        /// The account and its former owner.
        connection: &'a ConnectionKey,
    },
    /// A circuit breaker opened, or a platform stated a pause: calls are blocked.
    BreakerOpened {
        /// The blocked calls, the cause and the end.
        block: &'a Block,
    },
    /// A circuit breaker closed: calls pass again.
    BreakerClosed {
        /// The block that ended.
        block: &'a Block,
    },
    /// A platform rejected so many grants that its refreshes are blocked.
    MassRejection {
        /// The platform.
        provider: &'a ProviderSlug,
    },
    /// A platform refused several grants alike and refreshed none: its refreshes are blocked.
    RegistrationRefused {
        /// The platform.
        provider: &'a ProviderSlug,
        /// The platform's code, or the HTTP status if it sent none.
        code: &'a str,
    },
    /// An API key was created.
    KeyCreated {
        /// The key.
        key: &'a ApiKeyId,
        /// Its name.
        name: &'a str,
        /// Its scopes, separated by spaces.
        scopes: &'a str,
    },
    /// An API key was used; reported at most once per cache lifetime.
    KeyUsed {
        /// The key.
        key: &'a ApiKeyId,
    },
    /// An API key was revoked.
    KeyRevoked {
        /// The key.
        key: &'a ApiKeyId,
    },
    /// A user signed in to the console.
    ConsoleSignedIn {
        /// The user.
        user: UserId,
    },
    /// A user was deleted with all connections.
    UserDeleted {
        /// The user.
        user: UserId,
    },
}

/// Receives every outcome.
pub trait Recorder: Send + Sync {
    /// Records one outcome of `call`. Runs while a request is served, so it must not block.
    fn record(&self, call: &Call, outcome: &Outcome<'_>);
}
