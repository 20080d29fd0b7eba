//! Days as insights count them: from midnight to midnight on the American west coast.

use evergrant_model::Timestamp;

const DAY_S: i64 = 86_400;
const HOUR_S: i64 = 3600;

/// A moment as Graph writes it: no colon in the offset.
pub(crate) fn written(unix_s: i64) -> String {
    let text = Timestamp::from_unix_seconds(unix_s).to_string();
    format!("{}+0000", text.split('.').next().unwrap_or_default())
}

/// The ends of the days that lie within the span: after `since_s`, not after `until_s`.
pub(crate) fn ends(since_s: i64, until_s: i64) -> impl Iterator<Item = i64> {
    let first = since_s.div_euclid(DAY_S) - 1;
    let last = until_s.div_euclid(DAY_S) + 1;
    (first..=last)
        .map(midnight_s)
        .filter(move |end| since_s < *end && *end <= until_s)
}

/// When the day `day` (since 1970) begins in California.
fn midnight_s(day: i64) -> i64 {
    let offset_h = if is_summer(day) { 7 } else { 8 };
    day * DAY_S + offset_h * HOUR_S
}

/// Whether clocks there are an hour ahead at the beginning of the day: since the day after the
/// second Sunday in March, and up to the first Sunday in November.
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

/// Days from 1970 to the first of a month, by the usual count with years that begin in March.
fn days_before(year: i64, month: i64) -> i64 {
    let (year, month) = if month > 2 {
        (year, month - 3)
    } else {
        (year - 1, month + 9)
    };
    let era_days = year * 365 + year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    era_days + (153 * month + 2) / 5 - 719_468
}

/// Year and month of a day since 1970.
fn civil(day: i64) -> (i64, i64) {
    let text = Timestamp::from_unix_seconds(day * DAY_S).to_string();
    let mut parts = text
        .split(['-', 'T'])
        .map(|part| part.parse().unwrap_or_default());
    let mut next = || parts.next().unwrap_or_default();
    (next(), next())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day_ends(since: &str, until: &str) -> Vec<String> {
        let at = |text: &str| {
            serde_json::from_value::<Timestamp>(text.into())
                .unwrap()
                .unix_ms()
                / 1000
        };
        ends(at(since), at(until)).map(written).collect()
    }

    #[test]
    fn days_end_at_eight_in_winter_and_at_seven_in_summer() {
        let winter = day_ends("2026-01-01T00:00:00Z", "2026-01-02T09:00:00Z");
        assert_eq!(
            winter,
            ["2026-01-01T08:00:00+0000", "2026-01-02T08:00:00+0000"]
        );
        assert_eq!(
            day_ends("2026-07-01T00:00:00Z", "2026-07-01T23:00:00Z"),
            ["2026-07-01T07:00:00+0000"]
        );
    }

    #[test]
    fn the_clocks_change_on_sundays_in_march_and_november() {
        let spring = day_ends("2026-03-08T00:00:00Z", "2026-03-09T12:00:00Z");
        assert_eq!(
            spring,
            ["2026-03-08T08:00:00+0000", "2026-03-09T07:00:00+0000"]
        );
        let autumn = day_ends("2026-11-01T00:00:00Z", "2026-11-02T12:00:00Z");
        assert_eq!(
            autumn,
            ["2026-11-01T07:00:00+0000", "2026-11-02T08:00:00+0000"]
        );
    }
}
