//! Tests of the flow with each provider of the catalogue, on the real binary and both databases.

use evergrant_testkit::{TestDatabase, on_both_databases};
use serde_json::{Value, json};

use crate::client::App;
use crate::simulation::{Simulation, expire_all, redirect_query, token};

/// A provider with a consent page, and what to expect of it.
struct Case {
    provider: &'static str,
    /// Person with one account.
    person: &'static str,
    /// Id of that account.
    account: &'static str,
    /// Another person with an account.
    other_person: &'static str,
    /// Scopes that remain if the optional ones are declined.
    granted: &'static [&'static str],
    /// Expected `revocation` of a disconnect.
    revocation: &'static str,
}

const CASES: [Case; 4] = [
    Case {
        provider: "instagram",
        person: "juniper",
        account: "17841400000000001",
        other_person: "saffron",
        granted: &["instagram_basic", "pages_show_list"],
        revocation: "revoked",
    },
    Case {
        provider: "instagram-login",
        person: "juniper",
        account: "17841400000000001",
        other_person: "saffron",
        granted: &["instagram_business_basic"],
        revocation: "unsupported",
    },
    Case {
        provider: "tiktok",
        person: "juniper",
        account: "-000simOpenId01",
        other_person: "wren",
        granted: &["user.info.basic"],
        revocation: "revoked",
    },
    Case {
        provider: "reddit",
        person: "juniper",
        account: "sim9z",
        other_person: "kiln",
        granted: &["identity"],
        revocation: "revoked",
    },
];

/// Instagram Login refreshes tokens only once they are a day old.
const DAY_AND_HOUR_SECONDS: i64 = 25 * 60 * 60;

async fn connection(app: &App, case: &Case) -> Value {
    let status = app.get(7, "/api/integrations/status").await.ok();
    let all = status["integrations"].as_array().unwrap();
    let found = all.iter().find(|row| row["provider"] == case.provider);
    found
        .unwrap_or_else(|| panic!("{} is not connected", case.provider))
        .clone()
}

async fn every_provider_connects_refreshes_and_disconnects(database: TestDatabase) {
    let simulation = Simulation::start().await;
    let (program, app) = simulation.serve(&database);
    app.create_user(7).await;
    let mut first = Vec::new();
    for case in &CASES {
        first.push(connect(&simulation, &app, case).await);
    }
    drop(program);
    simulation.sandbox.advance_seconds(DAY_AND_HOUR_SECONDS);
    expire_all(&database).await;

    let (_program, app) = simulation.serve(&database);
    for (case, first) in CASES.iter().zip(first) {
        assert_ne!(
            token(&app, 7, case.provider, case.account).await,
            first,
            "{}",
            case.provider
        );
        let path = format!(
            "/api/integrations/disconnect/{}/{}",
            case.provider, case.account
        );
        let response = app.delete(7, &path).await.ok();
        assert_eq!(
            response["revocation"], case.revocation,
            "{}: {response}",
            case.provider
        );
    }
    assert_eq!(
        app.get(7, "/api/integrations/status").await.ok()["integrations"],
        json!([])
    );
}

/// Connects the account of a case and returns its access token.
async fn connect(simulation: &Simulation, app: &App, case: &Case) -> String {
    let query = simulation
        .connect(app, 7, case.provider, case.person, json!({}))
        .await;
    let expected = format!(
        "integration={}&status=connected&accountId={}",
        case.provider, case.account
    );
    assert_eq!(query, expected);
    let row = connection(app, case).await;
    assert_eq!(
        (&row["status"], &row["missingScopes"]),
        (&json!("connected"), &json!([])),
        "{row}"
    );
    token(app, 7, case.provider, case.account).await
}

async fn pasted_session_is_connected_and_not_refreshed(database: TestDatabase) {
    let simulation = Simulation::start().await;
    let (_program, app) = simulation.serve(&database);
    app.create_user(7).await;
    let connected = simulation.paste_session(&app, 7, "onlyfans", "kiln").await;
    let row = &connected["integrations"][0];
    assert_eq!(
        (&row["status"], &row["providerAccountId"]),
        (&json!("connected"), &json!("900001")),
        "{row}"
    );
    assert!(
        row["metadata"]["username"].is_string() && row["metadata"].get("email").is_none(),
        "{row}"
    );
    assert!(
        token(&app, 7, "onlyfans", "900001")
            .await
            .contains("auth_id")
    );

    let refreshed = app
        .post(7, "/api/integrations/refresh/onlyfans/900001", json!({}))
        .await;
    assert_eq!(refreshed.code(409), "NO_REFRESH_TOKEN");
    let disconnected = app
        .delete(7, "/api/integrations/disconnect/onlyfans/900001")
        .await
        .ok();
    assert_eq!(disconnected["revocation"], "unsupported");
}

