//! The section `[encryption]`: the key that encrypts tokens, and the keys that only decrypt.

use evergrant_encryption::{EncryptionKey, KeyError, KeyRing, parse_previous_keys};

use super::value::{Setting, Value};
use super::{Sources, key};
use crate::failure::Problems;

const WRITE_PREVIOUS: &str =
    "write the keys that were used before, separated by commas, or as a JSON array of strings";
const GENERATE_KEY: &str = "generate a key with `evergrant keys generate` and back it up: without it, stored tokens cannot be decrypted";

/// The encryption keys.
#[derive(Debug)]
pub(crate) struct Encryption {
    /// `None` if not set or invalid.
    current: Option<EncryptionKey>,
    previous: Vec<EncryptionKey>,
    /// Setting of the current key; `None` if not set.
    name: Option<String>,
    /// Whether the variable of the current key is set to an empty text.
    is_empty: bool,
    /// Settings whose keys are passphrases.
    passphrases: Vec<String>,
}

impl Encryption {
    pub(crate) fn read(sources: &Sources, problems: &mut Problems) -> Self {
        let current_setting = current(sources);
        let current = current_setting.as_ref().and_then(|setting| {
            let parsed = EncryptionKey::parse(&setting.text());
            if is_blank(setting) {
                let message = format!("{} contains only white space", setting.name);
                problems.add(message, GENERATE_KEY);
                return None;
            }
            parsed_or_report(setting, parsed, GENERATE_KEY, problems)
        });
        let previous_setting = sources.get(&key::ENCRYPTION_KEYS_PREVIOUS);
        let previous = previous_setting.as_ref().and_then(|setting| {
            let parsed = parse_previous_keys(&key_list(setting));
            parsed_or_report(setting, parsed, WRITE_PREVIOUS, problems)
        });
        let previous = previous.unwrap_or_default();
        let passphrase = |setting: Option<&Setting>, keys: &[EncryptionKey]| {
            setting
                .filter(|_| keys.iter().any(EncryptionKey::is_passphrase))
                .map(|setting| setting.name.clone())
        };
        let passphrases = [
            passphrase(current_setting.as_ref(), current.as_slice()),
            passphrase(previous_setting.as_ref(), &previous),
        ];
        let passphrases = passphrases.into_iter().flatten().collect();
        Self {
            current,
            previous,
            name: current_setting.map(|setting| setting.name),
            is_empty: sources.environment(key::ENCRYPTION_KEY.env).is_some(),
            passphrases,
        }
    }

    /// Adds a problem if the current key is not set. An invalid key was reported by
    /// [`read`](Self::read).
    pub(crate) fn require(&self, problems: &mut Problems) {
        if self.name.is_none() {
            let message = if self.is_empty {
                "TOKEN_ENCRYPTION_KEY is empty, and DATA_ENCRYPTION_KEY is not set"
            } else {
                "TOKEN_ENCRYPTION_KEY is not set, nor is DATA_ENCRYPTION_KEY"
            };
            problems.add(message, GENERATE_KEY);
        }
    }

    /// Sets the current key, unless a setting does. `name` identifies the key in messages.
    pub(crate) fn set_default(&mut self, key: EncryptionKey, name: String) {
        if self.name.is_none() {
            (self.current, self.name) = (Some(key), Some(name));
        }
    }

    /// Returns whether the current key is set, valid or not.
    pub(crate) fn has_current(&self) -> bool {
        self.name.is_some()
    }

    /// Returns the name of the current key for messages.
    pub(crate) fn name(&self) -> String {
        self.name
            .clone()
            .unwrap_or_else(|| key::ENCRYPTION_KEY.env.to_owned())
    }

    /// Moves the keys into a ring. Returns `None` without a valid current key, and on later calls.
    pub(crate) fn take_ring(&mut self) -> Option<KeyRing> {
        Some(KeyRing::new(
            self.current.take()?,
            std::mem::take(&mut self.previous),
        ))
    }

    /// Logs a warning for each setting whose key is a passphrase.
    pub(crate) fn warn_about_passphrases(&self) {
        for setting in &self.passphrases {
            tracing::warn!(
                setting,
                "encryption key is a passphrase, which can be guessed offline from a copy of the database if it is \
                 short; replace it with a key from `evergrant keys generate`"
            );
        }
    }
}

fn current(sources: &Sources) -> Option<Setting> {
    let in_environment = |name: &str| {
        let text = sources.environment(name).filter(|text| !text.is_empty())?;
        Some(Setting {
            value: Value::Text(text),
            name: name.to_owned(),
        })
    };
    in_environment(key::ENCRYPTION_KEY.env)
        .or_else(|| in_environment(key::SECOND_ENCRYPTION_KEY))
        .or_else(|| sources.get(&key::ENCRYPTION_KEY))
}

/// Returns whether a key is only white space: a passphrase that its author cannot see, such as the
/// result of a command that failed.
fn is_blank(setting: &Setting) -> bool {
    setting.text().trim().is_empty()
}

/// Returns the list of keys as text. A list of the file becomes a JSON array, because its keys may
/// contain commas.
fn key_list(setting: &Setting) -> String {
    match &setting.value {
        Value::Text(text) => text.clone(),
        Value::List(keys) => serde_json::Value::from(keys.clone()).to_string(),
    }
}

fn parsed_or_report<T>(
    setting: &Setting,
    parsed: Result<T, KeyError>,
    remedy: &str,
    problems: &mut Problems,
) -> Option<T> {
    parsed
        .map_err(|error| problems.add(format!("{}: {error}", setting.name), remedy))
        .ok()
}
