//! Tests of the section `[encryption]`.

use super::*;

#[test]
fn key_comes_from_the_first_source_that_is_set() {
    let fingerprint = |environment: &[(&str, &str)], file: &str| {
        valid(environment, file)
            .encryption
            .take_ring()
            .map(|ring| ring.current().fingerprint())
    };
    let of = |text: &str| {
        Some(
            evergrant_encryption::EncryptionKey::parse(text)
                .unwrap()
                .fingerprint(),
        )
    };
    let file = "[encryption]\nkey = \"in the file\"\n";
    assert_eq!(fingerprint(&[], ""), None);
    assert_eq!(fingerprint(&[], file), of("in the file"));
    assert_eq!(
        fingerprint(&[("DATA_ENCRYPTION_KEY", "data")], file),
        of("data")
    );
    assert_eq!(
        fingerprint(
            &[
                ("DATA_ENCRYPTION_KEY", "data"),
                ("TOKEN_ENCRYPTION_KEY", KEY)
            ],
            file
        ),
        of(KEY)
    );
}

#[test]
fn previous_keys_in_the_file_may_contain_commas() {
    let file = "[encryption]\nkey = \"now\"\nkeys_previous = [\"a,b\", \" c \"]\n";
    assert_eq!(
        valid(&[], file)
            .encryption
            .take_ring()
            .unwrap()
            .previous()
            .len(),
        2
    );
}

#[test]
fn invalid_key_is_reported_once_and_missing_key_if_required() {
    let required = |environment: &[(&str, &str)]| {
        let (settings, mut reported) = read(environment, "");
        let mut problems = Problems::default();
        settings.encryption.require(&mut problems);
        reported.extend(
            problems
                .finish()
                .err()
                .map(|failure| failure.problems().to_vec())
                .unwrap_or_default(),
        );
        reported
            .into_iter()
            .map(|problem| problem.message)
            .collect::<Vec<_>>()
    };
    assert_eq!(
        required(&[]),
        ["TOKEN_ENCRYPTION_KEY is not set, nor is DATA_ENCRYPTION_KEY"]
    );
    assert_eq!(
        required(&[("TOKEN_ENCRYPTION_KEY", "")]),
        ["TOKEN_ENCRYPTION_KEY is empty, and DATA_ENCRYPTION_KEY is not set"]
    );
    for name in ["TOKEN_ENCRYPTION_KEY", "DATA_ENCRYPTION_KEY"] {
        assert_eq!(
            required(&[(name, " \n")]),
            [format!("{name} contains only white space")]
        );
    }
    let invalid = format!("{}=", "!".repeat(43));
    let messages = required(&[("TOKEN_ENCRYPTION_KEY", &invalid)]);
    assert_eq!(messages.len(), 1);
    assert!(
        messages[0].starts_with("TOKEN_ENCRYPTION_KEY: a key of 44 characters"),
        "{messages:?}"
    );
}

#[test]
fn help_for_previous_keys_is_not_to_generate_one() {
    let environment = [
        ("TOKEN_ENCRYPTION_KEY", KEY),
        ("TOKEN_ENCRYPTION_KEYS_PREVIOUS", "a, b"),
    ];
    let (_, problems) = read(&environment, "");
    assert!(
        problems[0]
            .message
            .starts_with("TOKEN_ENCRYPTION_KEYS_PREVIOUS: key 2"),
        "{problems:?}"
    );
    assert!(
        problems[0]
            .remedy
            .starts_with("write the keys that were used before"),
        "{problems:?}"
    );
}
