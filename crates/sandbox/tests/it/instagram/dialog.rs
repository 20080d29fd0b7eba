//! The login dialog and its callback.

use axum::http::StatusCode;

use crate::harness::{Harness, path_of, query_param};
use crate::meta::{CALLBACK, FB_SCOPES, dialog};

#[tokio::test]
async fn callback_has_code_state_and_facebooks_fragment() {
    let harness = Harness::new();
    let location = harness
        .sandbox
        .approve(&dialog(&[]), "juniper", None)
        .unwrap();
    assert!(
        location.starts_with(&format!("{CALLBACK}?")) && location.ends_with("#_=_"),
        "{location}"
    );
    assert_eq!(query_param(&location, "state").as_deref(), Some("st&te=1"));
    assert!(query_param(&location, "code").is_some());
}

#[tokio::test]
async fn dialog_accepts_any_version_and_no_response_type() {
    let harness = Harness::new();
    for version in ["v19.0", "v25.0", "v26.1"] {
        let url = dialog(&[("response_type", "")]).replace("v25.0", version);
        let page = harness.get(&path_of(&url), &[]).await;
        assert_eq!(page.status, StatusCode::OK, "{version}");
        assert!(
            page.header("set-cookie")
                .unwrap()
                .contains(&format!("Path=/facebook/dialog/{version}/dialog/oauth"))
        );
        assert!(harness.sandbox.approve(&url, "juniper", None).is_ok());
    }
}

#[tokio::test]
async fn denial_redirects_with_error_code_200() {
    let harness = Harness::new();
    let location = harness.sandbox.deny(&dialog(&[])).unwrap();
    for (name, value) in [
        ("error", "access_denied"),
        ("error_code", "200"),
        ("error_description", "Permissions error"),
        ("error_reason", "user_denied"),
        ("state", "st&te=1"),
    ] {
        assert_eq!(
            query_param(&location, name).as_deref(),
            Some(value),
            "{location}"
        );
    }
    assert!(
        location.contains("error_description=Permissions+error") && location.ends_with("#_=_"),
        "{location}"
    );
}

#[tokio::test]
async fn dialog_failure_sets_error_code_but_not_error() {
    let harness = Harness::new();
    let location = harness
        .sandbox
        .approve(&dialog(&[("misbehave", "dialog-error")]), "juniper", None)
        .unwrap();
    assert_eq!(query_param(&location, "error"), None);
    assert_eq!(query_param(&location, "code"), None);
    assert_eq!(
        query_param(&location, "error_code").as_deref(),
        Some("1349220")
    );
    assert!(query_param(&location, "error_message").is_some());
}

#[tokio::test]
async fn return_scopes_lists_granted_and_denied_scopes() {
    let harness = Harness::new();
    let url = dialog(&[
        ("return_scopes", "true"),
        ("scope", "instagram_basic,pages_show_list,email"),
    ]);
    let granted = Some(&["instagram_basic", "pages_show_list"][..]);
    let location = harness.sandbox.approve(&url, "juniper", granted).unwrap();
    assert_eq!(
        query_param(&location, "granted_scopes").as_deref(),
        Some("instagram_basic,pages_show_list")
    );
    assert_eq!(
        query_param(&location, "denied_scopes").as_deref(),
        Some("email")
    );
    let without = harness
        .sandbox
        .approve(&dialog(&[]), "juniper", None)
        .unwrap();
    assert_eq!(query_param(&without, "granted_scopes"), None);
}

#[tokio::test]
async fn permissions_include_declined_ones() {
    let harness = Harness::new();
    let scopes = ["instagram_basic", "pages_show_list"];
    let location = harness
        .sandbox
        .approve(&dialog(&[]), "juniper", Some(&scopes))
        .unwrap();
    let token = harness
        .fb_connect_with(&query_param(&location, "code").unwrap())
        .await;
    let list = harness
        .graph_with_token("/v25.0/me/permissions", &token)
        .await
        .json();
    let status = |name: &str| {
        let list = list["data"].as_array().unwrap();
        list.iter()
            .find(|entry| entry["permission"] == name)
            .unwrap()["status"]
            .clone()
    };
    assert_eq!(status("instagram_basic"), "granted");
    assert_eq!(status("instagram_manage_insights"), "declined");
    assert_eq!(
        list["data"].as_array().unwrap().len(),
        FB_SCOPES.split(',').count()
    );
}
