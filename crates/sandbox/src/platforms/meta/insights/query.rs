//! The parameters of an insights request, and which combinations are valid.

use super::metrics::{Metric, Shape};
use crate::engine::Form;
use crate::platforms::meta::{Account, GraphCall, GraphError};

const DAY_SECONDS: i64 = 86_400;
/// Maximum length of a period: 30 days.
const MAX_SPAN_SECONDS: i64 = 30 * DAY_SECONDS;

/// The validated parameters of an insights request, apart from the metrics.
pub(super) struct InsightsQuery<'a> {
    pub(super) call: &'a GraphCall,
    pub(super) account: &'a Account,
    /// `day` or `lifetime`, if it is valid.
    pub(super) period: &'a str,
    /// Whether `metric_type` requests a total. `None` if the parameter is absent.
    total_requested: Option<bool>,
    pub(super) breakdown: Option<&'a str>,
    /// Start of the period in Unix seconds.
    pub(super) since_seconds: i64,
    /// End of the period in Unix seconds.
    pub(super) until_seconds: i64,
}

impl<'a> InsightsQuery<'a> {
    /// Parses the parameters of a call about `account`.
    pub(super) fn parse(call: &'a GraphCall, account: &'a Account) -> Result<Self, GraphError> {
        let form = &call.form;
        let period = form
            .get("period")
            .ok_or_else(|| GraphError::parameter("The parameter period is required"))?;
        let total_requested = total_requested(form)?;
        let now_seconds = call.now().unix_ms() / 1000;
        let until_seconds = time(form, "until", now_seconds)?;
        let since_seconds = time(form, "since", until_seconds - DAY_SECONDS)?;
        if since_seconds > until_seconds || until_seconds - since_seconds > MAX_SPAN_SECONDS {
            return Err(GraphError::parameter(
                "There cannot be more than 30 days between since and until.",
            ));
        }
        let breakdown = form.get("breakdown");
        Ok(Self {
            call,
            account,
            period,
            total_requested,
            breakdown,
            since_seconds,
            until_seconds,
        })
    }
}

impl InsightsQuery<'_> {
    /// Returns whether the metric is returned as daily values rather than as a total.
    pub(super) fn is_series(&self, metric: &Metric) -> bool {
        metric.shape == Shape::Series
            || metric.shape == Shape::SeriesAndTotal && self.total_requested != Some(true)
    }

    /// Checks that the metric is available with the requested parameters.
    pub(super) fn check(&self, metric: &Metric) -> Result<(), GraphError> {
        self.check_period(metric)?;
        self.check_metric_type(metric)?;
        self.check_timeframe(metric)?;
        self.check_breakdown(metric)
    }

    fn check_period(&self, metric: &Metric) -> Result<(), GraphError> {
        let has_no_time = matches!(metric.shape, Shape::Demographics | Shape::Hours);
        let is_known = matches!(self.period, "day" | "lifetime");
        if (self.period == "lifetime") == has_no_time && is_known {
            return Ok(());
        }
        Err(GraphError::parameter(format!(
            "Incompatible metric ({}) with period ({}).",
            metric.name, self.period
        )))
    }

    fn check_metric_type(&self, metric: &Metric) -> Result<(), GraphError> {
        let name = metric.name;
        let wants_total = self.total_requested == Some(true);
        match metric.shape {
            Shape::Total | Shape::Demographics if !wants_total => {
                Err(GraphError::parameter(format!(
                    "The metric {name} should be specified with parameter metric_type=total_value."
                )))
            }
            Shape::Series | Shape::Hours if wants_total => Err(GraphError::parameter(format!(
                "The metric {name} has no total value."
            ))),
            _ => Ok(()),
        }
    }

    fn check_timeframe(&self, metric: &Metric) -> Result<(), GraphError> {
        let is_invalid = self.call.form.get("timeframe").is_some_and(|timeframe| {
            metric.shape != Shape::Demographics || !matches!(timeframe, "this_week" | "this_month")
        });
        if is_invalid {
            return Err(GraphError::parameter(format!(
                "The timeframe is not supported for the metric {}.",
                metric.name
            )));
        }
        Ok(())
    }

    fn check_breakdown(&self, metric: &Metric) -> Result<(), GraphError> {
        match self.breakdown {
            // The real platform also gives no reason here.
            Some(breakdown)
                if !metric.breakdowns.contains(&breakdown)
                    || self.total_requested != Some(true) =>
            {
                Err(GraphError::new(1, "An unknown error has occurred."))
            }
            None if metric.shape == Shape::Demographics => Err(GraphError::parameter(format!(
                "The metric {} needs a breakdown.",
                metric.name
            ))),
            _ => Ok(()),
        }
    }
}

/// Returns whether `metric_type` requests a total, or `None` if the parameter is absent.
fn total_requested(form: &Form) -> Result<Option<bool>, GraphError> {
    match form.get("metric_type") {
        None => Ok(None),
        Some("total_value") => Ok(Some(true)),
        Some("time_series") => Ok(Some(false)),
        Some(_) => Err(GraphError::parameter(
            "metric_type must be total_value or time_series.",
        )),
    }
}

/// Returns a time parameter in Unix seconds, or `default_seconds` if it is absent.
fn time(form: &Form, name: &str, default_seconds: i64) -> Result<i64, GraphError> {
    match form.get(name).map(str::parse::<i64>) {
        None => Ok(default_seconds),
        Some(Ok(seconds)) => Ok(seconds),
        Some(Err(_)) => Err(GraphError::parameter(format!(
            "Param {name} must be a time in seconds."
        ))),
    }
}
