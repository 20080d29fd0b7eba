//! `evergrant keys`: generates an encryption key, and shows which keys the stored tokens use.

use std::collections::{BTreeMap, BTreeSet};

use clap::{Args, Subcommand};
use evergrant_encryption::{EncryptionKey, TokenCipher};
use evergrant_store::{Connection, Store, TokenCopy};
use secrecy::ExposeSecret;
use serde_json::json;

use crate::failure::{Failure, Problems};
use crate::settings::{Database, Encryption, Sources};
use crate::{database, output, wiring};

/// Number of rows per query.
const PAGE: i64 = 500;

#[derive(Subcommand)]
pub(super) enum Keys {
    /// Print a new key: 32 random bytes in base64
    #[command(after_help = "Example:\n  export TOKEN_ENCRYPTION_KEY=$(evergrant keys generate)")]
    Generate,
    /// Show how many rows use each encryption key and how many cannot be decrypted
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
            Self::Generate => output::print_line(
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
        let sources = Sources::from_process(&mut problems);
        let urls = Database::read(&sources).required(&mut problems);
        let mut encryption = Encryption::read(&sources, &mut problems);
        encryption.require(&mut problems);
        let cipher = wiring::cipher(problems.finish_with(encryption.take_ring())?);
        let store = database::open_existing(&urls).await?;
        database::pending_migrations(&store).await?;
        let counts = RowCounts::read(&store, &cipher).await;
        store.close().await;
        let (counts, ring) = (counts?, cipher.fingerprints().collect::<Vec<_>>());
        if self.json {
            output::print_json(&counts.as_json(&ring))
        } else {
            counts.print(&ring)
        }
    }
}

/// Numbers of rows. A row whose two tokens are encrypted with different keys counts for both keys.
#[derive(Default)]
struct RowCounts {
    /// By the fingerprint of the key.
    by_key: BTreeMap<String, u64>,
    /// Rows with a token that no configured key decrypts.
    unreadable: u64,
    without_tokens: u64,
}

impl RowCounts {
    async fn read(store: &Store, cipher: &TokenCipher) -> Result<Self, Failure> {
        let (mut counts, mut after) = (Self::default(), 0);
        loop {
            let page = store
                .connections()
                .page(after, PAGE)
                .await
                .map_err(|error| database::query_failure(&error))?;
            let Some(last) = page.last() else {
                return Ok(counts);
            };
            after = last.id.get();
            let ids: Vec<_> = page.iter().map(|row| row.id).collect();
            let copies = store
                .external_rows()
                .token_copies(&ids)
                .await
                .map_err(|error| database::query_failure(&error))?;
            for row in &page {
                counts.add(row, copies.get(&row.id), cipher);
            }
        }
    }

    /// Counts a row and the copy of its tokens.
    fn add(&mut self, row: &Connection, copy: Option<&TokenCopy>, cipher: &TokenCipher) {
        let tokens = row.tokens.access.iter().chain(&row.tokens.refresh);
        let copied = copy
            .iter()
            .flat_map(|copy| copy.access.iter().chain(&copy.refresh));
        let tokens: Vec<_> = tokens.chain(copied).collect();
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

    fn rows_using(&self, key: &str) -> u64 {
        self.by_key.get(key).copied().unwrap_or_default()
    }

    fn as_json(&self, ring: &[&str]) -> serde_json::Value {
        let keys = ring
            .iter()
            .enumerate()
            .map(|(at, key)| json!({ "fingerprint": key, "current": at == 0, "rows": self.rows_using(key) }));
        json!({
            "keys": keys.collect::<Vec<_>>(),
            "unreadableRows": self.unreadable,
            "rowsWithoutTokens": self.without_tokens,
        })
    }

    fn print(&self, ring: &[&str]) -> Result<(), Failure> {
        let role = |at: usize, rows: u64| match (at, rows) {
            (0, _) => "current: encrypts and decrypts",
            (_, 0) => "previous: no row uses it; still checked at start, so keep it",
            _ => "previous: only decrypts",
        };
        let keys = ring.iter().enumerate().map(|(at, key)| {
            let rows = self.rows_using(key);
            [
                (*key).to_owned(),
                rows.to_string(),
                role(at, rows).to_owned(),
            ]
        });
        let advice = if self.unreadable > 0 {
            "add the key that encrypted them to TOKEN_ENCRYPTION_KEYS_PREVIOUS"
        } else {
            ""
        };
        let other_rows = [
            [
                "cannot be decrypted".to_owned(),
                self.unreadable.to_string(),
                advice.to_owned(),
            ],
            [
                "no tokens".to_owned(),
                self.without_tokens.to_string(),
                String::new(),
            ],
        ];
        let rows: Vec<_> = keys.chain(other_rows).collect();
        output::print_table(["KEY", "ROWS", "NOTE"], &rows)
    }
}
