//! A database in trouble: nothing is lost, nothing is begun that could be, and nobody is kept
//! waiting.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use evergrant_model::{ErrorCode, UserId};
use evergrant_sandbox::{Fault, FaultKind};
use evergrant_service::IntegrationsService;
use evergrant_store::Store;
use evergrant_testkit::{TestDatabase, Wire, WireState, on_both_databases, on_postgres};
use tokio::task::JoinSet;

use crate::harness::{ACME_LIFE_S, REFRESH, Stand};
use crate::outcomes::{call, reconcile, take_up_due, until};

on_postgres!(
    a9_pairs_that_come_back_while_the_database_takes_no_writes_are_not_lost,
    a9_a_pair_that_came_while_the_database_was_gone_is_served_to_whoever_asks_first,
    a21_a_database_that_is_gone,
    a21_a_database_that_hangs,
    a21_a_database_that_takes_no_writes,
    a_row_that_somebody_locks_is_no_outage,
);
on_both_databases!(
    a9_what_a_dead_process_has_left_in_its_journal_is_stored_by_the_next,
    a9_the_token_that_bought_a_waiting_pair_is_not_sent_again,
    a9_a_pair_that_cannot_be_stored_holds_no_other_up,
);

/// Far above what it takes, for machines that do ten other things.
const PROMPT: Duration = Duration::from_secs(2);

async fn takes_writes(database: &TestDatabase, taken: bool) {
    let name = database.url.rsplit_once('/').unwrap().1;
    let read_only = if taken { "off" } else { "on" };
    let others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE datname = current_database() AND pid <> pg_backend_pid()";
    let alter = format!("ALTER DATABASE {name} SET default_transaction_read_only = {read_only}");
    database
        .execute(&format!("BEGIN READ WRITE; {alter}; COMMIT; {others}"))
        .await;
}

fn keep_house(service: &IntegrationsService) {
    let service = service.clone();
    tokio::spawn(async move { service.process().run(std::future::pending()).await });
}

async fn a9_pairs_that_come_back_while_the_database_takes_no_writes_are_not_lost(
    database: TestDatabase,
) {
    let stand = Stand::new(database).await;
    let (user, accounts) = stand.user_with_many("acme", 60, stand.now()).await;
    reconcile(&stand.service).await.unwrap();
    stand.force(Fault::new("acme", REFRESH, FaultKind::Hold).times(60));
    let mut readers = JoinSet::new();
    for account in accounts.clone() {
        let service = stand.service.clone();
        readers.spawn(async move { crate::outcomes::read(&service, user, "acme", &account).await });
    }
    stand.called("acme", REFRESH, 60).await;
    takes_writes(&stand.database, false).await;
    let answers = stand.releasing(readers.join_all()).await;
    assert!(
        answers.iter().all(Result::is_ok),
        "whoever waited gets the new token: {answers:?}"
    );
    assert_eq!(
        stand.service.process().health().await.waiting_pairs,
        60,
        "none could be stored"
    );
    for account in &accounts {
        assert!(
            stand
                .works(&stand.read(user, "acme", account).await.unwrap())
                .await,
            "and reads are served from them"
        );
    }
    takes_writes(&stand.database, true).await;
    until(async || stand.service.process().health().await.waiting_pairs == 0).await;
    for account in &accounts {
        assert_eq!(
            stand.stored(user, account).await,
            stand.read(user, "acme", account).await
        );
        assert!(
            stand.refresh(user, "acme", account).await.is_ok(),
            "the grant lives"
        );
    }
    assert_eq!(stand.calls("acme", REFRESH), 120);
}

