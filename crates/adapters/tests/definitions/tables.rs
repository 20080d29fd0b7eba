//! The tables of a definition, and the flat keys of earlier versions.

use evergrant_adapters::parse_providers;

use crate::support::{ACME, fault, faults, place};

#[test]
fn a_key_of_an_earlier_version_is_told_its_new_place() {
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
            "`{path}` is not a key here; it is `{new}` now, and scripts/convert-provider-toml moves all keys"
        );
        assert_eq!(
            fault("pkce =", &format!("{old}\npkce =")),
            place(11, column, &message)
        );
    }
}

#[test]
fn a_converted_file_is_read_and_the_file_before_is_not() {
    let found = faults(include_str!("../keys/flat.toml"));
    let moved = found
        .iter()
        .filter(|(_, _, message)| message.contains("scripts/convert-provider-toml"));
    assert_eq!(moved.count(), 10, "{found:?}");
    let providers = parse_providers(include_str!("../keys/grouped.toml")).unwrap();
    assert_eq!(providers.len(), 2);
}

#[test]
fn errors_are_a_list_of_rules_or_a_table() {
    for fine in [
        "errors = [{ status = 400, class = \"blocked\" }]",
        "errors = { codes = \"graph\", rules = [{ status = 400, class = \"blocked\" }] }",
        "errors.codes = \"graph\"",
    ] {
        assert!(
            parse_providers(&ACME.replace("pkce =", &format!("{fine}\npkce ="))).is_ok(),
            "{fine}"
        );
    }
    assert_eq!(
        fault(
            "pkce =",
            "errors = { rules = [{ class = \"blockd\" }] }\npkce ="
        )
        .0,
        11,
        "a rule inside the table is checked"
    );
    let message = "`errors` must be a list, or a table, not an integer";
    assert_eq!(
        fault("pkce =", "errors = 7\npkce ="),
        place(11, 10, message)
    );
}

#[test]
fn accounts_have_the_pointers_of_openid_connect_unless_they_have_their_own() {
    let with = |account: &str| {
        let start = ACME.find("account =").unwrap();
        parse_providers(&format!("{}account = {account}\n", &ACME[..start]))
    };
    assert!(with("{ type = \"Acme creator\", multi_account = true }").is_ok());
    let found = with("{ type = \"Acme creator\", avatar = \"/picture\" }").expect_err("no id");
    assert_eq!(
        (found.len(), found[0].line, found[0].column),
        (1, 14, 11),
        "{found:?}"
    );
    assert_eq!(found[0].message, "`account.id` is missing");
}
