//! Text from outside, in a form that is safe to log.

/// Longest excerpt, in characters.
const MAX_CHARS: usize = 200;
/// Shortest run of letters and digits that may be a token.
const MIN_TOKEN_CHARS: usize = 20;
/// Shortest secret that is replaced. A shorter one would occur in ordinary words.
const MIN_SECRET_CHARS: usize = 6;
/// Longest error code.
const MAX_CODE_CHARS: usize = 64;
/// Shortest part of an error code that may be random.
const MIN_RANDOM_CHARS: usize = 16;
/// The replacement of text that is or may be secret.
const REDACTED: &str = "[redacted]";

/// Returns the beginning of `text`, at most 200 characters, in a form that is safe to log.
///
/// Each of `secrets` with at least six characters is replaced, and so is any text that looks like a
/// token: a long run with digits and letters, or with both cases. Control characters, and those
/// that change the direction of text, are escaped.
#[must_use]
pub fn log_excerpt(text: &str, secrets: &[&str]) -> String {
    let mut text: String = text.chars().take(10 * MAX_CHARS).collect();
    for secret in secrets
        .iter()
        .filter(|secret| secret.len() >= MIN_SECRET_CHARS)
    {
        text = text.replace(secret, REDACTED);
    }
    let pieces = text.split_inclusive(|c| !is_token_char(c)).map(redacted);
    let mut excerpt = String::new();
    for (count, c) in pieces.collect::<String>().trim().chars().enumerate() {
        if count == MAX_CHARS {
            excerpt.push('…');
            break;
        }
        if is_invisible(c) {
            excerpt.extend(c.escape_default());
        } else {
            excerpt.push(c);
        }
    }
    excerpt
}

/// Returns an error code from outside if it is safe to log and store; otherwise `None`.
///
/// A code has 1 to 64 letters, digits, `_`, `.` and `-`. One that contains a secret, is part of
/// one, or has a long part of letters and digits like a token, is not safe. Secrets are compared
/// without regard to case; those with fewer than six characters are ignored.
#[must_use]
pub fn safe_code<'a>(code: &'a str, secrets: &[&str]) -> Option<&'a str> {
    let is_code_char = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-');
    let is_code = (1..=MAX_CODE_CHARS).contains(&code.len()) && code.bytes().all(is_code_char);
    let lower_case = code.to_ascii_lowercase();
    let is_secret = secrets.iter().any(|secret| {
        let secret = secret.to_ascii_lowercase();
        contains_secret(&lower_case, &secret) || contains_secret(&secret, &lower_case)
    });
    let is_token = code.split(['_', '.', '-']).any(is_like_random);
    (is_code && !is_secret && !is_token).then_some(code)
}

fn contains_secret(text: &str, secret: &str) -> bool {
    secret.len() >= MIN_SECRET_CHARS && text.contains(secret)
}

/// Returns whether a part of a code is more likely random than words and a number.
fn is_like_random(part: &str) -> bool {
    let has_letter = part.bytes().any(|b| b.is_ascii_alphabetic());
    let has_digit = part.bytes().any(|b| b.is_ascii_digit());
    part.len() >= MIN_RANDOM_CHARS && has_letter && has_digit
}

/// Replaces a run of token characters, which one other character may follow.
fn redacted(piece: &str) -> String {
    let run = piece.trim_end_matches(|c| !is_token_char(c));
    if is_like_token(run) {
        piece.replacen(run, REDACTED, 1)
    } else {
        piece.to_owned()
    }
}

fn is_token_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '~' | '+' | '/' | '=' | '%')
}

/// Returns whether a run of token characters may be a token, and is no long word or code.
fn is_like_token(run: &str) -> bool {
    let has = |kind: fn(&u8) -> bool| run.as_bytes().iter().any(kind);
    let (lower, upper) = (has(u8::is_ascii_lowercase), has(u8::is_ascii_uppercase));
    let is_mixed = has(u8::is_ascii_digit) || (lower && upper);
    run.len() >= MIN_TOKEN_CHARS && (lower || upper) && is_mixed
}

/// Returns whether a character is not visible, or changes how its neighbors are displayed.
fn is_invisible(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}')
        || c == '\u{feff}'
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn code_that_is_or_contains_secret_is_not_safe() {
        let secrets = ["rtSECRET-of-user", "short"];
        for code in [
            "invalid_grant",
            "AADSTS50173",
            "RefreshTokenExpiredException",
            "error_190_subcode_463",
            "short",
        ] {
            assert_eq!(safe_code(code, &secrets), Some(code));
        }
        for code in [
            "rtSECRET-of-user",
            "RTSECRET-OF-USER",
            "bad_rtSECRET-of-user",
            "SECRET-of",
            "token_k3Jd92Lx0aQ7Pz41",
            "",
            "a b",
            "<b>",
        ] {
            assert_eq!(safe_code(code, &secrets), None, "{code:?}");
        }
    }

    #[test]
    fn plain_sentence_is_unchanged() {
        for text in [
            "Token has been expired or revoked.",
            "nonce required",
            "AADSTS70000: invalid_grant_or_expired_token",
            "Réessayez: 12345678901234567890123",
        ] {
            assert_eq!(log_excerpt(text, &[]), text);
        }
    }

    #[test]
    fn secrets_and_text_like_tokens_are_replaced() {
        for (text, secrets, expected) in [
            (
                "token s3cret is dead",
                vec!["s3cret", ""],
                "token [redacted] is dead",
            ),
            ("bad ya29.a0AfH6SMBx7-long_token", vec![], "bad [redacted]"),
            (
                "token \"EAAsimlongtokenABCDEFG\" (expired)",
                vec![],
                "token \"[redacted]\" (expired)",
            ),
        ] {
            assert_eq!(log_excerpt(text, &secrets), expected);
        }
    }

    #[test]
    fn control_characters_are_escaped() {
        assert_eq!(
            log_excerpt(" a\r\nb\u{0}\u{1b}[31m\u{202e}c\t", &[]),
            r"a\r\nb\u{0}\u{1b}[31m\u{202e}c"
        );
    }

    #[test]
    fn long_text_is_shortened() {
        let excerpt = log_excerpt(&"word ".repeat(100_000), &[]);
        assert_eq!(excerpt.chars().count(), MAX_CHARS + 1);
    }

    proptest! {
        /// No text yields a control character or a long excerpt, and no secret remains.
        #[test]
        fn every_excerpt_is_safe(text: String, secret in "[a-z0-9]{6,40}") {
            let excerpt = log_excerpt(&format!("{text} {secret} {text}"), &[&secret]);
            prop_assert!(!excerpt.contains(char::is_control));
            prop_assert!(!excerpt.contains(&secret));
            prop_assert!(excerpt.chars().count() <= 10 * (MAX_CHARS + 1));
        }
    }
}
