use std::collections::HashSet;

use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::harness::{AGENT, ME, Stand, auth_url, query};

#[tokio::test]
async fn me_is_flat_and_rich_and_measures_time_in_decimals() {
    let stand = Stand::new();
    let (access, _) = stand.connect("juniper").await;
    let answer = stand.data(&format!("{ME}?raw_json=1"), &access).await;
    let me = answer.json();
    assert!(
        me.as_object().unwrap().len() >= 60,
        "{}",
        me.as_object().unwrap().len()
    );
    assert_eq!(me.get("kind"), None);
    assert_eq!(
        (&me["id"], &me["name"]),
        (&json!("sim9z"), &json!("juniper_vale"))
    );
    assert!(me["created_utc"].is_f64() && answer.body.contains("\"created_utc\":1583020800.0"));
    let sum = me["link_karma"].as_i64().unwrap() + me["comment_karma"].as_i64().unwrap();
    assert_eq!(me["total_karma"], sum);
    assert_eq!(me["oauth_client_id"], "simRedditId");
    assert_eq!(me["subreddit"]["display_name_prefixed"], "u/juniper_vale");
    assert_eq!(me["subreddit"]["subscribers"], 1284);
    assert_eq!(me["is_suspended"], false);
}

#[tokio::test]
async fn a_new_account_has_no_profile_page_and_a_suspended_one_says_so() {
    let stand = Stand::new();
    let (new, _) = stand.connect("kiln").await;
    assert_eq!(stand.data(ME, &new).await.json()["subreddit"], Value::Null);
    let (suspended, _) = stand.connect("saffron").await;
    assert_eq!(
        stand.data(ME, &suspended).await.json()["is_suspended"],
        true
    );
}

#[tokio::test]
async fn without_raw_json_texts_arrive_escaped() {
    let stand = Stand::new();
    let (access, _) = stand.connect("juniper").await;
    let raw = stand
        .data(&format!("{ME}?raw_json=1"), &access)
        .await
        .text("icon_img");
    let escaped = stand.data(ME, &access).await.text("icon_img");
    assert!(raw.contains("?width=256&s="), "{raw}");
    assert_eq!(escaped, raw.replace('&', "&amp;"));
    let list = stand
        .data(
            "/reddit/oauth/user/juniper_vale/submitted?limit=100",
            &access,
        )
        .await
        .body;
    assert!(list.contains("Q &amp; A: what &lt;10 years"));
}

#[tokio::test]
async fn karma_grows_with_the_clock_and_adds_up_by_community() {
    let stand = Stand::new();
    let (access, _) = stand.connect("juniper").await;
    let karma = || async {
        stand.data(ME, &access).await.json()["total_karma"]
            .as_i64()
            .unwrap()
    };
    let before = karma().await;
    stand.sandbox.advance_seconds(40_000);
    assert_eq!(karma().await, before, "the same day");
    let list = stand
        .data("/reddit/oauth/api/v1/me/karma", &access)
        .await
        .json();
    let parts = list["data"].as_array().unwrap().iter();
    let sum: i64 = parts
        .map(|part| part["link_karma"].as_i64().unwrap() + part["comment_karma"].as_i64().unwrap())
        .sum();
    assert_eq!((&list["kind"], sum), (&json!("KarmaList"), before));

    let (later, _) = {
        stand.sandbox.advance_seconds(30 * 86_400);
        stand.connect("juniper").await
    };
    let grown = stand.data(ME, &later).await.json()["total_karma"]
        .as_i64()
        .unwrap();
    assert!(grown > before + 100, "{before} -> {grown}");
}

#[tokio::test]
async fn bad_bearers_get_401_with_a_challenge() {
    let stand = Stand::new();
    let (_, refresh) = stand.connect("juniper").await;
    for authorization in [
        "bearer unknown",
        "Bearer ",
        "Basic x",
        &format!("bearer {refresh}"),
    ] {
        let answer = stand
            .get(
                ME,
                &[("user-agent", AGENT), ("authorization", authorization)],
            )
            .await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{authorization}");
        assert_eq!(
            answer.header("www-authenticate"),
            Some("Bearer realm=\"reddit\", error=\"invalid_token\"")
        );
        assert_eq!(
            answer.json(),
            json!({ "message": "Unauthorized", "error": 401 })
        );
    }
}

#[tokio::test]
async fn a_missing_scope_gets_403_with_a_challenge() {
    let stand = Stand::new();
    let location = stand
        .sandbox
        .approve(&auth_url(&[]), "juniper", Some(&["history"]))
        .unwrap();
    let access = stand
        .exchange(&query(&location, "code").unwrap())
        .await
        .text("access_token");
    for path in [ME, "/reddit/oauth/api/v1/me/karma"] {
        let answer = stand.data(path, &access).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN);
        assert_eq!(
            answer.header("www-authenticate"),
            Some("Bearer realm=\"reddit\", error=\"insufficient_scope\"")
        );
        assert_eq!(
            answer.json(),
            json!({ "message": "Forbidden", "error": 403 })
        );
    }
    assert_eq!(
        stand
            .data("/reddit/oauth/user/juniper_vale/submitted", &access)
            .await
            .status,
        StatusCode::OK
    );
}

