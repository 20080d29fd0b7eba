//! The JSON object or form in a response. It may hold tokens, so it is wiped from memory on drop.
//!
//! Reading is tolerant, because a fault in a member that is not needed must not lose the others.
//! The caller is strict about the members that it needs: see [`Document::is_ambiguous`].

mod ambiguity;
mod encoding;
mod reader;
mod wipe;

use serde_json::{Map, Value};
use url::form_urlencoded;

use ambiguity::{escaped, record_differences};
use reader::Read;
use wipe::wipe;

/// A JSON object. Its strings are wiped on drop.
pub(crate) struct Document {
    value: Value,
    /// JSON pointers of the members that were sent several times with different values.
    ambiguous: Vec<String>,
}

impl Document {
    /// Parses a JSON object; `None` if the body is anything else. Invalid bytes become U+FFFD.
    pub(crate) fn parse(body: &[u8]) -> Option<Self> {
        let Read { value, ambiguous } = reader::read(&encoding::decode(body))?;
        let document = Self { value, ambiguous };
        document.value.is_object().then_some(document)
    }

    /// Parses a JSON object that is the only item of a list, or encoded twice, as a JSON string;
    /// `None` if the body is anything else.
    pub(crate) fn parse_wrapped(body: &[u8]) -> Option<Self> {
        let Read { value, ambiguous } = reader::read(&encoding::decode(body))?;
        let document = Self { value, ambiguous };
        match &document.value {
            Value::String(text) => Self::parse(text.as_bytes()),
            Value::Array(items) if matches!(items.as_slice(), [Value::Object(_)]) => {
                Some(document.unwrapped("/0"))
            }
            _ => None,
        }
    }

    /// Parses a URL-encoded form; `None` if the body is anything else. Early OAuth platforms sent
    /// token responses and errors in this format.
    pub(crate) fn parse_form(body: &[u8]) -> Option<Self> {
        let text = encoding::decode(body);
        let text = text.trim_matches(|c: char| c.is_whitespace() || c == '\0');
        let text = text.trim_end_matches('&');
        let is_name = |name: &str| {
            let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.');
            !name.is_empty() && name.bytes().all(allowed)
        };
        let is_form = text.bytes().all(|b| b.is_ascii_graphic() && b != b'<')
            && text
                .split('&')
                .all(|pair| pair.split_once('=').is_some_and(|(name, _)| is_name(name)));
        if !is_form {
            return None;
        }
        let mut document = Self {
            value: Value::Null,
            ambiguous: Vec::new(),
        };
        let mut members = Map::new();
        for (name, value) in form_urlencoded::parse(text.as_bytes()) {
            let value = Value::from(value.into_owned());
            if let Some(first) = members.get_mut(name.as_ref()) {
                let at = format!("/{}", escaped(&name));
                record_differences(&at, first, &value, &mut document.ambiguous);
                wipe(first);
            }
            members.insert(name.into_owned(), value);
        }
        document.value = Value::Object(members);
        Some(document)
    }

    /// Returns the object at `pointer` and wipes the rest; returns `self` if there is no object.
    pub(crate) fn unwrapped(mut self, pointer: &str) -> Self {
        let ambiguous = if self.is_ambiguous(pointer) {
            vec![String::new()]
        } else {
            let inside = self
                .ambiguous
                .iter()
                .filter_map(|at| at.strip_prefix(pointer));
            inside.map(str::to_owned).collect()
        };
        match self.value.pointer_mut(pointer) {
            Some(inner) if inner.is_object() => Self {
                value: inner.take(),
                ambiguous,
            },
            _ => self,
        }
    }

    pub(crate) fn value(&self) -> &Value {
        &self.value
    }

    pub(crate) fn get(&self, key: &str) -> Option<&Value> {
        self.value.get(key)
    }

    /// Returns whether the value at `pointer`, or an object around it, was sent several times with
    /// different values. [`Self::value`] holds the last one.
    pub(crate) fn is_ambiguous(&self, pointer: &str) -> bool {
        self.ambiguous.iter().any(|at| {
            pointer
                .strip_prefix(at.as_str())
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        })
    }

    /// Returns whether any member was sent several times with different values.
    pub(crate) fn contradicts_itself(&self) -> bool {
        !self.ambiguous.is_empty()
    }

    /// Moves a string out of the document, without a copy; `None` if it is absent, blank or not a
    /// string.
    pub(crate) fn take_text(&mut self, key: &str) -> Option<String> {
        match self.value.get_mut(key) {
            Some(Value::String(text)) if !text.trim().is_empty() => Some(std::mem::take(text)),
            _ => None,
        }
    }
}

