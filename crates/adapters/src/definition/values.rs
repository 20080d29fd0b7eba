//! Which values a key accepts, and how fault messages describe them.

use super::schema::Kind;
use crate::spec;

impl Kind {
    /// Describes the accepted values, to follow "must be".
    pub(super) fn expectation(&self) -> String {
        match self {
            Self::Text => "non-empty text".to_owned(),
            Self::Param => "text".to_owned(),
            Self::Url => {
                "an absolute http or https URL without user, password and fragment".to_owned()
            }
            Self::Origin => "an http or https URL without path and query".to_owned(),
            Self::Segment => "letters, digits, dots, hyphens and underscores".to_owned(),
            Self::OneOf(words) => {
                format!(
                    "one of {}",
                    words
                        .iter()
                        .map(|word| format!("`{word}`"))
                        .collect::<Vec<_>>()
                        .join(", ")
                )
            }
            Self::Boolean => "true or false".to_owned(),
            Self::Integer(..) => "a whole number".to_owned(),
            Self::Pointer => "a JSON pointer such as `/id`".to_owned(),
            Self::Scope => {
                "a scope, which is text without spaces, commas, quotes and backslashes".to_owned()
            }
            Self::Table(_) | Self::Map(..) => "a table".to_owned(),
            Self::List(_) => "a list".to_owned(),
            Self::OneOrMany(one) => format!("{}, or a list of them", one.expectation()),
            Self::ShortOr(short, _) => format!("{}, or a table", short.expectation()),
        }
    }

    /// Returns whether the key accepts this text.
    pub(super) fn accepts(&self, text: &str) -> bool {
        match self {
            Self::Text => !text.is_empty() && Self::Param.accepts(text),
            Self::Param => !text.chars().any(char::is_control),
            Self::Url => is_url(text),
            Self::Origin => is_origin(text),
            Self::Segment => is_segment(text),
            Self::OneOf(words) => words.contains(&text),
            Self::Pointer => text.starts_with('/'),
            Self::Scope => spec::is_scope(text),
            _ => false,
        }
    }
}

/// Returns the `NAME` of a URL that begins with `{NAME}`.
pub(crate) fn host_placeholder(url: &str) -> Option<&str> {
    url.strip_prefix('{')?.split_once('}').map(|(name, _)| name)
}

/// Returns each `NAME` that a URL contains as `{NAME}`.
pub(super) fn placeholders(url: &str) -> impl Iterator<Item = &str> {
    url.split('{')
        .skip(1)
        .filter_map(|piece| piece.split_once('}').map(|(name, _)| name))
}

/// Returns whether `text` is safe as one path segment of a URL. `.` and `..` are not.
pub(crate) fn is_segment(text: &str) -> bool {
    let is_allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_');
    (1..=64).contains(&text.len())
        && text.bytes().all(is_allowed)
        && !text.bytes().all(|b| b == b'.')
}

/// Returns whether `text` is a URL of the kind that [`Kind::Url`] describes.
fn is_url(text: &str) -> bool {
    let with_host = match host_placeholder(text) {
        Some(name) => text.replacen(&format!("{{{name}}}"), "https://host.example", 1),
        None => text.to_owned(),
    };
    let is_http = |url: &url::Url| {
        matches!(url.scheme(), "http" | "https")
            && url.username().is_empty()
            && url.password().is_none()
    };
    url::Url::parse(&with_host)
        .is_ok_and(|url| is_http(&url) && url.has_host() && url.fragment().is_none())
}

/// Returns whether `text` is a URL without path and query.
fn is_origin(text: &str) -> bool {
    is_url(text)
        && url::Url::parse(text).is_ok_and(|url| url.path() == "/" && url.query().is_none())
}
