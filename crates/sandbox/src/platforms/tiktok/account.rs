//! A TikTok account.

use serde::Deserialize;

use super::profile::PROFILE;

/// An account as listed in `people.toml`.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Account {
    /// The person's id for the first client. It differs per app.
    pub(super) open_id: String,
    /// The person's id for all other clients.
    open_id_elsewhere: String,
    /// The person's id across all apps of one developer.
    pub(super) union_id: String,
    pub(super) username: String,
    pub(super) display_name: String,
    pub(super) about: String,
    #[serde(default)]
    pub(super) bio: String,
    #[serde(default)]
    pub(super) verified: bool,
    /// When the account was created, in Unix seconds.
    pub(super) created: i64,
    pub(super) followers: i64,
    pub(super) followers_per_day: i64,
    pub(super) following: i64,
    pub(super) likes: i64,
    pub(super) likes_per_day: i64,
    pub(super) videos_every_hours: i64,
    /// The numbers of the private videos, if any.
    pub(super) private: Option<VideoRange>,
    pub(super) titles: Vec<String>,
}

/// A range of video numbers, both ends included.
#[derive(Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct VideoRange {
    pub(super) from: i64,
    pub(super) to: i64,
}

impl Account {
    /// Returns the person's id for `client`.
    pub(super) fn open_id(&self, client: &str) -> &str {
        let is_first = PROFILE
            .clients
            .first()
            .is_some_and(|first| first.id == client);
        if is_first {
            &self.open_id
        } else {
            &self.open_id_elsewhere
        }
    }
}
