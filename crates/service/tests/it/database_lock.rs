//! A session of another program locks `oauth_accounts`, or commits hang: the number of server
//! processes stays within the budget, and tokens in memory are served.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use evergrant_model::{SignedDuration, UserId};
use evergrant_sandbox::{Fault, FaultKind};
use evergrant_service::{DatabaseReads, IntegrationsService};
use evergrant_testkit::{Cluster, TestDatabase, on_postgres};
use tokio::task::JoinSet;

use crate::database_outage::spawn_jobs;
use crate::harness::{ACME_LIFETIME_SECONDS, REFRESH, TestEnv, read, reconcile, until};

on_postgres!(lock_of_the_table_keeps_sessions_within_their_budget);

/// Sessions of one replica: 16 for callers; one each for notifications, the feed, health, control.
const SESSIONS_PER_REPLICA: usize = 16 + 4;
/// How long the table is locked. Each query is given up several times meanwhile.
const LOCKED_FOR: Duration = Duration::from_secs(6);
/// The number of reads of a token in memory during the lock.
const CACHED_READS: usize = 304;

async fn sessions(database: &TestDatabase) -> usize {
    let count = "SELECT count(*)::text FROM pg_stat_activity
        WHERE datname = current_database() AND application_name = 'evergrant'";
    database.texts(count).await[0].parse().unwrap()
}

/// Readers that keep requesting tokens that are not in memory.
struct Readers {
    stop: Arc<AtomicBool>,
    failed: Arc<AtomicUsize>,
    tasks: JoinSet<()>,
}

impl Readers {
    fn start(replicas: &[IntegrationsService], user: UserId, accounts: &[String]) -> Self {
        let (stop, failed) = (Arc::<AtomicBool>::default(), Arc::<AtomicUsize>::default());
        let mut tasks = JoinSet::new();
        let pairs = replicas.iter().cycle().zip(accounts.iter().cycle());
        for (replica, account) in pairs.take(200) {
            let (replica, account) = (replica.clone(), account.clone());
            let (stop, failed) = (Arc::clone(&stop), Arc::clone(&failed));
            tasks.spawn(async move {
                while !stop.load(Ordering::SeqCst) {
                    let token = read(&replica, user, "acme", &account).await;
                    failed.fetch_add(usize::from(token.is_err()), Ordering::SeqCst);
                    tokio::task::yield_now().await;
                }
            });
        }
        Self {
            stop,
            failed,
            tasks,
        }
    }

    /// Stops the readers. Returns how many reads have failed.
    async fn stop(self) -> usize {
        self.stop.store(true, Ordering::SeqCst);
        self.tasks.join_all().await;
        self.failed.load(Ordering::SeqCst)
    }
}

/// Two replicas that run their jobs, and a user with many accounts.
async fn replicas_with_accounts(
    database: TestDatabase,
) -> (TestEnv, Vec<IntegrationsService>, UserId, Vec<String>) {
    let store = database.serving_store().await;
    let env = TestEnv::with_store(database, store).await;
    let expires_at = env.now() + SignedDuration::from_secs(ACME_LIFETIME_SECONDS);
    let (user, accounts) = env.user_with_accounts("acme", 41, expires_at).await;
    reconcile(&env.service).await.unwrap();
    let replicas = vec![env.service.clone(), env.serving_replica().await];
    for replica in &replicas {
        spawn_jobs(replica);
        until(async || replica.process().health().await.is_healthy()).await;
    }
    (env, replicas, user, accounts)
}

