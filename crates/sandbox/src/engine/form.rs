//! The parameters of a request, read as leniently as platforms read them.

use axum::http::{HeaderMap, header};

/// Decoded parameters in their order. Where a name stands twice, the first counts.
pub(crate) struct Form(Vec<(String, String)>);

impl Form {
    /// Reads a query, or the text of a form.
    pub(crate) fn parse(text: &[u8]) -> Self {
        Self(url::form_urlencoded::parse(text).into_owned().collect())
    }

    /// Reads a body; one that does not say that it is a form has no parameters.
    pub(crate) fn of_body(headers: &HeaderMap, body: &[u8]) -> Self {
        let kind = headers
            .get(header::CONTENT_TYPE)
            .and_then(|kind| kind.to_str().ok())
            .unwrap_or_default();
        let is_form = kind
            .split(';')
            .next()
            .is_some_and(|kind| kind.trim() == "application/x-www-form-urlencoded");
        if is_form {
            Self::parse(body)
        } else {
            Self(Vec::new())
        }
    }

    /// Takes the parameters as they are.
    pub(crate) fn from_pairs(pairs: Vec<(String, String)>) -> Self {
        Self(pairs)
    }

    /// These parameters, and behind them those of `other`.
    pub(crate) fn and(mut self, other: Self) -> Self {
        self.0.extend(other.0);
        self
    }

    /// Every name with its value.
    pub(crate) fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// The value of `name`; an empty one counts as none.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(key, value)| key == name && !value.is_empty())
            .map(|(_, value)| value.as_str())
    }

    /// Every value of `name`.
    pub(crate) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0
            .iter()
            .filter(move |(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }
}
