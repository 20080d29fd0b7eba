//! A9: refreshed tokens that the database cannot store are kept, served and stored later. With a
//! journal they survive the process.

use std::path::{Path, PathBuf};

use evergrant_model::{ErrorCode, UserId};
use evergrant_sandbox::{Fault, FaultKind};
use evergrant_service::IntegrationsService;
use evergrant_store::Store;
use evergrant_testkit::{TestDatabase, Wire, WireState, on_both_databases, on_postgres};
use tokio::task::JoinSet;

use crate::database_outage::set_writable;
use crate::harness::{
    ACME_LIFETIME_SECONDS, REFRESH, TestEnv, account_id, call, read, reconcile, slug,
    start_due_refreshes, until,
};

on_postgres!(
    a9_refreshed_tokens_survive_read_only_database,
    a9_first_read_is_served_from_pending_write_during_outage,
    a9_commit_that_becomes_visible_during_a_retry_is_confirmed,
);
on_both_databases!(
    a9_journal_of_dead_process_is_stored_by_the_next,
    a9_refresh_token_behind_pending_write_is_not_sent_again,
    a9_failing_pending_write_does_not_block_others,
);

/// Waits until `service` has `count` refreshed tokens that are not stored.
pub(crate) async fn wait_for_pending_writes(service: &IntegrationsService, count: usize) {
    until(async || pending_writes(service).await == count).await;
}

pub(crate) async fn pending_writes(service: &IntegrationsService) -> usize {
    service.process().health().await.pending_writes
}

async fn a9_refreshed_tokens_survive_read_only_database(database: TestDatabase) {
    let env = TestEnv::new(database).await;
    let (user, accounts) = env.user_with_accounts("acme", 60, env.now()).await;
    reconcile(&env.service).await.unwrap();
    env.force(Fault::new("acme", REFRESH, FaultKind::Hold).times(60));
    let mut readers = JoinSet::new();
    for account in accounts.clone() {
        let service = env.service.clone();
        readers.spawn(async move { read(&service, user, "acme", &account).await });
    }
    env.wait_for_calls("acme", REFRESH, 60).await;
    set_writable(&env.database, false).await;
    let answers = env.release_during(readers.join_all()).await;
    assert!(
        answers.iter().all(Result::is_ok),
        "every waiting read returns the new token: {answers:?}"
    );
    assert_eq!(
        pending_writes(&env.service).await,
        60,
        "no token could be stored"
    );
    for account in &accounts {
        let token = env.read(user, "acme", account).await.unwrap();
        assert!(
            env.is_accepted(&token).await,
            "reads are served from the pending writes"
        );
    }
    set_writable(&env.database, true).await;
    wait_for_pending_writes(&env.service, 0).await;
    assert_all_stored(&env, user, &accounts).await;
    for account in &accounts {
        assert!(
            env.refresh(user, "acme", account).await.is_ok(),
            "the grant is alive"
        );
    }
    assert_eq!(env.calls("acme", REFRESH), 120);
}

/// Asserts that each account's stored token is the one that is served.
async fn assert_all_stored(env: &TestEnv, user: UserId, accounts: &[String]) {
    for account in accounts {
        assert_eq!(
            env.stored_token(user, account).await,
            env.read(user, "acme", account).await
        );
    }
}

/// A folder for a journal, removed with the test.
pub(crate) struct Folder(pub(crate) PathBuf);

impl Folder {
    /// Names a folder by the process, the test and the kind of database.
    pub(crate) fn new(test: &str, database: &TestDatabase) -> Self {
        let kind = if database.is_postgres() {
            "postgres"
        } else {
            "sqlite"
        };
        let name = format!("evergrant-journal-{}-{test}-{kind}", std::process::id());
        Self(std::env::temp_dir().join(name))
    }

