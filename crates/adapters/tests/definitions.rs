//! Definitions as an operator writes them: every fault is told with its place, and a good one becomes a platform.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test stops at the first surprise")]

use std::sync::Arc;

use evergrant_adapters::{
    DefinitionFault, ErrorClass, HeldTokens, HttpClient, HttpLimits, Lifecycle, NetworkPolicy, Pkce, PlatformAdapter,
    Registry, parse_providers,
};
use evergrant_model::{AccessToken, ManualClock, ProviderSlug, ScopeSet, Timestamp};
use proptest::prelude::*;

const ACME: &str = r#"[providers.acme]
name = "Acme"
authorization_url = "https://acme.example/oauth/authorize"
token_url = "https://acme.example/oauth/token"
revocation_url = "https://acme.example/oauth/revoke"
userinfo_url = "https://acme.example/oauth/userinfo"
client_id = "id"
client_secret = "hush"
client_auth = "basic"
scopes = ["openid", "offline_access"]
pkce = "S256"
authorize_params = { prompt = "consent" }
issuer = "https://acme.example"
account = { id = "/sub", username = "/preferred_username", display_name = "/name", avatar = "/picture" }
"#;

fn faults(text: &str) -> Vec<(usize, usize, String)> {
    let faults = parse_providers(text).expect_err("there is a fault");
    faults.into_iter().map(|DefinitionFault { line, column, message }| (line, column, message)).collect()
}

/// The one fault of Acme's definition after `from` was replaced by `to`.
fn fault(from: &str, to: &str) -> (usize, usize, String) {
    assert!(ACME.contains(from), "{from}");
    let found = faults(&ACME.replace(from, to));
    assert_eq!(found.len(), 1, "{found:?}");
    found.into_iter().next().unwrap()
}

fn place(line: usize, column: usize, message: &str) -> (usize, usize, String) {
    (line, column, message.to_owned())
}

fn registry(text: &str, settings: &[(&str, &str)], policy: NetworkPolicy) -> Result<Registry, Vec<DefinitionFault>> {
    let setting = |name: &str| settings.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
    let clock = Arc::new(ManualClock::new(Timestamp::default()));
    let http = HttpClient::new(HttpLimits::default()).unwrap();
    Registry::new(http, clock, &setting, parse_providers(text)?, policy)
}

fn slug(text: &str) -> ProviderSlug {
    ProviderSlug::new(text).unwrap()
}

const STRICT: NetworkPolicy = NetworkPolicy { allow_insecure_hosts: false };
const DEV: NetworkPolicy = NetworkPolicy { allow_insecure_hosts: true };

#[test]
fn the_documented_section_becomes_a_platform() {
    let registry = registry(ACME, &[], STRICT).unwrap();
    let slugs: Vec<_> = registry.specs().map(|spec| spec.slug.as_str()).collect();
    let expected = ["instagram", "instagram-login", "tiktok", "reddit", "onlyfans", "acme"];
    assert_eq!(slugs, expected, "the catalogue comes first");
    let adapter = registry.platform(&slug("acme")).unwrap();
    let spec = adapter.spec();
    assert!(spec.is_configured() && spec.uses_pkce() && spec.capabilities.revoke && spec.rotates);
    assert_eq!((spec.name.as_str(), spec.account_type.as_str(), spec.pkce), ("Acme", "Acme account", Pkce::S256));
    assert_eq!(spec.issuer.as_deref(), Some("https://acme.example"));
    assert_eq!(spec.wanted_scopes(&ScopeSet::default()).unwrap(), ScopeSet::parse("offline_access openid"));
    assert!(registry.platform(&slug("nobody")).is_none());
}

#[test]
fn the_readmes_example_is_a_platform() {
    let readme = include_str!("../README.md");
    let (_, example) = readme.split_once("```toml\n").unwrap();
    let (example, _) = example.split_once("```").unwrap();
    let registry = registry(example, &[("ACME_CLIENT_ID", "id")], STRICT).unwrap();
    let adapter = registry.platform(&slug("acme")).unwrap();
    assert_eq!(adapter.spec().problem.as_deref(), Some("set ACME_CLIENT_SECRET"));
    assert!(!adapter.spec().capabilities.revoke);
}

#[test]
fn other_sections_are_none_of_our_business() {
    let text = format!("[server]\nlisten = 1\n\n{ACME}\n[audit]\nmode = \"async\"\n");
    assert_eq!(parse_providers(&text).unwrap().len(), 1);
    assert!(parse_providers("").unwrap().is_empty());
    assert!(parse_providers("[server]\nlisten = 1").unwrap().is_empty());
}

