//! How an account did, by day or in total. One metric that cannot be had as asked fails the whole
//! call; one that the account is too small for is silently left out.

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{Account, GraphCall, GraphError, days, paging};

const DAY_S: i64 = 86_400;
const LONGEST_SPAN_S: i64 = 30 * DAY_S;

/// In which form a metric can be had.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shape {
    /// A value for each day, or their sum.
    SeriesAndTotal,
    /// A value for each day.
    Series,
    /// A sum.
    Total,
    /// Shares of the followers, without a time.
    Demographics,
    /// A value for each hour of the day, without a time.
    Hours,
}

/// A metric of an account.
struct Metric {
    name: &'static str,
    shape: Shape,
    /// Whether an account needs a hundred followers for it.
    is_for_big_ones: bool,
    /// Of a thousand followers, how many on a usual day.
    usual: i64,
    breakdowns: &'static [&'static str],
}

const METRICS: &[Metric] = &[
    metric(
        "reach",
        Shape::SeriesAndTotal,
        260,
        &["media_product_type", "follow_type"],
    ),
    metric(
        "views",
        Shape::Total,
        640,
        &["media_product_type", "follow_type", "follower_type"],
    ),
    metric("accounts_engaged", Shape::Total, 48, &[]),
    metric(
        "total_interactions",
        Shape::Total,
        71,
        &["media_product_type"],
    ),
    metric("likes", Shape::Total, 52, &["media_product_type"]),
    metric("comments", Shape::Total, 6, &["media_product_type"]),
    metric("saves", Shape::Total, 7, &["media_product_type"]),
    metric("shares", Shape::Total, 5, &["media_product_type"]),
    metric("replies", Shape::Total, 2, &[]),
    metric("reposts", Shape::Total, 1, &["media_product_type"]),
    metric(
        "profile_links_taps",
        Shape::Total,
        3,
        &["contact_button_type"],
    ),
    for_big_ones("follower_count", Shape::Series, &[]),
    for_big_ones("follows_and_unfollows", Shape::Total, &["follow_type"]),
    for_big_ones("online_followers", Shape::Hours, &[]),
    for_big_ones(
        "follower_demographics",
        Shape::Demographics,
        &["age", "city", "country", "gender"],
    ),
    for_big_ones(
        "engaged_audience_demographics",
        Shape::Demographics,
        &["age", "city", "country", "gender"],
    ),
];

const fn metric(
    name: &'static str,
    shape: Shape,
    usual: i64,
    breakdowns: &'static [&'static str],
) -> Metric {
    Metric {
        name,
        shape,
        is_for_big_ones: false,
        usual,
        breakdowns,
    }
}

const fn for_big_ones(
    name: &'static str,
    shape: Shape,
    breakdowns: &'static [&'static str],
) -> Metric {
    Metric {
        name,
        shape,
        is_for_big_ones: true,
        usual: 4,
        breakdowns,
    }
}

/// What was asked, checked as far as it goes without a metric.
struct Asked<'a> {
    call: &'a GraphCall,
    account: &'a Account,
    period: &'a str,
    wants_total: Option<bool>,
    breakdown: Option<&'a str>,
    since_s: i64,
    until_s: i64,
}

/// Answers `GET …/insights` of an account.
pub(crate) fn read(call: &GraphCall, account: &Account) -> Result<Value, GraphError> {
    let names = call
        .form
        .get("metric")
        .ok_or_else(|| GraphError::parameter("The parameter metric is required"))?;
    let asked = asked(call, account)?;
    let mut metrics = Vec::new();
    for name in names.split(',') {
        let metric = METRICS
            .iter()
            .find(|metric| metric.name == name)
            .ok_or_else(|| no_such_metric(name))?;
        asked.check(metric)?;
        metrics.push(metric);
    }
    let is_big = account.is_big_enough(call.now());
    let shown = metrics
        .iter()
        .filter(|metric| is_big || !metric.is_for_big_ones);
    let data: Vec<Value> = shown.filter_map(|metric| asked.answer(metric)).collect();
    let mut answer = json!({ "data": data });
    let has_series = metrics.iter().any(|metric| asked.is_series(metric));
    if let Some(answer) = answer
        .as_object_mut()
        .filter(|_| has_series && !data.is_empty())
    {
        answer.insert("paging".into(), asked.paging());
    }
    Ok(answer)
}

