//! A tolerant JSON reader.
//!
//! A token response holds tokens that exist nowhere else, so a fault in a member that Evergrant
//! does not need must not lose them. In addition to JSON (RFC 8259) the reader accepts what parsers
//! of other languages accept: duplicate names, lone surrogates, control characters in strings,
//! numbers out of range, `NaN` and `Infinity`. It accepts no text that is incomplete.

use serde_json::{Map, Number, Value};

use super::ambiguity::{pointer, record_differences};
use super::wipe::wipe;

/// Deepest nesting of objects and lists that is accepted.
const MAX_DEPTH: usize = 128;

/// The result of reading a text.
pub(super) struct Read {
    pub(super) value: Value,
    /// JSON pointers of the members that were sent several times with different values. The value
    /// contains the last one.
    pub(super) ambiguous: Vec<String>,
}

/// Reads a text that holds one JSON value; `None` if it is malformed.
pub(super) fn read(text: &str) -> Option<Read> {
    let mut reader = Reader {
        rest: text,
        path: Vec::new(),
        ambiguous: Vec::new(),
    };
    let mut value = reader.value()?;
    reader.skip_whitespace();
    if !reader.rest.is_empty() {
        wipe(&mut value);
        return None;
    }
    Some(Read {
        value,
        ambiguous: reader.ambiguous,
    })
}

struct Reader<'t> {
    rest: &'t str,
    /// The names and indices from the root to the value that is being read.
    path: Vec<String>,
    ambiguous: Vec<String>,
}

impl Reader<'_> {
    fn skip_whitespace(&mut self) {
        self.rest = self.rest.trim_start_matches([' ', '\t', '\n', '\r']);
    }

    /// Skips whitespace and then `token`. Returns whether the token was there.
    fn skip(&mut self, token: &str) -> bool {
        self.skip_whitespace();
        self.rest.strip_prefix(token).is_some_and(|rest| {
            self.rest = rest;
            true
        })
    }

    fn value(&mut self) -> Option<Value> {
        self.skip_whitespace();
        match self.rest.as_bytes().first()? {
            b'{' => self.nested(Self::object),
            b'[' => self.nested(Self::list),
            b'"' => self.string().map(Value::String),
            b'-' | b'0'..=b'9' => self.number(),
            _ => self.literal(),
        }
    }

    fn nested(&mut self, read: fn(&mut Self) -> Option<Value>) -> Option<Value> {
        (self.path.len() < MAX_DEPTH).then(|| read(self))?
    }

    fn literal(&mut self) -> Option<Value> {
        const LITERALS: [(&str, Value); 5] = [
            ("null", Value::Null),
            ("true", Value::Bool(true)),
            ("false", Value::Bool(false)),
            ("NaN", Value::Null),
            ("Infinity", Value::Null),
        ];
        LITERALS
            .into_iter()
            .find_map(|(word, value)| self.skip(word).then_some(value))
    }

    /// Reads a number. One that is out of range becomes `null`.
    fn number(&mut self) -> Option<Value> {
        if self.skip("-Infinity") {
            return Some(Value::Null);
        }
        let is_part = |c: char| c.is_ascii_digit() || matches!(c, '+' | '-' | '.' | 'e' | 'E');
        let end = self.rest.find(|c| !is_part(c)).unwrap_or(self.rest.len());
        let (digits, rest) = self.rest.split_at(end);
        self.rest = rest;
        if let Ok(number) = serde_json::from_str::<Number>(digits) {
            return Some(Value::Number(number));
        }
        let is_out_of_range = digits.parse().is_ok_and(f64::is_infinite);
        is_out_of_range.then_some(Value::Null)
    }

    fn list(&mut self) -> Option<Value> {
        self.skip("[");
        let mut items = Vec::new();
        if self.skip("]") {
            return Some(Value::Array(items));
        }
        loop {
            self.path.push(items.len().to_string());
            items.push(self.value()?);
            self.path.pop();
            if self.skip("]") {
                return Some(Value::Array(items));
            }
            self.skip(",").then_some(())?;
        }
    }

    fn object(&mut self) -> Option<Value> {
        self.skip("{");
        let mut members = Map::new();
        if self.skip("}") {
            return Some(Value::Object(members));
        }
        loop {
            self.member(&mut members)?;
            if self.skip("}") {
                return Some(Value::Object(members));
            }
            self.skip(",").then_some(())?;
        }
    }

    /// Reads one member. If the object has one with the same name, the differences are recorded.
    fn member(&mut self, members: &mut Map<String, Value>) -> Option<()> {
        self.skip_whitespace();
        let name = self.string()?;
        self.skip(":").then_some(())?;
        self.path.push(name.clone());
        let value = self.value()?;
        if let Some(first) = members.get_mut(&name) {
            record_differences(&pointer(&self.path), first, &value, &mut self.ambiguous);
            wipe(first);
        }
        self.path.pop();
        members.insert(name, value);
        Some(())
    }

    /// Reads a string. A lone surrogate becomes U+FFFD.
    fn string(&mut self) -> Option<String> {
        let mut rest = self.rest.strip_prefix('"')?;
        // One allocation: growing would leave copies of a token in memory.
        let mut text = String::with_capacity(end_of_string(rest)?);
        loop {
            let special = rest.find(['"', '\\'])?;
            let (plain, tail) = rest.split_at(special);
            text.push_str(plain);
            if let Some(after) = tail.strip_prefix('"') {
                self.rest = after;
                return Some(text);
            }
            rest = unescape(tail.get(1..)?, &mut text)?;
        }
    }
}