/// A folder that goes with the test.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        Self(std::env::temp_dir().join(format!("evergrant-journal-{}-{name}", std::process::id())))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// On SQLite a trigger stands for the disk that is full, on PostgreSQL for a standby: the process
/// with the pair dies.
async fn a9_what_a_dead_process_has_left_in_its_journal_is_stored_by_the_next(
    database: TestDatabase,
) {
    let folder = Folder::new(if database.is_postgres() {
        "postgres"
    } else {
        "sqlite"
    });
    let stand = Stand::new(database).await;
    let (user, account) = stand.user_with("acme").await;
    let dying = stand.twin().await;
    dying.process().open_journal(&folder.0).unwrap();
    let (forbid, allow) = if stand.database.is_postgres() {
        (
            "CREATE FUNCTION refuse() RETURNS trigger AS $$ BEGIN RAISE 'no room' USING ERRCODE = '53100'; END $$
                LANGUAGE plpgsql;
            CREATE TRIGGER refuse BEFORE UPDATE ON oauth_accounts EXECUTE FUNCTION refuse()",
            "DROP TRIGGER refuse ON oauth_accounts",
        )
    } else {
        (
            "CREATE TRIGGER refuse BEFORE UPDATE ON oauth_accounts BEGIN SELECT RAISE(ABORT, 'no room'); END",
            "DROP TRIGGER refuse",
        )
    };
    stand.database.execute(forbid).await;
    stand.pass_seconds(ACME_LIFE_S);
    let renewed = crate::outcomes::read(&dying, user, "acme", &account)
        .await
        .unwrap();
    assert_eq!(dying.process().health().await.waiting_pairs, 1);
    dying.process().begin_shutdown();
    dying.process().drain().await;
    drop(dying);
    let text = std::fs::read_dir(&folder.0)
        .unwrap()
        .map(|file| std::fs::read(file.unwrap().path()).unwrap());
    assert!(
        !text
            .collect::<Vec<_>>()
            .concat()
            .windows(renewed.len())
            .any(|part| part == renewed.as_bytes())
    );

    let next = stand.twin().await;
    next.process().open_journal(&folder.0).unwrap();
    stand.database.execute(allow).await;
    until(async || next.process().health().await.waiting_pairs == 0).await;
    assert_eq!(stand.stored(user, &account).await.as_ref(), Ok(&renewed));
    assert!(
        next.refresh_token(&call(), user, "acme", &account)
            .await
            .is_ok()
    );
    assert_eq!(
        stand.calls("acme", REFRESH),
        2,
        "the second is the one of the line before"
    );
}

