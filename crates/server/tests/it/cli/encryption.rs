//! Tests of `token`, `keys` and the encryption keys of `serve`.

use super::{failure, sqlite_url, stdout};
use crate::program::{Folder, KEY, Program, run};

const OTHER_KEY: &str = "//79/Pv6+fj39vX08/Lx8O/u7ezr6uno5+bl5OPi4eA=";

#[test]
fn encrypted_tokens_are_decrypted_unchanged() {
    let env = [("TOKEN_ENCRYPTION_KEY", KEY)];
    let stored = stdout(&["token", "encrypt"], &env, "one\ntwo: é\n");
    assert!(
        stored.lines().count() == 2 && !stored.contains("one"),
        "{stored}"
    );
    assert_eq!(
        stdout(&["token", "decrypt"], &env, &stored),
        "one\ntwo: é\n"
    );
    let json = stdout(&["token", "encrypt", "--json"], &env, "\"two\\nlines\"\n");
    assert_eq!(
        stdout(&["token", "decrypt", "--json"], &env, &json),
        "\"two\\nlines\"\n"
    );
    assert!(
        stdout(&["token", "inspect"], &env, &stored).starts_with("encrypted with the current key ")
    );
}

#[test]
fn previous_key_decrypts() {
    let stored = stdout(
        &["token", "encrypt"],
        &[("TOKEN_ENCRYPTION_KEY", KEY)],
        "one\n",
    );
    let env = [
        ("DATA_ENCRYPTION_KEY", OTHER_KEY),
        ("TOKEN_ENCRYPTION_KEYS_PREVIOUS", KEY),
    ];
    assert_eq!(stdout(&["token", "decrypt"], &env, &stored), "one\n");
    assert!(
        stdout(&["token", "inspect"], &env, &stored)
            .starts_with("encrypted with the previous key ")
    );
}

#[test]
fn invalid_line_is_reported_and_later_lines_are_not_printed() {
    let env = [("TOKEN_ENCRYPTION_KEY", KEY)];
    let valid = stdout(&["token", "encrypt"], &env, "secret\n");
    let finished = run(
        &["token", "decrypt"],
        &env,
        &format!("{valid}nonsense\n{valid}"),
    );
    assert_eq!(
        (finished.status.code(), finished.stdout.as_str()),
        (Some(1), "secret\n")
    );
    assert!(
        finished.stderr.starts_with("error: line 2: "),
        "{}",
        finished.stderr
    );
}

#[test]
fn generated_key_is_32_random_bytes() {
    let (first, second) = (
        stdout(&["keys", "generate"], &[], ""),
        stdout(&["keys", "generate"], &[], ""),
    );
    assert_eq!((first.trim_end().len(), first.lines().count()), (44, 1));
    assert_ne!(first, second);
    assert_eq!(
        run(
            &["token", "encrypt"],
            &[("TOKEN_ENCRYPTION_KEY", first.trim_end())],
            "x\n"
        )
        .stderr,
        ""
    );
}

#[test]
fn serve_warns_about_a_passphrase_and_says_how_to_replace_it() {
    let folder = Folder::new();
    let url = sqlite_url(&folder);
    let env = [
        ("DATABASE_URL", url.as_str()),
        ("TOKEN_ENCRYPTION_KEY", "correct horse"),
    ];
    let program = Program::serve(&env);
    program.wait_for("replace it with a key from `evergrant keys generate`\"");
    assert!(!program.output().contains("correct horse"));
}

#[test]
fn item_1_serve_does_not_start_without_encryption_key() {
    let folder = Folder::new();
    let stderr = failure(&["serve"], &[("DATABASE_URL", &sqlite_url(&folder))]);
    assert!(stderr.contains("TOKEN_ENCRYPTION_KEY"), "{stderr}");
    assert!(!folder.path().join("evergrant.db").exists());
}

#[test]
fn item_39_wrong_encryption_key_is_rejected_and_changes_nothing() {
    let folder = Folder::new();
    let url = sqlite_url(&folder);
    let with = |key| {
        [
            ("DATABASE_URL", url.as_str()),
            ("TOKEN_ENCRYPTION_KEY", key),
            ("EVERGRANT_LISTEN", "127.0.0.1:0"),
        ]
    };
    stdout(&["migrate"], &with(KEY), "");
    let deleted = run(&["users", "delete", "1"], &with(KEY), "");
    assert!(
        deleted.stderr.contains("USER_NOT_FOUND"),
        "the command has stored the key check: {}",
        deleted.stderr
    );
    let file = || std::fs::read(folder.path().join("evergrant.db")).unwrap();
    let before = file();
    for args in [&["serve"][..], &["users", "delete", "1"]] {
        let stderr = failure(args, &with(OTHER_KEY));
        assert!(
            stderr.contains("error: TOKEN_ENCRYPTION_KEY: this database is encrypted with another"),
            "{stderr}"
        );
        assert!(!stderr.contains(OTHER_KEY), "{stderr}");
    }
    assert!(file() == before, "the file is unchanged");
}

#[test]
fn key_status_counts_rows_by_key() {
    let folder = Folder::new();
    let url = sqlite_url(&folder);
    let env = [
        ("DATABASE_URL", url.as_str()),
        ("TOKEN_ENCRYPTION_KEY", KEY),
    ];
    stdout(&["migrate"], &env, "");
    let json: serde_json::Value =
        serde_json::from_str(&stdout(&["keys", "status", "--json"], &env, "")).unwrap();
    assert_eq!(
        (&json["keys"][0]["rows"], &json["unreadableRows"]),
        (&0.into(), &0.into())
    );
    let table = stdout(&["keys", "status"], &env, "");
    assert!(
        table.contains("current: encrypts and decrypts") && table.contains("cannot be decrypted"),
        "{table}"
    );
}

#[test]
fn key_that_is_not_text_is_reported() {
    use std::os::unix::ffi::OsStrExt;
    let key = std::ffi::OsStr::from_bytes(b"\xff\xfe");
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_evergrant"));
    let command = command.args(["token", "encrypt"]).env_clear();
    let finished = command.env("TOKEN_ENCRYPTION_KEY", key).output().unwrap();
    assert_eq!(
        String::from_utf8(finished.stderr).unwrap(),
        "error: TOKEN_ENCRYPTION_KEY is not valid UTF-8\n  \
         help: set it to text; a key of random bytes is written in base64\n"
    );
}

#[test]
fn empty_token_is_refused_with_its_line() {
    let finished = run(
        &["token", "encrypt"],
        &[("TOKEN_ENCRYPTION_KEY", KEY)],
        "one\n\n",
    );
    assert_eq!(finished.stdout.lines().count(), 1);
    assert!(
        finished
            .stderr
            .starts_with("error: line 2: the line is empty"),
        "{}",
        finished.stderr
    );
}
