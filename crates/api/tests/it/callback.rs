//! `GET /api/integrations/callback/{provider}`

use axum::http::Method;
use insta::assert_snapshot;
use serde_json::json;

use crate::answer::{Answer, parameter};
use crate::stand::{CHALLENGE, JUNIPER, Stand};

pub(crate) const CALLBACK: &str = "/api/integrations/callback/reddit";

/// The parameters with which the browser returns to the app, in order.
fn names(answer: &Answer) -> Vec<String> {
    let url = url::Url::parse(answer.location()).unwrap();
    url.query_pairs()
        .map(|(name, _)| name.into_owned())
        .collect()
}

pub(crate) fn exchanges(stand: &Stand) -> u64 {
    stand
        .sandbox
        .calls()
        .get("reddit", "token.authorization_code")
}

/// Refused by a page of ours, not sent anywhere, and nothing was bought or stored.
async fn assert_stays_here(stand: &Stand, path: &str) {
    let (before, calls) = (stand.stored().await, stand.platform_calls());
    let answer = stand.anonymous().get(path).await;
    assert_eq!(answer.status, 400, "{path}: {answer}");
    assert!(
        answer.is_page() && answer.header("location").is_none(),
        "{path}: {answer}"
    );
    assert!(answer.body.contains("INVALID_STATE"), "{path}: {answer}");
    assert_eq!(
        (stand.stored().await, stand.platform_calls()),
        (before, calls),
        "{path}"
    );
}

