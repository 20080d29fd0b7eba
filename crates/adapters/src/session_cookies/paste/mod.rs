//! Extracts a session from pasted text: a `Cookie` line, request headers, JSON, or a browser's
//! "Copy as cURL".
//!
//! A command is parsed and never run. Unknown parts are ignored; the caller reports missing parts.

mod shell;

use std::collections::BTreeMap;

use serde_json::Value;
use zeroize::{Zeroize, Zeroizing};

use crate::oauth2::json::Document;

/// The parts of a request that carry a session. Wiped on drop.
#[derive(Default)]
pub(crate) struct Pasted {
    cookies: BTreeMap<String, String>,
    /// By lower-case name.
    headers: BTreeMap<String, String>,
}

impl Pasted {
    /// Parses `text` and detects its form.
    pub(crate) fn read(text: &str) -> Self {
        let mut found = Self::default();
        let text = text.trim();
        if is_curl(text) {
            found.command(text);
        } else if text.starts_with('{') {
            found.json(text);
        } else {
            text.lines().for_each(|line| found.read_line(line));
        }
        found
    }

    pub(crate) fn cookie(&self, name: &str) -> Option<&str> {
        self.cookies.get(name).map(String::as_str)
    }

    /// Returns the first cookie, by name, whose name begins with `prefix`.
    pub(crate) fn cookie_with_prefix(&self, prefix: &str) -> Option<&str> {
        self.cookies
            .iter()
            .find(|(key, _)| key.starts_with(prefix))
            .map(|(_, value)| value.as_str())
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }

    /// Reads the options of a `curl` command that set headers and cookies.
    fn command(&mut self, text: &str) {
        let words = shell::words(text);
        let mut words = words.iter().map(String::as_str);
        while let Some(word) = words.next() {
            let mut value = |short: &str, long: &str| match word.strip_prefix(long) {
                Some("") => words.next(),
                Some(rest) if rest.starts_with('=') => rest.get(1..),
                _ if word == short => words.next(),
                _ if long.starts_with(word) || word.starts_with("--") => None,
                _ => word.strip_prefix(short),
            };
            if let Some(header) = value("-H", "--header") {
                self.header_line(header);
            } else if let Some(cookies) = value("-b", "--cookie") {
                self.cookie_line(cookies);
            } else if let Some(agent) = value("-A", "--user-agent") {
                self.headers
                    .insert("user-agent".to_owned(), agent.trim().to_owned());
            }
        }
    }

    /// Reads an object, or its member `auth`. Keys may contain hyphens or underscores.
    fn json(&mut self, text: &str) {
        let Some(document) = Document::parse(text.as_bytes()) else {
            return;
        };
        let fields = document.get("auth").unwrap_or(document.value());
        for (key, value) in fields.as_object().into_iter().flatten() {
            let value = match value {
                Value::String(text) => Zeroizing::new(text.trim().to_owned()),
                Value::Number(number) => Zeroizing::new(number.to_string()),
                _ => continue,
            };
            match key.to_ascii_lowercase().replace('_', "-").as_str() {
                "cookie" => self.cookie_line(&value),
                name @ ("user-agent" | "x-bc") => {
                    self.headers.insert(name.to_owned(), value.to_string());
                }
                _ => {
                    self.cookies.insert(key.clone(), value.to_string());
                }
            }
        }
    }

    /// Reads a line as a header if it begins with a header name, or else as cookies.
    fn read_line(&mut self, line: &str) {
        let name = line.split_once(':').map_or("", |(name, _)| name.trim());
        let is_name = !name.is_empty()
            && name
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'));
        if is_name {
            self.header_line(line);
        } else {
            self.cookie_line(line);
        }
    }

    fn header_line(&mut self, line: &str) {
        let Some((name, value)) = line.split_once(':') else {
            return;
        };
        match name.trim().to_ascii_lowercase() {
            name if name == "cookie" => self.cookie_line(value),
            name => {
                self.headers.insert(name, value.trim().to_owned());
            }
        }
    }

    fn cookie_line(&mut self, line: &str) {
        let pairs = line
            .split(';')
            .filter_map(|pair| pair.trim().split_once('='));
        self.cookies
            .extend(pairs.map(|(name, value)| (name.trim().to_owned(), value.trim().to_owned())));
    }
}

impl Drop for Pasted {
    fn drop(&mut self) {
        self.cookies
            .values_mut()
            .chain(self.headers.values_mut())
            .for_each(Zeroize::zeroize);
    }
}

