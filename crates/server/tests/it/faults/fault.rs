//! The faults that occur while three replicas refresh.

use evergrant_sandbox::{Fault, FaultKind};

use super::replicas::{Answers, Replicas};
use crate::refreshes::scene::{REFRESH, Scene, until};

/// Number of calls that a fault affects.
const CALLS: u32 = 10;

/// One fault of the database, the provider or a replica.
#[derive(Debug, Clone, Copy)]
pub(super) enum FaultScene {
    /// No fault, for comparison.
    None,
    /// The database server terminates all sessions, three times.
    SessionsTerminated,
    /// The database becomes read-only while the provider answers.
    ReadOnlyDatabase,
    /// Another program locks the table of the tokens.
    TableLocked,
    /// The provider answers with 503.
    ProviderUnavailable,
    /// The provider takes two seconds for an answer.
    ProviderSlow,
    /// A replica is stopped with SIGTERM and started again.
    ReplicaRestarted,
}

impl FaultScene {
    pub(super) const ALL: [Self; 7] = [
        Self::None,
        Self::SessionsTerminated,
        Self::ReadOnlyDatabase,
        Self::TableLocked,
        Self::ProviderUnavailable,
        Self::ProviderSlow,
        Self::ReplicaRestarted,
    ];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::None => "no fault",
            Self::SessionsTerminated => "database sessions terminated",
            Self::ReadOnlyDatabase => "database read-only during answers",
            Self::TableLocked => "table locked by another program",
            Self::ProviderUnavailable => "provider answers 503",
            Self::ProviderSlow => "provider takes two seconds",
            Self::ReplicaRestarted => "replica stopped and started",
        }
    }

    /// Lets the fault occur while each replica reads and refreshes every token. Returns the
    /// answers.
    pub(super) async fn occur(self, scene: &Scene, replicas: &mut Replicas) -> Answers {
        match self {
            Self::None => replicas.start_work().answers().await,
            Self::SessionsTerminated => {
                let work = replicas.start_work();
                for _ in 0..3 {
                    scene.terminate_connections().await;
                }
                work.answers().await
            }
            Self::ReadOnlyDatabase => read_only_during_answers(scene, replicas).await,
            Self::TableLocked => {
                let lock = "LOCK TABLE oauth_accounts IN ACCESS EXCLUSIVE MODE";
                let locker = scene.database.begin(lock).await;
                let work = replicas.start_work();
                scene.database.lock_is_waited_for().await;
                locker.commit().await;
                work.answers().await
            }
            Self::ProviderUnavailable => {
                inject(scene, failing_calls().status(503));
                replicas.start_work().answers().await
            }
            Self::ProviderSlow => {
                let slow = Fault::new("acme", REFRESH, FaultKind::Latency).latency_ms(2_000);
                inject(scene, slow.times(CALLS));
                replicas.start_work().answers().await
            }
            Self::ReplicaRestarted => {
                let work = replicas.start_work();
                replicas.restart_last(scene);
                work.answers().await
            }
        }
    }
}

fn failing_calls() -> Fault {
    Fault::new("acme", REFRESH, FaultKind::Respond).times(CALLS)
}

fn inject(scene: &Scene, fault: Fault) {
    scene.simulation.sandbox.inject_fault(fault).unwrap();
}

/// The provider has issued new tokens when the database becomes read-only. The journals keep them.
async fn read_only_during_answers(scene: &Scene, replicas: &Replicas) -> Answers {
    let before = scene.refreshes();
    scene.hold_responses(CALLS);
    let work = replicas.start_work();
    scene.wait_for_refreshes(before + u64::from(CALLS)).await;
    scene.set_writable(false).await;
    scene.release_responses();
    until(async || replicas.pending_writes().await >= u64::from(CALLS)).await;
    scene.set_writable(true).await;
    work.answers().await
}
