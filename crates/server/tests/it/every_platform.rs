//! The main job at each platform of the catalogue, on the real program and both databases, good
//! days and bad.

use evergrant_testkit::{TestDatabase, on_both_databases};
use serde_json::{Value, json};

use crate::client::App;
use crate::platforms::{Platforms, expire_all, parameters, token};

/// A platform with a consent page, somebody who has one account there, somebody else who has one
/// too, and a scope that can be declined.
struct Place {
    platform: &'static str,
    person: &'static str,
    account: &'static str,
    another: &'static str,
    granted: &'static [&'static str],
    revocation: &'static str,
}

const PLACES: [Place; 4] = [
    Place {
        platform: "instagram",
        person: "juniper",
        account: "17841400000000001",
        another: "saffron",
        granted: &["instagram_basic", "pages_show_list"],
        revocation: "revoked",
    },
    Place {
        platform: "instagram-login",
        person: "juniper",
        account: "17841400000000001",
        another: "saffron",
        granted: &["instagram_business_basic"],
        revocation: "unsupported",
    },
    Place {
        platform: "tiktok",
        person: "juniper",
        account: "-000simOpenId01",
        another: "wren",
        granted: &["user.info.basic"],
        revocation: "revoked",
    },
    Place {
        platform: "reddit",
        person: "juniper",
        account: "sim9z",
        another: "kiln",
        granted: &["identity"],
        revocation: "revoked",
    },
];

const DAY_AND_HOUR_S: i64 = 25 * 60 * 60;

async fn connection(app: &App, place: &Place) -> Value {
    let status = app.get(7, "/api/integrations/status").await.ok();
    let all = status["integrations"].as_array().unwrap();
    let found = all.iter().find(|one| one["provider"] == place.platform);
    found
        .unwrap_or_else(|| panic!("{} is not connected", place.platform))
        .clone()
}

async fn connects_reads_renews_and_disconnects_everywhere(database: TestDatabase) {
    let platforms = Platforms::start().await;
    let (program, app) = platforms.serve(&database);
    app.make_user(7).await;
    let mut first = Vec::new();
    for place in &PLACES {
        let landing = platforms
            .connect(&app, 7, place.platform, place.person, json!({}))
            .await;
        let expected = format!(
            "integration={}&status=connected&accountId={}",
            place.platform, place.account
        );
        assert_eq!(landing, expected);
        let one = connection(&app, place).await;
        assert_eq!(
            (&one["status"], &one["missingScopes"]),
            (&json!("connected"), &json!([])),
            "{one}"
        );
        first.push(token(&app, 7, place.platform, place.account).await);
    }
    drop(program);
    platforms.sandbox.advance_seconds(DAY_AND_HOUR_S);
    expire_all(&database).await;

    let (_program, app) = platforms.serve(&database);
    for (place, first) in PLACES.iter().zip(first) {
        assert_ne!(
            token(&app, 7, place.platform, place.account).await,
            first,
            "{}",
            place.platform
        );
        let path = format!(
            "/api/integrations/disconnect/{}/{}",
            place.platform, place.account
        );
        let gone = app.delete(7, &path).await.ok();
        assert_eq!(
            gone["revocation"], place.revocation,
            "{}: {gone}",
            place.platform
        );
    }
    assert_eq!(
        app.get(7, "/api/integrations/status").await.ok()["integrations"],
        json!([])
    );
}

async fn a_pasted_session_is_kept_and_never_renewed(database: TestDatabase) {
    let platforms = Platforms::start().await;
    let (_program, app) = platforms.serve(&database);
    app.make_user(7).await;
    let connected = platforms.paste(&app, 7, "onlyfans", "kiln").await;
    let one = &connected["integrations"][0];
    assert_eq!(
        (&one["status"], &one["providerAccountId"]),
        (&json!("connected"), &json!("900001")),
        "{one}"
    );
    assert!(
        one["metadata"]["username"].is_string() && one["metadata"].get("email").is_none(),
        "{one}"
    );
    assert!(
        token(&app, 7, "onlyfans", "900001")
            .await
            .contains("auth_id")
    );

    let renewed = app
        .post(7, "/api/integrations/refresh/onlyfans/900001", json!({}))
        .await;
    assert_eq!(renewed.code(409), "NO_REFRESH_TOKEN");
    let gone = app
        .delete(7, "/api/integrations/disconnect/onlyfans/900001")
        .await
        .ok();
    assert_eq!(gone["revocation"], "unsupported");
}