/// Returns the offset of the quotation mark that ends a string.
fn end_of_string(text: &str) -> Option<usize> {
    let mut is_escaped = false;
    text.bytes().position(|byte| {
        let ends = byte == b'"' && !is_escaped;
        is_escaped = byte == b'\\' && !is_escaped;
        ends
    })
}

/// Appends the character of the escape sequence after a backslash and returns the text behind it.
fn unescape<'t>(sequence: &'t str, text: &mut String) -> Option<&'t str> {
    let kind = *sequence.as_bytes().first()?;
    let rest = sequence.get(1..)?;
    text.push(match kind {
        b'"' | b'\\' | b'/' => char::from(kind),
        b'b' => '\u{8}',
        b'f' => '\u{c}',
        b'n' => '\n',
        b'r' => '\r',
        b't' => '\t',
        b'u' => return unescape_unicode(rest, text),
        _ => return None,
    });
    Some(rest)
}

/// Appends the character of a `\u` sequence, or of a pair of them.
fn unescape_unicode<'t>(digits: &'t str, text: &mut String) -> Option<&'t str> {
    let (first, rest) = code_unit(digits)?;
    let second = rest.strip_prefix("\\u").and_then(code_unit);
    let pair = second.and_then(|(second, rest)| {
        let mut decoded = char::decode_utf16([first, second]);
        let character = decoded.next()?.ok()?;
        decoded.next().is_none().then_some((character, rest))
    });
    let (character, rest) = pair.unwrap_or_else(|| {
        let single = char::from_u32(u32::from(first));
        (single.unwrap_or(char::REPLACEMENT_CHARACTER), rest)
    });
    text.push(character);
    Some(rest)
}