impl Drop for Document {
    fn drop(&mut self) {
        wipe(&mut self.value);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parse(body: &str) -> Document {
        Document::parse(body.as_bytes()).unwrap()
    }

    #[test]
    fn duplicate_key_is_ambiguous_at_its_pointer_and_below() {
        let document = parse(r#"{"a":1,"a":2,"b":{"c":1},"b":7,"d":{"e":1,"e":2}}"#);
        for (pointer, expected) in [
            ("/a", true),
            ("/b", true),
            ("/b/c", true),
            ("/d", false),
            ("/d/e", true),
            ("/ab", false),
            ("/x", false),
        ] {
            assert_eq!(document.is_ambiguous(pointer), expected, "{pointer}");
        }
    }

    #[test]
    fn anything_but_object_is_rejected() {
        for body in [
            "", " ", "null", "true", "1", "\"a\"", "[{}]", "{", "{} x", "<html>",
        ] {
            assert!(Document::parse(body.as_bytes()).is_none(), "{body}");
        }
    }

    #[test]
    fn object_in_a_list_or_string_is_parsed_only_on_request() {
        for wrapped in [r#"[{"a":"x"}]"#, r#" "{\"a\":\"x\"}" "#] {
            assert!(Document::parse(wrapped.as_bytes()).is_none(), "{wrapped}");
            let document = Document::parse_wrapped(wrapped.as_bytes()).unwrap();
            assert_eq!(document.get("a"), Some(&Value::from("x")), "{wrapped}");
        }
        for other in [
            "[]",
            "[1]",
            "[[{}]]",
            "[{},{}]",
            r#""a""#,
            r#""[{}]""#,
            r#""\"{}\"""#,
            "{}",
            r#"[{"a":"x"}"#,
        ] {
            assert!(
                Document::parse_wrapped(other.as_bytes()).is_none(),
                "{other}"
            );
        }
        let ambiguous = Document::parse_wrapped(br#"[{"a":1,"a":2}]"#).unwrap();
        assert!(ambiguous.is_ambiguous("/a"));
    }

    #[test]
    fn byte_order_mark_and_invalid_bytes_do_not_hide_the_object() {
        for body in [
            b"\xef\xbb\xbf{\"a\":\"x\"}".as_slice(),
            b"{\"a\":\"x\",\"b\":\"\xff\xc3\"}",
            b"\xff\xfe{\0\"\0a\0\"\0:\0\"\0x\0\"\0}\0",
        ] {
            let document = Document::parse(body).unwrap();
            assert_eq!(document.get("a"), Some(&Value::from("x")));
        }
        assert!(Document::parse(b"{\"a\":\xff}").is_none());
    }

    #[test]
    fn form_is_parsed_and_other_text_is_not() {
        let body = b"\xef\xbb\xbfa=x%20y&b=1&b=2&c=&\r\n\0";
        let mut form = Document::parse_form(body).unwrap();
        assert!(form.is_ambiguous("/b") && !form.is_ambiguous("/a"));
        assert_eq!(form.take_text("a").as_deref(), Some("x y"));
        assert_eq!(form.take_text("c"), None);
        for other in [
            "",
            "a",
            "a=1&b",
            "=x",
            "a=1&&b=2",
            "a b=1",
            "a=1 b=2",
            "<p a=1>",
            "{\"a\"=1}",
            "a=\u{e9}",
        ] {
            assert!(Document::parse_form(other.as_bytes()).is_none(), "{other}");
        }
    }

    #[test]
    fn wrapped_object_is_unwrapped_and_flat_object_is_unchanged() {
        let at = |body: &str| parse(body).unwrapped("/data/0").value().to_string();
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
    fn unwrapped_object_keeps_its_ambiguous_members() {
        let inner = parse(r#"{"data":{"a":1,"a":2,"b":1},"c":1,"c":2}"#).unwrapped("/data");
        assert!(inner.is_ambiguous("/a") && !inner.is_ambiguous("/b") && !inner.is_ambiguous("/c"));
        let replaced = parse(r#"{"data":7,"data":{"a":1}}"#).unwrapped("/data");
        assert!(replaced.is_ambiguous("/a"));
    }

    #[test]
    fn text_can_be_taken_once() {
        let mut document = parse(r#"{"a":"x","b":"","c":1,"d":" "}"#);
        assert_eq!(document.take_text("a").as_deref(), Some("x"));
        for key in ["a", "b", "c", "d", "e"] {
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
            let _ = Document::parse_wrapped(&body);
            let _ = Document::parse_form(&body);
        }
    }
}
