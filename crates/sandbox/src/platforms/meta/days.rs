//! Insight days: midnight to midnight in US Pacific time.

use evergrant_model::Timestamp;

const DAY_SECONDS: i64 = 86_400;
const HOUR_SECONDS: i64 = 3600;

/// Formats a time as the Graph API does: ISO 8601 with an offset without a colon (`+0000`).
pub(crate) fn graph_time(unix_seconds: i64) -> String {
    let text = Timestamp::from_unix_seconds(unix_seconds).to_string();
    format!("{}+0000", text.split('.').next().unwrap_or_default())
}

/// Returns the day ends in the half-open interval (`since_seconds`, `until_seconds`], in Unix
/// seconds.
pub(crate) fn day_ends(since_seconds: i64, until_seconds: i64) -> impl Iterator<Item = i64> {
    let first = since_seconds.div_euclid(DAY_SECONDS) - 1;
    let last = until_seconds.div_euclid(DAY_SECONDS) + 1;
    (first..=last)
        .map(midnight_seconds)
        .filter(move |end| since_seconds < *end && *end <= until_seconds)
}

/// Returns when day number `day` (since 1970) starts in US Pacific time, in Unix seconds.
fn midnight_seconds(day: i64) -> i64 {
    let offset_hours = if is_summer(day) { 7 } else { 8 };
    day * DAY_SECONDS + offset_hours * HOUR_SECONDS
}

/// Returns whether daylight saving time is in effect at the start of the day.
///
/// That is from the day after the second Sunday in March through the first Sunday in November.
fn is_summer(day: i64) -> bool {
    let (year, month) = civil(day);
    let sunday = |month: i64, nth: i64| {
        let first = days_before(year, month);
        let weekday = (first + 4).rem_euclid(7);
        first + (7 - weekday).rem_euclid(7) + (nth - 1) * 7
    };
    match month {
        3 => day > sunday(3, 2),
        11 => day <= sunday(11, 1),
        month => (4..=10).contains(&month),
    }
}

/// Returns the days from 1970 to the first of a month. Counts years from March, so that leap days
/// come last.
fn days_before(year: i64, month: i64) -> i64 {
    let (year, month) = if month > 2 {
        (year, month - 3)
    } else {
        (year - 1, month + 9)
    };
    let era_days = year * 365 + year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    era_days + (153 * month + 2) / 5 - 719_468
}

/// Returns the year and month of a day number since 1970.
fn civil(day: i64) -> (i64, i64) {
    let text = Timestamp::from_unix_seconds(day * DAY_SECONDS).to_string();
    let mut parts = text
        .split(['-', 'T'])
        .map(|part| part.parse().unwrap_or_default());
    let mut next = || parts.next().unwrap_or_default();
    (next(), next())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn formatted_day_ends(since: &str, until: &str) -> Vec<String> {
        let at = |text: &str| {
            serde_json::from_value::<Timestamp>(text.into())
                .unwrap()
                .unix_ms()
                / 1000
        };
        day_ends(at(since), at(until)).map(graph_time).collect()
    }

    #[test]
    fn days_end_at_8_utc_in_winter_and_7_utc_in_summer() {
        let winter = formatted_day_ends("2026-01-01T00:00:00Z", "2026-01-02T09:00:00Z");
        assert_eq!(
            winter,
            ["2026-01-01T08:00:00+0000", "2026-01-02T08:00:00+0000"]
        );
        assert_eq!(
            formatted_day_ends("2026-07-01T00:00:00Z", "2026-07-01T23:00:00Z"),
            ["2026-07-01T07:00:00+0000"]
        );
    }

    #[test]
    fn daylight_saving_changes_on_sundays_in_march_and_november() {
        let spring = formatted_day_ends("2026-03-08T00:00:00Z", "2026-03-09T12:00:00Z");
        assert_eq!(
            spring,
            ["2026-03-08T08:00:00+0000", "2026-03-09T07:00:00+0000"]
        );
        let autumn = formatted_day_ends("2026-11-01T00:00:00Z", "2026-11-02T12:00:00Z");
        assert_eq!(
            autumn,
            ["2026-11-01T07:00:00+0000", "2026-11-02T08:00:00+0000"]
        );
    }
}