#[test]
fn an_unknown_key_is_told_with_what_may_be_meant() {
    assert_eq!(fault("pkce =", "pkec ="), place(11, 1, "`pkec` is not a key here; did you mean `pkce`?"));
    assert_eq!(fault("pkce =", "colour ="), place(11, 1, "`colour` is not a key here"));
    assert_eq!(
        fault("avatar =", "avatr ="),
        place(14, 84, "`account.avatr` is not a key here; did you mean `avatar`?")
    );
}

#[test]
fn a_value_of_the_wrong_type_is_told_with_the_right_one() {
    assert_eq!(fault("\"Acme\"", "7"), place(2, 8, "`name` must be text that is not empty, not an integer"));
    assert_eq!(fault("\"Acme\"", "\"\""), place(2, 8, "`name` must be text that is not empty"));
    assert_eq!(fault("[\"openid\", \"offline_access\"]", "\"openid\""), place(10, 10, "`scopes` must be a list"));
    assert_eq!(
        fault("\"offline_access\"", "true"),
        place(
            10,
            21,
            "`scopes` must be a scope: text without spaces, commas, quotes and backslashes, or a table, not a boolean"
        )
    );
    assert_eq!(
        fault("{ prompt = \"consent\" }", "[]"),
        place(12, 20, "`authorize_params` must be a table, not an array")
    );
    assert_eq!(fault("\"/sub\"", "\"sub\""), place(14, 18, "`account.id` must be a JSON pointer such as `/id`"));
}

#[test]
fn a_word_outside_the_list_is_told_with_the_list() {
    assert_eq!(
        fault("\"basic\"", "\"bsic\""),
        place(9, 15, "`client_auth` must be one of `basic`, `post`, `none`; did you mean `basic`?")
    );
}

#[test]
fn a_bad_address_is_told_without_repeating_it() {
    for bad in [
        "acme.example/token",
        "/token",
        "ftp://acme.example/token",
        "https://",
        "https://user:hush@acme.example/token",
        "https://acme.example/token#x",
        "javascript:alert(1)",
    ] {
        let found = fault("https://acme.example/oauth/token", bad);
        let message = "`token_url` must be an absolute http or https address without user, password and fragment";
        assert_eq!(found, place(4, 13, message), "{bad}");
    }
}

#[test]
fn a_missing_key_is_told_at_the_section() {
    for (line, name) in
        [("name = \"Acme\"\n", "name"), ("token_url = \"https://acme.example/oauth/token\"\n", "token_url")]
    {
        assert_eq!(fault(line, ""), place(1, 12, &format!("`{name}` is missing")));
    }
    assert_eq!(fault("client_id = \"id\"\n", ""), place(1, 12, "`client_id` or `client_id_env` is missing"));
    assert_eq!(
        fault("client_secret = \"hush\"\n", ""),
        place(1, 12, "`client_secret` or `client_secret_env` is missing")
    );
    assert_eq!(fault("id = \"/sub\", ", ""), place(14, 11, "`account.id` is missing"));
}

#[test]
fn a_public_client_needs_no_secret() {
    let text = ACME.replace("client_secret = \"hush\"\n", "").replace("\"basic\"", "\"none\"");
    assert!(registry(&text, &[], STRICT).unwrap().platform(&slug("acme")).unwrap().spec().is_configured());
}

#[test]
fn a_value_and_the_setting_that_holds_it_exclude_each_other() {
    assert_eq!(
        fault("client_id = \"id\"\n", "client_id = \"id\"\nclient_id_env = \"ACME_ID\"\n"),
        place(8, 1, "give `client_id` or `client_id_env`, not both")
    );
    assert_eq!(
        fault("client_secret = \"hush\"\n", "client_secret_env = \"ACME_SECRET\"\nclient_secret = \"hush\"\n"),
        place(9, 1, "give `client_secret` or `client_secret_env`, not both")
    );
}

#[test]
fn what_binds_the_flow_cannot_be_overridden() {
    for name in
        ["state", "redirect_uri", "response_type", "client_id", "code_challenge", "code_challenge_method", "scope"]
    {
        let message = format!("`authorize_params` may not set `{name}`, which Evergrant sets itself");
        assert_eq!(fault("prompt", name), place(12, 22, &message));
    }
    let own = ACME.replace("prompt =", "client_key =").replace("pkce =", "client.id_param = \"client_key\"\npkce =");
    assert_eq!(faults(&own), [place(13, 22, "`authorize_params` may not set the client's id")]);
}

