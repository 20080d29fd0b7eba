//! The log has every server error with its causes and its correlation id, also where the response
//! is not a problem document.

use std::io;
use std::sync::{Arc, Mutex};

use serde_json::json;
use tracing::subscriber::DefaultGuard;
use tracing_subscriber::fmt::MakeWriter;

use crate::harness::Harness;

const JUNIPER: &str = "sim9z";
const TOKEN: &str = "/api/integrations/token/reddit/sim9z";

/// The lines that this thread has logged since the creation.
pub(crate) struct ErrorLog {
    lines: Lines,
    _guard: DefaultGuard,
}

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Lines {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

impl ErrorLog {
    pub(crate) fn start() -> Self {
        let lines = Lines::default();
        let subscriber = tracing_subscriber::fmt()
            .with_ansi(false)
            .with_writer(lines.clone())
            .finish();
        Self {
            lines,
            _guard: tracing::subscriber::set_default(subscriber),
        }
    }

    /// Returns the lines that contain `text`.
    pub(crate) fn lines_with(&self, text: &str) -> Vec<String> {
        let log = String::from_utf8_lossy(&self.lines.0.lock().unwrap()).into_owned();
        let lines = log.lines().filter(|line| line.contains(text));
        lines.map(str::to_owned).collect()
    }

    /// Returns the one line about a failed request. The lines of the service are left out.
    pub(crate) fn failure(&self) -> String {
        let log = String::from_utf8_lossy(&self.lines.0.lock().unwrap()).into_owned();
        let mut failures = log.lines().filter(|line| line.contains("request failed"));
        let failure = failures.next();
        let failure = failure.unwrap_or_else(|| panic!("no request failed: {log}"));
        assert_eq!(failures.next(), None, "{log}");
        failure.to_owned()
    }
}

#[tokio::test]
async fn failed_account_of_a_batch_is_logged() {
    let harness = Harness::new().await;
    harness.connect(1, "juniper").await;
    let other = "0".repeat(32);
    let update = format!("UPDATE oauth_accounts SET access_token = '{other}:{other}:00'");
    harness.database.execute(&update).await;
    harness.clock.advance_seconds(60);
    let app = harness.app_for(1).await;
    let log = ErrorLog::start();
    let body = json!({"accounts": [{"provider": "reddit", "accountId": JUNIPER}]});
    let response = app.post("/api/integrations/tokens", body).await;
    let id = response.json()["tokens"][0]["error"]["correlationId"].clone();
    let line = log.failure();
    assert!(
        line.contains(&format!("correlation_id={}", id.as_str().unwrap())),
        "{line}"
    );
    assert!(
        line.contains("the stored token could not be decrypted"),
        "{line}"
    );
}

#[tokio::test]
async fn unreachable_database_is_logged_with_its_cause() {
    let harness = Harness::new().await;
    harness.connect(1, "juniper").await;
    let app = harness.app_for(1).await;
    harness.service.process().close().await;
    harness.clock.advance_seconds(60);
    let log = ErrorLog::start();
    assert_eq!(app.get(TOKEN).await.status, 503);
    let line = log.failure();
    assert!(line.contains("closed pool"), "{line}");
}

#[tokio::test]
async fn failed_refresh_is_logged_with_the_platforms_answer() {
    let harness = Harness::new().await;
    harness.connect(1, "juniper").await;
    harness.clock.advance_seconds(2 * 86_400);
    harness.fail_next("token.refresh_token", 503, 100);
    let app = harness.app_for(1).await;
    let log = ErrorLog::start();
    assert_eq!(app.get(TOKEN).await.status, 503);
    let line = log.failure();
    assert!(line.contains("(status 503"), "{line}");
}
