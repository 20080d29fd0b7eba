//! What the sections make of their sources.

use std::collections::HashMap;
use std::sync::Arc;

use super::*;
use crate::failure::Problem;

const KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

fn read(environment: &[(&str, &str)], file: &str) -> (Settings, Vec<Problem>) {
    let environment: HashMap<String, String> = environment
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    let mut problems = Problems::default();
    let sources = Sources::of_text(
        Arc::new(move |name| environment.get(name).cloned()),
        file,
        &mut problems,
    );
    let settings = Settings::read(&sources, &mut problems);
    let found = problems
        .finish()
        .err()
        .map(|failure| failure.problems().to_vec())
        .unwrap_or_default();
    (settings, found)
}

fn good(environment: &[(&str, &str)], file: &str) -> Settings {
    let (settings, problems) = read(environment, file);
    assert_eq!(problems, [], "nothing is wrong");
    settings
}

fn faults(environment: &[(&str, &str)], file: &str) -> Vec<String> {
    read(environment, file)
        .1
        .into_iter()
        .map(|problem| problem.what)
        .collect()
}

#[test]
fn the_defaults_are_those_of_the_documentation() {
    let settings = good(&[], "");
    assert_eq!(settings.server.listen.address.to_string(), "127.0.0.1:8080");
    assert_eq!(
        settings
            .server
            .admin_listen
            .as_ref()
            .unwrap()
            .address
            .to_string(),
        "127.0.0.1:9090"
    );
    assert_eq!(
        (settings.flows.ttl_seconds, settings.refresh.concurrency),
        (600, 64)
    );
    assert_eq!(
        (settings.refresh.margin_seconds, &settings.database.url),
        (None, &None)
    );
    assert!(settings.server.listen.chosen_by.is_none() && settings.server.origins().is_empty());
}

#[test]
fn the_environment_wins_over_the_file_and_the_file_over_the_default() {
    let file = "[server]\nlisten = \"127.0.0.1:1\"\nadmin_listen = \"off\"\n[flows]\nttl = 60\n[refresh]\nmargin = 0\n";
    let settings = good(&[("EVERGRANT_LISTEN", "127.0.0.1:2")], file);
    assert_eq!(settings.server.listen.address.port(), 2);
    assert_eq!(
        settings.server.listen.chosen_by.as_deref(),
        Some("EVERGRANT_LISTEN")
    );
    assert!(settings.server.admin_listen.is_none());
    assert_eq!(
        (settings.flows.ttl_seconds, settings.refresh.margin_seconds),
        (60, Some(0))
    );
}

#[test]
fn an_empty_variable_is_no_variable_except_where_it_switches_off() {
    let settings = good(
        &[
            ("DATABASE_URL", ""),
            ("EVERGRANT_LISTEN", ""),
            ("EVERGRANT_ADMIN_LISTEN", ""),
        ],
        "",
    );
    assert!(settings.database.url.is_none() && settings.server.admin_listen.is_none());
    assert_eq!(settings.server.listen.address.port(), 8080);
}

#[test]
fn every_fault_is_named_at_once() {
    let environment = [
        ("EVERGRANT_LISTEN", "everywhere"),
        ("EVERGRANT_PUBLIC_URL", "http://grants.example"),
        (
            "EVERGRANT_ALLOWED_REDIRECTS",
            "https://app.example, app.example",
        ),
        ("EVERGRANT_ALLOWED_ORIGINS", "https://app.example/path"),
        ("EVERGRANT_FLOW_TTL", "601"),
        ("EVERGRANT_REFRESH_CONCURRENCY", "0"),
        ("EVERGRANT_REFRESH_MARGIN", "-1"),
        ("EVERGRANT_LOG", "loud"),
        ("TOKEN_ENCRYPTION_KEYS_PREVIOUS", "good, hush-hush"),
    ];
    let found = faults(&environment, "");
    assert_eq!(found.len(), environment.len(), "{found:#?}");
    for (name, _) in environment {
        assert_eq!(
            found.iter().filter(|what| what.starts_with(name)).count(),
            1,
            "{name} in {found:#?}"
        );
    }
    assert!(!format!("{found:?}").contains("hush-hush"));
}