#[test]
fn a_name_must_be_a_slug_and_free() {
    let expectation = "a provider is up to 50 lower-case letters, digits and hyphens, beginning with a letter";
    assert_eq!(fault("providers.acme", "providers.Acme"), place(1, 12, expectation));
    assert_eq!(fault("providers.acme", "providers.\"a b\""), place(1, 12, expectation));
    assert_eq!(
        fault("providers.acme", "providers.reddit"),
        place(1, 12, "`reddit` is a platform of the catalogue; choose another name")
    );
}

#[test]
fn what_is_no_section_is_refused() {
    assert_eq!(faults("providers = 7"), [place(1, 13, "`providers` must be a table of sections")]);
    assert_eq!(faults("[providers]\nacme = 7"), [place(2, 1, "a platform is a table of keys")]);
}

#[test]
fn a_host_that_is_not_there_is_told() {
    assert_eq!(
        fault("https://acme.example/oauth/token", "{ACME_BASE}/token"),
        place(4, 13, "`ACME_BASE` is not one of `endpoints.hosts`")
    );
}

#[test]
fn a_variable_must_be_there_and_keep_its_place() {
    assert_eq!(
        fault("https://acme.example/oauth/token", "https://acme.example/{ACME_VERSION}/token"),
        place(4, 13, "`ACME_VERSION` is not one of `endpoints.variables`")
    );
    let with =
        |value: &str| fault("pkce =", &format!("endpoints.variables = {{ ACME_VERSION = \"{value}\" }}\npkce ="));
    for bad in ["", "../v1", "..", "a/b", "a?b", "a b"] {
        let message = "`endpoints.variables.ACME_VERSION` must be letters, digits, points, hyphens and underscores";
        assert_eq!(with(bad), place(11, 40, message), "{bad}");
    }
}

#[test]
fn the_addresses_of_a_trade_are_judged_like_all_others() {
    let trade = |url: &str| {
        ACME.replace(
            "pkce =",
            &format!("tokens.renew = {{ url = \"{url}\", grant_type = \"x\", token_param = \"t\" }}\npkce ="),
        )
    };
    assert_eq!(faults(&trade("{ACME_BASE}/renew")), [place(11, 24, "`ACME_BASE` is not one of `endpoints.hosts`")]);
    let found = registry(&trade("https://10.0.0.1/renew"), &[], STRICT).expect_err("a private host");
    assert_eq!((found.len(), found[0].line, found[0].column), (1, 11, 24), "{found:?}");
    let registry = registry(&trade("https://acme.example/renew"), &[], STRICT).unwrap();
    assert!(registry.platform(&slug("acme")).unwrap().spec().can_renew(false));
}

#[test]
fn a_key_of_an_earlier_version_is_told_its_new_place() {
    for (old, column, path, new) in [
        ("rotates = false", 1, "rotates", "tokens.rotates_refresh_token"),
        ("hosts.ACME_BASE = \"https://acme.example\"", 1, "hosts", "endpoints.hosts"),
        ("error_codes = \"graph\"", 1, "error_codes", "errors.codes"),
        ("tokens = { lengthen = {} }", 12, "tokens.lengthen", "tokens.long_lived_exchange"),
    ] {
        let message =
            format!("`{path}` is not a key here; it is `{new}` now, and scripts/convert-provider-toml moves all keys");
        assert_eq!(fault("pkce =", &format!("{old}\npkce =")), place(11, column, &message));
    }
}

/// `scripts/test` converts `flat.toml` and compares it with `grouped.toml`.
#[test]
fn a_converted_file_is_read_and_the_file_before_is_not() {
    let found = faults(include_str!("keys/flat.toml"));
    let moved = found.iter().filter(|(_, _, message)| message.contains("scripts/convert-provider-toml"));
    assert_eq!(moved.count(), 10, "{found:?}");
    let providers = parse_providers(include_str!("keys/grouped.toml")).unwrap();
    assert_eq!(providers.len(), 2);
}

#[test]
fn errors_are_a_list_of_rules_or_a_table() {
    for fine in [
        "errors = [{ status = 400, class = \"blocked\" }]",
        "errors = { codes = \"graph\", rules = [{ status = 400, class = \"blocked\" }] }",
        "errors.codes = \"graph\"",
    ] {
        assert!(parse_providers(&ACME.replace("pkce =", &format!("{fine}\npkce ="))).is_ok(), "{fine}");
    }
    assert_eq!(
        fault("pkce =", "errors = { rules = [{ class = \"blockd\" }] }\npkce =").0,
        11,
        "a rule inside the table is checked"
    );
    let message = "`errors` must be a list, or a table, not an integer";
    assert_eq!(fault("pkce =", "errors = 7\npkce ="), place(11, 10, message));
}

