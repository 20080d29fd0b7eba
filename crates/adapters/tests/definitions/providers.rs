//! Providers that result from definitions and settings.

use evergrant_adapters::{
    ErrorClass, HeldTokens, Lifecycle, Pkce, PlatformAdapter, parse_providers,
};
use evergrant_model::{AccessToken, ScopeSet, SignedDuration};

use crate::support::{ACME, DEV, STRICT, registry, slug};

#[test]
fn valid_section_becomes_a_provider() {
    let registry = registry(ACME, &[], STRICT).unwrap();
    let slugs: Vec<_> = registry.specs().map(|spec| spec.slug.as_str()).collect();
    let expected = [
        "instagram",
        "instagram-login",
        "tiktok",
        "reddit",
        "onlyfans",
        "acme",
    ];
    assert_eq!(slugs, expected, "catalogue providers are listed first");
    let adapter = registry.provider(&slug("acme")).unwrap();
    let spec = adapter.spec();
    assert!(
        spec.is_configured()
            && spec.requires_pkce()
            && spec.capabilities.revoke
            && spec.rotates_refresh_token
    );
    assert_eq!(
        (spec.name.as_str(), spec.account_type.as_str(), spec.pkce),
        ("Acme", "Acme account", Pkce::S256)
    );
    assert_eq!(spec.issuer.as_deref(), Some("https://acme.example"));
    assert_eq!(
        spec.requested_scopes(&ScopeSet::default()).unwrap(),
        ScopeSet::parse("offline_access openid")
    );
    assert!(registry.provider(&slug("unknown")).is_none());
}

#[test]
fn readme_example_is_a_valid_provider() {
    let readme = include_str!("../../README.md");
    let (_, example) = readme.split_once("```toml\n").unwrap();
    let (example, _) = example.split_once("```").unwrap();
    let registry = registry(example, &[("ACME_CLIENT_ID", "id")], STRICT).unwrap();
    let adapter = registry.provider(&slug("acme")).unwrap();
    assert_eq!(
        adapter.spec().problem.as_deref(),
        Some("set ACME_CLIENT_SECRET")
    );
    assert!(!adapter.spec().capabilities.revoke);
}

#[test]
fn other_sections_are_ignored() {
    let text = format!("[server]\nlisten = 1\n\n{ACME}\n[audit]\nmode = \"async\"\n");
    assert_eq!(parse_providers(&text).unwrap().len(), 1);
    assert!(parse_providers("").unwrap().is_empty());
    assert!(parse_providers("[server]\nlisten = 1").unwrap().is_empty());
}

#[test]
fn public_client_needs_no_secret() {
    let text = ACME
        .replace("client_secret = \"hush\"\n", "")
        .replace("\"basic\"", "\"none\"");
    assert!(
        registry(&text, &[], STRICT)
            .unwrap()
            .provider(&slug("acme"))
            .unwrap()
            .spec()
            .is_configured()
    );
}

#[test]
fn definition_determines_the_lifecycle() {
    let lifecycle = |more: &str, slug_text: &str| {
        let registry = registry(
            &ACME.replace("pkce =", &format!("{more}pkce =")),
            &[],
            STRICT,
        )
        .unwrap();
        registry
            .provider(&slug(slug_text))
            .unwrap()
            .spec()
            .lifecycle
    };
    assert_eq!(lifecycle("", "acme"), Lifecycle::Refreshed);
    assert_eq!(
        lifecycle("tokens.refresh = false\n", "acme"),
        Lifecycle::Unmanaged
    );
    assert_eq!(lifecycle("", "onlyfans"), Lifecycle::Checked);
}

#[test]
fn unconfigured_catalogue_lists_its_missing_settings() {
    let registry = registry("", &[], STRICT).unwrap();
    let problems: Vec<_> = registry
        .specs()
        .filter_map(|spec| spec.problem.as_deref())
        .collect();
    assert_eq!(
        problems,
        [
            "set FACEBOOK_APP_ID and FACEBOOK_APP_SECRET",
            "set INSTAGRAM_APP_ID and INSTAGRAM_APP_SECRET",
            "set TIKTOK_CLIENT_KEY and TIKTOK_CLIENT_SECRET",
            "set REDDIT_CLIENT_ID, REDDIT_CLIENT_SECRET and REDDIT_USER_AGENT",
            "set ONLYFANS_ENABLED=true",
        ]
    );
}

#[test]
fn private_hosts_need_the_policy_or_allow_insecure() {
    for host in [
        "https://localhost",
        "https://127.0.0.1:9",
        "https://10.0.0.1",
        "https://[::1]",
        "http://acme.example",
    ] {
        let text = ACME.replace(
            "token_url = \"https://acme.example",
            &format!("token_url = \"{host}"),
        );
        let found = registry(&text, &[], STRICT).expect_err(host);
        assert_eq!(
            (found.len(), found[0].line, found[0].column),
            (1, 4, 13),
            "{host} {found:?}"
        );
        assert!(
            found[0].message.contains("allow_insecure = true"),
            "{}",
            found[0]
        );
        assert!(registry(&text, &[], DEV).is_ok(), "{host}");
        let allowed = text.replace("pkce =", "allow_insecure = true\npkce =");
        assert!(registry(&allowed, &[], STRICT).is_ok(), "{host}");
    }
}