#[test]
fn what_the_file_should_not_hold_is_named_with_its_line() {
    let file = "[server]\nlisten = \"127.0.0.1:1\"\nlissten = \"x\"\n\n[jwt]\nissuer = \"x\"\n\n[database]\nurl = 1.5\n";
    assert_eq!(
        faults(&[], file),
        [
            "evergrant.toml, line 9: `url` is neither a text, a number nor a list of texts",
            "evergrant.toml, line 5: there is no section or key `jwt`",
            "evergrant.toml, line 3: [server] has no key `lissten`",
        ]
    );
    assert_eq!(
        faults(&[], "listen = \"x\"")[0],
        "evergrant.toml, line 1: there is no section or key `listen`"
    );
    assert!(faults(&[], "[server]\nlisten =\n")[0].starts_with("evergrant.toml, line 2: "));
}

#[test]
fn settings_that_do_nothing_yet_are_no_keys_of_the_file() {
    for key in [
        "trusted_proxies",
        "data_dir",
        "rate_limit",
        "audit",
        "jwks_url",
    ] {
        let found = faults(&[], &format!("[server]\n{key} = \"x\"\n"));
        assert_eq!(
            found,
            [format!(
                "evergrant.toml, line 2: [server] has no key `{key}`"
            )]
        );
    }
}

#[test]
fn lists_of_the_file_may_be_arrays() {
    let file =
        "[server]\nallowed_redirects = [\"https://app.example/a\", \"https://app.example/b\"]\n";
    let settings = good(&[], file);
    assert_eq!(settings.server.allowed_redirects.len(), 2);
    assert_eq!(
        settings.server.origins(),
        ["https://app.example"],
        "each origin once"
    );
}

#[test]
fn origins_are_those_of_the_list_where_there_is_one() {
    let environment = [
        ("EVERGRANT_ALLOWED_REDIRECTS", "https://a.example"),
        ("EVERGRANT_ALLOWED_ORIGINS", "https://B.example:443/"),
    ];
    assert_eq!(
        good(&environment, "").server.origins(),
        ["https://b.example"]
    );
}

#[test]
fn the_public_address_is_guessed_on_loopback_only() {
    let needs = |settings: &Settings| {
        let mut problems = Problems::default();
        settings.server.require_public_url(&mut problems);
        problems.finish().is_err()
    };
    let local = good(&[], "");
    let bound = "127.0.0.1:4711".parse().unwrap();
    assert_eq!(
        local.server.public_url_at(bound).unwrap().as_str(),
        "http://127.0.0.1:4711/"
    );
    assert!(!needs(&local));
    assert!(needs(&good(&[("EVERGRANT_LISTEN", "0.0.0.0:8080")], "")));
    let public = [
        ("EVERGRANT_LISTEN", "0.0.0.0:8080"),
        ("EVERGRANT_PUBLIC_URL", "https://grants.example/vault"),
    ];
    assert!(!needs(&good(&public, "")));
}

#[test]
fn refuses_public_addresses_that_browsers_should_not_be_sent_to() {
    for bad in [
        "http://a.example",
        "https://a.example?x",
        "https://a.example#x",
        "https://u:p@a.example",
        "a.example",
    ] {
        assert_eq!(
            faults(&[("EVERGRANT_PUBLIC_URL", bad)], "").len(),
            1,
            "{bad}"
        );
    }
    for fine in [
        "https://a.example",
        "https://a.example/base",
        "http://localhost:8080",
        "http://127.0.0.1",
    ] {
        good(&[("EVERGRANT_PUBLIC_URL", fine)], "");
    }
}

