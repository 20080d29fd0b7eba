//! `/api/integrations/flows/{flowId}`

use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::answer::Answer;
use crate::stand::{CHALLENGE, KILN, Stand, VERIFIER};

/// A bound flow whose consent has come back: its path and its receipt.
struct Parked {
    path: String,
    receipt: String,
}

impl Parked {
    /// Begun and consented to by the browser of `user`.
    async fn by(stand: &Stand, user: i32, person: &str) -> Self {
        let browser = stand.browser(user).await;
        let begun = browser
            .post(
                "/api/integrations/connect/reddit",
                json!({"challenge": CHALLENGE}),
            )
            .await;
        let back = stand.anonymous().get(&stand.consent(&begun, person)).await;
        let path = format!("/api/integrations/flows/{}", begun.text("flowId"));
        Self {
            path,
            receipt: back.returned("receipt").unwrap(),
        }
    }

    async fn finish(&self, stand: &Stand, user: i32, changes: Value) -> Answer {
        let mut body = json!({"verifier": VERIFIER, "receipt": self.receipt});
        body.as_object_mut()
            .unwrap()
            .extend(changes.as_object().unwrap().clone());
        stand
            .browser(user)
            .await
            .post(&format!("{}/finish", self.path), body)
            .await
    }
}

fn is_connected(answer: &Answer) -> bool {
    answer.json()["status"] == "connected"
}