/// Returns whether `text` begins with `curl` or `curl.exe`.
fn is_curl(text: &str) -> bool {
    let rest = text
        .get(..4)
        .filter(|word| word.eq_ignore_ascii_case("curl"))
        .and_then(|_| text.get(4..));
    let rest = rest.map(|rest| rest.strip_prefix(".exe").unwrap_or(rest));
    rest.is_some_and(|rest| rest.starts_with(char::is_whitespace))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parts(text: &str) -> [Option<String>; 5] {
        let found = Pasted::read(text);
        let owned = |part: Option<&str>| part.map(str::to_owned);
        [
            owned(found.cookie("sess")),
            owned(found.cookie("auth_id")),
            owned(found.cookie_with_prefix("auth_uid_")),
            owned(found.header("user-agent")),
            owned(found.header("x-bc")),
        ]
    }

    fn all_parts() -> [Option<String>; 5] {
        [
            "s3ss!on",
            "900001",
            "42",
            "Mozilla/5.0 (X11; \"Sim\")",
            "bc0ffee",
        ]
        .map(|part| Some(part.to_owned()))
    }

    #[test]
    fn curl_command_of_every_browser_is_parsed() {
        for command in [
            // Chromium and Firefox on Linux and macOS; Chromium writes cookies with -b, and `!` as
            // an ANSI-C escape.
            "curl 'https://sim.example/api' \\\n  -H 'accept: */*' \\\n  -b $'auth_id=900001; sess=s3ss\\u0021on; auth_uid_900001=42' \\\n  -H 'user-agent: Mozilla/5.0 (X11; \"Sim\")' \\\n  -H 'x-bc: bc0ffee' \\\n  --compressed",
            "curl 'https://sim.example/api' -X POST -H 'User-Agent: Mozilla/5.0 (X11; \"Sim\")' -H 'Cookie: sess=s3ss!on; auth_id=900001; auth_uid_=42' -H 'X-BC: bc0ffee' --data-raw 'a -H b'",
            // Chromium on Windows, for cmd.
            "curl ^\"https://sim.example/api^\" ^\r\n  -H ^\"accept: */*^\" ^\r\n  -b ^\"sess=s3ss^!on; auth_id=900001; auth_uid_=42^\" ^\r\n  -H ^\"user-agent: Mozilla/5.0 (X11; ^\\^\"Sim^\\^\")^\" ^\r\n  -H ^\"x-bc: bc0ffee^\"",
            // An older cmd form, its lines joined by a single-line field.
            "curl.exe \"https://sim.example/api\" ^  -H \"cookie: sess=s3ss!on; auth_id=900001; auth_uid_=42\" ^  -A \"Mozilla/5.0 (X11; \\\"Sim\\\")\" ^  -H \"x-bc: bc0ffee\"",
            // Long options, and values attached to short ones.
            "CURL https://sim.example --cookie='sess=s3ss!on; auth_id=900001' --cookie auth_uid_=42 --user-agent \"Mozilla/5.0 (X11; \\\"Sim\\\")\" -Hx-bc:bc0ffee",
        ] {
            assert_eq!(parts(command), all_parts(), "{command}");
        }
    }

    #[test]
    fn headers_cookie_line_and_json_are_parsed() {
        let [sess, id, uid, ..] = all_parts();
        for line in [
            "sess=s3ss!on; auth_id=900001; auth_uid_=42",
            "  Cookie: sess=s3ss!on;auth_id=900001 ; auth_uid_=42 \r\n",
            "cookie:sess=s3ss!on; other=a:b=c; auth_id=900001;\n auth_uid_=42",
        ] {
            assert_eq!(
                parts(line),
                [sess.clone(), id.clone(), uid.clone(), None, None],
                "{line}"
            );
        }
        let agent = r#""Mozilla/5.0 (X11; \"Sim\")""#;
        for text in [
            format!(r#"{{"sess":"s3ss!on","auth_id":"900001","auth_uid_":"42","user_agent":{agent},"x_bc":"bc0ffee"}}"#),
            format!(r#"{{"auth":{{"sess":"s3ss!on","auth_id":900001,"auth_uid_":42,"user_agent":{agent},"x-bc":"bc0ffee"}}}}"#),
            format!(r#"{{"auth":{{"cookie":"auth_id=900001; sess=s3ss!on; auth_uid_=42","user-agent":{agent},"x-bc":"bc0ffee"}}}}"#),
            "Host: sim.example\nCookie: sess=s3ss!on; auth_id=900001; auth_uid_=42\nUser-Agent: Mozilla/5.0 (X11; \"Sim\")\nX-BC: bc0ffee".to_owned(),
        ] {
            assert_eq!(parts(&text), all_parts(), "{text}");
        }
    }

    #[test]
    fn text_without_session_yields_no_parts() {
        for text in [
            "",
            " ",
            "curl",
            "curl -H",
            "curl -b",
            "{",
            "{}",
            r#"{"auth":7}"#,
            "[]",
            "hello",
            "curl 'open",
            ":",
            "=",
        ] {
            assert_eq!(parts(text), [const { None }; 5], "{text}");
        }
    }

    proptest! {
        /// Parsing any text never panics.
        #[test]
        fn parse_never_panics(text in "(curl )?(\\PC|[\\\\'\"^$\\n -Hb;:=])*") {
            let _ = Pasted::read(&text);
        }

        /// A value in single quotes is unchanged.
        #[test]
        fn single_quoted_value_is_unchanged(value in "[!-&(-:<-~]{1,40}") {
            let command = format!("curl 'https://sim.example' -H 'x-bc: {value}'");
            let found = Pasted::read(&command);
            prop_assert_eq!(found.header("x-bc"), Some(value.as_str()));
        }
    }
}