#[test]
fn unconfigured_provider_lists_its_missing_settings() {
    let problem = |settings: &[(&str, &str)]| {
        let registry = registry("", settings, STRICT).unwrap();
        registry
            .provider(&slug("reddit"))
            .unwrap()
            .spec()
            .problem
            .clone()
    };
    let all = [
        ("REDDIT_CLIENT_ID", "i"),
        ("REDDIT_CLIENT_SECRET", "hush"),
        ("REDDIT_USER_AGENT", "web:a:1 (by /u/b)"),
    ];
    assert_eq!(
        problem(&[]).unwrap(),
        "set REDDIT_CLIENT_ID, REDDIT_CLIENT_SECRET and REDDIT_USER_AGENT"
    );
    assert_eq!(problem(&all[..2]).unwrap(), "set REDDIT_USER_AGENT");
    assert_eq!(
        problem(&[all[0], ("REDDIT_CLIENT_SECRET", ""), all[2]]).unwrap(),
        "set REDDIT_CLIENT_SECRET"
    );
    assert_eq!(problem(&all), None);
    let invalid = [all[0], all[1], ("REDDIT_USER_AGENT", "a\nb")];
    assert_eq!(
        problem(&invalid).unwrap(),
        "REDDIT_USER_AGENT contains characters that an HTTP header cannot carry"
    );
}

#[test]
fn host_override_must_be_https_or_loopback() {
    let problem = |base: &str, policy| {
        let settings = [
            ("REDDIT_CLIENT_ID", "i"),
            ("REDDIT_CLIENT_SECRET", "s"),
            ("REDDIT_USER_AGENT", "u"),
            ("REDDIT_WWW_BASE", base),
        ];
        let registry = registry("", &settings, policy).unwrap();
        registry
            .provider(&slug("reddit"))
            .unwrap()
            .spec()
            .problem
            .clone()
    };
    for valid in [
        "",
        "http://127.0.0.1:8081",
        "http://localhost:8081/reddit/",
        "https://sim.example",
    ] {
        assert_eq!(problem(valid, STRICT), None, "{valid}");
    }
    let insecure = "REDDIT_WWW_BASE must begin with https:// unless its host is loopback";
    assert_eq!(
        problem("http://sim.example", STRICT).as_deref(),
        Some(insecure)
    );
    assert_eq!(problem("http://sim.example", DEV), None);
    let nonsense = "REDDIT_WWW_BASE must be a base URL such as https://host.example";
    assert_eq!(problem("nonsense", STRICT).as_deref(), Some(nonsense));
}

#[tokio::test]
async fn unconfigured_provider_is_never_called() {
    let registry = registry("", &[], STRICT).unwrap();
    let adapter = registry.provider(&slug("reddit")).unwrap();
    let tokens = HeldTokens {
        access: Some(AccessToken::new("a")),
        refresh: None,
    };
    let error = adapter.revoke_access(&tokens).await.unwrap_err();
    assert_eq!(error.class(), ErrorClass::ConfigError);
    assert_eq!(error.to_string(), "the provider is not configured");
}

#[test]
fn reddit_spec_matches_its_documentation() {
    let registry = registry("", &[], STRICT).unwrap();
    let adapter = registry.provider(&slug("reddit")).unwrap();
    let spec = adapter.spec();
    assert_eq!(
        (spec.account_type.as_str(), spec.token_type.as_str()),
        ("Reddit User", "Permanent (with refresh)")
    );
    assert!(
        !spec.rotates_refresh_token
            && spec.can_retry_refresh()
            && !spec.requires_pkce()
            && !spec.multi_account
    );
    assert!(spec.capabilities.refresh && spec.capabilities.revoke && spec.capabilities.profile);
    assert_eq!(
        (spec.default_lifetime, spec.refresh_ahead),
        (
            Some(SignedDuration::from_secs(86_400)),
            Some(SignedDuration::from_secs(300))
        )
    );
    let required: Vec<_> = spec
        .scopes
        .iter()
        .filter(|scope| scope.required)
        .map(|scope| scope.id.as_str())
        .collect();
    assert_eq!(required, ["identity"]);
    let requested = spec.requested_scopes(&ScopeSet::default()).unwrap();
    assert_eq!(requested.to_string(), "history identity mysubreddits read");
}

#[test]
fn debug_output_contains_no_secret() {
    let providers = parse_providers(ACME).unwrap();
    let registry = registry(ACME, &[], STRICT).unwrap();
    let specs: Vec<_> = registry.specs().collect();
    assert!(!format!("{providers:?} {registry:?} {specs:?}").contains("hush"));
}
