//! Sign-in, sign-out and sessions.

use axum::http::{Request, StatusCode};
use evergrant_sandbox::{SandboxError, SandboxOptions, Session};
use serde_json::{Value, json};

use super::{BROWSER, ME, api_get, is_guest, kiln_session};
use crate::harness::{Harness, Response};

#[tokio::test]
async fn session_survives_restart_and_its_secrets_are_not_stored() {
    let folder = std::path::PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
    let file = folder.join(format!("sandbox-session-{}.json", std::process::id()));
    let options = || SandboxOptions {
        state_file: Some(file.clone()),
        ..SandboxOptions::default()
    };
    let session = kiln_session(&Harness::with(options()));
    let text = std::fs::read_to_string(&file).unwrap();
    let again = Harness::with(options());
    std::fs::remove_file(&file).unwrap();
    assert_eq!(api_get(&again, ME, &session).await.json()["id"], 900_001);
    assert!(
        text.contains("kiln") && !text.contains(&session.sess) && !text.contains(&session.x_bc)
    );
}

#[tokio::test]
async fn session_control_issues_a_session_without_a_browser() {
    let harness = Harness::new();
    let body = json!({ "platform": "onlyfans", "person": "wren" });
    let request = Request::post("/control/session").body(body.to_string().into());
    let response = harness.send(request.unwrap()).await;
    let session = Session {
        sess: response.text("sess"),
        auth_id: response.text("auth_id"),
        user_agent: response.text("user_agent"),
        x_bc: response.text("x_bc"),
        auth_uid_: None,
    };
    assert_eq!(
        response.text("auth_uid_"),
        "900002",
        "an account with two-factor authentication has one more cookie"
    );
    assert_eq!(
        api_get(&harness, ME, &session).await.json()["username"],
        "wrenhalloran"
    );
    assert_eq!(format!("{session:?}"), "Session");
}

#[tokio::test]
async fn sessions_require_a_session_provider_and_a_known_person() {
    let sandbox = Harness::new().sandbox;
    assert!(matches!(
        sandbox.session("reddit", "wren"),
        Err(SandboxError::NoSessions("reddit"))
    ));
    assert!(matches!(
        sandbox.session("onlyfans", "juniper"),
        Err(SandboxError::UnknownPerson { .. })
    ));
    let url = "http://127.0.0.1:8081/onlyfans/";
    let refused = sandbox.approve(url, "wren", None).unwrap_err();
    assert!(
        refused
            .to_string()
            .contains("not that of an authorization endpoint"),
        "{refused}"
    );
}

/// Signs in through the form. Returns the page that follows and the cookies that it sets.
async fn sign_in(harness: &Harness, person: &str, misbehave: &str) -> (Response, Vec<String>) {
    let page = harness.get("/onlyfans/", &[("user-agent", BROWSER)]).await;
    let cookie = page.cookie();
    let csrf = cookie.split_once('=').unwrap().1.to_owned();
    assert!(page.body.contains("not the real OnlyFans") && !page.body.contains("<script"));
    let fields = [
        ("csrf", csrf.as_str()),
        ("person", person),
        ("misbehave", misbehave),
    ];
    let response = harness
        .post(
            "/onlyfans/sign-in",
            &[("user-agent", BROWSER), ("cookie", &cookie)],
            &fields,
        )
        .await;
    let cookies = response.headers.get_all("set-cookie").into_iter();
    let cookies = cookies
        .map(|line| line.to_str().unwrap().split(';').next().unwrap().to_owned())
        .collect();
    (response, cookies)
}

/// Parses the session in the JSON block of the page after sign-in.
fn session_on_page(page: &Response) -> Session {
    let text = page.body.replace("&quot;", "\"").replace("&amp;", "&");
    let start = text.find("{\n  \"auth\"").unwrap();
    let json: Value =
        serde_json::from_str(&text[start..=start + text[start..].find("\n}").unwrap() + 1])
            .unwrap();
    let field = |name: &str| json["auth"][name].as_str().unwrap().to_owned();
    Session {
        sess: field("sess"),
        auth_id: field("auth_id"),
        user_agent: field("user_agent"),
        x_bc: field("x_bc"),
        auth_uid_: None,
    }
}

