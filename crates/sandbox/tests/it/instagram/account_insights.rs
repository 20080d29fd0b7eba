//! Insights of an account: time series, totals and demographics.

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::insights;
use crate::harness::{Harness, START_SECONDS};
use crate::meta::{JUNIPER, error_codes};

/// Start and end of the ten days before the initial time, in Unix seconds.
fn ten_days() -> [String; 2] {
    [
        (START_SECONDS - 10 * 86_400).to_string(),
        START_SECONDS.to_string(),
    ]
}

#[tokio::test]
async fn time_series_has_one_value_per_completed_day() {
    let harness = Harness::new();
    let token = harness.fb_connect("juniper").await;
    let [since, until] = ten_days();
    let fields = [
        ("metric", "reach"),
        ("period", "day"),
        ("since", &since),
        ("until", &until),
    ];
    let response = insights(&harness, &token, JUNIPER, &fields).await;
    let reach = &response.json()["data"][0];
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
        response.json()["paging"]["previous"]
            .as_str()
            .unwrap()
            .contains(&token)
    );
    assert_eq!(
        insights(&harness, &token, JUNIPER, &fields).await.body,
        response.body,
        "values of a day do not change"
    );
}

/// Returns the sum of the members `value` of a list.
fn sum_of_values(list: &Value) -> i64 {
    list.as_array()
        .unwrap()
        .iter()
        .map(|item| item["value"].as_i64().unwrap())
        .sum()
}

#[tokio::test]
async fn total_value_is_the_sum_of_days_and_of_its_breakdown() {
    let harness = Harness::new();
    let token = harness.fb_connect("juniper").await;
    let [since, until] = ten_days();
    let fields = [
        ("metric", "views,reach"),
        ("period", "day"),
        ("metric_type", "total_value"),
        ("breakdown", "media_product_type"),
        ("since", &since),
        ("until", &until),
    ];
    let totals = insights(&harness, &token, JUNIPER, &fields).await.json()["data"].clone();
    let totals = totals.as_array().unwrap();
    assert_eq!(totals.len(), 2);
    for metric in totals {
        let total = &metric["total_value"];
        let breakdown = &total["breakdowns"][0];
        assert_eq!(breakdown["dimension_keys"], json!(["media_product_type"]));
        assert_eq!(breakdown["results"][0]["dimension_values"], json!(["REEL"]));
        assert_eq!(total["value"], sum_of_values(&breakdown["results"]));
        assert!(metric.get("values").is_none());
    }
    let series = [
        ("metric", "reach"),
        ("period", "day"),
        ("since", since.as_str()),
        ("until", &until),
    ];
    let days = insights(&harness, &token, JUNIPER, &series).await.json();
    let sum = sum_of_values(&days["data"][0]["values"]);
    assert_eq!(totals[1]["total_value"]["value"], sum);
}

