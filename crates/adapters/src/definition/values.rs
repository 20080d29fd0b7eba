//! What may stand behind a key, and how that is said.

use super::schema::Kind;
use crate::spec;

impl Kind {
    /// What is expected, in words.
    pub(super) fn words(&self) -> String {
        match self {
            Self::Text => "text that is not empty".to_owned(),
            Self::Url => {
                "an absolute http or https address without user, password and fragment".to_owned()
            }
            Self::Origin => "an http or https address without path and query".to_owned(),
            Self::Segment => "letters, digits, points, hyphens and underscores".to_owned(),
            Self::Word(words) => {
                format!(
                    "one of {}",
                    words
                        .iter()
                        .map(|word| format!("`{word}`"))
                        .collect::<Vec<_>>()
                        .join(", ")
                )
            }
            Self::Flag => "true or false".to_owned(),
            Self::Number(..) => "a whole number".to_owned(),
            Self::Pointer => "a JSON pointer such as `/id`".to_owned(),
            Self::Scope => {
                "a scope: text without spaces, commas, quotes and backslashes".to_owned()
            }
            Self::Table(_) | Self::Map(..) => "a table".to_owned(),
            Self::Each(_) => "a list".to_owned(),
            Self::ShortOr(short, _) => format!("{}, or a table", short.words()),
        }
    }

    /// Whether this text may stand there.
    pub(super) fn accepts(&self, text: &str) -> bool {
        match self {
            Self::Text => !text.is_empty() && !text.chars().any(char::is_control),
            Self::Url => is_address(text),
            Self::Origin => is_origin(text),
            Self::Segment => is_segment(text),
            Self::Word(words) => words.contains(&text),
            Self::Pointer => text.starts_with('/'),
            Self::Scope => spec::is_scope(text),
            _ => false,
        }
    }
}

/// The `NAME` of an address that begins with `{NAME}`.
pub(crate) fn host_name(address: &str) -> Option<&str> {
    address
        .strip_prefix('{')?
        .split_once('}')
        .map(|(name, _)| name)
}

/// Each `NAME` that stands as `{NAME}` in an address.
pub(super) fn placeholders(address: &str) -> impl Iterator<Item = &str> {
    address
        .split('{')
        .skip(1)
        .filter_map(|piece| piece.split_once('}').map(|(name, _)| name))
}

/// Whether `text` can stand between two slashes of an address and stay there.
pub(crate) fn is_segment(text: &str) -> bool {
    let tame = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_');
    (1..=64).contains(&text.len()) && text.bytes().all(tame) && !text.bytes().all(|b| b == b'.')
}

fn is_address(text: &str) -> bool {
    let with_host = match host_name(text) {
        Some(name) => text.replacen(&format!("{{{name}}}"), "https://host.example", 1),
        None => text.to_owned(),
    };
    let tame = |url: &url::Url| {
        matches!(url.scheme(), "http" | "https")
            && url.username().is_empty()
            && url.password().is_none()
    };
    url::Url::parse(&with_host)
        .is_ok_and(|url| tame(&url) && url.has_host() && url.fragment().is_none())
}

fn is_origin(text: &str) -> bool {
    is_address(text)
        && url::Url::parse(text).is_ok_and(|url| url.path() == "/" && url.query().is_none())
}
