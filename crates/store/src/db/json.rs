//! JSON that both databases can store.
//!
//! PostgreSQL's `jsonb` rejects U+0000 in strings and keys. Providers may return it, for example in
//! a display name; it is replaced, so that such an account can still be connected.

use std::borrow::Cow;

use serde_json::Value;

/// Returns `value` with each U+0000 replaced by U+FFFD, on SQLite as well.
pub(crate) fn storable(value: &Value) -> Cow<'_, Value> {
    if contains_nul(value) {
        Cow::Owned(without_nul(value))
    } else {
        Cow::Borrowed(value)
    }
}

fn contains_nul(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains('\0'),
        Value::Array(items) => items.iter().any(contains_nul),
        Value::Object(fields) => fields
            .iter()
            .any(|(name, value)| name.contains('\0') || contains_nul(value)),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

fn without_nul(value: &Value) -> Value {
    let replace = |text: &str| text.replace('\0', "\u{fffd}");
    match value {
        Value::String(text) => Value::String(replace(text)),
        Value::Array(items) => items.iter().map(without_nul).collect(),
        Value::Object(fields) => fields
            .iter()
            .map(|(name, value)| (replace(name), without_nul(value)))
            .collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
    }
}
