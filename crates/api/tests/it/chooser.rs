//! `POST /connect/{provider}/choose`: the account chooser for a consent that covers two accounts,
//! and the same choice through the API.

use axum::http::Method;
use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::fake_providers::{SHOP, STUDIO};
use crate::harness::{CHALLENGE, Harness, VERIFIER};
use crate::response::TestResponse;

const CALLBACK: &str = "/api/integrations/callback/instagram";
const CHOOSE: &str = "/connect/instagram/choose";

/// Starts an unbound flow and returns its start response and the chooser page after consent.
async fn consented(harness: &Harness) -> (TestResponse, TestResponse) {
    let started = harness.start_flow(1, "instagram", json!({})).await;
    let page = harness
        .anonymous()
        .get(&format!(
            "{CALLBACK}?state={}&code=good",
            started.text("state")
        ))
        .await;
    (started, page)
}

/// Returns the fields of the page's form with these accounts checked.
fn form<'a>(page: &'a TestResponse, checked: &[&'a str]) -> Vec<(&'a str, &'a str)> {
    let mut form = vec![
        ("flowId", page.field("flowId")),
        ("receipt", page.field("receipt")),
    ];
    form.extend(checked.iter().map(|id| ("account", *id)));
    form
}

/// Posts the form to `path`.
async fn choose(harness: &Harness, path: &str, form: &[(&str, &str)]) -> TestResponse {
    harness
        .anonymous()
        .request(Method::POST, path)
        .form(form)
        .send()
        .await
}

/// Returns the connected account ids.
async fn accounts(harness: &Harness) -> Vec<String> {
    harness
        .database
        .texts("SELECT provider_account_id FROM oauth_accounts ORDER BY provider_account_id")
        .await
}

