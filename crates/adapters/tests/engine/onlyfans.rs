//! `OnlyFans`: what its owner pastes, and the one call that checks it.

use std::collections::BTreeMap;
use std::sync::Arc;

use evergrant_adapters::{
    AcceptedCredentials, CredentialError, ErrorClass, HeldTokens, PlatformAdapter, ProviderKind,
    RemoteRevocation, SessionCheck,
};
use evergrant_model::{AccessToken, ScopeSet, StatusReason};

use crate::support::{Platform, acme, catalogue, told};

const CANONICAL: &str = r#"{"auth_id":"900001","auth_uid_":"42","sess":"s3ss","user_agent":"Mozilla/5.0 (Sim)","x_bc":"bc0ffee"}"#;
const PROFILE: &str = r#"{"id":900001,"username":"simcreator","name":"Sim","avatar":"https://cdn.sim/a.jpg","isAuth":true,
    "isPerformer":true,"joinDate":"2024-01-15T00:00:00+00:00","postsCount":41,"photosCount":60,"videosCount":9,
    "mediasCount":69,"favoritedCount":515,"subscribersCount":88,"email":"hush@sim.example","wsAuthToken":"hush",
    "creditBalance":7}"#;

fn onlyfans(address: &str) -> Arc<dyn PlatformAdapter> {
    catalogue(
        "onlyfans",
        "unused",
        &[
            ("ONLYFANS_ENABLED", "true"),
            ("ONLYFANS_PROFILE_URL", address),
        ],
    )
}

fn at(platform: &Platform) -> Arc<dyn PlatformAdapter> {
    onlyfans(&format!("{}/api2/v2/users/me", platform.base))
}

