//! The commands that do one thing and end.

use crate::program::{Ended, Folder, KEY, run, run_in};

const OTHER_KEY: &str = "//79/Pv6+fj39vX08/Lx8O/u7ezr6uno5+bl5OPi4eA=";

/// Runs a command that should work, and answers what it printed.
fn printed(args: &[&str], env: &[(&str, &str)], input: &str) -> String {
    let ended = run(args, env, input);
    assert!(ended.status.success(), "{args:?}: {}", ended.stderr);
    ended.stdout
}

/// Runs a command that should fail with exit code 1, and answers what it complained of.
fn complaint(args: &[&str], env: &[(&str, &str)]) -> String {
    refused(&run(args, env, ""), args)
}

fn refused(ended: &Ended, args: &[&str]) -> String {
    assert_eq!(
        (ended.status.code(), ended.stdout.as_str()),
        (Some(1), ""),
        "{args:?}: {}",
        ended.stderr
    );
    ended.stderr.clone()
}

fn sqlite(folder: &Folder) -> String {
    format!("sqlite://{}", folder.path().join("evergrant.db").display())
}

#[test]
fn every_command_explains_itself_with_an_example() {
    for command in [
        "dev",
        "serve",
        "migrate",
        "api-key",
        "token",
        "keys",
        "users",
        "connections",
        "providers",
        "sandbox",
        "openapi",
    ] {
        let help = printed(&[command, "--help"], &[], "");
        assert!(
            help.contains("Example") && help.contains("evergrant "),
            "{command}: {help}"
        );
    }
}

#[test]
fn a_usage_mistake_ends_with_code_2() {
    for args in [
        &["wander"][..],
        &["token"],
        &["api-key", "create"],
        &["api-key", "create", "--name", "x", "--scope", "all"],
    ] {
        assert_eq!(run(args, &[], "").status.code(), Some(2), "{args:?}");
    }
}

#[test]
fn tokens_survive_the_way_there_and_back() {
    let env = [("TOKEN_ENCRYPTION_KEY", KEY)];
    let stored = printed(&["token", "encrypt"], &env, "one\ntwo: é\n");
    assert!(
        stored.lines().count() == 2 && !stored.contains("one"),
        "{stored}"
    );
    assert_eq!(
        printed(&["token", "decrypt"], &env, &stored),
        "one\ntwo: é\n"
    );
    let json = printed(&["token", "encrypt", "--json"], &env, "\"two\\nlines\"\n");
    assert_eq!(
        printed(&["token", "decrypt", "--json"], &env, &json),
        "\"two\\nlines\"\n"
    );
    assert!(
        printed(&["token", "inspect"], &env, &stored)
            .starts_with("encrypted with the current key ")
    );
}

#[test]
fn a_previous_key_still_decrypts() {
    let stored = printed(
        &["token", "encrypt"],
        &[("TOKEN_ENCRYPTION_KEY", KEY)],
        "one\n",
    );
    let env = [
        ("DATA_ENCRYPTION_KEY", OTHER_KEY),
        ("TOKEN_ENCRYPTION_KEYS_PREVIOUS", KEY),
    ];
    assert_eq!(printed(&["token", "decrypt"], &env, &stored), "one\n");
    assert!(
        printed(&["token", "inspect"], &env, &stored)
            .starts_with("encrypted with the previous key ")
    );
}

#[test]
fn a_bad_line_is_named_and_nothing_after_it_is_printed() {
    let env = [("TOKEN_ENCRYPTION_KEY", KEY)];
    let good = printed(&["token", "encrypt"], &env, "secret\n");
    let ended = run(
        &["token", "decrypt"],
        &env,
        &format!("{good}nonsense\n{good}"),
    );
    assert_eq!(
        (ended.status.code(), ended.stdout.as_str()),
        (Some(1), "secret\n")
    );
    assert!(
        ended.stderr.starts_with("error: line 2: "),
        "{}",
        ended.stderr
    );
}

#[test]
fn a_generated_key_is_32_bytes_and_new_each_time() {
    let (one, two) = (
        printed(&["keys", "generate"], &[], ""),
        printed(&["keys", "generate"], &[], ""),
    );
    assert_eq!((one.trim_end().len(), one.lines().count()), (44, 1));
    assert_ne!(one, two);
    assert_eq!(
        run(
            &["token", "encrypt"],
            &[("TOKEN_ENCRYPTION_KEY", one.trim_end())],
            "x\n"
        )
        .stderr,
        ""
    );
}

