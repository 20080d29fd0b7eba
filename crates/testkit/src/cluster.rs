//! A PostgreSQL server for one test, for settings that concern the whole server.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use crate::databases::{SERVER_VARIABLE, TestDatabase};

/// A PostgreSQL server of its own, stopped when it is dropped.
pub struct Cluster {
    process: Child,
    url: String,
    standby: Option<String>,
}

/// The variable with the URL of the standby, set by `scripts/with-postgres --standby`.
const STANDBY_VARIABLE: &str = "EVERGRANT_TEST_STANDBY";

impl Cluster {
    /// Starts a server by `scripts/with-postgres`, which removes it when its input ends.
    #[must_use]
    pub fn start() -> Self {
        Self::start_with(&[])
    }

    /// Starts a server, and a standby that replicates it.
    #[must_use]
    pub fn start_with_standby() -> Self {
        Self::start_with(&["--standby"])
    }

    fn start_with(options: &[&str]) -> Self {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scripts/with-postgres");
        let print_and_wait =
            format!("echo \"${SERVER_VARIABLE} ${STANDBY_VARIABLE}\"; cat >/dev/null");
        let mut process = Command::new(script)
            .args(options)
            .args(["sh", "-c", &print_and_wait])
            .env_remove(SERVER_VARIABLE)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("scripts/with-postgres can be started");
        let output = process.stdout.take().expect("the output is piped");
        let mut line = String::new();
        BufReader::new(output)
            .read_line(&mut line)
            .expect("the server starts");
        let mut urls = line.split_whitespace().map(str::to_owned);
        Self {
            process,
            url: urls.next().expect("the script prints the URL"),
            standby: urls.next(),
        }
    }

    /// Returns the database of the standby.
    #[must_use]
    pub fn standby(&self) -> TestDatabase {
        TestDatabase::at(self.standby_url())
    }

    fn standby_url(&self) -> &str {
        self.standby.as_deref().expect("the cluster has a standby")
    }

    /// Returns a URL with both servers, of which the one is used that accepts writes.
    #[must_use]
    pub fn url_of_both(&self) -> String {
        let host = |url: &str| {
            let (_, rest) = url.split_once('@').expect("the URL has a user");
            rest.split('/').next().map(str::to_owned)
        };
        let hosts: Vec<_> = [&self.url, self.standby_url()]
            .iter()
            .filter_map(|url| host(url))
            .collect();
        let hosts = hosts.join(",");
        format!("postgres://postgres@{hosts}/postgres?target_session_attrs=read-write")
    }

    /// Waits until the standby has what the primary has committed, then ends the replication:
    /// later commits are lost in a failover.
    pub async fn end_replication(&self) {
        let written = "SELECT pg_current_wal_lsn()::text";
        let written = self.database().texts(written).await.remove(0);
        let replayed = format!("SELECT 'x' WHERE pg_last_wal_replay_lsn() >= '{written}'");
        let standby = self.standby();
        while standby.texts(&replayed).await.is_empty() {}
        standby
            .execute("ALTER SYSTEM SET primary_conninfo = ''")
            .await;
        standby.execute("SELECT pg_reload_conf()").await;
        let receiving = "SELECT 'x' FROM pg_stat_wal_receiver";
        while !standby.texts(receiving).await.is_empty() {}
    }

    /// Stops the primary at once, as a crash does, and makes the standby the primary.
    pub async fn fail_over(&self) {
        let process = "SELECT split_part(pg_read_file('postmaster.pid'), E'\n', 1)";
        let process = self.database().texts(process).await.remove(0);
        let killed = Command::new("kill").args(["-QUIT", &process]).status();
        assert!(killed.expect("kill can be started").success());
        self.standby().execute("SELECT pg_promote()").await;
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
