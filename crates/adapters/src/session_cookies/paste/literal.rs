//! Reads the literals of a program text: JSON, JavaScript, Python, PowerShell and alike, with text
//! around them, unclosed brackets, comments and superfluous commas.
//!
//! The text is scanned once and never run. What is no literal is skipped.

use std::collections::BTreeSet;

use zeroize::Zeroizing;

/// The deepest nesting that is kept; deeper brackets are read as if they were absent.
const MAX_DEPTH: usize = 64;

/// A literal.
#[derive(Debug, Clone)]
pub(super) enum Node<'t> {
    Text(Quoted<'t>),
    Group(Group<'t>),
}

/// A string as it is written, or a number or word.
#[derive(Debug, Clone, Copy)]
pub(super) struct Quoted<'t> {
    raw: &'t str,
    escape: Option<u8>,
}

/// An object, a list, the arguments of a call, or the whole text.
#[derive(Debug, Clone, Default)]
pub(super) struct Group<'t> {
    /// The called function, for arguments; empty otherwise.
    pub(super) call: &'t str,
    /// The members, with their keys if they have one.
    pub(super) members: Vec<(Option<Key<'t>>, Node<'t>)>,
}

/// The key of a member.
#[derive(Debug, Clone, Copy)]
pub(super) enum Key<'t> {
    Quoted(Quoted<'t>),
    Word(&'t str),
}

impl Key<'_> {
    /// Returns the key without the path before it: `UserAgent` of `$session.UserAgent`.
    pub(super) fn name(&self) -> Zeroizing<String> {
        match self {
            Self::Quoted(text) => text.decoded(),
            Self::Word(word) => {
                let last = word.rsplit('.').next().unwrap_or_default();
                Zeroizing::new(last.trim_start_matches(['-', '$']).to_owned())
            }
        }
    }
}

impl Group<'_> {
    /// Returns the text with this key, by its normalized name.
    pub(super) fn text(&self, names: &[&str]) -> Option<Zeroizing<String>> {
        self.members.iter().find_map(|(key, node)| match node {
            Node::Text(text) => {
                let name = super::value::normal_name(&key.as_ref()?.name());
                names.contains(&name.as_str()).then(|| text.decoded())
            }
            Node::Group(_) => None,
        })
    }

    /// Returns the texts without a key, up to the first other member.
    pub(super) fn leading_texts(&self) -> impl Iterator<Item = Zeroizing<String>> {
        self.members.iter().map_while(|member| match member {
            (None, Node::Text(text)) => Some(text.decoded()),
            _ => None,
        })
    }
}

impl Quoted<'_> {
    /// Returns the text without its escapes.
    pub(super) fn decoded(&self) -> Zeroizing<String> {
        let mut plain = Zeroizing::new(String::with_capacity(self.raw.len()));
        let escape = self.escape.map(char::from);
        let mut rest = self.raw.chars();
        while let Some(next) = rest.next() {
            if Some(next) != escape {
                plain.push(next);
                continue;
            }
            let code = |rest: &mut std::str::Chars<'_>, digits: usize| {
                let (hex, after) = rest.as_str().split_at_checked(digits)?;
                let is_hex = hex.bytes().all(|b| b.is_ascii_hexdigit());
                *rest = if is_hex { after.chars() } else { return None };
                char::from_u32(u32::from_str_radix(hex, 16).ok()?)
            };
            plain.extend(match rest.next() {
                Some('n') => Some('\n'),
                Some('r') => Some('\r'),
                Some('t') => Some('\t'),
                Some('u') if next == '\\' => code(&mut rest, 4),
                Some('x') if next == '\\' => code(&mut rest, 2),
                other => other,
            });
        }
        plain
    }
}

