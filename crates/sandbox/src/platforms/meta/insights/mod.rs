//! Account insights, as daily values or totals.
//!
//! One metric with incompatible parameters fails the whole call. A metric that the account has too
//! few followers for is omitted.

mod metrics;
mod query;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use self::metrics::{METRICS, Metric, Shape};
use self::query::InsightsQuery;
use super::{Account, GraphCall, GraphError, days, paging};

const DAY_SECONDS: i64 = 86_400;

/// Returns the requested insights of an account.
///
/// # Errors
/// Returns error 100 if a parameter is missing, invalid or incompatible with a metric, and error 1
/// for an unsupported breakdown.
pub(crate) fn read(call: &GraphCall, account: &Account) -> Result<Value, GraphError> {
    let names = call
        .form
        .get("metric")
        .ok_or_else(|| GraphError::parameter("The parameter metric is required"))?;
    let query = InsightsQuery::parse(call, account)?;
    let mut metrics = Vec::new();
    for name in names.split(',') {
        let metric = METRICS
            .iter()
            .find(|metric| metric.name == name)
            .ok_or_else(|| no_such_metric(name))?;
        query.check(metric)?;
        metrics.push(metric);
    }
    let has_min_followers = account.has_min_followers(call.now());
    let shown = metrics
        .iter()
        .filter(|metric| has_min_followers || !metric.requires_min_followers);
    let data: Vec<Value> = shown.filter_map(|metric| query.answer(metric)).collect();
    let mut answer = json!({ "data": data });
    let has_series = metrics.iter().any(|metric| query.is_series(metric));
    if let Some(answer) = answer
        .as_object_mut()
        .filter(|_| has_series && !data.is_empty())
    {
        answer.insert("paging".into(), query.paging());
    }
    Ok(answer)
}

fn no_such_metric(name: &str) -> GraphError {
    GraphError::parameter(format!(
        "metric must be one of the supported values; {name:?} is not."
    ))
}

impl InsightsQuery<'_> {
    /// Returns the metric's entry, or `None` if the period contains no complete day. Missing data
    /// is not zero.
    fn answer(&self, metric: &Metric) -> Option<Value> {
        let days = self.days(metric);
        let content = match metric.shape {
            Shape::Hours => (
                "values",
                json!([{ "value": self.hours(), "end_time": days::graph_time(self.until_seconds) }]),
            ),
            Shape::Demographics => (
                "total_value",
                json!({ "breakdowns": [self.demographics()] }),
            ),
            _ if days.is_empty() => return None,
            _ if self.is_series(metric) => {
                let value = |(end_seconds, value): &(i64, i64)| json!({ "value": value, "end_time": days::graph_time(*end_seconds) });
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
            "description": "Simulated by the sandbox.",
            "id": format!("{}/insights/{}/{}", self.account.id, metric.name, self.period),
        });
        answer
            .as_object_mut()?
            .insert(content.0.to_owned(), content.1);
        Some(answer)
    }

    /// Returns the complete days of the period: the end of each day in Unix seconds, and its value.
    fn days(&self, metric: &Metric) -> Vec<(i64, i64)> {
        let until_seconds = self.until_seconds.min(self.call.now().unix_ms() / 1000);
        let since_seconds = self.since_seconds.max(self.account.professional_since);
        days::day_ends(since_seconds, until_seconds)
            .map(|end_seconds| (end_seconds, self.value_on(metric, end_seconds)))
            .collect()
    }

    fn value_on(&self, metric: &Metric, end_seconds: i64) -> i64 {
        let (before, after) = (
            self.account.followers(end_seconds - DAY_SECONDS),
            self.account.followers(end_seconds),
        );
        if metric.name == "follower_count" {
            return (after - before).max(0);
        }
        let seed: [u8; 32] =
            Sha256::digest(format!("{}/{}/{end_seconds}", self.account.id, metric.name)).into();
        let popularity = seed.first().copied().map_or(0, i64::from);
        after * metric.per_thousand * (150 + popularity) / 278_000
    }

    fn total(&self, metric: &Metric, sum: i64) -> Value {
        let Some(breakdown) = self.breakdown else {
            return json!({ "value": sum });
        };
        // The values that the API returns, which differ from those in its documentation.
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
        shares(
            breakdown,
            values,
            self.account.followers(self.until_seconds),
        )
    }

    /// Returns the followers online in each hour of the day.
    fn hours(&self) -> Value {
        let followers = self.account.followers(self.until_seconds);
        let hour = |hour: i64| {
            (
                hour.to_string(),
                json!(followers * (6 + (hour * (23 - hour)) / 4) / 100),
            )
        };
        Value::Object((0..24).map(hour).collect())
    }

    /// Returns the URLs of the preceding and following periods of the same length.
    fn paging(&self) -> Value {
        let span_seconds = self.until_seconds - self.since_seconds;
        let url_with = |since_seconds: i64| {
            let (since, until) = (
                since_seconds.to_string(),
                (since_seconds + span_seconds).to_string(),
            );
            paging::url_with(self.call, &[("since", &since), ("until", &until)])
        };
        json!({ "previous": url_with(self.since_seconds - span_seconds), "next": url_with(self.until_seconds) })
    }
}

/// Splits a sum over the values: each gets half of what remains, the last gets the rest.
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
