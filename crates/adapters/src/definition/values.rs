//! Which values a key accepts, and how fault messages describe them.

use super::schema::Kind;
use crate::spec;

/// Minimum length of a [`Kind::Phrase`], in characters. A shorter text is in nearly every response.
const MIN_PHRASE: usize = 4;

impl Kind {
    /// Describes the accepted values, to follow "must be".
    pub(super) fn expectation(&self) -> String {
        match self {
            Self::Text => "non-empty text".to_owned(),
            Self::Param => "text".to_owned(),
            Self::Name => "a name without spaces and any of `/?#&=`".to_owned(),
            Self::Setting => {
                "the name of a setting, which has letters, digits and underscores".to_owned()
            }
            Self::Phrase => format!(
                "text of at least {MIN_PHRASE} characters, because it is searched in the whole \
                 response"
            ),
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
            Self::Text => !text.trim().is_empty() && Self::Param.accepts(text),
            Self::Param => !text.chars().any(char::is_control),
            Self::Name => is_name(text),
            Self::Setting => is_setting(text),
            Self::Phrase => text.trim().chars().count() >= MIN_PHRASE && Self::Param.accepts(text),
            Self::Url => is_url(text),
            Self::Origin => is_origin(text),
            Self::Segment => is_segment(text),
            Self::OneOf(words) => words.contains(&text),
            Self::Pointer => is_pointer(text),
            Self::Scope => spec::is_scope(text),
            _ => false,
        }
    }
}

/// Returns whether `text` can be the name of a parameter or member.
fn is_name(text: &str) -> bool {
    let is_allowed = |b: u8| b.is_ascii_graphic() && !b"/?#&=".contains(&b);
    !text.is_empty() && text.bytes().all(is_allowed)
}

/// Returns whether `text` can be the name of an environment variable.
fn is_setting(text: &str) -> bool {
    let is_allowed = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
    !text.starts_with(|c: char| c.is_ascii_digit())
        && !text.is_empty()
        && text.bytes().all(is_allowed)
}

/// Returns whether `text` is a JSON pointer (RFC 6901) to a member that has a name.
fn is_pointer(text: &str) -> bool {
    let is_step = |step: &str| {
        let mut escapes = step.split('~').skip(1);
        !step.is_empty() && escapes.all(|rest| rest.starts_with(['0', '1']))
    };
    let steps = text.strip_prefix('/');
    steps.is_some_and(|steps| steps.split('/').all(is_step)) && Kind::Param.accepts(text)
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