/// Reads the four hexadecimal digits of a UTF-16 code unit.
fn code_unit(digits: &str) -> Option<(u16, &str)> {
    let (digits, rest) = digits.split_at_checked(4)?;
    let all_hex = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    let unit = u16::from_str_radix(digits, 16).ok().filter(|_| all_hex)?;
    Some((unit, rest))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn faults_that_other_parsers_accept_do_not_lose_the_rest() {
        for (text, expected) in [
            (
                r#"{"a":"x\ud83d y","b":1}"#,
                json!({"a": "x\u{fffd} y", "b": 1}),
            ),
            (
                r#"{"a":"\ude00\ud83d","b":1}"#,
                json!({"a": "\u{fffd}\u{fffd}", "b": 1}),
            ),
            (r#"{"a":"\ud83d\ude00"}"#, json!({"a": "\u{1f600}"})),
            (
                "{\"a\":\"x\ny\u{0}\",\"b\":1}",
                json!({"a": "x\ny\u{0}", "b": 1}),
            ),
            (r#"{"a":1e999,"b":-1e999}"#, json!({"a": null, "b": null})),
            (
                r#"{"a":NaN,"b":[Infinity,-Infinity]}"#,
                json!({"a": null, "b": [null, null]}),
            ),
            (r#"{"a":1,"a":2}"#, json!({"a": 2})),
        ] {
            assert_eq!(read(text).unwrap().value, expected, "{text}");
        }
    }

    #[test]
    fn malformed_and_incomplete_text_is_rejected() {
        for text in [
            "",
            " ",
            "{",
            "{\"a\"",
            "{\"a\":",
            "{\"a\":1",
            "{\"a\":1,",
            "{\"a\":1,}",
            "{a:1}",
            "[1",
            "[1,]",
            "[1 2]",
            "\"a",
            "\"\\",
            "\"\\u12\"",
            "\"\\u+123\"",
            "\"\\x\"",
            "nul",
            "True",
            "'a'",
            "1.2.3",
            "01",
            "-",
            "+1",
            "1.",
            ".5",
            "{} x",
            "{}{}",
            "\u{feff}{}",
        ] {
            assert!(read(text).is_none(), "{text}");
        }
    }

    #[test]
    fn repeated_members_are_ambiguous_only_where_they_differ() {
        let ambiguous = |text: &str| read(text).unwrap().ambiguous;
        assert_eq!(ambiguous(r#"{"a":1,"a":1}"#), Vec::<String>::new());
        assert_eq!(ambiguous(r#"{"a":1,"\u0061":2}"#), ["/a"]);
        assert_eq!(
            ambiguous(r#"{"a":{"b":1,"c":1},"a":{"b":2,"c":1}}"#),
            ["/a/b"]
        );
        assert_eq!(ambiguous(r#"{"a":[{"x/y":1,"x/y":2}]}"#), ["/a/0/x~1y"]);
        assert_eq!(ambiguous(r#"{"a":{"b":1},"a":{"c":1}}"#), ["/a/b", "/a/c"]);
        assert_eq!(ambiguous(r#"{"a":{"b":1},"a":1}"#), ["/a"]);
    }

    #[test]
    fn deep_nesting_is_rejected_without_stack_overflow() {
        let nested = |depth: usize| format!("{}1{}", "[".repeat(depth), "]".repeat(depth));
        assert!(read(&nested(MAX_DEPTH)).is_some());
        assert!(read(&nested(MAX_DEPTH + 1)).is_none());
        assert!(read(&"{\"a\":".repeat(100_000)).is_none());
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            ".*".prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 32, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
                prop::collection::btree_map(".*", inner, 0..6)
                    .prop_map(|members| members.into_iter().collect()),
            ]
        })
    }

    proptest! {
        /// Any JSON is read as `serde_json` reads it, compact or indented.
        #[test]
        fn every_json_text_is_read_like_a_strict_parser_reads_it(value in any_json()) {
            for text in [value.to_string(), serde_json::to_string_pretty(&value).unwrap()] {
                let expected: Value = serde_json::from_str(&text).unwrap();
                let found = read(&text).unwrap();
                prop_assert_eq!(&found.value, &expected);
                prop_assert!(found.ambiguous.is_empty());
            }
        }

        /// What a strict parser accepts has the same value, and no text causes a panic.
        #[test]
        fn any_text_is_read_or_rejected(text in "[\\[\\]{}\":,0-9eE.+\\-\\\\utrfalsn \n\u{fffd}é]{0,24}|.*") {
            let found = read(&text);
            if let Ok(expected) = serde_json::from_str::<Value>(&text) {
                prop_assert_eq!(found.map(|found| found.value), Some(expected));
            }
        }

        /// A text that was cut off is never read.
        #[test]
        fn truncated_object_is_rejected(value in any_json(), at: prop::sample::Index) {
            let text = json!({"a": value}).to_string();
            let cut = at.index(text.len());
            let cut = (0..=cut).rev().find(|at| text.is_char_boundary(*at)).unwrap();
            prop_assert!(read(&text[..cut]).is_none());
        }
    }
}
