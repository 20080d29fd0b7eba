//! The account metrics and the forms in which they are available.

/// The forms in which a metric is available.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// Daily values, or their total.
    SeriesAndTotal,
    /// Daily values only.
    Series,
    /// A total only.
    Total,
    /// The followers by age, city, country or gender, independent of time.
    Demographics,
    /// A value for each hour of the day, independent of the date.
    Hours,
}

/// An account metric.
pub(super) struct Metric {
    pub(super) name: &'static str,
    pub(super) shape: Shape,
    /// Whether the metric needs at least 100 followers.
    pub(super) requires_min_followers: bool,
    /// Typical daily value per 1000 followers.
    pub(super) per_thousand: i64,
    /// The supported values of the `breakdown` parameter.
    pub(super) breakdowns: &'static [&'static str],
}

/// Every account metric.
pub(super) const METRICS: &[Metric] = &[
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
    follower_metric("follower_count", Shape::Series, &[]),
    follower_metric("follows_and_unfollows", Shape::Total, &["follow_type"]),
    follower_metric("online_followers", Shape::Hours, &[]),
    follower_metric(
        "follower_demographics",
        Shape::Demographics,
        &["age", "city", "country", "gender"],
    ),
    follower_metric(
        "engaged_audience_demographics",
        Shape::Demographics,
        &["age", "city", "country", "gender"],
    ),
];

/// Builds a metric that every account has.
const fn metric(
    name: &'static str,
    shape: Shape,
    per_thousand: i64,
    breakdowns: &'static [&'static str],
) -> Metric {
    Metric {
        name,
        shape,
        requires_min_followers: false,
        per_thousand,
        breakdowns,
    }
}

/// Builds a metric that needs at least 100 followers.
const fn follower_metric(
    name: &'static str,
    shape: Shape,
    breakdowns: &'static [&'static str],
) -> Metric {
    Metric {
        name,
        shape,
        requires_min_followers: true,
        per_thousand: 4,
        breakdowns,
    }
}
