//! Pages, businesses and accounts that a token can access.

use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::harness::{Harness, path_of, query_param};
use crate::meta::{JUNIPER, dialog, error_codes};

const PAGE_FIELDS: &str =
    "id,name,tasks,access_token,instagram_business_account{id,username,followers_count}";

/// Returns the Pages that the token can access.
async fn pages_of_token(harness: &Harness, token: &str) -> Value {
    let fields = [("access_token", token), ("fields", PAGE_FIELDS)];
    let response = harness.graph("/v25.0/me/accounts", &fields).await;
    response.json()["data"].clone()
}

/// Connects `person` and returns the Pages that the token can access.
async fn pages(harness: &Harness, person: &str) -> Value {
    let token = harness.fb_connect(person).await;
    pages_of_token(harness, &token).await
}

/// Connects Wren, who shares only `assets`, and returns the token.
async fn connect_sharing(harness: &Harness, assets: &[&str]) -> String {
    let location = harness
        .sandbox
        .approve_with_assets(&dialog(&[]), "wren", None, Some(assets))
        .unwrap();
    let code = query_param(&location, "code").unwrap();
    harness.fb_connect_with(&code).await
}

#[tokio::test]
async fn page_without_instagram_account_omits_the_key() {
    let harness = Harness::new();
    let juniper = pages(&harness, "juniper").await;
    assert_eq!(juniper[0]["instagram_business_account"]["id"], JUNIPER);
    assert_eq!(
        juniper[0]["instagram_business_account"]["username"],
        "junipervale.clay"
    );
    assert_eq!(juniper[1]["name"], "Vale Family Recipes");
    assert!(juniper[1].get("instagram_business_account").is_none());
    assert!(
        juniper[1]["access_token"]
            .as_str()
            .unwrap()
            .starts_with("EAAP")
    );
}

#[tokio::test]
async fn people_have_zero_one_or_two_accounts() {
    let harness = Harness::new();
    for (person, count) in [("kiln", 0), ("juniper", 1), ("saffron", 1), ("wren", 2)] {
        let pages = pages(&harness, person).await;
        let linked = pages
            .as_array()
            .unwrap()
            .iter()
            .filter(|page| page.get("instagram_business_account").is_some());
        assert_eq!(linked.count(), count, "{person}");
    }
}

#[tokio::test]
async fn only_selected_assets_are_shared() {
    let harness = Harness::new();
    let second = "17841400000000004";
    let token = connect_sharing(&harness, &["2021", "2022", second]).await;
    let shared = pages_of_token(&harness, &token).await;
    assert!(
        shared[0].get("instagram_business_account").is_none(),
        "only the Page was selected, not its account"
    );
    assert_eq!(shared[1]["instagram_business_account"]["id"], second);
    let unshared = harness
        .graph_with_token("/v25.0/17841400000000003", &token)
        .await;
    assert_eq!(error_codes(&unshared), (100, 33));
    let account = harness
        .graph_with_token(&format!("/v25.0/{second}"), &token)
        .await;
    assert_eq!(account.text("id"), second);
}

#[tokio::test]
async fn selecting_no_asset_shares_no_page() {
    let harness = Harness::new();
    let token = connect_sharing(&harness, &[]).await;
    let shared = harness.graph_with_token("/v25.0/me/accounts", &token).await;
    assert_eq!(shared.json(), json!({ "data": [] }));
}

#[tokio::test]
async fn consent_page_lists_assets_of_each_person() {
    let harness = Harness::new();
    let page = harness.get(&path_of(&dialog(&[])), &[]).await;
    for text in [
        "Wren Halloran Photography",
        "Page of Halloran &amp; Daughters",
        "@platform.nine.prints",
        "SANDBOX",
    ] {
        assert!(page.body.contains(text), "{text}");
    }
}

