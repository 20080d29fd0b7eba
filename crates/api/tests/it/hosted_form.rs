//! `GET` and `POST /connect/{provider}`: the form on which an account's owner pastes a session.

use axum::http::Method;
use serde_json::json;
use url::Url;

use crate::answer::Answer;
use crate::platforms::{OWNER, SESS, USER_AGENT, X_BC};
use crate::stand::{CHALLENGE, Stand, VERIFIER};

const FORM: &str = "/connect/onlyfans";

/// The path of the form of a new flow.
async fn form_of(stand: &Stand, connect: serde_json::Value) -> String {
    let begun = stand.begin(1, "onlyfans", connect).await;
    let url = Url::parse(&begun.text("authUrl")).unwrap();
    assert_eq!(
        (url.host_str(), url.path()),
        (Some("localhost"), "/connect/onlyfans")
    );
    format!("{}?{}", url.path(), url.query().unwrap())
}

/// A request as the browser's tools copy it.
fn curl(sess: &str) -> String {
    format!(
        "curl 'https://onlyfans.example/api' -H \"user-agent: {USER_AGENT}\" -H 'x-bc: {X_BC}' \\\n -b 'sess={sess}; auth_id={OWNER}; lang=en'"
    )
}

/// Sends the form back with these fields in it.
async fn send(stand: &Stand, page: &Answer, fields: &[(&str, &str)]) -> Answer {
    let own = [("state", page.field("state")), ("csrf", page.field("csrf"))];
    let form: Vec<_> = own.into_iter().chain(fields.iter().copied()).collect();
    stand
        .anonymous()
        .ask(Method::POST, FORM)
        .form(&form)
        .send()
        .await
}

async fn shown(stand: &Stand) -> Answer {
    let path = form_of(stand, json!({})).await;
    stand.anonymous().get(&path).await
}

