//! Reads what the headers of a response say about rate limits.

use http::HeaderMap;
use serde_json::Value;

/// One statement about limits.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum RateSignal {
    /// So many calls are left until the window ends, in so many seconds.
    Remaining { calls: u64, for_s: i64 },
    /// So much of what the app may do is used up.
    Used { percent: f64 },
    /// Calls about this account are refused for so many seconds.
    AccountPaused { account: String, for_s: i64 },
}

/// Every statement of a response, in the order of its headers. A header that cannot be read is
/// ignored.
pub(crate) fn parse_rate_headers(headers: &HeaderMap, now_s: i64) -> Vec<RateSignal> {
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
        let (Some(calls), Some(for_s)) =
            (text(remaining).and_then(whole), text(reset).and_then(whole))
        else {
            continue;
        };
        let for_s = i64::try_from(for_s).unwrap_or(i64::MAX);
        // Some platforms tell the second of the epoch instead of the seconds to come.
        let for_s = if for_s > 1_000_000_000 {
            for_s - now_s
        } else {
            for_s
        };
        signals.extend((for_s > 0).then_some(RateSignal::Remaining { calls, for_s }));
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

/// A count, with a fraction cut off.
fn whole(text: &str) -> Option<u64> {
    text.split_once('.')
        .map_or(text, |(whole, _)| whole)
        .parse()
        .ok()
}

fn highest_percent(usage: &Value) -> Option<f64> {
    let parts = ["call_count", "total_time", "total_cputime"];
    parts
        .iter()
        .filter_map(|part| usage.get(part)?.as_f64())
        .filter(|percent| percent.is_finite())
        .reduce(f64::max)
}

/// The accounts that may not be asked about for a while, which is told in minutes.
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
            Some(RateSignal::AccountPaused {
                account: account.clone(),
                for_s: minutes(uses)?.saturating_mul(60),
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use http::{HeaderName, HeaderValue};

    use super::*;

    const NOW_S: i64 = 1_767_225_600;

    fn of(pairs: &[(&'static str, &str)]) -> Vec<RateSignal> {
        let header = |(name, value): &(&'static str, &str)| {
            (
                HeaderName::from_static(name),
                HeaderValue::from_str(value).unwrap(),
            )
        };
        parse_rate_headers(&pairs.iter().map(header).collect(), NOW_S)
    }

    #[test]
    fn windows_are_read_in_seconds_or_as_a_moment() {
        let left = |calls, for_s| vec![RateSignal::Remaining { calls, for_s }];
        assert_eq!(
            of(&[
                ("x-ratelimit-remaining", "599.0"),
                ("x-ratelimit-reset", "287")
            ]),
            left(599, 287)
        );
        assert_eq!(
            of(&[
                ("ratelimit-remaining", "0"),
                ("ratelimit-reset", "1767225660")
            ]),
            left(0, 60)
        );
        for silent in [
            ("x-ratelimit-remaining", "many"),
            ("x-ratelimit-reset", "5"),
            ("x-ratelimit-remaining", "5"),
        ] {
            assert!(of(&[silent]).is_empty());
        }
        assert!(
            of(&[("x-ratelimit-remaining", "5"), ("x-ratelimit-reset", "0")]).is_empty(),
            "that window is over"
        );
    }

    #[test]
    fn metas_percentages_and_accounts_are_read() {
        let usage = r#"{"call_count":61,"total_time":88,"total_cputime":12}"#;
        assert_eq!(
            of(&[("x-app-usage", usage)]),
            [RateSignal::Used { percent: 88.0 }]
        );
        let business = r#"{"17841":[{"call_count":100,"estimated_time_to_regain_access":7},{}],"2":[{}],"3":"?"}"#;
        let paused = RateSignal::AccountPaused {
            account: "17841".to_owned(),
            for_s: 420,
        };
        assert_eq!(of(&[("x-business-use-case-usage", business)]), [paused]);
        for nonsense in ["", "[]", "{", "{\"call_count\":\"x\"}", "7"] {
            assert!(
                of(&[
                    ("x-app-usage", nonsense),
                    ("x-business-use-case-usage", nonsense)
                ])
                .is_empty(),
                "{nonsense}"
            );
        }
    }
}
