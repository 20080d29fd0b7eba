//! Listings of posts and comments.

use std::collections::HashSet;

use serde_json::{Value, json};

use crate::harness::Harness;

/// Reads a listing to its end. Returns the data of all children and the number of pages.
async fn read_all_pages(harness: &Harness, path: &str, token: &str) -> (Vec<Value>, usize) {
    let (mut all, mut pages, mut next) = (Vec::new(), 0, Some(String::new()));
    while let Some(after) = next {
        let page = harness
            .api_get(&format!("{path}&after={after}"), token)
            .await
            .json();
        let children = page["data"]["children"].as_array().unwrap();
        assert_eq!(page["data"]["dist"], children.len());
        all.extend(children.iter().map(|child| child["data"].clone()));
        pages += 1;
        next = page["data"]["after"].as_str().map(str::to_owned);
        assert!(
            next.as_ref()
                .is_none_or(|next| next == all.last().unwrap()["name"].as_str().unwrap())
        );
    }
    (all, pages)
}

#[tokio::test]
async fn listing_pages_by_fullname_and_ends_after_1000_posts() {
    let harness = Harness::new();
    let (access, _) = harness.connect("juniper").await;
    let path = "/reddit/oauth/user/juniper_vale/submitted?raw_json=1&limit=100";
    let (all, pages) = read_all_pages(&harness, path, &access).await;
    assert_eq!((all.len(), pages), (1000, 10));
    let names: HashSet<_> = all
        .iter()
        .map(|post| post["name"].as_str().unwrap())
        .collect();
    assert_eq!(names.len(), 1000, "no post is listed twice");
    let times: Vec<_> = all
        .iter()
        .map(|post| post["created_utc"].as_f64().unwrap())
        .collect();
    assert!(times.is_sorted_by(|newer, older| newer > older));
}

#[tokio::test]
async fn page_size_defaults_to_25_and_is_at_most_100() {
    let harness = Harness::new();
    let (access, _) = harness.connect("juniper").await;
    for (limit, dist) in [
        ("", 25),
        ("limit=7", 7),
        ("limit=500", 100),
        ("limit=x", 25),
    ] {
        let path = format!("/reddit/oauth/user/juniper_vale/submitted?{limit}");
        assert_eq!(
            harness.api_get(&path, &access).await.json()["data"]["dist"],
            dist,
            "{limit}"
        );
    }
    let beyond = harness
        .api_get(
            "/reddit/oauth/user/juniper_vale/submitted?after=t3_gone",
            &access,
        )
        .await
        .json();
    assert_eq!(
        (&beyond["data"]["dist"], &beyond["data"]["after"]),
        (&json!(0), &Value::Null)
    );
}

#[tokio::test]
async fn posts_reproduce_reddits_field_quirks() {
    let harness = Harness::new();
    let (access, _) = harness.connect("juniper").await;
    let path = "/reddit/oauth/user/juniper_vale/submitted?raw_json=1&limit=100";
    let (all, _) = read_all_pages(&harness, path, &access).await;
    assert!(
        all.iter()
            .all(|post| post["permalink"].as_str().unwrap().starts_with("/r/"))
    );
    assert!(all.iter().all(|post| post["view_count"].is_null()
        && post["downs"] == 0
        && post["created_utc"].is_f64()));
    assert!(
        all.iter().any(|post| post["edited"].is_f64())
            && all.iter().any(|post| post["edited"] == false)
    );
    assert!(
        all.iter().any(|post| post.get("preview").is_none())
            && all.iter().any(|post| post.get("preview").is_some())
    );
    let thumbnails: HashSet<_> = all
        .iter()
        .map(|post| {
            post["thumbnail"]
                .as_str()
                .unwrap()
                .split(':')
                .next()
                .unwrap()
        })
        .collect();
    assert_eq!(thumbnails, HashSet::from(["self", "default", "http"]));
}

#[tokio::test]
async fn history_grows_with_the_clock_and_keeps_post_ids() {
    let harness = Harness::new();
    let (access, _) = harness.connect("kiln").await;
    let path = "/reddit/oauth/user/kiln_osei/submitted?limit=100";
    let (before, _) = read_all_pages(&harness, path, &access).await;
    harness.sandbox.advance_seconds(80_000);
    let (after, _) = read_all_pages(&harness, path, &access).await;
    let names = |posts: &[Value]| {
        posts
            .iter()
            .map(|post| post["name"].clone())
            .collect::<Vec<_>>()
    };
    assert!(!before.is_empty() && names(&after).ends_with(&names(&before)));
    harness.sandbox.advance_seconds(200_000);
    let (access, _) = harness.connect("kiln").await;
    assert!(read_all_pages(&harness, path, &access).await.0.len() > before.len());
}

#[tokio::test]
async fn top_is_sorted_by_score_and_limited_to_the_time_span() {
    let harness = Harness::new();
    let (access, _) = harness.connect("wren").await;
    let (top, _) = read_all_pages(
        &harness,
        "/reddit/oauth/user/wren_halloran/submitted?sort=top&t=week&limit=100",
        &access,
    )
    .await;
    let scores: Vec<_> = top
        .iter()
        .map(|post| post["score"].as_i64().unwrap())
        .collect();
    assert!(scores.is_sorted_by(|higher, lower| higher >= lower) && scores.len() > 3);
    let oldest = top
        .iter()
        .map(|post| post["created_utc"].as_f64().unwrap())
        .fold(f64::MAX, f64::min);
    // `t=week` ends at START_SECONDS, here as a float like `created_utc`.
    assert!(oldest >= 1_767_225_610.0 - 7.0 * 86_400.0);
}

#[tokio::test]
async fn comments_listing_contains_only_comments() {
    let harness = Harness::new();
    let (access, _) = harness.connect("juniper").await;
    let page = harness
        .api_get("/reddit/oauth/user/Juniper_Vale/comments", &access)
        .await
        .json();
    assert!(
        page["data"]["children"]
            .as_array()
            .unwrap()
            .iter()
            .all(|child| child["kind"] == "t1")
    );
    assert!(page["data"]["after"].as_str().unwrap().starts_with("t1_"));
}
