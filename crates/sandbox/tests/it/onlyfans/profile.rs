//! The profile and the checks of a session.

use axum::http::StatusCode;
use evergrant_sandbox::{Fault, FaultKind, Session, Switch, dev_settings};
use serde_json::json;

use super::{BROWSER, ME, api_get, is_guest, kiln_session};
use crate::harness::{BASE, Harness, path_of};

#[tokio::test]
async fn session_reads_its_owners_profile() {
    let harness = Harness::new();
    let session = kiln_session(&harness);
    let me = api_get(&harness, ME, &session).await.json();
    assert_eq!(
        (&me["isAuth"], &me["id"], &me["username"]),
        (&json!(true), &json!(900_001), &json!("kilnosei"))
    );
    assert_eq!(me["id"].to_string(), session.auth_id);
    assert_eq!(
        (&me["name"], &me["isPerformer"]),
        (&json!("Kiln Osei"), &json!(true))
    );
    assert_eq!(
        (&me["joinDate"], &me["subscribersCount"]),
        (&json!("2024-01-15T00:00:00+00:00"), &json!(412))
    );
    assert_eq!(
        me["photosCount"].as_i64().unwrap() + me["videosCount"].as_i64().unwrap(),
        me["mediasCount"].as_i64().unwrap()
    );
}

#[tokio::test]
async fn profile_contains_private_fields() {
    let harness = Harness::new();
    let me = api_get(&harness, ME, &kiln_session(&harness)).await.json();
    assert!(
        me.as_object().unwrap().len() >= 120,
        "{}",
        me.as_object().unwrap().len()
    );
    for private in [
        "email",
        "wsAuthToken",
        "creditBalance",
        "phoneLast4",
        "csrf",
        "chatMessagesCount",
    ] {
        assert!(!me[private].is_null(), "{private}");
    }
}

#[tokio::test]
async fn unauthenticated_request_gets_the_guest_profile_with_200() {
    let harness = Harness::new();
    let session = kiln_session(&harness);
    let other = harness.sandbox.session("onlyfans", "wren").unwrap();
    assert!(is_guest(&harness.get(ME, &[("user-agent", BROWSER)]).await));
    for invalid in [
        Session {
            sess: "unknown".into(),
            ..session.clone()
        },
        // Both cookies are valid, but they belong to different sessions.
        Session {
            auth_id: other.auth_id.clone(),
            ..session.clone()
        },
        Session {
            auth_id: String::new(),
            ..session.clone()
        },
    ] {
        assert!(is_guest(&api_get(&harness, ME, &invalid).await));
    }
    assert_eq!(api_get(&harness, ME, &session).await.json()["id"], 900_001);
}

#[tokio::test]
async fn session_of_another_browser_gets_401() {
    let harness = Harness::new();
    let session = kiln_session(&harness);
    for changed in [
        Session {
            user_agent: BROWSER.into(),
            ..session.clone()
        },
        Session {
            x_bc: "another".into(),
            ..session.clone()
        },
        Session {
            x_bc: String::new(),
            ..session.clone()
        },
    ] {
        let response = api_get(&harness, ME, &changed).await;
        assert_eq!(
            (response.status, &response.json()["error"]["code"]),
            (StatusCode::UNAUTHORIZED, &json!(0))
        );
        assert!(response.json()["error"]["message"].is_string());
    }
}

#[tokio::test]
async fn user_id_header_must_match_the_cookie() {
    let harness = Harness::new();
    let session = kiln_session(&harness);
    let cookie = session.cookie_line();
    let without_user_id = [
        ("cookie", cookie.as_str()),
        ("user-agent", &session.user_agent),
        ("x-bc", &session.x_bc),
    ];
    for headers in [
        without_user_id.to_vec(),
        [&without_user_id[..], &[("user-id", "900002")]].concat(),
    ] {
        assert_eq!(
            harness.get(ME, &headers).await.status,
            StatusCode::BAD_REQUEST
        );
    }
}

#[tokio::test]
async fn missing_user_agent_gets_a_403_html_page() {
    let harness = Harness::new();
    let without_agent = Session {
        user_agent: String::new(),
        ..kiln_session(&harness)
    };
    let response = api_get(&harness, ME, &without_agent).await;
    assert!(response.status == StatusCode::FORBIDDEN && response.is_html());
}

#[tokio::test]
async fn faults_can_be_forced_on_the_profile() {
    let harness = Harness::new();
    let session = kiln_session(&harness);
    for (fault, status) in [
        (Fault::new("onlyfans", "me", FaultKind::Html), 403),
        (
            Fault::new("onlyfans", "me", FaultKind::Respond)
                .status(429)
                .header("retry-after", "60"),
            429,
        ),
        (
            Fault::new("onlyfans", "*", FaultKind::Empty).status(503),
            503,
        ),
    ] {
        harness.inject_fault(fault);
        assert_eq!(
            api_get(&harness, ME, &session).await.status.as_u16(),
            status
        );
    }
    assert_eq!(api_get(&harness, ME, &session).await.json()["id"], 900_001);
    assert_eq!(harness.sandbox.calls().get("onlyfans", "me"), 4);
}

#[tokio::test]
async fn exceeded_quota_gets_429() {
    let harness = Harness::new();
    let session = kiln_session(&harness);
    harness.set_switch("onlyfans", Switch::Quota(1));
    assert_eq!(api_get(&harness, ME, &session).await.status, StatusCode::OK);
    let limited = api_get(&harness, ME, &session).await;
    assert_eq!(
        (limited.status, limited.header("retry-after")),
        (StatusCode::TOO_MANY_REQUESTS, Some("590"))
    );
}

#[tokio::test]
async fn revoked_or_expired_session_gets_the_guest_profile() {
    let harness = Harness::new();
    let (revoked, other) = (
        kiln_session(&harness),
        harness.sandbox.session("onlyfans", "wren").unwrap(),
    );
    assert_eq!(harness.sandbox.revoke_user("onlyfans", "kiln").unwrap(), 1);
    assert!(is_guest(&api_get(&harness, ME, &revoked).await));
    assert_eq!(api_get(&harness, ME, &other).await.json()["id"], 900_002);
    harness.sandbox.advance_seconds(30 * 86_400);
    assert!(is_guest(&api_get(&harness, ME, &other).await));
}

#[test]
fn dev_settings_contain_the_profile_url() {
    let settings = dev_settings(BASE);
    let value = |name: &str| {
        settings
            .iter()
            .find(|(key, _)| *key == name)
            .unwrap()
            .1
            .clone()
    };
    assert_eq!(value("ONLYFANS_ENABLED"), "true");
    assert_eq!(path_of(&value("ONLYFANS_PROFILE_URL")), ME);
    assert_eq!(path_of(&value("ONLYFANS_SIGN_IN_URL")), "/onlyfans/");
}