fn no_such_metric(name: &str) -> GraphError {
    GraphError::parameter(format!(
        "metric must be one of the known values, and {name:?} is not."
    ))
}

fn asked<'a>(call: &'a GraphCall, account: &'a Account) -> Result<Asked<'a>, GraphError> {
    let form = &call.form;
    let period = form
        .get("period")
        .ok_or_else(|| GraphError::parameter("The parameter period is required"))?;
    let wants_total = match form.get("metric_type") {
        None => None,
        Some("total_value") => Some(true),
        Some("time_series") => Some(false),
        Some(_) => {
            return Err(GraphError::parameter(
                "metric_type must be total_value or time_series.",
            ));
        }
    };
    let now_s = call.now().unix_ms() / 1000;
    let time = |name: &str, usual: i64| match form.get(name).map(str::parse::<i64>) {
        None => Ok(usual),
        Some(Ok(seconds)) => Ok(seconds),
        Some(Err(_)) => Err(GraphError::parameter(format!(
            "Param {name} must be a time in seconds."
        ))),
    };
    let until_s = time("until", now_s)?;
    let since_s = time("since", until_s - DAY_S)?;
    if since_s > until_s || until_s - since_s > LONGEST_SPAN_S {
        return Err(GraphError::parameter(
            "There cannot be more than 30 days between since and until.",
        ));
    }
    let breakdown = form.get("breakdown");
    Ok(Asked {
        call,
        account,
        period,
        wants_total,
        breakdown,
        since_s,
        until_s,
    })
}

