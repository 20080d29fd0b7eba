//! Reads arbitrary text as a pasted session. No text may cause a panic, and every value that is
//! read must be read again from the forms in which browsers copy it.

#![no_main]

use std::sync::LazyLock;

use evergrant_adapters::{SessionSite, read_pasted};
use evergrant_model::Timestamp;
use libfuzzer_sys::fuzz_target;

static SITE: LazyLock<SessionSite> = LazyLock::new(|| SessionSite {
    sign_in_url: None,
    domains: vec!["onlyfans.com".to_owned()],
});

fuzz_target!(|text: &str| {
    let now = Timestamp::from_unix_seconds(1_767_225_600);
    let found = read_pasted(text, &SITE, now);
    assert!(
        found
            .values()
            .all(|value| !value.is_empty() && value.len() <= 3 * text.len())
    );
    let Some(token) = found.get("x_bc").filter(|value| is_token(value)) else {
        return;
    };
    for copied in [
        format!("curl 'https://onlyfans.com/a' -H 'x-bc: {token}'"),
        format!("x-bc: {token}"),
        format!(r#"{{"x-bc": "{token}"}}"#),
    ] {
        assert_eq!(read_pasted(&copied, &SITE, now).get("x_bc"), Some(token));
    }
});

fn is_token(value: &str) -> bool {
    value.bytes().all(|b| b.is_ascii_alphanumeric())
}
