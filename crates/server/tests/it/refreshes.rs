//! Renewals by real processes on one PostgreSQL, which are stopped, killed and cut off from their
//! database.
//!
//! `EVERGRANT_EXPIRIES` says how many tokens end in A5, `EVERGRANT_KILLS` how many processes die in
//! A8: `make soak` has a hundred of the former and a thousand of the latter.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use evergrant_encryption::{EncryptionKey, KeyRing, TokenCipher};
use evergrant_model::{Clock, OsEntropy, ProviderAccountId, ProviderSlug, SystemClock};
use evergrant_resilience::refresh::lease::LeaseRequest;
use evergrant_sandbox::{Fault, FaultKind, RefreshMode, Switch, acme_definition};
use evergrant_store::{LeaseAnswer, Store};
use evergrant_testkit::{
    ExternalAccount, OpenTransaction, TestDatabase, insert_accounts, number_from,
};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::client::App;
use crate::platforms::Platforms;
use crate::program::{Folder, KEY, Program};

const REFRESH: &str = "token.refresh_token";
const USER: i32 = 7;

/// Processes, their platform, and the database that they share.
struct Scene {
    platforms: Platforms,
    database: TestDatabase,
    folder: Folder,
}

impl Scene {
    /// With Acme as a platform that takes a refresh token again for so many seconds; for none,
    /// where it is strict.
    async fn new(replay_window_seconds: i64) -> Self {
        let (platforms, folder) = (Platforms::start().await, Folder::new());
        let window = format!("tokens.replay_window_seconds = {replay_window_seconds}\n");
        let definition = format!("{}{window}", acme_definition(platforms.base()));
        std::fs::write(folder.path().join("evergrant.toml"), definition).unwrap();
        let mode = if replay_window_seconds > 0 {
            RefreshMode::RotateGrace
        } else {
            RefreshMode::RotateStrict
        };
        platforms
            .sandbox
            .set("acme", Switch::RefreshToken(mode))
            .unwrap();
        platforms
            .sandbox
            .set("acme", Switch::TokenQuota(1_000_000))
            .unwrap();
        let scene = Self {
            platforms,
            database: TestDatabase::postgres().await,
            folder,
        };
        let (program, app) = scene.serve(&[]);
        app.make_user(USER).await;
        program.kill();
        scene
    }

    fn serve(&self, env: &[(&str, &str)]) -> (Program, App) {
        let config = self.folder.path().join("evergrant.toml");
        let mut all = vec![("EVERGRANT_CONFIG", config.to_str().unwrap())];
        all.extend(env);
        self.platforms.serve_with(&self.database, &all)
    }

    /// Accounts whose tokens have just ended.
    async fn expired(&self, ids: &[String]) {
        let of_one_user: Vec<_> = ids.iter().map(|id| (USER, id.clone())).collect();
        self.expired_of(&of_one_user).await;
    }

    async fn expired_of(&self, accounts: &[(i32, String)]) {
        let ring = KeyRing::new(EncryptionKey::parse(KEY).unwrap(), Vec::new());
        let account = |(user, id): &(i32, String)| ExternalAccount {
            user: *user,
            provider: "acme".to_owned(),
            id: id.clone(),
            tokens: self.platforms.sandbox.tokens("acme", "juniper").unwrap(),
            expires_at: SystemClock.now().plus_seconds(-60),
        };
        let cipher = TokenCipher::new(ring, Arc::new(OsEntropy));
        insert_accounts(
            &self.database,
            &cipher,
            &accounts.iter().map(account).collect::<Vec<_>>(),
        )
        .await;
    }

    fn calls(&self) -> u64 {
        self.platforms.sandbox.calls().get("acme", REFRESH)
    }

    async fn called(&self, times: u64) {
        until(async || self.calls() >= times).await;
    }

    fn hold(&self, times: u32) {
        self.platforms
            .sandbox
            .force_next(Fault::new("acme", REFRESH, FaultKind::Hold).times(times))
            .unwrap();
    }

    /// Lets every lease have run out, as twenty seconds would.
    async fn leases_run_out(&self) {
        let past = "UPDATE evergrant_connections SET held_until = held_until - interval '1 minute',
            doubt_since = doubt_since - interval '1 minute' WHERE held_until IS NOT NULL";
        self.database.execute(past).await;
    }