async fn lock_of_the_table_keeps_sessions_within_their_budget(database: TestDatabase) {
    let (env, replicas, user, accounts) = replicas_with_accounts(database).await;
    let (cached, uncached) = accounts.split_first().unwrap();
    for replica in &replicas {
        assert!(read(replica, user, "acme", cached).await.is_ok());
    }
    let lock = "LOCK TABLE oauth_accounts IN ACCESS EXCLUSIVE MODE";
    let locker = env.database.begin(lock).await;
    let readers = Readers::start(&replicas, user, uncached);
    let (started, mut most, mut reads) = (Instant::now(), 0, 0);
    while started.elapsed() < LOCKED_FOR || reads < CACHED_READS {
        most = most.max(sessions(&env.database).await);
        for replica in &replicas {
            let token = read(replica, user, "acme", cached).await;
            assert!(
                token.is_ok(),
                "read {reads} of a token in memory: {token:?}"
            );
            reads += 1;
        }
    }
    assert!(
        most <= replicas.len() * SESSIONS_PER_REPLICA,
        "{most} sessions"
    );
    let health = replicas[0].process().health().await;
    assert_eq!(health.reads, DatabaseReads::Blocked, "{health:?}");
    assert_eq!((health.database(), health.feed_is_live), ("locked", true));

    locker.commit().await;
    until(async || read(&replicas[1], user, "acme", &uncached[0]).await.is_ok()).await;
    assert!(readers.stop().await > 0, "the lock blocked reads");
    for replica in &replicas {
        until(async || replica.process().health().await.is_healthy()).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hanging_commits_keep_sessions_within_their_budget() {
    let cluster = Cluster::start();
    let env = TestEnv::new(cluster.database()).await;
    let expires_at = env.now() + SignedDuration::from_secs(ACME_LIFETIME_SECONDS);
    let (user, accounts) = env.user_with_accounts("acme", 40, expires_at).await;
    reconcile(&env.service).await.unwrap();
    spawn_jobs(&env.service);
    until(async || env.service.process().health().await.is_healthy()).await;
    cluster.require_missing_standby(true).await;
    let (started, mut most, mut refreshes) = (Instant::now(), 0, JoinSet::new());
    while started.elapsed() < LOCKED_FOR {
        for account in &accounts {
            let (service, account) = (env.service.clone(), account.clone());
            refreshes.spawn(async move {
                let (provider, account) = (
                    crate::harness::slug("acme"),
                    crate::harness::account_id(&account),
                );
                let call = crate::harness::call();
                service
                    .refresh_token(&call, user, &provider, &account)
                    .await
            });
        }
        most = most.max(sessions(&env.database).await);
        while refreshes.len() > 200 {
            refreshes.join_next().await;
            most = most.max(sessions(&env.database).await);
        }
    }
    assert!(most <= SESSIONS_PER_REPLICA, "{most} sessions");
    cluster.require_missing_standby(false).await;
    refreshes.join_all().await;
    until(async || env.service.process().health().await.is_healthy()).await;
}

/// The standby is lost while the provider answers: the commit is visible, and lost if the standby
/// becomes the primary.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn refreshed_tokens_stay_pending_until_their_commit_is_durable() {
    let cluster = Cluster::start();
    let env = TestEnv::new(cluster.database()).await;
    let (user, account) = env.connected_user("acme").await;
    env.force(Fault::new("acme", REFRESH, FaultKind::Hold));
    let refresh = tokio::spawn({
        let (service, account) = (env.service.clone(), account.clone());
        async move {
            let (call, slug) = (crate::harness::call(), crate::harness::slug("acme"));
            let account = crate::harness::account_id(&account);
            service.refresh_token(&call, user, &slug, &account).await
        }
    });
    env.wait_for_calls("acme", REFRESH, 1).await;
    let before = env.row(user, "acme", &account).await.lease.generation;
    cluster.require_missing_standby(true).await;
    env.sandbox.release();
    refresh.await.unwrap().unwrap();
    let pending = async || env.service.process().health().await.pending_writes;
    assert_eq!(pending().await, 1);
    assert_eq!(env.recorder.count("WritePending"), 1);
    // The primary shows the new tokens, and the retry finds them there.
    until(async || env.row(user, "acme", &account).await.lease.generation > before).await;
    let confirms = "SELECT 'x' FROM pg_stat_activity WHERE wait_event = 'SyncRep'";
    until(async || !env.database.texts(confirms).await.is_empty()).await;
    assert_eq!(pending().await, 1, "visible, but not durable");
    cluster.require_missing_standby(false).await;
    until(async || pending().await == 0).await;
    assert_eq!(env.calls("acme", REFRESH), 1);
    until(async || env.read(user, "acme", &account).await.is_ok()).await;
    let served = env.read(user, "acme", &account).await;
    assert_eq!(env.stored_token(user, &account).await, served);
}
