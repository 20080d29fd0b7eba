//! `[refresh]`: when and how many tokens are renewed, and where renewed ones wait that the database
//! does not take.

use std::path::PathBuf;

use super::value::whole_number;
use super::{Sources, key};
use crate::failure::Problems;

const USUAL_CONCURRENCY: usize = 64;

/// When and how many tokens are renewed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refresh {
    /// How many refreshes may be under way at once at one platform.
    pub(crate) concurrency: usize,
    /// How long before its end a token is renewed; `None` leaves it to each platform.
    pub(crate) margin_seconds: Option<i64>,
    /// Where the journal of refreshes lies; `None` for no journal.
    pub(crate) data_dir: Option<PathBuf>,
}

impl Refresh {
    pub(super) fn read(sources: &Sources, problems: &mut Problems) -> Self {
        let concurrency = whole_number(
            sources.given(&key::REFRESH_CONCURRENCY),
            1..=10_000,
            "refreshes at once",
            problems,
        );
        Self {
            concurrency: concurrency
                .and_then(|number| usize::try_from(number).ok())
                .unwrap_or(USUAL_CONCURRENCY),
            margin_seconds: whole_number(
                sources.given(&key::REFRESH_MARGIN),
                0..=31_536_000,
                "seconds",
                problems,
            ),
            data_dir: sources
                .given(&key::DATA_DIR)
                .map(|given| PathBuf::from(given.text())),
        }
    }
}
