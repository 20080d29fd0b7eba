//! Splits a command into words by the rules of the shell for which the browser wrote it, without
//! running a shell.

use std::iter::Peekable;
use std::str::Chars;

use zeroize::{Zeroize, Zeroizing};

/// Returns the words of a command by the rules of bash or of Windows' cmd. Expansions are kept
/// literally.
pub(super) fn words(command: &str) -> Zeroizing<Vec<String>> {
    let command = Zeroizing::new(if is_cmd(command) {
        without_carets(command)
    } else {
        command.to_owned()
    });
    let mut reader = Reader {
        rest: command.chars().peekable(),
        words: Zeroizing::default(),
        word: None,
    };
    while let Some(next) = reader.rest.next() {
        reader.take(next);
    }
    reader.end_word();
    std::mem::take(&mut reader.words)
}

/// Returns whether a command is escaped for cmd. Chromium escapes each quote; older versions only
/// line ends.
fn is_cmd(command: &str) -> bool {
    let first = command.split_whitespace().nth(1).unwrap_or_default();
    first.starts_with("^\"") || command.contains("^\n") || command.contains("^\r\n")
}

/// Resolves the caret escapes of cmd.
fn without_carets(command: &str) -> String {
    let escaped_quotes = command.contains("^\"");
    let mut plain = String::with_capacity(command.len());
    let mut rest = command.chars().peekable();
    while let Some(next) = rest.next() {
        match (next, rest.peek()) {
            ('^', Some('\r' | '\n')) => plain.push(' '),
            ('^', Some(_)) if escaped_quotes => plain.extend(rest.next()),
            _ => plain.push(next),
        }
    }
    plain
}

struct Reader<'t> {
    rest: Peekable<Chars<'t>>,
    words: Zeroizing<Vec<String>>,
    /// The current word; empty quotes are a word too.
    word: Option<String>,
}

impl Reader<'_> {
    fn take(&mut self, next: char) {
        match next {
            space if space.is_whitespace() => self.end_word(),
            '\\' => self.escaped(),
            '\'' => self.quoted(Self::push),
            '"' => self.double_quoted(),
            '$' if self.rest.next_if_eq(&'\'').is_some() => self.ansi_quoted(),
            other => self.push(other),
        }
    }

    fn push(&mut self, c: char) {
        self.word.get_or_insert_default().push(c);
    }

    fn end_word(&mut self) {
        self.words.extend(self.word.take());
    }

    /// Reads what follows a backslash outside quotes: a literal character, or a line continuation.
    fn escaped(&mut self) {
        match self.rest.next() {
            Some('\r') => drop(self.rest.next_if_eq(&'\n')),
            Some('\n') | None => {}
            Some(other) => self.push(other),
        }
    }

    /// Reads up to the closing single quote.
    fn quoted(&mut self, mut each: impl FnMut(&mut Self, char)) {
        self.word.get_or_insert_default();
        while let Some(next) = self.rest.next().filter(|next| *next != '\'') {
            each(self, next);
        }
    }

    /// Reads up to the closing double quote.
    fn double_quoted(&mut self) {
        self.word.get_or_insert_default();
        while let Some(next) = self.rest.next().filter(|next| *next != '"') {
            let escaped = if next == '\\' {
                self.rest.next_if(|c| matches!(c, '"' | '\\' | '$' | '`'))
            } else {
                None
            };
            self.push(escaped.unwrap_or(next));
        }
    }

    /// Reads bash's `$'…'` up to the closing quote.
    fn ansi_quoted(&mut self) {
        self.quoted(|reader, next| {
            let escape = if next == '\\' {
                reader.rest.next()
            } else {
                None
            };
            let resolved = match escape {
                None => Some(next),
                Some('n') => Some('\n'),
                Some('r') => Some('\r'),
                Some('t') => Some('\t'),
                Some('u') => reader.hex(4),
                Some('x') => reader.hex(2),
                Some(other) => Some(other),
            };
            if let Some(character) = resolved {
                reader.push(character);
            }
        });
    }

    /// Reads a character code of at most `max_digits` hexadecimal digits.
    fn hex(&mut self, max_digits: usize) -> Option<char> {
        let mut number = 0;
        for _ in 0..max_digits {
            let Some(digit) = self.rest.next_if(char::is_ascii_hexdigit) else {
                break;
            };
            number = number * 16 + digit.to_digit(16)?;
        }
        char::from_u32(number)
    }
}

impl Drop for Reader<'_> {
    fn drop(&mut self) {
        self.word.zeroize();
    }
}

#[cfg(test)]
mod tests {
    use super::words;

    #[test]
    fn quotes_and_escapes_are_resolved() {
        for (command, expected) in [
            ("a 'b c' \"d e\" f\\ g", vec!["a", "b c", "d e", "f g"]),
            ("'a'\\''b' \"\" ''", vec!["a'b", "", ""]),
            ("\"a\\\"b\\\\c\\d $e\"", vec!["a\"b\\c\\d $e"]),
            ("$'a\\'b\\u0021\\x41\\n' $a", vec!["a'b!A\n", "$a"]),
            ("a \\\n b \\\r\n c", vec!["a", "b", "c"]),
            (
                "curl ^\"a^%b^\" ^\r\n -H ^\"c: ^\\^\"d^\\^\"^\"",
                vec!["curl", "a%b", "-H", "c: \"d\""],
            ),
            ("curl \"a^b\" ^\n -H \"c\"", vec!["curl", "a^b", "-H", "c"]),
            ("'open", vec!["open"]),
            (
                "$(reboot) `reboot` ; && |",
                vec!["$(reboot)", "`reboot`", ";", "&&", "|"],
            ),
        ] {
            assert_eq!(*words(command), expected, "{command}");
        }
    }
}
