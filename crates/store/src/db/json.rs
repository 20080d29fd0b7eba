//! What platforms say of accounts is any JSON, and PostgreSQL's `jsonb` takes all of it but U+0000
//! in texts and keys. One such character in somebody's display name must not make the account
//! impossible to connect, so it is replaced.

use std::borrow::Cow;

use serde_json::Value;

/// `value` with each U+0000 as U+FFFD, on both databases alike.
pub(crate) fn storable(value: &Value) -> Cow<'_, Value> {
    if holds_nul(value) {
        Cow::Owned(without_nul(value))
    } else {
        Cow::Borrowed(value)
    }
}

fn holds_nul(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains('\0'),
        Value::Array(items) => items.iter().any(holds_nul),
        Value::Object(fields) => fields
            .iter()
            .any(|(name, value)| name.contains('\0') || holds_nul(value)),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

fn without_nul(value: &Value) -> Value {
    let mend = |text: &str| text.replace('\0', "\u{fffd}");
    match value {
        Value::String(text) => Value::String(mend(text)),
        Value::Array(items) => items.iter().map(without_nul).collect(),
        Value::Object(fields) => fields
            .iter()
            .map(|(name, value)| (mend(name), without_nul(value)))
            .collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
    }
}
