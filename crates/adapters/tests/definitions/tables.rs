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
            "`callback_scope` must be non-empty text".to_owned(),
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
            "`errors.text` must be non-empty text",
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
