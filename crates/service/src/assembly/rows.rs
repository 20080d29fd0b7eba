//! Assembly of the components that read and write connections.

use std::sync::Arc;

use evergrant_resilience::SingleFlight;

use crate::base::Base;
use crate::connections::avatars::Avatars;
use crate::connections::disconnect::Disconnector;
use crate::connections::external_rows::ExternalRows;
use crate::connections::list::ConnectionList;
use crate::connections::lookup::ConnectionLookup;
use crate::connections::revocation_queue::RevocationQueue;
use crate::connections::row_changes::RowChanges;
use crate::connections::watched_users::WatchedUsers;
use crate::events::streams::EventStreams;
use crate::events::user_events::UserEventStreams;
use crate::refresh::lost_tokens::LostTokens;
use crate::refresh::pending_write::PendingWritesParts;
use crate::refresh::pending_writes::PendingWrites;

/// The components that other assembly steps depend on.
pub(super) struct Rows {
    pub(super) revocations: Arc<RevocationQueue>,
    pub(super) external: Arc<ExternalRows>,
    pub(super) changes: Arc<RowChanges>,
    pub(super) avatars: Arc<Avatars>,
    pub(super) list: Arc<ConnectionList>,
    pub(super) pending: Arc<PendingWrites>,
    pub(super) lost_tokens: Arc<LostTokens>,
    pub(super) lookup: Arc<ConnectionLookup>,
    pub(super) streams: Arc<EventStreams>,
    pub(super) watched: WatchedUsers,
}

impl Rows {
    pub(super) fn new(base: &Base) -> Self {
        let revocations = Arc::new(base.revocations());
        let external = Arc::new(base.external_rows());
        let changes = Arc::new(base.row_changes(&external));
        let (cipher, providers) = (Arc::clone(&base.cipher), base.providers.clone());
        let public_url = base.settings.public_url.clone();
        let avatars = Arc::new(Avatars::new(cipher, providers, public_url));
        let list = Arc::new(base.list(&external, &avatars));
        let lost_tokens = Arc::new(base.lost_tokens());
        let pending = Arc::new(base.pending(&revocations, &lost_tokens));
        let lookup = Arc::new(base.lookup(&pending, &external));
        let streams = Arc::new(EventStreams::new(base.settings.event_streams));
        let watched = WatchedUsers::new(Arc::clone(&base.caches), Arc::clone(&streams));
        Self {
            revocations,
            external,
            changes,
            avatars,
            list,
            pending,
            lost_tokens,
            lookup,
            streams,
            watched,
        }
    }

    pub(super) fn disconnector(&self, base: &Base) -> Disconnector {
        Disconnector {
            connections: base.store.connections(),
            lookup: Arc::clone(&self.lookup),
            external_rows: Arc::clone(&self.external),
            revocations: Arc::clone(&self.revocations),
            providers: base.providers.clone(),
            caches: Arc::clone(&base.caches),
            clock: Arc::clone(&base.clock),
            tasks: base.tasks.clone(),
            recorder: Arc::clone(&base.recorder),
        }
    }

    pub(super) fn user_events(&self, base: &Base) -> UserEventStreams {
        let (streams, list) = (Arc::clone(&self.streams), Arc::clone(&self.list));
        let (database, clock) = (Arc::clone(&base.database), Arc::clone(&base.clock));
        UserEventStreams::new(&base.store, streams, list, database, clock)
    }
}

impl Base {
    fn revocations(&self) -> RevocationQueue {
        RevocationQueue {
            revocations: self.store.revocations(),
            connections: self.store.connections(),
            flows: self.store.flows(),
            providers: self.providers.clone(),
            encryption: self.encryption.clone(),
            ids: self.ids.clone(),
            clock: Arc::clone(&self.clock),
            recorder: Arc::clone(&self.recorder),
        }
    }

    fn external_rows(&self) -> ExternalRows {
        ExternalRows {
            rows: self.store.external_rows(),
            encryption: self.encryption.clone(),
            database: Arc::clone(&self.database),
            providers: self.providers.clone(),
            timing: self.timing.clone(),
            caches: Arc::clone(&self.caches),
            clock: Arc::clone(&self.clock),
            recorder: Arc::clone(&self.recorder),
            in_flight: Arc::new(SingleFlight::new()),
        }
    }

    fn row_changes(&self, external: &Arc<ExternalRows>) -> RowChanges {
        RowChanges::new(
            self.store.clone(),
            Arc::clone(external),
            Arc::clone(&self.caches),
            Arc::clone(&self.clock),
            Arc::clone(&self.recorder),
        )
    }

    fn list(&self, external: &Arc<ExternalRows>, avatars: &Arc<Avatars>) -> ConnectionList {
        ConnectionList {
            connections: self.store.connections(),
            providers: self.providers.clone(),
            external_rows: Arc::clone(external),
            avatars: Arc::clone(avatars),
            caches: Arc::clone(&self.caches),
            database: Arc::clone(&self.database),
            clock: Arc::clone(&self.clock),
        }
    }

    fn lost_tokens(&self) -> LostTokens {
        LostTokens::new(
            self.store.refreshes(),
            self.encryption.clone(),
            Arc::clone(&self.caches),
            Arc::clone(&self.database),
            Arc::clone(&self.recorder),
        )
    }

    fn pending(&self, revocations: &Arc<RevocationQueue>, lost: &Arc<LostTokens>) -> PendingWrites {
        PendingWrites::new(PendingWritesParts {
            connections: self.store.connections(),
            refreshes: self.store.refreshes(),
            lost: Arc::clone(lost),
            revocations: Arc::clone(revocations),
            providers: self.providers.clone(),
            encryption: self.encryption.clone(),
            caches: Arc::clone(&self.caches),
            database: Arc::clone(&self.database),
            clock: Arc::clone(&self.clock),
            tasks: self.tasks.clone(),
            recorder: Arc::clone(&self.recorder),
            commit_wait: self.settings.commit_wait,
        })
    }

    fn lookup(
        &self,
        pending: &Arc<PendingWrites>,
        external: &Arc<ExternalRows>,
    ) -> ConnectionLookup {
        ConnectionLookup {
            connections: self.store.connections(),
            users: self.store.users(),
            caches: Arc::clone(&self.caches),
            database: Arc::clone(&self.database),
            pending: Arc::clone(pending),
            external_rows: Arc::clone(external),
            clock: Arc::clone(&self.clock),
        }
    }
}
