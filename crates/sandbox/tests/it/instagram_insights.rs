use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::harness::{Answer, START_S, Stand};
use crate::meta::{JUNIPER, codes};

async fn insights(stand: &Stand, token: &str, id: &str, fields: &[(&str, &str)]) -> Answer {
    let fields = [&[("access_token", token)], fields].concat();
    stand.graph(&format!("/v25.0/{id}/insights"), &fields).await
}

/// Ten days up to now.
fn ten_days() -> [String; 2] {
    [(START_S - 10 * 86_400).to_string(), START_S.to_string()]
}

#[tokio::test]
async fn a_series_has_a_value_for_each_day_that_ended() {
    let stand = Stand::new();
    let token = stand.fb_connect("juniper").await;
    let [since, until] = ten_days();
    let fields = [
        ("metric", "reach"),
        ("period", "day"),
        ("since", &since),
        ("until", &until),
    ];
    let answer = insights(&stand, &token, JUNIPER, &fields).await;
    let reach = &answer.json()["data"][0];
    assert_eq!(
        (&reach["name"], &reach["period"]),
        (&json!("reach"), &json!("day"))
    );
    assert_eq!(reach["id"], format!("{JUNIPER}/insights/reach/day"));
    let values = reach["values"].as_array().unwrap();
    assert_eq!(values.len(), 10);
    assert_eq!(values[9]["end_time"], "2025-12-31T08:00:00+0000");
    assert!(values.iter().all(|day| day["value"].as_i64().unwrap() > 0));
    assert!(
        answer.json()["paging"]["previous"]
            .as_str()
            .unwrap()
            .contains(&token)
    );
    assert_eq!(
        insights(&stand, &token, JUNIPER, &fields).await.body,
        answer.body,
        "the same days, the same values"
    );
}

#[tokio::test]
async fn a_total_is_the_sum_and_a_breakdown_divides_it() {
    let stand = Stand::new();
    let token = stand.fb_connect("juniper").await;
    let [since, until] = ten_days();
    let fields = [
        ("metric", "views,reach"),
        ("period", "day"),
        ("metric_type", "total_value"),
        ("breakdown", "media_product_type"),
        ("since", &since),
        ("until", &until),
    ];
    let data = insights(&stand, &token, JUNIPER, &fields).await.json()["data"].clone();
    for metric in data.as_array().unwrap() {
        let total = &metric["total_value"];
        let results = total["breakdowns"][0]["results"].as_array().unwrap();
        assert_eq!(
            total["breakdowns"][0]["dimension_keys"],
            json!(["media_product_type"])
        );
        assert_eq!(results[0]["dimension_values"], json!(["REEL"]));
        let sum: i64 = results
            .iter()
            .map(|one| one["value"].as_i64().unwrap())
            .sum();
        assert_eq!(total["value"], sum);
        assert!(metric.get("values").is_none());
    }
    let series = [
        ("metric", "reach"),
        ("period", "day"),
        ("since", since.as_str()),
        ("until", &until),
    ];
    let days = insights(&stand, &token, JUNIPER, &series).await.json()["data"][0]["values"].clone();
    let sum: i64 = days
        .as_array()
        .unwrap()
        .iter()
        .map(|day| day["value"].as_i64().unwrap())
        .sum();
    assert_eq!(data[1]["total_value"]["value"], sum);
}

#[tokio::test]
async fn follower_count_is_what_a_day_added() {
    let stand = Stand::new();
    let token = stand.fb_connect("juniper").await;
    let count = async || {
        let fields = [
            ("access_token", token.as_str()),
            ("fields", "followers_count"),
        ];
        stand
            .graph(&format!("/v25.0/{JUNIPER}"), &fields)
            .await
            .json()["followers_count"]
            .as_i64()
            .unwrap()
    };
    let before = count().await;
    let mut gained = 0;
    for _ in 0..5 {
        stand.sandbox.advance_seconds(86_400);
        let delta = insights(
            &stand,
            &token,
            JUNIPER,
            &[("metric", "follower_count"), ("period", "day")],
        )
        .await
        .json();
        gained += delta["data"][0]["values"][0]["value"].as_i64().unwrap();
    }
    assert!(
        (0..200).contains(&gained),
        "a delta, not the count: {gained}"
    );
    assert!((count().await - before - gained).abs() < 30);
}

