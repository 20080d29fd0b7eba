//! Faults and their places.

use evergrant_adapters::parse_providers;
use proptest::prelude::*;

use crate::support::{ACME, STRICT, fault, faults, place, registry, slug};

#[test]
fn an_unknown_key_is_told_with_what_may_be_meant() {
    assert_eq!(
        fault("pkce =", "pkec ="),
        place(11, 1, "`pkec` is not a key here; did you mean `pkce`?")
    );
    assert_eq!(
        fault("pkce =", "colour ="),
        place(11, 1, "`colour` is not a key here")
    );
    assert_eq!(
        fault("avatar =", "avatr ="),
        place(
            14,
            84,
            "`account.avatr` is not a key here; did you mean `avatar`?"
        )
    );
}

#[test]
fn a_value_of_the_wrong_type_is_told_with_the_right_one() {
    assert_eq!(
        fault("\"Acme\"", "7"),
        place(
            2,
            8,
            "`name` must be text that is not empty, not an integer"
        )
    );
    assert_eq!(
        fault("\"Acme\"", "\"\""),
        place(2, 8, "`name` must be text that is not empty")
    );
    assert_eq!(
        fault("[\"openid\", \"offline_access\"]", "\"openid\""),
        place(10, 10, "`scopes` must be a list")
    );
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
    assert_eq!(
        fault("\"/sub\"", "\"sub\""),
        place(14, 18, "`account.id` must be a JSON pointer such as `/id`")
    );
}

#[test]
fn a_word_outside_the_list_is_told_with_the_list() {
    assert_eq!(
        fault("\"basic\"", "\"bsic\""),
        place(
            9,
            15,
            "`client_auth` must be one of `basic`, `post`, `none`; did you mean `basic`?"
        )
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
    for (line, name) in [
        ("name = \"Acme\"\n", "name"),
        (
            "token_url = \"https://acme.example/oauth/token\"\n",
            "token_url",
        ),
    ] {
        assert_eq!(
            fault(line, ""),
            place(1, 12, &format!("`{name}` is missing"))
        );
    }
    assert_eq!(
        fault("client_id = \"id\"\n", ""),
        place(1, 12, "`client_id` or `client_id_env` is missing")
    );
    assert_eq!(
        fault("client_secret = \"hush\"\n", ""),
        place(1, 12, "`client_secret` or `client_secret_env` is missing")
    );
    assert_eq!(
        fault("id = \"/sub\", ", ""),
        place(14, 11, "`account.id` is missing")
    );
}

#[test]
fn a_value_and_the_setting_that_holds_it_exclude_each_other() {
    assert_eq!(
        fault(
            "client_id = \"id\"\n",
            "client_id = \"id\"\nclient_id_env = \"ACME_ID\"\n"
        ),
        place(8, 1, "give `client_id` or `client_id_env`, not both")
    );
    assert_eq!(
        fault(
            "client_secret = \"hush\"\n",
            "client_secret_env = \"ACME_SECRET\"\nclient_secret = \"hush\"\n"
        ),
        place(
            9,
            1,
            "give `client_secret` or `client_secret_env`, not both"
        )
    );
}

#[test]
fn what_binds_the_flow_cannot_be_overridden() {
    for name in [
        "state",
        "redirect_uri",
        "response_type",
        "client_id",
        "code_challenge",
        "code_challenge_method",
        "scope",
    ] {
        let message =
            format!("`authorize_params` may not set `{name}`, which Evergrant sets itself");
        assert_eq!(fault("prompt", name), place(12, 22, &message));
    }
    let own = ACME
        .replace("prompt =", "client_key =")
        .replace("pkce =", "client.id_param = \"client_key\"\npkce =");
    assert_eq!(
        faults(&own),
        [place(
            13,
            22,
            "`authorize_params` may not set the client's id"
        )]
    );
}

#[test]
fn a_name_must_be_a_slug_and_free() {
    let expectation =
        "a provider is up to 50 lower-case letters, digits and hyphens, beginning with a letter";
    assert_eq!(
        fault("providers.acme", "providers.Acme"),
        place(1, 12, expectation)
    );
    assert_eq!(
        fault("providers.acme", "providers.\"a b\""),
        place(1, 12, expectation)
    );
    assert_eq!(
        fault("providers.acme", "providers.reddit"),
        place(
            1,
            12,
            "`reddit` is a platform of the catalogue; choose another name"
        )
    );
}

#[test]
fn what_is_no_section_is_refused() {
    assert_eq!(
        faults("providers = 7"),
        [place(1, 13, "`providers` must be a table of sections")]
    );
    assert_eq!(
        faults("[providers]\nacme = 7"),
        [place(2, 1, "a platform is a table of keys")]
    );
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
        fault(
            "https://acme.example/oauth/token",
            "https://acme.example/{ACME_VERSION}/token"
        ),
        place(4, 13, "`ACME_VERSION` is not one of `endpoints.variables`")
    );
    let with = |value: &str| {
        fault(
            "pkce =",
            &format!("endpoints.variables = {{ ACME_VERSION = \"{value}\" }}\npkce ="),
        )
    };
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
    assert_eq!(
        faults(&trade("{ACME_BASE}/renew")),
        [place(11, 24, "`ACME_BASE` is not one of `endpoints.hosts`")]
    );
    let found =
        registry(&trade("https://10.0.0.1/renew"), &[], STRICT).expect_err("a private host");
    assert_eq!(
        (found.len(), found[0].line, found[0].column),
        (1, 11, 24),
        "{found:?}"
    );
    let registry = registry(&trade("https://acme.example/renew"), &[], STRICT).unwrap();
    assert!(
        registry
            .provider(&slug("acme"))
            .unwrap()
            .spec()
            .can_refresh(false)
    );
}

/// `scripts/test` converts `flat.toml` and compares it with `grouped.toml`.

#[test]
fn a_custom_platform_has_no_kind() {
    assert_eq!(
        fault("pkce =", "kind = \"cookies\"\npkce ="),
        place(11, 1, "`kind` is not a key here")
    );
}

#[test]
fn broken_toml_is_told_with_its_place_and_without_its_text() {
    let found = faults("[providers.acme]\nclient_secret = \"hush\n");
    assert_eq!((found[0].0, found[0].1), (2, 22));
    assert!(!format!("{found:?}").contains("hush"));
    assert_eq!(
        faults(&ACME.replace("pkce =", "name =")),
        [place(11, 1, "duplicate key")]
    );
}

#[test]
fn every_fault_is_told_at_once_and_in_order() {
    let text = ACME
        .replace("name = \"Acme\"", "nam = \"Acme\"")
        .replace("\"basic\"", "true")
        .replace("\"S256\"", "\"plain\"")
        + "\n[providers.beta]\nname = \"Beta\"\n";
    let places: Vec<_> = faults(&text)
        .into_iter()
        .map(|(line, column, _)| (line, column))
        .collect();
    assert_eq!(
        places,
        [
            (1, 12),
            (2, 1),
            (9, 15),
            (11, 8),
            (16, 12),
            (16, 12),
            (16, 12),
            (16, 12),
            (16, 12)
        ]
    );
}

proptest! {
    /// A definition with any piece replaced by any text is read or refused with places inside the
    /// text, never a panic.
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
