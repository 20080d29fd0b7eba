//! A valid definition, and helpers that parse changed copies of it.

use std::sync::Arc;

use evergrant_adapters::{
    DefinitionFault, HttpClient, HttpLimits, NetworkPolicy, Registry, parse_providers,
};
use evergrant_model::{ManualClock, ProviderSlug, Timestamp};

pub(crate) const ACME: &str = r#"[providers.acme]
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

/// Returns line, column and message of every fault.
pub(crate) fn faults(text: &str) -> Vec<(usize, usize, String)> {
    let faults = parse_providers(text).expect_err("the definition has a fault");
    faults
        .into_iter()
        .map(
            |DefinitionFault {
                 line,
                 column,
                 message,
             }| (line, column, message),
        )
        .collect()
}

/// Replaces `from` by `to` in Acme's definition and returns its only fault.
pub(crate) fn fault(from: &str, to: &str) -> (usize, usize, String) {
    assert!(ACME.contains(from), "{from}");
    let found = faults(&ACME.replace(from, to));
    assert_eq!(found.len(), 1, "{found:?}");
    found.into_iter().next().unwrap()
}

/// Returns the expected fault in the form of [`faults`].
pub(crate) fn at(line: usize, column: usize, message: &str) -> (usize, usize, String) {
    (line, column, message.to_owned())
}

pub(crate) fn registry(
    text: &str,
    settings: &[(&str, &str)],
    policy: NetworkPolicy,
) -> Result<Registry, Vec<DefinitionFault>> {
    let setting = |name: &str| {
        settings
            .iter()
            .find(|(known, _)| *known == name)
            .map(|(_, value)| (*value).to_owned())
    };
    let clock = Arc::new(ManualClock::new(Timestamp::default()));
    let http = HttpClient::new(HttpLimits::default()).unwrap();
    Registry::new(http, clock, &setting, parse_providers(text)?, policy)
}

pub(crate) fn slug(text: &str) -> ProviderSlug {
    ProviderSlug::new(text).unwrap()
}

pub(crate) const STRICT: NetworkPolicy = NetworkPolicy {
    allow_insecure_hosts: false,
};
pub(crate) const DEV: NetworkPolicy = NetworkPolicy {
    allow_insecure_hosts: true,
};
