//! Strict JSON responses. They may hold tokens, so they are wiped from memory on drop.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};
use zeroize::Zeroize;

/// A JSON object without duplicate keys. Its strings are wiped on drop.
pub(crate) struct Document(Value);

impl Document {
    /// Parses `body`; `None` if it is not such an object. A duplicate key is ambiguous: either of
    /// two tokens could be the valid one.
    pub(crate) fn parse(body: &[u8]) -> Option<Self> {
        let Distinct(value) = serde_json::from_slice(body).ok()?;
        let document = Self(value);
        document.0.is_object().then_some(document)
    }

    /// Returns the object at `pointer` and wipes the rest; returns `self` if there is no object.
    pub(crate) fn unwrapped(mut self, pointer: &str) -> Self {
        match self.0.pointer_mut(pointer) {
            Some(inner) if inner.is_object() => Self(inner.take()),
            _ => self,
        }
    }

    pub(crate) fn value(&self) -> &Value {
        &self.0
    }

    pub(crate) fn get(&self, key: &str) -> Option<&Value> {
        self.0.get(key)
    }

    /// Moves a string out of the document, without a copy; `None` if it is absent, empty or not a
    /// string.
    pub(crate) fn take_text(&mut self, key: &str) -> Option<String> {
        match self.0.get_mut(key) {
            Some(Value::String(text)) if !text.is_empty() => Some(std::mem::take(text)),
            _ => None,
        }
    }
}

impl Drop for Document {
    fn drop(&mut self) {
        wipe(&mut self.0);
    }
}

/// Overwrites every string in `value`.
fn wipe(value: &mut Value) {
    match value {
        Value::String(text) => text.zeroize(),
        Value::Array(list) => list.iter_mut().for_each(wipe),
        Value::Object(map) => map.values_mut().for_each(wipe),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// A value in which no object has a duplicate key.
struct Distinct(Value);

impl<'de> Deserialize<'de> for Distinct {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(DistinctVisitor).map(Self)
    }
}

struct DistinctVisitor;

impl<'de> Visitor<'de> for DistinctVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON without duplicate keys")
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_string<E: Error>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(Distinct(item)) = items.next_element()? {
            list.push(item);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut map = Map::new();
        while let Some((key, Distinct(value))) = entries.next_entry::<String, Distinct>()? {
            if map.insert(key, value).is_some() {
                return Err(A::Error::custom("duplicate key"));
            }
        }
        Ok(Value::Object(map))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn duplicate_key_at_any_depth_is_rejected() {
        for body in [
            r#"{"a":1,"a":1}"#,
            r#"{"a":{"b":1,"b":2}}"#,
            r#"{"a":[{"b":1,"b":2}]}"#,
            r#"{"a":1,"\u0061":2}"#,
        ] {
            assert!(Document::parse(body.as_bytes()).is_none(), "{body}");
        }
        assert!(Document::parse(br#"{"a":{"a":1},"b":{"a":1}}"#).is_some());
    }

    #[test]
    fn anything_but_object_is_rejected() {
        for body in [
            "",
            " ",
            "null",
            "true",
            "1",
            "\"a\"",
            "[{}]",
            "{",
            "{} x",
            "<html>",
            "\u{feff}{}",
        ] {
            assert!(Document::parse(body.as_bytes()).is_none(), "{body}");
        }
    }

    #[test]
    fn wrapped_object_is_unwrapped_and_flat_object_is_unchanged() {
        let at = |body: &str| {
            Document::parse(body.as_bytes())
                .unwrap()
                .unwrapped("/data/0")
                .value()
                .to_string()
        };
        assert_eq!(at(r#"{"data":[{"a":1}]}"#), r#"{"a":1}"#);
        for flat in [
            r#"{"a":1}"#,
            r#"{"data":[]}"#,
            r#"{"data":["x"]}"#,
            r#"{"data":{"a":1}}"#,
        ] {
            assert_eq!(at(flat), flat);
        }
    }

    #[test]
    fn deep_nesting_is_rejected_without_stack_overflow() {
        let body = [
            b"{\"a\":".repeat(100_000),
            b"1".to_vec(),
            b"}".repeat(100_000),
        ]
        .concat();
        assert!(Document::parse(&body).is_none());
    }

    #[test]
    fn text_can_be_taken_once() {
        let mut document = Document::parse(br#"{"a":"x","b":"","c":1}"#).unwrap();
        assert_eq!(document.take_text("a").as_deref(), Some("x"));
        for key in ["a", "b", "c", "d"] {
            assert_eq!(document.take_text(key), None, "{key}");
        }
    }

    #[test]
    fn wipe_reaches_every_string() {
        let mut value = serde_json::json!({"a": "x", "b": [{"c": "y"}], "d": 1});
        wipe(&mut value);
        assert_eq!(
            value,
            serde_json::json!({"a": "", "b": [{"c": ""}], "d": 1})
        );
    }

    proptest! {
        /// Parsing any bytes returns a document or `None`, and never panics.
        #[test]
        fn parse_never_panics(body: Vec<u8>) {
            let _ = Document::parse(&body);
        }
    }
}