/// Lets no pair of this account be stored: neither an outage nor a full disk, as far as anybody can
/// tell.
async fn refuse_pairs_of(database: &TestDatabase, account: &str) {
    let refuse = if database.is_postgres() {
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
    database.execute(&refuse).await;
}

async fn accept_pairs(database: &TestDatabase) {
    database
        .execute(if database.is_postgres() {
            "DROP TRIGGER refuse ON oauth_accounts"
        } else {
            "DROP TRIGGER refuse"
        })
        .await;
}

/// The next process knows of the pair from the journal alone, and its database is the best that
/// there is.
async fn a9_the_token_that_bought_a_waiting_pair_is_not_sent_again(database: TestDatabase) {
    let folder = Folder::new(if database.is_postgres() {
        "spent-postgres"
    } else {
        "spent-sqlite"
    });
    let stand = Stand::new(database).await;
    let (user, account) = stand.user_with("acme").await;
    let dying = stand.twin().await;
    dying.process().open_journal(&folder.0).unwrap();
    refuse_pairs_of(&stand.database, &account).await;
    stand.pass_seconds(ACME_LIFE_S);
    let renewed = crate::outcomes::read(&dying, user, "acme", &account)
        .await
        .unwrap();
    dying.process().begin_shutdown();
    dying.process().drain().await;
    drop(dying);

    let next = stand.twin().await;
    next.process().open_journal(&folder.0).unwrap();
    // By now the lease has run out that the dead process left behind.
    stand.pass_seconds(60);
    for _ in 0..3 {
        assert_eq!(
            crate::outcomes::read(&next, user, "acme", &account).await,
            Err(ErrorCode::DatabaseError)
        );
    }
    assert_eq!(
        stand.calls("acme", REFRESH),
        1,
        "the platform would take it for a theft"
    );
    accept_pairs(&stand.database).await;
    until(async || next.process().health().await.waiting_pairs == 0).await;
    assert_eq!(
        crate::outcomes::read(&next, user, "acme", &account).await,
        Ok(renewed)
    );
}

async fn a9_a_pair_that_cannot_be_stored_holds_no_other_up(database: TestDatabase) {
    let stand = Stand::new(database).await;
    let (user, accounts) = stand.user_with_many("acme", 3, stand.now()).await;
    reconcile(&stand.service).await.unwrap();
    let all = if stand.database.is_postgres() {
        "CREATE FUNCTION refuse_all() RETURNS trigger AS $$ BEGIN RAISE 'none'; END $$ LANGUAGE plpgsql;
        CREATE TRIGGER refuse_all BEFORE UPDATE ON oauth_accounts FOR EACH ROW EXECUTE FUNCTION refuse_all()"
    } else {
        "CREATE TRIGGER refuse_all BEFORE UPDATE ON oauth_accounts BEGIN SELECT RAISE(ABORT, 'none'); END"
    };
    stand.database.execute(all).await;
    for account in &accounts {
        assert!(stand.read(user, "acme", account).await.is_ok());
    }
    assert_eq!(stand.service.process().health().await.waiting_pairs, 3);
    refuse_pairs_of(&stand.database, &accounts[0]).await;
    let others = if stand.database.is_postgres() {
        "DROP TRIGGER refuse_all ON oauth_accounts"
    } else {
        "DROP TRIGGER refuse_all"
    };
    stand.database.execute(others).await;
    until(async || stand.service.process().health().await.waiting_pairs == 1).await;
    for account in &accounts[1..] {
        assert_eq!(
            stand.stored(user, account).await,
            stand.read(user, "acme", account).await
        );
    }
    accept_pairs(&stand.database).await;
    until(async || stand.service.process().health().await.waiting_pairs == 0).await;
    assert_eq!(stand.calls("acme", REFRESH), 3);
}

/// Nobody has read the account yet, so nothing of it is in memory but the pair.
async fn a9_a_pair_that_came_while_the_database_was_gone_is_served_to_whoever_asks_first(
    database: TestDatabase,
) {
    let wire = Wire::to(database.server()).await;
    let store = Store::open(&database.url_through(wire.address))
        .await
        .unwrap();
    let stand = Stand::over(database, store).await;
    let (user, accounts) = stand.user_with_many("acme", 1, stand.now()).await;
    reconcile(&stand.service).await.unwrap();
    stand.force(Fault::new("acme", REFRESH, FaultKind::Hold));
    assert_eq!(take_up_due(&stand.service).await.unwrap(), 1);
    stand.called("acme", REFRESH, 1).await;
    wire.set(WireState::Cut);
    stand
        .releasing(until(async || {
            stand.service.process().health().await.waiting_pairs == 1
        }))
        .await;
    let served = stand.read(user, "acme", &accounts[0]).await.unwrap();
    assert!(stand.works(&served).await);
    wire.set(WireState::Open);
    until(async || stand.service.process().health().await.waiting_pairs == 0).await;
    assert_eq!(stand.stored(user, &accounts[0]).await, Ok(served));
}

/// A service behind a wire, with a fresh token in memory, one that is not, and one that has ended.
struct Scene {
    stand: Stand,
    wire: Wire,
    user: UserId,
    known: String,
    unknown: String,
    ended: String,
}

impl Scene {
    async fn new(database: TestDatabase) -> Self {
        let wire = Wire::to(database.server()).await;
        let store = Store::open(&database.url_through(wire.address))
            .await
            .unwrap();
        let stand = Stand::over(database, store).await;
        keep_house(&stand.service);
        let (user, ended) = stand
            .user_with_many("acme", 1, stand.now().plus_seconds(ACME_LIFE_S))
            .await;
        reconcile(&stand.service).await.unwrap();
        let known = stand.connect(user, "acme", "juniper").await;
        let unknown = stand.connect(user, "acme", "kiln").await;
        assert!(stand.read(user, "acme", &known).await.is_ok());
        let [ended] = ended.try_into().unwrap();
        let scene = Self {
            stand,
            wire,
            user,
            known,
            unknown,
            ended,
        };
        until(async || scene.stand.service.process().health().await.is_good()).await;
        scene
    }

    /// The answer, which is not waited for longer than anybody would.
    async fn read(&self, account: &str) -> Result<String, ErrorCode> {
        let began = Instant::now();
        let answer = self.stand.read(self.user, "acme", account).await;
        assert!(
            began.elapsed() < PROMPT,
            "{account} took {:?}",
            began.elapsed()
        );
        answer
    }

    /// Reads while the database is in trouble.
    async fn endures(&self, unknown_is_read: bool) {
        let calls = self.stand.calls("acme", REFRESH);
        for _ in 0..20 {
            assert!(
                self.read(&self.known).await.is_ok(),
                "what is in memory and fresh is answered"
            );
            assert_eq!(self.read(&self.unknown).await.is_ok(), unknown_is_read);
            let refused = self.read(&self.ended).await.unwrap_err();
            assert!(
                matches!(refused, ErrorCode::DatabaseError | ErrorCode::Overloaded),
                "{refused}"
            );
        }
        assert!(
            self.stand
                .refresh(self.user, "acme", &self.known)
                .await
                .is_err(),
            "demanded or not"
        );
        assert_eq!(
            self.stand.calls("acme", REFRESH),
            calls,
            "no renewal begins"
        );
        until(async || !self.stand.service.process().health().await.is_good()).await;
    }

    /// All is well again.
    async fn recovers(&self) {
        let began = Instant::now();
        until(async || self.stand.service.process().health().await.is_good()).await;
        until(async || {
            self.stand
                .read(self.user, "acme", &self.ended)
                .await
                .is_ok()
        })
        .await;
        assert!(
            began.elapsed() < Duration::from_secs(10),
            "{:?}",
            began.elapsed()
        );
        assert!(self.read(&self.unknown).await.is_ok());
    }
}

/// Ends a token that nobody has read yet, and of which the house does not hear.
async fn expire(scene: &Scene) {
    let past = scene.stand.now().plus_seconds(-60);
    let sql = format!(
        "UPDATE oauth_accounts SET expires_at = '{past}' WHERE provider_account_id = '{}';
        UPDATE evergrant_connections SET next_refresh_at = NULL",
        scene.ended
    );
    scene.stand.database.execute(&sql).await;
}

async fn a21_a_database_that_is_gone(database: TestDatabase) {
    let scene = Scene::new(database).await;
    expire(&scene).await;
    scene.wire.set(WireState::Cut);
    scene.endures(false).await;
    scene.wire.set(WireState::Open);
    scene.recovers().await;
}

async fn a21_a_database_that_hangs(database: TestDatabase) {
    let scene = Scene::new(database).await;
    expire(&scene).await;
    scene.wire.set(WireState::Held);
    scene.endures(false).await;
    // What takes over has never heard of the connections that hung.
    scene.wire.set(WireState::Cut);
    scene.wire.set(WireState::Open);
    scene.recovers().await;
}

async fn a21_a_database_that_takes_no_writes(database: TestDatabase) {
    let scene = Scene::new(database).await;
    expire(&scene).await;
    takes_writes(&scene.stand.database, false).await;
    until(async || !scene.stand.service.process().health().await.is_good()).await;
    scene.endures(true).await;
    takes_writes(&scene.stand.database, true).await;
    scene.recovers().await;
}

/// An application may hold a row of the shared tables for as long as it likes.
async fn a_row_that_somebody_locks_is_no_outage(database: TestDatabase) {
    let scene = Scene::new(database).await;
    expire(&scene).await;
    let id = scene
        .stand
        .row(scene.user, "acme", &scene.ended)
        .await
        .id
        .get();
    let locks = format!(
        "SELECT 1 FROM oauth_accounts WHERE id = {id} FOR UPDATE;
        UPDATE evergrant_connections SET failures = 0 WHERE oauth_account_id = {id}"
    );
    let locker = scene.stand.database.begin(&locks).await;
    assert!(scene.read(&scene.ended).await.is_err());
    for _ in 0..5 {
        until(async || scene.read(&scene.unknown).await.is_ok()).await;
        until(async || {
            scene
                .stand
                .refresh(scene.user, "acme", &scene.known)
                .await
                .is_ok()
        })
        .await;
    }
    locker.commit().await;
    until(async || {
        scene
            .stand
            .read(scene.user, "acme", &scene.ended)
            .await
            .is_ok()
    })
    .await;
}