#[tokio::test]
async fn follower_count_is_the_daily_change() {
    let harness = Harness::new();
    let token = harness.fb_connect("juniper").await;
    let count = async || {
        let fields = [
            ("access_token", token.as_str()),
            ("fields", "followers_count"),
        ];
        harness
            .graph(&format!("/v25.0/{JUNIPER}"), &fields)
            .await
            .json()["followers_count"]
            .as_i64()
            .unwrap()
    };
    let before = count().await;
    let mut gained = 0;
    for _ in 0..5 {
        harness.sandbox.advance_seconds(86_400);
        let delta = insights(
            &harness,
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
        "expected daily changes, not the count: {gained}"
    );
    assert!((count().await - before - gained).abs() < 30);
}

#[tokio::test]
async fn small_account_has_no_follower_metrics() {
    let harness = Harness::new();
    let token = harness.fb_connect("saffron").await;
    let small = "17841400000000005";
    let mixed = [("metric", "reach,follower_count"), ("period", "day")];
    let data = insights(&harness, &token, small, &mixed).await.json()["data"].clone();
    assert_eq!(data.as_array().unwrap().len(), 1);
    assert_eq!(data[0]["name"], "reach");
    let alone = insights(
        &harness,
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
async fn missing_data_is_an_empty_list_and_not_zero() {
    let harness = Harness::new();
    let token = harness.fb_connect("juniper").await;
    let long_ago = [
        ("metric", "reach"),
        ("period", "day"),
        ("since", "1600000000"),
        ("until", "1600086400"),
    ];
    assert_eq!(
        insights(&harness, &token, JUNIPER, &long_ago).await.json(),
        json!({ "data": [] })
    );
    let ahead = (START_SECONDS + 86_400).to_string();
    let further = (START_SECONDS + 3 * 86_400).to_string();
    let future = [
        ("metric", "reach"),
        ("period", "day"),
        ("since", ahead.as_str()),
        ("until", &further),
    ];
    assert_eq!(
        insights(&harness, &token, JUNIPER, &future).await.json(),
        json!({ "data": [] })
    );
}

const DAY: (&str, &str) = ("period", "day");
const TOTAL: (&str, &str) = ("metric_type", "total_value");

/// Invalid parameters of an account's insights, and the error code of the response.
const INVALID_REQUESTS: [(&[(&str, &str)], u64); 10] = [
    (&[("metric", "reach,impressions"), DAY], 100),
    (&[("metric", "reach,views"), DAY], 100),
    (&[("metric", "follower_count,reach"), DAY, TOTAL], 100),
    (
        &[
            ("metric", "follower_demographics"),
            DAY,
            TOTAL,
            ("breakdown", "age"),
        ],
        100,
    ),
    (&[("metric", "reach"), ("period", "lifetime")], 100),
    (&[("metric", "reach"), ("period", "week")], 100),
    (&[("metric", "reach")], 100),
    (&[DAY], 100),
    (&[("metric", "reach"), DAY, ("since", "0")], 100),
    (
        &[("metric", "views"), DAY, TOTAL, ("breakdown", "weather")],
        1,
    ),
];

#[tokio::test]
async fn one_invalid_metric_or_parameter_fails_the_whole_request() {
    let harness = Harness::new();
    let token = harness.fb_connect("juniper").await;
    for (fields, expected) in INVALID_REQUESTS {
        let response = insights(&harness, &token, JUNIPER, fields).await;
        assert_eq!(
            (response.status, error_codes(&response)),
            (StatusCode::BAD_REQUEST, (expected, 0)),
            "{fields:?}"
        );
    }
}

#[tokio::test]
async fn demographics_reject_retired_timeframes() {
    let harness = Harness::new();
    let token = harness.fb_connect("juniper").await;
    let fields = [
        ("metric", "follower_demographics"),
        ("period", "lifetime"),
        ("metric_type", "total_value"),
        ("breakdown", "country"),
    ];
    let response = insights(&harness, &token, JUNIPER, &fields).await.json();
    assert!(
        response["data"][0]["total_value"]["breakdowns"][0]["results"]
            .as_array()
            .unwrap()
            .len()
            > 3
    );
    for (timeframe, status) in [("this_month", 200), ("last_30_days", 400)] {
        let fields = [&fields[..], &[("timeframe", timeframe)]].concat();
        assert_eq!(
            insights(&harness, &token, JUNIPER, &fields).await.status,
            status,
            "{timeframe}"
        );
    }
}

#[tokio::test]
async fn insights_require_their_own_permission() {
    let harness = Harness::new();
    let code = harness.fb_code("juniper", &[("scope", "instagram_basic,pages_show_list")]);
    let token = harness.fb_connect_with(&code).await;
    let refused = insights(
        &harness,
        &token,
        JUNIPER,
        &[("metric", "reach"), ("period", "day")],
    )
    .await;
    assert_eq!(error_codes(&refused), (10, 0));
}
