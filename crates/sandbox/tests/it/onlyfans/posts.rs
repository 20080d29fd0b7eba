//! The posts endpoint: paging and access.

use axum::http::StatusCode;

use super::{BROWSER, ME, POSTS, api_get, is_guest, kiln_session};
use crate::harness::Harness;

#[tokio::test]
async fn posts_page_by_decimal_publish_time() {
    let harness = Harness::new();
    let session = kiln_session(&harness);
    let (mut seen, mut path) = (Vec::new(), format!("{POSTS}?limit=50"));
    loop {
        let page = api_get(&harness, &path, &session).await.json();
        seen.extend(page["list"].as_array().unwrap().clone());
        if page["hasMore"] == false {
            break;
        }
        let marker = seen.last().unwrap()["postedAtPrecise"]
            .as_str()
            .unwrap()
            .to_owned();
        assert!(
            marker
                .split_once('.')
                .is_some_and(|(_, fraction)| fraction.len() == 6),
            "{marker}"
        );
        path = format!("{POSTS}?limit=50&afterPublishTime={marker}");
    }
    let me = api_get(&harness, ME, &session).await.json();
    assert_eq!(me["postsCount"], seen.len());
    let ids: std::collections::HashSet<_> = seen
        .iter()
        .map(|post| post["id"].as_i64().unwrap())
        .collect();
    assert!(ids.len() == seen.len() && seen.len() > 100);
    assert!(
        seen.iter().any(|post| post["price"].is_null())
            && seen.iter().any(|post| post["price"].is_i64())
    );
    let second = api_get(&harness, &format!("{POSTS}?limit=50&offset=50"), &session)
        .await
        .json();
    assert_eq!(second["list"][0], seen[50]);
}

#[tokio::test]
async fn posts_are_readable_only_by_their_owner() {
    let harness = Harness::new();
    let wren = harness.sandbox.session("onlyfans", "wren").unwrap();
    assert_eq!(
        api_get(&harness, POSTS, &wren).await.status,
        StatusCode::NOT_FOUND
    );
    assert!(is_guest(
        &harness.get(POSTS, &[("user-agent", BROWSER)]).await
    ));
    assert_eq!(
        api_get(&harness, "/onlyfans/api2/v2/chats", &wren)
            .await
            .status,
        StatusCode::NOT_FOUND
    );
}