#[tokio::test]
async fn says_what_to_do_what_it_means_and_asks_for_consent() {
    let stand = Stand::new().await;
    let page = shown(&stand).await;
    assert!(page.status == 200 && page.is_page(), "{page}");
    for words in [
        "Connect OnlyFans",
        "app.example",
        "Copy as cURL",
        "Anyone with this cookie can act as you.",
        "encrypted before it is stored",
        "cannot be renewed",
        "may breach the terms",
    ] {
        assert!(page.body.contains(words), "{words}: {page}");
    }
    assert_eq!(page.ticks("consent"), [("yes".to_owned(), false)]);
    let places = [
        "pasted",
        "sess",
        "auth_id",
        "user_agent",
        "x_bc",
        "auth_uid_",
    ]
    .map(|name| {
        page.body
            .find(&format!(r#" name="{name}""#))
            .unwrap_or_else(|| panic!("no {name}: {page}"))
    });
    assert!(
        places.is_sorted() && !page.body.contains("<details open"),
        "{page}"
    );
    assert!(
        !page.content().contains("aria-invalid") && !page.body.contains("<script"),
        "{page}"
    );
}

#[tokio::test]
async fn is_closed_to_all_but_itself_and_the_apps_origin() {
    let stand = Stand::new().await;
    shown(&stand).await.check_form_policy();
}

#[tokio::test]
async fn a_copied_request_connects_and_the_browser_goes_back() {
    let stand = Stand::new().await;
    let page = shown(&stand).await;
    let back = send(
        &stand,
        &page,
        &[("consent", "yes"), ("pasted", &curl(SESS))],
    )
    .await;
    assert_eq!(back.status, 303, "{back}");
    assert_eq!(
        back.location(),
        format!(
            "https://app.example/settings?integration=onlyfans&status=connected&accountId={OWNER}"
        )
    );
    let list = stand.app_for(1).await.get("/api/integrations/status").await;
    assert_eq!(
        list.json()["integrations"][0]["username"],
        "simcreator",
        "{list}"
    );
}

#[tokio::test]
async fn the_parts_one_by_one_connect_too() {
    let stand = Stand::new().await;
    let page = shown(&stand).await;
    let parts = [
        ("sess", SESS),
        ("auth_id", OWNER),
        ("user_agent", USER_AGENT),
        ("x_bc", X_BC),
        ("consent", "yes"),
    ];
    assert_eq!(
        send(&stand, &page, &parts)
            .await
            .returned("status")
            .as_deref(),
        Some("connected")
    );
}

#[tokio::test]
async fn a_bound_flow_comes_back_with_a_receipt_that_finishes_it() {
    let stand = Stand::new().await;
    let page = stand
        .anonymous()
        .get(&form_of(&stand, json!({"challenge": CHALLENGE})).await)
        .await;
    let back = send(
        &stand,
        &page,
        &[("consent", "yes"), ("pasted", &curl(SESS))],
    )
    .await;
    assert_eq!(
        back.returned("status").as_deref(),
        Some("pending"),
        "{back}"
    );
    let path = format!(
        "/api/integrations/flows/{}/finish",
        back.returned("flowId").unwrap()
    );
    let body = json!({"verifier": VERIFIER, "receipt": back.returned("receipt").unwrap()});
    let made = stand.browser(1).await.post(&path, body).await;
    assert_eq!(
        made.json()["integrations"][0]["providerAccountId"],
        OWNER,
        "{made}"
    );
}

#[tokio::test]
async fn without_the_tick_nothing_is_taken() {
    let stand = Stand::new().await;
    let page = shown(&stand).await;
    let again = send(&stand, &page, &[("pasted", &curl(SESS))]).await;
    assert!(again.status == 422 && again.is_page(), "{again}");
    assert!(
        again.body.contains(r#"aria-describedby="consent-fault""#),
        "{again}"
    );
    assert!(
        again
            .body
            .contains(r#"<p class="fault" id="consent-fault">"#),
        "{again}"
    );
    assert!(
        !again.body.contains(SESS) && !again.body.contains(X_BC),
        "what was secret is not sent back: {again}"
    );
    assert!(
        again.body.contains("What was secret has not been kept"),
        "and the page says so: {again}"
    );
    again.check_form_policy();
    assert!(stand.stored().await["oauth_accounts"].is_empty());
    let back = send(
        &stand,
        &again,
        &[("consent", "yes"), ("pasted", &curl(SESS))],
    )
    .await;
    assert_eq!(
        back.returned("status").as_deref(),
        Some("connected"),
        "the flow stays open"
    );
}

#[tokio::test]
async fn a_fault_is_told_at_its_field_and_only_what_is_no_secret_is_kept() {
    let stand = Stand::new().await;
    let page = shown(&stand).await;
    let fields = [
        ("sess", SESS),
        ("auth_id", "not a number"),
        ("user_agent", USER_AGENT),
        ("consent", "yes"),
    ];
    let again = send(&stand, &page, &fields).await;
    assert!(again.status == 422 && again.is_page(), "{again}");
    for name in ["auth_id", "x_bc"] {
        assert!(
            again
                .body
                .contains(&format!(r#"aria-describedby="{name}-fault {name}-help""#)),
            "{name}: {again}"
        );
        assert!(
            again
                .body
                .contains(&format!(r#"<p class="fault" id="{name}-fault">"#)),
            "{name}: {again}"
        );
    }
    assert_eq!(
        again.content().matches(r#"aria-invalid="true""#).count(),
        2,
        "{again}"
    );
    assert_eq!(again.body.matches("autofocus").count(), 1, "{again}");
    assert!(
        again.body.contains("<details open") && again.body.contains("not a number"),
        "{again}"
    );
    assert!(again.body.contains("the owner's browser"), "{again}");
    assert!(!again.body.contains(SESS), "{again}");
    again.check_form_policy();
}

#[tokio::test]
async fn a_session_that_the_platform_does_not_know_is_told_at_the_pasted_text() {
    let stand = Stand::new().await;
    let page = shown(&stand).await;
    let again = send(
        &stand,
        &page,
        &[("consent", "yes"), ("pasted", &curl("another-cookie"))],
    )
    .await;
    assert!(
        again.status == 422 && again.body.contains(r#"id="pasted-fault""#),
        "{again}"
    );
    assert!(!again.body.contains("another-cookie"), "{again}");
    assert!(stand.stored().await["oauth_accounts"].is_empty());
}

#[tokio::test]
async fn the_platforms_trouble_is_a_sentence_and_the_flow_stays_open() {
    let stand = Stand::new().await;
    let page = shown(&stand).await;
    for (answered, status) in [(503, 503), (429, 429)] {
        stand.platforms.profile_answers(answered);
        let again = send(
            &stand,
            &page,
            &[("consent", "yes"), ("pasted", &curl(SESS))],
        )
        .await;
        assert!(again.status == status && again.is_page(), "{again}");
        assert!(
            again.body.contains(r#"<p class="trouble" role="alert">"#),
            "{again}"
        );
        assert!(
            !again.content().contains("aria-invalid") && !again.body.contains(SESS),
            "{again}"
        );
        again.check_form_policy();
    }
    stand.platforms.profile_answers(200);
    let back = send(
        &stand,
        &page,
        &[("consent", "yes"), ("pasted", &curl(SESS))],
    )
    .await;
    assert_eq!(back.returned("status").as_deref(), Some("connected"));
}

#[tokio::test]
async fn cancel_goes_back_as_a_denied_consent_does() {
    let stand = Stand::new().await;
    let page = shown(&stand).await;
    assert!(
        page.body.contains(r#"<form id="cancel" method="post""#),
        "{page}"
    );
    let form = [("state", page.field("state")), ("error", "access_denied")];
    let back = stand
        .anonymous()
        .ask(Method::POST, FORM)
        .form(&form)
        .send()
        .await;
    assert_eq!(
        back.returned("code").as_deref(),
        Some("OAUTH_DENIED"),
        "{back}"
    );
}

#[tokio::test]
async fn a_flow_that_is_unknown_used_late_or_elsewhere_has_no_form() {
    let stand = Stand::new().await;
    let used = form_of(&stand, json!({})).await;
    let page = stand.anonymous().get(&used).await;
    assert_eq!(
        send(
            &stand,
            &page,
            &[("consent", "yes"), ("pasted", &curl(SESS))]
        )
        .await
        .status,
        303
    );
    let reddit = stand.begin(1, "reddit", json!({})).await.text("state");
    let twice = form_of(&stand, json!({})).await;
    let late = form_of(&stand, json!({})).await;
    let mut paths = vec![
        used,
        "/connect/onlyfans".to_owned(),
        "/connect/onlyfans?state=guessed".to_owned(),
    ];
    paths.push(format!("/connect/reddit?state={reddit}"));
    paths.push(format!("/connect/onlyfans?state={reddit}"));
    paths.push(late.replace("onlyfans", "nowhere"));
    paths.push(format!("{twice}&state=another"));
    for path in paths {
        let refused = stand.anonymous().get(&path).await;
        assert!(
            refused.status == 400 && refused.is_page() && refused.body.contains("INVALID_STATE"),
            "{path}: {refused}"
        );
    }
    stand.clock.advance_seconds(600);
    assert_eq!(stand.anonymous().get(&late).await.status, 400);
}

#[tokio::test]
async fn a_form_that_is_not_ours_connects_nothing() {
    let stand = Stand::new().await;
    let (page, other) = (shown(&stand).await, shown(&stand).await);
    let pasted = curl(SESS);
    for csrf in ["", "guessed", other.field("csrf")] {
        let form = [
            ("state", page.field("state")),
            ("csrf", csrf),
            ("consent", "yes"),
            ("pasted", &pasted),
        ];
        let refused = stand
            .anonymous()
            .ask(Method::POST, FORM)
            .form(&form)
            .send()
            .await;
        assert!(
            refused.status == 400 && refused.is_page(),
            "{csrf}: {refused}"
        );
    }
    let twice = send(
        &stand,
        &page,
        &[
            ("csrf", page.field("csrf")),
            ("consent", "yes"),
            ("pasted", &pasted),
        ],
    )
    .await;
    assert_eq!(twice.status, 400);
    assert!(stand.stored().await["oauth_accounts"].is_empty());
    assert_eq!(
        send(&stand, &page, &[("consent", "yes"), ("pasted", &pasted)])
            .await
            .status,
        303
    );
}

#[tokio::test]
async fn both_forms_post_to_the_address_of_the_page() {
    let stand = Stand::new().await;
    let page = shown(&stand).await;
    assert_eq!(
        page.body
            .matches(&format!(r#"method="post" action="{FORM}""#))
            .count(),
        2,
        "{page}"
    );
    assert_eq!(page.body.matches("<form").count(), 2, "{page}");
}

#[tokio::test]
async fn the_callback_does_not_take_the_form() {
    let stand = Stand::new().await;
    let page = shown(&stand).await;
    let pasted = curl(SESS);
    let form = [
        ("state", page.field("state")),
        ("csrf", page.field("csrf")),
        ("consent", "yes"),
        ("pasted", &pasted),
    ];
    let path = "/api/integrations/callback/onlyfans";
    let back = stand
        .anonymous()
        .ask(Method::POST, path)
        .form(&form)
        .send()
        .await;
    assert_eq!(
        back.returned("code").as_deref(),
        Some("INVALID_CODE"),
        "it is a callback without a code: {back}"
    );
    assert!(stand.stored().await["oauth_accounts"].is_empty());
}

#[tokio::test]
async fn only_a_form_is_taken() {
    let stand = Stand::new().await;
    let page = shown(&stand).await;
    let body = json!({"state": page.field("state"), "csrf": page.field("csrf"), "consent": "yes", "pasted": curl(SESS)});
    let refused = stand.anonymous().post(FORM, body).await;
    assert!(
        refused.status == 400 && refused.is_page() && refused.body.contains("INVALID_REQUEST"),
        "{refused}"
    );
    assert!(stand.stored().await["oauth_accounts"].is_empty());
}

#[tokio::test]
async fn takes_64_kib_and_no_more() {
    let stand = Stand::new().await;
    let page = shown(&stand).await;
    let long = "x".repeat(60 * 1024);
    let again = send(&stand, &page, &[("consent", "yes"), ("pasted", &long)]).await;
    assert!(
        again.status == 422 && again.body.contains("pasted-fault") && again.body.len() < 20_000
    );
    let larger = "x".repeat(64 * 1024);
    let refused = send(&stand, &page, &[("consent", "yes"), ("pasted", &larger)]).await;
    assert!(
        refused.status == 413 && refused.is_page() && refused.body.contains("PAYLOAD_TOO_LARGE"),
        "{refused}"
    );
}
