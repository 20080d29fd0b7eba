//! The state file, which keeps grants across restarts.

use std::path::PathBuf;

use axum::http::StatusCode;
use evergrant_sandbox::{Sandbox, SandboxError, SandboxOptions};

use crate::harness::{Harness, ME, REVOKE, START_SECONDS};
use crate::meta::error_codes;

/// A directory for one test, removed on drop.
struct TempDir(PathBuf);

impl TempDir {
    fn new(name: &str) -> Self {
        let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR"))
            .join(format!("sandbox-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn state_file(&self) -> PathBuf {
        self.0.join("sandbox.json")
    }

    /// Starts a sandbox with the state file of this directory.
    fn harness(&self) -> Harness {
        Harness::with(SandboxOptions {
            state_file: Some(self.state_file()),
            ..SandboxOptions::default()
        })
    }
}

impl Drop for TempDir {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[tokio::test]
async fn grant_survives_a_restart() {
    let directory = TempDir::new("survives");
    let (access, refresh) = directory.harness().connect("juniper").await;
    let restarted = directory.harness();
    assert_eq!(
        restarted.api_get(ME, &access).await.text("name"),
        "juniper_vale"
    );
    assert_eq!(restarted.refresh(&refresh).await.status, StatusCode::OK);
}

#[tokio::test]
async fn revocation_survives_a_restart() {
    let directory = TempDir::new("revoked");
    let harness = directory.harness();
    let (revoked, removed) = (
        harness.connect("juniper").await,
        harness.connect("kiln").await,
    );
    harness
        .post_as_client(REVOKE, &[("token", &revoked.1)])
        .await;
    harness.sandbox.revoke_user("reddit", "kiln").unwrap();
    let restarted = directory.harness();
    for (access, refresh) in [revoked, removed] {
        assert_eq!(
            restarted.api_get(ME, &access).await.status,
            StatusCode::UNAUTHORIZED
        );
        assert_eq!(
            restarted.refresh(&refresh).await.status,
            StatusCode::BAD_REQUEST
        );
    }
}

#[tokio::test]
async fn reset_clears_the_state_file() {
    let directory = TempDir::new("reset");
    let harness = directory.harness();
    let (access, _) = harness.connect("juniper").await;
    harness.sandbox.reset().unwrap();
    assert_eq!(
        directory.harness().api_get(ME, &access).await.status,
        StatusCode::UNAUTHORIZED
    );
}

#[tokio::test]
async fn state_file_contains_no_token_and_is_private_to_its_owner() {
    let directory = TempDir::new("private");
    let (access, refresh) = directory.harness().connect("juniper").await;
    let text = std::fs::read_to_string(directory.state_file()).unwrap();
    assert!(text.contains("juniper") && !text.contains(&access) && !text.contains(&refresh));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(
            std::fs::metadata(directory.state_file())
                .unwrap()
                .permissions()
                .mode()
                & 0o777,
            0o600
        );
    }
    assert_eq!(
        std::fs::read_dir(&directory.0).unwrap().count(),
        1,
        "no temporary file is left"
    );
}

#[tokio::test]
async fn unreadable_state_file_is_rejected_and_left_unchanged() {
    let directory = TempDir::new("broken");
    for broken in ["{", "{\"version\":2,\"grants\":[]}"] {
        std::fs::write(directory.state_file(), broken).unwrap();
        let options = SandboxOptions {
            state_file: Some(directory.state_file()),
            ..SandboxOptions::default()
        };
        assert!(matches!(
            Sandbox::new(options),
            Err(SandboxError::StateFile { .. })
        ));
        assert_eq!(
            std::fs::read_to_string(directory.state_file()).unwrap(),
            broken
        );
    }
}

#[tokio::test]
async fn failed_state_write_fails_the_token_request() {
    let directory = TempDir::new("unwritable");
    let harness = Harness::with(SandboxOptions {
        state_file: Some(directory.0.join("no-such-folder").join("sandbox.json")),
        ..SandboxOptions::default()
    });
    let response = harness.exchange(&harness.code("juniper", &[])).await;
    assert_eq!(response.status, StatusCode::INTERNAL_SERVER_ERROR);
    assert!(!response.body.contains("access_token"), "{}", response.body);
}

#[tokio::test]
async fn instagram_token_status_survives_a_restart() {
    let directory = TempDir::new("instagram");
    let harness = directory.harness();
    let (valid, revoked) = (
        harness.fb_connect("juniper").await,
        harness.fb_connect("wren").await,
    );
    harness.sandbox.revoke_user("instagram", "wren").unwrap();
    let restarted = directory.harness();
    let me = restarted.graph_with_token("/v25.0/me", &valid).await;
    assert_eq!(me.text("id"), "10150000000000001");
    assert_eq!(
        restarted.debug_token(&valid).await["expires_at"],
        START_SECONDS + 5_184_000
    );
    assert_eq!(
        error_codes(&restarted.graph_with_token("/v25.0/me", &revoked).await),
        (190, 458)
    );
}
