//! Faults of definitions, with their lines and columns.

use evergrant_adapters::parse_providers;
use proptest::prelude::*;

use crate::support::{ACME, STRICT, at, fault, faults, registry, slug};

#[test]
fn unknown_key_is_reported_with_a_suggestion() {
    assert_eq!(
        fault("pkce =", "pkec ="),
        at(11, 1, "unknown key `pkec`; did you mean `pkce`?")
    );
    assert_eq!(
        fault("pkce =", "colour ="),
        at(11, 1, "unknown key `colour`")
    );
    assert_eq!(
        fault("avatar =", "avatr ="),
        at(
            14,
            84,
            "unknown key `account.avatr`; did you mean `avatar`?"
        )
    );
}

#[test]
fn wrong_type_is_reported_with_the_expected_type() {
    assert_eq!(
        fault("\"Acme\"", "7"),
        at(2, 8, "`name` must be non-empty text, not an integer")
    );
    assert_eq!(
        fault("\"Acme\"", "\"\""),
        at(2, 8, "`name` must be non-empty text")
    );
    assert_eq!(
        fault("[\"openid\", \"offline_access\"]", "\"openid\""),
        at(10, 10, "`scopes` must be a list")
    );
    assert_eq!(
        fault("\"offline_access\"", "true"),
        at(
            10,
            21,
            "`scopes` must be a scope, which is text without spaces, commas, quotes and backslashes, or a table, not a boolean"
        )
    );
    assert_eq!(
        fault("{ prompt = \"consent\" }", "[]"),
        at(12, 20, "`authorize_params` must be a table, not an array")
    );
    assert_eq!(
        fault("\"/sub\"", "\"sub\""),
        at(14, 18, "`account.id` must be a JSON pointer such as `/id`")
    );
}

#[test]
fn unknown_variant_is_reported_with_the_valid_ones() {
    assert_eq!(
        fault("\"basic\"", "\"bsic\""),
        at(
            9,
            15,
            "`client_auth` must be one of `basic`, `post`, `none`; did you mean `basic`?"
        )
    );
}

#[test]
fn invalid_url_is_reported_without_repeating_it() {
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
        let message =
            "`token_url` must be an absolute http or https URL without user, password and fragment";
        assert_eq!(found, at(4, 13, message), "{bad}");
    }
}

#[test]
fn missing_key_is_reported_at_the_section() {
    for (line, name) in [
        ("name = \"Acme\"\n", "name"),
        (
            "token_url = \"https://acme.example/oauth/token\"\n",
            "token_url",
        ),
    ] {
        assert_eq!(fault(line, ""), at(1, 12, &format!("`{name}` is missing")));
    }
    assert_eq!(
        fault("client_id = \"id\"\n", ""),
        at(1, 12, "`client_id` or `client_id_env` is missing")
    );
    assert_eq!(
        fault("client_secret = \"hush\"\n", ""),
        at(1, 12, "`client_secret` or `client_secret_env` is missing")
    );
    assert_eq!(
        fault("id = \"/sub\", ", ""),
        at(14, 11, "`account.id` is missing")
    );
}

#[test]
fn value_and_its_setting_are_mutually_exclusive() {
    assert_eq!(
        fault(
            "client_id = \"id\"\n",
            "client_id = \"id\"\nclient_id_env = \"ACME_ID\"\n"
        ),
        at(8, 1, "set `client_id` or `client_id_env`, not both")
    );
    assert_eq!(
        fault(
            "client_secret = \"hush\"\n",
            "client_secret_env = \"ACME_SECRET\"\nclient_secret = \"hush\"\n"
        ),
        at(9, 1, "set `client_secret` or `client_secret_env`, not both")
    );
}

#[test]
fn authorize_params_cannot_override_flow_parameters() {
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
        assert_eq!(fault("prompt", name), at(12, 22, &message));
    }
    let own = ACME
        .replace("prompt =", "client_key =")
        .replace("pkce =", "client.id_param = \"client_key\"\npkce =");
    assert_eq!(
        faults(&own),
        [at(
            13,
            22,
            "`authorize_params` may not set the client id, which Evergrant sets itself"
        )]
    );
}

#[test]
fn response_mode_that_the_callback_cannot_read_is_rejected() {
    let message = "`authorize_params.response_mode` must be `query` or `form_post`; Evergrant \
                   cannot receive a response in another mode";
    for mode in [
        "jwt",
        "query.jwt",
        "form_post.jwt",
        "fragment",
        "web_message",
        "",
    ] {
        let changed = format!("response_mode = \"{mode}\"");
        assert_eq!(
            fault("prompt = \"consent\"", &changed),
            at(12, 38, message),
            "{mode}"
        );
    }
    for valid in [
        "response_mode = \"form_post\"",
        "response_mode = \"query\"",
        "nonce = \"\"",
    ] {
        let text = ACME.replace("prompt = \"consent\"", valid);
        assert!(parse_providers(&text).is_ok(), "{valid}");
    }
}