async fn a_denial_changes_nothing(database: TestDatabase) {
    let platforms = Platforms::start().await;
    let (_program, app) = platforms.serve(&database);
    app.make_user(7).await;
    for place in &PLACES {
        let flow = app
            .post(
                7,
                &format!("/api/integrations/connect/{}", place.platform),
                json!({}),
            )
            .await
            .ok();
        let back = platforms
            .sandbox
            .deny(flow["authUrl"].as_str().unwrap())
            .unwrap();
        let landing = parameters(&app, &back).await;
        assert!(
            landing.contains("status=error&code=OAUTH_DENIED"),
            "{}: {landing}",
            place.platform
        );
    }
    assert_eq!(
        app.get(7, "/api/integrations/status").await.ok()["integrations"],
        json!([])
    );
}

async fn a_part_of_the_scopes_connects_with_a_remark(database: TestDatabase) {
    let platforms = Platforms::start().await;
    let (_program, app) = platforms.serve(&database);
    app.make_user(7).await;
    for place in &PLACES {
        let flow = app
            .post(
                7,
                &format!("/api/integrations/connect/{}", place.platform),
                json!({}),
            )
            .await
            .ok();
        let landing = platforms
            .consent(&app, &flow, place.person, Some(place.granted))
            .await;
        assert!(
            landing.contains("status=connected"),
            "{}: {landing}",
            place.platform
        );
        let one = connection(&app, place).await;
        assert_eq!(
            (&one["status"], &one["statusReason"]),
            (&json!("connected"), &json!("SCOPE_MISSING")),
            "{one}"
        );
        assert!(
            !one["missingScopes"].as_array().unwrap().is_empty(),
            "{one}"
        );
    }
}

async fn another_account_does_not_reconnect_this_one(database: TestDatabase) {
    let platforms = Platforms::start().await;
    let (_program, app) = platforms.serve(&database);
    app.make_user(7).await;
    for place in &PLACES {
        platforms
            .connect(&app, 7, place.platform, place.person, json!({}))
            .await;
        let held = token(&app, 7, place.platform, place.account).await;
        let wish = json!({ "accountId": place.account });
        let landing = platforms
            .connect(&app, 7, place.platform, place.another, wish)
            .await;
        assert!(
            landing.contains("status=error&code=ACCOUNT_MISMATCH"),
            "{}: {landing}",
            place.platform
        );
        assert_eq!(
            token(&app, 7, place.platform, place.account).await,
            held,
            "{}",
            place.platform
        );
    }
}

/// RFC 7636's own example.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

async fn of_several_accounts_the_browser_chooses_and_siblings_are_spared(database: TestDatabase) {
    let platforms = Platforms::start().await;
    let (_program, app) = platforms.serve(&database);
    app.make_user(7).await;
    let flow = app
        .post(
            7,
            "/api/integrations/connect/instagram",
            json!({ "challenge": CHALLENGE }),
        )
        .await
        .ok();
    let landing = platforms.consent(&app, &flow, "wren", None).await;
    assert!(landing.contains("status=pending"), "{landing}");
    let receipt = landing.split("receipt=").nth(1).unwrap();
    let path = format!(
        "/api/integrations/flows/{}",
        flow["flowId"].as_str().unwrap()
    );
    let state = app.get(7, &path).await.ok();
    assert_eq!(state["status"], "choose");
    let choices = state["accounts"].as_array().unwrap();
    let ids: Vec<_> = choices
        .iter()
        .map(|one| one["providerAccountId"].as_str().unwrap())
        .collect();
    assert_eq!(ids.len(), 2, "{state}");

    let body = json!({ "verifier": VERIFIER, "receipt": receipt, "accountIds": ids });
    let finished = app.post(7, &format!("{path}/finish"), body).await.ok();
    assert_eq!(finished["integrations"].as_array().unwrap().len(), 2);
    let leave = |id: &str| format!("/api/integrations/disconnect/instagram/{id}");
    let spared = app.delete(7, &leave(ids[0])).await.ok();
    assert_eq!(
        spared["revocation"], "kept",
        "Instagram would end the other account's grant too"
    );
    app.post(
        7,
        &format!("/api/integrations/refresh/instagram/{}", ids[1]),
        json!({}),
    )
    .await
    .ok();
    assert_eq!(
        app.delete(7, &leave(ids[1])).await.ok()["revocation"],
        "revoked"
    );
}

on_both_databases!(
    connects_reads_renews_and_disconnects_everywhere,
    a_pasted_session_is_kept_and_never_renewed,
    a_denial_changes_nothing,
    a_part_of_the_scopes_connects_with_a_remark,
    another_account_does_not_reconnect_this_one,
    of_several_accounts_the_browser_chooses_and_siblings_are_spared,
);
