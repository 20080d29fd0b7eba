//! Facts in the words and forms in which the page shows them.

use evergrant_model::Timestamp;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

/// All that may not stand in a segment of a path, and more.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// Facts that the page shows in another place, or not at all.
const ELSEWHERE: [&str; 3] = ["username", "display_name", "avatar_url"];

const MINUTE: i64 = 60;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// How far `time` is from `now`, as in `in 59 minutes`.
pub(super) fn distance(time: Timestamp, now: Timestamp) -> String {
    let seconds = time.seconds_since(now);
    let span = match seconds.abs() {
        0..MINUTE => return if seconds < 0 { "just now" } else { "in less than a minute" }.to_owned(),
        MINUTE..HOUR => counted(seconds.abs() / MINUTE, "minute"),
        HOUR..DAY => counted(seconds.abs() / HOUR, "hour"),
        _ => counted(seconds.abs() / DAY, "day"),
    };
    if seconds < 0 { format!("{span} ago") } else { format!("in {span}") }
}

fn counted(number: i64, unit: &str) -> String {
    if number == 1 { format!("1 {unit}") } else { format!("{number} {unit}s") }
}

/// What a platform says of an account: names and values fit to be read.
pub(super) fn facts(metadata: &Value) -> Vec<(String, String)> {
    let object = metadata.as_object().into_iter().flatten();
    object
        .filter(|(name, _)| !ELSEWHERE.contains(&name.as_str()))
        .filter_map(|(name, value)| fact(name, value))
        .collect()
}

fn fact(name: &str, value: &Value) -> Option<(String, String)> {
    if let Some(name) = name.strip_suffix("_utc") {
        // Seconds since 1970, sometimes written with a fraction.
        let seconds = value.as_i64().or_else(|| value.as_number()?.to_string().split('.').next()?.parse().ok())?;
        let day = Timestamp::from_unix_seconds(seconds).to_string().get(..10)?.to_owned();
        return Some((capitalised(name), day));
    }
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Bool(truth) => if *truth { "yes" } else { "no" }.to_owned(),
        Value::Number(number) => number.as_i64().map_or_else(|| number.to_string(), grouped),
        _ => return None,
    };
    Some((capitalised(name), text))
}

/// `account_type` as `Account type`.
fn capitalised(name: &str) -> String {
    let spaced = name.replace('_', " ");
    let mut letters = spaced.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// `1234567` as `1,234,567`.
fn grouped(number: i64) -> String {
    let digits = number.unsigned_abs().to_string();
    let mut text = if number < 0 { "-".to_owned() } else { String::new() };
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// What a server needs to call in a user's name.
pub(super) struct Caller<'a> {
    pub(super) base: &'a str,
    pub(super) key: &'a str,
    pub(super) user: i32,
}

impl Caller<'_> {
    /// A call, ready to paste into a shell.
    pub(super) fn curl(&self, method: &str, path: &str) -> String {
        let method = if method == "GET" { String::new() } else { format!("-X {method} ") };
        format!(
            "curl -H 'Authorization: Bearer {}' \\\n  -H 'Evergrant-User: {}' \\\n  {method}{}/api/integrations/{path}",
            self.key, self.user, self.base
        )
    }

    /// A call about one account.
    pub(super) fn curl_about(&self, method: &str, action: &str, provider: &str, account: &str) -> String {
        let segment = |text: &str| utf8_percent_encode(text, SEGMENT).to_string();
        self.curl(method, &format!("{action}/{}/{}", segment(provider), segment(account)))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn tells_how_far_a_time_is() {
        let now = Timestamp::from_unix_seconds(1_000_000);
        for (seconds, words) in [
            (-30, "just now"),
            (0, "in less than a minute"),
            (60, "in 1 minute"),
            (3599, "in 59 minutes"),
            (-3600, "1 hour ago"),
            (86_400 * 60, "in 60 days"),
        ] {
            assert_eq!(distance(now.plus_seconds(seconds), now), words);
        }
    }

    #[test]
    fn facts_are_readable() {
        let metadata = json!({
            "karma": 1_234_567, "created_utc": 1_500_000_000.0, "account_type": "BUSINESS", "verified": true,
            "username": "juniper", "debt": -1000, "nothing": null, "list": [1],
        });
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(
            facts(&metadata),
            [
                pair("Account type", "BUSINESS"),
                pair("Created", "2017-07-14"),
                pair("Debt", "-1,000"),
                pair("Karma", "1,234,567"),
                pair("Verified", "yes"),
            ]
        );
    }

    #[test]
    fn no_account_id_can_break_out_of_a_pasted_line() {
        let caller = Caller { base: "http://localhost:8080", key: "evg_key", user: 2 };
        let line = caller.curl_about("POST", "refresh", "acme", "a'; rm -rf / #\"/..é");
        assert!(line.ends_with("/refresh/acme/a%27%3B%20rm%20-rf%20%2F%20%23%22%2F..%C3%A9"), "{line}");
    }
}