#[test]
fn a_check_tells_what_a_migration_would_do_and_does_nothing() {
    let folder = Folder::new();
    let url = sqlite(&folder);
    let env = [("DATABASE_URL", url.as_str())];
    for _ in 0..2 {
        let ended = run(&["migrate", "--check"], &env, "");
        assert_eq!(ended.status.code(), Some(1));
        assert!(ended.stdout.starts_with("pending: 1 "), "{}", ended.stdout);
    }
    assert!(printed(&["migrate"], &env, "").starts_with("applied: 1 "));
    assert_eq!(
        printed(&["migrate", "--check"], &env, ""),
        "The schema is up to date.\n"
    );
}

#[test]
fn serve_names_every_setting_that_is_missing() {
    let complaint = complaint(&["serve"], &[("EVERGRANT_LISTEN", "0.0.0.0:0")]);
    for name in [
        "DATABASE_URL",
        "TOKEN_ENCRYPTION_KEY",
        "EVERGRANT_PUBLIC_URL",
    ] {
        assert!(
            complaint.contains(&format!("error: {name} is not set")),
            "{name}: {complaint}"
        );
    }
}

#[test]
fn an_unreachable_database_is_named_without_its_password() {
    let url = "postgres://evergrant:hush@127.0.0.1:1/evergrant";
    let complaint = complaint(
        &["serve"],
        &[("DATABASE_URL", url), ("TOKEN_ENCRYPTION_KEY", KEY)],
    );
    assert!(
        complaint.contains("error: DATABASE_URL: the database cannot be opened"),
        "{complaint}"
    );
    assert!(!complaint.contains("hush"), "{complaint}");
}

#[test]
fn item_1_without_a_key_nothing_starts() {
    let folder = Folder::new();
    let complaint = complaint(&["serve"], &[("DATABASE_URL", &sqlite(&folder))]);
    assert!(complaint.contains("TOKEN_ENCRYPTION_KEY"), "{complaint}");
    assert!(!folder.path().join("evergrant.db").exists());
}

#[test]
fn item_39_a_wrong_key_is_refused_and_changes_nothing() {
    let folder = Folder::new();
    let url = sqlite(&folder);
    let with = |key| {
        [
            ("DATABASE_URL", url.as_str()),
            ("TOKEN_ENCRYPTION_KEY", key),
            ("EVERGRANT_LISTEN", "127.0.0.1:0"),
        ]
    };
    let deleted = run(&["users", "delete", "1"], &with(KEY), "");
    assert!(
        deleted.stderr.contains("USER_NOT_FOUND"),
        "the key has left its check: {}",
        deleted.stderr
    );
    let file = || std::fs::read(folder.path().join("evergrant.db")).unwrap();
    let before = file();
    for args in [&["serve"][..], &["users", "delete", "1"]] {
        let complaint = complaint(args, &with(OTHER_KEY));
        assert!(
            complaint.contains("error: TOKEN_ENCRYPTION_KEY: this is not the key"),
            "{complaint}"
        );
        assert!(!complaint.contains(OTHER_KEY), "{complaint}");
    }
    assert!(file() == before, "not one byte is different");
}

#[test]
fn a_listener_in_use_is_named() {
    let folder = Folder::new();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let url = sqlite(&folder);
    let env = [
        ("DATABASE_URL", url.as_str()),
        ("TOKEN_ENCRYPTION_KEY", KEY),
        ("EVERGRANT_LISTEN", &address),
    ];
    assert!(
        complaint(&["serve"], &env)
            .contains(&format!("error: EVERGRANT_LISTEN: {address} is in use"))
    );
}