    /// Copies the files to another folder.
    fn copy(&self, name: &str) -> Self {
        let copy = Self(self.0.with_extension(name));
        std::fs::create_dir_all(&copy.0).unwrap();
        for file in std::fs::read_dir(&self.0).unwrap() {
            let path = file.unwrap().path();
            std::fs::copy(&path, copy.0.join(path.file_name().unwrap())).unwrap();
        }
        copy
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Starts a replica with a journal in this folder.
async fn journaling_replica(env: &TestEnv, folder: &Folder) -> IntegrationsService {
    let replica = env.replica().await;
    replica.process().open_journal(&folder.0).unwrap();
    replica
}

/// Ends a replica whose tokens could not be stored.
async fn shut_down(replica: IntegrationsService) {
    replica.process().begin_shutdown();
    replica.process().drain().await;
    drop(replica);
}

/// Makes the database reject all updates of the shared table with the error of a full disk.
async fn simulate_full_disk(database: &TestDatabase) {
    let trigger = if database.is_postgres() {
        "CREATE FUNCTION refuse() RETURNS trigger AS $$ BEGIN RAISE 'no room' USING ERRCODE = '53100'; END $$
            LANGUAGE plpgsql;
        CREATE TRIGGER refuse BEFORE UPDATE ON oauth_accounts EXECUTE FUNCTION refuse()"
    } else {
        "CREATE TRIGGER refuse BEFORE UPDATE ON oauth_accounts BEGIN SELECT RAISE(ABORT, 'no room'); END"
    };
    database.execute(trigger).await;
}

/// Makes the database reject updates of this account with an error that is neither an outage nor a
/// full disk.
async fn reject_updates_of(database: &TestDatabase, account: &str) {
    let trigger = if database.is_postgres() {
        format!(
            "CREATE FUNCTION refuse() RETURNS trigger AS $$ BEGIN RAISE 'not this one'; END $$ LANGUAGE plpgsql;
            CREATE TRIGGER refuse BEFORE UPDATE ON oauth_accounts FOR EACH ROW
                WHEN (OLD.provider_account_id = '{account}') EXECUTE FUNCTION refuse()"
        )
    } else {
        format!(
            "CREATE TRIGGER refuse BEFORE UPDATE ON oauth_accounts WHEN OLD.provider_account_id = '{account}'
            BEGIN SELECT RAISE(ABORT, 'not this one'); END"
        )
    };
    database.execute(&trigger).await;
}

/// Makes the database reject updates of every account.
async fn reject_all_updates(database: &TestDatabase) {
    let trigger = if database.is_postgres() {
        "CREATE FUNCTION refuse_all() RETURNS trigger AS $$ BEGIN RAISE 'none'; END $$ LANGUAGE plpgsql;
        CREATE TRIGGER refuse_all BEFORE UPDATE ON oauth_accounts FOR EACH ROW EXECUTE FUNCTION refuse_all()"
    } else {
        "CREATE TRIGGER refuse_all BEFORE UPDATE ON oauth_accounts BEGIN SELECT RAISE(ABORT, 'none'); END"
    };
    database.execute(trigger).await;
}

/// Removes one of the triggers above.
async fn drop_trigger(database: &TestDatabase, name: &str) {
    let drop = if database.is_postgres() {
        format!("DROP TRIGGER {name} ON oauth_accounts")
    } else {
        format!("DROP TRIGGER {name}")
    };
    database.execute(&drop).await;
}

/// Returns whether a file in `folder` contains `text` in clear.
fn contains_plaintext(folder: &Path, text: &str) -> bool {
    let files = std::fs::read_dir(folder)
        .unwrap()
        .map(|file| std::fs::read(file.unwrap().path()).unwrap());
    files
        .collect::<Vec<_>>()
        .concat()
        .windows(text.len())
        .any(|part| part == text.as_bytes())
}

/// The process shuts down before the new tokens could be stored.
async fn a9_journal_of_dead_process_is_stored_by_the_next(database: TestDatabase) {
    let folder = Folder::new("dead", &database);
    let env = TestEnv::new(database).await;
    let (user, account) = env.connected_user("acme").await;
    let dying = journaling_replica(&env, &folder).await;
    simulate_full_disk(&env.database).await;
    env.advance_seconds(ACME_LIFETIME_SECONDS);
    let refreshed = read(&dying, user, "acme", &account).await.unwrap();
    assert_eq!(pending_writes(&dying).await, 1);
    shut_down(dying).await;
    assert!(!contains_plaintext(&folder.0, &refreshed));

    let next = journaling_replica(&env, &folder).await;
    drop_trigger(&env.database, "refuse").await;
    wait_for_pending_writes(&next, 0).await;
    assert_eq!(
        env.stored_token(user, &account).await.as_ref(),
        Ok(&refreshed)
    );
    assert!(
        next.refresh_token(&call(), user, &slug("acme"), &account_id(&account))
            .await
            .is_ok()
    );
    assert_eq!(
        env.calls("acme", REFRESH),
        2,
        "only the forced refresh made a second call"
    );
}

/// The next process knows the new tokens from the journal only. Its database still holds the used
/// refresh token.
async fn a9_refresh_token_behind_pending_write_is_not_sent_again(database: TestDatabase) {
    let folder = Folder::new("used", &database);
    let env = TestEnv::new(database).await;
    let (user, account) = env.connected_user("acme").await;
    let dying = journaling_replica(&env, &folder).await;
    reject_updates_of(&env.database, &account).await;
    env.advance_seconds(ACME_LIFETIME_SECONDS);
    let refreshed = read(&dying, user, "acme", &account).await.unwrap();
    shut_down(dying).await;

    let next = journaling_replica(&env, &folder).await;
    // The lease of the dead process expires.
    env.advance_seconds(60);
    for _ in 0..3 {
        assert_eq!(
            read(&next, user, "acme", &account).await,
            Err(ErrorCode::DatabaseError)
        );
    }
    assert_eq!(
        env.calls("acme", REFRESH),
        1,
        "the provider would treat the used refresh token as stolen"
    );
    drop_trigger(&env.database, "refuse").await;
    wait_for_pending_writes(&next, 0).await;
    assert_eq!(read(&next, user, "acme", &account).await, Ok(refreshed));
}

async fn a9_failing_pending_write_does_not_block_others(database: TestDatabase) {
    let env = TestEnv::new(database).await;
    let (user, accounts) = env.user_with_accounts("acme", 3, env.now()).await;
    reconcile(&env.service).await.unwrap();
    reject_all_updates(&env.database).await;
    for account in &accounts {
        assert!(env.read(user, "acme", account).await.is_ok());
    }
    assert_eq!(pending_writes(&env.service).await, 3);
    reject_updates_of(&env.database, &accounts[0]).await;
    drop_trigger(&env.database, "refuse_all").await;
    wait_for_pending_writes(&env.service, 1).await;
    assert_all_stored(&env, user, &accounts[1..]).await;
    let health = env.service.process().health().await;
    assert_eq!(health.refused_writes, 1, "{health:?}");
    assert!(
        health.is_healthy(),
        "one refused row does not make the process unready: {health:?}"
    );
    drop_trigger(&env.database, "refuse").await;
    wait_for_pending_writes(&env.service, 0).await;
    assert_eq!(env.calls("acme", REFRESH), 3);
}

/// The account has not been read before, so the new tokens are all that is in memory.
async fn a9_first_read_is_served_from_pending_write_during_outage(database: TestDatabase) {
    let wire = Wire::to(database.server()).await;
    let store = Store::open(&database.url_through(wire.address))
        .await
        .unwrap();
    let env = TestEnv::with_store(database, store).await;
    let (user, accounts) = env.user_with_accounts("acme", 1, env.now()).await;
    reconcile(&env.service).await.unwrap();
    env.force(Fault::new("acme", REFRESH, FaultKind::Hold));
    assert_eq!(start_due_refreshes(&env.service).await.unwrap(), 1);
    env.wait_for_calls("acme", REFRESH, 1).await;
    wire.set(WireState::Cut);
    env.release_during(wait_for_pending_writes(&env.service, 1))
        .await;
    let served = env.read(user, "acme", &accounts[0]).await.unwrap();
    assert!(env.is_accepted(&served).await);
    wire.set(WireState::Open);
    wait_for_pending_writes(&env.service, 0).await;
    assert_eq!(env.stored_token(user, &accounts[0]).await, Ok(served));
}

/// Two replicas hold the same tokens, and both read the row before either writes them: to the
/// second, the first is an earlier commit whose result was unknown.
async fn a9_commit_that_becomes_visible_during_a_retry_is_confirmed(database: TestDatabase) {
    let folder = Folder::new("visible", &database);
    let env = TestEnv::new(database).await;
    let (user, account) = env.connected_user("acme").await;
    let dying = journaling_replica(&env, &folder).await;
    reject_updates_of(&env.database, &account).await;
    env.advance_seconds(ACME_LIFETIME_SECONDS);
    read(&dying, user, "acme", &account).await.unwrap();
    shut_down(dying).await;
    drop_trigger(&env.database, "refuse").await;
    let record_commits = "CREATE TABLE commits (kind text);
        CREATE FUNCTION record_commit() RETURNS trigger LANGUAGE plpgsql
            AS $$ BEGIN INSERT INTO commits VALUES (TG_OP); RETURN NULL; END $$;
        CREATE TRIGGER record_commit AFTER UPDATE ON evergrant_connections
            FOR EACH ROW EXECUTE FUNCTION record_commit()";
    env.database.execute(record_commits).await;

    let version = "SELECT 1 FROM evergrant_versions FOR UPDATE";
    let lock = env.database.begin(version).await;
    let copy = folder.copy("copy");
    let first = journaling_replica(&env, &folder).await;
    let second = journaling_replica(&env, &copy).await;
    let waiting = "SELECT 'x' FROM pg_stat_activity
        WHERE datname = current_database() AND wait_event_type = 'Lock'";
    until(async || env.database.texts(waiting).await.len() == 2).await;
    lock.commit().await;
    for replica in [&first, &second] {
        wait_for_pending_writes(replica, 0).await;
    }
    let commits = env.database.texts("SELECT kind FROM commits").await;
    assert_eq!(
        commits.len(),
        2,
        "the second confirms the first: {commits:?}"
    );
}
