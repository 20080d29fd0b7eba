//! A connection pooler in front of the PostgreSQL server of the tests.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// The exit code of `scripts/with-pgbouncer` if there is no PgBouncer.
const UNAVAILABLE: i32 = 69;

/// PgBouncer in transaction mode, with 5 sessions of the server. Stopped when it is dropped.
pub struct Pooler {
    process: Child,
    /// The address to connect to.
    pub address: SocketAddr,
}

impl Pooler {
    /// Starts PgBouncer in front of the server at `target`, for example `127.0.0.1:5432`.
    /// `settings` are lines for its section `[pgbouncer]`.
    ///
    /// `None` if this machine has no PgBouncer and none can be downloaded; the test then reports
    /// that it was skipped.
    ///
    /// # Panics
    ///
    /// If PgBouncer does not start, or there is none in continuous integration, where `CI` is set.
    #[must_use]
    #[expect(clippy::print_stderr, reason = "the test reports that it was skipped")]
    pub fn start(target: &str, settings: &str) -> Option<Self> {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scripts/with-pgbouncer");
        let print_and_wait = "echo \"$EVERGRANT_TEST_PGBOUNCER\"; cat >/dev/null";
        let mut process = Command::new(script)
            .args([target, "sh", "-c", print_and_wait])
            .env("EVERGRANT_TEST_PGBOUNCER_SETTINGS", settings)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("scripts/with-pgbouncer can be started");
        let output = process.stdout.take().expect("the output is piped");
        let mut address = String::new();
        let printed = BufReader::new(output).read_line(&mut address);
        if printed.expect("the output can be read") > 0 {
            let address = address.trim_end().parse().expect("an address is printed");
            return Some(Self { process, address });
        }
        let status = process.wait().expect("the script can be waited for");
        assert_eq!(status.code(), Some(UNAVAILABLE), "PgBouncer does not start");
        assert!(
            std::env::var_os("CI").is_none(),
            "there is no PgBouncer to test with"
        );
        eprintln!("SKIPPED: there is no PgBouncer to test with, and none can be downloaded");
        None
    }
}

impl Drop for Pooler {
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        let _ = self.process.wait();
    }
}
