//! Assembly of token refresh and token access.

use std::sync::Arc;

use evergrant_adapters::SharedBreakerState;
use evergrant_resilience::SingleFlight;

use super::rows::Rows;
use crate::base::Base;
use crate::cache::Caches;
use crate::connections::session_checks::SessionChecks;
use crate::events::change_feed::ChangeFeed;
use crate::provider_blocks::SharedBlocks;
use crate::refresh::attempt::Attempts;
use crate::refresh::coordinator::Refresher;
use crate::refresh::failure::FailedRefreshes;
use crate::refresh::mass_rejection::RejectionGuard;
use crate::refresh::refusals::RefusedGrants;
use crate::tokens::access_token::AccessTokens;
use crate::tokens::last_used::LastUsed;
use crate::tokens::report_rejected::RejectedTokens;

/// The components that other assembly steps depend on.
pub(super) struct Refresh {
    pub(super) feed: Arc<ChangeFeed>,
    pub(super) guard: Arc<RejectionGuard>,
    pub(super) session_checks: Arc<SessionChecks>,
    pub(super) refresher: Arc<Refresher>,
}

impl Refresh {
    pub(super) fn new(base: &Base, rows: &Rows) -> Self {
        base.share_breaker_state();
        let feed = Arc::new(ChangeFeed::new(
            base.store.for_change_feed(),
            Arc::clone(&base.replica),
            Arc::clone(&base.database),
            Arc::clone(&rows.changes),
            vec![
                Arc::<Caches>::clone(&base.caches),
                rows.streams.clone(),
                rows.lost_tokens.clone(),
            ],
        ));
        let guard = Arc::new(base.rejection_guard());
        let failures = Arc::new(base.failures(&guard));
        let session_checks = Arc::new(base.session_checks(&failures));
        let attempts = Arc::new(base.attempts(rows, failures));
        let refresher = Arc::new(base.refresher(rows, attempts, &feed));
        Self {
            feed,
            guard,
            session_checks,
            refresher,
        }
    }

    pub(super) fn access_tokens(
        &self,
        base: &Base,
        rows: &Rows,
        last_used: Arc<LastUsed>,
    ) -> AccessTokens {
        AccessTokens {
            lookup: Arc::clone(&rows.lookup),
            providers: base.providers.clone(),
            encryption: base.encryption.clone(),
            refresher: Arc::clone(&self.refresher),
            timing: base.timing.clone(),
            last_used,
            database: Arc::clone(&base.database),
            clock: Arc::clone(&base.clock),
            tasks: base.tasks.clone(),
            recorder: Arc::clone(&base.recorder),
        }
    }

    pub(super) fn rejected_tokens(&self, base: &Base, rows: &Rows) -> RejectedTokens {
        RejectedTokens {
            lookup: Arc::clone(&rows.lookup),
            providers: base.providers.clone(),
            encryption: base.encryption.clone(),
            refresher: Arc::clone(&self.refresher),
            session_checks: Arc::clone(&self.session_checks),
            clock: Arc::clone(&base.clock),
        }
    }
}

impl Base {
    /// Connects the circuit breaker of each platform to the state that all replicas share.
    fn share_breaker_state(&self) {
        let shared: Arc<dyn SharedBreakerState> = Arc::new(SharedBlocks {
            own: Arc::clone(&self.own_blocks),
            blocks: self.store.provider_blocks(),
            rejections: self.store.rejections(),
            ids: self.ids.clone(),
            clock: Arc::clone(&self.clock),
            recorder: Arc::clone(&self.recorder),
        });
        for provider in self.providers.all() {
            provider.start(self.settings.refresh_concurrency, Arc::clone(&shared));
        }
    }

    fn rejection_guard(&self) -> RejectionGuard {
        RejectionGuard {
            rejections: self.store.rejections(),
            providers: self.providers.clone(),
            caches: Arc::clone(&self.caches),
            database: Arc::clone(&self.database),
            clock: Arc::clone(&self.clock),
            recorder: Arc::clone(&self.recorder),
        }
    }

    pub(super) fn refused_grants(&self) -> RefusedGrants {
        RefusedGrants {
            refusals: self.store.refusals(),
            database: Arc::clone(&self.database),
            clock: Arc::clone(&self.clock),
            recorder: Arc::clone(&self.recorder),
        }
    }

    fn failures(&self, guard: &Arc<RejectionGuard>) -> FailedRefreshes {
        FailedRefreshes {
            refreshes: self.store.refreshes(),
            connections: self.store.connections(),
            guard: Arc::clone(guard),
            refused: self.refused_grants(),
            caches: Arc::clone(&self.caches),
            database: Arc::clone(&self.database),
            ids: self.ids.clone(),
            clock: Arc::clone(&self.clock),
            recorder: Arc::clone(&self.recorder),
        }
    }

    fn session_checks(&self, failures: &Arc<FailedRefreshes>) -> SessionChecks {
        SessionChecks {
            connections: self.store.connections(),
            refreshes: self.store.refreshes(),
            database: Arc::clone(&self.database),
            encryption: self.encryption.clone(),
            failures: Arc::clone(failures),
            caches: Arc::clone(&self.caches),
            clock: Arc::clone(&self.clock),
            recorder: Arc::clone(&self.recorder),
            in_flight: Arc::new(SingleFlight::new()),
        }
    }

    fn attempts(&self, rows: &Rows, failures: Arc<FailedRefreshes>) -> Attempts {
        Attempts {
            connections: self.store.connections(),
            refreshes: self.store.refreshes(),
            encryption: self.encryption.clone(),
            timing: self.timing.clone(),
            failures,
            pending: Arc::clone(&rows.pending),
            lost: Arc::clone(&rows.lost_tokens),
            revocations: Arc::clone(&rows.revocations),
            caches: Arc::clone(&self.caches),
            database: Arc::clone(&self.database),
            ids: self.ids.clone(),
            clock: Arc::clone(&self.clock),
            recorder: Arc::clone(&self.recorder),
        }
    }

    fn refresher(&self, rows: &Rows, attempts: Arc<Attempts>, feed: &Arc<ChangeFeed>) -> Refresher {
        Refresher {
            connections: self.store.connections(),
            refreshes: self.store.refreshes(),
            attempts,
            pending: Arc::clone(&rows.pending),
            lost: Arc::clone(&rows.lost_tokens),
            providers: self.providers.clone(),
            external_rows: Arc::clone(&rows.external),
            feed: Arc::clone(feed),
            caches: Arc::clone(&self.caches),
            database: Arc::clone(&self.database),
            clock: Arc::clone(&self.clock),
            tasks: self.tasks.clone(),
            replica: Arc::clone(&self.replica),
            in_flight: Arc::new(SingleFlight::new()),
            caller_wait: self.settings.caller_wait,
        }
    }
}
