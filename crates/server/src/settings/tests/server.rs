//! Tests of the section `[server]`.

use super::*;

#[test]
fn list_in_the_file_may_be_an_array() {
    let file =
        "[server]\nallowed_redirects = [\"https://app.example/a\", \"https://app.example/b\"]\n";
    let settings = valid(&[], file);
    assert_eq!(settings.server.allowed_redirects.len(), 2);
    assert_eq!(
        settings.server.origins(),
        ["https://app.example"],
        "each origin once"
    );
}

#[test]
fn allowed_origins_override_those_of_the_redirects() {
    let environment = [
        ("EVERGRANT_ALLOWED_REDIRECTS", "https://a.example"),
        ("EVERGRANT_ALLOWED_ORIGINS", "https://B.example:443/"),
    ];
    assert_eq!(
        valid(&environment, "").server.origins(),
        ["https://b.example"]
    );
}

#[test]
fn public_url_has_a_default_on_loopback_only() {
    let is_required = |settings: &Settings| {
        let mut problems = Problems::default();
        settings.server.require_public_url(&mut problems);
        problems.finish().is_err()
    };
    let local = valid(&[], "");
    let bound = "127.0.0.1:4711".parse().unwrap();
    assert_eq!(
        local.server.public_url_at(bound).unwrap().as_str(),
        "http://127.0.0.1:4711/"
    );
    assert!(!is_required(&local));
    assert!(is_required(&valid(
        &[("EVERGRANT_LISTEN", "0.0.0.0:8080")],
        ""
    )));
    let public = [
        ("EVERGRANT_LISTEN", "0.0.0.0:8080"),
        ("EVERGRANT_PUBLIC_URL", "https://grants.example/vault"),
    ];
    assert!(!is_required(&valid(&public, "")));
}

#[test]
fn insecure_or_incomplete_public_url_is_rejected() {
    for invalid in [
        "http://a.example",
        "https://a.example?x",
        "https://a.example#x",
        "https://u:p@a.example",
        "a.example",
    ] {
        assert_eq!(
            messages(&[("EVERGRANT_PUBLIC_URL", invalid)], "").len(),
            1,
            "{invalid}"
        );
    }
    for accepted in [
        "https://a.example",
        "https://a.example/base",
        "http://localhost:8080",
        "http://127.0.0.1",
    ] {
        valid(&[("EVERGRANT_PUBLIC_URL", accepted)], "");
    }
}
