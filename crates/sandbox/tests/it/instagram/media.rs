//! Profile, media and stories of an account.

use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::harness::{BASE, Harness, path_of};
use crate::meta::{JUNIPER, error_codes};

const FIELDS: &str = "id,caption,media_type,media_product_type,media_url,thumbnail_url,permalink,shortcode,timestamp,\
                      username,like_count,comments_count,children{id,media_type,media_url,permalink}";

/// Returns a page of an account's media.
async fn media(harness: &Harness, token: &str, account: &str, extra: &[(&str, &str)]) -> Value {
    let fields = [&[("access_token", token), ("fields", FIELDS)], extra].concat();
    let response = harness
        .graph(&format!("/v25.0/{account}/media"), &fields)
        .await;
    assert_eq!(response.status, StatusCode::OK, "{}", response.body);
    response.json()
}

#[tokio::test]
async fn only_the_id_is_returned_without_fields() {
    let harness = Harness::new();
    let token = harness.fb_connect("juniper").await;
    let account = harness
        .graph_with_token(&format!("/v25.0/{JUNIPER}"), &token)
        .await;
    assert_eq!(account.json(), json!({ "id": JUNIPER }));
    let media = harness
        .graph_with_token(&format!("/v25.0/{JUNIPER}/media"), &token)
        .await
        .json();
    assert_eq!(
        media["data"][0]
            .as_object()
            .unwrap()
            .keys()
            .collect::<Vec<_>>(),
        ["id"]
    );
}

#[tokio::test]
async fn profile_omits_fields_without_value() {
    let harness = Harness::new();
    let fields = "id,username,name,biography,website,profile_picture_url,followers_count,follows_count,media_count";
    let read = async |person: &str, id: &str| {
        let token = harness.fb_connect(person).await;
        harness
            .graph(
                &format!("/v25.0/{id}"),
                &[("access_token", &token), ("fields", fields)],
            )
            .await
            .json()
    };
    let juniper = read("juniper", JUNIPER).await;
    assert_eq!(
        (&juniper["username"], &juniper["followers_count"]),
        (&json!("junipervale.clay"), &json!(4812))
    );
    let saffron = read("saffron", "17841400000000005").await;
    assert!(saffron.get("website").is_none() && saffron.get("biography").is_none());
}

/// Returns Juniper's 100 newest media.
async fn newest_media(harness: &Harness) -> Vec<Value> {
    let token = harness.fb_connect("juniper").await;
    let page = media(harness, &token, JUNIPER, &[("limit", "100")]).await;
    page["data"].as_array().unwrap().clone()
}

#[tokio::test]
async fn media_are_newest_first() {
    let list = newest_media(&Harness::new()).await;
    let times: Vec<_> = list
        .iter()
        .map(|item| item["timestamp"].as_str().unwrap())
        .collect();
    assert!(
        times
            .iter()
            .all(|time| time.ends_with("+0000") && time.len() == 24),
        "{times:?}"
    );
    assert!(times.is_sorted_by(|newer, older| newer > older));
}

#[tokio::test]
async fn media_omit_keys_without_value() {
    let list = newest_media(&Harness::new()).await;
    for key in ["caption", "media_url", "thumbnail_url", "children"] {
        assert!(
            list.iter().any(|item| item.get(key).is_some()),
            "no item has {key}"
        );
        assert!(
            list.iter().any(|item| item.get(key).is_none()),
            "every item has {key}"
        );
    }
    assert!(list.iter().all(|item| {
        item.as_object()
            .unwrap()
            .values()
            .all(|value| !value.is_null())
    }));
}

#[tokio::test]
async fn reels_are_videos_and_albums_have_children() {
    let list = newest_media(&Harness::new()).await;
    let mut reels = list
        .iter()
        .filter(|item| item["media_product_type"] == "REELS");
    assert!(reels.all(|reel| reel["media_type"] == "VIDEO" && reel.get("thumbnail_url").is_some()));
    let album = list
        .iter()
        .find(|item| item["media_type"] == "CAROUSEL_ALBUM")
        .unwrap();
    assert_eq!(album["children"]["data"].as_array().unwrap().len(), 3);
    assert!(album["children"]["data"][0].get("permalink").is_none());
}

#[tokio::test]
async fn hidden_like_counts_are_omitted() {
    let harness = Harness::new();
    let token = harness.fb_connect("wren").await;
    let list = media(&harness, &token, "17841400000000003", &[]).await;
    assert!(
        list["data"]
            .as_array()
            .unwrap()
            .iter()
            .all(|item| item.get("like_count").is_none())
    );
    let visible = media(&harness, &token, "17841400000000004", &[]).await;
    assert!(
        visible["data"]
            .as_array()
            .unwrap()
            .iter()
            .all(|item| item["like_count"].is_number())
    );
}

/// An account of Wren's with more than 200 media.
const LARGE_ACCOUNT: &str = "17841400000000004";

