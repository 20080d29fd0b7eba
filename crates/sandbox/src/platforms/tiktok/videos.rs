//! Videos, derived from the account and the time only.
//!
//! The same time always yields the same videos. A later time yields more, and a few are removed.

use evergrant_model::Timestamp;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::account::Account;
use super::cover;

/// How long after publication some videos are taken down: 20 days.
const REMOVED_AFTER_SECONDS: i64 = 20 * 86_400;

/// The fields that can be requested.
pub(super) const FIELDS: [&str; 16] = [
    "id",
    "create_time",
    "cover_image_url",
    "share_url",
    "video_description",
    "duration",
    "height",
    "width",
    "title",
    "embed_html",
    "embed_link",
    "like_count",
    "comment_count",
    "share_count",
    "view_count",
    "is_aigc",
];

/// A video.
pub(super) struct Video<'a> {
    account: &'a Account,
    /// Sequence number. The account's first is 1.
    number: i64,
    /// When it was published, in Unix seconds.
    pub(super) created_seconds: i64,
    /// Pseudo-random bytes, constant for the video; they determine everything that does not depend
    /// on the time.
    seed: [u8; 32],
}

/// Returns the account's videos, newest first, private and removed ones included.
pub(super) fn newest(account: &Account, now: Timestamp) -> impl Iterator<Item = Video<'_>> {
    let now_seconds = now.unix_ms() / 1000;
    let count = (now_seconds - account.created).max(0) / (account.videos_every_hours * 3600);
    (1..=count)
        .rev()
        .map(|number| Video::new(account, number))
        .filter(move |video| video.created_seconds <= now_seconds)
}

impl<'a> Video<'a> {
    fn new(account: &'a Account, number: i64) -> Self {
        let seed: [u8; 32] = Sha256::digest(format!("{}/video/{number}", account.open_id)).into();
        let every_seconds = account.videos_every_hours * 3600;
        let [jitter, ..] = seed.map(i64::from);
        Self {
            account,
            number,
            created_seconds: account.created
                + number * every_seconds
                + jitter * every_seconds / 512,
            seed,
        }
    }

    fn seed_byte(&self, index: usize) -> i64 {
        self.seed.get(index).copied().map_or(0, i64::from)
    }

    /// Returns the id: 19 digits, with the time of publication in the upper 32 bits.
    pub(super) fn id(&self) -> String {
        let low = self
            .seed
            .iter()
            .skip(1)
            .take(4)
            .fold(0, |low, byte| low << 8 | i64::from(*byte));
        (self.created_seconds << 32 | low).to_string()
    }

    /// Returns whether the video is neither private nor removed.
    pub(super) fn is_public(&self, now: Timestamp) -> bool {
        let is_private = self
            .account
            .private
            .is_some_and(|some| (some.from..=some.to).contains(&self.number));
        let will_be_removed = self.seed_byte(5) < 16;
        let is_removed =
            will_be_removed && now.unix_ms() / 1000 >= self.created_seconds + REMOVED_AFTER_SECONDS;
        !is_private && !is_removed
    }

    /// Returns the value of a field listed in [`FIELDS`].
    pub(super) fn field(&self, name: &str, base_url: &str, now: Timestamp) -> Value {
        let embed = || format!("https://www.tiktok.com/embed/v2/{}", self.id());
        match name {
            "id" => self.id().into(),
            "create_time" => self.created_seconds.into(),
            "cover_image_url" => cover::link(base_url, &self.id(), now).into(),
            "share_url" => format!(
                "https://www.tiktok.com/@{}/video/{}",
                self.account.username,
                self.id()
            )
            .into(),
            "title" => self.title().into(),
            "video_description" => format!("{} #{}", self.title(), self.number).into(),
            "duration" => (6 + self.seed_byte(6) % 55).into(),
            "height" => 1024.into(),
            "width" => 576.into(),
            "embed_link" => embed().into(),
            "embed_html" => format!(
                "<blockquote class=\"tiktok-embed\" cite=\"{}\"></blockquote>",
                embed()
            )
            .into(),
            "view_count" => self.views(now).into(),
            "like_count" => (self.views(now) * (4 + self.seed_byte(7) % 12) / 100).into(),
            "comment_count" => (self.views(now) / (180 + self.seed_byte(8))).into(),
            "share_count" => (self.views(now) / (260 + self.seed_byte(9))).into(),
            "is_aigc" => json!(self.seed_byte(10) < 8),
            _ => Value::Null,
        }
    }

    fn title(&self) -> &str {
        let seed_byte = usize::try_from(self.seed_byte(11)).unwrap_or_default();
        self.account
            .titles
            .get(seed_byte % self.account.titles.len().max(1))
            .map_or("", String::as_str)
    }

    /// Returns the number of views. Half of them arrive within two days.
    fn views(&self, now: Timestamp) -> i64 {
        let age_hours = (now.unix_ms() / 1000 - self.created_seconds).max(0) / 3600;
        let peak = if self.seed_byte(12) > 244 {
            90_000 + self.seed_byte(13) * 800
        } else {
            300 + self.seed_byte(13) * 21
        };
        peak * age_hours / (age_hours + 48)
    }
}
