//! A21: a database that is unreachable, hangs or is read-only. Fresh tokens are served from memory,
//! no refresh starts, and every read is answered in time.

use std::time::{Duration, Instant};

use evergrant_model::{ErrorCode, SignedDuration, UserId};
use evergrant_service::IntegrationsService;
use evergrant_store::Store;
use evergrant_testkit::{TestDatabase, Wire, WireState, on_postgres};

use crate::harness::{ACME_LIFETIME_SECONDS, REFRESH, TestEnv, reconcile, until};

on_postgres!(
    a21_fresh_tokens_are_served_while_database_is_unreachable,
    a21_fresh_tokens_are_served_while_database_hangs,
    a21_fresh_tokens_are_served_while_database_is_read_only,
    externally_locked_row_is_not_an_outage,
);

/// Longest duration of a read during an outage. A read takes far less on an idle machine.
const MAX_READ_TIME: Duration = Duration::from_secs(10);
/// Longest time from the end of an outage to the first refresh.
const MAX_RECOVERY_TIME: Duration = Duration::from_secs(25);

/// Makes the database read-only or writable, and ends all other connections to it.
pub(crate) async fn set_writable(database: &TestDatabase, writable: bool) {
    let name = database.url.rsplit_once('/').unwrap().1;
    let read_only = if writable { "off" } else { "on" };
    let others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE datname = current_database() AND pid <> pg_backend_pid()";
    let alter = format!("ALTER DATABASE {name} SET default_transaction_read_only = {read_only}");
    database
        .execute(&format!("BEGIN READ WRITE; {alter}; COMMIT; {others}"))
        .await;
}

/// Runs the background jobs of a serving process.
pub(crate) fn spawn_jobs(service: &IntegrationsService) {
    let service = service.clone();
    tokio::spawn(async move { service.process().run(std::future::pending()).await });
}

/// A user with three accounts at Acme, whose service reaches the database through a [`Wire`].
struct Scene {
    env: TestEnv,
    wire: Wire,
    user: UserId,
    /// Account with a fresh token in memory.
    cached: String,
    /// Account with a fresh token that is not in memory.
    uncached: String,
    /// Account whose token expires before the outage, see [`Scene::expire`].
    expired: String,
}

impl Scene {
    async fn new(database: TestDatabase) -> Self {
        let wire = Wire::to(database.server()).await;
        let store = Store::open(&database.url_through(wire.address))
            .await
            .unwrap();
        let env = TestEnv::with_store(database, store).await;
        spawn_jobs(&env.service);
        let expires_at = env.now() + SignedDuration::from_secs(ACME_LIFETIME_SECONDS);
        let (user, external) = env.user_with_accounts("acme", 1, expires_at).await;
        reconcile(&env.service).await.unwrap();
        let cached = env.connect(user, "acme", "juniper").await;
        let uncached = env.connect(user, "acme", "kiln").await;
        assert!(env.read(user, "acme", &cached).await.is_ok());
        let [expired] = external.try_into().unwrap();
        let scene = Self {
            env,
            wire,
            user,
            cached,
            uncached,
            expired,
        };
        until(async || scene.is_healthy().await).await;
        scene
    }

    async fn is_healthy(&self) -> bool {
        self.env.service.process().health().await.is_healthy()
    }

    /// Expires the token that has not been read yet, without letting a background job refresh it.
    async fn expire(&self) {
        let past = self.env.now() - SignedDuration::from_secs(60);
        let sql = format!(
            "UPDATE oauth_accounts SET expires_at = '{past}' WHERE provider_account_id = '{}';
            UPDATE evergrant_connections SET next_refresh_at = NULL",
            self.expired
        );
        self.env.database.execute(&sql).await;
    }

