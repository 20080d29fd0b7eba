//! `evergrant token`: stored tokens by hand, for migrations from and to other programs. One value a
//! line, so a bad one can be named by its number; nothing is printed for it or for any after it.

use std::io::{BufRead, Write};

use clap::{Args, Subcommand};
use evergrant_encryption::TokenCipher;
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;

use crate::failure::{Failure, Problems};
use crate::settings::{Encryption, Sources};
use crate::wiring;

#[derive(Subcommand)]
pub(super) enum Token {
    /// Encrypt each line with the current key
    #[command(after_help = "Example: a value that holds a newline\n  \
        echo '\"two\\nlines\"' | evergrant token encrypt --json")]
    Encrypt(Lines),
    /// Decrypt each line with any key of the ring
    #[command(after_help = "Example:\n  evergrant token decrypt < stored.txt")]
    Decrypt(Lines),
    /// Tell of each line whether it is encrypted, and with which key
    #[command(after_help = "Example:\n  evergrant token inspect < stored.txt")]
    Inspect(Lines),
}

#[derive(Args)]
pub(super) struct Lines {
    /// Read a JSON string from each line, and write JSON
    #[arg(long)]
    json: bool,
}

impl Token {
    pub(super) fn run(self) -> Result<(), Failure> {
        let mut problems = Problems::default();
        let sources = Sources::of_process(&mut problems);
        let mut encryption = Encryption::read(&sources, &mut problems);
        encryption.require(&mut problems);
        let cipher = wiring::cipher(problems.finish_with(encryption.take_ring())?);
        let (input, mut out) = (std::io::stdin().lock(), std::io::stdout().lock());
        self.each(&cipher, input, &mut out)
    }

    /// Works through `input` up to the first bad line.
    fn each(
        &self,
        cipher: &TokenCipher,
        mut input: impl BufRead,
        out: &mut impl Write,
    ) -> Result<(), Failure> {
        let (Self::Encrypt(Lines { json })
        | Self::Decrypt(Lines { json })
        | Self::Inspect(Lines { json })) = self;
        for number in 1.. {
            let mut line = Vec::new();
            if input.read_until(b'\n', &mut line)? == 0 {
                break;
            }
            let bad = |what: &str| {
                Failure::new(
                    format!("line {number}: {what}"),
                    "the lines before it have been printed",
                )
            };
            let value = value_of(line, *json).map_err(bad)?;
            let answer = self
                .one(cipher, value.expose_secret(), *json)
                .map_err(bad)?;
            writeln!(out, "{}", answer.expose_secret())?;
        }
        Ok(out.flush()?)
    }

    fn one(
        &self,
        cipher: &TokenCipher,
        value: &str,
        json: bool,
    ) -> Result<SecretString, &'static str> {
        let answer = match self {
            Self::Encrypt(_) => cipher
                .encrypt_token(value)
                .map_err(|_| "it is too long to be encrypted")?
                .into_string()
                .into(),
            Self::Decrypt(_) => cipher
                .decrypt_token(value)
                .map_err(|_| "no key of the ring opens it")?,
            Self::Inspect(_) => return Ok(inspect(cipher, value, json).into()),
        };
        Ok(if json {
            serde_json::Value::from(answer.expose_secret())
                .to_string()
                .into()
        } else {
            answer
        })
    }
}

/// The value of a line without its newline.
fn value_of(mut line: Vec<u8>, json: bool) -> Result<SecretString, &'static str> {
    if line.last() == Some(&b'\n') {
        line.pop();
    }
    let text = String::from_utf8(line).map_err(|_| "it is not UTF-8")?;
    if json {
        serde_json::from_str::<String>(&text)
            .map(Into::into)
            .map_err(|_| "it is not a JSON string")
    } else {
        Ok(text.into())
    }
}

