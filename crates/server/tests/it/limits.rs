//! A machine that runs out of something: room on the disk, file descriptors.

use std::net::TcpStream;
use std::path::Path;
use std::process::Command;

use evergrant_sandbox::acme_definition;
use evergrant_testkit::TestDatabase;
use serde_json::{Value, json};

use crate::client::App;
use crate::platforms::Platforms;
use crate::program::{Folder, Program};

const REFRESH: &str = "token.refresh_token";

/// A file system of its own, of a few megabytes.
struct Disk(Folder);

impl Disk {
    /// `None` where this user may not mount one.
    fn mount() -> Option<Self> {
        let folder = Folder::new();
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=4m", "tmpfs"])
            .arg(folder.path())
            .output();
        mounted
            .is_ok_and(|ended| ended.status.success())
            .then_some(Self(folder))
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    /// Leaves no room for another page.
    fn fill(&self) {
        let (mut length, mut step) = (0, 1 << 20);
        while step > 0 {
            let grown = std::fs::write(self.path().join("filler"), vec![1; length + step]).is_ok();
            if grown {
                length += step;
            } else {
                step /= 2;
            }
        }
        // The last try has left a file that is cut off where the room ended.
        assert!(std::fs::write(self.path().join("one more"), vec![1; 8192]).is_err());
    }

    fn clear(&self) {
        for name in ["filler", "one more"] {
            let _ = std::fs::remove_file(self.path().join(name));
        }
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount")
            .arg("--lazy")
            .arg(self.path())
            .status();
    }
}

async fn until(condition: impl AsyncFn() -> bool) {
    let waiting = async {
        while !condition().await {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_mins(1), waiting)
        .await
        .expect("what the test waits for comes about");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[expect(
    clippy::print_stderr,
    reason = "a test that cannot be made here says so"
)]
async fn a22_a_full_disk_harms_nothing_and_is_over_when_there_is_room() {
    let Some(disk) = Disk::mount() else {
        return eprintln!("A22 is not tested: this user may not mount a file system");
    };
    let (platforms, folder) = (Platforms::start().await, Folder::new());
    let config = folder.path().join("evergrant.toml");
    std::fs::write(&config, acme_definition(platforms.base())).unwrap();
    let database = TestDatabase::at(&format!(
        "sqlite://{}",
        disk.path().join("evergrant.db").display()
    ));
    let (program, app) =
        platforms.serve_with(&database, &[("EVERGRANT_CONFIG", config.to_str().unwrap())]);
    let admin = App::new(program.admin_url(), "");
    app.make_user(7).await;
    platforms
        .connect(&app, 7, "acme", "juniper", json!({}))
        .await;
    let token = app
        .get(7, "/api/integrations/token/acme/ac-1001")
        .await
        .ok()["accessToken"]
        .clone();
    let refresh = || app.post(7, "/api/integrations/refresh/acme/ac-1001", Value::Null);

    disk.fill();
    until(async || admin.get(7, "/readyz").await.status == 503).await;
    let calls = platforms.sandbox.calls().get("acme", REFRESH);
    for _ in 0..20 {
        assert_eq!(
            app.get(7, "/api/integrations/token/acme/ac-1001")
                .await
                .ok()["accessToken"],
            token
        );
        assert_eq!(refresh().await.status, 503);
    }
    assert_eq!(
        platforms.sandbox.calls().get("acme", REFRESH),
        calls,
        "no renewal begins that could not be stored"
    );

    disk.clear();
    until(async || admin.get(7, "/readyz").await.status == 200).await;
    until(async || refresh().await.status == 200).await;
    assert_eq!(database.texts("PRAGMA integrity_check").await, ["ok"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a26_with_a_hundred_and_twenty_eight_descriptors_it_sheds_and_lives() {
    let folder = Folder::new();
    let url = format!("sqlite://{}", folder.path().join("evergrant.db").display());
    let program = Program::serve_with_files(128, &[("DATABASE_URL", url.as_str())]);
    let (app, admin) = (
        App::new(program.url(), program.api_key()),
        App::new(program.admin_url(), ""),
    );
    app.make_user(7).await;
    let address = program.url().strip_prefix("http://").unwrap().to_owned();
    let crowd: Vec<_> = (0..160).map(|_| TcpStream::connect(&address)).collect();
    assert!(crowd.iter().filter(|stream| stream.is_ok()).count() > 128);
    for _ in 0..20 {
        assert_eq!(admin.get(7, "/healthz").await.status, 200);
        assert_eq!(
            admin.get(7, "/readyz").await.status,
            200,
            "the database has descriptors of its own"
        );
    }
    drop(crowd);
    assert!(
        app.get(7, "/api/integrations/status").await.ok()["integrations"]
            .as_array()
            .unwrap()
            .is_empty()
    );
    assert!(program.stop().success());
}
