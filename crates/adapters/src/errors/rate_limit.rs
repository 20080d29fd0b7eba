//! Recognizes answers which say that a rate limit is reached, in the many words that providers use
//! beside the status 429.

use super::words::words;

/// Phrases that name a reached limit. A word in a phrase may have another ending.
const PHRASES: &[&[&str]] = &[
    &["rate", "limit"],
    &["ratelimit"],
    &["request", "limit"],
    &["daily", "limit"],
    &["quota", "exceeded"],
    &["exceeded", "quota"],
    &["too", "many", "request"],
    &["too", "many", "call"],
    &["toomanyrequests"],
    &["throttl"],
];

/// Returns whether a code or message names a reached rate limit, such as `userRateLimitExceeded`,
/// `ratelimited` or "Too many requests".
pub(super) fn is_named_in(text: &str) -> bool {
    let words = words(text);
    PHRASES.iter().any(|phrase| {
        words.windows(phrase.len()).any(|window| {
            let mut pairs = window.iter().zip(*phrase);
            pairs.all(|(word, start)| word.starts_with(start))
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reached_limit_is_recognized_in_codes_and_sentences() {
        for text in [
            "rate_limit_exceeded",
            "rate-limited",
            "ratelimited",
            "rateLimitExceeded",
            "userRateLimitExceeded",
            "User Rate Limit Exceeded",
            "dailyLimitExceeded",
            "quotaExceeded",
            "QUOTA_EXCEEDED",
            "too_many_requests",
            "TooManyRequestsException",
            "Too many calls from this app",
            "RequestLimitReached",
            "Throttled",
            "ThrottlingException",
            "You have exceeded your request limit",
            "The request was throttled.",
            "token_rate_limited",
        ] {
            assert!(is_named_in(text), "{text}");
        }
    }

    #[test]
    fn other_text_is_not_taken_for_rate_limit() {
        for text in [
            "",
            "invalid_grant",
            "Too many parameters",
            "rate",
            "limit",
            "The refresh token exceeded its lifetime",
            "limited_access",
            "unlimited",
            "corporate limits",
        ] {
            assert!(!is_named_in(text), "{text}");
        }
    }
}