/// Reads the literals of a text.
pub(super) fn read(text: &str) -> Group<'_> {
    let is_powershell = [
        "WebRequestSession",
        "Invoke-WebRequest",
        "Invoke-RestMethod",
    ]
    .iter()
    .any(|word| text.contains(word));
    let mut scanner = Scanner {
        text,
        at: 0,
        escape: if is_powershell { b'`' } else { b'\\' },
        open: Vec::new(),
        items: Vec::new(),
        skipped: 0,
        unclosed: BTreeSet::new(),
    };
    scanner.run()
}

/// A piece of the text, before keys and values are combined.
enum Item<'t> {
    Word(&'t str),
    Node(Node<'t>),
    /// A colon or an equals sign.
    Divider,
    /// A comma or semicolon.
    End,
}

struct Scanner<'t> {
    text: &'t str,
    at: usize,
    escape: u8,
    /// The called functions and the items of the brackets that are open.
    open: Vec<(&'t str, Vec<Item<'t>>)>,
    items: Vec<Item<'t>>,
    /// The number of open brackets beyond [`MAX_DEPTH`].
    skipped: usize,
    /// The kinds of quotes of which no other follows that could close one.
    unclosed: BTreeSet<u8>,
}

impl<'t> Scanner<'t> {
    fn run(&mut self) -> Group<'t> {
        while let Some(byte) = self.byte(self.at) {
            match byte {
                b'"' | b'\'' => self.quoted(byte),
                b'`' => self.backticks(),
                b'{' | b'[' | b'(' => self.open_bracket(byte),
                b'}' | b']' | b')' => self.close_bracket(),
                b':' | b'=' => self.divider(),
                b',' | b';' => self.push(Item::End),
                _ if is_word_byte(byte) => self.word(),
                _ => self.at += 1,
            }
        }
        while !self.open.is_empty() {
            self.close_bracket();
        }
        group("", std::mem::take(&mut self.items), false)
    }

    fn byte(&self, at: usize) -> Option<u8> {
        self.text.as_bytes().get(at).copied()
    }

    fn push(&mut self, item: Item<'t>) {
        self.items.push(item);
        self.at += 1;
    }

    fn divider(&mut self) {
        self.push(Item::Divider);
        // Ruby and PHP write `=>`.
        if self.byte(self.at) == Some(b'>') {
            self.at += 1;
        }
    }

    fn word(&mut self) {
        let bytes = self.text.bytes().skip(self.at);
        let length = bytes.take_while(|byte| is_word_byte(*byte)).count();
        let word = &self.text[self.at..self.at + length];
        self.items.push(Item::Word(word));
        self.at += length;
    }

    fn open_bracket(&mut self, byte: u8) {
        self.at += 1;
        if self.open.len() >= MAX_DEPTH {
            self.skipped += 1;
            return;
        }
        let call = match self.items.last() {
            Some(Item::Word(word)) if byte == b'(' => *word,
            _ => "",
        };
        if !call.is_empty() {
            self.items.pop();
        }
        self.open.push((call, std::mem::take(&mut self.items)));
    }

    fn close_bracket(&mut self) {
        self.at += 1;
        if self.skipped > 0 && self.at <= self.text.len() {
            self.skipped -= 1;
            return;
        }
        if let Some((call, outer)) = self.open.pop() {
            let items = std::mem::replace(&mut self.items, outer);
            self.items
                .push(Item::Node(Node::Group(group(call, items, true))));
        }
    }

    /// Reads a string of JavaScript in backticks. Several in a row are a fence of Markdown, and in
    /// PowerShell one is an escape.
    fn backticks(&mut self) {
        let run = self.text.bytes().skip(self.at);
        let length = run.take_while(|byte| *byte == b'`').count();
        if length == 1 && self.escape != b'`' {
            self.quoted(b'`');
        } else {
            self.at += length;
        }
    }

    /// Reads a string. A quote after a letter is an apostrophe. Outside of brackets, one that is
    /// never closed is skipped.
    fn quoted(&mut self, quote: u8) {
        let start = self.at;
        let before = start.checked_sub(1).and_then(|at| self.byte(at));
        let is_prefix = matches!(self.items.last(), Some(Item::Word(word)) if is_prefix(word));
        let is_after_word = before.is_some_and(is_word_byte);
        self.at += 1;
        if self.unclosed.contains(&quote) || (is_after_word && !is_prefix) {
            return;
        }
        let triple = if quote == b'"' { "\"\"\"" } else { "'''" };
        let width = if self.text[start..].starts_with(triple) {
            3
        } else {
            1
        };
        let Some(end) = self.closing(start + width, quote, width) else {
            self.unclosed.insert(quote);
            // Inside of brackets, the text was cut off, and a part of a value is none.
            if !self.open.is_empty() {
                self.at = self.text.len();
            }
            return;
        };
        if is_after_word {
            self.items.pop();
        }
        let text = Quoted {
            raw: &self.text[start + width..end],
            escape: Some(self.escape),
        };
        self.items.push(Item::Node(Node::Text(text)));
        self.at = end + width;
    }

    /// Returns where the string that begins at `at` ends.
    fn closing(&self, mut at: usize, quote: u8, width: usize) -> Option<usize> {
        let doubles = self.escape == b'`';
        loop {
            let byte = self.byte(at)?;
            if byte == self.escape {
                at += 2;
            } else if byte == quote && width == 3 {
                if self.byte(at + 1) == Some(quote) && self.byte(at + 2) == Some(quote) {
                    return Some(at);
                }
                at += 1;
            } else if byte == quote && doubles && self.byte(at + 1) == Some(quote) {
                at += 2;
            } else if byte == quote {
                return Some(at);
            } else {
                at += 1;
            }
        }
    }
}

