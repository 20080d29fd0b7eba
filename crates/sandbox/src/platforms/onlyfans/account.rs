//! A person's account at OnlyFans.

use evergrant_model::Timestamp;
use serde::Deserialize;

/// The account as `people.toml` has it.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Account {
    pub(super) id: i64,
    pub(super) username: String,
    /// The person's own name.
    #[serde(skip)]
    pub(super) name: String,
    pub(super) about: String,
    #[serde(default)]
    pub(super) performer: bool,
    #[serde(default)]
    pub(super) two_factor: bool,
    /// Unix seconds.
    pub(super) joined: i64,
    pub(super) subscribers: i64,
    pub(super) subscribers_per_day: i64,
    pub(super) favorited: i64,
    pub(super) favorited_per_day: i64,
    pub(super) subscribes: i64,
    pub(super) posts_every_h: i64,
    pub(super) captions: Vec<String>,
}

/// A moment as the site writes it: in whole seconds, with an offset in digits.
pub(super) fn moment(unix_s: i64) -> String {
    let text = Timestamp::from_unix_seconds(unix_s).to_string();
    format!("{}+00:00", text.split('.').next().unwrap_or_default())
}
