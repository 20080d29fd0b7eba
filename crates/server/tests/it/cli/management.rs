//! Tests of `migrate`, `api-key`, `users`, `connections`, `providers` and `openapi`.

use super::{failure, sqlite_url, stderr_of_failed, stdout};
use crate::program::{Folder, KEY, run, run_in};

#[test]
fn migrate_check_lists_pending_migrations_and_applies_none() {
    let folder = Folder::new();
    let url = sqlite_url(&folder);
    let env = [("DATABASE_URL", url.as_str())];
    // An empty file is an empty database.
    let file = folder.path().join("evergrant.db");
    std::fs::write(&file, "").unwrap();
    for _ in 0..2 {
        let finished = run(&["migrate", "--check"], &env, "");
        assert_eq!(finished.status.code(), Some(1));
        assert!(
            finished.stdout.starts_with("pending: 1 "),
            "{}",
            finished.stdout
        );
        assert_eq!(
            finished.stderr,
            "error: 1 migration pending\n  help: run `evergrant migrate`\n"
        );
    }
    assert_eq!(
        std::fs::metadata(&file).unwrap().len(),
        0,
        "the file is unchanged"
    );
    assert!(stdout(&["migrate"], &env, "").starts_with("applied: 1 "));
    assert_eq!(
        stdout(&["migrate", "--check"], &env, ""),
        "The schema is up to date.\n"
    );
}

#[test]
fn api_key_is_printed_alone_listed_and_revoked() {
    let folder = Folder::new();
    let url = sqlite_url(&folder);
    let env = [("DATABASE_URL", url.as_str())];
    let key = stdout(
        &[
            "api-key",
            "create",
            "--name",
            "backend",
            "--scope",
            "tokens:read",
        ],
        &env,
        "",
    );
    assert!(key.starts_with("evg_") && key.lines().count() == 1, "{key}");
    let listed = stdout(&["api-key", "list"], &env, "");
    assert!(
        listed.contains("backend") && listed.contains("tokens:read") && listed.contains("active"),
        "{listed}"
    );
    assert!(!listed.contains(key.trim_end()));
    let json: serde_json::Value =
        serde_json::from_str(&stdout(&["api-key", "list", "--json"], &env, "")).unwrap();
    let id = json[0]["id"].as_str().unwrap();
    assert!(stdout(&["api-key", "revoke", id], &env, "").contains(id));
    assert!(stdout(&["api-key", "list"], &env, "").contains("revoked"));
    assert!(failure(&["api-key", "revoke", "unknown"], &env).contains("\"unknown\" not found"));
}

#[test]
fn api_key_as_json_has_key_and_scopes() {
    let folder = Folder::new();
    let url = sqlite_url(&folder);
    let args = ["api-key", "create", "--name", "backend", "--json"];
    let json: serde_json::Value =
        serde_json::from_str(&stdout(&args, &[("DATABASE_URL", &url)], "")).unwrap();
    assert!(json["key"].as_str().unwrap().starts_with("evg_"));
    assert_eq!(
        json["scopes"],
        serde_json::json!([
            "tokens:read",
            "connections:read",
            "connections:write",
            "users:write"
        ])
    );
}

#[test]
fn users_are_created_shown_and_deleted() {
    let folder = Folder::new();
    let url = sqlite_url(&folder);
    let env = [
        ("DATABASE_URL", url.as_str()),
        ("TOKEN_ENCRYPTION_KEY", KEY),
    ];
    assert_eq!(
        stdout(
            &[
                "users",
                "create",
                "--external-id",
                "2f1c",
                "--name",
                "Juniper"
            ],
            &env,
            ""
        ),
        "Created user 1.\n"
    );
    assert_eq!(
        stdout(&["users", "create", "--external-id", "2f1c"], &env, ""),
        "User 1 already exists.\n"
    );
    assert!(stdout(&["users", "show", "ext:2f1c"], &env, "").contains("Juniper"));
    assert!(stdout(&["connections", "list", "--user", "1"], &env, "").starts_with("ID "));
    assert_eq!(
        stdout(&["users", "delete", "1"], &env, ""),
        "Deleted user 1 and all connections.\n"
    );
    assert!(failure(&["users", "show", "1"], &env).contains("USER_NOT_FOUND"));
}

#[test]
fn provider_check_reports_every_error_with_its_place() {
    let folder = Folder::new();
    let file = folder.path().join("acme.toml");
    std::fs::write(
        &file,
        "[providers.acme]\nname = \"Acme\"\ntoken_uri = \"https://acme.example/token\"\npkce = \"plain\"\n",
    )
    .unwrap();
    let finished = run_in(folder.path(), &["providers", "check", "acme.toml"], &[], "");
    let stderr = stderr_of_failed(&finished, &["providers", "check"]);
    for fault in [
        "acme.toml, line 3, column 1: ",
        "acme.toml, line 4, column 8: ",
    ] {
        assert!(stderr.contains(fault), "{fault} in {stderr}");
    }
    std::fs::write(&file, "[server]\n").unwrap();
    assert!(
        run_in(folder.path(), &["providers", "check", "acme.toml"], &[], "")
            .stderr
            .contains("[providers.NAME]")
    );
}

#[test]
fn provider_list_shows_missing_settings() {
    assert!(stdout(&["providers", "list"], &[], "").contains("REDDIT_CLIENT_ID"));
    assert!(stdout(&["providers", "show", "reddit"], &[], "").contains("identity"));
    assert!(failure(&["providers", "show", "unknown"], &[]).contains("unknown platform"));
}

#[test]
fn provider_is_shown_with_the_redirect_uri_to_register() {
    let public_url = [("EVERGRANT_PUBLIC_URL", "https://app.example/grants")];
    let shown = |name: &str, flags: &[&str]| {
        let arguments = [&["providers", "show", name], flags].concat();
        stdout(&arguments, &public_url, "")
    };
    let redirect_uri = "https://app.example/grants/api/integrations/callback/tiktok";
    assert!(shown("tiktok", &[]).contains(redirect_uri));
    let as_json: serde_json::Value = serde_json::from_str(&shown("tiktok", &["--json"])).unwrap();
    assert_eq!(as_json["redirectUri"], redirect_uri);
    assert!(
        !shown("onlyfans", &[]).contains("redirect"),
        "there is no consent page to return from"
    );
}

#[test]
fn openapi_prints_json_document() {
    let document: serde_json::Value = serde_json::from_str(&stdout(&["openapi"], &[], "")).unwrap();
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"));
}
