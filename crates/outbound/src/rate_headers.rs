//! Parses the rate-limit headers of responses.

use evergrant_model::{SignedDuration, Timestamp};
use http::HeaderMap;
use serde_json::Value;

/// Longest wait that is returned. A longer one is shortened to it.
const MAX_WAIT: SignedDuration = SignedDuration::from_hours(24);

/// One rate-limit statement of a response.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum RateSignal {
    /// `calls` calls remain in a window that ends after `window`.
    Remaining { calls: u64, window: SignedDuration },
    /// The app has used `percent` percent of its quota.
    Used { percent: f64 },
    /// The provider rejects calls for `account` during `pause`.
    AccountPaused {
        account: String,
        pause: SignedDuration,
    },
}

/// Returns the rate-limit statements of a response: remaining calls, then app usage, then paused
/// accounts. Headers that cannot be parsed are ignored.
pub(crate) fn parse_rate_headers(headers: &HeaderMap, now: Timestamp) -> Vec<RateSignal> {
    let text = |name: &str| {
        headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .map(str::trim)
    };
    let mut signals = Vec::new();
    for (remaining, reset) in [
        ("x-ratelimit-remaining", "x-ratelimit-reset"),
        ("ratelimit-remaining", "ratelimit-reset"),
    ] {
        let calls = text(remaining).and_then(whole_number);
        let window = text(reset).and_then(|reset| window(reset, now));
        signals.extend(
            calls
                .zip(window)
                .map(|(calls, window)| RateSignal::Remaining { calls, window }),
        );
    }
    let usage = text("x-app-usage").and_then(|usage| serde_json::from_str::<Value>(usage).ok());
    signals.extend(
        usage
            .as_ref()
            .and_then(highest_percent)
            .map(|percent| RateSignal::Used { percent }),
    );
    if let Some(Ok(accounts)) = text("x-business-use-case-usage").map(serde_json::from_str::<Value>)
    {
        signals.extend(paused_accounts(&accounts));
    }
    signals
}

/// Parses the time until the end of a rate-limit window; `None` if the window has ended.
fn window(reset: &str, now: Timestamp) -> Option<SignedDuration> {
    let reset = i64::try_from(whole_number(reset)?).unwrap_or(i64::MAX);
    Some(stated_wait(reset, now)).filter(SignedDuration::is_positive)
}

/// Returns the wait that a header states as a number: from zero to one day. A number that is too
/// large for a number of seconds is a Unix time in seconds or milliseconds.
#[must_use]
pub fn stated_wait(number: i64, now: Timestamp) -> SignedDuration {
    let wait = match number {
        ..=1_000_000_000 => SignedDuration::from_secs(number),
        1_000_000_001..=100_000_000_000 => Timestamp::from_unix_seconds(number).since(now),
        _ => Timestamp::from_unix_ms(number).since(now),
    };
    wait.clamp(SignedDuration::ZERO, MAX_WAIT)
}

/// Parses a count; a fraction is dropped.
fn whole_number(text: &str) -> Option<u64> {
    text.split_once('.')
        .map_or(text, |(whole, _)| whole)
        .parse()
        .ok()
}

/// Returns the highest percentage of Meta's `x-app-usage`; `None` if it states none.
fn highest_percent(usage: &Value) -> Option<f64> {
    let parts = ["call_count", "total_time", "total_cputime"];
    parts
        .iter()
        .filter_map(|part| usage.get(part)?.as_f64())
        .filter(|percent| percent.is_finite())
        .reduce(f64::max)
}

/// Returns the paused accounts of Meta's `x-business-use-case-usage`, which states waits in
/// minutes.
fn paused_accounts(accounts: &Value) -> Vec<RateSignal> {
    let minutes = |uses: &Value| {
        let waits = uses
            .as_array()?
            .iter()
            .filter_map(|one| one.get("estimated_time_to_regain_access")?.as_i64());
        waits.max().filter(|minutes| *minutes > 0)
    };
    let accounts = accounts.as_object().into_iter().flatten().take(64);
    accounts
        .filter_map(|(account, uses)| {
            let pause = SignedDuration::from_secs(minutes(uses)?.saturating_mul(60));
            Some(RateSignal::AccountPaused {
                account: account.clone(),
                pause: pause.min(MAX_WAIT),
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use http::{HeaderName, HeaderValue};

    use super::*;

    fn parse(pairs: &[(&'static str, &str)]) -> Vec<RateSignal> {
        let header = |(name, value): &(&'static str, &str)| {
            (
                HeaderName::from_static(name),
                HeaderValue::from_str(value).unwrap(),
            )
        };
        let now = Timestamp::from_unix_seconds(1_767_225_600);
        parse_rate_headers(&pairs.iter().map(header).collect(), now)
    }

    #[test]
    fn window_end_is_duration_or_unix_time() {
        let left = |calls, seconds| {
            let window = SignedDuration::from_secs(seconds);
            vec![RateSignal::Remaining { calls, window }]
        };
        assert_eq!(
            parse(&[
                ("x-ratelimit-remaining", "599.0"),
                ("x-ratelimit-reset", "287")
            ]),
            left(599, 287)
        );
        assert_eq!(
            parse(&[
                ("ratelimit-remaining", "0"),
                ("ratelimit-reset", "1767225660")
            ]),
            left(0, 60)
        );
        for (reset, seconds) in [
            ("1767225660000", 60),
            ("99999999", 86_400),
            ("99999999999", 86_400),
            ("18446744073709551615", 86_400),
        ] {
            let headers = [("ratelimit-remaining", "0"), ("ratelimit-reset", reset)];
            assert_eq!(parse(&headers), left(0, seconds), "{reset}");
        }
        for incomplete in [
            ("x-ratelimit-remaining", "many"),
            ("x-ratelimit-reset", "5"),
            ("x-ratelimit-remaining", "5"),
        ] {
            assert!(parse(&[incomplete]).is_empty());
        }
        assert!(
            parse(&[("x-ratelimit-remaining", "5"), ("x-ratelimit-reset", "0")]).is_empty(),
            "the window has ended"
        );
    }

    #[test]
    fn meta_usage_percentages_and_account_pauses_are_parsed() {
        let usage = r#"{"call_count":61,"total_time":88,"total_cputime":12}"#;
        assert_eq!(
            parse(&[("x-app-usage", usage)]),
            [RateSignal::Used { percent: 88.0 }]
        );
        let business = r#"{"17841":[{"call_count":100,"estimated_time_to_regain_access":7},{}],"2":[{}],"3":"?"}"#;
        let paused = RateSignal::AccountPaused {
            account: "17841".to_owned(),
            pause: SignedDuration::from_mins(7),
        };
        assert_eq!(parse(&[("x-business-use-case-usage", business)]), [paused]);
        let endless = r#"{"1":[{"estimated_time_to_regain_access":9223372036854775807}]}"#;
        let pause = MAX_WAIT;
        let account = "1".to_owned();
        assert_eq!(
            parse(&[("x-business-use-case-usage", endless)]),
            [RateSignal::AccountPaused { account, pause }]
        );
        for malformed in ["", "[]", "{", "{\"call_count\":\"x\"}", "7"] {
            assert!(
                parse(&[
                    ("x-app-usage", malformed),
                    ("x-business-use-case-usage", malformed)
                ])
                .is_empty(),
                "{malformed}"
            );
        }
    }
}
