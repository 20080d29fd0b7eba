//! The texts of the credential form, from which `@evergrant/react` generates its own.

use evergrant_adapters::FORM_TEXTS;

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/session-form.json");

#[test]
fn document_holds_the_texts() {
    let json = serde_json::to_string_pretty(&FORM_TEXTS).unwrap() + "\n";
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(FILE, &json).unwrap();
    }
    let committed = std::fs::read_to_string(FILE).unwrap_or_default();
    assert!(
        committed == json,
        "docs/session-form.json is out of date: run UPDATE_DOCS=1 cargo test -p evergrant-adapters"
    );
}
