//! Assembly of the process lifecycle and its background jobs.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use super::refresh::Refresh;
use super::rows::Rows;
use crate::authorization::abandoned_flows::AbandonFlows;
use crate::base::Base;
use crate::call_rates::ExchangeRates;
use crate::connections::compare_rows::CompareRows;
use crate::connections::expiry::Expiry;
use crate::connections::import_rows::ImportRows;
use crate::connections::retry_revocations::RetryRevocations;
use crate::connections::seen_ends::SeenEnds;
use crate::health::HealthCheck;
use crate::jobs::clock_check::ClockCheck;
use crate::jobs::heartbeat::Heartbeat;
use crate::jobs::job::Job;
use crate::jobs::retention::{Expired, Retention};
use crate::jobs::runner::JobRunner;
use crate::jobs::truncate_wal::TruncateWal;
use crate::process::Process;
use crate::provider_blocks::LoadBlocks;
use crate::refresh::scheduler::Scheduler;
use crate::tokens::last_used::LastUsed;

/// Assembles the process with all background jobs.
pub(super) fn process(
    base: &Base,
    rows: &Rows,
    refresh: &Refresh,
    last_used: &Arc<LastUsed>,
) -> Process {
    let heartbeat = Arc::new(base.heartbeat());
    let jobs = jobs(base, rows, refresh, last_used, &heartbeat);
    Process {
        store: base.store.clone(),
        feed: Arc::clone(&refresh.feed),
        streams: Arc::clone(&rows.streams),
        pending: Arc::clone(&rows.pending),
        heartbeat,
        jobs: Arc::new(JobRunner::new(
            jobs,
            base.ids.clone(),
            Arc::clone(&base.clock),
        )),
        health: HealthCheck {
            store: base.store.for_health(),
            database: Arc::clone(&base.database),
            pending: Arc::clone(&rows.pending),
            clock: Arc::clone(&base.clock),
            shutdown_announced: AtomicBool::new(false),
        },
        tasks: base.tasks.clone(),
        replica: Arc::clone(&base.replica),
    }
}

/// Returns all background jobs of a process.
fn jobs(
    base: &Base,
    rows: &Rows,
    refresh: &Refresh,
    last_used: &Arc<LastUsed>,
    heartbeat: &Arc<Heartbeat>,
) -> Vec<Arc<dyn Job>> {
    let import = ImportRows::new(Arc::clone(&rows.external), Arc::clone(&rows.changes));
    let mut jobs: Vec<Arc<dyn Job>> = vec![
        Arc::clone(heartbeat) as _,
        Arc::new(base.load_blocks()),
        Arc::new(base.exchange_rates()),
        Arc::clone(&refresh.guard) as _,
        Arc::new(base.clock_check()),
        Arc::new(base.scheduler(rows, refresh)),
        Arc::clone(&rows.lost_tokens) as _,
        Arc::clone(&rows.changes) as _,
        Arc::new(import),
        Arc::new(base.compare_rows(rows)),
        Arc::new(base.abandon_flows(rows)),
        Arc::new(RetryRevocations(Arc::clone(&rows.revocations))),
        Arc::new(base.expiry()),
        Arc::clone(last_used) as _,
        Arc::new(TruncateWal(base.store.clone())),
    ];
    jobs.extend(base.retention());
    jobs
}

impl Base {
    fn heartbeat(&self) -> Heartbeat {
        Heartbeat {
            replica: self.replica.to_string(),
            replicas: self.store.for_health().replicas(),
            database: Arc::clone(&self.database),
            providers: self.providers.clone(),
            clock: Arc::clone(&self.clock),
        }
    }

    fn clock_check(&self) -> ClockCheck {
        let (database, clock) = (Arc::clone(&self.database), Arc::clone(&self.clock));
        ClockCheck::new(self.store.for_health(), database, clock)
    }

    fn load_blocks(&self) -> LoadBlocks {
        LoadBlocks {
            own: Arc::clone(&self.own_blocks),
            clock: Arc::clone(&self.clock),
            blocks: self.store.provider_blocks(),
            database: Arc::clone(&self.database),
            providers: self.providers.clone(),
        }
    }

    fn exchange_rates(&self) -> ExchangeRates {
        ExchangeRates {
            rates: self.store.call_rates(),
            database: Arc::clone(&self.database),
            providers: self.providers.clone(),
            clock: Arc::clone(&self.clock),
        }
    }

    fn scheduler(&self, rows: &Rows, refresh: &Refresh) -> Scheduler {
        Scheduler {
            connections: self.store.connections(),
            refreshes: self.store.refreshes(),
            providers: self.providers.clone(),
            refresher: Arc::clone(&refresh.refresher),
            session_checks: Arc::clone(&refresh.session_checks),
            external_rows: Arc::clone(&rows.external),
            timing: self.timing.clone(),
            database: Arc::clone(&self.database),
            ids: self.ids.clone(),
            clock: Arc::clone(&self.clock),
            tasks: self.tasks.clone(),
        }
    }

    fn compare_rows(&self, rows: &Rows) -> CompareRows {
        CompareRows {
            connections: self.store.connections(),
            rows: self.store.external_rows(),
            external: Arc::clone(&rows.external),
            changes: Arc::clone(&rows.changes),
            database: Arc::clone(&self.database),
            watched: rows.watched.clone(),
            caches: Arc::clone(&self.caches),
            clock: Arc::clone(&self.clock),
            recorder: Arc::clone(&self.recorder),
        }
    }

    fn abandon_flows(&self, rows: &Rows) -> AbandonFlows {
        AbandonFlows {
            flows: self.store.flows(),
            revocations: Arc::clone(&rows.revocations),
            clock: Arc::clone(&self.clock),
            tasks: self.tasks.clone(),
        }
    }

    fn expiry(&self) -> Expiry {
        Expiry {
            transitions: self.store.status_transitions(),
            providers: self.providers.clone(),
            caches: Arc::clone(&self.caches),
            clock: Arc::clone(&self.clock),
            seen_ends: SeenEnds::default(),
            recorder: Arc::clone(&self.recorder),
        }
    }

    fn retention(&self) -> impl Iterator<Item = Arc<dyn Job>> {
        let flows = Expired::Flows(self.store.flows());
        let sessions = Expired::Sessions(self.store.sessions());
        let events = Expired::Events(self.store.events());
        let copies = Expired::Copies(self.store.external_rows());
        let clock = Arc::clone(&self.clock);
        let expired = [flows, sessions, events, copies].into_iter();
        expired.map(move |expired| {
            Arc::new(Retention {
                expired,
                clock: Arc::clone(&clock),
            }) as Arc<dyn Job>
        })
    }
}
