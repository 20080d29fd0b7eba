use axum::http::StatusCode;
use serde_json::json;

use crate::harness::{Stand, path_of, query};
use crate::meta::{CALLBACK, FB_SCOPES, JUNIPER, codes, dialog};

#[tokio::test]
async fn the_callback_has_code_state_and_the_odd_fragment() {
    let stand = Stand::new();
    let location = stand
        .sandbox
        .approve(&dialog(&[]), "juniper", None)
        .unwrap();
    assert!(
        location.starts_with(&format!("{CALLBACK}?")) && location.ends_with("#_=_"),
        "{location}"
    );
    assert_eq!(query(&location, "state").as_deref(), Some("st&te=1"));
    assert!(query(&location, "code").is_some());
}

#[tokio::test]
async fn the_dialog_is_there_under_any_version_and_needs_no_response_type() {
    let stand = Stand::new();
    for version in ["v19.0", "v25.0", "v26.1"] {
        let url = dialog(&[("response_type", "")]).replace("v25.0", version);
        let page = stand.get(&path_of(&url), &[]).await;
        assert_eq!(page.status, StatusCode::OK, "{version}");
        assert!(
            page.header("set-cookie")
                .unwrap()
                .contains(&format!("Path=/facebook/dialog/{version}/dialog/oauth"))
        );
        assert!(stand.sandbox.approve(&url, "juniper", None).is_ok());
    }
}

#[tokio::test]
async fn denying_names_the_code_200() {
    let stand = Stand::new();
    let location = stand.sandbox.deny(&dialog(&[])).unwrap();
    for (name, value) in [
        ("error", "access_denied"),
        ("error_code", "200"),
        ("error_description", "Permissions error"),
        ("error_reason", "user_denied"),
        ("state", "st&te=1"),
    ] {
        assert_eq!(query(&location, name).as_deref(), Some(value), "{location}");
    }
    assert!(
        location.contains("error_description=Permissions+error") && location.ends_with("#_=_"),
        "{location}"
    );
}

#[tokio::test]
async fn other_failures_have_an_error_code_and_no_error() {
    let stand = Stand::new();
    let location = stand
        .sandbox
        .approve(&dialog(&[("misbehave", "dialog-error")]), "juniper", None)
        .unwrap();
    assert_eq!(query(&location, "error"), None);
    assert_eq!(query(&location, "code"), None);
    assert_eq!(query(&location, "error_code").as_deref(), Some("1349220"));
    assert!(query(&location, "error_message").is_some());
}

#[tokio::test]
async fn return_scopes_tells_what_was_granted_and_denied() {
    let stand = Stand::new();
    let url = dialog(&[
        ("return_scopes", "true"),
        ("scope", "instagram_basic,pages_show_list,email"),
    ]);
    let some = Some(&["instagram_basic", "pages_show_list"][..]);
    let location = stand.sandbox.approve(&url, "juniper", some).unwrap();
    assert_eq!(
        query(&location, "granted_scopes").as_deref(),
        Some("instagram_basic,pages_show_list")
    );
    assert_eq!(query(&location, "denied_scopes").as_deref(), Some("email"));
    let without = stand
        .sandbox
        .approve(&dialog(&[]), "juniper", None)
        .unwrap();
    assert_eq!(query(&without, "granted_scopes"), None);
}

#[tokio::test]
async fn declined_permissions_stand_in_the_list() {
    let stand = Stand::new();
    let scopes = ["instagram_basic", "pages_show_list"];
    let location = stand
        .sandbox
        .approve(&dialog(&[]), "juniper", Some(&scopes))
        .unwrap();
    let token = stand
        .fb_connect_with(&query(&location, "code").unwrap())
        .await;
    let list = stand
        .graph("/v25.0/me/permissions", &[("access_token", &token)])
        .await
        .json();
    let status = |name: &str| {
        let list = list["data"].as_array().unwrap();
        list.iter().find(|one| one["permission"] == name).unwrap()["status"].clone()
    };
    assert_eq!(status("instagram_basic"), "granted");
    assert_eq!(status("instagram_manage_insights"), "declined");
    assert_eq!(
        list["data"].as_array().unwrap().len(),
        FB_SCOPES.split(',').count()
    );
}

const PAGES: &str =
    "id,name,tasks,access_token,instagram_business_account{id,username,followers_count}";

async fn pages(stand: &Stand, person: &str) -> serde_json::Value {
    let token = stand.fb_connect(person).await;
    let answer = stand
        .graph(
            "/v25.0/me/accounts",
            &[("access_token", &token), ("fields", PAGES)],
        )
        .await;
    answer.json()["data"].clone()
}