    /// Reads a token and asserts that the read is answered within [`MAX_READ_TIME`].
    async fn read(&self, account: &str) -> Result<String, ErrorCode> {
        let started = Instant::now();
        let answer = self.env.read(self.user, "acme", account).await;
        assert!(
            started.elapsed() < MAX_READ_TIME,
            "{account} took {:?}",
            started.elapsed()
        );
        answer
    }

    /// Asserts what is served during an outage, and that no refresh starts.
    async fn assert_degraded(&self, uncached_is_readable: bool) {
        let calls = self.env.calls("acme", REFRESH);
        // Few rounds: tokens in memory are trusted for 30 seconds without a word of the database.
        for _ in 0..4 {
            assert!(
                self.read(&self.cached).await.is_ok(),
                "a fresh token in memory is served"
            );
            assert_eq!(
                self.read(&self.uncached).await.is_ok(),
                uncached_is_readable
            );
            let error = self.read(&self.expired).await.unwrap_err();
            assert!(
                matches!(error, ErrorCode::DatabaseError | ErrorCode::Overloaded),
                "{error}"
            );
        }
        assert!(
            self.env
                .refresh(self.user, "acme", &self.cached)
                .await
                .is_err(),
            "a forced refresh fails"
        );
        assert_eq!(self.env.calls("acme", REFRESH), calls, "no refresh starts");
        until(async || !self.is_healthy().await).await;
    }

    /// Asserts that the service recovers within [`MAX_RECOVERY_TIME`] after an outage.
    async fn assert_recovers(&self) {
        let started = Instant::now();
        until(async || self.is_healthy().await).await;
        until(async || self.expired_is_readable().await).await;
        assert!(
            started.elapsed() < MAX_RECOVERY_TIME,
            "{:?}",
            started.elapsed()
        );
        assert!(self.read(&self.uncached).await.is_ok());
    }

    async fn expired_is_readable(&self) -> bool {
        self.env
            .read(self.user, "acme", &self.expired)
            .await
            .is_ok()
    }
}

async fn a21_fresh_tokens_are_served_while_database_is_unreachable(database: TestDatabase) {
    let scene = Scene::new(database).await;
    scene.expire().await;
    scene.wire.set(WireState::Cut);
    scene.assert_degraded(false).await;
    scene.wire.set(WireState::Open);
    scene.assert_recovers().await;
}

async fn a21_fresh_tokens_are_served_while_database_hangs(database: TestDatabase) {
    let scene = Scene::new(database).await;
    scene.expire().await;
    scene.wire.set(WireState::Held);
    scene.assert_degraded(false).await;
    // The server that takes over does not know the connections that hung.
    scene.wire.set(WireState::Cut);
    scene.wire.set(WireState::Open);
    scene.assert_recovers().await;
}

async fn a21_fresh_tokens_are_served_while_database_is_read_only(database: TestDatabase) {
    let scene = Scene::new(database).await;
    scene.expire().await;
    set_writable(&scene.env.database, false).await;
    until(async || !scene.is_healthy().await).await;
    scene.assert_degraded(true).await;
    set_writable(&scene.env.database, true).await;
    scene.assert_recovers().await;
}

/// The host application may lock a row of the shared tables for any length of time.
async fn externally_locked_row_is_not_an_outage(database: TestDatabase) {
    let scene = Scene::new(database).await;
    scene.expire().await;
    let (env, user) = (&scene.env, scene.user);
    let id = env.row(user, "acme", &scene.expired).await.id.get();
    let locks = format!(
        "SELECT 1 FROM oauth_accounts WHERE id = {id} FOR UPDATE;
        UPDATE evergrant_connections SET failures = 0 WHERE oauth_account_id = {id}"
    );
    let locker = env.database.begin(&locks).await;
    assert!(scene.read(&scene.expired).await.is_err());
    for _ in 0..5 {
        until(async || scene.read(&scene.uncached).await.is_ok()).await;
        until(async || env.refresh(user, "acme", &scene.cached).await.is_ok()).await;
    }
    locker.commit().await;
    until(async || scene.expired_is_readable().await).await;
}
