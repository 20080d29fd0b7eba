//! What a person published: made up from the account and the time alone, so that the same moment
//! always shows the same videos, and later moments show more of them, and a few less.

use evergrant_model::Timestamp;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::account::Account;
use super::cover;

/// A doomed video is taken down this long after it was published.
const DOOMED_AFTER_S: i64 = 20 * 86_400;

/// Every field that may be asked for.
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

/// One video.
pub(super) struct Video<'a> {
    account: &'a Account,
    /// 1 for the account's first.
    number: i64,
    pub(super) created_s: i64,
    /// Drawn once for this video; decides everything that does not depend on the time.
    dice: [u8; 32],
}

/// Every video of an account, the newest first, whoever may see it.
pub(super) fn newest(account: &Account, now: Timestamp) -> impl Iterator<Item = Video<'_>> {
    let now_s = now.unix_ms() / 1000;
    let so_far = (now_s - account.created).max(0) / (account.videos_every_h * 3600);
    (1..=so_far)
        .rev()
        .map(|number| Video::new(account, number))
        .filter(move |video| video.created_s <= now_s)
}

impl<'a> Video<'a> {
    fn new(account: &'a Account, number: i64) -> Self {
        let dice: [u8; 32] = Sha256::digest(format!("{}/video/{number}", account.open_id)).into();
        let every_s = account.videos_every_h * 3600;
        let [early, ..] = dice.map(i64::from);
        Self {
            account,
            number,
            created_s: account.created + number * every_s + early * every_s / 512,
            dice,
        }
    }

    fn die(&self, die: usize) -> i64 {
        self.dice.get(die).copied().map_or(0, i64::from)
    }

    /// Nineteen digits, with the time of publication in the upper half.
    pub(super) fn id(&self) -> String {
        let low = self
            .dice
            .iter()
            .skip(1)
            .take(4)
            .fold(0, |low, byte| low << 8 | i64::from(*byte));
        (self.created_s << 32 | low).to_string()
    }

    /// Whether anybody but the person can see it.
    pub(super) fn is_public(&self, now: Timestamp) -> bool {
        let is_private = self
            .account
            .private
            .is_some_and(|some| (some.from..=some.to).contains(&self.number));
        let is_doomed = self.die(5) < 16;
        let is_gone = is_doomed && now.unix_ms() / 1000 >= self.created_s + DOOMED_AFTER_S;
        !is_private && !is_gone
    }

    /// The value of a field of [`FIELDS`].
    pub(super) fn field(&self, name: &str, base_url: &str, now: Timestamp) -> Value {
        let embed = || format!("https://www.tiktok.com/embed/v2/{}", self.id());
        match name {
            "id" => self.id().into(),
            "create_time" => self.created_s.into(),
            "cover_image_url" => cover::link(base_url, &self.id(), now).into(),
            "share_url" => format!(
                "https://www.tiktok.com/@{}/video/{}",
                self.account.username,
                self.id()
            )
            .into(),
            "title" => self.title().into(),
            "video_description" => format!("{} #{}", self.title(), self.number).into(),
            "duration" => (6 + self.die(6) % 55).into(),
            "height" => 1024.into(),
            "width" => 576.into(),
            "embed_link" => embed().into(),
            "embed_html" => format!(
                "<blockquote class=\"tiktok-embed\" cite=\"{}\"></blockquote>",
                embed()
            )
            .into(),
            "view_count" => self.views(now).into(),
            "like_count" => (self.views(now) * (4 + self.die(7) % 12) / 100).into(),
            "comment_count" => (self.views(now) / (180 + self.die(8))).into(),
            "share_count" => (self.views(now) / (260 + self.die(9))).into(),
            "is_aigc" => json!(self.die(10) < 8),
            _ => Value::Null,
        }
    }

    fn title(&self) -> &str {
        let die = usize::try_from(self.die(11)).unwrap_or_default();
        self.account
            .titles
            .get(die % self.account.titles.len().max(1))
            .map_or("", String::as_str)
    }

    /// Half of the views come in the first two days.
    fn views(&self, now: Timestamp) -> i64 {
        let age_h = (now.unix_ms() / 1000 - self.created_s).max(0) / 3600;
        let peak = if self.die(12) > 244 {
            90_000 + self.die(13) * 800
        } else {
            300 + self.die(13) * 21
        };
        peak * age_h / (age_h + 48)
    }
}
