//! OnlyFans from outside: a session as its owner copies it, and everything that makes it count for
//! nothing.

use axum::http::{Request, StatusCode};
use evergrant_sandbox::{
    Fault, FaultKind, SandboxError, SandboxOptions, Session, Switch, dev_settings,
};
use serde_json::{Value, json};

use crate::harness::{Answer, BASE, Stand, path_of};

const ME: &str = "/onlyfans/api2/v2/users/me";
const POSTS: &str = "/onlyfans/api2/v2/users/900001/posts";
const BROWSER: &str = "Mozilla/5.0 (It's a test) Browser/1";

/// A call with all that belongs to a session.
async fn call(stand: &Stand, path: &str, session: &Session) -> Answer {
    let headers = [
        ("cookie", session.cookie_line()),
        ("user-agent", session.user_agent.clone()),
        ("x-bc", session.x_bc.clone()),
        ("user-id", session.auth_id.clone()),
    ];
    stand
        .get(
            path,
            &headers
                .each_ref()
                .map(|(name, value)| (*name, value.as_str())),
        )
        .await
}

fn kiln(stand: &Stand) -> Session {
    stand.sandbox.session("onlyfans", "kiln").unwrap()
}

fn is_guest(answer: &Answer) -> bool {
    answer.status == StatusCode::OK
        && answer.json()["isAuth"] == false
        && answer.json().get("id").is_none()
}

#[tokio::test]
async fn a_session_opens_its_owners_profile() {
    let stand = Stand::new();
    let session = kiln(&stand);
    let me = call(&stand, ME, &session).await.json();
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
async fn the_profile_holds_private_things_that_an_app_must_leave_out() {
    let stand = Stand::new();
    let me = call(&stand, ME, &kiln(&stand)).await.json();
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
async fn whoever_is_not_signed_in_is_a_guest_with_200() {
    let stand = Stand::new();
    let session = kiln(&stand);
    let other = stand.sandbox.session("onlyfans", "wren").unwrap();
    assert!(is_guest(&stand.get(ME, &[("user-agent", BROWSER)]).await));
    for stranger in [
        Session {
            sess: "unknown".into(),
            ..session.clone()
        },
        // Each cookie is good, but they are not a pair.
        Session {
            auth_id: other.auth_id.clone(),
            ..session.clone()
        },
        Session {
            auth_id: String::new(),
            ..session.clone()
        },
    ] {
        assert!(is_guest(&call(&stand, ME, &stranger).await));
    }
    assert_eq!(call(&stand, ME, &session).await.json()["id"], 900_001);
}

#[tokio::test]
async fn another_browser_is_refused_with_401() {
    let stand = Stand::new();
    let session = kiln(&stand);
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
        let answer = call(&stand, ME, &changed).await;
        assert_eq!(
            (answer.status, &answer.json()["error"]["code"]),
            (StatusCode::UNAUTHORIZED, &json!(0))
        );
        assert!(answer.json()["error"]["message"].is_string());
    }
}

#[tokio::test]
async fn a_user_id_that_is_not_the_cookies_is_refused_with_400() {
    let stand = Stand::new();
    let session = kiln(&stand);
    let cookie = session.cookie_line();
    let usual = [
        ("cookie", cookie.as_str()),
        ("user-agent", &session.user_agent),
        ("x-bc", &session.x_bc),
    ];
    for headers in [
        usual.to_vec(),
        [&usual[..], &[("user-id", "900002")]].concat(),
    ] {
        assert_eq!(
            stand.get(ME, &headers).await.status,
            StatusCode::BAD_REQUEST
        );
    }
}

#[tokio::test]
async fn a_program_without_a_name_is_shown_a_page() {
    let stand = Stand::new();
    let nameless = Session {
        user_agent: String::new(),
        ..kiln(&stand)
    };
    let answer = call(&stand, ME, &nameless).await;
    assert!(answer.status == StatusCode::FORBIDDEN && answer.is_html());
}

#[tokio::test]
async fn every_kind_of_trouble_can_be_forced() {
    let stand = Stand::new();
    let session = kiln(&stand);
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
        stand.sandbox.force_next(fault).unwrap();
        assert_eq!(call(&stand, ME, &session).await.status.as_u16(), status);
    }
    assert_eq!(call(&stand, ME, &session).await.json()["id"], 900_001);
    assert_eq!(stand.sandbox.calls().get("onlyfans", "me"), 4);
}

#[tokio::test]
async fn too_many_calls_get_429() {
    let stand = Stand::new();
    let session = kiln(&stand);
    stand.sandbox.set("onlyfans", Switch::Quota(1)).unwrap();
    assert_eq!(call(&stand, ME, &session).await.status, StatusCode::OK);
    let limited = call(&stand, ME, &session).await;
    assert_eq!(
        (limited.status, limited.header("retry-after")),
        (StatusCode::TOO_MANY_REQUESTS, Some("590"))
    );
}