#[tokio::test]
async fn sends_the_browser_back_to_the_app() {
    let stand = Stand::new().await;
    let begun = stand.begin(1, "reddit", json!({})).await;
    assert_snapshot!(stand.anonymous().get(&stand.consent(&begun, "juniper")).await, @"
    303 See Other
    cache-control: no-store
    location: https://app.example/settings?integration=reddit&status=connected&accountId=sim9z
    ");
}

#[tokio::test]
async fn sends_the_browser_of_a_bound_flow_back_with_a_receipt() {
    let stand = Stand::new().await;
    let begun = stand
        .begin(1, "reddit", json!({"challenge": CHALLENGE}))
        .await;
    let back = stand
        .anonymous()
        .get(&stand.consent(&begun, "juniper"))
        .await;
    assert_snapshot!(back, @"
    303 See Other
    cache-control: no-store
    location: https://app.example/settings?integration=reddit&status=pending&flowId=[flowId]&receipt=[receipt]
    ");
    assert_eq!(back.returned("flowId").unwrap(), begun.text("flowId"));
    assert_eq!(
        back.returned("receipt").unwrap().len(),
        22,
        "128 bits in base64url"
    );
    assert!(
        stand
            .database
            .texts("SELECT provider FROM oauth_accounts")
            .await
            .is_empty()
    );
}

#[tokio::test]
async fn tells_the_app_of_a_refusal_by_code_alone() {
    let stand = Stand::new().await;
    let begun = stand.begin(1, "reddit", json!({})).await;
    let back = stand.anonymous().get(&stand.refuse(&begun)).await;
    assert_snapshot!(back, @"
    303 See Other
    cache-control: no-store
    location: https://app.example/settings?integration=reddit&status=error&code=OAUTH_DENIED&correlationId=[correlationId]
    ");
    assert_eq!(exchanges(&stand), 0);
}

#[tokio::test]
async fn keeps_the_apps_own_query_and_overrules_only_its_own_names() {
    let stand = Stand::new().await;
    let address =
        "https://app.example/settings/x?tab=1&name=a%20%26%20b&status=connected&code=forged";
    let begun = stand
        .begin(1, "reddit", json!({"redirectUrl": address}))
        .await;
    let back = stand.anonymous().get(&stand.refuse(&begun)).await;
    assert_eq!(
        names(&back),
        [
            "tab",
            "name",
            "integration",
            "status",
            "code",
            "correlationId"
        ]
    );
    assert_eq!(back.returned("name").as_deref(), Some("a & b"));
    assert_eq!(back.returned("status").as_deref(), Some("error"));
    assert_eq!(back.returned("code").as_deref(), Some("OAUTH_DENIED"));
}

#[tokio::test]
async fn the_correlation_id_in_the_address_is_the_one_that_connect_answered_with() {
    let stand = Stand::new().await;
    let begun = stand.begin(1, "reddit", json!({})).await;
    let back = stand.anonymous().get(&stand.refuse(&begun)).await;
    assert_eq!(
        back.returned("correlationId").as_deref(),
        begun.header("x-request-id")
    );
}

#[tokio::test]
async fn item_14_carries_neither_code_nor_state_nor_token_in_the_address() {
    let stand = Stand::new().await;
    for challenge in [None, Some(CHALLENGE)] {
        let begun = stand
            .begin(1, "reddit", json!({"challenge": challenge}))
            .await;
        let path = stand.consent(&begun, "juniper");
        let code = parameter(&format!("http://localhost{path}"), "code").unwrap();
        let back = stand.anonymous().get(&path).await;
        assert_eq!(
            (back.status.as_u16(), back.header("cache-control")),
            (303, Some("no-store"))
        );
        assert_eq!(back.header("referrer-policy"), Some("no-referrer"));
        for secret in [code, begun.text("state")] {
            assert!(!back.whole().contains(&secret), "{back}");
        }
    }
}

#[tokio::test]
async fn item_2_a_replay_within_a_minute_gets_the_same_answer_and_buys_nothing() {
    let stand = Stand::new().await;
    for challenge in [None, Some(CHALLENGE)] {
        let begun = stand
            .begin(1, "reddit", json!({"challenge": challenge}))
            .await;
        let path = stand.consent(&begun, "juniper");
        let first = stand.anonymous().get(&path).await;
        let bought = exchanges(&stand);
        stand.clock.advance_seconds(59);
        let second = stand.anonymous().get(&path).await;
        assert_eq!(
            (second.location(), exchanges(&stand)),
            (first.location(), bought)
        );
        stand.clock.advance_seconds(1);
        assert_stays_here(&stand, &path).await;
    }
}

#[tokio::test]
async fn item_2_of_twenty_callbacks_at_once_one_buys_and_all_agree() {
    let stand = Stand::new().await;
    let begun = stand.begin(1, "reddit", json!({})).await;
    let path = stand.consent(&begun, "juniper");
    let mut calls = tokio::task::JoinSet::new();
    for _ in 0..20 {
        let (router, path) = (stand.router.clone(), path.clone());
        calls.spawn(async move {
            let request = axum::http::Request::get(path)
                .body(axum::body::Body::empty())
                .unwrap();
            Answer::read(tower::ServiceExt::oneshot(router, request).await.unwrap()).await
        });
    }
    let answers = calls.join_all().await;
    assert!(
        answers
            .iter()
            .all(|answer| answer.location() == answers[0].location())
    );
    assert_eq!(answers[0].returned("status").as_deref(), Some("connected"));
    assert_eq!(exchanges(&stand), 1);
}

#[tokio::test]
async fn a_used_state_with_another_code_is_refused() {
    let stand = Stand::new().await;
    let begun = stand.begin(1, "reddit", json!({})).await;
    stand
        .anonymous()
        .get(&stand.consent(&begun, "juniper"))
        .await;
    assert_stays_here(&stand, &stand.consent(&begun, "kiln")).await;
    assert_stays_here(&stand, &stand.refuse(&begun)).await;
}

#[tokio::test]
async fn a_code_of_another_flow_connects_nothing() {
    let stand = Stand::new().await;
    stand.connect(1, "juniper").await;
    let (first, second) = (
        stand.begin(1, "reddit", json!({})).await,
        stand.begin(2, "reddit", json!({})).await,
    );
    let path = stand.consent(&first, "kiln");
    stand.anonymous().get(&path).await;
    let swapped = path.replace(&first.text("state"), &second.text("state"));
    let back = stand.anonymous().get(&swapped).await;
    assert_eq!(
        back.returned("code").as_deref(),
        Some("INVALID_CODE"),
        "a code is good for one purchase"
    );
    let owners = stand
        .database
        .texts("SELECT CAST(user_id AS TEXT) FROM oauth_accounts ORDER BY id")
        .await;
    assert_eq!(owners, ["1"; 2]);
}

#[tokio::test]
async fn item_3_a_state_is_good_at_its_own_platform_only() {
    let stand = Stand::new().await;
    let begun = stand.begin(1, "reddit", json!({})).await;
    let path = stand.consent(&begun, "juniper");
    for other in ["acme", "later", "nowhere", "..", "%2e%2e", "REDDIT"] {
        assert_stays_here(
            &stand,
            &path.replace("/callback/reddit?", &format!("/callback/{other}?")),
        )
        .await;
    }
    let back = stand.anonymous().get(&path).await;
    assert_eq!(
        back.returned("status").as_deref(),
        Some("connected"),
        "the attempts did not use it up"
    );
}

#[tokio::test]
async fn item_4_a_state_lives_for_ten_minutes() {
    let stand = Stand::new().await;
    let (late, just) = (
        stand.begin(1, "reddit", json!({})).await,
        stand.begin(1, "reddit", json!({})).await,
    );
    let (late, just) = (
        stand.consent(&late, "juniper"),
        stand.consent(&just, "kiln"),
    );
    stand.clock.advance_seconds(599);
    assert_eq!(
        stand
            .anonymous()
            .get(&just)
            .await
            .returned("status")
            .as_deref(),
        Some("connected")
    );
    stand.clock.advance_seconds(1);
    let bought = exchanges(&stand);
    let back = stand.anonymous().get(&late).await;
    assert_snapshot!(back, @"
    303 See Other
    cache-control: no-store
    location: https://app.example/settings?integration=reddit&status=error&code=INVALID_STATE&correlationId=[correlationId]
    ");
    assert_eq!(exchanges(&stand), bought);
}

#[tokio::test]
async fn an_unknown_state_stays_here() {
    let stand = Stand::new().await;
    stand.begin(1, "reddit", json!({})).await;
    for query in [
        "",
        "state=",
        "state=x&code=y",
        "code=y",
        "error=access_denied",
        "state=%00&code=%00",
        "state[]=x&code=y",
    ] {
        assert_stays_here(&stand, &format!("{CALLBACK}?{query}")).await;
    }
    assert_stays_here(
        &stand,
        &format!("{CALLBACK}?code=y&state={}", "x".repeat(5000)),
    )
    .await;
}

#[tokio::test]
async fn item_10_a_doubled_parameter_is_nobodys_honest_answer() {
    let stand = Stand::new().await;
    let begun = stand.begin(1, "reddit", json!({})).await;
    let path = stand.consent(&begun, "juniper");
    for doubled in [
        "state=x",
        "code=x",
        "iss=a&iss=b",
        "error=a&error=b",
        "error_code=1&error_code=2",
    ] {
        assert_stays_here(&stand, &format!("{path}&{doubled}")).await;
    }
    assert_eq!(
        stand
            .anonymous()
            .get(&path)
            .await
            .returned("status")
            .as_deref(),
        Some("connected")
    );
}

#[tokio::test]
async fn item_10_the_issuer_must_be_the_one_that_was_asked() {
    let stand = Stand::new().await;
    let back = async |suffix: &str| {
        let begun = stand.begin(1, "named", json!({})).await;
        let consented = stand
            .sandbox
            .approve(&begun.text("authUrl"), "juniper", None)
            .unwrap();
        let path = crate::stand::callback_path(&consented);
        stand.anonymous().get(&format!("{path}{suffix}")).await
    };
    for foreign in [
        "",
        "&iss=",
        "&iss=https://evil.example",
        "&iss=https://named.example/",
        "&iss=HTTPS://NAMED.EXAMPLE",
    ] {
        let answer = back(foreign).await;
        assert_eq!(
            answer.returned("code").as_deref(),
            Some("OAUTH_CALLBACK_ERROR"),
            "{foreign}"
        );
    }
    assert_eq!(exchanges(&stand), 0);
    assert_eq!(
        back("&iss=https://named.example")
            .await
            .returned("status")
            .as_deref(),
        Some("connected")
    );
}

#[tokio::test]
async fn item_11_what_the_platform_says_of_an_error_goes_nowhere() {
    let stand = Stand::new().await;
    let hostile = [
        "<script>alert(1)</script>",
        "a&status=connected&accountId=x",
        "a&success=true#",
        "x\r\nSet-Cookie: hush=1",
        "x\0y",
        "access_denied\r\nLocation: https://evil.example",
        "ACCESS_DENIED",
        "\u{202e}hush",
    ];
    for error in hostile {
        let begun = stand.begin(1, "reddit", json!({})).await;
        let told = [
            ("state", begun.text("state")),
            ("error", error.to_owned()),
            ("error_description", error.to_owned()),
        ];
        let query = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(told)
            .finish();
        let back = stand.anonymous().get(&format!("{CALLBACK}?{query}")).await;
        assert_eq!(
            names(&back),
            ["integration", "status", "code", "correlationId"],
            "{error:?}"
        );
        assert_eq!(
            back.returned("code").as_deref(),
            Some("OAUTH_CALLBACK_ERROR"),
            "{error:?}"
        );
        for part in [
            "script",
            "Set-Cookie",
            "evil",
            "hush",
            "success",
            "access",
            "ACCESS",
        ] {
            assert!(!back.whole().contains(part), "{error:?}: {back}");
        }
        let page = stand
            .anonymous()
            .get(&format!(
                "{CALLBACK}?{}",
                query.replace(&begun.text("state"), "x")
            ))
            .await;
        assert!(
            !page.body.contains("alert") && !page.body.contains("hush"),
            "{page}"
        );
    }
    assert_eq!(
        (
            exchanges(&stand),
            stand
                .database
                .texts("SELECT provider FROM oauth_accounts")
                .await
                .len()
        ),
        (0, 0)
    );
}

#[tokio::test]
async fn a_page_of_ours_runs_no_script_and_loads_nothing() {
    let stand = Stand::new().await;
    let page = stand.anonymous().get(&format!("{CALLBACK}?state=x")).await;
    let policy = page.header("content-security-policy").unwrap();
    assert!(
        policy.starts_with("default-src 'none'; style-src 'sha256-"),
        "{policy}"
    );
    assert!(
        policy.contains("frame-ancestors 'none'") && !policy.contains("unsafe"),
        "{policy}"
    );
    assert!(
        page.body.contains(page.header("x-request-id").unwrap()),
        "the reference is there"
    );
    assert!(
        !page.body.contains("<script") && !page.body.contains("http"),
        "{page}"
    );
    assert_eq!(
        page.header("cross-origin-opener-policy"),
        None,
        "it would sever the app's pop-up"
    );
}

#[tokio::test]
async fn a_program_that_asks_for_json_gets_the_problem() {
    let stand = Stand::new().await;
    let ask = stand
        .anonymous()
        .ask(Method::GET, &format!("{CALLBACK}?state=x"));
    assert_snapshot!(ask.with("accept", "application/json").send().await, @r#"
    400 Bad Request
    content-type: application/problem+json
    cache-control: no-store

    {
      "code": "INVALID_STATE",
      "correlationId": "[correlationId]",
      "detail": "This sign-in is not known, has been used already or has expired. Please begin it again.",
      "retryable": false,
      "status": 400,
      "title": "Invalid state",
      "type": "/errors#INVALID_STATE"
    }
    "#);
}

#[tokio::test]
async fn item_22_an_account_of_another_user_stays_theirs() {
    let stand = Stand::new().await;
    stand.connect(1, "juniper").await;
    let token = format!("/api/integrations/token/reddit/{JUNIPER}");
    let (app, rows) = (
        stand.app_for(1).await,
        stand.database.contents().await["oauth_accounts"].clone(),
    );
    let held = app.get(&token).await.text("accessToken");
    let begun = stand.begin(2, "reddit", json!({})).await;
    let back = stand
        .anonymous()
        .get(&stand.consent(&begun, "juniper"))
        .await;
    assert_eq!(
        back.returned("code").as_deref(),
        Some("ACCOUNT_ALREADY_CONNECTED")
    );
    assert_eq!(stand.database.contents().await["oauth_accounts"], rows);
    assert_eq!(app.get(&token).await.text("accessToken"), held);
    assert_eq!(
        stand.sandbox.calls().get("reddit", "revoke"),
        1,
        "the fresh grant was given up"
    );
}

#[tokio::test]
async fn a_reconnect_keeps_the_connections_id_and_takes_no_other_account() {
    let stand = Stand::new().await;
    stand.connect(1, "juniper").await;
    let id = async || {
        stand
            .app_for(1)
            .await
            .get("/api/integrations/status")
            .await
            .json()["integrations"][0]["id"]
            .clone()
    };
    let first = id().await;
    let begun = stand
        .begin(1, "reddit", json!({"accountId": JUNIPER}))
        .await;
    let other = stand.anonymous().get(&stand.consent(&begun, "kiln")).await;
    assert_eq!(other.returned("code").as_deref(), Some("ACCOUNT_MISMATCH"));
    let begun = stand
        .begin(1, "reddit", json!({"accountId": JUNIPER}))
        .await;
    let same = stand
        .anonymous()
        .get(&stand.consent(&begun, "juniper"))
        .await;
    assert_eq!(same.returned("status").as_deref(), Some("connected"));
    assert_eq!(id().await, first);
}
