//! Changes that another program makes in the shared tables, and two processes of Evergrant.

use std::time::Duration;

use evergrant_sandbox::{RefreshMode, Switch};
use evergrant_testkit::{TestDatabase, on_both_databases};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::client::App;
use crate::program::{KEY, Program, run};
use crate::simulation::{Simulation, token};

on_both_databases!(
    changes_by_another_program_take_effect_on_two_processes,
    old_row_written_back_is_repaired_on_two_processes,
    spent_token_is_recognized_after_the_key_was_replaced,
);

/// The longest time until a change takes effect. Without triggers it would be 12 to 30 seconds; on
/// an idle machine it is one or two.
const TAKES_EFFECT: Duration = Duration::from_secs(10);
const OLD_OWNER: i32 = 7;
const NEW_OWNER: i32 = 8;

/// Juniper's account at Reddit, connected by [`OLD_OWNER`], and two processes.
struct Shared {
    database: TestDatabase,
    simulation: Simulation,
    processes: [(Program, App); 2],
    account: String,
}

impl Shared {
    async fn new(database: TestDatabase) -> Self {
        let simulation = Simulation::start().await;
        let strict = Switch::RefreshToken(RefreshMode::RotateStrict);
        simulation.sandbox.set("reddit", strict).unwrap();
        let processes = [simulation.serve(&database), simulation.serve(&database)];
        let app = &processes[0].1;
        app.create_user(OLD_OWNER).await;
        app.create_user(NEW_OWNER).await;
        let person = "juniper";
        simulation
            .connect(app, OLD_OWNER, "reddit", person, json!({}))
            .await;
        let status = app.get(OLD_OWNER, "/api/integrations/status").await.ok();
        let account = &status["integrations"][0]["providerAccountId"];
        Self {
            account: account.as_str().unwrap().to_owned(),
            database,
            simulation,
            processes,
        }
    }
}

impl Shared {
    /// Waits until both processes give this answer to a request for the user's access token.
    async fn until_token_is(&self, user: i32, expected: &str) {
        let path = format!("/api/integrations/token/reddit/{}", self.account);
        self.until_both(user, &path, |body| {
            let code = body["code"].as_str();
            code.unwrap_or("issued") == expected
        })
        .await;
    }

    /// Waits until both processes list this number of the user's accounts.
    async fn until_listed(&self, user: i32, accounts: usize) {
        let path = "/api/integrations/status";
        self.until_both(user, path, |body| {
            body["integrations"].as_array().map(Vec::len) == Some(accounts)
        })
        .await;
    }

    /// Waits until the condition holds for the answers of both processes.
    async fn until_both(&self, user: i32, path: &str, holds: impl Fn(&Value) -> bool) {
        let started = Instant::now();
        for (_, app) in &self.processes {
            loop {
                let answer = app.get(user, path).await;
                if holds(&answer.body) {
                    break;
                }
                assert!(started.elapsed() < TAKES_EFFECT, "{path}: {answer:?}");
            }
        }
    }

    async fn stored_tokens(&self) -> (String, String) {
        let mut columns = Vec::new();
        for column in ["access_token", "refresh_token"] {
            let query = format!("SELECT {column} FROM oauth_accounts");
            columns.extend(self.database.texts(&query).await);
        }
        (columns.remove(0), columns.remove(0))
    }

    async fn write(&self, (access, refresh): &(String, String)) {
        let update = format!(
            "UPDATE oauth_accounts SET access_token = '{access}', refresh_token = '{refresh}'"
        );
        self.database.execute(&update).await;
    }

    /// Returns how many rows use each key, as `evergrant keys status` reports it.
    fn rows_by_key(&self, keys: &[(&str, &str)]) -> Vec<i64> {
        let mut env = keys.to_vec();
        env.push(("DATABASE_URL", &self.database.url));
        let status = run(&["keys", "status", "--json"], &env, "");
        assert!(status.status.success(), "{}", status.stderr);
        let status: Value = serde_json::from_str(&status.stdout).unwrap();
        let keys = status["keys"].as_array().unwrap().iter();
        keys.map(|key| key["rows"].as_i64().unwrap()).collect()
    }
}