#[tokio::test]
async fn a_bearer_token_is_refused_on_the_www_host() {
    let stand = Stand::new();
    let (access, _) = stand.connect("juniper").await;
    let answer = stand.data("/reddit/www/api/v1/me", &access).await;
    assert_eq!(
        (answer.status, answer.json()),
        (
            StatusCode::FORBIDDEN,
            json!({ "message": "Forbidden", "error": 403 })
        )
    );
}

#[tokio::test]
async fn what_is_not_there_is_404_in_json() {
    let stand = Stand::new();
    let (access, _) = stand.connect("juniper").await;
    for path in [
        "/reddit/oauth/r/simpottery/about/traffic",
        "/reddit/oauth/user/nobody/submitted",
    ] {
        let answer = stand.data(path, &access).await;
        assert_eq!(
            (answer.status, answer.json()),
            (
                StatusCode::NOT_FOUND,
                json!({ "message": "Not Found", "error": 404 })
            )
        );
    }
    assert_eq!(
        stand
            .data("/reddit/oauth/user/saffron_lane/submitted", &access)
            .await
            .status,
        StatusCode::FORBIDDEN
    );
}

/// Every page of a listing, as the children's data, and how many pages there were.
async fn read_through(stand: &Stand, path: &str, token: &str) -> (Vec<Value>, usize) {
    let (mut all, mut pages, mut next) = (Vec::new(), 0, Some(String::new()));
    while let Some(after) = next {
        let page = stand
            .data(&format!("{path}&after={after}"), token)
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
async fn a_listing_is_turned_over_by_fullname_and_ends_at_a_thousand() {
    let stand = Stand::new();
    let (access, _) = stand.connect("juniper").await;
    let path = "/reddit/oauth/user/juniper_vale/submitted?raw_json=1&limit=100";
    let (all, pages) = read_through(&stand, path, &access).await;
    assert_eq!((all.len(), pages), (1000, 10));
    let names: HashSet<_> = all
        .iter()
        .map(|post| post["name"].as_str().unwrap())
        .collect();
    assert_eq!(names.len(), 1000, "no post twice");
    let times: Vec<_> = all
        .iter()
        .map(|post| post["created_utc"].as_f64().unwrap())
        .collect();
    assert!(times.is_sorted_by(|newer, older| newer > older));
}

#[tokio::test]
async fn a_page_holds_25_unless_asked_and_never_more_than_100() {
    let stand = Stand::new();
    let (access, _) = stand.connect("juniper").await;
    for (limit, dist) in [
        ("", 25),
        ("limit=7", 7),
        ("limit=500", 100),
        ("limit=x", 25),
    ] {
        let path = format!("/reddit/oauth/user/juniper_vale/submitted?{limit}");
        assert_eq!(
            stand.data(&path, &access).await.json()["data"]["dist"],
            dist,
            "{limit}"
        );
    }
    let beyond = stand
        .data(
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
async fn posts_have_the_platforms_quirks() {
    let stand = Stand::new();
    let (access, _) = stand.connect("juniper").await;
    let path = "/reddit/oauth/user/juniper_vale/submitted?raw_json=1&limit=100";
    let (all, _) = read_through(&stand, path, &access).await;
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
async fn history_grows_with_the_clock_and_keeps_its_ids() {
    let stand = Stand::new();
    let (access, _) = stand.connect("kiln").await;
    let path = "/reddit/oauth/user/kiln_osei/submitted?limit=100";
    let (before, _) = read_through(&stand, path, &access).await;
    stand.sandbox.advance_seconds(80_000);
    let (after, _) = read_through(&stand, path, &access).await;
    let names = |posts: &[Value]| {
        posts
            .iter()
            .map(|post| post["name"].clone())
            .collect::<Vec<_>>()
    };
    assert!(!before.is_empty() && names(&after).ends_with(&names(&before)));
    stand.sandbox.advance_seconds(200_000);
    let (access, _) = stand.connect("kiln").await;
    assert!(read_through(&stand, path, &access).await.0.len() > before.len());
}

#[tokio::test]
async fn top_is_sorted_by_score_and_cut_to_its_span() {
    let stand = Stand::new();
    let (access, _) = stand.connect("wren").await;
    let (top, _) = read_through(
        &stand,
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
    assert!(oldest >= 1_767_225_610.0 - 7.0 * 86_400.0);
}

#[tokio::test]
async fn comments_are_a_listing_of_their_own_kind() {
    let stand = Stand::new();
    let (access, _) = stand.connect("juniper").await;
    let page = stand
        .data("/reddit/oauth/user/Juniper_Vale/comments", &access)
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
