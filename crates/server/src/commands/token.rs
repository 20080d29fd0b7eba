//! `evergrant token`: encrypts, decrypts and inspects tokens, for migrations from and to other
//! programs.
//!
//! Each line of the input is a value. The first invalid line ends the command with its line number,
//! and nothing is printed for it or for later lines.

use std::io::{BufRead, Write};

use clap::{Args, Subcommand};
use evergrant_encryption::{CipherError, TokenCipher};
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;

use crate::failure::{Failure, Problems};
use crate::settings::{Encryption, Sources};
use crate::wiring;

#[derive(Subcommand)]
pub(super) enum Token {
    /// Encrypt each line with the current key
    #[command(after_help = "Example: a value that contains a newline\n  \
        echo '\"two\\nlines\"' | evergrant token encrypt --json")]
    Encrypt(Lines),
    /// Decrypt each line with the current key or a previous one
    #[command(after_help = "Example:\n  evergrant token decrypt < stored.txt")]
    Decrypt(Lines),
    /// Show for each line whether it is encrypted, and with which key
    #[command(after_help = "Example:\n  evergrant token inspect < stored.txt")]
    Inspect(Lines),
}

#[derive(Args)]
pub(super) struct Lines {
    /// Read a JSON string from each line and write JSON
    #[arg(long)]
    json: bool,
}

impl Token {
    pub(super) fn run(self) -> Result<(), Failure> {
        let mut problems = Problems::default();
        let sources = Sources::from_process(&mut problems);
        let mut encryption = Encryption::read(&sources, &mut problems);
        encryption.require(&mut problems);
        let cipher = wiring::cipher(problems.finish_with(encryption.take_ring())?);
        let (input, mut out) = (std::io::stdin().lock(), std::io::stdout().lock());
        self.process_lines(&cipher, input, &mut out)
    }

    /// Processes `input` up to the first invalid line.
    fn process_lines(
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
            let invalid = |reason: &str| {
                Failure::new(
                    format!("line {number}: {reason}"),
                    "the lines before it were printed; correct it and run the command again for the rest",
                )
            };
            let value = parse_line(line, *json).map_err(invalid)?;
            let output = self
                .process_value(cipher, value.expose_secret(), *json)
                .map_err(invalid)?;
            writeln!(out, "{}", output.expose_secret())?;
        }
        Ok(out.flush()?)
    }

    fn process_value(
        &self,
        cipher: &TokenCipher,
        value: &str,
        json: bool,
    ) -> Result<SecretString, &'static str> {
        let output = match self {
            Self::Encrypt(_) => cipher
                .encrypt_token(value)
                .map_err(|error| match error {
                    CipherError::Empty => "the line is empty; a token has at least one character",
                    _ => "the value is too long to encrypt",
                })?
                .into_string()
                .into(),
            Self::Decrypt(_) => cipher
                .decrypt_token(value)
                .map_err(|_| "no configured key decrypts the value")?,
            Self::Inspect(_) => return Ok(inspect(cipher, value, json).into()),
        };
        Ok(if json {
            serde_json::Value::from(output.expose_secret())
                .to_string()
                .into()
        } else {
            output
        })
    }
}

/// Returns the value of a line, without the newline.
fn parse_line(mut line: Vec<u8>, json: bool) -> Result<SecretString, &'static str> {
    if line.last() == Some(&b'\n') {
        line.pop();
    }
    let text = String::from_utf8(line).map_err(|_| "not valid UTF-8")?;
    if json {
        serde_json::from_str::<String>(&text)
            .map(Into::into)
            .map_err(|_| "not a JSON string")
    } else {
        Ok(text.into())
    }
}