async fn changes_by_another_program_take_effect_on_two_processes(database: TestDatabase) {
    let shared = Shared::new(database).await;
    // Both processes cache the answers.
    shared.until_token_is(OLD_OWNER, "issued").await;
    shared.until_token_is(NEW_OWNER, "ACCOUNT_NOT_FOUND").await;
    shared.until_listed(OLD_OWNER, 1).await;
    shared.until_listed(NEW_OWNER, 0).await;
    let update = format!("UPDATE oauth_accounts SET user_id = {NEW_OWNER}");
    shared.database.execute(&update).await;
    shared.until_token_is(OLD_OWNER, "ACCOUNT_NOT_FOUND").await;
    shared.until_token_is(NEW_OWNER, "issued").await;
    shared.until_listed(OLD_OWNER, 0).await;
    shared.until_listed(NEW_OWNER, 1).await;
    let delete = format!("DELETE FROM users WHERE id = {NEW_OWNER}");
    shared.database.execute(&delete).await;
    shared.until_token_is(NEW_OWNER, "USER_NOT_FOUND").await;
    let path = "/api/integrations/status";
    let is_unknown = |body: &Value| body["code"] == "USER_NOT_FOUND";
    shared.until_both(NEW_OWNER, path, is_unknown).await;
}

async fn old_row_written_back_is_repaired_on_two_processes(database: TestDatabase) {
    let shared = Shared::new(database).await;
    let [(_, one), (_, other)] = &shared.processes;
    let (account, old) = (&shared.account, shared.stored_tokens().await);
    let refresh = format!("/api/integrations/refresh/reddit/{account}");
    one.post(OLD_OWNER, &refresh, Value::Null).await.ok();
    let newest = shared.stored_tokens().await;
    let served = token(other, OLD_OWNER, "reddit", account).await;
    shared.write(&old).await;
    let written = Instant::now();
    while shared.stored_tokens().await != newest {
        assert!(written.elapsed() < TAKES_EFFECT, "the row is not repaired");
    }
    for app in [one, other] {
        assert_eq!(token(app, OLD_OWNER, "reddit", account).await, served);
    }
    for app in [one, other] {
        app.post(OLD_OWNER, &refresh, Value::Null).await.ok();
    }
    let calls = shared.simulation.sandbox.calls();
    assert_eq!(calls.get("reddit", "token.refresh_token"), 3);
}

/// The copies keep the previous key in use until they are encrypted with the new one.
async fn spent_token_is_recognized_after_the_key_was_replaced(database: TestDatabase) {
    let mut shared = Shared::new(database).await;
    let (account, old) = (shared.account.clone(), shared.stored_tokens().await);
    let refresh = format!("/api/integrations/refresh/reddit/{account}");
    let app = &shared.processes[0].1;
    app.post(OLD_OWNER, &refresh, Value::Null).await.ok();
    let keys = [
        ("TOKEN_ENCRYPTION_KEY", "the key that replaces it"),
        ("TOKEN_ENCRYPTION_KEYS_PREVIOUS", KEY),
    ];
    let serve = || shared.simulation.serve_with(&shared.database, &keys);
    shared.processes = [serve(), serve()];
    shared.write(&old).await;
    let app = &shared.processes[1].1;
    app.post(OLD_OWNER, &refresh, Value::Null).await.ok();
    let calls = shared.simulation.sandbox.calls();
    assert_eq!(calls.get("reddit", "token.refresh_token"), 2);
    assert_eq!(shared.rows_by_key(&keys), [1, 0]);
    let old_copy = format!(
        "UPDATE evergrant_token_copies SET refresh_token = '{}'",
        old.1
    );
    shared.database.execute(&old_copy).await;
    assert_eq!(shared.rows_by_key(&keys), [1, 1]);
}