fn inspect(cipher: &TokenCipher, value: &str, json: bool) -> String {
    let key = cipher.key_of(value);
    let is_current = key.is_some() && key == cipher.fingerprints().next();
    let has_form = key.is_some() || cipher.safe_decrypt(value).is_err();
    if json {
        return json!({ "encrypted": key.is_some(), "hasForm": has_form, "key": key, "current": is_current })
            .to_string();
    }
    match key {
        Some(key) if is_current => format!("encrypted with the current key {key}"),
        Some(key) => format!("encrypted with the previous key {key}"),
        None if has_form => {
            "has the form of an encrypted token, but no key of the ring opens it".to_owned()
        }
        None => "not encrypted".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const PLAIN: Lines = Lines { json: false };
    const JSON: Lines = Lines { json: true };

    /// What is printed, and what is wrong.
    fn done(command: &Token, input: &[u8]) -> (String, Option<String>) {
        let (cipher, mut out) = (evergrant_testkit::cipher(), Vec::new());
        let failure = command.each(&cipher, input, &mut out).err();
        (
            String::from_utf8(out).unwrap(),
            failure.map(|failure| failure.problems()[0].what.clone()),
        )
    }

    #[test]
    fn each_line_is_a_value_even_an_empty_one_and_the_last_without_newline() {
        let (stored, fault) = done(&Token::Encrypt(PLAIN), b"one\n\n three \r\nlast");
        assert_eq!((stored.lines().count(), fault), (4, None));
        assert_eq!(
            done(&Token::Decrypt(PLAIN), stored.as_bytes()),
            ("one\n\n three \r\nlast\n".to_owned(), None)
        );
    }

    #[test]
    fn a_bad_line_ends_the_work_and_is_named() {
        let (good, _) = done(&Token::Encrypt(PLAIN), b"one");
        let input = format!("{good}not encrypted\n{good}");
        let (out, fault) = done(&Token::Decrypt(PLAIN), input.as_bytes());
        assert_eq!(
            (out.as_str(), fault.as_deref()),
            ("one\n", Some("line 2: no key of the ring opens it"))
        );
    }

    #[test]
    fn a_changed_line_gives_no_plaintext() {
        let (good, _) = done(
            &Token::Encrypt(PLAIN),
            b"a long plaintext, long enough for several blocks of the cipher",
        );
        let mut changed = good.trim_end().to_owned();
        let last = if changed.ends_with('0') { "1" } else { "0" };
        changed.replace_range(changed.len() - 1.., last);
        assert_eq!(done(&Token::Decrypt(PLAIN), changed.as_bytes()).0, "");
    }

    #[test]
    fn bad_input_is_named_by_its_line() {
        assert_eq!(
            done(&Token::Encrypt(PLAIN), b"ok\n\xff\n").1.as_deref(),
            Some("line 2: it is not UTF-8")
        );
        assert_eq!(
            done(&Token::Encrypt(JSON), b"ok\n").1.as_deref(),
            Some("line 1: it is not a JSON string")
        );
    }

    #[test]
    fn tells_how_a_value_is_encrypted() {
        let (stored, _) = done(&Token::Encrypt(PLAIN), b"one");
        assert!(
            done(&Token::Inspect(PLAIN), stored.as_bytes())
                .0
                .starts_with("encrypted with the current key ")
        );
        assert_eq!(done(&Token::Inspect(PLAIN), b"one\n").0, "not encrypted\n");
        let foreign = format!("{}:{}:00\n", "0".repeat(32), "0".repeat(32));
        assert!(
            done(&Token::Inspect(PLAIN), foreign.as_bytes())
                .0
                .contains("no key of the ring opens it")
        );
        let json: serde_json::Value =
            serde_json::from_str(&done(&Token::Inspect(JSON), b"\"one\"").0).unwrap();
        assert_eq!(
            json,
            json!({ "encrypted": false, "hasForm": false, "key": null, "current": false })
        );
    }

    proptest! {
        #[test]
        fn json_lines_carry_any_text(values in prop::collection::vec(".*", 0..5)) {
            let lines: Vec<_> = values.iter().map(|value| serde_json::Value::from(value.as_str()).to_string()).collect();
            let input = lines.join("\n");
            let (stored, fault) = done(&Token::Encrypt(JSON), input.as_bytes());
            prop_assert_eq!(fault, None);
            let (back, _) = done(&Token::Decrypt(JSON), stored.as_bytes());
            let back: Vec<String> = back.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
            prop_assert_eq!(back, values);
        }
    }
}
