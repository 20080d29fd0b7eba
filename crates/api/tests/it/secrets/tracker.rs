//! Collects the responses of a scenario and the secrets that they may and may not contain.

use evergrant_testkit::cipher;
use secrecy::ExposeSecret;

use crate::harness::Harness;
use crate::response::{TestResponse, parameter};

/// The kind of route that a response came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Source {
    Connect,
    Callback,
    Sessions,
    Portal,
    Tokens,
    /// Any other route. Its responses may contain no secret.
    Other,
}

/// A text that may appear in the responses of one source only.
pub(super) struct Secret {
    pub(super) kind: &'static str,
    pub(super) text: String,
    pub(super) allowed_in: Source,
}

/// Columns that contain encrypted secrets: kind of secret, table, column, and where the decrypted
/// value may appear.
const ENCRYPTED_COLUMNS: [(&str, &str, &str, Source); 5] = [
    (
        "access token",
        "oauth_accounts",
        "access_token",
        Source::Tokens,
    ),
    (
        "refresh token",
        "oauth_accounts",
        "refresh_token",
        Source::Other,
    ),
    (
        "pending access token",
        "evergrant_flows",
        "access_token",
        Source::Tokens,
    ),
    (
        "pending refresh token",
        "evergrant_flows",
        "refresh_token",
        Source::Other,
    ),
    (
        "code verifier",
        "evergrant_flows",
        "pkce_verifier",
        Source::Other,
    ),
];

/// The responses of a scenario and the secrets that occurred in it.
#[derive(Default)]
pub(super) struct SecretTracker {
    pub(super) responses: Vec<(Source, TestResponse)>,
    pub(super) secrets: Vec<Secret>,
}

impl SecretTracker {
    /// Adds a response and returns it.
    pub(super) fn record(&mut self, source: Source, response: TestResponse) -> TestResponse {
        self.responses.push((source, response.clone()));
        response
    }

    /// Adds a secret that may appear only in responses of `allowed_in`.
    pub(super) fn add_secret(&mut self, kind: &'static str, text: &str, allowed_in: Source) {
        assert!(
            text.len() >= 8,
            "{kind} is too short to be searched for: {text:?}"
        );
        self.secrets.push(Secret {
            kind,
            text: text.to_owned(),
            allowed_in,
        });
    }

    /// Adds every token and verifier in the database, decrypted and encrypted.
    pub(super) async fn add_stored_secrets(&mut self, harness: &Harness) {
        for (kind, table, column, allowed_in) in ENCRYPTED_COLUMNS {
            let query = format!("SELECT {column} FROM {table} WHERE {column} IS NOT NULL");
            for ciphertext in harness.database.texts(&query).await {
                let text = cipher().decrypt_token(&ciphertext).unwrap();
                self.add_secret(kind, text.expose_secret(), allowed_in);
                self.add_secret("ciphertext", &ciphertext, Source::Other);
            }
        }
    }

    /// Adds the state and the code of a callback.
    pub(super) fn add_callback_secrets(&mut self, started: &TestResponse, path: &str) {
        self.add_secret("state", &started.text("state"), Source::Connect);
        if let Some(code) = parameter(&format!("http://localhost{path}"), "code") {
            self.add_secret("code", &code, Source::Other);
        }
    }

    /// Returns whether a response of `source` contains a secret of this kind.
    pub(super) fn has_seen(&self, kind: &str, source: Source) -> bool {
        let mut responses = self.responses.iter().filter(|(from, _)| *from == source);
        responses.any(|(_, response)| {
            let text = response.full_text();
            let mut secrets = self.secrets.iter().filter(|secret| secret.kind == kind);
            secrets.any(|secret| text.contains(&secret.text))
        })
    }
}
