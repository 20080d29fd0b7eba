//! A person's account at TikTok.

use serde::Deserialize;

use super::facts::PROFILE;

/// The account as `people.toml` has it.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Account {
    /// The person's id for the first app; every app gets another one.
    pub(super) open_id: String,
    /// The id for every other app.
    open_id_elsewhere: String,
    /// The id for all apps of one developer.
    pub(super) union_id: String,
    pub(super) username: String,
    pub(super) display_name: String,
    pub(super) about: String,
    #[serde(default)]
    pub(super) bio: String,
    #[serde(default)]
    pub(super) verified: bool,
    /// Unix seconds.
    pub(super) created: i64,
    pub(super) followers: i64,
    pub(super) followers_per_day: i64,
    pub(super) following: i64,
    pub(super) likes: i64,
    pub(super) likes_per_day: i64,
    pub(super) videos_every_h: i64,
    /// The videos, by number, that are for the person alone.
    pub(super) private: Option<Stretch>,
    pub(super) titles: Vec<String>,
}

/// Neighbouring videos, both ends included.
#[derive(Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Stretch {
    pub(super) from: i64,
    pub(super) to: i64,
}

impl Account {
    /// The person's id for `client`.
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
