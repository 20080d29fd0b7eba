//! A tolerant JSON reader.
//!
//! A token response holds tokens that exist nowhere else, so a fault in a member that Evergrant
//! does not need must not lose them. In addition to JSON (RFC 8259) the reader accepts what parsers
//! of other languages accept: duplicate names, lone surrogates, control characters in strings,
//! numbers out of range, `NaN` and `Infinity`, comments, a comma behind the last member, a guard
//! against cross-site inclusion before the value and NUL bytes behind it. It accepts no text that
//! is incomplete.

use serde_json::{Map, Number, Value};

use super::ambiguity::{pointer, record_differences};
use super::wipe::wipe;

/// Deepest nesting of objects and lists that is read. Deeper ones are skipped.
const MAX_DEPTH: usize = 128;

/// Text that some platforms send before JSON, so that no web page can include it as a script.
const GUARDS: [&str; 6] = [
    ")]}',",
    ")]}'",
    "while(1);",
    "while (1);",
    "for(;;);",
    "for (;;);",
];

/// Start and end of the comments that are skipped. Web servers append those of HTML to a response.
const COMMENTS: [(&str, &str); 3] = [("<!--", "-->"), ("/*", "*/"), ("//", "\n")];

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
    let _ = GUARDS.into_iter().any(|guard| reader.skip(guard));
    let mut value = reader.value()?;
    while reader.skip("\0") {}
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
    /// Skips whitespace and comments.
    fn skip_whitespace(&mut self) {
        loop {
            self.rest = self.rest.trim_start_matches([' ', '\t', '\n', '\r']);
            let mut comments = COMMENTS.into_iter();
            let Some(rest) = comments.find_map(|kind| behind(kind, self.rest)) else {
                return;
            };
            self.rest = rest;
        }
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
        if self.path.len() < MAX_DEPTH {
            read(self)
        } else {
            self.skip_nested()
        }
    }

    /// Skips an object or list without recursion, and returns an empty list in its place.
    fn skip_nested(&mut self) -> Option<Value> {
        let mut open = Vec::new();
        loop {
            let start = self.rest.find(['"', '[', ']', '{', '}'])?;
            let (_, found) = self.rest.split_at(start);
            let (first, mut rest) = found.split_at_checked(1)?;
            match first {
                "\"" => rest = rest.get(end_of_string(rest)? + 1..)?,
                "[" => open.push("]"),
                "{" => open.push("}"),
                end => (open.pop() == Some(end)).then_some(())?,
            }
            self.rest = rest;
            if open.is_empty() {
                return Some(Value::Array(Vec::new()));
            }
        }
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
        while !self.skip("]") {
            self.path.push(items.len().to_string());
            items.push(self.value()?);
            self.path.pop();
            self.separator("]")?;
        }
        Some(Value::Array(items))
    }

    fn object(&mut self) -> Option<Value> {
        self.skip("{");
        let mut members = Map::new();
        while !self.skip("}") {
            self.member(&mut members)?;
            self.separator("}")?;
        }
        Some(Value::Object(members))
    }

    /// Skips the comma behind a member, which may be missing before `end`.
    fn separator(&mut self, end: &str) -> Option<()> {
        (self.skip(",") || self.rest.starts_with(end)).then_some(())
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

/// Returns the text behind a comment of this kind; `None` if `text` does not begin with a whole
/// one.
fn behind<'t>((start, end): (&str, &str), text: &'t str) -> Option<&'t str> {
    let (_, rest) = text.strip_prefix(start)?.split_once(end)?;
    Some(rest)
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
mod tests;