#[test]
fn a_new_api_key_stands_alone_on_its_line_and_works_until_it_is_revoked() {
    let folder = Folder::new();
    let url = sqlite(&folder);
    let env = [("DATABASE_URL", url.as_str())];
    let key = printed(
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
    let listed = printed(&["api-key", "list"], &env, "");
    assert!(
        listed.contains("backend") && listed.contains("tokens:read") && listed.contains("live"),
        "{listed}"
    );
    assert!(!listed.contains(key.trim_end()));
    let json: serde_json::Value =
        serde_json::from_str(&printed(&["api-key", "list", "--json"], &env, "")).unwrap();
    let id = json[0]["id"].as_str().unwrap();
    assert!(printed(&["api-key", "revoke", id], &env, "").contains(id));
    assert!(printed(&["api-key", "list"], &env, "").contains("revoked"));
    assert!(complaint(&["api-key", "revoke", "nobody"], &env).contains("there is no key"));
}

#[test]
fn an_api_key_as_json_tells_all_there_is() {
    let folder = Folder::new();
    let url = sqlite(&folder);
    let args = ["api-key", "create", "--name", "backend", "--json"];
    let json: serde_json::Value =
        serde_json::from_str(&printed(&args, &[("DATABASE_URL", &url)], "")).unwrap();
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
fn users_are_made_shown_and_deleted_by_hand() {
    let folder = Folder::new();
    let url = sqlite(&folder);
    let env = [
        ("DATABASE_URL", url.as_str()),
        ("TOKEN_ENCRYPTION_KEY", KEY),
    ];
    assert_eq!(
        printed(
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
        "Made user 1.\n"
    );
    assert_eq!(
        printed(&["users", "create", "--external-id", "2f1c"], &env, ""),
        "User 1 was there.\n"
    );
    assert!(printed(&["users", "show", "ext:2f1c"], &env, "").contains("Juniper"));
    assert!(printed(&["connections", "list", "--user", "1"], &env, "").starts_with("ID "));
    assert_eq!(
        printed(&["users", "delete", "1"], &env, ""),
        "Deleted user 1 and all connections.\n"
    );
    assert!(complaint(&["users", "show", "1"], &env).contains("USER_NOT_FOUND"));
}

#[test]
fn the_status_of_keys_counts_what_needs_them() {
    let folder = Folder::new();
    let url = sqlite(&folder);
    let env = [
        ("DATABASE_URL", url.as_str()),
        ("TOKEN_ENCRYPTION_KEY", KEY),
    ];
    printed(&["migrate"], &env, "");
    let json: serde_json::Value =
        serde_json::from_str(&printed(&["keys", "status", "--json"], &env, "")).unwrap();
    assert_eq!(
        (&json["keys"][0]["rows"], &json["unreadableRows"]),
        (&0.into(), &0.into())
    );
    assert!(printed(&["keys", "status"], &env, "").contains("current: reads and writes"));
}

#[test]
fn a_definition_is_checked_fault_by_fault() {
    let folder = Folder::new();
    let file = folder.path().join("acme.toml");
    std::fs::write(
        &file,
        "[providers.acme]\nname = \"Acme\"\ntoken_uri = \"https://acme.example/token\"\npkce = \"plain\"\n",
    )
    .unwrap();
    let ended = run_in(folder.path(), &["providers", "check", "acme.toml"], &[], "");
    let complaint = refused(&ended, &["providers", "check"]);
    for fault in [
        "acme.toml, line 3, column 1: ",
        "acme.toml, line 4, column 8: ",
    ] {
        assert!(complaint.contains(fault), "{fault} in {complaint}");
    }
    std::fs::write(&file, "[server]\n").unwrap();
    assert!(
        run_in(folder.path(), &["providers", "check", "acme.toml"], &[], "")
            .stderr
            .contains("[providers.NAME]")
    );
}

#[test]
fn platforms_are_listed_with_what_they_need() {
    assert!(printed(&["providers", "list"], &[], "").contains("REDDIT_CLIENT_ID"));
    assert!(printed(&["providers", "show", "reddit"], &[], "").contains("identity"));
    assert!(complaint(&["providers", "show", "nowhere"], &[]).contains("there is no platform"));
}

#[test]
fn the_description_of_the_interface_is_json() {
    let document: serde_json::Value =
        serde_json::from_str(&printed(&["openapi"], &[], "")).unwrap();
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"));
}

#[test]
fn dev_refuses_to_be_reached_from_elsewhere() {
    for (args, env) in [
        (
            &["dev", "--ephemeral", "--listen", "0.0.0.0:0"][..],
            &[][..],
        ),
        (&["dev", "--ephemeral"], &[("EVERGRANT_LISTEN", "[::]:0")]),
        (
            &["dev", "--ephemeral"],
            &[("EVERGRANT_SANDBOX_LISTEN", "0.0.0.0:0")],
        ),
        (
            &["dev", "--ephemeral"],
            &[("EVERGRANT_ADMIN_LISTEN", "10.0.0.1:0")],
        ),
    ] {
        assert!(
            complaint(args, env).contains("`dev` listens on loopback only"),
            "{args:?} {env:?}"
        );
    }
}

#[test]
fn an_unknown_key_of_the_file_is_named_with_its_line() {
    let folder = Folder::new();
    std::fs::write(
        folder.path().join("evergrant.toml"),
        "[server]\n\ntrusted_proxies = [\"10.0.0.1\"]\n",
    )
    .unwrap();
    let ended = run_in(folder.path(), &["serve"], &[], "");
    let complaint = refused(&ended, &["serve"]);
    assert!(
        complaint.contains("evergrant.toml, line 3: [server] has no key `trusted_proxies`"),
        "{complaint}"
    );
}
