//! The tables of a definition, and the flat keys of earlier versions. `scripts/test` verifies that
//! the converter turns `keys/flat.toml` into `keys/grouped.toml`.

use evergrant_adapters::parse_providers;

use crate::support::{ACME, at, fault, faults};

#[test]
fn key_of_an_earlier_version_is_reported_with_its_new_name() {
    for (old, column, path, new) in [
        (
            "rotates = false",
            1,
            "rotates",
            "tokens.rotates_refresh_token",
        ),
        (
            "hosts.ACME_BASE = \"https://acme.example\"",
            1,
            "hosts",
            "endpoints.hosts",
        ),
        ("error_codes = \"graph\"", 1, "error_codes", "errors.codes"),
        (
            "tokens = { lengthen = {} }",
            12,
            "tokens.lengthen",
            "tokens.long_lived_exchange",
        ),
    ] {
        let message = format!(
            "unknown key `{path}`; it is now `{new}`; scripts/convert-provider-toml converts the whole file"
        );
        assert_eq!(
            fault("pkce =", &format!("{old}\npkce =")),
            at(11, column, &message)
        );
    }
}

#[test]
fn converted_file_is_valid_and_the_old_file_is_not() {
    let found = faults(include_str!("../keys/flat.toml"));
    let moved = found
        .iter()
        .filter(|(_, _, message)| message.contains("scripts/convert-provider-toml"));
    assert_eq!(moved.count(), 11, "{found:?}");
    let providers = parse_providers(include_str!("../keys/grouped.toml")).unwrap();
    assert_eq!(providers.len(), 2);
}

#[test]
fn errors_can_be_a_list_of_rules_or_a_table() {
    for valid in [
        "errors = [{ status = 400, class = \"blocked\" }]",
        "errors = { codes = \"graph\", rules = [{ status = 400, class = \"blocked\" }] }",
        "errors.codes = \"graph\"",
    ] {
        assert!(
            parse_providers(&ACME.replace("pkce =", &format!("{valid}\npkce ="))).is_ok(),
            "{valid}"
        );
    }
    assert_eq!(
        fault(
            "pkce =",
            "errors = { rules = [{ status = 400, class = \"blockd\" }] }\npkce ="
        )
        .0,
        11,
        "a rule inside the table is validated"
    );
    let message = "`errors` must be a list, or a table, not an integer";
    assert_eq!(fault("pkce =", "errors = 7\npkce ="), at(11, 10, message));
}

#[test]
fn account_without_pointers_uses_openid_connect_claims() {
    let parse = |account: &str| {
        let start = ACME.find("account =").unwrap();
        parse_providers(&format!("{}account = {account}\n", &ACME[..start]))
    };
    assert!(parse("{ type = \"Acme creator\", multi_account = true }").is_ok());
    let found = parse("{ type = \"Acme creator\", avatar = \"/picture\" }")
        .expect_err("the account id is missing");
    assert_eq!(
        (found.len(), found[0].line, found[0].column),
        (1, 14, 11),
        "{found:?}"
    );
    assert_eq!(found[0].message, "`account.id` is missing");
}

#[test]
fn vocabulary_and_expiry_keys_are_accepted() {
    let valid = r#"
scope_aliases = { email = "https://acme.example/auth/email", "user:email" = ["user", "mail"] }
scopes_not_returned = ["offline_access"]
callback_scope = "granted"
denial_codes = ["user_cancelled_login"]
expiry = { seconds = "/expires_in", at = "/expires_at", refresh_seconds = "/x_refresh_token_expires_in" }
"#;
    parse_providers(&format!("{ACME}{valid}")).unwrap();
}

#[test]
fn faults_of_vocabulary_and_expiry_keys_are_reported() {
    let scope = "a scope, which is text without spaces, commas, quotes and backslashes";
    for (line, column, message) in [
        (
            "scope_aliases = { email = 7 }",
            27,
            format!("`scope_aliases.email` must be {scope}, or a list of them, not an integer"),
        ),
        (
            "scope_aliases = { email = [\"a b\"] }",
            28,
            format!("`scope_aliases.email` must be {scope}"),
        ),
        (
            "scopes_not_returned = \"offline\"",
            23,
            "`scopes_not_returned` must be a list".to_owned(),
        ),
        (
            "callback_scope = \"\"",
            18,
            "`callback_scope` must be a name without spaces and any of `/?#&=`".to_owned(),
        ),
        (
            "expiry = { at = \"expires_at\" }",
            17,
            "`expiry.at` must be a JSON pointer such as `/id`".to_owned(),
        ),
        (
            "expiry = { second = \"/a\" }",
            12,
            "unknown key `expiry.second`; did you mean `seconds`?".to_owned(),
        ),
    ] {
        let found = fault("pkce =", &format!("{line}\npkce ="));
        assert_eq!(found, at(11, column, &message), "{line}");
    }
}