#[test]
fn accounts_have_the_pointers_of_openid_connect_unless_they_have_their_own() {
    let with = |account: &str| {
        let start = ACME.find("account =").unwrap();
        parse_providers(&format!("{}account = {account}\n", &ACME[..start]))
    };
    assert!(with("{ type = \"Acme creator\", multi_account = true }").is_ok());
    let found = with("{ type = \"Acme creator\", avatar = \"/picture\" }").expect_err("no id");
    assert_eq!((found.len(), found[0].line, found[0].column), (1, 14, 11), "{found:?}");
    assert_eq!(found[0].message, "`account.id` is missing");
}

#[test]
fn a_custom_platform_has_no_kind() {
    assert_eq!(fault("pkce =", "kind = \"cookies\"\npkce ="), place(11, 1, "`kind` is not a key here"));
}

#[test]
fn the_lifecycle_is_decided_by_the_definition() {
    let lifecycle = |more: &str, slug_text: &str| {
        let registry = registry(&ACME.replace("pkce =", &format!("{more}pkce =")), &[], STRICT).unwrap();
        registry.platform(&slug(slug_text)).unwrap().spec().lifecycle
    };
    assert_eq!(lifecycle("", "acme"), Lifecycle::Refreshes);
    assert_eq!(lifecycle("tokens.refresh = false\n", "acme"), Lifecycle::Neither);
    assert_eq!(lifecycle("", "onlyfans"), Lifecycle::Checked);
}