#[test]
fn query_of_authorization_url_is_checked_like_authorize_params() {
    let with = |query: &str| {
        let url = "https://acme.example/oauth/authorize";
        fault(url, &format!("{url}?{query}"))
    };
    let message =
        "the query of `authorization_url` may not set `state`, which Evergrant sets itself";
    assert_eq!(with("tenant=a&state=b"), at(3, 21, message));
    let message = "`response_mode` in `authorization_url` must be `query` or `form_post`; Evergrant \
                   cannot receive a response in another mode";
    assert_eq!(with("response_mode=fragment"), at(3, 21, message));
}

#[test]
fn section_name_must_be_an_unused_slug() {
    let expectation =
        "a provider is up to 50 lower-case letters, digits and hyphens, beginning with a letter";
    assert_eq!(
        fault("providers.acme", "providers.Acme"),
        at(1, 12, expectation)
    );
    assert_eq!(
        fault("providers.acme", "providers.\"a b\""),
        at(1, 12, expectation)
    );
    assert_eq!(
        fault("providers.acme", "providers.reddit"),
        at(
            1,
            12,
            "`reddit` is a provider of the catalogue; choose another name"
        )
    );
}

#[test]
fn values_that_are_not_sections_are_rejected() {
    assert_eq!(
        faults("providers = 7"),
        [at(1, 13, "`providers` must be a table of sections")]
    );
    assert_eq!(
        faults("[providers]\nacme = 7"),
        [at(2, 1, "a provider must be a table")]
    );
}

#[test]
fn undefined_host_is_reported() {
    assert_eq!(
        fault("https://acme.example/oauth/token", "{ACME_BASE}/token"),
        at(4, 13, "`ACME_BASE` is not defined in `endpoints.hosts`")
    );
}

#[test]
fn variable_must_be_defined_and_contain_no_path_syntax() {
    assert_eq!(
        fault(
            "https://acme.example/oauth/token",
            "https://acme.example/{ACME_VERSION}/token"
        ),
        at(
            4,
            13,
            "`ACME_VERSION` is not defined in `endpoints.variables`"
        )
    );
    let with = |value: &str| {
        fault(
            "pkce =",
            &format!("endpoints.variables = {{ ACME_VERSION = \"{value}\" }}\npkce ="),
        )
    };
    for bad in ["", "../v1", "..", "a/b", "a?b", "a b"] {
        let message = "`endpoints.variables.ACME_VERSION` must be letters, digits, dots, hyphens and underscores";
        assert_eq!(with(bad), at(11, 40, message), "{bad}");
    }
}

#[test]
fn urls_of_token_exchanges_are_validated_like_all_others() {
    let exchange = |url: &str| {
        ACME.replace(
            "pkce =",
            &format!("tokens.refresh_exchange = {{ url = \"{url}\", grant_type = \"x\", token_param = \"t\" }}\npkce ="),
        )
    };
    assert_eq!(
        faults(&exchange("{ACME_BASE}/refresh")),
        [at(
            11,
            35,
            "`ACME_BASE` is not defined in `endpoints.hosts`"
        )]
    );
    let found = registry(&exchange("https://10.0.0.1/refresh"), &[], STRICT)
        .expect_err("a private host is rejected");
    assert_eq!(
        (found.len(), found[0].line, found[0].column),
        (1, 11, 35),
        "{found:?}"
    );
    let registry = registry(&exchange("https://acme.example/refresh"), &[], STRICT).unwrap();
    assert!(
        registry
            .provider(&slug("acme"))
            .unwrap()
            .spec()
            .can_refresh(false)
    );
}

#[test]
fn custom_provider_cannot_set_kind() {
    assert_eq!(
        fault("pkce =", "kind = \"cookies\"\npkce ="),
        at(11, 1, "unknown key `kind`")
    );
}

#[test]
fn invalid_toml_is_reported_with_its_position_and_without_its_text() {
    let found = faults("[providers.acme]\nclient_secret = \"hush\n");
    assert_eq!((found[0].0, found[0].1), (2, 22));
    assert!(!format!("{found:?}").contains("hush"));
    assert_eq!(
        faults(&ACME.replace("pkce =", "name =")),
        [at(11, 1, "duplicate key")]
    );
}

#[test]
fn all_faults_are_reported_in_order() {
    let text = ACME
        .replace("name = \"Acme\"", "nam = \"Acme\"")
        .replace("\"basic\"", "true")
        .replace("\"S256\"", "\"plain\"")
        + "\n[providers.beta]\nname = \"Beta\"\n";
    let positions: Vec<_> = faults(&text)
        .into_iter()
        .map(|(line, column, _)| (line, column))
        .collect();
    assert_eq!(
        positions,
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
    /// Parsing a definition with any part replaced by any text never panics, and every fault has a
    /// position inside the text.
    #[test]
    fn every_fault_has_a_position_in_the_text(from: prop::sample::Index, length in 0usize..40, text in "\\PC{0,12}|[\\[\\]{}=\",.\n a]{0,12}") {
        let start = from.index(ACME.len());
        let end = (start + length).min(ACME.len());
        let changed = format!("{}{text}{}", &ACME[..start], &ACME[end..]);
        let lines: Vec<&str> = changed.split('\n').collect();
        for fault in parse_providers(&changed).err().unwrap_or_default() {
            prop_assert!((1..=lines.len()).contains(&fault.line), "{}", fault);
            prop_assert!((1..=lines[fault.line - 1].chars().count() + 1).contains(&fault.column), "{}", fault);
        }
    }
}