#[tokio::test]
async fn waits_for_the_user_and_then_for_the_browser() {
    let stand = Stand::new().await;
    let begun = stand.begin(1, "reddit", json!({})).await;
    let path = format!("/api/integrations/flows/{}", begun.text("flowId"));
    assert_snapshot!(stand.app_for(1).await.get(&path).await, @r#"
    200 OK
    content-type: application/json
    cache-control: no-store

    {
      "status": "waiting"
    }
    "#);
    let parked = Parked::by(&stand, 1, "kiln").await;
    assert_snapshot!(stand.browser(1).await.get(&parked.path).await, @r#"
    200 OK
    content-type: application/json
    cache-control: no-store

    {
      "status": "pending"
    }
    "#);
}

#[tokio::test]
async fn is_finished_by_the_browser_that_began_it() {
    let stand = Stand::new().await;
    let parked = Parked::by(&stand, 1, "kiln").await;
    let made = parked.finish(&stand, 1, json!({})).await;
    let listed = stand.browser(1).await.get("/api/integrations/status").await;
    assert_eq!(
        made.json(),
        json!({"integrations": listed.json()["integrations"]})
    );
    assert_eq!(made.json()["integrations"][0]["providerAccountId"], KILN);
    assert_snapshot!(stand.browser(1).await.get(&parked.path).await, @r#"
    200 OK
    content-type: application/json
    cache-control: no-store

    {
      "accountId": "sima4",
      "status": "connected"
    }
    "#);
}

#[tokio::test]
async fn tells_why_it_came_to_nothing() {
    let stand = Stand::new().await;
    let begun = stand.begin(1, "reddit", json!({})).await;
    stand.anonymous().get(&stand.refuse(&begun)).await;
    let path = format!("/api/integrations/flows/{}", begun.text("flowId"));
    assert_snapshot!(stand.app_for(1).await.get(&path).await, @r#"
    200 OK
    content-type: application/json
    cache-control: no-store

    {
      "code": "OAUTH_DENIED",
      "status": "error"
    }
    "#);
}

#[tokio::test]
async fn is_over_when_nobody_comes_back_in_time() {
    let stand = Stand::new().await;
    let begun = stand.begin(1, "reddit", json!({})).await;
    stand.clock.advance_seconds(600);
    let state = stand
        .app_for(1)
        .await
        .get(&format!("/api/integrations/flows/{}", begun.text("flowId")))
        .await;
    assert_eq!(
        state.json(),
        json!({"status": "error", "code": "INVALID_STATE"})
    );
}

#[tokio::test]
async fn needs_both_the_verifier_and_the_receipt() {
    let stand = Stand::new().await;
    let parked = Parked::by(&stand, 1, "kiln").await;
    let before = stand.stored().await;
    for wrong in [
        json!({"verifier": "guessed"}),
        json!({"verifier": CHALLENGE}),
        json!({"receipt": "guessed"}),
        json!({"verifier": ""}),
        json!({"receipt": ""}),
        json!({"receipt": VERIFIER, "verifier": parked.receipt}),
    ] {
        let answer = parked.finish(&stand, 1, wrong.clone()).await;
        assert_eq!(
            answer.refusal(),
            (400, "INVALID_STATE".to_owned()),
            "{wrong}"
        );
    }
    let mut after = stand.stored().await;
    after.insert(
        "evergrant_sessions".to_owned(),
        before["evergrant_sessions"].clone(),
    );
    assert_eq!(after, before);
    assert_eq!(
        parked.finish(&stand, 1, json!({})).await.status,
        200,
        "wrong attempts do not use it up"
    );
}

#[tokio::test]
async fn the_receipt_of_another_flow_finishes_nothing() {
    let stand = Stand::new().await;
    let (mine, theirs) = (
        Parked::by(&stand, 1, "kiln").await,
        Parked::by(&stand, 2, "juniper").await,
    );
    let answer = mine
        .finish(&stand, 1, json!({"receipt": theirs.receipt}))
        .await;
    assert_eq!(answer.refusal(), (400, "INVALID_STATE".to_owned()));
    let answer = theirs.finish(&stand, 1, json!({})).await;
    assert_eq!(answer.refusal(), (404, "FLOW_NOT_FOUND".to_owned()));
}

#[tokio::test]
async fn is_finished_once_and_in_time() {
    let stand = Stand::new().await;
    let parked = Parked::by(&stand, 1, "kiln").await;
    assert_eq!(parked.finish(&stand, 1, json!({})).await.status, 200);
    assert_eq!(
        parked.finish(&stand, 1, json!({})).await.refusal(),
        (400, "INVALID_STATE".to_owned())
    );
    let late = Parked::by(&stand, 1, "juniper").await;
    stand.clock.advance_seconds(600);
    assert_eq!(
        late.finish(&stand, 1, json!({})).await.refusal(),
        (400, "INVALID_STATE".to_owned())
    );
    assert!(!is_connected(&stand.browser(1).await.get(&late.path).await));
}

#[tokio::test]
async fn takes_only_accounts_that_the_consent_reaches() {
    let stand = Stand::new().await;
    let parked = Parked::by(&stand, 1, "kiln").await;
    for wrong in [json!([]), json!(["sim9z"]), json!([KILN, "sim9z"])] {
        let answer = parked.finish(&stand, 1, json!({"accountIds": wrong})).await;
        assert_eq!(
            answer.refusal(),
            (422, "VALIDATION_ERROR".to_owned()),
            "{wrong}"
        );
        assert_eq!(answer.json()["fields"][0]["field"], "accountIds");
    }
    assert_eq!(
        parked
            .finish(&stand, 1, json!({"accountIds": [KILN]}))
            .await
            .status,
        200
    );
}

#[tokio::test]
async fn an_account_of_another_user_stays_theirs() {
    let stand = Stand::new().await;
    stand.connect(1, "juniper").await;
    let parked = Parked::by(&stand, 2, "juniper").await;
    let answer = parked.finish(&stand, 2, json!({})).await;
    assert_snapshot!(answer, @r#"
    409 Conflict
    content-type: application/problem+json
    cache-control: no-store

    {
      "code": "ACCOUNT_ALREADY_CONNECTED",
      "correlationId": "[correlationId]",
      "detail": "This Reddit account is already connected by somebody else.",
      "retryable": false,
      "status": 409,
      "title": "Account already connected",
      "type": "/errors#ACCOUNT_ALREADY_CONNECTED"
    }
    "#);
    let owners = stand
        .database
        .texts("SELECT CAST(user_id AS TEXT) FROM oauth_accounts")
        .await;
    assert_eq!(owners, ["1"]);
}

#[tokio::test]
async fn an_unbound_flow_is_not_finished_by_hand() {
    let stand = Stand::new().await;
    let begun = stand.begin(1, "reddit", json!({})).await;
    let path = format!("/api/integrations/flows/{}/finish", begun.text("flowId"));
    let answer = stand
        .app_for(1)
        .await
        .post(&path, json!({"verifier": "", "receipt": ""}))
        .await;
    assert_eq!(answer.refusal(), (400, "INVALID_STATE".to_owned()));
}