fn parts() -> BTreeMap<String, String> {
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

/// The fields that are not acceptable, with what is said of them.
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
fn it_is_off_until_the_operator_turns_it_on() {
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
    let with = |address| {
        problem(&[
            ("ONLYFANS_ENABLED", "true"),
            ("ONLYFANS_PROFILE_URL", address),
        ])
    };
    assert_eq!(with("http://127.0.0.1:1/me"), None);
    assert_eq!(
        with("nonsense").as_deref(),
        Some("ONLYFANS_PROFILE_URL is not an address")
    );
    let insecure = "ONLYFANS_PROFILE_URL must begin with https:// unless its host is loopback";
    assert_eq!(with("http://proxy.example/me").as_deref(), Some(insecure));
}

#[test]
fn its_spec_promises_neither_renewal_nor_revocation() {
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
async fn without_an_address_a_session_is_kept_unverified_and_nothing_leaves() {
    let adapter = onlyfans("");
    let kept = accepted(&*adapter, &parts()).await;
    assert_eq!((kept.session.expose(), kept.verified), (CANONICAL, false));
    assert_eq!(kept.account.id.as_str(), "900001");
    assert!(kept.account.metadata.is_empty());
    assert!(!format!("{kept:?}").contains("s3ss"));
    assert_eq!(
        adapter.check_session(&kept.session).await.unwrap(),
        SessionCheck::Unverified
    );
    let accounts = adapter
        .user_profile(&kept.session, &ScopeSet::default())
        .await
        .unwrap();
    assert_eq!(accounts, [kept.account]);
}

#[tokio::test]
async fn one_pasted_text_stands_for_all_parts() {
    let curl = "curl 'https://sim.example/api' -H 'x-bc: bc0ffee' -H 'user-agent: Mozilla/5.0 (Sim)' -b 'sess=s3ss; auth_id=900001; auth_uid_900001=42; other=1'";
    for pasted in [curl, CANONICAL, &format!(r#"{{"auth":{CANONICAL}}}"#)] {
        let kept = accepted(&*onlyfans(""), &values(&[("pasted", pasted)])).await;
        assert_eq!(kept.session.expose(), CANONICAL, "{pasted}");
    }
    for cookie in [
        "sess=s3ss; auth_id=900001; auth_uid_=42",
        "Cookie: sess=s3ss; auth_id=900001; auth_uid_=42",
    ] {
        let mut mixed = values(&[
            ("pasted", cookie),
            ("user_agent", "Mozilla/5.0 (Sim)"),
            ("x_bc", "bc0ffee"),
        ]);
        assert_eq!(
            accepted(&*onlyfans(""), &mixed).await.session.expose(),
            CANONICAL
        );
        mixed.insert("auth_id".to_owned(), "900002".to_owned());
        assert_eq!(
            accepted(&*onlyfans(""), &mixed).await.account.id.as_str(),
            "900002",
            "a part by itself wins"
        );
    }
}

#[tokio::test]
async fn what_is_missing_is_told_where_the_owner_can_mend_it() {
    assert_eq!(
        faults(&values(&[("sess", "s3ss"), ("auth_id", " ")])).await,
        [
            ("auth_id", "Please fill in auth_id.".to_owned()),
            ("user_agent", "Please fill in User-Agent.".to_owned()),
            ("x_bc", "Please fill in x-bc.".to_owned()),
        ]
    );
    let cookies = values(&[
        ("pasted", "sess=s3ss; auth_id=900001"),
        ("user_agent", "Sim"),
    ]);
    assert_eq!(
        faults(&cookies).await,
        [("pasted", "The pasted text holds no x-bc.".to_owned())]
    );
}

#[tokio::test]
async fn what_no_header_may_carry_is_refused_and_never_repeated() {
    for (field, value, words) in [
        (
            "sess",
            "hush\r\nx: y",
            "sess has characters that cannot be part of it. Copy it again.",
        ),
        (
            "sess",
            "hush\0x",
            "sess has characters that cannot be part of it. Copy it again.",
        ),
        (
            "sess",
            "hush; auth_id=1",
            "sess has characters that cannot be part of it. Copy it again.",
        ),
        (
            "user_agent",
            "hush\nSim",
            "User-Agent has characters that cannot be part of it. Copy it again.",
        ),
        (
            "x_bc",
            "hush-é",
            "x-bc has characters that cannot be part of it. Copy it again.",
        ),
        ("auth_id", "hush", "auth_id must be a number."),
        ("auth_id", "-1", "auth_id must be a number."),
        (
            "auth_id",
            "123456789012345678901",
            "auth_id must be a number.",
        ),
    ] {
        let mut given = parts();
        given.insert(field.to_owned(), value.to_owned());
        assert_eq!(
            faults(&given).await,
            [(field, words.to_owned())],
            "{value:?}"
        );
    }
    let mut long = parts();
    long.insert("x_bc".to_owned(), "a".repeat(8193));
    assert_eq!(
        faults(&long).await,
        [("x_bc", "x-bc is longer than 8 KB.".to_owned())]
    );
    long = values(&[("pasted", &format!("sess={}", "a".repeat(8192)))]);
    let words = "This is longer than 8 KB. Copy a single request.";
    assert_eq!(faults(&long).await, [("pasted", words.to_owned())]);
    let json = values(&[("pasted", &CANONICAL.replace("bc0ffee", "bc\\r\\nx: y"))]);
    assert_eq!(faults(&json).await[0].0, "pasted");
}

#[tokio::test]
async fn the_check_sends_the_session_and_keeps_only_the_named_facts() {
    let platform = Platform::telling(told(200, PROFILE)).await;
    let adapter = at(&platform);
    let kept = accepted(&*adapter, &parts()).await;
    assert!(kept.verified);
    let seen = platform.only();
    assert_eq!(seen.route(), "GET /api2/v2/users/me");
    let mut names: Vec<_> = seen
        .headers
        .keys()
        .map(axum::http::HeaderName::as_str)
        .collect();
    names.sort_unstable();
    assert_eq!(
        names,
        ["accept", "cookie", "host", "user-agent", "user-id", "x-bc"]
    );
    assert_eq!(
        seen.header("cookie"),
        "sess=s3ss; auth_id=900001; auth_uid_=42"
    );
    assert_eq!(
        (seen.header("user-agent"), seen.header("x-bc")),
        ("Mozilla/5.0 (Sim)", "bc0ffee")
    );
    assert_eq!(
        (seen.header("user-id"), seen.header("accept")),
        ("900001", "application/json")
    );
    assert_eq!(
        serde_json::Value::Object(kept.account.metadata.clone()),
        serde_json::json!({
            "username": "simcreator", "display_name": "Sim", "avatar_url": "https://cdn.sim/a.jpg",
            "is_performer": true, "join_date": "2024-01-15T00:00:00+00:00", "posts_count": 41, "photos_count": 60,
            "videos_count": 9, "medias_count": 69, "favorited_count": 515, "subscribers_count": 88,
        })
    );
    let again = adapter.check_session(&kept.session).await.unwrap();
    assert_eq!(again, SessionCheck::Alive(Box::new(kept.account)));
}

#[tokio::test]
async fn a_session_that_the_platform_does_not_confirm_is_refused_with_the_reason() {
    let another = "This session belongs to another account than auth_id says.";
    let ended = "OnlyFans says that this session has ended. Log in there and copy it again.";
    let refused = "OnlyFans does not accept this session. Log in there and copy it again.";
    for (status, body, words) in [
        (200, r#"{"id":900002,"isAuth":true}"#, another),
        (200, r#"{"isAuth":false}"#, ended),
        (200, r#"{"id":900001,"isAuth":false}"#, ended),
        (200, "{}", ended),
        (401, r#"{"error":{"code":0,"message":"sim"}}"#, refused),
        (400, "", refused),
    ] {
        let platform = Platform::telling(told(status, body)).await;
        assert_eq!(
            faults_at(&*at(&platform), &parts()).await,
            [("sess", words.to_owned())],
            "{status} {body}"
        );
    }
}

#[tokio::test]
async fn trouble_in_between_is_no_verdict() {
    for (status, class) in [
        (429, ErrorClass::RateLimited),
        (503, ErrorClass::Transient),
        (504, ErrorClass::Transient),
        (200, ErrorClass::Unknown),
    ] {
        let platform = Platform::telling(told(status, "<html>")).await;
        match at(&platform).accept_credentials(&parts()).await {
            Err(CredentialError::Provider(error)) => assert_eq!(error.class(), class, "{status}"),
            other => panic!("{status} {other:?}"),
        }
    }
    let platform = Platform::telling(told(403, "<html>")).await;
    assert!(
        !accepted(&*at(&platform), &parts()).await.verified,
        "being turned away proves nothing"
    );
    let stored = AccessToken::new(CANONICAL);
    assert_eq!(
        at(&platform)
            .check_session(&stored)
            .await
            .unwrap_err()
            .class(),
        ErrorClass::Blocked
    );
}

#[tokio::test]
async fn a_stored_session_ends_with_a_guests_answer_or_two_refusals() {
    let stored = AccessToken::new(CANONICAL);
    for body in [r#"{"isAuth":false}"#, "{}", r#"{"id":900002}"#] {
        let platform = Platform::telling(told(200, body)).await;
        assert_eq!(
            at(&platform).check_session(&stored).await.unwrap(),
            SessionCheck::Ended,
            "{body}"
        );
        let error = at(&platform)
            .user_profile(&stored, &ScopeSet::default())
            .await
            .unwrap_err();
        assert_eq!(
            (error.class(), error.reason()),
            (ErrorClass::NeedsReauth, Some(StatusReason::SessionEnded))
        );
    }
    for status in [400, 401] {
        let platform = Platform::telling(told(status, "")).await;
        let error = at(&platform).check_session(&stored).await.unwrap_err();
        assert_eq!(
            (error.class(), error.reason()),
            (ErrorClass::NeedsReauth, Some(StatusReason::SessionEnded))
        );
        assert!(error.needs_confirmation());
    }
    let strange = at(&Platform::telling(told(200, PROFILE)).await)
        .check_session(&AccessToken::new("not ours"))
        .await;
    assert_eq!(strange.unwrap_err().class(), ErrorClass::BadRequest);
}

#[tokio::test]
async fn a_platform_that_is_off_or_has_consent_takes_no_credentials() {
    let off = catalogue("onlyfans", "unused", &[]);
    match off.accept_credentials(&parts()).await {
        Err(CredentialError::Provider(error)) => assert_eq!(error.class(), ErrorClass::ConfigError),
        other => panic!("{other:?}"),
    }
    let consenting = acme("https://acme.example", "");
    assert!(consenting.credential_fields().is_empty());
    match consenting.accept_credentials(&parts()).await {
        Err(CredentialError::Provider(error)) => assert_eq!(error.class(), ErrorClass::BadRequest),
        other => panic!("{other:?}"),
    }
    assert_eq!(
        consenting
            .check_session(&AccessToken::new("a"))
            .await
            .unwrap_err()
            .class(),
        ErrorClass::BadRequest
    );
}

#[tokio::test]
async fn nothing_is_renewed_or_revoked() {
    let adapter = onlyfans("");
    let held = HeldTokens {
        access: Some(AccessToken::new(CANONICAL)),
        refresh: None,
    };
    assert_eq!(
        adapter.revoke_access(&held).await.unwrap(),
        RemoteRevocation::Unsupported
    );
    assert_eq!(
        adapter
            .refresh_access_token(&held)
            .await
            .unwrap_err()
            .class(),
        ErrorClass::BadRequest
    );
}
