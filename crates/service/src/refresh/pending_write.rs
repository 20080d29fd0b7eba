//! One pending write: refreshed tokens that the database has not accepted, and when they are
//! written again. The dependencies of all of them.

use std::sync::Arc;
use std::time::Duration;

use evergrant_model::Clock;
use evergrant_store::{Connection, ConnectionRepository, RefreshRepository, StoreError};
use tokio::time::Instant;

use crate::cache::Caches;
use crate::connections::revocation_queue::RevocationQueue;
use crate::database::DatabaseMonitor;
use crate::outcome::Recorder;
use crate::providers::Providers;
use crate::refresh::lost_tokens::LostTokens;
use crate::refresh::record::Record;
use crate::tasks::Tasks;
use crate::tokens::encryption::TokenEncryption;

/// The interval between retries. It is far shorter than the 5 seconds that other replicas wait
/// after an outage before they take over a lease, so these tokens are stored first.
pub(super) const RETRY_EVERY: Duration = Duration::from_millis(250);
/// The longest interval between retries of a write that the database refuses while it is available,
/// for example by a trigger of the app.
const MAX_REFUSED_RETRY: Duration = Duration::from_secs(30);

/// The dependencies of [`PendingWrites`](super::pending_writes::PendingWrites).
pub(crate) struct PendingWritesParts {
    pub(crate) connections: ConnectionRepository,
    pub(crate) refreshes: RefreshRepository,
    pub(crate) lost: Arc<LostTokens>,
    pub(crate) revocations: Arc<RevocationQueue>,
    pub(crate) providers: Providers,
    pub(crate) encryption: TokenEncryption,
    pub(crate) caches: Arc<Caches>,
    pub(crate) database: Arc<DatabaseMonitor>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) tasks: Tasks,
    pub(crate) recorder: Arc<dyn Recorder>,
    /// See [`ServiceSettings::commit_wait`](crate::ServiceSettings::commit_wait).
    pub(crate) commit_wait: Duration,
}

/// Refreshed tokens that are not stored yet.
#[derive(Clone)]
pub(super) struct PendingWrite {
    pub(super) record: Arc<Record>,
    /// The connection with the new tokens, for reads; `None` if an earlier process refreshed them.
    pub(super) connection: Option<Arc<Connection>>,
    /// Whether the journal has the tokens.
    pub(super) journaled: bool,
    /// Whether the first commit is in progress. No second one starts meanwhile.
    pub(super) is_committing: bool,
    /// How often the database refused this write while it was available.
    refusals: u32,
    retry_at: Instant,
}

impl PendingWrite {
    /// Creates a write that is due at once.
    pub(super) fn new(
        record: Arc<Record>,
        connection: Option<Arc<Connection>>,
        journaled: bool,
    ) -> Self {
        Self {
            record,
            connection,
            journaled,
            is_committing: false,
            refusals: 0,
            retry_at: Instant::now(),
        }
    }

    pub(super) fn is_due(&self) -> bool {
        !self.is_committing && self.retry_at <= Instant::now()
    }

    /// Returns whether the database refused this write while it was available.
    pub(super) fn is_refused(&self) -> bool {
        self.refusals > 0
    }

    /// Postpones the write, and logs its first refusal.
    pub(super) fn record_refusal(&mut self, error: &StoreError) {
        if self.refusals == 0 {
            tracing::error!(
                connection.id = self.record.connection,
                journaled = self.journaled,
                error = error as &dyn std::error::Error,
                "the database refuses the refreshed tokens of this connection; they are kept and \
                 written again until it accepts them. Check the triggers and constraints of \
                 oauth_accounts"
            );
        }
        self.refusals += 1;
        let wait = RETRY_EVERY.saturating_mul(1 << self.refusals.min(16));
        self.retry_at = Instant::now() + wait.min(MAX_REFUSED_RETRY);
    }
}

/// Returns whether a record cannot be stored for this connection any more, and logs why.
pub(super) fn is_obsolete(record: &Record, connection: &Connection) -> bool {
    let id = record.connection;
    if !record.belongs_to(connection) {
        tracing::error!(
            connection.id = id,
            "dropped a record of the refresh journal that belongs to another database"
        );
        return true;
    }
    false
}
