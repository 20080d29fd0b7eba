//! `OnlyFans`: the session credentials that the owner pastes, and the call that checks them.

mod check;
mod form;
mod texts;

use std::collections::BTreeMap;
use std::sync::Arc;

use evergrant_adapters::{
    AcceptedCredentials, CredentialError, ErrorClass, HeldTokens, PlatformAdapter, ProviderKind,
    RemoteRevocation,
};
use evergrant_model::AccessToken;

use crate::support::{FakePlatform, acme, catalogue};

const CANONICAL: &str = r#"{"auth_id":"900001","auth_uid_":"42","sess":"s3ss","user_agent":"Mozilla/5.0 (Sim)","x_bc":"bc0ffee"}"#;
const PROFILE: &str = r#"{"id":900001,"username":"simcreator","name":"Sim","avatar":"https://cdn.sim/a.jpg","isAuth":true,
    "isPerformer":true,"joinDate":"2024-01-15T00:00:00+00:00","postsCount":41,"photosCount":60,"videosCount":9,
    "mediasCount":69,"favoritedCount":515,"subscribersCount":88,"email":"hush@sim.example","wsAuthToken":"hush",
    "creditBalance":7}"#;

/// Returns the adapter with this check URL. An empty one disables checks.
fn onlyfans(check_url: &str) -> Arc<dyn PlatformAdapter> {
    catalogue(
        "onlyfans",
        "unused",
        &[
            ("ONLYFANS_ENABLED", "true"),
            ("ONLYFANS_PROFILE_URL", check_url),
        ],
    )
}

fn with_check_at(platform: &FakePlatform) -> Arc<dyn PlatformAdapter> {
    onlyfans(&format!("{}/api2/v2/users/me", platform.base))
}

fn form() -> BTreeMap<String, String> {
    values(&[
        ("sess", " s3ss\n"),
        ("auth_id", "900001"),
        ("user_agent", "Mozilla/5.0 (Sim)"),
        ("x_bc", "bc0ffee"),
        ("auth_uid_", "42"),
    ])
}

fn values(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}

async fn accepted(
    adapter: &dyn PlatformAdapter,
    values: &BTreeMap<String, String>,
) -> AcceptedCredentials {
    adapter.accept_credentials(values).await.unwrap()
}

/// Returns the faults of the form without a check URL, as pairs of field and message.
async fn faults(values: &BTreeMap<String, String>) -> Vec<(&'static str, String)> {
    faults_at(&*onlyfans(""), values).await
}

async fn faults_at(
    adapter: &dyn PlatformAdapter,
    values: &BTreeMap<String, String>,
) -> Vec<(&'static str, String)> {
    match adapter.accept_credentials(values).await {
        Err(CredentialError::Fields(faults)) => faults
            .into_iter()
            .map(|fault| (fault.field, fault.message))
            .collect(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn provider_is_disabled_until_the_operator_enables_it() {
    let problem = |settings: &[(&str, &str)]| {
        catalogue("onlyfans", "unused", settings)
            .spec()
            .problem
            .clone()
    };
    assert_eq!(problem(&[]).as_deref(), Some("set ONLYFANS_ENABLED=true"));
    assert_eq!(
        problem(&[("ONLYFANS_ENABLED", "false")]).as_deref(),
        Some("set ONLYFANS_ENABLED=true")
    );
    assert_eq!(problem(&[("ONLYFANS_ENABLED", "true")]), None);
    let with = |check_url| {
        problem(&[
            ("ONLYFANS_ENABLED", "true"),
            ("ONLYFANS_PROFILE_URL", check_url),
        ])
    };
    assert_eq!(with("http://127.0.0.1:1/me"), None);
    assert_eq!(
        with("nonsense").as_deref(),
        Some("ONLYFANS_PROFILE_URL must be a URL")
    );
    let insecure = "ONLYFANS_PROFILE_URL must begin with https:// unless its host is loopback";
    assert_eq!(with("http://proxy.example/me").as_deref(), Some(insecure));
}

#[test]
fn sign_in_page_is_that_of_the_setting_and_sessions_of_both_hosts_count() {
    let site = |settings: &[(&str, &str)]| {
        let spec_of = catalogue("onlyfans", "unused", settings);
        let site = spec_of.spec().session_site.clone();
        (
            site.sign_in_url.unwrap(),
            site.domains,
            spec_of.spec().problem.clone(),
        )
    };
    let enabled = ("ONLYFANS_ENABLED", "true");
    let own = "https://onlyfans.com/".to_owned();
    let domain = "onlyfans.com".to_owned();
    assert_eq!(site(&[enabled]), (own.clone(), vec![domain.clone()], None));
    let simulated = "http://127.0.0.1:8081/onlyfans/";
    assert_eq!(
        site(&[enabled, ("ONLYFANS_SIGN_IN_URL", simulated)]),
        (
            simulated.to_owned(),
            vec![domain.clone(), "127.0.0.1".to_owned()],
            None
        )
    );
    assert_eq!(
        site(&[enabled, ("ONLYFANS_SIGN_IN_URL", "nonsense")]),
        (
            own,
            vec![domain],
            Some("ONLYFANS_SIGN_IN_URL must be a URL".to_owned())
        )
    );
}

#[test]
fn spec_supports_neither_refresh_nor_revocation() {
    let adapter = onlyfans("");
    let spec = adapter.spec();
    assert_eq!(spec.kind, ProviderKind::Cookies);
    assert!(
        !spec.capabilities.refresh
            && !spec.capabilities.revoke
            && !spec.capabilities.profile
            && !spec.can_refresh(true)
    );
    assert!(
        onlyfans("https://proxy.example/me")
            .spec()
            .capabilities
            .profile
    );
    let names: Vec<_> = adapter
        .credential_fields()
        .iter()
        .map(|field| (field.name, field.required))
        .collect();
    let expected = [
        ("pasted", false),
        ("sess", true),
        ("auth_id", true),
        ("user_agent", true),
        ("x_bc", true),
        ("auth_uid_", false),
    ];
    assert_eq!(names, expected);
}

#[tokio::test]
async fn disabled_or_oauth_provider_accepts_no_credentials() {
    let disabled = catalogue("onlyfans", "unused", &[]);
    match disabled.accept_credentials(&form()).await {
        Err(CredentialError::Provider(error)) => assert_eq!(error.class(), ErrorClass::ConfigError),
        other => panic!("{other:?}"),
    }
    let oauth = acme("https://acme.example", "");
    assert!(oauth.credential_fields().is_empty());
    match oauth.accept_credentials(&form()).await {
        Err(CredentialError::Provider(error)) => assert_eq!(error.class(), ErrorClass::BadRequest),
        other => panic!("{other:?}"),
    }
    assert_eq!(
        oauth
            .check_session(&AccessToken::new("a"))
            .await
            .unwrap_err()
            .class(),
        ErrorClass::BadRequest
    );
}

#[tokio::test]
async fn refresh_is_rejected_and_revocation_is_unsupported() {
    let adapter = onlyfans("");
    let stored = HeldTokens {
        access: Some(AccessToken::new(CANONICAL)),
        refresh: None,
    };
    assert_eq!(
        adapter.revoke_access(&stored).await.unwrap(),
        RemoteRevocation::Unsupported
    );
    assert_eq!(
        adapter
            .refresh_access_token(&stored)
            .await
            .unwrap_err()
            .class(),
        ErrorClass::BadRequest
    );
}