impl Asked<'_> {
    fn is_series(&self, metric: &Metric) -> bool {
        metric.shape == Shape::Series
            || metric.shape == Shape::SeriesAndTotal && self.wants_total != Some(true)
    }

    /// Whether the metric can be had as it was asked for.
    fn check(&self, metric: &Metric) -> Result<(), GraphError> {
        let name = metric.name;
        let has_no_time = matches!(metric.shape, Shape::Demographics | Shape::Hours);
        if (self.period == "lifetime") != has_no_time || !matches!(self.period, "day" | "lifetime")
        {
            return Err(GraphError::parameter(format!(
                "Incompatible metric ({name}) with period ({}).",
                self.period
            )));
        }
        let total_only = matches!(metric.shape, Shape::Total | Shape::Demographics);
        if total_only && self.wants_total != Some(true) {
            let message = format!(
                "The metric {name} should be specified with parameter metric_type=total_value."
            );
            return Err(GraphError::parameter(message));
        }
        if matches!(metric.shape, Shape::Series | Shape::Hours) && self.wants_total == Some(true) {
            return Err(GraphError::parameter(format!(
                "The metric {name} has no total value."
            )));
        }
        let timeframe = self.call.form.get("timeframe");
        if timeframe.is_some_and(|it| {
            metric.shape != Shape::Demographics || !matches!(it, "this_week" | "this_month")
        }) {
            return Err(GraphError::parameter(format!(
                "timeframe does not go with {name}, or is not one that exists."
            )));
        }
        match self.breakdown {
            // What the platform says here says nothing.
            Some(breakdown)
                if !metric.breakdowns.contains(&breakdown) || self.wants_total != Some(true) =>
            {
                Err(GraphError::new(1, "An unknown error has occurred."))
            }
            None if metric.shape == Shape::Demographics => Err(GraphError::parameter(format!(
                "The metric {name} needs a breakdown."
            ))),
            _ => Ok(()),
        }
    }

    /// `None` where there is nothing to tell: not a zero, but nothing.
    fn answer(&self, metric: &Metric) -> Option<Value> {
        let days = self.days(metric);
        let content = match metric.shape {
            Shape::Hours => (
                "values",
                json!([{ "value": self.hours(), "end_time": days::written(self.until_s) }]),
            ),
            Shape::Demographics => (
                "total_value",
                json!({ "breakdowns": [self.demographics()] }),
            ),
            _ if days.is_empty() => return None,
            _ if self.is_series(metric) => {
                let value = |(end_s, value): &(i64, i64)| json!({ "value": value, "end_time": days::written(*end_s) });
                ("values", days.iter().map(value).collect())
            }
            _ => (
                "total_value",
                self.total(metric, days.iter().map(|(_, value)| value).sum()),
            ),
        };
        let mut answer = json!({
            "name": metric.name,
            "period": self.period,
            "title": metric.name.replace('_', " "),
            "description": "Played by the sandbox.",
            "id": format!("{}/insights/{}/{}", self.account.id, metric.name, self.period),
        });
        answer
            .as_object_mut()?
            .insert(content.0.to_owned(), content.1);
        Some(answer)
    }

    /// The days that are over, each by its end, with the metric's value.
    fn days(&self, metric: &Metric) -> Vec<(i64, i64)> {
        let until_s = self.until_s.min(self.call.now().unix_ms() / 1000);
        let since_s = self.since_s.max(self.account.professional_since);
        days::ends(since_s, until_s)
            .map(|end_s| (end_s, self.on(metric, end_s)))
            .collect()
    }

    fn on(&self, metric: &Metric, end_s: i64) -> i64 {
        let (before, after) = (
            self.account.followers(end_s - DAY_S),
            self.account.followers(end_s),
        );
        if metric.name == "follower_count" {
            return (after - before).max(0);
        }
        let dice: [u8; 32] =
            Sha256::digest(format!("{}/{}/{end_s}", self.account.id, metric.name)).into();
        let luck = dice.first().copied().map_or(0, i64::from);
        after * metric.usual * (150 + luck) / 278_000
    }

    fn total(&self, metric: &Metric, sum: i64) -> Value {
        let Some(breakdown) = self.breakdown else {
            return json!({ "value": sum });
        };
        // Not the words of the documentation, but those that arrive.
        let values: &[&str] = match breakdown {
            "media_product_type" => &["REEL", "POST", "CAROUSEL_CONTAINER", "STORY"],
            "contact_button_type" => &["EMAIL", "DIRECTION"],
            _ if metric.name == "follows_and_unfollows" => &["FOLLOWER", "NON_FOLLOWER"],
            _ => &["FOLLOWER", "NON_FOLLOWER", "UNKNOWN"],
        };
        json!({ "value": sum, "breakdowns": [shares(breakdown, values, sum)] })
    }

    fn demographics(&self) -> Value {
        let breakdown = self.breakdown.unwrap_or_default();
        let values: &[&str] = match breakdown {
            "age" => &["25-34", "35-44", "18-24", "45-54", "55-64", "65+", "13-17"],
            "gender" => &["F", "M", "U"],
            "country" => &["GB", "US", "DE", "FR", "NL", "JP"],
            _ => &[
                "London, England",
                "Berlin, Berlin",
                "Leeds, England",
                "Lyon, Auvergne-Rhone-Alpes",
            ],
        };
        shares(breakdown, values, self.account.followers(self.until_s))
    }

    /// Followers who are about, by hour.
    fn hours(&self) -> Value {
        let followers = self.account.followers(self.until_s);
        let hour = |hour: i64| {
            (
                hour.to_string(),
                json!(followers * (6 + (hour * (23 - hour)) / 4) / 100),
            )
        };
        Value::Object((0..24).map(hour).collect())
    }

    /// The spans before and after this one.
    fn paging(&self) -> Value {
        let span_s = self.until_s - self.since_s;
        let turned = |since_s: i64| {
            let (since, until) = (since_s.to_string(), (since_s + span_s).to_string());
            paging::turned(self.call, &[("since", &since), ("until", &until)])
        };
        json!({ "previous": turned(self.since_s - span_s), "next": turned(self.until_s) })
    }
}

/// A sum, dealt out: half to the first, half of the rest to the next, and what remains to the last.
fn shares(breakdown: &str, values: &[&str], sum: i64) -> Value {
    let mut left = sum;
    let results = values.iter().enumerate().map(|(at, value)| {
        let part = if at + 1 == values.len() {
            left
        } else {
            left / 2
        };
        left -= part;
        json!({ "dimension_values": [value], "value": part })
    });
    json!({ "dimension_keys": [breakdown], "results": results.collect::<Vec<_>>() })
}
