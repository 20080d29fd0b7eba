//! The setup of the tests of refreshes: processes, a simulated Acme, and their database.

use std::sync::Arc;
use std::time::Duration;

use evergrant_encryption::{EncryptionKey, KeyRing, TokenCipher};
use evergrant_model::{Clock, OsEntropy, SignedDuration, SystemClock};
use evergrant_sandbox::{Fault, FaultKind, RefreshMode, Switch, acme_definition};
use evergrant_testkit::{ExternalAccount, TestDatabase, insert_accounts};
use serde_json::Value;

use crate::client::{ApiResponse, App};
use crate::program::{Folder, KEY, Program};
use crate::simulation::Simulation;

pub(crate) const REFRESH: &str = "token.refresh_token";

/// The user of the connections.
pub(crate) const USER: i32 = 7;

/// A simulation, and the database that the processes share.
pub(crate) struct Scene {
    pub(crate) simulation: Simulation,
    pub(crate) database: TestDatabase,
    folder: Folder,
}

impl Scene {
    /// Creates a scene whose provider Acme accepts a used refresh token again for
    /// `replay_window_seconds`. With 0, Acme rotates strictly.
    pub(crate) async fn new(replay_window_seconds: i64) -> Self {
        Self::on(TestDatabase::postgres().await, replay_window_seconds).await
    }

    /// Creates a scene like [`new`](Self::new) on this database.
    pub(crate) async fn on(database: TestDatabase, replay_window_seconds: i64) -> Self {
        let (simulation, folder) = (Simulation::start().await, Folder::new());
        let window = format!("tokens.replay_window_seconds = {replay_window_seconds}\n");
        let definition = format!("{}{window}", acme_definition(simulation.base_url()));
        std::fs::write(folder.path().join("evergrant.toml"), definition).unwrap();
        let mode = if replay_window_seconds > 0 {
            RefreshMode::RotateGrace
        } else {
            RefreshMode::RotateStrict
        };
        let sandbox = &simulation.sandbox;
        sandbox.set("acme", Switch::RefreshToken(mode)).unwrap();
        sandbox.set("acme", Switch::TokenQuota(1_000_000)).unwrap();
        let scene = Self {
            simulation,
            database,
            folder,
        };
        let (program, app) = scene.serve(&[]);
        app.create_user(USER).await;
        program.kill();
        scene
    }

    /// Starts a process.
    pub(crate) fn serve(&self, env: &[(&str, &str)]) -> (Program, App) {
        let config = self.folder.path().join("evergrant.toml");
        let mut settings = vec![("EVERGRANT_CONFIG", config.to_str().unwrap())];
        settings.extend(env);
        self.simulation.serve_with(&self.database, &settings)
    }

    /// Inserts accounts of [`USER`] whose tokens have expired.
    pub(crate) async fn insert_expired(&self, ids: &[String]) {
        let accounts: Vec<_> = ids.iter().map(|id| (USER, id.clone())).collect();
        self.insert_expired_of(&accounts).await;
    }

    /// Inserts accounts, each a user and an account id, whose tokens have expired.
    pub(crate) async fn insert_expired_of(&self, accounts: &[(i32, String)]) {
        let ring = KeyRing::new(EncryptionKey::parse(KEY).unwrap(), Vec::new());
        let account = |(user, id): &(i32, String)| ExternalAccount {
            user: *user,
            provider: "acme".to_owned(),
            id: id.clone(),
            tokens: self.simulation.sandbox.tokens("acme", "juniper").unwrap(),
            expires_at: SystemClock.now() - SignedDuration::from_secs(60),
        };
        let cipher = TokenCipher::new(ring, Arc::new(OsEntropy));
        let accounts: Vec<_> = accounts.iter().map(account).collect();
        insert_accounts(&self.database, &cipher, &accounts).await;
    }

    /// Returns the number of refresh requests that Acme received.
    pub(crate) fn refreshes(&self) -> u64 {
        self.simulation.sandbox.calls().get("acme", REFRESH)
    }

    /// Waits until Acme has received `count` refresh requests.
    pub(crate) async fn wait_for_refreshes(&self, count: u64) {
        until(async || self.refreshes() >= count).await;
    }

    /// Makes Acme hold its responses to the next `count` refresh requests until
    /// [`release_responses`](Self::release_responses).
    pub(crate) fn hold_responses(&self, count: u32) {
        let fault = Fault::new("acme", REFRESH, FaultKind::Hold).times(count);
        self.simulation.sandbox.inject_fault(fault).unwrap();
    }

    /// Makes Acme send the responses that it holds.
    pub(crate) fn release_responses(&self) {
        self.simulation.sandbox.release();
    }

    /// Makes Acme receive the next refresh request without processing it for ten minutes.
    pub(crate) fn stall_next_refresh(&self) {
        let fault = Fault::new("acme", REFRESH, FaultKind::Respond).latency_ms(600_000);
        self.simulation.sandbox.inject_fault(fault).unwrap();
    }

    /// Moves the expiry of all leases a minute into the past, further than any lease lasts.
    pub(crate) async fn expire_leases(&self) {
        let update = "UPDATE evergrant_connections SET lease_expires_at = lease_expires_at - interval '1 minute',
            in_doubt_since = in_doubt_since - interval '1 minute' WHERE lease_expires_at IS NOT NULL";
        self.database.execute(update).await;
    }

    /// Returns the generation of the stored tokens; 0 if there are none.
    pub(crate) async fn generation(&self, id: &str) -> i64 {
        let query = format!(
            "SELECT generation::text FROM evergrant_connections c JOIN oauth_accounts a ON a.id = c.oauth_account_id
            WHERE a.provider_account_id = '{id}'"
        );
        self.database
            .texts(&query)
            .await
            .first()
            .map_or(0, |text| text.parse().unwrap())
    }

    /// Makes the database accept or reject writes, and closes its connections.
    pub(crate) async fn set_writable(&self, is_writable: bool) {
        let name = self.database.url.rsplit_once('/').unwrap().1;
        let read_only = if is_writable { "off" } else { "on" };
        let alter =
            format!("ALTER DATABASE {name} SET default_transaction_read_only = {read_only}");
        self.database
            .execute(&format!("BEGIN READ WRITE; {alter}; COMMIT"))
            .await;
        self.terminate_connections().await;
    }

    /// Terminates the connections to the database. Idle transactions, which hold the locks of a
    /// test, are last, so that queries that wait for a lock do not acquire it.
    pub(crate) async fn terminate_connections(&self) {
        let query = "SELECT pg_terminate_backend(pid)::text FROM pg_stat_activity
            WHERE datname = current_database() AND pid <> pg_backend_pid()
            ORDER BY state = 'idle in transaction'";
        self.database.texts(query).await;
    }
}

/// Waits until `condition` is true.
pub(crate) async fn until(condition: impl AsyncFn() -> bool) {
    let waiting = async {
        while !condition().await {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_mins(2), waiting)
        .await
        .expect("the condition is true in time");
}

/// Returns the path of an account's access token.
pub(crate) fn token_path(id: &str) -> String {
    format!("/api/integrations/token/acme/{id}")
}

/// Refreshes the token of an account.
pub(crate) async fn refresh(app: &App, id: &str) -> ApiResponse {
    let path = format!("/api/integrations/refresh/acme/{id}");
    app.post(USER, &path, Value::Null).await
}