#[tokio::test]
async fn a_small_account_lacks_the_metrics_about_followers() {
    let stand = Stand::new();
    let token = stand.fb_connect("saffron").await;
    let small = "17841400000000005";
    let mixed = [("metric", "reach,follower_count"), ("period", "day")];
    let data = insights(&stand, &token, small, &mixed).await.json()["data"].clone();
    assert_eq!(data.as_array().unwrap().len(), 1);
    assert_eq!(data[0]["name"], "reach");
    let alone = insights(
        &stand,
        &token,
        small,
        &[("metric", "follower_count"), ("period", "day")],
    )
    .await;
    assert_eq!(
        (alone.status, alone.json()),
        (StatusCode::OK, json!({ "data": [] }))
    );
}

#[tokio::test]
async fn no_data_is_an_empty_list_and_not_a_zero() {
    let stand = Stand::new();
    let token = stand.fb_connect("juniper").await;
    let long_ago = [
        ("metric", "reach"),
        ("period", "day"),
        ("since", "1600000000"),
        ("until", "1600086400"),
    ];
    assert_eq!(
        insights(&stand, &token, JUNIPER, &long_ago).await.json(),
        json!({ "data": [] })
    );
    let ahead = (START_S + 86_400).to_string();
    let further = (START_S + 3 * 86_400).to_string();
    let future = [
        ("metric", "reach"),
        ("period", "day"),
        ("since", ahead.as_str()),
        ("until", &further),
    ];
    assert_eq!(
        insights(&stand, &token, JUNIPER, &future).await.json(),
        json!({ "data": [] })
    );
}

#[tokio::test]
async fn one_metric_that_cannot_be_had_fails_them_all() {
    let stand = Stand::new();
    let token = stand.fb_connect("juniper").await;
    let total = ("metric_type", "total_value");
    for (fields, expected) in [
        (
            vec![("metric", "reach,impressions"), ("period", "day")],
            100,
        ),
        (vec![("metric", "reach,views"), ("period", "day")], 100),
        (
            vec![("metric", "follower_count,reach"), ("period", "day"), total],
            100,
        ),
        (
            vec![
                ("metric", "follower_demographics"),
                ("period", "day"),
                total,
                ("breakdown", "age"),
            ],
            100,
        ),
        (vec![("metric", "reach"), ("period", "lifetime")], 100),
        (vec![("metric", "reach"), ("period", "week")], 100),
        (vec![("metric", "reach")], 100),
        (vec![("period", "day")], 100),
        (
            vec![("metric", "reach"), ("period", "day"), ("since", "0")],
            100,
        ),
        (
            vec![
                ("metric", "views"),
                ("period", "day"),
                total,
                ("breakdown", "weather"),
            ],
            1,
        ),
    ] {
        let answer = insights(&stand, &token, JUNIPER, &fields).await;
        assert_eq!(
            (answer.status, codes(&answer)),
            (StatusCode::BAD_REQUEST, (expected, 0)),
            "{fields:?}"
        );
    }
}

#[tokio::test]
async fn demographics_have_no_time_and_no_old_timeframe() {
    let stand = Stand::new();
    let token = stand.fb_connect("juniper").await;
    let fields = [
        ("metric", "follower_demographics"),
        ("period", "lifetime"),
        ("metric_type", "total_value"),
        ("breakdown", "country"),
    ];
    let answer = insights(&stand, &token, JUNIPER, &fields).await.json();
    assert!(
        answer["data"][0]["total_value"]["breakdowns"][0]["results"]
            .as_array()
            .unwrap()
            .len()
            > 3
    );
    for (timeframe, status) in [("this_month", 200), ("last_30_days", 400)] {
        let fields = [&fields[..], &[("timeframe", timeframe)]].concat();
        assert_eq!(
            insights(&stand, &token, JUNIPER, &fields).await.status,
            status,
            "{timeframe}"
        );
    }
}