#[tokio::test]
async fn a_page_without_an_account_has_no_such_key() {
    let stand = Stand::new();
    let juniper = pages(&stand, "juniper").await;
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
async fn people_have_no_account_one_or_two() {
    let stand = Stand::new();
    for (person, count) in [("kiln", 0), ("juniper", 1), ("saffron", 1), ("wren", 2)] {
        let pages = pages(&stand, person).await;
        let linked = pages
            .as_array()
            .unwrap()
            .iter()
            .filter(|page| page.get("instagram_business_account").is_some());
        assert_eq!(linked.count(), count, "{person}");
    }
}

#[tokio::test]
async fn only_what_was_ticked_is_shared() {
    let stand = Stand::new();
    let second = "17841400000000004";
    let location = stand
        .sandbox
        .approve_sharing(&dialog(&[]), "wren", None, Some(&["2021", "2022", second]))
        .unwrap();
    let token = stand
        .fb_connect_with(&query(&location, "code").unwrap())
        .await;
    let shared = stand
        .graph(
            "/v25.0/me/accounts",
            &[("access_token", &token), ("fields", PAGES)],
        )
        .await
        .json()["data"]
        .clone();
    assert!(
        shared[0].get("instagram_business_account").is_none(),
        "the Page alone was ticked"
    );
    assert_eq!(shared[1]["instagram_business_account"]["id"], second);
    let closed = stand
        .graph("/v25.0/17841400000000003", &[("access_token", &token)])
        .await;
    assert_eq!(codes(&closed), (100, 33));
    assert_eq!(
        stand
            .graph(&format!("/v25.0/{second}"), &[("access_token", &token)])
            .await
            .text("id"),
        second
    );

    let none = stand
        .sandbox
        .approve_sharing(&dialog(&[]), "wren", None, Some(&[]))
        .unwrap();
    let token = stand.fb_connect_with(&query(&none, "code").unwrap()).await;
    assert_eq!(
        stand
            .graph("/v25.0/me/accounts", &[("access_token", &token)])
            .await
            .json(),
        json!({ "data": [] })
    );
}

#[tokio::test]
async fn the_page_offers_each_persons_pages_and_accounts() {
    let stand = Stand::new();
    let url = dialog(&[]);
    let page = stand.get(&path_of(&url), &[]).await;
    for text in [
        "Wren Halloran Photography",
        "Page of Halloran &amp; Daughters",
        "@platform.nine.prints",
        "SANDBOX",
    ] {
        assert!(page.body.contains(text), "{text}");
    }
    let cookie = page
        .header("set-cookie")
        .unwrap()
        .split(';')
        .next()
        .unwrap()
        .to_owned();
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
    let answer = stand
        .post(&path_of(&url), &[("cookie", &cookie)], &fields)
        .await;
    let token = stand
        .fb_connect_with(&query(answer.header("location").unwrap(), "code").unwrap())
        .await;
    let shared = stand
        .graph("/v25.0/me/accounts", &[("access_token", &token)])
        .await
        .json();
    assert_eq!(
        shared["data"],
        json!([{ "id": "2021" }]),
        "and nothing of somebody else's"
    );
}

#[tokio::test]
async fn a_page_of_a_business_takes_a_permission_more() {
    let stand = Stand::new();
    let code = stand.fb_code("wren", &[("scope", "instagram_basic,pages_show_list")]);
    let token = stand.fb_connect_with(&code).await;
    let list = stand
        .graph("/v25.0/me/accounts", &[("access_token", &token)])
        .await
        .json();
    assert_eq!(list["data"], json!([{ "id": "2021" }]));
    assert_eq!(
        codes(
            &stand
                .graph("/v25.0/me/businesses", &[("access_token", &token)])
                .await
        ),
        (200, 0)
    );

    let token = stand.fb_connect("wren").await;
    let fields = [("access_token", token.as_str()), ("fields", "name")];
    let businesses = stand.graph("/v25.0/me/businesses", &fields).await.json();
    assert_eq!(
        businesses["data"],
        json!([{ "id": "3001", "name": "Halloran & Daughters" }])
    );
    let owned = stand.graph("/v25.0/3001/owned_pages", &fields).await.json();
    assert_eq!(
        owned["data"],
        json!([{ "id": "2022", "name": "Platform Nine Prints" }])
    );
    assert_eq!(
        stand
            .graph("/v25.0/3001/client_pages", &fields)
            .await
            .json()["data"],
        json!([])
    );
}

#[tokio::test]
async fn me_is_the_app_scoped_id_and_without_fields_nothing_else() {
    let stand = Stand::new();
    let token = stand.fb_connect("juniper").await;
    let bare = stand.graph("/v25.0/me", &[("access_token", &token)]).await;
    assert_eq!(bare.json(), json!({ "id": "10150000000000001" }));
    let full = stand
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
    let unversioned = stand
        .get(
            "/facebook/graph/me",
            &[("authorization", &format!("Bearer {token}"))],
        )
        .await;
    assert_eq!(unversioned.json(), json!({ "id": "10150000000000001" }));
}

#[tokio::test]
async fn what_does_not_exist_is_an_error_of_graphs_own_form() {
    let stand = Stand::new();
    let token = stand.fb_connect("juniper").await;
    for (path, expected) in [
        ("/v25.0/999", (100, 33)),
        ("/v25.0/17841400000000003", (100, 33)),
        ("/v25.0/nothing/here", (100, 0)),
        ("/v25/me", (100, 0)),
    ] {
        let answer = stand.graph(path, &[("access_token", &token)]).await;
        assert_eq!(
            (answer.status, codes(&answer)),
            (StatusCode::BAD_REQUEST, expected),
            "{path}"
        );
    }
    let unknown_field = stand
        .graph(
            "/v25.0/me",
            &[("access_token", &token), ("fields", "id,shoe_size")],
        )
        .await;
    assert_eq!(codes(&unknown_field), (100, 0));
    assert_eq!(codes(&stand.graph("/v25.0/me", &[]).await), (2500, 0));
}
