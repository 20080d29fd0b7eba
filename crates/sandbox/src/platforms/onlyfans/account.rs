//! An OnlyFans account.

use evergrant_model::Timestamp;
use serde::Deserialize;

/// An account as listed in `people.toml`.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Account {
    pub(super) id: i64,
    pub(super) username: String,
    /// Display name, copied from the person.
    #[serde(skip)]
    pub(super) name: String,
    pub(super) about: String,
    #[serde(default)]
    pub(super) performer: bool,
    #[serde(default)]
    pub(super) two_factor: bool,
    /// When the account was created, in Unix seconds.
    pub(super) joined: i64,
    pub(super) subscribers: i64,
    pub(super) subscribers_per_day: i64,
    pub(super) favorited: i64,
    pub(super) favorited_per_day: i64,
    pub(super) subscribes: i64,
    pub(super) posts_every_hours: i64,
    pub(super) captions: Vec<String>,
}

/// Formats a time as the site does: whole seconds with a numeric offset (`+00:00`).
pub(super) fn iso_time(unix_seconds: i64) -> String {
    let text = Timestamp::from_unix_seconds(unix_seconds).to_string();
    format!("{}+00:00", text.split('.').next().unwrap_or_default())
}