#[tokio::test]
async fn consent_form_shares_only_assets_of_the_chosen_person() {
    let harness = Harness::new();
    let url = dialog(&[]);
    let cookie = harness.get(&path_of(&url), &[]).await.cookie();
    let request = url.split_once('?').unwrap().1;
    let fields = [
        ("csrf", cookie.split_once('=').unwrap().1),
        ("request", request),
        ("person", "wren"),
        ("assets", "chosen"),
        ("asset", "2021"),
        ("asset", JUNIPER),
        ("scope", "pages_show_list"),
        ("decision", "allow"),
    ];
    let response = harness
        .post(&path_of(&url), &[("cookie", &cookie)], &fields)
        .await;
    let code = query_param(response.header("location").unwrap(), "code").unwrap();
    let token = harness.fb_connect_with(&code).await;
    let shared = harness
        .graph_with_token("/v25.0/me/accounts", &token)
        .await
        .json();
    assert_eq!(
        shared["data"],
        json!([{ "id": "2021" }]),
        "another person's account is not shared"
    );
}

#[tokio::test]
async fn business_pages_are_hidden_without_business_management() {
    let harness = Harness::new();
    let code = harness.fb_code("wren", &[("scope", "instagram_basic,pages_show_list")]);
    let token = harness.fb_connect_with(&code).await;
    let pages = harness
        .graph_with_token("/v25.0/me/accounts", &token)
        .await
        .json();
    assert_eq!(pages["data"], json!([{ "id": "2021" }]));
    let businesses = harness
        .graph_with_token("/v25.0/me/businesses", &token)
        .await;
    assert_eq!(error_codes(&businesses), (200, 0));
}

#[tokio::test]
async fn businesses_list_owned_and_client_pages() {
    let harness = Harness::new();
    let token = harness.fb_connect("wren").await;
    let data = async |path: &str| {
        let fields = [("access_token", token.as_str()), ("fields", "name")];
        harness.graph(path, &fields).await.json()["data"].clone()
    };
    assert_eq!(
        data("/v25.0/me/businesses").await,
        json!([{ "id": "3001", "name": "Halloran & Daughters" }])
    );
    assert_eq!(
        data("/v25.0/3001/owned_pages").await,
        json!([{ "id": "2022", "name": "Platform Nine Prints" }])
    );
    assert_eq!(data("/v25.0/3001/client_pages").await, json!([]));
}

#[tokio::test]
async fn me_returns_only_the_app_scoped_id_by_default() {
    let harness = Harness::new();
    let token = harness.fb_connect("juniper").await;
    let bare = harness.graph_with_token("/v25.0/me", &token).await;
    assert_eq!(bare.json(), json!({ "id": "10150000000000001" }));
    let full = harness
        .graph(
            "/v25.0/me",
            &[("access_token", &token), ("fields", "id,name,picture")],
        )
        .await;
    assert_eq!(full.text("name"), "Juniper Vale");
    assert!(
        full.json()["picture"]["data"]["url"]
            .as_str()
            .unwrap()
            .contains("/images/juniper.png")
    );
    let unversioned = harness
        .get(
            "/facebook/graph/me",
            &[("authorization", &format!("Bearer {token}"))],
        )
        .await;
    assert_eq!(unversioned.json(), json!({ "id": "10150000000000001" }));
}

#[tokio::test]
async fn unknown_objects_and_fields_get_graph_errors() {
    let harness = Harness::new();
    let token = harness.fb_connect("juniper").await;
    for (path, expected) in [
        ("/v25.0/999", (100, 33)),
        ("/v25.0/17841400000000003", (100, 33)),
        ("/v25.0/nothing/here", (100, 0)),
        ("/v25/me", (100, 0)),
    ] {
        let response = harness.graph_with_token(path, &token).await;
        assert_eq!(
            (response.status, error_codes(&response)),
            (StatusCode::BAD_REQUEST, expected),
            "{path}"
        );
    }
    let unknown_field = harness
        .graph(
            "/v25.0/me",
            &[("access_token", &token), ("fields", "id,shoe_size")],
        )
        .await;
    assert_eq!(error_codes(&unknown_field), (100, 0));
    assert_eq!(
        error_codes(&harness.graph("/v25.0/me", &[]).await),
        (2500, 0)
    );
}
