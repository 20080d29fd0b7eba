use std::collections::HashSet;

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::{connect, post, refresh, verdict};
use crate::harness::{BASE, START_S, Stand};

const LIST: &str = "/tiktok/api/v2/video/list/";
const QUERY: &str = "/tiktok/api/v2/video/query/";

async fn list(stand: &Stand, token: &str, body: &Value) -> Value {
    post(stand, &format!("{LIST}?fields=id,create_time"), token, body)
        .await
        .json()["data"]
        .clone()
}

/// Every page of a person's videos, from the newest.
async fn read_through(stand: &Stand, token: &str) -> Vec<Value> {
    let (mut pages, mut cursor) = (Vec::new(), Value::Null);
    loop {
        let page = list(stand, token, &json!({ "max_count": 20, "cursor": cursor })).await;
        assert_ne!(page["cursor"], cursor, "a cursor never repeats itself");
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
async fn pages_come_short_or_empty_while_there_is_more() {
    let stand = Stand::new();
    let (access, _) = connect(&stand, "juniper").await;
    let pages = read_through(&stand, &access).await;
    let more = &pages[..pages.len() - 1];
    assert!(
        more.iter().any(|page| ids(page).is_empty()),
        "one page holds nothing and there is more"
    );
    assert!(
        more.iter().any(|page| (1..20).contains(&ids(page).len())),
        "one comes short and there is more"
    );
    let all: Vec<_> = pages.iter().flat_map(ids).collect();
    assert_eq!(
        all.iter().collect::<HashSet<_>>().len(),
        all.len(),
        "no video twice"
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
        super::get(&stand, info, &access).await.json()["data"]["user"]["video_count"],
        all.len()
    );
}

#[tokio::test]
async fn a_cursor_is_milliseconds_where_create_time_is_seconds() {
    let stand = Stand::new();
    let (access, _) = connect(&stand, "wren").await;
    let first = list(&stand, &access, &json!({ "max_count": 5 })).await;
    let last_s = first["videos"][4]["create_time"].as_i64().unwrap();
    assert!(last_s <= START_S && last_s > START_S - 86_400 * 30);
    assert_eq!(first["cursor"], last_s * 1000);
    // Any moment is a cursor: what is older than it comes.
    let half_a_year_ago = (START_S - 180 * 86_400) * 1000;
    let older = list(&stand, &access, &json!({ "cursor": half_a_year_ago })).await;
    assert!(ids(&older).len() > 5);
    assert!(older["videos"][0]["create_time"].as_i64().unwrap() * 1000 < half_a_year_ago);
}

#[tokio::test]
async fn paging_is_in_the_body_and_fields_are_in_the_query() {
    let stand = Stand::new();
    let (access, _) = connect(&stand, "wren").await;
    assert_eq!(
        list(&stand, &access, &json!({ "max_count": 3 })).await["videos"]
            .as_array()
            .unwrap()
            .len(),
        3
    );
    let all = "id,title,video_description,create_time,cover_image_url,share_url,embed_link,embed_html,duration,height,\
               width,like_count,comment_count,share_count,view_count,is_aigc";
    // A count in the query means nothing: ten, or a few less, come.
    let usual = post(
        &stand,
        &format!("{LIST}?fields={all}&max_count=3"),
        &access,
        &json!({}),
    )
    .await;
    let videos = usual.json()["data"]["videos"].as_array().unwrap().clone();
    assert!((4..=10).contains(&videos.len()), "{}", videos.len());
    assert!(
        videos
            .iter()
            .all(|video| video.as_object().unwrap().len() == 16)
    );
    assert!(videos.iter().all(|video| {
        video
            .as_object()
            .unwrap()
            .values()
            .all(|value| !value.is_null())
    }));
    for (query, body) in [
        ("", json!({ "fields": "id" })),
        ("?fields=id,secret", json!({})),
        ("?fields=id", json!({ "max_count": 21 })),
        ("?fields=id", json!({ "max_count": 0 })),
        ("?fields=id", json!({ "cursor": "soon" })),
    ] {
        let answer = post(&stand, &format!("{LIST}{query}"), &access, &body).await;
        assert_eq!(
            verdict(&answer),
            (400, "invalid_params".into()),
            "{query} {body}"
        );
    }
}

#[tokio::test]
async fn a_query_finds_the_persons_own_and_leaves_out_the_rest() {
    let stand = Stand::new();
    let (mine, theirs) = (
        connect(&stand, "juniper").await.0,
        connect(&stand, "wren").await.0,
    );
    let own = ids(&list(&stand, &mine, &json!({ "max_count": 3 })).await);
    let foreign = ids(&list(&stand, &theirs, &json!({ "max_count": 1 })).await);
    let asked = [&own[..], &foreign, &["7000000000000000000".to_owned()]].concat();
    let path = format!("{QUERY}?fields=id");
    let found = post(
        &stand,
        &path,
        &mine,
        &json!({ "filters": { "video_ids": asked } }),
    )
    .await;
    assert_eq!(verdict(&found), (200, "ok".into()));
    assert_eq!(ids(&found.json()["data"]), own);
    for body in [
        json!({}),
        json!({ "filters": { "video_ids": [] } }),
        json!({ "filters": { "video_ids": vec!["1"; 21] } }),
    ] {
        assert_eq!(
            verdict(&post(&stand, &path, &mine, &body).await),
            (400, "invalid_params".into())
        );
    }
}

#[tokio::test]
async fn a_cover_link_dies_after_six_hours_and_a_query_brings_a_new_one() {
    let stand = Stand::new();
    let (access, _) = connect(&stand, "juniper").await;
    let listed = post(
        &stand,
        &format!("{LIST}?fields=id,cover_image_url"),
        &access,
        &json!({}),
    )
    .await
    .json();
    let video = listed["data"]["videos"][0].clone();
    let cover = |video: &Value| {
        video["cover_image_url"]
            .as_str()
            .unwrap()
            .strip_prefix(BASE)
            .unwrap()
            .to_owned()
    };
    let link = cover(&video);
    assert!(
        link.contains(&format!("?x-expires={}&", START_S + 21_600)),
        "{link}"
    );
    stand.sandbox.advance_seconds(21_599);
    assert_eq!(
        stand.get(&link, &[]).await.header("content-type"),
        Some("image/png")
    );
    stand.sandbox.advance_seconds(1);
    assert_eq!(stand.get(&link, &[]).await.status, StatusCode::FORBIDDEN);
    let longer = link.replace(
        &(START_S + 21_600).to_string(),
        &(START_S + 99_999).to_string(),
    );
    assert_eq!(
        stand.get(&longer, &[]).await.status,
        StatusCode::FORBIDDEN,
        "its end is signed"
    );
    let body = json!({ "filters": { "video_ids": [video["id"]] } });
    let again = post(
        &stand,
        &format!("{QUERY}?fields=id,cover_image_url"),
        &access,
        &body,
    )
    .await
    .json();
    assert_eq!(
        stand
            .get(&cover(&again["data"]["videos"][0]), &[])
            .await
            .status,
        StatusCode::OK
    );
}

#[tokio::test]
async fn videos_come_and_some_go() {
    let stand = Stand::new();
    let (access, token) = connect(&stand, "wren").await;
    let before: HashSet<_> = read_through(&stand, &access)
        .await
        .iter()
        .flat_map(ids)
        .collect();
    stand.sandbox.advance_seconds(19 * 86_400);
    let access = refresh(&stand, &token).await.text("access_token");
    let after: HashSet<_> = read_through(&stand, &access)
        .await
        .iter()
        .flat_map(ids)
        .collect();
    assert!(after.difference(&before).count() > 5, "new ones");
    assert!(before.difference(&after).count() > 0, "deleted ones");
}

#[tokio::test]
async fn a_new_account_has_no_videos() {
    let stand = Stand::new();
    let (access, _) = connect(&stand, "kiln").await;
    let page = list(&stand, &access, &json!({})).await;
    assert_eq!(
        (&page["videos"], &page["has_more"]),
        (&json!([]), &json!(false))
    );
}
