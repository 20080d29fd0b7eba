use std::path::PathBuf;

use axum::http::StatusCode;
use evergrant_sandbox::{SandboxError, SandboxOptions};

use crate::harness::{ME, REVOKE, Stand};

/// A folder of this test's own, removed at its end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR"))
            .join(format!("sandbox-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }

    fn file(&self) -> PathBuf {
        self.0.join("sandbox.json")
    }

    fn stand(&self) -> Stand {
        Stand::with(SandboxOptions {
            state_file: Some(self.file()),
            ..SandboxOptions::default()
        })
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[tokio::test]
async fn a_grant_survives_a_restart() {
    let folder = Folder::new("survives");
    let (access, refresh) = folder.stand().connect("juniper").await;
    let again = folder.stand();
    assert_eq!(again.data(ME, &access).await.text("name"), "juniper_vale");
    assert_eq!(again.refresh(&refresh).await.status, StatusCode::OK);
}

#[tokio::test]
async fn the_end_of_a_grant_survives_a_restart_too() {
    let folder = Folder::new("ends");
    let stand = folder.stand();
    let (revoked, withdrawn) = (stand.connect("juniper").await, stand.connect("kiln").await);
    stand.call(REVOKE, &[("token", &revoked.1)]).await;
    stand.sandbox.revoke_user("reddit", "kiln").unwrap();
    let again = folder.stand();
    for (access, refresh) in [revoked, withdrawn] {
        assert_eq!(
            again.data(ME, &access).await.status,
            StatusCode::UNAUTHORIZED
        );
        assert_eq!(
            again.refresh(&refresh).await.status,
            StatusCode::BAD_REQUEST
        );
    }
}

#[tokio::test]
async fn a_reset_empties_the_file() {
    let folder = Folder::new("reset");
    let stand = folder.stand();
    let (access, _) = stand.connect("juniper").await;
    stand.sandbox.reset().unwrap();
    assert_eq!(
        folder.stand().data(ME, &access).await.status,
        StatusCode::UNAUTHORIZED
    );
}

#[tokio::test]
async fn the_file_holds_no_token_and_belongs_to_its_owner() {
    let folder = Folder::new("private");
    let (access, refresh) = folder.stand().connect("juniper").await;
    let text = std::fs::read_to_string(folder.file()).unwrap();
    assert!(text.contains("juniper") && !text.contains(&access) && !text.contains(&refresh));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(
            std::fs::metadata(folder.file())
                .unwrap()
                .permissions()
                .mode()
                & 0o777,
            0o600
        );
    }
    assert_eq!(
        std::fs::read_dir(&folder.0).unwrap().count(),
        1,
        "nothing is left beside it"
    );
}

#[tokio::test]
async fn a_file_that_does_not_read_is_refused_and_left_alone() {
    let folder = Folder::new("broken");
    for broken in ["{", "{\"version\":2,\"grants\":[]}"] {
        std::fs::write(folder.file(), broken).unwrap();
        let options = SandboxOptions {
            state_file: Some(folder.file()),
            ..SandboxOptions::default()
        };
        assert!(matches!(
            evergrant_sandbox::Sandbox::new(options),
            Err(SandboxError::StateFile { .. })
        ));
        assert_eq!(std::fs::read_to_string(folder.file()).unwrap(), broken);
    }
}

#[tokio::test]
async fn an_answer_that_could_not_be_written_down_is_not_given() {
    let folder = Folder::new("unwritable");
    let stand = Stand::with(SandboxOptions {
        state_file: Some(folder.0.join("no-such-folder").join("sandbox.json")),
        ..SandboxOptions::default()
    });
    let answer = stand.exchange(&stand.code("juniper", &[])).await;
    assert_eq!(answer.status, StatusCode::INTERNAL_SERVER_ERROR);
    assert!(!answer.body.contains("access_token"), "{}", answer.body);
}

#[tokio::test]
async fn a_platform_that_remembers_does_so_after_a_restart() {
    let folder = Folder::new("remembers");
    let stand = folder.stand();
    let (works, removed) = (
        stand.fb_connect("juniper").await,
        stand.fb_connect("wren").await,
    );
    stand.sandbox.revoke_user("instagram", "wren").unwrap();
    let again = folder.stand();
    let me = again.graph("/v25.0/me", &[("access_token", &works)]).await;
    assert_eq!(me.text("id"), "10150000000000001");
    assert_eq!(
        again.debug(&works).await["expires_at"],
        1_767_225_610_i64 + 5_184_000
    );
    assert_eq!(
        crate::meta::codes(
            &again
                .graph("/v25.0/me", &[("access_token", &removed)])
                .await
        ),
        (190, 458)
    );
}
