//! One consent reaches two accounts: the page that asks which, and the app's server that asks by
//! itself.

use axum::http::Method;
use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::answer::Answer;
use crate::platforms::{SHOP, STUDIO};
use crate::stand::{CHALLENGE, Stand, VERIFIER};

const CALLBACK: &str = "/api/integrations/callback/instagram";
const CHOOSE: &str = "/connect/instagram/choose";

/// Begins an unbound flow and comes back with a consent.
async fn asked(stand: &Stand) -> (Answer, Answer) {
    let begun = stand.begin(1, "instagram", json!({})).await;
    let page = stand
        .anonymous()
        .get(&format!(
            "{CALLBACK}?state={}&code=good",
            begun.text("state")
        ))
        .await;
    (begun, page)
}

/// The fields of the page's form, with these accounts ticked.
fn form<'a>(page: &'a Answer, ticked: &[&'a str]) -> Vec<(&'a str, &'a str)> {
    let mut form = vec![
        ("flowId", page.field("flowId")),
        ("receipt", page.field("receipt")),
    ];
    form.extend(ticked.iter().map(|id| ("account", *id)));
    form
}

async fn choose(stand: &Stand, path: &str, form: &[(&str, &str)]) -> Answer {
    stand
        .anonymous()
        .ask(Method::POST, path)
        .form(form)
        .send()
        .await
}

async fn accounts(stand: &Stand) -> Vec<String> {
    stand
        .database
        .texts("SELECT provider_account_id FROM oauth_accounts ORDER BY provider_account_id")
        .await
}

#[tokio::test]
async fn a_page_asks_which_accounts_with_the_first_one_ticked() {
    let stand = Stand::new().await;
    let (_, page) = asked(&stand).await;
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
        page.ticks("account"),
        [(STUDIO.to_owned(), true), (SHOP.to_owned(), false)]
    );
    assert!(
        page.body.contains("&lt;Shop&gt;") && !page.body.contains("<Shop>"),
        "a name is no markup: {page}"
    );
    assert!(page.body.contains("@juniper.shop"), "{page}");
    assert!(
        page.body.contains(r#"<img src="/images/"#) && !page.body.contains("pictures.example"),
        "{page}"
    );
    assert_eq!(accounts(&stand).await, Vec::<String>::new());
}

#[tokio::test]
async fn the_page_is_closed_to_all_but_its_own_form_and_the_apps_origin() {
    let stand = Stand::new().await;
    let (_, page) = asked(&stand).await;
    page.check_form_policy();
}

#[tokio::test]
async fn what_is_ticked_is_connected_and_the_browser_goes_back() {
    for ticked in [vec![SHOP], vec![STUDIO, SHOP]] {
        let stand = Stand::new().await;
        let (_, page) = asked(&stand).await;
        let back = choose(&stand, CHOOSE, &form(&page, &ticked)).await;
        assert_eq!(back.status, 303, "{back}");
        assert!(
            back.location().starts_with(
                "https://app.example/settings?integration=instagram&status=connected&"
            )
        );
        assert_eq!(back.returned("accountId").as_deref(), Some(ticked[0]));
        assert_eq!(accounts(&stand).await, ticked);
    }
}

#[tokio::test]
async fn nothing_ticked_or_a_foreign_account_brings_the_page_again() {
    let stand = Stand::new().await;
    let (_, page) = asked(&stand).await;
    for (ticked, sentence, kept) in [
        (vec![], "Tick at least one account.", false),
        (vec![SHOP, "1"], "Tick only accounts of this list.", true),
    ] {
        let again = choose(&stand, CHOOSE, &form(&page, &ticked)).await;
        assert!(
            again.status == 422 && again.is_page() && again.body.contains(sentence),
            "{again}"
        );
        assert_eq!(
            again.ticks("account"),
            [(STUDIO.to_owned(), false), (SHOP.to_owned(), kept)]
        );
        again.check_form_policy();
    }
    assert_eq!(accounts(&stand).await, Vec::<String>::new());
    assert_eq!(
        choose(&stand, CHOOSE, &form(&page, &[SHOP])).await.status,
        303,
        "wrong attempts do not use it up"
    );
}

#[tokio::test]
async fn whoever_has_not_the_receipt_chooses_nothing() {
    let stand = Stand::new().await;
    let (begun, page) = asked(&stand).await;
    let (flow, receipt) = (begun.text("flowId"), page.field("receipt"));
    let elsewhere = CHOOSE.replace("instagram", "reddit");
    for (path, fields) in [
        (
            CHOOSE,
            vec![
                ("flowId", flow.as_str()),
                ("receipt", "guessed"),
                ("account", SHOP),
            ],
        ),
        (CHOOSE, vec![("flowId", flow.as_str()), ("account", SHOP)]),
        (
            CHOOSE,
            vec![("flowId", "f00"), ("receipt", receipt), ("account", SHOP)],
        ),
        (
            CHOOSE,
            vec![
                ("flowId", &flow),
                ("receipt", receipt),
                ("receipt", receipt),
                ("account", SHOP),
            ],
        ),
        (
            elsewhere.as_str(),
            vec![("flowId", &flow), ("receipt", receipt), ("account", SHOP)],
        ),
        (CHOOSE, vec![]),
    ] {
        let refused = choose(&stand, path, &fields).await;
        assert!(
            refused.status == 400 && refused.is_page(),
            "{path} {fields:?}: {refused}"
        );
        assert!(
            refused.body.contains("INVALID_STATE") && refused.header("location").is_none(),
            "{refused}"
        );
    }
    assert_eq!(accounts(&stand).await, Vec::<String>::new());
}

