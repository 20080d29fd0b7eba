//! The text of an error with all its causes, for every log line.

use std::error::Error;

/// Maximum length of the text in characters. A database or a platform decides how long its messages
/// are.
const MAX_CHARACTERS: usize = 2_000;
/// Maximum number of causes. An error could be its own cause.
const MAX_CAUSES: usize = 16;

/// Returns the messages of `error` and of its causes, separated by colons. A cause that the message
/// before it already contains is left out.
pub(super) fn chain(error: &(dyn Error + 'static)) -> String {
    let causes = std::iter::successors(Some(error), |error| Error::source(*error));
    let mut text = String::new();
    for cause in causes.take(MAX_CAUSES) {
        let message = cause.to_string();
        if text.ends_with(&message) {
            continue;
        }
        if !text.is_empty() {
            text.push_str(": ");
        }
        text.push_str(&message);
    }
    on_one_line(&text)
}

/// Replaces control characters, so that no message can begin a log line of its own.
fn on_one_line(text: &str) -> String {
    let characters = text.chars().map(|character| match character {
        character if character.is_control() => ' ',
        character => character,
    });
    let mut bounded: String = characters.take(MAX_CHARACTERS).collect();
    if text.chars().nth(MAX_CHARACTERS).is_some() {
        bounded.push('…');
    }
    bounded
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    #[derive(Debug)]
    pub(crate) struct Link {
        message: String,
        source: Option<Box<dyn Error + Send + Sync>>,
    }

    impl std::fmt::Display for Link {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str(&self.message)
        }
    }

    impl Error for Link {
        fn source(&self) -> Option<&(dyn Error + 'static)> {
            self.source.as_deref().map(|source| source as _)
        }
    }

    /// Returns an error with a cause.
    pub(crate) fn link(message: &str, source: impl Into<Box<dyn Error + Send + Sync>>) -> Link {
        Link {
            message: message.to_owned(),
            source: Some(source.into()),
        }
    }

    #[test]
    fn causes_follow_the_error_once() {
        let wrapped = link("write failed: disk full", "disk full");
        let error = link("request failed", wrapped);
        assert_eq!(chain(&error), "request failed: write failed: disk full");
    }

    #[test]
    fn text_is_bounded_and_on_one_line() {
        let error = link("one\ntwo\x1b[2J", "x".repeat(5_000));
        let text = chain(&error);
        assert_eq!(text.chars().count(), MAX_CHARACTERS + 1);
        assert!(
            text.starts_with("one two [2J: x") && text.ends_with("x…"),
            "{text}"
        );
        let endless = (0..100).fold(link("0", "end"), |source, level| {
            link(&format!("{level}."), source)
        });
        assert_eq!(chain(&endless).split(": ").count(), MAX_CAUSES);
    }
}
