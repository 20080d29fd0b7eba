//! A9: another session locks the database while providers answer refreshes. The new tokens are in
//! the journal and with the callers before the commits have ended.

use evergrant_model::UserId;
use evergrant_sandbox::{Fault, FaultKind};
use evergrant_service::{Health, IntegrationsService};
use evergrant_testkit::{OpenTransaction, TestDatabase, on_both_databases};
use tokio::runtime::{Builder, Runtime};
use tokio::task::{JoinSet, block_in_place, spawn_blocking};

use crate::harness::{REFRESH, TestEnv, read, reconcile};
use crate::pending_writes::{Folder, pending_writes, wait_for_pending_writes};

on_both_databases!(
    a9_callers_are_answered_while_a_lock_delays_the_commits,
    a9_tokens_behind_a_lock_survive_a_killed_process,
    slow_commit_does_not_make_the_process_unready,
);

/// The number of accounts whose tokens are refreshed during the lock.
const ACCOUNTS: usize = 20;

/// A replica with a journal, in a runtime of its own, so that it can be killed.
struct Process {
    runtime: Runtime,
    service: IntegrationsService,
}

impl Process {
    fn start(env: &TestEnv, folder: &Folder) -> Self {
        let runtime = Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap();
        let start = async {
            let service = env.serving_replica().await;
            service.process().open_journal(&folder.0).unwrap();
            service
        };
        let service = block_in_place(|| runtime.block_on(start));
        Self { runtime, service }
    }

    /// Reads the token of each account at the same time.
    fn read_all(&self, user: UserId, accounts: &[String]) -> JoinSet<(String, String)> {
        let mut readers = JoinSet::new();
        for account in accounts.iter().cloned() {
            let service = self.service.clone();
            let answer = async move {
                let token = read(&service, user, "acme", &account).await;
                (account, token.unwrap())
            };
            readers.spawn_on(answer, self.runtime.handle());
        }
        readers
    }

    /// Ends all tasks where they are, without a shutdown.
    async fn kill(self) {
        let Self { runtime, service } = self;
        drop(service);
        spawn_blocking(move || drop(runtime)).await.unwrap();
    }
}

/// Accounts whose callers were answered while the database was locked.
struct Scene {
    env: TestEnv,
    folder: Folder,
    user: UserId,
    /// The accounts and the tokens that their callers have received.
    answers: Vec<(String, String)>,
}

impl Scene {
    /// Returns the scene with the process that answered the callers, and the lock.
    async fn new(database: TestDatabase, test: &str) -> (Self, Process, OpenTransaction) {
        let folder = Folder::new(test, &database);
        let env = TestEnv::new(database).await;
        let (user, accounts) = env.user_with_accounts("acme", ACCOUNTS, env.now()).await;
        reconcile(&env.service).await.unwrap();
        let process = Process::start(&env, &folder);
        env.force(Fault::new("acme", REFRESH, FaultKind::Hold).times(20));
        let readers = process.read_all(user, &accounts);
        env.wait_for_calls("acme", REFRESH, 20).await;
        let locker = env.database.lock_accounts().await;
        let answers = env.release_during(readers.join_all()).await;
        let scene = Self {
            env,
            folder,
            user,
            answers,
        };
        (scene, process, locker)
    }

    /// Asserts that the database has the tokens that the callers have received, and that no refresh
    /// token was sent twice.
    async fn assert_all_stored(&self) {
        for (account, token) in &self.answers {
            let stored = self.env.stored_token(self.user, account).await;
            assert_eq!(stored.as_ref(), Ok(token));
        }
        assert_eq!(self.env.calls("acme", REFRESH), 20);
    }
}

/// Returns the number of lines of all journals in the folder.
fn journal_lines(folder: &Folder) -> usize {
    let files = std::fs::read_dir(&folder.0).unwrap();
    let texts = files.map(|file| std::fs::read_to_string(file.unwrap().path()).unwrap());
    texts.map(|text| text.lines().count()).sum()
}

async fn a9_callers_are_answered_while_a_lock_delays_the_commits(database: TestDatabase) {
    let (scene, process, locker) = Scene::new(database, "slow").await;
    let (env, service) = (&scene.env, &process.service);
    assert!(
        env.recorder.slow_commits() > 0,
        "the callers did not wait until a commit failed"
    );
    assert_eq!(pending_writes(service).await, ACCOUNTS);
    assert_eq!(journal_lines(&scene.folder), ACCOUNTS);
    for (account, token) in &scene.answers {
        assert!(env.is_accepted(token).await);
        let again = read(service, scene.user, "acme", account).await;
        assert_eq!(again.as_ref(), Ok(token), "served from the pending write");
    }
    locker.commit().await;
    wait_for_pending_writes(service, 0).await;
    assert_eq!(journal_lines(&scene.folder), 0);
    scene.assert_all_stored().await;
    process.kill().await;
}

async fn a9_tokens_behind_a_lock_survive_a_killed_process(database: TestDatabase) {
    let (scene, process, locker) = Scene::new(database, "killed").await;
    assert!(scene.env.recorder.slow_commits() > 0);
    process.kill().await;
    // The next process has connected before: SQLite cannot be opened during the lock.
    let next = scene.env.service.process();
    next.open_journal(&scene.folder.0).unwrap();
    assert_eq!(pending_writes(&scene.env.service).await, ACCOUNTS);
    locker.commit().await;
    wait_for_pending_writes(&scene.env.service, 0).await;
    scene.assert_all_stored().await;
    for (account, _) in &scene.answers {
        let refreshed = scene.env.refresh(scene.user, "acme", account).await;
        assert!(refreshed.is_ok(), "the grant is alive: {refreshed:?}");
    }
}

async fn slow_commit_does_not_make_the_process_unready(database: TestDatabase) {
    let env = TestEnv::new(database).await;
    let with_writes = |health: Health, pending_writes, slow_writes| Health {
        pending_writes,
        slow_writes,
        ..health
    };
    let health = env.service.process().health().await;
    assert!(with_writes(health, 1, 1).is_healthy());
    assert!(!with_writes(health, 2, 1).is_healthy(), "one has failed");
}