#[tokio::test]
async fn is_chosen_once_and_in_time() {
    let stand = Stand::new().await;
    let (_, page) = asked(&stand).await;
    assert_eq!(
        choose(&stand, CHOOSE, &form(&page, &[SHOP])).await.status,
        303
    );
    assert_eq!(
        choose(&stand, CHOOSE, &form(&page, &[STUDIO])).await.status,
        400
    );
    let (_, late) = asked(&stand).await;
    stand.clock.advance_seconds(600);
    assert_eq!(
        choose(&stand, CHOOSE, &form(&late, &[STUDIO])).await.status,
        400
    );
    assert_eq!(accounts(&stand).await, [SHOP]);
}

#[tokio::test]
async fn anything_but_a_form_of_bearable_size_gets_a_page() {
    let stand = Stand::new().await;
    let json = stand
        .anonymous()
        .ask(Method::POST, CHOOSE)
        .json("{}")
        .send()
        .await;
    assert!(json.status == 400 && json.is_page(), "{json}");
    let large = choose(&stand, CHOOSE, &[("flowId", &"x".repeat(64 * 1024))]).await;
    assert!(large.status == 413 && large.is_page(), "{large}");
}

#[tokio::test]
async fn an_account_of_another_user_stays_theirs() {
    let stand = Stand::new().await;
    let (_, page) = asked(&stand).await;
    assert_eq!(
        choose(&stand, CHOOSE, &form(&page, &[SHOP])).await.status,
        303
    );
    let begun = stand.begin(2, "instagram", json!({})).await;
    let page = stand
        .anonymous()
        .get(&format!(
            "{CALLBACK}?state={}&code=good",
            begun.text("state")
        ))
        .await;
    let back = choose(&stand, CHOOSE, &form(&page, &[SHOP])).await;
    assert_eq!(back.status, 303, "{back}");
    assert_eq!(
        back.returned("code").as_deref(),
        Some("ACCOUNT_ALREADY_CONNECTED")
    );
}

/// What the app's server is answered when it passes a consent on.
async fn passed_on(stand: &Stand, connect: Value) -> Answer {
    let begun = stand.begin(1, "instagram", connect).await;
    stand
        .app()
        .await
        .post(
            CALLBACK,
            json!({"state": begun.text("state"), "code": "good"}),
        )
        .await
}

#[tokio::test]
async fn the_apps_server_is_told_the_accounts_and_finishes_without_a_verifier() {
    let stand = Stand::new().await;
    let answer = passed_on(&stand, json!({})).await;
    assert_snapshot!(answer, @r#"
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
    let finish = format!("/api/integrations/flows/{}/finish", answer.text("flowId"));
    let app = stand.app_for(1).await;
    let unsaid = app
        .post(&finish, json!({"receipt": answer.text("receipt")}))
        .await;
    assert_eq!(unsaid.refusal(), (422, "VALIDATION_ERROR".to_owned()));
    let wrong = app
        .post(&finish, json!({"receipt": "guessed", "accountIds": [SHOP]}))
        .await;
    assert_eq!(wrong.refusal(), (400, "INVALID_STATE".to_owned()));
    let made = app
        .post(
            &finish,
            json!({"receipt": answer.text("receipt"), "accountIds": [SHOP]}),
        )
        .await;
    assert_eq!(
        made.json()["integrations"][0]["providerAccountId"],
        SHOP,
        "{made}"
    );
    assert_eq!(accounts(&stand).await, [SHOP]);
}

#[tokio::test]
async fn a_browsers_session_finishes_nothing_without_a_verifier() {
    let stand = Stand::new().await;
    let answer = passed_on(&stand, json!({})).await;
    let finish = format!("/api/integrations/flows/{}/finish", answer.text("flowId"));
    let mut body = json!({"receipt": answer.text("receipt"), "accountIds": [SHOP]});
    let without = stand.browser(1).await.post(&finish, body.clone()).await;
    assert_eq!(without.refusal(), (422, "VALIDATION_ERROR".to_owned()));
    assert_eq!(without.json()["fields"][0]["field"], "verifier");
    body["verifier"] = json!(VERIFIER);
    let made_up = stand.browser(1).await.post(&finish, body).await;
    assert_eq!(made_up.refusal(), (400, "INVALID_STATE".to_owned()));
    assert_eq!(accounts(&stand).await, Vec::<String>::new());
}

#[tokio::test]
async fn a_bound_flow_is_not_chosen_on_the_page_nor_without_its_verifier() {
    let stand = Stand::new().await;
    let answer = passed_on(&stand, json!({"challenge": CHALLENGE})).await;
    assert_eq!(answer.json()["status"], "pending");
    let (flow, receipt) = (answer.text("flowId"), answer.text("receipt"));
    let by_page = choose(
        &stand,
        CHOOSE,
        &[("flowId", &flow), ("receipt", &receipt), ("account", SHOP)],
    )
    .await;
    assert_eq!(by_page.status, 400);
    let app = stand.app_for(1).await;
    let path = format!("/api/integrations/flows/{flow}");
    let state = app.get(&path).await;
    assert_eq!(
        state.json()["accounts"][1]["providerAccountId"],
        SHOP,
        "{state}"
    );
    let body = json!({"receipt": receipt, "accountIds": [SHOP]});
    let without = app.post(&format!("{path}/finish"), body).await;
    assert_eq!(without.refusal(), (400, "INVALID_STATE".to_owned()));
    assert_eq!(accounts(&stand).await, Vec::<String>::new());
}
