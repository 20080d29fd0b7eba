//! A database that cannot be used: each command names the setting, the place and the reason, and
//! changes nothing.

use super::{failure, sqlite_url};
use crate::program::{Folder, KEY, run};

const COMMANDS: [&[&str]; 4] = [
    &["serve"],
    &["migrate"],
    &["migrate", "--check"],
    &["users", "list"],
];

/// Returns the standard error of a command that must fail because of `url`.
fn refusal(args: &[&str], url: &str) -> String {
    failure(
        args,
        &[("DATABASE_URL", url), ("TOKEN_ENCRYPTION_KEY", KEY)],
    )
}

#[test]
fn unreachable_server_is_named_without_password() {
    for args in COMMANDS {
        assert_eq!(
            refusal(args, "postgres://evergrant:hush@[::1]:1/evergrant"),
            "error: DATABASE_URL: cannot connect to the database at [::1]:1: the connection is refused: no server \
             listens there\n  help: start the server, or correct the host and port in DATABASE_URL\n",
            "{args:?}"
        );
    }
    let stderr = refusal(
        &["migrate"],
        "postgres://u:hush@127.0.0.1:1,no-such-host.invalid/d",
    );
    for expected in [
        "at 127.0.0.1:1: the connection is refused",
        "at no-such-host.invalid:5432: the host name cannot be resolved",
    ] {
        assert!(stderr.contains(expected), "{stderr}");
    }
    assert!(!stderr.contains("hush"), "{stderr}");
}

#[test]
fn unsupported_parameter_is_named() {
    for (url, expected) in [
        (
            "postgres://u:hush@h/d?sslmode=no-verify",
            "sslmode must be one of disable, allow",
        ),
        (
            "postgres://u:hush@h/d?sslmod=require",
            "the parameter sslmod is not supported",
        ),
        (
            "sqlite:///x.db?cache=shared",
            "the parameter cache is not supported",
        ),
    ] {
        let stderr = refusal(&["serve"], url);
        assert!(stderr.starts_with("error: DATABASE_URL: "), "{stderr}");
        assert!(
            stderr.contains(expected) && !stderr.contains("hush"),
            "{stderr}"
        );
    }
}

#[test]
fn unusable_file_is_named_and_not_changed() {
    let folder = Folder::new();
    let path = |name: &str| folder.path().join(name);
    std::fs::write(path("byte.db"), "x").unwrap();
    std::fs::write(
        path("notes.txt"),
        "not a database, although long enough. ".repeat(9),
    )
    .unwrap();
    std::fs::create_dir(path("folder.db")).unwrap();
    for (name, reason) in [
        ("byte.db", "it is not a SQLite database"),
        ("notes.txt", "it is not a SQLite database"),
        ("folder.db", "it is not a regular file"),
        ("missing/x.db", "missing does not exist"),
        ("byte.db/x.db", "byte.db does not exist"),
    ] {
        for args in COMMANDS {
            let before = snapshot(&folder);
            let stderr = refusal(args, &format!("sqlite://{}", path(name).display()));
            let place = format!(
                "error: DATABASE_URL: cannot open the database file {}: ",
                path(name).display()
            );
            assert!(
                stderr.starts_with(&place) && stderr.contains(reason),
                "{args:?}: {stderr}"
            );
            assert_eq!(snapshot(&folder), before, "{args:?} {name}");
        }
    }
}

/// Returns name, mode and length of the files in a folder.
fn snapshot(folder: &Folder) -> Vec<(String, u32, u64)> {
    use std::os::unix::fs::MetadataExt;
    let entries = std::fs::read_dir(folder.path()).unwrap().map(|entry| {
        let (entry, metadata) = entry
            .map(|entry| (entry.file_name(), entry.metadata().unwrap()))
            .unwrap();
        (
            entry.into_string().unwrap(),
            metadata.mode(),
            metadata.len(),
        )
    });
    let mut entries: Vec<_> = entries.collect();
    entries.sort();
    entries
}

#[test]
fn commands_that_only_read_do_not_create_the_file() {
    let folder = Folder::new();
    let url = sqlite_url(&folder);
    for args in [
        &["migrate", "--check"][..],
        &["users", "list"],
        &["users", "show", "1"],
        &["connections", "list"],
        &["api-key", "list"],
        &["keys", "status"],
    ] {
        let stderr = refusal(args, &url);
        assert!(
            stderr.contains("evergrant.db: the file does not exist"),
            "{args:?}: {stderr}"
        );
        assert_eq!(snapshot(&folder), [], "{args:?}");
    }
    let migrated = run(&["migrate"], &[("DATABASE_URL", &url)], "");
    assert!(migrated.status.success(), "{}", migrated.stderr);
}
