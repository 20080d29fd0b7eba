//! The endpoints that list and query videos.

use std::collections::HashSet;

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::{connect, envelope_code, post, refresh};
use crate::harness::{Harness, START_SECONDS, path_of};

const LIST: &str = "/tiktok/api/v2/video/list/";
const QUERY: &str = "/tiktok/api/v2/video/query/";

/// Returns a page of ids and creation times.
async fn list(harness: &Harness, token: &str, body: &Value) -> Value {
    post(
        harness,
        &format!("{LIST}?fields=id,create_time"),
        token,
        body,
    )
    .await
    .json()["data"]
        .clone()
}

/// Returns all pages of the caller's videos, newest first.
async fn read_all_pages(harness: &Harness, token: &str) -> Vec<Value> {
    let (mut pages, mut cursor) = (Vec::new(), Value::Null);
    loop {
        let page = list(
            harness,
            token,
            &json!({ "max_count": 20, "cursor": cursor }),
        )
        .await;
        assert_ne!(page["cursor"], cursor, "each cursor is new");
        cursor = page["cursor"].clone();
        let has_more = page["has_more"] == true;
        pages.push(page);
        if !has_more {
            return pages;
        }
    }
}

fn ids(page: &Value) -> Vec<String> {
    page["videos"]
        .as_array()
        .unwrap()
        .iter()
        .map(|video| video["id"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn pages_can_be_short_or_empty_before_the_last_one() {
    let harness = Harness::new();
    let (access, _) = connect(&harness, "juniper").await;
    let pages = read_all_pages(&harness, &access).await;
    let more = &pages[..pages.len() - 1];
    assert!(
        more.iter().any(|page| ids(page).is_empty()),
        "expected an empty page before the last one"
    );
    assert!(
        more.iter().any(|page| (1..20).contains(&ids(page).len())),
        "expected a short page before the last one"
    );
    let all: Vec<_> = pages.iter().flat_map(ids).collect();
    assert_eq!(
        all.iter().collect::<HashSet<_>>().len(),
        all.len(),
        "no video is listed twice"
    );
    assert!(all.iter().all(|id| id.len() == 19));
    let times: Vec<_> = pages
        .iter()
        .flat_map(|page| page["videos"].as_array().unwrap())
        .collect();
    assert!(
        times.is_sorted_by(
            |newer, older| newer["create_time"].as_i64() > older["create_time"].as_i64()
        )
    );
    let info = "/tiktok/api/v2/user/info/?fields=video_count";
    assert_eq!(
        super::get(&harness, info, &access).await.json()["data"]["user"]["video_count"],
        all.len()
    );
}

#[tokio::test]
async fn cursor_is_in_milliseconds_and_create_time_in_seconds() {
    let harness = Harness::new();
    let (access, _) = connect(&harness, "wren").await;
    let first = list(&harness, &access, &json!({ "max_count": 5 })).await;
    let last_seconds = first["videos"][4]["create_time"].as_i64().unwrap();
    assert!(last_seconds <= START_SECONDS && last_seconds > START_SECONDS - 86_400 * 30);
    assert_eq!(first["cursor"], last_seconds * 1000);
    // Any time is a valid cursor; older videos follow.
    let half_a_year_ago = (START_SECONDS - 180 * 86_400) * 1000;
    let older = list(&harness, &access, &json!({ "cursor": half_a_year_ago })).await;
    assert!(ids(&older).len() > 5);
    assert!(older["videos"][0]["create_time"].as_i64().unwrap() * 1000 < half_a_year_ago);
}

const ALL_FIELDS: &str = "id,title,video_description,create_time,cover_image_url,share_url,embed_link,embed_html,duration,height,\
     width,like_count,comment_count,share_count,view_count,is_aigc";

#[tokio::test]
async fn list_reads_paging_from_body_and_fields_from_query() {
    let harness = Harness::new();
    let (access, _) = connect(&harness, "wren").await;
    let three = list(&harness, &access, &json!({ "max_count": 3 })).await;
    assert_eq!(three["videos"].as_array().unwrap().len(), 3);
    // `max_count` in the query is ignored: the default page has 10 videos or a few less.
    let path = format!("{LIST}?fields={ALL_FIELDS}&max_count=3");
    let response = post(&harness, &path, &access, &json!({})).await.json();
    let videos = response["data"]["videos"].as_array().unwrap();
    assert!((4..=10).contains(&videos.len()), "{}", videos.len());
    for video in videos {
        let video = video.as_object().unwrap();
        assert_eq!(video.len(), 16);
        assert!(video.values().all(|value| !value.is_null()));
    }
}

#[tokio::test]
async fn invalid_list_parameters_are_rejected() {
    let harness = Harness::new();
    let (access, _) = connect(&harness, "wren").await;
    for (query, body) in [
        ("", json!({ "fields": "id" })),
        ("?fields=id,secret", json!({})),
        ("?fields=id", json!({ "max_count": 21 })),
        ("?fields=id", json!({ "max_count": 0 })),
        ("?fields=id", json!({ "cursor": "soon" })),
    ] {
        let response = post(&harness, &format!("{LIST}{query}"), &access, &body).await;
        assert_eq!(
            envelope_code(&response),
            (400, "invalid_params".into()),
            "{query} {body}"
        );
    }
}

#[tokio::test]
async fn query_returns_only_the_callers_videos() {
    let harness = Harness::new();
    let (juniper, wren) = (
        connect(&harness, "juniper").await.0,
        connect(&harness, "wren").await.0,
    );
    let own = ids(&list(&harness, &juniper, &json!({ "max_count": 3 })).await);
    let other = ids(&list(&harness, &wren, &json!({ "max_count": 1 })).await);
    let requested = [&own[..], &other, &["7000000000000000000".to_owned()]].concat();
    let path = format!("{QUERY}?fields=id");
    let body = json!({ "filters": { "video_ids": requested } });
    let found = post(&harness, &path, &juniper, &body).await;
    assert_eq!(envelope_code(&found), (200, "ok".into()));
    assert_eq!(ids(&found.json()["data"]), own);
    for body in [
        json!({}),
        json!({ "filters": { "video_ids": [] } }),
        json!({ "filters": { "video_ids": vec!["1"; 21] } }),
    ] {
        assert_eq!(
            envelope_code(&post(&harness, &path, &juniper, &body).await),
            (400, "invalid_params".into())
        );
    }
}

/// Lifetime of a cover URL: six hours.
const COVER_SECONDS: i64 = 21_600;

/// Returns the id of the newest video, and the path of its cover image.
async fn newest_cover(harness: &Harness, access: &str) -> (Value, String) {
    let path = format!("{LIST}?fields=id,cover_image_url");
    let page = post(harness, &path, access, &json!({})).await.json();
    let video = &page["data"]["videos"][0];
    (video["id"].clone(), cover_path(video))
}

/// Returns the path of a video's cover image.
fn cover_path(video: &Value) -> String {
    path_of(video["cover_image_url"].as_str().unwrap())
}

#[tokio::test]
async fn cover_url_expires_after_six_hours_and_query_returns_a_new_one() {
    let harness = Harness::new();
    let (access, _) = connect(&harness, "juniper").await;
    let (id, cover) = newest_cover(&harness, &access).await;
    harness.sandbox.advance_seconds(COVER_SECONDS - 1);
    assert_eq!(
        harness.get(&cover, &[]).await.header("content-type"),
        Some("image/png")
    );
    harness.sandbox.advance_seconds(1);
    assert_eq!(harness.get(&cover, &[]).await.status, StatusCode::FORBIDDEN);
    let path = format!("{QUERY}?fields=id,cover_image_url");
    let body = json!({ "filters": { "video_ids": [id] } });
    let found = post(&harness, &path, &access, &body).await.json();
    let replacement = cover_path(&found["data"]["videos"][0]);
    assert_eq!(harness.get(&replacement, &[]).await.status, StatusCode::OK);
}

#[tokio::test]
async fn expiry_of_cover_url_is_signed() {
    let harness = Harness::new();
    let (access, _) = connect(&harness, "juniper").await;
    let (_, cover) = newest_cover(&harness, &access).await;
    let expiry = (START_SECONDS + COVER_SECONDS).to_string();
    assert!(cover.contains(&format!("?x-expires={expiry}&")), "{cover}");
    harness.sandbox.advance_seconds(COVER_SECONDS);
    let extended = cover.replace(&expiry, &(START_SECONDS + 99_999).to_string());
    assert_eq!(
        harness.get(&extended, &[]).await.status,
        StatusCode::FORBIDDEN
    );
}

#[tokio::test]
async fn videos_are_added_and_deleted_over_time() {
    let harness = Harness::new();
    let (access, token) = connect(&harness, "wren").await;
    let before: HashSet<_> = read_all_pages(&harness, &access)
        .await
        .iter()
        .flat_map(ids)
        .collect();
    harness.sandbox.advance_seconds(19 * 86_400);
    let access = refresh(&harness, &token).await.text("access_token");
    let after: HashSet<_> = read_all_pages(&harness, &access)
        .await
        .iter()
        .flat_map(ids)
        .collect();
    assert!(after.difference(&before).count() > 5, "expected new videos");
    assert!(
        before.difference(&after).count() > 0,
        "expected deleted videos"
    );
}

#[tokio::test]
async fn new_account_has_no_videos() {
    let harness = Harness::new();
    let (access, _) = connect(&harness, "kiln").await;
    let page = list(&harness, &access, &json!({})).await;
    assert_eq!(
        (&page["videos"], &page["has_more"]),
        (&json!([]), &json!(false))
    );
}
