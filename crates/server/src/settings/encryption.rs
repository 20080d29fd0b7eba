//! `[encryption]`: the key that tokens are encrypted with, and those that only read.

use evergrant_encryption::{EncryptionKey, KeyError, KeyRing, parse_previous_keys};

use super::value::{Given, Value};
use super::{Sources, key};
use crate::failure::Problems;

const MAKE_ONE: &str =
    "make a key with `evergrant keys generate` and keep it safe: without it every token is lost";

/// The keys.
#[derive(Debug)]
pub(crate) struct Encryption {
    current: Option<EncryptionKey>,
    previous: Vec<EncryptionKey>,
    name: Option<String>,
    passphrases: Vec<String>,
}

impl Encryption {
    pub(crate) fn read(sources: &Sources, problems: &mut Problems) -> Self {
        let given = current(sources);
        let key = given
            .as_ref()
            .and_then(|given| noted(given, EncryptionKey::parse(&given.text()), problems));
        let before = sources.given(&key::ENCRYPTION_KEYS_PREVIOUS);
        let previous = before
            .as_ref()
            .and_then(|given| noted(given, parse_previous_keys(&list(given)), problems));
        let previous = previous.unwrap_or_default();
        let weak = |given: Option<&Given>, keys: &[EncryptionKey]| {
            given
                .filter(|_| keys.iter().any(EncryptionKey::is_passphrase))
                .map(|given| given.name.clone())
        };
        let passphrases = [
            weak(given.as_ref(), key.as_slice()),
            weak(before.as_ref(), &previous),
        ];
        let passphrases = passphrases.into_iter().flatten().collect();
        Self {
            current: key,
            previous,
            name: given.map(|given| given.name),
            passphrases,
        }
    }

    /// Notes that there is no key, unless one was given and is wrong: that has been noted already.
    pub(crate) fn require(&self, problems: &mut Problems) {
        if self.name.is_none() {
            problems.add(
                "TOKEN_ENCRYPTION_KEY is not set, nor is DATA_ENCRYPTION_KEY",
                MAKE_ONE,
            );
        }
    }

    /// Puts a key in the place of one that nobody gave.
    pub(crate) fn fall_back_to(&mut self, key: EncryptionKey, name: String) {
        if self.name.is_none() {
            (self.current, self.name) = (Some(key), Some(name));
        }
    }

    /// Whether somebody gave a current key, right or wrong.
    pub(crate) fn is_given(&self) -> bool {
        self.name.is_some()
    }

    /// What the current key is called in messages.
    pub(crate) fn name(&self) -> String {
        self.name
            .clone()
            .unwrap_or_else(|| key::ENCRYPTION_KEY.env.to_owned())
    }

    /// The ring, once; `None` without a current key.
    pub(crate) fn take_ring(&mut self) -> Option<KeyRing> {
        Some(KeyRing::new(
            self.current.take()?,
            std::mem::take(&mut self.previous),
        ))
    }

    /// Says of each passphrase that it is a weak key.
    pub(crate) fn warn_of_passphrases(&self) {
        for setting in &self.passphrases {
            tracing::warn!(
                setting,
                "this key is a passphrase: whoever holds the database can try short ones offline; {MAKE_ONE}"
            );
        }
    }
}

fn current(sources: &Sources) -> Option<Given> {
    let in_environment = |name: &str| {
        let text = sources.environment(name).filter(|text| !text.is_empty())?;
        Some(Given {
            value: Value::Text(text),
            name: name.to_owned(),
        })
    };
    in_environment(key::ENCRYPTION_KEY.env)
        .or_else(|| in_environment(key::SECOND_ENCRYPTION_KEY))
        .or_else(|| sources.given(&key::ENCRYPTION_KEY))
}

/// A list in the file is a list of whole keys, commas and all.
fn list(given: &Given) -> String {
    match &given.value {
        Value::Text(text) => text.clone(),
        Value::List(keys) => serde_json::Value::from(keys.clone()).to_string(),
    }
}

fn noted<T>(given: &Given, parsed: Result<T, KeyError>, problems: &mut Problems) -> Option<T> {
    parsed
        .map_err(|error| problems.add(format!("{}: {error}", given.name), MAKE_ONE))
        .ok()
}
