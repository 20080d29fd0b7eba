#![doc = include_str!("../README.md")]
#![expect(
    clippy::expect_used,
    clippy::missing_panics_doc,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that cannot be set up should stop where it stands"
)]

mod accounts;
mod databases;
mod wire;

use std::sync::Arc;

use evergrant_encryption::{EncryptionKey, KeyRing, TokenCipher};
use evergrant_model::{Clock, Entropy, ManualClock, OsEntropy, Timestamp};

pub use accounts::{ExternalAccount, insert_accounts};
pub use databases::{OpenTransaction, TestDatabase, postgres_url};
pub use wire::{State as WireState, Wire};

/// 2026-01-01T00:00:00Z, where every test begins.
pub const NEW_YEAR_SECONDS: i64 = 1_767_225_600;

/// A clock that stands at the beginning of 2026.
#[must_use]
pub fn new_year() -> Arc<ManualClock> {
    Arc::new(ManualClock::new(Timestamp::from_unix_seconds(
        NEW_YEAR_SECONDS,
    )))
}

/// A cipher under a key of the tests' own.
#[must_use]
pub fn cipher() -> TokenCipher {
    let key = EncryptionKey::parse("a passphrase for tests").unwrap();
    TokenCipher::new(KeyRing::new(key, Vec::new()), Arc::new(OsEntropy))
}

/// The system's randomness, as the parameter that it is.
#[must_use]
pub fn entropy() -> Arc<dyn Entropy> {
    Arc::new(OsEntropy)
}

/// How much of something a test takes: what the environment says (`make soak`, a bug hunt), else
/// the usual.
#[must_use]
#[expect(
    clippy::disallowed_methods,
    reason = "how long a test runs is for its caller to say"
)]
pub fn number_from<N: std::str::FromStr>(variable: &str, usual: N) -> N {
    std::env::var(variable)
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(usual)
}

/// A clock as the parameter that it is.
#[must_use]
pub fn shared(clock: &Arc<ManualClock>) -> Arc<dyn Clock> {
    Arc::<ManualClock>::clone(clock)
}

/// Makes a test that runs twice, once on SQLite and once on PostgreSQL. The function takes a
/// [`TestDatabase`].
///
/// ```
/// async fn answers(database: evergrant_testkit::TestDatabase) {
///     database.store().await.ping().await.unwrap();
/// }
/// evergrant_testkit::on_both_databases!(answers);
/// ```
#[macro_export]
macro_rules! on_both_databases {
    ($($name:ident),+ $(,)?) => {$(
        mod $name {
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn on_sqlite() {
                super::$name($crate::TestDatabase::sqlite()).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn on_postgres() {
                super::$name($crate::TestDatabase::postgres().await).await;
            }
        }
    )+};
}

/// Makes a test that runs on PostgreSQL alone, for what SQLite has no counterpart of.
#[macro_export]
macro_rules! on_postgres {
    ($($name:ident),+ $(,)?) => {$(
        mod $name {
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn on_postgres() {
                super::$name($crate::TestDatabase::postgres().await).await;
            }
        }
    )+};
}

/// Makes a test that runs on SQLite alone, for what PostgreSQL has no counterpart of.
#[macro_export]
macro_rules! on_sqlite {
    ($($name:ident),+ $(,)?) => {$(
        mod $name {
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn on_sqlite() {
                super::$name($crate::TestDatabase::sqlite()).await;
            }
        }
    )+};
}
