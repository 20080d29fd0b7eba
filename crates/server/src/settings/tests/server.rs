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
        local.server.public_url_at(bound).unwrap().to_string(),
        "http://127.0.0.1:4711"
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

/// Public URLs that are rejected, and the start of their fault.
const UNUSABLE: [(&str, &str); 10] = [
    ("a.example", "is not an absolute URL"),
    ("http://a.example", "does not start with https://"),
    ("https://a.example?x", "contains a query or fragment"),
    ("https://hush@a.example", "contains a user name or password"),
    (
        "https://a.example//x",
        "has a path that proxies may rewrite",
    ),
    (
        "https://a.example/%78",
        "has a path that proxies may rewrite",
    ),
    (
        "https://a.example/api/",
        "has the path /api, but /api/integrations/",
    ),
    (
        "https://a.example/portal",
        "has the path /portal, but /portal/{code} is a route of Evergrant's own",
    ),
    (
        "https://a.example/assets",
        "has the path /assets, but /assets/{*name} is a route of Evergrant's own",
    ),
    (
        "https://a.example/docs/v1",
        "has the path /docs/v1, but /docs/{*file} is a route of Evergrant's own",
    ),
];

#[test]
fn unusable_public_url_is_rejected_with_its_fault() {
    for (invalid, fault) in UNUSABLE {
        let messages = messages(&[("EVERGRANT_PUBLIC_URL", invalid)], "");
        let expected = format!("EVERGRANT_PUBLIC_URL: the URL {fault}");
        assert!(messages[0].starts_with(&expected), "{messages:?}");
        assert!(
            messages.len() == 1 && !messages[0].contains("hush"),
            "{messages:?}"
        );
    }
    for accepted in [
        "https://a.example",
        "https://a.example/base/",
        "https://a.example/api/grants",
        "https://a.example/integrations",
        "http://localhost:8080",
        "http://127.0.0.1",
    ] {
        valid(&[("EVERGRANT_PUBLIC_URL", accepted)], "");
    }
}