    async fn generation(&self, id: &str) -> i64 {
        let row = format!(
            "SELECT generation::text FROM evergrant_connections c JOIN oauth_accounts a ON a.id = c.oauth_account_id
            WHERE a.provider_account_id = '{id}'"
        );
        self.database
            .texts(&row)
            .await
            .first()
            .map_or(0, |text| text.parse().unwrap())
    }
}

/// Ends once `condition` holds. The limit is there for a test that fails.
async fn until(condition: impl AsyncFn() -> bool) {
    let waiting = async {
        while !condition().await {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_mins(2), waiting)
        .await
        .expect("what the test waits for comes about");
}

fn path(id: &str) -> String {
    format!("/api/integrations/token/acme/{id}")
}

/// A token, as an app reads it from a program that may have more to do than its machine can bear.
async fn patiently_read(app: &App, user: i32, id: &str) -> Value {
    loop {
        let answer = app.get(user, &path(id)).await;
        let Some(seconds) = answer.body["retryAfterSeconds"].as_u64() else {
            return answer.ok();
        };
        assert_eq!(answer.code(503), "OVERLOADED");
        tokio::time::sleep(Duration::from_secs(seconds)).await;
    }
}

/// The tokens of all accounts, beginning with the one in this place.
async fn read_all(
    app: Arc<App>,
    accounts: Vec<(i32, String)>,
    first: usize,
) -> Vec<(String, String)> {
    let mut tokens = Vec::new();
    for place in 0..accounts.len() {
        let (user, id) = &accounts[(place + first) % accounts.len()];
        let token = patiently_read(&app, *user, id).await;
        tokens.push((
            id.clone(),
            token["accessToken"].as_str().unwrap().to_owned(),
        ));
    }
    tokens
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a5_three_processes_and_two_hundred_readers_each_make_one_call_an_expiry() {
    let (scene, expiries) = (Scene::new(0).await, number_from("EVERGRANT_EXPIRIES", 30));
    let programs = [scene.serve(&[]), scene.serve(&[]), scene.serve(&[])];
    let mut accounts = Vec::new();
    for user in 100..100 + i32::try_from(expiries).unwrap() {
        programs[0].1.make_user(user).await;
        accounts.push((user, format!("account-of-{user}")));
    }
    scene.expired_of(&accounts).await;
    let apps = programs
        .iter()
        .map(|(program, _)| (program.url().to_owned(), program.api_key().to_owned()));
    let mut readers = JoinSet::new();
    for (url, key) in apps {
        let app = Arc::new(App::new(&url, &key));
        for first in 0..200 {
            readers.spawn(read_all(Arc::clone(&app), accounts.clone(), first));
        }
    }
    let mut answers: Vec<_> = readers.join_all().await.into_iter().flatten().collect();
    assert_eq!(answers.len(), 3 * 200 * expiries);
    answers.sort();
    answers.dedup();
    assert_eq!(
        answers.len(),
        expiries,
        "one token for each account, whoever reads it"
    );
    assert_eq!(scene.calls(), expiries as u64);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a6_a_process_stopped_past_its_lease_changes_nothing_when_it_wakes() {
    let scene = Scene::new(30).await;
    let id = "slept";
    scene.expired(&[id.to_owned()]).await;
    scene.hold(1);
    let (sleeper, app) = scene.serve(&[]);
    let reader = tokio::spawn(async move { app.get(USER, &path(id)).await });
    scene.called(1).await;
    sleeper.signal("STOP");
    scene.leases_run_out().await;
    let (_other, app) = scene.serve(&[]);
    let newest = app.get(USER, &path(id)).await.ok()["accessToken"].clone();
    assert_eq!((scene.calls(), scene.generation(id).await), (2, 2));
    scene.platforms.sandbox.release();
    sleeper.signal("CONT");
    assert_eq!(
        reader.await.unwrap().ok()["accessToken"],
        newest,
        "it answers with the pair that is newer than its own"
    );
    assert_eq!(
        scene.generation(id).await,
        2,
        "and has not put its own in the place of that"
    );
    assert_eq!(
        app.post(
            USER,
            &format!("/api/integrations/refresh/acme/{id}"),
            Value::Null
        )
        .await
        .status,
        200
    );
    sleeper.wait_for("\"stored\":false");
}

/// Where a process dies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    /// It holds the lease, and has sent nothing.
    BeforeTheCall,
    /// It has sent the request, which the platform never gets to.
    AfterSending,
    /// The platform has rotated the pair, and its answer is on the way.
    BeforeTheReply,
    /// The answer has just arrived, or is about to.
    AfterTheReply,
    /// The new pair waits for a row lock.
    BeforeTheCommit,
    /// The new pair has been stored.
    AfterTheCommit,
}

impl Step {
    const ALL: [Self; 6] = [
        Self::BeforeTheCall,
        Self::AfterSending,
        Self::BeforeTheReply,
        Self::AfterTheReply,
        Self::BeforeTheCommit,
        Self::AfterTheCommit,
    ];

    /// Whether a strict platform has given out a pair by then that nobody can have kept.
    fn may_lose(self) -> bool {
        matches!(
            self,
            Self::BeforeTheReply | Self::AfterTheReply | Self::BeforeTheCommit
        )
    }
}

fn kills() -> usize {
    number_from("EVERGRANT_KILLS", 24)
}

/// A process that has not died yet.
type Living = (Program, App);

impl Scene {
    /// Lets the process die at this step of renewing the account; one that need not die for it
    /// comes back.
    async fn die_at(&self, step: Step, (program, app): Living, id: &str) -> Option<Living> {
        let before = self.calls();
        match step {
            Step::BeforeTheCall => {
                self.take_a_lease_and_die(id).await;
                return Some((program, app));
            }
            Step::AfterSending => {
                let never = Fault::new("acme", REFRESH, FaultKind::Respond).latency_ms(600_000);
                self.platforms.sandbox.force_next(never).unwrap();
            }
            Step::AfterTheCommit => {}
            _ => self.hold(1),
        }
        let asked = path(id);
        let reader = tokio::spawn(async move { drop(app.try_get(USER, &asked).await) });
        self.called(before + 1).await;
        let mut lock = None;
        match step {
            Step::AfterTheReply => {
                self.platforms.sandbox.release();
                // From before the answer has arrived until after the new pair is stored.
                tokio::time::sleep(Duration::from_micros(500 * (before % 16))).await;
            }
            Step::BeforeTheCommit => lock = Some(self.a_writer_waits(id).await),
            Step::AfterTheCommit => until(async || self.generation(id).await == 2).await,
            _ => {}
        }
        program.kill();
        self.platforms.sandbox.release();
        self.let_writers_go().await;
        drop((reader.await, lock));
        None
    }

    /// What is left of a process that has died between the commit of its lease and the first byte
    /// to the platform.
    async fn take_a_lease_and_die(&self, id: &str) {
        let store = Store::open(&self.database.url).await.unwrap();
        let (acme, account) = (
            ProviderSlug::new("acme").unwrap(),
            ProviderAccountId::new(id).unwrap(),
        );
        let held = store
            .connections()
            .owned(i64::from(USER).try_into().unwrap(), &acme, &account)
            .await
            .unwrap()
            .unwrap();
        let asker = LeaseRequest {
            seen: held.lease.generation,
            settled_for_ms: 60_000,
        };
        let taken = store
            .refreshes()
            .take_lease(held.id, asker, "dying", SystemClock.now().plus_seconds(20))
            .await
            .unwrap();
        assert!(matches!(taken, LeaseAnswer::Leased(_)), "{taken:?}");
    }

    /// Locks the account's row, lets the platform's answer go, and waits until the new pair waits
    /// for the lock.
    async fn a_writer_waits(&self, id: &str) -> OpenTransaction {
        let lock =
            format!("SELECT 1 FROM oauth_accounts WHERE provider_account_id = '{id}' FOR UPDATE");
        let lock = self.database.begin(&lock).await;
        self.platforms.sandbox.release();
        self.database.lock_is_waited_for().await;
        lock
    }

    /// Ends what holds row locks, after those have gone who waited for them.
    async fn let_writers_go(&self) {
        let end = "SELECT pg_terminate_backend(pid)::text FROM pg_stat_activity
            WHERE datname = current_database() AND pid <> pg_backend_pid()
            ORDER BY state = 'idle in transaction'";
        self.database.texts(end).await;
    }

    /// What the next process makes of the account: `None` where the grant lives, else why it does
    /// not.
    async fn reason_of_loss(&self, (_, app): &Living, id: &str) -> Option<String> {
        let answer = app.get(USER, &path(id)).await;
        if answer.status == 200 {
            let token = answer.body["accessToken"].as_str().unwrap();
            assert!(
                self.platforms.takes(token).await,
                "a token was served that does not work"
            );
            let again = app
                .post(
                    USER,
                    &format!("/api/integrations/refresh/acme/{id}"),
                    Value::Null,
                )
                .await;
            assert_eq!(
                again.status, 200,
                "the refresh token that was stored is the newest: {again:?}"
            );
            return None;
        }
        assert_eq!(answer.code(409), "RECONNECT_REQUIRED");
        let list = app.get(USER, "/api/integrations/status").await.ok();
        let row = list["integrations"]
            .as_array()
            .unwrap()
            .iter()
            .find(|one| one["providerAccountId"] == id);
        Some(
            row.unwrap()["statusReason"]
                .as_str()
                .unwrap_or("no reason")
                .to_owned(),
        )
    }

    /// Lets as many processes die as are asked for, at each step in turn. What was lost, by step.
    async fn kill_many(&self, kills: usize) -> BTreeMap<String, usize> {
        let (mut living, mut losses) = (self.serve(&[]), BTreeMap::new());
        for (number, step) in Step::ALL.into_iter().cycle().take(kills).enumerate() {
            let id = format!("killed-{number}");
            self.expired(std::slice::from_ref(&id)).await;
            let survivor = self.die_at(step, living, &id).await;
            self.leases_run_out().await;
            living = survivor.unwrap_or_else(|| self.serve(&[]));
            if let Some(reason) = self.reason_of_loss(&living, &id).await {
                assert_eq!(reason, "LOST_IN_FLIGHT", "{step:?}");
                assert!(
                    step.may_lose(),
                    "{step:?} has lost a pair that the platform never gave out, or that was stored"
                );
                *losses.entry(format!("{step:?}")).or_default() += 1;
            }
        }
        losses
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a8_processes_killed_at_every_step_lose_nothing_inside_the_platforms_window() {
    let scene = Scene::new(30).await;
    let losses = scene.kill_many(kills()).await;
    assert_eq!(losses, BTreeMap::new(), "of {} killed", kills());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[expect(
    clippy::print_stderr,
    reason = "how much was lost is what the test has to say beside its result"
)]
async fn a8_what_killed_processes_lose_at_a_strict_platform_is_called_lost_in_flight() {
    let scene = Scene::new(0).await;
    let losses = scene.kill_many(kills()).await;
    eprintln!(
        "A8: of {} processes killed beside a strict platform, lost in flight: {losses:?}",
        kills()
    );
    assert!(
        losses.contains_key("BeforeTheReply"),
        "a platform that is strict does not forgive this: {losses:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a9_a_process_killed_while_the_database_takes_no_writes_has_kept_its_pairs() {
    let (scene, data) = (Scene::new(0).await, Folder::new());
    let ids: Vec<_> = (0..40).map(|number| format!("kept-{number}")).collect();
    let settings = [("EVERGRANT_DATA_DIR", data.path().to_str().unwrap())];
    let (program, app) = scene.serve(&settings);
    scene.expired(&ids).await;
    scene.hold(40);
    let app = Arc::new(app);
    let mut readers = JoinSet::new();
    for id in ids.clone() {
        let app = Arc::clone(&app);
        readers.spawn(async move { app.get(USER, &path(&id)).await.status });
    }
    scene.called(40).await;
    scene.takes_writes(false).await;
    scene.platforms.sandbox.release();
    assert!(
        readers.join_all().await.iter().all(|status| *status == 200),
        "whoever waited gets the new token"
    );
    let health = App::new(program.admin_url(), "").get(USER, "/readyz").await;
    assert_eq!(
        (health.status.as_u16(), &health.body["pendingWrites"]),
        (503, &json!(40))
    );
    program.kill();

    scene.takes_writes(true).await;
    // Nothing but the journal keeps the next process from sending the spent tokens once more.
    scene.leases_run_out().await;
    let living = scene.serve(&settings);
    for id in &ids {
        until(async || living.1.get(USER, &path(id)).await.status != 503).await;
        assert_eq!(scene.reason_of_loss(&living, id).await, None, "{id}");
    }
    assert_eq!(scene.calls(), 80, "40, and 40 to see that the grants live");
}

impl Scene {
    async fn takes_writes(&self, taken: bool) {
        let name = self.database.url.rsplit_once('/').unwrap().1;
        let read_only = if taken { "off" } else { "on" };
        let alter =
            format!("ALTER DATABASE {name} SET default_transaction_read_only = {read_only}");
        self.database
            .execute(&format!("BEGIN READ WRITE; {alter}; COMMIT"))
            .await;
        self.let_writers_go().await;
    }
}