/// Whether a byte is part of a name, a number or a word in any language.
fn is_word_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$' | b'.' | b'-') || byte >= 0x80
}

/// Whether a word in front of a string is its prefix, as in Python.
fn is_prefix(word: &str) -> bool {
    ["b", "f", "r", "u", "br", "rb"].contains(&word)
}

/// Combines keys with their values. Outside of brackets, a value must be quoted or a group.
fn group<'t>(call: &'t str, items: Vec<Item<'t>>, is_bracketed: bool) -> Group<'t> {
    let mut members = Vec::new();
    let mut key: Option<Key<'t>> = None;
    let mut is_divided = false;
    for item in items {
        match item {
            Item::End => (key, is_divided) = (None, false),
            Item::Divider => is_divided = key.is_some() || take_key(&mut members, &mut key),
            Item::Word(word) if is_divided && is_bracketed => {
                let text = Quoted {
                    raw: word,
                    escape: None,
                };
                members.push((key.take(), Node::Text(text)));
                is_divided = false;
            }
            Item::Word(word) => {
                if word.ends_with("WebRequestSession") {
                    members.push((None, Node::Group(call_of(word))));
                }
                (key, is_divided) = (Some(Key::Word(word)), false);
            }
            Item::Node(node) => {
                // An option of PowerShell has no divider.
                let is_option = matches!(key, Some(Key::Word(word)) if word.starts_with('-'));
                let own = key.take().filter(|_| is_divided || is_option);
                members.push((own, node));
                is_divided = false;
            }
        }
    }
    Group { call, members }
}

fn call_of(word: &str) -> Group<'_> {
    Group {
        call: word,
        members: Vec::new(),
    }
}

/// Turns the last member into a key: `"name"` of `"name": …`, or of `headers["name"] = …`. Returns
/// whether it can be one.
fn take_key<'t>(members: &mut Vec<(Option<Key<'t>>, Node<'t>)>, key: &mut Option<Key<'t>>) -> bool {
    let text = match members.last() {
        Some((None, Node::Text(text))) => *text,
        Some((None, Node::Group(group))) => match group.members.as_slice() {
            [(None, Node::Text(text))] => *text,
            _ => return false,
        },
        _ => return false,
    };
    members.pop();
    *key = Some(Key::Quoted(text));
    true
}
