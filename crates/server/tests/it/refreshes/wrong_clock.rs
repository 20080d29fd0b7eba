//! A process whose machine has a wrong clock, which Debian's libfaketime provides. Without the
//! library, the test reports that it is ignored.

use std::path::Path;

use serde_json::json;

use super::scene::{Scene, USER, token_path, until};
use crate::client::App;
use crate::program::Folder;

const LIBRARY: &str = "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1";
const ACCOUNTS: usize = 10;
const DAY_SECONDS: i64 = 86_400;

/// A machine whose clock a test sets.
struct Machine {
    folder: Folder,
    library: String,
}

impl Machine {
    /// Returns a machine with the right time; `None` without libfaketime.
    /// `EVERGRANT_TEST_FAKETIME` is the path of a library that is not installed.
    #[expect(
        clippy::print_stderr,
        reason = "the output of the tests says what was not tested"
    )]
    fn new() -> Option<Self> {
        let library = evergrant_testkit::number_from("EVERGRANT_TEST_FAKETIME", LIBRARY.to_owned());
        if !Path::new(&library).exists() {
            eprintln!("ignored: {library} does not exist");
            return None;
        }
        let folder = Folder::new();
        let machine = Self { folder, library };
        machine.set_ahead(0);
        Some(machine)
    }

    fn time_file(&self) -> String {
        let file = self.folder.path().join("time");
        file.to_str().unwrap().to_owned()
    }

    fn set_ahead(&self, seconds: i64) {
        std::fs::write(self.time_file(), format!("{seconds:+}\n")).unwrap();
    }

    /// Returns the environment of a process on this machine.
    fn environment(&self) -> [(&'static str, String); 5] {
        [
            ("LD_PRELOAD", self.library.clone()),
            ("FAKETIME_TIMESTAMP_FILE", self.time_file()),
            ("FAKETIME_NO_CACHE", "1".to_owned()),
            ("FAKETIME_DONT_FAKE_MONOTONIC", "1".to_owned()),
            ("NO_FAKE_STAT", "1".to_owned()),
        ]
    }
}

/// Reads the tokens of all accounts, and asserts that the provider accepts them.
async fn read_all(scene: &Scene, app: &App, ids: &[String]) {
    for id in ids {
        let token = app.get(USER, &token_path(id)).await.ok();
        let token = token["accessToken"].as_str().unwrap().to_owned();
        assert!(scene.simulation.accepts_token(&token).await, "{id}");
    }
}

/// Returns how many stored times cannot be true.
async fn wrong_times(scene: &Scene) -> usize {
    let wrong =
        "SELECT 'token' FROM oauth_accounts WHERE expires_at > localtimestamp + interval '2 hours'
        UNION ALL SELECT 'issue' FROM evergrant_connections WHERE issued_at > localtimestamp
        UNION ALL SELECT 'event' FROM evergrant_events WHERE created_at > localtimestamp";
    let in_utc = wrong.replace("localtimestamp", "(clock_timestamp() AT TIME ZONE 'utc')");
    scene.database.texts(&in_utc).await.len()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn process_with_a_wrong_clock_stores_no_wrong_time() {
    let Some(machine) = Machine::new() else {
        return;
    };
    let scene = Scene::new(0).await;
    let ids: Vec<_> = (0..ACCOUNTS).map(|index| format!("a{index}")).collect();
    for ahead in [3600, -3600, 400 * DAY_SECONDS] {
        machine.set_ahead(ahead);
        let before = scene.refreshes();
        scene.insert_expired(&ids).await;
        let environment = machine.environment();
        let environment: Vec<_> = environment.iter().map(|(k, v)| (*k, v.as_str())).collect();
        let (wrong, app) = scene.serve(&environment);
        let (right, other) = scene.serve(&[]);
        read_all(&scene, &app, &ids).await;
        read_all(&scene, &other, &ids).await;
        let refreshes = scene.refreshes() - before;
        assert_eq!(refreshes, ACCOUNTS as u64, "{ahead} seconds");
        assert_eq!(wrong_times(&scene).await, 0, "{ahead} seconds");
        let admin = App::new(wrong.admin_url(), "");
        until(async || admin.get(USER, "/readyz").await.status == 200).await;
        let health = admin.get(USER, "/readyz").await.body;
        assert_eq!(health["status"], json!("degraded"), "{health}");
        let health = App::new(right.admin_url(), "").get(USER, "/readyz").await;
        assert_eq!(health.body, json!({"status": "ok"}));
        wrong.wait_for("the clock of this machine differs from the database's");
        wrong.kill();
        right.kill();
        scene.database.execute("DELETE FROM oauth_accounts").await;
    }
}
