//! `evergrant keys`: making a key, and seeing which rows still need which.

use std::collections::{BTreeMap, BTreeSet};

use clap::{Args, Subcommand};
use evergrant_encryption::{EncryptionKey, TokenCipher};
use evergrant_store::{Connection, Store};
use secrecy::ExposeSecret;
use serde_json::json;

use crate::failure::{Failure, Problems};
use crate::settings::{Database, Encryption, Sources};
use crate::{output, wiring};

/// How many rows are read at once.
const PAGE: i64 = 500;

#[derive(Subcommand)]
pub(super) enum Keys {
    /// Print a new key: 32 random bytes in base64
    #[command(after_help = "Example:\n  export TOKEN_ENCRYPTION_KEY=$(evergrant keys generate)")]
    Generate,
    /// Count the rows that need each key of the ring, and those that no key opens
    #[command(after_help = "Example:\n  evergrant keys status --json")]
    Status(Status),
}

#[derive(Args)]
pub(super) struct Status {
    /// Print a JSON object
    #[arg(long)]
    json: bool,
}

impl Keys {
    pub(super) async fn run(self) -> Result<(), Failure> {
        match self {
            Self::Generate => output::line(
                EncryptionKey::generate(&*wiring::entropy())
                    .to_base64()
                    .expose_secret(),
            ),
            Self::Status(status) => status.run().await,
        }
    }
}

impl Status {
    async fn run(self) -> Result<(), Failure> {
        let mut problems = Problems::default();
        let sources = Sources::of_process(&mut problems);
        let url = Database::read(&sources).required(&mut problems);
        let mut encryption = Encryption::read(&sources, &mut problems);
        encryption.require(&mut problems);
        let cipher = wiring::cipher(problems.finish_with(encryption.take_ring())?);
        let store = wiring::open_store(&url).await?;
        let counts = Counts::of(&store, &cipher).await;
        store.close().await;
        let (counts, ring) = (counts?, cipher.fingerprints().collect::<Vec<_>>());
        if self.json {
            output::json(&counts.as_json(&ring))
        } else {
            counts.print(&ring)
        }
    }
}

/// How many rows need what. One whose two tokens are under two keys needs both.
#[derive(Default)]
struct Counts {
    by_key: BTreeMap<String, u64>,
    unreadable: u64,
    without_tokens: u64,
}

impl Counts {
    async fn of(store: &Store, cipher: &TokenCipher) -> Result<Self, Failure> {
        let (mut counts, mut after) = (Self::default(), 0);
        loop {
            let page = store
                .connections()
                .page(after, PAGE)
                .await
                .map_err(|error| wiring::database_trouble(&error))?;
            let Some(last) = page.last() else {
                return Ok(counts);
            };
            after = last.id.get();
            for row in &page {
                counts.add(row, cipher);
            }
        }
    }

    fn add(&mut self, row: &Connection, cipher: &TokenCipher) {
        let tokens: Vec<_> = row
            .tokens
            .access
            .iter()
            .chain(&row.tokens.refresh)
            .collect();
        let keys: BTreeSet<_> = tokens
            .iter()
            .map(|token| cipher.key_of(token.as_str()))
            .collect();
        if tokens.is_empty() {
            self.without_tokens += 1;
        }
        if keys.contains(&None) {
            self.unreadable += 1;
        }
        for key in keys.into_iter().flatten() {
            *self.by_key.entry(key.to_owned()).or_default() += 1;
        }
    }

    fn rows_of(&self, key: &str) -> u64 {
        self.by_key.get(key).copied().unwrap_or_default()
    }

    fn as_json(&self, ring: &[&str]) -> serde_json::Value {
        let keys = ring
            .iter()
            .enumerate()
            .map(|(at, key)| json!({ "fingerprint": key, "current": at == 0, "rows": self.rows_of(key) }));
        json!({
            "keys": keys.collect::<Vec<_>>(),
            "unreadableRows": self.unreadable,
            "rowsWithoutTokens": self.without_tokens,
        })
    }

    fn print(&self, ring: &[&str]) -> Result<(), Failure> {
        let role = |at: usize, rows: u64| match (at, rows) {
            (0, _) => "current: reads and writes",
            (_, 0) => "previous: no row needs it any more",
            _ => "previous: reads",
        };
        let known = ring.iter().enumerate().map(|(at, key)| {
            let rows = self.rows_of(key);
            [
                (*key).to_owned(),
                rows.to_string(),
                role(at, rows).to_owned(),
            ]
        });
        let advice = if self.unreadable > 0 {
            "add the key that wrote them to TOKEN_ENCRYPTION_KEYS_PREVIOUS"
        } else {
            ""
        };
        let rest = [
            [
                "no key opens".to_owned(),
                self.unreadable.to_string(),
                advice.to_owned(),
            ],
            [
                "no tokens".to_owned(),
                self.without_tokens.to_string(),
                String::new(),
            ],
        ];
        output::table(["KEY", "ROWS", ""], &known.chain(rest).collect::<Vec<_>>())
    }
}