async fn denied_consent_connects_no_account(database: TestDatabase) {
    let simulation = Simulation::start().await;
    let (_program, app) = simulation.serve(&database);
    app.create_user(7).await;
    for case in &CASES {
        let flow = simulation
            .start_flow(&app, 7, case.provider, json!({}))
            .await;
        let callback = simulation
            .sandbox
            .deny(flow["authUrl"].as_str().unwrap())
            .unwrap();
        let query = redirect_query(&app, &callback).await;
        assert!(
            query.contains("status=error&code=OAUTH_DENIED"),
            "{}: {query}",
            case.provider
        );
    }
    assert_eq!(
        app.get(7, "/api/integrations/status").await.ok()["integrations"],
        json!([])
    );
}

async fn declined_scopes_are_reported_as_missing(database: TestDatabase) {
    let simulation = Simulation::start().await;
    let (_program, app) = simulation.serve(&database);
    app.create_user(7).await;
    for case in &CASES {
        let flow = simulation
            .start_flow(&app, 7, case.provider, json!({}))
            .await;
        let query = simulation
            .consent(&app, &flow, case.person, Some(case.granted))
            .await;
        assert!(
            query.contains("status=connected"),
            "{}: {query}",
            case.provider
        );
        let row = connection(&app, case).await;
        assert_eq!(
            (&row["status"], &row["statusReason"]),
            (&json!("connected"), &json!("SCOPE_MISSING")),
            "{row}"
        );
        assert!(
            !row["missingScopes"].as_array().unwrap().is_empty(),
            "{row}"
        );
    }
}

async fn reconnect_with_another_account_is_rejected(database: TestDatabase) {
    let simulation = Simulation::start().await;
    let (_program, app) = simulation.serve(&database);
    app.create_user(7).await;
    for case in &CASES {
        simulation
            .connect(&app, 7, case.provider, case.person, json!({}))
            .await;
        let before = token(&app, 7, case.provider, case.account).await;
        let body = json!({ "accountId": case.account });
        let query = simulation
            .connect(&app, 7, case.provider, case.other_person, body)
            .await;
        assert!(
            query.contains("status=error&code=ACCOUNT_MISMATCH"),
            "{}: {query}",
            case.provider
        );
        assert_eq!(
            token(&app, 7, case.provider, case.account).await,
            before,
            "{}",
            case.provider
        );
    }
}

/// The example of RFC 7636, appendix B.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

async fn accounts_of_one_consent_are_chosen_and_disconnected_one_by_one(database: TestDatabase) {
    let simulation = Simulation::start().await;
    let (_program, app) = simulation.serve(&database);
    app.create_user(7).await;
    let accounts = connect_both_accounts_of_wren(&simulation, &app).await;
    let disconnect = |id: &str| format!("/api/integrations/disconnect/instagram/{id}");
    let first = app.delete(7, &disconnect(&accounts[0])).await.ok();
    assert_eq!(
        first["revocation"], "kept",
        "revoking would end the grant of the other account too"
    );
    let path = format!("/api/integrations/refresh/instagram/{}", accounts[1]);
    app.post(7, &path, json!({})).await.ok();
    assert_eq!(
        app.delete(7, &disconnect(&accounts[1])).await.ok()["revocation"],
        "revoked"
    );
}

/// Connects the two Instagram accounts of the person `wren` in one flow. Returns their ids.
async fn connect_both_accounts_of_wren(simulation: &Simulation, app: &App) -> Vec<String> {
    let body = json!({ "challenge": CHALLENGE });
    let flow = app
        .post(7, "/api/integrations/connect/instagram", body)
        .await
        .ok();
    let query = simulation.consent(app, &flow, "wren", None).await;
    assert!(query.contains("status=pending"), "{query}");
    let receipt = query.split("receipt=").nth(1).unwrap();
    let path = format!(
        "/api/integrations/flows/{}",
        flow["flowId"].as_str().unwrap()
    );
    let state = app.get(7, &path).await.ok();
    assert_eq!(state["status"], "choose");
    assert!(state["accounts"].is_null(), "only the proofs disclose them");
    let proofs = json!({ "verifier": VERIFIER, "receipt": receipt });
    let listed = app.post(7, &format!("{path}/accounts"), proofs).await.ok();
    let choices = listed["accounts"].as_array().unwrap();
    let ids: Vec<_> = choices
        .iter()
        .map(|row| row["providerAccountId"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(ids.len(), 2, "{listed}");

    let body = json!({ "verifier": VERIFIER, "receipt": receipt, "accountIds": ids });
    let finished = app.post(7, &format!("{path}/finish"), body).await.ok();
    assert_eq!(finished["integrations"].as_array().unwrap().len(), 2);
    ids
}

on_both_databases!(
    every_provider_connects_refreshes_and_disconnects,
    pasted_session_is_connected_and_not_refreshed,
    denied_consent_connects_no_account,
    declined_scopes_are_reported_as_missing,
    reconnect_with_another_account_is_rejected,
    accounts_of_one_consent_are_chosen_and_disconnected_one_by_one,
);
