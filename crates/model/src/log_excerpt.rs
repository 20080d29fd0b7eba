//! Text from outside, in a form that is safe to log.

/// Longest excerpt, in characters.
const MAX_CHARS: usize = 200;
/// Shortest run of letters and digits that may be a token.
const MIN_TOKEN_CHARS: usize = 20;
/// Shortest secret that is replaced. A shorter one would occur in ordinary words.
const MIN_SECRET_CHARS: usize = 6;
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