#[test]
fn the_key_is_taken_from_the_first_name_that_has_one() {
    let fingerprint = |environment: &[(&str, &str)], file: &str| {
        good(environment, file)
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
fn previous_keys_of_the_file_may_hold_commas() {
    let file = "[encryption]\nkey = \"now\"\nkeys_previous = [\"a,b\", \" c \"]\n";
    assert_eq!(
        good(&[], file)
            .encryption
            .take_ring()
            .unwrap()
            .previous()
            .len(),
        2
    );
}

#[test]
fn a_wrong_key_is_named_once_and_a_missing_one_when_it_is_needed() {
    let required = |environment: &[(&str, &str)]| {
        let (settings, mut found) = read(environment, "");
        let mut problems = Problems::default();
        settings.encryption.require(&mut problems);
        found.extend(
            problems
                .finish()
                .err()
                .map(|failure| failure.problems().to_vec())
                .unwrap_or_default(),
        );
        found
            .into_iter()
            .map(|problem| problem.what)
            .collect::<Vec<_>>()
    };
    assert_eq!(
        required(&[]),
        ["TOKEN_ENCRYPTION_KEY is not set, nor is DATA_ENCRYPTION_KEY"]
    );
    let unfit = format!("{}=", "!".repeat(43));
    let found = required(&[("TOKEN_ENCRYPTION_KEY", &unfit)]);
    assert_eq!(found.len(), 1);
    assert!(
        found[0].starts_with("TOKEN_ENCRYPTION_KEY: a key of 44 characters"),
        "{found:?}"
    );
}

#[test]
fn a_platforms_settings_come_from_the_environment_the_file_and_the_sandbox() {
    let defaults = || {
        let pairs = [
            ("REDDIT_CLIENT_ID", "sim"),
            ("REDDIT_WWW_BASE", "http://sim"),
            ("TIKTOK_WWW_BASE", "http://tok"),
        ];
        pairs.map(|(name, value)| (name, value.to_owned())).to_vec()
    };
    let plain = good(&[], "").platforms.with_defaults(defaults());
    assert_eq!(plain.get("REDDIT_CLIENT_ID").as_deref(), Some("sim"));
    let hosted = good(&[("REDDIT_WWW_BASE", "http://mine")], "")
        .platforms
        .with_defaults(defaults());
    assert_eq!(
        hosted.get("REDDIT_WWW_BASE").as_deref(),
        Some("http://mine")
    );
    assert_eq!(
        hosted.get("REDDIT_CLIENT_ID").as_deref(),
        Some("sim"),
        "a host alone is no registration"
    );
    let real = good(&[], "[platforms]\nreddit_client_id = \"mine\"\n")
        .platforms
        .with_defaults(defaults());
    assert_eq!(real.get("REDDIT_CLIENT_ID").as_deref(), Some("mine"));
    assert_eq!(
        real.get("REDDIT_WWW_BASE"),
        None,
        "the real platform, not the simulator"
    );
    assert_eq!(
        real.get("TIKTOK_WWW_BASE").as_deref(),
        Some("http://tok"),
        "others stay simulated"
    );
}

#[test]
fn a_platform_setting_that_nobody_asks_for_is_a_fault() {
    let platforms = good(
        &[],
        "[platforms]\nreddit_client_id = \"a\"\nredit_client_secret = \"b\"\n",
    )
    .platforms;
    platforms.get("REDDIT_CLIENT_ID");
    let mut problems = Problems::default();
    platforms.note_unknown(&mut problems);
    let found = problems.finish().unwrap_err();
    let [problem] = found.problems() else {
        panic!("{found:?}")
    };
    assert_eq!(
        problem.what,
        "evergrant.toml, line 3: platforms.redit_client_secret is no platform's setting"
    );
}

#[test]
fn faults_of_own_platforms_come_with_their_place() {
    let found = faults(
        &[],
        "[providers.acme]\nname = \"Acme\"\ntoken_uri = \"x\"\n",
    );
    assert!(
        found
            .iter()
            .any(|what| what.starts_with("evergrant.toml, line 3, column 1: ")),
        "{found:#?}"
    );
}

#[test]
fn debug_shows_no_secret() {
    let environment = [
        ("DATABASE_URL", "postgres://u:hush@h/d"),
        ("TOKEN_ENCRYPTION_KEY", "hush"),
        ("A_SECRET", "hush"),
    ];
    let settings = good(
        &environment,
        "[platforms]\nreddit_client_secret = \"hush\"\n",
    );
    assert!(!format!("{settings:?}").contains("hush"));
}

#[test]
fn every_setting_is_documented() {
    let documented = include_str!("../../../../docs/settings.md");
    for key::Key { env, section, name } in key::ALL {
        assert!(documented.contains(&format!("`{env}`")), "{env}");
        assert!(
            documented.contains(&format!("`{section}.{name}`")),
            "{section}.{name}"
        );
    }
    for env in key::ENVIRONMENT_ONLY {
        assert!(documented.contains(&format!("`{env}`")), "{env}");
    }
}
