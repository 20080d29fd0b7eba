//! What happened, as one typed value, and the interface that receives it.
//!
//! A component reports each outcome once. Logging, metrics and the audit log are implementations
//! of [`Recorder`]; no other code logs or counts an outcome.

use std::error::Error;
use std::time::Duration;

use evergrant_adapters::{AdapterError, Block};
use evergrant_model::{ApiKeyId, Call, ErrorCode, FlowId, ProviderSlug, Revocation, UserId};
use evergrant_store::Connection;

/// An outcome of an operation or a job.
#[derive(Debug)]
#[non_exhaustive]
pub enum Outcome<'a> {
    /// A consent flow started.
    FlowStarted {
        /// The platform.
        provider: &'a ProviderSlug,
        /// The user that connects an account.
        user: UserId,
        /// The flow.
        flow: &'a FlowId,
    },
    /// A consent flow failed.
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
    /// A connection was created, or an account was connected again.
    Connected {
        /// The platform.
        provider: &'a ProviderSlug,
        /// The owner.
        user: UserId,
        /// How many accounts the consent connected.
        accounts: usize,
    },
    /// A connection was deleted.
    Disconnected {
        /// The connection.
        connection: &'a Connection,
        /// What the platform did with the grant.
        revocation: Revocation,
    },
    /// A platform revoked a grant, or the queue found that there is nothing to revoke.
    Revoked {
        /// The platform.
        provider: &'a ProviderSlug,
        /// What became of the grant.
        revocation: Revocation,
    },
    /// A platform did not revoke a grant; the queue tries again.
    RevocationFailed {
        /// The platform.
        provider: &'a ProviderSlug,
        /// The cause.
        error: &'a AdapterError,
    },
    /// A platform did not revoke a grant within a day; the grant may still be valid there.
    RevocationAbandoned {
        /// The platform.
        provider: &'a ProviderSlug,
    },
    /// An access token was handed to a caller.
    TokenIssued {
        /// The connection.
        connection: &'a Connection,
    },
    /// A request to refresh a token is sent.
    RefreshStarted {
        /// The connection.
        connection: &'a Connection,
    },
    /// A platform issued new tokens.
    RefreshSucceeded {
        /// The connection.
        connection: &'a Connection,
        /// Whether the tokens were stored; `false` if a newer pair was stored meanwhile.
        stored: bool,
        /// The time from the platform's answer to the commit.
        answer_to_commit: Duration,
    },
    /// A refresh failed.
    RefreshFailed {
        /// The connection.
        connection: &'a Connection,
        /// The class of the failure.
        class: &'static str,
        /// Whether the class points to the operator's client registration.
        registration: bool,
        /// The cause.
        error: &'a AdapterError,
    },
    /// New tokens wait in memory because the database did not accept them.
    WritePending {
        /// The connection.
        connection: &'a Connection,
        /// Whether a journal keeps them if this process stops.
        journaled: bool,
    },
    /// New tokens that waited in memory were written.
    PendingWriteStored {
        /// The connection.
        connection: &'a Connection,
        /// Whether the tokens were stored; `false` if a newer pair was stored meanwhile.
        stored: bool,
    },
    /// A queued revocation is dropped, because no key of the ring decrypts its tokens.
    RevocationUnreadable {
        /// The platform.
        provider: &'a ProviderSlug,
    },
    /// A stored token cannot be decrypted with any key of the ring.
    TokenUnreadable {
        /// The connection.
        connection: &'a Connection,
    },
    /// A platform ended a session.
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
    /// A connection reached a scheduled change of its status.
    StatusChanged {
        /// The connection before the change.
        connection: &'a Connection,
        /// The new status.
        status: &'static str,
    },
    /// Rows written by another program were imported.
    RowsImported {
        /// How many.
        rows: usize,
    },
    /// Another program deleted a connection.
    RowRemoved {
        /// The connection that no longer exists.
        connection: &'a Connection,
    },
    /// The circuit breaker of a platform opened: calls are blocked.
    BreakerOpened {
        /// What is blocked, and until when.
        block: &'a Block,
    },
    /// The circuit breaker of a platform closed: calls pass again.
    BreakerClosed {
        /// What was blocked.
        block: &'a Block,
    },
    /// A platform rejects so many grants that refreshes are stopped.
    MassRejection {
        /// The platform.
        provider: &'a ProviderSlug,
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
    /// Records one outcome of `call`. It is called on the path of requests, so it must not block.
    fn record(&self, call: &Call, outcome: &Outcome<'_>);
}