/// The first medium of a type, by its product type.
async fn first(stand: &Stand, token: &str, account: &str, edge: &str, product: &str) -> String {
    let fields = [
        ("access_token", token),
        ("fields", "media_product_type,media_type"),
    ];
    let list = stand
        .graph(&format!("/v25.0/{account}/{edge}"), &fields)
        .await
        .json();
    let found = list["data"]
        .as_array()
        .unwrap()
        .iter()
        .find(|one| one["media_product_type"] == product)
        .unwrap();
    found["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn media_have_the_metrics_of_their_type() {
    let stand = Stand::new();
    let token = stand.fb_connect("juniper").await;
    for (edge, product, good, bad) in [
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
    ] {
        let id = first(&stand, &token, JUNIPER, edge, product).await;
        let answer = insights(&stand, &token, &id, &[("metric", good)])
            .await
            .json();
        let list = answer["data"].as_array().unwrap();
        assert_eq!(list.len(), good.split(',').count());
        assert_eq!(
            (&list[0]["period"], &list[0]["name"]),
            (&json!("lifetime"), &json!("views"))
        );
        assert!(list.iter().all(|one| one["values"][0]["value"].is_number()));
        for metric in [bad, "plays", "impressions", "video_views"] {
            let mixed = format!("{good},{metric}");
            assert_eq!(
                codes(&insights(&stand, &token, &id, &[("metric", &mixed)]).await),
                (100, 0),
                "{mixed}"
            );
        }
    }
}

#[tokio::test]
async fn a_story_with_few_viewers_answers_code_10() {
    let stand = Stand::new();
    let token = stand.fb_connect("saffron").await;
    let id = first(&stand, &token, "17841400000000005", "stories", "STORY").await;
    let answer = insights(&stand, &token, &id, &[("metric", "views")]).await;
    assert_eq!(
        (answer.status, codes(&answer)),
        (StatusCode::BAD_REQUEST, (10, 0))
    );
    assert!(answer.body.contains("viewers"), "no permission is missing");
}

#[tokio::test]
async fn media_from_before_the_account_became_professional_have_no_insights() {
    let stand = Stand::new();
    let token = stand.fb_connect("juniper").await;
    let fields = [("access_token", token.as_str()), ("until", "1735000000")];
    let list: Value = stand
        .graph(&format!("/v25.0/{JUNIPER}/media"), &fields)
        .await
        .json();
    let id = list["data"][0]["id"].as_str().unwrap();
    assert_eq!(
        codes(&insights(&stand, &token, id, &[("metric", "views")]).await),
        (100, 2_108_006)
    );
}

#[tokio::test]
async fn children_of_albums_have_no_insights() {
    let stand = Stand::new();
    let token = stand.fb_connect("juniper").await;
    let fields = [("access_token", token.as_str()), ("fields", "children")];
    let list: Value = stand
        .graph(&format!("/v25.0/{JUNIPER}/media"), &fields)
        .await
        .json();
    let album = list["data"]
        .as_array()
        .unwrap()
        .iter()
        .find(|one| one.get("children").is_some())
        .unwrap()
        .clone();
    let child = album["children"]["data"][0]["id"].as_str().unwrap();
    assert_eq!(
        codes(&insights(&stand, &token, child, &[("metric", "views")]).await),
        (100, 33)
    );
}

#[tokio::test]
async fn insights_take_a_permission_more() {
    let stand = Stand::new();
    let code = stand.fb_code("juniper", &[("scope", "instagram_basic,pages_show_list")]);
    let token = stand.fb_connect_with(&code).await;
    let refused = insights(
        &stand,
        &token,
        JUNIPER,
        &[("metric", "reach"), ("period", "day")],
    )
    .await;
    assert_eq!(codes(&refused), (10, 0));
}