#[tokio::test]
async fn sign_in_sets_cookies_and_shows_the_session_to_paste() {
    let harness = Harness::new();
    let (page, cookies) = sign_in(&harness, "kiln", "none").await;
    let session = session_on_page(&page);
    assert_eq!(page.status, StatusCode::OK);
    assert_eq!(
        cookies,
        [
            format!("sess={}", session.sess),
            "auth_id=900001".to_owned()
        ]
    );
    assert_eq!(session.user_agent, BROWSER);
    let text = page.body.replace("&quot;", "\"");
    assert!(
        text.contains(&session.curl("http://127.0.0.1:8081/onlyfans/api2/v2/users/me")),
        "{text}"
    );
    assert!(
        text.contains(&format!(">sess={}; auth_id=900001<", session.sess)),
        "{text}"
    );
    assert_eq!(api_get(&harness, ME, &session).await.json()["id"], 900_001);
    assert_eq!(page.header("cache-control"), Some("no-store"));
}

#[test]
fn curl_command_is_quoted_for_a_shell() {
    let session = Session {
        sess: "s".into(),
        auth_id: "1".into(),
        user_agent: BROWSER.into(),
        x_bc: "b".into(),
        auth_uid_: Some("1".into()),
    };
    assert_eq!(
        session.curl("http://localhost/me"),
        "curl 'http://localhost/me' \\\n  -H 'accept: application/json' \\\n  \
         -H 'user-agent: Mozilla/5.0 (It'\\''s a test) Browser/1' \\\n  -H 'user-id: 1' \\\n  -H 'x-bc: b' \\\n  \
         -b 'sess=s; auth_id=1; auth_uid_=1'"
    );
}

#[tokio::test]
async fn sign_in_without_csrf_token_is_rejected() {
    let harness = Harness::new();
    let response = harness
        .post(
            "/onlyfans/sign-in",
            &[("user-agent", BROWSER)],
            &[("person", "kiln")],
        )
        .await;
    assert_eq!(
        (response.status, response.header("set-cookie")),
        (StatusCode::FORBIDDEN, None)
    );
}

#[tokio::test]
async fn sign_out_requires_csrf_token_and_ends_the_session() {
    let harness = Harness::new();
    let (page, cookies) = sign_in(&harness, "kiln", "none").await;
    let csrf = page
        .body
        .split("name=\"csrf\" value=\"")
        .nth(1)
        .unwrap()
        .split('"')
        .next()
        .unwrap()
        .to_owned();
    let with_csrf = format!("evergrant_sandbox_csrf={csrf}; {}", cookies.join("; "));
    let without_csrf = harness
        .post(
            "/onlyfans/sign-out",
            &[("cookie", &cookies.join("; "))],
            &[],
        )
        .await;
    assert_eq!(without_csrf.status, StatusCode::FORBIDDEN);
    assert_eq!(
        api_get(&harness, ME, &session_on_page(&page)).await.json()["id"],
        900_001
    );
    let signed_out = harness
        .post(
            "/onlyfans/sign-out",
            &[("cookie", &with_csrf)],
            &[("csrf", &csrf)],
        )
        .await;
    assert_eq!(signed_out.header("location"), Some("/onlyfans/"));
    assert!(is_guest(
        &api_get(&harness, ME, &session_on_page(&page)).await
    ));
}

#[tokio::test(start_paused = true)]
async fn misbehave_field_selects_a_failure_of_the_session() {
    let harness = Harness::new();
    let session =
        async |failure: &str| session_on_page(&sign_in(&harness, "kiln", failure).await.0);
    let wrong = session("wrong-account").await;
    let me = api_get(&harness, ME, &wrong).await.json();
    assert!(
        me["isAuth"] == true && me["id"] == 900_002 && wrong.auth_id == "900001",
        "{}",
        me["id"]
    );
    assert!(is_guest(
        &api_get(&harness, ME, &session("code-expired").await).await
    ));
    for (failure, statuses) in [
        ("refresh-refused", [400, 400]),
        ("state-mangled", [401, 401]),
        ("rate-limited", [429, 200]),
        ("server-error", [503, 200]),
    ] {
        let session = session(failure).await;
        for status in statuses {
            assert_eq!(
                api_get(&harness, ME, &session).await.status.as_u16(),
                status,
                "{failure}"
            );
        }
    }
    let slow = session("slow-token").await;
    let before = tokio::time::Instant::now();
    assert_eq!(api_get(&harness, ME, &slow).await.status, StatusCode::OK);
    assert_eq!(before.elapsed().as_secs(), 5);
    let (page, _) = sign_in(&harness, "kiln", "coop-off").await;
    assert_eq!(page.header("cross-origin-opener-policy"), None);
}
