//! Splits a command into words as the shell of the browser's platform would, without a shell.

use std::iter::Peekable;
use std::str::Chars;

use zeroize::{Zeroize, Zeroizing};

/// The words of a command as bash or Windows' cmd reads it; expansions are left as they stand.
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

/// Chromium escapes each quote for cmd; an older form only each end of a line.
fn is_cmd(command: &str) -> bool {
    let first = command.split_whitespace().nth(1).unwrap_or_default();
    first.starts_with("^\"") || command.contains("^\n") || command.contains("^\r\n")
}

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
    /// The word that is being read; an empty pair of quotes is a word too.
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

    /// Outside of quotes: the next character itself, or an end of line that is none.
    fn escaped(&mut self) {
        match self.rest.next() {
            Some('\r') => drop(self.rest.next_if_eq(&'\n')),
            Some('\n') | None => {}
            Some(other) => self.push(other),
        }
    }

    /// Up to the next apostrophe.
    fn quoted(&mut self, mut each: impl FnMut(&mut Self, char)) {
        self.word.get_or_insert_default();
        while let Some(next) = self.rest.next().filter(|next| *next != '\'') {
            each(self, next);
        }
    }

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

    /// Bash's `$'…'`.
    fn ansi_quoted(&mut self) {
        self.quoted(|reader, next| {
            let escape = if next == '\\' {
                reader.rest.next()
            } else {
                None
            };
            let meant = match escape {
                None => Some(next),
                Some('n') => Some('\n'),
                Some('r') => Some('\r'),
                Some('t') => Some('\t'),
                Some('u') => reader.hex(4),
                Some('x') => reader.hex(2),
                Some(other) => Some(other),
            };
            if let Some(meant) = meant {
                reader.push(meant);
            }
        });
    }

    /// The character with this number, of up to so many hexadecimal digits.
    fn hex(&mut self, most: usize) -> Option<char> {
        let mut number = 0;
        for _ in 0..most {
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
        for (command, wanted) in [
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
            assert_eq!(*words(command), wanted, "{command}");
        }
    }
}