fn inspect(cipher: &TokenCipher, value: &str, json: bool) -> String {
    let key = cipher.key_of(value);
    let is_current = key.is_some() && key == cipher.fingerprints().next();
    let has_format = key.is_some() || cipher.safe_decrypt(value).is_err();
    if json {
        return json!({ "encrypted": key.is_some(), "hasForm": has_format, "key": key, "current": is_current })
            .to_string();
    }
    match key {
        Some(key) if is_current => format!("encrypted with the current key {key}"),
        Some(key) => format!("encrypted with the previous key {key}"),
        None if has_format => {
            "has the format of an encrypted token, but no configured key decrypts it".to_owned()
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

    /// Returns the output, and the message of the failure.
    fn run(command: &Token, input: &[u8]) -> (String, Option<String>) {
        let (cipher, mut out) = (evergrant_testkit::cipher(), Vec::new());
        let failure = command.process_lines(&cipher, input, &mut out).err();
        (
            String::from_utf8(out).unwrap(),
            failure.map(|failure| failure.problems()[0].message.clone()),
        )
    }

    #[test]
    fn spaces_and_last_line_without_newline_are_values() {
        let (stored, fault) = run(&Token::Encrypt(PLAIN), b"one\n three \r\nlast");
        assert_eq!((stored.lines().count(), fault), (3, None));
        assert_eq!(
            run(&Token::Decrypt(PLAIN), stored.as_bytes()),
            ("one\n three \r\nlast\n".to_owned(), None)
        );
    }

    #[test]
    fn empty_token_is_refused_with_its_line() {
        for (command, input) in [
            (Token::Encrypt(PLAIN), "one\n\ntwo\n"),
            (Token::Encrypt(JSON), "\"one\"\n\"\"\n"),
        ] {
            let (out, fault) = run(&command, input.as_bytes());
            assert_eq!(out.lines().count(), 1);
            assert_eq!(
                fault.as_deref(),
                Some("line 2: the line is empty; a token has at least one character")
            );
        }
    }

    #[test]
    fn first_invalid_line_is_reported_and_ends_the_command() {
        let (valid, _) = run(&Token::Encrypt(PLAIN), b"one");
        let input = format!("{valid}not encrypted\n{valid}");
        let (out, fault) = run(&Token::Decrypt(PLAIN), input.as_bytes());
        assert_eq!(
            (out.as_str(), fault.as_deref()),
            (
                "one\n",
                Some("line 2: no configured key decrypts the value")
            )
        );
    }

    #[test]
    fn modified_ciphertext_yields_no_plaintext() {
        let (valid, _) = run(
            &Token::Encrypt(PLAIN),
            b"a long plaintext, long enough for several blocks of the cipher",
        );
        let mut changed = valid.trim_end().to_owned();
        let last = if changed.ends_with('0') { "1" } else { "0" };
        changed.replace_range(changed.len() - 1.., last);
        assert_eq!(run(&Token::Decrypt(PLAIN), changed.as_bytes()).0, "");
    }

    #[test]
    fn malformed_input_is_reported_with_its_line() {
        assert_eq!(
            run(&Token::Encrypt(PLAIN), b"ok\n\xff\n").1.as_deref(),
            Some("line 2: not valid UTF-8")
        );
        assert_eq!(
            run(&Token::Encrypt(JSON), b"ok\n").1.as_deref(),
            Some("line 1: not a JSON string")
        );
    }

    #[test]
    fn inspect_shows_how_a_value_is_encrypted() {
        let (stored, _) = run(&Token::Encrypt(PLAIN), b"one");
        assert!(
            run(&Token::Inspect(PLAIN), stored.as_bytes())
                .0
                .starts_with("encrypted with the current key ")
        );
        assert_eq!(run(&Token::Inspect(PLAIN), b"one\n").0, "not encrypted\n");
        let unknown_key = format!("{}:{}:00\n", "0".repeat(32), "0".repeat(32));
        assert!(
            run(&Token::Inspect(PLAIN), unknown_key.as_bytes())
                .0
                .contains("no configured key decrypts it")
        );
        let json: serde_json::Value =
            serde_json::from_str(&run(&Token::Inspect(JSON), b"\"one\"").0).unwrap();
        assert_eq!(
            json,
            json!({ "encrypted": false, "hasForm": false, "key": null, "current": false })
        );
    }

    proptest! {
        #[test]
        fn json_lines_preserve_any_text(values in prop::collection::vec(".+", 0..5)) {
            let lines: Vec<_> = values.iter().map(|value| serde_json::Value::from(value.as_str()).to_string()).collect();
            let input = lines.join("\n");
            let (stored, fault) = run(&Token::Encrypt(JSON), input.as_bytes());
            prop_assert_eq!(fault, None);
            let (back, _) = run(&Token::Decrypt(JSON), stored.as_bytes());
            let back: Vec<String> = back.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
            prop_assert_eq!(back, values);
        }
    }
}