#[tokio::test]
async fn page_lists_accounts_with_first_one_checked() {
    let harness = Harness::new().await;
    let (_, page) = consented(&harness).await;
    assert!(page.status == 200 && page.is_page(), "{page}");
    assert!(
        page.body
            .contains(&format!(r#"<form method="post" action="{CHOOSE}""#)),
        "{page}"
    );
    assert!(
        page.body.contains("Which Instagram accounts?") && page.body.contains("app.example"),
        "{page}"
    );
    assert_eq!(
        page.checkboxes("account"),
        [(STUDIO.to_owned(), true), (SHOP.to_owned(), false)]
    );
    assert!(
        page.body.contains("&lt;Shop&gt;") && !page.body.contains("<Shop>"),
        "names are escaped: {page}"
    );
    assert!(page.body.contains("@juniper.shop"), "{page}");
    assert!(
        page.body.contains(r#"<img src="/images/"#) && !page.body.contains("pictures.example"),
        "{page}"
    );
    assert_eq!(accounts(&harness).await, Vec::<String>::new());
}

#[tokio::test]
async fn content_security_policy_allows_own_form_and_app_origin() {
    let harness = Harness::new().await;
    let (_, page) = consented(&harness).await;
    page.check_form_policy();
}

#[tokio::test]
async fn checked_accounts_are_connected_and_browser_is_redirected() {
    for checked in [vec![SHOP], vec![STUDIO, SHOP]] {
        let harness = Harness::new().await;
        let (_, page) = consented(&harness).await;
        let redirect = choose(&harness, CHOOSE, &form(&page, &checked)).await;
        assert_eq!(redirect.status, 303, "{redirect}");
        assert!(
            redirect.location().starts_with(
                "https://app.example/settings?integration=instagram&status=connected&"
            )
        );
        assert_eq!(
            redirect.query_param("accountId").as_deref(),
            Some(checked[0])
        );
        assert_eq!(accounts(&harness).await, checked);
    }
}

#[tokio::test]
async fn empty_or_unlisted_selection_shows_page_again() {
    let harness = Harness::new().await;
    let (_, page) = consented(&harness).await;
    for (checked, message, is_kept) in [
        (vec![], "Select at least one account.", false),
        (
            vec![SHOP, "1"],
            "Select only accounts from this list.",
            true,
        ),
    ] {
        let again = choose(&harness, CHOOSE, &form(&page, &checked)).await;
        assert!(
            again.status == 422 && again.is_page() && again.body.contains(message),
            "{again}"
        );
        assert_eq!(
            again.checkboxes("account"),
            [(STUDIO.to_owned(), false), (SHOP.to_owned(), is_kept)]
        );
        again.check_form_policy();
    }
    assert_eq!(accounts(&harness).await, Vec::<String>::new());
    assert_eq!(
        choose(&harness, CHOOSE, &form(&page, &[SHOP])).await.status,
        303,
        "rejected selections do not use up the flow"
    );
}

#[tokio::test]
async fn selection_without_valid_receipt_is_rejected() {
    let harness = Harness::new().await;
    let (started, page) = consented(&harness).await;
    let flow_id = started.text("flowId");
    let (flow, unknown_flow) = (("flowId", flow_id.as_str()), ("flowId", "f00"));
    let receipt = ("receipt", page.field("receipt"));
    let guessed = ("receipt", "guessed");
    let account = ("account", SHOP);
    let other_provider = CHOOSE.replace("instagram", "reddit");
    for (path, fields) in [
        (CHOOSE, vec![flow, guessed, account]),
        (CHOOSE, vec![flow, account]),
        (CHOOSE, vec![unknown_flow, receipt, account]),
        (CHOOSE, vec![flow, receipt, receipt, account]),
        (&other_provider, vec![flow, receipt, account]),
        (CHOOSE, vec![]),
    ] {
        let rejected = choose(&harness, path, &fields).await;
        assert!(
            rejected.status == 400 && rejected.is_page(),
            "{path} {fields:?}: {rejected}"
        );
        assert!(
            rejected.body.contains("INVALID_STATE") && rejected.header("location").is_none(),
            "{rejected}"
        );
    }
    assert_eq!(accounts(&harness).await, Vec::<String>::new());
}

#[tokio::test]
async fn selection_is_accepted_once_and_before_expiry() {
    let harness = Harness::new().await;
    let (_, page) = consented(&harness).await;
    assert_eq!(
        choose(&harness, CHOOSE, &form(&page, &[SHOP])).await.status,
        303
    );
    assert_eq!(
        choose(&harness, CHOOSE, &form(&page, &[STUDIO]))
            .await
            .status,
        400
    );
    let (_, expired) = consented(&harness).await;
    harness.clock.advance_seconds(600);
    assert_eq!(
        choose(&harness, CHOOSE, &form(&expired, &[STUDIO]))
            .await
            .status,
        400
    );
    assert_eq!(accounts(&harness).await, [SHOP]);
}

#[tokio::test]
async fn json_or_oversized_form_gets_error_page() {
    let harness = Harness::new().await;
    let json = harness
        .anonymous()
        .request(Method::POST, CHOOSE)
        .json("{}")
        .send()
        .await;
    assert!(json.status == 400 && json.is_page(), "{json}");
    let large = choose(&harness, CHOOSE, &[("flowId", &"x".repeat(64 * 1024))]).await;
    assert!(large.status == 413 && large.is_page(), "{large}");
}

#[tokio::test]
async fn account_of_another_user_is_not_taken_over() {
    let harness = Harness::new().await;
    let (_, page) = consented(&harness).await;
    assert_eq!(
        choose(&harness, CHOOSE, &form(&page, &[SHOP])).await.status,
        303
    );
    let started = harness.start_flow(2, "instagram", json!({})).await;
    let page = harness
        .anonymous()
        .get(&format!(
            "{CALLBACK}?state={}&code=good",
            started.text("state")
        ))
        .await;
    let redirect = choose(&harness, CHOOSE, &form(&page, &[SHOP])).await;
    assert_eq!(redirect.status, 303, "{redirect}");
    assert_eq!(
        redirect.query_param("code").as_deref(),
        Some("ACCOUNT_ALREADY_CONNECTED")
    );
}

/// Starts a flow, posts the consent with an API key and returns the response.
async fn post_consent(harness: &Harness, connect: Value) -> TestResponse {
    let started = harness.start_flow(1, "instagram", connect).await;
    harness
        .app()
        .await
        .post(
            CALLBACK,
            json!({"state": started.text("state"), "code": "good"}),
        )
        .await
}

#[tokio::test]
async fn json_callback_returns_the_covered_accounts() {
    let harness = Harness::new().await;
    let response = post_consent(&harness, json!({})).await;
    assert_snapshot!(response, @r#"
    200 OK
    content-type: application/json
    cache-control: no-store

    {
      "accounts": [
        {
          "avatarUrl": "[avatarUrl]",
          "displayName": "Juniper Studio",
          "providerAccountId": "17840001",
          "username": "juniper"
        },
        {
          "avatarUrl": "[avatarUrl]",
          "displayName": "<Shop>",
          "providerAccountId": "17840002",
          "username": "juniper.shop"
        }
      ],
      "flowId": "[flowId]",
      "receipt": "[receipt]",
      "status": "choose",
      "success": true,
      "userId": 1
    }
    "#);
}

#[tokio::test]
async fn api_key_finishes_without_verifier() {
    let harness = Harness::new().await;
    let response = post_consent(&harness, json!({})).await;
    let finish = format!("/api/integrations/flows/{}/finish", response.text("flowId"));
    let app = harness.app_for(1).await;
    let without_accounts = app
        .post(&finish, json!({"receipt": response.text("receipt")}))
        .await;
    assert_eq!(without_accounts.problem(), "422 VALIDATION_ERROR");
    let wrong_receipt = app
        .post(&finish, json!({"receipt": "guessed", "accountIds": [SHOP]}))
        .await;
    assert_eq!(wrong_receipt.problem(), "400 INVALID_STATE");
    let created = app
        .post(
            &finish,
            json!({"receipt": response.text("receipt"), "accountIds": [SHOP]}),
        )
        .await;
    assert_eq!(
        created.json()["integrations"][0]["providerAccountId"],
        SHOP,
        "{created}"
    );
    assert_eq!(accounts(&harness).await, [SHOP]);
}

#[tokio::test]
async fn session_token_cannot_finish_without_verifier() {
    let harness = Harness::new().await;
    let response = post_consent(&harness, json!({})).await;
    let finish = format!("/api/integrations/flows/{}/finish", response.text("flowId"));
    let mut body = json!({"receipt": response.text("receipt"), "accountIds": [SHOP]});
    let without_verifier = harness.browser(1).await.post(&finish, body.clone()).await;
    assert_eq!(without_verifier.problem(), "422 VALIDATION_ERROR");
    assert_eq!(without_verifier.json()["fields"][0]["field"], "verifier");
    body["verifier"] = json!(VERIFIER);
    let wrong_verifier = harness.browser(1).await.post(&finish, body).await;
    assert_eq!(wrong_verifier.problem(), "400 INVALID_STATE");
    assert_eq!(accounts(&harness).await, Vec::<String>::new());
}

#[tokio::test]
async fn bound_flow_requires_verifier_to_select_accounts() {
    let harness = Harness::new().await;
    let response = post_consent(&harness, json!({"challenge": CHALLENGE})).await;
    assert_eq!(response.json()["status"], "pending");
    let (flow, receipt) = (response.text("flowId"), response.text("receipt"));
    let page = choose(
        &harness,
        CHOOSE,
        &[("flowId", &flow), ("receipt", &receipt), ("account", SHOP)],
    )
    .await;
    assert_eq!(page.status, 400);
    let app = harness.app_for(1).await;
    let path = format!("/api/integrations/flows/{flow}");
    let state = app.get(&path).await;
    assert!(state.json()["accounts"].is_null(), "{state}");
    let body = json!({"receipt": receipt, "accountIds": [SHOP]});
    let without_verifier = app.post(&format!("{path}/finish"), body).await;
    assert_eq!(without_verifier.problem(), "400 INVALID_STATE");
    assert_eq!(accounts(&harness).await, Vec::<String>::new());
}
