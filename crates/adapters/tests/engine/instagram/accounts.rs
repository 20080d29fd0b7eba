//! The accounts that a grant gives access to.

use evergrant_adapters::ErrorClass;

use super::{PAGES, accounts, graph, page};
use crate::support::response;

#[tokio::test]
async fn every_graph_call_carries_the_proof_of_its_token() {
    let platform = graph().await;
    platform.respond_at(PAGES, response(200, r#"{"data":[]}"#));
    assert_eq!(
        accounts(&platform).await.unwrap(),
        [],
        "no professional account"
    );
    let requests = platform.requests();
    assert_eq!(
        platform.requested_routes(),
        ["GET /v25.0/me", "GET /debug_token", PAGES]
    );
    for call in [&requests[0], &requests[2]] {
        assert_eq!(call.query("access_token"), "EAAsimtoken123");
        let proof = "1de1a69ce068e005de390a197e71d9bfec0771b558a7abf536275fa32b4e5f34";
        assert_eq!(call.query("appsecret_proof"), proof);
    }
    assert_eq!(requests[1].query("appsecret_proof").len(), 64);
    assert_ne!(
        requests[1].query("appsecret_proof"),
        requests[0].query("appsecret_proof")
    );
}

#[tokio::test]
async fn every_linked_account_on_every_result_page_is_listed() {
    let platform = graph().await;
    let paging = r#""paging":{"cursors":{"before":"x","after":"QVFb"},"next":"https://graph.sim/?access_token=hush"}"#;
    let first = format!(
        r#"{{"data":[{},{{"id":"2002","name":"Page without"}}],{paging}}}"#,
        page(2001, "17841400000000001")
    );
    let last = format!(
        r#"{{"data":[{}],"paging":{{"cursors":{{"before":"x","after":"QVFc"}}}}}}"#,
        page(2003, "17841400000000003")
    );
    platform
        .respond_at(PAGES, response(200, &first))
        .respond_at("after=QVFb", response(200, &last));
    let accounts = accounts(&platform).await.unwrap();
    let ids: Vec<_> = accounts.iter().map(|account| account.id.as_str()).collect();
    assert_eq!(ids, ["17841400000000001", "17841400000000003"]);
    assert_eq!(accounts[0].username.as_deref(), Some("sim2001"));
    assert_eq!(
        serde_json::Value::Object(accounts[0].metadata.clone()),
        serde_json::json!({
            "username": "sim2001", "display_name": "Sim 2001", "avatar_url": "https://cdn.sim/2001.jpg",
            "ig_business_id": "17841400000000001", "followers_count": 12, "media_count": 3,
            "page_id": "2001", "page_name": "Page 2001",
            "facebook_user_id": "10150000000000001", "data_access_expires_at": 1_775_001_600,
        })
    );
}

#[tokio::test]
async fn paging_stops_after_20_responses() {
    let platform = graph().await;
    for cursor in 0..30 {
        let body = format!(
            r#"{{"data":[],"paging":{{"cursors":{{"after":"c{}"}},"next":"https://x.sim"}}}}"#,
            cursor + 1
        );
        platform.respond_at(
            &if cursor == 0 {
                PAGES.to_owned()
            } else {
                format!("after=c{cursor}&")
            },
            response(200, &body),
        );
    }
    assert_eq!(accounts(&platform).await.unwrap(), []);
    assert_eq!(
        platform
            .requested_routes()
            .iter()
            .filter(|route| *route == PAGES)
            .count(),
        20
    );
}

#[tokio::test]
async fn paging_stops_at_a_repeated_cursor() {
    let platform = graph().await;
    let body = r#"{"data":[],"paging":{"cursors":{"after":"same"},"next":"https://x.sim"}}"#;
    platform.respond_at(PAGES, response(200, body));
    accounts(&platform).await.unwrap();
    assert_eq!(
        platform
            .requested_routes()
            .iter()
            .filter(|route| *route == PAGES)
            .count(),
        2
    );
}

#[tokio::test]
async fn failed_debug_token_call_only_omits_its_facts() {
    let platform = graph().await;
    platform.respond_at("GET /debug_token", response(500, "<html>"));
    platform.respond_at(
        PAGES,
        response(
            200,
            format!(r#"{{"data":[{}]}}"#, page(2001, "17841400000000001")),
        ),
    );
    let accounts = accounts(&platform).await.unwrap();
    assert!(!accounts[0].metadata.contains_key("data_access_expires_at"));
    assert_eq!(
        accounts[0].metadata["facebook_user_id"],
        "10150000000000001"
    );
}

#[tokio::test]
async fn profile_without_user_or_page_list_is_unknown_and_not_empty() {
    for route in ["GET /v25.0/me?", PAGES] {
        let platform = graph().await;
        platform
            .respond_at(PAGES, response(200, r#"{"data":[]}"#))
            .respond_at(route, response(200, "{}"));
        let error = accounts(&platform).await.unwrap_err();
        assert_eq!(
            (error.class(), error.http_status()),
            (ErrorClass::Unknown, Some(200)),
            "{route}"
        );
    }
}
