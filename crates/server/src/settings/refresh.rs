//! The section `[refresh]`: when tokens are refreshed, how many at once, and the folder for tokens
//! that the database does not accept.

use std::path::PathBuf;

use evergrant_model::SignedDuration;

use super::value::integer;
use super::{Sources, key};
use crate::failure::Problems;

const DEFAULT_CONCURRENCY: usize = 64;
/// One year.
const MAX_MARGIN_SECONDS: i64 = 31_536_000;

/// The settings of refreshes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refresh {
    /// Maximum number of concurrent calls to one provider.
    pub(crate) concurrency: usize,
    /// How long before its expiry a token is refreshed. `None`: depends on the provider.
    pub(crate) margin: Option<SignedDuration>,
    /// Folder of the refresh journal. `None`: no journal.
    pub(crate) data_dir: Option<PathBuf>,
}

impl Refresh {
    pub(super) fn read(sources: &Sources, problems: &mut Problems) -> Self {
        let concurrency = integer(
            sources.get(&key::REFRESH_CONCURRENCY),
            1..=10_000,
            "concurrent calls",
            problems,
        );
        let margin = integer(
            sources.get(&key::REFRESH_MARGIN),
            0..=MAX_MARGIN_SECONDS,
            "seconds",
            problems,
        );
        Self {
            concurrency: concurrency
                .and_then(|number| usize::try_from(number).ok())
                .unwrap_or(DEFAULT_CONCURRENCY),
            margin: margin.map(SignedDuration::from_secs),
            data_dir: sources
                .get(&key::DATA_DIR)
                .map(|setting| PathBuf::from(setting.text())),
        }
    }
}
