//! `evergrant backup` and `evergrant restore`.

use super::{failure, sqlite_url, stdout};
use crate::program::{Folder, KEY, Program};

const OTHER_KEY: &str = "HxwbGhkYFxYVFBMSERAPDg0MCwoJCAcGBQQDAgEAHx4=";

#[test]
fn backup_brings_a_deleted_user_back() {
    let folder = Folder::new();
    let (url, file) = (sqlite_url(&folder), folder.path().join("backup.db"));
    let file = file.to_str().unwrap();
    let env = [
        ("DATABASE_URL", url.as_str()),
        ("TOKEN_ENCRYPTION_KEY", KEY),
    ];
    stdout(&["users", "create", "--id", "7"], &env, "");
    // A command that uses tokens records the key in the database.
    stdout(&["users", "create", "--id", "6"], &env, "");
    stdout(&["users", "delete", "6"], &env, "");
    stdout(&["backup", file], &env, "");
    let exists = failure(&["backup", file], &env);
    assert!(
        exists.contains("exists") && exists.contains("--overwrite"),
        "{exists}"
    );
    stdout(&["users", "create", "--id", "8"], &env, "");
    let exists = failure(&["restore", file], &env);
    assert!(exists.contains("evergrant.db exists"), "{exists}");
    let other = [
        ("DATABASE_URL", url.as_str()),
        ("TOKEN_ENCRYPTION_KEY", OTHER_KEY),
    ];
    let wrong = failure(&["restore", file, "--overwrite"], &other);
    assert!(wrong.contains("encrypted with another key"), "{wrong}");
    stdout(&["users", "show", "8"], &env, "");
    stdout(&["restore", file, "--overwrite"], &env, "");
    stdout(&["users", "show", "7"], &env, "");
    failure(&["users", "show", "8"], &env);
}

#[test]
fn restore_refuses_while_a_process_runs() {
    let folder = Folder::new();
    let data = folder.path().join("data");
    let program = Program::dev_in(&data, &[], &[]);
    let url = format!("sqlite://{}", data.join("evergrant.db").display());
    let env = [
        ("DATABASE_URL", url.as_str()),
        ("TOKEN_ENCRYPTION_KEY", KEY),
    ];
    let file = folder.path().join("backup.db");
    let file = file.to_str().unwrap();
    stdout(&["backup", file], &env, "");
    let refused = failure(&["restore", file, "--overwrite"], &env);
    assert!(
        refused.contains("a process uses the database file"),
        "{refused}"
    );
    drop(program);
}

#[test]
fn backup_of_postgres_names_its_own_program() {
    let env = [
        ("DATABASE_URL", "postgres://u:hush@127.0.0.1:1/d"),
        ("TOKEN_ENCRYPTION_KEY", KEY),
    ];
    for (args, program) in [
        (["backup", "x"], "pg_dump"),
        (["restore", "x"], "pg_restore"),
    ] {
        let refused = failure(&args, &env);
        assert!(
            refused.contains(program) && !refused.contains("hush"),
            "{refused}"
        );
    }
}
