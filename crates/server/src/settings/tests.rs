//! Tests that read the settings from an environment and a file of the test.

mod encryption;
mod providers;
mod server;

use std::collections::HashMap;
use std::sync::Arc;

use evergrant_model::SignedDuration;

use super::*;
use crate::failure::Problem;

const KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

/// Reads the settings; returns them with the problems.
fn read(environment: &[(&str, &str)], file: &str) -> (Settings, Vec<Problem>) {
    let environment: HashMap<String, String> = environment
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    let mut problems = Problems::default();
    let sources = Sources::from_text(
        Arc::new(move |name| environment.get(name).cloned()),
        file,
        &mut problems,
    );
    let settings = Settings::read(&sources, &mut problems);
    let reported = problems
        .finish()
        .err()
        .map(|failure| failure.problems().to_vec())
        .unwrap_or_default();
    (settings, reported)
}

/// Reads settings that must have no problems.
fn valid(environment: &[(&str, &str)], file: &str) -> Settings {
    let (settings, problems) = read(environment, file);
    assert_eq!(problems, [], "the settings are valid");
    settings
}

/// Returns the messages of the problems.
fn messages(environment: &[(&str, &str)], file: &str) -> Vec<String> {
    read(environment, file)
        .1
        .into_iter()
        .map(|problem| problem.message)
        .collect()
}

#[test]
fn defaults_match_the_documentation() {
    let settings = valid(&[], "");
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
        (settings.flows.ttl, settings.refresh.concurrency),
        (SignedDuration::from_secs(600), 64)
    );
    assert_eq!(
        (settings.refresh.margin, &settings.database.url),
        (None, &None)
    );
    assert!(settings.server.listen.set_by.is_none() && settings.server.origins().is_empty());
}

#[test]
fn environment_takes_precedence_over_file_and_file_over_default() {
    let file = "[server]\nlisten = \"127.0.0.1:1\"\nadmin_listen = \"off\"\n[flows]\nttl = 60\n[refresh]\nmargin = 0\n";
    let settings = valid(&[("EVERGRANT_LISTEN", "127.0.0.1:2")], file);
    assert_eq!(settings.server.listen.address.port(), 2);
    assert_eq!(
        settings.server.listen.set_by.as_deref(),
        Some("EVERGRANT_LISTEN")
    );
    assert!(settings.server.admin_listen.is_none());
    assert_eq!(
        (settings.flows.ttl, settings.refresh.margin),
        (SignedDuration::from_secs(60), Some(SignedDuration::ZERO))
    );
}

#[test]
fn empty_variable_counts_as_unset_except_for_the_admin_listener() {
    let settings = valid(
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
fn all_invalid_settings_are_reported_at_once() {
    let environment = [
        ("EVERGRANT_LISTEN", "not an address"),
        ("EVERGRANT_PUBLIC_URL", "http://grants.example"),
        (
            "EVERGRANT_ALLOWED_REDIRECTS",
            "https://app.example, app.example",
        ),
        ("EVERGRANT_ALLOWED_ORIGINS", "https://app.example/path"),
        ("EVERGRANT_APP_NAME", "two\nlines"),
        ("EVERGRANT_FLOW_TTL", "601"),
        ("EVERGRANT_REFRESH_CONCURRENCY", "0"),
        ("EVERGRANT_REFRESH_MARGIN", "-1"),
        ("EVERGRANT_LOG", "loud"),
        ("TOKEN_ENCRYPTION_KEYS_PREVIOUS", "good, hush-hush"),
    ];
    let messages = messages(&environment, "");
    assert_eq!(messages.len(), environment.len(), "{messages:#?}");
    for (name, _) in environment {
        let of_setting = messages.iter().filter(|text| text.starts_with(name));
        assert_eq!(of_setting.count(), 1, "{name} in {messages:#?}");
    }
    assert!(!format!("{messages:?}").contains("hush-hush"));
}

#[test]
fn unknown_or_malformed_entry_of_the_file_is_reported_with_its_line() {
    let file = "[server]\nlisten = \"127.0.0.1:1\"\nlissten = \"x\"\n\n[jwt]\nissuer = \"x\"\n\n[database]\nurl = 1.5\n";
    assert_eq!(
        messages(&[], file),
        [
            "evergrant.toml, line 9: `url` must be a string, an integer, a boolean or a list of strings",
            "evergrant.toml, line 5: unknown section or key `jwt`",
            "evergrant.toml, line 3: [server] has no key `lissten`",
        ]
    );
    assert_eq!(
        messages(&[], "listen = \"x\"")[0],
        "evergrant.toml, line 1: unknown section or key `listen`"
    );
    assert!(messages(&[], "[server]\nlisten =\n")[0].starts_with("evergrant.toml, line 2: "));
}

#[test]
fn unimplemented_settings_are_unknown_keys() {
    for key in [
        "trusted_proxies",
        "data_dir",
        "rate_limit",
        "audit",
        "jwks_url",
    ] {
        assert_eq!(
            messages(&[], &format!("[server]\n{key} = \"x\"\n")),
            [format!(
                "evergrant.toml, line 2: [server] has no key `{key}`"
            )]
        );
    }
}

#[test]
fn debug_output_contains_no_secret() {
    let environment = [
        ("DATABASE_URL", "postgres://u:hush@h/d"),
        ("TOKEN_ENCRYPTION_KEY", "hush"),
        ("A_SECRET", "hush"),
    ];
    let settings = valid(
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
