//! Insights of posts, reels and stories, and media without insights.

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::insights;
use crate::harness::Harness;
use crate::meta::{JUNIPER, error_codes};

/// Returns the id of the first medium of a product type on an edge of the account.
async fn first_medium(
    harness: &Harness,
    token: &str,
    account: &str,
    edge: &str,
    product: &str,
) -> String {
    let fields = [
        ("access_token", token),
        ("fields", "media_product_type,media_type"),
    ];
    let list = harness
        .graph(&format!("/v25.0/{account}/{edge}"), &fields)
        .await
        .json();
    let found = list["data"]
        .as_array()
        .unwrap()
        .iter()
        .find(|item| item["media_product_type"] == product)
        .unwrap();
    found["id"].as_str().unwrap().to_owned()
}

/// Edge and product type of a medium, the metrics that it has, and one that it does not have.
const METRICS_BY_PRODUCT: [(&str, &str, &str, &str); 3] = [
    (
        "media",
        "FEED",
        "views,reach,saved,likes,comments,shares,total_interactions",
        "ig_reels_avg_watch_time",
    ),
    (
        "media",
        "REELS",
        "views,reach,saved,reels_skip_rate,ig_reels_avg_watch_time",
        "profile_visits",
    ),
    (
        "stories",
        "STORY",
        "views,reach,navigation,replies",
        "saved",
    ),
];

#[tokio::test]
async fn media_metrics_depend_on_the_product_type() {
    let harness = Harness::new();
    let token = harness.fb_connect("juniper").await;
    for (edge, product, valid, invalid) in METRICS_BY_PRODUCT {
        let id = first_medium(&harness, &token, JUNIPER, edge, product).await;
        let response = insights(&harness, &token, &id, &[("metric", valid)])
            .await
            .json();
        let list = response["data"].as_array().unwrap();
        assert_eq!(list.len(), valid.split(',').count());
        assert_eq!(
            (&list[0]["period"], &list[0]["name"]),
            (&json!("lifetime"), &json!("views"))
        );
        assert!(
            list.iter()
                .all(|metric| metric["values"][0]["value"].is_number())
        );
        for metric in [invalid, "plays", "impressions", "video_views"] {
            let mixed = format!("{valid},{metric}");
            let rejected = insights(&harness, &token, &id, &[("metric", &mixed)]).await;
            assert_eq!(error_codes(&rejected), (100, 0), "{mixed}");
        }
    }
}

#[tokio::test]
async fn story_with_few_viewers_gets_error_code_10() {
    let harness = Harness::new();
    let token = harness.fb_connect("saffron").await;
    let id = first_medium(&harness, &token, "17841400000000005", "stories", "STORY").await;
    let response = insights(&harness, &token, &id, &[("metric", "views")]).await;
    assert_eq!(
        (response.status, error_codes(&response)),
        (StatusCode::BAD_REQUEST, (10, 0))
    );
    assert!(
        response.body.contains("viewers"),
        "expected a message about viewers and not about a permission"
    );
}

#[tokio::test]
async fn media_older_than_the_professional_account_have_no_insights() {
    let harness = Harness::new();
    let token = harness.fb_connect("juniper").await;
    let fields = [("access_token", token.as_str()), ("until", "1735000000")];
    let list: Value = harness
        .graph(&format!("/v25.0/{JUNIPER}/media"), &fields)
        .await
        .json();
    let id = list["data"][0]["id"].as_str().unwrap();
    assert_eq!(
        error_codes(&insights(&harness, &token, id, &[("metric", "views")]).await),
        (100, 2_108_006)
    );
}

#[tokio::test]
async fn album_children_have_no_insights() {
    let harness = Harness::new();
    let token = harness.fb_connect("juniper").await;
    let fields = [("access_token", token.as_str()), ("fields", "children")];
    let list: Value = harness
        .graph(&format!("/v25.0/{JUNIPER}/media"), &fields)
        .await
        .json();
    let album = list["data"]
        .as_array()
        .unwrap()
        .iter()
        .find(|item| item.get("children").is_some())
        .unwrap()
        .clone();
    let child = album["children"]["data"][0]["id"].as_str().unwrap();
    assert_eq!(
        error_codes(&insights(&harness, &token, child, &[("metric", "views")]).await),
        (100, 33)
    );
}