#[tokio::test]
async fn a_session_that_is_killed_or_has_ended_makes_a_guest() {
    let stand = Stand::new();
    let (killed, other) = (
        kiln(&stand),
        stand.sandbox.session("onlyfans", "wren").unwrap(),
    );
    assert_eq!(stand.sandbox.revoke_user("onlyfans", "kiln").unwrap(), 1);
    assert!(is_guest(&call(&stand, ME, &killed).await));
    assert_eq!(call(&stand, ME, &other).await.json()["id"], 900_002);
    stand.sandbox.advance_seconds(30 * 86_400);
    assert!(is_guest(&call(&stand, ME, &other).await));
}

#[tokio::test]
async fn a_session_survives_a_restart_and_its_cookie_is_not_written_down() {
    let folder = std::path::PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
    let file = folder.join(format!("sandbox-session-{}.json", std::process::id()));
    let options = || SandboxOptions {
        state_file: Some(file.clone()),
        ..SandboxOptions::default()
    };
    let session = kiln(&Stand::with(options()));
    let text = std::fs::read_to_string(&file).unwrap();
    let again = Stand::with(options());
    std::fs::remove_file(&file).unwrap();
    assert_eq!(call(&again, ME, &session).await.json()["id"], 900_001);
    assert!(
        text.contains("kiln") && !text.contains(&session.sess) && !text.contains(&session.x_bc)
    );
}

#[tokio::test]
async fn a_session_comes_without_a_browser_where_there_is_no_oauth() {
    let stand = Stand::new();
    let ask = |body: Value| {
        stand.send(
            Request::post("/control/session")
                .body(body.to_string().into())
                .unwrap(),
        )
    };
    let answer = ask(json!({ "platform": "onlyfans", "person": "wren" }))
        .await
        .json();
    let text = |name: &str| answer[name].as_str().unwrap().to_owned();
    let session = Session {
        sess: text("sess"),
        auth_id: text("auth_id"),
        user_agent: text("user_agent"),
        x_bc: text("x_bc"),
        auth_uid_: None,
    };
    assert_eq!(
        text("auth_uid_"),
        "900002",
        "an account with two factors has one more cookie"
    );
    assert_eq!(
        call(&stand, ME, &session).await.json()["username"],
        "wrenhalloran"
    );
    assert!(matches!(
        stand.sandbox.session("reddit", "wren"),
        Err(SandboxError::NoSessions("reddit"))
    ));
    assert!(matches!(
        stand.sandbox.session("onlyfans", "juniper"),
        Err(SandboxError::UnknownPerson { .. })
    ));
    let refused = stand
        .sandbox
        .approve("http://127.0.0.1:8081/onlyfans/", "wren", None)
        .unwrap_err();
    assert!(
        refused
            .to_string()
            .contains("not that of an authorization endpoint"),
        "{refused}"
    );
    assert_eq!(format!("{session:?}"), "Session");
}

/// Signs in as a browser does; the page behind it, and the cookies that it set.
async fn sign_in(stand: &Stand, person: &str, misbehave: &str) -> (Answer, Vec<String>) {
    let page = stand.get("/onlyfans/", &[("user-agent", BROWSER)]).await;
    let kept = page
        .header("set-cookie")
        .unwrap()
        .split(';')
        .next()
        .unwrap()
        .to_owned();
    let csrf = kept.split_once('=').unwrap().1.to_owned();
    assert!(page.body.contains("not the real OnlyFans") && !page.body.contains("<script"));
    let fields = [
        ("csrf", csrf.as_str()),
        ("person", person),
        ("misbehave", misbehave),
    ];
    let answer = stand
        .post(
            "/onlyfans/sign-in",
            &[("user-agent", BROWSER), ("cookie", &kept)],
            &fields,
        )
        .await;
    let cookies = answer.headers.get_all("set-cookie").into_iter();
    let cookies = cookies
        .map(|line| line.to_str().unwrap().split(';').next().unwrap().to_owned())
        .collect();
    (answer, cookies)
}

