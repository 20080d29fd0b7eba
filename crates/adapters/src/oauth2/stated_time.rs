//! Times and lifetimes as providers state them: numbers or text, in several units and formats. None
//! is believed if it is before the year 2001 or more than ten years ahead.

use evergrant_model::{
    EARLIEST_EXPIRY_SECONDS, MAX_LIFETIME, SignedDuration, Timestamp, plausible_expiry,
};
use jiff::civil::DateTime;
use jiff::fmt::rfc2822;
use jiff::tz::TimeZone;
use serde_json::Value;

/// Parses a lifetime of at least a second, given in seconds; `None` for anything else. A number
/// that can only be a Unix time, and a date, count as the end of the lifetime.
pub(crate) fn lifetime(value: &Value, now: Timestamp) -> Option<SignedDuration> {
    let Some(seconds) = number(value) else {
        return expiry(value, now).map(|end| end.since(now));
    };
    if seconds > MAX_LIFETIME.as_secs_f64() {
        let end = unix_time(seconds).filter(|end| *end > now && *end <= now + MAX_LIFETIME);
        return Some(end.map_or(MAX_LIFETIME, |end| end.since(now)));
    }
    (seconds >= 1.0).then(|| SignedDuration::from_secs(whole(seconds)))
}

/// Parses a time: a Unix time in seconds or smaller units, or a date of RFC 3339 or RFC 2822. It is
/// at most ten years after `now`. `None` for anything else and for times before September 2001.
pub(crate) fn time(value: &Value, now: Timestamp) -> Option<Timestamp> {
    let stated = match number(value) {
        Some(number) => unix_time(number)?,
        None => date(value.as_str()?.trim())?,
    };
    plausible_expiry(stated, now)
}

/// Parses a time as [`time`] does, and returns it if it is after `now`.
pub(crate) fn expiry(value: &Value, now: Timestamp) -> Option<Timestamp> {
    time(value, now).filter(|end| *end > now)
}

fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}

/// Converts a Unix time, whose magnitude shows its unit: seconds, milliseconds, microseconds or
/// nanoseconds. `None` for smaller numbers.
fn unix_time(number: f64) -> Option<Timestamp> {
    let milliseconds = match number {
        _ if whole(number) < EARLIEST_EXPIRY_SECONDS => return None,
        _ if number < 1e11 => number * 1e3,
        _ if number < 1e14 => number,
        _ if number < 1e17 => number / 1e3,
        _ if number.is_finite() => number / 1e6,
        _ => return None,
    };
    // A fraction of a second is dropped.
    Some(Timestamp::from_unix_seconds(whole(milliseconds / 1e3)))
}

/// Parses a date. One without offset is in UTC. The year 9999 stands for "never" and is beyond the
/// range of some parsers, so the rest of such a date does not matter.
fn date(text: &str) -> Option<Timestamp> {
    if text.starts_with("9999-") {
        return Some(Timestamp::from_unix_ms(i64::MAX));
    }
    let in_utc = |civil: DateTime| civil.to_zoned(TimeZone::UTC).map(|zoned| zoned.timestamp());
    let parsed = text
        .parse::<jiff::Timestamp>()
        .or_else(|_| rfc2822::DateTimeParser::new().parse_timestamp(text))
        .or_else(|_| text.parse().and_then(in_utc));
    parsed
        .ok()
        .map(|at| Timestamp::from_unix_ms(at.as_millisecond()))
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "the conversion saturates, and every result is clamped to ten years"
)]
fn whole(number: f64) -> i64 {
    number as i64
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    const NOW_S: i64 = 1_767_225_600;
    const TEN_YEARS_SECONDS: i64 = 315_576_000;

    fn now() -> Timestamp {
        Timestamp::from_unix_seconds(NOW_S)
    }

    /// Returns the seconds from now.
    fn from_now(at: Option<Timestamp>) -> Option<i64> {
        at.map(|at| at.since(now()).as_secs())
    }

    #[test]
    fn time_is_read_in_every_unit_and_format() {
        for value in [
            json!(1_906_545_600),
            json!("1906545600"),
            json!(1_906_545_600.75),
            json!(1_906_545_600_000_i64),
            json!(1_906_545_600_000_123_i64),
            json!(1_906_545_600_000_000_123_i64),
            json!("2030-06-01T12:00:00Z"),
            json!(" 2030-06-01T12:00:00.999Z "),
            json!("2030-06-01T14:00:00+02:00"),
            json!("2030-06-01T14:00:00+0200"),
            json!("2030-06-01 12:00:00Z"),
            json!("2030-06-01T12:00:00"),
            json!("2030-06-01 12:00:00"),
            json!("Sat, 01 Jun 2030 12:00:00 GMT"),
        ] {
            let at = time(&value, now()).map(|at| at.unix_ms() / 1000);
            assert_eq!(at, Some(1_906_545_600), "{value}");
        }
    }

    #[test]
    fn implausible_time_is_dropped_or_shortened_to_ten_years() {
        for (value, expected) in [
            (json!(0), None),
            (json!(-1), None),
            (json!(3600), None),
            (json!("1970-01-01T00:00:00Z"), None),
            (json!("0001-01-01T00:00:00"), None),
            (json!("soon"), None),
            (json!(""), None),
            (json!(null), None),
            (json!([1]), None),
            (json!("NaN"), None),
            (json!("inf"), None),
            (json!(NOW_S), None),
            (json!(NOW_S - 1), None),
            (json!((NOW_S - 1) * 1000), None),
            (json!(NOW_S + 1), Some(1)),
            (json!(99_999_999_999_i64), Some(TEN_YEARS_SECONDS)),
            (json!("9999-12-31T23:59:59"), Some(TEN_YEARS_SECONDS)),
            (json!(u64::MAX), Some(TEN_YEARS_SECONDS)),
        ] {
            assert_eq!(from_now(expiry(&value, now())), expected, "{value}");
        }
        let past = time(&json!(NOW_S - 60), now());
        assert_eq!(from_now(past), Some(-60));
    }

    #[test]
    fn lifetime_that_can_only_be_an_end_is_read_as_one() {
        for (value, seconds) in [
            (json!(NOW_S + 60), 60),
            (json!((NOW_S + 60) * 1000), 60),
            (json!("2026-01-01T00:01:00Z"), 60),
            (json!(NOW_S - 60), TEN_YEARS_SECONDS),
            (json!(1e18), TEN_YEARS_SECONDS),
        ] {
            let expected = Some(SignedDuration::from_secs(seconds));
            assert_eq!(lifetime(&value, now()), expected, "{value}");
        }
    }

    proptest! {
        /// No number and no text yields a time outside of the years that are believed.
        #[test]
        fn every_time_is_plausible(number: f64, text in "[0-9TZ:+ -]{0,30}|.*") {
            for value in [json!(number), json!(number.to_string()), json!(text)] {
                let life = lifetime(&value, now()).map_or(1, |life| life.as_secs());
                prop_assert!((1..=TEN_YEARS_SECONDS).contains(&life));
                let at = time(&value, now()).map_or(NOW_S, |at| at.unix_ms() / 1000);
                prop_assert!((1_000_000_000..=NOW_S + TEN_YEARS_SECONDS).contains(&at));
            }
        }
    }
}
