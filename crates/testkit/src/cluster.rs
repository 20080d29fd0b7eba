//! A PostgreSQL server for one test, for settings that concern the whole server.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use crate::databases::{SERVER_VARIABLE, TestDatabase};

/// A PostgreSQL server of its own, stopped when it is dropped.
pub struct Cluster {
    process: Child,
    url: String,
}

impl Cluster {
    /// Starts a server by `scripts/with-postgres`, which removes it when its input ends.
    #[must_use]
    pub fn start() -> Self {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scripts/with-postgres");
        let print_and_wait = format!("echo \"${SERVER_VARIABLE}\"; cat >/dev/null");
        let mut process = Command::new(script)
            .args(["sh", "-c", &print_and_wait])
            .env_remove(SERVER_VARIABLE)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("scripts/with-postgres can be started");
        let output = process.stdout.take().expect("the output is piped");
        let mut url = String::new();
        BufReader::new(output)
            .read_line(&mut url)
            .expect("the server starts");
        Self {
            process,
            url: url.trim_end().to_owned(),
        }
    }

    /// Returns the server's database.
    #[must_use]
    pub fn database(&self) -> TestDatabase {
        TestDatabase::at(&self.url)
    }

    /// Makes durable commits wait for a standby that does not exist, or stop waiting. Returns when
    /// this has taken effect, which is some time after the server has read the setting.
    pub async fn require_missing_standby(&self, is_required: bool) {
        let name = if is_required { "missing" } else { "" };
        let database = self.database();
        database
            .execute(&format!(
                "ALTER SYSTEM SET synchronous_standby_names = '{name}'"
            ))
            .await;
        database.execute("SELECT pg_reload_conf()").await;
        if is_required {
            while !self.commit_waits().await {}
        } else {
            database.execute(DURABLE_COMMIT).await;
        }
    }

    /// Returns whether a durable commit waits, and cancels the wait.
    async fn commit_waits(&self) -> bool {
        let database = self.database();
        let commit = tokio::spawn({
            let database = self.database();
            async move { database.execute(DURABLE_COMMIT).await }
        });
        let cancel = "SELECT pg_cancel_backend(pid)::text FROM pg_stat_activity
            WHERE wait_event = 'SyncRep' AND query LIKE '%pg_logical_emit_message%'";
        while !commit.is_finished() {
            if !database.texts(cancel).await.is_empty() {
                commit.await.expect("the commit succeeds with a warning");
                return true;
            }
        }
        false
    }
}

/// A commit that waits for the standby if one is required.
const DURABLE_COMMIT: &str =
    "SET synchronous_commit = on; SELECT pg_logical_emit_message(true, 'evergrant', '')";

impl Drop for Cluster {
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        let _ = self.process.wait();
    }
}
