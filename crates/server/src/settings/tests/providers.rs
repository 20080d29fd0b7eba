//! Tests of the sections `[platforms]` and `[providers.NAME]`.

use super::*;

#[test]
fn provider_with_credentials_gets_no_sandbox_defaults() {
    let defaults = || {
        let pairs = [
            ("REDDIT_CLIENT_ID", "sim"),
            ("REDDIT_WWW_BASE", "http://sim"),
            ("TIKTOK_WWW_BASE", "http://tok"),
        ];
        pairs.map(|(name, value)| (name, value.to_owned())).to_vec()
    };
    let default = valid(&[], "").providers.with_defaults(defaults());
    assert_eq!(default.get("REDDIT_CLIENT_ID").as_deref(), Some("sim"));
    let own_host = valid(&[("REDDIT_WWW_BASE", "http://mine")], "")
        .providers
        .with_defaults(defaults());
    assert_eq!(
        own_host.get("REDDIT_WWW_BASE").as_deref(),
        Some("http://mine")
    );
    assert_eq!(
        own_host.get("REDDIT_CLIENT_ID").as_deref(),
        Some("sim"),
        "a base URL is not a credential"
    );
    let own_client = valid(&[], "[platforms]\nreddit_client_id = \"mine\"\n")
        .providers
        .with_defaults(defaults());
    assert_eq!(own_client.get("REDDIT_CLIENT_ID").as_deref(), Some("mine"));
    assert_eq!(
        own_client.get("REDDIT_WWW_BASE"),
        None,
        "uses the real platform"
    );
    assert_eq!(
        own_client.get("TIKTOK_WWW_BASE").as_deref(),
        Some("http://tok"),
        "other platforms are still simulated"
    );
}

#[test]
fn unknown_provider_setting_is_reported() {
    let settings = valid(
        &[],
        "[platforms]\nreddit_client_id = \"a\"\nredit_client_secret = \"b\"\n",
    )
    .providers;
    settings.get("REDDIT_CLIENT_ID");
    let mut problems = Problems::default();
    settings.report_unknown(&mut problems);
    let failure = problems.finish().unwrap_err();
    let [problem] = failure.problems() else {
        panic!("{failure:?}")
    };
    assert_eq!(
        problem.message,
        "evergrant.toml, line 3: platforms.redit_client_secret is not a setting of any platform"
    );
}

#[test]
fn faults_of_custom_providers_are_reported_with_their_place() {
    let messages = messages(
        &[],
        "[providers.acme]\nname = \"Acme\"\ntoken_uri = \"x\"\n",
    );
    assert!(
        messages
            .iter()
            .any(|text| text.starts_with("evergrant.toml, line 3, column 1: ")),
        "{messages:#?}"
    );
}