/// The session out of the JSON block of the page behind the sign-in.
fn pasted(page: &Answer) -> Session {
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
async fn signing_in_sets_the_cookies_and_shows_what_to_paste() {
    let stand = Stand::new();
    let (page, cookies) = sign_in(&stand, "kiln", "none").await;
    let session = pasted(&page);
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
    assert_eq!(call(&stand, ME, &session).await.json()["id"], 900_001);
    assert_eq!(page.header("cache-control"), Some("no-store"));
}

#[test]
fn a_curl_command_is_quoted_for_a_shell() {
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
async fn signing_in_from_another_page_is_not_taken() {
    let stand = Stand::new();
    let answer = stand
        .post(
            "/onlyfans/sign-in",
            &[("user-agent", BROWSER)],
            &[("person", "kiln")],
        )
        .await;
    assert_eq!(
        (answer.status, answer.header("set-cookie")),
        (StatusCode::FORBIDDEN, None)
    );
}

#[tokio::test]
async fn signing_out_ends_the_session() {
    let stand = Stand::new();
    let (page, cookies) = sign_in(&stand, "kiln", "none").await;
    let csrf = page
        .body
        .split("name=\"csrf\" value=\"")
        .nth(1)
        .unwrap()
        .split('"')
        .next()
        .unwrap()
        .to_owned();
    let kept = format!("evergrant_sandbox_csrf={csrf}; {}", cookies.join("; "));
    let foreign = stand
        .post(
            "/onlyfans/sign-out",
            &[("cookie", &cookies.join("; "))],
            &[],
        )
        .await;
    assert_eq!(foreign.status, StatusCode::FORBIDDEN);
    assert_eq!(call(&stand, ME, &pasted(&page)).await.json()["id"], 900_001);
    let out = stand
        .post(
            "/onlyfans/sign-out",
            &[("cookie", &kept)],
            &[("csrf", &csrf)],
        )
        .await;
    assert_eq!(out.header("location"), Some("/onlyfans/"));
    assert!(is_guest(&call(&stand, ME, &pasted(&page)).await));
}

#[tokio::test(start_paused = true)]
async fn sessions_misbehave_on_request() {
    let stand = Stand::new();
    let session = async |word: &str| pasted(&sign_in(&stand, "kiln", word).await.0);
    let wrong = session("wrong-account").await;
    let me = call(&stand, ME, &wrong).await.json();
    assert!(
        me["isAuth"] == true && me["id"] == 900_002 && wrong.auth_id == "900001",
        "{}",
        me["id"]
    );
    assert!(is_guest(
        &call(&stand, ME, &session("code-expired").await).await
    ));
    for (word, statuses) in [
        ("refresh-refused", [400, 400]),
        ("state-mangled", [401, 401]),
        ("rate-limited", [429, 200]),
        ("server-error", [503, 200]),
    ] {
        let session = session(word).await;
        for status in statuses {
            assert_eq!(
                call(&stand, ME, &session).await.status.as_u16(),
                status,
                "{word}"
            );
        }
    }
    let slow = session("slow-token").await;
    let before = tokio::time::Instant::now();
    assert_eq!(call(&stand, ME, &slow).await.status, StatusCode::OK);
    assert_eq!(before.elapsed().as_secs(), 5);
    let (open, _) = sign_in(&stand, "kiln", "coop-off").await;
    assert_eq!(open.header("cross-origin-opener-policy"), None);
}

#[tokio::test]
async fn posts_are_turned_over_by_a_decimal_marker() {
    let stand = Stand::new();
    let session = kiln(&stand);
    let (mut seen, mut path) = (Vec::new(), format!("{POSTS}?limit=50"));
    loop {
        let page = call(&stand, &path, &session).await.json();
        seen.extend(page["list"].as_array().unwrap().clone());
        if page["hasMore"] == false {
            break;
        }
        let marker = seen.last().unwrap()["postedAtPrecise"]
            .as_str()
            .unwrap()
            .to_owned();
        assert!(
            marker
                .split_once('.')
                .is_some_and(|(_, fraction)| fraction.len() == 6),
            "{marker}"
        );
        path = format!("{POSTS}?limit=50&afterPublishTime={marker}");
    }
    let me = call(&stand, ME, &session).await.json();
    assert_eq!(me["postsCount"], seen.len());
    let ids: std::collections::HashSet<_> = seen
        .iter()
        .map(|post| post["id"].as_i64().unwrap())
        .collect();
    assert!(ids.len() == seen.len() && seen.len() > 100);
    assert!(
        seen.iter().any(|post| post["price"].is_null())
            && seen.iter().any(|post| post["price"].is_i64())
    );
    let second = call(&stand, &format!("{POSTS}?limit=50&offset=50"), &session)
        .await
        .json();
    assert_eq!(second["list"][0], seen[50]);
}

#[tokio::test]
async fn posts_are_for_their_owner_alone() {
    let stand = Stand::new();
    let wren = stand.sandbox.session("onlyfans", "wren").unwrap();
    assert_eq!(
        call(&stand, POSTS, &wren).await.status,
        StatusCode::NOT_FOUND
    );
    assert!(is_guest(
        &stand.get(POSTS, &[("user-agent", BROWSER)]).await
    ));
    assert_eq!(
        call(&stand, "/onlyfans/api2/v2/chats", &wren).await.status,
        StatusCode::NOT_FOUND
    );
}

#[test]
fn the_dev_settings_name_the_profile() {
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
}