#[test]
fn the_catalogue_says_which_settings_it_misses() {
    let registry = registry("", &[], STRICT).unwrap();
    let problems: Vec<_> = registry.specs().filter_map(|spec| spec.problem.as_deref()).collect();
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
fn broken_toml_is_told_with_its_place_and_without_its_text() {
    let found = faults("[providers.acme]\nclient_secret = \"hush\n");
    assert_eq!((found[0].0, found[0].1), (2, 22));
    assert!(!format!("{found:?}").contains("hush"));
    assert_eq!(faults(&ACME.replace("pkce =", "name =")), [place(11, 1, "duplicate key")]);
}

#[test]
fn every_fault_is_told_at_once_and_in_order() {
    let text =
        ACME.replace("name = \"Acme\"", "nam = \"Acme\"").replace("\"basic\"", "true").replace("\"S256\"", "\"plain\"")
            + "\n[providers.beta]\nname = \"Beta\"\n";
    let places: Vec<_> = faults(&text).into_iter().map(|(line, column, _)| (line, column)).collect();
    assert_eq!(places, [(1, 12), (2, 1), (9, 15), (11, 8), (16, 12), (16, 12), (16, 12), (16, 12), (16, 12)]);
}

#[test]
fn private_hosts_are_allowed_by_the_policy_or_the_section_alone() {
    for host in ["https://localhost", "https://127.0.0.1:9", "https://10.0.0.1", "https://[::1]", "http://acme.example"]
    {
        let text = ACME.replace("token_url = \"https://acme.example", &format!("token_url = \"{host}"));
        let found = registry(&text, &[], STRICT).expect_err(host);
        assert_eq!((found.len(), found[0].line, found[0].column), (1, 4, 13), "{host} {found:?}");
        assert!(found[0].message.contains("allow_insecure = true"), "{}", found[0]);
        assert!(registry(&text, &[], DEV).is_ok(), "{host}");
        let lifted = text.replace("pkce =", "allow_insecure = true\npkce =");
        assert!(registry(&lifted, &[], STRICT).is_ok(), "{host}");
    }
}

#[test]
fn a_platform_without_its_settings_says_which_are_missing() {
    let problem = |settings: &[(&str, &str)]| {
        let registry = registry("", settings, STRICT).unwrap();
        registry.platform(&slug("reddit")).unwrap().spec().problem.clone()
    };
    let all = [("REDDIT_CLIENT_ID", "i"), ("REDDIT_CLIENT_SECRET", "hush"), ("REDDIT_USER_AGENT", "web:a:1 (by /u/b)")];
    assert_eq!(problem(&[]).unwrap(), "set REDDIT_CLIENT_ID, REDDIT_CLIENT_SECRET and REDDIT_USER_AGENT");
    assert_eq!(problem(&all[..2]).unwrap(), "set REDDIT_USER_AGENT");
    assert_eq!(problem(&[all[0], ("REDDIT_CLIENT_SECRET", ""), all[2]]).unwrap(), "set REDDIT_CLIENT_SECRET");
    assert_eq!(problem(&all), None);
    let odd = [all[0], all[1], ("REDDIT_USER_AGENT", "a\nb")];
    assert_eq!(problem(&odd).unwrap(), "REDDIT_USER_AGENT has characters that a header cannot carry");
}

#[test]
fn an_override_of_a_host_must_be_https_or_loopback() {
    let problem = |base: &str, policy| {
        let settings = [
            ("REDDIT_CLIENT_ID", "i"),
            ("REDDIT_CLIENT_SECRET", "s"),
            ("REDDIT_USER_AGENT", "u"),
            ("REDDIT_WWW_BASE", base),
        ];
        let registry = registry("", &settings, policy).unwrap();
        registry.platform(&slug("reddit")).unwrap().spec().problem.clone()
    };
    for fine in ["", "http://127.0.0.1:8081", "http://localhost:8081/reddit/", "https://sim.example"] {
        assert_eq!(problem(fine, STRICT), None, "{fine}");
    }
    let insecure = "REDDIT_WWW_BASE must begin with https:// unless its host is loopback";
    assert_eq!(problem("http://sim.example", STRICT).as_deref(), Some(insecure));
    assert_eq!(problem("http://sim.example", DEV), None);
    let nonsense = "REDDIT_WWW_BASE is not the base of an address, such as https://host.example";
    assert_eq!(problem("nonsense", STRICT).as_deref(), Some(nonsense));
}

#[tokio::test]
async fn an_unconfigured_platform_is_never_called() {
    let registry = registry("", &[], STRICT).unwrap();
    let adapter = registry.platform(&slug("reddit")).unwrap();
    let held = HeldTokens { access: Some(AccessToken::new("a")), refresh: None };
    let error = adapter.revoke_access(&held).await.unwrap_err();
    assert_eq!(error.class(), ErrorClass::ConfigError);
    assert_eq!(error.to_string(), "the platform is not configured");
}

#[test]
fn reddit_is_what_the_documentation_says() {
    let registry = registry("", &[], STRICT).unwrap();
    let adapter = registry.platform(&slug("reddit")).unwrap();
    let spec = adapter.spec();
    assert_eq!((spec.account_type.as_str(), spec.token_type.as_str()), ("Reddit User", "Permanent (with refresh)"));
    assert!(!spec.rotates && spec.may_resend_refresh() && !spec.uses_pkce() && !spec.multi_account);
    assert!(spec.capabilities.refresh && spec.capabilities.revoke && spec.capabilities.profile);
    assert_eq!((spec.default_lifetime_seconds, spec.refresh_ahead_seconds), (Some(86_400), Some(300)));
    let required: Vec<_> = spec.scopes.iter().filter(|scope| scope.required).map(|scope| scope.id.as_str()).collect();
    assert_eq!(required, ["identity"]);
    let wanted = spec.wanted_scopes(&ScopeSet::default()).unwrap();
    assert_eq!(wanted.to_string(), "history identity mysubreddits read");
}

#[test]
fn no_definition_shows_its_secret() {
    let providers = parse_providers(ACME).unwrap();
    let registry = registry(ACME, &[], STRICT).unwrap();
    let specs: Vec<_> = registry.specs().collect();
    assert!(!format!("{providers:?} {registry:?} {specs:?}").contains("hush"));
}

proptest! {
    /// A definition with any piece replaced by any text is read or refused with places inside the text, never a panic.
    #[test]
    fn every_fault_has_a_place_in_the_text(from: prop::sample::Index, length in 0usize..40, text in "\\PC{0,12}|[\\[\\]{}=\",.\n a]{0,12}") {
        let start = from.index(ACME.len());
        let end = (start + length).min(ACME.len());
        let torn = format!("{}{text}{}", &ACME[..start], &ACME[end..]);
        let lines: Vec<&str> = torn.split('\n').collect();
        for fault in parse_providers(&torn).err().unwrap_or_default() {
            prop_assert!((1..=lines.len()).contains(&fault.line), "{}", fault);
            prop_assert!((1..=lines[fault.line - 1].chars().count() + 1).contains(&fault.column), "{}", fault);
        }
    }
}
