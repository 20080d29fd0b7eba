//! Request parameters, parsed as leniently as the platforms parse them.

use axum::http::{HeaderMap, header};

/// Decoded parameters in their original order.
pub(crate) struct Form(Vec<(String, String)>);

impl Form {
    /// Parses a query string or a URL-encoded form.
    pub(crate) fn parse(text: &[u8]) -> Self {
        Self(url::form_urlencoded::parse(text).into_owned().collect())
    }

    /// Parses a request body. A body without the content type of a form has no parameters.
    pub(crate) fn from_body(headers: &HeaderMap, body: &[u8]) -> Self {
        let content_type = headers
            .get(header::CONTENT_TYPE)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default();
        let is_form = content_type
            .split(';')
            .next()
            .is_some_and(|media_type| media_type.trim() == "application/x-www-form-urlencoded");
        if is_form {
            Self::parse(body)
        } else {
            Self(Vec::new())
        }
    }

    /// Creates a form from decoded parameters.
    pub(crate) fn from_pairs(pairs: Vec<(String, String)>) -> Self {
        Self(pairs)
    }

    /// Appends the parameters of `other`.
    pub(crate) fn and(mut self, other: Self) -> Self {
        self.0.extend(other.0);
        self
    }

    /// Iterates over all names and values.
    pub(crate) fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Returns the first non-empty value of `name`.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(key, value)| key == name && !value.is_empty())
            .map(|(_, value)| value.as_str())
    }

    /// Iterates over all values of `name`.
    pub(crate) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0
            .iter()
            .filter(move |(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }
}
