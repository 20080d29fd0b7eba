#![doc = include_str!("../README.md")]
#![expect(
    clippy::expect_used,
    clippy::missing_panics_doc,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a failing test setup should stop the test at once"
)]

mod accounts;
mod cluster;
mod databases;
mod machine;
mod pooler;
mod wire;

use std::sync::Arc;

use evergrant_encryption::{EncryptionKey, KeyRing, TokenCipher};
use evergrant_model::{Clock, Entropy, ManualClock, OsEntropy, Timestamp};

pub use accounts::{ExternalAccount, insert_accounts};
pub use cluster::Cluster;
pub use databases::{OpenTransaction, TestDatabase, postgres_url};
pub use machine::MachineClock;
pub use pooler::Pooler;
pub use wire::{State as WireState, Wire};

/// Start time of the tests: 2026-01-01T00:00:00Z in Unix seconds.
pub const NEW_YEAR_SECONDS: i64 = 1_767_225_600;

/// Creates a clock that shows 2026-01-01T00:00:00Z.
#[must_use]
pub fn new_year() -> Arc<ManualClock> {
    Arc::new(ManualClock::new(Timestamp::from_unix_seconds(
        NEW_YEAR_SECONDS,
    )))
}

/// Creates a cipher with a key for tests.
#[must_use]
pub fn cipher() -> TokenCipher {
    let key = EncryptionKey::parse("a passphrase for tests").unwrap();
    TokenCipher::new(KeyRing::new(key, Vec::new()), Arc::new(OsEntropy))
}

/// Returns the entropy of the operating system as a trait object.
#[must_use]
pub fn entropy() -> Arc<dyn Entropy> {
    Arc::new(OsEntropy)
}

/// Returns the number, or path, in an environment variable, or `default`. It sets the size of tests
/// that `make soak` runs at full length.
#[must_use]
#[expect(
    clippy::disallowed_methods,
    reason = "the caller of a test sets its size"
)]
pub fn number_from<N: std::str::FromStr>(variable: &str, default: N) -> N {
    std::env::var(variable)
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(default)
}

/// Returns the clock as a trait object.
#[must_use]
pub fn shared(clock: &Arc<ManualClock>) -> Arc<dyn Clock> {
    Arc::<ManualClock>::clone(clock)
}

/// Defines tests that run on SQLite and on PostgreSQL. Each function takes a [`TestDatabase`].
///
/// ```
/// async fn responds(database: evergrant_testkit::TestDatabase) {
///     database.store().await.ping().await.unwrap();
/// }
/// evergrant_testkit::on_both_databases!(responds);
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

/// Defines tests that run only on PostgreSQL.
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

/// Defines tests that run only on SQLite.
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