/// Follows `next` from the first page of [`LARGE_ACCOUNT`]. Returns the ids of all media and the
/// last page.
async fn read_all_pages(harness: &Harness, token: &str) -> (Vec<String>, Value) {
    let mut page = media(harness, token, LARGE_ACCOUNT, &[("limit", "50")]).await;
    let mut ids = Vec::new();
    loop {
        let list = page["data"].as_array().unwrap().iter();
        ids.extend(list.map(|item| item["id"].as_str().unwrap().to_owned()));
        let Some(next) = page["paging"].get("next") else {
            return (ids, page);
        };
        let next = next.as_str().unwrap();
        assert!(
            next.starts_with(BASE) && next.contains(token) && !next.contains("appsecret_proof"),
            "{next}"
        );
        assert!(next.contains(page["paging"]["cursors"]["after"].as_str().unwrap()));
        page = harness.get(&path_of(next), &[]).await.json();
    }
}

#[tokio::test]
async fn next_url_reaches_every_page_and_contains_the_token() {
    let harness = Harness::new();
    let token = harness.fb_connect("wren").await;
    let (mut ids, _) = read_all_pages(&harness, &token).await;
    let count = ids.len();
    ids.dedup();
    assert!(count > 200 && ids.len() == count, "{count}");
}

#[tokio::test]
async fn before_cursor_returns_the_previous_page() {
    let harness = Harness::new();
    let token = harness.fb_connect("wren").await;
    let (_, last) = read_all_pages(&harness, &token).await;
    let before = last["paging"]["cursors"]["before"].as_str().unwrap();
    let fields = [("limit", "50"), ("before", before)];
    let previous = media(&harness, &token, LARGE_ACCOUNT, &fields).await;
    assert_eq!(previous["data"].as_array().unwrap().len(), 50);
}

#[tokio::test]
async fn unknown_cursor_is_rejected() {
    let harness = Harness::new();
    let token = harness.fb_connect("wren").await;
    let fields = [("access_token", token.as_str()), ("after", "nonsense")];
    let path = format!("/v25.0/{LARGE_ACCOUNT}/media");
    assert_eq!(error_codes(&harness.graph(&path, &fields).await), (100, 0));
}

#[tokio::test]
async fn since_and_until_limit_the_media() {
    let harness = Harness::new();
    let token = harness.fb_connect("juniper").await;
    let all = media(&harness, &token, JUNIPER, &[]).await;
    let limited = media(
        &harness,
        &token,
        JUNIPER,
        &[("since", "1767000000"), ("until", "1767225600")],
    )
    .await;
    let count = |list: &Value| list["data"].as_array().unwrap().len();
    assert!(0 < count(&limited) && count(&limited) < count(&all));
    assert!(limited["paging"].get("next").is_none());
}

#[tokio::test]
async fn album_and_its_child_can_be_read_by_id() {
    let harness = Harness::new();
    let token = harness.fb_connect("juniper").await;
    let list = media(&harness, &token, JUNIPER, &[]).await;
    let album = list["data"]
        .as_array()
        .unwrap()
        .iter()
        .find(|item| item.get("children").is_some())
        .unwrap()
        .clone();
    let id = album["id"].as_str().unwrap();
    let fields = [
        ("access_token", token.as_str()),
        ("fields", "media_type,total_views_count"),
    ];
    let item = harness.graph(&format!("/v25.0/{id}"), &fields).await.json();
    assert!(item["total_views_count"].is_number() && item["media_type"] == "CAROUSEL_ALBUM");
    let child = album["children"]["data"][0]["id"].as_str().unwrap();
    let read = harness
        .graph(
            &format!("/v25.0/{child}"),
            &[("access_token", &token), ("fields", "media_type")],
        )
        .await;
    assert_eq!(read.json(), json!({ "id": child, "media_type": "IMAGE" }));
    let children = harness
        .graph_with_token(&format!("/v25.0/{id}/children"), &token)
        .await
        .json();
    assert_eq!(children["data"][0]["id"], child);
}

#[tokio::test]
async fn stories_expire_after_one_day() {
    let harness = Harness::new();
    let token = harness.fb_connect("juniper").await;
    let fields = [
        ("access_token", token.as_str()),
        ("fields", "media_product_type,timestamp"),
    ];
    let path = format!("/v25.0/{JUNIPER}/stories");
    let now = harness.graph(&path, &fields).await.json();
    let first = now["data"].as_array().unwrap().last().unwrap().clone();
    assert_eq!(first["media_product_type"], "STORY");
    harness.sandbox.advance_seconds(86_400);
    let later = harness.graph(&path, &fields).await.json();
    assert!(!later["data"].as_array().unwrap().contains(&first));
    let gone = format!("/v25.0/{}", first["id"].as_str().unwrap());
    assert_eq!(
        error_codes(&harness.graph_with_token(&gone, &token).await),
        (100, 33)
    );
}