#[test]
fn error_rules_are_validated() {
    for (rule, column, message) in [
        (
            "{ code_at = \"/errors/0/code\", status = 400, class = \"blocked\" }",
            13,
            "`code_at` needs `code`, the value to find there",
        ),
        (
            "{ code_at = \"errors\", code = \"x\", class = \"blocked\" }",
            23,
            "`errors.code_at` must be a JSON pointer such as `/id`",
        ),
        (
            "{ on = \"refresh\", class = \"needs_reauth\" }",
            11,
            "an error rule needs `status`, `code` or `text`",
        ),
        (
            "{ text = \"\", class = \"blocked\" }",
            20,
            "`errors.text` must be text of at least 4 characters, because it is searched in the \
             whole response",
        ),
        (
            "{ on = \"renew\", status = 400, class = \"blocked\" }",
            18,
            "`errors.on` must be one of `exchange`, `refresh`, `profile`, `revoke`",
        ),
    ] {
        let found = fault("pkce =", &format!("errors = [{rule}]\npkce ="));
        assert_eq!(found, at(11, column, message), "{rule}");
    }
    let both = "errors.rules = [{ text = \"revoked\", class = \"needs_reauth\" }, { class = \"blocked\" }]";
    assert_eq!(fault("pkce =", &format!("{both}\npkce =")).0, 11);
}

#[test]
fn malformed_pointers_names_and_phrases_are_rejected() {
    let pointer = "a JSON pointer such as `/id`";
    let name = "a name without spaces and any of `/?#&=`";
    let setting = "the name of a setting, which has letters, digits and underscores";
    let phrase = "text of at least 4 characters, because it is searched in the whole response";
    let text = "non-empty text";
    for (key, value, expectation) in [
        ("expiry.at", "/", pointer),
        ("expiry.at", "/a/", pointer),
        ("expiry.at", "/a//b", pointer),
        ("expiry.at", "/a~", pointer),
        ("expiry.at", "/a~2b", pointer),
        ("expiry.at", "/a\\n", pointer),
        ("expiry.at", "#/a", pointer),
        ("endpoints.unwrap", "data", pointer),
        ("tokens.scope_field", "/scope", name),
        ("tokens.scope_field", "granted scope", name),
        ("client.id_param", "id=", name),
        ("client.pkce_env", "ACME PKCE", setting),
        ("client.pkce_env", "$ACME_PKCE", setting),
        ("client.user_agent_env", "1ST", setting),
        ("client.user_agent", " ", text),
        ("tokens.type", "\\t", text),
    ] {
        let line = format!("{key} = \"{value}\"");
        let found = fault("pkce =", &format!("{line}\npkce ="));
        let message = format!("`{key}` must be {expectation}");
        assert_eq!((found.0, found.2), (11, message), "{line}");
    }
    for short in ["e", "err", "  e  "] {
        let rule = format!("errors = [{{ text = \"{short}\", class = \"blocked\" }}]");
        let found = fault("pkce =", &format!("{rule}\npkce ="));
        assert_eq!(found.2, format!("`errors.text` must be {phrase}"), "{rule}");
    }
}

#[test]
fn unusual_but_valid_pointers_names_and_phrases_are_accepted() {
    for line in [
        "expiry.at = \"/a~1b/m~0n/0/é x\"",
        "tokens.scope_field = \"granted[scopes]\"",
        "client.pkce_env = \"_acme2\"",
        "errors = [{ text = \"gone\", class = \"blocked\" }]",
        "errors = [{ text = \"失効済み\", class = \"blocked\" }]",
    ] {
        let text = ACME.replace("pkce =", &format!("{line}\npkce ="));
        assert!(parse_providers(&text).is_ok(), "{line}");
    }
}
